//! Follows people in chunks of the media, so that the result in a chunk depends only on the media:
//! not on where a clip was cut, nor on what was found before.
//!
//! Every chunk has its own tracker. Except for the first, a tracker starts a little earlier than
//! its chunk, while the tracker of the previous chunk is still running. In this overlap both see
//! the same frames, and two people in the same place are the same person. In the middle of the
//! overlap the joined result changes from one tracker to the other: by then the new tracker has
//! found everybody, and the old one has had time to distinguish a flash from a cut.

use super::look::Look;
use super::smooth::Sample;
use super::track::{Tracked, Tracker, Tracklet};
use crate::error::Result;
use crate::limits::LONGEST_CLIP;
use crate::time::{Instant, Span};
use crate::video::{Frame, Stretch};
use std::iter::Peekable;
use std::ops::RangeInclusive;
use std::vec::IntoIter;

/// How a media is divided.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Chunking {
    /// Length of a chunk.
    pub length: Span,
    /// How much earlier than its chunk a tracker begins.
    pub overlap: Span,
    /// A shorter remainder at the media's end belongs to the chunk before.
    pub least_rest: Span,
    /// Media up to this length are analysed as a whole.
    pub whole: Span,
}

impl Default for Chunking {
    fn default() -> Self {
        Self {
            length: Span::from_seconds(60.0),
            overlap: Span::from_seconds(2.0),
            least_rest: Span::from_seconds(5.0),
            whole: Span::from_seconds(300.0),
        }
    }
}

/// The people followed in one chunk and in the overlap before it, in the media's time.
#[derive(Debug, Clone, PartialEq)]
pub struct TrackedChunk {
    /// Number of the chunk, from 0.
    pub index: usize,
    /// Everybody in it.
    pub tracked: Tracked,
}

/// Mean distance of two bodies' joints, in body lengths, up to which they are one person in the
/// overlap.
const SAME_BODY: f64 = 0.15;

/// Confidence from which a joint is compared.
const SURE: f32 = 0.5;

/// Of the frames of the overlap, the least share in which both must be seen.
const LEAST_COMMON: f64 = 0.5;

impl Chunking {
    /// Index of the last chunk of a media that ends at `end`; 0 where the end is unknown or beyond
    /// [`LONGEST_CLIP`]: such media are not divided.
    pub fn last(&self, end: Option<Instant>) -> usize {
        let end = end.filter(|end| *end - Instant::ZERO <= LONGEST_CLIP);
        let length = end.map_or(0.0, Instant::seconds) - self.least_rest.seconds();
        // Written so that NaN gives 0.
        if length > self.length.seconds() {
            (length / self.length.seconds()).ceil() as usize - 1
        } else {
            0
        }
    }

    /// Where a chunk begins.
    pub fn start(&self, index: usize) -> Instant {
        Instant::ZERO + self.length * index as f64
    }

    /// Where the tracker of a chunk begins.
    pub fn lead(&self, index: usize) -> Instant {
        if index == 0 {
            Instant::ZERO
        } else {
            self.start(index) - self.overlap
        }
    }

    /// Where the joined result changes from the previous chunk to this one.
    fn seam(&self, index: usize) -> Instant {
        self.start(index) - self.overlap * 0.5
    }

    /// The chunk that holds an instant, in a media whose last chunk is `last`.
    pub fn holding(&self, instant: Instant, last: usize) -> usize {
        // A negative number and NaN become 0.
        ((instant.seconds() / self.length.seconds()) as usize).min(last)
    }

    /// The stretches to read for the `wanted` chunks, in rising order, of a media whose last chunk
    /// is `last`.
    pub fn stretches(&self, wanted: &[usize], last: usize) -> Vec<Stretch> {
        wanted
            .chunk_by(|a, b| *b == a + 1)
            .map(|run| {
                let (first, end) = (run[0], run[run.len() - 1]);
                Stretch {
                    from: self.lead(first),
                    to: (end < last).then(|| self.start(end + 1)),
                    restarts: run[1..].iter().map(|index| self.lead(*index)).collect(),
                }
            })
            .collect()
    }
}

/// Follows people through the wanted chunks.
///
/// Memory grows with the frames that arrive: a tracker is created when the first frame of its chunk
/// arrives.
#[derive(Debug)]
pub struct Followers {
    chunking: Chunking,
    last: usize,
    /// Chunks that have not begun yet.
    waiting: Peekable<IntoIter<usize>>,
    running: Vec<(usize, Tracker)>,
    begun: usize,
    count: usize,
}

impl Followers {
    /// Followers for the `wanted` chunks, in rising order, of a media whose last chunk is `last`.
    pub fn new(chunking: Chunking, wanted: Vec<usize>, last: usize) -> Self {
        Self {
            chunking,
            last,
            count: wanted.len(),
            waiting: wanted.into_iter().peekable(),
            running: Vec::new(),
            begun: 0,
        }
    }

    /// Follows everybody into the next frame, whose time is the media's. Returns the chunks that
    /// ended before it.
    ///
    /// # Errors
    /// Those of `look`.
    pub fn step(&mut self, look: &mut impl Look, frame: &Frame) -> Result<Vec<TrackedChunk>> {
        let done = self.take(|chunking, last, index| index < last && frame.time >= chunking.start(index + 1));
        let chunking = self.chunking;
        while let Some(index) = self.waiting.next_if(|next| frame.time >= chunking.lead(*next)) {
            self.begun += 1;
            self.running.push((index, Tracker::default()));
        }
        // If frames are far apart, a chunk can end before it began.
        let skipped = self.take(|chunking, last, index| index < last && frame.time >= chunking.start(index + 1));
        for (_, tracker) in &mut self.running {
            tracker.step(look, frame)?;
        }
        Ok(done.into_iter().chain(skipped).collect())
    }

    fn take(&mut self, over: impl Fn(&Chunking, usize, usize) -> bool) -> Vec<TrackedChunk> {
        let over = |index| over(&self.chunking, self.last, index);
        self.running
            .extract_if(.., |(index, _)| over(*index))
            .map(|(index, tracker)| TrackedChunk {
                index,
                tracked: tracker.finish(),
            })
            .collect()
    }

    /// The remaining chunks, ended by the media's end or by the end of what was read. If there are
    /// none, the next wanted chunk, empty: it stands for all that a media announces and does not
    /// have.
    pub fn finish(mut self) -> Vec<TrackedChunk> {
        let mut chunks = self.take(|_, _, _| true);
        if chunks.is_empty() {
            chunks.extend(self.waiting.next().map(|index| TrackedChunk {
                index,
                tracked: Tracked::default(),
            }));
        }
        chunks
    }

    /// The share of the wanted chunks that is done at a frame, 0 to 1; `end` is the media's end as
    /// announced.
    pub fn share(&self, time: Instant, end: Instant) -> f64 {
        let running = self.running.last().map(|(index, _)| {
            let from = self.chunking.start(*index);
            let to = if *index == self.last {
                end
            } else {
                self.chunking.start(index + 1)
            };
            let length = (to - from).seconds();
            if length > 0.0 {
                ((time - from).seconds() / length).clamp(0.0, 1.0)
            } else {
                0.0
            }
        });
        let begun = self.begun;
        match running {
            Some(share) => (begun as f64 - 1.0 + share) / self.count as f64,
            None => begun as f64 / self.count.max(1) as f64,
        }
    }
}

/// Joins the results of neighbouring chunks, in rising order, into one, without the overlap before
/// the first.
///
/// Pure: the same chunks give the same result, wherever they came from.
pub fn join(chunks: Vec<TrackedChunk>, chunking: &Chunking) -> Tracked {
    let mut chunks = chunks.into_iter();
    let Some(first) = chunks.next() else {
        return Tracked::default();
    };
    let from = chunking.start(first.index);
    let mut joined = Joined::new(since(first.tracked, from));
    for chunk in chunks {
        joined.append(chunk, chunking);
    }
    joined.finish()
}

/// The frames of `tracked` from `from` on. Somebody who is seen before and after is followed from
/// there on.
fn since(tracked: Tracked, from: Instant) -> Tracked {
    let first = tracked.times.partition_point(|time| *time < from);
    if first == 0 {
        return tracked;
    }
    let mut tracklets: Vec<Tracklet> = tracked
        .tracklets
        .into_iter()
        .filter_map(|t| moved(t, first, 0))
        .collect();
    tracklets.sort_by_key(|t| t.samples.first().map(|s| s.frame));
    Tracked {
        times: tracked.times[first..].to_vec(),
        tracklets,
        // A cut at the first frame does not count: nothing is before it.
        cuts: tracked
            .cuts
            .into_iter()
            .filter(|cut| *cut > first)
            .map(|cut| cut - first)
            .collect(),
    }
}

/// A tracklet from frame `first` on, which becomes frame `to`; `None` where nothing of it remains.
fn moved(tracklet: Tracklet, first: usize, to: usize) -> Option<Tracklet> {
    let mut samples = tracklet.samples;
    samples.retain(|sample| sample.frame >= first);
    for sample in &mut samples {
        sample.frame = sample.frame - first + to;
    }
    (!samples.is_empty()).then_some(Tracklet { samples })
}

/// The chunks joined so far, still with the last one's overlap with the next.
struct Joined {
    tracked: Tracked,
}

impl Joined {
    fn new(tracked: Tracked) -> Self {
        Self { tracked }
    }

    fn append(&mut self, chunk: TrackedChunk, chunking: &Chunking) {
        let (before, after) = (&self.tracked, &chunk.tracked);
        let seam = chunking.seam(chunk.index);
        // First frames of the new chunk's part, counted in each.
        let here = before.times.partition_point(|time| *time < seam);
        let there = after.times.partition_point(|time| *time < seam);
        let heirs = same_people(before, after, chunking.lead(chunk.index)..=chunking.start(chunk.index));

        let Tracked { times, tracklets, cuts } = &mut self.tracked;
        times.truncate(here);
        times.extend_from_slice(&after.times[there..]);
        cuts.retain(|cut| *cut < here);
        let new_cuts = chunk.tracked.cuts.iter().filter(|cut| **cut >= there);
        cuts.extend(new_cuts.map(|cut| cut - there + here).filter(|cut| *cut > 0));
        for tracklet in tracklets.iter_mut() {
            tracklet.samples.retain(|sample| sample.frame < here);
        }
        for (index, tracklet) in chunk.tracked.tracklets.into_iter().enumerate() {
            let Some(tracklet) = moved(tracklet, there, here) else {
                continue;
            };
            match heirs.iter().find(|(_, new)| *new == index) {
                // Nobody is followed across a cut: then the seam's frame is the first of a shot.
                Some((old, _)) if !cuts.contains(&here) => tracklets[*old].samples.extend(tracklet.samples),
                _ => tracklets.push(tracklet),
            }
        }
    }

    fn finish(mut self) -> Tracked {
        self.tracked.tracklets.retain(|tracklet| !tracklet.samples.is_empty());
        self.tracked
            .tracklets
            .sort_by_key(|t| t.samples.first().map(|s| s.frame));
        self.tracked
    }
}

/// Pairs of tracklets, before and after, that are the same person: close to one another in most of
/// the frames of the overlap. The closest first, each tracklet in one pair at most.
fn same_people(before: &Tracked, after: &Tracked, overlap: RangeInclusive<Instant>) -> Vec<(usize, usize)> {
    let mut pairs: Vec<(f64, usize, usize)> = Vec::new();
    for (old, a) in before.tracklets.iter().enumerate() {
        for (new, b) in after.tracklets.iter().enumerate() {
            if let Some(distance) = apart(a, &before.times, b, &after.times, &overlap)
                && distance <= SAME_BODY
            {
                pairs.push((distance, old, new));
            }
        }
    }
    // Ties are broken by the order of the tracklets.
    pairs.sort_by(|a, b| a.0.total_cmp(&b.0).then((a.1, a.2).cmp(&(b.1, b.2))));
    let mut chosen: Vec<(usize, usize)> = Vec::new();
    for (_, old, new) in pairs {
        if chosen.iter().all(|(o, n)| *o != old && *n != new) {
            chosen.push((old, new));
        }
    }
    chosen
}

/// Mean distance of two tracklets' bodies in the frames of the overlap where both are seen, body
/// lengths; `None` where there are too few of them.
fn apart(
    a: &Tracklet,
    a_times: &[Instant],
    b: &Tracklet,
    b_times: &[Instant],
    overlap: &RangeInclusive<Instant>,
) -> Option<f64> {
    let time = |sample: &Sample, times: &[Instant]| times.get(sample.frame).copied().filter(|t| overlap.contains(t));
    let (mut sum, mut common) = (0.0, 0_usize);
    let mut others = b.samples.iter().filter_map(|s| Some((time(s, b_times)?, s))).peekable();
    let of_b = others.clone().count();
    let mut of_a = 0_usize;
    for (at, sample) in a.samples.iter().filter_map(|s| Some((time(s, a_times)?, s))) {
        of_a += 1;
        while others.next_if(|(time, _)| *time < at).is_some() {}
        if let Some((_, other)) = others.next_if(|(time, _)| *time == at) {
            sum += distance(sample, other);
            common += 1;
        }
    }
    let enough = common > 0 && common as f64 >= LEAST_COMMON * of_a.min(of_b) as f64;
    enough.then(|| sum / common as f64)
}

/// Mean distance of the joints that both are sure of, or of the hips where there are none, body
/// lengths.
fn distance(a: &Sample, b: &Sample) -> f64 {
    let size = f64::from(a.size.max(b.size)).max(1.0);
    let way =
        |joint: usize| f64::from((a.joints[joint].x - b.joints[joint].x).hypot(a.joints[joint].y - b.joints[joint].y));
    let sure: Vec<usize> = (0..super::JOINTS)
        .filter(|joint| a.joints[*joint].confidence.min(b.joints[*joint].confidence) >= SURE)
        .collect();
    if sure.is_empty() {
        return way(super::Joint::MidHip as usize) / size;
    }
    sure.iter().map(|joint| way(*joint)).sum::<f64>() / sure.len() as f64 / size
}

#[cfg(test)]
#[path = "chunks_tests.rs"]
mod tests;

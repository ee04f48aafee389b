//! Chunks and their seams, with people made by hand.

use super::*;
use crate::pose::crop::Region;
use crate::pose::finder::Candidate;
use crate::pose::landmarks::Body;
use crate::pose::{JOINTS, JointPoint};
use crate::video::Picture;

fn chunking() -> Chunking {
    Chunking {
        length: Span::from_seconds(10.0),
        overlap: Span::from_seconds(2.0),
        least_rest: Span::from_seconds(1.0),
        whole: Span::from_seconds(30.0),
    }
}

fn at(seconds: f64) -> Instant {
    Instant::from_seconds(seconds)
}

#[test]
fn a_short_rest_belongs_to_the_chunk_before() {
    let last = |seconds: f64| chunking().last(Some(at(seconds)));
    assert_eq!(
        [0.5, 10.0, 11.0, 11.1, 20.9, 21.1, 61.1].map(last),
        [0, 0, 0, 1, 1, 2, 6]
    );
    assert_eq!(chunking().last(None), 0);
    assert_eq!(last(f64::NAN), 0);
    // More than a day is a damaged file, and costs no more than its real frames.
    assert_eq!([86_400.0, 86_401.0, 1e11, f64::INFINITY].map(last), [8639, 0, 0, 0]);
    let chunking = chunking();
    assert_eq!(
        [0.0, 9.999, 10.0, 25.0, 99.0].map(|t| chunking.holding(at(t), 3)),
        [0, 0, 1, 2, 3]
    );
    assert_eq!(chunking.holding(at(-1.0), 3), 0);
}

#[test]
fn missing_chunks_that_are_neighbours_are_read_in_one_go() {
    let stretches = chunking().stretches(&[0, 1, 3, 5, 6], 6);
    let expected = [
        (0.0, Some(20.0), vec![8.0]),
        (28.0, Some(40.0), vec![]),
        (48.0, None, vec![58.0]),
    ];
    assert_eq!(stretches.len(), expected.len());
    for (stretch, (from, to, restarts)) in stretches.iter().zip(expected) {
        assert_eq!(stretch.from, at(from));
        assert_eq!(stretch.to, to.map(at));
        assert_eq!(stretch.restarts, restarts.into_iter().map(at).collect::<Vec<_>>());
    }
    assert!(chunking().stretches(&[], 6).is_empty());
}

const FPS: f64 = 10.0;

/// A body `place` away from the left, seen in the frames `frames` (counted from the media's start)
/// of a chunk that begins at frame `first`.
fn tracklet(first: usize, frames: std::ops::Range<usize>, place: f32) -> Tracklet {
    let sample = |frame: usize| Sample {
        frame: frame - first,
        size: 100.0,
        joints: [JointPoint {
            x: place + frame as f32,
            y: 50.0,
            confidence: 0.9,
        }; JOINTS],
    };
    Tracklet {
        samples: frames.map(sample).collect(),
    }
}

fn chunk(index: usize, frames: std::ops::Range<usize>, tracklets: Vec<Tracklet>, cuts: Vec<usize>) -> TrackedChunk {
    TrackedChunk {
        index,
        tracked: Tracked {
            times: frames.map(|frame| at(frame as f64 / FPS)).collect(),
            tracklets,
            cuts,
        },
    }
}

fn spans(tracked: &Tracked) -> Vec<(usize, usize, f32)> {
    tracked
        .tracklets
        .iter()
        .map(|t| {
            let (first, last) = (&t.samples[0], &t.samples[t.samples.len() - 1]);
            (first.frame, last.frame, first.joints[0].x - first.frame as f32)
        })
        .collect()
}

#[test]
fn people_in_the_same_place_in_the_overlap_are_one_and_the_seam_is_in_its_middle() {
    let first = chunk(
        0,
        0..100,
        vec![
            tracklet(0, 0..100, 0.0),
            tracklet(0, 20..100, 200.0),
            // Gone before the seam; appears after it; only in the overlap.
            tracklet(0, 10..85, 400.0),
            tracklet(0, 95..100, 600.0),
        ],
        vec![30],
    );
    let second = chunk(
        1,
        80..200,
        vec![
            tracklet(80, 80..150, 203.0),
            tracklet(80, 81..200, 1.0),
            tracklet(80, 95..120, 600.0),
            tracklet(80, 80..88, 900.0),
            tracklet(80, 150..200, 700.0),
        ],
        vec![5, 70],
    );
    let joined = join(vec![first.clone(), second.clone()], &chunking());
    assert_eq!(joined.times, (0..200).map(|f| at(f as f64 / FPS)).collect::<Vec<_>>());
    assert_eq!(
        spans(&joined),
        [
            (0, 199, 0.0),
            (10, 84, 400.0),
            (20, 149, 200.0),
            (95, 119, 600.0),
            (150, 199, 700.0)
        ]
    );
    // From the seam on, the numbers are the second chunk's.
    let samples = &joined.tracklets[0].samples;
    assert_eq!((samples[89].joints[0].x, samples[90].joints[0].x), (89.0, 91.0));
    assert_eq!(
        joined.cuts,
        [30, 150],
        "frames of the second before the seam are ignored"
    );
    assert_eq!(joined, join(vec![first, second], &chunking()));
}

#[test]
fn a_part_that_begins_with_a_later_chunk_begins_at_that_chunk() {
    let second = chunk(
        1,
        80..200,
        vec![tracklet(80, 80..150, 3.0), tracklet(80, 81..90, 300.0)],
        vec![5, 20, 70],
    );
    let joined = join(vec![second], &chunking());
    assert_eq!(joined.times.first(), Some(&at(10.0)));
    assert_eq!((joined.times.len(), spans(&joined)), (100, vec![(0, 49, 103.0)]));
    assert_eq!(joined.cuts, [50]);
    assert_eq!(join(Vec::new(), &chunking()), Tracked::default());
}

#[test]
fn the_nearest_are_paired_and_nobody_goes_across_a_cut_at_the_seam() {
    let first = || {
        chunk(
            0,
            0..100,
            vec![tracklet(0, 0..100, 0.0), tracklet(0, 0..100, 8.0)],
            vec![],
        )
    };
    let second = |cuts| {
        chunk(
            1,
            80..200,
            vec![tracklet(80, 80..200, 7.0), tracklet(80, 80..200, 2.0)],
            cuts,
        )
    };
    let joined = join(vec![first(), second(vec![])], &chunking());
    assert_eq!(spans(&joined), [(0, 199, 0.0), (0, 199, 8.0)]);
    let x = |person: usize| joined.tracklets[person].samples[120].joints[0].x - 120.0;
    assert_eq!((x(0), x(1)), (2.0, 7.0));
    let cut = join(vec![first(), second(vec![10])], &chunking());
    assert_eq!(cut.cuts, [90]);
    assert_eq!(cut.tracklets.len(), 4);
}

/// A stage on which one person stands, moving to the right.
struct Stage;

impl Look for Stage {
    fn find(&mut self, _: &Picture, _: usize, _: f64) -> Result<Vec<Candidate>> {
        Ok(Vec::new())
    }
    fn look(&mut self, _: &Picture, _: Region) -> Result<Option<Body>> {
        Ok(None)
    }
}

fn frames(from: f64, to: f64) -> impl Iterator<Item = Frame> {
    let picture = Picture {
        width: 64,
        height: 36,
        rgb: vec![100; 3 * 64 * 36],
    };
    ((from * FPS).ceil() as usize..(to * FPS).ceil() as usize).map(move |frame| Frame {
        time: at(frame as f64 / FPS),
        picture: picture.clone(),
        scale: 1.0,
    })
}

/// The result of followers that read their stretches.
fn followed(wanted: &[usize], last: usize, end: f64) -> Vec<TrackedChunk> {
    let chunking = chunking();
    let mut followers = Followers::new(chunking, wanted.to_vec(), last);
    let mut chunks = Vec::new();
    let mut before = 0.0;
    for stretch in chunking.stretches(wanted, last) {
        let to = stretch.to.map_or(end, |to| to.seconds().min(end));
        for frame in frames(stretch.from.seconds(), to) {
            chunks.extend(followers.step(&mut Stage, &frame).unwrap());
            let share = followers.share(frame.time, at(end));
            assert!((before..=1.0).contains(&share), "{share} after {before}");
            before = share;
        }
    }
    chunks.extend(followers.finish());
    chunks
}

#[test]
fn each_chunk_has_its_own_frames_whatever_else_is_wanted() {
    let all = followed(&[0, 1, 2, 3], 3, 38.0);
    let spans: Vec<_> = all
        .iter()
        .map(|c| {
            (
                c.index,
                c.tracked.times[0].seconds(),
                c.tracked.times[c.tracked.times.len() - 1].seconds(),
            )
        })
        .collect();
    assert_eq!(spans, [(0, 0.0, 9.9), (1, 8.0, 19.9), (2, 18.0, 29.9), (3, 28.0, 37.9)]);
    for wanted in [&[0][..], &[1], &[3], &[0, 2], &[1, 2], &[0, 3]] {
        for chunk in followed(wanted, 3, 38.0) {
            assert_eq!(chunk, all[chunk.index], "{wanted:?}");
        }
    }
    // The media ends long before its announced duration.
    let short = followed(&[0, 1, 2, 3], 3, 15.0);
    let counts: Vec<_> = short.iter().map(|c| (c.index, c.tracked.times.len())).collect();
    assert_eq!(counts, [(0, 100), (1, 70)]);
    // Chunks beyond the media's real end cost nothing, however many are announced.
    let beyond = followed(&(5..8000).collect::<Vec<_>>(), 8000, 15.0);
    assert_eq!(
        beyond
            .iter()
            .map(|c| (c.index, c.tracked.times.len()))
            .collect::<Vec<_>>(),
        [(5, 0)]
    );
}

//! Follows everybody through the frames. Makes the decisions; does not know how people are found.
//!
//! The finder searches the whole picture at the start, every half second, after a cut, and after
//! somebody was lost. In between, each person is searched for where the previous frame left them.
//!
//! If nobody is found in the whole picture, the finder searches tiles of it. For very small people
//! the landmarks' score is unreliable: before they are lost, and for a while after that, the finder
//! searches around them, and they are followed where it agrees with the landmarks. Neither is done
//! while anybody larger is followed.

use super::crop::Region;
use super::finder::{self, Candidate, similarity};
use super::landmarks::{Body, COCO, joints};
use super::look::Look;
use super::rectangle::Rectangle;
use super::smooth::Sample;
use crate::error::Result;
use crate::limits::FOUND_AFTER;
use crate::time::{Instant, Span};
use crate::video::{Frame, Picture};

/// Most people followed at once.
const MOST_PEOPLE: usize = 4;

/// Time between two searches of the whole picture while somebody is followed, and while nobody is.
const SEARCH_PERIOD: Span = Span::from_seconds(0.5);
const EMPTY_SEARCH_PERIOD: Span = FOUND_AFTER;

/// Time between two searches of the whole picture in the finer resolution.
const FINE_SEARCH_PERIOD: Span = Span::from_seconds(2.0);
const EMPTY_FINE_SEARCH_PERIOD: Span = Span::from_seconds(0.2);

/// Time between two searches of its tiles while nobody is followed; half of it after somebody very
/// small was lost, since others may be nearby.
const TILE_SEARCH_PERIOD: Span = Span::from_seconds(1.0);

/// Longer side of the finder's picture: people nearby are found better in the coarse one.
const COARSE: usize = 256;
const FINE: usize = 512;

/// Least score of a candidate at each resolution. Low scores are safe, since the landmarks check
/// them.
const COARSE_SCORE: f64 = 0.2;
const FINE_SCORE: f64 = 0.1;

/// Share of the picture's height below which a person is far away, and is found better in the fine
/// resolution.
const FAR: f64 = 0.3;

/// Landmark score below which a person is lost.
const LEAST_SCORE: f64 = 0.5;

/// Mean visibility below which a candidate is not a person.
const LEAST_VISIBILITY: f64 = 0.4;

/// Height below which somebody is very small, pixels: a quarter of the landmark network's input.
const SMALL: f64 = 64.0;

/// Searches around somebody very small: the length of the square, in regions, and the side of the
/// finder's picture. The person is 50, 100 and 85 pixels high in them; one may find somebody whom
/// another misses. They find a walker of 35 pixels in 71 of 100 frames, and somebody at one of 35
/// places of the same pictures where there is nobody.
const AROUND: [(f64, usize); 3] = [(3.0, 192), (2.0, 256), (3.0, 320)];

/// For how long the finder goes on looking around the place where somebody very small was lost.
const LOOK_ON: Span = TILE_SEARCH_PERIOD;

/// Least score of a candidate there, and least similarity to the previous body.
const AROUND_SCORE: f64 = 0.05;
const SAME_SMALL: f64 = 0.1;

/// Share of the key points outside the picture from which a person is lost.
const MOST_OUTSIDE: f64 = 0.6;

/// Similarity from which a candidate is somebody who is already followed, and two people are one.
const SAME_CANDIDATE: f64 = 0.3;
const SAME_PERSON: f64 = 0.5;

/// The scale of the similarity, as a share of the region's size.
const SIMILARITY_SCALE: f64 = 0.4;

/// Mean difference of thumbnails, of 255, that is a cut; and the one that is a cut if everybody is
/// lost as well.
const CUT: f64 = 30.0;
const CUT_IF_LOST: f64 = 15.0;

/// A flash: within this time the picture returns to its state before, up to this difference.
const FLASH: Span = Span::from_seconds(0.25);
const AS_BEFORE: f64 = 20.0;

/// One person, followed without interruption.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Tracklet {
    /// The samples, by frame; joints and size in pixels of the source.
    pub samples: Vec<Sample>,
}

/// Everything that was followed in a clip.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Tracked {
    /// When each frame is shown.
    pub times: Vec<Instant>,
    /// People, once for each time that they were found again; none continues across a cut.
    pub tracklets: Vec<Tracklet>,
    /// First frame of each shot except the first.
    pub cuts: Vec<usize>,
}

/// Follows people from frame to frame.
#[derive(Debug, Default)]
pub struct Tracker {
    done: Tracked,
    /// The people who are followed at the current frame, the longest-followed first.
    tracks: Vec<Track>,
    /// People who are no longer followed, and were very small when last seen.
    lost: Vec<Lost>,
    thumbnail: Option<Thumbnail>,
    suspects: Vec<Suspect>,
    next_search: Instant,
    next_fine_search: Instant,
    /// When the tiles were last looked at, in this shot.
    tiles_seen: Option<Instant>,
}

#[derive(Debug)]
struct Track {
    tracklet: Tracklet,
    body: Body,
}

/// Somebody very small who is looked for where they were seen last.
#[derive(Debug)]
struct Lost {
    body: Body,
    until: Instant,
}

/// A cut that may turn out to be a flash.
#[derive(Debug)]
struct Suspect {
    frame: usize,
    before: Thumbnail,
}

impl Tracker {
    /// Follows everybody into the next frame.
    ///
    /// # Errors
    /// Those of `look`.
    pub fn step(&mut self, look: &mut impl Look, frame: &Frame) -> Result<()> {
        let (picture, time) = (&frame.picture, frame.time);
        let index = self.done.times.len();
        self.done.times.push(time);
        let thumbnail = Thumbnail::new(picture);
        let before = self.thumbnail.replace(thumbnail.clone());
        let difference = before.as_ref().map_or(0.0, |before| before.difference(&thumbnail));
        if self.flash_is_over(&thumbnail, time) {
            self.next_search = time;
        } else if difference > CUT {
            self.cut(index, before.as_ref());
        }

        let mut missed = Vec::new();
        let tracks = std::mem::take(&mut self.tracks);
        let regions: Vec<Region> = tracks.iter().map(|track| track.body.region).collect();
        for (mut track, body) in tracks.into_iter().zip(look.settle(picture, &regions)?) {
            match body {
                Some(body) if is_there(&body, picture) => {
                    track.push(index, frame.scale, body);
                    self.tracks.push(track);
                }
                _ => missed.push(track),
            }
        }
        let lost = !missed.is_empty();
        if difference < CUT_IF_LOST && self.tracks.iter().all(|track| track.body.size() < SMALL) {
            self.lost.retain(|lost| time < lost.until);
            self.follow_small(look, frame, index, missed)?;
        } else {
            self.lost.clear();
            self.done.tracklets.extend(missed.into_iter().map(|t| t.tracklet));
        }
        self.drop_doubles();
        if lost && self.tracks.is_empty() && (CUT_IF_LOST..=CUT).contains(&difference) {
            self.cut(index, before.as_ref());
        }
        if lost || time >= self.next_search {
            self.search(look, frame, index, lost)?;
        }
        Ok(())
    }

    /// The followed people.
    pub fn finish(mut self) -> Tracked {
        self.done.tracklets.extend(self.tracks.into_iter().map(|t| t.tracklet));
        self.done.tracklets.sort_by_key(|t| t.samples.first().map(|s| s.frame));
        self.done
    }

    fn cut(&mut self, index: usize, before: Option<&Thumbnail>) {
        // A shot that begins within a flash begins at the first frame in which somebody is seen.
        let times = &self.done.times;
        let nobody = self.done.tracklets.is_empty() && self.tracks.is_empty();
        if !nobody || times[index] - times[0] > FLASH {
            self.done.cuts.push(index);
        }
        self.done.tracklets.extend(self.tracks.drain(..).map(|t| t.tracklet));
        self.lost.clear();
        self.suspects.extend(before.map(|before| Suspect {
            frame: index,
            before: before.clone(),
        }));
        self.next_search = Instant::ZERO;
        self.next_fine_search = Instant::ZERO;
        self.tiles_seen = None;
    }

    /// Removes the cuts of a flash once the picture is back to what it was before; returns whether
    /// it is.
    fn flash_is_over(&mut self, now: &Thumbnail, time: Instant) -> bool {
        let times = &self.done.times;
        self.suspects.retain(|s| time - times[s.frame] <= FLASH);
        let Some(first) = self.suspects.iter().position(|s| s.before.difference(now) < AS_BEFORE) else {
            return false;
        };
        let from = self.suspects[first].frame;
        self.done.cuts.retain(|cut| *cut < from);
        self.suspects.truncate(first);
        true
    }

    /// Follows the very small ones, where nobody larger is followed: those who have just been
    /// missed, and those who were lost a moment ago. While others are followed that is done for one
    /// of them only, whom one need not find again.
    fn follow_small(&mut self, look: &mut impl Look, frame: &Frame, index: usize, missed: Vec<Track>) -> Result<()> {
        let most = if self.tracks.is_empty() { MOST_PEOPLE } else { 1 };
        let mut lost = std::mem::take(&mut self.lost);
        let mut looked = 0;
        // The longest followed first, before the others in the end as well.
        for (place, mut track) in missed.into_iter().enumerate() {
            let body = if place < most {
                looked += 1;
                small_body(look, &frame.picture, &track.body)?
            } else {
                None
            };
            match body {
                Some(body) => {
                    track.push(index, frame.scale, body);
                    self.tracks.insert(place.min(self.tracks.len()), track);
                }
                None => {
                    self.done.tracklets.push(track.tracklet);
                    if track.body.size() < SMALL {
                        self.lost.push(Lost {
                            body: track.body,
                            until: frame.time + LOOK_ON,
                        });
                    }
                }
            }
        }
        lost.truncate(most.saturating_sub(looked));
        for lost in lost {
            match small_body(look, &frame.picture, &lost.body)? {
                Some(body) => self.tracks.push(Track::new(index, frame.scale, body)),
                None => self.lost.push(lost),
            }
        }
        self.lost.truncate(most);
        Ok(())
    }

    /// If two tracks are on one person, the older one stays.
    fn drop_doubles(&mut self) {
        let mut kept: Vec<Track> = Vec::with_capacity(self.tracks.len());
        for track in std::mem::take(&mut self.tracks) {
            if kept.iter().any(|k| likeness(&k.body, &coco(&track.body)) > SAME_PERSON) {
                self.done.tracklets.push(track.tracklet);
            } else {
                kept.push(track);
            }
        }
        self.tracks = kept;
    }

    /// Searches for people who are not followed yet.
    fn search(&mut self, look: &mut impl Look, frame: &Frame, index: usize, lost: bool) -> Result<()> {
        let (picture, time) = (&frame.picture, frame.time);
        let mut candidates = look.find(picture, COARSE, COARSE_SCORE)?;
        let tallest = candidates.iter().map(Candidate::height).fold(0.0, f64::max);
        let far = tallest < FAR * picture.height as f64;
        if far && (time >= self.next_fine_search || (lost && self.tracks.is_empty())) {
            let fine = look.find(picture, FINE, FINE_SCORE)?;
            if !fine.is_empty() {
                candidates = fine;
            }
            let period = if self.tracks.is_empty() {
                EMPTY_FINE_SEARCH_PERIOD
            } else {
                FINE_SEARCH_PERIOD
            };
            self.next_fine_search = time + period;
        }
        self.take_up(look, frame, index, candidates)?;
        let period = if self.lost.is_empty() {
            TILE_SEARCH_PERIOD
        } else {
            TILE_SEARCH_PERIOD * 0.5
        };
        if self.tracks.is_empty() && self.tiles_seen.is_none_or(|seen| time - seen >= period) {
            let mut candidates = Vec::new();
            for tile in Rectangle::tiles(picture) {
                candidates.extend(look.find_in(picture, tile, FINE, FINE_SCORE)?);
            }
            self.take_up(look, frame, index, candidates)?;
            self.tiles_seen = Some(time);
        }
        let period = if self.tracks.is_empty() {
            EMPTY_SEARCH_PERIOD
        } else {
            SEARCH_PERIOD
        };
        self.next_search = time + period;
        Ok(())
    }

    /// Starts following those candidates who are there and are not followed yet.
    fn take_up(
        &mut self,
        look: &mut impl Look,
        frame: &Frame,
        index: usize,
        mut candidates: Vec<Candidate>,
    ) -> Result<()> {
        let picture = &frame.picture;
        candidates.sort_by(|a, b| b.score.total_cmp(&a.score));
        for candidate in candidates {
            if self.tracks.len() >= MOST_PEOPLE {
                break;
            }
            let followed = |points: &_| self.tracks.iter().any(|t| likeness(&t.body, points) > SAME_CANDIDATE);
            if followed(&candidate.points) {
                continue;
            }
            let Some(region) = candidate.region() else {
                continue;
            };
            let Some(body) = look.settle(picture, &[region])?.pop().flatten() else {
                continue;
            };
            let visibility = COCO.iter().map(|i| body.points[*i].visibility).sum::<f64>() / COCO.len() as f64;
            if !is_there(&body, picture) || visibility < LEAST_VISIBILITY || followed(&coco(&body)) {
                continue;
            }
            self.tracks.push(Track::new(index, frame.scale, body));
        }
        Ok(())
    }
}

impl Track {
    fn new(frame: usize, scale: f64, body: Body) -> Self {
        let mut track = Self {
            tracklet: Tracklet::default(),
            body: body.clone(),
        };
        track.push(frame, scale, body);
        track
    }

    fn push(&mut self, frame: usize, scale: f64, body: Body) {
        self.tracklet.samples.push(Sample {
            frame,
            size: (body.size() * scale) as f32,
            joints: joints(&body, scale),
        });
        self.body = body;
    }
}

/// The body of a very small person whose landmarks have just been missed. It is found where the
/// finder sees a person close to `before` and the landmarks there are sure, or agree with it.
fn small_body(look: &mut impl Look, picture: &Picture, before: &Body) -> Result<Option<Body>> {
    if before.size() >= SMALL {
        return Ok(None);
    }
    for (reach, side) in AROUND {
        let rectangle = Rectangle::around(picture, before.region, reach);
        let found = look.find_in(picture, rectangle, side, AROUND_SCORE)?;
        let alike = found
            .into_iter()
            .map(|candidate| (likeness(before, &candidate.points), candidate));
        let best = alike
            .filter(|(alike, _)| *alike > SAME_SMALL)
            .max_by(|a, b| a.0.total_cmp(&b.0));
        let Some((candidate, region)) = best.and_then(|(_, candidate)| Some((candidate.clone(), candidate.region()?)))
        else {
            continue;
        };
        if let Some(body) = look.settle(picture, &[region])?.pop().flatten()
            && is_inside(&body, picture)
            && (body.score >= LEAST_SCORE || likeness(&body, &candidate.points) > SAME_CANDIDATE)
        {
            return Ok(Some(body));
        }
    }
    Ok(None)
}

fn is_there(body: &Body, picture: &Picture) -> bool {
    body.score >= LEAST_SCORE && is_inside(body, picture)
}

fn is_inside(body: &Body, picture: &Picture) -> bool {
    let inside = |x: f64, y: f64| (0.0..picture.width as f64).contains(&x) && (0.0..picture.height as f64).contains(&y);
    let outside = coco(body).iter().filter(|(x, y)| !inside(*x, *y)).count();
    body.region.is_usable(picture) && outside as f64 <= MOST_OUTSIDE * COCO.len() as f64
}

fn coco(body: &Body) -> [(f64, f64); finder::POINTS] {
    COCO.map(|i| (body.points[i].x, body.points[i].y))
}

fn likeness(body: &Body, points: &[(f64, f64); finder::POINTS]) -> f64 {
    similarity(&coco(body), points, SIMILARITY_SCALE * body.region.size)
}

/// A picture in 32 × 18 coloured cells, for detecting shot changes.
#[derive(Debug, Clone)]
struct Thumbnail(Vec<[f32; 3]>);

impl Thumbnail {
    const COLUMNS: usize = 32;
    const ROWS: usize = 18;
    /// Pixels sampled per cell, in each direction: enough for a mean.
    const PROBES: usize = 4;

    fn new(picture: &Picture) -> Self {
        let at = |index: usize, count: usize, length: usize| (2 * index + 1) * length / (2 * count);
        let mut cells = vec![[0.0; 3]; Self::COLUMNS * Self::ROWS];
        for row in 0..Self::ROWS * Self::PROBES {
            let y = at(row, Self::ROWS * Self::PROBES, picture.height);
            for column in 0..Self::COLUMNS * Self::PROBES {
                let x = at(column, Self::COLUMNS * Self::PROBES, picture.width);
                let start = 3 * (y * picture.width + x);
                let cell = &mut cells[row / Self::PROBES * Self::COLUMNS + column / Self::PROBES];
                for (sum, value) in cell.iter_mut().zip(picture.rgb.iter().skip(start)) {
                    *sum += f32::from(*value) / (Self::PROBES * Self::PROBES) as f32;
                }
            }
        }
        Self(cells)
    }

    /// Mean difference of the colours, of 255.
    fn difference(&self, other: &Self) -> f64 {
        let (a, b) = (self.0.iter().flatten(), other.0.iter().flatten());
        a.zip(b).map(|(a, b)| f64::from((a - b).abs())).sum::<f64>() / (3 * self.0.len()) as f64
    }
}

#[cfg(test)]
#[path = "track_tests.rs"]
mod tests;

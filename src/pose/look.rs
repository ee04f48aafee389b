//! Looking at a picture: the tracker's interface to the networks.

use super::crop::Region;
use super::finder::Candidate;
use super::landmarks::Body;
use super::rectangle::Rectangle;
use crate::error::Result;
use crate::video::Picture;
use std::f64::consts::{PI, TAU};

/// If the region has moved by more than this, the crop was a bad one and is made again: share of
/// its size, radians, ratio.
const MOVED: f64 = 0.08;
const TURNED: f64 = 0.35;
const GROWN: std::ops::Range<f64> = 0.8..1.25;

/// The tracker's interface to the networks; tests replace them with hand-made people.
pub trait Look {
    /// Finds people in the picture, at a resolution of `side` pixels for its longer side, with at
    /// least the score `least`.
    fn find(&mut self, picture: &Picture, side: usize, least: f64) -> Result<Vec<Candidate>>;

    /// Finds people in a rectangle of the picture, like [`find`](Self::find), and returns their
    /// positions in the whole picture.
    fn find_in(&mut self, picture: &Picture, rectangle: Rectangle, side: usize, least: f64) -> Result<Vec<Candidate>> {
        let found = self.find(&rectangle.cut(picture), side, least)?;
        Ok(found.into_iter().map(|candidate| rectangle.place(candidate)).collect())
    }

    /// The body in a region; `None` where the output cannot be a body.
    fn look(&mut self, picture: &Picture, region: Region) -> Result<Option<Body>>;

    /// The bodies in several regions, each [settled](settle).
    fn settle(&mut self, picture: &Picture, regions: &[Region]) -> Result<Vec<Option<Body>>> {
        settle(|region| self.look(picture, region), picture, regions)
    }
}

/// The bodies in several regions, each [settled](settle_one).
pub(super) fn settle(
    mut look: impl FnMut(Region) -> Result<Option<Body>>,
    picture: &Picture,
    regions: &[Region],
) -> Result<Vec<Option<Body>>> {
    regions
        .iter()
        .map(|region| settle_one(&mut look, picture, *region))
        .collect()
}

/// The body in a region, with a second look where the region turns out to have been a bad one.
fn settle_one(
    mut look: impl FnMut(Region) -> Result<Option<Body>>,
    picture: &Picture,
    region: Region,
) -> Result<Option<Body>> {
    if !region.is_usable(picture) {
        return Ok(None);
    }
    let Some(body) = look(region)? else {
        return Ok(None);
    };
    let next = body.region;
    let moved = (next.x - region.x).hypot(next.y - region.y) / region.size;
    let turned = ((next.rotation - region.rotation + PI).rem_euclid(TAU) - PI).abs();
    let bad = moved > MOVED || turned > TURNED || !GROWN.contains(&(next.size / region.size));
    if bad
        && body.score > 0.3
        && next.is_usable(picture)
        && let Some(again) = look(next)?
        && again.score >= body.score - 0.2
    {
        return Ok(Some(again));
    }
    Ok(Some(body))
}

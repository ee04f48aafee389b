//! Checks stage results that were read from a file, which may contain anything.
//!
//! Every number has its range in [`limits`](crate::limits). An error begins with the path of the
//! field in a saved file, such as `rhythm.beats[12].time`. The ranges bound the memory and time of
//! later stages: a clip is no longer than its results, and a grid has no more steps than fit into
//! its clip.

use super::Cut;
use crate::drums::DrumGrid;
use crate::limits::{
    Allowed, BEAT_SPANS, BEATS_PER_BAR, CLIP_LENGTHS, CLIP_STARTS, CURVE_RATES, CUTS, EDGE, FRAME_RATES, FRAME_SIDES,
    LONGEST_GAP, MOVEMENTS, OFFSETS, PEOPLE, POSE_GAPS, SHARES, STEPS, STRENGTHS, TEMPI,
};
use crate::music::Music;
use crate::pose::PoseTrack;
use crate::rhythm::{self, Curve, Rhythm};
use crate::score::Score;
use crate::shown;
use crate::time::{BeatGrid, Instant, STEPS_PER_BEAT, Span};
use crate::video::Clip;

type Checked = Result<(), String>;

pub(super) fn clip(clip: &Clip) -> Checked {
    CLIP_STARTS.check("clip.start", clip.start.seconds())?;
    CLIP_LENGTHS.check("clip.duration", clip.duration.seconds())?;
    FRAME_SIDES.check("clip.width", clip.width)?;
    FRAME_SIDES.check("clip.height", clip.height)?;
    FRAME_RATES.check("clip.frame_rate", clip.frame_rate)
}

pub(super) fn cut(cut: &Cut) -> Checked {
    for (field, time) in [("cut.start", cut.start), ("cut.end", cut.end)] {
        if let Some(time) = time {
            CUTS.check(field, time.0)?;
        }
    }
    match (cut.start, cut.end) {
        (Some(start), Some(end)) if start >= end => Err(format!(
            "cut.end is {} flicks; it must be above cut.start, {} flicks",
            end.0, start.0
        )),
        _ => Ok(()),
    }
}

/// The times that lie within a clip.
fn times(duration: Span) -> Allowed<f64> {
    Allowed::new(-EDGE.seconds(), (duration + EDGE).seconds(), " s")
}

/// A clip may be only slightly longer than its results.
fn known_until(end: Instant, duration: Span, what: &str) -> Checked {
    let longest = end + LONGEST_GAP - Instant::ZERO;
    if duration <= longest {
        return Ok(());
    }
    Err(format!(
        "clip.duration is {} s; expected at most {} s, which is {} s after the last {what}",
        shown::number(duration.seconds()),
        shown::number(longest.seconds()),
        LONGEST_GAP.seconds()
    ))
}

pub(super) fn poses(track: &PoseTrack, duration: Span) -> Checked {
    PEOPLE.check("poses.people", track.people)?;
    PEOPLE.check("the number of poses.others", track.others.len())?;
    for (index, other) in track.others.iter().enumerate() {
        poses(other, duration).map_err(|e| format!("poses.others[{index}]: {e}"))?;
    }
    let times = times(duration);
    for (field, instants) in [("cuts", &track.cuts), ("handovers", &track.handovers)] {
        for (index, time) in instants.iter().enumerate() {
            times.check(format_args!("poses.{field}[{index}]"), time.seconds())?;
        }
    }
    // The joints were already checked when the track was read.
    let mut before = Instant::ZERO;
    for (index, pose) in track.poses.iter().enumerate() {
        times.check(format_args!("poses.poses[{index}].time"), pose.time.seconds())?;
        let gap = (pose.time - before).seconds();
        // The first may come with the clip's start.
        if index > 0 && !POSE_GAPS.holds(gap) || gap > POSE_GAPS.most() {
            return Err(format!(
                "poses.poses[{index}].time is {} s, {} s after the previous pose; expected {POSE_GAPS}",
                shown::number(pose.time.seconds()),
                shown::number(gap),
            ));
        }
        before = pose.time;
    }
    known_until(before, duration, "pose")
}

/// Checks beats and returns their grid; `field` gives the path of a beat from its index.
fn grid(beats: Vec<Instant>, duration: Span, list: &str, field: impl Fn(usize) -> String) -> Result<BeatGrid, String> {
    let times = times(duration);
    for (index, beat) in beats.iter().enumerate() {
        times.check(field(index), beat.seconds())?;
    }
    for (index, pair) in beats.windows(2).enumerate() {
        let span = pair[1] - pair[0];
        if !BEAT_SPANS.holds(span.seconds()) {
            return Err(format!(
                "{} is {} s, {} s after the previous beat; expected {BEAT_SPANS}, as at {TEMPI}",
                field(index + 1),
                shown::number(pair[1].seconds()),
                shown::number(span.seconds())
            ));
        }
    }
    let count = beats.len();
    BeatGrid::new(beats).ok_or_else(|| {
        format!(
            "{list} has {}; at least two, in ascending order, are needed",
            shown::count(count, "beat")
        )
    })
}

/// The steps of a grid around a clip: whole bars; the first may begin before the clip and the last
/// may end after it.
fn steps(grid: &BeatGrid, duration: Span) -> Allowed<i32> {
    let bars = 2 * i64::from(BEATS_PER_BAR.most()) * STEPS_PER_BEAT as i64;
    let (last, end) = (last(grid), Instant::ZERO + duration);
    let end = if last > end { last } else { end };
    let bounded = |step: i64| step.clamp(i64::from(STEPS.least()), i64::from(STEPS.most())) as i32;
    let first = grid.nearest_step(Instant::ZERO).min(0) - bars;
    Allowed::new(bounded(first), bounded(grid.nearest_step(end) + bars), "")
}

fn curve(curve: &Curve, values: Allowed<f64>, duration: Span, field: &str) -> Checked {
    CURVE_RATES.check(format_args!("{field}.rate"), curve.rate.hz())?;
    let length = curve.rate.instant(curve.values.len()) - Instant::ZERO;
    if length > duration + LONGEST_GAP {
        return Err(format!(
            "{field}.values has {} values, enough for {} s; expected at most those for {} s, {} s more than clip.duration",
            curve.values.len(),
            shown::number(length.seconds()),
            shown::number((duration + LONGEST_GAP).seconds()),
            LONGEST_GAP.seconds()
        ));
    }
    for (index, value) in curve.values.iter().enumerate() {
        values.check(format_args!("{field}.values[{index}]"), f64::from(*value))?;
    }
    Ok(())
}

pub(super) fn rhythm(rhythm: &Rhythm, duration: Span) -> Checked {
    BEATS_PER_BAR.check("rhythm.beats_per_bar", rhythm.beats_per_bar)?;
    let numbers = Allowed::new(1, rhythm.beats_per_bar, "");
    for (index, beat) in rhythm.beats.iter().enumerate() {
        numbers.check(format_args!("rhythm.beats[{index}].number"), beat.number)?;
    }
    let grid = grid(rhythm::instants(&rhythm.beats), duration, "rhythm.beats", |index| {
        format!("rhythm.beats[{index}].time")
    })?;
    TEMPI.check("rhythm.tempo", rhythm.tempo.bpm())?;
    if let Some(unmoved) = &rhythm.unmoved {
        let (count, expected) = (unmoved.times.len(), rhythm.beats.len());
        if count != expected {
            return Err(format!(
                "rhythm.unmoved.times has {}; expected {expected}, as many as rhythm.beats has; change both, or remove \
                 rhythm.unmoved",
                shown::count(count, "time")
            ));
        }
        self::grid(unmoved.times.clone(), duration, "rhythm.unmoved.times", |index| {
            format!("rhythm.unmoved.times[{index}]")
        })?;
        TEMPI.check("rhythm.unmoved.tempo", unmoved.tempo.bpm())?;
    }
    SHARES.check("rhythm.confidence", f64::from(rhythm.confidence))?;
    let times = times(duration);
    for (index, accent) in rhythm.accents.iter().enumerate() {
        times.check(format_args!("rhythm.accents[{index}].time"), accent.time.seconds())?;
        STRENGTHS.check(
            format_args!("rhythm.accents[{index}].strength"),
            f64::from(accent.strength),
        )?;
    }
    for (index, cut) in rhythm.cuts.iter().enumerate() {
        times.check(format_args!("rhythm.cuts[{index}]"), cut.seconds())?;
    }
    curve(&rhythm.movement, MOVEMENTS, duration, "rhythm.movement")?;
    curve(&rhythm.activation, SHARES, duration, "rhythm.activation")?;
    known_until(last(&grid), duration, "beat")
}

/// The time of the last beat.
fn last(grid: &BeatGrid) -> Instant {
    grid.beats().last().copied().unwrap_or_default()
}

pub(super) fn drums(drums: &DrumGrid, duration: Span) -> Checked {
    BEATS_PER_BAR.check("drums.beats_per_bar", drums.beats_per_bar)?;
    Allowed::new(1, drums.beats_per_bar, "").check("drums.first_beat", drums.first_beat)?;
    let grid = grid(drums.beats.clone(), duration, "drums.beats", |index| {
        format!("drums.beats[{index}]")
    })?;
    let steps = steps(&grid, duration);
    for (index, hit) in drums.hits.iter().enumerate() {
        steps.check(format_args!("drums.hits[{index}].step"), hit.step)?;
        STRENGTHS.check(format_args!("drums.hits[{index}].velocity"), f64::from(hit.velocity))?;
        OFFSETS.check(format_args!("drums.hits[{index}].offset"), f64::from(hit.offset))?;
    }
    known_until(last(&grid), duration, "beat")
}

/// Checks music on the grid of its drums, or else on that of its rhythm.
pub(super) fn music(music: &Music, rhythm: Option<&Rhythm>, drums: Option<&DrumGrid>, duration: Span) -> Checked {
    let beats = drums.map(|drums| BeatGrid::new(drums.beats.clone()));
    let grid = beats.or_else(|| rhythm.map(Rhythm::grid)).flatten();
    let steps = grid.map_or(STEPS, |grid| steps(&grid, duration));
    music.check(steps).map_err(|fault| format!("music.{fault}"))
}

pub(super) fn score(score: &Score) -> Checked {
    score.fault().map_err(|fault| format!("score.{fault}"))?;
    // Sound is rendered for the whole length.
    let last = score.tempo_map.points().last().map(|point| point.time);
    let notes = score.parts.iter().flat_map(|part| &part.notes);
    let sounds = notes.map(|note| note.onset.0.saturating_add(note.ticks)).max();
    let sounds = sounds.map(|tick| score.tempo_map.instant(crate::time::Tick(tick)));
    let end = [last, sounds]
        .into_iter()
        .flatten()
        .fold(Instant::ZERO, |a, b| if b > a { b } else { a });
    let longest = end + LONGEST_GAP - Instant::ZERO;
    if score.duration <= longest {
        return Ok(());
    }
    Err(format!(
        "score.duration is {} s; expected at most {} s, which is {} s after the last note or point of the tempo map",
        shown::number(score.duration.seconds()),
        shown::number(longest.seconds()),
        LONGEST_GAP.seconds()
    ))
}

#[cfg(test)]
mod tests {
    use super::super::composed::Composed;
    use super::*;

    /// A composition in the form in which the cache keeps it.
    fn composed(change: impl FnOnce(&mut serde_json::Value)) -> Composed<'static> {
        let golden = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/fixtures/golden/music.json");
        let text = std::fs::read_to_string(golden).expect("a saved stage");
        let mut saved: serde_json::Value = serde_json::from_str(&text).expect("JSON");
        change(&mut saved);
        let bytes = serde_json::to_vec(&saved).expect("JSON");
        serde_json::from_slice(&bytes).expect("a composition")
    }

    #[test]
    fn a_composition_in_the_cache_is_checked_as_a_saved_one() {
        let duration = Span::from_seconds(7.666);
        assert_eq!(composed(|_| ()).check(duration), Ok(()));
        let damaged = composed(|saved| saved["drums"]["hits"][0]["step"] = i32::MAX.into());
        let reported = damaged.check(duration).expect_err("no such step");
        assert!(
            reported.starts_with("drums.hits[0].step is 2147483647; expected "),
            "{reported}"
        );
        let short = composed(|_| ())
            .check(Span::from_seconds(3.0))
            .expect_err("beats beyond the clip");
        assert!(short.starts_with("rhythm.beats["), "{short}");
        let long = composed(|_| ())
            .check(Span::from_seconds(70.0))
            .expect_err("nothing for a minute");
        assert!(
            long.starts_with("clip.duration is 70 s; expected at most 67.5"),
            "{long}"
        );
    }
}

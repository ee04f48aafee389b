//! An ending that sounds intended: the last hit is on a beat that leaves room to ring out within
//! the clip.
//!
//! A clip rarely ends at the end of a bar, and drums that simply stop there sound broken off. So
//! the music ends the way a drummer would end it: everything up to the last beat is kept, the beat
//! itself has kick and crash together, and nothing follows but their ring.

use crate::drums::{DrumClass, DrumGrid, Hit};
use crate::time::{BeatGrid, STEPS_PER_BEAT, Span};

/// Minimum time to ring out, as a share of the clip, and its bounds. A crash needs about a second
/// to be heard as an ending; in a clip of a few seconds that would take too much of the music.
const ROOM_SHARE: f64 = 0.1;
const LEAST_ROOM: Span = Span::from_seconds(0.6);
const MOST_ROOM: Span = Span::from_seconds(1.0);

/// Minimum time to ring out if no beat leaves more: below this, the crash would be a click.
const SCANT_ROOM: Span = Span::from_seconds(0.25);

/// How much longer the silence may be after a downbeat, and after the strong beat in mid-bar, than
/// after a weak beat.
const DOWNBEAT_WORTH: f64 = 1.2;
const STRONG_BEAT_WORTH: f64 = 0.6;

/// Minimum time to ring out in music that answers a movement: the last movement may come at the
/// very end.
const ANSWERED_ROOM: Span = Span::from_seconds(0.3);

/// Minimum time to ring out after a strong accent: the drum itself sounds so long, and a piece that
/// stops before the last pose of a dance misses it.
const ACCENT_ROOM: Span = Span::from_seconds(0.15);

/// How much longer the silence may be in that case after a strong accent, a downbeat and another
/// beat than after an off-beat eighth.
const ACCENT_WORTH: f64 = 0.35;
const ANSWERED_DOWNBEAT_WORTH: f64 = 0.3;
const BEAT_WORTH: f64 = 0.2;

/// Bounds of the last hit's velocity, which is otherwise that of the louder hits of the piece.
const LEAST_LAST_VELOCITY: f32 = 0.55;

/// The beat on which a piece with notes up to `last_step` ends, counted from the first beat of the
/// grid; `None` if no beat leaves room.
///
/// Of the beats that leave at least 10 % of the clip (0.6 s to 1 s), it is the one with the
/// shortest silence after it, where the silence after a downbeat counts as 1.2 s shorter and that
/// after the third beat of four as 0.6 s shorter. So the piece ends on a downbeat unless that would
/// leave the end empty. If the hits stop long before the end, the piece ends at the latest on the
/// beat after the last hit.
pub(super) fn last_beat_after(last_step: i32, grid: &DrumGrid, beats: &BeatGrid, duration: Span) -> Option<i32> {
    let room = Span::from_seconds((duration.seconds() * ROOM_SHARE).clamp(LEAST_ROOM.seconds(), MOST_ROOM.seconds()));
    let bar = i32::from(grid.beats_per_bar.max(1));
    let played = last_step.div_euclid(STEPS_PER_BEAT as i32) + 1;
    [room, SCANT_ROOM].into_iter().find_map(|room| {
        let end = crate::time::Instant::ZERO + duration;
        let latest = beats.position(end - room) / STEPS_PER_BEAT as f64;
        // A tick of tolerance: a beat that leaves exactly enough time must not be lost to rounding.
        let latest = ((latest + 1e-6).floor() as i32).min(played);
        let silence = |beat: i32| (end - beats.instant(f64::from(beat) * STEPS_PER_BEAT as f64)).seconds();
        let cost = |beat: i32| {
            silence(beat)
                - match beat_number(grid, beat) {
                    1 => DOWNBEAT_WORTH,
                    3 if bar == 4 => STRONG_BEAT_WORTH,
                    _ => 0.0,
                }
        };
        (latest - bar..=latest)
            .filter(|beat| silence(*beat) < duration.seconds())
            .min_by(|a, b| cost(*a).total_cmp(&cost(*b)))
    })
}

/// The step on which a piece ends that answers a movement with strong accents on the steps
/// `strong`; `None` in the cases of [`last_beat_after`].
///
/// Of the last steps that leave 0.3 s (an accent: 0.15 s), it is the accent, beat or half beat with
/// the shortest silence after it, where the silence after an accent counts as 0.35 s shorter, after
/// a downbeat as 0.3 s shorter, and after another beat as 0.2 s shorter.
pub(super) fn last_answer_after(
    last_step: i32,
    strong: &[i32],
    grid: &DrumGrid,
    beats: &BeatGrid,
    duration: Span,
) -> Option<i32> {
    const BEAT: i32 = STEPS_PER_BEAT as i32;
    let end = crate::time::Instant::ZERO + duration;
    let played = (last_step.div_euclid(BEAT) + 1).saturating_mul(BEAT);
    let latest = |room: Span| ((beats.position(end - room) + 1e-6).floor() as i32).min(played);
    let (last_beat, latest) = (latest(ANSWERED_ROOM), latest(ACCENT_ROOM));
    let silence = |step: i32| (end - beats.instant(f64::from(step))).seconds();
    let worth = |step: i32| match step.rem_euclid(BEAT) {
        _ if strong.binary_search(&step).is_ok() => Some(ACCENT_WORTH),
        _ if step > last_beat => None,
        0 if beat_number(grid, step.div_euclid(BEAT)) == 1 => Some(ANSWERED_DOWNBEAT_WORTH),
        0 => Some(BEAT_WORTH),
        2 => Some(0.0),
        _ => None,
    };
    let bar = i32::from(grid.beats_per_bar.max(1)).saturating_mul(BEAT);
    let cost = |step: &i32| worth(*step).map(|worth| silence(*step) - worth);
    (latest.saturating_sub(bar)..=latest)
        .filter(|step| silence(*step) < duration.seconds() - ANSWERED_ROOM.seconds())
        .filter_map(|step| cost(&step).map(|cost| (step, cost)))
        .min_by(|a, b| a.1.total_cmp(&b.1))
        .map(|(step, _)| step)
        .or_else(|| last_beat_after(last_step, grid, beats, duration).map(|beat| beat.saturating_mul(BEAT)))
}

/// Position in its bar, from 1, of a beat counted from the first of the grid.
pub fn beat_number(grid: &DrumGrid, beat: i32) -> u8 {
    let bar = i32::from(grid.beats_per_bar.max(1));
    ((i32::from(grid.first_beat) - 1 + beat).rem_euclid(bar) + 1) as u8
}

/// The hits before a step, unchanged, followed by kick and crash on that step.
pub(super) fn ending_on(step: i32, grid: &DrumGrid) -> Vec<Hit> {
    let mut hits: Vec<Hit> = grid
        .hits
        .iter()
        .copied()
        // A hit at or after the last step that is played early would be heard as a flam with the
        // last hit.
        .filter(|hit| hit.step < step)
        .collect();
    let velocity = loud(&grid.hits).clamp(LEAST_LAST_VELOCITY, 1.0);
    // If an accent is answered there, the last hit has the answer's time.
    let mut there = grid.hits.iter().filter(|hit| hit.step == step);
    let offset = there
        .find(|hit| hit.class == DrumClass::Kick)
        .map_or(0.0, |hit| hit.offset);
    hits.extend([DrumClass::Kick, DrumClass::Crash].map(|class| Hit {
        step,
        class,
        velocity,
        offset,
    }));
    hits
}

/// The 90th percentile of the velocities.
fn loud(hits: &[Hit]) -> f32 {
    let mut velocities: Vec<f32> = hits.iter().map(|hit| hit.velocity).collect();
    velocities.sort_by(f32::total_cmp);
    velocities.get(velocities.len() * 9 / 10).copied().unwrap_or(0.0)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::time::Instant;

    fn last_step(grid: &DrumGrid) -> i32 {
        grid.hits.iter().map(|hit| hit.step).max().expect("a hit")
    }

    fn last_beat(grid: &DrumGrid, beats: &BeatGrid, duration: Span) -> Option<i32> {
        last_beat_after(last_step(grid), grid, beats, duration)
    }

    fn last_answer(strong: &[i32], grid: &DrumGrid, beats: &BeatGrid, duration: Span) -> Option<i32> {
        last_answer_after(last_step(grid), strong, grid, beats, duration)
    }

    fn grid(bpm: f64, beats: usize, hits: Vec<Hit>) -> DrumGrid {
        DrumGrid {
            beats: (0..beats)
                .map(|b| Instant::from_seconds(b as f64 * 60.0 / bpm))
                .collect(),
            first_beat: 1,
            beats_per_bar: 4,
            style: "rock".to_owned(),
            hits,
        }
    }

    fn steady(bpm: f64, beats: usize) -> DrumGrid {
        let hits = (0..beats as i32 * 4)
            .map(|step| Hit {
                step,
                class: DrumClass::ClosedHat,
                velocity: 0.6,
                offset: 0.0,
            })
            .collect();
        grid(bpm, beats, hits)
    }

    fn last(grid: &DrumGrid, seconds: f64) -> Option<i32> {
        let beats = BeatGrid::new(grid.beats.clone()).expect("beats");
        last_beat(grid, &beats, Span::from_seconds(seconds))
    }

    #[test]
    fn a_downbeat_is_chosen_unless_it_leaves_a_long_silence() {
        // 120 beats a minute, bars at 0, 2, 4 … 14 s; the clips leave at least a second.
        let grid = steady(120.0, 40);
        assert_eq!(last(&grid, 15.0), Some(28), "the downbeat at 14.0 s leaves just enough");
        assert_eq!(last(&grid, 15.6), Some(28), "rather than the weak beat at 14.5 s");
        assert_eq!(
            last(&grid, 16.1),
            Some(30),
            "the strong beat at 15.0 s rather than 2.1 s of silence"
        );
        assert_eq!(last(&grid, 16.6), Some(30), "and rather than the weak beat at 15.5 s");
        assert_eq!(
            last(&grid, 14.9),
            Some(26),
            "13.0 s: after 14.0 s there is not enough room"
        );
    }

    #[test]
    fn short_clips_and_early_stops() {
        assert_eq!(last(&steady(120.0, 5), 2.0), Some(2), "1.0 s");
        assert_eq!(last(&steady(60.0, 5), 2.0), Some(1), "1.0 s");
        assert_eq!(
            last(&steady(120.0, 5), 0.7),
            None,
            "an ending on the very first beat is not allowed"
        );
        let stopped = steady(120.0, 8);
        assert_eq!(
            last(&stopped, 60.0),
            Some(8),
            "the beat after the last hit, not a minute later"
        );
    }

    #[test]
    fn a_piece_that_answers_a_movement_ends_near_the_end_and_on_a_strong_accent_if_it_can() {
        // 120 beats a minute, a step is 125 ms.
        let grid = steady(120.0, 40);
        let beats = BeatGrid::new(grid.beats.clone()).expect("beats");
        let last = |strong: &[i32], seconds| last_answer(strong, &grid, &beats, Span::from_seconds(seconds));
        assert_eq!(last(&[], 15.3), Some(30 * 4), "the beat at 15.0 s leaves 0.3 s");
        assert_eq!(
            last(&[], 15.2),
            Some(29 * 4 + 2),
            "15.0 s leaves too little; half a beat before it is near"
        );
        assert_eq!(last(&[], 14.8), Some(29 * 4), "the beat at 14.5 s");
        assert_eq!(
            last(&[], 14.4),
            Some(28 * 4),
            "rather the downbeat at 14.0 s than nearer"
        );
        assert_eq!(
            last(&[115], 14.8),
            Some(115),
            "an accent at 14.375 s before the beat at 14.5 s"
        );
        assert_eq!(
            last(&[100], 14.8),
            Some(29 * 4),
            "an accent at 12.5 s is too long before"
        );
        assert_eq!(last(&[119], 15.05), Some(119), "an accent leaves 0.175 s");
        assert_eq!(last(&[], 15.05), Some(29 * 4 + 2), "no beat does");
        assert_eq!(last(&[119], 15.0), Some(29 * 4), "0.125 s are too short for a drum");
        let short = steady(120.0, 4);
        let beats = BeatGrid::new(short.beats.clone()).expect("beats");
        let stopped = last_answer(&[], &short, &beats, Span::from_seconds(60.0));
        assert_eq!(stopped, Some(16), "the beat after the last hit");
    }

    #[test]
    fn the_ending_replaces_everything_after_it() {
        let grid = steady(120.0, 40);
        let beats = BeatGrid::new(grid.beats.clone()).expect("beats");
        let beat = last_beat(&grid, &beats, Span::from_seconds(15.0)).expect("a beat");
        let hits = ending_on(beat * STEPS_PER_BEAT as i32, &grid);
        let (before, ending) = hits.split_at(hits.len() - 2);
        assert_eq!(before.len(), 28 * 4);
        assert!(before.iter().all(|hit| hit.step < 28 * 4));
        assert_eq!(
            ending.iter().map(|h| h.class).collect::<Vec<_>>(),
            [DrumClass::Kick, DrumClass::Crash]
        );
        assert!(
            ending
                .iter()
                .all(|h| h.step == 28 * 4 && h.offset == 0.0 && h.velocity >= 0.6)
        );
    }
}

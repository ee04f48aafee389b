//! Drum grid to score.

use super::ending::{beat_number, with_ending};
use super::kits::{DRUM_BANK, kit_for_style, kit_program};
use super::{DRUM_CHANNEL, Note, Part, Score, TimeSignature};
use crate::drums::{DrumClass, DrumGrid, Hit};
use crate::error::{Error, Result};
use crate::time::{
    BeatGrid, Instant, STEPS_PER_BEAT, Span, TICKS_PER_BEAT, TICKS_PER_STEP, TempoMap, TempoPoint, Tick,
};

/// Name of the drum part, its MIDI track and its stem.
pub const DRUM_PART: &str = "drums";

/// A score of the drums alone, `duration` long, with an [ending](super::ending) arranged for that length.
///
/// The tempo map has a point at each beat; tick 0 is the clip's start. What lies before the first downbeat is a pick-up
/// bar with a signature of its own, so that bar lines fall on downbeats. Where the clip begins between two beats, the
/// pick-up's first beat is as much shorter or longer as it must be.
///
/// `kit` is one of [`KITS`](crate::settings::KITS); `None` takes the one that suits the grid's style.
///
/// # Errors
/// [`Error::Sound`] when the grid has fewer than two beats, its beats do not rise, `beats_per_bar` is 0, or the clip has
/// no length; [`Error::SettingValue`] when `kit` is no kit.
pub fn from_drums(grid: &DrumGrid, duration: Span, kit: Option<&str>) -> Result<Score> {
    let unfit = |reason: String| Error::Sound { reason };
    let beats = BeatGrid::new(grid.beats.clone()).ok_or_else(|| {
        unfit(format!(
            "the drum grid has {} beats; at least two that rise in time are needed",
            grid.beats.len()
        ))
    })?;
    if grid.beats_per_bar == 0 {
        return Err(unfit(
            "the drum grid has 0 beats in a bar; at least 1 is needed".to_owned(),
        ));
    }
    if !(duration > Span::ZERO && duration.seconds().is_finite()) {
        return Err(unfit(format!(
            "a score of {} s; it must be longer than 0 s",
            duration.seconds()
        )));
    }
    let kit = kit.unwrap_or_else(|| kit_for_style(&grid.style));
    let program = kit_program(kit).ok_or_else(|| Error::SettingValue {
        key: "drums.kit".to_owned(),
        value: kit.to_owned(),
        allowed: crate::settings::KITS.join("|"),
        nearest: None,
    })?;

    let first = first_beat(&beats);
    let tempo_map = tempo_map(&beats, first, duration)
        .ok_or_else(|| unfit("the drum grid's beats give no tempo map".to_owned()))?;
    let notes = notes(&with_ending(grid, &beats, duration), &beats, &tempo_map, duration);
    let score = Score {
        signatures: signatures(grid, first),
        tempo_map,
        parts: vec![Part {
            name: DRUM_PART.to_owned(),
            channel: DRUM_CHANNEL,
            bank: DRUM_BANK,
            program,
            notes,
        }],
        duration,
    };
    score.check()?;
    Ok(score)
}

/// The beat, counted from the first of the grid, that tick 0 stands for.
///
/// The beats go on before the first at its interval. If the clip's start lies between two of them, the part up to the
/// next is a beat of its own (shorter than the others), unless it is less than half a beat and followed by another beat
/// that is no more than a continuation: then the two are one, longer than the others.
fn first_beat(beats: &BeatGrid) -> i32 {
    let start = beats.position(Instant::ZERO) / STEPS_PER_BEAT as f64;
    let nearest = start.round();
    if (start - nearest).abs() * f64::from(TICKS_PER_BEAT) < 0.5 {
        return nearest as i32;
    }
    let next = start.floor() as i32 + 1;
    if f64::from(next) - start < 0.5 && next < 0 {
        next
    } else {
        next - 1
    }
}

fn tempo_map(beats: &BeatGrid, first: i32, duration: Span) -> Option<TempoMap> {
    let mut points = vec![TempoPoint {
        tick: Tick(0),
        time: Instant::ZERO,
    }];
    let end = Instant::ZERO + duration;
    let last = i32::try_from(beats.beats().len()).ok()? - 1;
    // At least one beat, and none that lies wholly after the clip.
    for beat in first + 1..=last.max(first + 1) {
        points.push(TempoPoint {
            tick: Tick(u32::try_from(beat - first).ok()?.checked_mul(TICKS_PER_BEAT)?),
            time: beats.instant(f64::from(beat) * STEPS_PER_BEAT as f64),
        });
        if points.last().is_some_and(|point| point.time >= end) {
            break;
        }
    }
    TempoMap::new(points)
}

fn signatures(grid: &DrumGrid, first: i32) -> Vec<TimeSignature> {
    let bar = grid.beats_per_bar;
    let full = |tick| TimeSignature { tick, beats: bar };
    match (bar + 1 - beat_number(grid, first)) % bar {
        0 => vec![full(Tick(0))],
        pick_up => vec![
            TimeSignature {
                tick: Tick(0),
                beats: pick_up,
            },
            full(Tick(u32::from(pick_up) * TICKS_PER_BEAT)),
        ],
    }
}

/// How long a drum is held if nothing cuts it. Drums ring on by themselves; lengths matter to the cymbals and to
/// players that read the MIDI file.
fn held(class: DrumClass) -> u32 {
    match class {
        DrumClass::OpenHat => 2 * TICKS_PER_BEAT,
        DrumClass::Crash => 4 * TICKS_PER_BEAT,
        DrumClass::Ride => TICKS_PER_BEAT,
        _ => TICKS_PER_STEP,
    }
}

fn is_hat(class: DrumClass) -> bool {
    matches!(class, DrumClass::ClosedHat | DrumClass::OpenHat)
}

/// Whether a hit of the second class ends the sound of the first: the same drum, or the other state of the hi-hat.
fn cuts(sounding: DrumClass, struck: DrumClass) -> bool {
    sounding == struck || (is_hat(sounding) && is_hat(struck))
}

fn notes(hits: &[Hit], beats: &BeatGrid, tempo_map: &TempoMap, duration: Span) -> Vec<Note> {
    let end = tempo_map.tick(Instant::ZERO + duration);
    let mut struck: Vec<(Tick, DrumClass, u8)> = hits
        .iter()
        .filter_map(|hit| {
            let place = beats.instant(f64::from(hit.step));
            let onset = beats.instant(f64::from(hit.step) + f64::from(hit.offset));
            // A hit that belongs to the clip's very start may be played early; it is then played at the start.
            let inside = (onset >= Instant::ZERO || place >= Instant::ZERO) && hit.velocity > 0.0;
            let tick = tempo_map.tick(onset);
            let velocity = (hit.velocity * 127.0).round().clamp(1.0, 127.0) as u8;
            (inside && tick < end).then_some((tick, hit.class, velocity))
        })
        .collect();
    // Where one drum, or both states of the hi-hat, would sound at once, the louder hit is played.
    struck.sort_by_key(|(tick, class, velocity)| (*tick, is_hat(*class), class.pitch(), std::cmp::Reverse(*velocity)));
    let mut kept: Vec<(Tick, DrumClass, u8)> = Vec::with_capacity(struck.len());
    for hit in struck {
        match kept.last_mut() {
            Some(last) if last.0 == hit.0 && cuts(last.1, hit.1) => {
                if hit.2 > last.2 {
                    *last = hit;
                }
            }
            _ => kept.push(hit),
        }
    }
    let mut notes: Vec<Note> = kept
        .iter()
        .enumerate()
        .map(|(index, (onset, class, velocity))| {
            let free = onset.0.saturating_add(held(*class)).min(end.0);
            let cut = kept[index + 1..]
                .iter()
                .take_while(|(tick, ..)| tick.0 < free)
                .find(|(_, next, _)| cuts(*class, *next))
                .map_or(free, |(tick, ..)| tick.0);
            Note {
                onset: *onset,
                ticks: (cut - onset.0).max(1),
                pitch: class.pitch(),
                velocity: *velocity,
            }
        })
        .collect();
    notes.sort_by_key(|note| (note.onset, note.pitch));
    notes
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn hit(step: i32, class: DrumClass) -> Hit {
        Hit {
            step,
            class,
            velocity: 0.7,
            offset: 0.0,
        }
    }

    fn grid(first: f64, bpm: f64, beats: usize, first_beat: u8, hits: Vec<Hit>) -> DrumGrid {
        DrumGrid {
            beats: (0..beats)
                .map(|b| Instant::from_seconds(first + b as f64 * 60.0 / bpm))
                .collect(),
            first_beat,
            beats_per_bar: 4,
            style: "rock".to_owned(),
            hits,
        }
    }

    fn score(grid: &DrumGrid, seconds: f64) -> Score {
        from_drums(grid, Span::from_seconds(seconds), None).expect("a score")
    }

    fn bar_lines(score: &Score) -> Vec<f64> {
        let mut lines = vec![];
        for (index, signature) in score.signatures.iter().enumerate() {
            let until = score.signatures.get(index + 1).map_or(Tick(100_000), |s| s.tick);
            let mut tick = signature.tick;
            while tick < until {
                lines.push(score.tempo_map.instant(tick).seconds());
                tick = Tick(tick.0 + u32::from(signature.beats) * TICKS_PER_BEAT);
            }
        }
        lines
    }

    #[test]
    fn a_clip_that_begins_on_a_downbeat_has_no_pick_up() {
        let score = score(&grid(0.0, 120.0, 16, 1, vec![hit(0, DrumClass::Kick)]), 8.0);
        assert_eq!(
            score.signatures,
            [TimeSignature {
                tick: Tick(0),
                beats: 4
            }]
        );
        assert_eq!(score.tempo_map.points().len(), 16);
        assert_eq!(score.parts[0].notes[0].onset, Tick(0));
        assert_eq!(score.parts[0].program, 8, "a rock style is played on the room kit");
    }

    #[test]
    fn bar_lines_fall_on_downbeats_wherever_the_clip_begins() {
        for first in [0.0, 0.0004, 0.01, 0.13, 0.27, 0.5, 0.7, 0.9, 1.3, 2.6, 3.99] {
            for first_beat in 1..=4_u8 {
                let grid = grid(first, 120.0, 40, first_beat, vec![hit(0, DrumClass::Kick)]);
                let score = score(&grid, 22.0);
                let lines = bar_lines(&score);
                let downbeat = first + f64::from((5 - first_beat) % 4) * 0.5;
                assert!(
                    lines.iter().any(|line| (line - downbeat).abs() < 6e-4),
                    "first beat {first} is number {first_beat}: {lines:?}"
                );
                assert!(score.tempo_map.instant(Tick(0)) == Instant::ZERO);
                assert!(score.signatures[0].beats <= 4);
            }
        }
    }

    #[test]
    fn onsets_are_within_half_a_tick_of_the_grid() {
        let mut hits: Vec<Hit> = (-4..60).map(|step| hit(step, DrumClass::Snare)).collect();
        for (index, hit) in hits.iter_mut().enumerate() {
            hit.offset = (index % 9) as f32 / 10.0 - 0.4;
        }
        let mut grid = grid(0.8, 97.3, 20, 1, hits.clone());
        for (index, beat) in grid.beats.iter_mut().enumerate() {
            *beat += Span::from_seconds(0.02 * (index as f64).sin());
        }
        let beats = BeatGrid::new(grid.beats.clone()).expect("beats");
        let score = score(&grid, 13.0);
        let ending = score.parts[0].notes.last().expect("notes").onset;
        for hit in &hits {
            let onset = beats.instant(f64::from(hit.step) + f64::from(hit.offset));
            if score.tempo_map.tick(onset) >= Tick(ending.0 - 60) {
                continue;
            }
            let nearest = score.parts[0]
                .notes
                .iter()
                .map(|note| (score.tempo_map.instant(note.onset) - onset).seconds().abs())
                .fold(f64::MAX, f64::min);
            assert!(nearest < 0.0009, "{onset:?}: {nearest}");
        }
    }

    #[test]
    fn a_closed_hat_cuts_an_open_one() {
        let hits = vec![
            hit(0, DrumClass::OpenHat),
            hit(2, DrumClass::ClosedHat),
            hit(4, DrumClass::OpenHat),
            hit(4, DrumClass::ClosedHat),
            hit(40, DrumClass::Kick),
        ];
        let score = score(&grid(0.0, 120.0, 16, 1, hits), 8.0);
        let notes = &score.parts[0].notes;
        assert_eq!(
            (notes[0].pitch, notes[0].ticks),
            (46, 240),
            "held for half a beat, until the closed hat"
        );
        let together: Vec<_> = notes.iter().filter(|n| n.onset == Tick(480)).collect();
        assert_eq!(together.len(), 1, "a hi-hat is either open or closed");
    }

    #[test]
    fn what_lies_outside_is_left_out_and_the_very_start_is_kept() {
        let mut early = hit(0, DrumClass::Snare);
        early.offset = -0.3;
        let hits = vec![
            hit(-1, DrumClass::Kick),
            early,
            hit(4, DrumClass::Kick),
            hit(400, DrumClass::Ride),
        ];
        let score = score(&grid(0.0, 120.0, 9, 1, hits), 4.0);
        let notes = &score.parts[0].notes;
        assert_eq!((notes[0].onset, notes[0].pitch), (Tick(0), 38));
        assert!(notes.iter().all(|n| n.pitch != 51));
        assert_eq!(
            notes.iter().filter(|n| n.pitch == 36).count(),
            2,
            "beat 2 and the ending"
        );
    }

    #[test]
    fn grids_that_are_none_are_refused() {
        let good = grid(0.0, 120.0, 8, 1, vec![]);
        for beats in [vec![], vec![Instant::ZERO], vec![Instant::ZERO, Instant::ZERO]] {
            let grid = DrumGrid { beats, ..good.clone() };
            assert!(from_drums(&grid, Span::from_seconds(4.0), None).is_err());
        }
        assert!(from_drums(&good, Span::ZERO, None).is_err());
        let error = from_drums(&good, Span::from_seconds(4.0), Some("spoons")).expect_err("no kit");
        assert!(error.to_string().contains("standard|room"), "{error}");
        let three = DrumGrid {
            beats_per_bar: 0,
            ..good
        };
        assert!(from_drums(&three, Span::from_seconds(4.0), None).is_err());
    }

    proptest! {
        #[test]
        fn any_grid_gives_a_valid_score(
            first in 0.0..3.0_f64,
            gaps in prop::collection::vec(0.26..1.4_f64, 2..40),
            first_beat in 1..=4_u8,
            beats_per_bar in 3..=4_u8,
            duration in 2.0..30.0_f64,
            hits in prop::collection::vec((-20..200_i32, 0..9_usize, 0.001..1.0_f32, -0.5..0.5_f32), 0..200),
        ) {
            let mut time = first;
            let mut beats = vec![Instant::from_seconds(first)];
            for gap in gaps {
                time += gap;
                beats.push(Instant::from_seconds(time));
            }
            let hits = hits
                .into_iter()
                .map(|(step, class, velocity, offset)| Hit { step, class: DrumClass::ALL[class], velocity, offset })
                .collect();
            let grid = DrumGrid { beats, first_beat, beats_per_bar, style: "jazz".to_owned(), hits };
            let score = from_drums(&grid, Span::from_seconds(duration), None).expect("a score");
            prop_assert!(score.check().is_ok());
            // Notes of one drum never overlap.
            for pitch in 0..128 {
                let own: Vec<_> = score.parts[0].notes.iter().filter(|n| n.pitch == pitch).collect();
                prop_assert!(own.windows(2).all(|n| n[0].onset.0 + n[0].ticks <= n[1].onset.0));
            }
        }
    }
}

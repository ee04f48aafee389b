//! A score's ticks on bars and back.

use super::bars::{RemiBar, RemiNote, bpm, velocity, velocity_bin};
use super::vocabulary::DURATIONS;
use crate::error::{Error, Result};
use crate::score::{Chord, Note, Part, Score, TimeSignature};
use crate::time::{
    Instant, STEPS_PER_BEAT, TICKS_PER_BEAT, TICKS_PER_STEP, TICKS_PER_THIRTY_SECOND, Tempo, TempoMap, TempoPoint, Tick,
};

/// Beats in a bar that REMI can say.
const BEATS: std::ops::RangeInclusive<u8> = 3..=4;

/// The bars of a score, in sixteenths.
///
/// A pick-up is the end of a whole bar: in 4/4 the notes of a pick-up of one beat have the positions 12 to 15.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BarGrid {
    bars: Vec<Bar>,
    end: Tick,
}

/// A bar's place. A pick-up's bar begins before the score.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Bar {
    start: i64,
    steps: u8,
}

impl BarGrid {
    /// The bars that reach from tick 0 to the tick `end`, of which the last may go beyond it.
    ///
    /// # Errors
    /// [`Error::Sound`] when a bar has other than 3 or 4 beats (but for a pick-up, which is shorter than the bars that
    /// follow it), when a signature stands in the middle of a bar, or when there is none at tick 0.
    pub fn new(signatures: &[TimeSignature], end: Tick) -> Result<Self> {
        let unfit = |reason: String| Err(Error::Sound { reason });
        if signatures.first().is_none_or(|first| first.tick != Tick(0)) {
            return unfit("a score without a time signature at tick 0".to_owned());
        }
        let mut bars = Vec::new();
        let mut tick = 0_u32;
        for (index, signature) in signatures.iter().enumerate() {
            let next = signatures.get(index + 1);
            if signature.tick.0 != tick {
                return unfit(format!(
                    "the time signature at tick {} stands in the middle of a bar; the next begins at tick {tick}",
                    signature.tick.0
                ));
            }
            let length = |beats: u8| u32::from(beats) * TICKS_PER_BEAT;
            let pick_up = next
                .filter(|next| index == 0 && next.beats > signature.beats && next.tick.0 == length(signature.beats));
            let beats = pick_up.map_or(signature.beats, |next| next.beats);
            if !BEATS.contains(&beats) {
                return unfit(format!("bars of {beats} beats from tick {tick}; allowed are 3 and 4"));
            }
            let steps = beats * STEPS_PER_BEAT as u8;
            let until = next.map_or(end, |next| next.tick.min(end));
            while tick < until.0 {
                let after = tick.saturating_add(length(signature.beats));
                let start = i64::from(after / TICKS_PER_STEP) - i64::from(steps);
                bars.push(Bar { start, steps });
                tick = after;
            }
            if tick >= end.0 {
                break;
            }
        }
        Ok(Self { bars, end })
    }

    /// The bars of a score.
    ///
    /// # Errors
    /// As [`new`](Self::new).
    pub fn of(score: &Score) -> Result<Self> {
        Self::new(&score.signatures, score.end())
    }

    /// Number of bars.
    pub fn len(&self) -> usize {
        self.bars.len()
    }

    /// Whether there is no bar at all.
    pub fn is_empty(&self) -> bool {
        self.bars.is_empty()
    }

    /// A part on the bars: every onset on its nearest sixteenth, every length the nearest number of thirty-seconds from 1
    /// to 64, every velocity in its bin.
    ///
    /// A tempo stands at the first position, and wherever its rounded value changes. `chords` holds from which tick on
    /// which chord sounds, rising; one stands at each bar's first position, and wherever it changes.
    pub fn bars_of_part(&self, part: &Part, tempo_map: &TempoMap, chords: &[(Tick, Option<Chord>)]) -> Vec<RemiBar> {
        let mut bars: Vec<RemiBar> = self
            .bars
            .iter()
            .map(|bar| RemiBar {
                steps: bar.steps,
                ..RemiBar::default()
            })
            .collect();
        let tempi: Vec<(Tick, u8)> = tempi(tempo_map).collect();
        for (index, position, bpm) in self.laid(&tempi, 0, false) {
            bars[index].tempo.push((position, bpm));
        }
        for (index, position, chord) in self.laid(chords, None, true) {
            bars[index].chords.push((position, chord));
        }
        for note in &part.notes {
            let Some((index, position)) = self.place(note.onset) else {
                continue;
            };
            let units = (note.ticks.saturating_add(TICKS_PER_THIRTY_SECOND / 2)) / TICKS_PER_THIRTY_SECOND;
            bars[index].notes.push(RemiNote {
                position,
                pitch: note.pitch,
                velocity_bin: velocity_bin(note.velocity),
                duration: units.clamp(1, u32::from(DURATIONS)) as u8,
            });
        }
        for bar in &mut bars {
            bar.notes.sort_by_key(|note| {
                (
                    note.position,
                    note.pitch,
                    std::cmp::Reverse((note.duration, note.velocity_bin)),
                )
            });
            bar.notes.dedup_by_key(|note| (note.position, note.pitch));
        }
        bars
    }

    /// The notes of bars in ticks, by onset, then pitch; each ends where the next of its pitch begins, and where the score
    /// ends.
    ///
    /// # Errors
    /// [`Error::Sound`] when there are more bars than the score has, or one has another length than the score's.
    pub fn notes(&self, bars: &[RemiBar]) -> Result<Vec<Note>> {
        self.check(bars)?;
        let mut notes: Vec<Note> = Vec::new();
        for (place, bar) in self.bars.iter().zip(bars) {
            for note in &bar.notes {
                let onset = place.tick(note.position).filter(|onset| *onset < self.end);
                let ticks = u32::from(note.duration.max(1)) * TICKS_PER_THIRTY_SECOND;
                notes.extend(onset.map(|onset| Note {
                    onset,
                    ticks: ticks.min(self.end.0 - onset.0),
                    pitch: note.pitch,
                    velocity: velocity(note.velocity_bin),
                }));
            }
        }
        Ok(crate::score::in_turn(notes))
    }

    /// From which tick on which chord sounds, by the bars.
    ///
    /// # Errors
    /// As [`notes`](Self::notes).
    pub fn chords(&self, bars: &[RemiBar]) -> Result<Vec<(Tick, Option<Chord>)>> {
        self.check(bars)?;
        Ok(self.changes(bars.iter().map(|bar| &bar.chords)))
    }

    /// When each tick sounds, by the bars' tempi.
    ///
    /// # Errors
    /// As [`notes`](Self::notes), and when no tempo stands at the first bar's first position.
    pub fn tempo_map(&self, bars: &[RemiBar]) -> Result<TempoMap> {
        self.check(bars)?;
        let unfit = |reason: &str| Error::Sound {
            reason: reason.to_owned(),
        };
        let tempi = self.changes(bars.iter().map(|bar| &bar.tempo));
        if bars
            .first()
            .and_then(|bar| bar.tempo.first())
            .is_none_or(|(position, bpm)| *position != 0 || *bpm == 0)
        {
            return Err(unfit("no tempo at the first bar's first position"));
        }
        let mut time = Instant::ZERO;
        let mut points = vec![TempoPoint { tick: Tick(0), time }];
        for (index, (tick, bpm)) in tempi.iter().enumerate() {
            // After the last change a beat is enough: the last tempo goes on.
            let next = tempi
                .get(index + 1)
                .map_or(Tick(tick.0.saturating_add(TICKS_PER_BEAT)), |next| next.0);
            time += Tempo::from_bpm(f64::from(*bpm)).beat_span() * tick.beats_until(next);
            points.push(TempoPoint { tick: next, time });
        }
        TempoMap::new(points).ok_or_else(|| unfit("the bars' tempi give no tempo map"))
    }

    /// What holds from which tick on, where it changes; what stands before the score holds from its start.
    fn changes<'a, T: Copy + PartialEq + 'a>(&self, items: impl Iterator<Item = &'a Vec<(u8, T)>>) -> Vec<(Tick, T)> {
        let mut changes: Vec<(Tick, T)> = Vec::new();
        for (place, items) in self.bars.iter().zip(items) {
            for (position, item) in items {
                let tick = place.tick(*position).unwrap_or(Tick(0));
                match changes.last_mut() {
                    Some((last, of)) if *last == tick => *of = *item,
                    Some((_, of)) if of == item => {}
                    _ => changes.push((tick, *item)),
                }
            }
        }
        changes
    }

    /// Bar and position of what changes, from `first` on; at each bar's first position too where `each_bar` asks for it.
    fn laid<T: Copy + PartialEq>(&self, changes: &[(Tick, T)], first: T, each_bar: bool) -> Vec<(usize, u8, T)> {
        let mut laid = Vec::new();
        let mut held = first;
        let mut changes = changes
            .iter()
            .map(|(tick, of)| (i64::from(tick.nearest_step()), *of))
            .peekable();
        for (index, bar) in self.bars.iter().enumerate() {
            for position in 0..bar.steps {
                let before = held;
                // What holds from the score's start also holds in the part of a pick-up's bar before it.
                let here = (bar.start + i64::from(position)).max(0);
                while let Some((_, of)) = changes.next_if(|(step, _)| *step <= here) {
                    held = of;
                }
                let opens = position == 0 && (each_bar || index == 0);
                if opens || held != before {
                    laid.push((index, position, held));
                }
            }
        }
        laid
    }

    /// Bar and position nearest to a tick; `None` if there is no bar. What is nearest to a place after the last bar
    /// belongs to that bar's last position.
    fn place(&self, tick: Tick) -> Option<(usize, u8)> {
        let step = i64::from(tick.nearest_step());
        let index = self.bars.partition_point(|bar| bar.start <= step).checked_sub(1)?;
        let bar = self.bars[index];
        let position = (step - bar.start).min(i64::from(bar.steps) - 1);
        Some((index, position as u8))
    }

    fn check(&self, bars: &[RemiBar]) -> Result<()> {
        let unfit = |reason: String| Err(Error::Sound { reason });
        if bars.len() > self.bars.len() {
            return unfit(format!("{} bars; the score has {}", bars.len(), self.bars.len()));
        }
        match bars.iter().zip(&self.bars).position(|(a, b)| a.steps != b.steps) {
            Some(index) => unfit(format!(
                "bar {} has {} sixteenths; in the score it has {}",
                index + 1,
                bars[index].steps,
                self.bars[index].steps
            )),
            None => Ok(()),
        }
    }
}

impl Bar {
    /// The tick of a position; `None` before the score.
    fn tick(self, position: u8) -> Option<Tick> {
        let step = self.start + i64::from(position);
        u32::try_from(step).ok().map(Tick::from_step)
    }
}

/// The tempo from each point of a map on, as REMI says it.
fn tempi(tempo_map: &TempoMap) -> impl Iterator<Item = (Tick, u8)> {
    tempo_map.points().windows(2).map(|pair| {
        let beats = pair[0].tick.beats_until(pair[1].tick);
        let span = (pair[1].time - pair[0].time) * (1.0 / beats);
        (pair[0].tick, bpm(Tempo::from_beat_span(span).bpm()))
    })
}

#[cfg(test)]
mod tests {
    use super::super::{decode, encode, samples};
    use super::*;
    use crate::time::Span;
    use proptest::prelude::*;

    fn signature(tick: u32, beats: u8) -> TimeSignature {
        TimeSignature {
            tick: Tick(tick),
            beats,
        }
    }

    fn note(onset: u32, ticks: u32, pitch: u8, velocity: u8) -> Note {
        Note {
            onset: Tick(onset),
            ticks,
            pitch,
            velocity,
        }
    }

    fn part(notes: Vec<Note>) -> Part {
        Part {
            name: "piano".to_owned(),
            channel: 0,
            bank: 0,
            program: 0,
            volume: 0.0,
            pan: 0.0,
            notes,
        }
    }

    fn steady(bpm: f64) -> TempoMap {
        let point = |tick, seconds| TempoPoint {
            tick: Tick(tick),
            time: Instant::from_seconds(seconds),
        };
        TempoMap::new(vec![point(0, 0.0), point(480, 60.0 / bpm)]).expect("rising")
    }

    #[test]
    fn a_pick_up_is_the_end_of_a_bar() {
        let grid = BarGrid::new(&[signature(0, 1), signature(480, 4)], Tick(480 + 1920 + 1)).expect("bars");
        assert_eq!(grid.len(), 3);
        let part = part(vec![
            note(0, 480, 60, 65),
            note(360, 120, 62, 65),
            note(480, 960, 64, 65),
        ]);
        let bars = grid.bars_of_part(&part, &steady(120.0), &[]);
        let places: Vec<_> = bars
            .iter()
            .enumerate()
            .flat_map(|(bar, of)| of.notes.iter().map(move |n| (bar, n.position, n.duration)))
            .collect();
        assert_eq!(places, [(0, 12, 8), (0, 15, 2), (1, 0, 16)]);
        assert_eq!(bars[0].tempo, [(0, 120)], "stands where the pick-up's bar would begin");
        assert_eq!(bars[0].chords, [(0, None)]);
        assert_eq!(grid.notes(&bars).expect("notes"), part.notes);
        assert_eq!(grid.tempo_map(&bars).expect("tempi"), steady(120.0));
    }

    #[test]
    fn what_lies_off_the_grid_goes_to_its_nearest_place() {
        let grid = BarGrid::new(&[signature(0, 4)], Tick(1920)).expect("bars");
        let part = part(vec![
            note(59, 89, 60, 1),
            note(60, 5000, 60, 127),
            note(70, 91, 60, 127),
            note(1919, 1, 72, 64),
        ]);
        let bars = grid.bars_of_part(&part, &steady(97.4), &[]);
        let read: Vec<_> = bars[0]
            .notes
            .iter()
            .map(|n| (n.position, n.pitch, n.velocity_bin, n.duration))
            .collect();
        assert_eq!(
            read,
            [(0, 60, 0, 1), (1, 60, 31, 64), (15, 72, 15, 1)],
            "of two at one place the longer; what rounds beyond the last bar is its last sixteenth"
        );
        assert_eq!(bars[0].tempo, [(0, 97)]);
    }

    #[test]
    fn notes_of_one_pitch_take_turns_and_end_with_the_score() {
        let grid = BarGrid::new(&[signature(0, 4)], Tick(1800)).expect("bars");
        let at = |position, duration| RemiNote {
            position,
            pitch: 60,
            velocity_bin: 20,
            duration,
        };
        let bar = RemiBar {
            steps: 16,
            notes: vec![at(0, 64), at(4, 4), at(14, 8), at(15, 2)],
            ..RemiBar::default()
        };
        let notes = grid.notes(&[bar]).expect("notes");
        let read: Vec<_> = notes.iter().map(|n| (n.onset.0, n.ticks)).collect();
        assert_eq!(
            read,
            [(0, 480), (480, 240), (1680, 120)],
            "the last would begin at the end"
        );
    }

    #[test]
    fn chords_stand_at_every_bar_and_where_they_change() {
        let c = samples::major(0);
        let g = samples::major(7);
        let grid = BarGrid::new(&[signature(0, 3)], Tick(4320)).expect("bars");
        let chords = [(Tick(0), c), (Tick(720), g), (Tick(2880), None)];
        let bars = grid.bars_of_part(&part(vec![]), &steady(60.0), &chords);
        let read: Vec<_> = bars.iter().map(|bar| bar.chords.clone()).collect();
        assert_eq!(read, [vec![(0, c), (6, g)], vec![(0, g)], vec![(0, None)]]);
        assert_eq!(grid.chords(&bars).expect("chords"), chords);
    }

    #[test]
    fn tempi_stand_where_their_rounded_value_changes() {
        let point = |tick, seconds| TempoPoint {
            tick: Tick(tick),
            time: Instant::from_seconds(seconds),
        };
        let map = TempoMap::new(vec![
            point(0, 0.0),
            point(480, 0.5),
            point(960, 1.001),
            point(1440, 1.6),
        ])
        .expect("rising");
        let grid = BarGrid::new(&[signature(0, 4)], Tick(3840)).expect("bars");
        let bars = grid.bars_of_part(&part(vec![]), &map, &[]);
        assert_eq!(bars[0].tempo, [(0, 120), (8, 100)]);
        assert!(bars[1].tempo.is_empty(), "the last tempo goes on");
        let back = grid.tempo_map(&bars).expect("tempi");
        assert!((back.instant(Tick(960)).seconds() - 1.0).abs() < 1e-9);
        assert!((back.instant(Tick(1440)).seconds() - 1.6).abs() < 1e-9);
    }

    #[test]
    fn scores_that_remi_cannot_say_are_refused() {
        let refused = |signatures: &[TimeSignature], words: &str| {
            let error = BarGrid::new(signatures, Tick(9600)).expect_err(words).to_string();
            assert!(error.contains(words), "{error}");
        };
        refused(&[], "without a time signature");
        refused(&[signature(480, 4)], "without a time signature");
        refused(&[signature(0, 5)], "bars of 5 beats");
        refused(&[signature(0, 0)], "bars of 0 beats");
        refused(&[signature(0, 2)], "bars of 2 beats");
        refused(&[signature(0, 4), signature(960, 3)], "tick 960");
        refused(&[signature(0, 3), signature(1440, 6)], "bars of 6 beats");
        refused(&[signature(0, 4), signature(1920, 2)], "bars of 2 beats from tick 1920");
        let grid = BarGrid::new(&[signature(0, 4), signature(1920, 3)], Tick(3360)).expect("bars");
        let bar = |steps| RemiBar {
            steps,
            ..RemiBar::default()
        };
        assert!(grid.notes(&[bar(16), bar(12)]).expect("bars").is_empty());
        let error = grid.notes(&[bar(16), bar(16)]).expect_err("3/4").to_string();
        assert!(
            error.contains("bar 2 has 16 sixteenths; in the score it has 12"),
            "{error}"
        );
        let error = grid
            .chords(&[bar(16), bar(12), bar(12)])
            .expect_err("too many")
            .to_string();
        assert!(error.contains("3 bars; the score has 2"), "{error}");
        assert!(grid.tempo_map(&[bar(16)]).is_err() && grid.tempo_map(&[]).is_err());
        assert!(BarGrid::new(&[signature(0, 4)], Tick(0)).expect("none").is_empty());
    }

    proptest! {
        /// Any part of a 4/4 or 3/4 score within the grid is the same after a way through the tokens.
        #[test]
        fn parts_come_back(
            beats in 3..=4_u8,
            pick_up in 0..4_u8,
            bars in 1..9_u32,
            raw in prop::collection::vec((0..150_u32, 1..=64_u32, 0..128_u8, 0..32_u8), 0..80),
            tempi in prop::collection::btree_map(1..100_u32, 30..=209_u8, 0..4),
            chords in prop::collection::btree_map(1..100_u32, samples::chord(), 0..6),
            first in (30..=209_u8, samples::chord()),
        ) {
            let pick_up = pick_up % beats;
            let lead = u32::from(pick_up) * 480;
            let mut signatures = vec![signature(lead, beats)];
            if pick_up > 0 {
                signatures.insert(0, signature(0, pick_up));
            }
            let end = Tick(lead + bars * u32::from(beats) * 480);
            let last_step = end.0 / 120;
            let mut notes: Vec<Note> = raw
                .into_iter()
                .filter(|(step, ..)| *step < last_step)
                .map(|(step, units, pitch, bin)| note(step * 120, (units * 60).min(end.0 - step * 120), pitch, velocity(bin)))
                .collect();
            notes.sort_by_key(|n| (n.onset, n.pitch));
            notes.dedup_by_key(|n| (n.onset, n.pitch));
            let part = part(crate::score::in_turn(notes));

            // Tempi and chords that differ from the one before, on steps inside the score.
            let mut tempo = vec![(Tick(0), first.0)];
            for (step, bpm) in tempi {
                if step < last_step && tempo.last().is_some_and(|last| last.1 != bpm) {
                    tempo.push((Tick::from_step(step), bpm));
                }
            }
            let mut harmony = vec![(Tick(0), first.1)];
            for (step, chord) in chords {
                if step < last_step && harmony.last().is_some_and(|last| last.1 != chord) {
                    harmony.push((Tick::from_step(step), chord));
                }
            }
            let mut time = Instant::ZERO;
            let mut points = vec![];
            for (index, (tick, bpm)) in tempo.iter().enumerate() {
                points.push(TempoPoint { tick: *tick, time });
                let next = tempo.get(index + 1).map_or(Tick(tick.0 + 480), |next| next.0);
                time += Span::from_seconds(60.0 / f64::from(*bpm) * f64::from(next.0 - tick.0) / 480.0);
                if index + 1 == tempo.len() {
                    points.push(TempoPoint { tick: next, time });
                }
            }
            let tempo_map = TempoMap::new(points).expect("rising");

            let grid = BarGrid::new(&signatures, end).expect("bars");
            prop_assert_eq!(grid.len() as u32, bars + u32::from(pick_up > 0));
            let written = grid.bars_of_part(&part, &tempo_map, &harmony);
            let tokens = encode(&written).expect("bars");
            let read = decode(&tokens, beats * 4).expect("tokens");
            prop_assert_eq!(&read, &written);
            prop_assert_eq!(grid.notes(&read).expect("notes"), part.notes);
            prop_assert_eq!(grid.chords(&read).expect("chords"), harmony);
            let back = grid.tempo_map(&read).expect("tempi");
            for tick in (0..=end.0).step_by(240) {
                let (a, b) = (back.instant(Tick(tick)), tempo_map.instant(Tick(tick)));
                prop_assert!((a - b).seconds().abs() < 1e-9);
            }
        }
    }
}

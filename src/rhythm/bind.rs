//! Binds the beats that were found to those that a person has fixed.
//!
//! The found beats are a line on which positions are counted in beats. The bound beats are places
//! on this line: they pass through every fixed beat, the number between two of them is the one
//! whose tempo is nearest to the found one, and in between they keep the shape of the found beats.
//! Before the first fixed beat and after the last they go on at the pace that the fixed ones have
//! to each other; a single one moves all beats by the same share of a beat.
//!
//! The found beats are halved or doubled first, so that fixed beats are bound to the same line
//! whether it was found or made. Where they move only a few of its beats, the rhythm keeps the line's
//! own as well, for which the music is composed.

use super::beats::{Beat, Rhythm, UnmovedBeats, instants};
use super::fit;
use crate::limits::{BEAT_SPANS, BEATS_PER_BAR};
use crate::marks::{AccentMarks, BeatMark, Marks, SAME_ACCENT, TempoFactor};
use crate::time::{BeatGrid, Instant, STEPS_PER_BEAT, Span};

/// From how far on a beat counts as moved: a step, on which an accent may fall, is several times as
/// long.
const MOVED: Span = Span::from_seconds(0.025);

/// Pace, in seconds a beat, of fixed beats where none was found: that of 120 beats a minute.
const USUAL_SPAN: f64 = 0.5;

/// A rhythm with its accents corrected and its beats halved or doubled, as the marks ask for; they are
/// in the time of the clip.
pub(super) fn corrected(mut rhythm: Rhythm, marks: &Marks, duration: Span) -> Rhythm {
    correct(&mut rhythm, &marks.accents, duration);
    if marks.tempo_factor != TempoFactor::One {
        thread(&mut rhythm, marks.tempo_factor, &[], duration);
    }
    rhythm
}

/// A rhythm whose beats pass through those that are fixed. Beats that would leave fewer than two in
/// the clip leave it as it is.
pub(super) fn bound(mut rhythm: Rhythm, fixed: &[BeatMark], duration: Span) -> Rhythm {
    if fixed.is_empty() {
        return rhythm;
    }
    let (beats, tempo) = (rhythm.beats.clone(), rhythm.tempo);
    thread(&mut rhythm, TempoFactor::One, fixed, duration);
    if let Some(same) = same_beats(&beats, &rhythm.beats, fixed) {
        rhythm.beats = same;
        rhythm.unmoved = Some(UnmovedBeats {
            times: instants(&beats),
            tempo,
        });
    }
    rhythm
}

/// The bound beats that are those of the line, if only few of these are moved and none is added,
/// removed or renumbered. Beats that continue the line beyond its ends are left out, unless they are
/// fixed.
fn same_beats(line: &[Beat], bound: &[Beat], fixed: &[BeatMark]) -> Option<Vec<Beat>> {
    let moved = |beats: &[Beat]| {
        let pairs = line.iter().zip(beats);
        let far = |(old, new): &(&Beat, &Beat)| (new.time - old.time).seconds().abs() > MOVED.seconds();
        pairs.filter(far).count()
    };
    let same = bound.windows(line.len().max(1)).min_by_key(|beats| moved(beats))?;
    let numbered = line.iter().zip(same).all(|(old, new)| old.number == new.number);
    let is_within = |mark: &BeatMark| same.iter().any(|beat| beat.time == mark.time);
    let few = moved(same) * 2 < line.len();
    (numbered && few && fixed.iter().all(is_within)).then(|| same.to_vec())
}

/// Replaces the beats by those on their line that are `factor` times as fast and pass through the
/// fixed ones.
fn thread(rhythm: &mut Rhythm, factor: TempoFactor, fixed: &[BeatMark], duration: Span) {
    let Some(line) = Line::of(rhythm, factor.factor()) else {
        return;
    };
    let beats = line.beats(fixed, duration);
    match fit::tempo(&instants(&beats)) {
        Some(tempo) if beats.len() >= 2 => {
            rhythm.beats = beats;
            rhythm.tempo = tempo;
        }
        _ => log::warn!("the marks leave fewer than two beats in the clip, so its beats are those that were found"),
    }
}

/// The pace of fixed beats, if there are two; the shortest span between neighbours, halved or
/// doubled until it is nearest to a usual one.
pub(super) fn span(fixed: &[BeatMark]) -> Option<Span> {
    let spans = fixed.windows(2).map(|pair| (pair[1].time - pair[0].time).seconds());
    let shortest = spans.fold(f64::INFINITY, f64::min);
    let count = (shortest / USUAL_SPAN).round().max(1.0);
    shortest.is_finite().then(|| Span::from_seconds(shortest / count))
}

/// The first number of a fixed beat that a bar of so many beats does not have: its index and the
/// number.
pub(super) fn beyond(fixed: &[BeatMark], bar: u8) -> Option<(usize, u8)> {
    let numbered = fixed
        .iter()
        .enumerate()
        .filter_map(|(index, beat)| Some((index, beat.number?)));
    numbered.into_iter().find(|(_, number)| *number > bar)
}

/// The beats in a bar that the numbers of fixed beats ask for, if they do.
pub(super) fn bar(fixed: &[BeatMark]) -> Option<u8> {
    let greatest = fixed.iter().filter_map(|beat| beat.number).max()?;
    (greatest > BEATS_PER_BAR.least()).then_some(greatest)
}

/// Removes and moves accents.
fn correct(rhythm: &mut Rhythm, marks: &AccentMarks, duration: Span) {
    let nearest = |rhythm: &Rhythm, time: Instant| {
        let apart = |index: &usize| (rhythm.accents[*index].time - time).seconds().abs();
        let found = (0..rhythm.accents.len()).min_by(|a, b| apart(a).total_cmp(&apart(b)));
        let found = found.filter(|index| apart(index) <= SAME_ACCENT.seconds());
        if found.is_none() {
            log::warn!(
                "a mark names an accent at {:.3} s of the clip, but none is within {} s of it",
                time.seconds(),
                SAME_ACCENT.seconds()
            );
        }
        found
    };
    // Each is looked up among those that were found, not among those that others left.
    let removed: Vec<usize> = marks.removed.iter().filter_map(|time| nearest(rhythm, *time)).collect();
    let end = Instant::ZERO + duration;
    for moved in &marks.moved {
        let Some(index) = nearest(rhythm, moved.from) else {
            continue;
        };
        if (Instant::ZERO..=end).contains(&moved.to) {
            rhythm.accents[index].time = moved.to;
        } else {
            log::warn!(
                "a mark moves the accent at {:.3} s of the clip to {:.3} s, outside of the clip (0 to {:.3} s); the accent \
                 is not moved",
                moved.from.seconds(),
                moved.to.seconds(),
                end.seconds()
            );
        }
    }
    let mut index = 0;
    rhythm.accents.retain(|_| {
        index += 1;
        !removed.contains(&(index - 1))
    });
    rhythm
        .accents
        .sort_by(|a, b| a.time.seconds().total_cmp(&b.time.seconds()));
}

/// The found beats as a line.
struct Line {
    grid: BeatGrid,
    /// Beats in a bar.
    bar: i64,
    /// Position of a found downbeat, in found beats.
    downbeat: f64,
    /// Found beats from one beat to the next.
    step: f64,
    /// The least and the greatest number of found beats from one beat to the next with which no
    /// span is too short or too long.
    steps: (f64, f64),
}

/// A fixed beat on the line.
#[derive(Clone, Copy)]
struct Fixed {
    time: Instant,
    position: f64,
    /// Which of the bound beats it is; the first fixed one is beat 0.
    index: i64,
}

impl Line {
    fn of(rhythm: &Rhythm, factor: f64) -> Option<Self> {
        let first = rhythm.beats.first()?;
        let grid = BeatGrid::new(instants(&rhythm.beats))?;
        let spans = grid.beats().windows(2).map(|pair| (pair[1] - pair[0]).seconds());
        let (shortest, longest) = spans.fold((f64::INFINITY, 0.0_f64), |(least, most), span| {
            (least.min(span), most.max(span))
        });
        let bar = i64::from(rhythm.beats_per_bar.max(1));
        Some(Self {
            grid,
            bar,
            downbeat: (1 - i64::from(first.number)).rem_euclid(bar) as f64,
            step: 1.0 / factor,
            steps: (BEAT_SPANS.least() / shortest, BEAT_SPANS.most() / longest),
        })
    }

    fn instant(&self, position: f64) -> Instant {
        self.grid.instant(position * STEPS_PER_BEAT as f64)
    }

    /// The beats within a clip.
    fn beats(&self, fixed: &[BeatMark], duration: Span) -> Vec<Beat> {
        let fixed = self.placed(fixed);
        let downbeat = self.numbering(&fixed);
        let end = Instant::ZERO + duration;
        let mut beats: Vec<(i64, Instant)> = Vec::new();
        match (fixed.first(), fixed.last()) {
            (Some((first, _)), Some((last, _))) => {
                let step = match last.index - first.index {
                    0 => self.step,
                    count => (last.position - first.position) / count as f64,
                };
                beats.extend(self.outside((first.index, first.position), step, -1, end));
                for pair in fixed.windows(2) {
                    beats.extend((pair[0].0.index..).zip(self.between(pair[0].0, pair[1].0)));
                }
                beats.push((last.index, last.time));
                beats.extend(self.outside((last.index, last.position), step, 1, end));
            }
            _ => {
                // Beat 0 is the found downbeat.
                beats.extend(self.outside((0, self.downbeat), self.step, -1, end));
                beats.push((0, self.instant(self.downbeat)));
                beats.extend(self.outside((0, self.downbeat), self.step, 1, end));
                beats.retain(|(_, time)| *time >= Instant::ZERO && *time <= end);
            }
        }
        beats.sort_by_key(|(index, _)| *index);
        let number = |index: i64| (index - downbeat).rem_euclid(self.bar) as u8 + 1;
        let beats = beats.into_iter().map(|(index, time)| Beat {
            time,
            number: number(index),
        });
        beats.collect()
    }

    /// The index of a downbeat: as a fixed beat says, or otherwise as found at the first of them.
    fn numbering(&self, fixed: &[(Fixed, Option<u8>)]) -> i64 {
        let said = fixed
            .iter()
            .find_map(|(at, number)| Some(at.index + 1 - i64::from((*number)?)));
        let found = |(first, _): &(Fixed, Option<u8>)| {
            let from_downbeat = ((first.position - self.downbeat) / self.step).round() as i64;
            first.index - from_downbeat
        };
        said.or_else(|| fixed.first().map(found)).unwrap_or(0)
    }

    /// The fixed beats with their indices.
    fn placed(&self, marks: &[BeatMark]) -> Vec<(Fixed, Option<u8>)> {
        let mut placed: Vec<(Fixed, Option<u8>)> = Vec::with_capacity(marks.len());
        // The index of a downbeat, once a fixed beat has a number.
        let mut downbeat: Option<i64> = None;
        for mark in marks {
            let position = self.grid.beat_position(mark.time);
            let index = match placed.last() {
                None => 0,
                Some((before, _)) => {
                    let wanted = downbeat.zip(mark.number).map(|(downbeat, number)| {
                        // What the index must leave as a remainder of the bar.
                        (downbeat + i64::from(number) - 1 - before.index).rem_euclid(self.bar)
                    });
                    before.index + self.count(before, mark.time, position, wanted)
                }
            };
            if let Some(number) = mark.number {
                downbeat.get_or_insert(index + 1 - i64::from(number));
            }
            let at = Fixed {
                time: mark.time,
                position,
                index,
            };
            placed.push((at, mark.number));
        }
        placed
    }

    /// The number of beats from a fixed beat to the next, at least 1: the one whose tempo is nearest
    /// to the found one, and that leaves the remainder of a bar that the numbers of the two ask for.
    fn count(&self, before: &Fixed, time: Instant, position: f64, remainder: Option<i64>) -> i64 {
        let seconds = (time - before.time).seconds();
        let least = ((seconds / BEAT_SPANS.most()).ceil() as i64).max(1);
        let most = ((seconds / BEAT_SPANS.least()).floor() as i64).max(least);
        let found = ((position - before.position) / self.step).max(f64::MIN_POSITIVE);
        let near = (found.round() as i64).clamp(least, most);
        let off = |count: i64| (count as f64 / found).ln().abs();
        let nearest = |fits: &dyn Fn(i64) -> bool| {
            (near.saturating_sub(self.bar).max(least)..=near.saturating_add(self.bar).min(most))
                .filter(|count| fits(*count))
                .min_by(|a, b| off(*a).total_cmp(&off(*b)))
        };
        let fitting = nearest(&|count| remainder.is_none_or(|remainder| count.rem_euclid(self.bar) == remainder));
        fitting.or_else(|| {
            log::warn!(
                "the numbers of the fixed beats at {:.3} s and {:.3} s of the clip do not fit into bars of {} with any \
                 tempo; the second number is not used",
                before.time.seconds(),
                time.seconds(),
                self.bar
            );
            nearest(&|_| true)
        })
        .unwrap_or(least)
    }

    /// The beats from a fixed one up to the next, without it.
    fn between(&self, from: Fixed, to: Fixed) -> Vec<Instant> {
        let count = (to.index - from.index).max(1);
        let share = |index: i64| index as f64 / count as f64;
        let on_line = |index: i64| self.instant(from.position + (to.position - from.position) * share(index));
        let even = |index: i64| from.time + (to.time - from.time) * share(index);
        let mut times: Vec<Instant> = (1..count).map(on_line).collect();
        times.insert(0, from.time);
        let nexts = times.iter().skip(1).chain([&to.time]);
        if times
            .iter()
            .zip(nexts)
            .all(|(time, next)| BEAT_SPANS.holds((*next - *time).seconds()))
        {
            return times;
        }
        (0..count).map(even).collect()
    }

    /// The beats beyond one whose index and position are given, forwards or backwards, as far as
    /// they lie within the clip; `step` found beats from one to the next.
    fn outside(&self, from: (i64, f64), step: f64, direction: i64, end: Instant) -> Vec<(i64, Instant)> {
        let step = step.min(self.steps.1).max(self.steps.0);
        let beat = |count: i64| {
            let position = from.1 + step * (direction * count) as f64;
            (from.0 + direction * count, self.instant(position))
        };
        let not_yet = |time: Instant| {
            if direction > 0 {
                time < Instant::ZERO
            } else {
                time > end
            }
        };
        (1..)
            .map(beat)
            .skip_while(|(_, time)| not_yet(*time))
            .take_while(|(_, time)| *time >= Instant::ZERO && *time <= end)
            .collect()
    }
}

#[cfg(test)]
#[path = "bind_tests.rs"]
mod tests;

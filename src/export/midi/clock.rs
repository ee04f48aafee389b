//! The clock of a MIDI file: the tempi and metres that put a piece's beats on a grid of ticks, and
//! the tick of an instant.
//!
//! Tick 0 is the clip's start. A whole number of sixteenths lies before the first bar line, so that
//! the file begins at the piece's own tempo wherever the first beat is.
//!
//! A piece in one tempo gets one tempo event: programs that read only the first still have all
//! notes in time. The clip's start then lies up to half a sixteenth off the grid, and so do the
//! beats, all by the same amount. Where the tempo changes, beats are on the grid from the first bar
//! line that is at least [`LEAD_IN`] after the start; up to there, one tempo evens out the fraction
//! of a sixteenth.

use crate::limits::ASKED_TEMPI;
use crate::settings::MidiTempo;
use crate::time::{Instant, Span};

/// Ticks of a quarter note. At the slowest tempo written, half a tick is less than a millisecond.
pub(super) const QUARTER: u32 = 960;

const SIXTEENTH: u32 = QUARTER / 4;

/// Shortest stretch, in ticks, over which the fraction of a sixteenth is evened out: its tempo is
/// within 3.3 % of the piece's.
const LEAD_IN: i64 = 4 * QUARTER as i64;

/// How far a beat may lie from its place on the grid, seconds: less than anybody can hear.
const ON_THE_GRID: f64 = 0.001;

/// Share by which spans between beats may differ in a piece of one tempo. Small differences add up
/// over minutes, but stay below the distance at which two strokes are heard as separate; this is
/// how far its beats may lie from the grid.
const STEADY: f64 = 0.001;
const STEADY_GRID: f64 = 0.02;

/// Tempo of a piece with fewer than two known beats, microseconds per quarter note: 120 beats a
/// minute.
const USUAL: u32 = 500_000;

/// A beat of a piece.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Beat {
    /// The time of the beat.
    pub time: Instant,
    /// Its number in its bar, from 1.
    pub number: u8,
    /// Number of beats in that bar.
    pub of: u8,
}

/// From this tick, a quarter note lasts so many microseconds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Tempo {
    pub tick: u32,
    pub microseconds: u32,
}

/// From this tick, a bar has so many notes, each the 2^`power`-th part of a whole note.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Metre {
    pub tick: u32,
    pub count: u8,
    pub power: u8,
}

/// Tempi and metres of a MIDI file, both from tick 0, in rising order.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Clock {
    /// Each with the time of its tick, seconds.
    tempi: Vec<(Tempo, f64)>,
    metres: Vec<Metre>,
}

impl Clock {
    /// The clock of a piece of the given `length` with these beats, in rising order and without a
    /// gap. No event lies at the piece's end or after it.
    ///
    /// A beat is written as a quarter note, or as a longer or shorter note if the quarter's tempo
    /// would lie outside the tempi that can be [requested](ASKED_TEMPI).
    pub fn new(beats: &[Beat], length: Span, how: MidiTempo) -> Self {
        let Some(first) = beats.first() else {
            return Self {
                tempi: vec![(usual(0), 0.0)],
                metres: vec![Metre {
                    tick: 0,
                    count: 4,
                    power: 2,
                }],
            };
        };
        let grid = Grid::of(beats);
        let left = usize::from(first.of.saturating_sub(first.number)) + 1;
        let until_bar = left % usize::from(first.of.max(1));
        let one = grid.one_tempo(beats);
        let keeps_tempo = one.off <= tolerance(beats);
        let start = if keeps_tempo {
            one.first / one.span
        } else {
            let next = beats.get(1).map_or(one.span, |next| (next.time - first.time).seconds());
            first.time.seconds() / next
        };
        // Ticks from the clip's start to the first bar line at or after the first beat.
        let beats_before = start + until_bar as f64;
        let sixteenths = (beats_before * f64::from(grid.beat) / f64::from(SIXTEENTH)).round();
        let line = sixteenths.max(0.0) as i64 * i64::from(SIXTEENTH);
        let mut clock = Self {
            tempi: vec![],
            metres: vec![],
        };
        if keeps_tempo || how == MidiTempo::Steady {
            let microseconds = one.microseconds;
            clock.tempi.push((Tempo { tick: 0, microseconds }, 0.0));
        } else {
            let place = |index: usize| line + (index as i64 - until_bar as i64) * i64::from(grid.beat);
            clock.follow(beats, place);
        }
        clock.count_bars(beats, until_bar, line, grid);
        let end = clock.tick(Instant::ZERO + length);
        clock.tempi.retain(|(tempo, _)| tempo.tick == 0 || tempo.tick < end);
        clock.metres.retain(|metre| metre.tick == 0 || metre.tick < end);
        clock
    }

    /// Tempo events, the first at tick 0.
    pub fn tempi(&self) -> impl Iterator<Item = Tempo> {
        self.tempi.iter().map(|(tempo, _)| *tempo)
    }

    /// Metre events, the first at tick 0.
    pub fn metres(&self) -> &[Metre] {
        &self.metres
    }

    /// The tick nearest to an instant; 0 for instants before the clip.
    pub fn tick(&self, instant: Instant) -> u32 {
        let seconds = instant.seconds();
        let after = self.tempi.partition_point(|(_, from)| *from <= seconds);
        let (tempo, from) = self
            .tempi
            .get(after.saturating_sub(1))
            .copied()
            .unwrap_or((usual(0), 0.0));
        let ticks = (seconds - from) * 1e6 * f64::from(QUARTER) / f64::from(tempo.microseconds);
        (f64::from(tempo.tick) + ticks).round().max(0.0) as u32
    }

    /// When a tick is played.
    #[cfg(test)]
    pub fn instant(&self, tick: u32) -> Instant {
        let after = self.tempi.partition_point(|(tempo, _)| tempo.tick <= tick);
        let (tempo, from) = self.tempi[after - 1];
        Instant::from_seconds(from + seconds(i64::from(tick) - i64::from(tempo.tick), tempo.microseconds))
    }

    /// Tempi that follow beats whose ticks are given by `place`.
    fn follow(&mut self, beats: &[Beat], place: impl Fn(usize) -> i64) {
        let last = beats.len() - 1;
        let time = |index: usize| beats[index].time.seconds();
        let bar_line = |from: usize| (from..last).find(|index| beats[*index].number == 1).unwrap_or(last);
        let far = (0..last).find(|index| place(*index) >= LEAD_IN).unwrap_or(last);
        let mut at = bar_line(far);
        let mut reached = self.go(0, 0.0, place(at), time(at));
        while at < last {
            let next = bar_line(at + 1);
            // One tempo for the bar, the previous one if it fits, unless it leaves a beat off the
            // grid.
            let ticks = |to: usize| place(to) - place(at);
            let fits = |tempo: u32| {
                let off = |beat: usize| (reached + seconds(ticks(beat), tempo) - time(beat)).abs();
                (at + 1..=next).all(|beat| off(beat) <= ON_THE_GRID)
            };
            let before = self.tempi.last().map_or(USUAL, |(tempo, _)| tempo.microseconds);
            if fits(before) {
                reached += seconds(ticks(next), before);
            } else if fits(tempo(ticks(next), time(next) - reached)) {
                reached = self.go(place(at), reached, place(next), time(next));
            } else {
                for beat in at..next {
                    reached = self.go(place(beat), reached, place(beat + 1), time(beat + 1));
                }
            }
            at = next;
        }
    }

    /// Adds the tempo that leads from a tick and its time to another of about this time, unless the
    /// previous one does, and returns when the other tick is played.
    fn go(&mut self, tick: i64, from: f64, next: i64, to: f64) -> f64 {
        let before = self.tempi.last().map(|(tempo, _)| tempo.microseconds);
        let leads = |tempo: &u32| (from + seconds(next - tick, *tempo) - to).abs() <= ON_THE_GRID;
        let microseconds = before.filter(leads).unwrap_or_else(|| tempo(next - tick, to - from));
        if before != Some(microseconds) {
            let tick = tick as u32;
            self.tempi.push((Tempo { tick, microseconds }, from));
        }
        from + seconds(next - tick, microseconds)
    }

    /// Metres of bars. One bar line lies on tick `line` and belongs to the beat with that index,
    /// which may be after the last beat.
    fn count_bars(&mut self, beats: &[Beat], index: usize, line: i64, grid: Grid) {
        let first = beats.first().map_or(4, |beat| beat.of);
        let of = beats.get(index).map_or(first, |beat| beat.of);
        let bar = i64::from(grid.beat) * i64::from(first.max(1));
        let before = line.rem_euclid(bar);
        if before > 0 {
            self.metres.push(short_bar(before));
        }
        let mut put = |tick: i64, of: u8| {
            let metre = grid.metre(tick as u32, of);
            let same = |last: &Metre| (last.count, last.power) == (metre.count, metre.power);
            if !self.metres.last().is_some_and(same) {
                self.metres.push(metre);
            }
        };
        put(before, if before == line { of } else { first });
        for (place, beat) in beats
            .iter()
            .enumerate()
            .skip(index)
            .filter(|(_, beat)| beat.number == 1)
        {
            let tick = line + (place - index) as i64 * i64::from(grid.beat);
            put(tick, beat.of);
        }
    }
}

/// Duration of ticks, seconds.
fn seconds(ticks: i64, microseconds: u32) -> f64 {
    ticks as f64 / f64::from(QUARTER) * f64::from(microseconds) / 1e6
}

/// Microseconds per quarter note of the tempo at which so many ticks take so long, or the nearest
/// that can be written.
fn tempo(ticks: i64, seconds: f64) -> u32 {
    let microseconds = seconds * 1e6 * f64::from(QUARTER) / ticks.max(1) as f64;
    let (fastest, slowest) = microseconds_allowed();
    microseconds.clamp(fastest, slowest).round() as u32
}

/// Whole microseconds per quarter note at the fastest and the slowest tempo written.
fn microseconds_allowed() -> (f64, f64) {
    let quarter = |bpm: f64| 60e6 / bpm;
    (quarter(ASKED_TEMPI.most()).ceil(), quarter(ASKED_TEMPI.least()).floor())
}

fn usual(tick: u32) -> Tempo {
    Tempo {
        tick,
        microseconds: USUAL,
    }
}

/// A bar of a whole number of sixteenths, in the longest notes that divide it.
fn short_bar(ticks: i64) -> Metre {
    let sixteenths = ticks / i64::from(SIXTEENTH);
    let (notes, power) = match sixteenths {
        n if n % 4 == 0 => (n / 4, 2),
        n if n % 2 == 0 => (n / 2, 3),
        n => (n, 4),
    };
    Metre {
        tick: 0,
        count: notes.clamp(1, i64::from(u8::MAX)) as u8,
        power,
    }
}

/// The note values in which beats are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Grid {
    /// Ticks of a beat.
    beat: u32,
    /// A beat is the 2^`power`-th part of a whole note.
    power: u8,
}

/// One tempo for all beats.
struct OneTempo {
    /// Microseconds per quarter note.
    microseconds: u32,
    /// Time from beat to beat, seconds.
    span: f64,
    /// Time of the first beat according to the fit.
    first: f64,
    /// Distance from its place of the beat that is furthest off, seconds.
    off: f64,
}

impl Grid {
    /// The grid on which the tempo of the quarter note can be written.
    fn of(beats: &[Beat]) -> Self {
        let Some(span) = mean_span(beats) else {
            return Self {
                beat: QUARTER,
                power: 2,
            };
        };
        let (fastest, slowest) = microseconds_allowed();
        // Rounded as it is written: at exactly the slowest or fastest tempo, the mean of the beats'
        // times lies a little beyond it by the rounding of floating point.
        let quarter = |power: u8| (span * 1e6 * f64::from(1_u32 << power) / 4.0).round();
        // Notes from the whole to the 64th; the quarter first.
        let fits = |power: &u8| (fastest..=slowest).contains(&quarter(*power));
        let nearest = if quarter(2) > slowest { 0 } else { 6 };
        let power = [2, 1, 0, 3, 4, 5, 6].into_iter().find(fits).unwrap_or(nearest);
        Self {
            beat: (4 * QUARTER) >> power,
            power,
        }
    }

    fn metre(self, tick: u32, beats: u8) -> Metre {
        Metre {
            tick,
            count: beats.max(1),
            power: self.power,
        }
    }

    /// The tempo that fits all beats best by least squares, rounded to the file's precision.
    fn one_tempo(self, beats: &[Beat]) -> OneTempo {
        let span = fitted_span(beats).unwrap_or_else(|| seconds(self.beat.into(), USUAL));
        let microseconds = tempo(self.beat.into(), span);
        let span = seconds(self.beat.into(), microseconds);
        let offs = || {
            (0..)
                .zip(beats)
                .map(|(index, beat)| beat.time.seconds() - f64::from(index) * span)
        };
        let (least, most) = offs().fold((f64::INFINITY, f64::NEG_INFINITY), |(a, b), x| (x.min(a), x.max(b)));
        OneTempo {
            microseconds,
            span,
            first: (least + most) / 2.0,
            off: (most - least) / 2.0,
        }
    }
}

/// How far beats may lie from the grid of a single tempo for it to be the piece's, seconds.
fn tolerance(beats: &[Beat]) -> f64 {
    let mean = mean_span(beats).unwrap_or(0.0);
    let alike = |pair: &[Beat]| ((pair[1].time - pair[0].time).seconds() - mean).abs() <= STEADY * mean;
    if beats.windows(2).all(alike) {
        STEADY_GRID
    } else {
        ON_THE_GRID
    }
}

/// Mean time from beat to beat, seconds.
fn mean_span(beats: &[Beat]) -> Option<f64> {
    let (first, last) = (beats.first()?, beats.last()?);
    let spans = beats.len() - 1;
    (spans > 0).then(|| (last.time - first.time).seconds() / spans as f64)
}

/// The time from beat to beat that fits all beats best by least squares, seconds.
fn fitted_span(beats: &[Beat]) -> Option<f64> {
    let mean = mean_span(beats)?;
    let middle = (beats.len() - 1) as f64 / 2.0;
    // Only the deviations from the mean span are fitted: small numbers keep their digits.
    let rest = (0..).zip(beats).map(|(index, beat)| {
        let place = f64::from(index) - middle;
        (place, beat.time.seconds() - f64::from(index) * mean)
    });
    let (above, below) = rest.fold((0.0, 0.0), |(a, b), (place, off)| (a + place * off, b + place * place));
    Some(mean + above / below)
}

#[cfg(test)]
#[path = "clock_tests.rs"]
mod tests;

//! Frames, seconds, steps, ticks, samples, and every conversion between them.
//!
//! Instants, spans, rates and tempi are types, so that a number of seconds is never mistaken for a
//! number of frames. All instants are counted from the start of the clip as it is analysed (after
//! `--start`).

mod exact;
mod reading;

pub use exact::{FLICKS_PER_SECOND, Flicks, Speed, Window};

use crate::shown;
use serde::{Deserialize, Serialize};
use std::ops::{Add, AddAssign, Mul, Sub};

/// Steps per beat: sixteenth notes when the beat is a quarter note.
pub const STEPS_PER_BEAT: usize = 4;

/// MIDI ticks per beat (quarter note), the resolution of REMI (Huang & Yang 2020).
pub const TICKS_PER_BEAT: u32 = 480;

/// MIDI ticks per step.
pub const TICKS_PER_STEP: u32 = TICKS_PER_BEAT / STEPS_PER_BEAT as u32;

/// A point in time, in seconds from the start of the clip.
#[derive(Debug, Clone, Copy, PartialEq, PartialOrd, Default, Serialize, Deserialize)]
#[serde(try_from = "f64", into = "f64")]
pub struct Instant(f64);

/// A length of time in seconds; negative if it points backwards.
#[derive(Debug, Clone, Copy, PartialEq, PartialOrd, Default, Serialize, Deserialize)]
#[serde(try_from = "f64", into = "f64")]
pub struct Span(f64);

/// Events per second, in hertz: frames, activation values or audio samples. Always above zero and
/// finite.
#[derive(Debug, Clone, Copy, PartialEq, PartialOrd, Serialize, Deserialize)]
#[serde(try_from = "f64", into = "f64")]
pub struct Rate(f64);

/// Beats per minute. Always above zero and finite.
#[derive(Debug, Clone, Copy, PartialEq, PartialOrd, Serialize, Deserialize)]
#[serde(try_from = "f64", into = "f64")]
pub struct Tempo(f64);

/// A position in a score, in ticks of 1/[`TICKS_PER_BEAT`] beat from the score's start.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Tick(pub u32);

/// Rounding error of floating point: after hours of sound, in samples; of a time on a grid, in seconds.
const HAIR: f64 = 1e-6;

impl Instant {
    /// The start of the clip.
    pub const ZERO: Self = Self(0.0);

    /// The instant `seconds` after the start of the clip.
    pub const fn from_seconds(seconds: f64) -> Self {
        Self(seconds)
    }

    /// Seconds since the start of the clip.
    pub const fn seconds(self) -> f64 {
        self.0
    }

    /// Index of the audio sample nearest to this instant; instants before the clip give 0.
    pub fn to_sample(self, rate: Rate) -> usize {
        (self.0 * rate.hz()).round().max(0.0) as usize
    }

    /// Index of the audio sample nearest to this instant, on a timeline that may have begun long
    /// before.
    ///
    /// Instants that were reached by different sums, such as those of a clip and of its media,
    /// differ in their last bits. So the boundary between two samples lies slightly off the middle,
    /// where no tempo puts a note, and those bits make no difference.
    pub fn nearest_sample(self, rate: Rate) -> i64 {
        (self.0 * rate.hz() + 0.5 + 1e-5).floor() as i64
    }
}

impl Span {
    /// A span of length zero.
    pub const ZERO: Self = Self(0.0);

    /// A span of so many seconds.
    pub const fn from_seconds(seconds: f64) -> Self {
        Self(seconds)
    }

    /// A span in timecents, the unit of SoundFonts: 0 is a second, 1200 more are twice as long.
    pub fn from_timecents(timecents: i32) -> Self {
        Self((f64::from(timecents) / 1200.0).exp2())
    }

    /// The span's length in seconds.
    pub const fn seconds(self) -> f64 {
        self.0
    }

    /// Number of audio samples in the span, rounded to the nearest, a half up.
    ///
    /// A span whose exact length is a whole number of samples and a half may be slightly shorter in
    /// floating point; it is rounded as the exact length is ([`Window::samples`]).
    pub fn to_samples(self, rate: Rate) -> usize {
        (self.0 * rate.hz() + 0.5 + HAIR).floor().max(0.0) as usize
    }
}

impl Rate {
    /// A rate of `hz` events per second.
    ///
    /// # Panics
    /// In debug builds when `hz` is not above zero and finite: rates come from checked settings and
    /// constants.
    pub const fn from_hz(hz: f64) -> Self {
        debug_assert!(hz > 0.0 && hz.is_finite());
        Self(hz)
    }

    /// Events a second.
    pub const fn hz(self) -> f64 {
        self.0
    }

    /// The time from one event to the next.
    pub fn period(self) -> Span {
        Span(1.0 / self.0)
    }

    /// Number of events in a length of time, fractions included.
    pub const fn count(self, span: Span) -> f64 {
        span.0 * self.0
    }

    /// Length of time of a number of events, fractions included: the inverse of
    /// [`count`](Self::count).
    pub const fn span(self, count: f64) -> Span {
        Span(count / self.0)
    }

    /// This rate multiplied by a factor.
    pub const fn times(self, factor: f64) -> Self {
        Self::from_hz(self.0 * factor)
    }

    /// The rate of every n-th event.
    pub const fn every(self, events: usize) -> Self {
        Self::from_hz(self.0 / events as f64)
    }

    /// Converts a change per event to a change per second.
    pub const fn per_second(self, change: f64) -> f64 {
        change * self.0
    }

    /// When event number `index` happens, event 0 being at the clip's start.
    pub fn instant(self, index: usize) -> Instant {
        Instant(index as f64 / self.0)
    }

    /// Number of events, fractions included, between the clip's start and an instant: the inverse
    /// of [`instant`](Self::instant).
    pub fn position(self, instant: Instant) -> f64 {
        instant.0 * self.0
    }

    /// The instant at a position in events, fractions included.
    pub fn instant_at(self, position: f64) -> Instant {
        Instant(position / self.0)
    }
}

impl Tick {
    /// The tick of a step, counted from the score's start; at most the greatest tick that can be
    /// represented.
    pub fn from_step(step: u32) -> Self {
        Self(step.saturating_mul(TICKS_PER_STEP))
    }

    /// The step nearest to the tick, counted from the score's start.
    pub fn nearest_step(self) -> u32 {
        self.0.saturating_add(TICKS_PER_STEP / 2) / TICKS_PER_STEP
    }

    /// Number of beats (quarter notes) between this tick and a later one.
    pub fn beats_until(self, later: Self) -> f64 {
        (f64::from(later.0) - f64::from(self.0)) / f64::from(TICKS_PER_BEAT)
    }
}

impl Tempo {
    /// A tempo of `bpm` beats per minute.
    pub const fn from_bpm(bpm: f64) -> Self {
        Self(bpm)
    }

    /// The tempo whose beats are `span` apart.
    pub fn from_beat_span(span: Span) -> Self {
        Self(60.0 / span.0)
    }

    /// Beats a minute.
    pub const fn bpm(self) -> f64 {
        self.0
    }

    /// The time from one beat to the next.
    pub fn beat_span(self) -> Span {
        Span(60.0 / self.0)
    }
}

impl Add<Span> for Instant {
    type Output = Self;
    fn add(self, span: Span) -> Self {
        Self(self.0 + span.0)
    }
}

impl AddAssign<Span> for Instant {
    fn add_assign(&mut self, span: Span) {
        self.0 += span.0;
    }
}

impl Sub<Span> for Instant {
    type Output = Self;
    fn sub(self, span: Span) -> Self {
        Self(self.0 - span.0)
    }
}

impl Sub for Instant {
    type Output = Span;
    fn sub(self, earlier: Self) -> Span {
        Span(self.0 - earlier.0)
    }
}

impl Add for Span {
    type Output = Self;
    fn add(self, other: Self) -> Self {
        Self(self.0 + other.0)
    }
}

impl Sub for Span {
    type Output = Self;
    fn sub(self, other: Self) -> Self {
        Self(self.0 - other.0)
    }
}

impl Mul<f64> for Span {
    type Output = Self;
    fn mul(self, factor: f64) -> Self {
        Self(self.0 * factor)
    }
}

/// The sixteenth-note grid that a list of beats spans. Step 0 is the first beat; steps before the
/// first and after the last beat continue at the interval of the outermost beats.
///
/// Between two beats the steps are evenly spaced, so the grid follows every change of tempo.
#[derive(Debug, Clone, PartialEq)]
pub struct BeatGrid {
    beats: Vec<Instant>,
}

impl BeatGrid {
    /// The grid over `beats`, which must hold at least two instants in strictly rising order;
    /// `None` otherwise.
    pub fn new(beats: Vec<Instant>) -> Option<Self> {
        let rising = beats.windows(2).all(|pair| pair[1] > pair[0]);
        (beats.len() >= 2 && rising).then_some(Self { beats })
    }

    /// The beats that span the grid.
    pub fn beats(&self) -> &[Instant] {
        &self.beats
    }

    /// When a position in steps happens; fractions lie between steps, negative ones before the
    /// first beat.
    pub fn instant(&self, step: f64) -> Instant {
        let beat = step / STEPS_PER_BEAT as f64;
        let index = (beat.floor().max(0.0) as usize).min(self.beats.len() - 2);
        let (from, to) = (self.beats[index], self.beats[index + 1]);
        from + (to - from) * (beat - index as f64)
    }

    /// When something happens that is at an offset from a step. Offsets have 32 bits: what is to
    /// happen at the start of the clip does, and not just before it.
    pub fn onset(&self, step: i32, offset: f32) -> Instant {
        let exact = self.instant(f64::from(step) + f64::from(offset));
        if (-HAIR..0.0).contains(&exact.seconds()) {
            return Instant::ZERO;
        }
        exact
    }

    /// Position of an instant in steps: the inverse of [`instant`](Self::instant).
    pub fn position(&self, instant: Instant) -> f64 {
        self.beat_position(instant) * STEPS_PER_BEAT as f64
    }

    /// Position of an instant in beats: 0 at the first beat, fractions between beats.
    pub fn beat_position(&self, instant: Instant) -> f64 {
        let after = self.beats.partition_point(|beat| *beat <= instant);
        let index = after.saturating_sub(1).min(self.beats.len() - 2);
        let (from, to) = (self.beats[index], self.beats[index + 1]);
        index as f64 + (instant - from).seconds() / (to - from).seconds()
    }

    /// The step nearest to an instant.
    pub fn nearest_step(&self, instant: Instant) -> i64 {
        self.position(instant).round() as i64
    }

    /// Length of the step that begins at `step`.
    pub fn step_span(&self, step: i64) -> Span {
        self.instant(step as f64 + 1.0) - self.instant(step as f64)
    }
}

/// Maps ticks of a score to instants of the clip: a list of points between which time runs evenly.
///
/// Tick 0 is the start of the clip. After the last point the last tempo continues.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(try_from = "Points")]
pub struct TempoMap {
    points: Vec<TempoPoint>,
}

/// A tick and the instant at which it sounds.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct TempoPoint {
    /// Position in the score.
    pub tick: Tick,
    /// When it sounds.
    pub time: Instant,
}

/// The saved form of a [`TempoMap`].
#[derive(Deserialize)]
struct Points {
    points: Vec<TempoPoint>,
}

impl TryFrom<Points> for TempoMap {
    type Error = String;
    fn try_from(Points { points }: Points) -> Result<Self, String> {
        if let [] | [_] = points[..] {
            return Err(format!("points has {} items; expected two or more", points.len()));
        }
        if let Some(first) = points.first().filter(|first| first.tick != Tick(0)) {
            return Err(format!("points[0].tick is {}; it must be 0", first.tick.0));
        }
        for (index, pair) in points.windows(2).enumerate() {
            let (before, after) = (pair[0], pair[1]);
            if after.tick <= before.tick {
                return Err(format!(
                    "points[{}].tick is {}; it must be above that of the previous point, {}",
                    index + 1,
                    after.tick.0,
                    before.tick.0
                ));
            }
            if after.time <= before.time {
                return Err(format!(
                    "points[{}].time is {} s; it must be above that of the previous point, {} s",
                    index + 1,
                    shown::number(after.time.seconds()),
                    shown::number(before.time.seconds())
                ));
            }
        }
        Self::new(points).ok_or_else(|| "the points do not rise".to_owned())
    }
}

impl TempoMap {
    /// A map through `points`, of which there must be at least two, rising strictly in tick and in
    /// time, the first at tick 0; `None` otherwise.
    pub fn new(points: Vec<TempoPoint>) -> Option<Self> {
        let rising = points
            .windows(2)
            .all(|p| p[1].tick > p[0].tick && p[1].time > p[0].time);
        let starts = points.first().is_some_and(|p| p.tick == Tick(0));
        (points.len() >= 2 && rising && starts).then_some(Self { points })
    }

    /// The points of the map.
    pub fn points(&self) -> &[TempoPoint] {
        &self.points
    }

    /// When a tick sounds.
    pub fn instant(&self, tick: Tick) -> Instant {
        let after = self.points.partition_point(|p| p.tick <= tick);
        let index = after.saturating_sub(1).min(self.points.len() - 2);
        let (from, to) = (self.points[index], self.points[index + 1]);
        let share = (f64::from(tick.0) - f64::from(from.tick.0)) / f64::from(to.tick.0 - from.tick.0);
        from.time + (to.time - from.time) * share
    }

    /// The tick nearest to an instant; instants before the score's start give tick 0.
    pub fn tick(&self, instant: Instant) -> Tick {
        let after = self.points.partition_point(|p| p.time <= instant);
        let index = after.saturating_sub(1).min(self.points.len() - 2);
        let (from, to) = (self.points[index], self.points[index + 1]);
        let share = (instant - from.time).seconds() / (to.time - from.time).seconds();
        Tick(
            (f64::from(from.tick.0) + share * f64::from(to.tick.0 - from.tick.0))
                .round()
                .max(0.0) as u32,
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn grid(seconds: &[f64]) -> BeatGrid {
        BeatGrid::new(seconds.iter().copied().map(Instant::from_seconds).collect()).expect("rising beats")
    }

    #[test]
    fn steps_follow_a_tempo_change_and_continue_outside() {
        let grid = grid(&[1.0, 1.5, 2.5]);
        assert_eq!(grid.instant(0.0).seconds(), 1.0);
        assert_eq!(grid.instant(2.0).seconds(), 1.25);
        assert_eq!(grid.instant(6.0).seconds(), 2.0);
        assert_eq!(grid.instant(-4.0).seconds(), 0.5);
        assert_eq!(grid.instant(12.0).seconds(), 3.5);
        for step in -8..20 {
            assert!((grid.position(grid.instant(f64::from(step))) - f64::from(step)).abs() < 1e-9);
        }
    }

    #[test]
    fn what_is_at_the_start_by_a_step_and_an_offset_does_not_come_before_it() {
        for index in 0..500 {
            let first = 0.013 * f64::from(index) - 3.0;
            let grid = grid(&[first, first + 0.613]);
            let position = grid.position(Instant::ZERO);
            let step = position.round() as i32;
            let onset = grid.onset(step, (position - f64::from(step)) as f32).seconds();
            assert!(
                (0.0..1e-6).contains(&onset) && onset.is_sign_positive(),
                "{first}: {onset}"
            );
            assert!(grid.onset(step, -0.6).seconds() < 0.0, "what is before it stays there");
        }
    }

    #[test]
    fn a_grid_needs_two_rising_beats() {
        assert!(BeatGrid::new(vec![Instant::ZERO]).is_none());
        assert!(BeatGrid::new(vec![Instant::from_seconds(1.0), Instant::from_seconds(1.0)]).is_none());
    }

    #[test]
    fn ticks_and_instants_are_inverse() {
        let map = TempoMap::new(vec![
            TempoPoint {
                tick: Tick(0),
                time: Instant::ZERO,
            },
            TempoPoint {
                tick: Tick(480),
                time: Instant::from_seconds(0.37),
            },
            TempoPoint {
                tick: Tick(960),
                time: Instant::from_seconds(0.89),
            },
        ])
        .expect("rising points");
        for tick in [0, 1, 479, 480, 700, 960, 5000] {
            assert_eq!(map.tick(map.instant(Tick(tick))), Tick(tick));
        }
        assert_eq!(Instant::from_seconds(0.5).to_sample(Rate::from_hz(48_000.0)), 24_000);
    }

    #[test]
    fn the_nearest_sample_does_not_depend_on_last_bits() {
        let rate = Rate::from_hz(48_000.0);
        for start in [0.0, 0.1, 17.3, 3_599.999] {
            for half in 0..2_000 {
                let exact = f64::from(half) / 96_000.0;
                let off = Instant::from_seconds(start) + Span::from_seconds(exact - start);
                assert_eq!(off.nearest_sample(rate), i64::from((half + 1) / 2), "{start} {half}");
            }
        }
        assert_eq!(Instant::from_seconds(-0.5).nearest_sample(rate), -24_000);
        assert!((Span::from_timecents(-1200).seconds() - 0.5).abs() < 1e-12);
    }

    #[test]
    fn steps_of_ticks() {
        for step in [0, 1, 7, 1000] {
            let tick = Tick::from_step(step);
            assert_eq!(tick.0, step * 120);
            for near in [tick.0.saturating_sub(60), tick.0, tick.0 + 59] {
                assert_eq!(Tick(near).nearest_step(), step);
            }
        }
        assert_eq!(Tick::from_step(u32::MAX), Tick(u32::MAX));
        assert_eq!(Tick(240).beats_until(Tick(960)), 1.5);
    }
}

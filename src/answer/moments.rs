//! The movement on the grid: which steps answer an accent, where gestures begin, and where the body
//! rests.

use super::depth::Depth;
use crate::drums::DrumGrid;
use crate::rhythm::{AccentKind, BodyPart, Curve, Rhythm};
use crate::time::{BeatGrid, Instant, STEPS_PER_BEAT, Span};

/// Farthest that a note is moved, in seconds and in steps: farther would be another place of the
/// bar.
const FARTHEST: (f64, f64) = (0.060, 0.499);

/// A note closer than this, in seconds, to the answer of an accent, but not part of it, would be
/// heard as a flam.
const FLAM: f64 = 0.045;

/// How far from its step, in seconds, an accent may be for the notes on the step to move towards
/// it. In a slow tempo it may be farther: it is then answered between the steps, half-way from one
/// to the next.
const ON_STEP: f64 = 0.080;

/// How far apart two accents of one step must be, in seconds, for both to be answered.
const APART: f64 = 0.090;

/// Below this strength nobody notices an accent among the others: it gets a light stroke at most.
const FAINT: f32 = 0.25;

/// Velocity of a stroke on the weakest accent, and how much is added for the strongest.
pub(super) const ACCENT: (f32, f32) = (0.55, 0.45);

/// Velocity of a stroke on an accent: as loud as the accent is strong.
pub(super) fn loudness(strength: f32) -> f32 {
    ACCENT.0 + ACCENT.1 * strength
}

/// From this strength everybody notices an accent.
pub(super) const STRONG: f32 = 0.5;

/// After a hold the music waits for the first accent, if that comes within this many seconds.
const AWAITED: f64 = 1.0;

/// A gesture begins at most this many seconds before the accent that ends it.
const GESTURE: f64 = 0.5;

/// How far from a stroke the body may be braked for the two to be seen as one.
const SEEN_WITH: Span = Span::from_seconds(0.060);

/// An accent on the grid.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Moment {
    /// The nearest step.
    pub step: i32,
    /// How far from the step it is answered, steps.
    pub offset: f32,
    /// Its strength, above 0, at most 1.
    pub strength: f32,
    /// The part of the body that makes it.
    pub part: BodyPart,
}

/// A stretch in which the body holds still, or nobody is seen, in steps.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Rest {
    pub from: f64,
    pub until: f64,
    /// Where the body moves again: the music may wait longer.
    pub moves: f64,
    /// The step of the accent that ends it, if one comes soon.
    pub ends_on: Option<i32>,
}

impl Rest {
    /// Whether it contains a position in steps.
    pub fn holds(&self, position: f64) -> bool {
        position >= self.from && position < self.until
    }
}

/// The movement on the grid of the drums.
pub(super) struct Moments<'a> {
    pub depth: Depth,
    /// Steps in a bar.
    pub bar: i32,
    grid: &'a BeatGrid,
    /// A step on which a bar begins.
    origin: i32,
    /// In ascending order of steps, at most one on each.
    moments: Vec<Moment>,
    /// Accents that are answered between the steps, in ascending order of steps.
    pub between: Vec<Moment>,
    /// Accents that hardly anybody notices, in rising order of steps, on steps that answer no other
    /// accent.
    faint: Vec<Moment>,
    /// Steps on which a gesture begins that an accent ends soon after, with the strength of that
    /// accent.
    pub pick_ups: Vec<(i32, f32)>,
    /// In ascending order, without overlap.
    pub rests: Vec<Rest>,
    /// How sharply the body is braked over time, if that says anything.
    braking: Option<Curve>,
}

impl<'a> Moments<'a> {
    pub fn new(rhythm: &Rhythm, grid: &'a BeatGrid, drums: &DrumGrid, depth: Depth) -> Self {
        let beats = STEPS_PER_BEAT as i32;
        let mut result = Self {
            depth,
            bar: i32::from(drums.beats_per_bar.max(1)) * beats,
            grid,
            origin: -(i32::from(drums.first_beat.max(1)) - 1) * beats,
            moments: Vec::new(),
            between: Vec::new(),
            faint: Vec::new(),
            pick_ups: Vec::new(),
            rests: Vec::new(),
            braking: rhythm.braking(),
        };
        let least = depth.least_strength();
        let impacts = || rhythm.accents.iter().filter(|accent| accent.kind == AccentKind::Impact);
        for accent in impacts().filter(|accent| accent.strength >= least.max(FAINT)) {
            result.add(accent.time, accent.strength, accent.part);
        }
        result.moments.sort_by_key(|moment| moment.step);
        result.between.sort_by_key(|moment| moment.step);
        for accent in impacts().filter(|accent| accent.strength >= least && accent.strength < FAINT) {
            let faint = result.moment(accent.time, accent.strength, accent.part);
            let faint = faint.filter(|(moment, on_step)| *on_step && result.on(moment.step).is_none());
            result.faint.extend(faint.map(|(moment, _)| moment));
        }
        result.faint.sort_by_key(|moment| moment.step);
        result.faint.dedup_by_key(|moment| moment.step);
        // Where nobody is to be seen there is nothing to play to either.
        let mut stills = rhythm.holds();
        stills.extend(rhythm.absences());
        stills.sort_by(|a, b| a.from.seconds().total_cmp(&b.from.seconds()));
        for still in stills {
            result.rests.push(result.rest(still.from, still.to));
        }
        for accent in &rhythm.accents {
            if accent.kind == AccentKind::Style {
                result.pick_ups.extend(result.pick_up(accent.time));
            }
        }
        result
    }

    /// An accent on the grid, and whether it is answered on its step or between two.
    fn moment(&self, time: Instant, strength: f32, part: BodyPart) -> Option<(Moment, bool)> {
        let (step, apart) = self.nearest(time)?;
        let length = self.grid.step_span(i64::from(step)).seconds();
        let on_step = (apart * length).abs() <= ON_STEP;
        // Where on the grid it is answered without any pull.
        let anchor = if on_step { 0.0 } else { 0.5_f64.copysign(apart) };
        let pull = self
            .depth
            .pull((apart - anchor) * length)
            .clamp(-FARTHEST.0, FARTHEST.0);
        let moment = Moment {
            step,
            offset: (anchor + pull / length).clamp(-FARTHEST.1, FARTHEST.1) as f32,
            strength: strength.min(1.0),
            part,
        };
        Some((moment, on_step))
    }

    fn add(&mut self, time: Instant, strength: f32, part: BodyPart) {
        let Some((moment, on_step)) = self.moment(time, strength, part) else {
            return;
        };
        if !on_step {
            self.between.push(moment);
            return;
        }
        let Some(other) = self.moments.iter_mut().find(|other| other.step == moment.step) else {
            self.moments.push(moment);
            return;
        };
        let (weaker, stronger) = match other.strength < moment.strength {
            true => (*other, moment),
            false => (moment, *other),
        };
        *other = stronger;
        let length = self.grid.step_span(i64::from(moment.step)).seconds();
        if f64::from((weaker.offset - stronger.offset).abs()) * length >= APART {
            self.between.push(weaker);
        }
    }

    /// The step nearest to an instant, and its distance in steps.
    fn nearest(&self, time: Instant) -> Option<(i32, f64)> {
        let position = self.grid.position(time);
        let step = i32::try_from(self.grid.nearest_step(time)).ok()?;
        position.is_finite().then_some((step, position - f64::from(step)))
    }

    fn rest(&self, from: Instant, to: Instant) -> Rest {
        let (from, moves) = (self.grid.position(from), self.grid.position(to));
        let next = self
            .moments
            .iter()
            .find(|m| f64::from(m.step) + f64::from(m.offset) > moves - 0.5);
        let soon = |m: &&Moment| (self.grid.instant(f64::from(m.step)) - to).seconds() <= AWAITED;
        let ends_on = next.filter(soon).map(|m| m.step);
        Rest {
            from,
            until: ends_on.map_or(moves, |step| f64::from(step) - 0.5),
            moves,
            ends_on,
        }
    }

    fn pick_up(&self, time: Instant) -> Option<(i32, f32)> {
        let (step, _) = self.nearest(time)?;
        let next = self.moments.iter().find(|m| m.step >= step)?;
        let after = (self.grid.instant(f64::from(next.step)) - time).seconds();
        (next.step > step && after <= GESTURE && !self.rests(f64::from(step))).then_some((step, next.strength))
    }

    /// The accent that a step answers.
    pub fn on(&self, step: i32) -> Option<&Moment> {
        let index = self.moments.binary_search_by_key(&step, |m| m.step).ok()?;
        self.moments.get(index)
    }

    /// The accent on a step that hardly anybody notices.
    pub fn faint_on(&self, step: i32) -> Option<&Moment> {
        let index = self.faint.binary_search_by_key(&step, |m| m.step).ok()?;
        self.faint.get(index)
    }

    /// All accents that hardly anybody notices.
    pub fn faint(&self) -> impl Iterator<Item = &Moment> {
        self.faint.iter()
    }

    /// All accents that are answered.
    pub fn iter(&self) -> impl Iterator<Item = &Moment> {
        self.moments.iter()
    }

    /// The accents that everybody notices.
    pub fn strong(&self) -> impl Iterator<Item = &Moment> {
        self.moments.iter().filter(|moment| moment.strength >= STRONG)
    }

    /// Whether a note on a step that answers no accent itself would sound as a flam with the answer
    /// on a neighbouring step.
    pub fn would_flam(&self, step: i32, offset: f32) -> bool {
        let onset = |step: i32, offset: f32| self.grid.instant(f64::from(step) + f64::from(offset));
        let here = onset(step, offset);
        let beside = [step.saturating_sub(1), step.saturating_add(1)];
        let first = self.between.partition_point(|moment| moment.step < beside[0]);
        let between = self.between[first..]
            .iter()
            .take_while(|moment| moment.step <= beside[1]);
        beside
            .iter()
            .filter_map(|beside| self.on(*beside))
            .chain(between)
            .any(|moment| (onset(moment.step, moment.offset) - here).seconds().abs() < FLAM)
    }

    /// Whether the body rests at a position on the grid.
    pub fn rests(&self, position: f64) -> bool {
        self.rest_at(position).is_some()
    }

    /// The rest that contains a position on the grid.
    pub fn rest_at(&self, position: f64) -> Option<&Rest> {
        self.rests.iter().find(|rest| rest.holds(position))
    }

    /// How sharply the body is braked around a place of the grid, 0 to 1; `None` where nothing can
    /// be said of the movement as a whole.
    pub fn braked(&self, position: f64) -> Option<f32> {
        let braking = self.braking.as_ref()?;
        let index = braking.rate.position(self.grid.instant(position));
        let reach = braking.rate.count(SEEN_WITH);
        let from = (index - reach).round().max(0.0) as usize;
        let to = ((index + reach).round() + 1.0).clamp(0.0, braking.values.len() as f64) as usize;
        let near = braking.values.get(from..to).unwrap_or_default();
        Some(near.iter().copied().fold(0.0, f32::max))
    }

    /// Whether a step is a beat.
    pub fn is_beat(&self, step: i32) -> bool {
        self.in_bar(step) % STEPS_PER_BEAT as i32 == 0
    }

    /// Step within the bar.
    pub fn in_bar(&self, step: i32) -> i32 {
        step.saturating_sub(self.origin).rem_euclid(self.bar)
    }
}

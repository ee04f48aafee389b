//! From a rhythm to the sixteenth-note grid that the drum models read.
//!
//! Each accent goes to its nearest step, however far between two steps it lies. An accent dropped
//! for lying off the grid could not be followed at all, while an onset on the nearest step is at
//! most half a step away from it, well within the one step that *Follow* counts as answered (see
//! `metrics::follow`). On the poses of six clips of dance, sport and walking, drums that play the
//! composition and the beats follow all accents this way, and 81 to 100 % of them when accents more
//! than a third of a step off the grid are dropped; with the movement shuffled it is about two
//! thirds either way.

use super::accents::{Accent, AccentKind};
use super::beats::Rhythm;
use super::curve::Curve;
use crate::rhythm::signal;
use crate::time::{Instant, STEPS_PER_BEAT};

/// Share of the clip's steps that carry an accent at most, the strongest first: where everything is
/// accented, nothing is.
const MOST_ACCENTED: f64 = 0.30;

/// Share of the accents that are strong ones, and the strength that they need in any case.
const STRONG: (f64, f32) = (0.25, 0.5);

/// Mean movement of a bar, torso lengths a second summed over the joints, below which the bar is
/// still, whatever the rest of the clip does.
pub const STILL_BAR: f32 = 2.5;

/// Movement of a bar relative to the clip's usual movement (its mean while the body moves at all):
/// below the first value the bar is calm, from the second it is lively. 4 dB to either side, more
/// than one step or phrase differs from the next.
const CALM_LIVELY: (f64, f64) = (0.65, 1.55);

/// The rhythm at one step of the grid.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct StepRhythm {
    /// 0 no accent, 1 an accent, 2 a strong accent.
    pub level: u8,
    /// Strength of the accent, 0 (none) to 1.
    pub strength: f32,
}

/// A rhythm on the sixteenth-note grid of its beats, in whole bars that cover the clip.
#[derive(Debug, Clone, PartialEq)]
pub struct Composition {
    /// Number of the first step, the start of a bar. Step 0 is the first beat of the rhythm, so
    /// this is 0 or negative.
    pub first_step: i32,
    /// Beats in a bar, 3 or 4.
    pub beats_per_bar: u8,
    /// The steps; a whole number of bars.
    pub steps: Vec<StepRhythm>,
    /// How much the body moves in each bar: 0 unknown (the person is not seen for most of it), 1
    /// still (below [`STILL_BAR`]), 2 calm relative to the clip's usual movement, 3 as usual, 4
    /// lively. Someone who moves evenly is at 3 throughout.
    pub bar_energy: Vec<u8>,
}

impl Composition {
    /// Steps in a bar: 12 or 16.
    pub fn steps_per_bar(&self) -> usize {
        usize::from(self.beats_per_bar) * STEPS_PER_BEAT
    }
}

/// Lays a rhythm on the grid. `None` when it has fewer than two beats, which [`find`](super::find)
/// never returns.
pub fn compose(rhythm: &Rhythm) -> Option<Composition> {
    let grid = rhythm.grid()?;
    let first_number = i64::from(rhythm.beats.first()?.number.max(1));
    let bar = i64::from(rhythm.beats_per_bar.max(1)) * STEPS_PER_BEAT as i64;
    // Bars begin at this step and every `bar` steps from it.
    let origin = -(first_number - 1) * STEPS_PER_BEAT as i64;
    let last_beat = rhythm.beats.last()?.time;
    let movement_end = rhythm
        .movement
        .rate
        .instant(rhythm.movement.values.len().saturating_sub(1));
    let end = if movement_end > last_beat {
        movement_end
    } else {
        last_beat
    };
    // Steps that sound within the clip. A start just before a beat (rounding) does not add a bar.
    let first = (grid.position(Instant::ZERO) - 1e-3).ceil() as i64;
    let last = ((grid.position(end) - 1e-3).ceil() as i64 - 1).max(first);
    let first_bar = (first - origin).div_euclid(bar);
    let bars = (last - origin).div_euclid(bar) - first_bar + 1;
    let first_step = origin + first_bar * bar;

    let mut steps = vec![StepRhythm::default(); usize::try_from(bars * bar).ok()?];
    for accent in strongest(&rhythm.accents, (last - first + 1) as usize) {
        let step = grid.nearest_step(accent.time).clamp(first, last) - first_step;
        if let Some(cell) = usize::try_from(step).ok().and_then(|s| steps.get_mut(s))
            && accent.strength > cell.strength
        {
            *cell = StepRhythm {
                level: 1,
                strength: accent.strength,
            };
        }
    }
    raise_strong(&mut steps);
    let movement = &rhythm.movement;
    let moving: Vec<f64> = seen(&movement.values)
        .into_iter()
        .filter(|v| *v >= f64::from(STILL_BAR))
        .collect();
    let usual = signal::mean(&moving);
    let bar_energy = (0..bars)
        .map(|b| {
            let begin = grid.instant((first_step + b * bar) as f64);
            let finish = grid.instant((first_step + (b + 1) * bar) as f64);
            energy(movement, usual, begin, finish)
        })
        .collect();
    Some(Composition {
        first_step: i32::try_from(first_step).ok()?,
        beats_per_bar: rhythm.beats_per_bar,
        steps,
        bar_energy,
    })
}

/// The strongest accents, as many as [`MOST_ACCENTED`] of the steps. A fast change is the start of
/// a gesture, which nobody perceives as a hit: it counts only where nothing stops.
fn strongest(accents: &[Accent], steps: usize) -> Vec<Accent> {
    let is_impact = |accent: &&Accent| accent.kind == AccentKind::Impact;
    let mut sorted: Vec<Accent> = accents.iter().filter(is_impact).copied().collect();
    if sorted.is_empty() {
        sorted = accents.to_vec();
    }
    sorted.sort_by(|a, b| (b.strength.total_cmp(&a.strength)).then(a.time.seconds().total_cmp(&b.time.seconds())));
    sorted.truncate((steps as f64 * MOST_ACCENTED).round() as usize);
    sorted
}

fn raise_strong(steps: &mut [StepRhythm]) {
    let (share, least) = STRONG;
    let mut order: Vec<usize> = (0..steps.len()).filter(|i| steps[*i].level > 0).collect();
    order.sort_by(|a, b| steps[*b].strength.total_cmp(&steps[*a].strength).then(a.cmp(b)));
    let count = (order.len() as f64 * share).round() as usize;
    for &i in order.iter().take(count) {
        if steps[i].strength >= least {
            steps[i].level = 2;
        }
    }
}

/// Energy of the bar from `begin` to `finish` relative to the `usual` movement; only the part
/// within the clip counts.
fn energy(movement: &Curve, usual: f64, begin: Instant, finish: Instant) -> u8 {
    let bound = |t: Instant| (movement.rate.position(t).round().max(0.0) as usize).min(movement.values.len());
    let (from, to) = (bound(begin), bound(finish));
    let bar = &movement.values[from.min(to)..to];
    let seen = seen(bar);
    if seen.len() * 2 < bar.len() || seen.is_empty() {
        return 0;
    }
    let mean = signal::mean(&seen);
    if mean < f64::from(STILL_BAR) {
        return 1;
    }
    let (calm, lively) = CALM_LIVELY;
    2 + u8::from(mean >= calm * usual) + u8::from(mean >= lively * usual)
}

/// The values at which the body is seen. Where it is not seen the movement is exactly 0; the
/// movement of a still body never is.
fn seen(values: &[f32]) -> Vec<f64> {
    values.iter().map(|v| f64::from(*v)).filter(|v| *v > 0.0).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rhythm::{Beat, BodyPart, Source};
    use crate::time::{Rate, Tempo};

    fn rhythm(first: f64, number: u8, accents: &[(f64, f32)], movement: impl Fn(f64) -> f32) -> Rhythm {
        Rhythm {
            beats: (0..16)
                .map(|i| Beat {
                    time: Instant::from_seconds(first + 0.5 * f64::from(i)),
                    number: (u8::try_from(i).expect("small") + number - 1) % 4 + 1,
                })
                .collect(),
            beats_per_bar: 4,
            tempo: Tempo::from_bpm(120.0),
            confidence: 1.0,
            accents: accents
                .iter()
                .map(|(time, strength)| Accent {
                    time: Instant::from_seconds(*time),
                    strength: *strength,
                    kind: AccentKind::Impact,
                    part: BodyPart::default(),
                    impact: None,
                })
                .collect(),
            movement: Curve {
                rate: Rate::from_hz(60.0),
                values: (0..480).map(|i| movement(f64::from(i) / 60.0)).collect(),
            },
            activation: Curve {
                rate: Rate::from_hz(100.0),
                values: vec![],
            },
            source: Source::Motion,
            cuts: vec![],
            unmoved: None,
        }
    }

    #[test]
    fn bars_lie_around_the_clip() {
        let c = compose(&rhythm(0.0, 1, &[], |_| 20.0)).expect("beats");
        assert_eq!((c.first_step, c.steps.len(), c.bar_energy.len()), (0, 64, 4));
        // The first beat is beat 3: half a bar before it is silent.
        let c = compose(&rhythm(0.0, 3, &[], |_| 20.0)).expect("beats");
        assert_eq!((c.first_step, c.steps.len()), (-8, 80));
        // A downbeat 0.4 s into the clip: the time before it belongs to another bar.
        let c = compose(&rhythm(0.4, 1, &[], |_| 20.0)).expect("beats");
        assert_eq!(c.first_step, -16);
        assert_eq!(c.steps.len() % c.steps_per_bar(), 0);
    }

    #[test]
    fn accents_go_to_the_nearest_step_and_the_stronger_wins() {
        let c = compose(&rhythm(
            0.0,
            1,
            &[(0.49, 0.4), (0.52, 0.9), (1.06, 0.3), (2.07, 0.2)],
            |_| 20.0,
        ))
        .expect("beats");
        assert_eq!(
            c.steps[4],
            StepRhythm {
                level: 2,
                strength: 0.9
            }
        );
        assert_eq!(c.steps[8].strength, 0.3);
        assert_eq!(c.steps[17].strength, 0.2);
        assert_eq!(c.steps.iter().filter(|s| s.level > 0).count(), 3);
    }

    #[test]
    fn accents_are_few_and_a_quarter_is_strong() {
        let many: Vec<(f64, f32)> = (0..64).map(|i| (0.125 * f64::from(i), 0.2 + 0.01 * i as f32)).collect();
        let c = compose(&rhythm(0.0, 1, &many, |_| 20.0)).expect("beats");
        assert_eq!(c.steps.iter().filter(|s| s.level > 0).count(), 19);
        assert_eq!(c.steps.iter().filter(|s| s.level == 2).count(), 5);
    }

    #[test]
    fn bar_energy_follows_the_movement() {
        let energies =
            |movement: &dyn Fn(f64) -> f32| compose(&rhythm(0.0, 1, &[], movement)).expect("beats").bar_energy;
        let bars = |values: [f32; 4]| energies(&move |t| values[((t / 2.0) as usize).min(3)]);
        assert_eq!(bars([20.0, 21.0, 19.0, 20.0]), [3, 3, 3, 3], "even movement");
        assert_eq!(bars([1.0, 10.0, 30.0, 50.0]), [1, 2, 3, 4]);
        assert_eq!(bars([0.0, 20.0, 20.0, 0.0]), [0, 3, 3, 0], "not seen");
        let still = compose(&rhythm(0.0, 1, &[], |t| 1.0 + t as f32 * 0.1)).expect("beats");
        assert_eq!(still.bar_energy, [1, 1, 1, 1]);
    }
}

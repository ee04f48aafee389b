//! Writes the drums bar by bar: windows, guidance, sampling, dynamics. Pure; the networks are
//! behind [`HitsModel`].

use super::hits::{CLASSES, DrumClass, Hit};
use super::sampling::{BarRandom, Sampling, Stream, choose, guide};
use super::vocabulary::Vocabulary;
use crate::error::Result;

/// Rhythm levels of the hits model. Between these two are 1, an accent of the movement, and 2, one
/// of the strongest.
pub mod level {
    /// No accent in this step.
    pub const NOTHING: u8 = 0;
    /// The rhythm is not known: the reference for guidance.
    pub const ABSENT: u8 = 3;
}

/// The plan to which drums are written: whole bars on the sixteenth-note grid.
#[derive(Debug, Clone, PartialEq)]
pub struct Plan {
    /// Steps in a bar.
    pub steps_per_bar: usize,
    /// Step of the grid at which the first bar begins (0 is the first beat).
    pub first_step: i32,
    /// Rhythm [`level`] of each step; the length is a whole number of bars.
    pub level: Vec<u8>,
    /// Strength of the accent in each step, 0 to 1.
    pub strength: Vec<f32>,
    /// How strongly the person moves in each bar, 1 to 4; 0: not known.
    pub energy: Vec<u8>,
    /// For each bar, an earlier one that moves like it, whose groove it repeats if it can; bars
    /// that are missing repeat none.
    pub repeated: Vec<Option<usize>>,
    /// Number of the style in the vocabulary.
    pub style: usize,
    /// Number of the player in the velocity and offset network; 0: unknown.
    pub player: usize,
    /// Tempo in beats per minute.
    pub bpm: f64,
}

/// The part of a plan that the encoder reads in one window.
#[derive(Debug, Clone, PartialEq)]
pub struct PlanWindow {
    /// Rhythm level of each step.
    pub rhythm: Vec<i64>,
    /// Energy of each step's bar.
    pub energy: Vec<i64>,
    /// Step within the bar.
    pub position: Vec<i64>,
    /// Number of the bar, modulo the bars in the model's context.
    pub bar: Vec<i64>,
    /// Number of the style.
    pub style: i64,
    /// Tempo in beats per minute.
    pub bpm: f32,
}

/// The hits model: an encoder that reads windows and a decoder that writes them word by word.
pub trait HitsModel {
    /// Reads the windows, all of the same length, which are then written in parallel, starting at
    /// their first step.
    fn begin(&mut self, windows: &[PlanWindow]) -> Result<()>;

    /// Reads the next words of each window, the same number for all, and returns for each window
    /// the logits of the step after the last of them.
    fn advance(&mut self, words: &[Vec<i64>]) -> Result<Vec<Vec<f32>>>;
}

impl Plan {
    fn bars(&self) -> usize {
        self.level.len() / self.steps_per_bar
    }

    /// The step of the repeated bar at the same place.
    fn repeated_step(&self, step: usize) -> Option<usize> {
        let earlier = *self.repeated.get(step / self.steps_per_bar)?;
        Some(earlier? * self.steps_per_bar + step % self.steps_per_bar)
    }

    /// The window over bars `from..to`; with `absent`, without rhythm and energy, which come from
    /// the movement.
    pub(super) fn window(&self, from: usize, to: usize, context_bars: usize, absent: bool) -> PlanWindow {
        let steps = from * self.steps_per_bar..to * self.steps_per_bar;
        let per_step = |value: &dyn Fn(usize) -> i64| steps.clone().map(value).collect::<Vec<i64>>();
        let level = |step: usize| if absent { level::ABSENT } else { self.level[step] };
        let energy = |step: usize| {
            self.energy
                .get(step / self.steps_per_bar)
                .filter(|_| !absent)
                .copied()
                .unwrap_or(0)
        };
        PlanWindow {
            rhythm: per_step(&|step| i64::from(level(step))),
            energy: per_step(&|step| i64::from(energy(step))),
            position: per_step(&|step| (step % self.steps_per_bar) as i64),
            bar: per_step(&|step| (step / self.steps_per_bar % context_bars) as i64),
            style: self.style as i64,
            bpm: self.bpm as f32,
        }
    }
}

/// Number of takes of each window, drawn in parallel; the one most similar to the style is kept. A
/// single take sometimes goes astray (a snare roll, a lone ride cymbal) and does not recover, since
/// the model reads its own output; the best of four hardly ever does.
const TAKES: usize = 4;

/// Guidance in steps without an accent: half-way between the model's logits with and without the
/// movement. The absence of an accent means little for drums, which keep time between the accents
/// of the body.
const REST_GUIDANCE: f64 = 0.5;

/// Added to the logit of the word that the repeated bar has at the same step: a drummer plays the
/// same groove to the same movement. Accents are answered as they are.
const REPEAT: f64 = 1.5;

/// Writes one word for each step of the plan. `follow` is the weight of guidance in steps with an
/// accent.
///
/// The first window is as long as the model's context. Each later one keeps the last half of what
/// was written as its past and writes the other half, so that the model always sees at least half a
/// context of earlier bars. After each bar, `progress` receives the share that is done.
pub fn write_words(
    plan: &Plan,
    vocabulary: &Vocabulary,
    model: &mut impl HitsModel,
    sampling: Sampling,
    follow: f64,
    seed: u64,
    mut progress: impl FnMut(f64) -> Result<()>,
) -> Result<Vec<usize>> {
    let (bars, context) = (plan.bars(), vocabulary.context_bars());
    let mut words: Vec<usize> = Vec::with_capacity(plan.level.len());
    while words.len() < bars * plan.steps_per_bar {
        let written = words.len() / plan.steps_per_bar;
        let from = if written == 0 { 0 } else { written - context / 2 };
        let to = (from + context).min(bars);
        // First the takes with the movement, then the same takes without it.
        let mut windows = vec![plan.window(from, to, context, false); TAKES];
        windows.resize(2 * TAKES, plan.window(from, to, context, true));
        model.begin(&windows)?;

        let first = from * plan.steps_per_bar;
        let before = first
            .checked_sub(1)
            .and_then(|step| words.get(step))
            .map_or(vocabulary.bos(), |word| *word as i64);
        let past: Vec<i64> = std::iter::once(before)
            .chain(words[first..].iter().map(|w| *w as i64))
            .collect();
        let mut feed = vec![past; 2 * TAKES];
        let mut takes = vec![Vec::new(); TAKES];
        for bar in written..to {
            let mut random: Vec<BarRandom> = (0..TAKES)
                .map(|take| BarRandom::new(seed, Stream::Drums, bar as u64, take as u64))
                .collect();
            for step in bar * plan.steps_per_bar..(bar + 1) * plan.steps_per_bar {
                let logits = model.advance(&feed)?;
                let (with, without) = logits.split_at(TAKES.min(logits.len()));
                let accented = plan.level[step] > level::NOTHING;
                let weight = if accented { follow } else { REST_GUIDANCE };
                // Every accent gets a hit: the empty word is excluded there, unless the movement is
                // to be ignored.
                let answered = accented && follow > 0.0;
                let allowed = |word: usize| word < vocabulary.size() && !(answered && word == 0);
                for (take, (with, without)) in with.iter().zip(without).enumerate() {
                    let mut logits = guide(with, without, weight);
                    let repeated = plan.repeated_step(step).filter(|_| !accented);
                    let earlier = repeated.and_then(|earlier| {
                        let in_take = earlier.checked_sub(words.len());
                        in_take
                            .map_or_else(|| words.get(earlier), |at| takes[take].get(at))
                            .copied()
                    });
                    if let Some(logit) = earlier.and_then(|word| logits.get_mut(word)) {
                        *logit += REPEAT;
                    }
                    let word = choose(&logits, allowed, sampling, random[take].uniform());
                    takes[take].push(word);
                    feed[take] = vec![word as i64];
                    feed[TAKES + take] = vec![word as i64];
                }
            }
            progress((bar + 1) as f64 / bars as f64)?;
        }
        words.extend(best(takes, plan, vocabulary));
    }
    Ok(words)
}

/// The take that is most similar to the plan's style; on a tie, the first.
fn best(takes: Vec<Vec<usize>>, plan: &Plan, vocabulary: &Vocabulary) -> Vec<usize> {
    let distance = |take: &Vec<usize>| {
        let groove = vocabulary.groove(plan.style);
        groove.map_or(0.0, |groove| {
            groove.distance(&hit_matrix(take, vocabulary), plan.steps_per_bar)
        })
    };
    takes
        .into_iter()
        .min_by(|a, b| distance(a).total_cmp(&distance(b)))
        .unwrap_or_default()
}

/// The words as a matrix for the velocity and offset network, one row per step: 1 for a class that
/// is hit.
pub fn hit_matrix(words: &[usize], vocabulary: &Vocabulary) -> Vec<[f32; CLASSES]> {
    words
        .iter()
        .map(|word| {
            let mut row = [0.0; CLASSES];
            vocabulary.classes(*word).for_each(|class| row[class as usize] = 1.0);
            row
        })
        .collect()
}

/// Factor on the network's velocities, by how strongly the person moves in the bar (1 to 4).
const ENERGY_GAIN: [f32; 4] = [0.86, 0.94, 1.0, 1.06];

/// How far an accent raises a hit towards full velocity: an accent of strength 1 raises it
/// half-way.
const ACCENT_LIFT: f32 = 0.5;

/// Timekeeping hits are raised less, otherwise every accent would be a splash of cymbals.
const TIMEKEEPER_LIFT: f32 = 0.2;

/// Softest and loudest velocity written.
const VELOCITY: std::ops::RangeInclusive<f32> = 0.08..=1.0;

/// Turns words and the velocity and offset network's output into hits. Velocities follow the
/// movement: bars in which the person moves more are louder, and hits on an accent are raised
/// according to its strength.
pub fn hits(
    plan: &Plan,
    words: &[usize],
    vocabulary: &Vocabulary,
    velocity: &[[f32; CLASSES]],
    offset: &[[f32; CLASSES]],
) -> Vec<Hit> {
    let mut hits = Vec::new();
    for (index, ((word, velocity), offset)) in words.iter().zip(velocity).zip(offset).enumerate() {
        let energy = plan.energy.get(index / plan.steps_per_bar).copied().unwrap_or(0);
        let gain = (energy as usize)
            .checked_sub(1)
            .and_then(|e| ENERGY_GAIN.get(e))
            .copied()
            .unwrap_or(1.0);
        let strength = plan.strength.get(index).copied().unwrap_or(0.0);
        for class in vocabulary.classes(*word) {
            let lift = match class {
                DrumClass::ClosedHat | DrumClass::Ride => TIMEKEEPER_LIFT,
                _ => ACCENT_LIFT,
            };
            let played = velocity[class as usize] * gain;
            let lifted = played + (1.0 - played).max(0.0) * lift * strength;
            hits.push(Hit {
                step: plan.first_step + index as i32,
                class,
                velocity: lifted.clamp(*VELOCITY.start(), *VELOCITY.end()),
                // The largest value below half a step: an offset of half a step would be the next
                // step.
                offset: offset[class as usize].clamp(-0.5, 0.499),
            });
        }
    }
    hits
}

#[cfg(test)]
mod tests {
    use super::*;

    fn vocabulary() -> Vocabulary {
        serde_json::from_value(serde_json::json!({
            "classes": DrumClass::ALL, "words": [0, 1, 2, 4, 5], "bos": 5, "styles": ["unknown", "rock"],
            "style_tempo": {"rock": [90.0, 115.0, 140.0], "hiphop": [70.0, 90.0, 100.0]},
            "style_groove": {"unknown": {"median": [0.2, 0.2, 0.5, 0.0, 1.0, 1.0], "spread": [0.1, 0.1, 0.2, 0.1, 0.4, 0.4]}},
            "context_bars": 4, "layers": 1, "heads": 1, "head_dim": 2
        }))
        .expect("a vocabulary")
    }

    fn plan(bars: usize) -> Plan {
        Plan {
            steps_per_bar: 16,
            first_step: -4,
            level: vec![level::NOTHING; bars * 16],
            strength: vec![0.0; bars * 16],
            energy: vec![3; bars],
            repeated: vec![],
            style: 1,
            player: 0,
            bpm: 120.0,
        }
    }

    /// Records its inputs and always returns the same logits.
    struct Recorder {
        logits: Vec<f32>,
        windows: Vec<Vec<PlanWindow>>,
        fed: Vec<Vec<Vec<i64>>>,
    }

    impl Recorder {
        fn new(logits: &[f32]) -> Self {
            Self {
                logits: logits.to_vec(),
                windows: vec![],
                fed: vec![],
            }
        }

        /// The inputs of the windows so far, row by row.
        fn fed(&self, reading: usize) -> &[Vec<i64>] {
            &self.fed[reading]
        }
    }

    impl HitsModel for Recorder {
        fn begin(&mut self, windows: &[PlanWindow]) -> Result<()> {
            self.windows.push(windows.to_vec());
            self.fed.push(vec![vec![]; windows.len()]);
            Ok(())
        }

        fn advance(&mut self, words: &[Vec<i64>]) -> Result<Vec<Vec<f32>>> {
            if let Some(fed) = self.fed.last_mut() {
                assert_eq!(fed.len(), words.len());
                fed.iter_mut().zip(words).for_each(|(fed, words)| fed.extend(words));
            }
            Ok(vec![self.logits.clone(); words.len()])
        }
    }

    const PLAIN: Sampling = Sampling {
        temperature: 1.0,
        top_p: 1.0,
    };

    fn write(plan: &Plan, model: &mut Recorder, seed: u64) -> Vec<usize> {
        write_words(plan, &vocabulary(), model, PLAIN, 1.5, seed, |_| Ok(())).expect("a model that cannot fail")
    }

    #[test]
    fn windows_slide_by_half_and_are_fed_the_words_written() {
        let mut model = Recorder::new(&[1.0, 0.5, 0.2, 0.1, 0.3]);
        let words = write(&plan(7), &mut model, 3);
        assert_eq!(words.len(), 7 * 16);
        let bars: Vec<(i64, usize)> = model
            .windows
            .iter()
            .map(|w| (w[0].bar[0], w[0].rhythm.len() / 16))
            .collect();
        assert_eq!(bars, [(0, 4), (2, 4), (0, 3)]); // bars 0..4, 2..6 and 4..7, counted modulo 4
        let as_fed: Vec<i64> = words.iter().map(|w| *w as i64).collect();
        // The take that was kept was fed its own words; later windows were fed the kept words.
        assert!(model.fed(0).iter().all(|row| row[0] == 5));
        assert!(model.fed(0).iter().any(|row| row[1..] == as_fed[..63]));
        assert!(model.fed(1).iter().all(|row| row[..33] == as_fed[31..64]));
        assert!(model.fed(1).iter().any(|row| row[..] == as_fed[31..95]));
        assert!(model.fed(2).iter().all(|row| row[..33] == as_fed[63..96]));
    }

    #[test]
    fn a_bar_both_versions_share_is_drawn_alike() {
        let logits = [1.0, 0.9, 0.8, 0.7, 0.6];
        let long = write(&plan(7), &mut Recorder::new(&logits), 3);
        let short = write(&plan(4), &mut Recorder::new(&logits), 3);
        assert_eq!(long[..64], short[..]);
        assert_ne!(long, write(&plan(7), &mut Recorder::new(&logits), 4));
    }

    #[test]
    fn the_take_most_like_the_style_is_kept() {
        let (plan, vocabulary) = (plan(1), vocabulary());
        // Words: 1 kick, 2 snare, 3 closed hat.
        let groove: Vec<usize> = (0..16).map(|s| [1, 0, 3, 0, 2, 0, 3, 0][s % 8]).collect();
        let roll = vec![2; 16];
        assert_eq!(
            best(vec![roll.clone(), groove.clone(), roll], &plan, &vocabulary),
            groove
        );
    }

    #[test]
    fn accents_are_answered_unless_the_movement_is_ignored_and_bos_is_never_written() {
        let mut plan = plan(2);
        plan.level.iter_mut().step_by(3).for_each(|l| *l = 2);
        plan.level.iter_mut().skip(1).step_by(6).for_each(|l| *l = 1);
        let words = write(&plan, &mut Recorder::new(&[30.0, 0.0, 0.0, 0.0, 0.0, 99.0]), 1);
        for (word, level) in words.iter().zip(&plan.level) {
            assert_eq!(*level != level::NOTHING, *word != 0);
            assert!(*word < 5);
        }
        let logits = [30.0, 0.0, 0.0, 0.0, 0.0, 99.0];
        let ignored = write_words(&plan, &vocabulary(), &mut Recorder::new(&logits), PLAIN, 0.0, 1, |_| {
            Ok(())
        })
        .expect("words");
        assert!(ignored.iter().all(|word| *word == 0));
    }

    #[test]
    fn guidance_compares_with_windows_without_the_movement() {
        let mut model = Recorder::new(&[1.0, 0.0, 0.0, 0.0, 0.0]);
        write(&plan(1), &mut model, 1);
        let (with, without) = model.windows[0].split_at(TAKES);
        assert_eq!((with.len(), without.len()), (TAKES, TAKES));
        assert!(
            with.iter()
                .all(|w| w.energy.iter().all(|e| *e == 3) && w.rhythm.iter().all(|l| *l == 0))
        );
        let absent = i64::from(level::ABSENT);
        assert!(
            without
                .iter()
                .all(|w| w.energy.iter().all(|e| *e == 0) && w.rhythm.iter().all(|l| *l == absent))
        );
    }

    #[test]
    fn hits_lie_on_the_plans_steps_and_follow_the_accents() {
        let mut plan = plan(1);
        plan.strength[1] = 1.0;
        let velocity = [[0.6; CLASSES]; 16];
        let offset = [[0.7; CLASSES]; 16];
        let mut words = vec![0; 16];
        words[0] = 4; // kick and closed hat
        words[1] = 4;
        let hits = hits(&plan, &words, &vocabulary(), &velocity, &offset);
        let met: Vec<(i32, DrumClass)> = hits.iter().map(|h| (h.step, h.class)).collect();
        let (kick, hat) = (DrumClass::Kick, DrumClass::ClosedHat);
        assert_eq!(met, [(-4, kick), (-4, hat), (-3, kick), (-3, hat)]);
        assert!((hits[0].velocity - 0.6).abs() < 1e-6 && (hits[2].velocity - 0.8).abs() < 1e-6);
        assert!(hits[3].velocity > hits[1].velocity && hits[3].velocity < hits[2].velocity);
        assert!(hits.iter().all(|h| h.offset < 0.5));
    }

    #[test]
    fn the_style_whose_usual_tempo_is_nearest_is_chosen() {
        let vocabulary = vocabulary();
        assert_eq!(vocabulary.style_for_tempo(84.0, &["rock", "hiphop"]), Some("hiphop"));
        assert_eq!(vocabulary.style_for_tempo(130.0, &["rock", "hiphop"]), Some("rock"));
        assert_eq!(vocabulary.style_for_tempo(130.0, &["polka"]), None);
    }
}

//! The drum networks: tensors in, tensors out.

use super::hits::CLASSES;
use super::players::Players;
use super::vocabulary::Vocabulary;
use super::writing::{HitsModel, Plan, PlanWindow};
use crate::error::{Error, Result};
use crate::model::{Manifest, Options, Runtime, Session, Tensor};
use ndarray::{Array1, Array2, Array3, ArrayD, Axis, IxDyn};

const ENCODER: &str = "rhythm2drum_encoder";
const DECODER: &str = "rhythm2drum_decoder";
const VELOCITY_OFFSET: &str = "velocity_offset";
const VOCABULARY: &str = "rhythm2drum_vocabulary";
const PLAYERS: &str = "velocity_offset_players";

/// The networks of the drum stage.
pub struct DrumModels {
    vocabulary: Vocabulary,
    pub(super) hits: Hits,
    velocity_offset: Session,
    players: Players,
}

/// Encoder and decoder of the hits transformer, with the keys and values of the window being
/// written.
pub(super) struct Hits {
    encoder: Session,
    decoder: Session,
    cache_shape: [usize; 3],
    /// The encoder's output and the positions of the steps, inputs to each call of the decoder.
    window: Vec<(&'static str, Tensor)>,
    key: Tensor,
    value: Tensor,
}

impl DrumModels {
    /// Names of the files in the manifest.
    pub const FILES: &'static [&'static str] = &[ENCODER, DECODER, VELOCITY_OFFSET, VOCABULARY, PLAYERS];

    /// Loads the networks and checks them against the manifest.
    ///
    /// # Errors
    /// Those of [`Session::open`]: a file that is missing, damaged, or of another shape; a device
    /// that cannot be used.
    pub fn open(runtime: &Runtime, manifest: &Manifest, options: Options) -> Result<Self> {
        manifest.verify(VOCABULARY)?;
        let vocabulary = Vocabulary::read(&manifest.file(VOCABULARY)?)?;
        manifest.verify(PLAYERS)?;
        let players = Players::read(&manifest.file(PLAYERS)?, &vocabulary)?;
        let open = |name| Session::open(runtime, manifest, name, options);
        Ok(Self {
            hits: Hits {
                encoder: open(ENCODER)?,
                decoder: open(DECODER)?,
                cache_shape: vocabulary.cache_shape(),
                window: Vec::new(),
                key: empty_cache(vocabulary.cache_shape(), 0),
                value: empty_cache(vocabulary.cache_shape(), 0),
            },
            velocity_offset: open(VELOCITY_OFFSET)?,
            players,
            vocabulary,
        })
    }

    /// The vocabulary that the networks were trained with.
    pub fn vocabulary(&self) -> &Vocabulary {
        &self.vocabulary
    }

    /// The player of each style.
    pub(super) fn players(&self) -> &Players {
        &self.players
    }

    /// Velocity (0 to 1) and offset (−0.5 to 0.5 steps, positive is late) for every cell of a hit
    /// matrix.
    #[allow(clippy::type_complexity)] // two matrices of the same shape
    pub(super) fn velocity_and_offset(
        &mut self,
        plan: &Plan,
        hits: &[[f32; CLASSES]],
    ) -> Result<(Vec<[f32; CLASSES]>, Vec<[f32; CLASSES]>)> {
        let steps = hits.len();
        let matrix = Array3::from_shape_fn((1, steps, CLASSES), |(_, step, class)| hits[step][class]);
        let position = Array2::from_shape_fn((1, steps), |(_, step)| (step % plan.steps_per_bar) as i64);
        let number = |value: usize| Tensor::I64(Array1::from_elem(1, value as i64).into_dyn());
        let inputs = [
            ("hits", &Tensor::F32(matrix.into_dyn())),
            ("position", &Tensor::I64(position.into_dyn())),
            ("style", &number(plan.style)),
            ("player", &number(plan.player)),
            ("tempo", &Tensor::F32(Array1::from_elem(1, plan.bpm as f32).into_dyn())),
        ];
        let outputs = self.velocity_offset.run(&inputs)?;
        let rows = |name| -> Result<Vec<[f32; CLASSES]>> {
            let values = outputs.f32(name)?;
            let mut rows = vec![[0.0; CLASSES]; steps];
            for (value, cell) in values.iter().zip(rows.iter_mut().flatten()) {
                *cell = *value;
            }
            Ok(rows)
        };
        Ok((rows("velocity")?, rows("offset")?))
    }
}

/// Empty keys or values for a number of windows, in the decoder's layout.
fn empty_cache([layers, heads, head_dim]: [usize; 3], windows: usize) -> Tensor {
    Tensor::F32(ArrayD::zeros(IxDyn(&[layers, windows, heads, 0, head_dim])))
}

impl HitsModel for Hits {
    fn begin(&mut self, windows: &[PlanWindow]) -> Result<()> {
        let (n, steps) = (windows.len(), windows.first().map_or(0, |w| w.rhythm.len()));
        let per_step = |values: &dyn Fn(&PlanWindow) -> &Vec<i64>| {
            Tensor::I64(Array2::from_shape_fn((n, steps), |(w, s)| values(&windows[w])[s]).into_dyn())
        };
        let position = per_step(&|w| &w.position);
        let inputs = [
            ("rhythm", &per_step(&|w| &w.rhythm)),
            ("energy", &per_step(&|w| &w.energy)),
            ("position", &position),
            ("bar", &per_step(&|w| &w.bar)),
            (
                "style",
                &Tensor::I64(windows.iter().map(|w| w.style).collect::<Array1<i64>>().into_dyn()),
            ),
            (
                "tempo",
                &Tensor::F32(windows.iter().map(|w| w.bpm).collect::<Array1<f32>>().into_dyn()),
            ),
        ];
        let mut outputs = self.encoder.run(&inputs)?;
        self.window = ["memory", "cross_key", "cross_value"]
            .into_iter()
            .map(|name| Ok((name, outputs.take(name)?)))
            .collect::<Result<_>>()?;
        self.window.push(("position", position));
        self.key = empty_cache(self.cache_shape, n);
        self.value = empty_cache(self.cache_shape, n);
        Ok(())
    }

    fn advance(&mut self, words: &[Vec<i64>]) -> Result<Vec<Vec<f32>>> {
        let steps = words.first().map_or(0, Vec::len);
        let words = Tensor::I64(Array2::from_shape_fn((words.len(), steps), |(w, s)| words[w][s]).into_dyn());
        let mut inputs: Vec<(&str, &Tensor)> = self.window.iter().map(|(name, tensor)| (*name, tensor)).collect();
        inputs.extend([("words", &words), ("past_key", &self.key), ("past_value", &self.value)]);
        let mut outputs = self.decoder.run(&inputs)?;
        self.key = outputs.take("key")?;
        self.value = outputs.take("value")?;

        let logits = outputs.f32("logits")?;
        let last = logits
            .shape()
            .get(1)
            .and_then(|steps| steps.checked_sub(1))
            .ok_or_else(|| Error::Inference {
                path: self.decoder.path().to_owned(),
                reason: format!("logits of shape {:?}", logits.shape()),
            })?;
        Ok(logits
            .index_axis(Axis(1), last)
            .outer_iter()
            .map(|row| row.iter().copied().collect())
            .collect())
    }
}

#[cfg(test)]
mod tests {
    use super::super::sampling::{Sampling, choose, guide};
    use super::super::writing::{hit_matrix, write_words};
    use super::*;
    use crate::settings::Device;
    use serde::Deserialize;
    use std::path::Path;

    /// The output of the training code's own decoder for a hand-made rhythm.
    #[derive(Deserialize)]
    struct Golden {
        rhythm: Vec<u8>,
        energy: Vec<u8>,
        style: usize,
        player: usize,
        tempo: f64,
        steps_per_bar: usize,
        first_logits: Vec<Vec<f32>>,
        words: Vec<usize>,
        words_guidance_2_free_energy: Vec<usize>,
        velocity: Vec<[f32; CLASSES]>,
        offset: Vec<[f32; CLASSES]>,
    }

    fn golden() -> (Golden, Plan) {
        let root = Path::new(env!("CARGO_MANIFEST_DIR"));
        let text =
            std::fs::read_to_string(root.join("tests/fixtures/rhythm2drum_golden.json")).expect("the golden file");
        let golden: Golden = serde_json::from_str(&text).expect("the golden file's shape");
        let plan = Plan {
            steps_per_bar: golden.steps_per_bar,
            first_step: 0,
            level: golden.rhythm.clone(),
            strength: vec![0.0; golden.rhythm.len()],
            repeated: vec![],
            energy: golden.energy.iter().step_by(golden.steps_per_bar).copied().collect(),
            style: golden.style,
            player: golden.player,
            bpm: golden.tempo,
        };
        (golden, plan)
    }

    fn models(threads: usize) -> DrumModels {
        let root = Path::new(env!("CARGO_MANIFEST_DIR"));
        let runtime = Runtime::load(Some(&root.join(".setup/onnxruntime")), &[]).expect("ONNX Runtime");
        let manifest = Manifest::read(&root.join("models")).expect("the manifest");
        DrumModels::open(
            &runtime,
            &manifest,
            Options {
                device: Device::Cpu,
                threads,
            },
        )
        .expect("the drum models")
    }

    /// The likeliest word of each step with constant guidance, written like the training code's
    /// decoder does: windows of eight bars, of which four are kept.
    fn greedy(plan: &Plan, models: &mut DrumModels, guidance: f64) -> Vec<usize> {
        let context = models.vocabulary().context_bars();
        let bars = plan.level.len() / plan.steps_per_bar;
        let mut words: Vec<usize> = vec![];
        while words.len() < plan.level.len() {
            let from = (words.len() / plan.steps_per_bar).saturating_sub(context / 2);
            let to = (from + context).min(bars);
            models
                .hits
                .begin(&[false, true].map(|absent| plan.window(from, to, context, absent)))
                .expect("windows");
            let first = from * plan.steps_per_bar;
            let before = if first == 0 {
                models.vocabulary().bos()
            } else {
                words[first - 1] as i64
            };
            let mut feed: Vec<i64> = std::iter::once(before)
                .chain(words[first..].iter().map(|w| *w as i64))
                .collect();
            while words.len() < to * plan.steps_per_bar {
                let logits = models.hits.advance(&[feed.clone(), feed]).expect("logits");
                let guided = guide(&logits[0], &logits[1], guidance);
                let likeliest = Sampling {
                    temperature: 1.0,
                    top_p: 1e-9,
                };
                words.push(choose(
                    &guided,
                    |word| word < models.vocabulary().size(),
                    likeliest,
                    0.5,
                ));
                feed = words[words.len() - 1..].iter().map(|w| *w as i64).collect();
            }
        }
        words
    }

    #[test]
    fn words_logits_velocities_and_offsets_are_those_of_the_training_code() {
        let (golden, plan) = golden();
        let mut models = models(1);
        let style = &models.vocabulary().styles()[golden.style];
        assert_eq!(models.players().of_style(style), golden.player);
        assert_eq!(greedy(&plan, &mut models, 1.0), golden.words);
        assert_eq!(greedy(&plan, &mut models, 2.0), golden.words_guidance_2_free_energy);

        let matrix = hit_matrix(&golden.words, models.vocabulary());
        let (velocity, offset) = models
            .velocity_and_offset(&plan, &matrix)
            .expect("velocities and offsets");
        for (ours, theirs) in [(velocity, golden.velocity), (offset, golden.offset)] {
            assert_eq!(ours.len(), theirs.len());
            for (step, (ours, theirs)) in ours.iter().zip(&theirs).enumerate() {
                for (class, (ours, theirs)) in ours.iter().zip(theirs).enumerate() {
                    // The golden file has the cells with a hit, to five digits.
                    let struck = matrix[step][class] > 0.0;
                    assert!(
                        !struck || (ours - theirs).abs() < 2e-4,
                        "step {step}, class {class}: {ours}, {theirs}"
                    );
                }
            }
        }

        let vocabulary = models.vocabulary().clone();
        let bars = vocabulary.context_bars();
        let first = plan.window(0, bars, bars, false);
        models.hits.begin(&[first]).expect("a window");
        let mut word = vocabulary.bos();
        for (expected, written) in golden.first_logits.iter().zip(&golden.words) {
            let logits = models.hits.advance(&[vec![word]]).expect("logits").remove(0);
            assert_eq!(logits.len(), vocabulary.size());
            assert!(
                logits.iter().zip(expected).all(|(a, b)| (a - b).abs() < 2e-3),
                "{logits:?}\n{expected:?}"
            );
            word = *written as i64;
        }
    }

    #[test]
    fn two_threads_write_the_same_words_as_one() {
        let (_, plan) = golden();
        let write = |threads| {
            let mut models = models(threads);
            let vocabulary = models.vocabulary().clone();
            let sampling = Sampling {
                temperature: 1.0,
                top_p: 0.95,
            };
            write_words(&plan, &vocabulary, &mut models.hits, sampling, 1.5, 7, |_| Ok(())).expect("words")
        };
        assert_eq!(write(1), write(2));
    }
}

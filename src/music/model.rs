//! The music networks: tensors in, tensors out.

use super::plan::BarInput;
use super::vocabulary::Vocabulary;
use super::writing::LineModel;
use crate::error::{Error, Result};
use crate::model::{Manifest, Options, Runtime, Session, Tensor};
use ndarray::{Array1, Array2, Array3, ArrayD, IxDyn};

const ENCODER: &str = "drum2music_encoder";
const DECODER: &str = "drum2music_decoder";
const VOCABULARY: &str = "drum2music_vocabulary";

/// Names of the decoder's memory, layer by layer: inputs and outputs.
const MEMORY: &[(&str, &str)] = &[
    ("memory_0", "new_memory_0"),
    ("memory_1", "new_memory_1"),
    ("memory_2", "new_memory_2"),
    ("memory_3", "new_memory_3"),
];

/// The networks of the music stage.
pub struct MusicModels {
    vocabulary: Vocabulary,
    /// Encoder and decoder for each line that is written in parallel.
    pub(super) writers: Vec<LineWriter>,
}

/// Encoder and decoder with their memory of the line being written.
pub(super) struct LineWriter {
    encoder: Session,
    decoder: Session,
    encoder_empty: [usize; 3],
    decoder_empty: [usize; 3],
    encoder_memory: Tensor,
    /// The encoder's output for the bar.
    cross: Vec<(&'static str, Tensor)>,
    /// The decoder's memory at the start of the bar, and after the tokens of the bar so far.
    at_bar: Vec<Tensor>,
    now: Option<Vec<Tensor>>,
}

impl MusicModels {
    /// Names of the files in the manifest.
    pub const FILES: &'static [&'static str] = &[ENCODER, DECODER, VOCABULARY];

    /// Loads the networks for `lines` lines, which are written in parallel, and checks them against
    /// the manifest.
    ///
    /// # Errors
    /// Those of [`Session::open`]: a file that is missing, damaged, or of another shape; a device
    /// that cannot be used.
    pub fn open(runtime: &Runtime, manifest: &Manifest, options: Options, lines: usize) -> Result<Self> {
        manifest.verify(VOCABULARY)?;
        let path = manifest.file(VOCABULARY)?;
        let vocabulary = Vocabulary::read(&path)?;
        if vocabulary.decoder_memory()[0] != MEMORY.len() {
            return Err(Error::Manifest {
                path,
                reason: format!(
                    "a decoder of {} layers; this version of the library needs {}",
                    vocabulary.decoder_memory()[0],
                    MEMORY.len()
                ),
            });
        }
        let writers = (0..lines)
            .map(|_| {
                Ok(LineWriter {
                    encoder: Session::open(runtime, manifest, ENCODER, options)?,
                    decoder: Session::open(runtime, manifest, DECODER, options)?,
                    encoder_empty: vocabulary.encoder_memory(),
                    decoder_empty: vocabulary.decoder_memory(),
                    encoder_memory: Tensor::F32(ArrayD::zeros(IxDyn(&[0]))),
                    cross: Vec::new(),
                    at_bar: Vec::new(),
                    now: None,
                })
            })
            .collect::<Result<_>>()?;
        Ok(Self { vocabulary, writers })
    }

    /// The vocabulary that the networks were trained with.
    pub fn vocabulary(&self) -> &Vocabulary {
        &self.vocabulary
    }
}

impl LineModel for LineWriter {
    fn start(&mut self) {
        let [layers, heads, size] = self.encoder_empty;
        self.encoder_memory = Tensor::F32(ArrayD::zeros(IxDyn(&[layers, 2, 1, heads, 0, size])));
        let [_, heads, size] = self.decoder_empty;
        self.at_bar = MEMORY
            .iter()
            .map(|_| Tensor::F32(ArrayD::zeros(IxDyn(&[2, 1, heads, 0, size]))))
            .collect();
        self.now = None;
    }

    fn begin(&mut self, bar: &BarInput) -> Result<()> {
        if let Some(now) = self.now.take() {
            self.at_bar = now;
        }
        let steps = bar.hits.len();
        let hits = Array3::from_shape_fn((1, steps, bar.hits[0].len()), |(_, s, c)| bar.hits[s][c]);
        let per_step = |value: &dyn Fn(usize) -> u8| {
            Tensor::I64(Array2::from_shape_fn((1, steps), |(_, s)| i64::from(value(s))).into_dyn())
        };
        let number = |value: usize| Tensor::I64(Array1::from_elem(1, value as i64).into_dyn());
        let scale = Array2::from_shape_fn((1, 12), |(_, class)| f32::from(u8::from(bar.scale[class])));
        let inputs = [
            ("hits", &Tensor::F32(hits.into_dyn())),
            ("position", &per_step(&|s| s as u8)),
            ("root", &per_step(&|s| bar.chords[s].root())),
            ("quality", &per_step(&|s| bar.chords[s].quality())),
            ("next_root", &per_step(&|s| bar.next_chords[s].root())),
            ("next_quality", &per_step(&|s| bar.next_chords[s].quality())),
            ("scale", &Tensor::F32(scale.into_dyn())),
            ("density", &number(usize::from(bar.density))),
            ("register", &number(usize::from(bar.register))),
            ("lead", &number(usize::from(bar.lead))),
            ("section", &number(usize::from(bar.section))),
            ("instrument", &number(bar.instrument as usize)),
            ("style", &number(bar.style)),
            ("tempo", &Tensor::F32(Array1::from_elem(1, bar.bpm as f32).into_dyn())),
            ("memory", &self.encoder_memory),
        ];
        let mut outputs = self.encoder.run(&inputs)?;
        self.cross = ["cross_key", "cross_value"]
            .into_iter()
            .map(|name| Ok((name, outputs.take(name)?)))
            .collect::<Result<_>>()?;
        self.encoder_memory = outputs.take("new_memory")?;
        Ok(())
    }

    fn restart(&mut self) {
        self.now = None;
    }

    fn advance(&mut self, tokens: &[usize]) -> Result<Vec<f32>> {
        let ids = Array2::from_shape_fn((1, tokens.len()), |(_, t)| tokens[t] as i64);
        let ids = Tensor::I64(ids.into_dyn());
        let memory = self.now.as_ref().unwrap_or(&self.at_bar);
        let mut inputs: Vec<(&str, &Tensor)> = self.cross.iter().map(|(name, tensor)| (*name, tensor)).collect();
        inputs.push(("tokens", &ids));
        inputs.extend(MEMORY.iter().map(|(name, _)| *name).zip(memory));
        let mut outputs = self.decoder.run(&inputs)?;
        let logits = outputs.f32("logits")?;
        let width = logits.shape().last().copied().unwrap_or(0);
        let last = logits
            .iter()
            .skip(logits.len().saturating_sub(width))
            .copied()
            .collect();
        self.now = Some(
            MEMORY
                .iter()
                .map(|(_, name)| outputs.take(name))
                .collect::<Result<_>>()?,
        );
        Ok(last)
    }
}

#[cfg(test)]
mod tests {
    use super::super::plan::ChordInput;
    use super::*;
    use crate::drums::CLASSES;
    use crate::music::remi::Token;
    use crate::settings::Device;
    use crate::theory::{Chord, Instrument, Quality};
    use std::path::Path;

    fn writer() -> LineWriter {
        let root = Path::new(env!("CARGO_MANIFEST_DIR"));
        let runtime = Runtime::load(Some(&root.join(".setup/onnxruntime")), &[]).expect("ONNX Runtime");
        let manifest = Manifest::read(&root.join("models")).expect("the manifest");
        let options = Options {
            device: Device::Cpu,
            threads: 1,
        };
        MusicModels::open(&runtime, &manifest, options, 1)
            .expect("the music models")
            .writers
            .remove(0)
    }

    fn bar(kick: bool) -> BarInput {
        let chord = ChordInput(Some(Chord {
            root: 9,
            quality: Quality::Minor,
        }));
        let mut hits = vec![[0.0; CLASSES]; 16];
        hits.iter_mut()
            .step_by(4)
            .for_each(|hit| hit[0] = f32::from(u8::from(kick)));
        BarInput {
            hits,
            chords: vec![chord; 16],
            next_chords: vec![ChordInput(None); 16],
            scale: [true; 12],
            density: 2,
            register: 2,
            lead: 1,
            section: 4,
            instrument: Instrument::Piano,
            style: 1,
            bpm: 120.0,
        }
    }

    fn item(position: u8, pitch: u8) -> Vec<usize> {
        [
            Token::Position(position),
            Token::NoteVelocity(20),
            Token::NoteOn(pitch),
            Token::NoteDuration(4),
        ]
        .map(Token::id)
        .to_vec()
    }

    fn largest_difference(a: &[f32], b: &[f32]) -> f32 {
        assert_eq!(a.len(), Token::COUNT);
        a.iter().zip(b).map(|(a, b)| (a - b).abs()).fold(0.0, f32::max)
    }

    #[test]
    fn earlier_notes_are_remembered_over_bars_and_removed_with_them() {
        let mut writer = writer();
        let begin = [Token::Bar.id()];
        // The first logits of the second bar, after a first bar of these tokens, or after no bar.
        let mut second = |first: Option<Vec<usize>>, kick: bool| {
            writer.start();
            if let Some(tokens) = first {
                writer.begin(&bar(kick)).expect("a bar");
                writer.advance(&begin).expect("logits");
                writer.advance(&tokens).expect("logits");
            }
            writer.begin(&bar(true)).expect("a bar");
            let logits = writer.advance(&begin).expect("logits");
            // A second attempt from the bar's start gives the same.
            writer.advance(&item(4, 72)).expect("logits");
            writer.restart();
            assert_eq!(logits, writer.advance(&begin).expect("logits"));
            logits
        };
        let low = second(Some(item(0, 57)), true);
        assert!(
            largest_difference(&low, &second(None, true)) > 0.1,
            "with memory and without"
        );
        assert!(
            largest_difference(&low, &second(Some(item(8, 81)), true)) > 0.05,
            "of other notes"
        );
        assert!(
            largest_difference(&low, &second(Some(item(0, 57)), false)) > 0.01,
            "of other drums"
        );
        assert_eq!(low, second(Some(item(0, 57)), true), "the same again");
    }

    #[test]
    fn tokens_may_be_given_one_by_one_or_together() {
        let mut writer = writer();
        let tokens: Vec<usize> = std::iter::once(Token::Bar.id())
            .chain(item(0, 57))
            .chain(item(4, 64))
            .collect();
        writer.start();
        writer.begin(&bar(true)).expect("a bar");
        let together = writer.advance(&tokens).expect("logits");
        writer.restart();
        let mut alone = vec![];
        for token in &tokens {
            alone = writer.advance(&[*token]).expect("logits");
        }
        assert!(largest_difference(&together, &alone) < 1e-3);
    }
}

//! Samples one word from logits. Pure, and the same on every machine: logits are rounded before
//! they are used, and each bar has its own random stream.

use crate::theory::Instrument;
use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::{RngCore, SeedableRng};

/// Options of the sampling.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Sampling {
    /// Softmax temperature, above 0.
    pub temperature: f64,
    /// The nucleus (Holtzman et al. 2020): the smallest set of words whose probabilities reach this
    /// sum.
    pub top_p: f64,
}

/// Logits are rounded to this grid, so that the last bits, which differ between processors and
/// numbers of threads, do not change any note.
const LOGIT_GRID: f64 = 1e-3;

/// All random streams of the program, so that no two stages draw the same numbers. The numbers
/// below are part of what a seed means: changing one changes the notes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Stream {
    /// The drums' hits.
    Drums,
    /// The harmony.
    Harmony,
    /// An instrument's line.
    Line(Instrument),
    /// Which earlier bar a line recalls.
    Recall,
    /// The palette.
    Palette,
    /// The motifs of the theme.
    Theme,
    /// The figure of the ostinato.
    Figure,
}

impl Stream {
    /// The number that identifies the stream.
    fn number(self) -> u64 {
        match self {
            Self::Drums => 2,
            Self::Harmony => 3,
            // The first three come before the number of `Recall`, all others far after it.
            Self::Line(instrument) if (instrument as u64) < 3 => 4 + instrument as u64,
            Self::Line(instrument) => 100 + instrument as u64,
            Self::Recall => 7,
            Self::Palette => 8,
            Self::Theme => 9,
            Self::Figure => 10,
        }
    }
}

/// The random stream of one bar. It depends only on the seed, the bar's number and the take, and
/// never on how many numbers were drawn before, so that a bar that two versions of a clip share is
/// the same in both.
pub struct BarRandom(ChaCha8Rng);

impl BarRandom {
    /// The random stream of a bar and a take.
    pub fn new(seed: u64, stream: Stream, bar: u64, take: u64) -> Self {
        let mut key = [0; 32];
        for (part, value) in key.chunks_exact_mut(8).zip([seed, stream.number(), bar, take]) {
            part.copy_from_slice(&value.to_le_bytes());
        }
        Self(ChaCha8Rng::from_seed(key))
    }

    /// The next number, uniformly distributed from 0 to below 1.
    pub fn uniform(&mut self) -> f64 {
        (self.0.next_u64() >> 11) as f64 / (1_u64 << 53) as f64
    }
}

/// Classifier-free guidance (Ho & Salimans 2022): logits moved away from those that the model gives
/// without the rhythm. `weight` 1 gives `with`, 0 gives `without`.
pub fn guide(with: &[f32], without: &[f32], weight: f64) -> Vec<f64> {
    with.iter()
        .zip(without)
        .map(|(&with, &without)| f64::from(without) + weight * (f64::from(with) - f64::from(without)))
        .collect()
}

/// The word that the number `uniform` (0 to below 1) chooses from `logits`. Words for which
/// `allowed` is false are never chosen; if none is allowed, or no logit is a number, word 0 is.
pub fn choose(logits: &[f64], allowed: impl Fn(usize) -> bool, sampling: Sampling, uniform: f64) -> usize {
    let mut words: Vec<(usize, f64)> = logits
        .iter()
        .enumerate()
        .filter(|(word, logit)| allowed(*word) && logit.is_finite())
        .map(|(word, logit)| (word, (logit / LOGIT_GRID).round() * LOGIT_GRID / sampling.temperature))
        .collect();
    // Equal logits are common after rounding; ties are broken by the word's number.
    words.sort_by(|a, b| b.1.total_cmp(&a.1).then(a.0.cmp(&b.0)));
    let Some(&(likeliest, greatest)) = words.first() else {
        return 0;
    };
    let weights: Vec<f64> = words.iter().map(|(_, logit)| (logit - greatest).exp()).collect();
    let total: f64 = weights.iter().sum();

    let mut nucleus = 0;
    let mut mass = 0.0;
    while nucleus < weights.len() && (nucleus == 0 || mass < sampling.top_p * total) {
        mass += weights[nucleus];
        nucleus += 1;
    }
    let mut rest = uniform * mass;
    for ((word, _), weight) in words.iter().zip(&weights).take(nucleus) {
        rest -= weight;
        if rest < 0.0 {
            return *word;
        }
    }
    likeliest
}

#[cfg(test)]
mod tests {
    use super::*;

    const PLAIN: Sampling = Sampling {
        temperature: 1.0,
        top_p: 1.0,
    };

    #[test]
    fn words_are_drawn_as_often_as_their_probabilities_demand() {
        let logits: Vec<f64> = [0.5_f64, 0.3, 0.2].iter().map(|p| p.ln()).collect();
        let mut counts = [0.0; 3];
        let draws = 10_000;
        for k in 0..draws {
            counts[choose(&logits, |_| true, PLAIN, (f64::from(k) + 0.5) / f64::from(draws))] += 1.0 / f64::from(draws);
        }
        for (count, p) in counts.iter().zip([0.5, 0.3, 0.2]) {
            assert!((count - p).abs() < 1e-3, "{counts:?}");
        }
    }

    #[test]
    fn the_nucleus_leaves_out_the_tail_and_low_temperature_the_rest() {
        let logits: Vec<f64> = [0.6_f64, 0.3, 0.1].iter().map(|p| p.ln()).collect();
        let nucleus = Sampling {
            temperature: 1.0,
            top_p: 0.8,
        };
        assert_eq!(choose(&logits, |_| true, nucleus, 0.9999), 1);
        let cold = Sampling {
            temperature: 0.1,
            top_p: 1.0,
        };
        assert_eq!(choose(&logits, |_| true, cold, 0.99), 0);
    }

    #[test]
    fn forbidden_words_and_broken_logits_are_never_chosen() {
        assert_eq!(choose(&[9.0, 1.0, f64::NAN], |word| word != 0, PLAIN, 0.5), 1);
        assert_eq!(choose(&[f64::NAN], |_| true, PLAIN, 0.5), 0);
        assert_eq!(choose(&[], |_| true, PLAIN, 0.5), 0);
    }

    #[test]
    fn differences_below_the_grid_change_nothing() {
        for k in 0..100 {
            let uniform = (f64::from(k) + 0.5) / 100.0;
            let a = choose(&[0.1, 0.2, 0.3], |_| true, PLAIN, uniform);
            let b = choose(&[0.100_000_1, 0.199_999_9, 0.300_000_2], |_| true, PLAIN, uniform);
            assert_eq!(a, b);
        }
    }

    #[test]
    fn each_bar_has_its_own_stream_whatever_was_drawn_before() {
        let mut first = BarRandom::new(7, Stream::Harmony, 3, 0);
        let drawn = [first.uniform(), first.uniform()];
        assert_eq!(BarRandom::new(7, Stream::Harmony, 3, 0).uniform(), drawn[0]);
        assert_ne!(drawn[0], drawn[1]);
        let (own, other) = (Stream::Harmony, Stream::Drums);
        for (seed, stream, bar, take) in [(8, own, 3, 0), (7, other, 3, 0), (7, own, 4, 0), (7, own, 3, 1)] {
            let mut other = BarRandom::new(seed, stream, bar, take);
            assert_ne!(other.uniform(), drawn[0]);
        }
        assert!(drawn.iter().all(|u| (0.0..1.0).contains(u)));
    }

    #[test]
    fn no_two_streams_share_a_number() {
        let lines = Instrument::ALL.map(Stream::Line);
        let streams = [Stream::Drums, Stream::Harmony, Stream::Recall]
            .into_iter()
            .chain(lines);
        let numbers: Vec<u64> = streams.map(Stream::number).collect();
        for (index, number) in numbers.iter().enumerate() {
            assert!(
                !numbers[..index].contains(number),
                "{number} occurs twice in {numbers:?}"
            );
        }
    }

    #[test]
    fn guidance_of_one_is_the_model_and_more_goes_beyond() {
        assert_eq!(guide(&[1.0, 0.0], &[0.0, 0.0], 1.0), [1.0, 0.0]);
        assert_eq!(guide(&[1.0, 0.0], &[0.0, 0.0], 2.0), [2.0, 0.0]);
        assert_eq!(guide(&[1.0, 0.0], &[0.5, 0.0], 0.0), [0.5, 0.0]);
    }
}

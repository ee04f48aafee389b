//! The vocabulary of the drum models: words, styles and sizes.

use super::groove::Groove;
use super::hits::{CLASSES, DrumClass};
use crate::error::Result;
use crate::table::read_table;
use serde::Deserialize;
use std::collections::BTreeMap;
use std::path::Path;

/// The vocabulary of the hits model. A word is the set of classes hit in one step.
#[derive(Debug, Clone, PartialEq, Deserialize)]
pub struct Vocabulary {
    classes: Vec<DrumClass>,
    words: Vec<u16>,
    bos: i64,
    styles: Vec<String>,
    /// 10th, 50th and 90th percentile of the tempo of each style in the training data, beats per
    /// minute.
    style_tempo: BTreeMap<String, [f64; 3]>,
    /// Statistics of each style's drumming; "unknown" covers all styles.
    style_groove: BTreeMap<String, Groove>,
    context_bars: usize,
    layers: usize,
    heads: usize,
    head_dim: usize,
}

impl Vocabulary {
    /// Reads and checks a vocabulary file.
    ///
    /// # Errors
    /// [`Error::Manifest`] when the file does not fit this version of the library.
    pub fn read(path: &Path) -> Result<Self> {
        read_table(path, Self::check)
    }

    fn check(&self) -> Result<(), String> {
        if self.classes != DrumClass::ALL {
            return Err(format!(
                "drum classes {:?}, expected {:?}",
                self.classes,
                DrumClass::ALL
            ));
        }
        if self.words.first() != Some(&0) || self.words.iter().any(|word| *word >= 1 << CLASSES) {
            return Err(format!(
                "words must be sets of {CLASSES} classes, and the first must be empty"
            ));
        }
        if self.styles.first().map(String::as_str) != Some("unknown") {
            return Err(format!(
                "the first style must be 'unknown', not {:?}",
                self.styles.first()
            ));
        }
        if !self.style_groove.contains_key("unknown") || !self.style_groove.values().all(Groove::is_valid) {
            return Err("style_groove must have 'unknown', and spreads above 0".to_owned());
        }
        if self.context_bars < 2 || self.layers == 0 || self.heads == 0 || self.head_dim == 0 {
            return Err("context_bars must be at least 2; layers, heads and head_dim at least 1".to_owned());
        }
        Ok(())
    }

    /// The word before the first one.
    pub fn bos(&self) -> i64 {
        self.bos
    }

    /// Number of words that can be chosen. Word 0 is the empty step.
    pub fn size(&self) -> usize {
        self.words.len()
    }

    /// The classes hit by a word, in order; empty for a number that is not a word.
    pub fn classes(&self, word: usize) -> impl Iterator<Item = DrumClass> {
        let mask = self.words.get(word).copied().unwrap_or(0);
        DrumClass::ALL
            .into_iter()
            .filter(move |class| mask >> *class as usize & 1 == 1)
    }

    /// The names of the styles by their numbers; the first is "unknown".
    pub fn styles(&self) -> &[String] {
        &self.styles
    }

    /// The number of a style; 0 for one that the models do not know.
    pub fn style(&self, name: &str) -> usize {
        self.styles.iter().position(|style| style == name).unwrap_or(0)
    }

    /// The style among `candidates` whose usual tempo is nearest to `bpm`, measured in widths of
    /// its own range of tempi on an octave scale. On a tie, the first is chosen.
    pub fn style_for_tempo(&self, bpm: f64, candidates: &[&'static str]) -> Option<&'static str> {
        // A style recorded at a single tempo would have no width; a sixth of an octave is the
        // minimum.
        const LEAST_WIDTH: f64 = 1.0 / 6.0;
        let distance = |style: &str| {
            let [slow, usual, fast] = *self.style_tempo.get(style)?;
            Some((bpm / usual).log2().abs() / ((fast / slow).log2() / 2.0 + LEAST_WIDTH))
        };
        candidates
            .iter()
            .filter_map(|style| Some((distance(style)?, *style)))
            .min_by(|a, b| a.0.total_cmp(&b.0))
            .map(|(_, style)| style)
    }

    /// Statistics of a style's drumming, by the style's number; those of all styles if the style
    /// has too little data.
    pub fn groove(&self, style: usize) -> Option<&Groove> {
        let own = self.styles.get(style).and_then(|name| self.style_groove.get(name));
        own.or_else(|| self.style_groove.get("unknown"))
    }

    /// Number of bars in the models' context.
    pub fn context_bars(&self) -> usize {
        self.context_bars
    }

    /// Layers, heads and values per head of the decoder's keys and values.
    pub fn cache_shape(&self) -> [usize; 3] {
        [self.layers, self.heads, self.head_dim]
    }
}

//! The vocabulary of the music models: tokens, styles, ranges and sizes.

use crate::error::Result;
use crate::music::remi;
use crate::table::read_table;
use crate::theory::Instrument;
use serde::Deserialize;
use std::ops::RangeInclusive;
use std::path::Path;

/// The vocabulary file of the music models.
#[derive(Debug, Clone, PartialEq, Deserialize)]
pub struct Vocabulary {
    tokens: Vec<String>,
    instruments: Vec<Instrument>,
    /// Lowest and highest MIDI pitch of each instrument.
    ranges: Vec<[u8; 2]>,
    styles: Vec<String>,
    /// Lowest and highest pitch of nearly all bars, by instrument, register (low, middle, high) and
    /// lead (without, with).
    spans: Vec<[[[u8; 2]; 2]; 3]>,
    /// Layers, heads and values per head of the encoder's memory.
    encoder_memory: [usize; 3],
    /// Layers, heads and values per head of the decoder's memory.
    decoder_memory: [usize; 3],
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
        remi::check_names(&self.tokens)?;
        if self.instruments != Instrument::OF_MODELS
            || [self.ranges.len(), self.spans.len()] != [self.instruments.len(); 2]
        {
            return Err(format!(
                "instruments {:?} with {} ranges and {} spans; expected {:?} with one of each",
                self.instruments,
                self.ranges.len(),
                self.spans.len(),
                Instrument::OF_MODELS
            ));
        }
        for (instrument, [low, high]) in Instrument::OF_MODELS.into_iter().zip(&self.ranges) {
            let range = &instrument.profile().range;
            if *range != (*low..=*high) {
                return Err(format!("{instrument:?} from {low} to {high}; expected {range:?}"));
            }
        }
        let mut spans = self.spans.iter().flatten().flatten();
        if let Some([low, high]) = spans.find(|[low, high]| *low + 11 > *high) {
            return Err(format!("a span from {low} to {high}; it must be at least an octave"));
        }
        if self.styles.first().map(String::as_str) != Some("unknown") {
            return Err(format!(
                "the first style must be 'unknown', not {:?}",
                self.styles.first()
            ));
        }
        if self.encoder_memory.contains(&0) || self.decoder_memory.contains(&0) {
            return Err("encoder_memory and decoder_memory must be above 0".to_owned());
        }
        Ok(())
    }

    /// Number of a style; 0, unknown, for a name that the models do not know.
    pub fn style(&self, name: &str) -> usize {
        self.styles.iter().position(|style| style == name).unwrap_or(0)
    }

    /// The range of MIDI pitches of an instrument in a bar with this register (1 low to 3 high) and
    /// lead (1 without a melody, 2 with one).
    pub fn span(&self, instrument: Instrument, register: u8, lead: u8) -> RangeInclusive<u8> {
        let index = |value: u8, count: usize| usize::from(value.max(1) - 1).min(count - 1);
        let spans = self.spans.get(instrument as usize);
        let [low, high] = spans.map_or([0, 127], |spans| spans[index(register, 3)][index(lead, 2)]);
        let range = &instrument.profile().range;
        low.max(*range.start())..=high.min(*range.end())
    }

    /// Layers, heads and values per head of the encoder's memory.
    pub fn encoder_memory(&self) -> [usize; 3] {
        self.encoder_memory
    }

    /// Layers, heads and values per head of the decoder's memory.
    pub fn decoder_memory(&self) -> [usize; 3] {
        self.decoder_memory
    }
}

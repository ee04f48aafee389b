//! Bars as tokens, for tests: the product writes bars token by token.

use super::bars::RemiBar;
use super::vocabulary::{DURATIONS, POSITIONS, TempoClass, Token, VELOCITIES};
use crate::error::{Error, Result};

/// The bin of a MIDI velocity: 32 of equal width over 1 to 127.
pub fn velocity_bin(velocity: u8) -> u8 {
    let above = u16::from(velocity.clamp(1, 127) - 1);
    (above * u16::from(VELOCITIES) / 127) as u8
}

/// Bars as tokens.
///
/// Of several notes of one pitch at one position the longest is kept, of equally long ones the
/// loudest.
///
/// # Errors
/// [`Error::Music`] with the bar and the value when one is out of range, or when tempi or chords
/// are not in ascending order of position.
pub fn encode(bars: &[RemiBar]) -> Result<Vec<Token>> {
    let mut tokens = Vec::new();
    for (index, bar) in bars.iter().enumerate() {
        if let Some(fault) = bar.fault() {
            return Err(Error::Music {
                reason: format!("bar {}: {fault}", index + 1),
            });
        }
        tokens.push(Token::Bar);
        let mut notes = bar.notes.clone();
        // The longest and loudest of one pitch come first, so that they are kept.
        notes.sort_by_key(|note| {
            let longest = std::cmp::Reverse((note.duration, note.velocity_bin));
            (note.position, note.pitch, longest)
        });
        notes.dedup_by_key(|note| (note.position, note.pitch));
        let (mut tempo, mut chords, mut notes) = (
            bar.tempo.iter().peekable(),
            bar.chords.iter().peekable(),
            notes.iter().peekable(),
        );
        for position in 0..bar.steps {
            let here = Token::Position(position);
            if let Some((_, bpm)) = tempo.next_if(|item| item.0 == position) {
                let (class, value) = tempo_tokens(*bpm);
                tokens.extend([here, class, value]);
            }
            if let Some((_, chord)) = chords.next_if(|item| item.0 == position) {
                tokens.extend([here, Token::Chord(*chord)]);
            }
            while let Some(note) = notes.next_if(|note| note.position == position) {
                tokens.extend([
                    here,
                    Token::NoteVelocity(note.velocity_bin),
                    Token::NoteOn(note.pitch),
                    Token::NoteDuration(note.duration),
                ]);
            }
        }
    }
    Ok(tokens)
}

/// The tokens of a tempo within REMI's range.
fn tempo_tokens(bpm: u8) -> (Token, Token) {
    let class = TempoClass::ALL
        .into_iter()
        .rev()
        .find(|class| class.least() <= bpm)
        .unwrap_or(TempoClass::Slow);
    (
        Token::TempoClass(class),
        Token::TempoValue(bpm.saturating_sub(class.least())),
    )
}

impl RemiBar {
    /// The bar's fault, if it has one.
    fn fault(&self) -> Option<String> {
        let steps = self.steps;
        if ![12, POSITIONS].contains(&steps) {
            return Some(format!("{steps} sixteenths; expected 12 or {POSITIONS}"));
        }
        let positions = self
            .tempo
            .iter()
            .map(|item| item.0)
            .chain(self.chords.iter().map(|item| item.0));
        let beyond = positions
            .chain(self.notes.iter().map(|note| note.position))
            .find(|at| *at >= steps);
        if let Some(position) = beyond {
            return Some(format!("position {position}; expected 0 to {}", steps - 1));
        }
        let rising = |a: u8, b: u8| a < b;
        if !self.tempo.windows(2).all(|pair| rising(pair[0].0, pair[1].0))
            || !self.chords.windows(2).all(|pair| rising(pair[0].0, pair[1].0))
        {
            return Some("the positions of its tempi and of its chords must be in ascending order".to_owned());
        }
        if let Some((_, bpm)) = self.tempo.iter().find(|(_, bpm)| !(30..=209).contains(bpm)) {
            return Some(format!("a tempo of {bpm} beats per minute; expected 30 to 209"));
        }
        let mut chords = self.chords.iter().filter_map(|(_, chord)| *chord);
        if let Some(chord) = chords.find(|chord| chord.root > 11) {
            return Some(format!("a chord on pitch class {}; expected 0 to 11", chord.root));
        }
        self.notes
            .iter()
            .find(|note| {
                note.pitch > 127 || note.velocity_bin >= VELOCITIES || !(1..=DURATIONS).contains(&note.duration)
            })
            .map(|note| {
                format!(
                    "a note of pitch {}, velocity bin {} and duration {}; expected 0 to 127, 0 to {} and 1 to \
                     {DURATIONS}",
                    note.pitch,
                    note.velocity_bin,
                    note.duration,
                    VELOCITIES - 1
                )
            })
    }
}

//! Writes a line with the music model: token by token under the grammar of REMI, with a random
//! stream for each bar. Pure: independent of ONNX Runtime.

use super::lines::GridNote;
use super::plan::{BarInput, BarPlan, LinePlan};
use super::recall::Recall;
use crate::drums::DrumClass;
use crate::drums::sampling::{BarRandom, Sampling, Stream, choose};
use crate::error::{Error, Result};
use crate::music::remi::{self, Grammar, RemiBar, RemiNote, TempoClass, Token};
use crate::theory::Instrument;
use crate::time::{STEPS_PER_BEAT, Tempo};
use std::ops::RangeInclusive;

/// Maximum number of attempts at a bar that repeats the bars before it; each time, the sampling is
/// freer.
const TAKES: u64 = 4;
const FREER: f64 = 1.25;

/// Maximum interval, in semitones, between the lowest and the highest of the notes required at an
/// accent: close position in two hands.
const WIDEST_ANSWER: u8 = 16;

const OCTAVE: u8 = 12;

/// Reduction of a pitch's logit per octave from the middle of its bar's span. The model reads its
/// own output, and would otherwise climb from bar to bar out of the planned register.
const LEAN: f64 = 2.0;

/// Added to the logit of a step with a kick for the bass: the two play together.
const KICK: f64 = 1.5;

/// Target of the lowest note of a step if others may lie above it, in semitones below that middle.
const UNDERNEATH: u8 = 5;

/// Maximum number of equal bars in a row: one more would be a loop.
const ALIKE: usize = 3;

/// Maximum number of notes in a bar; the busiest training songs have fewer.
const MOST_NOTES: usize = 48;

/// The networks.
pub trait LineModel {
    /// Clears the memory to begin a line.
    fn start(&mut self);

    /// Reads the input of a bar. The tokens written so far become the memory.
    fn begin(&mut self, bar: &BarInput) -> Result<()>;

    /// Discards the tokens since the start of the bar.
    fn restart(&mut self);

    /// Reads tokens and returns the logits of the token after the last.
    fn advance(&mut self, tokens: &[usize]) -> Result<Vec<f32>>;
}

/// Number of notes required at an accent: a chord, or a single note for the bass.
fn answer(instrument: Instrument) -> usize {
    instrument.profile().voices.min(3)
}

/// Writes a line. After each bar, `progress` receives the number of bars written.
///
/// The chords are given to the model; at a strong accent of the movement, a chord is forced if the
/// model would play nothing. Pitches belong to the bar's scale or chord, and tend to the middle of
/// its span. Earlier bars may be repeated ([`Recall`]); a bar that equals the three before it is
/// written again.
///
/// # Errors
/// Those of the model and of `progress`.
pub fn write_line(
    plan: &LinePlan,
    model: &mut impl LineModel,
    sampling: Sampling,
    seed: u64,
    mut progress: impl FnMut(usize) -> Result<()>,
) -> Result<Vec<RemiBar>> {
    let mut written: Vec<RemiBar> = Vec::with_capacity(plan.bars.len());
    model.start();
    for (number, bar) in plan.bars.iter().enumerate() {
        if !bar.plays {
            written.push(RemiBar::default());
            progress(number + 1)?;
            continue;
        }
        model.begin(&bar.input)?;
        let mut take = 0;
        let new = loop {
            let last_try = take == TAKES;
            let mut pen = BarWriter::new(plan, bar);
            // After a loop, the attempt is repeated without the recalled bar.
            pen.recall = Recall::choose(plan, &written, number, seed).filter(|_| take == 0);
            let last_played = number.checked_sub(1).is_some_and(|last| plan.bars[last].plays);
            pen.must_sound = last_played && written.last().is_some_and(|last| last.notes.is_empty());
            // The last resort against a bar that comes out the same every time.
            pen.avoided = written
                .last()
                .and_then(|bar| bar.notes.first())
                .map(|note| note.pitch)
                .filter(|_| last_try);
            let sampling = Sampling {
                temperature: sampling.temperature * FREER.powi(take as i32),
                ..sampling
            };
            let mut random = BarRandom::new(seed, Stream::Line(plan.instrument), number as u64, take);
            model.restart();
            let new = pen.write(model, number == 0, sampling, &mut random)?;
            if last_try || !(is_loop(&written, &new) || is_stuck(&written, &new)) {
                break new;
            }
            take += 1;
        };
        written.push(new);
        progress(number + 1)?;
    }
    Ok(written)
}

/// Whether a bar has the same notes as each of the last bars.
fn is_loop(written: &[RemiBar], new: &RemiBar) -> bool {
    let alike = |bar: &RemiBar| {
        let notes = |bar: &RemiBar| bar.notes.iter().map(|n| (n.position, n.pitch)).collect::<Vec<_>>();
        notes(bar) == notes(new)
    };
    written.len() >= ALIKE && written.iter().rev().take(ALIKE).all(alike)
}

/// Whether the last bars and this one have only a single pitch in total.
fn is_stuck(written: &[RemiBar], new: &RemiBar) -> bool {
    let last = written.iter().rev().take(ALIKE);
    let mut pitches: Vec<u8> = last
        .chain([new])
        .flat_map(|bar| &bar.notes)
        .map(|note| note.pitch)
        .collect();
    pitches.sort_unstable();
    pitches.dedup();
    written.len() >= ALIKE && pitches.len() == 1
}

/// Writes one bar.
struct BarWriter<'a> {
    plan: &'a LinePlan,
    bar: &'a BarPlan,
    grammar: Grammar,
    tokens: Vec<Token>,
    /// Step of the last item, and the notes there, the highest last.
    at: u8,
    chord: Vec<u8>,
    /// Notes in the bar.
    notes: usize,
    /// Whether the bar must have a note, since the previous ones are silent.
    must_sound: bool,
    /// A pitch with which the bar must not begin.
    avoided: Option<u8>,
    /// An earlier bar that this one repeats.
    recall: Option<Recall<'a>>,
}

impl<'a> BarWriter<'a> {
    fn new(plan: &'a LinePlan, bar: &'a BarPlan) -> Self {
        Self {
            plan,
            bar,
            grammar: Grammar::new(bar.steps()),
            tokens: Vec::new(),
            at: 0,
            chord: Vec::new(),
            notes: 0,
            must_sound: false,
            avoided: None,
            recall: None,
        }
    }

    fn write(
        mut self,
        model: &mut impl LineModel,
        first: bool,
        sampling: Sampling,
        random: &mut BarRandom,
    ) -> Result<RemiBar> {
        let mut given = vec![Token::Bar];
        if first {
            let bpm = remi::bpm(self.bar.input.bpm);
            let class = TempoClass::ALL
                .into_iter()
                .rfind(|class| class.least() <= bpm)
                .unwrap_or(TempoClass::Slow);
            given.extend([
                Token::Position(0),
                Token::TempoClass(class),
                Token::TempoValue(bpm - class.least()),
            ]);
        }
        given.extend(self.chord_item(0));
        let mut logits = self.give(model, &given)?;
        loop {
            let wide = self.wished(&logits);
            let legal = |id: usize| Token::from_id(id).is_some_and(|token| self.allows(token));
            let chosen = Token::from_id(choose(&wide, legal, sampling, random.uniform())).unwrap_or(Token::Bar);
            let until = match chosen {
                Token::Position(step) => step,
                Token::Bar => self.bar.steps(),
                _ => 0,
            };
            // An event that is due before the chosen position is written first; then the model
            // chooses again.
            let given = match self.due(until) {
                Some(step) if self.bar.changes_chord(step) && !self.said_chord(step) => self.chord_item(step).to_vec(),
                Some(step) => vec![Token::Position(step)],
                None if chosen == Token::Bar => break,
                None => vec![chosen],
            };
            logits = self.give(model, &given)?;
        }
        let mut bars = remi::decode(&self.tokens, self.bar.steps())?;
        Ok(bars.pop().unwrap_or_default())
    }

    /// The logits, adjusted for the recalled bar and for the distance from the middle of the bar's
    /// span.
    fn wished(&self, logits: &[f32]) -> Vec<f64> {
        let wish = |token: Token| match (self.recall, self.tokens.last()) {
            (Some(recall), Some(last)) => recall.wish(token, *last, self.at, &self.chord),
            _ => 0.0,
        };
        let middle = match self.chord.is_empty() && self.plan.instrument.profile().voices > 1 {
            true => self.bar.centre().saturating_sub(UNDERNEATH),
            false => self.bar.centre(),
        };
        let is_bass = self.plan.instrument.profile().is_bass();
        let kick = |step: u8| {
            let hits = self.bar.input.hits.get(usize::from(step));
            hits.is_some_and(|hits| hits[DrumClass::Kick as usize] > 0.0)
        };
        let with_kick = |token: Token| match token {
            Token::Position(step) if is_bass && kick(step) => KICK,
            _ => 0.0,
        };
        let lean = |token: Token| match token {
            Token::NoteOn(pitch) => -LEAN * f64::from(pitch.abs_diff(middle)) / f64::from(OCTAVE),
            _ => 0.0,
        };
        let change = |token: Token| wish(token) + lean(token) + with_kick(token);
        let wished = |(id, logit): (usize, &f32)| f64::from(*logit) + Token::from_id(id).map_or(0.0, change);
        logits.iter().enumerate().map(wished).collect()
    }

    /// Writes position and chord at a step.
    fn chord_item(&self, step: u8) -> [Token; 2] {
        [Token::Position(step), Token::Chord(self.bar.chord(step).0)]
    }

    /// Appends tokens to the bar and passes them to the model.
    fn give(&mut self, model: &mut impl LineModel, tokens: &[Token]) -> Result<Vec<f32>> {
        for token in tokens {
            self.grammar.feed(*token).map_err(|expected| Error::Music {
                reason: format!("the music model's bar has '{token}' where REMI expects {expected}"),
            })?;
            match *token {
                Token::Position(step) if step != self.at => {
                    self.at = step;
                    self.chord.clear();
                }
                Token::NoteOn(pitch) => {
                    self.chord.push(pitch);
                    self.notes += 1;
                }
                _ => {}
            }
            self.tokens.push(*token);
        }
        let ids: Vec<usize> = tokens.iter().map(|token| token.id()).collect();
        model.advance(&ids)
    }

    /// The first step before `until` at which an event is due: a change of chord, or an unanswered
    /// accent.
    fn due(&self, until: u8) -> Option<u8> {
        // Only between items: nothing is due within one.
        if !self.grammar.may_end() {
            return None;
        }
        (self.at..=until.min(self.bar.steps() - 1)).find(|step| {
            let passed = *step < until;
            let chord = self.bar.changes_chord(*step) && !self.said_chord(*step);
            let silent = *step != self.at || self.chord.is_empty();
            let accent = passed && silent && self.bar.answered.contains(step);
            chord && silent || accent
        })
    }

    /// Whether the chord of this step has already been written.
    fn said_chord(&self, step: u8) -> bool {
        let place = Token::Position(step);
        let chord = |pair: &[Token]| pair[0] == place && matches!(pair[1], Token::Chord(_));
        step == 0 || self.tokens.windows(2).any(chord)
    }

    fn answering(&self) -> bool {
        self.bar.answered.contains(&self.at)
    }

    /// Whether a token may be chosen: grammatical, in the scale, and playable.
    fn allows(&self, token: Token) -> bool {
        if !self.grammar.legal(token) {
            return false;
        }
        match token {
            Token::Bar => !self.owes() && (self.notes > 0 || !self.must_sound),
            Token::Position(step) if step == self.at && !self.chord.is_empty() => {
                self.chord.len() < self.plan.instrument.profile().voices && self.has_higher()
            }
            Token::Position(_) => !self.owes() && self.notes < MOST_NOTES,
            Token::NoteOn(pitch) => self.in_tune(pitch),
            // Chords and tempi are given, not chosen by the model.
            Token::Chord(_) | Token::TempoClass(_) | Token::TempoValue(_) => false,
            Token::NoteVelocity(_) | Token::NoteDuration(_) => true,
        }
    }

    /// Whether the accent at this step requires more notes, and there are any to choose.
    fn owes(&self) -> bool {
        self.answering() && (1..answer(self.plan.instrument)).contains(&self.chord.len()) && self.has_higher()
    }

    fn has_higher(&self) -> bool {
        let above = self.chord.last().map_or(0, |pitch| pitch + 1);
        (above..=*self.bar.span.end()).any(|pitch| self.in_tune(pitch))
    }

    /// Whether a pitch is near enough to belong to the chord that answers an accent, and leaves
    /// room for the rest of it. Without this, a melody's note would be the lowest of the chord, and
    /// the line would climb from accent to accent.
    fn within_answer(&self, pitch: u8) -> bool {
        let wanted = answer(self.plan.instrument);
        if !self.answering() || wanted < 2 || self.chord.len() >= wanted {
            return true;
        }
        let near = match self.chord.first() {
            Some(lowest) => pitch <= lowest.saturating_add(WIDEST_ANSWER),
            None => {
                let low = self.bar.centre().saturating_sub(OCTAVE).max(*self.bar.span.start());
                let low = low.min(self.bar.span.end().saturating_sub(OCTAVE));
                (low..=low + OCTAVE).contains(&pitch)
            }
        };
        let lowest = self.chord.first().unwrap_or(&pitch);
        let highest = lowest.saturating_add(WIDEST_ANSWER).min(*self.bar.span.end());
        let above = (pitch + 1..=highest).filter(|above| self.of_chord(*above)).count();
        near && above + self.chord.len() + 1 >= wanted
    }

    /// Whether a pitch is a tone of the current chord; without a chord, every pitch is.
    fn of_chord(&self, pitch: u8) -> bool {
        let chord = self.bar.chord(self.at).0;
        chord.is_none_or(|chord| chord.tones().any(|tone| tone == pitch % 12))
    }

    fn in_tune(&self, pitch: u8) -> bool {
        let class = pitch % 12;
        let of_chord = self.of_chord(pitch);
        let of_scale = self.bar.input.scale[usize::from(class)];
        self.bar.span.contains(&pitch)
            && self.within_answer(pitch)
            && (of_chord || of_scale && !self.answering())
            && !(self.notes == 0 && self.avoided == Some(pitch))
            && (!self.needs_root() || self.is_root(pitch))
    }

    /// Whether the next note defines a chord: the bass's first note of a bar, and where the chord
    /// changes.
    fn needs_root(&self) -> bool {
        self.plan.instrument.profile().is_bass() && (self.notes == 0 || self.bar.changes_chord(self.at))
    }

    fn is_root(&self, pitch: u8) -> bool {
        self.bar.chord(self.at).0.is_none_or(|chord| chord.root == pitch % 12)
    }
}

/// How far an accent raises a note towards full velocity; the same as for drums.
const ACCENT_LIFT: f32 = 0.35;

/// Softest and loudest velocity written.
const VELOCITY: RangeInclusive<f32> = 0.08..=1.0;

/// The bars of a line as notes on the grid of the drums. Their velocities follow the movement and
/// their offsets the drums.
///
/// A random `jitter` is drawn for each note: hands are less even than sticks.
pub fn notes(plan: &LinePlan, bars: &[RemiBar], seed: u64) -> Vec<GridNote> {
    let mut notes = Vec::new();
    let mut first = plan.first_step;
    for (number, (bar, planned)) in bars.iter().zip(&plan.bars).enumerate() {
        let mut random = BarRandom::new(seed, Stream::Line(plan.instrument), number as u64, TAKES + 1);
        for note in &bar.notes {
            let at = |values: &[f32]| values.get(usize::from(note.position)).copied().unwrap_or(0.0);
            let played = f32::from(remi::velocity(note.velocity_bin)) / 127.0 * planned.gain;
            let lifted = played + (1.0 - played).max(0.0) * ACCENT_LIFT * at(&planned.strength);
            let jitter = JITTER * (random.uniform() as f32 * 2.0 - 1.0) + roll(plan.instrument, bar, note, planned);
            notes.push(GridNote {
                step: first + i32::from(note.position),
                length: note.duration,
                pitch: note.pitch,
                velocity: lifted.clamp(*VELOCITY.start(), *VELOCITY.end()),
                offset: (at(&planned.feel) + jitter).clamp(-0.5, 0.499),
            });
        }
        first += i32::from(planned.steps());
    }
    notes
}

/// How long the hands take over a chord, seconds: from its lowest note to its highest.
const ROLL: f64 = 0.012;
const STRUM: f64 = 0.024;

/// Distance of a note of a chord from the chord's middle, in steps: a piano's hand falls almost at
/// once, a guitar is strummed down on the beat and up off it.
fn roll(instrument: Instrument, bar: &RemiBar, note: &RemiNote, planned: &BarPlan) -> f32 {
    let chord: Vec<u8> = bar
        .notes
        .iter()
        .filter(|other| other.position == note.position)
        .map(|other| other.pitch)
        .collect();
    if chord.len() < 3 {
        return 0.0;
    }
    let below = chord.iter().filter(|pitch| **pitch < note.pitch).count();
    let place = below as f64 / (chord.len() - 1) as f64 - 0.5;
    let is_guitar = instrument == Instrument::Guitar;
    let upward = if is_guitar && !note.position.is_multiple_of(2) {
        -1.0
    } else {
        1.0
    };
    let seconds = if is_guitar { STRUM } else { ROLL };
    let step = Tempo::from_bpm(planned.input.bpm).beat_span().seconds() / STEPS_PER_BEAT as f64;
    (upward * place * seconds / step) as f32
}

/// Spread of a note's timing around the drums', in steps: at 120 beats per minute, 4 ms to either
/// side.
const JITTER: f32 = 0.03;

#[cfg(test)]
#[path = "writing_tests.rs"]
mod tests;

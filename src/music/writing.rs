//! Writing a line with the music model: token by token under the grammar of REMI, bar by bar with a seed of its own. Pure:
//! it knows no ONNX Runtime.

use super::lines::GridNote;
use super::plan::{BarInput, BarPlan, LinePlan};
use super::recall::Recall;
use crate::drums::sampling::{BarRandom, Sampling, Stream, choose};
use crate::error::{Error, Result};
use crate::music::remi::{self, Grammar, RemiBar, TempoClass, Token};
use crate::theory::Instrument;
use std::ops::RangeInclusive;

/// Times that a bar is written anew when it repeats the bars before it; each time the choice is freer.
const TAKES: u64 = 4;
const FREER: f64 = 1.25;

/// Semitones from the lowest to the highest of the notes that an accent must have: two hands' close position.
const WIDEST_ANSWER: u8 = 16;

const OCTAVE: u8 = 12;

/// What a pitch loses for each octave that it lies from the middle of its bar's span. A line hears itself, and would climb
/// from bar to bar out of the register that it is asked for.
const LEAN: f64 = 2.0;

/// Semitones under that middle to which the lowest note of a step leans, where others may lie above it.
const UNDERNEATH: u8 = 5;

/// Bars in a row that may be alike: one more would be a loop.
const ALIKE: usize = 3;

/// Notes in a bar at most; the busiest of the training songs have fewer.
const MOST_NOTES: usize = 48;

/// The networks, as writing sees them.
pub trait LineModel {
    /// Forgets everything: a line begins.
    fn start(&mut self);

    /// Reads a bar. The tokens given so far become memory.
    fn begin(&mut self, bar: &BarInput) -> Result<()>;

    /// Takes back the tokens given since the bar began.
    fn restart(&mut self);

    /// Takes tokens and gives the logits of the one after the last.
    fn advance(&mut self, tokens: &[usize]) -> Result<Vec<f32>>;
}

/// Notes that answer an accent: a chord, and from the bass its one note.
fn answer(instrument: Instrument) -> usize {
    instrument.profile().voices.min(3)
}

/// Writes a line. `progress` is told after each bar how many are written.
///
/// The chords are given to the model; where a strong accent of the movement falls and it would play nothing, it is made to
/// play a chord. Pitches are of the bar's scale or of its chord, and lean to the middle of its span. Earlier bars are taken up
/// again ([`Recall`]); a bar that would be the same as the three before it is written anew.
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
        model.begin(&bar.input)?;
        let mut take = 0;
        let new = loop {
            let last_try = take == TAKES;
            let mut pen = BarWriter::new(plan, bar);
            // What came out as a loop is not tried again with the same bar in mind.
            pen.recall = Recall::choose(plan, &written, number, seed).filter(|_| take == 0);
            pen.must_sound = written.last().is_some_and(|last| last.notes.is_empty());
            // The last resort against a bar that comes out alike again and again.
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

/// Whether a bar has the notes of each of the last bars.
fn is_loop(written: &[RemiBar], new: &RemiBar) -> bool {
    let alike = |bar: &RemiBar| {
        let notes = |bar: &RemiBar| bar.notes.iter().map(|n| (n.position, n.pitch)).collect::<Vec<_>>();
        notes(bar) == notes(new)
    };
    written.len() >= ALIKE && written.iter().rev().take(ALIKE).all(alike)
}

/// Whether the last bars and this have but one pitch between them.
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
    /// A bar of silence is enough: this one must have a note.
    must_sound: bool,
    /// A pitch that the bar must not begin with.
    avoided: Option<u8>,
    /// An earlier bar that this one takes up.
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
            // What is due before the place that was chosen comes first; then the choice is made again, knowing it.
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

    /// Logits with what the bar takes up of an earlier one, and leaning to the middle of the bar's span.
    fn wished(&self, logits: &[f32]) -> Vec<f64> {
        let wish = |token: Token| match (self.recall, self.tokens.last()) {
            (Some(recall), Some(last)) => recall.wish(token, *last, self.at, &self.chord),
            _ => 0.0,
        };
        let middle = match self.chord.is_empty() && self.plan.instrument.profile().voices > 1 {
            true => self.bar.centre().saturating_sub(UNDERNEATH),
            false => self.bar.centre(),
        };
        let lean = |token: Token| match token {
            Token::NoteOn(pitch) => -LEAN * f64::from(pitch.abs_diff(middle)) / f64::from(OCTAVE),
            _ => 0.0,
        };
        let change = |token: Token| wish(token) + lean(token);
        let wished = |(id, logit): (usize, &f32)| f64::from(*logit) + Token::from_id(id).map_or(0.0, change);
        logits.iter().enumerate().map(wished).collect()
    }

    /// Position and chord at a step.
    fn chord_item(&self, step: u8) -> [Token; 2] {
        [Token::Position(step), Token::Chord(self.bar.chord(step).0)]
    }

    /// Adds tokens to the bar and gives them to the model.
    fn give(&mut self, model: &mut impl LineModel, tokens: &[Token]) -> Result<Vec<f32>> {
        for token in tokens {
            self.grammar.feed(*token).map_err(|expected| Error::Music {
                reason: format!("the music model's bar has '{token}' where REMI has {expected}"),
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

    /// The first step before `until` that has something due: a change of chord, or an accent that is not answered.
    fn due(&self, until: u8) -> Option<u8> {
        // Between the items only: within one nothing is due.
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

    /// Whether the chord of this step is said already.
    fn said_chord(&self, step: u8) -> bool {
        let place = Token::Position(step);
        let chord = |pair: &[Token]| pair[0] == place && matches!(pair[1], Token::Chord(_));
        step == 0 || self.tokens.windows(2).any(chord)
    }

    fn answering(&self) -> bool {
        self.bar.answered.contains(&self.at)
    }

    /// Whether a token may be chosen: legal, in tune, playable.
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
            // Chords and tempo are given, not chosen.
            Token::Chord(_) | Token::TempoClass(_) | Token::TempoValue(_) => false,
            Token::NoteVelocity(_) | Token::NoteDuration(_) => true,
        }
    }

    /// Whether the accent at this step wants more notes, and there are any.
    fn owes(&self) -> bool {
        self.answering() && (1..answer(self.plan.instrument)).contains(&self.chord.len()) && self.has_higher()
    }

    fn has_higher(&self) -> bool {
        let above = self.chord.last().map_or(0, |pitch| pitch + 1);
        (above..=*self.bar.span.end()).any(|pitch| self.in_tune(pitch))
    }

    /// Whether a pitch is near enough to be of a chord that answers an accent, and leaves room for the rest of it. Left free,
    /// a melody's note would be the lowest of the chord, and the line would climb from accent to accent.
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

    /// Whether a pitch is a tone of the chord that sounds; without one every pitch is.
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
    }
}

/// How far an accent lifts a note towards full velocity, as it does a drum.
const ACCENT_LIFT: f32 = 0.35;

/// Softest and loudest velocity written.
const VELOCITY: RangeInclusive<f32> = 0.08..=1.0;

/// The bars of a line as notes on the grid of the drums, as loud as the movement is strong and as early or late as the drums.
///
/// `jitter` is drawn for each note from the seed: hands are less even than sticks.
pub fn notes(plan: &LinePlan, bars: &[RemiBar], seed: u64) -> Vec<GridNote> {
    let mut notes = Vec::new();
    let mut first = plan.first_step;
    for (number, (bar, planned)) in bars.iter().zip(&plan.bars).enumerate() {
        let mut random = BarRandom::new(seed, Stream::Line(plan.instrument), number as u64, TAKES + 1);
        for note in &bar.notes {
            let at = |values: &[f32]| values.get(usize::from(note.position)).copied().unwrap_or(0.0);
            let played = f32::from(remi::velocity(note.velocity_bin)) / 127.0 * planned.gain;
            let lifted = played + (1.0 - played).max(0.0) * ACCENT_LIFT * at(&planned.strength);
            let jitter = JITTER * (random.uniform() as f32 * 2.0 - 1.0);
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

/// Spread of a note's timing about the drums', in steps: at 120 beats a minute 4 ms to either side.
const JITTER: f32 = 0.03;

#[cfg(test)]
#[path = "writing_tests.rs"]
mod tests;

//! Writing a line with the music model: token by token under the grammar of REMI, bar by bar with a seed of its own. Pure:
//! it knows no ONNX Runtime.

use super::recall::Recall;
use super::{GridNote, Instrument};
use crate::drums::CLASSES;
use crate::drums::sampling::{BarRandom, Sampling, choose};
use crate::error::{Error, Result};
use crate::score::Chord;
use crate::score::remi::{self, Grammar, RemiBar, TempoClass, Token};
use std::ops::RangeInclusive;

/// Names the random streams of this stage; each instrument has its own.
const STAGE: u64 = 4;

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

/// A chord as the models number it: root 12 and quality 5 are no chord.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ChordInput(pub Option<Chord>);

impl ChordInput {
    /// Pitch class of the root, 12 for none.
    pub fn root(self) -> u8 {
        self.0.map_or(12, |chord| chord.root)
    }

    /// Number of the quality, 5 for none.
    pub fn quality(self) -> u8 {
        self.0.map_or(5, |chord| chord.quality as u8)
    }
}

/// What the encoder reads of a bar.
#[derive(Debug, Clone, PartialEq)]
pub struct BarInput {
    /// 1 where a drum class is struck, step by step.
    pub hits: Vec<[f32; CLASSES]>,
    /// The chord at each step.
    pub chords: Vec<ChordInput>,
    /// The next other chord after each step.
    pub next_chords: Vec<ChordInput>,
    /// Pitch classes of the bar's scale.
    pub scale: [bool; 12],
    /// How many notes: 0 not said, 1 few to 4 many.
    pub density: u8,
    /// How high: 0 not said, 1 low to 3 high.
    pub register: u8,
    /// 0 not said, 1 accompaniment, 2 with a melody.
    pub lead: u8,
    /// Bars to the next section, this one included: 1 is the last before it, 4 stands for more; 0 not said.
    pub section: u8,
    /// Who plays.
    pub instrument: Instrument,
    /// Number of the style in the vocabulary.
    pub style: usize,
    /// Beats a minute.
    pub bpm: f64,
}

/// A bar that is to be written.
#[derive(Debug, Clone, PartialEq)]
pub struct BarPlan {
    /// What the model is told.
    pub input: BarInput,
    /// Steps of the bar whose accent must be answered, rising.
    pub answered: Vec<u8>,
    /// MIDI pitches that may be played, an octave or more.
    pub span: RangeInclusive<u8>,
    /// How loud, beside what the model says: 1 is as it says.
    pub gain: f32,
    /// How far each step is played from the grid, in steps, positive is late.
    pub feel: Vec<f32>,
    /// Strength of the accent at each step, 0 to 1.
    pub strength: Vec<f32>,
    /// Numbers of earlier bars that this one may take up, the likeliest first.
    pub earlier: Vec<usize>,
}

/// A line that is to be written: what to play with, and the bars.
#[derive(Debug, Clone, PartialEq)]
pub struct LinePlan {
    /// Who plays.
    pub instrument: Instrument,
    /// Step of the drum grid at which the first bar begins.
    pub first_step: i32,
    /// The bars.
    pub bars: Vec<BarPlan>,
}

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

/// Most notes of an instrument at one step.
fn most_at_once(instrument: Instrument) -> usize {
    match instrument {
        Instrument::Piano => 8,
        Instrument::Guitar => 6,
        Instrument::Bass => 1,
    }
}

/// Notes that answer an accent: a chord, and from the bass its one note.
fn answer(instrument: Instrument) -> usize {
    most_at_once(instrument).min(3)
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
            let mut pen = Pen::new(plan, bar);
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
            let mut random = BarRandom::new(seed, STAGE + plan.instrument as u64, number as u64, take);
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
struct Pen<'a> {
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

impl<'a> Pen<'a> {
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
        let middle = match self.chord.is_empty() && most_at_once(self.plan.instrument) > 1 {
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
            self.grammar.feed(*token).map_err(|expected| Error::Sound {
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
                self.chord.len() < most_at_once(self.plan.instrument) && self.has_higher()
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

impl BarPlan {
    /// Sixteenths in the bar.
    pub fn steps(&self) -> u8 {
        self.input.hits.len() as u8
    }

    /// The pitch that the bar lies about.
    fn centre(&self) -> u8 {
        self.span.start().midpoint(*self.span.end())
    }

    fn chord(&self, step: u8) -> ChordInput {
        self.input
            .chords
            .get(usize::from(step))
            .copied()
            .unwrap_or(ChordInput(None))
    }

    fn changes_chord(&self, step: u8) -> bool {
        step > 0 && self.chord(step) != self.chord(step - 1)
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
        let mut random = BarRandom::new(seed, STAGE + plan.instrument as u64, number as u64, TAKES + 1);
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
mod tests {
    use super::*;
    use crate::score::Quality;
    use crate::score::remi::RemiNote;
    use std::collections::BTreeMap;

    /// Answers with logits that depend on the last token and on nothing else, and remembers what it was given.
    struct Fake {
        likes: BTreeMap<usize, f32>,
        bars: Vec<Vec<usize>>,
        begun: Vec<BarInput>,
    }

    impl Fake {
        fn liking(likes: &[(Token, f32)]) -> Self {
            Self {
                likes: likes.iter().map(|(token, logit)| (token.id(), *logit)).collect(),
                bars: vec![],
                begun: vec![],
            }
        }
    }

    impl LineModel for Fake {
        fn start(&mut self) {
            self.bars.clear();
        }

        fn begin(&mut self, bar: &BarInput) -> Result<()> {
            self.bars.push(vec![]);
            self.begun.push(bar.clone());
            Ok(())
        }

        fn restart(&mut self) {
            if let Some(bar) = self.bars.last_mut() {
                bar.clear();
            }
        }

        fn advance(&mut self, tokens: &[usize]) -> Result<Vec<f32>> {
            if let Some(bar) = self.bars.last_mut() {
                bar.extend(tokens);
            }
            Ok((0..Token::COUNT)
                .map(|id| self.likes.get(&id).copied().unwrap_or(0.0))
                .collect())
        }
    }

    const C: Chord = Chord {
        root: 0,
        quality: Quality::Major,
    };
    const G: Chord = Chord {
        root: 7,
        quality: Quality::Dominant,
    };
    const C_MAJOR: [bool; 12] = [
        true, false, true, false, true, true, false, true, false, true, false, true,
    ];
    const PLAIN: Sampling = Sampling {
        temperature: 1.0,
        top_p: 1.0,
    };

    fn bar(steps: usize, second_half: Chord, answered: &[u8]) -> BarPlan {
        let chords: Vec<ChordInput> = (0..steps)
            .map(|step| ChordInput(Some(if step < 8 { C } else { second_half })))
            .collect();
        BarPlan {
            input: BarInput {
                hits: vec![[0.0; CLASSES]; steps],
                next_chords: chords.clone(),
                chords,
                scale: C_MAJOR,
                density: 3,
                register: 2,
                lead: 1,
                section: 4,
                instrument: Instrument::Piano,
                style: 1,
                bpm: 120.0,
            },
            answered: answered.to_vec(),
            span: 40..=88,
            gain: 1.0,
            feel: vec![0.1; steps],
            strength: vec![0.0; steps],
            earlier: vec![],
        }
    }

    fn plan(instrument: Instrument, mut bars: Vec<BarPlan>) -> LinePlan {
        if instrument == Instrument::Bass {
            bars.iter_mut().for_each(|bar| bar.span = 28..=60);
        }
        LinePlan {
            instrument,
            first_step: -4,
            bars,
        }
    }

    fn write(plan: &LinePlan, model: &mut Fake, seed: u64) -> Vec<RemiBar> {
        write_line(plan, model, PLAIN, seed, |_| Ok(())).expect("a model that cannot fail")
    }

    /// The same with the nucleus that is the program's.
    fn write_likely(plan: &LinePlan, model: &mut Fake, seed: u64) -> Vec<RemiBar> {
        let sampling = Sampling { top_p: 0.92, ..PLAIN };
        write_line(plan, model, sampling, seed, |_| Ok(())).expect("a model that cannot fail")
    }

    #[test]
    fn chords_and_tempo_are_given_where_they_stand_and_never_chosen() {
        // A model that would rather say chords and tempi than notes.
        let likes: Vec<(Token, f32)> = Token::all()
            .filter(|t| matches!(t, Token::Chord(_) | Token::TempoClass(_)))
            .map(|t| (t, 30.0))
            .collect();
        let mut model = Fake::liking(&likes);
        let bars = write(
            &plan(Instrument::Piano, vec![bar(16, G, &[]), bar(12, C, &[])]),
            &mut model,
            5,
        );
        assert_eq!(bars[0].tempo, [(0, 120)]);
        assert_eq!(bars[0].chords, [(0, Some(C)), (8, Some(G))]);
        assert_eq!((bars[1].tempo.len(), &bars[1].chords[..]), (0, &[(0, Some(C))][..]));
        assert_eq!(bars[1].steps, 12);
        assert!(bars[1].notes.iter().all(|note| note.position < 12));
        // What the model heard is what was written.
        for (heard, bar) in model.bars.iter().zip(&bars) {
            let tokens = remi::encode(std::slice::from_ref(bar)).expect("a bar");
            assert_eq!(*heard, tokens.iter().map(|token| token.id()).collect::<Vec<_>>());
        }
    }

    #[test]
    fn strong_accents_are_answered_by_tones_of_the_chord() {
        // A model that wants silence.
        let mut model = Fake::liking(&[(Token::Bar, 40.0)]);
        let bars = write(
            &plan(Instrument::Piano, vec![bar(16, G, &[0, 6, 8, 13])]),
            &mut model,
            3,
        );
        let at = |step: u8| {
            bars[0]
                .notes
                .iter()
                .filter(|n| n.position == step)
                .map(|n| n.pitch)
                .collect::<Vec<_>>()
        };
        let mut steps: Vec<u8> = bars[0].notes.iter().map(|note| note.position).collect();
        steps.dedup();
        assert_eq!(steps, [0, 6, 8, 13]);
        for step in steps {
            assert_eq!(at(step).len(), 3, "a chord at step {step}");
            let chord = if step < 8 { C } else { G };
            assert!(
                at(step)
                    .iter()
                    .all(|pitch| chord.tones().any(|tone| tone == pitch % 12))
            );
        }
        let bass = write(&plan(Instrument::Bass, vec![bar(16, G, &[6])]), &mut model, 3);
        assert_eq!(bass[0].notes.len(), 1);
    }

    #[test]
    fn pitches_are_in_the_scale_and_the_range_and_seldom_many() {
        let mut model = Fake::liking(&[
            (Token::NoteOn(61), 20.0),
            (Token::NoteOn(100), 20.0),
            (Token::Bar, -9.0),
        ]);
        for instrument in Instrument::ALL {
            let plan = plan(instrument, vec![bar(16, G, &[4]); 6]);
            let bars = write(&plan, &mut model, 1);
            for bar in &bars {
                assert!(!bar.notes.is_empty() && bar.notes.len() <= MOST_NOTES + most_at_once(instrument));
                for note in &bar.notes {
                    assert!(
                        plan.bars[0].span.contains(&note.pitch) && C_MAJOR[usize::from(note.pitch % 12)],
                        "{note:?}"
                    );
                    let together = bar.notes.iter().filter(|n| n.position == note.position).count();
                    assert!(together <= most_at_once(instrument));
                }
            }
        }
    }

    /// Onsets of each bar.
    fn onsets(bars: &[RemiBar]) -> Vec<Vec<u8>> {
        let onsets = |bar: &RemiBar| bar.notes.iter().map(|note| note.position).collect();
        bars.iter().map(onsets).collect()
    }

    #[test]
    fn a_bar_comes_back_where_its_chords_do_and_else_its_rhythm() {
        let chords = |second: Chord| bar(16, second, &[]);
        let mut bars = vec![chords(C), chords(G), chords(C), chords(G)];
        bars[2].earlier = vec![0, 1];
        bars[3].earlier = vec![0];
        let (mut whole, mut rhythm) = (0, 0);
        let seeds = 40;
        for seed in 0..seeds {
            let mut model = Fake::liking(&[(Token::Bar, 0.5)]);
            let written = write_likely(&plan(Instrument::Bass, bars.clone()), &mut model, seed);
            whole += usize::from(written[2].notes == written[0].notes);
            let onsets = onsets(&written);
            rhythm += usize::from(onsets[3] == onsets[0] && written[3].notes != written[0].notes);
            let mut plain = bars.clone();
            plain.iter_mut().for_each(|bar| bar.earlier.clear());
            let written = write_likely(&plan(Instrument::Bass, plain), &mut model, seed);
            assert_ne!(
                written[2].notes, written[0].notes,
                "by chance two bars are never the same"
            );
        }
        assert!(whole > seeds as usize * 3 / 4, "{whole} of {seeds}");
        assert!(rhythm > seeds as usize / 8, "{rhythm} of {seeds}");
    }

    #[test]
    fn a_bar_that_comes_back_answers_the_accents_of_its_own_and_keeps_in_tune() {
        let mut bars = vec![bar(16, G, &[]), bar(16, G, &[3, 9])];
        bars[1].earlier = vec![0];
        for seed in 0..20 {
            let mut model = Fake::liking(&[(Token::Bar, 0.5)]);
            let written = write(&plan(Instrument::Guitar, bars.clone()), &mut model, seed);
            for step in [3, 9] {
                let chord: Vec<u8> = written[1]
                    .notes
                    .iter()
                    .filter(|n| n.position == step)
                    .map(|n| n.pitch % 12)
                    .collect();
                let sounding = if step < 8 { C } else { G };
                assert!(chord.len() >= 3, "{written:?}");
                assert!(chord.iter().all(|class| sounding.tones().any(|tone| tone == *class)));
            }
        }
        // Every bar wants to be the one before; three alike are the most that stand.
        let mut alike = vec![bar(16, C, &[]); 16];
        for (number, bar) in alike.iter_mut().enumerate().skip(1) {
            bar.earlier = vec![number - 1];
        }
        let bars = write(
            &plan(Instrument::Bass, alike),
            &mut Fake::liking(&[(Token::Bar, 0.5)]),
            2,
        );
        assert!(bars.windows(2).any(|pair| pair[0].notes == pair[1].notes));
        for window in bars.windows(ALIKE + 1) {
            assert!(!is_loop(&window[..ALIKE], &window[ALIKE]), "{window:?}");
        }
    }

    #[test]
    fn pitches_lie_about_the_middle_of_the_span() {
        // A model that would climb: each pitch is likelier than the one below it.
        let climbing = (0..=127).map(|pitch| (Token::NoteOn(pitch), 0.08 * f32::from(pitch)));
        let likes: Vec<(Token, f32)> = climbing.chain([(Token::Bar, 2.0)]).collect();
        let mut model = Fake::liking(&likes);
        for (span, middle) in [(40..=68, 54.0), (54..=92, 73.0)] {
            let mut plan = plan(Instrument::Guitar, vec![bar(16, G, &[]); 30]);
            plan.bars.iter_mut().for_each(|bar| bar.span = span.clone());
            let bars = write(&plan, &mut model, 6);
            let pitches: Vec<f64> = bars
                .iter()
                .flat_map(|bar| &bar.notes)
                .map(|note| f64::from(note.pitch))
                .collect();
            let mean = pitches.iter().sum::<f64>() / pitches.len() as f64;
            assert!((mean - middle).abs() < 4.5, "{mean} in {span:?}");
        }
    }

    #[test]
    fn no_loop_no_single_pitch_and_no_long_silence() {
        // Models of one idea each: one bar for ever, one pitch for ever, nothing for ever.
        let one_bar = [
            (Token::Position(0), 30.0),
            (Token::NoteOn(60), 25.0),
            (Token::NoteOn(64), 20.0),
            (Token::Bar, 28.0),
        ];
        let bars = write(
            &plan(Instrument::Piano, vec![bar(16, C, &[]); 24]),
            &mut Fake::liking(&one_bar),
            1,
        );
        for window in bars.windows(ALIKE + 1) {
            assert!(!is_loop(&window[..ALIKE], &window[ALIKE]), "{window:?}");
            assert!(!is_stuck(&window[..ALIKE], &window[ALIKE]), "{window:?}");
        }
        let silence = [(Token::Bar, 40.0)];
        let bars = write(
            &plan(Instrument::Bass, vec![bar(16, C, &[]); 12]),
            &mut Fake::liking(&silence),
            1,
        );
        assert!(
            bars.windows(2)
                .all(|pair| !(pair[0].notes.is_empty() && pair[1].notes.is_empty()))
        );
    }

    #[test]
    fn the_same_seed_writes_the_same_and_a_longer_piece_begins_alike() {
        let bars = |n: usize| vec![bar(16, G, &[4]); n];
        let mut model = Fake::liking(&[(Token::Bar, 3.0)]);
        let short = write(&plan(Instrument::Guitar, bars(5)), &mut model, 8);
        let long = write(&plan(Instrument::Guitar, bars(9)), &mut model, 8);
        assert_eq!(short[..], long[..5]);
        assert_ne!(short, write(&plan(Instrument::Guitar, bars(5)), &mut model, 9));
        assert_eq!(model.begun.len(), 19, "every bar is read once");
    }

    #[test]
    fn notes_are_as_loud_as_the_movement_and_as_late_as_the_drums() {
        let mut planned = plan(Instrument::Piano, vec![bar(16, C, &[]), bar(12, C, &[])]);
        planned.bars[0].strength[4] = 1.0;
        planned.bars[1].gain = 0.5;
        let note = |position| RemiNote {
            position,
            pitch: 60,
            velocity_bin: 15,
            duration: 3,
        };
        let written = |steps, positions: &[u8]| RemiBar {
            steps,
            notes: positions.iter().map(|p| note(*p)).collect(),
            ..RemiBar::default()
        };
        let notes = notes(&planned, &[written(16, &[0, 4]), written(12, &[3])], 1);
        assert_eq!(notes.iter().map(|n| n.step).collect::<Vec<_>>(), [-4, 0, 15]);
        let plain = f32::from(remi::velocity(15)) / 127.0;
        assert!((notes[0].velocity - plain).abs() < 1e-6);
        assert!(notes[1].velocity > plain && (notes[2].velocity - plain / 2.0).abs() < 1e-6);
        assert!(notes.iter().all(|n| (n.offset - 0.1).abs() <= JITTER && n.length == 3));
        assert_ne!(notes[0].offset, notes[1].offset);
    }
}

use super::super::plan::ChordInput;
use super::*;
use crate::drums::CLASSES;
use crate::music::remi::RemiNote;
use crate::theory::{Chord, Quality};
use std::collections::BTreeMap;

/// Returns logits that depend only on the last token, and records its inputs.
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
        plays: true,
        feel: vec![0.1; steps],
        strength: vec![0.0; steps],
        alike: 0,
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

/// Like [`write`], but chooses only among the likeliest tokens, which together have a probability
/// of 0.92: the default of the setting `music.top_p`.
fn write_likely(plan: &LinePlan, model: &mut Fake, seed: u64) -> Vec<RemiBar> {
    let sampling = Sampling { top_p: 0.92, ..PLAIN };
    write_line(plan, model, sampling, seed, |_| Ok(())).expect("a model that cannot fail")
}

#[test]
fn chords_and_tempo_are_given_at_their_places_and_never_chosen() {
    // A model that prefers chords and tempi to notes.
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
    // The model received the bars that were written.
    for (heard, bar) in model.bars.iter().zip(&bars) {
        let tokens = remi::encoding::encode(std::slice::from_ref(bar)).expect("a bar");
        assert_eq!(*heard, tokens.iter().map(|token| token.id()).collect::<Vec<_>>());
    }
}

#[test]
fn strong_accents_are_answered_by_tones_of_the_chord() {
    // A model that prefers silence.
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
    for instrument in Instrument::OF_MODELS {
        let plan = plan(instrument, vec![bar(16, G, &[4]); 6]);
        let bars = write(&plan, &mut model, 1);
        for bar in &bars {
            assert!(!bar.notes.is_empty() && bar.notes.len() <= MOST_NOTES + instrument.profile().voices);
            for note in &bar.notes {
                assert!(
                    plan.bars[0].span.contains(&note.pitch) && C_MAJOR[usize::from(note.pitch % 12)],
                    "{note:?}"
                );
                let together = bar.notes.iter().filter(|n| n.position == note.position).count();
                assert!(together <= instrument.profile().voices);
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
fn a_bar_is_repeated_with_its_chords_or_else_its_rhythm_is() {
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
fn a_repeated_bar_answers_its_own_accents_and_stays_in_tune() {
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
    // Every bar tends to equal the previous one; at most three equal bars are accepted.
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
fn pitches_lie_around_the_middle_of_the_span() {
    // A model that tends to climb: each pitch is likelier than the one below it.
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
    // Models that always play the same bar, the same pitch, or nothing.
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

//! Tests of marks, by hand-made numbers.

use super::*;
use crate::drums::DrumGrid;
use crate::marks::{HitMark, SilenceMark};
use crate::music::ChordAt;
use crate::theory::{Instrument, Key, Mode};

/// Sixteen beats at a tempo; a step is a quarter of `span`. Kick on each beat, hats on the eighths,
/// an open hat on step 30.
fn groove(span: f64) -> DrumGrid {
    let hit = |step, class| Hit {
        step,
        class,
        velocity: 0.9,
        offset: 0.0,
    };
    let mut hits: Vec<Hit> = (0..32).map(|eighth| hit(2 * eighth, DrumClass::ClosedHat)).collect();
    hits.extend((0..16).map(|beat| hit(4 * beat, DrumClass::Kick)));
    hits.push(hit(30, DrumClass::OpenHat));
    hits.push(hit(20, DrumClass::Crash));
    hits.sort_by_key(|hit| (hit.step, hit.class as usize));
    DrumGrid {
        beats: (0..16)
            .map(|beat| Instant::from_seconds(span * f64::from(beat)))
            .collect(),
        first_beat: 1,
        beats_per_bar: 4,
        style: "rock".to_owned(),
        hits,
    }
}

/// A bass that plays each beat, and a piano that is silent but for its first chord; F from step 32.
fn music() -> Music {
    let note = |step, pitch, length| GridNote {
        step,
        length,
        pitch,
        velocity: 0.8,
        offset: 0.0,
    };
    Music {
        palette: None,
        key: Key {
            tonic: 0,
            mode: Mode::Major,
        },
        chords: [(0, 0), (32, 5)]
            .map(|(step, root)| ChordAt {
                step,
                chord: Chord::new(root, Quality::Major),
            })
            .to_vec(),
        lines: vec![
            Line {
                instrument: Instrument::Bass,
                notes: (0..16).map(|beat| note(4 * beat, 36, 8)).collect(),
            },
            Line {
                instrument: Instrument::Piano,
                notes: [60, 64, 67].map(|pitch| note(0, pitch, 64)).to_vec(),
            },
        ],
    }
}

fn hit(seconds: f64, answer: &[HitAnswer]) -> HitMark {
    HitMark {
        time: Instant::from_seconds(seconds),
        strength: 1.0,
        label: String::new(),
        answer: answer.to_vec(),
    }
}

fn marks(hits: Vec<HitMark>, silences: &[(f64, f64)]) -> Marks {
    let silences = silences.iter().map(|(from, to)| SilenceMark {
        from: Instant::from_seconds(*from),
        to: Instant::from_seconds(*to),
    });
    Marks {
        hits,
        silences: silences.collect(),
        ..Marks::default()
    }
}

fn marked(span: f64, marks: &Marks, has_drums: bool) -> Answer {
    with_marks(Answer::none(&groove(span), Some(&music())), marks, has_drums)
}

/// The times of the strokes within `reach` of an instant, with class and velocity.
fn around(answer: &Answer, seconds: f64, reach: f64) -> Vec<(f64, DrumClass, f32)> {
    let grid = BeatGrid::new(answer.drums.beats.clone()).expect("beats");
    let time = |hit: &Hit| grid.instant(f64::from(hit.step) + f64::from(hit.offset)).seconds();
    let hits = answer.drums.hits.iter().map(|hit| (time(hit), hit.class, hit.velocity));
    hits.filter(|(time, ..)| (time - seconds).abs() <= reach).collect()
}

#[test]
fn without_marks_nothing_changes() {
    let before = Answer::none(&groove(0.5), Some(&music()));
    assert_eq!(with_marks(before.clone(), &Marks::default(), true), before);
}

#[test]
fn a_hit_is_struck_at_its_instant_at_any_tempo_and_is_the_loudest_within_a_beat() {
    for span in [0.11, 0.25, 0.5, 0.77, 1.5, 5.9] {
        for share in [0.0, 0.013, 0.124, 0.125, 0.2, 0.25, 0.3749, 0.375, 0.3751, 0.49999] {
            let time = span * (6.0 + share);
            let answer = marked(span, &marks(vec![hit(time, &[HitAnswer::Drums])], &[]), true);
            let struck = around(&answer, time, 1e-6);
            let classes: Vec<DrumClass> = struck.iter().map(|(_, class, _)| *class).collect();
            assert_eq!(
                classes,
                [DrumClass::Kick, DrumClass::Snare, DrumClass::Crash],
                "{span} {share}"
            );
            // No flam, and nothing else as loud.
            assert_eq!(around(&answer, time, 0.0899), struck, "{span} {share}");
            for (at, class, velocity) in around(&answer, time, span) {
                let is_struck = (at - time).abs() < 1e-6;
                assert!(is_struck || velocity <= 0.45, "{span} {share}: {class:?} {velocity}");
            }
            assert!(answer.drums.hits.iter().all(|hit| (-0.5..0.5).contains(&hit.offset)));
            assert_eq!(answer.marked.hits.len(), 1);
            let beyond = around(&answer, time + 2.5 * span, 0.6 * span);
            assert!(beyond.iter().any(|(.., velocity)| *velocity == 0.9), "{span} {share}");
        }
    }
}

#[test]
fn a_soft_hit_has_no_crash_and_softens_what_is_around_it_further() {
    let mut soft = hit(3.03, &[HitAnswer::Drums]);
    soft.strength = 0.0;
    let answer = marked(0.5, &marks(vec![soft], &[]), true);
    let struck = around(&answer, 3.03, 1e-6);
    assert_eq!(struck.len(), 2);
    for (time, _, velocity) in around(&answer, 3.03, 0.5) {
        assert!((time - 3.03).abs() < 1e-6 || velocity < 0.31, "{time} {velocity}");
    }
}

#[test]
fn the_other_instruments_strike_the_chord_if_asked_even_if_they_were_silent() {
    // 5.03 s is 0.24 steps after step 40; the chord there is F.
    let notes_at = |answer: &Answer, line: usize| -> Vec<u8> {
        let music = answer.music.as_ref().expect("music");
        let here = |note: &&GridNote| ((f64::from(note.step) + f64::from(note.offset)) * 0.125 - 5.03).abs() < 1e-6;
        music.lines[line]
            .notes
            .iter()
            .filter(here)
            .map(|note| note.pitch)
            .collect()
    };
    let asked = marked(0.5, &marks(vec![hit(5.03, &[HitAnswer::Chord])], &[]), true);
    assert_eq!((notes_at(&asked, 0), notes_at(&asked, 1)), (vec![41], vec![57, 60, 65]));
    assert!(around(&asked, 5.03, 0.08).is_empty(), "no drums");
    assert!(around(&asked, 5.03, 0.5).iter().all(|(.., velocity)| *velocity <= 0.35));
    // Without being asked, the bass lands on the hit with the note it has beside it.
    let drums = marked(0.5, &marks(vec![hit(5.03, &[HitAnswer::Drums])], &[]), true);
    assert_eq!((notes_at(&drums, 0), notes_at(&drums, 1)), (vec![36], vec![]));
    let bass = &drums.music.as_ref().expect("music").lines[0].notes;
    assert_eq!(bass.len(), 16, "moved, not added");
    // Whoever is not heard cannot answer.
    let silent = marked(0.5, &marks(vec![hit(5.03, &[HitAnswer::Drums])], &[]), false);
    assert_eq!(notes_at(&silent, 0), [41]);
    let alone = with_marks(
        Answer::none(&groove(0.5), None),
        &marks(vec![hit(5.03, &[HitAnswer::Chord])], &[]),
        true,
    );
    assert_eq!(around(&alone, 5.03, 1e-6).len(), 3);
}

#[test]
fn a_stop_is_silent_up_to_the_hit() {
    let answer = marked(
        0.5,
        &marks(vec![hit(5.03, &[HitAnswer::Drums, HitAnswer::Stop])], &[]),
        true,
    );
    let before = around(&answer, 4.905, 0.1249);
    assert!(before.is_empty(), "{before:?}");
    assert!(!around(&answer, 4.75, 0.01).is_empty());
    assert_eq!(around(&answer, 5.03, 1e-6).len(), 3);
    // The bass that began at 4.5 s ends where the stop begins, at 4.78 s.
    let bass = &answer.music.as_ref().expect("music").lines[0].notes;
    let note = bass.iter().find(|note| note.step == 36).expect("a note");
    assert_eq!(note.length, 4, "half steps of 62.5 ms");
    // In a slow piece it is no longer than 0.4 s, and it begins after the hit before it.
    let slow = BeatGrid::new(groove(2.0).beats).expect("beats");
    let at = Instant::from_seconds;
    let slow_stop = stop(&slow, at(8.0), None);
    assert!((slow.instant(slow_stop.from).seconds() - 7.6).abs() < 1e-9);
    let narrow = stop(&slow, at(8.0), Some(at(7.8)));
    assert!((slow.instant(narrow.from).seconds() - 7.9).abs() < 1e-9);
}

#[test]
fn a_silence_has_neither_strokes_nor_notes_and_nothing_rings_into_it() {
    let answer = marked(0.5, &marks(vec![], &[(3.9, 6.1)]), true);
    assert!(around(&answer, 5.0, 1.0999).is_empty());
    assert!(!around(&answer, 6.25, 0.01).is_empty());
    // Steps 20 and 30 had a crash and an open hat, 1.4 s and 0.15 s before it.
    let classes = |seconds| -> Vec<DrumClass> {
        let found = around(&answer, seconds, 0.01).into_iter();
        found.map(|(_, class, _)| class).collect()
    };
    assert_eq!(classes(2.5), [DrumClass::Kick, DrumClass::ClosedHat]);
    assert!(!classes(3.75).contains(&DrumClass::OpenHat));
    let music = answer.music.as_ref().expect("music");
    for line in &music.lines {
        for note in &line.notes {
            let (from, until) = (position(note), position(note) + f64::from(note.length) / 2.0);
            assert!(until <= 31.2 || from >= 48.8, "{note:?}");
        }
    }
    let [silence] = answer.marked.silences[..] else {
        panic!("one silence");
    };
    assert!((silence.from - 31.2).abs() < 1e-9 && (silence.until - 48.8).abs() < 1e-9);
}

#[test]
fn a_hit_may_end_a_piece_that_answers_a_movement() {
    let mut before = Answer::none(&groove(0.5), None);
    before.strong = Some(vec![8, 44]);
    let answer = with_marks(before, &marks(vec![hit(5.03, &[HitAnswer::Drums])], &[]), true);
    assert_eq!(answer.strong, Some(vec![8, 40, 44]));
}

//! Division into spans, with numbers made by hand.

use super::*;
use crate::score::kits::DRUM_BANK;
use crate::time::TempoPoint;

const RATE: Rate = Rate::from_hz(48_000.0);
const SPAN: u32 = 2_400;

/// Ticks of this tempo map are 1/960 s, 50 samples; a span has 2,400 ticks.
fn tempo_map() -> TempoMap {
    let point = |tick, seconds| TempoPoint {
        tick: Tick(tick),
        time: Instant::from_seconds(seconds),
    };
    TempoMap::new(vec![point(0, 0.0), point(960, 1.0)]).expect("rising")
}

fn note(onset: u32, ticks: u32, pitch: u8) -> Note {
    Note {
        onset: Tick(onset),
        ticks,
        pitch,
        velocity: 90,
    }
}

fn divided(bank: u16, notes: Vec<Note>, start: f64) -> Vec<(i64, Vec<(usize, Event)>)> {
    let part = Part {
        name: "part".to_owned(),
        channel: 0,
        bank,
        program: 0,
        volume: 0.0,
        pan: 0.0,
        notes,
    };
    // 42, 44 and 46 cut each other off.
    let classes = |note: &Note| {
        if [42, 44, 46].contains(&note.pitch) {
            vec![1]
        } else {
            vec![]
        }
    };
    spans(&part, &tempo_map(), Instant::from_seconds(start), RATE, classes)
}

fn on(key: u8, tick: u32) -> Event {
    Event::On {
        channel: channel(0, key) as u8,
        key,
        velocity: 90,
        variant: variant(0, key, tempo_map().instant(Tick(tick)) - Instant::ZERO),
    }
}

fn off(key: u8) -> Event {
    let channel = channel(0, key) as u8;
    Event::Off { channel, key }
}

#[test]
fn notes_belong_to_the_span_in_which_they_begin() {
    assert_eq!(span_frames(RATE), 50 * SPAN as usize);
    let notes = vec![
        note(0, 960, 60),
        note(SPAN - 1, 2 * SPAN, 62),
        note(SPAN, 10, 64),
        note(4 * SPAN, 10, 65),
    ];
    let events = divided(0, notes, 0.0);
    // Events are at blocks of 32 samples.
    let expected = vec![
        (
            0,
            vec![
                (0, on(60, 0)),
                (48_000, off(60)),
                (119_936, on(62, SPAN - 1)),
                (359_936, off(62)),
            ],
        ),
        (1, vec![(0, on(64, SPAN)), (512, off(64))]),
        (4, vec![(0, on(65, 4 * SPAN)), (512, off(65))]),
    ];
    assert_eq!(events, expected);
}

#[test]
fn a_trim_leaves_the_spans_of_shared_notes_as_they_are() {
    let notes: Vec<Note> = (0..60_u32).map(|n| note(n * 211, 150 + n, 40 + n as u8)).collect();
    for bank in [0, DRUM_BANK] {
        let full = divided(bank, notes.clone(), 0.0);
        for trimmed in [1_u32, 480, 959, 2_400, 2_401, 5_003] {
            let shared: Vec<Note> = notes
                .iter()
                .filter(|note| note.onset.0 >= trimmed)
                .map(|n| note(n.onset.0 - trimmed, n.ticks, n.pitch))
                .collect();
            let cut = divided(bank, shared, f64::from(trimmed) / 960.0);
            let whole = trimmed.div_ceil(SPAN) as i64;
            let later = |spans: &[(i64, _)]| -> Vec<_> { spans.iter().filter(|s| s.0 >= whole).cloned().collect() };
            assert_eq!(later(&cut), later(&full), "{trimmed}");
            let kept = divided(bank, notes[..40].to_vec(), 0.0);
            assert_eq!(kept[..3], full[..3]);
        }
    }
}

#[test]
fn a_later_note_cuts_off_notes_of_its_class_once() {
    let hats = vec![
        note(0, 10, 46),
        note(SPAN - 10, 10, 46),
        note(SPAN + 5, 10, 42),
        note(SPAN + 500, 10, 44),
    ];
    let spans = divided(DRUM_BANK, hats, 0.0);
    let chokes: Vec<_> = spans
        .iter()
        .map(|(_, events)| {
            let chokes = events.iter().filter(|(_, event)| matches!(event, Event::Choke { .. }));
            chokes.map(|(at, _)| *at).collect::<Vec<_>>()
        })
        .collect();
    assert_eq!(chokes, [vec![120_248], vec![]], "blocks of 8 samples");
    let cymbals = divided(DRUM_BANK, vec![note(0, 10, 49), note(SPAN, 10, 49)], 0.0);
    assert!(
        cymbals
            .iter()
            .flat_map(|span| &span.1)
            .all(|(_, e)| !matches!(e, Event::Choke { .. }))
    );
    // A note struck long before has stopped ringing.
    let rare = divided(DRUM_BANK, vec![note(0, 10, 46), note(12 * 960, 10, 46)], 0.0);
    assert_eq!(rare[0].1.len(), 2);
}

#[test]
fn the_first_end_of_a_key_ends_its_note() {
    let notes = vec![
        note(0, SPAN + 960, 60),
        note(SPAN, 1_920, 60),
        note(SPAN + 1_920, 10, 60),
    ];
    let spans = divided(0, notes, 0.0);
    assert_eq!(spans[0].1, [(0, on(60, 0)), (168_000, off(60))]);
    assert_eq!(
        spans[1].1[..2],
        [(0, on(60, SPAN)), (48_000, off(60))],
        "ended with the first"
    );
    assert_eq!(spans[1].1[2], (96_000, on(60, SPAN + 1_920)));
}

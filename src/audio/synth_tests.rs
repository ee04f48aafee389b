//! Compares spans with the method that they replace: one synthesiser that plays a part from its
//! first note to its last.

use super::*;
use crate::audio::strip::{ChannelStrip, Sort};
use crate::audio::synthesis::Played;
use crate::audio::variants::variant;
use crate::audio::{AudioBuffer, Synthesis};
use crate::progress::Monitor;
use crate::score::Note;
use crate::time::{Instant, Span, TempoMap, TempoPoint, Tick};
use std::path::Path;

const RATE: Rate = Rate::from_hz(48_000.0);

/// Ticks of this tempo map are 1/960 s.
fn tempo_map() -> TempoMap {
    let point = |tick, seconds| TempoPoint {
        tick: Tick(tick),
        time: Instant::from_seconds(seconds),
    };
    TempoMap::new(vec![point(0, 0.0), point(960, 1.0)]).expect("rising")
}

fn font() -> SoundFont {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("models/kinescore-gm.sf3");
    SoundFont::load(&path).expect("the font that ships")
}

fn part(bank: u16, program: u8, notes: Vec<Note>) -> Part {
    Part {
        name: "part".to_owned(),
        channel: 0,
        bank,
        program,
        volume: 0.0,
        pan: if bank == DRUM_BANK { 0.0 } else { 0.3 },
        notes,
    }
}

fn note(onset: u32, ticks: u32, pitch: u8, velocity: u8) -> Note {
    Note {
        onset: Tick(onset),
        ticks,
        pitch,
        velocity,
    }
}

/// A part played by one synthesiser.
fn whole(font: &SoundFont, part: &Part, seconds: f64) -> Vec<f32> {
    let instrument = Instrument::of(part, font, RATE);
    let playable = font.for_notes(part.bank, part.program, &part.notes).expect("a font");
    let mut synthesizer = instrument.synthesizer(&playable).expect("a synthesiser");
    let block = instrument.block;
    let sample = |tick| (tempo_map().instant(tick).to_sample(RATE) + block / 2) / block * block;
    let mut events = Vec::new();
    for note in &part.notes {
        let (channel, key) = (channel(part.bank, note.pitch) as u8, note.pitch);
        let velocity = note.velocity;
        let variant = variant(part.bank, key, tempo_map().instant(note.onset) - Instant::ZERO);
        let start = sample(note.onset);
        let end = sample(Tick(note.onset.0 + note.ticks)).max(start + block);
        let on = Event::On {
            channel,
            key,
            velocity,
            variant,
        };
        events.push((start, on));
        events.push((end, Event::Off { channel, key }));
    }
    events.sort_unstable();
    let frames = Span::from_seconds(seconds).to_samples(RATE);
    let (mut left, mut right) = (vec![0.0; frames], vec![0.0; frames]);
    let mut next = events.into_iter().peekable();
    let mut at = 0;
    while at < frames {
        while let Some((_, event)) = next.next_if(|(sample, _)| *sample <= at) {
            instrument.send(&mut synthesizer, event);
        }
        let stop = next.peek().map_or(frames, |(sample, _)| (*sample).min(frames));
        synthesizer.render(&mut left[at..stop], &mut right[at..stop]);
        at = stop;
    }
    let dry: Vec<f32> = left.iter().zip(&right).flat_map(|(l, r)| [*l, *r]).collect();
    let sort = Sort::of(std::slice::from_ref(part));
    let mut wet = ChannelStrip::of(PartKind::of(part.bank, part.program), sort).process(&dry, RATE);
    wet.resize(dry.len(), 0.0);
    wet
}

/// A part played in spans.
fn in_spans(font: &SoundFont, part: &Part, seconds: f64) -> Vec<f32> {
    let mut mix = AudioBuffer::silence(RATE, 2, Span::from_seconds(seconds).to_samples(RATE));
    let played = Played {
        font,
        parts: std::slice::from_ref(part),
        score: std::slice::from_ref(part),
        tempo_map: &tempo_map(),
        start: Instant::ZERO,
    };
    Synthesis::default()
        .add(played, &mut mix, &Monitor::none(), (0.0, 1.0))
        .expect("played");
    mix.samples
}

/// RMS in a range of seconds, dBFS.
fn level(samples: &[f32], from: f64, to: f64) -> f64 {
    let at = |seconds: f64| (2 * (seconds * RATE.hz()) as usize).min(samples.len());
    let samples = &samples[at(from)..at(to)];
    let power: f64 = samples.iter().map(|s| f64::from(*s) * f64::from(*s)).sum();
    10.0 * (power / samples.len() as f64).log10()
}

/// How far the difference of two sounds is below the first, dB; and the greatest sample of the
/// difference, dBFS.
fn apart(a: &[f32], b: &[f32]) -> (f64, f64) {
    assert_eq!(a.len(), b.len());
    let difference: Vec<f32> = a.iter().zip(b).map(|(a, b)| a - b).collect();
    let seconds = a.len() as f64 / 2.0 / RATE.hz();
    let greatest = difference.iter().fold(0.0_f32, |most, s| most.max(s.abs()));
    (
        level(a, 0.0, seconds) - level(&difference, 0.0, seconds),
        20.0 * f64::from(greatest).log10(),
    )
}

/// Eight seconds of everything: eighths of hats, open and closed, a beat, cymbals, toms. A span
/// ends every 2,400 ticks.
fn drums() -> Vec<Note> {
    let mut notes = Vec::new();
    for eighth in 0..32_u32 {
        let onset = eighth * 240 + 7 * (eighth % 5);
        let velocity = 60 + (eighth * 37 % 60) as u8;
        notes.push(note(onset, 100, if eighth % 4 == 1 { 46 } else { 42 }, velocity));
        match eighth % 8 {
            0 | 5 => notes.push(note(onset, 120, 36, 110)),
            2 | 6 => notes.push(note(onset, 120, 38, 100)),
            7 => notes.push(note(onset, 120, 45, 90)),
            _ => {}
        }
        if eighth % 16 == 0 {
            notes.push(note(onset, 120, 49, 100));
        }
    }
    notes.sort_by_key(|note| (note.onset, note.pitch));
    notes
}

fn chords() -> Vec<Note> {
    let mut notes = Vec::new();
    for (bar, root) in [57, 53, 48, 55, 57].into_iter().enumerate() {
        for tone in [0, 4, 7, 12] {
            notes.push(note(bar as u32 * 1_500 + u32::from(tone), 1_460, root + tone, 80));
            notes.push(note(bar as u32 * 1_500 + 700, 200, root + tone + 12, 70));
        }
    }
    notes.sort_by_key(|note| (note.onset, note.pitch));
    notes
}

#[test]
fn spans_sound_like_one_synthesiser() {
    let font = font();
    let lead: Vec<Note> = (0..20)
        .map(|n| note(n * 380, 360, 60 + (n * 5 % 13) as u8, 90))
        .collect();
    for (what, part) in [
        ("drums", part(DRUM_BANK, 8, drums())),
        ("TR-808", part(DRUM_BANK, 25, drums())),
        ("piano", part(0, 0, chords())),
        ("electric piano", part(0, 4, chords())),
        ("guitar", part(0, 25, chords())),
        ("bass", part(0, 33, lead)),
    ] {
        let (under, greatest) = apart(&whole(&font, &part, 10.0), &in_spans(&font, &part, 10.0));
        assert!(
            under > 70.0 && greatest < -80.0,
            "{what}: {under:.1} dB under, at most {greatest:.1} dBFS"
        );
    }
}

#[test]
fn a_note_is_held_over_spans_and_notes_begin_on_borders() {
    let font = font();
    // Over four spans; on the border, a tick before and after it, and ending on it.
    let notes = vec![
        note(100, 8_000, 50, 90),
        note(2_399, 300, 62, 90),
        note(2_400, 300, 65, 90),
        note(2_401, 300, 69, 90),
        note(4_000, 800, 72, 90),
        note(7_200, 10, 48, 90),
    ];
    for program in [0, 33, 29] {
        let part = part(0, program, notes.clone());
        let (whole, spans) = (whole(&font, &part, 12.0), in_spans(&font, &part, 12.0));
        let (under, greatest) = apart(&whole, &spans);
        assert!(
            under > 70.0 && greatest < -80.0,
            "{program}: {under:.1} dB, {greatest:.1} dBFS"
        );
        assert!(program == 0 || level(&spans, 7.9, 8.2) > -60.0, "{program} is held");
    }
}

#[test]
fn a_closed_hat_of_the_next_span_cuts_an_open_one() {
    let font = font();
    for (open, closed) in [(2_390, 2_410), (2_300, 2_400), (2_399, 2_460), (2_000, 2_640)] {
        let hats = vec![note(open, 100, 46, 110), note(closed, 100, 42, 60)];
        let cut = part(DRUM_BANK, 0, hats.clone());
        let (under, greatest) = apart(&whole(&font, &cut, 6.0), &in_spans(&font, &cut, 6.0));
        assert!(
            under > 60.0 && greatest < -80.0,
            "{open} {closed}: {under:.1} dB, {greatest:.1} dBFS"
        );
        // Without the closed hat, the open one still rings 0.1 s after the time of the closed one.
        let alone = part(DRUM_BANK, 0, hats[..1].to_vec());
        let from = f64::from(closed) / 960.0 + 0.1;
        let ringing = level(&in_spans(&font, &alone, 6.0), from, from + 0.1);
        let silenced = level(&in_spans(&font, &cut, 6.0), from, from + 0.1);
        assert!(
            silenced < ringing - 6.0,
            "{open} {closed}: {silenced} dB, alone {ringing} dB"
        );
    }
}

#[test]
fn notes_of_one_key_end_together_as_they_do_in_the_synthesiser() {
    let font = font();
    // The first ends while the second, of the next span, sounds; the third is struck as the second
    // ends.
    let notes = vec![
        note(2_000, 900, 60, 90),
        note(2_500, 1_500, 60, 80),
        note(4_000, 500, 60, 80),
    ];
    let part = part(0, 0, notes);
    let (under, greatest) = apart(&whole(&font, &part, 8.0), &in_spans(&font, &part, 8.0));
    assert!(under > 70.0 && greatest < -80.0, "{under:.1} dB, {greatest:.1} dBFS");
}

#[test]
fn the_kit_uses_channels_that_are_not_midis_tenth() {
    assert!(KIT.len() <= Synthesizer::PERCUSSION_CHANNEL);
}

#[test]
fn hats_share_a_channel() {
    assert_eq!(channel(128, 42), channel(128, 46));
    assert_eq!(channel(128, 42), channel(128, 44));
    assert_ne!(channel(128, 42), channel(128, 49));
    // Melodic notes have a channel for each octave, and none of them MIDI's tenth.
    assert_eq!([0, 42, 47, 48, 127].map(|key| channel(0, key)), [0, 3, 3, 4, 8]);
}

//! A SoundFont small enough to damage every byte, and hand-made grooves.
#![allow(dead_code)] // each test file uses its own part
#![allow(clippy::expect_used)] // tests may panic

use kinescore::audio::SoundFont;
use kinescore::drums::{DrumClass, DrumGrid, Hit};
use kinescore::music::{ChordAt, GridNote, Line, Music};
use kinescore::score::{Score, arrange, from_drums};
use kinescore::theory::{Chord, Instrument, Key, Mode, Quality};
use kinescore::time::{Instant, Span, TempoMap, TempoPoint, Tick};
use std::path::{Path, PathBuf};

/// The bundled SoundFont.
pub fn shipped() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("models/kinescore-gm.sf3")
}

pub fn shipped_font() -> SoundFont {
    SoundFont::load(&shipped()).expect("the SoundFont that ships")
}

fn chunk(name: &[u8; 4], body: &[u8]) -> Vec<u8> {
    let mut bytes = name.to_vec();
    bytes.extend((body.len() as u32).to_le_bytes());
    bytes.extend(body);
    bytes.extend(vec![0; body.len() % 2]);
    bytes
}

fn words(values: &[i32]) -> Vec<u8> {
    values.iter().flat_map(|v| (*v as u16).to_le_bytes()).collect()
}

/// An .sf2 of one preset, bank 128, program 0, whose only sample is a square wave of 1 kHz: every
/// note begins with a step.
pub fn tiny_sf2() -> Vec<u8> {
    // One zone for all keys, at its recorded pitch, looped.
    sf2_of_zones(&[&[43, 0x7f00, 44, 0x7f00, 56, 0, 54, 1]])
}

/// Like [`tiny_sf2`], with these zones: generators and their values alternate.
pub fn sf2_of_zones(zones: &[&[i32]]) -> Vec<u8> {
    let length = 300;
    // A square wave, so that high-pass filters leave it.
    let mut samples: Vec<i32> = (0..length)
        .map(|n| if n / 24 % 2 == 0 { 16_000 } else { -16_000 })
        .collect();
    samples.extend([0; 46]);
    let mut name = [0_u8; 20];
    name[0] = b'x';
    let head = |rest: Vec<u8>| [&name[..], &rest].concat();
    let phdr = [
        head([words(&[0, 128, 0]), vec![0; 12]].concat()),
        head([words(&[0, 0, 1]), vec![0; 12]].concat()),
    ]
    .concat();
    let inst = [head(words(&[0])), head(words(&[1 + zones.len() as i32]))].concat();
    // A global zone with a short release, then the zones, which all play the one sample.
    let (mut ibag, mut igen) = (words(&[0, 0]), words(&[38, -6000]));
    for zone in zones {
        ibag.extend(words(&[igen.len() as i32 / 4, 0]));
        igen.extend(words(zone));
        igen.extend(words(&[53, 0]));
    }
    ibag.extend(words(&[igen.len() as i32 / 4, 0]));
    igen.extend(words(&[0, 0]));
    let mut shdr = name.to_vec();
    for value in [0, length as u32, 8, length as u32 - 8, 48_000] {
        shdr.extend(value.to_le_bytes());
    }
    shdr.extend([60, 0, 0, 0, 1, 0]);
    shdr.extend([0; 46]);
    let pdta = [
        b"pdta".to_vec(),
        chunk(b"phdr", &phdr),
        chunk(b"pbag", &words(&[0, 0, 1, 0])),
        chunk(b"pmod", &[0; 10]),
        chunk(b"pgen", &words(&[41, 0, 0, 0])),
        chunk(b"inst", &inst),
        chunk(b"ibag", &ibag),
        chunk(b"imod", &[0; 10]),
        chunk(b"igen", &igen),
        chunk(b"shdr", &shdr),
    ]
    .concat();
    let body = [
        b"sfbk".to_vec(),
        chunk(b"LIST", &[&b"INFO"[..], &chunk(b"ifil", &[2, 0, 1, 0])].concat()),
        chunk(b"LIST", &[&b"sdta"[..], &chunk(b"smpl", &words(&samples))].concat()),
        chunk(b"LIST", &pdta),
    ]
    .concat();
    chunk(b"RIFF", &body)
}

/// Beats at a tempo, the first at `first` seconds.
pub fn beats(first: f64, bpm: f64, count: usize) -> Vec<Instant> {
    (0..count)
        .map(|beat| Instant::from_seconds(first + beat as f64 * 60.0 / bpm))
        .collect()
}

/// A rock groove with a fill in every fourth bar.
pub fn groove(bpm: f64, bars: i32) -> DrumGrid {
    use DrumClass::{ClosedHat, Crash, HighTom, Kick, LowTom, MidTom, OpenHat, Snare};
    let mut hits = vec![];
    for bar in 0..bars {
        for place in 0..16 {
            let mut put = |class, velocity, offset| {
                hits.push(Hit {
                    step: bar * 16 + place,
                    class,
                    velocity,
                    offset,
                });
            };
            let fill = bar % 4 == 3 && place >= 12;
            match place {
                0 | 6 | 8 => put(Kick, 0.85, 0.0),
                4 | 12 => put(Snare, 0.9, 0.04),
                7 | 9 => put(Snare, 0.25, 0.1),
                _ => {}
            }
            match place {
                12..=13 if fill => put(HighTom, 0.8, 0.0),
                14 if fill => put(MidTom, 0.8, 0.0),
                15 if fill => put(LowTom, 0.8, 0.0),
                14 => put(OpenHat, 0.6, 0.0),
                _ if place % 2 == 0 => put(ClosedHat, if place % 4 == 0 { 0.7 } else { 0.5 }, 0.02),
                _ => {}
            }
            if bar % 4 == 0 && place == 0 {
                put(Crash, 0.85, 0.0);
            }
        }
    }
    DrumGrid {
        beats: beats(0.0, bpm, bars as usize * 4 + 1),
        first_beat: 1,
        beats_per_bar: 4,
        style: "rock".to_owned(),
        hits,
    }
}

/// A score of the groove, slightly longer than its bars.
pub fn score(bpm: f64, bars: i32, kit: &str) -> Score {
    let seconds = f64::from(bars) * 240.0 / bpm + 0.9;
    from_drums(&groove(bpm, bars), Span::from_seconds(seconds), Some(kit)).expect("a score")
}

/// A band's notes for the [`groove`]: the four chords `Am F C G`, one per bar. Notes, velocities
/// and lengths are typical of accompaniments: the bass has six notes per bar on roots and fifths,
/// the guitar six strokes of three strings, the piano three chords of three notes and a root, all
/// at velocities of 70 to 90.
pub fn band(bars: i32) -> Music {
    let chords = [
        (9, Quality::Minor),
        (5, Quality::Major),
        (0, Quality::Major),
        (7, Quality::Major),
    ];
    let note = |step, length, pitch: i32, velocity: f32| GridNote {
        step,
        length,
        pitch: pitch as u8,
        velocity,
        offset: 0.03,
    };
    let (mut bass, mut guitar, mut piano, mut sounding) = (vec![], vec![], vec![], vec![]);
    for bar in 0..bars {
        let (root, quality) = chords[bar as usize % 4];
        let third = if quality == Quality::Minor { 3 } else { 4 };
        sounding.push(ChordAt {
            step: bar * 16,
            chord: Chord {
                root: root as u8,
                quality,
            },
        });
        let above = |lowest: i32, class: i32| lowest + (class - lowest).rem_euclid(12);
        for (place, length, fifth) in [(0, 6, 0), (3, 4, 0), (6, 4, 0), (8, 6, 0), (11, 4, 7), (14, 4, 7)] {
            let pitch = above(31, root + fifth);
            bass.push(note(
                bar * 16 + place,
                length,
                pitch,
                if place % 8 == 0 { 0.72 } else { 0.65 },
            ));
        }
        for place in [0, 4, 6, 8, 10, 12] {
            for tone in [0, third, 7] {
                let velocity = if place % 4 == 0 { 0.64 } else { 0.54 };
                guitar.push(note(bar * 16 + place, 4, above(55, root + tone), velocity));
            }
        }
        for (place, length) in [(0, 12), (6, 4), (8, 14)] {
            piano.push(note(bar * 16 + place, length, above(41, root), 0.58));
            for tone in [0, third, 7] {
                piano.push(note(bar * 16 + place, length, above(58, root + tone), 0.66));
            }
        }
    }
    let line = |instrument, mut notes: Vec<GridNote>| {
        notes.sort_by_key(|note| (note.step, note.pitch));
        Line { instrument, notes }
    };
    Music {
        palette: None,
        key: Key {
            tonic: 9,
            mode: Mode::Minor,
        },
        chords: sounding,
        lines: vec![
            line(Instrument::Piano, piano),
            line(Instrument::Guitar, guitar),
            line(Instrument::Bass, bass),
        ],
    }
}

/// A score of groove and band in a style, slightly longer than its bars.
pub fn band_score(bpm: f64, bars: i32, style: &str) -> Score {
    let mut grid = groove(bpm, bars);
    grid.style = style.to_owned();
    let seconds = f64::from(bars) * 240.0 / bpm + 0.9;
    arrange(&grid, Some(&band(bars)), Span::from_seconds(seconds), None).expect("a score")
}

/// Ticks per second of a [`trio_score`], constant, so that a cut is a shift of its notes.
const TICKS: f64 = 960.0;

/// Bars for drums, piano and bass.
pub fn trio_score(bars: i32) -> Score {
    let mut score = band_score(120.0, bars, "pop");
    score.parts.retain(|part| part.name != "guitar");
    let points = [(0, 0.0), (TICKS as u32, 1.0)].map(|(tick, seconds)| TempoPoint {
        tick: Tick(tick),
        time: Instant::from_seconds(seconds),
    });
    score.tempo_map = TempoMap::new(points.to_vec()).expect("rising");
    score
}

/// The part of such a piece between two ticks, as a separate score.
pub fn cut(score: &Score, from: u32, to: u32) -> Score {
    let mut cut = score.clone();
    cut.start = Instant::from_seconds(f64::from(from) / TICKS);
    cut.duration = Span::from_seconds(f64::from(to - from) / TICKS);
    for part in &mut cut.parts {
        part.notes
            .retain(|note| note.onset.0 >= from && note.onset.0 + note.ticks <= to);
        part.notes
            .iter_mut()
            .for_each(|note| note.onset = Tick(note.onset.0 - from));
    }
    cut
}

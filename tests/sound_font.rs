//! SoundFonts that are intact, of the other format, damaged, or not SoundFonts at all.
#![allow(clippy::expect_used)] // tests may panic

mod sound_common;

use kinescore::audio::{AudioBuffer, SoundFont, Synthesis, render, render_part};
use kinescore::score::{Note, Part, Score, TimeSignature};
use kinescore::settings::{KITS, Settings};
use kinescore::time::{Instant, Rate, Span, TempoMap, TempoPoint, Tick};
use kinescore::{Error, Monitor};
use sound_common::{score, sf2_of_zones, shipped, shipped_font, tiny_sf2};
use std::fs;
use std::path::{Path, PathBuf};

fn file(folder: &Path, bytes: &[u8]) -> PathBuf {
    let path = folder.join("font.sf2");
    fs::write(&path, bytes).expect("written");
    path
}

/// Half a second of a few notes.
fn short_score() -> Score {
    let point = |tick, seconds| TempoPoint {
        tick: Tick(tick),
        time: Instant::from_seconds(seconds),
    };
    let note = |onset, pitch, velocity| Note {
        onset: Tick(onset),
        ticks: 100,
        pitch,
        velocity,
    };
    Score {
        tempo_map: TempoMap::new(vec![point(0, 0.0), point(480, 0.5)]).expect("rising"),
        signatures: vec![TimeSignature {
            tick: Tick(0),
            beats: 4,
        }],
        parts: vec![Part {
            name: "drums".to_owned(),
            channel: 9,
            bank: 128,
            program: 0,
            volume: 0.0,
            pan: 0.0,
            notes: vec![note(0, 36, 127), note(60, 60, 90), note(120, 127, 60), note(240, 0, 30)],
        }],
        duration: Span::from_seconds(0.4),
        start: Instant::ZERO,
    }
}

/// Loads and plays; returns whether that succeeded. A panic fails the test.
fn play(path: &Path, score: &Score) -> Result<AudioBuffer, Error> {
    let font = SoundFont::load(path)?;
    render(
        score,
        &font,
        Settings::default().sound(),
        &Synthesis::default(),
        &Monitor::none(),
    )
    .map(|sound| sound.mix().clone())
}

/// So many frames of a part at 48 kHz, in stereo.
fn played(font: &SoundFont, part: &Part, tempo_map: &TempoMap, frames: usize) -> AudioBuffer {
    let mut buffer = AudioBuffer::silence(Rate::from_hz(48_000.0), 2, frames);
    render_part(
        font,
        part,
        tempo_map,
        &mut buffer,
        &Synthesis::default(),
        &Monitor::none(),
    )
    .expect("played");
    buffer
}

fn is_font_error(error: &Error) -> bool {
    matches!(
        error,
        Error::SoundFontInvalid { .. } | Error::PresetMissing { .. } | Error::Input { .. }
    )
}

#[test]
fn every_kit_of_the_settings_is_in_the_font_that_ships() {
    let font = shipped_font();
    for kit in KITS {
        let program = kinescore::score::kits::kit_program(kit).expect("a kit");
        font.require(128, program).expect(kit);
    }
    assert!(font.presets().iter().filter(|(bank, _)| *bank == 0).count() >= 9);
}

#[test]
fn another_kit_is_substituted_but_no_other_instrument() {
    let font = shipped_font();
    let sound = |score: &Score| {
        render(
            score,
            &font,
            Settings::default().sound(),
            &Synthesis::default(),
            &Monitor::none(),
        )
    };
    let mut score = score(120.0, 1, "standard");
    let standard = sound(&score).expect("the standard kit");
    score.parts[0].program = 48;
    let error = font.require(128, 48).expect_err("no orchestra kit").to_string();
    assert!(error.contains("0, 8, 16, 24, 25, 32, 40"), "{error}");
    assert_eq!(sound(&score).expect("the standard kit"), standard);
    (score.parts[0].bank, score.parts[0].program) = (3, 125);
    let error = sound(&score).expect_err("no such bank");
    assert!(
        matches!(
            error,
            Error::PresetMissing {
                bank: 3,
                program: 125,
                ..
            }
        ),
        "{error}"
    );
    assert!(error.to_string().contains("no preset in bank 3"), "{error}");
}

#[test]
fn missing_files_folders_and_other_files_are_distinguished() {
    let folder = tempfile::tempdir().expect("folder");
    let missing = SoundFont::load(&folder.path().join("none.sf2")).expect_err("missing");
    assert!(matches!(missing, Error::SoundFontMissing { .. }), "{missing}");
    assert!(SoundFont::load(folder.path()).is_err());
    for (bytes, said) in [
        (&b""[..], "the file is empty"),
        (b"RIFF", "it has 4 bytes; the head of a SoundFont alone has 12"),
        (b"RIFF\x04\0\0\0WAVE", "it is a WAV file"),
        (b"RIFF\x10\0\0\0DLS colh\x04\0\0\0\0\0\0\0", "it is a DLS bank"),
        (b"RIFF\x04\0\0\0sfpk", "SF2Pack"),
        (b"PK\x03\x04 and more", "a compressed archive"),
        (b"version https://git-lfs.github.com/spec/v1\n", "Git LFS"),
        (&[0; 500], "it does not begin with RIFF and sfbk"),
        (
            b"# Kinescore\n\nA text, not a font.",
            "it does not begin with RIFF and sfbk",
        ),
    ] {
        let error = SoundFont::load(&file(folder.path(), bytes)).expect_err("no SoundFont");
        assert!(matches!(error, Error::SoundFontInvalid { .. }), "{error}");
        assert!(error.to_string().contains(said), "{error}");
    }
}

#[test]
fn an_sf2_made_of_the_sf3_sounds_the_same_to_the_bit() {
    let folder = tempfile::tempdir().expect("folder");
    let sf3 = shipped_font();

    let path = file(folder.path(), &sf3.to_sf2().expect("converted"));
    let sf2 = SoundFont::load(&path).expect("an .sf2");
    assert_eq!(sf2.presets(), sf3.presets());
    let settings = Settings::default().sound().clone();
    for kit in ["standard", "brush"] {
        let score = score(120.0, 2, kit);
        let one = render(&score, &sf3, &settings, &Synthesis::default(), &Monitor::none()).expect("rendered");
        let other = render(&score, &sf2, &settings, &Synthesis::default(), &Monitor::none()).expect("rendered");
        assert!(one == other, "{kit}");
    }
}

#[test]
fn melodic_presets_play_in_tune() {
    let font = shipped_font();
    let mut score = short_score();
    score.duration = Span::from_seconds(2.0);
    for program in [0, 4, 24, 25, 27, 29, 32, 33, 34] {
        let (pitch, hertz) = if program >= 32 { (45, 110.0) } else { (69, 440.0) };
        let part = Part {
            name: "tune".to_owned(),
            channel: 0,
            bank: 0,
            program,
            volume: 0.0,
            pan: 0.0,
            notes: vec![Note {
                onset: Tick(0),
                ticks: 1440,
                pitch,
                velocity: 100,
            }],
        };
        let buffer = played(&font, &part, &score.tempo_map, 96_000);
        // The strongest frequency near the note, by correlation over 0.8 s, must be the note within
        // 12 cents.
        let power = |hertz: f64| {
            let (mut re, mut im) = (0.0, 0.0);
            for frame in 9600..48_000 {
                let window = (std::f64::consts::PI * (frame - 9600) as f64 / 38_400.0).sin().powi(2);
                let (sin, cos) = (std::f64::consts::TAU * hertz * frame as f64 / 48_000.0).sin_cos();
                let sample = window * f64::from(buffer.samples[2 * frame] + buffer.samples[2 * frame + 1]);
                re += sample * cos;
                im += sample * sin;
            }
            re.hypot(im)
        };
        let best = (-60..=60)
            .max_by(|a, b| {
                let at = |cents: &i32| power(hertz * 2.0_f64.powf(f64::from(*cents) / 1200.0));
                at(a).total_cmp(&at(b))
            })
            .expect("a frequency");
        assert!(best.abs() <= 12, "program {program} is {best} cents off");
        assert!(power(hertz) > 1.0, "program {program} is silent");
    }
}

/// Presets have velocity layers: samples loaded for soft notes must not be mistaken for all
/// samples.
#[test]
fn the_sound_of_a_note_does_not_depend_on_earlier_notes() {
    let font = shipped_font();
    let score = short_score();
    let play = |font: &SoundFont, bank, program, velocity| {
        let pitch = if bank == 128 { 38 } else { 40 };
        let part = Part {
            bank,
            program,
            notes: vec![Note {
                onset: Tick(0),
                ticks: 200,
                pitch,
                velocity,
            }],
            ..score.parts[0].clone()
        };
        played(font, &part, &score.tempo_map, 9_600)
    };
    for (bank, program) in font.presets() {
        let program = u8::try_from(program).expect("a program");
        for velocity in [20, 60, 90, 110, 127] {
            let heard = play(&font, bank, program, velocity);
            assert!(
                heard.samples.iter().any(|s| s.abs() > 1e-4),
                "{bank} {program} is silent at {velocity}"
            );
            assert_eq!(
                heard,
                play(&shipped_font(), bank, program, velocity),
                "{bank} {program} at {velocity}"
            );
        }
    }
}

#[test]
fn a_hi_hat_in_stereo_sounds_on_both_sides_and_is_cut_on_both() {
    // Left and right halves of an open (46) and a closed (42) hi-hat, all of exclusive class 1.
    let half = |key: i32, pan: i32| vec![43, key * 0x101, 17, pan, 56, 0, 54, 1, 57, 1];
    let zones = [half(46, -500), half(46, 500), half(42, -500), half(42, 500)];
    let zones: Vec<&[i32]> = zones.iter().map(Vec::as_slice).collect();
    let folder = tempfile::tempdir().expect("folder");
    let font = SoundFont::load(&file(folder.path(), &sf2_of_zones(&zones))).expect("a SoundFont");
    let score = short_score();
    let level = |hits: &[(u32, u8, u8)], side: usize| {
        let mut part = score.parts[0].clone();
        part.notes = hits
            .iter()
            .map(|(onset, pitch, velocity)| Note {
                onset: Tick(*onset),
                ticks: 480,
                pitch: *pitch,
                velocity: *velocity,
            })
            .collect();
        let buffer = played(&font, &part, &score.tempo_map, 48_000);
        // From 0.35 s to 0.4 s.
        let late = buffer.samples.iter().skip(side).step_by(2).skip(16_800).take(2_400);
        late.map(|s| s.abs()).fold(0.0, f32::max)
    };
    let open = [0, 1].map(|side| level(&[(0, 46, 120)], side));
    // The kit's width and room make the sides of a steady tone differ; one half alone would be at
    // least 6 dB louder on its side.
    let (least, most) = (open[0].min(open[1]), open[0].max(open[1]));
    assert!(least > 0.05 && most < 1.8 * least, "{open:?}");
    // A closed hit, far softer, a quarter of a second after the open one, replaces it on both
    // sides.
    let cut = [0, 1].map(|side| level(&[(0, 46, 120), (240, 42, 30)], side));
    assert!(cut.iter().all(|level| *level < 0.3 * open[0]), "{cut:?} {open:?}");
}

#[test]
fn a_font_cut_off_anywhere_is_an_error() {
    let folder = tempfile::tempdir().expect("folder");
    let whole = tiny_sf2();
    play(&file(folder.path(), &whole), &short_score()).expect("the whole font plays");
    for length in (0..whole.len()).step_by(3) {
        let error = SoundFont::load(&file(folder.path(), &whole[..length])).expect_err("cut off");
        assert!(is_font_error(&error), "{length}: {error}");
    }
    let shipped = fs::read(shipped()).expect("the SoundFont that ships");
    for part in 0..20 {
        let length = shipped.len() * part / 20 + part;
        let error = SoundFont::load(&file(folder.path(), &shipped[..length])).expect_err("cut off");
        assert!(error.to_string().contains("truncated") || length < 12, "{error}");
    }
}

#[test]
fn a_font_with_any_byte_damaged_plays_or_is_an_error() {
    let folder = tempfile::tempdir().expect("folder");
    let whole = tiny_sf2();
    let score = short_score();
    let (mut played, mut refused) = (0, 0);
    for at in 0..whole.len() {
        // Sample values cannot be invalid; a few are enough.
        if (60..whole.len() - 600).contains(&at) && at % 97 != 0 {
            continue;
        }
        let flip = [0xff, 0x01, 0x80][at % 3];
        let mut bytes = whole.clone();
        bytes[at] ^= flip;
        match play(&file(folder.path(), &bytes), &score) {
            Ok(sound) => {
                played += 1;
                assert!(sound.samples.iter().all(|s| s.is_finite()), "byte {at} ^ {flip:#x}");
            }
            Err(error) => {
                refused += 1;
                assert!(is_font_error(&error), "byte {at} ^ {flip:#x}: {error}");
            }
        }
    }
    assert!(played > 100 && refused > 100, "{played} played, {refused} refused");
}

#[test]
fn damaged_ogg_samples_are_silent_and_never_panic() {
    let folder = tempfile::tempdir().expect("folder");
    let whole = fs::read(shipped()).expect("the SoundFont that ships");
    // A simple congruential generator: the same damage every time.
    let mut state = 12_345_u64;
    let mut random = |below: usize| {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
        (state >> 33) as usize % below
    };
    let score = short_score();
    let (mut silent, mut heard) = (0, 0);
    for _ in 0..6 {
        let mut bytes = whole.clone();
        for _ in 0..60 {
            let at = 2500 + random(bytes.len() - 2500 - 30_000);
            bytes[at] ^= 1 << random(8);
        }
        let font = SoundFont::load(&file(folder.path(), &bytes)).expect("some samples are whole");
        for pitch in [36, 38, 42, 43, 46, 47, 49, 50, 51] {
            let mut part = score.parts[0].clone();
            part.notes.truncate(1);
            part.notes[0].pitch = pitch;
            let buffer = played(&font, &part, &score.tempo_map, 24_000);
            assert!(buffer.samples.iter().all(|s| s.is_finite()));
            if buffer.samples.iter().all(|s| *s == 0.0) {
                silent += 1;
            } else {
                heard += 1;
            }
        }
    }
    assert!(silent > 0 && heard > 0, "{silent} silent, {heard} heard");
}

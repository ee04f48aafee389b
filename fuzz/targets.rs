//! The fuzzed functions: one for each kind of input from outside, which reads the bytes and
//! continues as far as possible without a network. An error is correct; a panic, a hang, and
//! unbounded memory are not.
//!
//! Shared by the fuzzers and by the test that replays fixed inputs (`tests/fuzz_mended.rs`).
#![allow(dead_code)] // each fuzzer uses one
#![allow(clippy::expect_used, clippy::panic)] // surprises are what fuzzing looks for

use kinescore::audio::{AudioBuffer, SoundFont, SpanStore, Synthesis, render_part};
use kinescore::cache::{About, Cache, Key, Kind};
use kinescore::export::midi::write_midi;
use kinescore::model::Manifest;
use kinescore::pipeline::{Engine, Job, Resources};
use kinescore::pose::stored;
use kinescore::progress::Stage;
use kinescore::score::kits::DRUM_BANK;
use kinescore::score::{Note, Part, Score, TimeSignature};
use kinescore::settings::{SettingsBuilder, TABLE};
use kinescore::time::{Instant, Rate, Span, TempoMap, TempoPoint, Tick};
use kinescore::{Error, Marks, Monitor, Settings};
use std::path::{Path, PathBuf};
use std::sync::{Arc, LazyLock};

/// A function that accepts any bytes.
pub type Target = fn(&[u8]);

/// All of them, by name.
pub const ALL: [(&str, Target); 8] = [
    ("saved", saved),
    ("marks", marks),
    ("sound_font", sound_font),
    ("chords", chords),
    ("settings", settings),
    ("manifest", manifest),
    ("cache", cache),
    ("midi", midi),
];

static FOLDER: LazyLock<tempfile::TempDir> = LazyLock::new(|| tempfile::tempdir().expect("a temporary folder"));

static ENGINE: LazyLock<Arc<Engine>> = LazyLock::new(|| {
    let here = Path::new(env!("CARGO_MANIFEST_DIR"));
    let models = ["models", "../models"].map(|folder| here.join(folder));
    let resources = Resources {
        models: models.into_iter().find(|folder| folder.is_dir()).expect("the models"),
        ..Resources::default()
    };
    Arc::new(Engine::new(resources).expect("the manifest of the models"))
});

/// A file with these bytes; there is only one of that name at a time.
fn written(name: &str, data: &[u8]) -> PathBuf {
    let path = FOLDER.path().join(name);
    std::fs::write(&path, data).expect("written");
    path
}

/// A file saved between stages: loaded, and arranged if it contains music.
pub fn saved(data: &[u8]) {
    let path = written("saved.json", data);
    let Ok(mut job) = Job::load(ENGINE.clone(), Settings::default(), &path) else {
        return;
    };
    let _ = job.analysis(); // the result does not matter
    if job.latest().is_some_and(|latest| latest >= Stage::Music) && job.run(Stage::Score, &Monitor::none()).is_ok() {
        job.write_midi(&FOLDER.path().join("saved.mid"))
            .expect("a score that was checked is written");
    }
    let again = FOLDER.path().join("again.json");
    if job.save(&again).is_ok() {
        Job::load(ENGINE.clone(), Settings::default(), &again).expect("what was saved is loaded");
    }
}

/// Marks: read, and set for a composed piece, which is arranged.
pub fn marks(data: &[u8]) {
    let Ok(marks) = Marks::read(&written("marks.json", data)) else {
        return;
    };
    let again = FOLDER.path().join("marks-again.json");
    marks.write(&again).expect("written");
    assert_eq!(Marks::read(&again).expect("what was written is read"), marks);
    let here = Path::new(env!("CARGO_MANIFEST_DIR"));
    let golden = [
        "tests/fixtures/golden/music.json",
        "../tests/fixtures/golden/music.json",
    ]
    .map(|file| here.join(file));
    let golden = golden.iter().find(|file| file.is_file()).expect("the golden music");
    let mut job = Job::load(ENGINE.clone(), Settings::default(), golden).expect("the golden music");
    let arranged = Marks {
        hits: marks.hits,
        silences: marks.silences,
        ..Marks::default()
    };
    job.set_marks(arranged).expect("marks that were checked");
    job.run(Stage::Score, &Monitor::none()).expect("a score of any marks");
}

/// A SoundFont, compressed or not: loaded, and some of its presets played.
pub fn sound_font(data: &[u8]) {
    let Ok(font) = SoundFont::load(&written("font.sf2", data)) else {
        return;
    };
    for (bank, program) in font.presets().into_iter().take(3) {
        let program = u8::try_from(program).unwrap_or(127);
        let _ = font.require(bank, program); // refused or not
        let part = Part {
            name: "fuzzed".to_owned(),
            channel: if bank == DRUM_BANK { 9 } else { 0 },
            bank,
            program,
            volume: 0.0,
            pan: 0.0,
            notes: [(36, 127), (60, 90), (127, 1)].into_iter().zip(0..).map(note).collect(),
        };
        let points = [(0, 0.0), (480, 0.5)].map(|(tick, time)| TempoPoint {
            tick: Tick(tick),
            time: Instant::from_seconds(time),
        });
        let tempo_map = TempoMap::new(Vec::from(points)).expect("rising");
        let mut heard = AudioBuffer::silence(Rate::from_hz(48_000.0), 2, 4_800);
        let synthesis = Synthesis {
            store: SpanStore::new(0),
            threads: 1,
        };
        let played = render_part(&font, &part, &tempo_map, &mut heard, &synthesis, &Monitor::none());
        if played.is_ok() {
            let is_sound = heard.samples.iter().all(|sample| sample.is_finite());
            assert!(is_sound, "a sample that is not a number");
        }
    }
}

fn note(((pitch, velocity), index): ((u8, u8), u32)) -> Note {
    Note {
        onset: Tick(index * 30),
        ticks: 30,
        pitch,
        velocity,
    }
}

/// Chord symbols and key names, in the form of the settings.
pub fn chords(data: &[u8]) {
    let Ok(text) = std::str::from_utf8(data) else { return };
    for key in ["music.chords", "music.key"] {
        set(key, text);
    }
}

fn set(key: &str, value: &str) {
    let mut settings = SettingsBuilder::default();
    if settings.set(key, value).is_err() {
        return;
    }
    let _ = settings.build(); // two values may contradict each other
    let text = settings.get(key).expect("a setting that was set");
    let mut again = SettingsBuilder::default();
    again.set(key, &text).expect("a setting's own text sets it");
    assert_eq!(again.get(key), Some(text));
}

/// A setting: its number, then its value.
pub fn settings(data: &[u8]) {
    let Some((number, value)) = data.split_first() else {
        return;
    };
    let Ok(value) = std::str::from_utf8(value) else { return };
    set(TABLE[usize::from(*number) % TABLE.len()].key, value);
}

/// The manifest of the models.
pub fn manifest(data: &[u8]) {
    let path = written("manifest.toml", data);
    if let Ok(manifest) = Manifest::read(path.parent().expect("a folder")) {
        for (name, _) in manifest.entries() {
            manifest.file(name).expect("an entry has a file");
        }
    }
}

/// An entry of the cache, and the content of an entry of poses.
pub fn cache(data: &[u8]) {
    let _ = stored::from_bytes(data); // poses, or none
    let folder = FOLDER.path().join("cache");
    let cache = Cache::open(&folder, None);
    let key = Key::of("fuzzed");
    cache.store(Kind::Media, &key, &About::default(), b"{}");
    let entries = std::fs::read_dir(&folder).expect("the cache").flatten();
    for entry in entries.filter(|entry| entry.file_name().to_string_lossy().starts_with("media-")) {
        std::fs::write(entry.path(), data).expect("written");
    }
    let _ = cache.load(Kind::Media, &key); // intact or not
    cache.list().expect("a folder that can be read");
    cache.verify().expect("a folder that can be read");
}

/// A score from the bytes: if it passes its check, it is written as a MIDI file, or is too long for
/// one.
pub fn midi(data: &[u8]) {
    let mut numbers = data
        .chunks(2)
        .map(|pair| u32::from(pair[0]) << 8 | u32::from(*pair.last().unwrap_or(&0)));
    let mut next = || numbers.next();
    let (Some(points), Some(length)) = (next(), next()) else {
        return;
    };
    let mut at = (0_u32, 0.0);
    let mut rising = vec![TempoPoint {
        tick: Tick(0),
        time: Instant::ZERO,
    }];
    for _ in 0..points % 64 + 1 {
        let (Some(ticks), Some(time)) = (next(), next()) else {
            return;
        };
        at = (at.0 + ticks + 1, at.1 + f64::from(time + 1) * 1e-3);
        rising.push(TempoPoint {
            tick: Tick(at.0),
            time: Instant::from_seconds(at.1),
        });
    }
    let mut notes = Vec::new();
    let mut onset = 0;
    while let (Some(gap), Some(ticks), Some(sound)) = (next(), next(), next()) {
        onset += gap;
        notes.push(Note {
            onset: Tick(onset),
            ticks,
            pitch: (sound >> 8) as u8,
            velocity: (sound & 0xff) as u8,
        });
    }
    let part = Part {
        name: "fuzzed".to_owned(),
        channel: (length % 20) as u8,
        bank: 0,
        program: (length % 130) as u8,
        volume: 0.0,
        pan: 0.0,
        notes,
    };
    let score = Score {
        tempo_map: TempoMap::new(rising).expect("rising"),
        signatures: vec![TimeSignature {
            tick: Tick(0),
            beats: (points % 18) as u8,
        }],
        parts: vec![part],
        duration: Span::from_seconds(f64::from(length) * 0.01),
        start: Instant::ZERO,
    };
    if score.check().is_ok() {
        let path = FOLDER.path().join("fuzzed.mid");
        let written = write_midi(&score, "fuzzed", None, Settings::default().midi(), &path);
        // A MIDI file can count only so many ticks; absurd tempi reach that end.
        assert!(matches!(written, Ok(()) | Err(Error::Music { .. })), "{written:?}");
    }
}

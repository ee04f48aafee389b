//! The analysis as JSON: beats, accents, tempo, confidence and drums, with the settings and
//! versions that produced them.

use crate::drums::{DrumClass, DrumGrid};
use crate::error::{Error, Result};
use crate::export::atomic::atomically;
use crate::export::provenance::SourceType;
use crate::marks::Marks;
use crate::music::Music;
use crate::rhythm::{Accent, Beat, Hold, Rhythm, Source};
use crate::settings::Settings;
use crate::theory::{Instrument, Palette};
use crate::time::{BeatGrid, Instant};
use crate::video::Clip;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::fs::File;
use std::io::{BufWriter, Write};
use std::path::Path;

/// Version of the layout of [`Analysis`]. It is raised when a field changes its meaning or is
/// removed; new fields do not raise it.
pub const SCHEMA: u32 = 1;

/// The analysis of a clip.
///
/// Times are seconds from the start of the clip (after `--start`). Keys are written in the order of
/// the fields, and those of maps in alphabetical order.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Analysis {
    /// Version of this layout, [`SCHEMA`].
    pub schema: u32,
    /// Version of the program, such as `0.1.0`.
    pub version: String,
    /// The models and SoundFonts that were used: name to SHA-256 in hexadecimal digits; empty if the
    /// setting `provenance` is off.
    pub models: BTreeMap<String, String>,
    /// All settings: key to value as text.
    pub settings: BTreeMap<String, String>,
    /// Seed of the random choices; `null` before it is known: that of the setting, or the one that
    /// belongs to the movement.
    pub seed: Option<u64>,
    /// Type of the music's source, as a term of the IPTC's vocabulary; `null` if no music
    /// was made, or the setting `provenance` is off.
    #[serde(default)]
    pub digital_source_type: Option<String>,
    /// The clip.
    pub clip: Clip,
    /// Beats per minute; `null` before the rhythm is known.
    pub tempo_bpm: Option<f64>,
    /// Confidence in beats and tempo, 0 to 1.
    pub confidence: Option<f32>,
    /// The source of the beats, `network` or `motion`; `null` before they are known, or if a saved
    /// file does not contain it.
    #[serde(default)]
    pub beats_source: Option<Source>,
    /// Beats in a bar.
    pub beats_per_bar: Option<u8>,
    /// The beats: time and position in the bar; 1 is the downbeat.
    pub beats: Vec<Beat>,
    /// Peaks of the movement: time, strength above 0 to 1, kind, `style` or `impact`, and part of
    /// the body.
    pub accents: Vec<Accent>,
    /// The times at which the body holds still.
    #[serde(default)]
    pub holds: Vec<Hold>,
    /// The drums; `null` before they are known.
    pub drums: Option<DrumSummary>,
    /// Key, chords and lines of the other instruments; `null` before they are known.
    #[serde(default)]
    pub music: Option<MusicSummary>,
    /// The hits at cuts of the video that the setting `hits.from_cuts` has chosen; left out if there
    /// are none.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub cut_hits: Vec<CutHit>,
    /// What a person has corrected, in the time of the media; left out if that is nothing.
    #[serde(default, skip_serializing_if = "Marks::is_empty")]
    pub marks: Marks,
}

/// A hit at a cut of the video.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct CutHit {
    /// When it is.
    pub time: Instant,
    /// How strong it is, 0 to 1.
    pub strength: f32,
}

/// Key, chords and numbers of notes of the melodic instruments.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct MusicSummary {
    /// The key, such as `A minor`.
    pub key: String,
    /// The sounds of the instruments.
    #[serde(default)]
    pub palette: Option<Palette>,
    /// The chords where they change.
    pub chords: Vec<TimedChord>,
    /// Number of notes of each instrument, before the ending is arranged.
    pub notes: BTreeMap<Instrument, usize>,
}

/// A chord with its time.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct TimedChord {
    /// The time at which it begins.
    pub time: Instant,
    /// Its symbol, such as `F#m`.
    pub chord: String,
}

/// The drums of a clip.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct DrumSummary {
    /// The playing style.
    pub style: String,
    /// Number of hits of each class; classes without a hit are left out.
    pub counts: BTreeMap<String, usize>,
    /// The hits, in the order of the grid. Once there is a score, those of the score.
    pub hits: Vec<TimedHit>,
}

/// A drum hit with its time.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct TimedHit {
    /// When it sounds, including its offset.
    pub time: Instant,
    /// The drum class.
    pub class: DrumClass,
    /// Velocity, above 0, at most 1.
    pub velocity: f32,
    /// Step of the grid (sixteenth notes); 0 is the first beat.
    pub step: i32,
    /// Offset from the step, in steps; positive is late.
    pub offset: f32,
}

impl Analysis {
    /// The analysis of a clip, with the results so far. `models` are the names of the models used
    /// with their SHA-256.
    pub fn new(
        clip: &Clip,
        rhythm: Option<&Rhythm>,
        drums: Option<&DrumGrid>,
        music: Option<&Music>,
        settings: &Settings,
        models: BTreeMap<String, String>,
    ) -> Self {
        Self {
            schema: SCHEMA,
            version: env!("CARGO_PKG_VERSION").to_owned(),
            models,
            settings: settings.to_map(),
            seed: settings.seed().or_else(|| rhythm.map(Rhythm::seed)),
            digital_source_type: (settings.provenance() && drums.is_some()).then(|| SourceType::Music.uri().to_owned()),
            clip: clip.clone(),
            tempo_bpm: rhythm.map(|r| r.tempo.bpm()),
            confidence: rhythm.map(|r| r.confidence),
            beats_source: rhythm.map(|r| r.source),
            beats_per_bar: rhythm.map(|r| r.beats_per_bar),
            beats: rhythm.map(|r| r.beats.clone()).unwrap_or_default(),
            accents: rhythm.map(|r| r.accents.clone()).unwrap_or_default(),
            holds: rhythm.map(Rhythm::holds).unwrap_or_default(),
            drums: drums.map(DrumSummary::new),
            music: music.zip(drums).map(|(music, drums)| MusicSummary::new(music, drums)),
            cut_hits: Vec::new(),
            marks: Marks::default(),
        }
    }
}

impl MusicSummary {
    /// The music with the times of its chords on the beats of the drums.
    pub fn new(music: &Music, drums: &DrumGrid) -> Self {
        let grid = BeatGrid::new(drums.beats.clone());
        let timed = grid.iter().flat_map(|grid| {
            music.chords.iter().map(|at| TimedChord {
                time: grid.instant(f64::from(at.step)),
                chord: at.chord.spelled(music.key),
            })
        });
        Self {
            key: music.key.to_string(),
            palette: music.palette,
            chords: timed.collect(),
            notes: music
                .lines
                .iter()
                .map(|line| (line.instrument, line.notes.len()))
                .collect(),
        }
    }
}

impl DrumSummary {
    /// The drums with the times of their hits.
    pub fn new(drums: &DrumGrid) -> Self {
        let grid = BeatGrid::new(drums.beats.clone());
        let mut counts = BTreeMap::new();
        let mut hits = Vec::new();
        for hit in &drums.hits {
            let name = serde_json::to_value(hit.class).ok();
            if let Some(name) = name.as_ref().and_then(|n| n.as_str()) {
                *counts.entry(name.to_owned()).or_insert(0) += 1;
            }
            if let Some(grid) = &grid {
                hits.push(TimedHit {
                    time: grid.onset(hit.step, hit.offset),
                    class: hit.class,
                    velocity: hit.velocity,
                    step: hit.step,
                    offset: hit.offset,
                });
            }
        }
        Self {
            style: drums.style.clone(),
            counts,
            hits,
        }
    }
}

/// Writes a value as indented JSON, for people to read, with a line feed at the end.
///
/// Numbers are written so that reading returns the same bits; NaN and infinities become `null`.
///
/// # Errors
/// [`Error::Output`].
pub fn write_json(value: &impl Serialize, path: &Path) -> Result<()> {
    write(path, |file| serde_json::to_writer_pretty(file, value))
}

/// Like [`write_json`], but on one line: minutes of poses are a million numbers.
///
/// # Errors
/// [`Error::Output`].
pub fn write_compact(value: &impl Serialize, path: &Path) -> Result<()> {
    write(path, |file| serde_json::to_writer(file, value))
}

fn write(path: &Path, json: impl FnOnce(&mut BufWriter<File>) -> serde_json::Result<()>) -> Result<()> {
    atomically(path, |temporary| {
        let write = || -> std::io::Result<()> {
            let mut file = BufWriter::new(File::create(temporary)?);
            json(&mut file)?;
            file.write_all(b"\n")?;
            file.into_inner().map_err(|e| e.into_error()).map(drop)
        };
        write().map_err(Error::output(temporary))
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::drums::Hit;
    use crate::rhythm::{AccentKind, BodyPart, Curve};
    use crate::time::{Rate, Span, Tempo};

    fn clip() -> Clip {
        Clip {
            path: "dance.mp4".into(),
            start: Instant::from_seconds(1.5),
            duration: Span::from_seconds(4.0),
            width: 640,
            height: 360,
            frame_rate: 29.97,
            has_audio: true,
            whole: false,
        }
    }

    fn rhythm() -> Rhythm {
        let beats = (0..4u8)
            .map(|n| Beat {
                time: Instant::from_seconds(0.1 + 0.5 * f64::from(n)),
                number: n + 1,
            })
            .collect();
        let curve = Curve {
            rate: Rate::from_hz(100.0),
            values: vec![0.5],
        };
        Rhythm {
            beats,
            beats_per_bar: 4,
            tempo: Tempo::from_bpm(120.0),
            confidence: 0.75,
            accents: vec![Accent {
                time: Instant::from_seconds(0.6),
                strength: 1.0,
                kind: AccentKind::Impact,
                part: BodyPart::default(),
                impact: None,
            }],
            movement: curve.clone(),
            activation: curve,
            source: Source::Network,
            cuts: vec![],
            unmoved: None,
        }
    }

    fn drums() -> DrumGrid {
        let hit = |step, class, offset| Hit {
            step,
            class,
            velocity: 0.5,
            offset,
        };
        DrumGrid {
            beats: rhythm().beats.iter().map(|b| b.time).collect(),
            first_beat: 1,
            beats_per_bar: 4,
            style: "rock".to_owned(),
            hits: vec![
                hit(0, DrumClass::Kick, 0.0),
                hit(4, DrumClass::ClosedHat, 0.25),
                hit(8, DrumClass::Kick, -0.5),
            ],
        }
    }

    #[test]
    fn the_analysis_comes_back_as_it_was_with_its_keys_in_order() {
        let folder = tempfile::tempdir().expect("folder");
        let path = folder.path().join("analysis.json");
        let models = BTreeMap::from([("pose".to_owned(), "ab12".to_owned())]);
        let (rhythm, drums) = (rhythm(), drums());
        let analysis = Analysis::new(&clip(), Some(&rhythm), Some(&drums), None, &Settings::default(), models);
        write_json(&analysis, &path).expect("written");
        let text = std::fs::read_to_string(&path).expect("read");
        let back: Analysis = serde_json::from_str(&text).expect("JSON");
        assert_eq!(back, analysis);
        let mut at = 0;
        for key in [
            "schema",
            "version",
            "models",
            "settings",
            "seed",
            "clip",
            "tempo_bpm",
            "confidence",
            "beats_source",
            "beats_per_bar",
            "beats",
            "accents",
            "holds",
            "drums",
        ] {
            let found = text
                .find(&format!("\n  \"{key}\": "))
                .unwrap_or_else(|| panic!("{key}: {text}"));
            assert!(found >= at, "{key} is out of order");
            at = found;
        }
        assert!(text.ends_with("}\n"));
        let value: serde_json::Value = serde_json::from_str(&text).expect("JSON");
        assert_eq!(value["schema"], 1);
        assert_eq!(value["tempo_bpm"], 120.0);
        assert_eq!(value["beats_source"], "network");
        assert_eq!(value["beats"][1]["number"], 2);
        assert_eq!(value["accents"][0]["kind"], "impact");
        assert_eq!(value["accents"][0]["part"], "whole");
        assert_eq!(value["drums"]["counts"]["kick"], 2);
        assert_eq!(value["drums"]["hits"][1]["class"], "closed_hat");
        let time = value["drums"]["hits"][1]["time"].as_f64().expect("time");
        assert!((time - (0.6 + 0.25 * 0.125)).abs() < 1e-9, "{time}");
        assert_eq!(
            value["settings"].as_object().map(serde_json::Map::len),
            Some(Settings::default().to_map().len())
        );
    }

    #[test]
    fn results_not_known_yet_are_null() {
        let analysis = Analysis::new(&clip(), None, None, None, &Settings::default(), BTreeMap::new());
        let value = serde_json::to_value(&analysis).expect("JSON");
        assert!(value["tempo_bpm"].is_null() && value["drums"].is_null());
        assert_eq!(value["beats"].as_array().map(Vec::len), Some(0));
    }

    #[test]
    fn a_missing_folder_is_an_error() {
        let folder = tempfile::tempdir().expect("folder");
        let path = folder.path().join("no/analysis.json");
        let error = write_json(&1, &path).expect_err("no folder");
        assert!(matches!(&error, Error::Output { path: p, .. } if *p == path), "{error}");
    }
}

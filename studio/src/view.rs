//! What the page shows, as JSON. All times are seconds of the media.

use axum::body::Bytes;
use kinescore::host::DRUM_BANK;
use kinescore::results::{Analysis, Curve, DrumClass, Note, Part, Pose, PoseTrack, Score};
use kinescore::{AudioBuffer, Clip, Instant, Job, Span};
use serde_json::{Value, json};

/// Whole numbers up to here are exact in JavaScript.
pub(crate) const EXACT: u64 = 1 << 53;

/// Peaks of the sound a second.
const PEAKS: f64 = 100.0;

/// Steps per second, per unit of a share, per pixel: what nobody can see is not sent.
const SECOND: f64 = 1e6;
const SHARE: f64 = 1e4;
const PIXEL: f64 = 10.0;

fn rounded(value: f64, steps: f64) -> f64 {
    (value * steps).round() / steps
}

fn seconds(instant: Instant) -> f64 {
    rounded(instant.seconds(), SECOND)
}

/// Everything that the page shows of a finished job.
pub(crate) fn analysis(job: &Job, version: u64) -> Bytes {
    let clip = job.clip();
    let offset = clip.start - Instant::ZERO;
    let analysed = job.media().start - Instant::ZERO;
    let heard = |curve: &Curve| curve_within(curve, analysed, clip);
    let rhythm = job.rhythm();
    let parts: &[Part] = job.score().map_or(&[], |score| &score.parts);
    let value = json!({
        "version": version,
        "start": seconds(clip.start),
        "duration": rounded(clip.duration.seconds(), SECOND),
        "analysis": on_media(job.analysis(), offset),
        "movement": rhythm.map(|rhythm| heard(&rhythm.movement)),
        "activation": rhythm.map(|rhythm| heard(&rhythm.activation)),
        "notes": job.score().map(|score| notes(score, offset)),
        "drums": job.score().map(|score| drums(score, offset)),
        "parts": parts.iter().map(|part| &part.name).collect::<Vec<_>>(),
        "peaks": job.audio().map(|sound| peaks(sound, clip)),
        "loudness": job.loudness().map(|found| json!({
            "integrated": rounded(found.integrated, 100.0),
            "peak": rounded(found.true_peak, 100.0),
        })),
    });
    text(&value)
}

/// A value as text. Values have no keys but strings, so that this cannot fail.
pub(crate) fn text(value: &Value) -> Bytes {
    value.to_string().into()
}

/// An analysis in the time of the media, not of the clip.
fn on_media(mut analysis: Analysis, offset: Span) -> Analysis {
    let shift = |time: &mut Instant| *time = Instant::from_seconds(seconds(*time + offset));
    analysis.beats.iter_mut().for_each(|beat| shift(&mut beat.time));
    analysis.accents.iter_mut().for_each(|accent| shift(&mut accent.time));
    for hold in &mut analysis.holds {
        shift(&mut hold.from);
        shift(&mut hold.to);
    }
    if let Some(drums) = &mut analysis.drums {
        drums.hits.iter_mut().for_each(|hit| shift(&mut hit.time));
    }
    if let Some(music) = &mut analysis.music {
        music.chords.iter_mut().for_each(|chord| shift(&mut chord.time));
    }
    analysis
}

/// The values of a curve within the clip; the curve begins at `analysed` of the media.
fn curve_within(curve: &Curve, analysed: Span, clip: &Clip) -> Value {
    let at = |time: Instant| curve.rate.position(time - analysed).round().max(0.0) as usize;
    let from = at(clip.start).min(curve.values.len());
    let to = at(clip.start + clip.duration).clamp(from, curve.values.len());
    let values = curve.values[from..to].iter();
    json!({
        "rate": curve.rate.hz(),
        "start": seconds(curve.rate.instant(from) + analysed),
        "values": values.map(|value| rounded(f64::from(*value), SHARE)).collect::<Vec<_>>(),
    })
}

fn is_drums(part: &Part) -> bool {
    part.bank == DRUM_BANK
}

/// Loudness of a note, 0 to 1.
fn velocity(note: &Note) -> f64 {
    rounded(f64::from(note.velocity) / 127.0, SHARE)
}

/// The notes of the melodic instruments.
fn notes(score: &Score, offset: Span) -> Vec<Value> {
    let parts = score.parts.iter().filter(|part| !is_drums(part));
    let noted = parts.flat_map(|part| {
        let label = capitalised(&part.name);
        part.notes.iter().map(move |note| {
            let end = kinescore::Tick(note.onset.0.saturating_add(note.ticks));
            json!({
                "part": label,
                "instrument": part.name,
                "time": seconds(score.tempo_map.instant(note.onset) + offset),
                "end": seconds(score.tempo_map.instant(end) + offset),
                "pitch": note.pitch,
                "velocity": velocity(note),
            })
        })
    });
    noted.collect()
}

/// The drum hits that sound.
fn drums(score: &Score, offset: Span) -> Vec<Value> {
    let parts = score.parts.iter().filter(|part| is_drums(part));
    let hits = parts.flat_map(|part| &part.notes).map(|note| {
        json!({
            "class": DrumClass::ALL.into_iter().find(|class| class.pitch() == note.pitch),
            "time": seconds(score.tempo_map.instant(note.onset) + offset),
            "velocity": velocity(note),
        })
    });
    hits.collect()
}

fn capitalised(name: &str) -> String {
    let mut letters = name.chars();
    letters
        .next()
        .map(|first| first.to_uppercase().chain(letters).collect())
        .unwrap_or_default()
}

/// The largest absolute sample of each stretch.
fn peaks(sound: &AudioBuffer, clip: &Clip) -> Value {
    let frames = (sound.rate.hz() / PEAKS).round().max(1.0) as usize;
    let stretches = sound.samples.chunks(frames * sound.channels);
    let values = stretches.map(|samples| {
        let peak = samples.iter().fold(0.0_f32, |peak, sample| peak.max(sample.abs()));
        rounded(f64::from(peak.min(1.0)), SHARE)
    });
    json!({
        "rate": sound.rate.hz() / frames as f64,
        "start": seconds(clip.start),
        "values": values.collect::<Vec<_>>(),
    })
}

/// The poses within the clip; their times begin at that of the analysed part of the media.
pub(crate) fn poses(track: &PoseTrack, media: &Clip, clip: &Clip) -> Bytes {
    let (analysed, end) = (media.start - Instant::ZERO, clip.start + clip.duration);
    let inside = |pose: &&Pose| pose.time + analysed >= clip.start && pose.time + analysed <= end;
    let points = |track: &PoseTrack| -> Vec<Value> { track.poses.iter().filter(inside).map(joints).collect() };
    let times = track.poses.iter().filter(inside);
    text(&json!({
        "times": times.map(|pose| seconds(pose.time + analysed)).collect::<Vec<_>>(),
        "points": points(track),
        "others": track.others.iter().map(points).collect::<Vec<_>>(),
        "cuts": track.cuts.iter().map(|cut| seconds(*cut + analysed)).collect::<Vec<_>>(),
        "people": track.people,
    }))
}

/// Whether somebody is seen.
pub(crate) fn is_seen(pose: &Pose) -> bool {
    pose.joints.iter().any(|joint| joint.confidence > 0.0)
}

fn joints(pose: &Pose) -> Value {
    if !is_seen(pose) {
        return Value::Null;
    }
    let numbers = pose.joints.iter().flat_map(|joint| {
        let (x, y) = (f64::from(joint.x), f64::from(joint.y));
        [
            rounded(x, PIXEL),
            rounded(y, PIXEL),
            rounded(f64::from(joint.confidence), 100.0),
        ]
    });
    numbers.map(Value::from).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use kinescore::results::{JOINTS, JointPoint};
    use kinescore::{Rate, TempoMap, Tick};

    fn clip(start: f64, duration: f64) -> Clip {
        Clip {
            path: "dance.mp4".into(),
            start: Instant::from_seconds(start),
            duration: Span::from_seconds(duration),
            width: 640,
            height: 360,
            frame_rate: 30.0,
            has_audio: false,
            whole: false,
        }
    }

    #[test]
    fn a_curve_is_that_of_what_is_heard() {
        let curve = Curve {
            rate: Rate::from_hz(10.0),
            values: (0..100_u8).map(f32::from).collect(),
        };
        let heard = curve_within(&curve, Span::from_seconds(60.0), &clip(62.0, 3.0));
        assert_eq!(heard["start"], 62.0);
        assert_eq!(heard["values"][0], 20.0);
        assert_eq!(heard["values"].as_array().map(Vec::len), Some(30));
        let beyond = curve_within(&curve, Span::ZERO, &clip(9.0, 30.0));
        assert_eq!(beyond["values"].as_array().map(Vec::len), Some(10));
    }

    #[test]
    fn notes_and_drums_are_in_the_time_of_the_media() {
        let points = [(0, 0.0), (480, 0.5)]
            .map(|(tick, time)| serde_json::from_value(json!({"tick": tick, "time": time})).expect("a point"));
        let note = |onset, pitch| Note {
            onset: Tick(onset),
            ticks: 240,
            pitch,
            velocity: 127,
        };
        let part = |name: &str, bank, notes| Part {
            name: name.to_owned(),
            channel: 0,
            bank,
            program: 0,
            volume: 0.0,
            pan: 0.0,
            notes,
        };
        let score = Score {
            tempo_map: TempoMap::new(points.to_vec()).expect("rising points"),
            signatures: vec![],
            parts: vec![
                part("drums", DRUM_BANK, vec![note(480, 38)]),
                part("piano", 0, vec![note(240, 60)]),
            ],
            duration: Span::from_seconds(4.0),
            start: Instant::ZERO,
        };
        let offset = Span::from_seconds(10.0);
        assert_eq!(
            notes(&score, offset),
            [json!({"part": "Piano", "instrument": "piano", "time": 10.25, "end": 10.5, "pitch": 60, "velocity": 1.0})]
        );
        assert_eq!(
            drums(&score, offset),
            [json!({"class": "snare", "time": 10.5, "velocity": 1.0})]
        );
    }

    #[test]
    fn peaks_are_the_largest_samples_of_both_channels() {
        let mut samples = vec![0.0; 2 * 2000];
        (samples[3], samples[2 * 480]) = (-0.5, 2.0);
        let sound = AudioBuffer {
            rate: Rate::from_hz(48_000.0),
            channels: 2,
            samples,
        };
        let found = peaks(&sound, &clip(1.0, 2000.0 / 48_000.0));
        assert_eq!(
            found,
            json!({"rate": 100.0, "start": 1.0, "values": [0.5, 1.0, 0.0, 0.0, 0.0]})
        );
    }

    #[test]
    fn poses_are_those_of_what_is_heard_and_nobody_is_null() {
        let pose = |time: f64, confidence| Pose {
            time: Instant::from_seconds(time),
            joints: [JointPoint {
                x: 1.26,
                y: 2.0,
                confidence,
            }; JOINTS],
        };
        let track = PoseTrack {
            poses: vec![pose(0.0, 0.9), pose(1.0, 0.9), pose(2.0, 0.0), pose(5.0, 0.9)],
            cuts: vec![Instant::from_seconds(1.5)],
            handovers: vec![],
            people: 1,
            others: vec![],
        };
        let media = clip(60.0, 60.0);
        let found: Value = serde_json::from_slice(&poses(&track, &media, &clip(61.0, 2.0))).expect("JSON");
        assert_eq!(found["times"], json!([61.0, 62.0]));
        assert_eq!(found["points"][0][0], 1.3);
        assert_eq!(found["points"][0].as_array().map(Vec::len), Some(51));
        assert!(found["points"][1].is_null());
        assert_eq!(found["cuts"], json!([61.5]));
    }
}

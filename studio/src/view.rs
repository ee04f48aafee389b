//! What the page shows, as JSON. The studio has the time of the media, a report that of the clip.

use axum::body::Bytes;
use kinescore::host::DRUM_BANK;
use kinescore::results::{Analysis, Curve, DrumClass, Note, Part, Pose, PoseTrack, Score};
use kinescore::{AudioBuffer, Clip, Instant, Job, Span, Speed};
use serde_json::{Value, json};
use std::borrow::Cow;
use std::path::Path;

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

/// How a page's time lies on the media, and on the clip that is heard of it.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Axis {
    /// When the clip begins, on the page and on the media.
    begins: (Instant, Instant),
    /// Length of the clip as heard.
    duration: Span,
    /// Seconds of the media in a second of the page.
    speed: f64,
}

impl Axis {
    /// The time of the media, at which the clip is heard at the media's speed.
    pub fn of_media(clip: &Clip) -> Self {
        Self {
            begins: (clip.start, clip.start),
            duration: clip.duration,
            speed: Speed::NORMAL.factor(),
        }
    }

    /// The time from the start of the clip, at its speed.
    pub fn of_clip(clip: &Clip, speed: Speed) -> Self {
        Self {
            begins: (Instant::ZERO, clip.start),
            duration: clip.duration,
            speed: speed.factor(),
        }
    }

    /// The page's time of an instant of the media.
    pub fn on_page(&self, media: Instant) -> Instant {
        self.begins.0 + (media - self.begins.1) * (1.0 / self.speed)
    }

    /// What is added to times of the clip.
    fn offset(&self) -> Span {
        self.begins.0 - Instant::ZERO
    }

    /// Where the clip ends on the media.
    fn end_on_media(&self) -> Instant {
        self.begins.1 + self.duration * self.speed
    }
}

/// What the page shows of a clip itself.
pub(crate) fn clip(clip: &Clip, axis: &Axis) -> Value {
    json!({
        "name": file_name(&clip.path),
        "version": env!("CARGO_PKG_VERSION"),
        "start": axis.begins.0,
        "duration": clip.duration,
        "width": clip.width,
        "height": clip.height,
        "frame_rate": clip.frame_rate * axis.speed,
        "has_audio": clip.has_audio,
    })
}

/// The name of a file without its folder.
pub(crate) fn file_name(path: &Path) -> Cow<'_, str> {
    path.file_name().unwrap_or_default().to_string_lossy()
}

/// Everything that the page shows of a job that has run.
pub(crate) fn analysis(job: &Job, version: u64, axis: &Axis) -> Value {
    let offset = axis.offset();
    let analysed = job.media().start - Instant::ZERO;
    let heard = |curve: &Curve| curve_within(curve, analysed, axis);
    let rhythm = job.rhythm();
    let parts: &[Part] = job.score().map_or(&[], |score| &score.parts);
    json!({
        "version": version,
        "start": seconds(axis.begins.0),
        "duration": rounded(axis.duration.seconds(), SECOND),
        "analysis": on_page(job.analysis(), offset),
        "movement": rhythm.map(|rhythm| heard(&rhythm.movement)),
        "activation": rhythm.map(|rhythm| heard(&rhythm.activation)),
        "notes": job.score().map(|score| notes(score, offset)),
        "drums": job.score().map(|score| drums(score, offset)),
        "parts": parts.iter().map(|part| &part.name).collect::<Vec<_>>(),
        "peaks": job.audio().map(|sound| peaks(sound, axis)),
        "loudness": job.loudness().map(|found| json!({
            "integrated": rounded(found.integrated, 100.0),
            "peak": rounded(found.true_peak, 100.0),
        })),
    })
}

/// A value as text. Values have no keys but strings, so that this cannot fail.
pub(crate) fn text(value: &Value) -> Bytes {
    value.to_string().into()
}

/// An analysis in the time of the page, not of the clip.
fn on_page(mut analysis: Analysis, offset: Span) -> Analysis {
    let shift = |time: &mut Instant| *time = Instant::from_seconds(seconds(*time + offset));
    analysis.beats.iter_mut().for_each(|beat| shift(&mut beat.time));
    analysis.accents.iter_mut().for_each(|accent| shift(&mut accent.time));
    for hold in &mut analysis.holds {
        shift(&mut hold.from);
        shift(&mut hold.to);
    }
    analysis.cut_hits.iter_mut().for_each(|hit| shift(&mut hit.time));
    if let Some(drums) = &mut analysis.drums {
        drums.hits.iter_mut().for_each(|hit| shift(&mut hit.time));
    }
    if let Some(music) = &mut analysis.music {
        music.chords.iter_mut().for_each(|chord| shift(&mut chord.time));
    }
    analysis
}

/// The values of a curve within the clip; the curve begins at `analysed` of the media.
fn curve_within(curve: &Curve, analysed: Span, axis: &Axis) -> Value {
    let at = |time: Instant| curve.rate.position(time - analysed).round().max(0.0) as usize;
    let from = at(axis.begins.1).min(curve.values.len());
    let to = at(axis.end_on_media()).clamp(from, curve.values.len());
    let values = curve.values[from..to].iter();
    json!({
        "rate": curve.rate.times(axis.speed).hz(),
        "start": seconds(axis.on_page(curve.rate.instant(from) + analysed)),
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
fn peaks(sound: &AudioBuffer, axis: &Axis) -> Value {
    let frames = (sound.rate.hz() / PEAKS).round().max(1.0) as usize;
    let stretches = sound.samples.chunks(frames * sound.channels);
    let values = stretches.map(|samples| {
        let peak = samples.iter().fold(0.0_f32, |peak, sample| peak.max(sample.abs()));
        rounded(f64::from(peak.min(1.0)), SHARE)
    });
    json!({
        "rate": sound.rate.hz() / frames as f64,
        "start": seconds(axis.begins.0),
        "values": values.collect::<Vec<_>>(),
    })
}

/// The poses within the clip; their times begin at that of the analysed part of the media.
pub(crate) fn poses(track: &PoseTrack, media: &Clip, axis: &Axis) -> Value {
    let (analysed, end) = (media.start - Instant::ZERO, axis.end_on_media());
    let inside = |pose: &&Pose| pose.time + analysed >= axis.begins.1 && pose.time + analysed <= end;
    let on_page = |time: Instant| seconds(axis.on_page(time + analysed));
    let points = |track: &PoseTrack| -> Vec<Value> { track.poses.iter().filter(inside).map(joints).collect() };
    let times = track.poses.iter().filter(inside);
    json!({
        "times": times.map(|pose| on_page(pose.time)).collect::<Vec<_>>(),
        "points": points(track),
        "others": track.others.iter().map(points).collect::<Vec<_>>(),
        "cuts": track.cuts.iter().map(|cut| on_page(*cut)).collect::<Vec<_>>(),
        "people": track.people,
    })
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
        let heard = curve_within(&curve, Span::from_seconds(60.0), &Axis::of_media(&clip(62.0, 3.0)));
        assert_eq!(heard["start"], 62.0);
        assert_eq!(heard["values"][0], 20.0);
        assert_eq!(heard["values"].as_array().map(Vec::len), Some(30));
        let beyond = curve_within(&curve, Span::ZERO, &Axis::of_media(&clip(9.0, 30.0)));
        assert_eq!(beyond["values"].as_array().map(Vec::len), Some(10));
    }

    #[test]
    fn times_of_a_report_count_from_the_start_of_the_clip_at_its_speed() {
        // Twelve seconds of the media, heard in six.
        let axis = Axis::of_clip(&clip(62.0, 6.0), Speed::new(2, 1).expect("a speed"));
        assert_eq!(axis.on_page(Instant::from_seconds(65.0)), Instant::from_seconds(1.5));
        let curve = Curve {
            rate: Rate::from_hz(10.0),
            values: vec![0.5; 300],
        };
        let heard = curve_within(&curve, Span::from_seconds(60.0), &axis);
        assert_eq!((&heard["rate"], &heard["start"]), (&json!(20.0), &json!(0.0)));
        assert_eq!(heard["values"].as_array().map(Vec::len), Some(120));
        let shown = super::clip(&clip(62.0, 6.0), &axis);
        assert_eq!((&shown["start"], &shown["frame_rate"]), (&json!(0.0), &json!(60.0)));
        assert_eq!(shown["name"], "dance.mp4");
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
        let found = peaks(&sound, &Axis::of_media(&clip(1.0, 2000.0 / 48_000.0)));
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
        let found = poses(&track, &media, &Axis::of_media(&clip(61.0, 2.0)));
        assert_eq!(found["times"], json!([61.0, 62.0]));
        assert_eq!(found["points"][0][0], 1.3);
        assert_eq!(found["points"][0].as_array().map(Vec::len), Some(51));
        assert!(found["points"][1].is_null());
        assert_eq!(found["cuts"], json!([61.5]));
    }
}

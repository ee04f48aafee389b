//! The results of a job, and its sound.

use crate::arguments::{self, Sized32};
use crate::guard::guard;
use crate::job::{Call, Job, on_job};
use crate::sound::{Target, no_sound};
use crate::status::{Failure, Status};
use kinescore_core::Monitor;
use kinescore_core::results::{AccentKind, BodyPart, ImpactKind, Mode, Source};
use std::ffi::c_char;
use std::mem::offset_of;
use std::path::Path;

/// The beats were found by the trained network.
pub const KINESCORE_BEATS_NETWORK: u32 = 1;
/// The beats were found by signal processing on the movement.
pub const KINESCORE_BEATS_MOTION: u32 = 2;

/// The key's mode is major.
pub const KINESCORE_MODE_MAJOR: i32 = 1;
/// The key's mode is natural minor.
pub const KINESCORE_MODE_MINOR: i32 = 2;
/// The key's mode is harmonic minor.
pub const KINESCORE_MODE_HARMONIC_MINOR: i32 = 3;
/// The key's mode is dorian.
pub const KINESCORE_MODE_DORIAN: i32 = 4;
/// The key's mode is phrygian.
pub const KINESCORE_MODE_PHRYGIAN: i32 = 5;
/// The key's mode is lydian.
pub const KINESCORE_MODE_LYDIAN: i32 = 6;
/// The key's mode is mixolydian.
pub const KINESCORE_MODE_MIXOLYDIAN: i32 = 7;

/// Summary of a job's results. Counts refer to the part heard in the cut.
#[derive(Clone, Copy)]
#[repr(C)]
pub struct Summary {
    /// sizeof(kinescore_summary), set by the caller.
    pub struct_size: u32,
    /// Number of people followed in the media.
    pub people: u32,
    /// Length of the soundtrack, seconds.
    pub duration: f64,
    /// Beats per minute, as heard.
    pub tempo: f64,
    /// Confidence in beats and tempo, 0 to 1.
    pub confidence: f64,
    /// Beats in a bar, 3 or 4.
    pub beats_per_bar: u32,
    /// KINESCORE_BEATS_…
    pub beats_source: u32,
    /// Number of beats.
    pub beats: u64,
    /// Number of accents.
    pub accents: u64,
    /// Number of notes in the score, including drum hits.
    pub notes: u64,
    /// Tonic of the key, in semitones above C, 0 to 11; −1 if only drums are heard.
    pub key_tonic: i32,
    /// KINESCORE_MODE_…, or 0 if only drums are heard.
    pub key_mode: i32,
    /// Integrated loudness of the soundtrack, LUFS (ITU-R BS.1770).
    pub loudness: f64,
    /// True peak of the soundtrack, dBTP (ITU-R BS.1770).
    pub true_peak: f64,
    /// Style of the drums, terminated by a NUL byte.
    pub style: [c_char; 32],
}

// SAFETY: numbers only, struct_size first.
unsafe impl Sized32 for Summary {
    const NAME: &'static str = "kinescore_summary";
    const LEAST: usize = offset_of!(Self, style) + 32;
}

/// A beat. The layout of this struct never changes.
#[derive(Clone, Copy)]
#[repr(C)]
pub struct Beat {
    /// Its time, seconds from the start of the soundtrack.
    pub time: f64,
    /// Position in the bar, from 1; 1 is the downbeat.
    pub number: u32,
    /// Not used; 0.
    pub reserved: u32,
}

/// The accent is a change in the movement.
pub const KINESCORE_ACCENT_STYLE: u32 = 1;
/// The accent is a sharp stop of the body: a stamp, a landing, a hit.
pub const KINESCORE_ACCENT_IMPACT: u32 = 2;

/// A peak of the movement, which the music answers. The layout of this struct never changes.
#[derive(Clone, Copy)]
#[repr(C)]
pub struct Accent {
    /// Its time, seconds from the start of the soundtrack.
    pub time: f64,
    /// Strength relative to the clip's other accents, above 0, at most 1.
    pub strength: f32,
    /// KINESCORE_ACCENT_…
    pub kind: u32,
}

/// The accent is made by a foot, or both.
pub const KINESCORE_PART_FEET: u32 = 1;
/// The accent is made by a hand or an arm, or both.
pub const KINESCORE_PART_HANDS: u32 = 2;
/// The accent is made by shoulders and hips.
pub const KINESCORE_PART_TRUNK: u32 = 3;
/// The accent is made by the head.
pub const KINESCORE_PART_HEAD: u32 = 4;
/// The accent is made by several parts of the body together, or it is not known by which.
pub const KINESCORE_PART_WHOLE: u32 = 5;

/// The movement comes to rest.
pub const KINESCORE_IMPACT_STOP: u32 = 1;
/// A foot comes down and stands.
pub const KINESCORE_IMPACT_LANDING: u32 = 2;
/// The movement stops at once, as if the limb hit something.
pub const KINESCORE_IMPACT_STRIKE: u32 = 3;
/// The movement goes back the way it came.
pub const KINESCORE_IMPACT_TURN: u32 = 4;

/// An accent with the part of the body that makes it. The layout of this struct never changes.
#[derive(Clone, Copy)]
#[repr(C)]
pub struct BodyAccent {
    /// Its time, seconds from the start of the soundtrack.
    pub time: f64,
    /// Strength relative to the clip's other accents, above 0, at most 1.
    pub strength: f32,
    /// KINESCORE_ACCENT_…
    pub kind: u32,
    /// KINESCORE_PART_…
    pub part: u32,
    /// KINESCORE_IMPACT_…, how the movement ends; 0 if the accent is not an impact.
    pub impact: u32,
}

/// A stretch of time in which the body holds still. The layout of this struct never changes.
#[derive(Clone, Copy)]
#[repr(C)]
pub struct Hold {
    /// When the body comes to rest, seconds from the start of the soundtrack.
    pub from: f64,
    /// The end of the hold: when the body moves again, seconds from the start of the soundtrack.
    pub to: f64,
}

/// The format of the sound.
#[derive(Clone, Copy)]
#[repr(C)]
pub struct AudioFormat {
    /// sizeof(kinescore_audio_format), set by the caller.
    pub struct_size: u32,
    /// Sample rate, Hz: 44100, 48000 or 96000, from the setting sound.rate.
    pub rate: u32,
    /// Channels: 2.
    pub channels: u32,
    /// Not used; 0.
    pub reserved: u32,
    /// Length in sample frames.
    pub frames: u64,
}

// SAFETY: numbers only, struct_size first.
unsafe impl Sized32 for AudioFormat {
    const NAME: &'static str = "kinescore_audio_format";
    const LEAST: usize = offset_of!(Self, frames) + size_of::<u64>();
}

/// Returns a summary of the results of a run.
///
/// KINESCORE_WRONG_STATE until kinescore_job_run has succeeded, and after a change of the cut until
/// it has succeeded again. The same applies to the functions below.
///
/// # Safety
/// `job` must be alive, and `summary` must point to such a struct with its struct_size set.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn kinescore_job_summary(job: *const Job, summary: *mut Summary) -> Status {
    // SAFETY: by contract.
    unsafe {
        on_job("kinescore_job_summary", job, Call::Look, |_, work, _| {
            arguments::check_output(summary)?;
            let job = work.finished()?;
            arguments::write(summary, &summary_of(job))
        })
    }
}

fn summary_of(job: &kinescore_core::Job) -> Summary {
    let analysis = job.analysis();
    let music = job.music().filter(|music| !music.lines.is_empty());
    let key = music.map(|music| music.key);
    let loudness = job.loudness();
    let parts = job.score().map_or(&[][..], |score| &score.parts);
    let style = analysis.drums.as_ref().map_or("", |drums| drums.style.as_str());
    Summary {
        struct_size: 0,
        people: job.poses().map_or(0, |poses| poses.people) as u32,
        duration: job.clip().duration.seconds(),
        tempo: analysis.tempo_bpm.unwrap_or(0.0),
        confidence: f64::from(analysis.confidence.unwrap_or(0.0)),
        beats_per_bar: analysis.beats_per_bar.unwrap_or(0).into(),
        beats_source: analysis.beats_source.map_or(0, source),
        beats: analysis.beats.len() as u64,
        accents: analysis.accents.len() as u64,
        notes: parts.iter().map(|part| part.notes.len() as u64).sum(),
        key_tonic: key.map_or(-1, |key| key.tonic.into()),
        key_mode: key.map_or(0, |key| mode(key.mode)),
        loudness: loudness.map_or(f64::NEG_INFINITY, |loudness| loudness.integrated),
        true_peak: loudness.map_or(f64::NEG_INFINITY, |loudness| loudness.true_peak),
        style: fixed_text(style),
    }
}

/// Text in an array of fixed size, cut off if it is longer and terminated by a NUL byte.
fn fixed_text<const SIZE: usize>(text: &str) -> [c_char; SIZE] {
    let mut fixed = [0; SIZE];
    for (to, from) in fixed.iter_mut().take(SIZE - 1).zip(text.bytes()) {
        *to = from as c_char;
    }
    fixed
}

fn source(source: Source) -> u32 {
    match source {
        Source::Network => KINESCORE_BEATS_NETWORK,
        Source::Motion => KINESCORE_BEATS_MOTION,
    }
}

fn mode(mode: Mode) -> i32 {
    match mode {
        Mode::Major => KINESCORE_MODE_MAJOR,
        Mode::Minor => KINESCORE_MODE_MINOR,
        Mode::HarmonicMinor => KINESCORE_MODE_HARMONIC_MINOR,
        Mode::Dorian => KINESCORE_MODE_DORIAN,
        Mode::Phrygian => KINESCORE_MODE_PHRYGIAN,
        Mode::Lydian => KINESCORE_MODE_LYDIAN,
        Mode::Mixolydian => KINESCORE_MODE_MIXOLYDIAN,
    }
}

/// Copies the beats, in ascending order, into the caller's array and their number into `count`. If
/// `beats` is NULL and `capacity` 0, only the number is returned.
///
/// KINESCORE_BUFFER_TOO_SMALL: nothing is written.
///
/// # Safety
/// `job` must be alive, `beats` must have room for `capacity` items, and `count` must be writable.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn kinescore_job_beats(
    job: *const Job,
    beats: *mut Beat,
    capacity: usize,
    count: *mut usize,
) -> Status {
    // SAFETY: by contract.
    unsafe {
        on_job("kinescore_job_beats", job, Call::Look, |_, work, _| {
            let found = work.finished()?.analysis().beats;
            let found: Vec<Beat> = found
                .iter()
                .map(|beat| Beat {
                    time: beat.time.seconds(),
                    number: beat.number.into(),
                    reserved: 0,
                })
                .collect();
            arguments::write_items(&found, beats, capacity, count, "beats")
        })
    }
}

/// Copies the accents, in ascending order, like kinescore_job_beats.
///
/// # Safety
/// As for kinescore_job_beats.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn kinescore_job_accents(
    job: *const Job,
    accents: *mut Accent,
    capacity: usize,
    count: *mut usize,
) -> Status {
    // SAFETY: by contract.
    unsafe {
        on_job("kinescore_job_accents", job, Call::Look, |_, work, _| {
            let found = work.finished()?.analysis().accents;
            let found: Vec<Accent> = found
                .iter()
                .map(|accent| Accent {
                    time: accent.time.seconds(),
                    strength: accent.strength,
                    kind: kind(accent.kind),
                })
                .collect();
            arguments::write_items(&found, accents, capacity, count, "accents")
        })
    }
}

fn kind(kind: AccentKind) -> u32 {
    match kind {
        AccentKind::Style => KINESCORE_ACCENT_STYLE,
        AccentKind::Impact => KINESCORE_ACCENT_IMPACT,
    }
}

fn part(part: BodyPart) -> u32 {
    match part {
        BodyPart::Feet => KINESCORE_PART_FEET,
        BodyPart::Hands => KINESCORE_PART_HANDS,
        BodyPart::Trunk => KINESCORE_PART_TRUNK,
        BodyPart::Head => KINESCORE_PART_HEAD,
        BodyPart::Whole => KINESCORE_PART_WHOLE,
    }
}

fn impact(impact: ImpactKind) -> u32 {
    match impact {
        ImpactKind::Stop => KINESCORE_IMPACT_STOP,
        ImpactKind::Landing => KINESCORE_IMPACT_LANDING,
        ImpactKind::Strike => KINESCORE_IMPACT_STRIKE,
        ImpactKind::Turn => KINESCORE_IMPACT_TURN,
    }
}

/// Copies the accents, in ascending order, with the part of the body that makes each, like
/// kinescore_job_beats. They are the accents of kinescore_job_accents, as many and in the same
/// order.
///
/// # Safety
/// As for kinescore_job_beats.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn kinescore_job_body_accents(
    job: *const Job,
    accents: *mut BodyAccent,
    capacity: usize,
    count: *mut usize,
) -> Status {
    // SAFETY: by contract.
    unsafe {
        on_job("kinescore_job_body_accents", job, Call::Look, |_, work, _| {
            let found = work.finished()?.analysis().accents;
            let found: Vec<BodyAccent> = found
                .iter()
                .map(|accent| BodyAccent {
                    time: accent.time.seconds(),
                    strength: accent.strength,
                    kind: kind(accent.kind),
                    part: part(accent.part),
                    impact: accent.impact.map_or(0, impact),
                })
                .collect();
            arguments::write_items(&found, accents, capacity, count, "accents")
        })
    }
}

/// Copies the stretches in which the body holds still, in ascending order, like
/// kinescore_job_beats; there may be none.
///
/// # Safety
/// As for kinescore_job_beats.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn kinescore_job_holds(
    job: *const Job,
    holds: *mut Hold,
    capacity: usize,
    count: *mut usize,
) -> Status {
    // SAFETY: by contract.
    unsafe {
        on_job("kinescore_job_holds", job, Call::Look, |_, work, _| {
            let found = work.finished()?.analysis().holds;
            let found: Vec<Hold> = found
                .iter()
                .map(|hold| Hold {
                    from: hold.from.seconds(),
                    to: hold.to.seconds(),
                })
                .collect();
            arguments::write_items(&found, holds, capacity, count, "holds")
        })
    }
}

/// Copies the key's name, such as "A minor", into `buffer`, and its size in bytes, including the
/// NUL byte, into `size`; the name is "" if only drums are heard. If `buffer` is NULL and
/// `capacity` 0, only the size is returned.
///
/// KINESCORE_BUFFER_TOO_SMALL: nothing is written.
///
/// # Safety
/// `job` must be alive, `buffer` must have `capacity` bytes, and `size` must be writable.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn kinescore_job_music_key(
    job: *const Job,
    buffer: *mut c_char,
    capacity: usize,
    size: *mut usize,
) -> Status {
    // SAFETY: by contract.
    unsafe {
        on_job("kinescore_job_music_key", job, Call::Look, |_, work, _| {
            let music = work.finished()?.music().filter(|music| !music.lines.is_empty());
            let key = music.map(|music| music.key.to_string()).unwrap_or_default();
            arguments::write_text(&key, buffer, capacity, size)
        })
    }
}

/// Returns the format of the sound.
///
/// # Safety
/// `job` must be alive, and `format` must point to such a struct with its struct_size set.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn kinescore_job_audio_format(job: *const Job, format: *mut AudioFormat) -> Status {
    // SAFETY: by contract.
    unsafe {
        on_job("kinescore_job_audio_format", job, Call::Look, |_, work, _| {
            arguments::check_output(format)?;
            let audio = work.finished()?.audio().ok_or_else(no_sound)?;
            arguments::write(
                format,
                &AudioFormat {
                    struct_size: 0,
                    rate: audio.rate.hz().round() as u32,
                    channels: audio.channels as u32,
                    reserved: 0,
                    frames: audio.frames() as u64,
                },
            )
        })
    }
}

/// Copies sound into `samples`: `frames` sample frames starting at `first_frame`, interleaved, full
/// scale ±1; `frames × channels` numbers. `read` receives the number of frames copied: fewer at
/// the end of the sound, 0 beyond it.
///
/// It may be called from another thread while kinescore_job_run renders the sound. It then waits
/// for the first requested frame and returns the frames that are finished, perhaps fewer than
/// requested; they are those of the finished sound. The first frames are available once the
/// loudness of the whole is known. Before the run has reached the sound, it returns KINESCORE_BUSY;
/// 0 frames before the end of the sound mean that the run has failed, and KINESCORE_CANCELLED that
/// it was cancelled.
///
/// # Safety
/// `job` must be alive, `samples` must have room for `frames` sample frames, and `read` must be
/// writable.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn kinescore_job_read_audio(
    job: *const Job,
    first_frame: u64,
    frames: usize,
    samples: *mut f32,
    read: *mut usize,
) -> Status {
    let target = Target {
        first: usize::try_from(first_frame).unwrap_or(usize::MAX),
        frames,
        samples,
        read,
    };
    // SAFETY: by contract.
    let streaming = unsafe { arguments::handle(job, "job") }.ok().and_then(Job::streaming);
    // SAFETY: by contract.
    unsafe {
        match streaming {
            Some((blocks, cancel)) => guard(ENTRY, || target.read_rendering(&blocks, &cancel)),
            None => on_job("kinescore_job_read_audio", job, Call::Look, |_, work, _| {
                target.read_finished(work)
            }),
        }
    }
}

/// Name of the entry point that may be called during a run.
const ENTRY: &str = "kinescore_job_read_audio";

/// Writes a file, first under a temporary name, so that a half-written file never appears under
/// `path`. `format` is one of
/// - "wav": the sound, 24 bits; "stems": one such file per part, in the folder `path`, which is
///   created;
/// - "mid": the notes as a standard MIDI file;
/// - "json": the analysis;
/// - "svg", "png": a picture of the analysis;
/// - "mp4", "mov", "mkv", "webm", or "video" for the one that `path` ends in: the video's picture,
///   copied, with the soundtrack (and the video's own sound according to the setting "original").
///
/// For "svg", "png" and video formats, `path` must end in the format.
///
/// KINESCORE_BAD_ARGUMENT for any other format; KINESCORE_OUTPUT, KINESCORE_OUTPUT_IS_INPUT,
/// KINESCORE_MEDIA; for a video KINESCORE_FRAME after pushed frames, and KINESCORE_PICTURE_SPEED
/// for a cut at another speed.
///
/// # Safety
/// `job` must be alive, and the strings must end with a NUL byte.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn kinescore_job_write(job: *mut Job, format: *const c_char, path: *const c_char) -> Status {
    // SAFETY: by contract.
    unsafe {
        on_job("kinescore_job_write", job, Call::Work, |_, work, cancel| {
            let format = arguments::text(format, "format")?;
            let path = arguments::path(path, "path")?;
            let job = work.finished()?;
            let monitor = Monitor::new(cancel.clone(), |_, _| ());
            monitor.check()?;
            write(job, format, &path, &monitor)
        })
    }
}

fn write(job: &kinescore_core::Job, format: &str, path: &Path, monitor: &Monitor<'_>) -> Result<(), Failure> {
    match format {
        "wav" => job.write_wav(path)?,
        "mid" => job.write_midi(path)?,
        "json" => job.write_json(path)?,
        "stems" => job.write_stems(path, monitor)?,
        "svg" | "png" => {
            expect_ending(format, path)?;
            job.write_plot(path)?;
        }
        "mp4" | "mov" | "mkv" | "webm" => {
            expect_ending(format, path)?;
            job.write_video(path, monitor)?;
        }
        "video" => job.write_video(path, monitor)?,
        other => {
            let allowed = "wav, mid, json, stems, svg, png, mp4, mov, mkv, webm, video";
            return Err(Failure::new(
                Status::BadArgument,
                format!("format '{other}'; expected one of {allowed}"),
            ));
        }
    }
    Ok(())
}

fn expect_ending(format: &str, path: &Path) -> Result<(), Failure> {
    let ending = path.extension().map(|ending| ending.to_string_lossy().to_lowercase());
    if ending.as_deref() == Some(format) {
        return Ok(());
    }
    Err(Failure::new(
        Status::BadArgument,
        format!("{}: a file of format '{format}' must end in .{format}", path.display()),
    ))
}

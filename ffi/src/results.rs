//! What a job has found, and its sound.

use crate::arguments::{self, Sized32};
use crate::guard::guard;
use crate::job::{Call, Job, on_job};
use crate::status::{Failure, Status};
use kinescore_core::Monitor;
use kinescore_core::rhythm::{AccentKind, BodyPart, ImpactKind, Source};
use kinescore_core::theory::Mode;
use std::ffi::c_char;
use std::mem::offset_of;
use std::path::Path;

/// The beats were found by the learned network.
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

/// What a job has found and made. Counts are of what is heard in the cut.
#[derive(Clone, Copy)]
#[repr(C)]
pub struct Summary {
    /// sizeof(kinescore_summary), set by the caller.
    pub struct_size: u32,
    /// People followed in the media.
    pub people: u32,
    /// Length of the soundtrack, seconds.
    pub duration: f64,
    /// Beats a minute, as heard.
    pub tempo: f64,
    /// How far beats and tempo can be trusted, 0 to 1.
    pub confidence: f64,
    /// Beats in a bar, 3 or 4.
    pub beats_per_bar: u32,
    /// KINESCORE_BEATS_…
    pub beats_source: u32,
    /// Number of beats.
    pub beats: u64,
    /// Number of accents.
    pub accents: u64,
    /// Notes of the score, drum hits included.
    pub notes: u64,
    /// Tonic of the key, in semitones above C, 0 to 11; −1 where only drums are heard.
    pub key_tonic: i32,
    /// KINESCORE_MODE_…, or 0 where only drums are heard.
    pub key_mode: i32,
    /// Integrated loudness of the soundtrack, LUFS (ITU-R BS.1770).
    pub loudness: f64,
    /// True peak of the soundtrack, dBTP (ITU-R BS.1770).
    pub true_peak: f64,
    /// Style of the drums, ended by a NUL byte.
    pub style: [c_char; 32],
}

// SAFETY: numbers only, struct_size first.
unsafe impl Sized32 for Summary {
    const NAME: &'static str = "kinescore_summary";
    const LEAST: usize = offset_of!(Self, style) + 32;
}

/// A beat. This struct never changes.
#[derive(Clone, Copy)]
#[repr(C)]
pub struct Beat {
    /// When it falls, seconds from the start of the soundtrack.
    pub time: f64,
    /// Its number in the bar; 1 is the downbeat.
    pub number: u32,
    /// Not used; 0.
    pub reserved: u32,
}

/// The accent is a change of the movement.
pub const KINESCORE_ACCENT_STYLE: u32 = 1;
/// The accent is a body that is stopped sharply: a stamp, a landing, a hit.
pub const KINESCORE_ACCENT_IMPACT: u32 = 2;

/// A peak of the movement, which the music answers. This struct never changes.
#[derive(Clone, Copy)]
#[repr(C)]
pub struct Accent {
    /// When it falls, seconds from the start of the soundtrack.
    pub time: f64,
    /// How strong it is beside the clip's others, above 0, at most 1.
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
/// The movement is stopped at once, as by something that it hits.
pub const KINESCORE_IMPACT_STRIKE: u32 = 3;
/// The movement goes back the way it came.
pub const KINESCORE_IMPACT_TURN: u32 = 4;

/// An accent with what of the body makes it. This struct never changes.
#[derive(Clone, Copy)]
#[repr(C)]
pub struct BodyAccent {
    /// When it falls, seconds from the start of the soundtrack.
    pub time: f64,
    /// How strong it is beside the clip's others, above 0, at most 1.
    pub strength: f32,
    /// KINESCORE_ACCENT_…
    pub kind: u32,
    /// KINESCORE_PART_…
    pub part: u32,
    /// KINESCORE_IMPACT_…, how the movement ends; 0 where the accent is no impact.
    pub impact: u32,
}

/// A stretch of time in which the body holds still. This struct never changes.
#[derive(Clone, Copy)]
#[repr(C)]
pub struct Hold {
    /// When it comes to rest, seconds from the start of the soundtrack.
    pub from: f64,
    /// When it moves again.
    pub to: f64,
}

/// The form of the sound.
#[derive(Clone, Copy)]
#[repr(C)]
pub struct AudioFormat {
    /// sizeof(kinescore_audio_format), set by the caller.
    pub struct_size: u32,
    /// Samples a second: 44100, 48000 or 96000, as the setting sound.rate says.
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

/// Tells what a run has found and made.
///
/// KINESCORE_WRONG_STATE before kinescore_job_run has ended well, and after a change of the cut until it has again. The same
/// holds for the functions below.
///
/// # Safety
/// `job` must be alive, `summary` such a struct with its struct_size set.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn kinescore_job_summary(job: *const Job, summary: *mut Summary) -> Status {
    // SAFETY: by contract.
    unsafe {
        on_job("kinescore_job_summary", job, Call::Look, |_, work, _| {
            arguments::check_output(summary)?;
            let job = work.finished()?;
            let analysis = job.analysis();
            let key = job
                .music()
                .filter(|music| !music.lines.is_empty())
                .map(|music| music.key);
            let loudness = job.loudness();
            let notes = job
                .score()
                .map_or(0, |score| score.parts.iter().map(|part| part.notes.len()).sum());
            let mut style = [0; 32];
            let name = analysis.drums.as_ref().map_or("", |drums| drums.style.as_str());
            for (to, from) in style.iter_mut().take(31).zip(name.bytes()) {
                *to = from as c_char;
            }
            arguments::write(
                summary,
                &Summary {
                    struct_size: 0,
                    people: job.poses().map_or(0, |poses| poses.people) as u32,
                    duration: job.clip().duration.seconds(),
                    tempo: analysis.tempo_bpm.unwrap_or(0.0),
                    confidence: f64::from(analysis.confidence.unwrap_or(0.0)),
                    beats_per_bar: analysis.beats_per_bar.unwrap_or(0).into(),
                    beats_source: match analysis.beats_source {
                        Some(Source::Network) => KINESCORE_BEATS_NETWORK,
                        Some(Source::Motion) => KINESCORE_BEATS_MOTION,
                        None => 0,
                    },
                    beats: analysis.beats.len() as u64,
                    accents: analysis.accents.len() as u64,
                    notes: notes as u64,
                    key_tonic: key.map_or(-1, |key| key.tonic.into()),
                    key_mode: key.map_or(0, |key| mode(key.mode)),
                    loudness: loudness.map_or(f64::NEG_INFINITY, |loudness| loudness.integrated),
                    true_peak: loudness.map_or(f64::NEG_INFINITY, |loudness| loudness.true_peak),
                    style,
                },
            )
        })
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

/// Copies the beats, in rising order, into the caller's array and their number into `count`. With `beats` NULL and a
/// `capacity` of 0 only the number is returned.
///
/// KINESCORE_BUFFER_TOO_SMALL: nothing was written then.
///
/// # Safety
/// `job` must be alive, `beats` have room for `capacity` items, `count` be writable.
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

/// Copies the accents, in rising order, as kinescore_job_beats does the beats.
///
/// # Safety
/// As kinescore_job_beats.
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

/// Copies the accents, in rising order, with what of the body makes them, as kinescore_job_beats does the beats. They are those
/// of kinescore_job_accents, as many and in the same order.
///
/// # Safety
/// As kinescore_job_beats.
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

/// Copies the stretches in which the body holds still, in rising order, as kinescore_job_beats does the beats; there may be none.
///
/// # Safety
/// As kinescore_job_beats.
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

/// Copies the key's name, such as "A minor", NUL byte included, into `buffer`, and its size in bytes into `size`; "" where
/// only drums are heard. With a `buffer` of NULL and a `capacity` of 0 only the size is returned.
///
/// KINESCORE_BUFFER_TOO_SMALL: nothing was written then.
///
/// # Safety
/// `job` must be alive, `buffer` have `capacity` bytes, `size` be writable.
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

/// Tells the form of the sound.
///
/// # Safety
/// `job` must be alive, `format` such a struct with its struct_size set.
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

/// Copies sound into `samples`: `frames` sample frames from number `first_frame` on, interleaved, full scale ±1; `frames ×
/// channels` numbers. `read` receives how many frames were copied: fewer at the end of the sound, 0 beyond it.
///
/// It may be called from another thread while kinescore_job_run is making the sound. Then it gives the frames that are there,
/// fewer than asked for as well, and waits for the first of them; they are those that the finished sound has. The first are
/// there once the loudness of the whole is known. Before the run has come to the sound it gives KINESCORE_BUSY; 0 frames before
/// the end of the sound mean that the run has failed, and KINESCORE_CANCELLED that it was cancelled.
///
/// # Safety
/// `job` must be alive, `samples` have that room, `read` be writable.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn kinescore_job_read_audio(
    job: *const Job,
    first_frame: u64,
    frames: usize,
    samples: *mut f32,
    read: *mut usize,
) -> Status {
    let first = usize::try_from(first_frame).unwrap_or(usize::MAX);
    // SAFETY: by contract.
    let streaming = unsafe { arguments::handle(job, "job") }.ok().and_then(Job::streaming);
    if let Some((blocks, cancel)) = streaming {
        return guard(ENTRY, || {
            arguments::check(samples, "samples")?;
            arguments::check(read, "read")?;
            // No more than there is, so that no more memory is taken than the sound has.
            let room = frames.min(blocks.frames().saturating_sub(first));
            let mut block = vec![0.0; CHANNELS * room];
            let count = blocks.read(first, &mut block, &cancel)?;
            // SAFETY: checked above, with that room by contract.
            unsafe {
                std::ptr::copy_nonoverlapping(block.as_ptr(), samples, CHANNELS * count);
                read.write(count);
            }
            Ok(())
        });
    }
    // SAFETY: by contract.
    unsafe {
        on_job("kinescore_job_read_audio", job, Call::Look, |_, work, _| {
            arguments::check(samples, "samples")?;
            arguments::check(read, "read")?;
            let audio = work.finished()?.audio().ok_or_else(no_sound)?;
            let first = first.min(audio.frames());
            let last = first.saturating_add(frames).min(audio.frames());
            let block = &audio.samples[first * audio.channels..last * audio.channels];
            std::ptr::copy_nonoverlapping(block.as_ptr(), samples, block.len());
            read.write(last - first);
            Ok(())
        })
    }
}

/// Name of the entry point that may be called beside a run.
const ENTRY: &str = "kinescore_job_read_audio";

/// Channels of sound while it is made: stereo.
const CHANNELS: usize = 2;

fn no_sound() -> Failure {
    Failure::new(Status::WrongState, "there is no sound yet")
}

/// Writes a file, under a temporary name first, so that nothing half-written is ever seen. `format` is
/// - "wav": the sound, 24 bits; "stems": one such file a part into the folder `path`, which is made;
/// - "mid": the notes as a standard MIDI file;
/// - "json": the analysis;
/// - "svg", "png": a picture of the analysis;
/// - "mp4", "mov", "mkv", "webm", or "video" for any that `path` ends in: the video's picture, copied, with the soundtrack
///   (and the video's own sound as the setting "original" says).
///
/// Where the path decides the format ("svg", "png", and those of a video) the path must end in it.
///
/// KINESCORE_BAD_ARGUMENT for another format; KINESCORE_OUTPUT, KINESCORE_OUTPUT_IS_INPUT, KINESCORE_MEDIA; for a video
/// KINESCORE_FRAME after pushed frames, and KINESCORE_PICTURE_SPEED for a cut at another speed.
///
/// # Safety
/// `job` must be alive, the texts end with a NUL byte.
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
            match format {
                "wav" => job.write_wav(&path)?,
                "mid" => job.write_midi(&path)?,
                "json" => job.write_json(&path)?,
                "stems" => job.write_stems(&path, &monitor)?,
                "svg" | "png" => {
                    expect_ending(format, &path)?;
                    job.write_plot(&path)?;
                }
                "mp4" | "mov" | "mkv" | "webm" => {
                    expect_ending(format, &path)?;
                    job.write_video(&path, &monitor)?;
                }
                "video" => job.write_video(&path, &monitor)?,
                other => {
                    let allowed = "wav, mid, json, stems, svg, png, mp4, mov, mkv, webm, video";
                    return Err(Failure::new(
                        Status::BadArgument,
                        format!("format '{other}'; allowed are {allowed}"),
                    ));
                }
            }
            Ok(())
        })
    }
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

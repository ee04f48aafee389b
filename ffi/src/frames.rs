//! Frames from the host.

use crate::arguments::{self, Sized32};
use crate::job::{Call, Job, Source, on_job};
use crate::status::{Failure, Status};
use kinescore_core::{Depth, Feed, Instant, Layout, PushedInfo, RawFrame, Span};
use std::ffi::{c_char, c_void};
use std::mem::offset_of;
use std::slice;

/// Red, green, blue.
pub const KINESCORE_LAYOUT_RGB: u32 = 1;
/// Blue, green, red.
pub const KINESCORE_LAYOUT_BGR: u32 = 2;
/// Red, green, blue, and a fourth channel that is ignored.
pub const KINESCORE_LAYOUT_RGBA: u32 = 3;
/// Blue, green, red, and a fourth channel that is ignored.
pub const KINESCORE_LAYOUT_BGRA: u32 = 4;

/// 8 bits per channel, full scale 255.
pub const KINESCORE_DEPTH_U8: u32 = 1;
/// 16 bits per channel in native byte order, full scale 65535.
pub const KINESCORE_DEPTH_U16: u32 = 2;
/// 32-bit floating point per channel, full scale 1.0; values below 0 or above 1 are clipped.
pub const KINESCORE_DEPTH_F32: u32 = 3;

/// Properties of pushed frames, announced before the first one.
#[derive(Clone, Copy)]
#[repr(C)]
pub struct FramesInfo {
    /// sizeof(kinescore_frames_info), set by the caller.
    pub struct_size: u32,
    /// Width of every frame, pixels, 16 to 16384.
    pub width: u32,
    /// Height of every frame, pixels, 16 to 16384.
    pub height: u32,
    /// Not used; 0.
    pub reserved: u32,
    /// Pixel aspect ratio, width over height, 0.1 to 10; 0: square pixels.
    pub pixel_aspect: f64,
    /// Frames per second, for information only; 0: derived from the frames' times.
    pub frame_rate: f64,
    /// Length of the clip in seconds, 2 to 86400; the soundtrack is exactly as long. 0: the last
    /// frame's time plus the mean length of a frame.
    pub duration: f64,
    /// Name of the clip in errors and in the analysis, UTF-8; NULL: "pushed frames".
    pub name: *const c_char,
}

// SAFETY: numbers and pointers only, struct_size first.
unsafe impl Sized32 for FramesInfo {
    const NAME: &'static str = "kinescore_frames_info";
    const LEAST: usize = offset_of!(Self, name) + size_of::<*const c_char>();
}

/// One upright frame, in display values (gamma-encoded, as 8-bit video is; not linear light).
#[derive(Clone, Copy)]
#[repr(C)]
pub struct Frame {
    /// sizeof(kinescore_frame), set by the caller.
    pub struct_size: u32,
    /// KINESCORE_LAYOUT_…
    pub layout: u32,
    /// KINESCORE_DEPTH_…
    pub depth: u32,
    /// Width in pixels, as announced.
    pub width: u32,
    /// Height in pixels, as announced.
    pub height: u32,
    /// Not used; 0.
    pub reserved: u32,
    /// Presentation time, seconds from the clip's start, 0 or more; later than that of the previous
    /// frame.
    pub time: f64,
    /// Bytes from the start of a row to the start of the row below it; negative if rows are stored
    /// bottom-up.
    pub stride: i64,
    /// The first pixel of the top row. Need not be aligned.
    pub pixels: *const c_void,
}

// SAFETY: numbers and pointers only, struct_size first.
unsafe impl Sized32 for Frame {
    const NAME: &'static str = "kinescore_frame";
    const LEAST: usize = offset_of!(Self, pixels) + size_of::<*const c_void>();
}

/// Begins a clip whose frames are pushed by the host, instead of kinescore_job_open_video. Poses
/// are found in a thread of the library while frames are pushed.
///
/// KINESCORE_WRONG_STATE if the job already has a video or frames; KINESCORE_FRAME_SIZE,
/// KINESCORE_CLIP_TOO_SHORT or KINESCORE_FRAME for values out of range.
///
/// # Safety
/// `job` must be alive, and `info` must point to such a struct with its struct_size set.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn kinescore_job_begin_frames(job: *mut Job, info: *const FramesInfo) -> Status {
    // SAFETY: by contract.
    unsafe {
        on_job("kinescore_job_begin_frames", job, Call::Work, |job, work, cancel| {
            let info = arguments::read(info)?;
            let name = arguments::optional_path(info.name, "name")?;
            work.expect_empty()?;
            let some = |value: f64| Some(value).filter(|value| *value != 0.0);
            let info = PushedInfo {
                name: name.unwrap_or_else(|| "pushed frames".into()),
                width: info.width,
                height: info.height,
                pixel_aspect: some(info.pixel_aspect).unwrap_or(1.0),
                frame_rate: some(info.frame_rate),
                duration: some(info.duration).map(Span::from_seconds),
            };
            let feed = Feed::begin(job.engine(), job.settings(), info, cancel.clone())?;
            work.source = Source::Frames(Box::new(feed));
            Ok(())
        })
    }
}

/// Pushes the next frame. The pixels are copied before this returns. It blocks while a few frames
/// are queued, so that a clip is never held in memory. Frames beyond the setting pose.rate are
/// accepted and cost next to nothing.
///
/// KINESCORE_FRAME for a frame that cannot be used; the message has its number, the value found and
/// the value expected. The clip continues as if the frame had not been pushed. Any other failure,
/// including KINESCORE_CANCELLED, ends the clip: the job is as new, and frames can be begun again.
///
/// # Safety
/// `job` must be alive, and `frame` must point to such a struct with its struct_size set, whose
/// pixels are readable and do not change during the call.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn kinescore_job_push_frame(job: *mut Job, frame: *const Frame) -> Status {
    // SAFETY: by contract.
    unsafe {
        on_job("kinescore_job_push_frame", job, Call::Work, |_, work, _| {
            let frame = arguments::read(frame)?;
            let feed = work.open_feed()?;
            let result = feed.push(&raw_frame(&frame)?);
            if !feed.is_open() {
                work.source = Source::None;
            }
            Ok(result?)
        })
    }
}

/// Ends the pushed frames; kinescore_job_run then makes the soundtrack.
///
/// KINESCORE_NO_FRAMES, KINESCORE_CLIP_TOO_SHORT: the job is then as new, as it is if finding the
/// poses fails.
///
/// # Safety
/// `job` must be alive.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn kinescore_job_end_frames(job: *mut Job) -> Status {
    // SAFETY: by contract.
    unsafe {
        on_job("kinescore_job_end_frames", job, Call::Work, |_, work, _| {
            let result = work.open_feed()?.end();
            if result.is_err() {
                work.source = Source::None;
            }
            Ok(result?)
        })
    }
}

/// # Safety
/// The frame's pixels must be readable.
unsafe fn raw_frame(frame: &Frame) -> Result<RawFrame<'_>, Failure> {
    let (layout, depth) = format(frame)?;
    arguments::check(frame.pixels.cast::<u8>(), "pixels")?;
    let Ok(stride) = isize::try_from(frame.stride) else {
        return refuse(format!("a frame's stride is {} bytes", frame.stride));
    };
    let row = frame.width as usize * layout.channels() * depth.bytes();
    Ok(RawFrame {
        time: Instant::from_seconds(frame.time),
        width: frame.width,
        height: frame.height,
        layout,
        depth,
        stride,
        // SAFETY: by contract.
        data: unsafe { pixels(frame, stride, row) },
    })
}

/// The bytes of a frame whose rows have `row` bytes; none if the stride is too short, so that such
/// a frame is refused before a byte is read.
///
/// # Safety
/// The frame's pixels must be readable.
unsafe fn pixels(frame: &Frame, stride: isize, row: usize) -> &[u8] {
    match size(frame.height, stride, row) {
        Some(bytes) if stride.unsigned_abs() >= row => {
            let top = frame.pixels.cast::<u8>();
            let below = if stride < 0 { bytes - row } else { 0 };
            // SAFETY: all rows are readable by contract; if rows are stored bottom-up, the top row
            // is the last in memory.
            unsafe { slice::from_raw_parts(top.wrapping_sub(below), bytes) }
        }
        _ => &[],
    }
}

fn refuse<T>(message: String) -> Result<T, Failure> {
    Err(Failure::new(Status::BadArgument, message))
}

/// How a frame's pixels are stored.
fn format(frame: &Frame) -> Result<(Layout, Depth), Failure> {
    let layout = match frame.layout {
        KINESCORE_LAYOUT_RGB => Layout::Rgb,
        KINESCORE_LAYOUT_BGR => Layout::Bgr,
        KINESCORE_LAYOUT_RGBA => Layout::Rgba,
        KINESCORE_LAYOUT_BGRA => Layout::Bgra,
        other => return refuse(format!("a frame's layout is {other}; expected 1 to 4")),
    };
    let depth = match frame.depth {
        KINESCORE_DEPTH_U8 => Depth::U8,
        KINESCORE_DEPTH_U16 => Depth::U16,
        KINESCORE_DEPTH_F32 => Depth::F32,
        other => return refuse(format!("a frame's depth is {other}; expected 1 to 3")),
    };
    Ok((layout, depth))
}

/// Bytes from the start of the first to the end of the last of `rows` rows, or `None` if a slice
/// cannot be that long.
fn size(rows: u32, stride: isize, row: usize) -> Option<usize> {
    let before = (rows as usize).saturating_sub(1).checked_mul(stride.unsigned_abs())?;
    let bytes = before.checked_add(row)?;
    isize::try_from(bytes).is_ok().then_some(bytes)
}

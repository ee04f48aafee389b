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
/// Red, green, blue, and one more that is not looked at.
pub const KINESCORE_LAYOUT_RGBA: u32 = 3;
/// Blue, green, red, and one more that is not looked at.
pub const KINESCORE_LAYOUT_BGRA: u32 = 4;

/// 8 bits a channel, full scale 255.
pub const KINESCORE_DEPTH_U8: u32 = 1;
/// 16 bits a channel in the machine's byte order, full scale 65535.
pub const KINESCORE_DEPTH_U16: u32 = 2;
/// 32-bit floating point a channel, full scale 1.0; what is below 0 or above 1 is clipped.
pub const KINESCORE_DEPTH_F32: u32 = 3;

/// What is known of pushed frames before the first one.
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
    /// Width of a pixel over its height, 0.1 to 10; 0 for square pixels.
    pub pixel_aspect: f64,
    /// Frames a second, for information only; 0: taken from the frames' times.
    pub frame_rate: f64,
    /// Length of the clip in seconds, 2 to 86400: the soundtrack is exactly as long. 0: the last frame's time and a mean
    /// frame's length.
    pub duration: f64,
    /// What errors and the analysis call the clip, UTF-8; NULL: "pushed frames".
    pub name: *const c_char,
}

// SAFETY: numbers and pointers only, struct_size first.
unsafe impl Sized32 for FramesInfo {
    const NAME: &'static str = "kinescore_frames_info";
    const LEAST: usize = offset_of!(Self, name) + size_of::<*const c_char>();
}

/// One upright frame, with values as they are shown (gamma-encoded, as 8-bit video is; not linear light).
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
    /// When it is shown, seconds from the clip's start, 0 or more; later than the frame before.
    pub time: f64,
    /// Bytes from the start of a row to that of the row below it: negative where rows are stored from the bottom up.
    pub stride: i64,
    /// The first pixel of the top row. It needs no alignment.
    pub pixels: *const c_void,
}

// SAFETY: numbers and pointers only, struct_size first.
unsafe impl Sized32 for Frame {
    const NAME: &'static str = "kinescore_frame";
    const LEAST: usize = offset_of!(Self, pixels) + size_of::<*const c_void>();
}

/// Begins a clip whose frames the host pushes, in place of kinescore_job_open_video. The search for poses begins in a thread
/// of the library's own and goes on while frames are pushed.
///
/// KINESCORE_WRONG_STATE when the job has a video or frames already; KINESCORE_FRAME_SIZE, KINESCORE_CLIP_TOO_SHORT,
/// KINESCORE_FRAME for what cannot be.
///
/// # Safety
/// `job` must be alive, `info` such a struct with its struct_size set.
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

/// Gives the next frame. The pixels are copied before this returns. It waits while a few frames are waiting already: a clip
/// is never held in memory. More frames than the setting pose.rate asks for are taken and cost next to nothing.
///
/// KINESCORE_FRAME for a frame that does not fit, with its number, the value met and the value allowed: the clip goes on as
/// if it had not been pushed. Any other failure, KINESCORE_CANCELLED among them, ends the clip: the job is as new, and
/// frames can be begun again.
///
/// # Safety
/// `job` must be alive, `frame` such a struct with its struct_size set, whose pixels are all there and do not change during
/// the call.
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

/// Ends the pushed frames; kinescore_job_run goes on with them.
///
/// KINESCORE_NO_FRAMES, KINESCORE_CLIP_TOO_SHORT: the job is as new then, as after a failure of the search for poses.
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
/// The frame's pixels must be there.
unsafe fn raw_frame(frame: &Frame) -> Result<RawFrame<'_>, Failure> {
    let (layout, depth) = format(frame)?;
    arguments::check(frame.pixels.cast::<u8>(), "pixels")?;
    let Ok(stride) = isize::try_from(frame.stride) else {
        return refuse(format!("a frame's stride is {} bytes", frame.stride));
    };
    let row = frame.width as usize * layout.channels() * depth.bytes();
    let data = match size(frame.height, stride, row) {
        // A stride that is too short is refused before a byte is read.
        Some(bytes) if stride.unsigned_abs() >= row => {
            let top = frame.pixels.cast::<u8>();
            let below = if stride < 0 { bytes - row } else { 0 };
            // SAFETY: all rows are there by contract; of rows from the bottom up the last in memory is the top one.
            unsafe { slice::from_raw_parts(top.wrapping_sub(below), bytes) }
        }
        _ => &[],
    };
    Ok(RawFrame {
        time: Instant::from_seconds(frame.time),
        width: frame.width,
        height: frame.height,
        layout,
        depth,
        stride,
        data,
    })
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
        other => return refuse(format!("a frame's layout is {other}; allowed is 1 to 4")),
    };
    let depth = match frame.depth {
        KINESCORE_DEPTH_U8 => Depth::U8,
        KINESCORE_DEPTH_U16 => Depth::U16,
        KINESCORE_DEPTH_F32 => Depth::F32,
        other => return refuse(format!("a frame's depth is {other}; allowed is 1 to 3")),
    };
    Ok((layout, depth))
}

/// Bytes from the first of so many rows of `row` bytes to the last, if a slice can be so long.
fn size(rows: u32, stride: isize, row: usize) -> Option<usize> {
    let before = (rows as usize).saturating_sub(1).checked_mul(stride.unsigned_abs())?;
    let bytes = before.checked_add(row)?;
    isize::try_from(bytes).is_ok().then_some(bytes)
}

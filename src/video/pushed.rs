//! Frames that a host pushes, for hosts whose frames are not in a file.
//!
//! Two ends of a short queue: a [`FrameSink`] takes raw frames, prepares them like those of a file,
//! and waits while the queue is full; a [`PushedSource`] passes them to the pose stage in another
//! thread. So only a few frames are held at any time.

use super::pace::Pace;
use super::{Clip, FileOptions, Frame, FrameSource, Picture};
use crate::error::{Error, Result};
use crate::limits::{GREATEST_FRAME_SIDE, LEAST_CLIP, LEAST_FRAME_SIDE, LONGEST_CLIP, PIXEL_ASPECTS, is_too_short};
use crate::time::{Instant, Span};
use fast_image_resize as resize;
use resize::images::{Image, ImageRef};
use resize::{FilterType, PixelType, ResizeAlg, ResizeOptions, Resizer};
use std::path::{Path, PathBuf};
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};

/// Number of prepared frames that wait for the pose stage, as many as are decoded ahead from a
/// file.
const FRAMES_AHEAD: usize = 4;

/// Properties of a host's frames, announced before the first one.
#[derive(Debug, Clone, PartialEq)]
pub struct PushedInfo {
    /// The clip's name in errors and saved files.
    pub name: PathBuf,
    /// Width of every frame, pixels.
    pub width: u32,
    /// Height of every frame, pixels.
    pub height: u32,
    /// Width of a pixel over its height, 0.1 to 10; 1 for square pixels.
    pub pixel_aspect: f64,
    /// Frames per second, for information only; `None`: derived from the frames' times.
    pub frame_rate: Option<f64>,
    /// Length of the clip; `None`: the last frame's time plus a mean frame's length.
    pub duration: Option<Span>,
}

/// The order of a pixel's channels. Alpha is ignored.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[allow(missing_docs)] // the names are enough
pub enum Layout {
    Rgb,
    Bgr,
    Rgba,
    Bgra,
}

impl Layout {
    /// Channels of a pixel.
    pub fn channels(self) -> usize {
        match self {
            Self::Rgb | Self::Bgr => 3,
            Self::Rgba | Self::Bgra => 4,
        }
    }

    fn is_reversed(self) -> bool {
        matches!(self, Self::Bgr | Self::Bgra)
    }
}

/// How one channel of a pixel is written, in the machine's byte order, encoded for display (as
/// 8-bit video is).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Depth {
    /// 8 bits, full scale 255.
    U8,
    /// 16 bits, full scale 65535.
    U16,
    /// 32-bit floating point, full scale 1; values below 0 or above 1 are clipped.
    F32,
}

impl Depth {
    /// Bytes of a channel.
    pub fn bytes(self) -> usize {
        match self {
            Self::U8 => 1,
            Self::U16 => 2,
            Self::F32 => 4,
        }
    }
}

/// A frame as a host holds it, upright.
#[derive(Debug, Clone, Copy)]
pub struct RawFrame<'a> {
    /// Presentation time, from the clip's start; rising from frame to frame.
    pub time: Instant,
    /// Width in pixels, the same in all frames.
    pub width: u32,
    /// Height in pixels, the same in all frames.
    pub height: u32,
    /// Order of the channels.
    pub layout: Layout,
    /// How a channel is written.
    pub depth: Depth,
    /// Bytes from a row to the one below it; negative if rows are stored from the bottom up.
    pub stride: isize,
    /// The rows as they lie in memory: `(height − 1) × |stride|` bytes plus one row.
    pub data: &'a [u8],
}

/// Creates both ends of the queue. The pictures are the same as from a file of these frames with
/// `options`.
///
/// # Errors
/// [`Error::FrameSize`], [`Error::ClipTooShort`]; [`Error::Pushed`] for an impossible pixel aspect
/// or length.
pub fn pushed(info: PushedInfo, options: FileOptions) -> Result<(FrameSink, PushedSource)> {
    let refuse = |reason: String| Error::Pushed {
        path: info.name.clone(),
        reason,
    };
    if !PIXEL_ASPECTS.holds(info.pixel_aspect) {
        return Err(refuse(format!(
            "a pixel aspect of {}; expected {PIXEL_ASPECTS}",
            info.pixel_aspect
        )));
    }
    if let Some(duration) = info.duration.map(Span::seconds) {
        let longest = LONGEST_CLIP.seconds();
        if duration.is_nan() || duration > longest {
            return Err(refuse(format!(
                "a length of {duration} s; expected at most {longest} s"
            )));
        }
        check_length(&info.name, Span::from_seconds(duration))?;
    }
    if let Some(rate) = info.frame_rate
        && !(rate.is_finite() && rate > 0.0)
    {
        return Err(refuse(format!("{rate} frames per second; expected a rate above 0")));
    }
    // With square pixels, in which a file's frames are measured too.
    let (width, height) = (f64::from(info.width) * info.pixel_aspect, f64::from(info.height));
    let sides = f64::from(LEAST_FRAME_SIDE)..=f64::from(GREATEST_FRAME_SIDE);
    let stored = LEAST_FRAME_SIDE..=GREATEST_FRAME_SIDE;
    if !(sides.contains(&width) && sides.contains(&height) && stored.contains(&info.width)) {
        return Err(Error::FrameSize {
            path: info.name,
            width: if sides.contains(&width) {
                info.width
            } else {
                width as u32
            },
            height: info.height,
            least: LEAST_FRAME_SIDE,
            most: GREATEST_FRAME_SIDE,
        });
    }
    let shrink = (width.max(height) / options.long_side.max(1) as f64).max(1.0);
    let target = |side: f64| ((side / shrink).round() as u32).max(1);
    let clip = Clip {
        path: info.name.clone(),
        start: Instant::ZERO,
        duration: info.duration.unwrap_or(Span::ZERO),
        width: width.round() as u32,
        height: height.round() as u32,
        frame_rate: info.frame_rate.unwrap_or(0.0),
        has_audio: false,
        whole: true,
    };
    let (sender, receiver) = sync_channel(FRAMES_AHEAD);
    let sink = FrameSink {
        size: (target(width), target(height)),
        shrink,
        info,
        pace: Pace::new(options.rate),
        resizer: Resizer::new(),
        rgb: Vec::new(),
        first: None,
        last: None,
        frames: 0,
        queue: sender,
    };
    let source = PushedSource {
        clip,
        queue: Some(receiver),
    };
    Ok((sink, source))
}

fn check_length(name: &Path, length: Span) -> Result<()> {
    if !is_too_short(length) {
        return Ok(());
    }
    Err(Error::ClipTooShort {
        path: name.to_owned(),
        seconds: length.seconds(),
        least: LEAST_CLIP.seconds(),
    })
}

enum Message {
    Frame(Frame),
    /// The end, with the clip's length and mean frame rate.
    End(Span, f64),
}

/// The end where a host's frames go in. If dropped without [`end`](Self::end), it breaks off the
/// clip.
pub struct FrameSink {
    info: PushedInfo,
    /// Size of the pictures, and the number of (square) pixels of a frame per picture pixel.
    size: (u32, u32),
    shrink: f64,
    pace: Pace,
    resizer: Resizer,
    /// A frame as 8-bit RGB, kept so that it is allocated only once.
    rgb: Vec<u8>,
    first: Option<Instant>,
    last: Option<Instant>,
    frames: u64,
    queue: SyncSender<Message>,
}

impl FrameSink {
    /// Takes a frame; blocks while the queue is full. `Ok(false)`: the receiver no longer needs
    /// frames.
    ///
    /// # Errors
    /// [`Error::Pushed`], which names the frame's number (from 1), for a time that does not rise or
    /// lies outside the clip, another size, a stride less than a row, or data whose length does not
    /// match these. The frame then counts as not pushed.
    pub fn push(&mut self, frame: &RawFrame<'_>) -> Result<bool> {
        self.check(frame)?;
        self.frames += 1;
        self.first.get_or_insert(frame.time);
        self.last = Some(frame.time);
        if !self.pace.keep(frame.time) {
            return Ok(true);
        }
        let picture = self.picture(frame)?;
        let frame = Frame {
            time: frame.time,
            picture,
            scale: self.shrink,
        };
        Ok(self.queue.send(Message::Frame(frame)).is_ok())
    }

    /// Ends the clip. `Ok(false)`: the receiver no longer needs frames.
    ///
    /// # Errors
    /// [`Error::NoFrames`], [`Error::ClipTooShort`].
    pub fn end(self) -> Result<bool> {
        let (Some(first), Some(last)) = (self.first, self.last) else {
            return Err(Error::NoFrames { path: self.info.name });
        };
        let shown = last - first;
        let period = match self.frames {
            1 => Span::ZERO,
            frames => shown * (1.0 / (frames - 1) as f64),
        };
        let length = self.info.duration.unwrap_or((last + period) - Instant::ZERO);
        check_length(&self.info.name, length)?;
        let measured = if period > Span::ZERO {
            1.0 / period.seconds()
        } else {
            0.0
        };
        let rate = self.info.frame_rate.unwrap_or(measured);
        Ok(self.queue.send(Message::End(length, rate)).is_ok())
    }

    fn check(&self, frame: &RawFrame<'_>) -> Result<()> {
        let refuse = |reason: String| {
            Err(Error::Pushed {
                path: self.info.name.clone(),
                reason: format!("frame {}: {reason}", self.frames + 1),
            })
        };
        let time = frame.time.seconds();
        let longest = LONGEST_CLIP.seconds();
        if !(0.0..=longest).contains(&time) {
            return refuse(format!(
                "a time of {time} s; expected 0 to {longest} s from the clip's start"
            ));
        }
        if let Some(last) = self.last.map(Instant::seconds)
            && time <= last
        {
            return refuse(format!(
                "its time, {time} s, is not after that of the previous frame, {last} s"
            ));
        }
        if let Some(duration) = self.info.duration.map(Span::seconds)
            && time >= duration
        {
            return refuse(format!("its time, {time} s, is not within the clip's {duration} s"));
        }
        if (frame.width, frame.height) != (self.info.width, self.info.height) {
            return refuse(format!(
                "{}×{} pixels; expected {}×{}, as announced",
                frame.width, frame.height, self.info.width, self.info.height
            ));
        }
        let row = row_bytes(frame);
        let stride = frame.stride.unsigned_abs();
        if stride < row {
            return refuse(format!("a stride of {} bytes; expected at least {row}", frame.stride));
        }
        let needed = stride
            .checked_mul(frame.height as usize - 1)
            .and_then(|rows| rows.checked_add(row));
        if needed != Some(frame.data.len()) {
            let needed = needed.map_or("too many".to_owned(), |bytes| bytes.to_string());
            return refuse(format!("{} bytes of data; expected {needed}", frame.data.len()));
        }
        Ok(())
    }

    /// The frame as 8-bit RGB in the size of the pictures.
    fn picture(&mut self, frame: &RawFrame<'_>) -> Result<Picture> {
        to_rgb8(frame, &mut self.rgb);
        let (width, height) = self.size;
        if (width, height) == (frame.width, frame.height) {
            return Ok(Picture {
                width: width as usize,
                height: height as usize,
                rgb: self.rgb.clone(),
            });
        }
        let refuse = |e: String| Error::Pushed {
            path: self.info.name.clone(),
            reason: format!("frame {}: scaling failed: {e}", self.frames),
        };
        let source =
            ImageRef::new(frame.width, frame.height, &self.rgb, PixelType::U8x3).map_err(|e| refuse(e.to_string()))?;
        let mut scaled = Image::new(width, height, PixelType::U8x3);
        // The mean of the area that a pixel covers, as for files; not where pixels are stretched.
        let shrinks = width <= frame.width && height <= frame.height;
        let filter = if shrinks { FilterType::Box } else { FilterType::Bilinear };
        let options = ResizeOptions::new().resize_alg(ResizeAlg::Convolution(filter));
        self.resizer
            .resize(&source, &mut scaled, &options)
            .map_err(|e| refuse(e.to_string()))?;
        Ok(Picture {
            width: width as usize,
            height: height as usize,
            rgb: scaled.into_vec(),
        })
    }
}

fn row_bytes(frame: &RawFrame<'_>) -> usize {
    frame.width as usize * frame.layout.channels() * frame.depth.bytes()
}

/// Writes the frame's colours, top row first. The data must have the length that the frame implies.
fn to_rgb8(frame: &RawFrame<'_>, rgb: &mut Vec<u8>) {
    let (width, height) = (frame.width as usize, frame.height as usize);
    let (row, stride) = (row_bytes(frame), frame.stride.unsigned_abs());
    rgb.resize(3 * width * height, 0);
    for (y, out) in rgb.chunks_exact_mut(3 * width).enumerate() {
        let y = if frame.stride < 0 { height - 1 - y } else { y };
        let row = &frame.data[y * stride..y * stride + row];
        match frame.depth {
            Depth::U8 => row_to_rgb8(row, frame.layout, out, |[value]: [u8; 1]| value),
            // 65535 is 257 times 255.
            Depth::U16 => row_to_rgb8(row, frame.layout, out, |bytes| {
                ((u32::from(u16::from_ne_bytes(bytes)) + 128) / 257) as u8
            }),
            Depth::F32 => row_to_rgb8(row, frame.layout, out, |bytes| {
                (f32::from_ne_bytes(bytes).clamp(0.0, 1.0) * 255.0 + 0.5) as u8
            }),
        }
    }
}

/// A row whose channels have `N` bytes.
fn row_to_rgb8<const N: usize>(row: &[u8], layout: Layout, out: &mut [u8], value: impl Fn([u8; N]) -> u8) {
    let channels = row.as_chunks::<N>().0;
    let out = out.as_chunks_mut::<3>().0;
    let [red, green, blue] = if layout.is_reversed() { [2, 1, 0] } else { [0, 1, 2] };
    let colours = |pixel: &[[u8; N]]| [value(pixel[red]), value(pixel[green]), value(pixel[blue])];
    match layout.channels() {
        4 => {
            let pixels = channels.as_chunks::<4>().0;
            out.iter_mut()
                .zip(pixels)
                .for_each(|(out, pixel)| *out = colours(pixel));
        }
        _ => {
            let pixels = channels.as_chunks::<3>().0;
            out.iter_mut()
                .zip(pixels)
                .for_each(|(out, pixel)| *out = colours(pixel));
        }
    }
}

/// The end where the frames of a [`FrameSink`] come out. It ends with [`Error::Cancelled`] if the
/// sink was dropped before its end.
pub struct PushedSource {
    clip: Clip,
    /// `None` once the end or an error has been reached.
    queue: Option<Receiver<Message>>,
}

impl FrameSource for PushedSource {
    fn clip(&self) -> &Clip {
        &self.clip
    }

    fn next_frame(&mut self) -> Result<Option<Frame>> {
        let Some(queue) = &self.queue else {
            return Ok(None);
        };
        match queue.recv() {
            Ok(Message::Frame(frame)) => Ok(Some(frame)),
            Ok(Message::End(duration, rate)) => {
                self.queue = None;
                self.clip.duration = duration;
                self.clip.frame_rate = rate;
                Ok(None)
            }
            Err(_) => {
                self.queue = None;
                Err(Error::Cancelled)
            }
        }
    }
}

#[cfg(test)]
#[path = "pushed_tests.rs"]
mod tests;

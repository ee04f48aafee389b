//! Scales decoded frames to square pixels, in the range of colours that the networks were trained
//! on, and turns them upright.

use super::Frame;
use super::faults;
use super::hdr::{self, Coding, ToneMap, Transfer};
use super::media::{FileOptions, check_size};
use super::upright::Orientation;
use crate::error::{Error, Result};
use crate::time::Instant;
use ffmpeg::frame::side_data::Type as FrameSideData;
use ffmpeg::software::scaling;
use ffmpeg_next as ffmpeg;
use std::path::{Path, PathBuf};

/// Scales frames to square pixels and turns them upright.
pub(super) struct Scaler {
    path: PathBuf,
    orientation: Orientation,
    long_side: f64,
    /// Size of the clip's upright picture.
    pub(super) width: u32,
    pub(super) height: u32,
    context: Option<scaling::Context>,
    scaled: ffmpeg::frame::Video,
    /// For pictures with a high dynamic range.
    tone_map: Option<ToneMap>,
}

impl Scaler {
    /// A scaler for frames like `first`; `orientation` is the container's, if it has one.
    pub(super) fn new(
        path: &Path,
        orientation: Option<Orientation>,
        first: &ffmpeg::frame::Video,
        options: FileOptions,
    ) -> Result<Self> {
        let orientation = orientation.unwrap_or_else(|| {
            first
                .side_data(FrameSideData::DisplayMatrix)
                .map(|data| Orientation::from_display_matrix(data.data()))
                .unwrap_or_default()
        });
        let (width, height) = square_size(first);
        check_size(path, width, height)?;
        let (width, height) = orientation.size(width.round() as u32, height.round() as u32);
        Ok(Self {
            path: path.to_owned(),
            orientation,
            long_side: options.long_side.max(1) as f64,
            width,
            height,
            context: None,
            scaled: ffmpeg::frame::Video::empty(),
            tone_map: None,
        })
    }

    pub(super) fn frame(&mut self, time: Instant, picture: &ffmpeg::frame::Video) -> Result<Frame> {
        let refuse = |reason: String| Error::Media {
            path: self.path.clone(),
            doing: "scaling a frame",
            reason,
        };
        let (width, height) = square_size(picture);
        check_size(&self.path, width, height)?;
        let shrink = (width.max(height) / self.long_side).max(1.0);
        let target = |side: f64| ((side / shrink).round() as u32).max(1);
        let (out_width, out_height) = (target(width), target(height));

        let (format, in_width, in_height) = (picture.format(), picture.width(), picture.height());
        let transfer = Transfer::of(picture);
        let wanted = transfer.map_or(ffmpeg::format::Pixel::RGB24, |_| hdr::FORMAT);
        let fits = self.context.as_ref().is_some_and(|context| {
            let (input, output) = (context.input(), context.output());
            (input.format, input.width, input.height) == (format, in_width, in_height)
                && (output.format, output.width, output.height) == (wanted, out_width, out_height)
        });
        if !fits {
            // Size or format can change in mid-stream.
            let context = scaling::Context::get(
                format,
                in_width,
                in_height,
                wanted,
                out_width,
                out_height,
                scaling::Flags::AREA,
            );
            self.context =
                Some(context.map_err(|e| refuse(format!("pictures of the format {format:?}: {}", faults::reason(e))))?);
            self.scaled = ffmpeg::frame::Video::empty();
        }
        let context = self
            .context
            .as_mut()
            .ok_or_else(|| refuse("FFmpeg provides no scaler".to_owned()))?;
        context
            .run(picture, &mut self.scaled)
            .map_err(|e| refuse(faults::reason(e)))?;
        let size = (out_width as usize, out_height as usize);
        let scaled = &self.scaled;
        let upright = match transfer {
            None => self.orientation.apply(scaled.data(0), scaled.stride(0), size.0, size.1),
            Some(transfer) => {
                let kept = self.tone_map.take().filter(|map| map.transfer == transfer);
                let map = self.tone_map.insert(kept.unwrap_or_else(|| ToneMap::new(transfer)));
                let planes = [0, 1, 2].map(|plane| scaled.data(plane));
                let strides = [0, 1, 2].map(|plane| scaled.stride(plane));
                let rgb = map.apply(planes, strides, size, Coding::of(picture));
                rgb.and_then(|rgb| self.orientation.apply(&rgb, 3 * size.0, size.0, size.1))
            }
        };
        let picture = upright.ok_or_else(|| refuse("the picture is incomplete; the file is damaged".to_owned()))?;
        // In pixels of the clip's first frame, whatever size this one has: it is shown in the same
        // place.
        let scale = (f64::from(self.width) / picture.width as f64).min(f64::from(self.height) / picture.height as f64);
        let exact = self.orientation.size(width, height);
        let unchanged = (exact.0.round() as u32, exact.1.round() as u32) == (self.width, self.height);
        Ok(Frame {
            time,
            picture,
            scale: if unchanged { shrink } else { scale },
        })
    }
}

/// Width and height of a frame with square pixels, before turning.
fn square_size(picture: &ffmpeg::frame::Video) -> (f64, f64) {
    let ratio = picture.aspect_ratio();
    let ratio = f64::from(ratio.numerator()) / f64::from(ratio.denominator());
    // 0/1 and 0/0 mean unknown; ratios beyond those of any format are damage.
    let ratio = if (0.1..=10.0).contains(&ratio) { ratio } else { 1.0 };
    (f64::from(picture.width()) * ratio, f64::from(picture.height()))
}

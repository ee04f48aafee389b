//! The meaning of a cut, defined here once for all jobs.

use crate::error::{Error, Result};
use crate::limits::{END_SLACK, LEAST_CLIP, is_too_short};
use crate::time::{Flicks, Span, Speed, Window};
use crate::video::Clip;
use serde::{Deserialize, Serialize};

/// The part of the media that is heard, and its speed: a clip on an editor's timeline.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Cut {
    /// Where it begins, on the media, from its first shown frame; `None`: the media's start.
    #[serde(default)]
    pub start: Option<Flicks>,
    /// Where it ends, on the media; `None`: the media's end.
    #[serde(default)]
    pub end: Option<Flicks>,
    /// Playback speed.
    #[serde(default)]
    pub speed: Speed,
}

impl Cut {
    /// The cut as a window on the media.
    pub(super) fn window(self, media: &Clip) -> Window {
        let Clip { start, duration, .. } = *media;
        let start = Flicks::from_seconds(start.seconds());
        Window {
            start: self.start.unwrap_or(start),
            end: self.end.unwrap_or(Flicks(
                start.0.saturating_add(Flicks::from_seconds(duration.seconds()).0),
            )),
            speed: self.speed,
        }
    }

    /// The part of the media that is heard. A media of unknown length has the length 0.
    ///
    /// # Errors
    /// [`Error::CutOutside`] when the cut does not lie within the media or does not end after its
    /// start, and [`Error::ClipTooShort`] or [`Error::TooShortAtSpeed`].
    pub(super) fn heard(self, media: &Clip) -> Result<Clip> {
        if self == Cut::default() {
            return Ok(media.clone());
        }
        let window = self.window(media);
        let end = media.start + media.duration;
        let known = media.duration > Span::ZERO;
        let rising = window.start >= Flicks::from_seconds(media.start.seconds()) && window.start < window.end;
        let inside = window.end.instant() - end < END_SLACK;
        if self.end.is_some() && !rising || known && !(rising && inside) {
            return Err(Error::CutOutside {
                path: media.path.clone(),
                start: window.start.seconds(),
                end: window.end.seconds(),
                duration: if known { end.seconds() } else { f64::INFINITY },
            });
        }
        let duration = window.length();
        if (known || self.end.is_some()) && is_too_short(duration) {
            let path = media.path.clone();
            let (seconds, least) = (duration.seconds(), LEAST_CLIP.seconds());
            let before = (window.end - window.start).seconds();
            return Err(if is_too_short(Span::from_seconds(before)) {
                Error::ClipTooShort { path, seconds, least }
            } else {
                let speed = self.speed.to_string();
                Error::TooShortAtSpeed {
                    path,
                    before,
                    seconds,
                    speed,
                    least,
                }
            });
        }
        Ok(Clip {
            start: window.start.instant(),
            duration,
            whole: media.whole && self.start.is_none() && self.end.is_none(),
            ..media.clone()
        })
    }
}

//! The composition for a media in the cache.

use super::{Job, check, key};
use crate::cache::MediaId;
use crate::drums::DrumGrid;
use crate::marks::{BeatMark, Marks};
use crate::music::Music;
use crate::rhythm::{self, Rhythm};
use crate::syntax;
use crate::time::Span;
use serde::{Deserialize, Serialize};
use std::borrow::Cow;
use std::sync::OnceLock;

/// The composition for a media, as stored in the cache.
#[derive(Clone, Serialize, Deserialize)]
pub(super) struct Composed<'a> {
    rhythm: Cow<'a, Rhythm>,
    drums: Cow<'a, DrumGrid>,
    music: Cow<'a, Music>,
}

impl Composed<'_> {
    /// Checks an entry: a file in a cache may have been changed like any other.
    pub fn check(&self, duration: Span) -> Result<(), String> {
        check::rhythm(&self.rhythm, duration)?;
        check::drums(&self.drums, duration)?;
        check::music(&self.music, Some(&self.rhythm), Some(&self.drums), duration)
    }

    /// The same on the beats that fixed ones lead to; `None` if other beats need other music.
    fn bound(self, fixed: &[BeatMark], duration: Span) -> Option<Self> {
        let rhythm = rhythm::rebound(&self.rhythm, fixed, duration).filter(|bound| bound.unmoved.is_some())?;
        Some(self.on(rhythm))
    }

    /// The same on the beats for which it was composed.
    fn unbound(&self) -> Self {
        let rhythm = self.rhythm.for_composing().into_owned();
        self.clone().on(rhythm)
    }

    fn on(self, rhythm: Rhythm) -> Self {
        let mut drums = self.drums.into_owned();
        drums.beats = rhythm::instants(&rhythm.beats);
        Self {
            rhythm: Cow::Owned(rhythm),
            drums: Cow::Owned(drums),
            music: self.music,
        }
    }
}

impl Job {
    /// Key under which the composition for the media with these marks is kept, if it is kept, and
    /// the media's identity: that of the file that was analysed, even if it has been replaced since.
    fn composition_key(&self, marks: &Marks) -> Option<(String, &MediaId)> {
        let id = self.reach.as_ref().filter(|_| self.is_of_media)?.id.as_ref()?;
        let analysed = (self.media.start.seconds(), self.media.duration.seconds());
        let models = self.engine.model_versions();
        Some((
            key::composition(&id.to_string(), analysed, &self.settings, marks, &models),
            id,
        ))
    }

    /// Loads rhythm, drums and music from the cache, if it has them, or if it has those without the
    /// fixed beats and these move only a few beats.
    pub(super) fn recall(&mut self) {
        let found = self.kept(&self.marks);
        let found = found.or_else(|| {
            let fixed = self.marks.within(self.media.start, self.media.duration).beats;
            let composed = self.kept(&self.marks.without_beats()).filter(|_| !fixed.is_empty())?;
            composed.bound(&fixed, self.media.duration)
        });
        let Some(Composed { rhythm, drums, music }) = found else {
            return;
        };
        self.answered = OnceLock::new();
        self.rhythm = Some(rhythm.into_owned());
        self.drums = Some(drums.into_owned());
        self.music = Some(music.into_owned());
    }

    /// The composition for the media with these marks, if the cache has it.
    fn kept(&self, marks: &Marks) -> Option<Composed<'static>> {
        let (key, _) = self.composition_key(marks)?;
        let bytes = self.engine.cache()?.composition(&key)?;
        match serde_json::from_slice::<Composed<'static>>(&bytes) {
            Ok(composed) => match composed.check(self.media.duration) {
                Ok(()) => Some(composed),
                Err(fault) => {
                    log::warn!("a composition in the cache is not used, and is composed again: {fault}");
                    None
                }
            },
            Err(e) => {
                let fault = syntax::placed_fault(&e).unwrap_or_else(|| syntax::reason(&e));
                log::warn!("a composition in the cache is damaged, and is composed again: {fault}");
                None
            }
        }
    }

    /// Stores rhythm, drums and music in the cache, also for the marks without fixed beats where
    /// they were composed for the beats without those.
    pub(super) fn remember(&self) {
        let (Some(rhythm), Some(drums), Some(music)) = (&self.rhythm, &self.drums, &self.music) else {
            return;
        };
        let composed = Composed {
            rhythm: Cow::Borrowed(rhythm),
            drums: Cow::Borrowed(drums),
            music: Cow::Borrowed(music),
        };
        self.keep(&composed, &self.marks);
        if rhythm.unmoved.is_some() {
            self.keep(&composed.unbound(), &self.marks.without_beats());
        }
    }

    fn keep(&self, composed: &Composed<'_>, marks: &Marks) {
        if let (Some(cache), Some((key, id))) = (self.engine.cache(), self.composition_key(marks))
            && let Ok(bytes) = serde_json::to_vec(composed)
        {
            cache.keep_composition(&key, Some((&self.media.path, id)), &bytes);
        }
    }
}

//! The composition for a media in the cache.

use super::{Job, check, key};
use crate::cache::MediaId;
use crate::drums::DrumGrid;
use crate::music::Music;
use crate::rhythm::Rhythm;
use crate::syntax;
use crate::time::Span;
use serde::{Deserialize, Serialize};
use std::borrow::Cow;
use std::sync::OnceLock;

/// The composition for a media, as stored in the cache.
#[derive(Serialize, Deserialize)]
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
}

impl Job {
    /// Key under which the composition for the media is kept, if it is kept, and the media's
    /// identity: that of the file that was analysed, even if it has been replaced since.
    fn composition_key(&self) -> Option<(String, &MediaId)> {
        let id = self.reach.as_ref().filter(|_| self.is_of_media)?.id.as_ref()?;
        let analysed = (self.media.start.seconds(), self.media.duration.seconds());
        let models = self.engine.model_versions();
        Some((
            key::composition(&id.to_string(), analysed, &self.settings, &self.marks, &models),
            id,
        ))
    }

    /// Loads rhythm, drums and music from the cache, if it has them.
    pub(super) fn recall(&mut self) {
        let Some(cache) = self.engine.cache() else { return };
        let found = self.composition_key().and_then(|(key, _)| cache.composition(&key));
        let Some(bytes) = found else { return };
        match serde_json::from_slice::<Composed<'static>>(&bytes) {
            Ok(composed) => {
                if let Err(fault) = composed.check(self.media.duration) {
                    log::warn!("a composition in the cache is not used, and is composed again: {fault}");
                    return;
                }
                let Composed { rhythm, drums, music } = composed;
                self.answered = OnceLock::new();
                self.rhythm = Some(rhythm.into_owned());
                self.drums = Some(drums.into_owned());
                self.music = Some(music.into_owned());
            }
            Err(e) => {
                let fault = syntax::placed_fault(&e).unwrap_or_else(|| syntax::reason(&e));
                log::warn!("a composition in the cache is damaged, and is composed again: {fault}");
            }
        }
    }

    /// Stores rhythm, drums and music in the cache.
    pub(super) fn remember(&self) {
        let (Some(cache), Some((key, id))) = (self.engine.cache(), self.composition_key()) else {
            return;
        };
        let (Some(rhythm), Some(drums), Some(music)) = (&self.rhythm, &self.drums, &self.music) else {
            return;
        };
        let composed = Composed {
            rhythm: Cow::Borrowed(rhythm),
            drums: Cow::Borrowed(drums),
            music: Cow::Borrowed(music),
        };
        if let Ok(bytes) = serde_json::to_vec(&composed) {
            cache.keep_composition(&key, Some((&self.media.path, id)), &bytes);
        }
    }
}

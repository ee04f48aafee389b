//! From a media file to its poses: which part is analysed, which results are cached, and what must
//! be read.

use super::cut::Cut;
use super::engine::Engine;
use crate::cache::{About, Cache, Key, Kind, MediaId};
use crate::error::Result;
use crate::model::Provider;
use crate::pose::{self, Chunking, Followers, PoseTrack, TrackedChunk, join, stored};
use crate::progress::{Cancel, Monitor, Stage};
use crate::settings::Settings;
use crate::time::{Flicks, Instant};
use crate::video::file::check_length;
use crate::video::{Clip, FileOptions, FileSource, Media, VideoFile, ffmpeg_version};
use serde::{Deserialize, Serialize};
use std::ops::RangeInclusive;
use std::path::{Path, PathBuf};

/// The part of a media file that is analysed for a cut: whole chunks.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct AnalysedPart {
    first: usize,
    last: usize,
    /// The media's last chunk.
    last_of_media: usize,
}

impl AnalysedPart {
    /// A pure function of the media's announced length and of the cut: media up to
    /// [`Chunking::whole`], and those whose length is not announced, are analysed whole; of longer
    /// ones the chunks that the cut lies in.
    fn new(chunking: &Chunking, announced: Option<Instant>, cut: Cut) -> Self {
        let last_of_media = chunking.last(announced);
        let whole = Self {
            first: 0,
            last: last_of_media,
            last_of_media,
        };
        let Some(announced) = announced.filter(|end| *end - Instant::ZERO > chunking.whole) else {
            return whole;
        };
        let first = chunking.holding(cut.start.map_or(Instant::ZERO, Flicks::instant), last_of_media);
        let last = match cut.end.map(Flicks::instant).filter(|end| *end < announced) {
            // A cut that ends where a chunk begins does not lie in it.
            Some(end) => (first..=last_of_media)
                .find(|index| chunking.start(index + 1) >= end)
                .unwrap_or(last_of_media),
            None => last_of_media,
        };
        Self { first, last, ..whole }
    }

    fn start(&self, chunking: &Chunking) -> Instant {
        chunking.start(self.first)
    }

    /// Where it ends, if not with the media.
    fn end(&self, chunking: &Chunking) -> Option<Instant> {
        (self.last < self.last_of_media).then(|| chunking.start(self.last + 1))
    }

    fn is_whole(&self) -> bool {
        self.first == 0 && self.last == self.last_of_media
    }

    fn chunks(&self) -> RangeInclusive<usize> {
        self.first..=self.last
    }
}

/// The media and cuts for which the analysis is the same.
pub(super) struct AnalysedRange {
    /// The identity of the media before it was opened; `None` if it has none.
    pub id: Option<MediaId>,
    chunking: Chunking,
    announced: Option<Instant>,
    part: AnalysedPart,
}

impl AnalysedRange {
    /// Whether the same part of the media is analysed for another cut.
    pub fn holds(&self, cut: Cut) -> bool {
        AnalysedPart::new(&self.chunking, self.announced, cut) == self.part
    }
}

/// Must be raised whenever [`Facts`] changes.
const FACTS_VERSION: u32 = 2;

/// Properties of a media file.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
struct Facts {
    media: Media,
    /// Whether chunks may be reached by seeking.
    seek: bool,
    /// What was wrong in the parts that have been read.
    faults: Vec<Fault>,
}

/// Faults met while some chunks of a media were read, so that they are reported again when these
/// come from the cache.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
struct Fault {
    /// The first of the chunks,
    first: usize,
    /// and the last.
    last: usize,
    /// The sentence that follows the file's name.
    sentence: String,
}

impl Facts {
    fn new(media: Media) -> Self {
        Self {
            media,
            seek: true,
            faults: Vec::new(),
        }
    }

    /// The facts once chunks have been read, during which these faults were met, if any.
    fn after(&self, first: usize, last: usize, met: Option<&str>, seek: bool) -> Self {
        let mut faults = self.faults.clone();
        faults.retain(|fault| fault.first < first || last < fault.last);
        faults.extend(met.map(|sentence| Fault {
            first,
            last,
            sentence: sentence.to_owned(),
        }));
        Self {
            faults,
            seek: self.seek && seek,
            media: self.media.clone(),
        }
    }

    /// The faults known of these chunks, each once.
    fn faults_in(&self, first: usize, last: usize) -> Vec<String> {
        let mut found: Vec<String> = Vec::new();
        for fault in &self.faults {
            if fault.first <= last && first <= fault.last && !found.contains(&fault.sentence) {
                found.push(fault.sentence.clone());
            }
        }
        found
    }
}

/// The cached form of a chunk, apart from the people followed in it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
struct ChunkFacts {
    /// The media's exact end, if that lies in the chunk or before it.
    end: Option<Instant>,
}

/// A chunk, and the media's exact end if no frame follows.
struct Analysed {
    chunk: TrackedChunk,
    end: Option<Instant>,
}

/// The location of the cached chunks of one media.
struct MediaCache<'a> {
    cache: &'a Cache,
    path: &'a Path,
    id: MediaId,
    /// Everything, apart from the media, on which results from frames depend. Graphics cards have
    /// entries of their own, since their kernels differ in the last bits.
    analysis: String,
}

/// Everything a job needs to find its poses.
pub(super) struct Analysis {
    chunking: Chunking,
    path: PathBuf,
    /// Identity before it was opened; `None` if it has none, such as a pipe.
    id: Option<MediaId>,
    facts: Facts,
    part: AnalysedPart,
    /// Chunks that are in the cache.
    known: Vec<Analysed>,
    /// Chunks that are not, and the source to read them from.
    missing: Vec<usize>,
    source: Option<FileSource>,
}

impl Analysis {
    /// Looks up a video file's results in the cache, and starts to decode the rest in another
    /// thread.
    ///
    /// # Errors
    /// Those of [`VideoFile::open_until`]; [`Error::ClipTooShort`](crate::Error::ClipTooShort) for a
    /// media whose announced length is too short.
    pub fn open(
        engine: &Engine,
        settings: &Settings,
        path: &Path,
        cut: Cut,
        chunking: Chunking,
        cancel: &Cancel,
    ) -> Result<Self> {
        cancel.check()?;
        let open_file = || VideoFile::open_until(path, options(settings), cancel);
        // Without an identity there is no usable file; opening it reports the reason.
        let id = engine.identify(path).ok();
        let shelf = MediaCache::of(engine, settings, path, id.as_ref(), &chunking)?;
        let (facts, file) = match shelf.as_ref().and_then(MediaCache::facts) {
            Some(facts) => (facts, None),
            None => {
                let file = open_file()?;
                let media = file.media().clone();
                (Facts::new(media), Some(file))
            }
        };
        check_length(path, facts.media.announced)?;
        let part = AnalysedPart::new(&chunking, facts.media.announced, cut);
        let (mut known, mut missing) = (Vec::new(), Vec::new());
        for index in part.chunks() {
            match shelf.as_ref().and_then(|shelf| shelf.chunk(index)) {
                Some(found) => {
                    // The media may end earlier than announced.
                    let is_last = found.end.is_some_and(|end| end <= chunking.lead(index + 1));
                    known.push(found);
                    if is_last {
                        break;
                    }
                }
                None => missing.push(index),
            }
        }
        let source = if missing.is_empty() {
            None
        } else {
            let file = file.map_or_else(open_file, Ok)?;
            Some(file.read(chunking.stretches(&missing, part.last_of_media), facts.seek))
        };
        log::debug!(
            "{}: chunks {} to {} of {}; {} are known",
            path.display(),
            part.first,
            part.last,
            part.last_of_media + 1,
            known.len()
        );
        Ok(Self {
            chunking,
            path: path.to_owned(),
            id,
            facts,
            part,
            known,
            missing,
            source,
        })
    }

    /// The other cuts for which the analysis is the same.
    pub fn reach(&self) -> AnalysedRange {
        AnalysedRange {
            id: self.id.clone(),
            chunking: self.chunking,
            announced: self.facts.media.announced,
            part: self.part,
        }
    }

    /// The part that is analysed, with the announced length.
    pub fn clip(&self) -> Clip {
        let start = self.part.start(&self.chunking);
        let end = self.part.end(&self.chunking).or(self.facts.media.announced);
        self.clip_until(end.unwrap_or(start))
    }

    fn clip_until(&self, end: Instant) -> Clip {
        let Media {
            width,
            height,
            frame_rate,
            has_audio,
            ..
        } = self.facts.media;
        let start = self.part.start(&self.chunking);
        Clip {
            path: self.path.clone(),
            start,
            duration: end - start,
            width,
            height,
            frame_rate,
            has_audio,
            whole: self.part.is_whole(),
        }
    }

    /// The poses in the analysed part, in its own time, and the part with its exact length.
    ///
    /// # Errors
    /// Those of reading and of the models; [`Error::CutOutside`] and [`Error::ClipTooShort`] if the
    /// media is shorter than announced; those of [`pose::choose`]; [`Error::Cancelled`].
    pub fn poses(mut self, engine: &Engine, settings: &Settings, monitor: &Monitor<'_>) -> Result<FoundPoses> {
        let mut analysed = std::mem::take(&mut self.known);
        let mut faults = match (analysed.first(), analysed.last()) {
            (Some(first), Some(last)) => self.facts.faults_in(first.chunk.index, last.chunk.index),
            _ => Vec::new(),
        };
        let was_read = self.source.is_some();
        if let Some(source) = self.source.take() {
            let (found, met) = self.find(source, engine, settings, monitor)?;
            analysed.extend(found);
            analysed.sort_by_key(|found| found.chunk.index);
            faults.extend(met.filter(|met| !faults.contains(met)));
        }
        for fault in faults {
            log::warn!("{}: {fault}", self.path.display());
        }
        let media_end = analysed.iter().find_map(|found| found.end);
        let part_end = self.part.end(&self.chunking);
        let end = match (part_end, media_end) {
            (Some(part), Some(media)) if media < part => media,
            (Some(part), _) => part,
            (None, media) => media.or(self.facts.media.announced).unwrap_or(Instant::ZERO),
        };
        check_length(&self.path, media_end)?;
        let clip = self.clip_until(end);
        let mut tracked = join(analysed.into_iter().map(|found| found.chunk).collect(), &self.chunking);
        for time in &mut tracked.times {
            *time = Instant::from_seconds((*time - clip.start).seconds());
        }
        let track = pose::choose(tracked, &self.path, settings.pose())?;
        monitor.progress(Stage::Pose, 1.0)?;
        Ok(FoundPoses {
            track,
            clip,
            is_of_media: !was_read || self.is_unchanged(engine),
        })
    }

    /// Whether the file is the one that was opened. True for a file without an identity, which
    /// cannot be checked.
    fn is_unchanged(&self, engine: &Engine) -> bool {
        self.id.is_none() || engine.identify(&self.path).ok() == self.id
    }

    /// Finds the missing chunks, and stores them. Also returns the faults met in the file.
    fn find(
        &self,
        mut source: FileSource,
        engine: &Engine,
        settings: &Settings,
        monitor: &Monitor<'_>,
    ) -> Result<(Vec<Analysed>, Option<String>)> {
        let shelf = MediaCache::of(engine, settings, &self.path, self.id.as_ref(), &self.chunking)?;
        // Results found after seeking are kept only once it is known that seeking does no harm.
        let sought = self.facts.seek && self.missing.iter().enumerate().any(|(place, index)| place != *index);
        let keep = |found: &Analysed| {
            if let Some(shelf) = &shelf
                && shelf.is_still(engine)
            {
                shelf.keep_chunk(found, &self.chunking);
            }
        };
        let mut analysed = Vec::new();
        let last = self.part.last_of_media;
        let followers = Followers::new(self.chunking, self.missing.clone(), last);
        let end = self.clip().duration + (self.part.start(&self.chunking) - Instant::ZERO);
        let rest = engine.with_pose_models(settings, |models| {
            pose::follow(&mut source, models, followers, Instant::ZERO + end, monitor, |chunk| {
                let found = Analysed { chunk, end: None };
                if !sought {
                    keep(&found);
                }
                analysed.push(found);
            })
        })?;
        let before = analysed.len();
        let media_end = source.media_end();
        analysed.extend(rest.into_iter().map(|chunk| Analysed { chunk, end: media_end }));
        let seek = source.is_regular();
        let met = source.faults().map(str::to_owned);
        if seek || !sought {
            let unkept = if sought { 0 } else { before };
            analysed[unkept..].iter().for_each(keep);
        }
        if !self.is_unchanged(engine) {
            log::warn!(
                "{}: the file was changed or removed while it was read; its results are not kept",
                self.path.display()
            );
        } else if let Some(shelf) = &shelf {
            let first = self.missing.first().copied().unwrap_or(self.part.first);
            let last = self.missing.last().copied().unwrap_or(self.part.last);
            shelf.keep_facts(&self.facts.after(first, last, met.as_deref(), seek));
        }
        Ok((analysed, met))
    }
}

/// The results for the analysed part of a media.
pub(super) struct FoundPoses {
    /// The poses, in the part's own time.
    pub track: PoseTrack,
    /// The part, with its exact length.
    pub clip: Clip,
    /// Whether the file was still the same once it had been read.
    pub is_of_media: bool,
}

/// How frames are prepared, whether read from a file or pushed.
pub(super) fn options(settings: &Settings) -> FileOptions {
    FileOptions {
        rate: settings.pose().frames(),
        ..FileOptions::default()
    }
}

impl<'a> MediaCache<'a> {
    /// The cache entries of a media; `None` if nothing is kept.
    fn of(
        engine: &'a Engine,
        settings: &Settings,
        path: &'a Path,
        id: Option<&MediaId>,
        chunking: &Chunking,
    ) -> Result<Option<Self>> {
        let (Some(cache), Some(id)) = (engine.cache(), id) else {
            return Ok(None);
        };
        let FileOptions { long_side, rate, .. } = options(settings);
        let quality = settings.pose().quality.word();
        let mut models = String::new();
        for name in pose::PoseModels::files(settings.pose().quality) {
            models += &engine.manifest().entry(name)?.sha256;
            models.push(' ');
        }
        let Chunking {
            length,
            overlap,
            least_rest,
            whole: _, // which chunks are wanted, not their content
        } = chunking;
        let device = match engine.provider_of_poses(settings)? {
            Provider::Cpu => String::new(),
            card => format!("; on {}", card.word()),
        };
        let analysis = format!(
            "version {} of {}; {}; longest side {long_side}; {:e} poses a second; quality {quality}; models {models}; \
             chunks of {:e} s, {:e} s overlap, {:e} s rest{device}",
            stored::VERSION,
            env!("CARGO_PKG_VERSION"),
            ffmpeg_version(),
            rate.hz(),
            length.seconds(),
            overlap.seconds(),
            least_rest.seconds(),
        );
        Ok(Some(Self {
            cache,
            path,
            id: id.clone(),
            analysis,
        }))
    }

    /// Whether the file still has the identity of the cache entries.
    fn is_still(&self, engine: &Engine) -> bool {
        engine.identify(self.path).is_ok_and(|id| id == self.id)
    }

    fn facts_key(&self) -> Key {
        let version = stored::VERSION;
        Key::of(&format!(
            "facts {FACTS_VERSION}; version {version}; {}; media {}",
            ffmpeg_version(),
            self.id
        ))
    }

    fn chunk_key(&self, index: usize) -> Key {
        Key::of(&format!("poses; {}; media {}; chunk {index}", self.analysis, self.id))
    }

    fn facts(&self) -> Option<Facts> {
        let bytes = self.cache.load(Kind::Media, &self.facts_key())?;
        serde_json::from_slice(&bytes).ok()
    }

    fn keep_facts(&self, facts: &Facts) {
        if self.facts().as_ref() == Some(facts) {
            return;
        }
        if let Ok(bytes) = serde_json::to_vec(facts) {
            let about = About::of(self.path, &self.id);
            self.cache.store(Kind::Media, &self.facts_key(), &about, &bytes);
        }
    }

    /// A line of JSON, then the followed people.
    fn chunk(&self, index: usize) -> Option<Analysed> {
        let bytes = self.cache.load(Kind::Poses, &self.chunk_key(index))?;
        let line = bytes.iter().position(|byte| *byte == b'\n')?;
        let ChunkFacts { end } = serde_json::from_slice(&bytes[..line]).ok()?;
        let tracked = stored::from_bytes(&bytes[line + 1..])?;
        Some(Analysed {
            chunk: TrackedChunk { index, tracked },
            end,
        })
    }

    fn keep_chunk(&self, found: &Analysed, chunking: &Chunking) {
        let Analysed { chunk, end } = found;
        let Ok(mut bytes) = serde_json::to_vec(&ChunkFacts { end: *end }) else {
            return; // NaN or infinity, which could not be read back
        };
        bytes.push(b'\n');
        bytes.extend(stored::to_bytes(&chunk.tracked));
        let about = About {
            start: Some(chunking.start(chunk.index).seconds()),
            end: Some(end.unwrap_or_else(|| chunking.start(chunk.index + 1)).seconds()),
            ..About::of(self.path, &self.id)
        };
        self.cache
            .store(Kind::Poses, &self.chunk_key(chunk.index), &about, &bytes);
    }
}

#[cfg(test)]
#[path = "analysis_tests.rs"]
mod tests;

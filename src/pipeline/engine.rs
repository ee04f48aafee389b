//! The resources that all jobs share: the ONNX Runtime library, the models, the SoundFont. Each is
//! loaded when first needed.

use super::cut::Cut;
use super::key;
use crate::audio::{SoundFont, Synthesis};
use crate::cache::{Cache, Identities, MediaId};
use crate::drums::DrumModels;
use crate::error::{Error, Result};
use crate::marks::Marks;
use crate::model::manifest::sha256_of_file;
use crate::model::provider::has_card;
use crate::model::{Manifest, Options, Provider, Runtime};
use crate::music::MusicModels;
use crate::pose::PoseModels;
use crate::progress::Stage;
use crate::rhythm::BeatModels;
use crate::settings::{BeatSource, Device, PoseQuality, Settings};
use crate::theory::Instrument;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, OnceLock, PoisonError};

/// Where an [`Engine`] finds what it loads.
#[derive(Debug, Clone, Default)]
pub struct Resources {
    /// Folder with `manifest.toml` and the models.
    pub models: PathBuf,
    /// The ONNX Runtime library, or a folder that contains it; `None`: the folders in
    /// `runtime_search` are searched.
    pub runtime: Option<PathBuf>,
    /// Folders to search for the ONNX Runtime library, in order.
    pub runtime_search: Vec<PathBuf>,
    /// Folders to search before those for a build that uses a graphics card, unless the device is
    /// the CPU. A process loads one library: the first job decides.
    pub graphics_search: Vec<PathBuf>,
    /// SoundFont to use instead of the bundled one.
    pub sound_font: Option<PathBuf>,
    /// Folder of the cache, which keeps poses by the content of the media, so that they are
    /// computed only once; `None`: nothing is kept.
    pub cache: Option<PathBuf>,
    /// Maximum size of that folder, bytes; `None`: [`DEFAULT_LIMIT`](crate::cache::DEFAULT_LIMIT).
    pub cache_limit: Option<u64>,
}

impl Resources {
    /// Loads ONNX Runtime: for a device that may be a graphics card, a build for these if there is
    /// one.
    ///
    /// # Errors
    /// Those of [`Runtime::load`].
    pub fn load_runtime(&self, device: Device) -> Result<Runtime> {
        let is_for_cards = match device {
            Device::Cpu => false,
            Device::Auto => has_card(),
            Device::Gpu | Device::Cuda | Device::WebGpu => true,
        };
        let before = self.graphics_search.iter().filter(|_| is_for_cards);
        let search: Vec<PathBuf> = before.chain(&self.runtime_search).cloned().collect();
        Runtime::load(self.runtime.as_deref(), &search)
    }
}

/// Name of the shipped SoundFont in the manifest.
const SOUND_FONT: &str = "soundfont";

/// Loaded models and SoundFont, shared by all jobs. Each is loaded when first needed.
///
/// A network can run one clip at a time, so the engine keeps free sets and loads another set for
/// each concurrent job.
pub struct Engine {
    resources: Resources,
    manifest: Manifest,
    threads: usize,
    runtime: Mutex<Option<Runtime>>,
    pose_models: Pool<(PoseQuality, Device), PoseModels>,
    beat_models: Pool<(Device, bool), BeatModels>,
    drum_models: Pool<Device, DrumModels>,
    music_models: Pool<(Device, usize), MusicModels>,
    sound_font: Mutex<Option<Arc<SoundFont>>>,
    /// SHA-256 of the user's SoundFont; `None` inside if it cannot be read.
    font_hash: OnceLock<Option<String>>,
    synthesis: Synthesis,
    cache: Option<Cache>,
    identities: Identities,
}

impl Engine {
    /// An engine over `resources`. Reads the manifest of the models; loads nothing else yet.
    ///
    /// # Errors
    /// [`Error::Manifest`] or [`Error::ModelMissing`] when the manifest cannot be used.
    pub fn new(resources: Resources) -> Result<Self> {
        let manifest = Manifest::read(&resources.models)?;
        let cache = resources
            .cache
            .as_deref()
            .map(|folder| Cache::open(folder, resources.cache_limit));
        Ok(Self {
            cache,
            identities: Identities::default(),
            resources,
            manifest,
            threads: 1,
            runtime: Mutex::default(),
            pose_models: Pool::new(),
            beat_models: Pool::new(),
            drum_models: Pool::new(),
            music_models: Pool::new(),
            sound_font: Mutex::default(),
            font_hash: OnceLock::new(),
            synthesis: Synthesis::default(),
        })
    }

    /// The engine with pose networks that run on so many threads each, at least 1 (the others: at
    /// least 2). One, the default, is as fast as two while decoding runs in parallel; the notes are
    /// the same with any number.
    #[must_use]
    pub fn with_threads(self, threads: usize) -> Self {
        Self {
            threads: threads.max(1),
            ..self
        }
    }

    /// The synthesis that renders soundtracks.
    pub(super) fn synthesis(&self) -> &Synthesis {
        &self.synthesis
    }

    /// The manifest of the models.
    pub(super) fn manifest(&self) -> &Manifest {
        &self.manifest
    }

    /// The cache, if there is one.
    pub(super) fn cache(&self) -> Option<&Cache> {
        self.cache.as_ref()
    }

    /// The identity of a media file by its content. Remembered as long as the file does not change,
    /// so that asking again costs next to nothing.
    ///
    /// # Errors
    /// [`Error::Input`] when the file cannot be read or is not a regular file.
    pub(super) fn identify(&self, media: &Path) -> Result<MediaId> {
        self.identities.of(media)
    }

    /// The key of a soundtrack: a hash of the media's content, the cut, the settings, the marks and
    /// the models. An existing soundtrack with the same key is up to date. The media is neither opened
    /// as video nor decoded.
    ///
    /// # Errors
    /// [`Error::Input`] when the media or the given SoundFont cannot be read.
    pub fn key(&self, settings: &Settings, media: &Path, cut: Cut, marks: &Marks) -> Result<String> {
        self.key_of(settings, &self.identify(media)?, cut, marks)
    }

    /// The key of a soundtrack of the media with this identity.
    pub(super) fn key_of(&self, settings: &Settings, media: &MediaId, cut: Cut, marks: &Marks) -> Result<String> {
        let sound_font = match &self.resources.sound_font {
            Some(path) => self.identify(path)?.to_string(),
            None => String::new(), // the shipped one: its hash is among the models'
        };
        Ok(key::soundtrack(
            &media.to_string(),
            cut,
            settings,
            marks,
            &self.model_versions(),
            &sound_font,
        ))
    }

    /// Name and sha256 of every file of the manifest.
    pub(super) fn model_versions(&self) -> BTreeMap<String, String> {
        self.manifest
            .entries()
            .map(|(name, entry)| (name.to_owned(), entry.sha256.clone()))
            .collect()
    }

    /// Name and sha256 of the files that a job with these settings uses: of the networks that look at
    /// people, those of its quality; the user's SoundFont if there is one, and then also the bundled
    /// one, which has the presets that it lacks.
    pub(super) fn used_versions(&self, settings: &Settings) -> BTreeMap<String, String> {
        let used = PoseModels::files(settings.pose().quality);
        let mut versions = self.model_versions();
        versions.retain(|name, _| used.contains(&name.as_str()) || !PoseModels::ALL_FILES.contains(&name.as_str()));
        let hash = self.resources.sound_font.as_ref().and_then(|path| {
            // A font that cannot be read any more has been read before it was played.
            self.font_hash.get_or_init(|| sha256_of_file(path).ok()).clone()
        });
        if let Some(hash) = hash
            && let Some(bundled) = versions.insert(SOUND_FONT.to_owned(), hash)
        {
            versions.insert(format!("{SOUND_FONT}_bundled"), bundled);
        }
        versions
    }

    /// The SoundFont. Presets that the given one lacks are taken from the bundled one.
    ///
    /// # Errors
    /// [`Error::SoundFontMissing`], [`Error::SoundFontInvalid`], [`Error::ModelHash`] for a damaged
    /// shipped font where none was given.
    pub(super) fn sound_font(&self) -> Result<Arc<SoundFont>> {
        let mut loaded = self.sound_font.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(font) = &*loaded {
            return Ok(font.clone());
        }
        let font = match &self.resources.sound_font {
            Some(path) => {
                let font = SoundFont::load(path)?;
                // This is an error only if a preset is missing.
                let shipped = self
                    .shipped_font()
                    .inspect_err(|error| log::debug!("no font to substitute for {}: {error}", path.display()));
                font.with_fallback(shipped.ok().map(Arc::new))
            }
            None => self.shipped_font()?,
        };
        let font = Arc::new(font);
        *loaded = Some(font.clone());
        Ok(font)
    }

    fn shipped_font(&self) -> Result<SoundFont> {
        self.manifest.verify(SOUND_FONT).map_err(|error| match error {
            Error::ModelMissing { path } => Error::SoundFontMissing { path },
            other => other,
        })?;
        SoundFont::load(&self.manifest.file(SOUND_FONT)?)
    }

    /// Checks that a stage has what it needs, before it runs: loads the SoundFont, checks that the
    /// files of the models exist and are intact without loading them, and that a requested device
    /// can be used. The device is checked even if the cache has the results, so that the error does
    /// not depend on the cache.
    pub(super) fn check(&self, stage: Stage, settings: &Settings) -> Result<()> {
        let files: &[&str] = match stage {
            Stage::Rhythm if wants_network(settings) => BeatModels::FILES,
            Stage::Rhythm => BeatModels::MOTION_FILES,
            Stage::Drums => DrumModels::FILES,
            Stage::Music if has_lines_of_models(settings) => MusicModels::FILES,
            Stage::Audio | Stage::Export => return self.sound_font().map(drop),
            Stage::Pose | Stage::Music | Stage::Score => &[],
        };
        files.iter().try_for_each(|name| self.manifest.verify(name))?;
        let runs_network = match stage {
            Stage::Pose | Stage::Drums => true,
            Stage::Rhythm => wants_network(settings),
            Stage::Music => has_lines_of_models(settings),
            Stage::Score | Stage::Audio | Stage::Export => false,
        };
        match settings.device() {
            device @ (Device::Gpu | Device::Cuda | Device::WebGpu) if runs_network => {
                self.runtime(settings)?.provider(device).map(drop)
            }
            _ => Ok(()),
        }
    }

    /// What the pose networks run on: their results differ in the last bits. The library is loaded
    /// only if it matters.
    ///
    /// # Errors
    /// [`Error::DeviceUnavailable`] if a graphics card is requested and cannot be used;
    /// [`Error::RuntimeMissing`].
    pub(super) fn provider_of_poses(&self, settings: &Settings) -> Result<Provider> {
        match settings.device() {
            Device::Cpu => Ok(Provider::Cpu),
            Device::Auto if !has_card() => Ok(Provider::Cpu),
            // Results that are in the cache need no library.
            Device::Auto => self
                .runtime(settings)
                .map_or(Ok(Provider::Cpu), |runtime| runtime.provider(Device::Auto)),
            device => self.runtime(settings)?.provider(device),
        }
    }

    pub(super) fn with_pose_models<T>(
        &self,
        settings: &Settings,
        work: impl FnOnce(&mut PoseModels) -> Result<T>,
    ) -> Result<T> {
        let key = (settings.pose().quality, settings.device());
        self.pose_models.with(
            key,
            || {
                let runtime = self.runtime(settings)?;
                PoseModels::open(
                    &runtime,
                    &self.manifest,
                    settings.pose().quality,
                    self.options(settings),
                )
            },
            work,
        )
    }

    pub(super) fn with_beat_models<T>(
        &self,
        settings: &Settings,
        work: impl FnOnce(&mut BeatModels) -> Result<T>,
    ) -> Result<T> {
        let network = wants_network(settings);
        self.beat_models.with(
            (settings.device_of_small_networks(), network),
            || {
                if network {
                    BeatModels::open(&self.runtime(settings)?, &self.manifest, self.lone_options(settings))
                } else {
                    BeatModels::without_network(&self.manifest)
                }
            },
            work,
        )
    }

    pub(super) fn with_drum_models<T>(
        &self,
        settings: &Settings,
        work: impl FnOnce(&mut DrumModels) -> Result<T>,
    ) -> Result<T> {
        self.drum_models.with(
            settings.device_of_small_networks(),
            || DrumModels::open(&self.runtime(settings)?, &self.manifest, self.lone_options(settings)),
            work,
        )
    }

    /// Lends the models of the music stage for so many lines.
    pub(super) fn with_music_models<T>(
        &self,
        settings: &Settings,
        lines: usize,
        work: impl FnOnce(&mut MusicModels) -> Result<T>,
    ) -> Result<T> {
        // The lines are written in parallel: each has one thread.
        let options = Options {
            device: settings.device_of_small_networks(),
            threads: 1,
        };
        self.music_models.with(
            (settings.device_of_small_networks(), lines),
            || MusicModels::open(&self.runtime(settings)?, &self.manifest, options, lines),
            work,
        )
    }

    fn options(&self, settings: &Settings) -> Options {
        Options {
            device: settings.device(),
            threads: self.threads,
        }
    }

    /// Nothing else runs while the networks of beats and drums do, so a second thread makes them
    /// faster (the drums' by a fifth).
    fn lone_options(&self, settings: &Settings) -> Options {
        Options {
            device: settings.device_of_small_networks(),
            threads: self.threads.max(2),
        }
    }

    fn runtime(&self, settings: &Settings) -> Result<Runtime> {
        let mut loaded = self.runtime.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(runtime) = *loaded {
            return Ok(runtime);
        }
        let runtime = self.resources.load_runtime(settings.device())?;
        *loaded = Some(runtime);
        Ok(runtime)
    }
}

/// Whether the music models may have to write a line: those of the palette are not known yet.
fn has_lines_of_models(settings: &Settings) -> bool {
    let chosen = settings.music().instruments.as_ref();
    chosen.is_none_or(|chosen| chosen.iter().any(|one| Instrument::OF_MODELS.contains(one)))
}

/// Whether the settings need the beat network.
fn wants_network(settings: &Settings) -> bool {
    settings.rhythm().source != BeatSource::Motion
}

/// Sets of loaded networks, by what they were loaded for.
///
/// Of each kind, as many free sets are kept as are in use, and at least one, so that the sets of
/// many concurrent jobs are released as the jobs end.
struct Pool<K, M>(Mutex<Vec<Sets<K, M>>>);

/// The sets of one kind.
struct Sets<K, M> {
    key: K,
    in_use: usize,
    free: Vec<M>,
}

impl<K: PartialEq + Copy, M> Pool<K, M> {
    fn new() -> Self {
        Self(Mutex::new(Vec::new()))
    }

    /// Works with a free set, or with a new one from `load`; afterwards it is free for others.
    fn with<T>(&self, key: K, load: impl FnOnce() -> Result<M>, work: impl FnOnce(&mut M) -> Result<T>) -> Result<T> {
        let mut lent = self.lend(key);
        let models = match &mut lent.models {
            Some(models) => models,
            none => none.insert(load()?),
        };
        work(models)
    }

    fn lend(&self, key: K) -> Lent<'_, K, M> {
        let models = self.of(key, |sets| {
            sets.in_use += 1;
            sets.free.pop()
        });
        Lent {
            pool: self,
            key,
            models,
        }
    }

    fn of<T>(&self, key: K, change: impl FnOnce(&mut Sets<K, M>) -> T) -> T {
        // A panic elsewhere leaves the lists valid: items are only pushed and taken.
        let mut all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(sets) = all.iter_mut().find(|sets| sets.key == key) {
            return change(sets);
        }
        let mut sets = Sets {
            key,
            in_use: 0,
            free: Vec::new(),
        };
        let result = change(&mut sets);
        all.push(sets);
        result
    }
}

/// A set that is in use; `None` until it is loaded.
struct Lent<'a, K: PartialEq + Copy, M> {
    pool: &'a Pool<K, M>,
    key: K,
    models: Option<M>,
}

impl<K: PartialEq + Copy, M> Drop for Lent<'_, K, M> {
    fn drop(&mut self) {
        // A set that a panic may have left half-changed is not used again.
        let whole = self.models.take().filter(|_| !std::thread::panicking());
        let spare = self.pool.of(self.key, |sets| {
            sets.in_use -= 1;
            sets.free.extend(whole);
            let kept = sets.in_use.max(1).min(sets.free.len());
            sets.free.split_off(kept)
        });
        drop(spare); // outside the lock: networks take their time
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::Barrier;
    use std::sync::atomic::{AtomicUsize, Ordering};

    /// Counts the sets that exist.
    struct Counted<'a>(&'a AtomicUsize);

    impl<'a> Counted<'a> {
        fn load(count: &'a AtomicUsize) -> Result<Self> {
            count.fetch_add(1, Ordering::SeqCst);
            Ok(Self(count))
        }
    }

    impl Drop for Counted<'_> {
        fn drop(&mut self) {
            self.0.fetch_sub(1, Ordering::SeqCst);
        }
    }

    #[test]
    fn a_pool_shrinks_when_fewer_jobs_run() {
        const JOBS: usize = 8;
        let (count, together) = (AtomicUsize::new(0), Barrier::new(JOBS));
        let pool = Pool::new();
        std::thread::scope(|scope| {
            for _ in 0..JOBS {
                scope.spawn(|| {
                    let work = |_: &mut Counted<'_>| {
                        together.wait();
                        Ok(())
                    };
                    pool.with('a', || Counted::load(&count), work).expect("no failure");
                });
            }
        });
        assert_eq!(count.load(Ordering::SeqCst), 1, "one is kept for the next job");
        let again = |key| pool.with(key, || Counted::load(&count), |_| Ok(count.load(Ordering::SeqCst)));
        assert_eq!(again('a').expect("no failure"), 1, "it is used again");
        assert_eq!(again('b').expect("no failure"), 2, "another kind has its own");
    }

    #[test]
    fn a_set_that_fails_to_load_or_panics_is_not_counted_as_in_use() {
        let count = AtomicUsize::new(0);
        let pool: Pool<char, Counted<'_>> = Pool::new();
        pool.with('a', || Err(Error::Cancelled), |_| Ok(()))
            .expect_err("not loaded");
        let panics = std::panic::AssertUnwindSafe(|| {
            pool.with('a', || Counted::load(&count), |_| -> Result<()> { panic!("a fault") })
        });
        std::panic::catch_unwind(panics).expect_err("a panic");
        assert_eq!(
            count.load(Ordering::SeqCst),
            0,
            "a set left by a panic is not used again"
        );
        assert_eq!(pool.of('a', |sets| (sets.in_use, sets.free.len())), (0, 0));
    }
}

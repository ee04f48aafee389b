//! Finds and loads the ONNX Runtime library.

use super::library;
use super::provider::{self, Provider, tidy};
use crate::error::{Error, Result};
use crate::foreign;
use crate::settings::Device;
use ort::environment::Environment;
use ort::session::Session;
use ort::session::builder::SessionBuilder;
use std::collections::BTreeMap;
use std::error::Error as _;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, Once, OnceLock, PoisonError};

/// The loaded ONNX Runtime library. Copies refer to the same library.
#[derive(Clone, Copy)]
pub struct Runtime(&'static Loaded);

struct Loaded {
    path: PathBuf,
    environment: Environment,
    cuda: Card,
    webgpu: Card,
    doubts: Mutex<BTreeMap<(Provider, String), Option<String>>>,
}

/// What is known of an execution provider that uses a graphics card.
#[derive(Default)]
struct Card {
    refusal: OnceLock<Option<String>>,
    failure: OnceLock<String>,
}

/// A process can hold one ONNX Runtime environment; a second one is refused. It is never unloaded.
static LOADED: OnceLock<Loaded> = OnceLock::new();
static LOADING: Mutex<()> = Mutex::new(());

/// A library that the binding has loaded although it has no usable API. The binding cannot replace
/// it.
static UNUSABLE: OnceLock<PathBuf> = OnceLock::new();

impl std::fmt::Debug for Runtime {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_tuple("Runtime").field(&self.0.path).finish()
    }
}

impl Runtime {
    /// Loads the library at `explicit` (a file or its folder) or, if `None`, the first that can be
    /// loaded from the folders in `search`. File names are `libonnxruntime.so`, with or without a
    /// version.
    ///
    /// A process loads the library once: later calls return the loaded one, and log a warning if
    /// they request another.
    ///
    /// # Errors
    /// [`Error::RuntimeMissing`] with each place tried and the reason why it failed. A later call
    /// may succeed.
    pub fn load(explicit: Option<&Path>, search: &[PathBuf]) -> Result<Self> {
        let _alone = LOADING.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(loaded) = LOADED.get() {
            if let Some(asked) = explicit.and_then(|path| path.canonicalize().ok())
                && !loaded.path.starts_with(&asked)
            {
                log::warn!(
                    "{}: not loaded, because {} already is; a process can load only one ONNX Runtime",
                    asked.display(),
                    loaded.path.display()
                );
            }
            return Ok(Self(loaded));
        }
        let mut tried = Vec::new();
        let places = explicit.map_or_else(|| search.iter().map(PathBuf::as_path).collect(), |path| vec![path]);
        for place in places {
            for file in libraries(place, &mut tried) {
                match open(&file) {
                    Ok(environment) => {
                        log::debug!("ONNX Runtime: {}", file.display());
                        return Ok(Self(LOADED.get_or_init(|| Loaded {
                            path: file,
                            environment,
                            cuda: Card::default(),
                            webgpu: Card::default(),
                            doubts: Mutex::default(),
                        })));
                    }
                    Err(reason) => tried.push(format!("  {}: {reason}", file.display())),
                }
            }
        }
        if tried.is_empty() {
            tried.push("  nothing: no folder to search was given".to_owned());
        }
        Err(Error::RuntimeMissing { tried })
    }

    /// The library's file.
    pub fn path(&self) -> &Path {
        &self.0.path
    }

    /// The library's version from its file name (`1.31.1`), or else its own description of its
    /// build.
    pub fn version(&self) -> String {
        let name = self.0.path.file_name().and_then(|name| name.to_str());
        match name.and_then(library_version) {
            Some(version) if !version.is_empty() => version.iter().map(u32::to_string).collect::<Vec<_>>().join("."),
            _ => ort::info().to_owned(),
        }
    }

    /// Whether the library contains ONNX Runtime's telemetry, as the published builds from 1.29 on
    /// do: unless `ORT_DISABLE_TELEMETRY=1` is in the environment, such a library writes a device ID
    /// and a queue of events below the home folder when it is loaded, and contacts a server some
    /// seconds later. Determined from the file's content, because a build from source may leave the
    /// telemetry out. `false` if the file can no longer be read.
    pub fn has_telemetry(&self) -> bool {
        library::contains(&self.0.path, b"ORT_DISABLE_TELEMETRY").unwrap_or(false)
    }

    /// Those execution providers that the library was built with and that a
    /// [`Session`](super::Session) can use, as ONNX Runtime names them.
    pub fn providers(&self) -> Vec<&'static str> {
        let graphics = Provider::GRAPHICS.into_iter().filter(|one| one.is_built_in());
        std::iter::once(Provider::Cpu)
            .chain(graphics)
            .map(Provider::id)
            .collect()
    }

    /// The reason why an execution provider cannot be used; `None` if it can. Determined by opening
    /// a session on it, once per process. One that has failed in a run is not used again.
    pub fn refusal(&self, provider: Provider) -> Option<&str> {
        let card = self.card(provider)?;
        let known = card.failure.get().map(String::as_str);
        known.or_else(|| {
            card.refusal
                .get_or_init(|| provider.attempt(&self.0.environment, &self.0.path).err())
                .as_deref()
        })
    }

    /// The execution provider for a device.
    ///
    /// With [`Device::Auto`] it is CUDA, else WebGPU if there is a graphics card, else the CPU; that
    /// a card is not used is logged once per process: as a warning if it is one of NVIDIA's, which
    /// should work, else as information. After a card has failed in a run, it is the CPU.
    ///
    /// # Errors
    /// [`Error::DeviceUnavailable`] if a card is requested and cannot be used.
    pub fn provider(&self, device: Device) -> Result<Provider> {
        static LOGGED: Once = Once::new();
        let candidates: &[Provider] = match device {
            Device::Cpu => return Ok(Provider::Cpu),
            Device::Cuda => &[Provider::Cuda],
            Device::WebGpu => &[Provider::WebGpu],
            // Without a card, Vulkan may have a driver that computes on the processor, far slower.
            Device::Auto if !provider::has_card() => &[Provider::Cuda],
            Device::Auto | Device::Gpu => &Provider::GRAPHICS,
        };
        if let Some(usable) = candidates.iter().find(|one| self.refusal(**one).is_none()) {
            return Ok(*usable);
        }
        if candidates.iter().any(|one| self.has_failed(*one)) {
            return Ok(Provider::Cpu);
        }
        let reasons = candidates.iter().map(|one| {
            let reason = self.refusal(*one).unwrap_or_default();
            match candidates.len() {
                1 => reason.to_owned(),
                _ => format!("{}: {reason}", one.name()),
            }
        });
        let reason = reasons.collect::<Vec<_>>().join("; ");
        if device != Device::Auto {
            return Err(Error::DeviceUnavailable {
                device: device.word().to_owned(),
                reason,
            });
        }
        LOGGED.call_once(|| {
            let names = candidates
                .iter()
                .map(|one| one.name())
                .collect::<Vec<_>>()
                .join(" and ");
            let level = level(provider::has_nvidia_card());
            log::log!(level, "{names} cannot be used, so the CPU is used: {reason}");
        });
        Ok(Provider::Cpu)
    }

    /// Remembers that a card has failed in a run. Returns whether this is the first time.
    pub(super) fn fail(&self, provider: Provider, reason: &str) -> bool {
        let card = self.card(provider);
        card.is_some_and(|card| card.failure.set(reason.to_owned()).is_ok())
    }

    fn has_failed(&self, provider: Provider) -> bool {
        self.card(provider).is_some_and(|card| card.failure.get().is_some())
    }

    fn card(&self, provider: Provider) -> Option<&'static Card> {
        match provider {
            Provider::Cpu => None,
            Provider::Cuda => Some(&self.0.cuda),
            Provider::WebGpu => Some(&self.0.webgpu),
        }
    }

    /// Why a provider is not trusted with the model that has this hash; `None` if it is. Determined
    /// by `check`, once per process.
    pub(super) fn doubt(
        &self,
        provider: Provider,
        sha256: &str,
        check: impl FnOnce() -> Option<String>,
    ) -> (Option<String>, bool) {
        let mut doubts = self.0.doubts.lock().unwrap_or_else(PoisonError::into_inner);
        let key = (provider, sha256.to_owned());
        if let Some(known) = doubts.get(&key) {
            return (known.clone(), false);
        }
        let doubt = check();
        doubts.insert(key, doubt.clone());
        (doubt, true)
    }

    /// A new builder for sessions.
    pub(super) fn builder(&self) -> ort::Result<SessionBuilder> {
        Session::builder(&self.0.environment)
    }
}

/// The log level of the message that no card is used: on most machines this is expected.
fn level(has_card: bool) -> log::Level {
    if has_card { log::Level::Warn } else { log::Level::Info }
}

/// The libraries at `place`, the likeliest first. If there are none, the reason is added to
/// `tried`.
fn libraries(place: &Path, tried: &mut Vec<String>) -> Vec<PathBuf> {
    // An absolute path prevents the system's search, which might find another copy.
    let place = match place.canonicalize() {
        Ok(place) => place,
        Err(e) => {
            tried.push(format!("  {}: {e}", place.display()));
            return vec![];
        }
    };
    if place.is_file() {
        return vec![place];
    }
    let entries = match std::fs::read_dir(&place) {
        Ok(entries) => entries,
        Err(e) => {
            tried.push(format!("  {}: {e}", place.display()));
            return vec![];
        }
    };
    let mut found: Vec<(Vec<u32>, PathBuf)> = entries
        .flatten()
        .filter_map(|entry| Some((library_version(entry.file_name().to_str()?)?, entry.path())))
        .collect();
    if found.is_empty() {
        tried.push(format!("  {}: contains no libonnxruntime.so*", place.display()));
    }
    // A name without a version was chosen by somebody, so it comes first; then the newest version.
    found.sort_by(|a, b| (!a.0.is_empty(), &b.0).cmp(&(!b.0.is_empty(), &a.0)));
    found.into_iter().map(|(_, path)| path).collect()
}

/// The version in a library's file name, empty for a name without one; `None` for other files.
fn library_version(name: &str) -> Option<Vec<u32>> {
    let version = if let Some(rest) = name.strip_prefix("libonnxruntime.so") {
        rest
    } else if let Some(rest) = name.strip_prefix("libonnxruntime") {
        rest.strip_suffix(".dylib")?
    } else {
        name.strip_prefix("onnxruntime")?.strip_suffix(".dll")?
    };
    match version.strip_prefix('.') {
        None => version.is_empty().then(Vec::new),
        Some(version) => version.split('.').map(|part| part.parse().ok()).collect(),
    }
}

fn open(file: &Path) -> std::result::Result<Environment, String> {
    if let Some(held) = UNUSABLE.get() {
        return Err(format!(
            "not tried, because {} was loaded before and cannot be used; restart the program without it",
            held.display()
        ));
    }
    library::check(file)?;
    // The binding panics if a library provides no API, and then keeps no reference to it.
    let no_api = |_| "not a usable ONNX Runtime: its OrtGetApiBase returns no API".to_owned();
    let builder = foreign::caught(|| ort::init_from(file))
        .map_err(no_api)?
        .map_err(|e| match &e {
            ort::LoadDynamicError::Dlopen { error, .. } => {
                error.source().map_or_else(|| error.to_string(), ToString::to_string)
            }
            other => other.to_string(),
        })?;
    let built = foreign::caught(|| builder.with_name("kinescore").with_telemetry(false).build());
    let built = built.map_err(|_| {
        // From here on it stays loaded.
        let _ = UNUSABLE.set(file.to_owned());
        format!(
            "not a usable ONNX Runtime: it has no API of version {}",
            ort::MINOR_VERSION
        )
    })?;
    built.map_err(|e| tidy(e.message()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn library_names_are_distinguished_from_others() {
        assert_eq!(library_version("libonnxruntime.so"), Some(vec![]));
        assert_eq!(library_version("libonnxruntime.so.1.31.1"), Some(vec![1, 31, 1]));
        assert_eq!(library_version("libonnxruntime.1.20.0.dylib"), Some(vec![1, 20, 0]));
        assert_eq!(library_version("onnxruntime.dll"), Some(vec![]));
        for other in [
            "libonnxruntime_providers_cuda.so",
            "libonnxruntime.so.txt",
            "libonnx.so",
            "onnxruntime",
        ] {
            assert_eq!(library_version(other), None, "{other}");
        }
    }

    #[test]
    fn in_a_folder_the_plain_name_comes_first_then_the_newest() {
        let folder = tempfile::tempdir().unwrap();
        for name in [
            "libonnxruntime.so.1.9.0",
            "libonnxruntime.so.1.31.1",
            "libonnxruntime.so",
            "LICENSE",
        ] {
            std::fs::write(folder.path().join(name), "").unwrap();
        }
        let mut tried = vec![];
        let found = libraries(folder.path(), &mut tried);
        let names: Vec<_> = found.iter().map(|p| p.file_name().unwrap().to_str().unwrap()).collect();
        assert_eq!(
            names,
            [
                "libonnxruntime.so",
                "libonnxruntime.so.1.31.1",
                "libonnxruntime.so.1.9.0"
            ]
        );
        assert!(tried.is_empty());
    }

    #[test]
    fn places_without_a_library_are_listed_with_the_reason() {
        let folder = tempfile::tempdir().unwrap();
        let mut tried = vec![];
        assert!(libraries(folder.path(), &mut tried).is_empty());
        assert!(libraries(&folder.path().join("nowhere"), &mut tried).is_empty());
        assert!(tried[0].contains("contains no libonnxruntime.so*"), "{tried:?}");
        assert!(tried[1].contains("nowhere: No such file"), "{tried:?}");
    }

    #[test]
    fn only_a_card_that_is_not_used_is_warned_of() {
        assert_eq!(level(true), log::Level::Warn);
        assert_eq!(level(false), log::Level::Info);
    }

    #[test]
    fn a_card_that_is_asked_for_and_not_there_is_refused_with_the_reason() {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join(".setup/onnxruntime");
        let runtime = Runtime::load(None, &[folder]).unwrap();
        assert_eq!(runtime.provider(Device::Cpu).unwrap(), Provider::Cpu);
        // The build of the set-up has no provider for graphics cards.
        assert_eq!(runtime.provider(Device::Auto).unwrap(), Provider::Cpu);
        for (device, names) in [
            (Device::Cuda, vec!["has no CUDA"]),
            (Device::WebGpu, vec!["has no WebGPU"]),
            (Device::Gpu, vec!["CUDA: ", "has no CUDA", "WebGPU: ", "has no WebGPU"]),
        ] {
            let error = runtime.provider(device).unwrap_err();
            assert!(matches!(&error, Error::DeviceUnavailable { device: named, .. } if named == device.word()));
            let text = error.to_string();
            assert!(names.iter().all(|name| text.contains(name)), "{text}");
        }
    }
}

//! Finds and loads the ONNX Runtime library.

use super::library;
use crate::error::{Error, Result};
use crate::foreign;
use ort::environment::Environment;
use ort::ep::{self, ExecutionProvider};
use ort::session::Session;
use ort::session::builder::SessionBuilder;
use std::error::Error as _;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, OnceLock, PoisonError};

/// The loaded ONNX Runtime library. Copies refer to the same library.
#[derive(Clone, Copy)]
pub struct Runtime(&'static Loaded);

struct Loaded {
    path: PathBuf,
    environment: Environment,
    cuda_refusal: OnceLock<Option<String>>,
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
                            cuda_refusal: OnceLock::new(),
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
    /// [`Session`](super::Session) can use.
    pub fn providers(&self) -> Vec<&'static str> {
        let cuda = ep::CUDA::is_available().unwrap_or(false).then_some(ep::CUDA::NAME);
        std::iter::once(ep::CPU::NAME).chain(cuda).collect()
    }

    /// Whether the system has an NVIDIA graphics card, so that CUDA could be expected to work.
    pub fn has_nvidia_card() -> bool {
        card_below(Path::new("/"))
    }

    /// The reason why CUDA cannot be used; `None` if it can. Determined by opening a session on the
    /// GPU, once per process.
    pub fn cuda_refusal(&self) -> Option<&str> {
        self.0
            .cuda_refusal
            .get_or_init(|| try_cuda(&self.0.environment).err())
            .as_deref()
    }

    /// # Errors
    /// [`Error::DeviceUnavailable`] if CUDA cannot be used.
    pub fn check_cuda(&self) -> Result<()> {
        match self.cuda_refusal() {
            None => Ok(()),
            Some(reason) => Err(Error::DeviceUnavailable {
                device: "cuda".to_owned(),
                reason: reason.to_owned(),
            }),
        }
    }

    /// A new builder for sessions.
    pub(super) fn builder(&self) -> ort::Result<SessionBuilder> {
        Session::builder(&self.0.environment)
    }
}

/// A minimal model: one Identity of one f32. ONNX's protocol buffers, field by field.
#[rustfmt::skip]
const IDENTITY: &[u8] = &[
    0x08, 0x08,                                                     // ir_version 8
    0x3a, 0x2f,                                                     // graph
        0x0a, 0x10,                                                 //   node
            0x0a, 0x01, b'x', 0x12, 0x01, b'y',                     //     input x, output y
            0x22, 0x08, b'I', b'd', b'e', b'n', b't', b'i', b't', b'y',
        0x12, 0x01, b'g',                                           //   name
        0x5a, 0x0b,                                                 //   input
            0x0a, 0x01, b'x', 0x12, 0x06, 0x0a, 0x04, 0x08, 0x01, 0x12, 0x00,
        0x62, 0x0b,                                                 //   output
            0x0a, 0x01, b'y', 0x12, 0x06, 0x0a, 0x04, 0x08, 0x01, 0x12, 0x00,
    0x42, 0x04, 0x0a, 0x00, 0x10, 0x11,                             // opset 17
];

/// Whether NVIDIA's driver has a card, in the file system at `root`.
fn card_below(root: &Path) -> bool {
    ["dev/nvidia0", "proc/driver/nvidia"]
        .iter()
        .any(|sign| root.join(sign).exists())
}

/// Registering the provider explicitly returns the reason of a refusal, which ort would only log.
/// Only making a session shows whether a GPU responds.
fn try_cuda(environment: &Environment) -> std::result::Result<(), String> {
    let mut builder = Session::builder(environment).map_err(|e| e.to_string())?;
    ep::CUDA::default()
        .register(&mut builder)
        .map_err(|e| tidy(e.message()))?;
    builder.commit_from_memory(IDENTITY).map_err(|e| tidy(e.message()))?;
    Ok(())
}

/// ONNX Runtime's messages contain line breaks and runs of spaces.
fn tidy(message: &str) -> String {
    message.split_whitespace().collect::<Vec<_>>().join(" ")
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
    fn a_card_is_known_by_its_driver() {
        let root = tempfile::tempdir().unwrap();
        std::fs::create_dir_all(root.path().join("dev")).unwrap();
        assert!(!card_below(root.path()));
        std::fs::write(root.path().join("dev/nvidia0"), "").unwrap();
        assert!(card_below(root.path()));
        let root = tempfile::tempdir().unwrap();
        std::fs::create_dir_all(root.path().join("proc/driver/nvidia/gpus")).unwrap();
        assert!(card_below(root.path()));
    }

    #[test]
    fn the_probe_model_is_a_model() {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join(".setup/onnxruntime");
        let runtime = Runtime::load(None, &[folder]).unwrap();
        let session = runtime.builder().unwrap().commit_from_memory(IDENTITY).unwrap();
        assert_eq!((session.inputs()[0].name(), session.outputs()[0].name()), ("x", "y"));
    }
}

//! ONNX Runtime's execution providers: the processor, and those that use a graphics card.

use ort::environment::Environment;
use ort::ep::{self, ExecutionProvider};
use ort::session::Session;
use ort::session::builder::SessionBuilder;
use std::path::{Path, PathBuf};

/// What a session runs on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Provider {
    /// The processor.
    Cpu,
    /// A card of NVIDIA's, by CUDA.
    Cuda,
    /// Any card with a driver for Vulkan, by WebGPU.
    WebGpu,
}

impl Provider {
    /// Those that use a graphics card, the fastest first.
    pub const GRAPHICS: [Self; 2] = [Self::Cuda, Self::WebGpu];

    /// Its word as a value of the setting `device`.
    pub fn word(self) -> &'static str {
        match self {
            Self::Cpu => "cpu",
            Self::Cuda => "cuda",
            Self::WebGpu => "webgpu",
        }
    }

    /// Its name, in sentences.
    pub fn name(self) -> &'static str {
        match self {
            Self::Cpu => "the CPU",
            Self::Cuda => "CUDA",
            Self::WebGpu => "WebGPU",
        }
    }

    /// Whether the loaded library was built with it.
    pub(super) fn is_built_in(self) -> bool {
        let found = match self {
            Self::Cpu => Ok(true),
            Self::Cuda => ep::CUDA::is_available(),
            Self::WebGpu => ep::WebGPU::is_available(),
        };
        found.unwrap_or(false)
    }

    /// ONNX Runtime's name for it.
    pub(super) fn id(self) -> &'static str {
        match self {
            Self::Cpu => ep::CPU::NAME,
            Self::Cuda => ep::CUDA::NAME,
            Self::WebGpu => ep::WebGPU::NAME,
        }
    }

    /// Lets a session use it. Registering explicitly returns the reason of a refusal, which ort would
    /// only log.
    pub(super) fn register(self, builder: &mut SessionBuilder) -> Result<(), String> {
        let done = match self {
            Self::Cpu => Ok(()),
            Self::Cuda => ep::CUDA::default().register(builder),
            Self::WebGpu => ep::WebGPU::default().register(builder),
        };
        done.map_err(|e| tidy(e.message()))
    }

    /// Opens a session on it. Only that shows whether a card responds. `library` is the file of ONNX
    /// Runtime.
    pub(super) fn attempt(self, environment: &Environment, library: &Path) -> Result<(), String> {
        if !self.is_built_in() {
            return Err(format!(
                "this build of ONNX Runtime ({}) has no {}",
                library.display(),
                self.name()
            ));
        }
        if self == Self::Cuda {
            preload(&beside(library));
        }
        let mut builder = Session::builder(environment).map_err(|e| tidy(e.message()))?;
        self.register(&mut builder)?;
        builder.commit_from_memory(IDENTITY).map_err(|e| tidy(e.message()))?;
        Ok(())
    }
}

/// Whether NVIDIA's driver has a card.
pub fn has_nvidia_card() -> bool {
    nvidia_below(Path::new("/"))
}

/// Whether there is a graphics card that renders, of any maker.
pub fn has_card() -> bool {
    has_nvidia_card() || renderer_below(Path::new("/"))
}

/// The graphics cards that the kernel knows, by maker and driver: "AMD (amdgpu)".
pub fn cards() -> Vec<String> {
    cards_below(Path::new("/"))
}

fn cards_below(root: &Path) -> Vec<String> {
    let mut found = Vec::new();
    for card in sorted(&root.join("sys/class/drm")) {
        let is_renderer = card
            .file_name()
            .is_some_and(|name| name.to_string_lossy().starts_with("renderD"));
        let Ok(vendor) = std::fs::read_to_string(card.join("device/vendor")) else {
            continue;
        };
        if is_renderer {
            let driver = std::fs::read_link(card.join("device/driver")).unwrap_or_default();
            let driver = driver.file_name().unwrap_or_default().to_string_lossy().into_owned();
            found.push(format!("{} ({driver})", maker(vendor.trim())));
        }
    }
    // NVIDIA's own driver may be there without a renderer of the kernel.
    let has_nvidia = found.iter().any(|card| card.starts_with("NVIDIA"));
    let version = std::fs::read_to_string(root.join("proc/driver/nvidia/version"));
    if let (false, Ok(version)) = (has_nvidia, version) {
        found.push(format!(
            "NVIDIA ({})",
            version.lines().next().unwrap_or_default().trim()
        ));
    }
    found
}

/// The maker by its number on the PCI bus.
fn maker(vendor: &str) -> String {
    match vendor {
        "0x10de" => "NVIDIA".to_owned(),
        "0x1002" => "AMD".to_owned(),
        "0x8086" => "Intel".to_owned(),
        other => format!("maker {other}"),
    }
}

fn nvidia_below(root: &Path) -> bool {
    ["dev/nvidia0", "proc/driver/nvidia"]
        .iter()
        .any(|sign| root.join(sign).exists())
}

/// The kernel has a file "renderD…" for each card with a driver.
fn renderer_below(root: &Path) -> bool {
    let entries = std::fs::read_dir(root.join("dev/dri")).into_iter().flatten().flatten();
    entries
        .into_iter()
        .any(|entry| entry.file_name().to_string_lossy().starts_with("renderD"))
}

/// NVIDIA's libraries that Python's packages install beside the package of ONNX Runtime, in
/// `nvidia/*/lib`. Its library does not look there itself.
fn beside(library: &Path) -> Vec<PathBuf> {
    // …/onnxruntime/capi/libonnxruntime.so.1
    let Some(packages) = library.ancestors().nth(3) else {
        return vec![];
    };
    let mut found = Vec::new();
    for folder in sorted(&packages.join("nvidia")) {
        let libraries = sorted(&folder.join("lib"));
        found.extend(libraries.into_iter().filter(|file| {
            let name = file.file_name().unwrap_or_default().to_string_lossy();
            name.starts_with("lib") && name.contains(".so.")
        }));
    }
    found
}

fn sorted(folder: &Path) -> Vec<PathBuf> {
    let entries = std::fs::read_dir(folder).into_iter().flatten().flatten();
    let mut paths: Vec<PathBuf> = entries.map(|entry| entry.path()).collect();
    paths.sort();
    paths
}

/// Loads libraries by their paths, so that those that need them by name find them loaded. Some need
/// others of them: what cannot be loaded is tried again after the others.
fn preload(libraries: &[PathBuf]) {
    let mut left: Vec<&PathBuf> = libraries.iter().collect();
    loop {
        let before = left.len();
        left.retain(|file| match ort::util::preload_dylib(file.as_path()) {
            Ok(()) => false,
            Err(error) => {
                log::debug!("{}: cannot be loaded: {error}", file.display());
                true
            }
        });
        if left.is_empty() || left.len() == before {
            return;
        }
    }
}

/// ONNX Runtime's messages contain line breaks and runs of spaces.
pub(super) fn tidy(message: &str) -> String {
    message.split_whitespace().collect::<Vec<_>>().join(" ")
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::Runtime;

    #[test]
    fn a_card_is_known_by_its_driver() {
        let root = tempfile::tempdir().unwrap();
        std::fs::create_dir_all(root.path().join("dev/dri")).unwrap();
        assert!(!nvidia_below(root.path()));
        std::fs::write(root.path().join("dev/nvidia0"), "").unwrap();
        assert!(nvidia_below(root.path()));
        std::fs::write(root.path().join("dev/dri/card0"), "").unwrap();
        assert!(!renderer_below(root.path()), "a screen is not a card that renders");
        std::fs::write(root.path().join("dev/dri/renderD128"), "").unwrap();
        assert!(renderer_below(root.path()));
        let root = tempfile::tempdir().unwrap();
        std::fs::create_dir_all(root.path().join("proc/driver/nvidia/gpus")).unwrap();
        assert!(nvidia_below(root.path()) && !renderer_below(root.path()));
    }

    #[test]
    fn cards_are_listed_by_maker_and_driver() {
        let root = tempfile::tempdir().unwrap();
        assert!(cards_below(root.path()).is_empty());
        for (name, vendor, driver) in [("renderD128", "0x1002\n", "amdgpu"), ("card0", "0x1002\n", "amdgpu")] {
            let device = root.path().join("sys/class/drm").join(name).join("device");
            std::fs::create_dir_all(&device).unwrap();
            std::fs::write(device.join("vendor"), vendor).unwrap();
            std::os::unix::fs::symlink(Path::new("../drivers").join(driver), device.join("driver")).unwrap();
        }
        assert_eq!(cards_below(root.path()), ["AMD (amdgpu)"]);
        std::fs::create_dir_all(root.path().join("proc/driver/nvidia")).unwrap();
        std::fs::write(
            root.path().join("proc/driver/nvidia/version"),
            "NVRM version: 580\nGCC\n",
        )
        .unwrap();
        assert_eq!(cards_below(root.path()), ["AMD (amdgpu)", "NVIDIA (NVRM version: 580)"]);
    }

    #[test]
    fn libraries_of_nvidia_are_found_beside_the_package_of_onnx_runtime() {
        let root = tempfile::tempdir().unwrap();
        for file in [
            "onnxruntime/capi/libonnxruntime.so.1.31.1",
            "nvidia/cudnn/lib/libcudnn.so.9",
            "nvidia/cu13/lib/libcudart.so.13",
            "nvidia/cu13/lib/notes.txt",
            "nvidia/cu13/include/cuda.h",
        ] {
            let path = root.path().join(file);
            std::fs::create_dir_all(path.parent().unwrap()).unwrap();
            std::fs::write(path, "").unwrap();
        }
        let found = beside(&root.path().join("onnxruntime/capi/libonnxruntime.so.1.31.1"));
        let expected = ["nvidia/cu13/lib/libcudart.so.13", "nvidia/cudnn/lib/libcudnn.so.9"];
        assert_eq!(found, expected.map(|file| root.path().join(file)));
        preload(&found); // none is a library: it ends all the same
        assert!(beside(Path::new("/libonnxruntime.so")).is_empty());
    }

    #[test]
    fn the_probe_model_is_a_model() {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join(".setup/onnxruntime");
        let runtime = Runtime::load(None, &[folder]).unwrap();
        let session = runtime.builder().unwrap().commit_from_memory(IDENTITY).unwrap();
        assert_eq!((session.inputs()[0].name(), session.outputs()[0].name()), ("x", "y"));
    }
}

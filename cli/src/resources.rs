//! Finds models, SoundFont and ONNX Runtime. Apart from `main`, the only place that reads the
//! environment.

use crate::exit::{Failure, RESOURCES};
use crate::places::{CacheFlags, ResourceFlags};
use kinescore::host::{SoundFont, has_nvidia_card};
use kinescore::{Error, Resources};
use std::env;
use std::fs;
use std::path::{Path, PathBuf};

/// Environment variable with the folder of the models.
pub const MODELS_VARIABLE: &str = "KINESCORE_MODELS";
/// Environment variable with the ONNX Runtime library or its folder.
pub const RUNTIME_VARIABLE: &str = "KINESCORE_ONNXRUNTIME";

/// Environment variable with the folder of the cache.
pub const CACHE_VARIABLE: &str = "KINESCORE_CACHE";
/// The builds of ONNX Runtime for graphics cards: for those of NVIDIA's, and for any.
pub const GRAPHICS_BUILDS: [&str; 2] = ["cuda", "webgpu"];
/// Where the libraries are in a build of ONNX Runtime for graphics cards.
pub const GRAPHICS_LIBRARIES: &str = "onnxruntime/capi";

/// The value of [`CACHE_VARIABLE`] that disables the cache.
const NO_CACHE: &str = "off";

/// The resources given by the flags, the environment, and the folders around the program, in this
/// order.
pub fn find(flags: &ResourceFlags) -> Result<Resources, Failure> {
    Ok(Resources {
        models: models(flags)?,
        runtime: flags.onnxruntime.clone().or_else(|| variable(RUNTIME_VARIABLE)),
        runtime_search: runtime_folders(),
        graphics_search: graphics_builds(),
        sound_font: flags.soundfont.clone(),
        cache: cache(&flags.cache),
        cache_limit: flags.cache.cache_size,
    })
}

/// The folder of the cache; `None` if it is disabled, or if no folder is known for it.
pub fn cache(flags: &CacheFlags) -> Option<PathBuf> {
    if flags.no_cache {
        return None;
    }
    if let Some(folder) = flags.cache.clone().or_else(|| variable(CACHE_VARIABLE)) {
        return (flags.cache.is_some() || folder.as_os_str() != NO_CACHE).then_some(folder);
    }
    user_folder("XDG_CACHE_HOME", ".cache").map(|folder| folder.join("kinescore"))
}

/// Where `kinescore setup gpu` puts builds of ONNX Runtime; `None` if no folder is known for it.
pub fn graphics_folder() -> Option<PathBuf> {
    user_folder("XDG_DATA_HOME", ".local/share").map(|folder| folder.join("kinescore/graphics"))
}

/// The folders with the libraries of those builds, the best first.
fn graphics_builds() -> Vec<PathBuf> {
    let Some(folder) = graphics_folder() else {
        return vec![];
    };
    let mut builds = GRAPHICS_BUILDS;
    if !has_nvidia_card() {
        builds.reverse();
    }
    let libraries = builds.map(|build| folder.join(build).join(GRAPHICS_LIBRARIES));
    libraries.into_iter().filter(|folder| folder.is_dir()).collect()
}

/// An XDG base directory: the one that the variable names, or its default below the home folder.
pub fn user_folder(name: &str, below_home: &str) -> Option<PathBuf> {
    // The standard requires that a relative path be ignored.
    let named = variable(name).filter(|folder| folder.is_absolute());
    named.or_else(|| variable("HOME").map(|home| home.join(below_home)))
}

/// Reports a SoundFont that is missing or cannot be read before any work, although it is loaded
/// late.
pub fn check_sound_font(flags: &ResourceFlags) -> Result<(), Error> {
    match &flags.soundfont {
        Some(path) => SoundFont::check_file(path),
        None => Ok(()),
    }
}

/// The folder of the models. If the user names one, no other is tried, so that errors refer to that
/// folder.
fn models(flags: &ResourceFlags) -> Result<PathBuf, Failure> {
    if let Some(folder) = flags.models.clone().or_else(|| variable(MODELS_VARIABLE)) {
        return Ok(folder);
    }
    let candidates: Vec<PathBuf> = program_folder()
        .map(|here| ["models", "../share/kinescore/models", "../../models"].map(|place| here.join(place)))
        .into_iter()
        .flatten()
        .collect();
    if let Some(folder) = candidates.iter().find(|folder| folder.join("manifest.toml").is_file()) {
        return Ok(folder.canonicalize().unwrap_or_else(|_| folder.clone()));
    }
    let tried = candidates
        .iter()
        .map(|folder| format!("\n  {}", folder.display()))
        .collect::<String>();
    Err(Failure {
        code: RESOURCES,
        message: format!(
            "no folder with the models (manifest.toml) was found; tried:{tried}\nspecify it with --models DIR or {MODELS_VARIABLE}"
        ),
    })
}

/// Folders that may hold the ONNX Runtime library, nearest first.
fn runtime_folders() -> Vec<PathBuf> {
    let mut folders = Vec::new();
    if let Some(here) = program_folder() {
        folders.extend(["", "../lib/kinescore", "../lib", "../../.setup/onnxruntime"].map(|place| here.join(place)));
    }
    // Python's onnxruntime package includes the same library.
    let mut pythons = Vec::new();
    pythons.extend(variable("VIRTUAL_ENV").map(|root| (root.join("lib"), "site-packages")));
    pythons.extend(variable("HOME").map(|home| (home.join(".local/lib"), "site-packages")));
    pythons.push((PathBuf::from("/usr/local/lib"), "dist-packages"));
    for (root, packages) in pythons {
        folders.extend(
            versions_of_python(&root)
                .into_iter()
                .map(|python| python.join(packages).join("onnxruntime/capi")),
        );
    }
    folders.extend(["/usr/local/lib", debian_folder(), "/usr/lib64", "/usr/lib"].map(PathBuf::from));
    folders
}

/// Debian's library folder for this processor.
fn debian_folder() -> &'static str {
    if cfg!(target_arch = "aarch64") {
        "/usr/lib/aarch64-linux-gnu"
    } else {
        "/usr/lib/x86_64-linux-gnu"
    }
}

/// `root/python3.*`, in an order that does not depend on the file system.
fn versions_of_python(root: &Path) -> Vec<PathBuf> {
    let mut found: Vec<PathBuf> = fs::read_dir(root)
        .into_iter()
        .flatten()
        .flatten()
        .filter(|entry| entry.file_name().to_string_lossy().starts_with("python3"))
        .map(|entry| entry.path())
        .collect();
    found.sort();
    found.reverse();
    found
}

/// The file of this program, without links.
pub fn program() -> Result<PathBuf, Error> {
    let program = env::current_exe().and_then(|program| program.canonicalize());
    program.map_err(Error::input(Path::new("the program's own file")))
}

fn program_folder() -> Option<PathBuf> {
    program().ok()?.parent().map(Path::to_owned)
}

/// The folders of PATH, in which a shell searches for programs. Those relative to the current folder
/// are left out.
pub fn search_path() -> Vec<PathBuf> {
    let folders = variable("PATH").unwrap_or_default();
    env::split_paths(&folders)
        .filter(|folder| folder.is_absolute())
        .collect()
}

/// An environment variable that is not empty.
pub fn variable(name: &str) -> Option<PathBuf> {
    env::var_os(name).filter(|value| !value.is_empty()).map(PathBuf::from)
}

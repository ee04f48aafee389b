//! The engine: the resources shared by all jobs.

use crate::arguments::{self, Sized32};
use crate::cut::cut;
use crate::guard::{guard, quietly};
use crate::settings::{self, Settings};
use crate::status::{Failure, Status};
use crate::version::kinescore_abi_version;
use kinescore_core::Marks;
use kinescore_core::Resources as Places;
use std::ffi::{CStr, OsStr, c_char, c_void};
use std::mem::{MaybeUninit, offset_of};
use std::os::unix::ffi::OsStrExt;
use std::path::PathBuf;
use std::sync::Arc;

/// Where the library finds its files. A field that is NULL, "" or 0 means its default; strings are
/// UTF-8.
#[derive(Clone, Copy)]
#[repr(C)]
pub struct Resources {
    /// sizeof(kinescore_resources), set by the caller.
    pub struct_size: u32,
    /// Threads of each pose network, at least 1. Default: 1, which is as fast as more while
    /// decoding runs in parallel. The notes do not depend on the number.
    pub threads: u32,
    /// Folder of the models, with manifest.toml. Default: models, ../share/kinescore/models or
    /// ../../share/kinescore/models, relative to the folder of the library (linked statically: of
    /// the program).
    pub models: *const c_char,
    /// The ONNX Runtime library, or its folder. Default: searched for in this library's folder, its
    /// subfolder kinescore, ../lib/kinescore, ../lib, and the system's library folders. A process
    /// loads it only once: the first engine decides which.
    pub onnxruntime: *const c_char,
    /// A SoundFont (.sf2, .sf3) to use instead of the bundled one.
    pub soundfont: *const c_char,
    /// Folder of the cache: poses and compositions are kept there by the content of the media, so
    /// that they are computed only once. NULL: nothing is kept. Several processes may share the
    /// folder.
    pub cache: *const c_char,
    /// Maximum size of the cache folder, bytes; 0: 2 GiB.
    pub cache_limit: u64,
}

// SAFETY: numbers and pointers only, struct_size first.
unsafe impl Sized32 for Resources {
    const NAME: &'static str = "kinescore_resources";
    const LEAST: usize = offset_of!(Self, cache_limit) + size_of::<u64>();
}

/// Loaded models and SoundFont, shared by all jobs and all threads.
pub struct Engine(pub Arc<kinescore_core::Engine>);

/// Makes an engine; `resources` NULL means all defaults. Reads the manifest of the models; the
/// models themselves, ONNX Runtime and the SoundFont are loaded when a job first needs them, and
/// stay loaded. One engine is enough for a process.
///
/// KINESCORE_MODEL_MISSING or KINESCORE_MANIFEST if the manifest of the models is missing or cannot
/// be used.
///
/// # Safety
/// `resources` must be NULL or point to such a struct with its struct_size set; `engine` must be
/// NULL or writable.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn kinescore_engine_new(resources: *const Resources, engine: *mut *mut Engine) -> Status {
    guard("kinescore_engine_new", || {
        arguments::check(engine, "engine")?;
        // SAFETY: by contract.
        let (places, threads) = unsafe { places(resources) }?;
        let made = kinescore_core::Engine::new(places)?.with_threads(threads);
        let made = Box::into_raw(Box::new(Engine(Arc::new(made))));
        // SAFETY: checked above, writable by contract.
        unsafe { arguments::write_one(engine, made, "engine") }
    })
}

/// The files of an engine, and the threads of each pose network; 0 for the default.
///
/// # Safety
/// `resources` must be NULL or point to such a struct with its struct_size set.
unsafe fn places(resources: *const Resources) -> Result<(Places, usize), Failure> {
    let mut places = Places {
        runtime_search: runtime_folders(),
        graphics_search: vec![],
        ..Places::default()
    };
    let (mut models, mut threads) = (None, 0);
    if !resources.is_null() {
        // SAFETY: by contract.
        unsafe {
            let given = arguments::read(resources)?;
            threads = given.threads as usize;
            models = arguments::optional_path(given.models, "models")?;
            places.runtime = arguments::optional_path(given.onnxruntime, "onnxruntime")?;
            places.cache = arguments::optional_path(given.cache, "cache")?;
            places.cache_limit = Some(given.cache_limit).filter(|limit| *limit > 0);
            places.sound_font = arguments::optional_path(given.soundfont, "soundfont")?;
        }
    }
    places.models = models.map_or_else(find_models, Ok)?;
    Ok((places, threads))
}

/// Copies the key of the soundtrack without marks for a media file, these settings and this cut (as
/// in kinescore_job_set_cut) into `buffer`, and its size in bytes, including the NUL byte, into
/// `size`. The key is a hash of the media's content, cut, settings and models, as text: a
/// soundtrack that has the same key is up to date. `settings` NULL means the defaults. If `buffer`
/// is NULL and `capacity` 0, only the size is returned. The media is read, but not decoded, and not
/// read again until the file changes.
///
/// KINESCORE_INPUT if the media cannot be read; KINESCORE_BAD_ARGUMENT if the speed is out of
/// range; KINESCORE_SETTING_VALUE if settings contradict each other; KINESCORE_BUFFER_TOO_SMALL.
///
/// # Safety
/// `engine` must be alive, `settings` NULL or alive, `media` must end with a NUL byte, `buffer`
/// must have `capacity` bytes, and `size` must be writable.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn kinescore_engine_key(
    engine: *const Engine,
    settings: *const Settings,
    media: *const c_char,
    start: i64,
    end: i64,
    speed_numerator: u32,
    speed_denominator: u32,
    buffer: *mut c_char,
    capacity: usize,
    size: *mut usize,
) -> Status {
    guard("kinescore_engine_key", || {
        // SAFETY: by contract.
        unsafe {
            let engine = arguments::handle(engine, "engine")?;
            let settings = settings::values(settings)?;
            let media = arguments::path(media, "media")?;
            let cut = cut(start, end, speed_numerator, speed_denominator)?;
            let key = engine.0.key(&settings, &media, cut, &Marks::default())?;
            arguments::write_text(&key, buffer, capacity, size)
        }
    })
}

/// Frees an engine. NULL is fine. Jobs that were made with it can still be used; the models are
/// freed with the last of them.
///
/// # Safety
/// `engine` must be NULL or made by kinescore_engine_new and not yet freed.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn kinescore_engine_free(engine: *mut Engine) {
    quietly("kinescore_engine_free", || {
        if !engine.is_null() {
            // SAFETY: by contract made by us and not yet freed.
            drop(unsafe { Box::from_raw(engine) });
        }
    });
}

/// Folder of the file from which this code was loaded.
fn own_folder() -> Option<PathBuf> {
    let mut found = MaybeUninit::<libc::Dl_info>::uninit();
    let inside = kinescore_abi_version as *const c_void;
    // SAFETY: `found` is written if the result is not 0, and its name is a string that lives as
    // long as this code.
    let name = unsafe {
        if libc::dladdr(inside, found.as_mut_ptr()) == 0 {
            return None;
        }
        let found = found.assume_init();
        if found.dli_fname.is_null() {
            return None;
        }
        CStr::from_ptr(found.dli_fname)
    };
    let file = PathBuf::from(OsStr::from_bytes(name.to_bytes())).canonicalize().ok()?;
    file.parent().map(PathBuf::from)
}

fn find_models() -> Result<PathBuf, Failure> {
    let places = ["models", "../share/kinescore/models", "../../share/kinescore/models"];
    let candidates: Vec<PathBuf> = own_folder()
        .into_iter()
        .flat_map(|here| places.map(|place| here.join(place)))
        .collect();
    let found = candidates.iter().find(|folder| folder.join("manifest.toml").is_file());
    found.cloned().ok_or_else(|| {
        let tried: Vec<String> = candidates.iter().map(|folder| folder.display().to_string()).collect();
        Failure::new(
            Status::ModelMissing,
            format!(
                "no folder with the models (manifest.toml) was specified, and none was found in {}",
                tried.join(", ")
            ),
        )
    })
}

fn runtime_folders() -> Vec<PathBuf> {
    let here = own_folder().into_iter();
    let beside = here.flat_map(|here| ["", "kinescore", "../lib/kinescore", "../lib"].map(|place| here.join(place)));
    let debian = if cfg!(target_arch = "aarch64") {
        "/usr/lib/aarch64-linux-gnu"
    } else {
        "/usr/lib/x86_64-linux-gnu"
    };
    beside
        .chain(["/usr/local/lib", debian, "/usr/lib64", "/usr/lib"].map(PathBuf::from))
        .collect()
}

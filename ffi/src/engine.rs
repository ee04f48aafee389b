//! The engine: what all jobs share.

use crate::arguments::{self, Sized32};
use crate::cut::cut;
use crate::guard::{guard, quietly};
use crate::settings::{self, Settings};
use crate::status::{Failure, Status};
use crate::version::kinescore_abi_version;
use kinescore_core::Resources as Places;
use std::ffi::{CStr, OsStr, c_char, c_void};
use std::mem::{MaybeUninit, offset_of};
use std::os::unix::ffi::OsStrExt;
use std::path::PathBuf;
use std::sync::Arc;

/// Where the library finds what it loads. A field that is NULL, "" or 0 stands for its default; the texts are UTF-8.
#[derive(Clone, Copy)]
#[repr(C)]
pub struct Resources {
    /// sizeof(kinescore_resources), set by the caller.
    pub struct_size: u32,
    /// Threads of each pose network, at least 1; by default 1, which is as fast where decoding runs beside it. The notes
    /// are the same with any number.
    pub threads: u32,
    /// Folder of the models, with manifest.toml; by default models, ../share/kinescore/models or
    /// ../../share/kinescore/models, as seen from the library's (linked statically: the program's) folder.
    pub models: *const c_char,
    /// The ONNX Runtime library, or a folder that holds it; by default it is looked for beside this library, in the folder
    /// kinescore there, in ../lib/kinescore and ../lib, and in the system's library folders. A process loads it once: the
    /// first engine decides.
    pub onnxruntime: *const c_char,
    /// A SoundFont (.sf2, .sf3) in place of the one that ships.
    pub soundfont: *const c_char,
    /// Folder in which what was found in media is kept by their content, so that it is found once: poses and what is
    /// composed. NULL: nothing is kept. Several processes may share it.
    pub cache: *const c_char,
    /// Greatest size of that folder, bytes; 0: 2 GiB.
    pub cache_limit: u64,
}

// SAFETY: numbers and pointers only, struct_size first.
unsafe impl Sized32 for Resources {
    const NAME: &'static str = "kinescore_resources";
    const LEAST: usize = offset_of!(Self, cache_limit) + size_of::<u64>();
}

/// Loaded models and SoundFont, shared by all jobs and all threads.
pub struct Engine(pub Arc<kinescore_core::Engine>);

/// Makes an engine; `resources` NULL stands for all defaults. Reads the list of the models; the models themselves, ONNX
/// Runtime and the SoundFont are loaded when a job first needs them, and stay loaded. One engine is enough for a process.
///
/// KINESCORE_MODEL_MISSING, KINESCORE_MANIFEST when the list of the models cannot be used.
///
/// # Safety
/// `resources` must be NULL or such a struct with its struct_size set, `engine` be NULL or writable.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn kinescore_engine_new(resources: *const Resources, engine: *mut *mut Engine) -> Status {
    guard("kinescore_engine_new", || {
        arguments::check(engine, "engine")?;
        let mut threads = 0;
        let mut places = Places::default();
        let mut models = None;
        if !resources.is_null() {
            // SAFETY: by contract.
            unsafe {
                let given = arguments::read(resources)?;
                threads = given.threads;
                models = arguments::optional_path(given.models, "models")?;
                places.runtime = arguments::optional_path(given.onnxruntime, "onnxruntime")?;
                places.cache = arguments::optional_path(given.cache, "cache")?;
                places.cache_limit = Some(given.cache_limit).filter(|limit| *limit > 0);
                places.sound_font = arguments::optional_path(given.soundfont, "soundfont")?;
            }
        }
        places.models = models.map_or_else(find_models, Ok)?;
        places.runtime_search = runtime_folders();
        let made = kinescore_core::Engine::new(places)?.with_threads(threads as usize);
        let made = Box::into_raw(Box::new(Engine(Arc::new(made))));
        // SAFETY: checked above, writable by contract.
        unsafe { arguments::write_one(engine, made, "engine") }
    })
}

/// Copies the key of the soundtrack that a media file gives with these settings and this cut (as in kinescore_job_set_cut):
/// a hash of the media's content, cut, settings and models, as text, NUL byte included; its size in bytes goes into `size`.
/// Where you have a soundtrack of that key there is nothing to do. `settings` NULL stands for the defaults. With a `buffer`
/// of NULL and a `capacity` of 0 only the size is returned. The media is read, once for as long as it is not touched; it is not
/// decoded.
///
/// KINESCORE_INPUT when it cannot be read; KINESCORE_BAD_ARGUMENT for a speed that is not allowed; KINESCORE_SETTING_VALUE when
/// settings do not fit together;
/// KINESCORE_BUFFER_TOO_SMALL.
///
/// # Safety
/// `engine` must be alive, `settings` NULL or alive, `media` end with a NUL byte, `buffer` have `capacity` bytes, `size` be
/// writable.
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
            let key = engine.0.key(&settings, &media, cut)?;
            arguments::write_text(&key, buffer, capacity, size)
        }
    })
}

/// Frees an engine. NULL is fine. Jobs that were made with it go on; the last of them frees what is loaded.
///
/// # Safety
/// `engine` must be NULL or made by kinescore_engine_new and not yet freed.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn kinescore_engine_free(engine: *mut Engine) {
    quietly("kinescore_engine_free", || {
        if !engine.is_null() {
            // SAFETY: by contract ours and not yet freed.
            drop(unsafe { Box::from_raw(engine) });
        }
    });
}

/// Folder of the file that this code was loaded from.
fn own_folder() -> Option<PathBuf> {
    let mut found = MaybeUninit::<libc::Dl_info>::uninit();
    let inside = kinescore_abi_version as *const c_void;
    // SAFETY: `found` is written when the answer is not 0, and its name is a string that lives as long as this code.
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
                "no folder with the models (manifest.toml) was named, nor is there one in {}",
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

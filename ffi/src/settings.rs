//! Settings: the table of them all for a host's interface, and one set of values.

use crate::arguments::{self, Sized32};
use crate::guard::{guard, quietly};
use crate::status::{Failure, Status};
use kinescore_core::settings::{Kind, Setting, TABLE};
use std::ffi::{CString, c_char};
use std::mem::offset_of;
use std::sync::{Mutex, OnceLock, PoisonError};

/// One of `words`.
pub const KINESCORE_KIND_CHOICE: u32 = 1;
/// Some of `words`, at least one, each at most once, with commas between.
pub const KINESCORE_KIND_LIST: u32 = 2;
/// Text; `allowed` describes its form.
pub const KINESCORE_KIND_TEXT: u32 = 3;
/// A number from `least` to `most`.
pub const KINESCORE_KIND_NUMBER: u32 = 4;
/// A whole number from `least_whole` to `most_whole`.
pub const KINESCORE_KIND_WHOLE: u32 = 5;

/// What a host's interface needs to know of a setting. All texts are English UTF-8 and valid for ever.
#[derive(Clone, Copy)]
#[repr(C)]
pub struct SettingInfo {
    /// sizeof(kinescore_setting), set by the caller.
    pub struct_size: u32,
    /// KINESCORE_KIND_…
    pub kind: u32,
    /// Its name, as "drums.style".
    pub key: *const c_char,
    /// One sentence that says what it is for.
    pub help: *const c_char,
    /// Its value in new settings.
    pub default_value: *const c_char,
    /// The values allowed, in words.
    pub allowed: *const c_char,
    /// The words of a choice or list, without "auto".
    pub words: *const *const c_char,
    /// How many `words` there are; 0 for other kinds.
    pub word_count: u32,
    /// 1 where "auto" is a value as well, else 0.
    pub has_auto: u32,
    /// Least value of a number; 0 for other kinds.
    pub least: f64,
    /// Greatest value of a number; 0 for other kinds.
    pub most: f64,
    /// Least value of a whole number; 0 for other kinds.
    pub least_whole: u64,
    /// Greatest value of a whole number; 0 for other kinds.
    pub most_whole: u64,
}

// SAFETY: numbers and pointers only, struct_size first.
unsafe impl Sized32 for SettingInfo {
    const NAME: &'static str = "kinescore_setting";
    const LEAST: usize = offset_of!(Self, most_whole) + size_of::<u64>();
}

/// The table with its texts as C wants them.
struct Table(Vec<SettingInfo>);

// SAFETY: the pointers are to memory that is never freed nor changed.
unsafe impl Send for Table {}
// SAFETY: as above.
unsafe impl Sync for Table {}

fn table() -> &'static [SettingInfo] {
    static ROWS: OnceLock<Table> = OnceLock::new();
    let rows = ROWS.get_or_init(|| {
        let defaults = kinescore_core::Settings::default();
        Table(TABLE.iter().map(|setting| row(setting, &defaults)).collect())
    });
    &rows.0
}

fn row(setting: &Setting, defaults: &kinescore_core::Settings) -> SettingInfo {
    let (mut least, mut most, mut least_whole, mut most_whole) = (0.0, 0.0, 0, 0);
    let (kind, words): (u32, &[&str]) = match setting.kind {
        Kind::Choice(words) | Kind::ChoiceOrAuto(words) => {
            // A choice that has "auto" among its words shows it as the others do.
            (KINESCORE_KIND_CHOICE, words)
        }
        Kind::List(words) => (KINESCORE_KIND_LIST, words),
        Kind::TextOrAuto(_) => (KINESCORE_KIND_TEXT, &[]),
        Kind::Number { least: a, most: b } | Kind::NumberOrAuto { least: a, most: b } => {
            (least, most) = (a, b);
            (KINESCORE_KIND_NUMBER, &[])
        }
        Kind::Whole { least: a, most: b } | Kind::WholeOrAll { least: a, most: b } => {
            (least_whole, most_whole) = (a, b);
            (KINESCORE_KIND_WHOLE, &[])
        }
    };
    let has_auto = setting.kind.has_auto() || words.contains(&"auto");
    let words: Vec<*const c_char> = words
        .iter()
        .filter(|word| **word != "auto")
        .map(|word| for_ever(word))
        .collect();
    SettingInfo {
        struct_size: size_of::<SettingInfo>() as u32,
        kind,
        key: for_ever(setting.key),
        help: for_ever(setting.help),
        default_value: for_ever(&defaults.get(setting.key).unwrap_or_default()),
        allowed: for_ever(&setting.kind.allowed()),
        word_count: words.len() as u32,
        words: if words.is_empty() {
            std::ptr::null()
        } else {
            words.leak().as_ptr()
        },
        has_auto: has_auto.into(),
        least,
        most,
        least_whole,
        most_whole,
    }
}

fn for_ever(text: &str) -> *const c_char {
    CString::new(text).unwrap_or_default().into_raw()
}

/// How many settings there are.
#[unsafe(no_mangle)]
pub extern "C" fn kinescore_setting_count() -> usize {
    TABLE.len()
}

/// Tells about setting number `index`, from 0, in an order fit for an interface.
///
/// KINESCORE_BAD_ARGUMENT when there are not so many.
///
/// # Safety
/// `setting` must be NULL or point at struct_size bytes that can be written, with that number set.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn kinescore_setting_at(index: usize, setting: *mut SettingInfo) -> Status {
    guard("kinescore_setting_at", || {
        // SAFETY: by contract.
        unsafe { arguments::check_output(setting) }?;
        let row = table().get(index).ok_or_else(|| {
            Failure::new(
                Status::BadArgument,
                format!("setting number {index}; there are {}, counted from 0", TABLE.len()),
            )
        })?;
        // SAFETY: checked above.
        unsafe { arguments::write(setting, row) }
    })
}

/// A set of values for all settings. May be used from several threads.
pub struct Settings(Mutex<kinescore_core::Settings>);

impl Settings {
    /// The values as they are now.
    pub fn values(&self) -> kinescore_core::Settings {
        self.lock().clone()
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, kinescore_core::Settings> {
        // A setting is changed at once or not at all.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The values that settings have now; the defaults for NULL.
///
/// # Safety
/// `settings` must be NULL or alive.
pub unsafe fn values(settings: *const Settings) -> Result<kinescore_core::Settings, Failure> {
    if settings.is_null() {
        return Ok(kinescore_core::Settings::default());
    }
    // SAFETY: by contract.
    Ok(unsafe { arguments::handle(settings, "settings") }?.values())
}

/// Makes settings with all values at their defaults. Free them with kinescore_settings_free.
///
/// # Safety
/// `settings` must be NULL or writable.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn kinescore_settings_new(settings: *mut *mut Settings) -> Status {
    guard("kinescore_settings_new", || {
        arguments::check(settings, "settings")?;
        let made = Settings(Mutex::new(kinescore_core::Settings::default()));
        // SAFETY: checked above, writable by contract.
        unsafe { arguments::write_one(settings, Box::into_raw(Box::new(made)), "settings") }
    })
}

/// Sets a value, given as text: "120", "funk", "auto". Jobs that have been made already keep theirs.
///
/// KINESCORE_UNKNOWN_SETTING, KINESCORE_SETTING_VALUE: nothing has changed then.
///
/// # Safety
/// `settings` must be alive; the texts must end with a NUL byte.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn kinescore_settings_set(
    settings: *mut Settings,
    key: *const c_char,
    value: *const c_char,
) -> Status {
    guard("kinescore_settings_set", || {
        // SAFETY: by contract.
        let (settings, key, value) = unsafe {
            (
                arguments::handle(settings, "settings")?,
                arguments::text(key, "key")?,
                arguments::text(value, "value")?,
            )
        };
        Ok(settings.lock().set(key, value)?)
    })
}

/// Copies a value as text, NUL byte included, into `buffer`, and its size in bytes into `size`. With a `buffer` of NULL and
/// a `capacity` of 0 only the size is returned.
///
/// KINESCORE_UNKNOWN_SETTING, KINESCORE_BUFFER_TOO_SMALL.
///
/// # Safety
/// `settings` must be alive, `key` end with a NUL byte, `buffer` have `capacity` bytes, `size` be writable.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn kinescore_settings_get(
    settings: *const Settings,
    key: *const c_char,
    buffer: *mut c_char,
    capacity: usize,
    size: *mut usize,
) -> Status {
    guard("kinescore_settings_get", || {
        // SAFETY: by contract.
        let (settings, key) = unsafe { (arguments::handle(settings, "settings")?, arguments::text(key, "key")?) };
        let values = settings.values();
        let Some(value) = values.get(key) else {
            // Setting it reports the nearest name that there is.
            let mut copy = values;
            copy.set(key, "")?;
            return Err(Failure::new(Status::UnknownSetting, format!("no setting '{key}'")));
        };
        // SAFETY: by contract.
        unsafe { arguments::write_text(&value, buffer, capacity, size) }
    })
}

/// Frees settings. NULL is fine. Jobs made with them keep their values.
///
/// # Safety
/// `settings` must be NULL or made by kinescore_settings_new and not yet freed.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn kinescore_settings_free(settings: *mut Settings) {
    quietly("kinescore_settings_free", || {
        if !settings.is_null() {
            // SAFETY: by contract ours and not yet freed.
            drop(unsafe { Box::from_raw(settings) });
        }
    });
}

//! Settings: the table of all settings for a host's user interface, and one set of values.

use crate::arguments::{self, Sized32};
use crate::guard::{guard, quietly};
use crate::status::{Failure, Status};
use kinescore_core::host::shown_text;
use kinescore_core::settings::{Kind, Setting, SettingsBuilder, TABLE};
use std::ffi::{CString, c_char};
use std::mem::offset_of;
use std::sync::{Mutex, MutexGuard, OnceLock, PoisonError};

/// One of `words`.
pub const KINESCORE_KIND_CHOICE: u32 = 1;
/// One or more of `words`, each at most once, separated by commas.
pub const KINESCORE_KIND_LIST: u32 = 2;
/// Text; `allowed` describes its syntax.
pub const KINESCORE_KIND_TEXT: u32 = 3;
/// A number from `least` to `most`.
pub const KINESCORE_KIND_NUMBER: u32 = 4;
/// A whole number from `least_whole` to `most_whole`.
pub const KINESCORE_KIND_WHOLE: u32 = 5;

/// Describes a setting for a host's user interface. All strings are in English, UTF-8, and stay
/// valid until the process ends.
#[derive(Clone, Copy)]
#[repr(C)]
pub struct SettingInfo {
    /// sizeof(kinescore_setting), set by the caller.
    pub struct_size: u32,
    /// KINESCORE_KIND_…
    pub kind: u32,
    /// Its name, such as "drums.style".
    pub key: *const c_char,
    /// Its purpose, in one sentence.
    pub help: *const c_char,
    /// Its default value.
    pub default_value: *const c_char,
    /// The accepted values, as text for people, such as "10 to 120".
    pub allowed: *const c_char,
    /// The words of a choice or list, or words that are accepted in place of a number, such as
    /// "all"; without "auto".
    pub words: *const *const c_char,
    /// Number of `words`; may be 0.
    pub word_count: u32,
    /// 1 if "auto" is also accepted, otherwise 0.
    pub has_auto: u32,
    /// Minimum of a number; 0 for other kinds.
    pub least: f64,
    /// Maximum of a number; 0 for other kinds.
    pub most: f64,
    /// Minimum of a whole number; 0 for other kinds.
    pub least_whole: u64,
    /// Maximum of a whole number; 0 for other kinds.
    pub most_whole: u64,
}

// SAFETY: numbers and pointers only, struct_size first.
unsafe impl Sized32 for SettingInfo {
    const NAME: &'static str = "kinescore_setting";
    const LEAST: usize = offset_of!(Self, most_whole) + size_of::<u64>();
}

/// The table, with C strings.
struct Table(Vec<SettingInfo>);

// SAFETY: the pointers are to memory that is never freed or changed.
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
    let words: Vec<*const c_char> = setting.kind.words().iter().map(|word| for_ever(word)).collect();
    let mut row = SettingInfo {
        struct_size: size_of::<SettingInfo>() as u32,
        kind: 0,
        key: for_ever(setting.key),
        help: for_ever(setting.help),
        default_value: for_ever(&defaults.get(setting.key).unwrap_or_default()),
        allowed: for_ever(&setting.allowed()),
        word_count: words.len() as u32,
        words: if words.is_empty() {
            std::ptr::null()
        } else {
            words.leak().as_ptr()
        },
        has_auto: setting.auto.into(),
        least: 0.0,
        most: 0.0,
        least_whole: 0,
        most_whole: 0,
    };
    set_kind(&mut row, setting.kind);
    row
}

/// Sets the kind of a row, with the range of a number.
fn set_kind(row: &mut SettingInfo, kind: Kind) {
    row.kind = match kind {
        Kind::Choice(_) => KINESCORE_KIND_CHOICE,
        Kind::List(_) => KINESCORE_KIND_LIST,
        Kind::Text(_) => KINESCORE_KIND_TEXT,
        Kind::Number { least, most } => {
            (row.least, row.most) = (least, most);
            KINESCORE_KIND_NUMBER
        }
        Kind::Whole { least, most } | Kind::WholeOrAll { least, most } => {
            (row.least_whole, row.most_whole) = (least, most);
            KINESCORE_KIND_WHOLE
        }
    };
}

fn for_ever(text: &str) -> *const c_char {
    CString::new(text).unwrap_or_default().into_raw()
}

/// Returns the number of settings.
#[unsafe(no_mangle)]
pub extern "C" fn kinescore_setting_count() -> usize {
    TABLE.len()
}

/// Describes setting number `index`, from 0, in an order suitable for a user interface.
///
/// KINESCORE_BAD_ARGUMENT if there is no setting with this number.
///
/// # Safety
/// `setting` must be NULL or point to struct_size writable bytes, with struct_size set.
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

/// A set of values for all settings. May be used from several threads concurrently.
pub struct Settings(Mutex<SettingsBuilder>);

impl Settings {
    fn lock(&self) -> MutexGuard<'_, SettingsBuilder> {
        // A setting is changed completely or not at all, so a poisoned lock is fine.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The settings with their current values, unless these contradict each other; the defaults for
/// NULL.
///
/// # Safety
/// `settings` must be NULL or alive.
pub unsafe fn values(settings: *const Settings) -> Result<kinescore_core::Settings, Failure> {
    if settings.is_null() {
        return Ok(kinescore_core::Settings::default());
    }
    // SAFETY: by contract.
    let settings = unsafe { arguments::handle(settings, "settings") }?;
    Ok(settings.lock().build()?)
}

/// Makes settings with all values at their defaults. Free them with kinescore_settings_free.
///
/// # Safety
/// `settings` must be NULL or writable.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn kinescore_settings_new(settings: *mut *mut Settings) -> Status {
    guard("kinescore_settings_new", || {
        arguments::check(settings, "settings")?;
        let made = Settings(Mutex::default());
        // SAFETY: checked above, writable by contract.
        unsafe { arguments::write_one(settings, Box::into_raw(Box::new(made)), "settings") }
    })
}

/// Sets a value, given as text: "120", "funk", "auto". Existing jobs keep their values.
///
/// KINESCORE_UNKNOWN_SETTING, KINESCORE_SETTING_VALUE: nothing is changed.
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

/// Copies a value as text into `buffer`, and its size in bytes, including the NUL byte, into
/// `size`. If `buffer` is NULL and `capacity` 0, only the size is returned.
///
/// KINESCORE_UNKNOWN_SETTING, KINESCORE_BUFFER_TOO_SMALL.
///
/// # Safety
/// `settings` must be alive, `key` must end with a NUL byte, `buffer` must have `capacity` bytes,
/// and `size` must be writable.
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
        let mut values = settings.lock().clone();
        let Some(value) = values.get(key) else {
            // kinescore_settings_set also suggests the most similar name.
            values.set(key, "")?;
            return Err(Failure::new(
                Status::UnknownSetting,
                format!("unknown setting '{}'", shown_text(key)),
            ));
        };
        // SAFETY: by contract.
        unsafe { arguments::write_text(&value, buffer, capacity, size) }
    })
}

/// Frees settings. NULL is allowed. Jobs made with them keep their values.
///
/// # Safety
/// `settings` must be NULL or made by kinescore_settings_new and not yet freed.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn kinescore_settings_free(settings: *mut Settings) {
    quietly("kinescore_settings_free", || {
        if !settings.is_null() {
            // SAFETY: by contract made by us and not yet freed.
            drop(unsafe { Box::from_raw(settings) });
        }
    });
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::Value;
    use std::ffi::CStr;

    /// # Safety
    /// `text` must end with a NUL byte.
    unsafe fn text(text: *const c_char) -> String {
        // SAFETY: by contract.
        unsafe { CStr::from_ptr(text) }.to_string_lossy().into_owned()
    }

    /// A row as `kinescore settings --json` writes it, without the fields that only the program or
    /// an editor needs.
    fn as_json(row: &SettingInfo) -> Value {
        let kind = match row.kind {
            KINESCORE_KIND_CHOICE => "choice",
            KINESCORE_KIND_LIST => "list",
            KINESCORE_KIND_TEXT => "text",
            KINESCORE_KIND_NUMBER => "number",
            KINESCORE_KIND_WHOLE => "whole",
            other => panic!("kind {other}"),
        };
        // SAFETY: the table's texts are never freed.
        let (key, help, default, allowed) = unsafe {
            (
                text(row.key),
                text(row.help),
                text(row.default_value),
                text(row.allowed),
            )
        };
        let mut json = serde_json::json!({
            "key": key, "help": help, "default": default, "allowed": allowed, "type": kind, "auto": row.has_auto == 1,
        });
        let words: Vec<String> = (0..row.word_count as usize)
            // SAFETY: there are that many words, which are never freed.
            .map(|index| unsafe { text(*row.words.add(index)) })
            .collect();
        match row.kind {
            KINESCORE_KIND_NUMBER => (json["least"], json["most"]) = (row.least.into(), row.most.into()),
            KINESCORE_KIND_WHOLE => (json["least"], json["most"]) = (row.least_whole.into(), row.most_whole.into()),
            _ => {}
        }
        if !words.is_empty() {
            json["words"] = words.into();
        }
        json
    }

    #[test]
    fn the_table_is_the_one_that_editors_read() {
        let file = concat!(env!("CARGO_MANIFEST_DIR"), "/../plugin/settings.json");
        let file = std::fs::read_to_string(file).expect("the editors' table");
        let mut editors: Vec<Value> = serde_json::from_str(&file).expect("an array");
        for row in &mut editors {
            let row = row.as_object_mut().expect("an object");
            row.remove("flag"); // of the program
            row.remove("syntax"); // that of a text is in `allowed`
        }
        let own: Vec<Value> = table().iter().map(as_json).collect();
        assert_eq!(own.len(), editors.len());
        for (own, editors) in own.iter().zip(&editors) {
            assert_eq!(own, editors);
        }
    }
}

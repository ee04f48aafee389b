//! Which library this is.

use std::ffi::c_char;

/// Version of this interface. It rises when something that programs rely on changes; new functions, new status codes
/// and new fields at the end of structs do not raise it.
pub const KINESCORE_ABI_VERSION: u32 = 0;

/// The version of the interface that the library has, to be compared with `KINESCORE_ABI_VERSION` of the header: where
/// they differ, call nothing else.
#[unsafe(no_mangle)]
pub extern "C" fn kinescore_abi_version() -> u32 {
    KINESCORE_ABI_VERSION
}

/// The library's version, such as "0.1.0". Valid for ever.
#[unsafe(no_mangle)]
pub extern "C" fn kinescore_version() -> *const c_char {
    concat!(env!("CARGO_PKG_VERSION"), "\0").as_ptr().cast()
}

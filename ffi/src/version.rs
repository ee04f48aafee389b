//! Versions.

use std::ffi::c_char;

/// Version of this interface. It is raised by incompatible changes; new functions, new status codes
/// and new fields at the end of structs do not raise it.
pub const KINESCORE_ABI_VERSION: u32 = 0;

/// Returns the version of the library's interface, to be compared with `KINESCORE_ABI_VERSION` of
/// the header: if they differ, call no other function.
#[unsafe(no_mangle)]
pub extern "C" fn kinescore_abi_version() -> u32 {
    KINESCORE_ABI_VERSION
}

/// Returns the library's version, such as "0.1.0". Stays valid until the process ends.
#[unsafe(no_mangle)]
pub extern "C" fn kinescore_version() -> *const c_char {
    concat!(env!("CARGO_PKG_VERSION"), "\0").as_ptr().cast()
}

//! Checked input and output through pointers.

use crate::status::{Failure, Status};
use kinescore_core::host::shown_text;
use std::ffi::{CStr, c_char};
use std::path::PathBuf;

/// A struct that begins with `struct_size: u32`, holds nothing but numbers and pointers, and may
/// grow at its end.
///
/// # Safety
/// All zeros must be a value of the type, it must be `repr(C)`, and `struct_size` a `u32` at its
/// start.
pub unsafe trait Sized32: Copy {
    /// Its name in C.
    const NAME: &'static str;
    /// Size of its first version.
    const LEAST: usize;
}

fn null(what: &str) -> Failure {
    Failure::new(Status::NullPointer, format!("{what} is NULL"))
}

/// Refuses a pointer that is NULL or not aligned for its type.
pub fn check<T>(pointer: *const T, what: &str) -> Result<(), Failure> {
    if pointer.is_null() {
        return Err(null(what));
    }
    if !pointer.is_aligned() {
        return Err(Failure::new(
            Status::BadArgument,
            format!("{what} is not aligned to {} bytes", align_of::<T>()),
        ));
    }
    Ok(())
}

/// The object behind a handle.
///
/// # Safety
/// `handle` must be NULL, or made by this library and not yet freed.
pub unsafe fn handle<'a, T>(handle: *const T, what: &str) -> Result<&'a T, Failure> {
    check(handle, what)?;
    // SAFETY: not NULL, and by contract made by us and alive.
    Ok(unsafe { &*handle })
}

/// A string.
///
/// # Safety
/// `text` must be NULL or end with a NUL byte, and not change during the call.
pub unsafe fn text<'a>(text: *const c_char, what: &str) -> Result<&'a str, Failure> {
    // SAFETY: by contract.
    unsafe { optional_text(text, what) }?.ok_or_else(|| null(what))
}

/// A string, or `None` for NULL.
///
/// # Safety
/// That of [`text`].
pub unsafe fn optional_text<'a>(text: *const c_char, what: &str) -> Result<Option<&'a str>, Failure> {
    if text.is_null() {
        return Ok(None);
    }
    // SAFETY: not NULL, and by contract ended by a NUL byte.
    let text = unsafe { CStr::from_ptr(text) };
    text.to_str().map(Some).map_err(|e| {
        Failure::new(
            Status::BadArgument,
            format!(
                "{what} is not UTF-8: byte {} of '{}'",
                e.valid_up_to(),
                shown_text(&text.to_string_lossy())
            ),
        )
    })
}

/// A path, or `None` for NULL or "".
///
/// # Safety
/// That of [`text`].
pub unsafe fn optional_path(path: *const c_char, what: &str) -> Result<Option<PathBuf>, Failure> {
    // SAFETY: by contract.
    let path = unsafe { optional_text(path, what) }?;
    Ok(path.filter(|path| !path.is_empty()).map(PathBuf::from))
}

/// A path that must not be empty.
///
/// # Safety
/// That of [`text`].
pub unsafe fn path(path: *const c_char, what: &str) -> Result<PathBuf, Failure> {
    // SAFETY: by contract.
    let given = unsafe { text(path, what) }?;
    if given.is_empty() {
        return Err(Failure::new(Status::BadArgument, format!("{what} is empty")));
    }
    Ok(PathBuf::from(given))
}

/// The declared size of a struct, checked.
///
/// # Safety
/// `given` must be NULL or point to `struct_size` bytes, of which the first four hold that number.
unsafe fn struct_size<T: Sized32>(given: *const T) -> Result<usize, Failure> {
    check(given, T::NAME)?;
    // SAFETY: not NULL, aligned, and by contract readable.
    let size = unsafe { given.cast::<u32>().read() } as usize;
    if size < T::LEAST {
        return Err(Failure::new(
            Status::BadStructSize,
            format!("struct_size of {} is {size}; expected at least {}", T::NAME, T::LEAST),
        ));
    }
    Ok(size)
}

/// A struct from the caller. Fields that an older, smaller struct lacks are zero; those that a
/// newer one adds are ignored.
///
/// # Safety
/// That of [`struct_size`]; the bytes must not change during the call.
pub unsafe fn read<T: Sized32>(given: *const T) -> Result<T, Failure> {
    // SAFETY: by contract.
    let size = unsafe { struct_size(given) }?.min(size_of::<T>());
    // SAFETY: all zeros are a valid value of such a struct; `size` bytes are readable by contract
    // and fit into it.
    Ok(unsafe {
        let mut ours = std::mem::zeroed::<T>();
        std::ptr::copy_nonoverlapping(given.cast::<u8>(), (&raw mut ours).cast::<u8>(), size);
        ours
    })
}

/// Checks that a struct can be written, before its content is computed.
///
/// # Safety
/// That of [`struct_size`].
pub unsafe fn check_output<T: Sized32>(target: *mut T) -> Result<(), Failure> {
    // SAFETY: by contract.
    unsafe { struct_size(target) }.map(drop)
}

/// Writes a struct to the caller: as many bytes as the caller's struct_size allows. struct_size
/// itself is not changed.
///
/// # Safety
/// That of [`struct_size`]; the bytes must be writable.
pub unsafe fn write<T: Sized32>(target: *mut T, value: &T) -> Result<(), Failure> {
    // SAFETY: by contract.
    let size = unsafe { struct_size(target) }?.min(size_of::<T>());
    let from = size_of::<u32>();
    // SAFETY: `size` bytes are writable by contract, and `value` has at least as many.
    unsafe {
        let value = std::ptr::from_ref(value).cast::<u8>().add(from);
        std::ptr::copy_nonoverlapping(value, target.cast::<u8>().add(from), size - from);
    }
    Ok(())
}

/// Writes one value to the caller's variable.
///
/// # Safety
/// `target` must be NULL or writable.
pub unsafe fn write_one<T>(target: *mut T, value: T, what: &str) -> Result<(), Failure> {
    check(target, what)?;
    // SAFETY: not NULL, aligned, writable by contract.
    unsafe { target.write(value) };
    Ok(())
}

/// Copies items into the caller's array and returns how many there are; with `items` NULL and
/// `capacity` 0, it only counts.
///
/// # Safety
/// `items` must be NULL or have room for `capacity` items; `count` must be NULL or writable.
pub unsafe fn write_items<T: Copy>(
    values: &[T],
    items: *mut T,
    capacity: usize,
    count: *mut usize,
    what: &str,
) -> Result<(), Failure> {
    check(count, "count")?;
    if !(items.is_null() && capacity == 0) {
        check(items, what)?;
        if capacity < values.len() {
            return Err(Failure::new(
                Status::BufferTooSmall,
                format!("{what} has room for {capacity}; {} are needed", values.len()),
            ));
        }
        // SAFETY: not NULL, aligned, and large enough.
        unsafe { std::ptr::copy_nonoverlapping(values.as_ptr(), items, values.len()) };
    }
    // SAFETY: checked above.
    unsafe { count.write(values.len()) };
    Ok(())
}

/// Copies a string with a NUL byte into the caller's buffer and returns its size in bytes,
/// including the NUL byte; with `buffer` NULL and `capacity` 0, it only counts.
///
/// # Safety
/// That of [`write_items`].
pub unsafe fn write_text(text: &str, buffer: *mut c_char, capacity: usize, size: *mut usize) -> Result<(), Failure> {
    let bytes: Vec<u8> = text.bytes().filter(|byte| *byte != 0).chain([0]).collect();
    check(size, "size")?;
    // SAFETY: `c_char` has the size of `u8`; the rest by contract.
    unsafe { write_items(&bytes, buffer.cast::<u8>(), capacity, size, "buffer") }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Debug, Clone, Copy, PartialEq)]
    #[repr(C)]
    struct Grown {
        struct_size: u32,
        old: u32,
        new: f64,
    }

    // SAFETY: numbers only, struct_size first.
    unsafe impl Sized32 for Grown {
        const NAME: &'static str = "grown";
        const LEAST: usize = 8;
    }

    #[test]
    fn older_structs_read_as_zero_beyond_their_end_and_newer_ones_are_cut() {
        let given = |struct_size| Grown {
            struct_size,
            old: 7,
            new: 1.5,
        };
        // SAFETY: each is at least as large as its struct_size; the last is not read beyond our
        // size.
        unsafe {
            assert_eq!(read(&given(8)).expect("the first version").new, 0.0);
            assert_eq!(read(&given(16)).expect("this version"), given(16));
            assert_eq!(read(&given(400)).expect("a later version"), given(400));
            assert_eq!(read(&given(7)).expect_err("too small").status, Status::BadStructSize);
            assert_eq!(
                read::<Grown>(std::ptr::null()).expect_err("NULL").status,
                Status::NullPointer
            );
            let unaligned = (&raw const *Box::leak(Box::new([0_u8; 32])))
                .cast::<u8>()
                .add(1)
                .cast::<Grown>();
            assert_eq!(read(unaligned).expect_err("unaligned").status, Status::BadArgument);
        }
    }

    #[test]
    fn only_what_the_caller_has_room_for_is_written() {
        let value = Grown {
            struct_size: 0,
            old: 1,
            new: 2.0,
        };
        let mut target = Grown {
            struct_size: 8,
            old: 9,
            new: 9.0,
        };
        // SAFETY: the target is larger than its struct_size.
        unsafe { write(&mut target, &value).expect("the first version") };
        assert_eq!((target.struct_size, target.old, target.new), (8, 1, 9.0));
        target.struct_size = 16;
        // SAFETY: as above.
        unsafe { write(&mut target, &value).expect("this version") };
        assert_eq!((target.struct_size, target.old, target.new), (16, 1, 2.0));
    }
}

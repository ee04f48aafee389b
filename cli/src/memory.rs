//! How freed memory is given back to the system.

/// From this size on, each block of memory is one of its own, which goes back when it is freed.
#[cfg(target_env = "gnu")]
const OWN: libc::c_int = 256 << 10;

/// So many heaps are used at most.
#[cfg(target_env = "gnu")]
const HEAPS: libc::c_int = 2;

/// Makes glibc return freed memory. Otherwise it raises the size `OWN` to that of the largest block
/// that was freed, and has eight heaps for each processor: a program that renders one soundtrack
/// after another then holds much more than it uses, in the gaps of those heaps.
pub fn return_freed() {
    #[cfg(target_env = "gnu")]
    // SAFETY: only numbers are set, and that at any time.
    unsafe {
        libc::mallopt(libc::M_MMAP_THRESHOLD, OWN);
        libc::mallopt(libc::M_ARENA_MAX, HEAPS);
    }
}

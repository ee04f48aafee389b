//! Handling of signals that the standard library and `ctrlc` do not cover.

/// Makes a file that grows beyond the shell's limit (`ulimit -f`) a write error, like a full disk,
/// instead of ending the program.
pub fn report_full_files() {
    // SAFETY: no handler is installed; the signal's disposition is set, and nothing else.
    unsafe { libc::signal(libc::SIGXFSZ, libc::SIG_IGN) };
}

/// Whether SIGHUP is ignored, as in programs started by `nohup`.
pub fn ignores_hangups() -> bool {
    let mut action = std::mem::MaybeUninit::<libc::sigaction>::zeroed();
    // SAFETY: without a new action, only the present one is written to `action`, which is large
    // enough; all its bytes were zero before, which is a valid value.
    unsafe {
        libc::sigaction(libc::SIGHUP, std::ptr::null(), action.as_mut_ptr()) == 0
            && action.assume_init().sa_sigaction == libc::SIG_IGN
    }
}

/// Ignores SIGHUP.
pub fn ignore_hangups() {
    // SAFETY: as above; no handler is installed.
    unsafe { libc::signal(libc::SIGHUP, libc::SIG_IGN) };
}

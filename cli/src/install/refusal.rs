//! Why an installation is refused.

use crate::exit::{Failure, OUTPUT, RESOURCES};
use std::path::{Path, PathBuf};

/// A folder of the user that must be known: what `--to` names, or one below a folder of the XDG standard.
pub(super) fn folder(to: Option<&Path>, usual: Option<PathBuf>) -> Result<PathBuf, Failure> {
    to.map(Path::to_owned).or(usual).ok_or_else(|| {
        Failure::usage("no home folder is known (HOME is not set): name the editor's folder with --to DIR")
    })
}

/// Something of ours that is not there.
pub(super) fn missing(message: String) -> Failure {
    Failure {
        code: RESOURCES,
        message,
    }
}

/// Something of the user's that is in the way.
pub(super) fn refused(message: String) -> Failure {
    Failure { code: OUTPUT, message }
}

//! Why an installation is refused.

use crate::exit::{Failure, OUTPUT, RESOURCES};
use std::path::{Path, PathBuf};

/// A user folder that must be known: the one that `--to` names, or one below an XDG base directory.
pub(super) fn folder(to: Option<&Path>, usual: Option<PathBuf>) -> Result<PathBuf, Failure> {
    to.map(Path::to_owned).or(usual).ok_or_else(|| {
        missing("the home folder is not known (HOME is not set): specify the editor's folder with --to DIR".to_owned())
    })
}

/// Something that is needed is missing: a part of Kinescore, the editor or its folder.
pub(super) fn missing(message: String) -> Failure {
    Failure {
        code: RESOURCES,
        message,
    }
}

/// Something that belongs to the user is in the way.
pub(super) fn refused(message: String) -> Failure {
    Failure { code: OUTPUT, message }
}

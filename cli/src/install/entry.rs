//! Entries of Kinescore in editors that start the program.

use std::path::PathBuf;

/// An entry of Kinescore in an editor that starts the program, as it was found.
pub struct Entry {
    /// The file that holds it.
    pub file: PathBuf,
    /// The program that it starts, if it names one.
    pub program: Option<PathBuf>,
    /// The folder of the models and ONNX Runtime, as far as it names them.
    pub folders: Vec<PathBuf>,
    /// Whether it is not what this version installs, apart from the paths.
    pub is_changed: bool,
}

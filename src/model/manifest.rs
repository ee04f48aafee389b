//! The manifest of the models' folder: each file with its hash, licence and tensors.

use crate::error::{Error, Result};
use serde::Deserialize;
use sha2::{Digest, Sha256};
use std::collections::BTreeMap;
use std::fmt::{self, Write as _};
use std::path::{Path, PathBuf};

/// Name of the manifest in the folder of the models.
pub const FILE_NAME: &str = "manifest.toml";

/// The folder of the models and the entries of its `manifest.toml`.
#[derive(Debug, Clone)]
pub struct Manifest {
    folder: PathBuf,
    entries: BTreeMap<String, Entry>,
}

/// One file of the folder.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Entry {
    /// File name, in the folder of the manifest.
    pub file: String,
    /// SHA-256 of the file, 64 lower-case hexadecimal digits.
    pub sha256: String,
    /// Length of the file.
    pub bytes: u64,
    /// SPDX expression of the licence.
    pub licence: String,
    /// Its origin.
    pub origin: String,
    /// What was changed from the original; absent if nothing was.
    #[serde(default)]
    pub modifications: Option<String>,
    /// File name of the card that describes it.
    #[serde(default)]
    pub card: Option<String>,
    /// Tensors a model reads. Empty for files that are not models.
    #[serde(default)]
    pub inputs: Vec<TensorInfo>,
    /// Tensors a model writes. Empty for files that are not models.
    #[serde(default)]
    pub outputs: Vec<TensorInfo>,
}

/// Name, element type and shape of a tensor.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TensorInfo {
    /// Its name in the model.
    pub name: String,
    /// Type of its elements.
    #[serde(rename = "type")]
    pub element: TensorType,
    /// Its dimensions.
    pub shape: Vec<Dim>,
}

/// Type of a tensor's elements.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum TensorType {
    /// 32-bit floating point.
    F32,
    /// 64-bit signed integer.
    I64,
    /// 8-bit unsigned integer.
    U8,
}

/// One dimension of a tensor.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(untagged)]
pub enum Dim {
    /// Fixed length.
    Fixed(u32),
    /// Length determined by the input; the name describes what it counts.
    Free(String),
}

impl fmt::Display for TensorType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::F32 => "f32",
            Self::I64 => "i64",
            Self::U8 => "u8",
        })
    }
}

impl fmt::Display for Dim {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Fixed(length) => write!(f, "{length}"),
            Self::Free(name) => f.write_str(name),
        }
    }
}

impl fmt::Display for TensorInfo {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} [", self.element)?;
        for (index, dim) in self.shape.iter().enumerate() {
            write!(f, "{}{dim}", if index > 0 { ", " } else { "" })?;
        }
        f.write_str("]")
    }
}

/// Why the text of a manifest cannot be used, with the line.
fn unfit(text: &str, error: &toml::de::Error) -> String {
    let at = error.span().map_or(0, |span| span.start);
    let before = text.get(..at).unwrap_or_default();
    let line = 1 + before.matches('\n').count();
    format!(
        "line {line} is not as expected in a manifest in TOML: {}; the file is damaged or from another release; \
         install the models again",
        error.message()
    )
}

impl Manifest {
    /// Reads `manifest.toml` of `folder`. The files themselves are not checked.
    ///
    /// # Errors
    /// [`Error::ModelMissing`] when there is no manifest, [`Error::Manifest`] when it cannot be
    /// used: it cannot be read or parsed, a field is missing or unknown, an entry or a file occurs
    /// twice, or a file lies outside the folder.
    pub fn read(folder: &Path) -> Result<Self> {
        let path = folder.join(FILE_NAME);
        let text = match std::fs::read_to_string(&path) {
            Ok(text) => text,
            Err(e) if e.kind() == std::io::ErrorKind::NotFound => return Err(Error::ModelMissing { path }),
            Err(e) => return Err(unreadable(path, &e)),
        };
        let refuse = |reason: String| Error::Manifest {
            path: path.clone(),
            reason,
        };
        let entries: BTreeMap<String, Entry> = toml::from_str(&text).map_err(|e| refuse(unfit(&text, &e)))?;
        let mut files = BTreeMap::new();
        for (name, entry) in &entries {
            if Path::new(&entry.file).file_name() != Some(entry.file.as_ref()) {
                return Err(refuse(format!(
                    "{name}: file '{}' is not a plain file name",
                    entry.file
                )));
            }
            if let Some(other) = files.insert(&entry.file, name) {
                return Err(refuse(format!(
                    "{other} and {name}: both name the file '{}'",
                    entry.file
                )));
            }
            let hexadecimal = |c: char| c.is_ascii_digit() || ('a'..='f').contains(&c);
            if entry.sha256.len() != 64 || !entry.sha256.chars().all(hexadecimal) {
                return Err(refuse(format!(
                    "{name}: sha256 '{}' is not 64 lower-case hexadecimal digits",
                    entry.sha256
                )));
            }
        }
        Ok(Self {
            folder: folder.to_owned(),
            entries,
        })
    }

    /// The manifest's own path.
    pub fn path(&self) -> PathBuf {
        self.folder.join(FILE_NAME)
    }

    /// All entries with their names, by name.
    pub fn entries(&self) -> impl Iterator<Item = (&str, &Entry)> {
        self.entries.iter().map(|(name, entry)| (name.as_str(), entry))
    }

    /// The entry with this name.
    ///
    /// # Errors
    /// [`Error::Manifest`] with the existing names.
    pub fn entry(&self, name: &str) -> Result<&Entry> {
        self.entries.get(name).ok_or_else(|| Error::Manifest {
            path: self.path(),
            reason: format!(
                "no entry '{name}'; it has {}",
                self.entries.keys().cloned().collect::<Vec<_>>().join(", ")
            ),
        })
    }

    /// The path of the file of the entry with this name (whether or not it exists).
    ///
    /// # Errors
    /// Those of [`entry`](Self::entry).
    pub fn file(&self, name: &str) -> Result<PathBuf> {
        Ok(self.folder.join(&self.entry(name)?.file))
    }

    /// Checks that the file of the entry with this name has the hash in the manifest.
    ///
    /// # Errors
    /// Those of [`load`](Self::load).
    pub fn verify(&self, name: &str) -> Result<()> {
        self.load(name).map(drop)
    }

    /// The content of the file of the entry with this name, checked against its hash.
    ///
    /// # Errors
    /// [`Error::ModelMissing`] when it is missing, [`Error::ModelHash`] when its hash differs,
    /// [`Error::Manifest`] when it cannot be read, and those of [`entry`](Self::entry).
    pub fn load(&self, name: &str) -> Result<Vec<u8>> {
        let entry = self.entry(name)?;
        let path = self.folder.join(&entry.file);
        let content = match std::fs::read(&path) {
            Ok(content) => content,
            Err(e) if e.kind() == std::io::ErrorKind::NotFound => return Err(Error::ModelMissing { path }),
            Err(e) => return Err(unreadable(path, &e)),
        };
        let found = hexadecimal(&Sha256::digest(&content));
        if found != entry.sha256 {
            return Err(Error::ModelHash {
                path,
                expected: entry.sha256.clone(),
                found,
            });
        }
        Ok(content)
    }
}

/// The error for a file of the models that exists but cannot be read: a missing resource, not bad
/// input.
fn unreadable(path: PathBuf, error: &std::io::Error) -> Error {
    Error::Manifest {
        path,
        reason: format!("cannot be read: {error}"),
    }
}

/// SHA-256 of a file, in hexadecimal digits.
pub(crate) fn sha256_of_file(path: &Path) -> std::io::Result<String> {
    let mut digest = Sha256::new();
    std::io::copy(&mut std::fs::File::open(path)?, &mut digest)?;
    Ok(hexadecimal(&digest.finalize()))
}

fn hexadecimal(bytes: &[u8]) -> String {
    bytes
        .iter()
        .fold(String::with_capacity(2 * bytes.len()), |mut text, byte| {
            let _ = write!(text, "{byte:02x}"); // writing to a String cannot fail
            text
        })
}

#[cfg(test)]
mod tests {
    use super::*;

    const ABC: &str = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";

    fn folder_with(manifest: &str) -> tempfile::TempDir {
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join(FILE_NAME), manifest).unwrap();
        folder
    }

    fn entry(name: &str, file: &str, sha256: &str) -> String {
        format!("[{name}]\nfile = '{file}'\nsha256 = '{sha256}'\nbytes = 3\nlicence = 'MIT'\norigin = 'here'\n")
    }

    #[test]
    fn the_sha256_of_a_file_is_that_of_its_content() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("abc");
        std::fs::write(&path, "abc").unwrap();
        assert_eq!(sha256_of_file(&path).unwrap(), ABC);
        assert!(sha256_of_file(&folder.path().join("none")).is_err());
    }

    #[test]
    fn a_file_is_checked_against_its_hash() {
        let folder = folder_with(&entry("font", "a.bin", ABC));
        let manifest = Manifest::read(folder.path()).unwrap();
        assert!(matches!(manifest.verify("font"), Err(Error::ModelMissing { path }) if path.ends_with("a.bin")));
        std::fs::write(folder.path().join("a.bin"), "abc").unwrap();
        assert_eq!(manifest.load("font").unwrap(), b"abc");
        std::fs::write(folder.path().join("a.bin"), "abd").unwrap();
        let Err(Error::ModelHash { expected, found, .. }) = manifest.verify("font") else {
            panic!("another file was accepted");
        };
        assert_eq!(expected, ABC);
        assert_ne!(found, ABC);
    }

    #[test]
    fn tensors_are_read_with_free_dimensions() {
        let text = entry("net", "n.onnx", ABC)
            + "inputs = [{ name = 'image', type = 'u8', shape = [1, 'height', 'width', 3] }]\n";
        let manifest = Manifest::read(folder_with(&text).path()).unwrap();
        let input = &manifest.entry("net").unwrap().inputs[0];
        assert_eq!(
            (input.name.as_str(), input.to_string().as_str()),
            ("image", "u8 [1, height, width, 3]")
        );
        assert!(manifest.entry("net").unwrap().outputs.is_empty());
    }

    #[test]
    fn a_bad_manifest_says_what_is_wrong() {
        let good = entry("a", "a.bin", ABC);
        for (text, reported) in [
            ("[a\n".to_owned(), "line 1 is not as expected in a manifest in TOML: "),
            (good.clone() + &good, "duplicate"),
            (good.clone() + &entry("b", "a.bin", ABC), "both name the file 'a.bin'"),
            (good.clone() + "colour = 'red'\n", "colour"),
            (entry("a", "../a.bin", ABC), "plain file name"),
            (entry("a", "a.bin", "12"), "64 lower-case"),
            ("[a]\nfile = 'a.bin'\n".to_owned(), "sha256"),
            (
                good.clone() + "inputs = [{ name = 'x', type = 'f64', shape = [1] }]",
                "f64",
            ),
        ] {
            let Err(Error::Manifest { reason, .. }) = Manifest::read(folder_with(&text).path()) else {
                panic!("accepted: {text}");
            };
            assert!(reason.contains(reported), "{reason}");
        }
        let manifest = Manifest::read(folder_with(&good).path()).unwrap();
        let unknown = manifest.entry("z").unwrap_err().to_string();
        assert!(unknown.contains("no entry 'z'; it has a"), "{unknown}");
        let empty = tempfile::tempdir().unwrap();
        assert!(matches!(Manifest::read(empty.path()), Err(Error::ModelMissing { .. })));
    }
}

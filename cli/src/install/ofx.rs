//! OpenFX: copies the bundle, as built by CMake or installed by `make install`, to the folder that
//! hosts search.

use super::files::{File, Plan, mode_of};
use super::package::Package;
use super::places::{self, Places};
use super::refusal::missing;
use crate::exit::Failure;
use crate::typed::quoted;
use kinescore::Error;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

/// The folder of OpenFX plugins on Linux.
pub const PLUGINS: &str = "/usr/OFX/Plugins";
/// The folder that is not ours above it: those below it are removed if they are empty.
const ABOVE_PLUGINS: &str = "/usr";
/// The bundle's folder.
pub const BUNDLE: &str = "Kinescore.ofx.bundle";
/// The bundle's resource folder, in which the plugin looks for places.json.
pub const RESOURCES: &str = "Contents/Resources";

/// Plans to install the bundle, and returns the user's next step.
pub fn install(to: Option<&Path>, library: Option<&Path>, bundle: Option<&Path>) -> Result<(Plan, String), Failure> {
    let source = find_bundle(bundle)?;
    let places = Places::find()?.json(&places::library(library)?)?;
    let mut files = Vec::new();
    collect(&source, Path::new(""), &mut files).map_err(Error::input(&source))?;
    let mut plan = Plan::default();
    package_in(folder_of(to)).install(&mut plan, files, places)?;
    let look = to.map_or_else(String::new, |folder| {
        let folder = std::path::absolute(folder).unwrap_or_else(|_| folder.to_owned());
        format!(
            "add the folder to the editor's search path (OFX_PLUGIN_PATH={} in its environment), ",
            quoted(&folder)
        )
    });
    let next = format!("Next: {look}restart the editor; Kinescore is among its OpenFX effects.");
    Ok((plan, next))
}

/// Plans to remove the bundle.
pub fn uninstall(to: Option<&Path>) -> Plan {
    let mut plan = Plan::default();
    package_in(folder_of(to)).uninstall(&mut plan);
    if to.is_none() {
        plan.remove_emptied(Path::new(ABOVE_PLUGINS));
    }
    plan
}

fn folder_of(to: Option<&Path>) -> &Path {
    to.unwrap_or(Path::new(PLUGINS))
}

/// The bundle in a folder of plugins.
pub fn package_in(plugins: &Path) -> Package {
    Package::new(plugins.join(BUNDLE), RESOURCES)
}

/// A bundle that can be installed.
pub struct Bundle {
    /// Its folder.
    pub place: PathBuf,
    /// Its files by their relative paths, with their content.
    pub files: Vec<(PathBuf, Vec<u8>)>,
}

/// The bundle that belongs to this program; none if there is none, or it cannot be read.
pub fn bundle_of_program() -> Option<Bundle> {
    let place = find_bundle(None).ok()?;
    let mut files = Vec::new();
    collect(&place, Path::new(""), &mut files).ok()?;
    let files = files.into_iter().map(|(path, file)| (path, file.content)).collect();
    Some(Bundle { place, files })
}

/// The bundle named, or the one that belongs to this program: where CMake builds it, or where `make
/// install` puts it.
fn find_bundle(named: Option<&Path>) -> Result<PathBuf, Failure> {
    let candidates = match named {
        Some(bundle) => vec![bundle.to_owned()],
        None => {
            let folders = places::beside_program(&["../plugin", "../lib/kinescore"])?;
            folders.into_iter().map(|folder| folder.join(BUNDLE)).collect()
        }
    };
    candidates
        .iter()
        .find(|bundle| holds_plugin(bundle))
        .cloned()
        .ok_or_else(|| {
            let advice = "build it with `make plugin`, or specify it with --bundle DIR";
            missing(places::not_found(
                "the OpenFX bundle (a folder with Contents/…/Kinescore.ofx)",
                &candidates,
                advice,
            ))
        })
}

/// Whether it is a bundle: `Contents/Linux-x86-64/Kinescore.ofx`, or that of another processor.
fn holds_plugin(bundle: &Path) -> bool {
    let folders = fs::read_dir(bundle.join("Contents")).into_iter().flatten().flatten();
    folders
        .into_iter()
        .any(|folder| folder.path().join("Kinescore.ofx").is_file())
}

/// The files in a folder and its subfolders, by their paths relative to it.
fn collect(root: &Path, below: &Path, files: &mut Vec<(PathBuf, File)>) -> io::Result<()> {
    for entry in fs::read_dir(root.join(below))? {
        let name = below.join(entry?.file_name());
        let path = root.join(&name);
        if path.is_dir() {
            collect(root, &name, files)?;
        } else {
            let mut file = File::new(fs::read(&path)?);
            file.mode = mode_of(&path);
            files.push((name, file));
        }
    }
    Ok(())
}

//! Blender: installs the add-on in the add-on folder of each version.

use super::files::{File, Plan};
use super::package::Package;
use super::places::{self, Places};
use super::refusal::{folder, missing, refused};
use crate::exit::Failure;
use crate::typed::quoted;
use crate::{resources, settings_cmd};
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

/// The add-on's files, by their paths in the package.
const ADDON: &[(&str, &[u8])] = include!(concat!(env!("OUT_DIR"), "/blender_addon.rs"));
/// The table of settings, from which the add-on builds its panels.
const SETTINGS: &str = "settings.json";
/// The add-on's folder among the others.
const NAME: &str = "kinescore";
/// The folder of the extensions that the user installed from files.
const EXTENSIONS: &str = "extensions/user_default";

/// Plans to install the add-on, and returns the user's next step.
pub fn install(to: Option<&Path>, library: Option<&Path>) -> Result<(Plan, String), Failure> {
    let (addon_folders, extensions) = addon_folders(to)?;
    let places = Places::find()?.json(&places::library(library)?)?;
    if ADDON.is_empty() {
        return Err(missing(
            "this program was built without the add-on for Blender".to_owned(),
        ));
    }
    let mut plan = Plan::default();
    for addons in addon_folders {
        let files = addon_files()
            .into_iter()
            .map(|(path, content)| (path, File::new(content)));
        let files = files.collect();
        package_in(&addons).install(&mut plan, files, places.clone())?;
    }
    let next = "Next: restart Blender and enable Kinescore in Edit > Preferences > Add-ons; then right-click a movie strip in the sequencer.";
    let left_out: String = extensions
        .iter()
        .map(|folder| format!("left out: {}\n", has_extension(folder)))
        .collect();
    Ok((plan, left_out + next))
}

/// Why nothing is installed for a version that has the extension.
fn has_extension(version: &Path) -> String {
    let extension = extension_of(version);
    format!(
        "Blender {} has Kinescore as an extension, at {}; an add-on would be a second copy. The extension is replaced by \
         the zip (Edit > Preferences > Get Extensions > Install from Disk), or removed: rm -r {}",
        version.file_name().unwrap_or_default().display(),
        extension.display(),
        quoted(&extension)
    )
}

/// The files of the add-on, by their paths in its folder, with the table of settings.
pub fn addon_files() -> Vec<(PathBuf, Vec<u8>)> {
    let addon = ADDON
        .iter()
        .map(|(name, content)| (PathBuf::from(name), content.to_vec()));
    let settings = (PathBuf::from(SETTINGS), settings_cmd::json().into_bytes());
    addon.chain([settings]).collect()
}

/// Where a version of Blender keeps what belongs to the user.
pub struct AddonFolder {
    /// The version, such as 3.4.
    pub version: String,
    /// The folder of all add-ons, in which `kinescore install` puts its own.
    pub addons: PathBuf,
    /// The folder of the extensions from files, in which Blender 4.2 and later put the zip's.
    pub extensions: PathBuf,
    /// The file of the user's preferences.
    pub preferences: PathBuf,
}

/// The folders of the versions that this user has started; `None` if the user's folder is not known.
pub fn addon_folders_of_user() -> Option<Vec<AddonFolder>> {
    let folder = |((major, minor), folder): ((u32, u32), PathBuf)| AddonFolder {
        version: format!("{major}.{minor}"),
        addons: addons_of(&folder),
        extensions: folder.join(EXTENSIONS),
        preferences: folder.join("config/userpref.blend"),
    };
    let folders = version_folders(&configuration().ok()?);
    Some(folders.into_iter().map(folder).collect())
}

/// Plans to remove the add-on from every version of Blender.
pub fn uninstall(to: Option<&Path>) -> Result<Plan, Failure> {
    let folders = match to {
        Some(addons) => vec![addons.to_owned()],
        None => version_folders(&configuration()?)
            .into_iter()
            .map(|(_, folder)| addons_of(&folder))
            .collect(),
    };
    let mut plan = Plan::default();
    for addons in folders {
        package_in(&addons).uninstall(&mut plan);
    }
    if to.is_none()
        && let Some(above) = configuration()?.parent()
    {
        plan.remove_emptied(above);
    }
    Ok(plan)
}

/// The add-on in a folder of add-ons or extensions.
pub fn package_in(addons: &Path) -> Package {
    Package::new(addons.join(NAME), "")
}

fn configuration() -> Result<PathBuf, Failure> {
    Ok(folder(None, resources::user_folder("XDG_CONFIG_HOME", ".config"))?.join("blender"))
}

/// The add-on folders: the one named, that of each version that has been started, or that of the
/// installed version; and the versions that are left out because they have the extension.
fn addon_folders(to: Option<&Path>) -> Result<(Vec<PathBuf>, Vec<PathBuf>), Failure> {
    if let Some(addons) = to {
        return Ok((vec![addons.to_owned()], Vec::new()));
    }
    let configuration = configuration()?;
    let mut folders: Vec<PathBuf> = version_folders(&configuration)
        .into_iter()
        .map(|(_, folder)| folder)
        .collect();
    if folders.is_empty() {
        let version = installed_version().ok_or_else(|| {
            missing(format!(
                "Blender was not found: no folder such as {0}/5.0, and no program `blender` in PATH; specify an add-on folder with --to DIR",
                configuration.display()
            ))
        })?;
        folders.push(configuration.join(version));
    }
    let (extensions, folders): (Vec<PathBuf>, Vec<PathBuf>) = folders
        .into_iter()
        .partition(|folder| extension_of(folder).symlink_metadata().is_ok());
    if folders.is_empty() {
        let reasons: Vec<String> = extensions.iter().map(|folder| has_extension(folder)).collect();
        return Err(refused(reasons.join("\n")));
    }
    Ok((folders.iter().map(|folder| addons_of(folder)).collect(), extensions))
}

fn extension_of(version: &Path) -> PathBuf {
    version.join(EXTENSIONS).join(NAME)
}

fn addons_of(version: &Path) -> PathBuf {
    version.join("scripts/addons")
}

/// Folders named after a version, such as 3.4, in the order of the versions.
fn version_folders(configuration: &Path) -> Vec<((u32, u32), PathBuf)> {
    let entries = fs::read_dir(configuration).into_iter().flatten().flatten();
    let mut found: Vec<((u32, u32), PathBuf)> = entries
        .filter(|entry| entry.path().is_dir())
        .filter_map(|entry| Some((version(entry.file_name().to_str()?)?, entry.path())))
        .collect();
    found.sort();
    found
}

fn version(name: &str) -> Option<(u32, u32)> {
    let (major, minor) = name.split_once('.')?;
    Some((major.parse().ok()?, minor.parse().ok()?))
}

/// `3.4`, from what `blender --version` prints (`Blender 3.4.1`).
fn installed_version() -> Option<String> {
    let output = Command::new("blender").arg("--version").output().ok()?;
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    let words = text.lines().find_map(|line| line.strip_prefix("Blender "))?;
    let mut numbers = words.split(['.', ' ']);
    let short = format!("{}.{}", numbers.next()?, numbers.next()?);
    version(&short).map(|_| short)
}

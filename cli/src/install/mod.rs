//! `kinescore install` and `kinescore uninstall`: our entries, add-ons and plugins in the folders
//! of editors. Only our own files and lines are changed. A plan is made first, which `--dry-run`
//! shows.

mod blender;
mod entry;
mod files;
mod kdenlive;
mod obstacle;
mod ofx;
mod package;
mod places;
mod refusal;
mod resolve;

pub use blender::{AddonFolder, addon_files, addon_folders_of_user, package_in as addon_in};
pub use entry::Entry;
pub use kdenlive::{job as kdenlive_job, place as kdenlive_place};
pub use obstacle::{Obstacle, cleared};
pub use ofx::{BUNDLE, PLUGINS as OFX_PLUGINS, RESOURCES as OFX_RESOURCES, bundle_of_program, package_in as bundle_in};
pub use package::{PLACES, Package, checksum};
pub use places::LIBRARY;
pub use resolve::{in_the_way as in_the_way_of_script, place as resolve_place, script_of_user as resolve_script};

use crate::args::{Editor, EditorArgs, Install, Uninstall};
use crate::exit::Failure;
use crate::progress::Console;
use crate::{stdout, typed};
use files::Plan;
use refusal::refused;
use std::path::Path;

/// `kinescore install`.
///
/// # Errors
/// A usage failure for flags that do not apply to the editor;
/// [`RESOURCES`](crate::exit::RESOURCES) if the editor, its folder or a part to install is missing; [`OUTPUT`](crate::exit::OUTPUT) if a file cannot be written, or is
/// not ours.
pub fn install(args: &Install, console: &Console) -> Result<(), Failure> {
    check_flags(args)?;
    let to = args.place.to.as_deref();
    check_place(to)?;
    let library = args.library.as_deref();
    // A wrong argument is reported before anything that this machine lacks.
    if library.is_some() {
        places::library(library)?;
    }
    let (plan, next) = match args.place.editor {
        Editor::Kdenlive => kdenlive::install(to)?,
        Editor::Blender => blender::install(to, library)?,
        Editor::Ofx => ofx::install(to, library, args.bundle.as_deref())?,
        Editor::Resolve => resolve::install(to)?,
    };
    carry_out(&plan, &args.place, "install", "installed already", console)?;
    if !args.place.dry_run {
        console.say(&next);
    }
    Ok(())
}

/// `kinescore uninstall`.
///
/// # Errors
/// Those of [`install`].
pub fn uninstall(args: &Uninstall, console: &Console) -> Result<(), Failure> {
    let to = args.place.to.as_deref();
    check_place(to)?;
    let plan = match args.place.editor {
        Editor::Kdenlive => kdenlive::uninstall(to)?,
        Editor::Blender => blender::uninstall(to)?,
        Editor::Ofx => ofx::uninstall(to),
        Editor::Resolve => resolve::uninstall(to)?,
    };
    carry_out(&plan, &args.place, "uninstall", "not installed", console)
}

/// Refuses flags that do not apply to the editor.
fn check_flags(args: &Install) -> Result<(), Failure> {
    let editor = args.place.editor;
    let useless = [
        ("--bundle", args.bundle.is_some() && editor != Editor::Ofx, "ofx"),
        (
            "--library",
            args.library.is_some() && !matches!(editor, Editor::Blender | Editor::Ofx),
            "blender and ofx",
        ),
    ];
    match useless.into_iter().find(|(_, useless, _)| *useless) {
        Some((flag, _, editors)) => Err(Failure::usage(format!("{flag} is for {editors} only"))),
        None => Ok(()),
    }
}

/// Refuses a folder if it, or one of its parents, is not a folder.
fn check_place(to: Option<&Path>) -> Result<(), Failure> {
    let there = to.and_then(|to| to.ancestors().find(|place| place.exists()));
    match there {
        Some(there) if !there.is_dir() => Err(refused(format!(
            "{}: not a folder; --to expects the folder of the editor",
            there.display()
        ))),
        _ => Ok(()),
    }
}

fn carry_out(plan: &Plan, place: &EditorArgs, verb: &str, nothing: &str, console: &Console) -> Result<(), Failure> {
    if plan.is_empty() {
        console.say(&format!("{nothing}: nothing to do"));
        return Ok(());
    }
    if place.dry_run {
        return stdout::write(&plan.describe());
    }
    plan.carry_out(console).map_err(|mut failure| {
        if place.editor == Editor::Ofx && place.to.is_none() {
            failure.message += &format!(
                "\nthis is a system folder: run the command as root ({}), or specify a folder of your own with --to DIR",
                typed::as_root(&[verb, "ofx"])
            );
        }
        failure
    })
}

//! Editors from Flatpak and Snap, which see neither the programs nor the libraries of the system.

use super::finding::Findings;
use crate::resources;
use std::path::{Path, PathBuf};

/// An editor's names in the two systems.
struct Sandboxed {
    editor: &'static str,
    flatpak: &'static str,
    snap: &'static str,
    /// What a user can do.
    advice: &'static str,
}

const EDITORS: &[Sandboxed] = &[
    Sandboxed {
        editor: "Kdenlive",
        flatpak: "org.kde.kdenlive",
        snap: "kdenlive",
        advice: "use the AppImage or the distribution's package for the menu entry; `kinescore timeline` works with \
                 projects of every edition",
    },
    Sandboxed {
        editor: "Blender",
        flatpak: "org.blender.Blender",
        snap: "blender",
        advice: "unpack Kinescore's tarball, which brings all it needs, into a folder that the edition sees (below your \
                 home folder), and name that folder in the add-on's preferences; or use the archive from Blender's \
                 site or the distribution's package",
    },
    Sandboxed {
        editor: "Shotcut",
        flatpak: "org.shotcut.Shotcut",
        snap: "shotcut",
        advice: "`kinescore timeline` works with its projects",
    },
];

pub(super) fn check(findings: &mut Findings) {
    let home = resources::user_folder("XDG_DATA_HOME", ".local/share");
    for editor in EDITORS {
        let mut places = vec![PathBuf::from("/var/lib/flatpak/app").join(editor.flatpak)];
        places.extend(home.iter().map(|data| data.join("flatpak/app").join(editor.flatpak)));
        report(findings, editor, "Flatpak", &places);
        let places = [
            Path::new("/snap").join(editor.snap),
            Path::new("/var/lib/snapd/snap").join(editor.snap),
        ];
        report(findings, editor, "Snap", &places);
    }
}

fn report(findings: &mut Findings, editor: &Sandboxed, system: &str, places: &[PathBuf]) {
    if let Some(place) = places.iter().find(|place| place.exists()) {
        let text = format!(
            "{} is an edition from {system}, which cannot start programs of the system or load its libraries\n{}",
            place.display(),
            editor.advice
        );
        findings.note(editor.editor, text);
    }
}

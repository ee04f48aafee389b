//! `kinescore doctor --editors`, on installations that are complete and on damaged ones.
#![allow(missing_docs)]
#![allow(clippy::expect_used)] // helpers of tests stop at the first surprise, as tests do

#[path = "../common/mod.rs"]
mod common;
mod mending;

use common::{Home, Run, folder, outside, text};
use std::fs;
use std::path::Path;
use std::process::Command;
use std::time::{Duration, SystemTime};

/// The bundle in the folder of OpenFX plugins.
const BUNDLE: &str = "ofx/Kinescore.ofx.bundle/Contents";
const INFORMATION: &str = "<?xml version=\"1.0\"?>\n<plist version=\"1.0\"><dict/></plist>\n";

impl Home {
    /// A home folder in which Kinescore is installed in every editor. The program is in PATH.
    fn new() -> Self {
        let home = Self(folder());
        fs::create_dir(home.at("bin")).expect("a folder");
        std::os::unix::fs::symlink(env!("CARGO_BIN_EXE_kinescore"), home.at("bin/kinescore")).expect("a link");
        home.library("libkinescore.so", "int kinescore_abi_version(void) { return 0; }");
        home.library(
            &format!("built/Kinescore.ofx.bundle/Contents/{}/Kinescore.ofx", binaries()),
            "int OfxGetNumberOfPlugins(void) { return 2; }",
        );
        home.put("built/Kinescore.ofx.bundle/Contents/Info.plist", INFORMATION);
        home.put("config/blender/3.4/config/userpref.blend", "BLENDER-v304\0kinescore\0");
        let library = home.at("libkinescore.so");
        home.install_bundle();
        for args in [
            &["blender", "--library", text(&library)][..],
            &["kdenlive"],
            &["resolve"],
        ] {
            home.run(&[&["install"], args].concat()).expect(0);
        }
        home
    }

    fn install_bundle(&self) {
        let (plugins, built) = (self.at("ofx"), self.at("built/Kinescore.ofx.bundle"));
        let library = self.at("libkinescore.so");
        let places = [
            "--to",
            text(&plugins),
            "--bundle",
            text(&built),
            "--library",
            text(&library),
        ];
        self.run(&[&["install", "ofx"], &places[..]].concat()).expect(0);
    }

    /// A shared library made from this source.
    fn library(&self, name: &str, source: &str) {
        self.put("source.c", source);
        let path = self.at(name);
        fs::create_dir_all(path.parent().expect("a folder")).expect("a folder");
        outside::printed(Command::new("cc").args(["-shared", "-fPIC", "-o", text(&path), text(&self.at("source.c"))]));
    }

    fn run(&self, args: &[&str]) -> Run {
        common::go(self.command(args).env("OFX_PLUGIN_PATH", self.at("ofx")))
    }

    fn doctor(&self) -> Run {
        self.run(&["doctor", "--editors"])
    }

    /// The report has a line that begins with `!!` and this editor, and these parts, the last of
    /// which mends it.
    #[track_caller]
    fn is_bad(&self, what: &str, editor: &str, parts: &[&str]) {
        let run = self.doctor();
        assert_eq!(run.code, Some(6), "{what}: {}", run.stdout);
        let findings = findings(&run.stdout);
        let found = findings
            .iter()
            .find(|(mark, of, text)| *mark == "!!" && of == editor && parts.iter().all(|part| text.contains(part)));
        assert!(found.is_some(), "{what}: {}", run.stdout);
    }
}

fn binaries() -> String {
    match std::env::consts::ARCH {
        "x86_64" => "Linux-x86-64".to_owned(),
        other => format!("Linux-{other}"),
    }
}

/// Mark, editor and text of each finding, with the lines that continue it.
fn findings(report: &str) -> Vec<(&str, String, String)> {
    let mut found: Vec<(&str, String, String)> = Vec::new();
    for line in report.lines() {
        match (line.get(..2), found.last_mut()) {
            (Some(mark @ ("ok" | "--" | "!!")), _) => {
                let name = line[3..].get(..22).unwrap_or_default().trim().to_owned();
                found.push((mark, name, line.get(26..).unwrap_or_default().to_owned()));
            }
            (_, Some((_, _, text))) if line.starts_with("   ") => {
                text.push('\n');
                text.push_str(line.trim());
            }
            _ => {}
        }
    }
    found
}

fn older(path: &Path) {
    let file = fs::File::options().write(true).open(path).expect("a file");
    let before = SystemTime::now() - Duration::from_secs(3600);
    file.set_modified(before).expect("a time");
}

#[test]
fn a_complete_installation_is_found_in_every_editor() {
    let home = Home::new();
    let run = home.doctor();
    let good: Vec<String> = findings(&run.stdout)
        .into_iter()
        .filter(|(mark, _, text)| *mark == "ok" && text.ends_with("is complete"))
        .map(|(_, editor, _)| editor)
        .collect();
    assert_eq!(
        good,
        ["OpenFX", "Blender 3.4", "Kdenlive", "DaVinci Resolve"],
        "{}",
        run.stdout
    );
    assert!(
        !run.stdout.contains(text(home.0.path())) || !run.stdout.contains("!!"),
        "{}",
        run.stdout
    );
}

#[test]
fn an_editor_without_it_is_no_fault() {
    let home = Home(folder());
    home.put("config/blender/5.0/config/userpref.blend", "BLENDER");
    let run = home.doctor();
    for (editor, command) in [
        ("Blender 5.0", "kinescore install blender"),
        ("Kdenlive", "kinescore install kdenlive"),
        ("DaVinci Resolve", "kinescore install resolve"),
    ] {
        let findings = findings(&run.stdout);
        let found = findings.iter().find(|(_, of, _)| of == editor).expect(editor);
        assert_eq!(found.0, "--", "{}", run.stdout);
        assert!(
            found.2.contains("not installed") && found.2.contains(command),
            "{}",
            run.stdout
        );
    }
}

/// What is damaged, how, and parts of the finding.
type Damage<'a> = (&'a str, &'a dyn Fn(), &'a [&'a str]);

#[test]
fn damage_of_the_bundle_is_found_with_what_mends_it() {
    let home = Home::new();
    let binary = format!("{BUNDLE}/{}/Kinescore.ofx", binaries());
    let mend = "to mend it: kinescore install ofx --to";
    let whole = fs::read(home.at(&binary)).expect("a plugin");
    let cases: [Damage<'_>; 8] = [
        (
            "cut off",
            &|| fs::write(home.at(&binary), &whole[..whole.len() / 2]).expect("written"),
            &["Kinescore.ofx cannot be opened", mend],
        ),
        (
            "not a plugin",
            &|| home.library(&binary, "int other(void) { return 2; }"),
            &["cannot be opened", "OfxGetNumberOfPlugins", mend],
        ),
        (
            "a symbol that nothing has",
            &|| {
                home.library(
                    &binary,
                    "int no_such_thing(void); int OfxGetNumberOfPlugins(void) { return no_such_thing(); }",
                );
            },
            &["cannot be opened", "no_such_thing", mend],
        ),
        (
            "another kind of machine",
            &|| {
                fs::remove_file(home.at(&binary)).expect("removed");
                home.put(&format!("{BUNDLE}/Win64/Kinescore.ofx"), "MZ");
            },
            &["is missing; it is built for Win64", mend],
        ),
        (
            "no description",
            &|| fs::remove_file(home.at(&format!("{BUNDLE}/Info.plist"))).expect("removed"),
            &["Info.plist: cannot be read", mend],
        ),
        (
            "half a description",
            &|| home.put(&format!("{BUNDLE}/Info.plist"), &INFORMATION[..30]),
            &["Info.plist: is damaged", mend],
        ),
        (
            "no places",
            &|| fs::remove_file(home.at(&format!("{BUNDLE}/Resources/places.json"))).expect("removed"),
            &["places.json: is missing", mend],
        ),
        (
            "damaged places",
            &|| home.put(&format!("{BUNDLE}/Resources/places.json"), "{\"library\": 3}"),
            &["places.json: is damaged: it has no text 'library'", mend],
        ),
    ];
    for (what, damage, parts) in cases {
        damage();
        home.is_bad(what, "OpenFX", parts);
        home.put(&format!("{BUNDLE}/Info.plist"), INFORMATION);
        fs::write(home.at(&binary), &whole).expect("mended");
        home.put(&format!("{BUNDLE}/Resources/places.json"), "{}");
        home.install_bundle();
        assert!(
            !home.doctor().stdout.contains("!! OpenFX"),
            "{what}: {}",
            home.doctor().stdout
        );
    }
}

#[test]
fn a_library_that_add_on_and_plugin_cannot_use_is_found() {
    let home = Home::new();
    let library = home.at("libkinescore.so");
    let whole = fs::read(&library).expect("a library");
    fs::write(&library, &whole[..300]).expect("written");
    home.is_bad(
        "cut off",
        "Blender 3.4",
        &["libkinescore.so cannot be opened", "kinescore install blender"],
    );
    home.library("libkinescore.so", "int kinescore_abi_version(void) { return 77; }");
    home.is_bad(
        "another interface",
        "Blender 3.4",
        &["has version 77 of the interface", "version 0 is needed"],
    );
    home.library(
        "libkinescore.so",
        "#include <stdlib.h>\n__attribute__((constructor)) static void end(void) { abort(); }",
    );
    home.is_bad("an end by a signal", "OpenFX", &["cannot be opened", "by signal 6"]);
    fs::remove_file(&library).expect("removed");
    home.is_bad(
        "missing",
        "OpenFX",
        &["the library that it loads is not at", "kinescore install ofx"],
    );
}

#[test]
fn damage_of_add_on_job_and_script_is_found() {
    let home = Home::new();
    let addon = "config/blender/3.4/scripts/addons/kinescore";
    fs::remove_file(home.at(&format!("{addon}/core.py"))).expect("removed");
    home.put(&format!("{addon}/ui.py"), "# another version\n");
    let mend = "to mend it: kinescore install blender";
    home.is_bad("a missing file", "Blender 3.4", &["core.py: cannot be read", mend]);
    home.is_bad(
        "another version",
        "Blender 3.4",
        &["ui.py: is of another version", mend],
    );
    home.put("config/blender/3.4/config/userpref.blend", "BLENDER-v304\0cycles\0");
    home.is_bad("not enabled", "Blender 3.4", &["is not enabled", "enable Kinescore"]);

    let job = "data/kdenlive/clipjobsettings.rc";
    let program = Path::new(env!("CARGO_BIN_EXE_kinescore"))
        .canonicalize()
        .expect("the program");
    let written = fs::read_to_string(home.at(job)).expect("the job");
    home.put(job, &written.replace(text(&program), "/nowhere/kinescore"));
    let mend = "to mend it: kinescore install kdenlive";
    home.is_bad("no program", "Kdenlive", &["is not at /nowhere/kinescore", mend]);
    home.put(job, &written.replace("--no-video ", ""));
    home.is_bad("other parameters", "Kdenlive", &["of another version", mend]);

    let script = "data/DaVinciResolve/Fusion/Scripts/Edit/kinescore_soundtrack.py";
    let written = fs::read_to_string(home.at(script)).expect("the script");
    let mend = "to mend it: kinescore install resolve";
    home.put(script, &written.replace(text(&program), "/nowhere/kinescore"));
    home.is_bad("no program", "DaVinci Resolve", &["is not at /nowhere/kinescore", mend]);
    home.put(script, &(written + "print()\n"));
    home.is_bad("a changed script", "DaVinci Resolve", &["was changed", mend]);
}

#[test]
fn an_add_on_from_the_zip_is_complete_without_a_recorded_library() {
    let home = Home::new();
    let (addon, extension) = (
        home.at("config/blender/3.4/scripts/addons/kinescore"),
        home.at("config/blender/3.4/extensions/user_default/kinescore"),
    );
    for record in ["places.json", "installed.txt"] {
        fs::remove_file(addon.join(record)).expect("removed");
    }
    for place in [&addon, &extension] {
        if place == &extension {
            fs::create_dir_all(extension.parent().expect("a folder")).expect("a folder");
            fs::rename(&addon, &extension).expect("moved");
        }
        let run = home.doctor();
        assert!(!run.stdout.contains("!! Blender"), "{}", run.stdout);
        assert!(
            run.stdout.contains(&format!("{} is complete", text(place))),
            "{}",
            run.stdout
        );
        assert!(run.stdout.contains("looks for it by itself"), "{}", run.stdout);
    }
}

#[test]
fn a_hosts_list_that_is_older_than_the_plugin_is_found() {
    let home = Home::new();
    let list = "data/DaVinciResolve/OFXPluginCacheV2.xml";
    home.put(list, "<cache/>");
    older(&home.at(list));
    home.is_bad(
        "an old list",
        "OpenFX",
        &["OFXPluginCacheV2.xml is older than the plugin", "to mend it: rm "],
    );
    home.put(list, "<cache/>");
    assert!(!home.doctor().stdout.contains("!! OpenFX"), "{}", home.doctor().stdout);
}

#[test]
fn editors_from_flatpak_and_snap_are_named() {
    let home = Home::new();
    home.put("data/flatpak/app/org.kde.kdenlive/current", "");
    let run = home.doctor();
    assert!(run.stdout.contains("edition from Flatpak"), "{}", run.stdout);
    assert!(run.stdout.contains("kinescore timeline"), "{}", run.stdout);
}

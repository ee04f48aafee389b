//! Effects of `kinescore install` and `kinescore uninstall` on an editor's folders.
#![allow(missing_docs)]
#![allow(clippy::expect_used)] // helpers of tests may panic, as tests do

mod common;

use common::{Home, Run, folder, models, root, text};
use serde_json::Value;
use std::collections::BTreeMap;
use std::fs::{self, Permissions};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::Command;

impl Home {
    fn new() -> Self {
        let home = Self(folder());
        home.put("libkinescore.so", "not opened by the installation");
        home
    }

    fn read(&self, name: &str) -> String {
        fs::read_to_string(self.at(name)).expect(name)
    }

    fn run(&self, args: &[&str]) -> Run {
        common::go(&mut self.command(args))
    }

    /// All files with their content.
    fn files(&self) -> BTreeMap<PathBuf, Vec<u8>> {
        common::listing(self.0.path())
            .into_iter()
            .filter(|(path, _)| path.is_file())
            .map(|(path, _)| (path.clone(), fs::read(path).expect("a file")))
            .collect()
    }

    /// Installs with these arguments. A dry run writes nothing and prints `said`; a second run
    /// changes nothing.
    #[track_caller]
    fn install(&self, args: &[&str], said: &[&str]) -> Run {
        let before = self.files();
        let dry = self.run(&[&["install"], args, &["--dry-run"]].concat()).expect(0);
        for part in said {
            assert!(dry.stdout.contains(part), "'{part}' is not in:\n{}", dry.stdout);
        }
        assert_eq!(self.files(), before, "a dry run writes nothing");
        let run = self
            .run(&[&["install"], args].concat())
            .expect(0)
            .reports(&["wrote ", "Next: "]);
        let after = self.files();
        for path in after.keys().filter(|path| before.get(*path) != after.get(*path)) {
            assert!(dry.stdout.contains(text(path)), "{} was not announced", path.display());
        }
        self.run(&[&["install"], args].concat())
            .expect(0)
            .reports(&["installed already"]);
        assert_eq!(self.files(), after, "a second run changes nothing");
        run
    }

    /// Uninstalls it: a dry run removes nothing, and a second run finds nothing.
    #[track_caller]
    fn uninstall(&self, args: &[&str]) {
        let before = self.files();
        let dry = self.run(&[&["uninstall"], args, &["--dry-run"]].concat()).expect(0);
        assert!(dry.stdout.contains("would "), "{}", dry.stdout);
        assert_eq!(self.files(), before, "a dry run removes nothing");
        self.run(&[&["uninstall"], args].concat()).expect(0);
        self.run(&[&["uninstall"], args].concat())
            .expect(0)
            .reports(&["not installed"]);
    }
}

/// The path of the program for an editor.
fn program() -> PathBuf {
    Path::new(env!("CARGO_BIN_EXE_kinescore"))
        .canonicalize()
        .expect("the program")
}

/// Checks that every path in places.json exists.
#[track_caller]
fn check_places(home: &Home, name: &str) {
    let places: Value = serde_json::from_str(&home.read(name)).expect("JSON");
    let path = |key: &str| PathBuf::from(places[key].as_str().expect(key));
    assert_eq!(path("program"), program());
    assert_eq!(
        path("library"),
        home.at("libkinescore.so").canonicalize().expect("the library")
    );
    assert_eq!(path("models"), models());
    assert_eq!(path("onnxruntime"), root().join(".setup/onnxruntime"));
}

#[test]
fn the_clip_job_is_merged_into_kdenlives_file_and_removed_again() {
    let job = "data/kdenlive/clipjobsettings.rc";
    for theirs in [
        None,
        Some("[Ids]\n{1234}=My job\n\n[Binary]\n{1234}=/usr/bin/ffmpeg\n# note\n"),
        Some("[Ids]\n{1234}=My job"),
    ] {
        let home = Home::new();
        home.put("data/kdenlive/other.rc", "[Group]\nkey=value\n");
        if let Some(theirs) = theirs {
            home.put(job, theirs);
        }
        let before = home.files();
        home.install(
            &["kdenlive"],
            &["clipjobsettings.rc", "[Ids] kinescore-soundtrack=Generate soundtrack"],
        )
        .reports(&["restart Kdenlive"]);
        let merged = home.read(job);
        for line in theirs.unwrap_or_default().lines() {
            assert!(merged.lines().any(|other| other == line), "{line} is not in {merged}");
        }
        for line in [
            &format!("kinescore-soundtrack={}", program().display()),
            "kinescore-soundtrack=.soundtrack.wav",
            "kinescore-soundtrack=auto  rock  latin  funk",
        ] {
            assert!(merged.contains(line), "{line} is not in {merged}");
        }
        home.uninstall(&["kdenlive"]);
        assert_eq!(home.files(), before);
        // A folder that is empty was made by the installation.
        fs::remove_file(home.at("data/kdenlive/other.rc")).expect("removed");
        home.install(&["kdenlive"], &["clipjobsettings.rc"]);
        home.uninstall(&["kdenlive"]);
        assert_eq!(home.at("data/kdenlive").exists(), theirs.is_some());
    }
}

#[test]
fn the_parameters_of_the_clip_job_are_a_command_line_that_renders() {
    let home = Home::new();
    let to = home.at("flat");
    home.install(&["kdenlive", "--to", text(&to)], &[text(&to)]);
    let rc = home.read("flat/clipjobsettings.rc");
    let (_, parameters) = rc
        .split_once("[Parameters]\nkinescore-soundtrack=")
        .expect("parameters");
    let wav = home.at("walk.soundtrack.wav");
    let words = parameters
        .lines()
        .next()
        .expect("a line")
        .split(' ')
        .map(|word| match word {
            "{source}" => common::walkers().display().to_string(),
            "{output}" => wav.display().to_string(),
            "{param1}" => "auto".to_owned(),
            "{param2}" => "drums".to_owned(),
            other => other.to_owned(),
        });
    let words: Vec<String> = words.collect();
    // Started like by Kdenlive: without the variables of a shell.
    let mut command = Command::new(program());
    let command = common::isolate(
        command
            .args(&words)
            .args(["--no-cache", "--end", "3", "--tempo", "100"]),
    )
    .env_remove("KINESCORE_MODELS")
    .env_remove("KINESCORE_ONNXRUNTIME");
    common::go(command).expect(0).reports(&["percentage: 100"]);
    assert_eq!(common::probe(&wav, "a:0", "format=duration"), "3.000000");
}

#[test]
fn a_file_that_cannot_be_merged_and_a_path_that_cannot_be_passed_are_refused() {
    let home = Home::new();
    let path = home.at("data/kdenlive/clipjobsettings.rc");
    home.put("data/kdenlive/clipjobsettings.rc", "");
    fs::write(&path, b"[Ids]\nx=\xff\n").expect("a file");
    let before = home.files();
    home.run(&["install", "kdenlive"])
        .expect(7)
        .reports(&[text(&path), "UTF-8"]);
    assert_eq!(home.files(), before);

    // A folder with a space in its name; a link with a space leads to a folder without.
    let link = home.at("linked models");
    std::os::unix::fs::symlink(models(), &link).expect("a link");
    let real = home.at("my models");
    fs::create_dir(&real).expect("a folder");
    fs::copy(models().join("manifest.toml"), real.join("manifest.toml")).expect("a copy");
    let to = home.at("flat");
    for (models, code, parts) in [
        (link, 0, &["wrote "][..]),
        (real, 2, &["KINESCORE_MODELS", "my models", "spaces"]),
    ] {
        let mut command = home.command(&["install", "kdenlive", "--to", text(&to)]);
        common::go(command.env("KINESCORE_MODELS", &models))
            .expect(code)
            .reports(parts);
    }
}

#[test]
fn the_add_on_goes_to_each_version_of_blender_and_is_removed_again() {
    let home = Home::new();
    let library = home.at("libkinescore.so");
    home.put("config/blender/3.4/scripts/addons/theirs.py", "pass\n");
    home.put("config/blender/5.0/config/userpref.blend", "preferences");
    home.put("config/blender/notes/readme.txt", "no version");
    let before = home.files();
    home.install(
        &["blender", "--library", text(&library)],
        &[
            "3.4/scripts/addons/kinescore/__init__.py",
            "5.0/scripts/addons/kinescore/places.json",
        ],
    )
    .reports(&["Preferences"]);
    let settings = home.run(&["settings", "--json"]).stdout;
    for version in ["3.4", "5.0"] {
        let addon = format!("config/blender/{version}/scripts/addons/kinescore");
        assert_eq!(home.read(&format!("{addon}/settings.json")), settings);
        check_places(&home, &format!("{addon}/places.json"));
        let source = root().join("plugin/blender/kinescore");
        let files = common::listing(&source).into_iter().map(|(path, _)| path);
        for file in files.filter(|path| path.is_file() && !text(path).contains("__pycache__")) {
            let name = text(file.strip_prefix(&source).expect("a file of the add-on"));
            let content = fs::read_to_string(&file).expect("the add-on's file");
            assert_eq!(home.read(&format!("{addon}/{name}")), content, "{name}");
        }
    }
    assert!(!home.at("config/blender/notes/scripts").exists());

    // Files that Python has compiled are removed, too; the user's own files stay.
    let addon = "config/blender/3.4/scripts/addons/kinescore";
    home.put(&format!("{addon}/__pycache__/__init__.cpython-311.pyc"), "compiled");
    home.put(&format!("{addon}/note.txt"), "mine");
    home.uninstall(&["blender"]);
    let mut expected = before;
    expected.insert(home.at(addon).join("note.txt"), b"mine".to_vec());
    assert_eq!(home.files(), expected);
    assert!(!home.at("config/blender/5.0/scripts/addons/kinescore").exists());
}

#[test]
fn a_folder_of_that_name_that_is_not_ours_stays_unchanged() {
    let home = Home::new();
    let library = home.at("libkinescore.so");
    home.put("addons/kinescore/__init__.py", "# another's\n");
    let before = home.files();
    let to = home.at("addons");
    let args = ["--to", text(&to)];
    home.run(&[&["install", "blender", "--library", text(&library)], &args[..]].concat())
        .expect(7)
        .reports(&[text(&to.join("kinescore")), "places.json"]);
    home.run(&[&["uninstall", "blender"], &args[..]].concat())
        .expect(0)
        .reports(&["not installed"]);
    home.put("addons/kinescore_soundtrack.py", "# another's\n");
    home.run(&[&["install", "resolve"], &args[..]].concat())
        .expect(7)
        .reports(&["kinescore_soundtrack.py"]);
    home.run(&[&["uninstall", "resolve"], &args[..]].concat())
        .expect(0)
        .reports(&["not installed"]);
    let after = home.files();
    assert_eq!(after.len(), before.len() + 1);
    assert!(before.iter().all(|(path, content)| after.get(path) == Some(content)));
}

#[test]
fn a_folder_is_requested_if_no_blender_is_found() {
    let home = Home::new();
    let library = home.at("libkinescore.so");
    home.run(&["install", "blender", "--library", text(&library)])
        .expect(6)
        .reports(&["config/blender", "--to DIR"]);

    // A Blender that was never started has no folder yet; the folder is derived from its version.
    home.put("bin/blender", "#!/bin/sh\necho 'Blender 4.2.3 LTS'\n");
    fs::set_permissions(home.at("bin/blender"), Permissions::from_mode(0o755)).expect("rights");
    home.run(&["install", "blender", "--library", text(&library)]).expect(0);
    assert!(
        home.at("config/blender/4.2/scripts/addons/kinescore/places.json")
            .is_file()
    );
    home.uninstall(&["blender"]);
    assert!(home.at("config").is_dir() && !home.at("config/blender").exists());
}

#[test]
fn the_bundle_is_copied_with_its_places_and_removed_again() {
    let home = Home::new();
    let library = home.at("libkinescore.so");
    let binary = "bundle/Kinescore.ofx.bundle/Contents/Linux-x86-64/Kinescore.ofx";
    home.put(binary, "plugin");
    fs::set_permissions(home.at(binary), Permissions::from_mode(0o755)).expect("rights");
    home.put("bundle/Kinescore.ofx.bundle/Contents/Info.plist", "plist");
    home.put("bundle/Kinescore.ofx.bundle/Contents/Resources/old.svg", "picture");
    home.put("plugins/Theirs.ofx.bundle/Contents/Info.plist", "theirs");
    let (to, bundle) = (home.at("plugins"), home.at("bundle/Kinescore.ofx.bundle"));
    let args = [
        "ofx",
        "--to",
        text(&to),
        "--library",
        text(&library),
        "--bundle",
        text(&bundle),
    ];
    let before = home.files();
    home.install(
        &args,
        &["Contents/Linux-x86-64/Kinescore.ofx", "Contents/Resources/places.json"],
    )
    .reports(&["OFX_PLUGIN_PATH"]);
    check_places(&home, "plugins/Kinescore.ofx.bundle/Contents/Resources/places.json");
    // The list can be checked without Kinescore.
    let sums = Path::new("Contents/Resources/installed.txt");
    let mut check = Command::new("sha256sum");
    check
        .arg("--check")
        .arg(sums)
        .current_dir(to.join("Kinescore.ofx.bundle"));
    let checked = common::go(&mut check).expect(0).stdout;
    assert!(checked.contains("Contents/Linux-x86-64/Kinescore.ofx: OK"), "{checked}");
    let copied = home.at("plugins/Kinescore.ofx.bundle/Contents/Linux-x86-64/Kinescore.ofx");
    assert_eq!(
        fs::metadata(copied).expect("the plugin").permissions().mode() & 0o777,
        0o755
    );

    // The next version has other files: those of the previous one are removed.
    fs::remove_file(bundle.join("Contents/Resources/old.svg")).expect("the file");
    home.put("bundle/Kinescore.ofx.bundle/Contents/Resources/new.svg", "picture");
    home.run(&[&["install"], &args[..]].concat())
        .expect(0)
        .reports(&["old.svg", "new.svg"]);
    let resources = home.at("plugins/Kinescore.ofx.bundle/Contents/Resources");
    assert!(resources.join("new.svg").is_file() && !resources.join("old.svg").exists());
    fs::rename(
        bundle.join("Contents/Resources/new.svg"),
        bundle.join("Contents/Resources/old.svg"),
    )
    .expect("a file");

    home.uninstall(&["ofx", "--to", text(&to)]);
    assert!(home.files().keys().eq(before.keys()));
    assert!(!home.at("plugins/Kinescore.ofx.bundle").exists());
}

#[test]
fn the_script_for_resolve_knows_the_program() {
    let home = Home::new();
    let before = home.files();
    let script = "data/DaVinciResolve/Fusion/Scripts/Edit/kinescore_soundtrack.py";
    home.install(&["resolve"], &[script]).reports(&["Workspace > Scripts"]);
    let program = format!("PROGRAM = \"{}\"\n", program().display());
    assert!(home.read(script).contains(&program));
    assert!(
        home.read(script)
            .contains(&format!("MODELS = \"{}\"\n", models().display()))
    );
    home.uninstall(&["resolve"]);
    assert_eq!(home.files(), before);
    let data = fs::read_dir(home.at("data")).expect("the folder");
    assert_eq!(
        data.count(),
        0,
        "empty folders are removed, up to that of all programs' data"
    );
}

#[test]
fn the_help_names_the_editors_and_the_exit_codes() {
    for command in ["install", "uninstall"] {
        let help = common::run(&[command, "--help"]).expect(0).stdout;
        for part in ["kdenlive", "blender", "ofx", "resolve", "--to <DIR>", "--dry-run"] {
            assert!(help.contains(part), "{part} is not in:\n{help}");
        }
    }
    let help = common::run(&["install", "--help"]).expect(0).stdout;
    assert!(
        help.contains("sudo kinescore install ofx") && help.contains("Exit codes:"),
        "{help}"
    );
}

#[test]
fn missing_parts_and_protected_folders_are_reported() {
    let home = Home::new();
    let library = home.at("libkinescore.so");
    let nowhere = home.at("nowhere");
    home.put("note.txt", "mine");
    let file = home.at("note.txt");
    let before = home.files();
    let given = ["--library", text(&library)];
    // Blender and the bundle are also missing: the wrong argument is reported first.
    for (args, code, parts) in [
        (&["install", "vegas"][..], 2, &["vegas", "kdenlive"][..]),
        (&["install"], 2, &["EDITOR"]),
        (&["install", "kdenlive", "--bundle", "x"], 2, &["--bundle", "ofx"]),
        (&["install", "resolve", "--library", "x"], 2, &["--library", "blender"]),
        (
            &["install", "blender", "--library", text(&nowhere)],
            6,
            &[text(&nowhere), "--library"],
        ),
        (
            &["install", "ofx", "--library", text(&nowhere)],
            6,
            &[text(&nowhere), "--library"],
        ),
        (
            &[
                "install",
                "ofx",
                "--library",
                text(&library),
                "--bundle",
                text(&nowhere),
            ],
            6,
            &[text(&nowhere), "--bundle"],
        ),
        (
            &["install", "kdenlive", "--to", "/proc/kdenlive"],
            7,
            &["/proc/kdenlive"],
        ),
        (&["install", "resolve", "--to", text(&library)], 7, &[text(&library)]),
        (
            &["install", "blender", "--to", "/proc/addons", given[0], given[1]],
            7,
            &["/proc/addons"],
        ),
        (
            &["install", "kdenlive", "--to", text(&file)],
            7,
            &["note.txt", "not a folder", "--to"],
        ),
        (
            &["install", "blender", "--to", text(&file), given[0], given[1]],
            7,
            &["note.txt", "not a folder"],
        ),
        (
            &["install", "ofx", "--to", text(&file)],
            7,
            &["note.txt", "not a folder"],
        ),
        (
            &["install", "resolve", "--to", text(&file.join("deep"))],
            7,
            &["note.txt", "not a folder"],
        ),
        (
            &["uninstall", "kdenlive", "--to", text(&file)],
            7,
            &["note.txt", "not a folder"],
        ),
    ] {
        home.run(args).expect(code).reports(parts);
        assert_eq!(home.files(), before, "{args:?}");
    }

    // Nothing beside the program: the message lists the places tried.
    let far = folder();
    let program = far.path().join("kinescore");
    fs::copy(env!("CARGO_BIN_EXE_kinescore"), &program).expect("a copy");
    for (editor, part) in [("blender", "libkinescore.so"), ("ofx", "Kinescore.ofx.bundle")] {
        let usual = home.command(&[]);
        let mut command = Command::new(&program);
        command
            .args(["install", editor, "--to", text(&nowhere)])
            .env_clear()
            .envs(usual.get_envs().filter_map(|(name, value)| Some((name, value?))));
        let run = common::go(&mut command).expect(6);
        let place = far.path().canonicalize().expect("the folder");
        assert!(
            run.stderr.contains(part) && run.stderr.contains(text(&place)),
            "{}",
            run.stderr
        );
    }
    assert_eq!(home.files(), before);
}

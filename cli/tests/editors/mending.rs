//! What the printed commands mend, and how they name the program.

use super::*;

impl Home {
    /// Kinescore as it is unpacked from the tarball, in a folder with a space in its name and not in
    /// PATH: the program's path.
    fn unpacked() -> (Self, String) {
        let home = Self(folder());
        let place = "any where/lib/kinescore/Kinescore.ofx.bundle/Contents";
        home.library(
            "any where/lib/libkinescore.so",
            "int kinescore_abi_version(void) { return 0; }",
        );
        home.library(
            &format!("{place}/{}/Kinescore.ofx", binaries()),
            "__attribute__((used)) static const char some[9000] = {[0 ... 8999] = 1}; int OfxGetNumberOfPlugins(void) { return some[0] + 1; }",
        );
        home.put(&format!("{place}/Info.plist"), INFORMATION);
        home.put(&format!("{place}/Resources/openfx-LICENSE.md"), "BSD-3-Clause\n");
        let program = home.at("any where/bin/kinescore");
        fs::create_dir(program.parent().expect("a folder")).expect("a folder");
        fs::copy(env!("CARGO_BIN_EXE_kinescore"), &program).expect("a copy");
        let program = text(&program.canonicalize().expect("the program")).to_owned();
        (home, program)
    }

    /// Runs that program.
    fn run_unpacked(&self, program: &str, args: &[&str]) -> Run {
        let mut command = Command::new(program);
        let usual = self.command(&[]);
        command
            .args(args)
            .env_clear()
            .envs(usual.get_envs().filter_map(|(name, value)| Some((name, value?))))
            .env("OFX_PLUGIN_PATH", self.at("ofx"));
        common::go(&mut command)
    }

    /// The report of that program has a bad finding of this editor with these parts; the command at
    /// its end mends it.
    #[track_caller]
    fn is_mended(&self, program: &str, what: &str, editor: &str, parts: &[&str]) {
        let run = self.run_unpacked(program, &["doctor", "--editors"]);
        let findings = findings(&run.stdout);
        let found = findings
            .iter()
            .find(|(mark, of, text)| *mark == "!!" && of == editor && parts.iter().all(|part| text.contains(part)));
        assert!(found.is_some(), "{what}: {}", run.stdout);
        let text = found.map(|(_, _, text)| text.as_str()).unwrap_or_default();
        let command = text
            .lines()
            .rev()
            .find_map(|line| line.split_once(": "))
            .expect("a command")
            .1;
        assert!(
            command.contains(&format!("'{program}' ")) || !command.contains("kinescore install"),
            "{what}: the program is named by its path: {command}"
        );
        let mut shell = self.command(&[]);
        common::go(&mut common::by_shell(command, shell.env("PATH", common::SYSTEM))).expect(0);
        let run = self.run_unpacked(program, &["doctor", "--editors"]);
        assert!(
            !run.stdout.contains(&format!("!! {editor}")),
            "{what}: {command}\n{}",
            run.stdout
        );
    }
}

#[test]
fn the_printed_command_mends_the_bundle() {
    let (home, program) = Home::unpacked();
    let at = |name: &str| home.at(&format!("{BUNDLE}/{name}"));
    let binary = at(&format!("{}/Kinescore.ofx", binaries()));
    let (bundle, plugins) = (home.at("ofx/Kinescore.ofx.bundle"), home.at("ofx"));
    home.run_unpacked(&program, &["install", "ofx", "--to", text(&plugins)])
        .expect(0);
    let whole = fs::read(&binary).expect("a plugin");
    let remove = |path: &Path| fs::remove_file(path).expect("removed");
    let in_place = |path: &Path| {
        remove(path);
        fs::create_dir(path).expect("a folder");
    };
    let cases: [Damage<'_>; 12] = [
        (
            "a byte is missing",
            &|| fs::write(&binary, &whole[..whole.len() - 1]).expect("written"),
            &["Kinescore.ofx: was damaged or changed"],
        ),
        (
            "zeros in the middle",
            &|| {
                let mut content = whole.clone();
                let start = content.len() / 2 - 2000;
                content[start..start + 4000].fill(0);
                fs::write(&binary, content).expect("written");
            },
            &["Kinescore.ofx: was damaged or changed"],
        ),
        (
            "another description",
            &|| fs::write(at("Info.plist"), INFORMATION.replace("<dict/>", "<dict></dict>")).expect("written"),
            &["Info.plist: was damaged or changed"],
        ),
        (
            "no licence",
            &|| remove(&at("Resources/openfx-LICENSE.md")),
            &["openfx-LICENSE.md: is missing"],
        ),
        (
            "no list",
            &|| remove(&at("Resources/installed.txt")),
            &["installed.txt: is missing"],
        ),
        (
            "no records",
            &|| {
                remove(&at("Resources/installed.txt"));
                remove(&at("Resources/places.json"));
            },
            &["places.json: is missing", "mv "],
        ),
        (
            "a file Contents",
            &|| {
                fs::remove_dir_all(at("")).expect("removed");
                fs::write(home.at(BUNDLE), "").expect("written");
            },
            &["Contents: is not a folder", "mv "],
        ),
        (
            "a folder Info.plist",
            &|| in_place(&at("Info.plist")),
            &["Info.plist: is a folder", "mv "],
        ),
        (
            "a folder Kinescore.ofx",
            &|| in_place(&binary),
            &["Kinescore.ofx: is a folder", "mv "],
        ),
        (
            "a folder places.json",
            &|| in_place(&at("Resources/places.json")),
            &["places.json: is a folder", "mv "],
        ),
        (
            "a broken link",
            &|| {
                fs::remove_dir_all(&bundle).expect("removed");
                std::os::unix::fs::symlink("/nowhere/bundle", &bundle).expect("a link");
            },
            &["is a broken link: nothing is at /nowhere/bundle", "rm "],
        ),
        (
            "a broken link in it",
            &|| {
                remove(&binary);
                std::os::unix::fs::symlink("nowhere", &binary).expect("a link");
            },
            &["Kinescore.ofx: is a broken link", "rm "],
        ),
    ];
    for (what, damage, parts) in cases {
        damage();
        home.is_mended(&program, what, "OpenFX", parts);
    }
}

#[test]
fn the_printed_command_mends_add_on_job_and_script() {
    let (home, program) = Home::unpacked();
    home.put("config/blender/3.4/config/userpref.blend", "BLENDER-v304\0kinescore\0");
    for editor in ["blender", "kdenlive", "resolve"] {
        home.run_unpacked(&program, &["install", editor]).expect(0);
    }
    let addon = home.at("config/blender/3.4/scripts/addons/kinescore");
    let job = home.at("data/kdenlive/clipjobsettings.rc");
    let script = home.at("data/DaVinciResolve/Fusion/Scripts/Edit/kinescore_soundtrack.py");
    let broken = |path: &Path| {
        match path.is_dir() {
            true => fs::remove_dir_all(path).expect("removed"),
            false => fs::remove_file(path).expect("removed"),
        }
        std::os::unix::fs::symlink("/nowhere/at/all", path).expect("a link");
    };
    let folder_in_place = |path: &Path| {
        fs::remove_file(path).expect("removed");
        fs::create_dir(path).expect("a folder");
    };
    let cases: [(&str, Damage<'_>); 10] = [
        ("Blender 3.4", ("a link", &|| broken(&addon), &["broken link"])),
        (
            "Blender 3.4",
            (
                "a folder",
                &|| folder_in_place(&addon.join("core.py")),
                &["core.py: is a folder", "mv "],
            ),
        ),
        (
            "Kdenlive",
            ("a link", &|| broken(&job), &["rc: is a broken link", "rm "]),
        ),
        (
            "Kdenlive",
            ("a folder", &|| folder_in_place(&job), &["rc: is a folder", "mv "]),
        ),
        (
            "Kdenlive",
            (
                "a file above",
                &|| {
                    fs::remove_dir_all(home.at("data/kdenlive")).expect("removed");
                    home.put("data/kdenlive", "");
                },
                &["data/kdenlive: is not a folder", "mv "],
            ),
        ),
        (
            "Kdenlive",
            (
                "not UTF-8",
                &|| fs::write(&job, b"[Ids]\nx=\xff\n").expect("written"),
                &["not UTF-8", "moved away with it", "mv "],
            ),
        ),
        (
            "DaVinci Resolve",
            ("a link", &|| broken(&script), &["py: is a broken link", "rm "]),
        ),
        (
            "DaVinci Resolve",
            ("a folder", &|| folder_in_place(&script), &["py: is a folder", "mv "]),
        ),
        (
            "DaVinci Resolve",
            (
                "cut off",
                &|| fs::write(&script, "#!/usr/bin/env python3\n").expect("written"),
                &["was not made by Kinescore", "mv "],
            ),
        ),
        (
            "DaVinci Resolve",
            (
                "settings that do not end",
                &|| {
                    let text = fs::read_to_string(&script).expect("the script");
                    fs::write(&script, text.replace("SETTINGS = []", "SETTINGS = [")).expect("written");
                },
                &["was changed"],
            ),
        ),
    ];
    for (editor, (what, damage, parts)) in cases {
        damage();
        home.is_mended(&program, &format!("{editor}: {what}"), editor, parts);
    }
}

#[test]
fn an_extension_is_mended_by_blender_and_a_second_copy_is_found() {
    let home = Home::new();
    let (addon, extension) = (
        "config/blender/3.4/scripts/addons/kinescore",
        "config/blender/3.4/extensions/user_default/kinescore",
    );
    for (path, _) in common::listing(&home.at(addon)) {
        let name = text(path.strip_prefix(home.at(addon)).expect("below")).to_owned();
        if path.is_file() && !["places.json", "installed.txt"].contains(&name.as_str()) {
            home.put(
                &format!("{extension}/{name}"),
                &fs::read_to_string(&path).expect("a file"),
            );
        }
    }
    home.is_bad(
        "two copies",
        "Blender 3.4",
        &[
            "is there twice",
            extension,
            addon,
            "to remove the add-on: kinescore uninstall blender --to ",
        ],
    );
    home.put(&format!("{extension}/core.py"), "# cut off");
    home.is_bad(
        "two copies, the extension damaged",
        "Blender 3.4",
        &["is there twice", "to remove the extension: rm -r ", extension],
    );
    let addons = home.at("config/blender/3.4/scripts/addons");
    home.run(&["uninstall", "blender", "--to", text(&addons)]).expect(0);
    home.is_bad(
        "a damaged extension",
        "Blender 3.4",
        &[
            "core.py: is of another version",
            "Get Extensions > Install from Disk",
            "to remove it: rm -r ",
        ],
    );
    fs::remove_file(home.at(&format!("{extension}/core.py"))).expect("removed");
    fs::create_dir(home.at(&format!("{extension}/core.py"))).expect("a folder");
    home.is_bad(
        "a folder in place of a file",
        "Blender 3.4",
        &["core.py: is a folder", "Get Extensions > Install from Disk"],
    );
    assert!(
        !home.doctor().stdout.contains("kinescore install blender"),
        "{}",
        home.doctor().stdout
    );

    // Nor is a second copy installed.
    let library = home.at("libkinescore.so");
    let install = ["install", "blender", "--library", text(&library)];
    home.run(&install)
        .expect(7)
        .reports(&["Blender 3.4 has Kinescore as an extension", "rm -r "]);
    home.put("config/blender/3.6/config/userpref.blend", "BLENDER");
    home.run(&install)
        .expect(0)
        .reports(&["left out: Blender 3.4", "3.6/scripts/addons/kinescore/core.py"]);
    assert!(!home.at(addon).exists());
}

#[test]
fn the_library_that_an_extension_would_find_is_looked_for() {
    let home = Home::new();
    let addon = home.at("config/blender/3.4/scripts/addons/kinescore");
    for record in ["places.json", "installed.txt"] {
        fs::remove_file(addon.join(record)).expect("removed");
    }
    let library = home.at(".local/lib/libkinescore.so");
    home.library(
        ".local/lib/libkinescore.so",
        "int kinescore_abi_version(void) { return 0; }",
    );
    let run = home.doctor();
    let found = format!("and finds {}", library.display());
    assert!(run.stdout.contains(&found), "{}", run.stdout);
    home.library(
        ".local/lib/libkinescore.so",
        "int kinescore_abi_version(void) { return 77; }",
    );
    home.is_bad(
        "another interface",
        "Blender 3.4",
        &["has version 77", "install one version"],
    );
    fs::remove_file(&library).expect("removed");
    let run = home.doctor();
    assert!(!run.stdout.contains(&found), "{}", run.stdout);
    assert!(run.stdout.contains("does not find libkinescore.so in") || run.stdout.contains("and finds /usr/"));
}

#[test]
fn the_users_settings_in_the_script_are_no_damage() {
    let home = Home::new();
    let script = home.at("data/DaVinciResolve/Fusion/Scripts/Edit/kinescore_soundtrack.py");
    let written = fs::read_to_string(&script).expect("the script");
    let edited = written.replace("SETTINGS = []", "SETTINGS = [\n    \"--style\", \"funk\",\n]  # mine");
    fs::write(&script, &edited).expect("written");
    let run = home.doctor();
    assert!(!run.stdout.contains("!! DaVinci"), "{}", run.stdout);
    fs::write(&script, edited.replace("TRACK = \"Soundtrack\"", "TRACK = \"Other\"")).expect("written");
    home.is_bad("another line", "DaVinci Resolve", &["was changed"]);
    home.run(&["install", "resolve"]).expect(0);
    assert_eq!(fs::read_to_string(&script).expect("the script"), edited);
}

#[test]
fn a_library_for_another_machine_is_named() {
    let home = Home::new();
    let (number, name) = match std::env::consts::ARCH {
        "aarch64" => (62, "x86-64"),
        _ => (183, "64-bit ARM (aarch64)"),
    };
    for (name_of_file, editor) in [
        (format!("{BUNDLE}/{}/Kinescore.ofx", binaries()), "OpenFX"),
        ("libkinescore.so".to_owned(), "Blender 3.4"),
    ] {
        let file = home.at(&name_of_file);
        let mut content = fs::read(&file).expect("a library");
        content[18] = number;
        fs::write(&file, content).expect("written");
        home.is_bad(
            "another machine",
            editor,
            &[&format!("it is built for {name}; this machine needs")],
        );
    }
}

#[test]
fn without_a_home_folder_nothing_is_missing() {
    let home = Home::new();
    let mut command = home.command(&["doctor", "--editors"]);
    for name in ["HOME", "XDG_DATA_HOME", "XDG_CONFIG_HOME", "XDG_CACHE_HOME"] {
        command.env_remove(name);
    }
    let run = common::go(command.env("OFX_PLUGIN_PATH", home.at("ofx"))).expect(0);
    for editor in ["Blender", "Kdenlive", "DaVinci Resolve"] {
        let findings = findings(&run.stdout);
        let found = findings.iter().find(|(_, of, _)| of == editor).expect(editor);
        assert!(found.0 == "--" && found.2.contains("HOME is not set"), "{}", run.stdout);
    }
}

#[test]
fn commands_name_the_program_by_its_path_unless_it_is_in_path() {
    let (home, program) = Home::unpacked();
    home.put("config/blender/5.0/config/userpref.blend", "BLENDER");
    let commands = |home: &Home| -> Vec<String> {
        let run = home.run_unpacked(&program, &["doctor", "--editors"]);
        let line = |text: &str| {
            text.lines()
                .find_map(|line| line.strip_prefix("to install it: "))
                .map(str::to_owned)
        };
        findings(&run.stdout)
            .iter()
            .filter_map(|(_, _, text)| line(text))
            .collect()
    };
    let quoted = format!("'{program}' install blender");
    assert!(commands(&home).contains(&quoted), "{:?}", commands(&home));

    // Another program of that name is another one; a link to this one is this one.
    fs::create_dir(home.at("bin")).expect("a folder");
    let link = home.at("bin/kinescore");
    fs::copy("/bin/true", &link).expect("a copy");
    assert!(commands(&home).contains(&quoted), "{:?}", commands(&home));
    fs::remove_file(&link).expect("removed");
    std::os::unix::fs::symlink(&program, &link).expect("a link");
    let found = commands(&home);
    assert!(found.contains(&"kinescore install blender".to_owned()), "{found:?}");
    // sudo has a PATH of its own.
    let by_root = format!("sudo '{program}' install ofx");
    assert!(found.contains(&by_root), "{found:?}");

    let to = home.at("my plugins");
    home.run_unpacked(&program, &["install", "ofx", "--to", text(&to)])
        .expect(0)
        .reports(&[&format!("OFX_PLUGIN_PATH='{}'", to.display())]);
}

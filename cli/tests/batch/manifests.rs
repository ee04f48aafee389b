//! Manifests, and a farm that divides one.

use super::*;

#[test]
fn a_missing_resource_that_every_clip_needs_ends_the_batch() {
    let folder = folder();
    let nowhere = text(folder.path()).to_owned() + "/nowhere";
    batch(&folder.path().join("out"), &["--models", &nowhere])
        .expect(6)
        .reports(&["nowhere"]);
    // Cached results need no runtime, so this uses a clip that has not been analysed.
    let clip = make_clip(folder.path(), "new.mp4", "-t 3 -i {} -vf scale=320:-2 -an -c:v mpeg4");
    let list = folder.path().join("list.csv");
    fs::write(&list, format!("path\n{}\n", text(&clip))).expect("a manifest");
    let run = done(&mut of(&list, &folder.path().join("out"), &["--onnxruntime", &nowhere]));
    run.expect(6).reports(&["nowhere"]);
    batch(&folder.path().join("out"), &["--soundfont", "/nowhere/drums.sf2"])
        .expect(6)
        .reports(&["drums.sf2"]);
    assert_eq!(results(&folder.path().join("out")), 0);
}

#[test]
fn a_bad_manifest_is_reported_before_anything_is_rendered() {
    let folder = folder();
    let (list, out) = (folder.path().join("list.csv"), folder.path().join("out"));
    let refused = |content: Option<&[u8]>, args: &[&str], code: i32, message: &str| {
        if let Some(content) = content {
            fs::write(&list, content).expect("a manifest");
        }
        let run = done(&mut of(&list, &out, args)).expect(code);
        let message = message.replace("LIST", text(&list)).replace("DIR", text(folder.path()));
        assert_eq!(run.stderr, format!("kinescore: {message}\n"));
        assert_eq!(run.stdout, "");
        assert_eq!(results(&out), 0);
    };
    fs::copy(clips().join("walk1.mp4"), folder.path().join("walk.mp4")).expect("a copy");
    refused(
        None,
        &[],
        3,
        "LIST: cannot be read: No such file or directory (os error 2)",
    );
    let empty = "LIST: not a list of clips: it is empty; expected CSV with a header, or JSON lines";
    refused(Some(b""), &[], 3, empty);
    refused(
        Some(b"path,in\n"),
        &[],
        3,
        "LIST: not a list of clips: it lists no clip; expected at least one",
    );
    refused(
        Some(b"path,name\nwalk.mp4,caf\xe9\n"),
        &[],
        3,
        "LIST: not a list of clips: line 2, byte 13: 0xe9 is not UTF-8; expected UTF-8",
    );
    let columns =
        "the columns are path, in, out, speed, name, marks and the keys of settings (`kinescore settings` lists them)";
    refused(
        Some(b"path,style\nwalk.mp4,funk\n"),
        &[],
        2,
        &format!("LIST: line 1, column 2: 'style' is not a column; {columns}; did you mean 'drums.style'?"),
    );
    refused(
        Some(b"path;in;out\nwalk.mp4;1;2\n"),
        &[],
        2,
        &format!("LIST: line 1, column 1: 'path;in;out' is not a column; {columns}; columns are separated by commas"),
    );
    refused(
        Some(b"path,in\nwalk.mp4,0\n\nwalk.mp4,one\n"),
        &[],
        2,
        "LIST: line 4, column 'in': 'one' is not allowed; expected seconds, MM:SS or HH:MM:SS, such as 65.5 or 1:05.5, \
         or a ratio such as 3003/24000",
    );
    refused(
        Some(b"path,speed\nwalk.mp4,9\n"),
        &[],
        2,
        "LIST: line 2, column 'speed': '9' is not allowed; expected 1/4 to 4, such as 0.5, 3/2 or 150%",
    );
    refused(
        Some(b"path,tempo\nwalk.mp4,500\n"),
        &[],
        2,
        "LIST: line 2, column 'tempo': '500' is not allowed; expected auto, or 40 to 240",
    );
    refused(
        Some(b"path,drums.style\nwalk.mp4,jaz\n"),
        &[],
        2,
        "LIST: line 2, column 'drums.style': 'jaz' is not allowed; expected auto|rock|latin|funk|jazz|hiphop|neworleans|\
         afrobeat|afrocuban|dance|soul|reggae|country|blues|pop|punk; did you mean 'jazz'?",
    );
    refused(
        Some(b"path,name\nwalk.mp4,one\nwalk.mp4,two\nwalk.mp4,one\n"),
        &[],
        2,
        "LIST: line 4, column 'name': 'one' is not allowed; line 2 writes one.wav already; each clip needs a unique name \
         (case is ignored)",
    );
    refused(
        Some(b"path\nwalk.mp4\ngone.mp4\n"),
        &[],
        3,
        "LIST: line 3, column 'path': 'gone.mp4' cannot be read (DIR/gone.mp4: No such file or directory (os error 2)); \
         expected a video file, with a path relative to the manifest's folder",
    );
    refused(
        Some(b"path\n.\n"),
        &[],
        2,
        "LIST: line 2, column 'path': '.' is not allowed; files cannot be named after it; give it a name \
         in 'name'",
    );
    refused(
        Some(b"path,speed\nwalk.mp4,1/2\n"),
        &["--video"],
        2,
        "LIST: line 2, column 'speed': '1/2' is not allowed; expected 1, since --video copies the picture unchanged",
    );
    assert!(!out.exists());
    fs::create_dir_all(out.join("walk.wav")).expect("a folder");
    refused(
        Some(b"path\nwalk.mp4\n"),
        &[],
        7,
        "LIST: line 2: DIR/out/walk.wav: it exists and is not a regular file; move it away, or choose another name",
    );

    let there = listing(folder.path());
    let own = |name: &str, content: &str, parts: &[&str]| {
        let list = folder.path().join(name);
        fs::write(&list, content).expect("a manifest");
        done(&mut of(&list, folder.path(), &[])).expect(7).reports(parts);
        assert_eq!(fs::read_to_string(&list).expect("the manifest"), content);
        fs::remove_file(list).expect("a manifest");
    };
    own(
        "walk.json",
        "{\"path\": \"walk.mp4\"}\n",
        &["walk.json: the output would overwrite an input"],
    );
    assert_eq!(listing(folder.path()), there);
    for (args, parts) in [
        (&["--chunk", "4/3"][..], &["4/3", "I from 1 to N"][..]),
        (&["--retries", "101"], &["101", "0 to 100"]),
        (&["--collect", "--chunk", "1/2"], &["--collect"]),
        (&["--report", "DIR/none/report.json"], &["none/report.json"]),
        (&["--report", "DIR/walk.mp4"], &["walk.mp4", "overwrite the input"]),
        (
            &["--report", "DIR/other/walk.mid"],
            &["walk.mid: two outputs have this name"],
        ),
    ] {
        fs::write(&list, "path\nwalk.mp4\n").expect("a manifest");
        let args: Vec<String> = args.iter().map(|arg| arg.replace("DIR", text(folder.path()))).collect();
        let args: Vec<&str> = args.iter().map(String::as_str).collect();
        let other = folder.path().join("other");
        let run = done(&mut of(&list, &other, &args)).reports(parts);
        assert!(matches!(run.code, Some(2 | 7)), "{args:?}: {:?}", run.code);
        assert_eq!(results(&other), 0);
    }
}

/// Python's Open Job Description command-line program, if it is installed.
fn openjd() -> Option<PathBuf> {
    let named = std::env::var_os("OPENJD").map(PathBuf::from);
    let paths = std::env::var_os("PATH").unwrap_or_default();
    let found = std::env::split_paths(&paths)
        .map(|folder| folder.join("openjd"))
        .find(|path| path.is_file());
    named.or(found)
}

#[test]
fn the_farm_template_renders_all_chunks_and_collects() {
    let Some(openjd) = openjd() else {
        // Bypasses the capture of passing tests, so that it is visible.
        let reported = "SKIPPED: no openjd (pip install openjd-cli) in PATH or OPENJD: the farm template is not tested";
        writeln!(std::io::stderr(), "{reported}").expect("standard error");
        return;
    };
    let folder = folder();
    let template = root().join("plugin/farm/kinescore.template.yaml");
    // It runs the template's scripts in the shell.
    let start = |words: &[&str]| {
        let mut command = Command::new(&openjd);
        common::isolate(command.args(words)).env("PATH", common::SYSTEM);
        command
    };
    common::go(&mut start(&["check", text(&template)])).expect(0);
    let job = |manifest: &Path, flags: &str| {
        let mut command = start(&["run", text(&template), "--timestamp-format", "relative"]);
        for parameter in [
            format!("Manifest={}", text(manifest)),
            format!("Out={}", text(folder.path())),
            "Chunks=3".to_owned(),
            format!("Program={}", env!("CARGO_BIN_EXE_kinescore")),
            format!("Flags={flags}"),
        ] {
            command.args(["--job-param", &parameter]);
        }
        command.env("KINESCORE_CACHE", clips().join("cache"));
        let output = outside::finished_long(&mut command);
        (
            output.status.success(),
            String::from_utf8_lossy(&output.stdout).into_owned(),
        )
    };
    let flags = QUICKLY.join(" ") + " --set 'music.chords=Am F'";
    let (well, log) = job(&clips().join("clips.csv"), &flags);
    assert!(!well, "two clips fail, which the last step must report:\n{log}");
    assert_eq!(
        names(folder.path())
            .iter()
            .filter(|name| !name.ends_with("report.json"))
            .collect::<Vec<_>>(),
        expected().iter().collect::<Vec<_>>()
    );
    assert_eq!(log.matches(": done in ").count(), GOOD, "{log}");
    assert!(log.contains("10 done, 2 failed of 12 clips"), "{log}");
    let report = json(&folder.path().join("report.json"));
    assert_eq!(
        (&report["counts"]["done"], &report["counts"]["failed"]),
        (&10.into(), &2.into())
    );
    assert_eq!(
        json(&folder.path().join("walk1.result.json"))["settings"]["music.chords"],
        "Am F"
    );

    // Only the good clips: the job succeeds, and nothing is rendered twice.
    let good = clips().join("good.csv");
    let all = fs::read_to_string(clips().join("clips.csv")).expect("the manifest");
    let lines = all.lines().filter(|line| !line.starts_with("no"));
    fs::write(&good, lines.collect::<Vec<_>>().join("\n")).expect("a manifest");
    let (well, log) = job(&good, &flags);
    assert!(well, "{log}");
    assert_eq!(
        (log.matches(": done in ").count(), log.matches(": up to date").count()),
        (0, GOOD),
        "{log}"
    );
}

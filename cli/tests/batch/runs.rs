//! Batches that run, stop and continue.

use super::*;

#[test]
fn a_row_is_rendered_with_its_marks_and_again_when_they_change() {
    let folder = folder();
    let out = folder.path().join("out");
    let marks = |at: f64| {
        let marks = format!(r#"{{"format": "kinescore-marks", "version": 1, "hits": [{{"time": {at}}}]}}"#);
        fs::write(folder.path().join("jump.marks.json"), marks).expect("marks");
    };
    let list = folder.path().join("list.csv");
    let clip = clips().join("walk1.mp4");
    let clip = text(&clip);
    fs::write(
        &list,
        format!("path,name,marks\n{clip},plain,\n{clip},marked,jump.marks.json\n"),
    )
    .expect("a list");
    let struck = |name: &str, at: f64| {
        let analysis = json(&out.join(format!("{name}.json")));
        let hits = analysis["drums"]["hits"].as_array().expect("hits").clone();
        let near = |hit: &Value| (hit["time"].as_f64().expect("a time") - at).abs() < 5e-3;
        (analysis["marks"]["hits"][0]["time"].as_f64(), hits.iter().any(near))
    };
    for (at, rendered_now) in [(1.234, 2), (1.471, 1)] {
        marks(at);
        let run = done(&mut of(&list, &out, &[])).expect(0);
        assert_eq!(rendered(&run), rendered_now, "{}", run.stderr);
        assert_eq!(struck("marked", at), (Some(at), true));
        assert_eq!(struck("plain", at), (None, false));
    }
}

#[test]
fn twelve_clips_of_which_two_are_broken_give_ten_results_and_two_reasons() {
    let folder = folder();
    let out = folder.path().join("new/out");
    let report = folder.path().join("report.json");
    let run = batch(&out, &["--report", text(&report)]).expect(9).reports(&[
        "[3/12] a cut: done in ",
        "kinescore: [8/12] no-video: failed: ",
        "no-video.mp4: no video stream (found: audio)",
        "kinescore: [11/12] nobody: failed: ",
        "nobody.mp4: no person found",
        "kinescore: 10 done, 2 failed of 12 clips in ",
    ]);
    assert_eq!(run.stdout, "");
    assert_eq!((rendered(&run), count(&run, "failed")), (GOOD, ALL - GOOD));
    assert_eq!(
        run.stderr.lines().count(),
        ALL + 1,
        "a line each and a last one:\n{}",
        run.stderr
    );
    assert_eq!(names(&out), expected());

    for name in NAMES {
        let result = json(&out.join(format!("{name}.result.json")));
        assert_eq!(
            (&result["status"], &result["attempts"]),
            (&"done".into(), &1.into()),
            "{result:#}"
        );
        assert_eq!(result["key"].as_str().map(str::len), Some(64));
        let outputs = result["outputs"].as_array().expect("outputs");
        assert_eq!(outputs.len(), 3);
        for output in outputs {
            let file = out.join(output["file"].as_str().expect("a name"));
            assert_eq!(output["bytes"], fs::metadata(&file).expect("a file").len());
        }
        assert!(
            fs::read(out.join(format!("{name}.mid")))
                .expect("MIDI")
                .starts_with(b"MThd")
        );
        let analysis = json(&out.join(format!("{name}.json")));
        assert!(
            analysis["beats"].as_array().is_some_and(|beats| !beats.is_empty()),
            "{name}"
        );
        assert_eq!(
            analysis["settings"]["pose.rate"], "10",
            "the settings of the command line"
        );
    }
    let seconds = |name: &str| {
        probe(&out.join(name), "a:0", "stream=duration")
            .parse::<f64>()
            .expect("a number")
    };
    assert!((seconds("a cut.wav") - 2.4).abs() < 1e-4, "{}", seconds("a cut.wav"));
    assert!((seconds("walk7.wav") - 2.5).abs() < 1e-4, "{}", seconds("walk7.wav"));
    let whole: f64 = probe(&clips().join("walk4.mp4"), "v:0", "stream=duration")
        .parse()
        .expect("a number");
    assert!(
        (seconds("slow.wav") - 2.0 * whole).abs() < 1e-3,
        "half the speed: {}",
        seconds("slow.wav")
    );
    let slow = json(&out.join("slow.json"));
    assert_eq!(
        (&slow["drums"]["style"], &slow["seed"]),
        (&"funk".into(), &9.into()),
        "the row's settings"
    );
    for (name, code, lasting) in [("no-video", 3, true), ("nobody", 4, true)] {
        let error = &json(&out.join(format!("{name}.result.json")))["error"];
        assert_eq!(
            (&error["code"], &error["lasting"]),
            (&code.into(), &lasting.into()),
            "{error:#}"
        );
        assert!(error["sentence"].as_str().is_some_and(|text| text.contains(name)));
    }
    let report = json(&report);
    assert_eq!(
        (&report["counts"]["done"], &report["counts"]["failed"]),
        (&10.into(), &2.into())
    );
    assert_eq!(report["clips"][7]["error"]["code"], 3);

    // Again: there is nothing to do, and failed clips fail without being analysed again.
    let before = times(&out);
    let again = batch(&out, &[])
        .expect(9)
        .reports(&["10 skipped, 2 failed of 12 clips"]);
    assert_eq!((rendered(&again), count(&again, "up to date")), (0, GOOD));
    assert_eq!(times(&out), before);

    // Only missing or damaged files are made again.
    fs::remove_file(out.join("walk2.wav")).expect("a file");
    fs::write(out.join("walk5.result.json"), "{\"format\": \"kinescore-res").expect("a file");
    let repaired = batch(&out, &[])
        .expect(9)
        .reports(&["walk5.result.json: not a result", "2 done, 8 skipped, 2 failed"]);
    assert_eq!(rendered(&repaired), 2);
    let now = times(&out);
    assert_eq!(now.keys().collect::<Vec<_>>(), before.keys().collect::<Vec<_>>());
    for (name, time) in &now {
        let touched = name.starts_with("walk2.") || name.starts_with("walk5.");
        assert_eq!(before[name] != *time, touched, "{name}");
    }

    let collected = batch(&out, &["--collect"]).expect(9);
    assert_eq!(collected.stderr, "");
    assert!(
        collected.stdout.ends_with("10 done, 2 failed of 12 clips\n"),
        "{}",
        collected.stdout
    );
    let row = |name: &str| {
        let mut lines = collected.stdout.lines();
        lines
            .find(|line| line.starts_with(name))
            .unwrap_or_else(|| panic!("no {name} in:\n{}", collected.stdout))
    };
    assert!(row("slow ").contains(" done ") && row("slow ").ends_with("slow.wav, slow.mid, slow.json"));
    assert!(row("nobody ").contains(" failed ") && row("nobody ").contains("no person found"));
}

#[test]
fn a_changed_setting_renders_again_and_another_spelling_does_not() {
    let folder = folder();
    let (out, list) = (folder.path().join("out"), folder.path().join("list.jsonl"));
    let clip = clips().join("walk1.mp4");
    let row = |more: &str| fs::write(&list, format!("{{\"path\": \"{}\"{more}}}\n", text(&clip))).expect("a manifest");
    let go = |args: &[&str]| done(&mut of(&list, &out, args)).expect(0);
    let midi = || fs::read(out.join("walk1.mid")).expect("MIDI");

    row("");
    assert_eq!(rendered(&go(&[])), 1);
    let (first, before) = (midi(), times(&out));
    assert_eq!(rendered(&go(&[])), 0);
    row(", \"settings\": {\"device\": \"auto\"}");
    assert_eq!(rendered(&go(&[])), 0, "the device changes no note");
    assert!(go(&["--collect"]).stdout.ends_with("1 done of 1 clips\n"));
    row(", \"in\": 0, \"speed\": \"100%\"");
    assert_eq!(rendered(&go(&[])), 0, "the same cut, written differently");
    for file in ["walk1.wav", "walk1.mid", "walk1.json"] {
        assert_eq!(times(&out)[file], before[file], "{file}");
    }

    row(", \"settings\": {\"seed\": 77}");
    let outdated = done(&mut of(&list, &out, &["--collect"])).expect(9);
    assert!(outdated.stdout.contains("outdated") && outdated.stdout.contains("0 done, 1 outdated of 1 clips"));
    assert_eq!(rendered(&go(&[])), 1);
    assert_ne!(midi(), first);
    assert_eq!(json(&out.join("walk1.result.json"))["settings"]["seed"], "77");
    assert_eq!(rendered(&go(&["--seed", "5"])), 0, "the row's own setting wins");
    assert_eq!(rendered(&go(&["--style", "jazz"])), 1);
    row(", \"out\": 2.5, \"settings\": {\"seed\": 77}");
    assert_eq!(rendered(&go(&["--style", "jazz"])), 1, "another cut");

    // The video is an additional output of the same soundtrack; afterwards, without --video nothing
    // is missing.
    assert_eq!(rendered(&go(&["--style", "jazz", "--video"])), 1);
    assert_eq!(
        probe(&out.join("walk1.soundtrack.mp4"), "a:0", "stream=codec_name"),
        "aac"
    );
    assert_eq!(rendered(&go(&["--style", "jazz"])), 0);
    let found = go(&["--collect", "--style", "jazz", "--video", "--report", "-"]).stdout;
    let found: Value = serde_json::from_str(&found).expect("only JSON on standard output");
    assert_eq!(found["clips"][0]["outputs"][0]["file"], "walk1.wav");
    assert_eq!(found["counts"]["done"], 1);
    let other = done(&mut of(&list, &out, &["--collect", "--style", "rock"])).expect(9);
    assert!(other.stdout.contains("1 outdated"), "{}", other.stdout);

    // Another file with the media's name, as after exporting the clip again.
    let copy = folder.path().join("copy.mp4");
    fs::copy(&clip, &copy).expect("a copy");
    fs::write(&list, "path\ncopy.mp4\n").expect("a manifest");
    assert_eq!(rendered(&go(&[])), 1);
    fs::copy(clips().join("walk2.mp4"), &copy).expect("a copy");
    assert_eq!(rendered(&go(&[])), 1);
    assert_eq!(rendered(&go(&[])), 0);
}

/// Starts a batch and waits until a number of clips have a result.
fn started(out: &Path, clips: usize) -> Child {
    let mut child = command(out, &[])
        .stderr(Stdio::piped())
        .spawn()
        .expect("the program starts");
    let begun = Instant::now();
    while results(out) < clips {
        assert!(child.try_wait().expect("a state").is_none(), "it has ended too early");
        assert!(begun.elapsed() < Duration::from_secs(300), "no {clips} results");
        sleep(Duration::from_millis(2));
    }
    child
}

/// The files of a clip that has a result.
fn finished(out: &Path) -> BTreeMap<String, SystemTime> {
    let all = times(out);
    let clip = |file: &str| file.split('.').next().unwrap_or_default().to_owned();
    let done: Vec<String> = all
        .keys()
        .filter(|file| file.ends_with(".result.json"))
        .map(|file| clip(file))
        .collect();
    all.into_iter().filter(|(file, _)| done.contains(&clip(file))).collect()
}

#[test]
fn a_killed_batch_continues_where_it_was() {
    let folder = folder();
    let mut child = started(folder.path(), 5);
    child.kill().expect("a signal that cannot be caught");
    child.wait().expect("an end");
    let before = finished(folder.path());
    assert!((5..ALL).contains(&results(folder.path())), "half-way: {before:?}");
    let there = before.keys().filter(|file| file.ends_with(".wav")).count();

    let run = batch(folder.path(), &[]).expect(9);
    assert_eq!(rendered(&run) + count(&run, "failed") + count(&run, "up to date"), ALL);
    assert_eq!(
        count(&run, "up to date"),
        there,
        "five good clips come first:\n{}",
        run.stderr
    );
    assert_eq!(rendered(&run), GOOD - there);
    let after = times(folder.path());
    for (file, time) in before {
        assert_eq!(after[&file], time, "{file} was written twice");
    }
    // A file that was being written when the run was killed has a hidden name.
    let visible: Vec<String> = names(folder.path())
        .into_iter()
        .filter(|name| !name.starts_with('.'))
        .collect();
    assert_eq!(visible, expected());
    assert_eq!(rendered(&batch(folder.path(), &[]).expect(9)), 0);
}

#[test]
fn ctrl_c_and_sigterm_leave_finished_files_and_nothing_else() {
    let folder = folder();
    for (signal, more) in [("-TERM", 1), ("-INT", 4)] {
        let mut child = started(folder.path(), more);
        sleep(Duration::from_millis(30));
        outside::signal(&child, signal);
        let status = outside::ended(&mut child);
        let stderr = std::io::read_to_string(child.stderr.take().expect("piped")).expect("UTF-8");
        assert_eq!(status.code(), Some(130), "{stderr}");
        assert!(stderr.contains("kinescore: cancelled"), "{stderr}");
        // Files of the current clip are complete, but have no result: the next run makes them
        // again.
        let all = names(folder.path());
        assert!(all.iter().all(|name| !name.starts_with('.')), "{all:?}");
        assert!((more..ALL).contains(&results(folder.path())), "{all:?}");
    }
    batch(folder.path(), &[]).expect(9).reports(&["2 failed of 12 clips"]);
    assert_eq!(names(folder.path()), expected());
}

#[test]
fn the_shares_of_a_farm_make_up_the_whole() {
    let folder = folder();
    let out = folder.path();
    let nothing = batch(out, &["--collect"]).expect(9);
    assert!(
        nothing.stdout.ends_with("0 done, 12 missing of 12 clips\n"),
        "{}",
        nothing.stdout
    );
    assert!(names(out).is_empty(), "collecting only reads");

    let shares: Vec<Child> = ["1/3", "2/3", "3/3"]
        .into_iter()
        .map(|chunk| {
            let mut command = command(out, &["--chunk", chunk]);
            command
                .stderr(Stdio::piped())
                .stdout(Stdio::piped())
                .spawn()
                .expect("the program starts")
        })
        .collect();
    let codes: Vec<(i32, usize)> = shares
        .into_iter()
        .map(|child| {
            let run = Run::from(outside::collect(child, outside::LONG).expect("an end in time"));
            (run.code.expect("a code"), rendered(&run))
        })
        .collect();
    assert_eq!(codes, [(0, 4), (9, 3), (9, 3)]);
    assert_eq!(names(out), expected());

    let report = out.join("all.json");
    let all = batch(out, &["--collect", "--report", text(&report)]).expect(9);
    assert!(
        all.stdout.ends_with("10 done, 2 failed of 12 clips\n"),
        "{}",
        all.stdout
    );
    let found = json(&report);
    let lines: Vec<u64> = found["clips"]
        .as_array()
        .expect("clips")
        .iter()
        .filter_map(|c| c["line"].as_u64())
        .collect();
    assert_eq!(lines, (2..=13).collect::<Vec<u64>>());
    fs::remove_file(&report).expect("a file");
    fs::write(out.join("walk1.wav"), "cut short").expect("a file");
    fs::remove_file(out.join("walk8.result.json")).expect("a file");
    let hurt = batch(out, &["--collect"]).expect(9).stdout;
    assert!(hurt.ends_with("8 done, 2 failed, 2 missing of 12 clips\n"), "{hurt}");
    assert!(
        hurt.contains("files are missing or were changed after they were written") && hurt.contains("not rendered yet")
    );

    // More shares than clips: some have nothing to do, which is not an error.
    let (few, other) = (folder.path().join("few.csv"), folder.path().join("other"));
    fs::write(&few, format!("path\n{}\n", text(&clips().join("walk1.mp4")))).expect("a manifest");
    let idle = done(&mut of(&few, &other, &["--chunk", "1/2"])).expect(0);
    assert!(idle.stderr.contains("0 done of 0 clips"), "{}", idle.stderr);
}

#[test]
fn a_failed_write_is_retried_and_then_reported() {
    let folder = folder();
    let (out, list) = (folder.path().join("out"), folder.path().join("list.csv"));
    let manifest: String = ["walk1.mp4", "walk2.mp4"]
        .map(|name| format!("{}\n", text(&clips().join(name))))
        .concat();
    fs::write(&list, format!("path\n{manifest}")).expect("a manifest");
    // No file may have more than 100 KiB, which is less than the sound needs. The cache's files are
    // even larger.
    let args = [
        "batch",
        text(&list),
        "--out",
        text(&out),
        "--retries",
        "2",
        "--no-cache",
    ];
    let mut command = kinescore(&args);
    command.args(QUICKLY);
    // Blocks of 512 bytes.
    let run = done(&mut common::by_shell("ulimit -f 200; exec \"$@\"", &command))
        .expect(9)
        .reports(&["walk1.wav: cannot be written: ", "2 failed of 2 clips"]);
    assert_eq!((count(&run, "retrying"), count(&run, "failed")), (4, 2));
    assert_eq!(
        names(&out),
        ["walk1.result.json", "walk2.result.json"],
        "nothing half-written"
    );
    let result = json(&out.join("walk1.result.json"));
    assert_eq!(
        (&result["attempts"], &result["error"]["code"]),
        (&3.into(), &7.into()),
        "{result:#}"
    );
    assert_eq!(result["error"]["lasting"], false);
    // With enough space it continues.
    assert_eq!(rendered(&done(&mut of(&list, &out, &[])).expect(0)), 2);
}

#[test]
fn media_that_disappears_fails_only_its_clip() {
    let folder = folder();
    let (out, list) = (folder.path().join("out"), folder.path().join("list.csv"));
    for (clip, copy) in [("walk1.mp4", "a.mp4"), ("walk2.mp4", "b.mp4"), ("walk5.mp4", "c.mp4")] {
        fs::copy(clips().join(clip), folder.path().join(copy)).expect("a copy");
    }
    fs::write(&list, "path,name\na.mp4,\nb.mp4,gone\nc.mp4,\n").expect("a manifest");
    let mut command = of(&list, &out, &[]);
    let child = command
        .stderr(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .expect("the program starts");
    let begun = Instant::now();
    while results(&out) == 0 {
        assert!(begun.elapsed() < outside::LONG, "no result");
        sleep(Duration::from_millis(1));
    }
    // Whether or not it has been opened by now, the content under its name is no longer known.
    fs::remove_file(folder.path().join("b.mp4")).expect("a file");
    let run = Run::from(outside::collect(child, outside::LONG).expect("an end in time")).expect(9);
    let run = run.reports(&[
        "[2/3] gone: retrying: ",
        "b.mp4: cannot be read: No such file",
        "2 done, 1 failed",
    ]);
    assert_eq!((rendered(&run), count(&run, "retrying")), (2, 1));
    let result = json(&out.join("gone.result.json"));
    assert_eq!(
        (&result["key"], &result["attempts"]),
        (&Value::Null, &2.into()),
        "{result:#}"
    );
    assert_eq!(
        (&result["error"]["code"], &result["error"]["lasting"]),
        (&3.into(), &false.into())
    );
    assert_eq!(result["outputs"], Value::Array(vec![]));

    fs::copy(clips().join("walk2.mp4"), folder.path().join("b.mp4")).expect("a copy");
    assert_eq!(rendered(&done(&mut of(&list, &out, &[])).expect(0)), 1);
}

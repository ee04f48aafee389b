//! Projects that are watched, and the list of their clips.

use super::*;

/// `kinescore timeline watch`, with its output.
struct Watch {
    child: std::process::Child,
    lines: Receiver<String>,
}

impl Watch {
    fn start(project: &Path, more: &[&str]) -> Self {
        let mut child = kinescore(&[&["timeline", "watch", text(project)], more].concat())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .expect("the program starts");
        let (sender, lines) = channel();
        let follow = |stream: Box<dyn std::io::Read + Send>| {
            let sender = sender.clone();
            std::thread::spawn(move || {
                for line in BufReader::new(stream).lines().map_while(Result::ok) {
                    let _ = sender.send(line);
                }
            });
        };
        follow(Box::new(child.stdout.take().expect("stdout")));
        follow(Box::new(child.stderr.take().expect("stderr")));
        Self { child, lines }
    }

    /// Waits for a line that contains `what`, for at most a minute.
    #[track_caller]
    fn wait_for(&self, what: &str) -> String {
        let end = Instant::now() + Duration::from_secs(60);
        let mut seen = Vec::new();
        while let Ok(line) = self.lines.recv_timeout(end.saturating_duration_since(Instant::now())) {
            if line.contains(what) {
                return line;
            }
            seen.push(line);
        }
        panic!("no '{what}' in {seen:?}");
    }

    /// Stops it like Ctrl-C, and returns the remaining lines.
    #[track_caller]
    fn stop(mut self) -> Vec<String> {
        outside::signal(&self.child, "-INT");
        assert_eq!(outside::ended(&mut self.child).code(), Some(0));
        let rest: Vec<String> = self.lines.iter().collect();
        assert!(rest.iter().any(|line| line.contains("no longer watching")), "{rest:?}");
        rest
    }
}

impl Drop for Watch {
    fn drop(&mut self) {
        // A failed test must not leave it running.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Saves a project like an editor, by replacing the file.
fn save(desk: &Desk, project: &Path, bytes: &str) {
    let saved = desk.path("two.mlt.new");
    fs::write(&saved, bytes).expect("written");
    fs::rename(&saved, project).expect("renamed");
}

/// The length of the soundtrack of a project's second clip, seconds.
fn length_of_sound(desk: &Desk, project: &Path) -> f64 {
    let clips = desk.list(project);
    let sound = clips[1]["soundtrack"].as_str().expect("a soundtrack");
    let length = common::probe(Path::new(sound), "a:0", "stream=duration");
    length.parse().expect("seconds")
}

#[test]
fn a_watched_project_follows_each_save() {
    let desk = Desk::new();
    let project = desk.melt_project("two.mlt");
    desk.timeline("add", &project, &[&["--clip", "2"], &QUICK[..]].concat())
        .expect(0);
    let watch = Watch::start(&project, &["-v", "--cache", text(&desk.cache)]);
    watch.wait_for("watching");
    watch.wait_for("follow what was saved");
    std::thread::sleep(Duration::from_millis(500));
    let xml = fs::read_to_string(&project).expect("the project");
    let trimmed = with_entry(&xml, "in=\"0\" out=\"74\"");
    save(&desk, &project, &trimmed);
    assert!(watch.wait_for("clip 2").contains("made"));
    assert_eq!(length_of_sound(&desk, &project), 3.0);
    // An editor that has not reloaded the project saves its own version: the sound is placed under
    // its clip again, without rendering.
    save(&desk, &project, &trimmed);
    watch.wait_for("clip 2");
    assert_eq!(length_of_sound(&desk, &project), 3.0);
    // Our own write is not an edit.
    std::thread::sleep(Duration::from_secs(2));
    let rest = watch.stop();
    assert!(
        !rest.iter().any(|line| line.contains("follow what was saved")),
        "its own save was followed: {rest:?}"
    );
    // No leftovers beside it.
    let names: Vec<_> = common::listing(desk.folder.path());
    assert!(names.iter().all(|(path, _)| !text(path).contains(".part")), "{names:?}");
}

#[test]
fn an_edit_that_is_saved_while_a_render_runs_is_followed() {
    let desk = Desk::new();
    let project = desk.melt_project("two.mlt");
    desk.timeline("add", &project, &[&["--clip", "2"], &QUICK[..]].concat())
        .expect(0);
    let xml = fs::read_to_string(&project).expect("the project");
    // Without a cache, so that the poses are found again, which takes seconds.
    let watch = Watch::start(&project, &["-v", "--no-cache"]);
    watch.wait_for("follow what was saved");
    std::thread::sleep(Duration::from_millis(500));
    save(&desk, &project, &with_entry(&xml, "in=\"0\" out=\"74\""));
    watch.wait_for("follow what was saved");
    save(&desk, &project, &with_entry(&xml, "in=\"0\" out=\"59\""));
    // The first render is discarded, which proves that the second edit came while it ran.
    watch.wait_for("The files of its soundtracks are up to date");
    assert!(watch.wait_for("clip 2").contains("made"));
    watch.stop();
    assert_eq!(length_of_sound(&desk, &project), 2.4);
}

#[test]
fn a_watched_project_that_is_removed_is_reported_and_followed_when_it_returns() {
    let folder = folder();
    let films = folder.path().join("films");
    fs::create_dir(&films).expect("a folder");
    let project = films.join("film.mlt");
    let saved = "<mlt><playlist id=\"p\"/></mlt>\n";
    fs::write(&project, saved).expect("written");
    let mut watch = Watch::start(&project, &["-v", "--no-cache"]);
    watch.wait_for("follow what was saved");
    fs::remove_file(&project).expect("removed");
    let line = watch.wait_for("film.mlt: the project was removed or renamed");
    assert!(line.starts_with("kinescore: "), "{line}");
    fs::write(&project, saved.replace("id=\"p\"", "id=\"q\"")).expect("written");
    watch.wait_for("follow what was saved");
    fs::rename(&project, films.join("old.mlt")).expect("renamed");
    watch.wait_for("film.mlt: the project was removed or renamed");
    // Without the folder, nothing can return.
    fs::remove_dir_all(&films).expect("removed");
    watch.wait_for("films: the folder was removed or renamed");
    assert_eq!(outside::ended(&mut watch.child).code(), Some(3));
}

#[test]
fn leftovers_of_a_killed_run_beside_a_project_are_removed() {
    let desk = Desk::new();
    let project = desk.melt_project("two.mlt");
    let then = std::time::SystemTime::now() - Duration::from_secs(61 * 60);
    for name in [".soundtrack-aB3dE9", ".soundtrack-backup"] {
        let file = fs::File::create(desk.path(name)).expect("a file");
        file.set_modified(then).expect("a time");
    }
    desk.timeline("refresh", &project, &[]).expect(0);
    assert!(!desk.path(".soundtrack-aB3dE9").exists());
    assert!(desk.path(".soundtrack-backup").exists());
}

#[test]
fn every_clip_is_listed_with_the_reason_why_it_cannot_be_scored() {
    let folder = folder();
    let project = folder.path().join("mixed.mlt");
    let producer = |id: &str, resource: &str, service: &str| {
        format!(
            "<producer id=\"{id}\"><property name=\"resource\">{resource}</property><property name=\"mlt_service\">{service}</property></producer>\n"
        )
    };
    let walk = walkers();
    let producers = [
        producer("good", text(&walk), "avformat"),
        producer("gone", "gone.mp4", "avformat"),
        producer("back", &format!("-1:{}", text(&walk)), "timewarp"),
        producer("windows", "C:\\films\\a.mp4", "avformat"),
        producer("colour", "0xff0000ff", "color"),
    ]
    .concat();
    let entries: String = ["good", "gone", "back", "windows", "colour", "nothing"]
        .iter()
        .map(|id| format!("<entry producer=\"{id}\" in=\"0\" out=\"49\"/>\n"))
        .collect();
    fs::write(
        &project,
        format!("<mlt>\n{producers}<playlist id=\"v\">\n{entries}</playlist>\n</mlt>\n"),
    )
    .expect("written");
    let listed = run(&["timeline", "list", text(&project), "--json"]).expect(0);
    let clips: Vec<Value> = serde_json::from_str(&listed.stdout).expect("JSON");
    let reasons: Vec<_> = clips.iter().map(|clip| clip["unfit"].as_str()).collect();
    assert_eq!(
        reasons,
        [
            None,
            Some("its media is missing"),
            Some("it is played backwards"),
            Some("its media has a Windows path: C:\\films\\a.mp4"),
            Some("it plays \"nothing\", which is not in the project"),
        ]
    );
    let starts: Vec<_> = clips.iter().map(|clip| number(&clip["timeline_start"])).collect();
    assert_eq!(starts, [0.0, 2.0, 4.0, 6.0, 10.0]); // the colour has a length
    let table = run(&["timeline", "list", text(&project)]).expect(0).stdout;
    assert!(
        table.contains("no soundtrack is possible: it is played backwards"),
        "{table}"
    );
    assert!(table.ends_with("4 of 5 clips cannot have a soundtrack\n"), "{table}");
    let refused = run(&["timeline", "add", text(&project), "--clip", "3", "--no-cache"]).expect(4);
    assert!(refused.stdout.contains("it is played backwards"), "{}", refused.stdout);

    // Files that are not projects but are often mistaken for them.
    let utf16: Vec<u8> = "\u{feff}<mlt/>".encode_utf16().flat_map(u16::to_le_bytes).collect();
    fs::write(&project, utf16).expect("written");
    run(&["timeline", "list", text(&project)])
        .expect(3)
        .reports(&["UTF-16"]);
    let bundle = folder.path().join("cut.otioz");
    fs::write(&bundle, b"PK\x03\x04rest").expect("written");
    run(&["timeline", "list", text(&bundle)])
        .expect(3)
        .reports(&["is a zip archive that cannot be read"]);
    run(&["timeline", "list", text(folder.path())])
        .expect(3)
        .reports(&["is a folder"]);
}

#[test]
fn ten_thousand_clips_are_listed_in_two_seconds() {
    let folder = folder();
    let project = folder.path().join("long.mlt");
    let mut xml = format!(
        "<?xml version=\"1.0\"?>\n<mlt profile=\"atsc_720p_25\">\n<profile frame_rate_num=\"25\" frame_rate_den=\"1\" width=\"1280\" height=\"720\"/>\n<producer id=\"p\"><property name=\"resource\">{}</property><property name=\"mlt_service\">avformat</property></producer>\n<playlist id=\"v\">\n",
        text(&walkers())
    );
    for _ in 0..10_000 {
        xml.push_str("<entry producer=\"p\" in=\"5\" out=\"104\"/>\n");
    }
    xml.push_str("</playlist>\n<tractor id=\"t\"><track producer=\"v\"/></tractor>\n</mlt>\n");
    fs::write(&project, xml).expect("written");
    let begin = Instant::now();
    let listed = run(&["timeline", "list", text(&project), "--json"]).expect(0);
    let taken = begin.elapsed();
    let clips: Vec<Value> = serde_json::from_str(&listed.stdout).expect("JSON");
    assert_eq!(clips.len(), 10_000);
    assert_eq!(number(&clips[9_999]["timeline_start"]), 9_999.0 * 4.0);
    // A fraction of a second is usual; time that grows with the square of the number of clips would
    // be minutes.
    assert!(taken < Duration::from_secs(10), "{taken:?}");
}

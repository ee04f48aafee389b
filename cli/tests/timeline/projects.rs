//! Projects of editors, and protection against loss.

use super::*;

#[test]
fn a_project_of_melt_is_followed() {
    let desk = Desk::new();
    let project = desk.melt_project("two.mlt");
    // Frames of the entry are counted from the producer's own in-point.
    follows_its_clip(&desk, &project, |xml| with_entry(xml, "in=\"25\" out=\"99\""));
}

/// Projects as written by two generations of Kdenlive: both clips are 2 s long, and the second
/// starts at 0.4 s.
#[test]
fn projects_of_kdenlive_are_followed() {
    for generation in ["22.12", "26.08"] {
        let desk = Desk::new();
        let project = desk.kdenlive_project(generation);
        let saved = fs::read_to_string(&project).expect("the project");
        let clips = desk.list(&project);
        assert_eq!(clips.len(), 2, "{clips:?}");
        assert_eq!(clips[1]["media"], text(&desk.path("two.mp4")));
        let start = number(&clips[1]["timeline_start"]);

        desk.timeline("add", &project, &[&["--clip", "2"], &QUICK[..]].concat())
            .expect(0);
        let sound = || PathBuf::from(desk.list(&project)[1]["soundtrack"].as_str().expect("a soundtrack"));
        let heard = heard_at(&rendered(&project), &sound(), start);
        assert!(
            (heard - start).abs() <= 0.04,
            "{generation}: heard at {heard} s, the clip begins at {start} s"
        );
        let placed = fs::read_to_string(&project).expect("the project");
        desk.timeline("refresh", &project, &[]).expect(0);
        assert!(
            fs::read_to_string(&project).expect("the project") == placed,
            "the project was written"
        );

        // One second longer.
        let grown = |xml: &str| {
            let (before, after) = ("out=\"00:00:02.360\"", "out=\"00:00:03.360\"");
            assert_eq!(xml.matches(before).count(), 1, "{xml}");
            xml.replace(before, after)
        };
        fs::write(&project, grown(&placed)).expect("written");
        let refreshed = desk.timeline("refresh", &project, &[]).expect(0);
        assert!(refreshed.stdout.contains("made"), "{}", refreshed.stdout);
        assert_eq!(common::probe(&sound(), "a:0", "stream=duration").parse(), Ok(3.0));
        let heard = heard_at(&rendered(&project), &sound(), start);
        assert!(
            (heard - start).abs() <= 0.04,
            "{generation}: heard at {heard} s once it is longer"
        );
        desk.timeline("remove", &project, &[]).expect(0);
        let after = fs::read_to_string(&project).expect("the project");
        assert!(
            after == grown(&saved),
            "{generation}: not the project without our sound:\n{after}"
        );
    }
}

/// Kdenlive's own render, by the program named in `KINESCORE_TEST_KDENLIVE` (`make test-hosts`).
#[test]
fn kdenlive_itself_renders_the_sound_under_its_clip() {
    let Some(kdenlive) = std::env::var_os("KINESCORE_TEST_KDENLIVE") else {
        outside::show("SKIPPED: KINESCORE_TEST_KDENLIVE does not name Kdenlive (make test-hosts FORKY=DIR)");
        return;
    };
    let desk = Desk::new();
    let project = desk.kdenlive_project("26.08");
    let start = number(&desk.list(&project)[1]["timeline_start"]);
    desk.timeline("add", &project, &[&["--clip", "2"], &QUICK[..]].concat())
        .expect(0);
    let sound = desk.list(&project)[1]["soundtrack"]
        .as_str()
        .expect("a soundtrack")
        .to_owned();
    let film = desk.path("film.mp4");
    let done = outside::finished_long(Command::new(kdenlive).args(["--render", text(&project), text(&film)]));
    assert!(film.exists(), "{}", String::from_utf8_lossy(&done.stderr));
    let heard = heard_at(&film, Path::new(&sound), start);
    assert!(
        (heard - start).abs() <= 0.04,
        "heard at {heard} s, the clip begins at {start} s"
    );
}

#[test]
fn failures_are_reported_and_the_project_is_unchanged() {
    let desk = Desk::new();
    let project = desk.melt_project("two.mlt");
    let bytes = fs::read(&project).expect("the project");
    let add = |more: &[&str]| desk.timeline("add", &project, &[more, &QUICK[..]].concat());
    add(&["--clip", "1"]).expect(4).reports(&["first.mp4", "no person"]);
    add(&["--clip", "3"])
        .expect(2)
        .reports(&["there is no clip 3: the project has 2"]);
    add(&[]).expect(2).reports(&["--clip N", "2 video clips"]);
    add(&["--clip", "2", "--set", "drums.style=polka"])
        .expect(2)
        .reports(&["polka"]);
    desk.timeline("remove", &project, &["--clip", "2"])
        .expect(2)
        .reports(&["no soundtrack"]);
    fs::rename(desk.path("walk.mp4"), desk.path("gone.mp4")).expect("renamed");
    add(&["--clip", "2"]).expect(3).reports(&["walk.mp4"]);
    fs::rename(desk.path("gone.mp4"), desk.path("walk.mp4")).expect("renamed");
    assert!(fs::read(&project).expect("the project") == bytes);

    let other = desk.path("other.mlt");
    for (content, message) in [
        (&bytes[..bytes.len() / 2], "other.mlt"),
        (&b"<svg/>"[..], "not a project"),
        (&b"{\"OTIO_SCHEMA\": \"Timeline.1\", \"tracks\": 3}"[..], "other.mlt"),
        (&b"{\"a\": [1, 2"[..], "not a project"),
        (&b""[..], "other.mlt"),
        (&[0xff, 0xfe, 0x00][..], "other.mlt"),
    ] {
        fs::write(&other, content).expect("written");
        desk.timeline("list", &other, &[]).expect(3).reports(&[message]);
        desk.timeline("refresh", &other, &[]).expect(3).reports(&[message]);
        assert_eq!(fs::read(&other).expect("the file"), content);
    }
    desk.timeline("list", &desk.path("none.mlt"), &[])
        .expect(3)
        .reports(&["none.mlt"]);
}

/// The user has replaced our sound by a mix, and then trims the clip.
#[test]
fn a_sound_whose_file_is_gone_is_listed_as_missing_and_made_again() {
    let desk = Desk::new();
    let project = desk.melt_project("two.mlt");
    let add = [&["--clip", "2", "-q"], &QUICK[..]].concat();
    // Only errors, and what was requested.
    let added = desk.timeline("add", &project, &add).expect(0);
    assert_eq!((added.stdout.as_str(), added.stderr.as_str()), ("", ""));
    let listed = || desk.timeline("list", &project, &["-q"]).expect(0).stdout;
    let sound = PathBuf::from(desk.list(&project)[1]["soundtrack"].as_str().expect("a soundtrack"));
    assert_eq!(desk.list(&project)[1]["soundtrack_is_missing"], false);
    assert!(listed().contains(" yes "), "{}", listed());
    fs::remove_file(&sound).expect("removed");
    assert_eq!(desk.list(&project)[1]["soundtrack_is_missing"], true);
    let table = listed();
    let reason = format!(
        "its sound is missing: {}; `kinescore timeline refresh` makes it again",
        text(&sound)
    );
    assert!(
        table.contains(&reason) && table.contains(" missing ") && !table.contains(" yes "),
        "{table}"
    );
    let refreshed = desk.timeline("refresh", &project, &["-q"]).expect(0);
    assert_eq!((refreshed.stdout.as_str(), refreshed.stderr.as_str()), ("", ""));
    assert!(sound.is_file());
    assert!(listed().contains(" yes "), "{}", listed());

    // A failure is reported even so.
    fs::rename(desk.path("walk.mp4"), desk.path("gone.mp4")).expect("renamed");
    let failed = desk.timeline("refresh", &project, &["-q"]).expect(3);
    assert!(
        failed.stdout.starts_with("clip 2, walk.mp4 at 4.000 s: failed: "),
        "{}",
        failed.stdout
    );
    fs::rename(desk.path("gone.mp4"), desk.path("walk.mp4")).expect("renamed");

    // The clip has the number of the list when its sound is removed, too.
    let placed = fs::read(&project).expect("the project");
    let removed = desk.timeline("remove", &project, &[]).expect(0).stdout;
    assert!(
        removed.starts_with("clip 2, walk.mp4 at 4.000 s: removed "),
        "{removed}"
    );
    fs::write(&project, placed).expect("written");
    let removed = desk.timeline("remove", &project, &["--clip", "2", "-q"]).expect(0);
    assert_eq!(removed.stdout, "");
}

#[test]
fn a_file_that_is_not_ours_is_never_written_over() {
    let desk = Desk::new();
    let project = desk.melt_project("two.mlt");
    desk.timeline("add", &project, &[&["--clip", "2"], &QUICK[..]].concat())
        .expect(0);
    let sound = || PathBuf::from(desk.list(&project)[1]["soundtrack"].as_str().expect("a soundtrack"));
    let ours = sound();
    assert_eq!(ours, desk.path("two.soundtracks").join("walk.soundtrack.wav"));
    let mix = desk.path("mix.wav");
    make_clip(desk.folder.path(), "mix.wav", "-f lavfi -i sine=duration=4");
    let (mixed, made) = (fs::read(&mix).expect("the mix"), fs::read(&ours).expect("the sound"));
    let xml = fs::read_to_string(&project).expect("the project");
    let resource = "two.soundtracks/walk.soundtrack.wav";
    assert_eq!(xml.matches(resource).count(), 1, "{xml}");
    fs::write(&project, xml.replace(resource, "mix.wav")).expect("written");

    // As long as the clip does not change, the mix stays under it.
    let refreshed = desk.timeline("refresh", &project, &[]).expect(0);
    assert!(refreshed.stdout.contains("unchanged"), "{}", refreshed.stdout);
    assert_eq!(sound(), mix);

    let relinked = fs::read_to_string(&project).expect("the project");
    fs::write(&project, with_entry(&relinked, "in=\"0\" out=\"74\"")).expect("written");
    let refreshed = desk.timeline("refresh", &project, &[]).expect(0);
    let reported = format!("{}: is not one of the sound files in ", text(&mix));
    assert!(refreshed.stdout.contains(&reported), "{}", refreshed.stdout);
    assert!(fs::read(&mix).expect("the mix") == mixed, "the mix was written over");
    assert!(fs::read(&ours).expect("the sound") == made);
    assert_eq!(sound(), desk.path("two.soundtracks").join("walk.soundtrack-2.wav"));
    assert_eq!(common::probe(&sound(), "a:0", "stream=duration").parse(), Ok(3.0));

    // The same if the mix has the name of our sound.
    fs::copy(&mix, sound()).expect("copied");
    let other = fs::read_to_string(&project).expect("the project");
    let other = other.replace("in=\"0\" out=\"74\"/>", "in=\"0\" out=\"64\"/>");
    fs::write(&project, &other).expect("written");
    let before = sound();
    let refreshed = desk.timeline("refresh", &project, &[]).expect(0);
    assert!(
        refreshed.stdout.contains("was not made by Kinescore"),
        "{}",
        refreshed.stdout
    );
    assert!(fs::read(&before).expect("the mix") == mixed, "the mix was written over");
    assert_ne!(sound(), before);
}

#[test]
fn two_runs_at_once_on_one_project_do_not_lose_a_sound() {
    let desk = Desk::new();
    let project = desk.path("twice.mlt");
    let walk = desk.path("walk.mp4");
    let consumer = format!("xml:{}", text(&project));
    let entries = [text(&walk), "in=0", "out=99", text(&walk), "in=10", "out=109"];
    melt(&[&["-profile", "atsc_720p_25"][..], &entries, &["-consumer", &consumer]].concat());
    let add = |clip: &'static str| [&["--clip", clip], &QUICK[..]].concat();
    let run = |clip: &'static str| desk.timeline("add", &project, &add(clip)).code;
    let codes = std::thread::scope(|scope| {
        let other = scope.spawn(|| run("2"));
        [run("1"), other.join().expect("a run")]
    });
    assert!(codes.iter().all(|code| [Some(0), Some(10)].contains(code)), "{codes:?}");
    // The run that could not save has lost nothing: its sound exists and is used.
    for (clip, code) in ["1", "2"].iter().zip(&codes) {
        if *code == Some(10) {
            desk.timeline("add", &project, &add(clip)).expect(0);
        }
    }
    let sounds: Vec<_> = desk
        .list(&project)
        .iter()
        .map(|clip| PathBuf::from(clip["soundtrack"].as_str().expect("a soundtrack")))
        .collect();
    assert_eq!(sounds.len(), 2);
    assert_ne!(sounds[0], sounds[1]);
    assert!(fs::read(&sounds[0]).expect("a sound") != fs::read(&sounds[1]).expect("a sound"));
    let refreshed = desk.timeline("refresh", &project, &[]).expect(0);
    assert_eq!(refreshed.stdout.matches("unchanged").count(), 2, "{}", refreshed.stdout);
    let mut kept: Vec<_> = common::listing(&desk.path("twice.soundtracks"))
        .into_iter()
        .map(|(path, _)| path.file_name().map(ToOwned::to_owned).expect("a name"))
        .collect();
    kept.sort();
    assert_eq!(kept, ["walk.soundtrack-2.wav", "walk.soundtrack.wav"]);
}

#[test]
fn a_project_that_is_open_in_its_editor_is_not_written() {
    let desk = Desk::new();
    let project = desk.melt_project("two.mlt");
    let bytes = fs::read(&project).expect("the project");
    let editor = desk.path("shotcut");
    // A shell carries the editor's name, and waits for input that never comes.
    fs::copy("/bin/bash", &editor).expect("copied");
    let mut child = Command::new(&editor)
        .args(["-c", "read", text(&project)])
        .stdin(Stdio::piped())
        .spawn()
        .expect("a process");
    let refused = desk.timeline("add", &project, &[&["--clip", "2"], &QUICK[..]].concat());
    child.kill().expect("ended");
    child.wait().expect("ended");
    refused.expect(10).reports(&["two.mlt", "open"]);
    assert!(fs::read(&project).expect("the project") == bytes);
    assert!(!desk.path("two.mlt.bak").exists());
}

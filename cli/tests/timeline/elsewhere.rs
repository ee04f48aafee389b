//! Projects whose media are elsewhere, bundles, and files with several timelines.

use super::*;
use std::io::Write;

/// A timeline of OpenTimelineIO with one clip of two seconds.
fn timeline(name: &str, media: &str) -> Value {
    let time = |value: u32| serde_json::json!({"OTIO_SCHEMA": "RationalTime.1", "rate": 25, "value": value});
    let clip = serde_json::json!({
        "OTIO_SCHEMA": "Clip.1",
        "name": name,
        "media_reference": {"OTIO_SCHEMA": "ExternalReference.1", "target_url": media},
        "source_range": {"OTIO_SCHEMA": "TimeRange.1", "start_time": time(5), "duration": time(50)},
    });
    serde_json::json!({
        "OTIO_SCHEMA": "Timeline.1",
        "name": name,
        "tracks": {"OTIO_SCHEMA": "Stack.1", "children": [
            {"OTIO_SCHEMA": "Track.1", "name": "V1", "kind": "Video", "children": [clip]},
        ]},
    })
}

fn clips(arguments: &[&str]) -> Vec<Value> {
    let listed = run(&[&["timeline", "list", "--json"][..], arguments].concat()).expect(0);
    serde_json::from_str(&listed.stdout).expect("JSON")
}

#[test]
fn missing_media_are_found_by_name_in_a_folder() {
    let folder = folder();
    let media = folder.path().join("media/of/july");
    fs::create_dir_all(&media).expect("folders");
    let found = media.join("walk.mp4");
    fs::copy(walkers(), &found).expect("copied");
    let project = folder.path().join("cut.otio");
    let bytes = timeline("one", "file:///C:/Users/me/walk.mp4").to_string();
    fs::write(&project, &bytes).expect("written");
    let without = clips(&[text(&project)]);
    assert_eq!(
        without[0]["unfit"],
        "its media has a Windows path: file:///C:/Users/me/walk.mp4"
    );
    let media_dir = folder.path().join("media");
    let with = clips(&[text(&project), "--media-dir", text(&media_dir)]);
    assert_eq!(with[0]["unfit"], Value::Null);
    let real = found.canonicalize().expect("a path");
    assert_eq!(with[0]["media"].as_str(), Some(text(&real)));
    assert_eq!(with[0]["named"], "file:///C:/Users/me/walk.mp4");
    let table = run(&["timeline", "list", text(&project), "--media-dir", text(&media_dir)]).expect(0);
    assert!(
        table
            .stdout
            .contains("the project names it file:///C:/Users/me/walk.mp4"),
        "{}",
        table.stdout
    );
    // Two with one name: neither is guessed.
    fs::copy(walkers(), media_dir.join("walk.mp4")).expect("copied");
    let ambiguous = clips(&[text(&project), "--media-dir", text(&media_dir)]);
    let reason = ambiguous[0]["unfit"].as_str().expect("a reason");
    assert!(
        reason.contains("2 files in the folders for media have its name"),
        "{reason}"
    );
    let missing = folder.path().join("none");
    for word in ["list", "add", "refresh"] {
        run(&["timeline", word, text(&project), "--media-dir", text(&missing)])
            .expect(2)
            .reports(&["is not a folder"]);
    }
    assert_eq!(fs::read_to_string(&project).expect("read"), bytes);
}

#[test]
fn one_of_several_timelines_is_chosen() {
    let folder = folder();
    let project = folder.path().join("all.otio");
    let all = serde_json::json!({
        "OTIO_SCHEMA": "SerializableCollection.1",
        "children": [timeline("one", "a.mp4"), timeline("two", "b.mp4")],
    });
    fs::write(&project, all.to_string()).expect("written");
    for (wanted, name) in [("one", "one"), ("2", "two")] {
        assert_eq!(clips(&[text(&project), "--timeline", wanted])[0]["name"], name);
    }
    run(&["timeline", "list", text(&project)])
        .expect(2)
        .reports(&["has 2 timelines (1 'one', 2 'two')"]);
    for word in ["list", "remove"] {
        run(&["timeline", word, text(&project), "--timeline", "three"])
            .expect(2)
            .reports(&["no timeline is named or numbered \"three\""]);
    }
}

#[test]
fn bundles_are_listed_and_single_file_bundles_are_not_written() {
    let folder = folder();
    let content = timeline("one", "media/a.mp4").to_string();
    let bundle = folder.path().join("cut.otioz");
    let mut writer = zip::ZipWriter::new(fs::File::create(&bundle).expect("a file"));
    let stored = zip::write::SimpleFileOptions::default().compression_method(zip::CompressionMethod::Stored);
    for (name, bytes) in [
        ("version.txt", "1.0.0"),
        ("content.otio", &content),
        ("media/a.mp4", "a video"),
    ] {
        writer.start_file(name, stored).expect("an entry");
        writer.write_all(bytes.as_bytes()).expect("written");
    }
    writer.finish().expect("an archive");
    let bytes = fs::read(&bundle).expect("read");
    let listed = clips(&[text(&bundle)]);
    assert_eq!(listed.len(), 1);
    assert_eq!(number(&listed[0]["source_in"]), 0.2);
    assert_eq!(number(&listed[0]["source_out"]), 2.2);
    assert_eq!(
        listed[0]["unfit"],
        "it is in a bundle (.otioz), which has to be unpacked first"
    );
    for word in ["add", "refresh", "remove"] {
        run(&["timeline", word, text(&bundle)])
            .expect(3)
            .reports(&["is only read: unpack it"]);
    }
    assert_eq!(fs::read(&bundle).expect("read"), bytes);

    let unpacked = folder.path().join("cut.otiod");
    fs::create_dir_all(unpacked.join("media")).expect("folders");
    fs::write(unpacked.join("content.otio"), &content).expect("written");
    fs::copy(walkers(), unpacked.join("media/a.mp4")).expect("copied");
    let listed = clips(&[text(&unpacked)]);
    assert_eq!(listed[0]["unfit"], Value::Null);
    assert!(
        listed[0]["media"]
            .as_str()
            .expect("a path")
            .ends_with("cut.otiod/media/a.mp4")
    );
    run(&["timeline", "list", text(folder.path())])
        .expect(3)
        .reports(&["is a folder without a content.otio"]);
}

//! What `list` shows of clips that have no soundtrack, or one for a part of them only, and that
//! `add` reports the same.

use super::*;
use serde_json::json;

/// A timeline of OpenTimelineIO with one clip for each media, first and last second, and speed.
fn otio(clips: &[(&str, f64, f64, f64)]) -> String {
    let time = |seconds: f64| json!({"OTIO_SCHEMA": "RationalTime.1", "rate": 25, "value": seconds * 25.0});
    let children: Vec<Value> = clips
        .iter()
        .map(|(media, from, to, speed)| {
            json!({
                "OTIO_SCHEMA": "Clip.1",
                "name": "walk",
                "media_reference": {"OTIO_SCHEMA": "ExternalReference.1", "target_url": media},
                "source_range": {
                    "OTIO_SCHEMA": "TimeRange.1",
                    "start_time": time(*from),
                    "duration": time((to - from) / speed),
                },
                "effects": [{"OTIO_SCHEMA": "LinearTimeWarp.1", "time_scalar": speed}],
            })
        })
        .collect();
    json!({
        "OTIO_SCHEMA": "Timeline.1",
        "name": "film",
        "tracks": {"OTIO_SCHEMA": "Stack.1", "children": [
            {"OTIO_SCHEMA": "Track.1", "name": "V1", "kind": "Video", "children": children},
        ]},
    })
    .to_string()
}

#[test]
fn clips_that_do_not_fit_their_media_say_so_in_the_list_and_on_adding() {
    let desk = Desk::new();
    fs::write(desk.path("notes.mp4"), "not a video").expect("written");
    fs::create_dir(desk.path("folder.mp4")).expect("a folder");
    let length: f64 = common::probe(&desk.path("walk.mp4"), "v:0", "stream=duration")
        .parse()
        .expect("a number");
    let is = format!("{length:.3} s long");
    let cases = [
        ("walk.mp4", 0.0, 4.0, 1.0, None),
        ("walk.mp4", 0.0, 4.0, 2.0, None),
        (
            "walk.mp4",
            0.0,
            1.0,
            1.0,
            Some("it is 1.000 s long, and a soundtrack needs 2 s".to_owned()),
        ),
        (
            "walk.mp4",
            0.0,
            7.0,
            7.0,
            Some("it is played at a speed of 7; expected 0.25 to 4".to_owned()),
        ),
        (
            "walk.mp4",
            20.0,
            30.0,
            1.0,
            Some(format!("it lies after the end of its media, which is {is}")),
        ),
        (
            "walk.mp4",
            length - 1.0,
            length + 9.0,
            1.0,
            Some(format!(
                "its media ends at {length:.3} s, so only 1.000 s of it exist; a soundtrack needs 2 s"
            )),
        ),
        ("folder.mp4", 0.0, 4.0, 1.0, Some("its media is a folder".to_owned())),
        (
            "/dev/zero",
            0.0,
            4.0,
            1.0,
            Some("its media is a device; copy its content to a regular file first".to_owned()),
        ),
        (
            "file://nas/films/walk.mp4",
            0.0,
            4.0,
            1.0,
            Some("its media is not a file on this computer: file://nas/films/walk.mp4".to_owned()),
        ),
    ];
    let project = desk.path("film.otio");
    let clips: Vec<_> = cases
        .iter()
        .map(|(media, from, to, speed, _)| (*media, *from, *to, *speed))
        .collect();
    fs::write(&project, otio(&clips)).expect("written");
    let listed = desk.list(&project);
    assert_eq!(listed.len(), cases.len(), "{listed:#?}");
    for (place, (clip, (media, _, _, _, reason))) in listed.iter().zip(&cases).enumerate() {
        assert_eq!(clip["unfit"].as_str(), reason.as_deref(), "{media}: {clip:#}");
        let Some(reason) = reason else { continue };
        let number = (place + 1).to_string();
        let added = desk.timeline("add", &project, &[&["--clip", &number][..], &QUICK].concat());
        assert!([Some(3), Some(4)].contains(&added.code), "{}", added.stderr);
        let expected = format!("cannot be given a soundtrack: {reason}");
        assert!(added.stderr.contains(&expected), "{}", added.stderr);
        assert!(!added.stderr.contains("--start"), "{}", added.stderr);
    }
    // A file that is not a video.
    fs::write(&project, otio(&[("notes.mp4", 0.0, 4.0, 1.0)])).expect("written");
    let listed = desk.list(&project);
    let reason = listed[0]["unfit"].as_str().expect("a reason");
    assert!(reason.starts_with("its media cannot be used: "), "{reason}");
    let expected = format!("walk: cannot be given a soundtrack: {reason}");
    desk.timeline("add", &project, &QUICK).expect(3).reports(&[&expected]);
}

#[test]
fn a_clip_that_is_longer_than_its_media_is_scored_as_far_as_that_goes() {
    let desk = Desk::new();
    let length: f64 = common::probe(&desk.path("walk.mp4"), "v:0", "stream=duration")
        .parse()
        .expect("a number");
    let start = 2.0;
    let part = ((length - start) * 25.0).floor() / 25.0;
    let project = desk.path("film.mlt");
    // As in Shotcut, whose "length" may be that of a file that was replaced by a shorter one.
    let xml = "<mlt><profile frame_rate_num=\"25\" frame_rate_den=\"1\"/><producer id=\"p\" in=\"0\" out=\"499\">\
         <property name=\"length\">500</property><property name=\"resource\">walk.mp4</property>\
         <property name=\"mlt_service\">avformat</property></producer>\
         <playlist id=\"v\"><entry producer=\"p\" in=\"50\" out=\"499\"/></playlist></mlt>";
    fs::write(&project, xml).expect("written");
    let clip = desk.list(&project).remove(0);
    assert_eq!(clip["unfit"], Value::Null, "{clip:#}");
    assert!((number(&clip["source_out"]) - start - part).abs() < 1e-6, "{clip:#}");
    let note = format!("its media ends at {length:.3} s, so only the first {part:.3} s of it have a soundtrack");
    assert_eq!(clip["note"], note.as_str());
    let table = desk.timeline("list", &project, &[]).expect(0);
    assert!(table.stdout.contains(&note), "{}", table.stdout);
    desk.timeline("add", &project, &QUICK).expect(0);
    let sound = PathBuf::from(desk.list(&project)[0]["soundtrack"].as_str().expect("a soundtrack"));
    let made: f64 = common::probe(&sound, "a:0", "stream=duration")
        .parse()
        .expect("a number");
    assert!((made - part).abs() < 1e-3, "{made}");
    let refreshed = desk.timeline("refresh", &project, &[]).expect(0);
    assert!(refreshed.stdout.contains("unchanged"), "{}", refreshed.stdout);
}

#[test]
fn wrong_choices_are_reported_in_the_programs_own_words() {
    let folder = folder();
    let project = folder.path().join("film.otio");
    fs::write(&project, otio(&[("none.mp4", 0.0, 4.0, 1.0)])).expect("written");
    let project = text(&project);
    for wrong in ["x", "0", "-1", "1.5", "99999999999999999999999"] {
        for word in ["add", "remove"] {
            run(&["timeline", word, project, "--clip", wrong])
                .expect(2)
                .reports(&[wrong, "expected a whole number from 1"]);
        }
    }
    run(&["timeline", "list", project, "--timeline", "two"])
        .expect(2)
        .reports(&["has 1 timeline (1 'film'), and no timeline is named or numbered \"two\""]);
    for all in [&[][..], &["--all"]] {
        run(&[&["timeline", "add", project], all].concat())
            .expect(3)
            .reports(&["its media is missing"]);
    }
    let table = run(&["timeline", "list", project]).expect(0);
    assert!(
        table.stdout.ends_with("1 of 1 clip cannot have a soundtrack\n"),
        "{}",
        table.stdout
    );

    let several = folder.path().join("all.otio");
    let one: Value = serde_json::from_str(&otio(&[])).expect("JSON");
    let all = json!({"OTIO_SCHEMA": "SerializableCollection.1", "children": [one, one]});
    fs::write(&several, all.to_string()).expect("written");
    run(&["timeline", "list", text(&several)])
        .expect(2)
        .reports(&["one has to be chosen, by its name or number (--timeline NAME)"]);

    let xges = folder.path().join("film.xges");
    fs::write(&xges, "<ges version='0.4'><project></project></ges>").expect("written");
    run(&["timeline", "list", text(&xges)])
        .expect(3)
        .reports(&["kinescore-ges"]);
}

#[test]
fn a_clip_that_shows_another_stream_of_its_media_than_the_analysed_one_says_so() {
    let folder = folder();
    // Of two video streams, FFmpeg chooses the one with more data.
    make_clip(
        folder.path(),
        "two.mkv",
        "-f lavfi -t 4 -i color=gray:size=320x180:rate=25 -t 4 -i {} -map 0:v -map 1:v -c:v libx264 -preset ultrafast",
    );
    let project = folder.path().join("streams.mlt");
    let streams = [
        ("", None),
        ("<property name=\"video_index\">0</property>", Some(0)),
        ("<property name=\"video_index\">1</property>", None),
        ("<property name=\"vstream\">0</property>", Some(0)),
        ("<property name=\"vstream\">1</property>", None),
        ("<property name=\"video_index\">7</property>", None), // melt shows another one
    ];
    let mut xml = "<mlt>\n".to_owned();
    for (number, (property, _)) in streams.iter().enumerate() {
        xml += &format!(
            "<producer id=\"p{number}\"><property name=\"resource\">two.mkv</property><property name=\"mlt_service\">avformat</property>{property}</producer>\n"
        );
    }
    xml += "<playlist id=\"v\">\n";
    for number in 0..streams.len() {
        xml += &format!("<entry producer=\"p{number}\" in=\"0\" out=\"74\"/>\n");
    }
    fs::write(&project, xml + "</playlist>\n</mlt>\n").expect("written");
    let listed = run(&["timeline", "list", text(&project), "--json"]).expect(0);
    let clips: Vec<Value> = serde_json::from_str(&listed.stdout).expect("JSON");
    let reasons: Vec<_> = clips
        .iter()
        .map(|clip| clip["unfit"].as_str().map(str::to_owned))
        .collect();
    let expected = streams.map(|(_, stream)| {
        stream.map(|stream| format!("it shows stream {stream} of its media, and a soundtrack can only follow stream 1"))
    });
    assert_eq!(reasons, expected);
    let refused = run(&["timeline", "add", text(&project), "--clip", "2", "--no-cache"]).expect(4);
    assert!(
        refused.stdout.contains("it shows stream 0 of its media"),
        "{}",
        refused.stdout
    );
}

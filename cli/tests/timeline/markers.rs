//! Markers of an editor are marks of the clip below them.

use super::*;

/// A melt project with markers as Shotcut writes them: names and frames.
fn with_markers(xml: &str, markers: &[(&str, u32)]) -> String {
    let end = xml.rfind("</tractor>").expect("a tractor");
    let each = markers.iter().map(|(name, frame)| {
        format!(
            "<properties name=\"0\"><property name=\"text\">{name}</property><property \
             name=\"start\">{frame}</property></properties>"
        )
    });
    let list: String = each.collect();
    let list = format!("<properties name=\"shotcut:markers\">{list}</properties>\n");
    format!("{}{list}{}", &xml[..end], &xml[end..])
}

/// Where a sound becomes louder most suddenly, seconds, within a tenth of a second around a
/// time.
fn onset(wav: &Path, around: f64) -> f64 {
    let sound = decoded(wav);
    let place = |seconds: f64| (seconds * HERTZ) as usize;
    let energy = |from: usize| sound[from..from + 64].iter().map(|sample| sample * sample).sum::<f64>();
    let places = (place(around - 0.1)..place(around + 0.1)).step_by(8);
    let rise = |at: &usize| energy(*at) - energy(*at - 64);
    places.max_by(|a, b| rise(a).total_cmp(&rise(b))).expect("a place") as f64 / HERTZ
}

#[test]
fn a_marker_makes_a_hit_in_the_sound_of_its_clip_at_its_frame() {
    let desk = Desk::new();
    let project = desk.melt_project("film.mlt");
    desk.timeline("add", &project, &[&["--clip", "2"], &QUICK[..]].concat())
        .expect(0);
    let plain = fs::read_to_string(&project).expect("the project");
    let sound = PathBuf::from(desk.list(&project)[1]["soundtrack"].as_str().expect("a soundtrack"));
    let before = fs::read(&sound).expect("a sound");
    // A note of the editor's user changes nothing; nor does a hit over the other clip.
    fs::write(&project, with_markers(&plain, &[("hitchcock", 153), ("hit", 50)])).expect("written");
    let refreshed = desk.timeline("refresh", &project, &[]).expect(0);
    assert!(refreshed.stdout.contains("unchanged"), "{}", refreshed.stdout);
    // The clip begins at frame 100: frame 153 is 2.12 s later.
    fs::write(&project, with_markers(&plain, &[("Hit stop", 153)])).expect("written");
    let refreshed = desk.timeline("refresh", &project, &[]).expect(0);
    assert!(refreshed.stdout.contains("made"), "{}", refreshed.stdout);
    let heard = onset(&sound, 2.12);
    assert!((heard - 2.12).abs() <= 5e-3, "heard at {heard} s");
    let refreshed = desk.timeline("refresh", &project, &[]).expect(0);
    assert!(refreshed.stdout.contains("unchanged"), "{}", refreshed.stdout);
    // Without it, the sound is as it was.
    let saved = fs::read_to_string(&project).expect("the project");
    let (from, to) = (
        saved.find("<properties name=\"shotcut:markers\">").expect("markers"),
        saved.rfind("</properties>\n").expect("their end") + "</properties>\n".len(),
    );
    fs::write(&project, format!("{}{}", &saved[..from], &saved[to..])).expect("written");
    desk.timeline("refresh", &project, &[]).expect(0);
    assert!(fs::read(&sound).expect("a sound") == before);
}

/// Names and frames of a project's markers, as Shotcut writes them.
fn shown(project: &Path) -> Vec<(String, u32)> {
    let xml = fs::read_to_string(project).expect("the project");
    let value = |marker: &str, name: &str| {
        let (_, rest) = marker.split_once(&format!("<property name=\"{name}\">")).expect(name);
        rest.split_once('<').expect("its end").0.to_owned()
    };
    let frame = |start: &str| {
        // Frames, or hours, minutes and seconds.
        let seconds = start
            .split(':')
            .fold(0.0, |sum, part| sum * 60.0 + part.parse::<f64>().expect("a number"));
        if start.contains(':') {
            (seconds * 25.0).round() as u32
        } else {
            seconds as u32
        }
    };
    let markers = xml.split("<property name=\"text\">").skip(1);
    let mut found: Vec<_> = markers
        .map(|rest| {
            let name = rest.split_once('<').expect("a name").0.to_owned();
            (name, frame(&value(rest, "start")))
        })
        .collect();
    found.sort_by_key(|(_, frame)| *frame);
    found
}

/// Moves a marker by frames, as a user does in an editor.
fn move_marker(project: &Path, name: &str, to: u32) {
    let xml = fs::read_to_string(project).expect("the project");
    let text = format!("<property name=\"text\">{name}</property>");
    let (before, marker) = xml.split_once(&text).expect("the marker");
    let (between, rest) = marker.split_once("<property name=\"start\">").expect("its start");
    let (_, rest) = rest.split_once('<').expect("its end");
    let moved = format!("{before}{text}{between}<property name=\"start\">{to}<{rest}");
    fs::write(project, moved).expect("written");
}

#[test]
fn beats_are_markers_and_a_marker_that_is_moved_moves_its_beat() {
    let desk = Desk::new();
    let project = desk.melt_project("film.mlt");
    let before = fs::read_to_string(&project).expect("the project");
    let settings = [&["--clip", "2", "--beats-as-markers"], &QUICK[..]].concat();
    let added = desk.timeline("add", &project, &settings).expect(0);
    let markers = shown(&project);
    assert!(markers.len() >= 6, "{markers:?}");
    let count = format!("made, with {} markers of its beats, ", markers.len());
    assert!(added.stdout.contains(&count), "{}", added.stdout);
    assert_eq!(desk.list(&project)[1]["beat_markers"], markers.len());
    assert_eq!(desk.list(&project)[0]["beat_markers"], 0);

    // The beats of the same cut by themselves: 120 a minute, which is 12.5 frames.
    let analysis = desk.path("beats.json");
    let cut = [
        "--start",
        "0.4",
        "--end",
        "4.4",
        "--cache",
        text(&desk.cache),
        "--json",
        text(&analysis),
    ];
    let quick = QUICK
        .iter()
        .copied()
        .filter(|flag| !["--instruments", "drums"].contains(flag));
    let media = desk.path("walk.mp4");
    let flags: Vec<&str> = ["analyze", text(&media)].into_iter().chain(quick).chain(cut).collect();
    run(&flags).expect(0);
    let analysis: Value = serde_json::from_slice(&fs::read(&analysis).expect("an analysis")).expect("JSON");
    let beats: Vec<(u64, u32)> = analysis["beats"]
        .as_array()
        .expect("beats")
        .iter()
        .map(|beat| {
            (
                beat["number"].as_u64().expect("a number"),
                100 + (number(&beat["time"]) * 25.0).round() as u32,
            )
        })
        .collect();
    assert_eq!(beats.len(), markers.len());
    for ((beat, frame), (name, shown)) in beats.iter().zip(&markers) {
        assert!(name.ends_with(&format!(".{beat}")), "{name}");
        assert!(
            frame.abs_diff(*shown) <= 1,
            "{name} is at frame {shown}, and its beat at {frame}"
        );
    }

    // Once, and no more.
    let placed = fs::read(&project).expect("the project");
    for more in [&[][..], &["--beats-as-markers"]] {
        let refreshed = desk.timeline("refresh", &project, more).expect(0);
        assert!(refreshed.stdout.contains("unchanged"), "{}", refreshed.stdout);
        assert!(
            fs::read(&project).expect("the project") == placed,
            "the project was written"
        );
    }

    let (name, frame) = markers[3].clone();
    move_marker(&project, &name, frame + 4);
    let refreshed = desk.timeline("refresh", &project, &[]).expect(0);
    assert!(refreshed.stdout.contains("made, with"), "{}", refreshed.stdout);
    let mut expected = markers.clone();
    expected[3].1 += 4;
    assert_eq!(shown(&project), expected);
    let refreshed = desk.timeline("refresh", &project, &[]).expect(0);
    assert!(refreshed.stdout.contains("unchanged"), "{}", refreshed.stdout);

    // melt plays it, with the sound where it was.
    let sound = desk.list(&project)[1]["soundtrack"]
        .as_str()
        .expect("a soundtrack")
        .to_owned();
    let start = heard_at(&rendered(&project), Path::new(&sound), 4.0);
    assert!((start - 4.0).abs() <= 0.04, "heard at {start} s");

    desk.timeline("remove", &project, &[]).expect(0);
    assert!(fs::read_to_string(&project).expect("the project") == before);
}

#[test]
fn beats_are_guides_of_kdenlive() {
    let desk = Desk::new();
    for generation in ["22.12", "26.08"] {
        let project = desk.kdenlive_project(generation);
        let before = fs::read_to_string(&project).expect("the project");
        let settings = [&["--clip", "2", "--beats-as-markers"], &QUICK[..]].concat();
        desk.timeline("add", &project, &settings).expect(0);
        let count = desk.list(&project)[1]["beat_markers"].as_u64().expect("a number") as usize;
        let saved = fs::read_to_string(&project).expect("the project");
        assert!(count >= 2, "{count}");
        assert_eq!(saved.matches("\"pos\": ").count(), count);
        let placed = fs::read(&project).expect("the project");
        desk.timeline("refresh", &project, &[]).expect(0);
        assert!(fs::read(&project).expect("the project") == placed);
        // It is still a project that melt plays.
        rendered(&project);
        desk.timeline("remove", &project, &[]).expect(0);
        assert!(fs::read_to_string(&project).expect("the project") == before);
    }
}

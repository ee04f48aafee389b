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

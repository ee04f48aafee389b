//! Media whose picture begins later than its sound: MLT counts its frames from the first picture.

use super::*;

/// The frame of the media that is white, at 25 frames per second.
const WHITE: usize = 40;

/// When the picture of the project's render is white, seconds.
fn white_at(project: &Path) -> Vec<f64> {
    let render = project.with_extension("picture.mov");
    let consumer = format!("avformat:{}", text(&render));
    melt(&[text(project), "-consumer", &consumer, "vcodec=mpeg4", "an=1"]);
    let output = outside::finished(Command::new("ffmpeg").args([
        "-nostdin",
        "-v",
        "error",
        "-i",
        text(&render),
        "-vf",
        "scale=16:16",
        "-pix_fmt",
        "gray",
        "-f",
        "rawvideo",
        "-",
    ]));
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let frames = output.stdout.chunks_exact(16 * 16).enumerate();
    frames
        .filter(|(_, gray)| gray.iter().all(|value| *value > 200))
        .map(|(index, _)| index as f64 / 25.0)
        .collect()
}

#[test]
fn the_sound_of_a_late_picture_lies_where_melt_shows_the_movement() {
    let desk = Desk::new();
    let white = format!(
        "-i {} -vf drawbox=c=white:t=fill:enable=eq(n\\,{WHITE}) -c:v libx264 -preset ultrafast -crf 20",
        text(&desk.path("walk.mp4"))
    );
    make_clip(desk.folder.path(), "plain.mp4", &white);
    let late = format!(
        "-itsoffset 0.854 -i {} -f lavfi -i anullsrc -t 6 -map 0:v -map 1:a -c:v copy -c:a aac",
        text(&desk.path("plain.mp4"))
    );
    make_clip(desk.folder.path(), "late.mp4", &late);
    let start: f64 = common::probe(&desk.path("late.mp4"), "v:0", "stream=start_time")
        .parse()
        .expect("a number");
    assert!((start - 0.854).abs() < 0.01, "{start}");

    let accents = ["plain.mp4", "late.mp4"].map(|media| {
        fs::copy(desk.path(media), desk.path("walk.mp4")).expect("copied");
        let project = desk.melt_project(&format!("{media}.mlt"));
        desk.timeline("add", &project, &[&["--clip", "2"], &QUICK[..]].concat())
            .expect(0);
        // 4 s of another clip, then this one from its frame 10.
        assert_eq!(white_at(&project), [4.0 + (WHITE - 10) as f64 / 25.0], "{media}");
        let sound = PathBuf::from(desk.list(&project)[1]["soundtrack"].as_str().expect("a soundtrack"));
        let heard = heard_at(&rendered(&project), &sound, 4.0);
        assert!((heard - 4.0).abs() <= 0.04, "{media}: heard at {heard} s");

        let json = desk.path("analysis.json");
        let media = desk.path(media);
        run(&[
            "analyze",
            text(&media),
            "--device",
            "cpu",
            "--tempo",
            "120",
            "--json",
            text(&json),
        ])
        .expect(0);
        let analysis: Value = serde_json::from_slice(&fs::read(&json).expect("read")).expect("JSON");
        let accents = analysis["accents"].as_array().expect("accents").iter();
        accents.map(|accent| number(&accent["time"])).collect::<Vec<f64>>()
    });
    // The same frames are at the same times, for Kinescore as for melt.
    let [plain, late] = accents;
    let nearest = |time: &f64| {
        late.iter()
            .map(|other| (time - other).abs())
            .fold(f64::INFINITY, f64::min)
    };
    let mut apart: Vec<f64> = plain.iter().map(nearest).collect();
    apart.sort_by(f64::total_cmp);
    assert!(plain.len() > 3, "{plain:?}");
    assert!(apart[plain.len() / 2] < 0.005, "{plain:?} and {late:?}");
}

//! Streams that are left out, files that are refused, and real clips.

use super::*;

#[test]
fn subtitles_are_copied_where_they_fit_and_other_streams_left_out() {
    let folder = tempfile::tempdir().expect("folder");
    let srt = folder.path().join("words.srt");
    fs::write(
        &srt,
        "1\n00:00:00,500 --> 00:00:01,500\nstep\n\n2\n00:00:02,000 --> 00:00:02,500\nturn\n",
    )
    .expect("srt");
    let input = folder.path().join("in.mkv");
    make(
        &input,
        &format!(
            "{} -f lavfi -i sine=d=3 -i {} {H264} -c:a aac -c:s srt",
            pattern(3.0),
            text(&srt)
        ),
    );
    let kinds = "-show_entries stream=codec_type,codec_name";
    for (name, expected) in [
        ("out.mkv", vec!["h264,video", "aac,audio", "subrip,subtitle"]),
        ("out.mp4", vec!["h264,video", "aac,audio"]),
        ("cover.mp4", vec!["h264,video", "aac,audio"]),
    ] {
        let out = folder.path().join(name);
        let mut input = input.clone();
        if name == "cover.mp4" {
            // A cover picture, larger than the video, as a separate stream.
            let with = folder.path().join("with-cover.mp4");
            let picture = folder.path().join("cover.png");
            make(&picture, "-f lavfi -i color=red:s=640x640 -frames:v 1");
            make(
                &with,
                &format!(
                    "-i {} -i {} -map 1 -map 0:v -map 0:a -c copy -disposition:v:0 attached_pic",
                    text(&input),
                    text(&picture)
                ),
            );
            input = with;
        }
        write_video(&clip(&input, 0.0, 3.0, true), &click(1.0, 3.0), &out, &Monitor::none()).expect("written");
        assert_eq!(probe(&out, kinds), expected);
    }
    let times = probe(
        &folder.path().join("out.mkv"),
        "-select_streams s -show_entries packet=pts_time",
    );
    let first: f64 = times[0].parse().expect("time");
    assert!((first - 0.5).abs() < 0.03, "{times:?}");
}

#[test]
fn outputs_that_cannot_be_written_are_refused_and_leave_nothing() {
    let folder = tempfile::tempdir().expect("folder");
    let input = folder.path().join("in.mp4");
    make(&input, &format!("{} {H264}", pattern(2.0)));
    let before = fs::read(&input).expect("read");
    let whole = clip(&input, 0.0, 2.0, true);
    let sound = click(1.0, 2.0);
    let write = |out: &Path| write_video(&whole, &sound, out, &Monitor::none());

    let inner = folder.path().join("inner");
    fs::create_dir(&inner).expect("folder");
    let hard = folder.path().join("hard.mp4");
    fs::hard_link(&input, &hard).expect("link");
    let mut same = vec![input.clone(), inner.join("../in.mp4"), hard.clone()];
    #[cfg(unix)]
    {
        let soft = folder.path().join("soft.mp4");
        std::os::unix::fs::symlink(&input, &soft).expect("link");
        same.push(soft);
    }
    for out in &same {
        let error = write(out).expect_err("the input itself");
        assert!(
            matches!(&error, Error::OutputIsInput { path } if path == out),
            "{error}"
        );
    }
    assert_eq!(fs::read(&input).expect("read"), before);

    let names = entries(folder.path());
    for (name, says) in [
        ("out.txt", ".mp4 .m4v"),
        ("out", ".mp4 .m4v"),
        ("no/such/folder/out.mp4", "No such file"),
        ("out.webm", "H264 video cannot be written to .webm; write to .mkv"),
        ("out.mpg", "H264 video cannot be written to .mpg; write to .mkv"),
        ("out.vob", "H264 video cannot be written to .vob; write to .mkv"),
    ] {
        let error = write(&folder.path().join(name)).expect_err(name);
        assert!(error.to_string().contains(says), "{error}");
        assert!(error.to_string().contains(name), "{error}");
        assert_eq!(entries(folder.path()), names);
    }

    let missing = write_video(
        &clip(&folder.path().join("gone.mp4"), 0.0, 2.0, true),
        &sound,
        &folder.path().join("out.mp4"),
        &Monitor::none(),
    );
    assert!(matches!(missing, Err(Error::Input { .. })), "{missing:?}");
    assert_eq!(entries(folder.path()), names);
}

#[test]
fn a_full_disk_is_an_error_and_leaves_nothing() {
    let folder = tempfile::tempdir().expect("folder");
    let small = folder.path().join("small");
    fs::create_dir(&small).expect("folder");
    let mounted =
        outside::finished(Command::new("mount").args(["-t", "tmpfs", "-o", "size=64k", "tmpfs", text(&small)]));
    if !mounted.status.success() {
        outside::show("SKIPPED: a small file system cannot be mounted here, so a full disk is not tested");
        return;
    }
    let input = folder.path().join("in.mkv");
    make(&input, "-f lavfi -i testsrc2=s=320x240:r=30:d=3 -c:v mjpeg -q:v 2");
    let results: Vec<(String, Result<(), Error>, Vec<String>)> = ["out.mkv", "out.mov", "out.avi"]
        .iter()
        .map(|name| {
            let result = write_video(
                &clip(&input, 0.0, 3.0, true),
                &click(1.0, 3.0),
                &small.join(name),
                &Monitor::none(),
            );
            ((*name).to_owned(), result, entries(&small))
        })
        .collect();
    outside::printed(Command::new("umount").arg(text(&small)));
    for (name, result, left) in results {
        let error = result.expect_err("the disk is full");
        assert!(
            matches!(&error, Error::Output { path, source } if path.ends_with(&name) && source.kind() == std::io::ErrorKind::StorageFull),
            "{error:?}"
        );
        assert!(left.is_empty(), "{left:?}");
    }
}

#[test]
fn cancelling_stops_soon_and_leaves_nothing() {
    let folder = tempfile::tempdir().expect("folder");
    let input = folder.path().join("in.mp4");
    make(&input, &format!("-f lavfi -i testsrc2=s=64x64:r=30:d=600 {H264}"));
    let names = entries(folder.path());
    let sound = AudioBuffer::silence(Rate::from_hz(RATE), 2, 600 * 48_000);
    let cancel = Cancel::new();
    let switch = cancel.clone();
    let since = std::sync::Mutex::new(None);
    let monitor = Monitor::new(cancel, |_, done| {
        if done > 0.1 && !switch.is_cancelled() {
            switch.cancel();
            *since.lock().expect("lock") = Some(std::time::Instant::now());
        }
    });
    let result = write_video(
        &clip(&input, 0.0, 600.0, true),
        &sound,
        &folder.path().join("out.mp4"),
        &monitor,
    );
    let waited = since.lock().expect("lock").expect("cancelled on the way").elapsed();
    assert!(matches!(result, Err(Error::Cancelled)), "{result:?}");
    assert!(waited.as_secs_f64() < 2.0, "{waited:?}");
    assert_eq!(entries(folder.path()), names);
}

#[test]
fn the_default_name_keeps_containers_that_can_be_written() {
    for (clip, out) in [
        ("a/clip.mp4", "a/clip.soundtrack.mp4"),
        ("clip.MOV", "clip.soundtrack.MOV"),
        ("two.dots.webm", "two.dots.soundtrack.webm"),
        ("old.rm", "old.soundtrack.mkv"),
        ("none", "none.soundtrack.mkv"),
    ] {
        assert_eq!(default_output(Path::new(clip)), PathBuf::from(out));
    }
}

#[test]
fn real_clips_get_a_soundtrack_in_sync() {
    let folder = tempfile::tempdir().expect("folder");
    for (name, extension) in [
        ("dance-80bpm-silent.mp4", "mp4"),
        ("dance-with-music-117bpm.mp4", "mov"),
        ("volleyball.mp4", "mp4"),
        ("volleyball.mp4", "mkv"),
        ("walking-two-people.mp4", "webm"),
    ] {
        let Some(input) = clips_support::clip(name) else {
            continue;
        };
        let out = folder.path().join(format!("out.{extension}"));
        write_video(&clip(&input, 0.0, 7.0, true), &click(1.0, 7.0), &out, &Monitor::none()).expect("written");
        assert_eq!(
            packets(&input),
            packets(&out),
            "{name} to {extension}: bit for bit the same"
        );
        let (at, _) = heard(&out);
        assert!((at - 1.0).abs() < 0.002, "{name} to {extension}: {at}");
        if name.starts_with("dance-with") || name.starts_with("walking") {
            continue; // Large pictures, which would take long to decode twice more.
        }
        write_video(&clip(&input, 2.5, 3.0, false), &click(1.0, 3.0), &out, &Monitor::none()).expect("written");
        if extension == "mp4" || extension == "mov" {
            let (at, _) = heard(&out);
            let (frames, whole) = (shown(&out), shown(&input));
            let within = whole.iter().filter(|t| (2.5..5.5).contains(*t)).count();
            assert!(
                frames.len().abs_diff(within) <= 1,
                "{name}: {} frames of {within}",
                frames.len()
            );
            // The cut may be anywhere within a frame: the sound is exact relative to the clip, not
            // to that frame.
            assert!((at - 1.0).abs() < 0.043, "{name}: {at}");
        }
    }
}

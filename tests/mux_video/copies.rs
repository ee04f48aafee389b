//! The video is copied, and the sound is in sync.

use super::*;

#[test]
fn the_video_is_copied_and_the_sound_is_in_sync_in_every_container() {
    let folder = tempfile::tempdir().expect("folder");
    let vp9 = "-c:v libvpx-vp9 -deadline realtime -cpu-used 8 -g 30";
    let cases = [
        ("mp4", H264, "aac", 0.0214),
        ("mov", H264, "aac", 0.0214),
        ("mkv", H264, "aac", 0.043),
        ("webm", vp9, "opus", 0.021),
        ("avi", "-c:v mpeg4", "pcm_s16le", 0.001),
        ("ts", H264, "aac", 0.043),
        ("flv", "-c:v flv1", "aac", 0.043),
    ];
    for (extension, codec, audio, slack) in cases {
        let input = folder.path().join(format!("in.{extension}"));
        let out = default_output(&input);
        make(&input, &format!("{} {codec} -metadata title=Dance", pattern(3.0)));
        write_video(&clip(&input, 0.0, 3.0, true), &click(1.0, 3.0), &out, &Monitor::none())
            .unwrap_or_else(|e| panic!("{extension}: {e}"));
        assert_eq!(
            probe(
                &out,
                "-select_streams a -show_entries stream=codec_name,sample_rate,channels"
            ),
            [format!("{audio},48000,2")],
            "{extension}"
        );
        if extension != "ts" {
            assert_eq!(packets(&input), packets(&out), "{extension}: bit for bit the same");
        }
        let (before, after) = (shown(&input), shown(&out));
        assert_eq!(before.len(), after.len(), "{extension}");
        for (a, b) in before.iter().zip(&after) {
            assert!((a - b).abs() < 0.0011, "{extension}: a frame moved from {a} to {b}");
        }
        let (at, length) = heard(&out);
        println!("{extension}: click at {at:.5} s, sound {length:.5} s");
        assert!(
            (at - 1.0).abs() < 0.002,
            "{extension}: the click at 1 s is heard at {at} s"
        );
        assert!(
            (length - 3.0).abs() <= slack,
            "{extension}: {length} s of sound for 3 s"
        );
        if ["mp4", "mov"].contains(&extension) {
            let kinds = boxes(&out);
            let place = |kind: &str| kinds.iter().position(|k| k == kind).expect("box");
            assert!(place("moov") < place("mdat"), "{kinds:?}");
            // Decoders return the last frame of AAC whole, but players stop where the track ends.
            for stream in ["v", "a"] {
                let ends = probe(&out, &format!("-select_streams {stream} -show_entries stream=duration"));
                assert_eq!(ends, ["3.000000"], "{extension}: track {stream}");
            }
        }
        if ["mp4", "mov", "mkv", "webm", "avi"].contains(&extension) {
            let title = probe(&out, "-show_entries format_tags=title");
            assert_eq!(title, ["Dance"], "{extension}");
        }
        // Reading our own output gives the input.
        let again = read_sound(
            &out,
            Instant::ZERO,
            Span::from_seconds(3.0),
            Rate::from_hz(RATE),
            &Monitor::none(),
        )
        .expect("read")
        .expect("sound");
        assert_eq!(again.frames(), 144_000);
        let loudest = (0..again.frames())
            .max_by(|a, b| again.samples[2 * a].abs().total_cmp(&again.samples[2 * b].abs()))
            .expect("samples");
        assert!((loudest as f64 / RATE - 1.0).abs() < 0.002, "{extension}: {loudest}");
    }
}

#[test]
fn encoders_that_far_exceed_the_peak_are_held_back() {
    let folder = tempfile::tempdir().expect("a folder");
    let input = folder.path().join("clip.mp4");
    make(&input, &format!("{} -c:v mpeg4", pattern(3.0)));
    // Clipped noise: Opus adds peaks that are 2 dB higher.
    let mut sound = AudioBuffer::silence(Rate::from_hz(RATE), 2, (3.0 * RATE) as usize);
    let mut state = 1_u32;
    for frame in sound.samples.chunks_exact_mut(2) {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        let noise = (state >> 8) as f32 / (1 << 24) as f32 - 0.5;
        frame.fill((6.0 * noise).clamp(-0.25, 0.25));
    }
    let own = measure(&sound).expect("measured").true_peak;
    for extension in ["mp4", "webm"] {
        let out = folder.path().join("out").with_extension(extension);
        if extension == "webm" {
            make(
                &input.with_extension("webm"),
                &format!("{} -c:v libvpx -b:v 200k", pattern(3.0)),
            );
        }
        let input = input.with_extension(extension);
        write_video(&clip(&input, 0.0, 3.0, true), &sound, &out, &Monitor::none()).expect("written");
        let read = read_sound(
            &out,
            Instant::ZERO,
            Span::from_seconds(3.0),
            Rate::from_hz(RATE),
            &Monitor::none(),
        );
        let heard = measure(&read.expect("read").expect("sound")).expect("measured");
        assert!(
            heard.true_peak <= own + 1.0,
            "{extension}: {} dBTP of {own}",
            heard.true_peak
        );
        assert!(
            heard.true_peak > own - 4.0,
            "{extension}: {} dBTP of {own}",
            heard.true_peak
        );
    }
}

#[test]
fn rotation_aspect_colours_and_metadata_are_kept() {
    let folder = tempfile::tempdir().expect("folder");
    let upright = folder.path().join("upright.mp4");
    make(
        &upright,
        &format!(
            "{} {H264} -vf setsar=4/3 -colorspace bt709 -color_primaries bt709 -color_trc bt709 -color_range tv \
             -metadata title=Solo -metadata creation_time=2024-05-06T07:08:09Z",
            pattern(2.0)
        ),
    );
    for (extension, angle) in [("mp4", "90"), ("mov", "180"), ("mp4", "270")] {
        let input = folder.path().join(format!("turned.{extension}"));
        make(
            &input,
            &format!(
                "-i {} -c copy -map_metadata 0 -metadata:s:v:0 rotate={angle}",
                text(&upright)
            ),
        );
        let entries = "-select_streams v:0 -show_entries stream=sample_aspect_ratio,color_range,color_space,\
                       color_transfer,color_primaries,width,height,avg_frame_rate:stream_side_data=displaymatrix,rotation:\
                       format_tags=title,creation_time";
        let before = probe(&input, entries);
        assert!(
            before.join(" ").contains("00000000:"),
            "the input is rotated: {before:?}"
        );
        assert!(
            before.join(" ").contains("4:3") && before.join(" ").contains("2024-05-06"),
            "{before:?}"
        );
        let out = default_output(&input);
        write_video(&clip(&input, 0.0, 2.0, true), &click(1.0, 2.0), &out, &Monitor::none()).expect("written");
        assert_eq!(probe(&out, entries), before, "{extension} {angle}");
        assert_eq!(packets(&input), packets(&out));
    }

    // The aspect ratio of the container, against that of the bit stream.
    let plain = folder.path().join("plain.mp4");
    make(&plain, &format!("{} {H264}", pattern(2.0)));
    let input = folder.path().join("wide.mp4");
    make(&input, &format!("-i {} -c copy -aspect 2:1", text(&plain)));
    let out = default_output(&input);
    write_video(&clip(&input, 0.0, 2.0, true), &click(0.5, 2.0), &out, &Monitor::none()).expect("written");
    let aspect = "-select_streams v:0 -show_entries stream=sample_aspect_ratio,display_aspect_ratio";
    assert_eq!(probe(&input, aspect), ["9:8,2:1"]);
    assert_eq!(probe(&out, aspect), ["9:8,2:1"]);
}

#[test]
fn a_cut_is_in_sync_with_its_picture() {
    let folder = tempfile::tempdir().expect("folder");
    for (extension, codec) in [
        ("mp4", H264),
        ("mov", H264),
        ("mkv", H264),
        ("webm", "-c:v libvpx-vp9 -deadline realtime -cpu-used 8 -g 30"),
        ("avi", "-c:v mpeg4 -g 30"),
        ("ts", H264),
    ] {
        let input = folder.path().join(format!("in.{extension}"));
        // The picture is black except for the frame at 3.2 s, in the middle of a group of pictures.
        make(
            &input,
            &format!("-f lavfi -i color=black:s=64x64:r=30:d=5,drawbox=c=white:t=fill:enable='eq(n\\,96)' {codec}"),
        );
        let out = default_output(&input);
        // The cut starts at 2.4 s, so that the white frame is at 0.8 s of the clip, and so is the
        // click.
        write_video(&clip(&input, 2.4, 1.5, false), &click(0.8, 1.5), &out, &Monitor::none()).expect("written");
        let levels = run(
            "ffprobe",
            &[
                "-v",
                "error",
                "-f",
                "lavfi",
                "-i",
                &format!("movie={},signalstats", text(&out)),
                "-show_entries",
                "frame=pts_time:frame_tags=lavfi.signalstats.YAVG",
                "-of",
                "csv=p=0",
            ],
        );
        let frames: Vec<(f64, f64)> = String::from_utf8(levels)
            .expect("UTF-8")
            .lines()
            .filter_map(|line| {
                let (time, level) = line.split_once(',')?;
                Some((time.parse().ok()?, level.parse().ok()?))
            })
            .collect();
        let white = frames.iter().max_by(|a, b| a.1.total_cmp(&b.1)).expect("frames");
        assert!(white.1 > 200.0, "{extension}: {white:?}");
        let picture = white.0 - frames[0].0;
        let (sound, length) = heard(&out);
        println!(
            "{extension}: picture {picture:.4} s, sound {sound:.4} s, {} frames, {length:.3} s of sound",
            frames.len()
        );
        assert!(
            (picture - sound).abs() < 0.002,
            "{extension}: picture {picture} s, sound {sound} s"
        );
        if ["mp4", "mov"].contains(&extension) {
            assert!(
                (picture - 0.8).abs() < 0.002,
                "{extension}: starts on its frame: {picture} s"
            );
            assert_eq!(frames.len(), 45, "{extension}: 1.5 s of 30 frames a second");
            for stream in ["v", "a"] {
                let ends = probe(&out, &format!("-select_streams {stream} -show_entries stream=duration"));
                assert_eq!(ends, ["1.500000"], "{extension}: track {stream}");
            }
        } else {
            assert!(
                picture - 0.8 < 1.04,
                "{extension}: no more than a group of pictures before: {picture}"
            );
        }
    }
}

#[test]
fn odd_timestamps_and_foreign_codecs_are_copied() {
    let folder = tempfile::tempdir().expect("folder");
    let at = |name: &str| folder.path().join(name);
    // Variable frame rate: each frame n has its own duration.
    make(
        &at("variable.mp4"),
        &format!(
            "{} -vf settb=1/1000,setpts='N*33+7*mod(N\\,3)' -fps_mode vfr {H264}",
            pattern(3.0)
        ),
    );
    make(
        &at("late.ts"),
        &format!("{} {H264} -output_ts_offset 100", pattern(3.0)),
    );
    make(
        &at("bframes.avi"),
        &format!("{} -c:v libx264 -preset ultrafast -bf 2", pattern(3.0)),
    );
    make(&at("bframes4.avi"), &format!("{} -c:v mpeg4 -bf 2", pattern(3.0)));
    make(&at("mpeg2.ts"), &format!("{} -c:v mpeg2video", pattern(3.0)));
    make(
        &at("hevc.mp4"),
        &format!(
            "{} -c:v libx265 -preset ultrafast -tag:v hvc1 -x265-params log-level=none",
            pattern(3.0)
        ),
    );
    make(&at("hevc.ts"), &format!("-i {} -c copy", text(&at("hevc.mp4"))));
    make(&at("xvid.avi"), &format!("{} -c:v mpeg4 -vtag XVID", pattern(3.0)));
    for (from, to) in [
        ("variable.mp4", "variable.out.mp4"),
        ("variable.mp4", "variable.out.mkv"),
        ("late.ts", "late.out.ts"),
        ("late.ts", "late.out.mp4"),
        ("bframes.avi", "bframes.out.avi"),
        ("bframes4.avi", "bframes4.out.avi"),
        ("bframes4.avi", "bframes4.out.mkv"),
        ("hevc.mp4", "hevc.out.mkv"),
        ("mpeg2.ts", "mpeg2.out.mov"),
        ("hevc.ts", "hevc.out.mp4"),
        ("xvid.avi", "xvid.out.mkv"),
    ] {
        write_video(
            &clip(&at(from), 0.0, 3.0, true),
            &click(1.0, 3.0),
            &at(to),
            &Monitor::none(),
        )
        .unwrap_or_else(|e| panic!("{from} to {to}: {e}"));
        let (sound, _) = heard(&at(to));
        assert!((sound - 1.0).abs() < 0.002, "{from} to {to}: {sound}");
        let (before, after) = (shown(&at(from)), shown(&at(to)));
        if from == "bframes4.avi" {
            // Decoding the input gives a frame without a timestamp.
            continue;
        }
        assert_eq!(before.len(), after.len(), "{from} to {to}");
        for (a, b) in before.iter().zip(&after) {
            assert!((a - b).abs() < 0.0011, "{from} to {to}: a frame moved from {a} to {b}");
        }
    }
}

/// The click at the right time, and pictures at the times that ffprobe finds in `like`.
fn assert_written(from: &Path, to: &Path, like: &Path) {
    let name = to.display();
    write_video(&clip(from, 0.0, 3.0, true), &click(1.0, 3.0), to, &Monitor::none())
        .unwrap_or_else(|e| panic!("{name}: {e}"));
    let (sound, _) = heard(to);
    assert!((sound - 1.0).abs() < 0.002, "{name}: {sound}");
    let (expected, found) = (shown(like), shown(to));
    assert_eq!(expected.len(), found.len(), "{name}");
    for (a, b) in expected.iter().zip(&found) {
        assert!((a - b).abs() < 0.0021, "{name}: a frame moved from {a} to {b}");
    }
}

#[test]
fn pictures_get_the_times_that_their_file_lacks() {
    let folder = tempfile::tempdir().expect("folder");
    let at = |name: &str| folder.path().join(name);
    let h264 = "-c:v libx264 -preset ultrafast -bf 2 -g 15";
    make(&at("timed.mp4"), &format!("{} {h264}", pattern(3.0)));
    make(&at("bframes.avi"), &format!("-i {} -c copy", text(&at("timed.mp4"))));
    make(&at("bare.h264"), &format!("-i {} -c copy", text(&at("timed.mp4"))));
    for from in ["bframes.avi", "bare.h264"] {
        for to in ["mp4", "mkv", "mov"] {
            assert_written(&at(from), &at(&format!("{from}.{to}")), &at("timed.mp4"));
        }
    }
    // A cut in the middle of a group of pictures, and one before the zero of a Matroska file.
    let out = at("cut.mp4");
    write_video(
        &clip(&at("bare.h264"), 0.7, 2.0, false),
        &click(0.5, 2.0),
        &out,
        &Monitor::none(),
    )
    .expect("written");
    let (sound, _) = heard(&out);
    assert!((sound - 0.5).abs() < 0.002, "{sound}");
    assert_eq!(shown(&out).len(), 60);
    make(
        &at("negative.mkv"),
        &format!(
            "-ss 0.7 -i {} -c copy -avoid_negative_ts disabled",
            text(&at("timed.mp4"))
        ),
    );
    let out = at("negative.out.mp4");
    write_video(
        &clip(&at("negative.mkv"), 0.0, 2.3, true),
        &click(1.0, 2.3),
        &out,
        &Monitor::none(),
    )
    .expect("written");
    let (sound, _) = heard(&out);
    assert!((sound - 1.0).abs() < 0.02, "{sound}");
    let out = at("negative.out.mkv");
    write_video(
        &clip(&at("negative.mkv"), 0.0, 2.3, true),
        &click(1.0, 2.3),
        &out,
        &Monitor::none(),
    )
    .expect("written");
    // All pictures since the key frame at 0.5 s are shown, and the click is as much later.
    let (sound, _) = heard(&out);
    assert!((sound - 1.2).abs() < 0.02, "{sound}");
}

#[test]
fn codecs_go_into_containers_that_name_them_in_their_own_way() {
    let folder = tempfile::tempdir().expect("folder");
    let at = |name: &str| folder.path().join(name);
    make(&at("h264.mp4"), &format!("{} {H264}", pattern(3.0)));
    make(&at("h264.ts"), &format!("-i {} -c copy", text(&at("h264.mp4"))));
    make(&at("h264.mkv"), &format!("-i {} -c copy", text(&at("h264.mp4"))));
    make(&at("xvid.avi"), &format!("{} -c:v mpeg4 -vtag XVID", pattern(3.0)));
    make(&at("divx.avi"), &format!("{} -c:v mpeg4 -vtag DX50", pattern(3.0)));
    for (from, to) in [
        ("xvid.avi", "xvid.mp4"),
        ("divx.avi", "divx.mp4"),
        ("xvid.avi", "xvid.mov"),
        ("h264.mp4", "out.flv"),
        ("h264.mkv", "mkv.flv"),
    ] {
        check_video(&at(from), &at(to)).unwrap_or_else(|e| panic!("{from} to {to}: {e}"));
        assert_written(&at(from), &at(to), &at(from));
    }
}

#[test]
fn outputs_that_cannot_be_written_are_refused_before_the_work() {
    let folder = tempfile::tempdir().expect("folder");
    let at = |name: &str| folder.path().join(name);
    make(&at("in.mp4"), &format!("{} {H264}", pattern(2.0)));
    make(&at("in.apng"), "-f lavfi -i testsrc2=s=64x64:r=5:d=2 -c:v apng");
    make(
        &at("in.webm"),
        &format!("{} -c:v libvpx -deadline realtime -cpu-used 8", pattern(2.0)),
    );
    let names = entries(folder.path());
    for (from, to, said) in [
        ("in.mp4", "out.xyz", ".mp4 .m4v"),
        ("in.mp4", "out.webm", "H264 video cannot be written to .webm"),
        ("in.mp4", "no/such/folder/out.mp4", "No such file"),
        ("in.apng", "out.mkv", "APNG video cannot be written to .mkv"),
        ("in.webm", "out.flv", "VP8 video cannot be written to .flv"),
        ("in.webm", "out.3gp", "VP8 video cannot be written to .3gp"),
        ("gone.mp4", "out.mp4", "No such file"),
    ] {
        let error = check_video(&at(from), &at(to)).expect_err(to).to_string();
        assert!(error.contains(said), "{error}");
        assert!(!error.contains("()"), "{error}");
        // The message does not suggest a container that cannot hold it either.
        assert_eq!(
            error.contains("write to .mkv"),
            to != "out.mkv" && error.contains("video cannot be written"),
            "{error}"
        );
        let sound = click(1.0, 2.0);
        let late = write_video(&clip(&at(from), 0.0, 2.0, true), &sound, &at(to), &Monitor::none());
        assert_eq!(late.expect_err(to).to_string(), error, "the same sentence");
        assert_eq!(entries(folder.path()), names, "nothing is left behind");
    }
    assert!(matches!(
        check_video(&at("in.mp4"), &at("in.mp4")),
        Err(Error::OutputIsInput { .. })
    ));
    for to in ["mp4", "mov", "mkv", "avi", "ts", "flv", "wmv"] {
        check_video(&at("in.mp4"), &at("out").with_extension(to)).unwrap_or_else(|e| panic!("{to}: {e}"));
    }
    assert_eq!(entries(folder.path()), names);
}

#[test]
fn a_cut_between_two_frames_of_an_avi_file_is_in_sync() {
    let folder = tempfile::tempdir().expect("folder");
    let input = folder.path().join("in.avi");
    // The frame at 2 s is white; the cut begins half a frame after another.
    make(
        &input,
        "-f lavfi -i color=black:s=64x64:r=10:d=5,drawbox=c=white:t=fill:enable='eq(n\\,20)' -c:v mpeg4 -g 1",
    );
    // MP4 stores it exactly, by an edit that begins within a frame; FFmpeg, which this test uses,
    // rounds it.
    for extension in ["avi", "mkv"] {
        let out = folder.path().join("out").with_extension(extension);
        write_video(
            &clip(&input, 1.05, 3.0, false),
            &click(0.95, 3.0),
            &out,
            &Monitor::none(),
        )
        .expect("written");
        let (click, _) = heard(&out);
        let white = white_frame(&out);
        assert!((white - click).abs() < 0.003, "{extension}: {white} {click}");
    }
}

/// When the white picture is shown after the first one.
fn white_frame(path: &Path) -> f64 {
    let lines = probe(
        Path::new(&format!("movie={},signalstats", text(path))),
        "-f lavfi -show_entries frame=pts_time:frame_tags=lavfi.signalstats.YAVG",
    );
    let frames: Vec<(f64, f64)> = lines
        .iter()
        .filter_map(|line| {
            let (time, level) = line.split_once(',')?;
            Some((time.parse().ok()?, level.parse().ok()?))
        })
        .collect();
    let white = frames.iter().max_by(|a, b| a.1.total_cmp(&b.1)).expect("frames");
    assert!(white.1 > 200.0, "{white:?}");
    white.0 - frames[0].0
}

#[test]
fn the_video_is_copied_once_and_progress_never_goes_back() {
    let folder = tempfile::tempdir().expect("folder");
    let input = folder.path().join("in.webm");
    make(
        &input,
        &format!("{} -c:v libvpx -deadline realtime -cpu-used 8", pattern(3.0)),
    );
    // Clipped noise, to which Opus adds higher peaks: it is encoded more than once.
    let mut sound = AudioBuffer::silence(Rate::from_hz(RATE), 2, (3.0 * RATE) as usize);
    let mut state = 1_u32;
    for frame in sound.samples.chunks_exact_mut(2) {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        let noise = (state >> 8) as f32 / (1 << 24) as f32 - 0.5;
        frame.fill((6.0 * noise).clamp(-0.25, 0.25));
    }
    let reported = std::sync::Mutex::new(Vec::new());
    let monitor = Monitor::new(Cancel::new(), |_, done| reported.lock().expect("lock").push(done));
    let out = folder.path().join("out.webm");
    write_video(&clip(&input, 0.0, 3.0, true), &sound, &out, &monitor).expect("written");
    drop(monitor);
    let reported = reported.into_inner().expect("lock");
    assert!(reported.windows(2).all(|pair| pair[0] <= pair[1]), "{reported:?}");
    assert!(reported.len() > 100 && reported.last() == Some(&1.0), "{reported:?}");
}

#[test]
fn the_picture_goes_on_where_the_clock_of_a_broadcast_restarts() {
    let folder = tempfile::tempdir().expect("folder");
    let (first, input) = (folder.path().join("first.ts"), folder.path().join("in.ts"));
    make(&first, &format!("{} {H264}", pattern(3.0)));
    let part = std::fs::read(&first).expect("a part");
    std::fs::write(&input, part.repeat(2)).expect("two parts, each with a clock from zero");
    for extension in ["ts", "mp4", "mkv"] {
        let out = folder.path().join(format!("out.{extension}"));
        write_video(&clip(&input, 0.0, 6.0, true), &click(4.0, 6.0), &out, &Monitor::none())
            .unwrap_or_else(|e| panic!("{extension}: {e}"));
        let times = shown(&out);
        assert_eq!(times.len(), 180, "{extension}");
        for (number, time) in times.iter().enumerate() {
            let due = number as f64 / 30.0;
            assert!((time - due).abs() < 0.003, "{extension}: frame {number} at {time} s");
        }
        let (at, _) = heard(&out);
        assert!(
            (at - 4.0).abs() < 0.002,
            "{extension}: the click at 4 s is heard at {at} s"
        );
    }
    // A part after the restart has its own pictures.
    let out = folder.path().join("part.mp4");
    write_video(&clip(&input, 4.0, 1.5, false), &click(0.5, 1.5), &out, &Monitor::none()).expect("a part");
    let copied = packets(&out);
    assert!(copied.len() >= 45 && copied.len() < 90, "{} packets", copied.len());
    let (at, length) = heard(&out);
    assert!((at - 0.5).abs() < 0.002 && (length - 1.5).abs() < 0.03, "{at} {length}");
}

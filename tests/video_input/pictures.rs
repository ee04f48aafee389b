//! Frames, their times and their pictures.

use super::*;

#[test]
fn common_containers_and_codecs_return_every_frame_at_its_time() {
    let folder = Folder::new();
    for (name, arguments) in [
        ("h264.mp4", "-c:v libx264 -bf 3"),
        ("h264.mkv", "-c:v libx264 -bf 3"),
        ("h264.ts", "-c:v libx264 -bf 3"),
        ("mpeg4.avi", "-c:v mpeg4 -bf 2"),
        ("vp9.webm", "-c:v libvpx-vp9 -deadline realtime -cpu-used 8"),
        ("mjpeg.mov", "-c:v mjpeg -q:v 2"),
        ("mpeg2.mpg", "-c:v mpeg2video -bf 2 -q:v 2"),
        ("interlaced.mpg", "-c:v mpeg2video -flags +ildct+ilme -q:v 2"),
    ] {
        let path = folder.video(COUNTER, &format!("{arguments} -g 30"), name);
        let (source, frames) = all(&path);
        assert_as_probed(&frames, &path);
        assert_eq!(frames.len(), 90, "{name}");
        for (index, frame) in frames.iter().enumerate() {
            assert!(
                (number(frame) - index as f64).abs() < 2.0,
                "{name} {index}: {}",
                number(frame)
            );
        }
        assert!((duration(&source) - 3.0).abs() < 0.002, "{name}: {}", duration(&source));
        let clip = source.clip();
        assert_eq!(
            (clip.width, clip.height, clip.has_audio, clip.whole),
            (64, 48, false, true),
            "{name}"
        );
        assert!((clip.frame_rate - 30.0).abs() < 0.5, "{name}: {}", clip.frame_rate);
    }
}

#[test]
fn pixel_formats_of_all_kinds_give_the_same_picture() {
    let folder = Folder::new();
    for (name, arguments) in [
        ("ten-bit.mkv", "-c:v ffv1 -pix_fmt yuv420p10le"),
        ("full-range.mkv", "-c:v mjpeg -q:v 2 -pix_fmt yuvj420p"),
        ("alpha.mov", "-c:v qtrle -pix_fmt argb"),
        ("alpha.mkv", "-c:v ffv1 -pix_fmt yuva444p"),
        ("palette.gif", "-c:v gif"),
        ("rgb.mkv", "-c:v ffv1 -pix_fmt gbrp"),
        (
            "twelve.mkv",
            "-c:v ffv1 -pix_fmt yuv444p12le -color_trc smpte2084 -colorspace bt2020nc",
        ),
        ("packed.avi", "-c:v rawvideo -pix_fmt yuyv422"),
    ] {
        let (_, frames) = all(&folder.video(CORNERS, arguments, name));
        assert_eq!(corners(&frames[0]), "rgbw", "{name}");
        assert!(frames.len() >= 24, "{name}: {}", frames.len());
    }
}

/// Grey of half the range: 94 cd/m² in PQ, 52 in HLG; both far below white, and therefore equally
/// dark on a display of standard range.
#[test]
fn pictures_of_high_range_are_mapped_to_standard_range() {
    let folder = Folder::new();
    let grey = "color=gray:size=64x48:rate=10:duration=2.5,format=yuv420p10le";
    let level = |transfer: &str, name: &str| {
        let tags = format!("-colorspace bt2020nc -color_primaries bt2020 -color_trc {transfer}");
        let (_, frames) = all(&folder.video(grey, &format!("-c:v ffv1 {tags}"), name));
        let (least, most) = frames[0]
            .picture
            .rgb
            .iter()
            .fold((255, 0), |(a, b), v| (a.min(*v), b.max(*v)));
        // FFmpeg dithers eight bits, and its grey in ten bits has a tint, 2 of 1023.
        assert!(most - least <= 8, "{name}: {least} to {most}");
        (f64::from(least) + f64::from(most)) * 0.5
    };
    for (transfer, name, expected) in [
        ("bt709", "plain.mkv", 128.0),
        ("smpte2084", "pq.mkv", 185.0),
        ("arib-std-b67", "hlg.mkv", 145.0),
    ] {
        let found = level(transfer, name);
        assert!((found - expected).abs() <= 6.0, "{name}: {found}, not {expected}");
    }
}

#[test]
fn a_variable_rate_keeps_its_times() {
    let folder = Folder::new();
    let graph = format!("{COUNTER},setpts='if(lt(N,30),N/30,1+(N-30)/12+0.004*mod(N,3))/TB'");
    for name in ["variable.mp4", "variable.mkv"] {
        let path = folder.video(&graph, "-vsync vfr -enc_time_base 1:1000 -c:v libx264 -bf 2", name);
        let (source, frames) = all(&path);
        assert_as_probed(&frames, &path);
        assert!((times(&frames)[60] - (1.0 + 30.0 / 12.0)).abs() < 0.002, "{name}");
        // The last frame has some length, which is not compared.
        let last = times(&frames)[89];
        assert!(
            (0.001..0.2).contains(&(duration(&source) - last)),
            "{name}: {} {last}",
            duration(&source)
        );
    }
}

#[test]
fn only_so_many_frames_a_second_come_through() {
    let folder = Folder::new();
    let path = folder.video(&COUNTER.replace("rate=30", "rate=60"), "-c:v libx264", "sixty.mp4");
    let limited = FileOptions {
        rate: Rate::from_hz(30.0),
        ..options()
    };
    let mut source = open_with(&path, limited).unwrap();
    let even = frames(&mut source).unwrap();
    let expected: Vec<f64> = (0..90).map(|i| f64::from(i) / 30.0).collect();
    assert_close(&times(&even), &expected, 1e-4);
    assert!((duration(&source) - 3.0).abs() < 1e-3);
}

#[test]
fn rotated_videos_stand_upright() {
    let folder = Folder::new();
    let plain = folder.video(CORNERS, "-c:v libx264 -qp 10", "plain.mp4");
    for (rotate, size, expected) in [
        (0, (96, 64), "rgbw"),
        (90, (64, 96), "gwrb"),
        (180, (96, 64), "wbgr"),
        (270, (64, 96), "brwg"),
    ] {
        let name = format!("rotated{rotate}.mp4");
        let path = folder.again(&plain, &format!("-c copy -metadata:s:v rotate={rotate}"), &name);
        let (source, frames) = all(&path);
        assert_eq!((source.clip().width, source.clip().height), size, "{name}");
        assert_eq!(
            (frames[0].picture.width, frames[0].picture.height),
            (size.0 as usize, size.1 as usize)
        );
        // Turned in the same way as by ffmpeg itself.
        let arguments = ["-v", "error", "-i", path.to_str().unwrap(), "-frames:v", "1"];
        let reference = run(
            "ffmpeg",
            &[&arguments[..], &["-f", "rawvideo", "-pix_fmt", "rgb24", "-"]].concat(),
        );
        let ours = &frames[0].picture.rgb;
        assert_eq!(ours.len(), reference.len());
        let far = ours
            .iter()
            .zip(&reference)
            .filter(|(a, b)| a.abs_diff(**b) > 12)
            .count();
        assert!(far < ours.len() / 100, "{name}: {far} of {} differ", ours.len());
        assert_eq!(corners(&frames[0]), expected, "{name}");
    }
    for (flip, expected) in [("horizontal", "grwb"), ("vertical", "bwrg")] {
        let filter = format!("-c copy -bsf:v h264_metadata=display_orientation=insert:flip={flip}");
        let path = folder.again(&plain, &filter, &format!("{flip}.mkv"));
        let (_, frames) = all(&path);
        assert_eq!(corners(&frames[0]), expected, "{flip}");
    }
}

#[test]
fn large_frames_are_scaled_to_the_long_side() {
    let folder = Folder::new();
    let path = folder.video(&CORNERS.replace("96x64", "500x300"), "-c:v libx264", "large.mp4");
    for (long_side, size) in [(250, (250, 150)), (500, (500, 300)), (96, (96, 58))] {
        let options = FileOptions { long_side, ..options() };
        let mut source = open_with(&path, options).unwrap();
        let frame = source.next_frame().unwrap().unwrap();
        assert_eq!((frame.picture.width, frame.picture.height), size);
        assert_eq!(frame.scale, 500.0 / long_side as f64);
        assert_eq!(frame.picture.rgb.len(), 3 * size.0 * size.1);
    }
}

#[test]
fn pixels_that_are_not_square_become_square() {
    let folder = Folder::new();
    for (ratio, size) in [("2/1", (192, 64)), ("8/9", (85, 64))] {
        let graph = format!("{CORNERS},setsar={ratio}");
        let name = format!("wide{}.mp4", size.0);
        let (source, frames) = all(&folder.video(&graph, "-c:v libx264 -qp 10", &name));
        assert_eq!((source.clip().width, source.clip().height), size);
        assert_eq!(
            (frames[0].picture.width, frames[0].picture.height),
            (size.0 as usize, size.1 as usize)
        );
        assert_eq!((corners(&frames[0]).as_str(), frames[0].scale), ("rgbw", 1.0));
    }
}

#[test]
fn odd_sizes_have_no_skewed_rows() {
    let folder = Folder::new();
    for size in ["97x61", "33x101", "16x17"] {
        let graph = format!("testsrc2=size={size}:rate=5:duration=2.4,format=yuv444p");
        let name = format!("odd{size}.mkv");
        let path = folder.video(&graph, "-c:v ffv1", &name);
        let (_, frames) = all(&path);
        let arguments = [
            "-v",
            "error",
            "-i",
            path.to_str().unwrap(),
            "-frames:v",
            "1",
            "-f",
            "rawvideo",
        ];
        let reference = run("ffmpeg", &[&arguments[..], &["-pix_fmt", "rgb24", "-"]].concat());
        let worst = frames[0]
            .picture
            .rgb
            .iter()
            .zip(&reference)
            .map(|(a, b)| a.abs_diff(*b))
            .max();
        assert!(
            frames[0].picture.rgb.len() == reference.len() && worst < Some(6),
            "{size}: {worst:?}"
        );
    }
}

#[test]
fn a_size_that_changes_in_mid_stream_is_followed() {
    let folder = Folder::new();
    let first = folder.video(CORNERS, "-pix_fmt yuv420p -c:v libx264 -f mpegts", "one.ts");
    let larger = CORNERS
        .replace("96x64", "192x128")
        .replace("48", "96")
        .replace("32", "64");
    let second = folder.video(
        &larger,
        "-pix_fmt yuv420p -c:v libx264 -f mpegts -output_ts_offset 2.5",
        "two.ts",
    );
    let joined = [std::fs::read(first).unwrap(), std::fs::read(second).unwrap()].concat();
    let path = folder.write("joined.ts", &joined);
    let (source, frames) = all(&path);
    assert!(frames.len() >= 48, "{}", frames.len());
    assert!(times(&frames).windows(2).all(|w| w[1] > w[0]));
    assert_eq!((source.clip().width, source.clip().height), (96, 64));
    let (before, after) = (&frames[0], &frames[frames.len() - 1]);
    assert_eq!((before.picture.width, after.picture.width), (96, 192));
    // The same place in both has the same coordinates in the clip's pixels.
    assert_eq!((before.scale, after.scale), (1.0, 0.5));
    assert_eq!(
        (corners(before), corners(after)),
        ("rgbw".to_owned(), "rgbw".to_owned())
    );
}

#[test]
fn time_counts_from_the_first_shown_frame() {
    let folder = Folder::new();
    let plain = folder.video(COUNTER, "-c:v libx264 -bf 2 -g 10 -qp 10", "plain.mp4");
    // Copied from 0.5 s on: an edit list hides the frames since the key frame before.
    let edited = folder.ffmpeg("", &format!("-ss 0.5 -i {} -c copy", plain.display()), "edited.mp4");
    let (source, frames) = all(&edited);
    assert_as_probed(&frames, &edited);
    assert!((number(&frames[0]) - 15.0).abs() < 1.6, "{}", number(&frames[0]));
    assert!((duration(&source) - 2.5).abs() < 0.05, "{}", duration(&source));
    for (name, offset) in [("later.ts", "7"), ("later.mkv", "0.7"), ("later.mp4", "3")] {
        let path = folder.again(
            &plain,
            &format!("-c copy -avoid_negative_ts disabled -output_ts_offset {offset}"),
            name,
        );
        let (source, frames) = all(&path);
        assert_eq!(times(&frames)[0], 0.0, "{name}");
        assert_as_probed(&frames, &path);
        let shown = times(&frames)[frames.len() - 1] + 1.0 / 30.0;
        assert!(
            (duration(&source) - shown).abs() < 0.002,
            "{name}: {} {shown}",
            duration(&source)
        );
    }
}

#[test]
fn restarted_timestamps_continue() {
    let folder = Folder::new();
    let one = std::fs::read(folder.video(COUNTER, "-c:v libx264 -bf 2 -qp 10", "one.ts")).unwrap();
    let far = folder.video(COUNTER, "-c:v libx264 -bf 2 -qp 10 -output_ts_offset 5000", "far.ts");
    let far = std::fs::read(far).unwrap();
    for (name, parts) in [
        ("again.ts", [&one, &one]),
        ("on.ts", [&one, &far]),
        ("back.ts", [&far, &one]),
    ] {
        let path = folder.write(name, &[parts[0].as_slice(), parts[1]].concat());
        let (source, frames) = all(&path);
        assert!((178..=180).contains(&frames.len()), "{name}: {}", frames.len());
        let times = times(&frames);
        assert!(
            times.windows(2).all(|w| (0.03..0.12).contains(&(w[1] - w[0]))),
            "{name}: {times:?}"
        );
        assert!((duration(&source) - 6.0).abs() < 0.1, "{name}: {}", duration(&source));
    }
}

#[test]
fn missing_timestamps_are_filled_in() {
    let folder = Folder::new();
    let path = folder.video(COUNTER, "-c:v libx264 -bf 0 -f h264", "raw.h264");
    let (_, frames) = all(&path);
    assert_eq!(frames.len(), 90);
    assert!(times(&frames).windows(2).all(|w| w[1] > w[0]), "{:?}", times(&frames));
}

#[test]
fn a_file_without_a_length_gets_one() {
    let folder = Folder::new();
    let arguments = [
        "-v", "error", "-f", "lavfi", "-i", COUNTER, "-c:v", "libx264", "-f", "matroska", "-",
    ];
    let path = folder.write("live.mkv", &run("ffmpeg", &arguments));
    let source = open(&path).unwrap();
    assert!((duration(&source) - 3.0).abs() < 0.05, "{}", duration(&source));
}

#[test]
fn a_stretch_returns_its_frames_at_their_times() {
    let folder = Folder::new();
    let graph = COUNTER
        .replace("duration=3", "duration=12")
        .replace("mod(N,100)", "mod(floor(N/4),100)");
    for (name, arguments) in [
        ("long.mp4", "-c:v libx264 -bf 3 -g 60 -qp 10"),
        ("long.mkv", "-c:v libx264 -bf 3 -g 60 -qp 10"),
        ("long.ts", "-c:v libx264 -bf 3 -g 60 -qp 10"),
        ("long.avi", "-c:v mpeg4 -g 60 -q:v 1"),
        ("long.h264", "-c:v libx264 -bf 0 -g 60 -qp 10 -f h264"),
    ] {
        let path = folder.video(&graph, arguments, name);
        for (from, to) in [(1.0, Some(4.0)), (7.5, None), (0.0, Some(2.5)), (8.0, Some(11.0))] {
            let stretch = Stretch {
                from: Instant::from_seconds(from),
                to: to.map(Instant::from_seconds),
                restarts: Vec::new(),
            };
            let mut source = VideoFile::open(&path, options()).unwrap().read(vec![stretch], true);
            let frames = frames(&mut source).unwrap();
            let end = to.unwrap_or(12.0);
            let expected = 30.0 * (end - from);
            let count = frames.len() as f64;
            assert!((count - expected).abs() <= 1.0, "{name} {from}: {count} of {expected}");
            let (first, last) = (&frames[0], &frames[frames.len() - 1]);
            let late = first.time.seconds() - from;
            assert!((0.0..0.035).contains(&late), "{name}: {late}");
            let (begun, ended) = (number(first), number(last));
            assert!((begun - from * 7.5).abs() < 1.6, "{name} {from}: {begun}");
            assert!((ended - end * 7.5).abs() < 2.0, "{name} {end}: {ended}");
            assert_eq!(source.media_end().is_some(), to.is_none(), "{name} {from}");
        }
    }
}

//! Damaged files, refused files, and wrong announced lengths.

use super::*;
use kinescore::Cancel;
use std::thread;
use std::time::Instant as Clock;

#[test]
fn the_decodable_part_of_a_truncated_file_is_used_and_the_fault_reported() {
    collect_logs();
    let folder = Folder::new();
    let noisy = format!("{COUNTER},noise=alls=60:allf=t");
    for (name, arguments) in [
        ("cut-short.mp4", "-movflags +faststart"),
        ("cut-short.mkv", ""),
        ("cut-short.ts", ""),
    ] {
        let whole = folder.video(
            &noisy,
            &format!("-c:v libx264 -g 15 {arguments}"),
            &format!("whole-{name}"),
        );
        let content = std::fs::read(whole).unwrap();
        let path = folder.write(name, &content[..content.len() * 85 / 100]);
        let (source, frames) = all(&path);
        assert!((60..88).contains(&frames.len()), "{name}: {}", frames.len());
        let end = times(&frames)[frames.len() - 1] + 1.0 / 30.0;
        assert!(
            (duration(&source) - end).abs() < 0.002,
            "{name}: {} {end}",
            duration(&source)
        );
        // A transport stream does not announce a length, so nothing seems missing.
        assert!(source.faults().is_some() || name.ends_with("ts"), "{name}");
    }
    let whole = folder.video(&noisy, "-c:v libx264 -g 15 -movflags +faststart", "whole.mp4");
    let content = std::fs::read(whole).unwrap();
    let short = folder.write("too-short.mp4", &content[..content.len() / 2]);
    let ended = open(&short).and_then(|mut source| frames(&mut source)).map(|f| f.len());
    assert!(matches!(ended, Err(Error::ClipTooShort { .. })), "{ended:?}");
}

#[test]
fn damage_in_the_middle_is_skipped() {
    collect_logs();
    let folder = Folder::new();
    let whole = folder.video(
        &format!("{COUNTER},noise=alls=60:allf=t"),
        "-c:v mpeg2video -q:v 4",
        "sound.ts",
    );
    let mut content = std::fs::read(whole).unwrap();
    let middle = content.len() / 2;
    for (index, byte) in content[middle..middle + 20_000].iter_mut().enumerate() {
        *byte = (index * 31 % 253) as u8;
    }
    let (source, frames) = all(&folder.write("damaged.ts", &content));
    assert!(frames.len() > 60, "{}", frames.len());
    assert!((duration(&source) - 3.0).abs() < 0.1);
}

#[test]
fn files_that_are_not_videos_are_reported() {
    let folder = Folder::new();
    let garbage: Vec<u8> = (0..50_000_u32)
        .map(|i| (i.wrapping_mul(2_654_435_761) >> 24) as u8)
        .collect();
    let picture = folder.video(CORNERS, "-frames:v 1 -pix_fmt rgb24", "still.png");
    for (path, reported) in [
        (
            folder.write("notes.txt", "Dear diary,\n".repeat(500).as_bytes()),
            "text",
        ),
        (folder.write("notes.mp4", "Dear diary,\n".repeat(500).as_bytes()), ""),
        (
            folder.write("words.srt", b"1\n00:00:01,000 --> 00:00:09,000\nHello\n"),
            "text",
        ),
        (folder.write("empty.mp4", b""), "empty"),
        (folder.write("garbage.mp4", &garbage), ""),
        (folder.write("garbage", &garbage), ""),
        (folder.0.path().to_owned(), "folder"),
        (folder.again(&picture, "", "still.jpg"), "still picture"),
        (folder.again(&picture, "", "still.bmp"), "still picture"),
        (picture, "still picture"),
    ] {
        let reason = refusal(&path);
        assert!(reason.contains(reported), "{}: {reason}", path.display());
    }
    assert!(matches!(open(&folder.path("nowhere.mp4")), Err(Error::Input { .. })));
}

#[test]
fn sound_and_cover_pictures_are_not_a_video() {
    let folder = Folder::new();
    let tone = folder.video("sine=frequency=440:duration=3", "", "tone.wav");
    let cover = folder.video(CORNERS, "-frames:v 1", "cover.jpg");
    let both = format!("-i {} -i {} -map 0 -map 1", tone.display(), cover.display());
    let covered = folder.ffmpeg(
        "",
        &format!("{both} -c:v copy -c:a libmp3lame -disposition:v attached_pic"),
        "covered.mp3",
    );
    let song = folder.ffmpeg(
        "",
        &format!("{both} -c:v mjpeg -c:a aac -disposition:v attached_pic"),
        "covered.m4a",
    );
    for (path, reported) in [
        (tone, "audio"),
        (covered, "audio, cover picture"),
        (song, "audio, cover picture"),
    ] {
        let opened = open(&path).map(|s| s.clip().clone());
        let Err(Error::NoVideoStream { found, .. }) = &opened else {
            panic!("{}: {opened:?}", path.display());
        };
        assert_eq!(found, reported);
    }
}

#[test]
fn a_video_without_frames_or_too_short_is_reported() {
    let folder = Folder::new();
    let none = folder.video(COUNTER, "-c:v libx264 -frames:v 0", "none.mkv");
    let opened = open(&none).map(|s| s.clip().clone());
    assert!(
        matches!(opened, Err(Error::NoFrames { .. } | Error::NoVideoStream { .. })),
        "{opened:?}"
    );
    // The header of a video without any of its packets.
    let whole = folder.video(COUNTER, "-c:v libx264 -movflags +faststart", "whole.mp4");
    let content = std::fs::read(whole).unwrap();
    let data = content.windows(4).position(|w| w == b"mdat").unwrap();
    let opened = open(&folder.write("header.mp4", &content[..data + 4])).map(|s| s.clip().clone());
    assert!(matches!(opened, Err(Error::NoFrames { .. })), "{opened:?}");
    let short = folder.video(COUNTER, "-c:v libx264 -t 1", "short.mp4");
    let opened = open(&short).map(|s| s.clip().clone());
    let Err(Error::ClipTooShort { seconds, least, .. }) = opened else {
        panic!("{opened:?}");
    };
    assert!((seconds - 1.0).abs() < 0.01 && least == 2.0);
    let single = folder.video(COUNTER, "-c:v libx264 -frames:v 1", "single.mp4");
    assert!(matches!(open(&single).map(|_| ()), Err(Error::ClipTooShort { .. })));
}

#[test]
fn frame_sizes_have_limits_and_8k_is_within_them() {
    let folder = Folder::new();
    let sized = |size: &str| format!("color=size={size}:rate=2:duration=2.5");
    for (size, name) in [("1x1", "pixel.mkv"), ("15x600", "narrow.mkv"), ("16400x16", "wide.mkv")] {
        let graph = format!(
            "color=size=64x64:rate=2:duration=2.5,format=gbrp,scale={}",
            size.replace('x', ":")
        );
        let path = folder.video(&graph, "-c:v ffv1 -pix_fmt gbrp", name);
        let opened = open(&path).map(|s| s.clip().clone());
        assert!(matches!(opened, Err(Error::FrameSize { .. })), "{size}: {opened:?}");
    }
    let path = folder.video(&sized("7680x4320"), "-c:v mjpeg -pix_fmt yuvj420p", "eight.mov");
    let mut source = open_with(&path, FileOptions::default()).unwrap();
    let frames = frames(&mut source).unwrap();
    assert_eq!(
        (source.clip().width, source.clip().height, frames.len()),
        (7680, 4320, 5)
    );
    assert_eq!((frames[0].picture.width, frames[0].picture.height), (960, 540));
    assert_eq!(frames[0].scale, 8.0);
}

#[test]
fn any_file_name_will_do() {
    use std::os::unix::ffi::OsStringExt;
    let folder = Folder::new();
    let plain = folder.video(COUNTER, "-c:v libx264", "plain.mp4");
    let bytes = std::ffi::OsString::from_vec(b"clip \xff.mp4".to_vec());
    for name in [
        "http:x.mp4".into(),
        "100%d done?.mp4".into(),
        "Tänzerin 踊り.mp4".into(),
        bytes,
    ] {
        let path = folder.0.path().join(&name);
        std::fs::copy(&plain, &path).unwrap();
        assert_eq!(all(&path).1.len(), 90, "{name:?}");
    }
}

#[test]
fn a_source_that_is_dropped_early_stops_its_thread() {
    let folder = Folder::new();
    let path = folder.video(&COUNTER.replace("duration=3", "duration=60"), "-c:v mpeg4", "long.mp4");
    for read in [0, 1, 20] {
        let mut source = open(&path).unwrap();
        for _ in 0..read {
            source.next_frame().unwrap().unwrap();
        }
        drop(source); // would hang here
    }
    let mut moved = open(&path).unwrap();
    let count = std::thread::spawn(move || frames(&mut moved).unwrap().len())
        .join()
        .unwrap();
    assert_eq!(count, 1800);
}

#[test]
fn sound_beside_the_picture_is_noticed() {
    let folder = Folder::new();
    let arguments = "-f lavfi -i sine=duration=5 -c:v libx264 -c:a aac";
    let (source, _) = all(&folder.video(COUNTER, arguments, "with-sound.mp4"));
    assert!(source.clip().has_audio);
    // As long as the picture, not as the sound.
    assert!((duration(&source) - 3.0).abs() < 0.002, "{}", duration(&source));
}

#[test]
fn lists_of_media_are_refused_whatever_they_are_called() {
    let folder = Folder::new();
    folder.video(COUNTER, "-c:v libx264 -f mpegts", "part.ts");
    folder.video(COUNTER, "-c:v libx264", "part.mp4");
    let playlist = "#EXTM3U\n#EXT-X-TARGETDURATION:3\n#EXTINF:3,\npart.ts\n#EXT-X-ENDLIST\n";
    let dash = "<?xml version=\"1.0\"?>\n<MPD xmlns=\"urn:mpeg:dash:schema:mpd:2011\" type=\"static\"></MPD>\n";
    for (name, content) in [
        ("list.m3u8", playlist),
        ("list.mp4", playlist),
        (
            "script.ffconcat",
            "ffconcat version 1.0\nfile part.mp4\nfile part.mp4\n",
        ),
        ("script.mp4", "ffconcat version 1.0\nfile part.mp4\n"),
        ("script.txt", "file 'part.mp4'\nfile 'part.mp4'\n"),
        ("manifest.mpd", dash),
        (
            "session.sdp",
            "v=0\no=- 0 0 IN IP4 127.0.0.1\nm=video 5004 RTP/AVP 96\n",
        ),
    ] {
        let reason = refusal(&folder.write(name, content.as_bytes()));
        assert!(reason.contains("list of media files"), "{name}: {reason}");
    }
    // Numbered pictures are read from other files, too.
    let pattern = folder.video(COUNTER, "-frames:v 3", "shot_%04d.png");
    std::fs::copy(folder.path("shot_0001.png"), &pattern).unwrap();
    assert!(refusal(&pattern).contains("still picture"));
}

#[cfg(unix)]
#[test]
fn what_is_not_a_regular_file_is_refused_at_once() {
    let folder = Folder::new();
    let pipe = folder.path("pipe.mp4");
    run("mkfifo", &[pipe.to_str().unwrap()]);
    let socket = folder.path("socket.mp4");
    let _bound = std::os::unix::net::UnixListener::bind(&socket).unwrap();
    for (path, said) in [
        (pipe, "a pipe"),
        (socket, "a socket"),
        (PathBuf::from("/dev/zero"), "a device"),
        (PathBuf::from("-"), "standard input is not read"),
        (folder.0.path().to_owned(), "a folder"),
    ] {
        // Opening a pipe without a writer would block forever.
        let (sender, answer) = std::sync::mpsc::channel();
        let asked = path.clone();
        std::thread::spawn(move || sender.send(refusal(&asked)));
        let reason = answer
            .recv_timeout(std::time::Duration::from_secs(20))
            .unwrap_or_else(|e| panic!("{}: {e}", path.display()));
        assert!(reason.contains(said), "{}: {reason}", path.display());
    }
}

#[test]
fn what_cannot_be_decoded_is_called_by_its_name() {
    let folder = Folder::new();
    let pointer = b"version https://git-lfs.github.com/spec/v1\noid sha256:4d7a\nsize 12345\n";
    assert!(refusal(&folder.write("pointer.mp4", pointer)).contains("Git LFS"));
    let animated = folder.video(COUNTER, "-c:v libwebp_anim -loop 0", "animated.webp");
    assert!(refusal(&animated).contains("animated WebP"));
    let key = "76a6c65c5ea762046bd749a2e632ccbb";
    let secret = folder.video(
        COUNTER,
        &format!("-c:v libx264 -encryption_scheme cenc-aes-ctr -encryption_key {key} -encryption_kid {key}"),
        "secret.mp4",
    );
    let reason = refusal(&secret);
    assert!(reason.contains("encrypted"), "{reason}");
}

/// Sets the length that a Matroska file announces, in its unit of a millisecond.
fn announce(path: &Path, milliseconds: f64) {
    let mut content = std::fs::read(path).unwrap();
    // The element `Duration` with a number of 8 bytes.
    let at = content.windows(3).position(|w| w == [0x44, 0x89, 0x88]).unwrap() + 3;
    content[at..at + 8].copy_from_slice(&milliseconds.to_be_bytes());
    std::fs::write(path, content).unwrap();
}

#[test]
fn an_impossible_length_is_ignored() {
    let folder = Folder::new();
    let path = folder.video(COUNTER, "-c:v libx264", "announced.mkv");
    for seconds in [1e11, 1e9, 90_000.0] {
        announce(&path, seconds * 1e3);
        let file = VideoFile::open(&path, options()).unwrap();
        let announced = file.media().announced.unwrap().seconds();
        assert!((announced - 3.0).abs() < 0.05, "{seconds}: {announced}");
    }
    // A smaller announced length is used until the end has been reached.
    announce(&path, 50_000e3);
    let (source, frames) = all(&path);
    assert_eq!(frames.len(), 90);
    assert!((duration(&source) - 3.0).abs() < 0.01, "{}", duration(&source));
}

#[test]
fn a_clock_that_starts_late_gives_no_warning() {
    collect_logs();
    let folder = Folder::new();
    let plain = folder.video(COUNTER, "-c:v libx264 -bf 2 -g 30", "plain.mp4");
    let path = folder.again(&plain, "-c copy -output_ts_offset 12.424", "starts-late.mkv");
    let file = VideoFile::open(&path, options()).unwrap();
    let announced = file.media().announced.unwrap().seconds();
    assert!((announced - 3.0).abs() < 0.002, "{announced}");
    let (source, _) = all(&path);
    assert!((duration(&source) - 3.0).abs() < 0.002, "{}", duration(&source));
    assert_eq!(warnings_about("/starts-late.mkv"), Vec::<String>::new());
    // A length that counts from the first instant is correct.
    announce(&path, 3000.0);
    let file = VideoFile::open(&path, options()).unwrap();
    let announced = file.media().announced.unwrap().seconds();
    assert!((announced - 3.0).abs() < 0.002, "{announced}");
}

#[test]
fn exactly_the_least_length_is_enough() {
    let folder = Folder::new();
    for (name, arguments) in [
        ("two.mp4", "-c:v libx264 -bf 2 -t 2"),
        ("two.mkv", "-c:v libx264 -bf 2 -t 2"),
        ("two.avi", "-c:v mpeg4 -t 2"),
        ("two.webm", "-c:v libvpx -deadline realtime -cpu-used 8 -t 2"),
    ] {
        let path = folder.video(COUNTER, arguments, name);
        let (source, frames) = all(&path);
        assert_eq!(frames.len(), 60, "{name}");
        assert!(
            (duration(&source) - 2.0).abs() < 0.0015,
            "{name}: {}",
            duration(&source)
        );
    }
    let short = folder.video(COUNTER, "-c:v libx264 -t 1.9", "short.mp4");
    assert!(matches!(open(&short).map(|_| ()), Err(Error::ClipTooShort { .. })));
}

#[test]
fn the_last_frame_is_shown_as_long_as_the_one_before_it() {
    let folder = Folder::new();
    // Two frames a second in a stream of 30, with a sound of 3 s: the packets state 1/30 s.
    let slow = format!("{COUNTER},select='not(mod(n\\,15))'");
    let path = folder.video(
        &slow,
        "-f lavfi -i sine=duration=3 -fps_mode vfr -c:v libx264 -c:a aac",
        "slow.mkv",
    );
    let (source, frames) = all(&path);
    assert_eq!(frames.len(), 6);
    assert!((duration(&source) - 3.0).abs() < 0.01, "{}", duration(&source));
    // Not beyond the end of the file, and not if the file itself states how long its picture is.
    let path = folder.video(
        &slow,
        "-f lavfi -i sine=duration=2.7 -fps_mode vfr -c:v libx264 -c:a aac",
        "short.mkv",
    );
    let ended = duration(&all(&path).0);
    assert!((2.53..2.78).contains(&ended), "{ended}");
}

#[test]
fn a_thousand_frames_a_second_are_reported_as_such() {
    let folder = Folder::new();
    for name in ["fast.mp4", "fast.avi"] {
        let graph = COUNTER.replace("rate=30", "rate=1000");
        let path = folder.video(&graph, "-c:v mpeg4 -q:v 9", name);
        let (source, frames) = all(&path);
        let clip = source.clip();
        assert!((clip.frame_rate - 1000.0).abs() < 1.0, "{name}: {}", clip.frame_rate);
        assert_eq!(frames.len(), 3000, "{name}");
        assert!((duration(&source) - 3.0).abs() < 0.002, "{name}: {}", duration(&source));
    }
}

#[test]
fn frames_before_the_zero_of_a_matroska_file_are_not_shown() {
    let folder = Folder::new();
    let plain = folder.video(COUNTER, "-c:v libx264 -bf 2 -g 60 -qp 10", "plain.mp4");
    // The frames since the key frame have times below zero, which Matroska cannot hold.
    let path = folder.ffmpeg(
        "",
        &format!("-ss 0.5 -i {} -c copy -avoid_negative_ts disabled", plain.display()),
        "negative.mkv",
    );
    let (source, frames) = all(&path);
    assert!((number(&frames[0]) - 15.0).abs() < 1.6, "{}", number(&frames[0]));
    assert!((74..=76).contains(&frames.len()), "{}", frames.len());
    assert!((duration(&source) - 2.5).abs() < 0.05, "{}", duration(&source));
}

#[test]
fn opening_is_cancelled_while_a_file_without_a_length_is_read_through() {
    let folder = Folder::new();
    let short = folder.video(COUNTER, "-c:v libx264 -t 3", "short.h264");
    let once = std::fs::read(short).unwrap();
    let path = folder.write("long.h264", &once.repeat((12 << 20) / once.len()));
    let begun = Clock::now();
    let file = VideoFile::open(&path, options()).unwrap();
    let taken = begun.elapsed();
    assert!(
        file.media().announced.is_some_and(|end| end.seconds() > 60.0),
        "it was read through"
    );
    drop(file);

    let cancel = Cancel::new();
    let opened = thread::scope(|scope| {
        let opening = scope.spawn(|| VideoFile::open_until(&path, options(), &cancel).map(drop));
        thread::sleep(taken / 4);
        cancel.cancel();
        opening.join().unwrap()
    });
    assert!(matches!(opened, Err(Error::Cancelled)), "{opened:?} after {taken:?}");
    // By a switch that is on from the start, and by no switch that is switched on later.
    let opened = VideoFile::open_until(&path, options(), &cancel).map(drop);
    assert!(matches!(opened, Err(Error::Cancelled)), "{opened:?}");
    let later = Cancel::new();
    let file = VideoFile::open_until(&path, options(), &later).unwrap();
    later.cancel();
    let stretch = Stretch {
        to: Some(Instant::from_seconds(1.0)),
        ..Stretch::default()
    };
    let mut source = file.read(vec![stretch], true);
    assert!(frames(&mut source).unwrap().len() >= 30);
}

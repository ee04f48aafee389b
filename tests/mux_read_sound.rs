//! The clip's own audio, read from files made with the `ffmpeg` program: clicks must have the
//! position, relative to the first picture, that the timestamps give.
// Tests may panic and print what they measure.
#![allow(
    clippy::expect_used,
    clippy::unwrap_used,
    clippy::panic,
    clippy::print_stdout,
    clippy::print_stderr
)]

mod outside;

use kinescore::audio::AudioBuffer;
use kinescore::time::{Instant, Rate, Span};
use kinescore::video::sound::read_sound;
use kinescore::{Error, Monitor};
use std::fs;
use std::path::Path;
use std::process::Command;

fn make(path: &Path, arguments: &str) {
    outside::printed(
        Command::new("ffmpeg")
            .args(["-hide_banner", "-loglevel", "error", "-y"])
            .args(arguments.split_whitespace())
            .arg(path),
    );
}

/// Arguments for sound with a click of nine samples around each of some seconds.
fn clicks(rate: u32, seconds: &[f64], length: f64, layout: &str) -> String {
    let terms: Vec<String> = seconds
        .iter()
        .map(|s| {
            let at = (s * f64::from(rate)).round() as i64;
            format!("between(n\\,{}\\,{})", at - 4, at + 4)
        })
        .collect();
    let channels = match layout {
        "mono" => 1,
        "stereo" => 2,
        _ => 6,
    };
    let expression = vec![format!("0.8*({})", terms.join("+")); channels].join("|");
    format!("-f lavfi -i aevalsrc={expression}:s={rate}:d={length}:c={layout}")
}

const PICTURE: &str = "-f lavfi -i testsrc2=s=64x64:r=25";

fn read(path: &Path, start: f64, duration: f64, rate: f64) -> AudioBuffer {
    read_sound(
        path,
        Instant::from_seconds(start),
        Span::from_seconds(duration),
        Rate::from_hz(rate),
        &Monitor::none(),
    )
    .expect("read")
    .expect("sound")
}

/// Time of the middle of the loudest click, seconds, and its level.
fn loudest(sound: &AudioBuffer) -> (f64, f32) {
    let left: Vec<f32> = sound.samples.iter().step_by(sound.channels).map(|s| s.abs()).collect();
    let peak = (0..left.len())
        .max_by(|a, b| left[*a].total_cmp(&left[*b]))
        .expect("samples");
    let level = left[peak];
    let around = peak.saturating_sub(8)..(peak + 9).min(left.len());
    let (mut weight, mut moment) = (0.0, 0.0);
    for index in around.filter(|i| left[*i] > level / 2.0) {
        weight += f64::from(left[index]);
        moment += f64::from(left[index]) * index as f64;
    }
    (moment / weight.max(1e-9) / sound.rate.hz(), level)
}

#[test]
fn sound_is_where_its_timestamps_put_it() {
    let folder = tempfile::tempdir().expect("folder");
    let h264 = "-c:v libx264 -preset ultrafast -bf 2";
    let mpeg4 = "-c:v mpeg4";
    let vp8 = "-c:v libvpx -deadline realtime";
    // Name, video codec, audio codec, sample rate, layout, delay of the sound, greatest error
    // allowed. Only MP4 stores the start of its sound to the sample; Matroska, FLV and WebM count
    // milliseconds.
    let sample = 2.0 / 48_000.0;
    for (name, video, audio, rate, layout, delay, fault) in [
        ("plain.mp4", h264, "aac", 48_000, "stereo", 0.0, sample),
        ("mono.mov", h264, "aac", 44_100, "mono", 0.0, sample),
        ("surround.mp4", h264, "aac", 48_000, "5.1", 0.0, sample),
        ("pcm.mov", h264, "pcm_s16le", 32_000, "stereo", 0.0, sample),
        ("late.mp4", h264, "aac", 48_000, "stereo", 0.5, sample),
        ("early.mp4", h264, "aac", 48_000, "stereo", -0.32, sample),
        ("late.mkv", h264, "aac", 48_000, "stereo", 0.25, 0.0011),
        ("mp3.mkv", h264, "libmp3lame", 44_100, "stereo", 0.0, 0.0011),
        ("opus.mkv", h264, "libopus", 48_000, "stereo", 0.0, 0.008),
        ("vorbis.webm", vp8, "libvorbis", 48_000, "stereo", 0.0, 0.0011),
        ("pcm.avi", mpeg4, "pcm_s16le", 44_100, "mono", 0.0, sample),
        ("aac.ts", h264, "aac", 48_000, "stereo", 0.1, 0.0002),
    ] {
        let path = folder.path().join(name);
        let sound = clicks(rate, &[1.0], 2.0, layout);
        let (video_offset, sound_offset) = (f64::max(0.0, -delay), f64::max(0.0, delay));
        // The muxer's default unit of edit lists, a millisecond, would round the delay.
        let unit = if name.ends_with(".mp4") {
            "-movie_timescale 48000"
        } else {
            ""
        };
        make(
            &path,
            &format!(
                "-itsoffset {video_offset} {PICTURE}:d=2 -itsoffset {sound_offset} {sound} {video} -c:a {audio} -fps_mode passthrough -avoid_negative_ts disabled {unit}"
            ),
        );
        let got = read(&path, 0.0, 2.0, 48_000.0);
        assert_eq!((got.channels, got.frames()), (2, 96_000), "{name}");
        let (at, level) = loudest(&got);
        println!("{name}: {at:.6} s, level {level:.3}");
        assert!(
            (at - 1.0 - delay).abs() <= fault,
            "{name}: the click at {} s lies at {at} s",
            1.0 + delay
        );
        assert!(level > 0.3, "{name}: {level}");
        if layout == "mono" {
            let equal = got.samples.chunks_exact(2).all(|s| s[0] == s[1]);
            assert!(equal, "{name}: one channel is played on both sides");
            assert!(level > 0.6, "{name}: at its own level: {level}");
        }
    }
}

#[test]
fn a_cut_begins_on_its_sample_and_is_padded_with_silence() {
    let folder = tempfile::tempdir().expect("folder");
    for name in ["long.mp4", "long.mkv", "long.ts"] {
        let path = folder.path().join(name);
        let sound = clicks(48_000, &[2.0, 12.5], 14.0, "stereo");
        make(
            &path,
            &format!("{PICTURE}:d=20 {sound} -c:v libx264 -preset ultrafast -c:a aac"),
        );
        for (start, expected) in [(1.25, 0.75), (12.0, 0.5)] {
            let got = read(&path, start, 3.0, 44_100.0);
            assert_eq!(got.frames(), 132_300);
            let (at, level) = loudest(&got);
            assert!((at - expected).abs() < 0.0012, "{name} from {start}: {at}");
            assert!(level > 0.3);
        }
        // Past the end of the sound, which lasts 14 of 20 seconds.
        let rest = read(&path, 15.0, 4.0, 48_000.0);
        assert_eq!(rest.frames(), 192_000);
        assert!(loudest(&rest).1 < 1e-3);
    }
}

#[test]
fn a_gap_in_the_sound_is_silence() {
    let folder = tempfile::tempdir().expect("folder");
    let path = folder.path().join("gap.mkv");
    let sound = clicks(48_000, &[0.5, 2.5], 3.0, "stereo");
    make(
        &path,
        &format!("{PICTURE}:d=3 {sound} -af aselect='not(between(t\\,1\\,2))' -c:v mpeg4 -c:a pcm_s16le"),
    );
    let got = read(&path, 0.0, 3.0, 48_000.0);
    let second = AudioBuffer {
        samples: got.samples[2 * 72_000..].to_vec(),
        ..got.clone()
    };
    let (at, level) = loudest(&second);
    assert!(
        (at - 1.0).abs() < 0.0012 && level > 0.7,
        "the click after the gap: {at}"
    );
    let (at, _) = loudest(&AudioBuffer {
        samples: got.samples[..2 * 72_000].to_vec(),
        ..got
    });
    assert!((at - 0.5).abs() < 0.0012, "the click before the gap: {at}");
}

#[test]
fn no_sound_damaged_sound_and_no_picture() {
    let folder = tempfile::tempdir().expect("folder");
    let at = |name: &str| folder.path().join(name);
    let ask = |path: &Path| {
        read_sound(
            path,
            Instant::ZERO,
            Span::from_seconds(2.0),
            Rate::from_hz(48_000.0),
            &Monitor::none(),
        )
    };
    make(&at("silent.mp4"), &format!("{PICTURE}:d=2 -c:v mpeg4"));
    assert!(ask(&at("silent.mp4")).expect("read").is_none());

    let sound = clicks(48_000, &[0.5, 1.5], 2.0, "stereo");
    make(&at("whole.mkv"), &format!("{PICTURE}:d=2 {sound} -c:v mpeg4 -c:a aac"));
    let mut bytes = fs::read(at("whole.mkv")).expect("read");
    let middle = bytes.len() / 2;
    for (n, byte) in bytes[middle..middle + 3000].iter_mut().enumerate() {
        *byte = (n * 151 % 256) as u8;
    }
    fs::write(at("damaged.mkv"), &bytes).expect("write");
    let got = ask(&at("damaged.mkv")).expect("read").expect("what decodes");
    assert_eq!(got.frames(), 96_000);
    let first = AudioBuffer {
        samples: got.samples[..2 * 38_400].to_vec(),
        ..got
    };
    let (time, level) = loudest(&first);
    assert!((time - 0.5).abs() < 0.002 && level > 0.3, "{time} {level}");
    fs::write(at("cut.mkv"), &bytes[..middle]).expect("write");
    assert_eq!(
        ask(&at("cut.mkv")).expect("read").expect("what is there").frames(),
        96_000
    );

    make(&at("song.m4a"), &clicks(48_000, &[0.5], 2.0, "stereo"));
    assert!(matches!(ask(&at("song.m4a")), Err(Error::NoVideoStream { .. })));
    fs::write(at("text.mp4"), "these are words, not pictures").expect("write");
    assert!(matches!(ask(&at("text.mp4")), Err(Error::NotAVideo { .. })));
    assert!(matches!(ask(&at("none.mp4")), Err(Error::Input { .. })));
    assert!(matches!(ask(folder.path()), Err(Error::NotAVideo { .. })));

    let monitor = Monitor::none();
    monitor.cancel().cancel();
    let cancelled = read_sound(
        &at("whole.mkv"),
        Instant::ZERO,
        Span::from_seconds(2.0),
        Rate::from_hz(48_000.0),
        &monitor,
    );
    assert!(matches!(cancelled, Err(Error::Cancelled)));
}

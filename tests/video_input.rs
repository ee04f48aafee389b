//! Videos of every awkward kind, made on the spot with the `ffmpeg` program, read by
//! [`FileSource`].
//!
//! Times and pictures are compared with what `ffprobe` and `ffmpeg` say of the same file.

// The helpers of a test may stop it, and tell what they measure or leave out.
#![allow(clippy::unwrap_used, clippy::panic, clippy::print_stdout, clippy::print_stderr)]

mod outside;

use kinescore::Error;
use kinescore::time::{Instant, Rate};
use kinescore::video::file::check_length;
use kinescore::video::{FileOptions, FileSource, Frame, FrameSource, Stretch, VideoFile};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Mutex;
use tempfile::TempDir;

/// A grey picture that tells its frame's number: 2 levels a frame.
const COUNTER: &str = "color=size=64x48:rate=30:duration=3,format=gray,geq=lum='16+2*mod(N,100)',format=yuv420p";

/// A picture whose four corners differ: red, green, blue, white from the upper left in reading
/// order.
const CORNERS: &str = "color=white:size=96x64:rate=10:duration=2.5,drawbox=0:0:48:32:red:fill,\
                       drawbox=48:0:48:32:lime:fill,drawbox=0:32:48:32:blue:fill,format=yuv444p";

fn run(program: &str, arguments: &[&str]) -> Vec<u8> {
    outside::printed(Command::new(program).args(arguments))
}

/// A folder of videos that goes away with the test.
struct Folder(TempDir);

impl Folder {
    fn new() -> Self {
        Self(tempfile::tempdir().unwrap())
    }

    fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    /// Runs ffmpeg with blank-separated arguments (`{graph}` stands for the filter graph), the
    /// output named `name`.
    fn ffmpeg(&self, graph: &str, arguments: &str, name: &str) -> PathBuf {
        let path = self.path(name);
        let mut all = vec!["-v", "error", "-y"];
        all.extend(
            arguments
                .split_whitespace()
                .map(|a| if a == "{graph}" { graph } else { a }),
        );
        all.push(path.to_str().unwrap());
        run("ffmpeg", &all);
        path
    }

    /// A video of a filter graph.
    fn video(&self, graph: &str, arguments: &str, name: &str) -> PathBuf {
        self.ffmpeg(graph, &format!("-f lavfi -i {{graph}} {arguments}"), name)
    }

    /// A new version of a video, made with `arguments`.
    fn again(&self, from: &Path, arguments: &str, name: &str) -> PathBuf {
        self.ffmpeg("", &format!("-i {} {arguments}", from.display()), name)
    }

    fn write(&self, name: &str, content: &[u8]) -> PathBuf {
        let path = self.path(name);
        std::fs::write(&path, content).unwrap();
        path
    }
}

/// Every frame, as large as it is.
fn options() -> FileOptions {
    FileOptions {
        long_side: 10_000,
        rate: Rate::from_hz(1000.0),
        threads: 2,
    }
}

fn open(path: &Path) -> kinescore::Result<FileSource> {
    open_with(path, options())
}

/// The whole file, checked as the analysis checks it.
fn open_with(path: &Path, options: FileOptions) -> kinescore::Result<FileSource> {
    let file = VideoFile::open(path, options)?;
    check_length(path, file.media().announced)?;
    Ok(file.read(vec![Stretch::default()], true))
}

/// What is wrong with a file that cannot be opened.
fn refusal(path: &Path) -> String {
    match open(path) {
        Err(Error::NotAVideo { reason, .. }) => reason,
        Err(other) => panic!("{}: {other}", path.display()),
        Ok(_) => panic!("{}: opened", path.display()),
    }
}

fn frames(source: &mut FileSource) -> kinescore::Result<Vec<Frame>> {
    let mut all = Vec::new();
    while let Some(frame) = source.next_frame()? {
        all.push(frame);
    }
    assert!(source.next_frame()?.is_none(), "the end is given again");
    check_length(&source.clip().path, source.media_end())?;
    Ok(all)
}

fn all(path: &Path) -> (FileSource, Vec<Frame>) {
    let mut source = open(path).unwrap_or_else(|e| panic!("{e}"));
    let frames = frames(&mut source).unwrap_or_else(|e| panic!("{e}"));
    (source, frames)
}

fn times(frames: &[Frame]) -> Vec<f64> {
    frames.iter().map(|f| f.time.seconds()).collect()
}

fn duration(source: &FileSource) -> f64 {
    source.clip().duration.seconds()
}

/// Number of the counter's frame.
fn number(frame: &Frame) -> f64 {
    let middle = 3 * (frame.picture.height / 2 * frame.picture.width + frame.picture.width / 2);
    (f64::from(frame.picture.rgb[middle]) - 16.0) / 2.0
}

/// Checks the times of all frames against what ffprobe says, where it says something.
fn assert_as_probed(frames: &[Frame], path: &Path) {
    let arguments = [
        "-v",
        "error",
        "-select_streams",
        "v:0",
        "-show_entries",
        "frame=best_effort_timestamp_time",
    ];
    let arguments = [&arguments[..], &["-of", "csv=p=0", path.to_str().unwrap()]].concat();
    let text = String::from_utf8(run("ffprobe", &arguments)).unwrap();
    let probed: Vec<Option<f64>> = text
        .lines()
        .filter(|line| !line.is_empty())
        .map(|line| line.split(',').next()?.parse().ok())
        .collect();
    assert_eq!(frames.len(), probed.len(), "{}: {probed:?}", path.display());
    let times = times(frames);
    let known = probed.iter().position(Option::is_some).unwrap();
    for (time, probed_time) in times.iter().zip(&probed) {
        if let Some(probed_time) = probed_time {
            let expected = times[known] + probed_time - probed[known].unwrap();
            assert!((time - expected).abs() < 2e-6, "{}: {time} {expected}", path.display());
        }
    }
}

fn assert_close(a: &[f64], b: &[f64], tolerance: f64) {
    assert_eq!(a.len(), b.len(), "{a:?} {b:?}");
    for (a, b) in a.iter().zip(b) {
        assert!((a - b).abs() < tolerance, "{a} {b}");
    }
}

/// Colours of the four corners, upper left, upper right, lower left, lower right, each as r, g, b,
/// w or ?.
fn corners(frame: &Frame) -> String {
    let picture = &frame.picture;
    let colour = |x: usize, y: usize| {
        let at = 3 * (y * picture.width + x);
        let bright: Vec<bool> = picture.rgb[at..at + 3].iter().map(|v| *v > 128).collect();
        match bright[..] {
            [true, false, false] => 'r',
            [false, true, false] => 'g',
            [false, false, true] => 'b',
            [true, true, true] => 'w',
            _ => '?',
        }
    };
    let (x, y) = (picture.width / 4, picture.height / 4);
    let (right, bottom) = (picture.width - 1 - x, picture.height - 1 - y);
    [colour(x, y), colour(right, y), colour(x, bottom), colour(right, bottom)]
        .iter()
        .collect()
}

/// Messages logged by this process. One logger serves all tests, so they look for the name of their
/// own file.
static LOGGED: Mutex<Vec<String>> = Mutex::new(Vec::new());

struct Collector;

impl log::Log for Collector {
    fn enabled(&self, _: &log::Metadata<'_>) -> bool {
        true
    }
    fn log(&self, record: &log::Record<'_>) {
        LOGGED
            .lock()
            .unwrap()
            .push(format!("{}: {}", record.level(), record.args()));
    }
    fn flush(&self) {}
}

fn warnings_about(name: &str) -> Vec<String> {
    let logged = LOGGED.lock().unwrap();
    logged
        .iter()
        .filter(|m| m.starts_with("WARN") && m.contains(name))
        .cloned()
        .collect()
}

fn collect_logs() {
    let _ = log::set_logger(&Collector);
    log::set_max_level(log::LevelFilter::Warn);
}

#[test]
fn common_containers_and_codecs_give_every_frame_at_its_time() {
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

#[test]
fn a_variable_rate_keeps_its_times() {
    let folder = Folder::new();
    let graph = format!("{COUNTER},setpts='if(lt(N,30),N/30,1+(N-30)/12+0.004*mod(N,3))/TB'");
    for name in ["variable.mp4", "variable.mkv"] {
        let path = folder.video(&graph, "-vsync vfr -enc_time_base 1:1000 -c:v libx264 -bf 2", name);
        let (source, frames) = all(&path);
        assert_as_probed(&frames, &path);
        assert!((times(&frames)[60] - (1.0 + 30.0 / 12.0)).abs() < 0.002, "{name}");
        // The last frame's length is its own business, but it has one.
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
        // As ffmpeg itself turns it.
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
fn timestamps_that_begin_anew_go_on() {
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
fn missing_timestamps_are_made_up_for() {
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
fn a_stretch_gives_the_frames_in_it_at_their_times() {
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

#[test]
fn of_a_truncated_file_what_decodes_is_used_with_one_warning() {
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
        let warnings = warnings_about(&format!("/{name}"));
        // A transport stream announces no length, so that nothing is missed.
        assert!(
            warnings.len() == 1 || (name.ends_with("ts") && warnings.len() < 2),
            "{name}: {warnings:?}"
        );
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
fn what_is_no_video_is_told() {
    let folder = Folder::new();
    let garbage: Vec<u8> = (0..50_000_u32)
        .map(|i| (i.wrapping_mul(2_654_435_761) >> 24) as u8)
        .collect();
    let picture = folder.video(CORNERS, "-frames:v 1 -pix_fmt rgb24", "still.png");
    for (path, told) in [
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
        assert!(reason.contains(told), "{}: {reason}", path.display());
    }
    assert!(matches!(open(&folder.path("nowhere.mp4")), Err(Error::Input { .. })));
}

#[test]
fn sound_and_cover_pictures_are_no_video() {
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
    for (path, told) in [
        (tone, "audio"),
        (covered, "audio, cover picture"),
        (song, "audio, cover picture"),
    ] {
        let opened = open(&path).map(|s| s.clip().clone());
        let Err(Error::NoVideoStream { found, .. }) = &opened else {
            panic!("{}: {opened:?}", path.display());
        };
        assert_eq!(found, told);
    }
}

#[test]
fn a_video_without_frames_or_too_short_is_told() {
    let folder = Folder::new();
    let none = folder.video(COUNTER, "-c:v libx264 -frames:v 0", "none.mkv");
    let opened = open(&none).map(|s| s.clip().clone());
    assert!(
        matches!(opened, Err(Error::NoFrames { .. } | Error::NoVideoStream { .. })),
        "{opened:?}"
    );
    // The header of a video whose packets are all gone.
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
        // Opening a pipe that nobody writes to would wait for ever.
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
fn a_length_beyond_any_media_is_not_believed() {
    let folder = Folder::new();
    let path = folder.video(COUNTER, "-c:v libx264", "announced.mkv");
    for seconds in [1e11, 1e9, 90_000.0] {
        announce(&path, seconds * 1e3);
        let file = VideoFile::open(&path, options()).unwrap();
        let announced = file.media().announced.unwrap().seconds();
        assert!((announced - 3.0).abs() < 0.05, "{seconds}: {announced}");
    }
    // Less is believed until the end has been met.
    announce(&path, 50_000e3);
    let (source, frames) = all(&path);
    assert_eq!(frames.len(), 90);
    assert!((duration(&source) - 3.0).abs() < 0.01, "{}", duration(&source));
}

#[test]
fn a_clock_that_starts_late_is_no_cause_for_alarm() {
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
    // A length that counts from the first instant is right as it is.
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
    // Two frames a second in a stream of 30, beside a sound of 3 s: the packets state 1/30 s.
    let slow = format!("{COUNTER},select='not(mod(n\\,15))'");
    let path = folder.video(
        &slow,
        "-f lavfi -i sine=duration=3 -fps_mode vfr -c:v libx264 -c:a aac",
        "slow.mkv",
    );
    let (source, frames) = all(&path);
    assert_eq!(frames.len(), 6);
    assert!((duration(&source) - 3.0).abs() < 0.01, "{}", duration(&source));
    // Not longer than the file, nor where the file itself states how long its picture is.
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

//! Real batches, started like by a user and by a render farm.
#![allow(missing_docs)]
#![allow(clippy::expect_used)] // helpers of tests may panic, as tests do

#[path = "../common/mod.rs"]
mod common;
mod manifests;
mod runs;

use common::{Run, folder, kinescore, listing, make_clip, outside, probe, root, text};
use serde_json::Value;
use std::collections::BTreeMap;
use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::OnceLock;
use std::thread::sleep;
use std::time::{Duration, Instant, SystemTime};

/// Settings that render quickly, and give a beat even for a short clip.
const QUICKLY: [&str; 8] = [
    "--device",
    "cpu",
    "--pose-rate",
    "10",
    "--instruments",
    "drums",
    "--tempo",
    "100",
];
/// Number of clips that can be rendered.
const GOOD: usize = 10;
/// Number of clips.
const ALL: usize = 12;

/// A folder with the clips of `clips.csv`, ten with people and two that cannot be rendered, and a
/// cache that all tests share.
fn clips() -> &'static Path {
    static CLIPS: OnceLock<PathBuf> = OnceLock::new();
    CLIPS.get_or_init(|| {
        let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("batch");
        let _ = fs::remove_dir_all(&folder); // of an earlier run
        fs::create_dir_all(folder.join("cache")).expect("a folder");
        let picture = "-vf scale=640:-2 -an -c:v mpeg4 -q:v 4";
        let mut manifest = "path,in,out,speed,name,drums.style,seed\n".to_owned();
        for number in 1..=GOOD {
            let (start, length) = (0.3 * number as f64, 2.5 + 0.15 * number as f64);
            let name = format!("walk{number}.mp4");
            make_clip(&folder, &name, &format!("-ss {start} -t {length} -i {{}} {picture}"));
            manifest += match number {
                3 => "walk3.mp4,0.2,2.6,,a cut,,\n",
                4 => "walk4.mp4,,,1/2,slow,funk,9\n",
                7 => "walk7.mp4,,0:02.5,,,,\nno-video.mp4,,,,,,\n",
                9 => "walk9.mp4,,,,,,\nnobody.mp4,,,,,,\n",
                _ => "",
            };
            if ![3, 4, 7, 9].contains(&number) {
                manifest += &format!("{name},,,,,,\n");
            }
        }
        make_clip(&folder, "no-video.mp4", "-f lavfi -i sine=duration=4 -c:a aac");
        make_clip(
            &folder,
            "nobody.mp4",
            "-f lavfi -i testsrc2=size=640x360:rate=10:duration=3 -c:v mpeg4 -q:v 3",
        );
        fs::write(folder.join("clips.csv"), manifest).expect("a manifest");
        folder
    })
}

/// The names of the clips' files.
const NAMES: [&str; GOOD] = [
    "walk1", "walk2", "a cut", "slow", "walk5", "walk6", "walk7", "walk8", "walk9", "walk10",
];

/// `kinescore batch` on the twelve clips, quickly.
fn command(out: &Path, args: &[&str]) -> Command {
    of(&clips().join("clips.csv"), out, args)
}

fn of(manifest: &Path, out: &Path, args: &[&str]) -> Command {
    let mut command = kinescore(&["batch", text(manifest), "--out", text(out), "--cache"]);
    command.arg(clips().join("cache")).args(QUICKLY).args(args);
    command
}

fn batch(out: &Path, args: &[&str]) -> Run {
    done(&mut command(out, args))
}

fn done(command: &mut Command) -> Run {
    common::go(command)
}

/// How often the log reports this for a clip.
fn count(run: &Run, what: &str) -> usize {
    let clip = |line: &&str| line.trim_start_matches("kinescore: ").starts_with('[');
    run.stderr
        .lines()
        .filter(clip)
        .filter(|line| line.contains(what))
        .count()
}

fn rendered(run: &Run) -> usize {
    count(run, ": done in ")
}

/// When each file of a folder was last written.
fn times(folder: &Path) -> BTreeMap<String, SystemTime> {
    listing(folder)
        .into_iter()
        .map(|(path, _)| {
            let name = path.file_name().expect("a name").to_string_lossy().into_owned();
            (name, fs::metadata(&path).and_then(|m| m.modified()).expect("a time"))
        })
        .collect()
}

fn names(folder: &Path) -> Vec<String> {
    times(folder).into_keys().collect()
}

fn json(path: &Path) -> Value {
    serde_json::from_slice(&fs::read(path).expect("a file")).expect("JSON")
}

/// All files of the twelve clips.
fn expected() -> Vec<String> {
    let files = |name: &&str| ["json", "mid", "result.json", "wav"].map(|ending| format!("{name}.{ending}"));
    let mut all: Vec<String> = NAMES.iter().flat_map(files).collect();
    all.extend(["no-video.result.json", "nobody.result.json"].map(str::to_owned));
    all.sort();
    all
}

/// How many clips of a folder have a result.
fn results(out: &Path) -> usize {
    // The folder does not exist before the first clip.
    let Ok(entries) = fs::read_dir(out) else { return 0 };
    let names = entries
        .flatten()
        .map(|entry| entry.file_name().to_string_lossy().into_owned());
    names
        .filter(|name| name.ends_with(".result.json") && !name.starts_with('.'))
        .count()
}

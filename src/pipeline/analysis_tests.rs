//! The cached results of a media: the bundled clip, in chunks of two seconds.

use super::*;
use crate::marks::Marks;
use crate::pipeline::{Job, Resources};
use crate::pose::{JOINTS, Joint, Pose, PoseTrack};
use crate::time::Span;
use std::fs::{self, File};
use std::process::Command;
use std::sync::{Arc, OnceLock};
use std::time::{Duration, SystemTime};
use tempfile::TempDir;

fn root() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
}

fn walking() -> PathBuf {
    root().join("tests/fixtures/walking-two-people.mp4")
}

fn engine(cache: Option<&Path>) -> Engine {
    Engine::new(Resources {
        models: root().join("models"),
        runtime: Some(root().join(".setup/onnxruntime")),
        cache: cache.map(Path::to_owned),
        ..Resources::default()
    })
    .unwrap()
}

fn settings(person: usize) -> Settings {
    let mut settings = Settings::default();
    settings.set("pose.rate", "10").expect("a rate");
    settings.set("pose.person", &person.to_string()).expect("a person");
    settings
}

/// Four chunks of the clip's 7.7 s, with cuts treated as in a long media.
fn short() -> Chunking {
    Chunking {
        length: Span::from_seconds(2.0),
        overlap: Span::from_seconds(1.0),
        least_rest: Span::from_seconds(0.5),
        whole: Span::ZERO,
    }
}

fn cut(start: f64, end: f64) -> Cut {
    Cut {
        start: Some(Flicks::from_seconds(start)),
        end: Some(Flicks::from_seconds(end)),
        ..Cut::default()
    }
}

fn open(engine: &Engine, path: &Path, person: usize, cut: Cut, chunking: Chunking) -> Analysis {
    Analysis::open(engine, &settings(person), path, cut, chunking, &Cancel::new()).unwrap()
}

fn found(engine: &Engine, path: &Path, cut: Cut, chunking: Chunking) -> (PoseTrack, Clip) {
    open(engine, path, 1, cut, chunking)
        .poses(engine, &settings(1), &Monitor::none())
        .map(|found| (found.track, found.clip))
        .unwrap()
}

/// The results for the clip as one chunk, computed once for all tests, and a cache that contains
/// them.
fn plain() -> &'static (PoseTrack, Clip, TempDir) {
    static FOUND: OnceLock<(PoseTrack, Clip, TempDir)> = OnceLock::new();
    FOUND.get_or_init(|| {
        let cache = tempfile::tempdir().unwrap();
        let engine = engine(Some(cache.path()));
        let (track, clip) = found(&engine, &walking(), Cut::default(), Chunking::default());
        (track, clip, cache)
    })
}

/// A folder with the clip and a cache that contains it as one chunk.
fn filled() -> (TempDir, PathBuf) {
    let folder = tempfile::tempdir().unwrap();
    let (clip, cache) = (folder.path().join("clip.mp4"), folder.path().join("cache"));
    fs::copy(walking(), &clip).unwrap();
    fs::create_dir(&cache).unwrap();
    for entry in entries(plain().2.path(), "") {
        fs::copy(&entry, cache.join(entry.file_name().unwrap())).unwrap();
    }
    (folder, clip)
}

fn is_known(analysis: &Analysis) -> bool {
    analysis.missing.is_empty() && analysis.source.is_none()
}

fn entries(cache: &Path, kind: &str) -> Vec<PathBuf> {
    let mut paths: Vec<PathBuf> = fs::read_dir(cache).unwrap().map(|e| e.unwrap().path()).collect();
    paths.retain(|path| path.file_name().unwrap().to_string_lossy().starts_with(kind));
    paths
}

#[test]
fn the_part_is_a_function_of_length_and_cut() {
    let part = |announced: Option<f64>, cut: Cut| {
        let part = AnalysedPart::new(&Chunking::default(), announced.map(Instant::from_seconds), cut);
        (part.first, part.last, part.is_whole())
    };
    assert_eq!(part(Some(300.0), cut(100.0, 110.0)), (0, 4, true));
    assert_eq!(part(None, cut(100.0, 110.0)), (0, 0, true));
    assert_eq!(part(Some(700.0), Cut::default()), (0, 11, true));
    assert_eq!(part(Some(700.0), cut(100.0, 110.0)), (1, 1, false));
    assert_eq!(part(Some(700.0), cut(119.9, 180.0)), (1, 2, false));
    assert_eq!(part(Some(700.0), cut(120.0, 180.1)), (2, 3, false));
    assert_eq!(part(Some(700.0), cut(650.0, 9e9)), (10, 11, false));
    assert_eq!(
        part(Some(662.0), cut(650.0, 661.0)),
        (10, 10, false),
        "a short rest has no chunk"
    );
    assert_eq!(part(Some(700.0), cut(0.0, 699.9)), (0, 11, true));
}

#[test]
fn chunks_give_the_same_people_and_nearly_the_same_joints() {
    let (whole, clip, _) = plain();
    let (joined, part) = found(&engine(None), &walking(), Cut::default(), short());
    assert_eq!((&part, joined.people), (clip, whole.people));
    assert_eq!(joined.cuts, whole.cuts);
    let times = |track: &PoseTrack| track.poses.iter().map(|pose| pose.time).collect::<Vec<_>>();
    assert!(
        (joined.poses.len() as i64 - whole.poses.len() as i64).abs() <= 3,
        "rates begin again"
    );
    // The same person at the same time, in the frames that both have.
    let mut distances: Vec<f32> = Vec::new();
    for pose in &joined.poses {
        if let Some(other) = whole.poses.iter().find(|other| other.time == pose.time) {
            let pairs = (0..JOINTS).map(|joint| (pose.joints[joint], other.joints[joint]));
            let sure = pairs.filter(|(a, b)| a.confidence.min(b.confidence) > 0.5);
            distances.extend(sure.map(|(a, b)| (a.x - b.x).hypot(a.y - b.y)));
        }
    }
    distances.sort_by(f32::total_cmp);
    assert!(
        distances.len() > whole.poses.len() * JOINTS / 3,
        "{}: {:?}",
        distances.len(),
        times(&joined)
    );
    let at = |share: f64| distances[((distances.len() - 1) as f64 * share) as usize];
    // The picture is 1768 pixels wide.
    assert!(
        at(0.5) < 2.0 && at(0.95) < 15.0,
        "median {}, 95th percentile {}",
        at(0.5),
        at(0.95)
    );
}

#[test]
fn chunks_are_the_same_in_whatever_order_they_came_and_another_person_takes_no_decoding() {
    let folder = tempfile::tempdir().unwrap();
    let caches = [folder.path().join("a"), folder.path().join("b")];
    let at_once = engine(Some(&caches[0]));
    let expected = found(&at_once, &walking(), Cut::default(), short());

    let piecewise = engine(Some(&caches[1]));
    let wanted = |cut: Cut| open(&piecewise, &walking(), 1, cut, short()).missing.clone();
    assert_eq!(wanted(cut(4.5, 7.0)), [2, 3]);
    // A part is in its own time, and as long as its chunks.
    let (part, clip) = found(&piecewise, &walking(), cut(4.5, 7.0), short());
    assert_eq!((clip.start.seconds(), clip.whole), (4.0, false));
    assert!((clip.duration.seconds() - (expected.1.duration.seconds() - 4.0)).abs() < 1e-9);
    assert!(part.poses[0].time.seconds() < 0.11, "{:?}", part.poses[0].time);
    assert_eq!(wanted(Cut::default()), [0, 1]);
    let first = open(&piecewise, &walking(), 1, cut(0.0, 2.0), short());
    let clip = first.clip();
    assert_eq!((clip.start.seconds(), clip.duration.seconds()), (0.0, 2.0));
    // Two seconds are hardly enough to follow a person, but the result is stored.
    let _ = first.poses(&piecewise, &settings(1), &Monitor::none());
    assert_eq!(wanted(Cut::default()), [1]);
    assert_eq!(found(&piecewise, &walking(), Cut::default(), short()), expected);

    // The files themselves are equal, apart from the name of the media.
    for path in entries(&caches[0], "poses") {
        let other = caches[1].join(path.file_name().unwrap());
        assert_eq!(fs::read(path).unwrap(), fs::read(other).unwrap());
    }
    // Another process, in which the video is not opened, and another person.
    let later = engine(Some(&caches[1]));
    let analysis = open(&later, &walking(), 1, Cut::default(), short());
    assert!(is_known(&analysis));
    assert_eq!(analysis.clip().width, expected.1.width);
    assert_eq!(found(&later, &walking(), Cut::default(), short()), expected);
    let second = open(&later, &walking(), 2, Cut::default(), short());
    assert!(is_known(&second));
    let second = second.poses(&later, &settings(2), &Monitor::none()).unwrap().track;
    assert!(second.poses.len() == expected.0.poses.len() && second != expected.0);
}

#[test]
fn another_rate_or_quality_or_chunking_is_another_entry() {
    let (folder, clip) = filled();
    let engine = engine(Some(&folder.path().join("cache")));
    let known = |settings: &Settings, chunking| {
        is_known(&Analysis::open(&engine, settings, &clip, Cut::default(), chunking, &Cancel::new()).unwrap())
    };
    assert!(known(&settings(2), Chunking::default()));
    assert!(!known(&settings(1), short()));
    let mut other = settings(1);
    other.set("pose.rate", "11").unwrap();
    assert!(!known(&other, Chunking::default()));
    let mut other = settings(1);
    other.set("pose.quality", "high").unwrap();
    assert!(!known(&other, Chunking::default()));
}

#[test]
fn damaged_entries_and_ones_from_the_future_give_the_same_poses() {
    let (folder, clip) = filled();
    let cache = folder.path().join("cache");
    let poses = entries(&cache, "poses").remove(0);
    let future = SystemTime::now() + Duration::from_secs(1_000_000_000);
    for path in entries(&cache, "") {
        File::options()
            .write(true)
            .open(path)
            .unwrap()
            .set_modified(future)
            .unwrap();
    }
    assert!(is_known(&open(
        &engine(Some(&cache)),
        &clip,
        1,
        Cut::default(),
        Chunking::default()
    )));
    assert_eq!(
        found(&engine(Some(&cache)), &clip, Cut::default(), Chunking::default()),
        named(&clip)
    );

    let whole = fs::read(&poses).unwrap();
    let mut flipped = whole.clone();
    flipped[whole.len() / 2] ^= 4;
    fs::write(&poses, &flipped).unwrap();
    fs::write(entries(&cache, "media").remove(0), "no entry").unwrap();
    let engine = engine(Some(&cache));
    assert_eq!(found(&engine, &clip, Cut::default(), Chunking::default()), named(&clip));
    assert!(fs::read(&poses).unwrap() != flipped, "replaced");
    assert!(is_known(&open(&engine, &clip, 1, Cut::default(), Chunking::default())));
}

/// The results for a copy of the clip.
fn named(path: &Path) -> (PoseTrack, Clip) {
    let (track, clip, _) = plain();
    let path = path.to_owned();
    (track.clone(), Clip { path, ..clip.clone() })
}

#[test]
fn a_replaced_media_is_another_and_one_that_changes_while_it_is_read_is_not_kept() {
    let (folder, clip) = filled();
    let cache = folder.path().join("cache");
    let engine = engine(Some(&cache));
    assert!(is_known(&open(&engine, &clip, 1, Cut::default(), Chunking::default())));
    // One more byte, which no decoder sees, makes different content under the same name.
    let mut bytes = fs::read(&clip).unwrap();
    bytes.push(0);
    let other = folder.path().join("other.mp4");
    fs::write(&other, &bytes).unwrap();
    fs::rename(&other, &clip).unwrap();
    let analysis = open(&engine, &clip, 1, Cut::default(), Chunking::default());
    assert!(!is_known(&analysis));
    bytes.push(0);
    fs::write(&other, &bytes).unwrap();
    fs::rename(&other, &clip).unwrap();
    let before = entries(&cache, "").len();
    let found = analysis.poses(&engine, &settings(1), &Monitor::none()).unwrap();
    assert_eq!(found.track, plain().0);
    assert!(!found.is_of_media);
    assert_eq!(entries(&cache, "").len(), before);
    // Identified by its content, not by its name: a copy is known.
    let copy = folder.path().join("copy.mp4");
    fs::copy(walking(), &copy).unwrap();
    assert!(is_known(&open(&engine, &copy, 1, Cut::default(), Chunking::default())));
    // Removed: the message has the name.
    fs::remove_file(&clip).unwrap();
    let error = Analysis::open(
        &engine,
        &settings(1),
        &clip,
        Cut::default(),
        Chunking::default(),
        &Cancel::new(),
    )
    .err()
    .unwrap();
    assert!(error.to_string().contains("clip.mp4"), "{error}");
}

#[test]
fn a_composition_belongs_to_the_media_that_was_analysed_not_to_its_replacement() {
    let (folder, clip) = filled();
    let engine = Arc::new(engine(Some(&folder.path().join("cache"))));
    let open = || {
        let mut settings = settings(1);
        settings.set("music.instruments", "drums").unwrap();
        Job::open(Arc::clone(&engine), settings, &clip, Cut::default()).unwrap()
    };
    let is_recalled = |mut job: Job| {
        job.run(Stage::Pose, &Monitor::none()).unwrap();
        job.recall();
        job.latest() == Some(Stage::Music)
    };
    let mut job = open();
    job.run(Stage::Drums, &Monitor::none()).unwrap();
    let mut bytes = fs::read(&clip).unwrap();
    bytes.push(0);
    fs::write(&clip, &bytes).unwrap();
    job.run(Stage::Music, &Monitor::none()).unwrap();
    assert!(!is_recalled(open()));
    bytes.pop();
    fs::write(&clip, &bytes).unwrap();
    assert!(is_recalled(open()));
}

#[test]
fn a_jobs_key_is_that_of_the_media_it_opened_not_of_its_replacement() {
    let (folder, clip) = filled();
    let engine = Arc::new(engine(Some(&folder.path().join("cache"))));
    let mut settings = settings(1);
    settings.set("music.instruments", "drums").unwrap();
    let open = || Job::open(Arc::clone(&engine), settings.clone(), &clip, Cut::default()).unwrap();
    let now = || engine.key(&settings, &clip, Cut::default(), &Marks::default()).unwrap();
    let job = open();
    let first = job.key().unwrap();
    assert_eq!(first, now());
    let mut bytes = fs::read(&clip).unwrap();
    bytes.push(0);
    fs::write(&clip, &bytes).unwrap();
    assert_eq!(job.key().unwrap(), first);
    assert_ne!(now(), first);
    // Opened, and replaced before it was read to its end: neither content is that of the result.
    let mut torn = open();
    let before = entries(&folder.path().join("cache"), "").len();
    bytes.push(0);
    let other = folder.path().join("other.mp4");
    fs::write(&other, &bytes).unwrap();
    fs::rename(&other, &clip).unwrap();
    torn.run(Stage::Music, &Monitor::none()).unwrap();
    let error = torn.key().unwrap_err().to_string();
    assert!(
        error.contains("clip.mp4") && error.contains("changed while it was read"),
        "{error}"
    );
    assert_eq!(
        entries(&folder.path().join("cache"), "").len(),
        before,
        "nothing is kept of it"
    );
}

#[test]
fn results_from_one_device_are_used_on_another() {
    let (folder, clip) = filled();
    let engine = engine(Some(&folder.path().join("cache")));
    let mut on_cpu = settings(1);
    on_cpu.set("device", "cpu").unwrap();
    let keys = [settings(1), on_cpu.clone()]
        .map(|settings| engine.key(&settings, &clip, Cut::default(), &Marks::default()).unwrap());
    assert_eq!(keys[0], keys[1]);
    assert!(is_known(
        &Analysis::open(
            &engine,
            &on_cpu,
            &clip,
            Cut::default(),
            Chunking::default(),
            &Cancel::new()
        )
        .unwrap()
    ));
}

/// The bundled clip repeated, for longer than a chunk: the seam at 60 s is in the middle of one
/// repetition.
fn looped(folder: &Path) -> PathBuf {
    let path = folder.join("looped.mp4");
    let done = Command::new("timeout")
        .args(["-k", "5", "180", "ffmpeg", "-nostdin"])
        .args(["-v", "error", "-stream_loop", "-1", "-i"])
        .arg(walking())
        .args(["-t", "68", "-c", "copy"])
        .arg(&path)
        .status()
        .unwrap();
    assert!(done.success());
    path
}

#[test]
fn a_person_keeps_walking_over_the_seam_between_chunks_of_a_minute() {
    let folder = tempfile::tempdir().unwrap();
    let (clip, cache) = (looped(folder.path()), folder.path().join("cache"));
    let engine = engine(Some(&cache));
    let open = || open(&engine, &clip, 1, Cut::default(), Chunking::default());
    let poses = |analysis: Analysis| analysis.poses(&engine, &settings(1), &Monitor::none()).unwrap().track;
    let analysis = open();
    assert_eq!(analysis.missing, [0, 1]);
    let track = poses(analysis);
    let between = |from: f64, to: f64| -> Vec<f32> {
        let inside = |pose: &&Pose| (from..to).contains(&pose.time.seconds());
        let found: Vec<&Pose> = track.poses.iter().filter(inside).collect();
        let hip = |pose: &Pose| {
            (
                pose.joints[Joint::LeftHip as usize].x,
                pose.joints[Joint::LeftHip as usize].y,
            )
        };
        let step = |pair: &[&Pose]| {
            assert!(
                (pair[1].time - pair[0].time).seconds() < 0.25,
                "nobody at {:?}",
                pair[0].time
            );
            let ((x, y), (to_x, to_y)) = (hip(pair[0]), hip(pair[1]));
            (to_x - x).hypot(to_y - y)
        };
        found.windows(2).map(step).collect()
    };
    let most = |steps: &[f32]| steps.iter().copied().fold(0.0, f32::max);
    // Repetitions begin at 46.4, 54.1 and 61.9 s.
    let (before, seam) = (between(46.9, 53.6), between(54.6, 61.3));
    assert!(
        before.len() > 60 && seam.len().abs_diff(before.len()) <= 2,
        "{} {}",
        before.len(),
        seam.len()
    );
    assert!(
        most(&seam) < 1.2 * most(&before),
        "steps of up to {} pixels over the seam, {} in the turn before",
        most(&seam),
        most(&before)
    );
    assert!(is_known(&open()));
    assert_eq!(poses(open()), track);
    // The second chunk alone, read from its overlap on.
    let second = entries(&cache, "poses")
        .into_iter()
        .min_by_key(|path| fs::metadata(path).unwrap().len());
    fs::remove_file(second.unwrap()).unwrap();
    let analysis = open();
    assert_eq!(analysis.missing, [1]);
    assert_eq!(poses(analysis), track);
}

#[test]
fn faults_belong_to_the_chunks_that_were_read() {
    let facts = Facts::new(Media {
        width: 64,
        height: 48,
        frame_rate: 25.0,
        has_audio: false,
        announced: None,
    });
    let facts = facts.after(0, 2, Some("a"), true).after(4, 4, Some("b"), true);
    assert_eq!(facts.faults_in(0, 9), ["a", "b"]);
    assert_eq!(facts.faults_in(2, 3), ["a"]);
    assert!(facts.faults_in(3, 3).is_empty());
    // What is read again replaces what was read before, unless that was more.
    assert_eq!(facts.after(0, 3, None, true).faults_in(0, 9), ["b"]);
    assert_eq!(facts.after(1, 1, Some("a"), true).faults_in(0, 9), ["a", "b"]);
    assert_eq!(facts.after(0, 9, Some("c"), true).faults_in(0, 9), ["c"]);
    let stored = serde_json::to_vec(&facts).unwrap();
    assert_eq!(serde_json::from_slice::<Facts>(&stored).unwrap(), facts);
}

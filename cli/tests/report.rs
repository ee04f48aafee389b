//! `--report`: a page in one file, as it is written; `studio/tests-web` opens it in a browser.
#![allow(missing_docs)]
#![allow(clippy::expect_used)] // helpers of tests may panic, as tests do

mod common;

use common::{Run, folder, go, kinescore, listing, outside, run, text, walkers};
use serde_json::Value;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

/// The first seconds of a clip at a fixed tempo, with drums only: little work.
const BRIEFLY: [&str; 10] = [
    "--device",
    "cpu",
    "--pose-rate",
    "10",
    "--end",
    "3",
    "--tempo",
    "100",
    "--instruments",
    "drums",
];

/// A name and a label that would end an element, an attribute or a script.
const CLIP: &str = "a <b>&\"'</script>.mp4";
const LABEL: &str = "</script><script>document.title = 'hurt'</script><!-- ]]>";

/// Names of folders have slashes, so that the clip's name cannot.
fn clip_in(folder: &Path) -> PathBuf {
    let clip = folder.join(CLIP.replace('/', "\u{2215}"));
    fs::copy(walkers(), &clip).expect("a copy");
    clip
}

fn marks_in(folder: &Path) -> PathBuf {
    let marks = folder.join("marks.json");
    let content = serde_json::json!({
        "format": "kinescore-marks", "version": 1,
        "hits": [{"time": 1.5, "label": LABEL}, {"time": 5.0, "label": "after the end"}],
    });
    fs::write(&marks, content.to_string()).expect("marks");
    marks
}

/// Runs `kinescore` within a folder, with little work.
#[track_caller]
fn briefly(folder: &Path, args: &[&str]) -> Run {
    go(kinescore(&[args, &BRIEFLY[..]].concat()).current_dir(folder))
}

/// A run that must end immediately, without any work.
#[track_caller]
fn at_once(folder: &Path, args: &[&str]) -> Run {
    let done = outside::within(kinescore(args).current_dir(folder), Duration::from_secs(20));
    done.expect("an end within seconds").into()
}

/// What is in the elements of a page that begin so.
fn inside<'a>(page: &'a str, element: &str) -> Vec<&'a str> {
    let found = page.split(element).skip(1);
    found
        .map(|rest| rest.split_once("</script>").expect("an end of the element").0)
        .collect()
}

fn data(page: &str) -> Value {
    let found = inside(page, "<script type=\"application/json\" id=\"report-data\">");
    assert_eq!(found.len(), 1);
    serde_json::from_str(found[0]).expect("JSON")
}

fn page(path: &Path) -> String {
    fs::read_to_string(path).expect("a page")
}

#[test]
fn a_report_is_one_file_with_everything_in_it_and_the_same_twice() {
    let made = [(), ()].map(|()| {
        let folder = folder();
        let clip = clip_in(folder.path());
        marks_in(folder.path());
        let name = clip.file_name().and_then(|name| name.to_str()).expect("a name");
        let args = ["render", name, "--marks", "marks.json", "--seed", "5"];
        let outputs = ["-o", "walk.mp4", "--json", "walk.json", "--report", "walk.html"];
        let run = briefly(folder.path(), &[&args[..], &outputs[..]].concat()).expect(0);
        let run = run.reports(&[
            "wrote walk.html",
            "walk.html: ",
            " kB; it links its video: send walk.mp4 (",
        ]);
        assert_eq!(run.stdout, "");
        let video = fs::metadata(folder.path().join("walk.mp4")).expect("a video").len();
        let said = format!("send walk.mp4 ({:.1} MB) with it", video as f64 / 1e6);
        assert!(run.stderr.contains(&said) || video < 1_000_000, "{}", run.stderr);
        let json = fs::read(folder.path().join("walk.json")).expect("JSON");
        let analysis: Value = serde_json::from_slice(&json).expect("JSON");
        (page(&folder.path().join("walk.html")), analysis)
    });
    assert!(made[0].0 == made[1].0, "the same inputs give other bytes");
    let (page, analysis) = &made[0];

    // One script, JSON and sound; the names in them end no element.
    assert_eq!(page.matches("<script>").count(), 1);
    assert_eq!(
        page.to_lowercase().matches("</script").count(),
        page.matches("<script").count()
    );
    let sounds = inside(page, "<script type=\"text/plain\" data-part=\"sound\">");
    assert!(!sounds.is_empty() && page.matches("<script").count() == 2 + sounds.len());
    // "OggS", or "....ftyp" where FFmpeg has no Opus.
    assert!(
        sounds[0].starts_with("T2dnU") || sounds[0][8..].contains("Z0eX"),
        "{}",
        &sounds[0][..20]
    );
    assert!(page.starts_with("<!doctype html>") && page.trim_end().ends_with("</html>"));
    assert!(page.contains("<title>a &lt;b&gt;&amp;&quot;&#39;&lt;\u{2215}script&gt;.mp4 – soundtrack report</title>"));

    // Nothing is fetched from elsewhere, and the page forbids it.
    let policy = "default-src 'none'; script-src 'sha256-";
    assert!(page.contains(policy) && page.contains("media-src 'self' file: blob:;"));
    for address in [
        "src=\"",
        "url(",
        "@import",
        "<link rel=\"style",
        "<iframe",
        "<object",
        "<base",
    ] {
        assert!(!page.contains(address), "{address}");
    }
    let known = ["www.w3.org/2000/svg", "cv.iptc.org/newscodes/"];
    for scheme in ["http://", "https://"] {
        for (at, _) in page.match_indices(scheme) {
            let rest = &page[at + scheme.len()..];
            assert!(known.iter().any(|name| rest.starts_with(name)), "{}", &rest[..40]);
        }
    }

    // It has what was found, in the time of the clip.
    let data = data(page);
    assert_eq!(data["clip"]["name"], CLIP.replace('/', "\u{2215}"));
    assert_eq!(data["take"]["seed"], 5);
    assert_eq!(data["take"]["settings"]["tempo"], "100");
    let hits = data["take"]["marks"]["hits"].as_array().expect("hits");
    assert_eq!((hits.len(), hits[0]["label"].as_str()), (1, Some(LABEL)));
    let (found, written) = (&data["analysis"]["analysis"], analysis);
    assert_eq!(found["tempo_bpm"], written["tempo_bpm"]);
    let beats = |value: &Value| value["beats"].as_array().expect("beats").clone();
    assert!(beats(found).len() >= 4 && beats(found).len() == beats(written).len());
    for (a, b) in beats(found).iter().zip(&beats(written)) {
        let time = |beat: &Value| beat["time"].as_f64().expect("a time");
        assert!(
            (time(a) - time(b)).abs() < 1e-5 && a["number"] == b["number"],
            "{a} {b}"
        );
    }
    assert!(!data["analysis"]["drums"].as_array().expect("drums").is_empty());
    let poses = data["poses"]["times"].as_array().expect("poses");
    assert!(poses.len() > 20, "{} poses", poses.len());
    assert_eq!(data["analysis"]["peaks"]["values"].as_array().map(Vec::len), Some(300));
    assert_eq!(data["video"]["addresses"], serde_json::json!(["./walk.mp4"]));
    assert_eq!(
        (&data["video"]["begins"], &data["part"]["to"]),
        (&0.0.into(), &3.0.into())
    );

    // The command line names no folder, and what it needs.
    let words = shlex_split(data["command"].as_str().expect("a command line"));
    assert_eq!(&words[..3], ["kinescore", "render", &CLIP.replace('/', "\u{2215}")]);
    for word in ["--end", "--seed", "--tempo", "--instruments", "--marks"] {
        assert!(words.iter().any(|other| other == word), "{words:?}");
    }
    assert_eq!(
        words.last().map(String::as_str),
        Some("marks.json"),
        "the file that was given"
    );
    assert_eq!(
        words.last(),
        data["marks_file"]["name"].as_str().map(str::to_owned).as_ref()
    );
    let marks: Value = serde_json::from_str(data["marks_file"]["text"].as_str().expect("marks")).expect("JSON");
    assert_eq!(
        marks["hits"].as_array().map(Vec::len),
        Some(2),
        "marks are those of the whole video"
    );
    let place = std::env::temp_dir();
    assert!(
        !page.contains(&format!("{}/", place.display())),
        "folders are nobody else's business"
    );
}

/// The words of a line for a shell.
fn shlex_split(line: &str) -> Vec<String> {
    let printed = outside::printed(Command::new("/bin/sh").args(["-c", &format!("printf '%s\\n' {line}")]));
    let printed = String::from_utf8(printed).expect("UTF-8");
    printed.lines().map(str::to_owned).collect()
}

#[test]
fn a_video_is_put_into_a_report_or_left_out() {
    let folder = folder();
    let at = |name: &str| folder.path().join(name);
    fs::copy(walkers(), at("walk.mp4")).expect("a copy");
    let render = |more: &[&str]| briefly(folder.path(), &[&["render", "walk.mp4", "--no-video"], more].concat());

    render(&["--report", "in.html", "--report-video", "embedded"])
        .expect(0)
        .reports(&["in.html: ", " MB, with the video in it"]);
    let page = page(&at("in.html"));
    let parts = inside(&page, "<script type=\"text/plain\" data-part=\"video\">");
    let video = fs::metadata(walkers()).expect("the clip").len();
    let letters: usize = parts.iter().map(|part| part.len()).sum();
    assert_eq!(letters as u64, video.div_ceil(3) * 4);
    assert!(page.contains("media-src blob:;"));
    assert!(data(&page)["video"]["addresses"].is_null());

    render(&["--report", "without.html", "--report-video", "none", "--no-provenance"])
        .expect(0)
        .reports(&["without.html: ", " kB, without the video"]);
    let page = self::page(&at("without.html"));
    assert!(page.contains("media-src 'none'") && data(&page)["video"].is_null());
    assert!(!page.contains("name=\"generator\"") && !page.contains("digitalsourcetype"));

    // Slower: the clip is linked and played slower, and so is what belongs to it.
    fs::create_dir(at("below")).expect("a folder");
    let slow = ["--speed", "1/2", "--report", "below/slow.html"];
    render(&slow)
        .expect(0)
        .reports(&["it links its video: send walk.mp4 ("]);
    let data = data(&self::page(&at("below/slow.html")));
    assert_eq!(
        data["video"]["addresses"],
        serde_json::json!(["../walk.mp4", "./walk.mp4"])
    );
    assert_eq!(
        (&data["video"]["speed"], &data["clip"]["duration"]),
        (&0.5.into(), &6.0.into())
    );
    let poses = data["poses"]["times"].as_array().expect("poses");
    assert!(poses.last().and_then(Value::as_f64).expect("a time") > 5.5);
    assert!(
        data["command"]
            .as_str()
            .expect("a line")
            .ends_with("--no-video --wav walk.wav")
    );
}

#[test]
fn a_video_that_is_too_large_is_refused_before_the_work() {
    let folder = folder();
    let clip = folder.path().join("long.mp4");
    fs::copy(walkers(), &clip).expect("a copy");
    let file = fs::File::options().write(true).open(&clip).expect("the clip");
    file.set_len(300 << 20).expect("a large file");
    let args = [
        "render",
        "long.mp4",
        "--no-video",
        "--report",
        "long.html",
        "--report-video",
        "embedded",
    ];
    at_once(folder.path(), &args).expect(7).reports(&[
        "long.html",
        "long.mp4 has 314.6 MB",
        "at most 256.0 MB",
        "--report-video linked",
    ]);
    assert_eq!(listing(folder.path()).len(), 1);
}

#[test]
fn outputs_that_conflict_are_refused() {
    let folder = folder();
    let at = |name: &str| folder.path().join(name);
    fs::copy(walkers(), at("walk.html")).expect("a copy");
    let before = listing(folder.path());
    let refused = |more: &[&str], code: i32, parts: &[&str]| {
        for command in ["render", "analyze"] {
            at_once(folder.path(), &[&[command, "walk.html"], more].concat())
                .expect(code)
                .reports(parts);
        }
    };
    refused(&["--report", "walk.html"], 7, &["walk.html", "overwrite the input"]);
    refused(&["--report", "none/walk.html"], 7, &["folder", "none"]);
    refused(
        &["--report", "a.html", "--json", "./a.html"],
        2,
        &["two outputs have this name"],
    );
    refused(&["--report", "a.txt"], 2, &["a.txt", "must end in .html"]);
    refused(&["--report", "-"], 2, &["./-"]);
    refused(&["--report-video", "none"], 2, &["--report <FILE>"]);
    refused(
        &["--report", "a.html", "--report-video", "both"],
        2,
        &["linked", "embedded", "none"],
    );
    at_once(
        folder.path(),
        &["render", "walk.html", "--until", "rhythm", "--report", "a.html"],
    )
    .expect(2)
    .reports(&["--report needs the audio stage"]);
    assert_eq!(listing(folder.path()), before);
}

#[test]
fn a_report_of_a_saved_stage_says_what_it_lacks() {
    let folder = folder();
    let at = |name: &str| folder.path().join(name);
    fs::copy(walkers(), at("walk.mp4")).expect("a copy");
    briefly(
        folder.path(),
        &["render", "walk.mp4", "--until", "rhythm", "-o", "walk.json"],
    )
    .expect(0);
    let from = [
        "render",
        "--from",
        "walk.json",
        "--no-video",
        "--device",
        "cpu",
        "--report",
        "walk.html",
    ];
    let run = run_in(folder.path(), &from).expect(0);
    run.reports(&[
        "send ",
        "walk.mp4 (",
        "walk.html shows no skeleton",
        "continue from the pose stage",
    ]);
    let with = data(&page(&at("walk.html")));
    assert!(with["poses"].is_null() && with["video"]["linked"] == true);
    assert!(
        with["command"]
            .as_str()
            .expect("a line")
            .starts_with("kinescore render --from walk.json")
    );

    fs::remove_file(at("walk.mp4")).expect("removed");
    let run = run_in(folder.path(), &from).expect(0);
    run.reports(&[
        "the report has no video",
        "walk.mp4",
        "cannot be read",
        ", without the video",
    ]);
    let without = data(&page(&at("walk.html")));
    assert!(without["video"].is_null() && without["analysis"]["notes"].is_array());
    let embedded = [&from[..], &["--report-video", "embedded"]].concat();
    run_in(folder.path(), &embedded)
        .expect(3)
        .reports(&["walk.mp4", "cannot be read", "--report-video"]);
}

#[track_caller]
fn run_in(folder: &Path, args: &[&str]) -> Run {
    go(kinescore(args).current_dir(folder))
}

#[test]
fn an_analysis_has_a_report_without_music() {
    let folder = folder();
    let clip = walkers();
    let report = folder.path().join("walk.html");
    let args = [
        "analyze",
        text(&clip),
        "--report",
        text(&report),
        "--device",
        "cpu",
        "--pose-rate",
        "10",
    ];
    let run = run(&[&args[..], &["--end", "3", "--tempo", "100"]].concat()).expect(0);
    assert!(
        run.stdout.contains("tempo:"),
        "the summary is on standard output: {}",
        run.stdout
    );
    run.reports(&["wrote ", "it links its video"]);
    let page = page(&report);
    assert!(inside(&page, "<script type=\"text/plain\" data-part=\"sound\">").is_empty());
    let data = data(&page);
    assert!(data["sound"].is_null() && data["analysis"]["peaks"].is_null() && data["analysis"]["notes"].is_null());
    assert!(
        data["analysis"]["movement"]["values"]
            .as_array()
            .is_some_and(|values| !values.is_empty())
    );
    assert!(
        data["command"]
            .as_str()
            .expect("a line")
            .starts_with("kinescore analyze walking-two-people.mp4")
    );
}

//! A report: the page of a soundtrack that is done, in one file that works without this program.
//!
//! The file has the studio's page without what changes something, its modules as one script, what
//! the page shows as JSON, and the sound in base64. Its Content-Security-Policy names the hash of
//! that script, so that no other runs, and lets nothing be fetched from elsewhere.

mod link;
mod text;

use crate::menu;
use crate::take::{about, changed};
use crate::view::{self, Axis};
use base64::{Engine, prelude::BASE64_STANDARD};
use kinescore::host::atomically;
use kinescore::{Clip, Error, Job, Marks, Monitor, Result, Span, Speed};
use serde_json::{Value, json};
use sha2::{Digest, Sha256};
use std::fs::File;
use std::io::{self, BufWriter, Read, Write};
use std::path::{Path, PathBuf};

/// The page, in pieces between which its own head and its data are; see `bundle.rs`.
const PAGE: [&str; 3] = [
    include_str!(concat!(env!("OUT_DIR"), "/report-0.html")),
    include_str!(concat!(env!("OUT_DIR"), "/report-1.html")),
    include_str!(concat!(env!("OUT_DIR"), "/report-2.html")),
];

/// The script of the page.
const SCRIPT: &str = include_str!(concat!(env!("OUT_DIR"), "/report.js"));

/// Most bytes of a video in a report: browsers read a page into memory as a whole.
pub const MOST_EMBEDDED: u64 = 256_000_000;

/// Bytes of a piece of a file in the page; a multiple of 3, so that each piece is base64 of its own.
const PIECE: usize = 3 << 20;

/// What browsers show that run no scripts.
const NO_SCRIPT: &str = "<noscript><p class=\"message shown\">This page needs JavaScript.</p></noscript>";

/// The content types of videos by the endings of their names, for browsers.
const VIDEO_TYPES: [(&str, &str); 7] = [
    ("mp4", "video/mp4"),
    ("m4v", "video/mp4"),
    ("mov", "video/quicktime"),
    ("webm", "video/webm"),
    ("mkv", "video/x-matroska"),
    ("ogv", "video/ogg"),
    ("avi", "video/x-msvideo"),
];

/// The video of a report.
#[derive(Debug, Clone)]
pub struct Video {
    /// The file.
    pub file: PathBuf,
    /// What it is.
    pub content: Content,
    /// Whether the report contains it; otherwise it is linked, by its path from the report's folder.
    pub embedded: bool,
}

/// What a video is.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Content {
    /// The media, of which the clip is a part.
    Media,
    /// A video that [`Job::write_video`] has written.
    Soundtrack {
        /// How long it runs before the clip begins in it; see [`Job::video_lead`].
        lead: Span,
    },
}

/// Like [`CommandLine`](crate::CommandLine), but only for as long as a report is written.
pub type Line<'a> = dyn Fn(&[(&'static str, String)], Option<&str>) -> String + 'a;

/// What a report is made of, beside its job.
pub struct Contents<'a> {
    /// The video, if the report is to have one.
    pub video: Option<Video>,
    /// Makes the command line that gives the same.
    pub command: &'a Line<'a>,
    /// The name of a file of the marks, for that command line.
    pub marks_name: &'a str,
}

/// Refuses a video that is too large for a report at `path`.
///
/// # Errors
/// [`Error::Output`] for such a video; [`Error::Input`] if there is none.
pub fn check_embedded(video: &Path, path: &Path) -> Result<()> {
    let bytes = video.metadata().map_err(Error::input(video))?.len();
    if bytes <= MOST_EMBEDDED {
        return Ok(());
    }
    let reason = format!(
        "{} has {}, and a report holds a video of at most {}; link it instead",
        video.display(),
        size(bytes),
        size(MOST_EMBEDDED)
    );
    Err(Error::output(path)(io::Error::new(io::ErrorKind::FileTooLarge, reason)))
}

/// A number of bytes for people, in the units of file managers.
pub fn size(bytes: u64) -> String {
    match bytes {
        0..1_000_000 => format!("{:.0} kB", (bytes as f64 / 1e3).max(1.0)),
        _ => format!("{:.1} MB", bytes as f64 / 1e6),
    }
}

/// Writes the report of a job that has run at least to its rhythm, and returns its size in bytes.
/// Without a soundtrack, it has the clip's own sound. The same job, contents and place of the video
/// give the same bytes.
///
/// # Errors
/// [`Error::Output`]; [`Error::Input`] if the video cannot be read; those of
/// [`Job::encode_sound`]; [`Error::Cancelled`]. Nothing is left behind then.
pub fn write(job: &Job, contents: &Contents<'_>, path: &Path, monitor: &Monitor<'_>) -> Result<u64> {
    let video = contents.video.as_ref();
    if let Some(video) = video.filter(|video| video.embedded) {
        check_embedded(&video.file, path)?;
    }
    let as_in_video = video.is_some_and(|video| video.content != Content::Media);
    let sound = job.audio().map(|_| job.encode_sound(as_in_video, path, monitor));
    let sound = sound.transpose()?;
    let mut data = data(job, contents, path)?;
    data["sound"] = json!(sound.as_ref().map(|sound| json!({ "type": sound.content_type })));
    atomically(path, |temporary| {
        let refuse = |error: io::Error| Error::output(temporary)(error);
        let mut to = BufWriter::new(File::create(temporary).map_err(refuse)?);
        write!(to, "{}{}{}", PAGE[0], head(&data), PAGE[1]).map_err(refuse)?;
        writeln!(to, "{NO_SCRIPT}").map_err(refuse)?;
        let json = text::in_script(&data.to_string());
        writeln!(
            to,
            "<script type=\"application/json\" id=\"report-data\">{json}</script>"
        )
        .map_err(refuse)?;
        if let Some(sound) = &sound {
            let mut from = Source {
                bytes: sound.bytes.as_slice(),
                path,
            };
            pieces("sound", &mut from, &mut to, temporary, monitor)?;
        }
        if let Some(video) = video.filter(|video| video.embedded) {
            let mut from = Source {
                bytes: File::open(&video.file).map_err(Error::input(&video.file))?,
                path: &video.file,
            };
            pieces("video", &mut from, &mut to, temporary, monitor)?;
        }
        write!(to, "<script>{SCRIPT}</script>\n{}", PAGE[2]).map_err(refuse)?;
        let file = to.into_inner().map_err(|e| refuse(e.into_error()))?;
        Ok(file.metadata().map_err(refuse)?.len())
    })
}

/// Bytes for the page, and the file that errors of reading them name.
struct Source<'a, R> {
    bytes: R,
    path: &'a Path,
}

/// Writes what is read as elements with base64.
fn pieces(
    name: &str,
    from: &mut Source<'_, impl Read>,
    to: &mut impl Write,
    temporary: &Path,
    monitor: &Monitor<'_>,
) -> Result<()> {
    let mut piece = Vec::new();
    loop {
        monitor.check()?;
        piece.clear();
        let read = from.bytes.by_ref().take(PIECE as u64).read_to_end(&mut piece);
        if read.map_err(Error::input(from.path))? == 0 {
            return Ok(());
        }
        let mut write = || -> io::Result<()> {
            write!(to, "<script type=\"text/plain\" data-part=\"{name}\">")?;
            to.write_all(BASE64_STANDARD.encode(&piece).as_bytes())?;
            writeln!(to, "</script>")
        };
        write().map_err(Error::output(temporary))?;
    }
}

/// The head of the page: what it may do, what made it, its title.
fn head(data: &Value) -> String {
    let text_of = |value: &Value| text::in_markup(value.as_str().unwrap_or_default());
    let video = &data["video"];
    // Videos that are linked, and those that are chosen in the page or are in it.
    let media = match (video.is_null(), video["linked"] == true) {
        (true, _) => "'none'",
        (false, true) => "'self' file: blob:",
        (false, false) => "blob:",
    };
    let hash = BASE64_STANDARD.encode(Sha256::digest(SCRIPT.as_bytes()));
    let policy = format!(
        "default-src 'none'; script-src 'sha256-{hash}'; style-src 'unsafe-inline'; img-src data:; media-src {media}; \
         base-uri 'none'; form-action 'none'"
    );
    let analysis = &data["analysis"]["analysis"];
    // Without provenance there are neither models nor a type; without music there is no type.
    let source = analysis["digital_source_type"].as_str();
    let has_models = analysis["models"].as_object().is_some_and(|models| !models.is_empty());
    let mut made = String::new();
    if has_models || source.is_some() {
        let version = text_of(&analysis["version"]);
        made += &format!("  <meta name=\"generator\" content=\"Kinescore {version}\">\n");
    }
    if let Some(source) = source.map(text::in_markup) {
        made += &format!("  <meta name=\"digital-source-type\" content=\"{source}\">\n");
    }
    format!(
        "  <meta http-equiv=\"Content-Security-Policy\" content=\"{policy}\">\n{made}  <title>{} – soundtrack report</title>\n",
        text_of(&data["clip"]["name"])
    )
}

/// What the page shows.
fn data(job: &Job, contents: &Contents<'_>, path: &Path) -> Result<Value> {
    let (clip, speed) = (job.clip(), job.cut().speed);
    let axis = Axis::of_clip(clip, speed);
    let seed = job.analysis().seed.unwrap_or_default();
    let (settings, marks) = (job.settings(), job.marks());
    let mut analysis = view::analysis(job, 1, &axis);
    // The folders of the person who makes the report are nobody else's business.
    analysis["analysis"]["clip"]["path"] = view::file_name(&clip.path).into();
    let has_marks = !marks.is_empty();
    let command = (contents.command)(&changed(settings), has_marks.then_some(contents.marks_name));
    let marks_file = match has_marks {
        true => Some(json!({ "name": contents.marks_name, "text": marks.to_json()? + "\n" })),
        false => None,
    };
    Ok(json!({
        "clip": view::clip(clip, &axis),
        "take": about((1, 1), seed, settings, &heard(marks, clip, speed))?,
        "analysis": analysis,
        "poses": job.poses().map(|track| view::poses(track, job.media(), &axis)),
        "settings": menu::groups(settings)["groups"].as_array().map(|groups| {
            groups.iter().filter_map(|group| group["settings"].as_array()).flatten().collect::<Vec<_>>()
        }),
        "command": command,
        "marks_file": marks_file,
        "part": (!clip.whole || speed != Speed::NORMAL).then(|| part(clip, speed)),
        "video": contents.video.as_ref().map(|video| video_of(video, job, path)),
    }))
}

/// The marks in the time of the clip.
fn heard(marks: &Marks, clip: &Clip, speed: Speed) -> Marks {
    let length = clip.duration * speed.factor();
    let mut heard = marks.within(clip.start, length);
    // An accent that would be moved out of the clip is not moved.
    let clip_time = kinescore::Instant::ZERO..=kinescore::Instant::ZERO + length;
    heard.accents.moved.retain(|moved| clip_time.contains(&moved.to));
    let own = |time: &mut kinescore::Instant| {
        let zero = kinescore::Instant::ZERO;
        *time = zero + (*time - zero) * (1.0 / speed.factor());
    };
    heard.beats.iter_mut().for_each(|beat| own(&mut beat.time));
    heard.hits.iter_mut().for_each(|hit| own(&mut hit.time));
    for silence in &mut heard.silences {
        own(&mut silence.from);
        own(&mut silence.to);
    }
    heard.accents.removed.iter_mut().for_each(own);
    for moved in &mut heard.accents.moved {
        own(&mut moved.from);
        own(&mut moved.to);
    }
    heard
}

/// The part of the media that is heard.
fn part(clip: &Clip, speed: Speed) -> Value {
    json!({
        "from": clip.start,
        "to": clip.start + clip.duration * speed.factor(),
        "speed": speed.to_string(),
    })
}

fn video_of(video: &Video, job: &Job, report: &Path) -> Value {
    let (begins, speed, has_sound) = match video.content {
        Content::Media => (
            job.clip().start.seconds(),
            job.cut().speed.factor(),
            job.clip().has_audio,
        ),
        Content::Soundtrack { lead } => (lead.seconds(), Speed::NORMAL.factor(), false),
    };
    let ending = video
        .file
        .extension()
        .unwrap_or_default()
        .to_string_lossy()
        .to_lowercase();
    let known = VIDEO_TYPES.iter().find(|(known, _)| *known == ending);
    json!({
        "name": view::file_name(&video.file),
        "type": known.map_or("", |(_, kind)| kind),
        "linked": !video.embedded,
        "addresses": (!video.embedded).then(|| link::addresses(&video.file, report)),
        "begins": begins,
        "speed": speed,
        "has_sound": has_sound,
    })
}

/// Tested here, since a build script has no tests.
#[cfg(test)]
#[path = "../../bundle.rs"]
mod bundle;

#[cfg(test)]
mod tests {
    use super::*;
    use kinescore::{Cancel, HitAnswer, HitMark, Instant, SilenceMark};
    use std::collections::BTreeMap;

    #[test]
    fn the_page_has_one_script_and_names_no_address() {
        let whole = PAGE.concat();
        for banned in [
            "<script",
            "<link rel=\"stylesheet\"",
            "src=",
            "data-edits",
            "http://",
            "https://",
        ] {
            let text = whole.replace("http://www.w3.org/", "").replace(" data-edits is", "");
            assert!(!text.contains(banned), "the page has {banned}");
        }
        assert!(whole.contains("<style>") && whole.contains("id=\"lanes\"") && whole.contains("id=\"play\""));
        assert!(!whole.contains("id=\"another\"") && !whole.contains("id=\"add-hit\""));
        for banned in [
            "fetch(",
            "EventSource",
            "XMLHttpRequest",
            "api/",
            "import ",
            "\nexport ",
        ] {
            let text: String = SCRIPT
                .lines()
                .filter(|line| !line.trim_start().starts_with("//"))
                .collect();
            assert!(!text.contains(banned), "the script has {banned}");
        }
    }

    #[test]
    fn the_head_escapes_the_name_and_lets_in_what_is_there() {
        let head = |video: Value| {
            head(&json!({
                "clip": {"name": "a<script>\"&.mp4"},
                "video": video,
                "analysis": {"analysis": {"version": "1.2.3", "digital_source_type": "http://x"}},
            }))
        };
        let none = head(Value::Null);
        assert!(
            none.contains("<title>a&lt;script&gt;&quot;&amp;.mp4 – soundtrack report</title>"),
            "{none}"
        );
        assert!(none.contains("media-src 'none'; ") && none.contains("default-src 'none'; script-src 'sha256-"));
        assert!(none.contains("content=\"Kinescore 1.2.3\""));
        assert!(head(json!({"linked": true})).contains("media-src 'self' file: blob:;"));
        assert!(head(json!({"linked": false})).contains("media-src blob:;"));
    }

    #[test]
    fn files_are_in_pieces_of_base64() {
        let bytes: Vec<u8> = (0..PIECE + 5).map(|i| (i % 251) as u8).collect();
        let mut text = Vec::new();
        let monitor = Monitor::new(Cancel::new(), |_, _| ());
        let mut from = Source {
            bytes: bytes.as_slice(),
            path: Path::new("walk.mp4"),
        };
        pieces("video", &mut from, &mut text, Path::new("walk.html"), &monitor).expect("written");
        let text = String::from_utf8(text).expect("text");
        assert_eq!(text.lines().count(), 2);
        let last = text.lines().last().expect("a piece");
        assert_eq!(
            last,
            "<script type=\"text/plain\" data-part=\"video\">xMXGx8g=</script>"
        );
    }

    #[test]
    fn marks_are_in_the_time_of_the_clip_and_those_outside_are_left_out() {
        let at = Instant::from_seconds;
        let clip = Clip {
            path: "dance.mp4".into(),
            start: at(10.0),
            duration: Span::from_seconds(4.0),
            width: 640,
            height: 360,
            frame_rate: 30.0,
            has_audio: false,
            whole: false,
        };
        let hit = |time| HitMark {
            time: at(time),
            strength: 1.0,
            label: String::new(),
            answer: vec![HitAnswer::Drums],
        };
        let silence = SilenceMark {
            from: at(16.0),
            to: at(19.0),
        };
        let marks = Marks {
            hits: vec![hit(9.0), hit(13.0), hit(18.5)],
            silences: vec![silence],
            ..Marks::default()
        };
        let heard = heard(&marks, &clip, Speed::new(2, 1).expect("a speed"));
        assert_eq!(heard.hits.iter().map(|hit| hit.time).collect::<Vec<_>>(), [at(1.5)]);
        assert_eq!((heard.silences[0].from, heard.silences[0].to), (at(3.0), at(4.5)));
        let part = part(&clip, Speed::new(2, 1).expect("a speed"));
        assert_eq!(part, json!({"from": 10.0, "to": 18.0, "speed": "2"}));
    }

    #[test]
    fn sizes_are_for_people() {
        assert_eq!(size(10), "1 kB");
        assert_eq!(size(420_400), "420 kB");
        assert_eq!(size(9_340_000), "9.3 MB");
    }

    /// The script of modules that are given as name and text.
    fn script(modules: &[(&str, &str)]) -> Result<String, String> {
        let modules: BTreeMap<_, _> = modules.iter().copied().collect();
        bundle::script("a.js", &|name| {
            let found = modules.get(name).map(|text| (*text).to_owned());
            found.ok_or_else(|| format!("no {name}"))
        })
    }

    #[test]
    fn modules_become_one_script_in_the_order_of_their_imports() {
        let a = "import { b as own, c } from \"./b.js\";\nimport * as all from \"./c.js\";\nown(c, all);\n";
        let b = "import { d } from \"./c.js\";\nexport const b = d;\nexport async function c() {}\n";
        let c = "export class d {}\n";
        let made = script(&[("a.js", a), ("b.js", b), ("c.js", c)]).expect("a script");
        assert_eq!(
            made,
            "\"use strict\";\nconst modules = {};\n\
             modules[\"c.js\"] = (() => {\nclass d {}\nreturn { d };\n})();\n\
             modules[\"b.js\"] = (() => {\nconst { d } = modules[\"c.js\"];\nconst b = d;\nasync function c() {}\nreturn { b, c };\n})();\n\
             modules[\"a.js\"] = (() => {\nconst { b: own, c } = modules[\"b.js\"];\nconst all = modules[\"c.js\"];\nown(c, all);\nreturn {  };\n})();\n"
        );
    }

    #[test]
    fn modules_that_a_script_cannot_be_made_of_are_errors() {
        for (modules, fault) in [
            (&[("a.js", "import \"./b.js\";")][..], "this form of import"),
            (&[("a.js", "import b from \"./b.js\";")], "this form of import"),
            (
                &[("a.js", "import { b } from \"https://b.js\";")],
                "this form of import",
            ),
            (&[("a.js", "export let a = 1;")], "this form of export"),
            (&[("a.js", "export { a };")], "this form of export"),
            (&[("a.js", "export default 1;")], "this form of export"),
            (&[("a.js", "import { b } from \"./b.js\";")], "no b.js"),
            (
                &[
                    ("a.js", "import { b } from \"./b.js\";"),
                    ("b.js", "export const c = 1;"),
                ],
                "b.js does not export b",
            ),
            (
                &[
                    ("a.js", "import * as b from \"./b.js\";"),
                    ("b.js", "import * as a from \"./a.js\";"),
                ],
                "a.js imports itself",
            ),
            (&[("a.js", "const text = \"</SCRIPT>\";")], "</script"),
        ] {
            let found = script(modules).expect_err(fault);
            assert!(found.contains(fault), "{found}");
        }
        assert!(bundle::page("<p>\n", "").is_err());
    }
}

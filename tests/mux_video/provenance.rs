//! What a video says of what made it.

use super::*;
use kinescore::Settings;
use kinescore::export::provenance::{PROGRAM, Provenance, SourceType};

#[test]
fn a_video_says_what_made_its_sound_and_keeps_its_own_comment() {
    let folder = tempfile::tempdir().expect("a folder");
    let input = folder.path().join("in.mp4");
    make(
        &input,
        "-f lavfi -i testsrc2=s=64x64:r=25:d=2 -c:v libx264 -preset ultrafast -metadata comment=Mine",
    );
    let models = [("beats".to_owned(), "00ff".to_owned())].into();
    let made = Provenance::of(&Settings::default(), Some(1), models).expect("on by default");
    let source = SourceType::PictureWithMusic.uri();
    for name in ["out.mp4", "out.mov", "out.mkv"] {
        let out = folder.path().join(name);
        let (clip, sound) = (clip(&input, 0.0, 2.0, true), click(1.0, 2.0));
        mux::write_video(&clip, &sound, Some(&made), &out, &Monitor::none()).expect("written");
        let tags = probe(&out, "-show_entries format_tags").join("\n");
        for part in ["Mine", PROGRAM] {
            assert!(tags.contains(part), "{name}: {part}: {tags}");
        }
        let bytes = fs::read(&out).expect("read");
        let is_there = |text: &str| bytes.windows(text.len()).any(|part| part == text.as_bytes());
        assert!(is_there(source), "{name}");
        let is_of_boxes = name != "out.mkv";
        assert_eq!(is_there("beats sha256:00ff"), is_of_boxes, "{name}");
        // FFmpeg reads the file to its end without a complaint.
        let decoded =
            outside::finished(Command::new("ffmpeg").args(["-v", "warning", "-i", text(&out), "-f", "null", "-"]));
        assert!(
            decoded.stderr.is_empty(),
            "{name}: {}",
            String::from_utf8_lossy(&decoded.stderr)
        );

        // The next soundtrack of this video does not repeat the sentence.
        let again = folder.path().join(format!("again {name}"));
        let clip = Clip { path: out, ..clip };
        mux::write_video(&clip, &sound, Some(&made), &again, &Monitor::none()).expect("written");
        let tags = probe(&again, "-show_entries format_tags").join("\n");
        assert_eq!(tags.matches(PROGRAM).count(), 1, "{name}: {tags}");
    }
}

#[test]
fn a_video_says_nothing_of_it_if_it_is_not_given() {
    let folder = tempfile::tempdir().expect("a folder");
    let input = folder.path().join("in.mp4");
    make(
        &input,
        "-f lavfi -i testsrc2=s=64x64:r=25:d=2 -c:v libx264 -preset ultrafast",
    );
    for name in ["out.mp4", "out.mkv"] {
        let out = folder.path().join(name);
        write_video(&clip(&input, 0.0, 2.0, true), &click(1.0, 2.0), &out, &Monitor::none()).expect("written");
        let bytes = fs::read(&out).expect("read");
        for text in ["Kinescore", "digitalsourcetype"] {
            assert!(
                !bytes.windows(text.len()).any(|part| part == text.as_bytes()),
                "{name}: {text}"
            );
        }
    }
}

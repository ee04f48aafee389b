//! What is taken away is what the command line writes.

use crate::client::Studio;
use crate::common::{by_shell, folder, go, kinescore, walkers};
use serde_json::json;
use std::fs;

#[test]
fn downloads_are_the_files_that_the_command_line_writes() {
    let place = folder();
    // A name that a shell would take apart.
    let name = "the dancer's \"clip\".mp4";
    fs::copy(walkers(), place.path().join(name)).expect("a clip");
    let mut command = kinescore(&["studio", name, "--no-open", "--start", "0.5", "--end", "7"]);
    let studio = Studio::start(command.current_dir(place.path()));
    studio.ready(1);
    let order = json!({
        "settings": {"drums.style": "funk", "seed": "17", "sound.loudness": "-18", "music.chords": "Am F | C G"},
        "marks": {
            "beats": [{"time": 1.0, "number": "downbeat"}, {"time": 1.6}],
            "hits": [{"time": 4.03, "label": "turn", "answer": ["drums", "chord"]}],
        },
        "new_take": true,
    });
    studio.render(&order);

    let download = |inner: &str| studio.get(&format!("api/takes/2/{inner}")).expect(200);
    let marks = download("marks");
    assert_eq!(
        marks.header("content-disposition"),
        Some(
            "attachment; filename=\"the dancer's _clip_.marks.json\"; \
             filename*=UTF-8''the%20dancer%27s%20_clip_.marks.json"
        )
    );
    // As a browser saves it, since not every system has the clip's name.
    fs::write(place.path().join("the dancer's _clip_.marks.json"), &marks.body).expect("the marks");
    let line = download("command").json()["command"]
        .as_str()
        .expect("a line")
        .to_owned();
    assert!(
        line.starts_with("kinescore render ") && line.contains("--style funk"),
        "{line}"
    );

    // The line itself, with more outputs; the program has its name in a folder of its own.
    let bin = place.path().join("bin");
    fs::create_dir(&bin).expect("a folder");
    std::os::unix::fs::symlink(env!("CARGO_BIN_EXE_kinescore"), bin.join("kinescore")).expect("a link");
    let script = format!("{line} --wav cli.wav --midi cli.mid --json cli.json --stems stems");
    let mut command = by_shell(&script, &kinescore(&[""; 0]));
    go(command.current_dir(place.path()).env("PATH", &bin)).expect(0);

    let written = |file: &str| fs::read(place.path().join(file)).expect(file);
    for (inner, file) in [
        ("wav", "cli.wav"),
        ("midi", "cli.mid"),
        ("json", "cli.json"),
        ("video", "the dancer's \"clip\".soundtrack.mp4"),
        ("marks", "the dancer's _clip_.marks.json"),
    ] {
        assert!(
            download(inner).body == written(file),
            "{inner} differs from the file of: {line}"
        );
    }
    let parts = download("analysis").json()["parts"].clone();
    let parts = parts.as_array().expect("parts");
    assert!(parts.len() > 2);
    for part in parts.iter().filter_map(|part| part.as_str()) {
        let stem = download(&format!("stems/{part}.wav"));
        assert!(stem.body == written(&format!("stems/{part}.wav")), "{part}");
    }
    studio.get("api/takes/2/stems/flute.wav").expect(404);
    studio.get("api/takes/2/stems/..%2f..%2fcli.wav").expect(404);
    studio.get("api/takes/2/none").expect(404);
    studio.get("api/takes/x/wav").expect(404);

    // Sound is read in ranges as well, and without a name if it is only played.
    let wav = studio.path("api/takes/2/wav?inline");
    let part = studio.send("GET", &wav, "Range: bytes=44-1043\r\n", b"").expect(206);
    assert_eq!(part.header("content-disposition"), None);
    assert!(part.body == written("cli.wav")[44..1044]);

    // The take before is made again from its settings, and is the same.
    let first = studio.get("api/takes/1/wav").expect(200).body;
    studio.render(&json!({"settings": {"seed": "3"}, "new_take": true}));
    studio.render(&json!({"settings": {}, "new_take": true}));
    assert!(studio.get("api/takes/4/wav").expect(200).body == first);
    assert!(studio.get("api/takes/2/midi").expect(200).body == written("cli.mid"));
}

//! The library from the perspective of C and C++ programs: compiled, linked and run against an
//! installation by `make install`.

#![allow(clippy::expect_used)] // helpers of tests may panic, as tests do

mod support;

use serde_json::Value;
use std::fs;
use std::path::Path;
use std::process::Command;
use support::*;

#[test]
fn the_headers_compile_without_a_warning_in_every_standard() {
    let folder = tempfile::tempdir().expect("a folder");
    let c = folder.path().join("header.c");
    let cpp = folder.path().join("header.cpp");
    let text = "#include <kinescore.h>\nint main(void) { return kinescore_abi_version() != KINESCORE_ABI_VERSION; }\n";
    fs::write(&c, text).expect("written");
    fs::write(&cpp, text.replace("(void)", "()").replace(".h>", ".hpp>")).expect("written");
    for (program, standard, source) in [
        ("cc", "-std=c99", &c),
        ("cc", "-std=c17", &c),
        ("c++", "-std=c++17", &cpp),
        ("c++", "-std=c++20", &cpp),
    ] {
        run(compiler(program)
            .args([
                standard,
                "-Wstrict-aliasing",
                "-Wconversion",
                "-Wshadow",
                "-c",
                "-o",
                "/dev/null",
            ])
            .arg(source));
    }
    // Two sources that include it do not clash.
    let other = folder.path().join("other.cpp");
    fs::write(
        &other,
        "#include <kinescore.hpp>\nvoid other(kinescore::Job &job) { job.run(); }\n",
    )
    .expect("written");
    let program = folder.path().join("both");
    run(compiler("c++")
        .arg("-std=c++17")
        .args([&cpp, &other])
        .arg("-o")
        .arg(&program)
        .args(flags(&["--libs"]))
        .arg(format!("-Wl,-rpath,{}", prefix().join("lib").display())));
    check(&program, &[]);
}

#[test]
fn the_library_exports_the_listed_symbols_and_is_named_by_its_interface() {
    let library = prefix().join("lib/libkinescore.so");
    let printed = run(Command::new("nm")
        .args(["-D", "--defined-only", "--format=posix"])
        .arg(&library));
    let mut exported: Vec<&str> = printed.lines().filter_map(|line| line.split(' ').next()).collect();
    exported.sort_unstable();
    let listed = include_str!("symbols.txt");
    assert_eq!(
        exported,
        listed.lines().collect::<Vec<_>>(),
        "tests/symbols.txt is not what is exported"
    );
    assert!(exported.iter().all(|name| name.starts_with("kinescore_")));
    let header = fs::read_to_string(root().join("include/kinescore.h")).expect("the header");
    // The C++ wrapper's table has all of them, so that a plugin can open the library itself.
    let wrapper = fs::read_to_string(root().join("include/kinescore.hpp")).expect("the wrapper");
    assert_eq!(
        wrapper.matches("    use(").count() + wrapper.matches(") use(").count(),
        exported.len()
    );
    for name in &exported {
        assert!(header.contains(&format!("{name}(")), "{name} is not in the header");
        let listed = name.replace("kinescore_", "use(") + ")";
        assert!(wrapper.contains(&listed), "{name} is not in the wrapper's table");
    }
    let dynamic = run(Command::new("readelf").arg("-d").arg(&library));
    assert!(dynamic.contains("Library soname: [libkinescore.so.0]"), "{dynamic}");
    assert!(prefix().join("lib/libkinescore.so.0").is_file());
    assert!(prefix().join("lib/libkinescore.a").is_file());
}

#[test]
fn every_misuse_gives_its_status() {
    let folder = tempfile::tempdir().expect("a folder");
    let program = compile(folder.path(), "misuse.c", &[]);
    check(&program, &[&models(), &clip()]);
}

#[test]
fn a_clip_from_end_to_end() {
    let folder = tempfile::tempdir().expect("a folder");
    let program = compile(folder.path(), "whole.c", &[]);
    check(&program, &[&models(), &runtime(), &clip(), &folder.path()]);
    let seconds = |name: &str| -> f64 {
        let printed = run(Command::new("ffprobe")
            .args(["-v", "error", "-show_entries", "format=duration", "-of", "csv=p=0"])
            .arg(folder.path().join(name)));
        printed.trim().parse().expect("a number")
    };
    for name in ["a.wav", "a.mp4", "b.mkv", "stems/drums.wav", "stems/bass.wav"] {
        assert!((seconds(name) - 4.0).abs() < 0.1, "{name}: {} s", seconds(name));
    }
    assert!(
        fs::read(folder.path().join("a.mid"))
            .expect("MIDI")
            .starts_with(b"MThd")
    );
    assert!(
        fs::read(folder.path().join("a.png"))
            .expect("a picture")
            .starts_with(b"\x89PNG")
    );
    assert!(
        fs::read_to_string(folder.path().join("a.svg"))
            .expect("a picture")
            .contains("<svg")
    );
    assert!(!folder.path().join("fast.mp4").exists());
    let analysis = read_json(&folder.path().join("a.json"));
    assert_eq!(analysis["music"]["key"], "F# minor");
}

#[test]
fn pushed_frames_give_the_notes_of_a_file_with_the_same_pixels() {
    let folder = tempfile::tempdir().expect("a folder");
    // Lossless, and in RGB: from other files each decoder gives slightly different pixels.
    let lossless = folder.path().join("walk.avi");
    run(Command::new("ffmpeg")
        .args(["-v", "error", "-i"])
        .arg(clip())
        .args(["-c:v", "ffv1", "-pix_fmt", "bgr0"])
        .arg(&lossless));
    let program = compile(folder.path(), "frames.c", &[]);
    let pushed: Vec<Value> = ["bgra", "deep"]
        .into_iter()
        .map(|form| {
            let output = folder.path().join(form).with_extension("json");
            let mut command = Command::new(&program);
            command
                .args([models(), runtime()])
                .args(["640", "360", "30", form])
                .arg(&output);
            let piped = pipe_frames(&lossless, &mut command);
            assert_eq!(succeed(&command, piped).trim(), "120");
            read_json(&output)
        })
        .collect();
    let by_path = folder.path().join("path.json");
    let program = compile_text(folder.path(), "by_path.c", BY_PATH);
    check(&program, &[&models(), &runtime(), &lossless, &by_path]);
    let file = read_json(&by_path);
    for pushed in &pushed {
        assert_eq!(pushed["clip"]["path"], "pushed");
        assert_eq!(
            (&pushed["clip"]["width"], &pushed["clip"]["height"]),
            (&640.into(), &360.into())
        );
        let close = |a: &Value, b: &Value| {
            let (a, b) = (a.as_f64().expect("a number"), b.as_f64().expect("a number"));
            (a - b).abs() < 1e-3
        };
        for name in ["duration", "frame_rate"] {
            assert!(
                close(&pushed["clip"][name], &file["clip"][name]),
                "{name}: {}",
                pushed["clip"]
            );
        }
        for name in ["beats", "accents"] {
            let (a, b) = (list(&pushed[name]), list(&file[name]));
            assert!(!a.is_empty() && a.len() == b.len(), "{name}: {a:?}, {b:?}");
            assert!(a.iter().zip(b).all(|(a, b)| close(&a["time"], &b["time"])), "{name}");
        }
        let (a, b) = (list(&pushed["drums"]["hits"]), list(&file["drums"]["hits"]));
        let alike = a
            .iter()
            .filter(|a| b.iter().any(|b| a["class"] == b["class"] && a["step"] == b["step"]));
        assert!(alike.count() * 20 >= 19 * a.len().max(b.len()), "{a:?}, {b:?}");
    }
}

/// The same settings as `frames.c`, by path.
const BY_PATH: &str = r#"
#include "expect.h"
int main(int argc, char **argv) {
    kinescore_resources resources = {.struct_size = sizeof resources, .models = argv[1], .onnxruntime = argv[2]};
    kinescore_engine *engine = NULL;
    kinescore_settings *settings = NULL;
    kinescore_job *job = NULL;
    (void)argc;
    MUST(kinescore_engine_new(&resources, &engine));
    MUST(kinescore_settings_new(&settings));
    MUST(kinescore_settings_set(settings, "pose.rate", "10"));
    MUST(kinescore_settings_set(settings, "beats.source", "motion"));
    MUST(kinescore_settings_set(settings, "music.instruments", "drums"));
    MUST(kinescore_job_new(engine, settings, &job));
    MUST(kinescore_job_open_video(job, argv[3]));
    MUST(kinescore_job_run(job, NULL, NULL));
    MUST(kinescore_job_write(job, "json", argv[4]));
    kinescore_job_free(job);
    kinescore_settings_free(settings);
    kinescore_engine_free(engine);
    return failures;
}
"#;

#[test]
fn eight_jobs_at_once_give_the_result_of_one_alone() {
    let folder = tempfile::tempdir().expect("a folder");
    let program = compile(folder.path(), "threads.c", &[]);
    // Nearly the shortest possible clip, since it is processed nine times.
    let short = folder.path().join("short.mp4");
    run(Command::new("ffmpeg")
        .args(["-v", "error", "-i"])
        .arg(clip())
        .args(["-t", "2.4", "-c", "copy"])
        .arg(&short));
    check(&program, &[&models(), &runtime(), &short]);
}

#[test]
fn the_cpp_wrapper_owns_throws_and_lets_exceptions_pass() {
    let folder = tempfile::tempdir().expect("a folder");
    let program = compile(folder.path(), "wrapper.cpp", &["-Wconversion", "-Wshadow"]);
    check(&program, &[&models(), &runtime(), &clip(), &folder.path()]);
}

#[test]
fn the_timeline_bridge_opens_the_library_by_its_path() {
    let folder = tempfile::tempdir().expect("a folder");
    let program = folder.path().join("bridge");
    let bridge = root().join("plugin/bridge");
    // Not linked with the library.
    run(compiler("c++")
        .arg("-std=c++17")
        .arg(source("bridge.cpp"))
        .args(["core.cpp", "timeline.cpp", "ratio.cpp"].map(|file| bridge.join(file)))
        .arg("-o")
        .arg(&program)
        .arg("-ldl"));
    let library = prefix().join("lib/libkinescore.so");
    check(&program, &[&library, &models(), &runtime(), &clip(), &folder.path()]);
}

#[test]
fn faults_stay_with_their_job() {
    let folder = tempfile::tempdir().expect("a folder");
    let library = faulty_library();
    let program = folder.path().join("faults");
    run(compiler("cc")
        .arg("-std=c99")
        .arg(source("faults.c"))
        .arg("-o")
        .arg(&program)
        .arg(&library)
        .arg(format!("-Wl,-rpath,{}", library.parent().expect("a folder").display())));
    let output = outside::finished_long(Command::new(&program).args([&models(), &runtime(), &clip().to_owned()]));
    // Rust's own report of a panic would appear there.
    assert_eq!(String::from_utf8_lossy(&output.stderr), "");
    assert!(output.status.success());
}

#[test]
fn the_example_renders_a_clip_with_models_found_beside_the_library() {
    let folder = tempfile::tempdir().expect("a folder");
    // As installed: PREFIX/share/kinescore/models, PREFIX/lib/kinescore/libonnxruntime.so.…
    let prefix_of_this = folder.path().join("prefix");
    fs::create_dir_all(prefix_of_this.join("share/kinescore")).expect("made");
    run(Command::new("cp")
        .arg("-r")
        .arg(prefix().join("lib"))
        .arg(&prefix_of_this));
    std::os::unix::fs::symlink(models(), prefix_of_this.join("share/kinescore/models")).expect("linked");
    std::os::unix::fs::symlink(runtime(), prefix_of_this.join("lib/kinescore")).expect("linked");
    let program = folder.path().join("render");
    run(compiler("cc")
        .arg("-std=c99")
        .arg(root().join("examples/c/render.c"))
        .arg("-o")
        .arg(&program)
        .args(flags(&["--libs"]))
        .arg(format!("-Wl,-rpath,{}", prefix_of_this.join("lib").display())));
    let (wav, midi) = (folder.path().join("a.wav"), folder.path().join("a.mid"));
    let said = check(&program, &[&clip(), &wav, &midi]);
    assert!(said.contains("4.0 s, ") && said.contains("beats a minute"), "{said}");
    assert!(fs::read(&wav).expect("a WAV").starts_with(b"RIFF"));
    assert!(fs::read(&midi).expect("MIDI").starts_with(b"MThd"));
}

#[test]
fn address_sanitizer_finds_nothing_in_a_program_linked_statically() {
    let folder = tempfile::tempdir().expect("a folder");
    let suppressions = folder.path().join("leaks");
    // Memory that ONNX Runtime keeps for the process is not this library's to free.
    fs::write(&suppressions, "leak:libonnxruntime\n").expect("written");
    for (name, arguments) in [
        ("misuse.c", vec![models(), clip().to_owned()]),
        (
            "whole.c",
            vec![models(), runtime(), clip().to_owned(), folder.path().to_owned()],
        ),
    ] {
        let program = folder.path().join(format!("{name}.asan"));
        let libraries = flags(&["--libs", "--static"]);
        run(compiler("cc")
            .args(["-std=c99", "-fsanitize=address", "-fno-omit-frame-pointer"])
            .arg(source(name))
            .arg("-o")
            .arg(&program)
            .arg(prefix().join("lib/libkinescore.a"))
            .args(libraries.iter().filter(|flag| *flag != "-lkinescore")));
        run(Command::new(&program)
            .args(arguments)
            .env("ASAN_OPTIONS", "detect_leaks=1:abort_on_error=0")
            .env("LSAN_OPTIONS", format!("suppressions={}", suppressions.display())));
    }
}

#[test]
fn memcheck_finds_nothing_in_misuse() {
    let folder = tempfile::tempdir().expect("a folder");
    let program = compile(folder.path(), "misuse.c", &[]);
    // No network is run: memcheck would take minutes for one.
    run(Command::new("valgrind")
        .args([
            "--quiet",
            "--error-exitcode=9",
            "--leak-check=full",
            "--errors-for-leak-kinds=definite",
        ])
        .arg(&program)
        .args([models(), clip().to_owned()]));
}

fn compile_text(folder: &Path, name: &str, text: &str) -> std::path::PathBuf {
    let (file, program) = (folder.join(name), folder.join(name).with_extension(""));
    fs::write(&file, text).expect("written");
    run(compiler("cc")
        .arg("-std=c99")
        .arg("-I")
        .arg(source(""))
        .arg(&file)
        .arg("-o")
        .arg(&program)
        .args(flags(&["--libs"]))
        .arg(format!("-Wl,-rpath,{}", prefix().join("lib").display())));
    program
}

fn read_json(path: &Path) -> Value {
    serde_json::from_str(&fs::read_to_string(path).expect("a file")).expect("JSON")
}

fn list(value: &Value) -> &[Value] {
    value.as_array().expect("a list")
}

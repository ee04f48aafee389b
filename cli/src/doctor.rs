//! `kinescore doctor`: reports what the program finds on this machine, and what is missing.

use crate::args::Doctor;
use crate::editors::{self, Content, Finding, State};
use crate::exit::{Failure, RESOURCES};
use crate::{resources, stdout, typed};
use indicatif::HumanBytes;
use kinescore::host::{Cache, DRUM_BANK, Manifest, Provider, Runtime, SoundFont, doubt};
use kinescore::settings::Device;
use kinescore::{Resources, Settings};
use std::fmt::Write as _;
use std::path::Path;

/// Name of the bundled SoundFont in the manifest.
const SOUND_FONT: &str = "soundfont";

/// Width of the column of names.
const WIDTH: usize = 22;

/// The findings, one per line.
#[derive(Default)]
struct Report {
    text: String,
    missing: usize,
}

impl Report {
    fn good(&mut self, what: &str, found: impl AsRef<str>) {
        self.line("ok", what, found.as_ref());
    }

    fn note(&mut self, what: &str, found: impl AsRef<str>) {
        self.line("--", what, found.as_ref());
    }

    fn bad(&mut self, what: &str, found: impl AsRef<str>) {
        self.missing += 1;
        self.line("!!", what, found.as_ref());
    }

    fn line(&mut self, mark: &str, what: &str, found: &str) {
        // Continuation lines stay in their column.
        let margin = format!("\n   {:WIDTH$} ", "");
        let found = found.lines().map(str::trim).collect::<Vec<_>>().join(&margin);
        let _ = writeln!(self.text, "{mark} {what:WIDTH$} {found}"); // writing to a String cannot fail
    }
}

/// Checks everything the program needs, or what editors have of it.
///
/// # Errors
/// A failure without a message when something is missing: the report on standard output has it.
pub fn doctor(args: &Doctor) -> Result<(), Failure> {
    if let Some(library) = &args.open_library {
        return editors::open(library, Content::Library);
    }
    if let Some(plugin) = &args.open_plugin {
        return editors::open(plugin, Content::Plugin);
    }
    let mut report = Report::default();
    if args.editors {
        report.editors();
    } else {
        report.machine(args)?;
    }
    if report.missing > 0 {
        let _ = writeln!(report.text, "\n{} missing or damaged", report.missing);
    }
    stdout::write(&report.text)?;
    if report.missing > 0 {
        return Err(Failure {
            code: RESOURCES,
            message: String::new(),
        });
    }
    Ok(())
}

impl Report {
    /// What the program itself needs.
    fn machine(&mut self, args: &Doctor) -> Result<(), Failure> {
        let mut settings = Settings::default();
        settings.set("device", &args.device)?;
        self.good("kinescore", env!("CARGO_PKG_VERSION"));
        self.good("FFmpeg", kinescore::host::ffmpeg_version());
        match resources::find(&args.resources) {
            Ok(found) => {
                runtime(self, &found, settings.device());
                models(self, &found);
            }
            Err(failure) => self.bad("models", failure.message),
        }
        if let Some(font) = &args.resources.soundfont {
            sound_font(self, font);
        }
        cache(self, resources::cache(&args.resources.cache).as_deref());
        Ok(())
    }

    /// What editors have of it.
    fn editors(&mut self) {
        for Finding { state, editor, text } in editors::check().0 {
            match state {
                State::Good => self.good(&editor, text),
                State::Note => self.note(&editor, text),
                State::Bad => self.bad(&editor, text),
            }
        }
    }
}

/// The cache is optional, so it is never reported as missing.
fn cache(report: &mut Report, folder: Option<&Path>) {
    let Some(folder) = folder else {
        return report.note("cache", "none: nothing is kept between runs");
    };
    match Cache::open(folder, None).list() {
        Ok(entries) => {
            let size: u64 = entries.iter().map(|entry| entry.size).sum();
            let found = format!("{} ({} entries, {})", folder.display(), entries.len(), HumanBytes(size));
            report.good("cache", found);
        }
        Err(error) => report.note("cache", format!("cannot be used: {error}")),
    }
}

fn runtime(report: &mut Report, found: &Resources, device: Device) {
    let runtime = match found.load_runtime(device) {
        Ok(runtime) => runtime,
        Err(error) => return report.bad("ONNX Runtime", error.to_string()),
    };
    report.good(
        "ONNX Runtime",
        format!("{} ({})", runtime.version(), runtime.path().display()),
    );
    if runtime.has_telemetry() {
        report.note(
            "telemetry",
            "this ONNX Runtime contains telemetry, as releases from 1.29 on do. Unless ORT_DISABLE_TELEMETRY=1 \
             is in the environment,\nit writes a device ID below ~/.cache/Microsoft and contacts Microsoft. \
             This program disables it; plugins in editors cannot.\nRelease 1.28.0 does not contain telemetry",
        );
    }
    report.good("providers", runtime.providers().join(", "));
    let cards = kinescore::host::cards();
    match cards.is_empty() {
        true => report.note("graphics card", "none with a driver"),
        false => report.good("graphics card", cards.join(", ")),
    }
    for provider in Provider::GRAPHICS {
        match runtime.refusal(provider) {
            None => report.good(provider.name(), "can be used"),
            Some(reason) => report.note(provider.name(), format!("not used: {reason}")),
        }
    }
    let is_built_for_cards = runtime.providers().len() > 1;
    if !cards.is_empty() && !is_built_for_cards {
        report.note(
            "",
            format!(
                "this ONNX Runtime is for the CPU; `{}` fetches one for graphics cards",
                typed::command(&["setup", "gpu"])
            ),
        );
    }
    match runtime.provider(device) {
        Err(error) => report.bad("device", error.to_string()),
        Ok(provider) => {
            report.good(
                "device",
                format!("{}: poses are computed by {}", device.word(), provider.name()),
            );
            if device != Device::Auto && provider != Provider::Cpu {
                networks(report, &runtime, found, provider);
            }
        }
    }
}

/// Compares each network on a graphics card with the CPU.
fn networks(report: &mut Report, runtime: &Runtime, found: &Resources, provider: Provider) {
    // A manifest that cannot be read is reported with the models.
    let Ok(manifest) = Manifest::read(&found.models) else {
        return;
    };
    for (name, _) in manifest.entries().filter(|(_, entry)| !entry.inputs.is_empty()) {
        let name_shown = format!("  {name}");
        match doubt(runtime, &manifest, name, provider) {
            Ok(None) => report.good(&name_shown, format!("computed by {} as by the CPU", provider.name())),
            Ok(Some(reason)) => report.note(&name_shown, format!("stays on the CPU: {reason}")),
            Err(error) => report.bad(&name_shown, error.to_string()),
        }
    }
}

fn models(report: &mut Report, found: &Resources) {
    let manifest = match Manifest::read(&found.models) {
        Ok(manifest) => manifest,
        Err(error) => return report.bad("models", error.to_string()),
    };
    report.good("models", found.models.display().to_string());
    let mut has_font = false;
    for (name, entry) in manifest.entries() {
        has_font |= name == SOUND_FONT;
        match manifest.verify(name) {
            Ok(()) => report.good(
                &format!("  {name}"),
                format!("{} ({}, sha256 {}…)", entry.file, entry.licence, &entry.sha256[..12]),
            ),
            Err(error) => report.bad(&format!("  {name}"), error.to_string()),
        }
    }
    if !has_font {
        let manifest = manifest.path();
        report.bad(
            "SoundFont",
            format!("no entry '{SOUND_FONT}' in {}", manifest.display()),
        );
    } else if found.sound_font.is_none()
        && let Ok(font) = manifest.file(SOUND_FONT)
    {
        sound_font(report, &font);
    }
}

/// The SoundFont in use and its presets. Presets that it lacks are taken from the bundled one.
fn sound_font(report: &mut Report, path: &Path) {
    let font = match SoundFont::load(path) {
        Ok(font) => font,
        Err(error) => return report.bad("SoundFont", error.to_string()),
    };
    let presets = font.presets();
    let kits = presets.iter().filter(|(bank, _)| *bank == DRUM_BANK).count();
    let found = format!(
        "{} ({} presets, {kits} of them drum kits)",
        path.display(),
        presets.len()
    );
    report.good("SoundFont", found);
}

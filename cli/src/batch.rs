//! `kinescore batch`: renders the clips of a manifest one after the other, with models that are
//! loaded once, and reports on all of them.

mod csv;
mod manifest;
mod object;
mod plan;
mod report;
mod result;
mod work;

use crate::args::Batch;
use crate::exit::{Failure, SOME_FAILED};
use crate::progress::Console;
use crate::{outputs, resources, stdout};
use kinescore::host::why_not_regular;
use kinescore::{Cancel, Engine, Speed};
use manifest::{Manifest, Row, folder_of};
use plan::ClipRow;
use report::{Entry, Report};
use std::fs;
use std::io::{self, IsTerminal};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Instant;
use work::ShareWork;

/// `kinescore batch`.
///
/// # Errors
/// A failure with [`SOME_FAILED`] if clips have failed or, with `--collect`, are missing; those of
/// the manifest, before anything is rendered; that of the first missing thing that every clip
/// needs.
pub fn batch(args: &Batch, console: &Console, cancel: &Cancel) -> Result<(), Failure> {
    let base = args.settings.settings()?;
    let (manifest, rows) = Manifest::read(&args.manifest, &base)?;
    if args.video {
        check_speeds(&manifest, &rows)?;
    }
    let clips = plan::name(&manifest, rows, args.video)?;
    let out = args.out.clone().unwrap_or_else(|| folder_of(&args.manifest).to_owned());
    if args.collect {
        return collect(args, &out, &clips);
    }
    let share = args.chunk.map_or(0..clips.len(), |chunk| chunk.share(clips.len()));
    let share = &clips[share];
    check_media(&manifest, share)?;
    plan::make_folder(&out)?;
    let sound_font: Vec<&Path> = args.resources.soundfont.iter().map(PathBuf::as_path).collect();
    plan::check_outputs(&args.manifest, &out, &clips, share, &sound_font)?;
    check_report(args, &out, &clips)?;
    resources::check_sound_font(&args.resources)?;
    let work = ShareWork {
        engine: Arc::new(Engine::new(resources::find(&args.resources)?)?),
        out: &out,
        retries: args.retries,
        console,
        cancel,
        bars: io::stderr().is_terminal(),
    };
    let begun = Instant::now();
    let report = Report {
        manifest: &args.manifest,
        out: &out,
        entries: work.all(share)?,
    };
    if let Some(path) = &args.report {
        report.write(path)?;
    }
    let summary = format!("{} in {:.1} s", report.summary(), begun.elapsed().as_secs_f64());
    if report.is_complete() {
        console.say(&summary);
        return Ok(());
    }
    Err(Failure {
        code: SOME_FAILED,
        message: format!("{summary}; NAME.result.json, beside the outputs, has the reason of each failure"),
    })
}

/// `kinescore batch --collect`.
fn collect(args: &Batch, out: &Path, clips: &[ClipRow]) -> Result<(), Failure> {
    check_report(args, out, clips)?;
    let keys = args.settings.keys();
    let report = Report {
        manifest: &args.manifest,
        out,
        entries: clips.iter().map(|clip| Entry::look_up(clip, out, &keys)).collect(),
    };
    if let Some(path) = &args.report {
        report.write(path)?;
    }
    if args.report.as_deref().is_none_or(|path| path.as_os_str() != "-") {
        stdout::write(&report.table())?;
    }
    if report.is_complete() {
        return Ok(());
    }
    Err(Failure {
        code: SOME_FAILED,
        message: String::new(), // it is on standard output
    })
}

fn check_speeds(manifest: &Manifest<'_>, rows: &[Row]) -> Result<(), Failure> {
    let Some(row) = rows.iter().find(|row| row.cut.speed != Speed::NORMAL) else {
        return Ok(());
    };
    let allowed = "expected 1, since --video copies the picture unchanged";
    Err(manifest.refuse(row.line, "speed", &row.cut.speed.to_string(), allowed))
}

fn check_media(manifest: &Manifest<'_>, clips: &[ClipRow]) -> Result<(), Failure> {
    for ClipRow { row, .. } in clips {
        match fs::metadata(&row.media) {
            Ok(there) => match why_not_regular(&there) {
                Some(reason) => return Err(manifest.no_media(row, &reason)),
                None if row.media.to_str().is_none() => {
                    return Err(manifest.no_media(row, "a folder's name is not UTF-8, so JSON cannot hold it"));
                }
                None => {}
            },
            Err(error) => return Err(manifest.no_media(row, &error.to_string())),
        }
    }
    Ok(())
}

fn check_report(args: &Batch, out: &Path, clips: &[ClipRow]) -> Result<(), Failure> {
    let Some(report) = args.report.as_deref().filter(|path| path.as_os_str() != "-") else {
        return Ok(());
    };
    let mut inputs: Vec<&Path> = clips.iter().map(|clip| clip.row.media.as_path()).collect();
    inputs.push(&args.manifest);
    outputs::check(&[report], &inputs, None)?;
    plan::check_report(report, out, clips)
}

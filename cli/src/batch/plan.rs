//! The files to write for each clip of a manifest, and the share of the clips that one process
//! renders.

use super::manifest::{Manifest, Row, folder_of, is_name};
use crate::exit::{Failure, OUTPUT};
use kinescore::Error;
use kinescore::host::default_output;
use std::collections::{HashMap, HashSet};
use std::fs;
use std::os::unix::fs::MetadataExt;
use std::path::Path;

/// A row with the names of its files.
#[derive(Debug)]
pub struct ClipRow {
    /// The row.
    pub row: Row,
    /// The name that its files begin with; no other clip of the manifest has it.
    pub name: String,
    /// The names of its files.
    pub files: Files,
}

/// Names of files in the folder of the results.
#[derive(Debug)]
pub struct Files {
    /// The sound.
    pub wav: String,
    /// The notes.
    pub midi: String,
    /// The analysis.
    pub json: String,
    /// The video with the soundtrack, if requested.
    pub video: Option<String>,
    /// The clip's result.
    pub result: String,
}

impl Files {
    fn of(name: &str, media: &Path, video: bool) -> Self {
        // The container is that of the media, or the default one if that cannot be written.
        let container = default_output(media);
        let container = container.extension().unwrap_or_default().to_string_lossy();
        Self {
            wav: format!("{name}.wav"),
            midi: format!("{name}.mid"),
            json: format!("{name}.json"),
            video: video.then(|| format!("{name}.soundtrack.{container}")),
            result: format!("{name}.result.json"),
        }
    }

    /// The files that are rendered: all except the result.
    pub fn outputs(&self) -> impl Iterator<Item = &String> {
        [&self.wav, &self.midi, &self.json].into_iter().chain(&self.video)
    }

    fn all(&self) -> impl Iterator<Item = &String> {
        self.outputs().chain([&self.result])
    }
}

/// File names already taken, each with the line that writes the file. Some file systems do not
/// distinguish upper and lower case.
#[derive(Default)]
struct Taken(HashMap<String, usize>);

impl Taken {
    fn by(&self, files: &Files) -> Option<(usize, String)> {
        let taken = |file: &String| self.0.get(&file.to_lowercase()).map(|line| (*line, file.clone()));
        files.all().find_map(taken)
    }

    fn take(&mut self, files: &Files, line: usize) {
        self.0.extend(files.all().map(|file| (file.to_lowercase(), line)));
    }
}

/// Names every row's files after the row's name, or after its media, with a number if that name is
/// taken.
///
/// # Errors
/// A usage failure if two rows would write the same file, or if files cannot be named after a
/// media.
pub fn name(manifest: &Manifest<'_>, rows: Vec<Row>, video: bool) -> Result<Vec<ClipRow>, Failure> {
    let mut taken = Taken::default();
    // Names given in the manifest come first, so that a generated name never takes one of them.
    for row in &rows {
        let Some(name) = &row.name else { continue };
        let files = Files::of(name, &row.media, video);
        if let Some((line, file)) = taken.by(&files) {
            let allowed = format!("line {line} writes {file} already; each clip needs a unique name (case is ignored)");
            return Err(manifest.refuse(row.line, "name", name, &allowed));
        }
        taken.take(&files, row.line);
    }
    let mut next = HashMap::new();
    rows.into_iter()
        .map(|row| {
            let name = match &row.name {
                Some(name) => name.clone(),
                None => made_up(manifest, &row, video, &mut taken, &mut next)?,
            };
            let files = Files::of(&name, &row.media, video);
            Ok(ClipRow { row, name, files })
        })
        .collect()
}

fn made_up(
    manifest: &Manifest<'_>,
    row: &Row,
    video: bool,
    taken: &mut Taken,
    next: &mut HashMap<String, usize>,
) -> Result<String, Failure> {
    let stem = row.media.file_stem().unwrap_or_default().to_string_lossy().into_owned();
    let number = next.entry(stem.to_lowercase()).or_insert(1);
    loop {
        let name = match *number {
            1 => stem.clone(),
            number => format!("{stem}-{number}"),
        };
        *number += 1;
        if !is_name(&name) {
            let allowed = "files cannot be named after it; give it a name in 'name'";
            return Err(manifest.refuse(row.line, "path", &row.path, allowed));
        }
        let files = Files::of(&name, &row.media, video);
        if taken.by(&files).is_none() {
            taken.take(&files, row.line);
            return Ok(name);
        }
    }
}

/// Refuses outputs of `share` that are an input of any clip, or that exist and are not regular
/// files.
///
/// # Errors
/// An output failure that names the line.
pub fn check_outputs(
    manifest: &Path,
    out: &Path,
    clips: &[ClipRow],
    share: &[ClipRow],
    others: &[&Path],
) -> Result<(), Failure> {
    let place = |path: &Path| fs::metadata(path).ok().map(|there| (there.dev(), there.ino()));
    let media = clips.iter().map(|clip| clip.row.media.as_path());
    let mut inputs: HashSet<_> = media
        .chain([manifest])
        .chain(others.iter().copied())
        .filter_map(place)
        .collect();
    let marks = clips.iter().filter_map(|clip| clip.row.marks_file.as_ref());
    inputs.extend(marks.filter_map(|file| place(&manifest.with_file_name(file))));
    for clip in share {
        for file in clip.files.all() {
            let path = out.join(file);
            let refuse = |what: &str| Failure {
                code: OUTPUT,
                message: format!(
                    "{}: line {}: {}: {what}",
                    manifest.display(),
                    clip.row.line,
                    path.display()
                ),
            };
            match fs::metadata(&path) {
                Ok(there) if inputs.contains(&(there.dev(), there.ino())) => {
                    let what = "the output would overwrite an input; choose another name in 'name', or another folder with --out";
                    return Err(refuse(what));
                }
                Ok(there) if !there.is_file() => {
                    return Err(refuse(
                        "it exists and is not a regular file; move it away, or choose another name",
                    ));
                }
                _ => {}
            }
        }
    }
    Ok(())
}

/// Refuses a report that would overwrite another output.
///
/// # Errors
/// A usage failure.
pub fn check_report(report: &Path, out: &Path, clips: &[ClipRow]) -> Result<(), Failure> {
    let same_folder = || Some(folder_of(report).canonicalize().ok()? == out.canonicalize().ok()?);
    let name = report.file_name().map(|name| name.to_string_lossy().to_lowercase());
    let taken = clips.iter().flat_map(|clip| clip.files.all());
    if taken.map(|file| file.to_lowercase()).any(|file| Some(file) == name) && same_folder().unwrap_or(false) {
        return Err(Failure::usage(format!(
            "{}: two outputs have this name; give one of them another",
            report.display()
        )));
    }
    Ok(())
}

/// A [`Failure`] if the folder cannot be created.
pub fn make_folder(folder: &Path) -> Result<(), Failure> {
    fs::create_dir_all(folder).map_err(Error::output(folder))?;
    crate::outputs::check_folder(folder)
}

#[cfg(test)]
mod tests {
    use super::*;
    use kinescore::Settings;

    fn named(text: &str, video: bool) -> Result<Vec<String>, String> {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("list");
        fs::write(&path, text).expect("a manifest");
        let base = Settings::default();
        let (manifest, rows) = Manifest::read(&path, &base).expect("a manifest");
        let clips = name(&manifest, rows, video).map_err(|failure| {
            assert_eq!(failure.code, 2);
            failure.message.replace(path.to_str().expect("UTF-8"), "list")
        })?;
        Ok(clips.into_iter().map(|clip| clip.name).collect())
    }

    #[test]
    fn generated_names_give_way_to_chosen_ones() {
        let names = named(
            "path,name\na/walk.mp4,\nb/walk.mov,\nc/Walk.mkv,\nd.mp4,walk-2\n",
            false,
        );
        assert_eq!(names.expect("names"), ["walk", "walk-3", "Walk-4", "walk-2"]);
        // The result of the first clip has the name of the second clip's analysis.
        let names = named("path,name\na.mp4,\na.result.mp4,\n", false);
        assert_eq!(names.expect("names"), ["a", "a.result-2"]);
    }

    #[test]
    fn two_rows_that_write_one_file_are_refused() {
        assert_eq!(
            named("path,name\na.mp4,One\nb.mp4,two\nc.mp4,one\n", false).expect_err("one name twice"),
            "list: line 4, column 'name': 'one' is not allowed; line 2 writes one.wav already; each clip needs a unique name \
             (case is ignored)"
        );
        let clash = named("path,name\na.mp4,one\nb.mp4,one.result\n", false).expect_err("one file twice");
        assert!(clash.contains("line 2 writes one.result.json already"), "{clash}");
        let hidden = named("path\nfolder/.mp4\n", false).expect_err("no name");
        assert!(hidden.contains("line 2, column 'path': 'folder/.mp4'"), "{hidden}");
    }
}

//! `kinescore setup`: fetches what is too large for a package or of use to few. The only command
//! that uses the network, by Python's pip, from the package index that it is set up for.

use crate::exit::{Failure, RESOURCES};
use crate::progress::Console;
use crate::resources::{GRAPHICS_BUILDS, GRAPHICS_LIBRARIES, graphics_folder};
use crate::setup_args::{Build, Setup, What};
use crate::typed;
use kinescore::Error;
use kinescore::host::has_nvidia_card;
use std::fs;
use std::path::Path;
use std::process::{Command, Stdio};

/// File in an installed folder that says what is in it.
const CONTENT: &str = "requirements.txt";

/// What pip may choose from. The build for this version of Python has the library, which does not
/// need Python when it runs.
const TARGET: [&str; 8] = [
    "--implementation=cp",
    "--python-version=3.12",
    "--platform=manylinux_2_28_x86_64",
    "--platform=manylinux_2_27_x86_64",
    "--platform=manylinux_2_17_x86_64",
    "--platform=manylinux_2_12_x86_64",
    "--platform=manylinux_2_5_x86_64",
    "--only-binary=:all:",
];

impl Build {
    /// The name of its folder.
    fn word(self) -> &'static str {
        let [cuda, webgpu] = GRAPHICS_BUILDS;
        match self {
            Self::Cuda => cuda,
            Self::Webgpu => webgpu,
        }
    }

    /// The packages, with their versions and checksums, in the format of pip.
    fn requirements(self) -> &'static str {
        match self {
            Self::Cuda => include_str!("cuda.txt"),
            Self::Webgpu => include_str!("webgpu.txt"),
        }
    }
}

/// `kinescore setup`.
///
/// # Errors
/// [`RESOURCES`] if there is no build for this machine, pip is missing, or the packages cannot be
/// fetched or are not those expected; [`OUTPUT`](crate::exit::OUTPUT) if they cannot be written.
pub fn setup(args: &Setup, console: &Console) -> Result<(), Failure> {
    let What::Gpu = args.what;
    let folder = graphics_folder().ok_or_else(|| Failure {
        code: RESOURCES,
        message: "no folder for the data of programs is known: neither XDG_DATA_HOME nor HOME is set".to_owned(),
    })?;
    if args.remove {
        return remove(&folder, args.build, console);
    }
    let build = args
        .build
        .unwrap_or(if has_nvidia_card() { Build::Cuda } else { Build::Webgpu });
    install(&folder, build, console)
}

fn remove(folder: &Path, build: Option<Build>, console: &Console) -> Result<(), Failure> {
    let mut removed = false;
    let wanted = |word: &&str| build.is_none_or(|build| build.word() == *word);
    for word in GRAPHICS_BUILDS.into_iter().filter(wanted) {
        let place = folder.join(word);
        if place.exists() {
            fs::remove_dir_all(&place).map_err(Error::output(&place))?;
            console.say(&format!("removed {}", place.display()));
            removed = true;
        }
    }
    if !removed {
        console.say(&format!("nothing to remove in {}", folder.display()));
    }
    // Only if they are empty.
    let _ = fs::remove_dir(folder).and_then(|()| folder.parent().map_or(Ok(()), fs::remove_dir));
    Ok(())
}

fn install(folder: &Path, build: Build, console: &Console) -> Result<(), Failure> {
    let place = folder.join(build.word());
    let next = format!(
        "`{}` checks it; run `{} EDITOR` again for editors",
        typed::command(&["doctor", "--device", "gpu"]),
        typed::command(&["install"])
    );
    if fs::read_to_string(place.join(CONTENT)).is_ok_and(|content| content == build.requirements()) {
        console.say(&format!("{} is up to date: {next}", place.display()));
        return Ok(());
    }
    if cfg!(not(all(target_arch = "x86_64", target_os = "linux"))) {
        return Err(Failure {
            code: RESOURCES,
            message: "there is no build for graphics cards for this system; there are builds for Linux on x86-64"
                .to_owned(),
        });
    }
    let python = python_with_pip()?;
    fs::create_dir_all(folder).map_err(Error::output(folder))?;
    // Put in place in one step, so that half a build is never seen.
    let work = tempfile::Builder::new()
        .prefix(".new-")
        .tempdir_in(folder)
        .map_err(Error::output(folder))?;
    let (list, packages) = (work.path().join(CONTENT), work.path().join("packages"));
    fs::write(&list, build.requirements()).map_err(Error::output(&list))?;
    console.say(&format!(
        "fetching ONNX Runtime for {} with {python} -m pip",
        build.word()
    ));
    let done = Command::new(&python)
        .args([
            "-m",
            "pip",
            "install",
            "--disable-pip-version-check",
            "--no-input",
            "--quiet",
        ])
        .args(["--no-deps", "--no-compile", "--require-hashes", "--upgrade"])
        .args(TARGET)
        .arg("--target")
        .arg(&packages)
        .arg("--requirement")
        .arg(&list)
        .env("PIP_ROOT_USER_ACTION", "ignore") // the folder is not Python's own
        .stdin(Stdio::null())
        .status()
        .map_err(|error| unfetched(&error.to_string()))?;
    if !done.success() {
        return Err(unfetched("see above"));
    }
    let library = packages.join(GRAPHICS_LIBRARIES);
    if !library.is_dir() {
        return Err(unfetched(&format!("they have no {GRAPHICS_LIBRARIES}")));
    }
    drop_what_python_needs(&packages);
    fs::rename(&list, packages.join(CONTENT)).map_err(Error::output(&list))?;
    if place.exists() {
        fs::remove_dir_all(&place).map_err(Error::output(&place))?;
    }
    fs::rename(&packages, &place).map_err(Error::output(&place))?;
    console.say(&format!("installed in {}; {next}", place.display()));
    Ok(())
}

fn unfetched(reason: &str) -> Failure {
    Failure {
        code: RESOURCES,
        message: format!(
            "pip could not fetch the packages: {reason}; is there a connection to a Python package index, and space on \
             the disk?"
        ),
    }
}

/// Removes what only Python needs, half of the size. What is left over does no harm.
fn drop_what_python_needs(packages: &Path) {
    let _ = fs::remove_dir_all(packages.join("bin"));
    for entry in fs::read_dir(packages.join(GRAPHICS_LIBRARIES))
        .into_iter()
        .flatten()
        .flatten()
    {
        let name = entry.file_name().to_string_lossy().into_owned();
        if name.starts_with("onnxruntime_pybind") || name.contains("tensorrt") {
            let _ = fs::remove_file(entry.path());
        }
    }
}

fn python_with_pip() -> Result<String, Failure> {
    let has_pip = |python: &&str| {
        let asked = Command::new(python)
            .args(["-m", "pip", "--version"])
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .status();
        asked.is_ok_and(|status| status.success())
    };
    // The system's may have pip where that of an active environment has none.
    let found = ["python3", "/usr/bin/python3"].into_iter().find(has_pip);
    found.map(str::to_owned).ok_or_else(|| Failure {
        code: RESOURCES,
        message:
            "the packages are fetched with pip, and python3 has none; install it: sudo apt-get install python3-pip"
                .to_owned(),
    })
}

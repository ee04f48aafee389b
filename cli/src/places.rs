//! Flags for where things are: cache, models, SoundFont, ONNX Runtime; and the paths of outputs.

use crate::units::size;
use clap::builder::TypedValueParser;
use clap::{Args, ValueHint};
use std::path::PathBuf;

/// Where results are kept between runs.
#[derive(Debug, Default, Args)]
pub struct CacheFlags {
    /// Folder in which poses are kept between runs [default: $XDG_CACHE_HOME/kinescore or
    /// ~/.cache/kinescore; environment: KINESCORE_CACHE; 'off' disables it]
    #[arg(long, value_name = "DIR", value_parser = output_path(), value_hint = ValueHint::DirPath, help_heading = "Places")]
    pub cache: Option<PathBuf>,
    /// Do not read or write the cache
    #[arg(long, conflicts_with_all = ["cache", "cache_size"], help_heading = "Places")]
    pub no_cache: bool,
    /// Maximum size of the cache, such as 500M or 4G; least recently used entries are removed first
    /// [default: 2G]
    #[arg(long, allow_negative_numbers = true, value_name = "SIZE", value_parser = size, help_heading = "Places")]
    pub cache_size: Option<u64>,
}

/// Where models, SoundFont and ONNX Runtime are found.
#[derive(Debug, Default, Args)]
pub struct ResourceFlags {
    /// The cache.
    #[command(flatten)]
    pub cache: CacheFlags,
    /// SoundFont (.sf2 or .sf3) to use instead of the bundled one
    #[arg(long, value_name = "FILE", value_hint = ValueHint::FilePath, help_heading = "Places")]
    pub soundfont: Option<PathBuf>,
    /// Folder with manifest.toml and the models [default: found relative to the program;
    /// environment: KINESCORE_MODELS]
    #[arg(long, value_name = "DIR", value_hint = ValueHint::DirPath, help_heading = "Places")]
    pub models: Option<PathBuf>,
    /// ONNX Runtime library, or its folder [default: found relative to the program or in the
    /// system's library folders; environment: KINESCORE_ONNXRUNTIME]
    #[arg(long, value_name = "PATH", value_hint = ValueHint::AnyPath, help_heading = "Places")]
    pub onnxruntime: Option<PathBuf>,
}

/// The path of an output that is not written to standard output. `-` is refused, since it means
/// standard output elsewhere; a file of that name would be a surprise.
pub fn output_path() -> impl TypedValueParser<Value = PathBuf> {
    clap::builder::PathBufValueParser::new().try_map(|path| match path.to_str() {
        Some("-") => Err(NO_STDOUT),
        _ => Ok(path),
    })
}

const NO_STDOUT: &str = "only --json and batch's --report are written to standard output; give a name, or ./- for a file or \
                         folder named '-'";

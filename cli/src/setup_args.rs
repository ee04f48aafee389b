//! The arguments of `kinescore setup`.

use clap::{Args, ValueEnum};

/// `kinescore setup`.
#[derive(Debug, Args)]
pub struct Setup {
    /// What to fetch
    #[arg(value_name = "WHAT")]
    pub what: What,
    /// Which build [default: cuda with a card of NVIDIA's, otherwise webgpu]
    #[arg(long, value_name = "WORD")]
    pub build: Option<Build>,
    /// Remove it again; without --build, all builds
    #[arg(long)]
    pub remove: bool,
}

/// What can be fetched.
#[derive(Debug, Clone, Copy, ValueEnum)]
pub enum What {
    /// ONNX Runtime for graphics cards, into $XDG_DATA_HOME/kinescore/graphics or
    /// ~/.local/share/kinescore/graphics
    Gpu,
}

/// A build of ONNX Runtime.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Build {
    /// For cards of NVIDIA's, with NVIDIA's libraries: a download of 1.6 GB
    Cuda,
    /// For any card with a driver for Vulkan: a download of 25 MB
    Webgpu,
}

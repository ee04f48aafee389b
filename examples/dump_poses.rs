//! Writes the poses of a video's main person as JSON.
//!
//! ```text
//! cargo run --release --example dump_poses -- clip.mp4 poses.json
//! ```

use kinescore::Monitor;
use kinescore::model::{Manifest, Runtime};
use kinescore::pose::{self, PoseModels};
use kinescore::settings::Settings;
use kinescore::video::{FileOptions, FileSource};
use std::path::{Path, PathBuf};

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let mut arguments = std::env::args_os().skip(1).map(PathBuf::from);
    let (Some(video), Some(output)) = (arguments.next(), arguments.next()) else {
        return Err("usage: dump_poses VIDEO OUTPUT.json".into());
    };
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let settings = Settings::default();
    let runtime = Runtime::load(None, &[root.join(".setup/onnxruntime")])?;
    let manifest = Manifest::read(&root.join("models"))?;
    let mut models = PoseModels::open(&runtime, &manifest, settings.device, settings.pose.quality)?;
    let options = FileOptions {
        rate: settings.pose.rate,
        ..FileOptions::default()
    };
    let mut source = FileSource::open(&video, None, None, options)?;
    let track = pose::find(&mut source, &mut models, &settings.pose, &Monitor::none())?;
    std::fs::write(output, serde_json::to_vec(&track)?)?;
    Ok(())
}

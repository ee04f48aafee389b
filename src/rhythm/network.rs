//! The beat network: tensors in, tensors out.

use super::calibration::Calibration;
use super::decode::NetworkOutput;
use super::features::{Frame, VALUES};
use super::lock::{TEMPO_BINS, TempoWindow};
use super::windows::{self, FrameWindow};
use crate::error::{Error, Result};
use crate::model::{Manifest, Options, Runtime, Session, Tensor};
use crate::pose::JOINTS;
use crate::progress::Monitor;
use ndarray::{Array4, ArrayViewD, Ix2};

const NETWORK: &str = "video2rhythm";
const CALIBRATION: &str = "video2rhythm_calibration";

/// Windows given to the network at once: half a minute of movement.
const BATCH: usize = 4;

/// Least probability of a tempo: the network is never certain.
const LEAST_PROBABILITY: f32 = 1e-4;

/// The models that find the beats: the network, if it is wanted, and the values fitted for it and
/// for signal processing.
pub struct BeatModels {
    calibration: Calibration,
    network: Option<Session>,
}

impl BeatModels {
    /// Names of the files in the manifest that the beats of the network need.
    pub const FILES: &'static [&'static str] = &[NETWORK, CALIBRATION];

    /// Names of those needed for beats by signal processing.
    pub const MOTION_FILES: &'static [&'static str] = &[CALIBRATION];

    /// Loads the network and checks it against the manifest.
    ///
    /// # Errors
    /// Those of the models: a file that is missing, damaged or of the wrong shape; a device that
    /// cannot be used.
    pub fn open(runtime: &Runtime, manifest: &Manifest, options: Options) -> Result<Self> {
        Ok(Self {
            network: Some(Session::open(runtime, manifest, NETWORK, options)?),
            ..Self::without_network(manifest)?
        })
    }

    /// For beats by signal processing alone: needs no ONNX Runtime.
    ///
    /// # Errors
    /// A calibration that is missing, damaged, or does not fit this version of the library.
    pub fn without_network(manifest: &Manifest) -> Result<Self> {
        manifest.verify(CALIBRATION)?;
        Ok(Self::calibrated(Calibration::read(&manifest.file(CALIBRATION)?)?))
    }

    /// For beats by signal processing alone, with this calibration.
    pub fn calibrated(calibration: Calibration) -> Self {
        Self {
            calibration,
            network: None,
        }
    }

    /// The same models with another calibration, used to fit one.
    #[cfg(feature = "internals")]
    #[must_use]
    pub fn with_calibration(self, calibration: Calibration) -> Self {
        Self { calibration, ..self }
    }

    /// The fitted values.
    pub fn calibration(&self) -> &Calibration {
        &self.calibration
    }

    /// Whether the network is loaded.
    pub fn has_network(&self) -> bool {
        self.network.is_some()
    }

    /// The network's output for a movement; `None` where it is not loaded.
    pub(super) fn hear(&mut self, frames: &[Frame], monitor: &Monitor<'_>) -> Result<Option<NetworkOutput>> {
        match &mut self.network {
            Some(session) => hear(session, frames, monitor).map(Some),
            None => Ok(None),
        }
    }
}

fn hear(session: &mut Session, frames: &[Frame], monitor: &Monitor<'_>) -> Result<NetworkOutput> {
    let mut result = NetworkOutput::default();
    let (mut beat, mut downbeat) = (Vec::new(), Vec::new());
    for batch in windows::windows(frames.len()).chunks(BATCH) {
        monitor.check()?;
        let outputs = session.run(&[("motion", &input(frames, batch))])?;
        let shape = |name: &str, view: ArrayViewD<'_, f32>, length: usize| {
            let refuse = || Error::Inference {
                path: session.path().to_owned(),
                reason: format!(
                    "output '{name}' has the shape {:?}, expected [{}, {length}]",
                    view.shape(),
                    batch.len()
                ),
            };
            let rows = view.clone().into_dimensionality::<Ix2>().map_err(|_| refuse())?;
            if rows.dim() != (batch.len(), length) {
                return Err(refuse());
            }
            Ok(rows.outer_iter().map(|row| row.to_vec()).collect::<Vec<Vec<f32>>>())
        };
        let length = batch.first().map_or(0, |w| w.length);
        let beats = shape("beat", outputs.f32("beat")?, length)?;
        let downbeats = shape("downbeat", outputs.f32("downbeat")?, length)?;
        let tempi = shape("tempo", outputs.f32("tempo")?, TEMPO_BINS)?;
        beat.extend(batch.iter().copied().zip(beats));
        downbeat.extend(batch.iter().copied().zip(downbeats));
        result
            .tempo
            .extend(batch.iter().zip(tempi).map(|(window, tempo)| TempoWindow {
                middle: window.middle(frames.len()),
                logs: tempo.iter().map(|p| f64::from(p.max(LEAST_PROBABILITY)).ln()).collect(),
            }));
    }
    result.beat = windows::joined(frames.len(), &beat);
    result.downbeat = windows::joined(frames.len(), &downbeat);
    Ok(result)
}

/// The windows as one tensor, padded beyond the clip's end with frames in which nobody is seen. All
/// have the same length.
fn input(frames: &[Frame], windows: &[FrameWindow]) -> Tensor {
    let length = windows.first().map_or(0, |w| w.length);
    let value = |(w, t, joint, value): (usize, usize, usize, usize)| {
        let start = windows.get(w).map_or(0, |w| w.start);
        frames.get(start + t).map_or(0.0, |frame| frame[joint][value])
    };
    Tensor::F32(Array4::from_shape_fn((windows.len(), length, JOINTS, VALUES), value).into_dyn())
}

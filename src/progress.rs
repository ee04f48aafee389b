//! How a long job reports its progress, and how it is stopped.

use crate::error::{Error, Result};
use serde::{Deserialize, Serialize};
use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

/// The stages of a job, in their order.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Stage {
    /// Video to poses (decoding and inference together).
    Pose,
    /// Poses to beats and accents.
    Rhythm,
    /// Rhythm to drum grid.
    Drums,
    /// Drums to the lines of the other instruments.
    Music,
    /// Drums and music to score.
    Score,
    /// Score to sound.
    Audio,
    /// Sound and picture to files.
    Export,
}

impl Stage {
    /// The stages whose results are computed, in their order; the last, export, writes files.
    pub const COMPUTED: [Self; 6] = [
        Self::Pose,
        Self::Rhythm,
        Self::Drums,
        Self::Music,
        Self::Score,
        Self::Audio,
    ];

    /// An estimate of the share of a whole run that is done, 0 to 1, when the share `done` of this
    /// stage is done: from the times that the stages take for a one-minute clip.
    pub fn of_whole(self, done: f64) -> f64 {
        let (begin, end) = match self {
            Self::Pose => (0.0, 0.8),
            Self::Rhythm => (0.8, 0.83),
            Self::Drums => (0.83, 0.87),
            Self::Music => (0.87, 0.96),
            Self::Score => (0.96, 0.96),
            Self::Audio | Self::Export => (0.96, 1.0),
        };
        begin + done * (end - begin)
    }
}

impl fmt::Display for Stage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Pose => "pose",
            Self::Rhythm => "rhythm",
            Self::Drums => "drums",
            Self::Music => "music",
            Self::Score => "score",
            Self::Audio => "audio",
            Self::Export => "export",
        })
    }
}

/// A switch that stops a job from another thread. Clones share the switch.
#[derive(Debug, Clone, Default)]
pub struct Cancel(Arc<AtomicBool>);

impl Cancel {
    /// A switch that is off.
    pub fn new() -> Self {
        Self::default()
    }

    /// Stops every job that watches this switch, at its next check (well under half a second).
    pub fn cancel(&self) {
        self.0.store(true, Ordering::Relaxed);
    }

    /// Whether the switch is on.
    pub fn is_cancelled(&self) -> bool {
        self.0.load(Ordering::Relaxed)
    }

    /// [`Error::Cancelled`] if the switch is on.
    pub fn check(&self) -> Result<()> {
        if self.is_cancelled() {
            Err(Error::Cancelled)
        } else {
            Ok(())
        }
    }
}

type Report<'a> = dyn Fn(Stage, f64) + Send + Sync + 'a;

/// Watches a job: a switch that stops it and a function that receives its progress.
#[derive(Default)]
pub struct Monitor<'a> {
    cancel: Cancel,
    report: Option<Box<Report<'a>>>,
}

impl<'a> Monitor<'a> {
    /// Reports nothing and never cancels.
    pub fn none() -> Self {
        Self::default()
    }

    /// Calls `report` with the stage and the share of it that is done, 0 to 1, and stops the job
    /// when `cancel` is switched on. `report` may be called from any thread.
    pub fn new(cancel: Cancel, report: impl Fn(Stage, f64) + Send + Sync + 'a) -> Self {
        Self {
            cancel,
            report: Some(Box::new(report)),
        }
    }

    /// The switch this monitor watches.
    pub fn cancel(&self) -> &Cancel {
        &self.cancel
    }

    /// [`Error::Cancelled`] if the switch is on. Long work calls it at least ten times per second.
    pub fn check(&self) -> Result<()> {
        self.cancel.check()
    }

    /// Reports that the share `done` (0 to 1) of `stage` is done, and [checks](Self::check).
    pub fn progress(&self, stage: Stage, done: f64) -> Result<()> {
        if let Some(report) = &self.report {
            report(stage, done.clamp(0.0, 1.0));
        }
        self.check()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_share_of_the_whole_rises_from_nothing_to_all() {
        let shares: Vec<f64> = Stage::COMPUTED
            .iter()
            .flat_map(|stage| [stage.of_whole(0.0), stage.of_whole(0.5), stage.of_whole(1.0)])
            .collect();
        assert!(shares.is_sorted(), "{shares:?}");
        assert_eq!(shares.first(), Some(&0.0));
        assert_eq!(shares.last(), Some(&1.0));
    }
}

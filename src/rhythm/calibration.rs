//! Numbers fitted to data: how the decoder weighs the evidence for a beat, and how confidence is
//! computed.
//!
//! They are stored with the network as `video2rhythm.json`, since they belong to its weights: after
//! training a network again, they must be fitted again (`models/train/calibrate_beats.py`).

use super::confidence::Signs;
use super::lock::TempoWeights;
use crate::error::Result;
use crate::table::read_table;
use serde::{Deserialize, Serialize};
use std::path::Path;

/// The values fitted for each source of beats.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Calibration {
    /// For the beats of the network.
    pub network: NetworkCalibration,
    /// For the beats by signal processing.
    pub motion: MotionCalibration,
}

/// The values fitted for the network.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct NetworkCalibration {
    /// How the decoder weighs its evidence.
    pub decoding: Decoding,
    /// How far its beats can be trusted.
    pub confidence: Logistic,
}

/// The values fitted for signal processing. The weights of its evidence are constants in the code.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct MotionCalibration {
    /// How far its beats can be trusted.
    pub confidence: Logistic,
}

/// How the decoder weighs the evidence for a beat, a tempo and a bar. All are log weights: 0 leaves
/// the evidence out.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Decoding {
    /// Weight of the log observation of one of the decoder's 100 frames a second. The network has
    /// 30 frames a second, which partly repeat each other: 0.3 or less.
    pub observation: f64,
    /// Weight, per second, of one standard deviation of a tempo's lock to the movement.
    pub lock: f64,
    /// Weight, per second, of one nat of the network's tempo distribution.
    pub network_tempo: f64,
    /// Weight, per second, of one nat of the preference for tempi that people tap.
    pub preference: f64,
    /// Weight of one nat of the network's log odds that a beat is a downbeat.
    pub downbeat: f64,
    /// Log odds of a downbeat for one standard deviation of impact: decides the bar where the
    /// network is unsure.
    pub impact: f64,
    /// Prior log odds of three beats a bar against four; negative, since music in three is rare.
    pub three: f64,
}

impl Decoding {
    pub(crate) fn tempo(&self) -> TempoWeights {
        TempoWeights {
            lock: self.lock,
            network: self.network_tempo,
            preference: self.preference,
        }
    }
}

/// A logistic regression on the signs of a good grid: confidence = 1 / (1 + exp(−(bias + Σ
/// weight · sign))).
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Logistic {
    /// Log odds where all signs are 0.
    pub bias: f64,
    /// Weight of each sign.
    pub weights: Signs,
}

impl Logistic {
    /// The confidence, 0 to 1.
    pub fn confidence(&self, signs: &Signs) -> f32 {
        let products = self.weights.values().into_iter().zip(signs.values());
        let odds = self.bias + products.map(|((_, weight), (_, sign))| weight * sign).sum::<f64>();
        (1.0 / (1.0 + (-odds).exp())) as f32
    }
}

impl Calibration {
    /// Reads and checks a calibration file.
    ///
    /// # Errors
    /// [`Error::Manifest`] when the file cannot be read or does not fit this version of the
    /// library.
    pub fn read(path: &Path) -> Result<Self> {
        read_table(path, Self::check)
    }

    fn check(&self) -> Result<(), String> {
        let Decoding {
            observation,
            lock,
            network_tempo,
            preference,
            downbeat,
            impact,
            three,
        } = self.network.decoding;
        let weights = [
            ("observation", observation),
            ("lock", lock),
            ("network_tempo", network_tempo),
            ("preference", preference),
            ("downbeat", downbeat),
            ("impact", impact),
        ];
        for (name, weight) in weights {
            if !(0.0..=1000.0).contains(&weight) {
                return Err(format!("network.decoding.{name} is {weight}; expected 0 to 1000"));
            }
        }
        let mut others = vec![("network.decoding.three".to_owned(), three)];
        for (source, logistic) in [
            ("network", &self.network.confidence),
            ("motion", &self.motion.confidence),
        ] {
            others.push((format!("{source}.confidence.bias"), logistic.bias));
            let weights = logistic.weights.values().into_iter();
            others.extend(weights.map(|(name, weight)| (format!("{source}.confidence.weights.{name}"), weight)));
        }
        match others.iter().find(|(_, value)| !(-1000.0..=1000.0).contains(value)) {
            Some((name, value)) => Err(format!("{name} is {value}; expected -1000 to 1000")),
            None => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::error::Error;

    fn shipped() -> std::path::PathBuf {
        Path::new(env!("CARGO_MANIFEST_DIR")).join("models/video2rhythm.json")
    }

    #[test]
    fn the_file_that_ships_is_read_and_a_bad_one_refused() {
        Calibration::read(&shipped()).expect("the shipped file");
        let good: serde_json::Value =
            serde_json::from_str(&std::fs::read_to_string(shipped()).expect("a file")).expect("JSON");
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("video2rhythm.json");
        let refused = |change: &dyn Fn(&mut serde_json::Value)| {
            let mut value = good.clone();
            change(&mut value);
            std::fs::write(&path, value.to_string()).expect("written");
            match Calibration::read(&path) {
                Err(Error::Manifest { reason, .. }) => reason,
                other => panic!("{other:?}"),
            }
        };
        let reported = refused(&|v| v["network"]["decoding"]["lock"] = (-1.0).into());
        assert!(
            reported.contains("network.decoding.lock is -1; expected 0 to 1000"),
            "{reported}"
        );
        let reported = refused(&|v| v["motion"]["confidence"]["weights"]["luck"] = 1.0.into());
        assert!(reported.contains("luck"), "{reported}");
        let reported = refused(&|v| v["network"]["confidence"]["bias"] = 1e9.into());
        assert!(reported.contains("network.confidence.bias"), "{reported}");
        std::fs::remove_file(&path).expect("removed");
        assert!(matches!(Calibration::read(&path), Err(Error::Manifest { .. })));
    }

    #[test]
    fn confidence_is_the_logistic_function() {
        let logistic = Logistic {
            bias: -1.0,
            weights: Signs {
                lock: 0.5,
                steadiness: 2.0,
                ..Signs::default()
            },
        };
        assert!((logistic.confidence(&Signs::default()) - 0.268_94).abs() < 1e-5);
        let signs = Signs {
            lock: 4.0,
            steadiness: 0.5,
            agreement: 9.0,
            ..Signs::default()
        };
        assert!((logistic.confidence(&signs) - 0.880_80).abs() < 1e-5);
    }
}

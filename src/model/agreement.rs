//! Whether a graphics card computes a model as the processor does: builds of ONNX Runtime have had
//! kernels that did not.

use super::manifest::{Dim, Entry, TensorInfo, TensorType};
use super::tensor::{Outputs, Tensor};
use crate::error::Result;
use ndarray::ArrayD;

/// Largest difference that is allowed, as a part of the largest magnitude of an output, or of 1 if
/// that is larger. Kernels that only add in another order stay far below it.
const TOLERANCE: f32 = 2e-3;

/// Length of a dimension that is free, for pictures: a multiple of what networks divide them by.
const PICTURE: usize = 128;

/// Length of the dimension of time: the steps of two bars.
const TIME: usize = 32;

/// Length of any other dimension that is free: the words of one bar, and those of the bar before.
const WORDS: usize = 16;

/// Inputs that are always the same, and suit every model of the manifest.
pub(super) fn sample(entry: &Entry) -> Vec<(&str, Tensor)> {
    let inputs = entry.inputs.iter();
    inputs.map(|info| (info.name.as_str(), tensor(info))).collect()
}

fn tensor(info: &TensorInfo) -> Tensor {
    let shape: Vec<usize> = info.shape.iter().map(length).collect();
    let mut index = 0;
    let mut next = || {
        index += 1;
        noise(index)
    };
    match info.element {
        TensorType::F32 => ArrayD::from_shape_simple_fn(shape, || f32::from(next()) / 256.0).into(),
        // Small numbers are among the words of every vocabulary.
        TensorType::I64 => ArrayD::from_shape_simple_fn(shape, || i64::from(next() % 2)).into(),
        TensorType::U8 => ArrayD::from_shape_simple_fn(shape, next).into(),
    }
}

fn length(dim: &Dim) -> usize {
    match dim {
        Dim::Fixed(length) => *length as usize,
        Dim::Free(name) if name == "N" => 1,
        Dim::Free(name) if ["height", "width"].contains(&name.as_str()) => PICTURE,
        Dim::Free(name) if name == "T" => TIME,
        Dim::Free(_) => WORDS,
    }
}

/// A number that looks random: the high bits of a multiplicative hash.
fn noise(index: u32) -> u8 {
    index.wrapping_mul(0x9E37_79B1).to_be_bytes()[0]
}

/// Why the outputs of a model for the same inputs are not the same on two devices; `None` if they
/// are, within [`TOLERANCE`].
pub(super) fn difference(entry: &Entry, expected: &Outputs, found: &Outputs) -> Result<Option<String>> {
    for info in entry.outputs.iter().filter(|info| info.element == TensorType::F32) {
        let (expected, found) = (expected.f32(&info.name)?, found.f32(&info.name)?);
        if expected.shape() != found.shape() {
            return Ok(Some(format!(
                "its output '{}' has the shape {:?} there, and {:?} on the CPU",
                info.name,
                found.shape(),
                expected.shape()
            )));
        }
        let largest = expected.iter().fold(1.0_f32, |largest, value| largest.max(value.abs()));
        // A number that is not one differs from everything.
        let pairs = expected.iter().zip(&found);
        let far = pairs
            .map(|(a, b)| (a - b).abs())
            .fold(0.0_f32, |far, one| if one <= far { far } else { one });
        if far.is_nan() || far > TOLERANCE * largest {
            return Ok(Some(format!(
                "its output '{}' differs by {far:.2e} from the CPU's, whose largest value is {largest:.2e}; allowed is \
                 {:.2e}",
                info.name,
                TOLERANCE * largest
            )));
        }
    }
    Ok(None)
}

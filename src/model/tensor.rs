//! Tensors for the inputs and outputs of a session, without needless copies.

use super::manifest::TensorType;
use crate::error::{Error, Result};
use ndarray::{ArrayD, ArrayViewD, CowArray, IxDyn};
use ort::session::SessionInputValue;
use ort::value::{DynValue, PrimitiveTensorElementType, TensorElementType, TensorRef, Value, ValueType};
use std::path::{Path, PathBuf};

/// An input tensor.
#[derive(Debug)]
pub enum Tensor {
    /// 32-bit floating point.
    F32(ArrayD<f32>),
    /// 64-bit signed integers.
    I64(ArrayD<i64>),
    /// 8-bit unsigned integers.
    U8(ArrayD<u8>),
    /// An output of an earlier run, in ONNX Runtime's memory: a decoder's keys and values are fed
    /// back without being copied.
    Kept(Kept),
}

/// A tensor in ONNX Runtime's own memory; returned by [`Outputs::take`].
#[derive(Debug)]
pub struct Kept(DynValue);

impl From<ArrayD<f32>> for Tensor {
    fn from(array: ArrayD<f32>) -> Self {
        Self::F32(array)
    }
}

impl From<ArrayD<i64>> for Tensor {
    fn from(array: ArrayD<i64>) -> Self {
        Self::I64(array)
    }
}

impl From<ArrayD<u8>> for Tensor {
    fn from(array: ArrayD<u8>) -> Self {
        Self::U8(array)
    }
}

impl Tensor {
    /// Type of the elements; `None` for a kept tensor of a type that this library does not read.
    pub fn element(&self) -> Option<TensorType> {
        match self {
            Self::F32(_) => Some(TensorType::F32),
            Self::I64(_) => Some(TensorType::I64),
            Self::U8(_) => Some(TensorType::U8),
            Self::Kept(Kept(value)) => match value.dtype() {
                ValueType::Tensor { ty, .. } => element_type(*ty),
                _ => None,
            },
        }
    }

    /// A view that ONNX Runtime can read; copies only tensors that are not in row-major order.
    pub(super) fn as_input(&self) -> ort::Result<SessionInputValue<'_>> {
        fn view<T: PrimitiveTensorElementType + std::fmt::Debug + Clone + 'static>(
            array: &ArrayD<T>,
        ) -> ort::Result<SessionInputValue<'_>> {
            match array.as_standard_layout() {
                CowArray { .. } if array.is_standard_layout() => Ok(TensorRef::from_array_view(array)?.into()),
                copy => Ok(Value::from_array(copy.into_owned())?.into()),
            }
        }
        match self {
            Self::F32(array) => view(array),
            Self::I64(array) => view(array),
            Self::U8(array) => view(array),
            Self::Kept(Kept(value)) => Ok(value.into()),
        }
    }
}

pub(super) fn element_type(ty: TensorElementType) -> Option<TensorType> {
    match ty {
        TensorElementType::Float32 => Some(TensorType::F32),
        TensorElementType::Int64 => Some(TensorType::I64),
        TensorElementType::Uint8 => Some(TensorType::U8),
        _ => None,
    }
}

/// The outputs of a run, by name.
#[derive(Debug)]
pub struct Outputs {
    model: PathBuf,
    values: Vec<(String, DynValue)>,
}

impl Outputs {
    pub(super) fn new(model: &Path, values: Vec<(String, DynValue)>) -> Self {
        Self {
            model: model.to_owned(),
            values,
        }
    }

    /// An f32 output, without copying.
    ///
    /// # Errors
    /// [`Error::Inference`] when there is no such output, or it has another type.
    pub fn f32(&self, name: &str) -> Result<ArrayViewD<'_, f32>> {
        self.view(name)
    }

    /// Removes an output, so that it can be an input of a later run, without copying it.
    ///
    /// # Errors
    /// [`Error::Inference`] when there is no such output, or it has already been taken.
    pub fn take(&mut self, name: &str) -> Result<Tensor> {
        let index = self.index(name)?;
        Ok(Tensor::Kept(Kept(self.values.swap_remove(index).1)))
    }

    fn index(&self, name: &str) -> Result<usize> {
        self.values
            .iter()
            .position(|(n, _)| n == name)
            .ok_or_else(|| Error::Inference {
                path: self.model.clone(),
                reason: format!("no output '{name}'"),
            })
    }

    fn view<T: PrimitiveTensorElementType>(&self, name: &str) -> Result<ArrayViewD<'_, T>> {
        let refuse = |reason: String| Error::Inference {
            path: self.model.clone(),
            reason: format!("output '{name}': {reason}"),
        };
        let (shape, data) = self.values[self.index(name)?]
            .1
            .try_extract_tensor::<T>()
            .map_err(|e| refuse(e.message().to_owned()))?;
        let shape: Vec<usize> = shape.iter().map(|d| *d as usize).collect();
        ArrayViewD::from_shape(IxDyn(&shape), data).map_err(|e| refuse(e.to_string()))
    }
}

//! ONNX Runtime: names, shapes and numbers only; neither music nor poses. The only place that imports ort.
//!
//! ```text
//! Runtime::load ─► Session::open(runtime, manifest, name) ─► Session::run(tensors) ─► Outputs
//! ```
//!
//! A [`Session`] exists only when its file has the hash, and its tensors the names, types and shapes, that the
//! [`Manifest`] says.

mod library;
pub mod manifest;
pub mod runtime;
pub mod session;
mod tensor;

pub use manifest::Manifest;
pub use runtime::Runtime;
pub use session::{Options, Session};
pub use tensor::Tensor;

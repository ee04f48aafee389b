//! ONNX Runtime: names, shapes and numbers; nothing about music or poses. The only module that
//! imports ort.
//!
//! ```text
//! Runtime::load ─► Session::open(runtime, manifest, name) ─► Session::run(tensors) ─► Outputs
//! ```
//!
//! A [`Session`] exists only if its file has the hash, and its tensors the names, types and shapes,
//! in the [`Manifest`].

mod agreement;
mod library;
pub(crate) mod machine;
pub mod manifest;
pub mod provider;
pub mod runtime;
pub mod session;
mod tensor;

pub use manifest::Manifest;
pub use provider::Provider;
pub use runtime::Runtime;
pub use session::{Options, Session};
pub use tensor::Tensor;

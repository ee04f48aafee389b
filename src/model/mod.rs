//! ONNX Runtime: names, shapes and numbers only; neither music nor poses. The only place that imports ort.

"""Compares two ONNX files of one model whose tensors may be named and ordered differently:
checks for the same weights and operations, and the same outputs for the same noise, bit for
bit."""

import argparse
import collections
import hashlib

import numpy as np
import onnx
import onnxruntime
from onnx import numpy_helper


def weights(model):
    arrays = (numpy_helper.to_array(weight) for weight in model.graph.initializer)
    return collections.Counter((str(a.dtype), a.shape, hashlib.sha256(a.tobytes()).hexdigest()) for a in arrays)


def operations(model):
    def attributes(node):
        return tuple(sorted(attribute.SerializeToString() for attribute in node.attribute))

    return collections.Counter((node.op_type, attributes(node)) for node in model.graph.node)


def outputs(path):
    session = onnxruntime.InferenceSession(path, providers=["CPUExecutionProvider"])
    random = np.random.default_rng(1)
    feed = {}
    for tensor in session.get_inputs():
        shape = [length if isinstance(length, int) else 2 if index == 0 else 256 for index, length in enumerate(tensor.shape)]
        noise = random.integers(0, 256, shape)
        feed[tensor.name] = noise.astype(np.uint8) if "uint8" in tensor.type else (noise / 255).astype(np.float32)
    names = [tensor.name for tensor in session.get_outputs()]
    return dict(zip(names, session.run(names, feed)))


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("first")
    parser.add_argument("second")
    options = parser.parse_args()
    first, second = onnx.load(options.first), onnx.load(options.second)
    if weights(first) != weights(second):
        raise SystemExit(f"{options.second}: weights differ from {options.first}")
    if operations(first) != operations(second):
        raise SystemExit(f"{options.second}: operations differ from {options.first}")
    expected, found = outputs(options.first), outputs(options.second)
    if expected.keys() != found.keys():
        raise SystemExit(f"{options.second}: outputs {list(found)}, expected {list(expected)}")
    for name, array in expected.items():
        if not np.array_equal(array, found[name]):
            raise SystemExit(f"{options.second}: output {name} differs by up to {np.abs(array - found[name]).max()}")
    print(f"{options.second}: the same model as {options.first}")


if __name__ == "__main__":
    main()

"""Stores the weights of convolutions as 8-bit integers with one scale per output channel, and other
weights as half floats.

Only the file gets smaller: a cast and a multiplication convert them to single floats, and ONNX
Runtime folds both when it loads the model. Depthwise and 2 × 2 kernels stay half floats: the
former are small, the latter (the landmark heads) lose too much accuracy.
"""

import argparse
import hashlib

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

from tidy import fits_half

LEAST_SIZE = 1024
# A channel's largest weights may be clipped if that makes its other weights more exact.
CLIPS = (1.0, 0.97, 0.94, 0.9, 0.86, 0.82)


def quantised(weights):
    """8-bit integers and the scale of each output channel that fit `weights` best (least
    squares)."""
    channels = len(weights)
    full = np.abs(weights).reshape(channels, -1).max(1) / 127
    full[full == 0] = 1e-12
    best, least = full, None
    for clip in CLIPS:
        scale = full * clip
        scaled = scale[:, None, None, None]
        whole = np.clip(np.round(weights / scaled), -127, 127)
        error = ((whole * scaled - weights) ** 2).reshape(channels, -1).sum(1)
        if least is None:
            best, least = scale.copy(), error
        else:
            better = error < least
            best[better], least[better] = scale[better], error[better]
    whole = np.clip(np.round(weights / best[:, None, None, None]), -127, 127).astype(np.int8)
    return whole, best.astype(np.float32).reshape(-1, 1, 1, 1)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("source")
    parser.add_argument("target")
    parser.add_argument("--keep", default="", help="weights to keep as half floats: first 8 digits of their SHA-1, with commas")
    options = parser.parse_args()
    keep = set(options.keep.split(","))

    model = onnx.load(options.source)
    graph = model.graph
    originals = {weight.name: weight for weight in graph.initializer}
    done, nodes, weights = set(), [], []
    for node in graph.node:
        if node.op_type != "Conv" or node.input[1] not in originals or node.input[1] in done:
            continue
        name = node.input[1]
        array = numpy_helper.to_array(originals[name])
        depthwise, head = array.shape[1] == 1, array.shape[2] == 2
        if array.dtype != np.float32 or array.size < LEAST_SIZE or depthwise or head:
            continue
        if hashlib.sha1(array.tobytes()).hexdigest()[:8] in keep:
            continue
        whole, scale = quantised(array)
        done.add(name)
        weights += [numpy_helper.from_array(whole, name + "_q"), numpy_helper.from_array(scale, name + "_s")]
        nodes += [
            helper.make_node("Cast", [name + "_q"], [name + "_f"], to=TensorProto.FLOAT),
            helper.make_node("Mul", [name + "_f", name + "_s"], [name]),
        ]
    for weight in graph.initializer:
        if weight.name in done:
            continue
        array = numpy_helper.to_array(weight)
        if fits_half(array):
            weights.append(numpy_helper.from_array(array.astype(np.float16), weight.name + "_h"))
            nodes.append(helper.make_node("Cast", [weight.name + "_h"], [weight.name], to=TensorProto.FLOAT))
        else:
            weights.append(weight)
    del graph.initializer[:]
    graph.initializer.extend(weights)
    nodes += list(graph.node)
    del graph.node[:]
    graph.node.extend(nodes)
    onnx.checker.check_model(model)
    onnx.save(model, options.target)


if __name__ == "__main__":
    main()

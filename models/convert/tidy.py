"""Tidies the output of tf2onnx: keeps and names the wanted outputs, drops unused nodes, shortens
all other names, and, if requested, frees the batch dimension and stores weights as half floats.

Half-float weights are followed by a cast to single floats, which ONNX Runtime folds when it loads
the model: the file is half as large, and sums are still those of single floats. Nothing is lost if
the original's weights are already half floats, like MediaPipe's.
"""

import argparse

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper, shape_inference

# Smaller tensors are not worth a cast; larger values do not fit in a half float.
LEAST_SIZE = 64
GREATEST_VALUE = 6e4


def fits_half(array):
    return array.dtype == np.float32 and array.size >= LEAST_SIZE and np.abs(array).max() < GREATEST_VALUE


def rename(graph, names):
    for node in graph.node:
        for tensors in (node.input, node.output):
            for index, name in enumerate(tensors):
                tensors[index] = names.get(name, name)


def keep_outputs(graph, names):
    """Keeps the outputs `names` (old name to new), in that order, and the nodes that lead to
    them."""
    outputs = {output.name: output for output in graph.output}
    missing = [name for name in names if name not in outputs]
    if missing:
        raise SystemExit(f"no output {', '.join(missing)}; there are {', '.join(outputs)}")
    rename(graph, names)
    kept = [outputs[name] for name in names]
    for output in kept:
        output.name = names[output.name]
    del graph.output[:]
    graph.output.extend(kept)

    makers = {name: node for node in graph.node for name in node.output}
    wanted, live = [output.name for output in kept], set()
    while wanted:
        node = makers.get(wanted.pop())
        if node is not None and id(node) not in live:
            live.add(id(node))
            wanted.extend(node.input)
    nodes = [node for node in graph.node if id(node) in live]
    del graph.node[:]
    graph.node.extend(nodes)
    drop_unused_weights(graph)


def drop_unused_weights(graph):
    used = {name for node in graph.node for name in node.input}
    weights = [weight for weight in graph.initializer if weight.name in used]
    del graph.initializer[:]
    graph.initializer.extend(weights)


def free_batch(graph):
    """Lets the first dimension of inputs and outputs be any number, and makes reshapes copy it."""
    weights = {weight.name: weight for weight in graph.initializer}
    for node in graph.node:
        if node.op_type != "Reshape" or node.input[1] not in weights:
            continue
        shape = numpy_helper.to_array(weights[node.input[1]]).copy()
        if len(shape) > 1 and shape[0] == 1 or len(shape) == 2 and shape[0] == -1:
            shape[0] = 0  # means: as in the input
        else:
            continue
        name = node.input[1] + "_b"
        node.input[1] = name
        if name not in weights:
            weights[name] = numpy_helper.from_array(shape, name)
            graph.initializer.append(weights[name])
    for value in [*graph.input, *graph.output]:
        dimension = value.type.tensor_type.shape.dim[0]
        dimension.ClearField("dim_value")
        dimension.dim_param = "N"
    drop_unused_weights(graph)


def halve(graph):
    weights, casts = [], []
    for weight in graph.initializer:
        array = numpy_helper.to_array(weight)
        if fits_half(array):
            weights.append(numpy_helper.from_array(array.astype(np.float16), weight.name + "_h"))
            casts.append(
                helper.make_node("Cast", [weight.name + "_h"], [weight.name], to=TensorProto.FLOAT, name="cast_" + weight.name)
            )
        else:
            weights.append(weight)
    del graph.initializer[:]
    graph.initializer.extend(weights)
    nodes = [*casts, *graph.node]
    del graph.node[:]
    graph.node.extend(nodes)


def shorten_names(graph):
    fixed = {value.name for value in [*graph.input, *graph.output]}
    short = {}

    def shortened(name):
        if not name or name in fixed:
            return name
        return short.setdefault(name, f"t{len(short)}")

    for weight in graph.initializer:
        weight.name = shortened(weight.name)
    for index, node in enumerate(graph.node):
        node.name, node.doc_string = f"n{index}", ""
        for tensors in (node.input, node.output):
            for position, name in enumerate(tensors):
                tensors[position] = shortened(name)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("source")
    parser.add_argument("target")
    parser.add_argument("input", help="new name of the only input")
    parser.add_argument("outputs", nargs="+", metavar="OLD=NEW")
    parser.add_argument("--free-batch", action="store_true")
    parser.add_argument("--half", action="store_true")
    options = parser.parse_args()

    model = onnx.load(options.source)
    graph = model.graph
    rename(graph, {graph.input[0].name: options.input})
    graph.input[0].name = options.input
    keep_outputs(graph, dict(pair.rsplit("=", 1) for pair in options.outputs))
    del graph.value_info[:]
    if options.free_batch:
        free_batch(graph)
    drop_unused_weights(graph)
    if options.half:
        halve(graph)
    shorten_names(graph)
    model = shape_inference.infer_shapes(model)
    del model.graph.value_info[:]
    onnx.checker.check_model(model)
    onnx.save(model, options.target)


if __name__ == "__main__":
    main()

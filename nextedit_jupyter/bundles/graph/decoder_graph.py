"""The decoder as one ONNX graph, built by hand: float32 for reference, row-wise INT8 to serve.

Row-wise: activations are quantised with one scale per row, weights with one per column, so a logit
does not depend on how the prompt was split into passes. Prefix reuse and speculation rely on that
(docs/adr/0004). Large imported models, which are limited by memory bandwidth, use 4 bits in blocks
of 32 instead (`MatMulNBits` at accuracy level 4, which is also independent of the split).

Inputs: `input_ids` int64 [1, n]; `seqlens_k` int32 [1], the positions after this pass less one;
`total` int32 [], the positions after this pass; `start` int64 [1], the first of the n rows whose
logits are wanted; `past.{i}.key` and `past.{i}.value` float32 [1, kv_heads, context, head_dim].
Outputs: `logits` float32 [1, n - start, vocab_size]; `present.{i}.key` and `.value`, which may be
bound to the same buffers as `past`.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping

import numpy as np
import onnx
from onnx import TensorProto, helper

from nextedit_jupyter.bundles.graph.layers import add_layers
from nextedit_jupyter.bundles.graph.rounding import Int8Columns, hadamard_rotated
from nextedit_jupyter.bundles.graph.shape import Floats, GraphShape, rotary_tables
from nextedit_jupyter.bundles.graph.writer import GraphWriter

INPUTS = frozenset(("qkv", "out", "gate", "down", "head"))  # `gate` includes `up`
COMPANY = -1  # the id of a padding row, because a pass never has a single row
COMPANY_KEY = "nextedit.company"  # the metadata key of a graph that supports that id


def build_graph(
    shape: GraphShape,
    weights: Mapping[str, Floats],
    *,
    int8: bool = True,
    bits: int = 8,
    fine: Collection[str] = (),
    turn: Collection[str] = (),
    packed: Mapping[str, Int8Columns] | None = None,
) -> onnx.ModelProto:
    """Build the graph from weights with the names of `training.model.Decoder` (rows are outputs).

    The embedding is stored once, as int8 [vocab_size, width] with a scale per token, and is used
    both as table and, transposed when the model is loaded, as head; if they are not tied, the head
    is `head.weight`. Biases are `layers.{i}.qkv.bias`. With `bits=4` the layers' matrices have 4
    bits, table and head 8. Each weight is accessed once, so `weights` may read them from a file one
    by one.

    Two options bring 8 bits closer to float32, each for some of `INPUTS`. `turn`: a Hadamard
    rotation spreads values over blocks of inputs before rounding; the matrix (and the table, if it
    is also the head) is rotated likewise. `fine`: the rounding error is also rounded and
    multiplied, which doubles the cost of the product. Matrices in `packed`, by names like
    `layers.{i}.qkv`, are already rounded, and rotated if their inputs are.

    For a mixture (`shape.experts`) it reads `layers.{i}.router.weight`, and `gate`, `up` and `down`
    of `layers.{i}.experts.{e}` and `layers.{i}.shared`; see `experts`. It supports none of the
    options above.
    """
    if bits not in (4, 8):
        raise ValueError(f"weights take 8 or 4 bits, not {bits}")
    if not INPUTS.issuperset((*fine, *turn)):
        raise ValueError(f"inputs are {sorted(INPUTS)}, not {sorted({*fine, *turn} - INPUTS)}")
    if shape.experts and (fine or turn or packed):
        raise ValueError("a mixture's matrices are rounded plainly")
    graph = GraphWriter(shape, int8=int8, bits=bits, fine=fine, turn=turn, packed=packed)
    x = _embedded(graph, shape, weights)
    cos, sin = rotary_tables(shape)
    graph.weight("cos", cos)
    graph.weight("sin", sin)
    gain = weights["norm.weight"]
    if shape.logits_scale != 1.0:  # only the head uses this norm's output
        gain = gain * np.float32(shape.logits_scale)
    graph.weight("norm.gain", gain)
    x = add_layers(graph, shape, weights, x)
    logits = _logits(graph, shape, weights, x)
    graph.nodes.append(helper.make_node("Identity", [logits], ["logits"], "logits"))
    return _model(graph, shape)


def _embedded(graph: GraphWriter, shape: GraphShape, weights: Mapping[str, Floats]) -> str:
    embedding = weights["embedding.weight"]  # [vocab_size, width]
    if graph.int8:
        turns = shape.tied and "head" in graph.turn
        table = Int8Columns.of(
            hadamard_rotated(embedding.T) if turns else np.ascontiguousarray(embedding.T)
        )
        rows = graph.weight(f"embedding.{'turned' if turns else 'int8'}", table.values.T)
        graph.weight("embedding.scale", table.scales)
        taken = graph.one("Gather", rows, "input_ids", axis=0)
        scale = graph.one("Gather", "embedding.scale", "input_ids", axis=0)
        scale = graph.one("Unsqueeze", scale, "last_axis")
        x = graph.one("Mul", graph.one("Cast", taken, to=TensorProto.FLOAT), scale)
        if turns:
            x = graph.rotated(x, shape.width)
    else:
        graph.weight("embedding.weight", embedding)
        x = graph.one("Gather", "embedding.weight", "input_ids", axis=0)
    if shape.embedding_scale == 1.0:
        return x
    by = graph.weight("embedding.multiplier", np.array(shape.embedding_scale, np.float32))
    return graph.one("Mul", x, by)


def _logits(graph: GraphWriter, shape: GraphShape, weights: Mapping[str, Floats], x: str) -> str:
    if graph.int8:
        if shape.tied:
            rows = f"embedding.{'turned' if 'head' in graph.turn else 'int8'}"
            head = (graph.one("Transpose", rows, perm=[1, 0]), "embedding.scale")
        else:
            head = graph.columns("head", "head", np.ascontiguousarray(weights["head.weight"].T))
        return graph.scaled(graph.quantised("head", x, shape.width), *head)
    if shape.tied:
        return graph.one("MatMul", x, graph.one("Transpose", "embedding.weight", perm=[1, 0]))
    head_matrix = graph.weight("head.weight", weights["head.weight"].T)
    return graph.one("MatMul", x, head_matrix)


def _model(graph: GraphWriter, shape: GraphShape) -> onnx.ModelProto:
    cache = [1, shape.kv_heads, shape.context, shape.head_dim]
    inputs = [
        helper.make_tensor_value_info("input_ids", TensorProto.INT64, [1, "n"]),
        helper.make_tensor_value_info("seqlens_k", TensorProto.INT32, [1]),
        helper.make_tensor_value_info("total", TensorProto.INT32, []),
        helper.make_tensor_value_info("start", TensorProto.INT64, [1]),
    ]
    outputs = [
        helper.make_tensor_value_info("logits", TensorProto.FLOAT, [1, "m", shape.vocab_size])
    ]
    for i in range(shape.layers):
        for part in ("key", "value"):
            inputs.append(
                helper.make_tensor_value_info(f"past.{i}.{part}", TensorProto.FLOAT, cache)
            )
            outputs.append(
                helper.make_tensor_value_info(f"present.{i}.{part}", TensorProto.FLOAT, cache)
            )
    model = helper.make_model(
        helper.make_graph(graph.nodes, "decoder", inputs, outputs, graph.weights),
        opset_imports=[helper.make_opsetid("", 21), helper.make_opsetid("com.microsoft", 1)],
        producer_name="nextedit-jupyter",
        ir_version=10,
    )
    if shape.experts:
        helper.set_model_props(model, {COMPANY_KEY: str(COMPANY)})
    return model

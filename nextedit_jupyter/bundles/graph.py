"""The decoder as one ONNX graph, built by hand: float32 for reference, row-wise INT8 to serve.

Row-wise: activations are quantised with one scale a row, weights with one a column, so a logit
does not depend on how the prompt was cut into passes. Prefix reuse and speculation rest on that
(docs/adr/0004). Large imported models, which memory bandwidth rules, take 4 bits in blocks of 32
instead (`MatMulNBits` at accuracy level 4, which is exact under cutting too).

Inputs: `input_ids` int64 [1, n]; `seqlens_k` int32 [1], the positions after this pass less one;
`total` int32 [], the positions after this pass; `start` int64 [1], from which of the n rows on
logits are wanted; `past.{i}.key` and `past.{i}.value` float32 [1, kv_heads, context, head_dim].
Outputs: `logits` float32 [1, n - start, vocab_size]; `present.{i}.key` and `.value`, which may be
bound to the same buffers as `past`.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
import numpy.typing as npt
import onnx
from onnx import TensorProto, helper, numpy_helper

from nextedit_jupyter.bundles.rounded import (
    BLOCK,
    Doubles,
    Floats,
    Int4Blocks,
    Int8Columns,
    turn,
    turn_block,
    turned,
)

ZERO_POINT = 128  # of uint8 activations
INPUTS = frozenset(("qkv", "out", "gate", "down", "head"))  # `gate` stands for `up` as well
FINE = 254.0  # steps of a remainder in one of its row: it is half a step at most


@dataclass(frozen=True, slots=True)
class RopeScaling:
    """How the rotary frequencies were stretched to reach further than they were trained.

    `linear` divides every frequency by `factor`. `llama3` divides those whose wavelength is longer
    than `original_context / low_frequency_factor`, leaves those shorter than `original_context /
    high_frequency_factor`, and goes over smoothly between (Llama 3.1's published rule).
    """

    kind: Literal["linear", "llama3"]
    factor: float
    low_frequency_factor: float = 1.0
    high_frequency_factor: float = 4.0
    original_context: int = 8192

    def apply(self, frequencies: Doubles) -> Doubles:
        """Scaled frequencies, float64 [head_dim / 2], in radians a position."""
        if self.kind == "linear":
            return frequencies / self.factor
        wavelengths = 2 * np.pi / frequencies
        low, high = self.low_frequency_factor, self.high_frequency_factor
        blend = (self.original_context / wavelengths - low) / (high - low)
        blend = np.clip(blend, 0.0, 1.0)
        scaled: Doubles = (1 - blend) * frequencies / self.factor + blend * frequencies
        return scaled


@dataclass(frozen=True, slots=True)
class GraphShape:
    """Sizes of a Llama-shaped decoder; the attributes of `training.network.Shape` that matter.

    `tied`: the embedding is the head as well. `qkv_bias`: query, key and value have biases, as in
    Qwen2.
    """

    vocab_size: int
    width: int
    layers: int
    heads: int
    kv_heads: int
    head_dim: int
    hidden: int
    context: int = 2048
    rope_theta: float = 10_000.0
    norm_eps: float = 1e-5
    tied: bool = True
    qkv_bias: bool = False
    rope_scaling: RopeScaling | None = None


@dataclass(frozen=True, slots=True)
class _Rows:
    """Names of uint8 rows [1, n, width] and of their float32 scales [1, n, 1].

    `rest`, where there is one, is what the values leave of the row, in 254ths of the scale.
    """

    values: str
    scales: str
    rest: str = ""


class _Graph:
    """Nodes and weights in the order in which they are added."""

    def __init__(
        self,
        shape: GraphShape,
        *,
        int8: bool,
        bits: int = 8,
        fine: Collection[str] = (),
        turn: Collection[str] = (),
        packed: Mapping[str, Int8Columns] | None = None,
    ) -> None:
        self.shape = shape
        self.turn = turn
        self.packed = packed or {}
        self.fine = fine
        self.int8 = int8
        self.bits = bits
        self.nodes: list[onnx.NodeProto] = []
        self.weights: list[onnx.TensorProto] = []
        self._count = 0
        if int8:
            self.weight("row_limit", np.array(127.0, np.float32))
            self.weight("row_zero", np.array(ZERO_POINT, np.uint8))
            self.weight("row_zeros", np.full((1, shape.context, 1), ZERO_POINT, np.uint8))
            self.weight("one", np.array(1.0, np.float32))
            self.weight("first", np.array([0], np.int64))
            self.weight("last_axis", np.array([-1], np.int64))
            if fine:
                self.weight("fine_step", np.array(1 / FINE, np.float32))
        self.weight("end", np.array([np.iinfo(np.int64).max], np.int64))
        self.weight("axis1", np.array([1], np.int64))
        self._zeros: str | None = None
        self._turns: set[str] = set()

    def weight(self, name: str, value: npt.NDArray[Any]) -> str:
        self.weights.append(numpy_helper.from_array(np.ascontiguousarray(value), name))
        return name

    def node(self, op: str, inputs: list[str], outputs: int = 1, **attributes: Any) -> list[str]:
        self._count += 1
        names = [f"{op}_{self._count}_{i}" for i in range(outputs)]
        self.nodes.append(helper.make_node(op, inputs, names, f"{op}_{self._count}", **attributes))
        return names

    def one(self, op: str, *inputs: str, **attributes: Any) -> str:
        return self.node(op, list(inputs), 1, **attributes)[0]

    def quantised(self, name: str, x: str, width: int) -> _Rows:
        """Give x [1, n, width], the inputs called `name`, as uint8 rows and their scales.

        A row of zeros has the scale 0, and whatever its quotient is becomes 0 when the product is
        scaled again.
        """
        if name in self.turn:
            x = self.turned(x, width)
        if name in self.fine:
            return self._fine(x)
        if self._zeros is None:
            count = self.one("Shape", x, start=1, end=2)
            self._zeros = self.one("Slice", "row_zeros", "first", count, "axis1")
        scale = self.row_scale(x)
        # One QuantizeLinear with a block a row.
        rows = self.one("QuantizeLinear", x, scale, self._zeros, axis=2, block_size=width)
        return _Rows(rows, scale)

    def row_scale(self, x: str) -> str:
        peak = self.one("ReduceMax", self.one("Abs", x), "last_axis", keepdims=1)
        return self.one("Div", peak, "row_limit")

    def turned(self, x: str, width: int) -> str:
        """Spread each value of x [1, n, width] over its block, so that none stands out in its row.

        One scale has to do for a row. The largest of the inputs of `down` is 12 to 20 times their
        root mean square, 3.7 times when turned (QuaRot, Ashkboos et al. 2024).
        """
        size = turn_block(width)
        for name, value in (
            (f"turn.{size}", turn(size)),
            (f"turn.{size}.blocks", np.array([1, -1, size], np.int64)),
            (f"turn.{width}.rows", np.array([1, -1, width], np.int64)),
        ):
            if name not in self._turns:
                self._turns.add(self.weight(name, value))
        blocks = self.one("Reshape", x, f"turn.{size}.blocks")
        blocks = self.one("MatMul", blocks, f"turn.{size}")
        return self.one("Reshape", blocks, f"turn.{width}.rows")

    def columns(self, name: str, inputs: str, matrix: Floats) -> tuple[str, str]:
        """Add a matrix [inputs, outputs] in 8 bits, as it was given or rounded plainly.

        A turned one has a name of its own: who reads weights back must turn it or refuse.
        """
        turns = inputs in self.turn
        packed = self.packed.get(name) or Int8Columns.of(turned(matrix) if turns else matrix)
        values = self.weight(f"{name}.{'turned' if turns else 'int8'}", packed.values)
        return values, self.weight(f"{name}.scale", packed.scales)

    def _fine(self, x: str) -> _Rows:
        """Give x in whole steps of its scale, and what that leaves in 254ths of a step.

        Two products cost less than one of both rows laid in one tensor: 512 tokens with fine
        inputs of `down` took 10 % longer, not 35 %.
        """
        scale = self.row_scale(x)
        steps = self.one("Div", x, scale)
        whole = self.one("Round", steps)
        rows = self.one("QuantizeLinear", whole, "one", "row_zero")
        rest = self.one("Sub", steps, whole)
        return _Rows(rows, scale, self.one("QuantizeLinear", rest, "fine_step", "row_zero"))

    def wanted(self, x: str) -> str:
        """Only the rows of x whose logits are wanted; all rows after this are those."""
        self._zeros = None
        return self.one("Slice", x, "start", "end", "axis1")

    def linear(self, name: str, x: str, rows: _Rows | None, matrix: Floats) -> str:
        """Give x @ matrix [inputs, outputs]; `rows` is x as `quantised` gives it."""
        if rows is None and self.int8:
            blocks = Int4Blocks.of(matrix)
            return self.one(
                "MatMulNBits",
                x,
                self.weight(f"{name}.int4", blocks.values),
                self.weight(f"{name}.scale", blocks.scales),
                domain="com.microsoft",
                K=matrix.shape[0],
                N=matrix.shape[1],
                bits=4,
                block_size=BLOCK,
                accuracy_level=4,
            )
        if rows is None:
            return self.one("MatMul", x, self.weight(f"{name}.weight", matrix))
        part = name.rpartition(".")[2]
        return self.scaled(rows, *self.columns(name, "gate" if part == "up" else part, matrix))

    def scaled(self, rows: _Rows, values: str, scales: str) -> str:
        product = self.product(rows.values, "one", values, scales)
        if rows.rest:
            rest = self.product(rows.rest, "fine_step", values, scales)
            product = self.one("Add", product, rest)
        return self.one("Mul", product, rows.scales)

    def product(self, rows: str, step: str, values: str, scales: str) -> str:
        """Integer rows of `step` times int8 columns, scaled by column as it is written."""
        inputs = [rows, values, step, scales, "row_zero"]
        return self.one("MatMulIntegerToFloat", *inputs, domain="com.microsoft")

    def rows_of(self, name: str, x: str, width: int) -> _Rows | None:
        return self.quantised(name, x, width) if self.int8 and self.bits == 8 else None


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
    """Build the graph from weights as `training.network.Decoder` names them (rows are outputs).

    The embedding is stored once, as int8 [vocab_size, width] with a scale a token, and serves
    both as table and, transposed when the model is loaded, as head; where they are not tied the
    head is `head.weight`. Biases are `layers.{i}.qkv.bias`. With `bits=4` the layers' matrices
    take 4 bits, table and head 8. Each weight is asked for once, so `weights` may read them from a
    file one by one.

    Two options bring 8 bits nearer to float32, each for some of `INPUTS`. `turn`: values are
    spread over blocks of inputs before they are rounded, the matrix (and the table, where it is the
    head as well) being turned alike. `fine`: what rounding leaves is rounded again and multiplied
    too, which costs the product twice. Matrices in `packed`, by names as `layers.{i}.qkv`, were
    rounded by other means, turned where their inputs are.
    """
    if bits not in (4, 8):
        raise ValueError(f"weights take 8 or 4 bits, not {bits}")
    if not INPUTS.issuperset((*fine, *turn)):
        raise ValueError(f"inputs are {sorted(INPUTS)}, not {sorted({*fine, *turn} - INPUTS)}")
    graph = _Graph(shape, int8=int8, bits=bits, fine=fine, turn=turn, packed=packed)
    x, table = _embedded(graph, shape, weights)
    cos, sin = rotary_tables(shape)
    graph.weight("cos", cos)
    graph.weight("sin", sin)
    graph.weight("norm.gain", weights["norm.weight"])
    x = _layers(graph, shape, weights, x)
    logits = _logits(graph, shape, weights, x, table)
    graph.nodes.append(helper.make_node("Identity", [logits], ["logits"], "logits"))
    return _model(graph, shape)


def _embedded(graph: _Graph, shape: GraphShape, weights: Mapping[str, Floats]) -> tuple[str, str]:
    """Add the embedding; gives its output and the name of its table, which may be the head too."""
    embedding = weights["embedding.weight"]  # [vocab_size, width]
    if not graph.int8:
        table = graph.weight("embedding.weight", embedding)
        return graph.one("Gather", table, "input_ids", axis=0), table
    turns = shape.tied and "head" in graph.turn
    matrix = turned(embedding.T) if turns else np.ascontiguousarray(embedding.T)
    columns = Int8Columns.of(matrix)
    table = graph.weight(f"embedding.{'turned' if turns else 'int8'}", columns.values.T)
    graph.weight("embedding.scale", columns.scales)
    taken = graph.one("Gather", table, "input_ids", axis=0)
    scale = graph.one("Gather", "embedding.scale", "input_ids", axis=0)
    scale = graph.one("Unsqueeze", scale, "last_axis")
    x = graph.one("Mul", graph.one("Cast", taken, to=TensorProto.FLOAT), scale)
    return graph.turned(x, shape.width) if turns else x, table


def _logits(
    graph: _Graph, shape: GraphShape, weights: Mapping[str, Floats], x: str, table: str
) -> str:
    """Add the head, which is `table` transposed where the two are tied."""
    if graph.int8:
        if shape.tied:
            head = (graph.one("Transpose", table, perm=[1, 0]), "embedding.scale")
        else:
            head = graph.columns("head", "head", np.ascontiguousarray(weights["head.weight"].T))
        return graph.scaled(graph.quantised("head", x, shape.width), *head)
    if shape.tied:
        return graph.one("MatMul", x, graph.one("Transpose", table, perm=[1, 0]))
    return graph.one("MatMul", x, graph.weight("head.weight", weights["head.weight"].T))


def _layers(graph: _Graph, shape: GraphShape, weights: Mapping[str, Floats], x: str) -> str:
    """Add the layers and the last norm; gives its output for the rows whose logits are wanted.

    The last layer's keys and values are needed for all rows, the rest of it only for those.
    """
    eps = shape.norm_eps
    residual = x
    for i in range(shape.layers):
        at = f"layers.{i}"
        gain = graph.weight(f"{at}.norm_attention", weights[f"{at}.norm_attention.weight"])
        if i == 0:
            y = graph.one(
                "SimplifiedLayerNormalization", x, gain, axis=-1, epsilon=eps, stash_type=1
            )
        else:
            y, residual = _skip_norm(graph, x, residual, gain, eps)
        rows = graph.rows_of("qkv", y, shape.width)
        qkv = graph.linear(f"{at}.qkv", y, rows, weights[f"{at}.qkv.weight"].T)
        if shape.qkv_bias:
            bias = graph.weight(f"{at}.qkv.bias", weights[f"{at}.qkv.bias"])
            qkv = graph.one("Add", qkv, bias)
        mixed = _attention(graph, shape, i, qkv)
        if i == shape.layers - 1:
            mixed, residual = graph.wanted(mixed), graph.wanted(residual)
        rows = graph.rows_of("out", mixed, shape.heads * shape.head_dim)
        x = graph.linear(f"{at}.out", mixed, rows, weights[f"{at}.out.weight"].T)
        gain = graph.weight(f"{at}.norm_mlp", weights[f"{at}.norm_mlp.weight"])
        y, residual = _skip_norm(graph, x, residual, gain, eps)
        rows = graph.rows_of("gate", y, shape.width)
        gate = graph.linear(f"{at}.gate", y, rows, weights[f"{at}.gate.weight"].T)
        up = graph.linear(f"{at}.up", y, rows, weights[f"{at}.up.weight"].T)
        graph.nodes.append(
            helper.make_node(
                "QuickGelu",
                [gate],
                [f"{at}.silu"],
                f"{at}.silu",
                domain="com.microsoft",
                alpha=1.0,  # with alpha 1 it is SiLU
            )
        )
        gated = graph.one("Mul", f"{at}.silu", up)
        rows = graph.rows_of("down", gated, shape.hidden)
        x = graph.linear(f"{at}.down", gated, rows, weights[f"{at}.down.weight"].T)
    normed, _ = _skip_norm(graph, x, residual, "norm.gain", eps)
    return normed


def _attention(graph: _Graph, shape: GraphShape, layer: int, qkv: str) -> str:
    """Add a layer's attention over what is cached and this pass; gives its output."""
    name = f"layers.{layer}.attention"
    past = [f"past.{layer}.key", f"past.{layer}.value"]
    graph.nodes.append(
        helper.make_node(
            "GroupQueryAttention",
            [qkv, "", "", *past, "seqlens_k", "total", "cos", "sin"],
            [name, f"present.{layer}.key", f"present.{layer}.value"],
            name,
            domain="com.microsoft",
            num_heads=shape.heads,
            kv_num_heads=shape.kv_heads,
            do_rotary=1,
            rotary_interleaved=0,
        )
    )
    return name


def _skip_norm(graph: _Graph, x: str, residual: str, gain: str, eps: float) -> tuple[str, str]:
    """Give norm(x + residual) and x + residual."""
    name = f"skip_{len(graph.nodes)}"
    outputs = [f"{name}.norm", "", "", f"{name}.sum"]
    graph.nodes.append(
        helper.make_node(
            "SkipSimplifiedLayerNormalization",
            [x, residual, gain],
            outputs,
            name,
            domain="com.microsoft",
            epsilon=eps,
        )
    )
    return outputs[0], outputs[3]


def rotary_tables(shape: GraphShape) -> tuple[Floats, Floats]:
    """Cosines and sines, float32 [context, head_dim / 2]."""
    exponent = np.arange(0, shape.head_dim, 2, dtype=np.float64) / shape.head_dim
    frequencies = 1.0 / shape.rope_theta**exponent
    if shape.rope_scaling is not None:
        frequencies = shape.rope_scaling.apply(frequencies)
    angle = np.arange(shape.context, dtype=np.float64)[:, None] * frequencies
    return np.cos(angle).astype(np.float32), np.sin(angle).astype(np.float32)


def _model(graph: _Graph, shape: GraphShape) -> onnx.ModelProto:
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
    return helper.make_model(
        helper.make_graph(graph.nodes, "decoder", inputs, outputs, graph.weights),
        opset_imports=[helper.make_opsetid("", 21), helper.make_opsetid("com.microsoft", 1)],
        producer_name="nextedit-jupyter",
        ir_version=10,
    )

"""Collects a graph's nodes and weights: quantised rows, and products of them."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import onnx
from onnx import helper, numpy_helper

from nextedit_jupyter.bundles.graph.rounding import (
    BLOCK,
    Int4Blocks,
    Int8Columns,
    hadamard_matrix,
    hadamard_rotated,
    rotation_block,
)
from nextedit_jupyter.bundles.graph.shape import Floats, GraphShape

ZERO_POINT = 128  # of uint8 activations
FINE = 254.0  # steps of the remainder per step of the row: it is at most half a step


@dataclass(frozen=True, slots=True)
class QuantisedRows:
    """Names of uint8 rows [1, n, width] and of their float32 scales [1, n, 1].

    `rest`, if there is one, is the rounding error of the row, in 254ths of the scale.
    """

    values: str
    scales: str
    rest: str = ""


class GraphWriter:
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
            limit = shape.context * (shape.experts.active if shape.experts else 1)
            self.weight("row_zeros", np.full((1, limit, 1), ZERO_POINT, np.uint8))
            self.weight("one", np.array(1.0, np.float32))
            self.weight("first", np.array([0], np.int64))
            self.weight("last_axis", np.array([-1], np.int64))
            if fine:
                self.weight("fine_step", np.array(1 / FINE, np.float32))
        self.weight("end", np.array([np.iinfo(np.int64).max], np.int64))
        self.weight("axis1", np.array([1], np.int64))
        self._zeros: str | None = None
        self._constants: set[str] = set()

    def weight(self, name: str, value: npt.NDArray[Any]) -> str:
        self.weights.append(numpy_helper.from_array(np.ascontiguousarray(value), name))
        return name

    def constant(self, name: str, value: Any) -> str:
        """A weight that several nodes use; it is added once. Lists are int64."""
        if name not in self._constants:
            self._constants.add(name)
            self.weight(name, np.asarray(value, np.int64) if isinstance(value, list) else value)
        return name

    def node(self, op: str, inputs: list[str], outputs: int = 1, **attributes: Any) -> list[str]:
        self._count += 1
        names = [f"{op}_{self._count}_{i}" for i in range(outputs)]
        self.nodes.append(helper.make_node(op, inputs, names, f"{op}_{self._count}", **attributes))
        return names

    def one(self, op: str, *inputs: str, **attributes: Any) -> str:
        return self.node(op, list(inputs), 1, **attributes)[0]

    def quantised(self, name: str, x: str, width: int, zeros: str | None = None) -> QuantisedRows:
        """Return x [1, n, width], the inputs called `name`, as uint8 rows and their scales.

        A row of zeros has the scale 0, and its quotient becomes 0 when the product is scaled again.
        `zeros` are the zero points of x's rows, if they are not the pass's.
        """
        if name in self.turn:
            x = self.rotated(x, width)
        if name in self.fine:
            return self._fine(x)
        if zeros is None and self._zeros is None:
            count = self.one("Shape", x, start=1, end=2)
            self._zeros = self.one("Slice", "row_zeros", "first", count, "axis1")
        scale = self.row_scale(x)
        # One QuantizeLinear with one block per row.
        points = zeros or self._zeros
        assert points is not None
        rows = self.one("QuantizeLinear", x, scale, points, axis=2, block_size=width)
        return QuantisedRows(rows, scale)

    def row_scale(self, x: str) -> str:
        peak = self.one("ReduceMax", self.one("Abs", x), "last_axis", keepdims=1)
        return self.one("Div", peak, "row_limit")

    def rotated(self, x: str, width: int) -> str:
        """Rotate x [1, n, width] block by block, so that no value is an outlier in its row.

        A row has only one scale. The largest of the inputs of `down` is 12 to 20 times their root
        mean square, and 3.7 times after rotation (QuaRot, Ashkboos et al. 2024).
        """
        size = rotation_block(width)
        for name, value in (
            (f"turn.{size}", hadamard_matrix(size)),
            (f"turn.{size}.blocks", np.array([1, -1, size], np.int64)),
            (f"turn.{width}.rows", np.array([1, -1, width], np.int64)),
        ):
            self.constant(name, value)
        blocks = self.one("Reshape", x, f"turn.{size}.blocks")
        blocks = self.one("MatMul", blocks, f"turn.{size}")
        return self.one("Reshape", blocks, f"turn.{width}.rows")

    def columns(self, name: str, inputs: str, matrix: Floats) -> tuple[str, str]:
        """Add a matrix [inputs, outputs] in 8 bits, as given in `packed` or simply rounded.

        A rotated matrix has a different name: code that reads weights back must rotate it or
        refuse.
        """
        turns = inputs in self.turn
        packed = self.packed.get(name) or Int8Columns.of(
            hadamard_rotated(matrix) if turns else matrix
        )
        values = self.weight(f"{name}.{'turned' if turns else 'int8'}", packed.values)
        return values, self.weight(f"{name}.scale", packed.scales)

    def _fine(self, x: str) -> QuantisedRows:
        """Return x in whole steps of its scale, and the remainder in 254ths of a step.

        Two products cost less than one with both rows in one tensor: 512 tokens with fine inputs of
        `down` took 10 % longer, not 35 %.
        """
        scale = self.row_scale(x)
        steps = self.one("Div", x, scale)
        whole = self.one("Round", steps)
        rows = self.one("QuantizeLinear", whole, "one", "row_zero")
        rest = self.one("Sub", steps, whole)
        return QuantisedRows(rows, scale, self.one("QuantizeLinear", rest, "fine_step", "row_zero"))

    def wanted(self, x: str, start: str = "start") -> str:
        """Only the rows of x from `start` on; all later nodes see only those."""
        self._zeros = None
        return self.one("Slice", x, start, "end", "axis1")

    def linear(self, name: str, x: str, rows: QuantisedRows | None, matrix: Floats) -> str:
        """Return x @ matrix [inputs, outputs]; `rows` is x as returned by `quantised`."""
        if rows is None:
            return self.float_product(name, x, matrix)
        part = name.rpartition(".")[2]
        return self.scaled(rows, *self.columns(name, "gate" if part == "up" else part, matrix))

    def float_product(self, name: str, x: str, matrix: Floats) -> str:
        """Return x @ matrix [inputs, outputs], in float32 or with 4 bits per weight."""
        if not self.int8:
            return self.one("MatMul", x, self.weight(f"{name}.weight", matrix))
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

    def feed_forward(
        self,
        at: str,
        y: str,
        rows: QuantisedRows | None,
        hidden: int,
        weights: Mapping[str, Floats],
    ) -> str:
        """Return down(silu(gate(y)) * up(y)); `rows` is y as returned by `rows_of`."""
        gate = self.linear(f"{at}.gate", y, rows, weights[f"{at}.gate.weight"].T)
        up = self.linear(f"{at}.up", y, rows, weights[f"{at}.up.weight"].T)
        gated = self.one("Mul", self.silu(f"{at}.silu", gate), up)
        rows = self.rows_of("down", gated, hidden)
        return self.linear(f"{at}.down", gated, rows, weights[f"{at}.down.weight"].T)

    def silu(self, name: str, x: str) -> str:
        node = helper.make_node(
            "QuickGelu",
            [x],
            [name],
            name,
            domain="com.microsoft",
            alpha=1.0,  # with alpha 1 it is SiLU
        )
        self.nodes.append(node)
        return name

    def scaled(self, rows: QuantisedRows, values: str, scales: str) -> str:
        product = self.product(rows.values, "one", values, scales)
        if rows.rest:
            rest = self.product(rows.rest, "fine_step", values, scales)
            product = self.one("Add", product, rest)
        return self.one("Mul", product, rows.scales)

    def product(self, rows: str, step: str, values: str, scales: str) -> str:
        """Integer rows of `step` times int8 columns, scaled by column."""
        inputs = [rows, values, step, scales, "row_zero"]
        return self.one("MatMulIntegerToFloat", *inputs, domain="com.microsoft")

    def rows_of(self, name: str, x: str, width: int) -> QuantisedRows | None:
        return self.quantised(name, x, width) if self.int8 and self.bits == 8 else None

"""Mixtures of experts: a router chooses which few experts of a layer process a token.

Experts that were not chosen compute nothing, without control flow: a pass's tokens are sorted by
expert and split, and a product of zero rows returns at once. So every matrix is a constant that
onnxruntime packs when it loads the model (docs/adr/0018).

As in the rest of the graph, a row's result does not depend on the other rows of its pass. Integer
products are exact, the router sees at least two rows, and a row's parts are added in the order in
which the router chose them.

A row with the id -1 is padding, because a pass never has a single row (docs/adr/0009). No expert
processes it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np
from onnx import TensorProto

from nextedit_jupyter.bundles.graph.shape import Experts, Floats
from nextedit_jupyter.bundles.graph.writer import GraphWriter, QuantisedRows


@dataclass(frozen=True, slots=True)
class _Tokens:
    """Names of values that all layers of a pass share; m rows use k experts each.

    `away` int64 [1, m, 1] is added to the expert numbers of a row, so that a padding row has no
    expert. `slots` [1] is m * k, `taken` [1] the number of slots that an expert processes; `last`
    is the last of these. `zeros` are their zero points.
    """

    away: str
    slots: str
    taken: str
    last: str
    zeros: str


@dataclass(frozen=True, slots=True)
class _Order:
    """The order of slots by expert.

    `slots` int64 [taken] are the slots in order of their experts, `rows` their rows; `counts` int64
    [experts] is the number of slots per expert; `back` int64 [k, m] are the positions of a row's
    slots; `shares` float32 [1, taken, 1] their weights.
    """

    rows: str
    counts: str
    back: str
    shares: str


class Mixture:
    """Adds a decoder's mixtures to its graph, layer after layer."""

    def __init__(self, graph: GraphWriter, experts: Experts, width: int) -> None:
        self._graph = graph
        self._experts = experts
        self._width = width
        self._start: str | None = None
        graph.constant("experts", [[i] for i in range(experts.count)])
        graph.constant("experts.active", [experts.active])
        graph.constant("experts.away", np.array(-experts.count, np.int64))
        graph.constant("experts.flat", [-1])
        graph.constant("experts.rows", [1, -1, 1])
        graph.constant("experts.back", [-1, experts.active])
        for name, value in (("zero", 0), ("one", 1), ("two", 2), ("less", -1)):
            graph.constant(f"count.{name}", np.array(value, np.int64))
        graph.constant("count.first", [0])
        self._tokens = self._shared("input_ids")

    def wanted(self) -> str:
        """The first row that the last layer continues with: `start`, or the row before it.

        onnxruntime multiplies a single row by the router's float32 matrix with a different routine
        than two.
        """
        one = self._graph.one
        count = one("Shape", "input_ids", start=1, end=2)
        before = one("Max", one("Sub", count, "count.two"), "count.first")
        self._start = one("Min", "start", before)
        ids = one("Slice", "input_ids", self._start, "end", "axis1")
        self._tokens = self._shared(ids)
        return self._start

    def rest(self, x: str) -> str:
        """The rows of the last layer whose logits are wanted."""
        assert self._start is not None
        return self._graph.wanted(x, self._graph.one("Sub", "start", self._start))

    def add(
        self, at: str, y: str, rows: QuantisedRows | None, weights: Mapping[str, Floats]
    ) -> str:
        """Add the mixture of a layer for y [1, m, width]; `rows` is y as returned by `rows_of`."""
        graph, experts = self._graph, self._experts
        scores, gate = self._scores(at, y, weights)
        order = self._order(scores)
        x = self._work(at, y, rows, order, weights)
        back = graph.one("Gather", x, order.back, axis=1)  # [1, k, m, width]
        x = back
        if experts.active > 1:
            parts = graph.node("Split", [back], experts.active, axis=1, num_outputs=experts.active)
            x = graph.one("Sum", *parts)
        x = graph.one("Squeeze", x, "axis1")
        if experts.shared_hidden:
            shared = graph.feed_forward(f"{at}.shared", y, rows, experts.shared_hidden, weights)
            if gate is not None:
                shared = graph.one("Mul", shared, graph.one("Sigmoid", gate))
            x = graph.one("Add", x, shared)
        return x

    def _shared(self, ids: str) -> _Tokens:
        one = self._graph.one
        company = one("Clip", ids, "count.less", "count.zero")  # -1 for padding, otherwise 0
        away = one("Reshape", one("Mul", company, "experts.away"), "experts.rows")
        count = one("Shape", ids, start=1, end=2)
        real = one("Add", count, one("ReduceSum", company, "axis1", keepdims=0))
        taken = one("Mul", real, "experts.active")
        zeros = ""
        if self._graph.int8 and self._graph.bits == 8:
            zeros = one("Slice", "row_zeros", "first", taken, "axis1")
        return _Tokens(
            away=away,
            slots=one("Mul", count, "experts.active"),
            taken=taken,
            last=one("Sub", taken, "count.one"),
            zeros=zeros,
        )

    def _scores(self, at: str, y: str, weights: Mapping[str, Floats]) -> tuple[str, str | None]:
        """The router's scores [1, m, experts], and that of the shared expert's gate."""
        graph, experts = self._graph, self._experts
        router = weights[f"{at}.router.weight"]
        if not experts.shared_gate:
            return graph.one("MatMul", y, graph.weight(f"{at}.router", router.T)), None
        both = np.concatenate((router, weights[f"{at}.shared_gate.weight"]))
        scores = graph.one("MatMul", y, graph.weight(f"{at}.router", both.T))
        parts = graph.constant("router.parts", [experts.count, 1])
        chosen, gate = graph.node("Split", [scores, parts], 2, axis=-1)
        return chosen, gate

    def _order(self, scores: str) -> _Order:
        graph, one, tokens = self._graph, self._graph.one, self._tokens
        if self._experts.normalised:
            best, chosen = graph.node("TopK", [scores, "experts.active"], 2, axis=-1)
            shares = one("Softmax", best, axis=-1)
        else:
            scores = one("Softmax", scores, axis=-1)
            shares, chosen = graph.node("TopK", [scores, "experts.active"], 2, axis=-1)
        flat = one("Reshape", one("Add", chosen, tokens.away), "experts.flat")
        # The sort is stable: equal items keep their order.
        _, sorted_slots = graph.node("TopK", [flat, tokens.slots], 2, axis=0, largest=0)
        _, places = graph.node("TopK", [sorted_slots, tokens.slots], 2, axis=0, largest=0)
        slots = one("Slice", sorted_slots, "count.first", tokens.taken)
        alike = one("Cast", one("Equal", "experts", flat), to=TensorProto.INT64)
        places = one("Reshape", one("Min", places, tokens.last), "experts.back")
        shares = one("Gather", one("Reshape", shares, "experts.rows"), slots, axis=1)
        return _Order(
            rows=one("Div", slots, "experts.active"),
            counts=one("ReduceSum", alike, "axis1", keepdims=0),
            back=one("Transpose", places, perm=[1, 0]),
            shares=shares,
        )

    def _work(
        self,
        at: str,
        y: str,
        rows: QuantisedRows | None,
        order: _Order,
        weights: Mapping[str, Floats],
    ) -> str:
        """The output of each slot's expert for its row, times its share: [1, taken, width]."""
        graph, experts = self._graph, self._experts

        def gate_up(expert: str) -> Floats:
            names = (f"{expert}.gate.weight", f"{expert}.up.weight")
            return np.concatenate([weights[name] for name in names]).T

        def down(expert: str) -> Floats:
            return weights[f"{expert}.down.weight"].T

        if rows is None:
            taken = graph.one("Gather", y, order.rows, axis=1)
            both = self._products(f"{at}.experts", "gate_up", taken, order, gate_up, whole=False)
        else:
            taken = graph.one("Gather", rows.values, order.rows, axis=1)
            scales = graph.one("Gather", rows.scales, order.rows, axis=1)
            both = self._products(f"{at}.experts", "gate_up", taken, order, gate_up, whole=True)
            both = graph.one("Mul", both, scales)
        gate, up = graph.node("Split", [both], 2, axis=-1, num_outputs=2)
        gated = graph.one("Mul", graph.silu(f"{at}.experts.silu", gate), up)
        if rows is None:
            x = self._products(f"{at}.experts", "down", gated, order, down, whole=False)
            return graph.one("Mul", x, order.shares)
        inner = graph.quantised("down", gated, experts.hidden, self._tokens.zeros)
        x = self._products(f"{at}.experts", "down", inner.values, order, down, whole=True)
        return graph.one("Mul", x, graph.one("Mul", inner.scales, order.shares))

    def _products(
        self,
        at: str,
        part: str,
        x: str,
        order: _Order,
        matrix: Callable[[str], Floats],
        *,
        whole: bool,
    ) -> str:
        """Each expert's rows of x [1, taken, ...] times its matrix; `whole`: x are integers."""
        graph, count = self._graph, self._experts.count
        parts = graph.node("Split", [x, order.counts], count, axis=1)
        products = []
        for i, rows in enumerate(parts):
            name, values = f"{at}.{i}.{part}", matrix(f"{at}.{i}")
            if whole:
                inputs = "down" if part == "down" else "gate"
                products.append(graph.product(rows, "one", *graph.columns(name, inputs, values)))
            else:
                products.append(graph.float_product(name, rows, values))
        return graph.one("Concat", *products, axis=1) if count > 1 else products[0]

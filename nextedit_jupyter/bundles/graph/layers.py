"""A decoder's layers: norms, attention, and the feed-forward part or mixture."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np
from onnx import helper

from nextedit_jupyter.bundles.graph.experts import Mixture
from nextedit_jupyter.bundles.graph.shape import Floats, GraphShape
from nextedit_jupyter.bundles.graph.writer import GraphWriter


def add_layers(graph: GraphWriter, shape: GraphShape, weights: Mapping[str, Floats], x: str) -> str:
    """Add the layers and the last norm; returns its output for the rows whose logits are wanted.

    The last layer's keys and values are needed for all rows, the rest of it only for those.
    """
    eps = shape.norm_eps
    residual = x
    if shape.residual_scale != 1.0:
        weights = _Scaled(weights, shape.residual_scale)
    mixture = Mixture(graph, shape.experts, shape.width) if shape.experts else None
    for i in range(shape.layers):
        at = f"layers.{i}"
        gain = graph.weight(f"{at}.norm_attention", weights[f"{at}.norm_attention.weight"])
        if i == 0:
            y = _norm(graph, x, gain, eps)
        else:
            y, residual = _skip_norm(graph, x, residual, gain, eps)
        mixed = _attention(graph, shape, weights, i, y)
        if i == shape.layers - 1:
            start = mixture.wanted() if mixture else "start"
            mixed, residual = graph.wanted(mixed, start), graph.wanted(residual, start)
        rows = graph.rows_of("out", mixed, shape.query_width)
        x = graph.linear(f"{at}.out", mixed, rows, weights[f"{at}.out.weight"].T)
        gain = graph.weight(f"{at}.norm_mlp", weights[f"{at}.norm_mlp.weight"])
        y, residual = _skip_norm(graph, x, residual, gain, eps)
        rows = graph.rows_of("gate", y, shape.width)
        if mixture and shape.experts_of(i):
            x = mixture.add(at, y, rows, weights)
        else:
            x = graph.feed_forward(at, y, rows, shape.hidden, weights)
    normed, _ = _skip_norm(graph, x, residual, "norm.gain", eps)
    return mixture.rest(normed) if mixture else normed


class _Scaled(Mapping[str, Floats]):
    """Weights; those whose products are added to the residual are scaled."""

    def __init__(self, weights: Mapping[str, Floats], scale: float) -> None:
        self._weights = weights
        self._scale = np.float32(scale)

    def __getitem__(self, name: str) -> Floats:
        values = self._weights[name]
        return values * self._scale if name.split(".")[-2] in ("out", "down") else values

    def __iter__(self) -> Iterator[str]:
        return iter(self._weights)

    def __len__(self) -> int:
        return len(self._weights)


def _attention(
    graph: GraphWriter, shape: GraphShape, weights: Mapping[str, Floats], layer: int, y: str
) -> str:
    at = f"layers.{layer}"
    rows = graph.rows_of("qkv", y, shape.width)
    qkv = graph.linear(f"{at}.qkv", y, rows, weights[f"{at}.qkv.weight"].T)
    if shape.qkv_bias:
        bias = graph.weight(f"{at}.qkv.bias", weights[f"{at}.qkv.bias"])
        qkv = graph.one("Add", qkv, bias)
    inputs = [qkv, "", ""]
    if shape.qk_norm:
        cached = shape.cached_width
        parts = graph.constant("qkv.parts", [shape.query_width, cached, cached])
        query, key, value = graph.node("Split", [qkv, parts], 3, axis=-1)
        gains = [
            graph.weight(f"{at}.norm_{name}", weights[f"{at}.norm_{name}.weight"])
            for name in ("query", "key")
        ]
        query, key = (
            _norm(graph, part, gain, shape.norm_eps) for part, gain in zip((query, key), gains)
        )
        inputs = [query, key, value]
    inputs += [f"past.{layer}.key", f"past.{layer}.value", "seqlens_k", "total", "cos", "sin"]
    scale: dict[str, Any] = (
        {} if shape.attention_scale is None else {"scale": shape.attention_scale}
    )
    outputs = [f"{at}.attention", f"present.{layer}.key", f"present.{layer}.value"]
    graph.nodes.append(
        helper.make_node(
            "GroupQueryAttention",
            inputs,
            outputs,
            f"{at}.attention",
            domain="com.microsoft",
            num_heads=shape.heads,
            kv_num_heads=shape.kv_heads,
            do_rotary=1,
            rotary_interleaved=0,
            **scale,
        )
    )
    return outputs[0]


def _norm(graph: GraphWriter, x: str, gain: str, eps: float) -> str:
    return graph.one("SimplifiedLayerNormalization", x, gain, axis=-1, epsilon=eps, stash_type=1)


def _skip_norm(graph: GraphWriter, x: str, residual: str, gain: str, eps: float) -> tuple[str, str]:
    """Return norm(x + residual) and x + residual."""
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

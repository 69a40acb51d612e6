"""Divides outlier inputs and multiplies their weights: exact, and free at inference.

A row of inputs has only one scale, so a channel hundreds of times larger than the others costs them
their precision. Its factor moves into the weights that produce it and the weights that consume it:
norm gains before attention and MLP, the rows of `up` before `down`, those of the values before
`out` (SmoothQuant, Xiao et al. 2023). The matrices stay row-wise 8 bits, and the graph has no extra
nodes.
"""

from __future__ import annotations

from collections.abc import Mapping, MutableMapping
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from nextedit_jupyter.bundles.graph import GraphShape

Floats = npt.NDArray[np.float32]

PLACES = ("qkv", "out", "gate", "down")  # `gate` includes `up`
SHARE = 0.5  # how much of the difficulty goes to the weights; 0.65 and 0.8 lost more
LIMIT = 64.0


@dataclass(frozen=True, slots=True)
class Peaks:
    """The largest absolute input of each channel, by matrix: float32 [inputs]."""

    by_matrix: Mapping[str, Floats]


def smoothing_factors(
    shape: GraphShape, weights: Mapping[str, Floats], peaks: Peaks
) -> dict[str, Floats]:
    """The divisor of each input, from `layers.{i}.{place}` to float32 [inputs].

    The mean of their logarithms is 0, and those of `out` are the same for all heads that share a
    value. Factors are rounded to float16, so that the stored ones are those that were used.
    """
    factors: dict[str, Floats] = {}
    for i in range(shape.layers):
        for place in PLACES:
            matrices = ("gate", "up") if place == "gate" else (place,)
            columns = [np.abs(weights[f"layers.{i}.{m}.weight"]).max(axis=0) for m in matrices]
            inputs, taken = peaks.by_matrix[f"layers.{i}.{place}"], np.max(columns, axis=0)
            if place == "out":
                inputs, taken = (_over_groups(shape, x) for x in (inputs, taken))
            factor = np.maximum(inputs, 1e-5) ** SHARE / np.maximum(taken, 1e-5) ** (1 - SHARE)
            factor = np.clip(factor / np.exp(np.log(factor).mean()), 1 / LIMIT, LIMIT)
            factors[f"layers.{i}.{place}"] = factor.astype(np.float16).astype(np.float32)
    return factors


def smooth(
    shape: GraphShape, weights: MutableMapping[str, Floats], factors: Mapping[str, Floats]
) -> None:
    """Move the factors into the weights, in place; the decoder computes the same as before."""
    values = shape.kv_heads * shape.head_dim
    for i in range(shape.layers):
        at = f"layers.{i}"
        for place, norm in (("qkv", "norm_attention"), ("gate", "norm_mlp")):
            factor = factors[f"{at}.{place}"]
            weights[f"{at}.{norm}.weight"] = weights[f"{at}.{norm}.weight"] / factor
            for name in ("gate", "up") if place == "gate" else (place,):
                weights[f"{at}.{name}.weight"] = weights[f"{at}.{name}.weight"] * factor
        factor = factors[f"{at}.down"]
        weights[f"{at}.up.weight"] = weights[f"{at}.up.weight"] / factor[:, None]
        weights[f"{at}.down.weight"] = weights[f"{at}.down.weight"] * factor
        factor = factors[f"{at}.out"]
        qkv = weights[f"{at}.qkv.weight"].copy()
        qkv[-values:] /= factor.reshape(shape.kv_heads, -1, shape.head_dim)[:, 0].reshape(-1, 1)
        weights[f"{at}.qkv.weight"] = qkv
        weights[f"{at}.out.weight"] = weights[f"{at}.out.weight"] * factor


def _over_groups(shape: GraphShape, channels: Floats) -> Floats:
    """The largest over the heads that share a value, for each of them."""
    grouped = channels.reshape(shape.kv_heads, -1, shape.head_dim)
    return np.broadcast_to(grouped.max(axis=1, keepdims=True), grouped.shape).reshape(-1)

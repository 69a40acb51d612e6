"""The sizes of a decoder, from which its graph is built."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float32]
Doubles = npt.NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class RopeScaling:
    """How the rotary frequencies are scaled to contexts longer than in training.

    `linear` divides every frequency by `factor`. `llama3` divides those with a wavelength over
    `original_context / low_frequency_factor`, leaves those under `original_context /
    high_frequency_factor`, and interpolates between (Llama 3.1's published rule).
    """

    kind: Literal["linear", "llama3"]
    factor: float
    low_frequency_factor: float = 1.0
    high_frequency_factor: float = 4.0
    original_context: int = 8192

    def apply(self, frequencies: Doubles) -> Doubles:
        """Scaled frequencies, float64 [head_dim / 2], in radians per position."""
        if self.kind == "linear":
            return frequencies / self.factor
        wavelengths = 2 * np.pi / frequencies
        low, high = self.low_frequency_factor, self.high_frequency_factor
        blend = (self.original_context / wavelengths - low) / (high - low)
        blend = np.clip(blend, 0.0, 1.0)
        scaled: Doubles = (1 - blend) * frequencies / self.factor + blend * frequencies
        return scaled


@dataclass(frozen=True, slots=True)
class Experts:
    """The feed-forward parts of a mixture: each token is processed by `active` of `count` experts.

    `hidden` is one expert's size. `normalised`: the weights of the active experts add up to 1 (a
    softmax over their scores); otherwise they are taken from a softmax over all scores.
    `shared_hidden`, if not 0, is the size of an expert that processes every token, weighted by its
    own gate if `shared_gate`. Layers in `dense` have one feed-forward part of `GraphShape.hidden`
    instead.
    """

    count: int
    active: int
    hidden: int
    normalised: bool = False
    shared_hidden: int = 0
    shared_gate: bool = False
    dense: frozenset[int] = frozenset()

    def __post_init__(self) -> None:
        if not 1 <= self.active <= self.count:
            raise ValueError(f"{self.active} of {self.count} experts cannot be active per token")


@dataclass(frozen=True, slots=True)
class GraphShape:
    """Sizes of a Llama-shaped decoder; the attributes of `training.model.Shape` that matter.

    `tied`: the embedding is also the head. `qkv_bias`: query, key and value have biases, as in
    Qwen2. `qk_norm`: queries and keys are normalised, each over all heads, as in OLMoE. The scales
    are Granite's multipliers: of embeddings, of a layer's output, of attention scores (None for 1 /
    sqrt(head_dim)) and of logits.
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
    experts: Experts | None = None
    qk_norm: bool = False
    embedding_scale: float = 1.0
    residual_scale: float = 1.0
    attention_scale: float | None = None
    logits_scale: float = 1.0

    @property
    def query_width(self) -> int:
        return self.heads * self.head_dim

    @property
    def cached_width(self) -> int:
        """The width of a token's keys, and of its values."""
        return self.kv_heads * self.head_dim

    def experts_of(self, layer: int) -> Experts | None:
        """The mixture in a layer, None if it has one feed-forward part."""
        if self.experts is None or layer in self.experts.dense:
            return None
        return self.experts

    @property
    def parameters(self) -> int:
        """The number of weights; a tied head counts once."""
        return self._parameters(self.experts.count if self.experts else 0)

    @property
    def active_parameters(self) -> int:
        """The number of weights used for a token, including the whole table."""
        return self._parameters(self.experts.active if self.experts else 0)

    def _parameters(self, experts: int) -> int:
        heads = self.query_width + 2 * self.cached_width
        layer = self.width * heads + self.query_width * self.width + 2 * self.width
        layer += heads if self.qkv_bias else 0
        layer += self.query_width + self.cached_width if self.qk_norm else 0
        tables = self.vocab_size * self.width * (1 if self.tied else 2)
        total = tables + self.layers * layer + self.width
        for i in range(self.layers):
            mixture = self.experts_of(i)
            if mixture is None:
                total += 3 * self.width * self.hidden
                continue
            total += 3 * self.width * (experts * mixture.hidden + mixture.shared_hidden)
            total += self.width * (mixture.count + mixture.shared_gate)
        return total


def weight_names(shape: GraphShape) -> Iterator[str]:
    """The names of all weights that `build_graph` uses."""
    yield from ("embedding.weight", "norm.weight", *(() if shape.tied else ("head.weight",)))
    for i in range(shape.layers):
        at = f"layers.{i}"
        parts = ["norm_attention", "norm_mlp", "qkv", "out"]
        if shape.qk_norm:
            parts += ["norm_query", "norm_key"]
        feeds = [at]
        mixture = shape.experts_of(i)
        if mixture is not None:
            parts += ["router", *(["shared_gate"] if mixture.shared_gate else [])]
            feeds = [f"{at}.experts.{e}" for e in range(mixture.count)]
            feeds += [f"{at}.shared"] if mixture.shared_hidden else []
        yield from (f"{at}.{part}.weight" for part in parts)
        yield from (f"{feed}.{part}.weight" for feed in feeds for part in ("gate", "up", "down"))
        if shape.qkv_bias:
            yield f"{at}.qkv.bias"


def rotary_tables(shape: GraphShape) -> tuple[Floats, Floats]:
    """Cosines and sines, float32 [context, head_dim / 2]."""
    exponent = np.arange(0, shape.head_dim, 2, dtype=np.float64) / shape.head_dim
    frequencies = 1.0 / shape.rope_theta**exponent
    if shape.rope_scaling is not None:
        frequencies = shape.rope_scaling.apply(frequencies)
    angle = np.arange(shape.context, dtype=np.float64)[:, None] * frequencies
    return np.cos(angle).astype(np.float32), np.sin(angle).astype(np.float32)

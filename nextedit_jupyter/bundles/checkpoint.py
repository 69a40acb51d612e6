"""A checkpoint's tensors under the graph's names.

Experts may be separate tensors, or stacked in one tensor per layer, like Granite's and as in newer
versions of transformers.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Literal

import numpy as np

from nextedit_jupyter.bundles.checkpoint_plan import GRANITE, ImportPlan
from nextedit_jupyter.bundles.graph import Floats, weight_names
from nextedit_jupyter.bundles.safetensors import TensorFolder
from nextedit_jupyter.core.errors import BundleError

_TOP = {
    "embedding.weight": "model.embed_tokens.weight",
    "head.weight": "lm_head.weight",
    "norm.weight": "model.norm.weight",
}
_EXPERT = re.compile(r"model\.layers\.\d+\.mlp\.experts\.(\d+)\.")


@dataclass(frozen=True, slots=True)
class _Source:
    """Where a weight is: a tensor and its required shape.

    `at` is the index on the first axis of a stack; `half` selects a half of the rows.
    """

    tensor: str
    shape: tuple[int, ...]
    at: int | None = None
    half: Literal["first", "second"] | None = None


class Renamed(Mapping[str, Floats]):
    """A checkpoint's tensors under the names that `build_graph` uses, read on access."""

    def __init__(
        self, tensors: TensorFolder, plan: ImportPlan, progress: Callable[[str], None]
    ) -> None:
        self._tensors = tensors
        self._plan = plan
        self._progress = progress

    def check(self) -> None:
        """Check that every tensor exists in the right size, and that no expert is left over. Raises
        BundleError."""
        for name in weight_names(self._plan.shape):
            for source in self._sources(name):
                self._check(source)
        mixture = self._plan.shape.experts
        if mixture is None:
            return
        for name in self._tensors.names():
            found = _EXPERT.match(name)
            if found and int(found[1]) >= mixture.count:
                raise BundleError(f"{name} is there, but config.json says {mixture.count} experts")

    def __getitem__(self, name: str) -> Floats:
        self._progress(name)
        parts = [self._read(source) for source in self._sources(name)]
        return parts[0] if len(parts) == 1 else np.concatenate(parts)

    def __iter__(self) -> Iterator[str]:
        return weight_names(self._plan.shape)

    def __len__(self) -> int:
        return sum(1 for _ in self)

    def _sources(self, name: str) -> list[_Source]:
        shape = self._plan.shape
        if name in _TOP:
            table = (shape.vocab_size, shape.width)
            return [_Source(_TOP[name], (shape.width,) if name == "norm.weight" else table)]
        _, layer, *middle, part, kind = name.split(".")
        at = f"model.layers.{layer}"
        if part == "qkv":
            tail = (shape.width,) if kind == "weight" else ()
            rows = {"q": shape.query_width, "k": shape.cached_width, "v": shape.cached_width}
            return [
                _Source(f"{at}.self_attn.{which}_proj.{kind}", (count, *tail))
                for which, count in rows.items()
            ]
        attention: dict[str, tuple[str, tuple[int, ...]]] = {
            "norm_attention": ("input_layernorm", (shape.width,)),
            "norm_mlp": ("post_attention_layernorm", (shape.width,)),
            "norm_query": ("self_attn.q_norm", (shape.query_width,)),
            "norm_key": ("self_attn.k_norm", (shape.cached_width,)),
            "out": ("self_attn.o_proj", (shape.width, shape.query_width)),
        }
        if part in attention:
            source, expected = attention[part]
            return [_Source(f"{at}.{source}.weight", expected)]
        return [self._feed_forward(at, middle, part)]

    def _feed_forward(self, at: str, middle: list[str], part: str) -> _Source:
        """The source of `gate`, `up` or `down` of a layer or an expert, or of a router."""
        shape, mixture = self._plan.shape, self._plan.shape.experts
        granite = self._plan.model_type in GRANITE
        if part == "router":
            assert mixture is not None
            router = "block_sparse_moe.router.layer" if granite else "mlp.gate"
            return _Source(f"{at}.{router}.weight", (mixture.count, shape.width))
        if part == "shared_gate":
            return _Source(f"{at}.mlp.shared_expert_gate.weight", (1, shape.width))
        if not middle:
            return self._matrix(f"{at}.mlp", part, shape.hidden)
        assert mixture is not None
        if middle[0] == "shared":
            if granite:
                return self._stacked(f"{at}.shared_mlp", part, mixture.shared_hidden)
            return self._matrix(f"{at}.mlp.shared_expert", part, mixture.shared_hidden)
        expert = int(middle[1])
        if granite or f"{at}.mlp.experts.gate_up_proj" in self._tensors:
            where = f"{at}.block_sparse_moe" if granite else f"{at}.mlp.experts"
            return self._stacked(where, part, mixture.hidden, expert, mixture.count)
        return self._matrix(f"{at}.mlp.experts.{expert}", part, mixture.hidden)

    def _matrix(self, at: str, part: str, hidden: int) -> _Source:
        width = self._plan.shape.width
        sides = (width, hidden) if part == "down" else (hidden, width)
        return _Source(f"{at}.{part}_proj.weight", sides)

    def _stacked(
        self, at: str, part: str, hidden: int, expert: int | None = None, count: int | None = None
    ) -> _Source:
        """One expert of a stack, or the shared one; gate and up are the two halves of a matrix."""
        width = self._plan.shape.width
        names = ("gate_up_proj", "down_proj")
        if self._plan.model_type in GRANITE:
            names = ("input_linear.weight", "output_linear.weight")
        stack = () if count is None else (count,)
        if part == "down":
            return _Source(f"{at}.{names[1]}", (*stack, width, hidden), expert)
        half: Literal["first", "second"] = "first" if part == "gate" else "second"
        return _Source(f"{at}.{names[0]}", (*stack, 2 * hidden, width), expert, half)

    def _check(self, source: _Source) -> None:
        found = self._tensors.shape(source.tensor)
        if found != source.shape:
            raise BundleError(f"{source.tensor} is {found}, but config.json says {source.shape}")

    def _read(self, source: _Source) -> Floats:
        self._check(source)
        values = self._tensors.read(source.tensor, source.at)
        if source.half is not None:
            middle = len(values) // 2
            values = values[:middle] if source.half == "first" else values[middle:]
        if not np.isfinite(values).all():
            raise BundleError(f"{source.tensor} contains values that are not numbers")
        return values

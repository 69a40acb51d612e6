"""Reads a GGUF file as a decoder for `graph.build_graph`: Llama, Qwen2, and three mixtures.

Names, sizes and the rotary embedding come from the file's own fields. Shapes that the graph does
not support are refused before any weight is read.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from nextedit_jupyter.bundles.byte_level import ByteLevelVocabulary
from nextedit_jupyter.bundles.gguf import GgufFile
from nextedit_jupyter.bundles.graph import (
    Doubles,
    Experts,
    Floats,
    GraphShape,
    RopeScaling,
    weight_names,
)
from nextedit_jupyter.core.errors import BundleError

DENSE = ("llama", "qwen2")
ARCHITECTURES = (*DENSE, "olmoe", "qwen2moe", "granitemoe")
MAX_LAYERS, MAX_EXPERTS, MAX_SIDE, MAX_POSITIONS = 256, 1024, 65_536, 10_000_000
_BIASES = ("attn_q.bias", "attn_k.bias", "attn_v.bias")
_ROPE = "rope_freqs.weight"
_PARTS = {
    "norm_attention": "attn_norm",
    "norm_mlp": "ffn_norm",
    "norm_query": "attn_q_norm",
    "norm_key": "attn_k_norm",
    "out": "attn_output",
    "router": "ffn_gate_inp",
}


@dataclass(frozen=True, slots=True)
class RopeFactors(RopeScaling):
    """Rotary frequencies, each divided by its own factor, as in Llama 3.1's files."""

    factors: tuple[float, ...] = ()

    def apply(self, frequencies: Doubles) -> Doubles:
        return frequencies / np.array(self.factors, np.float64)


@dataclass(frozen=True, slots=True)
class GgufModel:
    """A file's description of its model, checked against the sizes of its tensors.

    The vocabulary has all bytes: if the file lacks some, `shape.vocab_size` includes rows that
    `GgufWeights` adds for them.
    """

    architecture: str
    shape: GraphShape
    vocabulary: ByteLevelVocabulary
    trained_context: int
    licence: str
    name: str

    @classmethod
    def of(cls, file: GgufFile, *, context: int = 2048) -> GgufModel:
        """Raises BundleError with the reason if the shape is not supported."""
        fields = _Fields(file)
        layers = fields.count("block_count", MAX_LAYERS)
        width = fields.count("embedding_length", MAX_SIDE)
        heads = fields.count("attention.head_count", MAX_SIDE)
        kv_heads = fields.count("attention.head_count_kv", MAX_SIDE, heads)
        head_dim = fields.count("attention.key_length", MAX_SIDE, width // heads)
        trained = fields.count("context_length", MAX_POSITIONS, context)
        if heads % kv_heads or head_dim % 2 or not head_dim:
            raise fields.unfit("its heads do not fit its width")
        for key in ("attention.value_length", "rope.dimension_count"):
            if fields.count(key, MAX_SIDE, head_dim) != head_dim:
                raise fields.unfit(f"its {key} is not its heads' width")
        fields.refuse_others()
        vocabulary = ByteLevelVocabulary.from_metadata(file.metadata)
        whole = vocabulary.with_all_bytes()
        granite = fields.architecture == "granitemoe"
        shape = GraphShape(
            vocab_size=len(whole.tokens),
            width=width,
            layers=layers,
            heads=heads,
            kv_heads=kv_heads,
            head_dim=head_dim,
            hidden=fields.count("feed_forward_length", MAX_SIDE),
            context=min(context, trained),
            rope_theta=fields.number("rope.freq_base", 10_000.0),
            norm_eps=fields.number("attention.layer_norm_rms_epsilon", 1e-5),
            tied="output.weight" not in file.tensors,
            qkv_bias=fields.architecture in ("qwen2", "qwen2moe"),
            rope_scaling=_rope_scaling(file, fields, head_dim),
            experts=None if fields.architecture in DENSE else _experts(fields),
            qk_norm=fields.architecture == "olmoe",
            embedding_scale=fields.number("embedding_scale", 1.0) if granite else 1.0,
            residual_scale=fields.number("residual_scale", 1.0) if granite else 1.0,
            attention_scale=_attention_scale(fields) if granite else None,
            logits_scale=1.0 / fields.number("logit_scale", 1.0) if granite else 1.0,
        )
        _check_tensors(file, shape, len(vocabulary.tokens))
        licence = str(file.metadata.get("general.license", "unknown"))[:80]
        name = str(file.metadata.get("general.name", file.path.stem))[:80]
        return cls(fields.architecture, shape, whole, trained, licence, name)


class GgufWeights(Mapping[str, Floats]):
    """A file's tensors under the names that `build_graph` uses, read on access."""

    def __init__(
        self, file: GgufFile, model: GgufModel, progress: Callable[[str], None] = lambda name: None
    ) -> None:
        self._file = file
        self._model = model
        self._progress = progress

    def __getitem__(self, name: str) -> Floats:
        self._progress(name)
        if name == "embedding.weight":
            return self._rows("token_embd.weight")
        if name == "head.weight":
            return self._rows("output.weight")
        if name == "norm.weight":
            return self._read("output_norm.weight")
        try:
            _, layer, *middle, part, kind = name.split(".")
            at = f"blk.{int(layer)}"
            if part == "qkv":
                return np.concatenate([self._attention(at, which, kind) for which in "qkv"])
            if part == "shared_gate":
                return self._read(f"{at}.ffn_gate_inp_shexp.weight")[None]
            if middle[:1] == ["experts"]:
                return self._read(f"{at}.ffn_{part}_exps.{kind}", int(middle[1]))
            if part in ("gate", "up", "down"):
                return self._read(f"{at}.ffn_{part}{'_shexp' if middle else ''}.{kind}")
            source = _PARTS[part]
        except (ValueError, KeyError):
            raise KeyError(name) from None
        return self._read(f"{at}.{source}.{kind}")

    def names(self) -> Iterator[str]:
        """The names of all weights that `build_graph` uses."""
        return weight_names(self._model.shape)

    def __iter__(self) -> Iterator[str]:
        return self.names()

    def __len__(self) -> int:
        return sum(1 for _ in self.names())

    def _attention(self, at: str, which: str, kind: str) -> Floats:
        values = self._read(f"{at}.attn_{which}.{kind}")
        if which == "v" or self._model.architecture not in ("llama", "granitemoe"):
            return values
        # These files store a head's rows as interleaved pairs for rotation; ours as two halves.
        half = self._model.shape.head_dim // 2
        return values.reshape(-1, half, 2, *values.shape[1:]).swapaxes(1, 2).reshape(values.shape)

    def _rows(self, name: str) -> Floats:
        """A table with one row per token; a byte without a row gets the mean of the bytes' rows."""
        rows = self._read(name)
        tokens = self._model.vocabulary.tokens
        if len(tokens) == len(rows):
            return rows
        return np.concatenate((rows, np.tile(byte_row(rows, tokens), (len(tokens) - len(rows), 1))))

    def _read(self, name: str, at: int | None = None) -> Floats:
        values = self._file.read(name, at)
        if not np.isfinite(values).all():
            raise BundleError(f"{name} contains values that are not numbers")
        return values


def byte_row(rows: Floats, tokens: tuple[str, ...]) -> Floats:
    """The mean of the rows of single-byte tokens, float32 [width]."""
    ids = [id for id, token in enumerate(tokens[: len(rows)]) if len(token) == 1]
    mean: Floats = (rows[ids] if ids else rows).mean(axis=0, dtype=np.float64).astype(np.float32)
    return mean


class _Fields:
    """A file's numeric fields, under its architecture's name."""

    def __init__(self, file: GgufFile) -> None:
        found = file.metadata.get("general.architecture")
        if found not in ARCHITECTURES:
            raise BundleError(
                f"a GGUF file of a model of the shape {str(found)[:40]!r} cannot be imported; "
                f"{' and '.join(DENSE)} can, and the mixtures "
                f"{', '.join(ARCHITECTURES[len(DENSE) :])}"
            )
        self.architecture = str(found)
        self._file = file

    def get(self, key: str) -> Any:
        return self._file.metadata.get(f"{self.architecture}.{key}")

    def count(self, key: str, maximum: int, default: int | None = None) -> int:
        value = self.get(key)
        if value is None and default is not None:
            return default
        if isinstance(value, bool) or not isinstance(value, int) or not 1 <= value <= maximum:
            raise self.unfit(f"its {key} is not a number from 1 to {maximum}")
        return value

    def number(self, key: str, default: float) -> float:
        value = self.get(key)
        if value is None:
            return default
        good = isinstance(value, int | float) and not isinstance(value, bool)
        if not good or not 0 < value < 1e12:
            raise self.unfit(f"its {key} is not a number above 0")
        return float(value)

    def refuse_others(self) -> None:
        if self.get("attention.sliding_window"):
            raise self.unfit("it attends to a sliding window, which our graph does not")
        if self.architecture in DENSE and self.get("expert_count"):
            raise self.unfit(
                f"it is a mixture of experts of the shape {self.architecture}; "
                f"{', '.join(ARCHITECTURES[len(DENSE) :])} can be"
            )
        if self.architecture == "granitemoe" and self.get("rope.scaling.finetuned") is False:
            raise self.unfit("it has no rotary embedding")
        if self.get("attention.clamp_kqv"):
            raise self.unfit("it clips queries, keys and values, which our graph does not")
        if self.get("attention.causal") is False:
            raise self.unfit("it reads in both directions")

    def unfit(self, why: str) -> BundleError:
        return BundleError(f"{self._file.path.name} cannot be imported: {why}")


def _experts(fields: _Fields) -> Experts:
    """The mixture that a file describes, with llama.cpp's interpretation."""
    count = fields.count("expert_count", MAX_EXPERTS)
    active = fields.count("expert_used_count", MAX_EXPERTS)
    if active > count:
        raise fields.unfit(f"{active} of {count} experts would be active per token")
    hidden = fields.count("feed_forward_length", MAX_SIDE)
    shared = 0
    if fields.architecture == "qwen2moe":
        shared = fields.count("expert_shared_feed_forward_length", MAX_SIDE, hidden)
        hidden = fields.count("expert_feed_forward_length", MAX_SIDE, max(1, hidden // active))
    elif fields.architecture == "granitemoe" and fields.get("expert_shared_feed_forward_length"):
        shared = fields.count("expert_shared_feed_forward_length", MAX_SIDE)
    return Experts(
        count=count,
        active=active,
        hidden=hidden,
        normalised=fields.architecture == "granitemoe",
        shared_hidden=shared,
        shared_gate=fields.architecture == "qwen2moe",
    )


def _attention_scale(fields: _Fields) -> float | None:
    return None if fields.get("attention.scale") is None else fields.number("attention.scale", 1.0)


def _rope_scaling(file: GgufFile, fields: _Fields, head_dim: int) -> RopeScaling | None:
    kind = fields.get("rope.scaling.type")
    factor = fields.number("rope.scaling.factor", 1.0)
    if _ROPE in file.tensors:
        factors = file.read(_ROPE).astype(np.float64)
        if factors.shape != (head_dim // 2,) or not (np.isfinite(factors) & (factors > 0)).all():
            raise fields.unfit(f"{_ROPE} does not fit its heads")
        return RopeFactors("llama3", 1.0, factors=tuple(factors.tolist()))
    if kind in (None, "none") or factor == 1.0:
        return None
    if kind == "linear":
        return RopeScaling("linear", factor)
    raise fields.unfit(f"its rotary scaling is {str(kind)[:40]!r}; linear and llama3 are known")


def _feed_forward(shape: GraphShape) -> dict[str, tuple[int, ...]]:
    """The tensors of a layer's feed-forward part or mixture."""

    def matrices(ending: str, hidden: int, *stack: int) -> dict[str, tuple[int, ...]]:
        sides = {"gate": (hidden, shape.width), "up": (hidden, shape.width)}
        sides["down"] = (shape.width, hidden)
        return {f"ffn_{part}{ending}.weight": (*stack, *side) for part, side in sides.items()}

    mixture = shape.experts
    if mixture is None:
        return matrices("", shape.hidden)
    sizes = matrices("_exps", mixture.hidden, mixture.count)
    sizes["ffn_gate_inp.weight"] = (mixture.count, shape.width)
    if mixture.shared_hidden:
        sizes |= matrices("_shexp", mixture.shared_hidden)
    if mixture.shared_gate:
        sizes["ffn_gate_inp_shexp.weight"] = (shape.width,)
    return sizes


def _check_tensors(file: GgufFile, shape: GraphShape, vocabulary: int) -> None:
    """Check that all required tensors exist in the right sizes, and that there are none that would
    change the answers."""
    query, cached = shape.heads * shape.head_dim, shape.kv_heads * shape.head_dim
    sizes: dict[str, tuple[int, ...]] = {
        "attn_norm.weight": (shape.width,),
        "attn_q.weight": (query, shape.width),
        "attn_k.weight": (cached, shape.width),
        "attn_v.weight": (cached, shape.width),
        "attn_output.weight": (shape.width, query),
        "ffn_norm.weight": (shape.width,),
        **_feed_forward(shape),
    }
    if shape.qk_norm:
        sizes |= {"attn_q_norm.weight": (query,), "attn_k_norm.weight": (cached,)}
    if shape.qkv_bias:
        sizes |= dict(zip(_BIASES, ((query,), (cached,), (cached,))))
    expected = {
        f"blk.{i}.{name}": size for i in range(shape.layers) for name, size in sizes.items()
    }
    expected |= {
        "token_embd.weight": (vocabulary, shape.width),
        "output_norm.weight": (shape.width,),
    }
    if not shape.tied:
        expected["output.weight"] = (vocabulary, shape.width)
    for name, size in expected.items():
        tensor = file.tensors.get(name)
        if tensor is None:
            raise BundleError(f"{file.path.name} has no tensor {name}: its shape is not ours")
        if tensor.shape != size:
            raise BundleError(
                f"{name} in {file.path.name} is {tensor.shape}, but its fields say {size}"
            )
    for name in file.tensors:
        if name not in expected and name != _ROPE:
            raise BundleError(
                f"{file.path.name} has the tensor {name[:60]}, which our graph has no place for"
            )

"""The shape of a checkpoint according to its `config.json`, checked before any weight is read."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from nextedit_jupyter.bundles.graph import Experts, GraphShape, RopeScaling
from nextedit_jupyter.core.errors import BundleError

DENSE = ("llama", "qwen2")
GRANITE = ("granitemoe", "granitemoeshared")
SUPPORTED = (*DENSE, "olmoe", "qwen2_moe", *GRANITE)
MAX_LAYERS, MAX_EXPERTS, MAX_SIDE = 256, 1024, 65_536


@dataclass(frozen=True, slots=True)
class ImportPlan:
    """The checked contents of a folder's `config.json`."""

    model_type: str
    shape: GraphShape
    trained_context: int

    @property
    def parameters(self) -> int:
        """The number of weights; a tied head counts once."""
        return self.shape.parameters


def parameters_of(shape: GraphShape) -> int:
    """The number of a decoder's weights; a tied head counts once."""
    return shape.parameters


def read_plan(folder: Path, *, context: int = 2048) -> ImportPlan:
    """Check `config.json`. Raises BundleError with the reason if the shape is not supported."""
    config = _read(folder)
    model_type = config.get("model_type")
    if model_type not in SUPPORTED:
        raise BundleError(
            f"a {str(model_type)[:40]} model cannot be imported; shapes that can: "
            f"{' and '.join(DENSE)}, and the mixtures {', '.join(SUPPORTED[len(DENSE) :])}"
        )
    _refuse(config, model_type)
    try:
        shape = _shape(config, model_type, context)
        trained = int(config.get("max_position_embeddings") or context)
    except (AttributeError, KeyError, OverflowError, TypeError, ValueError) as error:
        raise BundleError(f"config.json does not give, or garbles, {str(error)[:200]}") from None
    if min(shape.heads, shape.kv_heads) < 1 or shape.heads % shape.kv_heads:
        raise BundleError("the number of heads must be a multiple of the key-value heads")
    return ImportPlan(model_type, shape, trained)


def _read(folder: Path) -> dict[str, Any]:
    try:
        config = json.loads((folder / "config.json").read_bytes())
        if not isinstance(config, dict):
            raise ValueError("not an object")
    except (OSError, RecursionError, ValueError) as error:
        raise BundleError(
            f"{folder.name} has no readable config.json ({type(error).__name__}); give the folder "
            "that transformers' save_pretrained writes"
        ) from None
    return config


def _shape(config: Mapping[str, Any], model_type: str, context: int) -> GraphShape:
    heads = int(config["num_attention_heads"])
    width = int(config["hidden_size"])
    layers = int(config["num_hidden_layers"])
    if not 1 <= layers <= MAX_LAYERS:
        raise ValueError(f"num_hidden_layers, which is 1 to {MAX_LAYERS}")
    if not 1 <= width <= MAX_SIDE or not 1 <= heads <= MAX_SIDE:
        raise ValueError("the sizes of its layers")
    rope = config.get("rope_parameters") or {}
    granite = model_type in GRANITE
    return GraphShape(
        vocab_size=int(config["vocab_size"]),
        width=width,
        layers=layers,
        heads=heads,
        kv_heads=int(config.get("num_key_value_heads") or heads),
        head_dim=int(config.get("head_dim") or width // heads),
        hidden=int(config["intermediate_size"]),
        context=min(context, int(config.get("max_position_embeddings") or context)),
        rope_theta=float(rope.get("rope_theta") or config.get("rope_theta") or 10_000.0),
        norm_eps=float(config.get("rms_norm_eps") or (1e-5 if model_type == "olmoe" else 1e-6)),
        tied=bool(config.get("tie_word_embeddings", False)),
        qkv_bias=_has_bias(config, model_type),
        rope_scaling=_rope_scaling(config),
        experts=None if model_type in DENSE else _experts(config, model_type, layers),
        qk_norm=model_type == "olmoe",
        embedding_scale=_multiplier(config, "embedding_multiplier") if granite else 1.0,
        residual_scale=_multiplier(config, "residual_multiplier") if granite else 1.0,
        attention_scale=_multiplier(config, "attention_multiplier") if granite else None,
        logits_scale=1.0 / _multiplier(config, "logits_scaling") if granite else 1.0,
    )


def _experts(config: Mapping[str, Any], model_type: str, layers: int) -> Experts:
    """The mixture that a config describes. Raises BundleError if it is not supported."""
    granite, qwen = model_type in GRANITE, model_type == "qwen2_moe"
    count = _count(config, "num_local_experts" if granite else "num_experts", MAX_EXPERTS)
    active = _count(config, "num_experts_per_tok", MAX_EXPERTS)
    if active > count:
        raise BundleError(f"config.json says that {active} of {count} experts are active per token")
    shared = 0
    if qwen:
        shared = _count(config, "shared_expert_intermediate_size", MAX_SIDE)
    elif model_type == "granitemoeshared" and config.get("shared_intermediate_size"):
        shared = _count(config, "shared_intermediate_size", MAX_SIDE)
    return Experts(
        count=count,
        active=active,
        hidden=_count(config, "moe_intermediate_size" if qwen else "intermediate_size", MAX_SIDE),
        normalised=granite or bool(config.get("norm_topk_prob")),
        shared_hidden=shared,
        shared_gate=qwen,
        dense=_dense_layers(config, layers) if qwen else frozenset(),
    )


def _dense_layers(config: Mapping[str, Any], layers: int) -> frozenset[int]:
    """The layers of a Qwen2-MoE that have no experts."""
    named = config.get("mlp_only_layers") or []
    step = config.get("decoder_sparse_step", 1)
    if not isinstance(named, list) or any(isinstance(i, bool) or type(i) is not int for i in named):
        raise BundleError("config.json's mlp_only_layers is not a list of layers")
    if type(step) is not int or step < 1:
        raise BundleError("config.json's decoder_sparse_step is not a number from 1 on")
    dense = {i for i in range(layers) if i in named or (i + 1) % step}
    if len(dense) == layers:
        raise BundleError("config.json leaves no layer with experts: it is a qwen2 model")
    return frozenset(dense)


def _count(config: Mapping[str, Any], key: str, maximum: int) -> int:
    value = config.get(key)
    if type(value) is not int or not 1 <= value <= maximum:
        raise BundleError(
            f"config.json's {key} is {str(value)[:40]}; a number from 1 to {maximum} is needed"
        )
    return value


def _multiplier(config: Mapping[str, Any], key: str) -> float:
    value = float(config.get(key, 1.0))
    if not math.isfinite(value) or not 0 < value < 1e6:
        raise BundleError(f"config.json's {key} is not a number above 0")
    return value


def _has_bias(config: Mapping[str, Any], model_type: str) -> bool:
    if model_type == "qwen2_moe":
        return bool(config.get("qkv_bias", True))
    return model_type == "qwen2" or bool(config.get("attention_bias"))


def _refuse(config: Mapping[str, Any], model_type: str) -> None:
    window = config.get("sliding_window")
    if config.get("use_sliding_window") or (model_type == "llama" and window):
        raise BundleError(
            f"the model attends to a sliding window of {window} positions; our graph attends to "
            "all, which would change its answers"
        )
    if config.get("hidden_act", "silu") not in ("silu", "swish"):
        raise BundleError(f"the activation {config['hidden_act']} isn't SiLU")
    if config.get("mlp_bias"):
        raise BundleError("biases in the feed-forward layers aren't supported")
    if model_type not in ("qwen2", "qwen2_moe") and config.get("attention_bias"):
        raise BundleError(f"a {model_type} with a bias on the attention's output isn't supported")
    if config.get("clip_qkv") is not None:
        raise BundleError("queries, keys and values that are clipped (clip_qkv) aren't supported")
    if config.get("quantization_config"):
        raise BundleError("the checkpoint is already quantised; import the original")


def _rope_scaling(config: Mapping[str, Any]) -> RopeScaling | None:
    scaling = config.get("rope_scaling") or config.get("rope_parameters") or {}
    kind = scaling.get("rope_type") or scaling.get("type") or "default"
    if kind == "default":
        return None
    if kind == "linear":
        return RopeScaling("linear", float(scaling["factor"]))
    if kind == "llama3":
        return RopeScaling(
            "llama3",
            float(scaling["factor"]),
            float(scaling["low_freq_factor"]),
            float(scaling["high_freq_factor"]),
            int(scaling["original_max_position_embeddings"]),
        )
    raise BundleError(f"rotary scaling of kind {kind} isn't supported; linear and llama3 are")

"""Checkpoints of three mixtures with random weights, and GGUF files of the same."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from tiny_checkpoint import QWEN_TOKENS, byte_level_tokenizer

from nextedit_jupyter.bundles.safetensors import TensorFolder

SIZES = {
    "vocab_size": 384,
    "hidden_size": 64,
    "num_hidden_layers": 3,
    "num_attention_heads": 4,
    "num_key_value_heads": 2,
    "max_position_embeddings": 4096,
}
EXPERTS: dict[str, dict[str, Any]] = {
    "granitemoe": {
        "intermediate_size": 32,
        "num_local_experts": 8,
        "num_experts_per_tok": 2,
        "embedding_multiplier": 6.0,
        "residual_multiplier": 0.22,
        "attention_multiplier": 0.1,
        "logits_scaling": 3.0,
    },
    "granitemoeshared": {
        "intermediate_size": 32,
        "num_local_experts": 4,
        "num_experts_per_tok": 2,
        "shared_intermediate_size": 64,
        "residual_multiplier": 0.5,
    },
    "olmoe": {
        "intermediate_size": 32,
        "num_experts": 8,
        "num_experts_per_tok": 3,
        "pad_token_id": 1,
        "eos_token_id": 2,
    },
    "qwen2_moe": {
        "intermediate_size": 96,
        "num_experts": 6,
        "num_experts_per_tok": 2,
        "moe_intermediate_size": 32,
        "shared_expert_intermediate_size": 64,
    },
}
CLASSES = {
    "granitemoe": "GraniteMoe",
    "granitemoeshared": "GraniteMoeShared",
    "olmoe": "Olmoe",
    "qwen2_moe": "Qwen2Moe",
}


def save(folder: Path, kind: str, **changes: Any) -> Any:
    """A checkpoint with random weights, saved as transformers saves; returns the model.

    The tokenizer is byte-level BPE with Qwen's control tokens.
    """
    import torch
    import transformers

    torch.manual_seed(0)
    config = getattr(transformers, f"{CLASSES[kind]}Config")(**SIZES | EXPERTS[kind] | changes)
    model = getattr(transformers, f"{CLASSES[kind]}ForCausalLM")(config)
    for parameter in model.parameters():  # biases and norms too, which start as zeros and ones
        with torch.no_grad():
            parameter.add_(torch.randn_like(parameter) * 0.05)
    model.eval().save_pretrained(folder, safe_serialization=True)
    byte_level_tokenizer(folder / "tokenizer.json", QWEN_TOKENS)
    return model


def tensors_of(folder: Path) -> dict[str, np.ndarray]:
    tensors = TensorFolder(folder)
    return {name: tensors.read(name) for name in tensors.names()}


def write_tensors(folder: Path, tensors: Mapping[str, np.ndarray]) -> None:
    """Replace a checkpoint's tensors."""
    from safetensors.numpy import save_file

    for file in folder.glob("*.safetensors"):
        file.unlink()
    whole = {name: np.ascontiguousarray(value) for name, value in tensors.items()}
    save_file(whole, folder / "model.safetensors")


def change_config(folder: Path, **changes: Any) -> None:
    """Change a config; None leaves a key out."""
    path = folder / "config.json"
    config = json.loads(path.read_text()) | changes
    left = {key: value for key, value in config.items() if value is not None}
    path.write_text(json.dumps(left))


def stacked(tensors: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
    """The same experts in the form of newer versions of transformers: one stack per layer."""
    found: dict[str, np.ndarray] = {}
    parts: dict[str, dict[int, dict[str, np.ndarray]]] = {}
    for name, value in tensors.items():
        at, mark, rest = name.partition(".mlp.experts.")
        if not mark:
            found[name] = value
            continue
        expert, part = rest.split(".")[:2]
        parts.setdefault(at, {}).setdefault(int(expert), {})[part] = value
    for at, experts in parts.items():
        each = [experts[i] for i in sorted(experts)]
        both = [np.concatenate((e["gate_proj"], e["up_proj"])) for e in each]
        found[f"{at}.mlp.experts.gate_up_proj"] = np.stack(both)
        found[f"{at}.mlp.experts.down_proj"] = np.stack([e["down_proj"] for e in each])
    return found


# -- GGUF ------------------------------------------------------------------------------------------

ARCHITECTURES = {"granitemoe": "granitemoe", "olmoe": "olmoe", "qwen2_moe": "qwen2moe"}
_TOP = {
    "model.embed_tokens.weight": "token_embd.weight",
    "lm_head.weight": "output.weight",
    "model.norm.weight": "output_norm.weight",
}
_PARTS = {
    "input_layernorm": "attn_norm",
    "post_attention_layernorm": "ffn_norm",
    "self_attn.q_proj": "attn_q",
    "self_attn.k_proj": "attn_k",
    "self_attn.v_proj": "attn_v",
    "self_attn.o_proj": "attn_output",
    "self_attn.q_norm": "attn_q_norm",
    "self_attn.k_norm": "attn_k_norm",
    "mlp.gate": "ffn_gate_inp",
    "block_sparse_moe.router.layer": "ffn_gate_inp",
    "mlp.shared_expert.gate_proj": "ffn_gate_shexp",
    "mlp.shared_expert.up_proj": "ffn_up_shexp",
    "mlp.shared_expert.down_proj": "ffn_down_shexp",
    "mlp.shared_expert_gate": "ffn_gate_inp_shexp",
}


def gguf_tensors(kind: str, checkpoint: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
    """A checkpoint's tensors with the names and layout of llama.cpp's converter."""
    tensors = stacked(checkpoint)
    found: dict[str, np.ndarray] = {}
    for name, value in tensors.items():
        if name in _TOP:
            found[_TOP[name]] = value
            continue
        _, _, layer, rest = name.split(".", 3)
        at = f"blk.{layer}"
        if rest in ("mlp.experts.gate_up_proj", "block_sparse_moe.input_linear.weight"):
            half = value.shape[1] // 2
            found[f"{at}.ffn_gate_exps.weight"] = value[:, :half]
            found[f"{at}.ffn_up_exps.weight"] = value[:, half:]
        elif rest in ("mlp.experts.down_proj", "block_sparse_moe.output_linear.weight"):
            found[f"{at}.ffn_down_exps.weight"] = value
        else:
            part, _, ending = rest.rpartition(".")
            if kind == "granitemoe" and part in ("self_attn.q_proj", "self_attn.k_proj"):
                head = SIZES["hidden_size"] // SIZES["num_attention_heads"]
                halves = value.reshape(-1, 2, head // 2, value.shape[1])
                value = halves.swapaxes(1, 2).reshape(value.shape)
            if part == "mlp.shared_expert_gate":
                value = value[0]
            found[f"{at}.{_PARTS[part]}.{ending}"] = value
    return found


def gguf_fields(kind: str) -> dict[str, Any]:
    """The numbers that llama.cpp's converter writes for a checkpoint of these sizes."""
    sizes = SIZES | EXPERTS[kind]
    fields: dict[str, Any] = {
        "block_count": sizes["num_hidden_layers"],
        "context_length": sizes["max_position_embeddings"],
        "embedding_length": sizes["hidden_size"],
        "feed_forward_length": sizes["intermediate_size"],
        "attention.head_count": sizes["num_attention_heads"],
        "attention.head_count_kv": sizes["num_key_value_heads"],
        "attention.layer_norm_rms_epsilon": 1e-5 if kind == "olmoe" else 1e-6,
        "rope.freq_base": 10_000.0,
        "expert_count": sizes.get("num_experts") or sizes["num_local_experts"],
        "expert_used_count": sizes["num_experts_per_tok"],
    }
    if kind == "granitemoe":
        fields |= {
            "embedding_scale": sizes["embedding_multiplier"],
            "residual_scale": sizes["residual_multiplier"],
            "attention.scale": sizes["attention_multiplier"],
            "logit_scale": sizes["logits_scaling"],
        }
    if kind == "qwen2_moe":
        fields |= {
            "expert_feed_forward_length": sizes["moe_intermediate_size"],
            "expert_shared_feed_forward_length": sizes["shared_expert_intermediate_size"],
        }
    return fields


def write_gguf(
    path: Path,
    kind: str,
    tensors: Mapping[str, np.ndarray],
    *,
    quant: str = "F32",
    fields: Mapping[str, Any] | None = None,
) -> dict[str, np.ndarray]:
    """Write a file, matrices in `quant`; returns the values in it.

    `fields` replace numbers, None leaves one out. Rows without a token are dropped.
    """
    import gguf
    from tiny_gguf import vocabulary

    tokens, merges, types = vocabulary()
    arch = ARCHITECTURES[kind]
    writer = gguf.GGUFWriter(str(path), arch)
    for key, value in (gguf_fields(kind) | dict(fields or {})).items():
        if isinstance(value, bool):
            writer.add_bool(f"{arch}.{key}", value)
        elif isinstance(value, float):
            writer.add_float32(f"{arch}.{key}", value)
        elif value is not None:
            writer.add_uint32(f"{arch}.{key}", value)
    writer.add_tokenizer_model("gpt2")
    writer.add_tokenizer_pre("smollm")
    writer.add_token_list(tokens)
    writer.add_token_merges(merges)
    writer.add_token_types(types)
    stored_type, held = gguf.GGMLQuantizationType[quant], {}
    for name, value in tensors.items():
        if name in ("token_embd.weight", "output.weight"):
            value = value[: len(tokens)]
        value = np.ascontiguousarray(value)
        plain = quant == "F32" or value.ndim == 1 or "ffn_gate_inp" in name
        if plain:
            writer.add_tensor(name, value)
            held[name] = value
            continue
        stored = gguf.quants.quantize(value, stored_type)
        writer.add_tensor(name, stored, raw_dtype=stored_type)
        held[name] = gguf.quants.dequantize(stored, stored_type).reshape(value.shape)
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()
    return held

"""Checkpoints of Qwen2's shape with random weights, and tokenizers like those of other models."""

from __future__ import annotations

import json
import struct
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

QWEN_TOKENS = (
    "<|endoftext|>",
    "<|im_start|>",
    "<|im_end|>",
    "<|fim_prefix|>",
    "<|fim_middle|>",
    "<|fim_suffix|>",
    "<|fim_pad|>",
    "<|repo_name|>",
    "<|file_sep|>",
)
STARCODER_TOKENS = (
    "<|endoftext|>",
    "<fim_prefix>",
    "<fim_middle>",
    "<fim_suffix>",
    "<fim_pad>",
    "<repo_name>",
    "<file_sep>",
)
CODE_LLAMA_TOKENS = ("▁<PRE>", "▁<MID>", "▁<SUF>", "▁<EOT>")
LINES = (
    "import numpy as np\n",
    "import pandas as pd\n",
    "df = pd.read_csv('data.csv')\n",
    "for i in range(10):\n    print(i)\n",
    "def area(width, height):\n    return width * height\n",
)


def byte_level_tokenizer(path: Path, special: Sequence[str], *, size: int = 330) -> None:
    """Byte-level BPE whose special tokens come last, as Qwen's and StarCoder's do."""
    from tokenizers import AddedToken, Tokenizer, decoders, models, pre_tokenizers, trainers

    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(
        vocab_size=size,
        initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
        show_progress=False,
    )
    tokenizer.train_from_iterator(LINES * 4, trainer)
    tokenizer.add_special_tokens([AddedToken(t, normalized=False, special=True) for t in special])
    tokenizer.add_tokens([AddedToken("<tool_call>", normalized=False)])  # added, but plain text
    tokenizer.save(str(path))


def sentence_piece_tokenizer(path: Path) -> None:
    """BPE with `▁` for spaces and `<0x0A>` for bytes, as in CodeLlama's tokenizer.json."""
    from tokenizers import AddedToken, Tokenizer, decoders, models, normalizers

    pieces = ["<unk>", "<s>", "</s>", *(f"<0x{byte:02X}>" for byte in range(256)), "▁"]
    pieces += [chr(code) for code in range(33, 127)]
    merges = [("▁", "d"), ("▁d", "e"), ("▁de", "f"), ("i", "n"), ("▁", "▁"), ("▁▁", "▁▁")]
    merges += [("p", "r"), ("pr", "in"), ("prin", "t"), ("▁", "="), ("▁", "x")]
    pieces += [a + b for a, b in merges]
    vocabulary = {piece: id for id, piece in enumerate(dict.fromkeys(pieces))}
    tokenizer = Tokenizer(
        models.BPE(vocabulary, merges, unk_token="<unk>", fuse_unk=True, byte_fallback=True)
    )
    tokenizer.normalizer = normalizers.Sequence(
        [normalizers.Prepend("▁"), normalizers.Replace(" ", "▁")]
    )
    tokenizer.decoder = decoders.Sequence(
        [
            decoders.Replace("▁", " "),
            decoders.ByteFallback(),
            decoders.Fuse(),
            decoders.Strip(" ", 1, 0),
        ]
    )
    tokenizer.add_special_tokens(
        [AddedToken(t, normalized=False, special=True) for t in ("<unk>", "<s>", "</s>")]
    )
    tokenizer.add_special_tokens(
        [AddedToken(t, normalized=False, special=True) for t in CODE_LLAMA_TOKENS]
    )
    tokenizer.save(str(path))


def make_checkpoint(
    folder: Path, *, special: Sequence[str] | None = QWEN_TOKENS, seed: int = 0
) -> Path:
    """A folder as `save_pretrained` writes it, of Qwen2's shape; `special` None: CodeLlama's
    tokenizer."""
    folder.mkdir(parents=True)
    if special is None:
        sentence_piece_tokenizer(folder / "tokenizer.json")
    else:
        byte_level_tokenizer(folder / "tokenizer.json", special)
    vocabulary, width, hidden, layers, heads, kv_heads = 512, 64, 96, 2, 4, 2
    config: Mapping[str, Any] = {
        "model_type": "qwen2",
        "vocab_size": vocabulary,
        "hidden_size": width,
        "intermediate_size": hidden,
        "num_hidden_layers": layers,
        "num_attention_heads": heads,
        "num_key_value_heads": kv_heads,
        "max_position_embeddings": 4096,
        "rms_norm_eps": 1e-6,
        "rope_theta": 1e6,
        "hidden_act": "silu",
        "tie_word_embeddings": True,
    }
    (folder / "config.json").write_text(json.dumps(config))
    random = np.random.default_rng(seed)
    head = width // heads
    shapes: dict[str, tuple[int, ...]] = {
        "model.embed_tokens.weight": (vocabulary, width),
        "model.norm.weight": (width,),
    }
    for i in range(layers):
        at = f"model.layers.{i}"
        for part, rows in (("q", heads * head), ("k", kv_heads * head), ("v", kv_heads * head)):
            shapes[f"{at}.self_attn.{part}_proj.weight"] = (rows, width)
            shapes[f"{at}.self_attn.{part}_proj.bias"] = (rows,)
        shapes[f"{at}.self_attn.o_proj.weight"] = (width, heads * head)
        shapes[f"{at}.mlp.gate_proj.weight"] = (hidden, width)
        shapes[f"{at}.mlp.up_proj.weight"] = (hidden, width)
        shapes[f"{at}.mlp.down_proj.weight"] = (width, hidden)
        shapes[f"{at}.input_layernorm.weight"] = (width,)
        shapes[f"{at}.post_attention_layernorm.weight"] = (width,)
    tensors = {
        name: np.ones(shape, np.float32)
        if "norm" in name
        else random.normal(0, 0.1, shape).astype(np.float32)
        for name, shape in shapes.items()
    }
    _write_safetensors(folder / "model.safetensors", tensors)
    return folder


def _write_safetensors(path: Path, tensors: Mapping[str, np.ndarray]) -> None:
    header, at = {}, 0
    for name, values in tensors.items():
        header[name] = {
            "dtype": "F32",
            "shape": list(values.shape),
            "data_offsets": [at, at + values.nbytes],
        }
        at += values.nbytes
    text = json.dumps(header).encode()
    with open(path, "wb") as file:
        file.write(struct.pack("<Q", len(text)) + text)
        for values in tensors.values():
            file.write(values.tobytes())

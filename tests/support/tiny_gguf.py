"""GGUF files of Llama's and Qwen2's shape with random weights, and wheels that hold one."""

from __future__ import annotations

import hashlib
import json
import os
import zipfile
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from nextedit_jupyter.bundles.byte_level import ALPHABET
from nextedit_jupyter.bundles.graph import GraphShape
from nextedit_jupyter.prompt.control import CONTROL_TOKENS

LICENCE = "Licence of the tiny base: do as you like, and name it."
MISSING = (0x04, 0xC0, 0xF1)  # bytes missing in the tiny vocabulary, as in a real one
MERGES = (
    ("i", "n"), ("in", "t"), ("p", "r"), ("pr", "int"), ("Ġ", "="), ("Ġ", "x"), ("Ċ", "Ċ"),
    ("i", "m"), ("im", "p"), ("imp", "o"), ("impo", "r"), ("impor", "t"), ("Ġ", "Ġ"),
    ("ĠĠ", "ĠĠ"), ("d", "f"), ("n", "p"),
)  # fmt: skip
SPECIAL = ("<|endoftext|>", "<|im_start|>")


@dataclass(frozen=True)
class Sizes:
    width: int = 64
    hidden: int = 96
    layers: int = 2
    heads: int = 4
    kv_heads: int = 2
    context: int = 4096
    theta: float = 50_000.0
    eps: float = 1e-5


@dataclass(frozen=True)
class Tiny:
    """A file and its contents: `weights` by GGUF's names, with Q and K rows as in the file."""

    path: Path
    sizes: Sizes
    tokens: list[str]
    weights: dict[str, np.ndarray]
    more: Mapping[str, Any] = field(default_factory=dict)


def vocabulary() -> tuple[list[str], list[str], list[int]]:
    """Tokens, merges and types, as the file has them."""
    alphabet = [char for byte, char in enumerate(ALPHABET) if byte not in MISSING]
    tokens = [*SPECIAL, *alphabet, *(a + b for a, b in MERGES)]
    types = [3 if token in SPECIAL else 1 for token in tokens]
    return tokens, [f"{a} {b}" for a, b in MERGES], types


def make_gguf(
    path: Path,
    *,
    arch: str = "llama",
    quant: str = "F32",
    pre: str = "smollm",
    sizes: Sizes | None = None,
    tied: bool = True,
    seed: int = 0,
    fields: Mapping[str, Any] | None = None,
    drop: tuple[str, ...] = (),
    extra: Mapping[str, np.ndarray] | None = None,
) -> Tiny:
    """Write a file; matrices in `quant`. `fields` replace numbers, None leaves one out."""
    import gguf

    s = sizes or Sizes()
    random = np.random.default_rng(seed)
    head = s.width // s.heads
    tokens, merges, types = vocabulary()
    shapes: dict[str, tuple[int, ...]] = {"token_embd.weight": (len(tokens), s.width)}
    for i in range(s.layers):
        at = f"blk.{i}"
        shapes |= {
            f"{at}.attn_norm.weight": (s.width,),
            f"{at}.attn_q.weight": (s.width, s.width),
            f"{at}.attn_k.weight": (s.kv_heads * head, s.width),
            f"{at}.attn_v.weight": (s.kv_heads * head, s.width),
            f"{at}.attn_output.weight": (s.width, s.width),
            f"{at}.ffn_norm.weight": (s.width,),
            f"{at}.ffn_gate.weight": (s.hidden, s.width),
            f"{at}.ffn_up.weight": (s.hidden, s.width),
            f"{at}.ffn_down.weight": (s.width, s.hidden),
        }
        if arch == "qwen2":
            shapes |= {
                f"{at}.attn_{part}.bias": (rows,)
                for part, rows in (
                    ("q", s.width), ("k", s.kv_heads * head), ("v", s.kv_heads * head),
                )
            }  # fmt: skip
    shapes["output_norm.weight"] = (s.width,)
    if not tied:
        shapes["output.weight"] = (len(tokens), s.width)
    weights = {
        name: random.normal(1.0 if "norm" in name else 0.0, 0.1, shape).astype(np.float32)
        for name, shape in shapes.items()
        if name not in drop
    }
    weights |= extra or {}
    writer = gguf.GGUFWriter(str(path), arch)
    numbers: dict[str, Any] = {
        "block_count": s.layers,
        "context_length": s.context,
        "embedding_length": s.width,
        "feed_forward_length": s.hidden,
        "attention.head_count": s.heads,
        "attention.head_count_kv": s.kv_heads,
        "attention.layer_norm_rms_epsilon": s.eps,
        "rope.freq_base": s.theta,
        **(fields or {}),
    }
    for key, value in numbers.items():
        if isinstance(value, str):
            writer.add_string(f"{arch}.{key}", value)
        elif isinstance(value, bool):
            writer.add_bool(f"{arch}.{key}", value)
        elif isinstance(value, float):
            writer.add_float32(f"{arch}.{key}", value)
        elif value is not None:
            writer.add_uint32(f"{arch}.{key}", value)
    writer.add_string("general.name", "Tiny")
    writer.add_string("general.license", "mit")
    writer.add_tokenizer_model("gpt2")
    writer.add_tokenizer_pre(pre)
    writer.add_token_list(tokens)
    writer.add_token_merges(merges)
    writer.add_token_types(types)
    kind = gguf.GGMLQuantizationType[quant]
    for name, values in weights.items():
        if values.ndim == 1 or quant == "F32":
            writer.add_tensor(name, values)
        else:
            stored = gguf.quants.quantize(values, kind)
            writer.add_tensor(name, stored, raw_dtype=kind)
            weights[name] = gguf.quants.dequantize(stored, kind).reshape(values.shape)
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()
    return Tiny(path, s, tokens, weights)


def make_wheel(folder: Path, weights: Path, *, package: str = "tiny-base") -> Path:
    """A wheel of a package that has the file, as an index or a folder of links would have it."""
    name = package.replace("-", "_")
    info = f"{name}-1.0.0.dist-info"
    path = folder / f"{name}-1.0.0-py3-none-any.whl"
    files = {
        f"{name}/__init__.py": b"raise SystemExit('a base is never run')\n",
        f"{name}/base.gguf": weights.read_bytes(),
        f"{info}/METADATA": f"Metadata-Version: 2.1\nName: {package}\nVersion: 1.0.0\n"
        "Requires-Dist: a-package-that-nobody-has\n".encode(),
        f"{info}/WHEEL": b"Wheel-Version: 1.0\nGenerator: test\nRoot-Is-Purelib: true\n"
        b"Tag: py3-none-any\n",
        f"{info}/LICENSE": LICENCE.encode(),
    }
    record = "".join(f"{file},,\n" for file in (*files, f"{info}/RECORD"))
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for file, data in {**files, f"{info}/RECORD": record.encode()}.items():
            archive.writestr(file, data)
    return path


def make_delta(
    folder: Path, wheel: Path, file: Path, *, id: str = "nextedit-tiny", **changes: Any
) -> Path:
    """A delta of that wheel which adds the control tokens; `changes` override its description."""
    folder.mkdir(parents=True, exist_ok=True)
    data = file.read_bytes()
    value = {
        "schema": 1,
        "id": id,
        "version": "1.0.0",
        "base": {
            "package": "tiny-base",
            "version": "1.0.0",
            "wheel_sha256": hashlib.sha256(wheel.read_bytes()).hexdigest(),
            "wheel_bytes": wheel.stat().st_size,
            "member": "tiny_base/base.gguf",
            "member_bytes": len(data),
            "member_sha256": hashlib.sha256(data).hexdigest(),
            "name": "Tiny base",
            "licence": "MIT",
            "notice": "Tiny base, by nobody.",
        },
        "vocabulary": {"control_tokens": list(CONTROL_TOKENS)},
        "format": "cells-spm-v1",
        "context": 2048,
        "thresholds": {"inline": 0.6, "next_edit": 0.7},
        **changes,
    }
    (folder / "delta.json").write_text(json.dumps(value), encoding="utf-8")
    return folder


def write_tensors(path: Path, tensors: Mapping[str, np.ndarray]) -> None:
    """A safetensors file in float16, as deltas have them."""
    header, blocks, at = {}, [], 0
    for name, values in tensors.items():
        data = values.astype("<f2").tobytes()
        place = [at, at + len(data)]
        header[name] = {"dtype": "F16", "shape": list(values.shape), "data_offsets": place}
        blocks.append(data)
        at += len(data)
    text = json.dumps(header).encode()
    path.write_bytes(len(text).to_bytes(8, "little") + text + b"".join(blocks))


def logits(model: bytes, shape: GraphShape, ids: list[int]) -> np.ndarray:
    """Logits [ids, vocabulary] of a graph without a cache."""
    import onnxruntime as ort

    session = ort.InferenceSession(model, providers=["CPUExecutionProvider"])
    cache = np.zeros((1, shape.kv_heads, shape.context, shape.head_dim), np.float32)
    feeds: dict[str, Any] = {
        "input_ids": np.array([ids]),
        "seqlens_k": np.array([len(ids) - 1], np.int32),
        "total": np.array(len(ids), np.int32),
        "start": np.array([0]),
    }
    for i in range(shape.layers):
        feeds[f"past.{i}.key"], feeds[f"past.{i}.value"] = cache, cache
    found: np.ndarray = session.run(["logits"], feeds)[0][0]
    return found


def plain_pip(monkeypatch: Any, folder: Path) -> None:
    """pip without the configuration of whoever runs the tests, with a cache of its own."""
    for name in [name for name in os.environ if name.upper().startswith("PIP_")]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("PIP_CONFIG_FILE", os.devnull)  # so that no other file is read
    monkeypatch.setenv("PIP_CACHE_DIR", str(folder / "pip-cache"))

"""A bundle small enough to make in a test: random weights, a tokenizer trained on ten lines."""

from __future__ import annotations

import hashlib
import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from nextedit_jupyter.bundles.graph import Experts, GraphShape, build_graph
from nextedit_jupyter.training.bpe import train_tokenizer

SHAPE = GraphShape(
    vocab_size=384, width=32, layers=2, heads=4, kv_heads=2, head_dim=16, hidden=48, context=2048
)
# Granite's multipliers, OLMoE's norms and Qwen's shared expert together: each changes the output.
MIXTURE = replace(
    SHAPE,
    experts=Experts(5, 2, 24, normalised=True, shared_hidden=40, shared_gate=True),
    qk_norm=True,
    embedding_scale=3.0,
    residual_scale=0.7,
    attention_scale=0.3,
    logits_scale=0.5,
)
LINES = [
    "import numpy as np\n",
    "import pandas as pd\n",
    "df = pd.read_csv('data.csv')\n",
    "df.head()\n",
    "for i in range(10):\n    print(i)\n",
    "x = np.linspace(0, 1, 100)\n",
    "def area(width, height):\n    return width * height\n",
]


def random_weights(shape: GraphShape = SHAPE, seed: int = 0) -> dict[str, np.ndarray]:
    """Weights as `training.network.Decoder` names them; rows are outputs."""
    random = np.random.default_rng(seed)

    def matrix(rows: int, columns: int) -> np.ndarray:
        return random.normal(0, 0.08, (rows, columns)).astype(np.float32)

    heads = shape.heads * shape.head_dim
    weights = {"embedding.weight": matrix(shape.vocab_size, shape.width)}
    for i in range(shape.layers):
        at = f"layers.{i}"
        weights[f"{at}.norm_attention.weight"] = np.ones(shape.width, np.float32)
        weights[f"{at}.norm_mlp.weight"] = np.ones(shape.width, np.float32)
        weights[f"{at}.qkv.weight"] = matrix(
            heads + 2 * shape.kv_heads * shape.head_dim, shape.width
        )
        weights[f"{at}.out.weight"] = matrix(shape.width, heads)
        mixture, parts = shape.experts_of(i), {at: shape.hidden}
        if mixture is not None:
            weights[f"{at}.router.weight"] = matrix(mixture.count, shape.width) * 20
            parts = {f"{at}.experts.{e}": mixture.hidden for e in range(mixture.count)}
            parts |= {f"{at}.shared": mixture.shared_hidden} if mixture.shared_hidden else {}
            if mixture.shared_gate:
                weights[f"{at}.shared_gate.weight"] = matrix(1, shape.width) * 20
        if shape.qk_norm:
            weights[f"{at}.norm_query.weight"] = np.ones(shape.query_width, np.float32)
            weights[f"{at}.norm_key.weight"] = np.ones(shape.cached_width, np.float32)
        for part, hidden in parts.items():
            weights[f"{part}.gate.weight"] = matrix(hidden, shape.width)
            weights[f"{part}.up.weight"] = matrix(hidden, shape.width)
            weights[f"{part}.down.weight"] = matrix(shape.width, hidden)
    weights["norm.weight"] = np.ones(shape.width, np.float32)
    return weights


def make_bundle(
    folder: Path,
    *,
    id: str = "nextedit-tiny",
    version: str = "0.1.0",
    seed: int = 0,
    spoil: bool = False,
    shape: GraphShape = SHAPE,
    bits: int = 8,
    **more: Any,
) -> Path:
    """Write a bundle's four files into `folder`, made if need be; `more` goes into the manifest.

    With `spoil`, every logit is NaN; `shape` may differ from `SHAPE` in what the manifest omits.
    """
    folder.mkdir(parents=True, exist_ok=True)
    weights = random_weights(shape, seed=seed)
    if spoil:
        weights["norm.weight"] = np.full(SHAPE.width, np.nan, np.float32)
    model = build_graph(shape, weights, int8=True, bits=bits)
    (folder / "model.onnx").write_bytes(model.SerializeToString())
    train_tokenizer(LINES * 4, folder / "tokenizer.json", vocab_size=SHAPE.vocab_size)
    (folder / "CARD.md").write_text(f"# {id} {version}\n", encoding="utf-8")
    files = {}
    for name in ("model.onnx", "tokenizer.json", "CARD.md"):
        data = (folder / name).read_bytes()
        files[name] = {"sha256": hashlib.sha256(data).hexdigest(), "size": len(data)}
    manifest: dict[str, Any] = {
        "schema": 1,
        "id": id,
        "version": version,
        "prompt_format": "cells-spm-v1",
        "language": "python",
        "licence": "BSD-3-Clause",
        "min_app_version": "0.1.0",
        "quantisation": "int8-rowwise",
        "parameters": 100_000,
        "context": SHAPE.context,
        "layers": SHAPE.layers,
        "heads": SHAPE.heads,
        "kv_heads": SHAPE.kv_heads,
        "head_dim": SHAPE.head_dim,
        "vocab_size": SHAPE.vocab_size,
        "card": "CARD.md",
        "thresholds": {"inline": 0.6, "next_edit": 0.7},
        "latency": {},
        "quality": {},
        "files": files,
        **more,
    }
    (folder / "manifest.json").write_text(json.dumps(manifest), encoding="utf-8")
    return folder


def make_versions(folder: Path, *versions: str, **more: Any) -> dict[str, Path]:
    """One bundle per version, each with other weights, in folders named by version."""
    return {
        version: make_bundle(folder / version, version=version, seed=seed, **more)
        for seed, version in enumerate(versions)
    }

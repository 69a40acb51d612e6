"""A bundle small enough to make in a test: random weights, a tokenizer trained on ten lines."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import Any

import numpy as np

from nextedit_jupyter.bundles.graph import GraphShape, build_graph
from nextedit_jupyter.training.bpe import train_tokenizer

SHAPE = GraphShape(
    vocab_size=384, width=32, layers=2, heads=4, kv_heads=2, head_dim=16, hidden=48, context=2048
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
        weights[f"{at}.gate.weight"] = matrix(shape.hidden, shape.width)
        weights[f"{at}.up.weight"] = matrix(shape.hidden, shape.width)
        weights[f"{at}.down.weight"] = matrix(shape.width, shape.hidden)
    weights["norm.weight"] = np.ones(shape.width, np.float32)
    return weights


def make_bundle(
    folder: Path,
    *,
    id: str = "nextedit-tiny",
    version: str = "0.1.0",
    seed: int = 0,
    spoil: bool = False,
    **more: Any,
) -> Path:
    """Write a bundle's four files into `folder`, made if need be; `more` goes into the manifest.

    `spoil` makes every logit NaN.
    """
    folder.mkdir(parents=True, exist_ok=True)
    weights = random_weights(seed=seed)
    if spoil:
        weights["norm.weight"] = np.full(SHAPE.width, np.nan, np.float32)
    model = build_graph(SHAPE, weights, int8=True)
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

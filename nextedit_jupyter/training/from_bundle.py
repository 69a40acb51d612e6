"""A bundle's weights as a starting point for training.

Weights are shipped only as INT8. Dequantised, they differ from the trained ones by at most half a
step of their column's scale, which a few training steps compensate.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import fields
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import torch

from nextedit_jupyter.bundles.graph import hadamard_rotated
from nextedit_jupyter.core.errors import TrainingError
from nextedit_jupyter.training.export import OURS, GraphRecipe
from nextedit_jupyter.training.network import DecoderModule, Shape

_MATRICES = ("qkv", "out", "gate", "up", "down")


def bundle_weights(folder: Path) -> tuple[Shape, dict[str, torch.Tensor]]:
    """The shape and dequantised float32 weights of a bundle, with the names of `DecoderModule`.

    Raises TrainingError for a folder that is not one of our bundles: another layout, 4 bits, a
    separate head.
    """
    import onnx
    from onnx import numpy_helper

    try:
        manifest = json.loads((folder / "manifest.json").read_text(encoding="utf-8"))
        model = onnx.load(str(folder / "model.onnx"), load_external_data=False)
    except Exception as error:
        raise TrainingError(
            f"{folder} is not a readable bundle ({type(error).__name__}): "
            "give a folder with manifest.json and model.onnx"
        ) from error
    stored = {tensor.name: numpy_helper.to_array(tensor) for tensor in model.graph.initializer}
    try:
        weights = {
            "embedding.weight": _outputs(stored, "embedding", transposed=False),
            "norm.weight": stored["norm.gain"],
        }
        for i in range(manifest["layers"]):
            at = f"layers.{i}"
            weights[f"{at}.norm_attention.weight"] = stored[f"{at}.norm_attention"]
            weights[f"{at}.norm_mlp.weight"] = stored[f"{at}.norm_mlp"]
            for part in _MATRICES:
                weights[f"{at}.{part}.weight"] = _outputs(stored, f"{at}.{part}")
        vocab_size, width = weights["embedding.weight"].shape
        known = {field.name for field in fields(Shape)}
        sizes = {key: value for key, value in manifest.items() if key in known}
        hidden = weights["layers.0.up.weight"].shape[0]
        shape = Shape(**{**sizes, "vocab_size": vocab_size, "width": width, "hidden": hidden})
    except (KeyError, TypeError, ValueError) as error:
        raise TrainingError(
            f"the bundle {folder} is of another layout ({error}): "
            "only bundles that were trained here, with 8 bits and a tied head, can be trained on"
        ) from error
    return shape, {
        name: torch.from_numpy(np.array(value, np.float32)) for name, value in weights.items()
    }


def bundle_recipe(folder: Path) -> GraphRecipe:
    """How the graph of one of our bundles was made. Raises TrainingError like `bundle_weights`."""
    import onnx

    try:
        model = onnx.load(str(folder / "model.onnx"), load_external_data=False)
    except Exception as error:
        raise TrainingError(f"{folder / 'model.onnx'} cannot be read") from error
    is_rotated = any(tensor.name.endswith(".turned") for tensor in model.graph.initializer)
    return OURS if is_rotated else GraphRecipe()


def start_from(model: DecoderModule, folder: Path) -> None:
    """Load a bundle's weights into a model; raises TrainingError if it has another shape."""
    shape, weights = bundle_weights(folder)
    if shape != model.shape:
        raise TrainingError(
            f"the bundle {folder} is of another shape ({shape.parameters:,} parameters, not "
            f"{model.shape.parameters:,}): leave --shape away to take the bundle's"
        )
    model.load_state_dict(weights)


def _outputs(
    stored: Mapping[str, npt.NDArray[Any]], name: str, *, transposed: bool = True
) -> npt.NDArray[np.float32]:
    """A matrix [outputs, inputs] of a graph, float32, with any rotation undone.

    `transposed`: it is stored as [inputs, outputs].
    """
    plain = stored.get(f"{name}.int8")
    values = stored[f"{name}.turned"] if plain is None else plain
    rows = values.T if transposed else values
    matrix: npt.NDArray[np.float32] = rows.astype(np.float32) * stored[f"{name}.scale"][:, None]
    return matrix if plain is not None else np.ascontiguousarray(hadamard_rotated(matrix.T).T)

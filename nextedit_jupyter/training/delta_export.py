"""Exports a tuned base as a delta folder, from which `bundles.assembling` makes a bundle.

It contains the adapters, the new rows and the factors that smooth the tuned weights (measured here,
because there is no text to measure them on when a bundle is assembled), all in float16.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import numpy as np
import numpy.typing as npt
import torch

from nextedit_jupyter.bundles.smoothing import Peaks, smoothing_factors
from nextedit_jupyter.core.files import written_beside
from nextedit_jupyter.training.export import graph_shape
from nextedit_jupyter.training.inputs import reduce_inputs
from nextedit_jupyter.training.lora import MATRICES
from nextedit_jupyter.training.network import DecoderModule, Shape
from nextedit_jupyter.training.pretrained import PretrainedBase
from nextedit_jupyter.training.tuning import SCALE, learnt

Floats = npt.NDArray[np.float32]

CALIBRATION_ROWS = 8  # of a thousand tokens: a few are enough to find outlier channels


def delta_tensors(
    base: PretrainedBase,
    tuned: DecoderModule,
    calibration: npt.NDArray[np.int64],
    *,
    scale: float = SCALE,
) -> dict[str, npt.NDArray[np.float16]]:
    """The tensors of a delta by name. `calibration` is [rows, length], ids of training text.

    Factors are measured on weights rounded to float16, as in the assembled bundle.
    """
    stored = {name: value.half() for name, value in learnt(tuned).items()}
    weights = {name: value.clone() for name, value in base.weights.items()}
    for i in range(base.shape.layers):
        for name in MATRICES:
            at = f"layers.{i}.{name}"
            low = stored[f"{at}.b"].float() @ stored[f"{at}.a"].float()
            weights[f"{at}.weight"] += scale * low
    weights["embedding.weight"][-base.new_rows :] = stored["embedding.new"].float()
    plain = {name: value.numpy() for name, value in weights.items()}
    factors = smoothing_factors(
        graph_shape(base.shape), plain, input_peaks(base.shape, plain, calibration)
    )
    tensors = {name: value.numpy() for name, value in stored.items()}
    return tensors | {f"smooth.{name}": f.astype(np.float16) for name, f in factors.items()}


def input_peaks(shape: Shape, weights: Mapping[str, Floats], rows: npt.NDArray[np.int64]) -> Peaks:
    """The largest absolute input of each channel of each matrix over `rows`, [rows, length]."""

    def peak(so_far: Floats | None, inputs: torch.Tensor) -> Floats:
        found: Floats = inputs.abs().amax(0).numpy()
        return found if so_far is None else np.maximum(so_far, found)

    return Peaks(reduce_inputs(shape, weights, rows.tolist(), peak))


def write_tensors(path: Path, tensors: Mapping[str, npt.NDArray[np.float16]]) -> None:
    """Write tensors as safetensors, deterministically."""
    from safetensors.numpy import save_file

    with written_beside(path) as beside:
        save_file({name: np.ascontiguousarray(tensors[name]) for name in sorted(tensors)}, beside)

"""The inputs of each matrix of a model's layers over some prompts, reduced on the fly."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import TypeVar

import numpy as np
import numpy.typing as npt
import torch

from nextedit_jupyter.bundles.smoothing import PLACES
from nextedit_jupyter.training.network import DecoderModule, Shape

T = TypeVar("T")


def reduce_inputs(
    shape: Shape,
    weights: Mapping[str, npt.NDArray[np.float32]],
    prompts: Iterable[Sequence[int]],
    reduce: Callable[[T | None, torch.Tensor], T],
) -> dict[str, T]:
    """By matrix (`layers.0.qkv`): `reduce(so_far, inputs)` over all prompts.

    `inputs` are float32 [tokens, width], one prompt at a time; `so_far` is None at first.
    """
    model = DecoderModule(shape).eval()
    model.load_state_dict({name: torch.from_numpy(value) for name, value in weights.items()})
    found: dict[str, T] = {}

    def observe(name: str, x: torch.Tensor) -> None:
        found[name] = reduce(found.get(name), x.reshape(-1, x.shape[-1]))

    for i, layer in enumerate(model.layers):
        for place in PLACES:
            getattr(layer, place).register_forward_pre_hook(
                lambda _, given, name=f"layers.{i}.{place}": observe(name, given[0])
            )
    with torch.no_grad():
        for prompt in prompts:
            model.hidden(torch.tensor([list(prompt)[: shape.context]]))
    return found

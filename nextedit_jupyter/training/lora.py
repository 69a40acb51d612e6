"""Low-rank adapters for the layers' matrices, merged into them after training.

Source: Hu et al., "LoRA: low-rank adaptation of large language models", 2021.
"""

from __future__ import annotations

from collections.abc import Iterator

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from nextedit_jupyter.training.network import DecoderModule

MATRICES = ("qkv", "out", "gate", "up", "down")


class LowRank(nn.Module):
    """A frozen linear layer with a trained low-rank addition: `x W' + scale * (x A') B'`.

    B is initialised to zero, so that the layer starts as the frozen one.
    """

    def __init__(
        self, frozen: nn.Linear, rank: int, scale: float, generator: torch.Generator
    ) -> None:
        super().__init__()
        self.frozen = frozen
        frozen.weight.requires_grad_(False)
        rows, columns = frozen.weight.shape
        self.scale = scale
        first = torch.empty(rank, columns).normal_(0.0, columns**-0.5, generator=generator)
        self.first = nn.Parameter(first)
        self.second = nn.Parameter(torch.zeros(rows, rank))

    def forward(self, x: Tensor) -> Tensor:
        low = F.linear(F.linear(x, self.first), self.second)
        result: Tensor = self.frozen(x) + self.scale * low
        return result

    @torch.no_grad()
    def merged(self) -> nn.Linear:
        """The equivalent single linear layer."""
        self.frozen.weight += self.scale * (self.second @ self.first)
        self.frozen.weight.requires_grad_(True)
        return self.frozen


def adapt(
    model: DecoderModule, *, rank: int = 8, scale: float = 2.0, seed: int = 0
) -> list[Tensor]:
    """Freeze a model and add adapters to its layers; returns the parameters to train."""
    generator = torch.Generator().manual_seed(seed)
    for parameter in model.parameters():
        parameter.requires_grad_(False)
    for layer in model.layers:
        for name in MATRICES:
            setattr(layer, name, LowRank(getattr(layer, name), rank, scale, generator))
    return [parameter for parameter in model.parameters() if parameter.requires_grad]


def adapters(model: DecoderModule) -> Iterator[LowRank]:
    """The adapters of a model, in order."""
    return (module for module in model.modules() if isinstance(module, LowRank))


def mixed_precision(model: DecoderModule) -> torch.autocast:
    """bfloat16 if a model has adapters, whose frozen matrices are stored in it; otherwise a
    no-op."""
    adapted = next(adapters(model), None) is not None
    return torch.autocast(model.norm.weight.device.type, torch.bfloat16, enabled=adapted)


def merge(model: DecoderModule) -> None:
    """Merge each adapter into its matrix: the model is a plain decoder again."""
    for layer in model.layers:
        for name in MATRICES:
            setattr(layer, name, getattr(layer, name).merged())
    for parameter in model.parameters():
        parameter.requires_grad_(True)

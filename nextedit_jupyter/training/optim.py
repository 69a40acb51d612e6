"""Muon for the layers' matrices, AdamW for the rest."""

from __future__ import annotations

from collections import defaultdict
from typing import Any

import torch
from torch import Tensor, nn


@torch.no_grad()
def orthogonalise(x: Tensor, steps: int = 5) -> Tensor:
    """Bring the singular values of x [batch, rows, columns] near 1, in bfloat16.

    Newton-Schulz with Jordan's quintic coefficients. Source: Jordan et al., "Muon: an optimizer
    for hidden layers in neural networks", 2024.
    """
    a, b, c = 3.4445, -4.7750, 2.0315
    y = x.bfloat16()
    wide = y.shape[-2] <= y.shape[-1]
    if not wide:
        y = y.mT
    y = y / (y.norm(dim=(-2, -1), keepdim=True) + 1e-7)
    for _ in range(steps):
        gram = y @ y.mT
        y = a * y + (b * gram + c * gram @ gram) @ y
    result: Tensor = y if wide else y.mT
    return result


class Muon(torch.optim.Optimizer):
    """Momentum, then the orthogonalised direction; matrices of the same shape are one batch."""

    def __init__(
        self, parameters: list[nn.Parameter], lr: float = 0.02, momentum: float = 0.95
    ) -> None:
        super().__init__(parameters, {"lr": lr, "momentum": momentum, "initial_lr": lr})

    @torch.no_grad()
    def step(self, closure: Any = None) -> None:  # type: ignore[override]
        for group in self.param_groups:
            by_shape: dict[torch.Size, list[nn.Parameter]] = defaultdict(list)
            for parameter in group["params"]:
                if parameter.grad is not None:
                    by_shape[parameter.shape].append(parameter)
            for shape, parameters in by_shape.items():
                directions = []
                for parameter in parameters:
                    state = self.state[parameter]
                    if "momentum" not in state:
                        state["momentum"] = torch.zeros_like(parameter)
                    held, grad = state["momentum"], parameter.grad
                    assert grad is not None
                    held.lerp_(grad, 1 - group["momentum"])
                    directions.append(grad.lerp(held, group["momentum"]))
                update = orthogonalise(torch.stack(directions)).float()
                scale = max(1.0, shape[0] / shape[1]) ** 0.5
                for parameter, direction in zip(parameters, update, strict=True):
                    parameter.add_(direction, alpha=-group["lr"] * scale)


def make_optimizers(
    model: nn.Module, *, matrix_lr: float = 0.02, other_lr: float = 3e-3
) -> list[torch.optim.Optimizer]:
    """Muon for the matrices of the layers, AdamW for embedding and norms."""
    matrices: list[nn.Parameter] = []
    others: list[nn.Parameter] = []
    for name, parameter in model.named_parameters():
        inside = "layers." in name and parameter.ndim == 2
        (matrices if inside else others).append(parameter)
    adam = torch.optim.AdamW(others, lr=other_lr, betas=(0.9, 0.95), eps=1e-9, weight_decay=0.0)
    for group in adam.param_groups:
        group["initial_lr"] = other_lr
    return [Muon(matrices, lr=matrix_lr), adam]

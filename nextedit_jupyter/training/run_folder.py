"""A training run's folder: the model, its checkpoints, its log and the data it reads."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import torch

from nextedit_jupyter.core.errors import TrainingError
from nextedit_jupyter.core.files import written_beside
from nextedit_jupyter.training.network import DecoderModule, Shape
from nextedit_jupyter.training.packing import split_targets
from nextedit_jupyter.training.processes import Processes
from nextedit_jupyter.training.schedule import ScheduleState


@dataclass(slots=True)
class Run:
    """A run's folder and what was loaded from it; the first of its processes writes there."""

    folder: Path
    model: DecoderModule
    optimizers: list[torch.optim.Optimizer]
    state: ScheduleState = field(default_factory=ScheduleState)
    processes: Processes = field(default_factory=Processes)

    def save(self, name: str = "latest.pt") -> bool:
        """Write a checkpoint atomically; False, with the old one kept, if the disk is full."""
        if not self.processes.first:
            return True
        payload = {
            "shape": self.model.shape.to_dict(),
            "model": trained_state(self.model),
            "optimizers": [optimizer.state_dict() for optimizer in self.optimizers],
            "state": asdict(self.state),
            "rng": torch.get_rng_state(),
        }
        try:
            with written_beside(self.folder / name) as beside:
                torch.save(payload, beside)
        except (OSError, RuntimeError) as error:
            self.log({"warning": f"checkpoint not written: {error}"})
            return False
        return True

    def load(self, path: Path) -> None:
        """Resume from a checkpoint; raises TrainingError if it has another shape or is damaged."""
        payload = read_checkpoint(path)
        self.load_weights(payload, path)
        for optimizer, held in zip(self.optimizers, payload["optimizers"], strict=True):
            optimizer.load_state_dict(held)
        self.state = ScheduleState(**payload["state"])
        torch.set_rng_state(payload["rng"])

    def load_weights(self, payload: dict[str, Any], path: Path) -> None:
        """Load only a checkpoint's weights. Raises TrainingError like `load`."""
        shape = Shape(**payload["shape"])
        if shape != self.model.shape:
            raise TrainingError(
                f"the checkpoint {path} is of another shape ({shape.parameters:,} parameters, "
                f"not {self.model.shape.parameters:,}): give its shape or start a new folder"
            )
        missing, unknown = self.model.load_state_dict(payload["model"], strict=False)
        if unknown or set(missing) & set(trained_state(self.model)):
            raise TrainingError(
                f"the checkpoint {path} is of another kind of run: start a new folder"
            )

    def log(self, entry: dict[str, Any]) -> None:
        if not self.processes.first:
            return
        with (self.folder / "log.jsonl").open("a", encoding="utf-8") as file:
            file.write(json.dumps(entry) + "\n")


def trained_state(model: torch.nn.Module) -> dict[str, torch.Tensor]:
    """The part of a model that training changes: all weights, or the adapters of a frozen one."""
    return {n: p.detach() for n, p in model.named_parameters() if p.requires_grad}


def read_checkpoint(path: Path) -> dict[str, Any]:
    """Read a checkpoint; raises TrainingError if there is none or it is damaged."""
    try:
        payload: dict[str, Any] = torch.load(path, map_location="cpu", weights_only=True)
        payload["shape"], payload["model"], payload["state"]
    except FileNotFoundError:
        raise TrainingError(f"there is no checkpoint {path}: start without --resume") from None
    except Exception as error:
        raise TrainingError(
            f"the checkpoint {path} is damaged ({type(error).__name__}): use an older one"
        ) from error
    return payload


class TokenRows:
    """A packed file read batch by batch in file order, restarting after its end.

    `file#2000` are its first 2,000 rows.
    """

    def __init__(self, path: Path | str) -> None:
        path, _, limit = str(path).partition("#")
        try:
            self.rows: npt.NDArray[np.uint16] = np.load(path, mmap_mode="r")
        except (OSError, ValueError, EOFError) as error:
            raise TrainingError(f"the data {path} cannot be read: {error}") from error
        if self.rows.ndim != 2 or self.rows.dtype != np.uint16 or not len(self.rows):
            raise TrainingError(f"the data {path} is no packed file: run `train examples` again")
        if limit:
            self.rows = self.rows[: int(limit)]

    def batch(self, row: int, size: int) -> tuple[torch.Tensor, torch.Tensor]:
        index = np.arange(row, row + size) % len(self.rows)
        inputs, targets = split_targets(np.asarray(self.rows[index]))
        return torch.from_numpy(inputs), torch.from_numpy(targets)

"""The processes of a distributed run, their devices, and their communication.

`torchrun` starts them; without it there is a single process, for which all of this does nothing.
Only the first process decides, logs, validates and saves.
"""

from __future__ import annotations

import importlib
import os
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, TypeVar

import torch
import torch.distributed as dist
from torch import Tensor

from nextedit_jupyter.core.errors import TrainingError

T = TypeVar("T")
_CPU = torch.device("cpu")


@dataclass(frozen=True, slots=True)
class Processes:
    """This process within its run.

    All methods except `first` must be called by every process, and raise TrainingError if another
    one has ended.
    """

    rank: int = 0
    world: int = 1
    device: torch.device = _CPU

    @property
    def first(self) -> bool:
        return self.rank == 0

    def share(self, make: Callable[[], T]) -> T:
        """The value that the first process computes; no other process computes it."""
        if self.world == 1:
            return make()
        held: list[Any] = [make() if self.first else None]
        with _others():
            # Via the CPU, so that a GPU need not wait for it.
            dist.broadcast_object_list(held, src=0, device=_CPU)
        made: T = held[0]
        return made

    def check_same(self, facts: Mapping[str, object]) -> None:
        """Raises TrainingError, in all processes, if the facts are not the same in all."""
        if self.world == 1:
            return
        held: list[Any] = [None] * self.world
        with _others():
            dist.all_gather_object(held, facts)
        for name in facts:
            values = [one[name] for one in held]
            if any(value != values[0] for value in values):
                raise TrainingError(
                    f"the processes differ in their {name} ({', '.join(map(str, values))}): "
                    "start all with the same command line and give all the same files"
                )

    def spread(self, tensors: Iterable[Tensor]) -> None:
        """Overwrite tensors with those of the first process."""
        if self.world == 1:
            return
        with _others():
            for tensor in tensors:
                dist.broadcast(tensor.detach(), src=0)

    def average(self, parameters: Iterable[Tensor], loss: Tensor, counted: int) -> float:
        """Average gradients over the targets of all processes; returns the mean loss.

        `loss`, a scalar whose gradients are already computed, is this process's mean over its
        `counted` targets. Loss and gradients are NaN if no process has targets.
        """
        if self.world == 1:
            return loss.item()
        gradients = [p.grad for p in parameters if p.grad is not None]
        flat = torch.cat([*(g.flatten() for g in gradients), loss.detach().view(1)])
        # The mean over no targets is NaN, which must not be passed on.
        flat = flat * counted if counted else torch.zeros_like(flat)
        flat = torch.cat([flat, flat.new_tensor([counted])])
        with _others():
            dist.all_reduce(flat)
        sizes = [*(g.numel() for g in gradients), 1, 1]
        *means, mean, _ = torch.split(flat / flat[-1], sizes)
        for gradient, found in zip(gradients, means, strict=True):
            gradient.copy_(found.view_as(gradient))
        return float(mean)


@contextmanager
def join(device: str | None = None) -> Iterator[Processes]:
    """Join the processes started by `torchrun`, if any, and leave at the end.

    Raises TrainingError if they cannot connect, or if there is no such device.
    """
    world = int(os.environ.get("WORLD_SIZE", "1"))
    place = choose_device(device)
    if world == 1:
        yield Processes(device=place)
        return
    # Optimizers import this. If a process group already exists then (torch 2.13), its threads
    # outlive the group and occasionally abort the process at exit (pytorch PR 179291).
    importlib.import_module("torch._dynamo")
    try:
        if place.type == "cuda":
            torch.cuda.set_device(place)
            dist.init_process_group("cpu:gloo,cuda:nccl")
        else:
            dist.init_process_group("gloo")
    except (RuntimeError, ValueError) as error:
        raise TrainingError(
            f"WORLD_SIZE is {world}, but the processes can't meet ({error}): "
            "start them with torchrun, or unset WORLD_SIZE"
        ) from error
    try:
        yield Processes(dist.get_rank(), world, place)
    finally:
        dist.destroy_process_group()


def choose_device(wanted: str | None = None) -> torch.device:
    """The device of this process: the wanted one, `cpu` or `cuda`, or else a GPU if there is one.

    Processes on one machine take one GPU each. Raises TrainingError if there are too few.
    """
    if wanted not in (None, "cpu", "cuda"):
        raise TrainingError(f"there is no device {wanted!r}: give cpu or cuda")
    count = torch.cuda.device_count() if torch.cuda.is_available() else 0
    if wanted == "cpu" or (wanted is None and not count):
        return _CPU
    index = int(os.environ.get("LOCAL_RANK", "0"))
    if index >= count:
        raise TrainingError(
            f"{index + 1} processes on this machine need as many GPUs, torch finds {count}: "
            "start fewer (--nproc-per-node), or give --device cpu"
        )
    return torch.device("cuda", index)


@contextmanager
def _others() -> Iterator[None]:
    try:
        yield
    except RuntimeError as error:
        raise TrainingError(
            "another process of this run has ended: its own message says why"
        ) from error

"""Trains adapters on a bundle's weights with a user's code, within a time budget."""

from __future__ import annotations

import math
import random
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch

from nextedit_jupyter.core.errors import TrainingError
from nextedit_jupyter.prompt import BundleTokenizer
from nextedit_jupyter.prompt.control import PAD
from nextedit_jupyter.prompt.format import EditFormat
from nextedit_jupyter.training.cases import answer_nats, made_up_edits
from nextedit_jupyter.training.commits.real_edit import RealEdit
from nextedit_jupyter.training.cpu import multiplies_bfloat16, use_threads
from nextedit_jupyter.training.examples import Mix, real_edit, session_document
from nextedit_jupyter.training.from_bundle import bundle_weights
from nextedit_jupyter.training.lora import adapt, adapters, merge
from nextedit_jupyter.training.network import DecoderModule
from nextedit_jupyter.training.packing import NO_LOSS, pack, split_targets
from nextedit_jupyter.training.personal.starting_bundle import base_manifest, format_of
from nextedit_jupyter.training.personal.user_corpus import (
    Split,
    UserCorpus,
    held_out_edits,
    is_rendered,
    sessions,
)

LARGE = 50_000_000  # parameters; a base with more is trained as a large one
_LOOKING = 0.25  # the maximum share of the time for evaluations


@dataclass(frozen=True, slots=True)
class PersonalPlan:
    """How to fine-tune. The budget is `minutes` in all, or `steps` of training."""

    minutes: float | None = 10.0
    steps: int | None = None
    rank: int = 8
    lr: float = 2e-3
    batch: int = 4
    length: int = 512  # tokens
    looks: int = 5  # the number of evaluations
    cases: int = 80  # held-out edits, real ones first
    threads: int = 2
    seed: int = 0


def is_large(folder: Path) -> bool:
    """Whether the base is a large one, which takes an hour rather than ten minutes."""
    parameters = base_manifest(folder).get("parameters")
    return isinstance(parameters, int) and parameters >= LARGE


def fine_tune(
    folder: Path,
    parts: Split,
    plan: PersonalPlan,
    *,
    end: float | None = None,
    now: Callable[[], float] = time.time,
    progress: Callable[[str], None] = print,
) -> tuple[DecoderModule, int]:
    """The base bundle in `folder`, adapted and merged, and the number of steps at the best
    evaluation.

    `end` is in seconds on the clock `now`; None if the plan is in steps. Raises TrainingError if
    the base cannot be trained or the code provides no text.
    """
    use_threads(plan.threads)
    tuning = _Tuning(folder, parts, plan)
    began = now()
    progress(f"before: {tuning.look():.4f}")
    looks = plan.looks
    if end is not None:
        look_s = now() - began
        began, end = now(), end - look_s  # leave time for the last evaluation
        looks = max(1, min(looks, int(_LOOKING * (end - began) / max(1e-9, look_s))))
    looked = 0
    for rows in tuning.batches():
        if plan.steps is not None:
            share = tuning.step / plan.steps
        else:
            assert end is not None
            share = (now() - began) / max(1e-9, end - began)
        if tuning.step and (share >= (looked + 1) / looks or share >= 1):
            looked = int(share * looks)
            progress(f"step {tuning.step}: {tuning.look():.4f}")
        if share >= 1:
            break
        tuning.learn(rows, share)
    return tuning.merged(), tuning.best_step


class _Tuning:
    """A base with adapters during training, and the best state so far.

    A large base is kept in bfloat16 if the processor supports it; at the end, the original base is
    used for merging.
    """

    def __init__(self, folder: Path, parts: Split, plan: PersonalPlan) -> None:
        self._shape, self._weights = bundle_weights(folder)
        self._tokenizer = BundleTokenizer(folder / "tokenizer.json")
        self._format = format_of(folder)
        self._plan = plan
        self._own = parts.train
        self._bfloat16 = is_large(folder) and multiplies_bfloat16()
        self._model, self._learnt = self._adapted()
        if self._bfloat16:
            for adapter in adapters(self._model):
                adapter.frozen.to(torch.bfloat16)
        self._optimizer = torch.optim.AdamW(
            self._learnt, lr=plan.lr, betas=(0.9, 0.98), weight_decay=0.0
        )
        self._choice = _choice(parts.choice, self._tokenizer, self._format, plan)
        self.step = self.best_step = 0
        self.best = math.inf
        self._best_state = _state(self._model)

    def batches(self) -> Iterator[Any]:
        """Endless training rows; the code is rendered differently in each epoch."""
        epoch = 0
        while True:
            rows = _epoch(self._own, self._tokenizer, self._format, self._plan, epoch)
            if not len(rows):
                raise TrainingError("the code gives no training text: give folders with more of it")
            for at in range(0, len(rows), self._plan.batch):
                yield rows[at : at + self._plan.batch]
            epoch += 1

    def look(self) -> float:
        """Evaluate the model on the selection data; remember its state if it is the best so far."""
        edits, pieces = self._choice
        self._model.eval()
        with self._precision():
            nats = answer_nats(self._model, edits, self._tokenizer, self._format)
            found = mean([n for n in nats if n is not None]) / 10
            found += document_loss(self._model, pieces)
        if found < self.best:
            self.best, self.best_step, self._best_state = found, self.step, _state(self._model)
        return found

    def learn(self, rows: Any, share: float) -> None:
        """Take one step; `share` is the used fraction of the budget."""
        inputs, wanted = (torch.from_numpy(part) for part in split_targets(rows))
        for group in self._optimizer.param_groups:
            group["lr"] = self._plan.lr * min(1.0, (self.step + 1) / 10) * max(0.02, 1.0 - share)
        self._model.train()
        with self._precision():
            loss = self._model.loss(inputs, wanted)
        if torch.isfinite(loss):
            loss.backward()  # type: ignore[no-untyped-call]
            torch.nn.utils.clip_grad_norm_(self._learnt, 1.0)
            self._optimizer.step()
        self._optimizer.zero_grad(set_to_none=True)
        self.step += 1

    def merged(self) -> DecoderModule:
        """The best state, merged into the base."""
        model, _ = self._adapted()
        for adapter, state in zip(adapters(model), self._best_state, strict=True):
            adapter.load_state_dict(state, strict=False)
        merge(model)
        return model.eval()

    def _adapted(self) -> tuple[DecoderModule, list[torch.Tensor]]:
        model = DecoderModule(self._shape)
        model.load_state_dict(self._weights)
        return model, adapt(model, rank=self._plan.rank, seed=self._plan.seed)

    def _precision(self) -> torch.autocast:
        return torch.autocast("cpu", torch.bfloat16, enabled=self._bfloat16)


def _epoch(
    own: UserCorpus, tokenizer: BundleTokenizer, fmt: EditFormat, plan: PersonalPlan, epoch: int
) -> Any:
    """Another rendering of the training data, packed; numpy uint16 [rows, length + 1]."""
    rng, mix = random.Random(f"{plan.seed} {epoch}"), Mix()
    size = plan.length + 1
    pieces: list[list[int]] = []
    for _, document in own.documents:
        pieces += session_document(document, tokenizer, rng, mix, length=size)
    edits = [edit for _, edit in own.edits]
    accept = is_rendered(tokenizer, fmt, size)
    for _, document in own.documents:
        edits += made_up_edits([document], 1 + len(document.cells) // 4, rng, accept)
    for edit in edits:
        rendered = real_edit(edit, tokenizer, length=size, fmt=fmt)
        pieces += [rendered] if rendered else []
    rng.shuffle(pieces)
    rows = pack(pieces, length=plan.length, pad=tokenizer.control(PAD))
    # The last batch is filled up with the first rows.
    short = -len(rows) % plan.batch
    order = [*range(len(rows)), *(i % len(rows) for i in range(short))] if len(rows) else []
    return rows[order] if order else rows


def _choice(
    own: UserCorpus, tokenizer: BundleTokenizer, fmt: EditFormat, plan: PersonalPlan
) -> tuple[list[RealEdit], list[list[int]]]:
    accept = is_rendered(tokenizer, fmt, plan.length + 1)
    edits = held_out_edits(own, plan.cases // 4, plan.seed, accept)
    return edits, sessions(own, tokenizer, plan.length, plan.seed)


@torch.no_grad()
def document_loss(model: DecoderModule, pieces: Sequence[Sequence[int]]) -> float:
    """Nats per token over pieces; 0 if there are none."""
    total, count = 0.0, 0
    for piece in pieces:
        ids = torch.tensor([[id & (NO_LOSS - 1) for id in piece]])
        wanted = torch.tensor([[-1 if id & NO_LOSS else id for id in piece]])[:, 1:]
        counted = int((wanted >= 0).sum())
        if counted:
            total += float(model.loss(ids[:, :-1], wanted)) * counted
            count += counted
    return total / max(1, count)


def _state(model: DecoderModule) -> list[dict[str, torch.Tensor]]:
    return [
        {"first": a.first.detach().clone(), "second": a.second.detach().clone()}
        for a in adapters(model)
    ]


def mean(values: Sequence[float]) -> float:
    """The mean; 0 for no values."""
    return sum(values) / len(values) if values else 0.0

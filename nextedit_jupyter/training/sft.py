"""Supervised training, top to bottom: data in, steps, checkpoints out.

`schedule` says when the learning rate rises and falls and when a run ends; the last stable state
is kept as `stable.pt`, from which a later session continues.

Several processes (`processes`) take each step together: each reads its own `batch` rows, and the
gradients are averaged over all targets. They make the same decisions, based on the clock and
control file of the first one.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch

from nextedit_jupyter.training.cpu import use_threads
from nextedit_jupyter.training.network import DecoderModule, Shape
from nextedit_jupyter.training.optim import make_optimizers
from nextedit_jupyter.training.processes import Processes, choose_device
from nextedit_jupyter.training.progress import RunBar
from nextedit_jupyter.training.run_folder import Run, TokenRows
from nextedit_jupyter.training.run_log import StepLog
from nextedit_jupyter.training.schedule import (
    Control,
    RunBudget,
    ScheduleState,
    begin_decay,
    decay_goes_on,
    is_time_to_decay,
    lr_factor,
    reached,
)

# Inputs and targets, int64 [batch, length], to mean nats.
Loss = Callable[[torch.Tensor, torch.Tensor], torch.Tensor]


@dataclass(frozen=True, slots=True)
class SftSettings:
    """The settings of a run; learning rates are those of `optim`."""

    batch: int = 8  # rows per step and process
    warmup_steps: int = 40
    matrix_lr: float = 0.02
    other_lr: float = 3e-3
    final_lr: float = 0.02  # as a fraction of the peak
    clip: float = 1.0
    seed: int = 0
    compile: bool = True
    bfloat16: bool = True  # on processors that emulate it, float32 is 1.5 times as fast
    threads: int = 2
    device: str | None = None  # cpu or cuda; None means a GPU if there is one
    checkpoint_s: float = 300.0
    validate_s: float = 600.0


@torch.no_grad()
def validation_loss(
    model: DecoderModule, rows: TokenRows, *, batch: int, limit: int = 64, bfloat16: bool = True
) -> float:
    """Mean nats per token over the first `limit` rows."""
    total, count = 0.0, 0
    device = model.embedding.weight.device
    for row in range(0, min(limit, len(rows.rows)), batch):
        inputs, targets = rows.batch(row, min(batch, len(rows.rows) - row))
        counted = int((targets >= 0).sum())
        with torch.autocast(device.type, torch.bfloat16, enabled=bfloat16):
            total += model.loss(inputs.to(device), targets.to(device)).item() * counted
        count += counted
    return total / max(1, count)


def train(
    run: Run,
    data: Path | Sequence[Path | str],
    settings: SftSettings,
    budget: RunBudget,
    *,
    validation: Path | None = None,
    loss: Loss | None = None,
    now: Callable[[], float] = time.time,
    progress: Callable[[str], None] | None = None,
) -> ScheduleState:
    """Train until the budget is spent; returns the final state, saved as `final.pt`.

    Several data files are read one after another, the last one again and again; `file#2000` means
    its first 2,000 rows. A run that continues from a checkpoint continues at the same row of the
    same file. Progress is shown as a bar, or printed if there is no terminal; with `progress` the
    lines go there. `loss` replaces the model's own, which is still used for validation.
    """
    use_threads(settings.threads)
    state, processes = run.state, run.processes
    held_out = TokenRows(validation) if validation and processes.first else None
    source = _Source(run, [data] if isinstance(data, Path) else list(data))
    _begin_together(run, settings, source)
    take_step = _Stepper(run, settings, loss)
    control = Control(run.folder / "control.json", budget)
    began = saved = validated = stepped = now()
    with RunBar(progress if processes.first else _silent) as bar:
        log = StepLog(run, bar, now)
        while True:
            ordered = processes.share(lambda: control.read(now()))
            budget, at = ordered.budget, ordered.at
            bar.move(*reached(state, budget, began, at))
            source.follow(ordered.data)
            if ordered.stop:
                break
            if is_time_to_decay(state, budget, at):
                _keep_stable(run, budget)
            elif not decay_goes_on(state, budget, stepped, at):
                break
            stepped = at
            if budget.steps is not None and state.step >= budget.steps:
                break
            factor = lr_factor(
                state, warmup_steps=settings.warmup_steps, final_lr=settings.final_lr
            )
            nats, tokens = take_step(source.rows, factor)
            log.add(nats, tokens, factor, budget)
            if now() - saved > settings.checkpoint_s:
                run.save()
                saved = now()
            if held_out is not None and now() - validated > settings.validate_s:
                _validate(run, held_out, settings, bar)
                validated = now()
        if held_out is not None:
            _validate(run, held_out, settings, bar)
    run.save()
    run.save("final.pt")
    return state


def _begin_together(run: Run, settings: SftSettings, source: _Source) -> None:
    """Check that all processes began with the same settings, and copy the first one's weights to
    them."""
    facts: dict[str, Any] = {
        "parameters": run.model.shape.parameters,
        "step": run.state.step,
        "row": run.state.row,
        "batch": settings.batch,
        "number of rows": len(source.rows.rows),
    }
    run.processes.check_same(facts)
    run.processes.spread(run.model.parameters())


def _keep_stable(run: Run, budget: RunBudget) -> None:
    """Begin the decay, after saving the state before it."""
    run.save("stable.pt")
    begin_decay(run.state, budget)
    if not run.state.decay_steps:
        run.log({"step": run.state.step, "decay_minutes": budget.decay_minutes})


class _Source:
    """The data files of a run, in order, and the one that the control file names."""

    def __init__(self, run: Run, files: Sequence[Path | str]) -> None:
        self._run = run
        self._files = [str(path) for path in files]
        state = run.state
        if state.data not in self._files:
            state.data, state.row = self._files[0], 0
        self.rows = TokenRows(state.data)

    def follow(self, ordered: str) -> None:
        """Switch to the data in the control file, or to the next file at the end of one."""
        state, files = self._run.state, self._files
        if ordered and ordered != state.data:
            self._open(ordered)
        if state.data in files[:-1] and state.row >= len(self.rows.rows):
            self._open(files[files.index(state.data) + 1])

    def _open(self, data: str) -> None:
        state = self._run.state
        self.rows = TokenRows(data)
        state.data, state.row = data, 0
        self._run.log({"step": state.step, "data": data})


class _Stepper:
    """Takes steps: `take_step(rows, factor)` returns the mean loss and the tokens read."""

    def __init__(self, run: Run, settings: SftSettings, loss: Loss | None) -> None:
        self._run = run
        self._settings = settings
        own = loss or run.model.loss
        self._loss = torch.compile(own) if settings.compile else own

    def __call__(self, rows: TokenRows, factor: float) -> tuple[float, int]:
        run, settings = self._run, self._settings
        model, state, processes = run.model, run.state, run.processes
        device = processes.device
        for optimizer in run.optimizers:
            for group in optimizer.param_groups:
                group["lr"] = group["initial_lr"] * factor
        inputs, targets = rows.batch(state.row + processes.rank * settings.batch, settings.batch)
        counted = int((targets >= 0).sum())
        with torch.autocast(device.type, torch.bfloat16, enabled=settings.bfloat16):
            loss = self._loss(inputs.to(device), targets.to(device))
        loss.backward()  # type: ignore[no-untyped-call]
        value = processes.average(model.parameters(), loss, counted)
        norm = torch.nn.utils.clip_grad_norm_(model.parameters(), settings.clip)
        if math.isfinite(value) and bool(torch.isfinite(norm)):
            for optimizer in run.optimizers:
                optimizer.step()
        else:
            run.log({"step": state.step, "warning": "loss is not finite: step left out"})
        model.zero_grad(set_to_none=True)
        tokens = inputs.numel() * processes.world
        state.step += 1
        state.row += settings.batch * processes.world
        state.tokens += tokens
        return value, tokens


def _silent(line: str) -> None:
    pass


def _validate(run: Run, held_out: TokenRows, settings: SftSettings, bar: RunBar) -> None:
    held = validation_loss(run.model, held_out, batch=settings.batch, bfloat16=settings.bfloat16)
    state = run.state
    run.log({"step": state.step, "tokens": state.tokens, "validation": round(held, 4)})
    bar.say(f"validation {held:.4f}")


def open_run(
    folder: Path,
    shape: Shape,
    settings: SftSettings,
    *,
    resume: Path | None = None,
    processes: Processes | None = None,
) -> Run:
    """Open a run in `folder`: a new one, or one resumed from the checkpoint `resume`.

    It runs in a single process unless `processes` is given.
    """
    folder.mkdir(parents=True, exist_ok=True)
    processes = processes or Processes(device=choose_device(settings.device))
    torch.manual_seed(settings.seed)
    model = DecoderModule(shape, seed=settings.seed).to(processes.device)
    optimizers = make_optimizers(model, matrix_lr=settings.matrix_lr, other_lr=settings.other_lr)
    run = Run(folder, model, optimizers, processes=processes)
    if resume is not None:
        run.load(resume)
    return run

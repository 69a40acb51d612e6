"""Supervised training, top to bottom: data in, steps, checkpoints out.

The schedule is warm-up, stable, decay (WSD). While it is stable a run can go on for as long as
there is time; the decay takes a few minutes and gives the model to export. The last stable state
is kept as `stable.pt`, from which a later session goes on.

`control.json` in the run's folder steers a running process, read before each step:
`{"end": 1790000000.0, "decay_minutes": 20, "data": "other.npy", "stop": false}` (`end` in seconds
of Unix time).

Several processes (`processes`) make each step together: each takes `batch` rows of its own, and
the gradients are those of all rows' targets. They decide alike, from what the first one reads of
clock and control file.
"""

from __future__ import annotations

import json
import math
import os
import time
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import torch

from nextedit_jupyter.core.errors import TrainingError
from nextedit_jupyter.training.cpu import use_threads
from nextedit_jupyter.training.model import Decoder, Shape
from nextedit_jupyter.training.optim import make_optimizers
from nextedit_jupyter.training.packing import split_targets
from nextedit_jupyter.training.processes import Processes, choose_device
from nextedit_jupyter.training.progress import RunBar


@dataclass(frozen=True, slots=True)
class Settings:
    """What a run needs besides its data; learning rates are those of `optim`."""

    batch: int = 8  # rows a step, of each process
    warmup_steps: int = 40
    matrix_lr: float = 0.02
    other_lr: float = 3e-3
    final_lr: float = 0.02  # as a share of the peak
    clip: float = 1.0
    seed: int = 0
    compile: bool = True
    bfloat16: bool = True  # on processors that emulate it float32 is half as fast again
    threads: int = 2
    device: str | None = None  # cpu or cuda; None: a GPU if there is one
    checkpoint_s: float = 300.0
    validate_s: float = 600.0


@dataclass(slots=True)
class State:
    """Where a run stands; all of it goes into a checkpoint."""

    step: int = 0
    tokens: int = 0  # of all processes
    data: str = ""
    row: int = 0  # the next row of the data
    decay_start: int | None = None
    decay_steps: int = 0  # 0: the decay goes by the clock, and `decay_done` is its share so far
    decay_done: float = 0.0
    seconds: float = 0.0


@dataclass(frozen=True, slots=True)
class Budget:
    """When to stop: after `steps`, or at `end` (Unix seconds) with a decay of `decay_minutes`."""

    steps: int | None = None
    decay_steps: int = 0
    end: float | None = None
    decay_minutes: float = 20.0


@dataclass(slots=True)
class Run:
    """A run's folder and what was loaded from it; the first of its processes writes there."""

    folder: Path
    model: Decoder
    optimizers: list[torch.optim.Optimizer]
    state: State = field(default_factory=State)
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
        temporary = self.folder / f".{name}.tmp"
        try:
            torch.save(payload, temporary)
            os.replace(temporary, self.folder / name)
        except (OSError, RuntimeError) as error:
            temporary.unlink(missing_ok=True)
            self.log({"warning": f"checkpoint not written: {error}"})
            return False
        return True

    def load(self, path: Path) -> None:
        """Go on from a checkpoint; raises TrainingError if it is of another shape or damaged."""
        payload = read_checkpoint(path)
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
        for optimizer, held in zip(self.optimizers, payload["optimizers"], strict=True):
            optimizer.load_state_dict(held)
        self.state = State(**payload["state"])
        torch.set_rng_state(payload["rng"])

    def log(self, entry: dict[str, Any]) -> None:
        if not self.processes.first:
            return
        with (self.folder / "log.jsonl").open("a", encoding="utf-8") as file:
            file.write(json.dumps(entry) + "\n")


def trained_state(model: torch.nn.Module) -> dict[str, torch.Tensor]:
    """What training changes of a model: all of its weights, or the adapters of a frozen one."""
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


def lr_factor(state: State, settings: Settings) -> float:
    """The share of the peak learning rate at the state's step."""
    warm = min(1.0, (state.step + 1) / max(1, settings.warmup_steps))
    if state.decay_start is None:
        return warm
    done = state.decay_done
    if state.decay_steps:
        done = (state.step - state.decay_start + 1) / state.decay_steps
    return warm * max(settings.final_lr, 1.0 - (1.0 - settings.final_lr) * min(1.0, done))


class Rows:
    """A packed file read batch by batch in file order, from the start again after its end.

    `file#2000` are its first 2,000 rows.
    """

    def __init__(self, path: Path | str) -> None:
        path, _, most = str(path).partition("#")
        try:
            self.rows: npt.NDArray[np.uint16] = np.load(path, mmap_mode="r")
        except (OSError, ValueError, EOFError) as error:
            raise TrainingError(f"the data {path} cannot be read: {error}") from error
        if self.rows.ndim != 2 or self.rows.dtype != np.uint16 or not len(self.rows):
            raise TrainingError(f"the data {path} is no packed file: run `train examples` again")
        if most:
            self.rows = self.rows[: int(most)]

    def batch(self, row: int, size: int) -> tuple[torch.Tensor, torch.Tensor]:
        index = np.arange(row, row + size) % len(self.rows)
        inputs, targets = split_targets(np.asarray(self.rows[index]))
        return torch.from_numpy(inputs), torch.from_numpy(targets)


@torch.no_grad()
def validation_loss(
    model: Decoder, rows: Rows, *, batch: int, most: int = 64, bfloat16: bool = True
) -> float:
    """Mean nats a token over the first `most` rows."""
    total, count = 0.0, 0
    device = model.embedding.weight.device
    for row in range(0, min(most, len(rows.rows)), batch):
        inputs, targets = rows.batch(row, min(batch, len(rows.rows) - row))
        counted = int((targets >= 0).sum())
        with torch.autocast(device.type, torch.bfloat16, enabled=bfloat16):
            total += model.loss(inputs.to(device), targets.to(device)).item() * counted
        count += counted
    return total / max(1, count)


def train(
    run: Run,
    data: Path | Sequence[Path | str],
    settings: Settings,
    budget: Budget,
    *,
    validation: Path | None = None,
    now: Callable[[], float] = time.time,
    progress: Callable[[str], None] | None = None,
) -> State:
    """Train until the budget is spent; returns the final state, saved as `final.pt`.

    Several data files are read one after another, the last one again and again; `file#2000` means
    its first 2,000 rows. A run that goes on from a checkpoint goes on in the file, at the row,
    where that one stood. How it goes is drawn as a bar, or printed where there is no terminal;
    with `progress` the lines go there.
    """
    use_threads(settings.threads)
    model, state, processes = run.model, run.state, run.processes
    device = processes.device
    loss_of = torch.compile(model.loss) if settings.compile else model.loss
    held_out = Rows(validation) if validation and processes.first else None
    files = [data] if isinstance(data, Path) else list(data)
    rows = _open_rows(state, files)
    facts = {"parameters": model.shape.parameters, "step": state.step, "row": state.row}
    processes.check_same({**facts, "batch": settings.batch, "number of rows": len(rows.rows)})
    processes.spread(model.parameters())
    control = Control(run.folder / "control.json", budget)
    began = saved = validated = stepped = now()
    recent: list[float] = []
    recent_since, recent_tokens = now(), 0
    with RunBar(progress if processes.first else _silent) as bar:
        while True:
            orders = processes.share(lambda: control.read(now()))
            budget, at = orders.budget, orders.at
            bar.move(*_reached(state, budget, began, at))
            if orders.data and orders.data != state.data:
                rows = Rows(orders.data)
                state.data, state.row = orders.data, 0
                run.log({"step": state.step, "data": state.data})
            following = [str(path) for path in files]
            if state.data in following[:-1] and state.row >= len(rows.rows):
                state.data, state.row = following[following.index(state.data) + 1], 0
                rows = Rows(state.data)
                run.log({"step": state.step, "data": state.data})
            if orders.stop:
                break
            if state.decay_start is None:
                _begin_decay(run, budget, at)
            elif state.decay_steps and state.step >= state.decay_start + state.decay_steps:
                break
            elif not state.decay_steps:
                # What is left of the decay is spread over the time left, however fast steps are.
                left = (budget.end or 0.0) - at
                if left <= 0:
                    break
                spent = at - stepped
                state.decay_done += (1.0 - state.decay_done) * min(1.0, spent / (left + spent))
            stepped = at
            if budget.steps is not None and state.step >= budget.steps:
                break

            factor = lr_factor(state, settings)
            for optimizer in run.optimizers:
                for group in optimizer.param_groups:
                    group["lr"] = group["initial_lr"] * factor
            own = state.row + processes.rank * settings.batch
            inputs, targets = rows.batch(own, settings.batch)
            counted = int((targets >= 0).sum())
            with torch.autocast(device.type, torch.bfloat16, enabled=settings.bfloat16):
                loss = loss_of(inputs.to(device), targets.to(device))
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

            recent.append(value)
            recent_tokens += tokens
            if len(recent) == 10:
                spent = now() - recent_since
                state.seconds += spent
                entry = {
                    "step": state.step,
                    "tokens": state.tokens,
                    "loss": round(sum(recent) / len(recent), 4),
                    "lr": round(factor, 4),
                    "tokens_s": round(recent_tokens / max(spent, 1e-9)),
                    "row": state.row,
                    "at": round(now()),
                }
                run.log(entry)
                bar.tell(_line(entry, budget, now()), _short(entry))
                recent, recent_since, recent_tokens = [], now(), 0
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


def _silent(line: str) -> None:
    pass


def _validate(run: Run, held_out: Rows, settings: Settings, bar: RunBar) -> None:
    held = validation_loss(run.model, held_out, batch=settings.batch, bfloat16=settings.bfloat16)
    state = run.state
    run.log({"step": state.step, "tokens": state.tokens, "validation": round(held, 4)})
    bar.say(f"validation {held:.4f}")


def _open_rows(state: State, files: Sequence[Path | str]) -> Rows:
    """The file that the state is in, or the first one for a new run or for other data."""
    if state.data not in [str(path) for path in files]:
        state.data, state.row = str(files[0]), 0
    return Rows(state.data)


def _begin_decay(run: Run, budget: Budget, time_now: float) -> None:
    """Begin the decay once the budget says that it is time; the stable state is kept."""
    state = run.state
    if budget.steps is not None and budget.decay_steps:
        if state.step >= budget.steps - budget.decay_steps:
            run.save("stable.pt")
            state.decay_start, state.decay_steps = state.step, budget.decay_steps
    elif budget.end is not None and time_now >= budget.end - 60 * budget.decay_minutes:
        run.save("stable.pt")
        state.decay_start, state.decay_steps, state.decay_done = state.step, 0, 0.0
        run.log({"step": state.step, "decay_minutes": budget.decay_minutes})


def _reached(
    state: State, budget: Budget, began: float, time_now: float
) -> tuple[float, float | None]:
    """What is done of how much: steps of a budget of steps, otherwise seconds of this session."""
    if budget.steps is None and budget.end is not None:
        return time_now - began, budget.end - began
    return state.step, budget.steps


def _short(entry: dict[str, Any]) -> str:
    return f"step {entry['step']}, loss {entry['loss']:.3f}, {entry['tokens_s']:,} tokens/s"


def _line(entry: dict[str, Any], budget: Budget, time_now: float) -> str:
    left = "" if budget.end is None else f" left {max(0.0, budget.end - time_now) / 60:.0f} min"
    return (
        f"step {entry['step']} loss {entry['loss']:.3f} lr {entry['lr']:.2f} "
        f"{entry['tokens'] / 1e6:.2f} M tokens {entry['tokens_s']} tokens/s{left}"
    )


@dataclass(frozen=True, slots=True)
class Orders:
    """What a step goes by, in all processes: the budget, other data, whether to stop, the time."""

    budget: Budget
    data: str
    stop: bool
    at: float


class Control:
    """The control file: what it says overrides the budget the run was started with."""

    def __init__(self, path: Path, budget: Budget) -> None:
        self._path = path
        self._budget = budget
        self._seen = 0.0
        self._data = ""
        self._stop = False

    def read(self, at: float) -> Orders:
        try:
            changed = self._path.stat().st_mtime
            if changed != self._seen:
                raw = json.loads(self._path.read_text(encoding="utf-8"))
                self._seen = changed
                self._data = str(raw.get("data", ""))
                self._stop = bool(raw.get("stop", False))
                self._budget = Budget(
                    steps=self._budget.steps,
                    decay_steps=self._budget.decay_steps,
                    end=raw.get("end", self._budget.end),
                    decay_minutes=raw.get("decay_minutes", self._budget.decay_minutes),
                )
        except (OSError, ValueError, AttributeError):
            pass  # no control file, or one that is just being written
        return Orders(self._budget, self._data, self._stop, at)


def open_run(
    folder: Path,
    shape: Shape,
    settings: Settings,
    *,
    resume: Path | None = None,
    processes: Processes | None = None,
) -> Run:
    """Make a run in `folder`: a new one, or one that goes on from the checkpoint `resume`.

    It is alone unless it is given the `processes` that it joined.
    """
    folder.mkdir(parents=True, exist_ok=True)
    processes = processes or Processes(device=choose_device(settings.device))
    torch.manual_seed(settings.seed)
    model = Decoder(shape, seed=settings.seed).to(processes.device)
    optimizers = make_optimizers(model, matrix_lr=settings.matrix_lr, other_lr=settings.other_lr)
    run = Run(folder, model, optimizers, processes=processes)
    if resume is not None:
        run.load(resume)
    return run

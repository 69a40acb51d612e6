"""When a training run warms up, decays and ends, and how its control file changes that.

The schedule is warm-up, stable, decay (WSD). The stable phase can last as long as there is time;
the decay takes a few minutes and produces the model to export.

`control.json` in the run's folder steers a running process, read before each step: `{"end":
1790000000.0, "decay_minutes": 20, "data": "other.npy", "stop": false}` (`end` in Unix seconds).
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path


@dataclass(slots=True)
class ScheduleState:
    """The state of a run, which is stored in checkpoints."""

    step: int = 0
    tokens: int = 0  # of all processes
    data: str = ""
    row: int = 0  # the next row of the data
    decay_start: int | None = None
    decay_steps: int = 0  # 0: the decay goes by the clock, and `decay_done` is its share so far
    decay_done: float = 0.0
    seconds: float = 0.0


@dataclass(frozen=True, slots=True)
class RunBudget:
    """When to stop: after `steps`, or at `end` (Unix seconds) with a decay of `decay_minutes`."""

    steps: int | None = None
    decay_steps: int = 0
    end: float | None = None
    decay_minutes: float = 20.0

    def spent(self, step: int, time_now: float) -> bool:
        """Whether a run without decay is at its end."""
        if self.steps is not None and step >= self.steps:
            return True
        return self.end is not None and time_now >= self.end

    def left(self, time_now: float) -> str:
        """The time left in words, for a progress line; empty if steps are counted."""
        if self.end is None:
            return ""
        return f" left {max(0.0, self.end - time_now) / 60:.0f} min"


def lr_factor(state: ScheduleState, *, warmup_steps: int, final_lr: float) -> float:
    """The fraction of the peak learning rate at the state's step; it decays to `final_lr`."""
    warm = min(1.0, (state.step + 1) / max(1, warmup_steps))
    if state.decay_start is None:
        return warm
    done = state.decay_done
    if state.decay_steps:
        done = (state.step - state.decay_start + 1) / state.decay_steps
    return warm * max(final_lr, 1.0 - (1.0 - final_lr) * min(1.0, done))


def is_time_to_decay(state: ScheduleState, budget: RunBudget, time_now: float) -> bool:
    """Whether the decay begins with the next step; it begins once."""
    if state.decay_start is not None:
        return False
    if budget.steps is not None and budget.decay_steps:
        return state.step >= budget.steps - budget.decay_steps
    return budget.end is not None and time_now >= budget.end - 60 * budget.decay_minutes


def begin_decay(state: ScheduleState, budget: RunBudget) -> None:
    """Start the decay, which takes the budget's steps, or goes by the clock if there are none."""
    by_steps = budget.steps is not None and budget.decay_steps
    state.decay_start, state.decay_done = state.step, 0.0
    state.decay_steps = budget.decay_steps if by_steps else 0


def decay_goes_on(state: ScheduleState, budget: RunBudget, stepped: float, time_now: float) -> bool:
    """Whether the decay continues; advances a decay by the clock by the last step's time."""
    if state.decay_start is not None:
        if state.decay_steps:
            if state.step >= state.decay_start + state.decay_steps:
                return False
        else:
            # The rest of the decay is spread over the time left, regardless of the speed of steps.
            left = (budget.end or 0.0) - time_now
            if left <= 0:
                return False
            spent = time_now - stepped
            state.decay_done += (1.0 - state.decay_done) * min(1.0, spent / (left + spent))
    return True


@dataclass(frozen=True, slots=True)
class StepControl:
    """The parameters of a step, in all processes: the budget, other data, whether to stop, the
    time."""

    budget: RunBudget
    data: str
    stop: bool
    at: float


class Control:
    """The control file, which overrides the budget with which the run was started."""

    def __init__(self, path: Path, budget: RunBudget) -> None:
        self._path = path
        self._budget = budget
        self._seen = 0.0
        self._data = ""
        self._stop = False

    def read(self, at: float) -> StepControl:
        try:
            changed = self._path.stat().st_mtime
            if changed != self._seen:
                raw = json.loads(self._path.read_text(encoding="utf-8"))
                self._seen = changed
                self._data = str(raw.get("data", ""))
                self._stop = bool(raw.get("stop", False))
                self._budget = RunBudget(
                    steps=self._budget.steps,
                    decay_steps=self._budget.decay_steps,
                    end=raw.get("end", self._budget.end),
                    decay_minutes=raw.get("decay_minutes", self._budget.decay_minutes),
                )
        except (OSError, ValueError, AttributeError):
            pass  # no control file, or it is being written
        return StepControl(self._budget, self._data, self._stop, at)


def reached(
    state: ScheduleState, budget: RunBudget, began: float, time_now: float
) -> tuple[float, float | None]:
    """The progress (done, total): steps for a budget in steps, otherwise seconds of this
    session."""
    if budget.steps is None and budget.end is not None:
        return time_now - began, budget.end - began
    return state.step, budget.steps

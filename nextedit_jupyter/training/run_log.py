"""The log of a training run, its printed lines, and its plot."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from nextedit_jupyter.training.progress import RunBar
from nextedit_jupyter.training.run_folder import Run
from nextedit_jupyter.training.schedule import RunBudget

EVERY = 10  # steps per line


@dataclass(slots=True)
class StepLog:
    """Collects steps; every tenth step writes their mean to `log.jsonl` and to the bar."""

    run: Run
    bar: RunBar
    now: Callable[[], float] = time.time
    since: float = field(init=False)
    losses: list[float] = field(default_factory=list)
    tokens: int = 0

    def __post_init__(self) -> None:
        self.since = self.now()

    def add(self, loss: float, tokens: int, lr: float, budget: RunBudget) -> None:
        """One step: its mean loss, the tokens read, and the share of the learning rate."""
        self.losses.append(loss)
        self.tokens += tokens
        if len(self.losses) < EVERY:
            return
        state = self.run.state
        spent = self.now() - self.since
        state.seconds += spent
        entry = {
            "step": state.step,
            "tokens": state.tokens,
            "loss": round(sum(self.losses) / len(self.losses), 4),
            "lr": round(lr, 4),
            "tokens_s": round(self.tokens / max(spent, 1e-9)),
            "row": state.row,
            "at": round(self.now()),
        }
        self.run.log(entry)
        self.bar.tell(_line(entry, budget, self.now()), _short(entry))
        self.losses, self.since, self.tokens = [], self.now(), 0


def _short(entry: dict[str, Any]) -> str:
    return f"step {entry['step']}, loss {entry['loss']:.3f}, {entry['tokens_s']:,} tokens/s"


def _line(entry: dict[str, Any], budget: RunBudget, time_now: float) -> str:
    return (
        f"step {entry['step']} loss {entry['loss']:.3f} lr {entry['lr']:.2f} "
        f"{entry['tokens'] / 1e6:.2f} M tokens {entry['tokens_s']} tokens/s{budget.left(time_now)}"
    )


def plot_losses(folder: Path) -> None:
    """Draw `loss.png` from a run's log, if there is one and matplotlib is installed."""
    if not (folder / "log.jsonl").exists():
        return
    try:
        import matplotlib
    except ImportError:
        return
    matplotlib.use("Agg")
    from matplotlib import pyplot

    text = (folder / "log.jsonl").read_text(encoding="utf-8")
    entries = [json.loads(line) for line in text.splitlines()]
    figure, axes = pyplot.subplots(figsize=(8, 4))
    for key, style in (("loss", "-"), ("validation", "o-")):
        points = [(entry["tokens"] / 1e6, entry[key]) for entry in entries if key in entry]
        if points:
            axes.plot(*zip(*points, strict=True), style, label=key, markersize=3)
    axes.set_xlabel("million tokens")
    axes.set_ylabel("nats per token")
    axes.legend()
    figure.tight_layout()
    figure.savefig(folder / "loss.png", dpi=110)
    pyplot.close(figure)

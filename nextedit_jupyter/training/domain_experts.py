"""Compares adapters by domain with one delta for all: trained on the same rows, at equal cost.

Each expert continues from the same delta with only the rows of its domain; the single delta
continues with all of these rows, shuffled: the same data and number of tokens. Held-out rows are
evaluated with the single delta and with the expert of the domain that the router assigns. Experts
are worth shipping only if they are clearly better, and the table says whether they are.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from nextedit_jupyter.core.errors import TrainingError
from nextedit_jupyter.prompt.tokenizer import TextTokenizer
from nextedit_jupyter.training.domains import Domain, sorted_rows
from nextedit_jupyter.training.network import DecoderModule
from nextedit_jupyter.training.packing import split_targets, write_packed
from nextedit_jupyter.training.run_folder import trained_state
from nextedit_jupyter.training.schedule import RunBudget
from nextedit_jupyter.training.sft import SftSettings, train
from nextedit_jupyter.training.tuning import open_tuning

Packed = npt.NDArray[np.uint16]


@dataclass(frozen=True, slots=True)
class ExpertSettings:
    """How long an expert is trained; the single delta gets as many tokens as all experts together.

    `rate` is a fraction of a new delta's learning rates: continued training needs less.
    """

    steps: int = 200  # of each expert
    batch: int = 2
    rate: float = 0.2
    held: int = 40  # held-out rows per domain
    threads: int = 2
    seed: int = 0


@dataclass(frozen=True, slots=True)
class DomainLoss:
    """Mean nats per token over a domain's held-out rows, and each row's gain by the expert.

    `gains` are the nats by which the single delta is worse, one per held-out row.
    """

    domain: Domain
    before: float
    single: float
    expert: float
    gains: tuple[float, ...]


@dataclass(frozen=True, slots=True)
class Comparison:
    """The results of experts and the single delta, by domain."""

    losses: tuple[DomainLoss, ...]
    tokens: int  # in training, for the single delta and for all experts together

    @property
    def gain(self) -> tuple[float, float]:
        """Nats per token that experts gain over all held-out rows, and 1.96 standard errors of
        that."""
        return interval([gain for loss in self.losses for gain in loss.gains])

    @property
    def worth_shipping(self) -> bool:
        """Whether experts are clearly better: the interval of their gain is above zero."""
        gain, error = self.gain
        return gain - error > 0

    def table(self) -> str:
        """The comparison in Markdown."""
        rows = [
            "| domain | rows held out | before | single delta | expert | gain |",
            "|---|---|---|---|---|---|",
        ]
        for loss in self.losses:
            gain, error = interval(loss.gains)
            rows.append(
                f"| {loss.domain} | {len(loss.gains)} | {loss.before:.4f} | {loss.single:.4f} | "
                f"{loss.expert:.4f} | {gain:+.4f} ± {error:.4f} |"
            )
        gain, error = self.gain
        count = sum(len(loss.gains) for loss in self.losses)
        rows.append(f"| all | {count} | | | | **{gain:+.4f} ± {error:.4f}** |")
        verdict = "experts are clearly better" if self.worth_shipping else "no expert is shipped"
        rows.append(f"\nNats per token; {self.tokens:,} tokens each; {verdict}.")
        return "\n".join(rows)


def interval(gains: Sequence[float]) -> tuple[float, float]:
    """The mean, and 1.96 standard errors of it: infinite for a single value."""
    values = np.array(gains, np.float64)
    if len(values) < 2:
        return float(values.mean()) if len(values) else 0.0, math.inf
    return float(values.mean()), float(1.96 * values.std(ddof=1) / math.sqrt(len(values)))


def compare_experts(
    model: DecoderModule,
    rows: Packed,
    held_out: Packed,
    tokenizer: TextTokenizer,
    folder: Path,
    settings: ExpertSettings,
    say: Callable[[str], None],
) -> Comparison:
    """Train an expert per domain and the single delta, starting from the adapted `model`.

    Checkpoints are `folder/<domain>/final.pt` and `folder/single/final.pt`. A domain with too few
    rows is left out, which is reported. Raises TrainingError if fewer than two are left.
    """
    held = sorted_rows(held_out, tokenizer)
    taken = _enough(sorted_rows(rows, tokenizer), held, settings, say)
    start = {name: value.clone() for name, value in trained_state(model).items()}
    losses: dict[Domain, tuple[list[float], list[float]]] = {}
    for domain, own in taken.items():
        before = row_losses(model, held[domain][: settings.held])
        _tune(model, own, folder / domain.replace(" ", "-"), settings)
        losses[domain] = before, row_losses(model, held[domain][: settings.held])
        say(f"{domain}: {_mean(before):.4f} to {_mean(losses[domain][1]):.4f}")
        _put_back(model, start)
    mixed = np.concatenate(list(taken.values()))
    np.random.default_rng(settings.seed).shuffle(mixed)
    _tune(model, mixed, folder / "single", settings)
    found = []
    for domain, (before, expert) in losses.items():
        single = row_losses(model, held[domain][: settings.held])
        gains = tuple(a - b for a, b in zip(single, expert, strict=True))
        found.append(DomainLoss(domain, _mean(before), _mean(single), _mean(expert), gains))
    return Comparison(tuple(found), mixed.shape[0] * (mixed.shape[1] - 1))


def _enough(
    trained: Mapping[Domain | None, Packed],
    held: Mapping[Domain | None, Packed],
    settings: ExpertSettings,
    say: Callable[[str], None],
) -> dict[Domain, Packed]:
    """As many rows as an expert reads, for each domain that has enough."""
    wanted = settings.steps * settings.batch
    taken: dict[Domain, Packed] = {}
    for domain in Domain:
        count, looked_at = len(trained.get(domain, ())), len(held.get(domain, ()))
        if count < wanted or looked_at < 2:
            say(f"{domain}: {count} rows of {wanted} and {looked_at} held out: left out")
            continue
        taken[domain] = trained[domain][:wanted]
    if len(taken) < 2:
        raise TrainingError("fewer than two domains have enough rows: give more rows, or --steps")
    return taken


@torch.no_grad()
def row_losses(model: DecoderModule, rows: Packed) -> list[float]:
    """Mean nats per token of each row, over tokens with loss."""
    found = []
    for row in rows:
        inputs, targets = split_targets(row[None])
        if (targets >= 0).any():
            with torch.autocast("cpu", torch.bfloat16):
                loss = model.loss(torch.from_numpy(inputs), torch.from_numpy(targets))
            found.append(loss.item())
    return found


def _mean(values: Sequence[float]) -> float:
    return float(np.mean(values)) if values else math.nan


def _tune(model: DecoderModule, rows: Packed, folder: Path, settings: ExpertSettings) -> None:
    """Continue to train a model's adapters with some rows, for one pass."""
    folder.mkdir(parents=True, exist_ok=True)
    write_packed(folder / "rows.npy", rows)
    steps = len(rows) // settings.batch
    run = open_tuning(folder, model)
    for optimizer in run.optimizers:
        for group in optimizer.param_groups:
            group["initial_lr"] *= settings.rate
    train(
        run,
        folder / "rows.npy",
        SftSettings(
            batch=settings.batch,
            warmup_steps=max(1, steps // 10),
            seed=settings.seed,
            compile=False,
            threads=settings.threads,
        ),
        RunBudget(steps=steps, decay_steps=max(1, steps // 2)),
    )


@torch.no_grad()
def _put_back(model: DecoderModule, start: Mapping[str, Tensor]) -> None:
    for name, parameter in model.named_parameters():
        if name in start:
            parameter.copy_(start[name])

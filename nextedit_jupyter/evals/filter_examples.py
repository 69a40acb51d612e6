"""Training the acceptance filter: examples from simulated typing, and a logistic model.

Each example is a prefix of a reply that might be shown: its features, and whether what remained to
be typed starts with it. The weights are found by Newton's method with a ridge penalty; the optimum
is unique, so the same examples give the same filter.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from nextedit_jupyter.core.errors import NextEditError
from nextedit_jupyter.evals.heldout import HeldOutPlace
from nextedit_jupyter.evals.replay import TypingSimulator
from nextedit_jupyter.evals.typing import leading_blanks
from nextedit_jupyter.suggest.acceptance import FEATURES, AcceptanceFilter, Situation, features
from nextedit_jupyter.suggest.trim import CutPolicy, cuts, without_loop

Floats = npt.NDArray[np.float64]

RIDGE = 3.0  # for standardised weights; 0.3 to 30 gave the same curve
MIN_EXAMPLES = 200


@dataclass(frozen=True, slots=True)
class Examples:
    """`x` [n, features], `y` and `weight` [n], `group` [n]: the package of each example.

    The prefixes of one reply share the weight 1, so that a long reply counts once.
    """

    x: Floats
    y: Floats
    weight: Floats
    group: tuple[str, ...]

    def of(self, chosen: npt.NDArray[np.bool_]) -> Examples:
        kept = tuple(g for g, take in zip(self.group, chosen, strict=True) if take)
        return Examples(self.x[chosen], self.y[chosen], self.weight[chosen], kept)


def collect(
    typist: TypingSimulator,
    places: Sequence[HeldOutPlace],
    *,
    share: float = 0.35,
    seed: int = 0,
    progress: Callable[[int], None] = lambda done: None,
) -> Examples:
    """Ask the model at a fraction of each cell's carets; raises NextEditError if there are too few
    examples."""
    rng = random.Random(seed)
    rows: list[list[float]] = []
    labels: list[float] = []
    weights: list[float] = []
    groups: list[str] = []
    for number, place in enumerate(places):
        typist.lane.next_cell()
        text, known = place.source, typist.known(place)
        given = leading_blanks(text)
        for at in range(len(text)):
            if given[at] or rng.random() >= share:
                continue
            request = typist.request(place, at, known)
            reply = typist.lane.reply(request)
            if reply is None:
                continue
            whole = without_loop(reply.text)
            line = text[:at].rpartition("\n")[2]
            policy = CutPolicy(typist.lane.settings.min_probability, multi_line=not line.strip())
            finished = reply.finished and whole == reply.text
            found = list(cuts(whole, reply.steps, policy, finished=finished))
            situation = Situation.of(request) if found else None
            for cut, count in found:
                assert situation is not None
                rows.append(features(situation, whole, reply.steps, cut, count))
                labels.append(float(text.startswith(whole[: cut.end].rstrip(), at)))
                weights.append(1.0 / len(found))
                groups.append(place.document.package)
        progress(number + 1)
    typist.lane.next_cell()
    if len(rows) < MIN_EXAMPLES or len(set(labels)) < 2:
        raise NextEditError(
            f"{len(rows)} examples are too few to learn a filter from: give more cells (--cells)"
        )
    return Examples(np.array(rows), np.array(labels), np.array(weights), tuple(groups))


def fit(examples: Examples, *, ridge: float = RIDGE, only: Sequence[str] = FEATURES) -> Logistic:
    """Logistic regression by Newton's method on standardised features; deterministic."""
    used = np.array([name in only for name in FEATURES])
    weight = examples.weight / examples.weight.sum() * len(examples.y)
    mean = np.average(examples.x, axis=0, weights=weight)
    deviation = np.sqrt(np.average((examples.x - mean) ** 2, axis=0, weights=weight))
    used &= deviation > 1e-9
    scale = np.where(used, deviation, 1.0)
    x = np.column_stack([((examples.x - mean) / scale)[:, used], np.ones(len(examples.y))])
    penalty = np.full(x.shape[1], ridge)
    penalty[-1] = 1e-9
    beta = np.zeros(x.shape[1])
    for _ in range(50):
        p = 1 / (1 + np.exp(-np.clip(x @ beta, -30, 30)))
        gradient = x.T @ (weight * (p - examples.y)) + penalty * beta
        curvature = (x * (weight * p * (1 - p))[:, None]).T @ x + np.diag(penalty)
        step = np.linalg.solve(curvature, gradient)
        beta -= step
        if np.abs(step).max() < 1e-8:
            break
    weights = np.zeros(len(FEATURES))
    weights[used] = beta[:-1] / scale[used]
    return Logistic(weights, float(beta[-1] - weights @ mean))


@dataclass(frozen=True, slots=True)
class Logistic:
    """Weights for raw features."""

    weights: Floats
    bias: float

    def probabilities(self, x: Floats) -> Floats:
        result: Floats = 1 / (1 + np.exp(-np.clip(x @ self.weights + self.bias, -30, 30)))
        return result

    def at(self, threshold: float) -> AcceptanceFilter:
        return AcceptanceFilter(tuple(map(float, self.weights)), self.bias, threshold)


def cross_validate(examples: Examples, *, folds: int = 5) -> dict[str, Any]:
    """Log-loss and AUC on held-out packages, with all features and with the probability alone."""
    packages = sorted(set(examples.group))
    folds = min(folds, len(packages))
    if folds < 2:
        return {"folds": folds}
    group = np.array(examples.group)
    out: dict[str, Floats] = {}
    for name, only in (("filter", FEATURES), ("probability", ("logit",))):
        said = np.zeros(len(examples.y))
        for fold in range(folds):
            left = np.isin(group, packages[fold::folds])
            said[left] = fit(examples.of(~left), only=only).probabilities(examples.x[left])
        out[name] = said
    return {
        "folds": folds,
        "packages": len(packages),
        "examples": len(examples.y),
        **{
            name: {
                "log_loss": round(_log_loss(examples, said), 4),
                "auc": round(_auc(examples.y, said), 4),
            }
            for name, said in out.items()
        },
    }


def _log_loss(examples: Examples, said: Floats) -> float:
    p = np.clip(said, 1e-6, 1 - 1e-6)
    loss = -(examples.y * np.log(p) + (1 - examples.y) * np.log(1 - p))
    return float(np.average(loss, weights=examples.weight))


def _auc(y: Floats, said: Floats) -> float:
    """The probability that a right text scores higher than a wrong one."""
    order = np.argsort(said, kind="stable")
    ranks = np.empty(len(said))
    ranks[order] = np.arange(1, len(said) + 1)
    right = y > 0.5
    n, m = int(right.sum()), int((~right).sum())
    return float((ranks[right].sum() - n * (n + 1) / 2) / (n * m)) if n and m else 0.5

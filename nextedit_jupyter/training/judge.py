"""Trains the judge: boosted trees over real edits, including edits made in one place only.

The number of commits per owner is limited, so that no one's habits dominate; those in which a word
was replaced consistently are few, and all are taken. The thresholds are chosen on commits of owners
that the trees did not learn from, and on the validation file, if there is one. The reported figures
are measured on a third file, by `jupyter nextedit eval propagation --edits`.
"""

from __future__ import annotations

import json
import random
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from nextedit_jupyter.core import (
    Caret,
    EditEvent,
    Notebook,
    Silence,
    Suggestion,
    SuggestRequest,
)
from nextedit_jupyter.core.errors import TrainingError
from nextedit_jupyter.evals import propagation_edits
from nextedit_jupyter.evals.propagation_edits import Replay
from nextedit_jupyter.evals.real_edits import Commit
from nextedit_jupyter.suggest import Suggester
from nextedit_jupyter.suggest.judge.consider import Considered
from nextedit_jupyter.suggest.judge.features import NAMES
from nextedit_jupyter.suggest.judge.forest import MAX_LEAVES, Forest
from nextedit_jupyter.suggest.judge.judge_lane import JudgeLane
from nextedit_jupyter.suggest.judge.offered import Said
from nextedit_jupyter.suggest.lane import Cancelled, DeterministicLane
from nextedit_jupyter.suggest.patterns import PatternsLane
from nextedit_jupyter.suggest.symbols import SymbolsLane
from nextedit_jupyter.training.judge_states import WEIGHTS, Rows, rows_of, states_of
from nextedit_jupyter.training.judge_trees import as_json
from nextedit_jupyter.training.result_cache import ResultCache

# Thresholds to try: for a place, and the additional margin for the most likely place of an offer.
TICKS = (0.5, 0.6)
MARGINS = (0.0, 0.1)
LISTED = 0.3
RECALL, PRECISION, SILENT = 0.93, 0.95, 0.97
_AT_ONCE = 400  # commits per step; an interrupted run loses at most as many
_MAX_TEST_SINGLES = 10  # per owner: silence takes long to measure, and needs no more


@dataclass(frozen=True, slots=True)
class Plan:
    """The training parameters. `per_owner`: commits per owner and kind, 0 for all."""

    trees: int = 240
    leaves: int = 12
    seed: int = 0
    per_owner: int = 40
    folds: int = 3

    def __post_init__(self) -> None:
        if not 2 <= self.leaves <= MAX_LEAVES:
            raise TrainingError(f"a tree must have at least 2 leaves and at most {MAX_LEAVES}")
        if self.trees < 1 or self.folds < 2 or self.per_owner < 0:
            raise TrainingError("training needs at least one tree and two folds")


def train(
    commits: Sequence[Commit],
    validation: Sequence[Commit] = (),
    plan: Plan | None = None,
    *,
    work: Path | None = None,
    progress: Callable[[str], None] = lambda _: None,
) -> dict[str, Any]:
    """The judge as JSON values. Raises TrainingError without scikit-learn, or without examples.

    Results are kept in `work`, if given, so that an interrupted run continues from there.
    """
    plan = plan or Plan()
    taken = sampled(commits, plan.per_owner, plan.seed)
    parts = folded(taken, plan.folds, plan.seed)
    cache = ResultCache(
        work, repr((plan, NAMES, WEIGHTS, len(commits), len(validation), TICKS, MARGINS))
    )
    rows = []
    for n, part in enumerate(parts):
        rows.append(_rows_of(part, cache, f"rows-{n}"))
        progress(f"{len(rows[-1].right)} places, {int(rows[-1].right.sum())} of them changed")
    whole = joined(rows)
    forest = cache.get("trees", lambda: _as_forest(fit(whole, plan)))
    trials: list[Trial] = []
    for n, part in enumerate(parts):
        progress(f"fitting without part {n + 1} of {len(parts)}")
        rest = joined([r for m, r in enumerate(rows) if m != n])
        trials.append(Trial(cache.get(f"trees-{n}", partial(_forest_of, rest, plan)), part))
    if validation:
        trials.append(Trial(forest, validation))
    progress("choosing thresholds")
    limits, figures = choose(trials, cache)
    return {
        "features": list(NAMES),
        "thresholds": limits,
        "trained": {
            "commits": len(taken),
            "owners": len({c.owner for c in taken}),
            "places": len(whole.right),
            "changed": int(whole.right.sum()),
            "per_owner": plan.per_owner,
            "seed": plan.seed,
        },
        "validation": figures,
        "bias": forest["bias"],
        "trees": forest["trees"],
    }


def _rows_of(commits: Sequence[Commit], cache: ResultCache, name: str) -> Rows:
    found = []
    for at in range(0, len(commits), _AT_ONCE):
        some = commits[at : at + _AT_ONCE]
        found.append(cache.get(f"{name}-{at}", partial(_rows_of_some, some)))
    return joined(found)


def _rows_of_some(commits: Sequence[Commit]) -> Rows:
    return rows_of(state for commit in commits for state in states_of(commit))


def _forest_of(rows: Rows, plan: Plan) -> dict[str, Any]:
    return _as_forest(fit(rows, plan))


def _as_forest(model: Any) -> dict[str, Any]:
    limits = {"show": 0.6, "tick": 0.5, "list": LISTED}
    return {"features": list(NAMES), "thresholds": limits, **as_json(model)}


def sampled(commits: Sequence[Commit], per_owner: int, seed: int) -> list[Commit]:
    """At most `per_owner` commits per owner and kind, in the order of the file; 0 for all.

    Commits with a rename are all kept.
    """
    if not per_owner:
        return list(commits)
    table: dict[tuple[str, str], list[int]] = {}
    kept: list[int] = []
    for n, commit in enumerate(commits):
        if commit.rename is not None:
            kept.append(n)
        else:
            table.setdefault((commit.owner, commit.kind), []).append(n)
    draw = random.Random(seed)
    kept += [
        n
        for numbers in table.values()
        for n in (numbers if len(numbers) <= per_owner else draw.sample(numbers, per_owner))
    ]
    return [commits[n] for n in sorted(kept)]


def folded(commits: Sequence[Commit], folds: int, seed: int) -> list[list[Commit]]:
    """Parts that share no owner; if there are too few owners, no repository; otherwise no
    commit."""
    if len(commits) < folds:
        raise TrainingError(f"{len(commits)} edits are too few to train the judge on")
    labels = (
        [commit.owner for commit in commits],
        [commit.repo for commit in commits],
        [str(n) for n in range(len(commits))],
    )
    names = next(names for names in labels if len(set(names)) >= folds)
    order = sorted(set(names))
    random.Random(seed).shuffle(order)
    part_of = {name: n % folds for n, name in enumerate(order)}
    parts: list[list[Commit]] = [[] for _ in range(folds)]
    for name, commit in zip(names, commits, strict=True):
        parts[part_of[name]].append(commit)
    return parts


def joined(rows: Sequence[Rows]) -> Rows:
    return Rows(
        np.concatenate([r.values for r in rows]),
        np.concatenate([r.right for r in rows]),
        np.concatenate([r.weights for r in rows]),
        tuple(owner for r in rows for owner in r.owners),
    )


def fit(rows: Rows, plan: Plan) -> Any:
    """The fitted scikit-learn classifier; on one thread, so that sums are reproducible."""
    try:
        from sklearn.ensemble import HistGradientBoostingClassifier
        from threadpoolctl import threadpool_limits
    except ImportError:
        raise TrainingError(
            "training the judge needs scikit-learn: pip install 'nextedit-jupyter[train]'"
        ) from None
    if len(set(rows.right.tolist())) < 2:
        raise TrainingError("the edits contain no place that followed, or none that did not")
    model = HistGradientBoostingClassifier(
        max_iter=plan.trees,
        max_leaf_nodes=plan.leaves,
        learning_rate=0.065,
        l2_regularization=3.0,
        min_samples_leaf=40,
        max_features=0.3,
        early_stopping=False,  # places of one commit are too similar for it
        random_state=plan.seed,
    )
    with threadpool_limits(1):
        return model.fit(rows.values, rows.right, sample_weight=rows.weights)


@dataclass(frozen=True, slots=True)
class Trial:
    """Trees, and commits that they did not learn from."""

    forest: dict[str, Any]
    commits: Sequence[Commit]

    @property
    def singles(self) -> Iterator[Commit]:
        count: dict[str, int] = {}
        for commit in self.commits:
            count[commit.owner] = count.get(commit.owner, 0) + (commit.kind == "single")
            if commit.kind == "single" and count[commit.owner] <= _MAX_TEST_SINGLES:
                yield commit


@dataclass(frozen=True, slots=True)
class _Tried:
    """One trial's results at a pair of thresholds."""

    replayed: Replay
    silent: int
    asked: int


def choose(
    trials: Sequence[Trial], cache: ResultCache | None = None
) -> tuple[dict[str, float], dict[str, Any]]:
    """The thresholds that miss the targets for recall, precision and silence by the least.

    Of those that meet all targets, the ones with the best recall. Also returns the figures of all
    that were tried.
    """
    cache = cache or ResultCache(None, "")
    levels = [(round(tick + margin, 2), tick) for tick in TICKS for margin in MARGINS]
    total = {level: Replay() for level in levels}
    silent, asked = dict.fromkeys(levels, 0), dict.fromkeys(levels, 0)
    for n, trial in enumerate(trials):
        ask = _Asking(trial)
        for show, tick in levels:
            tried = cache.get(f"tried-{n}-{show}-{tick}", partial(ask.at, show, tick))
            total[show, tick].merge(tried.replayed)
            silent[show, tick] += tried.silent
            asked[show, tick] += tried.asked
    curve: list[dict[str, float]] = []
    for show, tick in levels:
        report = total[show, tick].report()
        curve.append(
            {
                "show": show,
                "tick": tick,
                "recall": report["recall"],
                "precision": report["precision"],
                "silent": round(silent[show, tick] / max(asked[show, tick], 1), 4),
            }
        )
    best = max(curve, key=_rank)
    limits = {"show": best["show"], "tick": best["tick"], "list": min(LISTED, best["tick"])}
    return limits, {**best, "curve": curve}


class _Asking:
    """The product with a trial's trees, which computes each request only once."""

    def __init__(self, trial: Trial) -> None:
        self._trial = trial
        self._symbols = _Remembering(SymbolsLane())
        self._patterns = _Remembering(PatternsLane())
        self._known: dict[Asked, Considered] = {}

    def at(self, show: float, tick: float) -> _Tried:
        limits = {"show": show, "tick": tick, "list": min(LISTED, tick)}
        judge = _RememberingJudge(Forest({**self._trial.forest, "thresholds": limits}), self._known)
        offer = propagation_edits.product(
            Suggester(symbols=self._symbols, patterns=self._patterns, judge=judge)
        )
        singles = list(self._trial.singles)
        quiet = propagation_edits.quiet(singles, offer, len(singles))
        replayed = propagation_edits.replay(self._trial.commits, offer)
        return _Tried(replayed, quiet["silent"], quiet["cases"])


def _rank(figures: dict[str, float]) -> tuple[float, float]:
    aims = (("recall", RECALL), ("precision", PRECISION), ("silent", SILENT))
    lacks = sum(max(aim - figures[name], 0) for name, aim in aims)
    return -round(lacks, 3), figures["recall"]


Asked = tuple[Notebook, tuple[EditEvent, ...], Caret]


class _Remembering:
    """A lane that computes each request only once, for all thresholds."""

    def __init__(self, lane: DeterministicLane) -> None:
        self._lane = lane
        self._known: dict[Asked, Sequence[Suggestion] | Silence] = {}

    def suggest(
        self, request: SuggestRequest, cancelled: Cancelled
    ) -> Sequence[Suggestion] | Silence:
        key = request.notebook, request.history, request.caret
        if key not in self._known:
            self._known[key] = self._lane.suggest(request, cancelled)
        return self._known[key]


class _RememberingJudge(JudgeLane):
    def __init__(self, forest: Forest, known: dict[Asked, Considered]) -> None:
        super().__init__(forest)
        self._known = known

    def consider(self, request: SuggestRequest, symbols: Said, patterns: Said) -> Considered:
        key = request.notebook, request.history, request.caret
        if key not in self._known:
            self._known[key] = super().consider(request, symbols, patterns)
        return self._known[key]


def write(forest: dict[str, Any], path: Path) -> None:
    """Write one tree per line, so that people can read it."""
    trees = ",\n".join(json.dumps(tree, separators=(",", ":")) for tree in forest["trees"])
    head = json.dumps({k: v for k, v in forest.items() if k != "trees"}, indent=1)
    path.write_text(f'{head[:-2]},\n "trees": [\n{trees}\n]}}\n', encoding="utf-8")

"""Training the judge: boosted trees over real edits, and edits that were not to spread.

The trees learn from one file of commits, the thresholds are chosen on another. What is reported is
measured on a third, by `jupyter nextedit eval propagation --edits`.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

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
from nextedit_jupyter.evals.real_edits import Commit
from nextedit_jupyter.suggest import Suggester
from nextedit_jupyter.suggest.judge.consider import Considered
from nextedit_jupyter.suggest.judge.features import NAMES
from nextedit_jupyter.suggest.judge.forest import MAX_LEAVES, Forest
from nextedit_jupyter.suggest.judge.lane import JudgeLane, Said
from nextedit_jupyter.suggest.lane import Cancelled, DeterministicLane
from nextedit_jupyter.suggest.patterns import PatternsLane
from nextedit_jupyter.suggest.symbols import SymbolsLane
from nextedit_jupyter.training.judge_states import Rows, rows_of, states_of
from nextedit_jupyter.training.judge_trees import as_json

# Pairs of thresholds that are tried, for a place and for the surest place of an offer.
TICKS = (0.4, 0.45, 0.5, 0.55, 0.6, 0.65)
SHOWS = (0.5, 0.55, 0.6, 0.65, 0.7, 0.75)
LISTED = 0.3
PRECISION, SILENT = 0.95, 0.975


def train(
    commits: Sequence[Commit],
    validation: Sequence[Commit],
    *,
    trees: int = 200,
    leaves: int = 12,
    seed: int = 0,
    progress: Callable[[str], None] = lambda _: None,
) -> dict[str, Any]:
    """The judge as JSON values. Raises TrainingError without scikit-learn, or without examples."""
    if leaves > MAX_LEAVES:
        raise TrainingError(f"a tree has at most {MAX_LEAVES} leaves")
    rows = rows_of(state for commit in commits for state in states_of(commit))
    progress(f"{len(rows.right)} places, {int(rows.right.sum())} of them changed")
    told: dict[str, Any] = {
        "features": list(NAMES),
        "thresholds": {"show": 0.6, "tick": 0.5, "list": LISTED},
        "trained": {
            "commits": len(commits),
            "owners": len({c.owner for c in commits}),
            "places": len(rows.right),
            "changed": int(rows.right.sum()),
            "seed": seed,
        },
        **as_json(fit(rows, trees=trees, leaves=leaves, seed=seed)),
    }
    progress("choosing thresholds")
    told["thresholds"], told["validation"] = choose(told, validation)
    return told


def fit(rows: Rows, *, trees: int, leaves: int, seed: int) -> Any:
    """The fitted classifier of scikit-learn."""
    try:
        from sklearn.ensemble import HistGradientBoostingClassifier
    except ImportError:
        raise TrainingError(
            "training the judge needs scikit-learn: pip install 'nextedit-jupyter[train]'"
        ) from None
    if len(set(rows.right.tolist())) < 2:
        raise TrainingError("the edits hold no place that followed, or none that did not")
    model = HistGradientBoostingClassifier(
        max_iter=trees,
        max_leaf_nodes=leaves,
        learning_rate=0.08,
        l2_regularization=3.0,
        min_samples_leaf=40,
        max_features=0.4,
        random_state=seed,
    )
    return model.fit(rows.values, rows.right, sample_weight=rows.weights)


def choose(
    told: dict[str, Any], commits: Sequence[Commit]
) -> tuple[dict[str, float], dict[str, float]]:
    """The thresholds with the best recall among those that are precise and silent enough.

    Where none is, the ones that lack least.
    """
    best: tuple[tuple[float, ...], dict[str, float], dict[str, float]] | None = None
    symbols, patterns = _Remembering(SymbolsLane()), _Remembering(PatternsLane())
    known: dict[Asked, Considered] = {}
    for tick in TICKS:
        for show in SHOWS:
            if show < tick:
                continue
            limits = {"show": show, "tick": tick, "list": min(LISTED, tick)}
            weighing = _RememberingJudge(Forest({**told, "thresholds": limits}), known)
            offer = propagation_edits.product(
                Suggester(symbols=symbols, patterns=patterns, judge=weighing)
            )
            replayed = propagation_edits.replay(commits, offer).report()
            silent = propagation_edits.quiet(commits, offer, len(commits))["share"]
            figures = {
                "recall": replayed["recall"],
                "precision": replayed["precision"],
                "silent": silent,
            }
            lacks = max(PRECISION - figures["precision"], 0) + max(SILENT - silent, 0)
            rank = (-round(lacks, 3), figures["recall"])
            if best is None or rank > best[0]:
                best = rank, limits, figures
    assert best is not None
    return best[1], best[2]


Asked = tuple[Notebook, tuple[EditEvent, ...], Caret]


class _Remembering:
    """A lane that thinks about each request once, for all thresholds."""

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


def write(told: dict[str, Any], path: Path) -> None:
    """One tree per line, so that a person can look at it."""
    trees = ",\n".join(json.dumps(tree, separators=(",", ":")) for tree in told["trees"])
    head = json.dumps({k: v for k, v in told.items() if k != "trees"}, indent=1)
    path.write_text(f'{head[:-2]},\n "trees": [\n{trees}\n]}}\n', encoding="utf-8")

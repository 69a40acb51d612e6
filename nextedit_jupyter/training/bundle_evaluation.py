"""Evaluates a bundle on held-out documents, for its thresholds and its card.

Typing is measured by `evals.model_evaluation`: the product key by key, without the filter, which is
learned later (`train filter`). Edits are synthetic, as in training: half done and to be finished,
or with nothing to do. The test packages are not used to choose anything.
"""

from __future__ import annotations

import random
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from nextedit_jupyter.bundles.bundle import Bundle
from nextedit_jupyter.evals.heldout import HeldOut, held_out
from nextedit_jupyter.evals.measures import delta_chrf, wilson
from nextedit_jupyter.evals.model_evaluation import THRESHOLDS, choose_threshold, measure_typing
from nextedit_jupyter.suggest.build import open_model_lane
from nextedit_jupyter.suggest.model_lane import ModelLane
from nextedit_jupyter.training.corpus.document import Document
from nextedit_jupyter.training.edits import draw_case

MIN_SILENCE = 0.97  # of cases with nothing to edit
MIN_EDIT_PRECISION = 0.8
EDIT_THRESHOLDS = (0.1, 0.15, 0.2, 0.25, *THRESHOLDS)  # an edit has many tokens: the product is low


def as_held_out(documents: Sequence[Document]) -> list[HeldOut]:
    return [held_out(d.package, d.path, d.kind, d.cells) for d in documents]


def evaluate_edits(
    lane: ModelLane, documents: Sequence[Document], *, count: int, seed: int, budget: int
) -> dict[str, Any]:
    """The model's own next edits, without gates: exact, and silent if there is nothing to do."""
    rng = random.Random(seed)
    chosen = [d for d in documents if d.kind != "module" and len(d.cells) > 2]
    lane.settings = replace(lane.settings, next_edit_threshold=0.0, budget=budget)
    results: list[tuple[str, bool, float, bool, float]] = []  # kind, offered, p, exact, chrF
    for _ in range(20 * count if chosen else 0):
        if len(results) == count:
            break
        document = rng.choice(chosen)
        case = draw_case(document.cells, rng)
        if case is None:
            continue
        lane.forget()
        request = case.request()
        answer = lane.next_edit(request, time.monotonic() + 60, lambda: False)
        given, confidence = case.now, 0.0
        for suggestion in answer.suggestions:
            confidence = suggestion.confidence
            given = (suggestion.apply(request.notebook) or {}).get(f"c{case.cell}", case.now)
        offered = bool(answer.suggestions)
        exact = offered and given == case.after
        results.append(
            (case.kind, offered, confidence, exact, delta_chrf(case.now, case.after, given))
        )
    wanted = [r for r in results if r[0] != "none"]
    none = [r for r in results if r[0] == "none"]
    curve = {}
    for threshold in EDIT_THRESHOLDS:
        offered_now = [r for r in results if r[1] and r[2] >= threshold]
        right = sum(r[3] for r in offered_now)
        spoken = sum(r[1] and r[2] >= threshold for r in none)
        curve[str(threshold)] = {
            "offered": len(offered_now),
            "exact_of_offered": round(right / max(1, len(offered_now)), 4),
            "exact_of_wanted": round(right / max(1, len(wanted)), 4),
            "silent_of_none": round(1 - spoken / max(1, len(none)), 4),
        }
    kinds = {}
    for kind in sorted({r[0] for r in results}):
        those = [r for r in results if r[0] == kind]
        kinds[kind] = {"cases": len(those), "exact": sum(r[3] for r in those)}
    exact_count = sum(r[3] for r in wanted)
    return {
        "cases": len(results),
        "none": len(none),
        "offered": sum(r[1] for r in results),
        "exact_of_wanted": round(exact_count / max(1, len(wanted)), 4),
        "exact_of_wanted_95": [round(v, 4) for v in wilson(exact_count, len(wanted))],
        "delta_chrf": round(sum(r[4] for r in wanted) / max(1, len(wanted)), 4),
        "curve": curve,
        "kinds": kinds,
    }


def choose_thresholds(report: dict[str, Any]) -> dict[str, float]:
    """The lowest thresholds that keep noise, silence and precision within bounds, for validation
    data."""
    next_edit = 0.95
    for threshold in reversed(EDIT_THRESHOLDS):
        row = report["edits"]["curve"][str(threshold)]
        if not row["offered"]:
            continue
        if row["silent_of_none"] < MIN_SILENCE or row["exact_of_offered"] < MIN_EDIT_PRECISION:
            break
        next_edit = threshold
    return {"inline": choose_threshold(report["typing"]["curve"]), "next_edit": next_edit}


def evaluate_bundle(
    folder: Path,
    documents: Sequence[Document],
    *,
    cells: int = 120,
    edits: int = 150,
    seed: int = 0,
    budget: int = 900,
    facts: bool = False,
    progress: Callable[[str], None] = print,
) -> dict[str, Any]:
    """Typing and edits of a bundle on documents, with the resulting thresholds."""
    bundle = Bundle.open(folder)
    lane = open_model_lane(bundle)
    lane.acceptance = None
    report: dict[str, Any] = {"bundle": bundle.label}
    report["typing"] = measure_typing(
        lane,
        as_held_out(documents),
        shipped=lane.settings.threshold,
        cells=cells,
        seed=seed,
        budget=budget,
        facts=facts,
        progress=progress,
    )
    report["edits"] = evaluate_edits(lane, documents, count=edits, seed=seed, budget=budget)
    report["thresholds"] = choose_thresholds(report)
    return report


def format_report(report: Mapping[str, Any]) -> str:
    """The report as Markdown tables."""
    typing, edits = report["typing"], report["edits"]
    lines = [
        f"{typing['cells']} cells of {', '.join(typing['packages'])}",
        "",
        "| threshold | saved | net of the key | accepted | first token wrong (95 %) | shown |",
        "|---|---|---|---|---|---|",
    ]
    for threshold, row in typing["curve"].items():
        lines.append(
            f"| {threshold} | {row['saved']:.3f} | {row['saved_net_of_key']:.3f} | "
            f"{row['accepted']:.2f} | {row['first_wrong']:.2f} "
            f"({row['first_wrong_low']:.2f} to {row['first_wrong_high']:.2f}) | {row['shown']} |"
        )
    lines += [
        "",
        f"{edits['cases']} edits, {edits['none']} with nothing to do; "
        f"exact of wanted {edits['exact_of_wanted']:.3f}",
        "",
        "| threshold | offered | exact of offered | exact of wanted | silent of none |",
        "|---|---|---|---|---|",
    ]
    for threshold, row in edits["curve"].items():
        lines.append(
            f"| {threshold} | {row['offered']} | {row['exact_of_offered']:.2f} | "
            f"{row['exact_of_wanted']:.2f} | {row['silent_of_none']:.3f} |"
        )
    return "\n".join(lines)

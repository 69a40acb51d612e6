"""`train filter`: learns when a bundle's texts are accepted, and stores the filter in its manifest.

The weights come from typing cells of training packages, the threshold from validation packages. The
filter is kept only if it saves more at the same noise on the same validation cells, and if it
separates right from wrong better than the probability alone on held-out packages.
"""

from __future__ import annotations

import json
import random
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from nextedit_jupyter.bundles.bundle import MANIFEST, Bundle
from nextedit_jupyter.core.errors import TrainingError
from nextedit_jupyter.core.files import replace_file
from nextedit_jupyter.evals.filter_examples import collect, cross_validate, fit
from nextedit_jupyter.evals.heldout import HeldOut, choose_places
from nextedit_jupyter.evals.model_evaluation import (
    CHOSEN_NOISE,
    MAX_NOISE,
    choose_threshold,
    places_of,
    saved_at_noise,
)
from nextedit_jupyter.evals.replay import RememberingLane, ReplaySetting, TypingSimulator
from nextedit_jupyter.suggest.acceptance import AcceptanceFilter
from nextedit_jupyter.suggest.build import open_model_lane

PLAIN = (0.4, 0.5, 0.55, 0.6, 0.65, 0.7, 0.75, 0.8, 0.85, 0.9)
LEARNED = tuple(round(0.5 + 0.025 * i, 3) for i in range(19))
MIN_GAIN = 0.005  # of the characters, at the same noise


def learn_filter(
    bundle: Bundle,
    training: Sequence[HeldOut],
    validation: Sequence[HeldOut],
    *,
    cells: int = 120,
    validation_cells: int = 60,
    budget: int = 900,
    seed: int = 0,
    progress: Callable[[str], None] = print,
) -> tuple[AcceptanceFilter | None, dict[str, Any]]:
    """The filter (None if there is no gain) and the measurements.

    Raises TrainingError if a package is in both sets of documents.
    """
    both = {d.package for d in training} & {d.package for d in validation}
    if both:
        raise TrainingError(
            f"{', '.join(sorted(both))}: a package to learn from cannot be validated on"
        )
    lane = open_model_lane(bundle)
    lane.acceptance = None
    typist = TypingSimulator(RememberingLane(lane), budget, seed=seed)
    places = choose_places(training, cells, random.Random(seed + 1), each=2)
    examples = collect(typist, places, seed=seed, progress=_every(20, "asked about", progress))
    crossed = cross_validate(examples)
    progress(f"packages left out: {crossed}")
    logistic = fit(examples)
    settings = [ReplaySetting(threshold) for threshold in PLAIN]
    settings += [ReplaySetting(threshold, logistic.at(threshold)) for threshold in LEARNED]
    held = places_of(validation, validation_cells, seed)
    tallies = typist.type(held, settings, progress=_every(20, "typed", progress))
    rows = [tally.report() for tally in tallies]
    plain = {str(t): row for t, row in zip(PLAIN, rows, strict=False)}
    learned = {str(t): row for t, row in zip(LEARNED, rows[len(PLAIN) :], strict=True)}
    threshold = choose_threshold(learned)
    before, after = (saved_at_noise(curve, CHOSEN_NOISE) for curve in (plain, learned))
    better = "filter" not in crossed or (
        crossed["filter"]["log_loss"] < crossed["probability"]["log_loss"]
    )
    kept = better and after >= before + MIN_GAIN
    report = {
        "learned_from": sorted({place.document.package for place in places}),
        "cross_validation": crossed,
        "validation": sorted({place.document.package for place in held}),
        "noise": CHOSEN_NOISE,
        "saved_plain": before,
        "saved_filter": after,
        "plain_threshold": choose_threshold(plain),
        "threshold": threshold,
        "kept": kept,
        "plain": plain,
        "filter": learned,
    }
    return (logistic.at(threshold) if kept else None), report


def _every(step: int, what: str, progress: Callable[[str], None]) -> Callable[[int], None]:
    def report(done: int) -> None:
        if done % step == 0:
            progress(f"{what} {done} cells")

    return report


def write_filter(folder: Path, acceptance: AcceptanceFilter | None, report: dict[str, Any]) -> None:
    """Store the filter, or its absence, in a bundle's manifest, atomically.

    The plain inline threshold becomes the one chosen on the same cells, for versions without a
    filter.
    """
    path = folder / MANIFEST
    manifest = json.loads(path.read_text(encoding="utf-8"))
    manifest.pop("acceptance", None)
    thresholds = {**manifest.get("thresholds", {}), "inline": report["plain_threshold"]}
    manifest["thresholds"] = thresholds
    if acceptance is not None:
        keys = ("validation", "noise", "saved_plain", "saved_filter", "cross_validation")
        measured = {key: report[key] for key in keys}
        manifest["acceptance"] = {**acceptance.to_manifest(), "measured": measured}
    content = json.dumps(manifest, indent=2) + "\n"
    replace_file(path, content.encode("utf-8"), mode=0o644)


def format_report(report: dict[str, Any]) -> str:
    """Both curves as Markdown, and whether the filter was kept."""
    lines = [
        f"Learned from {len(report['learned_from'])} packages, validated on "
        f"{', '.join(report['validation'])}. Cross-validation: {report['cross_validation']}.",
        "",
        "| judged by | threshold | saved | accepted | first token wrong | shown |",
        "|---|---|---|---|---|---|",
    ]
    for name in ("plain", "filter"):
        for threshold, row in report[name].items():
            lines.append(
                f"| {name} | {threshold} | {row['saved']:.3f} | {row['accepted']:.3f} | "
                f"{row['first_wrong']:.3f} | {row['shown']} |"
            )
    lines += [
        "",
        f"At a noise of {report['noise']} (the aim is {MAX_NOISE}): saved "
        f"{report['saved_plain']:.3f} by probability, {report['saved_filter']:.3f} by the filter: "
        f"{'kept, threshold ' + str(report['threshold']) if report['kept'] else 'not kept'}.",
    ]
    return "\n".join(lines)

"""The pipeline of a personal bundle: gather, hold out, fine-tune, judge, write."""

from __future__ import annotations

import os
import shutil
import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from nextedit_jupyter.bundles.manifest import NOTICE, digests, write_manifest
from nextedit_jupyter.core.errors import TrainingError
from nextedit_jupyter.prompt import BundleTokenizer
from nextedit_jupyter.prompt.format import EditFormat
from nextedit_jupyter.training.commits.real_edit import RealEdit
from nextedit_jupyter.training.export import int8_graph, replace_folder
from nextedit_jupyter.training.from_bundle import bundle_recipe
from nextedit_jupyter.training.memorisation import Memorisation, check_memorisation
from nextedit_jupyter.training.network import DecoderModule, Shape
from nextedit_jupyter.training.packing import NO_LOSS
from nextedit_jupyter.training.personal.fine_tuning import PersonalPlan, fine_tune
from nextedit_jupyter.training.personal.judging import MIN_CASES, judge, score
from nextedit_jupyter.training.personal.outcome import PersonalOutcome, render_card
from nextedit_jupyter.training.personal.starting_bundle import PRIVATE, base_manifest, format_of
from nextedit_jupyter.training.personal.user_corpus import (
    Split,
    UserCorpus,
    held_out_edits,
    is_rendered,
    sessions,
    split,
)


def personalise(
    base: Path,
    own: UserCorpus,
    out: Path,
    plan: PersonalPlan,
    *,
    id: str = "nextedit-personal",
    version: str | None = None,
    keep: bool = False,
    now: Callable[[], float] = time.time,
    progress: Callable[[str], None] = print,
) -> PersonalOutcome:
    """Fine-tune, judge, and write the bundle `out` if it was promoted or should be kept anyway.

    Raises TrainingError if the base cannot be trained on or there is too little code.
    """
    began = now()
    manifest = base_manifest(base)
    parts = split(own, plan.seed)
    tokenizer, fmt = BundleTokenizer(base / "tokenizer.json"), format_of(base)
    edits = _edits_to_judge_by(parts.held_out, plan, tokenizer, fmt)
    pieces = sessions(parts.held_out, tokenizer, plan.length, plan.seed)
    counts = {
        "documents": len(parts.train.documents),
        "edits": len(parts.train.edits),
        "held_out_real": sum(edit.source.revision != "made up" for edit in edits),
    }
    progress(
        f"learns from {counts['documents']} documents and {counts['edits']} real edits; "
        f"{len(edits)} edits are held out, {counts['held_out_real']} of them real"
    )
    before = score(base, edits, pieces)
    judged_s = now() - began
    end = None if plan.minutes is None else began + 60 * plan.minutes - 2 * judged_s - 5
    model, steps = fine_tune(base, parts, plan, end=end, now=now, progress=progress)

    out.parent.mkdir(parents=True, exist_ok=True)
    staging = Path(tempfile.mkdtemp(prefix=".bundle-", dir=out.parent))
    try:
        learnt_from = sessions(parts.train, tokenizer, plan.length, plan.seed)
        _export(model, base, staging, calibration=learnt_from)
        mine = {**manifest, "id": id, "version": version or version_at(began)}
        write_manifest(staging, mine)
        after = score(staging, edits, pieces)
        good, why, low, high = judge(before, after, seed=plan.seed)
        recital = _recital(staging, model.shape, parts, plan.seed, progress)
        outcome = PersonalOutcome(good, why, before, after, low, high, steps, recital, counts)
        if good or keep:
            _finish(staging, mine, manifest, outcome)
            os.chmod(staging, 0o700)
            replace_folder(staging, out)
    finally:
        shutil.rmtree(staging, ignore_errors=True)
    return outcome


def _edits_to_judge_by(
    held_out: UserCorpus, plan: PersonalPlan, tokenizer: BundleTokenizer, fmt: EditFormat
) -> list[RealEdit]:
    """The held-out edits that can be rendered, for comparing two bundles.

    Both bundles have the same tokenizer, so the same edits can be rendered. Raises TrainingError if
    there are too few.
    """
    edits = held_out_edits(held_out, plan.cases, plan.seed, is_rendered(tokenizer, fmt, 700))
    if len(edits) < MIN_CASES:
        raise TrainingError(
            f"only {len(edits)} edits can be held out, {MIN_CASES} are needed to tell whether the "
            "bundle is better: give more code"
        )
    return edits


def _export(
    model: DecoderModule, base: Path, folder: Path, calibration: Sequence[Sequence[int]]
) -> None:
    """Write the graph, rounded for the training data, with the base's tokenizer and notice."""
    weights = {name: value.float().numpy() for name, value in model.state_dict().items()}
    pieces = [[id & (NO_LOSS - 1) for id in piece] for piece in calibration]
    graph = int8_graph(model.shape, weights, pieces, recipe=bundle_recipe(base))
    (folder / "model.onnx").write_bytes(graph.SerializeToString())
    shutil.copyfile(base / "tokenizer.json", folder / "tokenizer.json")
    if (base / NOTICE).is_file():  # of the base's own base
        shutil.copyfile(base / NOTICE, folder / NOTICE)


def _recital(
    bundle: Path, shape: Shape, parts: Split, seed: int, progress: Callable[[str], None]
) -> Memorisation | None:
    """Whether it recites its training data; None if no cell is long enough for the check."""
    learnt = [document for _, document in parts.train.documents]
    held = [document for _, document in parts.held_out.documents]
    try:
        return check_memorisation(
            bundle, shape, format_of(bundle), learnt, held, prompts=20, seed=seed
        )
    except TrainingError:
        progress("no cell is long enough for a memorisation check")
        return None


def version_at(seconds: float) -> str:
    """A version that increases with time: days since 2020 and seconds of the day,
    `0.2520.41400`."""
    days, rest = divmod(int(seconds) - 1_577_836_800, 86_400)
    return f"0.{max(0, days)}.{rest}"


def _finish(
    staging: Path, mine: dict[str, Any], base: dict[str, Any], outcome: PersonalOutcome
) -> None:
    """Write the card and the manifest."""
    (staging / "CARD.md").write_text(render_card(mine, base, outcome), encoding="utf-8")
    made = {
        **mine,
        "licence": PRIVATE,
        "based_on": f"{base['id']}/{base['version']}",
        "card": "CARD.md",
        "quality": {"personal": outcome.report()},
        "files": digests(staging),
    }
    write_manifest(staging, made)

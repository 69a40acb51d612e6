"""How good a bundle is: held-out cells typed key by key, and half-done edits to be finished.

Typing: leading blanks are given, as an editor indents. At each other place the model is asked
once; a text is shown where its confidence holds the threshold, accepted when what remains starts
with it, and stays while it is typed through. So one pass of the model gives the whole curve of
threshold, characters saved and noise. A first token is wrong when what remains doesn't start with
it; that is the noise. Nothing here looks at the test packages to choose anything.
"""

from __future__ import annotations

import json
import math
import random
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from nextedit_jupyter.core import (
    Caret,
    Cell,
    EditEvent,
    KernelFacts,
    Notebook,
    SuggestRequest,
    TextEdit,
)
from nextedit_jupyter.engine import Engine
from nextedit_jupyter.prompt import BundleTokenizer, PromptFormat, get_format
from nextedit_jupyter.suggest.trim import (
    CutPolicy,
    Step,
    best_cut,
    token_steps,
    without_loop,
)
from nextedit_jupyter.training.corpus.document import Document
from nextedit_jupyter.training.edits import EditCase, make_case
from nextedit_jupyter.training.kernel_names import columns_used, guess_names

THRESHOLDS = (0.3, 0.4, 0.5, 0.6, 0.65, 0.7, 0.75, 0.8, 0.85, 0.9, 0.95)
MAX_NOISE = 0.15  # of shown texts, at the chosen threshold
MIN_SILENCE = 0.97  # of cases with nothing to edit
MIN_EDIT_PRECISION = 0.8


@dataclass(frozen=True, slots=True)
class Bundle:
    """A bundle, loaded."""

    engine: Engine
    tokenizer: BundleTokenizer
    format: PromptFormat
    newlines: frozenset[int]
    manifest: dict[str, Any]

    @classmethod
    def load(cls, folder: Path) -> Bundle:
        manifest = json.loads((folder / "manifest.json").read_text(encoding="utf-8"))
        tokenizer = BundleTokenizer(folder / "tokenizer.json")
        engine = Engine(
            folder / "model.onnx",
            tokenizer,
            layers=manifest["layers"],
            kv_heads=manifest["kv_heads"],
            head_dim=manifest["head_dim"],
            context=manifest["context"],
        )
        newlines = frozenset(
            id for id in range(tokenizer.vocab_size) if tokenizer.token_bytes(id)[:1] == b"\n"
        )
        format = get_format(manifest["prompt_format"])
        return cls(engine, tokenizer, format, newlines, manifest)


@dataclass(frozen=True, slots=True)
class Asked:
    """What the model said at one place."""

    text: str
    steps: tuple[Step, ...]
    finished: bool


@dataclass(slots=True)
class Typed:
    """Counts over typed cells at one threshold."""

    chars: int = 0
    saved: int = 0
    shown: int = 0
    accepted: int = 0
    first_wrong: int = 0

    def report(self) -> dict[str, float | int]:
        shown = max(1, self.shown)
        return {
            "saved": round(self.saved / max(1, self.chars), 4),
            "saved_net_of_key": round((self.saved - self.accepted) / max(1, self.chars), 4),
            "accepted": round(self.accepted / shown, 4),
            "first_wrong": round(self.first_wrong / shown, 4),
            "first_wrong_low": round(wilson(self.first_wrong, self.shown)[0], 4),
            "first_wrong_high": round(wilson(self.first_wrong, self.shown)[1], 4),
            "shown": self.shown,
            "chars": self.chars,
        }


def wilson(hits: int, count: int, z: float = 1.96) -> tuple[float, float]:
    """The 95 % interval of a share. Source: Wilson, 1927."""
    if not count:
        return 0.0, 1.0
    share = hits / count
    middle = share + z * z / (2 * count)
    spread = z * math.sqrt(share * (1 - share) / count + z * z / (4 * count * count))
    scale = 1 + z * z / count
    return (middle - spread) / scale, (middle + spread) / scale


def choose_cells(
    documents: Sequence[Document], count: int, rng: random.Random
) -> list[tuple[Document, int]]:
    """Cells of notebooks and galleries to type, at most 4 of a document, with cells before them."""
    places: list[tuple[Document, int]] = []
    chosen = [d for d in documents if d.kind in ("notebook", "gallery") and len(d.cells) > 2]
    rng.shuffle(chosen)
    for document in chosen:
        fit = [
            index
            for index, cell in enumerate(document.cells)
            if index and 20 <= len(cell) <= 600 and not cell.lstrip().startswith("%%")
        ]
        places += [(document, index) for index in rng.sample(fit, min(4, len(fit)))]
    rng.shuffle(places)
    return places[:count]


def typing_request(
    document: Document, index: int, offset: int, facts: KernelFacts
) -> SuggestRequest:
    """The notebook while cell `index` is typed: the cells before it have run."""
    cells = [
        Cell(f"c{i}", "code", source, execution_count=i + 1)
        for i, source in enumerate(document.cells[:index])
    ]
    cells.append(Cell(f"c{index}", "code", document.cells[index][:offset]))
    return SuggestRequest(Notebook("python", tuple(cells)), Caret(f"c{index}", offset), facts=facts)


def ask(bundle: Bundle, request: SuggestRequest, *, budget: int) -> Asked:
    """One line at the caret."""
    prompt = bundle.format.inline(request, bundle.tokenizer, budget)
    prompt = replace(prompt, stop=prompt.stop | bundle.newlines)
    completion = bundle.engine.complete(
        prompt, max_new=32, deadline=time.monotonic() + 60, cancelled=lambda: False
    )
    steps = token_steps(
        completion.ids,
        completion.logprobs,
        bundle.tokenizer.token_bytes,
        prompt.heal,
        completion.text,
    )
    return Asked(completion.text, tuple(steps), completion.finish == "stop")


def given(text: str) -> list[bool]:
    """Which characters are leading blanks of a line, which an editor gives."""
    marks, leading = [], True
    for char in text:
        if char == "\n":
            leading = True
            marks.append(False)
        else:
            leading = leading and char in " \t"
            marks.append(leading)
    return marks


def type_cell(text: str, asked: dict[int, Asked], threshold: float, counts: Typed) -> None:
    """Type one cell at one threshold."""
    policy = CutPolicy(threshold)
    blanks = given(text)
    counts.chars += sum(not blank for blank in blanks)
    at, active = 0, ""
    while at < len(text):
        if blanks[at]:
            at, active = at + 1, ""
            continue
        if not active and at in asked:
            answer = asked[at]
            whole = without_loop(answer.text).split("\n")[0]
            cut = best_cut(
                whole, answer.steps, policy, finished=answer.finished and whole == answer.text
            )
            if cut is not None:
                active = whole[: cut.end].rstrip()
                if active:
                    counts.shown += 1
                    first = next((s.end for s in answer.steps if s.end > 0), len(active))
                    first_text = whole[: min(first, len(active))]
                    if not text.startswith(first_text, at):
                        counts.first_wrong += 1
                    if text.startswith(active, at):
                        counts.accepted += 1
                        counts.saved += len(active)
                        at, active = at + len(active), ""
                        continue
        active = active[1:] if active and active[0] == text[at] else ""
        at += 1


def evaluate_typing(
    bundle: Bundle,
    documents: Sequence[Document],
    *,
    cells: int,
    seed: int,
    budget: int,
    facts: bool,
    progress: Callable[[str], None],
) -> dict[str, Any]:
    """Type cells at every threshold; gives the curve and latencies."""
    rng = random.Random(seed)
    places = choose_cells(documents, cells, rng)
    curve = {threshold: Typed() for threshold in THRESHOLDS}
    spent: list[float] = []
    for number, (document, index) in enumerate(places):
        text = document.cells[index]
        known = KernelFacts()
        if facts:
            columns = columns_used(document.cells)
            names = guess_names(document.cells[:index], columns=columns, rng=rng)
            known = KernelFacts(names=names)
        blanks = given(text)
        asked: dict[int, Asked] = {}
        for offset in range(len(text)):
            if blanks[offset] or text[offset] == "\n":
                continue
            began = time.perf_counter()
            asked[offset] = ask(
                bundle, typing_request(document, index, offset, known), budget=budget
            )
            spent.append(time.perf_counter() - began)
        for threshold, counts in curve.items():
            type_cell(text, asked, threshold, counts)
        if number % 20 == 19:
            middle = curve[0.6].report()
            progress(f"typed {number + 1} of {len(places)} cells, at 0.6: {middle}")
    spent.sort()
    return {
        "cells": len(places),
        "packages": sorted({document.package for document, _ in places}),
        "facts": facts,
        "curve": {str(threshold): counts.report() for threshold, counts in curve.items()},
        "request_ms": {
            "p50": round(1e3 * spent[len(spent) // 2], 1) if spent else 0.0,
            "p95": round(1e3 * spent[int(len(spent) * 0.95)], 1) if spent else 0.0,
        },
    }


def edit_request(case: EditCase) -> SuggestRequest:
    """A case as the product would see it: all cells ran, the history names the right cells."""
    cells = tuple(
        Cell(f"c{i}", "code", source, execution_count=i + 1) for i, source in enumerate(case.cells)
    )
    history = tuple(
        EditEvent(f"c{_cell_of(case, after)}", before, after, at=float(number))
        for number, (before, after) in enumerate(case.events)
    )
    return SuggestRequest(
        Notebook("python", cells), Caret(f"c{case.cell}", case.caret), history=history
    )


def _cell_of(case: EditCase, after: str) -> int:
    return case.cells.index(after) if after in case.cells else case.cell


def evaluate_edits(
    bundle: Bundle, documents: Sequence[Document], *, count: int, seed: int, budget: int
) -> dict[str, Any]:
    """Half-done edits: exact matches, and silence where nothing is to do, by threshold."""
    rng = random.Random(seed)
    chosen = [d for d in documents if d.kind != "module" and len(d.cells) > 2]
    results: list[tuple[str, bool, float, bool]] = []  # kind, offered, confidence, exact
    parsed_whole = 0
    tries = 0
    while len(results) < count and tries < 20 * count:
        tries += 1
        document = rng.choice(chosen)
        start = rng.randrange(max(1, len(document.cells) - 5))
        cells = [cell for cell in document.cells[start : start + 10] if len(cell) < 2_500]
        case = make_case(cells, rng) if cells else None
        if case is None:
            continue
        request = edit_request(case)
        prompt = bundle.format.next_edit(request, bundle.tokenizer, budget)
        completion = bundle.engine.complete(
            prompt,
            max_new=192,
            deadline=time.monotonic() + 60,
            cancelled=lambda: False,
            rejoin=prompt.draft_source,
        )
        parsed = bundle.format.parse_next_edit(request, completion.ids, bundle.tokenizer)
        confidence = math.exp(sum(completion.logprobs))
        exact = False
        if parsed is not None:
            edit: TextEdit = parsed[1]
            exact = edit.apply(case.now) == case.after
            parsed_whole += 1
        results.append((case.kind, parsed is not None, confidence, exact))
    wanted = [r for r in results if r[0] != "none"]
    none = [r for r in results if r[0] == "none"]
    curve = {}
    for threshold in THRESHOLDS:
        offered = [r for r in results if r[1] and r[2] >= threshold]
        right = sum(r[3] for r in offered)
        curve[str(threshold)] = {
            "offered": len(offered),
            "exact_of_offered": round(right / max(1, len(offered)), 4),
            "exact_of_wanted": round(right / max(1, len(wanted)), 4),
            "silent_of_none": round(
                1 - sum(r[1] and r[2] >= threshold for r in none) / max(1, len(none)), 4
            ),
        }
    kinds = {}
    for kind in sorted({r[0] for r in results}):
        those = [r for r in results if r[0] == kind]
        kinds[kind] = {"cases": len(those), "exact": sum(r[3] for r in those)}
    return {
        "cases": len(results),
        "none": len(none),
        "offered": parsed_whole,
        "exact_of_wanted": round(sum(r[3] for r in wanted) / max(1, len(wanted)), 4),
        "curve": curve,
        "kinds": kinds,
    }


def choose_thresholds(report: dict[str, Any]) -> dict[str, float]:
    """The lowest thresholds that keep noise, silence and precision in bounds; on validation."""
    inline = 0.9
    for threshold in reversed(THRESHOLDS):
        row = report["typing"]["curve"][str(threshold)]
        if row["first_wrong"] > MAX_NOISE:
            break
        inline = threshold
    next_edit = 0.95
    for threshold in reversed(THRESHOLDS):
        row = report["edits"]["curve"][str(threshold)]
        if row["silent_of_none"] < MIN_SILENCE or row["exact_of_offered"] < MIN_EDIT_PRECISION:
            break
        next_edit = threshold
    return {"inline": inline, "next_edit": next_edit}


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
    """Typing and edits of one bundle on some documents, with the thresholds they suggest."""
    bundle = Bundle.load(folder)
    report: dict[str, Any] = {"bundle": f"{bundle.manifest['id']}/{bundle.manifest['version']}"}
    report["typing"] = evaluate_typing(
        bundle,
        documents,
        cells=cells,
        seed=seed,
        budget=budget,
        facts=facts,
        progress=progress,
    )
    report["edits"] = evaluate_edits(bundle, documents, count=edits, seed=seed, budget=budget)
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

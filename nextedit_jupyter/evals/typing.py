"""Typing real cells key by key through the whole product: what is saved, and what is noise.

A person writes a notebook top down: the cells above have run, the one being typed ends at the
caret, there are none below. Leading blanks are given, as an editor indents by itself. At every
other place the suggester is asked, with all its gates and its typed-through cache. A text is
accepted when what remains starts with it; a text that only goes on with an earlier one is not shown
anew. The noise is the share of shown texts whose first token is wrong.
"""

from __future__ import annotations

import argparse
import random
import re
import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from nextedit_jupyter.core import Caret, Cell, Notebook, SuggestRequest
from nextedit_jupyter.core.errors import NextEditError
from nextedit_jupyter.evals.notebooks import example_path, read_notebook

if TYPE_CHECKING:
    from nextedit_jupyter.suggest import Suggester

Ask = Callable[[SuggestRequest], str]
_FIRST_TOKEN = re.compile(r"\s*(?:\w+|[^\w\s]+|\Z)")


@dataclass(slots=True)
class Tally:
    """Counts over typed cells. Characters leave out the leading blanks that an editor gives."""

    cells: int = 0
    characters: int = 0
    saved: int = 0
    asked: int = 0
    shown: int = 0
    accepted: int = 0
    first_wrong: int = 0
    silence: dict[str, int] = field(default_factory=dict)
    milliseconds: list[float] = field(default_factory=list)

    def report(self) -> dict[str, Any]:
        """Shares and latencies, ready for JSON; shares are 0 where nothing was shown."""
        times = sorted(self.milliseconds) or [0.0]
        return {
            "cells": self.cells,
            "characters": self.characters,
            "asked": self.asked,
            "saved": round(self.saved / max(self.characters, 1), 4),
            "saved_net_of_key": round((self.saved - self.accepted) / max(self.characters, 1), 4),
            "shown": self.shown,
            "accepted": round(self.accepted / max(self.shown, 1), 4),
            "first_wrong": round(self.first_wrong / max(self.shown, 1), 4),
            "p50_ms": round(times[len(times) // 2], 2),
            "p95_ms": round(times[int(len(times) * 0.95)], 2),
            "silence": dict(sorted(self.silence.items())),
        }


def type_cell(notebook: Notebook, index: int, ask: Ask, tally: Tally) -> None:
    """Type the code cell at `index` into the notebook of the cells above it; adds to `tally`."""
    text = notebook.cells[index].source
    given = leading_blanks(text)
    tally.cells += 1
    tally.characters += len(text) - sum(given)
    at, standing = 0, ""  # `standing`: what is left of the text on the screen
    while at < len(text):
        if given[at]:
            at, standing = at + 1, ""
            continue
        began = time.perf_counter()
        offered = ask(typing_request(notebook, index, at))
        tally.milliseconds.append((time.perf_counter() - began) * 1e3)
        tally.asked += 1
        rest = text[at:]
        if offered and not _goes_on(standing, offered):
            tally.shown += 1
            first = _FIRST_TOKEN.match(offered)
            tally.first_wrong += not rest.startswith(first[0] if first else offered)
            tally.accepted += rest.startswith(offered)
        if offered and rest.startswith(offered):
            end = at + len(offered)
            tally.saved += len(offered) - sum(given[at:end])
            at, standing = end, ""
            continue
        standing = offered[1:] if offered[:1] == text[at] else ""
        at += 1


def typing_request(notebook: Notebook, index: int, offset: int) -> SuggestRequest:
    """The notebook while the cell at `index` is typed up to `offset`: what is above has run."""
    above = [
        replace(cell, execution_count=place + 1) if cell.is_code else cell
        for place, cell in enumerate(notebook.cells[:index])
    ]
    here = notebook.cells[index]
    cells = (*above, Cell(here.id, "code", here.source[:offset]))
    return SuggestRequest(
        Notebook(notebook.language, cells), Caret(here.id, offset), want=("inline",)
    )


def leading_blanks(text: str) -> list[bool]:
    """For each character, whether it is one of its line's leading blanks."""
    marks: list[bool] = []
    leading = True
    for char in text:
        leading = char == "\n" or (leading and char in " \t")
        marks.append(leading and char != "\n")
    return marks


def choose_cells(
    notebooks: Iterable[Notebook], count: int, seed: int, *, each: int = 4
) -> list[tuple[Notebook, int]]:
    """`count` code cells of 20 to 1,000 characters, at most `each` of a notebook."""
    rng = random.Random(seed)
    places: list[tuple[Notebook, int]] = []
    for notebook in notebooks:
        fit = [
            index
            for index, cell in enumerate(notebook.cells)
            if cell.is_code
            and 20 <= len(cell.source) <= 1_000
            and not cell.source.lstrip().startswith("%%")
        ]
        places += [(notebook, index) for index in rng.sample(fit, min(each, len(fit)))]
    rng.shuffle(places)
    return places[:count]


def type_cells(
    suggester: Suggester,
    places: Sequence[tuple[Notebook, int]],
    *,
    deadline_ms: float = 10_000.0,
) -> Tally:
    """Type each cell through the suggester, as it is set."""
    tally = Tally()

    def ask(request: SuggestRequest) -> str:
        answer = suggester.answer(replace(request, deadline_ms=deadline_ms))
        for suggestion in answer.suggestions:
            return "".join(r.text for change in suggestion.edits for r in change.edit)
        reason = answer.silence["inline"].reason
        tally.silence[reason] = tally.silence.get(reason, 0) + 1
        return ""

    for notebook, index in places:
        type_cell(notebook, index, ask, tally)
    return tally


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("notebooks", nargs="*", type=Path, help="notebooks to type (the examples)")
    parser.add_argument("--bundle", type=Path, help="the bundle to measure (the default one)")
    parser.add_argument("--cells", type=int, default=40, help="cells to type (default 40)")
    parser.add_argument("--seed", type=int, default=0, help="chooses the cells (default 0)")
    parser.add_argument(
        "--threshold",
        type=float,
        nargs="+",
        help="confidences to show from; the bundle's own if none is given",
    )


def run(arguments: argparse.Namespace) -> dict[str, Any]:
    """Type cells at each threshold. Raises NextEditError without a bundle or without cells."""
    from nextedit_jupyter.suggest import build_suggester

    suggester = build_suggester(arguments.bundle)
    if suggester.model is None:
        raise NextEditError(suggester.problem or "there is no model to measure")
    paths = arguments.notebooks or [example_path()]
    places = choose_cells(map(read_notebook, paths), arguments.cells, arguments.seed)
    if not places:
        raise NextEditError("these notebooks hold no code cell of 20 to 1,000 characters")
    model = suggester.model
    rows = []
    for threshold in arguments.threshold or [model.settings.threshold]:
        model.settings = replace(model.settings, threshold=threshold)
        model.forget()
        rows.append({"threshold": threshold, **type_cells(suggester, places).report()})
    return {"bundle": suggester.bundle, "notebooks": len(paths), "typing": rows}


def format_report(report: dict[str, Any]) -> str:
    """A table of the curve: threshold, characters saved, texts accepted, first tokens wrong."""
    lines = [
        f"bundle {report['bundle']}, {report['notebooks']} notebooks",
        "threshold   saved  accepted  first token wrong  shown   p50 ms   p95 ms",
    ]
    lines += [
        f"{row['threshold']:9.2f}  {row['saved']:6.3f}  {row['accepted']:8.2f}  "
        f"{row['first_wrong']:17.2f}  {row['shown']:5d}  {row['p50_ms']:7.1f}  {row['p95_ms']:7.1f}"
        for row in report["typing"]
    ]
    return "\n".join(lines)


def _goes_on(standing: str, offered: str) -> bool:
    """Whether a text is what stands on the screen already, longer or shorter at its end."""
    return bool(standing) and (offered.startswith(standing) or standing.startswith(offered))

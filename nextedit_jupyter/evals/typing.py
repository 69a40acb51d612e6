"""Types real cells key by key through the whole product, and measures savings and noise.

The simulated user writes a notebook top down: the cells above have run, the one being typed ends at
the caret, and there are none below. Indentation is inserted for free, as editors do. At every other
place the suggester is asked, with all its gates and its recall cache. A text is accepted if what
remains starts with it; a text that only continues an earlier one is not counted again. The noise is
the share of shown texts whose first token is wrong.
"""

from __future__ import annotations

import argparse
import random
import re
import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from nextedit_jupyter.bundles.active import candidates
from nextedit_jupyter.core import Caret, Cell, Notebook, SuggestRequest
from nextedit_jupyter.core.errors import NextEditError
from nextedit_jupyter.evals.measures import begins_python, ratio_interval, wilson
from nextedit_jupyter.evals.notebooks import example_path, read_notebook
from nextedit_jupyter.suggest.build import open_model_lane
from nextedit_jupyter.suggest.suggester import Suggester

Ask = Callable[[SuggestRequest], str]
FirstPiece = Callable[[str, str], str]
"""The first token of what is offered, given the text before the caret."""

_FIRST_WORD = re.compile(r"\s*(?:\w+|[^\w\s]+|\Z)")


def first_word(before: str, offered: str) -> str:
    """The first word or run of punctuation, by which all tools can be measured."""
    match = _FIRST_WORD.match(offered)
    return match[0] if match else offered


@dataclass(slots=True)
class TypingTally:
    """Counts over typed cells. Characters exclude indentation, which an editor inserts.

    `first_wrong` counts shown texts whose first token is wrong, `word_wrong` those whose first
    whole word is. `unparsable` counts the texts, out of those `parsed`, after which the cell can no
    longer be continued as valid Python.
    """

    cells: int = 0
    characters: int = 0
    saved: int = 0
    asked: int = 0
    shown: int = 0
    accepted: int = 0
    first_wrong: int = 0
    word_wrong: int = 0
    parsed: int = 0
    unparsable: int = 0
    silence: dict[str, int] = field(default_factory=dict)
    milliseconds: list[float] = field(default_factory=list)
    by_cell: list[tuple[int, int]] = field(default_factory=list)

    def report(self) -> dict[str, Any]:
        """Shares and latencies, ready for JSON; shares are 0 if nothing was shown."""
        times = sorted(self.milliseconds) or [0.0]
        characters, shown = max(self.characters, 1), max(self.shown, 1)
        low, high = ratio_interval(self.by_cell)
        wrong_low, wrong_high = wilson(self.first_wrong, self.shown)
        return {
            "cells": self.cells,
            "characters": self.characters,
            "asked": self.asked,
            "saved": round(self.saved / characters, 4),
            "saved_95": [round(low, 4), round(high, 4)],
            "saved_net_of_key": round((self.saved - self.accepted) / characters, 4),
            "shown": self.shown,
            "accepted": round(self.accepted / shown, 4),
            "first_wrong": round(self.first_wrong / shown, 4),
            "first_wrong_low": round(wrong_low, 4),
            "first_wrong_high": round(wrong_high, 4),
            "word_wrong": round(self.word_wrong / shown, 4),
            "parsed": self.parsed,
            "parse_correct": round(1 - self.unparsable / max(self.parsed, 1), 4),
            "p50_ms": round(times[len(times) // 2], 2),
            "p95_ms": round(times[int(len(times) * 0.95)], 2),
            "silence": dict(sorted(self.silence.items())),
        }


def type_cell(
    notebook: Notebook,
    index: int,
    ask: Ask,
    tally: TypingTally,
    *,
    first_piece: FirstPiece = first_word,
    parse: bool = False,
) -> None:
    """Type the code cell at `index` below the cells above it; adds to `tally`."""
    text = notebook.cells[index].source
    given = leading_blanks(text)
    saved_before = tally.saved
    tally.cells += 1
    tally.characters += len(text) - sum(given)
    at, standing = 0, ""  # `standing`: the rest of the text on the screen
    while at < len(text):
        if given[at]:
            at, standing = at + 1, ""
            continue
        began = time.perf_counter()
        offered = ask(typing_request(notebook, index, at))
        tally.milliseconds.append((time.perf_counter() - began) * 1e3)
        tally.asked += 1
        rest, before = text[at:], text[:at]
        if offered and not _goes_on(standing, offered):
            tally.shown += 1
            tally.first_wrong += not rest.startswith(first_piece(before, offered))
            tally.word_wrong += not rest.startswith(first_word(before, offered))
            if parse and begins_python(before):
                tally.parsed += 1
                tally.unparsable += not begins_python(before + offered)
        if offered and rest.startswith(offered):
            end = at + len(offered)
            tally.accepted += 1
            tally.saved += len(offered) - sum(given[at:end])
            at, standing = end, ""
            continue
        standing = offered[1:] if offered[:1] == text[at] else ""
        at += 1
    tally.by_cell.append((tally.saved - saved_before, len(text) - sum(given)))


def typing_request(notebook: Notebook, index: int, offset: int) -> SuggestRequest:
    """The request while the cell at `index` is typed up to `offset`; the cells above have run."""
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
    """For each character, whether it is part of its line's indentation."""
    marks: list[bool] = []
    leading = True
    for char in text:
        leading = char == "\n" or (leading and char in " \t")
        marks.append(leading and char != "\n")
    return marks


def choose_cells(
    notebooks: Iterable[Notebook], count: int, seed: int, *, each: int = 4
) -> list[tuple[Notebook, int]]:
    """`count` code cells of 20 to 1,000 characters, at most `each` per notebook."""
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


def offered_text(suggester: Suggester, request: SuggestRequest, tally: TypingTally) -> str:
    """The text that the suggester shows at the caret; counts the reasons for silence."""
    answer = suggester.answer(request)
    for suggestion in answer.suggestions:
        return "".join(r.text for change in suggestion.edits for r in change.edit)
    reason = answer.silence["inline"].reason
    tally.silence[reason] = tally.silence.get(reason, 0) + 1
    return ""


def type_cells(
    suggester: Suggester,
    places: Sequence[tuple[Notebook, int]],
    *,
    deadline_ms: float = 10_000.0,
) -> TypingTally:
    """Type each cell through the suggester with its present settings."""
    tally = TypingTally()
    for notebook, index in places:
        type_cell(
            notebook,
            index,
            lambda r: offered_text(suggester, replace(r, deadline_ms=deadline_ms), tally),
            tally,
            parse=True,
        )
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
    bundle = candidates(arguments.bundle)[0].open()
    model = open_model_lane(bundle)
    suggester = Suggester(model, bundle.label)
    paths = arguments.notebooks or [example_path()]
    places = choose_cells(map(read_notebook, paths), arguments.cells, arguments.seed)
    if not places:
        raise NextEditError("these notebooks hold no code cell of 20 to 1,000 characters")
    rows = []
    for threshold in arguments.threshold or [model.shown_from]:
        model.show_from(threshold)
        model.forget()
        suggester.forget()
        rows.append({"threshold": threshold, **type_cells(suggester, places).report()})
    return {"bundle": suggester.bundle, "notebooks": len(paths), "typing": rows}


def format_report(report: dict[str, Any]) -> str:
    """A table of the curve: threshold, characters saved, texts accepted, first tokens wrong."""
    lines = [
        f"bundle {report['bundle']}, {report['notebooks']} notebooks",
        "threshold   saved  accepted  first word wrong  parses  shown   p50 ms   p95 ms",
    ]
    lines += [
        f"{row['threshold']:9.2f}  {row['saved']:6.3f}  {row['accepted']:8.2f}  "
        f"{row['word_wrong']:16.2f}  {row['parse_correct']:6.3f}  {row['shown']:5d}  "
        f"{row['p50_ms']:7.1f}  {row['p95_ms']:7.1f}"
        for row in report["typing"]
    ]
    return "\n".join(lines)


def _goes_on(standing: str, offered: str) -> bool:
    """Whether a text is the one already on the screen, extended or shortened."""
    return bool(standing) and (offered.startswith(standing) or standing.startswith(offered))

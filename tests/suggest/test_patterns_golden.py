"""Each file of tests/golden/patterns is a notebook, edits, and what the patterns lane then offers.

    pytest tests/suggest/test_patterns_golden.py --update-goldens

writes what is offered now into the files; a person reads the diff.

A case opens with a sentence. `## cell a` opens a cell, `## edit a` the text that the user gives it
next (several are made in order), `## facts` what the kernel says as JSON, `## expect` the offer:
its label and a diff of each cell, nearest first; or `silence`.
"""

from __future__ import annotations

import json
import re
from difflib import unified_diff
from pathlib import Path

import pytest

from nextedit_jupyter.core import (
    Caret,
    Cell,
    EditEvent,
    KernelFacts,
    Notebook,
    Silence,
    SuggestRequest,
)
from nextedit_jupyter.core.wire import decode_facts
from nextedit_jupyter.suggest.patterns import PatternsLane

FOLDER = Path(__file__).parent.parent / "golden" / "patterns"
CASES = sorted(FOLDER.glob("*.txt"))


class Case:
    def __init__(self, path: Path) -> None:
        parts = re.split(r"^## (\w+)(?: (\w+))?\n", path.read_text(), flags=re.M)
        self.cells: dict[str, Cell] = {}
        self.events: list[EditEvent] = []
        self.facts = KernelFacts()
        self.expected = ""
        for kind, name, text in zip(parts[1::3], parts[2::3], parts[3::3]):
            text = text.strip("\n")
            if kind in ("cell", "markdown"):
                self.cells[name] = Cell(name, "code" if kind == "cell" else "markdown", text)
            elif kind == "edit":
                before = self.cells[name]
                self.events.append(
                    EditEvent(name, before.source, text, "typed", 10.0 * len(self.events))
                )
                self.cells[name] = Cell(name, before.type, text)
            elif kind == "facts":
                self.facts = decode_facts(json.loads(text))
            elif kind == "expect":
                self.expected = text
        self.input = "".join(path.read_text().partition("## expect\n")[:2])

    @property
    def request(self) -> SuggestRequest:
        last = self.events[-1]
        # The caret stands where the last edit ended.
        caret = max((r.start + len(r.text) for r in last.edit), default=0)
        return SuggestRequest(
            Notebook("python", tuple(self.cells.values())),
            Caret(last.cell, min(caret, len(last.after))),
            tuple(self.events),
            self.facts,
        )


def offered(request: SuggestRequest) -> str:
    answer = PatternsLane().suggest(request, lambda: False)
    if isinstance(answer, Silence):
        return "silence"
    whole = {s.kind: s for s in answer}
    lines: list[str] = []
    for suggestion in answer:
        if suggestion.kind == "next_edit" and "rename" in whole:
            continue  # the nearest place of the same
        lines.append(f"{suggestion.kind}: {suggestion.label}")
        texts = suggestion.apply(request.notebook)
        assert texts is not None
        for id, after in texts.items():
            cell = request.notebook.cell(id)
            assert cell is not None
            before = cell.source.split("\n")
            diff = list(unified_diff(before, after.split("\n"), n=0, lineterm=""))[2:]
            lines += [f"cell {id}", *(line for line in diff if not line.startswith("@@"))]
    return "\n".join(lines)


@pytest.mark.parametrize("path", CASES, ids=lambda path: path.stem)
def test_the_lane_offers_what_the_golden_case_says(
    path: Path, request: pytest.FixtureRequest
) -> None:
    case = Case(path)
    answer = offered(case.request)
    if request.config.getoption("--update-goldens"):
        path.write_text(f"{case.input}{answer}\n")
        return
    assert answer == case.expected


def test_there_are_forty_cases_and_ten_silences() -> None:
    silences = [path for path in CASES if Case(path).expected == "silence"]
    assert len(CASES) >= 40
    assert len(silences) >= 10

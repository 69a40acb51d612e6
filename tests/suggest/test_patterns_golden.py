"""Each file of tests/golden/patterns is a notebook, edits, and what the patterns lane then offers.

    pytest tests/suggest/test_patterns_golden.py --update-goldens

writes what is offered now into the files; a person reads the diff.

A case opens with a sentence. `## cell a` opens a cell, `## edit a` the text that the user gives it
next (several are made in order), `## facts` what the kernel says as JSON, `## expect` the offer:
its label and a diff of each cell, nearest first; or `silence`.
"""

from __future__ import annotations

from difflib import unified_diff
from pathlib import Path

import pytest
from golden_cases import PATTERNS, PatternCase

from nextedit_jupyter.core import Silence, SuggestRequest
from nextedit_jupyter.suggest.patterns import PatternsLane


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


@pytest.mark.parametrize("path", PATTERNS, ids=lambda path: path.stem)
def test_the_lane_offers_what_the_golden_case_says(
    path: Path, request: pytest.FixtureRequest
) -> None:
    case = PatternCase(path)
    answer = offered(case.request)
    if request.config.getoption("--update-goldens"):
        path.write_text(f"{case.input}{answer}\n")
        return
    assert answer == case.expected


def test_there_are_forty_cases_and_ten_silences() -> None:
    silences = [path for path in PATTERNS if PatternCase(path).expected == "silence"]
    assert len(PATTERNS) >= 40
    assert len(silences) >= 10

"""Every file in `tests/golden/rename`: a notebook, an edit or a command, and the answer.

    What happens, in a sentence.

    === cell a                      a code cell with id `a`; `count 3`, `markdown` may follow
    y = 1
    === cell b
    print(y)
    === kernel                      what the kernel knows: `name: type [subscripts]`, `runs: a b`
    y: int
    === edit a typed                the whole text of the cell after the edit; ‸ is the caret
    x‸ = 1
    === answer
    rename y to x: 1 place in 1 cell
    b:1 - print(y)
    b:1 + print(x)

`=== rename b to z` is the explicit command, its text the cell's with the caret in it. Answers are
rewritten with `pytest tests/suggest --update-goldens`; read the diff.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import replace
from difflib import SequenceMatcher
from pathlib import Path
from typing import cast

import pytest

from nextedit_jupyter.core import (
    Caret,
    Cell,
    CellEdit,
    CellRun,
    EditEvent,
    KernelFacts,
    NamedObject,
    Notebook,
    Silence,
    Suggestion,
    SuggestRequest,
    text_hash,
)
from nextedit_jupyter.core.history import Origin
from nextedit_jupyter.core.notebook import CellType
from nextedit_jupyter.suggest.symbols import SymbolsLane

FOLDER = Path(__file__).parents[1] / "golden" / "rename"
CASES = sorted(FOLDER.glob("*.txt"))
CARET = "‸"
HEADER = re.compile(r"^=== (.*)$", re.M)


def read(text: str) -> SuggestRequest:
    """The request that a golden file describes."""
    parts = HEADER.split(text)
    cells: dict[str, Cell] = {}
    events: list[EditEvent] = []
    facts = KernelFacts()
    caret: Caret | None = None
    rename_to = None
    for header, body in zip(parts[1::2], parts[2::2], strict=True):
        body = body.removeprefix("\n").removesuffix("\n").replace("␍", "\r").replace("␀", "\0")
        what, *words = header.split()
        if what == "answer":
            break
        if what == "kernel":
            facts = read_facts(body)
            continue
        id = words[0]
        if CARET in body:
            caret = Caret(id, body.index(CARET))
            body = body.replace(CARET, "")
        if what == "cell":
            count = int(words[words.index("count") + 1]) if "count" in words else None
            kind: CellType = (
                "markdown" if "markdown" in words else "raw" if "raw" in words else "code"
            )
            cells[id] = Cell(id, kind, body, count)
        elif what == "edit":
            origin = cast("Origin", words[1] if len(words) > 1 else "typed")
            events.append(EditEvent(id, cells[id].source, body, origin, float(len(events))))
            cells[id] = replace(cells[id], source=body)
            if caret is None or caret.cell != id or caret.offset > len(body):
                caret = Caret(id, len(body))
        elif what == "rename":
            assert cells[id].source == body, "the text of a rename is the cell's, with a caret"
            rename_to = header.partition(" to ")[2]
        else:
            raise ValueError(f"unknown section {header!r}")
    if caret is None:
        caret = Caret(next(iter(cells)), 0)
    runs = tuple(
        CellRun(run.cell, text_hash(cells[run.cell].source), i + 1)
        for i, run in enumerate(facts.runs)
    )
    return SuggestRequest(
        Notebook("python", tuple(cells.values())),
        caret,
        tuple(events),
        replace(facts, runs=runs),
        rename_to=rename_to,
    )


def read_facts(body: str) -> KernelFacts:
    names, runs = [], []
    for line in body.splitlines():
        name, _, rest = line.partition(": ")
        if name == "runs":
            runs = [CellRun(cell, "") for cell in rest.split()]
            continue
        type, _, members = rest.partition(" [")
        names.append(
            NamedObject(name, type, subscripts=tuple(re.split(r", *", members.rstrip("]"))))
            if members
            else NamedObject(name, type)
        )
    return KernelFacts(tuple(runs), tuple(names))


def write(request: SuggestRequest, answer: list[Suggestion] | Silence) -> str:
    """An answer as people read it."""
    if isinstance(answer, Silence):
        return f"silence {answer.reason}: {answer.detail}\n"
    lines = []
    for suggestion in answer:
        lines.append(suggestion.label)
        lines += changed_lines(request.notebook, suggestion.edits)
        if suggestion.optional:
            lines.append("optional:")
            lines += changed_lines(request.notebook, suggestion.optional)
        lines += [f"note: {note}" for note in suggestion.notes]
    return "\n".join(lines) + "\n"


def changed_lines(notebook: Notebook, edits: tuple[CellEdit, ...]) -> Iterator[str]:
    for change in edits:
        cell = notebook.cell(change.cell)
        assert cell is not None
        assert change.base == text_hash(cell.source)
        before = cell.source.split("\n")
        after = change.edit.apply(cell.source).split("\n")
        for tag, i1, i2, j1, j2 in SequenceMatcher(None, before, after, False).get_opcodes():
            if tag == "equal":
                continue
            yield from (f"{cell.id}:{i + 1} - {before[i]}" for i in range(i1, i2))
            yield from (f"{cell.id}:{i1 + 1 + j - j1} + {after[j]}" for j in range(j1, j2))


@pytest.mark.parametrize("path", CASES, ids=lambda path: path.stem)
def test_the_symbols_lane_answers_as_the_golden_file_says(
    path: Path, request: pytest.FixtureRequest
) -> None:
    text = path.read_text(encoding="utf-8")
    asked = read(text)
    answer = write(asked, SymbolsLane().suggest(asked)).replace("\r", "␍")
    head, _, expected = text.partition("=== answer\n")
    if request.config.getoption("--update-goldens"):
        path.write_text(f"{head}=== answer\n{answer}", encoding="utf-8")
        return
    assert answer == expected


def test_there_are_enough_goldens_and_enough_of_them_are_refusals() -> None:
    answers = [path.read_text(encoding="utf-8").partition("=== answer\n")[2] for path in CASES]
    assert len(answers) >= 120
    assert sum(answer.startswith("silence") for answer in answers) >= 25

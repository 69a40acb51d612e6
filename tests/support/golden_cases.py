"""The cases of `tests/golden` as requests; the tests that check them describe the file format."""

from __future__ import annotations

import json
import re
from dataclasses import replace
from pathlib import Path
from typing import cast

from nextedit_jupyter.core import (
    Caret,
    Cell,
    CellRun,
    EditEvent,
    KernelFacts,
    NamedObject,
    Notebook,
    SuggestRequest,
    text_hash,
)
from nextedit_jupyter.core.history import Origin
from nextedit_jupyter.core.notebook import CellType
from nextedit_jupyter.core.wire import decode_facts

_GOLDEN = Path(__file__).parents[1] / "golden"
RENAMES = sorted((_GOLDEN / "rename").glob("*.txt"))
PATTERNS = sorted((_GOLDEN / "patterns").glob("*.txt"))
CARET = "‸"
HEADER = re.compile(r"^=== (.*)$", re.M)


def read_rename(text: str) -> SuggestRequest:
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
            facts = _facts(body)
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


def _facts(body: str) -> KernelFacts:
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


class PatternCase:
    """A file of `golden/patterns`: `input` is everything but the expected output."""

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

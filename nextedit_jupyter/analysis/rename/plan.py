"""What a rename is: the places that follow, those left to the person, and what it leaves alone."""

from __future__ import annotations

import builtins
import keyword
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import Literal

from nextedit_jupyter.analysis.bindings import normalised
from nextedit_jupyter.analysis.index import NotebookIndex, Place
from nextedit_jupyter.core import CellEdit, Notebook, Replacement, Silence, TextEdit

NO_NAME = "there is no name at the caret"

SymbolKind = Literal["variable", "function", "class", "parameter", "attribute", "import", "column"]


@dataclass(frozen=True, slots=True, order=True)
class Change:
    """The code points from `start` to `end` of a cell become `text`."""

    cell: str
    start: int
    end: int
    text: str


@dataclass(frozen=True, slots=True)
class RenamePlan:
    """Every place that follows a rename, in the texts of `notebook`.

    `optional` are places that are left alone unless the person asks for them: mentions in
    Markdown, the same name defined anew. `notes` say what was left alone and why. `also` holds
    the other names of a plan that renames several at once.
    """

    kind: SymbolKind
    old: str
    new: str
    notebook: Notebook
    changes: tuple[Change, ...]
    optional: tuple[Change, ...] = ()
    notes: tuple[str, ...] = ()
    confidence: float = 0.99
    also: tuple[tuple[str, str], ...] = ()

    @property
    def label(self) -> str:
        cells = len({change.cell for change in self.changes})
        if self.also:
            pairs = ", ".join(f"{a} to {b}" for a, b in ((self.old, self.new), *self.also))
            return f"rename {pairs}: {places(len(self.changes), cells)}"
        what = "column " if self.kind == "column" else ""
        return f"rename {what}{self.old} to {self.new}: {places(len(self.changes), cells)}"

    def edits(self) -> tuple[CellEdit, ...]:
        return cell_edits(self.notebook, self.changes)

    def optional_edits(self) -> tuple[CellEdit, ...]:
        return cell_edits(self.notebook, self.optional)


def places(count: int, cells: int) -> str:
    """ "3 places in 2 cells"."""
    return f"{count} place{'s' * (count != 1)} in {cells} cell{'s' * (cells != 1)}"


def cell_edits(notebook: Notebook, changes: Iterable[Change]) -> tuple[CellEdit, ...]:
    """One edit a cell, in document order, each made for the cell's text in `notebook`."""
    by_cell: dict[str, list[Replacement]] = {}
    for change in changes:
        by_cell.setdefault(change.cell, []).append(
            Replacement(change.start, change.end, change.text)
        )
    return tuple(
        CellEdit.of(cell.id, cell.source, TextEdit.of(by_cell[cell.id]))
        for cell in notebook.cells
        if cell.id in by_cell
    )


@dataclass(slots=True)
class Target:
    """What is renamed: a variable by its places, or an attribute of classes by its name."""

    name: str
    seeds: list[Place] = field(default_factory=list)
    family: frozenset[tuple[str, int]] | None = None  # (cell, class scope)

    @property
    def is_attribute(self) -> bool:
        return self.family is not None


def refuse_name(new: str) -> Silence | None:
    """Why no name may be spelt so; None if it may."""
    if not new.isidentifier():
        return Silence("refused", f"`{new}` is not a name")
    if keyword.iskeyword(normalised(new)):
        return Silence("refused", f"`{new}` is a keyword")
    if hasattr(builtins, normalised(new)):
        return Silence("refused", f"`{new}` is a builtin")
    return None


def broken_notes(index: NotebookIndex, name: str) -> list[str]:
    """Which cells that have this word were left out because they don't parse."""
    word = whole_word(name)
    left = [index.number(id) for id, _ in index.broken() if word.search(index.cell(id).source)]
    if not left:
        return []
    return [f"{listed_cells(left)} do{'es' * (len(left) == 1)} not parse: left out"]


def listed_cells(numbers: list[int]) -> str:
    shown = ", ".join(map(str, numbers[:5])) + (" and more" if len(numbers) > 5 else "")
    return f"cell{'s' * (len(numbers) != 1)} {shown}"


def whole_word(name: str) -> re.Pattern[str]:
    return re.compile(rf"(?<!\w){re.escape(name)}(?!\w)")


def symbol_kind(kinds: set[str]) -> SymbolKind:
    if "parameter" in kinds:
        return "parameter"
    if "function" in kinds:
        return "function"
    if "class" in kinds:
        return "class"
    if kinds and kinds <= {"import", "alias", "member", "package"}:
        return "import"
    return "variable"


def ordered(index: NotebookIndex, changes: Iterable[Change]) -> Iterator[Change]:
    order = {cell.id: i for i, cell in enumerate(index.notebook.cells)}
    return iter(sorted(changes, key=lambda change: (order[change.cell], change.start)))


# Words of prose that are also names: in Markdown they count within backticks alone.
_PROSE = frozenset(
    [
        "a",
        "i",
        "an",
        "the",
        "is",
        "in",
        "on",
        "of",
        "to",
        "at",
        "by",
        "as",
        "it",
        "we",
        "no",
        "so",
        "or",
        "and",
        "for",
        "if",
        "not",
        "be",
        "do",
        "up",
        "all",
        "any",
        "one",
        "two",
        "this",
        "that",
        "with",
        "from",
        "was",
        "are",
        "can",
        "has",
        "have",
        "its",
        "but",
        "use",
        "used",
        "using",
    ]
)


def mentions(index: NotebookIndex, old: str, new: str) -> Iterator[Change]:
    """The name as a word in Markdown cells."""
    word = whole_word(old)
    if old.lower() in _PROSE:
        word = re.compile(rf"(?<=`){re.escape(old)}(?=`)")
    for cell in index.notebook.cells:
        if cell.type == "markdown":
            for found in word.finditer(cell.source):
                yield Change(cell.id, found.start(), found.end(), new)

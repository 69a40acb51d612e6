"""The plan of a rename: the places that change, those left to the user, and what is left alone."""

from __future__ import annotations

import builtins
import keyword
import re
from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass, field
from typing import Literal

from nextedit_jupyter.analysis.bindings import mangled, normalised
from nextedit_jupyter.analysis.budget import spend
from nextedit_jupyter.analysis.flow import Place
from nextedit_jupyter.analysis.index import NotebookIndex
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
    """Every place that a rename changes, in the texts of `notebook`.

    `optional` are places that are left alone unless the user selects them: mentions in Markdown,
    another definition of the same name. `notes` say what was left alone and why. `also` has the
    other names of a plan that renames several at once. `left_alone` are cells that have places but
    must not be changed. `is_guess`: a use was changed, not the definition, so that something else
    may have been meant. `counting` are those of the notes that only count optional places: if these
    change too, nothing is left to say.
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
    left_alone: tuple[str, ...] = ()
    is_guess: bool = False
    counting: tuple[str, ...] = ()

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
    """One edit per cell, in document order, each made for the cell's text in `notebook`."""
    by_cell: dict[str, list[Replacement]] = {}
    for change in changes:
        by_cell.setdefault(change.cell, []).append(
            Replacement(change.start, change.end, change.text)
        )
    spend(3 * len(by_cell))
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
    """Why this is not a valid name; None if it is."""
    if is_dunder(new):
        return Silence("refused", f"`{new}` has a special meaning in Python")
    if not new.isidentifier():
        return Silence("refused", f"`{new}` is not a valid Python name")
    if keyword.iskeyword(normalised(new)):
        return Silence("refused", f"`{new}` is a keyword")
    if hasattr(builtins, normalised(new)):
        return Silence("refused", f"`{new}` is a builtin")
    return None


def counted(changes: Collection[Change]) -> str:
    """ "3 places"."""
    return f"{len(changes)} place{'s' * (len(changes) != 1)}"


def without(optional: set[Change], chosen: set[Change]) -> set[Change]:
    """The optional places that are not already chosen, each once."""
    taken = {(change.cell, change.start) for change in chosen}
    found: dict[tuple[str, int], Change] = {}
    for change in optional:
        place = change.cell, change.start
        if place not in taken and ((known := found.get(place)) is None or change < known):
            found[place] = change
    return set(found.values())


def is_dunder(name: str) -> bool:
    return len(name) > 4 and name.startswith("__") and name.endswith("__")


def refuse_private(index: NotebookIndex, changes: Collection[Change], new: str) -> Silence | None:
    """Why `__x` would be two names: one in a class, where Python makes it private, one outside."""
    owners = {
        index.cells[change.cell].class_at(change.start)
        for change in changes
        if change.cell in index.cells
    }
    if len({mangled(normalised(new), owner) for owner in owners}) > 1:
        return Silence("refused", f"`{new}` is another name inside a class than outside")
    return None


def broken_notes(index: NotebookIndex, name: str) -> list[str]:
    """Notes which cells with this word were left out because they do not parse."""
    left = [index.number(id) for id in broken_cells(index, name)]
    return [broken_note(left)] if left else []


def broken_cells(index: NotebookIndex, name: str) -> list[str]:
    """The cells with this word that do not parse."""
    word = whole_word(name)
    return [id for id, _ in index.broken() if word.search(index.cell(id).source)]


def broken_note(numbers: list[int]) -> str:
    return f"{listed_cells(numbers)} do{'es' * (len(numbers) == 1)} not parse: left out"


def another_left_alone(name: str, cells: list[int]) -> str:
    return f"another `{name}` in {listed_cells(cells)}: left alone"


def says_another(note: str, name: str) -> bool:
    """Whether a note says that another variable of that name is left alone."""
    return note.startswith(f"another `{name}` in ")


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


# Words of prose that are also names: in Markdown they count only within backticks.
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
            yield from text_changes(cell.id, cell.source, word, new, 0, len(cell.source))


def text_changes(
    cell: str, source: str, word: re.Pattern[str], new: str, start: int, end: int
) -> Iterator[Change]:
    """Changes of a word between two offsets of a cell."""
    for found in word.finditer(source, start, end):
        spend(1)
        yield Change(cell, found.start(), found.end(), new)


def mentions_in_docstrings(
    cell: str, source: str, docs: Iterable[tuple[int, int] | None], old: str, new: str
) -> Iterator[Change]:
    """The name as a word in these docstrings; words of prose only at the head of an entry."""
    word = whole_word(old)
    if old.lower() in _PROSE:
        head = r"(?:(?<=:param )|(?<=:type )|(?<=@param )|(?<=`)|(?<=\n)|(?<=[ \t]))"
        word = re.compile(rf"{head}{re.escape(old)}(?=`|(?:[ \t]*\([^()\n]*\))?[ \t]*:)")
    for doc in docs:
        if doc is not None:
            yield from text_changes(cell, source, word, new, *doc)

"""A variable's name in code of other languages, whose magics or libraries may look it up.

A query engine finds frames by the names of variables (`select * from df`), an unknown magic may
substitute `{name}` or `$name`, and what `%%R -i df` or `%R -i df` receives is also called `df`
there. What the other language does with it is not visible in the notebook, so the places are
optional, and a note names the cells.
"""

from __future__ import annotations

import re
from bisect import bisect_left
from collections.abc import Iterable, Iterator

from nextedit_jupyter.analysis.bindings import CellIndex
from nextedit_jupyter.analysis.cell_languages import cell_language
from nextedit_jupyter.analysis.index import NotebookIndex
from nextedit_jupyter.analysis.magics import BRIDGES
from nextedit_jupyter.analysis.rename.plan import (
    Change,
    listed_cells,
    text_changes,
    whole_word,
)
from nextedit_jupyter.core.cache import by_text

# Where a relation is named in a query; the text before the name.
_RELATION = re.compile(r"\b(?:from|join)[ \t\n]{1,20}\Z", re.I)
_NEAR = 40
_EVALUATED = frozenset(["eval", "evaluate"])
_IMPORTED = frozenset(["import", "package", "member", "alias"])
_KEEPS = re.compile(r"[ \t]{0,40}%(store|Rpush|octave_push)\b")
_BRIDGE = re.compile(rf"%(?:{'|'.join(BRIDGES)})[ \t]")
_NAMED = re.compile(r"\b(?:from|join)[ \t\n]{1,20}(\w+)", re.I)
# Languages that use such marks themselves, or whose cells are text: nothing is substituted.
_OWN_MARKS = frozenset(
    [
        *("bash", "javascript", "html", "latex", "markdown", "perl", "python", "ruby", "script"),
        *("file", "node", "r", "svg", "writefile", "zsh"),
    ]
)


def mentions_elsewhere(index: NotebookIndex, old: str, new: str) -> Iterator[Change]:
    """The name as a table of a query, and in the placeholders of magics that may substitute it."""
    word = whole_word(old)
    for id, here in index.readable():
        source = here.masked.source
        if old not in source:
            continue
        cell = index.cell(id)
        languages = {cell_language(cell, index.notebook), here.masked.language}
        body = source.find("\n") + 1
        if _is_handed_over(here, old, body):
            yield from text_changes(id, source, word, new, body, len(source))
            continue
        if not here.is_python and languages & _OWN_MARKS:
            continue
        for start, end in _lines_of_others(here, old):
            yield from text_changes(id, source, word, new, start, end)
        for text in here.texts:
            if text.method in _EVALUATED and _is_of_module(index, id, text.root):
                yield from text_changes(id, source, word, new, text.start, text.end)
        for start, end in _texts(here):
            for change in text_changes(id, source, word, new, start, end):
                if is_relation(source, change.start, change.end):
                    yield change
        if here.is_python:
            continue
        for change in text_changes(id, source, word, new, body, len(source)):
            before, after = source[change.start - 1], source[change.end : change.end + 1]
            if before == "$" or (before == "{" and after == "}"):
                yield change


def _is_of_module(index: NotebookIndex, cell: str, root: int) -> bool:
    """Whether the callee is imported: `pd.eval("x + 1")` reads variables, `df.eval` does not."""
    i = index.cells[cell].starts.get(root)
    kinds = index.kinds_of(cell, i) if i is not None else frozenset()
    return bool(kinds) and kinds <= _IMPORTED


def _is_handed_over(here: CellIndex, name: str, body: int) -> bool:
    """Whether a cell of another language receives or returns the variable under its own name."""
    if here.masked.language not in BRIDGES:
        return False
    return any(start + len(name) < body for start in _handed(here, name))


def _handed(here: CellIndex, name: str) -> list[int]:
    """Where magics and other Python in a cell of any language name the variable."""
    places = [*here.masked.binds, *((s.start, s.end) for s in here.masked.snippets)]
    return sorted(start for start, end in places if here.masked.source[start:end] == name)


def _lines_of_others(here: CellIndex, name: str) -> Iterator[tuple[int, int]]:
    """The lines in another language that receive or return the variable: `%R -i df head(df)`."""
    if not here.masked.regions:
        return
    source, named = here.masked.source, _handed(here, name)
    for region in here.masked.regions:
        n = bisect_left(named, region.start)
        is_named = n < len(named) and named[n] < region.end
        if is_named and _BRIDGE.search(source, region.start, region.end):
            yield region.start, region.end


def kept_note(index: NotebookIndex, changes: Iterable[Change]) -> str | None:
    """Notes where a magic stores or passes a variable by its name: `%store x`, `%Rpush x`."""
    found: dict[str, set[int]] = {}
    for change in changes:
        here = index.cells[change.cell]
        for region in here.masked.regions:
            if region.start <= change.start < region.end:
                keeps = _KEEPS.match(here.masked.source, region.start, region.end)
                if keeps is not None:
                    found.setdefault(keeps[1], set()).add(index.number(change.cell))
    if not found:
        return None
    where = listed_cells(sorted(set().union(*found.values())))
    magics = ", ".join(f"`%{name}`" for name in sorted(found))
    return f"{where}: {magics} stores it by name, and other notebooks may read it"


def is_relation(source: str, start: int, end: int) -> bool:
    """Whether a word is used as a query uses its tables, or qualifies a column."""
    if source[end : end + 1] == ".":
        return source[start:end] in _relations(source)
    return _RELATION.search(source, max(start - _NEAR, 0), start) is not None


@by_text(500_000)
def _relations(source: str) -> frozenset[str]:
    return frozenset(found[1] for found in _NAMED.finditer(source))


def _texts(here: CellIndex) -> Iterator[tuple[int, int]]:
    """Strings, and the text that magics other than the shell read."""
    yield from here.strings
    for region in here.masked.regions:
        if region.kind in ("magic", "cell-magic", "foreign"):
            yield region.start, region.end

"""A frame's column where it is not a string in brackets or in a call: an attribute of the frame, a
keyword that creates it, a word of a query, a string of the statement that creates the frame.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Iterator

from nextedit_jupyter.analysis.bindings import MODULE, Attribute, CellIndex, Keyword, Text
from nextedit_jupyter.analysis.composed_queries import in_a_query, words_of_composed
from nextedit_jupyter.analysis.frame_parts import (
    frame_at,
    frame_before,
    free_quote,
    statement_around,
)
from nextedit_jupyter.analysis.index import NotebookIndex
from nextedit_jupyter.analysis.listed_columns import listed_columns
from nextedit_jupyter.analysis.own_attributes import can_be_attribute, is_own
from nextedit_jupyter.analysis.rename.plan import Change, listed_cells
from nextedit_jupyter.analysis.selections import is_by_value
from nextedit_jupyter.core.cache import by_text

# Methods whose keywords are the columns that they create.
_MAKERS = frozenset(["assign", "agg", "aggregate", "with_columns", "mutate", "summarise"])
_WORD = re.compile(r"\w+")
_NAME = re.compile(r"[^\W\d]\w*")
_ITERTUPLES = re.compile(r"\bfor[ \t]([^:\n]{1,80}?)[ \t]in[ \t][^:\n]{0,200}?\.itertuples\(")
_OF_ANOTHER = re.compile(r"@([^\W\d]\w{0,80})\.([^\W\d]\w{0,80})(?![\w(])")


def written_otherwise(
    index: NotebookIndex, old: str, new: str, frames: set[str]
) -> Iterator[Change]:
    """The column's places other than the strings that name it."""
    for cell, start, end in listed_columns(index, old, frames):
        yield Change(cell, start, end, new)
    for cell, start, end in words_of_composed(index, old, frames):
        yield Change(cell, start, end, new if new.isidentifier() else f"`{new}`")
    can_be_read = can_be_attribute(index, new, frames)
    for id, here in index.readable():
        source = here.masked.source
        for start, end in words_of(index, id, here, old, frames, formulas=new.isidentifier()):
            if source[start - 1 : start] != ".":
                yield Change(id, start, end, new if new.isidentifier() else f"`{new}`")
            elif can_be_read:
                yield Change(id, start, end, new)
        for a in here.attributes:
            is_column = a.name == old and source[a.end : a.end + 1] != "("
            if not is_column or frame_before(index, here, a.start) not in frames:
                continue
            if is_own(index, here, a) or is_by_value(index, id, a.start):
                continue
            if can_be_read:
                yield Change(id, a.start, a.end, new)
            elif source[a.start - 1 : a.start] == "." and not _is_of_a_tuple(here, a):
                quote = free_quote(here, a.start)
                yield Change(id, a.start - 1, a.end, f"[{quote}{new}{quote}]")


def _is_of_a_tuple(here: CellIndex, attribute: Attribute) -> bool:
    """Whether it is read from a frame's `itertuples`, which do not support names in brackets."""
    return attribute.object in _tuples(here.masked.source)


@by_text(500_000)
def _tuples(source: str) -> frozenset[str]:
    return frozenset(
        name for loop in _ITERTUPLES.finditer(source) for name in _NAME.findall(loop[1])
    )


def made_by_keyword(index: NotebookIndex, here: CellIndex) -> Iterator[tuple[Keyword, str]]:
    """The keywords by which calls on frames create columns, each with the frame."""
    for word in here.keywords:
        called = _WORD.match(here.masked.source, max(word.target, 0))
        if called is not None and called[0] in _MAKERS:
            frame = frame_before(index, here, word.target)
            if frame:
                yield word, frame


def named_where_made(
    index: NotebookIndex, old: str, new: str, frames: Collection[str]
) -> Iterator[Change]:
    """The name as a string in the statements that create the frames, where only the library knows
    its meaning.
    """
    for frame in frames:
        for id, i in index.definitions(frame):
            here = index.cells[id]
            if old not in here.masked.source or here.homes[i] != MODULE:
                continue
            start, end = statement_around(here, here.names[i].start)
            for first, last in here.strings:
                if start <= first and last <= end and here.masked.source[first:last] == old:
                    yield Change(id, first, last, new)


def words_of(
    index: NotebookIndex,
    cell: str,
    here: CellIndex,
    old: str,
    frames: set[str],
    *,
    formulas: bool = False,
) -> Iterator[tuple[int, int]]:
    """The column in the strings of `query` and `eval`, and in `formulas` of models that take the
    frame (`ols("price ~ city", data=df)`): a bare word, or in backticks.
    """
    pattern = in_a_query(old)
    for text in here.texts:
        is_query = text.method in ("query", "eval") and frame_at(index, here, text.root) in frames
        if is_query or (formulas and _is_formula_of(index, here, text, frames)):
            for found in pattern.finditer(text.text):
                yield text.start + found.start(), text.start + found.end()
            for found in _OF_ANOTHER.finditer(text.text):  # `@df.x`
                if found[1] in frames and found[2] == old:
                    yield text.start + found.start(2), text.start + found.end(2)


def _is_formula_of(
    index: NotebookIndex, here: CellIndex, text: Text, frames: Collection[str]
) -> bool:
    data = text.data if text.data >= 0 else text.right
    return "~" in text.text and data >= 0 and frame_at(index, here, data) in frames


def unchecked_notes(
    index: NotebookIndex,
    old: str,
    new: str,
    frames: Collection[str],
    done: Collection[Change],
    texts: Iterable[Change],
) -> Iterator[str]:
    """Notes what may refer to the column but was not changed: strings with its name (`texts`),
    columns selected by a part of their names, attributes that cannot have the new name.
    """
    said = {(change.cell, change.start) for change in done}
    whole = [change for change in texts if (change.cell, change.start) not in said]
    if whole:
        many = "s" * (len(whole) != 1)
        yield f"{len(whole)} other text{many} {old!r}, which may be the column's name: left alone"
    chosen, unwritten = set(), set()
    can_be_read = can_be_attribute(index, new, frames)
    for id, here in index.readable():
        for text in here.texts:
            is_part = text.keyword == "regex" or (text.keyword == "like" and text.text in old)
            if is_part and frame_at(index, here, text.root) in frames:
                chosen.add(index.number(id))
            is_query = text.method in ("query", "eval") and not can_be_read
            if is_query and any(found[2] == old for found in _OF_ANOTHER.finditer(text.text)):
                unwritten.add(index.number(id))
        for a in here.attributes:
            is_left = a.name == old and not {(id, a.start), (id, a.start - 1)} & said
            if is_left and _is_of_a_tuple(here, a) and frame_before(index, here, a.start) in frames:
                unwritten.add(index.number(id))
    if chosen:
        yield f"{listed_cells(sorted(chosen))}: columns are chosen by a part of their names"
    if unwritten:
        where = listed_cells(sorted(unwritten))
        yield f"{where}: `.{old}` can't be written with `{new}`: left alone"

"""Columns of data frames: where a frame's column is named, and what follows when it is renamed.

A column is a string, and strings are left alone unless a string was what the person changed, and
the notebook or the kernel shows that it is a column of that frame.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from nextedit_jupyter.analysis.bindings import MODULE, CellIndex, Key, Text
from nextedit_jupyter.analysis.frame_parts import frame_at, frames_around, listed_columns
from nextedit_jupyter.analysis.index import NotebookIndex, cell_index, index_notebook
from nextedit_jupyter.analysis.rename import (
    Change,
    RenamePlan,
    Window,
    broken_notes,
    mentions,
    windows,
)
from nextedit_jupyter.analysis.rename.half_typed import looks_half_typed
from nextedit_jupyter.core import KernelFacts, Notebook, Silence, SuggestRequest

NO_COLUMN = "no column was changed"
NO_COLUMN_HERE = "there is no column at the caret"

# Methods of frames whose strings name columns.
_METHODS = frozenset(
    [
        "groupby",
        "sort_values",
        "drop",
        "dropna",
        "agg",
        "aggregate",
        "pivot_table",
        "pivot",
        "merge",
        "join",
        "set_index",
        "fillna",
        "astype",
        "rename",
        "drop_duplicates",
        "duplicated",
        "nlargest",
        "nsmallest",
        "melt",
        "explode",
        "value_counts",
        "plot",
        "hist",
        "boxplot",
        "scatter",
        "line",
        "bar",
        "barh",
        "area",
        "box",
        "pop",
        "insert",
        "get",
        "filter",
        "reindex",
        "select_dtypes",
        "transform",
        "apply",
        "idxmax",
        "idxmin",
        "to_datetime",
        "sum",
        "mean",
        *("select", "with_columns", "withColumn", "withColumnRenamed", "sort", "group_by"),
        *("groupBy", "orderBy", "unique", "partition_by", "isin", "format"),
    ]
)
# Functions that make a column of its name, which is one of the frame that it is used on.
_OF_ONE = frozenset(["col", "column"])
# Keywords of theirs, and of plotting functions that are given a frame, that name no column.
_OTHER_KEYWORDS = frozenset(
    [
        "title",
        "kind",
        "label",
        "how",
        "method",
        "color",
        "c",
        "marker",
        "suffixes",
        "sep",
        "xlabel",
        "ylabel",
        "legend",
        "name",
        "axis",
        "palette",
        "cmap",
        "order_by",
        "style_order",
        "height",
        "dtype",
        "errors",
        "ascending",
        "inplace",
        "file",
        "like",
        "regex",
        "value_name",
        "var_name",
    ]
)
# Keywords that name columns whatever method of a frame they are given.
_OF_COLUMNS = frozenset(("columns", "subset"))
# Methods whose `index=` names rows; elsewhere (`pivot`) it names a column.
_OF_ROWS = frozenset(("rename", "drop", "reindex"))
_JOINS = frozenset(("merge", "merge_asof", "merge_ordered"))
_NEAR = 1_000  # characters before a label in which its brackets open


@dataclass(frozen=True, slots=True)
class Spot:
    """A place of a column's name. `defines`: the frame gets its column here."""

    cell: str
    start: int
    end: int
    text: str
    frame: str
    defines: bool
    is_built: bool = False  # as a key of the dictionary that the frame is made of
    is_new: bool = False  # as the name that a column gets by `rename`


def detect_column(request: SuggestRequest) -> RenamePlan | Silence:
    """A column's name that was changed, and the places that follow."""
    if not request.history or request.history[-1].origin in ("undone", "remote"):
        return Silence("no_change", NO_COLUMN)
    verdict = Silence("no_change", NO_COLUMN)
    for window in windows(request):
        if len(window.alignments) == 1:
            found = _detect(request, window)
            if isinstance(found, RenamePlan):
                return found
            if found is not None and verdict.detail == NO_COLUMN:
                verdict = found
    return verdict


def plan_column(
    notebook: Notebook, facts: KernelFacts, cell: str, offset: int, new: str
) -> RenamePlan | Silence:
    """Rename the column whose name stands at `offset`, for the explicit command."""
    index = index_notebook(notebook, facts)
    here = index.cells.get(cell)
    if here is None or here.broken:
        return Silence("refused", NO_COLUMN_HERE)
    spot = next((s for s in spots_of(index, cell, here) if s.start <= offset <= s.end), None)
    if spot is None:
        return Silence("refused", NO_COLUMN_HERE)
    if not new or set(new) & set("'\"\\\n"):
        return Silence("refused", f"`{new}` can't be a column's name as it stands")
    return _plan(index, spot, new, None)


def _detect(request: SuggestRequest, window: Window) -> RenamePlan | Silence | None:
    (cell,) = window.alignments
    was, now = window.before.cell(cell), request.notebook.cell(cell)
    if was is None or now is None or not was.is_code:
        return None
    before, after = cell_index(was.source), cell_index(now.source)
    if before.broken or after.broken:
        return None
    olds, news = _strings(before), _strings(after)
    if len(olds) != len(news):
        return None
    changed = [(o, n) for o, n in zip(olds, news, strict=True) if o[2] != n[2]]
    if not changed or len({(o[2], n[2]) for o, n in changed}) != 1:
        return None
    text = was.source
    for (start, end, _), (_, _, new) in reversed(changed):
        text = text[:start] + new + text[end:]
    if text != now.source:
        return None
    index = index_notebook(window.before, request.facts)
    places = {start for (start, _, _), _ in changed}
    spots = [s for s in spots_of(index, cell, before) if s.start in places]
    if not spots:
        return None
    spot = next((s for s in spots if s.defines), spots[0])
    (new,) = {n[2] for _, n in changed}
    if not new or (spot.text.startswith(new) and request.caret.cell == cell):
        return Silence("low_confidence", looks_half_typed(new))
    found = _plan(index, spot, new, spot.defines)
    if isinstance(found, Silence):
        return found
    shift = [(start, len(new) - (end - start)) for (start, end, _), _ in changed]

    def carried(changes: tuple[Change, ...]) -> Iterator[Change]:
        for change in changes:
            if change.cell != cell:
                yield change
            elif change.start not in places:
                by = sum(growth for start, growth in shift if start < change.start)
                yield Change(cell, change.start + by, change.end + by, change.text)

    left = tuple(carried(found.changes))
    if not left:
        return Silence("no_change", f"nothing is left to rename to `{new}`", settled=(spot.text,))
    return RenamePlan(
        found.kind,
        found.old,
        found.new,
        request.notebook,
        left,
        tuple(carried(found.optional)),
        found.notes,
        found.confidence,
    )


def _strings(index: CellIndex) -> list[tuple[int, int, str]]:
    found = {(k.start, k.end, k.text) for k in index.keys}
    return sorted(found | {(t.start, t.end, t.text) for t in index.texts})


def _plan(index: NotebookIndex, spot: Spot, new: str, defines: bool | None) -> RenamePlan | Silence:
    """`defines` is None for the command; else whether the edit changed a definition."""
    old = spot.text
    everything = [s for id, here in index.readable() for s in spots_of(index, id, here)]
    flows = _flows(index)
    definers = {s.frame for s in everything if s.defines and s.text == old}
    known = {n.name for n in index.facts.names if old in n.subscripts}
    if spot.frame not in known and not any(
        spot.frame in _closure(flows, frame) for frame in definers
    ):
        return Silence("no_change", f"nothing shows that `{old}` is a column of `{spot.frame}`")
    live = index.facts.named(spot.frame)
    if defines is False and live is not None and new in live.subscripts and old in live.subscripts:
        return Silence("no_change", f"`{new}` is a column too: another one was meant")
    origins = {frame for frame in definers if spot.frame in _closure(flows, frame)}
    frames = _closure(flows, spot.frame)
    for frame in origins:
        frames |= _closure(flows, frame)
    # What the kernel says: a frame without this column is no frame of it.
    if not definers:
        frames -= {n.name for n in index.facts.names if n.subscripts and old not in n.subscripts}
    if any(s.text == new and s.frame in frames for s in everything):
        return Silence("refused", f"`{new}` is a column of `{spot.frame}` already")
    if defines is not False and live is not None and new in live.subscripts:
        ran = old not in live.subscripts
        if not ran:
            return Silence("refused", f"`{new}` is a column of `{spot.frame}` already")
    # A frame made of columns gets others of the old name further on, if a renaming says so.
    changes = {
        Change(s.cell, s.start, s.end, new)
        for s in everything
        if s.text == old and s.frame in frames and not (spot.is_built and s.is_new)
    } | set(_written_otherwise(index, old, new, frames))
    order = {cell.id: i for i, cell in enumerate(index.notebook.cells)}
    others = {
        Change(s.cell, s.start, s.end, new)
        for s in everything
        if s.text == old and s.frame not in frames
    } - changes
    notes = []
    if others:
        count = len(others)
        notes.append(f"{count} place{'s' * (count != 1)} of {old!r} on other frames: left alone")
    notes += broken_notes(index, old) if old.isidentifier() else []
    optional = others | (set(mentions(index, old, new)) if old.isidentifier() else set())

    def place(change: Change) -> tuple[int, int]:
        return order[change.cell], change.start

    return RenamePlan(
        "column",
        old,
        new,
        index.notebook,
        tuple(sorted(changes, key=place)),
        tuple(sorted(optional, key=place)),
        tuple(notes),
        0.95,
    )


def _written_otherwise(
    index: NotebookIndex, old: str, new: str, frames: set[str]
) -> Iterator[Change]:
    """The column as a word of a query or a formula, as an attribute of its frame, and in a list
    that the frame is given.
    """
    for cell, start, end in listed_columns(index, old, frames):
        yield Change(cell, start, end, new)
    for id, here in index.readable():
        for start, end in words_of(index, id, here, old, frames):
            yield Change(id, start, end, new if new.isidentifier() else f"`{new}`")
        if new.isidentifier():
            for a in here.attributes:
                called = index.cell(id).source[a.end : a.end + 1] == "("
                if a.name != old or called or not a.object.isidentifier():
                    continue
                if frame_at(index, here, a.root) in frames:
                    yield Change(id, a.start, a.end, new)


def spots_of(index: NotebookIndex, cell: str, here: CellIndex) -> Iterator[Spot]:
    """Every place of the cell that may name a column, with the frame."""
    for key in here.keys:
        frame = frame_at(index, here, key.root)
        if frame and _is_frame_part(key) and not _is_row(here, key):
            yield Spot(cell, key.start, key.end, key.text, frame, key.op == "write")
    for text in here.texts:
        frame = _frame_of(index, here, text)
        if frame:
            made = text.method == "rename" and text.keyword == "columns" and text.role == "value"
            built = text.method == "DataFrame" and text.role == "key"
            yield Spot(cell, text.start, text.end, text.text, frame, made or built, built, made)


def _is_frame_part(key: Key) -> bool:
    parts = key.object.split(".")[1:]
    return all(part in ("loc", "at", "iloc", "values", "columns") for part in parts)


def _is_row(here: CellIndex, key: Key) -> bool:
    """Whether the text stands for rows: the first thing that `loc` or `at` is given."""
    source, depth, second = here.masked.text, 0, False
    for at in range(key.start - 1, max(key.start - _NEAR, -1), -1):
        char = source[at]
        if char in ")]}":
            depth += 1
        elif char == "," and not depth:
            second = True
        elif char in "([{" and depth:
            depth -= 1
        elif char in "([{":
            before = source[:at].rstrip()
            if before.endswith((".loc", ".at")):
                return not second
            if before[-1:].isalnum() or before[-1:] in ("_", ")", "]"):
                return False  # a subscript or a call of its own
            second = False  # a list of labels, itself the first or the second
    return False


def _joined(index: NotebookIndex, here: CellIndex, text: Text) -> str:
    """The frame whose key `left_on=` or `right_on=` is: of `a.merge(b)` or of `merge(a, b)`."""
    return frame_at(index, here, text.left if text.keyword == "left_on" else text.right)


def _frame_of(index: NotebookIndex, here: CellIndex, text: Text) -> str:
    if text.method == "DataFrame" and text.role == "key":
        return _assigned(here, text.start)
    if text.keyword in _OTHER_KEYWORDS:
        return ""
    if text.method in _JOINS and text.keyword in ("left_on", "right_on"):
        return _joined(index, here, text)
    if text.method in _OF_ROWS and text.keyword == "index":
        return ""
    if text.method == "rename" and text.role == "argument" and not text.keyword:
        return ""  # the name that a series gets
    frame = frame_at(index, here, text.data)
    if frame and text.keyword:
        return frame
    if text.keyword in _OF_COLUMNS and text.role == "argument":
        return frame_at(index, here, text.root)
    if text.method in _OF_ONE and not text.keyword:
        return next(iter([*frames_around(index, here, text.start)][-1:]), "")
    if text.method not in _METHODS or (text.role == "value" and text.method != "rename"):
        return ""
    return frame_at(index, here, text.root)


def _assigned(here: CellIndex, start: int) -> str:
    """The name that the statement around `start` gives its value to."""
    best = None
    for i, name in enumerate(here.names):
        binds = name.op == "write" and name.start < start and here.homes[i] == MODULE
        if binds and (best is None or name.start > best.start):
            best = name
    return best.name if best is not None and best.kind == "variable" else ""


def _flows(index: NotebookIndex) -> dict[str, set[str]]:
    """Which names are made of which: `b = a.dropna()` flows from a to b."""
    flows: dict[str, set[str]] = {}
    for _, here in index.readable():
        reads: dict[int, set[str]] = {}
        for i, name in enumerate(here.names):
            if here.homes[i] == MODULE and name.scope == MODULE and name.op == "read":
                reads.setdefault(name.statement, set()).add(name.name)
        for i, name in enumerate(here.names):
            is_made = name.op == "write" and name.kind in ("variable", "loop")
            if here.homes[i] == MODULE and is_made:
                sources = reads.get(name.statement, set())
                if name.kind == "loop" and len(sources) != 1:
                    continue  # `for part in (a, b)`: which one it is, nobody knows
                for source in sources:
                    flows.setdefault(source, set()).add(name.name)
    return flows


def made_of(index: NotebookIndex, frame: str) -> set[str]:
    """The frame's name and those of what is made of it."""
    return _closure(_flows(index), frame)


def _closure(flows: dict[str, set[str]], frame: str) -> set[str]:
    found, todo = {frame}, [frame]
    while todo:
        for following in flows.get(todo.pop(), ()):
            if following not in found:
                found.add(following)
                todo.append(following)
    return found


def words_of(
    index: NotebookIndex, cell: str, here: CellIndex, old: str, frames: set[str]
) -> Iterator[tuple[int, int]]:
    """The column in the strings of `query` and `eval`: a bare word, or in backticks."""
    if not old.isidentifier():
        pattern = re.compile(rf"`{re.escape(old)}`")
    else:
        pattern = re.compile(rf"(?<![\w@.'\"]){re.escape(old)}(?![\w('\"])")
    for text in here.texts:
        if text.method in ("query", "eval") and frame_at(index, here, text.root) in frames:
            for found in pattern.finditer(text.text):
                yield text.start + found.start(), text.start + found.end()

"""Where the columns of data frames are named in a notebook: strings in brackets and in calls,
keywords that create them.

What changes when one is renamed is left to `columns`.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterator
from dataclasses import dataclass

from nextedit_jupyter.analysis.bindings import MODULE, CellIndex, Key, Name, Text
from nextedit_jupyter.analysis.budget import spend
from nextedit_jupyter.analysis.frame_parts import (
    frame_at,
    frames_around,
    is_called,
    statement_around,
)
from nextedit_jupyter.analysis.index import NotebookIndex, cell_index
from nextedit_jupyter.analysis.selections import is_by_value
from nextedit_jupyter.analysis.written_columns import made_by_keyword
from nextedit_jupyter.core.cache import by_text

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
# Functions that return a column by its name, which belongs to the frame that they are used on.
_OF_ONE = frozenset(["col", "column"])
# Functions whose first argument is a column of the frame whose method is given the result.
_OF_FIRST = frozenset(["NamedAgg"])
# Keywords of these methods, and of plotting functions that take a frame, that do not name columns.
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
# Keywords that name columns in any method of a frame.
_OF_COLUMNS = frozenset(("columns", "subset"))
# Methods whose `index=` names rows; elsewhere (`pivot`) it names a column.
_OF_ROWS = frozenset(("rename", "drop", "reindex"))
_JOINS = frozenset(("merge", "merge_asof", "merge_ordered"))
# Methods whose strings are values, types or functions; only keys of dictionaries name columns.
_OF_KEYS = frozenset(("fillna", "astype", "isin", "agg", "aggregate", "transform", "apply"))
_NEAR = 1_000  # characters before a label within which its brackets open


@dataclass(frozen=True, slots=True)
class Spot:
    """An occurrence of a column's name. `defines`: the column is created here."""

    cell: str
    start: int
    end: int
    text: str
    frame: str
    defines: bool
    is_built: bool = False  # as a key of the dictionary that the frame is created from
    is_new: bool = False  # as a column's new name in `rename`
    is_keyword: bool = False  # of a call that creates it
    joined: tuple[str, ...] = ()  # the frames that are joined by this column name


def all_spots(index: NotebookIndex) -> list[Spot]:
    """Every place of the notebook that may name a column."""
    return [spot for id, here in index.readable() for spot in spots_of(index, id, here)]


def is_of_a_column(index: NotebookIndex, spot: Spot) -> bool:
    """Whether the place names a column, and not a value or a row's label."""
    if spot.is_keyword or not is_by_value(index, spot.cell, spot.start):
        return True
    spend(sum(1 + len(here.keys) // 20 for _, here in index.readable()))
    return any(  # a pivoted table that gets the column: `table["total"] = ...`
        key.op == "write"
        and key.text == spot.text
        and frame_at(index, here, key.root) == spot.frame
        and is_by_value(index, id, key.start)
        for id, here in index.readable()
        for key in here.keys
    )


def spots_of(index: NotebookIndex, cell: str, here: CellIndex) -> Iterator[Spot]:
    """Every place of the cell that may name a column, with the frame."""
    spend(2 + len(here.keys) + len(here.texts))
    for key in here.keys:
        frame = frame_at(index, here, key.root)
        if frame and _is_frame_part(key) and not _is_row(here, key):
            yield Spot(cell, key.start, key.end, key.text, frame, key.op == "write")
    for text in here.texts:
        frame = _frame_of(index, here, text)
        if frame:
            made = text.method == "rename" and text.keyword == "columns" and text.role == "value"
            built = text.method == "DataFrame" and (text.role == "key" or text.keyword == "columns")
            added = text.method == "insert" and text.role == "argument"
            joined = _joined_by_one_name(index, here, text)
            at = (text.start, text.end, text.text)
            yield Spot(cell, *at, frame, made or built or added, built, made, joined=joined)
    for word, frame in made_by_keyword(index, here):
        yield Spot(cell, word.start, word.end, word.name, frame, True, is_keyword=True)


def _is_frame_part(key: Key) -> bool:
    parts = key.object.split(".")[1:]
    return all(part in ("loc", "at", "iloc", "values", "columns") for part in parts)


def _is_row(here: CellIndex, key: Key) -> bool:
    """Whether the text is a row label: the first argument of `loc` or `at`."""
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
            spend((key.start - at) // 50)
            before = source[max(at - _NEAR, 0) : at].rstrip()
            if before.endswith((".loc", ".at")):
                return not second
            if before[-1:].isalnum() or before[-1:] in ("_", ")", "]"):
                return False  # a subscript or a call of its own
            second = False  # a list of labels, itself the first or the second
    spend(_NEAR // 50)
    return False


def _joined(index: NotebookIndex, here: CellIndex, text: Text) -> str:
    """The frame whose key `left_on=` or `right_on=` is: of `a.merge(b)` or of `merge(a, b)`."""
    return frame_at(index, here, text.left if text.keyword == "left_on" else text.right)


def _joined_by_one_name(index: NotebookIndex, here: CellIndex, text: Text) -> tuple[str, ...]:
    if text.method not in _JOINS or text.keyword not in ("on", ""):
        return ()
    return frame_at(index, here, text.left), frame_at(index, here, text.right)


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
    if text.method in _OF_KEYS and text.role == "argument" and _is_a_value(here, text):
        return ""
    frame = frame_at(index, here, text.data)
    if frame and text.keyword:
        return frame
    if text.keyword in _OF_COLUMNS and text.role == "argument":
        return _of_chain(index, here, text)
    if text.method in _OF_ONE and not text.keyword:
        return next(iter([*frames_around(index, here, text.start)][-1:]), "")
    is_first = here.masked.source[: text.start - 1].rstrip().endswith("(")
    if text.keyword == "column" or (text.method in _OF_FIRST and is_first):
        # `pd.NamedAgg(column="x")` among what a frame's method is given
        around = frames_around(index, here, text.start)
        return next((frame for frame in around if not is_called(index, frame)), "")
    if text.method not in _METHODS and text.keyword:
        return frame_at(index, here, text.chained)  # `Chart(df).mark_bar().encode(x="price")`
    if text.method not in _METHODS or (text.role == "value" and text.method != "rename"):
        return ""
    return _of_chain(index, here, text)


def _is_a_value(here: CellIndex, text: Text) -> bool:
    """Whether such a method is given the text itself, but not for a frame's names of columns."""
    if text.keyword not in ("", "value", "values", "func"):
        return False
    called = here.masked.text.rfind(f".{text.method}", max(text.root, 0), text.start)
    return not here.masked.text.endswith(".columns", 0, max(called, 0))


def _of_chain(index: NotebookIndex, here: CellIndex, text: Text) -> str:
    """The frame whose method takes the text, or the frame that it returns: `df =
    load().drop("x")`."""
    i = here.starts.get(text.root)
    made = i is not None and is_called(index, here.names[i].name)
    return (_assigned(here, text.start) if made else "") or frame_at(index, here, text.root)


def _assigned(here: CellIndex, start: int) -> str:
    """The name that the statement around `start` assigns to."""
    starts, names = _bound(here.masked.source)
    at = bisect_left(starts, start) - 1
    if at < 0 or names[at].kind != "variable":
        return ""
    first, _ = statement_around(here, start)
    return names[at].name if first <= starts[at] else ""


@by_text(500_000)
def _bound(source: str) -> tuple[list[int], list[Name]]:
    """The names that a cell binds in the notebook's namespace, by where they begin."""
    here = cell_index(source)
    found = sorted(
        (name.start, name)
        for i, name in enumerate(here.names)
        if name.op == "write" and here.homes[i] == MODULE
    )
    return [start for start, _ in found], [name for _, name in found]

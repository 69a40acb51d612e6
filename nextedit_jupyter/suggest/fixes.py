"""Fixes that the last traceback implies, if there is exactly one possibility.

If a name, key, attribute or keyword does not exist, and a similar one does, the failing line is
offered with the right spelling. With two candidates nothing is offered, nor once the line has
changed, nor if a cell of the notebook defines what is missing: then that cell has to run, and there
is nothing to edit.
"""

from __future__ import annotations

import builtins
import re
from collections.abc import Collection, Iterator
from difflib import SequenceMatcher

from nextedit_jupyter.analysis.flat_tree import Node, SyntaxTree, TreeCache
from nextedit_jupyter.analysis.index import cell_index
from nextedit_jupyter.analysis.magics import mask
from nextedit_jupyter.analysis.names import known_names
from nextedit_jupyter.analysis.patterns.nodes import callee, dotted
from nextedit_jupyter.core import (
    Cell,
    CellEdit,
    KernelError,
    NamedObject,
    Silence,
    Suggestion,
    SuggestRequest,
    TextEdit,
    text_hash,
)
from nextedit_jupyter.suggest.import_places import import_edit
from nextedit_jupyter.suggest.lane import Cancelled, suggestion_id

# Two spellings are similar from this difflib ratio on; the next best candidate must be worse by the
# margin.
ALIKE, MARGIN = 0.75, 0.08
CONFIDENCE = 0.95
MAX_CELL = 20_000  # characters; a longer one takes 100 ms to parse
# Conventional names of these modules; none of them is a typo.
_CONVENTIONS = {
    "np": "import numpy as np",
    "pd": "import pandas as pd",
    "plt": "import matplotlib.pyplot as plt",
    "sns": "import seaborn as sns",
    "tf": "import tensorflow as tf",
    "nx": "import networkx as nx",
    "px": "import plotly.express as px",
    "xr": "import xarray as xr",
    "pl": "import polars as pl",
    "os": "import os",
    "re": "import re",
    "sys": "import sys",
    "math": "import math",
    "json": "import json",
}
_WORD = re.compile(r"[^\W\d]\w*")
_QUOTED = re.compile(r"'([^']*)'|\"([^\"]*)\"")


class FixesLane:
    """Uses `facts.error`; the rest of the request only shows what exists."""

    def __init__(self, trees: TreeCache | None = None) -> None:
        self._trees = trees or TreeCache(4_000_000)

    def suggest(self, request: SuggestRequest, cancelled: Cancelled) -> list[Suggestion] | Silence:
        error = request.facts.error
        if error is None or "next_edit" not in request.want:
            return Silence("no_change")
        cell = request.notebook.cell(error.cell)
        if cell is None or not cell.is_code or not _is_as_it_ran(request, cell):
            return Silence("no_change")
        if len(cell.source) > MAX_CELL or _about(error) not in cell.source:
            return Silence("no_change")
        imported = _missing_import(request, error)
        if imported is not None:
            tree = self._trees.tree(cell.source)
            edit = import_edit(cell.source, tree, imported, error.line)
            return [_suggestion(cell, edit, f"{error.exception}: {imported}")]
        if self._is_made_by_a_cell(request, error):
            return Silence("no_change", "a cell of the notebook defines it: run that cell")
        tree = self._trees.tree(cell.source)
        found = {(node.start, node.end, text) for node, text in _fixes(request, error, tree)}
        if len(found) != 1:
            return Silence("no_change")
        ((start, end, text),) = found
        label = f"{error.exception}: change {cell.source[start:end]} to {text}"
        return [_suggestion(cell, TextEdit.replace(start, end, text), label)]

    def _is_made_by_a_cell(self, request: SuggestRequest, error: KernelError) -> bool:
        """Whether a cell binds the name, sets the attribute or key, or has the parameter."""
        wrong = _about(error)
        cells = [c for c in request.notebook.cells if c.is_code]
        if error.exception in ("NameError", "UnboundLocalError"):
            ran = {run.cell for run in request.facts.runs}
            return any(
                wrong in cell_index(c.source).bound_at_module()
                or (c.id not in ran and _may_bring_names(c.source))
                for c in cells
            )
        saying = [c for c in cells if wrong in c.source]
        if error.exception != "KeyError" and any(_binds(c.source, wrong) for c in saying):
            return True
        if error.exception == "TypeError":
            return False
        return any(
            _says_key(self._trees.tree(c.source), wrong, _failing_line(c, error))
            for c in saying
            if len(c.source) <= MAX_CELL
        )


# Imports and magics that bind names that no cell shows until they have run.
_BRINGS_NAMES = re.compile(
    r"^[ \t]*(?:from[ \t]+[\w.]+[ \t]+import[ \t]*\*|exec\()"
    r"|^[ \t]*%(?:run|pylab|store|rerun|macro|R|sql)\b"
    r"|\b(?:globals|locals|vars)\(\)[.\[]|\bget_ipython\(\)|\bexecfile\(|\bsetattr\(",
    re.M,
)


def _may_bring_names(source: str) -> bool:
    return _BRINGS_NAMES.search(source) is not None


def _binds(source: str, wrong: str) -> bool:
    """Whether the cell binds `wrong` in any scope: a method, a field, a parameter, an attribute."""
    index = cell_index(source)
    if index.broken and _visibly_binds(source, wrong):
        return True
    return (
        any(name.name == wrong and name.op != "read" for name in index.names)
        or any(a.name == wrong and a.op != "read" for a in index.attributes)
        or any(f.name == wrong or wrong in {p.name for p in f.parameters} for f in index.functions)
    )


def _visibly_binds(source: str, wrong: str) -> bool:
    """The same for a cell that does not parse, judged by its text: a definition or an
    assignment."""
    word = re.escape(wrong)
    return re.search(rf"\b(?:def|class) {word}\b|\b{word} ?(?:: ?\w+ ?)?=(?!=)", source) is not None


def _says_key(tree: SyntaxTree, wrong: str, failing: tuple[int, int]) -> bool:
    """Whether `wrong` occurs as a key other than to read it, except on the failing line.

    As a string that is not a subscript, or a subscript that is assigned to; as a keyword
    (`assign(prices=…)`).
    """
    for node in tree.of_kind("string_content", "identifier"):
        if failing[0] <= node.start < failing[1] or node.parent is None:
            continue
        if node.kind == "identifier":
            named = node.parent.kind == "keyword_argument" and node.field == "name"
            if named and node.text == wrong:
                return True
        elif wrong in _WORD.findall(node.text) or node.text == wrong:
            subscript = _subscript_of(node)
            if subscript is None or _is_target(subscript):
                return True
    return False


def _subscript_of(content: Node) -> Node | None:
    """The subscript whose key a string's content is, in a list or alone."""
    above = content.parent.parent if content.parent is not None else None
    while above is not None and above.kind in ("list", "tuple"):
        above = above.parent
    return above if above is not None and above.kind == "subscript" else None


_BINDING = ("assignment", "augmented_assignment", "for_statement", "for_in_clause")


def _is_target(node: Node) -> bool:
    return any(
        n.field == "left" and n.parent is not None and n.parent.kind in _BINDING
        for n in (node, *node.ancestors)
    )


def _failing_line(cell: Cell, error: KernelError) -> tuple[int, int]:
    return _line(cell.source, error.line) if cell.id == error.cell else (-1, -1)


def _suggestion(cell: Cell, edit: TextEdit, label: str) -> Suggestion:
    edits = (CellEdit.of(cell.id, cell.source, edit),)
    id = suggestion_id("next_edit", "symbols", edits)
    return Suggestion(id, "next_edit", "symbols", label, CONFIDENCE, edits)


def _missing_import(request: SuggestRequest, error: KernelError) -> str | None:
    """The import for a conventional name, if no cell binds it.

    If one does, that cell has to run, and there is nothing to edit.
    """
    statement = _CONVENTIONS.get(error.name) if error.exception == "NameError" else None
    cell = request.notebook.cell(error.cell)
    if statement is None or cell is None or not mask(cell.source).is_python:
        return None
    return None if error.name in known_names(request.notebook, request.facts) else statement


def nearest(wrong: str, known: Collection[str]) -> str | None:
    """The single known spelling similar to `wrong`; None if there is none, or more than one."""
    if not wrong or wrong in known:
        return None
    limit = 2 if len(wrong) > 4 else 1
    scored = sorted(
        (
            (_likeness(wrong, name), name)
            for name in set(known)
            if abs(len(name) - len(wrong)) <= limit
        ),
        reverse=True,
    )
    if not scored or scored[0][0] < ALIKE:
        return None
    if len(scored) > 1 and scored[1][0] > scored[0][0] - MARGIN:
        return None
    return scored[0][1]


def _likeness(a: str, b: str) -> float:
    if a.lower() == b.lower():
        return 0.99
    return SequenceMatcher(None, a, b, autojunk=False).ratio()


def _is_as_it_ran(request: SuggestRequest, cell: Cell) -> bool:
    """Whether the cell still has the text that failed; without a record of runs it may."""
    last = next((run for run in reversed(request.facts.runs) if run.cell == cell.id), None)
    return last is None or last.hash == text_hash(cell.source)


def _fixes(
    request: SuggestRequest, error: KernelError, tree: SyntaxTree
) -> Iterator[tuple[Node, str]]:
    """The nodes on the failing line to be corrected, each with its new text."""
    start, end = _line(tree.text, error.line)
    if start < 0:
        return
    wrong = _about(error)
    here = list(_on(tree, start, end))
    if error.exception in ("NameError", "UnboundLocalError") and wrong not in _CONVENTIONS:
        known = set(known_names(request.notebook, request.facts))
        if request.facts.names:  # what exists, not only what is written somewhere
            known = {name.name for name in request.facts.names}
        right = nearest(wrong, {*known, *_public_builtins()} - {wrong})
        for node in here:
            if right and node.kind == "identifier" and node.text == wrong and _is_read(node):
                yield node, right
    elif error.exception == "KeyError":
        for node in here:
            if node.kind != "string_content" or node.text != wrong or node.parent is None:
                continue
            subscript = _subscript_of(node)
            if subscript is None:
                continue
            owner = _known(subscript.child("value"), request)
            right = nearest(wrong, owner.subscripts) if owner is not None else None
            if right and not set(right) & set("\"'\\\n"):
                yield node, right
    elif error.exception == "AttributeError":
        for node in here:
            if node.kind != "attribute":
                continue
            name, owner = node.child("attribute"), _known(node.child("object"), request)
            if name is None or name.text != wrong or owner is None:
                continue
            columns = [column for column in owner.subscripts if column.isidentifier()]
            right = nearest(wrong, {*owner.members, *columns})
            if right:
                yield name, right
    elif error.exception == "TypeError" and "unexpected keyword argument" in error.message:
        for node in here:
            if node.kind != "call":
                continue
            known_callable = _known(node.child("function"), request)
            keywords = known_callable.keywords if known_callable is not None else ()
            for argument in _keyword_arguments(node):
                name = argument.child("name")
                right = nearest(wrong, set(keywords) - _given(node))
                if name is not None and name.text == wrong and right and callee(node):
                    yield name, right


def _line(text: str, number: int) -> tuple[int, int]:
    """The span of a line counted from 1; (-1, -1) if there is none."""
    at = 0
    for _ in range(number - 1):
        newline = text.find("\n", at)
        if newline < 0:
            return -1, -1
        at = newline + 1
    newline = text.find("\n", at)
    return (at, newline if newline >= 0 else len(text)) if number > 0 else (-1, -1)


def _on(tree: SyntaxTree, start: int, end: int) -> Iterator[Node]:
    """The nodes that touch the range, outermost first."""
    at = 0
    while at < len(tree.kinds):
        if tree.starts[at] < end and tree.ends[at] > start:
            yield Node(tree, at)
            at += 1
        else:
            at = tree.lasts[at]


def _known(node: Node | None, request: SuggestRequest) -> NamedObject | None:
    path = dotted(node) if node is not None else None
    return request.facts.named(".".join(path)) if path is not None else None


def _is_read(node: Node) -> bool:
    above = node.parent
    if above is None:
        return True
    return not (
        (above.kind == "attribute" and node.field == "attribute")
        or (above.kind == "keyword_argument" and node.field == "name")
    )


def _keyword_arguments(call: Node) -> list[Node]:
    arguments = call.child("arguments")
    if arguments is None:
        return []
    return [child for child in arguments.children if child.kind == "keyword_argument"]


def _given(call: Node) -> set[str]:
    names = (argument.child("name") for argument in _keyword_arguments(call))
    return {name.text for name in names if name is not None}


def _about(error: KernelError) -> str:
    """The name that an error is about: an AttributeError quotes it last, all others first."""
    if error.name:
        return error.name.strip("'\"")
    quoted: list[str] = [a or b for a, b in _QUOTED.findall(error.message)]
    if not quoted:
        return ""
    return quoted[-1] if error.exception == "AttributeError" else quoted[0]


def _public_builtins() -> frozenset[str]:
    return frozenset(name for name in dir(builtins) if not name.startswith("_"))

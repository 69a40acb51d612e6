"""Lines that IPython passes on unchanged, because it cannot substitute all of their names.

In `!for f in *; do cat $f $path; done` `f` is not a Python variable, so nothing is substituted, and
`$path` is the shell's own.
"""

from __future__ import annotations

import builtins
import re
from collections.abc import Iterable
from functools import cache

from nextedit_jupyter.analysis.bindings import MODULE, CellIndex
from nextedit_jupyter.analysis.index import NotebookIndex
from nextedit_jupyter.analysis.rename.plan import Change

_OF_IPYTHON = frozenset(["In", "Out", "display", "exit", "get_ipython", "quit"])
# Variables that every shell has in its environment.
_OF_SHELL = frozenset(
    [
        *("HOME", "HOSTNAME", "IFS", "LANG", "LOGNAME", "OLDPWD", "PATH", "PPID"),
        *("PS1", "PWD", "RANDOM", "SHELL", "TERM", "TMPDIR", "UID", "USER"),
    ]
)
# Imports and magics that bind names that no cell shows.
_BRINGS_NAMES = ("%run", "%load", "%store -r", "exec(", "globals()")


def passed_on(index: NotebookIndex, changes: Iterable[Change]) -> set[Change]:
    """Those of the changes that are in such lines."""

    @cache
    def unfilled(cell: str) -> frozenset[int]:
        return frozenset(_unfilled(index, cell))

    lines = {change: line for change in changes if (line := _line_at(index, change)) >= 0}
    if not lines or index.stars or any(_brings_names(c) for c in index.cells.values()):
        return set()
    return {change for change, line in lines.items() if line in unfilled(change.cell)}


def _line_at(index: NotebookIndex, change: Change) -> int:
    """The start of the line in which IPython substitutes a change's place; -1 for any other
    place."""
    snippets = index.cells[change.cell].masked.snippets
    return next((s.line for s in snippets if s.start <= change.start < s.end), -1)


def _unfilled(index: NotebookIndex, cell: str) -> Iterable[int]:
    """The lines of a cell that contain a name that is not a variable, or not yet one."""
    here = index.cells[cell]
    fields = [s for s in here.masked.snippets if s.line >= 0]
    for i, name in enumerate(here.names):
        line = next((s.line for s in fields if s.start <= name.start < s.end), -1)
        if line < 0 or here.homes[i] != MODULE:
            continue
        end = here.masked.source.find("\n", line)
        is_shells = _is_assigned(here.masked.source[line : end if end >= 0 else None], name.name)
        if _is_known(index, name.name):
            if is_shells and _is_bound_below(index, cell, name.name):
                yield line
        # A name that no cell binds may still exist in the kernel, unless its facts are known.
        elif index.facts.names or name.name in _OF_SHELL or is_shells:
            yield line


def _is_bound_below(index: NotebookIndex, cell: str, name: str) -> bool:
    """Whether no other cells than those below bind the name."""
    here = index.number(cell)
    bound = [index.number(id) for id, _ in index.definitions(name)]
    return bool(bound) and min(bound) > here


def _is_assigned(line: str, name: str) -> bool:
    """Whether the shell assigns the name: in `for name in`, by `name=` or by `read name`."""
    word = re.escape(name)
    pattern = rf"\bfor {word} in\b|(?<![^\s;&|(]){word}=|\bread (?:-\w+ )?{word}\b"
    return re.search(pattern, line) is not None


def _brings_names(here: CellIndex) -> bool:
    return any(mark in here.masked.source for mark in _BRINGS_NAMES)


def _is_known(index: NotebookIndex, name: str) -> bool:
    return (
        name in index.bound_names()
        or hasattr(builtins, name)
        or index.facts.named(name) is not None
        or name in _OF_IPYTHON
        or name.startswith("_")
    )

"""Which cells have out-of-date results after some cells changed, in the order to run them.

A cell is stale if it changed, or if it uses a name that a stale cell binds and that no fresh cell
binds again in between. A cell is needed if it binds a name that a stale or needed cell uses and
that the kernel does not have, for example after a restart.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Collection, Sequence
from heapq import heappop, heappush

from nextedit_jupyter.analysis.bindings import MODULE, CellIndex
from nextedit_jupyter.analysis.budget import spend
from nextedit_jupyter.analysis.index import NotebookIndex, index_notebook
from nextedit_jupyter.core import KernelFacts, Notebook

CUT_NAMES = 100  # a list this long may have been truncated, at 200 names or 25 ms


def stale_cells(
    notebook: Notebook,
    facts: KernelFacts,
    changed: Collection[str],
    ran_before: Collection[str] | None = None,
) -> tuple[str, ...]:
    """Ids of the cells to run again after `changed` did, dependencies first.

    `notebook` is the state after the change; its execution counts are those of the running kernel
    (none after a restart); `ran_before` are the cells that ran in this kernel or an earlier one, if
    that is known. Cells that never ran have no results: they are listed only if they changed, or if
    a listed cell needs what they bind. The order is that of the runs, and of the document for cells
    that did not run; a cell that uses what only a later one binds comes after it.
    """
    index = index_notebook(notebook, facts)
    cells = _Cells(index)
    order = _order(index, cells)
    ran = {run.cell for run in facts.runs}
    ran |= {cell.id for cell in notebook.cells if cell.execution_count is not None}
    if not ran:
        ran = set(order if ran_before is None else ran_before)
    stale = {id for id in order if id in changed}
    tainted: set[str] = set()
    for id in order:
        uses = cells.uses[id]
        if id in changed or (id in ran and not uses.isdisjoint(tainted)):
            stale.add(id)
            tainted |= cells.binds[id]
        else:
            tainted -= cells.binds[id] - uses
    listed = stale | _needed(index, cells, order, stale, _Live(index, notebook, facts))
    return tuple(id for id in order if id in listed)


class _Cells:
    """What each cell binds and uses of the notebook's names."""

    def __init__(self, index: NotebookIndex) -> None:
        spend(5 * len(index.cells))
        self.binds = {id: here.bound_at_module() for id, here in index.cells.items()}
        self.uses = {id: _used(here) for id, here in index.cells.items()}


class _Live:
    """Which names the kernel has, as far as that is known."""

    def __init__(self, index: NotebookIndex, notebook: Notebook, facts: KernelFacts) -> None:
        runs = {run.cell for run in facts.runs}
        counted = {cell.id for cell in notebook.cells if cell.execution_count is not None}
        # Facts list the kernel's names; a document's counts may be from an earlier kernel. A long
        # list may have been truncated, and underscored names are never in it: then counts decide.
        self._cut = (not runs and not facts.names) or len(facts.names) >= CUT_NAMES
        self._listed = {name.name for name in facts.names} | _bound_by(index, runs)
        self._counted = _bound_by(index, counted)

    def __contains__(self, name: str) -> bool:
        if name in self._listed:
            return True
        return (self._cut or name.startswith("_")) and name in self._counted


def _needed(
    index: NotebookIndex,
    cells: _Cells,
    order: Sequence[str],
    stale: Collection[str],
    live: _Live,
) -> set[str]:
    """Cells to run before the stale ones, for names that the kernel does not have."""
    everything = index.bound_names()
    at = {id: n for n, id in enumerate(order)}
    binders: dict[str, list[int]] = {}  # by name, in order
    for n, id in enumerate(order):
        for name in cells.binds[id]:
            binders.setdefault(name, []).append(n)
    needed: set[str] = set()
    waiting = list(stale)
    while waiting:
        id = waiting.pop()
        for name in cells.uses[id]:
            if name not in everything or name in live:
                continue
            known = binders.get(name, [])
            n = bisect_left(known, at[id])
            if n:
                # The last one that binds it; if that builds on an earlier value, it requires that
                # itself.
                binder = order[known[n - 1]]
            elif known and name not in cells.binds[id]:
                binder = order[known[0]]
            else:
                continue
            if binder not in needed and binder not in stale:
                needed.add(binder)
                waiting.append(binder)
    return needed


def _bound_by(index: NotebookIndex, cells: Collection[str]) -> set[str]:
    return {name for id in cells if id in index.cells for name in index.cells[id].bound_at_module()}


def _order(index: NotebookIndex, cells: _Cells) -> list[str]:
    """Each cell once, by its last run; cells that bind a name come before those that read it."""
    last = list(dict.fromkeys(reversed(index.sequence)))
    last.reverse()
    everything = index.bound_names()
    missing = [(cells.uses[id] & everything) - cells.binds[id] for id in last]
    readers: dict[str, list[int]] = {}
    for n, names in enumerate(missing):
        for name in names:
            readers.setdefault(name, []).append(n)
    ready = [n for n, names in enumerate(missing) if not names]  # a heap: the first comes first
    placed: dict[int, None] = {}
    first = 0
    while len(placed) < len(last):
        while first in placed:
            first += 1
        following = heappop(ready) if ready else first
        if following in placed:
            continue
        placed[following] = None
        for name in cells.binds[last[following]]:
            for n in readers.pop(name, ()):
                missing[n].discard(name)
                if not missing[n]:
                    heappush(ready, n)
    return [last[n] for n in placed]


def _used(here: CellIndex) -> set[str]:
    return {
        name
        for (home, name), places in here.streams.items()
        if home == MODULE
        for i in places
        if here.names[i].op in ("read", "update", "delete")
    }

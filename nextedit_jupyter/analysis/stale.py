"""Which cells hold results that no longer stand after some cells changed, in the order to run them.

A cell is stale if it changed, or if it uses a name that a stale cell binds and that no fresh cell
binds anew in between.
"""

from __future__ import annotations

from collections.abc import Collection

from nextedit_jupyter.analysis.bindings import MODULE, CellIndex
from nextedit_jupyter.analysis.index import NotebookIndex, index_notebook
from nextedit_jupyter.core import KernelFacts, Notebook


def stale_cells(
    notebook: Notebook, facts: KernelFacts, changed: Collection[str]
) -> tuple[str, ...]:
    """Ids of the cells to run again after `changed` did, dependencies first.

    `notebook` is the state after the change. Cells that never ran hold no results: they are
    listed only if they changed. The order is that of the runs, and of the document for cells that
    did not run; a cell that uses what only a later one binds follows it.
    """
    index = index_notebook(notebook, facts)
    order = _order(index)
    ran = {run.cell for run in facts.runs}
    ran |= {cell.id for cell in notebook.cells if cell.execution_count is not None}
    stale = {id for id in order if id in changed}
    tainted: set[str] = set()
    for id in order:
        here = index.cells[id]
        uses = _used(here)
        if id in changed or (uses & tainted and (id in ran or not ran)):
            stale.add(id)
            tainted |= here.bound_at_module()
        else:
            tainted -= here.bound_at_module() - uses
    return tuple(id for id in order if id in stale)


def _order(index: NotebookIndex) -> list[str]:
    """Each cell once, by its last run, those that bind a name before those that read it first."""
    last = list(dict.fromkeys(reversed(index.sequence)))
    last.reverse()
    everything = index.bound_names()
    binds = {id: index.cells[id].bound_at_module() for id in last}
    needs = {id: (_used(index.cells[id]) & everything) - binds[id] for id in last}
    placed: dict[str, None] = {}
    bound: set[str] = set()
    waiting = dict.fromkeys(last)
    while waiting:
        first = next(iter(waiting))
        following = next((id for id in waiting if needs[id] <= bound), first)
        placed[following] = None
        bound |= binds[following]
        del waiting[following]
    return list(placed)


def _used(here: CellIndex) -> set[str]:
    return {
        name
        for (home, name), places in here.streams.items()
        if home == MODULE
        for i in places
        if here.names[i].op in ("read", "update", "delete")
    }

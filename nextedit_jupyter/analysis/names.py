"""The names that a cell may read: those that the notebook binds, the kernel's, and Python's
builtins."""

from __future__ import annotations

import builtins
from dataclasses import replace

from nextedit_jupyter.analysis.bindings import MODULE, CellIndex
from nextedit_jupyter.analysis.index import NotebookIndex, cell_index, index_notebook
from nextedit_jupyter.core import KernelFacts, Notebook, SuggestRequest

# What IPython puts into the namespace of a notebook.
_IPYTHON = frozenset(
    [
        "In",
        "Out",
        "_",
        "__",
        "___",
        "_i",
        "_ii",
        "_iii",
        "_ih",
        "_oh",
        "_dh",
        "display",
        "get_ipython",
        "exit",
        "quit",
        "__name__",
        "__file__",
        "__doc__",
        "__builtins__",
        "__builtin__",
        "__debug__",
        "__annotations__",
    ]
)
ALWAYS_KNOWN = frozenset(dir(builtins)) | _IPYTHON


def known_names(notebook: Notebook, facts: KernelFacts) -> frozenset[str]:
    """Names that a cell of this notebook may read, except Python's builtins."""
    index = index_notebook(notebook, facts)
    return frozenset(index.bound_names() | {name.name for name in facts.names})


def unknown_names(request: SuggestRequest, cell_id: str, after: str) -> frozenset[str]:
    """Unknown names that `after`, as the text of that cell, would read.

    Names that the cell already read are left out. If there is a star import, and no kernel to show
    what it bound, no name counts as unknown.
    """
    now = cell_index(after)
    wanted = free_names(now)
    before = request.notebook.cell(cell_id)
    if before is not None:
        wanted -= free_names(cell_index(before.source))
    wanted -= ALWAYS_KNOWN
    if not wanted:
        return frozenset()
    others = NotebookIndex(
        replace(
            request.notebook, cells=tuple(c for c in request.notebook.cells if c.id != cell_id)
        ),
        request.facts,
    )
    if (now.stars or others.stars) and not request.facts.names:
        return frozenset()
    known = others.bound_names() | now.bound_at_module()
    known |= {name.name for name in request.facts.names}
    return frozenset(wanted - known)


def free_names(index: CellIndex) -> set[str]:
    """Names that the cell reads from the notebook's namespace, except in magics and shell lines."""
    masked = [(region.start, region.end) for region in index.masked.regions]
    return {
        name
        for (home, name), places in index.streams.items()
        if home == MODULE
        for i in places
        if index.names[i].op in ("read", "update", "delete")
        and not any(start <= index.names[i].start < end for start, end in masked)
    }

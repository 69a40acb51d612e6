"""All cells of a notebook, linked in the order they ran.

Cells that ran are in the order of their runs, each as often as it ran; the others follow the
preceding cell in the document. A use is linked to the definitions that it can see from there: a
definition that certainly overwrites the name hides the earlier ones.
"""

from __future__ import annotations

import builtins
import sys
from collections.abc import Collection, Iterable, Iterator
from functools import cached_property
from typing import Any

from nextedit_jupyter.analysis.bindings import MODULE, CellIndex, Function, index_cell
from nextedit_jupyter.analysis.flow import CALLABLE, Flow, Links, Place, is_applied
from nextedit_jupyter.core import Cell, KernelFacts, Notebook
from nextedit_jupyter.core.cache import LruCache


def _bytes_of(source: str, index: CellIndex) -> int:
    """The approximate size of an index: each entry takes some hundred bytes with its links.

    Not by characters: a dense cell takes fifty bytes for each, a comment none.
    """
    listed = (
        *(index.names, index.attributes, index.keywords, index.keys, index.texts, index.scopes),
        *(index.blocks, index.functions, index.classes, index.dict_keys, index.streams),
    )
    return 3 * len(source) + 1_000 + 240 * sum(len(one) for one in listed)


# Recently read cells, by their text.
_cache: LruCache[str, CellIndex] = LruCache(sys.maxsize, max_weight=32_000_000, weigh=_bytes_of)


def cell_index(source: str) -> CellIndex:
    """The index of one cell's text, cached."""
    return _cache.get_or_make(source, lambda: index_cell(source))


def forget_cells() -> None:
    """Empty the cache, so that the next notebook is read from scratch."""
    _cache.clear()


# How many runs are followed: a cell that ran a thousand times shows no more than one that ran three
# times.
_MAX_RUNS_A_CELL = 3


_UNBOUND: Place = ("", -1)
_UNBOUND_IN_DOCUMENT: Place = ("", -2)


class NotebookIndex:
    """The cells of one notebook, read and put in order. Cheap to create: the cells are cached."""

    def __init__(self, notebook: Notebook, facts: KernelFacts | None = None) -> None:
        self.notebook = notebook
        self.facts = facts or KernelFacts()
        self._definitions: dict[tuple[str, bool], list[Place]] = {}
        self._kinds: dict[str, frozenset[str]] = {}
        self.families: dict[tuple[str, int], frozenset[tuple[str, int]]] = {}  # see `rename`
        self.classes_of: dict[frozenset[tuple[str, int]], Any] = {}  # classes with their cells
        self.instances: dict[tuple[str, int, str], frozenset[tuple[str, int]] | None] = {}
        self.callers: dict[tuple[str, int], Any] = {}  # `Callers` of functions by their scopes
        python = notebook.language == "python"
        self.cells: dict[str, CellIndex] = (
            {cell.id: cell_index(cell.source) for cell in notebook.cells if cell.is_code}
            if python
            else {}
        )

    @cached_property
    def sequence(self) -> tuple[str, ...]:
        """Cell ids in the order in which they ran or are likely to run; some occur more than
        once."""
        return run_sequence(self.notebook, self.facts)

    @cached_property
    def stars(self) -> bool:
        """Whether a star import may bind names that no cell shows."""
        return any(index.stars for index in self.cells.values())

    def cell(self, id: str) -> Cell:
        found = self.notebook.cell(id)
        assert found is not None
        return found

    def readable(self) -> Iterator[tuple[str, CellIndex]]:
        """Cells that parse, in document order."""
        return ((id, index) for id, index in self.cells.items() if not index.broken)

    def broken(self) -> Iterator[tuple[str, CellIndex]]:
        return ((id, index) for id, index in self.cells.items() if index.broken)

    def number(self, cell: str) -> int:
        """The cell's position in the document, from 1."""
        return self.notebook.number(cell)

    def module_places(self, name: str) -> dict[str, list[int]]:
        """The places of the notebook's own `name` by cell, only in cells that parse."""
        return self._module.get(name, {})

    @cached_property
    def _module(self) -> dict[str, dict[str, list[int]]]:
        found: dict[str, dict[str, list[int]]] = {}
        for id, index in self.readable():
            for (home, name), places in index.streams.items():
                if home == MODULE:
                    found.setdefault(name, {})[id] = places
        return found

    def definitions(self, name: str, *, declared: bool = False) -> list[Place]:
        """The places that bind `name` in the notebook's namespace, in document order. Treat it as
        frozen: it is cached.

        `declared`: include those that only declare its type, `name: Box`.
        """
        known = self._definitions.get((name, declared))
        if known is None:
            known = self._definitions[name, declared] = [
                (id, i)
                for id, places in self.module_places(name).items()
                for i in places
                if self._defines(id, i, declared)
            ]
        return known

    def _defines(self, cell: str, i: int, declared: bool) -> bool:
        here = self.cells[cell]
        name = here.names[i]
        if name.op == "declare":
            return declared and name.start in here.annotations
        return name.op in ("write", "update")

    def kinds_bound(self, name: str) -> frozenset[str]:
        """The kinds of what binds `name` in the notebook's namespace."""
        if (known := self._kinds.get(name)) is None:
            kinds = (self.cells[id].names[i].kind for id, i in self.definitions(name))
            known = self._kinds[name] = frozenset(kinds)
        return known

    def is_builtin(self, name: str) -> bool:
        """Whether an undefined name is a Python builtin, and nothing else may bind it."""
        return _is_builtin(name) and not self.stars and self.facts.named(name) is None

    def kinds_of(self, cell: str, i: int) -> frozenset[str]:
        """The kinds of a name's definitions in its scope: "function", "member", "variable", …"""
        here = self.cells[cell]
        name, home = here.names[i].name, here.homes[i]
        if home == MODULE:
            return self.kinds_bound(name)
        bound = (here.names[j] for j in here.streams[home, name])
        return frozenset(name.kind for name in bound if name.op in ("write", "update"))

    def bound_names(self) -> frozenset[str]:
        """Every name that a cell binds in the notebook's namespace, including broken cells."""
        return self._bound

    @cached_property
    def _bound(self) -> frozenset[str]:
        bound: set[str] = set()
        for index in self.cells.values():
            bound |= index.bound_at_module()
        return frozenset(bound)

    @cached_property
    def functions(self) -> dict[str, list[tuple[str, Function]]]:
        """The notebook's functions by name, with their cells, in document order."""
        found: dict[str, list[tuple[str, Function]]] = {}
        for id, index in self.readable():
            for function in index.functions:
                found.setdefault(function.name, []).append((id, function))
        return found

    @cached_property
    def classes(self) -> dict[str, tuple[str, int]]:
        """The notebook's classes by name: the first cell and scope of each."""
        found: dict[str, tuple[str, int]] = {}
        for id, index in self.readable():
            for owner in index.classes:
                if owner.outer == MODULE:
                    found.setdefault(owner.name, (id, owner.scope))
        return found

    def links(self, name: str) -> Links:
        """Link the notebook's `name` across all cells, in the order they ran."""
        where = self.module_places(name)
        links = Links()
        document = tuple(self.cells)
        unbound = self._link(self.sequence, where, links, _UNBOUND)
        if self.sequence != document and (unbound or not self.facts.runs):
            # Execution counts show only the last run, so the document's order is followed as well;
            # a use that saw no definition in the known runs is looked up there.
            unbound = self._link(document, where, links, _UNBOUND_IN_DOCUMENT)
        definitions = self.definitions(name)
        if unbound and definitions and not _is_builtin(name):
            # Used before any definition: in an out-of-order notebook it refers to the first one.
            links.join(unbound, definitions[0])
        return links

    def _link(
        self,
        sequence: Iterable[str],
        where: dict[str, list[int]],
        links: Links,
        unbound: Place,
    ) -> Place | None:
        """Follow one order; returns `unbound` if some place saw no definition."""
        late: list[Place] = []
        state = frozenset((unbound,))
        for id in sequence:
            if id in where:
                state = Flow(id, self.cells[id], links, late).run(where[id], 0, state)
        return unbound if unbound in links.parents else None

    def meets_unbound(self, web: Collection[Place]) -> bool:
        """Whether some of these places of one module name may see no definition of it."""
        cell, i = next(iter(web))
        links = self.links(self.cells[cell].names[i].name)
        roots = {links.find(place) for place in web}
        return any(
            unbound in links.parents and links.find(unbound) in roots
            for unbound in (_UNBOUND, _UNBOUND_IN_DOCUMENT)
        )

    def broken_binds(self, name: str) -> bool:
        """Whether a cell that does not parse seems to bind the name."""
        return any(name in index.bound_at_module() for _, index in self.broken())

    def local_links(self, cell: str, home: int, name: str) -> Links:
        """Link a name within a function, lambda, class or comprehension of one cell."""
        index = self.cells[cell]
        links = Links()
        flow = Flow(cell, index, links, [])
        places = index.streams.get((home, name), [])
        flow.run(places, 0, frozenset((_UNBOUND,)))
        if index.scopes[home].kind == "function" and _UNBOUND in links.parents:
            # Read before it is bound, it is still the function's variable, and fails.
            bound = next((i for i in places if index.names[i].op in ("write", "update")), None)
            if bound is not None:
                links.join(_UNBOUND, (cell, bound))
        return links

    def references(
        self,
        seeds: Iterable[Place],
        *,
        edited: Collection[Place] = (),
    ) -> list[Place]:
        """The places that are the same variable as `seeds`, which are one name of one scope.

        Follows a definition to what is derived from it under the same name (`df = df.dropna()`),
        and back. `edited` are places that the user changed: if they changed one side of such a
        statement and kept the other, it separates two variables. In the order of cells and places.
        """
        seeds = list(seeds)
        cell, first = seeds[0]
        index = self.cells[cell]
        name, home = index.names[first].name, index.homes[first]
        if home == MODULE:
            where = self.module_places(name)
            links = self.links(name)
        else:
            where = {cell: index.streams[home, name]}
            links = self.local_links(cell, home, name)
        parted = self._parted(edited, links) | self._called(where, links)
        roots = {links.find(seed) for seed in seeds}
        grown = True
        while grown:
            grown = False
            for read, write in links.carried:
                if write in parted:
                    continue
                a, b = links.find(read), links.find(write)
                if a in roots and b not in roots:
                    roots.add(b)
                    grown = True
                elif b in roots and a not in roots:
                    roots.add(a)
                    grown = True
        return [
            (id, i) for id, places in where.items() for i in places if links.find((id, i)) in roots
        ]

    def _called(self, where: dict[str, list[int]], links: Links) -> set[Place]:
        """The definitions that call a function of their own name: `test = test()`.

        The value is no longer a function, so it is another variable. The same holds for what a loop
        iterates over, and for the result of a call that only uses the function: `clean = map(clean,
        words)`.
        """
        used = [
            (read, write)
            for read, write in links.carried
            if self.cells[read[0]].names[write[1]].kind == "loop"
            or is_applied(self.cells[read[0]], read[1])
        ]
        functions = self._functions(where, links) if used else set()
        return {write for read, write in used if links.find(read) in functions}

    def _functions(self, where: dict[str, list[int]], links: Links) -> set[Place]:
        """The roots of the places that belong to a function or a class."""
        found = set()
        for id, places in where.items():
            here = self.cells[id]
            starts = {f.start for f in here.functions}
            for i in places:
                name = here.names[i]
                if name.start in starts or (name.op == "write" and name.kind in CALLABLE):
                    found.add(links.find((id, i)))
        return found

    def _parted(self, edited: Collection[Place], links: Links) -> set[Place]:
        """The definitions in whose statements one side was changed and the other kept."""

        sides: dict[tuple[str, int], set[str]] = {}
        for cell, i in edited:
            name = self.cells[cell].names[i]
            sides.setdefault((cell, name.statement), set()).add(name.op)
        return {
            (cell, i)
            for _, (cell, i) in links.carried
            if len(sides.get((cell, self.cells[cell].names[i].statement), {"read", "write"})) == 1
        }


def _is_builtin(name: str) -> bool:
    return hasattr(builtins, name)


def run_sequence(notebook: Notebook, facts: KernelFacts) -> tuple[str, ...]:
    """Cell ids in the order of their runs; cells that never ran follow their neighbour above.

    Without facts from the kernel, execution counts are used.
    """
    code = [cell for cell in notebook.cells if cell.is_code]
    known = {cell.id for cell in code}
    ran = [run.cell for run in facts.runs if run.cell in known]
    if not ran:
        counted = [cell for cell in code if cell.execution_count is not None]
        ran = [cell.id for cell in sorted(counted, key=lambda cell: cell.execution_count or 0)]
    kept: list[str] = []
    seen: dict[str, int] = {}
    for id in reversed(ran):
        seen[id] = seen.get(id, 0) + 1
        if seen[id] <= _MAX_RUNS_A_CELL:
            kept.append(id)
    kept.reverse()
    if not kept:
        return tuple(cell.id for cell in code)
    following: dict[str | None, list[str]] = {}
    above: str | None = None
    for cell in code:
        if cell.id in seen:
            above = cell.id
        else:
            following.setdefault(above, []).append(cell.id)
    sequence = following.pop(None, [])
    last = {id: i for i, id in enumerate(kept)}
    for i, id in enumerate(kept):
        sequence.append(id)
        if last[id] == i:
            sequence += following.pop(id, [])
    return tuple(sequence)


def index_notebook(notebook: Notebook, facts: KernelFacts | None = None) -> NotebookIndex:
    """Index a notebook's cells, using the cache. Never raises."""
    return NotebookIndex(notebook, facts)

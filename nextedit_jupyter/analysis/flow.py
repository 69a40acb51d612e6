"""Which definitions of one name reach which places of it, through a cell's branches.

If a function's result is assigned to the function's own name (`test = test()`), the name means two
things from there on: where it is called it is the function, elsewhere the result. That also holds
if a branch, a loop or a `try` leaves open which of the two a place sees.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from functools import cached_property

from nextedit_jupyter.analysis.bindings import MODULE, CellIndex
from nextedit_jupyter.analysis.budget import spend

Place = tuple[str, int]
"""A cell's id and the index of a name in that cell's `names`."""


# Kinds of names that are called: their values are something else.
CALLABLE = frozenset(["function", "overload", "class", "member", "alias"])
# The text before a function that is passed to something that calls it but does not keep it.
_APPLIED = re.compile(
    r"\b(?:map|imap|starmap|filter|sorted|min|max|reduce|accumulate|submit"
    r"|apply|applymap|transform|agg|aggregate|pipe)\((?:[^()\n]{0,80},)?\s*(?:\w{1,20}=)?\Z"
)
_NEAR = 120
# The number of places that a read may see before they are merged into one.
_FEW = 16


def is_applied(here: CellIndex, i: int) -> bool:
    """Whether a name is called here, or passed to something that calls it."""
    start, end = here.names[i][:2]
    source = here.masked.source
    return (
        source[end : end + 1] == "("
        or _APPLIED.search(source, max(start - _NEAR, 0), start) is not None
    )


@dataclass(slots=True, eq=False)
class Links:
    """A union-find over the places of one name."""

    parents: dict[Place, Place] = field(default_factory=dict)
    # A definition whose own statement reads the name (`df = df.dropna()`): reads, then writes.
    carried: list[tuple[Place, Place]] = field(default_factory=list)
    functions: set[Place] = field(default_factory=set)
    # A definition whose own statement calls the name (`test = test()`), and what is called.
    results: dict[Place, frozenset[Place]] = field(default_factory=dict)
    is_only_called: bool = True  # in functions, which may run at any time

    def find(self, place: Place) -> Place:
        parents = self.parents
        while (parent := parents.setdefault(place, place)) != place:
            parents[place] = place = parents.setdefault(parent, parent)
        return place

    def join(self, a: Place, b: Place) -> None:
        self.parents[self.find(a)] = self.find(b)


class Flow:
    """Which definitions of one name reach which places of it, through one cell's branches."""

    def __init__(self, cell: str, index: CellIndex, links: Links, late: list[Place]) -> None:
        self.cell, self.index, self.links, self.late = cell, index, links, late
        self.reads: dict[int, Place] = {}  # the last read in a statement
        self.called: dict[int, frozenset[Place]] = {}  # the functions that it calls by that name
        # Declared at module level by `global x` or `x: int`, with the present definitions: it
        # refers to what is bound next, or to these if nothing is.
        self.declared: list[tuple[Place, frozenset[Place]]] = []

    def run(self, places: list[int], depth: int, state: frozenset[Place]) -> frozenset[Place]:
        spend(len(places))
        i = 0
        while i < len(places):
            path = self.index.path_at_home(places[i])
            if len(path) <= depth or depth > 60:
                state = self.step(places[i], state)
                i += 1
                continue
            block = path[depth][0]
            arms: dict[int, list[int]] = {}
            while i < len(places):
                path = self.index.path_at_home(places[i])
                if len(path) <= depth or path[depth][0] != block:
                    break
                arms.setdefault(path[depth][1], []).append(places[i])
                i += 1
            state = self.branch(block, arms, depth + 1, state)
        if not depth:
            first: dict[frozenset[Place], Place] = {}
            for declared, known in self.declared:
                alike = first.setdefault(known, declared)
                for seen in known if alike == declared else (alike,):
                    self.links.join(declared, seen)
        return state

    def branch(
        self, block: int, arms: dict[int, list[int]], depth: int, state: frozenset[Place]
    ) -> frozenset[Place]:
        kind = self.index.blocks[block]
        if kind.kind == "branch":
            ends = [self.run(places, depth, state) for places in arms.values()]
            if not kind.exhaustive or len(arms) < kind.arms:
                ends.append(state)
                self.overwritten(state, ends)
            return frozenset().union(*ends)
        if kind.kind == "loop":
            for places in arms.values():
                once = self.run(places, depth, state)
                state = state | once | self.run(places, depth, state | once)
            return state
        if kind.exhaustive and len(arms) == kind.arms:
            first, *others = arms.values()
            whole = self.run(first, depth, state)
            broken_off = state | whole | self.written(first)
            return whole.union(*(self.run(places, depth, broken_off) for places in others))
        for places in arms.values():  # any part of it may have run, or none
            state = state | self.run(places, depth, state) | self.written(places)
        return state

    def overwritten(self, state: frozenset[Place], ends: list[frozenset[Place]]) -> None:
        """What an `if` may overwrite is the same variable, whether used later or not."""
        kept = [seen for seen in state if seen[0]]
        for place in frozenset().union(*ends) - state:
            if place in self.links.results:
                continue
            if kept and self.index.names[place[1]].kind == "variable":
                self.links.join(place, kept[0])
                for other in kept[1:]:
                    self.links.join(place, other)

    def kind(self, place: Place) -> str:
        """The kind of binding at a place of this cell; overloads are grouped with what they
        overload."""
        cell, i = place
        return self.index.names[i].kind if cell == self.cell else ""

    def written(self, places: list[int]) -> frozenset[Place]:
        names = self.index.names
        return frozenset((self.cell, i) for i in places if names[i].op in ("write", "update"))

    def told_apart(self, i: int, state: frozenset[Place]) -> frozenset[Place]:
        """Of a function and its result of the same name, the one that a place refers to."""
        results = self.links.results
        found = [results[seen] for seen in state if seen in results]
        if not found:
            return state
        functions = found[0].union(*found[1:])
        if not state & functions:
            return state
        return state - (results.keys() if is_applied(self.index, i) else functions)

    @cached_property
    def functions(self) -> set[int]:
        """The starts of the names of the cell's functions."""
        return {function.start for function in self.index.functions}

    def is_function(self, i: int) -> bool:
        name = self.index.names[i]
        return name.kind in CALLABLE or name.start in self.functions

    def as_one(self, seen: frozenset[Place], state: frozenset[Place]) -> frozenset[Place]:
        """The state, with many places that were just linked replaced by one: through it the next
        read is linked to all of them. Functions and their results are distinguished later.
        """
        if len(seen) <= _FEW:
            return state
        links = self.links
        alike = [
            one
            for one in seen
            if one[0]
            and one not in links.results
            and one not in links.functions
            and self.kind(one) != "overload"
        ]
        return state - set(alike) | {max(alike)} if len(alike) > _FEW else state

    def step(self, i: int, state: frozenset[Place]) -> frozenset[Place]:
        name = self.index.names[i]
        place = (self.cell, i)
        links = self.links
        links.find(place)
        if self.index.is_deferred(i):
            # A function may run at any time from here on, so it sees all later definitions.
            seen_here = self.told_apart(i, state)
            for seen in seen_here:
                links.join(place, seen)
            state = self.as_one(seen_here, state)
            self.late.append(place)
            links.is_only_called &= name.op == "read" and is_applied(self.index, i)
            for other in self.late[:1]:
                links.join(place, other)
            return state | {place} if name.op in ("write", "update") else state
        if name.op == "declare" and state:
            self.declared.append((place, self.told_apart(i, state)))
            return state
        if name.op == "write":
            for declared, _ in self.declared:
                links.join(declared, place)
            self.declared.clear()
            for seen in state if name.kind in ("function", "overload") else ():
                if self.kind(seen) == "overload":
                    links.join(place, seen)  # the overloads and the function that they overload
            if self.is_function(i):
                links.functions.add(place)
            if called := self.called.get(name.statement):
                links.results[place] = called
            if self.late and not (called and links.is_only_called):
                links.join(place, self.late[0])
            if (read := self.reads.get(name.statement)) is not None:
                links.carried.append((read, place))
            return frozenset((place,))
        seen_here = self.told_apart(i, state)
        for seen in seen_here:
            links.join(place, seen)
        if name.op == "delete":
            # In a function, a read after it still refers to the function's variable, and fails.
            return frozenset((place,)) if self.index.homes[i] != MODULE else frozenset()
        if name.op == "read":
            self.reads[name.statement] = place
            if is_applied(self.index, i):
                self.called[name.statement] = seen_here & links.functions
        elif name.op == "update":
            if self.late:
                links.join(place, self.late[0])
            return frozenset((place,))
        elif name.op == "declare":
            return frozenset((place,))
        return self.as_one(seen_here, state)

"""The keywords by which a renamed parameter is passed: those that change, and those that may."""

from __future__ import annotations

from dataclasses import dataclass, field, replace

from nextedit_jupyter.analysis.bindings import CellIndex, Function, normalised
from nextedit_jupyter.analysis.call_sites import calls_at
from nextedit_jupyter.analysis.index import NotebookIndex
from nextedit_jupyter.analysis.rename.callers import PARTIALS, Callers, may_reach
from nextedit_jupyter.analysis.rename.plan import Change, counted, listed_cells, without
from nextedit_jupyter.analysis.rename.textual import unpacked_keys, words_in_strings
from nextedit_jupyter.core import Silence


@dataclass(slots=True)
class Keywords:
    """Where calls pass a parameter by its name; `unsure` ones may mean another function's, and
    `counting` are the notes that count these."""

    certain: set[Change] = field(default_factory=set)
    unsure: set[Change] = field(default_factory=set)
    notes: list[str] = field(default_factory=list)
    counting: list[str] = field(default_factory=list)


def keyword_places(
    index: NotebookIndex, old: str, new: str, callers: Callers, function: Function | None
) -> Keywords | Silence:
    """`old=` in calls of a function, or why `new=` cannot be used there.

    Calls that pass `new=` already wait for it, as after a typo, unless something may take it.
    `function` is None for a lambda without a name, whose callers are unknown.
    """
    found = Keywords()
    splats = _splats(index, callers, function, old)
    if splats:  # arguments of the enclosing call may be passed on
        callers = replace(callers, is_passed_on=True)
    plain = normalised(new)
    takes_any = function is not None and any(p.kind == "stars" for p in function.parameters)
    is_taken = takes_any or bool(callers.decorators) or _takes(index, callers, function, plain)
    passing = {
        (id, k.target) for id, there in index.readable() for k in there.keywords if k.name == old
    }
    waiting: set[int] = set()
    for id, there in index.readable():
        for word in there.keywords:
            if word.name not in (old, plain):
                continue
            is_partial = word.callee.rpartition(".")[2] in PARTIALS
            certain = callers.has(id, word.target) or (
                is_partial and any(callers.has(id, place) for place in word.passed)
            )
            if not certain and not may_reach(index, id, word, callers, function):
                continue
            if word.name == plain:
                if takes_any or (certain and (is_taken or (id, word.target) in passing)):
                    where = f"cell {index.number(id)}"
                    return Silence("refused", f"`{new}` is already passed: {where}")
                if certain:
                    waiting.add(index.number(id))
            elif certain:
                found.certain.add(Change(id, word.start, word.end, new))
            else:
                found.unsure.add(Change(id, word.start, word.end, new))
    if takes_any and any(words_in_strings(index, plain, old, whole=True)):
        return Silence("refused", f"`{new}` may be a key of `**`")
    if waiting:
        where = listed_cells(sorted(waiting))
        found.notes.append(f"`{new}=` is already passed in {where}: nothing takes it")
    _add_unseen(index, old, new, callers, splats, found)
    return found


def _takes(index: NotebookIndex, callers: Callers, function: Function | None, name: str) -> bool:
    """Whether something that the calls may reach has a parameter of this name, or is not known."""
    return function is None or any(
        other.name == function.name
        and other.start in where
        and any(p.name == name or p.kind == "stars" for p in other.parameters)
        for id, where in callers.starts.items()
        for other in index.cells[id].functions
    )


def _splats(
    index: NotebookIndex, callers: Callers, function: Function | None, name: str
) -> set[int]:
    """The numbers of the cells whose calls of the function may pass the parameter with `**`."""
    found: set[int] = set()
    for id, there in index.readable():
        called = {splat.target for splat in there.splats if callers.has(id, splat.target)}
        if (
            called - _passing(there, called, function, name)
            or any(splat.target in callers.maybe.get(id, ()) for splat in there.splats)
            or any(callers.has(id, place) for splat in there.splats for place in splat.passed)
        ):
            found.add(index.number(id))
    return found


def _passing(there: CellIndex, called: set[int], function: Function | None, name: str) -> set[int]:
    """Those of the called places whose calls pass a parameter otherwise than with `**`, which so
    has no such key.

    An object counts as passed to `self` by the caller, which at worst finds too few.
    """
    found: set[int] = set()
    if function is None or not called:
        return found
    for call in calls_at(there, called):
        passed = [argument.keyword for argument in call.arguments]
        count = next((i for i, keyword in enumerate(passed) if keyword is not None), len(passed))
        by_position = [p.name for p in function.parameters[:count] if p.kind == "positional"]
        if name in passed or name in by_position:
            found.add(call.target)
    return found


def _add_unseen(
    index: NotebookIndex, old: str, new: str, callers: Callers, splats: set[int], found: Keywords
) -> None:
    """Note what may pass the parameter by name without a keyword in the text."""
    if callers.decorators:
        listed = ", ".join(f"`@{name}`" for name in callers.decorators[:2])
        found.notes.append(f"{listed} may use `{old}` by name")
    if splats:
        found.notes.append(f"{listed_cells(sorted(splats))}: a call with `**` may pass it")
    if splats or callers.is_passed_on:
        found.unsure |= unpacked_keys(index, old, new)
    found.unsure = without(found.unsure, found.certain)
    if found.unsure:
        what = "of objects whose class is not known" if callers.is_method else "that may be meant"
        found.counting.append(f"{counted(found.unsure)} `{old}=` {what}: left alone")

"""The keywords by which a renamed parameter is passed: those that change, and those that may."""

from __future__ import annotations

from dataclasses import dataclass, field, replace

from nextedit_jupyter.analysis.bindings import Function, normalised
from nextedit_jupyter.analysis.index import NotebookIndex
from nextedit_jupyter.analysis.rename.callers import PARTIALS, Callers, may_reach
from nextedit_jupyter.analysis.rename.plan import Change, counted, listed_cells, without
from nextedit_jupyter.analysis.rename.textual import unpacked_keys, words_in_strings
from nextedit_jupyter.core import Silence


@dataclass(slots=True)
class Keywords:
    """Where calls pass a parameter by its name; `unsure` ones may mean another function's."""

    certain: set[Change] = field(default_factory=set)
    unsure: set[Change] = field(default_factory=set)
    notes: list[str] = field(default_factory=list)


def keyword_places(
    index: NotebookIndex, old: str, new: str, callers: Callers, function: Function | None
) -> Keywords | Silence:
    """`old=` in calls of a function, or why `new=` cannot be used there.

    `function` is None for a lambda without a name, whose callers are unknown.
    """
    found = Keywords()
    splats = _splats(index, callers)
    if splats:  # arguments of the enclosing call may be passed on
        callers = replace(callers, is_passed_on=True)
    plain = normalised(new)
    takes_any = function is not None and any(p.kind == "stars" for p in function.parameters)
    is_free = function is not None and not takes_any and plain not in _names_of(function)
    calls: set[tuple[str, int]] = set()
    waiting: set[tuple[str, int]] = set()  # calls that pass what no parameter takes yet
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
                if certain and is_free:
                    waiting.add((id, word.target))
                elif certain or takes_any:
                    where = f"cell {index.number(id)}"
                    return Silence("refused", f"`{new}` is already passed: {where}")
            elif certain:
                calls.add((id, word.target))
                found.certain.add(Change(id, word.start, word.end, new))
            else:
                found.unsure.add(Change(id, word.start, word.end, new))
    if waiting:
        where = listed_cells(sorted({index.number(id) for id, _ in waiting}))
        if calls & waiting:
            return Silence("refused", f"`{new}` is already passed: {where}")
        found.notes.append(f"`{new}=` is already passed in {where}: no parameter takes it")
    if takes_any and any(words_in_strings(index, plain, old, whole=True)):
        return Silence("refused", f"`{new}` may be a key of `**`")
    _add_unseen(index, old, new, callers, splats, found)
    return found


def _names_of(function: Function) -> set[str]:
    return {normalised(parameter.name) for parameter in function.parameters}


def _splats(index: NotebookIndex, callers: Callers) -> set[int]:
    """The numbers of the cells that call the function with `**`."""
    return {
        index.number(id)
        for id, there in index.readable()
        for splat in there.splats
        if callers.has(id, splat.target)
        or splat.target in callers.maybe.get(id, ())
        or any(callers.has(id, place) for place in splat.passed)
    }


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
        found.notes.append(f"{counted(found.unsure)} `{old}=` {what}: left alone")

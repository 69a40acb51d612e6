"""Changed signatures, and the changes that they require of the function's callers.

A parameter that was added without a default, removed, moved or put behind a `*` or before a `/`
changes the arguments of every call; a `return` with more or fewer values changes the places that
unpack it.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from nextedit_jupyter.analysis.bindings import MODULE, CellIndex, Function, Parameter
from nextedit_jupyter.analysis.call_sites import (
    Call,
    Edit,
    argument_edits,
    calls_at,
    edited_calls,
)
from nextedit_jupyter.analysis.index import NotebookIndex, cell_index, index_notebook
from nextedit_jupyter.analysis.rename import (
    Change,
    Window,
    broken_notes,
    calls_of,
    cell_edits,
    places,
    windows,
)
from nextedit_jupyter.analysis.rename.callers import Callers, callers_of
from nextedit_jupyter.analysis.rename.classes import class_at, class_of_object
from nextedit_jupyter.core import CellEdit, KernelFacts, Notebook, Silence, SuggestRequest

# The placeholder for an unknown argument: it parses, and a reader sees that it is missing.
PLACEHOLDER = "..."
NO_SIGNATURE = "no signature was changed"


@dataclass(frozen=True, slots=True)
class SignaturePlan:
    """Changes to the callers of a function, in the texts of `notebook`.

    `left_alone` are cells that have calls but must not be changed.
    """

    function: str
    what: str
    notebook: Notebook
    changes: tuple[Change, ...]
    sites: int
    notes: tuple[str, ...] = ()
    confidence: float = 0.95
    left_alone: tuple[str, ...] = ()

    @property
    def label(self) -> str:
        cells = len({change.cell for change in self.changes})
        return f"{self.what}: {places(self.sites, cells)}"

    def edits(self) -> tuple[CellEdit, ...]:
        return cell_edits(self.notebook, self.changes)


def detect_signature(request: SuggestRequest) -> SignaturePlan | Silence:
    """The changes that the last edits of a function's signature or `return` require of its
    callers."""
    if not request.history or request.history[-1].origin in ("undone", "remote"):
        return Silence("no_change", NO_SIGNATURE)
    for window in windows(request):
        if len(window.alignments) == 1 and (found := _detect(request, window)) is not None:
            return found
    return Silence("no_change", NO_SIGNATURE)


def _detect(request: SuggestRequest, window: Window) -> SignaturePlan | Silence | None:
    (cell,) = window.alignments
    now = request.notebook.cell(cell)
    was = window.before.cell(cell)
    if now is None or was is None:
        return None
    before, after = cell_index(was.source), cell_index(now.source)
    if before.broken or after.broken or not before.is_python:
        return None
    changed = [
        (old, new)
        for old, new in _pairs(before, after)
        if _shape(old) != _shape(new) or _returned(old) != _returned(new)
    ]
    if len(changed) != 1:
        return None
    old, new = changed[0]
    caret = request.caret
    if caret.cell == cell and window.events[0].origin == "typed":
        known = {p.name for p in old.parameters}
        if any(p.name not in known and p.end == caret.offset for p in new.parameters):
            return Silence("low_confidence", "the parameter is still being typed")
    index = index_notebook(request.notebook, request.facts)
    if _shape(old) != _shape(new):
        adapted = _adapted(before, after, index, cell, new)
        return _plan_parameters(index, cell, old, new, adapted)
    return _plan_returns(index, cell, old, new)


def _pairs(before: CellIndex, after: CellIndex) -> Iterator[tuple[Function, Function]]:
    """Pairs of functions with the same name and enclosing scopes in both texts."""
    was = _by_name(before)
    for name, function in _by_name(after).items():
        if name in was:
            yield was[name], function


def _by_name(index: CellIndex) -> dict[tuple[str, ...], Function]:
    found: dict[tuple[str, ...], Function] = {}
    twice = set()
    for function in index.functions:
        name = (
            function.name,
            *(index.scopes[s].name for s in index.enclosing(function.outer)),
        )
        if name in found:
            twice.add(name)
        found[name] = function
    return {name: function for name, function in found.items() if name not in twice}


def _shape(function: Function) -> tuple[tuple[str, str, bool], ...]:
    return tuple((p.name, p.kind, p.has_default) for p in function.parameters)


def _returned(function: Function) -> set[int]:
    return {len(values) for values in function.returns}


def _adapted(
    before: CellIndex, after: CellIndex, index: NotebookIndex, cell: str, function: Function
) -> frozenset[int]:
    """The starts of calls in the function's cell that the user changed along with it."""
    had = before.masked.source
    starts = callers_of(index, cell, function).starts.get(cell, set())
    return frozenset(
        call.open
        for call in calls_at(after, starts)
        if after.masked.source[call.target : call.close] not in had
    )


def _plan_parameters(
    index: NotebookIndex, cell: str, old: Function, new: Function, adapted: frozenset[int]
) -> SignaturePlan | Silence | None:
    """`adapted` are places of calls in `cell` that were already changed."""
    what = _what_changed(index, cell, old, new)
    if what is None or isinstance(what, Silence):
        return what
    callers = callers_of(index, cell, new)
    if others := _other_definitions(index, cell, new, callers):
        return Silence("low_confidence", f"{others} defines `{new.name}` too")
    method = index.cells[cell].scopes[new.outer].kind == "class"
    by_class = any("classmethod" in d for d in new.decorators)
    changes: list[Change] = []
    notes: list[str] = []
    sites = unpacked = crowded = 0
    removed: list[str] = []
    for id in (id for id in index.cells if id in callers.starts):

        def rebind(call: Call, id: str = id) -> list[Edit] | None:
            if id == cell and call.open in adapted:
                return []
            unbound = not by_class and _is_unbound(index, id, call.target)
            drop = 1 if _is_bound(index, cell, new) and not unbound else 0
            return _rebind(index, id, call, old.parameters[drop:], new.parameters[drop:])

        found = edited_calls(calls_at(index.cells[id], callers.starts[id]), rebind)
        changes += [Change(id, *edit) for edit in found.edits]
        source = index.cells[id].masked.source
        removed += [source[start:end] for start, end, text in found.edits if not text]
        sites += found.sites
        unpacked += found.unpacked
        crowded += found.crowded
    if unpacked:
        why = "with `*` or `**`"
        if any(p.kind == "positional_only" for p in new.parameters):
            why += ", or without an argument before these"
        notes.append(f"{unpacked} call{'s' * (unpacked != 1)} {why}: left alone")
    if crowded:
        many = "s" * (crowded != 1)
        notes.append(f"{crowded} call{many} around too many other calls of it: left alone")
    if callers.is_passed_on:
        notes.append(f"`{new.name}` is used without being called: calls elsewhere are not seen")
    if any("(" in text or ":=" in text or "await" in text for text in removed):
        notes.append("the removed arguments contain calls, which are no longer made")
    if method and (count := _unknown_calls(index, new.name, callers)):
        many = "s" * (count != 1)
        notes.append(f"{count} call{many} of `.{new.name}` of objects whose class is not known")
    notes += broken_notes(index, new.name)
    if not changes:
        return Silence("no_change", f"no call of `{new.name}` has to change")
    unknown = any(PLACEHOLDER in change.text for change in changes)
    sure = 0.9 if unknown else 0.95
    return SignaturePlan(new.name, what, index.notebook, tuple(changes), sites, tuple(notes), sure)


def _other_definitions(
    index: NotebookIndex, cell: str, function: Function, callers: Callers
) -> str:
    """The cell of another definition that the calls may reach: in a subclass or a branch."""
    for id, starts in callers.starts.items():
        for other in index.cells[id].functions:
            if other.start in starts and (id, other.scope) != (cell, function.scope):
                return f"cell {index.number(id)}"
    return ""


def _unknown_calls(index: NotebookIndex, method: str, callers: Callers) -> int:
    return sum(
        a.name == method
        and there.masked.source[a.end : a.end + 1] == "("
        and not callers.has(id, a.start)
        and class_of_object(index, id, a) is None
        for id, there in index.readable()
        for a in there.attributes
    )


def _what_changed(
    index: NotebookIndex, cell: str, old: Function, new: Function
) -> str | Silence | None:
    """What the callers have to do, in words; None if nothing."""
    if any(p.kind in ("star", "stars") for p in (*old.parameters, *new.parameters)):
        return None
    was, now = [p.name for p in old.parameters], [p.name for p in new.parameters]
    if len(set(was)) != len(was) or len(set(now)) != len(now):
        # A name typed over another: treated as a removal, it would delete arguments.
        return Silence("low_confidence", f"two parameters of `{new.name}` have the same name")
    added = [name for name in now if name not in was]
    removed = [name for name in was if name not in now]
    if added and removed:
        return None  # one was renamed to the other
    defaulted = {p.name for p in new.parameters if p.has_default}
    kept = [name for name in now if name in was]
    shown = _shown(index, cell, new)
    if added:
        missing = [name for name in added if name not in defaulted]
        inserted = any(name in added for name in now[: len(was)])
        if missing or inserted:
            return f"add {_listed(added)} to calls of `{shown}`"
    if removed:
        if used := [name for name in removed if _is_free(index, cell, new, name)]:
            return Silence("low_confidence", f"{_listed(used)} is still used in `{new.name}`")
        return f"remove {_listed(removed)} from calls of `{shown}`"
    if kept != was:
        return f"reorder the arguments in calls of `{shown}`"
    ways = _ways(old, new, 1 if _is_bound(index, cell, new) else 0)
    return f"pass {ways} in calls of `{shown}`" if ways else None


def _ways(old: Function, new: Function, first: int) -> str:
    """How the parameters from the `first` on are passed that a `*` or a `/` was put beside."""
    kinds = {p.name: p.kind for p in old.parameters}
    changed = [p for p in new.parameters[first:] if kinds.get(p.name, p.kind) != p.kind]
    by_position = [p.name for p in changed if p.kind == "positional_only"]
    by_name = [p.name for p in changed if p.kind == "keyword"]
    ways = [(by_position, "position"), (by_name, "name")]
    return " and ".join(f"{_listed(names)} by {way}" for names, way in ways if names)


def _is_bound(index: NotebookIndex, cell: str, function: Function) -> bool:
    """Whether the first parameter is the object or the class that a method is called on."""
    is_method = index.cells[cell].scopes[function.outer].kind == "class"
    return is_method and not any("staticmethod" in d for d in function.decorators)


def _is_free(index: NotebookIndex, cell: str, function: Function, name: str) -> bool:
    """Whether a function reads a name that neither it nor the notebook defines."""
    here = index.cells[cell]
    if index.definitions(name) or index.facts.named(name) is not None:
        return False
    return any(
        function.scope in here.enclosing(here.names[i].scope)
        for i in here.streams.get((MODULE, name), ())
    )


def _is_unbound(index: NotebookIndex, cell: str, target: int) -> bool:
    """Whether a method is called through its class, as in `Box.grow(box, 2)`, where self is
    passed."""
    here = index.cells[cell]
    for attribute in here.attributes:
        if attribute.start == target and (i := here.starts.get(attribute.root)) is not None:
            return attribute.object.isidentifier() and class_at(index, cell, i) is not None
    return False


def _shown(index: NotebookIndex, cell: str, function: Function) -> str:
    """The name that callers use: the class's for `__init__`."""
    if function.name == "__init__":
        return index.cells[cell].scopes[function.outer].name
    return function.name


def _listed(names: list[str]) -> str:
    return ", ".join(f"`{name}`" for name in names)


def _rebind(
    index: NotebookIndex,
    cell: str,
    call: Call,
    was: tuple[Parameter, ...],
    now: tuple[Parameter, ...],
) -> list[Edit] | None:
    """Edits of one call's arguments; None where `*` or `**` hide what is passed, or an argument
    can no longer be passed without the one before it.

    Each argument is bound to its old parameter and passed to the same one again: by position until
    a parameter is omitted, by keyword after that.
    """
    if any(a.keyword in ("*", "**") for a in call.arguments):
        return None
    positional = [a for a in call.arguments if a.keyword is None]
    old_order = [p.name for p in was if p.kind != "keyword"]
    if len(positional) > len(old_order):
        return []
    given = dict(zip(old_order, (a.text for a in positional), strict=False))
    keywords = {a.keyword: a.text for a in call.arguments if a.keyword}
    old_names, new_names = {p.name for p in was}, {p.name for p in now}
    for p in now:
        if p.kind == "positional_only" and p.name in keywords:
            given[p.name] = next(a.value for a in call.arguments if a.keyword == p.name)
            del keywords[p.name]
    plain: list[str] = []
    named: list[str] = []
    extra: list[str] = []
    gap = False
    for p in now:
        value = given.get(p.name)
        if p.name in keywords or (value is None and (p.name in old_names or p.has_default)):
            gap = True
            continue
        more = named if p.name in given and p.kind == "keyword" else extra
        if value is None:
            value = argument_for(index, cell, call.scope_at, p)
        if gap and p.kind == "positional_only":
            return None
        if gap or p.kind == "keyword":
            more.append(f"{p.name}={value}")
        else:
            plain.append(value)
    kept = [text for name, text in keywords.items() if name in new_names or name not in old_names]
    return argument_edits(call, [*plain, *named, *kept, *extra])


def argument_for(index: NotebookIndex, cell: str, at: int, parameter: Parameter) -> str:
    """The argument to pass: a name in the caller's scope with the parameter's name, or the only one
    of its type; otherwise a placeholder."""
    here = index.cells[cell]
    scope = _scope_at(here, at)
    for around in here.enclosing(scope):
        if around != MODULE and parameter.name in here.scopes[around].binds:
            return parameter.name
    order = list(index.sequence)
    limit = len(order) - 1 - order[::-1].index(cell) if cell in order else len(order)
    before = set(order[: limit + 1])
    for id, i in index.definitions(parameter.name):
        name = index.cells[id].names[i]
        if id in before and (id != cell or name.start < at or scope != MODULE):
            return parameter.name
    if index.facts.named(parameter.name) is not None and not index.definitions(parameter.name):
        return parameter.name
    wanted = parameter.annotation.strip("'\"").rpartition(".")[2]
    if wanted:
        fitting = _of_type(index.facts, wanted, index.bound_names())
        if len(fitting) == 1:
            return fitting[0]
    return PLACEHOLDER


def _of_type(facts: KernelFacts, type: str, bound: frozenset[str]) -> list[str]:
    return [
        known.name
        for known in facts.names
        if known.type.rpartition(".")[2] == type and known.name in bound
    ]


def _scope_at(index: CellIndex, at: int) -> int:
    best = MODULE
    for i, scope in enumerate(index.scopes):
        around = scope.start <= at < scope.end and scope.kind in ("function", "lambda")
        if around and index.scopes[best].start <= scope.start:
            best = i
    return best


def _calls(index: NotebookIndex, cell: str, function: Function) -> Iterator[tuple[str, Call]]:
    """The calls of a function in all cells, in document order."""
    found = calls_of(index, cell, function)
    for id in index.cells:
        if starts := found.get(id):
            for call in calls_at(index.cells[id], starts):
                yield id, call


def _plan_returns(
    index: NotebookIndex, cell: str, old: Function, new: Function
) -> SignaturePlan | Silence | None:
    if len(_returned(old)) != 1 or len(_returned(new)) != 1:
        return None
    was, now = old.returns[-1], new.returns[-1]
    if len(was) < 2:
        return None
    changes: list[Change] = []
    notes: list[str] = []
    sites = 0
    more = len(now) - len(was)
    for id, call in _calls(index, cell, new):
        targets = list(call.targets)
        if len(targets) != len(was):
            continue
        source = index.cell(id).source
        texts = [source[start:end] for start, end in targets]
        following = _follow(index, id, call, was, now, texts)
        if following is None:
            return None
        if len(following) == 1 and len(targets) > 1:
            changes.append(Change(id, targets[0][0], targets[-1][1], following[0]))
        elif more > 0 and following[: len(texts)] == texts:
            added = "".join(f", {text}" for text in following[len(texts) :])
            changes.append(Change(id, targets[-1][1], targets[-1][1], added))
        else:
            changes.append(Change(id, targets[0][0], targets[-1][1], ", ".join(following)))
        gone = [text for text in texts if text not in following and text.isidentifier()]
        for name in gone:
            users = index.module_places(name)
            if sum(map(len, users.values())) > 1:
                notes.append(f"`{name}` is still used")
        sites += 1
    if not changes:
        return Silence("no_change", f"no unpacking of `{new.name}` has to change")
    word = "values" if len(now) != 1 else "value"
    return SignaturePlan(
        new.name,
        f"unpack {len(now)} {word} of `{new.name}`",
        index.notebook,
        tuple(changes),
        sites,
        tuple(dict.fromkeys(notes)) + tuple(broken_notes(index, new.name)),
        0.9,
    )


def _follow(
    index: NotebookIndex,
    cell: str,
    call: Call,
    was: tuple[str, ...],
    now: tuple[str, ...],
    targets: list[str],
) -> list[str] | None:
    """The targets for the values now returned; None if it is unclear which value is which."""
    if len(set(was)) != len(was) or len(set(now)) != len(now):
        return None
    kept = [value for value in now if value in was]
    if len(now) > len(was) and len(kept) != len(was):
        return None
    if len(now) < len(was) and len(kept) != len(now):
        return None
    taken = index.bound_names()
    found = []
    for value in now:
        if value in was:
            found.append(targets[was.index(value)])
        elif value.isidentifier() and value not in taken and value not in targets:
            found.append(value)
        else:
            found.append("_")
    return found

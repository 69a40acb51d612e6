"""Detects renames in the last edits: which name became which, and whether that is a rename at all.

A definition whose name changed is one, and so is a use that became an unknown name. A use that
became an existing name is a bug fix, and a copied definition is a new name.
"""

from __future__ import annotations

import builtins
import keyword
import re
from collections.abc import Iterator
from dataclasses import replace

from nextedit_jupyter.analysis.bindings import MODULE, CellIndex, Keyword, Name
from nextedit_jupyter.analysis.flow import Place
from nextedit_jupyter.analysis.index import NotebookIndex, cell_index, index_notebook
from nextedit_jupyter.analysis.rename.alignment import Swap, Window, in_word, windows
from nextedit_jupyter.analysis.rename.callers import parameter_of_keyword
from nextedit_jupyter.analysis.rename.changed_uses import kept_as_member, taken_for_another
from nextedit_jupyter.analysis.rename.copied import apart_from_original
from nextedit_jupyter.analysis.rename.dangling import is_dangling, plan_dangling
from nextedit_jupyter.analysis.rename.half_typed import half_typed
from nextedit_jupyter.analysis.rename.orphaned import is_orphaned, source_of
from nextedit_jupyter.analysis.rename.plan import Change, RenamePlan, Target
from nextedit_jupyter.analysis.rename.planner import plan, target_of_attribute, target_of_name
from nextedit_jupyter.analysis.rename.records import record_of_keyword
from nextedit_jupyter.analysis.rename.rewrite import is_made_otherwise, is_rewritten
from nextedit_jupyter.core import Notebook, Silence, SuggestRequest, text_hash

_IDENTIFIER = re.compile(r"[^\W\d]\w*")
# How many other edits may follow a rename.
RECENT_EVENTS = 3
_DEFINES = ("write", "update", "declare")
# Definitions renamed at once; more than that is a rewrite.
_MAX_NAMES = 4


def detect(request: SuggestRequest) -> RenamePlan | Silence:
    """The rename that the last edits began, with its remaining places; or why there is none."""
    if not request.history:
        return Silence("no_change", "nothing was edited")
    last = request.history[-1]
    if last.origin == "undone":
        return Silence("reverts_user", "the last edit was undone")
    if last.origin == "remote":
        return Silence("no_change", "the last edit is not this person's")
    edited = request.notebook.cell(last.cell)
    if edited is None or edited.source != last.after:
        return Silence("stale", "the cell has changed since")
    verdict: Silence | None = None
    best: RenamePlan | None = None
    replaced: dict[str, None] = {}
    settled: dict[str, None] = {}
    for window in windows(request):
        found = _detect(request, window)
        if isinstance(found, RenamePlan):
            best = _fuller(best, found)
        elif best is None:
            replaced.update(dict.fromkeys(found.replaced))
            settled.update(dict.fromkeys(found.settled))
            if verdict is None or (verdict.reason != "refused" and found.reason == "refused"):
                verdict = found
        # What was written before the rename is only in a window that begins after that.
        if best is not None and not best.is_guess and window.begins_with_names:
            return best
    if best is not None:
        return best
    verdict = verdict or Silence("no_change", "no name was changed")
    return replace(verdict, replaced=tuple(replaced), settled=tuple(settled))


def _fuller(one: RenamePlan | None, other: RenamePlan) -> RenamePlan:
    """Of two plans of the same rename, the one with more places; of different ones, the first that
    follows a definition."""
    if one is None or (one.is_guess and not other.is_guess):
        return other
    is_same = (one.old, one.new, one.also) == (other.old, other.new, other.also)
    return other if is_same and len(other.changes) > len(one.changes) else one


def _detect(request: SuggestRequest, window: Window) -> RenamePlan | Silence:
    nothing = Silence("no_change", "no name was changed")
    single = len(window.alignments) == 1
    swaps: list[tuple[str, Swap]] = []
    for cell, alignment in window.alignments.items():
        # An edit elsewhere that changes no name leaves an earlier rename valid for a while.
        is_other = not alignment.pure and not single
        if is_other and (alignment.swaps or len(window.events) > RECENT_EVENTS):
            return nothing
        swaps += [(cell, swap) for swap in alignment.swaps]
    index = index_notebook(window.before, request.facts)
    if single and (imported := _import_alias(request, window, index)) is not None:
        return imported
    if not swaps:
        return nothing
    roles = _Roles()
    for cell, swap in swaps:
        here = index.cells.get(cell)
        if here is None or not (here.is_python or swap.start in here.starts):
            continue
        if swap.start in here.starts and _is_name_no_more(request.notebook, cell, swap):
            continue
        if here.broken:
            return Silence("breaks_syntax", f"cell {index.number(cell)} did not parse")
        roles.add(index, cell, swap)
    if not roles.pairs:
        return nothing
    if len(roles.pairs) > 1:
        return (
            _several(request, window, index, roles)
            or _is_replaced(request, window, index, roles.names)
            or nothing
        )
    ((old, new),) = roles.pairs
    if any(cell_index(source_of(request.notebook, cell)).broken for cell in window.alignments):
        if keyword.iskeyword(new):
            return Silence("refused", f"`{new}` is a keyword")
        return Silence("breaks_syntax", "the edited cell does not parse")
    found = _plan(request, window, index, roles, old, new)
    if isinstance(found, Silence):
        return found
    done = {(cell, swap.start) for cell, swap in swaps}
    return _remaining(found, request, window, index, done)


def _several(
    request: SuggestRequest, window: Window, index: NotebookIndex, roles: _Roles
) -> RenamePlan | Silence | None:
    """Several definitions that were renamed at once: `a, b = f()` to `c, d = f()`."""
    is_plain = not roles.attributes and not roles.keywords and len(roles.pairs) <= _MAX_NAMES
    if not is_plain or not all(a.pure for a in window.alignments.values()):
        return None
    if len({old for old, _ in roles.pairs}) != len({new for _, new in roles.pairs}):
        return None
    plans: list[RenamePlan] = []
    for old, new in sorted(roles.pairs):
        own = _Roles()
        own.names = [(place, s) for place, s in roles.names if (s.old, s.new) == (old, new)]
        own.pairs = {(old, new)}
        places = [place for place, _ in own.names]
        if not any(_name(index, place).op in ("write", "update") for place in places):
            return None
        found = _plan(request, window, index, own, old, new)
        if isinstance(found, Silence):
            return found
        done = {(place[0], swap.start) for place, swap in own.names}
        left = _remaining(found, request, window, index, done)
        if isinstance(left, RenamePlan):
            plans.append(left)
    if not plans:
        return None
    first, *others = plans
    return replace(
        first,
        also=tuple((plan.old, plan.new) for plan in others),
        changes=tuple(c for plan in plans for c in plan.changes),
        optional=tuple(c for plan in plans for c in plan.optional),
        notes=tuple(dict.fromkeys(note for plan in plans for note in plan.notes)),
    )


def _import_alias(
    request: SuggestRequest, window: Window, index: NotebookIndex
) -> RenamePlan | Silence | None:
    """`import a` became `import a as b`, or the reverse: the bound name changed."""
    (cell,) = window.alignments
    before, after = index.cells.get(cell), cell_index(source_of(request.notebook, cell))
    if before is None or before.broken or after.broken:
        return None
    was, now = _imports(before), _imports(after)
    changed = [path for path in was if path in now and now[path][1] != was[path][1]]
    names = {(was[path][1], now[path][1]) for path in changed}
    if len(names) != 1:  # several paths, as in `try` and `except`, may have one name
        return None
    ((_, new),) = names
    starts = [was[path][0] for path in changed]
    target = target_of_name(index, (cell, before.starts[starts[0]]))
    target.seeds = [(cell, before.starts[start]) for start in starts]
    found = plan(index, target, new, edited=target.seeds)
    if isinstance(found, Silence):
        return found
    return _remaining(found, request, window, index, {(cell, start) for start in starts})


def _imports(index: CellIndex) -> dict[str, tuple[int, str]]:
    """Modules that are imported once: the place of the bound name, and the name."""
    found: dict[str, tuple[int, str]] = {}
    twice = set()
    for start, path in index.imports.items():
        name = index.names[index.starts[start]]
        if path in found:
            twice.add(path)
        if name.kind != "package":
            found[path] = (start, name.name)
    return {path: value for path, value in found.items() if path not in twice}


class _Roles:
    """The roles of the changed words: names, attributes, keywords; prose has none."""

    def __init__(self) -> None:
        self.names: list[tuple[Place, Swap]] = []
        self.attributes: list[tuple[str, Swap]] = []
        self.keywords: list[tuple[str, Swap]] = []
        self.pairs: set[tuple[str, str]] = set()
        self._starts: dict[str, tuple[frozenset[int], ...]] = {}

    def add(self, index: NotebookIndex, cell: str, swap: Swap) -> None:
        here = index.cells[cell]
        if (i := here.starts.get(swap.start)) is not None:
            self.names.append(((cell, i), swap))
        elif swap.start in self._starts_of(cell, here)[0]:
            self.attributes.append((cell, swap))
        elif swap.start in self._starts_of(cell, here)[1]:
            self.keywords.append((cell, swap))
        elif _is_prose(here, swap.start):
            return
        self.pairs.add((swap.old, swap.new))

    def _starts_of(self, cell: str, index: CellIndex) -> tuple[frozenset[int], ...]:
        if (found := self._starts.get(cell)) is None:
            both = index.attributes, index.keywords
            found = self._starts[cell] = tuple(frozenset(x.start for x in one) for one in both)
        return found


def _is_prose(index: CellIndex, start: int) -> bool:
    """Whether what begins here is a comment or in a string."""
    line = index.masked.text[index.masked.text.rfind("\n", 0, start) + 1 : start]
    return any(mark in line for mark in "#'\"") or _in_triple(index.masked.text, start)


def _is_name_no_more(now: Notebook, cell: str, swap: Swap) -> bool:
    """Whether the word that a name became is part of a text."""
    after = cell_index(source_of(now, cell))
    return not after.broken and swap.now not in after.starts


def _in_triple(text: str, start: int) -> bool:
    return (text.count('"""', 0, start) % 2 or text.count("'''", 0, start) % 2) == 1


def _plan(
    request: SuggestRequest,
    window: Window,
    index: NotebookIndex,
    roles: _Roles,
    old: str,
    new: str,
) -> RenamePlan | Silence:
    ran = any(
        run.hash == text_hash(source_of(request.notebook, run.cell))
        for run in request.facts.runs
        if run.cell in window.alignments
    )
    if roles.names:
        places = [place for place, _ in roles.names]
        defined = [p for p in places if _name(index, p).op in _DEFINES]
        groups = {_home(index, place) for place in places}
        if len(groups) > 1:
            if not defined:
                return Silence("no_change", "names of several scopes were changed")
            groups = {_home(index, place) for place in defined}
            if len(groups) > 1:
                return Silence("no_change", "names of several scopes were changed")
        (group,) = groups
        if (other := _is_replaced(request, window, index, roles.names)) is not None:
            return other
        if any(
            is_made_otherwise(window, place[0], swap, source_of(request.notebook, place[0]))
            for place, swap in roles.names
            if place in defined
        ):
            return Silence("no_change", f"`{new}` is made in another way: a guess, not a rename")
        seeds = [place for place in places if _home(index, place) == group]
        target = target_of_name(index, seeds[0])
        target.seeds = seeds
        if refusal := half_typed(request, window, index, old, new, bool(defined)):
            return refusal
        if defined:
            if (other := kept_as_member(request.notebook, window, old, new)) is not None:
                return other
            if _is_still_defined(request, window, index, group, old):
                return Silence(
                    "no_change", f"`{old}` is still defined: this is a new name, not a rename"
                )
        else:
            if _exists(request, index, seeds[0], new):
                if group == ("", MODULE) and is_dangling(index, old, new):
                    return plan_dangling(index, old, new)
                return Silence("no_change", f"`{new}` exists: a use was changed, not a definition")
            if (other := taken_for_another(request.notebook, window, roles.names)) is not None:
                return other
        found = plan(index, target, new, edited=seeds, ran=ran)
        return _of_another_member(index, _guessed(found, not defined), seeds[0])
    if roles.keywords or roles.attributes:
        return _plan_member(request, window, index, roles, old, new)
    return Silence("no_change", "no name was changed")


def _plan_member(
    request: SuggestRequest,
    window: Window,
    index: NotebookIndex,
    roles: _Roles,
    old: str,
    new: str,
) -> RenamePlan | Silence:
    """The rename of a parameter, field or member that a changed keyword or attribute suggests."""
    cell, swap = (roles.keywords or roles.attributes)[0]
    here = index.cells[cell]
    found: Target | Silence
    if roles.keywords:
        word = next(k for k in here.keywords if k.start == swap.start)
        is_definition, found = True, _target_of_keyword(index, cell, word)
    else:
        attribute = next(a for a in here.attributes if a.start == swap.start)
        is_definition = attribute.op != "read"
        found = target_of_attribute(index, cell, attribute)
    if is_definition and _gave_way(request, window, index, cell, swap):
        return _replaced(old)
    if isinstance(found, Silence):
        return Silence("no_change", found.detail)
    if not roles.keywords:
        half = half_typed(request, window, index, old, new, is_definition)
        if half is not None:
            return half
    return _guessed(plan(index, found, new), not is_definition)


def _guessed(found: RenamePlan | Silence, is_guess: bool) -> RenamePlan | Silence:
    return found if isinstance(found, Silence) else replace(found, is_guess=is_guess)


def _target_of_keyword(index: NotebookIndex, cell: str, word: Keyword) -> Target | Silence:
    parameter = parameter_of_keyword(index, cell, word.target, word.name)
    if parameter is not None:
        return parameter
    if family := record_of_keyword(index, cell, word):
        return Target(word.name, [], family)
    return Silence("no_change", "no cell defines the called function")


def _is_replaced(
    request: SuggestRequest,
    window: Window,
    index: NotebookIndex,
    names: list[tuple[Place, Swap]],
) -> Silence | None:
    """Why the edited definitions say nothing about the uses of the old names; None if they do."""
    gone = [
        swap.old
        for place, swap in names
        if _name(index, place).op in _DEFINES and _gave_way(request, window, index, place[0], swap)
    ]
    return _replaced(*dict.fromkeys(gone)) if gone else None


def _gave_way(
    request: SuggestRequest, window: Window, index: NotebookIndex, cell: str, swap: Swap
) -> bool:
    """Whether another definition replaced this one, and its uses should stay."""
    now = request.notebook
    return is_rewritten(window, cell, swap, source_of(now, cell)) and not is_orphaned(
        index, now, cell, swap
    )


def _of_another_member(
    index: NotebookIndex, found: RenamePlan | Silence, place: Place
) -> RenamePlan | Silence:
    """Notes that an import now binds something else: its uses follow, and may behave
    differently."""
    name = _name(index, place)
    if isinstance(found, Silence) or name.kind not in ("member", "import") or name.op != "write":
        return found
    module = index.cells[place[0]].imports.get(name.start, "").rpartition(":")[0]
    where = f"from `{module}` " if module else ""
    note = f"`{found.new}` is imported {where}in place of `{found.old}`"
    return replace(found, notes=(note, *found.notes), confidence=0.95)


def _replaced(*old: str) -> Silence:
    listed = ", ".join(f"`{name}`" for name in old)
    return Silence(
        "no_change", f"the definition of {listed} was replaced, not renamed", replaced=old
    )


def _name(index: NotebookIndex, place: Place) -> Name:
    return index.cells[place[0]].names[place[1]]


def _home(index: NotebookIndex, place: Place) -> tuple[str, int]:
    home = index.cells[place[0]].homes[place[1]]
    return ("", MODULE) if home == MODULE else (place[0], home)


def _is_still_defined(
    request: SuggestRequest,
    window: Window,
    index: NotebookIndex,
    group: tuple[str, int],
    old: str,
) -> bool:
    """Whether the edited cells define the old name as often as before: copied, not renamed."""
    for cell in window.alignments:
        before, after = index.cells.get(cell), cell_index(source_of(request.notebook, cell))
        if before is None:
            continue
        was, now = _writes(before, old, group[1] == MODULE), _writes(after, old, group[1] == MODULE)
        if was and now >= was:
            return True
    return False


def _writes(index: CellIndex, name: str, module: bool) -> int:
    return sum(
        index.names[i].op in _DEFINES
        for (home, known), places in index.streams.items()
        if known == name and (home == MODULE) == module
        for i in places
    )


def _exists(request: SuggestRequest, index: NotebookIndex, place: Place, name: str) -> bool:
    """Whether a use at `place` would find a definition of this name."""
    cell, i = place
    here = index.cells[cell]
    if hasattr(builtins, name) or request.facts.named(name) is not None:
        return True
    if any(
        name in here.scopes[scope].binds
        for scope in here.enclosing(here.names[i].scope)
        if scope != MODULE
    ):
        return True
    return name in index.bound_names()


def _remaining(
    found: RenamePlan,
    request: SuggestRequest,
    window: Window,
    index: NotebookIndex,
    done: set[tuple[str, int]],
) -> RenamePlan | Silence:
    """The plan for the notebook as it is now: without the places that were changed by hand, and
    those of a cell of which the edited one is a copy.
    """
    todo = tuple(change for change in found.changes if (change.cell, change.start) not in done)
    left = tuple(_carried(todo, request.notebook, window))
    if not left:
        why = f"nothing is left to rename to `{found.new}`"
        return Silence("no_change", why, settled=(found.old,))
    now = replace(
        found,
        notebook=request.notebook,
        changes=left,
        optional=tuple(_carried(found.optional, request.notebook, window)),
    )
    return apart_from_original(now, index, window, request.history)


def _carried(changes: tuple[Change, ...], notebook: Notebook, window: Window) -> Iterator[Change]:
    for change in changes:
        alignment = window.alignments.get(change.cell)
        if alignment is None:
            yield change
            continue
        was = source_of(window.before, change.cell)[change.start : change.end]
        start = alignment.map(change.start)
        text = source_of(notebook, change.cell)
        if start is None or text[start : start + len(was)] != was:
            continue
        if in_word(text, start) or in_word(text, start + len(was)):
            continue
        yield replace(change, start=start, end=start + len(was))

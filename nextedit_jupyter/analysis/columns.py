"""Columns of data frames: where a frame's column is named, and what changes when it is renamed.

A column's name is a string, and strings are left alone unless the user changed one, and the
notebook or the kernel shows that it is a column of that frame.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator
from dataclasses import replace
from itertools import islice

from nextedit_jupyter.analysis.bindings import MODULE, CellIndex
from nextedit_jupyter.analysis.column_spots import Spot, all_spots, is_of_a_column, spots_of
from nextedit_jupyter.analysis.columns_kept import one_more_made
from nextedit_jupyter.analysis.composed_queries import words_of_composed
from nextedit_jupyter.analysis.flow import Place
from nextedit_jupyter.analysis.frame_parts import is_called, statement_around
from nextedit_jupyter.analysis.frames_apart import in_apart, not_changed_by, with_another_value
from nextedit_jupyter.analysis.index import NotebookIndex, cell_index, index_notebook
from nextedit_jupyter.analysis.other_columns import OtherColumn, is_named_in_chain, other_columns
from nextedit_jupyter.analysis.rename import (
    Change,
    RenamePlan,
    Window,
    broken_notes,
    mentions,
    windows,
)
from nextedit_jupyter.analysis.rename.half_typed import looks_half_typed
from nextedit_jupyter.analysis.rename.plan import listed_cells
from nextedit_jupyter.analysis.rename.textual import words_in_strings
from nextedit_jupyter.analysis.written_columns import (
    named_where_made,
    unchecked_notes,
    written_otherwise,
)
from nextedit_jupyter.core import KernelFacts, Notebook, Silence, SuggestRequest
from nextedit_jupyter.core.word_characters import is_word_character

# The frames whose columns are tried as what is read at the caret, those that its statement names
# first, and a word's length.
MAX_FRAMES, MAX_WORD = 8, 200
NO_COLUMN = "no column was changed"
NO_COLUMN_HERE = "there is no column at the caret"


def detect_column(request: SuggestRequest) -> RenamePlan | Silence:
    """The rename that a changed column name begins, with its other places."""
    if not request.history or request.history[-1].origin in ("undone", "remote"):
        return Silence("no_change", NO_COLUMN)
    verdict = Silence("no_change", NO_COLUMN)
    for window in windows(request):
        if len(window.alignments) == 1:
            found = _detect(request, window)
            if isinstance(found, RenamePlan):
                return found
            if found is not None and verdict.detail == NO_COLUMN:
                verdict = found
    return verdict


def plan_column(
    notebook: Notebook, facts: KernelFacts, cell: str, offset: int, new: str
) -> RenamePlan | Silence:
    """Rename the column whose name is at `offset`, for the explicit command."""
    index = index_notebook(notebook, facts)
    here = index.cells.get(cell)
    if here is None or here.broken:
        return Silence("refused", NO_COLUMN_HERE)
    spot = next((s for s in spots_of(index, cell, here) if s.start <= offset <= s.end), None)
    if spot is None:
        return _plan_of_read(index, cell, offset, new)
    if not is_of_a_column(index, spot):
        return Silence("refused", NO_COLUMN_HERE)
    if not _is_label(new):
        return Silence("refused", f"`{new}` can't be a column's name in this form")
    return _plan(index, spot, new, None)


def _plan_of_read(index: NotebookIndex, cell: str, offset: int, new: str) -> RenamePlan | Silence:
    """Rename the column that is read at `offset` otherwise than by its label: as an attribute of
    its frame, or in a query."""
    source = next(one.source for one in index.notebook.cells if one.id == cell)
    word = _word_at(source, offset)
    frames: dict[str, Spot] = {}
    for spot in all_spots(index) if word and _is_label(new) else ():
        if spot.text == word and is_of_a_column(index, spot):
            known = frames.get(spot.frame)
            if known is None or (spot.defines and not known.defines):
                frames[spot.frame] = spot
    here = index.cells[cell]
    first, last = statement_around(here, offset)
    near = {name.name for name in here.names if first <= name.start < last}
    nearest = sorted(frames.values(), key=lambda spot: spot.frame not in near)
    for spot in islice(nearest, MAX_FRAMES):
        found = _plan(index, spot, new, None)
        if isinstance(found, RenamePlan) and any(
            c.cell == cell and c.start <= offset <= c.end for c in found.changes
        ):
            return found
    return Silence("refused", NO_COLUMN_HERE)


def _word_at(source: str, offset: int) -> str:
    start = end = offset
    while start > max(0, offset - MAX_WORD) and is_word_character(source[start - 1]):
        start -= 1
    while end < min(len(source), offset + MAX_WORD) and is_word_character(source[end]):
        end += 1
    return source[start:end]


def _is_label(text: str) -> bool:
    return bool(text) and not set(text) & set("'\"\\\n")


def _detect(request: SuggestRequest, window: Window) -> RenamePlan | Silence | None:
    (cell,) = window.alignments
    was, now = window.before.cell(cell), request.notebook.cell(cell)
    if was is None or now is None or not was.is_code:
        return None
    before, after = cell_index(was.source), cell_index(now.source)
    if before.broken or after.broken:
        return None
    olds, news = _named(before), _named(after)
    if len(olds) != len(news):
        return None
    changed = [(o, n) for o, n in zip(olds, news, strict=True) if o[2] != n[2]]
    if not changed or len({(o[2], n[2]) for o, n in changed}) != 1:
        return None
    text = was.source
    for (start, end, _), (_, _, new) in reversed(changed):
        text = text[:start] + new + text[end:]
    if text != now.source:
        return None
    index = index_notebook(window.before, request.facts)
    places = {start for (start, _, _), _ in changed}
    spots = [s for s in spots_of(index, cell, before) if s.start in places]
    spots = [s for s in spots if is_of_a_column(index, s)]
    if not spots:
        return None
    spot = next((s for s in spots if s.defines), spots[0])
    (new,) = {n[2] for _, n in changed}
    if not new or (spot.text.startswith(new) and request.caret.cell == cell):
        return looks_half_typed(new)
    found = _plan(index, spot, new, spot.defines, places)
    if isinstance(found, Silence):
        return found
    if spot.is_keyword and _is_never_read(index, found):
        return Silence("no_change", f"nothing reads a column `{spot.text}`: a keyword was changed")
    shift = [(start, len(new) - (end - start)) for (start, end, _), _ in changed]

    def carried(changes: tuple[Change, ...]) -> Iterator[Change]:
        for change in changes:
            if change.cell != cell:
                yield change
            elif change.start not in places:
                by = sum(growth for start, growth in shift if start < change.start)
                yield Change(cell, change.start + by, change.end + by, change.text)

    left = tuple(carried(found.changes))
    if not left:
        return Silence("no_change", f"nothing is left to rename to `{new}`", settled=(spot.text,))
    return replace(
        found,
        notebook=request.notebook,
        changes=left,
        optional=tuple(carried(found.optional)),
        is_guess=not spot.defines,
    )


def _is_never_read(index: NotebookIndex, plan: RenamePlan) -> bool:
    """Whether nothing but keywords has the name: then it may be the method's own parameter."""
    return all(
        any(word.start == change.start for word in index.cells[change.cell].keywords)
        for change in plan.changes
    )


def _named(index: CellIndex) -> list[tuple[int, int, str]]:
    found = {(k.start, k.end, k.text) for k in index.keys}
    found |= {(w.start, w.end, w.name) for w in index.keywords}
    return sorted(found | {(t.start, t.end, t.text) for t in index.texts})


def _plan(
    index: NotebookIndex,
    spot: Spot,
    new: str,
    defines: bool | None,
    changed: Collection[int] = (),
) -> RenamePlan | Silence:
    """`defines` is None for the command, otherwise whether the edit changed a definition; `changed`
    are the places of the cell that were changed alike.
    """
    anything = all_spots(index)
    everything = [s for s in anything if s.text in (spot.text, new) and is_of_a_column(index, s)]
    same = [s for s in everything if s.text == spot.text]
    built = {s.frame for s in anything if s.is_built}
    flows = _flows(index)
    at = spot.cell, spot.start
    own = {s.frame for s in same if s.defines}
    without = with_another_value(index, at, spot.frame, _closure(flows, spot.frame), own)
    if spot.is_keyword:
        without |= not_changed_by(index, at, spot.frame)
    flows = _flows(index, without)
    apart: dict[str, OtherColumn] = {}
    while True:
        having = {s.frame: _closure(flows, s.frame) for s in same if s.defines}
        frames = _frames_of(index, spot, new, defines, having, _closure(flows, spot.frame))
        if isinstance(frames, Silence):
            return frames
        found = [
            o for o in _others(index, spot, frames, same, having, built) if o.frame not in apart
        ]
        if not found:
            break
        apart |= {other.frame: other for other in found}
        flows = {source: made - apart.keys() for source, made in flows.items()}
    kept = [s for s in same if not (s.cell == spot.cell and s.start in changed)]
    above = [s for s in kept if spot.frame in having.get(s.frame, ())]
    if defines is not None and (one_more := one_more_made(index, spot, kept, above, new)):
        return one_more
    same = [s for s in same if not _is_of_another(index, spot, s, same, apart)]
    if any(s.text == new and s.frame in frames for s in everything):
        return Silence("refused", f"`{new}` is already a column of `{spot.frame}`")
    if not new.isidentifier() and any(s.is_keyword and s.frame in frames for s in same):
        return Silence("refused", f"`{spot.text}=` creates it, and `{new}` can't be a keyword")
    rest = set().union(*having.values()) - frames
    plan = _plan_places(index, spot, new, frames, same, rest, without)
    notes = [*_other_notes(index, spot.text, apart.values()), *plan.notes]
    notes += _longer_names(index, spot.text, frames, anything)
    others = {s.frame for s in everything if s.defines and s.text == new}
    if meet := sorted(other for other in others if _closure(flows, other) & frames):
        listed = ", ".join(f"`{other}`" for other in meet)
        note = f"{listed} has {new!r} too: when they are joined, both columns get other names"
        notes.insert(0, note)
    return replace(plan, notes=tuple(notes))


def _others(
    index: NotebookIndex,
    spot: Spot,
    frames: set[str],
    same: list[Spot],
    having: dict[str, set[str]],
    built: set[str],
) -> list[OtherColumn]:
    """The statements that make a frame whose column of that name is another one."""
    old = spot.text
    live = {n.name: n.subscripts for n in index.facts.names if n.subscripts}
    lacking = {name for name, columns in live.items() if old not in columns}
    lacking |= {frame for frame in built if not any(frame in each for each in having.values())}
    is_named_before = _is_named_before(spot, same) or any(
        old in live.get(frame, ()) for frame in frames & having.keys()
    )
    found = other_columns(index, old, frames, lacking, is_named_before=is_named_before)
    found = (o for o in found if o.frame != spot.frame)
    return [o for o in found if o.cell != spot.cell or not o.start <= spot.start < o.end]


def _is_named_before(spot: Spot, same: list[Spot]) -> bool:
    """Whether the frames get the column without a statement that renames another one."""
    return not spot.is_new and any(s.defines and not s.is_new for s in same)


def _is_of_another(
    index: NotebookIndex, spot: Spot, one: Spot, same: list[Spot], apart: dict[str, OtherColumn]
) -> bool:
    """Whether a place gives another column the name, or reads what a chain has named so."""
    if not _is_named_before(spot, same) or one is spot:
        return False
    if one.is_new:
        return any(o.cell == one.cell and o.start <= one.start < o.end for o in apart.values())
    return is_named_in_chain(index, one.cell, one.start, one.text)


def _longer_names(
    index: NotebookIndex, old: str, frames: set[str], anything: list[Spot]
) -> Iterator[str]:
    """A note of columns that a library may have named after this one, as `get_dummies` does
    (`price_3`), where all columns are known from which the frames are made.
    """
    known = {old, *(s.text for s in anything if s.defines and s.frame in frames)}
    known |= {c for n in index.facts.names if n.name in frames for c in n.subscripts}
    if not any(s.is_built and s.frame in frames for s in anything):
        return
    found = [
        s
        for s in anything
        if s.frame in frames and s.text not in known and f"_{old}_" in f"_{s.text}_"
    ]
    if found:
        where = _cells_of(index, found)
        yield f"{where}: {found[0].text!r} may be made of {old!r}: left alone"


def _other_notes(index: NotebookIndex, old: str, apart: Iterable[OtherColumn]) -> Iterator[str]:
    for one in apart:
        if one.sources:
            named = [f"`{name}`" for name in one.sources if name and not is_called(index, name)]
            listed = ", ".join(named) if named else "another frame"
            yield (
                f"cell {index.number(one.cell)}: `{one.frame}` is also made of {listed}, "
                f"which may keep {old!r}: left alone"
            )


def _frames_of(
    index: NotebookIndex,
    spot: Spot,
    new: str,
    defines: bool | None,
    having: dict[str, set[str]],
    made: set[str],
) -> set[str] | Silence:
    """The frames that have the column: the spot's, those derived from it (`made`), and those it is
    derived from.

    `having` are the frames to which such a column is added, each with the frames derived from it.
    """
    old = spot.text
    known = {n.name for n in index.facts.names if old in n.subscripts}
    if spot.frame not in known and not any(spot.frame in closure for closure in having.values()):
        return Silence("no_change", f"nothing shows that `{old}` is a column of `{spot.frame}`")
    live = index.facts.named(spot.frame)
    is_there = live is not None and new in live.subscripts
    is_left = live is not None and old in live.subscripts
    if defines is False and is_there and is_left:
        return Silence("no_change", f"`{new}` is also a column: another one was meant")
    frames = made.union(*(closure for closure in having.values() if spot.frame in closure))
    # According to the kernel, this frame does not have the column.
    if not having:
        frames -= {n.name for n in index.facts.names if n.subscripts and old not in n.subscripts}
    if defines is not False and is_there and is_left:
        return Silence("refused", f"`{new}` is already a column of `{spot.frame}`")
    return frames


def _plan_places(
    index: NotebookIndex,
    spot: Spot,
    new: str,
    frames: set[str],
    same: list[Spot],
    rest: set[str],
    without: Collection[Place],
) -> RenamePlan:
    """The places to change on `frames`, but for places `without` the column; `rest` are other
    frames that have such a column.
    """
    old = spot.text

    def change(s: Spot) -> Change:
        return Change(s.cell, s.start, s.end, new)

    split = [s for s in same if set(s.joined) & rest]
    # A frame created from columns may get one with the old name again later, by a rename.
    mine = [s for s in same if s.frame in frames and not (spot.is_built and s.is_new)]
    written = set(written_otherwise(index, old, new, frames))
    if _is_named_before(spot, same):
        written = {c for c in written if not is_named_in_chain(index, c.cell, c.start, old)}
    changes = {change(s) for s in mine} | written
    changes -= {change(s) for s in split}
    of = dict.fromkeys(changes, tuple(frames)) | {change(s): (s.frame,) for s in mine}
    apart = in_apart(index, without, {one: of[one] for one in changes})
    changes -= apart
    others = ({change(s) for s in same if s.frame not in frames} | apart) - changes
    made = set(named_where_made(index, old, new, frames)) - changes - others
    shared = _shared_queries(index, old, new, frames) - changes
    notes = []
    if split and any(frame in frames for s in split for frame in s.joined):
        where = _cells_of(index, split)
        notes.append(
            f"{where}: frames are joined on {old!r}, which only one of them would still have"
        )
    notes += _left_notes(index, old, made, others, shared)
    optional = others | made | shared
    texts = list(words_in_strings(index, old, new, whole=True))
    notes += unchecked_notes(index, old, new, frames, changes | optional, texts)
    optional |= set(texts) - changes
    if old.isidentifier():
        notes += broken_notes(index, old)
        optional |= set(mentions(index, old, new))
    order = {cell.id: i for i, cell in enumerate(index.notebook.cells)}

    def place(one: Change) -> tuple[int, int]:
        return order[one.cell], one.start

    return RenamePlan(
        "column",
        old,
        new,
        index.notebook,
        tuple(sorted(changes, key=place)),
        tuple(sorted(optional, key=place)),
        tuple(notes),
        0.95,
    )


def _left_notes(
    index: NotebookIndex, old: str, made: set[Change], others: set[Change], shared: set[Change]
) -> Iterator[str]:
    """What is listed and not changed, and why."""
    if made:
        where = _cells_of(index, made)
        yield f"{where}: the code that makes the frame also contains {old!r}: left alone"
    if others:
        count = len(others)
        yield f"{count} place{'s' * (count != 1)} of {old!r} on other frames: left alone"
    if shared:
        where = _cells_of(index, shared)
        yield f"{where}: a query with {old!r} is also used for something else: left alone"


def _cells_of(index: NotebookIndex, places: Iterable[Spot | Change]) -> str:
    return listed_cells(sorted({index.number(place.cell) for place in places}))


def _shared_queries(
    index: NotebookIndex, old: str, new: str, frames: Collection[str]
) -> set[Change]:
    """The column in queries that are kept in a variable, which something else reads as well."""
    found = words_of_composed(index, old, frames, shared=True)
    return {Change(*span, new if new.isidentifier() else f"`{new}`") for span in found}


def _flows(index: NotebookIndex, without: Collection[Place] = ()) -> dict[str, set[str]]:
    """Which names are derived from which: `b = a.dropna()` flows from a to b; `without` places."""
    flows: dict[str, set[str]] = {}
    for id, here in index.readable():
        reads: dict[int, set[str]] = {}
        for i, name in enumerate(here.names):
            is_read = here.homes[i] == MODULE and name.scope == MODULE and name.op == "read"
            if is_read and (id, i) not in without:
                reads.setdefault(name.statement, set()).add(name.name)
        for i, name in enumerate(here.names):
            is_made = name.op == "write" and name.kind in ("variable", "loop")
            if here.homes[i] == MODULE and is_made:
                sources = reads.get(name.statement, set())
                if name.kind == "loop" and len(sources) != 1:
                    continue  # `for part in (a, b)`: it may be either
                for source in sources:
                    flows.setdefault(source, set()).add(name.name)
    return flows


def made_of(index: NotebookIndex, frame: str) -> set[str]:
    """The frame's name and the names of frames derived from it."""
    return _closure(_flows(index), frame)


def _closure(flows: dict[str, set[str]], frame: str) -> set[str]:
    found, todo = {frame}, [frame]
    while todo:
        for following in flows.get(todo.pop(), ()):
            if following not in found:
                found.add(following)
                todo.append(following)
    return found

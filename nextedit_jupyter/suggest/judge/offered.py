"""Makes an offer of the places that the judge chose: edits, label and notes."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass

from nextedit_jupyter.analysis.index import index_notebook
from nextedit_jupyter.analysis.limits import left_alone_notes
from nextedit_jupyter.analysis.rename.plan import broken_cells, broken_note, says_another
from nextedit_jupyter.core import (
    CellEdit,
    Replacement,
    Silence,
    Suggestion,
    SuggestRequest,
    TextEdit,
)
from nextedit_jupyter.core.suggestion import Kind
from nextedit_jupyter.suggest.judge.candidates import Candidate
from nextedit_jupyter.suggest.judge.taken import TakenPlaces
from nextedit_jupyter.suggest.judge.words import label_of, reason_notes, unsure_notes, whole_label
from nextedit_jupyter.suggest.lane import suggestion_id

Said = Sequence[Suggestion] | Silence


@dataclass(frozen=True, slots=True)
class Placed:
    """A place that could be changed, and its probability according to the judge."""

    candidate: Candidate
    sure: float


@dataclass(frozen=True, slots=True)
class Chosen:
    """The places of an offer, the optional ones, and the cells that must not be changed."""

    ticked: Sequence[Placed]
    unsure: Sequence[Placed]
    left_alone: tuple[str, ...]


def offers_of(request: SuggestRequest, found: Chosen, patterns: Said) -> Iterator[Suggestion]:
    """The judge's own offers, of each kind that is wanted."""
    ticked, unsure = found.ticked, found.unsure
    here = request.notebook.index(request.caret.cell) or 0
    cells = by_cell(ticked)
    order = sorted(cells, key=lambda n: (abs(n - here), n < here))
    edits = tuple(_cell_edit(request, n, cells[n]) for n in order)
    optional = tuple(_cell_edit(request, n, mine) for n, mine in by_cell(unsure).items())
    sure = max(p.sure for p in ticked)
    chosen = [p.candidate for p in ticked]
    label = label_of(chosen, patterns, edits)
    notes = (
        *(() if label.says_why else reason_notes(chosen)),
        *unsure_notes(len(unsure)),
        *left_alone_notes(request.notebook, found.left_alone),
    )
    several = len(ticked) > 1 or bool(optional)
    if "rename" in request.want and (several or "next_edit" not in request.want):
        yield Suggestion(
            suggestion_id("rename", "patterns", edits),
            "rename",
            "patterns",
            label.whole,
            sure,
            edits,
            optional,
            notes,
            found.left_alone,
        )
    if "next_edit" in request.want:
        caret = request.caret.offset if order[0] == here else 0
        nearest = min(
            cells[order[0]],
            key=lambda p: (abs(p.candidate.start - caret), p.candidate.start < caret),
        )
        left = f" ({len(ticked) - 1} more)" if len(ticked) > 1 else ""
        edit = (_cell_edit(request, order[0], [nearest]),)
        kind: Kind = "next_edit"
        yield Suggestion(
            suggestion_id(kind, "patterns", edit),
            kind,
            "patterns",
            label_of([nearest.candidate], patterns, edit).short + left,
            nearest.sure,
            edit,
            (),
            notes,
            found.left_alone,
        )


def whole_of(
    request: SuggestRequest,
    symbols: Sequence[Suggestion],
    found: Chosen,
) -> Suggestion | None:
    """What bindings prove and what is judged in addition, as one offer; None if they are unrelated.

    They are related if both change the same cell or the same word: then a user who accepts one also
    wants the other. It is called a change, because not all of it is proved; the rename alone is
    offered after it.
    """
    said, ticked, unsure = symbols[0], found.ticked, found.unsure
    proved = {c.cell: c for c in said.edits}
    words = {
        (cell.source[r.start : r.end], r.text)
        for c in said.edits
        if (cell := request.notebook.cell(c.cell)) is not None
        for r in c.edit
    }
    cells = by_cell(ticked)
    ids = {number: request.notebook.cells[number].id for number in cells}
    changes = {("".join(p.candidate.change.replaced), p.candidate.text) for p in ticked}
    if "rename" not in request.want or not (words & changes or set(ids.values()) & set(proved)):
        return None
    edits = []
    for number, id in ids.items():
        more = [replacement_of(p.candidate) for p in cells[number]]
        known = list(proved.pop(id).edit) if id in proved else []
        source = request.notebook.cells[number].source
        edits.append(CellEdit.of(id, source, TextEdit.of(sorted([*more, *known]))))
    here = request.notebook.index(request.caret.cell) or 0
    ordered = sorted(
        [*edits, *proved.values()],
        key=lambda c: ((at := request.notebook.index(c.cell) or 0) < here, abs(at - here)),
    )
    count = sum(len(list(c.edit)) for c in said.edits)
    reasons = reason_notes([p.candidate for p in ticked], proved=count)
    unnamed = tuple(id for id in found.left_alone if id not in said.left_alone)
    rest = tuple(_not_taken(said.optional, edits))
    old = {before for before, _ in words}
    said_notes = list(_still_true(said.notes, request, old, ids.values()))
    if rest != said.optional:  # what is another variable by its bindings changes as well
        said_notes = [n for n in said_notes if not any(says_another(n, name) for name in old)]
    notes = (*reasons, *unsure_notes(len(unsure)), *said_notes)
    return Suggestion(
        suggestion_id("rename", "patterns", tuple(ordered)),
        "rename",
        "patterns",
        whole_label(words | changes, count + len(ticked), len(ordered)),
        max(p.sure for p in ticked),
        tuple(ordered),
        (*rest, *_optional(request, unsure, rest)),
        (*notes, *left_alone_notes(request.notebook, unnamed)),
        (*said.left_alone, *unnamed),
    )


def _still_true(
    notes: Sequence[str], request: SuggestRequest, words: Collection[str], changed: Collection[str]
) -> Iterator[str]:
    """The notes of a rename, of which those that name cells that do not parse say which of them are
    not changed after all.
    """
    index = index_notebook(request.notebook, request.facts)
    corrected: dict[str, str] = {}
    for cells in (broken_cells(index, word) for word in words):
        left = [index.number(id) for id in cells if id not in changed]
        corrected[broken_note([index.number(id) for id in cells])] = (
            broken_note(left) if left else ""
        )
    for note in notes:
        if now := corrected.get(note, note):
            yield now


def _not_taken(optional: Sequence[CellEdit], edits: Sequence[CellEdit]) -> Iterator[CellEdit]:
    """The optional places that are not changed anyway."""
    chosen = TakenPlaces()
    number = {change.cell: n for n, change in enumerate(edits)}
    for change in edits:
        for r in change.edit:
            chosen.add(number[change.cell], r.start, r.end)
    for change in optional:
        n = number.get(change.cell, -1)
        left = [r for r in change.edit if not chosen.touches(n, r.start, r.end)]
        if left:
            yield CellEdit(change.cell, change.base, TextEdit.of(left))


def _optional(
    request: SuggestRequest, unsure: Sequence[Placed], known: Sequence[CellEdit]
) -> Iterator[CellEdit]:
    """The judge's optional places in cells that have none yet."""
    taken = {c.cell for c in known}
    for number, mine in by_cell(unsure).items():
        if request.notebook.cells[number].id not in taken:
            yield _cell_edit(request, number, mine)


def _cell_edit(request: SuggestRequest, number: int, placed: Sequence[Placed]) -> CellEdit:
    cell = request.notebook.cells[number]
    return CellEdit.of(
        cell.id, cell.source, TextEdit.of(replacement_of(p.candidate) for p in placed)
    )


def by_cell(placed: Sequence[Placed]) -> dict[int, list[Placed]]:
    """Places by the number of their cell."""
    table: dict[int, list[Placed]] = {}
    for p in placed:
        table.setdefault(p.candidate.cell, []).append(p)
    return table


def replacement_of(candidate: Candidate) -> Replacement:
    """The replacement that a place makes in its cell."""
    return Replacement(candidate.start, candidate.end, candidate.text)

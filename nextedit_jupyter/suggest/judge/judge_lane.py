"""The judge's lane: what could follow the last edits, weighed place by place.

The symbols and the patterns lanes say what they found, which is evidence. What bindings prove of a
definition that was renamed stays as it is; a rename that only a changed use suggests, and what the
patterns generalised, is offered where the judge agrees. Everything else that it is sure of is
offered in its own name, and never as a rename of a variable.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from nextedit_jupyter.analysis.flat_tree import TreeCache
from nextedit_jupyter.analysis.limits import closed_cells, left_alone_notes
from nextedit_jupyter.analysis.patterns import is_half_typed
from nextedit_jupyter.analysis.rename.half_typed import ends_at_edge
from nextedit_jupyter.core import (
    CellEdit,
    Replacement,
    Silence,
    Suggestion,
    SuggestRequest,
    TextEdit,
)
from nextedit_jupyter.core.suggestion import Kind
from nextedit_jupyter.suggest.judge.candidates import Candidate, CandidateRule
from nextedit_jupyter.suggest.judge.consider import NOTHING, CellPast, Considered, consider
from nextedit_jupyter.suggest.judge.forest import Forest, shipped
from nextedit_jupyter.suggest.judge.guards import (
    SURE_OF_LOCAL,
    SURE_OF_REBOUND,
    Ruling,
    held_back,
    home_of,
    rulings,
    sure_of_text,
)
from nextedit_jupyter.suggest.judge.keys import RenamedKeys
from nextedit_jupyter.suggest.judge.last_edits import binds
from nextedit_jupyter.suggest.judge.lexed import LexedCells
from nextedit_jupyter.suggest.judge.taken import TakenPlaces
from nextedit_jupyter.suggest.judge.view import Evidence
from nextedit_jupyter.suggest.judge.words import label_of, notes_of, proved_note, whole_label
from nextedit_jupyter.suggest.lane import Cancelled, suggestion_id
from nextedit_jupyter.suggest.patterns import OWN, net_edits

Said = Sequence[Suggestion] | Silence

_NAME = re.compile(r"[\w.]+")
# From this confidence on a pattern rests on what the kernel knows, which no example has to support.
_KNOWN = 0.97
_JUST_BELOW = 0.99
# From this confidence on a pattern rests on two examples at least.
_SEVERAL = 0.9
_ADDED = re.compile(r"(?:, )?[^\W\d]\w*=(?!=)")


@dataclass(frozen=True, slots=True)
class Weighed:
    """What is left of the other lanes' offers, the judge's own, and why it has none."""

    symbols: Said
    patterns: Said
    own: Said


@dataclass(frozen=True, slots=True)
class _Placed:
    candidate: Candidate
    sure: float


@dataclass(frozen=True, slots=True)
class _Chosen:
    """The places that an offer takes, the optional ones, and the cells that may not be changed."""

    ticked: Sequence[_Placed]
    unsure: Sequence[_Placed]
    left_alone: tuple[str, ...]


class JudgeLane:
    """Holds cells that it read, bounded, and the trees; the same request gives the same answer."""

    def __init__(self, forest: Forest | None = None, trees: TreeCache | None = None) -> None:
        self._forest = forest
        self._lexed = LexedCells()
        self._trees = trees or TreeCache()

    def weigh(
        self, request: SuggestRequest, symbols: Said, patterns: Said, cancelled: Cancelled
    ) -> Weighed:
        """Judge what the other lanes said and every other place. Raises nothing of its own."""
        silent = Silence("no_change")
        if not request.history or request.history[-1].origin not in OWN:
            return Weighed(symbols, patterns, silent)
        considered = self.consider(request, symbols, patterns)
        if not considered.candidates or cancelled():
            return Weighed(symbols, patterns, silent)
        forest = self._forest or shipped()
        sure: list[float] = considered.sure(forest).tolist()
        most = forest.thresholds.tick * _JUST_BELOW
        asked_for = _keywords_added(patterns, request)
        keys = RenamedKeys(considered, _sources(request))
        found = [
            _Placed(c, min(p, most) if p < least else p)
            for c, p, least in zip(considered.candidates, sure, held_back(considered, keys))
        ]
        found = [
            _Placed(p.candidate, max(p.sure, forest.thresholds.show))
            if (p.candidate.cell, p.candidate.start, p.candidate.text) in asked_for
            or keys.follows(p.candidate)
            else p
            for p in found
        ]
        symbols = _agreed(symbols, found, considered, request, forest.thresholds.tick)
        ruled = rulings(considered, symbols, request)
        found = list(_as_ruled(found, ruled, considered, most))
        kept = _known(patterns)
        if not found:
            return Weighed(symbols, kept or silent, silent)
        taken = _taken((symbols, kept), request)
        chosen = self._chosen(request, found, taken, forest)
        if isinstance(chosen, Silence):
            return Weighed(symbols, kept or silent, chosen)
        if not isinstance(symbols, Silence) and (whole := _whole(request, symbols, chosen)):
            symbols = [whole, *symbols]
        own = list(_offers(request, chosen, patterns))
        return Weighed(symbols, kept or silent, own)

    def consider(self, request: SuggestRequest, symbols: Said, patterns: Said) -> Considered:
        """Every place that could follow, with its features; none after half-typed text."""
        cells = request.notebook.cells
        number = {cell.id: n for n, cell in enumerate(cells)}
        sources = _sources(request)
        nets = [net for net in net_edits(request) if number[net.cell] in sources]
        if not nets or self._is_half_typed(nets[0].before, nets[0].after):
            return NOTHING
        edits = [CellPast(number[n.cell], n.before, n.after, n.recent) for n in nets]
        return consider(edits, sources, evidence_of(symbols, patterns, number), self._lexed)

    def _chosen(
        self,
        request: SuggestRequest,
        found: Sequence[_Placed],
        taken: TakenPlaces,
        forest: Forest,
    ) -> _Chosen | Silence:
        """The places that the judge is sure of, and the optional ones, of those that are free."""
        limits = forest.thresholds
        free = [
            p
            for p in sorted(found, key=lambda p: -p.sure)
            if p.sure >= limits.list and not _touches(p.candidate, taken)
        ]
        if not free or free[0].sure < limits.show:
            best = max(p.sure for p in found)
            return Silence("low_confidence", f"the surest of {len(found)} places has {best:.2f}")
        if _has_moved_on(request, found, limits.tick) or _is_being_typed(request, free):
            return Silence("no_change", "the last edit is of another kind or not finished")
        ticked = self._parsing(request, _disjoint([p for p in free if p.sure >= limits.tick]))
        if not ticked:
            return Silence("breaks_syntax")
        held = TakenPlaces()
        for p in ticked:
            held.add(p.candidate.cell, p.candidate.start, p.candidate.end)
        unsure = _disjoint([p for p in free if not _touches(p.candidate, held)])
        closed = closed_cells(request.notebook)
        ids = [cell.id for cell in request.notebook.cells]
        left = tuple(ids[n] for n in _by_cell(ticked) if ids[n] in closed)
        ticked, unsure = (
            [p for p in placed if ids[p.candidate.cell] not in closed]
            for placed in (ticked, unsure)
        )
        if not ticked:
            return Silence("refused", left_alone_notes(request.notebook, left)[-1])
        return _Chosen(ticked, unsure, left)

    def _is_half_typed(self, before: str, after: str) -> bool:
        return is_half_typed(self._trees.tree(before), self._trees.tree(after))

    def _parsing(self, request: SuggestRequest, placed: Sequence[_Placed]) -> list[_Placed]:
        """Without the cells that would parse worse."""
        kept: list[_Placed] = []
        for number, mine in _by_cell(placed).items():
            source = request.notebook.cells[number].source
            edits = [_replacement(p.candidate) for p in mine]
            if not all(_NAME.fullmatch(source[r.start : r.end] + r.text) for r in edits):
                after = self._trees.tree(TextEdit.of(edits).apply(source))
                if after.error_count > self._trees.tree(source).error_count:
                    continue
            kept += mine
        return kept


def _sources(request: SuggestRequest) -> dict[int, str]:
    """The code cells that may be read, by number."""
    cells = enumerate(request.notebook.cells)
    return {n: cell.source for n, cell in cells if cell.is_code and not cell.is_off}


def evidence_of(symbols: Said, patterns: Said, number: Mapping[str, int]) -> Evidence:
    """What the other lanes said, as the judge's features take it."""
    proved: set[tuple[int, int]] = set()
    rules: list[CandidateRule] = []
    if not isinstance(symbols, Silence):
        for said in symbols:
            proved |= {(number[c.cell], r.start) for c in said.edits for r in c.edit}
    if not isinstance(patterns, Silence):
        for said in patterns:
            trust = next((t for least, t in _TRUST if said.confidence >= least), 1.0)
            places = tuple(
                (number[c.cell], r.start, r.end, r.text) for c in said.edits for r in c.edit
            )
            rules.append(CandidateRule(trust, places))
    refused = isinstance(symbols, Silence) and symbols.reason == "refused"
    return Evidence(proved, refused, tuple(rules))


_TRUST = ((0.97, 3.0), (0.95, 2.0), (0.9, 1.5))


def _by_place(found: Sequence[_Placed]) -> dict[tuple[int, int], _Placed]:
    return {(p.candidate.cell, p.candidate.start): p for p in found}


def _by_cell(placed: Sequence[_Placed]) -> dict[int, list[_Placed]]:
    table: dict[int, list[_Placed]] = {}
    for p in placed:
        table.setdefault(p.candidate.cell, []).append(p)
    return table


def _agreed(
    symbols: Said,
    found: Sequence[_Placed],
    considered: Considered,
    request: SuggestRequest,
    tick: float,
) -> Said:
    """The symbols lane's offers: as they are where a definition changed, else where agreed on.

    A use that became another name may mean that one object was taken for another at that place.
    Then the definition stays, and with it goes the rename: of the uses the judge decides.
    """
    if isinstance(symbols, Silence):
        return symbols
    judged = _by_place(found)
    kept: list[Suggestion] = []
    for said in symbols:
        places = [
            judged.get((request.notebook.index(c.cell) or 0, r.start))
            for c in said.edits
            for r in c.edit
        ]
        seen = [p for p in places if p is not None]
        bound = any(binds(e.site) for p in seen for e in p.candidate.change.examples)
        unsure = any(p.sure < tick and _is_bound(p.candidate, considered) for p in seen)
        if bound or not seen or (not unsure and sum(p.sure for p in seen) / len(seen) >= tick):
            kept.append(said)
    return kept or Silence("low_confidence", "a use was changed, the definition was not")


def _is_bound(candidate: Candidate, considered: Considered) -> bool:
    """Whether the name is bound at the candidate's place."""
    kind = considered.cells[candidate.cell].kinds[candidate.first]
    return kind in ("definition", "target", "import")


def _as_ruled(
    found: Sequence[_Placed], ruled: Sequence[Ruling], considered: Considered, most: float
) -> Iterator[_Placed]:
    """The places that are open to the judge, each as sure as it may be.

    A name that was bound again is followed as a whole or not at all: half of it would not run. Of
    another function's name a whole is what that function holds.
    """
    groups: dict[object, list[float]] = {}
    keys: list[tuple[object, float] | None] = []
    for p, ruling in zip(found, ruled, strict=True):
        key: tuple[object, float] | None = None
        if ruling == "rebound":
            key = id(p.candidate.change), SURE_OF_REBOUND
        elif ruling == "local":
            place = p.candidate
            key = (id(place.change), place.cell, home_of(place, considered)), SURE_OF_LOCAL
        keys.append(key)
        if key is not None:
            groups.setdefault(key[0], []).append(p.sure)
    for p, ruling, key in zip(found, ruled, keys, strict=True):
        is_named = ruling == "text" and p.sure >= sure_of_text(p.candidate, considered)
        if ruling == "open" or is_named:
            yield p
        elif ruling in ("optional", "text"):
            yield _Placed(p.candidate, min(p.sure, most))
        elif key is not None:
            group = groups[key[0]]
            if (mean := sum(group) / len(group)) >= key[1]:
                yield _Placed(p.candidate, mean)


def _known(patterns: Said) -> list[Suggestion]:
    """The offers that rest on what the kernel knows, which the judge has no feature for."""
    if isinstance(patterns, Silence):
        return []
    return [said for said in patterns if said.confidence >= _KNOWN]


def _keywords_added(patterns: Said, request: SuggestRequest) -> set[tuple[int, int, str]]:
    """Calls that lack a keyword which two calls of the same thing got: (cell number, start, text).

    So few of these were ever made that trees learn nothing of them; three of four offers were
    taken up on real commits, and after an edit that nobody spread there was one in 2,500.
    """
    if isinstance(patterns, Silence):
        return set()
    return {
        (request.notebook.index(change.cell) or 0, r.start, r.text)
        for said in patterns
        if said.confidence >= _SEVERAL
        for change in said.edits
        for r in change.edit
        if r.start == r.end and _ADDED.match(r.text)
    }


def _taken(said: Iterable[Said], request: SuggestRequest) -> TakenPlaces:
    found = TakenPlaces()
    for offers in said:
        if not isinstance(offers, Silence):
            for change in (change for offer in offers for change in offer.edits):
                cell = request.notebook.index(change.cell) or 0
                for replaced in change.edit:
                    found.add(cell, replaced.start, replaced.end)
    return found


def _touches(candidate: Candidate, taken: TakenPlaces) -> bool:
    return taken.touches(candidate.cell, candidate.start, candidate.end)


def _disjoint(placed: Sequence[_Placed]) -> list[_Placed]:
    """The surest of those that overlap; `placed` is surest first."""
    kept: list[_Placed] = []
    taken = TakenPlaces()
    edges: dict[tuple[int, int], list[Candidate]] = {}
    for p in placed:
        here = p.candidate
        ends = {(here.cell, here.start), (here.cell, here.end)}
        meets = [other for end in ends for other in edges.get(end, ())]
        if _touches(here, taken) or any(_says_it_too(here, other) for other in meets):
            continue
        taken.add(here.cell, here.start, here.end)
        for end in ends:
            edges.setdefault(end, []).append(here)
        kept.append(p)
    return kept


def _says_it_too(one: Candidate, other: Candidate) -> bool:
    """Whether of two places that meet one inserts what the other's text begins or ends with."""
    if (one.start == one.end) == (other.start == other.end):
        return False
    point, span = (one, other) if one.start == one.end else (other, one)
    return (point.start == span.end and span.text.endswith(point.text)) or (
        point.start == span.start and span.text.startswith(point.text)
    )


def _replacement(candidate: Candidate) -> Replacement:
    return Replacement(candidate.start, candidate.end, candidate.text)


def _has_moved_on(request: SuggestRequest, found: Sequence[_Placed], tick: float) -> bool:
    """Whether the newest edit only wrote something new, and what could follow is older.

    Who has an offer before them and writes on elsewhere has seen it, or has taken it back.
    """
    last = request.history[-1]
    if any(last.before[r.start : r.end].strip() for r in last.edit):
        return False
    newest = [p for p in found if any(e.edit == 0 for e in p.candidate.change.examples)]
    return not any(p.sure >= tick for p in newest)


def _is_being_typed(request: SuggestRequest, placed: Sequence[_Placed]) -> bool:
    """Whether the caret stands behind a text that is only a beginning of what it replaces."""
    if request.history[-1].origin != "typed":
        return False
    change = placed[0].candidate.change
    before = request.cell.source[: request.caret.offset]
    old = "".join(change.replaced)
    if change.shape != "word" or not before.endswith(change.new) or not change.new:
        return False
    if len(change.examples) > 1 or not old.startswith(change.new):
        return False  # what was written twice is whole
    return not ends_at_edge(old, change.new)


def _offers(request: SuggestRequest, found: _Chosen, patterns: Said) -> Iterator[Suggestion]:
    ticked, unsure = found.ticked, found.unsure
    here = request.notebook.index(request.caret.cell) or 0
    cells = _by_cell(ticked)
    order = sorted(cells, key=lambda n: (abs(n - here), n < here))
    edits = tuple(_cell_edit(request, n, cells[n]) for n in order)
    optional = tuple(_cell_edit(request, n, mine) for n, mine in _by_cell(unsure).items())
    sure = max(p.sure for p in ticked)
    chosen = [p.candidate for p in ticked]
    label = label_of(chosen, patterns, edits)
    notes = (
        *notes_of(chosen, len(unsure)),
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


def _whole(
    request: SuggestRequest,
    symbols: Sequence[Suggestion],
    found: _Chosen,
) -> Suggestion | None:
    """What bindings prove and what is judged besides, as one offer; None if they don't meet.

    They meet in a cell that both change, or in the word: who accepts one wants the other too. It
    is called a change, for not all of it is proved; the rename alone is offered behind it.
    """
    said, ticked, unsure = symbols[0], found.ticked, found.unsure
    proved = {c.cell: c for c in said.edits}
    words = {
        (cell.source[r.start : r.end], r.text)
        for c in said.edits
        if (cell := request.notebook.cell(c.cell)) is not None
        for r in c.edit
    }
    cells = _by_cell(ticked)
    ids = {number: request.notebook.cells[number].id for number in cells}
    changes = {("".join(p.candidate.change.replaced), p.candidate.text) for p in ticked}
    if "rename" not in request.want or not (words & changes or set(ids.values()) & set(proved)):
        return None
    edits = []
    for number, id in ids.items():
        more = [_replacement(p.candidate) for p in cells[number]]
        known = list(proved.pop(id).edit) if id in proved else []
        source = request.notebook.cells[number].source
        edits.append(CellEdit.of(id, source, TextEdit.of(sorted([*more, *known]))))
    here = request.notebook.index(request.caret.cell) or 0
    ordered = sorted(
        [*edits, *proved.values()],
        key=lambda c: ((at := request.notebook.index(c.cell) or 0) < here, abs(at - here)),
    )
    count = sum(len(list(c.edit)) for c in said.edits)
    notes = notes_of([p.candidate for p in ticked], len(unsure))
    unnamed = tuple(id for id in found.left_alone if id not in said.left_alone)
    return Suggestion(
        suggestion_id("rename", "patterns", tuple(ordered)),
        "rename",
        "patterns",
        whole_label(words | changes, count + len(ticked), len(ordered)),
        max(p.sure for p in ticked),
        tuple(ordered),
        (*said.optional, *_optional(request, unsure, said.optional)),
        (proved_note(count), *notes, *said.notes, *left_alone_notes(request.notebook, unnamed)),
        (*said.left_alone, *unnamed),
    )


def _optional(
    request: SuggestRequest, unsure: Sequence[_Placed], known: Sequence[CellEdit]
) -> Iterator[CellEdit]:
    """The judge's optional places in cells that have none yet."""
    taken = {c.cell for c in known}
    for number, mine in _by_cell(unsure).items():
        if request.notebook.cells[number].id not in taken:
            yield _cell_edit(request, number, mine)


def _cell_edit(request: SuggestRequest, number: int, placed: Sequence[_Placed]) -> CellEdit:
    cell = request.notebook.cells[number]
    return CellEdit.of(cell.id, cell.source, TextEdit.of(_replacement(p.candidate) for p in placed))

"""The judge's lane: weighs every place that may follow the last edits.

What the symbols and patterns lanes find is evidence. What bindings prove about a renamed definition
is kept as it is; a rename that only a changed use suggests, and what the patterns generalised, is
offered if the judge agrees. Everything else that it is sure of is offered as its own suggestion,
never as a rename of a variable.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

from nextedit_jupyter.analysis.flat_tree import TreeCache
from nextedit_jupyter.analysis.limits import closed_cells, left_alone_notes
from nextedit_jupyter.analysis.names import known_names
from nextedit_jupyter.analysis.patterns import is_half_typed
from nextedit_jupyter.analysis.rename.half_typed import (
    ends_at_edge,
    is_unfinished,
    looks_half_typed,
)
from nextedit_jupyter.core import (
    Silence,
    Suggestion,
    SuggestRequest,
    TextEdit,
)
from nextedit_jupyter.suggest.judge.callable_names import with_what_names_them
from nextedit_jupyter.suggest.judge.candidates import Candidate, CandidateRule
from nextedit_jupyter.suggest.judge.consider import NOTHING, CellPast, Considered, consider
from nextedit_jupyter.suggest.judge.fits import Fits
from nextedit_jupyter.suggest.judge.forest import Forest, shipped
from nextedit_jupyter.suggest.judge.guards import (
    SURE_OF_LOCAL,
    SURE_OF_REBOUND,
    SURE_OF_UNREAD,
    held_back,
    rulings,
)
from nextedit_jupyter.suggest.judge.homes import Callees
from nextedit_jupyter.suggest.judge.keyed_attributes import with_their_columns
from nextedit_jupyter.suggest.judge.keys import RenamedKeys
from nextedit_jupyter.suggest.judge.last_edits import TEXTS, Site
from nextedit_jupyter.suggest.judge.lexed import LexedCells
from nextedit_jupyter.suggest.judge.mentions import Ruling, sure_of_text
from nextedit_jupyter.suggest.judge.offered import (
    Chosen,
    Placed,
    Said,
    by_cell,
    offers_of,
    replacement_of,
    whole_of,
)
from nextedit_jupyter.suggest.judge.own_members import with_their_class
from nextedit_jupyter.suggest.judge.rebound import with_their_bindings, with_their_meaning
from nextedit_jupyter.suggest.judge.taken import TakenPlaces
from nextedit_jupyter.suggest.judge.together import with_whole_columns
from nextedit_jupyter.suggest.judge.undone import without_undone
from nextedit_jupyter.suggest.judge.view import Evidence
from nextedit_jupyter.suggest.judge.words import unlikely
from nextedit_jupyter.suggest.lane import Cancelled
from nextedit_jupyter.suggest.patterns import OWN, net_edits

_NAME = re.compile(r"[\w.]+")
# From this confidence on a pattern is confirmed by the kernel, and needs no more examples.
_KNOWN = 0.97
_JUST_BELOW = 0.99
# From this confidence on a pattern is based on at least two examples.
_SEVERAL = 0.9
# Below this the likeliest place makes an offer only if it is the changed word in a place of the
# kind in which it was changed (9 of 12 such places followed), or is to be changed in the same line
# as an example (79 of 106, and none of two after edits that nobody spread; elsewhere 93 of 145, and
# none of 27). Of removed lines 4 of 9 followed.
_SURE_OF_OTHERS = 0.6
_ADDED = re.compile(r"(?:, )?[^\W\d]\w*=(?!=)")
_F_STRING = re.compile(r"fr?['\"]")


@dataclass(frozen=True, slots=True)
class Weighed:
    """The remaining offers of the other lanes, the judge's own, and why it has none.

    `unlikely` are the places that it would not even list.
    """

    symbols: Said
    patterns: Said
    own: Said
    unlikely: Sequence[Candidate] = ()

    def finds_unlikely(self, request: SuggestRequest, suggestion: Suggestion) -> Silence | None:
        """A gate: whether a suggestion is one of the unlikely places."""
        for change in suggestion.edits:
            number = request.notebook.index(change.cell)
            mine = [c for c in self.unlikely if c.cell == number]
            if not mine or number is None:
                continue
            source = request.notebook.cells[number].source
            after = change.edit.apply(source)
            if any(source[: c.start] + c.text + source[c.end :] == after for c in mine):
                return Silence("low_confidence", "the judge finds it unlikely")
        return None


class JudgeLane:
    """Its only state is a bounded cache of cells, and the trees; the same request gets the same
    answer."""

    def __init__(self, forest: Forest | None = None, trees: TreeCache | None = None) -> None:
        self._forest = forest
        self._lexed = LexedCells()
        self._trees = trees or TreeCache()

    def weigh(
        self, request: SuggestRequest, symbols: Said, patterns: Said, cancelled: Cancelled
    ) -> Weighed:
        """Judge the other lanes' offers and every other place. Raises no errors of its own."""
        silent = Silence("no_change")
        if not request.history or request.history[-1].origin not in OWN:
            return Weighed(symbols, patterns, silent)
        considered = self.consider(request, symbols, patterns)
        if not considered.candidates or cancelled():
            return Weighed(symbols, patterns, silent)
        forest = self._forest or shipped()
        sure: list[float] = considered.sure(forest).tolist()
        weighed = self._weighed(request, symbols, patterns, considered, sure, forest)
        least = forest.thresholds.list
        unlikely = [c for c, p in zip(considered.candidates, sure, strict=True) if p < least]
        return replace(weighed, unlikely=tuple(unlikely))

    def _weighed(
        self,
        request: SuggestRequest,
        symbols: Said,
        patterns: Said,
        considered: Considered,
        sure: Sequence[float],
        forest: Forest,
    ) -> Weighed:
        silent = Silence("no_change")
        most = forest.thresholds.tick * _JUST_BELOW
        asked_for = _too_rare_to_learn(patterns, request)
        sources = _sources(request)
        keys = RenamedKeys(considered, sources)
        held = held_back(considered, keys, Fits(request, considered))
        found = [
            Placed(c, min(p, most) if p < least else p)
            for c, p, least in zip(considered.candidates, sure, held)
        ]
        found = [
            Placed(p.candidate, max(p.sure, forest.thresholds.show, _SURE_OF_OTHERS))
            if (p.candidate.cell, p.candidate.start, p.candidate.text) in asked_for
            or keys.follows(p.candidate)
            else p
            for p in found
        ]
        tick = forest.thresholds.tick
        agreed = _agreed(symbols, found, considered, request, tick)
        if isinstance(agreed, Silence) and not isinstance(symbols, Silence):
            found = with_whole_columns(found, symbols, considered, request, tick, most)
        symbols = agreed
        callees = Callees(considered)
        ruled = rulings(considered, symbols, request, callees)
        found = list(_as_ruled(found, ruled, considered, callees, most))
        found = with_their_columns(found, considered, tick)
        found = with_their_bindings(found, considered, tick, most)
        found = list(with_their_meaning(found, considered, most))
        found = with_their_class(found, considered, request, tick, most)
        found = with_what_names_them(found, considered, request, symbols, tick, most)
        found = without_undone(request, found, self._lexed)
        kept = _known(patterns)
        if not found:
            return Weighed(symbols, kept or silent, silent)
        taken = _taken((symbols, kept), request)
        half = symbols.half_typed if isinstance(symbols, Silence) else ""
        chosen = self._chosen(request, considered, found, taken, forest, half)
        if isinstance(chosen, Silence):
            return Weighed(symbols, kept or silent, chosen)
        if not isinstance(symbols, Silence) and (whole := whole_of(request, symbols, chosen)):
            symbols = [whole, *symbols]
        own = list(offers_of(request, chosen, patterns))
        return Weighed(symbols, kept or silent, own)

    def consider(self, request: SuggestRequest, symbols: Said, patterns: Said) -> Considered:
        """Every place that may follow, with its features; none after half-typed text."""
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
        considered: Considered,
        found: Sequence[Placed],
        taken: TakenPlaces,
        forest: Forest,
        half: str,
    ) -> Chosen | Silence:
        """The ticked and the optional places, of those that are not taken.

        `half` is the name that looks half typed, if there is one.
        """
        limits = forest.thresholds
        free = [
            p
            for p in sorted(found, key=lambda p: -p.sure)
            if p.sure >= limits.list and not _touches(p.candidate, taken)
        ]
        if not any(_makes_an_offer(p, considered, limits.show) for p in free):
            best = max(p.sure for p in found)
            return Silence("low_confidence", unlikely(len(found), best))
        if _has_moved_on(request, found, limits.tick):
            return Silence("no_change", "the last edit is of another kind")
        if _is_being_typed(request, free, half):
            return looks_half_typed(free[0].candidate.change.new)
        ticked = self._parsing(request, _disjoint([p for p in free if p.sure >= limits.tick]))
        if not ticked:
            return Silence("breaks_syntax")
        held = {id(p) for p in ticked}
        unsure = _disjoint([*ticked, *(p for p in free if id(p) not in held)])[len(ticked) :]
        closed = closed_cells(request.notebook)
        ids = [cell.id for cell in request.notebook.cells]
        left = tuple(ids[n] for n in by_cell(ticked) if ids[n] in closed)
        ticked, unsure = (
            [p for p in placed if ids[p.candidate.cell] not in closed]
            for placed in (ticked, unsure)
        )
        if not ticked:
            return Silence("refused", left_alone_notes(request.notebook, left)[-1])
        return Chosen(ticked, unsure, left)

    def _is_half_typed(self, before: str, after: str) -> bool:
        return is_half_typed(self._trees.tree(before), self._trees.tree(after))

    def _parsing(self, request: SuggestRequest, placed: Sequence[Placed]) -> list[Placed]:
        """The places without those in cells that would parse worse."""
        kept: list[Placed] = []
        for number, mine in by_cell(placed).items():
            source = request.notebook.cells[number].source
            edits = [replacement_of(p.candidate) for p in mine]
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
    """The other lanes' offers in the form that the judge's features use."""
    proved: set[tuple[int, int]] = set()
    decided: set[tuple[int, int]] = set()
    rules: list[CandidateRule] = []
    if not isinstance(symbols, Silence):
        for said in symbols:
            places = {(number[c.cell], r.start) for c in said.edits for r in c.edit}
            proved |= places
            decided |= places if not said.is_guess else set()
    if not isinstance(patterns, Silence):
        for said in patterns:
            trust = next((t for least, t in _TRUST if said.confidence >= least), 1.0)
            ruled = tuple(
                (number[c.cell], r.start, r.end, r.text) for c in said.edits for r in c.edit
            )
            rules.append(CandidateRule(trust, ruled))
    refused = isinstance(symbols, Silence) and symbols.reason == "refused"
    return Evidence(proved, refused, tuple(rules), decided)


_TRUST = ((0.97, 3.0), (0.95, 2.0), (0.9, 1.5))


def _by_place(found: Sequence[Placed]) -> dict[tuple[int, int], Placed]:
    return {(p.candidate.cell, p.candidate.start): p for p in found}


def _agreed(
    symbols: Said,
    found: Sequence[Placed],
    considered: Considered,
    request: SuggestRequest,
    tick: float,
) -> Said:
    """The symbols lane's offers: unchanged if a definition changed, otherwise if the judge agrees.

    A use that became another name may mean that only that place should use another object. Then the
    definition stays, and there is no rename: the judge decides about the uses.
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
        unsure = any(p.sure < tick and _is_bound(p.candidate, considered) for p in seen)
        if (
            not said.is_guess
            or not seen
            or (not unsure and sum(p.sure for p in seen) / len(seen) >= tick)
        ):
            kept.append(said)
    return kept or Silence("low_confidence", "a use was changed, the definition was not")


def _is_bound(candidate: Candidate, considered: Considered) -> bool:
    """Whether the name is bound at the candidate's place, not declared as a class's field is, whose
    uses are attributes."""
    cell = considered.cells[candidate.cell]
    kind = cell.kinds[candidate.first]
    is_declared = kind == "target" and cell.right(candidate.last, 1) == [":"]
    return kind in ("definition", "target", "import") and not is_declared


def _as_ruled(
    found: Sequence[Placed],
    ruled: Sequence[Ruling],
    considered: Considered,
    callees: Callees,
    most: float,
) -> Iterator[Placed]:
    """The places that the judge may decide about, with their probabilities limited by the rulings.

    A name that is bound again changes as a whole or not at all: half of it would not run. For
    another function's name, the whole is its places in that function.
    """
    groups: dict[object, list[float]] = {}
    keys: list[tuple[object, float] | None] = []
    for p, ruling in zip(found, ruled, strict=True):
        key: tuple[object, float] | None = None
        if ruling == "rebound":
            key = id(p.candidate.change), SURE_OF_REBOUND
        elif ruling == "local":
            place = p.candidate
            key = (id(place.change), callees.scope_of(place)), SURE_OF_LOCAL
        keys.append(key)
        if key is not None:
            groups.setdefault(key[0], []).append(p.sure)
    for p, ruling, key in zip(found, ruled, keys, strict=True):
        is_named = ruling == "text" and p.sure >= sure_of_text(p.candidate, considered)
        is_sure = ruling == "unread" and p.sure >= SURE_OF_UNREAD
        if ruling == "open" or is_named or is_sure:
            yield p
        elif ruling in ("optional", "text", "unread"):
            yield Placed(p.candidate, min(p.sure, most))
        elif key is not None:
            group = groups[key[0]]
            if (mean := sum(group) / len(group)) >= key[1]:
                yield Placed(p.candidate, mean)


def _known(patterns: Said) -> list[Suggestion]:
    """The offers that the kernel confirms, for which the judge has no feature."""
    if isinstance(patterns, Silence):
        return []
    return [said for said in patterns if said.confidence >= _KNOWN]


def _too_rare_to_learn(patterns: Said, request: SuggestRequest) -> set[tuple[int, int, str]]:
    """Places (cell number, start, text) of rules for which there were too few commits to learn
    from.

    Calls that lack a keyword that was added to two calls of the same callee: three of four offers
    were right, and after edits made in one place only there was one offer in 2,500. Calls of
    `format` after one became an f-string: 37 of 41 followed, and no such edit stayed alone.
    """
    if isinstance(patterns, Silence):
        return set()
    found: set[tuple[int, int, str]] = set()
    for change in (c for said in patterns if said.confidence >= _SEVERAL for c in said.edits):
        number = request.notebook.index(change.cell) or 0
        source = request.notebook.cells[number].source
        for r in change.edit:
            is_keyword = r.start == r.end and _ADDED.match(r.text)
            is_format = _F_STRING.match(r.text) and ".format(" in source[r.start : r.end]
            if is_keyword or is_format:
                found.add((number, r.start, r.text))
    return found


def _taken(said: Iterable[Said], request: SuggestRequest) -> TakenPlaces:
    found = TakenPlaces()
    for offers in said:
        if not isinstance(offers, Silence):
            for change in (change for offer in offers for change in offer.edits):
                cell = request.notebook.index(change.cell) or 0
                for replaced in change.edit:
                    found.add(cell, replaced.start, replaced.end)
    return found


def _makes_an_offer(placed: Placed, considered: Considered, show: float) -> bool:
    """Whether a place is likely enough for an offer to be shown."""
    if placed.sure >= max(show, _SURE_OF_OTHERS):
        return True
    place, cell = placed.candidate, considered.cells[placed.candidate.cell]
    if placed.sure < show:
        return False
    sites = [e.site for e in place.change.examples]
    if place.change.shape != "word":
        line = Site.of(cell, place.first, place.last).line
        is_removal = place.change.shape == "lines removed"
        return not is_removal and any(site.line == line for site in sites)
    kind = _where(cell.kinds[place.first])
    return any(_where(site.kind) == kind for site in sites)


def _where(kind: str) -> str:
    """What a token of a kind is, where it is no name."""
    return "text" if kind in TEXTS else kind if kind in ("attribute", "keyword") else "name"


def _touches(candidate: Candidate, taken: TakenPlaces) -> bool:
    return taken.touches(candidate.cell, candidate.start, candidate.end)


def _disjoint(placed: Sequence[Placed]) -> list[Placed]:
    """The most likely of overlapping places; `placed` is sorted, most likely first."""
    kept: list[Placed] = []
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
    """Whether one of two adjacent places inserts text with which the other's text begins or
    ends."""
    if (one.start == one.end) == (other.start == other.end):
        return False
    point, span = (one, other) if one.start == one.end else (other, one)
    return (point.start == span.end and span.text.endswith(point.text)) or (
        point.start == span.start and span.text.startswith(point.text)
    )


def _has_moved_on(request: SuggestRequest, found: Sequence[Placed], tick: float) -> bool:
    """Whether the newest edit only wrote something new, and the changes to repeat are older.

    A user who continues elsewhere with an offer on the screen has seen it, or has reverted it.
    """
    last = request.history[-1]
    if any(last.before[r.start : r.end].strip() for r in last.edit):
        return False
    newest = [p for p in found if any(e.edit == 0 for e in p.candidate.change.examples)]
    return not any(p.sure >= tick for p in newest)


def _is_being_typed(request: SuggestRequest, placed: Sequence[Placed], half: str) -> bool:
    """Whether the caret stands behind a text that is only a beginning."""
    if request.history[-1].origin != "typed":
        return False
    change = placed[0].candidate.change
    before = request.cell.source[: request.caret.offset]
    old = "".join(change.replaced)
    if change.shape != "word" or not before.endswith(change.new) or not change.new:
        return False
    if change.new in _names_before(request, old, change.new):
        return False
    if half == change.new or len(change.examples) > 1:
        return half == change.new  # what was written twice is whole
    if change.new.isidentifier() and change.examples[0].site.kind not in TEXTS:
        return is_unfinished(request, old, change.new)
    return old.startswith(change.new) and not ends_at_edge(old, change.new)


def _names_before(request: SuggestRequest, old: str, new: str) -> frozenset[str]:
    """The known names, but for the one behind which the caret stands."""
    text, end = request.cell.source, request.caret.offset
    here = replace(request.cell, source=text[: end - len(new)] + old + text[end:])
    cells = tuple(here if cell.id == here.id else cell for cell in request.notebook.cells)
    return known_names(replace(request.notebook, cells=cells), request.facts)

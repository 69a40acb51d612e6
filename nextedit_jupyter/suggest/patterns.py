"""The patterns lane: offers the user's last edits, generalised, at the remaining places.

`analysis.patterns` determines what a change may mean; this lane checks it against the edit history,
finds the places in all cells, nearest first, and words the offer.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from nextedit_jupyter.analysis.budget import spend
from nextedit_jupyter.analysis.flat_tree import SyntaxTree, TreeCache
from nextedit_jupyter.analysis.patterns import (
    Around,
    NodeChange,
    Rule,
    changes,
    is_half_typed,
    rules_of,
    shared_shape,
)
from nextedit_jupyter.core import (
    CellEdit,
    EditEvent,
    Replacement,
    Silence,
    Suggestion,
    SuggestRequest,
    TextEdit,
)
from nextedit_jupyter.core.suggestion import Kind
from nextedit_jupyter.suggest.lane import Cancelled, suggestion_id

OWN = ("typed", "pasted", "accepted")
_NAME = re.compile(r"[\w.]+")
# How many of the newest events may still be continued: a user who has edited three other things
# since does not want the rest changed.
RECENT_EVENTS = 3
MAX_OFFERS = 2
CONFIDENCE = {"known": 0.97, "specific": 0.95, "repeated": 0.9, "weak": 0.85}


@dataclass(frozen=True, slots=True)
class NetEdit:
    """The net change of one cell in the history. `recent`: one of its events is among the
    newest."""

    cell: str
    before: str
    after: str
    recent: bool


@dataclass(frozen=True, slots=True)
class _Offer:
    rule: Rule
    places: tuple[tuple[str, tuple[Replacement, ...]], ...]  # by cell, nearest first
    confidence: float

    @property
    def count(self) -> int:
        return sum(len(found) for _, found in self.places)


class PatternsLane:
    """Its only state is a bounded cache of parsed cells; the same request gets the same answer."""

    def __init__(self, trees: TreeCache | None = None) -> None:
        self._trees = trees or TreeCache()

    def suggest(self, request: SuggestRequest, cancelled: Cancelled) -> list[Suggestion] | Silence:
        if not request.history or request.history[-1].origin not in OWN:
            return Silence("no_change")
        nets = net_edits(request)
        if not nets:
            return Silence("no_change")
        newest = nets[0]
        if is_half_typed(self._tree(newest.before), self._tree(newest.after)):
            return Silence("no_change", "the line is not finished")
        around = Around(
            request.notebook, {net.cell: net.before for net in nets}, request.facts, self._trees
        )
        found = [
            (net, change)
            for net in nets
            for change in changes(self._tree(net.before), self._tree(net.after))
        ]
        ruled = [(net, change, rules_of(change, around)) for net, change in found]
        offers: list[_Offer] = []
        for net, change, rules in ruled:
            if cancelled() or len(offers) >= MAX_OFFERS:
                break
            if not net.recent:
                continue
            half = _is_being_typed(change, net, request)
            for rule, support in _supported(change, rules, [(c, r) for _, c, r in ruled]):
                if half and rule.trust != "known":
                    break
                if any(rule == offer.rule for offer in offers):
                    break
                places = self._places(rule, request)
                if places:
                    sure = CONFIDENCE["weak" if support == 1 else "repeated"]
                    if rule.trust != "weak":
                        sure = CONFIDENCE[rule.trust]
                    offers.append(_Offer(rule, places, sure))
                    break
        suggestions = [s for offer in offers for s in self._worded(offer, request)]
        return suggestions or Silence("no_change")

    def _tree(self, source: str) -> SyntaxTree:
        return self._trees.tree(source)

    def _places(
        self, rule: Rule, request: SuggestRequest
    ) -> tuple[tuple[str, tuple[Replacement, ...]], ...]:
        here = request.notebook.index(request.caret.cell) or 0
        found = []
        for index, cell in enumerate(request.notebook.cells):
            if not cell.is_code or rule.needle not in cell.source:
                continue
            spend(6)
            tree = self._tree(cell.source)
            places = tuple(r for r in rule.places(tree) if cell.source[r.start : r.end] != r.text)
            if places and self._keeps_parsing(cell.source, tree, places):
                found.append(((abs(index - here), index < here), cell.id, places))
        return tuple((cell, places) for _, cell, places in sorted(found, key=lambda f: f[0]))

    def _keeps_parsing(self, source: str, tree: SyntaxTree, places: Sequence[Replacement]) -> bool:
        if all(_NAME.fullmatch(source[r.start : r.end] + r.text) for r in places):
            return True  # a name for a name
        after = self._tree(TextEdit.of(places).apply(source))
        return after.error_count <= tree.error_count

    def _worded(self, offer: _Offer, request: SuggestRequest) -> Iterator[Suggestion]:
        rule = offer.rule
        if "rename" in request.want and (offer.count > 1 or "next_edit" not in request.want):
            edits = tuple(_cell_edit(request, cell, places) for cell, places in offer.places)
            where = "" if rule.where == "place" else f" in {_plural(rule.where)}"
            label = (
                f"{rule.what}{where}: {_counted(offer.count, 'place')}"
                f" in {_counted(len(edits), 'cell')}"
            )
            yield _suggestion("rename", label, offer.confidence, edits)
        if "next_edit" in request.want:
            cell, places = offer.places[0]
            caret = request.caret.offset if cell == request.caret.cell else 0
            nearest = min(places, key=lambda r: (abs(r.start - caret), r.start < caret))
            left = f" ({offer.count - 1} more)" if offer.count > 1 else ""
            yield _suggestion(
                "next_edit",
                f"{rule.what}{left}",
                offer.confidence,
                (_cell_edit(request, cell, (nearest,)),),
            )


def net_edits(request: SuggestRequest) -> list[NetEdit]:
    """The net change of each cell by the user's own events, newest cell first.

    A cell's events are followed back from its present text as long as each begins where the
    previous one ended; a cell whose events do not lead to its text is left out. Suggestions
    accepted elsewhere before the newest typing are settled: the places that they left in their
    cells do not count as skipped by the user. A change that was accepted elsewhere and is then
    turned back where it began has no net change: only the turning back counts.
    """
    order: list[str] = []
    before: dict[str, str] = {}
    spans: dict[str, tuple[int, int]] = {}
    broken: set[str] = set()
    newest = {event.cell for event in request.history[-RECENT_EVENTS:]}
    typed: EditEvent | None = None
    for at, event in reversed(list(enumerate(request.history))):
        cell = request.notebook.cell(event.cell)
        if cell is None or not cell.is_code or event.cell in broken:
            continue
        if event.origin == "executed":
            continue  # the text as it ran, not an edit
        expected = before.get(event.cell, cell.source)
        settled = event.origin == "accepted" and typed is not None and typed.cell != event.cell
        if typed is None and event.origin in ("typed", "pasted"):
            typed = event
        if event.after != expected or event.origin in ("remote", "undone") or settled:
            # What was undone is not an example, and the edit that it undid may be gone from the
            # history.
            broken.add(event.cell)
            continue
        if event.cell not in before:
            order.append(event.cell)
        before[event.cell] = event.before
        spans[event.cell] = (at, spans.get(event.cell, (at, at))[1])
    nets = []
    for id in order:
        cell = request.notebook.cell(id)
        if cell is None:
            continue
        first, last = spans[id]
        is_back = before[id] == cell.source and any(
            event.origin == "accepted" and event.cell != id for event in request.history[first:last]
        )
        begin = request.history[last].before if is_back else before[id]
        if begin != cell.source:
            nets.append(NetEdit(id, begin, cell.source, id in newest))
    return nets


def _supported(
    change: NodeChange, rules: Sequence[Rule], others: Sequence[tuple[NodeChange, Sequence[Rule]]]
) -> Iterator[tuple[Rule, int]]:
    """The rules that have enough examples, each with their number."""
    for rule in rules:
        support = sum(rule in theirs for _, theirs in others)
        if support >= rule.examples:
            yield rule, support
    for other, _ in others:
        if other is not change and other != change:
            shared = shared_shape(change, other)
            if shared is not None:
                yield shared, 2


def _is_being_typed(change: NodeChange, net: NetEdit, request: SuggestRequest) -> bool:
    """Whether the caret is still after a text that is only a part of what it replaces."""
    return (
        net.cell == request.caret.cell
        and request.history[-1].origin == "typed"
        and change.new.end == request.caret.offset
        and change.old.text.startswith(change.new.text)
    )


def _cell_edit(request: SuggestRequest, cell: str, places: Sequence[Replacement]) -> CellEdit:
    found = request.notebook.cell(cell)
    assert found is not None
    return CellEdit.of(cell, found.source, TextEdit.of(places))


def _suggestion(
    kind: Kind, label: str, confidence: float, edits: tuple[CellEdit, ...]
) -> Suggestion:
    return Suggestion(
        suggestion_id(kind, "patterns", edits), kind, "patterns", label, confidence, edits
    )


def _counted(count: int, noun: str) -> str:
    return f"1 {noun}" if count == 1 else f"{count} {noun}s"


def _plural(noun: str) -> str:
    """ "calls of SGD"."""
    head, _, rest = noun.partition(" ")
    return f"{head}s {rest}".rstrip()

"""The judge's input: the notebook's code cells, the edits, and the other lanes' offers."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field

from nextedit_jupyter.suggest.judge.candidates import Candidate, CandidateRule
from nextedit_jupyter.suggest.judge.last_edits import Edited, Site
from nextedit_jupyter.suggest.judge.lexed import LexedCell

_BINDS = ("definition", "target", "import")


@dataclass(frozen=True, slots=True)
class Evidence:
    """The other lanes' offers: places (cell number, start) that bindings prove, and rules.

    `decided` are the proved places that follow a renamed definition: there is nothing to weigh.
    """

    proved: Collection[tuple[int, int]] = ()
    refused: bool = False
    rules: Sequence[CandidateRule] = ()
    decided: Collection[tuple[int, int]] = ()

    def ruled(self) -> dict[tuple[int, int], float]:
        """The trust of the rule for each place."""
        found: dict[tuple[int, int], float] = {}
        for rule in self.rules:
            for cell, start, _, _ in rule.places:
                found[cell, start] = max(found.get((cell, start), 0.0), rule.trust)
        return found


@dataclass(frozen=True, slots=True)
class View:
    """The notebook as seen by the judge: code cells by number, and where the user works."""

    cells: Mapping[int, LexedCell]
    sources: Mapping[int, str]
    edited: Sequence[Edited]
    numbers: Sequence[int]  # the cell numbers of `edited`, newest first
    evidence: Evidence
    ruled: Mapping[tuple[int, int], float]
    _bindings: dict[str, list[int]] = field(default_factory=dict)

    def bindings(self, name: str) -> list[int]:
        """The cells, in order, that were not edited and bind the name other than as a parameter."""
        known = self._bindings.get(name)
        if known is None:
            edited = set(self.numbers)
            known = self._bindings[name] = sorted(
                number
                for number, source in self.sources.items()
                if number not in edited
                and name in source
                and (cell := self.cells.get(number)) is not None
                and self.binds(cell, name)
            )
        return known

    def site(self, candidate: Candidate) -> Site:
        return Site.of(self.cells[candidate.cell], candidate.first, candidate.last)

    @staticmethod
    def binds(cell: LexedCell, name: str) -> bool:
        return any(cell.kinds[i] in _BINDS and cell.opens[i] < 0 for i in cell.places.get(name, ()))

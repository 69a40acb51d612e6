"""Types held-out cells through the product at many settings with a single pass of the model.

The model's reply at a place does not depend on the threshold, so it is asked once per place and
cached; everything after it (the recall cache, cutting, the filter, the gates) is the product's own
code and runs again for each setting.
"""

from __future__ import annotations

import random
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace

from nextedit_jupyter.core import Answer, KernelFacts, SuggestRequest
from nextedit_jupyter.evals.heldout import HeldOutPlace, kernel_facts
from nextedit_jupyter.evals.typing import FirstPiece, TypingTally, type_cell, typing_request
from nextedit_jupyter.prompt import TextTokenizer
from nextedit_jupyter.prompt.healing import split_for_healing
from nextedit_jupyter.suggest.acceptance import AcceptanceFilter
from nextedit_jupyter.suggest.lane import Cancelled
from nextedit_jupyter.suggest.model_lane import ModelAnswer, ModelLane
from nextedit_jupyter.suggest.recall import KeptReply
from nextedit_jupyter.suggest.suggester import Suggester

DEADLINE_MS = 60_000.0


class RememberingLane(ModelLane):
    """A model lane that asks its engine only once at each caret of the cell being typed."""

    def __init__(self, lane: ModelLane) -> None:
        super().__init__(
            lane._engine, lane._format, lane._tokenizer, lane.settings, lane.acceptance
        )
        self._replies: dict[int, tuple[KeptReply | None, ModelAnswer]] = {}

    def _ask(
        self, request: SuggestRequest, several: bool, deadline: float, cancelled: Cancelled
    ) -> tuple[KeptReply | None, ModelAnswer]:
        known = self._replies.get(request.caret.offset)
        if known is None:
            known = super()._ask(request, several, deadline, cancelled)
            self._replies[request.caret.offset] = known
        return known

    def reply(self, request: SuggestRequest) -> KeptReply | None:
        """The model's own reply at a caret, regardless of what would be shown."""
        line = request.cell.source[: request.caret.offset].rpartition("\n")[2]
        several = self.settings.multi_line and not line.strip()
        return self._ask(request, several, time.monotonic() + 60, lambda: False)[0]

    def next_cell(self) -> None:
        self.forget()
        self._replies.clear()


def first_token(tokenizer: TextTokenizer) -> FirstPiece:
    """The first token in the model's own tokenization, including the word at the caret."""

    def piece(before: str, offered: str) -> str:
        held = split_for_healing(before, tokenizer.pieces)[1]
        at = -len(held.encode())
        for id in tokenizer.encode(held + offered):
            at += len(tokenizer.token_bytes(id))
            if at > 0:
                return offered.encode()[:at].decode("utf-8", "ignore")
        return offered

    return piece


@dataclass(frozen=True, slots=True)
class ReplaySetting:
    """A setting of the product: threshold, filter, and whether gates are used."""

    threshold: float
    acceptance: AcceptanceFilter | None = None
    gates: bool = True


@dataclass(slots=True)
class TypingSimulator:
    """Types cells of held-out documents at several settings at once."""

    lane: RememberingLane
    budget: int | None = None
    facts: bool = True
    seed: int = 0
    suggester: Suggester = field(init=False)

    def __post_init__(self) -> None:
        self.suggester = Suggester(self.lane)
        if self.budget is not None:
            self.lane.settings = replace(self.lane.settings, budget=self.budget)

    def type(
        self,
        places: Sequence[HeldOutPlace],
        settings: Sequence[ReplaySetting],
        *,
        visit: Callable[[HeldOutPlace, Callable[[int], SuggestRequest]], None] | None = None,
        progress: Callable[[int], None] = lambda done: None,
    ) -> list[TypingTally]:
        """One tally per setting. The first setting's latencies are the product's own.

        `visit` is called for each place, with a function from an offset to its request, before the
        model's replies are dropped.
        """
        tallies = [TypingTally() for _ in settings]
        piece = first_token(self.lane.tokenizer)
        for number, place in enumerate(places):
            self.lane.next_cell()
            known = self.known(place)
            for setting, tally in zip(settings, tallies, strict=True):
                self._type(place, known, setting, tally, piece)
            if visit is not None:
                visit(place, lambda at, place=place, known=known: self.request(place, at, known))  # type: ignore[misc]
            progress(number + 1)
        self.lane.next_cell()
        return tallies

    def known(self, place: HeldOutPlace) -> KernelFacts:
        """What the kernel knows at a place; the same for the same place and seed."""
        if not self.facts:
            return KernelFacts()
        rng = random.Random(f"{self.seed}/{place.document.path}/{place.index}")
        return kernel_facts(place.document, place.index, rng)

    def request(self, place: HeldOutPlace, offset: int, known: KernelFacts) -> SuggestRequest:
        request = typing_request(place.document.notebook, place.index, offset)
        return replace(request, facts=known, deadline_ms=DEADLINE_MS)

    def _type(
        self,
        place: HeldOutPlace,
        known: KernelFacts,
        setting: ReplaySetting,
        tally: TypingTally,
        piece: FirstPiece,
    ) -> None:
        lane = self.lane
        lane.forget()
        self.suggester.forget()
        lane.acceptance = setting.acceptance
        lane.show_from(setting.threshold)

        def ask(request: SuggestRequest) -> str:
            request = replace(request, facts=known, deadline_ms=DEADLINE_MS)
            if setting.gates:
                answer: Answer | ModelAnswer = self.suggester.answer(request)
            else:
                answer = lane.inline(request, time.monotonic() + 60, lambda: False)
            for suggestion in answer.suggestions:
                return "".join(r.text for change in suggestion.edits for r in change.edit)
            reason = answer.silence["inline"].reason
            tally.silence[reason] = tally.silence.get(reason, 0) + 1
            return ""

        notebook = place.document.notebook
        type_cell(notebook, place.index, ask, tally, first_piece=piece, parse=True)

"""Recent replies of the model, so that typing along a suggestion does not run the model.

A complete reply is kept, even if it was not confident enough to be shown: once its doubtful token
is typed, the rest may be. Entries are found by what surrounds the caret, never by a request's
number, so a late reply is unused and never wrong (as in llama.vim).
"""

from __future__ import annotations

import operator
from collections import OrderedDict
from collections.abc import Hashable
from dataclasses import dataclass

from nextedit_jupyter.core import SuggestRequest, TextEdit
from nextedit_jupyter.suggest.trim import GeneratedToken


@dataclass(frozen=True, slots=True)
class KeptReply:
    """A completion that was made for the text `before` the caret.

    `typed`: a part of it has been typed since, so its probabilities were computed with less
    context.
    """

    before: str
    text: str
    steps: tuple[GeneratedToken, ...]
    finished: bool
    typed: bool = False

    def typed_through(self, before: str) -> KeptReply | None:
        """The rest of the reply once the text before the caret is `before`; None if that differs
        from it.

        Typed tokens are now certain, so their probabilities are dropped; the one that the caret is
        in counts in proportion to its rest.
        """
        if not before.startswith(self.before):
            return None
        typed = before[len(self.before) :]
        if not typed:
            return self
        if not self.text.startswith(typed) or len(typed) >= len(self.text):
            return None
        steps, start = [], 0
        for step in self.steps:
            if step.end > len(typed):
                share = (step.end - max(start, len(typed))) / max(step.end - start, 1)
                steps.append(GeneratedToken(step.end - len(typed), step.logprob * share))
            elif step.end == len(self.text):  # the token that ends the reply
                steps.append(GeneratedToken(step.end - len(typed), step.logprob))
            start = step.end
        return KeptReply(before, self.text[len(typed) :], tuple(steps), self.finished, typed=True)


class Recall:
    """The newest replies, at most `size` (llama.vim's 250); the least recently used are dropped."""

    def __init__(self, size: int = 250, places: int = 8) -> None:
        self._size = size
        self._places = places  # replies kept per surroundings; each keystroke may add one
        self._replies: OrderedDict[Hashable, list[KeptReply]] = OrderedDict()
        self._count = 0

    def __len__(self) -> int:
        return self._count

    def find(self, request: SuggestRequest) -> KeptReply | None:
        """The newest reply that the text before the caret agrees with."""
        key = _surroundings(request)
        replies = self._replies.get(key)
        if replies is None:
            return None
        self._replies.move_to_end(key)
        before = request.cell.source[: request.caret.offset]
        for reply in reversed(replies):
            left = reply.typed_through(before)
            if left is not None:
                return left
        return None

    def keep(self, request: SuggestRequest, reply: KeptReply) -> None:
        key = _surroundings(request)
        replies = self._replies.setdefault(key, [])
        self._replies.move_to_end(key)
        replies.append(reply)
        self._count += 1
        if len(replies) > self._places:
            del replies[0]
            self._count -= 1
        while self._count > self._size:
            _, dropped = self._replies.popitem(last=False)
            self._count -= len(dropped)

    def clear(self) -> None:
        self._replies.clear()
        self._count = 0


@dataclass(frozen=True, slots=True)
class PendingEdit:
    """A next edit that was offered for the text `base` of the caret's cell."""

    base: str
    edit: TextEdit
    confidence: float
    others: int

    @classmethod
    def of(cls, request: SuggestRequest, edit: TextEdit, confidence: float) -> PendingEdit:
        return cls(request.cell.source, edit, confidence, _others(request))

    def typed_through(self, request: SuggestRequest) -> TextEdit | None:
        """The rest of it after the user typed a part of it; None if nothing is left."""
        if _others(request) != self.others:
            return None
        left = self.edit.interpolate(TextEdit.between(self.base, request.cell.source))
        return left if left and left.fits(request.cell.source) else None


def _surroundings(request: SuggestRequest) -> Hashable:
    """Everything that a reply depends on, except the text before the caret and the edit history.

    The history grows with each keystroke, and its result is in the cells.
    """
    here = request.caret.cell
    return (
        here,
        request.cell.source[request.caret.offset :],
        _others(request),
    )


def _others(request: SuggestRequest) -> int:
    """The hash of the other cells and the kernel's facts."""
    return _hashes.of(request)


class _Hashes:
    """Caches the present request's hash, which is needed several times per keystroke."""

    _ID_AND_SOURCE = operator.attrgetter("id", "source")

    def __init__(self) -> None:
        self._last: tuple[SuggestRequest | None, int] = (None, 0)

    def of(self, request: SuggestRequest) -> int:
        known, value = self._last
        if known is not request:
            cells, facts = request.notebook.cells, request.facts
            here = request.notebook.index(request.caret.cell) or 0
            above = tuple(map(self._ID_AND_SOURCE, cells[:here]))
            below = tuple(map(self._ID_AND_SOURCE, cells[here + 1 :]))
            value = hash((above, below, facts.names, facts.error))
            self._last = (request, value)
        return value


_hashes = _Hashes()

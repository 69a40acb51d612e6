"""Drafts without a second model: what followed the same tokens earlier, verified in one pass.

Prompt lookup (Saxena, "Prompt Lookup Decoding", 2023) in the text being rewritten, in recent
answers, and in the prompt. The length of a draft depends on how often drafts of that kind were
right and on the measured cost of a longer pass. Drafts change only the speed, never the answer.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

import numpy as np
import numpy.typing as npt

Ids = npt.NDArray[np.int32]
Origin = Literal["source", "recent", "prompt"]

# The cost of an extra row, relative to a pass of two, until it is measured. Large model, position
# 512: 2, 4, 8 and 16 rows take 10.2, 10.6, 12.8 and 17.7 ms.
ROW_COST = 0.06
# In a mixture each row activates its own experts, whose weights are read for it alone: with 2 of 8
# active, 1,024 wide, 8 tokens take 1.9 times as long as one.
EXPERTS_ROW_COST = 0.12
MAX_DRAFT = 7  # a pass of eight, with the token that is read anyway
MAX_REWRITE_DRAFT = 15  # a rewrite copies most of its lines
MAX_MATCH = 8
CONTEXT = MAX_MATCH  # tokens of the prompt that are kept with each answer
RECENT_TOKENS = 8192  # some five hundred completions
_NO_TOKEN = -1


class DraftRates:
    """How often drafted tokens were right, by source and by the length of the match.

    Lives as long as an engine; initialised with the rates of lookups in notebooks.
    """

    _PRIORS = (0.3, 0.45, 0.65, 0.8, 0.85)
    _LONG = 4  # longer matches are all alike

    def __init__(self) -> None:
        kinds: tuple[Origin, ...] = ("source", "recent", "prompt")
        self._right = {kind: [rate * 8 for rate in self._PRIORS] for kind in kinds}
        self._tried = {kind: [8.0] * len(self._PRIORS) for kind in kinds}

    def length(
        self,
        match: int,
        origin: Origin = "prompt",
        cost: float = ROW_COST,
        *,
        free_guess: bool = True,
    ) -> int:
        """How many tokens to draft after a match of `match` tokens; at least 1 if a guess is free.

        The number that maximises tokens per unit of time: each token is right only if those before
        it are. A guess is free if a pass has at least two rows.
        """
        at = min(match, self._LONG)
        rate = min(self._right[origin][at] / self._tried[origin][at], 0.98)
        limit = MAX_REWRITE_DRAFT if origin == "source" else MAX_DRAFT
        best, length, tokens, chance = (0.0, 1, 1.0, 1.0) if free_guess else (1.0, 0, 1.0, 1.0)
        for count in range(1, limit + 1):
            chance *= rate
            tokens += chance
            gain = tokens / (1 + cost * (count - 1 if free_guess else count))
            if gain > best:
                best, length = gain, count
        return length

    def learn(self, match: int, drafted: int, accepted: int, origin: Origin = "prompt") -> None:
        """Count a verified draft; older ones decay."""
        at = min(match, self._LONG)
        right, tried = self._right[origin], self._tried[origin]
        right[at] += accepted
        tried[at] += accepted + (accepted < drafted)
        if tried[at] > 128:
            right[at] /= 2
            tried[at] /= 2


class RowCost:
    """What an extra row adds to the shortest pass, as a fraction of it, measured while running.

    The fastest pass of each size counts, because slower ones waited for the machine; it decays,
    because conditions change. The shortest pass has two rows, or one if a guess is not free.
    """

    MIN_COST, MAX_COST = 0.02, 0.12  # a busy machine makes rows look expensive
    MAX_COST_OF_EXPERTS = 0.5  # a likely draft is always tried, to keep learning
    _FADE = 1.01

    def __init__(self, *, free_guess: bool = True) -> None:
        self._short = self._long = 0.0  # seconds of a shortest pass, and of an extra row
        self._fewest = 2 if free_guess else 1
        self._max_cost = self.MAX_COST if free_guess else self.MAX_COST_OF_EXPERTS
        self._before = ROW_COST if free_guess else EXPERTS_ROW_COST

    def observe(self, rows: int, seconds: float) -> None:
        if rows == self._fewest:
            self._short = min(seconds, self._short * self._FADE or seconds)
        elif 5 <= rows <= 16 and self._short:
            more = max(0.0, seconds - self._short) / (rows - self._fewest)
            self._long = min(more, self._long * self._FADE or more)

    @property
    def share(self) -> float:
        if not self._short or not self._long:
            return self._before
        return min(self._max_cost, max(self.MIN_COST, self._long / self._short))


class Recent:
    """Recent answers, each with the tokens that preceded it.

    One key later the model mostly gives the same answer again, and a person who accepted a
    suggestion types similar things again.
    """

    def __init__(self, limit: int = RECENT_TOKENS) -> None:
        self._max_cost = limit
        self._text = np.full(2 * limit, _NO_TOKEN, np.int32)
        self._length = 0
        self._last: Ids = self._text[:0]

    @property
    def text(self) -> Ids:
        """All answers, concatenated with a separator that is not a token."""
        return self._text[: self._length]

    def learn(self, prompt: Sequence[int], said: Sequence[int]) -> None:
        """Remember an answer to a prompt; an immediate repetition counts once."""
        if not said:
            return
        part = np.array([*prompt[-CONTEXT:], *said], np.int32)[: self._max_cost // 2]
        if len(part) == len(self._last) and (part == self._last).all():
            return
        if self._length + len(part) + 1 > len(self._text):
            kept = self._text[self._length - self._max_cost : self._length].copy()
            self._text[: self._max_cost] = kept
            self._length = self._max_cost
        end = self._length + len(part)
        self._text[self._length : end] = part
        self._text[end] = _NO_TOKEN
        self._last = self._text[self._length : end].copy()
        self._length = end + 1


class Followers:
    """For each token, the token that last followed it in anything that was read: drafts of last
    resort.

    A pass has at least two rows (see `Engine`), so a guess is free.
    """

    def __init__(self, vocab_size: int) -> None:
        self._next = np.zeros(vocab_size, np.int32)

    def learn(self, ids: Ids) -> None:
        self._next[ids[:-1]] = ids[1:]

    def after(self, id: int) -> int:
        return int(self._next[id])


class Drafter:
    """Drafts for one completion: first from `source`, then from recent answers, then from the
    prompt and the output; of several matches the longest."""

    def __init__(
        self,
        prompt: Sequence[int],
        source: Sequence[int],
        max_new: int,
        rates: DraftRates,
        followers: Followers | None,
        recent: Recent | None = None,
        cost: float = ROW_COST,
        begun: npt.NDArray[np.int64] | None = None,
    ) -> None:
        """`begun` are the tokens that agree with what was typed of the first one; None for any.

        Without `followers` a guess is not free, and only drafts that pay are made.
        """
        self._text = np.empty(len(prompt) + max_new, np.int32)
        self._text[: len(prompt)] = prompt
        self._length = len(prompt)
        self._source = np.array(source, np.int32)
        self._recent = recent.text if recent is not None else self._source[:0]
        self._followed = 0
        self._rates = rates
        self._followers = followers
        self._cost = cost
        self._match = 0
        self._origin: Origin = "prompt"
        self._begun = begun
        if followers is not None:
            followers.learn(self._text[: self._length])

    def append(self, id: int) -> None:
        """Add a generated token."""
        self._text[self._length] = id
        self._length += 1

    def propose(self, limit: int) -> list[int]:
        """The tokens that may come next, at most `limit`.

        At least one, unless a word was begun or a guess is not free.
        """
        self._match = 0
        if limit < 1:
            return []
        if self._begun is not None:
            begun, self._begun = self._begun, None
            return self._propose_begun(limit, begun)
        text = self._text[: self._length]
        match, places = longest_match(self._source, text)
        found: tuple[Origin, Ids, int] | None = None
        if match and len(places):
            # Of equally good places, the first one at or after the one that was followed last.
            later = places[places >= self._followed]
            found = ("source", self._source, int(later[0] if len(later) else places[0]))
        others: tuple[tuple[Origin, Ids], ...] = (("recent", self._recent), ("prompt", text))
        for origin, others_text in others:
            # In the text being rewritten a short match is as good as elsewhere, a long one is
            # worse.
            if found is not None and found[0] == "source" and match >= 3:
                break
            longer, elsewhere = longest_match(others_text, text)
            if longer > match and len(elsewhere):
                match, found = longer, (origin, others_text, int(elsewhere[-1]))
        if found is None:
            return self._guess()
        self._match, (self._origin, ids, at) = match, found
        count = self._count(match, limit)
        if self._origin == "source":
            self._followed = at + 1
        drafts = [int(id) for id in ids[at + 1 : at + 1 + count]]
        if _NO_TOKEN in drafts:
            drafts = drafts[: drafts.index(_NO_TOKEN)]
        if not drafts:
            self._match = 0
            return self._guess()
        return drafts

    def _guess(self) -> list[int]:
        """The token that last followed the last one, if a guess is free."""
        if self._followers is None:
            return []
        return [self._followers.after(int(self._text[self._length - 1]))]

    def _count(self, match: int, limit: int) -> int:
        free = self._followers is not None
        length = self._rates.length(match, self._origin, self._cost, free_guess=free)
        return min(limit, length)

    def _propose_begun(self, limit: int, begun: npt.NDArray[np.int64]) -> list[int]:
        """The first tokens if part of a word was typed: only those that agree with it.

        Of the places with such a token, the one preceded by the longest match.
        """
        text = self._text[: self._length]
        best: tuple[int, Origin, Ids, int] | None = None
        sources: tuple[tuple[Origin, Ids], ...] = (
            ("source", self._source),
            ("recent", self._recent),
            ("prompt", text),
        )
        for origin, ids in sources:
            match, places = longest_match(ids, text, np.isin(ids[1:], begun))
            if not match:  # any place with an agreeing token
                places = np.flatnonzero(np.isin(ids, begun)) - 1
            if len(places) and (best is None or match > best[0]):
                best = match, origin, ids, int(places[-1])
        if best is None:
            return []
        self._match, self._origin, ids, at = best
        count = self._count(self._match, limit)
        drafts = [int(id) for id in ids[at + 1 : at + 1 + count]]
        return drafts[: drafts.index(_NO_TOKEN)] if _NO_TOKEN in drafts else drafts

    def learn(self, drafted: int, accepted: int) -> None:
        """Count how many tokens of the last proposal were right."""
        if drafted and self._match:
            self._rates.learn(self._match, drafted, accepted, self._origin)


def longest_match(
    text: Ids, tail: Ids, wanted: npt.NDArray[np.bool_] | None = None
) -> tuple[int, npt.NDArray[np.intp]]:
    """Finds the longest suffix of `tail` in `text`, before its last token.

    `wanted` says for each token except the first whether it may follow.

    Returns its length (0 to `MAX_MATCH`) and the positions of its last token.
    """
    if len(text) < 2:
        return 0, np.empty(0, np.intp)
    alike = text[:-1] == tail[-1]
    places = np.flatnonzero(alike if wanted is None else alike & wanted)
    if not len(places):
        return 0, places
    for length in range(2, min(MAX_MATCH, len(tail)) + 1):
        longer = places[places >= length - 1]
        longer = longer[text[longer - (length - 1)] == tail[-length]]
        if not len(longer):
            return length - 1, places
        places = longer
    return min(MAX_MATCH, len(tail)), places

"""Drafts without a second model: what followed the same tokens earlier, tried in one pass.

Prompt lookup (Saxena, "Prompt Lookup Decoding", 2023) in the text that is rewritten, in recent
answers, and in the prompt. How much is drafted follows how often drafts of that kind were right and
what a longer pass took here. Drafts change only the speed, never the answer.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

import numpy as np
import numpy.typing as npt

Ids = npt.NDArray[np.int32]
Origin = Literal["source", "recent", "prompt"]

# What a row more costs, in passes of two, until it was measured: large model, position 512: 2, 4,
# 8 and 16 rows take 10.2, 10.6, 12.8 and 17.7 ms.
ROW_COST = 0.06
# In a mixture each row calls experts of its own, whose weights are read for it alone: with 8 of
# which 2 work, 1,024 wide, 8 tokens take 1.9 times what one takes.
EXPERTS_ROW_COST = 0.12
MAX_DRAFT = 7  # with the token that is read anyway a pass of eight
MAX_REWRITE_DRAFT = 15  # a rewrite copies most of its lines
MAX_MATCH = 8
CONTEXT = MAX_MATCH  # tokens of the prompt kept with what was said after them
RECENT_TOKENS = 8192  # some five hundred completions
_NO_TOKEN = -1


class DraftRates:
    """How often drafted tokens were right, by where they came from and how long the match was.

    Lives as long as an engine; begins with what lookups in notebooks give.
    """

    _PRIORS = (0.3, 0.45, 0.65, 0.8, 0.85)
    _LONG = 4  # matches of more tokens are alike

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

        As many as make the most tokens a time: each token is right only if those before it are.
        A guess is free where a pass of two rows is the least there is.
        """
        at = min(match, self._LONG)
        rate = min(self._right[origin][at] / self._tried[origin][at], 0.98)
        most = MAX_REWRITE_DRAFT if origin == "source" else MAX_DRAFT
        best, length, tokens, chance = (0.0, 1, 1.0, 1.0) if free_guess else (1.0, 0, 1.0, 1.0)
        for count in range(1, most + 1):
            chance *= rate
            tokens += chance
            gain = tokens / (1 + cost * (count - 1 if free_guess else count))
            if gain > best:
                best, length = gain, count
        return length

    def learn(self, match: int, drafted: int, accepted: int, origin: Origin = "prompt") -> None:
        """Count a verified draft; what is older fades."""
        at = min(match, self._LONG)
        right, tried = self._right[origin], self._tried[origin]
        right[at] += accepted
        tried[at] += accepted + (accepted < drafted)
        if tried[at] > 128:
            right[at] /= 2
            tried[at] /= 2


class RowCost:
    """What a row more adds to the shortest pass, as a share of it, measured as passes go by.

    The quickest pass of each size counts, for others wait for the machine; it fades, for a machine
    changes. The shortest pass has two rows, or one where a guess is not free.
    """

    LEAST, MOST = 0.02, 0.12  # a busy machine makes rows look dearer, and no long pass is tried
    MOST_OF_EXPERTS = 0.5  # a likely draft is always tried, or nothing more would be learnt
    _FADE = 1.01

    def __init__(self, *, free_guess: bool = True) -> None:
        self._short = self._long = 0.0  # seconds a shortest pass, and a row more
        self._fewest = 2 if free_guess else 1
        self._most = self.MOST if free_guess else self.MOST_OF_EXPERTS
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
        return min(self._most, max(self.LEAST, self._long / self._short))


class Recent:
    """What was said lately, each with the tokens that it was said after.

    A key later the model says mostly what it said at the key before, and a person who took a
    suggestion types the like again.
    """

    def __init__(self, most: int = RECENT_TOKENS) -> None:
        self._most = most
        self._text = np.full(2 * most, _NO_TOKEN, np.int32)
        self._length = 0
        self._last: Ids = self._text[:0]

    @property
    def text(self) -> Ids:
        """All of it, one after another, parted by a token that there is none of."""
        return self._text[: self._length]

    def learn(self, prompt: Sequence[int], said: Sequence[int]) -> None:
        """Remember what was said after a prompt; the same as the last time counts once."""
        if not said:
            return
        part = np.array([*prompt[-CONTEXT:], *said], np.int32)[: self._most // 2]
        if len(part) == len(self._last) and (part == self._last).all():
            return
        if self._length + len(part) + 1 > len(self._text):
            kept = self._text[self._length - self._most : self._length].copy()
            self._text[: self._most] = kept
            self._length = self._most
        end = self._length + len(part)
        self._text[self._length : end] = part
        self._text[end] = _NO_TOKEN
        self._last = self._text[self._length : end].copy()
        self._length = end + 1


class Followers:
    """For each token what followed it last, in anything that was read: drafts of last resort.

    A pass has at least two rows (see `Engine`), so a guess is free.
    """

    def __init__(self, vocab_size: int) -> None:
        self._next = np.zeros(vocab_size, np.int32)

    def learn(self, ids: Ids) -> None:
        self._next[ids[:-1]] = ids[1:]

    def after(self, id: int) -> int:
        return int(self._next[id])


class Drafter:
    """Drafts for one completion, from `source` first, then what was said lately, then the prompt
    and the output; where matches differ in length the longest."""

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
        """`begun` are the tokens that agree with what was typed of the first one, None for any.

        Without `followers` a guess is not free, and nothing is drafted that would not pay.
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
        """Take up a generated token."""
        self._text[self._length] = id
        self._length += 1

    def propose(self, most: int) -> list[int]:
        """The tokens that may come next, at most `most`.

        At least one, unless a word was begun or a guess is not free.
        """
        self._match = 0
        if most < 1:
            return []
        if self._begun is not None:
            begun, self._begun = self._begun, None
            return self._propose_begun(most, begun)
        text = self._text[: self._length]
        match, places = longest_match(self._source, text)
        found: tuple[Origin, Ids, int] | None = None
        if match and len(places):
            # Of equally good places the first at or after the one that was followed last.
            later = places[places >= self._followed]
            found = ("source", self._source, int(later[0] if len(later) else places[0]))
        others: tuple[tuple[Origin, Ids], ...] = (("recent", self._recent), ("prompt", text))
        for origin, others_text in others:
            # A short match in what is rewritten is no worse than one elsewhere, a long one is.
            if found is not None and found[0] == "source" and match >= 3:
                break
            longer, elsewhere = longest_match(others_text, text)
            if longer > match and len(elsewhere):
                match, found = longer, (origin, others_text, int(elsewhere[-1]))
        if found is None:
            return self._guess()
        self._match, (self._origin, ids, at) = match, found
        count = self._count(match, most)
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
        """What followed the last token last, where a guess is free."""
        if self._followers is None:
            return []
        return [self._followers.after(int(self._text[self._length - 1]))]

    def _count(self, match: int, most: int) -> int:
        free = self._followers is not None
        length = self._rates.length(match, self._origin, self._cost, free_guess=free)
        return min(most, length)

    def _propose_begun(self, most: int, begun: npt.NDArray[np.int64]) -> list[int]:
        """The first tokens, where a part of a word was typed: only such as agree with it.

        Of the places where one stands that which comes after the most of the same tokens.
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
            if not match:  # a token that agrees, wherever it stands
                places = np.flatnonzero(np.isin(ids, begun)) - 1
            if len(places) and (best is None or match > best[0]):
                best = match, origin, ids, int(places[-1])
        if best is None:
            return []
        self._match, self._origin, ids, at = best
        count = self._count(self._match, most)
        drafts = [int(id) for id in ids[at + 1 : at + 1 + count]]
        return drafts[: drafts.index(_NO_TOKEN)] if _NO_TOKEN in drafts else drafts

    def learn(self, drafted: int, accepted: int) -> None:
        """Count how many tokens of the last proposal were right."""
        if drafted and self._match:
            self._rates.learn(self._match, drafted, accepted, self._origin)


def longest_match(
    text: Ids, tail: Ids, wanted: npt.NDArray[np.bool_] | None = None
) -> tuple[int, npt.NDArray[np.intp]]:
    """Where in `text`, before its last token, the longest end of `tail` stands.

    `wanted` says of each token but the first whether it may follow.

    Gives its length (0 to `MAX_MATCH`) and the places of its last token.
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

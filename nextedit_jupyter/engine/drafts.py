"""Drafts without a second model: what followed the last tokens before, tried in one pass.

Prompt lookup (Saxena, "Prompt Lookup Decoding", 2023), with the draft's length chosen by how often
drafts of that kind were right and by what a longer pass costs. Drafts change the speed alone, never
the answer.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

Ids = npt.NDArray[np.int32]

# A drafted token costs about an eighth of a pass (default bundle at position 512: 1, 2, 4, 8 and
# 16 rows take 0.8, 1.0, 1.2, 1.5 and 2.2 ms), so it pays if it is right more often than that.
ROW_COST = 0.13
MAX_DRAFT = 15
MAX_MATCH = 8


class DraftRates:
    """How often drafted tokens were right, by the length of the match that they came from.

    Lives as long as an engine; begins with what lookups in notebooks give.
    """

    _PRIORS = (0.3, 0.45, 0.65, 0.8, 0.85)

    def __init__(self) -> None:
        self._right = [rate * 8 for rate in self._PRIORS]
        self._tried = [8.0] * len(self._PRIORS)

    def length(self, match: int) -> int:
        """How many tokens to draft after a match of `match` tokens; at least 1."""
        at = self._bucket(match)
        rate = min(self._right[at] / self._tried[at], 0.98)
        if rate <= ROW_COST:
            return 1
        return max(1, min(MAX_DRAFT, int(math.log(ROW_COST) / math.log(rate))))

    def learn(self, match: int, drafted: int, accepted: int) -> None:
        """Count a verified draft; what is older fades."""
        at = self._bucket(match)
        self._right[at] += accepted
        self._tried[at] += accepted + (accepted < drafted)
        if self._tried[at] > 128:
            self._right[at] /= 2
            self._tried[at] /= 2

    def _bucket(self, match: int) -> int:
        return min(match, len(self._PRIORS) - 1)


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
    """Drafts for one completion, from `source` first and then from the prompt and the output."""

    def __init__(
        self,
        prompt: Sequence[int],
        source: Sequence[int],
        max_new: int,
        rates: DraftRates,
        followers: Followers,
    ) -> None:
        self._text = np.empty(len(prompt) + max_new, np.int32)
        self._text[: len(prompt)] = prompt
        self._length = len(prompt)
        self._source = np.array(source, np.int32)
        self._followed = 0
        self._rates = rates
        self._followers = followers
        self._match = 0
        followers.learn(self._text[: self._length])

    def append(self, id: int) -> None:
        """Take up a generated token."""
        self._text[self._length] = id
        self._length += 1

    def propose(self, most: int) -> list[int]:
        """The tokens that may come next: at least one if `most` is, at most `most`."""
        if most < 1:
            self._match = 0
            return []
        text = self._text[: self._length]
        match, places = longest_match(self._source, text)
        if match >= 1 and len(places):
            # Of equally good places the first at or after the one that was followed last.
            later = places[places >= self._followed]
            at = int(later[0] if len(later) else places[0])
            origin: Ids = self._source
        if match < 3:
            other, elsewhere = longest_match(text, text)
            if other > match and len(elsewhere):
                match, at, origin = other, int(elsewhere[-1]), text
        if match == 0:
            self._match = 0
            return [self._followers.after(int(text[-1]))]
        self._match = match
        count = min(most, self._rates.length(match))
        if origin is self._source:
            self._followed = at + 1
        return [int(id) for id in origin[at + 1 : at + 1 + count]]

    def learn(self, drafted: int, accepted: int) -> None:
        """Count how many tokens of the last proposal were right."""
        if drafted:
            self._rates.learn(self._match, drafted, accepted)


def longest_match(text: Ids, tail: Ids) -> tuple[int, npt.NDArray[np.intp]]:
    """Where in `text`, before its last token, the longest end of `tail` stands.

    Gives its length (0 to `MAX_MATCH`) and the places of its last token.
    """
    places = np.flatnonzero(text[:-1] == tail[-1]) if len(text) > 1 else np.empty(0, np.intp)
    if not len(places):
        return 0, places
    for length in range(2, min(MAX_MATCH, len(tail)) + 1):
        longer = places[places >= length - 1]
        longer = longer[text[longer - (length - 1)] == tail[-length]]
        if not len(longer):
            return length - 1, places
        places = longer
    return min(MAX_MATCH, len(tail)), places

"""Chooses which tokens of a base's vocabulary to keep: those that notebooks use.

The head is a large part of a small model's cost, and a base covers every language; tokens that the
corpus never needs are dropped. The selection is closed under the merges of its tokens, so that the
reduced tokenizer splits texts as before wherever the tokens exist.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import islice
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from tokenizers import Tokenizer

Merge = tuple[str, str]


def count_tokens(texts: Iterable[str], tokenizer: Tokenizer) -> Counter[int]:
    """How often each id occurs in the texts."""
    counts: Counter[int] = Counter()
    for batch in batched(texts, 1000):
        for encoding in tokenizer.encode_batch(list(batch)):
            counts.update(encoding.ids)
    return counts


def batched(texts: Iterable[str], size: int) -> Iterator[list[str]]:
    """Lists of at most `size` texts, in order."""
    rest = iter(texts)
    while batch := list(islice(rest, size)):
        yield batch


def choose_tokens(
    counts: Mapping[int, float],
    tokens: Sequence[str],
    merges: Sequence[Merge],
    alphabet: Iterable[str],
    size: int,
) -> list[int]:
    """The ids to keep, sorted, at most `size`: the most frequent, and the tokens that they are
    merged from.

    `tokens` are the base's, by id; letters of `alphabet` are always kept. A token whose parts no
    longer fit is left out, and later ones with fewer parts are tried.
    """
    ids = {token: id for id, token in enumerate(tokens)}
    parts: dict[int, tuple[int, int]] = {}
    for left, right in merges:
        parts.setdefault(ids[left + right], (ids[left], ids[right]))
    kept = {ids[letter] for letter in alphabet if letter in ids}
    made = [id for id in counts if id in parts or id in kept]
    for id in sorted(made, key=lambda id: (-counts[id], id)):
        needed: set[int] = set()
        waiting = [id]
        while waiting:
            part = waiting.pop()
            if part not in kept and part not in needed:
                needed.add(part)
                waiting += parts.get(part, ())
        if len(kept) + len(needed) <= size:
            kept |= needed
        if len(kept) == size:
            break
    return sorted(kept)

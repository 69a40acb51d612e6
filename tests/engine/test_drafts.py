"""Prompt lookup: what is drafted, and how much of it."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from nextedit_jupyter.engine.drafts import (
    MAX_DRAFT,
    Drafter,
    DraftRates,
    Followers,
    longest_match,
)


def drafter(prompt: list[int], source: tuple[int, ...] = ()) -> Drafter:
    return Drafter(prompt, source, 50, DraftRates(), Followers(100))


def test_what_followed_the_same_tokens_before_is_drafted() -> None:
    assert drafter([1, 2, 3, 4, 5, 6, 7, 8, 1, 2, 3, 4]).propose(3) == [5, 6, 7]


def test_the_text_that_is_rewritten_comes_first() -> None:
    assert drafter([1, 2, 3, 4, 5, 9, 1, 2, 3, 4], source=(1, 2, 3, 4, 7, 8)).propose(2) == [7, 8]


def test_a_longer_match_in_the_prompt_beats_a_short_one_in_the_source() -> None:
    assert drafter([1, 2, 3, 4, 5, 9, 1, 2, 3, 4], source=(4, 7)).propose(1) == [5]


def test_the_newest_of_equal_places_is_taken() -> None:
    assert drafter([1, 2, 3, 30, 1, 2, 3, 40, 1, 2, 3]).propose(1) == [40]


def test_something_is_drafted_where_nothing_matches() -> None:
    assert len(drafter([1, 2, 3]).propose(5)) == 1
    assert drafter([1, 2, 3]).propose(0) == []


def test_generated_tokens_are_looked_up_too() -> None:
    drafts = drafter([1, 2, 3])
    for id in (50, 51, 52, 53, 60, 50, 51, 52):
        drafts.append(id)
    assert drafts.propose(1) == [53]


def test_drafts_grow_while_they_are_right_and_shrink_while_they_are_wrong() -> None:
    rates = DraftRates()
    before = rates.length(3)
    for _ in range(40):
        rates.learn(3, drafted=5, accepted=5)
    assert before < rates.length(3) <= MAX_DRAFT
    for _ in range(200):
        rates.learn(3, drafted=5, accepted=0)
    assert rates.length(3) == 1


tokens = st.lists(st.integers(0, 3), min_size=1, max_size=30)


@given(tokens, tokens)
def test_a_match_is_the_longest_end_that_stands_there(text: list[int], tail: list[int]) -> None:
    length, places = longest_match(np.array(text, np.int32), np.array(tail, np.int32))

    def matches(at: int) -> int:
        count = 0
        while count < min(8, len(tail), at + 1) and text[at - count] == tail[-1 - count]:
            count += 1
        return count

    found = [matches(at) for at in range(len(text) - 1)]
    assert length == max(found, default=0)
    if length:
        assert list(places) == [at for at, count in enumerate(found) if count == length]

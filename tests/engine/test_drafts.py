"""Prompt lookup: what is drafted, and how much of it."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from nextedit_jupyter.engine.drafts import (
    EXPERTS_ROW_COST,
    MAX_DRAFT,
    MAX_REWRITE_DRAFT,
    ROW_COST,
    Drafter,
    DraftRates,
    Followers,
    Origin,
    Recent,
    RowCost,
    longest_match,
)


def drafter(
    prompt: list[int], source: tuple[int, ...] = (), recent: Recent | None = None
) -> Drafter:
    return Drafter(prompt, source, 50, DraftRates(), Followers(100), recent)


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


@pytest.mark.parametrize("origin", ["source", "recent", "prompt"])
def test_drafts_grow_while_they_are_right_and_shrink_while_they_are_wrong(origin: Origin) -> None:
    rates = DraftRates()
    for _ in range(200):
        rates.learn(3, drafted=5, accepted=0, origin=origin)
    assert rates.length(3, origin) == 1
    for _ in range(200):
        rates.learn(3, drafted=5, accepted=5, origin=origin)
    assert rates.length(3, origin) == (MAX_REWRITE_DRAFT if origin == "source" else MAX_DRAFT)


def test_where_rows_are_dear_less_is_drafted() -> None:
    lengths = [DraftRates().length(3, cost=cost) for cost in (0.02, 0.1, 0.2, 0.4, 2.0)]
    assert lengths == sorted(lengths, reverse=True)
    assert lengths[0] > lengths[-1] == 1


def test_one_origin_s_luck_says_nothing_of_another() -> None:
    rates = DraftRates()
    before = rates.length(3, "recent")
    for _ in range(100):
        rates.learn(3, drafted=5, accepted=0, origin="prompt")
    assert rates.length(3, "recent") == before


def test_a_row_s_cost_is_what_the_quickest_passes_took() -> None:
    cost = RowCost()
    assert cost.share == ROW_COST
    for rows, ms in ((2, 10.0), (8, 40.0), (2, 30.0), (8, 16.0), (8, 90.0), (300, 1.0), (1, 0.1)):
        cost.observe(rows, ms / 1000)
    assert cost.share == pytest.approx(0.1, rel=0.05)
    cost.observe(8, 0.0)
    assert cost.share >= RowCost.MIN_COST


def test_where_a_guess_is_not_free_only_what_pays_is_drafted() -> None:
    def dear(prompt: list[int], cost: float) -> list[int]:
        return Drafter(prompt, (), 50, DraftRates(), None, cost=cost).propose(5)

    assert dear([1, 2, 3], 0.1) == []
    repeated = [1, 2, 3, 4, 5, 6, 1, 2, 3, 4]
    assert dear(repeated, 0.1)[:1] == [5]
    assert len(dear(repeated, 0.3)) < len(dear(repeated, 0.1))
    assert dear(repeated, 2.0) == []


def test_a_row_of_a_mixture_costs_what_it_adds_to_a_pass_of_one() -> None:
    cost = RowCost(free_guess=False)
    assert cost.share == EXPERTS_ROW_COST
    for rows, ms in ((1, 10.0), (2, 11.0), (8, 38.0)):
        cost.observe(rows, ms / 1000)
    assert cost.share == pytest.approx(0.4, rel=0.05)
    slow = RowCost(free_guess=False)
    for rows, ms in ((1, 10.0), (8, 500.0)):
        slow.observe(rows, ms / 1000)
    assert DraftRates().length(8, cost=slow.share, free_guess=False) > 0


def test_what_was_said_at_the_key_before_is_drafted_again() -> None:
    recent = Recent()
    recent.learn([9, 1, 2, 3], [50, 51, 52])
    drafts = drafter([8, 1, 2, 3], recent=recent)
    assert drafts.propose(3) == [50, 51, 52]
    drafts.append(50)
    assert drafts.propose(2) == [51, 52]


def begun(prompt: list[int], *agreeing: int, recent: Recent | None = None) -> Drafter:
    rates, followers = DraftRates(), Followers(100)
    ids = np.array(agreeing, np.int64)
    return Drafter(prompt, (), 50, rates, followers, recent, begun=ids)


def test_of_a_word_that_was_begun_only_tokens_that_agree_are_drafted() -> None:
    prompt = [1, 2, 40, 41, 7, 1, 2, 50, 51, 8, 1, 2]
    assert begun(prompt, 40).propose(2) == [40, 41]
    assert begun(prompt, 50, 60).propose(2) == [50, 51]
    assert begun(prompt, 60).propose(2) == []


def test_a_word_that_was_begun_is_found_after_other_tokens_too() -> None:
    assert begun([40, 41, 42, 7, 1, 2], 40).propose(1) == [40]


def test_after_the_word_that_was_begun_anything_may_follow() -> None:
    drafts = begun([1, 2, 40, 41, 42, 7, 1, 2], 40)
    drafts.propose(1)
    drafts.append(40)
    assert drafts.propose(1) == [41]


def test_what_was_said_lately_of_a_begun_word_wins_by_the_longer_match() -> None:
    recent = Recent()
    recent.learn([9, 1, 2], [41, 55])
    assert begun([2, 40, 9, 1, 2], 40, 41, recent=recent).propose(2)[0] == 41


def test_drafts_end_where_what_was_said_ended() -> None:
    recent = Recent()
    recent.learn([1, 2, 3], [50])
    recent.learn([60, 61], [62])
    assert drafter([1, 2, 3], recent=recent).propose(5) == [50]
    assert len(drafter([1, 2, 3, 50], recent=recent).propose(5)) == 1


def test_what_was_said_lately_is_bounded_and_the_oldest_goes() -> None:
    recent = Recent(limit=64)
    for i in range(100):
        recent.learn([i, i + 1], [i + 2, i + 3])
        assert len(recent.text) <= 128
    assert 102 in recent.text
    assert 1 not in recent.text
    recent.learn(range(1_000), range(1_000, 2_000))
    assert len(recent.text) <= 128


def test_the_same_said_again_is_kept_once() -> None:
    recent = Recent()
    recent.learn([1, 2], [3])
    length = len(recent.text)
    recent.learn([1, 2], [3])
    assert len(recent.text) == length


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

"""Which slot goes on, which is copied, which is evicted."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from nextedit_jupyter.engine.prefix_cache import PrefixCache, shared_length


class FakeSlot:
    """A slot whose buffer is the list of its tokens."""

    def __init__(self) -> None:
        self.tokens: list[int] = []
        self.cost = 0
        self.priority = 0
        self.copied = 0

    def rewind(self, length: int) -> None:
        del self.tokens[length:]
        self.cost = min(self.cost, length)

    def copy_from(self, other: FakeSlot, length: int) -> None:
        self.tokens = other.tokens[:length]
        self.cost = 0
        self.copied += 1


def cache_of(slots: int, keep_tail: int = 4) -> PrefixCache:
    return PrefixCache(FakeSlot, slots, keep_tail=keep_tail)  # type: ignore[arg-type]


def read(cache: PrefixCache, ids: list[int]) -> int:
    """Take a slot and read the rest into it, as the engine does; what was there already."""
    slot, shared = cache.take(ids)
    assert slot.tokens == ids[:shared]
    slot.tokens = list(ids)
    slot.cost += len(ids) - shared
    cache.use(slot)
    return shared


HEAD = list(range(100))


def test_the_slot_that_shares_most_goes_on() -> None:
    cache = cache_of(3)
    read(cache, [*HEAD, 1, 2, 3])
    assert read(cache, [*HEAD, 1, 2, 3, 4]) == 103
    assert read(cache, [*HEAD, 1, 9]) == 101
    assert len(cache) == 1


def test_a_long_tail_is_kept_by_copying_what_comes_before_it() -> None:
    cache = cache_of(3)
    one, other = [*HEAD, *[1] * 20], [*HEAD, *[2] * 20]
    assert read(cache, one) == 0
    assert read(cache, other) == 100
    assert read(cache, one) == 120
    assert read(cache, other) == 120


def test_two_notebooks_stay_warm_side_by_side() -> None:
    cache = cache_of(2)
    read(cache, HEAD)
    read(cache, [7] * 50)
    assert read(cache, HEAD) == 100
    assert read(cache, [7] * 50) == 50


def test_the_least_recently_used_of_equal_slots_is_evicted() -> None:
    cache = cache_of(2)
    read(cache, [1] * 50)
    read(cache, [2] * 50)
    read(cache, [1] * 50)
    read(cache, [3] * 50)
    assert read(cache, [1] * 50) == 50


def test_a_caret_that_wanders_does_not_push_another_notebook_out() -> None:
    cache = cache_of(3)
    read(cache, [9] * 300)  # the other notebook
    for place in range(40, 70):
        read(cache, [*HEAD, *[place] * 10])
    assert read(cache, [9] * 300) == 300


def test_one_slot_is_enough() -> None:
    cache = cache_of(1)
    read(cache, HEAD)
    assert read(cache, [*HEAD[:50], 1]) == 50
    assert len(cache) == 1


def test_a_dropped_slot_is_read_anew() -> None:
    cache = cache_of(2)
    read(cache, HEAD)
    cache.drop(cache.take(HEAD)[0])
    assert read(cache, HEAD) == 0


@given(st.lists(st.lists(st.integers(0, 2), min_size=1, max_size=12), max_size=30))
def test_a_slot_never_holds_anything_but_the_beginning_of_the_prompt(
    prompts: list[list[int]],
) -> None:
    cache = cache_of(3, keep_tail=2)
    for prompt in prompts:
        read(cache, prompt)  # asserts it
        assert len(cache) <= 3


@given(st.lists(st.integers(0, 1)), st.lists(st.integers(0, 1)))
def test_the_shared_length_is_that_of_the_common_beginning(
    one: list[int], other: list[int]
) -> None:
    length = shared_length(one, other)
    assert one[:length] == other[:length]
    assert length == min(len(one), len(other)) or one[length] != other[length]

"""The cache of what was used last."""

from __future__ import annotations

import threading
from functools import partial

from nextedit_jupyter.core.cache import LruCache


def test_what_was_used_longest_ago_goes_first() -> None:
    cache: LruCache[str, int] = LruCache(2)
    cache.put("a", 1)
    cache.put("b", 2)
    assert cache.get("a") == 1
    cache.put("c", 3)
    assert list(cache) == ["a", "c"]
    assert cache.get("b") is None
    cache.drop("a")
    cache.drop("a")
    assert len(cache) == 1
    assert "c" in cache


def test_heavy_values_leave_until_the_rest_fits_and_the_newest_stays() -> None:
    cache: LruCache[str, int] = LruCache(100, max_weight=10, weigh=lambda key, value: value)
    cache.put("a", 4)
    cache.put("b", 4)
    assert cache.get("a") == 4
    cache.put("c", 5)
    assert list(cache) == ["a", "c"]
    cache.put("c", 1)  # what it weighed before counts no longer
    cache.put("d", 5)
    assert list(cache) == ["a", "c", "d"]
    cache.put("e", 50)
    assert list(cache) == ["e"]
    cache.clear()
    cache.put("a", 10)
    assert list(cache) == ["a"]


def test_what_is_held_is_not_made_again() -> None:
    cache: LruCache[str, int] = LruCache(2)
    made: list[str] = []

    def make(key: str) -> int:
        made.append(key)
        return 0  # a value that is false is held like any other

    for key in "aabbca":
        assert cache.get_or_make(key, partial(make, key)) == 0
    assert made == ["a", "b", "c", "a"]


def test_many_threads_keep_the_bounds() -> None:
    cache: LruCache[int, int] = LruCache(50, max_weight=500, weigh=lambda key, value: value)

    def work(seed: int) -> None:
        for step in range(2_000):
            cache.get_or_make((seed * 7 + step * 3) % 90, partial(int, 1 + step % 20))

    threads = [threading.Thread(target=work, args=(seed,)) for seed in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    held = [cache.get(key) or 0 for key in cache]
    assert len(held) <= 50
    assert 0 < sum(held) <= 500
    cache.put(-1, 500)
    assert list(cache) == [-1]

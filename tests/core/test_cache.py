"""The cache of what was used last."""

from __future__ import annotations

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

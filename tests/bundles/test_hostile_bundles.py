"""Bundles that mean harm are refused, and what was installed before goes on."""

from __future__ import annotations

import resource
from pathlib import Path

import pytest
from hostile_bundles import KINDS, make_hostile
from tiny_bundle import make_bundle

from nextedit_jupyter.bundles.store import BundleStore
from nextedit_jupyter.core.errors import BundleError
from nextedit_jupyter.prompt import BundleTokenizer
from nextedit_jupyter.suggest.canary import MAX_RSS_MB, run_canary


@pytest.mark.parametrize("kind", KINDS)
def test_a_hostile_bundle_is_refused_and_the_one_before_goes_on(tmp_path: Path, kind: str) -> None:
    def canary(folder: Path) -> None:
        run_canary(folder, timeout=60)

    store = BundleStore(tmp_path / "store", canary=canary)
    BundleStore(store.root).install(make_bundle(tmp_path / "good"))
    hostile = make_hostile(tmp_path / "bad", kind)
    with pytest.raises(BundleError):
        store.install(hostile)
    assert store.open("nextedit-tiny").version == "0.1.0"
    assert [item.label for item in store.installed()] == ["nextedit-tiny/0.1.0"]
    assert {path.name for path in store.root.iterdir()} == {"current.json", "lock", "nextedit-tiny"}
    max_mb = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss / 2**10
    assert max_mb < 2.2 * MAX_RSS_MB


def test_a_panic_of_the_tokenizer_is_an_error_like_any_other(tmp_path: Path) -> None:
    folder = make_hostile(tmp_path / "bad", "an expression without end")
    tokenizer = BundleTokenizer(folder / "tokenizer.json")
    with pytest.raises(BundleError, match="tokenizer failed"):
        tokenizer.encode("a" * 200)
    assert tokenizer.encode("b = 1")

"""A fast `model get`: a tiny bundle in the larger model's place."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from tiny_bundle import make_bundle

from nextedit_jupyter.bundles import base
from nextedit_jupyter.bundles.delta import Delta
from nextedit_jupyter.bundles.store import BundleStore, Installed


def pretend_to_bring(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing is fetched or assembled; what is installed has the delta's id and version."""

    def bring(delta: Delta, store: BundleStore, folder: Path, **_: Any) -> Installed:
        return store.install(make_bundle(folder / "tiny", id=delta.id, version=delta.version))

    monkeypatch.setattr(base, "bring", bring)

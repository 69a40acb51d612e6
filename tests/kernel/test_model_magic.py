from __future__ import annotations

import json
from pathlib import Path

import pytest
from shell_fixtures import Shell
from tiny_bundle import make_bundle

from nextedit_jupyter.bundles.active import user_store
from nextedit_jupyter.bundles.bundle import packaged_bundle_path


@pytest.fixture
def two_versions(user: Shell, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Shell:
    """Someone with versions 9.0.0 and 9.1.0 of a bundle installed, the later in use."""
    monkeypatch.delenv("NEXTEDIT_BUNDLE", raising=False)
    store = user_store()
    for version in ("9.0.0", "9.1.0"):
        store.install(make_bundle(tmp_path / version, id="nextedit-python", version=version))
    return user


def test_models_are_listed_chosen_and_left_again(two_versions: Shell) -> None:
    user, store = two_versions, user_store()
    listed = user.run("%nextedit model list")
    assert "nextedit-python/9.0.0" in listed
    assert "nextedit-python/9.1.0" in listed
    assert "nextedit-python/9.0.0 answers" in user.run("%nextedit model use nextedit-python 9.0.0")
    assert store.choices()["nextedit-python"].current == "9.0.0"
    user.run("%nextedit model use nextedit-python 9.1.0")
    assert "9.0.0" in user.run("%nextedit model rollback")
    assert store.choices()["nextedit-python"].current == "9.0.0"


def test_the_packaged_model_is_listed_and_the_answering_ones_folder_is_told(
    two_versions: Shell, monkeypatch: pytest.MonkeyPatch
) -> None:
    user, store = two_versions, user_store()
    status = {**user.client.status(), "bundle": "nextedit-python/9.1.0"}
    monkeypatch.setattr(user.client, "status", lambda *_, **__: status)
    listed = user.run("%nextedit model list").splitlines()
    assert listed[0] == "nextedit-python/9.1.0  (answers)"
    packaged = json.loads((packaged_bundle_path() / "manifest.json").read_text())
    assert f"{packaged['id']}/{packaged['version']}" in listed
    assert str(store.root / "nextedit-python" / "9.1.0") in user.run("%nextedit model info")

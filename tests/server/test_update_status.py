"""Updates in the server's settings and status."""

from __future__ import annotations

from pathlib import Path

import pytest
from traitlets.config import Config

from nextedit_jupyter.server.config import NextEdit
from nextedit_jupyter.server.gateway import Gateway
from nextedit_jupyter.worker.client import WorkerSettings


def test_the_repository_and_its_root_reach_the_worker() -> None:
    config = Config({"NextEdit": {"repository": "https://models.example.org", "root": "/r.json"}})
    settings = NextEdit(config=config).worker_settings()
    assert (settings.repository, settings.root) == ("https://models.example.org", "/r.json")
    assert settings.updates
    off = Config({"NextEdit": {"updates": False}})
    assert not NextEdit(config=off).worker_settings().updates


def test_without_configuration_there_is_no_repository() -> None:
    assert NextEdit().worker_settings().repository is None


async def test_the_status_says_how_far_an_update_is(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    gateway = Gateway(NextEdit(), WorkerSettings(runtime_dir=tmp_path))
    update = {"state": "ready", "version": "1.1.0", "changes": "longer lines", "problem": ""}
    found = {"state": "ready", "bundle": "nextedit-python/1.0.0", "update": update}
    monkeypatch.setattr(gateway.client, "status", lambda start: found)
    status = await gateway.status()
    assert status["update"] == update
    assert status["worker"] == "running"
    monkeypatch.setattr(gateway.client, "status", lambda start: {"state": "stopped"})
    assert (await gateway.status())["update"] == update  # what was known of it last
    gateway.close()

"""The settings of a team's server, from the configuration to the worker, the status and doctor."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from traitlets import TraitError

from nextedit_jupyter.cli.doctor import examine
from nextedit_jupyter.core.remote_settings import RemoteSettings
from nextedit_jupyter.server.config import NextEdit
from nextedit_jupyter.server.gateway import Gateway
from nextedit_jupyter.worker.client import WorkerSettings

TEAM: dict[str, Any] = {
    "engine": "openai",
    "openai_url": "https://models.example.org/v1",
    "openai_hosts": ["models.example.org"],
    "openai_model": "coder",
}
HERE = {"host": "models.example.org", "model": "coder", "problem": None}


def test_text_stays_here_unless_an_administrator_says_otherwise() -> None:
    assert NextEdit().worker_settings().remote is None
    without = {**TEAM, "engine": "local"}
    assert NextEdit(**without).worker_settings().remote is None


def test_the_settings_reach_the_worker() -> None:
    found = NextEdit(**TEAM, openai_seconds=2, providers=["cuda", "cpu"]).worker_settings()
    assert found.remote is not None
    remote = RemoteSettings.from_json(found.remote)
    assert remote.endpoint == "https://models.example.org/v1/completions"
    assert (remote.prompt, remote.answer_s, found.providers) == ("fim-qwen", 2, ("cuda", "cpu"))


@pytest.mark.parametrize("state", ["starting", "stopped", "ready"])
async def test_the_status_says_where_text_goes_whatever_the_worker_does(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, state: str
) -> None:
    gateway = Gateway(NextEdit(**TEAM), WorkerSettings(runtime_dir=tmp_path))
    monkeypatch.setattr(gateway.client, "status", lambda start: {"state": state})
    assert (await gateway.status())["remote"] == HERE
    gateway.close()


async def test_settings_that_cannot_be_used_are_told_and_nothing_is_sent(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    config = NextEdit(**{**TEAM, "openai_hosts": []})
    assert config.worker_settings().remote is None
    gateway = Gateway(config, WorkerSettings(runtime_dir=tmp_path))
    monkeypatch.setattr(gateway.client, "status", lambda start: {"state": "ready"})
    status = await gateway.status()
    assert status["remote"] is None
    assert "openai_hosts" in (status["problem"] or "")
    gateway.close()


def test_unknown_engines_and_providers_are_refused() -> None:
    for wrong in ({"engine": "cloud"}, {"providers": ["abacus"]}):
        with pytest.raises(TraitError):
            NextEdit(**wrong)


@pytest.mark.parametrize(
    ("lines", "part", "state", "said"),
    [
        ("hosts = ['models.example.org']", "team's server", "ok", "sent to models.example.org"),
        ("hosts = []", "team's server", "wrong", "openai_hosts"),
    ],
)
def test_the_doctor_names_the_host_or_what_is_wrong(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, lines: str, part: str, state: str, said: str
) -> None:
    monkeypatch.setenv("JUPYTER_CONFIG_DIR", str(tmp_path))
    (tmp_path / "jupyter_server_config.py").write_text(
        "c.NextEdit.engine = 'openai'\n"
        "c.NextEdit.openai_url = 'https://models.example.org/v1'\n"
        f"c.NextEdit.openai_{lines}\n"
        "c.NextEdit.providers = ['cuda']\n"
    )
    checks = list(examine(worker=False))
    (found,) = [check for check in checks if check.part == part]
    assert found.state == state
    assert said in found.found
    (provider,) = [check for check in checks if check.part == "providers"]
    assert "onnxruntime" in provider.found

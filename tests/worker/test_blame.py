"""Real workers that die, and what the next one blames."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from real_worker import is_running, request_for, wait_until

from nextedit_jupyter.core.errors import WorkerError
from nextedit_jupyter.worker.client import WorkerClient

Connect = Callable[..., WorkerClient]

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="POSIX processes")


def asked(client: WorkerClient, source: str) -> dict[str, Any]:
    """The answer of the first worker that gives one."""
    found: list[dict[str, Any]] = []

    def answers() -> bool:
        with contextlib.suppress(WorkerError):
            found.append(client.suggest(request_for(source)))
        return bool(found)

    wait_until(answers)
    return found[0]


def dies(client: WorkerClient, source: str) -> None:
    """Have a worker die of a cell, once one runs."""
    asked(client, "plain")
    with pytest.raises(WorkerError, match="died"):
        client.suggest(request_for(source))


def test_a_worker_that_dies_in_analysis_keeps_its_model(connect: Connect) -> None:
    client = connect(suggester="fake_model:with_model", backoff_seconds=0.001)
    for _ in range(5):
        dies(client, "kill")
    asked(client, "plain")
    wait_until(lambda: client.status()["state"] == "ready")
    status = client.status()
    assert (status["bundle"], status["problem"]) == ("fake/1", None)


def test_a_worker_killed_at_rest_keeps_its_model(connect: Connect) -> None:
    client = connect(suggester="fake_model:with_model", backoff_seconds=0.001)
    for _ in range(5):
        asked(client, "x")
        pid = client.status()["pid"]
        os.kill(pid, signal.SIGKILL)
        wait_until(lambda pid=pid: not is_running(pid))  # type: ignore[misc]
        wait_until(lambda: client._link is None or not client._link.alive)
    assert asked(client, "x")["bundle"] == "fake/1"
    assert client.status()["problem"] is None


def test_deaths_inside_the_model_switch_it_off_and_renames_go_on(connect: Connect) -> None:
    client = connect(suggester="fake_model:with_model", backoff_seconds=0.001)
    for _ in range(3):
        dies(client, "die")
    assert asked(client, "plain")["suggestions"]
    problem = client.status()["problem"]
    assert "died 3 times with the model fake/1" in problem
    assert "retried" in problem


def test_a_bundle_that_answered_in_between_stays(connect: Connect) -> None:
    client = connect(suggester="fake_model:with_model", backoff_seconds=0.001)
    for _ in range(4):
        for _ in range(60):
            asked(client, "x")
        dies(client, "die")
    wait_until(lambda: client.status()["state"] == "ready")
    assert client.status()["problem"] is None


def test_a_model_that_fills_the_memory_by_itself_is_switched_off(connect: Connect) -> None:
    client = connect(suggester="fake_model:with_model", backoff_seconds=0.001, memory_mb=1)
    bundles = []
    for _ in range(6):
        bundles.append(asked(client, "x")["bundle"])
        wait_until(lambda: client._link is None or not client._link.alive)
    assert bundles == ["fake/1"] * 4 + [None] * 2


def switched_off(
    connect: Connect, monkeypatch: pytest.MonkeyPatch, path: Path, **fields: Any
) -> WorkerClient:
    """A client whose workers died of their model as long as there was a file; now it is gone."""
    path.touch()
    monkeypatch.setenv("FAKE_MODEL_DIES", str(path))
    client = connect(suggester="fake_model:mended", backoff_seconds=0.001, **fields)
    asked(client, "plain")
    assert "died 3 times" in client.status()["problem"]
    path.unlink()
    return client


def test_a_bundle_that_is_off_is_tried_again_by_itself(
    connect: Connect, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    client = switched_off(
        connect, monkeypatch, tmp_path / "dies", retry_seconds=1.0, quiet_seconds=0.05
    )
    pid = client.status()["pid"]
    wait_until(lambda: client.status()["problem"] is None)
    assert client.status()["bundle"] == "fake/1"
    assert client.status()["pid"] == pid


def test_a_bundle_that_is_off_is_tried_again_when_the_user_says_so(
    connect: Connect, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    client = switched_off(connect, monkeypatch, tmp_path / "dies", quiet_seconds=0.05)
    assert client.reload(retry=True)
    wait_until(lambda: client.status()["bundle"] == "fake/1")
    assert client.status()["problem"] is None


def test_a_bundle_that_fails_its_trial_is_off_for_longer(
    connect: Connect, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, folder: Path
) -> None:
    path = tmp_path / "dies"
    client = switched_off(connect, monkeypatch, path, quiet_seconds=0.05, retry_seconds=900.0)
    path.touch()
    pid = client.status()["pid"]
    client.reload(retry=True)
    wait_until(lambda: not is_running(pid))
    asked(client, "plain")
    assert "died 4 times" in client.status()["problem"]
    assert "60 minutes" in client.status()["problem"]
    (record,) = folder.glob("worker-*.json")
    assert json.loads(record.read_text())["models"][""]["pause"] == 3_600

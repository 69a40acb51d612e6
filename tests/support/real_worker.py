"""Real worker processes with stand-in suggesters, short waits, and their own folder."""

from __future__ import annotations

import contextlib
import os
import signal
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from nextedit_jupyter.worker.client import WorkerClient, WorkerSettings

HERE = Path(__file__).parent
ROOT = HERE.parent.parent


def request_for(source: str, **fields: Any) -> dict[str, Any]:
    return {
        "id": 1,
        "offsets": "code-point",
        "notebook": {
            "language": "python",
            "cells": [{"id": "a", "type": "code", "source": source}],
        },
        "cursor": {"cell": "a", "offset": 0},
        **fields,
    }


def text_of(answer: dict[str, Any]) -> str:
    text: str = answer["suggestions"][0]["edits"][0]["text"]
    return text


def pid_of(answer: dict[str, Any]) -> int:
    return int(text_of(answer).removeprefix("#").split(".")[0])


def is_running(pid: int) -> bool:
    try:
        stat = Path(f"/proc/{pid}/stat").read_text()
    except (FileNotFoundError, ProcessLookupError):
        return False
    return stat.rpartition(")")[2].split()[0] != "Z"


def wait_until(holds: Callable[[], bool], seconds: float = 10.0) -> None:
    until = time.monotonic() + seconds
    while not holds():
        assert time.monotonic() < until, "it did not come to be in time"
        time.sleep(0.01)


@pytest.fixture
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("run")
    path.chmod(0o700)
    return path


@pytest.fixture
def settings(folder: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., WorkerSettings]:
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join((str(ROOT), str(HERE))))
    monkeypatch.delenv("NEXTEDIT_BUNDLE", raising=False)

    def make(**fields: Any) -> WorkerSettings:
        values = {"runtime_dir": folder, "suggester": "fake_suggesters:fake", "idle_seconds": 30.0}
        return WorkerSettings(**{**values, **fields})

    return make


@pytest.fixture
def connect(settings: Callable[..., WorkerSettings]) -> Iterator[Callable[..., WorkerClient]]:
    """Makes clients; at the end they are closed, and the workers they reached are killed."""
    clients: list[WorkerClient] = []

    def make(name: str = "me", **fields: Any) -> WorkerClient:
        clients.append(WorkerClient(name, settings(**fields)))
        return clients[-1]

    yield make
    pids = set()
    for client in clients:
        with contextlib.suppress(Exception):
            pids.add(client.status(1.0, start=False)["pid"])
        client.close()
    for pid in pids - {None}:
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)

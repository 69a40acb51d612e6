"""What the status item's menu asks of the server: the tour, and another worker."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import sys
from pathlib import Path
from typing import Any

import pytest
from real_worker import pid_of, request_for

from nextedit_jupyter.core.errors import WorkerError
from nextedit_jupyter.server import tour as module
from nextedit_jupyter.server.gateway import Gateway

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="looks into /proc")


async def ask(fetch: Any, *path: str) -> Any:
    return await fetch("nextedit", *path, method="POST", body="{}", raise_error=False)


async def worker_pid(fetch: Any) -> int:
    """The process that answers now."""
    body = json.dumps(request_for("x"))
    return pid_of(json.loads((await fetch("nextedit", "suggest", method="POST", body=body)).body))


@pytest.fixture
def root(jp_root_dir: Path) -> Path:
    return jp_root_dir


async def test_the_tour_is_put_in_the_servers_folder_once_and_never_overwritten(
    gateway: Gateway, jp_fetch: Any, root: Path
) -> None:
    response = await ask(jp_fetch, "tour")
    assert json.loads(response.body) == {"path": "nextedit-tour.ipynb"}
    file = root / "nextedit-tour.ipynb"
    cells = json.loads(file.read_text("utf-8"))["cells"]
    assert "A tour of nextedit-jupyter" in "".join(cells[0]["source"])
    file.write_text('{"cells": [], "metadata": {}, "nbformat": 4, "nbformat_minor": 5}')
    assert json.loads((await ask(jp_fetch, "tour")).body)["path"] == "nextedit-tour.ipynb"
    assert json.loads(file.read_text())["cells"] == []


async def test_a_folder_of_the_tours_name_is_left_alone(
    gateway: Gateway, jp_fetch: Any, root: Path
) -> None:
    (root / "nextedit-tour.ipynb").mkdir()
    path = json.loads((await ask(jp_fetch, "tour")).body)["path"]
    assert path != "nextedit-tour.ipynb"
    assert (root / path).is_file()


async def test_where_it_cannot_be_written_the_answer_says_what_to_do(
    gateway: Gateway, jp_fetch: Any, jp_serverapp: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: object, **__: object) -> None:
        raise PermissionError("Read-only file system")

    monkeypatch.setattr(jp_serverapp.contents_manager, "save", refuse)
    response = await ask(jp_fetch, "tour")
    assert response.code == 409
    message = json.loads(response.body)["error"]["message"]
    assert "Read-only file system" in message
    assert "tour.ipynb" in message


async def test_a_package_without_its_tour_says_so(
    gateway: Gateway, jp_fetch: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "tour_file", lambda: None)
    message = json.loads((await ask(jp_fetch, "tour")).body)["error"]["message"]
    assert "install nextedit-jupyter again" in message


async def test_another_worker_answers_after_a_restart(gateway: Gateway, jp_fetch: Any) -> None:
    before = await worker_pid(jp_fetch)
    response = await ask(jp_fetch, "worker", "restart")
    assert response.code == 200
    assert json.loads(response.body)["worker"] == "running"
    assert await worker_pid(jp_fetch) != before


async def test_a_frozen_worker_is_ended_and_another_started(
    gateway: Gateway, jp_fetch: Any
) -> None:
    before = await worker_pid(jp_fetch)
    os.kill(before, signal.SIGSTOP)
    response = await ask(jp_fetch, "worker", "restart")
    assert response.code == 200
    assert await worker_pid(jp_fetch) != before


async def test_a_restart_does_not_wait_for_the_pause_after_failed_starts(
    gateway: Gateway, jp_fetch: Any
) -> None:
    for _ in range(6):
        gateway.client._failed("it died")
    with pytest.raises(WorkerError, match="the next try is in"):
        await asyncio.to_thread(gateway.client.status)
    assert (await ask(jp_fetch, "worker", "restart")).code == 200


async def test_switched_off_on_the_server_no_worker_is_started(
    gateway: Gateway, jp_fetch: Any
) -> None:
    gateway.config.enabled = False
    response = await ask(jp_fetch, "worker", "restart")
    assert response.code == 503
    assert gateway.client.starts == 0

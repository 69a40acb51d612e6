"""Commands that reach a real worker, which has no model here: it starts, serves, and leaves."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from nextedit_jupyter.cli import bench
from nextedit_jupyter.evals import latency

pytestmark = pytest.mark.alone

Run = Callable[..., "subprocess.CompletedProcess[str]"]
REQUEST = {
    "id": 1,
    "notebook": {
        "language": "python",
        "cells": [
            {"id": "a", "type": "code", "source": "total = 1"},
            {"id": "b", "type": "code", "source": "print(sum_)"},
        ],
    },
    "cursor": {"cell": "a", "offset": 5},
    "history": [{"cell": "a", "before": "sum_ = 1", "after": "total = 1"}],
    "want": ["rename"],
}


@pytest.fixture
def command() -> Iterator[Run]:
    """Runs a command in a runtime folder of the test's own, in which no worker is left behind."""
    with tempfile.TemporaryDirectory(prefix="nx-", ignore_cleanup_errors=True) as folder:
        env = {
            **os.environ,
            "NEXTEDIT_RUNTIME_DIR": folder,
            "NEXTEDIT_BUNDLE": str(Path(folder) / "no-bundle"),
        }

        def run(*arguments: str, sent: str = "") -> subprocess.CompletedProcess[str]:
            return subprocess.run(
                [sys.executable, "-m", "nextedit_jupyter.cli", *arguments],
                input=sent,
                capture_output=True,
                text=True,
                env=env,
                timeout=90,
                check=False,
            )

        try:
            yield run
        finally:
            run("purge", "--yes")


def test_predict_by_the_worker_answers_and_status_sees_it_and_purge_ends_it(command: Run) -> None:
    sent = json.dumps(REQUEST) + "\nnonsense\n" + json.dumps({**REQUEST, "id": 2}) + "\n"
    result = command("predict", "--worker", sent=sent)
    assert result.returncode == 0, result.stderr
    first, bad, second = map(json.loads, result.stdout.splitlines())
    assert [e["text"] for e in first["suggestions"][0]["edits"]] == ["total"]
    assert bad["error"]["code"] == "bad_json"
    assert second["id"] == 2

    status = json.loads(command("status", "--json").stdout)["worker"]
    assert status["served"] >= 2
    assert "no-bundle" in status["problem"]
    assert 0 <= status["idle_cpu_s"] < status["uptime_s"]
    assert "s of processor time" in command("status").stdout
    assert command("purge", "--yes").returncode == 0
    until = time.monotonic() + 10
    while _is_alive(status["pid"]) and time.monotonic() < until:
        time.sleep(0.05)
    assert not _is_alive(status["pid"])


def test_doctor_says_that_the_model_is_missing_and_still_reaches_the_worker(command: Run) -> None:
    result = command("doctor", "--json")
    assert result.returncode == 1
    checks = {check["part"]: check for check in json.loads(result.stdout)["checks"]}
    assert checks["model"]["state"] == "wrong"
    assert "NEXTEDIT_BUNDLE" in checks["model"]["todo"]
    assert "answers in" in checks["worker"]["found"]


def test_the_bench_s_worker_is_one_of_its_own_and_leaves(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NEXTEDIT_BUNDLE", "/nonexistent/no-bundle")
    with bench._worker(None) as client:
        latency.ask_idle(client)
        pid = client.status()["pid"]
        folder = client.settings.runtime_dir
        assert _is_alive(pid)
    until = time.monotonic() + 10
    while _is_alive(pid) and time.monotonic() < until:
        time.sleep(0.05)
    assert not _is_alive(pid)
    assert not folder.exists()


def _is_alive(pid: int) -> bool:
    try:
        state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except OSError:
        return False
    return state != "Z"


def test_a_model_is_tried_again_by_a_command_of_its_own(command: Run) -> None:
    result = command("model", "retry")
    assert result.returncode == 0, result.stderr
    assert "reloads its model" in result.stdout
    assert json.loads(command("status", "--json").stdout)["worker"]["off"] == []
    assert command("purge", "--yes").returncode == 0

"""`status` and `purge`: what they say and delete, without ever starting a worker."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from nextedit_jupyter.cli import main


@pytest.fixture
def runtime(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    folder = tmp_path / "run"
    folder.mkdir(mode=0o700)
    monkeypatch.setenv("NEXTEDIT_RUNTIME_DIR", str(folder))
    return folder


@pytest.mark.usefixtures("runtime")
def test_status_starts_nothing(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["status", "--json"]) == 0
    status = json.loads(capsys.readouterr().out)
    assert status["worker"]["pid"] is None
    assert {"version", "lab", "server", "kernel", "terminal"} <= set(status)
    assert main(["status"]) == 0
    assert "not running" in capsys.readouterr().out


def test_purging_deletes_what_is_ours_and_leaves_what_is_not(
    runtime: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for name in ("worker.log", "worker-0.0.9.json", "worker-0.0.9.lock", "key", "thesis.txt"):
        (runtime / name).touch(mode=0o600)
    assert main(["purge", "--yes"]) == 0
    assert [path.name for path in runtime.iterdir()] == ["thesis.txt"]
    (runtime / "thesis.txt").unlink()
    assert main(["purge", "--yes"]) == 0
    assert not runtime.exists()
    assert "nothing is kept" in capsys.readouterr().out


def test_purging_asks_first_and_takes_no_answer_for_a_no(
    runtime: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    import io

    (runtime / "worker.log").touch()
    monkeypatch.setattr("sys.stdin", io.StringIO(""))
    assert main(["purge"]) == 1
    captured = capsys.readouterr()
    assert str(runtime / "worker.log") in captured.out
    assert "--yes" in captured.err
    assert (runtime / "worker.log").exists()

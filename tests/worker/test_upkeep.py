"""Another bundle is taken up while the worker serves: looked for, tried, loaded, announced."""

from __future__ import annotations

import json
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from publishing import ID, Publishing
from real_worker import is_running, request_for, wait_until
from tiny_bundle import make_bundle

from nextedit_jupyter.bundles.active import user_store
from nextedit_jupyter.bundles.updates import UpdateStatus
from nextedit_jupyter.cli import main
from nextedit_jupyter.core.pacing import Power
from nextedit_jupyter.worker.client import WorkerClient
from nextedit_jupyter.worker.runtime import RuntimeFolder
from nextedit_jupyter.worker.upkeep import Rebuilt, Upkeep

Connect = Callable[..., WorkerClient]


class Updates:
    """Stands in for `bundles.updates.Updates`: says what was asked of it."""

    label = f"{ID}/2.0.0"
    is_serving = True

    def __init__(self, *, due: bool = True, then: str = "ready") -> None:
        self.due, self.then = due, then
        self.now = UpdateStatus()
        self.asked: list[Any] = []

    def status(self) -> UpdateStatus:
        return self.now

    def is_due(self) -> bool:
        return self.due

    def run(self, *, on_mains: bool) -> UpdateStatus:
        self.asked.append(("run", on_mains))
        self.due = False
        self.now = UpdateStatus(self.then, "2.0.0", "better", "")  # type: ignore[arg-type]
        return self.now

    def switch(self) -> UpdateStatus:
        self.asked.append("switch")
        self.now = UpdateStatus("switched", "2.0.0", "better")
        return self.now

    def give_up(self, problem: str) -> UpdateStatus:
        self.asked.append(("give up", problem))
        self.now = UpdateStatus("failed", "2.0.0", "better", problem)
        return self.now


class Suggester:
    """Builds what it is told, and notes what was expected."""

    def __init__(self, loads: str | None) -> None:
        self.loads = loads
        self.expected: list[str | None] = []

    def rebuild(self, expected: str | None) -> Rebuilt:
        self.expected.append(expected)
        return Rebuilt(self.loads, None if self.loads else "too large")


def running(upkeep: Upkeep) -> Callable[[], None]:
    thread = threading.Thread(target=upkeep.run, daemon=True)
    thread.start()

    def end() -> None:
        upkeep.end()
        thread.join(10)
        assert not thread.is_alive()

    return end


def test_what_is_ready_is_switched_to_loaded_and_announced() -> None:
    updates, suggester = Updates(), Suggester(Updates.label)
    upkeep = Upkeep(suggester.rebuild, lambda: 99.0, updates=lambda: updates)  # type: ignore[arg-type,return-value]
    end = running(upkeep)
    wait_until(lambda: updates.now.state == "switched")
    end()
    assert updates.asked == [("run", True), "switch"]
    assert suggester.expected == [Updates.label]
    assert upkeep.status() == {
        "state": "switched",
        "version": "2.0.0",
        "changes": "better",
        "problem": "",
    }


def test_a_version_that_cannot_be_loaded_is_given_up() -> None:
    updates, suggester = Updates(), Suggester(None)
    upkeep = Upkeep(suggester.rebuild, lambda: 99.0, updates=lambda: updates)  # type: ignore[arg-type,return-value]
    end = running(upkeep)
    wait_until(lambda: updates.now.state == "failed")
    end()
    assert updates.asked[-1] == ("give up", "too large")


def test_nothing_is_done_while_somebody_waits_for_an_answer() -> None:
    updates, suggester = Updates(), Suggester(Updates.label)
    quiet = [0.0]
    upkeep = Upkeep(
        suggester.rebuild,
        lambda: quiet[0],
        updates=lambda: updates,  # type: ignore[arg-type,return-value]
        quiet_seconds=0.02,
    )
    end = running(upkeep)
    time.sleep(0.1)
    assert updates.asked == []
    quiet[0] = 1.0
    wait_until(lambda: bool(suggester.expected))
    end()


def test_on_battery_it_says_so_and_waits_with_the_rest() -> None:
    updates, suggester = Updates(then="available"), Suggester(Updates.label)
    upkeep = Upkeep(
        suggester.rebuild,
        lambda: 99.0,
        updates=lambda: updates,  # type: ignore[arg-type,return-value]
        power=lambda: Power(plugged=False, percent=50),
    )
    end = running(upkeep)
    wait_until(lambda: updates.now.state == "available")
    end()
    assert updates.asked == [("run", False)]
    assert suggester.expected == []


def test_without_a_repository_nothing_is_looked_for_and_a_choice_is_taken_up() -> None:
    suggester = Suggester("own/1.0.0")
    upkeep = Upkeep(suggester.rebuild, lambda: 99.0)
    end = running(upkeep)
    assert upkeep.status() is None
    upkeep.wake()
    wait_until(lambda: suggester.expected == [None])
    end()


def test_it_ends_while_it_waits_for_quiet() -> None:
    upkeep = Upkeep(Suggester(None).rebuild, lambda: 0.0)
    upkeep.wake()
    running(upkeep)()


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, folder: Path) -> Path:
    monkeypatch.setenv("NEXTEDIT_DATA_DIR", str(tmp_path / "data"))
    monkeypatch.setenv("NEXTEDIT_RUNTIME_DIR", str(folder))
    monkeypatch.setenv("JUPYTER_CONFIG_DIR", str(tmp_path / "config"))
    monkeypatch.delenv("NEXTEDIT_BUNDLE", raising=False)
    return tmp_path


@pytest.fixture
def publishing(home: Path) -> Iterator[Publishing]:
    found = Publishing(home)
    yield found
    found.server.shutdown()
    found.server.server_close()


@pytest.mark.skipif(sys.platform == "win32", reason="POSIX processes")
def test_an_update_arrives_while_predictions_are_served_and_a_bad_one_does_not(
    home: Path, publishing: Publishing, connect: Connect, capsys: pytest.CaptureFixture[str]
) -> None:
    where = ["--from", publishing.address, "--root", str(publishing.root)]
    publishing.publish("1.0.0")
    assert main(["model", "install", ID, *where]) == 0
    publishing.publish("1.1.0", "longer lines")
    client = connect(
        suggester=None,
        repository=publishing.address,
        root=str(publishing.root),
        quiet_seconds=0.3,
    )

    def bundle() -> str:
        answer = client.suggest(request_for("x = 1", want=["inline"]), 60)
        assert "error" not in answer
        return str(answer["bundle"])

    assert bundle() == f"{ID}/1.0.0"
    pid = client.status()["pid"]
    seen: list[str] = []

    def is_used(version: str) -> bool:
        seen.extend(bundle() for _ in range(3))
        time.sleep(0.5)  # a user who thinks
        return seen[-1] == f"{ID}/{version}"

    wait_until(lambda: is_used("1.1.0"), 60)
    assert set(seen) == {f"{ID}/1.0.0", f"{ID}/1.1.0"}
    found = client.status()
    assert found["update"] == {
        "state": "switched",
        "version": "1.1.0",
        "changes": "longer lines",
        "problem": "",
    }
    assert found["pid"] == pid

    publishing.publish("1.2.0", spoil=True)
    checked = home / "data" / "updates" / f"{ID}.json"
    checked.write_text(json.dumps(json.loads(checked.read_text()) | {"checked_at": 0}))
    client.reload()
    wait_until(lambda: client.status()["update"]["state"] == "failed", 60)
    assert "not numbers" in client.status()["update"]["problem"]
    assert bundle() == f"{ID}/1.1.0"
    assert client.status()["problem"] is None

    assert main(["model", "rollback"]) == 0
    assert "the running worker loads it when no request is pending" in capsys.readouterr().out
    wait_until(lambda: is_used("1.0.0"), 60)
    assert client.status()["pid"] == pid
    assert is_running(pid)


@pytest.mark.skipif(sys.platform == "win32", reason="POSIX processes")
def test_after_three_deaths_the_version_before_is_put_back_and_the_status_says_so(
    home: Path, connect: Connect, folder: Path
) -> None:
    for version in ("1.0.0", "1.1.0"):
        user_store().install(make_bundle(home / version, id=ID, version=version))
    recorded = RuntimeFolder.find(folder).deaths
    recorded.write_text(json.dumps({"clean": False, "deaths": 2}))
    client = connect(suggester=None, updates=False)
    answer = client.suggest(request_for("x = 1", want=["inline"]), 60)
    assert answer["bundle"] == f"{ID}/1.0.0"
    problem = client.status()["problem"]
    assert "died 3 times" in problem
    assert f"{ID} 1.1.0 was rolled back to {ID} 1.0.0" in problem
    assert json.loads(recorded.read_text())["deaths"] == 0


@pytest.mark.skipif(not Path("/proc/self/stat").exists(), reason="reads processor time")
def test_a_worker_with_a_repository_uses_no_processor_time_while_it_waits(
    home: Path, publishing: Publishing, connect: Connect
) -> None:
    publishing.publish("0.0.1")  # older than what the package has: nothing to do
    client = connect(
        suggester=None, repository=publishing.address, root=str(publishing.root), quiet_seconds=0.1
    )
    client.suggest(request_for("x = 1", want=["inline"]), 60)
    wait_until(lambda: client.status()["update"]["state"] == "current", 60)
    pid = client.status()["pid"]

    def ticks() -> int:
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
        return int(fields[11]) + int(fields[12])

    time.sleep(0.2)
    before = ticks()
    time.sleep(1.5)
    assert ticks() - before <= 2  # of 10 ms each

"""Executed edits on disk, if the user wants that; counts that go to the worker."""

from __future__ import annotations

import threading
from pathlib import Path

import pytest
from fake_client import replacing
from holding import holding
from IPython.core.interactiveshell import InteractiveShell
from real_worker import wait_until
from shell_fixtures import Shell
from traitlets.config import Config

from nextedit_jupyter.core.history_store import HistoryStore, store_path
from nextedit_jupyter.kernel.outcome_reporter import OutcomeReporter
from nextedit_jupyter.kernel.session import Session
from nextedit_jupyter.worker.statistics import Statistics

KEY = "sk-" + "proj-" + "Zk81hQpLw02nVbRt77aaYeTu"


def kept() -> list[tuple[str, str]]:
    store = HistoryStore()
    found = [(one.event.before, one.event.after) for one in store.edits()]
    store.close()
    return found


def test_nothing_is_written_unless_the_user_says_so(user: Shell) -> None:
    user.run("x = 1", cell="a")
    user.run("x = 2", cell="a")
    assert not store_path().exists()
    assert "on disk   nothing" in user.run("%nextedit status")


def test_executed_edits_are_kept_from_then_on_until_the_user_says_no(user: Shell) -> None:
    user.run("x = 1", cell="a")
    assert "store_history = on" in user.run("%nextedit config store_history on")
    user.run("x = 2", cell="a")
    user.run("y = 1", cell="b")
    wait_until(lambda: kept() == [("x = 1", "x = 2")])
    assert str(store_path()) in user.run("%nextedit status")
    user.run("%nextedit config store_history off")
    user.run("x = 3", cell="a")
    assert kept() == [("x = 1", "x = 2")]
    assert "Deleted 1 edit from the disk" in user.run("%nextedit history --purge")
    assert kept() == []


def test_while_off_nothing_is_kept(user: Shell) -> None:
    user.run("%nextedit config store_history on")
    user.run("x = 1", cell="a")
    user.run("%nextedit off")
    user.run("x = 2", cell="a")
    user.run("%nextedit config store_history off")
    assert kept() == []


def test_a_key_that_is_pasted_and_deleted_is_held_nowhere(user: Shell, tmp_path: Path) -> None:
    user.run("%nextedit config store_history on")
    user.run("k = 'Zk81'", cell="a")
    user.run("k = 'Zk81h'", cell="a")
    wait_until(lambda: len(kept()) == 1)
    user.run(f"k = '{KEY}'", cell="a")
    user.run("k = ''", cell="a")
    user.run("k = '.'", cell="a")
    user.run("%nextedit suggest")
    user.run("%nextedit config store_history off")
    assert kept() == [("k = ''", "k = '.'")]
    assert not [
        path for path in tmp_path.rglob("*") if path.is_file() and b"Zk81" in path.read_bytes()
    ]
    recorder = user.session.recorder
    recorder._numbers = dict  # leads to IPython's own record of inputs
    held = (vars(recorder), user.session.counts, user.session.pending, user.client.requests)
    assert holding(KEY, *held) == []


def test_ipythons_own_configuration_says_what_a_session_begins_with(
    plain_shell: InteractiveShell, caplog: pytest.LogCaptureFixture
) -> None:
    given = {"store_history": True, "ghost_ms": 90, "facts_ms": "soon"}
    plain_shell.config = Config({**plain_shell.config, "NextEdit": given})
    session = Session(plain_shell)
    session.start()
    assert session.settings.store_history
    assert session.recorder.keeping is not None
    assert session.settings.ghost_ms == 90
    assert session.settings.facts_ms == 25
    assert "c.NextEdit.facts_ms" in caplog.text
    session.stop()
    assert session.recorder.keeping is None


@pytest.mark.parametrize("value", ["maybe", "2", ""])
def test_a_switch_is_on_or_off(user: Shell, value: str) -> None:
    said = user.run(f"%nextedit config store_history '{value}'")
    assert "store_history must be on or off" in said
    assert not user.session.settings.store_history


def test_what_is_shown_taken_and_left_goes_to_the_worker(user: Shell) -> None:
    user.run("x = 1", cell="a")
    user.client.answering = replacing("x", "y")
    user.run("%nextedit suggest")
    user.session.reject(0)
    user.run("%nextedit suggest")
    user.run("%nextedit apply")
    wait_until(lambda: len(user.client.reported) == 4)
    words = [outcome for outcome, kind, lane in user.client.reported]
    assert words == ["shown", "rejected", "shown", "accepted"]
    assert {(kind, lane) for _, kind, lane in user.client.reported} == {("rename", "symbols")}


def test_a_worker_that_hangs_holds_nobody_up_and_piles_nothing_up() -> None:
    over, began = threading.Event(), threading.Event()
    told: list[str] = []

    def report(outcome: str, kind: str, lane: str) -> None:
        began.set()
        over.wait(30)
        told.append(outcome)

    telling = OutcomeReporter(report)
    telling.tell("shown", "inline", "model")
    assert began.wait(10)
    for _ in range(1_000):  # would wait for ever if it waited
        telling.tell("shown", "inline", "model")
    over.set()
    wait_until(lambda: len(told) == 51)


def test_stats_show_what_is_counted_on_disk_too(user: Shell, tmp_path: Path) -> None:
    assert "14 days" not in user.run("%nextedit stats")
    statistics = Statistics(tmp_path / "data" / "statistics")
    for outcome in ("shown", "shown", "accepted", "kept_30s", "kept_5m"):
        statistics.record(outcome, "rename", "symbols")
    statistics.record("latency", "rename", "symbols", 12.0)
    said = user.run("%nextedit stats")
    assert "rename: 2 shown, 1 accepted, 1 kept_30s, 1 kept_5m" in said
    assert "latency: median 12 ms" in said


def test_status_says_what_idling_costs_how_power_stands_and_where_text_goes(
    user: Shell, monkeypatch: pytest.MonkeyPatch
) -> None:
    found = {
        "pid": 1,
        "idle_s": 40.0,
        "idle_cpu_s": 0.0,
        "power": "low",
        "pause_ms": 1000.0,
        "may_infer": False,
        "remote": {"host": "models.example.org", "model": None, "problem": None},
    }
    monkeypatch.setattr(user.client, "status", lambda timeout, start: found)
    said = user.run("%nextedit status")
    assert "idle      for 40 s, using 0.00 s of processor time" in said
    assert "battery below 20 %, 1000 ms before a request, off until it is charged" in said
    assert "what you type goes to models.example.org" in said

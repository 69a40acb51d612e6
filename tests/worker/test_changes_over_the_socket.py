"""Requests that say what changed, through a real worker: lost states, several pages, secrets."""

from __future__ import annotations

import json
import os
import signal
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from changes_wire import as_change, in_full
from real_worker import is_running, pid_of, request_for, text_of, wait_until

from nextedit_jupyter.core.errors import WorkerError
from nextedit_jupyter.worker.client import WorkerClient

Connect = Callable[..., WorkerClient]

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="POSIX processes")
# Told from its source by the scanners of repositories, which look for whole ones.
SECRET = "api_key = 'sk-" + "ant-Zk81hQpLw02nVbRt77aaYeTuGx5mC3sD'"


def code_of(answer: dict[str, Any]) -> str | None:
    return answer["error"]["code"] if "error" in answer else None


def test_a_change_is_answered_as_the_whole_notebook_would_be(connect: Connect) -> None:
    client = connect()
    first, second = request_for("x"), request_for("xy", id="abc")
    assert code_of(client.suggest(in_full(first))) is None
    answer = client.suggest(as_change(first, second))
    assert answer["id"] == "abc"
    plain = client.suggest(second)
    (edit,), (other,) = (found["suggestions"][0]["edits"] for found in (answer, plain))
    assert (edit["base"], edit["start"]) == (other["base"], other["start"])


def test_a_new_worker_holds_nothing_and_says_so_and_takes_it_in_full(connect: Connect) -> None:
    client = connect()
    first, second = request_for("x"), request_for("xy", id=7)
    pid = pid_of(client.suggest(in_full(first)))
    os.kill(pid, signal.SIGKILL)
    wait_until(lambda: not is_running(pid))
    try:
        refused = client.suggest(as_change(first, second), 20)
    except WorkerError:  # of the connection that was open; the next one has a new worker
        refused = client.suggest(as_change(first, second), 20)
    assert code_of(refused) == "unknown_state"
    assert refused["id"] == 7
    assert pid_of(client.suggest(in_full(second))) != pid
    assert code_of(client.suggest(as_change(second, first))) is None


def test_pages_and_connections_hold_their_own(connect: Connect) -> None:
    first, second = request_for("x"), request_for("xy")
    one, other = connect("one"), connect("other")
    one.suggest(in_full(first))
    assert code_of(other.suggest(as_change(first, second))) == "unknown_state"
    assert code_of(one.suggest(as_change(first, second), client="a page")) == "unknown_state"
    assert code_of(one.suggest(as_change(first, second))) is None
    other.suggest(in_full(first))
    one.close()
    assert code_of(other.suggest(as_change(first, second))) is None
    assert code_of(one.suggest(as_change(first, second))) == "unknown_state"


def test_what_a_superseded_request_said_is_held_too(connect: Connect) -> None:
    client = connect()
    first, second, third = (request_for(text) for text in ("sleep 5", "sleep 6", "xy"))
    running = client.submit(_body(in_full(first)))
    waiting = client.submit(_body(as_change(first, second)))
    assert code_of(client.suggest(as_change(second, third), 20)) is None
    assert running.future.result(20).outcome == "superseded"
    assert waiting.future.result(20).outcome == "superseded"


def test_a_key_costs_its_cell_and_not_the_notebook(connect: Connect) -> None:
    client = connect()
    cells = [{"id": f"c{i}", "type": "code", "source": "x = 1\n" * 20} for i in range(900)]
    whole = request_for("x")
    whole["notebook"]["cells"] += cells
    typed = request_for("xy")
    typed["notebook"]["cells"] += cells
    client.suggest(in_full(whole))
    change = as_change(whole, typed)
    assert len(_body(change)) < 600 < 100_000 < len(_body(in_full(typed)))
    assert text_of(client.suggest(change))


@pytest.mark.parametrize("where", ["caret", "another cell", "history"])
def test_a_secret_is_no_more_answered_for_than_in_a_plain_request(
    connect: Connect, tmp_path: Path, where: str
) -> None:
    client = connect(suggester=None, bundle=str(tmp_path / "missing"))
    sources = ["x = 1", SECRET if where == "another cell" else "print(y)", "z = y + 2"]
    if where == "caret":
        sources[0] = f"x = 1; {SECRET}"
    before = sources[0].replace("x", "y", 1)
    if where == "history":
        before = f"{SECRET}\n{before}"
    cells = [{"id": f"c{i}", "type": "code", "source": text} for i, text in enumerate(sources)]
    event = {"cell": "c0", "before": before, "after": sources[0], "origin": "typed", "at": 0.0}
    start = request_for("x")
    start["notebook"]["cells"] = [{**cells[0], "source": before}, *cells[1:]]
    start["cursor"]["cell"] = "c0"
    request = {
        **start,
        "notebook": {"language": "python", "cells": cells},
        "history": [event],
        "want": ["inline", "rename", "next_edit"],
    }
    plain = client.suggest(request, 20)
    client.suggest(in_full(start), 20)
    change = client.suggest(as_change(start, request), 20)
    for key in ("suggestions", "silence", "silence_detail"):
        assert change.get(key) == plain.get(key)


def _body(request: dict[str, Any]) -> bytes:
    return json.dumps(request).encode()

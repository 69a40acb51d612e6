"""A worker and its clients, as real processes."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path
from typing import Any

import psutil
import pytest
from real_worker import ROOT, is_running, pid_of, request_for, text_of, wait_until

from nextedit_jupyter.core.errors import WorkerError
from nextedit_jupyter.worker.client import Reply, WorkerClient, WorkerSettings
from nextedit_jupyter.worker.frames import pack, unpack
from nextedit_jupyter.worker.runtime import RuntimeFolder
from nextedit_jupyter.worker.statistics import Statistics

Connect = Callable[..., WorkerClient]
Settings = Callable[..., WorkerSettings]

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="looks into /proc")


def test_the_first_request_starts_a_worker_that_answers(connect: Connect) -> None:
    answer = connect().suggest(request_for("x", id="abc"))
    assert answer["id"] == "abc"
    assert answer["bundle"] == "fake/1"
    assert answer["timing_ms"]["total"] >= answer["timing_ms"]["queue"] > 0
    assert is_running(pid_of(answer))


def test_two_clients_at_once_start_one_worker(connect: Connect) -> None:
    clients = [connect(f"c{i}") for i in range(6)]
    with ThreadPoolExecutor(6) as pool:
        answers = list(pool.map(lambda c: c.suggest(request_for("x"), 20), clients))
    assert len({pid_of(answer) for answer in answers}) == 1
    assert sum(client.starts for client in clients) == 1


def test_the_worker_outlives_the_client_that_started_it_and_is_no_child(connect: Connect) -> None:
    first = connect()
    pid = pid_of(first.suggest(request_for("x")))
    assert pid not in {child.pid for child in psutil.Process().children(recursive=True)}
    first.close()
    assert pid_of(connect().suggest(request_for("x"))) == pid


def test_a_killed_worker_costs_one_answer(connect: Connect) -> None:
    client = connect()
    pid = pid_of(client.suggest(request_for("x")))
    with pytest.raises(WorkerError, match="died"):
        client.suggest(request_for("kill"))
    answer = client.suggest(request_for("x"))
    assert pid_of(answer) != pid
    assert client.status()["deaths"] == 1


def test_a_worker_killed_between_requests_costs_none(connect: Connect) -> None:
    client = connect()
    pid = pid_of(client.suggest(request_for("x")))
    os.kill(pid, signal.SIGKILL)
    wait_until(lambda: not is_running(pid))
    wait_until(lambda: client._link is None or not client._link.alive)
    assert pid_of(client.suggest(request_for("x"))) != pid


def test_a_request_that_holds_the_interpreter_for_ever_ends_the_worker(connect: Connect) -> None:
    client = connect(hang_seconds=0.5)
    client.suggest(request_for("x"))
    with pytest.raises(WorkerError, match="died"):
        client.suggest(request_for("hang"), 20)
    assert text_of(client.suggest(request_for("x")))


def test_a_stopped_worker_is_late_and_then_replaced(
    connect: Connect, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("nextedit_jupyter.worker.transport.HANDSHAKE_SECONDS", 0.3)
    client = connect()
    pid = pid_of(client.suggest(request_for("x")))
    os.kill(pid, signal.SIGSTOP)
    with pytest.raises(WorkerError, match="did not answer"):
        client.suggest(request_for("x"), 0.2)
    client.close()
    with pytest.raises(WorkerError, match="hung"):
        client.suggest(request_for("x"))
    wait_until(lambda: not is_running(pid))
    assert pid_of(client.suggest(request_for("x"))) != pid


def test_a_stopped_worker_that_two_want_is_replaced_by_one_for_both(
    connect: Connect, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("nextedit_jupyter.worker.transport.HANDSHAKE_SECONDS", 0.3)
    clients = [connect("page"), connect("kernel")]
    (pid,) = {pid_of(client.suggest(request_for("x"))) for client in clients}
    os.kill(pid, signal.SIGSTOP)
    for client in clients:
        client.close()
    answers: dict[int, int | str] = {}

    def ask(number: int) -> None:
        for _ in range(20):  # told that it hangs, or that it died, and then served
            try:
                answers[number] = pid_of(clients[number].suggest(request_for("x"), 10))
                return
            except WorkerError as error:
                answers[number] = str(error)
            time.sleep(0.1)

    asking = [threading.Thread(target=ask, args=(number,)) for number in range(2)]
    for thread in asking:
        thread.start()
    for thread in asking:
        thread.join(60)
        assert not thread.is_alive()
    assert answers[0] == answers[1] != pid
    wait_until(lambda: not is_running(pid))


def test_a_newer_request_supersedes_the_older_of_its_client_at_once(connect: Connect) -> None:
    client = connect()
    client.suggest(request_for("x"))
    older = client.submit(json.dumps(request_for("sleep 20", id=7)).encode())
    newer = client.submit(json.dumps(request_for("x", id=8)).encode())
    stale = older.future.result(5)
    assert stale.outcome == "superseded"
    answer = json.loads(stale.body)
    assert answer["id"] == 7
    assert answer["silence"] == {"inline": "stale", "next_edit": "stale", "rename": "stale"}
    assert json.loads(newer.future.result(5).body)["suggestions"]


def test_only_wanted_kinds_are_reported_stale(connect: Connect) -> None:
    client = connect()
    client.suggest(request_for("x"))
    older = client.submit(json.dumps(request_for("sleep 20", want=["rename"])).encode())
    client.cancel()
    assert json.loads(older.future.result(5).body)["silence"] == {"rename": "stale"}


def test_clients_do_not_supersede_each_other(connect: Connect) -> None:
    one, two = connect("one"), connect("two")
    one.suggest(request_for("x"))
    slow = one.submit(json.dumps(request_for("sleep 0.2")).encode())
    other = two.submit(json.dumps(request_for("x")).encode())
    named = one.submit(json.dumps(request_for("x")).encode(), client="another page")
    assert [t.future.result(5).outcome for t in (slow, other, named)] == ["suggested"] * 3


def test_cancelling_a_ticket_leaves_newer_requests_alone(connect: Connect) -> None:
    client = connect()
    client.suggest(request_for("x"))
    older = client.submit(json.dumps(request_for("sleep 20")).encode())
    newer = client.submit(json.dumps(request_for("sleep 0.1")).encode())
    older.cancel()
    assert older.future.result(5).outcome == "superseded"
    assert newer.future.result(5).outcome == "suggested"


def test_a_vanished_client_gives_its_turn_back(connect: Connect) -> None:
    first, second = connect("first"), connect("second")
    first.suggest(request_for("x"))
    first.submit(json.dumps(request_for("sleep 20")).encode())
    first.close()
    assert second.suggest(request_for("x"), 5)["suggestions"]


def test_time_in_the_queue_counts_against_the_deadline(connect: Connect) -> None:
    one, two = connect("one"), connect("two")
    one.suggest(request_for("x"))
    one.submit(json.dumps(request_for("sleep 0.3")).encode())
    wait_until(lambda: two.status()["state"] == "busy")
    answer = two.suggest(request_for("x", deadline_ms=50, want=["inline"]))
    assert answer["silence"] == {"inline": "deadline"}


def test_a_request_that_wants_nothing_reads_ahead(connect: Connect) -> None:
    client = connect()
    answer = client.suggest(request_for("x", want=[]))
    assert (answer["suggestions"], answer["silence"]) == ([], {})
    assert text_of(client.suggest(request_for("x"))).endswith(".101")


@pytest.mark.parametrize(
    ("body", "code"),
    [
        (b"", "bad_json"),
        (b"{", "bad_json"),
        (b"[1]", "bad_json"),
        (b'{"id": ' + b"9" * 5000 + b"}", "bad_json"),
        (b"[" * 100_000, "bad_json"),
        (b"\xff\xfe", "bad_json"),
        (b'{"id": 3}', "bad_request"),
        (json.dumps(request_for("x" * 70_000)).encode(), "too_large"),
    ],
    ids=lambda value: repr(value[:12]),
)
def test_what_cannot_be_read_is_answered_with_a_code_and_the_next_is_served(
    connect: Connect, body: bytes, code: str
) -> None:
    client = connect()
    reply = client.exchange(body)
    assert reply.outcome == "error"
    assert json.loads(reply.body)["error"]["code"] == code
    assert client.suggest(request_for("x"))["suggestions"]


@pytest.mark.parametrize("source", ["a\0b", "\ud800", "e\u0301 \U0001f600\r\n", "x" * 60_000])
def test_odd_text_goes_through_unharmed(connect: Connect, source: str) -> None:
    edit = connect().suggest(request_for(source))["suggestions"][0]["edits"][0]
    assert (edit["start"], edit["end"]) == (len(source), len(source))


def test_a_request_past_the_bound_is_not_sent(connect: Connect) -> None:
    client = connect(request_bytes=1_000)
    answer = client.suggest(request_for("x" * 2_000, id=5))
    assert (answer["id"], answer["error"]["code"]) == (5, "too_large")
    assert client.starts == 0


def test_a_message_past_the_bound_ends_the_connection_and_not_the_worker(connect: Connect) -> None:
    honest, rude = connect("honest"), connect("rude")
    pid = pid_of(honest.suggest(request_for("x")))
    rude.status()
    assert rude._link is not None
    with rude._link._sending, contextlib.suppress(OSError):
        rude._link._connection.send_bytes(b"x" * 2_000_000)
    wait_until(lambda: rude._link is not None and not rude._link.alive)
    assert pid_of(honest.suggest(request_for("x"))) == pid


def test_a_message_without_a_header_is_refused_and_the_connection_goes_on(connect: Connect) -> None:
    client = connect()
    client.status()
    link = client._link
    assert link is not None
    for rubbish in (b"", b"\n\n", b"[]\n", b'{"op": 3}\n', b'{"op": "suggest"}', b"\xff"):
        link._connection.send_bytes(rubbish)
    assert client.suggest(request_for("x"))["suggestions"]
    assert client._link is link


def test_who_does_not_know_the_key_is_turned_away(
    connect: Connect, monkeypatch: pytest.MonkeyPatch
) -> None:
    connect().suggest(request_for("x"))
    stranger = connect("stranger")
    with monkeypatch.context() as patch:
        patch.setattr(RuntimeFolder, "read_key", lambda self: bytes(32))
        with pytest.raises(WorkerError, match="key"):
            stranger.suggest(request_for("x"))
    assert stranger.suggest(request_for("x"))["suggestions"]


def test_a_lost_key_is_made_anew_and_the_worker_takes_it(connect: Connect, folder: Path) -> None:
    first = connect()
    pid = pid_of(first.suggest(request_for("x")))
    (folder / "key").unlink()
    assert pid_of(connect("second").suggest(request_for("x"))) == pid
    assert pid_of(first.suggest(request_for("x"))) == pid


def test_a_fault_in_a_lane_is_answered_and_not_logged_with_the_users_text(
    connect: Connect, folder: Path
) -> None:
    client = connect()
    answer = client.suggest(request_for("raise hunter2"))
    assert answer["error"]["code"] == "internal"
    assert client.suggest(request_for("x"))["suggestions"]
    log = (folder / "worker.log").read_text()
    assert "RuntimeError" in log
    assert "hunter2" not in log
    assert "hunter2" not in json.dumps(answer)


def test_a_worker_without_bundle_says_what_to_do_and_serves_the_rest(connect: Connect) -> None:
    client = connect(suggester="fake_suggesters:without_bundle")
    assert client.suggest(request_for("x"))["suggestions"]
    status = client.status()
    assert status["bundle"] is None
    assert "jupyter nextedit fetch" in status["problem"]
    assert status["lanes"] == ["symbols"]


def test_a_worker_whose_suggester_cannot_be_built_is_silent_with_a_reason(
    connect: Connect, folder: Path
) -> None:
    client = connect(suggester="fake_suggesters:broken")
    answer = client.suggest(request_for("x", want=["inline"]))
    assert answer["silence"] == {"inline": "no_model"}
    assert "RuntimeError" in client.status()["problem"]
    assert "secret_of_the_user" not in (folder / "worker.log").read_text()


def test_the_status_is_there_while_the_bundle_loads(connect: Connect) -> None:
    client = connect(suggester="fake_suggesters:slow_to_load")
    assert client.status(0.4)["state"] == "starting"
    # Nor does the load count against the deadline of a request that waited for it.
    assert client.suggest(request_for("x", deadline_ms=50))["suggestions"]
    assert client.status()["state"] == "ready"


def test_asking_for_the_status_need_not_start_a_worker(connect: Connect) -> None:
    client = connect()
    assert client.status(start=False)["state"] == "stopped"
    assert client.starts == 0


def test_after_three_deaths_in_a_row_the_worker_runs_without_its_model(connect: Connect) -> None:
    client = connect(suggester="fake_suggesters:dies_with_a_model", backoff_seconds=0.01)
    deaths = 0
    while deaths < 5:
        try:
            answer = client.suggest(request_for("x"))
            break
        except WorkerError as error:
            deaths += "died" in str(error) and "next try" not in str(error)
            time.sleep(0.05)
    assert deaths == 3
    assert answer["bundle"] is None
    status = client.status()
    assert "died 3 times" in status["problem"]
    assert client.stop_worker()
    wait_until(lambda: not is_running(status["pid"]))
    with pytest.raises(WorkerError, match="died"):  # it ended well: the model gets another chance
        client.suggest(request_for("x"))


def test_a_worker_that_dies_at_its_start_is_waited_for_longer_each_time(connect: Connect) -> None:
    failing = connect(suggester="fake_suggesters:dies_with_a_model", backoff_seconds=30.0)
    for _ in range(2):
        with pytest.raises(WorkerError, match="died"):
            failing.suggest(request_for("x"))
    starts = failing.starts
    with pytest.raises(WorkerError, match=r"next try is in (30|29) s"):
        failing.suggest(request_for("x"))
    assert failing.starts == starts


def test_deaths_of_workers_that_served_well_do_not_add_up(connect: Connect) -> None:
    client = connect()
    for _ in range(4):
        for _ in range(100):
            client.suggest(request_for("x"))
        with pytest.raises(WorkerError, match="died"):
            client.suggest(request_for("kill"))
    client.suggest(request_for("x"))
    assert client.status()["deaths"] == 1


def test_an_idle_worker_leaves_and_the_next_request_starts_another(connect: Connect) -> None:
    client = connect(idle_seconds=1.0)
    pid = pid_of(client.suggest(request_for("x")))
    wait_until(lambda: not is_running(pid))
    assert client.status(start=False)["state"] == "stopped"
    answer = client.suggest(request_for("x"))
    assert pid_of(answer) != pid
    assert client.status()["deaths"] == 0


def test_a_request_under_way_when_the_worker_leaves_is_answered_by_the_next(
    connect: Connect,
) -> None:
    client = connect()
    pid = pid_of(client.suggest(request_for("x")))
    with ThreadPoolExecutor(1) as pool:
        under_way = pool.submit(client.suggest, request_for("sleep 1"), 10)
        wait_until(lambda: client.status()["state"] == "busy")
        os.kill(pid, signal.SIGTERM)
        assert pid_of(under_way.result(15)) != pid


def test_sigterm_ends_the_worker_cleanly(connect: Connect, folder: Path) -> None:
    client = connect()
    pid = pid_of(client.suggest(request_for("x")))
    os.kill(pid, signal.SIGTERM)
    wait_until(lambda: not is_running(pid))
    assert not list(folder.glob("*.sock"))
    assert client.status()["deaths"] == 0


def test_a_worker_past_its_memory_limit_leaves_and_another_answers(connect: Connect) -> None:
    client = connect(memory_mb=150)
    pid = pid_of(client.suggest(request_for("leak 60")))
    assert pid_of(client.suggest(request_for("leak 1"))) == pid
    client.suggest(request_for("leak 120"))
    wait_until(lambda: not is_running(pid))
    assert pid_of(client.suggest(request_for("x"))) != pid


def test_a_thousand_requests_leave_the_memory_flat(connect: Connect) -> None:
    client = connect()
    request = request_for("x = 1\n" * 2_000)
    for _ in range(200):
        client.suggest(request)
    before = client.status()["rss_mb"]
    for _ in range(1_000):
        client.suggest(request)
    status = client.status()
    assert status["served"] == 1_200
    assert status["rss_mb"] - before < 3


def test_a_flood_from_one_client_is_answered_one_by_one_or_superseded(connect: Connect) -> None:
    client = connect()
    client.suggest(request_for("x"))
    tickets = [
        client.submit(json.dumps(request_for("sleep 0.05", id=i)).encode()) for i in range(1_000)
    ]
    replies = [ticket.future.result(20) for ticket in tickets]
    assert [json.loads(r.body)["id"] for r in replies] == list(range(1_000))
    assert replies[-1].outcome == "suggested"
    assert sum(r.outcome == "superseded" for r in replies) > 900
    assert client.status()["rss_mb"] < 60


def test_the_worker_has_no_network_socket_and_its_files_are_the_users_own(
    connect: Connect, folder: Path
) -> None:
    pid = pid_of(connect().suggest(request_for("x")))
    worker = psutil.Process(pid)
    assert worker.net_connections(kind="inet") == []
    assert len(worker.net_connections(kind="unix")) >= 1
    assert folder.stat().st_mode & 0o777 == 0o700
    assert all(path.lstat().st_mode & 0o077 == 0 for path in folder.iterdir())


def test_an_idle_worker_uses_no_processor_time(connect: Connect) -> None:
    pid = pid_of(connect().suggest(request_for("x")))
    worker = psutil.Process(pid)
    time.sleep(0.2)
    before = worker.cpu_times()
    switches = worker.num_ctx_switches()
    time.sleep(1.0)
    after = worker.cpu_times()
    assert (after.user, after.system) == (before.user, before.system)
    assert worker.num_ctx_switches().voluntary - switches.voluntary <= 5


def test_the_worker_gets_no_token_of_the_server(
    connect: Connect, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("JUPYTER_TOKEN", "hunter2")
    pid = pid_of(connect().suggest(request_for("x")))
    environment = Path(f"/proc/{pid}/environ").read_bytes()
    assert b"hunter2" not in environment


def test_a_module_in_the_notebooks_folder_does_not_get_into_the_worker(
    connect: Connect, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "json.py").write_text("raise SystemExit('mine')\n")
    monkeypatch.chdir(tmp_path)
    assert connect().suggest(request_for("x"))["suggestions"]


def test_a_client_with_another_bundle_replaces_the_worker(connect: Connect, tmp_path: Path) -> None:
    first = connect()
    pid = pid_of(first.suggest(request_for("x")))
    other = connect("other", bundle=str(tmp_path / "b"))
    assert pid_of(other.suggest(request_for("x"))) != pid
    assert other.status()["bundle_path"] == str(tmp_path / "b")
    # Who names no bundle takes the worker that is there.
    assert pid_of(first.suggest(request_for("x"))) == other.status()["pid"]


def test_an_unused_worker_of_another_version_is_asked_to_leave(
    connect: Connect, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    old = connect("old")
    old._folder = old._open_folder()
    old._folder.version = "0.0.1"
    command = [sys.executable, "-c", _OLD_WORKER, str(folder)]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
    try:
        assert process.stdout is not None
        assert process.stdout.readline() == b"ready\n"
        pid = pid_of(old.suggest(request_for("x")))
        assert pid == process.pid
        new = connect("new")
        assert pid_of(new.suggest(request_for("x"))) != pid
        assert process.poll() is None  # in use: left alone
        new.stop_worker()
        old.close()
        wait_until(lambda: new.status(start=False)["state"] == "stopped")
        new.suggest(request_for("x"))
        assert process.wait(60) == 0  # a busy machine takes its time
    finally:
        process.kill()
        process.wait()


_OLD_WORKER = """
import sys
from nextedit_jupyter import worker
from nextedit_jupyter.worker import __main__, runtime
real = runtime.RuntimeFolder.__init__
def init(self, path, version="0.0.1"):
    real(self, path, version)
runtime.RuntimeFolder.__init__ = init
settings = '{"suggester": "fake_suggesters:fake"}'
sys.exit(__main__.main(["--runtime-dir", sys.argv[1], "--settings", settings]))
"""


def test_a_worker_of_another_version_than_its_client_is_not_started(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An upgrade under a running server: the new worker's socket is not where the old one looks."""
    monkeypatch.setattr(RuntimeFolder.__init__, "__defaults__", ("0.0.1",))
    old = WorkerClient("old", WorkerSettings(runtime_dir=folder))
    with old, pytest.raises(WorkerError, match="restart the Jupyter server"):
        old.status()
    assert not list(folder.glob("*.sock"))


def test_threads_may_share_one_client(connect: Connect) -> None:
    client = connect()
    with ThreadPoolExecutor(8) as pool:
        answers = list(
            pool.map(lambda i: client.suggest(request_for("x", id=i), client=f"t{i}"), range(200))
        )
    assert [answer["id"] for answer in answers] == list(range(200))


def test_a_forked_child_uses_a_connection_of_its_own(connect: Connect) -> None:
    """Tried from a process of its own: a fork of this one would inherit what its threads hold."""
    client = connect()
    pid = pid_of(client.suggest(request_for("x")))
    code = (
        "import json, os, sys; from pathlib import Path\n"
        "from nextedit_jupyter.worker.client import WorkerClient, WorkerSettings\n"
        "c = WorkerClient('parent', WorkerSettings(runtime_dir=Path(sys.argv[1])))\n"
        "request = json.loads(sys.argv[2])\n"
        "ask = lambda id: c.suggest({**request, 'id': id}, 10)\n"
        "ask('first'); child = os.fork()\n"
        "if child == 0: os._exit(0 if ask('child')['id'] == 'child' else 1)\n"
        "answers = [ask(i) for i in range(50)]\n"
        "status = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])\n"
        "print(json.dumps([status, [answer['id'] for answer in answers]]))\n"
    )
    command = [sys.executable, "-c", code, str(client.settings.runtime_dir)]
    parent = subprocess.run(
        [*command, json.dumps(request_for("x"))],
        capture_output=True,
        text=True,
        timeout=60,
        check=True,
    )
    assert json.loads(parent.stdout) == [0, list(range(50))]
    assert pid_of(client.suggest(request_for("x"))) == pid, "one worker served them all"


def test_the_client_loads_nothing_heavy_before_it_is_used() -> None:
    code = (
        "import sys, nextedit_jupyter.worker.client; "
        "print([m for m in ('multiprocessing', 'asyncio', 'subprocess', 'socket', 'tornado', "
        "'numpy', 'onnxruntime', 'concurrent') if m in sys.modules])"
    )
    out = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True
    )
    assert out.stdout.strip() == "[]"


def test_frames_keep_the_body_as_it_is() -> None:
    header: dict[str, Any] = {"op": "suggest", "client": "é\n"}
    for body in (b"", b"\n", b'{"a":\n1}', bytes(range(256))):
        assert unpack(pack(header, body)) == (header, body)


def test_a_stopped_reader_does_not_stop_the_others(connect: Connect, settings: Settings) -> None:
    client = connect()
    client.suggest(request_for("x"))
    code = (
        "import sys, json, threading; from pathlib import Path\n"
        "from nextedit_jupyter.worker import client, link\n"
        "link.Link._read = lambda self: threading.Event().wait()\n"
        "c = client.WorkerClient('deaf', client.WorkerSettings(runtime_dir=Path(sys.argv[1])))\n"
        "body = sys.stdin.buffer.read()\n"
        "for i in range(3000): c.submit(body)\n"
        "print('sent', flush=True); threading.Event().wait()\n"
    )
    deaf = subprocess.Popen(
        [sys.executable, "-c", code, str(client.settings.runtime_dir)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
    )
    try:
        assert deaf.stdin is not None
        deaf.stdin.write(json.dumps(request_for("x")).encode())
        deaf.stdin.close()
        results = [client.suggest(request_for("x"), 10) for _ in range(20)]
        assert all(result["suggestions"] for result in results)
    finally:
        deaf.kill()
        deaf.wait()
    assert threading.active_count() < 50


def test_what_the_user_makes_of_a_suggestion_sets_the_pace(connect: Connect) -> None:
    client = connect()
    assert client.report("rejected", "inline", "model") is None, "no worker is started for this"
    client.suggest(request_for("x"))
    before = client.status()
    assert (before["quiet_ms"], before["may_infer"]) == (0, True)
    after = client.report("rejected", "inline", "model")
    assert after is not None
    assert after["quiet_ms"] > 0
    taken = client.report("accepted", "inline", "model")
    assert taken is not None
    assert taken["quiet_ms"] == 0


def test_counts_are_kept_only_where_they_are_wanted(
    connect: Connect, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("NEXTEDIT_DATA_DIR", str(tmp_path / "data"))
    client = connect()
    client.suggest(request_for("x"))
    client.report("accepted", "inline", "model")
    assert client.status()["statistics"] is False
    assert not (tmp_path / "data").exists()
    pid = client.status()["pid"]
    client.stop_worker()
    wait_until(lambda: not is_running(pid))
    counting = connect(statistics=True)
    counting.suggest(request_for("x"))
    counting.report("accepted", "inline", "model")
    assert counting.status()["statistics"] is True
    summary = Statistics(tmp_path / "data" / "statistics").summary()
    assert summary["kinds"]["inline"]["accepted"] == 1
    assert summary["latency_ms"]["count"] >= 1


@pytest.mark.parametrize("size", [1_100_000, 2_500_000, 15_000_000, 40_000_000])
def test_a_message_past_the_bound_is_answered_before_the_connection_ends(
    connect: Connect, size: int
) -> None:
    client = connect()
    client.status()
    link = client._link
    assert link is not None
    future: Future[Reply] = Future()
    link._waiting[77] = future
    with contextlib.suppress(OSError, TypeError):  # it is closed while the last one is sent
        link._connection.send_bytes(pack({"op": "suggest", "n": 77}, b"x" * size))
    reply = future.result(10)
    assert json.loads(reply.body)["error"]["code"] == reply.header["code"] == "too_large"
    wait_until(lambda: not link.alive)
    assert client.suggest(request_for("x"))["suggestions"]


@pytest.mark.parametrize("language", ["Python", "PYTHON", "python3", "IPython"])
def test_renames_are_offered_whatever_the_case_of_the_language(
    connect: Connect, language: str, tmp_path: Path
) -> None:
    client = connect(suggester=None, bundle=str(tmp_path / "missing"))
    request = request_for("x = 1", want=["rename"])
    request["notebook"]["language"] = language
    request["notebook"]["cells"].append({"id": "b", "type": "code", "source": "print(y)"})
    request["history"] = [{"cell": "a", "before": "y = 1", "after": "x = 1", "origin": "typed"}]
    assert client.suggest(request, 20)["suggestions"]

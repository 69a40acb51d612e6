"""The runtime folder: who may enter, where it lies, and what it remembers."""

from __future__ import annotations

import json
import os
import sys
import threading
from pathlib import Path

import pytest

from nextedit_jupyter.core.errors import WorkerError
from nextedit_jupyter.worker.crash_counter import CrashCounter
from nextedit_jupyter.worker.runtime import (
    MAX_ADDRESS_BYTES,
    RuntimeFolder,
    held,
    make_private,
)

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="POSIX rights")


def test_a_folder_is_made_closed_to_all_others(tmp_path: Path) -> None:
    old = os.umask(0)
    try:
        found = RuntimeFolder.find(tmp_path / "a" / "b")
    finally:
        os.umask(old)
    assert found.path.stat().st_mode & 0o777 == 0o700


def test_another_users_folder_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = make_private(tmp_path / "run")
    monkeypatch.setattr(os, "geteuid", lambda: path.stat().st_uid + 1)
    with pytest.raises(WorkerError, match="belongs to another user"):
        RuntimeFolder.find(path)


@pytest.mark.skipif(os.name == "nt" or os.geteuid() != 0, reason="only root can give a file away")
def test_a_folder_given_to_another_user_is_refused_to_root_too(tmp_path: Path) -> None:
    path = make_private(tmp_path / "run")
    os.chown(path, 65534, 65534)
    with pytest.raises(WorkerError, match="belongs to another user"):
        RuntimeFolder.find(path)


@pytest.mark.parametrize("mode", [0o755, 0o770, 0o701])
def test_a_folder_open_to_others_is_refused_with_what_to_do(tmp_path: Path, mode: int) -> None:
    path = tmp_path / "run"
    path.mkdir()
    path.chmod(mode)
    with pytest.raises(WorkerError, match=f"chmod 700 {path}"):
        RuntimeFolder.find(path)


def test_a_link_in_the_folders_place_is_refused(tmp_path: Path) -> None:
    make_private(tmp_path / "real")
    (tmp_path / "link").symlink_to(tmp_path / "real")
    with pytest.raises(WorkerError, match="not a folder"):
        RuntimeFolder.find(tmp_path / "link")


def test_a_key_open_to_others_is_refused(tmp_path: Path) -> None:
    folder = RuntimeFolder.find(tmp_path / "run")
    folder.ensure_key()
    folder.key.chmod(0o644)
    with pytest.raises(WorkerError, match="chmod 600"):
        folder.read_key()


def test_a_damaged_key_is_made_anew(tmp_path: Path) -> None:
    folder = RuntimeFolder.find(tmp_path / "run")
    folder.key.touch(0o600)
    key = folder.ensure_key()
    assert len(key) == 32
    assert folder.ensure_key() == folder.read_key() == key
    assert folder.key.stat().st_mode & 0o777 == 0o600


def test_folders_are_tried_in_order_and_a_bad_one_is_passed_over(tmp_path: Path) -> None:
    xdg, jupyter, data = tmp_path / "xdg", tmp_path / "jupyter", tmp_path / "data"
    xdg.mkdir()
    environ = {
        "XDG_RUNTIME_DIR": str(xdg),
        "JUPYTER_RUNTIME_DIR": str(jupyter),
        "XDG_DATA_HOME": str(data),
    }
    assert RuntimeFolder.find(environ=environ).path == xdg / "nextedit"
    (xdg / "nextedit").chmod(0o777)
    assert RuntimeFolder.find(environ=environ).path == jupyter / "nextedit"
    del environ["JUPYTER_RUNTIME_DIR"]
    assert RuntimeFolder.find(environ=environ).path == data / "nextedit" / "run"
    environ["NEXTEDIT_RUNTIME_DIR"] = str(xdg / "nextedit")
    with pytest.raises(WorkerError, match="chmod"):
        RuntimeFolder.find(environ=environ)


def test_a_path_too_long_for_a_socket_gets_a_short_private_one(tmp_path: Path) -> None:
    folder = RuntimeFolder.find(tmp_path / ("d" * 60) / ("e" * 60))
    address = folder.address
    assert len(os.fsencode(address)) <= MAX_ADDRESS_BYTES
    assert Path(address).parent.stat().st_mode & 0o777 == 0o700
    assert address == folder.address
    assert address != RuntimeFolder.find(tmp_path / ("d" * 60) / ("f" * 60)).address


def test_a_lock_keeps_others_out_until_it_is_let_go(tmp_path: Path) -> None:
    path = tmp_path / "lock"
    with held(path, 1.0), pytest.raises(WorkerError, match="has been locked"), held(path, 0.05):
        pass
    order: list[str] = []

    def wait() -> None:
        with held(path, 5.0):
            order.append("second")

    with held(path, 1.0):
        thread = threading.Thread(target=wait)
        thread.start()
        thread.join(0.05)
        order.append("first")
    thread.join(5)
    assert order == ["first", "second"]


def test_deaths_in_a_row_are_counted_and_a_clean_end_forgets_them(tmp_path: Path) -> None:
    deaths = CrashCounter(tmp_path / "deaths.json")
    assert [deaths.begin() for _ in range(4)] == [0, 1, 2, 3]
    deaths.end_cleanly()
    assert [deaths.begin() for _ in range(2)] == [0, 1]


def test_a_worker_that_proved_itself_begins_a_new_row(tmp_path: Path) -> None:
    deaths = CrashCounter(tmp_path / "deaths.json")
    assert [deaths.begin() for _ in range(3)] == [0, 1, 2]
    deaths.forgive()
    assert deaths.begin() == 1


@pytest.mark.parametrize("content", ["", "[]", "{", '{"clean": false, "deaths": "many"}', "\0"])
def test_a_damaged_record_of_deaths_is_no_obstacle(tmp_path: Path, content: str) -> None:
    path = tmp_path / "deaths.json"
    path.write_text(content)
    assert CrashCounter(path).begin() in (0, 1)
    assert json.loads(path.read_text())["clean"] is False


def test_a_record_that_cannot_be_written_is_no_obstacle(tmp_path: Path) -> None:
    assert CrashCounter(tmp_path / "missing" / "deaths.json").begin() == 0

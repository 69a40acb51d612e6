"""Plain files alone are read, and files are replaced whole."""

from __future__ import annotations

import os
import stat
import sys
import threading
from pathlib import Path

import pytest

from nextedit_jupyter.core.files import locked, read_bytes, replace_file, written_beside

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="POSIX files")


def test_a_named_pipe_a_link_a_folder_and_a_device_are_refused_at_once(tmp_path: Path) -> None:
    (tmp_path / "plain").write_bytes(b"text")
    os.mkfifo(tmp_path / "pipe")
    (tmp_path / "link").symlink_to(tmp_path / "plain")
    for path in (tmp_path / "pipe", tmp_path / "link", tmp_path, Path("/dev/zero")):
        with pytest.raises(OSError):  # noqa: PT011 - the kind differs by system
            read_bytes(path, 100)
    assert read_bytes(tmp_path / "plain", 4) == b"text"
    assert read_bytes(tmp_path / "link", 4, follow=True) == b"text"
    with pytest.raises(OSError, match="more than 3 bytes"):
        read_bytes(tmp_path / "plain", 3)


def test_a_replaced_file_is_private_or_keeps_its_rights(tmp_path: Path) -> None:
    path = tmp_path / "file"
    replace_file(path, b"1")
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    path.chmod(0o640)
    replace_file(path, b"2", mode=0o644, keep_mode=True, durable=True)
    assert (path.read_bytes(), stat.S_IMODE(path.stat().st_mode)) == (b"2", 0o640)


def test_what_fails_leaves_the_old_file_and_nothing_beside_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "file"
    replace_file(path, b"old")

    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "replace", full)
    with pytest.raises(OSError, match="No space"):
        replace_file(path, b"new")
    assert [file.name for file in tmp_path.iterdir()] == ["file"]
    assert path.read_bytes() == b"old"


def test_a_lock_is_waited_for_and_given_up_in_time(tmp_path: Path) -> None:
    path = tmp_path / "lock"
    with (
        locked(path, 1.0),
        pytest.raises(TimeoutError, match="has been locked"),
        locked(path, 0.05),
    ):
        pass
    order = []

    def wait() -> None:
        with locked(path, 5.0):
            order.append("second")

    with locked(path, 1.0):
        thread = threading.Thread(target=wait)
        thread.start()
        thread.join(0.05)
        order.append("first")
    thread.join(5)
    assert order == ["first", "second"]
    assert stat.S_IMODE(path.stat().st_mode) == 0o600


def test_a_file_written_beside_takes_its_place_whole_or_not_at_all(tmp_path: Path) -> None:
    path = tmp_path / "rows.npy"
    with written_beside(path) as beside:
        assert beside.suffix == ".npy"
        beside.write_bytes(b"first")
        assert not path.exists()
    assert path.read_bytes() == b"first"
    with pytest.raises(OSError, match="full"), written_beside(path) as beside:  # noqa: PT012
        beside.write_bytes(b"half")
        raise OSError("the disk is full")
    assert path.read_bytes() == b"first"
    assert list(tmp_path.iterdir()) == [path]

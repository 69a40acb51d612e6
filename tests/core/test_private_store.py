"""A small file on disk that several processes open, and that is in nobody's way."""

from __future__ import annotations

import sqlite3
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from nextedit_jupyter.core.private_store import PrivateStore

SCHEMA = ["CREATE TABLE IF NOT EXISTS things (name TEXT)"]


def test_all_that_open_it_at_once_can_use_it(tmp_path: Path) -> None:
    for round_ in range(5):
        path = tmp_path / f"{round_}" / "store.sqlite"
        with ThreadPoolExecutor(8) as threads:
            stores = list(threads.map(lambda _, path=path: PrivateStore(path, SCHEMA), range(8)))
        assert [store.is_usable for store in stores] == [True] * 8
        for store in stores:
            store.close()


def test_a_lock_that_passes_is_waited_for_and_one_that_stays_is_not(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    tries: list[int] = []
    connect = PrivateStore._connect

    def locked(self: PrivateStore, times: int) -> sqlite3.Connection:
        tries.append(1)
        if len(tries) <= times:
            raise sqlite3.OperationalError("database is locked")
        return connect(self)

    monkeypatch.setattr(PrivateStore, "_connect", lambda self: locked(self, 2))
    assert PrivateStore(tmp_path / "a" / "store.sqlite", SCHEMA).is_usable
    tries.clear()
    monkeypatch.setattr(PrivateStore, "_connect", lambda self: locked(self, 100))
    assert not PrivateStore(tmp_path / "b" / "store.sqlite", SCHEMA).is_usable
    assert len(tries) < 10

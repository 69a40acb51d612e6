"""A small sqlite file that only its owner can read, and that never blocks anything.

The folder is 0700, the file 0600, deleted rows are overwritten. A store that cannot be used
(read-only home folder, locked by another process, a folder that is a link or belongs to someone
else) is left alone; a damaged one is replaced by an empty one.
"""

from __future__ import annotations

import contextlib
import os
import sqlite3
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from nextedit_jupyter.core.files import is_own_folder

_PAUSES = (0.01, 0.03, 0.1)  # seconds between attempts while another process creates it


class PrivateStore:
    """One sqlite file. Nothing here raises: what cannot be stored is dropped.

    `schema` are statements that create the tables if they are missing.
    """

    def __init__(self, path: Path, schema: Sequence[str]) -> None:
        self.path = path
        self._schema = schema
        self._database: sqlite3.Connection | None = None
        with contextlib.suppress(OSError, sqlite3.Error):
            path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            if not is_own_folder(path.parent):
                return
            os.chmod(path.parent, 0o700)
            self._database = self._open()

    @property
    def is_usable(self) -> bool:
        return self._database is not None

    @property
    def size(self) -> int:
        """Bytes on disk, including the write-ahead log; 0 if unknown."""
        with contextlib.suppress(OSError):
            return sum(file.stat().st_size for file in self.files())
        return 0

    def files(self) -> list[Path]:
        """The files that exist; none if the folder is a link."""
        if not is_own_folder(self.path.parent):
            return []
        names = (self.path.name + suffix for suffix in ("", "-wal", "-shm"))
        return [file for file in map(self.path.with_name, names) if file.exists()]

    def change(self, *statements: tuple[str, Sequence[object]]) -> bool:
        """Run statements as one transaction; returns whether it succeeded."""
        if self._database is None:
            return False
        try:
            with self._database:
                for statement, values in statements:
                    self._database.execute(statement, values)
        except sqlite3.Error:
            return False
        return True

    def rows(self, query: str, values: Sequence[object] = ()) -> list[Any]:
        if self._database is None:
            return []
        try:
            return self._database.execute(query, values).fetchall()
        except sqlite3.Error:
            return []

    def shrink(self) -> None:
        """Release the space of deleted rows, in the write-ahead log too."""
        if self._database is not None:
            with contextlib.suppress(sqlite3.Error):
                self._database.execute("VACUUM")
                self._database.execute("PRAGMA wal_checkpoint(TRUNCATE)")

    def close(self) -> None:
        if self._database is not None:
            self._database.close()
            self._database = None

    def delete(self) -> None:
        """Close it and delete its files."""
        self.close()
        for file in self.files():
            file.unlink(missing_ok=True)

    def _open(self) -> sqlite3.Connection:
        flags = os.O_RDWR | os.O_CREAT | getattr(os, "O_NOFOLLOW", 0)
        os.close(os.open(self.path, flags, 0o600))
        try:
            return self._connect_patiently()
        except sqlite3.OperationalError:  # locked elsewhere, or the disk is full: left alone
            raise
        except sqlite3.DatabaseError:  # damaged: not worth a repair
            for file in self.files():
                file.unlink(missing_ok=True)
            return self._connect()

    def _connect_patiently(self) -> sqlite3.Connection:
        """If two processes create the file at the same time, one finds it locked for a moment, and
        sqlite does not wait for that: without another attempt it would store nothing as long as it
        runs."""
        for pause in _PAUSES:
            with contextlib.suppress(sqlite3.OperationalError):
                return self._connect()
            time.sleep(pause)
        return self._connect()

    def _connect(self) -> sqlite3.Connection:
        # Storing is not worth waiting for.
        database = sqlite3.connect(self.path, timeout=0.2, check_same_thread=False)
        try:
            if database.execute("PRAGMA journal_mode").fetchone() != ("wal",):
                database.execute("PRAGMA journal_mode=WAL")
            database.execute("PRAGMA synchronous=NORMAL")  # a power cut may cost the last rows
            database.execute("PRAGMA secure_delete=ON")
            for statement in self._schema:
                database.execute(statement)
        except sqlite3.Error:
            database.close()
            raise
        return database

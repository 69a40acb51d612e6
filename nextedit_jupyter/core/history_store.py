"""Edits kept on disk for training on one's own code: only where the user asked for that.

What is kept is what a request's record of edits says, and what a kernel ran: whole texts of cells
before and after. A text with a secret is refused, and takes what is kept of its cell along. Rows go
after 14 days, or when the file passes 20 MB, the oldest first. Several processes may keep at once:
an edit that two of them saw is one row.
"""

from __future__ import annotations

import hashlib
import time
from collections import OrderedDict
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from nextedit_jupyter.core.folders import data_folder
from nextedit_jupyter.core.history import EditEvent
from nextedit_jupyter.core.private_store import PrivateStore
from nextedit_jupyter.core.redact import holds_secret

MAX_AGE_S = 14 * 86_400
MAX_BYTES = 20_000_000
_MOST_SEEN = 2_000
_CLOCK_SLACK_S = 86_400  # rows of a later day come from a clock that was wrong
# The oldest quarter; more than a few at once means that the disk does not shrink just now.
_CUT = (
    "DELETE FROM events WHERE rowid IN (SELECT rowid FROM events ORDER BY rowid "
    "LIMIT (SELECT max(1, count(*) / 4) FROM events))",
    (),
)
_MOST_CUTS = 4
_SCHEMA = (
    "CREATE TABLE IF NOT EXISTS events (at REAL, language TEXT, cell TEXT, before TEXT, "
    "after TEXT, origin TEXT, key BLOB UNIQUE)",
)


@dataclass(frozen=True, slots=True)
class KeptEdit:
    """One edit; `event.at` is when it was kept, in seconds since the epoch."""

    language: str
    event: EditEvent


def store_path(folder: Path | None = None) -> Path:
    return (folder or data_folder()) / "history" / "history.sqlite"


class HistoryStore:
    """The kept edits of one user. Never raises; `clock` gives seconds since the epoch."""

    def __init__(
        self,
        path: Path | None = None,
        *,
        clock: Callable[[], float] = time.time,
        refuses: Callable[[str], bool] = holds_secret,
        max_bytes: int = MAX_BYTES,
    ) -> None:
        self._store = PrivateStore(path or store_path(), _SCHEMA)
        self._clock = clock
        self._refuses = refuses
        self._max_bytes = max_bytes
        self._seen: OrderedDict[int, None] = OrderedDict()

    @property
    def is_usable(self) -> bool:
        return self._store.is_usable

    def take(self, language: str, events: Sequence[EditEvent]) -> None:
        """Keep what is new in a record of edits, oldest first.

        The newest one is still being typed, and is kept once another follows it. Edits of other
        people and of ours alone are left out.
        """
        for event in events[:-1]:
            if event.origin == "remote":
                continue
            known = hash((event.cell, event.before, event.after))
            if known in self._seen:  # a record comes anew with each keystroke
                continue
            self._seen[known] = None
            if len(self._seen) > _MOST_SEEN:
                self._seen.popitem(last=False)
            self.keep(language, event)

    def keep(self, language: str, event: EditEvent) -> None:
        """Keep an edit that is done, such as one that ran; a secret in it forgets its cell."""
        if self._refuses(event.before) or self._refuses(event.after):
            self.forget(event.cell)
        else:
            self._keep(language, event)

    def forget(self, cell: str) -> None:
        """Drop what is kept of a cell that holds a secret: earlier texts may hold a part of it."""
        if self._store.rows("SELECT 1 FROM events WHERE cell = ? LIMIT 1", (cell,)):
            self._store.change(("DELETE FROM events WHERE cell = ?", (cell,)))
            self._store.shrink()

    def edits(self) -> Iterator[KeptEdit]:
        """All that is kept, oldest first; not what a newer redactor refuses."""
        for at, language, cell, before, after, origin in self._store.rows(
            "SELECT at, language, cell, before, after, origin FROM events ORDER BY rowid"
        ):
            if not (self._refuses(before) or self._refuses(after)):
                yield KeptEdit(language, EditEvent(cell, before, after, origin, at))

    def __len__(self) -> int:
        rows = self._store.rows("SELECT count(*) FROM events")
        return int(rows[0][0]) if rows else 0

    def purge(self) -> None:
        """Delete every row, whoever else has the file open."""
        self._store.change(("DELETE FROM events", ()))
        self._store.shrink()

    def close(self) -> None:
        self._store.close()

    def _keep(self, language: str, event: EditEvent) -> None:
        now = self._clock()
        try:
            texts = [text.encode("utf-8") for text in (event.before, event.after)]
        except UnicodeEncodeError:
            return  # lone surrogates: no text that anybody trains on
        if sum(map(len, texts)) > self._max_bytes // 10:
            return
        self._store.change(
            (
                "INSERT OR IGNORE INTO events VALUES (?, ?, ?, ?, ?, ?, ?)",
                (now, language, event.cell, event.before, event.after, event.origin, _key(event)),
            ),
            (
                "DELETE FROM events WHERE at < ? OR at > ?",
                (now - MAX_AGE_S, now + _CLOCK_SLACK_S),
            ),
        )
        for _ in range(_MOST_CUTS):
            if self._store.size <= self._max_bytes or not self._store.change(_CUT):
                return  # another process has it: the next edit tries again, nobody waits
            self._store.shrink()


def _key(event: EditEvent) -> bytes:
    """What tells edits apart, however often a front end sends its record."""
    digest = hashlib.sha256()
    for part in (event.cell, event.before, event.after):
        digest.update(part.encode("utf-8", "surrogatepass") + b"\0")
    return digest.digest()

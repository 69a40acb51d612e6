"""Edits kept on disk for training on one's own code, only if the user asked for it.

The edits come from requests' histories and from what kernels ran: whole texts of cells before and
after. A text with a secret is refused, and what is kept of its cell is deleted. So that no
half-typed secret is written before it is recognised, edits wait in memory until their cell has been
left or quiet for a while, and are dropped if a secret turns up in it. Rows are deleted after 14
days, or oldest first when the file exceeds 20 MB. Several processes can write at once: an edit that
two of them saw is one row.
"""

from __future__ import annotations

import hashlib
import time
from collections import OrderedDict
from collections.abc import Callable, Collection, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from nextedit_jupyter.core.folders import data_folder
from nextedit_jupyter.core.history import EditEvent
from nextedit_jupyter.core.private_store import PrivateStore
from nextedit_jupyter.core.redact import begins_secret, holds_secret

MAX_AGE_S = 14 * 86_400
MAX_BYTES = 20_000_000
SETTLE_S = 30.0  # without a change, after which a burst of typing is over
_MAX_SEEN = 2_000
_MAX_WAITING = 200
_RING = 10  # events of a full history: from a full one, old events disappear without a reason
_CLOCK_SLACK_S = 86_400  # rows from a later day were written with a wrong clock
# The oldest quarter; if it takes more than a few rounds, the file cannot shrink at the moment.
_CUT = (
    "DELETE FROM events WHERE rowid IN (SELECT rowid FROM events ORDER BY rowid "
    "LIMIT (SELECT max(1, count(*) / 4) FROM events))",
    (),
)
_MAX_CUTS = 4
_SCHEMA = (
    "CREATE TABLE IF NOT EXISTS events (at REAL, language TEXT, cell TEXT, before TEXT, "
    "after TEXT, origin TEXT, key BLOB UNIQUE)",
)


@dataclass(frozen=True, slots=True)
class KeptEdit:
    """One edit; `event.at` is when it was stored, in seconds since the epoch."""

    language: str
    event: EditEvent


@dataclass(frozen=True, slots=True)
class _Waiting:
    language: str
    event: EditEvent
    since: float


def store_path(folder: Path | None = None) -> Path:
    return (folder or data_folder()) / "history" / "history.sqlite"


def _is_unfit(text: str) -> bool:
    return holds_secret(text) or begins_secret(text)


class HistoryStore:
    """The kept edits of one user. Never raises; `clock` returns seconds since the epoch."""

    def __init__(
        self,
        path: Path | None = None,
        *,
        clock: Callable[[], float] = time.time,
        refuses: Callable[[str], bool] = _is_unfit,
        max_bytes: int = MAX_BYTES,
        settle_s: float = SETTLE_S,
    ) -> None:
        self._store = PrivateStore(path or store_path(), _SCHEMA)
        self._clock = clock
        self._refuses = refuses
        self._max_bytes = max_bytes
        self._settle_s = settle_s
        self._seen: OrderedDict[int, None] = OrderedDict()
        self._waiting: OrderedDict[int, _Waiting] = OrderedDict()

    @property
    def is_usable(self) -> bool:
        return self._store.is_usable

    def take(
        self, language: str, events: Sequence[EditEvent], cells: Collection[str] | None = None
    ) -> None:
        """Keep what is new in a history (oldest first), once each edit's cell is at rest.

        A cell is at rest when an edit of another cell is the newest, or after `settle_s` without a
        change. `cells` are those of the notebook: a front end that recognises a secret drops that
        cell's edits from the history, so what is missing there is not written either. Edits by
        other people, and edits that consist only of accepted suggestions, are left out.
        """
        now = self._clock()
        for cell in {event.cell for event in events if self._refuses_either(event)}:
            self.forget(cell)
        keys = [hash((event.cell, event.before, event.after)) for event in events]
        self._drop_missing(events, set(keys), cells)
        for event, known in zip(events, keys, strict=True):
            if known in self._waiting or event.origin == "remote" or self._refuses_either(event):
                continue
            if (
                known in self._seen or event.before == event.after
            ):  # the same history arrives again with each keystroke
                continue
            self._waiting[known] = _Waiting(language, event, now)
            if len(self._waiting) > _MAX_WAITING:
                self._waiting.popitem(last=False)
        self._write_settled(now, events[-1] if events else None)

    def _drop_missing(
        self, events: Sequence[EditEvent], keys: set[int], cells: Collection[str] | None
    ) -> None:
        here = {event.cell for event in events} if cells is None else cells
        full = len(events) >= _RING
        for known, waiting in list(self._waiting.items()):
            if known in keys or waiting.event.cell not in here:
                continue
            # A burst that continues is the same event with a later end.
            if not full or any(
                event.cell == waiting.event.cell and event.before == waiting.event.before
                for event in events
            ):
                del self._waiting[known]

    def _write_settled(self, now: float, newest: EditEvent | None) -> None:
        latest: dict[str, float] = {}
        for waiting in self._waiting.values():
            cell = waiting.event.cell
            latest[cell] = max(latest.get(cell, waiting.since), waiting.since)
        for known, waiting in list(self._waiting.items()):
            cell = waiting.event.cell
            was_left = newest is not None and newest.cell != cell
            if not was_left and now - latest[cell] < self._settle_s:
                continue
            del self._waiting[known]
            self._seen[known] = None
            if len(self._seen) > _MAX_SEEN:
                self._seen.popitem(last=False)
            self._keep(waiting.language, waiting.event)

    def _refuses_either(self, event: EditEvent) -> bool:
        return self._refuses(event.before) or self._refuses(event.after)

    def keep(self, language: str, event: EditEvent) -> None:
        """Keep a finished edit, such as one that ran; a secret in it deletes what is kept of its
        cell."""
        if self._refuses_either(event):
            self.forget(event.cell)
        else:
            self._keep(language, event)

    def forget(self, cell: str) -> None:
        """Delete what is kept of a cell with a secret: earlier texts may contain a part of it."""
        for known, waiting in list(self._waiting.items()):
            if waiting.event.cell == cell:
                del self._waiting[known]
        if self._store.rows("SELECT 1 FROM events WHERE cell = ? LIMIT 1", (cell,)):
            self._store.change(("DELETE FROM events WHERE cell = ?", (cell,)))
            self._store.shrink()

    def edits(self) -> Iterator[KeptEdit]:
        """All kept edits, oldest first, except those that a newer redactor refuses."""
        for at, language, cell, before, after, origin in self._store.rows(
            "SELECT at, language, cell, before, after, origin FROM events ORDER BY rowid"
        ):
            if not (self._refuses(before) or self._refuses(after)):
                yield KeptEdit(language, EditEvent(cell, before, after, origin, at))

    def __len__(self) -> int:
        rows = self._store.rows("SELECT count(*) FROM events")
        return int(rows[0][0]) if rows else 0

    def purge(self) -> None:
        """Delete every row, even if other processes have the file open."""
        self._waiting.clear()
        self._store.change(("DELETE FROM events", ()))
        self._store.shrink()

    def close(self) -> None:
        """Write what is at rest and close the file; an unfinished burst is lost."""
        self._write_settled(self._clock(), None)
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
        for _ in range(_MAX_CUTS):
            if self._store.size <= self._max_bytes or not self._store.change(_CUT):
                return  # locked by another process: the next edit tries again
            self._store.shrink()


def _key(event: EditEvent) -> bytes:
    """What identifies an edit, however often a front end sends its history."""
    digest = hashlib.sha256()
    for part in (event.cell, event.before, event.after):
        digest.update(part.encode("utf-8", "surrogatepass") + b"\0")
    return digest.digest()

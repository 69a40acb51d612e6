"""Counts of the outcomes of suggestions, for the user only; off unless the user enables them.

A row has a time, a kind, a lane, an outcome and milliseconds: no code, no path, no name. Rows older
than 14 days are deleted, and the file never exceeds 20 MB. Nothing leaves the machine except by
`export`, whose text the user sees before it is written anywhere.
"""

from __future__ import annotations

import hashlib
import hmac
import os
import secrets
import time
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, get_args

from nextedit_jupyter.core import pacing
from nextedit_jupyter.core.private_store import PrivateStore
from nextedit_jupyter.core.suggestion import KINDS, Lane

OUTCOMES: tuple[str, ...] = (*pacing.OUTCOMES, "kept_30s", "kept_5m", "latency")
LANES: tuple[Lane, ...] = get_args(Lane)
MAX_AGE_S = 14 * 86_400
MAX_BYTES = 20_000_000
# Upper bounds of an export's latency buckets, in milliseconds: fine enough to see a regression, too
# coarse to identify a machine.
BUCKETS_MS = (10, 20, 40, 80, 160, 320, 640)

_SCHEMA = (
    "CREATE TABLE IF NOT EXISTS outcomes "
    "(at REAL, outcome TEXT, kind TEXT, lane TEXT, milliseconds REAL)",
    "CREATE TABLE IF NOT EXISTS secret (value BLOB)",
)


class Statistics:
    """The counts of one user in `folder` (0700). A store that cannot be used is left alone.

    `clock` returns seconds since the epoch; if it jumps, rows are lost, but never an answer.
    """

    def __init__(self, folder: Path, *, clock: Callable[[], float] = time.time) -> None:
        self._store = PrivateStore(folder / "statistics.sqlite", _SCHEMA)
        self._clock = clock

    @property
    def is_usable(self) -> bool:
        return self._store.is_usable

    def record(self, outcome: str, kind: str, lane: str, milliseconds: float | None = None) -> None:
        """Count one outcome; unknown words are not counted. Never raises."""
        if outcome not in OUTCOMES or kind not in KINDS or lane not in LANES:
            return
        self._store.change(
            (
                "INSERT INTO outcomes VALUES (?, ?, ?, ?, ?)",
                (self._clock(), outcome, kind, lane, milliseconds),
            ),
            ("DELETE FROM outcomes WHERE at < ?", (self._clock() - MAX_AGE_S,)),
        )
        if self._store.size > MAX_BYTES:
            self._store.change(
                (
                    "DELETE FROM outcomes WHERE rowid IN (SELECT rowid FROM outcomes ORDER BY at "
                    "LIMIT (SELECT count(*) / 2 FROM outcomes))",
                    (),
                )
            )
            self._store.shrink()

    def summary(self) -> dict[str, Any]:
        """Counts by kind and outcome, shares of what was shown, latency in milliseconds."""
        kinds: dict[str, dict[str, Any]] = {}
        for kind, outcome, count in self._store.rows(
            "SELECT kind, outcome, count(*) FROM outcomes WHERE outcome != 'latency' "
            "GROUP BY kind, outcome"
        ):
            kinds.setdefault(kind, {})[outcome] = count
        for counts in kinds.values():
            shown = counts.get("shown", 0)
            if shown:
                taken = counts.get("accepted", 0) + counts.get("partial", 0)
                counts["acceptance"] = round(min(1.0, taken / shown), 4)
        latencies = sorted(
            value
            for (value,) in self._store.rows(
                "SELECT milliseconds FROM outcomes WHERE milliseconds IS NOT NULL"
            )
        )
        return {
            "kinds": kinds,
            "latency_ms": {
                "count": len(latencies),
                "p50": _quantile(latencies, 0.5),
                "p95": _quantile(latencies, 0.95),
            },
        }

    def latencies(self, limit: int = 200) -> list[float]:
        """The newest latencies in milliseconds, oldest first."""
        rows = self._store.rows(
            "SELECT milliseconds FROM outcomes WHERE milliseconds IS NOT NULL "
            f"ORDER BY at DESC, rowid DESC LIMIT {int(limit)}"
        )
        return [value for (value,) in rows][::-1]

    def export(self, environment: Mapping[str, str] = os.environ) -> dict[str, Any] | None:
        """Data that a team can aggregate: counts and buckets under an identifier that changes each
        week.

        None if `DO_NOT_TRACK` is set. The identifier is keyed by a secret that stays here, so that
        two weeks of one user cannot be linked.
        """
        if environment.get("DO_NOT_TRACK", "") not in ("", "0", "false"):
            return None
        week = datetime.fromtimestamp(self._clock(), UTC).strftime("%G-W%V")
        buckets = [0] * (len(BUCKETS_MS) + 1)
        for (value,) in self._store.rows(
            "SELECT milliseconds FROM outcomes WHERE milliseconds IS NOT NULL"
        ):
            buckets[sum(value > end for end in BUCKETS_MS)] += 1
        counts = {
            f"{kind}.{lane}.{outcome}": count
            for kind, lane, outcome, count in self._store.rows(
                "SELECT kind, lane, outcome, count(*) FROM outcomes WHERE outcome != 'latency' "
                "GROUP BY kind, lane, outcome"
            )
        }
        return {
            "week": week,
            "user": hmac.new(self._secret(), week.encode(), hashlib.sha256).hexdigest()[:16],
            "counts": counts,
            "latency_ms_up_to": [*BUCKETS_MS, None],
            "latency_counts": buckets,
        }

    def purge(self) -> None:
        """Delete every row and the file."""
        self._store.delete()

    def close(self) -> None:
        self._store.close()

    def _secret(self) -> bytes:
        for (value,) in self._store.rows("SELECT value FROM secret LIMIT 1"):
            return bytes(value)
        value = secrets.token_bytes(32)
        self._store.change(("INSERT INTO secret VALUES (?)", (value,)))
        return value


def _quantile(values: list[float], share: float) -> float | None:
    if not values:
        return None
    return round(values[min(len(values) - 1, int(share * len(values)))], 2)

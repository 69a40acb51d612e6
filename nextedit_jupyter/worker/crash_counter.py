"""Records on disk how workers ended, so that the next one knows what to blame.

A worker records at its start that it has not exited cleanly, and at a clean exit that it has; so a
kill, a crash or a power cut is noticed without being recorded. What the worker was doing is in the
record of `core.phases`. Only deaths inside the model count against a bundle. A bundle is switched
off:

- after three deaths in a row without an answer in between;
- when deaths are so frequent relative to its answers that it cannot be used (`MAX_WEIGHT`);
- after a single death while it is on trial again.

A bundle that was switched off is retried automatically after growing pauses. If the files cannot be
read or written, no deaths are counted, and completions continue.
"""

from __future__ import annotations

import contextlib
import functools
import json
import mmap
import os
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any, TypeVar, cast

from nextedit_jupyter.core import phases
from nextedit_jupyter.core.files import read_bytes, replace_file

IN_A_ROW = 3
# A death weighs 1, and half as much after this many answers; four deaths within some forty answers
# are too many, one in fifty is tolerated.
HALF_AFTER_ANSWERS = 50
MAX_WEIGHT = 4.0
# After this many answers a bundle on trial counts as good again.
PROVED_AFTER_ANSWERS = 100
FIRST_PAUSE_S, PAUSE_GROWS, LONGEST_PAUSE_S = 900.0, 4.0, 86_400.0
_MAX_BYTES = 100_000
_MAX_MODELS = 32

F = TypeVar("F", bound=Callable[..., Any])


@dataclass(frozen=True, slots=True)
class Record:
    """The record of one bundle's deaths.

    `count` is the number of deaths until it proves itself, `row` of those without an answer in
    between, and `weight` their decaying weight. A bundle that is off has `until`, the time (seconds
    since the epoch) from which it may be retried, and `placed`, the bundle that answers instead
    (empty if none does). `pause` is above 0 from the first time that it was switched off until it
    has proved itself again.
    """

    count: int = 0
    row: int = 0
    weight: float = 0.0
    pause: float = 0.0
    until: float | None = None
    placed: str = ""

    @property
    def is_off(self) -> bool:
        return self.until is not None

    def seconds_left(self, now: float) -> float:
        """Seconds until it may be retried; setting the clock back does not make that longer."""
        left = (self.until or now) - now
        return left if 0 < left <= LONGEST_PAUSE_S else 0.0

    @property
    def is_too_bad(self) -> bool:
        return not self.is_off and (
            self.row >= (1 if self.pause else IN_A_ROW) or self.weight >= MAX_WEIGHT
        )


def _alone(method: F) -> F:
    """Run the method under the lock."""

    @functools.wraps(method)
    def held(self: CrashCounter, *args: Any, **kwargs: Any) -> Any:
        with self._lock:
            return method(self, *args, **kwargs)

    return cast("F", held)


class CrashCounter:
    """The deaths of the workers of one user and version. `clock` returns seconds since the
    epoch."""

    def __init__(
        self,
        path: Path,
        *,
        first_pause: float = FIRST_PAUSE_S,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._path = path
        self._first_pause = first_pause
        self._clock = clock
        self._count = 0
        self._models: dict[str, Record] = {}
        self._record: mmap.mmap | None = None
        self._lock = threading.RLock()

    # -- the ends of workers -------------------------------------------------------------------

    @_alone
    def begin(self) -> int:
        """Record how the last worker ended; returns the number of deaths in a row before this
        start."""
        last = self._read()
        self._models = _records(last.get("models"))
        clean = last.get("clean", True) is not False
        self._count = 0 if clean else _number(last.get("deaths")) + 1
        if not clean:
            for label, answers in self._blamed(last):
                self._add(label, answers)
        self._open_record()
        self._write(clean=False)
        return self._count

    @_alone
    def forgive(self) -> None:
        """This worker has proved itself: if it dies later, a new row begins."""
        self._count = 0
        self._write(clean=False)

    @_alone
    def end_cleanly(self, *, retry: bool = False) -> None:
        """Record a clean exit; with `retry` the next worker retries what is switched off."""
        self._count = 0
        if retry:
            self._retry_from(self._clock())
        self._write(clean=True)

    # -- the bundles that are blamed -----------------------------------------------------------

    @_alone
    def blame(self, label: str) -> None:
        """This worker is about to exit because of its bundle: count that as a death."""
        self._write(clean=False, blamed=label)

    @_alone
    def too_bad(self) -> dict[str, Record]:
        """The bundles that are to be switched off."""
        return {label: found for label, found in self._models.items() if found.is_too_bad}

    @_alone
    def off(self) -> dict[str, Record]:
        """The bundles that are switched off."""
        return {label: found for label, found in self._models.items() if found.is_off}

    @_alone
    def unusable(self) -> set[str]:
        """Labels of bundles that must not be loaded; the empty label stands for all models."""
        return {
            label
            for label, found in self._models.items()
            if found.is_off and (label or not found.placed)
        }

    @_alone
    def switch_off(self, label: str, placed: str | None) -> None:
        """Switch a bundle off, in favour of `placed` or none, until its pause is over."""
        known = self._models.get(label, Record())
        pause = known.pause * PAUSE_GROWS if known.pause else self._first_pause
        pause = min(pause, LONGEST_PAUSE_S)
        self._count = 0  # the deaths were this bundle's
        self._models[label] = replace(
            known, pause=pause, until=self._clock() + pause, placed=placed or ""
        )
        self._write(clean=False)

    @_alone
    def seconds_until_trial(self) -> float | None:
        """Seconds until a bundle that is off may be retried; None if none is off."""
        now = self._clock()
        times = [found.seconds_left(now) for found in self.off().values()]
        return min(times, default=None)

    @_alone
    def try_again(self) -> dict[str, Record]:
        """Put the bundles whose pause is over on trial; returns their records."""
        now = self._clock()
        due = {label: found for label, found in self.off().items() if found.seconds_left(now) == 0}
        for label, found in due.items():
            self._models[label] = replace(found, row=0, weight=0.0, until=None, placed="")
        if due:
            self._write(clean=False)
        return due

    @_alone
    def allow_trial(self) -> None:
        """Retry now what is switched off, because the user asked for it."""
        self._retry_from(self._clock())

    @_alone
    def problem(self) -> str | None:
        """What is switched off, why, and when it is retried; None if nothing is."""
        said = []
        for label, found in self.off().items():
            model = f"the model {label}" if label else "the model"
            pause = _spoken(found.seconds_left(self._clock()))
            said.append(
                f"the worker died {found.count} times with {model}, so "
                f"{found.placed or 'it is off'}; it is retried automatically in "
                f"{pause}, or at once with `jupyter nextedit model retry`"
            )
        return "; ".join(said) or None

    @_alone
    def has_answered(self, label: str, answers: int) -> None:
        """Record how many answers a bundle has given since this worker started."""
        if answers == 1 and label in self._models and self._models[label].row:
            self._models[label] = replace(self._models[label], row=0)
            self._write(clean=False)
        if answers == PROVED_AFTER_ANSWERS:
            self._models.pop(label, None)
            self.forgive()

    # -- on disk -------------------------------------------------------------------------------

    def _add(self, label: str, answers: int) -> None:
        known = self._models.get(label, Record())
        self._models[label] = replace(
            known,
            count=known.count + 1,
            row=(0 if answers else known.row) + 1,
            weight=known.weight * 0.5 ** (answers / HALF_AFTER_ANSWERS) + 1,
        )

    def _blamed(self, last: Mapping[str, Any]) -> list[tuple[str, int]]:
        named = last.get("blamed")
        if isinstance(named, str):
            return [(named, 0)]
        try:
            notes = phases.read(read_bytes(self._record_path, phases.RECORD_BYTES))
        except OSError:  # no phases were recorded: count every death against the model
            self._models[""] = Record(self._count - 1, self._count - 1)
            return [("", 0)]
        # Two threads may have been inside a model each: then blame the newer one.
        inside = [note for note in notes if note.phase.is_inside_the_model]
        inside.sort(key=lambda note: note.answers)
        return [(note.label, note.answers) for note in inside[:1]]

    @property
    def _record_path(self) -> Path:
        return self._path.with_suffix(".phase")

    def _open_record(self) -> None:
        with contextlib.suppress(OSError, ValueError):
            replace_file(self._record_path, bytes(phases.RECORD_BYTES))
            with open(self._record_path, "r+b") as file:
                self._record = mmap.mmap(file.fileno(), phases.RECORD_BYTES)
            phases.note_into(self._record)

    def _retry_from(self, now: float) -> None:
        for label, found in self.off().items():
            self._models[label] = replace(found, until=now)

    def _read(self) -> dict[str, Any]:
        try:
            value = json.loads(read_bytes(self._path, _MAX_BYTES))
        except (OSError, ValueError, RecursionError):
            return {}
        return value if isinstance(value, dict) else {}

    def _write(self, *, clean: bool, blamed: str | None = None) -> None:
        value: dict[str, Any] = {"pid": os.getpid(), "clean": clean, "deaths": self._count}
        if self._models:
            kept = list(self._models.items())[-_MAX_MODELS:]
            value["models"] = {label: asdict(found) for label, found in kept}
        if blamed is not None:
            value["blamed"] = blamed
        with contextlib.suppress(OSError):
            replace_file(self._path, json.dumps(value).encode())


def _records(value: object) -> dict[str, Record]:
    """The stored records; entries that we did not write are left out."""
    found: dict[str, Record] = {}
    for label, entry in value.items() if isinstance(value, dict) else ():
        if not isinstance(entry, dict) or len(found) >= _MAX_MODELS:
            continue
        until, placed = entry.get("until"), entry.get("placed")
        found[label] = Record(
            count=_number(entry.get("count")),
            row=_number(entry.get("row")),
            weight=_amount(entry.get("weight")),
            pause=_amount(entry.get("pause")),
            until=None if until is None else _amount(until),
            placed=placed if isinstance(placed, str) else "",
        )
    return found


def _spoken(seconds: float) -> str:
    if seconds < 90:
        return f"{seconds:.0f} seconds"
    return f"{seconds / 60:.0f} minutes" if seconds < 5_400 else f"{seconds / 3_600:.0f} hours"


def _amount(value: object) -> float:
    good = isinstance(value, int | float) and not isinstance(value, bool) and 0 <= value < 1e12
    return float(value) if good else 0.0  # type: ignore[arg-type]


def _number(value: object) -> int:
    return value if isinstance(value, int) and 0 <= value < 10**9 else 0

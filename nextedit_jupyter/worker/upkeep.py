"""Loading another bundle while the worker serves: an update, or the user's choice.

One thread that sleeps until it is due or woken: an idle worker uses no processor time. It never
works while somebody waits for an answer: it checks, tries and loads when there has been no request
for a while, and the new suggester replaces the old one between two requests.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from nextedit_jupyter.core.pacing import Power

if TYPE_CHECKING:
    from nextedit_jupyter.bundles.updates import Updates, UpdateStatus

# How late the weekly check may be. One small file is read each time.
CHECK_SECONDS = 3_600.0
# How long there must have been no request before noticeable work is done.
QUIET_SECONDS = 5.0


@dataclass(frozen=True, slots=True)
class Rebuilt:
    """The result of rebuilding a suggester: its bundle's label, and what went wrong."""

    bundle: str | None
    problem: str | None = None


class Upkeep:
    """Checks for updates and loads them; `wake` is for the user's choices.

    `rebuild(expected)` builds a suggester, installs it if it has the expected bundle (any if None),
    and returns what it loaded. `quiet_for()` returns the seconds since the last request, 0 while
    one is served. `updates` is None if no repository is configured. `until_retry()` returns the
    seconds until `retry()` is due, which retries a bundle that was switched off; None if none is.
    """

    def __init__(
        self,
        rebuild: Callable[[str | None], Rebuilt],
        quiet_for: Callable[[], float],
        *,
        updates: Callable[[], Updates] | None = None,
        until_retry: Callable[[], float | None] = lambda: None,
        retry: Callable[[], None] = lambda: None,
        power: Callable[[], Power] = Power,
        quiet_seconds: float = QUIET_SECONDS,
        check_seconds: float = CHECK_SECONDS,
    ) -> None:
        self._rebuild = rebuild
        self._quiet_for = quiet_for
        self._updates = updates
        self._until_retry = until_retry
        self._retry = retry
        self._power = power
        self._quiet_seconds = quiet_seconds
        self._check_seconds = check_seconds
        self._changed = threading.Condition()
        self._reload = False
        self._over = False
        self._status: UpdateStatus | None = None

    def run(self) -> None:
        """Work until `end`. To be run in a thread of its own; raises only on bugs."""
        updates = self._updates() if self._updates is not None else None
        if updates is not None:
            self._status = updates.status()
        while True:
            if updates is not None:
                self._update(updates)
            if self._taken():
                self._wait_for_quiet()
                if self._over:
                    return
                self._rebuild(None)
                continue
            if self._until_retry() == 0:
                self._wait_for_quiet()
                if self._over:
                    return
                self._retry()
                continue
            with self._changed:
                if not (self._over or self._reload):
                    self._changed.wait(self._seconds_to_sleep(looks=updates is not None))
                if self._over:
                    return

    def wake(self, *, reload: bool = True) -> None:
        """Load the bundle that the user chose when nobody waits for an answer.

        Without `reload`, only check whether something is due.
        """
        with self._changed:
            self._reload = self._reload or reload
            self._changed.notify()

    def end(self) -> None:
        with self._changed:
            self._over = True
            self._changed.notify()

    def status(self) -> dict[str, Any] | None:
        """The progress of an update: state, version, changes, problem. None without a
        repository."""
        status = self._status
        if status is None:
            return None
        return {
            "state": status.state,
            "version": status.version,
            "changes": status.changes,
            "problem": status.problem,
        }

    def _update(self, updates: Updates) -> None:
        self._status = updates.status()
        if updates.is_due():
            self._wait_for_quiet()
            if self._over:
                return
            self._status = updates.run(on_mains=self._power().plugged is not False)
        if self._status.state != "ready":
            return
        self._wait_for_quiet()
        if self._over:
            return
        self._status = updates.switch()
        if self._status.state != "switched":
            return
        expected = updates.label
        if not updates.is_serving:  # another bundle answers; the new version waits
            return
        rebuilt = self._rebuild(expected)
        if rebuilt.bundle != expected:
            self._status = updates.give_up(rebuilt.problem or "the new version cannot be loaded")

    def _seconds_to_sleep(self, *, looks: bool) -> float | None:
        times = [self._until_retry(), self._check_seconds if looks else None]
        return min((seconds for seconds in times if seconds is not None), default=None)

    def _taken(self) -> bool:
        with self._changed:
            reload, self._reload = self._reload, False
            return reload and not self._over

    def _wait_for_quiet(self) -> None:
        """Wait until there has been no request for a while, or until `end`."""
        with self._changed:
            while not self._over and (left := self._quiet_seconds - self._quiet_for()) > 0:
                self._changed.wait(left)

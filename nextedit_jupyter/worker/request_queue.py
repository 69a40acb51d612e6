"""Which request is served next: one waiting request per client, clients in turn, one at a time."""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from nextedit_jupyter.core.request import SuggestRequest
from nextedit_jupyter.core.wire import request_id


@dataclass(slots=True, eq=False)
class Job:
    """A request in progress. `client` is (connection, name); `arrived` is in monotonic seconds.

    `request` is the decoded `value`, if it had to be decoded on arrival.
    """

    n: int
    client: tuple[int, str]
    value: dict[str, Any]
    arrived: float
    request: SuggestRequest | None = None
    root: str | None = None  # the folder around the document that may be read
    cancelled: bool = False
    _answered: bool = field(default=False, repr=False)
    _lock: threading.Lock = field(default_factory=threading.Lock, repr=False)

    @property
    def reads_ahead(self) -> bool:
        """Whether nobody waits for its answer: the caret has entered a cell."""
        return self.value.get("want") == [] and not self.value.get("changed")

    def outdates(self, late: Job) -> bool:
        """Whether a job of the same client that arrived later was sent earlier, or may give way.

        Requests on several connections overtake each other; a page numbers them.
        """
        if late.reads_ahead:
            return not self.reads_ahead
        mine, its = request_id(self.value), request_id(late.value)
        return isinstance(mine, int) and isinstance(its, int) and its < mine

    def claim(self) -> bool:
        """True for the first caller, which must answer the job."""
        with self._lock:
            first, self._answered = not self._answered, True
            return first


class RequestQueue:
    """The waiting requests and the running one.

    A client's newer request takes the older one's place in the queue: a client that types fast
    keeps its turn instead of going to the end with every key. A client that was served goes to the
    end. What was overtaken on its way, or only reads ahead, never takes the place of what somebody
    waits for. Superseded and cancelled jobs are passed to `dropped` at once, without a lock held.
    """

    def __init__(self, dropped: Callable[[Job], None]) -> None:
        self._dropped = dropped
        self._waiting: OrderedDict[tuple[int, str], Job] = OrderedDict()
        self._running: Job | None = None
        self._changed = threading.Condition()

    @property
    def running(self) -> Job | None:
        return self._running

    @property
    def idle(self) -> bool:
        with self._changed:
            return self._running is None and not self._waiting

    def put(self, job: Job) -> None:
        """Queue a job; its client's older jobs are cancelled and dropped, or it is itself."""
        with self._changed:
            if self._is_outdated(job):
                job.cancelled = True
                gone = [job]
            else:
                gone = self._cancel(lambda other: other.client == job.client, keep_place=True)
                self._waiting[job.client] = job
                self._changed.notify()
        self._drop(gone)

    def take(self) -> Job:
        """Wait for the next job, which runs until `done` is called."""
        with self._changed:
            while not self._waiting:
                self._changed.wait()
            _, job = self._waiting.popitem(last=False)
            self._running = job
            return job

    def done(self) -> None:
        with self._changed:
            self._running = None

    def cancel(self, matches: Callable[[Job], bool]) -> None:
        """Cancel the matching jobs, waiting or running."""
        with self._changed:
            gone = self._cancel(matches)
        self._drop(gone)

    def _is_outdated(self, job: Job) -> bool:
        others = (self._waiting.get(job.client), self._running)
        return any(
            other is not None
            and other.client == job.client
            and not other.cancelled
            and other.outdates(job)
            for other in others
        )

    def _cancel(self, matches: Callable[[Job], bool], *, keep_place: bool = False) -> list[Job]:
        gone = [job for job in self._waiting.values() if matches(job)]
        for job in gone:
            job.cancelled = True
            if not keep_place:
                del self._waiting[job.client]
        if self._running is not None and not self._running.cancelled and matches(self._running):
            self._running.cancelled = True
            gone.append(self._running)
        return gone

    def _drop(self, jobs: list[Job]) -> None:
        for job in jobs:
            self._dropped(job)

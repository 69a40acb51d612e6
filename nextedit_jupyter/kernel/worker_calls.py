"""A kernel's connection to the worker: one client, created on first use, and counts."""

from __future__ import annotations

import os
import threading
import time
from collections import deque
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Protocol

from nextedit_jupyter.core.errors import WorkerError

if TYPE_CHECKING:
    from nextedit_jupyter.core.pacing import Outcome
    from nextedit_jupyter.core.request import SuggestRequest
    from nextedit_jupyter.kernel.outcome_reporter import OutcomeReporter

_NAME = f"kernel-{os.getpid()}"


class KernelClient(Protocol):
    """The part of `worker.client.WorkerClient` that a kernel uses."""

    def suggest(
        self, request: Mapping[str, Any], timeout: float = ..., *, client: str | None = ...
    ) -> dict[str, Any]: ...

    def cancel(self, *, client: str | None = ...) -> None: ...

    def status(self, timeout: float = ..., *, start: bool = ...) -> dict[str, Any]: ...

    def report(
        self, outcome: str, kind: str, lane: str, timeout: float = ...
    ) -> dict[str, Any] | None: ...

    def reload(self, timeout: float = ...) -> bool: ...

    def close(self) -> None: ...


@dataclass
class SessionCounts:
    """Counts of this session, for its user only; kept in memory until the kernel ends."""

    requests: int = 0
    shown: int = 0
    accepted: int = 0
    partial: int = 0
    rejected: int = 0
    typed_through: int = 0
    silent: int = 0
    failed: int = 0
    latencies_ms: deque[float] = field(default_factory=lambda: deque(maxlen=200))

    @property
    def median_ms(self) -> float | None:
        known = sorted(self.latencies_ms)
        return known[len(known) // 2] if known else None


class WorkerCalls:
    """Sends requests to the worker and counts, for one session; thread-safe."""

    def __init__(self, make_client: Callable[[str], KernelClient] | None = None) -> None:
        """`make_client` takes the client's name; the default connects to the user's worker."""
        self.counts = SessionCounts()
        self.problem = ""
        self._make_client = make_client or connect
        self._client: KernelClient | None = None
        self._lock = threading.RLock()
        self._reporter: OutcomeReporter | None = None

    @property
    def client(self) -> KernelClient:
        with self._lock:
            if self._client is None:
                self._client = self._make_client(_NAME)
            return self._client

    def ask(self, request: SuggestRequest, timeout: float, client: str) -> dict[str, Any]:
        """The worker's answer (AnswerWire, offsets in code points).

        `client` names the sender: a newer request under the same name supersedes an older one.
        Raises WorkerError if the worker cannot be reached or refuses the request; blocks up to
        `timeout` seconds.
        """
        from nextedit_jupyter.core.wire import encode_request

        counts = self.counts
        counts.requests += 1
        start = time.perf_counter()
        try:
            answer = self.client.suggest(
                encode_request(request), timeout, client=f"{_NAME}-{client}"
            )
        except WorkerError as error:
            counts.failed += 1
            self.problem = str(error)
            raise
        counts.latencies_ms.append((time.perf_counter() - start) * 1e3)
        if "error" in answer:
            counts.failed += 1
            raise WorkerError(str(answer["error"].get("message", "the worker refused")))
        self.problem = ""
        if not answer.get("suggestions"):
            counts.silent += 1
        return answer

    def cancel(self, client: str) -> None:
        """Cancel the request under this name, which nobody waits for any more. Starts no worker."""
        if self._client is not None:
            self._client.cancel(client=f"{_NAME}-{client}")

    def note(self, outcome: Outcome, kind: str, lane: str) -> None:
        """Count a suggestion's outcome, here and in a running worker; returns at once."""
        setattr(self.counts, outcome, getattr(self.counts, outcome) + 1)
        if self._reporter is None:
            from nextedit_jupyter.kernel.outcome_reporter import OutcomeReporter

            self._reporter = OutcomeReporter(lambda *words: self.client.report(*words))
        self._reporter.tell(outcome, kind, lane)

    def close(self) -> None:
        with self._lock:
            client, self._client = self._client, None
        if client is not None:
            client.close()


def connect(name: str) -> KernelClient:
    from nextedit_jupyter.worker.client import WorkerClient

    return WorkerClient(name)

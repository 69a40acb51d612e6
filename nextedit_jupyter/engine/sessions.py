"""A decoder's onnxruntime session, reopened when the number of usable threads changes."""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Callable, Sequence
from concurrent.futures import Future
from pathlib import Path
from typing import TYPE_CHECKING

from nextedit_jupyter.core.errors import BundleError
from nextedit_jupyter.engine.contention import Contention

if TYPE_CHECKING:
    import onnxruntime as ort

SPIN_US = 1_000  # longer than the loop's time between two passes
SPINS_BRIEFLY = (1, 30)  # the releases of onnxruntime that know `spin_duration_us`
CHANGE_SECONDS = 10.0  # between two changes, each of which reads the weights again


def open_session(
    model: Path | bytes, threads: int, providers: Sequence[str] = ()
) -> ort.InferenceSession:
    """A session that runs passes on `threads` threads. Raises BundleError."""
    # Read by the attention kernel when a session is created. The plain path over the shared buffer
    # is faster here: 512 tokens take 25 ms instead of 29.
    os.environ.setdefault("ORT_GQA_DISABLE_FLASH_ATTENTION", "1")
    import onnxruntime as ort

    options = ort.SessionOptions()
    options.intra_op_num_threads = threads
    options.inter_op_num_threads = 1
    options.execution_mode = ort.ExecutionMode.ORT_SEQUENTIAL
    options.log_severity_level = 4  # errors are raised; otherwise onnxruntime would also print them
    # An idle worker must not use a core, but a thread that sleeps between two operations of a pass
    # wakes up too late to help: without spinning 256 tokens take 22 ms on two threads, as on one;
    # with it 15. So threads spin for a millisecond and then sleep, if this version of onnxruntime
    # supports it (older ones always spin for 30 ms: then they do not spin at all).
    brief = _release(ort.__version__) >= SPINS_BRIEFLY
    options.add_session_config_entry("session.intra_op.allow_spinning", str(int(brief)))
    if brief:
        options.add_session_config_entry("session.intra_op.spin_duration_us", str(SPIN_US))
    # Attention gives most positions tiny weights, and many processors are a hundred times slower
    # with denormal numbers: 512 tokens took 116 ms on a Xeon, and 49 with denormals set to zero.
    options.add_session_config_entry("session.set_denormal_as_zero", "1")
    # Passes differ in length, so memory patterns would only accumulate.
    options.enable_mem_pattern = False
    source = model if isinstance(model, bytes) else str(model)
    try:
        return ort.InferenceSession(source, options, providers=[*providers, "CPUExecutionProvider"])
    except Exception as error:  # onnxruntime's errors have no other common base
        raise BundleError(
            f"the model cannot be loaded ({_first_line(error)}): install the bundle again"
        ) from None


class Sessions:
    """The current session. With a `contention` it follows the number of free cores.

    The next session is opened while the present one continues to run, and then replaces it: the
    weights are in memory twice only for that moment. If it cannot be opened, nothing changes.
    """

    def __init__(
        self,
        open: Callable[[int], ort.InferenceSession],
        threads: int,
        contention: Contention | None = None,
        *,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._open, self._max_threads, self._contention, self._clock = (
            open,
            threads,
            contention,
            clock,
        )
        self._next: tuple[int, Future[ort.InferenceSession]] | None = None
        self._changed = clock()
        self.threads = threads
        self.current = open(threads)

    def fit(self) -> None:
        """Before a pass: switch to a session that is ready, or start opening one that is due."""
        if self._contention is None:
            return
        if self._next is not None:
            threads, session = self._next
            if session.done():
                self._next = None
                if session.exception() is None:
                    self.threads, self.current = threads, session.result()
            return
        wanted = self._contention.threads(self.threads, self._max_threads)
        if wanted != self.threads and self._clock() - self._changed >= CHANGE_SECONDS:
            self._changed = self._clock()
            self._next = (wanted, self._in_background(wanted))

    def _in_background(self, threads: int) -> Future[ort.InferenceSession]:
        future: Future[ort.InferenceSession] = Future()

        def work() -> None:
            try:
                future.set_result(self._open(threads))
            except BaseException as error:  # passed on by the future; this thread cannot report it
                future.set_exception(error)

        threading.Thread(target=work, name="nextedit-session", daemon=True).start()
        return future


def _first_line(error: Exception) -> str:
    return (str(error).splitlines() or [type(error).__name__])[0][:200]


def _release(version: str) -> tuple[int, ...]:
    return tuple(int(part) for part in version.split(".")[:2] if part.isdigit())

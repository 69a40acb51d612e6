"""The onnxruntime session of a decoder, opened again as the machine has threads to run."""

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

SPIN_US = 1_000  # longer than the loop takes between two passes
SPINS_BRIEFLY = (1, 30)  # the releases of onnxruntime that know `spin_duration_us`
CHANGE_SECONDS = 10.0  # between two changes: each reads the weights again


def open_session(
    model: Path | bytes, threads: int, providers: Sequence[str] = ()
) -> ort.InferenceSession:
    """A session that runs passes on `threads` threads. Raises BundleError."""
    # Read by the attention kernel when a session is made. The plain way over the shared buffer
    # is the faster one here: 512 tokens take 25 ms, not 29.
    os.environ.setdefault("ORT_GQA_DISABLE_FLASH_ATTENTION", "1")
    import onnxruntime as ort

    options = ort.SessionOptions()
    options.intra_op_num_threads = threads
    options.inter_op_num_threads = 1
    options.execution_mode = ort.ExecutionMode.ORT_SEQUENTIAL
    options.log_severity_level = 4  # what goes wrong is raised; onnxruntime prints it as well
    # A worker that waits must not burn a core, yet a thread that sleeps between two operations
    # of a pass wakes too late to help: without spinning 256 tokens take 22 ms on two threads,
    # as on one; with it 15. So threads spin for a millisecond and then sleep, where
    # onnxruntime can be told so (before, it was a fixed 30 ms: then not at all).
    brief = _release(ort.__version__) >= SPINS_BRIEFLY
    options.add_session_config_entry("session.intra_op.allow_spinning", str(int(brief)))
    if brief:
        options.add_session_config_entry("session.intra_op.spin_duration_us", str(SPIN_US))
    # Attention gives most positions next to nothing, and many processors take a hundred times
    # as long over numbers that small (denormals): 512 tokens 116 ms on a Xeon, 49 with them
    # as zero.
    options.add_session_config_entry("session.set_denormal_as_zero", "1")
    # Passes differ in length, so planned memory patterns would only pile up.
    options.enable_mem_pattern = False
    source = model if isinstance(model, bytes) else str(model)
    try:
        return ort.InferenceSession(source, options, providers=[*providers, "CPUExecutionProvider"])
    except Exception as error:  # onnxruntime's errors share no base but Exception
        raise BundleError(
            f"the model cannot be loaded ({_first_line(error)}): install the bundle again"
        ) from None


class Sessions:
    """The session that passes run in. With a `contention` it follows what the machine has free.

    The next session is opened beside the passes of the present one, which is dropped then: weights
    are in memory twice for that moment alone. One that can't be opened leaves all as it is.
    """

    def __init__(
        self,
        open: Callable[[int], ort.InferenceSession],
        threads: int,
        contention: Contention | None = None,
        *,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._open, self._most, self._contention, self._clock = open, threads, contention, clock
        self._next: tuple[int, Future[ort.InferenceSession]] | None = None
        self._changed = clock()
        self.threads = threads
        self.current = open(threads)

    def fit(self) -> None:
        """Before a pass: take over the session that is ready, or ask for the one that is due."""
        if self._contention is None:
            return
        if self._next is not None:
            threads, session = self._next
            if session.done():
                self._next = None
                if session.exception() is None:
                    self.threads, self.current = threads, session.result()
            return
        wanted = self._contention.threads(self.threads, self._most)
        if wanted != self.threads and self._clock() - self._changed >= CHANGE_SECONDS:
            self._changed = self._clock()
            self._next = (wanted, self._in_background(wanted))

    def _in_background(self, threads: int) -> Future[ort.InferenceSession]:
        future: Future[ort.InferenceSession] = Future()

        def work() -> None:
            try:
                future.set_result(self._open(threads))
            except BaseException as error:  # told by the future; the thread has nobody to tell
                future.set_exception(error)

        threading.Thread(target=work, name="nextedit-session", daemon=True).start()
        return future


def _first_line(error: Exception) -> str:
    return (str(error).splitlines() or [type(error).__name__])[0][:200]


def _release(version: str) -> tuple[int, ...]:
    return tuple(int(part) for part in version.split(".")[:2] if part.isdigit())

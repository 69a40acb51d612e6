"""How many cores other processes leave, so that a pass asks for no more threads than can run.

Two threads of a pass wait for each other between any two of its operations. While a kernel trains
on all cores, each wait lasts until the scheduler brings the other one back: a token took 86 ms on
two threads and 48 on one, beside ten busy processes on two cores.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable

WINDOW_SECONDS = 1.0  # shorter ones see single time slices
# A core that is free by this much counts; more is asked before going up than before staying.
STAY, RISE = 0.6, 0.3


def read_busy() -> float:
    """Seconds that all cores together spent on anything, since the machine started."""
    import psutil

    times = psutil.cpu_times()
    return float(sum(times) - times.idle - getattr(times, "iowait", 0.0))


def own_seconds() -> float:
    """Seconds of all cores that this process took."""
    return time.process_time()


class Contention:
    """Ask it before each pass; it looks at most every `WINDOW_SECONDS`. Never raises."""

    def __init__(
        self,
        *,
        cores: int | None = None,
        busy: Callable[[], float] = read_busy,
        own: Callable[[], float] = own_seconds,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._cores = cores or os.cpu_count() or 1
        self._busy, self._own, self._clock = busy, own, clock
        self._last: tuple[float, float, float] | None = None
        self._free = float(self._cores)

    def threads(self, now: int, most: int) -> int:
        """How many threads the next passes should use, of at most `most`; `now` are in use."""
        free = self.free_cores()
        stay, rise = int(free + STAY), int(free + RISE)
        return max(1, min(most, stay if now >= stay else max(now, rise)))

    def free_cores(self) -> float:
        """The cores that others left over the last window, between 0 and all of them."""
        at = self._clock()
        if self._last is not None and at - self._last[0] < WINDOW_SECONDS:
            return self._free
        try:
            found = (at, self._busy(), self._own())
        except Exception:  # a platform without these counters: all cores count as free
            return self._free
        if self._last is not None:
            wall, busy, own = (new - old for new, old in zip(found, self._last, strict=True))
            others = max(0.0, busy - own) / wall
            self._free = max(0.0, self._cores - others)
        self._last = found
        return self._free

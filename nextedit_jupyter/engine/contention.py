"""How many cores other processes leave free, so that a pass uses no more threads than can run.

The threads of a pass wait for each other between operations. While a kernel trains on all cores,
each wait lasts until the scheduler runs the other thread again: with ten busy processes on two
cores, a token took 86 ms on two threads and 48 on one.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable

WINDOW_SECONDS = 1.0  # shorter windows see single time slices
# A core counts if it is free by this much; going up requires more than staying.
STAY_MARGIN, RISE_MARGIN = 0.6, 0.3


def read_busy() -> float:
    """Busy seconds of all cores together since the machine started."""
    import psutil

    times = psutil.cpu_times()
    return float(sum(times) - times.idle - getattr(times, "iowait", 0.0))


def own_seconds() -> float:
    """Processor seconds that this process has used."""
    return time.process_time()


class Contention:
    """Ask it before each pass; it measures at most every `WINDOW_SECONDS`. Never raises."""

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

    def threads(self, now: int, limit: int) -> int:
        """How many threads the next passes should use, at most `limit`; `now` are in use."""
        free = self.free_cores()
        stay, rise = int(free + STAY_MARGIN), int(free + RISE_MARGIN)
        return max(1, min(limit, stay if now >= stay else max(now, rise)))

    def free_cores(self) -> float:
        """The number of cores that others left free in the last window, from 0 to all."""
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

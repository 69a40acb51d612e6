"""The battery's state, read rarely, and safely on machines without a battery.

psutil raises or returns None in containers, virtual machines and desktops; that is unknown, and
unknown counts as plugged in.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

from nextedit_jupyter.core.pacing import Power

POLL_SECONDS = 30.0  # reading a battery asks the firmware: too slow for each key


def read_battery() -> Any:
    """psutil's battery, or None if psutil or the machine has none."""
    import psutil

    return psutil.sensors_battery()


class PowerSource:
    """Call it for the present `Power`; it reads at most every `POLL_SECONDS`. Never raises."""

    def __init__(
        self,
        *,
        read: Callable[[], Any] = read_battery,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._read = read
        self._clock = clock
        self._asked = float("-inf")
        self._power = Power()

    def __call__(self) -> Power:
        now = self._clock()
        if now - self._asked >= POLL_SECONDS:
            self._asked = now
            self._power = self._look()
        return self._power

    def _look(self) -> Power:
        try:
            battery = self._read()
            if battery is None:
                return Power()
            plugged, percent = battery.power_plugged, battery.percent
        except Exception:  # FileNotFoundError, AttributeError and RuntimeError occur
            return Power()
        is_share = isinstance(percent, int | float) and 0 <= percent <= 100
        return Power(
            plugged if isinstance(plugged, bool) else None, float(percent) if is_share else None
        )

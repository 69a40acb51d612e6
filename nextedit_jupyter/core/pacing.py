"""How long to wait before a request: by power, measured latency, and the user's reactions.

The rules are those of Copilot's next edits: ×1.5 for each rejection, ×0.8 for each acceptance,
between 50 and 3,000 ms, decaying within ten minutes, and five seconds of silence after a rejection.
Power is read elsewhere; here it is a value.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass
from typing import Literal

Outcome = Literal["shown", "accepted", "partial", "rejected", "typed_through"]
OUTCOMES: tuple[Outcome, ...] = ("shown", "accepted", "partial", "rejected", "typed_through")


@dataclass(frozen=True, slots=True)
class Power:
    """The battery. None means unknown, and unknown counts as plugged in: most machines have no
    battery."""

    plugged: bool | None = None
    percent: float | None = None

    @property
    def state(self) -> Literal["mains", "battery", "low"]:
        if self.plugged is not False:
            return "mains"
        if self.percent is not None and self.percent < 20:
            return "low"
        return "battery"


@dataclass(frozen=True, slots=True)
class PacingSettings:
    """Milliseconds between inferences by power state, and whether to stop on low power."""

    mains_ms: float = 50.0
    battery_ms: float = 300.0
    low_ms: float = 1_000.0
    off_on_low: bool = False
    adaptive: bool = True
    minimum_ms: float = 50.0
    maximum_ms: float = 3_000.0
    quiet_ms: float = 5_000.0
    decay_s: float = 600.0

    def to_json(self) -> str:
        """For a worker's command line; `from_json` reads it."""
        return json.dumps(asdict(self))

    @classmethod
    def from_json(cls, text: str) -> PacingSettings:
        """Raises ValueError if it is not what `to_json` writes."""
        value = json.loads(text)
        if not isinstance(value, dict) or not all(
            isinstance(number, int | float) for number in value.values()
        ):
            raise ValueError("the pace must be a JSON object of numbers")
        try:
            return cls(**value)
        except TypeError as error:
            raise ValueError(str(error)) from None


class Pacing:
    """The pace of one user. `clock` is in seconds and monotonic; `power` is asked each time."""

    def __init__(
        self,
        *,
        clock: Callable[[], float] = time.monotonic,
        power: Callable[[], Power] = Power,
        settings: PacingSettings | None = None,
    ) -> None:
        self._clock = clock
        self._power = power
        self.settings = settings or PacingSettings()
        self._factor = 1.0
        self._changed = clock()
        self._quiet_until = float("-inf")
        self._latency_ms = 0.0

    def observe_latency(self, milliseconds: float) -> None:
        """Record how long an answer took; a moving average over about ten answers."""
        if self._latency_ms:
            self._latency_ms += 0.1 * (milliseconds - self._latency_ms)
        else:
            self._latency_ms = milliseconds

    def observe(self, outcome: Outcome) -> None:
        """Record what the user did with a suggestion."""
        if outcome == "rejected":
            self._scale(1.5)
            self._quiet_until = self._clock() + self.settings.quiet_ms / 1_000
        elif outcome in ("accepted", "partial"):
            self._scale(0.8)
            self._quiet_until = float("-inf")

    def pause_ms(self) -> float:
        """The pause between the last keystroke and a request, in milliseconds."""
        settings = self.settings
        state = self.power_state
        base = {
            "mains": settings.mains_ms,
            "battery": settings.battery_ms,
            "low": settings.low_ms,
        }[state]
        if not settings.adaptive:
            return base
        # A machine that takes long to answer is asked less often: it would fall behind the typing.
        paced = max(base, 0.5 * self._latency_ms) * self._present_factor()
        return min(max(paced, settings.minimum_ms), settings.maximum_ms)

    def factor(self) -> float:
        """The factor by which a delay that the user configured is multiplied, as the pause is."""
        return self._present_factor() if self.settings.adaptive else 1.0

    @property
    def power_state(self) -> Literal["mains", "battery", "low"]:
        return self._power().state

    def quiet_ms(self) -> float:
        """How much longer to offer nothing automatically, in milliseconds; 0 if not quiet."""
        return max(0.0, (self._quiet_until - self._clock()) * 1_000)

    def may_infer(self) -> bool:
        """False only on low power, if the user chose to stop there."""
        return not (self.settings.off_on_low and self.power_state == "low")

    def may_prefill_ahead(self) -> bool:
        """Whether speculative work is allowed: never on low power."""
        return self.power_state != "low"

    def _scale(self, by: float) -> None:
        # The factor is bounded too; otherwise ten rejections would take ten acceptances to undo.
        bound = self.settings.maximum_ms / self.settings.mains_ms
        self._factor = min(max(self._present_factor() * by, 1 / bound), bound)
        self._changed = self._clock()

    def _present_factor(self) -> float:
        """The factor, drawn back to 1 over `decay_s` since it last changed."""
        age = max(0.0, self._clock() - self._changed) / self.settings.decay_s
        return float(self._factor ** max(0.0, 1.0 - age))

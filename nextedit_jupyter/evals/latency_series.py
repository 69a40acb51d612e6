"""Statistics of similar requests: client times and the worker's own counts."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from statistics import fmean
from typing import Any


@dataclass(slots=True)
class Series:
    """Times of similar requests in milliseconds: the client's, and the worker's."""

    round_trip: list[float] = field(default_factory=list)
    worker: list[float] = field(default_factory=list)
    parts: dict[str, list[float]] = field(default_factory=dict)
    prompt_tokens: list[int] = field(default_factory=list)
    reused_tokens: list[int] = field(default_factory=list)
    generated_tokens: list[int] = field(default_factory=list)
    accepted_tokens: list[int] = field(default_factory=list)
    suggested: int = 0
    errors: int = 0

    def add(self, answer: Mapping[str, Any], milliseconds: float) -> None:
        if "error" in answer:
            self.errors += 1
            return
        self.round_trip.append(milliseconds)
        self.worker.append(float(answer["timing_ms"]["total"]))
        for part in ("queue", "analysis", "prefill", "decode"):
            self.parts.setdefault(part, []).append(float(answer["timing_ms"][part]))
        tokens = answer["tokens"]
        self.prompt_tokens.append(tokens["prompt"])
        self.reused_tokens.append(tokens["reused"])
        self.generated_tokens.append(tokens["generated"])
        self.accepted_tokens.append(tokens["accepted"])
        self.suggested += bool(answer["suggestions"])

    @property
    def tokens_a_pass(self) -> float | None:
        """Tokens per pass of the model, including drafts; None if it wrote nothing.

        A pass produces one token itself, and accepts the draft's tokens that agree.
        """
        return self.tokens_a_pass_of(more_than=0)

    def tokens_a_pass_of(self, more_than: int) -> float | None:
        """The same for answers in which the model wrote more than `more_than` tokens."""
        written = [
            (generated, accepted)
            for generated, accepted in zip(self.generated_tokens, self.accepted_tokens, strict=True)
            if generated > more_than
        ]
        generated = sum(count for count, _ in written)
        passes = generated - sum(count for _, count in written)
        return generated / passes if passes > 0 else None

    def summary(self) -> dict[str, float | int | None]:
        """Counts and quantiles behind a promise's number."""
        return {
            "n": len(self.round_trip),
            "errors": self.errors,
            "with_suggestion": self.suggested,
            "p50_ms": rounded(quantile(self.round_trip, 0.5)),
            "p95_ms": rounded(quantile(self.round_trip, 0.95)),
            "max_ms": rounded(quantile(self.round_trip, 1.0)),
            "mean_ms": rounded(fmean(self.round_trip) if self.round_trip else None),
            "worker_p50_ms": rounded(quantile(self.worker, 0.5)),
            "worker_p95_ms": rounded(quantile(self.worker, 0.95)),
            **{
                f"{part}_p50_ms": rounded(quantile(times, 0.5))
                for part, times in self.parts.items()
            },
            "prompt_tokens_p50": quantile(self.prompt_tokens, 0.5),
            "reused_tokens_p50": quantile(self.reused_tokens, 0.5),
            "generated_tokens_p50": quantile(self.generated_tokens, 0.5),
            "tokens_a_pass": rounded(self.tokens_a_pass),
        }


def quantile(values: Sequence[float], share: float) -> float | None:
    """The smallest value that a `share` of the values do not exceed; None without values."""
    if not values:
        return None
    return sorted(values)[max(0, math.ceil(share * len(values)) - 1)]


def rounded(value: float | None) -> float | None:
    return None if value is None else round(float(value), 3)

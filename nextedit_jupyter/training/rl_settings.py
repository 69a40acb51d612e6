"""What a run with rewards needs besides its data."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class RlSettings:
    """What a run needs besides its data."""

    prompts: int = 4  # a step
    samples: int = 4  # a prompt
    length: int = 384  # tokens of a prompt, at most
    max_new: int = 64  # tokens of an answer, at most
    temperature: float = 1.0
    lr: float = 2e-5
    warmup_steps: int = 10
    updates: int = 1  # of the weights for one draw; the ratio is clipped from the second on
    ratio: float = 0.2  # how far from 1 the ratio of probabilities counts
    kl: float = 0.04  # DeepSeekMath's
    clip: float = 1.0
    inline: float = 0.5  # share of typing carets; the rest are next edits
    real: float = 0.5  # share of mined edits among the next edits, where there are some
    wanted: float = 0.5  # share of questions about lines that have something to change
    shown: float = 0.2  # the probability from which on an answer of the start counts as shown
    seed: int = 0
    threads: int = 2
    checkpoint_s: float = 300.0

    def __post_init__(self) -> None:
        if min(self.prompts, self.samples, self.length, self.max_new, self.updates) < 1:
            raise ValueError("prompts, samples, length, max_new and updates are at least 1")
        if self.temperature <= 0:
            raise ValueError("the temperature is above 0")
        if not all(0 <= share <= 1 for share in (self.inline, self.real, self.wanted, self.shown)):
            raise ValueError("shares and probabilities are between 0 and 1")

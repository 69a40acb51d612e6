"""The settings of a reinforcement learning run."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class RlSettings:
    """The settings of a run."""

    prompts: int = 4  # per step
    samples: int = 4  # per prompt
    length: int = 384  # tokens of a prompt, at most
    max_new: int = 64  # tokens of an answer, at most
    temperature: float = 1.0
    lr: float = 2e-5
    warmup_steps: int = 10
    updates: int = 1  # of the weights per sampling; the ratio is clipped from the second on
    ratio: float = 0.2  # the ratio of probabilities is clipped at this distance from 1
    kl: float = 0.04  # DeepSeekMath's
    clip: float = 1.0
    inline: float = 0.5  # share of typing carets; the rest are next edits
    real: float = 0.5  # share of mined edits among the next edits, if there are any
    wanted: float = 0.5  # share of questions about lines that have something to change
    shown: float = 0.2  # the probability from which an initial answer counts as shown
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

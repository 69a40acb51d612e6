"""Judges whether a bundle is better than its base on code that neither was trained on."""

from __future__ import annotations

import random
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from nextedit_jupyter.engine import Engine
from nextedit_jupyter.prompt import BundleTokenizer
from nextedit_jupyter.training.cases import answer_nats
from nextedit_jupyter.training.commits.real_edit import RealEdit
from nextedit_jupyter.training.from_bundle import bundle_weights
from nextedit_jupyter.training.network import DecoderModule, Shape
from nextedit_jupyter.training.personal.fine_tuning import document_loss, mean
from nextedit_jupyter.training.personal.starting_bundle import format_of

MIN_CASES = 10  # with fewer held-out edits nothing can be decided
MIN_GAIN = 0.002


@dataclass(frozen=True, slots=True)
class Scores:
    """On held-out data: nats of each answer, edits finished exactly, nats per token of code."""

    edits: tuple[float, ...]
    exact: int
    loss: float


def score(folder: Path, edits: Sequence[RealEdit], pieces: Sequence[Sequence[int]]) -> Scores:
    """A bundle's scores: losses with its INT8 weights, and edits as it is served."""
    shape, weights = bundle_weights(folder)
    tokenizer = BundleTokenizer(folder / "tokenizer.json")
    model = DecoderModule(shape)
    model.load_state_dict(weights)
    nats = [n for n in answer_nats(model, edits, tokenizer, format_of(folder)) if n is not None]
    exact = finished_exactly(folder, shape, tokenizer, edits)
    return Scores(tuple(nats), exact, document_loss(model.eval(), pieces))


def finished_exactly(
    folder: Path, shape: Shape, tokenizer: BundleTokenizer, edits: Sequence[RealEdit]
) -> int:
    """How many edits a bundle finishes exactly, including silence if there is nothing to do."""
    engine = Engine(
        folder / "model.onnx",
        tokenizer,
        shape,
    )
    fmt = format_of(folder)
    count = 0
    for edit in edits:
        prompt = fmt.next_edit(edit.request, tokenizer, 600)
        completion = engine.complete(
            prompt, max_new=128, deadline=time.monotonic() + 60, cancelled=lambda: False
        )
        parsed = fmt.parse_next_edit(edit.request, completion.ids, tokenizer)
        now = edit.request.cell.source
        text = parsed[1].apply(now) if parsed and parsed[1].fits(now) else now
        count += text == edit.after
    return count


def judge(base: Scores, mine: Scores, *, seed: int = 0, draws: int = 2_000) -> tuple[
    bool, str, float, float
]:  # fmt: skip
    """Whether the new bundle is better, why or why not, and the interval of the change.

    It is better if the loss of held-out edits falls by more than the fraction `MIN_GAIN` in 95 % of
    the resampled means (rounding again may already gain a hundredth of a per cent), no fewer edits
    are finished exactly, and held-out code is no less likely.
    """
    changes = [b - a for a, b in zip(base.edits, mine.edits, strict=True)]
    if len(changes) < MIN_CASES:
        return False, f"{len(changes)} held-out edits are too few to tell", 0.0, 0.0
    rng = random.Random(seed)
    means = sorted(sum(rng.choices(changes, k=len(changes))) / len(changes) for _ in range(draws))
    low, high = means[int(0.025 * draws)], means[int(0.975 * draws) - 1]
    if high >= -MIN_GAIN * mean(base.edits):
        why = "it is not certain that held-out edits are likelier than with the base"
    elif mine.exact < base.exact:
        why = "fewer held-out edits are finished exactly"
    elif mine.loss > base.loss:
        why = "held-out code is less likely than with the base"
    else:
        return True, "it beats the base on what was held out", low, high
    return False, why, low, high

"""The gate every export passes: INT8 must choose the tokens that float32 chooses."""

from __future__ import annotations

import random
from collections.abc import Sequence
from pathlib import Path

from nextedit_jupyter.core.errors import TrainingError
from nextedit_jupyter.prompt.tokenizer import BundleTokenizer
from nextedit_jupyter.training.corpus.document import Document
from nextedit_jupyter.training.examples import Mix, session_document
from nextedit_jupyter.training.export import Agreement, token_agreement
from nextedit_jupyter.training.mixture import FORMAT, training_format
from nextedit_jupyter.training.packing import NO_LOSS
from nextedit_jupyter.training.tasks import edit_tasks, render

LEAST_AGREEMENT = 0.99


def held_out_prompts(
    documents: Sequence[Document],
    tokenizer: BundleTokenizer,
    *,
    format: str = FORMAT,
    count: int = 200,
    seed: int = 0,
    length: int = 600,
) -> list[list[int]]:
    """Prompts rendered as training renders them: two thirds sessions, one third edits."""
    rng = random.Random(seed)
    fmt = training_format(format)
    chosen = [document for document in documents if document.kind != "module"]
    if not chosen:
        raise TrainingError("no held-out notebooks: name some packages as validation or test")
    prompts: list[list[int]] = []
    tries = 0
    while len(prompts) < count and tries < 20 * count:
        tries += 1
        document = rng.choice(chosen)
        if rng.random() < 0.33:
            task = next(edit_tasks([document], rng), None)
            rendered = render(task, fmt, tokenizer, length=length) if task else None
            pieces = [rendered.packed] if rendered else []
        else:
            pieces = session_document(document, tokenizer, rng, Mix(), length=length)
        if pieces:
            ids = [id & (NO_LOSS - 1) for id in rng.choice(pieces)]
            if len(ids) >= 32:
                prompts.append(ids)
    return prompts


def calibration_prompts(
    documents: Sequence[Document],
    tokenizer: Path,
    *,
    format: str = FORMAT,
    count: int = 80,
    seed: int = 5,
) -> list[list[int]]:
    """What an export is rounded for: ids of training documents, some 15,000 tokens."""
    return held_out_prompts(
        documents, BundleTokenizer(tokenizer), format=format, count=count, seed=seed
    )


def gate_export(
    checkpoint: Path,
    tokenizer: Path,
    documents: Sequence[Document],
    *,
    least: float = LEAST_AGREEMENT,
    format: str = FORMAT,
    count: int = 200,
    calibration: Sequence[Sequence[int]] = (),
) -> Agreement:
    """Compare on held-out prompts; raises TrainingError below `least`.

    `calibration` is what the bundle is exported with.
    """
    prompts = held_out_prompts(documents, BundleTokenizer(tokenizer), format=format, count=count)
    agreement = token_agreement(checkpoint, prompts, calibration=calibration)
    if agreement.same < least:
        raise TrainingError(
            f"INT8 agrees with float32 on {agreement.same:.2%} of tokens, less than {least:.0%}: "
            "train on, or export with --no-gate to look at it"
        )
    return agreement

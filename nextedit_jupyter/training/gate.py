"""The gate for exports: INT8 must choose the same tokens as float32, fast enough."""

from __future__ import annotations

import random
from collections.abc import Sequence
from itertools import chain, islice
from pathlib import Path

from nextedit_jupyter.core.errors import TrainingError
from nextedit_jupyter.prompt.tokenizer import BundleTokenizer
from nextedit_jupyter.training.corpus.document import Document
from nextedit_jupyter.training.examples import Mix, session_document
from nextedit_jupyter.training.export import Agreement, Graphs, Latency
from nextedit_jupyter.training.mixture import FORMAT, training_format
from nextedit_jupyter.training.packing import NO_LOSS
from nextedit_jupyter.training.product_tasks import edit_tasks, line_tasks, render
from nextedit_jupyter.training.run_folder import TokenRows

MIN_AGREEMENT = 0.99
MAX_LOST = 0.005  # of exact answers
MAX_NATS = 0.008  # per token of held-out sequences
ROW_TOKENS = 160  # at a row's end, whose most likely tokens are compared
MAX_PREFILL_MS = 100.0


def held_out_prompts(
    documents: Sequence[Document],
    tokenizer: BundleTokenizer,
    *,
    format: str = FORMAT,
    count: int = 200,
    seed: int = 0,
    length: int = 600,
) -> list[list[int]]:
    """Prompts rendered as in training: two thirds sessions, one third edits."""
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
    """The inputs for which an export is rounded: some 15,000 ids of training documents."""
    return held_out_prompts(
        documents, BundleTokenizer(tokenizer), format=format, count=count, seed=seed
    )


def row_prompts(path: Path, limit: int) -> list[list[int]]:
    """The ids of the first `limit` rows of a packed file. Raises TrainingError for any other
    file."""
    rows = TokenRows(path)
    inputs, _ = rows.batch(0, min(limit, len(rows.rows)))
    found: list[list[int]] = inputs.tolist()
    return found


def gate_export(
    graphs: Graphs,
    tokenizer: Path,
    documents: Sequence[Document],
    *,
    format: str = FORMAT,
    minimum: float = MIN_AGREEMENT,
    count: int = 200,
    tasks: int = 400,
) -> Agreement:
    """Compare on held-out prompts and tasks; raises TrainingError if 8 bits lose too much."""
    read = BundleTokenizer(tokenizer)
    prompts = held_out_prompts(documents, read, format=format, count=count)
    agreement = graphs.agreement(prompts, _tasks(documents, read, format, tasks))
    if agreement.same < minimum:
        raise TrainingError(
            f"INT8 agrees with float32 on {agreement.same:.2%} of tokens, less than {minimum:.0%}: "
            "train for longer, or export with --no-gate to inspect it"
        )
    if agreement.lost > MAX_LOST:
        raise TrainingError(
            f"INT8 writes {agreement.exact_int8} of {agreement.tasks} answers exactly, float32 "
            f"{agreement.exact_float32}: more than {MAX_LOST:.1%} are lost; train on, or export "
            "with --no-gate to look at it"
        )
    return agreement


def gate_rows(graphs: Graphs, held_out: Sequence[Sequence[int]]) -> Agreement:
    """Compare on sequences of texts; raises TrainingError if 8 bits lose too much."""
    agreement = graphs.agreement(held_out, last=ROW_TOKENS, with_losses=True)
    if agreement.nats_lost > MAX_NATS:
        raise TrainingError(
            f"INT8 adds {agreement.nats_lost:.4f} nats per token, more than {MAX_NATS}: "
            "train for longer, or export with --no-gate to inspect it"
        )
    return agreement


def gate_latency(latency: Latency) -> None:
    """Raises TrainingError if 512 tokens take longer than a suggestion may."""
    if latency.prefill_512_p95 > MAX_PREFILL_MS:
        raise TrainingError(
            f"512 tokens take {latency.prefill_512_p95:.0f} ms, more than {MAX_PREFILL_MS:.0f}: "
            "train a smaller shape, or export with --no-gate if this machine was busy"
        )


def _tasks(
    documents: Sequence[Document], tokenizer: BundleTokenizer, format: str, count: int
) -> list[tuple[tuple[int, ...], tuple[int, ...]]]:
    """Half-done edits and line ends alternately: prompts and right answers."""
    rng, fmt = random.Random(1), training_format(format)
    chosen = [document for document in documents if document.kind != "module"]
    made = chain.from_iterable(zip(edit_tasks(chosen, rng), line_tasks(chosen, rng), strict=False))
    rendered = (render(task, fmt, tokenizer, length=400) for task in islice(made, 2 * count))
    return [(one.prompt, one.answer) for one in rendered if one is not None][:count]

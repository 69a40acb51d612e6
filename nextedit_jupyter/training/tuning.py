"""Tunes a pre-trained base: adapters in its layers, and rows for new tokens.

The base is frozen, in bfloat16; the trained part is small enough to be shipped as a delta. Loop,
schedule and checkpoints are those of `training.sft`.
"""

from __future__ import annotations

import random
from collections.abc import Iterator, Mapping
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from nextedit_jupyter.bundles.safetensors import TensorFile
from nextedit_jupyter.core.errors import BundleError, TrainingError
from nextedit_jupyter.prompt.cells_lines_v1 import CellsLinesV1
from nextedit_jupyter.prompt.cells_spm_v1 import CellsSpmV1
from nextedit_jupyter.prompt.control import PAD
from nextedit_jupyter.prompt.tokenizer import TextTokenizer
from nextedit_jupyter.training.corpus.extract import Skipped
from nextedit_jupyter.training.examples import Mix, real_edit, session_document
from nextedit_jupyter.training.kernel_names import columns_used
from nextedit_jupyter.training.line_scans import commit_scans
from nextedit_jupyter.training.lora import MATRICES, LowRank, adapt, adapters
from nextedit_jupyter.training.network import DecoderModule, Shape
from nextedit_jupyter.training.packing import pack
from nextedit_jupyter.training.pretrained import PretrainedBase
from nextedit_jupyter.training.processes import Processes
from nextedit_jupyter.training.real_data import commit_edits, pieces_of, read_notebooks, read_rows
from nextedit_jupyter.training.run_folder import Run, read_checkpoint

RANK = 16
SCALE = 2.0
# AdamW with learning rates about ten times those of full tuning, as usual for adapters.
ADAPTER_LR = 1e-3
ROWS_LR = 2e-3


def tuning_rows(
    notebooks: Path,
    edits: Path | None,
    tokenizer: TextTokenizer,
    fmt: CellsSpmV1,
    length: int,
    seed: int,
) -> npt.NDArray[np.uint16]:
    """Packed rows, [rows, length + 1], of notebooks and edits, after shuffling.

    Each notebook provides one stretch and each commit at most two or three pieces, so that a short
    run sees as many authors as possible. Three rows of notebooks are followed by one of edits; in
    `cells-lines-v1`, whose few answer tokens would not count in a mixed batch, two rows alternate
    with two.
    """
    rng = random.Random(seed)
    documents = pieces_of(list(read_notebooks(notebooks)), rng, cells=24)
    spare = sorted(
        {c for d in documents[:400] for keys in columns_used(d.cells).values() for c in keys}
    )
    mix = Mix(middle=0.5, empty_suffix=0.6, names=0.5, skip=0.3)
    written = []
    for document in documents:
        written += session_document(
            document, tokenizer, rng, mix, length=length + 1, spare_columns=spare, fmt=fmt
        )[:1]
    commits = list(read_rows(edits)) if edits is not None else []
    rng.shuffle(commits)
    steps = [
        ids for row in commits for ids in _commit_pieces(row, tokenizer, fmt, rng, length=length)
    ]
    order, pad = np.random.default_rng(seed), tokenizer.control(PAD)
    parts = [pack(ids, length=length, pad=pad) for ids in (written, steps)]
    for part in parts:
        order.shuffle(part)
    shares = (2, 2) if isinstance(fmt, CellsLinesV1) else (3, 1)
    first, second = (iter(part) for part in parts)
    rows = []
    while group := list(islice(first, shares[0])):
        rows += group + list(islice(second, shares[1]))
    return np.array(rows, np.uint16).reshape(-1, length + 1)


def _commit_pieces(
    row: dict[str, Any],
    tokenizer: TextTokenizer,
    fmt: CellsSpmV1,
    rng: random.Random,
    *,
    length: int,
) -> Iterator[list[int]]:
    """A commit's training pieces in a format: scans of lines, or steps with the window around
    each."""
    if isinstance(fmt, CellsLinesV1):
        yield from commit_scans(row, tokenizer, rng, length=length // 2, fmt=fmt)
        return
    for edit in commit_edits(row, rng, Skipped())[:2]:
        size = rng.choice((0.4, 0.6, 1.0))
        ids = real_edit(edit, tokenizer, length=int(length * size), fmt=fmt)
        if ids:
            yield ids


class SplitEmbedding(nn.Module):
    """An embedding whose first rows are frozen and whose last ones are trained.

    `kept` is [rows, width], `new` [rows, width]; ids number both consecutively.
    """

    def __init__(self, kept: Tensor, new: Tensor) -> None:
        super().__init__()
        self.kept = nn.Parameter(kept, requires_grad=False)
        self.new = nn.Parameter(new)

    @property
    def weight(self) -> Tensor:
        """All rows, [kept + new, width]."""
        return torch.cat((self.kept, self.new))

    def forward(self, ids: Tensor) -> Tensor:
        return F.embedding(ids, self.weight)


def adapted(
    shape: Shape,
    weights: Mapping[str, Tensor],
    *,
    new_rows: int,
    rank: int = RANK,
    scale: float = SCALE,
    seed: int = 0,
) -> DecoderModule:
    """A decoder with frozen `weights`, adapters in its layers and `new_rows` trainable rows.

    Raises TrainingError for weights with another shape.
    """
    model = DecoderModule(shape, seed=seed)
    try:
        model.load_state_dict(dict(weights))
    except RuntimeError as error:
        raise TrainingError(f"the base is of another shape: {str(error)[:200]}") from error
    adapt(model, rank=rank, scale=scale, seed=seed)
    for adapter in adapters(model):
        adapter.frozen.to(torch.bfloat16)
    rows = model.embedding.weight.detach()
    at = len(rows) - new_rows
    model.embedding = SplitEmbedding(rows[:at].clone(), rows[at:].clone())  # type: ignore[assignment]
    return model


def adapted_base(
    base: PretrainedBase, *, rank: int = RANK, seed: int = 0, delta: Path | None = None
) -> DecoderModule:
    """The base with adapters, initialised from the safetensors file `delta`, if given.

    Raises TrainingError.
    """
    model = adapted(base.shape, base.weights, new_rows=base.new_rows, rank=rank, seed=seed)
    if delta is not None:
        begin_with(model, delta)
    return model


def tuned(base: PretrainedBase, run: Path, checkpoint: str, *, rank: int) -> DecoderModule:
    """The base with the adapters of a checkpoint in the folder `run`. Raises TrainingError."""
    model = adapted_base(base, rank=rank)
    held = read_checkpoint(run / checkpoint)["model"]
    if model.load_state_dict(held, strict=False).unexpected_keys:
        raise TrainingError(f"{checkpoint} is no checkpoint of `train tune`")
    return model


@torch.no_grad()
def begin_with(model: DecoderModule, delta: Path) -> None:
    """Load a delta's safetensors file, as written from `learnt`, into an adapted model.

    Raises TrainingError for a delta with another shape or rank.
    """
    try:
        tensors = TensorFile(delta)
        for name, parameter in _learnt_parameters(model).items():
            value = torch.from_numpy(np.array(tensors.read(name)))
            if value.shape != parameter.shape:
                raise TrainingError(
                    f"{delta.name} is of another model: its {name} is {tuple(value.shape)}, "
                    f"{tuple(parameter.shape)} is needed"
                )
            parameter.copy_(value)
    except (BundleError, OSError) as error:
        raise TrainingError(f"{delta.name} cannot be gone on from: {error}") from error


def open_tuning(folder: Path, model: DecoderModule, *, resume: Path | None = None) -> Run:
    """A run over the adapters and rows of an adapted model. Raises TrainingError."""
    folder.mkdir(parents=True, exist_ok=True)
    low: list[nn.Parameter] = []
    rows: list[nn.Parameter] = []
    for name, parameter in model.named_parameters():
        if parameter.requires_grad:
            (rows if name.startswith("embedding.") else low).append(parameter)
    groups = [
        {"params": low, "lr": ADAPTER_LR, "initial_lr": ADAPTER_LR},
        {"params": rows, "lr": ROWS_LR, "initial_lr": ROWS_LR},
    ]
    optimizer = torch.optim.AdamW(groups, betas=(0.9, 0.98), weight_decay=0.0)
    run = Run(folder, model, [optimizer], processes=Processes())
    if resume is not None:
        run.load(resume)
    return run


def learnt(model: DecoderModule) -> dict[str, Tensor]:
    """The delta of an adapted model, float32, with the names that `bundles.assembling` reads.

    `layers.{i}.{matrix}.a` is [rank, inputs] and `.b` [outputs, rank]; the new rows are
    `embedding.new`.
    """
    return {name: value.detach().float() for name, value in _learnt_parameters(model).items()}


def _learnt_parameters(model: DecoderModule) -> dict[str, nn.Parameter]:
    found: dict[str, nn.Parameter] = {}
    for i, layer in enumerate(model.layers):
        for name in MATRICES:
            low = getattr(layer, name)
            assert isinstance(low, LowRank)
            found[f"layers.{i}.{name}.a"] = low.first
            found[f"layers.{i}.{name}.b"] = low.second
    assert isinstance(model.embedding, SplitEmbedding)
    found["embedding.new"] = model.embedding.new
    return found

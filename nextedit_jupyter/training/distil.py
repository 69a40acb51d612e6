"""Distillation: a small decoder learns the probabilities of a larger bundle with the same
vocabulary.

The target of a token is not one id but a distribution over all of them, which is worth a multiple
of the tokens. The teacher is a bundle as it is served, so only its INT8 graph is needed; it is run
during training, once for each row.

Source: Hinton, Vinyals and Dean, "Distilling the knowledge in a neural network", 2015, at
temperature 1.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from nextedit_jupyter.bundles.bundle import Bundle
from nextedit_jupyter.core.errors import BundleError, TrainingError
from nextedit_jupyter.prompt.tokenizer import BundleTokenizer
from nextedit_jupyter.training.export import GraphRunner
from nextedit_jupyter.training.from_bundle import bundle_weights
from nextedit_jupyter.training.network import DecoderModule, Shape

# Of the loss; the rest is the loss on the text itself, which corrects the teacher's errors.
TEACHER_SHARE = 0.9


class Teacher:
    """The teacher's bundle. Raises TrainingError if the folder is not a bundle."""

    def __init__(self, folder: Path, *, threads: int = 2) -> None:
        try:
            bundle = Bundle.open(folder)
        except BundleError as error:
            raise TrainingError(f"{folder} cannot be used as a teacher: {error}") from error
        self.vocab_size = bundle.vocab_size
        self._runner = GraphRunner(
            bundle.model,
            Shape(
                vocab_size=bundle.vocab_size,
                layers=bundle.layers,
                heads=bundle.kv_heads,  # the real number is in the graph; the cache has kv_heads
                kv_heads=bundle.kv_heads,
                head_dim=bundle.head_dim,
                context=bundle.context,
            ),
            threads=threads,
        )

    def logits(self, ids: Tensor, wanted: Tensor) -> Tensor:
        """Logits, float32 [n, vocab_size], at the n positions of `ids` [batch, length] that are
        `wanted`."""
        found = [
            self._runner.logits(row.tolist())[chosen.numpy()]
            for row, chosen in zip(ids, wanted, strict=True)
            if bool(chosen.any())
        ]
        if not found:
            return torch.zeros(0, self.vocab_size)
        return torch.from_numpy(np.concatenate(found))


def distilled_loss(
    student: DecoderModule,
    ids: Tensor,
    targets: Tensor,
    teacher: Tensor,
    *,
    share: float = TEACHER_SHARE,
) -> Tensor:
    """Nats per target: cross entropy with the teacher's probabilities and with the text.

    `ids` and `targets` are int64 [batch, length], negative targets don't count; `teacher` are the
    logits [n, vocab_size] of those that do.
    """
    counts = targets >= 0
    if not bool(counts.any()):
        return student.hidden(ids).sum() * 0.0
    logits = F.linear(student.hidden(ids)[counts], student.embedding.weight).float()
    wanted = teacher.softmax(-1).mul_(share)
    wanted.scatter_add_(1, targets[counts, None], torch.full((len(wanted), 1), 1.0 - share))
    return F.cross_entropy(logits, wanted)


def loss_by(
    teacher: Teacher, student: DecoderModule, *, share: float = TEACHER_SHARE
) -> Callable[[Tensor, Tensor], Tensor]:
    """The loss function for `sft.train`, instead of the model's own. Raises TrainingError."""
    if teacher.vocab_size != student.shape.vocab_size:
        raise TrainingError(
            f"the teacher has {teacher.vocab_size} tokens, the student "
            f"{student.shape.vocab_size}: they need one tokenizer"
        )

    def loss(ids: Tensor, targets: Tensor) -> Tensor:
        teacher_logits = teacher.logits(ids, targets >= 0)
        return distilled_loss(student, ids, targets, teacher_logits, share=share)

    return loss


def with_vocabulary(folder: Path, tokenizer: Path, *, size: int) -> tuple[Shape, dict[str, Tensor]]:
    """A bundle's shape and float32 weights, with its embedding converted to `size` rows for another
    tokenizer.

    Known tokens and control tokens keep their rows; a new token's row is the mean of the rows of
    the tokens that its text was split into before. Raises TrainingError.
    """
    shape, weights = bundle_weights(folder)
    before, after = BundleTokenizer(folder / "tokenizer.json"), BundleTokenizer(tokenizer)
    rows = weights["embedding.weight"]
    made = rows.mean(0).repeat(size, 1)
    known = {before.token_bytes(id): id for id in range(before.vocab_size)}
    for id in range(after.vocab_size):
        written = after.token_bytes(id)
        if not written:
            continue
        same = known.get(written)
        pieces = before.encode(written.decode("utf-8", "replace")) if same is None else [same]
        made[id] = rows[pieces].mean(0)
    for name in after.control_names:
        if name in before.control_names:
            made[after.control(name)] = rows[before.control(name)]
    sizes = shape.to_dict() | {"vocab_size": size}
    return Shape(**sizes), weights | {"embedding.weight": made}  # type: ignore[arg-type]

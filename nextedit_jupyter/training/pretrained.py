"""A pre-trained base at the start of tuning: its weights, the kept tokens, new rows.

A folder WORK has `kept.npy` (uint16, ids of the base's tokens in ascending order) and
`tokenizer.json`. Tokens that the base lacks, single bytes and control tokens, follow the kept ones;
their rows are initialised from base tokens that occur in similar places.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from nextedit_jupyter.bundles.byte_level import ALPHABET, ByteLevelVocabulary
from nextedit_jupyter.bundles.delta import Delta
from nextedit_jupyter.bundles.gguf import GgufFile
from nextedit_jupyter.bundles.gguf_model import GgufModel, GgufWeights
from nextedit_jupyter.core.errors import TrainingError
from nextedit_jupyter.prompt import control
from nextedit_jupyter.training.kept_tokens import choose_tokens, count_tokens
from nextedit_jupyter.training.network import Shape

# The initial row of a control token: the mean of the rows of these texts' tokens; otherwise a line
# end.
_ALIKE = {
    control.NAMES: "# ",
    control.OLD: " -",
    control.NEW: " ->",
    control.SUFFIX: "#",
    control.CURSOR: "|",
    control.HISTORY: "#",
}
_ENDS = (control.PAD, control.BOS, control.END)  # from the base's first control token
NOISE = 0.02  # relative to a row's spread, so that no two new rows are equal


@dataclass(frozen=True, slots=True)
class PretrainedBase:
    """A base with its reduced vocabulary. `weights` are float32, with the names of
    `DecoderModule`."""

    shape: Shape
    weights: Mapping[str, Tensor]
    new_rows: int


def write_vocabulary(base: Path, texts: Iterable[str], work: Path, *, size: int) -> None:
    """Choose the tokens that `texts` use, `size` including the new ones, and write them to WORK.

    Raises BundleError for a base that cannot be read.
    """
    from tokenizers import Tokenizer

    with GgufFile(base) as file:
        vocabulary = ByteLevelVocabulary.from_metadata(file.metadata)
    counts = count_tokens(texts, Tokenizer.from_str(vocabulary.with_all_bytes().to_json()))
    room = size - len(vocabulary.missing_bytes) - len(control.CONTROL_TOKENS)
    kept = choose_tokens(counts, vocabulary.tokens, vocabulary.merges, ALPHABET, room)
    _write(vocabulary, np.array(kept, np.uint16), work)


def take_vocabulary(base: Path, delta: Delta, work: Path) -> Path:
    """Write the vocabulary of a delta to WORK, to continue from its weights, whose path is
    returned.

    Raises TrainingError if WORK has a different one or the delta has none, BundleError for a base
    that cannot be read.
    """
    if (
        delta.kept is None
        or delta.weights is None
        or delta.control_tokens != control.CONTROL_TOKENS
    ):
        raise TrainingError(f"{delta.label} cannot be gone on from: it has another vocabulary")
    kept = np.load(delta.kept)
    if (work / "kept.npy").exists() and not np.array_equal(np.load(work / "kept.npy"), kept):
        raise TrainingError(f"{work} has another vocabulary than {delta.label}: use another folder")
    with GgufFile(base) as file:
        vocabulary = ByteLevelVocabulary.from_metadata(file.metadata)
    _write(vocabulary, kept, work)
    return delta.weights


def _write(vocabulary: ByteLevelVocabulary, kept: npt.NDArray[np.uint16], work: Path) -> None:
    work.mkdir(parents=True, exist_ok=True)
    np.save(work / "kept.npy", kept)
    smaller = vocabulary.reduced(kept.tolist(), control.CONTROL_TOKENS)
    (work / "tokenizer.json").write_text(smaller.to_json(), encoding="utf-8")


def read_base(base: Path, work: Path, *, seed: int = 0) -> PretrainedBase:
    """The base's weights with the rows chosen by `write_vocabulary`. Raises TrainingError."""
    from tokenizers import Tokenizer

    try:
        kept = np.load(work / "kept.npy").astype(np.int64)
    except (OSError, ValueError) as error:
        raise TrainingError(f"{work} has no kept.npy: run `train vocabulary` first") from error
    with GgufFile(base) as file:
        model = GgufModel.of(file)
        read = GgufWeights(file, model)
        plain = model.architecture == "llama" and model.shape.tied
        if not plain or model.shape.rope_scaling:
            raise TrainingError(
                f"{base.name} cannot be tuned: only plain Llama shapes with a tied head can be"
            )
        weights = {name: torch.from_numpy(np.array(read[name])) for name in read}
    rows = weights["embedding.weight"]
    vocabulary = model.vocabulary
    ids = {token: id for id, token in enumerate(vocabulary.tokens)}
    cut = Tokenizer.from_str(vocabulary.to_json())
    first = rows[min(vocabulary.special, default=0)]
    letters = [id for letter, id in ids.items() if letter in ALPHABET]
    missing = len(vocabulary.reduced(kept.tolist()).tokens) - len(kept)
    new = [rows[letters].mean(0)] * missing
    for token in control.CONTROL_TOKENS:
        text = cut.encode(_ALIKE.get(token, "\n\n")).ids
        new.append(first if token in _ENDS else rows[text].mean(0))
    made = torch.stack(new)
    noise = torch.randn(made.shape, generator=torch.Generator().manual_seed(seed))
    weights["embedding.weight"] = torch.cat((rows[kept], made + NOISE * made.std() * noise))
    sizes = model.shape
    shape = Shape(
        vocab_size=len(weights["embedding.weight"]),
        width=sizes.width,
        layers=sizes.layers,
        heads=sizes.heads,
        kv_heads=sizes.kv_heads,
        head_dim=sizes.head_dim,
        hidden=sizes.hidden,
        context=sizes.context,
        rope_theta=sizes.rope_theta,
        norm_eps=sizes.norm_eps,
    )
    return PretrainedBase(shape, weights, len(made))

"""What a run reads, in which order: stages of phases of parts, from a recipe's tables.

    [[stage]]
    name = "s2"
    seed = 2
    [[stage.phase]]
    parts = [
      { form = "session", kinds = ["notebook", "gallery"], passes = 1.0 },
      { form = "edit", kinds = ["notebook"], tokens = 1_000_000 },
      { form = "real", changes = ["rename", "call"], languages = ["python"] },
    ]

The parts of a phase are shuffled together; phases follow one another.
"""

from __future__ import annotations

import random
import tomllib
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, get_args

import numpy as np
import numpy.typing as npt

from nextedit_jupyter.core.errors import TrainingError
from nextedit_jupyter.prompt.cells_spm_v1 import CellsSpmV1
from nextedit_jupyter.prompt.control import PAD
from nextedit_jupyter.prompt.tokenizer import TextTokenizer
from nextedit_jupyter.training.commits.real_edit import RealEdit
from nextedit_jupyter.training.corpus.document import Document
from nextedit_jupyter.training.examples import (
    Mix,
    edit_document,
    plain_document,
    real_edit,
    session_document,
)
from nextedit_jupyter.training.kernel_names import columns_used
from nextedit_jupyter.training.packing import pack

Form = Literal["plain", "session", "edit", "real"]


@dataclass(frozen=True, slots=True)
class Part:
    """Documents of some kinds in one form; `passes` over them or up to `tokens`, or both.

    `packages` limits it to some; none given means all. `room` are shares of a sequence that an
    edit with its other cells takes at most: small ones give more edits in as many tokens. The form
    `real` takes edits that `train from-git` mined instead of documents: of some `changes`, or all,
    and of some `languages`.
    """

    form: Form
    kinds: tuple[str, ...] = ()
    passes: float = 1.0
    tokens: int | None = None
    packages: tuple[str, ...] = ()
    middle: float = 0.4
    room: tuple[float, ...] = (0.25, 0.5, 1.0)
    changes: tuple[str, ...] = ()
    languages: tuple[str, ...] = ("python",)

    def __post_init__(self) -> None:
        if self.form not in get_args(Form):
            raise TypeError(f"form is one of {', '.join(get_args(Form))}")
        if not self.kinds and self.form != "real":
            raise TypeError(f"a part of the form {self.form} needs kinds")


@dataclass(frozen=True, slots=True)
class Stage:
    """One packed file."""

    name: str
    seed: int
    phases: tuple[tuple[Part, ...], ...]


def read_stages(path: Path) -> tuple[Stage, ...]:
    """The stages of a recipe; raises TrainingError that says what is wrong with them."""
    try:
        raw = tomllib.loads(path.read_text(encoding="utf-8"))
        groups = {name: tuple(packages) for name, packages in raw.get("group", {}).items()}
        stages = []
        for item in raw.get("stage", []):
            phases = []
            for phase in item["phase"]:
                parts = []
                for part in phase["parts"]:
                    packages = tuple(
                        package for name in part.pop("groups", []) for package in groups[name]
                    )
                    lists: dict[str, Any] = {
                        key: tuple(part.pop(key))
                        for key in ("kinds", "room", "changes", "languages")
                        if key in part
                    }
                    parts.append(Part(packages=packages, **lists, **part))
                phases.append(tuple(parts))
            stages.append(Stage(item["name"], int(item["seed"]), tuple(phases)))
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise TrainingError(f"the recipe {path} cannot be read: {error}") from error
    except (KeyError, TypeError) as error:
        raise TrainingError(f"a stage in {path} lacks or misspells a field: {error}") from error
    return tuple(stages)


def render_stage(
    stage: Stage,
    documents: Sequence[Document],
    tokenizer: TextTokenizer,
    *,
    length: int = 1024,
    edits: Sequence[RealEdit] = (),
    progress: Callable[[str], None] = lambda line: None,
) -> npt.NDArray[np.uint16]:
    """Render a stage to packed rows, uint16 [rows, length + 1]; the same seed, the same rows.

    `edits` are real ones, for parts of the form `real`.
    """
    rng = random.Random(stage.seed)
    spare = spare_columns(documents)
    packed = []
    for number, phase in enumerate(stage.phases):
        pieces: list[list[int]] = []
        for part in phase:
            before, count = len(pieces), 0
            if part.form == "real":
                made = _real_pieces(part, edits, tokenizer, rng, length + 1)
            else:
                made = _part_pieces(part, documents, tokenizer, rng, spare, length + 1)
            for piece in made:
                pieces.append(piece)
                count += len(piece)
                if part.tokens is not None and count >= part.tokens:
                    break
            progress(
                f"{stage.name} phase {number}: {part.form} of "
                f"{'+'.join(part.kinds or part.changes) or 'all'}: "
                f"{len(pieces) - before} pieces, {count / 1e6:.2f} M tokens"
            )
        rng.shuffle(pieces)
        rows = pack(pieces, length=length, pad=tokenizer.control(PAD))
        order = np.random.default_rng(stage.seed + number).permutation(len(rows))
        packed.append(rows[order])
    return np.concatenate(packed)


def spare_columns(documents: Sequence[Document], most: int = 2_000) -> list[str]:
    """Column names seen anywhere, of which a frame may have some that nobody uses."""
    seen: dict[str, None] = {}
    for document in documents:
        if document.kind != "module":
            for keys in columns_used(document.cells).values():
                seen.update(dict.fromkeys(keys))
        if len(seen) >= most:
            break
    return [key for key in seen if 1 < len(key) <= 24 and "\n" not in key][:most]


def _real_pieces(
    part: Part,
    edits: Sequence[RealEdit],
    tokenizer: TextTokenizer,
    rng: random.Random,
    length: int,
) -> Iterator[list[int]]:
    chosen = [
        edit
        for edit in edits
        if (not part.changes or edit.change in part.changes)
        and edit.source.language in part.languages
        and (not part.packages or edit.source.name in part.packages)
    ]
    if not chosen:
        raise TrainingError(
            f"no real edits of {', '.join(part.changes) or 'any kind'} were mined: run "
            "`train from-git` or `train from-releases`, or take the part out of the recipe"
        )
    fmt, left = CellsSpmV1(), part.passes
    while left > 0:
        order = list(chosen)
        rng.shuffle(order)
        for edit in order[: max(1, round(len(order) * min(1.0, left)))]:
            room = min(length, max(256, int(length * rng.choice(part.room))))
            piece = real_edit(edit, tokenizer, length=room, fmt=fmt)
            if piece is not None:
                yield piece
        left -= 1.0


def _part_pieces(
    part: Part,
    documents: Sequence[Document],
    tokenizer: TextTokenizer,
    rng: random.Random,
    spare: list[str],
    length: int,
) -> Iterator[list[int]]:
    chosen = [
        document
        for document in documents
        if document.kind in part.kinds and (not part.packages or document.package in part.packages)
    ]
    if not chosen:
        raise TrainingError(
            f"no documents of {', '.join(part.kinds)} are in the corpus: build it first, "
            "or take the part out of the recipe"
        )
    fmt, mix = CellsSpmV1(), Mix(middle=part.middle, room=part.room)
    left = part.passes
    while left > 0:
        order = list(chosen)
        rng.shuffle(order)
        for document in order[: max(1, round(len(order) * min(1.0, left)))]:
            if part.form == "plain":
                yield from plain_document(document, tokenizer, rng, mix, length=length)
            elif part.form == "session":
                yield from session_document(
                    document, tokenizer, rng, mix, length=length, spare_columns=spare, fmt=fmt
                )
            else:
                # A long notebook has room for several edits.
                for _ in range(1 + len(document.cells) // 8):
                    edit = edit_document(
                        document, tokenizer, rng, mix, length=length, spare_columns=spare, fmt=fmt
                    )
                    if edit is not None:
                        yield edit
        left -= 1.0

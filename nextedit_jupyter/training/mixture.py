"""What a run reads, and in which order: stages of phases of parts, from a recipe's tables.

    [[stage]]
    name = "s2"
    seed = 2
    [[stage.phase]]
    parts = [
      { form = "session", kinds = ["notebook", "gallery"], passes = 1.0 },
      { form = "edit", kinds = ["notebook"], tokens = 1_000_000 },
      { form = "real", changes = ["rename", "call"], languages = ["python"] },
    ]

The parts of a phase are shuffled together; phases follow one another. With `batch = 8` a stage
keeps eight rows of one part together: a step then learns either to continue or to edit, because the
few tokens of edit answers would not count next to whole notebooks.
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
from nextedit_jupyter.prompt import get_format
from nextedit_jupyter.prompt.cells_spm_v1 import CellsSpmV1
from nextedit_jupyter.prompt.control import PAD
from nextedit_jupyter.prompt.format import EditFormat
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
from nextedit_jupyter.training.product_tasks import edit_tasks, render

FORMAT = "cells-spm-v1"

Form = Literal["plain", "session", "edit", "real", "task"]


@dataclass(frozen=True, slots=True)
class Part:
    """Documents of some kinds in one form; limited by `passes` over them, by `tokens`, or both.

    `packages` limits it to some; none means all. `room` are the maximum shares of a sequence for an
    edit with its other cells: small ones give more edits in as many tokens. The form `real` takes
    edits mined by `train from-git` instead of documents: with some `changes`, or all, and in some
    `languages`. The form `task` makes half-done edits as the product would request them, in the
    stage's format, with loss only on the answers; it needs `tokens`.
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
            raise TypeError(f"form must be one of {', '.join(get_args(Form))}")
        if not self.kinds and self.form != "real":
            raise TypeError(f"a part of the form {self.form} needs kinds")
        if self.form == "task" and self.tokens is None:
            raise TypeError("a part of the form task needs tokens, because it never ends by itself")


@dataclass(frozen=True, slots=True)
class Stage:
    """One packed file. `batch`: the number of rows of one part that stay together; 1 mixes all
    rows."""

    name: str
    seed: int
    phases: tuple[tuple[Part, ...], ...]
    format: str = FORMAT
    batch: int = 1

    def __post_init__(self) -> None:
        if self.batch < 1:
            raise TypeError("batch must be at least 1")


def read_stages(path: Path) -> tuple[Stage, ...]:
    """The stages of a recipe; raises TrainingError, which says what is wrong with them."""
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
            more = {key: item[key] for key in ("format", "batch") if key in item}
            stages.append(Stage(item["name"], int(item["seed"]), tuple(phases), **more))
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

    `edits` are real edits, for parts of the form `real`.
    """
    rng = random.Random(stage.seed)
    spare = spare_columns(documents)
    fmt = training_format(stage.format)
    packed: list[npt.NDArray[np.uint16]] = []
    for number, phase in enumerate(stage.phases):
        by_part: list[list[list[int]]] = []
        for part in phase:
            pieces: list[list[int]] = []
            count = 0
            if part.form == "real":
                made = _real_pieces(part, edits, tokenizer, rng, length + 1, fmt)
            elif part.form == "task":
                made = _task_pieces(part, documents, tokenizer, rng, length + 1, fmt)
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
                f"{len(pieces)} pieces, {count / 1e6:.2f} M tokens"
            )
            by_part.append(pieces)
        if stage.batch == 1:
            by_part = [[piece for pieces in by_part for piece in pieces]]
        shuffler = np.random.default_rng(stage.seed + number)
        groups: list[npt.NDArray[np.uint16]] = []
        for pieces in by_part:
            rng.shuffle(pieces)
            rows = pack(pieces, length=length, pad=tokenizer.control(PAD))
            rows = rows[shuffler.permutation(len(rows))]
            whole = len(rows) // stage.batch * stage.batch
            groups += np.split(rows[:whole], whole // stage.batch) if whole else []
        if not groups:
            raise TrainingError(
                f"phase {number} of {stage.name} gives no {stage.batch} sequences of any part: "
                "give it more tokens, or the stage a smaller batch"
            )
        packed += (
            [groups[i] for i in shuffler.permutation(len(groups))] if stage.batch > 1 else groups
        )
    return np.concatenate(packed)


def training_format(name: str) -> EditFormat:
    """A format that can write answers; raises TrainingError for any other."""
    fmt: Any = get_format(name)
    if not hasattr(fmt, "answer"):
        raise TrainingError(
            f"the format {name} is another family's: models are only imported in it"
        )
    result: EditFormat = fmt
    return result


def spare_columns(documents: Sequence[Document], limit: int = 2_000) -> list[str]:
    """Column names seen anywhere, some of which are given to frames as unused columns."""
    seen: dict[str, None] = {}
    for document in documents:
        if document.kind != "module":
            for keys in columns_used(document.cells).values():
                seen.update(dict.fromkeys(keys))
        if len(seen) >= limit:
            break
    return [key for key in seen if 1 < len(key) <= 24 and "\n" not in key][:limit]


def _real_pieces(
    part: Part,
    edits: Sequence[RealEdit],
    tokenizer: TextTokenizer,
    rng: random.Random,
    length: int,
    fmt: EditFormat,
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
    left = part.passes
    while left > 0:
        order = list(chosen)
        rng.shuffle(order)
        for edit in order[: max(1, round(len(order) * min(1.0, left)))]:
            room = min(length, max(256, int(length * rng.choice(part.room))))
            piece = real_edit(edit, tokenizer, length=room, fmt=fmt)
            if piece is not None:
                yield piece
        left -= 1.0


def _task_pieces(
    part: Part,
    documents: Sequence[Document],
    tokenizer: TextTokenizer,
    rng: random.Random,
    length: int,
    fmt: EditFormat,
) -> Iterator[list[int]]:
    for task in edit_tasks(_chosen(part, documents), rng):
        room = min(length, max(128, int(length * rng.choice(part.room))))
        rendered = render(task, fmt, tokenizer, length=room)
        if rendered is not None:
            yield rendered.packed


def _chosen(part: Part, documents: Sequence[Document]) -> list[Document]:
    """The documents for a part; raises TrainingError if there are none."""
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
    return chosen


def _part_pieces(
    part: Part,
    documents: Sequence[Document],
    tokenizer: TextTokenizer,
    rng: random.Random,
    spare: list[str],
    length: int,
) -> Iterator[list[int]]:
    chosen = _chosen(part, documents)
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

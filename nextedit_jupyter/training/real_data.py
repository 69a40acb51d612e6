"""Real notebooks and commits for training: documents and edits from JSON Lines files.

A file of notebooks has an object with `repo`, `path` and `cells` per line; a file of edits one with
`repo`, `path`, `licence`, `commit`, `before`, `after` (code cells) and `pairs` (`[i, j]`: cell i
became cell j). Both may be compressed with zstd, which requires the `zstd` command. Their contents
are rendered, never copied.
"""

from __future__ import annotations

import json
import random
import subprocess
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from nextedit_jupyter.core.errors import TrainingError
from nextedit_jupyter.training.commits.real_edit import EditSource, RealEdit
from nextedit_jupyter.training.commits.steps import MAX_CELLS, Step, hunks, targets
from nextedit_jupyter.training.corpus.document import Document
from nextedit_jupyter.training.corpus.extract import Skipped

MAX_TARGETS = 6  # per commit: a change of a hundred places would drown out the others


def read_rows(path: Path) -> Iterator[dict[str, Any]]:
    """The objects of a JSON Lines file, possibly compressed by zstd. Raises TrainingError."""
    try:
        if path.suffix == ".zst":
            command = ["zstd", "-dcq", "--long=27", str(path)]
            with subprocess.Popen(command, stdout=subprocess.PIPE) as process:
                assert process.stdout is not None
                yield from map(json.loads, process.stdout)
            if process.returncode:
                raise TrainingError(f"zstd cannot read {path.name}: fetch the file again")
        else:
            with path.open(encoding="utf-8") as file:
                yield from map(json.loads, file)
    except FileNotFoundError as error:
        raise TrainingError(
            f"{error.filename} is missing: give the file, or install zstd"
        ) from None
    except (OSError, ValueError) as error:
        raise TrainingError(f"{path.name} cannot be read as JSON Lines: {error}") from error


def read_notebooks(path: Path) -> Iterator[Document]:
    """The notebooks of a file. Raises TrainingError."""
    for row in read_rows(path):
        cells = tuple(cell.rstrip() for cell in row["cells"] if cell.strip())
        yield Document(row["repo"], row["path"], "notebook", cells)


def read_real_edits(path: Path, rng: random.Random) -> Iterator[RealEdit]:
    """The steps of each commit that are predictable from earlier ones. Raises TrainingError.

    A request shows the notebook in the middle of the change: earlier steps are done, later ones are
    not.
    """
    skipped = Skipped()
    for row in read_rows(path):
        yield from commit_edits(row, rng, skipped)


def commit_edits(row: dict[str, Any], rng: random.Random, skipped: Skipped) -> list[RealEdit]:
    """The edits of one commit, at most `MAX_TARGETS`, drawn at random."""
    before, after = row["before"], row["after"]
    ids = [f"c{i}" for i in range(len(before))]
    steps: list[Step] = []
    for i, j in sorted(map(tuple, row["pairs"])):
        text = before[i]
        for following in hunks(before[i], after[j]):
            steps.append(Step(f"c{i}", text, following))
            text = following
    source = EditSource(row["repo"], row["commit"], row["path"], row["licence"], "python")
    texts = dict(zip(ids, before, strict=True))
    found = [
        RealEdit(target.request, target.after, target.change, source)
        for target in targets(ids, texts, steps, (), "python", rng, skipped)
    ]
    return rng.sample(found, MAX_TARGETS) if len(found) > MAX_TARGETS else found


def pieces_of(
    documents: Sequence[Document], rng: random.Random, *, cells: int = MAX_CELLS
) -> list[Document]:
    """One stretch of at most `cells` cells per document, in random order.

    So a short run, which reads only a part of the text, sees as many authors as possible.
    """
    taken = []
    for document in documents:
        start = rng.randrange(max(1, len(document.cells) - cells // 2))
        stretch = document.cells[start : start + cells]
        if sum(map(len, stretch)) > 200:
            taken.append(Document(document.package, document.path, document.kind, stretch))
    rng.shuffle(taken)
    return taken

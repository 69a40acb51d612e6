"""A user's own code, split into training, selection and held-out data."""

from __future__ import annotations

import hashlib
import math
import random
import tempfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from nextedit_jupyter.core import EditEvent
from nextedit_jupyter.core.errors import TrainingError
from nextedit_jupyter.core.history_store import HistoryStore
from nextedit_jupyter.prompt import BundleTokenizer
from nextedit_jupyter.prompt.format import EditFormat
from nextedit_jupyter.training.cases import made_up_edits
from nextedit_jupyter.training.commits.git import Repository
from nextedit_jupyter.training.commits.mine import mine_commits, repository_jobs
from nextedit_jupyter.training.commits.real_edit import EditSource, RealEdit, read_edits
from nextedit_jupyter.training.commits.steps import Step, hunks, targets
from nextedit_jupyter.training.corpus.document import Document
from nextedit_jupyter.training.corpus.extract import Skipped, extract_file, walk_folder
from nextedit_jupyter.training.corpus.quality import NearDuplicates, clean, without_duplicates
from nextedit_jupyter.training.examples import Mix, real_edit, session_document

MAX_CHARS = 20_000_000
MIN_FILES = 3  # one each for holding out, selection and training
HELD_OUT, CHOICE = 0.2, 0.1


@dataclass(frozen=True, slots=True)
class UserCorpus:
    """A user's code: documents and real edits, each with the file it belongs to as its key."""

    documents: tuple[tuple[str, Document], ...] = ()
    edits: tuple[tuple[str, RealEdit], ...] = ()


@dataclass(frozen=True, slots=True)
class Split:
    """The training, selection and held-out data."""

    train: UserCorpus
    choice: UserCorpus
    held_out: UserCorpus


def gather(
    folders: Sequence[Path],
    *,
    history: HistoryStore | None = None,
    commits: int = 2_000,
    seed: int = 0,
) -> UserCorpus:
    """A user's notebooks, modules, commits and, if they enabled it, kept edits.

    Raises TrainingError for a folder that does not exist.
    """
    skipped, near = Skipped(), NearDuplicates()
    documents: list[tuple[str, Document]] = []
    edits: list[tuple[str, RealEdit]] = []
    left = MAX_CHARS
    for folder in folders:
        if not folder.is_dir():
            raise TrainingError(f"{folder} is not a folder: give folders with notebooks or modules")
        root = folder.resolve()
        for name, data in walk_folder(root, skipped):
            if left < 0:
                break
            if "site-packages/" in name:
                continue
            found = [
                kept
                for document in extract_file(root.name, name, data, skipped)
                if (kept := clean(document, skipped)) is not None
            ]
            for document in without_duplicates(found, near, skipped):
                documents.append((f"{root}/{name}", document))
                left -= document.chars
        if (root / ".git").exists():
            mined = _commits(root, commits, seed)
            edits += [(f"{root}/{edit.source.path}", edit) for edit in mined]
    if history is not None:
        edits += [("", edit) for edit in kept_edits(history, seed)]
    return UserCorpus(tuple(documents), tuple(edits))


def _commits(root: Path, limit: int, seed: int) -> list[RealEdit]:
    """The edits of a checkout's commits; its licence is the user's responsibility."""
    try:
        Repository(root)
    except TrainingError:
        return []  # a worktree or damaged: its files are still used
    with tempfile.TemporaryDirectory() as parts:
        jobs = repository_jobs([root], Path(parts), limit=limit, seed=seed, any_licence=True)
        return [edit for job in jobs for edit in read_edits(mine_commits(job).path)]


def kept_edits(history: HistoryStore, seed: int = 0) -> list[RealEdit]:
    """The edits in the opt-in store, as targets, oldest first."""
    ids: list[str] = []
    state: dict[str, str] = {}
    events: list[EditEvent] = []
    found: list[RealEdit] = []
    for number, kept in enumerate(history.edits()):
        event = kept.event
        if event.cell not in ids:
            ids.append(event.cell)
        state[event.cell] = event.before
        steps, text = [], event.before
        for following in hunks(event.before, event.after):
            steps.append(Step(event.cell, text, following))
            text = following
        rng = random.Random(f"{seed} {number}")
        near = ids[max(0, ids.index(event.cell) - 10) :][:20]
        texts = {id: state[id] for id in near}
        source = EditSource("history", "kept", event.cell, "", kept.language)
        made = targets(near, texts, steps, events[-5:], kept.language, rng, Skipped())
        found += [RealEdit(one.request, one.after, one.change, source) for one in made]
        state[event.cell] = event.after
        events = [*events[-9:], event]
    return found


def split(own: UserCorpus, seed: int = 0) -> Split:
    """Hold out whole files, and the newest kept edits; raises TrainingError if there is too little.

    The training data contain no cell of a held-out edit, before or after it.
    """
    files = sorted({key for key, _ in (*own.documents, *own.edits) if key})
    files.sort(key=lambda key: hashlib.sha256(f"{seed} {key}".encode()).digest())
    kept = [edit for key, edit in own.edits if not key]
    if len(files) < MIN_FILES and not kept:
        raise TrainingError(
            f"{len(files)} files with Python code are too few to learn from and to hold some out: "
            f"give folders with at least {MIN_FILES} notebooks or modules"
        )
    held = set(files[: math.ceil(HELD_OUT * len(files))])
    chosen = set(files[len(held) : len(held) + math.ceil(CHOICE * len(files))])
    parts: dict[str, list[list[tuple[str, Any]]]] = {}
    for name, those in (("documents", own.documents), ("edits", own.edits)):
        groups: list[list[tuple[str, Any]]] = [[], [], []]
        for key, item in those:
            if key:
                groups[2 if key in held else 1 if key in chosen else 0].append((key, item))
        parts[name] = groups
    first = math.ceil(len(kept) * (1 - HELD_OUT - CHOICE))
    second = math.ceil(len(kept) * (1 - HELD_OUT))
    for group, some in zip(parts["edits"], (kept[:first], kept[first:second], kept[second:])):
        group += [("", edit) for edit in some]
    secret = {
        text.strip()
        for _, edit in (*parts["edits"][1], *parts["edits"][2])
        for text in (edit.request.cell.source, edit.after)
    }
    parts["documents"][0] = [
        (key, replace(document, cells=cells))
        for key, document in parts["documents"][0]
        if (cells := tuple(cell for cell in document.cells if cell.strip() not in secret))
    ]
    owns = [
        UserCorpus(tuple(documents), tuple(edits))
        for documents, edits in zip(parts["documents"], parts["edits"], strict=True)
    ]
    return Split(*owns)


def is_rendered(
    tokenizer: BundleTokenizer, fmt: EditFormat, length: int
) -> Callable[[RealEdit], bool]:
    """Whether an edit can be expressed in a format: line by line, only one in six synthetic edits
    can."""
    return lambda edit: real_edit(edit, tokenizer, length=length, fmt=fmt) is not None


def held_out_edits(
    own: UserCorpus, count: int, seed: int, accept: Callable[[RealEdit], bool]
) -> list[RealEdit]:
    """At most `count` accepted edits: real ones, then synthetic ones from the documents."""
    rng = random.Random(seed)
    real = [edit for _, edit in own.edits if edit.source.language == "python" and accept(edit)]
    chosen = rng.sample(real, min(len(real), count))
    documents = [document for _, document in own.documents]
    return chosen + made_up_edits(documents, count - len(chosen), rng, accept)


def sessions(
    own: UserCorpus, tokenizer: BundleTokenizer, length: int, seed: int, limit: int = 24
) -> list[list[int]]:
    """Some stretches of the documents, rendered as in training, with at most `length` tokens
    each."""
    rng = random.Random(seed)
    pieces: list[list[int]] = []
    for _, document in own.documents:
        pieces += session_document(document, tokenizer, rng, Mix(), length=length + 1)
    rng.shuffle(pieces)
    return pieces[:limit]

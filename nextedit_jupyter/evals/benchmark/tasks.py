"""The benchmark's tasks: typing, next line, next edits, propagation replay, silence.

All come from notebooks and from pairs of their versions: releases of named packages, or commits of
a checkout. The same sources and seed give the same tasks.
"""

from __future__ import annotations

import difflib
import hashlib
import random
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from nextedit_jupyter.core import Notebook
from nextedit_jupyter.core.errors import NextEditError
from nextedit_jupyter.evals import sdists
from nextedit_jupyter.evals.heldout import HeldOut
from nextedit_jupyter.evals.real_edits import Commit, renamed
from nextedit_jupyter.evals.suites import Task, make_tasks
from nextedit_jupyter.evals.synthetic_edits import Case, cases
from nextedit_jupyter.evals.typing import choose_cells

KINDS = ("typing", "next line", "next edits", "propagation", "silence")
LONGEST_NOTEBOOK = 60_000  # characters
MAX_CELLS = 400
MAX_CHANGED = 30  # cells of one commit: more is the work of a formatter

# Source distributions by version and digest; a second release of the same package provides edits.
RECIPE = {
    "linearmodels==7.0": "15b50271068d8ad7ef58924fea6ca3fced055f8439f9e17d2ce62ba91c64ed24",
    "linearmodels==7.1": "870ed2be6aac0550e89abd38bc37b0353762ca8ef6247290b87baca08f37f2a8",
    "mapclassify==2.10.0": "0d6736a08c0b1e10e6197224ef512951514204706514244bd01aea49fd1442b3",
    "mapclassify==2.9.0": "65fa7a7d778ed63496ff860b9f3c26d632d8f289820a6d8556ac527d14b26bd8",
    "pointpats==2.5.2": "6be0be63c893b542d4b6b00609bb8378c38b58245c1cc53a95283500c3d4a663",
    "pointpats==2.5.5": "5af6ad0b689905f59037a6a7e4ba99ab4aafe8e088894032902c3e7f9c7e72b5",
    "seaborn==0.13.1": "bfad65e9c5989e5e1897e61bdbd2f22e62455940ca76fd49eca3ed69345b9179",
    "seaborn==0.13.2": "93e60a40988f4d65e9f4885df477e2fdaff6b73a9ded434c1ab356dd57eefff7",
    "tinygp==0.3.0": "ac5474b20bf6bdd868d48a43b425bc62eb177747a329190347bd4f13af0112c4",
    "tinygp==0.3.1": "14cd14dc4d33e15ac58a91b8aab71fb234524ccd1b52e40dc80fdf08d1f045d6",
}
PAIRS = (
    ("linearmodels==7.0", "linearmodels==7.1"),
    ("mapclassify==2.9.0", "mapclassify==2.10.0"),
    ("pointpats==2.5.2", "pointpats==2.5.5"),
    ("seaborn==0.13.1", "seaborn==0.13.2"),
    ("tinygp==0.3.0", "tinygp==0.3.1"),
)


@dataclass(frozen=True, slots=True)
class Sizes:
    """The number of tasks of each kind; `characters` is the maximum length of a typed cell."""

    typing: int = 60
    next_line: int = 120
    next_edits: int = 100
    propagation: int = 60
    silence: int = 120
    characters: int = 1_000


FULL = Sizes()
QUICK = Sizes(typing=8, next_line=16, next_edits=13, propagation=10, silence=24, characters=300)


@dataclass(frozen=True, slots=True)
class Sources:
    """Notebooks by name, and versions of notebooks."""

    notebooks: tuple[tuple[str, Notebook], ...]
    commits: tuple[Commit, ...] = ()

    def __add__(self, other: Sources) -> Sources:
        return Sources(self.notebooks + other.notebooks, self.commits + other.commits)


@dataclass(frozen=True, slots=True)
class Tasks:
    typing: tuple[tuple[Notebook, int], ...]
    next_line: tuple[Task, ...]
    next_edits: tuple[Commit, ...]
    propagation: tuple[Commit, ...]
    silence: tuple[Commit, ...]

    def counts(self) -> dict[str, int]:
        numbers = map(
            len,
            (self.typing, self.next_line, self.next_edits, self.propagation, self.silence),
        )
        return dict(zip(KINDS, numbers, strict=True))


def make(sources: Sources, sizes: Sizes, seed: int) -> Tasks:
    """Tasks of these sources. Raises NextEditError if there is nothing to make them of."""
    books = [(name, book) for name, book in sources.notebooks if _is_fit(book)]
    if not books:
        raise NextEditError("there is no Python notebook with code cells to make tasks of")
    short = [book for _, book in books]
    typed = [
        place
        for place in choose_cells(short, 50 * sizes.typing, seed)
        if len(place[0].cells[place[1]].source) <= sizes.characters
    ]
    documents = [HeldOut(name.partition("/")[0], name, "notebook", book) for name, book in books]
    lines = make_tasks(documents, each=sizes.next_line, seed=seed)
    rng = random.Random(seed)
    made = list(cases(books, seed, 2 * sizes.propagation))
    rng.shuffle(made)
    real = list(sources.commits)
    rng.shuffle(real)
    spread = [c for c in real if len(c.spread) >= 2]
    spread += [commit for case in made if (commit := _as_commit(case)) and len(commit.spread) >= 2]
    quiet = [c for c in real if c.kind == "single"]
    quiet += [commit for case in made if not case.places and (commit := _as_commit(case))]
    return Tasks(
        tuple(typed[: sizes.typing]),
        tuple(t for t in lines if t.suite == "next line")[: sizes.next_line],
        tuple(c for c in real if len(c.changed) >= 2)[: sizes.next_edits],
        tuple(spread[: sizes.propagation]),
        tuple(quiet[: sizes.silence]),
    )


def of_packages(cache: Path, recipe: dict[str, str] | None = None) -> Sources:
    """The recipe's notebooks. Raises NextEditError for a file that is not the one named."""
    recipe = RECIPE if recipe is None else recipe
    pairs = PAIRS if recipe is RECIPE else ()
    found: dict[str, dict[str, Notebook]] = {}
    for package, digest in recipe.items():
        path = sdists.archive(package, cache)
        if path is None:
            continue
        if hashlib.sha256(path.read_bytes()).hexdigest() != digest:
            raise NextEditError(
                f"{path.name} is not the file that the benchmark names: delete it, so that it is "
                "fetched again, or take another package index"
            )
        found[package] = dict(sdists.notebooks_in(package, path))
    if not found:
        raise NextEditError(
            "no source distribution could be fetched: check that pip reaches its index, or give "
            "a checkout: jupyter nextedit benchmark from-git FOLDER"
        )
    older = {old for old, new in pairs if new in found}
    books = tuple(
        (_without_version(name), book)
        for package, notebooks in found.items()
        if package not in older
        for name, book in notebooks.items()
    )
    versions = (
        (package.partition("==")[0], _without_version(name), book, found[new])
        for package, new in pairs
        if package in found and new in found
        for name, book in found[package].items()
    )
    commits = []
    for package, name, before, later in versions:
        named = {_without_version(path): book for path, book in later.items()}
        if name in named and (commit := commit_of(package, before, named[name])) is not None:
            commits.append(commit)
    return Sources(books, tuple(commits))


def _without_version(name: str) -> str:
    """`seaborn/seaborn-0.13.2/doc/x.ipynb` without the folder that names the version."""
    package, _, rest = name.partition("/")
    return f"{package}/{rest.partition('/')[2] or rest}"


def commit_of(repository: str, before: Notebook, after: Notebook) -> Commit | None:
    """The changes of a notebook's code cells; None if there are none, or too many to be made by
    hand."""
    old = [cell.source for cell in before.cells if cell.is_code][:MAX_CELLS]
    new = [cell.source for cell in after.cells if cell.is_code][:MAX_CELLS]
    changed = _changed(old, new)
    if not changed or len(changed) > MAX_CHANGED or sum(map(len, old)) > LONGEST_NOTEBOOK:
        return None
    swaps = {swap for cell, text in changed.items() if (swap := renamed(old[cell], text))}
    rename = next(iter(swaps)) if len(swaps) == 1 else None
    kind = "single" if len(changed) == 1 and rename is None else "rename" if rename else "edit"
    return Commit(repository, kind, tuple(old), changed, rename)


def _changed(old: Sequence[str], new: Sequence[str]) -> dict[int, str]:
    """The cells that were changed rather than replaced: more than half the same."""
    changed: dict[int, str] = {}
    matcher = difflib.SequenceMatcher(None, old, new, autojunk=False)
    for tag, i1, i2, j1, j2 in matcher.get_opcodes():
        if tag != "replace" or i2 - i1 != j2 - j1:
            continue
        for i, j in zip(range(i1, i2), range(j1, j2), strict=True):
            if len(old[i]) < 8_000 and _alike(old[i], new[j]):
                changed[i] = new[j]
    return changed


def _alike(one: str, other: str) -> bool:
    matcher = difflib.SequenceMatcher(None, one, other, autojunk=False)
    return matcher.quick_ratio() > 0.5 and matcher.ratio() > 0.5


def _as_commit(case: Case) -> Commit | None:
    """A synthetic edit as a commit that changed all of its places."""
    cells = [cell for cell in case.notebook.cells if cell.is_code]
    order = {cell.id: place for place, cell in enumerate(cells)}
    changed: dict[int, str] = {}
    places = {case.first, *case.places}
    for cell in cells:
        text = cell.source
        for id, start, end in sorted(places, reverse=True):
            if id == cell.id:
                text = text[:start] + case.new + text[end:]
        if case.after and cell.id == case.first[0]:
            text = case.after
        if text != cell.source:
            changed[order[cell.id]] = text
    if not changed:
        return None
    kind = "rename" if case.places else "single"
    rename = (case.old, case.new) if case.places else None
    return Commit(case.source, kind, tuple(c.source for c in cells), changed, rename)


def _is_fit(book: Notebook) -> bool:
    size = sum(len(cell.source) for cell in book.cells)
    return size <= LONGEST_NOTEBOOK and any(cell.is_code for cell in book.cells)


def of_versions(name: str, versions: Iterable[tuple[Notebook, Notebook]]) -> Sources:
    """A checkout's notebooks: before and after each change, oldest first."""
    commits: list[Commit] = []
    books: dict[str, Notebook] = {}
    for number, (before, after) in enumerate(versions):
        found = commit_of(f"{name}/{number}", before, after)
        if found is not None:
            commits.append(found)
        first = next((cell.source for cell in before.cells), str(number))
        books[first] = after
    named = tuple((f"{name}/{number}", book) for number, book in enumerate(books.values()))
    return Sources(named, tuple(commits))

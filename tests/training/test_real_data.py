"""Real notebooks and commits, read as training uses them."""

from __future__ import annotations

import json
import random
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest

from nextedit_jupyter.core.errors import TrainingError
from nextedit_jupyter.training.corpus.extract import Skipped
from nextedit_jupyter.training.real_data import (
    MAX_TARGETS,
    commit_edits,
    pieces_of,
    read_notebooks,
    read_real_edits,
)


def commit(before: list[str], after: list[str]) -> dict[str, Any]:
    pairs = [[i, i] for i, (a, b) in enumerate(zip(before, after, strict=True)) if a != b]
    return {
        "repo": "someone/something", "path": "a.ipynb", "licence": "MIT", "commit": "c0ffee",
        "before": before, "after": after, "pairs": pairs,
    }  # fmt: skip


@pytest.fixture
def rename() -> dict[str, Any]:
    before = ["df = load()", "df.head()\nx = 1\ndf.tail()", "print(df)", "y = 2"]
    return commit(before, [cell.replace("df", "sales") for cell in before])


def test_a_commits_later_steps_are_asked_with_the_earlier_ones_done(rename: dict[str, Any]) -> None:
    edits = commit_edits(rename, random.Random(0), Skipped())
    wanted = [edit for edit in edits if edit.change != "none"]
    assert [edit.request.caret.cell for edit in wanted] == ["c1", "c1", "c2"]
    last = wanted[-1].request
    assert [cell.source for cell in last.notebook.cells[:2]] == rename["after"][:2]
    assert last.history[-1].after == "sales.head()\nx = 1\nsales.tail()"
    assert wanted[-1].after == "print(sales)"


def test_a_sweep_over_many_places_gives_a_few_targets() -> None:
    before = [f"df.plot({i})" for i in range(40)]
    edits = commit_edits(
        commit(before, [cell.replace("df", "sales") for cell in before]),
        random.Random(0),
        Skipped(),
    )
    assert len(edits) == MAX_TARGETS


@pytest.mark.skipif(shutil.which("zstd") is None, reason="zstd is not installed")
def test_files_are_read_plain_and_compressed(tmp_path: Path, rename: dict[str, Any]) -> None:
    plain = tmp_path / "edits.jsonl"
    plain.write_text(json.dumps(rename) + "\n", encoding="utf-8")
    subprocess.run(["zstd", "-q", str(plain)], check=True)
    one = list(read_real_edits(plain, random.Random(1)))
    two = list(read_real_edits(tmp_path / "edits.jsonl.zst", random.Random(1)))
    assert one == two != []


@pytest.mark.parametrize("text", ["{", None])
def test_a_file_that_is_none_says_so(tmp_path: Path, text: str | None) -> None:
    path = tmp_path / "notebooks.jsonl"
    if text is not None:
        path.write_text(text, encoding="utf-8")
    with pytest.raises(TrainingError, match=r"notebooks\.jsonl"):
        list(read_notebooks(path))


def test_each_notebook_gives_one_stretch(tmp_path: Path) -> None:
    path = tmp_path / "notebooks.jsonl"
    cells = [f"value_{i} = compute_the_value({i})  # a long enough line" for i in range(60)]
    row = {"repo": "a/b", "path": "n.ipynb", "cells": [*cells, "", "   "]}
    path.write_text(json.dumps(row) + "\n", encoding="utf-8")
    (document,) = read_notebooks(path)
    assert document.cells == tuple(cells)
    (piece,) = pieces_of([document], random.Random(0), cells=12)
    at = cells.index(piece.cells[0])
    assert list(piece.cells) == cells[at : at + 12]

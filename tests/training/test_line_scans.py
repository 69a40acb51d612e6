"""Scans: what commits teach of lines that follow a change and of those that stay."""

from __future__ import annotations

import json
import random
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("torch")

from prompt_letters import Letters

from nextedit_jupyter.prompt.cells_lines_v1 import CellsLinesV1
from nextedit_jupyter.prompt.control import CONTROL_TOKENS
from nextedit_jupyter.prompt.similar_lines import Stretch
from nextedit_jupyter.training import line_scans
from nextedit_jupyter.training.line_scans import commit_scans, stretch_after
from nextedit_jupyter.training.packing import NO_LOSS
from nextedit_jupyter.training.tuning import tuning_rows

BEFORE = ["a = load(x)", "b = load(y)", "c = load(z)  # stays", "print(a)"]
AFTER = ["a = read(x)", "b = read(y)", "c = load(z)  # stays", "print(a)"]
FAR = 1 << 40  # beyond any id of the tokenizer of characters


def commit(before: list[str], after: list[str]) -> dict[str, Any]:
    pairs = [[i, i] for i, (a, b) in enumerate(zip(before, after, strict=True)) if a != b]
    return {"repo": "someone/something", "before": before, "after": after, "pairs": pairs}


def written(row: dict[str, Any], monkeypatch: pytest.MonkeyPatch) -> list[tuple[str, str]]:
    """Each scan as text, and that part of it which is learnt."""
    monkeypatch.setattr(line_scans, "NO_LOSS", FAR)
    count, found = len(CONTROL_TOKENS), []
    for ids in commit_scans(row, Letters(), random.Random(0), length=4000):
        parts = ["", ""]
        for id in ids:
            plain = id & ~FAR
            text = CONTROL_TOKENS[plain] if plain < count else chr(plain - count)
            parts[0] += text
            parts[1] += "" if id & FAR else text
        found.append((parts[0], parts[1]))
    return found


def test_a_line_that_follows_is_learnt_and_so_is_one_that_stays(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    scans = written(commit(BEFORE, AFTER), monkeypatch)
    first = next(text for text in scans if "<|edit|>b = load(y)" in text[0])
    assert first[0].startswith("<|bos|><|old|>a = load(x)<|new|>a = read(x)<|edit|>")
    assert "<|edit|>b = load(y)<|new|>b = read(y)<|end|>" in first[0]
    assert "<|edit|>c = load(z)  # stays<|end|>" in first[0]
    assert sorted(first[1].split("<|end|>")) == ["", "", "<|new|>b = read(y)"]


def test_after_the_last_change_all_stays(monkeypatch: pytest.MonkeyPatch) -> None:
    scans = written(commit(BEFORE, AFTER), monkeypatch)
    last = [learnt for text, learnt in scans if "b = read(y)" in text.split("<|edit|>")[0]]
    assert "<|end|>" in last


def test_a_commit_that_changes_no_line_or_holds_a_secret_teaches_nothing(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    assert written(commit(["a = 1"], ["a = 1\nb = 2"]), monkeypatch) == []
    secret = 'key = "sk-' + 'proj-Zk81hQpLw02nVbRt77aaYeTu"'
    assert written(commit([*BEFORE, secret], [*AFTER, secret]), monkeypatch) == []


@pytest.mark.parametrize(
    ("before", "after", "becomes"),
    [
        ("a\nb\nc", "a\nB\nc", "B"),
        ("a\nb\nc", "a\nb\nC", "b"),
        ("a\nb\nc", "a\nc", ""),
        ("a\nb\nc", "x", None),  # the change goes beyond it
    ],
)
def test_what_stands_for_a_stretch_afterwards(before: str, after: str, becomes: str | None) -> None:
    assert stretch_after(Stretch("c", 1, 1, "b", 1.0), before, after) == becomes


class Ascii(Letters):
    vocab_size = 128 + len(CONTROL_TOKENS)


def test_tuning_learns_scans_beside_notebooks_two_rows_by_two(tmp_path: Path) -> None:
    notebook = {"repo": "r", "path": "a.ipynb", "cells": [f"value_{i} = {i}" for i in range(40)]}
    notebooks, edits = tmp_path / "notebooks.jsonl", tmp_path / "edits.jsonl"
    notebooks.write_text((json.dumps(notebook) + "\n") * 6, encoding="utf-8")
    row = {**commit(BEFORE * 3, AFTER * 3), "path": "a", "commit": "c", "licence": "MIT"}
    edits.write_text((json.dumps(row) + "\n") * 6, encoding="utf-8")
    rows = tuning_rows(notebooks, edits, Ascii(), CellsLinesV1(), 256, 0)
    asked = [CONTROL_TOKENS.index("<|edit|>") in (row & (NO_LOSS - 1)) for row in rows]
    assert asked[:4] == [False, False, True, True]

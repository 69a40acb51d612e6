"""What Python and TypeScript must agree on: the vectors, and the types generated from ours."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from nextedit_jupyter.core import Replacement, TextEdit, text_hash
from nextedit_jupyter.core.changes import HeldState, cell_digest
from nextedit_jupyter.core.redact import holds_secret
from nextedit_jupyter.core.wire import Utf16, decode_cells

ROOT = Path(__file__).resolve().parents[2]
VECTORS = ROOT / "tests" / "golden" / "vectors"
Wire = list[tuple[int, int, str]]


def vectors(name: str) -> Any:
    return json.loads((VECTORS / name).read_text())


def edit(wire: Wire, text: str) -> TextEdit:
    units = Utf16(text)
    return TextEdit(
        tuple(
            Replacement(units.to_code_points(start), units.to_code_points(end), new)
            for start, end, new in wire
        )
    )


@pytest.mark.parametrize("case", vectors("text_edit.json"))
def test_edits_do_what_the_vectors_say(case: dict[str, Any]) -> None:
    text = case["text"]
    a, other = edit(case["a"], text), edit(case["other"], text)
    after = a.apply(text)
    assert after == case["applied"]
    assert a.invert(text) == edit(case["inverse"], after)
    b = edit(case["b"], after)
    assert a.compose(b) == edit(case["composed"], text)
    assert b.apply(after) == case["composed_applied"]
    rebased = a.rebase(other)
    if case["rebased"] is None:
        assert rebased is None
    else:
        assert rebased == edit(case["rebased"], other.apply(text))


def test_cells_have_the_digests_that_the_vectors_say() -> None:
    *cells, (every, hash) = vectors("cell_digest.json")
    for wire, digest in cells:
        assert cell_digest(*decode_cells({"cells": [wire]})).hex() == digest
    assert HeldState.of(decode_cells({"cells": every})).hash == hash


@pytest.mark.parametrize("case", vectors("interpolate.json"))
def test_what_is_left_of_a_suggestion_is_what_the_vectors_say(case: dict[str, Any]) -> None:
    text = case["text"]
    typed = edit(case["typed"], text)
    left = edit(case["a"], text).interpolate(typed)
    if case["left"] is None:
        assert left is None
    else:
        assert left == edit(case["left"], typed.apply(text))
        assert left is not None
        assert left.apply(typed.apply(text)) == case["wanted"]


def test_texts_hash_as_the_vectors_say() -> None:
    for text, digest in vectors("text_hash.json"):
        assert text_hash(text) == digest


def test_utf16_offsets_are_what_the_vectors_say() -> None:
    for case in vectors("utf16.json"):
        units = Utf16(case["text"])
        assert [units.to_units(i) for i in range(len(case["text"]) + 1)] == case["units"]
        assert [units.to_code_points(u) for u in case["units"]] == list(range(len(case["units"])))


def test_the_typescript_protocol_is_generated_from_the_wire_as_it_is() -> None:
    script = ROOT / "labextension" / "scripts" / "generate_types.py"
    done = subprocess.run(
        [sys.executable, str(script), "--check"], capture_output=True, text=True, timeout=60
    )
    assert done.returncode == 0, done.stderr


def test_the_pages_rules_of_secrets_are_generated_from_ours_as_they_are() -> None:
    script = ROOT / "labextension" / "scripts" / "generate_rules.py"
    done = subprocess.run(
        [sys.executable, str(script), "--check"], capture_output=True, text=True, timeout=60
    )
    assert done.returncode == 0, done.stderr


def test_the_vectors_are_what_their_generator_writes() -> None:
    script = ROOT / "labextension" / "scripts" / "generate_vectors.py"
    done = subprocess.run(
        [sys.executable, str(script), "--check"], capture_output=True, text=True, timeout=60
    )
    assert done.returncode == 0, done.stderr


def test_secrets_are_what_the_vectors_say() -> None:
    """As one test: they are thousands, and each test costs more than a look at a text."""
    texts: list[tuple[str, bool]] = vectors("secrets.json")
    assert len(texts) > 1_000
    assert [text for text, secret in texts if holds_secret(text) is not secret] == []

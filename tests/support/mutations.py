"""Damaged requests and cells, from a seed: the same seed gives the same ones."""

from __future__ import annotations

import copy
import json
from collections.abc import Sequence
from pathlib import Path
from random import Random
from typing import Any

EXAMPLES = Path(__file__).parent.parent.parent / "examples"

# Characters that a parser, a counter or a regular expression may handle wrongly.
PIECES = (
    *("(", ")", "[", "]", "{", "}", '"', "'", '"""', "'''", "\\", "\n", "\r\n", "\t", " ", "#"),
    *("\0", "\ud800", "\udfff", "\ufeff", "\u202e", "\u200b", "e\u0301", "ﬁ", "😀", "ß", "İ", "ª"),
    *("%%bash\n", "%time ", "!ls {x} $y\n", "?x", "x?", "%%script python\n", "%%sql\n"),
    *("<|fim_prefix|>", "<|endoftext|>", "<|end|>", "</s>", "\x1b[31m", "\x07"),
    *("lambda: ", "async ", "await ", "yield ", "match x:\n case ", "def f(a, *, b=1, **c):\n "),
    *("f'{x!r:>{w}}'", "if (y := x): ", "class A(B, metaclass=C):\n ", "@d\n", "global x\n"),
    *("import os as np\n", "from . import *\n", "x.y.z", 'df["a"]', "x = y = z", "del x\n"),
    *("9" * 400, "1e999", "0x", "1_0", "j", "...", "->", ":=", "**", "//=", "<>", "`x`", "print x"),
    *('api_key = "sk-abcdefghijklmnopqrstuvwxyz012345"', "password='hunter2hunter2'", "AKIA" * 5),
)
LANGUAGES = ("python", "Python", "PYTHON", "r", "julia", "", "ir", "python3", "\0", "x" * 300)
VALUES: tuple[Any, ...] = (
    *(None, True, False, 0, -1, 1, 2**31, 2**53 + 1, 2**64, -(2**70), 10**400, 0.5, -0.0, 1e308),
    *("", "x", "\0", "\ud800", "a" * 70_000, [], {}, [[]], [None], {"": None}, [1] * 1_000),
    *(float("nan"), float("inf"), float("-inf")),
)


def cells_of_examples() -> list[str]:
    """The code cells of the notebooks that come with the product."""
    found: list[str] = []
    for path in sorted(EXAMPLES.glob("*.ipynb")):
        cells = json.loads(path.read_text(encoding="utf-8"))["cells"]
        found += ["".join(cell["source"]) for cell in cells if cell["cell_type"] == "code"]
    return found


def request(cells: Sequence[str], at: int, offset: int, **fields: Any) -> dict[str, Any]:
    return {
        "id": 1,
        "offsets": "code-point",
        "notebook": {
            "language": "python",
            "cells": [
                {"id": f"c{i}", "type": "code", "source": source} for i, source in enumerate(cells)
            ],
        },
        "cursor": {"cell": f"c{at}", "offset": offset},
        "history": [],
        "deadline_ms": 2_000,
        **fields,
    }


def mutated_source(source: str, random: Random) -> str:
    """A cell with up to six faults, at most 60 kB long."""
    for _ in range(random.randint(1, 6)):
        start = random.randint(0, len(source))
        end = min(len(source), start + random.choice((0, 1, 3, 20, 200)))
        kind = random.randrange(7)
        if kind == 0:
            source = source[:start] + source[end:]
        elif kind == 1:
            source = source[:start] + random.choice(PIECES) + source[start:]
        elif kind == 2:
            source = source[:end] + source[start:end] * random.choice((1, 2, 50)) + source[end:]
        elif kind == 3:
            piece = random.choice(PIECES) * random.choice((1, 10, 300, 3_000))
            source = source[:start] + piece + source[end:]
        elif kind == 4:
            lines = source.split("\n")
            random.shuffle(lines)
            source = "\n".join(lines)
        elif kind == 5 and end > start:
            source = source[:start] + random.choice('\n "(λ中') + source[end:]
        else:
            source = source[:start] + source[start:end].swapcase() + source[end:]
        source = source[:15_000]
    return source


def edited(random: Random, cells: Sequence[str]) -> dict[str, Any]:
    """A request in which a cell has just been changed, with faults in it and around it."""
    chosen = list(random.sample(cells, min(len(cells), random.randint(1, 6))))
    for i in range(len(chosen)):
        if random.random() < 0.6:
            chosen[i] = mutated_source(chosen[i], random)
    at = random.randrange(len(chosen))
    before, after = chosen[at], _retyped(chosen[at], random)
    chosen[at] = after
    event = {"cell": f"c{at}", "before": before, "after": after, "origin": "typed", "at": 1.0}
    return request(chosen, at, random.randint(0, len(after)), history=[event])


def _retyped(source: str, random: Random) -> str:
    """A plausible edit of a person: a word renamed everywhere or once, a piece typed or deleted."""
    words = [word for word in source.replace("(", " ").replace(".", " ").split() if word.isalnum()]
    if words and random.random() < 0.6:
        word = random.choice(words)
        return source.replace(word, f"{word}_2", random.choice((1, 1, -1)))[:15_000]
    at = random.randint(0, len(source))
    typed = random.choice((*PIECES, "x", "df.", "np.", "print("))
    return (source[:at] + typed + source[at:])[:15_000]


def mutated_body(seed: dict[str, Any], random: Random) -> bytes:
    """The bytes of a request with something wrong in its values, its shape or its bytes."""
    value = copy.deepcopy(seed)
    for _ in range(random.randint(1, 4)):
        _spoil(value, random)
    if random.random() < 0.1:
        value["notebook"] = {**seed["notebook"], "language": random.choice(LANGUAGES)}
    body = json.dumps(value).encode("ascii")
    if random.random() < 0.3:
        data = bytearray(body[:200_000])
        for _ in range(random.randint(1, 8)):
            at = random.randrange(max(1, len(data)))
            kind = random.randrange(4)
            if kind == 0 and data:
                data[min(at, len(data) - 1)] = random.randrange(256)
            elif kind == 1:
                del data[at : at + random.choice((1, 10, 1_000))]
            elif kind == 2:
                data[at:at] = random.randbytes(random.choice((1, 10)))
            else:
                data[at:at] = random.choice((b"[", b'{"a":', b'"', b"9", b"\\u")) * 2_000
        body = bytes(data)
    return body


def _spoil(value: dict[str, Any], random: Random) -> None:
    """Change one place in a JSON value, somewhere inside."""
    place: Any = value
    while True:
        keys: list[Any] = list(place) if isinstance(place, dict) else list(range(len(place)))
        if not keys:
            return
        key = random.choice(keys)
        if isinstance(place[key], dict | list) and place[key] and random.random() < 0.7:
            place = place[key]
            continue
        kind = random.randrange(4)
        if kind == 0:
            del place[key]
        elif kind == 1 and isinstance(place, dict):
            place[f"{key}{random.choice(('', 'x', chr(0)))}"] = copy.deepcopy(random.choice(VALUES))
        elif kind == 2 and isinstance(place, list):
            place.append(copy.deepcopy(place[key]))
        else:
            place[key] = copy.deepcopy(random.choice(VALUES))
        return

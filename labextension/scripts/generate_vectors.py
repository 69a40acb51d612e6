"""Writes tests/golden/vectors/*.json from the Python core: what both sides must agree on.

    python scripts/generate_vectors.py [--check]

`--check` writes nothing and exits 1 if a file is not what would be written.
Offsets are UTF-16 units, as on the wire to a browser. The cases are drawn from a fixed seed; texts
hold emoji, CR LF, combining marks and lone surrogates.
"""

from __future__ import annotations

import argparse
import json
import random
import sys
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[2]
VECTORS = ROOT / "tests" / "golden" / "vectors"
sys.path[:0] = [str(ROOT), str(ROOT / "tests" / "support")]

import secret_cases  # noqa: E402
import secret_families  # noqa: E402
import secret_forms  # noqa: E402
import secret_kinds  # noqa: E402
import secret_places  # noqa: E402
import secret_services  # noqa: E402
import secret_shapes  # noqa: E402

from nextedit_jupyter.core import Replacement, TextEdit, text_hash  # noqa: E402
from nextedit_jupyter.core.changes import HeldState, cell_digest  # noqa: E402
from nextedit_jupyter.core.redact import holds_secret  # noqa: E402
from nextedit_jupyter.core.wire import Utf16, decode_cells  # noqa: E402

PIECES = [
    "a",
    "b",
    "x = 1",
    "\n",
    "\r\n",
    "    ",
    "é",
    "e\u0301",
    "🙂",
    "👩‍🔬",
    "变量",
    "\U0001d4ea",
    "",
]
HASHED = [
    "",
    "x = 1",
    "é",
    "e\u0301",
    "naïve = '🙂'\r\n",
    "a\0b",
    "\ud83d",
    "ok \udc00 🙂",
    "x" * 1000,
]
# Keys are put together here, so that none stands in the source for a scanner to find.
_NOISE = "Zk81hQpLw02nVbRt77aaYeTuGx5mC3sD"
SECRETS = [
    f'key = "sk-ant-{_NOISE}"',
    f"AKIA{_NOISE[:16].upper()}",
    f"x AKIA{_NOISE[:15].upper()} y",
    f"os.environ['TOKEN'] = 'ghp_{_NOISE}'",
    f"glpat-{_NOISE[:20]}",
    f"client = Client('hf_{_NOISE}')",
    "-----BEGIN RSA " + "PRIVATE KEY-----",
    f"eyJ{_NOISE}.eyJ{_NOISE}.{_NOISE[:8]}",
    "engine = create_engine('postgresql://me:hunter2x@db.example.org/x')",
    "requests.get('https://example.org:8080/x@y')",
    f"api_key = '{_NOISE}'",
    f'API-KEY: "{_NOISE}"',
    'password = "correct horse battery staple"',
    'password = "correct horse 7 staple"',
    'password = "<your password>"',
    "token = 'xxxxxxxxxxxx'",
    "api_key = 'your_api_key'",
    "secret = 'aaaaaaaaaaaa'",
    "monkey = 'banana9split'",
    f"%env API_TOKEN={_NOISE}",
    f"export DB_PASSWORD={_NOISE}",
    f"  SECRET_KEY {_NOISE}",
    "%env MY_TOKEN=$OTHER_TOKEN",
    f"headers = {{'Authorization': 'Bearer {_NOISE}'}}",
    "basic tokenisation of a sentence",
    "tokens = tokenizer.encode('some text')",
    "df['token'] = df['text'].str.split()",
    "key = 'column_name'\nvalue = 3",
    f"commit = '{_NOISE.lower()}'",
    f"пароль_token = 'pä{_NOISE[:8]}'",
    f"# 🙂 password='{_NOISE[:10]}'",
    "",
    *secret_cases.SECRETS.values(),
    *secret_cases.VARIANTS,
    *secret_shapes.SHAPES.values(),
    *secret_cases.PLAIN,
    *secret_kinds.SHAPES.values(),
    *secret_kinds.HARMLESS.values(),
    *(text for _, text in secret_forms.filled(0)),
    *(text for _, _, text in secret_families.filled(0)),
    *(text for _, text in secret_places.filled(3)),
    *secret_places.HARMLESS,
    *(text for _, text in secret_services.filled(0)),
    *secret_services.harmless(0),
]


def wire(edit: TextEdit | None, text: str) -> list[list[Any]] | None:
    if edit is None:
        return None
    units = Utf16(text)
    return [[units.to_units(r.start), units.to_units(r.end), r.text] for r in edit]


def some_text(rng: random.Random) -> str:
    return "".join(rng.choice(PIECES) for _ in range(rng.randrange(12)))


def some_edit(rng: random.Random, text: str) -> TextEdit:
    cuts = sorted(rng.randrange(len(text) + 1) for _ in range(2 * rng.randrange(1, 4)))
    pairs = zip(cuts[::2], cuts[1::2], strict=True)
    return TextEdit(tuple(Replacement(a, b, rng.choice(PIECES)) for a, b in pairs))


def text_edits(rng: random.Random, count: int) -> list[dict[str, Any]]:
    """Random edits `a`, `other` of `text` and `b` after `a`, and what becomes of them."""
    cases = []
    for _ in range(count):
        text = some_text(rng)
        a, other = some_edit(rng, text), some_edit(rng, text)
        after = a.apply(text)
        b = some_edit(rng, after)
        cases.append(
            {
                "text": text,
                "a": wire(a, text),
                "b": wire(b, after),
                "other": wire(other, text),
                "applied": after,
                "inverse": wire(a.invert(text), after),
                "composed": wire(a.compose(b), text),
                "composed_applied": b.apply(after),
                "rebased": wire(a.rebase(other), other.apply(text)),
                "mapped": [Utf16(after).to_units(a.map_offset(at)) for at in range(len(text) + 1)],
                "offsets": [Utf16(text).to_units(at) for at in range(len(text) + 1)],
            }
        )
    return cases


def interpolations(rng: random.Random, count: int) -> list[dict[str, Any]]:
    """What is left of suggestion `a` after `typed`, null if something else was typed."""
    cases = []
    for _ in range(count):
        text = some_text(rng)
        a = some_edit(rng, text)
        typed = some_edit(rng, text)
        if a and rng.random() < 0.7:
            r = rng.choice(a.replacements)
            end = rng.randrange(r.start, r.end + 1)
            typed = TextEdit.replace(r.start, end, r.text[: rng.randrange(len(r.text) + 1)])
        left = a.interpolate(typed)
        cases.append(
            {
                "text": text,
                "a": wire(a, text),
                "typed": wire(typed, text),
                "left": wire(left, typed.apply(text)),
                "wanted": a.apply(text),
            }
        )
    return cases


def digests() -> list[list[Any]]:
    """Cells as they are sent, their digests, and last all of them with the hash of the state."""
    cells: list[dict[str, Any]] = [
        {"id": f"c{i}", "type": "code", "source": text, "execution_count": i or None}
        for i, text in enumerate(HASHED)
    ]
    cells += [
        {"id": "é🙂", "type": "markdown", "source": "x", "tags": ["a", "", "\ud83d"]},
        {"id": "locked", "type": "raw", "source": "x", "editable": False},
        {"id": "bare", "type": "code", "source": "x"},
    ]
    known = decode_cells({"cells": cells})
    found = [[wire, cell_digest(cell).hex()] for wire, cell in zip(cells, known, strict=True)]
    return [*found, [cells, HeldState.of(known).hash]]


def render() -> dict[str, Any]:
    rng = random.Random(20)
    return {
        "text_edit.json": text_edits(rng, 120),
        "interpolate.json": interpolations(rng, 80),
        "between.json": [[some_text(rng), some_text(rng)] for _ in range(80)],
        "cell_digest.json": digests(),
        "secrets.json": [[text, holds_secret(text)] for text in SECRETS],
        "text_hash.json": [[text, text_hash(text)] for text in HASHED],
        "utf16.json": [
            {"text": text, "units": [Utf16(text).to_units(i) for i in range(len(text) + 1)]}
            for text in (*PIECES, *HASHED[:8], *(some_text(rng) for _ in range(20)))
        ],
    }


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--check", action="store_true", help="compare, write nothing")
    is_check = parser.parse_args().check
    VECTORS.mkdir(parents=True, exist_ok=True)
    stale = []
    for name, cases in render().items():
        lines = ",\n".join(json.dumps(case) for case in cases)
        text, path = f"[\n{lines}\n]\n", VECTORS / name
        if is_check:
            stale += [name] if not path.exists() or path.read_text() != text else []
        else:
            path.write_text(text)
    if stale:
        print(f"{', '.join(stale)}: run scripts/generate_vectors.py", file=sys.stderr)
    return 1 if stale else 0


if __name__ == "__main__":
    raise SystemExit(main())

"""Scripts, marks and line ends of every sort at the caret: edits in either unit say the same."""

from __future__ import annotations

import json
import re
from dataclasses import replace
from random import Random
from typing import Any

import pytest
from mutations import cells_of_examples, request

from nextedit_jupyter.core.request import Bounds
from nextedit_jupyter.core.wire import decode_request, encode_answer
from nextedit_jupyter.suggest import Suggester

# Right to left, marks without width, combining and astral letters, two that fold into others,
# ligatures, digits that are none of ours, line ends that Python has and editors do not.
PIECES = (
    *("\u202e", "\u200f", "\u200b", "\ufeff", "e\u0301", "\U0001f600", "\U0001d4ea", "👩\u200d🔬"),
    *("עברית", "العربية", "ﬁ", "ß", "İ", "ı", "\u2028", "\u2029", "\x85", "\x0c", "\x1c", "\u00a0"),
    *("变量", "\ud800", "\udc00", "K", "ſ", "\r\n", "\r", "\x00", "½", "²", "٣", "\u3000"),
    *('"\u202e"', "# \U0001f600", 'f"{\U0001d4ea}"', "{\U0001f600}"),
)
ENDS = ("2", "é", "变", "\U0001d4ea", "ﬁ", "_x", "İ", "\u0301")


def spiced(text: str, draw: Random) -> str:
    for _ in range(draw.randint(1, 8)):
        at = draw.randint(0, len(text))
        text = text[:at] + draw.choice(PIECES) + text[at:]
    return text


def renamed_in(text: str, draw: Random) -> tuple[str, int]:
    """The text after a word was changed by hand, and where the caret is then."""
    words = re.findall(r"\w+", text)
    if not words:
        return text + "x", len(text) + 1
    word = draw.choice(words)
    at = text.find(word)
    new = word + draw.choice(ENDS)
    return text[:at] + new + text[at + len(word) :], at + len(new)


def units(text: str) -> int:
    return len(text.encode("utf-16-le", "surrogatepass")) // 2


def part(text: str, start: int, end: int) -> tuple[str, str]:
    raw = text.encode("utf-16-le", "surrogatepass")
    return tuple(  # type: ignore[return-value]
        piece.decode("utf-16-le", "surrogatepass") for piece in (raw[: 2 * start], raw[2 * end :])
    )


def applied(cell: str, edits: list[dict[str, Any]], utf16: bool) -> str:
    for edit in sorted(edits, key=lambda one: -one["start"]):
        start, end = edit["start"], edit["end"]
        before, after = part(cell, start, end) if utf16 else (cell[:start], cell[end:])
        cell = before + edit["text"] + after
    return cell


@pytest.mark.parametrize("utf16", [True, False], ids=["utf-16", "code points"])
def test_edits_on_the_wire_are_the_edits_that_were_meant(utf16: bool) -> None:
    cells = [cell[:1_500] for cell in cells_of_examples()]
    suggester, compared = Suggester(None, None), 0
    for seed in range(60):
        draw = Random(seed)
        chosen = [spiced(one, draw) for one in draw.sample(cells, min(len(cells), 3))]
        before = chosen[0]
        chosen[0], caret = renamed_in(before, draw)
        event = {"cell": "c0", "before": before, "after": chosen[0], "origin": "typed", "at": 1.0}
        sent = request(chosen, 0, units(chosen[0][:caret]) if utf16 else caret, history=[event]) | {
            "offsets": "utf-16" if utf16 else "code-point"
        }
        asked = replace(decode_request(sent, Bounds()), deadline_ms=600_000.0)
        answer = suggester.answer(asked)
        wire = json.loads(
            json.dumps(encode_answer(answer, asked, "utf-16" if utf16 else "code-point"))
        )
        for told, meant in zip(wire["suggestions"], answer.suggestions, strict=True):
            for change in meant.edits:
                cell = asked.notebook.cell(change.cell)
                assert cell is not None
                mine = [edit for edit in told["edits"] if edit["cell"] == change.cell]
                assert applied(cell.source, mine, utf16) == change.edit.apply(cell.source)
                compared += 1
    assert compared > 10

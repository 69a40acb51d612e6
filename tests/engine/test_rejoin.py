"""A next edit ends where its new lines go on as the old text does."""

from __future__ import annotations

from pathlib import Path

import pytest
from tiny_engine import complete, new_engine, prompt_of

from nextedit_jupyter.engine.rejoin import Rejoin
from nextedit_jupyter.prompt.control import END, NEW

DOCUMENT = b"a = 1\nb = a\nc = a + b\nprint(c)\nplot(c)\nshow()\n"


def test_two_lines_that_follow_the_old_ones_end_the_change() -> None:
    rejoin = Rejoin(DOCUMENT, b"b = a\n")
    assert rejoin.cut(b"b = 2 * a\n") is None
    assert rejoin.cut(b"b = 2 * a\nc = a + b\n") is None
    assert rejoin.cut(b"b = 2 * a\nc = a + b\nprint(c)\n") == b"b = 2 * a"


def test_blank_lines_do_not_count() -> None:
    rejoin = Rejoin(b"a = 1\n\nb = 2\n\nc = 3\n", b"a = 1")
    assert rejoin.cut(b"a = 0\n\nb = 2\n") is None
    assert rejoin.cut(b"a = 0\n\nb = 2\n\nc = 3\n") == b"a = 0"


def test_old_lines_that_stand_twice_or_nowhere_are_not_followed() -> None:
    assert Rejoin(b"x\ny\nz\nx\ny\nz\n", b"x").cut(b"w\ny\nz\n") is None
    assert Rejoin(DOCUMENT, b"d = 4").cut(b"w\nc = a + b\nprint(c)\n") is None
    assert Rejoin(DOCUMENT, b"").cut(b"a = 1\nb = a\n") is None


def test_a_half_line_is_no_line() -> None:
    assert Rejoin(DOCUMENT, b"b = a\n").cut(b"b = 2\nc = a + b\nprint(c)") is None
    assert Rejoin(DOCUMENT, b"b = ").cut(b"b = 2\nc = a + b\nprint(c)\n") is None


def test_generation_stops_and_the_repeated_lines_are_cut(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    engine = new_engine(tmp_path)
    tokenizer = engine._tokenizer
    new, end = tokenizer.control(NEW), tokenizer.control(END)
    document = tuple(tokenizer.encode(DOCUMENT.decode()))
    says = [*tokenizer.encode("b = a\n"), new]
    says += tokenizer.encode("b = 2 * a\nc = a + b\nprint(c)\nplot(c)\n")
    run = engine._decoder.run
    prompt = prompt_of(range(40, 60), kind="next_edit")

    def scripted(slot: object, ids: list[int], position: int, start: int) -> object:
        logits = run(slot, ids, position, start).copy()  # type: ignore[arg-type]
        for row in range(len(logits)):
            at = position + start + row - len(prompt.ids) + 1
            logits[row] = 0
            logits[row, says[at]] = 9
        return logits

    monkeypatch.setattr(engine._decoder, "run", scripted)
    answer = complete(engine, prompt, len(says) - 2, rejoin=document)
    assert answer.finish == "rejoined"
    assert answer.ids[-1] == end
    at = answer.ids.index(new)
    assert tokenizer.decode(answer.ids[:at]) == "b = a\n"
    assert tokenizer.decode(answer.ids[at + 1 : -1]) == "b = 2 * a"
    assert answer.tokens.generated < len(says)

"""Every file in `tests/golden/rename`: a notebook, an edit or a command, and the answer.

    What happens, in a sentence.

    === cell a                      a code cell with id `a`; `count 3`, `markdown` may follow
    y = 1
    === cell b
    print(y)
    === kernel                      what the kernel knows: `name: type [subscripts]`, `runs: a b`
    y: int
    === edit a typed                the whole text of the cell after the edit; ‸ is the caret
    x‸ = 1
    === answer
    rename y to x: 1 place in 1 cell
    b:1 - print(y)
    b:1 + print(x)

`=== rename b to z` is the explicit command, its text the cell's with the caret in it. Answers are
rewritten with `pytest tests/suggest --update-goldens`; read the diff.
"""

from __future__ import annotations

from collections.abc import Iterator
from difflib import SequenceMatcher
from pathlib import Path

import pytest
from golden_cases import RENAMES, read_rename

from nextedit_jupyter.core import (
    CellEdit,
    Notebook,
    Silence,
    Suggestion,
    SuggestRequest,
    text_hash,
)
from nextedit_jupyter.suggest.symbols import SymbolsLane


def write(request: SuggestRequest, answer: list[Suggestion] | Silence) -> str:
    """An answer as people read it."""
    if isinstance(answer, Silence):
        return f"silence {answer.reason}: {answer.detail}\n"
    lines = []
    for suggestion in answer:
        lines.append(suggestion.label)
        lines += changed_lines(request.notebook, suggestion.edits)
        if suggestion.optional:
            lines.append("optional:")
            lines += changed_lines(request.notebook, suggestion.optional)
        lines += [f"note: {note}" for note in suggestion.notes]
    return "\n".join(lines) + "\n"


def changed_lines(notebook: Notebook, edits: tuple[CellEdit, ...]) -> Iterator[str]:
    for change in edits:
        cell = notebook.cell(change.cell)
        assert cell is not None
        assert change.base == text_hash(cell.source)
        before = cell.source.split("\n")
        after = change.edit.apply(cell.source).split("\n")
        for tag, i1, i2, j1, j2 in SequenceMatcher(None, before, after, False).get_opcodes():
            if tag == "equal":
                continue
            yield from (f"{cell.id}:{i + 1} - {before[i]}" for i in range(i1, i2))
            yield from (f"{cell.id}:{i1 + 1 + j - j1} + {after[j]}" for j in range(j1, j2))


@pytest.mark.parametrize("path", RENAMES, ids=lambda path: path.stem)
def test_the_symbols_lane_answers_as_the_golden_file_says(
    path: Path, request: pytest.FixtureRequest
) -> None:
    text = path.read_text(encoding="utf-8")
    asked = read_rename(text)
    answer = write(asked, SymbolsLane().suggest(asked)).replace("\r", "␍")
    head, _, expected = text.partition("=== answer\n")
    if request.config.getoption("--update-goldens"):
        path.write_text(f"{head}=== answer\n{answer}", encoding="utf-8")
        return
    assert answer == expected


def test_there_are_enough_goldens_and_enough_of_them_are_refusals() -> None:
    answers = [path.read_text(encoding="utf-8").partition("=== answer\n")[2] for path in RENAMES]
    assert len(answers) >= 120
    assert sum(answer.startswith("silence") for answer in answers) >= 25

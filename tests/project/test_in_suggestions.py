"""What the folder says reaches ghost text and prompts."""

from __future__ import annotations

from pathlib import Path

import pytest
from prompt_letters import Letters

from nextedit_jupyter.core import Answer, Caret, Cell, Nearby, Notebook, Place, SuggestRequest
from nextedit_jupyter.project.below_root import Root
from nextedit_jupyter.project.folder import Folder
from nextedit_jupyter.prompt import get_format
from nextedit_jupyter.suggest.suggester import Suggester

HELPERS = '''\
def load_table(path, *, separator=","):
    """Read a table."""


class Forecast:
    def __init__(self, horizon):
        self.horizon = horizon

    def predict_next(self, steps): ...
'''


def ghost(root: Path, *cells: str) -> str:
    made = tuple(Cell(f"c{i}", "code", text) for i, text in enumerate(cells))
    request = SuggestRequest(
        Notebook("python", made),
        Caret(made[-1].id, len(cells[-1])),
        want=("inline",),
        place=Place("a.ipynb"),
    )
    folder = Folder(Root(str(root)), run=lambda work: work())
    answer: Answer = Suggester().answer(folder.enrich(request))
    return "".join(r.text for s in answer.suggestions for change in s.edits for r in change.edit)


@pytest.mark.parametrize(
    ("imports", "typed", "left"),
    [
        ("import helpers", "t = helpers.load", "_table"),
        ("import helpers as h", "t = h.load", "_table"),
        ("import helpers", "f = helpers.Fore", "cast"),
        ("from helpers import load_table", "t = load_table('a.csv', sepa", "rator="),
        ("import helpers", "t = helpers.load_table('a.csv', sepa", "rator="),
        ("from helpers import *", "t = load_table('a.csv', sepa", "rator="),
        ("from helpers import Forecast", "f = Forecast(hori", "zon="),
    ],
)
def test_what_a_local_module_defines_is_offered_without_a_kernel(
    tmp_path: Path, imports: str, typed: str, left: str
) -> None:
    (tmp_path / "helpers.py").write_text(HELPERS)
    assert ghost(tmp_path, imports, typed) == left


def test_what_a_local_module_lacks_is_not_offered(tmp_path: Path) -> None:
    (tmp_path / "helpers.py").write_text(HELPERS)
    assert ghost(tmp_path, "import helpers", "t = helpers.save") == ""


class AllLetters(Letters):
    """Whose tokens all have bytes, lone surrogates too."""

    def token_bytes(self, id: int) -> bytes:
        return b"x"


@pytest.mark.parametrize("format", ["cells-spm-v1", "edit-span-told-v1", "plain-ltr-v1"])
def test_stubs_and_pieces_stand_before_the_cells(format: str) -> None:
    cells = (Cell("a", "code", "first_cell = 1"), Cell("b", "code", "second"))
    near = (
        Nearby("helpers.py", "def stub_of_mine(a): ...", "module"),
        Nearby("other.ipynb", "piece_of_other = 2", "piece"),
    )
    request = SuggestRequest(Notebook("python", cells), Caret("b", 6), nearby=near)
    tokenizer = AllLetters()
    text = tokenizer.decode(get_format(format).inline(request, tokenizer, 1_024).ids)
    words = ("piece_of_other", "# helpers.py\ndef stub_of_mine", "first_cell")
    at = [text.index(word) for word in words]
    assert at == sorted(at), text


def test_a_keystroke_leaves_the_prompts_beginning_as_it_is(tmp_path: Path) -> None:
    (tmp_path / "helpers.py").write_text(HELPERS)
    (tmp_path / "other.py").write_text(
        "def draw(forecast, horizon):\n    return forecast * horizon\n"
    )
    folder = Folder(Root(str(tmp_path)), run=lambda work: work())
    tokenizer, prompts = Letters(), []
    line = "forecast = Forecast(horizon"
    for end in range(len(line) + 1):
        cells = (Cell("a", "code", "from helpers import *"), Cell("b", "code", line[:end]))
        request = SuggestRequest(Notebook("python", cells), Caret("b", end), place=Place("a.ipynb"))
        prompt = get_format("cells-spm-v1").inline(folder.enrich(request), tokenizer, 1_024)
        prompts.append(tokenizer.decode(prompt.ids))
    assert "load_table" in prompts[0]
    head = prompts[0].rstrip()
    assert all(prompt.startswith(head) for prompt in prompts)

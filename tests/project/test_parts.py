"""Cells of a file that are switched off are not read."""

from __future__ import annotations

import pytest

from nextedit_jupyter.project.parts import is_guarded, without_off
from nextedit_jupyter.project.pieces import pieces_of

OFF = '# %% Keys tags=["nextedit-off"]\nkey = "mine"\n'
ON = '# %% tags=["parameters"]\nwidth = 1\n'


def test_the_text_around_a_cell_that_is_off_stays_as_it_is() -> None:
    assert without_off("import os\n" + OFF + ON + OFF) == "import os\n" + ON
    assert without_off(OFF) == ""
    assert without_off("import os\n" + ON) == "import os\n" + ON


@pytest.mark.parametrize(
    ("head", "is_it"),
    [
        ('# %% tags=["nextedit-off"]', True),
        ("#%% [markdown] tags = ['x', 'nextedit-off']", True),
        ("# %% editable=False", True),
        ('# %% tags=["nextedit-offset"]', False),
        ("# %% nextedit-off", False),
        ('# %%time tags=["nextedit-off"]', False),
        ("# In[3]:", False),
        ('x = "# %% editable=false"', False),
    ],
)
def test_a_mark_says_whether_a_cell_is_off_or_locked(head: str, is_it: bool) -> None:
    assert is_guarded(f"x = 1\n{head}\ny = 2\n") is is_it


def test_no_piece_is_made_of_a_cell_that_is_off() -> None:
    body = "def shown_function(first, second):\n    return first + second\n"
    hidden = body.replace("shown", "hidden")
    found = pieces_of("a.py", f"{body}\n{OFF.splitlines()[0]}\n{hidden}")
    assert [("hidden" in piece.text) for piece in found] == [False]

"""Members of the notebook's classes that the judge decides about: each class changes as a whole."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from offering import Trees, after, request

NET = """class {0}(nn.Module):
    def __init__(self):
        super().__init__()
        self.fc = Linear(2, 3)
    def forward(self, x):
        return self.fc(x)"""
ONE, TWO = NET.format("One"), NET.format("Two")


def test_a_member_is_not_set_under_one_name_and_read_under_another() -> None:
    now = ONE.replace("self.fc", "self.dense")
    first = ONE.replace("self.fc =", "self.dense =")
    for level in (0.45, 0.7, 0.9):
        found = after(request([now, TWO], (0, ONE, first), (0, first, now)), Trees(level))[1]
        assert found in (TWO, TWO.replace("self.fc", "self.dense"))


def test_no_other_class_changes_where_that_of_the_edit_does_not() -> None:
    class Doubts(Trees):
        def values(self, rows: NDArray[np.float32]) -> NDArray[np.float32]:
            found = super().values(rows)
            found[-2:] = 0.1  # the places that were left alone in the edited cell
            return found

    used = "net = One()\nnet.fc.weight, other.fc"
    now = ONE.replace("self.fc(x)", "self.dense(x)")
    asked = request([now, TWO, used], (0, ONE, now))
    assert after(asked, Doubts(0.6))[1:] == [TWO, used]


def test_a_function_that_is_called_like_a_changed_member_keeps_its_name() -> None:
    cells = ["x = model.decoding(z)", "def decode(z):\n    return z", "y = decode(x)"]
    asked = request(cells, (0, "x = model.decode(z)", cells[0]))
    assert after(asked, Trees(0.95)) == cells


def test_a_value_that_is_named_like_a_changed_keyword_keeps_its_name() -> None:
    cells = ["path = 'a.txt'", "load(file=path)", "store(x, path=path)"]
    asked = request(cells, (1, "load(path=path)", cells[1]))
    assert after(asked, Trees(0.95)) == [*cells[:2], "store(x, file=path)"]

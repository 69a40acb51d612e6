"""A definition and its uses change together or not at all, however the judge weighs each place."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray
from offering import Trees, after, offers, request

DOUBTS = Trees(0.1)


@pytest.mark.parametrize(
    ("before", "now", "becomes"),
    [
        (
            "for x, y in zip(a, b):\n    plot([x], [y, y])",
            "for x, level in zip(a, b):\n    plot([x], [y, y])",
            "for x, level in zip(a, b):\n    plot([x], [level, level])",
        ),
        (
            "log(loss=lambda x: x['g'],\n    by=lambda x: x + 1)",
            "log(loss=lambda x: x['g'],\n    by=lambda row: x + 1)",
            "log(loss=lambda x: x['g'],\n    by=lambda row: row + 1)",
        ),
        (
            "with open(p) as f, open(q) as g:\n    g.write(f.read())",
            "with open(p) as f, open(q) as out:\n    g.write(f.read())",
            "with open(p) as f, open(q) as out:\n    out.write(f.read())",
        ),
        ("(a, b) = f()\nprint(a, b)", "(a, total) = f()\nprint(a, b)", None),
    ],
)
def test_what_a_definition_binds_is_proved_wherever_it_is_in_its_line(
    before: str, now: str, becomes: str | None
) -> None:
    asked = request([now, "pass"], (0, before, now))
    assert after(asked, DOUBTS)[0] == (becomes or "(a, total) = f()\nprint(a, total)")


class Doubtful(Trees):
    """Trees that find the first places likely, in the order in which they are found."""

    def __init__(self, *levels: float) -> None:
        super().__init__(0.0)
        self.levels = levels

    def values(self, rows: NDArray[np.float32]) -> NDArray[np.float32]:
        rest = (self.levels[-1],) * max(0, len(rows) - len(self.levels))
        return np.array([*self.levels, *rest][: len(rows)], np.float32)


@pytest.mark.parametrize(
    ("was", "now", "again"),
    [
        ("import numpy as np", "import numpy as xp", ["import numpy as np", "y = np.zeros(2)"]),
        (
            "from skimage import data",
            "from skimage import pics",
            ["from skimage import data", "data.moon()"],
        ),
        (
            "fig = show(a)",
            "shown = show(a)",
            ["for i in range(3):\n    fig = show(b)\n    fig.hide(1)"],
        ),
        (
            "fig = pair(a, b)",
            "both = pair(a, b)",
            ["fig = pair(c, d)", "print(len(fig))\nfig.sort()"],
        ),
    ],
)
@pytest.mark.parametrize("levels", [(0.9, 0.1), (0.95, 0.1, 0.3)])
def test_a_binding_does_not_change_without_what_reads_it(
    was: str, now: str, again: list[str], levels: tuple[float, ...]
) -> None:
    asked = request([now, *again], (0, was, now))
    assert after(asked, Doubtful(*levels))[1:] == again


def test_a_place_that_is_changed_is_not_also_listed() -> None:
    was, now = "pairs = join(a, b)", "pairs_ab = join(a, b)"
    cells = [now, "pairs.sort()", "pairs = join(a, b)", "pairs.sort()"]
    asked = request(cells, (0, was, now))
    first = offers(asked, Trees(0.95))[0]
    changed = {(c.cell, r.start) for c in first.edits for r in c.edit}
    assert first.label == "change `pairs` to `pairs_ab`: 3 places in 3 cells"
    assert not changed & {(c.cell, r.start) for c in first.optional for r in c.edit}
    assert not any("left alone" in note for note in first.notes)

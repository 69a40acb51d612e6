"""A definition and its uses change together or not at all, however the judge weighs each place."""

from __future__ import annotations

import pytest
from offering import Trees, after, request

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

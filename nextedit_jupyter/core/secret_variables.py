"""Literals that reach what is named like a secret through a variable: for `secret_names`.

`p = "…"` and then `connect(password=p)`. The page's port is `labextension/src/secretVariables.ts`.
"""

from __future__ import annotations

from nextedit_jupyter.core.secret_literals import Literal, LiteralReader
from nextedit_jupyter.core.secret_rules import expression

_MAX_ASSIGNED = 5  # assignments of one variable


class Variables:
    """The variables of one text that are assigned literals; read when one is first asked for."""

    def __init__(self, text: str) -> None:
        self._text = text
        self._assigned: dict[str, list[tuple[int, int]]] | None = None

    def given(self, at: int) -> list[Literal]:
        """The literals that the variable at `at` is assigned; none if that is no variable."""
        match = expression("variable").match(self._text, at)
        if match is None:
            return []
        if self._assigned is None:
            self._assigned = self._read()
        found: list[Literal] = []
        for index, start in self._assigned.get(match[1], ()):
            literals = LiteralReader(self._text, start, in_tuple=index > 0).read()
            found += literals[index : index + 1]
        return found

    def _read(self) -> dict[str, list[tuple[int, int]]]:
        """For each variable, its position among the targets and where the values begin."""
        found: dict[str, list[tuple[int, int]]] = {}
        for match in expression("assigned").finditer(self._text):
            for index, name in enumerate(match[1].split(",")):
                known = found.setdefault(name.strip(" \t"), [])
                if len(known) < _MAX_ASSIGNED:
                    known.append((index, match.end()))
        return found

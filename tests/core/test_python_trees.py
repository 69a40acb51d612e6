"""Syntax trees of texts that may be anything, while other threads compile too."""

from __future__ import annotations

import ast
from typing import Any

import pytest

from nextedit_jupyter.core.python_trees import python_tree


@pytest.mark.parametrize(
    "text", ["x = (", "x = \0", "(" * 5_000 + ")" * 5_000, "def f(:", "\ud800"]
)
def test_what_does_not_parse_has_no_tree(text: str) -> None:
    assert python_tree(text) is None


def test_a_text_and_an_expression_have_one() -> None:
    assert isinstance(python_tree("import os\nx = 1"), ast.Module)
    assert isinstance(python_tree("x + 1", "eval"), ast.Expression)
    assert python_tree("x = 1", "eval") is None


@pytest.mark.parametrize(("failures", "is_found"), [(1, True), (2, True), (3, False)])
def test_a_compiler_that_another_thread_disturbed_is_asked_again(
    failures: int, is_found: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = []

    def disturbed(*arguments: Any, **more: Any) -> Any:
        asked.append(arguments)
        if len(asked) <= failures:
            raise SystemError("AST constructor recursion depth mismatch")
        return compile(*arguments, **more)

    monkeypatch.setattr("nextedit_jupyter.core.python_trees.compile", disturbed, raising=False)
    assert (python_tree("x = 1") is not None) == is_found

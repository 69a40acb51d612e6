"""Functions and modules are short enough to be read at once; what is longer has a reason here."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import nextedit_jupyter

ROOT = Path(nextedit_jupyter.__file__).resolve().parent.parent
PYTHON = ("nextedit_jupyter", "benchmarks", ".ci", "labextension/scripts", "labextension/src")
MODULE_LINES = 500
FUNCTION_LINES = 60

# What is longer, and why. An entry that is no longer needed fails.
LONG_MODULES = {
    "labextension/src/secretRules.ts": "generated from core/secret_rules.py",
}
LONG_FUNCTIONS = {
    "nextedit_jupyter/core/secret_names.py:_bare": "forms that exclude each other, as one list",
    "nextedit_jupyter/training/card.py:render_card": "the text of a page, read here as there",
}


def sources(*suffixes: str) -> Iterator[Path]:
    for folder in PYTHON:
        for path in sorted((ROOT / folder).rglob("*")):
            if path.suffix in suffixes and "labextension" not in path.relative_to(ROOT).parts[1:]:
                yield path


def longer_functions(text: str, most: int = FUNCTION_LINES) -> Iterator[str]:
    """Functions and methods of more lines than `most`, from `def` to their last line."""
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            lines = (node.end_lineno or node.lineno) - node.lineno + 1
            if lines > most:
                yield node.name


def test_no_module_has_more_than_500_lines() -> None:
    longer = {
        path.relative_to(ROOT).as_posix()
        for path in sources(".py", ".ts", ".tsx", ".mjs")
        if len(path.read_text(encoding="utf-8").splitlines()) > MODULE_LINES
    }
    assert longer == set(LONG_MODULES)


def test_no_function_has_more_than_60_lines() -> None:
    longer = {
        f"{path.relative_to(ROOT).as_posix()}:{name}"
        for path in sources(".py")
        for name in longer_functions(path.read_text(encoding="utf-8"))
    }
    assert longer == set(LONG_FUNCTIONS)


def test_a_long_function_is_found_wherever_it_is() -> None:
    body = "\n".join(f"        x = {i}" for i in range(FUNCTION_LINES))
    text = f"class A:\n    async def long(self):\n{body}\n\n    def short(self):\n        x = 1\n"
    assert list(longer_functions(text)) == ["long"]

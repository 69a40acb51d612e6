"""Classifies an edit by its lines, and checks whether it changes code at all."""

from __future__ import annotations

import ast
import re
from typing import Literal, get_args

from nextedit_jupyter.training.kernel_names import parse_cell

ChangeKind = Literal[
    "rename", "signature", "call", "literal", "insertion", "deletion", "other", "none"
]
CHANGE_KINDS: tuple[ChangeKind, ...] = get_args(ChangeKind)
SUMMARIES: dict[ChangeKind, str] = {
    "rename": "renamed a name",
    "signature": "modified function signature",
    "call": "changed a call",
    "literal": "changed a literal",
    "insertion": "inserted lines",
    "deletion": "deleted lines",
    "other": "changed code",
    "none": "changed nothing",
}

_TOKEN = re.compile(
    r"[rbfuRBFU]{0,2}(?:'(?:\\.|[^'\\\n])*'|\"(?:\\.|[^\"\\\n])*\")"
    r"|\d[\w.]*|[^\W\d]\w*|\S",
)
_DEFINITION = re.compile(
    r"^\s*(?:async\s+)?(?:def|class)\s+(\w+)\s*(\(.*)?", re.DOTALL | re.MULTILINE
)
_NAME = re.compile(r"[^\W\d]\w*")


def classify(old: str, new: str) -> ChangeKind:
    """The kind of a change of whole lines `old` to whole lines `new`."""
    if not old.strip() and not new.strip():
        return "none"
    if not old.strip():
        return "insertion"
    if not new.strip():
        return "deletion"
    was, now = _TOKEN.findall(old), _TOKEN.findall(new)
    if was == now:
        return "other"
    if len(was) == len(now):
        differ = [(a, b) for a, b in zip(was, now) if a != b]
        names = all(_NAME.fullmatch(a) and _NAME.fullmatch(b) for a, b in differ)
        if names and len(set(differ)) == 1:
            return "rename"
        if all(_is_literal(a) and _is_literal(b) for a, b in differ):
            return "literal"
    if _signature_changed(old, new):
        return "signature"
    if _inside_call(was, now):
        return "call"
    return "other"


def changes_code(before: str, after: str) -> bool:
    """Whether more than whitespace, comments and docstrings differ; magics count as code."""
    trees = parse_cell(before), parse_cell(after)
    if trees[0] is not None and trees[1] is not None:
        magics = [re.findall(r"^\s*[%!?].*$|^.*\?$", text, re.M) for text in (before, after)]
        return magics[0] != magics[1] or _shape(trees[0]) != _shape(trees[1])
    return _bare(before) != _bare(after)


def _is_literal(token: str) -> bool:
    return token[0].isdigit() or token[-1] in "'\"" or token in ("True", "False", "None")


def _signature_changed(old: str, new: str) -> bool:
    was, now = _DEFINITION.search(old), _DEFINITION.search(new)
    if was is None or now is None or was[1] != now[1]:
        return False
    return _parameters(was[2] or "") != _parameters(now[2] or "")


def _parameters(text: str) -> list[str]:
    """The tokens of a parameter list and what follows it, up to the colon of the definition."""
    depth, found = 0, []
    for token in _TOKEN.findall(text):
        depth += (token in "([{") - (token in ")]}")
        if token == ":" and depth == 0:
            break
        found.append(token)
    return found


def _inside_call(was: list[str], now: list[str]) -> bool:
    """Whether the first and the last differing token are within the brackets of the same call."""
    head = 0
    while head < min(len(was), len(now)) and was[head] == now[head]:
        head += 1
    tail = 0
    while tail < min(len(was), len(now)) - head and was[-1 - tail] == now[-1 - tail]:
        tail += 1
    opened: list[bool] = []  # for each open bracket, whether it is a call's
    for at, token in enumerate(now[:head]):
        if token in ("(", "[", "{"):
            before = now[at - 1] if at else ""
            callable_ = bool(_NAME.fullmatch(before)) or before in (")", "]")
            opened.append(token == "(" and callable_ and before not in _KEYWORDS)
        elif token in (")", "]", "}") and opened:
            opened.pop()
    if not any(opened):
        return False
    # The difference must not close more than it opens, or another expression would begin in it.
    depth = 0
    for token in now[head : len(now) - tail]:
        depth += (token in ("(", "[", "{")) - (token in (")", "]", "}"))
        if depth < 0:
            return False
    return True


_KEYWORDS = frozenset(("if", "while", "return", "in", "and", "or", "not", "for", "def"))


def _shape(tree: ast.Module) -> str:
    for node in ast.walk(tree):
        if not isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef):
            continue
        if node.body and _is_docstring(node.body[0]):
            node.body = node.body[1:]
    return ast.dump(tree)


def _bare(text: str) -> list[str]:
    return [line.strip() for line in text.split("\n") if line.strip() and line.strip()[0] != "#"]


def _is_docstring(node: ast.stmt) -> bool:
    return (
        isinstance(node, ast.Expr)
        and isinstance(node.value, ast.Constant)
        and isinstance(node.value.value, str)
    )

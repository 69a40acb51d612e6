"""Finds every regular expression of the package, and texts on which a bad one takes forever.

An expression counts by how it is used: one that is only matched at a place is tried there, one that
searches is tried from each place of a text.
"""

from __future__ import annotations

import ast
import importlib
import pkgutil
import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from re import _constants as codes  # type: ignore[attr-defined]
from re import _parser as parser  # type: ignore[attr-defined]
from types import ModuleType
from typing import Any

import nextedit_jupyter

# Where texts of the user come by. Training and evals read corpora, with nobody waiting.
PACKAGES = (
    "core analysis prompt engine bundles suggest worker kernel terminal server cli".split()  # noqa: SIM905
)
METHODS = ("compile", "search", "match", "fullmatch", "finditer", "findall", "sub", "subn", "split")
ANCHORED = frozenset(("match", "fullmatch"))
LONG = 12_000  # characters: a quadratic expression takes a second for one text
# Expressions that see a cut of the text alone, by the lines that cut it.
LONGEST = {
    "nextedit_jupyter.prompt.healing": 40,  # MAX_HEAL_CHARS
    "nextedit_jupyter.engine.constraint._PROMISING": 200,  # _find
    "nextedit_jupyter.engine.constraint._PIECE": 8_000,  # SCANNED
    "nextedit_jupyter.suggest.gates._TARGETS": 1_000,  # _LONGEST_LINE
    "nextedit_jupyter.terminal.matcher": 2_000,  # _LONGEST_LINE
}
SAMPLE = "name"  # in the place of what an expression is made with


@dataclass(frozen=True)
class Found:
    where: str
    pattern: str
    flags: int
    anchored: bool  # only ever matched at a place
    longest: int = LONG  # the longest text that it is tried on

    @property
    def package(self) -> str:
        return self.where.split(".")[1]


def modules() -> Iterator[ModuleType]:
    for package in PACKAGES:
        root = importlib.import_module(f"nextedit_jupyter.{package}")
        yield root
        for info in pkgutil.walk_packages(root.__path__, f"{root.__name__}."):
            if not info.name.endswith("__main__"):
                yield importlib.import_module(info.name)


@cache
def expressions() -> list[Found]:
    found: dict[tuple[str, int], Found] = {}
    for module in modules():
        for one in (*_constants(module), *_calls(module), *_data(module)):
            known = found.get((one.pattern, one.flags))
            if known is None or known.anchored:
                found[one.pattern, one.flags] = one
    return list(found.values())


def _constants(module: ModuleType) -> Iterator[Found]:
    """Compiled expressions that the module or a collection of its holds."""
    path = getattr(module, "__file__", None)
    if path is None:
        return
    source = Path(path).read_text(encoding="utf-8")
    for name, value in list(vars(module).items()):
        several = isinstance(value, (dict, list, tuple))
        values = list(value.values() if isinstance(value, dict) else value) if several else [value]
        for one in values:
            if isinstance(one, re.Pattern) and isinstance(one.pattern, str):
                uses = set(re.findall(rf"\b{re.escape(name)}(?:\[[^\]\n]*\])?\.(\w+)", source))
                anchored = bool(uses & ANCHORED) and not uses & (set(METHODS) - ANCHORED)
                where = f"{module.__name__}.{name}"
                yield Found(
                    where,
                    one.pattern,
                    one.flags & ~re.UNICODE.value,
                    anchored,
                    LONGEST.get(where, LONGEST.get(module.__name__, LONG)),
                )


def _calls(module: ModuleType) -> Iterator[Found]:
    """`re.search(r"…", text)` and what a function compiles."""
    path = getattr(module, "__file__", None)
    if path is None:
        return
    tree = ast.parse(Path(path).read_text(encoding="utf-8"))
    local = {
        id(node)
        for function in ast.walk(tree)
        if isinstance(function, (ast.FunctionDef, ast.AsyncFunctionDef, ast.Lambda))
        for node in ast.walk(function)
    }
    for node in ast.walk(tree):
        if (
            id(node) in local  # else it is a constant, which says how it is used
            and isinstance(node, ast.Call)
            and isinstance(node.func, ast.Attribute)
            and node.func.attr in METHODS
            and isinstance(node.func.value, ast.Name)
            and node.func.value.id == "re"
            and node.args
        ):
            pattern = _text(node.args[0])
            if pattern is None:
                continue
            flags = 0
            for word in ast.walk(node):
                if isinstance(word, ast.Attribute) and word.attr in ("M", "MULTILINE"):
                    flags |= re.M
                if isinstance(word, ast.Attribute) and word.attr in ("S", "DOTALL"):
                    flags |= re.S
                if isinstance(word, ast.Attribute) and word.attr in ("I", "IGNORECASE"):
                    flags |= re.I
                if isinstance(word, ast.Attribute) and word.attr in ("X", "VERBOSE"):
                    flags |= re.X
            where = f"{module.__name__}:{node.lineno}"
            longest = LONGEST.get(module.__name__, LONG)
            yield Found(where, pattern, int(flags), node.func.attr in ANCHORED, longest)


def _text(node: ast.expr) -> str | None:
    """The pattern that an expression amounts to, with samples for what is not known."""
    if isinstance(node, ast.Constant):
        return node.value if isinstance(node.value, str) else None
    if isinstance(node, ast.JoinedStr):
        parts = [
            str(part.value) if isinstance(part, ast.Constant) else SAMPLE for part in node.values
        ]
        return "".join(parts)
    if isinstance(node, ast.BinOp) and isinstance(node.op, ast.Add):
        left, right = _text(node.left), _text(node.right)
        return None if left is None or right is None else left + right
    return None


def _data(module: ModuleType) -> Iterator[Found]:
    """The redactor's rules, which are data; its modules say how they are used."""
    if not (hasattr(module, "EXPRESSIONS") and hasattr(module, "SHAPES")):
        return
    core = Path(str(module.__file__)).parent
    code = "".join(path.read_text(encoding="utf-8") for path in core.glob("*.py"))
    for name, pattern in module.EXPRESSIONS.items():
        uses = set(re.findall(rf"expression\(\"{name}\"\)\.(\w+)", code))
        yield Found(f"{module.__name__}.{name}", pattern, re.A.value, uses == {"match"})
    for what, _, pattern in module.SHAPES:
        yield Found(f"{module.__name__}: {what}", pattern, re.A.value, False)


def hostile(pattern: str, flags: int, size: int) -> Iterator[str]:
    """Texts of about `size` characters made of what the expression itself is made of."""
    pumps = dict.fromkeys(
        "a A 0 _ . , ' \" \\ ( ) [ ] { } < > = : - / % # @ ? ! * + é | $ & ; ~ ^ `".split()  # noqa: SIM905
    )
    pumps |= dict.fromkeys(
        (" ", "\t", "\n", "a.", "a, ", "a ", "a=", "a(", "'a'", "\\'", '\\"', "a b ")
    )
    pieces = _literals(pattern, flags)
    pumps |= dict.fromkeys(pieces)
    pumps |= dict.fromkeys(f"{piece}{other}" for piece in pieces[:6] for other in "a .")
    heads = ["", *pieces[:1], "'"]
    for pump in pumps:
        if pump:
            body = pump * (size // len(pump))
            for head in heads:
                yield head + body + "\x00"


def _literals(pattern: str, flags: int) -> list[str]:
    """Runs of literal characters in an expression."""
    runs: list[str] = []

    def walk(items: Any) -> None:
        run = ""
        for code, value in items:
            if code is codes.LITERAL:
                run += chr(value)
                continue
            if run:
                runs.append(run)
            run = ""
            if code in (codes.MAX_REPEAT, codes.MIN_REPEAT, codes.POSSESSIVE_REPEAT):
                walk(value[2])
            elif code is codes.SUBPATTERN:
                walk(value[3])
            elif code is codes.BRANCH:
                for branch in value[1]:
                    walk(branch)
            elif code in (codes.ASSERT, codes.ASSERT_NOT):
                walk(value[1])
            elif code is codes.ATOMIC_GROUP:
                walk(value)
        if run:
            runs.append(run)

    walk(parser.parse(pattern, flags))
    return list(dict.fromkeys(runs))[:24]


__all__ = ["Found", "expressions", "hostile", "modules", "nextedit_jupyter"]

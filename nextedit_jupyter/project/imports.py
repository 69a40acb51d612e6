"""What a notebook or a module imports, and where local modules are found."""

from __future__ import annotations

import ast
import re
import sys
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from nextedit_jupyter.analysis.budget import spend
from nextedit_jupyter.analysis.magics import mask
from nextedit_jupyter.core import Notebook
from nextedit_jupyter.core.cache import by_text
from nextedit_jupyter.project.below_root import Root
from nextedit_jupyter.project.outline import parse_module

_PATH_ADDED = re.compile(
    r"^[ \t]*sys\.path\.(?:append|insert|extend)\(([^\n]{0,200})\)"
    r"|^sys\.path[ \t]*\+=[ \t]*([^\n]{0,200})",
    re.M,
)
_LITERAL = re.compile(r"[\"']([^\"'\n]{1,200})[\"']")
_IMPORTS = re.compile(r"^[ \t]*(?:import|from)[ \t]", re.M)


@dataclass(frozen=True, slots=True)
class Import:
    """`import module as bound`, or `from module import name as bound`; `name` may be `*`.

    `module` has its leading dots.
    """

    module: str
    name: str
    bound: str


@by_text(1_000_000)
def imports_of(source: str) -> tuple[Import, ...]:
    """The imports of one cell or module; in a half-typed cell, those on complete lines."""
    if not _IMPORTS.search(source):
        return ()
    spend(len(source) // 4)
    masked = mask(source)
    if not masked.is_python:
        return ()
    tree = parse_module(masked.text)
    if tree is None:
        lines = [line for line in masked.text.split("\n") if _IMPORTS.match(line)]
        trees = [parse_module(line.strip()) for line in lines]
        return tuple(found for one in trees if one for found in _imports_in(one))
    return tuple(_imports_in(tree))


def notebook_imports(notebook: Notebook) -> list[Import]:
    """The imports of all code cells; for each name, only the last import that binds it."""
    found: dict[tuple[str, str], Import] = {}
    for cell in notebook.code_cells:
        for one in imports_of(cell.source):
            key = (one.bound, one.module if one.bound == "*" else "")
            found.pop(key, None)
            found[key] = one
    return list(found.values())


def added_folders(notebook: Notebook, folder: str) -> list[str]:
    """The folders that the notebook puts on `sys.path` by literal strings, below the root."""
    found = []
    for cell in notebook.code_cells:
        if "sys.path" not in cell.source:
            continue
        for match in _PATH_ADDED.finditer(cell.source):
            for literal in _LITERAL.findall(match[1] or match[2] or ""):
                joined = joined_path(folder, literal)
                if joined is not None:
                    found.append(joined)
    return list(dict.fromkeys(found))


def joined_path(folder: str, relative: str) -> str | None:
    """`a/b` and `../c` become `a/c`; None if the path is absolute or leaves the root."""
    if relative.startswith(("/", "~")) or ":" in relative or "\\" in relative:
        return None
    parts = folder.split("/") if folder else []
    for part in relative.split("/"):
        if part == "..":
            if not parts:
                return None
            parts.pop()
        elif part not in ("", "."):
            parts.append(part)
    return "/".join(parts)


class Resolver:
    """Finds modules for one document: in its folder, in what it adds to the path, and in the
    folders above it up to the root, each with its `src`."""

    def __init__(self, root: Root, folder: str, added: Sequence[str] = ()) -> None:
        self._root = root
        self._folder = folder
        parts = folder.split("/") if folder else []
        above = ["/".join(parts[:n]) for n in range(len(parts) - 1, -1, -1)] if parts else []
        bases = [folder, *added, *above]
        with_src = [b for base in bases for b in (base, f"{base}/src" if base else "src")]
        self._bases = tuple(dict.fromkeys(with_src))
        self._known: dict[str, str | None] = {}

    def find(self, module: str) -> str | None:
        """The path of a local module's file; None if it is not below the root."""
        if module not in self._known:
            self._known[module] = self._find(module)
        return self._known[module]

    def find_member(self, module: str, name: str) -> str | None:
        """The file of `name` in a package, if it is a module: `from package import name`."""
        dot = "" if module.endswith(".") or not module else "."
        return self.find(f"{module}{dot}{name}")

    def _find(self, module: str) -> str | None:
        stripped = module.lstrip(".")
        level = len(module) - len(stripped)
        if not all(part.isidentifier() for part in stripped.split(".") if stripped):
            return None
        tail = stripped.replace(".", "/")
        if level:
            base = joined_path(self._folder, "/".join([".."] * (level - 1)))
            return None if base is None else self._file(base, tail)
        if not stripped:
            return None
        standard = stripped.partition(".")[0] in sys.stdlib_module_names
        for base in self._bases[:1] if standard else self._bases:
            found = self._file(base, tail)
            if found is not None:
                return found
        return None

    def _file(self, base: str, tail: str) -> str | None:
        stem = "/".join(filter(None, (base, tail)))
        candidates = [f"{stem}/__init__.py"] if stem else ["__init__.py"]
        if tail:
            candidates.append(f"{stem}.py")
        return next((path for path in candidates if self._root.stamp(path) is not None), None)


def _imports_in(tree: ast.Module) -> Iterator[Import]:
    for node in ast.walk(tree):
        yield from _imports_at(node)


def _imports_at(node: ast.AST) -> Iterable[Import]:
    if isinstance(node, ast.Import):
        for alias in node.names:
            first = alias.name.partition(".")[0]
            yield Import(alias.name, "", alias.asname or first)
    elif isinstance(node, ast.ImportFrom):
        module = "." * node.level + (node.module or "")
        for alias in node.names:
            yield Import(module, alias.name, alias.asname or alias.name)

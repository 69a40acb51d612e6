"""A module's and a class's name says which one it is: it stands once in the package."""

from __future__ import annotations

import ast
from collections import defaultdict
from pathlib import Path

import nextedit_jupyter

PACKAGE = Path(nextedit_jupyter.__file__).resolve().parent

# Names that Python gives.
MODULES = {"__init__", "__main__"}
# A command's module has the command's name, beside what the command runs.
COMMANDS = {"cli", "training/commands"}
# Two names that one program never meets together, and what tells them apart.
CLASSES: dict[str, str] = {
    "Change": "of a rename's plan, and of the last edits: both are places and texts",
    "Plan": "",
    "State": "",
}


def modules() -> list[Path]:
    paths = (path.relative_to(PACKAGE) for path in sorted(PACKAGE.rglob("*.py")))
    return [path for path in paths if path.parts[0] != "labextension"]


def test_no_two_modules_have_one_name() -> None:
    found = defaultdict(list)
    for path in modules():
        if path.parent.as_posix() not in COMMANDS and path.stem not in MODULES:
            found[path.stem].append(path.as_posix())
    assert {name: paths for name, paths in found.items() if len(paths) > 1} == {}


def test_no_two_public_classes_have_one_name() -> None:
    found = defaultdict(set)
    for path in modules():
        tree = ast.parse((PACKAGE / path).read_text(encoding="utf-8"))
        for node in tree.body:
            if isinstance(node, ast.ClassDef) and not node.name.startswith("_"):
                found[node.name].add(path.as_posix())
    assert {name: paths for name, paths in found.items() if len(paths) > 1} == {}

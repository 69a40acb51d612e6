"""What local modules say to a notebook that imports them."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from nextedit_jupyter.core import Cell, NamedObject, Nearby, Notebook
from nextedit_jupyter.project.below_root import Root
from nextedit_jupyter.project.imports import Import, imports_of
from nextedit_jupyter.project.modules import Modules, ModuleSummary
from nextedit_jupyter.project.outline import outline

HELPERS = '''\
"""Things that help."""
import os
from pathlib import Path

LIMIT = 3
_hidden = 1


def load_table(path, *, sep=",", limit=LIMIT):
    """Read a table.

    More words.
    """


class Model:
    """A model of it."""

    depth = 3

    def __init__(self, rate, size=1):
        self.rate = rate

    def fit(self, x, y):
        ...

    def _inner(self):
        ...


async def fetch(url): ...
'''


def write(root: Path, files: dict[str, str]) -> Modules:
    for path, text in files.items():
        (root / path).parent.mkdir(parents=True, exist_ok=True)
        (root / path).write_text(text)
    return Modules(Root(str(root)))


def said(modules: Modules, *cells: str, folder: str = "") -> ModuleSummary:
    made = tuple(Cell(f"c{i}", "code", text) for i, text in enumerate(cells))
    return modules.summarise(Notebook("python", made), folder)


def named(found: ModuleSummary, name: str) -> NamedObject | None:
    return next((known for known in found.names if known.name == name), None)


def test_an_imported_module_has_the_members_that_it_defines_and_no_others(tmp_path: Path) -> None:
    found = said(write(tmp_path, {"helpers.py": HELPERS}), "import helpers")
    module = named(found, "helpers")
    assert module is not None
    assert (module.type, set(module.members)) == (
        "module",
        {"LIMIT", "load_table", "Model", "fetch"},
    )
    function = named(found, "helpers.load_table")
    assert function is not None
    assert function.keywords == ("path", "sep", "limit")


def test_names_that_are_imported_have_their_keywords_and_members(tmp_path: Path) -> None:
    cell = "from helpers import load_table as load, Model"
    found = said(write(tmp_path, {"helpers.py": HELPERS}), cell)
    load, model = named(found, "load"), named(found, "Model")
    assert load is not None
    assert model is not None
    assert (load.type, load.keywords) == ("function", ("path", "sep", "limit"))
    assert (model.type, model.keywords, model.members) == (
        "type",
        ("rate", "size"),
        ("depth", "fit"),
    )


def test_signatures_and_first_lines_of_docstrings_stand_in_the_text(tmp_path: Path) -> None:
    (text,) = said(write(tmp_path, {"helpers.py": HELPERS}), "from helpers import *").texts
    assert text == Nearby("helpers.py", text.text, "module")
    assert 'def load_table(path, *, sep=\',\', limit=LIMIT):\n    """Read a table."""' in text.text
    assert "    def fit(self, x, y): ..." in text.text
    assert "More words" not in text.text
    assert "_inner" not in text.text


def test_what_is_used_is_told_first(tmp_path: Path) -> None:
    module = "\n".join(f"def function_{i}(a): ..." for i in range(200))
    found = said(write(tmp_path, {"m.py": module}), "import m", "m.function_170(1)")
    assert found.texts[0].text.startswith("def function_170")
    assert len(found.texts[0].text) <= 4_000


@pytest.mark.parametrize(
    "dynamic",
    [
        "def __getattr__(name): ...",
        "globals().update(x=1)",
        "from numpy import *",
        "exec('y = 1')",
        "for n in 'ab': setattr(mod, n, 1)",
        "__all__ = make()",
    ],
)
def test_a_module_that_may_have_other_names_is_not_closed(tmp_path: Path, dynamic: str) -> None:
    found = said(write(tmp_path, {"m.py": f"def f(): ...\n{dynamic}\n"}), "import m")
    module = named(found, "m")
    assert module is not None
    assert "f" in module.members or "__all__" in dynamic
    assert module.type != "module"


def test_packages_lead_to_what_they_take_from_their_modules(tmp_path: Path) -> None:
    files = {
        "pkg/__init__.py": "from .core import run as start\nfrom .more import *\n",
        "pkg/core.py": "def run(steps, seed=0): ...\n",
        "pkg/more.py": "__all__ = ['extra']\ndef extra(a): ...\ndef other(b): ...\n",
    }
    modules = write(tmp_path, files)
    found = said(modules, "import pkg", "from pkg import start, extra\nfrom pkg.core import run")
    package = named(found, "pkg")
    assert package is not None
    assert {"start", "extra"} <= set(package.members)
    assert "other" not in package.members
    for name, keywords in (
        ("start", ("steps", "seed")),
        ("extra", ("a",)),
        ("run", ("steps", "seed")),
    ):
        known = named(found, name)
        assert known is not None, name
        assert known.keywords == keywords


def test_modules_are_found_where_python_would_find_them(tmp_path: Path) -> None:
    files = {
        "notebooks/near.py": "def near(a): ...\n",
        "lib/far.py": "def far(b): ...\n",
        "src/pkg/deep.py": "def deep(c): ...\n",
        "top.py": "def top(d): ...\n",
        "notebooks/json.py": "def mine(e): ...\n",
        "math.py": "def never(f): ...\n",
    }
    modules = write(tmp_path, files)
    cells = (
        "import sys, os\nsys.path.append(os.path.abspath('../lib'))",
        "import near, far, pkg.deep, top, json, math",
    )
    found = said(modules, *cells, folder="notebooks")
    known = {name.name for name in found.names}
    assert {"near", "far", "pkg.deep", "top", "json"} <= known
    assert "math" not in known


def test_relative_imports_of_a_file_are_those_of_its_package(tmp_path: Path) -> None:
    files = {"pkg/__init__.py": "", "pkg/a.py": "def one(x): ...\n", "pkg/sub/b.py": ""}
    modules = write(tmp_path, files)
    assert named(said(modules, "from .a import one", folder="pkg"), "one") is not None
    assert named(said(modules, "from ..a import one", folder="pkg/sub"), "one") is not None
    assert named(said(modules, "from . import a", folder="pkg"), "a") is not None
    assert said(modules, "from ... import a", folder="pkg").names == ()


def test_modules_that_import_each_other_in_circles_end(tmp_path: Path) -> None:
    files = {
        "a.py": "from b import *\ndef f(x): ...\n",
        "b.py": "from a import *\nfrom a import f\n",
    }
    assert named(said(write(tmp_path, files), "import a, b"), "a") is not None


def test_a_module_that_changes_is_read_again_and_half_typed_its_last_sound_text_counts(
    tmp_path: Path,
) -> None:
    modules = write(tmp_path, {"m.py": "def f(a): ...\n"})
    assert named(said(modules, "import m"), "m.f") is not None
    write(tmp_path, {"m.py": "def f(a): ...\ndef g(\n"})
    assert named(said(modules, "import m"), "m.f") is not None
    write(tmp_path, {"m.py": "def renamed(abc): ...\n"})
    found = said(modules, "import m")
    assert named(found, "m.f") is None
    assert named(found, "m.renamed") is not None
    os.remove(tmp_path / "m.py")
    assert said(modules, "import m").names == ()


def test_a_module_with_a_secret_says_nothing(tmp_path: Path) -> None:
    secret = f"def f(a): ...\napi_key = 'sk-{'a1B2' * 12}'\n"
    assert said(write(tmp_path, {"m.py": secret}), "import m") == ModuleSummary()


@pytest.mark.parametrize(
    ("cell", "expected"),
    [
        ("import a.b as c", [Import("a.b", "", "c")]),
        (
            "%load_ext x\nfrom a import (b,\n c as d)",
            [Import("a", "b", "b"), Import("a", "c", "d")],
        ),
        ("import a\nx = (", [Import("a", "", "a")]),
        ("def f():\n    from . import b", [Import(".", "b", "b")]),
        ("%%bash\nimport a", []),
        ("text = 'import a'", []),
    ],
)
def test_imports_are_read_of_cells_as_they_are_typed(cell: str, expected: list[Import]) -> None:
    assert list(imports_of(cell)) == expected


def test_an_import_of_thousands_of_dots_is_not_read() -> None:
    """Python's compiler takes a second over it, in each of a notebook's cells."""
    endless = "import " + "a." * 30_000 + "a"
    assert outline(endless) is None
    assert imports_of(f"{endless}\nimport numpy as np") == (Import("numpy", "", "np"),)

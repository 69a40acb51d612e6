"""A rename in a module reaches whoever imports it, by bindings and nothing else."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from nextedit_jupyter.core import Across, Cell, Elsewhere, OpenDocument, Silence
from nextedit_jupyter.project.below_root import Root
from nextedit_jupyter.project.rename_across import _aliased, _listed, rename_across


def ipynb(*cells: str, **metadata: object) -> str:
    made = [{"cell_type": "code", "source": cell, "metadata": metadata} for cell in cells]
    return json.dumps({"cells": made, "metadata": {}})


def write(root: Path, files: dict[str, str]) -> None:
    for path, text in files.items():
        (root / path).parent.mkdir(parents=True, exist_ok=True)
        (root / path).write_text(text)


def document(path: str, *cells: str) -> OpenDocument:
    return OpenDocument(path, tuple(Cell(f"{path}-{i}", "code", c) for i, c in enumerate(cells)))


def ask(
    root: Path,
    path: str,
    cells: tuple[str, ...],
    at: str,
    new: str,
    *others: OpenDocument,
    cell: int = 0,
) -> Elsewhere | Silence:
    """Rename the name at the first `at` of a cell."""
    across = Across(
        path,
        f"{path}-{cell}",
        cells[cell].index(at) + len(at) - 1,
        (document(path, *cells), *others),
        to=new,
    )
    return rename_across(across, Root(str(root)))


def after(found: Elsewhere | Silence) -> dict[str, list[str]]:
    """The changed cells of each document as they are to be."""
    assert isinstance(found, Elsewhere), found
    result: dict[str, list[str]] = {}
    for changes in found.documents:
        for cell in changes.cells:
            text = cell.source
            for r in reversed(cell.replacements):
                text = text[: r.start] + r.text + text[r.end :]
            result.setdefault(changes.path, []).append(text)
    return result


MODULE = "def load(path):\n    return path\n\n\ndef again():\n    return load('x')\n"
RENAMED = MODULE.replace("load", "read_table")


def test_a_function_renamed_in_its_module_follows_in_every_importer(tmp_path: Path) -> None:
    write(
        tmp_path,
        {
            "helpers.py": MODULE,
            "a.ipynb": ipynb("from helpers import load", "load(1)\nloader = 2"),
            "b.ipynb": ipynb("import helpers as h", "h.load(1); load = 3; print(load)"),
            "sub/c.py": "from helpers import load as get\nget(load=1)\n",
            "d.ipynb": ipynb("def load(): ...", "load()"),
            "e.ipynb": ipynb("from helpers import *", "x = load(2)"),
            "f.py": "text = 'load'  # load\n",
        },
    )
    found = ask(tmp_path, "helpers.py", (MODULE,), "def load", "read_table")
    assert after(found) == {
        "helpers.py": [RENAMED],
        "a.ipynb": ["from helpers import read_table", "read_table(1)\nloader = 2"],
        "b.ipynb": ["h.read_table(1); load = 3; print(load)"],
        "sub/c.py": ["from helpers import read_table as get\nget(load=1)\n"],
        "e.ipynb": ["x = read_table(2)"],
    }


@pytest.mark.parametrize(
    ("cells", "cell", "at"),
    [
        (("from helpers import load", "load(1)"), 1, "load"),
        (("from helpers import load", "load(1)"), 0, "import load"),
        (("import helpers", "helpers.load(1)"), 1, "helpers.load"),
        (("import helpers as h", "h.load(1)"), 1, "h.load"),
    ],
)
def test_an_imported_name_is_renamed_where_it_is_defined(
    tmp_path: Path, cells: tuple[str, ...], cell: int, at: str
) -> None:
    write(tmp_path, {"helpers.py": MODULE, "other.py": "from helpers import load\nload(2)\n"})
    found = after(ask(tmp_path, "a.ipynb", cells, at, "read_table", cell=cell))
    assert found["helpers.py"] == [RENAMED]
    assert found["other.py"] == ["from helpers import read_table\nread_table(2)\n"]
    expected = [text.replace("load", "read_table") for text in cells if "load" in text]
    assert found["a.ipynb"] == expected
    assert next(iter(found)) == "a.ipynb"


def test_what_is_open_counts_as_it_stands_not_as_it_is_on_disk(tmp_path: Path) -> None:
    write(tmp_path, {"helpers.py": MODULE, "a.ipynb": ipynb("x = 1")})
    now = document("a.ipynb", "from helpers import load\nload(5)")
    found = ask(tmp_path, "helpers.py", (MODULE,), "def load", "read_table", now)
    assert after(found)["a.ipynb"] == ["from helpers import read_table\nread_table(5)"]
    assert isinstance(found, Elsewhere)
    assert [d.is_open for d in found.documents] == [True, True]


def test_a_rename_by_hand_is_carried_on_in_the_other_documents(tmp_path: Path) -> None:
    write(tmp_path, {"helpers.py": MODULE, "a.ipynb": ipynb("from helpers import load\nload(1)")})
    now = MODULE.replace("def load", "def read_table")
    across = Across("helpers.py", "helpers.py-0", 8, (document("helpers.py", now),), before=MODULE)
    found = after(rename_across(across, Root(str(tmp_path))))
    assert found == {"a.ipynb": ["from helpers import read_table\nread_table(1)"]}


@pytest.mark.parametrize(
    ("before", "now"),
    [
        (MODULE, MODULE + "def more(): ...\n"),
        (MODULE, MODULE.replace("def load", "def load2").replace("def again", "def again2")),
        (MODULE, "def again(): ...\ndef other(path): ...\n"),
        (MODULE, MODULE.replace("path", "file")),
        (MODULE, MODULE.replace("def load", "def (")),
    ],
)
def test_what_is_no_rename_of_one_definition_is_not_carried_on(
    tmp_path: Path, before: str, now: str
) -> None:
    write(tmp_path, {"a.ipynb": ipynb("from helpers import load\nload(1)")})
    across = Across("helpers.py", "helpers.py-0", 0, (document("helpers.py", now),), before=before)
    assert isinstance(rename_across(across, Root(str(tmp_path))), Silence)


def test_packages_that_take_a_name_on_follow(tmp_path: Path) -> None:
    write(
        tmp_path,
        {
            "pkg/__init__.py": "from .core import load\n\n__all__ = ['load', 'x']\n",
            "pkg/core.py": MODULE,
            "a.ipynb": ipynb("import pkg", "pkg.load(1); pkg.core.load(2)"),
            "b.ipynb": ipynb("from pkg import load", "load(1)"),
            "c.ipynb": ipynb("from other import load", "load(1)"),
            "other.py": "def load(): ...\n",
        },
    )
    found = after(ask(tmp_path, "pkg/core.py", (MODULE,), "def load", "read_table"))
    assert found["pkg/__init__.py"] == [
        "from .core import read_table\n\n__all__ = ['read_table', 'x']\n"
    ]
    assert found["b.ipynb"] == ["from pkg import read_table", "read_table(1)"]
    assert found["a.ipynb"][0].startswith("pkg.read_table(1)")
    assert "c.ipynb" not in found
    assert "other.py" not in found


def test_a_document_that_has_the_new_name_keeps_the_old_one_by_an_alias(tmp_path: Path) -> None:
    write(
        tmp_path,
        {
            "helpers.py": MODULE,
            "a.py": "from helpers import load\nread_table = 1\nload(read_table)\n",
        },
    )
    found = ask(tmp_path, "helpers.py", (MODULE,), "def load", "read_table")
    assert after(found)["a.py"][0].startswith("from helpers import read_table as load\n")
    assert isinstance(found, Elsewhere)
    assert "keeps `load`" in found.notes[0]


@pytest.mark.parametrize("new", ["again", "class", "print", "not a name", "__init__"])
def test_a_new_name_that_the_module_cannot_have_is_refused(tmp_path: Path, new: str) -> None:
    write(tmp_path, {"helpers.py": MODULE, "a.py": "from helpers import load\nload(1)\n"})
    found = ask(tmp_path, "helpers.py", (MODULE,), "def load", new)
    assert isinstance(found, Silence)
    assert found.reason == "refused"


def test_local_names_and_names_of_installed_packages_are_not_for_other_documents(
    tmp_path: Path,
) -> None:
    write(tmp_path, {"helpers.py": MODULE, "a.py": "import numpy as np\n"})
    for cells, at in (
        (("import numpy as np\nnp.array(1)",), "np.array"),
        (("from numpy import array\narray(1)",), "import array"),
        (("x = 1\nprint(x)",), "x"),
        (("def f(load):\n    return load\n",), "load"),
    ):
        found = ask(tmp_path, "n.ipynb", cells, at, "renamed")
        assert isinstance(found, Silence), cells


def test_nothing_outside_the_root_and_nothing_excluded_is_changed(tmp_path: Path) -> None:
    root = tmp_path / "root"
    write(
        tmp_path,
        {
            "outside.py": "from helpers import load\nload(1)\n",
            "root/helpers.py": MODULE,
            "root/secrets/a.py": "from helpers import load\nload(1)\n",
            "root/.gitignore": "built/\n",
            "root/built/a.py": "from helpers import load\nload(1)\n",
            "root/ok.py": "from helpers import load\n",
        },
    )
    across = Across(
        "helpers.py", "helpers.py-0", 5, (document("helpers.py", MODULE),), to="read_table"
    )
    found = rename_across(across, Root(str(root), ("**/secrets/**",)))
    assert set(after(found)) == {"helpers.py", "ok.py"}
    stray = Across(
        "../outside.py", "../outside.py-0", 21, (document("../outside.py", "load"),), to="x"
    )
    assert isinstance(rename_across(stray, Root(str(root))), Silence)


def test_locked_cells_are_left_alone_and_named(tmp_path: Path) -> None:
    write(
        tmp_path,
        {
            "helpers.py": MODULE,
            "a.ipynb": ipynb("from helpers import load\nload(1)", editable=False),
            "b.py": "from helpers import load\n",
        },
    )
    found = ask(tmp_path, "helpers.py", (MODULE,), "def load", "read_table")
    assert "a.ipynb" not in after(found)
    assert isinstance(found, Elsewhere)
    assert any("a.ipynb" in note and "locked" in note for note in found.notes)


def test_cells_with_line_ends_of_windows_are_left_alone_where_they_are_open(tmp_path: Path) -> None:
    windows = "load(1)\r\nload(2)\r\n"
    write(
        tmp_path,
        {
            "helpers.py": MODULE,
            "closed.ipynb": ipynb("from helpers import load\n", windows),
        },
    )
    is_open = document("a.ipynb", "from helpers import load\n", windows, "x = 1\r\n")
    found = ask(tmp_path, "helpers.py", (MODULE,), "def load", "read_table", is_open)
    changed = after(found)
    assert changed["a.ipynb"] == ["from helpers import read_table\n"]
    assert changed["closed.ipynb"][1] == windows.replace("load", "read_table")
    assert isinstance(found, Elsewhere)
    assert found.notes == ("a.ipynb uses the name in a cell with Windows line endings",)


def test_cells_are_addressed_by_their_place_in_the_file(tmp_path: Path) -> None:
    text = json.dumps(
        {
            "cells": [
                {"cell_type": "markdown", "source": "load", "metadata": {}},
                {"cell_type": "code", "source": ["from helpers import load\n", "load(1)"]},
            ]
        }
    )
    write(tmp_path, {"helpers.py": MODULE, "a.ipynb": text})
    found = ask(tmp_path, "helpers.py", (MODULE,), "def load", "read_table")
    assert isinstance(found, Elsewhere)
    (cell,) = next(d for d in found.documents if d.path == "a.ipynb").cells
    assert cell.number == 1
    assert cell.source == "from helpers import load\nload(1)"


@pytest.mark.parametrize(
    "mark", ['tags=["nextedit-off"]', "editable=false", "tags = ['a', 'nextedit-off']"]
)
@pytest.mark.parametrize("is_open", [True, False])
def test_a_file_with_a_cell_that_is_off_or_locked_takes_no_part(
    tmp_path: Path, mark: str, is_open: bool
) -> None:
    guarded = f"from helpers import load\n# %% {mark}\nload(1)\n"
    write(tmp_path, {"helpers.py": "def load(x):\n    return x\n", "guarded.py": guarded})
    write(tmp_path, {"other.py": "from helpers import load\nload(2)\n"})
    cells = ("from helpers import load\nload(3)\n",)
    others = (document("guarded.py", guarded),) if is_open else ()
    found = ask(tmp_path, "a.ipynb", cells, "load", "fetch", *others)
    assert sorted(after(found)) == ["a.ipynb", "helpers.py", "other.py"]
    assert isinstance(found, Elsewhere)
    assert any("guarded.py" in note for note in found.notes)


def withheld(path: str, *sources: str | None) -> OpenDocument:
    """An open notebook whose cells without a text are switched off."""
    cells = (
        Cell(f"{path}-{i}", "code", source or "", tags=() if source else ("nextedit-off",))
        for i, source in enumerate(sources)
    )
    return OpenDocument(path, tuple(cells))


def test_open_documents_that_take_part_name_the_cells_that_were_not_read(tmp_path: Path) -> None:
    write(tmp_path, {"helpers.py": MODULE})
    others = (
        withheld("uses.ipynb", None, "from helpers import load", None),
        withheld("imports.ipynb", "import helpers", None),
        withheld("stars.ipynb", "from helpers import *", None),
        withheld("other.ipynb", "load = 1", None),
    )
    found = ask(tmp_path, "helpers.py", (MODULE,), "def load", "read_table", *others)
    assert isinstance(found, Elsewhere)
    off = "switched off by the tag nextedit-off: not read"
    assert set(found.notes) == {
        f"uses.ipynb: cells 1, 3 are {off}",
        f"imports.ipynb: cell 2 is {off}",
        f"stars.ipynb: cell 2 is {off}",
    }


def test_the_notebook_in_which_a_rename_is_asked_for_names_its_own_cells_that_were_not_read(
    tmp_path: Path,
) -> None:
    write(tmp_path, {"helpers.py": MODULE})
    here = withheld("a.ipynb", "from helpers import load", None)
    found = rename_across(
        Across("a.ipynb", "a.ipynb-0", 22, (here,), to="read_table"), Root(str(tmp_path))
    )
    assert isinstance(found, Elsewhere)
    assert found.notes == ("cell 2 is switched off by the tag nextedit-off: not read",)


def test_an_open_document_that_was_not_sent_is_not_changed_and_named_if_it_has_the_word(
    tmp_path: Path,
) -> None:
    write(
        tmp_path,
        {
            "helpers.py": MODULE,
            "a.py": "from helpers import load\n",
            "uses.ipynb": ipynb("from helpers import load"),
            "other.ipynb": ipynb("loader = 1"),
        },
    )
    others = (OpenDocument("uses.ipynb", ()), OpenDocument("other.ipynb", ()))
    found = ask(tmp_path, "helpers.py", (MODULE,), "def load", "read_table", *others)
    assert isinstance(found, Elsewhere)
    assert [one.path for one in found.documents] == ["helpers.py", "a.py"]
    assert found.notes == ("uses.ipynb is open and was not read: not changed",)


@pytest.mark.parametrize("cells", [(), (Cell("f", "code", MODULE, editable=False),)])
def test_a_rename_says_why_the_module_is_not_changed(
    tmp_path: Path, cells: tuple[Cell, ...]
) -> None:
    write(tmp_path, {"helpers.py": MODULE})
    is_open = OpenDocument("helpers.py", cells)
    found = ask(tmp_path, "a.ipynb", ("from helpers import load\n",), "load", "fetch", is_open)
    assert isinstance(found, Silence)
    assert "locked" in found.detail if cells else "not read" in found.detail


def test_what_is_imported_from_a_file_with_a_locked_cell_is_not_renamed(tmp_path: Path) -> None:
    text = "# %% editable=false\ndef load(x):\n    return x\n"
    write(tmp_path, {"helpers.py": text})
    cells = ("from helpers import load\nload(3)\n",)
    assert isinstance(ask(tmp_path, "a.ipynb", cells, "load", "fetch"), Silence)


def test_what_stands_before_an_alias_is_its_name() -> None:
    line = "from m import load  as  l"
    span = _aliased(line, line.rindex("l"))
    assert span is not None
    assert line[slice(*span)] == "load"
    for text in ("has l", "as l", "a asl", "load, l"):
        assert _aliased(text, len(text) - 1) is None


def test_long_texts_are_read_once() -> None:
    """By expressions these would take hours."""
    word = "a" * 2_000_000
    assert _aliased(f"{word} as b", len(word) + 4) == (0, len(word))
    assert list(_listed("__all__ = [\n" * 200_000)) == []
    assert len(list(_listed("__all__ = [\n" * 200_000 + "]"))) == 1

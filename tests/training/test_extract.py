from __future__ import annotations

import ast
import io
import json
import os
import tarfile
import zipfile
from pathlib import Path

import pytest

from nextedit_jupyter.training.corpus import extract
from nextedit_jupyter.training.corpus.assemble import extract_package
from nextedit_jupyter.training.corpus.document import read_documents
from nextedit_jupyter.training.corpus.extract import (
    Skipped,
    doctest_cells,
    extract_file,
    gallery_cells,
    guide_cells,
    module_cells,
    notebook_cells,
    walk_folder,
)
from nextedit_jupyter.training.corpus.recipe import PackageSource

NOTEBOOK = json.dumps(
    {
        "metadata": {"kernelspec": {"name": "python3"}},
        "nbformat": 4,
        "cells": [
            {"cell_type": "markdown", "source": ["# Title"]},
            {"cell_type": "code", "source": ["import numpy as np\n", "x = np.zeros(3)"]},
            {"cell_type": "code", "source": "%matplotlib inline\nimport pandas as pd"},
            {"cell_type": "code", "source": "df = pd.DataFrame({'a': x})\ndf.plot()"},
        ],
    }
)


def test_a_notebook_gives_its_code_cells_with_magics() -> None:
    cells = notebook_cells(NOTEBOOK)
    assert cells is not None
    assert cells[0] == "import numpy as np\nx = np.zeros(3)"
    assert cells[1].startswith("%matplotlib inline")
    assert len(cells) == 3


def test_a_notebook_of_format_3_is_read() -> None:
    old = {"worksheets": [{"cells": [{"cell_type": "code", "input": ["x = 1"]}]}], "metadata": {}}
    assert notebook_cells(json.dumps(old)) == ["x = 1"]


def test_a_notebook_in_another_language_gives_nothing() -> None:
    julia = {"metadata": {"kernelspec": {"name": "julia-1.9"}}, "cells": []}
    assert notebook_cells(json.dumps(julia)) == []


@pytest.mark.parametrize(
    "text",
    ["", "{", "[]", "null", '{"cells": 3}', '{"cells": [1]}', "[" * 100_000],
)
def test_a_corrupt_notebook_is_skipped_and_counted(text: str) -> None:
    skipped = Skipped()
    assert extract_file("p", "a.ipynb", text.encode(), skipped) == []
    assert skipped["corrupt notebook"] == 1


@pytest.mark.parametrize(
    ("name", "data", "why"),
    [
        ("a.py", b"\xff\xfe\x00x", "not utf-8"),
        ("a.py", b"x = 1\0", "binary"),
        ("a.py", b"print 'old'", "no python 3"),
        ("a.py", b"(" * 100_000, "no python 3"),
        ("tests/test_a.py", b"x = 1", "tests and vendored"),
        ("a.py", b"#" * (extract.MAX_SOURCE_BYTES + 1), "too large"),
    ],
)
def test_unfit_files_are_skipped_and_counted(name: str, data: bytes, why: str) -> None:
    skipped = Skipped()
    assert extract_file("p", name, data, skipped) == []
    assert skipped[why] == 1


def test_symlink_loops_and_huge_files_are_left_out(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(extract, "MAX_NOTEBOOK_BYTES", 1_000)
    (tmp_path / "sub").mkdir()
    (tmp_path / "sub" / "a.py").write_text("x = 1")
    (tmp_path / "huge.ipynb").write_text(" " * 2_000)
    os.symlink(tmp_path, tmp_path / "sub" / "loop")
    os.symlink(tmp_path / "sub" / "a.py", tmp_path / "b.py")
    os.symlink(tmp_path / "nowhere.py", tmp_path / "c.py")
    skipped = Skipped()
    assert [name for name, _ in walk_folder(tmp_path, skipped)] == ["sub/a.py"]
    assert skipped == {"link": 2, "too large": 1}


def test_a_truncated_archive_gives_what_can_be_read(tmp_path: Path) -> None:
    path = tmp_path / "p-1.0.tar.gz"
    with tarfile.open(path, "w:gz") as archive:
        for number in range(50):
            data = NOTEBOOK.encode() + b" " * 50_000
            info = tarfile.TarInfo(f"p-1.0/{number}.ipynb")
            info.size = len(data)
            archive.addfile(info, io.BytesIO(data))
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])
    found = extract_package(PackageSource("p", "1.0", "MIT", ""), path, tmp_path)
    assert found.skipped["broken archive"] == 1
    assert 0 < len(list(read_documents(found.path))) < 50


def test_a_wheel_is_read_like_an_archive(tmp_path: Path) -> None:
    path = tmp_path / "p-1.0-py3-none-any.whl"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("p/a.ipynb", NOTEBOOK)
        archive.writestr("p/b.so", b"\0")
    found = extract_package(PackageSource("p", "1.0", "MIT", ""), path, tmp_path)
    assert [document.kind for document in read_documents(found.path)] == ["notebook"]


def test_doctests_become_cells_and_silent_examples_are_joined() -> None:
    tree = ast.parse('''
def f():
    """Sum.

    >>> import math
    >>> x = 2
    >>> math.sqrt(x)  # doctest: +ELLIPSIS
    1.41...
    >>> for i in range(2):
    ...     print(i)
    0
    1
    """
''')
    assert list(doctest_cells(tree)) == [
        ("f", ["import math\nx = 2\nmath.sqrt(x)", "for i in range(2):\n    print(i)"])
    ]


def test_galleries_are_cut_at_their_marks() -> None:
    text = '"""Title."""\nimport a\n\n# %%\n# Prose.\nx = 1\n\n# %% More\ny = 2\n'
    assert gallery_cells(text, ast.parse(text)) == ["import a", "x = 1", "y = 2"]


def test_guides_give_directives_fences_and_prompts() -> None:
    text = (
        "Text\n\n.. ipython:: python\n   :okwarning:\n\n   x = 1\n   x + 1\n\nMore\n\n"
        "```python\ny = 2\n```\n\n>>> z = 3\n>>> z\n3\n\n.. code-block:: bash\n\n   ls -l\n"
    )
    assert guide_cells(text) == ["x = 1\nx + 1", "y = 2", "z = 3\nz"]


def test_modules_are_cut_at_definitions_and_docstrings_to_a_line() -> None:
    text = (
        '"""Module."""\nimport a\n\n\ndef f(x):\n    """First.\n\n    Second.\n    """\n'
        "    return x\n\n\n@a.b\nclass C:\n    pass\n"
    )
    assert module_cells(text, ast.parse(text)) == [
        "import a",
        'def f(x):\n    """First."""\n    return x',
        "@a.b\nclass C:\n    pass",
    ]

"""Imports written in another way, and what the uses of their names become in other cells."""

from __future__ import annotations

import contextlib
import io
from dataclasses import replace

import pytest
from offering import after, notes, offers, request

from nextedit_jupyter.core import Caret
from nextedit_jupyter.core.tags import OFF_TAG


@pytest.mark.parametrize(
    ("before", "now", "other", "becomes"),
    [
        (
            "from numpy import ones, zeros",
            "import numpy as np",
            "ones(zeros(3))",
            "np.ones(np.zeros(3))",
        ),
        ("from os.path import join", "import os.path", "join(a, b)", "os.path.join(a, b)"),
        ("from a.b import f", "import a as x", "f(1)", "x.b.f(1)"),
        ("from a.b import f as g", "from a import b", "g(1)", "b.f(1)"),
        ("import pathlib", "from pathlib import Path", "pathlib.Path(3)", "Path(3)"),
        ("import a as x", "from a.b import f", "x.b.f(1)", "f(1)"),
        ("from a import b", "from a.b import f", "b.f(1)", "f(1)"),
        ("import os.path", "from os.path import join", "os.path.join(a)", "join(a)"),
        # The name stays, and is something else.
        (
            "import datetime",
            "from datetime import datetime",
            "datetime.datetime.now()",
            "datetime.now()",
        ),
        (
            "from tqdm import tqdm",
            "import tqdm",
            "tqdm(x)\ntqdm.tqdm(y)",
            "tqdm.tqdm(x)\ntqdm.tqdm(y)",
        ),
        # Wherever code is read.
        ("from m import f", "import m as k", 'print(f"{f(1)}")', 'print(f"{k.f(1)}")'),
        ("from m import f", "import m as k", "%timeit f(1)", "%timeit k.f(1)"),
        ("from m import f", "import m as k", "@f\ndef g(x=f): ...", "@k.f\ndef g(x=k.f): ..."),
        ("from m import f", "import m as k", "def g(f):\n    return f", "def g(f):\n    return f"),
    ],
)
def test_uses_are_written_as_the_import_brings_them(
    before: str, now: str, other: str, becomes: str
) -> None:
    before, now = f"{before}\nstart()", f"{now}\nstart()\n"
    asked = request([now, other], (0, before, now))
    assert after(asked) == [now, becomes]
    if other != becomes:
        assert offers(asked)[0].label.startswith("write ")


@pytest.mark.parametrize(
    ("before", "now", "others"),
    [
        ("import json", "import math", ["json.load(f)"]),
        ("from a import f", "from b import g", ["f(1)"]),
        ("from numpy import zeros", "import numpy as np", ["def zeros(n): ...", "zeros(3)"]),
        ("from numpy import zeros", "import numpy as np", ["zeros(3)", "zeros = 3"]),
        ("from numpy import zeros", "import numpy as np", ["zeros(3)", "np = 3"]),
        ("from numpy import zeros", "import numpy as np", ["from m import *", "zeros(3)"]),
        ("from numpy import zeros", "import numpy as np", ["def f(np):\n    return zeros(np)"]),
        ("import numpy as np", "from numpy import zeros", ["np.zeros(3)", "zeros = 4"]),
        ("import numpy as np", "from numpy import zeros", ["np.zeros = 3"]),
    ],
)
def test_nothing_is_written_otherwise_where_something_else_may_be_meant(
    before: str, now: str, others: list[str]
) -> None:
    before, now = f"{before}\nstart()", f"{now}\nstart()\n"
    asked = request([now, *others], (0, before, now))
    assert not any(said.label.startswith("write ") for said in offers(asked))


def test_uses_that_nothing_brings_any_more_are_noted() -> None:
    before, now = "import os.path\n1", "from os.path import join\n1\n"
    asked = request([now, "os.path.join(a)", "os.getcwd()", "os.sep"], (0, before, now))
    assert after(asked)[1:] == ["join(a)", "os.getcwd()", "os.sep"]
    assert "`os` is not imported any more, and cells 3, 4 still read it" in notes(asked)


def test_a_cell_that_does_not_parse_is_noted() -> None:
    before, now = "from m import f\n1", "import m as k\n1\n"
    asked = request([now, "f(1)", "f(2"], (0, before, now))
    assert after(asked)[1:] == ["k.f(1)", "f(2"]
    assert "cell 3 does not parse: left out" in notes(asked)


def test_a_cell_that_must_not_be_changed_is_left_alone() -> None:
    before, now = "from m import f\n1", "import m as k\n1\n"
    asked = request([now, "f(1)", "f(2)"], (0, before, now))
    first, second, third = asked.notebook.cells
    locked = replace(asked.notebook, cells=(first, second, replace(third, tags=(OFF_TAG,))))
    (said, *_) = offers(replace(asked, notebook=locked))
    assert [change.cell for change in said.edits] == [second.id]
    assert said.left_alone == (third.id,)


@pytest.mark.parametrize(
    ("now", "is_offered"),
    [("import numpy", False), ("import numpy as n", False), ("import numpy as np", True)],
)
def test_an_import_that_may_go_on_waits(now: str, is_offered: bool) -> None:
    before = "from numpy import zeros"
    asked = request([f"{now}\nx = 1", "zeros(3)"], (0, f"{before}\nx = 1", f"{now}\nx = 1"))
    assert asked.caret.offset == len(now)
    assert bool(offers(asked)) == is_offered
    gone = replace(asked, caret=Caret(asked.caret.cell, len(now) + 1))
    assert offers(gone)


def printed(cells: list[str]) -> str:
    out = io.StringIO()
    known: dict[str, object] = {}
    with contextlib.redirect_stdout(out):
        for cell in cells:
            exec(cell, known)
    return out.getvalue()


@pytest.mark.parametrize(
    ("before", "now", "use"),
    [
        ("from math import floor, pi", "import math", "floor(2.5), pi"),
        ("from math import floor, pi", "import math as m", "floor(2.5), pi"),
        ("import math", "from math import floor, pi", "math.floor(2.5), math.pi"),
        ("import os.path", "from os.path import basename", "os.path.basename('a/b')"),
        ("from os import path", "from os.path import basename", "path.basename('a/b')"),
        ("from os.path import basename", "from os import path", "basename('a/b')"),
    ],
)
def test_the_notebook_prints_the_same(before: str, now: str, use: str) -> None:
    uses = f"def g(x):\n    return {use}\nprint(g(1))"
    asked = request([f"{now}\n\n", uses], (0, f"{before}\n", f"{now}\n\n"))
    left = after(asked)
    assert left[1] != uses
    assert printed(left) == printed([before, uses]) != ""

"""Imports written in another way, and what the uses of their names become in other cells."""

from __future__ import annotations

import contextlib
import io
from dataclasses import replace

import pytest
from offering import after, notes, offers, request

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
    ],
)
def test_uses_are_written_as_the_import_brings_them_once_one_was(
    before: str, now: str, other: str, becomes: str
) -> None:
    before, now = f"{before}\n{other}", f"{now}\n{becomes}\n"
    asked = request([now, other], (0, before, now))
    assert after(asked) == [now, becomes]
    assert offers(asked)[0].label.startswith("write ")


@pytest.mark.parametrize(
    ("before", "now", "other"),
    [
        ("import time", "from time import sleep", "time.sleep(1)"),
        ("from time import sleep", "import time", "sleep(1)"),
        ("from numpy import zeros", "import numpy as np", "zeros(3)"),
    ],
)
def test_an_import_alone_may_have_made_way_for_another(before: str, now: str, other: str) -> None:
    asked = request([f"{now}\n", other], (0, f"{before}\n", f"{now}\n"))
    assert offers(asked) == []


def test_the_use_may_be_in_another_cell() -> None:
    imported = "import pathlib\n", "from pathlib import Path\n"
    used = "pathlib.Path(1)", "Path(1)"
    cells = [imported[1], used[1], "pathlib.Path(2)"]
    asked = request(cells, (0, *imported), (1, *used))
    assert after(asked)[2] == "Path(2)"


NUMPY = "from numpy import zeros\nzeros(1)", "import numpy as np\nnp.zeros(1)\n"
PLAIN = "import numpy as np\nnp.zeros(1)", "from numpy import zeros\nzeros(1)\n"


@pytest.mark.parametrize(
    ("edit", "others"),
    [
        (("import json\njson.load(1)", "import math\nmath.load(1)\n"), ["json.load(f)"]),
        (("from a import f\nf(2)", "from b import g\ng(2)\n"), ["f(1)"]),
        (NUMPY, ["def zeros(n): ...", "zeros(3)"]),
        (NUMPY, ["zeros(3)", "zeros = 3"]),
        (NUMPY, ["zeros(3)", "np = 3"]),
        (NUMPY, ["from m import *", "zeros(3)"]),
        (NUMPY, ["def f(np):\n    return zeros(np)"]),
        (NUMPY, ["def f(zeros):\n    return zeros(2)"]),
        (PLAIN, ["np.zeros(3)", "zeros = 4"]),
        (PLAIN, ["np.zeros = 3"]),
    ],
)
def test_nothing_is_written_otherwise_where_something_else_may_be_meant(
    edit: tuple[str, str], others: list[str]
) -> None:
    asked = request([edit[1], *others], (0, *edit))
    assert not any(said.label.startswith("write ") for said in offers(asked))


def test_uses_that_nothing_brings_any_more_are_noted() -> None:
    before, now = "import os.path\nos.path.join(1)", "from os.path import join\njoin(1)\n"
    asked = request([now, "os.path.join(a)", "os.getcwd()", "os.sep"], (0, before, now))
    assert after(asked)[1:] == ["join(a)", "os.getcwd()", "os.sep"]
    assert "`os` is not imported any more, and cells 3, 4 still read it" in notes(asked)


def test_a_cell_that_does_not_parse_is_noted() -> None:
    before, now = "from m import f\nf(0)", "import m as k\nk.f(0)\n"
    asked = request([now, "f(1)", "f(2"], (0, before, now))
    assert after(asked)[1:] == ["k.f(1)", "f(2"]
    assert "cell 3 does not parse: left out" in notes(asked)


def test_a_cell_that_must_not_be_changed_is_left_alone() -> None:
    before, now = "from m import f\nf(0)", "import m as k\nk.f(0)\n"
    asked = request([now, "f(1)", "f(2)"], (0, before, now))
    first, second, third = asked.notebook.cells
    locked = replace(asked.notebook, cells=(first, second, replace(third, tags=(OFF_TAG,))))
    (said, *_) = offers(replace(asked, notebook=locked))
    assert [change.cell for change in said.edits] == [second.id]
    assert said.left_alone == (third.id,)


def printed(cells: list[str]) -> str:
    out = io.StringIO()
    known: dict[str, object] = {}
    with contextlib.redirect_stdout(out):
        for cell in cells:
            exec(cell, known)
    return out.getvalue()


@pytest.mark.parametrize(
    ("before", "now", "use", "becomes"),
    [
        ("from math import floor, pi", "import math", "floor(2.5), pi", "math.floor(2.5), math.pi"),
        ("from math import floor, pi", "import math as m", "floor(2.5), pi", "m.floor(2.5), m.pi"),
        ("import math", "from math import floor, pi", "math.floor(2.5), math.pi", "floor(2.5), pi"),
        (
            "import os.path",
            "from os.path import basename",
            "os.path.basename('a/b')",
            "basename('a/b')",
        ),
        (
            "from os import path",
            "from os.path import basename",
            "path.basename('a/b')",
            "basename('a/b')",
        ),
        (
            "from os.path import basename",
            "from os import path",
            "basename('a/b')",
            "path.basename('a/b')",
        ),
    ],
)
def test_the_notebook_prints_the_same(before: str, now: str, use: str, becomes: str) -> None:
    was, written = f"{before}\nprint({use})", f"{now}\nprint({becomes})\n"
    uses = f"def g(x):\n    return {use}\nprint(g(1))"
    left = after(request([written, uses], (0, was, written)))
    assert left[1] == uses.replace(use, becomes)
    assert printed(left) == printed([was, uses]) != ""


def test_the_import_may_be_replaced_in_two_steps() -> None:
    first = ("import pathlib\npathlib.Path(1)", "pathlib.Path(1)")
    then = (first[1], "from pathlib import Path\nPath(1)\n")
    asked = request([then[1], "pathlib.Path(2)"], (0, *first), (0, *then))
    assert after(asked)[1] == "Path(2)"

"""A definition that gave way to another one is no rename; one that was touched up is."""

from __future__ import annotations

from itertools import pairwise

import pytest

from nextedit_jupyter.analysis.rename import RenamePlan, detect
from nextedit_jupyter.core import Caret, Cell, EditEvent, Notebook, SuggestRequest


def renamed(use: str, *texts: str) -> str | None:
    """`use` after the edits of the cell above it, which went through `texts`; None if silent."""
    cells = Cell("a", "code", texts[-1]), Cell("b", "code", use)
    events = tuple(
        EditEvent("a", was, now, "typed", float(i)) for i, (was, now) in enumerate(pairwise(texts))
    )
    caret = Caret("a", len(texts[-1]))
    found = detect(SuggestRequest(Notebook("python", cells), caret, events))
    if not isinstance(found, RenamePlan):
        return None
    (edit,) = (edit for edit in found.edits() if edit.cell == "b")
    return edit.edit.apply(use)


ADD = "def add(a, b):\n    return a + b"
SQUARE = (
    "class Square:\n    def __init__(self, side):\n        self.side = side\n"
    "    def area(self):\n        return self.side**2"
)
CIRCLE = (
    SQUARE.replace("Square", "Circle").replace("side", "radius").replace("return", "return pi *")
)


@pytest.mark.parametrize(
    ("use", "texts"),
    [
        ("json.dumps(x)", ["import json", "import math"]),
        ("json.dumps(x)", ["import json", "", "import math"]),
        ("re.sub(a, b, c)", ["import re\nimport os", "import glob\nimport os"]),
        ("os.getcwd()", ["import os", "from shutil import copy"]),
        ("pl.plot(x)", ["import pylab as pl", "import altair as alt"]),
        ("Counter(x)", ["from collections import Counter", "from itertools import chain"]),
        ("print(rate)", ["rate = 0.5", "path = 'x.csv'"]),
        ("print(rate)", ["rate = 0.5", "", "path = 'x.csv'"]),
        ("print(rate)", ["rate = 0.5  # a year", "names = load(kind)  # a year"]),
        ("print(rate)", ["rate: float = 0.5", "label: str = 'x'"]),
        (
            "area(2)",
            ["def area(w):\n    return w * w", "def shout(text):\n    print(text.upper())"],
        ),
        ("area(2)", ["def area(w):\n    return w * w", "area_of = {}\nlimit = 3"]),
        ("Dog()", ["class Dog:\n    def bark(self): pass", "class Grid:\n    rows: int = 3"]),
        ("Dog()", ["class Dog:\n    sound = 'wau'", "def show(picture):\n    plot(picture)"]),
        ("np.zeros(3)", ["import numpy as np", "import numpy.linalg as npl"]),
        ("nn.Linear(3, 4)", ["import torch.nn as nn", "import torch.nn.functional as F"]),
        (
            "clean(a)",
            ["def clean(df):\n    return df.dropna()", "def plot(df):\n    df.plot()\n    go()"],
        ),
        ("go(A().rate)", ["a = A()\na.rate = 0.5", "a = A()\na.path = 'x.csv'"]),
        ("fit(rate=3)", ["def fit(rate=1):\n    go(1)", "def fit(path='x'):\n    go(1)"]),
        ("print(x)", ["with open(p) as x:\n    read(x)", "for line in rows:\n    print(line)"]),
        ("add(1, 2)", [ADD, ADD.replace("add", "sub").replace("+", "-")]),
        (
            "add(1, 2)",
            [ADD, ADD.replace("add", "sub"), ADD.replace("add", "sub").replace("+", "-")],
        ),
        ("add(1, 2)", ["add = lambda a, b: a + b", "sub = lambda a, b: a - b"]),
        ("square(2)", ["def square(x):\n    return x**2", "def cube(x):\n    return x**3"]),
        ("even(2)", ["def even(n):\n    return n % 2 == 0", "def odd(n):\n    return n % 2 == 1"]),
        (
            "load_csv(p)",
            [
                "def load_csv(path):\n    return pd.read_csv(path)",
                "def load_json(path):\n    return pd.read_json(path)",
            ],
        ),
        (
            "mean(xs)",
            ["def mean(xs):\n    return np.mean(xs)", "def median(xs):\n    return np.median(xs)"],
        ),
        ("load(p)", ["def load(p):\n    return p.text()", "def load2(p):\n    return open(p)"]),
        (
            "fetch('u')",
            [
                "async def fetch(u):\n    return await get(u)",
                "async def post(u):\n    return await send(u)",
            ],
        ),
        ("Square(side=2).side", [SQUARE, CIRCLE]),
        (
            "Pile().total()",
            [
                "class Pile:\n    def total(self):\n        return sum(self.xs)",
                "class Pile:\n    def mean(self):\n        return sum(self.xs) / len(self.xs)",
            ],
        ),
        ("x - mean", ["mean = np.mean(x)", "std = np.std(x)"]),
        ("df.head()", ["df = pd.read_csv(p)", "raw = pd.read_json(p)"]),
        (
            "Tally().add(1)",
            [
                "class Tally:\n    def add(self, x):\n        self.n += x",
                "class Tally:\n    def take(self, x):\n        self.n -= x",
            ],
        ),
    ],
)
def test_another_definition_in_its_place_is_no_rename(use: str, texts: list[str]) -> None:
    assert renamed(use, *texts) is None


@pytest.mark.parametrize(
    ("use", "texts", "after"),
    [
        ("print(rate)", ["rate = 0.5", "share = 0.5"], "print(share)"),
        ("print(rate)", ["rate = 0.5", "share = 0.5", "share = 0.7"], "print(share)"),
        ("df.head()", ["df = pd.read_csv('a.csv')", "raw = pd.read_csv('b.csv')"], "raw.head()"),
        ("np.zeros(3)", ["import numpy as np", "import numpy as xp"], "xp.zeros(3)"),
        ("picle.load(f)", ["import picle", "import pickle"], "pickle.load(f)"),
        ("clock()", ["from time import clock", "from time import perf_counter"], "perf_counter()"),
        (
            "area(2)",
            ["def area(w):\n    return w * w", "def square(w):\n    # of a tile\n    return w * w"],
            "square(2)",
        ),
        ("f(2)", ["def f(x):\n    return f(x + 1)", "def g(x):\n    return g(x + 1)"], "g(2)"),
        ("f(2)", ["def f(x):\n    return x + 1", "def g(y):\n    return y + 1"], "g(2)"),
        (
            "f(2)",
            ["def f(x):\n    return x + 1", "def g(x):\n    x = +x\n    return x + 1"],
            "g(2)",
        ),
        ("f(2)", ["f = lambda x: x + 1", "g = lambda y: y + 1"], "g(2)"),
        (
            "f(2)",
            [
                "def f(x, y):\n    return go(x)",
                "def h(x: int, y: list[str]) -> str | None:\n    return go(x)",
            ],
            "h(2)",
        ),
        ("df.y", ["df = df.drop(p)", "raw = raw.drop(p)"], "raw.y"),
        (
            "log('a')",
            ["def log(m):\n    print(f'[log] {m}')", "def note(m):\n    print(f'[note] {m}')"],
            "note('a')",
        ),
        (
            "Net()",
            [
                "class Net(Base):\n    def __init__(self):\n        super(Net, self).__init__(1)",
                "class Mesh(Base):\n    def __init__(self):\n        super(Mesh, self).__init__(1)",
            ],
            "Mesh()",
        ),
        (
            "tidy(a)",
            [
                "def tidy(t):\n    return t.drop()",
                "def clean(t):\n    return t.drop()",
                "def clean(t):\n    u = t.drop()\n    u.sort()\n    return u[u.x > 3]",
            ],
            "clean(a)",
        ),
        (
            "Dog()",
            [
                "class Dog:\n    def copy(self) -> 'Dog':\n        return Dog(1)",
                "class Hound:\n    def copy(self) -> 'Dog':\n        return Dog(1)",
            ],
            "Hound()",
        ),
        (
            "vis_coef(m, 3)",
            [
                "def vis_coef(m, n):\n    plot(m.coef[:n])\n    show()\n    print(n - 3)",
                "def visualize_coef(m, n):\n    plot(m.coef[:n])\n    show()\n    print(n + 4)",
            ],
            "visualize_coef(m, 3)",
        ),
        ("lod('x')", ["def lod(p):\n    return p", "def load(p):\n    return str(p)"], "load('x')"),
        (
            "Dog().bark()",
            ["class Dog:\n    def bark(self): pass"] * 1
            + ["class Hound:\n    def bark(self): pass"],
            "Hound().bark()",
        ),
        ("print(x)", ["for x in rows:\n    print(x)", "for r in rows:\n    print(r)"], "print(r)"),
        ("np.ones(3)", ["import numpy as np", "import jax.numpy as jnp"], "jnp.ones(3)"),
    ],
)
def test_a_definition_that_says_what_it_said_is_renamed(
    use: str, texts: list[str], after: str
) -> None:
    assert renamed(use, *texts) == after


@pytest.mark.parametrize(
    ("use", "texts", "after"),
    [
        ("fit(lr)", ["lr = 0.1", "learning_rate = 0.05"], "fit(learning_rate)"),
        ("print(n)", ["x = 1\nn = 10", "x = 1\nn_iter = 2 * 50"], "print(n_iter)"),
        (
            "print(idx)",
            ["for idx in a:\n    pass", "for index in b.c():\n    go()"],
            "print(index)",
        ),
        ("run(src)", ["src = 'a.csv'", "source = r'data/b.csv'  # new"], "run(source)"),
        ("df.head()", ["df = load('a')", "dataFrame = 'b'"], None),
        ("df.head()", ["df = load('a')", "dataFrame = load('b', 'c', 3)"], "dataFrame.head()"),
        ("print(lr)", ["lr = 0.1\nlr = 0.2", "learning_rate = 0.3\nlr = 0.2"], None),
        ("lr = 0.2\nfit(lr)", ["lr = 0.1", "learning_rate = 0.3"], None),
        ("fit(lr)\nlearning_rate = 4", ["lr = 0.1", "learning_rate = 0.3"], None),
        ("df[col]", ["col = 'x'", "color = 'red'"], None),
        ("show(title)", ["title = 'Sales'", "plot_title = 'Costs'"], "show(plot_title)"),
        ("print(n)", ["n = 10", "names = ['a']"], None),
        ("print(n)", ["n = 10", "name_length = 20"], None),
        ("load(train_path)", ["train_path = 'a'", "test_path = 'b'"], None),
        ("print(rate)", ["rate = 0.5", "path = 3"], None),
    ],
)
def test_a_name_spelt_out_takes_the_uses_that_nothing_else_defines(
    use: str, texts: list[str], after: str | None
) -> None:
    assert renamed(use, *texts) == after

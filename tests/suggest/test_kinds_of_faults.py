"""Kinds of faults that neighbouring products have, each in other clothes, through all lanes.

A case gives the first cell before and after the edit, the other cells, and those that change.
"""

from __future__ import annotations

from itertools import pairwise

import pytest
from offering import Others, after, notes, offers, optional, request


@pytest.mark.parametrize(
    ("texts", "others"),
    [
        (["def mean(xs):\n    return sum(xs)", "def load(p):\n    return open(p)"], ["mean([1])"]),
        (["import pandas as pd", "import polars as pl"], ["pd.DataFrame()"]),
        (["from math import sqrt", "from collections import Counter"], ["sqrt(2)"]),
        (["a, b = 1, 2", "fig, ax = plt.subplots()"], ["print(a, b)"]),
        (["greet = lambda who: print('hi', who)", "area = lambda w, h: w * h"], ["greet('x')"]),
        (["class Stack:\n    pass", "def build(n):\n    return [0] * n"], ["Stack()"]),
        (["%matplotlib inline\nnames = ['a']", "%matplotlib inline\nwidth = 80"], ["names[0]"]),
        (["path = 'train.csv'", "seed = 42"], ["print(path", "open(path)"]),
        (["import os", "import", "import re"], ["os.getcwd()"]),
        (["total = sum(xs)", "label = 'x'"], ["%timeit total", "!echo {total}"]),
        (["import json", "x = 1\nimport math"], ["json.dumps(x)"]),
        (
            [
                "def load_csv(path):\n    return pd.read_csv(path)",
                "def load_json(path):\n    return pd.read_json(path)",
            ],
            ["df = load_csv('a.csv')", "load_csv(path='b')"],
        ),
        (
            [
                "class Square:\n    def __init__(self, side):\n        self.side = side**2",
                "class Disc:\n    def __init__(self, radius):\n        self.radius = radius * pi",
            ],
            ["tile = Square(side=3)", "tile.side"],
        ),
        (["if (n := len(xs)) > 3:\n    go(n)", "if (m := find(p)):\n    go(m)"], ["n + 1"]),
        (["rate = 0.5\nprint(rate)", "path = 'a.csv'\nprint(path)"], ["rate * 2"]),
        (
            [
                "def f():\n    def inner(x):\n        return x + 1\n    return inner(1)",
                "def f():\n    def other(x):\n        return x * 2\n    return other(1)",
            ],
            ["inner = 3\nprint(inner)"],
        ),
        (["X, y = load(1)", "train, test = split(2)"], ["fit(X, y)"]),
    ],
)
def test_what_took_a_definitions_place_takes_no_uses(texts: list[str], others: Others) -> None:
    cells = [texts[-1], *others]
    asked = request(cells, *((0, was, now) for was, now in pairwise(texts)))
    assert after(asked) == cells


@pytest.mark.parametrize(
    ("old", "new", "other", "becomes"),
    [
        ("s.lower({})", "s.upper({})", "other.lower(1)", "other.lower(1)"),
        ("q.push({})", "q.append({})", "stack.push(3)", "stack.push(3)"),
        ("q.push({})", "q.append({})", "q.push(3)", "q.append(3)"),
        ("axes[0].plot({})", "axes[0].scatter({})", "axes[1].plot(z)", "axes[1].plot(z)"),
        ("self.log.debug({})", "self.log.info({})", "b.log.debug(1)", "b.log.debug(1)"),
        ("%time net.train({})", "%time net.eval({})", "other.train()", "other.train()"),
        ("run(){}.close()", "run(){}.start()", "door.close()", "door.close()"),
        ("ax.bar({})", "ax.barh({})", "side.bar(3)", "side.bar(3)"),
        ("s.strip({})", "s.rstrip({})", "t.strip(3)", "t.strip(3)"),
        ("s.encode({})", "s.decode({})", "t.encode(3)", "t.encode(3)"),
        ("g.add_node({})", "g.add_edge({})", "h.add_node(3)", "h.add_node(3)"),
        ("f.read({})", "f.readline({})", "g.read(3)", "g.read(3)"),
        ("m.fit({})", "m.fit_more({})", "n.fit(3); k.fit_more(4)", "n.fit(3); k.fit_more(4)"),
        ("df.sort({})", "df.sort_rows({})", "other.sort(3)", "other.sort_rows(3)"),
        ("df.mean({})", "df.median({})", "other.mean()", "other.mean()"),
        ("df.mean({})", "df.median({})", "df.mean()", "df.median()"),
        ("x['a'].ffill({})", "x['a'].bfill({})", "x['b'].ffill()", "x['b'].ffill()"),
        ("m.hstack({})", "m.vstack({})", "n.hstack(3)", "n.hstack(3)"),
        ("m.xlim({})", "m.ylim({})", "n.xlim(3)", "n.xlim(3)"),
        ("m.set_xlim({})", "m.set_ylim({})", "n.set_xlim(3)", "n.set_xlim(3)"),
        ("m.set_colour({})", "m.set_color({})", "n.set_colour(3)", "n.set_color(3)"),
        ("a.getLower({})", "a.getUpper({})", "b.getLower(3)", "b.getLower(3)"),
        ("df.gropby({})", "df.groupby({})", "other.gropby(3)", "other.groupby(3)"),
        ("df.appned({})", "df.append({})", "other.appned(3)", "other.append(3)"),
        ("a.setColour({})", "a.set_colour({})", "b.setColour(3)", "b.set_colour(3)"),
        ("df.iteritems({})", "df.items({})", "other.iteritems()", "other.items()"),
    ],
)
def test_a_method_chosen_for_an_object_stays_with_that_object(
    old: str, new: str, other: str, becomes: str
) -> None:
    was, now = [old.format(n) for n in "12"], [new.format(n) for n in "12"]
    if "run()" in old:
        was, now = [old.format("")] * 2, [new.format("")] * 2
    asked = request([*now, other], (0, was[0], now[0]), (1, was[1], now[1]))
    assert after(asked)[2] == becomes


@pytest.mark.parametrize(
    ("was", "now", "others", "becomes"),
    [
        ("n = 10", "n = 20", ["k = 10", "n = 10"], ["k = 10", "n = 20"]),
        ("f(n=10)", "f(n=20)", ["g(k=10)", "g(n=10)"], ["g(k=10)", "g(n=20)"]),
        (
            "n: int = 10",
            "n: int = 20",
            ["k: int = 10", "n: int = 10"],
            ["k: int = 10", "n: int = 20"],
        ),
        ("p(save=False)", "p(save=True)", ["q(frame=False)"], ["q(frame=False)"]),
        ("c = {'n': 10}", "c = {'n': 20}", ["d = {'k': 10, 'n': 10}"], ["d = {'k': 10, 'n': 20}"]),
        ("x[10]", "x[20]", ["x[10]", "n = 10"], ["x[20]", "n = 10"]),
    ],
)
def test_a_number_that_one_name_is_given_says_nothing_of_another_name(
    was: str, now: str, others: Others, becomes: Others
) -> None:
    assert after(request([now, *others], (0, was, now))) == [now, *becomes]


def test_a_modules_function_is_no_method_of_an_object() -> None:
    cells = ["import seaborn as sns", "sns.set_theme()", "ax.set(title='x')", "sns.set(rc=1)"]
    asked = request(cells, (1, "sns.set()", "sns.set_theme()"))
    assert after(asked) == [*cells[:3], "sns.set_theme(rc=1)"]


def test_a_method_of_what_a_module_makes_is_one_of_an_object() -> None:
    was, now = "alt.Chart(a).add_selection(s)", "alt.Chart(a).add_params(s)"
    cells = ["import altair as alt", now, "years.mark_bar().add_selection(t)"]
    assert after(request(cells, (1, was, now)))[2] == "years.mark_bar().add_params(t)"


DRAW = "def draw({0}, color='r'):\n    return {0}, color"


@pytest.mark.parametrize(
    "call",
    [
        "functools.partial(draw, w=1)",
        "ex.submit(draw, w=1)",
        "asyncio.to_thread(draw, w=1)",
        "%timeit draw(w=3)",
        "%%time\nx = draw(w=4)",
        "f = lambda k: draw(w=k)",
        "[draw(w=k) for k in ks]",
    ],
)
def test_a_keyword_passed_to_the_function_follows(call: str) -> None:
    cell = DRAW.format("w").replace("draw(w,", "draw(width,")
    asked = request([cell, f"from x import functools, ex\n{call}"], (0, DRAW.format("w"), cell))
    if call.startswith("%%"):
        asked = request([cell, call], (0, DRAW.format("w"), cell))
    assert after(asked)[1].endswith(call.replace("w=", "width="))


@pytest.mark.parametrize(
    "call",
    [
        "pool.apply_async(draw, kwds={'w': 3})",
        "opts = dict(w=3)\ndraw(**opts)",
        "opts = {'w': 3}\ndraw(**opts)",
        "interact(draw, w=(1, 10))",
        "plot = draw\nsketch = plot\nsketch(w=3)",
        "df.pipe(draw, w=3)",
        "from functools import partial\na = partial(draw, color='b')\nb = partial(a, w=2)",
    ],
)
def test_a_keyword_that_may_reach_the_function_is_listed_and_noted(call: str) -> None:
    cell = DRAW.format("w").replace("draw(w,", "draw(width,")
    asked = request([cell, call], (0, DRAW.format("w"), cell))
    assert after(asked)[1] == call
    assert "width" in optional(asked)[1]
    assert "may be meant" in notes(asked)


@pytest.mark.parametrize(
    ("old", "new", "use", "becomes"),
    [
        (
            "def load(p):\n    return p",
            "def fetch(p):\n    return p",
            "__all__ = ('load', 'save')",
            "__all__ = ('fetch', 'save')",
        ),
        (
            "def load(p):\n    return p",
            "def fetch(p):\n    return p",
            "__all__ = []\n__all__ += ['load']",
            "__all__ = []\n__all__ += ['fetch']",
        ),
        (
            "class A:\n    def __init__(self):\n        self.w = 1",
            "class A:\n    def __init__(self):\n        self.width = 1",
            "a = A()\nsetattr(a, 'w', 2)\ngetattr(a, 'w')\ngetattr(A(), 'w')",
            "a = A()\nsetattr(a, 'width', 2)\ngetattr(a, 'width')\ngetattr(A(), 'width')",
        ),
        (
            "from typing import NamedTuple\nclass P(NamedTuple):\n    w: int",
            "from typing import NamedTuple\nclass P(NamedTuple):\n    width: int",
            "p = P(w=1)\np._replace(w=2)\np.w",
            "p = P(width=1)\np._replace(width=2)\np.width",
        ),
        (
            "import dataclasses\n@dataclasses.dataclass\nclass S:\n    name: str",
            "import dataclasses\n@dataclasses.dataclass\nclass S:\n    label: str",
            "s = S(name='a')\ndataclasses.replace(s, name='q')",
            "s = S(label='a')\ndataclasses.replace(s, label='q')",
        ),
        (
            "from enum import Enum\nclass Color(Enum):\n    RED = 1\n    BLUE = 2",
            "from enum import Enum\nclass Color(Enum):\n    CRIMSON = 1\n    BLUE = 2",
            "Color['RED'].value\nColor['BLUE']",
            "Color['CRIMSON'].value\nColor['BLUE']",
        ),
        (
            "from collections import namedtuple\nSpan = namedtuple('Span', 'low high')",
            "from collections import namedtuple\nSpan = namedtuple('Span', 'low top')",
            "s = Span(low=1, high=2)\nprint(s.high)\nt = s._replace(high=3)",
            "s = Span(low=1, top=2)\nprint(s.top)\nt = s._replace(top=3)",
        ),
        (
            "import collections\nSpan = collections.namedtuple('Span', ['low', 'high'])",
            "import collections\nSpan = collections.namedtuple('Span', ['low', 'top'])",
            "def width(s: Span):\n    return s.high - s.low\nother.low",
            "def width(s: Span):\n    return s.top - s.low\nother.low",
        ),
        (
            "from collections import namedtuple\nclass Span(namedtuple('Span', 'low, high')):\n"
            "    pass",
            "from collections import namedtuple\nclass Span(namedtuple('Span', 'low, top')):\n"
            "    pass",
            "Span(1, high=2).high",
            "Span(1, top=2).top",
        ),
        (
            "import typing\nRow = typing.NamedTuple('Row', [('id', int), ('name', str)])",
            "import typing\nRow = typing.NamedTuple('Row', [('id', int), ('label', str)])",
            "r = Row(id=1, name='a')\nr.name",
            "r = Row(id=1, label='a')\nr.label",
        ),
        (
            "from typing import TypedDict\nRow = TypedDict('Row', {'name': str, 'age': int})",
            "from typing import TypedDict\nRow = TypedDict('Row', {'label': str, 'age': int})",
            "r: Row = {'name': 'a', 'age': 1}\nr['name']\nRow(name='b', age=2)",
            "r: Row = {'label': 'a', 'age': 1}\nr['label']\nRow(label='b', age=2)",
        ),
        (
            "import enum\nTone = enum.Enum('Tone', 'RED BLUE')",
            "import enum\nTone = enum.Enum('Tone', 'CRIMSON BLUE')",
            "Tone.RED\nTone['RED']",
            "Tone.CRIMSON\nTone['CRIMSON']",
        ),
        (
            "import dataclasses as d\nBox = d.make_dataclass('Box', ['w', ('h', int)])",
            "import dataclasses as d\nBox = d.make_dataclass('Box', ['w', ('z', int)])",
            "b = Box(w=1, h=2)\nb.h",
            "b = Box(w=1, z=2)\nb.z",
        ),
    ],
)
def test_a_name_written_as_a_string_follows(old: str, new: str, use: str, becomes: str) -> None:
    assert after(request([new, use], (0, old, new)))[1] == becomes


@pytest.mark.parametrize(
    ("old", "new", "use"),
    [
        # The class's own name in quotes is what printing shows, and no name of the notebook's.
        (
            "from collections import namedtuple\nSpan = namedtuple('Span', 'low high')",
            "from collections import namedtuple\nSpan = namedtuple('Range', 'low high')",
            "print(Span(1, 2).high)",
        ),
        # Another function of that shape makes no class.
        ("words = split('words', 'low high')", "words = split('words', 'low top')", "a.high"),
        # The fields are computed.
        (
            "from collections import namedtuple\nSpan = namedtuple('Span', 'low high'.split())",
            "from collections import namedtuple\nSpan = namedtuple('Span', 'low top'.split())",
            "Other(1, high=2).high",
        ),
    ],
)
def test_a_string_that_names_no_field_takes_nothing_along(old: str, new: str, use: str) -> None:
    assert after(request([new, use], (0, old, new)))[1] == use


def test_types_in_quotes_follow_and_texts_do_not() -> None:
    use = (
        "import typing as t\n"
        "def f(x: 'B', y: 't.Optional[B]' = None) -> 'list[B]': ...\n"
        "t.cast('B', x)\n"
        "U = t.TypeVar('U', bound='B')\n"
        "q: t.Annotated['B', 'unit B']\n"
        "z: t.Literal['B']\n"
        "s: dict[str, 'B'] = {'B': 1}\n"
        "t.ForwardRef('B')"
    )
    becomes = (
        "import typing as t\n"
        "def f(x: 'Node', y: 't.Optional[Node]' = None) -> 'list[Node]': ...\n"
        "t.cast('Node', x)\n"
        "U = t.TypeVar('U', bound='Node')\n"
        "q: t.Annotated['Node', 'unit B']\n"
        "z: t.Literal['B']\n"
        "s: dict[str, 'Node'] = {'B': 1}\n"
        "t.ForwardRef('Node')"
    )
    asked = request(["class Node: pass", use], (0, "class B: pass", "class Node: pass"))
    assert after(asked)[1] == becomes


OVERLOADS = """{head}
{mark}
{sync}def get({a}: str) -> str: ...
{mark}
{sync}def get({b}: bytes) -> bytes: ...
{sync}def get({c}): return {d}"""


@pytest.mark.parametrize(
    ("head", "mark", "sync"),
    [
        ("import typing", "@typing.overload", ""),
        ("import typing as t", "@t.overload", ""),
        ("from typing import overload", "@overload", "async "),
        ("from typing import overload as ov", "@ov", ""),
        ("from typing_extensions import overload as several", "@several", "async "),
    ],
)
@pytest.mark.parametrize("edited", ["a", "b", "c"])
def test_the_parameters_of_overloads_follow_each_other(
    head: str, mark: str, sync: str, edited: str
) -> None:
    names = dict.fromkeys("abcd", "url")
    texts = {"head": head, "mark": mark, "sync": sync}
    was = OVERLOADS.format(**texts, **names)
    now = OVERLOADS.format(**texts, **{**names, edited: "address"})
    asked = request([now, "get(url='a')"], (0, was, now))
    assert after(asked) == [was.replace("url", "address"), "get(address='a')"]
    assert not notes(asked)


@pytest.mark.parametrize(
    "doc",
    [
        ":param w: it\n    :type w: int",
        "Args:\n        w: it",
        "Parameters\n    ----------\n    h, w : int\n        Both.",
        "@param w: it",
        "Area of `w` times `h`; w may be 0.",
        "- ``w`` -- it",
    ],
)
@pytest.mark.parametrize("quotes", ['"""', "'''", 'r"""'])
def test_a_docstring_that_names_the_parameter_is_listed(doc: str, quotes: str) -> None:
    end = quotes[-3:]
    was = f"def f(w, h):\n    {quotes}F.\n\n    {doc}\n    {end}\n    return w * h"
    now = was.replace("f(w", "f(width")
    asked = request([now], (0, was, now))
    assert after(asked)[0].endswith("return width * h")
    assert " w " not in optional(asked)[0].replace("w * h", "").replace("`", " ")
    assert "width" in optional(asked)[0].partition("\n")[2]


@pytest.mark.parametrize(
    ("line", "becomes"),
    [
        ("!sed -n '{p;path}' x", None),
        ("!awk -F, '{sum += path} END {print sum}' f", None),
        ("%run x.py {path if}", None),
        ("!perl -e '{my path}'", None),
        ("!echo {{path}}", None),
        ("!jq '{path: .path}' f.json", None),
        ("!docker ps --format '{path: >> }'", None),
        ("!ls {path}/data", "!ls {place}/data"),
        ("!printf {path:>10}", None),  # IPython takes no formats
        ("!python -c '{path: 1}'", None),
        ("!for f in *; do cat $f $path; done", None),
        ("!echo $HOME/$path", None),
        ("!for path in *; do cat $path; done", "!for path in *; do cat $place; done"),
        ("!echo {path[1:]!r}", "!echo {place[1:]!r}"),
        ("%time !cat {path}", "%time !cat {place}"),
        ("%cd {path}", "%cd {place}"),
        ("files = !find $path", "files = !find $place"),
    ],
)
def test_braces_of_other_languages_are_no_python(line: str, becomes: str | None) -> None:
    asked = request(["place = 'f'", line], (0, "path = 'f'", "place = 'f'"))
    assert after(asked)[1] == (becomes or line)


@pytest.mark.parametrize(
    ("old", "new", "use", "becomes"),
    [
        ("%%sql res <<\nselect 1", "%%sql tab <<\nselect 1", "res.head()", "tab.head()"),
        ("%sql res << select 1", "%sql tab << select 1", "print(res)", "print(tab)"),
        ("%%R -i df -o out\nout <- df", "%%R -i df -o tab\ntab <- df", "out.head()", "tab.head()"),
        ("%%bash --out txt\nls", "%%bash --out text\nls", "print(txt)", "print(text)"),
        ("%%capture out\nrun()", "%%capture log\nrun()", "print(out.stdout)", "print(log.stdout)"),
        ("t = %timeit -o f()", "t2 = %timeit -o f()", "print(t.best)", "print(t2.best)"),
        ("df = 3", "frame = 3", "%%R -i df -o res\nres <- df", "%%R -i frame -o res\nres <- df"),
        ("lim = 3", "cut = 3", "%sql select 1 where a > :lim", "%sql select 1 where a > :cut"),
        ("lim = 3", "cut = 3", "%%sql\nselect {{lim}}", "%%sql\nselect {{cut}}"),
        ("lim = 3", "cut = 3", "%sql select 1 where a > $lim", "%sql select 1 where a > $cut"),
    ],
)
def test_what_magics_of_other_languages_take_and_give_follows(
    old: str, new: str, use: str, becomes: str
) -> None:
    asked = request([new, use], (0, old, new))
    assert after(asked)[1] == becomes


@pytest.mark.parametrize(
    ("old", "new", "waits", "use", "becomes"),
    [
        ("def lod(p): pass", "def load(p): pass", "a = load(1)\nb = load(2)", "lod(3)", "load(3)"),
        ("rte = 0.1", "rate = 0.1", "a = rate * 2", "b = rte * 3", "b = rate * 3"),
        ("import numpy as n", "import numpy as np", "np.zeros(3)", "n.ones(2)", "np.ones(2)"),
        (
            "from math import sqrt as sq",
            "from math import sqrt as root",
            "root(2)",
            "sq(3)",
            "root(3)",
        ),
        ("class Modl: pass", "class Model: pass", "%time m = Model()", "Modl()", "Model()"),
        ("x, cuont = 1, 2", "x, count = 1, 2", "f(count)", "f(cuont)", "f(count)"),
        (
            "class A:\n    def aera(self): return 1\na = A()",
            "class A:\n    def area(self): return 1\na = A()",
            "a.area()",
            "a.aera()",
            "a.area()",
        ),
    ],
)
def test_a_use_that_waits_for_the_right_name_stops_nothing(
    old: str, new: str, waits: str, use: str, becomes: str
) -> None:
    asked = request([new, waits, use], (0, old, new))
    assert after(asked) == [new, waits, becomes]
    assert "nothing defines it" in notes(asked)


def test_a_method_that_an_outside_base_may_have_is_not_called_a_waiting_one() -> None:
    old = "class A(Base):\n    def aera(self): return 1\na = A()"
    new = old.replace("aera", "area")
    asked = request([new, "a.area()", "a.aera()"], (0, old, new))
    assert not any(said.label.startswith("rename") for said in offers(asked))


@pytest.mark.parametrize(
    ("old", "new", "use", "becomes"),
    [
        ("result", "compute", "result = result()\nprint(result)", "compute()"),
        ("items", "items_of", "for items in items():\n    print(items)", "items_of()"),
        ("conn", "opened", "with conn() as conn:\n    conn.read()", "opened()"),
        ("names", "names_of", "names = [n for n in names()]\nprint(names)", "names_of()"),
        ("test", "probe", "if (test := test()):\n    print(test)", "probe()"),
        ("split", "halves", "split, rest = split()\nprint(split)", "halves()"),
        ("cfg", "load", "try:\n    cfg = cfg()\nexcept E:\n    cfg = None\nprint(cfg)", "load()"),
        ("cfg", "load", "try:\n    cfg = cfg()\nexcept E:\n    cfg = cfg()\nuse(cfg)", "load()"),
        ("cfg", "load", "try:\n    cfg = cfg()\nfinally:\n    print(cfg)", "load()"),
        ("cfg", "load", "if a:\n    cfg = cfg()\nelse:\n    cfg = b\nprint(cfg)", "load()"),
        ("cfg", "load", "for i in range(2):\n    cfg = cfg()\nprint(cfg)", "load()"),
    ],
)
def test_a_result_that_is_named_like_its_function_keeps_its_name(
    old: str, new: str, use: str, becomes: str
) -> None:
    head = "def {}(): return 1"
    asked = request([head.format(new), use], (0, head.format(old), head.format(new)))
    assert after(asked)[1] == use.replace(f"{old}()", becomes)


def test_a_result_that_is_called_itself_keeps_its_name_as_well() -> None:
    use = "net = net()\nnet(x)\nnet.eval()"
    asked = request(["class Grid: pass", use], (0, "class net: pass", "class Grid: pass"))
    assert after(asked)[1] == use.replace("net()", "Grid()", 1)


@pytest.mark.parametrize(
    ("old", "new", "use", "becomes"),
    [
        (
            "cfg = {'lr': 1}\nopt = {'lr': 3}",
            "cfg = {'rate': 1}\nopt = {'lr': 3}",
            "cfg['lr'] + opt['lr']",
            "cfg['rate'] + opt['lr']",
        ),
        (
            "a = dict(lr=1)\nb = dict(lr=3)",
            "a = dict(rate=1)\nb = dict(lr=3)",
            "b['lr']",
            "b['lr']",
        ),
        (
            "cfg = {'n': 1}\nopt = {'n': 3}",
            "cfg = {'size': 1}\nopt = {'n': 3}",
            "opt.get('n')",
            "opt.get('n')",
        ),
        (
            "cfg = {\n    'n': 1,\n}\nopt = {\n    'n': 3,\n}",
            "cfg = {\n    'size': 1,\n}\nopt = {\n    'n': 3,\n}",
            "%time f(opt['n'])",
            "%time f(opt['n'])",
        ),
        (
            "cfg = {'n': 1}",
            "cfg = {'size': 1}",
            "opt = {'n': 3}\nprint(opt['n'])",
            "opt = {'n': 3}\nprint(opt['n'])",
        ),
        (
            "cfg = {'n': 1}",
            "cfg = {'size': 1}",
            "opt: dict = {'n': 3}\nopt['n'] += cfg['n']",
            "opt: dict = {'n': 3}\nopt['n'] += cfg['size']",
        ),
    ],
)
def test_a_key_of_another_dictionary_stays(old: str, new: str, use: str, becomes: str) -> None:
    assert after(request([new, use], (0, old, new)))[1] == becomes


@pytest.mark.parametrize(
    ("use", "becomes"),
    [
        ("a.merge(b, left_on='id', right_on='id')", "a.merge(b, left_on='id', right_on='key')"),
        (
            "pd.merge(a, b, left_on='id', right_on='id')",
            "pd.merge(a, b, left_on='id', right_on='key')",
        ),
        ("b.merge(a, left_on='id', right_on='id')", "b.merge(a, left_on='key', right_on='id')"),
        ("b.groupby('id').size()", "b.groupby('key').size()"),
        ("b['id'] = a['id']", "b['key'] = a['id']"),
        ("b.filter(like='id')", "b.filter(like='id')"),
        ("b.set_index('k').loc['id']", "b.set_index('k').loc['id']"),
    ],
)
def test_a_column_is_renamed_of_its_own_frame(use: str, becomes: str) -> None:
    head = "import pandas as pd\na = pd.DataFrame({'id': [1]})\nb = pd.DataFrame({'%s': [1]})"
    asked = request([head % "key", use], (0, head % "id", head % "key"))
    assert after(asked)[1] == becomes

"""What the executing test found: each kind by itself, so that the reason is seen when it breaks."""

from __future__ import annotations

import pytest

from nextedit_jupyter.analysis.rename import plan_rename
from nextedit_jupyter.analysis.rename.plan import RenamePlan
from nextedit_jupyter.core import Cell, KernelFacts, Notebook, Silence


def renamed(marked: str, new: str = "renamed") -> RenamePlan | Silence:
    """The rename of the name behind `|` in one cell."""
    offset = marked.index("|")
    source = marked[:offset] + marked[offset + 1 :]
    notebook = Notebook("python", (Cell("a", "code", source),))
    return plan_rename(notebook, KernelFacts(), "a", offset, new)


def test_the_alternatives_of_a_pattern_bind_one_name() -> None:
    plan = renamed(
        "def f(x):\n    match x:\n        case {'k': (int(|w) \N{VERTICAL LINE} [w])}:\n"
        "            return w\n"
    )
    assert isinstance(plan, RenamePlan)
    assert len(plan.changes) == 3


METACLASS = """\
class Meta(type):
    def show(cls, size): return size
class Box(metaclass=Meta): pass
print(Box.show(size=1))
"""


def test_an_attribute_that_no_class_of_the_family_has_is_not_renamed() -> None:
    plan = renamed(METACLASS.replace("Box.show", "Box.|show"))
    assert isinstance(plan, Silence)
    assert plan.reason == "refused"


SPELT = {
    "a metaclass's parameter": (
        METACLASS.replace("cls, size", "cls, |size"),
        "are not searched for",
    ),
    "an attribute that is patched": (
        "class Box:\n    |color = 1\nwith patch('__main__.Box.color', 5):\n    print(Box.color)\n",
        "as text",
    ),
    "a parameter in an example": (
        "import doctest\ndef f(|x):\n    '''\n    >>> f(x=1)\n    '''\n"
        "doctest.DocTestParser().get_doctest(f.__doc__, {}, '', None, 0)\n",
        "as text",
    ),
    "an inner function's own name": (
        "def f():\n    def |g(): pass\n    return g\nprint(f().__name__)\n",
        "as text (`__name__`)",
    ),
    "a parameter that an estimator's base reads": (
        "from sklearn.base import BaseEstimator\nclass C(BaseEstimator):\n"
        "    def __init__(self, |k=1):\n        self.k = k\n",
        "`BaseEstimator` may use the parameters of `C` by name",
    ),
    "a call of what a class makes of its method": (
        "class C:\n    def f(self, |x): pass\n    g = partialmethod(f)\nn = C()\nn.g(x=1)\n",
        "1 place `x=` of objects whose class is not known: left alone",
    ),
    "a lambda that a call reads the names of": (
        "from ipywidgets import interactive\ninteractive(lambda |x: x, x=4)\n",
        "1 place `x=` that may be meant: left alone",
    ),
    "a variable that is kept for others": (
        "|x = 1\n%store x\n",
        "cell 1: `%store` stores it by name, and other notebooks may read it",
    ),
    "a class in annotations that are read": (
        "class |C:\n    def f(self) -> 'C': pass\nprint(C.f.__annotations__)\n",
        "as text (`__annotations__`)",
    ),
    "a global of a frame": ("|x = 1\nprint(inspect.currentframe().f_globals['x'])\n", "as text"),
}


@pytest.mark.parametrize("kind", SPELT)
def test_what_spells_the_name_is_noted(kind: str) -> None:
    source, note = SPELT[kind]
    plan = renamed(source)
    assert isinstance(plan, RenamePlan)
    assert any(note in said for said in plan.notes), plan.notes


@pytest.mark.parametrize(
    "use",
    [
        "patch.object(Box, 'color', 5)",
        "monkeypatch.setattr(Box, 'color', 5)",
        "object.__setattr__(Box(), 'color', 5)",
        "monkeypatch.delattr(Box, 'color')",
    ],
)
def test_a_method_that_is_given_an_object_and_a_name_takes_the_name_along(use: str) -> None:
    plan = renamed(f"class Box:\n    |color = 1\n{use}\nprint(Box.color)\n")
    assert isinstance(plan, RenamePlan)
    assert len(plan.changes) == 3


@pytest.mark.parametrize(
    "source",
    [
        "def f(p):\n    |x = p\n    del x\n    return x\n",
        "def f(p):\n    |x = p\n    del x\n    if p:\n        x = 2\n    print(x)\n",
        "def f():\n    try:\n        |x\n    except NameError:\n        x = 1\n",
    ],
)
def test_what_a_function_reads_unbound_is_its_own(source: str) -> None:
    """Left by itself it would be looked up outside."""
    plan = renamed(source)
    assert isinstance(plan, RenamePlan)
    texts = {e.cell: e.edit.apply(source.replace("|", "")) for e in plan.edits()}
    assert texts["a"] == source.replace("|", "").replace("x", "renamed").replace("erenamed", "ex")

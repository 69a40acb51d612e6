"""Kinds of places that renames are known to miss: keywords passed on, names in strings, overloads,
docstrings, shell lines, other languages' magics, results named like their function."""

from __future__ import annotations

import pytest

from nextedit_jupyter.analysis.rename import RenamePlan, detect, plan_rename
from nextedit_jupyter.core import (
    Caret,
    Cell,
    CellEdit,
    EditEvent,
    KernelFacts,
    Notebook,
    Silence,
    SuggestRequest,
)
from nextedit_jupyter.suggest.symbols import SymbolsLane

DRAW = "def draw(w, color='r'):\n    return w, color"


def planned(cells: list[str], at: str, new: str) -> RenamePlan | Silence:
    """The command on the first `at` of the first cell, where `|` marks the name's beginning."""
    offset = at.index("|")
    offset += cells[0].index(at.replace("|", ""))
    notebook = Notebook("python", tuple(Cell(f"c{i}", "code", s) for i, s in enumerate(cells)))
    return plan_rename(notebook, KernelFacts(), "c0", offset, new)


def typed(cells: list[str], after: str, cell: int = 0) -> RenamePlan | Silence:
    """The offer after one cell was edited by hand."""
    texts = [after if i == cell else text for i, text in enumerate(cells)]
    notebook = Notebook("python", tuple(Cell(f"c{i}", "code", s) for i, s in enumerate(texts)))
    event = EditEvent(f"c{cell}", cells[cell], after, "typed")
    return detect(SuggestRequest(notebook, Caret(f"c{cell}", 0), (event,)))


def texts(plan: RenamePlan | Silence) -> list[str]:
    assert isinstance(plan, RenamePlan), plan
    return with_edits(plan, plan.edits())


def with_edits(plan: RenamePlan, edits: tuple[CellEdit, ...]) -> list[str]:
    changed = {e.cell: e.edit for e in edits}
    return [
        changed[c.id].apply(c.source) if c.id in changed else c.source for c in plan.notebook.cells
    ]


@pytest.mark.parametrize(
    ("use", "after"),
    [
        ("functools.partial(draw, w=1)", "functools.partial(draw, width=1)"),
        ("pool.submit(draw, w=1)", "pool.submit(draw, width=1)"),
        ("await asyncio.to_thread(draw, w=2)", "await asyncio.to_thread(draw, width=2)"),
        ("draw(draw(w=1), w=2)", "draw(draw(width=1), width=2)"),
        ("[draw(w=i) for i in range(3)]", "[draw(width=i) for i in range(3)]"),
        ("f'{draw(w=1)}'", "f'{draw(width=1)}'"),
        ("[*draw(w=1)]", "[*draw(width=1)]"),
        ("x = *draw(w=1), {0, *draw(w=2)[:1]}", "x = *draw(width=1), {0, *draw(width=2)[:1]}"),
        ("draw(w=1)(w=2)", "draw(width=1)(w=2)"),
        ("draw(w=1)[0](w=2)", "draw(width=1)[0](w=2)"),
    ],
)
def test_a_keyword_that_surely_reaches_the_function_follows(use: str, after: str) -> None:
    assert texts(planned([DRAW, use], "(|w,", "width"))[1] == after


@pytest.mark.parametrize(
    "use",
    [
        "draw(**{'w': 1})",
        "given = {'w': 1}\ndraw(**given)",
        "Process(target=draw, kwargs={'w': 1})",
        "other = draw\nother(w=1)",
        "for f in [draw]:\n    f(w=1)",
        "wrapped = cache(draw)\nwrapped(w=1)",
        "interact(draw, w=(0, 1))",
        "obj.callback = draw\nobj.callback(w=1)",
        "draw(**dict(w=1))",
        "delayed(draw)(w=1)",
        "table = {'d': draw}\ntable['d'](w=1)",
        "def outer(**kw):\n    return draw(**kw)\nouter(w=1)",
    ],
)
def test_a_keyword_that_may_reach_the_function_is_optional_and_noted(use: str) -> None:
    plan = planned([DRAW, use], "(|w,", "width")
    assert texts(plan)[1] == use
    assert isinstance(plan, RenamePlan)
    assert any("left alone" in note for note in plan.notes)
    assert "w" in {use[c.start : c.end] for c in plan.optional if c.cell == "c1"}


@pytest.mark.parametrize(
    "use",
    [
        "plt.plot(x, w=1)",
        "print(1, w=2)",
        "def other(w): return w\nother(w=1)",
        "sorted(rows, key=draw)\npd.merge(a, b, w=1)",
        "dict(w=1)",
        "'{w}'.format(w=1)",
    ],
)
def test_a_keyword_of_another_function_says_nothing(use: str) -> None:
    plan = planned([f"import pandas as pd, matplotlib.pyplot as plt\n{DRAW}", use], "(|w,", "width")
    assert texts(plan)[1] == use
    assert isinstance(plan, RenamePlan)
    assert plan.notes == ()
    assert plan.optional == ()


@pytest.mark.parametrize(
    ("first", "use", "at", "new", "after"),
    [
        ("area = lambda w, h=2: w * h", "area(w=3)", "lambda |w", "width", "area(width=3)"),
        ("class A:\n    go = lambda self, w: w", "A().go(w=1)", ", |w:", "v", "A().go(v=1)"),
        (
            "class A:\n    def __init__(self, n):\n        self.n = n",
            "class B(A):\n    def __init__(self, n):\n        super().__init__(n=n)\nB(n=1)\n"
            "A(n=2)",
            "self, |n",
            "count",
            "class B(A):\n    def __init__(self, n):\n        super().__init__(count=n)\nB(n=1)\n"
            "A(count=2)",
        ),
        (
            "class A:\n    def __init__(self, n): self.n = n",
            "class B(A): pass\nB(n=1)\nA.__init__(b, n=3)",
            "self, |n",
            "count",
            "class B(A): pass\nB(count=1)\nA.__init__(b, count=3)",
        ),
        ("def load(): pass", "__all__ = ['load', 'save']", "def |load", "fetch",
         "__all__ = ['fetch', 'save']"),
        ("def load(): pass", "__all__ += ['load']\n__all__.append('load')", "def |load", "fetch",
         "__all__ += ['fetch']\n__all__.append('fetch')"),
        ("class A:\n    __slots__ = ('x',)\n    def __init__(self): self.x = 1", "A().x",
         "self.|x", "y", "A().y"),
        ("class A:\n    x = 1\na = A()", "getattr(a, 'x', 0)\nsetattr(a, 'x', 2)", "|x = 1", "y",
         "getattr(a, 'y', 0)\nsetattr(a, 'y', 2)"),
        ("class P:\n    def __init__(self, x): self.x = x", "match p:\n    case P(x=a): print(a)",
         "self.|x", "y", "match p:\n    case P(y=a): print(a)"),
        ("class Node: pass", "T = TypeVar('T', 'Node', int)\nx = cast('Node', y)\n"
         "z: dict['Node', 1]",
         "class |Node", "Leaf",
         "T = TypeVar('T', 'Leaf', int)\nx = cast('Leaf', y)\nz: dict['Leaf', 1]"),
        ("class Node: pass", "a: Literal['Node']\nb = {'Node': 1}\nc: Annotated[int, 'Node']",
         "class |Node", "Leaf", "a: Literal['Node']\nb = {'Node': 1}\nc: Annotated[int, 'Node']"),
        ("def f(): return 1", "f = f()\nf += 1", "def |f", "g", "f = g()\nf += 1"),
        ("from shop import price", "price = price(3)\nprint(price)", "import |price", "cost",
         "price = cost(3)\nprint(price)"),
        ("def f(): return 1", "f = jit(f)\nf()", "def |f", "g", "g = jit(g)\ng()"),
    ],
)  # fmt: skip
def test_what_names_the_thing_follows(first: str, use: str, at: str, new: str, after: str) -> None:
    assert texts(planned([first, use], at, new))[1] == after


RECORD = "from dataclasses import dataclass, replace\n@dataclass\nclass S:\n    name: str = ''"


@pytest.mark.parametrize(
    ("use", "after"),
    [
        ("s = S(name='a')\nreplace(s, name='b')", "s = S(label='a')\nreplace(s, label='b')"),
        ("def f(s: S):\n    return s.name", "def f(s: S):\n    return s.label"),
        ("def f(s: 'S | None' = None):\n    s.name", "def f(s: 'S | None' = None):\n    s.label"),
        ("import dataclasses\ns = S()\ndataclasses.replace(s, name=1)",
         "import dataclasses\ns = S()\ndataclasses.replace(s, label=1)"),
    ],
)  # fmt: skip
def test_a_field_is_a_keyword_of_what_makes_and_copies_its_record(use: str, after: str) -> None:
    assert texts(planned([RECORD, use], "|name: str", "label"))[1] == after


def test_a_field_renamed_at_a_call_is_renamed_in_its_class() -> None:
    use = "s = S(name='a')\nprint(s.name)"
    found = typed([RECORD, use], use.replace("(name", "(label"), 1)
    assert texts(found) == [
        RECORD.replace("name: str", "label: str"),
        "s = S(label='a')\nprint(s.label)",
    ]


def test_keys_of_a_typed_dictionary_follow_where_its_type_is_known() -> None:
    first = "class Rec(TypedDict, total=False):\n    name: str"
    use = "r: Rec = {'name': 'a'}\nr['name']\nr.get('name')\nother['name']"
    plan = planned([first, use], "|name", "label")
    assert texts(plan)[1] == "r: Rec = {'label': 'a'}\nr['label']\nr.get('label')\nother['name']"
    assert isinstance(plan, RenamePlan)
    assert any("may be a key" in note for note in plan.notes)


def test_members_of_an_enum_follow_in_brackets() -> None:
    plan = planned(
        ["class Mode(IntEnum):\n    FAST = 1", "Mode['FAST'], Mode.FAST"], "|FAST", "RUN"
    )
    assert texts(plan)[1] == "Mode['RUN'], Mode.RUN"


def test_overloads_are_one_function() -> None:
    overloads = "@overload\ndef f(a: int): ...\n@typing.overload\ndef f(a: str): ...\n"
    first = f"{overloads}def f(a): return a\nf(a=1)"
    assert texts(planned([first, "f(a=2)"], "f(|a):", "b")) == [
        first.replace("(a", "(b").replace("return a", "return b"),
        "f(b=2)",
    ]
    assert texts(planned([first, "f(1)"], "def |f(a: int", "g"))[1] == "g(1)"


@pytest.mark.parametrize(
    ("doc", "after"),
    [
        ("Args:\n        w (int): it", "Args:\n        width (int): it"),
        ("Args:\n        w: it", "Args:\n        width: it"),
        (":param w: it\n    :type w: int", ":param width: it\n    :type width: int"),
        ("Uses `w` twice.", "Uses `width` twice."),
        (
            "Parameters\n    ----------\n    w, h : int",
            "Parameters\n    ----------\n    width, h : int",
        ),
    ],
)
def test_a_docstring_s_parameter_is_optional(doc: str, after: str) -> None:
    first = f'def f(w, h):\n    """Area.\n\n    {doc}\n    """\n    return w'
    plan = planned([first], "f(|w", "width")
    assert isinstance(plan, RenamePlan)
    assert with_edits(plan, plan.optional_edits())[0] == first.replace(doc, after)


@pytest.mark.parametrize(
    ("line", "after"),
    [
        ("!awk '{print path}' {path}", "!awk '{print path}' {path}"),
        ("!sed -e 's/{2}{/x/' {path}", "!sed -e 's/{2}{/x/' {path}"),
        ("!awk '{print $path}'", "!awk '{print $path}'"),
        ("!perl -e '$path = 1' {path}", "!perl -e '$path = 1' {folder}"),
        ("!ls {path} {{path}}", "!ls {folder} {{path}}"),
        ("out = !wc -l {path}/*.csv", "out = !wc -l {folder}/*.csv"),
        ("%%bash -s {path}\necho $path", "%%bash -s {folder}\necho $path"),
    ],
)
def test_a_shell_line_is_filled_in_as_ipython_does(line: str, after: str) -> None:
    assert texts(planned(["path = 'f'", line], "|path", "folder"))[1] == after


@pytest.mark.parametrize(
    ("before", "after", "use", "follows"),
    [
        ("%%sql out <<\nselect 1", "%%sql tab <<\nselect 1", "print(out)", "print(tab)"),
        ("%sql out << select 1", "%sql tab << select 1", "print(out)", "print(tab)"),
        ("%%R -o out,b\nout <- 1", "%%R -o tab,b\nout <- 1", "print(out, b)", "print(tab, b)"),
        ("%%octave -i a -o out\nout = a", "%%octave -i a -o tab\nout = a", "out + 1", "tab + 1"),
        ("%%bigquery out\nselect 1", "%%bigquery tab\nselect 1", "out.head()", "tab.head()"),
        ("%%capture out\nprint(1)", "%%capture tab\nprint(1)", "out.show()", "tab.show()"),
    ],
)
def test_a_name_that_a_magic_gives_back_is_a_definition(
    before: str, after: str, use: str, follows: str
) -> None:
    assert texts(typed([before, use], after))[1] == follows


@pytest.mark.parametrize(
    ("line", "after"),
    [
        ("%%sql\nselect * from t where a > :lim", "%%sql\nselect * from t where a > :cut"),
        ("%sql select '{{lim}}', ':lim', a::lim", "%sql select '{{lim}}', ':lim', a::lim"),
        ("%%R -i lim,b\nlim", "%%R -i cut,b\nlim"),
    ],
)
def test_a_name_that_a_magic_takes_follows(line: str, after: str) -> None:
    assert texts(planned(["lim = 3", line], "|lim", "cut"))[1] == after


@pytest.mark.parametrize(
    ("first", "after", "uses", "follow"),
    [
        ("def lod(): pass", "def load(): pass", ["load()", "lod()"], ["load()", "load()"]),
        ("resutl = 3", "result = 3", ["print(result)", "resutl"], ["print(result)", "result"]),
        (
            "class Modl: pass",
            "class Model: pass",
            ["x = Model", "Modl()"],
            ["x = Model", "Model()"],
        ),
    ],
)
def test_a_use_that_waits_for_the_new_name_forbids_nothing(
    first: str, after: str, uses: list[str], follow: list[str]
) -> None:
    assert texts(typed([first, *uses], after))[1:] == follow


@pytest.mark.parametrize("uses", [["load = 1", "lod()"], ["from m import load", "lod()"]])
def test_a_name_that_exists_still_forbids(uses: list[str]) -> None:
    assert isinstance(typed(["def lod(): pass", *uses], "def load(): pass"), Silence)


@pytest.mark.parametrize(
    ("cells", "at", "new", "why"),
    [
        (["class D(dict):\n    def find(self): pass"], "|find", "values", "member of `dict`"),
        (["class D(dict):\n    def values(self): pass"], "|values", "every", "member of `dict`"),
        (["from threading import Thread\nclass W(Thread):\n    def run(self): pass"], "|run", "go",
         "member of `Thread`"),
        (["class A:\n    def f(self): self.x = 1", "A().x"], "|x = 1", "__x", "another name"),
        (["x = 1\nclass A:\n    def f(self): return x"], "|x = 1", "__x", "another name"),
        (["def f(a, **kw): return kw", "f(1, b=2)"], "(|a", "b", "is already passed"),
        (["def f(a, **kw): return kw.get('b')"], "(|a", "b", "key of `**`"),
        (["def f(a): return a", "f(a=1, b=2)"], "(|a", "b", "is already passed"),
        (["@wrapped\ndef f(a): return a", "f(b=2)"], "(|a", "b", "is already passed"),
        (["if x:\n    def f(a): return a\nelse:\n    def f(b): return b", "f(b=2)"], "(|a", "b",
         "is already passed"),
        (["match p:\n    case [q, 1]: print(q)"], "[|q", "_", "matches anything"),
        (["print(max(1, 2))\nif x:\n    max = 3\nprint(max)"], "|max = 3", "top", "builtin"),
    ],
)  # fmt: skip
def test_what_would_break_is_refused(cells: list[str], at: str, new: str, why: str) -> None:
    found = planned(cells, at, new)
    assert isinstance(found, Silence)
    assert found.reason == "refused"
    assert why in found.detail


@pytest.mark.parametrize(
    ("cells", "at", "note"),
    [
        (["x = 1", "eval('x + 1')"], "|x", "cell 2 looks names up as text (`eval`): not checked"),
        (["x = 1", "try: f()\nexcept NameError as e: print(e)"], "|x", "(`except NameError`)"),
        (
            ["def f(w): pass", "try: f()\nexcept TypeError as e: print(e)"],
            "|w",
            "`except TypeError`",
        ),
        (["x = 1", "'{x}'.format(**globals())"], "|x", "as text (`globals`)"),
        (["def f(x):\n    return '{x}'.format(**locals())"], "(|x", "as text (`locals`)"),
        (["def f(x): pass", "print(f.__name__)"], "|f(x)", "as text (`__name__`)"),
        (["def f(x): pass", "inspect.signature(f)"], "(|x", "as text (`signature`)"),
        (["class A:\n    x = 1", "vars(A())"], "|x", "as text (`vars`)"),
        (
            ["class A:\n    x = 1", "string.Formatter().vformat('{a.x}', (), {'a': A()})"],
            "|x",
            "1 place `.x` of objects whose class is not known",
        ),
        (
            ["class A:\n    x = 1", "str.format('{0.x:>{w}}', A(), w=3)"],
            "|x",
            "1 place `.x` of objects whose class is not known",
        ),
        (["x = 1\nprint(f'{x=}')"], "|x", "cell 1 prints the name itself"),
        (["class A: pass", "print(A)"], "|A", "cell 2 prints the name itself"),
        (["@app.command('x')\ndef f(x): pass"], "(|x", "`@app.command` may use `x` by name"),
        (["class A(nn.Module):\n    def x(self): pass"], "|x", "`nn.Module` may call `x` itself"),
        (
            ["class A(nn.Module):\n    def x(self): pass\nA().x()"],
            "|x",
            "`nn.Module` may have `x` or `renamed` too",
        ),
        (["class A(nn.Module):\n    x = 1"], "|x", "`nn.Module` may have `x` or `renamed` too"),
        (["def f(x): pass", "timeit.timeit('f(1)')"], "|f(x", "as text (`timeit`)"),
        ([f"{RECORD}\n"], "|name: str", "printing `S` shows the field's name"),
    ],
)
def test_what_may_show_is_said(cells: list[str], at: str, note: str) -> None:
    plan = planned(cells, at, "renamed")
    assert isinstance(plan, RenamePlan)
    assert any(note in said for said in plan.notes), plan.notes


@pytest.mark.parametrize(
    ("cells", "at"),
    [
        (["def f(x): pass", "timeit.timeit(lambda: f(1), number=3)"], "|f(x"),
        (["@ward.fixture\ndef f(): pass", "def test_it(f): pass"], "|f():"),
        (["x = 1", "try: f()\nexcept TypeError as e: print(e)"], "|x"),
        (["x = 1", "try: f.a\nexcept AttributeError as e: print(e)"], "|x"),
    ],
)
def test_what_shows_nothing_more_is_not_said(cells: list[str], at: str) -> None:
    plan = planned(cells, at, "renamed")
    assert isinstance(plan, RenamePlan)
    assert not any("as text" in said or "may know" in said for said in plan.notes), plan.notes


def test_a_left_over_use_is_renamed_to_what_its_definition_is_called_now() -> None:
    plan = planned(["print(prices)", "costs = 1", "prices + 1"], "|prices", "costs")
    assert texts(plan) == ["print(costs)", "costs = 1", "costs + 1"]
    assert isinstance(plan, RenamePlan)
    assert plan.notes == ("no cell defines `prices`",)


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("def f(a, b):\n    return a", "def f(a, a):\n    return a"),
        ("def f(a, b=1):\n    return a", "def f(a, a=1):\n    return a"),
        ("def f(a, b):\n    return a + b", "def f(a):\n    return a + b"),
    ],
)
def test_a_name_typed_over_another_parameter_deletes_no_argument(before: str, after: str) -> None:
    cells = (Cell("c0", "code", after), Cell("c1", "code", "f(1, 2)\nf(1, b=2)"))
    event = EditEvent("c0", before, after, "typed")
    answer = SymbolsLane().suggest(
        SuggestRequest(Notebook("python", cells), Caret("c0", 0), (event,))
    )
    assert isinstance(answer, Silence)


def test_a_parameter_added_is_passed_where_a_method_is_called_through_its_class() -> None:
    before = "class Box:\n    def grow(self, by): pass"
    after = "class Box:\n    def grow(self, by, to): pass"
    cells = (Cell("c0", "code", after), Cell("c1", "code", "Box.grow(Box(), 2)\nBox().grow(3)"))
    event = EditEvent("c0", before, after, "typed")
    answer = SymbolsLane().suggest(
        SuggestRequest(Notebook("python", cells), Caret("c0", 0), (event,))
    )
    assert not isinstance(answer, Silence)
    (edit,) = answer[0].edits
    assert edit.edit.apply(cells[1].source) == "Box.grow(Box(), 2, ...)\nBox().grow(3, ...)"


def test_calls_that_pass_the_new_name_already_wait_for_the_parameter() -> None:
    cells = ["def area(heigth, k=1):\n    return heigth * k", "area(height=3)", "area(heigth=4)"]
    found = planned(cells, "(|heigth", "height")
    assert isinstance(found, RenamePlan)
    assert [change.cell for change in found.changes] == ["c0", "c0", "c2"]
    assert found.notes == ("`height=` is already passed in cell 2: nothing takes it",)


@pytest.mark.parametrize(
    ("loaded", "is_other"),
    [
        ("try:\n    df = read(1)\nexcept OSError:\n    df = read(2)\nprint(df)", True),
        ("try:\n    df = read(1)\n# or so\nexcept OSError:\n    df = read(2)\nprint(df)", True),
        ("try:\n    df = read(1)\nexcept OSError:\n    print('none')\nprint(df)", False),
        ("try:\n    df = read(1)\nexcept OSError:\n    df = df.head()\nprint(df)", False),
        ("try:\n    df = read(1)\nfinally:\n    close()\nprint(df)", False),
    ],
)
def test_a_try_that_assigns_in_every_arm_leaves_no_earlier_value(
    loaded: str, is_other: bool
) -> None:
    plan = planned(["df = load()\nprint(df)", loaded], "|df = load", "rows")
    assert texts(plan)[1] == (loaded if is_other else loaded.replace("df", "rows"))


def test_a_plan_says_which_notes_only_count_the_places_that_it_lists() -> None:
    box = "@dataclass\nclass Box:\n    w: int\n    def __repr__(self): return 'box'"
    cells = [f"from dataclasses import dataclass\n{box}", "kind = pick()\nkind(w=1).w"]
    plan = planned(cells, "|w: int", "width")
    assert isinstance(plan, RenamePlan)
    assert len(plan.notes) == 2
    assert set(plan.notes) == set(plan.counting)
    assert with_edits(plan, plan.optional_edits())[1] == "kind = pick()\nkind(width=1).width"


def test_what_a_constructor_of_its_own_is_given_is_no_field() -> None:
    box = "@dataclass\nclass Box:\n    w: int\n    def __init__(self, **k): self.w = k['a']"
    plan = planned([f"from dataclasses import dataclass\n{box}", "Box(**{'a': 1})"], "|w: int", "v")
    assert isinstance(plan, RenamePlan)
    assert not any("`**`" in note for note in plan.notes)


@pytest.mark.parametrize(
    ("cell", "at", "new", "becomes"),
    [
        ("import math as m\nm.pi", "|m\n", "math", "import math\nmath.pi"),
        ("from torch import nn as net, cuda\nnet", "|net,", "nn", "from torch import nn, cuda\nnn"),
        ("from a import (b as c)\nc", "|c)", "b", "from a import (b)\nb"),
        ("import a.b as c\nc", "|c\n", "b", "import a.b as b\nb"),
        ("import math as m\nm.pi", "|m\n", "ma", "import math as ma\nma.pi"),
    ],
)
def test_an_import_under_its_own_name_again_needs_no_alias(
    cell: str, at: str, new: str, becomes: str
) -> None:
    assert texts(planned([cell], at, new)) == [becomes]


@pytest.mark.parametrize(
    ("above", "shell", "is_python"),
    [
        ("pass", "!for line in *; do echo $line; done", False),
        ("pass", '%%script bash -c "while read line; do echo $line; done"\na', False),
        ("line = 2", "!for line in *; do echo $line; done", True),
        ("pass", "!echo $line", True),
    ],
)
def test_what_the_shell_assigns_is_its_own_until_a_cell_defines_it(
    above: str, shell: str, is_python: bool
) -> None:
    plan = typed([above, shell, "line = 1\nprint(line)"], "row = 1\nprint(line)", cell=2)
    assert isinstance(plan, RenamePlan)
    assert any(change.cell == "c1" for change in plan.changes) == (is_python and above == "pass")

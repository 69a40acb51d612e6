"""What a traceback says to change, and when it says nothing."""

# ruff: noqa: E501

from __future__ import annotations

from textwrap import dedent

import pytest

from nextedit_jupyter.core import (
    Caret,
    Cell,
    CellRun,
    KernelError,
    KernelFacts,
    NamedObject,
    Notebook,
    Silence,
    SuggestRequest,
    text_hash,
)
from nextedit_jupyter.suggest.fixes import FixesLane, nearest

FRAME = NamedObject(
    "df", "pandas.DataFrame", members=("groupby", "columns"), subscripts=("price", "size")
)
FIT = NamedObject("fit", "function", keywords=("learning_rate", "epochs"))
UNEXPECTED = "f() got an unexpected keyword argument 'learning_rte'"
VALUES = NamedObject("values", "list")
NUMPY = NamedObject("np", "module", members=("arange", "array", "zeros"))


def fix(
    source: str, error: KernelError, *names: NamedObject, ran: str | None = None
) -> str | Silence:
    facts = KernelFacts(
        runs=(CellRun("c", text_hash(ran if ran is not None else source), 1),),
        names=names,
        error=error,
    )
    request = SuggestRequest(
        Notebook("python", (Cell("c", "code", source),)), Caret("c", 0), facts=facts
    )
    found = FixesLane().suggest(request, lambda: False)
    if isinstance(found, Silence):
        return found
    (suggestion,) = found
    assert (suggestion.kind, suggestion.lane) == ("next_edit", "symbols")
    texts = suggestion.apply(request.notebook)
    assert texts is not None
    return texts["c"]


def test_a_misspelt_name_becomes_the_one_that_is_alive() -> None:
    error = KernelError("c", 2, "NameError", "vlaues", "name 'vlaues' is not defined")
    values = NamedObject("values", "list")
    assert fix("x = 1\nprint(vlaues)", error, values, FRAME) == "x = 1\nprint(values)"


def test_a_conventional_name_gets_its_import_unless_a_cell_has_it() -> None:
    error = KernelError("c", 1, "NameError", "plt")
    plot = NamedObject("plot", "function")
    assert fix("plt.show()", error, plot) == "import matplotlib.pyplot as plt\nplt.show()"
    below = "plt.show()\nimport matplotlib.pyplot as plt"
    assert isinstance(fix(below, error, plot), Silence)
    assert isinstance(fix("%%bash\nplt.show()", error, plot), Silence)


def test_a_builtin_can_be_meant_too() -> None:
    error = KernelError("c", 1, "NameError", "pritn")
    assert fix("pritn(1)", error) == "print(1)"


def test_a_misspelt_column_becomes_the_frames_own() -> None:
    error = KernelError("c", 1, "KeyError", "prcie")
    assert fix('df["prcie"].mean()', error, FRAME) == 'df["price"].mean()'
    assert fix("df[['prcie', 'size']]", error, FRAME) == "df[['price', 'size']]"


def test_a_misspelt_attribute_becomes_the_objects_own() -> None:
    message = "'DataFrame' object has no attribute 'grupby'"
    error = KernelError("c", 1, "AttributeError", "grupby", message)
    assert fix('df.grupby("a")', error, FRAME) == 'df.groupby("a")'
    named_by_message = KernelError("c", 1, "AttributeError", "", message)
    assert fix('df.grupby("a")', named_by_message, FRAME) == 'df.groupby("a")'


def test_a_misspelt_keyword_becomes_the_functions_own() -> None:
    message = "fit() got an unexpected keyword argument 'learning_rte'"
    error = KernelError("c", 1, "TypeError", "learning_rte", message)
    assert fix("fit(learning_rte=1)", error, FIT) == "fit(learning_rate=1)"


@pytest.mark.parametrize(
    ("source", "error", "names"),
    [
        # nothing is like it
        ("print(q)", KernelError("c", 1, "NameError", "q"), (FRAME,)),
        # two are as like
        (
            "print(vale)",
            KernelError("c", 1, "NameError", "vale"),
            (NamedObject("valt", "int"), NamedObject("vala", "int")),
        ),
        # the line has nothing of that name
        ("print(x)\ny", KernelError("c", 2, "NameError", "x"), (NamedObject("xs", "int"),)),
        # the name stands there twice: which one?
        ('df["prcie"] + df["prcie"]', KernelError("c", 1, "KeyError", "prcie"), (FRAME,)),
        # an unknown object
        ('other["prcie"]', KernelError("c", 1, "KeyError", "prcie"), (FRAME,)),
        # the keyword is given already
        (
            "fit(learning_rte=1, learning_rate=2)",
            KernelError("c", 1, "TypeError", "learning_rte", UNEXPECTED),
            (FIT,),
        ),
        # no such line
        ("x", KernelError("c", 9, "NameError", "x"), (NamedObject("xs", "int"),)),
        ("x", KernelError("c", 0, "NameError", "x"), (NamedObject("xs", "int"),)),
        # errors of other kinds
        ("1 / 0", KernelError("c", 1, "ZeroDivisionError"), (NUMPY,)),
        # in a comment or a string only
        ('"vlaues"  # vlaues', KernelError("c", 1, "NameError", "vlaues"), (VALUES,)),
    ],
)  # fmt: skip
def test_where_it_may_mean_something_else_nothing_is_offered(
    source: str, error: KernelError, names: tuple[NamedObject, ...]
) -> None:
    assert isinstance(fix(source, error, *names), Silence)


def test_a_cell_that_changed_since_it_failed_is_left_alone() -> None:
    error = KernelError("c", 1, "NameError", "vlaues")
    values = NamedObject("values", "list")
    assert isinstance(fix("print(vlaues)", error, values, ran="print(vlaues, 1)"), Silence)


def test_nearest_asks_for_one_candidate() -> None:
    assert nearest("colums", {"columns", "index"}) == "columns"
    assert nearest("x1", {"x2", "x3"}) is None
    assert nearest("data", {"data"}) is None
    assert nearest("", {"a"}) is None


def found_in(
    *sources: str,
    error: KernelError,
    names: tuple[NamedObject, ...] = (),
    ran: tuple[int, ...] = (),
) -> str | Silence:
    """What becomes of the failing cell, whose number the error names; `ran` are those that ran."""
    cells = tuple(Cell(f"c{i}", "code", source) for i, source in enumerate(sources))
    runs = tuple(CellRun(f"c{i}", text_hash(sources[i]), 1) for i in ran)
    request = SuggestRequest(
        Notebook("python", cells),
        Caret(error.cell, 0),
        facts=KernelFacts(runs=runs, names=names, error=error),
    )
    found = FixesLane().suggest(request, lambda: False)
    if isinstance(found, Silence):
        return found
    texts = found[0].apply(request.notebook)
    assert texts is not None
    return texts[error.cell]


NEAR = (NamedObject("vals", "list"), NamedObject("total_", "int"))


@pytest.mark.parametrize(
    "maker",
    [
        "val = 3",
        "val: int = 3",
        "def val(): pass",
        "class val: pass",
        "import val",
        "from m import val",
        "from m import x as val",
        "for val in range(3): pass",
        "with open('a') as val: pass",
        "if (val := 3): pass",
        "a, (val, b) = 1, (2, 3)",
        "val = 3\nfoo(",  # a cell that does not parse
        "val = sum(xs",
        "def val(x:\n    return 1",
        "import numpy as val, os.\nx = (",
        "for i, val in enumerate(xs:\n    pass",
        "with open('a') as val\n    x = val.read()",
        "if x:\n    a, *val = f(]\nelse",
        "%%capture val\nprint(1)",
        "val = !ls",
        "try:\n    val = 1\nexcept ValueError:\n    pass",
        "global val\nval = 1",
        "from helpers import *",
        "%run helpers.ipynb",
        "%store -r",
        "globals()['v' + 'al'] = 3",
        "globals().update(read())",
        "get_ipython().run_line_magic('run', 'helpers.py')",
        "for a, (val, *b) in x: pass",
        "with open('a') as f, open('b') as val: pass",
        "match x:\n    case {'a': val}: pass",
        "match x:\n    case [1, *val]: pass",
        "def f():\n    global val\n    val = 1",
        "import val.sub",
        "%time val = 3",
        "%%time\nval = 3",
        "val = %sql select 1",
        "%%sql val << select 1\nfrom t",
        "x = [val := 1]",
        "while True:\n    if x:\n        val = 1",
        "val += 1",
        "del val",
        "type val = int",
    ],
)
def test_a_name_that_a_cell_makes_is_no_misspelling(maker: str) -> None:
    error = KernelError("c0", 1, "NameError", "val", "name 'val' is not defined")
    assert isinstance(found_in("print(val)", maker, error=error, names=NEAR), Silence)
    assert isinstance(found_in("print(val)\n" + maker, error=error, names=NEAR), Silence)


def test_a_star_import_that_ran_did_not_bring_the_name() -> None:
    error = KernelError("c1", 1, "NameError", "vlaues")
    cells = ("from helpers import *", "print(vlaues)")
    assert isinstance(found_in(*cells, error=error, names=(VALUES,)), Silence)
    assert found_in(*cells, error=error, names=(VALUES,), ran=(0, 1)) == "print(values)"


@pytest.mark.parametrize(
    "maker",
    [
        "df['prices'] = 3",
        "df.loc[:, 'prices'] = 3",
        "df['prices'], y = 1, 2",
        "df = df.assign(prices=3)",
        "df = df.rename(columns={'price': 'prices'})",
        "df = pd.DataFrame({'prices': [1]})",
        "df = pd.DataFrame(dict(prices=[1]))",
        "df.columns = ['prices', 'qty']",
        "df = pd.read_csv('a.csv', names=['prices'])",
        "df.insert(0, 'prices', 1)",
        "df = df.reset_index(name='prices')",
        "COLUMN = 'prices'\ndf[COLUMN] = 1",
    ],
)
def test_a_column_that_a_cell_makes_is_no_misspelling(maker: str) -> None:
    frame = NamedObject("df", "pandas.DataFrame", subscripts=("price", "qty"))
    error = KernelError("c1", 1, "KeyError", "prices", "'prices'")
    for use in ("df['prices'].mean()", "df[['prices', 'qty']]", "d = df.loc[:, 'prices']"):
        assert isinstance(found_in(maker, use, error=error, names=(frame,)), Silence)
    attribute = KernelError("c1", 1, "AttributeError", "prices", "no attribute 'prices'")
    found = found_in(maker, "df.prices.mean()", error=attribute, names=(frame,))
    assert isinstance(found, Silence)


def test_a_column_that_other_cells_only_read_is_a_misspelling() -> None:
    frame = NamedObject("df", "pandas.DataFrame", subscripts=("price", "qty"))
    error = KernelError("c1", 1, "KeyError", "prcie", "'prcie'")
    cells = ("x = df['prcie'] + 1", "df['prcie'].mean()")
    assert found_in(*cells, error=error, names=(frame,)) == "df['price'].mean()"


@pytest.mark.parametrize(
    "maker",
    [
        "def f(x, scales=1): pass",
        "def f(x, *, scales): pass",
        "f = lambda x, scales: x",
        "class f:\n    def __init__(self, x, scales=1): pass",
        "@dataclass\nclass f:\n    x: int\n    scales: int = 1",
        "def f(x, scales=1:\n    return (x",
    ],
)
def test_a_parameter_of_a_definition_that_changed_is_no_misspelling(maker: str) -> None:
    known = NamedObject("f", "function", keywords=("x", "scale"))
    message = "f() got an unexpected keyword argument 'scales'"
    error = KernelError("c1", 1, "TypeError", "scales", message)
    assert isinstance(found_in(maker, "f(1, scales=2)", error=error, names=(known,)), Silence)


@pytest.mark.parametrize(
    "maker",
    [
        "class A:\n    def totals(self): pass",
        "class A:\n    totals = 1",
        "class A:\n    def __init__(self):\n        self.totals = 1",
        "a.totals = 1",
        "class A:\n    def totals(self:\n        return 1",
    ],
)
def test_a_member_of_a_class_that_changed_is_no_misspelling(maker: str) -> None:
    known = NamedObject("a", "A", members=("total",))
    error = KernelError("c1", 1, "AttributeError", "totals", "'A' has no attribute 'totals'")
    assert isinstance(found_in(maker, "a.totals", error=error, names=(known,)), Silence)


@pytest.mark.parametrize(
    ("source", "line", "becomes"),
    [
        (
            "from __future__ import annotations\nnp.zeros(3)",
            2,
            "from __future__ import annotations\nimport numpy as np\nnp.zeros(3)",
        ),
        (
            '"""What."""\nfrom __future__ import annotations\n\nnp.zeros(3)',
            4,
            '"""What."""\nfrom __future__ import annotations\nimport numpy as np\n\nnp.zeros(3)',
        ),
        ('"""What."""\nnp.zeros(3)', 2, '"""What."""\nimport numpy as np\nnp.zeros(3)'),
        (
            "# first\nfrom __future__ import (\n    annotations,\n    division,\n)\nnp.zeros(3)",
            6,
            "# first\nfrom __future__ import (\n    annotations,\n    division,\n)\n"
            "import numpy as np\nnp.zeros(3)",
        ),
        (
            "from __future__ import annotations  # types\nfrom __future__ import division\nnp.e",
            3,
            "from __future__ import annotations  # types\nfrom __future__ import division\n"
            "import numpy as np\nnp.e",
        ),
        (
            "from __future__ import annotations; np.zeros(3)",
            1,
            "from __future__ import annotations; import numpy as np; np.zeros(3)",
        ),
        ("# a note\nnp.zeros(3)", 2, "import numpy as np\n# a note\nnp.zeros(3)"),
        (
            "from __future__ import a; from __future__ import b; np.zeros(3)",
            1,
            "from __future__ import a; from __future__ import b; import numpy as np; np.zeros(3)",
        ),
        ("  x = 1\n  np.zeros(3)", 2, "  import numpy as np\n  x = 1\n  np.zeros(3)"),
        (
            "#!/bin/python\n# coding: ascii\nnp.e",
            3,
            "#!/bin/python\n# coding: ascii\nimport numpy as np\nnp.e",
        ),
        ("# %% Load\nnp.e", 2, "# %% Load\nimport numpy as np\nnp.e"),
    ],
)
def test_an_import_goes_below_what_must_come_first(source: str, line: int, becomes: str) -> None:
    error = KernelError("c0", line, "NameError", "np", "name 'np' is not defined")
    found = found_in(source, error=error)
    assert found == becomes
    if "__future__ import a;" not in becomes:
        compile(dedent(becomes), "<cell>", "exec")


@pytest.mark.parametrize(
    ("source", "line", "becomes"),
    [
        ("%%time\nnp.e", 2, "%%time\nimport numpy as np\nnp.e"),
        ("%%time\n\n\nnp.e", 4, "%%time\nimport numpy as np\n\n\nnp.e"),
        ("%matplotlib inline\nnp.e", 2, "%matplotlib inline\nimport numpy as np\nnp.e"),
        ("!pip install x\n%load_ext y\nnp.e", 3, "!pip install x\n%load_ext y\nimport numpy as np\nnp.e"),
        ("%time x = np.e", 1, "import numpy as np\n%time x = np.e"),
        ("files = !ls\nnp.e", 2, "import numpy as np\nfiles = !ls\nnp.e"),
        ("np.e\n%matplotlib inline", 1, "import numpy as np\nnp.e\n%matplotlib inline"),
        ('%%time\n"""What."""\nnp.e', 3, '%%time\n"""What."""\nimport numpy as np\nnp.e'),
        ("import pandas as pd\nnp.e", 2, "import numpy as np\nimport pandas as pd\nnp.e"),
        ("import matplotlib\nimport scipy\n\nnp.e", 4, "import matplotlib\nimport numpy as np\nimport scipy\n\nnp.e"),
        ("import matplotlib as m\nnp.e", 2, "import matplotlib as m\nimport numpy as np\nnp.e"),
        ("import os\nimport sys\n\nimport pandas\nnp.e", 5, "import os\nimport sys\n\nimport numpy as np\nimport pandas\nnp.e"),
        ("from scipy import stats\nnp.e", 2, "import numpy as np\nfrom scipy import stats\nnp.e"),
        ("import os\nnp.e", 2, "import os\nimport numpy as np\nnp.e"),
        ("# the tools\nimport pandas\nnp.e", 3, "# the tools\nimport numpy as np\nimport pandas\nnp.e"),
        ("%matplotlib inline\nimport pandas\nnp.e", 3, "%matplotlib inline\nimport numpy as np\nimport pandas\nnp.e"),
        ("x = np.e\nimport pandas", 1, "import numpy as np\nx = np.e\nimport pandas"),
        ("import pandas; x = np.e", 1, "import numpy as np\nimport pandas; x = np.e"),
    ],
)  # fmt: skip
def test_an_import_takes_its_place_in_sorted_company(source: str, line: int, becomes: str) -> None:
    error = KernelError("c0", line, "NameError", "np", "name 'np' is not defined")
    assert found_in(source, error=error) == becomes


def test_a_module_of_python_stands_among_its_like() -> None:
    error = KernelError("c0", 4, "NameError", "json", "name 'json' is not defined")
    source = "import re\n\nimport pandas as pd\njson.dumps(1)"
    assert found_in(source, error=error) == "import json\n" + source
    source = "import pandas as pd\nx = 1\n\njson.dumps(1)"
    assert found_in(source, error=error) == "import json\n" + source

"""What a traceback says to change, and when it says nothing."""

from __future__ import annotations

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
    assert isinstance(fix("%%time\nplt.show()", error, plot), Silence)


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

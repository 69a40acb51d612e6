"""Calls after a signature changed: they pass each argument to the parameter that it went to before,
or the offer says what it does not see.
"""

from __future__ import annotations

import pytest

from nextedit_jupyter.core import (
    Caret,
    Cell,
    EditEvent,
    Notebook,
    Silence,
    Suggestion,
    SuggestRequest,
)
from nextedit_jupyter.suggest.symbols import SymbolsLane

PAIR = "def f(a, b, c=3):\n    return a, b, c"
METHOD = "class A:\n    def m(self, a, b): return a, b"


def offer(before: str, after: str, *cells: str) -> tuple[Suggestion, str] | Silence:
    """What is offered after the first cell changed, and the second cell with it."""
    notebook = Notebook(
        "python", tuple(Cell(f"c{n}", "code", text) for n, text in enumerate((after, *cells)))
    )
    event = EditEvent("c0", before, after, "typed")
    found = SymbolsLane().suggest(
        SuggestRequest(notebook, Caret("c1", 0), (event,), want=("rename",))
    )
    if isinstance(found, Silence):
        return found
    return found[0], (found[0].apply(notebook) or {}).get("c1", cells[0])


def follows(before: str, after: str, *cells: str) -> str:
    found = offer(before, after, *cells)
    assert not isinstance(found, Silence), found
    return found[1]


@pytest.mark.parametrize(
    ("use", "then"),
    [
        ("f(f(1, 2), f(3, 4))", "f(f(4, 3), f(2, 1))"),
        ("f(1, f(b=2, a=3))", "f(f(b=2, a=3), 1)"),
        ("f(f(f(1, 2), 3), 4)", "f(4, f(3, f(2, 1)))"),
        ("f(g(f(1, 2)), [f(3, 4)])", "f([f(4, 3)], g(f(2, 1)))"),
        ("f(1, 2).x(f(3, 4))", "f(2, 1).x(f(4, 3))"),
    ],
)
def test_calls_in_calls_are_moved_as_they_become(use: str, then: str) -> None:
    assert follows(PAIR, PAIR.replace("a, b, c=3", "b, a, c=3"), use) == then


def test_calls_that_were_changed_with_the_function_follow_already() -> None:
    was = "def f(a, b):\n    return f(0, b) if a else b"
    now = "def f(b, a):\n    return f(b, 0) if a else b"
    found = offer(was, now, "f(1, 2)")
    assert not isinstance(found, Silence)
    assert [edit.cell for edit in found[0].edits] == ["c1"]
    half = "def f(b, a):\n    return f(0, b) if a else b"
    assert follows(was, half, "f(1, 2)") == "f(2, 1)"


@pytest.mark.parametrize(
    ("use", "then"),
    [
        ("[*f(1, 2)]", "[*f(2, 1)]"),
        ("x = *f(1, 2), {*f(3, 4)}", "x = *f(2, 1), {*f(4, 3)}"),
        ("f(1, 2)(3, 4)", "f(2, 1)(3, 4)"),
        ("f(1, 2)[0](3, 4)", "f(2, 1)[0](3, 4)"),
    ],
)
def test_starred_calls_follow_and_calls_of_what_a_call_gives_do_not(use: str, then: str) -> None:
    assert follows(PAIR, PAIR.replace("a, b, c=3", "b, a, c=3"), use) == then


def test_a_call_in_an_argument_that_is_taken_away_goes_with_it() -> None:
    was, now = "def f(a, b):\n    return a", "def f(a):\n    return a"
    found = offer(was, now, "f(f(1, 2), f(3, f(4, 5)))")
    assert not isinstance(found, Silence)
    assert found[1] == "f(f(1))"
    assert "the removed arguments contain calls" in "; ".join(found[0].notes)
    plain = offer(was, now, "f(1, 2)")
    assert not isinstance(plain, Silence)
    assert plain[0].notes == ()


@pytest.mark.parametrize(
    ("use", "note"),
    [
        ("f(1, 2)\ng = f\ng(3, 4)", "`f` is used without being called"),
        ("f(1, 2)\nlist(map(f, x, y))", "`f` is used without being called"),
        ("f(1, 2)\nf(*x)", "1 call with `*` or `**`: left alone"),
    ],
)
def test_calls_that_are_not_seen_are_said(use: str, note: str) -> None:
    found = offer(PAIR, PAIR.replace("a, b, c=3", "b, a, c=3"), use)
    assert not isinstance(found, Silence)
    assert note in "; ".join(found[0].notes)


def test_calls_of_a_method_on_unknown_objects_are_said() -> None:
    after = METHOD.replace("a, b):", "b, a):")
    found = offer(METHOD, after, "A().m(1, 2)\n[o.m(3, 4) for o in things]")
    assert not isinstance(found, Silence)
    assert found[0].notes == ("1 call of `.m` of objects whose class is not known",)


def test_a_method_that_an_heir_defines_too_changes_no_calls() -> None:
    heir = "class B(A):\n    def m(self, a, b): return super().m(a, b)\nB().m(1, 2)"
    found = offer(METHOD, METHOD.replace("a, b):", "b, a):"), heir)
    assert isinstance(found, Silence)
    assert found.reason == "low_confidence"


def test_a_class_that_is_called_with_its_types_is_called_all_the_same() -> None:
    was = "class Box[T]:\n    def __init__(self, a, b): pass"
    now = was.replace("a, b", "b, a")
    assert follows(was, now, "Box[int](1, 2)\nBox(3, 4)") == "Box[int](2, 1)\nBox(4, 3)"


def test_a_call_around_too_many_others_is_left_alone_and_said_to_be() -> None:
    use = "f(0, [" + ", ".join(["f(1, 2)"] * 60) + "])"
    found = offer(PAIR, PAIR.replace("a, b, c=3", "b, a, c=3"), use)
    assert not isinstance(found, Silence)
    assert found[1] == use.replace("f(1, 2)", "f(2, 1)")
    assert found[0].notes == ("1 call around too many other calls of it: left alone",)


@pytest.mark.parametrize(
    ("was", "now", "use", "then"),
    [
        ("f(x, color=1)", "f(x, *, color=1)", "f(1, 2)\nf(3)\nf(4, color=5)", "f(1, color=2)"),
        ("f(x, c)", "f(*, x, c)", "f(1, c=3)", "f(x=1, c=3)"),
        ("f(a, b=2)", "f(a, *, b=2, c=3)", "f(1, 2)", "f(1, b=2)"),
        ("f(a, b=2)", "f(a, *, b=2)", "f(f(1, 2), f(3))", "f(f(1, b=2), b=f(3))"),
        ("f(a, b=2)", "f(a, b=2, /)", "f(1, b=3)\nf(2)", "f(1, 3)"),
        ("f(a, b=2)", "f(a, b=2, /)", "f(b=3, a=1)", "f(1, 3)"),
        ("f(a=1, b=2)", "f(a=1, b=2, /)", "f(a=3)\nf(b=3)", "f(3)"),
    ],
)
def test_a_star_or_a_slash_between_parameters_changes_how_calls_pass_them(
    was: str, now: str, use: str, then: str
) -> None:
    rest = use.split("\n")[1:]
    body = "def {}:\n    return 1"
    assert follows(body.format(was), body.format(now), use) == "\n".join([then, *rest])


def test_a_star_in_a_method_changes_calls_of_its_objects_and_of_its_class() -> None:
    use = "A().m(1, 2)\nA.m(A(), 3, 4)"
    assert follows(METHOD, METHOD.replace("a, b):", "a, *, b):"), use) == (
        "A().m(1, b=2)\nA.m(A(), 3, b=4)"
    )


def test_calls_of_an_object_follow_what_its_class_makes_of_a_call() -> None:
    was = "class Layer:\n    def __call__(self, x, w=1): return x"
    use = "layer = Layer()\nlayer(1, 2)\nother(1, 2)"
    then = "layer = Layer()\nlayer(1, w=2)\nother(1, 2)"
    assert follows(was, was.replace("w=1", "*, w=1"), use) == then


def test_a_call_that_a_slash_leaves_no_way_is_left_alone_and_said_to_be() -> None:
    was = "def f(a=1, b=2):\n    return a"
    found = offer(was, was.replace("b=2", "b=2, /"), "f(a=3)\nf(b=3)")
    assert not isinstance(found, Silence)
    assert found[0].label.startswith("pass `a`, `b` by position in calls of `f`: 1 place")
    assert "without an argument before these: left alone" in found[0].notes[0]


def test_a_star_that_is_taken_away_asks_nothing_of_calls() -> None:
    was = "def f(a, *, b):\n    return a"
    assert isinstance(offer(was, was.replace("*, ", ""), "f(1, b=2)"), Silence)

"""A parameter or field of something else is renamed with all that names it, or not at all."""

from __future__ import annotations

import pytest
from offering import Trees, after, optional, request

F, RENAMED = "def f(w):\n    return w * 2", "def f(width):\n    return w * 2"
G, CHANGED = "def g(w):\n    return w + 1", "def g(width):\n    return width + 1"


def left(other: str, *uses: str, first: str = RENAMED) -> list[str]:
    """The other cells after the offers, once f's parameter was renamed."""
    asked = request([first, other, *uses], (0, first.replace("(width", "(w"), first))
    return after(asked, Trees(0.9))[1:]


@pytest.mark.parametrize(
    ("use", "becomes"),
    [
        ("f(w=1)\ng(w=2)", "f(width=1)\ng(width=2)"),
        (
            "from functools import partial\nf(w=1)\npartial(g, w=3)()",
            "from functools import partial\nf(width=1)\npartial(g, width=3)()",
        ),
    ],
)
def test_the_parameter_of_another_function_follows_with_the_calls_that_name_it(
    use: str, becomes: str
) -> None:
    assert left(G, use) == [CHANGED, becomes]


@pytest.mark.parametrize(
    "use",
    [
        "k = g\nk(w=3)",
        "df['a'].apply(g, w=3)",
        "interact(g, w=(0, 3))",
        "tab = {'g': g}\ntab['g'](w=2)",
        "def run(**kw):\n    return g(**kw)\nrun(w=2)",
        "g(**options)",
        "@decorated\ndef h(w):\n    return w\nh(w=1)\ng(width=3, w=1)",
    ],
)
def test_the_parameter_of_another_function_stays_where_something_unseen_may_name_it(
    use: str,
) -> None:
    assert left(G, f"f(w=1)\n{use}") == [G, f"f(width=1)\n{use}"]


def test_a_function_that_is_defined_again_is_followed_by_the_calls_of_each_definition() -> None:
    again = "def g(w, k=1):\n    return w"
    first, between, second, last = left(G, "f(w=1); g(w=2)", again, "g(w=5)")
    assert (first == CHANGED) == (between == "f(width=1); g(width=2)")
    assert (second == again) == (last == "g(w=5)")


def test_overloads_of_another_function_follow_with_its_calls() -> None:
    one = "@overload\ndef g(w: int) -> int: ...\n"
    other = f"from typing import overload\n{one}{one.replace('int', 'str')}def g(w):\n    return w"
    becomes = other.replace("(w", "(width").replace("return w", "return width")
    assert left(other, "f(w=1); g(w=2)") == [becomes, "f(width=1); g(width=2)"]


@pytest.mark.parametrize(
    ("owner", "use"),
    [
        ("@dataclass\nclass B:\n    w: int = 0", "b = B(w=2)\nprint(b.w)"),
        ("class P(NamedTuple):\n    w: int", "print(P(w=2).w)"),
        ("class T(TypedDict):\n    w: int", "t: T = {'w': 2}\nprint(t['w'])"),
    ],
)
def test_the_field_of_a_class_keeps_its_name_when_a_parameter_gets_another(
    owner: str, use: str
) -> None:
    head = "from dataclasses import dataclass\nfrom typing import NamedTuple, TypedDict\n"
    assert left(head + owner, f"f(w=1)\n{use}") == [head + owner, f"f(width=1)\n{use}"]


@pytest.mark.parametrize("value", ["", " = 0"])
@pytest.mark.parametrize(("old", "new"), [("steps", "epochs"), ("w", "width")])
def test_of_two_classes_with_the_same_line_the_edited_ones_uses_follow(
    old: str, new: str, value: str
) -> None:
    head = "from dataclasses import dataclass\n"
    one, two = (f"@dataclass\nclass {c}:\n    {old}: int{value}" for c in ("Train", "Eval"))
    renamed = one.replace(old, new)
    uses = f"t = Train({old}=1)\ne = Eval({old}=2)\nprint(t.{old}, e.{old})"
    becomes = f"t = Train({new}=1)\ne = Eval({old}=2)\nprint(t.{new}, e.{old})"
    asked = request([head + renamed, two, uses], (0, head + one, head + renamed))
    assert after(asked) == [head + renamed, two, becomes]


def test_what_may_be_named_elsewhere_is_listed() -> None:
    first = f"{RENAMED}\nf(w=1)"
    uses = [G, "def h(w):\n    return w\nh(2)", "k = g\nk(w=3)"]
    asked = request([first, *uses], (0, first.replace("(width", "(w"), first))
    assert after(asked, Trees(0.9))[1:] == [G, "def h(width):\n    return width\nh(2)", uses[2]]
    assert optional(asked, Trees(0.9))[1] == CHANGED


def test_the_body_follows_a_mended_parameter_for_which_a_call_waits() -> None:
    before = "def area(heigth, k=1):\n    return heigth * k"
    now = before.replace("(heigth", "(height")
    uses = ["area(height=3)", "area(heigth=4)"]
    mended = [before.replace("heigth", "height"), uses[0], "area(height=4)"]
    assert after(request([now, *uses], (0, before, now))) == mended


def test_a_parameter_that_a_key_in_a_text_may_name_is_not_ticked() -> None:
    two = "def f({0}):\n    return {0} * 2\ndef g(w):\n    return w + 1"
    first = "def f(width):\n    return w * 2\ndef g(w):\n    return w + 1"
    kept = "Thread(target=g, kwargs={'w': 3}).start()"
    asked = request([first, "f(w=1)", kept], (0, two.format("w"), first))
    assert after(asked) == [two.format("width"), "f(width=1)", kept]

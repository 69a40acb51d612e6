"""What a call of `format` becomes as an f-string evaluates to the same text."""

from __future__ import annotations

from types import SimpleNamespace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nextedit_jupyter.analysis.flat_tree import SyntaxTree, TreeCache
from nextedit_jupyter.analysis.patterns.formatted import FormatInlined
from nextedit_jupyter.core import TextEdit

KNOWN = {
    "n": 7,
    "rate": 0.125,
    "name": "Ada",
    "row": {"a": 1, "b'": 2},
    "run": SimpleNamespace(loss=1.5, tag="x"),
    "half": lambda value, *more: value / 2,
}
TREES = TreeCache()


def tree_of(source: str) -> SyntaxTree:
    return TREES.tree(source)


def rewritten(source: str) -> str:
    return TextEdit.of(FormatInlined().places(tree_of(source))).apply(source)


TEXT = st.sampled_from(["", " ", "a: ", "{{", "}}", "%", "é", "\\n", "\\t", "\\\\", "'", "n="])
VALUES = st.sampled_from(
    [
        "n",
        "rate",
        "name",
        "row['a']",
        'row["a"]',
        "run.loss",
        "half(n)",
        "half(rate, 2)",
        "3",
        "2.5",
    ]
)
FORMATS = st.sampled_from(["", "!r", "!s", ":>10", ":<6", ":^8", "!r:>9"])
STYLES = st.sampled_from(["counted", "numbered", "named"])


@st.composite
def calls(draw: st.DrawFn) -> str:
    quote = draw(st.sampled_from(["'", '"', '"""']))
    prefix = draw(st.sampled_from(["", "r", "u"]))
    style = draw(STYLES)
    values = draw(st.lists(VALUES, min_size=1, max_size=4))
    order = (
        draw(st.permutations(range(len(values)))) if style != "counted" else [*range(len(values))]
    )
    body = draw(TEXT)
    for n in order:
        field = {"counted": "", "numbered": str(n), "named": f"k{n}"}[style]
        body += f"{{{field}{draw(FORMATS)}}}" + draw(TEXT)
    passed = [f"k{n}={value}" if style == "named" else value for n, value in enumerate(values)]
    body = body.replace(quote[0], "")
    return f"{prefix}{quote}{body}{quote}.format({', '.join(passed)})"


@given(calls())
def test_an_f_string_says_the_same(call: str) -> None:
    written = rewritten(call)
    assert written.partition("{")[0].lstrip("r")[:1] == "f"
    assert eval(written, dict(KNOWN)) == eval(call, dict(KNOWN))


@pytest.mark.parametrize(
    ("source", "becomes"),
    [
        ('"{}".format(n)', 'f"{n}"'),
        ('r"\\d{}".format(n)', 'rf"\\d{n}"'),
        ('"{0}, {0}".format(n)', 'f"{n}, {n}"'),
        ('"{k} {}".format(n, k=rate)', 'f"{rate} {n}"'),
        ('"{0.loss:.2f}".format(run)', 'f"{run.loss:.2f}"'),
        ('"{}".format(row["a"])', "f\"{row['a']}\""),
    ],
)
def test_plain_fields_are_written_in_place(source: str, becomes: str) -> None:
    assert rewritten(source) in (becomes, becomes.replace("rf", "fr"))


@pytest.mark.parametrize(
    "source",
    [
        '"{} {0}".format(n)',
        '"{0} {0}".format(half(n))',
        '"{}".format(n, 2)',
        '"{} {}".format(n)',
        '"{0[a]}".format(row)',
        '"{:{}}".format(n, 3)',
        '"{}".format(*row)',
        '"{}".format(n if n else 2)',
        '"{}".format(n[1:2])',
        '"{}".format(row["a\'"])',
        '"{}".format(f(x, "\\n"))',
        '"\\N{DASH} {}".format(n)',
        '"{}" "{}".format(n, 2)',
        'f"{n} {{}}".format(2)',
        'b"{}".format(n)',
        "text.format(n)",
        '"none".format()',
        '"{0.real}".format(3)',
        '"{}".format(' + "n" * 41 + ")",
    ],
)
def test_what_would_not_be_quite_the_same_is_left(source: str) -> None:
    assert rewritten(source) == source

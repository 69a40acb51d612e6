"""What the patterns lane offers, whatever was edited: places that exist and cells that parse."""

from __future__ import annotations

import ast

from hypothesis import given, settings
from hypothesis import strategies as st

from nextedit_jupyter.core import (
    Caret,
    Cell,
    EditEvent,
    Notebook,
    Silence,
    SuggestRequest,
)
from nextedit_jupyter.suggest.patterns import PatternsLane

LINES = [
    "import numpy as np",
    "from sklearn.cross_validation import train_test_split",
    "import sklearn.cross_validation as cv",
    "model = SGD(lr=0.1, momentum=0.9)",
    "other = SGD(params, lr=lr)",
    "t = time.clock()",
    "print(f'{time.clock() - t:.2f} {SGD(lr=1)}')",
    'clf = LogisticRegression(solver="liblinear", C=1)',
    "clf = LogisticRegression(solver='liblinear')",
    'df["colour"] = df["colour"].map(str)',
    'df.groupby("colour").mean().plot(kind="bar")',
    'x = df.groupby("b").mean()',
    "for k, v in d.iteritems():\n    print(k)",
    "if x == None or y == None:\n    pass",
    "fig, ax = plt.subplots()\nplt.title('Accuarcy')\nplt.xlim(0, 1)",
    "z = list(zip(a, b)) + zip(c, d)",
    "def f(x: typing.Tuple[int]) -> typing.Tuple:\n    '''Doc.'''\n    return (x,)",
    "y = [np.float(v) for v in vs if v == None]",
    "%time model.fit(X, lr=2)",
    "s = 'it''s' \"colour\"",
    "w = (lambda q: q.iteritems())(d)",
    "assert f(lr=1,)",
]
REPLACEMENTS = [
    ("lr=", "learning_rate="),
    ("SGD(", "optim.SGD("),
    ("time.clock", "time.process_time"),
    ("liblinear", "lbfgs"),
    ("colour", "hue"),
    ("colour", "it's"),
    ('"colour"', "'hue'"),
    ("iteritems", "items"),
    ("== None", "is None"),
    ("cross_validation", "model_selection"),
    ("typing.Tuple", "tuple"),
    ("np.float", "float"),
    ("plt.title", "ax.set_title"),
    ("zip(c, d)", "list(zip(c, d))"),
    ("zip(a, b)", "list(zip(a, b))"),
    (".mean()", ".mean().reset_index()"),
    ("Accuarcy", "Accuracy"),
    ("C=1", "C=2"),
    (", C=1", ""),
    ("lr=lr", "lr=lr, decay=0"),
    ("0.1", "(0.1"),
    ("SGD", ""),
    ("x", "x y"),
]


def parses(source: str) -> bool:
    text = "\n".join(line for line in source.split("\n") if not line.startswith("%"))
    try:
        ast.parse(text)
    except SyntaxError:
        return False
    return True


@settings(max_examples=150)
@given(
    st.lists(
        st.lists(st.sampled_from(LINES), min_size=1, max_size=4).map("\n".join),
        min_size=2,
        max_size=5,
    ),
    st.lists(st.tuples(st.integers(0, 4), st.sampled_from(REPLACEMENTS)), min_size=1, max_size=3),
    st.booleans(),
)
def test_an_offer_applies_and_each_cell_parses_if_it_did_before(
    sources: list[str], edits: list[tuple[int, tuple[str, str]]], all_at_once: bool
) -> None:
    events = []
    for at, (old, new) in edits:
        cell = at % len(sources)
        after = sources[cell].replace(old, new, -1 if all_at_once else 1)
        if after != sources[cell]:
            events.append(EditEvent(str(cell), sources[cell], after))
            sources[cell] = after
    if not events:
        return
    notebook = Notebook("python", tuple(Cell(str(i), "code", s) for i, s in enumerate(sources)))
    request = SuggestRequest(notebook, Caret(events[-1].cell, 0), tuple(events))
    offers = PatternsLane().suggest(request, lambda: False)
    if isinstance(offers, Silence):
        return
    for offer in offers:
        texts = offer.apply(notebook)
        assert texts is not None
        for id, after in texts.items():
            before = sources[int(id)]
            assert after != before
            assert parses(after) or not parses(before), (before, after)


@settings(max_examples=60)
@given(
    st.lists(st.sampled_from(LINES), min_size=1, max_size=6),
    st.text(max_size=8) | st.sampled_from(["new", "_", "2"]),
    st.integers(0, 60),
    st.integers(0, 5),
)
def test_any_edit_of_any_text_gets_an_answer(
    lines: list[str], typed: str, at: int, deleted: int
) -> None:
    before = "\n".join(lines)
    at = min(at, len(before))
    after = before[:at] + typed + before[at + deleted :]
    texts = {"a": after, "b": after, "c": before}  # made twice, so that it may be offered
    notebook = Notebook("python", tuple(Cell(id, "code", text) for id, text in texts.items()))
    events = tuple(EditEvent(id, before, after) for id in "ab")
    request = SuggestRequest(notebook, Caret("b", min(at + len(typed), len(after))), events)
    offers = PatternsLane().suggest(request, lambda: False)
    for offer in [] if isinstance(offers, Silence) else offers:
        assert offer.apply(notebook) is not None

"""No text within the bounds keeps a request busy; what is too much to read is silence that says so.

Time is the processor's, under a limit many times what is promised: it tells linear from quadratic.
"""

from __future__ import annotations

import random
import time
from dataclasses import replace

import pytest
from hostile_texts import hostile_request

from nextedit_jupyter.analysis.budget import OverBudget, budget, spend
from nextedit_jupyter.analysis.flat_tree import SyntaxTree
from nextedit_jupyter.analysis.index import forget_cells
from nextedit_jupyter.analysis.patterns.changed_nodes import NodeChange
from nextedit_jupyter.analysis.patterns.shapes import Hole, NodeShape, ShapeReplaced, shared_shape
from nextedit_jupyter.core import Answer, Caret, Cell, EditEvent, Notebook, SuggestRequest
from nextedit_jupyter.core.request import Bounds
from nextedit_jupyter.core.wire import decode_request
from nextedit_jupyter.suggest import Suggester
from nextedit_jupyter.suggest.secrets import Secrets

pytestmark = pytest.mark.slow

LIMIT_S = 4.0
PIECES = [
    "a", "a.", "a, ", "a(", "(", "[", "{", "'", '"', "\\", "f'{", "'''", "x = ", "a\n", "\n",
    " ", "a\\\n",
    "\t", "#", "%", "!ls {", "$a ", "?", "x?\n", "%time ", "for x in ", "lambda: ", "not ",
    "@", "é",
    "🙂", "0", "a[0]", "f(a=", "import a\n", "df['a']", "df.append(x)\n", "if x:\n ", "x=1;",
    "\\\n",
    "%%capture -a ", ">>> a\n", "old ", "old: ", "old, ", "for old ", "as old ", "key = 'k1'; ",
    "token=", "password = (", "://a:", "append(", "x.concat(", "a'b\"c", "\x00", "\r", "a -o ",
]  # fmt: skip
EDITS = [
    ("df.append(x)", "df.concat(x)"),
    ("old = 1", "new = 1"),
    ("f(old=1)", "f(new=1)"),
    ("import old", "import new"),
    ("x = 'old'", "x = 'new'"),
    ("def f(a, b):\n    return a", "def f(a):\n    return a"),
    ("df['old']", "df['new']"),
]


def request(before: str, after: str, *others: str, caret: int | None = None) -> SuggestRequest:
    cells = (Cell("here", "code", after), *(Cell(f"c{i}", "code", o) for i, o in enumerate(others)))
    event = EditEvent("here", before, after, "typed", 0.0)
    at = Caret("here", len(after) if caret is None else caret)
    return SuggestRequest(
        Notebook("python", cells),
        at,
        history=(event,),
        want=("rename", "next_edit", "inline"),
        deadline_ms=600_000.0,  # what is counted decides here, not the clock
    )


@pytest.mark.parametrize("piece", PIECES)
def test_a_text_of_any_kind_is_answered_in_linear_time(piece: str) -> None:
    rng = random.Random(piece)
    suggester = Suggester()
    text = piece * (24_000 // len(piece))
    before, after = rng.choice(EDITS)
    asked = [
        request(before, after, text, f"{before}\n{before}"),
        request(f"{before}\n{text}", f"{after}\n{text}", before, caret=len(after)),
        request(f"{text}\n{before}", f"{text}\n{after}", before),
    ]
    for one in asked:
        started = time.process_time()
        answer = suggester.answer(one)
        assert isinstance(answer, Answer)
        assert time.process_time() - started < LIMIT_S


@pytest.mark.parametrize(
    "kind",
    [
        "dotted imports",  # the compiler is quadratic
        "comments",  # tree-sitter is
        "comprehensions",  # looking for a name's scope was
        "triple quotes",  # telling docstrings was
        "cell magics",
        "f-strings in f-strings",
    ],
)
def test_a_text_that_was_read_in_quadratic_time_once_is_not_again(kind: str) -> None:
    suggester = Suggester()
    for place in ("caret", "middle"):
        wire = hostile_request(kind, place, random.Random(kind), 48_000)
        asked = replace(decode_request(wire, Bounds()), deadline_ms=600_000.0)
        forget_cells()
        started = time.process_time()
        answer = suggester.answer(asked)
        assert time.process_time() - started < LIMIT_S
        assert set(answer.silence) | {s.kind for s in answer.suggestions} == set(asked.want)


def test_a_notebook_that_is_too_large_to_read_at_once_is_read_by_and_by() -> None:
    forget_cells()
    dense = [f"v{i} = [" + "1, " * 15_000 + "]" for i in range(24)]
    asked = request("old = 1", "new = 1", *dense, "print(old)")
    suggester = Suggester()
    answer = suggester.answer(asked)
    assert answer.suggestions == ()
    assert answer.silence["rename"].reason == "deadline"
    assert answer.silence["rename"].detail == "the notebook is too large to read at once"
    for _ in range(30):
        answer = suggester.answer(asked)
        if answer.suggestions:
            break
    assert [s.kind for s in answer.suggestions][:1] == ["rename"]


def test_a_rename_is_never_offered_from_a_notebook_that_was_read_in_part() -> None:
    """A use in the part that was not read would be left behind."""
    forget_cells()
    suggester = Suggester()
    dense = ["x = [" + f"a{i}, " * 12_000 + "]" for i in range(8)]
    for _ in range(3):
        answer = suggester.answer(request("old = 1", "new = 1", *dense, "print(old)"))
        assert answer.suggestions == ()
        assert answer.silence["rename"].reason == "deadline"
        forget_cells()


@pytest.mark.parametrize(
    ("use", "before", "after"),
    [
        ("A(old=1).old", "@dataclass\nclass A:\n old: int", "@dataclass\nclass A:\n new: int"),
        ("df = df.assign(old=df.old).query('old > 1')", "df['old'] = 1", "df['new'] = 1"),
        ("f(1, 2)", "def f(a, b): return a", "def f(b, a): return a"),
        ("print(old)", "old = 1", "new = 1"),
    ],
)
def test_thousands_of_small_cells_are_read_in_linear_time(
    use: str, before: str, after: str
) -> None:
    forget_cells()
    asked = request(before, after, *[use] * 8_000)
    started = time.process_time()
    answer = Suggester().answer(asked)
    assert time.process_time() - started < LIMIT_S
    assert set(answer.silence) | {s.kind for s in answer.suggestions} == set(asked.want)


def test_which_cells_to_run_again_is_told_in_linear_time_or_in_part() -> None:
    """Each cell needs the one before, which stands below it: all were looked through for each."""
    forget_cells()
    chain = tuple(Cell(f"c{i}", "code", f"x{i} = x{i + 1}") for i in range(3_000))
    dense = tuple(Cell(f"d{i}", "code", f"y{i} = [" + "c1, " * 15_000 + "]") for i in range(12))
    for cells, limit in ((chain, 3_000), ((*chain[:2], *dense), 1)):
        asked = SuggestRequest(
            Notebook("python", cells), Caret("c0", 0), want=("rename",), changed=("c0",)
        )
        started = time.process_time()
        stale = Suggester().answer(asked).stale
        assert time.process_time() - started < LIMIT_S
        assert stale is not None
        assert "c0" in stale
        assert len(stale) <= limit


def test_what_is_read_is_counted_within_a_budget_alone() -> None:
    spend(10**9)  # nobody counts here
    with budget(100) as own:
        spend(60)
        with pytest.raises(OverBudget):
            spend(60)
        with pytest.raises(OverBudget):
            spend(1)
        assert own.is_over
    spend(10**9)


def test_much_text_is_looked_through_for_secrets_in_linear_time() -> None:
    for piece in ("token=", "password or ", "://a:b", "sig=", "a.b/", "aZ9"):
        secrets = Secrets()
        text = piece * (60_000 // len(piece))
        started = time.process_time()
        for number in range(4):
            secrets.in_text(f"{number}{text}")
        assert time.process_time() - started < LIMIT_S


def test_what_two_changes_share_is_small_or_no_rule() -> None:
    """A sum of thousands of terms was compared with each of its partial sums, term by term."""

    def change(terms: int) -> NodeChange:
        old = SyntaxTree("f(" + "a < " * terms + "b)").root.named_children[0].named_children[0]
        new = SyntaxTree("g(" + "a < " * terms + "b)").root.named_children[0].named_children[0]
        return NodeChange(old, new)

    assert shared_shape(change(3), change(3)) is not None
    assert shared_shape(change(5_000), change(5_000)) is None


def test_comparing_places_with_a_shape_is_counted() -> None:
    shape = NodeShape("call", None, (Hole(0), NodeShape("argument_list", None, (Hole(1),) * 3)))
    rule = ShapeReplaced(shape, (0, "(", 1, ")"), "f")
    tree = SyntaxTree("f(a)\n" * 2_000)
    with budget(1_000_000) as own:
        rule.places(tree)
    assert own.left <= 1_000_000 - 2_000 * 2
    with budget(100), pytest.raises(OverBudget):
        rule.places(tree)

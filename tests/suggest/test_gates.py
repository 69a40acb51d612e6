"""Each gate refuses what it is there for and lets ordinary suggestions pass."""

from __future__ import annotations

import re
from dataclasses import replace
from typing import Any

import pytest

from nextedit_jupyter.core import (
    Caret,
    Cell,
    CellEdit,
    EditEvent,
    Notebook,
    Replacement,
    Suggestion,
    SuggestRequest,
    TextEdit,
)
from nextedit_jupyter.core.suggestion import Kind
from nextedit_jupyter.suggest import gates
from nextedit_jupyter.suggest.caret import caret_context


def at(text: str, *, history: tuple[EditEvent, ...] = (), others: tuple[Cell, ...] = ()) -> Any:
    """A request whose caret stands at the bar."""
    before, _, after = text.partition("|")
    notebook = Notebook("python", (Cell("c", "code", before + after), *others))
    return SuggestRequest(notebook, Caret("c", len(before)), history)


def inserting(request: SuggestRequest, text: str, kind: Kind = "inline") -> Suggestion:
    return editing(request, TextEdit.insert(request.caret.offset, text), kind)


def editing(request: SuggestRequest, edit: TextEdit, kind: Kind = "next_edit") -> Suggestion:
    change = CellEdit.of("c", request.cell.source, edit)
    return Suggestion("s", kind, "model", "", 0.9, (change,))


def becoming(request: SuggestRequest, after: str) -> Suggestion:
    return editing(request, TextEdit.between(request.cell.source, after))


def reason(found: Any) -> str | None:
    return None if found is None else found.reason


def test_an_edit_that_changes_nothing_is_refused() -> None:
    request = at("x = 1|")
    assert reason(gates.changes_nothing(request, becoming(request, "x = 1"))) == "no_change"
    assert gates.changes_nothing(request, becoming(request, "x = 2")) is None


def test_an_edit_of_another_text_is_stale() -> None:
    request = at("x = 1|")
    other = at("x = 12|")
    assert reason(gates.is_stale(request, inserting(other, "3"))) == "stale"
    assert gates.is_stale(request, inserting(request, "3")) is None


def test_what_was_just_deleted_is_not_offered_again() -> None:
    event = EditEvent("c", "df = df.dropna()", "df = df", "typed")
    request = at("df = df|", history=(event,))
    assert reason(gates.reverts_user(request, inserting(request, ".dropna()"))) == "reverts_user"
    assert reason(gates.reverts_user(request, inserting(request, ".drop"))) == "reverts_user"
    longer = inserting(request, ".dropna().head()")
    assert reason(gates.reverts_user(request, longer)) == "reverts_user"
    assert gates.reverts_user(request, inserting(request, ".fillna(0)")) is None


def test_an_edit_is_not_turned_back_two_events_later() -> None:
    events = (
        EditEvent("c", "a = 1\nb = 2", "a = 10\nb = 2", "typed"),
        EditEvent("c", "a = 10\nb = 2", "a = 10\nb = 20", "typed"),
    )
    request = at("a = 10\nb = 20|", history=events)
    back = becoming(request, "a = 1\nb = 20")
    assert reason(gates.reverts_user(request, back)) == "reverts_user"
    assert gates.reverts_user(request, becoming(request, "a = 11\nb = 20")) is None


def test_a_command_may_bring_back_what_was_undone() -> None:
    undone = EditEvent("c", "y = 1", "x = 1", "undone")
    request = at("x = 1|", history=(undone,))
    assert reason(gates.reverts_user(request, becoming(request, "y = 1"))) == "reverts_user"
    command = replace(request, rename_to="y")
    assert gates.reverts_user(command, becoming(request, "y = 1")) is None


def test_a_model_does_not_make_a_cell_like_the_copy_that_is_adapted_below_it() -> None:
    was, becomes = 'plt.plot(x, label="first")', 'plt.plot(z, label="second")'
    event = EditEvent("copy", was, becomes, "typed")
    copy, other = Cell("copy", "code", becomes), Cell("other", "code", "x")
    request = at(f"{was}|", others=(copy, other), history=(event,))
    assert reason(gates.changes_original(request, becoming(request, becomes))) == "no_change"
    changed = replace(request, notebook=Notebook("python", request.notebook.cells[::-1]))
    assert gates.changes_original(changed, becoming(changed, becomes)) is None  # it is below
    unlike = at("plt.plot(y)|", others=(copy,), history=(event,))
    assert gates.changes_original(unlike, becoming(unlike, "plt.plot(z)")) is None


def test_what_ran_is_no_past_that_the_user_left() -> None:
    event = EditEvent("c", "x = 1", "x = 2", "executed")
    request = at("x = 2|", history=(event,))
    assert gates.reverts_user(request, becoming(request, "x = 1")) is None


@pytest.mark.parametrize(
    ("text", "offered"),
    [
        ("|", "for row in rows:"),
        ("|", "df = df.groupby("),
        ("|", "x ="),
        ("print(|)", "df.head()"),
        ("x = [|", "1, 2"),
        ("|\nprint(x)", "x = 1"),
        ("def f(x):\n    |", "return x"),
        ("for i in |", "range(10):"),
        ("%matplotlib inline\n|", "import numpy as np"),
        ('print("|', 'hello")'),
        ("|", "try:"),
        ("x = {|}", '"a": 1'),
        ("if x:\n    y = 1\n|", "else:"),
    ],
)
def test_lines_that_typing_leaves_unfinished_parse_well_enough(text: str, offered: str) -> None:
    request = at(text)
    assert gates.breaks_syntax(request, inserting(request, offered)) is None


@pytest.mark.parametrize(
    ("text", "offered"),
    [
        ("|", "x = = 1"),
        ("print(|)", "a b c"),
        ("x = 1|", " y = 2"),
        ("|", "return )"),
    ],
)
def test_what_no_typing_can_mend_breaks_the_syntax(text: str, offered: str) -> None:
    request = at(text)
    assert reason(gates.breaks_syntax(request, inserting(request, offered))) == "breaks_syntax"


@pytest.mark.parametrize(("text", "offered"), [("pri|(x)", "nt('"), ("f(|, a)", "x[")])
def test_in_mid_line_nothing_is_finished_before_what_stands_there(text: str, offered: str) -> None:
    request = at(text)
    assert reason(gates.breaks_syntax(request, inserting(request, offered))) == "breaks_syntax"
    whole = at("for i in range(3|)")
    edit = TextEdit.replace(whole.caret.offset, whole.caret.offset + 1, "):")
    assert gates.breaks_syntax(whole, editing(whole, edit, "inline")) is None


def test_a_next_edit_must_parse_as_it_stands() -> None:
    request = at("x = f(1)|")
    assert reason(gates.breaks_syntax(request, becoming(request, "x = f(1"))) == "breaks_syntax"
    assert gates.breaks_syntax(request, becoming(request, "x = g(1)")) is None


def test_a_name_that_nothing_knows_is_refused() -> None:
    request = at("import numpy as np\ny = |", others=(Cell("o", "code", "known = 1"),))
    refused = gates.uses_unknown_name(request, inserting(request, "nobody + 1"))
    assert reason(refused) == "unknown_name"
    assert gates.uses_unknown_name(request, inserting(request, "np.sum(known)")) is None


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("y = 'be|", "nchmark"),  # a word of an open string
        ("X_train, |", "X_test, y_train,"),  # targets before their `=`
        ("re|", "sult"),
        ("fit(1, co|", "v_type"),  # may become a keyword
        ("fit(co|", "v_type='robust"),
        ("def lo|", "ad"),
        ("from l|", "ibrary"),
        ("y = [i|", "tem ** 2"),  # `for item in` follows
    ],
)
def test_what_the_rest_of_the_line_may_bind_or_quote_is_no_unknown_name(
    text: str, said: str
) -> None:
    request = at(text)
    assert gates.uses_unknown_name(request, inserting(request, said)) is None


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("y = no|", "body"),
        ("print(no|", "body + 1"),
        ("|", "nobody.x"),
        ("y = f('a', |", "nobody[0"),
    ],
)
def test_an_unknown_name_that_is_read_on_an_open_line_is_refused(text: str, said: str) -> None:
    request = at(text)
    assert reason(gates.uses_unknown_name(request, inserting(request, said))) == "unknown_name"


@pytest.mark.parametrize("bad", ["\x1b[31m", "a\u202eb", "a\u200bb", "\u009b", "\U000e0041"])
def test_characters_that_hide_or_steer_are_refused(bad: str) -> None:
    request = at("x = |")
    assert reason(gates.has_bad_characters(request, inserting(request, bad))) == "refused"
    assert gates.has_bad_characters(request, inserting(request, "'é🎉'")) is None


def test_lines_inserted_above_the_caret_are_refused() -> None:
    request = at("a = 1\nb = 2\nc = 3|")
    above = editing(request, TextEdit.insert(0, "import os\n"))
    assert reason(gates.inserts_above_caret(request, above)) == "refused"
    assert gates.inserts_above_caret(request, becoming(request, "a = 2\nb = 2\nc = 3")) is None


def test_a_rewrite_of_six_lines_above_the_caret_is_refused() -> None:
    lines = [f"x{i} = {i}" for i in range(8)]
    request = at("\n".join(lines) + "|")
    others = "\n".join(f"y{i} = 0" for i in range(8))
    much = editing(request, TextEdit.replace(0, len(request.cell.source), others))
    assert reason(gates.rewrites_too_much(request, much)) == "refused"
    little = becoming(request, request.cell.source.replace("x0", "y0"))
    assert gates.rewrites_too_much(request, little) is None


def test_white_space_alone_is_not_worth_a_glance() -> None:
    request = at("x = 1   \ny = 2|")
    blanks = becoming(request, "x = 1\ny = 2")
    assert reason(gates.deletes_only_blanks(request, blanks)) == "no_change"
    assert gates.deletes_only_blanks(request, becoming(request, "x = 1\ny = 3")) is None


def test_nothing_is_offered_inside_leading_blanks() -> None:
    inside = at("if x:\n  |  y = 1")
    assert reason(gates.inside_leading_blanks(inside, inserting(inside, "z"))) == "no_change"
    start = at("if x:\n|")
    assert reason(gates.inside_leading_blanks(start, inserting(start, "    y = 1"))) == "no_change"
    end = at("if x:\n    |")
    assert gates.inside_leading_blanks(end, inserting(end, "y = 1")) is None


def test_a_copy_of_the_neighbouring_line_is_refused() -> None:
    below = at("|\ndf.head()")
    assert reason(gates.repeats_neighbours(below, inserting(below, "df.head()"))) == "no_change"
    above = at("df.head()\ndf|")
    assert reason(gates.repeats_neighbours(above, inserting(above, ".head()"))) == "no_change"
    assert gates.repeats_neighbours(above, inserting(above, ".tail()")) is None


def test_the_threshold_is_a_gate() -> None:
    request = at("x|")
    suggestion = inserting(request, "y")
    assert reason(gates.below(0.95)(request, suggestion)) == "low_confidence"
    assert gates.below(0.9)(request, suggestion) is None


@pytest.mark.parametrize(
    ("text", "place", "closers"),
    [
        ("", "indent", ""),
        ("x = 1\n    ", "indent", ""),
        ("f(", "code", ")"),
        ("f(a[", "code", "])"),
        ("f(a[1]", "code", ")"),
        ("x = 'a", "string", "'"),
        ("f('a", "string", "')"),
        ("f('a'", "code", ")"),
        ("x = '''a\nb", "string", "'''"),
        ("# it's", "comment", ""),
        ("x = 'it\\'s", "string", "'"),
        ("x = 'broken\ny = (", "code", ")"),
    ],
)
def test_the_caret_knows_where_it_stands(text: str, place: str, closers: str) -> None:
    context = caret_context(text)
    assert (context.place, context.closers) == (place, closers)


@pytest.mark.parametrize(
    ("source", "old", "new", "breaks"),
    [
        ("total = 1\nprint(total)", "total", "whole", False),
        ("total = 1", "total", "class", True),
        ("total = 1", "total", "a b", True),
        ("if total:\n    pass", "if", "whole", True),
        ("x = f'{a}'", "f", "g", True),
    ],
)
def test_one_name_for_another_never_breaks_syntax_and_anything_else_is_looked_at(
    source: str, old: str, new: str, breaks: bool
) -> None:
    request = at(source + "|")
    places = [match.span() for match in re.finditer(rf"\b{old}\b", source)]
    edit = TextEdit(tuple(Replacement(start, end, new) for start, end in places))
    assert bool(gates.breaks_syntax(request, editing(request, edit, "rename"))) is breaks


@pytest.mark.parametrize(
    ("language", "text", "refused"),
    [
        ("javascript", " + 2", False),
        ("javascript", " + = (", True),
        ("cobol", " + = (", False),
    ],
)
def test_another_language_is_checked_by_its_grammar_where_there_is_one(
    language: str, text: str, refused: bool
) -> None:
    request = at("%%javascript\nlet a = 1;\nlet b = 1|;")
    gate = gates.breaks_syntax_of(language)
    assert bool(gate(request, inserting(request, text))) is refused

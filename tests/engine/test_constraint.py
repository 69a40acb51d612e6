"""Names that the kernel knows, as masks over tokens."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tiny_engine import complete, new_engine, prompt_of

from nextedit_jupyter.core import (
    Caret,
    Cell,
    KernelFacts,
    NamedObject,
    Notebook,
    SuggestRequest,
)
from nextedit_jupyter.engine import FactsConstraint, constraint_for
from nextedit_jupyter.engine.constraint import Position, position_of, trie
from nextedit_jupyter.engine.vocabulary import Vocabulary

FACTS = KernelFacts(
    names=(
        NamedObject("np", "module", members=("sin", "sinh", "linspace", "ndarray")),
        NamedObject(
            "df", "pandas.DataFrame", members=("head", "mean"), subscripts=("price", "qty")
        ),
        NamedObject("area", "function", keywords=("width", "height")),
        NamedObject("thing", "__main__.Thing", members=("run",)),
    )
)
WORDS = frozenset(("df", "np", "area", "width", "None", "not", "lambda"))
TOKENS = [b"", *[bytes((i,)) for i in range(256)], b"sin", b"sinh", b"lin", b"linspace(", b"li"]
TOKENS += [b"sin(", b"sine", b"pri", b'price"]', b'price"', b"price'", b'ice"].mean', b"pr", b'"]']
TOKENS += [b"width=", b"wid", b" width=", b"colour=", b" colour", b"df.head", b"df", b"  ", b"1)"]
VOCABULARY = Vocabulary(TOKENS)


def allowed(before: str, said: bytes = b"", healed: bytes = b"") -> set[bytes] | None:
    node = FactsConstraint(FACTS, before, words=WORDS).allowed(said)
    if node is None:
        return None
    return {TOKENS[id] for id in node.allowed(VOCABULARY, healed)}


def longer(tokens: Iterable[bytes] | None) -> set[bytes]:
    assert tokens is not None
    return {token for token in tokens if len(token) > 1}


def test_after_a_modules_dot_come_its_members_however_they_are_cut() -> None:
    found = allowed("y = np.")
    assert longer(found) == {b"sin", b"sinh", b"lin", b"linspace(", b"li", b"sin("}
    assert found is not None
    assert {b"s", b"l", b"n"} == {token for token in found if len(token) == 1}


def test_after_a_whole_name_comes_what_may_follow_it() -> None:
    found = allowed("y = np.", b"sin")
    assert found is not None
    assert {b"(", b".", b"h", b")", b"\n", b" "} <= found
    assert not found & {b"e", b"x", b"_", b"1"}


def test_what_is_typed_of_a_name_already_counts() -> None:
    assert longer(allowed("y = np.lin")) == set()
    assert allowed("y = np.lin") == {b"s"}


def test_after_a_frames_bracket_and_quote_come_its_columns_to_the_closing_quote() -> None:
    assert longer(allowed('x = df["')) == {b"pri", b'price"]', b'price"', b"pr"}
    assert longer(allowed("x = df['")) == {b"pri", b"price'", b"pr"}
    assert longer(allowed('x = df["pr')) == {b'ice"].mean'}
    assert longer(allowed('x = df[["qty", "')) >= {b"pri"}


def test_a_new_column_may_get_any_name() -> None:
    assert allowed('df["') is None
    assert allowed('x = 1\n    df["') is None


def test_after_a_calls_bracket_come_its_keywords_known_names_and_literals() -> None:
    found = allowed("area(")
    assert longer(found) >= {b"width=", b" width=", b"wid", b"df.head", b"df", b"  ", b"1)"}
    assert not longer(found) & {b"colour=", b" colour"}
    assert found is not None
    assert {b'"', b"'", b"(", b")", b"[", b"-", b"1", b"n", b"h"} <= found


def test_a_second_argument_is_held_too_and_the_inside_of_an_argument_is_not() -> None:
    assert longer(allowed("area(1,")) >= {b" width="}
    assert not longer(allowed("area(1,")) & {b" colour", b"colour="}
    assert allowed("area(1 + ") is None
    assert allowed("area([1, ") is None
    assert allowed("area(width=") is None


def test_objects_that_the_kernel_does_not_know_are_free() -> None:
    assert allowed("y = plt.") is None
    assert allowed('x = frame["') is None
    assert allowed("volume(") is None
    assert allowed("f(x).area(") is None
    assert allowed("a.np.") is None


def test_an_object_may_have_attributes_that_its_class_does_not_know_of() -> None:
    assert allowed("thing.") is None


@pytest.mark.parametrize(
    "before", ["# np.", "'np.", "import np.", 'x = """df["', "x = 1", "", "np"]
)
def test_comments_strings_and_imports_are_free(before: str) -> None:
    assert allowed(before) is None


def test_generated_text_moves_the_place() -> None:
    constraint = FactsConstraint(FACTS, "y = ", words=WORDS)
    assert constraint.allowed(b"") is None
    assert constraint.allowed(b"np") is None
    assert constraint.allowed(b"np.") is not None
    assert constraint.allowed(b"np.li") is not None
    assert constraint.allowed(b"np.linspace") is not None
    assert constraint.allowed(b"np.linspace(0") is None
    assert constraint.allowed(b"np.linspace(0, np.") is not None


def test_each_kind_can_be_switched_off() -> None:
    for before, kind in (("np.", "members"), ('x = df["', "columns"), ("area(", "keywords")):
        only = FactsConstraint(FACTS, before, words=WORDS, kinds=(kind,))  # type: ignore[arg-type]
        others = {"members", "columns", "keywords"} - {kind}
        without = FactsConstraint(FACTS, before, words=WORDS, kinds=others)  # type: ignore[arg-type]
        assert only.allowed(b"") is not None
        assert without.allowed(b"") is None


def test_tokens_that_repeat_healed_bytes_may_go_on_as_the_trie_says() -> None:
    # The caret is in `np.si`; `si` is healed: the model writes it again.
    assert longer(allowed("np.si", healed=b"si")) == {b"sin", b"sinh", b"sin("}


def test_a_request_without_facts_is_free() -> None:
    notebook = Notebook("python", (Cell("a", "code", "np."),))
    assert constraint_for(SuggestRequest(notebook, Caret("a", 3))) is None


def test_words_of_all_cells_may_begin_an_argument() -> None:
    cells = (Cell("a", "code", "colour = 1"), Cell("b", "code", "area("))
    request = SuggestRequest(Notebook("python", cells), Caret("b", 5), facts=FACTS)
    constraint = constraint_for(request)
    assert constraint is not None
    node = constraint.allowed(b"")
    assert node is not None
    assert b" colour" in {TOKENS[id] for id in node.allowed(VOCABULARY)}


@pytest.mark.parametrize(
    ("source", "place"),
    [
        ("x = np.lin", Position("members", "np", "lin")),
        ("x = (a,\n  np.", Position("members", "np", "")),
        ("f(df['a b", Position("columns", "df", "a b", "'")),
        ('df[df["', Position("columns", "df", "", '"')),
        ("area(1, wid", Position("keywords", "area", "wid")),
        ("x = 'it''s' + np.", Position("members", "np", "")),
        ("f(g(x), ", Position("keywords", "f", "")),
        ('x = df[f"', None),
        ("x = {'a': np.sin, 'b", None),
        ("5.", None),
        ("def f(", Position("keywords", "f", "")),  # as a call: `f` is not defined yet
        ("f(x for x", None),
    ],
)
def test_where_a_source_ends(source: str, place: Position | None) -> None:
    assert position_of(source) == place


@given(st.text(alphabet="df.np[](\"',= \n#x\\", max_size=60))
def test_a_position_is_made_of_what_the_source_ends_with(source: str) -> None:
    found = position_of(source)
    assert found is None or source.endswith(found.partial)


names = st.lists(st.text(alphabet="ab_é", min_size=1, max_size=5), min_size=1, max_size=6)


@given(names, st.text(alphabet="ab_é", max_size=3))
def test_a_token_is_allowed_just_if_some_name_agrees_with_it(
    names: list[str], partial: str
) -> None:
    tokens = [
        b"",
        b"a",
        b"b",
        b"_",
        b"ab",
        b"ba",
        b"a(",
        b"b.",
        b"ab)x",
        "é".encode(),
        b"\xc3",
        b"(",
    ]
    vocabulary = Vocabulary(tokens)
    node = trie(names).descend(partial.encode())
    found = set() if node is None else {tokens[id] for id in node.allowed(vocabulary)}
    expected = set()
    for token in tokens[1:]:
        for name in names:
            rest = name.encode().removeprefix(partial.encode())
            if not name.startswith(partial):
                continue
            after = token[len(rest) :]
            if rest.startswith(token) or (
                token.startswith(rest) and after[:1] in (b"(", b".", b")")
            ):
                expected.add(token)
    assert found == expected


def test_a_completion_is_held_to_the_facts(tmp_path: Path) -> None:
    engine = new_engine(tmp_path)
    prompt = prompt_of(range(40, 60), stop=frozenset(range(24)))
    for _ in range(2):
        constraint = FactsConstraint(FACTS, "y = np.")
        answer = complete(engine, prompt, 12, constraint=constraint)
        assert answer.text.startswith(("sin", "lins", "nda"))


def test_a_constraint_that_leaves_nothing_is_dropped(tmp_path: Path) -> None:
    engine = new_engine(tmp_path)
    prompt = prompt_of(range(40, 60))

    class Impossible:
        def allowed(self, text_so_far: bytes) -> object:
            return trie(())

    assert (
        complete(engine, prompt, 4, constraint=Impossible()).ids == complete(engine, prompt, 4).ids
    )

from __future__ import annotations

from collections.abc import Sequence

import pytest
from IPython.core.completer import provisionalcompleter
from terminal_fixtures import ENTER, Terminal, going_on

from nextedit_jupyter.core.facts import KernelFacts, NamedObject
from nextedit_jupyter.terminal.matcher import Found, find

FACTS = KernelFacts(
    names=(
        NamedObject(
            "df", "pandas.DataFrame", members=("groupby", "head"), subscripts=("price", "name")
        ),
        NamedObject("d", "dict", members=("get",), subscripts=("alpha",)),
        NamedObject("plot", "function", keywords=("color", "size", "alpha")),
    )
)


@pytest.mark.parametrize(
    ("before", "prefix", "texts"),
    [
        ('df["', "", ("price", "name")),
        ("df['pr", "pr", ("price",)),
        ('df[["name", "', "", ("price", "name")),
        ('df.loc[:, "', "", ("price", "name")),
        ('x = d["', "", ("alpha",)),
        ('df.groupby("', "", ("price", "name")),
        ('df.sort_values(["price", "', "", ("price", "name")),
        ('df.sort_values(by="n', "n", ("name",)),
        ("df.gr", "gr", ("groupby",)),
        ("print(df.", "", ("groupby", "head")),
        ("plot(", "", ("color=", "size=", "alpha=")),
        ("plot(xs, si", "si", ("size=",)),
        ('plot("a (", color=1, ', "", ("size=", "alpha=")),
        ("plot((1, 2), ", "", ("color=", "size=", "alpha=")),
    ],
)
def test_what_the_kernel_knows_completes(before: str, prefix: str, texts: Sequence[str]) -> None:
    found = find(before, FACTS)
    assert found is not None
    assert (found.prefix, found.texts) == (prefix, tuple(texts))


@pytest.mark.parametrize(
    ("before", "expected", "texts"),
    [
        ('df["', 'name"].mean()', ("name", "price")),
        ("df['na", "me']", ("name",)),
        ("print(df.", "head(3))", ("head", "groupby")),
        ("plot(", "size=3)", ("size=", "color=", "alpha=")),
        ('df["', "other", ("price", "name")),
    ],
)
def test_what_the_model_expects_comes_first(
    before: str, expected: str, texts: Sequence[str]
) -> None:
    found = find(before, FACTS, ("price",), expected)
    assert found is not None
    assert found.texts == tuple(texts)


@pytest.mark.parametrize(
    "before",
    [
        "",
        "df",
        'df["price"',
        'df["price"]',
        'x = "',
        'unknown["',
        "df.head().",
        "plot(color=",
        "plot(x)",
        "other(",
        "d.get('",
        "1.",
        '"a".',
        "x = " + "a" * 60_000,
        "plot(" + " " * 60_000,
    ],
)
def test_where_facts_say_nothing_nothing_is_offered(before: str) -> None:
    assert find(before, FACTS) is None


def test_what_was_used_last_comes_first() -> None:
    assert find('df["', FACTS, recent=("name", "df")) == Found(
        "", ("name", "price"), "column", is_all=True
    )


def test_ipythons_completer_offers_them_in_our_order(someone: Terminal) -> None:
    someone.run("rows = {'alpha': 1, 'beta': 2}")
    someone.run("rows['beta']")
    someone.until_looked()
    with provisionalcompleter():
        found = list(someone.shell.Completer.completions('rows["', 6))
    assert [(one.text, one.type) for one in found] == [("beta", "column"), ("alpha", "column")]
    assert someone.client.requests == []


@pytest.mark.parametrize("jedi_first", [True, False])
def test_names_are_in_our_order_where_jedi_is_off(someone: Terminal, jedi_first: bool) -> None:
    """docs/terminal.md says so: IPython puts what Jedi finds before what a matcher returns."""
    someone.run("class Frame:\n    def apply(self): ...\n    def head(self): ...")
    someone.run("df = Frame()")
    someone.run("df.head()")
    someone.until_looked()
    completer = someone.shell.Completer
    before = completer.use_jedi
    completer.use_jedi = jedi_first
    try:
        with provisionalcompleter():
            found = list(completer.completions("df.", 3))
    finally:
        completer.use_jedi = before
    texts = [one.text.lstrip(".") for one in found]
    assert texts[:2] == (["apply", "head"] if jedi_first else ["head", "apply"])


def test_a_string_given_to_a_frames_method_may_be_a_column_or_a_file() -> None:
    found = find('df.to_csv("p', FACTS)
    assert found is not None
    assert not found.is_all


def test_a_failure_in_the_matcher_leaves_ipythons_completions(
    someone: Terminal, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def fail(*_: object) -> None:
        raise RuntimeError

    monkeypatch.setattr("nextedit_jupyter.terminal.matcher.find", fail)
    someone.run("alphabet = 1")
    with provisionalcompleter():
        found = [one.text for one in someone.shell.Completer.completions("alphab", 6)]
    assert "alphabet" in found
    assert "Traceback" not in capsys.readouterr().out


def test_the_ghost_text_on_the_screen_ranks_the_completions(someone: Terminal) -> None:
    someone.run("rows = {'alpha': 1, 'omega': 2}")
    someone.until_looked()
    someone.client.answering = going_on({'rows["': 'omega"]'})

    async def typing() -> None:
        await someone.type('rows["')
        await someone.shows('omega"]')
        with provisionalcompleter():
            found = list(someone.shell.Completer.completions('rows["', 6))
        assert [one.text.strip("\"']") for one in found][:2] == ["omega", "alpha"]
        await someone.type(ENTER)
        someone.shell.pt_app.app.exit(result="")

    someone.prompt(typing)


def test_a_figure_s_limits_and_legend_are_offered_where_they_are_set() -> None:
    from nextedit_jupyter.core.facts import AxesFacts, FigureFacts

    axes = AxesFacts(xlabel="height", xlim=(0.0, 10.0), legend=("a", "b"), names=("ax",))
    facts = KernelFacts(figures=(FigureFacts(axes=(axes,)),))
    for before, text in (
        ("ax.set_xlim(", "0, 10"),
        ("plt.xlabel(", '"height"'),
        ("ax.legend(", '["a", "b"]'),
        ("ax.set_xlabel('he", "'height'"),
    ):
        found = find(before, facts)
        assert found is not None
        assert found.texts == (text,)
        assert found.is_all  # IPython's list of every name would hide it
    assert find("ax.set_ylim(", facts) is None
    assert find("ax.set_xlim(", KernelFacts()) is None

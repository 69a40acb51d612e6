"""A key that is renamed where its dictionary is made: its uses follow, keys of others stay."""

from __future__ import annotations

import pytest
from offering import after, optional, request

TWO = "cfg = {'k': 1}\nother = {'k': 2}"


@pytest.mark.parametrize(
    ("old", "use", "becomes"),
    [
        (TWO, "cfg.get('k')\ncfg['k']\nother['k']", "cfg.get('key')\ncfg['key']\nother['k']"),
        (TWO, "if 'k' in cfg:\n    del cfg['k']", "if 'key' in cfg:\n    del cfg['key']"),
        (TWO, "f(cfg.pop('k', 0))\nother |= {'k': 3}", "f(cfg.pop('key', 0))\nother |= {'k': 3}"),
        (TWO, "other.update({'k': 3})\ng(cfg['k'])", "other.update({'k': 3})\ng(cfg['key'])"),
        ("cfg = dict(k=1)\nother = dict(k=2)", "cfg['k'] + other['k']", "cfg['key'] + other['k']"),
        (
            "cfg = {'opt': {'k': 1}}\nother = {'opt': {'k': 2}}",
            "cfg['opt']['k'] + other['opt']['k']",
            "cfg['opt']['key'] + other['opt']['k']",
        ),
        (
            "cfg = {'k': 1}\nother = [{'k': 2}]",
            "cfg['k'] + other[0]['k']",
            "cfg['key'] + other[0]['k']",
        ),
        ("cfg = {'k': 1}", "cfg['k']\njson.dumps({'k': 2})", "cfg['key']\njson.dumps({'k': 2})"),
        (
            "cfg = {'k': 1}",
            "cfg['k']\ndf = pd.DataFrame({'k': [1]})\ndf['k']",
            "cfg['key']\ndf = pd.DataFrame({'k': [1]})\ndf['k']",
        ),
        ("cfg = {'k': 1}", "cfg['k']\nplt.xlabel('k')", "cfg['key']\nplt.xlabel('k')"),
        ("cfg = {'k': 1, 'n': {'k': 2}}", "print(cfg['n'])", "print(cfg['n'])"),
        (
            "class M:\n    def __init__(self):\n        self.cfg = {'k': 1}\n"
            "        self.n = self.cfg['k']",
            "other = {'k': 2}\nother['k']",
            "other = {'k': 2}\nother['k']",
        ),
    ],
)
def test_a_key_follows_in_the_dictionary_that_lost_it(old: str, use: str, becomes: str) -> None:
    new = old.replace("'k'", "'key'", 1) if "'k'" in old else old.replace("k=", "key=", 1)
    asked = request([new, use], (0, old, new))
    assert after(asked)[1] == becomes
    assert "other" not in new or after(asked)[0] == new


def test_a_key_of_another_dictionary_is_listed() -> None:
    new = TWO.replace("'k'", "'key'", 1)
    asked = request([new, "cfg['k'], other['k']"], (0, TWO, new))
    assert optional(asked) == [TWO.replace("'k'", "'key'"), "cfg['k'], other['key']"]


@pytest.mark.parametrize(
    "others",
    [
        ["cfg = {'k': 3}\nprint(cfg['k'])"],  # made again, with that key
        ["cfg['k'] = 3", "print(cfg['k'])"],  # filled with it again
    ],
)
def test_a_key_that_the_dictionary_gets_again_is_no_certain_use(others: list[str]) -> None:
    new = "cfg = {'key': 1, 'n': 2}"
    asked = request([new, *others], (0, "cfg = {'k': 1, 'n': 2}", new))
    texts = after(asked)
    # All of it, or nothing: never the use alone.
    assert texts[1:] in (others, [text.replace("'k'", "'key'") for text in others])


def test_a_word_that_was_changed_in_other_places_too_means_more_than_a_key() -> None:
    edits = (
        (0, "alias = {'GR': ['a']}", "alias = {'Gamma': ['a']}"),
        (1, "show(curve('GR'))", "show(curve('Gamma'))"),
        (2, "keys = ['GR', 'DT']", "keys = ['Gamma', 'DT']"),
    )
    cells = [now for _, _, now in edits]
    asked = request([*cells, "tests = {\n    'GR': [flat],\n}"], *edits)
    assert after(asked)[3] == "tests = {\n    'Gamma': [flat],\n}"


@pytest.mark.parametrize(
    ("old", "new", "use"),
    [
        ("cfg = {'rate': 0.5}", "cfg = {'path': 'x.csv'}", "cfg['rate']"),
        ("cfg = {'n': 1, 'rate': -0.5}", "cfg = {'n': 1, 'path': r'x.csv'}", "cfg.get('rate')"),
        ("cfg['rate'] = 0.5", "cfg['path'] = 'x.csv'", "cfg['rate']"),
        ("cfg = dict(rate=0.5)", "cfg = dict(path='x.csv')", "cfg['rate']"),
        ("df = make({'rate': [0.5]})", "df = make({'path': ['x.csv']})", "df['rate'].mean()"),
        ("fit(x, rate=0.5)", "fit(x, path='x.csv')", "fit(y, rate=0.3)"),
        ("df['rate'] = df.a / df.b", "df['label'] = names.map(str)", "df['rate'].mean()"),
    ],
)
def test_an_entry_that_gave_way_to_another_kind_of_thing_takes_no_uses(
    old: str, new: str, use: str
) -> None:
    assert after(request([new, use], (0, old, new))) == [new, use]


def test_a_column_that_is_made_a_little_otherwise_takes_its_uses() -> None:
    old, new = "df['total'] = df.x + df.y", "df['grand'] = df.x + df.y + df.z"
    assert after(request([new, "df['total'].hist()"], (0, old, new)))[1] == "df['grand'].hist()"


def test_a_key_that_was_spelt_out_takes_its_uses_whatever_it_holds() -> None:
    old, new = "cfg = {'lr': 0.5}", "cfg = {'learning_rate': [0.5, 0.1]}"
    assert after(request([new, "cfg['lr']"], (0, old, new)))[1] == "cfg['learning_rate']"


@pytest.mark.parametrize("use", ["{{**cfg, '{0}': 2}}", "cfg.update({0}=2)"])
def test_an_entry_that_is_put_in_the_place_of_a_renamed_one_follows(use: str) -> None:
    new = "cfg = {'rate': 0.5}"
    others = [f"print(cfg['lr'])\n{use.format('lr')}"]
    asked = request([new, *others], (0, "cfg = {'lr': 0.5}", new))
    assert after(asked)[1] == others[0].replace("lr", "rate")

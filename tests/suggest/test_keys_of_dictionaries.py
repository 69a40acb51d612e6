"""A key that is renamed where its dictionary is made: its uses follow, keys of others stay."""

from __future__ import annotations

import pytest
from offering import Trees, after, optional, request

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


@pytest.mark.parametrize(
    ("other", "becomes"),
    [
        ("import os\ncfg['k'], os.environ['k']", "import os\ncfg['key'], os.environ['k']"),
        ("cfg.get('k'), opt.get('k')", "cfg.get('key'), opt.get('k')"),
        ("cfg['k'], df['k']", "cfg['key'], df['k']"),
        ("r = post(url, params=cfg)\nr['k']", "r = post(url, params=cfg)\nr['k']"),
        ("r = {**cfg}\nr['k']", "r = {**cfg}\nr['key']"),
        ("for r in [cfg]:\n    r['k']", "for r in [cfg]:\n    r['key']"),
        ("r = dict(cfg)\nr['k']", "r = dict(cfg)\nr['key']"),
        (
            "match shape:\n    case {'k': s}:\n        f(s, {'k': 2}, cfg['k'])",
            "match shape:\n    case {'k': s}:\n        f(s, {'k': 2}, cfg['key'])",
        ),
        (
            "match cfg:\n    case {'k': s}:\n        f(s)",
            "match cfg:\n    case {'key': s}:\n        f(s)",
        ),
        (
            "def f(o):\n    return o['k']\nf({'k': 3}), cfg['k']",
            "def f(o):\n    return o['k']\nf({'k': 3}), cfg['key']",
        ),
        (
            "def f(o):\n    return o['k']\nf(cfg), f({'k': 3})",
            "def f(o):\n    return o['k']\nf(cfg), f({'k': 3})",
        ),
        ("def f(o):\n    return o['k']\nf(cfg)", "def f(o):\n    return o['key']\nf(cfg)"),
        (
            "def f(o):\n    return o['k']\nfor c in [cfg]:\n    f(c)",
            "def f(o):\n    return o['key']\nfor c in [cfg]:\n    f(c)",
        ),
        (
            "def f(o):\n    return o['k']\nr = {'a': 1}\nf(r), cfg['k']",
            "def f(o):\n    return o['k']\nr = {'a': 1}\nf(r), cfg['key']",
        ),
    ],
)
def test_a_key_of_what_the_renamed_dictionary_does_not_become_is_listed(
    other: str, becomes: str
) -> None:
    asked = request(["cfg = {'key': 1}", other], (0, "cfg = {'k': 1}", "cfg = {'key': 1}"))
    assert after(asked, Trees(0.9))[1] == becomes


@pytest.mark.parametrize(
    ("before", "now", "other", "becomes"),
    [
        (
            "cfg = {'k': 1, 'opt': {'k': 2}}",
            "cfg = {'key': 1, 'opt': {'k': 2}}",
            "cfg['opt']['k'], cfg['opt'].get('k'), cfg['k']",
            "cfg['opt']['k'], cfg['opt'].get('k'), cfg['key']",
        ),
        (
            "cfg = {'k': 1, 'opt': {'k': 2}}",
            "cfg = {'k': 1, 'opt': {'key': 2}}",
            "cfg['opt']['k'], cfg['k']",
            "cfg['opt']['key'], cfg['k']",
        ),
        (
            "rows = [{'k': 1}, {'k': 2}]",
            "rows = [{'key': 1}, {'k': 2}]",
            "for r in rows:\n    r['k']",
            "for r in rows:\n    r['k']",
        ),
        (
            "rows = [{'k': 1}, {'k': 2}]",
            "rows = [{'key': 1}, {'key': 2}]",
            "for r in rows:\n    r['k']",
            "for r in rows:\n    r['key']",
        ),
    ],
)
def test_a_key_follows_in_the_dictionary_that_no_longer_has_it(
    before: str, now: str, other: str, becomes: str
) -> None:
    assert after(request([now, other], (0, before, now)), Trees(0.9))[1] == becomes

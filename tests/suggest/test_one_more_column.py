"""A column's name that was changed in one place: a rename, one more column, or another one."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray
from offering import Trees, after, offers, request

READ = "import pandas as pd\ndf = pd.read_csv('sales.csv')"
USES = ["print(df['date'].max())", "df.groupby('date').size()"]


@pytest.mark.parametrize(
    ("before", "now"),
    [
        ("df['date'] = pd.to_datetime(df['date'])", "df['day'] = pd.to_datetime(df['date'])"),
        ("df['date'] = df['date'].dt.year + df['n']", "df['year'] = df['date'].dt.year + df['n']"),
        ("df.loc[:, 'date'] = df['date'].ffill()", "df.loc[:, 'day'] = df['date'].ffill()"),
        (
            "def f(d):\n    d['date'] = d['date'].str[0]\n    return d",
            "def f(d):\n    d['day'] = d['date'].str[0]\n    return d",
        ),
        ("box.obs['date'] = df['date'].copy()", "box.obs['day'] = df['date'].copy()"),
    ],
)
def test_what_a_new_column_is_made_of_keeps_its_name(before: str, now: str) -> None:
    asked = request([READ, now, *USES], (1, before, now))
    assert after(asked)[1] == now


def test_a_column_that_is_made_above_stays_where_one_more_is_made() -> None:
    made, now = "df['x'] = df.a * 2\nprint(df['x'].max())", "df['y'] = df.b * 3"
    asked = request([READ, made, now, "df.groupby('x').size()"], (2, "df['x'] = df.b * 3", now))
    assert offers(asked) == []


def test_a_column_of_what_a_frame_is_made_of_stays_where_the_frame_gets_it_again() -> None:
    cells = [READ, "df['x'] = df.a < 3\nmodel = fit(df)", "ahead = model.make()\nahead['y'] = 1"]
    now = cells[2].replace("'y'", "'x'")
    asked = request([*cells, "print(ahead['x'])"], (2, now, cells[2]))
    assert after(asked)[1] == cells[1]


def test_another_column_that_a_column_is_made_of_says_nothing_of_the_one_that_is_made() -> None:
    cells = [READ, "df['start'] = df[['begin', 'end']].min(axis=1)", "df['start'].sum()"]
    was = "df['start'] = df[['start', 'end']].min(axis=1)"
    assert after(request(cells, (1, was, cells[1])), Trees(0.95)) == cells


def test_a_column_that_is_made_follows_below_where_it_is_filled_again() -> None:
    below = "df['x'] = df['x'].fillna(0)\nprint(df['x'])"
    now = "df['y'] = df.a * 2"
    asked = request([READ, now, below], (1, "df['x'] = df.a * 2", now))
    assert after(asked)[2] == below.replace("'x'", "'y'")


def test_what_is_read_of_the_frame_loaded_again_keeps_its_name() -> None:
    now = "df['y'] = df.a * 2"
    below = [
        "print(df['x'])\ndf.to_csv('b.csv')",
        "df = pd.read_csv('b.csv')\ndf = df[['a', 'x']]",
        "top = df['x'].max()\npart = df.sort_values('x')",
        "print(part['x'])",
    ]
    asked = request([READ, now, *below], (1, "df['x'] = df.a * 2", now))
    assert after(asked)[2:] == [below[0].replace("'x'", "'y'"), *below[1:]]


@pytest.mark.parametrize(("level", "is_offered"), [(0.1, False), (0.9, True)])
def test_one_use_under_another_name_renames_the_column_if_the_judge_agrees(
    level: float, is_offered: bool
) -> None:
    cells = [READ, "df['ratio'] = df.a / df.b", "df['ratio'].hist()", "df['volume'].mean()"]
    asked = request(cells, (3, "df['ratio'].mean()", "df['volume'].mean()"))
    renamed = [said for said in offers(asked, Trees(level)) if said.lane == "symbols"]
    assert bool(renamed) == is_offered


def test_a_result_that_is_made_of_another_frame_further_on_keeps_its_column() -> None:
    made = "import pandas as pd\nrides = pd.DataFrame()\nrides['{}'] = [1, 2]"
    below = [
        "found, extra = search(times=rides)\nfound['x']",
        "trips = pd.DataFrame()\ntrips['x'] = [3]",
        "found, extra = search(times=trips)\nfound[['a', 'x']]",
        "top = found.head()\ntop['x']",
    ]
    asked = request([made.format("y"), *below], (0, made.format("x"), made.format("y")))
    assert after(asked)[1:] == [below[0].replace("['x']", "['y']"), *below[1:]]


def test_a_column_of_which_one_use_was_changed_follows_as_a_whole_or_not_at_all() -> None:
    class Doubts(Trees):
        def values(self, rows: NDArray[np.float32]) -> NDArray[np.float32]:
            found = super().values(rows)
            found[: (len(rows) + 1) // 2] = 0.1
            return found

    cells = [READ, "df['ratio'] = df.a / df.b", "df['ratio'].hist()", "df['ratio'].sum()", ""]
    cells[4] = "df['volume'].mean()"
    asked = request(cells, (4, "df['ratio'].mean()", cells[4]))
    assert after(asked, Doubts(0.8)) == cells


@pytest.mark.parametrize(("below", "is_read"), [("", False), ("print(top['func'])", True)])
def test_a_keyword_makes_a_column_only_if_something_reads_it(below: str, is_read: bool) -> None:
    cells = [READ, "top = df.aggregate(rule=max)", f"low = df.aggregate(func=min)\n{below}"]
    asked = request(cells, (1, "top = df.aggregate(func=max)", cells[1]))
    renamed = [said for said in offers(asked, Trees(0.1)) if said.lane == "symbols"]
    assert bool(renamed) == is_read

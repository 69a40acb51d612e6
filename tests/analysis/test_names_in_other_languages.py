"""A variable that a query or an unknown magic may look up is listed, and its cell is named."""

from __future__ import annotations

import pytest
from offering import after, notes, optional, request


@pytest.mark.parametrize(
    "text",
    [
        "%sql select count(*) from df",
        "%%sql\nSELECT df.a\nFROM df",
        "%%duckdb\nselect * from t join df on t.k = df.k",
        "duckdb.sql('select * from df where a > 3').show()",
        'q = """\nselect *\nfrom df\n"""',
        "%%ai chatgpt\nWhat is in {df}?",
        "%%julia\nprintln($df)",
    ],
)
def test_a_variable_that_a_query_may_look_up_is_listed_and_its_cell_named(text: str) -> None:
    asked = request(["frame = 3", text, "print(df)"], (0, "df = 3", "frame = 3"))
    assert after(asked)[1:] == [text, "print(frame)"]
    assert "cell 2" in notes(asked)
    assert "frame" in optional(asked)[1]
    assert "df" not in optional(asked)[1].replace("%%duckdb", "")


@pytest.mark.parametrize(
    "text",
    [
        "%%bash\necho $df {df}",
        "%%script {shell}\necho $df {df}",
        "%%javascript\nlet a = `${df}`",
        "%%writefile a.py\nfrom df import x",
        "print('from a to df')",
        "%sql select df from t",
    ],
)
def test_what_is_another_languages_own_is_not_noted(text: str) -> None:
    asked = request(["frame = 3", text, "print(df)"], (0, "df = 3", "frame = 3"))
    assert after(asked)[1] == text
    assert "looked up" not in notes(asked)


@pytest.mark.parametrize(
    ("old", "new", "use", "becomes"),
    [
        ("lim = 3", "cut = 3", "%%sql\nselect {lim}, :lim", "%%sql\nselect {cut}, :cut"),
        ("%%sql\nres << select 1", "%%sql\ntab << select 1", "print(res)", "print(tab)"),
        ("df = 3", "frame = 3", "%Rpush df", "%Rpush frame"),
        ("df = 3", "frame = 3", "%sql select * from df", "%sql select * from frame"),
        ("%Rpull df", "%Rpull frame", "print(df)", "print(frame)"),
    ],
)
def test_what_magics_take_and_give_by_name_follows(
    old: str, new: str, use: str, becomes: str
) -> None:
    assert after(request([new, use], (0, old, new)))[1] == becomes


def test_a_word_changed_in_the_text_of_another_language_takes_no_variable_along() -> None:
    edit = (0, "%%ai chatgpt\nwrite df", "%%ai chatgpt\nwrite frame")
    assert after(request([edit[2], "df.head()"], edit))[1] == "df.head()"

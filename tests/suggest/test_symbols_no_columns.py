"""What looks like a renamed column and is none: a frame's own attribute, a value, another's key."""

from __future__ import annotations

import pytest
from column_renames import follows


@pytest.mark.parametrize("name", ["shape", "index", "size", "values", "columns", "T"])
def test_an_attribute_of_every_frame_is_no_column(name: str) -> None:
    use = "df.{0}, df.dropna().{0}, df['{1}'], df[['{1}']].{0}"
    start, then = ("x", "y", name), ("x", "y", "cost")
    assert follows(start, then, use.format(name, name)) == use.format(name, "cost")


@pytest.mark.parametrize(
    "use",
    [
        "for i, row in df.iterrows():\n    print(row.name, row['{}'])",
        "[(row.name, row['{}']) for _, row in df.iterrows()]",
        "df.apply(lambda row: (row.name, row['{}']), axis=1)",
        "df.groupby('k').apply(lambda g: g.name + g['{}'].max())",
        "def one(row):\n    return row.name, row['{}']\ndf.apply(one, axis=1)",
        "def one(row):\n    return row.name, row['{}']\n[one(r) for _, r in df.iterrows()]",
        "row = df.iloc[0]\nprint(row.name, df.iloc[-1].name, row['{}'])",
    ],
)
def test_the_label_of_a_row_or_group_is_no_column(use: str) -> None:
    start, then = ("x", "y", "name"), ("x", "y", "town")
    assert follows(start, then, use.format("name")) == use.format("town")


@pytest.mark.parametrize(
    "use",
    [
        "df.{0}, df.dropna().{0}, df[df.{0} > 'a'].{0}.str.upper()",
        "for row in df.itertuples():\n    print(row.{0})",
        "df.assign(z=lambda d: d.{0}), df.loc[lambda d: d.{0} > 'a']",
        "for _, part in df.groupby('k'):\n    print(part.{0})",
        "def show(d):\n    return d.{0}\nshow(df)",
    ],
)
def test_a_column_called_name_is_an_attribute_of_the_frame(use: str) -> None:
    start, then = ("x", "y", "name"), ("x", "y", "town")
    assert follows(start, then, use.format("name")) == use.format("town")


def test_a_column_called_as_another_librarys_attribute_is_read_as_one() -> None:
    assert follows(("x", "y", "height"), ("x", "y", "size_cm"), "df.height.max()") == (
        "df.size_cm.max()"
    )

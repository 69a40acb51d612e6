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


COST = ("x", "y", "price"), ("x", "y", "cost")


@pytest.mark.parametrize(
    "use",
    [
        "df['k'].isin(['price', 'b']), df.k.isin(['price']), df.isin(['price'])",
        "df['k'].fillna('price'), df.k.fillna(value='price'), df.fillna('price')",
        "df['k'].value_counts()['price'], df['k'].value_counts().get('price', 0)",
        "s = df.groupby('k')['n'].sum()\ns['price'], s.price, s.loc['price'], s[['price']]",
        "s = df.groupby('k').size()\n(s / s.sum())['price'], s.drop('price')",
        "s = df.set_index('k')['n']\ns['price']",
        "g = df.groupby('k')\ng = g.n.max()\ng['price']",
        "df.groupby('k')['n'].sum().to_dict()['price']",
        "p = df.pivot(index='n', columns='k', values='m')\np['price'], p[['price']].sum(), p.price",
        "p = df.pivot_table('m', index='n', columns='k')\np.sort_values('price')",
        "pd.pivot_table(df, 'm', 'n', 'k')['price']",
        "u = df.groupby(['n', 'k'])['m'].sum().unstack()\nu['price']",
        "pd.crosstab(df['n'], df['k'])['price']",
        "parts = dict(list(df.groupby('k')))\nparts['price']",
        "parts = {k: g for k, g in df.groupby('k')}\nparts['price']",
        "dict(zip(df['k'], df['n']))['price']",
        "df.set_index('k').T['price']",
        "df.astype('price'), df.groupby('k').agg('price')",
    ],
)
def test_values_and_labels_of_rows_are_no_columns(use: str) -> None:
    assert follows(*COST, use) == use


@pytest.mark.parametrize(
    "use",
    [
        "df.groupby('k')['{0}'].sum().reset_index()['{0}'], df['{0}'].to_frame()['{0}']",
        "g = df.groupby('k', as_index=False)['{0}'].sum()\ng['{0}'], g.{0}",
        "g = df.groupby('k')\ng['{0}'].sum(), g.{0}.max(), g[['k', '{0}']].max()['{0}']",
        "p = df.pivot_table(values='{0}', index='k')\np['{0}']",
        "p = df.pivot_table(values=['{0}'], index='n', columns='k')\np['{0}']['a']",
        "df.pivot(index='n', columns='k')['{0}']",
        "df.groupby(['n', 'k'])[['{0}']].sum().unstack()['{0}']",
        "parts = dict(list(df.groupby('k')))\nparts['a']['{0}']",
        "for k, g in df.groupby('k'):\n    g['{0}'].sum()",
        "s = df.set_index('{0}')['n']\ns.groupby('{0}').sum(), s.reset_index()['{0}']",
        "df.fillna({{'{0}': 0}}), df.columns.isin(['{0}']), df.isin({{'{0}': [1]}})",
        "df.loc[df['k'].isin(['a']), '{0}'].sum(), df.describe()['{0}']",
        "s = df['k'].value_counts()\ns = df.dropna()\ns['{0}']",
    ],
)
def test_columns_of_what_is_made_of_a_frame_follow(use: str) -> None:
    assert follows(*COST, use.format("price")) == use.format("cost")

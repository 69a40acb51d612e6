"""What looks like a renamed column and is none: a frame's own attribute, a value, another's key."""

from __future__ import annotations

import pytest
from column_renames import follows, offered


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


def test_a_method_that_is_read_as_a_value_is_a_column() -> None:
    use = "df.{0}.isel(n=1), df.where(df.{0} == 0), list(map(f, df.mask))"
    start, then = ("x", "y", "mask"), ("x", "y", "cost")
    assert follows(start, then, use.format("mask")) == use.format("cost")


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
        "d = df.load().table\nd['{0}'], d.loc[d['{0}'] > 1, ('{0}', 'k')]",
        "g = df.groupby('k')['n'].agg(['min', 'max'])\ng['{0}'] = 1\ng['{0}'].to_dict()",
        "g = df.groupby('k')['n'].agg(['min'])\ng = g.assign({0}=g['min'])\ng['{0}']",
        "df['k'].sel(x=1).groupby('time').mean(['{0}', 'n'])",
        "d = df.set_index('k')\nd.hvplot.area(x='{0}'), d.plot.area(x='{0}')",
        "p = df.pivot(index='n', columns='k', values='m')\np['{0}'] = 1\np['{0}'].sum()",
        "d = df.add('k', n=1)\nd['k'].view['{0}'], d['k']['{0}']",
    ],
)
def test_columns_of_what_is_made_of_a_frame_follow(use: str) -> None:
    assert follows(*COST, use.format("price")) == use.format("cost")


@pytest.mark.parametrize(
    "use",
    [
        "d = df.rename(columns={{'{0}': 'unit', 'n': 'price'}})\nd['price'], d.price",
        "d = df.groupby('k')['{0}'].sum().reset_index(name='price')\nd['price'].max()",
        "d = df.groupby('k')['{0}'].sum().rename('price').reset_index()\nd.price",
        "d = df['{0}'].to_frame('price')\nd['price'].max()",
        "d = df.melt(id_vars='{0}', value_name='price')\nd.query('price > 3')['price']",
        "d = (df.groupby('{0}').agg(z=('n', 'sum'))\n  .rename(columns={{'z': 'price'}}))\n"
        "e = d.dropna()\ne['price']",
        "df.dropna(subset='{0}').rename(columns={{'n': 'price'}})['price']",
        "df['{0}']\ndf.rename(columns={{'n': 'price'}}).sort_values('price')",
        "df.{0}, df.groupby('k').n.sum().rename('price').reset_index().price.max()",
        "df.{0}, df.assign(z=1).rename(columns={{'n': 'price'}}).query('price > 3')",
    ],
)
def test_a_column_that_gets_the_name_later_keeps_it(use: str) -> None:
    assert follows(*COST, use.format("price")) == use.format("cost")


@pytest.mark.parametrize(
    "use",
    [
        "d = df.rename(columns={{'n': 'm'}})\nd['{0}'], d.rename(columns={{'{0}': 'p'}})",
        "d = df.reset_index(names='row').rename(columns={{'k': 'key'}})\nd.{0}",
    ],
)
def test_a_column_is_followed_through_other_renames(use: str) -> None:
    assert follows(*COST, use.format("price")) == use.format("cost")


JOINS = ["a.merge(b, {})", "pd.merge(a, b, {})", "pd.merge(right=b, left=a, {})"]


@pytest.mark.parametrize("join", JOINS)
@pytest.mark.parametrize(
    ("how", "after_left", "after_right"),
    [("left", "key", "id"), ("right", "id", "key"), ("outer", "id", "id")],
)
def test_a_join_has_the_key_of_the_side_whose_rows_it_keeps(
    join: str, how: str, after_left: str, after_right: str
) -> None:
    """What the joined frame's key is called after the left frame's, or the right one's, is."""
    keys = f"left_on='{{0}}', right_on='{{1}}', how='{how}'"
    use = "m = " + join.format(keys) + "\nm['{2}'], m.{2}"
    start, was = ("id", "id", "z"), use.format("id", "id", "id")
    assert follows(start, ("key", "id", "z"), was) == use.format("key", "id", after_left)
    assert follows(start, ("id", "key", "z"), was) == use.format("id", "key", after_right)


def test_a_frame_put_together_with_another_that_may_have_the_column_keeps_it() -> None:
    use = "old = pd.read_csv('old.csv')\nboth = pd.concat([old, df])\nboth['price'], both.price\n"
    assert follows(*COST, use + "df['price']") == use + "df['cost']"
    found = offered(*COST, use + "df['price']")
    assert found is not None
    assert found.notes[0] == (
        "cell 2: `both` is also made of `old`, which may keep 'price': left alone"
    )


@pytest.mark.parametrize(
    "use",
    [
        "low = df[df['{0}'] < 3]\nboth = pd.concat([low, df.tail()])\nboth['{0}']",
        "old = pd.read_csv('old.csv')\nboth = pd.concat([old, df], axis=1)\nboth['{0}']",
        "both = pd.concat([a, df])\nboth['{0}']",
    ],
)
def test_a_frame_put_together_of_those_with_the_column_has_it(use: str) -> None:
    assert follows(*COST, use.format("price")) == use.format("cost")


@pytest.mark.parametrize(
    ("use", "name"),
    [
        ("d = pd.get_dummies(df, columns=['price'])\nd['price_3'].sum()", "price_3"),
        (
            "d = df.groupby('k').agg({'price': ['max']})\nd.columns = flat(d)\nd['max_price']",
            "max_price",
        ),
        ("df['price_usd'] = df['price'] * rate\ndf['price_usd'], df['prices']", ""),
    ],
)
def test_a_column_that_may_be_named_after_the_renamed_one_is_noted(use: str, name: str) -> None:
    found = offered(*COST, use)
    assert found is not None
    note = f"cell 2: {name!r} may be made of 'price': left alone"
    assert found.notes == ((note,) if name else ())

"""Which frame a column's name belongs to where two frames meet, and what is a row and no column."""

from __future__ import annotations

import pytest
from column_renames import FRAMES, follows

from nextedit_jupyter.core import Caret, Cell, EditEvent, Notebook, Silence, SuggestRequest
from nextedit_jupyter.suggest.symbols import SymbolsLane


@pytest.mark.parametrize(
    "use",
    [
        "m = a.merge(b, left_on='{}', right_on='{}')",
        "m = pd.merge(a, b, left_on='{}', right_on='{}')",
        "m = a.merge(b, how='left', left_on=['{}'], right_on=['{}'])",
        "m = pd.merge(a, b, how='left', left_on=['{}'], right_on=['{}'])",
    ],
)
def test_a_merge_names_the_left_frames_key_and_the_right_frames(use: str) -> None:
    both = use.format("id", "id")
    start = ("id", "id", "z")
    assert follows(start, ("key", "id", "z"), both) == use.format("key", "id")
    assert follows(start, ("id", "key", "z"), both) == use.format("id", "key")


@pytest.mark.parametrize(
    ("use", "then"),
    [
        ("df.filter(like='price')", "df.filter(like='price')"),
        ("df.filter(regex='price')", "df.filter(regex='price')"),
        ("df['price'].rename('price')", "df['cost'].rename('price')"),
        ("df.set_index('k').loc['price']", "df.set_index('k').loc['price']"),
        ("df.loc['price', 'price']", "df.loc['price', 'cost']"),
        ("df.loc[['x', 'price']]", "df.loc[['x', 'price']]"),
        ("df.loc[:, ['x', 'price']]", "df.loc[:, ['x', 'cost']]"),
        ("df.loc[df['price'] > 3, 'price']", "df.loc[df['cost'] > 3, 'cost']"),
        ("df.at[3, 'price']", "df.at[3, 'cost']"),
        ("df.rename(index={'price': 'x'})", "df.rename(index={'price': 'x'})"),
        ("df.drop(index='price')", "df.drop(index='price')"),
        ("df.drop(columns='price')", "df.drop(columns='cost')"),
        ("df.pivot(index='price', columns='k')", "df.pivot(index='cost', columns='k')"),
    ],
)
def test_rows_parts_of_names_and_new_names_are_no_columns(use: str, then: str) -> None:
    assert follows(("x", "y", "price"), ("x", "y", "cost"), use) == then


@pytest.mark.parametrize(
    "use",
    [
        "for i, row in df.iterrows():\n    print(row['{0}'], row.{0})",
        "[row['{0}'] for _, row in df.iterrows()]",
        "df.apply(lambda row: row['{0}'] + row.{0}, axis=1)",
        "df.groupby('k').apply(lambda g: g['{0}'].sum())",
        "df.loc[lambda d: d['{0}'] > 1].assign(z=lambda d: d.{0})",
        "def show(d, n):\n    print(d['{0}'])\nshow(df, 3)",
        "def one(row):\n    return row['{0}']\ndf.apply(one, axis=1)",
        "df.filter(pl.col('{0}') > 1).select(pl.col('{0}').alias('z'))",
        "df.group_by('{0}').agg(F.sum(F.col('{0}')))",
        "names = ['k', '{0}']\ndf[names].head()",
        "goal = '{0}'\ny = df[goal]",
        "for name in ['k', '{0}']:\n    df[name].hist()",
        "alt.Chart(df).mark_bar().encode(x='{0}', y='k')",
        "sns.FacetGrid(data=df).map_dataframe(sns.lineplot, x='k', y='{0}')",
        "df.style.format({{'{0}': '%d'}})",
        "pd.concat([df])['{0}'], pd.concat([df.head(), df]).{0}",
        "pd.concat((df, df)).sort_values('{0}')[['{0}']]",
        "def clean(d): return d\nclean(df)['{0}'], clean(df).{0}",
        "df.dropna().{0}, df[df['{0}'] > 1].{0}, df.groupby('k').{0}.sum()",
        "pd.DataFrame(df)[['{0}', 'k']]",
        "df = df.assign({0}=1)\ndf.groupby('k').agg({0}=('{0}', 'max'))",
        "df.insert(0, '{0}', 1)",
        "df.groupby('k').agg(z=pd.NamedAgg(column='{0}', aggfunc='sum'))",
        "df.groupby('k').agg(z=pd.NamedAgg('{0}', 'sum'))",
        "[df[c].mean() for c in ['{0}', 'n']]",
        "{{c: df[c].mean() for c in ('n', '{0}')}}",
        "names = ['{0}', 'n']\nfor c in names:\n    print(c, df[c].mean())",
        "names = ['{0}', 'n']\n[df[c] for c in names], df[names]",
    ],
)
def test_what_holds_a_part_of_a_frame_has_its_columns(use: str) -> None:
    start, then = ("x", "y", "price"), ("x", "y", "cost")
    assert follows(start, then, use.format("price")) == use.format("cost")


@pytest.mark.parametrize(
    "use",
    [
        "df['k'].apply(lambda v: v['price'])",
        "df.k.apply(lambda v: v['price'] + v.price)",
        "[v.price for v in df.k], {v['price'] for v in df.k.unique()}",
        "[row['price'] for row in rows]",
        "for part in (df, other):\n    print(part['price'])",
        "def show(d):\n    print(d['price'])\nshow(df)\nshow(other)",
        "other.filter(pl.col('price') > 1)",
        "names = ['k', 'price']\nother[names].head()",
        "names = ['k', 'price']\nfor c in names:\n    df[c].hist(), other[c].hist()",
        "[other[c].mean() for c in ['price', 'n']]",
        "[df.groupby('k')['n'].sum()[c] for c in ['price', 'n']]",
        "other.groupby('k').agg(z=pd.NamedAgg(column='price', aggfunc='sum'))",
        "df.groupby('k').agg(z=pd.NamedAgg('n', 'price'))",
        "t = df.T\nprint(t['price'], df.T['price'])",
        "metric = 'price'\ndf.query('variable == @metric')",
        "label = 'price'\nplt.title(label)",
        "df.rename(columns={'k': 'price'})",
        "pd.concat([df, other])['price']",
        "pd.Series(df['k'])['price'], df['k'].str.price, df.plot.price",
        "globals()['price'], vars()['price']",
        "rate = {'price': 1}\nprint(pd.DataFrame({'price': [2]}), rate['price'])",
        "pd.concat([other])['price'], other.dropna().price, load(path)['price']",
    ],
)
def test_what_may_hold_something_else_keeps_its_keys(use: str) -> None:
    assert follows(("x", "y", "price"), ("x", "y", "cost"), use) == use


@pytest.mark.parametrize(
    "use",
    [
        "a.merge(b, on='id')",
        "pd.merge(a, b, how='left', on=['id', 'k'])",
        "a.merge(b, 'left', 'id')",
    ],
)
def test_frames_joined_by_one_name_keep_it_where_one_of_them_does(use: str) -> None:
    was, now = FRAMES % ("id", "id", "z"), FRAMES % ("key", "id", "z")
    request = SuggestRequest(
        Notebook("python", (Cell("made", "code", now), Cell("use", "code", use + "\na.id"))),
        Caret("made", len(now)),
        (EditEvent("made", was, now),),
        want=("rename",),
    )
    found = SymbolsLane().suggest(request)
    assert not isinstance(found, Silence)
    assert (found[0].apply(request.notebook) or {})["use"] == use + "\na.key"
    assert "frames are joined on 'id'" in "; ".join(found[0].notes)


@pytest.mark.parametrize(
    ("use", "then"),
    [
        ("df.price.sum()", 'df["values"].sum()'),
        ("df[df.price > 1].price", 'df[df["values"] > 1]["values"]'),
        ("print(f\"{df.price}\", 'a')", "print(f\"{df['values']}\", 'a')"),
    ],
)
def test_what_every_frame_has_is_no_column_as_an_attribute(use: str, then: str) -> None:
    assert follows(("x", "y", "price"), ("x", "y", "values"), use) == then


def test_a_name_that_makes_the_frame_in_another_way_is_said() -> None:
    was = "import numpy as np\na = np.zeros(2, dtype=[('x', 'i4')])\na['x'] = 1"
    now = was.replace("a['x']", "a['z']")
    request = SuggestRequest(
        Notebook("python", (Cell("made", "code", now), Cell("use", "code", "print(a['x'])"))),
        Caret("made", len(now)),
        (EditEvent("made", was, now),),
        want=("rename",),
    )
    found = SymbolsLane().suggest(request)
    assert not isinstance(found, Silence)
    assert found[0].notes == (
        "cell 1: the code that makes the frame also contains 'x': left alone",
    )


def test_a_dictionary_beside_a_frame_that_no_name_holds_keeps_its_keys() -> None:
    was = "import pandas as pd\nrate = {'x': 3}\nprint(pd.DataFrame({'x': [1]}))"
    now = was.replace("({'x'", "({'z'")
    request = SuggestRequest(
        Notebook("python", (Cell("made", "code", now), Cell("use", "code", "print(rate['x'])"))),
        Caret("made", len(now)),
        (EditEvent("made", was, now),),
        want=("rename",),
    )
    assert isinstance(SymbolsLane().suggest(request), Silence)


@pytest.mark.parametrize(
    ("use", "then", "note"),
    [
        ("[c for c in df.columns if c != 'price']", "", "1 other text 'price'"),
        ("getattr(df, 'price'), df.x.name == 'price'", "", "2 other texts 'price'"),
        ("df.filter(like='pri'), df.price", "df.filter(like='pri'), df.cost", "a part of their"),
        ("df.corr().loc['price', 'k']", "", "1 other text 'price'"),
        ("df.query('@df.price > price')", "df.query('@df.cost > cost')", ""),
        ("q = 'price > 1'\nprint(q)\ndf.query(q)", "", "a query with 'price' is also used"),
        ("q = 'price > 1'\ndf.query(q), df.eval(q)", "q = 'cost > 1'\ndf.query(q), df.eval(q)", ""),
    ],
)
def test_what_may_be_the_columns_name_is_optional_and_noted(use: str, then: str, note: str) -> None:
    was, now = FRAMES % ("x", "y", "price"), FRAMES % ("x", "y", "cost")
    uses = Cell("sure", "code", "df['price']"), Cell("use", "code", use)
    request = SuggestRequest(
        Notebook("python", (Cell("made", "code", now), *uses)),
        Caret("made", len(now)),
        (EditEvent("made", was, now),),
        want=("rename",),
    )
    found = SymbolsLane().suggest(request)
    assert not isinstance(found, Silence)
    assert (found[0].apply(request.notebook) or {}).get("use", use) == (then or use)
    assert note in "; ".join(found[0].notes)
    assert not then or (note == "") == (found[0].notes == ())


def test_a_row_of_itertuples_has_no_brackets_by_name() -> None:
    uses = "for row in df.itertuples():\n    print(row.price)\n"
    assert follows(("x", "y", "price"), ("x", "y", "cost"), uses) == uses.replace("price", "cost")
    assert follows(("x", "y", "price"), ("x", "y", "the cost"), uses + "df.price") == (
        uses + 'df["the cost"]'
    )


def test_a_name_that_a_frame_has_with_which_it_is_put_together_is_said() -> None:
    was, now = FRAMES % ("id", "key", "z"), FRAMES % ("id", "id", "z")
    use = Cell("use", "code", "m = a.merge(b, left_on='id', right_on='key')\nm.key")
    request = SuggestRequest(
        Notebook("python", (Cell("made", "code", now), use)),
        Caret("made", len(now)),
        (EditEvent("made", was, now),),
        want=("rename",),
    )
    found = SymbolsLane().suggest(request)
    assert not isinstance(found, Silence)
    assert (
        found[0].notes[0] == "`a` has 'id' too: when they are joined, both columns get other names"
    )


ABOVE = ("x", "y", "price"), ("x", "y", "cost")


@pytest.mark.parametrize(
    "use",
    [
        "df['{0}']\ndf = load()\ndf['price'], df.price, df.query('price > 1')",
        "df.groupby('{0}').size()\nfor df in parts:\n    df['price']",
        "df = load(df)\ndf['{0}']",
        "df = df.dropna()\ndf = pd.concat([df, more])\ndf['{0}']",
        "raw = df\ndf = raw[['{0}', 'k']]\ndf['{0}']",
        "out = df.copy()\ndf = load()\ndf['price']\nout['{0}']",
        "if more:\n    df = load()\ndf['{0}']",
    ],
)
def test_a_frame_that_the_name_is_given_further_on_keeps_its_columns(use: str) -> None:
    assert follows(*ABOVE, use.format("price")) == use.format("cost")


def test_columns_of_the_statement_that_loads_a_frame_are_the_frames() -> None:
    made = "df = pd.read_csv(p).dropna(subset=['{0}']).sort_values('{0}')\ndf['{0}'] = 1"
    made = f"import pandas as pd\n{made}"
    cell = Cell("a", "code", made.format("price"))
    offset = cell.source.rindex("price")
    notebook = Notebook("python", (cell,))
    asked = SuggestRequest(notebook, Caret("a", offset), (), want=("rename",), rename_to="cost")
    found = SymbolsLane().suggest(asked)
    assert not isinstance(found, Silence)
    assert (found[0].apply(notebook) or {})["a"] == made.format("cost")


@pytest.mark.parametrize(
    "use",
    [
        "df.query(f'{0} > {{cut}} and n < {0}')",
        'df.query(f"`{0}` > 3 and {{n}} < {0}" " or n > 1")',
        "df.query('{0} > ' + str(cut))",
        "cond = '{0} > 4'\ndf.query(cond), df.dropna().eval(cond)",
        "cond = f'{0} > {{cut}}'\nbig = df.query(expr=cond)\nbig['{0}']",
    ],
)
def test_a_query_that_is_put_together_follows(use: str) -> None:
    assert follows(*ABOVE, use.format("price")) == use.format("cost")


@pytest.mark.parametrize(
    "use",
    [
        "other.query(f'price > {cut}')",
        "df.query(f'price_{n} > 3 and price{n} > 3 and {n}price > 3 and k == \"price\"')",
        "cond = 'price > 4'\ndf.query(cond), print(cond)",
        "cond = 'price > 4'\ndf.query(cond), other.query(cond)",
    ],
)
def test_a_query_of_something_else_stays(use: str) -> None:
    assert follows(*ABOVE, use) == use


@pytest.mark.parametrize(
    "use",
    ["print(df.price|.max())", "df.query('price| > 3')", "x = df.assign(y=lambda d: d.|price)"],
)
def test_a_column_is_renamed_where_it_is_read_otherwise_than_by_its_label(use: str) -> None:
    before, _, after = use.partition("|")
    made = FRAMES % ("x", "y", "price")
    request = SuggestRequest(
        Notebook("python", (Cell("made", "code", made), Cell("use", "code", before + after))),
        Caret("use", len(before)),
        (),
        want=("rename",),
        rename_to="cost",
    )
    found = SymbolsLane().suggest(request)
    assert not isinstance(found, Silence)
    assert found[0].apply(request.notebook) == {
        "made": FRAMES % ("x", "y", "cost"),
        "use": (before + after).replace("price", "cost"),
    }


def test_a_read_column_is_found_however_many_frames_have_one_of_that_name() -> None:
    made = "import pandas as pd\n" + "\n".join(
        f"f{i} = pd.DataFrame({{'price': [{i}]}})" for i in range(20)
    )
    use = "print(f19.price.max())"
    notebook = Notebook("python", (Cell("made", "code", made), Cell("use", "code", use)))
    caret = Caret("use", use.index("price") + 2)
    found = SymbolsLane().suggest(
        SuggestRequest(notebook, caret, (), want=("rename",), rename_to="cost")
    )
    assert not isinstance(found, Silence)
    assert (found[0].apply(notebook) or {})["use"] == use.replace("price", "cost")


@pytest.mark.parametrize("use", ["other.price|", "df.shape|", "price| = 3", "# df.price|"])
def test_what_only_has_a_columns_name_is_not_renamed_as_one(use: str) -> None:
    before, _, after = use.partition("|")
    made = FRAMES % ("x", "shape", "price")
    notebook = Notebook("python", (Cell("made", "code", made), Cell("use", "code", before + after)))
    request = SuggestRequest(
        notebook, Caret("use", len(before)), (), want=("rename",), rename_to="cost"
    )
    found = SymbolsLane().suggest(request)
    texts = {} if isinstance(found, Silence) else found[0].apply(notebook)
    assert "made" not in (texts or {})

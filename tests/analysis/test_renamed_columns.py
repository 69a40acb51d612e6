"""A statement that renames columns takes the places below along, while the frame is that one."""

from __future__ import annotations

import pytest

from nextedit_jupyter.analysis.rename import RenamePlan
from nextedit_jupyter.analysis.renamed_columns import detect_renamed_columns
from nextedit_jupyter.core import (
    Caret,
    Cell,
    EditEvent,
    KernelFacts,
    NamedObject,
    Notebook,
    Silence,
    SuggestRequest,
)

READ = "import pandas as pd\ndf = pd.read_csv('a.csv')"
MADE = "import pandas as pd\ndf = pd.DataFrame({'price': [1], 'qty': [2]})"


def found(
    before: str, after: str, *below: str, facts: KernelFacts | None = None
) -> RenamePlan | Silence:
    cells = [after, *below]
    return detect_renamed_columns(
        SuggestRequest(
            Notebook("python", tuple(Cell(f"c{n}", "code", text) for n, text in enumerate(cells))),
            Caret("c0", len(after)),
            (EditEvent("c0", before, after, "typed", 0.0),),
            facts or KernelFacts(),
        )
    )


def after(before: str, text: str, *below: str, facts: KernelFacts | None = None) -> list[str]:
    """The cells with what follows; nothing changed where nothing is offered."""
    plan = found(before, text, *below, facts=facts)
    cells = [text, *below]
    if isinstance(plan, Silence):
        return cells
    edits = {edit.cell: edit.edit for edit in plan.edits()}
    return [
        edits[f"c{n}"].apply(cell) if f"c{n}" in edits else cell for n, cell in enumerate(cells)
    ]


USES = "df['price'].mean()\ndf.price.max()\ndf.groupby('price').size()\ndf.query('price > 3')"


@pytest.mark.parametrize(
    "statement",
    [
        "df = df.rename(columns={'price': 'cost'})",
        'df = df.rename(columns={"price": "cost"}, errors="raise")',
        "df.rename(columns={'price': 'cost'}, inplace=True)",
        "df = (\n    df.dropna()\n    .rename(\n        columns={\n"
        "            'price': 'cost',\n        }\n    )\n)",
        "df = df.rename(columns={'qty': 'n', 'price': 'cost'})",
        "df: pd.DataFrame = df.rename(columns={'price': 'cost'})",
    ],
)
def test_the_places_below_follow(statement: str) -> None:
    now = f"{READ}\n{statement}"
    assert after(READ, now, USES, "other['price']") == [
        now,
        USES.replace("price", "cost"),
        "other['price']",
    ]


def test_the_places_above_and_those_of_a_frame_made_anew_stay() -> None:
    before = f"{READ}\ndf['price'] += 1\ndf['price']"
    now = f"{READ}\ndf['price'] += 1\ndf = df.rename(columns={{'price': 'cost'}})\ndf['price']"
    anew = "df = pd.read_csv('b.csv')\ndf['price']"
    assert after(before, now, "df['price']", anew, "df['price']") == [
        now[: -len("df['price']")] + "df['cost']",
        "df['cost']",
        anew,
        "df['price']",
    ]


def test_a_copy_under_another_name_alone_has_the_new_names() -> None:
    now = f"{READ}\nd2 = df.rename(columns={{'price': 'cost'}})"
    below = "df['price']\nd2['price']\nd3 = d2.dropna()\nd3['price']"
    becomes = "df['price']\nd2['cost']\nd3 = d2.dropna()\nd3['cost']"
    assert after(READ, now, below) == [now, becomes]


@pytest.mark.parametrize(
    ("statement", "becomes"),
    [
        ("df.columns = ['cost', 'n']", "df['cost']; df['n']"),
        ("df.columns = [\n    'cost',\n    'qty',\n]", "df['cost']; df['qty']"),
        ("df.columns = ['cost']", "df['price']; df['qty']"),
        ("df.columns = [name.lower() for name in df]", "df['price']; df['qty']"),
        ("df.columns = ['price', 'qty']", "df['price']; df['qty']"),
    ],
)
def test_columns_that_are_listed_anew_follow_by_their_order(statement: str, becomes: str) -> None:
    now = f"{MADE}\n{statement}"
    assert after(MADE, now, "df['price']; df['qty']") == [now, becomes]


def test_the_kernel_knows_the_columns_too() -> None:
    facts = KernelFacts(names=(NamedObject("df", "pandas.DataFrame", subscripts=("price", "qty")),))
    now = f"{READ}\ndf.columns = ['cost', 'qty']"
    assert after(READ, now, "df['price']", facts=facts) == [now, "df['cost']"]


def test_a_name_that_is_no_identifier_is_quoted_in_a_query_and_no_attribute() -> None:
    now = f"{READ}\ndf = df.rename(columns={{'price': 'unit cost'}})"
    plan = found(READ, now, USES)
    assert isinstance(plan, RenamePlan)
    assert after(READ, now, USES)[1] == (
        "df['unit cost'].mean()\ndf.price.max()\n"
        "df.groupby('unit cost').size()\ndf.query('`unit cost` > 3')"
    )
    assert any("left alone" in note for note in plan.notes)


def test_a_statement_that_was_there_renames_nothing_again() -> None:
    now = f"{READ}\ndf = df.rename(columns={{'price': 'cost'}})"
    assert isinstance(found(now, f"{now}\nx = 1", USES), Silence)


@pytest.mark.parametrize(
    "statement",
    [
        "df = df.rename(columns=str.lower)",
        "df = df.rename({'price': 'cost'})",
        "df = df.rename(index={'price': 'cost'})",
        "s = df['qty'].rename('price')",
        "df.rename(columns={'price': 'cost'})",
        "df = df.rename(columns={'price': 'cost'",
        "def f(df):\n    df = df.rename(columns={'price': 'cost'})\n    return df",
    ],
)
def test_what_renames_no_column_of_the_frame_below_is_left_alone(statement: str) -> None:
    now = f"{READ}\n{statement}"
    assert after(READ, now, USES) == [now, USES]


def test_values_and_a_frames_own_attributes_keep_the_name_below_a_renaming() -> None:
    made = "import pandas as pd\ndf = pd.DataFrame({'size': [1], 'qty': [2]})"
    statement = "\ndf = df.rename(columns={'size': 'n'})"
    use = "df['{}'], df.query(f'{} > {{k}}'), df.size, df['qty'].isin(['size'])\n"
    use += "s = df.groupby('qty').qty.sum()\ns['size'], s.size"
    _, below = after(made, made + statement, use.format("size", "size"))
    assert below == use.format("n", "n")

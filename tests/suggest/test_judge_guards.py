"""What is held back however sure the trees are, and what is not: with trees that say one thing."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray
from offering import Trees, request

from nextedit_jupyter.core import (
    Caret,
    Cell,
    CellEdit,
    EditEvent,
    Notebook,
    Suggestion,
    SuggestRequest,
    TextEdit,
)
from nextedit_jupyter.suggest import Suggester
from nextedit_jupyter.suggest.judge.features import NAMES
from nextedit_jupyter.suggest.judge.forest import Forest
from nextedit_jupyter.suggest.judge.judge_lane import JudgeLane
from nextedit_jupyter.suggest.model_lane import ModelAnswer


class _TreesForUses(Trees):
    """Trees that find no binding likely."""

    def values(self, rows: NDArray[np.float32]) -> NDArray[np.float32]:
        is_binding = rows[:, NAMES.index("is target")] > 0
        return np.where(is_binding, 0.1, self.level).astype(np.float32)


class _TreesInTurn(Trees):
    """Trees that find every other place likely."""

    def values(self, rows: NDArray[np.float32]) -> NDArray[np.float32]:
        return np.resize(np.array([self.level, 0.4], np.float32), len(rows))


def left(level: float, before: str, after: str, other: str, trees: type[Trees] = Trees) -> str:
    """The other cell as the offers leave it after the first one's edit, the first that touch it."""
    return all_left(trees(level), before, after, other)[0]


def all_left(trees: Forest, before: str, after: str, *others: str) -> list[str]:
    """The same for several other cells."""
    written = max(r.start + len(r.text) for r in EditEvent("a", before, after).edit)
    cells = [Cell(f"b{n}", "code", other, n + 2) for n, other in enumerate(others)]
    request = SuggestRequest(
        Notebook("python", (Cell("a", "code", after, 1), *cells)),
        Caret("a", written),
        (EditEvent("a", before, after, "typed", 0.0),),
        want=("rename", "next_edit"),
        deadline_ms=10_000,
    )
    said = Suggester(judge=JudgeLane(trees)).answer(request).suggestions
    found = [s.apply(request.notebook) or {} for s in said]
    return [next((t[cell.id] for t in found if cell.id in t), cell.source) for cell in cells]


@pytest.mark.parametrize(
    ("other", "becomes"),
    [
        # Another dictionary has a key of that name: the person's to choose.
        ("opt = {'n': 3}", "opt = {'n': 3}"),
        ("opt = {'n': 3}\nopt.get('n', 0)", "opt = {'n': 3}\nopt.get('n', 0)"),
        # The same entry word for word, or one that copies the key that was changed.
        ("opt = {\n    'n': 1,\n}", "opt = {\n    'size': 1,\n}"),
        ("opt = {'n': cfg['n']}", "opt = {'size': cfg['size']}"),
    ],
)
def test_keys_of_another_dictionary_follow_only_where_they_are_the_same(
    other: str, becomes: str
) -> None:
    before = "cfg = {\n    'n': 1,\n}"
    assert left(0.99, before, before.replace("'n'", "'size'"), other) == becomes


def test_a_key_that_was_changed_in_two_dictionaries_belongs_to_none_of_them() -> None:
    before = "kind = {\n    'knn': 'cpu',\n}\nrun = {\n    'knn': fit,\n}"
    after = before.replace("'knn'", "'neighbours'")
    assert left(0.9, before, after, "sizes = {'knn': 3}") == "sizes = {'neighbours': 3}"


def test_objects_that_are_made_on_the_spot_are_not_told_apart() -> None:
    before, after = "a = Normal(0).draw(9)", "a = Normal(0).sample(9)"
    assert left(0.9, before, after, "b = Gamma(1, 2).draw(9)") == "b = Gamma(1, 2).sample(9)"
    assert left(0.9, before, after, "b = cards.draw(9)") == "b = cards.draw(9)"
    before, after = "a = laws.Normal(0).draw(9)", "a = laws.Normal(0).sample(9)"
    assert left(0.9, before, after, "b = laws.Gamma(1).draw(9)") == "b = laws.Gamma(1).sample(9)"
    before, after = "df.group('a').draw(9)", "df.group('a').sample(9)"
    assert left(0.9, before, after, "df.group('b').draw(9)") == "df.group('b').draw(9)"
    assert left(0.9, "a = deck.draw(9)", "a = deck.sample(9)", "b = cards.draw(9)") == (
        "b = cards.draw(9)"
    )


@pytest.mark.parametrize(
    ("other", "becomes"),
    [
        ("open(p, mode='r').read()", "open(p, mode='r').read()"),
        ("f(z, mode='r')", "f(z, mode='w')"),
        ("kept.f(z, mode='r')", "kept.f(z, mode='w')"),
        ("mode = 'r'", "mode = 'w'"),
        ("g(z, label='2/r')", "g(z, label='2/w')"),
    ],
)
def test_a_string_that_another_call_is_given_by_keyword_is_listed(other: str, becomes: str) -> None:
    assert left(0.9, "f(x, mode='r')", "f(x, mode='w')", other) == becomes


def test_a_string_given_to_a_function_of_a_similar_name_follows() -> None:
    before, after = "plot_grid(cmap='jet')", "plot_grid(cmap='hot')"
    assert left(0.9, before, after, "plot_slice(cmap='jet')") == "plot_slice(cmap='hot')"
    assert left(0.9, before, after, "show(cmap='jet')") == "show(cmap='jet')"


def test_a_string_that_was_changed_in_calls_of_two_functions_is_of_neither() -> None:
    before = "f(x, mode='r')\ng(x, mode='r')"
    assert left(0.9, before, before.replace("'r'", "'w'"), "h(mode='r')") == "h(mode='w')"


@pytest.mark.parametrize(("level", "name"), [(0.75, "first"), (0.85, "second")])
def test_a_variable_taken_in_anothers_place_once_follows_where_the_judge_is_very_sure(
    level: float, name: str
) -> None:
    defined = "first = 1\nsecond = 2\n"
    assert left(level, f"{defined}show(first)", f"{defined}show(second)", "draw(first)") == (
        f"draw({name})"
    )


def test_an_import_that_stands_in_two_cells_is_changed_in_both_with_its_uses() -> None:
    before, after = "from lib import Model\nModel(1)", "from lib import Net\nNet(1)"
    assert left(0.9, before, after, "from lib import Model\nModel(2)") == (
        "from lib import Net\nNet(2)"
    )


def test_a_variable_that_is_bound_again_follows_as_a_whole_or_not_at_all() -> None:
    before, after = "bin = 0.1\nhist(x, bin)", "width = 0.1\nhist(x, width)"
    again = "show(bin)\nbin = 0.5\nhist(y, bin)"
    assert left(0.9, before, after, again) == again.replace("bin", "width")
    assert left(0.7, before, after, again) == "show(width)\nbin = 0.5\nhist(y, bin)"


@pytest.mark.parametrize(("level", "name"), [(0.9, "rate"), (0.4, "lr")])
def test_a_parameter_of_another_function_follows_as_a_whole_where_the_judge_is_sure(
    level: float, name: str
) -> None:
    before = "def fit(model, lr):\n    return model(lr)"
    other = "def train(model, {0}):\n    for n in range(3):\n        model({0})"
    assert left(level, before, before.replace("lr", "rate", 1), other.format("lr")) == (
        other.format(name)
    )


@pytest.mark.parametrize(("level", "name"), [(0.9, "Disc"), (0.7, "Circle")])
def test_a_string_that_names_what_was_renamed_follows_where_the_judge_is_very_sure(
    level: float, name: str
) -> None:
    before, after = "from shapes import Circle\nCircle(1)", "from shapes import Disc\nDisc(1)"
    assert left(level, before, after, "spec = '''\ntype: Circle\n'''\nCircle(2)") == (
        f"spec = '''\ntype: {name}\n'''\nDisc(2)"
    )


@pytest.mark.parametrize(
    ("level", "broken", "becomes"),
    [
        (0.9, "total = loss +\nstep(loss", "total = goal +\nstep(goal"),
        (0.55, "total = loss +\nstep(loss", "total = loss +\nstep(loss"),
        # The cell seems to bind the name itself.
        (0.9, "loss = 0\nstep(loss", "loss = 0\nstep(loss"),
        (0.9, "def f(loss):\n    return loss +", "def f(loss):\n    return loss +"),
        # An attribute and an argument are no variables.
        (0.9, "show(run.loss, loss=1", "show(run.loss, loss=1"),
    ],
)
def test_names_of_a_cell_that_does_not_parse_follow_where_the_judge_is_sure(
    level: float, broken: str, becomes: str
) -> None:
    before, after = "loss = make(1)\nshow(loss)", "goal = make(1)\nshow(loss)"
    assert left(level, before, after, broken) == becomes


def test_only_cells_that_are_left_out_are_said_to_be() -> None:
    before, after = "loss = make(1)", "goal = make(1)"
    others = ["step(loss", "loss = 0\nstep(loss", "show(loss)"]
    asked = request([after, *others], (0, before, after))
    said = Suggester(judge=JudgeLane(Trees(0.9))).answer(asked).suggestions
    whole, rename = (s for s in said if s.kind == "rename")
    assert "cell 3 does not parse: left out" in whole.notes
    assert "cells 2, 3 do not parse: left out" in rename.notes


@pytest.mark.parametrize(
    ("level", "other", "becomes"),
    [
        (0.4, "sales.price + 1", "sales.cost + 1"),
        (0.4, "sales[a:b].price", "sales[a:b].cost"),
        (0.2, "sales.price + 1", "sales.price + 1"),
        (0.4, "other.price + 1", "other.price + 1"),
        (0.4, "sales.price(1)", "sales.price(1)"),
        (0.4, "sales.price = 1", "sales.price = 1"),
        (0.4, "sales.item.price", "sales.item.price"),
    ],
)
def test_an_attribute_of_a_table_follows_the_tables_keys(
    level: float, other: str, becomes: str
) -> None:
    class Unsure(Trees):
        """Trees that are sure of keys, and not of attributes."""

        def values(self, rows: NDArray[np.float32]) -> NDArray[np.float32]:
            is_key = rows[:, NAMES.index("is string")] > 0
            return np.where(is_key, 0.9, self.level).astype(np.float32)

    before, after = "show(sales['price'])", "show(sales['cost'])"
    assert all_left(Unsure(level), before, after, "print(sales['price'])", other)[1] == becomes


def test_the_attributes_of_another_table_follow_with_its_keys() -> None:
    before, after = "show(sales['price'])", "show(sales['cost'])"
    other = "print(old['price'])\nold.price"
    assert left(0.9, before, after, other) == "print(old['cost'])\nold.cost"


def test_format_calls_follow_one_that_became_an_f_string_however_unsure_the_trees_are() -> None:
    before, after = 'print("{} a".format(x))', 'print(f"{x} a")'
    assert left(0.2, before, after, 'log("b {:.2f}".format(y))') == 'log(f"b {y:.2f}")'
    assert left(0.2, before, 'print("{} b".format(x))', 'log("{} a".format(y))') == (
        'log("{} a".format(y))'
    )


def test_an_attribute_that_hides_a_column_is_not_its_place() -> None:
    before, after = "show(sales['size'])", "show(sales['cost'])"
    assert left(0.45, before, after, "sales.size") == "sales.size"


@pytest.mark.parametrize(
    ("before", "after", "other", "becomes"),
    [
        # A value says nothing about prose.
        (
            "check(state == 'solved')",
            "check(state == 'failed')",
            "check(state == 'solved')  # if it was solved, go on\nprint('not solved: stop')",
            "check(state == 'failed')  # if it was solved, go on\nprint('not solved: stop')",
        ),
        ("mode = 'solved'", "mode = 'failed'", "'x/solved/y'", "'x/failed/y'"),
        # A corrected word is corrected everywhere.
        (
            "names = ['capitol']",
            "names = ['capital']",
            "print('the capitol of it')",
            "print('the capital of it')",
        ),
    ],
)
def test_a_word_that_was_a_whole_string_is_not_changed_in_prose(
    before: str, after: str, other: str, becomes: str
) -> None:
    assert left(0.9, before, after, other) == becomes


@pytest.mark.parametrize(
    ("other", "becomes"),
    [
        ("ask('how tall was it?')", "ask('how tall was it?')"),
        ("ask('how does it sound?')", "ask('what does it sound?')"),
        ("ask('so how does it look?')", "ask('so what does it look?')"),
        ("ask(2)  # how many are there", "ask(2)  # how many are there"),
    ],
)
def test_a_word_of_prose_is_changed_in_other_sentences_beside_the_same_word(
    other: str, becomes: str
) -> None:
    before, after = "ask('how does it look?')", "ask('what does it look?')"
    assert left(0.9, before, after, other) == becomes


def test_a_corrected_word_of_prose_is_corrected_everywhere() -> None:
    before, after = "ask('the capitol of it')", "ask('the capital of it')"
    assert left(0.9, before, after, "print('no capitol here')") == "print('no capital here')"


@pytest.mark.parametrize(
    ("before", "after", "other", "becomes"),
    [
        # One part was chosen of several, and both methods may exist.
        ("axes[0].bar(x)", "axes[0].barh(x)", "axes[1].bar(y)", "axes[1].bar(y)"),
        ("axes[0].fill(x)", "axes[0].fill_between(x)", "axes[1].fill(y)", "axes[1].fill(y)"),
        # A word put right, or the same part.
        (
            "axes[0].set_titel('x')",
            "axes[0].set_title('x')",
            "axes[1].set_titel('y')",
            "axes[1].set_title('y')",
        ),
        ("axes[0].bar(x)", "axes[0].barh(x)", "axes[0].bar(y)", "axes[0].barh(y)"),
        # No part of anything.
        ("frame.sort('x')", "frame.sort_values('x')", "other.sort('y')", "other.sort_values('y')"),
    ],
)
def test_a_method_of_one_part_says_nothing_of_the_other_parts(
    before: str, after: str, other: str, becomes: str
) -> None:
    assert left(0.9, before, after, other) == becomes


@pytest.mark.parametrize(
    ("before", "after", "other", "becomes"),
    [
        # Names of inner scopes are other names.
        (
            "n = 3",
            "k = 3",
            "def f(n):\n    return n + 1\nf(n)",
            "def f(n):\n    return n + 1\nf(k)",
        ),
        ("n = 3", "k = 3", "[n for n in range(2)]\nprint(n)", "[n for n in range(2)]\nprint(k)"),
        # What a function made is named like it, and is no function.
        (
            "def probe(): return 1",
            "def check(): return 1",
            "probe = probe()\nprint(probe)",
            "probe = check()\nprint(probe)",
        ),
        (
            "class Game: pass",
            "class Board: pass",
            "Game = Game()\nprint(Game)",
            "Game = Board()\nprint(Game)",
        ),
        # What took the definition's place is another thing.
        ("import json", "import math", "json.dumps(x)", "json.dumps(x)"),
        # A row's label, where a column was renamed.
        (
            "import pandas as pd\ndf = pd.DataFrame({'price': [1]})",
            "import pandas as pd\ndf = pd.DataFrame({'cost': [1]})",
            "df.set_index('k').loc['price']\ndf['price']",
            "df.set_index('k').loc['price']\ndf['cost']",
        ),
    ],
)
def test_what_bindings_left_alone_is_left_however_sure_the_judge_is(
    before: str, after: str, other: str, becomes: str
) -> None:
    assert left(0.99, before, after, other) == becomes


def test_what_is_proved_and_what_is_judged_is_one_offer_and_the_rename_stands_behind_it() -> None:
    before = "edges = [1, 2]\nspec.plot(edges=edges)"
    after = before.replace("edges", "bounds")
    request = SuggestRequest(
        Notebook(
            "python",
            (Cell("a", "code", after, 1), Cell("b", "code", "spec.plot(edges=edges)\nedges", 2)),
        ),
        Caret("a", len(after)),
        (EditEvent("a", before, after, "typed", 0.0),),
        want=("rename", "next_edit"),
        deadline_ms=10_000,
    )
    whole, rename, *_ = Suggester(judge=JudgeLane(Trees(0.9))).answer(request).suggestions
    assert whole.apply(request.notebook) == {"b": "spec.plot(bounds=bounds)\nbounds"}
    assert whole.label == "change `edges` to `bounds`: 3 places in 1 cell"
    assert whole.notes[0] == "proved by bindings: 2 places"
    assert rename.apply(request.notebook) == {"b": "spec.plot(edges=bounds)\nbounds"}
    assert (whole.lane, rename.lane) == ("patterns", "symbols")


@pytest.mark.parametrize(
    ("before", "after", "other", "becomes"),
    [
        # A number or a truth value is what it is given to.
        ("plot(a, lw=1)", "plot(a, lw=3)", "plot(b, lw=1, s=1)", "plot(b, lw=3, s=1)"),
        (
            "a.save(index=True)",
            "a.save(index=False)",
            "b.save(index=True, header=True)",
            "b.save(index=False, header=True)",
        ),
        ("load(size=32)", "load(size=64)", "x = range(32)", "x = range(32)"),
        ("range(10)", "range(20)", "range(10)\nhead(10)", "range(20)\nhead(10)"),
        # Changed of two arguments, or elsewhere too, it is more than either of them.
        ("f(n=7, m=7)", "f(n=9, m=9)", "g(k=7)", "g(k=9)"),
        ("limit = 32\nload(size=32)", "limit = 64\nload(size=64)", "rest(32)", "rest(64)"),
    ],
)
def test_a_number_or_a_truth_value_follows_where_it_is_given_to_the_same(
    before: str, after: str, other: str, becomes: str
) -> None:
    assert left(0.9, before, after, other) == becomes


@pytest.mark.parametrize(
    ("before", "after", "other", "becomes"),
    [
        # An attribute that would be left without its object.
        ("fit = 1\nprint(fit.net)", "fit = 1\nprint(net)", "fit.loss", "fit.loss"),
        ("fit = 1\nprint(fit.net)", "fit = 1\nprint(net)", "show(fit.net)", "show(net)"),
        ("m.pi", "pi", "from m import pi, e\nm.pi + m.e", "from m import pi, e\npi + e"),
        (
            "x = 1\nm.sin(x)",
            "x = 1\nsin(x)",
            "from m import *\nm.cos(1)",
            "from m import *\ncos(1)",
        ),
        # A name that the function alone knows.
        (
            "def f(d, a):\n    return d['a']",
            "def f(d, a):\n    return a",
            "b = d['a']",
            "b = d['a']",
        ),
        ("a = 1\nshow(d['a'])", "a = 1\nshow(a)", "b = d['a']", "b = a"),
        # In a text there are no names.
        ("# the net\nx", "# the net again\nx", "# the net\ny", "# the net again\ny"),
        # What was wrapped as a whole.
        ("a.count()", "size(a.count())", "b = a.count().max()", "b = a.count().max()"),
        ("a.count()", "size(a.count())", "b = a.count()", "b = size(a.count())"),
    ],
)
def test_a_change_is_not_made_where_it_would_mean_nothing(
    before: str, after: str, other: str, becomes: str
) -> None:
    assert left(0.9, before, after, other) == becomes


@pytest.mark.parametrize(
    ("before", "after", "other", "becomes"),
    [
        # What the cell binds again and keeps, it reads below.
        ("net", "plan", "show(net)\nnet = 3\nshow(net)", "show(plan)\nnet = 3\nshow(net)"),
        ("net", "plan", "net = net + 1\nshow(net)", "net = plan + 1\nshow(net)"),
        # A name of a function is another one.
        ("net", "plan", "def f():\n    net = 3\nshow(net)", "def f():\n    net = 3\nshow(plan)"),
        # Another variable that was there before was meant.
        ("plan = 1\nnet", "plan = 1\nplan", "net = 3\nshow(net)", "net = 3\nshow(plan)"),
    ],
)
def test_uses_stay_with_the_binding_that_their_own_cell_keeps(
    before: str, after: str, other: str, becomes: str
) -> None:
    assert left(0.96, before, after, other, _TreesForUses) == becomes


def test_uses_stay_with_a_binding_above_that_the_edited_cell_did_not_read() -> None:
    trees = _TreesForUses(0.9)
    before, after = "net = 1\nnet.fit()", "net = 1\nplan.fit()"
    uses = ["net.show()", "net = 2", "net.show()"]
    assert all_left(trees, before, after, *uses) == ["plan.show()", "net = 2", "net.show()"]
    # Of a binding that the edited cell read, the uses below are the same variable's.
    before, after = "net.fit()", "plan.fit()"
    assert all_left(trees, before, after, "net.show()") == ["plan.show()"]


def test_a_cell_that_binds_a_name_again_follows_as_a_whole_where_it_is_likely() -> None:
    class Unsure(Trees):
        def values(self, rows: NDArray[np.float32]) -> NDArray[np.float32]:
            is_binding = rows[:, NAMES.index("is target")] > 0
            return np.where(is_binding, 0.45, self.level).astype(np.float32)

    again = "net = 2\nnet.show()"
    assert all_left(Unsure(0.9), "net.fit()", "plan.fit()", again) == ["plan = 2\nplan.show()"]
    assert all_left(Unsure(0.6), "net.fit()", "plan.fit()", again) == [again]


@pytest.mark.parametrize(
    ("before", "after", "other", "becomes"),
    [
        # An argument of another callee, with the value that was given, and with another one.
        ("fit(m, n=3)", "fit(m, n_rows=3)", "run(n=3)", "run(n_rows=3)"),
        ("fit(m, n=3)", "fit(m, n_rows=3)", "run(n=7)", "run(n=7)"),
        ("fit(m, n=3)", "fit(m, n_rows=3)", "fit(k, n=7)", "fit(k, n_rows=7)"),
        ("fit(m, n=3)", "fit(m, size=3)", "run(n=7)", "run(size=7)"),
        # A member of another module, or of an object.
        (
            "import a, b\na.Model()",
            "import a, b\na.ModelOne()",
            "b.Model()\na.Model()",
            "b.Model()\na.ModelOne()",
        ),
        ("import a\na.Model()", "import a\na.ModelOne()", "net.Model()", "net.Model()"),
        (
            "net.loss",
            "net.losses",
            "import a\na.loss\nother.loss",
            "import a\na.loss\nother.losses",
        ),
        # A part of a module's path is no variable, argument or word of a text.
        (
            "from kit.rocket import Net",
            "from kit.planes import Net",
            "rocket.fit(rocket=1)  # rocket\nfrom kit.rocket import Gear  # kit.rocket",
            "rocket.fit(rocket=1)  # rocket\nfrom kit.planes import Gear  # kit.planes",
        ),
        ("import rocket", "import rocket_two", "rocket.fit()", "rocket_two.fit()"),
        # Two names of one module.
        (
            "import a\na.set_titel()",
            "import a\na.set_title()",
            "import a as k\nk.set_titel()",
            "import a as k\nk.set_title()",
        ),
    ],
)
def test_an_argument_is_its_callees_and_a_member_or_path_its_modules(
    before: str, after: str, other: str, becomes: str
) -> None:
    assert left(0.9, before, after, other) == becomes


def test_a_name_that_looks_half_typed_is_not_carried_over() -> None:
    before, after = "fig = 1\nshow(net_losses)", "fig = 1\nshow(fi)"
    assert left(0.9, before, after, "draw(net_losses)") == "draw(net_losses)"
    before, after = "fi = 1\nfig = 1\nshow(net_losses)", "fi = 1\nfig = 1\nshow(fi)"
    assert left(0.9, before, after, "draw(net_losses)") == "draw(fi)"


@pytest.mark.parametrize(
    ("other", "becomes"),
    [
        ("g(n=3)", "g()"),
        ("g(a, n=3)", "g(a)"),
        ("g(n=3, a=1)", "g(a=1)"),
        ("g(a, n=3, b=2)", "g(a, b=2)"),
    ],
)
def test_an_argument_that_is_removed_takes_its_comma_along(other: str, becomes: str) -> None:
    assert left(0.9, "f(n=3)", "f()", other) == becomes


@pytest.mark.parametrize(("level", "becomes"), [(0.7, "fix(c=k)"), (0.9, "fix(c=k, on=2)")])
def test_what_was_inserted_along_with_another_change_needs_that_change_too(
    level: float, becomes: str
) -> None:
    before, after = "fit(a, c=k)", "fit(b, c=k, on=2)"
    found = all_left(Trees(level), before, after, "fit(a, c=k)", "fix(c=k)")
    assert found == ["fit(b, c=k, on=2)", becomes]


class _Model:
    """A model lane that makes one edit of cell b, and is sure of it."""

    def __init__(self, request: SuggestRequest, text: str) -> None:
        source = request.notebook.cells[1].source
        edit = TextEdit.between(source, text)
        self._said = Suggestion(
            "m", "next_edit", "model", "next edit", 0.9, (CellEdit.of("b", source, edit),)
        )

    def next_edit(self, *_: object) -> ModelAnswer:
        return ModelAnswer((self._said,))


@pytest.mark.parametrize(("level", "count"), [(0.1, 0), (0.4, 1)])
def test_what_the_judge_finds_unlikely_the_model_does_not_offer_either(
    level: float, count: int
) -> None:
    before, after = "show(n < 3)", "show(n < 5)"
    cells = (Cell("a", "code", after, 1), Cell("b", "code", "draw(n < 3)", 2))
    request = SuggestRequest(
        Notebook("python", cells),
        Caret("a", len(after) - 1),
        (EditEvent("a", before, after, "typed", 0.0),),
        want=("rename", "next_edit"),
        deadline_ms=10_000,
    )
    model = _Model(request, "draw(n < 5)")
    answer = Suggester(model=model, judge=JudgeLane(Trees(level))).answer(request)  # type: ignore[arg-type]
    assert len(answer.suggestions) == count


@pytest.mark.parametrize(("level", "follows"), [(0.65, False), (0.75, True)])
def test_a_name_taken_in_anothers_place_twice_is_followed_where_that_is_likely(
    level: float, follows: bool
) -> None:
    texts = ["train = 1\ntest = 2", "fit(test)", "draw(test)", "check(train)"]
    edits = [(n, texts[n].replace("test", "train"), texts[n]) for n in (1, 2)]
    asked = request(texts, *edits)
    said = Suggester(judge=JudgeLane(Trees(level))).answer(asked).suggestions
    changed = {cell for one in said for cell in one.apply(asked.notebook) or {}}
    assert ("c3" in changed) == follows


@pytest.mark.parametrize(
    ("before", "after", "other", "becomes"),
    [
        ("old.f(1)", "new.f(1)", "old.g(2)\nold.h(3)", "new.g(2)\nnew.h(3)"),
        ("a.old", "a.new", "b.old, b.old", "b.new, b.new"),
        (
            "from old.x import f",
            "from new.x import f",
            "from old.y import g\nfrom old.y import h",
            "from new.y import g\nfrom new.y import h",
        ),
        ("a.old", "a.new", "b.old, c.old", "b.new, c.old"),
        ("f(1)  # old", "f(1)  # new", "g(2)  # old\nh(3)  # old", "g(2)  # new\nh(3)  # old"),
    ],
)
def test_what_reads_one_thing_in_one_cell_follows_together(
    before: str, after: str, other: str, becomes: str
) -> None:
    assert left(0.9, before, after, other, _TreesInTurn) == becomes


@pytest.mark.parametrize(("level", "follows"), [(0.9, False), (0.97, True)])
def test_a_variable_in_an_imports_place_is_followed_where_the_judge_is_very_sure(
    level: float, follows: bool
) -> None:
    before = "import first\nsecond = 1\nfirst.show(1)"
    after = before.replace("first.show", "second.show")
    assert (left(level, before, after, "first.draw(2)") == "second.draw(2)") == follows


def test_a_read_below_another_binding_of_the_new_name_is_left() -> None:
    again, uses = "data = load(2)\nprint(data)", "print(df)\ndf.plot()"
    edit = "df = load(1)", "data = load(1)"
    assert all_left(Trees(0.9), *edit, again, uses) == [again, uses]
    assert all_left(Trees(0.9), *edit, uses, again) == ["print(data)\ndata.plot()", again]


def test_a_comprehensions_variable_says_nothing_of_another_comprehensions() -> None:
    edit = "sq = [x * x for x in xs]", "sq = [v * v for v in xs]"
    assert all_left(Trees(0.9), *edit, "[x for x in ys]") == ["[x for x in ys]"]


def test_an_import_of_the_new_name_elsewhere_is_the_same_thing() -> None:
    edit = "import pymc as mc", "import pymc as pm"
    others = "import pymc as pm\npm.sample()", "mc.plot()"
    assert all_left(Trees(0.9), *edit, *others)[1] == "pm.plot()"


@pytest.mark.parametrize(
    ("before", "after", "other", "level", "becomes"),
    [
        ("plot(rows)", "plot(data)", "show(rows)", 0.55, "show(data)"),
        ("plot(rows)", "plot(data)", "show(rows)", 0.45, None),
        # The same word in a place of another kind has to be surer, and so has all that is no word.
        ("plot('rows')", "plot('data')", "a.rows", 0.55, None),
        ("plot('rows')", "plot('data')", "a.rows", 0.65, "a.data"),
        # In the same line it need not.
        ("f(x, 1)", "f(x, 1, 2)", "f(x, 1)", 0.55, "f(x, 1, 2)"),
        ("f(x, 1)", "f(x, 1, 2)", "f(x, 1)", 0.45, None),
        ("f(x, 1)", "f(x, 1, 2)", "y = f(x, 1)", 0.55, None),
        ("tidy(x)\nf(x, 1)", "f(x, 1)", "tidy(x)\ng()", 0.55, None),
        # At the end of a cell nothing stands behind the place.
        ("b = 3", "b = 3 ** 2", "c = 3", 0.55, None),
        ("b = 3", "b = 3 ** 2", "c = 3", 0.65, "c = 3 ** 2"),
    ],
)
def test_how_sure_a_place_must_be_depends_on_where_the_change_was_made(
    before: str, after: str, other: str, level: float, becomes: str | None
) -> None:
    assert left(level, before, after, other) == (other if becomes is None else becomes)

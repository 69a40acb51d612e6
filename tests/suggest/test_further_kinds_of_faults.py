"""Kinds of faults that came up later, each in other clothes, through all lanes but the model's."""

from __future__ import annotations

import pytest
from offering import Others, after, notes, optional, request

DRAW = "def draw({0}, color='r'):\n    return {0}, color"


@pytest.mark.parametrize(
    "line",
    [
        "!awk '{print path}' f.txt",
        "!jq '.path' f.json",
        "!awk 'BEGIN{path=0} {path+=$1} END{print path}' f",
        "!docker inspect -f '{{.path}}' c",
        '!echo "path"',
        "x = !awk '{print path}' f",
        "%%script node\nlet path = {path: 1}",
    ],
)
@pytest.mark.parametrize(("old", "new"), [("path", "path2"), ("path", "place")])
def test_a_word_of_another_language_stays_where_uses_of_the_variable_follow(
    line: str, old: str, new: str
) -> None:
    asked = request([f"{new} = 'f'", line, f"print({old})"], (0, f"{old} = 'f'", f"{new} = 'f'"))
    assert after(asked)[1:] == [line, f"print({new})"]


@pytest.mark.parametrize(
    ("use", "becomes"),
    [
        (
            "import typing as t\nP = t.NamedTuple('P', [('n', 'B'), ('B', int)])",
            "import typing as t\nP = t.NamedTuple('P', [('n', 'Node'), ('B', int)])",
        ),
        (
            "import dataclasses as d\nP = d.make_dataclass('P', [('n', 'B')])",
            "import dataclasses as d\nP = d.make_dataclass('P', [('n', 'Node')])",
        ),
        ("def f[T: 'B'](x: T) -> T: ...", "def f[T: 'Node'](x: T) -> T: ..."),
        ("assert_type(x, 'B')\nprint('B')", "assert_type(x, 'Node')\nprint('B')"),
        ("x: 'mod.B'\ny: 'B.Kind'", "x: 'mod.B'\ny: 'Node.Kind'"),
    ],
)
def test_types_of_fields_and_parameters_in_quotes_follow(use: str, becomes: str) -> None:
    asked = request(["class Node: pass", use], (0, "class B: pass", "class Node: pass"))
    assert after(asked)[1] == becomes


@pytest.mark.parametrize("call", ["Thread(target=draw, kwargs=dict(w=1))", "draw.delay(w=1)"])
def test_a_keyword_that_is_kept_for_a_later_call_is_listed_and_noted(call: str) -> None:
    cell = DRAW.format("w").replace("draw(w,", "draw(width,")
    asked = request([cell, call], (0, DRAW.format("w"), cell))
    assert after(asked)[1] == call
    assert "width" in optional(asked)[1]
    assert "may be meant" in notes(asked)


def test_what_one_place_says_is_not_inserted_again_beside_it() -> None:
    edits = [
        (n, f"{head}tf.Session()", f"{head}tf.compat.Session()")
        for n, head in enumerate(["", "q\n"])
    ]
    asked = request([*(now for _, _, now in edits), "with tf.Session() as s: pass"], *edits)
    assert after(asked)[2] == "with tf.compat.Session() as s: pass"


@pytest.mark.parametrize(
    ("old", "new", "others"),
    [
        ("lr = 0.1", "rate = 0.1", ["fit(x, lr=0.3)", "m.lr"]),
        ("df = load(1)", "frame = load(1)", ["sql('select * from df').df()"]),
    ],
)
def test_a_variable_without_uses_takes_no_other_things_of_its_name(
    old: str, new: str, others: Others
) -> None:
    asked = request([new, *others], (0, old, new))
    assert after(asked)[1:] == others


def test_a_label_that_gets_a_capital_takes_no_key_along() -> None:
    edits = [
        (n, f"{h}ax.set_ylabel('loss')", f"{h}ax.set_ylabel('Loss')")
        for n, h in enumerate(["", "q\n"])
    ]
    asked = request([*(now for _, _, now in edits), "ax.set_ylabel('loss')\nhist['loss']"], *edits)
    assert after(asked)[2] == "ax.set_ylabel('Loss')\nhist['loss']"


@pytest.mark.parametrize(
    ("use", "becomes"),
    [
        (
            "rows = pool.map(rows, xs)\nprint(rows)",
            "rows = pool.map(rate, xs)\nprint(rows)",
        ),
        ("rows = sorted(xs, key=rows)\nrows[0]", "rows = sorted(xs, key=rate)\nrows[0]"),
        (
            "for rows in map(rows, xs):\n    f(rows)",
            "for rows in map(rate, xs):\n    f(rows)",
        ),
        (
            "rows = df['t'].apply(rows)\nrows.head()",
            "rows = df['t'].apply(rate)\nrows.head()",
        ),
        ("%time rows = rows(3)\nrows.head()", "%time rows = rate(3)\nrows.head()"),
        ("rows = jit(rows)\nrows(3)", "rate = jit(rate)\nrate(3)"),
    ],
)
@pytest.mark.parametrize("head", ["def {}(x): return x", "{} = lambda x: x"])
def test_what_a_function_is_applied_to_is_no_function(use: str, becomes: str, head: str) -> None:
    asked = request([head.format("rate"), use], (0, head.format("rows"), head.format("rate")))
    assert after(asked)[1] == becomes


@pytest.mark.parametrize(
    ("use", "becomes"),
    [
        (
            "pd.merge(left=a, right=b, left_on='id', right_on='id')",
            "pd.merge(left=a, right=b, left_on='id', right_on='key')",
        ),
        (
            "a.merge(right=b, left_on='id', right_on='id')",
            "a.merge(right=b, left_on='id', right_on='key')",
        ),
        (
            "a.merge(b[['id']], left_on='id', right_on='id')",
            "a.merge(b[['key']], left_on='id', right_on='key')",
        ),
        ("b.to_csv('id.csv', columns=['id'])", "b.to_csv('id.csv', columns=['key'])"),
        ("b.melt(id_vars=['id'], var_name='id')", "b.melt(id_vars=['key'], var_name='id')"),
        ("'id' in b.columns and b.x", "'key' in b.columns and b.x"),
        ("b.id.value_counts().rename_axis('id')", "b.key.value_counts().rename_axis('id')"),
    ],
)
def test_a_column_follows_by_what_the_call_does_with_it(use: str, becomes: str) -> None:
    head = "import pandas as pd\na = pd.DataFrame({'id': [1]})\nb = pd.DataFrame({'%s': [1]})"
    asked = request([head % "key", use], (0, head % "id", head % "key"))
    assert after(asked)[1] == becomes


@pytest.mark.parametrize(
    ("was", "now", "other"),
    [
        ("df.dropna(inplace=True)", "df = df.dropna()", "df.sort_values('a', inplace=True)"),
        ("xs.sort(key=f)", "xs = sorted(xs, key=f)", "xs.append(1)\nys.sort(key=f)"),
        ("rows = table.order(copy=True)", "table.order()", "best = table.top(copy=True)"),
    ],
)
def test_a_statement_that_begins_or_ends_to_give_a_value_is_repeated_as_a_whole(
    was: str, now: str, other: str
) -> None:
    asked = request([now, f"{was}\n{other}", other], (0, was, now))
    assert after(asked)[1:] in ([f"{now}\n{other}", other], [f"{was}\n{other}", other])


def test_a_global_statement_goes_with_what_is_bound_below_it() -> None:
    cell = "global cfg\ncfg = cfg()\nprint(cfg)"
    asked = request(
        ["def load(): return 1", cell], (0, "def cfg(): return 1", "def load(): return 1")
    )
    assert after(asked)[1] == cell.replace("cfg()", "load()")


@pytest.mark.parametrize(
    ("was", "now", "use"),
    [
        ("names = ['a']", "scores = {'a': 1}", "names.append('x')"),
        ("fig = plt.figure()", "result = pd.merge(a, b)", "plt.plot(fig)\nplt.show()"),
        ("X = df.drop('target', axis=1)", "y = df['target']", "model.fit(X)\nX.shape"),
        ("weight = 80", "height = 1.8", "bmi = weight / 3"),
        ("log = open('a.txt')", "grid = make_grid(3, 4)", "open(log.name)\nprint(log)"),
    ],
)
def test_a_line_whose_variable_made_way_for_another_one_says_nothing(
    was: str, now: str, use: str
) -> None:
    asked = request([now, use], (0, was, now))
    assert after(asked) == [now, use]


def test_a_parameter_of_another_function_takes_its_callers_along() -> None:
    cell = "def outer(vals):\n    return draw(vals=vals)\nouter(vals=1)"
    now = "def draw(values, color='r'):\n    return values, color"
    asked = request([now, cell], (0, now.replace("values", "vals"), now))
    assert after(asked)[1] in (
        "def outer(values):\n    return draw(values=values)\nouter(values=1)",
        "def outer(vals):\n    return draw(values=vals)\nouter(vals=1)",
    )


@pytest.mark.parametrize(
    "cell",
    [
        "%%timeit name = 1\nname + 1",
        "%%timeit\nname = 1\nname + 1",
        "%timeit name = 1; name + 1",
        "%timeit -n 3 name = 1",
        "%timeit for name in 'ab': f(name)",
    ],
)
def test_what_timeit_binds_is_no_variable_of_the_notebook(cell: str) -> None:
    asked = request(["title = 'f'", cell, "print(name)"], (0, "name = 'f'", "title = 'f'"))
    assert after(asked)[1:] == [cell, "print(title)"]


def test_what_timeit_reads_is_the_notebooks() -> None:
    cell = "%%timeit x = name\nx + name"
    asked = request(["title = 'f'", cell, "%timeit name"], (0, "name = 'f'", "title = 'f'"))
    assert after(asked)[1:] == [cell.replace("name", "title"), "%timeit title"]


def test_what_a_cell_of_another_language_is_handed_is_noted_in_its_body() -> None:
    asked = request(["data = 1", "%%R -i df\nhead(df)"], (0, "df = 1", "data = 1"))
    assert after(asked)[1] == "%%R -i data\nhead(df)"
    assert optional(asked)[1] == "%%R -i df\nhead(data)"
    assert "cell 2: `df` may be looked up there" in notes(asked)


@pytest.mark.parametrize(
    ("use", "becomes"),
    [
        ("smf.ols('cost ~ city', data=df)", "smf.ols('price ~ city', data=df)"),
        ("sm.ols('city ~ C(cost) + costs', df)", "sm.ols('city ~ C(price) + costs', df)"),
        (
            "sm.ols('city ~ cost', data=df)\nsm.ols('city ~ cost', data=other)",
            "sm.ols('city ~ price', data=df)\nsm.ols('city ~ cost', data=other)",
        ),
    ],
)
def test_a_column_follows_in_the_formula_of_a_model_that_gets_the_frame(
    use: str, becomes: str
) -> None:
    was = "import pandas as pd\ndf = pd.DataFrame({'cost': [1]})"
    now = was.replace("cost", "price")
    asked = request([now, use], (0, was, now))
    assert after(asked)[1] == becomes


@pytest.mark.parametrize(
    ("other", "use"),
    [
        ("opts = load()", "train(opts['lr'])"),
        ("opts = load()", "opts.get('lr')\nopts['lr']"),
        ("a = 1", "fit(x, lr=3)"),
        ("opts = read(path)\nmore = opts.copy()", "more['lr']"),
    ],
)
def test_a_key_of_a_dictionary_that_is_made_of_something_else_stays(other: str, use: str) -> None:
    asked = request(
        ["cfg = {'rate': 1}", other, f"print(cfg['lr'])\n{use}"],
        (0, "cfg = {'lr': 1}", "cfg = {'rate': 1}"),
    )
    assert after(asked)[2] == f"print(cfg['rate'])\n{use}"


def test_a_key_of_a_copy_of_the_dictionary_follows() -> None:
    asked = request(
        [
            "cfg = {'rate': 1}",
            "mine = dict(cfg)",
            "print(cfg['lr'])\nmine['lr']\ntrain(lr=1, **cfg)",
        ],
        (0, "cfg = {'lr': 1}", "cfg = {'rate': 1}"),
    )
    assert after(asked)[2].startswith("print(cfg['rate'])\nmine['rate']")


def test_a_path_of_which_both_parts_were_changed_is_one_thing() -> None:
    """`plt` has no `set_xlabel`."""
    asked = request(
        ["plt.title('a')", "ax.set_title('b')\nax.set_xlabel('c')"],
        (0, "ax.set_title('a')", "plt.title('a')"),
    )
    assert "plt.set" not in after(asked)[1]


def test_a_number_with_an_exponent_is_one_number() -> None:
    asked = request(
        ["train(lr=1e-3)", "train(lr=1e-2)\nx[-2]\ny - 2"], (0, "train(lr=1e-2)", "train(lr=1e-3)")
    )
    assert after(asked)[1].endswith("\nx[-2]\ny - 2")


def test_a_value_is_given_to_a_name_only_where_a_statement_begins() -> None:
    asked = request(
        ["result = compute(a, b)", "compute(a, b)\nprint(compute(c, d))"],
        (0, "compute(a, b)", "result = compute(a, b)"),
    )
    assert not any("print(result" in cell for cell in optional(asked))


def test_a_name_that_is_read_on_keeps_its_value() -> None:
    cell = "history = model.fit(X, y)\nhistory.history"
    asked = request(["model.fit(X, y)", cell], (0, "history = model.fit(X, y)", "model.fit(X, y)"))
    assert after(asked)[1] == cell


@pytest.mark.parametrize(
    ("decorator", "use"),
    [
        ("pytest.fixture", "request.getfixturevalue('work')"),
        ("app.route('/w')", "url_for('work')"),
        ("click.command()", "runner.invoke('work')"),
    ],
)
def test_what_may_know_a_function_by_its_name_is_noted(decorator: str, use: str) -> None:
    cell = f"@{decorator}\ndef job(x): pass"
    name = decorator.partition("(")[0]
    asked = request([cell, f"{use}\nwork(1)"], (0, cell.replace("job", "work"), cell))
    assert f"`@{name}` may know `work` by its name" in notes(asked)
    assert after(asked)[1] == f"{use}\njob(1)"


@pytest.mark.parametrize(
    ("use", "is_said"),
    [
        ("prompt = 'first work, then rest'", True),
        ("model.work.pprint()", True),
        ("other(1)", False),
        ("# work", False),
    ],
)
def test_what_nothing_else_spells_is_not_said_to_be_known_by_its_name(
    use: str, is_said: bool
) -> None:
    cell = "@lib.tool\ndef job(x): pass"
    asked = request([cell, f"{use}\nwork(1)"], (0, cell.replace("job", "work"), cell))
    assert ("may know `work`" in notes(asked)) == is_said


def renamed_provider(decorator: str, *others: str) -> tuple[list[str], str]:
    """The other cells after `db` under a decorator became `base`, and what the offers note."""
    cell = f"import ward, injects\n{decorator}\ndef db(): return connect()"
    asked = request([cell.replace("db", "base"), *others], (0, cell, cell.replace("db", "base")))
    return after(asked)[1:], notes(asked)


@pytest.mark.parametrize(
    ("use", "becomes"),
    [
        (
            "def test_it(db, path):\n    return db.get(path)",
            "def test_it(base, path):\n    return base.get(path)",
        ),
        (
            "@injects\ndef user(db): return [db for _ in db]",
            "@injects\ndef user(base): return [base for _ in base]",
        ),
        (
            "class TestAll:\n    def test_it(self, db): pass",
            "class TestAll:\n    def test_it(self, base): pass",
        ),
        ("async def test_it(*, db=None): await db", "async def test_it(*, base=None): await base"),
    ],
)
def test_a_parameter_that_a_decorator_may_fill_by_name_follows_the_function(
    use: str, becomes: str
) -> None:
    found, said = renamed_provider("@ward.fixture", use)
    assert found == [becomes]
    assert "`@ward.fixture` may fill the parameter `db` in cell 2" in said


@pytest.mark.parametrize(
    ("decorator", "use"),
    [
        ("# plain", "def test_it(db): return db"),
        ("@functools.cache", "def test_it(db): return db"),
        ("@ward.fixture", "def read(db): return db\nread(3)"),
        ("@ward.fixture", "def read(db): return db\nlist(map(read, rows))"),
        ("@ward.fixture", "@interact(db=3)\ndef read(db): return db"),
        ("@ward.fixture", "def test_it(db, base): return db"),
        ("@ward.fixture", "def test_it(*db): return db"),
    ],
)
def test_a_parameter_that_somebody_fills_otherwise_stays(decorator: str, use: str) -> None:
    assert renamed_provider(decorator, use)[0] == [use]


def test_a_decorator_of_the_notebook_is_read_instead() -> None:
    head = "def keep(f): return f\n@keep\ndef {0}(x): return x"
    asked = request([head.format("job"), "work(1)"], (0, head.format("work"), head.format("job")))
    assert notes(asked) == ""


@pytest.mark.parametrize(
    ("head", "use", "knows"),
    [
        ("@MODELS.register()\nclass {0}: pass", "MODELS.build('Net')", "`@MODELS.register`"),
        ("class {0}(Base): pass", "relationship('Net')", "`Base`"),
    ],
)
def test_a_text_by_which_a_class_may_be_looked_up_is_listed(
    head: str, use: str, knows: str
) -> None:
    asked = request(
        [head.format("Model"), f"{use}\nNet()"], (0, head.format("Net"), head.format("Model"))
    )
    assert f"{knows} may know `Net` by its name" in notes(asked)
    assert optional(asked)[1] == f"{use.replace('Net', 'Model')}\nNet()"


def test_a_method_that_shows_an_object_is_noted() -> None:
    head = "class A:\n    def {0}(self): return ''"
    asked = request(
        [head.format("html"), "A()._repr_html_()"],
        (0, head.format("_repr_html_"), head.format("html")),
    )
    assert "`_repr_html_` may have a meaning" in notes(asked)


def test_what_a_module_evaluates_reads_variables_by_their_names() -> None:
    cell = "import pandas as pd\npd.eval('rate + 1')\ndf.eval('rate + 1')"
    asked = request(["size = 5", cell, "rate"], (0, "rate = 5", "size = 5"))
    assert "cell 2: `rate` may be looked up there" in notes(asked)
    assert optional(asked)[1] == cell.replace("pd.eval('rate", "pd.eval('size")


def test_a_parameter_says_nothing_of_a_name_that_no_cell_binds() -> None:
    was = "def area(r):\n    return 3 * r"
    asked = request(
        [was.replace("(r)", "(radius)").replace("* r", "* radius"), "print(area(r), r)"],
        (0, was, was.replace("(r)", "(radius)").replace("* r", "* radius")),
    )
    assert after(asked)[1] == "print(area(r), r)"


def test_a_keyword_of_an_objects_call_follows_the_parameter_of_its_class() -> None:
    was = "class Layer:\n    def __call__(self, w): return w\n    def twice(self): self(w=2)"
    now = was.replace("w): return w", "x): return x")
    use = "layer = Layer()\nlayer(w=1)\nLayer(w=2)\nother(w=3)"
    asked = request([now, use], (0, was, now))
    assert after(asked)[0] == now.replace("w=2", "x=2")
    assert after(asked)[1] == use.replace("layer(w=1)", "layer(x=1)")


def test_an_heirs_own_parameter_keeps_the_name_that_its_callers_use() -> None:
    was = "class A:\n    def __init__(self, w): self.w = w"
    now = "class A:\n    def __init__(self, width): self.w = width"
    heir = "class B(A):\n    def __init__(self, w):\n        super().__init__(w=w)\nB(w=2)"
    found = after(request([now, heir], (0, was, now)))[1]
    assert found == heir.replace("(w=w)", "(width=w)")


@pytest.mark.parametrize(
    ("old", "new", "use", "becomes"),
    [
        # A keyword of that name goes to the other parameter, `**options`.
        (
            "def f(*args, **options):\n    return args, options",
            "def f(*items, **options):\n    return items, options",
            "f(1, args=2)",
            "f(1, args=2)",
        ),
        # Python's own name, written as one does.
        ("lam = 3", "lambda_ = 3", "lam + 1", "lambda_ + 1"),
        ("ident = 3", "id_ = 3", "ident + 1", "id_ + 1"),
        # A parameter that came along with its use is no new name of the other one.
        (
            "def area(w):\n    return w * w",
            "def area(w, h):\n    return w * h",
            "area(2)",
            "area(2, ...)",
        ),
    ],
)
def test_what_a_changed_name_says_of_others(old: str, new: str, use: str, becomes: str) -> None:
    assert after(request([new, use], (0, old, new)))[1] == becomes


def test_a_parameter_that_a_decorator_may_fill_is_noted_where_it_gets_another_name() -> None:
    was, now = "def test_it(db, n):\n    return db", "def test_it(base, n):\n    return db"
    for decorator in ("@ward.fixture", "@functools.cache"):
        made = f"{decorator}\ndef db(): return connect()"
        said = notes(request([now, made], (0, was, now)))
        is_noted = "`@ward.fixture` may fill the parameter `db` by its name" in said
        assert is_noted == ("ward" in decorator)


def test_what_a_function_gets_by_its_own_name_comes_from_elsewhere() -> None:
    was = "@ward.fixture\ndef db(db): return db.copy()"
    now = was.replace("def db", "def base")
    asked = request([now, "def test_it(db): return db"], (0, was, now))
    assert after(asked) == [now, "def test_it(base): return base"]


def test_uses_of_a_replaced_function_follow_once_one_of_them_was_changed() -> None:
    was = "def add(a, b):\n    return a + b"
    now = was.replace("add", "sub").replace("+", "-")
    cells = [now, "add(1, 2)", "add(3, 4)", "y = add(5, 6)"]
    assert after(request(cells, (0, was, now))) == cells
    cells[1] = "sub(1, 2)"
    found = after(request(cells, (0, was, now), (1, "add(1, 2)", "sub(1, 2)")))
    assert found == [now, "sub(1, 2)", "sub(3, 4)", "y = sub(5, 6)"]


def test_a_call_of_a_class_that_is_defined_twice_may_mean_either() -> None:
    first = (
        "class Rec:\n    def __init__(self, size): self.n = size\n    def up(self): return Rec.n"
    )
    was = "class Rec:\n    def __init__(self, size): pass"
    now = was.replace("size", "width")
    asked = request([first, "Rec(size=5)", now, "Rec(size=6)"], (2, was, now))
    assert after(asked)[1] == "Rec(size=5)"

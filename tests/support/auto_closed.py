"""Cells of real-looking notebooks, half typed in an editor that closes brackets by itself."""

from __future__ import annotations

from dataclasses import dataclass
from random import Random

from IPython.core.inputtransformer2 import TransformerManager

from nextedit_jupyter.suggest.brackets import Scan

CELLS = (
    """import numpy as np
import pandas as pd

%matplotlib inline
df = pd.read_csv("data/sales.csv", parse_dates=["day"], index_col=0)
df["total"] = df["price"] * df["count"].fillna(0)
df.groupby(["city", "year"]).agg({"total": ["sum", "mean"], "count": "max"}).head(10)""",
    """%time result = fit(model, X[:, 1:], y, epochs=(5, 10), verbose=True)
%timeit -n 3 sum(i * i for i in range(1_000))
files = !ls {folder}/*.csv
!echo "{files[0]}" and $HOME
print(f"{len(files)} files, {files[0]!r:>{width}}, {max(sizes):,.2f} bytes")""",
    '''@lru_cache(maxsize=None)
@app.route("/items/<int:id>", methods=["GET", "POST"])
def item(id: int, *, key: str = "a", **rest: dict[str, list[int]]) -> tuple[int, ...]:
    """One "item" (by its id)."""
    if (found := cache.get((id, key))) is not None:  # seen (before)
        return found
    return tuple(sorted(rest["x"][id:], key=lambda p: (p[0], -p[1])))''',
    """match command.split():
    case ["go", ("north" | "south") as way, *rest] if rest:
        move(way, steps=int(rest[0]))
    case {"kind": Point(x=0, y=int(y)), **others}:
        print(f"{'up' if y > 0 else 'down'}: {others['n']}")
    case _:
        raise ValueError(f'unknown: {command!r}')""",
    """with open(os.path.join(root, 'it\\'s here.txt'), 'w') as out, lock:
    for i, (a, b) in enumerate(zip(left[::-1], right)):
        out.write('{}: {}\\n'.format(i, {a: [b]}[a][0]))
        while not (done[i] or a[b(c)[d]] == "}"):
            step()
x, *ys = [fn(v)(w) for v in vs if v not in (None, "") for w in v]""",
    """fig, axes = plt.subplots(2, 3, figsize=(12, 4), sharex=True)
for ax, (name, group) in zip(axes.flat, df.groupby("kind")):
    ax.plot(group.index, group["y"], "o-", label=f"{name} (n={len(group)})")
    ax.set_title(r"$\\alpha_{%s}$ [%%]" % name, fontdict={"size": 9})
plt.legend(loc="best"); plt.show()""",
    '''query = f"""
select "a", 'b', count(*) from t where (x = '{x}' and y in ({", ".join(ids)}))
"""
rows = [dict(zip(names, row)) for row in db.execute(query, (1, "it's"))]  # all (of them
model = nn.Sequential(nn.Linear(784, 128), nn.ReLU(), nn.Dropout(p=0.5)).to(device)
?model
assert all(isinstance(r, dict) for r in rows), "rows: %d" % len(rows)''',
    """class Net(nn.Module):
    sizes: dict[str, int] = {"a": 1}

    def __init__(self, *sizes, act=lambda x: x):
        super().__init__()
        self.layers = nn.ModuleList([nn.Linear(a, b) for a, b in pairwise(sizes)])

    async def run(self, x): return await gather(*(layer(x) for layer in self.layers))""",
)


@dataclass(frozen=True)
class Typed:
    """A cell in an editor, with the caret after `before`; `meant` is the finished cell.

    `rest` is the part of the caret's line that is not typed yet.
    """

    before: str
    after: str
    rest: str
    below: str

    @property
    def source(self) -> str:
        return self.before + self.after

    @property
    def meant(self) -> str:
        return self.before + self.rest + self.below


def half_typed(cell: str, at: int) -> Typed:
    """The cell typed up to `at`, with the brackets open on the caret's line closed after it."""
    end = cell.find("\n", at)
    end = len(cell) if end < 0 else end
    before, rest, below = cell[:at], cell[at:end], cell[end:]
    scan = Scan()
    for _ in scan.read(before):
        pass
    line = before.rfind("\n") + 1
    mine = [frame for frame in scan.frames if frame.at >= line]
    closers = "".join(frame.closer for frame in reversed(mine)) if not scan.in_comment else ""
    return Typed(before, closers + below, rest, below)


def said(typed: Typed, random: Random) -> str:
    """What a model may say there: the truth, as far as it goes, too far, or something else."""
    kind = random.randrange(6)
    if kind < 2:
        return typed.rest
    if kind == 2:
        return typed.rest[: random.randint(0, len(typed.rest))]
    if kind == 3:
        other = random.choice(random.choice(CELLS).split("\n"))
        return other[random.randint(0, len(other)) :]
    if kind == 4:
        lines = typed.below.split("\n")
        return typed.rest + "\n".join(lines[: random.randint(1, 3)])
    return typed.rest + random.choice((")", '"', "']", "))", ":", ", ", "}", "(", " + ", "\n    x"))


def compiles(cell: str) -> bool:
    """Whether IPython can run it: by its own transformer and Python's own compiler."""
    try:
        compile(TransformerManager().transform_cell(cell), "<cell>", "exec", flags=0x2000)
    except (SyntaxError, ValueError):
        return False
    return True

"""Experts by domain: cells are sorted readably, and the comparison is at equal cost."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import numpy as np
import pytest

torch = pytest.importorskip("torch")

from tiny_bundle import LINES  # noqa: E402

from nextedit_jupyter.core.errors import TrainingError  # noqa: E402
from nextedit_jupyter.prompt import BundleTokenizer  # noqa: E402
from nextedit_jupyter.training.bpe import train_tokenizer  # noqa: E402
from nextedit_jupyter.training.domain_experts import (  # noqa: E402
    Comparison,
    DomainLoss,
    ExpertSettings,
    compare_experts,
    interval,
)
from nextedit_jupyter.training.domains import Domain, domain_of, sorted_rows  # noqa: E402
from nextedit_jupyter.training.network import DecoderModule, Shape  # noqa: E402
from nextedit_jupyter.training.packing import NO_LOSS, pack  # noqa: E402
from nextedit_jupyter.training.run_folder import trained_state  # noqa: E402
from nextedit_jupyter.training.tuning import adapted  # noqa: E402

CELLS = {
    "fig, ax = plt.subplots()\nax.set_xlabel('time')": Domain.PLOTTING,
    "sns.histplot(data=penguins, x='mass')": Domain.PLOTTING,
    "chart = alt.Chart(cars).mark_point()": Domain.PLOTTING,
    "df = pd.read_csv('a.csv')\ndf.groupby('site').size()": Domain.FRAMES,
    "table = pl.scan_parquet(path).filter(pl.col('x') > 0)": Domain.FRAMES,
    "model = RandomForestClassifier()\nmodel.fit(X_train, y_train)": Domain.MODELLING,
    "loss.backward()\noptimizer.step()": Domain.MODELLING,
    "words = re.findall(r'\\w+', text.lower())": Domain.TEXT,
    "doc = nltk.word_tokenize(line.strip())": Domain.TEXT,
    "!pip install rich": Domain.SHELL,
    "%cd data": Domain.SHELL,
    "%%bash\nls -l": Domain.SHELL,
    "os.makedirs(sys.argv[1])": Domain.SHELL,
}


@pytest.mark.parametrize("cell", CELLS)
def test_a_cell_goes_to_the_domain_that_it_speaks_of(cell: str) -> None:
    assert domain_of(cell) is CELLS[cell]


@pytest.mark.parametrize("cell", ["", "x = 1\ny = x + 2", "naïve = '漢字 🎉'", "def f(:\n  ((("])
def test_a_cell_that_speaks_of_nothing_goes_to_none(cell: str) -> None:
    assert domain_of(cell) is None


def test_cells_together_go_where_most_of_them_point() -> None:
    assert domain_of(["df.head()", "df['a'].head()", "plt.show()"]) is Domain.FRAMES


def test_a_cell_of_a_megabyte_is_sorted_by_how_it_begins() -> None:
    assert domain_of("plt.show()\n" + "df.head()\n" * 200_000) is Domain.FRAMES
    assert domain_of("plt.show()\n" + "x" * 2_000_000) is Domain.PLOTTING


@pytest.fixture(scope="module")
def tokenizer(tmp_path_factory: pytest.TempPathFactory) -> BundleTokenizer:
    path = tmp_path_factory.mktemp("tokenizer") / "tokenizer.json"
    train_tokenizer([*LINES * 4, *CELLS], path, vocab_size=420)
    return BundleTokenizer(path)


def rows_of(tokenizer: BundleTokenizer, texts: list[str], length: int = 24) -> Any:
    ids = [(tokenizer.encode(text) * 20)[: length + 1] for text in texts]
    return pack(ids, length=length, pad=0)


def test_rows_are_sorted_by_what_is_learnt_of_them(tokenizer: BundleTokenizer) -> None:
    said = tokenizer.encode("df.head()\n")
    shown = [id | NO_LOSS for id in tokenizer.encode("plt.show()\nplt.plot()\n")]
    rows = np.array([[*shown, *said], [*shown, *(id | NO_LOSS for id in said)]], np.uint16)
    by = sorted_rows(rows, tokenizer)
    assert {domain: len(part) for domain, part in by.items()} == {
        Domain.FRAMES: 1,
        Domain.PLOTTING: 1,
    }


def test_experts_and_the_single_delta_read_the_same_rows(
    tmp_path: Path, tokenizer: BundleTokenizer
) -> None:
    shape = Shape(
        vocab_size=tokenizer.vocab_size, width=32, layers=2, heads=2, kv_heads=1, head_dim=16,
        hidden=48, context=64,
    )  # fmt: skip
    model = adapted(shape, DecoderModule(shape, seed=1).state_dict(), new_rows=4, rank=4)
    before = {name: value.clone() for name, value in trained_state(model).items()}
    texts = ["plt.plot(x)\nplt.show()\n", "df.head()\ndf.groupby('a')\n"] * 12
    rows = rows_of(tokenizer, texts)
    said: list[str] = []
    settings = ExpertSettings(steps=6, batch=2, rate=5.0, held=4, threads=1)
    found = compare_experts(
        model, rows, rows_of(tokenizer, texts[:8]), tokenizer, tmp_path, settings, said.append
    )
    assert [loss.domain for loss in found.losses] == [Domain.PLOTTING, Domain.FRAMES]
    assert sum("left out" in line for line in said) == 3
    parts = [np.load(tmp_path / name / "rows.npy") for name in ("plotting", "data-frames")]
    single = np.load(tmp_path / "single" / "rows.npy")
    assert sorted(map(bytes, single)) == sorted(map(bytes, np.concatenate(parts)))
    assert found.tokens == single[:, 1:].size
    for loss in found.losses:
        assert len(loss.gains) == 4
        assert loss.expert < loss.before
        assert loss.single < loss.before
        gained = loss.single - loss.expert
        assert math.isclose(gained, float(np.mean(loss.gains)), abs_tol=1e-5)
    # An expert goes on from the delta, not from the expert before it.
    expert = torch.load(tmp_path / "data-frames" / "final.pt")["model"]
    assert any(not torch.equal(expert[name], value) for name, value in before.items())
    assert "| data frames | 4 |" in found.table()


def test_too_few_rows_are_refused(tmp_path: Path, tokenizer: BundleTokenizer) -> None:
    rows = rows_of(tokenizer, ["plt.show()\n"] * 4)
    shape = Shape(tokenizer.vocab_size, 32, 1, 2, 1, 16, 48, 64)
    model = adapted(shape, DecoderModule(shape).state_dict(), new_rows=4, rank=2)
    with pytest.raises(TrainingError, match="--steps"):
        compare_experts(model, rows, rows, tokenizer, tmp_path, ExpertSettings(), lambda _: None)


def comparison(*gains: float) -> Comparison:
    loss = DomainLoss(Domain.TEXT, 2.0, 1.5, 1.4, gains)
    return Comparison((loss,), 10)


@pytest.mark.parametrize(
    ("gains", "worth"),
    [
        ((0.1, 0.11, 0.09, 0.1), True),
        ((0.1, -0.2, 0.3, -0.1), False),
        ((-0.1, -0.11, -0.1), False),
        ((0.5,), False),
        ((), False),
    ],
)
def test_only_a_clear_gain_is_worth_shipping(gains: tuple[float, ...], worth: bool) -> None:
    assert comparison(*gains).worth_shipping is worth
    assert ("no expert is shipped" in comparison(*gains).table()) is not worth


def test_one_row_says_nothing_of_the_error() -> None:
    assert interval([0.3]) == (0.3, math.inf)

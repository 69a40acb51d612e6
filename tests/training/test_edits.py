from __future__ import annotations

import random

import pytest

from nextedit_jupyter.core import KernelFacts
from nextedit_jupyter.prompt import BundleTokenizer
from nextedit_jupyter.prompt.cells_spm_v1 import CellsSpmV1, name_line
from nextedit_jupyter.prompt.control import BOS, END, NEW, OLD
from nextedit_jupyter.prompt.lines import anchored_lines, find_lines
from nextedit_jupyter.training.bpe import train_tokenizer
from nextedit_jupyter.training.corpus.document import Document
from nextedit_jupyter.training.edits import EditCase, make_case, rename
from nextedit_jupyter.training.examples import (
    Mix,
    edit_document,
    logical_ends,
    plain_document,
    session_document,
)
from nextedit_jupyter.training.kernel_names import columns_used, guess_names
from nextedit_jupyter.training.packing import NO_LOSS, pack, split_targets

CELLS = (
    "import numpy as np\nimport pandas as pd\nimport matplotlib.pyplot as plt",
    "df = pd.read_csv('data.csv', sep=';')\nother = pd.read_csv('other.csv', sep=';')",
    "def scale(values, factor):\n    return values * factor",
    "total = scale(df['price'], 3)\ndf['cost'] = total + df['price']",
    "fig, ax = plt.subplots(figsize=(8, 4))\nax.plot(df['price'])\nax.set_title('price')",
    "fig, ax = plt.subplots(figsize=(8, 4))\nax.plot(df['cost'])\nax.set_title('cost')",
    "print(total.mean())\nif total.max() > 100:\n    print('much', total.max())",
)
DOCUMENT = Document("p", "a.ipynb", "notebook", CELLS)


@pytest.fixture(scope="module")
def tokenizer(tmp_path_factory: pytest.TempPathFactory) -> BundleTokenizer:
    path = tmp_path_factory.mktemp("edits") / "tokenizer.json"
    train_tokenizer(["\n".join(CELLS)] * 20, path, vocab_size=500)
    return BundleTokenizer(path)


def cases(count: int) -> list[EditCase]:
    rng = random.Random(0)
    made = (make_case(CELLS, rng) for _ in range(count))
    return [case for case in made if case is not None]


def test_each_case_is_a_change_of_the_carets_cell_or_none() -> None:
    kinds = set()
    for case in cases(400):
        kinds.add(case.kind)
        assert 0 <= case.caret <= len(case.now)
        assert (case.kind == "none") == (case.after == case.now)
        for before, after in case.events:
            assert before != after
    assert {"rename", "keyword", "literal", "attribute", "copied", "bug", "none"} <= kinds


def test_an_answers_old_lines_stand_in_the_cell_and_lead_to_the_text_after() -> None:
    for case in cases(400):
        if case.answer is None:
            continue
        old, new = case.answer
        if not old:
            assert not case.now
            continue
        places = [
            start
            for start in range(len(case.now))
            if find_lines(case.now, old, start, len(case.now), start) == (start, start + len(old))
        ]
        results = {case.now[:start] + new + case.now[start + len(old) :] for start in places}
        assert case.after in results


def test_a_third_of_the_cases_have_nothing_to_do() -> None:
    made = cases(600)
    assert 0.2 < sum(case.kind == "none" for case in made) / len(made) < 0.5


def test_a_rename_leaves_keywords_strings_and_attributes_alone() -> None:
    cells = ("price = 1", "f(price=price)\ndf['price'] + df.price", "print(price)")
    for seed in range(30):
        case = rename(cells, random.Random(seed))
        if case is not None:
            whole = "\n".join(case.cells)
            assert "price=" in whole
            assert "df['price'] + df.price" in whole


@pytest.mark.parametrize(
    ("before", "after", "lines"),
    [
        ("a\nb", "a\nx", ("b", "x")),
        ("a\nb", "a\nx\nb", ("a", "a\nx")),
        ("a\nb", "x\na\nb", ("a", "x\na")),
        ("a\nx\nb", "a\nb", ("a\nx", "a")),
        ("x\na", "a", ("x\na", "a")),
        ("", "x", ("", "x")),
    ],
)
def test_insertions_and_deletions_are_anchored_at_a_line(
    before: str, after: str, lines: tuple[str, str]
) -> None:
    assert anchored_lines(before, after) == lines


def test_logical_lines_end_outside_brackets_and_strings() -> None:
    text = "f(a,\n  b)\ns = '''x\ny'''\n\nz = '('  # (\nlast"
    ends = [text[:end].rpartition("\n")[2] for end in logical_ends(text)]
    assert ends == ["  b)", "y'''", "z = '('  # (", "last"]


def test_names_are_guessed_as_a_kernel_would_tell_them() -> None:
    names = guess_names(CELLS, columns=columns_used(CELLS), rng=random.Random(0))
    lines = {name_line(named).split("[")[0] for named in names}
    assert {"scale(values, factor)", "df: DataFrame"} <= lines
    frame = KernelFacts(names=names).named("df")
    assert frame is not None
    assert set(frame.subscripts) == {"price", "cost"}


def plain(ids: list[int]) -> list[int]:
    return [id & (NO_LOSS - 1) for id in ids]


def test_documents_begin_alike_and_fit_their_length(tokenizer: BundleTokenizer) -> None:
    rng = random.Random(0)
    for _ in range(40):
        pieces = plain_document(DOCUMENT, tokenizer, rng, Mix(), length=200)
        pieces += session_document(DOCUMENT, tokenizer, rng, Mix(), length=200)
        edit = edit_document(DOCUMENT, tokenizer, rng, Mix(), length=400)
        for piece in [*pieces, *([edit] if edit else [])]:
            assert plain(piece)[0] == tokenizer.control(BOS)
            assert len(piece) <= 400


def test_an_edit_example_ends_in_an_answer_that_carries_loss(tokenizer: BundleTokenizer) -> None:
    rng = random.Random(1)
    old, new, end = (tokenizer.control(name) for name in (OLD, NEW, END))
    answered = 0
    for _ in range(60):
        ids = edit_document(DOCUMENT, tokenizer, rng, Mix(edit_inline=0), length=600)
        if ids is None:
            continue
        assert ids[-1] == end
        at = max(i for i, id in enumerate(plain(ids)) if id == old)
        answer = ids[at + 1 :]
        assert all(id < NO_LOSS for id in answer)
        assert answer == [end] or answer.count(new) == 1
        answered += len(answer) > 1
    assert answered > 10


def test_training_writes_what_serving_reads(tokenizer: BundleTokenizer) -> None:
    fmt = CellsSpmV1()
    text = "x = np.zeros(3)"
    middle = fmt.inline_tail(text, "\ny = 1", tokenizer)
    assert plain(middle) == middle
    joined = tokenizer.decode(middle)
    assert joined == "\ny = 1" + text


def test_packing_keeps_every_token_and_pads_without_loss() -> None:
    documents = [[i + 1] * (i % 17 + 1) for i in range(50)]
    rows = pack(documents, length=31, pad=0)
    assert rows.shape[1] == 32
    kept = sorted(int(id) for id in rows.ravel() if id < NO_LOSS)
    assert kept == sorted(id for document in documents for id in document)
    inputs, targets = split_targets(rows)
    assert inputs.shape == targets.shape == (len(rows), 31)
    assert ((targets == -1) == (rows[:, 1:] >= NO_LOSS)).all()

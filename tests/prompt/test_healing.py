from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from nextedit_jupyter.prompt import BundleTokenizer
from nextedit_jupyter.prompt.healing import MAX_HEAL_CHARS, split_for_healing
from nextedit_jupyter.training.tokenizer import train_tokenizer

CODE = '''import numpy as np
def area(width, height=2.5):
    """The area."""
    return width * height  # cm2

df = pd.DataFrame({"a b": [1, 20, 300], 'x1': np.zeros((3, 4))})
df["x1"].rolling(10).mean().plot(figsize=(12, 8))
if area(1, x_2) >= 3.75 and not flag: print(f"{area!r} größe")
'''


@pytest.fixture(scope="module")
def tokenizer(tmp_path_factory: pytest.TempPathFactory) -> BundleTokenizer:
    path = tmp_path_factory.mktemp("healing") / "tokenizer.json"
    train_tokenizer([CODE] * 30, path, vocab_size=500)
    return BundleTokenizer(path)


@pytest.mark.parametrize(
    ("text", "held"),
    [
        ("df.gro", ".gro"),
        ("df.", "."),
        ("x = ", " "),
        ("x = np", " np"),
        ("import", "import"),
        ("print(", "("),
        ("x = 1\n", ""),
        ("if x:\n    ", ""),
        ("if x:\n    ret", "ret"),
        ("x1", ""),
        ("y_2_", "_"),
        ("", ""),
    ],
)
def test_the_last_open_piece_is_held_back(text: str, held: str) -> None:
    assert split_for_healing(text) == (text[: len(text) - len(held)], held)


@given(text=st.text(max_size=60))
def test_nothing_is_lost_and_little_is_held(text: str) -> None:
    kept, held = split_for_healing(text)
    assert kept + held == text
    assert len(held) <= MAX_HEAL_CHARS


@settings(deadline=None)
@given(caret=st.integers(0, len(CODE)))
def test_what_is_kept_is_tokenized_as_in_the_whole_text(
    tokenizer: BundleTokenizer, caret: int
) -> None:
    kept, _ = split_for_healing(CODE[:caret])
    line = kept[kept.rfind("\n") + 1 :]
    if not line.strip():
        return  # after a line end or in an indentation nothing is held: what follows is a new piece
    ids = tokenizer.encode(kept)
    assert tokenizer.encode(CODE)[: len(ids)] == ids

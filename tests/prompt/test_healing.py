from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tokenizers import Tokenizer, models, pre_tokenizers, trainers

from nextedit_jupyter.prompt import BundleTokenizer
from nextedit_jupyter.prompt.healing import MAX_HEAL_CHARS, split_for_healing
from nextedit_jupyter.prompt.tokenizer import encode_open
from nextedit_jupyter.training.bpe import train_tokenizer

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


@pytest.fixture(scope="module")
def gpt2(tmp_path_factory: pytest.TempPathFactory) -> BundleTokenizer:
    """Pieces as in GPT-2, with digits that stand alone: what many pre-trained bases have."""
    model = Tokenizer(models.BPE())
    model.pre_tokenizer = pre_tokenizers.Sequence(
        [
            pre_tokenizers.Digits(individual_digits=True),
            pre_tokenizers.ByteLevel(add_prefix_space=False),
        ]
    )
    trainer = trainers.BpeTrainer(
        vocab_size=600, initial_alphabet=pre_tokenizers.ByteLevel.alphabet(), show_progress=False
    )
    model.train_from_iterator([CODE] * 30, trainer)
    path = tmp_path_factory.mktemp("gpt2") / "tokenizer.json"
    model.save(str(path))
    return BundleTokenizer(path)


@pytest.mark.parametrize(
    ("text", "held"),
    [
        ("df.gro", "gro"),
        ("df.", "."),
        ("x = ", " "),
        ("x = np", " np"),
        ("x_na", "na"),
        ("x_", "_"),
        ("if x:\n    ", " "),
        ("x = 1\n", ""),
        ("x = 1\n\n", ""),
        ("x1", ""),
        ("f'da", "'da"),
    ],
)
def test_gpt2_pieces_hold_back_less_of_a_name_and_a_blank_of_the_indentation(
    text: str, held: str
) -> None:
    assert split_for_healing(text, "gpt2") == (text[: len(text) - len(held)], held)


def test_how_a_tokenizer_cuts_is_read_from_its_file(
    tokenizer: BundleTokenizer, gpt2: BundleTokenizer
) -> None:
    assert (tokenizer.pieces, gpt2.pieces) == ("own", "gpt2")


@given(caret=st.integers(0, len(CODE)))
def test_gpt2_pieces_are_kept_as_in_the_whole_text(gpt2: BundleTokenizer, caret: int) -> None:
    if CODE[caret : caret + 1].isspace() and CODE[caret - 1 : caret].isspace():
        return  # in the midst of blanks: how many follow decides about the piece
    kept, _ = split_for_healing(CODE[:caret], "gpt2")
    ids = encode_open(gpt2, kept)
    assert gpt2.encode(CODE)[: len(ids)] == ids

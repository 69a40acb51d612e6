from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from nextedit_jupyter.core.errors import BundleError
from nextedit_jupyter.prompt import BundleTokenizer
from nextedit_jupyter.prompt.control import CONTROL_TOKENS
from nextedit_jupyter.training.bpe import train_tokenizer

TEXTS = [
    "import numpy as np\nimport pandas as pd\n",
    "def mean(values):\n    return sum(values) / len(values)\n",
    "df = pd.read_csv('data.csv')\ndf.groupby('a').mean()\n",
    "for i in range(100):\n    if i % 3:\n        print(i, 'größe', \"\U0001f600\")\n\n\n",
] * 5


@pytest.fixture(scope="module")
def tokenizer(tmp_path_factory: pytest.TempPathFactory) -> BundleTokenizer:
    path = tmp_path_factory.mktemp("tokenizer") / "tokenizer.json"
    train_tokenizer(TEXTS, path, vocab_size=420)
    return BundleTokenizer(path)


@settings(max_examples=200)
@given(text=st.text(st.characters(exclude_categories=["Cs"]), max_size=80))
def test_decoding_gives_back_what_was_encoded(tokenizer: BundleTokenizer, text: str) -> None:
    assert tokenizer.decode(tokenizer.encode(text)) == text


def test_a_control_token_typed_by_a_person_stays_text(tokenizer: BundleTokenizer) -> None:
    control = {tokenizer.control(name) for name in CONTROL_TOKENS}
    for name in CONTROL_TOKENS:
        ids = tokenizer.encode(f"x = '{name}'")
        assert not control & set(ids)
        assert tokenizer.decode(ids) == f"x = '{name}'"


def test_control_tokens_come_first_and_in_their_order(tokenizer: BundleTokenizer) -> None:
    assert [tokenizer.control(name) for name in CONTROL_TOKENS] == list(range(len(CONTROL_TOKENS)))


def test_an_unknown_control_token_is_refused(tokenizer: BundleTokenizer) -> None:
    with pytest.raises(BundleError, match="no control token"):
        tokenizer.control("<|nothing|>")


def test_a_lone_surrogate_is_replaced_not_raised(tokenizer: BundleTokenizer) -> None:
    assert tokenizer.decode(tokenizer.encode("a\ud800b")) == "a\ufffdb"


def test_no_token_crosses_a_line_end(tokenizer: BundleTokenizer) -> None:
    for id in range(tokenizer.vocab_size):
        piece = tokenizer.token_bytes(id)
        assert b"\n" not in piece or not piece.strip(b"\n")


def test_digits_stand_apart(tokenizer: BundleTokenizer) -> None:
    for id in range(tokenizer.vocab_size):
        piece = tokenizer.token_bytes(id).strip()
        assert not any(48 <= byte < 58 for byte in piece) or len(piece) == 1


def test_indentation_is_one_token(tokenizer: BundleTokenizer) -> None:
    pieces = [tokenizer.token_bytes(id) for id in tokenizer.encode("if x:\n    return\n")]
    assert b"    " in pieces


def test_token_bytes_of_a_text_are_its_utf8(tokenizer: BundleTokenizer) -> None:
    text = "größe = 1  # \U0001f600\n"
    joined = b"".join(tokenizer.token_bytes(id) for id in tokenizer.encode(text))
    assert joined == text.encode()


def test_bytes_of_control_tokens_and_of_unknown_ids_are_empty(tokenizer: BundleTokenizer) -> None:
    assert tokenizer.token_bytes(0) == b""
    assert tokenizer.token_bytes(10**6) == b""
    assert tokenizer.token_bytes(-1) == b""


def test_a_broken_tokenizer_file_says_what_to_do(tmp_path: Path) -> None:
    path = tmp_path / "tokenizer.json"
    path.write_text("{", encoding="utf-8")
    with pytest.raises(BundleError, match="import the bundle again"):
        BundleTokenizer(path)

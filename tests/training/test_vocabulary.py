"""Which tokens of a base are kept: the frequent ones, and everything they are made of."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from tiny_gguf import make_delta, make_gguf, make_wheel
from tokenizers import Tokenizer, models, pre_tokenizers

from nextedit_jupyter.bundles.delta import Delta
from nextedit_jupyter.core.errors import TrainingError
from nextedit_jupyter.prompt import BundleTokenizer
from nextedit_jupyter.prompt.control import CONTROL_TOKENS
from nextedit_jupyter.training.kept_tokens import choose_tokens, count_tokens

pytest.importorskip("torch")
pytest.importorskip("gguf")

from nextedit_jupyter.training.pretrained import take_vocabulary

ALPHABET = ("a", "b", "c", "d")
MERGES = [("a", "b"), ("ab", "c"), ("c", "d"), ("abc", "d")]
TOKENS = [*ALPHABET, "ab", "abc", "cd", "abcd", "<mark>"]


def tokenizer(kept: list[int]) -> Tokenizer:
    names = {TOKENS[id]: place for place, id in enumerate(kept)}
    merges = [(a, b) for a, b in MERGES if {a, b, a + b} <= set(names)]
    made = Tokenizer(models.BPE(vocab=names, merges=merges))
    made.pre_tokenizer = pre_tokenizers.Whitespace()
    return made


def test_tokens_are_counted_as_texts_are_cut() -> None:
    counts = count_tokens(["abcd ab", "cd"], tokenizer(list(range(8))))
    assert {TOKENS[id]: count for id, count in counts.items()} == {"abcd": 1, "ab": 1, "cd": 1}


def test_a_frequent_token_brings_what_it_is_merged_from() -> None:
    kept = choose_tokens({7: 9, 6: 1}, TOKENS, MERGES, ALPHABET, 7)
    assert [TOKENS[id] for id in kept] == [*ALPHABET, "ab", "abc", "abcd"]


def test_a_token_whose_parts_do_not_fit_makes_room_for_a_smaller_one() -> None:
    kept = choose_tokens({7: 9, 6: 1}, TOKENS, MERGES, ALPHABET, 5)
    assert [TOKENS[id] for id in kept] == [*ALPHABET, "cd"]


def test_marks_are_not_kept_however_frequent() -> None:
    assert 8 not in choose_tokens({8: 99}, TOKENS, MERGES, ALPHABET, 9)


@given(
    st.dictionaries(st.integers(0, 8), st.integers(1, 99)),
    st.integers(4, 8),
    st.text("abcd", min_size=1, max_size=12),
)
def test_every_text_still_has_its_letters(counts: dict[int, int], size: int, text: str) -> None:
    kept = choose_tokens(counts, TOKENS, MERGES, ALPHABET, size)
    made = tokenizer(kept)
    assert len(kept) <= size
    assert "".join(made.encode(text).tokens) == text


def test_the_vocabulary_of_a_delta_is_taken_once_and_no_other_beside_it(tmp_path: Path) -> None:
    base = make_gguf(tmp_path / "base.gguf", quant="Q8_0").path
    wheel = make_wheel(tmp_path, base)
    folder = make_delta(tmp_path / "delta", wheel, base)
    with pytest.raises(TrainingError, match="another vocabulary"):
        take_vocabulary(base, Delta.open(folder), tmp_path / "work")  # keeps all and adds nothing
    kept = np.arange(0, 250, 2, dtype=np.uint16)
    np.save(folder / "kept.npy", kept)
    (folder / "delta.safetensors").write_bytes(b"")
    parts = {"kept": "kept.npy", "control_tokens": list(CONTROL_TOKENS)}
    make_delta(folder, wheel, base, vocabulary=parts, weights="delta.safetensors")
    weights = take_vocabulary(base, Delta.open(folder), tmp_path / "work")
    assert weights == folder / "delta.safetensors"
    assert np.array_equal(np.load(tmp_path / "work" / "kept.npy"), kept)
    made = BundleTokenizer(tmp_path / "work" / "tokenizer.json")
    assert min(made.control(token) for token in CONTROL_TOKENS) >= len(kept)
    take_vocabulary(base, Delta.open(folder), tmp_path / "work")
    np.save(folder / "kept.npy", kept[:-1])
    with pytest.raises(TrainingError, match="another vocabulary"):
        take_vocabulary(base, Delta.open(folder), tmp_path / "work")

"""Which tokens of a base are kept: the frequent ones, and everything they are made of."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st
from tokenizers import Tokenizer, models, pre_tokenizers

from nextedit_jupyter.training.kept_tokens import choose_tokens, count_tokens

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

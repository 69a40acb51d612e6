"""Every text comes back exactly, of a whole vocabulary or one cut down, and is cut as it was."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tiny_gguf import MERGES, SPECIAL, vocabulary

from nextedit_jupyter.bundles.byte_level import (
    ALPHABET,
    PRE_TOKENIZERS,
    ByteLevelVocabulary,
)
from nextedit_jupyter.core.errors import BundleError
from nextedit_jupyter.prompt import BundleTokenizer
from nextedit_jupyter.prompt.control import CONTROL_TOKENS

Make = Callable[[ByteLevelVocabulary], BundleTokenizer]
TEXTS = st.text(st.characters(blacklist_categories=["Cs"]), max_size=60) | st.lists(
    st.sampled_from(
        ["import", " print", "\n\n", "    ", "12345", "<|end|>", SPECIAL[0], "é", "\x04"]
    )
).map("".join)


def tiny(pre: str = "smollm") -> ByteLevelVocabulary:
    tokens, merges, types = vocabulary()
    return ByteLevelVocabulary.from_metadata(
        {
            "tokenizer.ggml.model": "gpt2",
            "tokenizer.ggml.pre": pre,
            "tokenizer.ggml.tokens": tokens,
            "tokenizer.ggml.merges": merges,
            "tokenizer.ggml.token_type": types,
        }
    )


def kept(vocabulary: ByteLevelVocabulary, *, merges: int) -> list[int]:
    """Ids of the bytes and of the first merges, without the control tokens."""
    names = {*ALPHABET, *(a + b for a, b in MERGES[:merges])}
    return [id for id, token in enumerate(vocabulary.tokens) if token in names]


@pytest.fixture
def make(tmp_path: Path) -> Make:
    def make(vocabulary: ByteLevelVocabulary) -> BundleTokenizer:
        path = tmp_path / "tokenizer.json"
        path.write_text(vocabulary.to_json(), encoding="utf-8")
        return BundleTokenizer(path)

    return make


@pytest.mark.parametrize("pre", PRE_TOKENIZERS)
@pytest.mark.parametrize("merges", [0, 5, len(MERGES)])
def test_every_text_comes_back_exactly(pre: str, merges: int, make: Make) -> None:
    whole = tiny(pre)
    reduced = whole.reduced(kept(whole, merges=merges), CONTROL_TOKENS)
    tokenizers = [make(whole.with_all_bytes()), make(reduced)]

    @settings(max_examples=60, suppress_health_check=list(HealthCheck))
    @given(TEXTS)
    def comes_back(text: str) -> None:
        for tokenizer in tokenizers:
            ids = tokenizer.encode(text)
            assert tokenizer.decode(ids) == text
            assert all(0 <= id < tokenizer.vocab_size for id in ids)

    comes_back()


def test_ids_are_kept_tokens_then_missing_bytes_then_control_tokens(make: Make) -> None:
    whole = tiny()
    ids = kept(whole, merges=4)
    reduced = whole.reduced(ids, CONTROL_TOKENS)
    assert reduced.tokens[: len(ids)] == tuple(whole.tokens[id] for id in ids)
    rest = reduced.tokens[len(ids) :]
    missing = sorted(set(ALPHABET) - set(whole.tokens))
    assert rest == (*missing, *CONTROL_TOKENS)
    tokenizer = make(reduced)
    assert tokenizer.control("<|end|>") == reduced.tokens.index("<|end|>")
    assert tokenizer.control("<|end|>") not in tokenizer.encode("a<|end|>b")  # typed, it is text
    assert tokenizer.token_bytes(reduced.tokens.index(missing[0])) in (b"\x04", b"\xc0", b"\xf1")
    assert len(tokenizer.encode("int")) == 1
    assert len(tokenizer.encode("import")) == 6  # its merges were not kept


def test_the_same_json_each_time() -> None:
    whole = tiny()
    texts = {whole.reduced(kept(whole, merges=6), CONTROL_TOKENS).to_json() for _ in range(3)}
    assert len(texts) == 1


def test_a_word_is_kept_only_with_its_parts() -> None:
    whole = tiny()
    ids = kept(whole, merges=len(MERGES))
    without = [id for id in ids if whole.tokens[id] != "imp"]
    with pytest.raises(BundleError, match="impo"):
        whole.reduced(without)


@pytest.mark.parametrize("ids", [[3, 2], [5, 5], [-1, 2], [0, 10**6]])
def test_ids_that_are_none_of_the_base_s_are_refused(ids: list[int]) -> None:
    with pytest.raises(BundleError, match="rising order"):
        tiny().reduced(ids)


@pytest.mark.parametrize(
    ("key", "value", "reason"),
    [
        ("tokenizer.ggml.model", "llama", "byte-level BPE"),
        ("tokenizer.ggml.tokens", None, "tokens"),
        ("tokenizer.ggml.tokens", ["a", 1], "tokens"),
        ("tokenizer.ggml.tokens", ["a", "a"], "twice"),
        ("tokenizer.ggml.merges", ["a b c"], "merge"),
        ("tokenizer.ggml.merges", ["a zzz"], "merge"),
        ("tokenizer.ggml.token_type", [1], "types"),
        ("tokenizer.ggml.pre", "unheard-of", "unheard-of"),
    ],
)
def test_fields_that_make_no_tokenizer_are_refused(key: str, value: object, reason: str) -> None:
    tokens, merges, types = vocabulary()
    fields: dict[str, object] = {
        "tokenizer.ggml.model": "gpt2",
        "tokenizer.ggml.tokens": tokens,
        "tokenizer.ggml.merges": merges if key != "tokenizer.ggml.tokens" else [],
        "tokenizer.ggml.token_type": types if key != "tokenizer.ggml.tokens" else None,
        key: value,
    }
    with pytest.raises(BundleError, match=reason):
        ByteLevelVocabulary.from_metadata(fields)


@pytest.mark.parametrize(
    ("pre", "pieces"),
    [
        ("smollm", ["1", "2", "3", "4"]),
        ("gpt-2", ["12", "34"]),
        ("qwen2", ["1", "2", "3", "4"]),
        ("llama-bpe", ["12", "3", "4"]),
    ],
)
def test_digits_are_cut_as_the_maker_cut_them(pre: str, pieces: list[str], make: Make) -> None:
    """With a merge for every pair of digits, what is cut apart cannot come together."""
    digits = [a + b for a in "0123456789" for b in "0123456789"]
    merges = tuple((pair[0], pair[1]) for pair in digits)
    tokenizer = make(ByteLevelVocabulary((*ALPHABET, *digits), merges, pre))
    found = [tokenizer.decode([id]) for id in tokenizer.encode("x = 1234")]
    assert found == ["x", " ", "=", " ", *pieces]

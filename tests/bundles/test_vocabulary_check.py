"""Which tokenizers are refused before the library reads them."""

from __future__ import annotations

import json
from typing import Any

import pytest

from nextedit_jupyter.bundles.vocabulary_check import MAX_ID, check_expression, check_tokenizer
from nextedit_jupyter.core.errors import BundleError

# Of GPT-2, Qwen 2, Llama 3, StarCoder, DeepSeek, o200k, Gemma and SmolLM.
IN_USE = [
    r"\n+|^[ \t]+|[ .]?[\p{L}_][\p{L}\p{M}_]*| ?\p{N}| ?(?:\.(?![\p{L}_])|[^\s\p{L}\p{N}_.])+"
    r"|[^\S\n]+(?=\n|$)|[^\S\n]+(?=[^\S\n])|[^\S\n]|.",
    r"(?:a|b|[^ab])+c",
    r"'s|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+",
    r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}| ?[^\s\p{L}\p{N}]+[\r\n]*"
    r"|\s*[\r\n]+|\s+(?!\S)|\s+",
    r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n]*"
    r"|\s*[\r\n]+|\s+(?!\S)|\s+",
    r"[\r\n]",
    r"\s?\p{L}+",
    r"\s?\p{P}+",
    r"[一-龥ࠀ-一가-퟿]+",
    r"\s?[A-Za-zµÀ-ÖØ-öø-ƺƼ-ƿǄ-ʓʕ-ʯͰ-ͳ]+",
    r"[^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]*[\p{Ll}\p{Lm}\p{Lo}\p{M}]+(?i:'s|'t|'re|'ve"
    r"|'m|'ll|'d)?|[^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]+[\p{Ll}\p{Lm}\p{Lo}\p{M}]*"
    r"(?i:'s|'t|'re|'ve|'m|'ll|'d)?|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n/]*|\s*[\r\n]+|\s+(?!\S)|\s+",
    r" {2,}",
    r"\d",
    r"[0-9][0-9][0-9]",
    r"[^\s]+|\s+[^\S]?",
    r"\p{N}{1,3}(?=\D)",
]
ENDLESS = [
    r"(a+)+b",
    r"(a*)*b",
    r"(?:\.|[^a])+b",
    r"(?:a|.)+b",
    r"(?:[ab]|b)+c",
    r"(?:a|[^a]?)+c",
    r"(?:\w|\d)+c",
    r"(?:a+)*b",
    r"((a|b)+)+c",
    r"(a|aa)+b",
    r"(a|a)*b",
    r"(?i:a|ab|b)+c",
    r"([a-z]+\s?)+x",
    r"(\p{L}+){2,}x",
    r"(?:\p{L}*){50}x",
    r"(?=(a+)+b)a",
    r"\s*\s*\s*\s*x",
    r"a*a*a*b",
    r"a{0,500}a{0,500}a{0,500}b",
    r"(a+)\1+",
    r"(?<name>a+)\k<name>",
    r"\g<0>a",
    r"(?(1)a|b)",
    r"(a++)++b",
    r"(.*a){20}",
    r"((((a?)+)+)+)b",
    r"a**",
    r"(a",
    r"a)",
    r"[a",
    "a\\",
    "(" * 100 + ")" * 100,
    "a" * 10_000,
]


@pytest.mark.parametrize("expression", IN_USE)
def test_expressions_in_use_pass(expression: str) -> None:
    check_expression(expression)


@pytest.mark.parametrize("expression", ENDLESS, ids=lambda text: text[:20])
def test_an_expression_that_may_not_end_is_refused(expression: str) -> None:
    with pytest.raises(BundleError, match="expression"):
        check_expression(expression)


def tokenizer(**changes: Any) -> bytes:
    value = {
        "added_tokens": [{"id": 3, "content": "<|end|>", "special": True}],
        "normalizer": None,
        "pre_tokenizer": {"type": "ByteLevel", "add_prefix_space": False},
        "decoder": {"type": "ByteLevel"},
        "model": {"type": "BPE", "vocab": {"a": 0, "b": 1, "ab": 2}, "merges": ["a b"]},
    }
    return json.dumps({**value, **changes}).encode()


def test_a_plain_tokenizer_passes() -> None:
    check_tokenizer(tokenizer())


@pytest.mark.parametrize(
    "id", [2_000_000_000, MAX_ID + 1, -1, 2**64, 10**400, True, 1.5, "1", None, [], {}]
)
def test_an_id_that_is_none_is_refused_wherever_it_stands(id: object) -> None:
    vocabulary = {"type": "BPE", "vocab": {"a": 0, "b": id}, "merges": []}
    for changes in ({"model": vocabulary}, {"added_tokens": [{"id": id, "content": "x"}]}):
        with pytest.raises(BundleError, match=r"tokenizer\.json is refused: it gives"):
            check_tokenizer(tokenizer(**changes))


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"[]",
        b"[" * 100_000,
        b"\xff",
        tokenizer(model=3),
        tokenizer(model={"vocab": 3}),
        tokenizer(added_tokens={"a": 1}),
        tokenizer(added_tokens=[3]),
        tokenizer(normalizer={"type": "Precompiled", "precompiled_charsmap": ""}),
        tokenizer(
            normalizer={"type": "Replace", "pattern": {"String": "a"}, "content": "a" * 1_000}
        ),
        tokenizer(
            normalizer={
                "type": "Sequence",
                "normalizers": 30
                * [{"type": "Replace", "pattern": {"String": "a"}, "content": "aa"}],
            }
        ),
        tokenizer(
            pre_tokenizer={
                "type": "Sequence",
                "pretokenizers": [{"type": "Split", "pattern": {"Regex": "(a+)+b"}}],
            }
        ),
    ],
    ids=range(12),
)
def test_what_would_hurt_is_refused(data: bytes) -> None:
    with pytest.raises(BundleError, match=r"tokenizer\.json is refused"):
        check_tokenizer(data)

"""Vocabularies of byte-level BPE: a model's own, reduced ones, and their tokenizer.json.

Byte-level BPE writes each byte as one printable character (GPT-2's table), cuts a text by its
pre-tokenizer and merges pairs by rank. A vocabulary with all 256 characters encodes and decodes
every text exactly; missing ones are added here.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

from nextedit_jupyter.core.errors import BundleError

# How Qwen and Llama 3 split texts; `%s` is the number of digits in a piece.
_TIKTOKEN = (
    r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}%s| ?[^\s\p{L}\p{N}]+[\r\n]*"
    r"|\s*[\r\n]+|\s+(?!\S)|\s+"
)
PRE_TOKENIZERS = ("gpt-2", "smollm", "qwen2", "llama-bpe")
_ALIASES = {"llama3": "llama-bpe", "llama-v3": "llama-bpe", "default": "gpt-2"}
NORMAL, CONTROL, USER_DEFINED = 1, 3, 4  # the supported token types of GGUF; 5 is unused


def _alphabet() -> tuple[str, ...]:
    """The character of each byte."""
    printable = {*range(33, 127), *range(161, 173), *range(174, 256)}
    others = iter(range(256, 512))
    return tuple(chr(byte if byte in printable else next(others)) for byte in range(256))


ALPHABET = _alphabet()


@dataclass(frozen=True, slots=True)
class ByteLevelVocabulary:
    """Tokens by id, merges by rank, and how texts are split; `special` are ids of control tokens,
    `added` those of plain texts that are one token each."""

    tokens: tuple[str, ...]
    merges: tuple[tuple[str, str], ...]
    pre: str
    special: frozenset[int] = frozenset()
    added: frozenset[int] = frozenset()

    def __post_init__(self) -> None:
        if self.pre not in PRE_TOKENIZERS:
            raise BundleError(
                f"the tokenizer splits texts by {self.pre[:60]!r}, which is not known "
                f"({', '.join(PRE_TOKENIZERS)} are)"
            )
        if len(set(self.tokens)) != len(self.tokens):
            raise BundleError("the vocabulary has a token twice")

    @classmethod
    def from_metadata(cls, metadata: Mapping[str, Any]) -> ByteLevelVocabulary:
        """The tokenizer of a GGUF file, from its own fields. Raises BundleError."""
        model = metadata.get("tokenizer.ggml.model")
        if model != "gpt2":
            raise BundleError(
                f"its tokenizer is of the kind {str(model)[:40]!r}; byte-level BPE ('gpt2') can be "
                "imported. Import the checkpoint's folder instead"
            )
        tokens = _strings(metadata, "tokenizer.ggml.tokens")
        pairs = [tuple(merge.split(" ")) for merge in _strings(metadata, "tokenizer.ggml.merges")]
        types = metadata.get("tokenizer.ggml.token_type") or [NORMAL] * len(tokens)
        if not isinstance(types, list) or len(types) != len(tokens):
            raise BundleError("the tokenizer's types are not as many as its tokens")
        known = set(tokens)
        merges = []
        for pair in pairs:
            if len(pair) != 2 or not known.issuperset((*pair, "".join(pair))):
                raise BundleError("the tokenizer has a merge of tokens that it lacks")
            merges.append((pair[0], pair[1]))
        pre = str(metadata.get("tokenizer.ggml.pre", "default"))
        return cls(
            tokens,
            tuple(merges),
            _ALIASES.get(pre, pre),
            frozenset(id for id, type in enumerate(types) if type == CONTROL),
            frozenset(id for id, type in enumerate(types) if type == USER_DEFINED),
        )

    @property
    def missing_bytes(self) -> tuple[str, ...]:
        """The characters of bytes without a token, in order."""
        return tuple(sorted(set(ALPHABET).difference(self.tokens)))

    def with_all_bytes(self) -> ByteLevelVocabulary:
        """The same vocabulary with the missing bytes appended, so that every text is decoded
        exactly."""
        tokens = (*self.tokens, *self.missing_bytes)
        return ByteLevelVocabulary(tokens, self.merges, self.pre, self.special, self.added)

    def reduced(self, kept: Sequence[int], control: Sequence[str] = ()) -> ByteLevelVocabulary:
        """The vocabulary reduced to the tokens `kept`, ids in ascending order.

        New ids: the kept tokens in that order, then missing bytes, then the `control` tokens. A
        merge is kept if both parts and the result are. Raises BundleError for unknown ids, or kept
        tokens that cannot be built by merges of kept ones.
        """
        if any(b <= a for a, b in pairwise(kept)) or (
            kept and not 0 <= kept[0] <= kept[-1] < len(self.tokens)
        ):
            raise BundleError("the tokens to keep are not ids of the base in rising order")
        names = [self.tokens[id] for id in kept]
        left = set(names)
        merges = tuple(m for m in self.merges if left.issuperset((*m, m[0] + m[1])))
        special = frozenset(new for new, id in enumerate(kept) if id in self.special)
        added = frozenset(new for new, id in enumerate(kept) if id in self.added)
        # A base may have tokens that no merge produces; all others need their parts.
        lost = {a + b for a, b in self.merges}.difference(a + b for a, b in merges)
        if orphans := [name for name in names if name in lost]:
            raise BundleError(f"the vocabulary keeps {orphans[0]!r} without its parts")
        whole = ByteLevelVocabulary(tuple(names), merges, self.pre, special, added).with_all_bytes()
        if not left.isdisjoint(control):
            raise BundleError("the vocabulary keeps a token that is a control token as well")
        ids = range(len(whole.tokens), len(whole.tokens) + len(control))
        tokens = (*whole.tokens, *control)
        return ByteLevelVocabulary(tokens, merges, self.pre, special | frozenset(ids), added)

    def to_json(self) -> str:
        """Its `tokenizer.json`, deterministic."""
        marked = self.special | self.added
        model = {
            "type": "BPE",
            "dropout": None,
            "unk_token": None,
            "continuing_subword_prefix": None,
            "end_of_word_suffix": None,
            "fuse_unk": False,
            "byte_fallback": False,
            "ignore_merges": self.pre == "llama-bpe",
            "vocab": {token: id for id, token in enumerate(self.tokens)},
            "merges": self.merges,
        }
        added = [
            {
                "id": id,
                "content": self.tokens[id],
                "single_word": False,
                "lstrip": False,
                "rstrip": False,
                "normalized": False,
                "special": id in self.special,
            }
            for id in sorted(marked)
        ]
        whole = {
            "version": "1.0",
            "truncation": None,
            "padding": None,
            "added_tokens": added,
            "normalizer": None,
            "pre_tokenizer": _pre_tokenizer(self.pre),
            "post_processor": None,
            "decoder": _byte_level(use_regex=True),
            "model": model,
        }
        return json.dumps(whole, ensure_ascii=False, indent=1)


def _pre_tokenizer(pre: str) -> dict[str, Any]:
    if pre == "gpt-2":
        return _byte_level(use_regex=True)
    first: dict[str, Any]
    if pre == "smollm":
        first = {"type": "Digits", "individual_digits": True}
        return {"type": "Sequence", "pretokenizers": [first, _byte_level(use_regex=True)]}
    digits = "{1,3}" if pre == "llama-bpe" else ""
    pattern = {"Regex": _TIKTOKEN % digits}
    first = {"type": "Split", "pattern": pattern, "behavior": "Isolated", "invert": False}
    return {"type": "Sequence", "pretokenizers": [first, _byte_level(use_regex=False)]}


def _byte_level(*, use_regex: bool) -> dict[str, Any]:
    return {
        "type": "ByteLevel",
        "add_prefix_space": False,
        "trim_offsets": True,
        "use_regex": use_regex,
    }


def _strings(metadata: Mapping[str, Any], key: str) -> tuple[str, ...]:
    values = metadata.get(key)
    if not isinstance(values, list) or not all(isinstance(value, str) for value in values):
        raise BundleError(f"the file has no {key}: its tokenizer cannot be made")
    return tuple(values)

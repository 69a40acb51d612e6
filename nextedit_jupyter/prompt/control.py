"""The control tokens that every bundle's vocabulary begins with, in this order.

The order is part of the tokenizer's identity: new tokens take a reserved id, and none moves.
"""

from __future__ import annotations

PAD = "<|pad|>"
BOS = "<|bos|>"
END = "<|end|>"
NAMES = "<|names|>"
CELL = "<|cell|>"
OLD = "<|old|>"
NEW = "<|new|>"
SUFFIX = "<|suffix|>"
PREFIX = "<|prefix|>"
EDIT = "<|edit|>"
CURSOR = "<|cursor|>"
HISTORY = "<|history|>"
ERROR = "<|error|>"
LANGUAGE = "<|language|>"
RESERVED = tuple(f"<|reserved{i}|>" for i in range(10))

CONTROL_TOKENS: tuple[str, ...] = (
    PAD, BOS, END, NAMES, CELL, OLD, NEW, SUFFIX, PREFIX, EDIT, CURSOR, HISTORY, ERROR, LANGUAGE,
    *RESERVED,
)  # fmt: skip

"""Which characters make up words, for code that reads texts character by character."""

from __future__ import annotations


def is_word_character(char: str) -> bool:
    """Whether it belongs to a word; False for an empty text."""
    return char == "_" or char.isalnum()


def word_start(text: str, end: int) -> int:
    """Where the word begins that ends at `end`; `end` itself if there is none."""
    while end and is_word_character(text[end - 1]):
        end -= 1
    return end

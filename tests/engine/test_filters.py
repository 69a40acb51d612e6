"""Characters that a suggestion may not hold."""

from __future__ import annotations

import unicodedata

import pytest

from nextedit_jupyter.engine import hidden_characters, is_clean


@pytest.mark.parametrize(
    "text",
    [
        "\x1b[31mred",
        "\x1b]52;c;aGVsbG8=\x07",
        "\x9b31m",
        "\x9d52;c;aGVsbG8=\x9c",
        "a\x00b",
        "a\x08b",
        "a\x7fb",
        "a\rb",
        "x = 1 \u202e# ",
        "\u2066if\u2069",
        "\u200fabc",
        "na\u200bme",
        "na\u200dme",
        "\ufeffx",
        "na\u2060me",
        "na\xadme",
        "\U000e0041\U000e0042",
        "a\U000e0100",
        "\u2028x = 1",
        "\u3164 = 1",
        chr(0xD800),
        "\ufffd",
        "\ue000",
    ],
)
def test_characters_that_act_hide_or_reorder_are_refused(text: str) -> None:
    assert not is_clean(text)
    assert hidden_characters(text)


@pytest.mark.parametrize(
    "text", ["", "x = 1\n\ty = 2\n", "größe = 'é'", "# 日本語 😀", "e\u0301 ❤\ufe0f", "α → β\u00a0"]
)
def test_ordinary_text_in_any_language_passes(text: str) -> None:
    assert is_clean(text)


def test_what_the_user_wrote_may_be_repeated() -> None:
    assert is_clean("a\r\nb", "x\r\ny")
    assert not is_clean("a\u200bb", "x\r\ny")


def test_every_format_and_control_character_is_refused() -> None:
    known = {"Cc", "Cf", "Cs", "Zl", "Zp", "Co"}
    visible = {"\u0600", "\u0601", "\u0602", "\u0603", "\u0604", "\u0605", "\u06dd", "\u070f"}
    visible |= {"\u0890", "\u0891", "\u08e2", "\U000110bd", "\U000110cd"}  # number and verse signs
    missed = [
        char
        for char in map(chr, range(0x110000))
        if unicodedata.category(char) in known
        and char not in "\n\t"
        and char not in visible
        and not 0x13430 <= ord(char) <= 0x1343F  # joiners of hieroglyphs
        and is_clean(char)
    ]
    assert not missed

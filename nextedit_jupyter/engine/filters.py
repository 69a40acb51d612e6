"""Characters that a model must not add to a notebook: they control a terminal, hide or reorder
text.

What is refused: C0 and C1 control characters but newline and tab (so ESC, OSC and every other
escape sequence), bidirectional controls, zero-width and invisible characters, tag characters and
the variation selectors that can smuggle bytes, unusual line separators, lone surrogates, private
use, and U+FFFD, which replaces bytes that were not text.
"""

from __future__ import annotations

import re

_REFUSED = re.compile(
    "["
    "\x00-\x08\x0b-\x1f\x7f-\x9f"  # C0 but tab and newline, DEL, C1
    "\xad"  # soft hyphen
    "\u034f\u061c\u115f\u1160\u17b4\u17b5\u180b-\u180f"  # joiners, marks, fillers
    "\u200b-\u200f\u2028-\u202e\u2060-\u206f"  # zero width, separators, bidirectional
    "\u3164\ufeff\uffa0\ufff0-\uffff"  # fillers, byte order mark, specials
    "\ud800-\udfff\ue000-\uf8ff"  # surrogates, private use
    "\U0001bca0-\U0001bca3\U0001d173-\U0001d17a"  # shorthand and musical format controls
    "\U000e0000-\U0010ffff"  # tags, variation selectors 17 to 256, private planes
    "]"
)


def hidden_characters(text: str, known: str = "") -> frozenset[str]:
    """The refused characters of `text` that are not already in `known`, the user's own text.

    A carriage return is allowed if `known` has one: some cells have CRLF line endings.
    """
    found = frozenset(_REFUSED.findall(text))
    return frozenset(char for char in found if char not in known) if found else found


def is_clean(text: str, known: str = "") -> bool:
    """Whether a model's text may be shown, printed to a terminal and inserted into `known`."""
    return not hidden_characters(text, known)

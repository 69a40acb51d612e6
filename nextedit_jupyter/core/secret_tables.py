"""Secrets in tables, below a heading or first row that names them: for `redact`.

The page's port is `labextension/src/secretTables.ts`.
"""

from __future__ import annotations

from nextedit_jupyter.core import secret_rules as rules
from nextedit_jupyter.core.secret_names import LONG_QUOTES, Finding, strength_of
from nextedit_jupyter.core.secret_rules import expression
from nextedit_jupyter.core.secret_values import (
    Strength,
    is_mixed,
    is_secret_value,
    is_varied,
    looks_random,
)

_MAX_ROWS = 100
_MAX_LINE = 1_000  # characters of a row of a table
_BLANKS = " \t\r"


def find_in_table(text: str) -> Finding | None:
    """A value of a Markdown table, below a heading that names a secret."""
    if "|" not in text or "--" not in text:
        return None
    lines = text.split("\n")
    at = 0
    for n, line in enumerate(lines):
        below = lines[n + 1] if n + 1 < len(lines) else ""
        if "|" in line and expression("table_rule").match(below.rstrip("\r")):
            strengths = [strength_of(cell) for cell in line[:_MAX_LINE].split("|")]
            start = at + len(line) + 1 + len(below) + 1
            for row in lines[n + 2 : n + 2 + _MAX_ROWS]:
                if "|" not in row:
                    break
                if (found := _in_row(row, start, strengths)) is not None:
                    return found
                start += len(row) + 1
        at += len(line) + 1
    return None


def find_in_rows(text: str, folded: str) -> Finding | None:
    """A value in comma-separated rows, below a first row that names a secret."""
    if not any(word in folded for word in rules.KEY_WORDS):
        return None
    at = left = 0
    comma, strengths = "", list[Strength | None]()
    for line in text.split("\n"):
        row = line[:_MAX_LINE]
        begins = max(row.rfind(mark) for mark in LONG_QUOTES) + 3
        row = row[begins:] if begins > 2 and row[begins:].strip(_BLANKS) else row
        if left > 0 and row.count(comma) == len(strengths) - 1:
            start = at + line.find(row)
            if (found := _in_row(row, start, strengths, comma)) is not None:
                return found
            left -= 1
        else:
            left = 0
        heads = next((mark for mark in ",;\t" if mark in row), "") if left == 0 else ""
        names = row.rstrip(_BLANKS).split(heads) if heads else []
        if names and all(map(expression("column").match, names)):
            comma, strengths = heads, [strength_of(name) for name in names]
            left = _MAX_ROWS if any(strengths) else 0
        at += len(line) + 1
    return None


def _in_row(row: str, at: int, strengths: list[Strength | None], mark: str = "|") -> Finding | None:
    for cell, strength in zip(row[:_MAX_LINE].split(mark), strengths):
        value = cell.strip(" \t\r`*\"'")
        if (
            strength in ("password", "key")
            and (is_varied(value) or is_mixed(value) or looks_random(value))
            and is_secret_value(value, strength)
        ):
            start = at + cell.find(value)
            return Finding("value of what is named like a secret", start, start + len(value))
        at += len(cell) + 1
    return None

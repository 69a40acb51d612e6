"""Names that a cell visibly binds although it does not parse, line by line.

The grammar's error recovery drops the statement around an error, such as `total = sum(xs`. Its
names still count as known and as defined, but places are taken only from cells that parse.
"""

from __future__ import annotations

import re

# Each alternative matches from the beginning of a line, and not beyond that line.
_LINE = re.compile(
    r"^([ \t]*)(?:"
    r"(?P<block>(?:async[ \t]+)?def|class)[ \t]+(?P<defined>[^\W\d]\w*)"
    r"|(?:async[ \t]+)?for[ \t]+(?P<loop>[^:=\n]{1,200}?)[ \t]+in\b"
    r"|from[ \t]+[\w.]+[ \t]+import[ \t]+\(?(?P<members>[^)\n#]{1,1000})"
    r"|import[ \t]+(?P<modules>[^\n#]{1,500})"
    r"|(?:async[ \t]+)?with[ \t][^\n]{0,500}?[ \t]as[ \t]+(?P<context>[^\W\d]\w*)"
    r"|(?P<targets>[(\[]?\*?[^\W\d]\w*(?:[ \t]*,[ \t]*\*?[^\W\d]\w*){0,20}[)\],]?)"
    r"[ \t]*(?::[ \t]*[^=\n]{1,200})?=(?!=)(?![^\n]*,[ \t]*$)"  # otherwise an argument
    r"|(?P<other>[^\s#]))",
    re.M,
)
_NAME = re.compile(r"[^\W\d]\w*")
_ALIASED = re.compile(r"[ \t]as[ \t]+([^\W\d]\w*)")


def visibly_bound(text: str) -> set[str]:
    """The names that lines of `text` bind outside functions and classes."""
    found: set[str] = set()
    inside: int | None = None  # the indentation of the enclosing function or class
    for line in _LINE.finditer(text):
        indent = len(line[1].expandtabs())
        if inside is not None and indent > inside:
            continue
        inside = indent if line["block"] else None
        found |= _bound_by(line)
    return found


def _bound_by(line: re.Match[str]) -> set[str]:
    if line["defined"] or line["context"]:
        return {line["defined"] or line["context"]}
    if line["members"] or line["modules"]:
        return {
            alias[1] if (alias := _ALIASED.search(part)) else part.strip().partition(".")[0]
            for part in (line["members"] or line["modules"]).split(",")
            if _NAME.match(part.strip())
        }
    return set(_NAME.findall(line["loop"] or line["targets"] or ""))

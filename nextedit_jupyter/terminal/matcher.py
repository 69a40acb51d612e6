"""Completions from what the kernel knows: columns, keys, attributes, keyword arguments.

They are ranked: what the model expects at the caret comes first, then what the notebook used last.
IPython lists Jedi's completions before them, unless ours suppress the rest. Everything was
collected earlier, and the model's expectation is the ghost text already shown; no worker is asked,
nothing waits.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any

from nextedit_jupyter.core.facts import KernelFacts, NamedObject

_STRING = re.compile(r"(?P<quote>[\"'])(?P<prefix>[^\"'\\\n]*)$")
_SUBSCRIPT = re.compile(r"(?<![\w.])(?P<name>[^\W\d]\w*)(?:\.i?loc\[[^\]\n]*,)?\s*\[*\s*$")
_OPEN_LIST = re.compile(r"\[(?:\s*[\"'][^\"'\n]*[\"']\s*,)*\s*$")
_METHOD = re.compile(r"(?<![\w.])(?P<name>[^\W\d]\w*)\.(?P<method>[^\W\d]\w*)\($")
_ATTRIBUTE = re.compile(r"(?<![\w.\"')\]])(?P<name>[^\W\d]\w*)\.(?P<prefix>\w*)$")
_WORD = re.compile(r"(?P<prefix>[^\W\d]\w*|)$")
_CALL = re.compile(r"(?<![\w.])(?P<name>[^\W\d]\w*)\($")
_LIMIT = 100
_MAX_DRAWN = 5
_LONGEST_LINE = 2_000  # characters; a longer one would be slow to match
_CUT = 200  # facts have at most this many labels of an object: then some may be missing


@dataclass(frozen=True, slots=True)
class Found:
    """Candidates that begin with `prefix`, the text before the caret; best first.

    `is_all`: nothing else is possible there, so that IPython's own list, in alphabetical order,
    would hide or repeat ours.
    """

    prefix: str
    texts: tuple[str, ...]
    type: str
    is_all: bool = False


def find(
    before: str, facts: KernelFacts, recent: Sequence[str] = (), expected: str = ""
) -> Found | None:
    """What may follow `before` (the line up to the caret), or None if facts say nothing.

    `recent` are identifiers and column names in the order in which they were last used; `expected`
    is the model's continuation: the candidate that it writes comes first.
    """
    found = _find(before, facts, recent) if len(before) <= _LONGEST_LINE else None
    if found is None or not expected:
        return found
    coming = found.prefix + expected
    best = max((text for text in found.texts if coming.startswith(text)), key=len, default=None)
    if best is None:
        return found
    return replace(found, texts=(best, *(text for text in found.texts if text != best)))


def _find(before: str, facts: KernelFacts, recent: Sequence[str]) -> Found | None:
    if facts.figures or facts.tables:
        from nextedit_jupyter.core.plot_calls import completions

        drawn = completions(before, facts, before)
        if drawn is not None:
            return Found(drawn.prefix, drawn.texts[:_MAX_DRAWN], "value", is_all=True)
    if (text := _STRING.search(before)) is not None and _is_open(before[: text.start()]):
        names, is_all = _labels(before[: text.start()], facts)
        found = _ranked(text["prefix"], names, recent, "column")
        return replace(found, is_all=is_all) if found is not None else None
    attribute = _ATTRIBUTE.search(before)
    if attribute is not None:
        known = facts.named(attribute["name"])
        members = known.members if known is not None else ()
        return _ranked(attribute["prefix"], members, recent, "attribute")
    word = _WORD.search(before)
    prefix = word["prefix"] if word is not None else ""
    called = _open_call(before[: len(before) - len(prefix)], facts)
    if called is not None:
        given = set(re.findall(r"(\w+)\s*=(?!=)", before))
        names = [name for name in called.keywords if name not in given]
        found = _ranked(prefix, names, recent, "param")
        if found is not None:
            return Found(prefix, tuple(f"{text}=" for text in found.texts), "param")
    return None


def _is_open(before: str) -> bool:
    """Whether a quote after this opens a string rather than closes one."""
    return before.count('"') % 2 == 0 and before.count("'") % 2 == 0


def _labels(before: str, facts: KernelFacts) -> tuple[Sequence[str], bool]:
    """Possible columns or keys for a string: in `df["`, `df[["a", "`, `df.loc[:, "`, `df.sort("`.

    Also returns whether nothing else is possible.
    """
    opened = _OPEN_LIST.sub("[", before)
    subscript = _SUBSCRIPT.search(opened)
    if subscript is not None and opened.rstrip().endswith(("[", ",")):
        known = facts.named(subscript["name"])
        labels = known.subscripts if known is not None else ()
        return labels, len(labels) < _CUT
    call = _enclosing_call(opened)
    method = _METHOD.search(opened[: call + 1]) if call is not None else None
    if method is not None:
        known = facts.named(method["name"])
        if known is not None and known.type.startswith("pandas."):
            return known.subscripts, False
    return (), False


def _open_call(before: str, facts: KernelFacts) -> NamedObject | None:
    """The known callable whose parenthesis is open, where a new argument may begin."""
    at = _enclosing_call(before)
    if at is None or before.rstrip()[-1:] not in ("(", ","):
        return None
    call = _CALL.search(before[: at + 1])
    return facts.named(call["name"]) if call is not None else None


def _enclosing_call(before: str) -> int | None:
    """The position of the innermost open parenthesis; brackets inside strings count as text."""
    quote = ""
    opened: list[int] = []
    for i, char in enumerate(before):
        if quote:
            quote = "" if char == quote else quote
        elif char in "\"'":
            quote = char
        elif char in "([{":
            opened.append(i)
        elif char in ")]}" and opened:
            opened.pop()
    while opened and before[opened[-1]] != "(":
        opened.pop()
    return opened[-1] if opened else None


def _ranked(prefix: str, names: Sequence[str], recent: Sequence[str], type: str) -> Found | None:
    matching = [name for name in names if name.startswith(prefix) and name != prefix]
    if not matching:
        return None
    rank = {name: i for i, name in enumerate(recent)}
    matching.sort(key=lambda name: rank.get(name, len(rank)))
    return Found(prefix, tuple(matching[:_LIMIT]), type)


def make_matcher(
    facts: Callable[[], KernelFacts],
    recent: Callable[[], Sequence[str]],
    expected: Callable[[str], str] = lambda before: "",
) -> Any:
    """A matcher of IPython's second API version; the arguments must return at once.

    `expected` takes the text up to the caret.
    """
    from IPython.core.completer import SimpleCompletion, context_matcher

    @context_matcher(identifier="nextedit.facts", priority=50)  # type: ignore[untyped-decorator]
    def match_facts(context: Any) -> dict[str, Any]:
        try:
            lines = context.full_text.split("\n")[: context.cursor_line]
            coming = expected("\n".join((*lines, context.text_until_cursor)))
            found = find(context.text_until_cursor, facts(), recent(), coming)
        except Exception:  # IPython would print a traceback into the prompt
            found = None
        if found is None:
            return {"completions": [], "suppress": False}
        return {
            "completions": [SimpleCompletion(text, type=found.type) for text in found.texts],
            "matched_fragment": found.prefix,
            "suppress": found.is_all,
            "ordered": True,
        }

    return match_facts

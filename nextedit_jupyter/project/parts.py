"""Cells of a Python file that are left out or locked, by the lines that begin them.

The page splits files into cells (`labextension/src/percent.ts`); here it only matters which text
must not be read or changed. A line that looks like a cell marker counts as one, even in a string.
"""

from __future__ import annotations

import re

from nextedit_jupyter.core.tags import OFF_TAG

_MARKER = re.compile(
    r"^#[ \t]*(?:%%+(?=[ \t\[]|$)(?P<head>.*)|In[ \t]?\[[\d ]*\]:?[ \t]*)$", re.MULTILINE
)
_TAGS = re.compile(r"\btags[ \t]*=[ \t]*\[([^\]]*)\]")
_OFF = re.compile(rf"[\"']{re.escape(OFF_TAG)}[\"']")
_LOCKED = re.compile(r"\beditable[ \t]*=[ \t]*[Ff]alse\b")


def without_off(text: str) -> str:
    """A file's text without the cells that are switched off."""
    starts = list(_MARKER.finditer(text))
    if not any(_is_off(one["head"] or "") for one in starts):
        return text
    kept = [text[: starts[0].start()]]
    ends = [one.start() for one in starts[1:]] + [len(text)]
    for one, end in zip(starts, ends, strict=True):
        if not _is_off(one["head"] or ""):
            kept.append(text[one.start() : end])
    return "".join(kept)


def is_guarded(text: str) -> bool:
    """Whether a cell of a file is switched off or locked."""
    heads = (one["head"] or "" for one in _MARKER.finditer(text))
    return any(_is_off(head) or _LOCKED.search(head) for head in heads)


def _is_off(head: str) -> bool:
    return any(_OFF.search(tags[1]) for tags in _TAGS.finditer(head))

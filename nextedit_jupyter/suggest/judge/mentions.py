"""Words of texts and of other languages: what bindings say of a renamed name does not reach them.

A string or a comment may name what was renamed, and may mean something else by the same word. How
sure the judge has to be is what was right of owners whose commits the trees had not seen.
"""

from __future__ import annotations

import re
from bisect import bisect_right
from typing import Literal

from nextedit_jupyter.analysis.index import cell_index
from nextedit_jupyter.analysis.patterns.nodes import is_akin
from nextedit_jupyter.analysis.rename.elsewhere import is_relation
from nextedit_jupyter.core.cache import by_text
from nextedit_jupyter.suggest.judge.candidates import Candidate
from nextedit_jupyter.suggest.judge.consider import Considered
from nextedit_jupyter.suggest.judge.last_edits import TEXTS, LastChange, Site

Ruling = Literal["open", "text", "optional", "unread", "rebound", "local", "closed"]

# A word of prose: another word is before or behind it, after a blank.
_AFTER_A_WORD = re.compile(r"[^\W\d],? $")
_BEFORE_A_WORD = re.compile(r",? [^\W\d]")
_PLAIN = re.compile(r"[^\W\d_a-z]?[a-z]+")
_SPELT = re.compile(r"[_\d]|[a-z][A-Z]|[A-Z]{2}[a-z]")
# Mentions of a renamed variable in strings: all of seven such places followed, below it half. None
# of them was the whole string, which may be a label as well: `print("Node")`.
_SURE_OF_TEXT = 0.8
_SURE_OF_LABEL = 0.9


def of_mention(place: Candidate, considered: Considered) -> Ruling:
    """A string that names what was renamed in code; one string for another is another thing."""
    if place.start in _attribute_starts(considered.cells[place.cell].source):
        return "closed"  # in a quoted type, or as `getattr` takes it: an attribute of that name
    kind = considered.cells[place.cell].kinds[place.first]
    if kind == "comment" and _is_named_in_prose(place, considered):
        return "open"
    is_string = kind == "string"
    was_code = all(e.site.kind != "string" for e in place.change.examples)
    return "text" if is_string and was_code else "optional"


def _is_named_in_prose(place: Candidate, considered: Considered) -> bool:
    """Whether a comment names what no word of prose is spelt like, `DRTester` or `get_path`, and is
    no line of code: of seven such places six followed, of lines of code two of six.
    """
    source = considered.cells[place.cell].source
    comment = source[source.rfind("#", 0, place.start) : source.find("\n", place.start) + 1 or None]
    return bool(_SPELT.search(place.change.old[0])) and cell_index(comment.strip("# \n")).broken


def is_of_whole_strings(change: LastChange) -> bool:
    """Whether another word took the place of one that is a whole string each time: a value or a
    label, which prose does not name with the same word. A corrected word is corrected everywhere.
    """
    are_whole = all(
        e.site.kind == "string" and {*e.site.left[:1], *e.site.right[:1]} <= {"'", '"'}
        for e in change.examples
    )
    return are_whole and not is_akin(change.old[0], change.new)


def is_of_prose(change: LastChange) -> bool:
    """Whether an ordinary word of prose was replaced by another each time, and not corrected."""
    are_prose = all(e.site.kind in TEXTS and any(_neighbours(e.site)) for e in change.examples)
    is_plain = _PLAIN.fullmatch(change.old[0]) is not None
    return are_prose and is_plain and not is_akin(change.old[0], change.new)


def is_of_another_sentence(place: Candidate, considered: Considered) -> bool:
    """Whether none of the words beside a word of prose is beside it where it was changed."""
    if not is_in_prose(place, considered):
        return False
    before, after = _neighbours(Site.of(considered.cells[place.cell], place.first, place.last))
    examples = [_neighbours(example.site) for example in place.change.examples]
    return not any((before and before == b) or (after and after == a) for b, a in examples)


def _neighbours(site: Site) -> tuple[str, str]:
    """The words before and behind a word; "" where there is none."""
    before, after = "".join(site.left[:1]), "".join(site.right[:1])
    return before if before[:1].isalpha() else "", after if after[:1].isalpha() else ""


def is_in_prose(place: Candidate, considered: Considered) -> bool:
    """Whether a word of a text stands beside other words."""
    cell = considered.cells[place.cell]
    before, after = cell.source[: place.start][-3:], cell.source[place.end : place.end + 3]
    is_beside = _AFTER_A_WORD.search(before) or _BEFORE_A_WORD.match(after)
    return cell.kinds[place.first] in TEXTS and is_beside is not None


def sure_of_text(place: Candidate, considered: Considered) -> float:
    """How sure the judge has to be of a string that names what was renamed in code."""
    source = considered.cells[place.cell].source
    around = source[place.start - 1 : place.start] + source[place.end : place.end + 1]
    return _SURE_OF_LABEL if around in ("''", '""') else _SURE_OF_TEXT


def is_table(place: Candidate, considered: Considered) -> bool:
    """Whether a word of a text or of another language is named as a query names its tables."""
    cell = considered.cells[place.cell]
    is_text = cell.kinds[place.first] in TEXTS or is_of_another_language(place, considered)
    return is_text and is_relation(cell.source, place.start, place.end)


def is_of_another_language(place: Candidate, considered: Considered) -> bool:
    """Whether a word stands in what the shell or a magic reads."""
    starts, ends = _foreign_text(considered.cells[place.cell].source)
    n = bisect_right(starts, place.start) - 1
    return n >= 0 and place.start < ends[n]


@by_text(500_000)  # thousands of places may stand in one cell
def _foreign_text(source: str) -> tuple[list[int], list[int]]:
    """Where what is no Python begins and ends, in order."""
    regions = [r for r in cell_index(source).masked.regions if r.kind != "help"]
    regions.sort(key=lambda region: region.start)
    return [r.start for r in regions], [r.end for r in regions]


@by_text(500_000)
def _attribute_starts(source: str) -> frozenset[int]:
    return frozenset(attribute.start for attribute in cell_index(source).attributes)

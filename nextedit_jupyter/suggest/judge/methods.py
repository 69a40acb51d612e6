"""Methods that were chosen for one object, and calls of methods of that name on other objects.

A corrected name is corrected everywhere; a choice between two methods says nothing about other
objects. Which of the two it was is judged by the names, and by whether both are known to exist.
"""

from __future__ import annotations

import io
import re
from dataclasses import dataclass

from nextedit_jupyter.analysis.patterns.nodes import is_akin
from nextedit_jupyter.suggest.judge.candidates import Candidate
from nextedit_jupyter.suggest.judge.consider import Considered
from nextedit_jupyter.suggest.judge.last_edits import LastChange, Site
from nextedit_jupyter.suggest.judge.lexed import LexedCell

_PART = re.compile(r"[^\W_]+")
# A call, or an attribute of its result: the path to the callee, and its name.
_CALLED = re.compile(r"((?:[^\W\d]\w*\.)*)([^\W\d]\w*)\(")


@dataclass(frozen=True, slots=True)
class MethodChoice:
    """The objects whose method was chosen, all read from one variable; none if the change implies
    nothing about them. `is_between`: both methods seem to exist, and one was preferred.
    """

    objects: frozenset[str] = frozenset()
    is_between: bool = False


def choice_of(change: LastChange, considered: Considered) -> MethodChoice:
    """What a change of one method to another implies about objects.

    If the two methods' names have nothing in common, half of such calls were left alone on real
    commits, and all of them after edits made in one place only. Of calls whose method got a similar
    name, 96 of 99 followed; in none of these were letters only added, and in only one did the
    notebook already call the new method.
    """
    sites = [e.site for e in change.examples]
    objects = frozenset(s.object for s in sites)
    if "" in objects or len({s.root for s in sites}) != 1:
        return MethodChoice()
    if _is_between(change, objects, considered):
        return MethodChoice(objects, True)
    return MethodChoice(objects) if _is_part_chosen(change, objects) else MethodChoice()


def _is_between(change: LastChange, objects: frozenset[str], considered: Considered) -> bool:
    """Whether both methods seem to exist, and one was preferred."""
    old, new = change.old[0], change.new
    return (
        not is_akin(old, new)
        or not (_share_a_word(old, new) or _is_respelt(old, new))
        or _goes_on(old, new)
        or (_has_another_word(old, new) and not any("(" in object for object in objects))
        or (_is_builtin(old) and _is_builtin(new))
        or (new not in old and any(_calls(cell, new) for cell in _untouched(considered)))
    )


def _share_a_word(old: str, new: str) -> bool:
    """Whether the names have a word in common, or one contains the other: `iteritems`, `items`."""
    before, after = (_PART.findall(name.lower()) for name in (old, new))
    return bool(set(before) & set(after)) or old in new or new in old


def _is_respelt(old: str, new: str) -> bool:
    """Whether it is one word in two spellings: different case or underscores, or a typo.

    `mean` and `median`, `xlim` and `ylim` are just as similar, but different words.
    """
    short, long = sorted((old.lower().replace("_", ""), new.lower().replace("_", "")), key=len)
    head = next((i for i, (a, b) in enumerate(zip(short, long)) if a != b), len(short))
    if len(long) == len(short) + 1:
        return short[head:] == long[head + 1 :]
    swapped = short[:head] + short[head + 1 : head + 2] + short[head : head + 1] + short[head + 2 :]
    return long in (short, swapped)


def _goes_on(old: str, new: str) -> bool:
    """Whether letters were added to a word: `bar` to `barh`, `strip` to `rstrip`."""
    head, tail = new.removeprefix(old), new.removesuffix(old)
    added = head if head != new else tail if tail != new else ""
    return bool(added) and "_" not in (added[0], added[-1])


def _has_another_word(old: str, new: str) -> bool:
    """Whether a word was replaced next to one that stayed: `add_node` to `add_edge`."""
    before, after = set(_PART.findall(old.lower())), set(_PART.findall(new.lower()))
    gone, came = "".join(sorted(before - after)), "".join(sorted(after - before))
    if not gone or not came or not before & after:
        return False
    return not (gone in came or came in gone or _is_respelt(gone, came))


def _is_builtin(method: str) -> bool:
    """Whether one of Python's own types has it."""
    types = (str, bytes, list, dict, set, int, float, io.TextIOWrapper, io.BufferedReader)
    return any(hasattr(kind, method) for kind in types)


def _untouched(considered: Considered) -> list[LexedCell]:
    edited = {edit.number for edit in considered.edits}
    return [cell for number, cell in considered.cells.items() if number not in edited]


def _calls(cell: LexedCell, method: str) -> bool:
    return any(
        cell.kinds[i] == "attribute" and cell.texts[i + 1 : i + 2] == ["("]
        for i in cell.places.get(method, ())
    )


def _is_part_chosen(change: LastChange, objects: frozenset[str]) -> bool:
    """Whether a method of one element of a collection was replaced by one with letters added:
    `axes[0].bar` by `axes[0].barh`. Of six such calls on another element two followed.
    """
    goes_on = change.new.startswith(change.old[0]) or change.old[0].startswith(change.new)
    return goes_on and len(objects) == 1 and all("[" in object for object in objects)


def is_method_of_another(place: Candidate, choice: MethodChoice, considered: Considered) -> bool:
    """Whether a method was chosen for some objects and `place` is a call on another one."""
    cell, objects = considered.cells[place.cell], choice.objects
    if not objects or cell.kinds[place.first] != "attribute":
        return False
    if cell.source[place.end : place.end + 1] != "(":
        return False
    site = Site.of(cell, place.first, place.last)
    if all(map(_is_made, {*objects, site.object})):
        return False  # an object created on the spot is not a particular object
    if site.root != place.change.examples[0].site.root:
        return choice.is_between
    return len(objects) == 1 and site.object not in objects


def _is_made(object: str) -> bool:
    """Whether an object is created on the spot, by a function or by a module's class."""
    found = _CALLED.match(object)
    return found is not None and (not found[1] or found[2][0].isupper())

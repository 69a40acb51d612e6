"""The reward of an answer in reinforcement learning: whole texts in, one number out.

    silence                                              0
    it cannot be parsed, or adds a syntax error         -1
    it changes something without need, or wrongly       -0.25
    otherwise               similarity - length + style, at most 1.1

With silence at 0 and a wrong answer at -0.25, answering pays if it is right more than one time in
five. What is already unparsable in the target (a line being typed) does not count against an
answer.
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from nextedit_jupyter.analysis.syntax import error_count
from nextedit_jupyter.core import SuggestRequest
from nextedit_jupyter.core.suggestion import Kind
from nextedit_jupyter.evals.measures import same_lines
from nextedit_jupyter.prompt.lines import changed_lines

UNPARSEABLE = -1.0
WRONG = -0.25
SILENCE = 0.0
NEAR = 0.5  # an answer with a lower similarity is wrong: half of the way to the target
LENGTH = 0.01  # for each token more than the target adds
STYLE = 0.1  # for an answer in the style of its cell


@dataclass(frozen=True, slots=True)
class RewardTask:
    """A request and the expected text of the caret's cell: the present one for no edit.

    `tokens` is the number of tokens in lines that the target adds.
    """

    kind: Kind
    request: SuggestRequest
    after: str
    tokens: int

    @property
    def now(self) -> str:
        return self.request.cell.source

    @property
    def wanted(self) -> bool:
        """Whether there is something to do."""
        return not same_lines(self.now, self.after)


@dataclass(frozen=True, slots=True)
class ReadAnswer:
    """The cell's text after an answer, and the number of tokens in lines that it adds.

    `text` is None for silence (`silent`) and for an answer that cannot be parsed.
    """

    text: str | None
    tokens: int = 0
    silent: bool = False


SILENT = ReadAnswer(None, silent=True)
UNREADABLE = ReadAnswer(None)


@dataclass(frozen=True, slots=True)
class Verdict:
    """`parsed`: an answer that is readable and adds no syntax error; `wrong`: an answer with a
    reward below 0.

    Silence is `exact` if nothing is to be done.
    """

    reward: float
    silent: bool = False
    parsed: bool = False
    exact: bool = False

    @property
    def wrong(self) -> bool:
        return not self.silent and self.reward < 0


def reward(task: RewardTask, answer: ReadAnswer) -> float:
    """An answer's reward, between -1 and 1.1."""
    return judge(task, answer).reward


def judge(task: RewardTask, answer: ReadAnswer) -> Verdict:
    """An answer's reward, and why."""
    if answer.silent:
        return Verdict(SILENCE, silent=True, exact=not task.wanted)
    if answer.text is None:
        return Verdict(UNPARSEABLE)
    errors = error_count(answer.text)
    if errors and errors > max(error_count(task.now), error_count(task.after)):
        return Verdict(UNPARSEABLE)
    near = similarity(task.now, task.after, answer.text)
    if not task.wanted or near < NEAR:
        return Verdict(WRONG, parsed=True)
    more = max(0, answer.tokens - task.tokens)
    style = style_match(task.now, changed_lines(task.now, answer.text)[1])
    value = near - LENGTH * more + STYLE * style
    exact = same_lines(task.after, answer.text)
    return Verdict(max(WRONG, value), parsed=True, exact=exact)


_WORD = re.compile(r"\w+|\n[ \t]*|[^\w\s]")


def similarity(now: str, after: str, answer: str) -> float:
    """How far `answer` is on the way from `now` to `after`: at most 1, and 0 for `now`.

    The lines that either changes are compared by words, so that an almost right name is as wrong as
    any other. Negative if the text is farther from the target.
    """
    if answer == after:
        return 1.0
    start, wanted, given = (_words(lines) for lines in _changed_by_either(now, after, answer))
    before = _ratio(start, wanted)
    if before == 1.0:  # the target differs only in whitespace
        return 0.0
    return (_ratio(given, wanted) - before) / (1.0 - before)


def _words(lines: Sequence[str]) -> list[str]:
    return _WORD.findall("".join(f"\n{line}" for line in lines))


def _ratio(a: Sequence[str], b: Sequence[str]) -> float:
    return difflib.SequenceMatcher(None, a, b, autojunk=False).ratio()


def _changed_by_either(
    now: str, after: str, answer: str
) -> tuple[Sequence[str], Sequence[str], Sequence[str]]:
    """The lines of the three texts without their common prefix and suffix."""
    texts = [text.split("\n") for text in (now, after, answer)]
    shortest = min(map(len, texts))
    start = 0
    while start < shortest and len({lines[start] for lines in texts}) == 1:
        start += 1
    end = 0
    while end < shortest - start and len({lines[-1 - end] for lines in texts}) == 1:
        end += 1
    first, second, third = (lines[start : len(lines) - end] for lines in texts)
    return first, second, third


# Style: habits of a cell, each a value, or None if the cell does not show it.

_QUOTE = re.compile(r"(?P<quote>['\"])(?:\\.|(?!(?P=quote))[^\\\n])*(?P=quote)")
_ASSIGNED = re.compile(  # not a keyword argument on its own line, which ends in a comma
    r"^[ \t]*[^\W\d][\w.\[\]'\", ]*?(?P<blank>[ \t]*)=(?!=)(?![^\n]*,[ \t]*$)", re.M
)
_INDENT = re.compile(r"^(?P<blank>[ \t]+)(?=\S)", re.M)
_CLOSED = re.compile(r"(?P<comma>,?)[ \t]*\n[ \t]*[)\]}]")


def style_match(cell: str, added: str) -> float:
    """The share of a cell's habits that added lines follow; 1 if none can be compared.

    The habits: quotes, indentation, spaces around `=`, trailing commas.
    """
    kept = [
        theirs == ours
        for habit in _HABITS
        if (ours := habit(cell)) is not None and (theirs := habit(added)) is not None
    ]
    return sum(kept) / len(kept) if kept else 1.0


def _quotes(text: str) -> str | None:
    other = {"'": '"', '"': "'"}
    free = [m["quote"] for m in _QUOTE.finditer(text) if other[m["quote"]] not in m[0]]
    return _most_common(free)


def _indent(text: str) -> str | None:
    blanks = [m["blank"] for m in _INDENT.finditer(text)]
    if not blanks:
        return None
    if any("\t" in blank for blank in blanks):
        return "tabs"
    return "fours" if all(len(blank) % 4 == 0 for blank in blanks) else "others"


def _blanks(text: str) -> str | None:
    return _most_common(["spaced" if m["blank"] else "tight" for m in _ASSIGNED.finditer(text)])


def _commas(text: str) -> str | None:
    return _most_common(["comma" if m["comma"] else "none" for m in _CLOSED.finditer(text)])


def _most_common(found: Sequence[str]) -> str | None:
    return max(sorted(set(found)), key=found.count) if found else None


_HABITS: tuple[Callable[[str], str | None], ...] = (_quotes, _indent, _blanks, _commas)

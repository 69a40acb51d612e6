"""Names of secrets, and whether a secret is assigned to one: for `redact`.

In any of Python's ways, in shells, configuration files, sentences and comments. The page's port is
`labextension/src/secretNames.ts`.
"""

from __future__ import annotations

import re
from bisect import bisect
from dataclasses import dataclass, replace

from nextedit_jupyter.core import secret_rules as rules
from nextedit_jupyter.core.secret_literals import Literal, LiteralReader
from nextedit_jupyter.core.secret_rules import expression
from nextedit_jupyter.core.secret_values import (
    Strength,
    is_mixed,
    is_secret_value,
    is_template,
    is_varied,
    looks_random,
)
from nextedit_jupyter.core.secret_variables import Variables

# Names of secrets in one text; none of 130,000 real cells has a tenth of it.
MAX_STEPS = 1_000
_WINDOW = 300  # characters before a name that are examined to tell the kind of line


@dataclass(frozen=True, slots=True)
class Finding:
    """What was recognised and where: the secret is `text[start:end]`."""

    what: str
    start: int
    end: int


def find_named(text: str, folded: str) -> Finding | None:
    if not any(word in folded for word in rules.KEY_WORDS):
        return None
    done = steps = 0
    foreign = _is_foreign(text) or expression("section").search(text) is not None
    quotes = _triple_quotes(text)
    variables = Variables(text)
    for match in _key_words().finditer(folded):
        if match.start() < done:
            continue
        start = match.start()
        low = max(done, start - 60)
        while start > low and (folded[start - 1] in _NAME or folded[start - 1] > "\x7f"):
            start -= 1
        while text[start] == "-":
            start += 1
        tail = expression("name_tail").match(text, match.end())
        done = tail.end() if tail else match.end()
        sends = expression("sends").match(text, done) is not None
        strength = strength_of(text[start:done], sends)
        if strength == "loose":  # `fs.s3a.access.key`
            dotted = expression("dotted").search(text[max(0, start - 21) : start])
            whole = f"{dotted[1]}_{text[start:done]}" if dotted is not None else ""
            strength = "key" if strength_of(whole) == "key" else strength
        if strength is None or _is_run_through(text, start, done):
            continue
        steps += 1
        if steps > MAX_STEPS:
            return Finding("too many names of secrets to look at each", start, done)
        in_text = strength == "password" and bisect(quotes, start) % 2 == 1
        found = _given(text, start, done, strength, foreign, in_text, variables)
        if found is not None:
            return found
    return None


def _is_run_through(text: str, start: int, end: int) -> bool:
    """Whether a `pass` is one through something: `forward pass = 3`."""
    before = expression("last_word").search(text[max(0, start - 17) : start])
    is_pass = text[start:end].lower() == "pass"
    return is_pass and before is not None and before[1].lower() in rules.PASSES


_NAME = frozenset("abcdefghijklmnopqrstuvwxyz0123456789_-")


def strength_of(name: str, sends: bool = False) -> Strength | None:
    """How much a name says about its value; `sends`: it is an element of a web page."""
    words = [word.lower() for word in expression("word").findall(name)]
    while len(words) > 1 and (
        words[-1] in rules.NAME_TAILS
        or words[-1][0] in "0123456789"
        or (sends and words[-1] in rules.ELEMENTS)
    ):
        words.pop()
    if not words:
        return None
    joined, last = "".join(words), words[-1]
    if last == "passes":  # of a ball, over the data
        return None
    if last.endswith("s") and last not in rules.PASSWORD_WORDS and last != "pass":
        joined, last = joined[:-1], last[:-1]
        if last == "token":
            return "loose"
    if last == "pass" and len(words) > 1 and words[-2] in rules.PASSES:
        return None
    if last in rules.PASSWORD_WORDS or joined.endswith(rules.PASSWORD_ENDS):
        return "password"
    if last == "token" and len(words) > 1 and words[-2] in rules.TEXT_TOKENS:
        return "loose"
    if joined.endswith(rules.KEY_ENDS):
        return "key"
    if last in rules.TOKEN_WORDS or joined.endswith("token"):
        return "token"
    return "loose" if last in rules.LOOSE_WORDS or joined in rules.LOOSE_WORDS else None


@dataclass(frozen=True, slots=True)
class _Place:
    """Where a value may be assigned to a name: from `at` on, by `operator`.

    `index`: it is one of several targets; `is_sure`: any word there is the value.
    """

    at: int
    operator: str
    index: int = 0
    closed: bool = False
    is_sure: bool = False


def _given(
    text: str,
    start: int,
    end: int,
    strength: Strength,
    foreign: bool,
    in_text: bool,
    variables: Variables,
) -> Finding | None:
    """The value assigned to the name at `start:end`, if it is a secret."""
    head = _head(text, start)
    if (found := _before(head, start, strength)) is not None:
        return found
    place = _place(text, start, end, strength, head)
    if place is None:
        return None
    at, operator, index, which = place.at, place.operator, place.index, 0
    ended = expression("ended").match(text, at) if operator in ("=", ":") else None
    at = ended.end() if ended is not None else at
    if operator == "=" and index == 0 and expression("heads").match(head):
        which = index = head.count(",")
    if strength == "password" and operator == "=":
        spelt = expression("spelt").match(text, at)
        if spelt is not None:
            return Finding("password by its characters' numbers", at, spelt.end())
    literals = LiteralReader(text, at, in_tuple=index > 0 or operator in ("(", "in")).read()
    if which and len(literals) == 1:  # `user, password = "ann …".split()`
        parts = _SEPARATORS.split(literals[0].value)
        literals = [replace(literals[0], value=part) for part in parts]
    if literals:
        return judge(literals, which, operator, strength, place.is_sure)
    if operator in ("=", ":") and strength in ("password", "key"):
        made_up = [one for one in variables.given(at) if _is_made_up(one.value, strength)]
        if (found := judge(made_up, 0, operator, strength)) is not None:
            return found
    if operator == "," or (operator == "(" and "#" not in head):
        return None
    blanks = expression("blanks").match(text, at)
    at = blanks.end() if blanks else at
    leads = "{" in head or expression("lead").match(head) is not None
    in_text = in_text and leads and operator in (":", "=")
    in_text = in_text and expression("text_value").match(text, at) is not None
    is_env = index == 0 and text[start:end].isupper() and text[start:end].isascii()
    return _bare(text, at, head, operator, strength, foreign or in_text or place.is_sure, is_env)


_SEPARATORS = re.compile(r"[ \t,:;|/]+")


def _before(head: str, start: int, strength: Strength) -> Finding | None:
    """A secret before its name: what it is compared with, the value of the form's element."""
    if strength not in ("password", "key"):
        return None
    low = start - len(head)
    yoda = expression("yoda").search(head) if head.rstrip(" \t").endswith("=") else None
    if yoda is not None and is_secret_value(yoda[1], strength):
        return Finding("what a secret is compared with", low + yoda.start(1), low + yoda.end(1))
    element = expression("described").search(head)
    if element is None or not _is_made_up(element[1], strength):
        return None
    what = "value of what is named like a secret"
    is_secret = is_secret_value(element[1], strength)
    return Finding(what, low + element.start(1), low + element.end(1)) if is_secret else None


def _place(text: str, start: int, end: int, strength: Strength, head: str) -> _Place | None:
    at, closed = end, False
    close = expression("close").match(text, at)
    if close is not None:
        at, closed = close.end(), True
    brackets = expression("brackets").match(text, at)
    at = brackets.end() if brackets else at
    place = _told(text, at, end, closed, head)
    if place is not None:
        return place
    found = expression("operator").match(text, at)
    is_password = strength == "password"
    char = text[at : at + 1]
    folded = fold(head)
    if found is not None:
        sure = found[1] == "(" and is_password and _hands_over(text[start:end], head, folded)
        return _Place(found.end(), found[1], 0, closed, sure)
    if char == "," and is_password and not closed and expression("compared").search(head):
        return _Place(at + 1, "=", 0, closed)
    if closed and char == ",":
        if is_password and expression("setter").search(folded):
            return _Place(at + 1, "=", 0, closed)
        is_option = head.endswith(('"--', "'--")) and expression("quoted").match(text, at + 1)
        if is_password and is_option:  # in a list of arguments
            return _Place(at + 1, "=", 0, closed, True)
        sure = is_password and expression("pairs").search(folded) is not None
        return _Place(at + 1, ",", 0, closed, sure)
    attributes = expression("attributes").match(text, at) if head.endswith(("<", ":")) else None
    if attributes is not None:
        at, char = attributes.end(), ">"
    if char == ">":
        return _Place(at + 1, ">", 0, closed) if expression("element").match(text, at + 1) else None
    said = None if closed or strength not in ("password", "key") else expression("said_of")
    match = said.match(text, end) if said is not None else None
    if match is not None and ("|" not in match[0] or expression("cell_of").match(head)):
        return _Place(match.end(), ":" if "|" in match[0] else " ")
    if not closed and char in (" ", "\t"):
        grants = is_password and expression("grants").search(folded) is not None
        return _Place(at, " ", 0, closed, (grants or head.endswith("-")) and is_password)
    return None


def _told(text: str, at: int, end: int, closed: bool, head: str) -> _Place | None:
    """The places that a single expression identifies."""
    rows = ("cases", "answered", "filled_row", "values")
    for name in rows:
        if name == "answered" or not closed:
            match = expression(name).match(text, end)
            if match is not None:
                return _Place(match.end(), "in", 0, closed)
    if head.endswith("def ") and (match := expression("returns").match(text, at)):
        return _Place(match.end(), "=", 0, closed)
    if closed and (match := expression("default").match(text, at)):
        return _Place(match.end(), "=", 0, closed)
    is_target = not closed or text[at - 1] == "]"
    is_target = is_target and expression("target_head").match(head) is not None
    if is_target and (match := expression("targets").match(text, at)):
        return _Place(match.end(), "=", 1, closed)
    if match := expression("annotation").match(text, at):
        return _Place(match.end(), "=", 0, closed)
    if match := expression("asked").match(text, end):
        return _Place(match.end(), "=", 0, closed)
    if not closed and (match := expression("said_with").match(text, end)):
        return _Place(match.end(), ",", 0, closed)
    if match := expression("valued").match(text, end):
        return _Place(match.end(), ":", 0, closed, True)
    return None


def _hands_over(name: str, head: str, folded: str) -> bool:
    """Whether a call that is named like a secret takes it as an argument: `set_password("…")`."""
    return (
        (head.endswith(".") and expression("fetches").match(name) is None)
        or expression("hands").match(name) is not None
        or expression("sets_password").search(folded) is not None
    )


def judge(
    literals: list[Literal], which: int, operator: str, strength: Strength, is_sure: bool = False
) -> Finding | None:
    if operator == "(":  # a call that is named like a secret: the secret is its last argument
        literals = literals[-1:]
    elif which:
        literals = literals[which : which + 1]
    for literal in literals:
        value = literal.value
        if operator == "," and not literal.is_last:
            continue
        # Lists of words and prose mention secrets more often than they contain them.
        is_word = is_sure and " " not in value
        if operator in (",", "(", " ") and not (is_word or _is_made_up(value, strength)):
            continue
        if not literal.is_sure and not (is_varied(value) or looks_random(value)):
            continue
        if is_secret_value(value, strength):
            return Finding("value of what is named like a secret", literal.start, literal.end)
    return None


def _is_made_up(value: str, strength: Strength) -> bool:
    """Whether a value is not a natural-language word, judged by how strongly its name suggests a
    secret."""
    return is_mixed(value) or looks_random(value) or (strength == "password" and is_varied(value))


def _bare(
    text: str,
    at: int,
    head: str,
    operator: str,
    strength: Strength,
    foreign: bool,
    is_env: bool,
) -> Finding | None:
    """A value without quotes: in a shell, a settings file, a comment, or inside a string."""
    scheme = expression("said_scheme").match(text, at)
    at = scheme.end() if scheme is not None else at
    filled = expression("filled").match(text, at)
    if filled is not None:  # `"password=%s" % "…"`
        literals = LiteralReader(text, filled.end(), in_tuple=True).read()
        return judge([one for one in literals if is_varied(one.value)], 0, "in", strength)
    braced = expression("braced").match(text, at) if head.endswith(";") else None
    if braced is not None and is_varied(braced[1]):
        return Finding("value of what is named like a secret", braced.start(1), braced.end(1))
    match = expression("bare").match(text, at)
    if match is None:
        return None
    value, end = match[0].rstrip(".:!?" if operator in rules.VERBS else ".:"), match.end()
    if operator == " " and value.startswith("-"):  # another option
        return None
    if head.endswith("/"):  # `user/password: ann/…`
        value = value.rpartition("/")[2]
    next_char = text[end : end + 1]
    if next_char in ("(", "[", "{", "$") or is_template(value):
        return None
    line = head.lstrip(" \t")
    is_option = head.endswith("-")
    ends_line = next_char in ("", "\n", "\r", "|", "<") or text[end : end + 2] in (" \n", " |")
    ends_line = ends_line or text[end : end + 4] == " -->"
    mixed = _is_made_up(value, strength)
    leads = expression("lead").match(head) is not None
    in_place = (leads and ends_line) or next_char in ("}", ",")
    is_strong = strength in ("password", "key")
    is_setting = operator == ":" and strength == "password" and in_place  # YAML in a string
    # `NAME=value` in a settings file; a name that occurs once is not a variable.
    is_line = leads and text[at - 1 : at] == "=" and ends_line and is_strong
    is_line = is_line and mixed and text.count(value) == 1
    is_password = strength == "password"
    is_number = is_password and _is_number(value)
    in_shell = line.startswith(("!", "%")) or expression("caught").match(head) is not None
    plain = is_password and ends_line and expression("plain_word").match(text, at) is not None
    said = head[max(head.rfind("'"), head.rfind('"')) + 1 :]  # the line, or the text in it
    is_prose = is_strong and expression("prose").match(said) is not None
    is_row = leads and ends_line and is_strong and mixed
    is_export = line in ("export ", "$ export ")
    if operator == " ":
        is_said = is_option or leads or is_prose or line.startswith(rules.SETTING_MAGICS)
        is_said = is_said or (strength != "loose" and in_shell)
        if line.startswith("%"):
            mixed = mixed or ends_line
        login = any(word in head.lower() for word in rules.ACCOUNT_WORDS)
        sets = is_strong and expression("sets").match(head) is not None
        # `--password word`, where a shell is given it.
        sets = sets or (is_option and is_password and (in_shell or foreign) and len(value) >= 5)
        is_said = is_said or login or "#" in head
        if not sets and (
            not (mixed and "=" not in value.rstrip("=") and is_said)
            or (line == "" and not foreign and not is_row and not looks_random(value))
        ):
            return None
    elif foreign or in_shell or is_option:
        ends = ends_line or (next_char in ("}", ",") and "{" in head)
        word_is_enough = is_strong and (ends or operator == "=")
        if not (mixed or word_is_enough):
            return None
    elif "#" in head:
        noted = plain and text[at - 1] == "=" and expression("noted").match(head) is not None
        if not (mixed or noted):
            return None
    elif not (
        is_setting
        or is_line
        or (mixed and head.endswith(("?", "&")))
        or (is_number and operator in ("=", ":"))
        or next_char in ("'", '"', ";", "&", "<", "`", "\\")
        or (operator == "=" and expression("after").match(text, end))
        or ((line == "" or is_export) and text[at - 1 : at] == "=" and looks_random(value))
        or (is_export and is_password and ends_line)
        or (operator in rules.VERBS and is_strong)
        or (operator == ":" and is_prose)
        or (operator in ("=>", "->", ":") and is_row)
        or (mixed and ends_line and expression("settings").match(head) is not None)
        or (mixed and operator == "=" and head.rstrip(" ").endswith(";") and "=" in head)
        or (mixed and ends_line and expression("listed_item").match(head) is not None)
        or (mixed and is_password and is_env and text[at - 1] == "=")
        or (mixed and is_password and ends_line and head.endswith("/"))
        or (mixed and is_row and is_password and any(char in rules.MARKS for char in value))
    ):
        return None  # code
    elif operator != "=" and not mixed and not is_number:
        in_element = is_password and operator == ">"
        if not (in_element or (plain and operator in (":", "\uff1a") and line == head)):
            return None
    if is_secret_value(value, strength):
        return Finding("value of what is named like a secret", at, at + len(value))
    return None


def _is_number(value: str) -> bool:
    """Whether it may be a numeric password, rather than a size, which would be round."""
    is_all = 6 <= len(value) <= 20 and all(char in "0123456789" for char in value)
    return is_all and not value.endswith("000")


# Small things -------------------------------------------------------------------------------------


def fold(text: str) -> str:
    """Lower-case ASCII letters only: offsets stay the same, here and in the page."""
    return text.encode("utf-8", "surrogatepass").lower().decode("utf-8", "surrogatepass")


def _head(text: str, at: int) -> str:
    """The line before `at`, within the window, or from where a triple-quoted text begins."""
    low = max(0, at - _WINDOW)
    head = text[max(low, text.rfind("\n", low, at) + 1) : at]
    begins = max(head.rfind(quote) for quote in LONG_QUOTES)
    return head[begins + 3 :] if begins >= 0 else head


LONG_QUOTES = ('"' * 3, "'" * 3)


def _triple_quotes(text: str) -> list[int]:
    """Positions at which triple quotes alternately open and close strings."""
    found: list[int] = []
    at = 0
    while True:
        opening = expression("triple").search(text, at)
        if opening is None:
            return found
        at = text.find(opening[0], opening.end())
        found.append(opening.start())
        if at < 0:
            return found
        found.append(at)
        at += 3


def _is_foreign(text: str) -> bool:
    """Whether the cell is a script or a file in another language."""
    start = text[:200].lstrip(" \t\r\n")
    if not start.startswith("%%"):
        return False
    return not start[2:].startswith(rules.PYTHON_CELLS)


def _key_words() -> re.Pattern[str]:
    return rules.compiled("|".join(rules.KEY_WORDS))

"""Which texts hold a secret, and so are never recorded, shown to a model or sent.

Four things are looked for: shapes of known keys, addresses with a password, literals given to
something that is named like a secret (in any of Python's ways, in shells, configurations and
comments), and words that look random. The rules are in `secret_rules`. The answer is yes or no: a
text with a secret is dropped as a whole, never masked, for a mask that misses one character leaks
it. The page has a twin, `labextension/src/redact.ts`, function by function; vectors hold both.

Time is linear in the text: expressions are bounded, each place is looked at with a bounded window,
and a text with more places than `MAX_STEPS` allows is refused unread.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from nextedit_jupyter.core import secret_rules as rules
from nextedit_jupyter.core.secret_literals import Literal, LiteralReader
from nextedit_jupyter.core.secret_rules import expression
from nextedit_jupyter.core.secret_values import (
    Strength,
    is_hex,
    is_mixed,
    is_secret_value,
    is_stand_in,
    is_template,
    is_varied,
    looks_random,
)

# Names of secrets in one text; of 130,000 real cells none has a tenth of it.
MAX_STEPS = 1_000
_WINDOW = 300  # characters before a name that are looked at for what kind of line it is


@dataclass(frozen=True, slots=True)
class Finding:
    """What was recognised and where: the secret itself is `text[start:end]`."""

    what: str
    start: int
    end: int


def holds_secret(text: str) -> bool:
    """Whether the text must not be recorded: it holds a key, a token, or a password in plain sight.

    Errs on the side of refusing: a record that is missing costs a suggestion, a leak costs trust.
    """
    return find_secret(text) is not None


def find_secret(text: str) -> Finding | None:
    """The first secret that is recognised, by the rules' order; None if there is none."""
    folded = _fold(text)
    return (
        _shape(text)
        or _address(text)
        or _named(text, folded)
        or _pair(text, folded)
        or _command(text, folded)
        or _random(text, folded)
        or _split_up(text)
    )


def begins_secret(text: str) -> bool:
    """Whether a key of a known shape may be half typed here: its mark begins a literal or value."""
    return any(f"{before}{mark}" in text for mark in rules.HALF_TYPED for before in "\"'=")


# Shapes, addresses, words that look random --------------------------------------------------------


def _shape(text: str) -> Finding | None:
    for what, mark, pattern in rules.SHAPES:
        if mark in text:
            for match in rules.compiled(pattern).finditer(text):
                if not is_stand_in(match[0]):
                    return Finding(what, match.start(), match.end())
    return None


def _split_up(text: str) -> Finding | None:
    """A key in several literals that Python joins. The place is the whole text."""
    if '"' not in text and "'" not in text:
        return None
    joined = expression("joint").sub("", text)
    if len(joined) == len(text):
        return None
    found = _shape(joined) or _address(joined) or _random(joined, _fold(joined))
    return Finding(found.what, 0, len(text)) if found else None


def _address(text: str) -> Finding | None:
    """`scheme://user:password@host`, or a long random user such as a token."""
    at = text.find("://")
    steps = 0
    while at >= 0:
        steps += 1
        if steps > MAX_STEPS:
            return Finding("too many addresses to look at each", at, at + 3)
        match = expression("scheme").match(text, at)
        if match is not None:
            password = match[2]
            port = password.partition("/")
            is_port = bool(port[1]) and all(char in "0123456789" for char in port[0])
            if not is_port and not is_template(password) and not is_stand_in(password):
                return Finding("password in an address", match.start(2), match.end(2))
        match = expression("lone").match(text, at)
        half = expression("half_scheme").match(text, at)
        if half is not None and _is_half_password(half[1]):
            return Finding("password in an address", half.start(1), half.end(1))
        if match is not None and looks_random(match[1]):
            return Finding("token in an address", match.start(1), match.end(1))
        at = text.find("://", at + 3)
    return None


def _is_half_password(value: str) -> bool:
    is_port = all(char in "0123456789" for char in value)
    return not is_port and not is_template(value) and not is_stand_in(value)


def _random(text: str, folded: str) -> Finding | None:
    """A word that no person would have thought of: keys without a shape or a name."""
    for match in expression("run").finditer(text):
        run = match[0]
        if len(run) > 400:
            continue  # an image or an archive, not a key
        # Base64 has slashes like a path; a path is rarely quoted alone and random as a whole.
        is_quoted = text[match.start() - 1 : match.start()] in ("'", '"')
        is_base64 = is_quoted and not any(char in run for char in "_-") and "//" not in run
        pieces = [run] if is_base64 and looks_random(run) else run.split("/")
        for piece in pieces:
            is_sum = len(piece) >= 32 and is_hex(piece)
            # Shorter ones are keys where they are all that is quoted, in capitals.
            is_long = len(piece) >= 20 or (
                is_quoted
                and text[match.end() : match.end() + 1] in ("'", '"')
                and expression("capitals").match(run) is not None
            )
            if not is_long or not (is_sum or looks_random(piece)):
                continue
            if expression("uuid").match(piece):
                continue
            head = folded[max(0, match.start() - 120) : match.start()]
            head = head[head.rfind("\n") + 1 :]
            in_path = "://" in head and "?" not in head[head.rfind("://") :]
            if not in_path and expression("sum").search(head) is None:
                return Finding("random word", match.start(), match.end())
    return None


# What is named like a secret ----------------------------------------------------------------------


def _named(text: str, folded: str) -> Finding | None:
    if not any(word in folded for word in rules.KEY_WORDS):
        return None
    done = steps = 0
    foreign = _is_foreign(text) or expression("section").search(text) is not None
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
        strength = _strength(text[start:done], sends)
        if strength is None:
            continue
        steps += 1
        if steps > MAX_STEPS:
            return Finding("too many names of secrets to look at each", start, done)
        found = _given(text, start, done, strength, foreign)
        if found is not None:
            return found
    return None


_NAME = frozenset("abcdefghijklmnopqrstuvwxyz0123456789_-")


def _strength(name: str, sends: bool = False) -> Strength | None:
    """How much a name says about what is given to it; `sends`: it is an element of a page."""
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
    return "loose" if last in rules.LOOSE_WORDS else None


def _given(text: str, start: int, end: int, strength: Strength, foreign: bool) -> Finding | None:
    """What stands where a value is given to the name at `start:end`, if that is a secret."""
    at, closed, index = end, False, 0
    close = expression("close").match(text, at)
    if close is not None:
        at, closed = close.end(), True
    brackets = expression("brackets").match(text, at)
    at = brackets.end() if brackets else at
    operator = ""
    head = _head(text, start)
    default = expression("default").match(text, at) if closed else None
    returns = expression("returns").match(text, at) if head.endswith("def ") else None
    targets = None if closed else expression("targets").match(text, at)
    annotation = expression("annotation").match(text, at)
    found = expression("operator").match(text, at)
    told = (
        (None if closed else expression("cases").match(text, end))
        or expression("answered").match(text, end)
        or (None if closed else expression("values").match(text, end))
    )
    said = expression("said_with").match(text, end)
    if told is not None:
        at, operator = told.end(), "in"
    elif returns is not None:
        at, operator = returns.end(), "="
    elif default is not None:
        at, operator = default.end(), "="
    elif targets is not None:
        at, operator, index = targets.end(), "=", 1
    elif annotation is not None:
        at, operator = annotation.end(), "="
    elif said is not None and not closed:
        at, operator = said.end(), ","
    elif found is not None:
        at, operator = found.end(), found[1]
    elif closed and text[at : at + 1] == ",":
        at, operator = at + 1, ","
        if strength == "password" and expression("setter").search(head):
            operator = "="
    elif text[at : at + 1] == ">":
        at, operator = at + 1, ">"
        if expression("element").match(text, at) is None:
            return None
    elif not closed and text[at : at + 1] in (" ", "\t"):
        operator = " "
    else:
        return None
    which = 0
    if operator == "=" and index == 0 and not closed and expression("heads").match(head):
        which = index = head.count(",")
    literals = LiteralReader(text, at, in_tuple=index > 0 or operator in ("(", "in")).read()
    if literals:
        return _judge(literals, which, operator, strength)
    if operator in ("(", ","):
        return None
    blanks = expression("blanks").match(text, at)
    at = blanks.end() if blanks else at
    return _bare(text, at, head, operator, strength, foreign)


def _judge(
    literals: list[Literal], which: int, operator: str, strength: Strength
) -> Finding | None:
    if operator == "(":  # a call that is named like a secret: the secret is handed over last
        literals = literals[-1:]
    elif which:
        literals = literals[which : which + 1]
    for literal in literals:
        value = literal.value
        if operator == "," and not literal.is_last:
            continue
        # Lists of words, and prose, name secrets more often than they hold them.
        if operator in (",", "(", " ") and not _is_made_up(value, strength):
            continue
        if is_secret_value(value, strength):
            return Finding("value of what is named like a secret", literal.start, literal.end)
    return None


def _is_made_up(value: str, strength: Strength) -> bool:
    """Whether a value is no word of a language, as far as the name before it makes that likely."""
    return is_mixed(value) or looks_random(value) or (strength == "password" and is_varied(value))


def _bare(
    text: str, at: int, head: str, operator: str, strength: Strength, foreign: bool
) -> Finding | None:
    """A value without quotes: in a shell, a file of settings, a comment, or inside a string."""
    scheme = expression("said_scheme").match(text, at)
    at = scheme.end() if scheme is not None else at
    filled = expression("filled").match(text, at)
    if filled is not None:  # `"password=%s" % "…"`
        literals = LiteralReader(text, filled.end(), in_tuple=True).read()
        return _judge([one for one in literals if is_varied(one.value)], 0, "in", strength)
    match = expression("bare").match(text, at)
    if match is None:
        return None
    value, end = match[0].rstrip(".:"), match.end()
    next_char = text[end : end + 1]
    if next_char in ("(", "[", "{", "$") or is_template(value):
        return None
    line = head.lstrip(" \t")
    is_option = head.endswith("-")
    ends_line = next_char in ("", "\n", "\r", "|", "<") or text[end : end + 2] in (" \n", " |")
    mixed = _is_made_up(value, strength)
    leads = expression("lead").match(head) is not None
    in_place = (leads and ends_line) or next_char in ("}", ",")
    is_strong = strength in ("password", "key")
    is_setting = operator == ":" and strength == "password" and in_place  # YAML in a string
    # `NAME=value` of a file of settings; a name that is used once is no variable.
    is_line = leads and text[at - 1 : at] == "=" and ends_line and is_strong
    is_line = is_line and mixed and text.count(value) == 1
    is_number = strength == "password" and _is_number(value)
    is_prose = is_strong and expression("prose").match(head) is not None
    is_row = leads and ends_line and is_strong and mixed
    if operator == " ":
        is_said = is_option or leads or is_prose or line.startswith(("%env ", "%set_env "))
        is_said = is_said or (is_strong and line.startswith("!"))
        if line.startswith("%"):
            mixed = mixed or ends_line
        login = any(word in head.lower() for word in ("login", "machine", "configure", "user"))
        if not (mixed and "=" not in value.rstrip("=") and (is_said or login or "#" in head)) or (
            line == "" and not foreign and not is_row and not looks_random(value)
        ):
            return None
    elif foreign or line.startswith(("!", "%")) or is_option:
        word_is_enough = is_strong and (ends_line or operator == "=")
        if not (mixed or word_is_enough):
            return None
    elif "#" in head:
        if not mixed:
            return None
    elif not (
        is_setting
        or is_line
        or (mixed and head.endswith(("?", "&")))
        or (is_number and operator in ("=", ":"))
        or next_char in ("'", '"', ";", "&", "<", "`", "\\")
        or (operator == "=" and expression("after").match(text, end))
        or (line in ("", "export ") and text[at - 1 : at] == "=" and looks_random(value))
        or (operator in ("is", "was") and is_strong)
        or (operator == ":" and is_prose)
        or (operator in ("=>", "->", ":") and is_row)
        or (mixed and ends_line and expression("settings").match(head) is not None)
    ):
        return None  # code
    elif operator != "=" and not mixed and not is_number:
        return None
    if is_secret_value(value, strength):
        return Finding("value of what is named like a secret", at, at + len(value))
    return None


def _is_number(value: str) -> bool:
    """Whether it may be a password of digits: not a size, which would be round."""
    is_all = 6 <= len(value) <= 20 and all(char in "0123456789" for char in value)
    return is_all and not value.endswith("000")


# Pairs of a user and a password, and commands -----------------------------------------------------


_PAIRS = (
    *("auth", "login", "connect", "cred", "ftp(", "smtp", "url.create(", "register("),
    *("pw_set(", "dbclient(", ".new(", "fernet(", "crypt(", "jwt.", "otp(", "redis("),
    *("gis(", "sentinelapi("),
)


def _pair(text: str, folded: str) -> Finding | None:
    """`auth=("ann", "…")`, `.login("ann", "…")`, `HTTPBasicAuth("ann", "…")`."""
    if not any(word in folded for word in _PAIRS):
        return None
    for steps, match in enumerate(expression("pair").finditer(folded)):
        if steps > MAX_STEPS:
            return Finding("too many calls to look at each", match.start(), match.end())
        at = match.end()
        named = expression("argument").match(text, at)  # a name in the place of the user
        literals = LiteralReader(text, named.end() if named else at, in_tuple=True).read()
        alone = expression("pair_alone").match(match[0]) is not None
        if named is None and not alone:
            literals = literals[1:]
        if alone or expression("pair_unsure").match(match[0]):
            literals = [one for one in literals if is_mixed(one.value) or is_varied(one.value)]
        for literal in literals[:1]:
            if is_secret_value(literal.value, "password"):
                return Finding("password beside a user's name", literal.start, literal.end)
    return None


_UNSURE = (
    *("dash_other", "here", "slash", "listed"),
    *("user_and", "said_pair", "said_after", "mailbox"),
)


def _command(text: str, folded: str) -> Finding | None:
    """Passwords that are handed to a command by a letter: `curl -u`, `mysql -p`."""
    if not any(word in folded for words, _ in rules.COMMANDS for word in words):
        return None
    at = 0
    while at < len(text):
        end = text.find("\n", at)
        end = len(text) if end < 0 else end
        # A long line is looked at in pieces: an expression may read on from each of its blanks.
        for low in range(at, max(end, at + 1), 900):
            found = _command_in(text, folded, low, min(end, low + 1_000))
            if found is not None:
                return found
        at = end + 1
    return None


def _command_in(text: str, folded: str, low: int, high: int) -> Finding | None:
    line = folded[low:high]
    for words, name in rules.COMMANDS:
        if not any(word in line for word in words):
            continue
        match = expression(name).search(line if name == "identified" else text[low:high])
        if match is None:
            continue
        group = 2 if name == "option" else 1
        value = match[group].strip("'\"")
        is_certain = name not in _UNSURE and (
            name != "dash_p" or "sshpass" in line or "sql" in line
        )
        made_up = is_mixed(value) or is_varied(value)
        if not (is_certain or made_up) or value.startswith("-"):
            continue
        if is_secret_value(value, "password"):
            start = low + match.start(group)
            return Finding("password in a command", start, start + len(match[group]))
    return None


# Small things -------------------------------------------------------------------------------------


def _fold(text: str) -> str:
    """ASCII letters in lower case: offsets stay, and both sides do the same."""
    return text.encode("utf-8", "surrogatepass").lower().decode("utf-8", "surrogatepass")


def _head(text: str, at: int) -> str:
    """The line of `at` up to it, as far as the window reaches."""
    low = max(0, at - _WINDOW)
    return text[max(low, text.rfind("\n", low, at) + 1) : at]


_PYTHON_CELLS = ("time", "timeit", "capture", "prun", "debug", "matplotlib")


def _is_foreign(text: str) -> bool:
    """Whether the cell is a script or a file in another language."""
    start = text[:200].lstrip(" \t\r\n")
    if not start.startswith("%%"):
        return False
    return not start[2:].startswith(_PYTHON_CELLS)


def _key_words() -> re.Pattern[str]:
    return rules.compiled("|".join(rules.KEY_WORDS))

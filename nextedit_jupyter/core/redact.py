"""Which texts contain a secret, and so are never recorded, shown to a model or sent.

It looks for four things: known shapes of keys, addresses with a password, literals given to
something that is named like a secret (in any of Python's ways, in shells, configuration files and
comments), and words that look random. The rules are in `secret_rules`. The answer is yes or no: a
text with a secret is dropped as a whole, never masked, because a mask that misses one character
leaks. The page has a port, `labextension/src/redact.ts`, function by function; shared test vectors
keep both in step.

Time is linear in the text: expressions are bounded, each place is examined within a bounded window,
and a text with more places than `MAX_STEPS` is refused unread.
"""

from __future__ import annotations

import re
from dataclasses import replace

from nextedit_jupyter.core import secret_rules as rules
from nextedit_jupyter.core.secret_literals import LiteralReader
from nextedit_jupyter.core.secret_names import (
    MAX_STEPS,
    Finding,
    find_named,
    fold,
    judge,
)
from nextedit_jupyter.core.secret_rules import expression
from nextedit_jupyter.core.secret_tables import find_in_rows, find_in_table
from nextedit_jupyter.core.secret_values import (
    is_hex,
    is_mixed,
    is_secret_value,
    is_stand_in,
    is_template,
    is_varied,
    is_worded,
    looks_random,
)

_DIGIT = re.compile("[0-9]")


def holds_secret(text: str) -> bool:
    """Whether the text must not be recorded: it contains a key, a token or a password in plain
    text.

    Errs on the side of refusing: a missing record costs a suggestion, a leak costs trust.
    """
    return find_secret(text) is not None


def find_secret(text: str) -> Finding | None:
    """The first secret that is recognised, in the order of the rules; None if there is none."""
    folded = fold(text)
    return (
        _shape(text)
        or _address(text)
        or find_named(text, folded)
        or find_in_table(text)
        or find_in_rows(text, folded)
        or _pair(text, folded)
        or _command(text, folded)
        or _random(text, folded)
        or _split_up(text)
    )


def begins_secret(text: str) -> bool:
    """Whether a key of a known shape may be half typed here: a literal or value begins with its
    prefix."""
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
    """A key split into several literals that Python joins. Its position is the whole text."""
    if '"' not in text and "'" not in text:
        return None
    joined = expression("joint").sub("", text)
    if len(joined) == len(text):
        return None
    found = _shape(joined) or _address(joined) or _random(joined, fold(joined))
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
            if is_template(password) and (found := _filled(text, match.end(), password)):
                return found
            if not is_port and not is_template(password) and not is_stand_in(password):
                return Finding("password in an address", match.start(2), match.end(2))
        if (added := _added(text, at)) is not None:
            return added
        match = expression("lone").match(text, at)
        half = expression("half_scheme").match(text, at)
        if half is not None and _is_half_password(half[1]):
            return Finding("password in an address", half.start(1), half.end(1))
        if match is not None and looks_random(match[1]):
            return Finding("token in an address", match.start(1), match.end(1))
        at = text.find("://", at + 3)
    return None


def _added(text: str, at: int) -> Finding | None:
    """The password that is added to the address at `at`."""
    continued = expression("continued").match(text, at)
    if continued is None:
        return None
    literals = LiteralReader(text, continued.end(), in_tuple=False).read()[:1]
    return judge([one for one in literals if is_varied(one.value)], 0, "in", "password")


def _filled(text: str, at: int, template: str) -> Finding | None:
    """The password that is substituted for `template` in the text before `at`."""
    filled = expression("filled_address").match(text, at)
    if filled is None:
        return None
    name = template.strip("{}%()s")
    if name:
        end = min(len(text), filled.end() + 300)
        for given in expression("filled_name").finditer(text, filled.end(), end):
            if given[1] == name and is_varied(given[2]) and is_secret_value(given[2], "password"):
                return Finding("password in an address", given.start(2), given.end(2))
        return None
    literals = LiteralReader(text, filled.end(), in_tuple=True).read()
    return judge([one for one in literals if is_varied(one.value)], 0, "in", "password")


def _is_half_password(value: str) -> bool:
    is_port = all(char in "0123456789" for char in value)
    return not is_port and not is_template(value) and not is_stand_in(value)


def _random(text: str, folded: str) -> Finding | None:
    """A word that no person would make up: keys without a known shape or a name."""
    for match in expression("run").finditer(text):
        run = match[0]
        if len(run) > 400:
            continue  # an image or an archive, not a key
        # Base64 has slashes like a path; a path is rarely quoted alone and random as a whole.
        is_quoted = text[match.start() - 1 : match.start()] in ("'", '"')
        is_base64 = is_quoted and not any(char in run for char in "_-") and "//" not in run
        is_base64 = is_base64 and run.count("/") <= 3 and looks_random(run)
        parts = run if is_quoted else run.replace("+", "/")  # in code, names that are added
        pieces = [run] if is_base64 else parts.split("/")
        for piece in pieces:
            if _DIGIT.search(piece) is None or expression("uuid").match(piece):
                continue  # checked first, because it is cheapest
            is_sum = len(piece) >= 32 and is_hex(piece)
            # Shorter words are keys only if they are all that is quoted, in capitals.
            is_long = len(piece) >= 20 or (
                is_quoted
                and text[match.end() : match.end() + 1] in ("'", '"')
                and expression("capitals").match(run) is not None
            )
            if not is_long or not (is_sum or looks_random(piece)):
                continue
            if expression("resource").match(piece):
                continue
            if expression("file_end").match(text, match.end()):
                continue
            if is_worded(piece, 0.8 if is_quoted else 0.6):
                continue
            head = folded[max(0, match.start() - 120) : match.start()]
            head = head[head.rfind("\n") + 1 :]
            in_path = "://" in head and not any(c in "? \t" for c in head[head.rfind("://") :])
            if not in_path and expression("sum").search(head) is None:
                return Finding("random word", match.start(), match.end())
    return None


# Pairs of a user and a password, and commands -----------------------------------------------------


def _pair(text: str, folded: str) -> Finding | None:
    """`auth=("ann", "…")`, `.login("ann", "…")`, `HTTPBasicAuth("ann", "…")`."""
    if not any(word in folded for word in rules.PAIR_WORDS):
        return None
    for steps, match in enumerate(expression("pair").finditer(folded)):
        if steps > MAX_STEPS:
            return Finding("too many calls to look at each", match.start(), match.end())
        at = match.end()
        named = expression("argument").match(text, at)  # a variable instead of the user
        literals = LiteralReader(text, named.end() if named else at, in_tuple=True).read()
        alone = expression("pair_alone").match(match[0]) is not None
        if named is None and not alone:
            literals = literals[1:]
        if match[0].startswith("b64"):  # `b64encode(b"ann:…")`
            literals = [replace(one, value=one.value.partition(":")[2]) for one in literals]
        if alone or expression("pair_unsure").match(match[0]):
            literals = [one for one in literals if is_mixed(one.value) or is_varied(one.value)]
        # A host may precede the user.
        beside = [one for one in literals[1:2] if not alone and is_varied(one.value)]
        for literal in (*literals[:1], *beside):
            if is_secret_value(literal.value, "password"):
                return Finding("password beside a user's name", literal.start, literal.end)
    return None


def _command(text: str, folded: str) -> Finding | None:
    """Passwords that are passed to a command by a one-letter option: `curl -u`, `mysql -p`."""
    present = [(word, name) for words, name in rules.COMMANDS for word in words if word in folded]
    if not present:
        return None
    at = 0
    while at < len(text):
        end = text.find("\n", at)
        end = len(text) if end < 0 else end
        # A long line is examined in pieces: an expression may read on from each of its spaces.
        for low in range(at, max(end, at + 1), 900):
            found = _command_in(text, folded, present, low, min(end, low + 1_000))
            if found is not None:
                return found
        at = end + 1
    return None


def _command_in(
    text: str, folded: str, words: list[tuple[str, str]], low: int, high: int
) -> Finding | None:
    line = folded[low:high]
    for name in dict.fromkeys([name for word, name in words if word in line]):
        match = expression(name).search(line if name == "identified" else text[low:high])
        if match is None:
            continue
        group = 2 if name == "option" else 1
        value = match[group].strip("'\"").rstrip(".,;")
        # `mysql -p shop` asks for the password: the word is the database.
        is_joined = "sql" in line and " " not in match[0][1:4]
        is_certain = name not in rules.UNSURE and (
            name != "dash_p" or "sshpass" in line or is_joined
        )
        made_up = is_mixed(value) or is_varied(value)
        if not (is_certain or made_up) or value.startswith("-"):
            continue
        if is_secret_value(value, "password"):
            start = low + match.start(group)
            return Finding("password in a command", start, start + len(match[group]))
    return None

"""Whether a value looks like a secret, a placeholder from documentation, or neither.

Only the first hundred or so characters of a value are examined.
"""

from __future__ import annotations

import math
import re
from collections import Counter
from itertools import pairwise
from typing import Literal

from nextedit_jupyter.core import secret_rules as rules
from nextedit_jupyter.core.secret_rules import expression

# What a name says about its value: any word may be a password; a service's key is not a sentence; a
# token may be a token of a text; and many things are called keys but are secrets only if they look
# random.
Strength = Literal["password", "key", "token", "loose"]


def is_secret_value(value: str, strength: Strength) -> bool:
    for scheme in rules.SCHEMES:
        value = value.removeprefix(scheme)
    if (
        strength in ("token", "key")
        and (scheme_of := expression("scheme_of").match(value)) is not None
    ):
        value = value[scheme_of.end() :]
    if "\n" in value:  # one value over several lines
        joined = re.sub(r"[ \t\r\n]+", "", value)
        value = joined if looks_random(joined) else value
    if strength == "token" and "; " in value:  # cookies
        given = (one.partition("=")[2] for one in value.split("; ")[:20])
        return any(is_secret_value(one, "token") for one in given)
    if is_template(value) or is_stand_in(value) or expression("colour").match(value):
        return False
    if strength == "password":
        return len(value) >= 3 and ("\n" not in value or looks_random(value))
    blanks = (" ", "\t", "\n", *(() if "\\x" in value else ("\\n",)))  # bytes may be any
    if any(blank in value for blank in blanks) and not looks_random(value):
        return False
    if strength == "key":
        words = [word for word in re.split(r"[_./:-]", value) if word]
        return (
            is_varied(value)
            or is_mixed(value)
            or (len(value) >= 8 and (len(words) == 1 or looks_random(value)))
        )
    if strength == "token":
        behind = value.partition(":")[2]  # `user:password`
        return is_mixed(value) or looks_random(value) or is_varied(behind)
    return (len(value) >= 32 and is_hex(value)) or (len(value) >= 16 and looks_random(value))


def is_template(value: str) -> bool:
    """Whether something else will replace it: `{password}`, `$PW`, `%s`, `<yours>`, `...`."""
    return (
        not value
        or (value[0] in "{<[%" and value[-1] in "}>]s%)d")
        or value[0] == "$"
        or value.startswith(("...", ")", ",", ";"))  # a quote that ended a literal before it
        or not any(kind_of(char) != "other" or char > "\x7f" for char in value)
    )


def is_stand_in(value: str) -> bool:
    """Whether it consists of words that documentation uses as placeholders for secrets."""
    value = value[:200]
    if len(set(value.lower())) <= 2 or value.endswith("..."):
        return True
    if "xxxxx" in value.lower() or "*****" in value or "....." in value:
        return True
    words = expression("word").findall(value)
    return all(
        word.lower() in rules.PLACEHOLDER_WORDS or word.lower() in ("xx", "xxx", "xxxx")
        for word in words
    )


def is_mixed(value: str) -> bool:
    """Whether letters and digits are mixed as in secrets, not as in `layer_12`."""
    value = value[:200]
    if len(value) < 6 or " " in value:
        return False
    kinds = [kind_of(char) for char in value]
    plain = [kind for kind in kinds if kind != "other"]
    letters = sum(kind in ("upper", "lower") for kind in plain)
    if not letters or (letters == len(plain) and len(plain) == len(kinds)):
        return False
    turns = sum((a == "digit") != (b == "digit") for a, b in pairwise(plain))
    marks = sum(char in "!@#$%^&*?~+" for char in value)
    apart = sum(char in "_-./ :" for char in value)
    return turns + 2 * marks >= (1 if len(plain) <= 16 and not apart else 2 + apart)


def is_varied(value: str) -> bool:
    """Whether it mixes letters with digits or symbols, as in a password that a person made up.

    Less strict than `is_mixed`, for where a password is expected.
    """
    value = value[:200]
    if len(value) < 6 or any(char in " \t\n/.:,=<>(){}[]'\"" for char in value):
        return False
    kinds = {kind_of(char) for char in value}
    letters = "lower" in kinds or "upper" in kinds
    return letters and ("digit" in kinds or any(char in "!@#$%^&*?~+" for char in value))


def looks_random(value: str) -> bool:
    """Whether lower case, capitals and digits alternate as in random text."""
    value = value[:200]
    kinds = [kind_of(char) for char in value]
    plain = [kind for kind in kinds if kind != "other"]
    count = Counter(plain)
    if len(plain) < 16 or len(kinds) - len(plain) > len(kinds) / 6 or " " in value:
        return False
    if entropy(value) < 3.3:
        return False
    turns = sum(a != b for a, b in pairwise(plain)) / (len(plain) - 1)
    if not (count["lower"] and count["upper"]):  # few are like `run-38fgv9x3-history`
        joined = expression("joined_words").sub("", value)
        if joined != value and len(joined) < 16:
            return False
    if count["lower"] and count["upper"]:
        # Words as in `AutoModelForSeq2SeqLM`; in random letters, a sixth are in such runs.
        worded = sum(len(word) for word in expression("lower_run").findall(value)) / len(plain)
        if len(value) == 40 and worded < 0.4:  # twenty bytes: an AWS secret may hold words
            return count["digit"] >= 1 and turns >= 0.3
        return count["digit"] >= 1 and turns >= 0.4 and (worded <= 0.4 or turns >= 0.45)
    return turns >= 0.25 and count["digit"] >= 4 and len(plain) - count["digit"] >= 5


def is_worded(value: str, share: float) -> bool:
    """Whether capitalised words make up that share of a name: `DataCollatorForSeq2Seq`.

    Of random letters and digits, 4 % of twenty are like that for a share of 0.6.
    """
    value = value[:200]
    words = "".join(expression("capitalised").findall(value))
    digits = sum(kind_of(char) == "digit" for char in value)
    return digits <= 2 and len(words) >= share * len(value)


def kind_of(char: str) -> str:
    if "a" <= char <= "z":
        return "lower"
    if "A" <= char <= "Z":
        return "upper"
    return "digit" if "0" <= char <= "9" else "other"


def is_hex(value: str) -> bool:
    kinds = Counter(kind_of(char) for char in value)
    one_case = not (kinds["lower"] and kinds["upper"])
    return (
        one_case
        and kinds["digit"] >= 4
        and kinds["lower"] + kinds["upper"] >= 4
        and all(char in "0123456789abcdefABCDEF" for char in value)
    )


def entropy(text: str) -> float:
    """Shannon entropy in bits per character; 0 for the empty text."""
    if not text:
        return 0.0
    counts = Counter(text)
    return -sum(n / len(text) * math.log2(n / len(text)) for n in counts.values())

"""Which texts hold a secret, and so are never recorded.

Patterns are gated by a keyword that must stand near, after the manner of gitleaks and
detect-secrets, and by entropy, so that hashes in ordinary code do not silence a whole notebook.
The answer is yes or no: a text with a secret is dropped as a whole, never masked, for a mask that
misses one character leaks it.
"""

from __future__ import annotations

import math
import re
from collections import Counter
from collections.abc import Iterator


class _Pattern:
    """A regular expression, compiled when a text first holds one of its marks.

    Every match holds a mark once case is folded, so that most texts cost a few substring searches
    (0.4 ms a kilobyte without), and importing this costs nothing.
    """

    def __init__(self, pattern: str, flags: int = 0, *, marks: str) -> None:
        self._pattern = pattern
        self._flags = flags
        self._marks = marks.split()
        self._compiled: re.Pattern[str] | None = None

    def matches(self, text: str, folded: str) -> Iterator[re.Match[str]]:
        """All matches in `text`, of which `folded` is the casefold."""
        if not any(mark in folded for mark in self._marks):
            return iter(())
        if self._compiled is None:
            self._compiled = re.compile(self._pattern, self._flags)
        return self._compiled.finditer(text)


# Shapes that are secrets wherever they stand.
_SHAPES = _Pattern(
    r"-----BEGIN [A-Z ]*PRIVATE KEY"
    r"|\bAKIA[0-9A-Z]{16}\b|\bASIA[0-9A-Z]{16}\b"
    r"|\bgh[pousr]_[A-Za-z0-9]{20,}|\bgithub_pat_[A-Za-z0-9_]{20,}"
    r"|\bglpat-[A-Za-z0-9_-]{16,}"
    r"|\bsk-(?:proj-|ant-|live-|test-|or-)?[A-Za-z0-9_-]{20,}|\b[rs]k_(?:live|test)_[A-Za-z0-9]{16,}"
    r"|\bxox[abeoprs]-[A-Za-z0-9-]{10,}"
    r"|\bhf_[A-Za-z0-9]{20,}|\bnpm_[A-Za-z0-9]{30,}|\bpypi-[A-Za-z0-9_-]{30,}"
    r"|\bAIza[0-9A-Za-z_-]{30,}|\bya29\.[0-9A-Za-z_-]{20,}"
    r"|\bSG\.[A-Za-z0-9_-]{16,}\.[A-Za-z0-9_-]{16,}"
    r"|\beyJ[A-Za-z0-9_-]{10,}\.eyJ[A-Za-z0-9_-]{10,}\.[A-Za-z0-9_-]{5,}",
    marks=(
        "private akia asia ghp_ gho_ ghu_ ghs_ ghr_ github_pat_ glpat- sk- k_live_ k_test_ xox hf_ "
        "npm_ pypi- aiza ya29. sg. eyj"
    ),
)
# A password in an address: scheme://user:password@host
_URL = _Pattern(
    r"\b[a-z][a-z0-9+.-]*://[^\s/:@'\"{}<>$]+:([^\s/@'\"{}<>$]{3,})@",
    re.I,
    marks="://",
)
# A quoted or bare value given to something that is named like a secret.
_KEYED = _Pattern(
    r"(?P<key>(?<![A-Za-z])(?:[A-Za-z0-9_.-]*[_.-])?"
    r"(?:api[_-]?key|apikey|secret(?:[_-]?key)?|access[_-]?key(?:[_-]?id)?|token|passw(?:or)?d"
    r"|passwd|pwd|passphrase|private[_-]?key|credentials?|client[_-]?secret|auth(?:orization)?"
    r"|bearer|connection[_-]?string|account[_-]?key))"
    r"[\"']?\]?\s*(?:[:=]|=>|,)\s*[rbfRBF]{0,2}"
    r"(?P<quote>[\"'])(?P<value>[^\"'\n]{6,})(?P=quote)",
    re.I,
    marks="key secret token passw pwd passphrase credent auth bearer connect",
)
_ENVIRONMENT = _Pattern(
    r"^\s*(?:%(?:set_)?env\s+|!?\s*export\s+|)"
    r"[A-Z0-9_]*(?:KEY|SECRET|TOKEN|PASSWORD|PASSWD|CREDENTIALS?)[A-Z0-9_]*[ =]+"
    r"(?P<value>[^\s'\"()\[\]{}$]{8,})\s*$",
    re.M,
    marks="key secret token passw credent",
)
_BEARER = _Pattern(
    r"\b(?:bearer|basic)\s+(?P<value>[A-Za-z0-9+/_.=-]{16,})",
    re.I,
    marks="bearer bas",
)
# What stands for a secret in documentation.
_PLACEHOLDER = (
    r"^(?:<.*>|\{.*\}|\$.*|%.*|x{3,}.*|\*{3,}|\.{3,}|your[_ -].*|my[_ -].*|.*(?:example|placeholder"
    r"|changeme|redacted|dummy).*)$"
)


def entropy(text: str) -> float:
    """Shannon entropy in bits a character; 0 for the empty text."""
    if not text:
        return 0.0
    counts = Counter(text)
    return -sum(n / len(text) * math.log2(n / len(text)) for n in counts.values())


def holds_secret(text: str) -> bool:
    """Whether the text must not be recorded: it holds a key, a token, or a password in plain sight.

    Errs on the side of refusing: a record that is missing costs a suggestion, a leak costs trust.
    """
    folded = text.casefold()
    if any(True for pattern in (_SHAPES, _URL) for _ in pattern.matches(text, folded)):
        return True
    if any(_is_secret_value(match["value"]) for match in _KEYED.matches(text, folded)):
        return True
    return any(
        _is_secret_value(match["value"], bits=3.0)
        for pattern in (_ENVIRONMENT, _BEARER)
        for match in pattern.matches(text, folded)
    )


def _is_secret_value(value: str, bits: float = 2.5) -> bool:
    if re.match(_PLACEHOLDER, value, re.I):
        return False
    if " " in value.strip() and not re.search(r"\d", value):  # a sentence, such as a message
        return False
    return entropy(value) >= bits

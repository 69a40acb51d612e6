"""Masks personal data for a remote server: e-mail addresses, card numbers, IBANs.

These are not secrets that exclude a cell, but a model does not need them: placeholders are sent,
and the originals are restored in the answer. A number is masked if its check digits are right.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass

# Each is bounded: a match examines at most a hundred characters.
_MAIL = re.compile(
    r"[A-Za-z0-9._%+-]{1,64}@[A-Za-z0-9-]{1,63}(?:\.[A-Za-z0-9-]{1,63}){0,4}\.[A-Za-z]{2,24}"
)
_CARD = re.compile(r"(?<![0-9])[2-6][0-9](?:[ -]?[0-9]){11,17}(?![0-9])")
_IBAN = re.compile(
    r"(?<![A-Za-z0-9])[A-Z]{2}[0-9]{2}(?: ?[A-Z0-9]{4}){2,7}(?: ?[A-Z0-9]{1,3})?(?![A-Za-z0-9])"
)
_DOCUMENTED = ("@example.com", "@example.org", "@example.net")  # reserved by RFC 2606


@dataclass(frozen=True, slots=True)
class MaskedText:
    """A text with placeholders, and what each replaces."""

    text: str
    originals: tuple[tuple[str, str], ...] = ()

    def restored(self, answer: str) -> str:
        """An answer to the masked text, with the placeholders replaced by the originals."""
        for stand_in, original in self.originals:
            answer = answer.replace(stand_in, original)
        return answer


def mask(text: str) -> MaskedText:
    """`mask(t).restored(mask(t).text) == t`."""
    known: dict[str, str] = {}
    for pattern, counts, stand_ins in (
        (_MAIL, _is_someones, _mails),
        (_IBAN, _is_iban, _ibans),
        (_CARD, _is_card, _cards),
    ):
        if pattern is _MAIL and "@" not in text:
            continue
        free = (one for one in stand_ins() if one not in text)
        text = pattern.sub(_replacing(known, counts, free), text)
    # A longer placeholder may contain a shorter one.
    pairs = sorted(((new, old) for old, new in known.items()), key=lambda p: -len(p[0]))
    return MaskedText(text, tuple(pairs))


def _replacing(
    known: dict[str, str], counts: Callable[[str], bool], free: Iterator[str]
) -> Callable[[re.Match[str]], str]:
    def replace(match: re.Match[str]) -> str:
        found = match[0]
        if not counts(found):
            return found
        if found not in known:
            known[found] = next(free)
        return known[found]

    return replace


def _mails() -> Iterator[str]:
    number = 0
    while True:
        number += 1
        yield f"user{number:03}@example.com"


def _cards() -> Iterator[str]:
    number = 0
    while True:
        number += 1
        yield f"0000 0000 0000 {number:04}"


def _ibans() -> Iterator[str]:
    number = 0
    while True:
        number += 1
        yield f"XX00 0000 0000 {number:04}"


def _is_someones(mail: str) -> bool:
    return not mail.lower().endswith(_DOCUMENTED)


def _is_card(text: str) -> bool:
    """By the Luhn checksum."""
    digits = [int(char) for char in text if "0" <= char <= "9"]
    doubled = [digit * 2 - 9 * (digit > 4) for digit in digits[-2::-2]]
    return (sum(digits[-1::-2]) + sum(doubled)) % 10 == 0


def _is_iban(text: str) -> bool:
    """By ISO 7064: the remainder modulo 97 is 1."""
    plain = text.replace(" ", "")
    turned = plain[4:] + plain[:4]
    return int("".join(str(int(char, 36)) for char in turned)) % 97 == 1

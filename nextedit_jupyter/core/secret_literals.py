"""Evaluates expressions made of literals, for the redactor.

It uses no grammar, so that half-typed code, other languages and text inside a string can be read as
well. It stops at the first thing that is not a literal, or after some forty of them.
"""

from __future__ import annotations

from dataclasses import dataclass

from nextedit_jupyter.core import secret_rules as rules
from nextedit_jupyter.core.secret_rules import expression


@dataclass(frozen=True, slots=True)
class Literal:
    value: str
    start: int
    end: int
    is_last: bool = False  # whether a closing bracket follows
    is_sure: bool = True  # whether it is the value itself, not an argument of a call that yields it


class LiteralReader:
    """Reads the literals that an expression may evaluate to, joined where Python joins them."""

    def __init__(self, text: str, at: int, in_tuple: bool) -> None:
        self.found: list[Literal] = []
        self._text = text
        self._at = at
        self._in_tuple = in_tuple
        self._parts: list[Literal] = []
        self._depth = 0
        self._braces = 0
        self._joins = False  # the items of a list are parts of one value
        self._skip = False  # the next literal names what is fetched: a variable
        self._is_sure = True

    def read(self) -> list[Literal]:
        for _ in range(40):
            self._at = skip_blanks(self._text, self._at)
            literal = self._literal()
            if literal is not None:
                self._parts.append(literal)
            elif not (self._bracket() or self._word()):
                break
        self._flush()
        return self.found

    def _flush(self, is_last: bool = False) -> None:
        if not self._parts:
            return
        if not self._skip:
            value = "".join(part.value for part in self._parts)
            start, end = self._parts[0].start, self._parts[-1].end
            self.found.append(Literal(value, start, end, is_last, self._is_sure))
        self._skip = False
        self._parts = []

    def _literal(self) -> Literal | None:
        text = self._text
        opening = expression("string").match(text, self._at)
        if opening is None or (self._parts and self._ends_another()):
            return None
        quote, start = opening[1], opening.end()
        if len(quote) == 3:
            end = text.find(quote, start, start + 600)
            if end < 0:  # half typed: what follows is not part of it
                end = text.find("\n", skip_blanks(text, start), start + 600)
                end = end if end >= 0 else min(len(text), start + 600)
        else:
            inside = {'"': "double", "'": "single", "`": "backtick"}.get(quote, "escaped")
            content = expression(inside).match(text, start)
            end = content.end() if content else start
        self._at = end + len(quote) if text.startswith(quote, end) else end
        value = text[start:end]
        if "f" in opening[0].lower():
            value = expression("replacement").sub("", value)
        return Literal(value.strip(" \t\r\n"), start, end)

    def _ends_another(self) -> bool:
        """Whether the quote here closes the string that contains the literal just read."""
        before, here = self._text[self._at - 1], self._text[self._at]
        return before in "\"'" and here in "\"'" and before != here

    def _found_one(self) -> bool:
        return bool(self._parts) or (self._depth <= 0 and bool(self.found))

    def _bracket(self) -> bool:
        char = self._text[self._at : self._at + 1]
        if char in ("(", "[", "{"):
            self._depth += 1
            self._braces += char == "{"
        elif char in (")", "]", "}"):
            self._flush(is_last=char != "}")
            self._skip = False
            self._depth -= 1
            self._braces -= char == "}"
            if self._depth < 0:
                return False
        elif char == ",":
            if not self._joins:
                self._flush()
            if self._depth == 0 and not self._in_tuple:
                return False
        elif char == ":" and self._braces and self._parts:
            self._parts = []  # a key of a dictionary
        elif not (char == "+" and self._parts):
            return False
        self._at += 1
        return True

    def _word(self) -> bool:
        condition = expression("condition").match(self._text, self._at)
        if condition is not None:
            self._flush()
            self._at = condition.end()
            return True
        added = expression("added").match(self._text, self._at)
        number = expression("number").match(self._text, self._at)
        in_call = self._in_tuple or self._depth > 0
        skipped = added or (number if in_call and not self._parts else None)
        if skipped is not None:
            self._at = skipped.end()
            return True
        call = expression("call").match(self._text, self._at)
        if call is None:
            return False
        callee = call[0][:-1].rpartition(".")[2]
        if callee in rules.GETTERS:
            self._skip = True
        elif callee == "join":
            self._joins = True
        elif callee == "format":
            self._flush()
        elif self._found_one() and not call[0].startswith("."):
            return False  # another statement
        elif callee not in rules.WRAPPERS and not self._parts:
            self._is_sure = False
        self._depth += 1
        self._at = call.end()
        return True


def skip_blanks(text: str, at: int) -> int:
    match = expression("space").match(text, at)
    return match.end() if match else at

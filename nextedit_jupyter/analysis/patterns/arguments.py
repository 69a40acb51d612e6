"""Patterns of call arguments: renamed, replaced, added, removed."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from nextedit_jupyter.analysis.flat_tree import Node, SyntaxTree
from nextedit_jupyter.analysis.patterns.changed_nodes import NodeChange
from nextedit_jupyter.analysis.patterns.nodes import (
    LITERALS,
    NUMBERS,
    arguments_of,
    callee,
    enclosing_call,
    is_akin,
    keyword_of,
    plain_content,
)
from nextedit_jupyter.analysis.patterns.rule import Around, Callee, Rule, Trust
from nextedit_jupyter.analysis.patterns.strings import FREE_TEXT, differs_in_digits, is_word
from nextedit_jupyter.core import Replacement


@dataclass(frozen=True, slots=True)
class KeywordRenamed:
    """`SGD(lr=…)` to `SGD(learning_rate=…)`; with `callee` None, in calls of anything."""

    callee: Callee | None
    old: str
    new: str
    examples: int = 1
    trust: Trust = "specific"

    @property
    def needle(self) -> str:
        return self.old

    @property
    def what(self) -> str:
        return f"change {self.old}= to {self.new}="

    @property
    def where(self) -> str:
        return f"call of {self.callee.name}" if self.callee else "call"

    def places(self, tree: SyntaxTree) -> list[Replacement]:
        found = []
        for call in tree.of_kind("call"):
            if self.callee is not None and not self.callee.fits(call):
                continue
            argument = keyword_of(call, self.old)
            if argument is None or keyword_of(call, self.new) is not None:
                continue
            name = argument.child("name")
            assert name is not None
            found.append(Replacement(name.start, name.end, self.new))
        return found


@dataclass(frozen=True, slots=True)
class ArgumentReplaced:
    """An argument of a callee, as it is written, becomes another: `penalty="l1"` to `"l2"`.

    `slot` is the keyword, or the position of an argument without one.
    """

    callee: Callee
    slot: str | int
    old: str
    new: str
    examples: int
    trust: Trust = "weak"

    @property
    def needle(self) -> str:
        return self.callee.name

    @property
    def what(self) -> str:
        name = f"{self.slot}=" if isinstance(self.slot, str) else ""
        return f"change {name}{self.old} to {self.new}"

    @property
    def where(self) -> str:
        return f"call of {self.callee.name}"

    def places(self, tree: SyntaxTree) -> list[Replacement]:
        found = []
        for call in tree.of_kind("call"):
            if not self.callee.fits(call):
                continue
            value = _argument_value(call, self.slot)
            if value is None or _normal(value) != self.old:
                continue
            if value.kind == "string":  # keep the place's own quotes
                inner = plain_content(value)
                if inner is not None:
                    content = _unquoted(self.new)
                    if content is not None:
                        found.append(Replacement(inner.start, inner.end, content))
                        continue
            found.append(Replacement(value.start, value.end, self.new))
        return found


@dataclass(frozen=True, slots=True)
class KeywordAdded:
    """`read_csv(a)` to `read_csv(a, sep=";")`: to the calls that lack the keyword."""

    callee: Callee
    keyword: str
    value: str
    examples: int = 2
    trust: Trust = "weak"

    @property
    def needle(self) -> str:
        return self.callee.name

    @property
    def what(self) -> str:
        return f"add {self.keyword}={self.value}"

    @property
    def where(self) -> str:
        return f"call of {self.callee.name}"

    def places(self, tree: SyntaxTree) -> list[Replacement]:
        found = []
        for call in tree.of_kind("call"):
            if not self.callee.fits(call) or keyword_of(call, self.keyword) is not None:
                continue
            arguments = call.child("arguments")
            if arguments is None or arguments.kind != "argument_list":
                continue
            given = arguments_of(call)
            if any(a.kind == "dictionary_splat" for a in given):
                continue  # it may be given there
            if arguments.children[-1].kind != ")":
                continue
            text = f"{self.keyword}={self.value}"
            if not given:
                at = arguments.children[-1].start
                found.append(Replacement(at, at, text))
            else:
                found.append(Replacement(given[-1].end, given[-1].end, f", {text}"))
        return found


@dataclass(frozen=True, slots=True)
class KeywordRemoved:
    """`fit(X, normalize=True)` to `fit(X)`: wherever the callee is called with the keyword."""

    callee: Callee
    keyword: str
    examples: int = 2
    trust: Trust = "weak"

    @property
    def needle(self) -> str:
        return self.keyword

    @property
    def what(self) -> str:
        return f"drop {self.keyword}="

    @property
    def where(self) -> str:
        return f"call of {self.callee.name}"

    def places(self, tree: SyntaxTree) -> list[Replacement]:
        found = []
        for call in tree.of_kind("call"):
            if not self.callee.fits(call):
                continue
            argument = keyword_of(call, self.keyword)
            arguments = call.child("arguments")
            if argument is None or arguments is None:
                continue
            parts = arguments.children
            at = parts.index(argument)
            if parts[at - 1].kind == ",":
                found.append(Replacement(parts[at - 1].start, argument.end, ""))
            elif parts[at + 1].kind == ",":
                behind = parts[at + 2].start if at + 2 < len(parts) else parts[at + 1].end
                found.append(Replacement(argument.start, behind, ""))
            else:
                found.append(Replacement(argument.start, argument.end, ""))
        return found


def _argument_value(call: Node, slot: str | int) -> Node | None:
    if isinstance(slot, str):
        argument = keyword_of(call, slot)
        return argument.child("value") if argument is not None else None
    given = arguments_of(call)
    if slot < len(given) and all(
        a.kind not in ("keyword_argument", "list_splat", "dictionary_splat")
        for a in given[: slot + 1]
    ):
        return given[slot]
    return None


def _normal(value: Node) -> str:
    """An argument's text; of a plain string its content in double quotes."""
    inner = plain_content(value) if value.kind == "string" else None
    return f'"{inner.text}"' if inner is not None else value.text


def _unquoted(text: str) -> str | None:
    """The content of a plain string that is valid in any quotes, otherwise None."""
    if len(text) < 2 or text[0] not in "\"'" or text[-1] != text[0]:
        return None
    content = text[1:-1]
    return None if set(content) & set("\"'\\\n{}") else content


def _slot(value: Node) -> tuple[Node, str | int] | None:
    """The call, and the keyword or position of the value."""
    above = value.parent
    if above is not None and above.kind == "keyword_argument" and value.field == "value":
        name, call = above.child("name"), enclosing_call(above)
        return (call, name.text) if name is not None and call is not None else None
    call = enclosing_call(value)
    if call is None:
        return None
    given = arguments_of(call)
    return (call, given.index(value)) if value in given else None


def keyword_rules(change: NodeChange, around: Around) -> Iterator[Rule]:
    old, new = change.old, change.new
    above, beyond = old.parent, new.parent
    if above is not None and above.kind == "keyword_argument" and old.field == "name":
        if new.field == "name" and new.kind == "identifier" and beyond is not None:
            yield from _renamed(above, beyond, old.text, new.text, around)
        return
    place, target = _slot(old), _slot(new)
    if place is not None and target is not None and place[1] == target[1]:
        called = around.callee(place[0])
        if called is not None and called.name == callee(target[0]):
            yield from _argument_rules(called, place[1], old, new, around)
    if old.kind == new.kind == "argument_list":
        call, after = old.parent, new.parent
        if call is None or after is None or call.kind != "call" or after.kind != "call":
            return
        name = around.callee(call)
        if name is None or name.name != callee(after):
            return
        given, gives = _by_keyword(call), _by_keyword(after)
        if given is None or gives is None or given[0] != gives[0]:
            return
        added = {k: v for k, v in gives[1].items() if k not in given[1]}
        removed = [k for k in given[1] if k not in gives[1]]
        if any(gives[1].get(k, v) != v for k, v in given[1].items()):
            return
        if len(added) == 1 and not removed:
            ((keyword, value),) = added.items()
            yield KeywordAdded(name, keyword, value)
        elif len(removed) == 1 and not added:
            error = around.facts.error
            unknown = (
                error is not None
                and error.exception == "TypeError"
                and "unexpected keyword" in error.message
                and removed[0] in (error.name, *re.findall(r"'([^']+)'", error.message))
            )
            if unknown:
                yield KeywordRemoved(name, removed[0], examples=1, trust="known")
            else:
                yield KeywordRemoved(name, removed[0])


def _renamed(old: Node, new: Node, was: str, now: str, around: Around) -> Iterator[Rule]:
    """Rules for a keyword argument whose name changed and whose value did not."""
    value, given, call = old.child("value"), new.child("value"), enclosing_call(old)
    if call is None or value is None or given is None or value.text != given.text:
        return
    name = around.callee(call)
    if name is None or name.name == "dict":  # keys of the user's own record
        return
    if around.defines(name.name):  # its own parameter: left to the symbols lane
        return
    known = around.facts.named(name.name)
    if known is not None and was in known.keywords and now in known.keywords:
        # Both exist: one was confused with the other.
        yield KeywordRenamed(name, was, now, examples=2, trust="weak")
        return
    gone = known is not None and now in known.keywords
    yield KeywordRenamed(name, was, now, trust="known" if gone else "specific")
    yield KeywordRenamed(None, was, now, examples=2, trust="weak")


def _argument_rules(
    name: Callee, slot: str | int, old: Node, new: Node, around: Around
) -> Iterator[Rule]:
    if old.kind == new.kind == "string":
        was, now = plain_content(old), plain_content(new)
        if was is None or now is None or not was.text.strip():
            return
        if isinstance(slot, str):
            # A keyword's own vocabulary ("liblinear"); a title or a label differs in each call.
            vocabulary = is_word(was.text) and is_word(now.text)
            specific = vocabulary and not differs_in_digits(was.text, now.text)
            # A column or a label is chosen for each call, unless its spelling was corrected.
            free = slot in FREE_TEXT and not is_akin(was.text, now.text)
            picked = free or around.existed_quoted(now.text)
            examples = 1 if specific and not picked else 2
            trust: Trust = "specific" if examples == 1 else "weak"
            yield ArgumentReplaced(name, slot, _normal(old), _normal(new), examples, trust)
        elif not was.text.count(" "):
            yield ArgumentReplaced(name, slot, _normal(old), _normal(new), 2)
        return
    plain = NUMBERS | LITERALS | {"string", "unary_operator", "tuple", "list"}
    if old.kind in plain and new.kind in plain:
        yield ArgumentReplaced(name, slot, _normal(old), _normal(new), 2)


def _by_keyword(call: Node) -> tuple[list[str], dict[str, str]] | None:
    positional, keywords = [], {}
    for argument in arguments_of(call):
        name, value = argument.child("name"), argument.child("value")
        if argument.kind == "keyword_argument" and name is not None and value is not None:
            keywords[name.text] = value.text
        elif argument.kind in ("ERROR", "generator_expression"):
            return None
        else:
            positional.append(argument.text)
    return positional, keywords

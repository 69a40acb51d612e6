"""Texts within the bounds on which a parser, a scanner or a search may be slow, from a seed.

Each kind is a sort of text, at any size: deep nesting, chains, long lines, many lines, strings left
open, thousands of names, columns and keywords. `hostile_request` puts them where a request has
texts: at the caret, in the other cells, in the edit history.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from itertools import pairwise
from random import Random
from typing import Any

from mutations import request

CELL_BYTES, REQUEST_BYTES = 64_000, 1_000_000  # `core.request.Bounds`

Maker = Callable[[int, Random], str]


def repeated(piece: str, head: str = "", tail: str = "") -> Maker:
    return lambda size, _: head + piece * ((size - len(head) - len(tail)) // len(piece)) + tail


def nested(opener: str, inside: str, closer: str) -> Maker:
    def make(size: int, _: Random) -> str:
        depth = (size - len(inside)) // (len(opener) + len(closer) or 1)
        return opener * depth + inside + closer * depth

    return make


def numbered(line: str) -> Maker:
    """Lines that are all different: `{}` in `line` is replaced by the number."""

    def make(size: int, _: Random) -> str:
        said: list[str] = []
        length = number = 0
        while length < size:
            said.append(line.replace("{}", str(number)))
            length += len(said[-1])
            number += 1
        return "".join(said[:-1])

    return make


def _indented(size: int, _: Random) -> str:
    """Blocks in blocks, as deep as the size allows."""
    lines: list[str] = []
    length = depth = 0
    while length < size:
        lines.append(" " * depth + f"if a{depth}:\n")
        length += len(lines[-1])
        depth += 1
    return "".join(lines[:-1]) + " " * depth + "x = 1"


def _soup(pieces: str) -> Maker:
    def make(size: int, random: Random) -> str:
        return "".join(random.choice(pieces) for _ in range(size))

    return make


def _f_strings(size: int, _: Random) -> str:
    """Nested f-strings, alternating between the kinds of quote."""
    quotes = ('f"{', "f'{", 'f"""{', "f'''{")
    return "".join(quotes[at % 4] for at in range(size // 4))


def _long_words(size: int, random: Random) -> str:
    return " ".join(random.choice("abcé中") * 900 for _ in range(size // 901))


KINDS: dict[str, Maker] = {
    "round brackets": nested("(", "a", ")"),
    "square brackets": nested("[", "a", "]"),
    "braces": nested("{", "a", "}"),
    "mixed brackets": nested("([{", "a", "}])"),
    "wrong brackets": nested("([{", "a", ")]}"),
    "open round": repeated("("),
    "open square": repeated("["),
    "open braces": repeated("{"),
    "closed round": repeated(")"),
    "calls in calls": nested("f(", "a", ")"),
    "keyword calls in calls": nested("f(a=", "a", ")"),
    "subscripts in subscripts": nested("a[", "b", "]"),
    "open subscripts": repeated("a["),
    "open calls": repeated("f("),
    "open keywords": repeated("f(a=1, b="),
    "dictionaries in dictionaries": nested('{"a": ', "1", "}"),
    "lambdas": repeated("lambda x: ", tail="x"),
    "comprehensions": nested("[", "x", " for x in y]"),
    "conditions": repeated("a if b else ", tail="c"),
    "not": repeated("not ", tail="a"),
    "minus": repeated("-", tail="a"),
    "tilde": repeated("~", tail="a"),
    "await": repeated("await ", tail="a"),
    "yield": repeated("(yield ", tail="a"),
    "walrus": repeated("(a := ", tail="1"),
    "stars": repeated("*", tail="a"),
    "double stars": repeated("a ** ", tail="a"),
    "power": repeated("a**-", tail="a"),
    "sums": repeated("a + ", tail="a"),
    "comparisons": repeated("a < ", tail="a"),
    "and": repeated("a and ", tail="a"),
    "attributes": repeated("a.", tail="a"),
    "attributes open": repeated("a."),
    "attributes over lines": repeated("a.\n"),
    "calls in a row": repeated(".f()", head="a"),
    "subscripts in a row": repeated("[0]", head="a"),
    "attributes and subscripts": repeated('.a["b"]', head="a"),
    "calls of calls": repeated("()", head="a"),
    "assignments in a row": repeated("a = ", tail="1"),
    "typed assignments": repeated("a: b = 1\n"),
    "names in a row": repeated("a "),
    "names with commas": repeated("a, ", tail="a"),
    "targets": repeated("a, ", tail="b = c"),
    "starred targets": repeated("*a, ", tail="b = c"),
    "decorators": repeated("@a\n", tail="def f(): pass"),
    "decorators open": repeated("@a(\n"),
    "imports": repeated("import a\n"),
    "dotted imports": repeated("a.", head="import ", tail="a"),
    "import from": repeated("a, ", head="from b import ", tail="a"),
    "relative import": repeated(".", head="from ", tail=" import a"),
    "classes in classes": lambda size, _: "".join(
        " " * d + f"class A{d}:\n" for d in range(int((2 * size) ** 0.5) - 12)
    ),
    "functions in functions": lambda size, _: "".join(
        " " * d + f"def f{d}(a, b=1):\n" for d in range(int((2 * size) ** 0.5) - 20)
    ),
    "blocks in blocks": _indented,
    "one-line blocks": repeated("if a: b\n"),
    "elif": repeated("elif a:\n b\n", head="if a:\n b\n"),
    "semicolons": repeated("a=1;"),
    "try": repeated("try:\n a\nexcept B as b:\n c\n"),
    "with": repeated("with a as b:\n c\n"),
    "match": repeated(" case [a, *b]: c\n", head="match x:\n"),
    "patterns in patterns": lambda size, _: (
        "match x:\n case " + "[" * (size // 2 - 20) + "a" + "]" * (size // 2 - 20) + ": b"
    ),
    "or patterns": lambda size, _: "match x:\n case " + "A() | " * (size // 6 - 9) + "B(): b",
    "double quotes": repeated('"'),
    "single quotes": repeated("'"),
    "mixed quotes": repeated("\"'"),
    "triple quotes": repeated('"""'),
    "empty strings": repeated('"" '),
    "strings in a row": repeated('"a" '),
    "open string": repeated("a ", head='"'),
    "open triple": repeated("a\n", head='"""'),
    "open triples": repeated("'''a\"\"\"\n"),
    "f-strings in f-strings": _f_strings,
    "f-strings open": repeated("f'{"),
    "f-strings triple open": repeated("f'''{"),
    "f-string of fields": repeated("{a}", head='f"', tail='"'),
    "f-string of open fields": repeated("{", head='f"'),
    "f-string of specs": nested("f'{a:{", "b", "}}'"),
    "f-string of formats": repeated("{a:", head='f"'),
    "f-string of braces": repeated("{{", head='f"', tail='"'),
    "f-string of calls": repeated("{f(", head='f"'),
    "f-string of equals": repeated("{a=}", head='f"', tail='"'),
    "f-string of bangs": repeated("{a!r:", head='f"'),
    "template": repeated("{", head="t'"),
    "backslashes": repeated("\\"),
    "escapes": repeated('\\"', head='"'),
    "joined lines": repeated("\\\n"),
    "joined names": repeated("a\\\n"),
    "joined strings": repeated('"a"\\\n'),
    "hashes": repeated("#"),
    "comments": repeated("# a\n"),
    "comment": repeated("a ", head="# "),
    "blanks": repeated(" "),
    "tabs": repeated("\t"),
    "empty lines": repeated("\n"),
    "carriage returns": repeated("\r"),
    "both line ends": repeated("\r\n"),
    "form feeds": repeated("\f"),
    "zero bytes": repeated("\0"),
    "indented blanks": repeated(" \n"),
    "blanks growing": lambda size, _: "".join(
        " " * n + "\n" for n in range(int((2 * size) ** 0.5) - 1)
    ),
    "blanks and names growing": lambda size, _: "".join(
        " " * n + "a\n" for n in range(int((2 * size) ** 0.5) - 2)
    ),
    "digits": repeated("9"),
    "hexadecimal": repeated("f", head="0x"),
    "exponents": repeated("1e", tail="1"),
    "underscores": repeated("1_", tail="1"),
    "points": repeated("."),
    "numbers and points": repeated("1."),
    "one word": repeated("a"),
    "one word of accents": repeated("é"),
    "combining marks": repeated("\u0301", head="a"),
    "emoji": repeated("😀"),
    "surrogates": repeated("\ud800"),
    "bidirectional": repeated("\u202e"),
    "wide letters": repeated("\uff41", head="x = "),
    "ligatures": repeated("\ufb01 = 1\n"),
    "long words": _long_words,
    "magics": repeated("%time a\n"),
    "magics in a row": repeated("%time "),
    "cell magic": repeated("a\n", head="%%bash\n"),
    "cell magics": repeated("%%time\n"),
    "timeit": repeated("-n 1 ", head="%timeit ", tail="a"),
    "shell": repeated("!ls {a} $b\n"),
    "shell braces": repeated("{", head="!ls "),
    "shell fields": repeated("{a[", head="!ls "),
    "shell dollars": repeated("$", head="!ls "),
    "shell line": repeated("{a}$b ", head="x = !ls "),
    "magics that run a shell line": repeated("%time ", tail="!ls {a}"),
    "help": repeated("a?\n"),
    "help marks": repeated("?"),
    "help targets": repeated("a.", tail="a?"),
    "prompts": repeated(">>> a\n"),
    "prompts in a row": repeated(">>> "),
    "numbered prompts": repeated("In [1]: "),
    "sql": repeated(":a {{b}} ", head="%%sql\nselect "),
    "sql quotes": repeated("'", head="%%sql x << \n"),
    "many names": numbered("name_{} = {}\n"),
    "many reads": numbered("print(name_{})\n"),
    "many columns": numbered('df["column_{}"] = df["old"]\n'),
    "many keys": numbered('"key_{}": {}, '),
    "many keywords": numbered("f(keyword_{}=old)\n"),
    "many parameters": numbered("def f_{}(a, b=old, *c, **d): return a\n"),
    "many classes": numbered("class C_{}(Base):\n    old = 1\n    def m(self): self.old\n"),
    "many attributes": numbered("self.attribute_{} = self.old\n"),
    "many imports": numbered("import module_{} as m_{}\n"),
    "many functions of one name": numbered("def f(a_{}=1): return f(a_{}=old)\n"),
    "one name in a loop": repeated("for old in old:\n    old += old\n"),
    "loops in loops": repeated("for a in b: ", tail="c"),
    "globals": repeated("global a\n", head="def f():\n"),
    "one call": repeated("a, ", head="f(", tail=")"),
    "one call of keywords": numbered("k{}=1, "),
    "one list": repeated("1, ", head="x = [", tail="]"),
    "one dictionary": repeated('"a": 1, ', head="x = {", tail="}"),
    "chain of methods": repeated(".old(a=1)", head="df"),
    "chain over lines": repeated("\n  .old('a')", head="(df"),
    "print statements": repeated("print 'old'\n"),
    "repr quotes": repeated("`"),
    "exec": repeated("exec 'a' in b\n"),
    "brackets soup": _soup("()[]{}"),
    "quotes soup": _soup("\"'\\\n{}f a"),
    "everything soup": _soup("()[]{}\"'\\\n#:;,.=@%!?$ afbx01é"),
    "lines of soup": _soup("()[]=:.,+- \nab"),
    "html": repeated("<a href='x'>", head="%%html\n"),
    "secrets": repeated("token='a1b2c3d4e5' "),
    "names of secrets": repeated("password "),
    "addresses": repeated("a://b:c@d "),
    "hex": lambda size, random: "".join(random.choice("0123456789abcdef") for _ in range(size)),
    "base64": lambda size, random: "".join(random.choice("abcXYZ0189+/") for _ in range(size)),
    "doctests": repeated('>>> old("a")\n1\n', head='"""\n', tail='"""'),
    "type comments": repeated("a = 1  # type: int\n"),
    "annotations": nested("List[", "int", "]"),
    "string annotations": repeated("x: 'List[old]' = 1\n"),
    "type parameters": repeated("T, ", head="def f[", tail="T](): pass"),
    "type aliases": repeated("type A = B\n"),
    "unfinished": repeated("def \nclass \nif \nfor \n"),
    "unfinished calls": repeated("f(a,\n"),
    "unfinished strings": repeated("x = 'a\n"),
    "unfinished imports": repeated("from a import (\n"),
    "colons": repeated(":"),
    "commas": repeated(","),
    "equals": repeated("="),
    "arrows": repeated("->"),
    "at signs": repeated("@"),
    "ellipses": repeated("..."),
    "marks of keys": repeated("eyJ.eyJ"),
    "renames of columns": numbered('df = df.rename(columns={"old{}": "new{}"})\n'),
    "one rename of columns": lambda size, _: (
        "df = df.rename(columns={"
        + ", ".join(f'"a{i}": "b{i}"' for i in range(size // 18))
        + "})"
    ),
    "columns in one list": lambda size, _: (
        "df[[" + ", ".join(f'"a{i}"' for i in range(size // 10)) + "]]"
    ),
    "numbers in groups": lambda size, random: "\n".join(
        f"'{random.getrandbits(32):08x}-1a2b-3c4d-5e6f-{random.getrandbits(48):012x}'"
        for _ in range(size // 40)
    ),
    "one handler of many": repeated("except B as b:\n c\n", head="try:\n a\n"),
    "handlers of groups": repeated("try:\n a\nexcept* B as b:\n c\n"),
    "walrus in comprehensions": nested("[(y := ", "x", ") for x in y]"),
    "class patterns": lambda size, _: (
        "match x:\n case " + "A(b=" * (size // 5 - 20) + "c" + ")" * (size // 5 - 20) + ": d"
    ),
    "global and def": numbered("def f{}():\n global old\n old = {}\n"),
    "letters of mathematics": repeated("\U0001d499 = old\n"),
    "heirs": numbered("class C{}(D): old = 1\nD = C{}\n"),
}  # fmt: skip
EDITS = (
    ("df.append(x)", "df.concat(x)"),
    ("old = 1", "new = 1"),
    ("f(old=1)", "f(new=1)"),
    ("import old", "import new"),
    ("x = 'old'", "x = 'new'"),
    ("def f(a, b):\n    return a", "def f(a):\n    return a"),
    ("df['old']", "df['new']"),
    ("print old", "print(old)"),
    ("a = 1", "a = "),
    ("for old in x: pass", "for new in x: pass"),
)
PLACES = (
    *("caret", "end", "middle", "others", "history", "same line", "grown"),
    *("replaced", "replaced twice"),
)


def hostile_request(
    kind: str, place: str, random: Random, size: int = 60_000, others: int = 13
) -> dict[str, Any]:
    """A request with texts of one kind at one place, right after an edit of a person."""
    make = KINDS[kind]
    before, after = random.choice(EDITS)
    fields: dict[str, Any] = {"want": ["inline", "next_edit", "rename"]}

    def text(limit: int) -> str:
        made = make(limit, random)
        while len(made.encode("utf-8", "surrogatepass")) > limit:
            made = made[: len(made) * 9 // 10]
        return made

    if place == "others":
        cells = [after, *(text(size) for _ in range(others)), before]
        return request(cells, 0, len(after), history=[_event(0, before, after)], **fields)
    if place == "history":
        # An event holds two texts.
        past = [text(size // 2) for _ in range(5)]
        states = [after, *(f"{before}\n{one}" for one in past), after]
        events = [_event(0, a, b) for a, b in pairwise(states)]
        return request([after, before], 0, len(after), history=events, **fields)
    hostile = text(size)
    if place == "caret":
        was, now, offset = f"{before}\n{hostile}", f"{after}\n{hostile}", len(after)
    elif place == "end":
        was, now = f"{hostile}\n{before}", f"{hostile}\n{after}"
        offset = len(now)
    elif place == "same line":
        was, now = f"{before} {hostile}", f"{after} {hostile}"
        offset = len(after)
    elif place in ("replaced", "replaced twice"):
        # One word, or the first two, as an editor's "replace" does it.
        hostile = text(size // 3)
        word = max(re.findall(r"[^\W\d]\w{0,20}", hostile[:2_000]) or ["a"], key=len)
        was, now = hostile, hostile.replace(word, f"{word}_2", 2 if "twice" in place else -1)
        offset = min(len(word), len(now))
    elif place == "grown":
        was, now, offset = before, f"{after}\n{hostile}", len(after) + 1 + len(hostile)
    else:
        was = hostile
        offset = len(hostile) // 2
        now = hostile[:offset] + random.choice(("a", ".", "(", " ", "\n", "'")) + hostile[offset:]
        offset += 1
    return request([now, before], 0, offset, history=[_event(0, was, now)], **fields)


def _event(cell: int, before: str, after: str) -> dict[str, Any]:
    return {"cell": f"c{cell}", "before": before, "after": after, "origin": "typed", "at": 1.0}

"""IPython's syntax, masked: a text of equal length that Python's grammar can read.

Every offset in the masked text is the same place in the cell. What is no Python becomes blanks
with a `0` where a statement has to stand, so that blocks stay blocks. The code that magics run
(`%time f(x)`, the body of `%%timeit`) stays in place, names that magics and shell lines read
(`{name}`, `$name`) are listed as snippets.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

from nextedit_jupyter.analysis.budget import spend
from nextedit_jupyter.analysis.magic_names import (
    CODE_CELL_MAGICS,
    CODE_LINE_MAGICS,
    NAME_LINE_MAGICS,
)

RegionKind = Literal["magic", "shell", "help", "cell-magic", "foreign"]


@dataclass(frozen=True, slots=True)
class Region:
    """A stretch of the source, in code points, that is no Python."""

    start: int
    end: int
    kind: RegionKind


@dataclass(frozen=True, slots=True)
class Snippet:
    """Python inside of what is masked. `exec` is a statement, `eval` an expression."""

    start: int
    end: int
    mode: Literal["eval", "exec"] = "eval"


@dataclass(frozen=True, slots=True)
class Masked:
    """`text` has the length and the line breaks of `source`.

    `language` is "python", or the name of the cell magic whose body is something else; then the
    whole text is blank. `binds` are the names that a magic assigns (`%%capture out`).
    """

    source: str
    text: str
    language: str = "python"
    regions: tuple[Region, ...] = ()
    snippets: tuple[Snippet, ...] = ()
    binds: tuple[tuple[int, int], ...] = ()

    @property
    def is_python(self) -> bool:
        return self.language == "python"


_SUSPECT = re.compile(
    r"^[ \t]*(?:[%!?,;/]|>>>|In \[|(?:pip3?|conda|mamba|cd)[ \t])|=[ \t]*[%!]|\?[ \t]*(?:#.*)?$",
    re.M,
)
_PROMPT = re.compile(r"^[ \t]*(?:>>> ?|\.{3,}: |\.\.\. ?|In \[\d*\]: ?)", re.M)
_FIRST_PROMPT = re.compile(r"[ \t]*(?:>>>|In \[\d*\]:)")
_CELL_MAGIC = re.compile(r"[ \t]*%%(?P<name>[\w.]+)(?P<help>\?*)(?P<line>[^\n]*)")
_LINE_MAGIC = re.compile(r"%{1,2}(?P<name>[\w.]+)")
_ASSIGNED = re.compile(
    r"[ \t]*[^\W\d][\w., \t*]*(?:\[[^\]\n]*\][\w., \t]*)*(?::[^=\n'\"()]*)?=[ \t]*(?=[!%](?!=))"
)
_AUTOMAGIC = re.compile(
    r"[ \t]*(?:(?:pip3?|conda|mamba) +(?:install|uninstall|list)\b|cd +[\w.~/])"
)
_OPTION = re.compile(r"[ \t]+-(?:(?:[nplsTDRru]|f)[ \t]*(?P<value>[^\s-]\S*)|[a-zA-Z]+\b)")
_COMPOUND = re.compile(r"(?:for|while|with|if|def|class|try|async|@)\b")
_BLANKS = re.compile(r"\s*")
_NAME = re.compile(r"[^\W\d]\w*")
_DOLLAR = re.compile(r"\$(?:\$[\w.]+|(?P<name>[\w.]+))")
_HELP_TARGET = re.compile(r"[^\W\d]\w*(?:\.[^\W\d]\w*|\[[^\]\n]*\])*[ \t]*")
_LEX = re.compile(
    r"(?P<string>[rbuftRBUFT]{0,2}(?P<quote>\"\"\"|'''|\"|'))|(?P<comment>#[^\n]*)"
    r"|(?P<open>[(\[{])|(?P<close>[)\]}])|(?P<continued>\\\r?\n)|(?P<newline>\n)"
)
_STRING_END = {
    '"': re.compile(r'(?:[^"\\\n]|\\.)*("|(?=\n)|$)', re.S),
    "'": re.compile(r"(?:[^'\\\n]|\\.)*('|(?=\n)|$)", re.S),
    '"""': re.compile(r'(?:[^"\\]|\\.|"(?!""))*("""|$)', re.S),
    "'''": re.compile(r"(?:[^'\\]|\\.|'(?!''))*('''|$)", re.S),
}
# Magics of other languages that take names from the kernel and give names back: `-i a,b -o c`.
_BRIDGES = ("R", "octave", "julia", "matlab", "spark", "sparkr", "sparksql", "snowpark")
_WRITES = {  # cell or line magics that assign: how the name is given
    "capture": re.compile(r"(?<=[ \t])(?P<name>[^\W\d]\w*)"),  # no option has a value
    "bash": re.compile(r"--(?:out|err|proc)[ =](?P<name>[^\W\d]\w*)"),
    "sh": re.compile(r"--(?:out|err|proc)[ =](?P<name>[^\W\d]\w*)"),
    "script": re.compile(r"--(?:out|err|proc)[ =](?P<name>[^\W\d]\w*)"),
    "sql": re.compile(r"(?<!\w)(?P<name>[^\W\d]\w*)[ \t]*<<"),
    "bigquery": re.compile(r"\A[ \t]+(?P<name>[^\W\d]\w*)(?=[ \t\n]|\Z)"),
    **dict.fromkeys(_BRIDGES, re.compile(r"(?:-o|--output)[ =]?(?P<name>[^\W\d][\w,]*)")),
    **dict.fromkeys(
        ("Rpull", "octave_pull"), re.compile(r"(?<=[ \t])(?P<name>[^\W\d]\w*)(?=[ \t\n]|\Z)")
    ),
    "macro": re.compile(r"(?<=[ \t])(?P<name>[^\W\d]\w*)"),
}
# Parameters of a query: `:limit`, `{{limit}}`, `{limit}`; `::text` is a cast, and quotes hold text.
_BOUND = re.compile(
    r"'[^'\n]*'|(?<![:\w]):(?P<name>[^\W\d]\w*)(?![\w:(])|\{\{[ \t]*(?P<field>[^\W\d]\w*)"
    r"|(?<!\{)\{(?P<filled>[^\W\d]\w*)\}(?!\})"
)
_READS = {
    "sql": _BOUND,
    **dict.fromkeys(_BRIDGES, re.compile(r"(?:-i|--input)[ =]?(?P<name>[^\W\d][\w,]*)")),
}
# What a query's result is given to, where the body begins with it: `rows << select 1`.
_GIVEN = re.compile(r"[ \t]*(?P<name>[^\W\d]\w*)[ \t]*<<")
# Cell magics whose body reads names of the kernel.
_BODIES = frozenset(["sql"])


def mask(source: str) -> Masked:
    """The cell's text with everything that is no Python blanked, at equal length.

    Raises nothing but OverBudget. Costs one regular expression where there is no IPython syntax.
    """
    text = source
    if not source.isascii() and not _is_valid(source):
        text = "".join("\ufffd" if "\ud800" <= char <= "\udfff" else char for char in source)
    if not _SUSPECT.search(text):
        return Masked(source, text)
    spend(len(text) // 4)
    return _Masker(source, text).run()


def _is_valid(text: str) -> bool:
    try:
        text.encode("utf-8")
    except UnicodeEncodeError:
        return False
    return True


def blank(text: str) -> str:
    """Spaces in place of everything but line breaks."""
    return re.sub(r"[^\n]", " ", text)


class _Masker:
    def __init__(self, source: str, text: str) -> None:
        self.source = source
        self.text = text
        self.pieces: list[tuple[int, int, str]] = []  # start, end, what stands there instead
        self.regions: list[Region] = []
        self.snippets: list[Snippet] = []
        self.binds: list[tuple[int, int]] = []

    def run(self) -> Masked:
        at = len(self.text) - len(self.text.lstrip())
        at = self.text.rfind("\n", 0, at) + 1
        language = "python"
        while (magic := _CELL_MAGIC.match(self.text, at)) and not magic["help"]:
            end = magic.end()
            self.cell_magic(magic)
            body = min(end + 1, len(self.text))
            if magic["name"] not in CODE_CELL_MAGICS:
                language = magic["name"]
                if magic["name"] in _BODIES and (given := _GIVEN.match(self.text, body)):
                    self.binds.append(given.span("name"))
                if magic["name"] in _BODIES:
                    self.snippets += self.read_by(magic["name"], body, len(self.text))
                if body < len(self.text):
                    self.replace(body, len(self.text), "foreign", blank(self.text[body:]))
                at = len(self.text)
                break
            # What follows runs as a cell of its own, and may begin with another magic.
            blanks = _BLANKS.match(self.text, body)
            at = blanks.end() if blanks else body
            if at < len(self.text):
                at = max(self.text.rfind("\n", body, at) + 1, body)
        if _FIRST_PROMPT.match(self.text, at):
            for prompt in _PROMPT.finditer(self.text, at):
                self.pieces.append((prompt.start(), prompt.end(), blank(prompt[0])))
            self.text = self.assemble()
            self.pieces = []
        while at < len(self.text):
            at = self.line(at)
        return Masked(
            self.source,
            self.assemble(),
            language,
            tuple(self.regions),
            tuple(self.snippets),
            tuple(self.binds),
        )

    def assemble(self) -> str:
        parts, at = [], 0
        for start, end, text in sorted(self.pieces):
            parts += [self.text[at:start], text]
            at = end
        parts.append(self.text[at:])
        return "".join(parts)

    def replace(self, start: int, end: int, kind: RegionKind, text: str) -> None:
        self.pieces.append((start, end, text))
        self.regions.append(Region(start, end, kind))

    def cell_magic(self, magic: re.Match[str]) -> None:
        name, line = magic["name"], magic.start("line")
        self.replace(magic.start(), magic.end(), "cell-magic", blank(magic[0]))
        if name in ("timeit", "prun", "memit", "lprun", "mprun"):
            start = self.options(line, magic.end())
            if self.text[start : magic.end()].strip():  # the setup statement
                self.snippets.append(Snippet(start, magic.end(), "exec"))
        else:
            self.expanded(line, magic.end())
        self.named(name, line, magic.end())

    def named(self, magic: str, start: int, end: int) -> None:
        if pattern := _WRITES.get(magic):
            for found in pattern.finditer(self.text[start:end]):
                self.binds += [(start + a, start + b) for a, b in _listed(found, "name")]
        self.snippets += self.read_by(magic, start, end)

    def read_by(self, magic: str, start: int, end: int) -> list[Snippet]:
        """The names that a magic takes from the kernel between two places."""
        pattern = _READS.get(magic)
        if pattern is None:
            return []
        spans: list[tuple[int, int]] = []
        for found in pattern.finditer(self.text, start, end):
            for group in pattern.groupindex:
                if found[group]:
                    spans += _listed(found, group)
        return [Snippet(*span) for span in spans]

    def line(self, start: int) -> int:
        """Mask the logical line that starts here; returns where the next one starts."""
        text = self.text
        at = start
        while at < len(text) and text[at] in " \t\f\r":
            at += 1
        if at >= len(text):
            return at
        head = text[at]
        if head == "\n":
            return at + 1
        if head in "%!":
            end = self.continued(at)
            self.escaped(at, end)
            return end + 1
        if head in "?,;/" or _AUTOMAGIC.match(text, at):
            end = self.continued(at)
            if head == "?" and _HELP_TARGET.fullmatch(text[at:end].lstrip("?").rstrip()):
                marks = len(text[at:end]) - len(text[at:end].lstrip("?"))
                self.replace(at, at + marks, "help", "+" * marks)
            else:
                kind: RegionKind = "help" if head == "?" else "magic"
                self.replace(at, end, kind, _nothing(text[at:end]))
            return end + 1
        if assigned := _ASSIGNED.match(text, at):
            end = self.continued(at)
            self.escaped(assigned.end(), end)
            return end + 1
        return self.python(at)

    def continued(self, at: int) -> int:
        """The end of a line that backslashes may carry on, without its line break."""
        while True:
            end = self.text.find("\n", at)
            if end < 0:
                return len(self.text)
            if not self.text[at:end].rstrip("\r").endswith("\\"):
                return end
            at = end + 1

    def python(self, start: int) -> int:
        """Pass over a logical line of Python; marks of help at its end are masked."""
        text, at, depth, question = self.text, start, 0, -1
        while found := _LEX.search(text, at):
            between = text[at : found.start()].rstrip()
            if between:
                question = at + len(between) if between.endswith("?") else -1
            at = found.end()
            if found["string"]:
                end = _STRING_END[found["quote"]].match(text, at)
                at, question = end.end() if end else len(text), -1
            elif found["open"]:
                depth, question = depth + 1, -1
            elif found["close"]:
                depth, question = max(depth - 1, 0), -1
            elif found["newline"] and not depth:
                break
        else:
            tail = text[at:].rstrip()
            if tail:
                question = at + len(tail) if tail.endswith("?") else -1
            at = len(text)
        if question > 0:
            first = question
            while first > start and text[first - 1] == "?":
                first -= 1
            target = text[start:first]
            if target.rstrip() and _HELP_TARGET.fullmatch(target):
                self.replace(first, question, "help", " " * (question - first))
            elif "\n" not in target:  # a wildcard, or help on what is no name
                self.replace(start, question, "help", _nothing(text[start:question]))
        return at

    def escaped(self, start: int, end: int) -> None:
        """A `%` or `!` up to the end of its line, as a statement or the value of an assignment."""
        text = self.text
        if text[start] == "!":
            self.expanded(start, end)
            self.replace(start, end, "shell", _nothing(text[start:end]))
            return
        magic = _LINE_MAGIC.match(text, start)
        name = magic["name"] if magic else ""
        if not magic or text[start:end].rstrip().endswith("?"):
            self.replace(start, end, "magic", _nothing(text[start:end]))
            return
        if name not in CODE_LINE_MAGICS:
            self.expanded(magic.end(), end)
            self.named(name, magic.end(), end)
            if name in NAME_LINE_MAGICS:
                restored = name == "store" and " -r" in text[magic.end() : end]
                for word in re.finditer(r"(?<=[ \t])[^\W\d][\w.]*", text[magic.end() : end]):
                    span = magic.end() + word.start(), magic.end() + word.end()
                    if restored:
                        self.binds.append(span)
                    else:
                        self.snippets.append(Snippet(*span))
            self.replace(start, end, "magic", _nothing(text[start:end]))
            return
        code = self.options(magic.end(), end)
        body = text[code:end].strip()
        is_statement = not text[text.rfind("\n", 0, start) + 1 : start].strip()
        if not body:
            self.replace(start, end, "magic", _nothing(text[start:end]))
        elif not is_statement:
            self.replace(start, code, "magic", " " * (code - start))
        elif _COMPOUND.match(body) or code - start < 6:
            self.snippets.append(Snippet(code, end, "exec"))
            self.replace(start, end, "magic", _nothing(text[start:end]))
        else:
            self.replace(start, code, "magic", "if 1:" + " " * (code - start - 5))

    def options(self, start: int, end: int) -> int:
        """Where the code begins after a magic's options."""
        at = start
        while option := _OPTION.match(self.text, at, end):
            if option["value"] and option[0].lstrip().startswith("-f"):
                self.snippets.append(Snippet(*option.span("value")))
            at = option.end()
        while at < end and self.text[at] in " \t":
            at += 1
        return at

    def expanded(self, start: int, end: int) -> None:
        """List what IPython fills in: `{expression}` and `$name`.

        It fills in all or nothing: one pair of braces that holds no expression, as in
        `awk '{print name}'`, and the line is passed on as it is.
        """
        try:
            fields = list(self.fields(start, end, 0))
        except _NotFilledInError:
            return
        self.snippets += [Snippet(*span) for span in fields if span[0] < span[1]]

    def fields(self, start: int, end: int, depth: int) -> Iterator[tuple[int, int]]:
        """Where the expressions stand; raises `_NotFilledInError` as IPython's formatter fails."""
        text, at, literal = self.text, start, start
        while at < end:
            char = text[at]
            if char not in "{}":
                at += 1
                continue
            if text.startswith(char * 2, at) and at + 1 < end:
                at += 2
                continue
            close = _closing(text, at + 1, end) if char == "{" else -1
            if close < 0 or depth > _MAX_FIELDS:
                raise _NotFilledInError
            yield from self.dollars(literal, at)
            stop = _expression_end(text, at + 1, close)
            if not _is_expression(text[at + 1 : stop]):
                raise _NotFilledInError
            if text[stop] == ":" and not _may_be_format(text[stop + 1 : close]):
                raise _NotFilledInError
            yield at + 1, stop
            yield from self.fields(stop, close, depth + 1)
            at = literal = close + 1
        yield from self.dollars(literal, end)

    def dollars(self, start: int, end: int) -> Iterator[tuple[int, int]]:
        """`$name`, but for those in single quotes, which are the shell's."""
        quotes = self.text.count("'", start, end)
        at = start
        for dollar in _DOLLAR.finditer(self.text, start, end):
            quotes -= self.text.count("'", at, dollar.end())
            at = dollar.end()
            if quotes % 2 == 0 and dollar["name"]:
                if not _is_expression(dollar["name"]):
                    raise _NotFilledInError
                yield dollar.span("name")


class _NotFilledInError(Exception):
    """The line holds something that IPython can't fill in."""


# IPython's formatter follows fields in a field's format, and none in those.
_MAX_FIELDS = 1
# Nobody writes an expression of this length into a shell line; reading it would take its time.
_MAX_EXPRESSION = 2_000


# Python's own format, or one with marks that dates and units have in theirs.
_FORMAT = re.compile(r"(?:.?[<>=^])?[ +-]?z?#?0?\d*[,_]?(?:\.\d+)?[a-zA-Z%]?|.*[%~].*", re.S)


def _may_be_format(text: str) -> bool:
    return "{" in text or _FORMAT.fullmatch(text) is not None


def _is_expression(text: str) -> bool:
    text = text.strip()
    if not text or len(text) > _MAX_EXPRESSION:
        return False
    try:
        compile(text, "<field>", "eval", ast.PyCF_ONLY_AST)
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return False
    return True


def _listed(found: re.Match[str], group: str) -> list[tuple[int, int]]:
    """The names of a list `a,b`, each with its place."""
    at = found.start(group)
    spans = []
    for name in found[group].split(","):
        if _NAME.fullmatch(name):
            spans.append((at, at + len(name)))
        at += len(name) + 1
    return spans


_PART_END = re.compile(r"![rsa](?=[:}])|:")


def _expression_end(text: str, at: int, end: int) -> int:
    """Where a field's expression ends: before its conversion or format."""
    depth = 0
    for i in range(at, end):
        if text[i] in "([{":
            depth += 1
        elif text[i] in ")]}":
            depth -= 1
        elif not depth and _PART_END.match(text, i):
            return i
    return end


def _closing(text: str, at: int, end: int) -> int:
    """Where the brace that is open before `at` closes; -1 if it does not."""
    depth = 1
    while at < end:
        if text[at] == "{":
            depth += 1
        elif text[at] == "}":
            depth -= 1
            if not depth:
                return at
        at += 1
    return -1


def _nothing(text: str) -> str:
    """A statement or a value that does nothing, as long as `text`, which is not empty."""
    return "0" + blank(text[1:])

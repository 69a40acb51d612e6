"""Masks IPython's syntax: returns a text of equal length that Python's grammar can parse.

Offsets in the masked text and in the cell are the same. What is not Python becomes spaces, with a
`0` where a statement is needed, so that blocks stay valid. The code that magics run (`%time f(x)`,
the body of `%%timeit`) stays in place; names that magics and shell lines read (`{name}`, `$name`)
are listed as snippets.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Literal

from nextedit_jupyter.analysis.budget import spend
from nextedit_jupyter.analysis.filled_in import filled_in
from nextedit_jupyter.analysis.magic_names import (
    CODE_CELL_MAGICS,
    CODE_LINE_MAGICS,
    NAME_LINE_MAGICS,
)

RegionKind = Literal["magic", "shell", "help", "cell-magic", "foreign"]


@dataclass(frozen=True, slots=True)
class Region:
    """A range of the source, in code points, that is not Python."""

    start: int
    end: int
    kind: RegionKind


@dataclass(frozen=True, slots=True)
class Snippet:
    """Python within a masked range. `exec` is a statement, `eval` an expression.

    `line` is the start of the line in which IPython substitutes it, -1 if it does not.
    """

    start: int
    end: int
    mode: Literal["eval", "exec"] = "eval"
    line: int = -1


@dataclass(frozen=True, slots=True)
class Masked:
    """`text` has the length and the line breaks of `source`.

    `language` is "python", or the name of a cell magic whose body is another language; then the
    whole text is blank. `binds` are the names that a magic assigns (`%%capture out`), `own` the
    ranges that `%timeit` runs in a separate function: what they bind is gone afterwards.
    """

    source: str
    text: str
    language: str = "python"
    regions: tuple[Region, ...] = ()
    snippets: tuple[Snippet, ...] = ()
    binds: tuple[tuple[int, int], ...] = ()
    own: tuple[tuple[int, int], ...] = ()

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
# `%time %timeit !ls`: nobody nests more, and each level reads the rest of the line again.
_MAX_DEPTH = 3
# Magics of other languages that take names from the kernel and return names: `-i a,b -o c`.
BRIDGES = ("R", "octave", "julia", "matlab", "spark", "sparkr", "sparksql", "snowpark")
# Cell magics that run another program, whose output can be assigned to a name: `--out name`.
_SCRIPTS = ("script", "bash", "sh", "perl", "ruby", "python", "python2", "python3", "pypy")
_WRITES = {  # cell or line magics that assign a name: how the name is written
    "capture": re.compile(r"(?<=[ \t])(?P<name>[^\W\d]\w*)"),  # no option has a value
    **dict.fromkeys(_SCRIPTS, re.compile(r"--(?:out|err|proc)[ =](?P<name>[^\W\d]\w*)")),
    "sql": re.compile(r"(?<!\w)(?P<name>[^\W\d]\w*)[ \t]*<<"),
    "bigquery": re.compile(r"\A[ \t]+(?P<name>[^\W\d]\w*)(?=[ \t\n]|\Z)"),
    **dict.fromkeys(BRIDGES, re.compile(r"(?:-o|--output)[ =]?(?P<name>[^\W\d][\w,]*)")),
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
    **dict.fromkeys(BRIDGES, re.compile(r"(?:-i|--input)[ =]?(?P<name>[^\W\d][\w,]*)")),
}
# The name that a query's result is assigned to, at the beginning of the body: `rows << select 1`.
_GIVEN = re.compile(r"[ \t]*(?P<name>[^\W\d]\w*)[ \t]*<<")
# Cell magics whose body reads names of the kernel.
_BODIES = frozenset(["sql"])


def mask(source: str) -> Masked:
    """The cell's text with everything that is not Python blanked, at equal length.

    Raises only OverBudget. Without IPython syntax it costs a single regular expression.
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
    """The text with everything but line breaks replaced by spaces."""
    return re.sub(r"[^\n]", " ", text)


class _Masker:
    def __init__(self, source: str, text: str) -> None:
        self.source = source
        self.text = text
        self.pieces: list[tuple[int, int, str]] = []  # start, end, replacement
        self.regions: list[Region] = []
        self.snippets: list[Snippet] = []
        self.binds: list[tuple[int, int]] = []
        self.own: list[tuple[int, int]] = []
        self.depth = 0  # of nested magics

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
            # What follows runs as a separate cell, and may begin with another magic.
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
            tuple(self.own),
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
        if name == "timeit":
            self.own.append((magic.start(), len(self.text)))
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
        """Mask the logical line that starts here; returns the start of the next one."""
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
                if kind == "magic" and head not in ",;/":
                    self.expanded(at, end)
                self.replace(at, end, kind, _nothing(text[at:end]))
            return end + 1
        if assigned := _ASSIGNED.match(text, at):
            end = self.continued(at)
            self.escaped(assigned.end(), end)
            return end + 1
        return self.python(at)

    def continued(self, at: int) -> int:
        """The end of a line, including continuations by backslash, without its line break."""
        while True:
            end = self.text.find("\n", at)
            if end < 0:
                return len(self.text)
            if not self.text[at:end].rstrip("\r").endswith("\\"):
                return end
            at = end + 1

    def python(self, start: int) -> int:
        """Skip a logical line of Python; a `?` for help at its end is masked."""
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
            elif "\n" not in target:  # a wildcard, or help on something that is not a name
                self.replace(start, question, "help", _nothing(text[start:question]))
        return at

    def escaped(self, start: int, end: int) -> None:
        """Mask a `%` or `!` up to the end of its line, as a statement or the value of an
        assignment."""
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
        if not body or body[0] in "!%":
            if body:  # `%time !ls {path}`
                self.read_escaped(code, end)
            self.replace(start, end, "magic", _nothing(text[start:end]))
            return
        if not is_statement:
            self.replace(start, code, "magic", " " * (code - start))
            return
        if name == "timeit":
            self.own.append((start, end))
        if _COMPOUND.match(body) or code - start < 6:
            self.snippets.append(Snippet(code, end, "exec"))
            self.replace(start, end, "magic", _nothing(text[start:end]))
        else:
            self.replace(start, code, "magic", "if 1:" + " " * (code - start - 5))

    def read_escaped(self, start: int, end: int) -> None:
        """Read a shell line or a magic that is run by a magic: none of it stays as code."""
        if self.depth == _MAX_DEPTH:
            return
        pieces, regions = len(self.pieces), len(self.regions)
        self.depth += 1
        self.escaped(start, end)
        self.depth -= 1
        del self.pieces[pieces:], self.regions[regions:]

    def options(self, start: int, end: int) -> int:
        """The start of the code after a magic's options."""
        at = start
        while option := _OPTION.match(self.text, at, end):
            if option["value"] and option[0].lstrip().startswith("-f"):
                self.snippets.append(Snippet(*option.span("value")))
            at = option.end()
        while at < end and self.text[at] in " \t":
            at += 1
        return at

    def expanded(self, start: int, end: int) -> None:
        """List what IPython substitutes: `{expression}` and `$name`."""
        self.snippets += [Snippet(*span, line=start) for span in filled_in(self.text, start, end)]


def _listed(found: re.Match[str], group: str) -> list[tuple[int, int]]:
    """The names of a list `a,b`, each with its place."""
    at = found.start(group)
    spans = []
    for name in found[group].split(","):
        if _NAME.fullmatch(name):
            spans.append((at, at + len(name)))
        at += len(name) + 1
    return spans


def _nothing(text: str) -> str:
    """A no-op statement or value with the length of `text`, which is not empty."""
    return "0" + blank(text[1:])

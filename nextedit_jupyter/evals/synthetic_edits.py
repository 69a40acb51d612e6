"""Synthetic edits on real notebooks: renames and migrations with the places that must follow, and
ordinary edits after which nothing must."""

from __future__ import annotations

import ast
import builtins
import random
import re
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, replace

from nextedit_jupyter.core import (
    Caret,
    Cell,
    EditEvent,
    Notebook,
    SuggestRequest,
)
from nextedit_jupyter.core.word_characters import word_start
from nextedit_jupyter.evals import oracle

Place = tuple[str, int, int]
"""A cell's id, and where the place starts and ends in its text before the edit."""


@dataclass(frozen=True, slots=True)
class Case:
    """`first` was changed to `new`; `places` are those that must follow; none for ordinary edits.

    `second` is a place that is also changed if one example led to no offer.
    """

    kind: str
    source: str
    notebook: Notebook
    old: str
    new: str
    first: Place
    places: frozenset[Place]
    after: str = ""

    def request(self, examples: int = 1) -> tuple[SuggestRequest, list[Place]]:
        """The request after the first edits, and the places that they changed."""
        done = [self.first, *sorted(self.places)[: examples - 1]]
        cells = {cell.id: cell for cell in self.notebook.cells}
        events: list[EditEvent] = []
        at = 0
        for n, (cell, start, end) in enumerate(done):
            source = cells[cell].source
            shift = sum(len(self.new) - (e - s) for c, s, e in done[:n] if c == cell and s < start)
            if self.after:
                text, at = self.after, min(len(self.after), end)
            else:
                text = source[: start + shift] + self.new + source[end + shift :]
                at = start + shift + len(self.new)
            events.append(EditEvent(cell, source, text, "typed", float(n)))
            cells[cell] = replace(cells[cell], source=text)
        notebook = Notebook("python", tuple(cells[cell.id] for cell in self.notebook.cells))
        return (
            SuggestRequest(
                notebook, Caret(done[-1][0], at), tuple(events), want=("next_edit", "rename")
            ),
            done,
        )


@dataclass(slots=True)
class Read:
    """A notebook with its code cells parsed; cells that do not parse are missing."""

    name: str
    notebook: Notebook
    facts: dict[str, oracle.Facts]

    @property
    def words(self) -> set[str]:
        found: set[str] = set()
        for cell in self.notebook.cells:
            found |= set(re.findall(r"\w+", cell.source))
        return found


def read(name: str, notebook: Notebook) -> Read | None:
    """Parse a notebook; None if it is too small or too large for a case."""
    code = [cell for cell in notebook.cells if cell.is_code]
    if not 4 <= len(code) <= 120 or sum(len(cell.source) for cell in code) > 60_000:
        return None
    facts = {cell.id: found for cell in code if (found := oracle.read(cell.source)) is not None}
    if any("import *" in cell.source for cell in code):
        return None
    return Read(name, notebook, facts)


def variables(book: Read, rng: random.Random) -> Iterator[Case]:
    """Variables, functions, classes and import aliases, by their definition.

    A use that became an unknown name may mean another object: on real commits its definition
    followed in a fifth of such cases.
    """
    cells = list(book.facts)
    names = sorted({name for facts in book.facts.values() for name in facts.names})
    rng.shuffle(names)
    for name in names:
        if hasattr(builtins, name) or name.startswith("_"):
            continue
        if any(name in facts.formatted for facts in book.facts.values()):
            continue
        where = {id: book.facts[id].names[name] for id in cells if name in book.facts[id].names}
        binding = [id for id, uses in where.items() if any(use.binds for use in uses)]
        if not binding or len(where) < 2:
            continue
        kinds = {use.kind for uses in where.values() for use in uses if use.binds}
        if "import" in kinds or len(kinds) > 1:
            continue
        kind = {"def": "function", "class": "class", "alias": "import alias"}.get(
            next(iter(kinds)), "variable"
        )
        if len(binding) == 1:
            if next(iter(where)) != binding[0]:
                continue
            uses = where[binding[0]]
            if not uses[0].binds or sum(use.fresh for use in uses) > 1:
                continue
            epoch = list(where)
        else:
            found = _epoch(where, binding)
            if found is None:
                continue
            epoch, kind = found, f"{kind}, rebound"
        spans = [(id, use.start, use.end, use.binds, use.late) for id in epoch for use in where[id]]
        new = _new_name(name, book.words, rng)
        first = next((span for span in spans if span[3]), None)
        if first is None or len(spans) < 2:
            continue
        yield Case(
            kind,
            book.name,
            book.notebook,
            name,
            new,
            first[:3],
            frozenset(s[:3] for s in spans if s[:3] != first[:3]),
        )


def _epoch(where: dict[str, list[oracle.Use]], binding: list[str]) -> list[str] | None:
    """The cells from one fresh definition to the next; None if that is a matter of opinion."""
    if any(use.late for uses in where.values() for use in uses):
        return None
    ids = list(where)
    starts = [id for id in ids if where[id][0].fresh]
    for n, start in enumerate(starts):
        begin = ids.index(start)
        end = ids.index(starts[n + 1]) if n + 1 < len(starts) else len(ids)
        epoch = ids[begin:end]
        clean = all(
            sum(use.fresh for use in where[id]) == (1 if id == start else 0) for id in epoch
        )
        plain = all(not use.binds or use.fresh for id in epoch for use in where[id])
        if clean and plain and len(epoch) > 1:
            return epoch
    return None


def parameters(book: Read, rng: random.Random) -> Iterator[Case]:
    """Parameters that some call names by keyword."""
    for id, facts in book.facts.items():
        for name, function in facts.functions.items():
            if sum(name in f.functions for f in book.facts.values()) > 1:
                continue
            calls = [
                (other, start, end, word)
                for other, theirs in book.facts.items()
                for callee, word, start, end in theirs.keywords
                if callee == name
            ]
            for argument in (*function.args.args, *function.args.kwonlyargs):
                used = [call[:3] for call in calls if call[3] == argument.arg]
                if not used:
                    continue
                inner = _local_places(facts, function, argument.arg)
                if inner is None:
                    continue
                start = facts.span(argument)[0]
                place = (id, start, start + len(argument.arg))
                everything = {place, *((id, s, e) for s, e in inner), *used}
                first = place if rng.random() < 0.5 else used[0]
                yield Case(
                    "parameter",
                    book.name,
                    book.notebook,
                    argument.arg,
                    _new_name(argument.arg, book.words, rng),
                    first,
                    frozenset(everything - {first}),
                )


def _local_places(
    facts: oracle.Facts, function: ast.FunctionDef, name: str
) -> list[tuple[int, int]] | None:
    """The places of a parameter in its function's body; None if an inner scope makes it unclear."""
    places = []
    for statement in function.body:
        for node in ast.walk(statement):
            scopes = ast.FunctionDef | ast.Lambda | ast.ClassDef | ast.JoinedStr | ast.comprehension
            if isinstance(node, scopes) and any(
                (isinstance(n, ast.Name) and n.id == name)
                or (isinstance(n, ast.arg) and n.arg == name)
                for n in ast.walk(node)
            ):
                return None
            if isinstance(node, ast.Name) and node.id == name:
                places.append(facts.span(node))
    return places


def migrations(book: Read, rng: random.Random) -> Iterator[Case]:
    """Keywords, attributes, module paths and string values of imported objects.

    Cases that are a matter of opinion are left out: a keyword that other callees also take, a
    module that is also imported as a member, a string that occurs elsewhere in another role, such
    as a column that several calls name.
    """
    code = "\n".join(cell.source for cell in book.notebook.cells if cell.is_code)
    imported = {name for facts in book.facts.values() for name in facts.imported}
    groups: dict[tuple[str, ...], list[Place]] = {}
    olds: dict[tuple[str, ...], str] = {}
    for id, facts in book.facts.items():
        for callee, word, start, end in facts.keywords:
            if callee.partition(".")[0] in imported:
                key: tuple[str, ...] = ("keyword argument", callee, word)
                groups.setdefault(key, []).append((id, start, end))
                olds[key] = word
        for text, start, end in facts.attributes:
            if text.partition(".")[0] in imported and text.count(".") == 1:
                key = ("attribute", text)
                groups.setdefault(key, []).append((id, start, end))
                olds[key] = text.partition(".")[2]
        for module, start, end in facts.modules:
            if "." not in module:
                continue
            key = ("module path", module)
            groups.setdefault(key, []).append((id, start, end))
            olds[key] = module
        for callee, word, value, start, end in facts.strings:
            if callee.partition(".")[0] in imported:
                key = ("string value", callee, word, value)
                groups.setdefault(key, []).append((id, start, end))
                olds[key] = value
    keys = [key for key, places in groups.items() if len({place[0] for place in places}) >= 2]
    rng.shuffle(keys)
    for key in keys:
        places, old = sorted(groups[key], key=_by_place(book)), olds[key]
        if key[0] == "keyword argument" and any(
            other[0] == key[0] and other[2] == key[2] and other[1] != key[1] for other in groups
        ):
            continue
        if key[0] == "attribute" and ("module path", key[1]) in groups:
            continue
        literal = rf"([\"']){re.escape(old)}\1"
        if key[0] == "string value" and len(re.findall(literal, code)) != len(places):
            continue
        if key[0] == "module path":
            head, _, last = old.rpartition(".")
            if re.search(rf"from {re.escape(head)} import .*\b{re.escape(last)}\b", code):
                continue
            places = sorted({*places, *_chains(book, old)}, key=_by_place(book))
            new = f"{head}.{rng.choice(_WORDS)}_{last}"
        elif key[0] == "string value":
            new = rng.choice([f"{old}_{rng.choice(_WORDS)}", rng.choice(_WORDS)])
        else:
            new = rng.choice([f"{old}_{rng.choice(_WORDS)}", f"{rng.choice(_WORDS)}_{old}"])
        if new == old or new in book.words:
            continue
        yield Case(key[0], book.name, book.notebook, old, new, places[0], frozenset(places[1:]))


def _by_place(book: Read) -> Callable[[Place], tuple[int, int]]:
    order = {id: i for i, id in enumerate(book.facts)}
    return lambda place: (order[place[0]], place[1])


def _chains(book: Read, path: str) -> Iterator[Place]:
    """`a.b` in expressions, where `a.b` is a module."""
    for id, facts in book.facts.items():
        for text, _, end in facts.attributes:
            if text == path and facts.source[end - len(path) : end] == path:
                yield id, end - len(path), end


_WORDS = ("values", "result", "table", "sample", "item", "total", "frame", "source", "level")


def _new_name(old: str, taken: set[str], rng: random.Random) -> str:
    for _ in range(50):
        word = rng.choice(_WORDS)
        new = rng.choice(
            [f"{old}_{word}", f"{word}_{old}", f"my_{word}", f"{word}{rng.randint(2, 9)}"]
        )
        if new not in taken:
            return new
    return f"{old}_renamed_{rng.randint(10, 99)}"


def ordinary(book: Read, rng: random.Random) -> Iterator[Case]:
    """Everyday edits after which no other place has to change."""
    code = [cell for cell in book.notebook.cells if cell.id in book.facts and cell.source.strip()]
    rng.shuffle(code)
    for cell in code:
        makers = [
            _line_typed,
            _number_changed,
            _name_swapped,
            _comment_changed,
            _line_deleted,
            _definition_copied,
            _call_typed,
            _text_changed,
            _half_typed_use,
            _line_inserted,
        ]
        rng.shuffle(makers)
        for make in makers:
            changed = make(cell, book, rng)
            if changed is not None:
                before, after, at = changed
                cells = tuple(
                    replace(c, source=before) if c.id == cell.id else c for c in book.notebook.cells
                )
                if before == after:
                    continue
                yield Case(
                    f"ordinary: {make.__name__.strip('_').replace('_', ' ')}",
                    book.name,
                    replace(book.notebook, cells=cells),
                    "",
                    "",
                    (cell.id, at, at),
                    frozenset(),
                    after,
                )
                break


Change = tuple[str, str, int] | None


def _line_typed(cell: Cell, book: Read, rng: random.Random) -> Change:
    head, newline, last = cell.source.rstrip().rpartition("\n")
    if not newline or not last.strip() or last[0] in " \t)]}":
        return None
    return head, cell.source.rstrip(), len(cell.source.rstrip())


def _number_changed(cell: Cell, book: Read, rng: random.Random) -> Change:
    found = list(re.finditer(r"(?<![\w.])\d+(?![\w.])", cell.source))
    if not found:
        return None
    number = rng.choice(found)
    text = str(int(number[0]) + rng.randint(1, 9))
    after = cell.source[: number.start()] + text + cell.source[number.end() :]
    return cell.source, after, number.start() + len(text)


def _name_swapped(cell: Cell, book: Read, rng: random.Random) -> Change:
    facts = book.facts[cell.id]
    bound = sorted(
        {
            n
            for f in book.facts.values()
            for n, uses in f.names.items()
            if any(u.binds for u in uses)
        }
    )
    reads = [
        (name, use)
        for name, uses in facts.names.items()
        for use in uses
        if not use.binds and name in bound
    ]
    if not reads or len(bound) < 2:
        return None
    name, use = rng.choice(reads)
    other = rng.choice([n for n in bound if n != name])
    after = cell.source[: use.start] + other + cell.source[use.end :]
    return cell.source, after, use.start + len(other)


def _half_typed_use(cell: Cell, book: Read, rng: random.Random) -> Change:
    """A use being changed to another existing name."""
    swapped = _name_swapped(cell, book, rng)
    if swapped is None:
        return None
    before, after, at = swapped
    start = word_start(after, at)
    if at - start < 3:
        return None
    cut = rng.randint(1, at - start - 1)
    return before, after[: at - cut] + after[at:], at - cut


def _comment_changed(cell: Cell, book: Read, rng: random.Random) -> Change:
    found = re.search(r"^\s*#.*?(\w+)\s*$", cell.source, re.M)
    if not found:
        return None
    after = cell.source[: found.start(1)] + "checked" + cell.source[found.end(1) :]
    return cell.source, after, found.start(1) + 7


def _line_deleted(cell: Cell, book: Read, rng: random.Random) -> Change:
    lines = cell.source.split("\n")
    places = [i for i, line in enumerate(lines) if line and line[0].isalpha()]
    if len(places) < 2:
        return None
    i = rng.choice(places)
    after = "\n".join(lines[:i] + lines[i + 1 :])
    return cell.source, after, min(len(after), sum(len(line) + 1 for line in lines[:i]))


def _line_inserted(cell: Cell, book: Read, rng: random.Random) -> Change:
    changed = _line_deleted(cell, book, rng)
    if changed is None:
        return None
    after, before, at = changed
    end = after.find("\n", at)
    return before, after, end if end >= 0 else len(after)


def _definition_copied(cell: Cell, book: Read, rng: random.Random) -> Change:
    found = re.search(r"^([^\W\d]\w*) = .+$", cell.source, re.M)
    if not found or oracle.read(found[0]) is None:
        return None
    new = _new_name(found[1], book.words, rng)
    copy = f"{found[0]}\n{new}{found[0][len(found[1]) :]}"
    after = cell.source[: found.start()] + copy + cell.source[found.end() :]
    return cell.source, after, found.end() + 1 + len(new)


def _call_typed(cell: Cell, book: Read, rng: random.Random) -> Change:
    head, newline, last = cell.source.rstrip().rpartition("\n")
    cut = last.find("(")
    if cut < 1 or last.count("(") != last.count(")") or last.endswith(")") is False:
        return None
    before = f"{head}{newline}{last[:cut]}"
    return before, cell.source.rstrip(), len(cell.source.rstrip())


def _text_changed(cell: Cell, book: Read, rng: random.Random) -> Change:
    """The words of a title or a message."""
    found = re.search(r"(?:title|label|print)\(\s*[\"']([A-Za-z ]{4,})[\"']", cell.source)
    if not found or sum(c.source.count(found[1]) for c in book.notebook.cells) > 1:
        return None
    after = cell.source[: found.start(1)] + "Overview" + cell.source[found.end(1) :]
    return cell.source, after, found.start(1) + 8


def cases(
    books: Iterable[tuple[str, Notebook]], seed: int, per_kind: int, per_book: int = 2
) -> list[Case]:
    """At most `per_kind` cases per kind, and `per_book` of a kind from one notebook."""
    rng = random.Random(seed)
    found: dict[str, list[Case]] = {}
    reads = [book for name, notebook in books if (book := read(name, notebook)) is not None]
    rng.shuffle(reads)
    for book in reads:
        for make in (variables, parameters, migrations, ordinary):
            taken: dict[str, int] = {}
            for case in make(book, rng):
                group = found.setdefault(case.kind, [])
                if taken.get(case.kind, 0) < per_book and len(group) < per_kind:
                    taken[case.kind] = taken.get(case.kind, 0) + 1
                    group.append(case)
                if sum(taken.values()) > 12:
                    break
    return [case for kind in sorted(found) for case in found[kind]]

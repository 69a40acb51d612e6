"""Extracts documents from the files of an archive or a folder.

Reads notebooks, `# %%` galleries, guides (`>>>`, `.. ipython::` and fenced code in `.rst` and
`.md`), doctests and modules. Nothing is executed and no link is followed; what cannot be read
is skipped and counted, never raised.
"""

from __future__ import annotations

import ast
import doctest
import itertools
import json
import os
import re
import tarfile
import warnings
import zipfile
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

from nextedit_jupyter.training.corpus.document import Document

MAX_NOTEBOOK_BYTES = 4_000_000  # larger ones are outputs, not code
MAX_SOURCE_BYTES = 400_000  # larger modules are generated tables
MAX_CELL_CHARS = 6_000
SUFFIXES = (".ipynb", ".py", ".rst", ".md", ".txt", ".pyx")

_SKIPPED_PATH = re.compile(
    r"(^|/)(tests?|testing|_?vendor(ed)?|_?extern(al|s)?|third_party|node_modules|build|"
    r"benchmarks?|asv_bench|\.ipynb_checkpoints|locale|_version\.py|versioneer\.py|setup\.py|"
    r"conftest\.py|test_[^/]*|[^/]*_test\.py|_pytest|array_api_(compat|extra)|conf\.py)(/|$)"
)
_GALLERY_PATH = re.compile(
    r"(^|/)(examples?|galler(y|ies)|tutorials?|users_explain|plot_[^/]*)(/|$)"
)
_CELL_MARK = re.compile(r"^# ?%%.*$|^#{20,}\s*$", re.MULTILINE)


def is_unfit_path(name: str) -> bool:
    """Whether a file is, by its path, a test, vendored or generated."""
    return _SKIPPED_PATH.search(name) is not None


class Skipped(Counter[str]):
    """Why files were left out, with counts."""


def walk_archive(path: Path) -> Iterator[tuple[str, bytes]]:
    """Yield name and bytes of the relevant regular files in a .tar.* or .zip/.whl archive."""
    if path.name.endswith((".zip", ".whl")):
        with zipfile.ZipFile(path) as archive:
            for info in archive.infolist():
                if info.filename.endswith(SUFFIXES) and info.file_size <= MAX_NOTEBOOK_BYTES:
                    yield info.filename, archive.read(info)
        return
    with tarfile.open(path) as archive:
        for member in archive:
            wanted = member.isfile() and member.name.endswith(SUFFIXES)
            if wanted and member.size <= MAX_NOTEBOOK_BYTES:
                file = archive.extractfile(member)
                if file is not None:
                    yield member.name.partition("/")[2] or member.name, file.read()


def walk_folder(root: Path, skipped: Skipped) -> Iterator[tuple[str, bytes]]:
    """Yield relative name and bytes of a folder's relevant files; links are not followed."""
    for folder, names, files in os.walk(root, followlinks=False):
        names[:] = sorted(name for name in names if not name.startswith("."))
        for file in sorted(files):
            path = Path(folder, file)
            if not file.endswith(SUFFIXES):
                continue
            try:
                if path.is_symlink() or not path.is_file():
                    skipped["link"] += 1
                elif path.stat().st_size > MAX_NOTEBOOK_BYTES:
                    skipped["too large"] += 1
                else:
                    yield path.relative_to(root).as_posix(), path.read_bytes()
            except OSError:
                skipped["unreadable"] += 1


def extract_file(package: str, name: str, data: bytes, skipped: Skipped) -> list[Document]:
    """The documents in one file: none for an unsuitable or unreadable file."""
    if is_unfit_path(name):
        skipped["tests and vendored"] += 1
        return []
    try:
        text = data.decode("utf-8")
    except UnicodeDecodeError:
        skipped["not utf-8"] += 1
        return []
    text = text.replace("\r\n", "\n").replace("\r", "\n").removeprefix("\ufeff")
    if "\0" in text:
        skipped["binary"] += 1
        return []
    if name.endswith(".ipynb"):
        cells = notebook_cells(text)
        if cells is None:
            skipped["corrupt notebook"] += 1
            return []
        return _document(package, name, "notebook", cells)
    if len(data) > MAX_SOURCE_BYTES:
        skipped["too large"] += 1
        return []
    if name.endswith((".rst", ".md", ".txt")):
        return _document(package, name, "guide", guide_cells(text), min_cells=2)
    if name.endswith(".pyx"):
        return []
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            tree = ast.parse(text)
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        skipped["no python 3"] += 1
        return []
    if _GALLERY_PATH.search(name) and "def main(" not in text:
        return _document(package, name, "gallery", gallery_cells(text, tree))
    documents = []
    for place, cells in doctest_cells(tree):
        documents += _document(package, f"{name}:{place}", "doctest", cells, min_cells=2)
    documents += _document(package, name, "module", module_cells(text, tree), min_cells=1)
    return documents


def _document(
    package: str, name: str, kind: str, cells: list[str], min_cells: int = 3
) -> list[Document]:
    kept = tuple(cell.rstrip() for cell in cells if cell.strip() and len(cell) <= MAX_CELL_CHARS)
    if len(kept) < min_cells or sum(map(len, kept)) < 60:
        return []
    return [Document(package, name, kind, kept)]  # type: ignore[arg-type]


def notebook_cells(text: str) -> list[str] | None:
    """The code cells of a Python notebook (format 3 or 4); None if it is corrupt.

    Empty for a notebook in another language.
    """
    try:
        raw = json.loads(text)
        language = raw.get("metadata", {}).get("kernelspec", {}).get("name", "python")
        if "python" not in language and "conda" not in language:
            info = raw["metadata"].get("language_info", {}).get("name", "")
            if info not in ("python", "ipython"):
                return []
        sheets = raw.get("worksheets") or [raw]
        cells = []
        for sheet in sheets:
            for cell in sheet["cells"]:
                if cell.get("cell_type") != "code":
                    continue
                source = cell.get("source", cell.get("input", ""))
                cells.append("".join(source).replace("\r\n", "\n"))
        return cells
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError):
        return None


def gallery_cells(text: str, tree: ast.Module) -> list[str]:
    """Split a gallery script into cells: at `# %%` markers, or else between top-level statements.

    The module docstring and the prose in comment blocks after a marker are left out.
    """
    lines = text.split("\n")
    if tree.body and _is_docstring(tree.body[0]):
        for number in range(tree.body[0].end_lineno or 0):
            lines[number] = ""
    body = "\n".join(lines)
    if _CELL_MARK.search(body):
        cells = []
        for part in _CELL_MARK.split(body):
            rows = (part or "").strip("\n").split("\n")
            while rows and (rows[0].startswith("#") or not rows[0].strip()):
                rows.pop(0)
            cells.append("\n".join(rows).rstrip())
        return cells
    return _blocks(body, min_lines=4)


def _blocks(body: str, min_lines: int) -> list[str]:
    """Split at blank lines before an unindented line, once a block has `min_lines` lines."""
    cells: list[str] = []
    block: list[str] = []
    blank = False
    for line in body.split("\n"):
        if not line.strip():
            blank = True
            block.append(line)
            continue
        starts = not line[0].isspace() and line[0] not in ")]}" and '"""' not in line
        if blank and starts and sum(bool(row.strip()) for row in block) >= min_lines:
            cells.append("\n".join(block).strip("\n"))
            block = []
        blank = False
        block.append(line)
    cells.append("\n".join(block).strip("\n"))
    return cells


_FENCE = re.compile(
    r"^```\{?\.?(?:code-cell |code )?(?:python|ipython3?|py)\b[^\n]*\n(.*?)^```", re.M | re.S
)
_DIRECTIVE = re.compile(
    r"^( *)\.\. (?:ipython|code-block|code|plot|jupyter-execute|sourcecode|testcode)::[ ]*"
    r"(?:python3?|ipython3?|py)?[ ]*\n((?:(?:\1[ ]+[^\n]*)?\n)+)",
    re.M,
)


def guide_cells(text: str) -> list[str]:
    """The code of a documentation page as cells, in the order of the page."""
    found = [(match.start(), match.group(1)) for match in _FENCE.finditer(text)]
    for match in _DIRECTIVE.finditer(text):
        rows = list(match.group(2).split("\n"))
        while rows and (not rows[0].strip() or rows[0].strip().startswith(":")):
            rows.pop(0)
        filled = [row for row in rows if row.strip()]
        if not filled:
            continue
        margin = min(len(row) - len(row.lstrip()) for row in filled)
        code = "\n".join(row[margin:] for row in rows)
        code = re.sub(
            r"^@(?:suppress|savefig|okwarning|okexcept|verbatim|doctest).*\n?", "", code, flags=re.M
        )
        found.append((match.start(), code))
    cells = []
    for _, code in sorted(found):
        if ">>>" in code or re.search(r"^In \[", code, re.M):
            continue  # the doctest reader below finds these
        if _parses(code):
            cells.append(code.strip("\n"))
    if ">>> " in text:
        cells += _examples(text)
    return cells


def _parses(code: str) -> bool:
    masked = re.sub(r"^(\s*)[%!].*$", r"\1pass", code, flags=re.M)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            ast.parse(masked)
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return False
    return True


def doctest_cells(tree: ast.Module) -> Iterator[tuple[str, list[str]]]:
    """Yield each docstring with examples as (name, cells), like a small notebook."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef):
            text = ast.get_docstring(node, clean=True)
            if text and ">>>" in text:
                yield getattr(node, "name", "module"), _examples(text)


def _examples(text: str) -> list[str]:
    """The doctest examples of a text as cells.

    Examples that print nothing are joined to the next one, as a person would write them.
    """
    try:
        examples = doctest.DocTestParser().get_examples(text)
    except ValueError:
        return []
    cells: list[str] = []
    block: list[str] = []
    for example in examples:
        block.append(re.sub(r"[ ]*# ?doctest:.*$", "", example.source, flags=re.M).rstrip("\n"))
        if example.want or len(block) == 8:
            cells.append("\n".join(block))
            block = []
    if block:
        cells.append("\n".join(block))
    return [cell for cell in cells if _parses(cell)]


def module_cells(text: str, tree: ast.Module) -> list[str]:
    """Split a module at its top-level definitions, with docstrings cut to their first line."""
    lines = text.split("\n")
    drop: set[int] = set()
    for node in ast.walk(tree):
        if not isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef):
            continue
        if not node.body or not _is_docstring(node.body[0]):
            continue
        first = node.body[0]
        start, end = first.lineno - 1, (first.end_lineno or first.lineno) - 1
        if isinstance(node, ast.Module):
            drop.update(range(start, end + 1))
        elif end > start:
            summary = (ast.get_docstring(node) or "").split("\n")[0].replace("\\", "")
            summary = summary.replace('"', "'")
            lines[start] = " " * first.col_offset + f'"""{summary}"""'
            drop.update(range(start + 1, end + 1))
    starts = []
    for node in tree.body:
        if isinstance(node, ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef):
            first_line = min([node.lineno] + [item.lineno for item in node.decorator_list])
            starts.append(first_line - 1)
    cells: list[str] = []
    bounds = [0, *starts, len(lines)]
    for begin, stop in itertools.pairwise(bounds):
        rows = [lines[n] for n in range(begin, stop) if n not in drop]
        cell = re.sub(r"\n{3,}", "\n\n", "\n".join(rows)).strip("\n")
        if re.match(r"\s*#.*(copyright|licen[cs]e|author)", cell, re.I):
            while cell.startswith("#"):
                cell = cell.partition("\n")[2].lstrip("\n")
        if len(cell) > MAX_CELL_CHARS:
            cells += list(re.split(r"\n(?=    (?:def|@|async def) )", cell))
        else:
            cells.append(cell)
    return cells


def _is_docstring(node: ast.stmt) -> bool:
    return (
        isinstance(node, ast.Expr)
        and isinstance(node.value, ast.Constant)
        and isinstance(node.value.value, str)
    )

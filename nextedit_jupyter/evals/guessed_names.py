"""Guesses names as a kernel would report them, from code that is not run.

Held-out and training texts come without a kernel. The type of a name is inferred from its
assignment, columns from the use of a frame anywhere in the document; a few columns of other
documents are mixed in, because real frames have more columns than a notebook uses.
"""

from __future__ import annotations

import ast
import random
import re
import warnings
from collections.abc import Iterable, Sequence

from nextedit_jupyter.core import NamedObject

_FRAME_MAKERS = re.compile(
    r"^(read_\w+|DataFrame|load_dataset|get_dummies|concat|merge|to_frame|reset_index|dropna|"
    r"fillna|rename|assign|merge|pivot\w*|melt|drop|sort_values|head|query)$"
)
_ARRAY_MAKERS = re.compile(
    r"^(array|zeros\w*|ones\w*|linspace|arange|randn?|normal|uniform|randint|logspace|empty\w*|"
    r"full\w*|stack|concatenate|reshape|asarray|dot|exp|sin|cos|predict|to_numpy)$"
)
_FRAMES = {"pd", "sns", "pandas", "gpd"}


def parse_cell(source: str) -> ast.Module | None:
    """The tree of a cell with magics masked; None if it doesn't parse."""
    masked = re.sub(r"^(\s*)[%!?].*$|^(\s*).*\?$", r"\1pass", source, flags=re.M)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            return ast.parse(masked)
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return None


def columns_used(cells: Iterable[str]) -> dict[str, list[str]]:
    """Names and the string keys with which they are subscripted, in order of use."""
    found: dict[str, list[str]] = {}
    for cell in cells:
        tree = parse_cell(cell)
        for node in ast.walk(tree) if tree else ():
            if isinstance(node, ast.Subscript) and isinstance(node.value, ast.Name):
                keys = node.slice.elts if isinstance(node.slice, ast.List) else [node.slice]
                for key in keys:
                    if isinstance(key, ast.Constant) and isinstance(key.value, str):
                        held = found.setdefault(node.value.id, [])
                        if key.value not in held and len(key.value) <= 40:
                            held.append(key.value)
    return found


def guess_names(
    cells: Sequence[str],
    *,
    columns: dict[str, list[str]],
    spare_columns: Sequence[str] = (),
    rng: random.Random,
) -> tuple[NamedObject, ...]:
    """The names that `cells` bind at top level; `columns` are those of the whole document."""
    names: dict[str, NamedObject] = {}
    for cell in cells:
        tree = parse_cell(cell)
        for node in tree.body if tree else ():
            if isinstance(node, ast.FunctionDef):
                arguments = node.args
                keywords = [a.arg for a in (*arguments.posonlyargs, *arguments.args)]
                keywords += [a.arg for a in arguments.kwonlyargs]
                names[node.name] = NamedObject(node.name, "function", keywords=tuple(keywords))
            elif isinstance(node, ast.Assign) and len(node.targets) == 1:
                target = node.targets[0]
                if isinstance(target, ast.Name):
                    named = _named(target.id, node.value, names, columns, spare_columns, rng)
                    if named is not None:
                        names[target.id] = named
    return tuple(names.values())


def _named(
    name: str,
    value: ast.expr,
    known: dict[str, NamedObject],
    columns: dict[str, list[str]],
    spare: Sequence[str],
    rng: random.Random,
) -> NamedObject | None:
    kind = _type_of(value, known)
    keys = columns.get(name, [])
    if isinstance(value, ast.Dict):
        literal = [k.value for k in value.keys if isinstance(k, ast.Constant)]
        texts = tuple(key for key in literal if isinstance(key, str))
        return NamedObject(name, "dict", subscripts=texts)
    if kind == "" and len(keys) >= 2:
        kind = "DataFrame"
    if kind == "DataFrame":
        own = list(keys)
        if isinstance(value, ast.Call) and value.args and isinstance(value.args[0], ast.Dict):
            for key in value.args[0].keys:
                if isinstance(key, ast.Constant) and isinstance(key.value, str):
                    own += [key.value] if key.value not in own else []
        extra = rng.sample(list(spare), min(len(spare), rng.randrange(5)))
        own += [key for key in extra if key not in own]
        if rng.random() < 0.5:
            rng.shuffle(own)
        return NamedObject(name, "pandas.DataFrame", subscripts=tuple(own))
    return NamedObject(name, kind) if kind else None


def _type_of(value: ast.expr, known: dict[str, NamedObject]) -> str:
    if isinstance(value, ast.Constant):
        return "" if value.value is None else type(value.value).__name__
    if isinstance(value, ast.List | ast.ListComp):
        return "list"
    if isinstance(value, ast.Tuple):
        return "tuple"
    if isinstance(value, ast.Name) and value.id in known:
        return known[value.id].type
    if not isinstance(value, ast.Call):
        return ""
    callee = value.func
    if isinstance(callee, ast.Name):
        return callee.id if callee.id[:1].isupper() else ""
    if isinstance(callee, ast.Attribute):
        if callee.attr[:1].isupper():
            return callee.attr
        root = callee.value
        while isinstance(root, ast.Attribute | ast.Call | ast.Subscript):
            root = root.func if isinstance(root, ast.Call) else root.value
        if _FRAME_MAKERS.match(callee.attr) and isinstance(root, ast.Name):
            held = known.get(root.id)
            if root.id in _FRAMES or (held is not None and held.type.endswith("DataFrame")):
                return "DataFrame"
        if _ARRAY_MAKERS.match(callee.attr):
            return "numpy.ndarray"
    return ""

"""From a cell's text to its index: one walk, then the scope that each name belongs to."""

from __future__ import annotations

from nextedit_jupyter.analysis.bindings import definitions, expressions, statements
from nextedit_jupyter.analysis.bindings.cell_index import MODULE, CellIndex, Scope
from nextedit_jupyter.analysis.bindings.visible import visibly_bound
from nextedit_jupyter.analysis.bindings.walker import Handler, Walker
from nextedit_jupyter.analysis.magics import mask

# Longer cells are left out (code points): the request's bound on a cell is 64 kB.
MAX_CELL = 200_000


def index_cell(source: str) -> CellIndex:
    """Read one cell. Never raises.

    A cell that does not parse is `broken`; a cell in another language has no names.
    """
    masked = mask(source)
    index = CellIndex(masked, scopes=[Scope("module", MODULE, 0, len(source))])
    if len(source) > MAX_CELL or "\0" in source:
        index.broken = True
        return index
    walker = Walker(index, _HANDLERS)
    walker.run()
    index.broken = walker.has_error
    if index.broken and masked.is_python:
        index.visible = visibly_bound(masked.text)
    _resolve(index)
    return index


_HANDLERS: dict[str, Handler] = {
    "assignment": statements.read_assignment,
    "augmented_assignment": statements.read_augmented,
    "named_expression": expressions.read_walrus,
    "delete_statement": statements.read_delete,
    "global_statement": statements.read_declared,
    "nonlocal_statement": statements.read_declared,
    "attribute": expressions.read_attribute,
    "comparison_operator": expressions.read_contained,
    "subscript": expressions.read_subscript,
    "string": expressions.read_string,
    "call": expressions.read_call,
    "dictionary": expressions.read_dictionary,
    "interpolation": expressions.read_interpolation,
    "keyword_argument": expressions.read_keyword,
    "function_definition": definitions.read_function,
    "class_definition": definitions.read_class,
    "decorated_definition": definitions.read_decorated,
    "lambda": expressions.read_lambda,
    "list_comprehension": expressions.read_comprehension,
    "set_comprehension": expressions.read_comprehension,
    "dictionary_comprehension": expressions.read_comprehension,
    "generator_expression": expressions.read_comprehension,
    "for_statement": statements.read_for,
    "while_statement": statements.read_while,
    "if_statement": statements.read_if,
    "try_statement": statements.read_try,
    "except_clause": statements.read_except_clause,
    "as_pattern": statements.read_as_pattern,
    "match_statement": statements.read_match,
    "case_pattern": statements.read_case_pattern,
    "import_statement": definitions.read_import,
    "import_from_statement": definitions.read_import_from,
    "future_import_statement": definitions.read_import_from,
    "type": expressions.read_type,
    "generic_type": expressions.read_generic_type,
    "type_alias_statement": definitions.read_type_alias,
    "return_statement": definitions.read_return,
    "integer": expressions.read_integer,
}


def _resolve(index: CellIndex) -> None:
    """Find the scope that each name belongs to, by Python's rules."""
    scopes = index.scopes
    for name in index.names:
        scope = scopes[name.scope]
        if name.op != "read" and name.name not in scope.globals | scope.nonlocals:
            scope.binds.add(name.name)
    # A class body reads outwards until it has bound the name itself.
    bound: dict[int, set[str]] = {}
    for i, name in enumerate(index.names):
        scope = scopes[name.scope]
        if scope.kind == "class" and name.name in scope.binds:
            mine = bound.setdefault(name.scope, set())
            if name.op == "read" and name.name not in mine:
                home = _home(index, scope.parent, name.name)
            else:
                mine.add(name.name)
                home = name.scope
        else:
            home = _home(index, name.scope, name.name)
        index.homes.append(home)
        index.starts[name.start] = i
        index.streams.setdefault((home, name.name), []).append(i)


def _home(index: CellIndex, scope: int, name: str) -> int:
    scopes = index.scopes
    start = scope
    while scope != MODULE:
        here = scopes[scope]
        if name in here.globals:
            return MODULE
        if name in here.binds and (here.kind != "class" or scope == start):
            return scope
        scope = here.parent
    return MODULE

"""The names in a cell: where each is, whether it binds or reads, and in which scope.

A `CellIndex` contains nothing about other cells, so it is cached by the cell's text. Names are in
the order in which they are evaluated, with the branches and loops around them, from which `index`
determines which definitions a use can see.
"""

from nextedit_jupyter.analysis.bindings.cell_index import (
    IMPORTED,
    MODULE,
    Attribute,
    Block,
    CellIndex,
    Class,
    DictKey,
    Function,
    Key,
    Keyword,
    Name,
    Op,
    Parameter,
    Reader,
    Scope,
    ScopeKind,
    Splat,
    Text,
    mangled,
    normalised,
)
from nextedit_jupyter.analysis.bindings.reading import MAX_CELL, index_cell

__all__ = [
    "IMPORTED",
    "MAX_CELL",
    "MODULE",
    "Attribute",
    "Block",
    "CellIndex",
    "Class",
    "DictKey",
    "Function",
    "Key",
    "Keyword",
    "Name",
    "Op",
    "Parameter",
    "Reader",
    "Scope",
    "ScopeKind",
    "Splat",
    "Text",
    "index_cell",
    "mangled",
    "normalised",
]

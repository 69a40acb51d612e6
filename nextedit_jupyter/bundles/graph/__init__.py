"""The decoder's graph: its sizes, its quantised matrices, and the ONNX model made from them."""

from nextedit_jupyter.bundles.graph.decoder_graph import COMPANY, COMPANY_KEY, INPUTS, build_graph
from nextedit_jupyter.bundles.graph.rounding import (
    Int4Blocks,
    Int8Columns,
    hadamard_matrix,
    hadamard_rotated,
    rotation_block,
)
from nextedit_jupyter.bundles.graph.shape import (
    Doubles,
    Experts,
    Floats,
    GraphShape,
    RopeScaling,
    rotary_tables,
    weight_names,
)

__all__ = [
    "COMPANY",
    "COMPANY_KEY",
    "INPUTS",
    "Doubles",
    "Experts",
    "Floats",
    "GraphShape",
    "Int4Blocks",
    "Int8Columns",
    "RopeScaling",
    "build_graph",
    "hadamard_matrix",
    "hadamard_rotated",
    "rotary_tables",
    "rotation_block",
    "weight_names",
]

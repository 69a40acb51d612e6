"""The attributes that every frame has: none of them is a column read as an attribute."""

from __future__ import annotations

# The kernel lists the members of a frame's type, but not all if there are over 200, as in pandas;
# and before any run nothing else shows that `df.size` is not a column.
OF_FRAMES = frozenset(
    [
        *("T", "abs", "add", "agg", "align", "all", "any", "apply", "assign", "at", "attrs"),
        *("axes", "bool", "clip", "columns", "combine", "copy", "corr", "count", "cov", "describe"),
        *("diff", "div", "dot", "drop", "dtypes", "empty", "eq", "eval", "explode", "expanding"),
        *("filter", "first", "flags", "floordiv", "ge", "get", "groupby", "gt", "head", "hist"),
        *("iat", "iloc", "index", "info", "insert", "items", "join", "keys", "kurt", "last", "le"),
        *("loc", "lt", "map", "mask", "max", "mean", "median", "melt", "memory_usage", "merge"),
        *("min", "mod", "mode", "mul", "ndim", "ne", "nunique", "pipe", "pivot", "plot", "pop"),
        *("pow", "prod", "product", "quantile", "query", "radd", "rank", "rename", "replace"),
        *("resample", "rolling", "round", "sample", "sem", "shape", "shift", "size", "skew"),
        *("stack", "std", "style", "sub", "sum", "swapaxes", "tail", "take", "transform"),
        *("transpose", "truediv", "truncate", "unstack", "update", "values", "var", "where", "xs"),
    ]
)

"""Named tables and arrays: shape, dtypes, the first categories; never the data.

Read with the descriptors of `kernel.live_facts` from the internals of genuine pandas and numpy
objects. A table's values are not read: categories are part of a dtype.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from itertools import islice
from time import thread_time
from typing import Any

from nextedit_jupyter.core.facts import ColumnFacts, TableFacts
from nextedit_jupyter.core.redact import holds_secret
from nextedit_jupyter.kernel.live_facts import (
    instance_dict,
    is_genuine,
    pandas_kind,
    pandas_labels,
    qualname_of,
)

MAX_TABLES = 8
MAX_COLUMNS = 32
MAX_LEVELS = 12
MAX_TEXT = 60
BUDGET_MS = 2.0


def collect_tables(
    namespace: Mapping[str, Any],
    *,
    clock: Callable[[], float] = thread_time,
    budget_ms: float = BUDGET_MS,
) -> tuple[TableFacts, ...]:
    """The most recent tables and arrays of a namespace, newest last. Never raises."""
    deadline = clock() + budget_ms / 1e3
    found: list[TableFacts] = []
    for name, value in reversed(list(namespace.items())):
        if len(found) >= MAX_TABLES or clock() > deadline:
            break
        if type(name) is not str or name.startswith("_"):
            continue
        try:
            table = read_table(name, value)
        except Exception:  # internals of an unknown version
            table = None
        if table is not None:
            found.append(table)
    return tuple(reversed(found))


def read_table(name: str, value: Any) -> TableFacts | None:
    """The facts of a DataFrame, a Series or a numpy array; None for anything else."""
    cls = type(value)
    if is_genuine(cls, "numpy") and qualname_of(cls) == "ndarray":
        dtype = value.dtype
        known = dtype.fields is None and is_genuine(type(dtype), "numpy.dtypes")
        return TableFacts(name, tuple(value.shape), dtype.name if known else "")
    kind = pandas_kind(cls)
    manager = (instance_dict(value) or {}).get("_mgr") if kind is not None else None
    if kind is None or manager is None or not is_genuine(type(manager), "pandas"):
        return None
    blocks = [one for one in manager.blocks if is_genuine(type(one), "pandas")]
    if qualname_of(kind) == "Series":
        values = blocks[0].values if blocks else None
        dtype_, levels = _dtype_of(values), _levels_of(values)
        column = (ColumnFacts("", dtype_, levels),) if levels else ()
        return TableFacts(name, _rows(manager.axes[0]), dtype_, column)
    labels = list(pandas_labels(value, kind, MAX_COLUMNS))
    shape = (*_rows(manager.axes[1]), *_rows(manager.axes[0]))
    return TableFacts(name, shape, "", tuple(_columns(labels, blocks)))


def _columns(labels: list[Any], blocks: list[Any]) -> list[ColumnFacts]:
    held: dict[int, Any] = {}
    for block in blocks:
        for at in islice(block.mgr_locs, MAX_COLUMNS):
            if at < len(labels):
                held[at] = block.values
    return [
        ColumnFacts(label, _dtype_of(held.get(at)), _levels_of(held.get(at)))
        for at, label in enumerate(labels)
        if type(label) is str and len(label) <= MAX_TEXT and not holds_secret(label)
    ]


def _rows(index: Any) -> tuple[int, ...]:
    """The length of an index with pandas' or numpy's own internals; () for another."""
    if not is_genuine(type(index), "pandas"):
        return ()
    insides = instance_dict(index) or {}
    if type(insides.get("_range")) is range:
        return (len(insides["_range"]),)
    if "_codes" in insides:
        codes = insides["_codes"]
        return (len(codes[0]),) if len(codes) else (0,)
    held = type(insides.get("_data"))
    is_ours = is_genuine(held, "pandas") or is_genuine(held, "numpy")
    return (len(insides["_data"]),) if is_ours else ()


def _dtype_of(values: Any) -> str:
    """`int64`, `category`, `str`: by name for numpy dtypes, by class for those of pandas."""
    cls = type(values)
    if is_genuine(cls, "numpy"):
        return str(values.dtype.name) if is_genuine(type(values.dtype), "numpy.dtypes") else ""
    if not is_genuine(cls, "pandas"):
        return ""
    dtype = values.dtype
    if is_genuine(type(dtype), "numpy.dtypes"):
        return str(dtype.name)
    # A dtype's own text may contain a user-defined time zone: the class says enough.
    return qualname_of(type(dtype)).removesuffix("Dtype").replace("Categorical", "category")


def _levels_of(values: Any) -> tuple[str, ...]:
    """The first categories, if they are strings."""
    if not is_genuine(type(values), "pandas") or qualname_of(type(values)) != "Categorical":
        return ()
    categories = values.dtype.categories
    held = type((instance_dict(categories) or {}).get("_data"))
    if not (is_genuine(held, "pandas") or is_genuine(held, "numpy")):
        return ()
    first = categories[:MAX_LEVELS].tolist()
    texts = [one for one in first if type(one) is str and len(one) <= MAX_TEXT]
    return tuple(one for one in texts if not holds_secret(one))

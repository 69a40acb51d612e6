"""Kernel facts from JSON values and back."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict
from typing import Any, cast

from nextedit_jupyter.core.errors import WireError
from nextedit_jupyter.core.facts import (
    AxesFacts,
    CellRun,
    ColumnFacts,
    FigureFacts,
    KernelError,
    KernelFacts,
    NamedObject,
    TableFacts,
)
from nextedit_jupyter.core.wire.fields import Fields
from nextedit_jupyter.core.wire.messages import (
    FactsWire,
    FigureWire,
    KernelErrorWire,
    NameWire,
    RunWire,
    TableWire,
)


def decode_facts(value: Mapping[str, Any]) -> KernelFacts:
    """Kernel facts from JSON values. Raises WireError."""
    error = value.get("error")
    if error is not None and not isinstance(error, dict):
        raise WireError("facts.error must be an object or null")
    return KernelFacts(
        runs=tuple(
            CellRun(
                Fields.string(run, "cell"),
                Fields.string(run, "hash"),
                Fields.count(run, "count"),
            )
            for run in Fields.objects(value, "runs", optional=True)
        ),
        names=tuple(
            NamedObject(
                name=Fields.string(name, "name"),
                type=Fields.string(name, "type", ""),
                members=Fields.strings(name, "members"),
                subscripts=Fields.strings(name, "subscripts"),
                keywords=Fields.strings(name, "keywords"),
                module=Fields.string(name, "module", ""),
            )
            for name in Fields.objects(value, "names", optional=True)
        ),
        error=KernelError(
            cell=Fields.string(error, "cell"),
            line=Fields.integer(error, "line"),
            exception=Fields.string(error, "exception"),
            name=Fields.string(error, "name", ""),
            message=Fields.string(error, "message", ""),
        )
        if error
        else None,
        figures=tuple(
            FigureFacts(
                Fields.string(figure, "title", ""),
                tuple(_axes(axes) for axes in Fields.objects(figure, "axes", optional=True)),
                Fields.strings(figure, "names"),
            )
            for figure in Fields.objects(value, "figures", optional=True)
        ),
        tables=tuple(_table(one) for one in Fields.objects(value, "tables", optional=True)),
    )


def _axes(value: Mapping[str, Any]) -> AxesFacts:
    texts = ("title", "xlabel", "ylabel", "zlabel", "xscale", "yscale", "projection")
    lists = ("legend", "kinds", "colors", "groups", "x", "y", "by", "names")
    told: dict[str, Any] = {key: Fields.string(value, key, "") for key in texts}
    return AxesFacts(
        **told | {key: Fields.strings(value, key) for key in lists},
        legend_title=Fields.string(value, "legend_title", ""),
        xlim=_limits(value, "xlim"),
        ylim=_limits(value, "ylim"),
    )


def _table(value: Mapping[str, Any]) -> TableFacts:
    shape = value.get("shape", [])
    if not isinstance(shape, list) or any(type(size) is not int or size < 0 for size in shape):
        raise WireError("shape must be a list of counts")
    return TableFacts(
        name=Fields.string(value, "name"),
        shape=tuple(shape),
        dtype=Fields.string(value, "dtype", ""),
        columns=tuple(
            ColumnFacts(
                Fields.string(one, "name"),
                Fields.string(one, "dtype", ""),
                Fields.strings(one, "levels"),
            )
            for one in Fields.objects(value, "columns", optional=True)
        ),
    )


def _limits(value: Mapping[str, Any], key: str) -> tuple[float, float] | None:
    found = value.get(key)
    if found is None:
        return None
    numbers = [n for n in found if type(n) in (int, float)] if isinstance(found, list) else []
    if len(numbers) != 2 or len(numbers) != len(found):
        raise WireError(f"{key} must be a list of two numbers")
    return float(numbers[0]), float(numbers[1])


def encode_facts(facts: KernelFacts) -> FactsWire:
    wire: FactsWire = {
        "runs": [cast(RunWire, asdict(run)) for run in facts.runs],
        "names": [
            cast(
                NameWire,
                {
                    key: list(value) if isinstance(value, tuple) else value
                    for key, value in asdict(name).items()
                    if value or key in ("name", "type")
                },
            )
            for name in facts.names
        ],
        "error": cast(KernelErrorWire, asdict(facts.error)) if facts.error else None,
    }
    if facts.figures:
        wire["figures"] = [cast(FigureWire, _told(asdict(figure))) for figure in facts.figures]
    if facts.tables:
        wire["tables"] = [cast(TableWire, _told(asdict(table))) for table in facts.tables]
    return wire


def _told(value: Any) -> Any:
    """The fields that are set, as JSON values: empty texts and lists are left out."""
    if isinstance(value, dict):
        return {key: _told(one) for key, one in value.items() if one or one == 0}
    if isinstance(value, (tuple, list)):
        return [_told(one) for one in value]
    return value

"""What the kernel knows: what ran, what each name is, and what the last error said."""

from __future__ import annotations

from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class CellRun:
    """One execution of a cell; `hash` is of the text that ran. Facts list them oldest first."""

    cell: str
    hash: str
    count: int | None = None


@dataclass(frozen=True, slots=True)
class NamedObject:
    """A live name.

    `type` is the qualified type (`pandas.DataFrame`, `module`, `function`), `members` what may
    follow: DataFrame columns or str keys (then `subscripts`), public attributes of modules and
    types (`members`), parameter names of callables (`keywords`). `module` is the module's name
    for modules and the defining module for others.
    """

    name: str
    type: str
    members: tuple[str, ...] = ()
    subscripts: tuple[str, ...] = ()
    keywords: tuple[str, ...] = ()
    module: str = ""


@dataclass(frozen=True, slots=True)
class KernelError:
    """The last traceback: the cell and its line (from 1) that failed, the exception's class.

    `name` is what the exception is about, if it says so (the missing name, key or attribute).
    """

    cell: str
    line: int
    exception: str
    name: str = ""
    message: str = ""


@dataclass(frozen=True, slots=True)
class AxesFacts:
    """One coordinate system of a figure; fields that are not set are empty.

    `xlim` and `ylim` are None until they are determined. `xscale` and `yscale` are empty if linear.
    `kinds` are what was drawn (line, scatter, bar, colorbar, ...), each once. `groups` are the
    labels of what was drawn, with or without a legend. `x`, `y` and `by` are the columns drawn, as
    named in the cells that drew them; `names` are its names in the namespace (`ax`, `axes[0]`).
    """

    title: str = ""
    xlabel: str = ""
    ylabel: str = ""
    zlabel: str = ""
    xscale: str = ""
    yscale: str = ""
    xlim: tuple[float, float] | None = None
    ylim: tuple[float, float] | None = None
    legend: tuple[str, ...] = ()
    kinds: tuple[str, ...] = ()
    colors: tuple[str, ...] = ()
    projection: str = ""
    legend_title: str = ""
    groups: tuple[str, ...] = ()
    x: tuple[str, ...] = ()
    y: tuple[str, ...] = ()
    by: tuple[str, ...] = ()
    names: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class FigureFacts:
    """What a figure shows; never the data. `names` are its names in the namespace."""

    title: str = ""
    axes: tuple[AxesFacts, ...] = ()
    names: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class ColumnFacts:
    """A column's dtype, and the first of its categories if they are strings."""

    name: str
    dtype: str = ""
    levels: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class TableFacts:
    """The shape of a named table or array, and the first columns of a table."""

    name: str
    shape: tuple[int, ...] = ()
    dtype: str = ""
    columns: tuple[ColumnFacts, ...] = ()

    def column(self, name: str) -> ColumnFacts | None:
        return next((known for known in self.columns if known.name == name), None)


@dataclass(frozen=True, slots=True)
class KernelFacts:
    """Everything the kernel contributes to a request; empty without a kernel."""

    runs: tuple[CellRun, ...] = ()
    names: tuple[NamedObject, ...] = ()
    error: KernelError | None = None
    figures: tuple[FigureFacts, ...] = ()
    tables: tuple[TableFacts, ...] = ()
    # Names are looked up for each place in a notebook, and there may be thousands of both.
    _named: dict[str, NamedObject] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "_named", {known.name: known for known in reversed(self.names)})

    def named(self, name: str) -> NamedObject | None:
        return self._named.get(name)

    def table(self, name: str) -> TableFacts | None:
        return next((known for known in self.tables if known.name == name), None)

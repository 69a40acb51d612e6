"""What the kernel knows: what ran, what each name is, and what the last error said."""

from __future__ import annotations

from dataclasses import dataclass


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

    `name` is what the exception is about where it says so (the missing name, key or attribute).
    """

    cell: str
    line: int
    exception: str
    name: str = ""
    message: str = ""


@dataclass(frozen=True, slots=True)
class AxesFacts:
    """One coordinate system of a figure; empty where nothing is set.

    `xlim` and `ylim` are None while the figure is not drawn. `xscale` and `yscale` are empty where
    linear. `kinds` are what was drawn (line, scatter, bar, colorbar, ...), each once.
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


@dataclass(frozen=True, slots=True)
class FigureFacts:
    """What a figure shows; never the data."""

    title: str = ""
    axes: tuple[AxesFacts, ...] = ()


@dataclass(frozen=True, slots=True)
class KernelFacts:
    """Everything the kernel sends along; empty where there is no kernel."""

    runs: tuple[CellRun, ...] = ()
    names: tuple[NamedObject, ...] = ()
    error: KernelError | None = None
    figures: tuple[FigureFacts, ...] = ()

    def named(self, name: str) -> NamedObject | None:
        return next((known for known in self.names if known.name == name), None)

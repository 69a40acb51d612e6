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
class KernelFacts:
    """Everything the kernel sends along; empty where there is no kernel."""

    runs: tuple[CellRun, ...] = ()
    names: tuple[NamedObject, ...] = ()
    error: KernelError | None = None

    def named(self, name: str) -> NamedObject | None:
        return next((known for known in self.names if known.name == name), None)

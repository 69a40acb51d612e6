"""Functions whose name is a parameter elsewhere: a fixture, an asset, a dependency.

What a decorator registers may be handed to other functions by its name. Which decorators do so is
not known; but where no cell calls the other function, something fills its parameters.
"""

from __future__ import annotations

from collections.abc import Iterator

from nextedit_jupyter.analysis.bindings import Function
from nextedit_jupyter.analysis.flow import Place
from nextedit_jupyter.analysis.index import NotebookIndex
from nextedit_jupyter.analysis.rename.callers import callers_of, unknown_decorators
from nextedit_jupyter.analysis.rename.plan import whole_word


def parameters_filled_by(
    index: NotebookIndex, web: list[Place], name: str
) -> tuple[tuple[str, ...], list[Place]]:
    """The unknown decorators of the function defined in `web`, and the parameters called `name` of
    functions that no cell calls.
    """
    defined = {(id, index.cells[id].names[i].start) for id, i in web}
    found = [
        decorator
        for id in {id for id, _ in web}
        for function in index.cells[id].functions
        if (id, function.start) in defined
        for decorator in unknown_decorators(function)
    ]
    decorators = tuple(d for d in dict.fromkeys(found) if not index.functions.get(_root(d)))
    if not decorators:
        return (), []
    return decorators, [
        (id, i)
        for id, there in index.readable()
        for function in there.functions
        for parameter in function.parameters
        if parameter.name == name
        and parameter.kind not in ("star", "stars")
        and (id, function.start) not in defined  # what it gets of its own name is another's
        and _is_left_to_others(index, id, function, name)
        if (i := there.starts.get(parameter.start)) is not None
    ]


def filled_notes(index: NotebookIndex, cell: str, function: Function, name: str) -> Iterator[str]:
    """Says which function of the notebook may be what a parameter is filled with by its name."""
    if not _is_left_to_others(index, cell, function, name):
        return
    for _, other in index.functions.get(name, []):
        for decorator in unknown_decorators(other):
            if not index.functions.get(_root(decorator)):
                yield f"`@{decorator}` may fill the parameter `{name}` by its name"


def _root(decorator: str) -> str:
    return decorator.partition(".")[0]


def _is_left_to_others(index: NotebookIndex, cell: str, function: Function, name: str) -> bool:
    """Whether no cell calls a function or passes it on, and no decorator of it says `name`."""
    starts = callers_of(index, cell, function).starts
    is_used = any(start != function.start for where in starts.values() for start in where)
    word = whole_word(name)
    return not is_used and not any(word.search(text) for text in function.decorators)

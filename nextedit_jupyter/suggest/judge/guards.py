"""Places that the user has to select, and those that bindings have decided.

Four kinds of places belong to a particular object, however similar to the examples they look: a
method that was chosen for one object, a key of one dictionary, a variable that was used once
instead of another while both are bound, and a name in code that was left alone while strings beside
it were changed. They are listed as optional.

Where bindings prove a rename, a place of the same word that they left alone is another name: it is
not offered, and a mention in a string or comment is optional, unless the judge is very sure of a
string. A variable that a cell binds again is also another one, as far as bindings go, but people
often give both the new name: there the judge has to be very sure. A name of one function, such as a
parameter, is changed in another function as a whole or not at all. Bindings say nothing about a
cell that does not parse: the judge has to be sure of its places, and they are optional where the
cell seems to bind the name. If a definition was replaced by another one, its uses mean the old one
until a use is changed as well.

The thresholds were right on commits of owners that the trees had not seen.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from nextedit_jupyter.analysis.bindings import IMPORTED, MODULE
from nextedit_jupyter.analysis.index import cell_index
from nextedit_jupyter.analysis.rename.orphaned import spells_out
from nextedit_jupyter.core import Silence, Suggestion, SuggestRequest
from nextedit_jupyter.suggest.judge.candidates import Candidate
from nextedit_jupyter.suggest.judge.consider import Considered
from nextedit_jupyter.suggest.judge.fits import SURE_ALONE, Fits
from nextedit_jupyter.suggest.judge.homes import Callees, home_of
from nextedit_jupyter.suggest.judge.keys import RenamedKeys
from nextedit_jupyter.suggest.judge.last_edits import TEXTS, LastChange, Site, binds
from nextedit_jupyter.suggest.judge.lexed import KEYED
from nextedit_jupyter.suggest.judge.mentions import (
    Ruling,
    is_in_prose,
    is_of_another_language,
    is_of_another_sentence,
    is_of_prose,
    is_of_whole_strings,
    is_table,
    of_mention,
)
from nextedit_jupyter.suggest.judge.methods import choice_of, is_method_of_another

_UNPACKED = re.compile(r"[(\[]?(?:\*?[^\W\d]\w*\s*,\s*)+(?:\*?[^\W\d]\w*)?[)\]]?\s*=(?!=)")
_WORD = re.compile(r"\w+")
_DEFINED = ("def ", "async def ")
NEVER = 2.0
# One variable for another at one place may be the repair of one line. Of nine uses between 0.8 and
# 0.95 all followed, and four places were left after edits that nobody spread.
_SURE_OF_SWAP = 0.8
# A variable for an import, or the other way round, is no other variable.
_SURE_OF_OTHER_KIND = 0.95
# A name that took another's place in two cells or more: of the uses that the judge is less sure of
# than this even so, half stayed as they were.
_SURE_OF_SWAPS = 0.7
# From here on five of six names that were bound again followed.
SURE_OF_REBOUND = 0.8
# Names of another function: ten of eleven places from 0.5 on followed. From here on no figure
# changes, and an heir keeps a parameter of its own.
SURE_OF_LOCAL = 0.6
# Names in cells that do not parse: of fourteen places thirteen followed, of those below half.
SURE_OF_UNREAD = 0.6


def held_back(considered: Considered, keys: RenamedKeys, fits: Fits) -> list[float]:
    """For each candidate the probability from which it is ticked; 0 if nothing holds it back."""
    found = _words_held_back(considered, keys)
    for n, place in enumerate(considered.candidates):
        if n not in considered.decided and fits.is_unfit(place):
            found[n] = NEVER
        elif fits.is_alone(place):
            found[n] = max(found[n], SURE_ALONE)
    return found


def _words_held_back(considered: Considered, keys: RenamedKeys) -> list[float]:
    literals: dict[int, set[str]] = {}
    changes = {id(place.change): place.change for place in considered.candidates}
    words = {key: change for key, change in changes.items() if change.shape == "word"}
    swapped = {key: _sure_of_swap(change, considered) for key, change in words.items()}
    choices = {key: choice_of(change, considered) for key, change in words.items()}
    in_text = {key: _is_of_text_alone(change) for key, change in words.items()}
    labels = {key: _is_of_labels_alone(change) for key, change in words.items()}
    whole = {key: is_of_whole_strings(change) for key, change in words.items()}
    prose = {key: is_of_prose(change) for key, change in words.items()}
    foreign = {key: _is_of_other_languages(change, considered) for key, change in words.items()}
    replaced = {key: is_of_replaced_entries(change) for key, change in words.items()}
    for place in considered.candidates:
        cell = considered.cells[place.cell]
        if place.change.shape == "word" and cell.kinds[place.first] == "string":
            owner = cell.owner(place.first)
            if owner and cell.callee(place.first) == owner + "={":
                literals.setdefault(id(place.change), set()).add(owner)
    found: list[float] = []
    for n, place in enumerate(considered.candidates):
        least = 0.0
        if n not in considered.decided and place.change.shape == "word":
            key, cell = id(place.change), considered.cells[place.cell]
            if (
                is_method_of_another(place, choices[key], considered)
                or _is_key_of_another(place, considered, literals.get(key, set()))
                or replaced[key]
                or (keys.is_of_another(place) and not _is_same_entry(place, considered))
                or (labels[key] and _is_key(Site.of(cell, place.first, place.last)))
                or (whole[key] and is_in_prose(place, considered))
                or (prose[key] and is_of_another_sentence(place, considered))
                or (foreign[key] and _is_python_name(place, considered))
                or (in_text[key] and considered.cells[place.cell].kinds[place.first] not in TEXTS)
            ):
                least = NEVER
            elif swapped[key]:
                least = swapped[key]
            elif _is_of_several_cells(place.change):
                least = _SURE_OF_SWAPS
        found.append(least)
    return found


def is_of_replaced_entries(change: LastChange) -> bool:
    """Whether a word names entries or arguments that were replaced by others with values of another
    kind: `rate=0.5` by `path="x.csv"`.
    """
    is_replaced = change.replaced_entries == len(change.examples) > 0
    return is_replaced and not spells_out(change.old[0], change.new)


def _is_of_text_alone(change: LastChange) -> bool:
    """Whether a word was changed in strings and comments, and left where it is code beside them."""
    return all(e.site.kind in TEXTS for e in change.examples) and any(
        site.kind not in TEXTS for _, site in change.left_alone
    )


def _is_of_labels_alone(change: LastChange) -> bool:
    """Whether only the capitals of a word changed, and only in strings passed to calls, such as
    titles.

    Keys are different.
    """
    return change.old[0].lower() == change.new.lower() and all(
        e.site.kind == "string" and e.site.callee.endswith("(") and not _is_key(e.site)
        for e in change.examples
    )


def _is_of_other_languages(change: LastChange, considered: Considered) -> bool:
    """Whether a word was changed only in the bodies of cells of other languages."""
    bodies = {
        n
        for n, edit in enumerate(considered.edits)
        if not cell_index(edit.before).is_python and not cell_index(edit.after).is_python
    }
    return all(
        e.edit in bodies and e.line and e.site.right[:2] != ("<", "<") for e in change.examples
    )


def _is_python_name(place: Candidate, considered: Considered) -> bool:
    cell = considered.cells[place.cell]
    is_name = cell.kinds[place.first] in ("attribute", "call", "definition", "name", "target")
    is_read = not _is_unread(place, considered)  # what does not parse may be no Python either
    return is_name and is_read and not is_of_another_language(place, considered)


def _is_key_of_another(place: Candidate, considered: Considered, literals: set[str]) -> bool:
    """Whether a key of only one variable was changed, and `place` is that of another variable whose
    definition has that key.
    """
    sites = [e.site for e in place.change.examples]
    if not all(s.kind == "string" and _is_key(s) for s in sites):
        return False
    cell, owners = considered.cells[place.cell], {s.owner for s in sites}
    if len(owners) != 1 or cell.owner(place.first) not in literals - owners:
        return False
    return not _is_same_entry(place, considered)


def _is_same_entry(place: Candidate, considered: Considered) -> bool:
    """Whether the entry is word for word one that was changed, or has that key's value."""
    sites = [e.site for e in place.change.examples]
    site = Site.of(considered.cells[place.cell], place.first, place.last)
    is_same = site.line[:1] in ("'", '"') and any(s.line == site.line for s in sites)
    is_copied = site.right[1:2] == (":",) and site.right[2:3] in {(s.owner,) for s in sites}
    return is_same or is_copied


def _is_key(site: Site) -> bool:
    """Whether a string is a key of its owner: in a literal, in brackets or in `get`."""
    return site.callee in (site.owner + "={", site.owner + "[") or site.callee in KEYED


def _sure_of_swap(change: LastChange, considered: Considered) -> float:
    """How sure the judge has to be where one use was changed, of a name that is still bound, to
    another that is bound too; 0 where that is not so.

    Modules do not count: one replaces another wherever it was used.
    """
    if len(change.examples) != 1 or change.examples[0].site.kind != "name":
        return 0.0
    old, new = (_bindings_of(n, considered) for n in ("".join(change.replaced), change.new))
    if not old or not new or old | new <= IMPORTED:
        return 0.0
    is_one_kind = not (old | new) & IMPORTED
    return _SURE_OF_SWAP if is_one_kind else _SURE_OF_OTHER_KIND


def _is_of_several_cells(change: LastChange) -> bool:
    """Whether uses of a name were changed in two cells or more."""
    first, *others = change.examples
    return first.site.kind == "name" and any(e.edit != first.edit for e in others)


def _bindings_of(name: str, considered: Considered) -> set[str]:
    """The kinds of bindings of a name in the cells that contain it: "variable", "parameter",
    "alias" and so on."""
    cells = (cell_index(c.source) for c in considered.cells.values() if name in c.source)
    return {n.kind for cell in cells for n in cell.names if n.name == name and n.op == "write"}


# Where a word stands that no binding of a variable reaches.
_BEYOND = frozenset(["attribute", "keyword", "string"])


def rulings(
    considered: Considered,
    symbols: Sequence[Suggestion] | Silence,
    request: SuggestRequest,
    callees: Callees,
) -> list[Ruling]:
    """For each candidate, what bindings have decided."""
    if isinstance(symbols, Silence):
        over = _replaced_as_a_whole(symbols, considered)
        local = _of_functions_alone(considered)
        return [
            "closed"
            if id(place.change) in over
            or (id(place.change) in local and home_of(place, considered) == MODULE)
            else _of_settled(place, symbols, considered, callees)
            for place in considered.candidates
        ]
    # A word that was also changed where no binding reaches, such as a keyword or a method, means
    # more than the variable: then the judge decides about places that bindings left alone.
    proved = {
        (cell.source[r.start : r.end], r.text)
        for said in symbols
        for change in said.edits
        if (cell := request.notebook.cell(change.cell)) is not None
        for r in change.edit
    }
    kinds = _kinds_of(symbols, considered, request)
    found: list[Ruling] = []
    for n, place in enumerate(considered.candidates):
        if n in considered.decided:
            found.append("closed")  # they belong to the symbols lane
            continue
        change = place.change
        is_other = change.shape != "word" or ("".join(change.replaced), change.new) not in proved
        if is_other or _means_more(change, kinds):
            found.append("open")
        elif is_table(place, considered):
            found.append("optional")
        elif is_of_another_language(place, considered):
            found.append("closed")  # what the line reads of the notebook is proved
        elif considered.cells[place.cell].kinds[place.first] in TEXTS:
            found.append(of_mention(place, considered))
        elif _is_unread(place, considered):
            found.append("unread" if _reads_the_notebooks(place, considered) else "optional")
        elif _is_imported_again(place, considered):
            found.append("open")
        else:
            found.append(_of_another_binding(place, considered, callees))
    return found


def _of_functions_alone(considered: Considered) -> set[int]:
    """The changes of a word, by their ids, that were made within functions alone, one of which has
    the word for a name of its own, while no cell binds it: of what the notebook calls so elsewhere,
    nobody knows what it is.
    """
    changes = {id(place.change): place.change for place in considered.candidates}
    cells = [cell.source for cell in considered.cells.values()]
    cells += [edit.before for edit in considered.edits]
    return {
        key
        for key, change in changes.items()
        if change.shape == "word"
        and all(_is_of_function(e.site) for e in change.examples)
        and any(_is_own(change.old[0], edit.before) for edit in considered.edits)
        and not any(change.old[0] in cell_index(text).bound_at_module() for text in cells)
    }


def _is_of_function(site: Site) -> bool:
    """Whether a name is within a function, or among its parameters."""
    is_parameter = site.line.startswith(_DEFINED) and site.left[:1] != ("def",)
    return is_parameter or site.function.startswith(_DEFINED)


def _is_own(name: str, source: str) -> bool:
    """Whether a function of a cell binds the name for itself."""
    index = cell_index(source)
    return any(
        home != MODULE
        for said, home in zip(index.names, index.homes, strict=True)
        if said.name == name
    )


def _lines_replaced(names: Sequence[str], considered: Considered) -> set[tuple[int, int]]:
    """The lines, as (edit, line), whose variable, function or class made way for another one:
    whatever else became what on them, nothing was said of its other places.
    """
    found: set[tuple[int, int]] = set()
    for n, edit in enumerate(considered.edits if names else ()):
        index, text = cell_index(edit.before), edit.before
        ends = {f.start: index.scopes[f.scope].end for f in index.functions}
        ends |= {c.start: index.scopes[c.scope].end for c in index.classes}
        for name in index.names:
            is_definition = name.kind == "variable" or name.start in ends
            if name.op == "write" and is_definition and name.name in names:
                first = text.count("\n", 0, name.start)
                lines = text.count("\n", name.start, ends.get(name.start, name.start))
                found |= {(n, line) for line in range(first, first + lines + 1)}
    return found


def _went_with_it(change: LastChange, considered: Considered) -> bool:
    """Whether a word was changed in no cell but those that bound it: with its definition, as the
    uses beside that are.
    """
    word = change.old[0]
    binding = {
        n
        for n, edit in enumerate(considered.edits)
        if word in edit.before
        and any(name.name == word and name.op == "write" for name in cell_index(edit.before).names)
    }
    return change.shape == "word" and all(e.edit in binding for e in change.examples)


def _replaced_as_a_whole(symbols: Silence, considered: Considered) -> set[int]:
    """The changes, by their ids, that only say that another definition took a name's place."""
    gone = _lines_replaced(symbols.replaced, considered)
    changes = {id(place.change): place.change for place in considered.candidates}
    return {
        key
        for key, change in changes.items()
        if (gone and all((e.edit, e.line) in gone for e in change.examples))
        or ("".join(change.replaced) in symbols.replaced and _went_with_it(change, considered))
    }


def _of_settled(
    place: Candidate, symbols: Silence, considered: Considered, callees: Callees
) -> Ruling:
    """If nothing is left to rename: what bindings say about a place of the word."""
    word = "".join(place.change.replaced)
    if word in symbols.settled and callees.is_collected(place):
        return "closed"
    if not _is_of_definitions_alone(place.change):
        return "open"
    if word not in symbols.settled:
        return "open"
    if is_table(place, considered):
        return "open"  # a query may be of the variable
    if _is_settled(place, considered):
        return "closed"
    if any(e.site.kind in _BEYOND for e in place.change.examples):
        return "open"
    if considered.cells[place.cell].kinds[place.first] in ("attribute", "keyword"):
        return "closed"
    is_own = home_of(place, considered) not in (None, MODULE)
    return "closed" if is_own and _is_callables(place.change) else "open"


def _is_imported_again(place: Candidate, considered: Considered) -> bool:
    """Whether the changed import occurs word for word in another cell."""
    cell = considered.cells[place.cell]
    line = cell.lines[cell.line_of(place.start)]
    return cell.kinds[place.first] == "import" and any(
        e.site.kind == "import" and e.site.line == line for e in place.change.examples
    )


def _is_unread(place: Candidate, considered: Considered) -> bool:
    """Whether bindings say nothing about a place, because its cell does not parse."""
    return cell_index(considered.cells[place.cell].source).broken


def _reads_the_notebooks(place: Candidate, considered: Considered) -> bool:
    """Whether a name in a cell that does not parse seems to be the notebook's: neither the cell nor
    the function around it seems to bind it.
    """
    cell, word = considered.cells[place.cell], place.change.old[0]
    site = Site.of(cell, place.first, place.last)
    is_bound = word in cell_index(cell.source).bound_at_module()
    is_local = site.function.startswith(_DEFINED) and word in _WORD.findall(site.function)
    return site.kind in ("call", "name") and not is_bound and not is_local


def _of_another_binding(place: Candidate, considered: Considered, callees: Callees) -> Ruling:
    """Whether a name with the same spelling may follow: a variable of the notebook that a cell
    binds again, or a name in another function if one within a function was changed.

    Functions and classes do something else after another definition, and a result named like its
    function is not a function: only variables and imports have a similar meaning again.
    """
    if _is_callables(place.change):
        return "closed"
    home = home_of(place, considered)
    if home == MODULE:
        return "rebound"
    is_of_functions = any(
        e.site.kind == "definition" or e.site.function.startswith(_DEFINED)
        for e in place.change.examples
    )
    is_local = is_of_functions and callees.scope_of(place) is not None
    return "local" if is_local else "closed"


def _is_callables(change: LastChange) -> bool:
    """Whether a word was changed as the name of a function or a class, where it is defined."""
    return any(
        e.site.left[:1] in (("def",), ("class",)) or e.site.right[:2] == ("=", "lambda")
        for e in change.examples
    )


def _is_settled(place: Candidate, considered: Considered) -> bool:
    """Whether a place that bindings left alone is unrelated: another key, or a word of another
    language in a line that IPython reads.
    """
    if is_of_another_language(place, considered):
        return True
    keys, cell = {"string"}, considered.cells[place.cell]
    return cell.kinds[place.first] in keys and {e.site.kind for e in place.change.examples} == keys


def _kinds_of(
    symbols: Sequence[Suggestion], considered: Considered, request: SuggestRequest
) -> set[str]:
    """The kinds of the places that bindings prove."""
    starts = {
        (request.notebook.index(change.cell), r.start)
        for said in symbols
        for change in said.edits
        for r in change.edit
    }
    return {
        considered.cells[place.cell].kinds[place.first]
        for place in considered.candidates
        if (place.cell, place.start) in starts
    }


def _means_more(change: LastChange, proved: set[str]) -> bool:
    """Whether a word was also changed where bindings do not reach: with a kind that none of the
    proved places has (their kinds are `proved`). A single string with which a rename began counts
    as reached.
    """
    if len(change.examples) == 1 and change.examples[0].site.kind == "string":
        return False
    return bool({e.site.kind for e in change.examples} & _BEYOND - proved)


def _is_of_definitions_alone(change: LastChange) -> bool:
    """Whether a word was changed only where a name is bound or declared."""
    return change.shape == "word" and all(
        binds(e.site) or _is_unpacked(e.site, change.old[0]) for e in change.examples
    )


def _is_unpacked(site: Site, name: str) -> bool:
    """Whether a name is one of several that a line assigns: `a, b = f()`."""
    found = _UNPACKED.match(site.line)
    return found is not None and name in _WORD.findall(found[0])

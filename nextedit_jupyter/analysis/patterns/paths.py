"""Patterns of dotted paths: modules, their attributes, types that moved."""

from __future__ import annotations

import builtins
from collections.abc import Iterator
from dataclasses import dataclass

from nextedit_jupyter.analysis.flat_tree import Node, SyntaxTree
from nextedit_jupyter.analysis.patterns.axes import axes_rule
from nextedit_jupyter.analysis.patterns.changed_nodes import NodeChange
from nextedit_jupyter.analysis.patterns.nodes import (
    disjoint,
    dotted,
    is_akin,
    is_bound_at,
    is_called,
    part_spans,
    whole_path,
    words,
)
from nextedit_jupyter.analysis.patterns.rule import Around, Rule, Trust
from nextedit_jupyter.core import Replacement

# Builtins that Python 3 removed: replacing one of them is a migration.
_PYTHON2 = words(
    "xrange raw_input unicode basestring unichr long reduce cmp execfile izip imap ifilter"
)
# Modules whose names were replaced by builtins or moved.
_MOVED_NAMES = frozenset({"typing", "typing_extensions", "collections", "six", "six.moves"})


@dataclass(frozen=True, slots=True)
class PathReplaced:
    """A dotted path becomes another in imports and uses: `time.clock` to `time.process_time`.

    `bare` are names that a `from … import` of the old path binds, to be replaced as well.
    """

    old: tuple[str, ...]
    new: tuple[str, ...]
    examples: int = 1
    trust: Trust = "specific"
    called: bool = False

    @property
    def needle(self) -> str:
        return self.old[-1]

    @property
    def what(self) -> str:
        return f"change {'.'.join(self.old)} to {'.'.join(self.new)}"

    @property
    def where(self) -> str:
        return "place"

    def places(self, tree: SyntaxTree) -> list[Replacement]:
        found = [
            replacement
            for node in tree.of_kind("attribute", "identifier", "dotted_name")
            if (replacement := self._in_path(node)) is not None
        ]
        for statement in tree.of_kind("import_from_statement"):
            found += self._in_from_import(statement)
        return disjoint(found)

    def _in_path(self, node: Node) -> Replacement | None:
        above = node.parent
        if above is not None and above.kind in ("attribute", "dotted_name"):
            return None  # the whole path is examined
        if node.kind == "dotted_name":
            if above is not None and above.kind == "import_from_statement" and node.field == "name":
                return None
            if above is not None and above.kind == "aliased_import":
                statement = above.parent
                if statement is not None and statement.kind == "import_from_statement":
                    return None
        elif is_bound_at(node):
            return None
        parts = dotted(node)
        if parts is None or parts[: len(self.old)] != self.old:
            return None
        if self.new[: len(self.old)] == self.old and parts[: len(self.new)] == self.new:
            return None  # done there
        if self.called and not (len(parts) == len(self.old) and is_called(node)):
            return None
        same = 0
        while same < min(len(self.old), len(self.new)) - 1 and self.old[same] == self.new[same]:
            same += 1
        starts = part_spans(node)
        return Replacement(starts[same][0], starts[len(self.old) - 1][1], ".".join(self.new[same:]))

    def _in_from_import(self, statement: Node) -> Iterator[Replacement]:
        """`from sklearn import cross_validation`: the last part is among the imported names."""
        module = statement.child("module_name")
        if module is None or len(self.old) < 2 or self.old[:-1] != self.new[:-1]:
            return
        if module.text != ".".join(self.old[:-1]):
            return
        for child in statement.named_children:
            if child.field != "name" or child.kind != "aliased_import":
                continue  # without an alias its uses would have to change: left to the symbols lane
            target = child.child("name")
            if target is not None and target.text == self.old[-1]:
                yield Replacement(target.start, target.end, self.new[-1])


def path_rules(change: NodeChange, around: Around) -> Iterator[Rule]:
    old, new = whole_path(change.old), whole_path(change.new)
    was, now = dotted(old), dotted(new)
    if was is None or now is None or was == now:
        return
    statement = _import_of(old)
    if statement is not None:
        yield from _import_rules(old, new, statement, around)
        return
    if is_bound_at(old) or is_bound_at(new) or old.field == new.field == "name":
        return
    if was[0] in ("self", "cls") or now[0] in ("self", "cls"):
        return
    if len(was) > 1 and len(now) > 1 and (rule := axes_rule(was, now, around)) is not None:
        yield rule
        return
    root = around.imported(was[0])
    if root is None and len(was) > 1 and not _is_module(was[0], around):
        return  # an attribute of a variable: `attribute_rules`
    if len(was) == 1 and not (
        was[0] in _PYTHON2 or (root is not None and root.rpartition(".")[0] in _MOVED_NAMES)
    ):
        return  # a name for a name: left to the symbols lane
    if len(now) == 1 and len(was) == 1 and around.is_bound(now[0]):
        return
    if len(was) == 1 and around.is_bound(was[0]):
        return
    if now[0] != was[0] and not (hasattr(builtins, now[0]) or around.imported(now[0])):
        return  # an attribute of the user's own object
    whole = was
    was, now = _moved_part(was, now)
    named = around.members(was[0]) if len(was) == 2 else frozenset[str]()
    gone = (bool(named) and was[-1] not in named) or _is_removed(was, root)
    if not gone and len(now) > 1 and around.existed(".".join(now)):
        return  # both exist: one was confused with the other
    both_valid = was[-1] in named and (now[0] != was[0] or now[-1] in named)
    other_module = len(was) > 1 and len(now) > 1 and now[0] != was[0]
    specific = was != whole or len(now) == 1 or is_akin(was[-1], now[-1])
    if gone or (specific and not both_valid and not other_module):
        yield PathReplaced(was, now, 1, trust="known" if gone else "weak")
    else:  # a module's functions are often exchanged: `np.zeros` for `np.ones`
        yield PathReplaced(was, now, 2, trust="weak")


def _moved_part(
    was: tuple[str, ...], now: tuple[str, ...]
) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """The paths without their common end, if a module moved.

    `sklearn.externals.joblib.dump` to `joblib.dump` moved joblib, but `scipy.misc.imread` to
    `imageio.imread` and `collections.Mapping` to `collections.abc.Mapping` moved only that name.
    """
    old, new = was, now
    while len(old) > 1 and len(new) > 1 and old[-1] == new[-1]:
        old, new = old[:-1], new[:-1]
    if len(old) > 1 and (old[0] == new[0] or old[-1] == new[-1]):
        return old, new
    return was, now


def _is_removed(path: tuple[str, ...], root: str | None) -> bool:
    """Whether a library removed the name: then every use of it has to be replaced."""
    resolved = ((root or path[0]).split(".") + list(path[1:])) if path else []
    return resolved[-1] in _REMOVED.get(".".join(resolved[:-1]), ())


_REMOVED = {
    "collections": words(
        "Callable Container Hashable Iterable Iterator Mapping MutableMapping MutableSequence"
        " MutableSet Sequence Set Sized"
    ),
    "fractions": words("gcd"),
    "inspect": words("getargspec formatargspec"),
    "itertools": words("izip imap ifilter izip_longest"),
    "networkx": words("from_pandas_dataframe from_numpy_matrix to_numpy_matrix info"),
    "numpy": words(
        "float int bool object str complex long unicode product cumproduct alltrue sometrue"
        " asscalar trapz in1d row_stack float_ Inf NaN Infinity infty round_ msort"
    ),
    "os": words("getcwdu errno"),
    "pandas": words(
        "Panel datetime np scatter_matrix rolling_mean rolling_std ewma TimeGrouper Int64Index"
        " Float64Index"
    ),
    "platform": words("linux_distribution dist"),
    "scipy.integrate": words("trapz simps cumtrapz"),
    "scipy.misc": words("imread imresize imsave imshow comb factorial logsumexp face ascent"),
    "seaborn": words("distplot factorplot tsplot"),
    "sklearn.datasets": words("load_boston"),
    "sklearn.metrics": words("plot_confusion_matrix plot_roc_curve plot_precision_recall_curve"),
    "string": words("letters lowercase uppercase maketrans"),
    "sys": words("maxint setdefaultencoding"),
    "tensorflow": words(
        "placeholder Session InteractiveSession global_variables_initializer ConfigProto"
        " get_variable reset_default_graph variable_scope set_random_seed"
    ),
    "time": words("clock"),
    "urllib": words("urlopen urlencode urlretrieve quote quote_plus unquote"),
}


def _is_module(name: str, around: Around) -> bool:
    known = around.facts.named(name)
    if known is not None:
        return known.type == "module"
    return not around.is_bound(name) and around.imported(name) is not None


def _import_of(node: Node) -> Node | None:
    for above in node.ancestors:
        if above.kind in ("import_statement", "import_from_statement"):
            return above
    return None


def _import_rules(old: Node, new: Node, statement: Node, around: Around) -> Iterator[Rule]:
    after = _import_of(new)
    was, now = dotted(old), dotted(new)
    if after is None or was is None or now is None or after.kind != statement.kind:
        return
    if old.field == "alias" or new.field == "alias":
        return  # a name of the notebook's own: left to the symbols lane
    if statement.kind == "import_from_statement":
        if old.field != "module_name" or new.field != "module_name":
            aliased = old.parent is not None and old.parent.kind == "aliased_import"
            module = statement.child("module_name")
            if not aliased or module is None or module.text == ".":
                return  # another name is imported: a rename, left to the symbols lane
            base = dotted(module)
            if base is not None:
                yield PathReplaced((*base, *was), (*base, *now))
            return
        if _imported_names(statement) != _imported_names(after):
            return  # something else from elsewhere
    elif len(was) == 1 and old.parent is not None and old.parent.kind != "aliased_import":
        return  # the bound name changes: left to the symbols lane
    while len(was) > 2 and len(now) > 2 and was[-1] == now[-1]:
        was, now = was[:-1], now[:-1]
    yield PathReplaced(was, now)


def _imported_names(statement: Node) -> list[str]:
    return [child.text for child in statement.named_children if child.field == "name"]

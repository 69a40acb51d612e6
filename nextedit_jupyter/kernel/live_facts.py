"""What the kernel knows about its names, read without ever running user code.

Values are read only through the descriptors of `type`, `object` and `ModuleType`: no `repr`,
property, `__getattr__`, `__dir__`, `__len__`, `__iter__`, `__eq__`, `__hash__` or `__class__` of a
user's object or metaclass is triggered. Before a value's internals are read (columns of a
DataFrame, keys of a dict), its type is checked to be the genuine one. What cannot be read in this
way is left out.
"""

from __future__ import annotations

import functools
import sys
from collections import Counter, OrderedDict, defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import islice
from time import perf_counter
from types import BuiltinFunctionType, FunctionType, GetSetDescriptorType, MethodType, ModuleType
from typing import Any

from nextedit_jupyter.core.facts import CellRun, KernelError, KernelFacts, NamedObject
from nextedit_jupyter.core.redact import holds_secret

# The descriptors themselves: `cls.__mro__` would consult the metaclass, `mro_of(cls)` does not.
mro_of: Callable[[type], tuple[type, ...]] = type.__dict__["__mro__"].__get__
_own: Callable[[type], Mapping[Any, Any]] = type.__dict__["__dict__"].__get__
_name: Callable[[type], str] = type.__dict__["__name__"].__get__
qualname_of: Callable[[type], str] = type.__dict__["__qualname__"].__get__
_module: Callable[[type], object] = type.__dict__["__module__"].__get__
_module_dict: Callable[[ModuleType], dict[Any, Any]] = vars(ModuleType)["__dict__"].__get__
_function_dict: Callable[[FunctionType], dict[Any, Any]] = FunctionType.__dict__["__dict__"].__get__

_DICTS = (dict, OrderedDict, defaultdict, Counter)
_LRU_WRAPPER = type(functools.lru_cache(lambda: None))
_BARE_CHARS = 100  # for a name with its type and no members
_WRAPPED_DEPTH = 8  # of functools.wraps; deeper nesting is a loop or deliberate


@dataclass(frozen=True, slots=True)
class FactsLimits:
    """Bounds of one collection.

    `budget_ms` keeps a keystroke's facts cheap; `total_chars` is a twentieth of a request's bound,
    so that facts never crowd out the notebook. A list of exactly `members` entries may have been
    truncated.
    """

    names: int = 200
    members: int = 200
    total_chars: int = 48_000
    budget_ms: float = 25.0


def collect(
    namespace: dict[str, Any],
    *,
    hidden: Mapping[str, Any] | None = None,
    recent: Sequence[str] = (),
    runs: Sequence[CellRun] = (),
    error: KernelError | None = None,
    limits: FactsLimits | None = None,
    clock: Callable[[], float] = perf_counter,
    refuses: Callable[[str], bool] = holds_secret,
) -> KernelFacts:
    """Facts about `namespace`: first the names in `recent`, in that order, then the newest.

    `hidden` are the shell's own names, left out while they have the shell's own values. `recent`
    are identifiers of the cells that ran last, including attributes: they also decide which members
    are kept if there are too many. `clock` returns seconds. Never raises.
    """
    limits = limits or FactsLimits()
    deadline = clock() + limits.budget_ms / 1e3
    hidden = hidden or {}
    known = [key for key in list(namespace) if type(key) is str and not key.startswith("_")]
    present = set(known)
    order = dict.fromkeys([name for name in recent if name in present])
    order |= dict.fromkeys(reversed(known))
    used = frozenset(recent)
    reader = _Reader(used, limits.members, refuses)
    names: list[NamedObject] = []
    left = limits.total_chars
    for name in order:
        if len(names) >= limits.names or clock() > deadline:
            break
        try:
            value = dict.__getitem__(namespace, name)
        except KeyError:  # deleted by the main thread in the meantime
            continue
        if name in hidden and hidden[name] is value:
            continue
        found = reader.describe(name, value)
        del value  # the user's object must not live on because of us
        size = _size(found)
        # The types of all names are worth more than the members of one: leave room for the rest.
        to_come = min(len(order), limits.names) - len(names) - 1
        if size > left - to_come * _BARE_CHARS:
            found = NamedObject(found.name, found.type, module=found.module)
            size = _size(found)
            if size > left:
                break
        left -= size
        names.append(found)
    return KernelFacts(runs=tuple(runs), names=tuple(names), error=error)


class _Reader:
    """Describes values; caches the members of types during one collection."""

    def __init__(self, used: frozenset[str], limit: int, refuses: Callable[[str], bool]) -> None:
        self._used = used
        self._limit = limit
        self._refuses = refuses
        self._members: dict[int, tuple[str, ...]] = {}

    def describe(self, name: str, value: object) -> NamedObject:
        cls = type(value)
        try:
            return self._describe(name, value, cls)
        except Exception:  # a type with damaged internals: report only its name
            return NamedObject(name, "object")

    def _describe(self, name: str, value: Any, cls: type) -> NamedObject:
        if _is_kind(cls, ModuleType):
            return self._module(name, value)
        if _is_kind(cls, type):
            return self._class(name, value)
        if cls is FunctionType or cls is MethodType or cls is functools.partial:
            return self._function(name, value)
        if cls is _LRU_WRAPPER:
            wrapped = object.__getattribute__(value, "__dict__").get("__wrapped__")
            return self._function(name, wrapped)
        if cls is BuiltinFunctionType:
            return NamedObject(name, "function", module=_text(value.__module__))
        subscripts: tuple[str, ...] = ()
        if any(cls is known for known in _DICTS):
            subscripts = self._strings(islice(dict.__iter__(value), self._limit))
        elif (frame := pandas_kind(cls)) is not None:
            subscripts = self._strings(pandas_labels(value, frame, self._limit))
        return NamedObject(
            name,
            type_name(cls),
            members=self._members_of(cls),
            subscripts=subscripts,
            module=_text(_module(cls)),
        )

    def _module(self, name: str, module: ModuleType) -> NamedObject:
        own = dict(_module_dict(module))
        listed = own.get("__all__")
        public: Iterable[Any]
        if type(listed) is list or type(listed) is tuple:
            public = [n for n in listed if type(n) is str and n in own]
        else:
            # What a module imports says little about it: its own definitions come first.
            public = [n for n in own if type(n) is str and type(own[n]) is not ModuleType]
            public += [n for n in own if type(n) is str and type(own[n]) is ModuleType]
        return NamedObject(
            name, "module", members=self._ranked(public), module=_text(own.get("__name__"))
        )

    def _class(self, name: str, cls: type) -> NamedObject:
        keywords: tuple[str, ...] = ()
        for maker in ("__init__", "__new__"):
            found = from_mro(cls, maker)
            if type(found) is staticmethod:  # __new__ is one
                found = staticmethod.__dict__["__func__"].__get__(found)
            if type(found) is FunctionType:
                keywords = _parameters(found, skip_first=True)
                break
        return NamedObject(
            name,
            "type",
            members=self._members_of(cls),
            keywords=keywords[: self._limit],
            module=_text(_module(cls)),
        )

    def _function(self, name: str, value: Any) -> NamedObject:
        skip_first = False
        for _ in range(_WRAPPED_DEPTH):
            if type(value) is MethodType:
                skip_first, value = True, MethodType.__dict__["__func__"].__get__(value)
            elif type(value) is functools.partial:
                value = functools.partial.__dict__["func"].__get__(value)
            else:
                break
        if type(value) is not FunctionType:
            return NamedObject(name, "function")
        return NamedObject(
            name,
            "function",
            keywords=_parameters(value, skip_first=skip_first)[: self._limit],
            module=_text(value.__module__),
        )

    def _members_of(self, cls: type) -> tuple[str, ...]:
        key = id(cls)  # alive during the collection: the namespace holds it or an instance
        if key not in self._members:
            self._members[key] = self._ranked(name for base in mro_of(cls) for name in _own(base))
        return self._members[key]

    def _ranked(self, names: Iterable[object]) -> tuple[str, ...]:
        public = list(
            dict.fromkeys(
                n for n in names if type(n) is str and not n.startswith("_") and n.isidentifier()
            )
        )
        if len(public) > self._limit:  # names in use are kept
            public.sort(key=lambda n: n not in self._used)
        return tuple(public[: self._limit])

    def _strings(self, values: Iterable[object]) -> tuple[str, ...]:
        found = tuple(dict.fromkeys(v for v in values if type(v) is str and len(v) <= 200))
        if found and self._refuses("\n".join(found)):
            found = tuple(text for text in found if not self._refuses(text))
        return found


def type_name(cls: type) -> str:
    """`int`, `numpy.ndarray`, `sklearn.linear_model.Ridge`: the shortest public path of a type.

    A path counts if the module is loaded and has this very type under that name.
    """
    qualname, module = _text(qualname_of(cls)), _text(_module(cls))
    if module in ("builtins", "") or not qualname:
        return qualname or "object"
    parts = module.split(".")
    for end in range(1, len(parts)):
        shorter = ".".join(parts[:end])
        if _loaded(shorter, qualname) is cls:
            return f"{shorter}.{qualname}"
    return f"{module}.{qualname}"


def bare_type_name(cls: type) -> str:
    """The type's name without its module, for exceptions: `KeyError`."""
    return _name(cls)


def _loaded(module: str, name: str) -> object:
    """A loaded module's value for a name, without importing or calling its `__getattr__`."""
    found = sys.modules.get(module)
    if found is None or not _is_kind(type(found), ModuleType):
        return None
    return _module_dict(found).get(name)


def _is_kind(cls: type, base: type) -> bool:
    return any(c is base for c in mro_of(cls))


def from_mro(cls: type, name: str) -> object:
    """The raw attribute of a class or one of its bases; None if there is none."""
    for base in mro_of(cls):
        own = _own(base)
        if name in own:
            return own[name]
    return None


def _text(value: object) -> str:
    return value if type(value) is str else ""


def _size(named: NamedObject) -> int:
    lists = (named.members, named.subscripts, named.keywords)
    return (
        60
        + len(named.name)
        + len(named.type)
        + len(named.module)
        + sum(len(text) + 3 for texts in lists for text in texts)
    )


def _parameters(function: FunctionType, *, skip_first: bool) -> tuple[str, ...]:
    """Parameters that can be passed by keyword, from the code object; follows functools.wraps."""
    for _ in range(_WRAPPED_DEPTH):
        own = _function_dict(function)
        wrapped = None
        if type(own) is dict:
            wrapped = next(
                (v for k, v in list(own.items()) if type(k) is str and k == "__wrapped__"), None
            )
        if type(wrapped) is not FunctionType:
            break
        function = wrapped
    code = function.__code__
    names = code.co_varnames[: code.co_argcount + code.co_kwonlyargcount]
    first = max(code.co_posonlyargcount, 1 if skip_first and code.co_argcount else 0)
    return names[first:]


def is_genuine(cls: type, package: str) -> bool:
    """Whether the package itself has this very type under the type's own name."""
    module = _text(_module(cls))
    if module != package and not module.startswith(f"{package}."):
        return False
    return _loaded(module, _text(qualname_of(cls))) is cls


def pandas_kind(cls: type) -> type | None:
    """pandas' DataFrame or Series, if this is one of them or a subclass with unchanged
    internals."""
    if "pandas" not in sys.modules:
        return None
    for base in mro_of(cls):
        if _text(qualname_of(base)) in ("DataFrame", "Series") and is_genuine(base, "pandas"):
            return base
        own = _own(base)
        if any(name in own for name in ("_mgr", "__dict__", "columns", "__slots__")):
            return None
    return None


def pandas_labels(value: Any, kind: type, limit: int) -> Iterator[object]:
    """Columns of a DataFrame, labels of a Series; of a MultiIndex the outermost."""
    insides = instance_dict(value)
    manager = None if insides is None else insides.get("_mgr")
    if manager is None or not is_genuine(type(manager), "pandas"):
        return
    axes = manager.axes
    index = axes[0] if type(axes) is list and axes else None
    if index is None or not is_genuine(type(index), "pandas"):
        return
    if qualname_of(type(index)) == "MultiIndex":
        for label in index[:limit].tolist():
            if type(label) is tuple and label:
                yield label[0]
    elif qualname_of(type(index)) in ("Index", "CategoricalIndex"):
        held = type(index._data)  # an array class of the user's would run their code
        if is_genuine(held, "pandas") or is_genuine(held, "numpy"):
            yield from index[:limit].tolist()


def instance_dict(value: object) -> dict[str, Any] | None:
    """The instance dictionary, by Python's own descriptor; None if the class overrides it."""
    for base in mro_of(type(value)):
        found = _own(base).get("__dict__")
        if found is not None:
            if type(found) is not GetSetDescriptorType:
                return None
            own = found.__get__(value)
            return own if type(own) is dict else None
    return None

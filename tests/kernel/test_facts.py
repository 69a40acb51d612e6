from __future__ import annotations

import collections
import enum
import functools
import types
from collections.abc import Callable
from typing import Any

import pytest

from nextedit_jupyter.core.facts import NamedObject
from nextedit_jupyter.kernel.live_facts import FactsLimits, collect, type_name


class Sprung(BaseException):
    """Raised by a trap: BaseException, so that no guard hides it."""


def trap(*_: Any, **__: Any) -> Any:
    raise Sprung


HOOKS = """
    getattr getattribute repr str dir len iter eq hash bool contains getitem format call index
    sizeof reduce fspath lt
"""


class TrappedMeta(type):
    """A metaclass that lets no one ask a class anything by the usual ways."""

    __getattribute__ = trap
    __eq__ = trap
    __hash__ = trap
    __dir__ = trap
    __instancecheck__ = trap
    __subclasscheck__ = trap
    __name__ = property(trap)
    __mro__ = property(trap)
    __dict__ = property(trap)  # type: ignore[misc]  # hostile on purpose
    __module__ = property(trap)


def trapped(meta: type = type, *bases: type) -> Any:
    """A class whose instances raise at whatever is done to them."""
    body: dict[str, Any] = {f"__{hook}__": trap for hook in HOOKS.split()}
    body |= {name: property(trap) for name in ("__class__", "__dict__", "__doc__", "visible")}
    return meta("Trapped", bases, body | {"method": trap})


def facts_of(**namespace: Any) -> dict[str, NamedObject]:
    return {named.name: named for named in collect(namespace, clock=lambda: 0.0).names}


VALUES: dict[str, Callable[[], Any]] = {
    "an object whose every hook raises": lambda: trapped()(),
    "its class": trapped,
    "an object of a trapped metaclass": lambda: trapped(TrappedMeta)(),
    "a class of a trapped metaclass": lambda: trapped(TrappedMeta),
    "a dict with a trapped class as key": lambda: {trapped(): 1},
    "a list of traps": lambda: [trapped()()],
    "a partial of a trap": lambda: functools.partial(trapped()()),
    "a method bound to a trap": lambda: types.MethodType(lambda self: 1, trapped()()),
    "a trapped dict": lambda: trapped(type, dict)(),
    "a trapped str": lambda: trapped(type, str)("x"),
    "a trapped module": lambda: trapped(type, types.ModuleType)("m"),
    "a trapped exception": lambda: trapped(type, KeyError)("m"),
}


@pytest.mark.parametrize("which", VALUES)
def test_nothing_of_the_users_object_ever_runs(which: str) -> None:
    found = facts_of(value=VALUES[which]())
    assert set(found) == {"value"}


def test_a_trapped_objects_type_and_members_are_known_all_the_same() -> None:
    named = facts_of(value=trapped(TrappedMeta)())["value"]
    assert named.type.endswith("Trapped")
    assert {"visible", "method"} <= set(named.members)


def test_a_function_wrapped_by_functools_wraps_shows_the_parameters_of_what_it_wraps() -> None:
    def inner(path: str, /, sep: str = ",", *, header: int = 0) -> None: ...

    @functools.wraps(inner)
    def outer(*args: Any, **kwargs: Any) -> None: ...

    def circular(a: int) -> None: ...

    circular.__wrapped__ = circular  # type: ignore[attr-defined]

    def odd(b: int) -> None: ...

    odd.__wrapped__ = trapped()()  # type: ignore[attr-defined]
    found = facts_of(outer=outer, circular=circular, odd=odd)
    assert found["outer"].keywords == ("sep", "header")
    assert found["circular"].keywords == ("a",)
    assert found["odd"].keywords == ("b",)


def test_classes_methods_partials_and_cached_functions_show_their_keywords() -> None:
    class Point:
        def __init__(self, x: int, *, y: int = 0) -> None: ...

        def move(self, by: int) -> None: ...

    @functools.lru_cache
    def cached(key: str) -> None: ...

    found = facts_of(
        Point=Point, move=Point(1).move, part=functools.partial(Point(1).move), cached=cached
    )
    assert {name: found[name].keywords for name in found} == {
        "Point": ("x", "y"),
        "move": ("by",),
        "part": ("by",),
        "cached": ("key",),
    }


def test_dict_keys_are_read_of_pythons_own_dicts_and_only_if_they_are_text() -> None:
    class Own(dict):  # type: ignore[type-arg]
        __iter__ = trap
        keys = trap

    found = facts_of(
        d={"a": 1, 2: 3, "b": 4},
        default=collections.defaultdict(int, {"c": 1}),
        counter=collections.Counter("xy"),
        own=Own(z=1),
    )
    assert found["d"].subscripts == ("a", "b")
    assert found["default"].subscripts == ("c",)
    assert found["counter"].subscripts == ("x", "y")
    assert found["own"].subscripts == ()


def test_columns_of_a_data_frame_and_labels_of_a_series_are_subscripts() -> None:
    pandas = pytest.importorskip("pandas")
    frame = pandas.DataFrame({"price": [1], "name": ["x"], 3: [1]})
    many = pandas.DataFrame(
        [[1, 2]], columns=pandas.MultiIndex.from_tuples([("a", "x"), ("b", "y")])
    )
    found = facts_of(frame=frame, row=frame.iloc[0], many=many, numbers=pandas.Series([1, 2]))
    assert found["frame"].type == "pandas.DataFrame"
    assert found["frame"].subscripts == ("price", "name")
    assert "groupby" in found["frame"].members
    assert found["row"].subscripts == ("price", "name")
    assert found["many"].subscripts == ("a", "b")
    assert found["numbers"].subscripts == ()


def test_a_frame_subclass_with_traps_is_not_read_and_a_plain_one_is() -> None:
    pandas = pytest.importorskip("pandas")

    class Plain(pandas.DataFrame):  # type: ignore[misc, name-defined]
        def mine(self) -> None: ...

    class Odd(pandas.DataFrame):  # type: ignore[misc, name-defined]
        _mgr = property(trap)

    plain = Plain({"a": [1]})
    odd = object.__new__(Odd)
    impostor = type("DataFrame", (), {"__module__": "pandas", "_mgr": property(trap)})()
    found = facts_of(plain=plain, odd=odd, impostor=impostor)
    assert found["plain"].subscripts == ("a",)
    assert "mine" in found["plain"].members
    assert found["odd"].subscripts == found["impostor"].subscripts == ()


def test_a_modules_members_come_from_its_dictionary_even_if_it_is_lazy() -> None:
    class Lazy(types.ModuleType):
        __getattr__ = trap
        __dir__ = trap

    lazy = Lazy("lazy.mod")
    lazy.__dict__.update(open_file=1, _private=2, inner=types.ModuleType("inner"))
    listed = types.ModuleType("listed")
    listed.__dict__.update(__all__=["kept", "absent"], kept=1, dropped=2)
    found = facts_of(lazy=lazy, listed=listed)
    assert found["lazy"].members == ("open_file", "inner")
    assert found["lazy"].module == "lazy.mod"
    assert found["listed"].members == ("kept",)


def test_the_names_in_use_come_first_and_survive_the_bounds() -> None:
    namespace = {f"n{i}": i for i in range(50)}
    limits = FactsLimits(names=5)
    found = [n.name for n in collect(namespace, recent=("n3", "gone", "n1"), limits=limits).names]
    assert found == ["n3", "n1", "n49", "n48", "n47"]


def test_members_in_use_survive_where_there_are_too_many() -> None:
    module = types.ModuleType("big")
    module.__dict__.update({f"f{i}": i for i in range(500)})
    limits = FactsLimits(members=3)
    (named,) = collect({"big": module}, recent=("big", "f400"), limits=limits).names
    assert named.members == ("f400", "f0", "f1")


def test_collection_ends_when_its_time_is_up() -> None:
    ticks = iter(range(1_000))
    limits = FactsLimits(budget_ms=10_000)
    facts = collect({f"n{i}": i for i in range(100)}, limits=limits, clock=lambda: next(ticks))
    assert len(facts.names) == 10


def test_members_give_way_to_names_where_room_is_short() -> None:
    namespace = {f"text{i}": "x" for i in range(40)}
    facts = collect(namespace, limits=FactsLimits(total_chars=6_000))
    assert len(facts.names) == 40
    assert facts.names[0].members
    assert not facts.names[20].members
    assert len(collect(namespace, limits=FactsLimits(total_chars=500)).names) == 6


def test_keys_that_look_like_secrets_are_left_out() -> None:
    key = "sk-" + "a1B2c3D4e5F6g7H8i9J0k1L2"
    assert facts_of(d={"plain": 1, key: 2})["d"].subscripts == ("plain",)


def test_private_and_the_shells_own_names_are_left_out_until_they_are_rebound() -> None:
    hidden = {"In": [], "quit": object()}
    namespace = {"_x": 1, "In": hidden["In"], "quit": 5, 7: 1}
    found = collect(namespace, hidden=hidden).names  # type: ignore[arg-type]
    assert [named.name for named in found] == ["quit"]


def test_types_are_named_by_their_shortest_public_path() -> None:
    pytest.importorskip("sklearn.linear_model")
    from sklearn.linear_model import Ridge

    class Colour(enum.Enum):
        RED = 1

    assert type_name(Ridge) == "sklearn.linear_model.Ridge"
    assert type_name(int) == "int"
    assert facts_of(c=Colour.RED)["c"].members[:1] == ("RED",)


def test_a_name_deleted_in_the_meantime_is_passed_over() -> None:
    class Shrinking(dict):  # type: ignore[type-arg]
        def __iter__(self) -> Any:
            return iter(["gone", "here"])

    assert [n.name for n in collect(Shrinking(here=1)).names] == ["here"]

"""Runnable notebooks of all that makes a rename hard, drawn at random from a seed.

Each construct is a few cells in which `$n`, `$f`, `$C`, `$p`, `$a` and their numbered kin are
names: of variables, functions, classes, parameters, attributes. They are drawn from small pools
that overlap, so that names meet each other as they do in real notebooks.
"""

from __future__ import annotations

import random
import re

from further_constructs import FURTHER
from library_constructs import LIBRARIES
from mixed_constructs import MIXED
from more_constructs import MORE
from rarer_constructs import RARER
from reflecting_constructs import REFLECTING

VARIABLES = ["x", "y", "rate", "total", "name", "items", "w"]
FUNCTIONS = ["draw", "load", "scale", "area", "show", "x"]
CLASSES = ["Box", "Point", "Net", "Dog", "Rec", "Base"]
PARAMETERS = ["size", "w", "x", "color", "name", "rate", "values"]
ATTRIBUTES = ["size", "x", "name", "values", "run", "color", "count"]
_POOLS = {"n": VARIABLES, "f": FUNCTIONS, "C": CLASSES, "p": PARAMETERS, "a": ATTRIBUTES}
_HOLE = re.compile(r"\$([nfCpa]\d?)")

CONSTRUCTS: dict[str, str] = {}


def _add(name: str, text: str) -> None:
    CONSTRUCTS[name] = text.strip("\n")


_add(
    "base and super",
    """
class $C:
    def __init__(self, $p, $p2=2):
        self.$a = $p
        self.$a2 = $p2
class $C2($C):
    def __init__(self, $p, $p3=3):
        super().__init__($p=$p + 1, $p2=4)
        self.$a3 = $p3
%%
$n = $C2($p=1)
print($n.$a, $n.$a2, $n.$a3, $C($p=5).$a)
""",
)
_add(
    "heir without constructor",
    """
class $C:
    def __init__(self, $p):
        self.$a = $p
class $C2($C):
    pass
class $C3($C2):
    def __init__(self, **kwargs):
        super().__init__(**kwargs)
%%
print($C2($p=3).$a, $C3($p=4).$a)
$C.__init__($C2($p=1), $p=9)
""",
)
_add(
    "mixins",
    """
class $C:
    def __init__(self, $p=1, **kw):
        super().__init__(**kw)
        self.$a = $p
class $C2:
    def __init__(self, $p2=2, **kw):
        super().__init__(**kw)
        self.$a2 = $p2
class $C3($C, $C2):
    def __init__(self, $p3=3, **kw):
        super().__init__(**kw)
        self.$a3 = $p3
%%
$n = $C3($p=4, $p2=5, $p3=6)
print($n.$a, $n.$a2, $n.$a3)
""",
)
_add(
    "dict heir",
    """
class $C(dict):
    def $a(self):
        return sorted(self)
    def keys(self):
        return ['k']
%%
$n = $C({'b': 1, 'a': 2})
print($n.$a(), $n.keys(), list($n.values()), $n.get('b'))
""",
)
_add(
    "thread heir",
    """
from threading import Thread
class $C(Thread):
    def __init__(self, $p):
        super().__init__()
        self.$a = $p
    def run(self):
        print('runs', self.$a)
%%
$n = $C($p=3)
$n.start()
$n.join()
""",
)
_add(
    "private names",
    """
class $C:
    def __init__(self, $p):
        self.__$a = $p
        self.$a2 = 2
    def $f(self):
        return self.__$a + self.$a2
class $C2($C):
    def $f2(self):
        self.__$a = 7
        return self.__$a
%%
$n = $C2(4)
print($n.$f(), $n.$f2(), $n.$f())
print($n._$C__$a)
""",
)
_add(
    "lambda keyword",
    """
$f = lambda $p, $p2=2: $p * 10 + $p2
print($f($p=1), $f(1, $p2=5))
%%
$n = [lambda $p: $p + 1, lambda $p: $p + 2]
print([g($p=3) for g in $n])
""",
)
_add(
    "closure",
    """
def $f($p):
    def inner($p2, $p3=1):
        return $p + $p2 * $p3
    return inner
%%
$n = $f($p=1)
print($n($p2=4, $p3=2), $f(3)(5))
""",
)
_add(
    "alias and partial",
    """
from functools import partial
def $f($p, $p2=2):
    return $p - $p2
$n = $f
print($n($p=9), $n(1, $p2=0))
%%
$n2 = partial($f, $p2=5)
print($n2(1), $n2($p=3), partial($n, $p=2)())
""",
)
_add(
    "decorator",
    """
import functools
def logged(fn):
    @functools.wraps(fn)
    def wrapper(*args, **kwargs):
        print(fn.__name__, args, sorted(kwargs))
        return fn(*args, **kwargs)
    return wrapper
%%
@logged
def $f($p, $p2=1):
    return $p + $p2
print($f($p=1), $f(1, $p2=3))
""",
)
_add(
    "decorator that renames",
    """
def doubled(fn):
    def wrapper(w, size=2):
        return fn(w * size)
    return wrapper
@doubled
def $f($p):
    return $p
print($f(w=2, size=3))
""",
)
_add(
    "functions in a loop",
    """
def $f($p): return $p + 1
def $f2($p): return $p + 2
for $n in ($f, $f2):
    print($n($p=1))
%%
table = {'a': $f, 'b': $f2}
print(table['a']($p=4), [call($p=2) for call in table.values()])
""",
)
_add(
    "slots",
    """
class $C:
    __slots__ = ('$a', '$a2')
    def __init__(self, $p):
        self.$a = $p
        self.$a2 = 2
%%
$n = $C(1)
print($n.$a, $n.$a2, [getattr($n, s) for s in $C.__slots__])
""",
)
_add(
    "getattr",
    """
class $C:
    $a = 5
    def $a2(self): return self.$a
%%
$n = $C()
print(getattr($n, '$a'), hasattr($n, '$a'), getattr($n, '$a2')())
setattr($n, '$a', 8)
print($n.$a, [getattr($n, k) for k in ['$a']])
""",
)
_add(
    "unpacked dictionary",
    """
def $f($p, $p2=2):
    return ($p, $p2)
$n = {'$p': 1, '$p2': 4}
print($f(**$n), $f(**dict($p=3)), $f(**{'$p': 5}))
""",
)
_add(
    "format and globals",
    """
$n = 3
print('{$n}'.format(**globals()))
print('%($n)s' % globals(), globals()['$n'])
""",
)
_add(
    "eval and exec",
    """
$n = 3
print(eval('$n + 1'))
exec('$n2 = $n * 2')
print($n)
""",
)
_add(
    "locals",
    """
def $f($p):
    $n = $p * 2
    return '{$n} {$p}'.format(**locals())
print($f(4))
""",
)
_add(
    "class pattern",
    """
class $C:
    __match_args__ = ('$a', '$a2')
    def __init__(self, $p, $p2):
        self.$a, self.$a2 = $p, $p2
%%
match $C(1, 2):
    case $C($a=1, $a2=$n):
        print('hit', $n)
match $C(3, 4):
    case $C($n, $n2):
        print($n, $n2)
""",
)
_add(
    "wildcard pattern",
    """
for $n in ([1], [1, 2], {'name': 3}, 5):
    match $n:
        case [$n2]:
            print('one', $n2)
        case [_, $n3]:
            print('two', $n3)
        case {'name': $n3, **rest}:
            print('map', $n3, rest)
        case _:
            print('else')
""",
)
_add(
    "keywords gathered",
    """
def $f($p, **options):
    return $p, sorted(options.items()), options.get('color')
print($f(1, color='r', size=2), $f($p=2, rate=3))
""",
)
_add(
    "keywords passed on",
    """
def $f($p, $p2=3):
    return $p * $p2
def $f2(*args, **kwargs):
    return $f(*args, **kwargs)
print($f2($p=2, $p2=5), $f2(1, $p2=4))
""",
)
_add(
    "dataclass",
    """
from dataclasses import dataclass, replace, asdict, field
@dataclass
class $C:
    $a: int
    $a2: int = 2
    $a3: list = field(default_factory=list)
    def $f(self): return self.$a + self.$a2
%%
$n = $C($a=1)
print($n.$a, $n.$f(), replace($n, $a=5).$a, $C(3, $a2=4).$a2)
%%
print($n)
print(asdict($n)['$a'])
""",
)
_add(
    "dataclass heir",
    """
from dataclasses import dataclass
@dataclass
class $C:
    $a: int = 1
@dataclass
class $C2($C):
    $a2: int = 2
    def $f(self, $p):
        return type(self)($a=$p, $a2=self.$a2)
%%
print($C2($a=3, $a2=4).$f($p=6).$a, $C($a=2).$a)
""",
)
_add(
    "named tuple",
    """
from typing import NamedTuple
class $C(NamedTuple):
    $a2: int
    $a3: int = 3
%%
$n = $C($a2=1)
print($n.$a2, $n._replace($a3=5).$a3, $n._asdict()['$a2'], $n._fields)
""",
)
_add(
    "enum",
    """
from enum import Enum
class $C(Enum):
    RED = 1
    BLUE = 2
%%
print($C['RED'].value, $C.BLUE.value, $C(1) is $C.RED, [m.name for m in $C])
""",
)
_add(
    "typed dictionary",
    """
from typing import TypedDict
class $C(TypedDict):
    name: str
    size: int
def $f($p: $C):
    return $p['name'] * $p['size']
%%
$n: $C = {'name': 'a', 'size': 2}
print($f($n), $f($C(name='b', size=1)), $n.get('name'))
print($f({'name': 'c', 'size': 3}))
""",
)
_add(
    "property",
    """
class $C:
    def __init__(self): self._v = 1
    @property
    def $a(self): return self._v
    @$a.setter
    def $a(self, value): self._v = value
%%
$n = $C()
$n.$a = 4
$n.$a += 1
print($n.$a, $n._v)
""",
)
_add(
    "overloads",
    """
from typing import overload
@overload
def $f($p: int) -> int: ...
@overload
def $f($p: str) -> str: ...
def $f($p): return $p
print($f($p=1), $f('a'))
""",
)
_add(
    "class methods",
    """
class $C:
    $a = 2
    def __init__(self, $p): self.$a2 = $p
    @classmethod
    def $f(cls, $p2): return cls($p=$p2 + cls.$a)
    @staticmethod
    def $f2($p3, $p4=1): return $p3 + $p4
    def copy(self): return self.__class__($p=self.$a2)
%%
print($C.$f($p2=3).$a2, $C.$f2($p3=1), $C(4).copy().$a2, $C(1).$f2(2, $p4=3))
""",
)
_add(
    "overridden methods",
    """
class $C:
    def $a(self, $p): return 'base', $p
class $C2($C):
    def $a(self, $p): return super().$a($p=$p + 1)
class $C3:
    def $a(self, $p=0): return 'other', $p
%%
for $n in ($C(), $C2(), $C3()):
    print($n.$a($p=1))
print($C2().$a($p=5), $C3().$a(2))
""",
)
_add(
    "monkey patch",
    """
class $C:
    def $a(self): return 1
def $f(self, $p=2): return $p
$C.$a2 = $f
$n = $C()
print($n.$a2($p=5), $n.$a())
""",
)
_add(
    "base in a variable",
    """
class $C:
    def $a(self): return 'a'
Parent = $C
class $C2(Parent):
    def $a2(self): return self.$a() + 'b'
print($C2().$a2(), $C2().$a())
""",
)
_add(
    "callable object",
    """
class $C:
    def __init__(self, $p): self.$a = $p
    def __call__(self, $p2=1): return self.$a * $p2
$n = $C($p=3)
print($n($p2=4), $C(2)($p2=5))
""",
)
_add(
    "annotated receiver",
    """
class $C:
    def __init__(self, $p=1): self.$a = $p
def $f($p2: $C, $p3: "$C" = None):
    return $p2.$a + ($p3.$a if $p3 else 0)
print($f($C(2)), $f($p2=$C(), $p3=$C($p=5)))
""",
)
_add(
    "two objects by one name",
    """
class $C:
    def __init__(self): self.$a = 1
class $C2:
    def __init__(self): self.$a = 2
$n = $C()
print($n.$a)
$n = $C2()
print($n.$a)
def $f():
    $n = $C()
    return $n.$a
print($f())
""",
)
_add(
    "self-documenting field",
    """
$n, $n2 = 1, 2
print(f'{$n=} {$n2 + 1 = } {$n:>{$n2}}')
""",
)
_add(
    "names of things",
    """
def $f($p): return $p
class $C: pass
print($f.__name__, $C.__name__, type($C()).__name__, $f.__code__.co_varnames)
""",
)
_add(
    "signature",
    """
import inspect
def $f($p, $p2=1): return $p
print(list(inspect.signature($f).parameters))
""",
)
_add(
    "vars",
    """
class $C:
    def __init__(self):
        self.$a = 1
$n = $C()
print(vars($n), $n.__dict__)
""",
)
_add(
    "format fields",
    """
class $C:
    $a = 7
$n = $C()
print('{0.$a} {p.$a}'.format($n, p=$n), f'{$n.$a}')
""",
)
_add(
    "operator",
    """
from operator import attrgetter, methodcaller
class $C:
    def __init__(self, $p): self.$a = $p
    def $a2(self): return -self.$a
$n = [$C(2), $C(1)]
print([o.$a for o in sorted($n, key=attrgetter('$a'))], methodcaller('$a2')($n[0]))
""",
)
_add(
    "exported names",
    """
__all__ = ['$f', '$n']
def $f(): return 1
$n = 2
print([globals()[name] for name in __all__][1])
""",
)
_add(
    "quoted types",
    """
from typing import List, Optional, TypeVar, Union, get_type_hints
class $C: pass
T = TypeVar('T', bound='$C')
def $f($p: 'Optional[$C]', $p2: "List['$C']" = ()) -> 'Union[$C, None]': return $p
print($f(None), sorted(get_type_hints($f)))
""",
)
_add(
    "result named like its function",
    """
def $f(): return 4
$f = $f()
print($f)
""",
)
_add(
    "redefined function",
    """
def $f($p): return $p
print($f($p=1))
%%
def $f($p, $p2=2): return $p + $p2
print($f($p=1), $f(1, $p2=5))
""",
)
_add(
    "conditional definitions",
    """
import sys
if sys.version_info > (2,):
    def $f($p): return $p
else:
    def $f($p): return -$p
try:
    $n = $f($p=3)
except ValueError as error:
    $n = error
print($n)
""",
)
_add(
    "global and nonlocal",
    """
$n = 1
def $f():
    global $n
    $n += 1
    $n2 = 10
    def inner():
        nonlocal $n2
        $n2 += $n
        return $n2
    return inner()
print($f(), $n)
""",
)
_add(
    "comprehensions",
    """
$n = 3
print([$n for $n in range(2)], $n, {$n2: $n for $n2 in range($n)})
print([($n2 := v) for v in range(3)], $n2, sum($n for _ in range(2)))
""",
)
_add(
    "loops and deletion",
    """
for $n in range(3):
    $n2 = $n * 2
else:
    print('done', $n)
print($n2)
del $n2
$n2 = 'new'
print($n2)
""",
)
_add(
    "imports",
    """
import math as m, json
from collections import OrderedDict as od, Counter
print(m.floor(2.5), json.dumps([1]), od(a=1)['a'], Counter('aab')['a'])
""",
)
_add(
    "builtin shadowed",
    """
print(max([1, 2]), sum([3]))
$n = max
max = 5
print(max, $n([7]))
del max
print(max([4]))
""",
)
_add(
    "errors told",
    """
try:
    missing_thing
except NameError as error:
    print(error)
class $C(Exception):
    def __init__(self, $p): self.$a = $p
try:
    raise $C($p=3)
except $C as error:
    print(error.$a, repr(error))
""",
)
_add(
    "nested classes",
    """
class $C:
    class Inner:
        $a = 1
        def $a2(self): return self.$a
    $a3 = Inner.$a + 1
    def $f(self): return self.Inner().$a2(), $C.Inner.$a, self.$a3
print($C().$f())
""",
)
_add(
    "class scope",
    """
$n = 2
class $C:
    $n = $n + 1
    $a = [$n for _ in range(2)]
    def $f(self, $p=$n): return $p, $n
print($C().$f(), $C.$n, $C.$a, $n)
""",
)
_add(
    "thread pool",
    """
from concurrent.futures import ThreadPoolExecutor
def $f($p, $p2=1): return $p * $p2
with ThreadPoolExecutor(1) as $n:
    print($n.submit($f, $p=2, $p2=3).result(), list($n.map($f, [4])))
""",
)
_add(
    "keyword-only and positional-only",
    """
def $f($p, /, $p2, *, $p3=3): return $p, $p2, $p3
print($f(1, $p2=2), $f(1, 2, $p3=4))
""",
)
_add(
    "default of another name",
    """
$n = 4
def $f($p=$n, $p2=None):
    $p2 = $p2 or $p
    return $p + $p2
print($f(), $f($p=2), $f($p2=3))
""",
)
_add(
    "protocol by duck",
    """
class $C:
    def $a(self, $p): return $p + 1
class $C2:
    def $a(self, $p): return $p + 2
def $f(shape):
    return shape.$a($p=1)
print($f($C()), $f($C2()))
""",
)
_add(
    "generic base",
    """
from typing import Generic, TypeVar
S = TypeVar('S')
class $C(Generic[S]):
    def __init__(self, $p: S): self.$a = $p
class $C2($C[int]):
    def $f(self): return self.$a
print($C2($p=4).$f(), $C($p='a').$a)
""",
)
_add(
    "context manager",
    """
from contextlib import contextmanager
@contextmanager
def $f($p, $p2=1):
    print('in', $p)
    yield $p2
    print('out')
with $f($p=1, $p2=2) as $n:
    print($n)
""",
)
_add(
    "abstract",
    """
from abc import ABC, abstractmethod
class $C(ABC):
    @abstractmethod
    def $a(self, $p): ...
    def $a2(self, $p2): return self.$a($p=$p2)
class $C2($C):
    def $a(self, $p): return $p * 3
print($C2().$a2($p2=2), $C2().$a($p=1))
""",
)
_add(
    "post init",
    """
from dataclasses import dataclass, InitVar
@dataclass
class $C:
    $a: int
    $p: InitVar[int] = 1
    def __post_init__(self, $p):
        self.$a2 = self.$a + $p
print($C($a=1).$a2, $C(1, $p=5).$a2)
""",
)
_add(
    "class made by a call",
    """
from collections import namedtuple
$C = namedtuple('$C', ['$p2', '$p3'])
$n = $C($p2=1, $p3=2)
print($n.$p2, $n._replace($p3=4).$p3)
""",
)
_add(
    "tuple unpacking",
    """
$n, ($n2, *$n3) = 1, (2, 3, 4)
$n, $n2 = $n2, $n
print($n, $n2, $n3)
def $f($p): return $p, $p + 1
$n, $n2 = $f($p=5)
print($n, $n2)
""",
)
_add(
    "attribute of a function",
    """
def $f($p):
    $f.$a = $f.$a + 1
    return $p
$f.$a = 0
$f($p=1)
print($f.$a)
""",
)
_add(
    "delegation",
    """
class $C:
    def __init__(self): self.$a = 3
class $C2:
    def __init__(self, inner): self.inner = inner
    def __getattr__(self, key): return getattr(self.inner, key)
print($C2($C()).$a)
""",
)

_add(
    "class keywords",
    """
class $C:
    def __init_subclass__(cls, $p=0, **kw):
        super().__init_subclass__(**kw)
        cls.$a = $p
class $C2($C, $p=5): pass
print($C2.$a)
""",
)
_add(
    "keywords of a thread",
    """
from threading import Thread
def $f($p, $p2=2): print($p, $p2)
$n = Thread(target=$f, kwargs={'$p': 1})
$n.start()
$n.join()
""",
)
_add(
    "defaults kept in a dictionary",
    """
$n = dict($p=1, $p2=2)
def $f($p, $p2): return $p - $p2
print($f(**$n), $f(**{**$n, '$p2': 7}))
""",
)
_add(
    "mapping pattern and query",
    """
$n = {'$a': 1, '$a2': [2, 3]}
match $n:
    case {'$a': 1 | 2 as $n2, '$a2': [$n3, *_]} if $n2 < 2:
        print($n2, $n3)
""",
)
_add(
    "private class attribute",
    """
class $C:
    __$a = 1
    @classmethod
    def $f(cls, __$p): return cls.__$a + __$p
    def $f2(self): return $C.__$a, [self.__$a for _ in '1']
print($C.$f(2), $C().$f2())
""",
)
_add(
    "descriptor and cached",
    """
from functools import cached_property, lru_cache
class $C:
    @cached_property
    def $a(self): return 3
    @lru_cache
    def $f(self, $p, $p2=1): return self.$a + $p * $p2
$n = $C()
print($n.$a, $n.$f($p=2), $n.$f(2, $p2=3), $n.$f.cache_info().misses)
""",
)
_add(
    "list of objects",
    """
class $C:
    def __init__(self, $p): self.$a = $p
    def $f(self, $p2=0): return self.$a + $p2
$n = [$C($p=i) for i in range(3)]
print([o.$a for o in $n], sum(o.$f($p2=1) for o in $n), max($n, key=lambda $p: $p.$a).$a)
print($n[0].$f($p2=4), {o.$a: o for o in $n}[1].$a)
""",
)
_add(
    "function that takes its own name's keyword",
    """
def $f($p=1): return $p
def $f2($p=2): return $f($p=$p) + $f($p)
print($f2(), $f2($p=5), $f($p=$f2($p=3)))
""",
)
_add(
    "late globals",
    """
def $f(): return $n + $f2($p=1)
def $f2($p): return $p * $n
$n = 2
print($f())
$n = 5
print($f())
""",
)
_add(
    "strings that look like names",
    """
$n = {'$n': 1, '$p': 2}
def $f($p): return $n['$p'] + $p, '$p'
print($f($p=3), '$n', "$f")
""",
)
_add(
    "type called by name",
    """
class $C:
    def __init__(self, $p=1): self.$a = $p
kinds = {'one': $C}
print(kinds['one']($p=4).$a, type($C())($p=2).$a, [k($p=3).$a for k in (($C,))])
""",
)
_add(
    "starred and unpacked",
    """
def $f(*$p, **$p2): return $p, sorted($p2)
print($f(1, size=2), $f(*[1, 2], **{'w': 3}))
""",
)
_add(
    "generator and async",
    """
import asyncio
async def $f($p, $p2=1):
    await asyncio.sleep(0)
    return $p + $p2
def $f2($p3):
    yield from (($n, $p3) for $n in range(2))
print(asyncio.run($f($p=1, $p2=2)), list($f2($p3=4)))
""",
)


for _name, _text in (MORE | FURTHER | RARER | REFLECTING | LIBRARIES | MIXED).items():
    _add(_name, _text)


def notebook(seed: int, constructs: int = 5) -> list[str]:
    """The cells of one notebook: some constructs, each with names of its own drawing."""
    draw = random.Random(seed)
    cells: list[str] = []
    for text in draw.sample(sorted(CONSTRUCTS.values()), constructs):
        names: dict[str, str] = {}
        for hole in _HOLE.findall(text):
            if hole not in names:
                free = [n for n in _POOLS[hole[0]] if n not in names.values()]
                names[hole] = draw.choice(free or _POOLS[hole[0]])
        filled = _HOLE.sub(lambda found, names=names: names[found[1]], text)  # type: ignore[misc]
        cells += filled.split("\n%%\n")
    return cells

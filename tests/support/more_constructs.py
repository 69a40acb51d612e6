"""Further constructs for `constructs`, in the same notation."""

from __future__ import annotations

MORE: dict[str, str] = {
    "replace and asdict": """
from dataclasses import dataclass, replace, asdict, fields, field
@dataclass(order=True)
class $C:
    $a: int
    $a2: list = field(default_factory=list, repr=False)
    def $f(self, $p):
        return replace(self, $a=self.$a + $p)
%%
$n = $C($a=1)
$n2 = replace($n, $a2=[2])
print($n.$f($p=2), $n2.$a2, asdict($n2), [f.name for f in fields($C)])
""",
    "named tuple class": """
from typing import NamedTuple
class $C(NamedTuple):
    $a: int
    $a2: str = 'b'
%%
$n = $C($a=1)
print($n._replace($a2='c'), $n.$a2, $n._asdict(), $n._fields)
$n2, _ = $n
print($n2)
""",
    "functional enum": """
from enum import Enum, auto
$C = Enum('$C', ['$a', '$a2'])
class $C2(Enum):
    $a = auto()
    $a2 = 2
%%
print($C.$a.value, $C2['$a'].value, $C2.$a2 is $C2(2), [m.name for m in $C2])
""",
    "functional typed dictionary": """
from typing import TypedDict
$C = TypedDict('$C', {'$a': int})
class $C2($C, total=False):
    $a2: int
%%
$n: $C2 = {'$a': 1, '$a2': 2}
print($n['$a'], $n.get('$a2'), $C2($a=3))
""",
    "protocol": """
from typing import Protocol, runtime_checkable
@runtime_checkable
class $C(Protocol):
    $a: int
    def $f(self, $p: int) -> int: ...
class $C2:
    $a = 2
    def $f(self, $p: int) -> int:
        return $p * self.$a
%%
def $f2($n: $C) -> int:
    return $n.$f($p=3)
print($f2($C2()), isinstance($C2(), $C))
""",
    "match args": """
class $C:
    __match_args__ = ('$a', '$a2')
    def __init__(self, $a, $a2):
        self.$a, self.$a2 = $a, $a2
%%
match $C(1, $a2=2):
    case $C($n, 2) if $n:
        print('two', $n)
match $C(3, 4):
    case $C($a=3, $a2=$n2):
        print($n2)
""",
    "type of self": """
class $C:
    $a = 1
    def $f(self):
        type(self).$a += 1
        self.__class__.$a += 1
        return $C.$a, self.$a
%%
$n = $C()
print($n.$f(), $C.$a, vars($C)['$a'])
""",
    "setter and heir": """
class $C:
    def __init__(self):
        self._$a = 1
    @property
    def $a(self):
        return self._$a
    @$a.setter
    def $a(self, $p):
        self._$a = $p
class $C2($C):
    @$C.$a.setter
    def $a(self, $p2):
        self._$a = $p2 * 2
%%
$n = $C2()
$n.$a = 4
print($n.$a, $n._$a)
""",
    "partial method": """
from functools import partial, partialmethod
class $C:
    def $f(self, $p, $p2=2):
        return $p, $p2
    $a = partialmethod($f, $p2=3)
def $f2($p, $p2=2):
    return $p, $p2
%%
$n = partial($f2, $p2=5)
print($C().$a($p=1), $n($p=1), $n.keywords)
""",
    "wraps": """
from functools import wraps
def $f($p):
    @wraps($p)
    def inner(*args, **kwargs):
        kwargs.setdefault('$p2', 7)
        return $p(*args, **kwargs)
    return inner
@$f
def $f2($p2=1, $p3=2):
    return $p2, $p3
%%
print($f2(), $f2($p3=3), $f2.__name__, $f2($p2=1))
""",
    "walrus and scopes": """
$n = [1, 2, 3]
$n2 = [$n3 for $n in $n if ($n3 := $n + 1) > 2]
print($n2, $n3, [$n for _ in range(1)], {$n4: $n3 for $n4 in $n2})
%%
while ($n5 := len($n)) > 1:
    $n.pop()
print($n5, $n)
""",
    "deleted and made again": """
$n = 1
print($n)
del $n
%%
try:
    $n
except NameError:
    $n = 2
print($n)
del $n
$n = 3
print($n)
""",
    "text that is run": """
$n = 4
$n2 = '$n + 1'
exec('$n3 = $n * 2')
print(eval($n2), $n3)
%%
def $f($p):
    return eval('$p + 1')
print($f(2), $f($p=3))
""",
    "attribute getters": """
from operator import attrgetter, methodcaller, itemgetter
class $C:
    def __init__(self, $p):
        self.$a = $p
    def $f(self, $p2=1):
        return self.$a + $p2
%%
$n = [$C(2), $C(1)]
print(sorted(map(attrgetter('$a'), $n)), [methodcaller('$f', $p2=2)(x) for x in $n])
print(max($n, key=lambda $p3: $p3.$a).$a, hasattr($n[0], '$a'))
""",
    "templates": """
from string import Template
$n, $n2 = 1, 'b'
print(Template('$$n $$n2').substitute($n=$n, $n2=$n2), '%($n)s' % {'$n': 2})
print('{$n} {0}'.format(3, $n=4), f'{$n=} {$n2!r:>4}', '{$n}'.format_map(vars()))
""",
    "doctest": """
import doctest
def $f($p, $p2=2):
    '''Adds.

    >>> $f(1, $p2=3)
    4
    >>> $n = $f($p=1); $n
    3
    '''
    return $p + $p2
%%
print(doctest.run_docstring_examples($f, globals()), $f($p=1))
""",
    "single dispatch": """
from functools import singledispatch
@singledispatch
def $f($p, $p2=1):
    return 'any', $p2
@$f.register
def _($p: int, $p2=2):
    return 'int', $p2
@$f.register(str)
def $f2($p, $p2=3):
    return 'str', $p2
%%
print($f(1, $p2=5), $f('a'), $f([]))
""",
    "subclass hook": """
class $C:
    $a = {}
    def __init_subclass__(cls, /, $p='x', **kw):
        super().__init_subclass__(**kw)
        $C.$a[$p] = cls.__name__
class $C2($C, $p='two'):
    pass
%%
print($C.$a, $C2.$a is $C.$a)
""",
    "attributes made up": """
class $C:
    def __getattr__(self, $p):
        return $p + '!'
    def __setattr__(self, $p, $p2):
        print('sets', $p)
        object.__setattr__(self, $p, $p2)
%%
$n = $C()
$n.$a = 1
print($n.$a, $n.$a2)
""",
    "arguments bound": """
import inspect
def $f($p, *, $p2=2, **$n):
    return $p, $p2, $n
%%
print(inspect.signature($f).bind(1, $p2=3).arguments, $f(1, **{'$p2': 4}), $f.__kwdefaults__)
$n2 = dict($p=5)
print($f(**$n2))
""",
}

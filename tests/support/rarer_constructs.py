"""Rarer constructs for `constructs`, in the same notation."""

from __future__ import annotations

RARER: dict[str, str] = {
    "a result named like its function": """
def $f($p):
    return [$p, 1]
%%
$f = sorted(map(len, [str($f(2)), 'a']))
print($f)
for $f in map(str, $f):
    print($f)
""",
    "a function applied under its own name": """
def $f($p=1):
    return $p * 2
$f2 = lambda $p: -$p
%%
$f = list(map($f, [1, 2]))
$f2 = sorted([3, 1], key=$f2)
print($f, $f2, max($f2))
""",
    "a function wrapped under its own name": """
from functools import partial
def $f($p, $p2=1):
    return $p + $p2
%%
$f = partial($f, $p2=3)
print($f($p=1), $f(2))
if True:
    $f = partial($f, 5)
print($f())
""",
    "a result kept in a branch": """
def $f():
    return 7
%%
try:
    $f = $f()
except TypeError:
    $f = None
print($f)
if $f:
    $f = [$f]
print($f)
""",
    "keywords kept for a later call": """
def $f($p, $p2=2):
    return $p - $p2
def call(target, args=(), kwargs=None):
    return target(*args, **(kwargs or {}))
%%
print(call($f, kwargs=dict($p=1)), call($f, (3,), {'$p2': 4}))
$f.again = $f
print($f.again($p=5))
$n = dict($p=1, $p2=0)
print($f(**$n), sorted($n))
""",
    "dictionaries with the same keys": """
$n = {'$a': 1, 'k': {'$a': 2}}
$n2 = dict($a=3)
%%
$n2.update({'$a': $n['$a']})
$n['k']['$a'] += 1
print('$a' in $n, $n.get('$a'), $n['k']['$a'], $n2.pop('$a'), len($n2))
""",
    "types of fields in quotes": """
from typing import NamedTuple
import dataclasses
class $C:
    $a = 1
$C2 = NamedTuple('$C2', [('$a', '$C'), ('k', int)])
$n = dataclasses.make_dataclass('$n', [('$a2', '$C')])
%%
print($C2($a=$C(), k=2).$a.$a, $n($a2=$C()).$a2.$a, $C2._fields)
""",
    "a descriptor by name": """
class $C:
    def __set_name__(self, owner, $p):
        self.$a = '_' + $p
    def __get__(self, obj, kind=None):
        return getattr(obj, self.$a, 0) if obj else self
    def __set__(self, obj, $p):
        setattr(obj, self.$a, $p + 1)
class $C2:
    $a2 = $C()
%%
$n = $C2()
$n.$a2 = 4
print($n.$a2, sorted(vars($n)))
""",
    "subclasses that are told": """
class $C:
    kinds = {}
    def __init_subclass__(cls, /, $p='x', **rest):
        super().__init_subclass__(**rest)
        $C.kinds[$p] = cls
class $C2($C, $p='y'):
    $a = 2
%%
print(sorted($C.kinds), $C.kinds['y'].$a)
""",
    "comparisons and membership": """
$n = ['$a', 'b']
$n2 = {'$a'}
def $f($p):
    return '$a' in $p and $p
%%
print('$a' in $n, 'b' not in $n2, $f($p=$n2), '$a' < 'z' in $n)
""",
    "a branch that is always taken": """
if 1:
    $n = 3
if True:
    $n2 = $n + 1
    def $f($p=$n2):
        return $p
%%
print($n, $n2, $f())
while True:
    $n = $n - 1
    if $n < 2:
        break
print($n)
""",
    "names in queries": """
$n = 3
def $f(text):
    word = text.split()[-1]
    return globals()[word]
%%
print($f('select * from $n'), $n)
""",
    "attributes and names in formats": """
class $C:
    def __init__(self, $p): self.$a = $p
$n = $C($p=3)
$n2 = 4
%%
print('{0.$a}'.format($n), '{$n2}'.format(**globals()), '%($a)s' % vars($n), f'{$n.$a!r:>{$n2}}')
from string import Template
print(Template('$$$a').substitute($a=1), '{$a}'.format_map({'$a': 2}))
""",
    "patterns of mappings": """
def $f($p):
    match $p:
        case {'$a': $n, **$n2}:
            return $n, $n2
        case [$n, *$n2] if $n:
            return $n2
        case str() as $n:
            return $n
    return None
%%
print($f($p={'$a': 1, 'z': 2}), $f([1, 2]), $f('s'))
""",
    "a class that `type` makes": """
$C = type('$C', (), dict($a=1, $f=lambda self, $p=2: self.$a + $p))
%%
$n = $C()
print($n.$a, $n.$f($p=3), $C.$f($n))
""",
    "getters and callers by strings": """
from operator import attrgetter, methodcaller
class $C:
    def __init__(self, $p): self.$a = $p
    def $f(self, $p2=1): return self.$a * $p2
%%
$n = [$C(2), $C(1)]
print([o.$a for o in sorted($n, key=attrgetter('$a'))], methodcaller('$f', $p2=3)($n[0]))
""",
    "namespaces as objects": """
import argparse, types
$n = argparse.Namespace($a=1, $a2=2)
$n2 = types.SimpleNamespace(**{'$a': 3})
%%
print($n.$a + $n.$a2, $n2.$a, vars($n2), getattr($n, '$a2'))
$n.$a = 5
print($n)
""",
    "imports that may fail": """
try:
    import nothing_here as $n
except ImportError:
    import json as $n
try:
    from json import dumps as $f
except ImportError:
    def $f($p): return str($p)
%%
print($n.loads('1'), $f({'a': 1}))
""",
    "closures that count": """
def $f($p):
    $n = $p
    def inner($p2=1):
        nonlocal $n
        $n += $p2
        return $n
    return inner
%%
$n2 = $f($p=1)
print($n2($p2=2), $n2(), [$n for $n in range(2)], $f(0)())
""",
    "functions replaced while they are tested": """
from unittest import mock
class $C:
    def $f(self, $p=1): return $p
def $f2($p): return $C().$f($p=$p)
%%
with mock.patch.object($C, '$f', return_value=9):
    print($f2($p=2))
with mock.patch('__main__.$f2', lambda $p: 8):
    print($f2($p=3))
print($f2(4))
""",
    "methods by the type of what they get": """
from functools import singledispatchmethod, cached_property
class $C:
    @singledispatchmethod
    def $f(self, $p): return 'o', $p
    @$f.register
    def _(self, $p: int): return 'i', $p
    @cached_property
    def $a(self): return 5
%%
$n = $C()
print($n.$f(1), $n.$f('x'), $n.$a, sorted($n.__dict__))
""",
    "a class that reads the name it binds": """
$n = 1
class $C:
    $n = 2
    $a = [$n for _ in range(2)]
    $a2 = $n
    def $f(self, $p=$n): return $p, $n
%%
print($C.$a, $C.$a2, $C().$f(), $C.$n, $n)
""",
    "code in strings": """
$n = 2
exec('$n2 = $n + 1')
def $f($p):
    $n = $p
    return eval('$p * 2'), locals()
%%
print($n2, $f($p=2), eval('$n', {'$n': 7}))
""",
    "keywords handed on and on": """
def $f($p=1, **$p2): return $p, $p2
def $f2($p=2, **$p3): return $f($p=$p, **$p3)
class $C:
    def __init__(self, $p=3, **$p2): self.$a = $f2($p=$p, **$p2)
%%
print($f2($p=1, z=2), $C($p=4, q=1).$a, $f(**{'$p': 6}), $f(**dict($p=7)))
""",
    "abstract methods and properties": """
from abc import ABC, abstractmethod
class $C(ABC):
    @abstractmethod
    def $f(self, $p): ...
    @property
    @abstractmethod
    def $a(self): ...
class $C2($C):
    $a = 3
    def $f(self, $p): return self.$a + $p
%%
def $f2($p2: $C): return $p2.$f($p=1) + $p2.$a
print($f2($p2=$C2()), $C2().$f($p=2), issubclass($C2, $C))
""",
    "members made of members": """
from enum import Enum, Flag, auto
class $C(Flag):
    $a = auto()
    $a2 = auto()
    both = $a | $a2
class $C2(str, Enum):
    $a = 'x'
    def $f(self, $p=1): return self.value * $p
%%
print($C.both.value, ($C.$a | $C.$a2) is $C.both, $C2('x').$f($p=2), $C2.$a == 'x', $C2['$a'].value)
""",
    "names bound in conditions and deleted": """
$n = [1, 2, 3]
if ($n2 := len($n)) > 2:
    del $n[0]
print([$n2 := $n2 + v for v in $n], $n2)
%%
def $f($p):
    while ($n := $p.pop()) and $p: pass
    return $n
print($f($p=list($n)), $n)
del $n2
$n2 = 5
print($n2)
""",
    "attributes that are looked up by hand": """
class $C:
    def __init__(self): self.__dict__['$a'] = 1
    def __getattr__(self, $p): return $p.upper()
    def __setattr__(self, $p, $p2): self.__dict__[$p] = $p2
%%
$n = $C()
$n.$a2 = 4
print($n.$a, $n.$a2, $n.other, sorted($n.__dict__))
""",
}

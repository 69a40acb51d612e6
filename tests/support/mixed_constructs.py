"""Constructs that put several of the others together, for `constructs`, in the same notation."""

from __future__ import annotations

MIXED: dict[str, str] = {
    "a loop's name after the loop": """
for $n in range(3):
    if $n > 5:
        break
else:
    print('none', $n)
$n2 = [$n for $n in 'ab']
%%
print($n, $n2)
for $n, ($n3, *$n2) in [(1, (2, 3, 4))]:
    $n += $n3
print($n, $n2, $n3)
""",
    "one object by several names": """
$n = $n2 = []
$n += [1]
$n3: list = $n2
%%
$n3.append(len($n))
print($n, $n2, $n3 is $n)
$n = $n + [5]
print($n, $n2)
""",
    "what is timed binds nothing": """
$n = 3
$n2 = 'kept'
%%
%timeit -q -n 1 -r 1 $n2 = $n
print($n, $n2)
%%
%%timeit -q -n 1 -r 1 $n2 = $n + 1
$n3 = $n2
%%
print($n, $n2)
%timeit -q -n 1 -r 1 for $n in range(3): $n2 = $n
print($n, $n2)
""",
    "a global that is declared at the top": """
def $f():
    return 4
%%
global $f
$f = $f()
print($f)
%%
global $n
$n = $f + 1
def $f2($p):
    global $n
    $n += $p
    return $n
print($f2(2), $n, $f2($p=1))
""",
    "arguments that are taken out": """
def $f(**kw):
    $n = kw.pop('$p', 1)
    return $n, kw.get('$p2'), sorted(kw)
def $f2($p, **rest):
    return $f(**rest, $p=$p)
%%
print($f($p=3, $p2=4), $f2(5, $p2=6), $f2($p=7))
""",
    "a diamond of classes": """
class $C:
    def __init__(self, *, $p=0, **rest):
        super().__init__(**rest)
        self.$a = $p
class $C2:
    def __init__(self, *, $p2=0, **rest):
        super().__init__(**rest)
        self.$a2 = $p2
class $C3($C, $C2):
    def __init__(self, $p3=9, **rest):
        super().__init__(**rest)
        self.$a3 = $p3
%%
$n = $C3($p=1, $p2=2)
print($n.$a, $n.$a2, $n.$a3, $C3(4, $p=5).$a, $C2($p2=6).$a2)
""",
    "lambdas that keep what they saw": """
$n = [lambda $p=$n2: $p * 2 for $n2 in range(3)]
print([$f() for $f in $n])
$f2 = [lambda: $n3 for $n3 in range(3)]
print([$n() for $n in $f2])
%%
$f = (lambda $p: (lambda $p2: $p + $p2))(1)
print($f(2), $f($p2=3))
""",
    "functions that a decorator lists": """
$n = {}
def $f($p='all'):
    def keep(function):
        $n.setdefault($p, []).append(function)
        return function
    return keep
@$f()
def $f2($p2=1):
    return $p2
@$f($p='some')
def $f3($p2=2):
    return $p2 + 1
%%
print([one() for one in $n['all']], [one($p2=5) for one in $n['some']])
print($f2($p2=3), $f3())
""",
    "attributes of attributes": """
from operator import attrgetter, itemgetter
class $C:
    def __init__(self, $p):
        self.$a = $p
class $C2:
    def __init__(self, $p):
        self.$a2 = $C($p)
%%
$n = [$C2(3), $C2($p=1)]
print([$n2.$a2.$a for $n2 in sorted($n, key=lambda $n2: $n2.$a2.$a)])
print([one.$a2.$a for one in sorted($n, key=attrgetter('$a2.$a'))])
""",
    "records with an order": """
from dataclasses import dataclass, field, fields, KW_ONLY
@dataclass(order=True)
class $C:
    $a: int
    $a2: str = field(default='b', compare=False)
    _: KW_ONLY
    $a3: list = field(default_factory=list, repr=False)
%%
$n = sorted([$C(2), $C($a=1, $a2='c', $a3=[1])])
print($n[0].$a, $n[0].$a2, $n[1].$a3, $n[0] < $n[1])
match $n[0]:
    case $C($a, $a2=$n2):
        print($a, $n2)
""",
    "members with methods": """
from enum import Enum
class $C(Enum):
    FIRST = 1
    SECOND = 2
    UNO = 1
    @property
    def $a(self):
        return self.value * 10
    @classmethod
    def $f(cls, $p):
        return cls($p)
%%
print($C.FIRST.$a, $C.$f(2).$a, $C.$f($p=1) is $C.UNO, [$n.$a for $n in $C])
""",
    "a context that is named": """
from contextlib import contextmanager, ExitStack
@contextmanager
def $f($p, $p2='out'):
    print('in', $p)
    yield [$p]
    print($p2)
%%
with $f($p=1) as $n, $f(2, $p2='end') as $n2:
    print($n, $n2)
with ExitStack() as $n3:
    $n = [$n3.enter_context($f($p)) for $p in range(2)]
print($n)
""",
    "groups of errors": """
def $f($p):
    errors = [ValueError($p), TypeError('t')]
    raise ExceptionGroup('both', errors)
%%
try:
    $f($p='v')
except* ValueError as $n:
    print([str($n2) for $n2 in $n.exceptions])
except* TypeError as $n:
    print(len($n.exceptions))
""",
    "templates of locals": """
from string import Template
def $f($p, $p2=2):
    $n = $p * 2
    return '{$p}-{$n}'.format(**locals()), Template('$$$p2').substitute(vars())
%%
print($f(1), $f($p=3, $p2=4))
""",
    "hints that are read": """
from typing import get_type_hints
class $C:
    $a: int = 1
    $a2: 'str' = 'b'
def $f($p: int, $p2: 'str' = '') -> 'int':
    return $p
%%
print(sorted(get_type_hints($C)), sorted(get_type_hints($f)), list($f.__annotations__))
print($C.$a, $f($p=2))
""",
    "code in a namespace of its own": """
$n = 5
$n2 = {'$n': 1, 'extra': 2}
exec('$n3 = $n + extra', $n2)
%%
print($n2['$n3'], $n, sorted(k for k in $n2 if not k.startswith('__')))
print(eval('$n * 2', {'$n': 7}), eval('$n + 1'))
""",
    "an iterator by hand": """
class $C:
    def __init__(self, $p):
        self.$a, self.$a2 = $p, 0
    def __iter__(self):
        return self
    def __next__(self):
        if self.$a2 >= self.$a:
            raise StopIteration
        self.$a2 += 1
        return self.$a2
%%
$n = $C($p=3)
print(list($n), $n.$a2, sum($C(2)), dict(zip('ab', $C(2))))
""",
    "shadows in a class": """
$n = [1, 2]
class $C:
    $n = [3, 4, 5]
    $a = [$n2 * 2 for $n2 in $n]
    $a2 = len($n)
    def $f(self):
        return $n, self.$n
%%
print($C.$a, $C.$a2, $C().$f(), $n)
""",
    "calls that call themselves": """
def $f($p, $p2=()):
    if not $p:
        return $p2
    return $f($p - 1, $p2=($p, *$p2))
$f2 = $f
%%
print($f(3), $f2($p=2), (lambda $p: $f($p))(1))
def $f($p):
    return ['new', $p]
print($f(1), $f($p=2))
""",
    "a tuple that is unpacked": """
def $f($p):
    return $p, [$p, ($p + 1, $p + 2)]
%%
$n, [$n2, (*$n3,)] = $f($p=1)
print($n, $n2, $n3)
$n, $n2 = $n2, $n
(print($n), print(*$n3, sep='-'))
""",
    "dictionaries put together": """
$n = {'one': 1, 'two': 2}
$n2 = {**$n, 'two': 3} | {'three': 4}
$n |= {'four': 5}
%%
print($n2['two'], $n.get('four'), {$n3: $n[$n3] for $n3 in $n if $n3 != 'one'})
for $n3, $n4 in $n2.items():
    print($n3, $n4)
""",
    "attributes that a class makes up": """
class $C:
    $a = 'class'
    def __init__(self):
        self.__dict__['$a2'] = 'made'
    def __getattr__(self, name):
        if name.startswith('un'):
            return name
        raise AttributeError(name)
%%
$n = $C()
print($n.$a, $n.$a2, $n.unknown, hasattr($n, 'missing'))
""",
    "names that are deleted within": """
def $f($p):
    $n = [$p]
    del $p
    try:
        return $p
    except NameError:
        return $n
%%
print($f(1), $f($p=2))
$n2 = 1
del $n2
try:
    $n2
except NameError:
    $n2 = 'again'
print($n2)
""",
    "imports under other names": """
from math import floor as $f, pi as $n
import collections as $n2
try:
    from missing_module import something as $f2
except ImportError:
    $f2 = $f
%%
print($f($n), $f2(2.5), $n2.Counter('aab')['a'])
def $f3($p, $f=$f):
    return $f($p)
print($f3(3.7), $f3($p=1.2))
""",
    "answers that wait": """
import asyncio
async def $f($p):
    await asyncio.sleep(0)
    return $p
async def $f2($p2):
    for $n in range($p2):
        yield await $f($p=$n)
%%
async def $f3():
    print([$n async for $n in $f2(3)], await asyncio.gather($f(1), $f($p=2)))
    return {$n: $n async for $n in $f2($p2=2)}
print(asyncio.run($f3()))
""",
    "choices with guards": """
def $f($p):
    match $p:
        case {'kind': 'a', 'size': $n, **$n2} if $n > 1:
            return $n, $n2
        case [$n, *_] | ($n, _) if (double := $n * 2):
            return double
        case (str() | []) as $n3:
            return $n3
        case _:
            return None
%%
print($f({'kind': 'a', 'size': 2, 'x': 3}), $f([4, 5]), $f('s'), $f($p=[]), $f(0))
""",
    "fields with conversions": """
$n, $n2, $n3 = 3.14159, 8, 'r'
print(f'{$n:>{$n2}.2f}|{$n3!r:^{$n2}}|{{$n}}')
print(f'{$n2=} {$n3 = !s}')
%%
print(f"{'nested ' + f'{$n2 + 1}'}", '%(a)s %(b)d' % {'a': $n3, 'b': $n2})
print('{0:{1}}{x}'.format($n3, $n2, x=$n2))
""",
    "partial methods of a class": """
from functools import partialmethod, cached_property, singledispatchmethod
class $C:
    def $f(self, $p, $p2=1):
        return $p * $p2
    $f2 = partialmethod($f, $p2=3)
    @cached_property
    def $a(self):
        return self.$f2(2)
    @singledispatchmethod
    def $f3(self, $p3):
        return 'any'
    @$f3.register
    def _(self, $p3: int):
        return 'int'
%%
$n = $C()
print($n.$f(2), $n.$f2($p=4), $n.$a, $n.$f3(1), $n.$f3('s'), $C().$f($p=1, $p2=5))
""",
    "counters in closures": """
def $f($p=0):
    $n = $p
    def $f2($p2=1):
        nonlocal $n
        $n += $p2
        return $n
    def $f3():
        return $n
    return $f2, $f3
%%
$n2, $n3 = $f($p=5)
print($n2(), $n2($p2=3), $n3(), $f()[0]())
""",
}

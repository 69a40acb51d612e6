"""Constructs of the newer grammar, of texts that name names, and of cells with magics.

In the notation of `constructs`; `run_cells` describes how a magic is run.
"""

from __future__ import annotations

FURTHER: dict[str, str] = {
    "patterns with as and star": """
def $f($p):
    match $p:
        case [int() as $n, *$n2] if $n > 0:
            return $n, $n2
        case {'k': (int($n) | [$n]), **$n3}:
            return $n, $n3
        case str() as $n4:
            return $n4 + '!'
        case ($n5, (_, $n6)):
            return $n5, $n6
    return None
%%
print($f([1, 2, 3]), $f({'k': [4], 'z': 5}), $f('a'), $f((0, (1, 2))), $f($p=None))
""",
    "nonlocal at two depths": """
def $f($p):
    $n = $p
    def outer():
        nonlocal $n
        $n += 1
        def inner($n2=1):
            nonlocal $n
            $n *= 2
            return $n + $n2
        return inner
    return outer()(), $n
%%
$n = 7
print($f(1), $f($p=3), $n)
""",
    "global in two cells": """
def $f():
    global $n
    $n = 1
    return $n
%%
def $f2($p):
    global $n
    $n += $p
    def inner():
        global $n
        $n *= 2
    inner()
    return $n
%%
print($f(), $f2($p=3), $n)
""",
    "class attribute shadowed": """
class $C:
    $a = 1
    def __init__(self, $p):
        if $p:
            self.$a = $p
    def $f(self):
        return self.$a, type(self).$a, $C.$a
%%
$n = $C(0)
$n2 = $C($p=5)
print($n.$f(), $n2.$f())
del $n2.$a
print($n2.$a)
""",
    "keywords of a dataclass only": """
from dataclasses import KW_ONLY, dataclass
@dataclass(kw_only=True, slots=True)
class $C:
    $a: int
    $a2: str = 'x'
@dataclass
class $C2:
    $a3: int
    _: KW_ONLY
    $a4: int = 2
%%
$n = $C($a=1, $a2='y')
match $C2(5, $a4=6):
    case $C2($n2, $a4=$n3):
        print($n2, $n3)
print($n.$a, $n.$a2, len($C2.__match_args__))
""",
    "property made by a call": """
class $C:
    def __init__(self, $p):
        self._v = $p
    def get_it(self):
        return self._v
    def set_it(self, $p2):
        self._v = $p2
    $a = property(get_it, set_it)
%%
$n = $C($p=1)
$n.$a += 2
print($n.$a, $n.get_it())
""",
    "partial of a method": """
from functools import partial
class $C:
    def $f(self, $p, $p2=2):
        return $p - $p2
%%
$n = $C()
$n2 = partial($n.$f, $p2=5)
$n3 = partial($C.$f, $n)
print($n2(1), $n3($p=9), partial($n.$f, 1)($p2=0), sorted($n2.keywords.values()))
""",
    "keyword-only lambda": """
$f = lambda *, $p=1, **$p2: ($p, sorted($p2.values()))
def $f2(*, $p3, $p4=2):
    return $p3 * $p4
%%
print($f($p=4), $f(), $f2($p3=2), $f2($p4=5, $p3=1))
""",
    "deletions": """
$n, $n2 = [1, 2], {'k': 3}
del $n[0], $n2['k']
print($n, $n2)
def $f($p):
    $n3 = $p
    del $p
    return $n3
%%
print($f(2), $f($p=3))
del $n
try:
    print($n)
except NameError:
    print('gone')
""",
    "except as": """
def $f($p):
    try:
        return 1 / $p
    except ZeroDivisionError as $n:
        return type($n).__name__
    except (TypeError, ValueError) as $n:
        return 'bad', len($n.args)
    finally:
        print('end')
%%
print($f(0), $f($p='a'), $f(2))
try:
    raise ExceptionGroup('g', [ValueError('v'), KeyError('k')])
except* ValueError as $n2:
    print(len($n2.exceptions))
except* KeyError as $n2:
    print([str(e) for e in $n2.exceptions])
""",
    "async everywhere": """
import asyncio
class $C:
    def __init__(self, $p): self.$a = $p
    async def __aenter__(self): return self
    async def __aexit__(self, *_): print('left')
    async def $f(self, $p2=1):
        for i in range($p2):
            yield i + self.$a
%%
async def $f2($p3):
    async with $C($p=$p3) as $n:
        $n2 = [v async for v in $n.$f($p2=2)]
        async for $n3 in $n.$f():
            $n2.append($n3)
        return $n2
print(asyncio.run($f2($p3=4)))
""",
    "types by other names": """
from typing import NewType, TypeAlias
class $C:
    def __init__(self, $p): self.$a = $p
$C2: TypeAlias = 'list[$C]'
$C3 = NewType('$C3', int)
def $f($p2: 'dict[str, $C] | None' = None, $p3: $C2 = ()) -> '$C | $C3':
    return $C3(len($p3))
%%
print($f($p3=[$C($p=1)]), $C3(4), $f())
""",
    "decorator with keywords": """
def $f(*, $p=1, $p2='a'):
    def decorate(fn):
        def inner(*args, **kw):
            return $p, $p2, fn(*args, **kw)
        return inner
    return decorate
@$f($p=2)
def $f2($p3, $p4=0):
    return $p3 + $p4
%%
print($f2(1, $p4=3), $f2($p3=5), $f($p2='z')(len)('ab'))
""",
    "stars in calls and displays": """
def $f($p, *$p2, $p3=0, **$p4):
    return $p, $p2, $p3, sorted($p4.items())
$n, $n2 = (1, 2), {'zz': 3}
%%
print($f(*$n, **$n2), $f(*$n, *$n, $p3=4, **$n2, **{'yy': 5}))
print([*$n, *$n2], {**$n2, 'x1': 1}, [v for *_, v in [$n, (3, 4)]])
for i, (*$n3, $n4) in enumerate([(1, 2, 3)]):
    print(i, $n3, $n4)
""",
    "format specifications": """
$n, $n2, $n3 = 3.14159, 8, '>'
print(f'{$n:{$n3}{$n2}.{2}f}|{$n!r:^{$n2 + 2}}|{$n2:=+{$n2}}|{$n2 = }'.split('|')[:3])
%%
print(f"{'{'}{$n2}{'}'} {{$n2}} {[f'{v:02}' for v in range($n2)][-1]} {(lambda $p: $p)($n2)}")
""",
    "examples in a class": """
import doctest
class $C:
    '''A thing.

    >>> $n = $C($p=2)
    >>> $n.$f($p2=3)
    5
    >>> $n.$a
    2
    '''
    def __init__(self, $p): self.$a = $p
    def $f(self, $p2): return self.$a + $p2
%%
test = doctest.DocTestParser().get_doctest($C.__doc__, globals(), 'of it', None, 0)
print(doctest.DocTestRunner().run(test).failed, $C(1).$f(2))
""",
    "a cell that is timed": """
def $f($p, $p2=1):
    return $p + $p2
%%
%%time
$n = $f($p=2)
print($n)
%%
%time $n2 = $f($p=$n, $p2=5)
%timeit -n 1 -r 1 $f($n2)
print($n2, $n)
""",
    "names in a shell": """
$n, $n2 = 'a b', {'k': 3}
def $f($p): return $p * 2
%%
!echo {$n} $$n {$n2['k']} {$f($p=2)} "$$n" $$$$ {{x}}
$n3 = !ls $$n {$n}
print($n3)
%%
%%bash -s "$$n" {$n}
echo $$n
""",
    "names in magics": """
$n, $n2 = 'path', [1, 2]
class $C:
    $a = 3
$n3 = $C()
%%
%cd $$n
%run {$n}.py --size {len($n2)} $$n $
%env THING={$n3.$a}
print($n)
""",
    "arguments kept as attributes": """
class $C:
    def __init__(self, $p, $p2=2):
        self.__dict__.update(locals())
class $C2:
    def __init__(self, **kw):
        for k, v in kw.items():
            setattr(self, k, v)
%%
$n = $C($p=1)
print($n.$p, $n.$p2, $C2($a=4).$a)
""",
    "namespaces by keyword": """
from types import SimpleNamespace
$n = SimpleNamespace($a=1, $a2=2)
print($n.$a + $n.$a2, vars($n)['$a'])
%%
import argparse
parser = argparse.ArgumentParser()
parser.add_argument('--$a', type=int, default=3)
$n2 = parser.parse_args([])
print($n2.$a, vars($n2))
""",
    "named groups": """
import re
def $f($p, $p2=''):
    return $p + $p2
$n = re.match(r'(?P<$p>[a-z]+)(?P<$p2>[0-9]+)', 'ab12')
print($n.group('$p'), $n['$p2'], $f(**$n.groupdict()))
""",
    "fields of a structure": """
import ctypes
class $C(ctypes.Structure):
    _fields_ = [('$a', ctypes.c_int), ('$a2', ctypes.c_int)]
%%
$n = $C($a=1, $a2=2)
print($n.$a, $n.$a2, [getattr($n, name) for name, _ in $C._fields_])
""",
    "classes made by a call": """
from dataclasses import make_dataclass
$C = make_dataclass('$C', ['$a', ('$a2', int)])
$C2 = type('$C2', (object,), {'$a': 5, '$f': lambda self, $p=1: self.$a * $p})
%%
$n = $C($a=1, $a2=2)
print($n.$a, $n.$a2, $C2.$a, $C2().$f($p=2))
""",
    "patched": """
from unittest.mock import patch
class $C:
    $a = 1
    def $f(self): return self.$a
%%
with patch.object($C, '$a', 5):
    print($C().$f())
with patch.object($C, '$f', lambda self: 'other'):
    print($C().$f())
print($C().$f())
""",
    "items that are attributes": """
class $C:
    def __init__(self, $p): self.$a = $p
    def __getitem__(self, key): return getattr(self, key)
    def __iter__(self): return iter(vars(self))
%%
$n = $C($p=1)
print($n['$a'], $n.$a, [$n[k] for k in $n])
""",
    "values read from text": """
import json
def $f($p, $p2=0): return $p + $p2
$n = json.loads('{"$p": 1, "$p2": 2}')
print($f(**$n), $n['$p'])
%%
$n2 = dict(zip(('$p', '$p2'), (3, 4)))
print($f(**$n2), $n2.get('$p2'))
""",
    "methods by two names": """
class $C:
    def __init__(self, $p): self.$a = $p
    def $f(self, $p2=1): return self.$a + $p2
    $f2 = $f
    def __add__(self, $p3): return $C($p=self.$a + $p3.$a)
    __radd__ = __add__
%%
print($C(1).$f2($p2=4), ($C(1) + $C($p=2)).$a, $C.$f2($C(3)))
""",
    "closures in a loop": """
$n = [lambda $p=i: $p for i in range(3)]
print([g() for g in $n], $n[0]($p=9))
%%
def $f():
    $n2 = []
    for $n3 in range(2):
        def inner($p, $n3=$n3):
            return $p + $n3
        $n2.append(inner)
    return [g($p=1) for g in $n2] + [$n2[0](1, $n3=5)]
print($f())
""",
    "several with": """
from contextlib import contextmanager
@contextmanager
def $f($p):
    yield $p
%%
with ($f(1) as $n, $f($p=2) as ($n2)):
    print($n, $n2)
with $f([1, 2]) as ($n3, $n4), $f($p=$n3):
    print($n3, $n4)
""",
    "super with arguments": """
class $C:
    def __init__(self, $p, **kw): self.$a = $p
    @classmethod
    def $f(cls, $p2=1): return cls($p=$p2)
class $C2($C):
    def __init__(self, $p, $p3=0):
        super($C2, self).__init__($p=$p)
        self.$a2 = $p3
    @classmethod
    def $f(cls, $p2=2): return super().$f($p2=$p2 + 1)
%%
print($C2.$f().$a, $C2($p=1, $p3=2).$a2, $C.$f($p2=7).$a)
""",
    "flags": """
from enum import Flag, IntEnum, auto
class $C(Flag):
    $a = auto()
    $a2 = auto()
    BOTH = $a | $a2
    def $f(self, $p=None): return self is $C.$a, $p
class $C2(IntEnum):
    $a = 3
%%
print($C.$a | $C.$a2 == $C.BOTH, $C.$a2.$f($p=1), $C2.$a + 1, $C2(3) is $C2.$a)
""",
    "dispatched methods": """
from functools import singledispatchmethod, total_ordering
@total_ordering
class $C:
    def __init__(self, $p): self.$a = $p
    def __eq__(self, other): return self.$a == other.$a
    def __lt__(self, other): return self.$a < other.$a
    @singledispatchmethod
    def $f(self, $p2, $p3=1): return 'any', $p3
    @$f.register
    def _(self, $p2: int, $p3=2): return 'int', $p3 + self.$a
%%
print($C(1) <= $C(2), $C(3).$f(1, $p3=5), $C(3).$f('a'), max($C(1), $C($p=4)).$a)
""",
    "generators that are sent to": """
def $f($p):
    $n = $p
    while True:
        $n2 = yield $n
        if $n2 is None:
            return $n
        $n += $n2
def $f2($p2):
    $n3 = yield from $f($p=$p2)
    print('result', $n3)
%%
$n = $f2($p2=1)
print(next($n), $n.send(4), next($n, 'over'))
""",
    "walrus in conditions": """
$n = [1, 5, 8]
print(any(($n2 := v) > 4 for v in $n), $n2)
print([($n3 := v * 2, $n3 + 1) for v in $n if ($n4 := v % 2)], $n3, $n4)
%%
def $f($p):
    if ($n := len($p)) > 1 and ($n5 := $p[0]):
        return $n, $n5
    return $n
print($f($p=[3, 4]), $f(''), $n)
""",
    "frames": """
import inspect
def $f($p, $p2=1):
    $n = $p + $p2
    return sorted(inspect.currentframe().f_locals.values()), inspect.currentframe().f_locals['$n']
%%
print($f(1), $f($p=4, $p2=2))
$n = 3
print(inspect.currentframe().f_globals['$n'])
""",
    "metaclass": """
class $C(type):
    def __new__(mcs, label, bases, space, $p=1):
        made = super().__new__(mcs, label, bases, space)
        made.$a = $p
        return made
    def __init__(cls, label, bases, space, $p=1): super().__init__(label, bases, space)
    def $f(cls, $p2): return cls.$a + $p2
class $C2(metaclass=$C, $p=4):
    def __init__(self, $p3=0): self.$a2 = $p3
%%
print($C2.$a, $C2.$f($p2=1), $C2($p3=2).$a2)
""",
    "logged": """
$n = 4
class $C:
    $a = 2
print('%s %(x)s' % () if False else '%($n)d' % {'$n': $n}, 'n={$n}'.replace('{$n}', str($n)))
%%
import string
print(string.Formatter().vformat('{$n} {o.$a}', (), {'$n': $n, 'o': $C()}))
print(str.format('{0.$a:>{w}}', $C, w=3), '{$n!r}'.format(**vars()))
""",
}

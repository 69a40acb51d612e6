"""Constructs of the language that look at names while they run, in the notation of `constructs`."""

from __future__ import annotations

REFLECTING: dict[str, str] = {
    "tuples with names": """
from typing import NamedTuple
class $C(NamedTuple):
    $a: int
    $a2: str = 'd'
    @property
    def $f(self): return self.$a * 2
    def $f2(self, $p): return self._replace($a=$p)
%%
$n = $C(1)
$n2, $n3 = $C($a=3, $a2='e')
print($n.$f, $n.$f2($p=7).$a, $n2, $n3, $C._make([4]).$a if False else $C(*[4]).$a)
print($n._asdict()['$a2'], getattr($n, '$a'), $C.__annotations__['$a'] is int)
""",
    "dictionaries with required keys": """
from typing import NotRequired, Required, TypedDict, Unpack
class $C(TypedDict, total=False):
    $a: Required[int]
    $a2: str
class $C2($C):
    $a3: NotRequired[int]
def $f(**$p: Unpack[$C2]):
    return $p['$a'], $p.get('$a3', 0)
%%
$n: $C2 = {'$a': 1, '$a3': 2}
print($f(**$n), $f($a=5), $f($a=6, $a3=1), sorted($n) == sorted(['$a', '$a3']))
print('$a2' in $C2.__annotations__, $C($a=3)['$a'], $n | {'$a2': 'x'} == $n)
""",
    "members of an enumeration": """
from enum import Enum, auto, unique
@unique
class $C(Enum):
    $a = auto()
    $a2 = 'two'
    def $f(self, $p=''): return self.name.upper() == '$a'.upper(), $p
    @classmethod
    def _missing_(cls, value): return cls.$a2
    @property
    def $f2(self): return self.value
%%
print($C.$a.value, $C['$a2'].value, $C('nothing') is $C.$a2, $C.$a.$f($p=1), $C.$a2.$f2)
match $C('two'):
    case $C.$a: print('first')
    case $C.$a2: print('second')
print([m is $C.$a for m in $C], len($C.__members__), hasattr($C, '$a'))
""",
    "property with all its parts": """
class $C:
    def __init__(self, $p=1):
        self._$a = $p
    @property
    def $a(self):
        'of it'
        return self._$a
    @$a.setter
    def $a(self, $p):
        self._$a = $p
    @$a.deleter
    def $a(self):
        self._$a = None
class $C2($C):
    @$C.$a.getter
    def $a(self): return 10
%%
$n = $C($p=2)
$n.$a += 1
print($n.$a, $n._$a, $C2().$a, $C.$a.fget.__doc__)
del $n.$a
print($n.$a)
""",
    "classes decorated": """
registry = {}
def $f($p=None, $p2=''):
    def inner(cls):
        registry[$p or cls.__name__.lower()] = cls
        cls.$a = $p2
        return cls
    return inner
@$f($p='k', $p2='v')
class $C:
    def $f2(self): return self.$a
%%
@$f('m')
class $C2($C):
    pass
print(registry['k']().$f2(), registry['m'] is $C2, $C.$a, $C2().$a == '')
""",
    "contexts": """
from contextlib import ExitStack, closing, contextmanager, suppress
@contextmanager
def $f($p, $p2='x'):
    print('in', $p)
    try:
        yield $p * 2
    finally:
        print('out', $p2)
%%
with $f($p=1) as $n, $f(2, $p2='y') as ($n2):
    print($n, $n2)
with ExitStack() as $n3:
    $n4 = $n3.enter_context($f($p=5))
    print($n4)
@$f(7)
def $f2(): return 8
print($f2())
""",
    "generators that answer": """
def $f($p=0):
    $n = $p
    while True:
        $n2 = yield $n
        if $n2 is None:
            return $n
        $n += $n2
def $f2($p2):
    $n3 = yield from $f($p=$p2)
    print('last', $n3)
%%
$n = $f2($p2=1)
print(next($n), $n.send(4), $n.send(5))
try:
    $n.send(None)
except StopIteration as $n2:
    print($n2.value)
print($n.gi_frame, [*(lambda $p3: (yield $p3))(3)])
""",
    "waiting for several": """
import asyncio
class $C:
    def __init__(self, $p): self.$a = $p
    async def __aenter__(self): return self
    async def __aexit__(self, *$n): return False
    async def __aiter__(self):
        for $n in range(self.$a):
            yield $n
async def $f($p, *, $p2=1):
    async with $C($p) as $n2:
        return [$n3 * $p2 async for $n3 in $n2 if $n3]
%%
async def main():
    $n = await asyncio.gather($f(3), $f($p=2, $p2=5), asyncio.wait_for($f(2), timeout=9))
    return $n
print(asyncio.run(main()))
""",
    "patterns of all sorts": """
from dataclasses import dataclass
@dataclass
class $C:
    $a: int
    $a2: object = None
class $C2:
    __match_args__ = ('$a3',)
    def __init__(self, $p): self.$a3 = $p
def $f($p):
    match $p:
        case $C($a=0) | $C(0, _):
            return 'zero'
        case $C($n, $C2($n2)) if $n < $n2:
            return $n, $n2
        case $C($a=$n, $a2={'k': $n2, **$n3}):
            return $n, $n2, $n3
        case [$C() as $n, *_] | ($C2() as $n, _):
            return type($n) is $C
        case -1 | 'a' | None as $n:
            return $n
        case (str() | bytes()) as $n2:
            return $n2
        case _:
            return 'else'
%%
print($f($C(0)), $f($C(1, $C2($p=2))), $f($C($a=1, $a2={'k': 3, 'z': 4})))
print($f([$C(1)]), $f(($C2(1), 2)), $f(-1), $f('q'), $f($p=2.5))
""",
    "stars everywhere": """
def $f(*$p, $p2=0, **$p3):
    return len($p), $p2, sorted($p3)
%%
$n, *$n2, $n3 = range(5)
*$n4, = 'ab'
print($n, $n2, $n3, $n4, [*$n2, *$n4], {**{'k': 1}, 'z': $n}, (*$n2,))
print($f(*$n2, $p2=1, **dict(z=2)), $f(**{'$p2': 3}), $f(1, *$n4, k=1))
for $n5, *$n6 in [(1, 2, 3)]:
    print($n5, $n6)
[$n7, ($n8, *$n9)] = [1, (2, 3)]
print($n7, $n8, $n9, {$n7: $n8 for $n7, $n8 in [(4, 5)]}, $n7)
""",
    "walrus in comprehensions": """
$n = [3, 1, 2]
%%
print([$n2 for $n3 in $n if ($n2 := $n3 * 2) > 2], $n2)
def $f($p):
    if any(($n4 := v) > 2 for v in $p):
        return $n4
    return [($n5 := i, $n5 ** 2) for i in $p]
print($f($n), $f($p=[1]), {($n6 := k): $n6 for k in 'ab'}, $n6)
while ($n7 := len($n)) > 1:
    $n.pop()
print($n7, f'{($n8 := 4)}', $n8, (lambda $p2: ($n9 := $p2) + $n9)(2))
""",
    "nested functions that share": """
def $f($p):
    $n, $n2 = 0, []
    def $f2($p2=1):
        nonlocal $n
        $n += $p2
        $n2.append($n)
        return lambda: ($n, $p, $f2)
    def $f3():
        return [$f2($p2=$n3)()[0] for $n3 in range(3)]
    return $f2, $f3, lambda $n=$p: $n
%%
$n, $n2, $n3 = $f($p=7)
print($n()()[:2], $n2(), $n3(), $n3($n=1) if False else $n3(1))
print($n.__closure__ is not None, $n.__name__ == '$f2')
""",
    "names that are deleted": """
$n, $n2 = 1, 2
class $C: pass
$n3 = $C()
$n3.$a = 4
%%
del $n
print('$n' in globals(), $n3.$a, hasattr($n3, '$a'))
delattr($n3, '$a')
print(hasattr($n3, '$a'))
$n = 5
def $f($p):
    $n2 = $p
    del $n2
    try:
        return $n2
    except UnboundLocalError:
        return 'gone'
print($n, $n2, $f($p=3))
""",
    "code that is run": """
$n = 2
exec('$n2 = $n + 1')
%%
print($n2, eval('$n * $n2'), eval('k + 1', {'k': $n}))
def $f($p):
    exec('print($p)')
    return eval('$p + $n')
print($f($p=4), $f(1))
$n3 = compile('$n + 10', 'it', 'eval')
print(eval($n3))
""",
    "names in tables of names": """
$n = 1
def $f($p, $p2=2):
    $n3 = 5
    return sorted(locals()) == sorted(['$p', '$p2', '$n3']), locals()['$p']
class $C:
    def __init__(self): self.$a = 3
%%
globals()['$n2'] = globals()['$n'] + 1
print($n2, $f($p=4), vars($C())['$a'], '$a' in dir($C()), vars()['$n'])
print($C().__dict__.get('$a'), globals().get('$f') is $f, __import__('builtins').print is print)
""",
    "attributes by text": """
from operator import attrgetter, itemgetter, methodcaller
class $C:
    def __init__(self, $p): setattr(self, '$a', $p)
    def $f(self, $p2=1): return self.$a + $p2
%%
$n = [$C(2), $C($p=1)]
print([attrgetter('$a')($n2) for $n2 in sorted($n, key=attrgetter('$a'))])
print(methodcaller('$f', $p2=3)($n[0]), methodcaller('$f')($n[1]), getattr($n[0], '$f')($p2=0))
print(itemgetter('$a')({'$a': 6}), attrgetter('$f.__name__')($n[0]) == '$f')
if hasattr($n[0], '$a'):
    setattr($n[0], '$a', 9)
print($n[0].$a, $n[0].$f())
""",
    "functions chosen by type": """
from functools import singledispatch, singledispatchmethod
@singledispatch
def $f($p, $p2=0):
    return 'any', $p2
@$f.register
def _($p: int, $p2=1):
    return 'int', $p + $p2
@$f.register(str)
def $f2($p, $p2=2):
    return 'str', $p * $p2
class $C:
    @singledispatchmethod
    def $f3(self, $p3): return 'any'
    @$f3.register
    def _(self, $p3: list): return len($p3)
%%
print($f(2.5), $f(3, $p2=4), $f('a', $p2=3), $f.dispatch(int)(1), $f2('b'))
print($C().$f3([1]), $C().$f3(1))
""",
    "methods in part": """
from functools import partial, partialmethod
class $C:
    def __init__(self): self.$a = 0
    def $f(self, $p, $p2=1):
        self.$a += $p * $p2
        return self.$a
    double = partialmethod($f, $p2=2)
    $f2 = partialmethod($f, 5)
%%
$n = $C()
print($n.double(3), $n.double($p=1), $n.$f2(), $n.$f2($p2=3))
$n2 = partial($C.$f, $n, $p=1)
print($n2(), $n2($p2=4), partial($n2, $p2=0)())
""",
    "attributes on demand": """
class $C:
    $a = 1
    def __getattr__(self, name):
        if name == '$a2' or name.startswith('at_'):
            return name == '$a2'
        raise AttributeError(name)
    def __setattr__(self, name, value):
        super().__setattr__(name, value if name != '$a3' else value * 2)
class $C2:
    def __init__(self, $p): self._in = $p
    def __getattr__(self, name): return getattr(self._in, name)
%%
$n = $C()
$n.$a3 = 4
print($n.$a, $n.$a2, $n.at_all, $n.$a3, $C2($n).$a, $C2($p=$n).$a3)
try:
    $n.zzz
except AttributeError as error:
    print(error)
""",
    "classes that type makes": """
def $f(self, $p=1): return self.$a * $p
$n = type('$C', (), {'$a': 3, '$f': $f, 'k': lambda self: self.$f($p=2)})
class $C2(type):
    def __new__(mcs, label, bases, space, $p2=0):
        made = super().__new__(mcs, label, bases, {**space, 'got': $p2})
        return made
    def __init__(cls, label, bases, space, **kw): super().__init__(label, bases, space)
class $C3(metaclass=$C2, $p2=4):
    $a2 = 5
%%
print($n().$f(), $n().$f($p=4), $n().k(), $n.__name__ == '$C')
print($C3.got, $C3.$a2, isinstance($C3, $C2), '$a2' in vars($C3))
""",
    "descriptors": """
class $C:
    def __set_name__(self, owner, $p):
        self.name = $p
    def __get__(self, obj, owner=None):
        return self if obj is None else obj.__dict__.get(self.name, 0)
    def __set__(self, obj, $p):
        obj.__dict__[self.name] = $p * 2
class $C2:
    $a = $C()
    $a2 = $C()
    def __init__(self, $p=1): self.$a = $p
%%
$n = $C2($p=3)
$n.$a2 = $n.$a + 1
print($n.$a, $n.$a2, $C2.$a.name == '$a', vars($n)['$a'], type($C2.$a2) is $C)
""",
    "kept as bytes": """
import copy
import json
import pickle
class $C:
    def __init__(self, $p): self.$a = $p
    def __getstate__(self): return {'$a': self.$a}
    def __setstate__(self, $p2): self.__dict__.update($p2)
    def __reduce__(self): return $C, (self.$a,)
def $f($p3): return $p3
%%
print(pickle.loads(pickle.dumps($C(4))).$a, pickle.loads(pickle.dumps($f))(3))
print(copy.copy($C($p=5)).$a, json.loads(json.dumps(vars($C(6))))['$a'])
""",
    "signatures that are read": """
import inspect
def $f($p, $p2=2, *, $p3: int = 3):
    return $p, $p2, $p3
%%
$n = inspect.signature($f)
print('$p' in $n.parameters, $n.bind(1, $p3=4).arguments['$p3'], list($n.parameters)[0] == '$p')
print($f.__kwdefaults__['$p3'], $f.__code__.co_varnames.index('$p'), $f.__annotations__['$p3'])
print(inspect.getfullargspec($f).args == ['$p', '$p2'], $f.__defaults__)
""",
    "keywords forwarded": """
def $f($p, $p2=2, **rest):
    return $p, $p2, rest.get('$p3')
def $f2(*args, **kwargs):
    kwargs.setdefault('$p2', 9)
    return $f(*args, **kwargs)
def $f3($p4, **$n):
    $n.update($p3=$p4)
    return $f2(**$n)
%%
print($f2(1), $f2($p=3), $f2(4, $p2=5), $f3(6, $p=7), $f3($p4=8, $p=0, $p2=1))
$n2 = {'$p': 1, '$p2': 4}
print($f(**$n2), $f2(**$n2, $p3=3), $f(**{**$n2, '$p': 5}), $f3(1, **$n2))
""",
    "variables of types": """
from typing import Callable, Generic, Literal, NewType, TypeAlias, TypeVar
$C = TypeVar('$C')
$n: TypeAlias = 'dict[str, $C2]'
class $C2(Generic[$C]):
    def __init__(self, $p: '$C'): self.$a: $C = $p
    def $f(self, $p2: Callable[['$C'], int] = len) -> '$C2[$C]': return $p2(self.$a)
$C3 = NewType('$C3', int)
$n2: Literal['$n', 'k'] = 'k'
%%
print($C2($p='ab').$f(), $C2[int](3).$f($p2=lambda v: v), $C3(4), $C.__name__ == '$C', $n2)
""",
    "records of what happens": """
import logging
$n = logging.getLogger(__name__)
$n.handlers.clear()
class $C(logging.Handler):
    def emit(self, $p):
        print($p.getMessage(), $p.levelname, getattr($p, '$a', '-'))
$n2 = $C()
$n.addHandler($n2)
$n.setLevel('INFO')
$n.propagate = False
%%
def $f($p2, $p3='z'):
    $n.info('%s %(k)s' if False else '%s', $p2, extra={'$a': $p3})
$f(1)
$f($p2=2, $p3=3)
$n.warning('%(k)s', {'k': $n2 is $n.handlers[0]})
""",
    "texts with fields": """
from string import Template
$n, $n2 = 2.5, 'b'
class $C:
    $a = 4
%%
print(f'{$n=}'.split('=')[1], f'{$n:{$n2 and 6}.2f}', f'{$C.$a!r:>{$C.$a}}', f"{'$n'}"[:0])
print('{$n} {k.$a}'.format($n=$n, k=$C), '{0[$a]}'.format({'$a': 5}), '{}'.format($n2))
print(Template('$$n ${k}').substitute($n=$n, k=1), '%($n)s' % {'$n': 3}, '%($n2)s' % dict($n2=4))
print('{$n} {$n2}'.format(**globals()), '{$n}'.format_map(vars()), f'{(lambda $p: $p)($n)}')
""",
    "a cell's output kept": """
$n = [1]
def $f($p): return $p
%%
%%capture out
$n2 = $f($p=$n)
print($n2)
%%
$n3 = $n2 + $n
print($n3)
%timeit -n 1 -r 1 $f($p=$n3)
%time $n4 = $f($n2)
print($n4)
""",
    "cells for other languages": """
$n, $n2 = 'k', 3
%%
%%bash
$n=5
echo $$n ${$n}
%%
%%html
<b id="$n">$n2</b>
%%
%store $n $n2
%env $n
%env KEY={$n}
!echo {$n} {$n2 + 1} $$n2
$n3 = %env $n
print($n, $n2)
""",
    "a timed cell with its setup": """
$n = 2
def $f($p, $p2=3): return $p * $p2
%%
%%timeit -n 1 -r 1 $n2 = $f($n)
$f($p=$n2)
%%
%%time
$n3 = $f($n, $p2=4)
%%
%time $f($p=$n3)
print($n3, $n)
""",
    "exports by list": """
__all__ = ['$n', '$f', '$C']
$n = 1
def $f($p): return $p
class $C:
    __slots__ = ('$a', '_k')
    def __init__(self, $p2): self.$a = $p2
%%
print(all(k in globals() for k in __all__), $f($p=2), $C($p2=3).$a, __all__.index('$f'))
for $n2 in __all__:
    print(globals()[$n2] is not None)
""",
    "checked at the border": """
import functools
import inspect
def $f(function):
    @functools.wraps(function)
    def inner(*args, **kwargs):
        got = inspect.signature(function).bind(*args, **kwargs).arguments
        return function(*args, **kwargs), len(got)
    return inner
@$f
def $f2($p, $p2=1): return $p + $p2
%%
print($f2(1), $f2($p=2, $p2=3), $f2.__wrapped__($p=4), $f2.__name__ == '$f2')
""",
    "errors with fields": """
class $C(ValueError):
    def __init__(self, $p, *args, $p2=None):
        super().__init__($p, *args)
        self.$a = $p2
class $C2($C): pass
def $f($p3):
    raise $C2($p3, $p2='why') from KeyError('k')
%%
try:
    $f($p3=1)
except ($C, KeyError) as $n:
    print($n.$a, $n.args, isinstance($n.__cause__, KeyError))
try:
    raise $C('a', 'b')
except* ValueError as $n2:
    print(len($n2.exceptions), $n2.exceptions[0].$a)
""",
    "objects that are called": """
class $C:
    def __init__(self, $p): self.$a = $p
    def __call__(self, $p2, $p3=1): return self.$a, $p2, $p3
    def __getitem__(self, $p4): return $p4
    def __contains__(self, $p5): return $p5 == self.$a
    def __iter__(self): return iter([self.$a])
    def __class_getitem__(cls, $p6): return $p6
%%
$n = $C($p=2)
print($n($p2=3), $n(4, $p3=5), $n['$a'], 2 in $n, [*$n], $C['k'], $n.__call__($p2=6))
print(list(map($n, [1])), [$n(2) for $n in [$n]][0])
""",
    "comprehensions within classes": """
$n = 3
class $C:
    $n = 2
    $a = [$n2 for $n2 in range($n)]
    $a2 = {k: v for k, v in zip('ab', $a)}
    $f = staticmethod(lambda $p=$n: $p + 1)
    class $C2:
        $a3 = $n
    def $f2(self): return $n, self.$n, type(self).$a2
%%
print($C.$a, $C.$a2, $C.$f(), $C.$f($p=5), $C.$C2.$a3, $C().$f2())
""",
    "a choice among functions": """
def $f($p): return $p + 1
def $f2($p): return $p * 2
class $C:
    $f = staticmethod($f)
    table = {'$f': $f2, 'k': lambda $p: -$p}
%%
$n = {'$f': $f, '$f2': $f2}
print($n['$f']($p=1), $n['$f2'](2), $C.table['k']($p=3), $C.table['$f'](4), $C.$f(5))
for $n2, $n3 in $n.items():
    print($n2 == $n3.__name__, $n3($p=2))
print(($f if $n else $f2)($p=3), (lambda: $f)()($p=4), [$f, $f2][1]($p=5))
""",
    "stars before calls": """
def $f($p, $p2=1):
    return [$p, $p2]
class $C:
    $a = [7]
    def $f2(self, $p): return [$p]
%%
$n = $C()
print([*$f($p=1)], {*$f($p=2)}, (*$f($p=3), 0), [*$n.$f2($p=4)], [*$n.$a], [*$f($p=5)[:1]])
$n2 = *$f($p=6), *$n.$f2(8)
print($n2, [0, *$f($p=7, $p2=$f($p=9))], $f(*$f($p=1)), {**dict(k=$f($p=2))})
""",
    "calls of what calls give": """
def $f($p):
    def $f2($p2, $p=2): return $p2, $p
    return $f2
$n = {'k': $f}
%%
print($f($p=1)($p2=3), $f($p=1)(4, $p=5), $n['k'](6)($p2=7, $p=8), [$f][0](1)(9))
""",
}

"""Constructs in which a library reads names: from signatures, keywords and strings.

In the notation of `constructs`.
"""

from __future__ import annotations

LIBRARIES: dict[str, str] = {
    "fields with factories": """
from dataclasses import dataclass, field, fields
@dataclass(order=True)
class $C:
    $a: int = field(default=0, metadata={'k': '$a'})
    $a2: list = field(default_factory=list, repr=False, compare=False)
    $a3: int = field(init=False)
    def __post_init__(self):
        self.$a3 = self.$a + len(self.$a2)
%%
$n = $C($a=2, $a2=[1])
print($n.$a3, sorted([$n, $C(1)])[0].$a, fields($n)[0].metadata['k'] == fields($n)[0].name)
print($n.__dict__['$a2'], $C($a=3) > $n)
""",
    "initial values only": """
from dataclasses import InitVar, dataclass
from typing import ClassVar
@dataclass
class $C:
    $a: int
    $p: InitVar[int] = 3
    $a2: ClassVar[int] = 5
    def __post_init__(self, $p):
        self.$a += $p + self.$a2
%%
print($C(1).$a, $C($a=1, $p=2).$a, $C.$a2, $C(1, 0).$a)
""",
    "columns by every road": """
import pandas as pd
$n = pd.DataFrame({'$n4': [3, 1, 2], '$n5': ['u', 'v', 'u']})
$n2 = 1
%%
print($n.query('$n4 > @$n2')['$n4'].tolist(), $n.eval('$n4 * 2 + @$n2').tolist())
$n3 = $n.assign($n6=lambda d: d.$n4 + $n2, k=2)
print($n3.$n6.tolist(), len($n3.filter(items=['$n6', 'k']).columns))
print($n.groupby('$n5').agg(top=('$n4', 'max')).top.tolist())
print($n.rename(columns={'$n4': 'z'}).z.tolist(), $n.sort_values(by='$n4').$n4.tolist())
""",
    "named aggregations": """
import pandas as pd
def $f($p, $p2=0):
    return $p['$n4'] + $p2
$n = pd.DataFrame(dict($n4=[1, 2], k=['u', 'v']))
%%
print($n.pipe($f, $p2=3).tolist(), $n.pipe(($f, '$p'), $p2=1).tolist())
print($n.apply($f, axis=1, $p2=2).tolist())
$n2 = $n.groupby('k').agg($n5=('$n4', 'sum'))
print($n2.$n5.tolist(), [row.$n4 for row in $n.itertuples()])
""",
    "frames joined": """
import pandas as pd
$n = pd.DataFrame({'$n4': [1, 2], 'u': [3, 4]})
$n2 = pd.DataFrame({'$n5': [2, 1], 'v': [5, 6]})
%%
$n3 = $n.merge($n2, left_on='$n4', right_on='$n5')
print($n3.v.tolist(), $n3['$n5'].tolist())
$n3 = pd.concat([$n, $n])['$n4']
print($n3.tolist(), $n.set_index('$n4').loc[2, 'u'], $n.melt(id_vars=['$n4'])['$n4'].tolist())
""",
    "fields of an array": """
import numpy as np
$n = np.zeros(2, dtype=[('$a', 'i4'), ('$a2', 'f8')])
$n['$a'] = [1, 2]
%%
print($n['$a'].tolist(), $n[['$a']][0].item(), $n.dtype.names.index('$a2'))
$n2 = $n.view(np.recarray)
print($n2.$a.tolist(), $n2[0].$a2)
""",
    "functions over arrays": """
import numpy as np
def $f($p, $p2=1):
    return $p * $p2
$n = np.vectorize($f)
%%
print($n($p=np.arange(3), $p2=2).tolist(), $n([1, 2]).tolist())
print(np.apply_along_axis($f, 0, np.arange(2), $p2=4).tolist())
print(np.fromfunction(lambda $n2, $n3: $n2 + $n3, (2, 2)).tolist())
""",
    "options of a program": """
import argparse
$n = argparse.ArgumentParser(prog='it')
$n.add_argument('--some-thing', dest='$a', type=int, default=1)
$n.add_argument('$a2', nargs='?', default='d')
$n.set_defaults($a3=7)
%%
$n2 = $n.parse_args(['--some-thing', '4'])
print($n2.$a, $n2.$a2, $n2.$a3, getattr($n2, '$a'))
def $f($a, $a2, $a3): return $a, $a2, $a3
print($f(**vars($n2)))
""",
    "options that become parameters": """
import click
from click.testing import CliRunner
@click.command()
@click.option('--$p', default=1, type=int)
@click.option('-k', 'kept', default='k')
@click.argument('$p2')
def $f($p, kept, $p2):
    click.echo(f'{$p} {kept} {$p2}')
%%
print(CliRunner().invoke($f, ['--$p', '3', 'file']).output)
$f.callback($p=2, kept='m', $p2='n')
""",
    "fixtures by name": """
import pytest
@pytest.fixture
def $f():
    return 3
@pytest.fixture
def $f2($f):
    return $f + 1
def test_it($f2, $p=1):
    assert $f2 == 4
@pytest.mark.parametrize('$p', [1, 2])
def test_more($p):
    assert $p
%%
import inspect
print('$f' in inspect.signature(test_it).parameters, test_it(4), test_more($p=1))
""",
    "controls of a function": """
from ipywidgets import fixed, interactive
def $f($p, $p2=2):
    return $p * $p2
%%
$n = interactive($f, $p=(0, 9), $p2=fixed(3))
print([w.description for w in $n.children if hasattr(w, 'max')], sorted($n.kwargs))
$n2 = interactive(lambda $p3: $p3, $p3=4)
print($n2.children[0].value)
""",
    "traits": """
from traitlets import HasTraits, Int, default, observe, validate
class $C(HasTraits):
    $a = Int(1)
    $a2 = Int(2)
    @default('$a2')
    def _of_two(self): return 5
    @observe('$a')
    def $f(self, change):
        print('changed', change['new'])
    @validate('$a')
    def _checked(self, proposal): return min(proposal['value'], 9)
%%
$n = $C($a=3)
$n.$a = 20
print($n.$a, $n.$a2, $n.has_trait('$a'))
""",
    "attributes made by attrs": """
import attr
@attr.s(auto_attribs=True)
class $C:
    $a: int
    _$a2: int = attr.ib(default=4)
    $a3: int = attr.ib(init=False, default=0)
    @property
    def $f(self): return self.$a + self._$a2
%%
print($C($a=1, $a2=2).$f, attr.evolve($C(1), $a=5).$a, attr.asdict($C(3))['$a'])
""",
    "plots that take columns": """
import pandas as pd
import matplotlib
matplotlib.use('Agg')
import matplotlib.pyplot as plt
$n = pd.DataFrame({'$a': [1, 2], '$a2': [3, 4]})
%%
fig, $n2 = plt.subplots()
$n2.plot('$a', '$a2', data=$n, label='$a')
$n2.legend()
print($n2.get_lines()[0].get_xdata().tolist(), $n2.get_legend().get_texts()[0].get_text() == '$a')
plt.close(fig)
""",
    "estimators": """
from sklearn.base import BaseEstimator
class $C(BaseEstimator):
    def __init__(self, $p=1, $p2='k'):
        self.$p = $p
        self.$p2 = $p2
    def $f(self, $p3):
        self.got_ = $p3 * self.$p
        return self
%%
$n = $C($p=2)
print($n.get_params()['$p'], $n.set_params($p=4).$p, $n.$f($p3=2).got_)
""",
}

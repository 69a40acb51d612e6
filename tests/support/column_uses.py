"""Uses of the columns of two data frames, each a cell that runs after `FRAMES`."""

# ruff: noqa: E501
from __future__ import annotations

FRAMES = """\
import pandas as pd
import numpy as np
df = pd.DataFrame({'city': ['a', 'b', 'a'], 'price': [3, 1, 2], 'n': [1, 2, 3]})
other = pd.DataFrame({'city': ['a', 'b'], 'size': [5, 6]})
"""
USES = (
    "print(df['price'].sum(), df.price.mean(), df[['price', 'n']].shape, df.loc[:, 'price'].max())",
    "print(df.loc[df['price'] > 1, ['price', 'n']].values.tolist(), df.iloc[0]['price'], df.at[0, 'price'])",
    "print(df.groupby('city')['price'].sum().tolist(), df.groupby(['city']).price.max().tolist(), df.groupby('city').agg({'price': 'sum'})['price'].tolist())",
    "print(df.groupby('city').agg(total=('price', 'sum'), k=('n', 'max')).total.tolist())",
    "print(df.sort_values('price')['n'].tolist(), df.sort_values(['city', 'price'], ascending=[True, False]).n.tolist(), df.nlargest(1, 'price').n.tolist())",
    "print(df.query('price > 1').n.tolist(), df.query('price > 1 and city == \"a\"').n.tolist(), df.eval('price * n').tolist())",
    "df2 = df.assign(double=df['price'] * 2)\nprint(df2.double.tolist(), df2[['price', 'double']].sum().tolist())",
    "df3 = df.drop(columns=['price'])\nprint('n' in df3, df3.shape, df.drop('price', axis=1).shape)",
    "df4 = df.rename(columns={'price': 'cost'})\nprint(df4['cost'].tolist(), 'cost' in df4.columns)",
    "m = df.merge(other, on='city')\nprint(m['price'].tolist(), m['size'].tolist(), m.price.sum())",
    "m = pd.merge(df, other, how='left', left_on='city', right_on='city')\nprint(m['price'].tolist())",
    "p = df.pivot_table(values='price', index='city', aggfunc='sum')\nprint(p['price'].tolist(), p.price.tolist(), p.loc['a', 'price'])",
    "p = df.pivot(index='n', columns='city', values='price')\nprint(p['a'].dropna().tolist())",
    "l = df.melt(id_vars=['city'], value_vars=['price', 'n'])\nprint(l['value'].sum(), l.groupby('variable')['value'].sum().max())",
    "print(df.set_index('city')['price'].tolist(), df.set_index('city').loc['a', 'price'].tolist(), df.set_index(['city', 'n']).price.tolist())",
    "for _, row in df.iterrows():\n    print(row['price'], row.price, row['city'])",
    "for row in df.itertuples():\n    print(row.price, row.city)",
    "print(df.apply(lambda r: r['price'] * r['n'], axis=1).tolist(), df['price'].apply(lambda v: v + 1).tolist(), df.apply(lambda r: r.price, axis=1).tolist())",
    "print(df['price'].map({1: 'x'}).tolist(), df['city'].str.upper().tolist(), df.city.value_counts()['a'])",
    "cols = ['price', 'n']\nprint(df[cols].sum().tolist(), df[cols[0]].tolist())\nX = df[cols].values\nprint(X.shape)",
    "target = 'price'\nprint(df[target].tolist(), df.drop(columns=target).shape)",
    "df['price'] = df['price'] * 1.5\ndf.loc[0, 'price'] = 9\nprint(df['price'].tolist())",
    "df['ratio'] = df['price'] / df['n']\nprint(df['ratio'].round(2).tolist(), df.ratio.max())\ndel df['ratio']\nprint(df.shape)",
    "df['price2'] = np.where(df['price'] > 1, df['price'], 0)\nprint(df['price2'].tolist())",
    "def top(frame, k=1):\n    return frame.sort_values('price')['price'].tail(k).tolist()\nprint(top(df), top(df, k=2), df.pipe(top))",
    "def rows(frame):\n    return [r['price'] for _, r in frame.iterrows()]\nprint(rows(df), rows(df.head(1)))",
    "print(df.dropna(subset=['price']).shape, df.drop_duplicates('city').price.tolist(), df.fillna({'price': 0}).price.tolist(), df.astype({'price': float}).price.tolist())",
    "s = df['price']\nprint(s.name == 'price', s.sum(), s.rename('k').name)",
    "g = df.groupby('city')\nprint(g['price'].mean().tolist(), g.price.sum().tolist(), g[['price', 'n']].sum().values.tolist())\nfor name, part in g:\n    print(name, part['price'].tolist(), part.price.sum())",
    "print(df.describe()['price']['count'], df.corr(numeric_only=True).loc['price', 'n'].round(2), df.agg({'price': ['min', 'max']})['price'].tolist())",
    "print(pd.concat([df, df])['price'].tolist(), pd.concat([df['price'], df['n']], axis=1)['price'].tolist(), pd.get_dummies(df, columns=['city']).price.tolist())",
    "print(pd.crosstab(df['city'], df['price']).shape, pd.cut(df['price'], 2).nunique(), pd.to_numeric(df['price']).tolist())",
    "print(df.filter(items=['price']).shape, df.filter(like='pri').shape, df.reindex(columns=['price', 'n']).shape, df.select_dtypes('number').price.tolist())",
    "print(df.eval('k = price + n').k.tolist(), df.eval('price.sum()'), df.query('price in [1, 2]').shape, df.query('@df.price > 1').shape)",
    "df5 = df.copy()\ndf5.columns = ['place', 'cost', 'k']\nprint(df5['cost'].tolist(), df['price'].tolist())",
    "print(df.price[df.price > 1].tolist(), df[df.price.isin([1, 3])].n.tolist(), df[(df['price'] > 1) & (df.n < 3)].price.tolist())",
    "print(df.join(other.set_index('city'), on='city')['size'].tolist(), df.set_index('price').index.name == 'price', df.reset_index()['price'].tolist())",
    "print(df.transform({'price': lambda v: v + 1})['price'].tolist(), df.groupby('city')['price'].transform('sum').tolist(), df.groupby('city').apply(lambda g: g['price'].sum()).tolist())",
    "out = df.groupby('city', as_index=False).price.sum()\nprint(out.price.tolist(), out['price'].max())\nout = out.sort_values('price')\nprint(out.iloc[0].price)",
    "a, b = df['price'], df['n']\nprint((a + b).tolist(), df.eval('price') .tolist())\nx = {'price': 5}\nprint(x['price'], dict(price=1)['price'])",
    "records = [{'price': 1}, {'price': 2}]\nprint(sum(r['price'] for r in records), pd.DataFrame(records).price.sum())",
    "print(df.loc[0, ['price', 'n']].tolist(), df.loc[0].price, df.loc[[0, 1], 'price'].tolist(), df.loc[0:1]['price'].tolist())",
    "df.price = df.price + 1\nprint(df['price'].tolist(), getattr(df, 'price').sum(), df.get('price').sum(), df.pop('price').sum())",
    "df = df[df['price'] > 1]\ndf = df.reset_index(drop=True)\nprint(df['price'].tolist())\ndf = pd.DataFrame({'price': [7]})\nprint(df['price'].tolist())",
)

/** What the newest figure shows, as lines for the sidebar. */

import type { TranslationBundle } from '@jupyterlab/translation';

import type { AxesWire, FactsWire } from './protocol';

/** The maximum number of listed axes: a sidebar is narrow. */
const MAX_AXES = 4;

/** One line for each of the newest figure's axes; [] if no figure is known. */
export function figureLines(facts: FactsWire | null, trans: TranslationBundle): string[] {
  const figure = facts?.figures?.at(-1);
  if (!figure) {
    return [];
  }
  const axes = (figure.axes ?? []).filter(({ kinds }) => kinds?.[0] !== 'colorbar');
  const lines = axes.slice(0, MAX_AXES).map(one => axesLine(one, trans));
  return [...(figure.title ? [figure.title] : []), ...lines].filter(line => line !== '');
}

function axesLine(axes: AxesWire, trans: TranslationBundle): string {
  const along = (label = '', columns: string[] = [], limits?: number[]) =>
    [label || columns.join(', '), limits ? `${short(limits[0])} – ${short(limits[1])}` : '']
      .filter(part => part !== '')
      .join(' ');
  const x = along(axes.xlabel, axes.x, axes.xlim);
  const y = along(axes.ylabel, axes.y, axes.ylim);
  const groups = (axes.legend ?? axes.groups ?? []).join(', ');
  const by = axes.legend_title ?? axes.by?.join(', ') ?? '';
  const parts = [
    axes.title ?? '',
    x && trans.__('x: %1', x),
    y && trans.__('y: %1', y),
    [by, groups].filter(part => part !== '').join(': ')
  ];
  const told = parts.filter(part => part !== '').join('; ');
  const name = axes.names?.[0];
  return name && told ? `${name} – ${told}` : told;
}

function short(value: number): string {
  return String(Number(value.toPrecision(4)));
}

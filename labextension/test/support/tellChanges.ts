/**
 * Prints a session of one page, a line each: what a request says in full, and what is sent of it.
 * Every third is never answered. `tests/core/test_changes_from_the_page.py` reads both.
 */

import { Changes } from '../../src/changes';
import { EditHistory } from '../../src/history';
import type { CellWire, FactsWire } from '../../src/protocol';
import { buildRequest } from '../../src/request';

let seed = 7;
const random = (below: number) => {
  seed = (seed * 48271) % 2147483647;
  return seed % below;
};
const PIECES = ['x = 1\n', 'é', '🙂', '\ud83d', '\0', '変数 = 2\n', 'a'.repeat(90)];
const changes = new Changes();
const history = new EditHistory();
let facts: FactsWire = { names: [{ name: 'df', type: 'DataFrame', members: ['sum', 'mean'] }] };
let cells: CellWire[] = Array.from({ length: 8 }, (_, i) => ({
  id: `c${i}`,
  type: 'code',
  source: `x_${i} = ${i}`,
  execution_count: i || null
}));

const steps: (() => void)[] = [
  () => {
    const at = random(cells.length);
    const before = cells[at].source;
    const after = before + PIECES[random(PIECES.length)];
    history.append({ cell: cells[at].id, before, after, origin: 'pasted', at: random(100) });
    cells = cells.map((cell, i) => (i === at ? { ...cell, source: after } : cell));
  },
  () => {
    const id = `new${random(1e6)}`;
    const type = random(2) ? 'code' : 'markdown';
    cells = [...cells.slice(0, 3), { id, type, source: PIECES[random(7)] }, ...cells.slice(3)];
  },
  () => {
    cells = cells.length > 3 ? cells.filter((_, i) => i !== 1) : cells;
  },
  () => {
    cells = [cells[cells.length - 1], ...cells.slice(0, -1)];
  },
  () => {
    const at = random(cells.length);
    const more = { tags: ['é', ''], editable: false, execution_count: random(9) };
    cells = cells.map((cell, i) => (i === at ? { ...cell, ...more } : cell));
  },
  () => {
    facts = { names: [{ name: `n${random(1e6)}`, type: 'int' }] };
  }
];

for (let i = 0; i < 120; i++) {
  steps[random(3) ? 0 : random(steps.length)]();
  const request = buildRequest({
    language: 'python',
    cells,
    caret: { cell: cells[random(cells.length)].id, offset: 0 },
    history: history.wire(),
    facts,
    want: ['inline']
  })!;
  const told = changes.tell(request);
  console.log(JSON.stringify({ plain: { id: i, ...request }, told: { id: i, ...told.request } }));
  if (i % 3) {
    changes.answered(told);
  }
}

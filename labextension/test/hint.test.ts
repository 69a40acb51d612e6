import assert from 'node:assert/strict';
import { test } from 'node:test';

import { roomAt } from '../src/hint';

/** An editor of 400 by 40 pixels at (100, 50), its line ending at 150, on a page scaled by `scale`. */
function viewOf(scale: number) {
  const scaled = (left: number, top: number, right: number, bottom: number) => {
    const [l, t, r, b] = [left, top, right, bottom].map(value => value * scale);
    return { left: l, top: t, right: r, bottom: b, width: r - l } as DOMRect;
  };
  const view = {
    coordsAtPos: () => scaled(150, 60, 150, 80),
    dom: { getBoundingClientRect: () => scaled(100, 50, 500, 90) },
    scaleX: scale,
    scaleY: scale
  };
  return { view: view as unknown as Parameters<typeof roomAt>[0], scaled };
}

test('the hint stands in the same place of an editor however much the page is scaled', () => {
  for (const scale of [0.5, 1, 2]) {
    const { view, scaled } = viewOf(scale);
    const spot = { left: 66, top: 10, height: 20, room: 334 };
    assert.deepEqual(roomAt(view, 5), spot);
    assert.deepEqual(roomAt(view, 5, scaled(300, 50, 500, 70)), { ...spot, room: 134 });
  }
});

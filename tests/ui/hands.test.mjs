// Each key in a person's hands: at the beginning, in the middle and at the end of a cell.

import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';

import { assert, contrastOf, labForAllTests, openQuickly } from './harness.mjs';

const held = labForAllTests();
const lab = new Proxy({}, { get: (_, name) => bound(held.lab, name) });
const bound = (target, name) =>
  typeof target[name] === 'function' ? target[name].bind(target) : target[name];

/** A cell's text around the caret. */
const PLACES = {
  beginning: ['', '\nbefore = 1\nafter = 2'],
  middle: ['before = 1\n', '\nafter = 2'],
  end: ['before = 1\nafter = 2\n', '']
};
const TYPED = 'for i in ran';

async function ghostAt(place) {
  const [head, tail] = PLACES[place];
  await lab.calm();
  await openQuickly(held.lab, ['import numpy as np', head + tail]);
  await lab.edit(1, head.length);
  await lab.type(TYPED);
  return lab.waitForGhost();
}

const middle = async place => {
  const [head, tail] = PLACES[place];
  const text = await lab.source(1);
  assert.ok(text.startsWith(head) && text.endsWith(tail), text);
  return text.slice(head.length, text.length - tail.length);
};

for (const place of Object.keys(PLACES)) {
  test(`at the ${place} of a cell Alt-Right takes a word of ghost text, each time`, async () => {
    const ghost = await ghostAt(place);
    await lab.press('Alt+ArrowRight');
    const first = await lab.eventually(
      () => middle(place),
      text => text.length > TYPED.length,
      'no word taken'
    );
    assert.ok(`${TYPED}${ghost}`.startsWith(first), first);
    if (await lab.ghost()) {
      await lab.press('Alt+Shift+ArrowRight');
      await lab.eventually(
        () => middle(place),
        text => text === TYPED + ghost.split('\n')[0],
        'no line'
      );
    }
    assert.equal(await selected(), '');
  });

  test(`at the ${place} of a cell Escape takes ghost text away and stays in the cell`, async () => {
    await ghostAt(place);
    await lab.press('Escape');
    await lab.eventually(
      () => lab.ghost(),
      ghost => ghost.trim() === '',
      'the ghost text stays'
    );
    assert.equal(await lab.inPanel(panel => panel.content.mode), 'edit');
    await lab.type('dd');
    assert.equal(await middle(place), `${TYPED}dd`);
    assert.equal((await lab.sources()).length, 2);
  });

  test(`at the ${place} of a cell Tab is alive after ghost text was typed to its end`, async () => {
    const ghost = (await ghostAt(place)).split('\n')[0];
    await lab.type(ghost);
    await lab.eventually(
      () => lab.ghostClass(),
      ({ isActive, isShown }) => isActive === isShown,
      'the class says otherwise than the eye'
    );
    const before = await lab.source(1);
    const isShown = (await lab.ghost()).trim() !== '';
    await lab.executed();
    await lab.press('Tab');
    const run = await lab.eventually(
      () => lab.executed(),
      ids => ids.length > 0,
      'Tab did nothing'
    );
    // Text is accepted where text is shown; else the popup is asked for names.
    assert.ok(
      run.some(id => (isShown ? /^inline-completer:accept/ : /^completer:invoke/).test(id)),
      run
    );
    assert.equal((await lab.source(1)) !== before, isShown);
  });

  test(`at the ${place} of a cell Tab is alive after ghost text was erased`, async () => {
    await ghostAt(place);
    for (let i = 0; i < 3; i++) {
      await lab.press('Backspace');
    }
    await lab.eventually(
      () => lab.ghostClass(),
      ({ isActive, isShown }) => isActive === isShown,
      'the class says otherwise than the eye'
    );
  });
}

const selected = () => lab.page.evaluate(() => String(document.getSelection()));

const PLOTS = ['b', 'g', 'r', 'k', 'y'].map(c => `plt.plot(x, color="${c}", lw=1)`);

/** Spell `lw` out in the first of five cells. */
async function spellOut() {
  await openQuickly(held.lab, ['import matplotlib.pyplot as plt\nx = [1]', ...PLOTS]);
  const at = PLOTS[0].indexOf('lw');
  await lab.select(1, at, at + 2);
  await lab.type('linewidth');
  await lab.waitForPlaces(4);
}

test('one keyword spelt out is offered in all other calls, and all are taken at once', async () => {
  await spellOut();
  await lab.press('Alt+Shift+A');
  await lab.eventually(
    () => lab.sources(),
    sources => sources.slice(1).every(text => text.includes('linewidth=1')),
    'not all were changed'
  );
});

test('one keyword spelt out is taken place by place with Tab', async () => {
  await spellOut();
  for (let i = 0; i < 8; i++) {
    await lab.press('Tab');
    await new Promise(resolve => setTimeout(resolve, 300));
  }
  await lab.eventually(
    () => lab.sources(),
    sources => sources.slice(1).every(text => text.includes('linewidth=1')),
    'not all were changed'
  );
});

/** Rename `total` in the first cell. */
async function rename(cells, count = 1) {
  await openQuickly(held.lab, cells);
  await lab.select(0, 0, 'total'.length);
  await lab.type('amount');
  await lab.waitForPlaces(count);
}

test('a locked cell is never changed', async () => {
  const locked = { source: 'print(total)', metadata: { editable: false } };
  await rename(['total = 1', locked, 'total + 1']);
  assert.ok((await lab.places()).every(({ cell }) => cell === 2));
  await lab.press('Alt+Shift+A');
  await lab.eventually(
    () => lab.source(2),
    text => text === 'amount + 1',
    'not taken'
  );
  assert.equal(await lab.source(1), 'print(total)');
});

test('an offer says which cells it leaves out: switched off, too large, locked', async () => {
  await rename([
    'total = 1',
    'print(total)',
    { source: 'total + 2', tags: ['nextedit-off'] },
    `total + 3  # ${'x'.repeat(120_000)}`,
    { source: 'total + 4', metadata: { editable: false } },
    'total + 5\r\ntotal + 6'
  ]);
  const [hint, live] = [await lab.hint(), await lab.live()];
  const left = [
    'cell 3 is switched off',
    'cell 4 is too large',
    'cell 5 is locked',
    'cell 6 has Windows line endings'
  ];
  for (const cell of left) {
    assert.ok(hint.includes(cell) && live.includes(cell), `${cell}: ${hint} / ${live}`);
  }
  await lab.command('nextedit:open-panel');
  await lab.page.waitForSelector('.nextedit-panel .nextedit-row');
  const notes = await lab.page.$$eval('.nextedit-notes li', nodes => nodes.map(n => n.textContent));
  for (const cell of left) {
    assert.ok(
      notes.some(note => note.startsWith(cell)),
      `${cell} is not among ${notes}`
    );
  }
  await lab.screenshot('left-out');
  await lab.command('nextedit:accept-all'); // the focus is in the panel
  await lab.eventually(
    () => lab.source(1),
    text => text === 'print(amount)',
    'not taken'
  );
  const after = await lab.sources();
  assert.equal(after[2], 'total + 2');
  assert.ok(after[3].startsWith('total + 3'));
  assert.equal(after[4], 'total + 4');
  assert.equal(after[5], 'total + 5\r\ntotal + 6');
  assert.deepEqual(await lab.places(), []);
});

test('an offer follows the cells: merged, deleted, brought back, pasted, turned into prose', async () => {
  await rename(['total = 1', 'print(total)', 'x = total', 'y = total'], 3);
  const drawn = async (cells, what) => {
    const found = await lab.eventually(
      () => lab.places(),
      places => String(places.map(({ cell }) => cell)) === String(cells),
      what
    );
    assert.ok(
      found.every(({ key }) => key === '' || key.startsWith('Alt')),
      'Tab is not ours here'
    );
  };
  await lab.edit(1);
  await lab.press('Control+m');
  await lab.press('Shift+ArrowDown');
  await lab.press('Shift+M');
  await drawn([1, 1, 2], 'a merged cell is left out');
  await lab.page.waitForTimeout(600); // what is done next is undone by itself
  await lab.press('d');
  await lab.press('d');
  await drawn([1], 'what is deleted is still offered');
  await lab.press('z');
  await drawn([1, 1, 2], 'a cell that came back is left out');
  await lab.inPanel(panel => (panel.content.activeCellIndex = 2));
  await lab.press('c');
  await lab.press('v');
  await drawn([1, 1, 2, 3], 'a pasted cell is left out');
  await lab.press('r');
  await drawn([1, 1, 2], 'prose is changed as if it were code');
  await lab.press('Alt+Shift+A');
  await lab.eventually(
    () => lab.sources(),
    sources => String(sources) === 'amount = 1,print(amount)\n\nx = amount,y = amount,y = total',
    'not all was taken'
  );
});

test('an offer stays with a definition that is split, merged or moved, and ends while it is prose', async () => {
  await rename(['total = 1\nother = 2', 'print(total)', 'x = total'], 2);
  const drawn = async (cells, what) => {
    await lab.answered();
    await lab.eventually(
      () => lab.places(),
      places => String(places.map(({ cell }) => cell)) === String(cells),
      what
    );
  };
  await lab.edit(0, 'amount = 1\n'.length);
  await lab.press('Control+Shift+Minus');
  assert.deepEqual((await lab.sources()).slice(0, 2), ['amount = 1', 'other = 2']);
  await drawn([2, 3], 'the split ends it');
  await lab.edit(0);
  await lab.press('Control+m');
  await lab.command('notebook:move-cell-down');
  await drawn([2, 3], 'moving ends it');
  await lab.press('m');
  await drawn([], 'the definition is prose');
  await lab.press('y');
  await drawn([2, 3], 'the definition is code again');
  await lab.press('Shift+ArrowUp');
  await lab.press('Shift+M');
  await drawn([1, 2], 'merging ends it');
  await lab.press('Alt+Shift+A');
  await lab.eventually(
    () => lab.sources(),
    sources => String(sources) === 'other = 2\n\namount = 1,print(amount),x = amount',
    'not taken'
  );
});

test('a definition that is cut goes with its offer, and comes back with it', async () => {
  await rename(['total = 1', 'print(total)', 'x = total'], 2);
  const gone = () =>
    lab.eventually(
      () => lab.places(),
      places => places.length === 0,
      'offered though the definition is gone'
    );
  await lab.press('Control+m');
  await lab.press('x');
  await gone();
  await lab.press('v');
  await lab.waitForPlaces(2);
  await lab.setting('excludedPaths', ['*.ipynb']);
  await gone();
  await lab.press('Alt+Shift+A');
  await lab.setting('excludedPaths');
  assert.deepEqual(await lab.sources(), ['print(total)', 'amount = 1', 'x = total']);
});

test('a notebook reloaded from the disk keeps the focus, and the offer if it still fits', async () => {
  const reload = async () => {
    const isDirty = await lab.inPanel(panel => panel.context.model.dirty);
    const reloaded = lab.command('docmanager:reload');
    if (isDirty) {
      await lab.page.click('.jp-Dialog .jp-mod-accept');
    }
    await reloaded;
    await lab.page.waitForFunction(() => document.activeElement.closest('.cm-editor') !== null);
  };
  await rename(['total = 1', 'print(total)']);
  await reload();
  assert.deepEqual(await lab.sources(), ['total = 1', 'print(total)']);
  await lab.page.waitForTimeout(1000); // nor is what was discarded offered again
  assert.deepEqual(await lab.places(), []);
  await rename(['total = 1', 'print(total)']);
  await lab.command('docmanager:save');
  await reload();
  await lab.waitForPlaces();
  await lab.press('Alt+Shift+A');
  await lab.eventually(
    () => lab.sources(),
    sources => String(sources) === 'amount = 1,print(amount)',
    'not taken'
  );
});

test('in command mode keys are named that work there', async () => {
  await rename(['total = 1', 'print(total)']);
  await lab.press('Control+m');
  await lab.eventually(
    () => lab.hint(),
    hint => hint.startsWith('Alt-J → cell 2'),
    'another key is named'
  );
  assert.equal((await lab.places())[0].key, 'Alt-J');
  await lab.press('Alt+j');
  await lab.eventually(
    () => lab.places(),
    places => places[0].key === 'Tab',
    'it was not gone to'
  );
  await lab.press('Control+m');
  await lab.eventually(
    () => lab.places(),
    places => places[0].key === 'Alt-Shift-J',
    'another key is named'
  );
  await lab.press('Alt+Shift+J');
  await lab.eventually(
    () => lab.source(1),
    text => text === 'print(amount)',
    'not taken'
  );
});

test('the hint takes no room: no line is longer, no cell higher', async () => {
  const long = `print(total, "${'x'.repeat(140)}")`;
  await openQuickly(held.lab, [`total = 1\n${long}`, 'print(total)', 'end = 1']);
  const room = () =>
    lab.inPanel(panel =>
      panel.content.widgets.map(cell => {
        const { scrollWidth, offsetHeight } = cell.node.querySelector('.cm-scroller');
        return [scrollWidth, offsetHeight, cell.node.offsetTop];
      })
    );
  await lab.edit(0, 0);
  await lab.type('# note\n');
  await lab.page.waitForTimeout(1500); // what is typed next is an edit of its own
  const before = await room();
  await lab.select(0, '# note\n'.length, '# note\ntotal'.length);
  await lab.type('amount');
  await lab.waitForPlaces();
  assert.ok(await lab.hint());
  // Places draw their new text in the line; cells without one stay as they were.
  const after = await room();
  assert.deepEqual(after[2], before[2]);
  assert.equal(after[0][1], before[0][1]);
  await lab.screenshot('hint-room');
});

test('in a narrow cell what names a key is seen in whole, or not at all', async () => {
  const size = lab.page.viewportSize();
  await lab.page.evaluate(() => window.jupyterapp.shell.collapseRight());
  await rename(['total = 1', 'print("of all", total)']);
  const parts = () =>
    lab.inPanel(panel =>
      [...panel.node.querySelectorAll('.nextedit-hint > span, .nextedit-key')].map(node => {
        const box = node.closest('.nextedit-hint, .cm-scroller').getBoundingClientRect();
        const { left, right, top, bottom } = node.getBoundingClientRect();
        const isWhole = left >= box.left && right <= box.right + 1 && bottom <= box.bottom + 1;
        return [node.textContent, top >= box.bottom ? 'not there' : isWhole ? 'whole' : 'cut'];
      })
    );
  try {
    for (const [width, seen] of [
      [1280, ['Tab ', '→ cell 2', ': rename total to amount', ': 1 place in 1 cell', 'Tab']],
      [640, ['Tab ', '→ cell 2', 'Tab']],
      [520, ['Tab ', 'Tab']],
      [440, ['Tab']]
    ]) {
      await lab.page.setViewportSize({ width, height: 700 });
      await lab.eventually(
        parts,
        found =>
          found.every(([, how]) => how !== 'cut') &&
          String(found.filter(([, how]) => how === 'whole').map(([text]) => text)) === String(seen),
        `at a width of ${width}`
      );
      await lab.screenshot(`narrow-${width}`);
    }
  } finally {
    await lab.page.setViewportSize(size);
  }
});

test('where Tab indents the hint names another key, and of two views it is in the one typed in', async () => {
  const hints = () => lab.page.$$eval('.nextedit-hint:not([hidden])', nodes => nodes.length);
  const says = (what, key) =>
    lab.eventually(
      () => lab.hint(),
      hint => hint.startsWith(`${key} → cell 2`),
      what
    );
  await rename(['total = 1', 'print(total)']);
  await says('behind the name', 'Tab');
  await lab.press('Home');
  await says('at the beginning of the line', 'Alt-J');
  await lab.press('End');
  await says('behind the line', 'Tab');
  await lab.command('docmanager:clone');
  await lab.page.waitForFunction(
    () => document.querySelectorAll('.jp-NotebookPanel .nextedit-place').length === 2
  );
  await lab.edit(0, 0);
  await says('in the other view', 'Alt-J');
  assert.equal(await hints(), 1);
  // JupyterLab shows the toolbar when it comes to it and hides one that covers text: here it is told.
  const beside = display =>
    lab.inPanel((panel, display) => {
      const [hint, toolbar] = ['.nextedit-hint', '.jp-cell-toolbar'].map(selector =>
        panel.content.activeCell.node.querySelector(selector)
      );
      toolbar.style.setProperty('display', display, 'important');
      toolbar.style.setProperty('width', '400px', 'important');
      const { left, width } = toolbar.getBoundingClientRect();
      const seen = hint.getBoundingClientRect();
      return { shown: seen.width, toolbar: width, between: left - seen.right };
    }, display);
  const isBeside = ({ shown, toolbar, between }) => toolbar > 0 && (shown === 0 || between >= 0);
  const covered = await beside('flex');
  assert.ok(covered.toolbar > 0, 'there is no toolbar');
  const narrow = await lab.eventually(() => beside('flex'), isBeside, 'it lies behind the toolbar');
  await lab.eventually(
    () => beside('none'),
    ({ shown }) => shown > narrow.shown,
    'it takes no room that came'
  );
  await lab.eventually(() => beside('flex'), isBeside, 'it lies behind what came back');
  await lab.press('Tab');
  assert.equal(await lab.activeCell(), 0);
  assert.match(await lab.source(0), /^ +amount = 1$/);
});

test('a collapsed cell is opened by Tab, and the next Tab takes its place', async () => {
  await rename(
    ['total = 1', { source: 'print(total)', metadata: { jupyter: { source_hidden: true } } }],
    0
  );
  await lab.eventually(
    () => lab.hint(),
    hint => hint.includes('cell 2'),
    'nothing is offered'
  );
  await lab.press('Tab');
  await lab.waitForPlaces();
  await lab.press('Tab');
  await lab.eventually(
    () => lab.source(1),
    text => text === 'print(amount)',
    'not taken'
  );
});

test('Tab goes at once to a cell that JupyterLab has not made yet', async () => {
  await lab.page.evaluate(() => {
    window.idleBefore = window.requestIdleCallback;
    window.requestIdleCallback = () => 0; // the page is never idle
  });
  try {
    const between = Array.from({ length: 60 }, (_, i) => `row_${i} = ${i}`);
    await openQuickly(held.lab, ['total = 1', ...between, 'print(total)']);
    await lab.select(0, 0, 'total'.length);
    await lab.type('amount');
    await lab.eventually(
      () => lab.hint(),
      hint => hint.startsWith('Tab → cell 62'),
      'nothing is offered'
    );
    await lab.press('Tab');
    await lab.eventually(
      () => lab.activeCell(),
      cell => cell === 61,
      'no jump'
    );
    await lab.press('Tab');
    await lab.eventually(
      () => lab.source(61),
      text => text === 'print(amount)',
      'not taken'
    );
  } finally {
    await lab.page.evaluate(() => (window.requestIdleCallback = window.idleBefore));
  }
});

test('a cell under a collapsed heading is opened by Tab', async () => {
  const heading = {
    type: 'markdown',
    source: '# Part',
    metadata: { 'jp-MarkdownHeadingCollapsed': true }
  };
  await rename(['total = 1', heading, 'print(total)'], 0);
  await lab.eventually(
    () => lab.hint(),
    hint => hint.includes('cell 3'),
    'nothing is offered'
  );
  await lab.press('Tab');
  await lab.eventually(
    () => lab.isInView(2),
    seen => seen,
    'not opened'
  );
  await lab.press('Tab');
  await lab.eventually(
    () => lab.source(2),
    text => text === 'print(amount)',
    'not taken'
  );
});

test('away from where it was made an offer leaves Tab alone, and other work ends it', async () => {
  await rename(['total = 1', 'print(total)', 'other = 1']);
  await lab.edit(2);
  assert.equal(await lab.hint(), '');
  await lab.eventually(
    () => lab.places(),
    ([place]) => place.key === 'Alt-J',
    'a key is named that does something else'
  );
  await lab.press('Tab');
  assert.equal(await lab.activeCell(), 2);
  await lab.type('\none = 1');
  await new Promise(resolve => setTimeout(resolve, 1500));
  await lab.type('\ntwo = 2');
  await lab.eventually(
    () => lab.places(),
    places => places.length === 0,
    'the offer stays for ever'
  );
  assert.equal(await lab.source(1), 'print(total)');
});

test('an offer does not outlive the undoing of what was deleted', async () => {
  await openQuickly(held.lab, ['cost = 1', 'print(cost)']);
  const pause = () => new Promise(resolve => setTimeout(resolve, 1400));
  await lab.edit(0, 'cost'.length);
  await lab.type('s');
  await lab.waitForPlaces();
  await pause();
  await lab.type('x');
  await pause();
  await lab.press('Backspace');
  await pause();
  await lab.press('Control+z');
  await pause();
  await lab.press('Alt+Shift+A');
  await pause();
  const [definition, use] = await lab.sources();
  const name = definition.split(' ')[0];
  assert.ok(use === 'print(cost)' || use === `print(${name})`, `${definition} / ${use}`);
});

test('what called for a rename is reverted together with it', async () => {
  await rename(['total = 1', 'print(total)', 'total + 1'], 2);
  await lab.press('Alt+Shift+A');
  await lab.eventually(
    () => lab.source(2),
    text => text === 'amount + 1',
    'not taken'
  );
  await lab.command('nextedit:undo-accept');
  assert.deepEqual(await lab.sources(), ['total = 1', 'print(total)', 'total + 1']);
  assert.match(await lab.live(), /Reverted in 3 cells/);
  await lab.command('nextedit:suggest');
  await lab.waitForPlaces(3);
  await lab.press('Alt+Shift+A');
  await lab.eventually(
    () => lab.sources(),
    sources => String(sources) === 'amount = 1,print(amount),amount + 1',
    'what was reverted cannot be had again'
  );
});

test('an offer is announced with the keys that take it', async () => {
  await rename(['total = 1', 'print(total)']);
  assert.match(await lab.live(), /rename total to amount.*Tab.*Alt Shift A/);
});

test('F2 on a keyword opens nothing and says why', async () => {
  await openQuickly(held.lab, ['import os']);
  await lab.edit(0, 3);
  await lab.press('F2');
  await lab.eventually(
    () => lab.live(),
    said => /`import` is a Python keyword/.test(said),
    'nothing is said'
  );
  assert.equal(await lab.page.$('.jp-Dialog'), null);
});

test('the panel keeps its counts, draws what is ticked alone, and Escape goes back to typing', async () => {
  await rename(['total = 1', 'print(total + total)', 'total + 1'], 3);
  await lab.command('nextedit:open-panel');
  await lab.page.waitForSelector('.nextedit-panel .nextedit-row');
  const labels = await lab.page.$$eval('.nextedit-row input', nodes =>
    nodes.map(node => node.getAttribute('aria-label'))
  );
  assert.equal(new Set(labels).size, labels.length);
  await lab.page.click('.nextedit-row input');
  await lab.eventually(
    () => lab.places(),
    places => places.length === 2,
    'the unticked place stays drawn'
  );
  const heading = () => lab.page.$eval('.nextedit-heading', node => node.textContent);
  assert.match(await heading(), /2 places in 2 cells/);
  await lab.page.focus('.nextedit-row input');
  await lab.press('Escape');
  assert.equal(await lab.inPanel(panel => panel.content.mode), 'edit');
  assert.ok(await lab.page.evaluate(() => document.activeElement.closest('.cm-editor') !== null));
  await lab.page.click('.nextedit-panel [data-focus=apply]');
  await lab.eventually(
    () => lab.source(2),
    text => text === 'amount + 1',
    'not applied'
  );
  assert.ok(await lab.page.evaluate(() => document.activeElement.closest('.cm-editor') !== null));
});

test('the status item says where nothing is offered', async () => {
  writeFileSync(join(process.env.LAB_FOLDER, 'plain.txt'), 'x = 1\n');
  await openQuickly(held.lab, ['x = 1', { source: 'y = 2', tags: ['nextedit-off'] }, 'z = 3\r\nz']);
  await lab.edit(0);
  await lab.waitForStatus('ready');
  await lab.edit(1);
  await lab.waitForReason('not-here', /its tag/);
  await lab.edit(2);
  await lab.waitForReason('not-here', /Windows line endings/);
  await lab.command('docmanager:open', { path: 'plain.txt' });
  await lab.waitForReason('not-here', /this language/);
});

test('ghost text can be read in every theme', async () => {
  try {
    for (const theme of ['JupyterLab Light', 'JupyterLab Dark', 'JupyterLab Dark High Contrast']) {
      await lab.inTheme(theme);
      await ghostAt('end');
      const ratio = await contrastOf(lab.page, '.jp-GhostText');
      assert.ok(ratio >= 4.5, `${theme}: ${ratio}`);
      const wraps = await lab.page.$eval(
        '.jp-GhostText',
        node => getComputedStyle(node).whiteSpace
      );
      assert.equal(wraps, 'pre', 'at the edge of a long line it makes the cell higher');
    }
  } finally {
    await lab.command('apputils:change-theme', { theme: 'JupyterLab Light' });
  }
});

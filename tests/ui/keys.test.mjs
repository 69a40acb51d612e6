// The table of docs/keys.md: each key by what is shown, at the beginning, middle and end of a cell.

import { readFileSync } from 'node:fs';
import { test } from 'node:test';

import { assert, labForAllTests, openQuickly } from './harness.mjs';

const held = labForAllTests();
const TABLE = readFileSync(new URL('../../docs/keys.md', import.meta.url), 'utf8');
const PLACES = {
  beginning: ['', '\nbefore = 1\nafter = 2'],
  middle: ['before = 1\n', '\nafter = 2'],
  end: ['before = 1\nafter = 2\n', '']
};
const RENAMED = 'total';

/** Each state: prepares a notebook whose cell 1 has the caret. */
const STATES = {
  nothing: async (lab, cell) => {
    await openQuickly(lab, ['import numpy as np', cell('np')]);
    await lab.edit(1, cell.head + 2);
  },
  'ghost text': async (lab, cell) => {
    await openQuickly(lab, ['import numpy as np', cell('')]);
    await lab.edit(1, cell.head);
    await lab.type('for i in ran');
    await lab.waitForGhost();
  },
  'ghost text typed to its end': async (lab, cell) => {
    await openQuickly(lab, ['import numpy as np', cell('')]);
    await lab.edit(1, cell.head);
    await lab.type('for i in ran');
    for (let i = 0; i < 3; i++) {
      await lab.type((await lab.waitForGhost()).split('\n')[0]);
      await new Promise(resolve => setTimeout(resolve, 700));
      if (!(await lab.ghost()).trim()) {
        break;
      }
    }
    if ((await lab.ghost()).trim()) {
      await lab.press('Escape');
    }
  },
  'an edit at the caret': async (lab, cell) => {
    await offer(lab, [`${RENAMED} = 1`, cell(`print(${RENAMED})`), `${RENAMED} + 1`]);
    await lab.edit(1, cell.head + 'print('.length);
  },
  'an edit elsewhere': async (lab, cell) => {
    await offer(lab, [`print(${RENAMED})`, cell(`${RENAMED} = 1`), `${RENAMED} + 1`], 1, cell.head);
  },
  'an edit elsewhere, caret in another cell': async (lab, cell) => {
    await offer(lab, [`${RENAMED} = 1`, cell('np'), `${RENAMED} + 1`]);
    await lab.edit(1, cell.head + 2);
  }
};

async function offer(lab, cells, index = 0, at = 0) {
  await openQuickly(lab, cells);
  await lab.select(index, at, at + RENAMED.length);
  await lab.type('amount');
  await lab.waitForPlaces(1);
}

/** What is to be seen of a notebook, before and after a key. */
function look(lab) {
  return lab.inPanel(panel => {
    const cell = panel.content.activeCell;
    const text = selector =>
      [...panel.node.querySelectorAll(selector)].map(node => node.textContent).join('');
    return {
      sources: panel.model.sharedModel.cells.map(one => one.getSource()),
      cell: panel.content.activeCellIndex,
      caret: cell.editor?.editor.state.selection.main.head ?? null,
      mode: panel.content.mode,
      ghost: text('.jp-GhostText:not([class*=Spacer])').trim(),
      places: text('.nextedit-place'),
      popup:
        document.querySelector('.jp-Completer:not(.lm-mod-hidden) .jp-Completer-item') !== null,
      dialog: document.querySelector('.jp-Dialog') !== null,
      said: document.querySelector('.nextedit-live').textContent
    };
  });
}

const isSame = (a, b) => JSON.stringify(a.sources) === JSON.stringify(b.sources);
const stays = (a, b) => isSame(a, b) && a.cell === b.cell && a.caret === b.caret;
const grows = (a, b, by) =>
  b.sources[1].length === a.sources[1].length + by.length && b.sources[1].includes(by);

/** Whether what the table says has happened. */
const HAPPENED = {
  editor: (was, is) =>
    is.mode === 'edit' && is.cell === was.cell && is.places === was.places && !is.dialog,
  nothing: stays,
  stay: stays,
  'accept text': (was, is) => grows(was, is, was.ghost.split('\n')[0]) || !isSame(was, is),
  'accept word': (was, is) => !isSame(was, is) && is.mode === 'edit',
  'accept line': (was, is) => !isSame(was, is) && is.mode === 'edit',
  'accept place': (was, is) => is.sources.filter((text, i) => text !== was.sources[i]).length === 1,
  'accept all': (was, is) => !is.sources.join().includes(RENAMED) && is.places === '',
  jump: (was, is) => isSame(was, is) && is.cell !== was.cell && is.mode === 'edit',
  'dismiss text': (was, is) => stays(was, is) && is.ghost === '' && is.mode === 'edit',
  'dismiss edit': (was, is) => stays(was, is) && is.places === '' && is.mode === 'edit',
  'command mode': (was, is) => isSame(was, is) && is.mode === 'command',
  rename: (was, is) => isSame(was, is) && (is.dialog || is.said !== was.said),
  ask: (was, is) => isSame(was, is) && is.mode === 'edit'
};

/** Rows of the first table: the key and its fields by state. */
function rows() {
  const lines = TABLE.slice(TABLE.indexOf('| key |')).split('\n\n')[0].split('\n');
  const fields = line => line.slice(2, -2).split(' | ');
  const [, ...states] = fields(lines[0]);
  return lines.slice(2).map(line => {
    const [key, ...outcomes] = fields(line);
    return { key: key.replaceAll('`', ''), outcomes: outcomes.map((o, i) => [states[i], o]) };
  });
}

for (const { key, outcomes } of rows()) {
  test(`${key} does what the table says`, async t => {
    for (const [state, outcome] of outcomes) {
      for (const [place, [head, tail]] of Object.entries(PLACES)) {
        await t.test(`${state}, ${place} of the cell: ${outcome}`, async () => {
          const cell = Object.assign(text => head + text + tail, { head: head.length });
          await held.lab.calm();
          await STATES[state](held.lab, cell);
          const was = await look(held.lab);
          const asked = held.lab.asked().length;
          await held.lab.press(key.replaceAll(' ', '+'));
          await held.lab.eventually(
            () => look(held.lab),
            is => HAPPENED[outcome](was, is),
            `${outcome}, from ${JSON.stringify(was)}`
          );
          if (outcome === 'ask') {
            await held.lab.eventually(
              () => held.lab.asked().length > asked || held.lab.ghost(),
              did => did,
              'nothing was asked'
            );
          }
          await new Promise(resolve => setTimeout(resolve, 100));
          assert.ok(HAPPENED[outcome](was, await look(held.lab)), 'it did not last');
          await held.lab.closeDialogs();
        });
      }
    }
  });
}

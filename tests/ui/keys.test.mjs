// The table of docs/keys.md: each key by what is shown, at the beginning, middle and end of a cell.
// By itself each field is tried at one of the three places, in Notebook 7 (LAB_KEYS_IN=notebook) every
// other key of every other state. NEXTEDIT_KEYS=1 tries all, NEXTEDIT_KEYS='F2,middle' what is named so.
// One notebook serves a state: what is shown is set up anew only where a key has changed it.

import { randomUUID } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';

import { assert, labForAllTests, notebook, openQuickly, writeNotebook } from './harness.mjs';

const held = labForAllTests();
const TABLE = readFileSync(new URL('../../docs/keys.md', import.meta.url), 'utf8');
const PLACES = {
  beginning: ['', '\nbefore = 1\nafter = 2'],
  middle: ['before = 1\n', '\nafter = 2'],
  end: ['before = 1\nafter = 2\n', '']
};
const RENAMED = 'total';

const IN_NOTEBOOK = process.env.LAB_KEYS_IN === 'notebook';
/** What of the table is tried: all of it, what is named, or each field once. */
const ALL = 'NEXTEDIT_KEYS' in process.env;
const NAMED = (process.env.NEXTEDIT_KEYS ?? '1').split(',').filter(word => word !== '1');

let isOpen = false;

/** Put these cells, all of them new ones, into the notebook. */
async function open(lab, cells) {
  if (!isOpen) {
    isOpen = true;
    if (IN_NOTEBOOK) {
      const path = `keys-${randomUUID().slice(0, 8)}.ipynb`;
      writeNotebook(path, cells);
      await lab.load(`notebooks/${path}`);
      await lab.waitForNotebook(path);
    } else {
      await openQuickly(lab, cells);
    }
    return;
  }
  if (await lab.page.$('.jp-DocumentSearch-overlay')) {
    await lab.command('documentsearch:end');
    await lab.page.waitForSelector('.jp-DocumentSearch-overlay', { state: 'detached' });
  }
  await lab.inPanel(async (panel, cells) => {
    const { sharedModel } = panel.model;
    const old = sharedModel.cells.length;
    sharedModel.transact(() => {
      sharedModel.insertCells(0, cells);
      sharedModel.deleteCellRange(cells.length, cells.length + old);
    });
    // JupyterLab's completer follows the active cell when that changes, one cell after another.
    panel.content.activeCellIndex = 0;
    await panel.content.widgets[0].ready;
    await new Promise(resolve => setTimeout(resolve, 100));
  }, notebook(cells).cells);
  await lab.eventually(
    () =>
      lab.inPanel(
        panel =>
          panel.content.widgets.length === panel.model.sharedModel.cells.length &&
          panel.node.querySelector('.nextedit-place') === null
      ),
    isReady => isReady,
    'the cells are not there'
  );
}

/** Whether an Escape before this made suggestions wait: then they are asked for by command. */
const isQuiet = lab => Date.now() - (lab.escapedAt ?? 0) < 5_500;

/** Wait for the ghost text that typing calls for. */
async function ghost(lab) {
  if (isQuiet(lab)) {
    await lab.command('inline-completer:invoke');
  }
  return lab.waitForGhost();
}

/** Each state: prepares a notebook whose cell 1 has the caret. */
const STATES = {
  nothing: async (lab, cell) => {
    await open(lab, ['import numpy as np', cell('np')]);
    await lab.edit(1, cell.head + 2);
  },
  'ghost text': async (lab, cell) => {
    await open(lab, ['import numpy as np', cell('')]);
    await lab.edit(1, cell.head);
    await lab.type('for i in ran');
    await ghost(lab);
  },
  'ghost text typed to its end': async (lab, cell) => {
    await open(lab, ['import numpy as np', cell('')]);
    await lab.edit(1, cell.head);
    await lab.type('for i in ran');
    for (let i = 0; i < 3; i++) {
      await lab.type((await ghost(lab)).split('\n')[0]);
      await new Promise(resolve => setTimeout(resolve, 700));
      if (!(await lab.ghost()).trim()) {
        break;
      }
    }
    if ((await lab.ghost()).trim()) {
      await lab.press('Escape');
      await lab.edit(1, await lab.caret());
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
  },
  'an edit elsewhere, text selected': async (lab, cell) => {
    await offer(lab, [`print(${RENAMED})`, cell(`${RENAMED} = 1`), `${RENAMED} + 1`], 1, cell.head);
    await lab.select(1, cell.head, cell.head + 'amount'.length);
  },
  'an edit in a cell out of sight': async (lab, cell) => {
    const between = Array.from({ length: 40 }, (_, i) => `free_${i} = ${i}`);
    const cells = ['first = 1', cell(`${RENAMED} = 1`), ...between, `print(${RENAMED})`];
    await offer(lab, cells, 1, cell.head, 0);
    await lab.eventually(
      () => lab.hint(),
      hint => /cell 43/.test(hint),
      'nothing is offered'
    );
  },
  'an edit in a collapsed cell': async (lab, cell) => {
    const collapsed = {
      source: `print(${RENAMED})`,
      metadata: { jupyter: { source_hidden: true } }
    };
    await offer(lab, ['first = 1', cell(`${RENAMED} = 1`), collapsed], 1, cell.head, 0);
    await lab.eventually(
      () => lab.hint(),
      hint => /cell 3/.test(hint),
      'nothing is offered'
    );
  },
  'a use in a locked cell only': async (lab, cell) => {
    const locked = { source: `print(${RENAMED})`, metadata: { editable: false } };
    await offer(lab, ['first = 1', cell(`${RENAMED} = 1`), locked], 1, cell.head, 0);
    await lab.page.waitForTimeout(1500); // for an offer that must not come
  },
  "the completer's popup": async (lab, cell) => {
    const lines = 'alpha1 = alpha2 = 3\nalpha';
    await open(lab, ['first = 1', cell(lines)]);
    await lab.edit(1, cell.head + lines.length);
    await lab.command('completer:invoke-notebook');
    await lab.eventually(
      () => lab.popup(),
      isOpen => isOpen,
      'no popup'
    );
  },
  'the search field, an edit elsewhere': async (lab, cell) => {
    await offer(lab, [`print(${RENAMED})`, cell(`${RENAMED} = 1`), `${RENAMED} + 1`], 1, cell.head);
    await lab.press('Control+f');
    await lab.page.waitForSelector('.jp-DocumentSearch-input:focus');
  }
};

async function offer(lab, cells, index = 0, at = 0, places = 1) {
  await open(lab, cells);
  await lab.select(index, at, at + RENAMED.length);
  await lab.type('amount');
  if (isQuiet(lab)) {
    await lab.page.waitForTimeout(300); // a person is slower: ghost text is asked for first
    await lab.command('nextedit:suggest');
  }
  await lab.waitForPlaces(places);
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
      anchor: cell.editor?.editor.state.selection.main.anchor ?? null,
      mode: panel.content.mode,
      ghost: text('.jp-GhostText:not([class*=Spacer])').trim(),
      // Without the key that is named beside one, which is another where Tab indents.
      places: [...panel.node.querySelectorAll('.nextedit-place')]
        .map(node => node.querySelector('.nextedit-new')?.textContent ?? '-')
        .join(),
      hint: text('.nextedit-hint:not([hidden])'),
      popup:
        document.querySelector('.jp-Completer:not(.lm-mod-hidden) .jp-Completer-item') !== null,
      dialog: document.querySelector('.jp-Dialog') !== null,
      isSearching: document.activeElement.closest('.jp-DocumentSearch-overlay') !== null,
      said: document.querySelector('.nextedit-live').textContent
    };
  });
}

const isSame = (a, b) => JSON.stringify(a.sources) === JSON.stringify(b.sources);
const stays = (a, b) => isSame(a, b) && a.cell === b.cell && a.caret === b.caret;
/** How much of the ghost text stands at the caret's old place now. */
const taken = (was, is) => {
  const now = is.sources[1].slice(was.caret);
  let length = 0;
  while (length < was.ghost.length && now[length] === was.ghost[length]) {
    length += 1;
  }
  return is.mode === 'edit' && is.caret >= was.caret + length ? length : 0;
};

/** Whether what the table says has happened. */
const HAPPENED = {
  editor: (was, is) =>
    is.mode === 'edit' &&
    is.cell === was.cell &&
    // Where the editor changed the text, what is offered may have followed; and a cell out of sight
    // may have got its editor, and its place, only now.
    (is.places === was.places || !isSame(was, is) || (was.places === '' && was.hint !== '')) &&
    !is.dialog,
  nothing: stays,
  stay: stays,
  'accept text': (was, is) => taken(was, is) === was.ghost.length,
  'accept word': (was, is) => !isSame(was, is) && taken(was, is) > 0,
  'accept line': (was, is) => taken(was, is) >= was.ghost.split('\n')[0].length,
  'accept place': (was, is) => is.sources.filter((text, i) => text !== was.sources[i]).length === 1,
  'accept all': (was, is) => !is.sources.join().includes(RENAMED) && is.places === '',
  jump: (was, is) => isSame(was, is) && is.cell !== was.cell && is.mode === 'edit',
  'dismiss text': (was, is) => stays(was, is) && is.ghost === '' && is.mode === 'edit',
  'dismiss edit': (was, is) =>
    stays(was, is) && is.places === '' && is.hint === '' && is.mode === 'edit',
  'command mode': (was, is) => isSame(was, is) && is.mode === 'command',
  popup: (was, is, key) =>
    is.mode === 'edit' &&
    is.cell === was.cell &&
    (key === 'Tab' ? is.popup || !isSame(was, is) : !is.popup && isSame(was, is)),
  search: (was, is) => isSame(was, is) && is.cell === was.cell && is.places === was.places,
  rename: (was, is) => isSame(was, is) && (is.dialog || is.said !== was.said),
  ask: (was, is) => isSame(was, is) && is.mode === 'edit'
};

/** The fields of the first table: what is shown, the key, what happens. */
function fields() {
  const cut = line => line.slice(2, -2).split(' | ');
  const lines = TABLE.slice(TABLE.indexOf('| what is shown |')).split('\n\n')[0].split('\n');
  const [, ...keys] = cut(lines[0]).map(key => key.replaceAll('`', ''));
  return lines.slice(2).flatMap(line => {
    const [state, ...outcomes] = cut(line);
    return outcomes.map((outcome, i) => ({ state, key: keys[i], outcome }));
  });
}

const ORDER = ['F2', 'Alt J', 'Alt ArrowRight', 'Alt Shift ArrowRight', 'Alt \\', 'Tab'];

/** The fields of a state, those first whose keys leave most as it is. */
function fieldsOf(state, place) {
  const rank = ({ key }) => (ORDER.includes(key) ? ORDER.indexOf(key) : ORDER.length);
  return FIELDS.filter(field => field.state === state && isTried(field, place)).sort(
    (one, other) => rank(one) - rank(other)
  );
}

/** Each field at one of the places, so that each key is tried at each and each state at each. */
function isTried(field, place) {
  if (!ALL) {
    const state = Object.keys(STATES).indexOf(field.state);
    const key = KEYS.indexOf(field.key);
    return IN_NOTEBOOK
      ? state % 2 === 1 && key % 2 === (state >> 1) % 2 && Object.keys(PLACES)[state % 3] === place
      : Object.keys(PLACES)[(key + state) % 3] === place;
  }
  const keys = NAMED.filter(word => !(word in PLACES));
  const places = NAMED.filter(word => word in PLACES);
  return (!keys.length || keys.includes(field.key)) && (!places.length || places.includes(place));
}

const FIELDS = fields();
const KEYS = [...new Set(FIELDS.map(({ key }) => key))];

/** How it looks once nothing changes any more: an answer may still be on its way. */
async function settled(lab) {
  let before = null;
  let now = await look(lab);
  for (let tries = 0; tries < 20 && JSON.stringify(now) !== before; tries++) {
    before = JSON.stringify(now);
    await new Promise(resolve => setTimeout(resolve, 200));
    now = await look(lab);
  }
  return now;
}

/** Press the key and see what the table says; `was` is how it looked before. */
async function tryOut({ key, outcome }, was) {
  const { lab } = held;
  const asked = lab.asked().length;
  const happened = is => HAPPENED[outcome](was, is, key);
  await lab.press(key.replaceAll(' ', '+'));
  await lab.eventually(
    () => look(lab),
    happened,
    `${key}: ${outcome}, from ${JSON.stringify(was)}`
  );
  if (outcome === 'ask') {
    await lab.eventually(
      async () => lab.asked().length > asked || (await lab.ghost()) !== '',
      did => did,
      'nothing was asked'
    );
  }
  await new Promise(resolve => setTimeout(resolve, 100));
  assert.ok(happened(await look(lab)), `${key}: ${outcome} did not last`);
  await lab.closeDialogs();
}

/** Whether all is as it was, the caret put back. */
async function isAsBefore(was) {
  const { lab } = held;
  const { said, ...before } = was;
  const now = async () => {
    const { said, ...is } = await look(lab);
    return is;
  };
  const { caret, anchor, ...rest } = await now();
  if (caret !== was.caret || anchor !== was.anchor) {
    if (rest.cell !== was.cell || was.ghost || was.popup || was.isSearching) {
      return false;
    }
    await lab.select(was.cell, was.anchor, was.caret);
  }
  return JSON.stringify(await now()) === JSON.stringify(before);
}

test('every state of the table is known, and every outcome', () => {
  assert.equal(FIELDS.length, 12 * 8);
  for (const { state, outcome } of FIELDS) {
    assert.ok(state in STATES && outcome in HAPPENED, `${state}: ${outcome}`);
  }
});

for (const state of Object.keys(STATES)) {
  for (const [place, [head, tail]] of Object.entries(PLACES)) {
    const tried = fieldsOf(state, place);
    if (!tried.length) {
      continue;
    }
    test(`${state}, at the ${place}: ${tried.map(({ key }) => key).join(', ')}`, async () => {
      const { lab } = held;
      const cell = Object.assign(text => head + text + tail, { head: head.length });
      let was = null;
      isOpen = false;
      for (const field of tried) {
        if (was === null) {
          // JupyterLab's completer is slow to follow to a far cell and back.
          isOpen &&= !/out of sight|collapsed/.test(state);
          await STATES[state](lab, cell);
          was = await settled(lab);
        }
        await tryOut(field, was);
        was = (await isAsBefore(was)) ? was : null;
      }
    });
  }
}

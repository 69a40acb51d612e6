// The table of docs/keys.md: each key by what is shown, at the beginning, middle and end of a cell.
// By itself a part is tried. NEXTEDIT_KEYS=1 tries all, NEXTEDIT_KEYS='F2,middle' what is named so;
// LAB_KEYS_IN=notebook does it in Notebook 7.

import { randomUUID } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';

import { assert, labForAllTests, openQuickly, writeNotebook } from './harness.mjs';

const held = labForAllTests();
const TABLE = readFileSync(new URL('../../docs/keys.md', import.meta.url), 'utf8');
const PLACES = {
  beginning: ['', '\nbefore = 1\nafter = 2'],
  middle: ['before = 1\n', '\nafter = 2'],
  end: ['before = 1\nafter = 2\n', '']
};
const RENAMED = 'total';

/** In Notebook 7 (LAB_KEYS_IN) each case has a page of its own, in JupyterLab a tab. */
const IN_NOTEBOOK = process.env.LAB_KEYS_IN === 'notebook';
/** What of the table is tried: all of it, what is named, or what a minute is enough for. */
const ALL = 'NEXTEDIT_KEYS' in process.env;
const NAMED = (process.env.NEXTEDIT_KEYS ?? '1').split(',').filter(word => word !== '1');

async function open(lab, cells) {
  if (!IN_NOTEBOOK) {
    return openQuickly(lab, cells);
  }
  const path = `keys-${randomUUID().slice(0, 8)}.ipynb`;
  writeNotebook(path, cells);
  await lab.load(`notebooks/${path}`);
  await lab.waitForNotebook(path);
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
    await lab.waitForGhost();
  },
  'ghost text typed to its end': async (lab, cell) => {
    await open(lab, ['import numpy as np', cell('')]);
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
      mode: panel.content.mode,
      ghost: text('.jp-GhostText:not([class*=Spacer])').trim(),
      places: text('.nextedit-place'),
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
    // Where the editor changed the text, what is offered may have followed.
    (is.places === was.places || !isSame(was, is)) &&
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
  'dismiss edit': (was, is) => stays(was, is) && is.places === '' && is.mode === 'edit',
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

/** Tab in every state, and Escape on what is drawn in the text; the caret in the middle of a cell. */
function isTriedAlways({ key, outcome }, place) {
  return place === 'middle' && (key === 'Tab' || ['dismiss text', 'popup'].includes(outcome));
}

function isNamed({ key }, place) {
  const keys = NAMED.filter(word => !(word in PLACES));
  const places = NAMED.filter(word => word in PLACES);
  return (!keys.length || keys.includes(key)) && (!places.length || places.includes(place));
}

/** A page of Notebook 7 takes longer to load than a tab of JupyterLab. */
function isTriedInNotebook({ key }, place) {
  return place === 'middle' && ['Tab', 'Escape', 'Alt J', 'F2'].includes(key);
}

async function tryOut({ state, key, outcome }, place) {
  const { lab } = held;
  const [head, tail] = PLACES[place];
  const cell = Object.assign(text => head + text + tail, { head: head.length });
  await lab.calm();
  await STATES[state](lab, cell);
  const was = await look(lab);
  const asked = lab.asked().length;
  const happened = is => HAPPENED[outcome](was, is, key);
  await lab.press(key.replaceAll(' ', '+'));
  await lab.eventually(() => look(lab), happened, `${outcome}, from ${JSON.stringify(was)}`);
  if (outcome === 'ask') {
    await lab.eventually(
      async () => lab.asked().length > asked || (await lab.ghost()) !== '',
      did => did,
      'nothing was asked'
    );
  }
  await new Promise(resolve => setTimeout(resolve, 100));
  assert.ok(happened(await look(lab)), 'it did not last');
  await lab.closeDialogs();
}

test('every state of the table is known, and every outcome', () => {
  assert.equal(fields().length, 12 * 8);
  for (const { state, outcome } of fields()) {
    assert.ok(state in STATES && outcome in HAPPENED, `${state}: ${outcome}`);
  }
});

const isTried = [ALL ? isNamed : isTriedAlways, ...(IN_NOTEBOOK ? [isTriedInNotebook] : [])];
for (const field of fields()) {
  for (const place of Object.keys(PLACES).filter(place => isTried.every(is => is(field, place)))) {
    test(`${field.key}, ${field.state}, ${place}: ${field.outcome}`, () => tryOut(field, place));
  }
}

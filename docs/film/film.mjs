// What the README's picture shows, done key by key in a real JupyterLab; `make.py` runs this.
//
// Each step leaves a PNG in FILM_FRAMES, and `frames.json` says how long it is shown and what is
// written below it.

import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';

import { LabPage, openBrowser } from '../../tests/ui/harness.mjs';

const SIZE = { width: 960, height: 540 };
const cells = line => [
  'import pandas as pd\n\n' +
    'readings = pd.DataFrame({"station": ["harbour", "hill"], "temperature": [18.4, 15.1]})',
  line,
  'mean = readings["temperature"].mean()',
  'readings["above"] = readings["temperature"] > mean\nreadings.sort_values("temperature")'
];
const frames = [];
let caption = '';
let lab;

/** One picture of the page as it is, shown for `ms`. */
async function frame(ms) {
  const file = `${String(frames.length).padStart(3, '0')}.png`;
  await lab.page.screenshot({ path: join(process.env.FILM_FRAMES, file), caret: 'initial' });
  frames.push({ file, ms, caption });
}

async function type(text) {
  for (const letter of text) {
    await lab.page.keyboard.type(letter);
    await lab.page.waitForTimeout(40);
    await frame(90);
  }
}

async function press(key, ms = 1200) {
  await lab.press(key);
  await lab.page.waitForTimeout(700);
  await frame(ms);
}

/** The notebook with this second line, all that is whole of it run. */
async function open(line) {
  await lab.openNotebook('readings', cells(line), { path: 'readings.ipynb' });
  for (const index of line.endsWith(' ') ? [0, 2, 3] : [0, 1, 2, 3]) {
    await lab.run(index);
  }
}

const browser = await openBrowser();
try {
  lab = await LabPage.open(browser.context);
  await lab.page.setViewportSize(SIZE);
  await lab.command('application:toggle-left-area');
  await open('hottest = ');

  caption = 'Ghost text: the kernel knows the column’s name';
  await lab.edit(1);
  await frame(900);
  await type('readings["te');
  await lab.waitForGhost();
  await frame(1700);
  caption = 'Tab accepts it';
  await press('Tab', 1500);

  await open('hottest = readings["temperature"].max()');
  caption = 'Rename a variable in one cell …';
  const source = await lab.source(0);
  const start = source.indexOf('readings');
  await lab.select(0, start, start + 'readings'.length);
  await frame(900);
  await type('weather');
  await lab.eventually(
    () => lab.hint(),
    hint => hint.includes('rename'),
    'no rename is offered'
  );
  caption = '… and every other use is offered, in all cells';
  await frame(2200);
  caption = 'The panel lists them: tick what to change';
  await lab.command('nextedit:open-panel');
  await lab.page.waitForSelector('[data-focus="apply"]');
  await lab.page.waitForTimeout(600);
  await frame(2600);
  caption = 'Applied. One command undoes it in all cells';
  await lab.page.click('[data-focus="apply"]');
  await lab.eventually(
    () => lab.sources(),
    sources => sources.slice(1).every(text => !text.includes('readings')),
    'a place was left'
  );
  await lab.page.waitForTimeout(600);
  await frame(3200);
  assert.deepEqual(lab.errors, []);
} finally {
  writeFileSync(join(process.env.FILM_FRAMES, 'frames.json'), JSON.stringify(frames));
  await browser.close();
}

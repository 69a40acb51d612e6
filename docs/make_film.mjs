// The scenes of docs/film.webp, played in a real JupyterLab; docs/make_film.py starts it.
//
// Each picture is written as a PNG; `frames.json` says how long each is shown, in milliseconds.

import { writeFileSync } from 'node:fs';
import { join } from 'node:path';

import { LabPage, openBrowser } from '../tests/ui/harness.mjs';

const FRAMES = process.env.FILM_FRAMES;
const SIZE = { width: 860, height: 500 };
const KEY = 90; // milliseconds a typed letter is shown
const READ = 1600; // and a picture that is to be read

const CELLS = [
  '%load_ext nextedit_jupyter\nimport pandas as pd',
  'readings = pd.DataFrame({"station": ["hill", "harbour"], "celsius": [18.5, 21.0]})',
  'warm = readings[readings["celsius"] > 20]',
  'readings.groupby("station")["celsius"].mean()',
  ''
];

const browser = await openBrowser();
const frames = [];
try {
  const lab = await LabPage.open(browser.context);
  await lab.page.setViewportSize(SIZE);

  const show = async milliseconds => {
    const name = `${String(frames.length).padStart(3, '0')}.png`;
    await lab.page.screenshot({ path: join(FRAMES, name) });
    frames.push({ name, milliseconds });
  };
  const typing = async text => {
    for (const letter of text) {
      await lab.page.keyboard.type(letter);
      await show(KEY);
    }
  };

  await lab.openNotebook('readings', CELLS, { path: 'readings.ipynb' });
  await lab.command('application:toggle-left-area').catch(() => undefined);
  await lab.page.evaluate(() => window.jupyterapp.shell.collapseLeft());
  await lab.runAll();

  // Ghost text: a column that the kernel knows.
  await lab.edit(4);
  await show(READ / 2);
  await typing('readings["cel');
  await lab.waitForGhost();
  await show(READ);
  await lab.press('Tab');
  await lab.eventually(
    () => lab.source(4),
    text => text.includes('celsius'),
    'not accepted'
  );
  await show(READ / 2);
  await lab.run(4);
  await show(READ / 2);

  // A rename: the first place by Tab, then all of them in the panel.
  await lab.select(1, 0, 'readings'.length);
  await show(READ / 2);
  await typing('weather');
  await lab.waitForPlaces(2);
  await show(READ);
  await lab.press('Tab');
  await lab.eventually(
    () => lab.activeCell(),
    index => index === 2,
    'no jump'
  );
  await show(READ / 2);
  await lab.press('Tab');
  await lab.eventually(
    () => lab.source(2),
    text => text.includes('weather'),
    'the first place was not accepted'
  );
  await show(READ / 2);
  await lab.press('Alt+Shift+P');
  await lab.page.waitForSelector('.nextedit-panel .nextedit-row');
  await show(READ * 1.5);
  await lab.page.click('.nextedit-panel [data-focus=apply]');
  await lab.eventually(
    () => lab.sources(),
    sources => !sources.slice(0, 4).join('\n').includes('readings'),
    'not all were accepted'
  );
  await show(READ * 1.5);
} finally {
  writeFileSync(join(FRAMES, 'frames.json'), JSON.stringify(frames));
  await browser.close();
}

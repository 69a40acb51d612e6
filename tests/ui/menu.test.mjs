// The status item's menu: what each entry does, by mouse and by keys.

import { test } from 'node:test';

import { assert, labForAllTests, openQuickly, workers } from './harness.mjs';

const held = labForAllTests();
const CELLS = ['import numpy as np', ''];
const pause = ms => new Promise(resolve => setTimeout(resolve, ms));

async function typeAndCount(lab) {
  await lab.edit(1);
  const before = lab.asked().length;
  await lab.type('\nfor i in ran');
  await pause(1200);
  return lab.asked().length - before;
}

test('the menu opens by mouse and by key, and closing it gives the focus back', async () => {
  const { lab } = held;
  await openQuickly(lab, CELLS);
  await lab.edit(0, 3);
  await lab.waitForStatus('ready');
  const labels = await lab.openMenu();
  for (const label of [
    'Pause for 10 Minutes',
    'Suggestions in This Notebook',
    'Suggestions in All Notebooks',
    'Restart the Worker',
    'Open the Tour',
    'Settings…'
  ]) {
    assert.ok(labels.includes(label), `${label} is not among ${labels}`);
  }
  assert.equal(await lab.page.getAttribute('.nextedit-status button', 'aria-expanded'), 'true');
  await lab.screenshot('menu');
  await lab.press('Escape');
  await lab.page.waitForSelector('.nextedit-menu', { state: 'detached' });
  assert.equal(await lab.inPanel(panel => panel.content.mode), 'edit');
  assert.equal(await lab.caret(), 3);

  await lab.page.focus('.nextedit-status button');
  await lab.press('Enter');
  await lab.page.waitForSelector('.nextedit-menu .lm-mod-active');
  await lab.press('Escape');
  await lab.page.waitForSelector('.nextedit-menu', { state: 'detached' });
  assert.ok(await lab.page.evaluate(() => document.activeElement.closest('.nextedit-status')));
});

test('every entry is in the command palette as well', async () => {
  const { lab } = held;
  const wanted = ['pause', 'toggle-here', 'open-tour', 'restart-worker', 'open-settings'];
  const palette = lab.page.locator('#command-palette input, .jp-ModalCommandPalette input');
  await lab.eventually(
    async () => {
      if (!(await palette.isVisible())) {
        await lab.command('apputils:activate-command-palette'); // it closes where the focus leaves
      }
      await palette.fill('next edit', { timeout: 1000 }).catch(() => {});
      return lab.page.$$eval('.lm-CommandPalette-item', nodes =>
        nodes.map(node => node.dataset.command ?? node.textContent)
      );
    },
    items => wanted.every(id => items.includes(`nextedit:${id}`)),
    'they are not all there'
  );
  await lab.press('Escape');
});

test('a pause is seen, sends nothing unasked, answers F2, survives a reload, and can be ended', async () => {
  const { lab } = held;
  await openQuickly(lab, CELLS);
  await lab.chooseInMenu('Pause for 10 Minutes');
  await lab.waitForStatus('paused');
  assert.match((await lab.status()).text, /paused until/);
  assert.equal(await typeAndCount(lab), 0);
  await lab.screenshot('paused');
  await lab.edit(0, 'import numpy as n'.length);
  await lab.press('F2');
  await lab.page.waitForSelector('.nextedit-rename input');
  await lab.page.fill('.nextedit-rename input', 'numeric');
  await lab.eventually(
    () => lab.page.$eval('.jp-Dialog .jp-mod-accept', node => !node.disabled),
    can => can,
    'F2 does not answer in a pause'
  );
  await lab.closeDialogs();

  await lab.load();
  await openQuickly(lab, CELLS);
  await lab.waitForStatus('paused');
  await lab.chooseInMenu('End the Pause');
  await lab.waitForStatus('ready');
  assert.ok((await typeAndCount(lab)) > 0);
});

test('a pause takes away what is shown, and ends by itself', async () => {
  const { lab } = held;
  await openQuickly(lab, ['total = 1', 'print(total)']);
  await lab.select(0, 0, 'total'.length);
  await lab.type('amount');
  await lab.waitForPlaces();
  await lab.command('nextedit:pause');
  await lab.eventually(
    () => lab.places(),
    places => places.length === 0,
    'the offer stays'
  );
  // The same as ten minutes later: what is kept says that two seconds are left.
  await lab.page.evaluate(() => {
    const key = Object.keys(localStorage).find(name => name.includes('paused-until'));
    localStorage.setItem(key, String(Date.now() + 2000));
    window.dispatchEvent(new Event('focus'));
  });
  assert.equal((await lab.status()).state, 'paused');
  await lab.waitForStatus('ready');
});

test('a notebook is switched off for itself alone, for good, under its new name as well', async () => {
  const { lab } = held;
  const path = await openQuickly(lab, CELLS);
  await lab.chooseInMenu('Suggestions in This Notebook');
  await lab.waitForReason('not-here', /off in this document/);
  assert.equal(await typeAndCount(lab), 0);

  await openQuickly(lab, CELLS);
  assert.ok((await typeAndCount(lab)) > 0);

  const renamed = `renamed-${path}`;
  await lab.page.evaluate(
    ([from, to]) => window.jupyterapp.serviceManager.contents.rename(from, to),
    [path, renamed]
  );
  await pause(500);
  await lab.load();
  await lab.command('docmanager:open', { path: renamed, factory: 'Notebook' });
  await lab.waitForNotebook(renamed);
  await lab.waitForStatus('not-here');
  await lab.chooseInMenu('Suggestions in This Notebook');
  await lab.waitForStatus('ready');
  assert.ok((await typeAndCount(lab)) > 0);
});

/** Let the server say this of the larger model. */
async function pretend(lab, larger) {
  const said = {
    label: 'large/1',
    base: 'Base, base==1',
    licence: 'MIT',
    megabytes: 93,
    step: null,
    share: 0,
    problem: '',
    ...larger
  };
  await lab.page.unroute('**/nextedit/status*');
  await lab.page.route('**/nextedit/status*', async route => {
    const response = await route.fetch();
    await route.fulfill({ response, json: { ...(await response.json()), larger: said } });
  });
}

test('the larger model is fetched by one click, seen to its end, and never unasked', async () => {
  const { lab } = held;
  let got = 0;
  await lab.page.route('**/nextedit/model/get*', async route => {
    got += 1;
    await route.fulfill({ status: 202, json: {} });
  });
  try {
    await pretend(lab, { state: 'available' });
    await lab.load();
    await openQuickly(lab, CELLS);
    await lab.waitForStatus('ready');
    assert.ok((await lab.openMenu()).includes('Get the Larger Model (93 MB)'));
    await lab.press('Escape');
    assert.equal(got, 0);
    await pretend(lab, { state: 'getting', step: 'fetch', share: 0.4 });
    await lab.chooseInMenu('Get the Larger Model');
    await lab.eventually(
      () => lab.toasts(),
      texts => texts.some(text => /larger model: fetching, 40 %/.test(text)),
      'no progress'
    );
    assert.equal(got, 1);
    await lab.screenshot('larger-model');
    assert.ok((await lab.openMenu()).includes('Larger Model: fetching, 40 %'));
    await lab.press('Escape');
    await pretend(lab, { state: 'here', share: 1 });
    await lab.eventually(
      () => lab.toasts(),
      texts => texts.some(text => /larger model is installed/.test(text)),
      'its end is not told'
    );
    assert.ok((await lab.openMenu()).includes('Larger Model: Installed'));
    await lab.press('Escape');
    assert.equal(got, 1);
  } finally {
    await lab.page.unroute('**/nextedit/status*');
    await lab.page.unroute('**/nextedit/model/get*');
  }
});

test('what went wrong with the larger model is said, with what to do', async () => {
  const { lab } = held;
  await lab.page.route('**/nextedit/model/get*', route => route.fulfill({ status: 202, json: {} }));
  try {
    const problem = 'pip cannot reach its index for base==1: connect, and try again';
    await pretend(lab, { state: 'available' });
    await lab.load();
    await openQuickly(lab, CELLS);
    await lab.waitForStatus('ready');
    await pretend(lab, { state: 'failed', problem });
    await lab.chooseInMenu('Get the Larger Model');
    await lab.eventually(
      () => lab.toasts(),
      texts => texts.some(text => /was not installed/.test(text) && text.includes('Try Again')),
      'it is not told'
    );
    await lab.screenshot('larger-model-failed');
    await lab.page.click('.Toastify__toast button:has-text("What to Do")');
    await lab.page.waitForSelector(`.jp-Dialog:has-text("${problem}")`);
    await lab.page.click('.jp-Dialog button');
    assert.ok((await lab.openMenu()).includes('Get the Larger Model Again (93 MB)'));
    await lab.press('Escape');
  } finally {
    await lab.page.unroute('**/nextedit/status*');
    await lab.page.unroute('**/nextedit/model/get*');
    await lab.load();
  }
});

for (const state of ['running', 'frozen']) {
  test(`a ${state} worker is replaced by the menu`, async () => {
    const { lab } = held;
    await openQuickly(lab, CELLS);
    assert.ok((await typeAndCount(lab)) > 0);
    const before = workers();
    assert.ok(before.length > 0);
    if (state === 'frozen') {
      before.forEach(pid => process.kill(Number(pid), 'SIGSTOP'));
    }
    await lab.chooseInMenu('Restart the Worker');
    await lab.eventually(
      () => workers(),
      now => now.length > 0 && !now.some(pid => before.includes(pid)),
      `it is not replaced: ${before}`
    );
    await lab.eventually(
      () => lab.toasts(),
      texts => texts.some(text => /the worker was restarted/.test(text)),
      'it is not told'
    );
    await openQuickly(lab, CELLS);
    await lab.edit(1);
    await lab.type('for i in ran');
    await lab.waitForGhost();
  });
}

test('the settings of the menu are those of Next Edit', async () => {
  const { lab } = held;
  await lab.chooseInMenu('Settings…');
  await lab.page.waitForSelector('.jp-SettingsPanel:has-text("Delay before suggesting")');
});

// axe-core on what is ours: panel, dialog, menu, status item, what is drawn in cells.

import { createRequire } from 'node:module';
import { after, test } from 'node:test';

import { assert, labForAllTests, openQuickly } from './harness.mjs';

const require = createRequire(new URL('../../labextension/package.json', import.meta.url));
const held = labForAllTests();
const THEMES = ['JupyterLab Light', 'JupyterLab Dark', 'JupyterLab Dark High Contrast'];

/** The serious findings within these parts of the page. */
async function findings(lab, ...parts) {
  if (!(await lab.page.evaluate(() => 'axe' in window))) {
    await lab.page.addScriptTag({ path: require.resolve('axe-core/axe.min.js') });
  }
  for (const part of parts) {
    assert.ok(await lab.page.$(part), `${part} is not there`);
  }
  const found = await lab.page.evaluate(
    parts =>
      window.axe.run({ include: parts.map(part => [part]) }, { resultTypes: ['violations'] }),
    parts
  );
  return found.violations
    .filter(({ impact }) => impact === 'serious' || impact === 'critical')
    .map(({ id, nodes }) => `${id}: ${nodes.map(n => `${n.html} ${n.failureSummary}`).join('; ')}`);
}

async function inTheme(theme) {
  const { lab } = held;
  await lab.inTheme(theme);
  return lab;
}

after(() => held.lab?.command('apputils:change-theme', { theme: THEMES[0] }).catch(() => {}));

for (const theme of THEMES) {
  test(`panel, hint and status item have no serious finding in ${theme}`, async () => {
    const lab = await inTheme(theme);
    await openQuickly(lab, [
      'total = 1',
      'print(total, total)',
      { source: 'total', tags: ['nextedit-off'] },
      { type: 'markdown', source: 'the `total`' }
    ]);
    await lab.command('nextedit:open-panel');
    assert.deepEqual(await findings(lab, '.nextedit-panel'), []); // with nothing in it
    await lab.select(0, 0, 'total'.length);
    await lab.type('amount');
    await lab.waitForPlaces(2);
    await lab.page.waitForSelector('.nextedit-panel .nextedit-row');
    await lab.page.waitForSelector('.nextedit-hint:not([hidden])');
    assert.deepEqual(
      await findings(
        lab,
        '.nextedit-panel',
        '.nextedit-status',
        '.nextedit-hint',
        '.nextedit-live'
      ),
      []
    );
    await lab.press('Alt+Shift+A');
    await lab.page.waitForSelector('.nextedit-panel [data-focus=undo]');
    assert.deepEqual(await findings(lab, '.nextedit-panel', '.nextedit-status'), []);
  });

  test(`the menu has no serious finding in ${theme}`, async () => {
    const lab = await inTheme(theme);
    await openQuickly(lab, ['total = 1', 'print(total)']);
    await lab.edit(0);
    await lab.openMenu();
    assert.deepEqual(await findings(lab, '.nextedit-menu', '.nextedit-status'), []);
    await lab.press('ArrowDown');
    assert.deepEqual(await findings(lab, '.nextedit-menu'), []);
    await lab.press('Escape');
    await lab.command('nextedit:pause');
    assert.deepEqual(await findings(lab, '.nextedit-status'), []);
    await lab.command('nextedit:resume');
  });

  test(`the dialog has no serious finding in ${theme}, with a good name and a bad one`, async () => {
    const lab = await inTheme(theme);
    await openQuickly(lab, ['total = 1', 'print(total)']);
    await lab.edit(0, 3);
    await lab.press('F2');
    await lab.page.waitForSelector('.nextedit-rename input');
    for (const [name, says] of [
      ['class', /valid/],
      ['amount', /rename/]
    ]) {
      await lab.page.fill('.nextedit-rename input', name);
      await lab.eventually(
        () => lab.page.$eval('.nextedit-rename p', node => node.textContent),
        text => says.test(text),
        'no word'
      );
      assert.deepEqual(await findings(lab, '.jp-Dialog'), []);
    }
    await lab.closeDialogs();
  });
}

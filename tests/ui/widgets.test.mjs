// The ipywidgets panel of a kernel, in JupyterLab with our labextension.

import { test } from 'node:test';

import { assert, contrastOf, labForAllTests } from './harness.mjs';

const held = labForAllTests();

const button = name => `.jp-OutputArea button:has-text("${name}")`;

test('accept changes the notebook, the history and the latencies are shown', async () => {
  await held.lab.openRenamed('accept', '%nextedit panel');
  await held.lab.run(3);
  await held.lab.page.waitForSelector(button('suggest'));
  await held.lab.page.click(button('suggest'));
  await held.lab.page.waitForSelector(button('accept'));
  const shown = await held.lab.output(3);
  assert.match(shown, /History/);
  await held.lab.page.waitForSelector('.jp-OutputArea svg[aria-label^="latencies"]');
  await held.lab.screenshot('widgets-panel');
  await held.lab.page.click(button('accept'));
  await held.lab.eventually(
    () => held.lab.source(2),
    text => text === 'print(amount)',
    'not accepted'
  );
  await held.lab.page.waitForSelector(button('accept'), { state: 'detached' });
});

test('the diff can be read in either theme', async () => {
  const { lab } = held;
  await lab.openRenamed('themes', '%nextedit suggest');
  await lab.run(3);
  await lab.page.waitForSelector('.jp-OutputArea .nextedit span');
  try {
    for (const theme of ['JupyterLab Dark', 'JupyterLab Light']) {
      await lab.inTheme(theme);
      for (const line of ['first', 'last']) {
        const ratio = await contrastOf(lab.page, `.jp-OutputArea .nextedit span:${line}-of-type`);
        assert.ok(ratio >= 4.5, `${theme}, ${line}: ${ratio}`);
      }
    }
  } finally {
    await lab.command('apputils:change-theme', { theme: 'JupyterLab Light' });
  }
});

test('reject leaves the notebook as it is, and the switch turns the kernel off', async () => {
  await held.lab.openRenamed('reject', '%nextedit panel');
  await held.lab.run(3);
  await held.lab.page.waitForSelector(button('suggest'));
  await held.lab.page.click(button('suggest'));
  await held.lab.page.waitForSelector(button('reject'));
  await held.lab.page.click(button('reject'));
  await held.lab.page.waitForSelector(button('reject'), { state: 'detached' });
  assert.equal(await held.lab.source(2), 'print(total)');
  await held.lab.page.click(button('on'));
  await held.lab.page.waitForSelector(button('off'));
  await held.lab.page.click(button('suggest'));
  await held.lab.eventually(
    () => held.lab.output(3),
    text => /turn it on|is off/.test(text),
    'it does not say that it is off'
  );
});

// Code consoles: what notebooks have at the caret, in the prompt.

import { test } from 'node:test';

import { assert, labForAllTests } from './harness.mjs';

const held = labForAllTests();
const lab = new Proxy({}, { get: (_, name) => bound(held.lab, name) });
const bound = (target, name) =>
  typeof target[name] === 'function' ? target[name].bind(target) : target[name];

async function openConsole(kernel = 'python3') {
  await lab.closeAll();
  await lab.command('console:create', {
    activate: true,
    kernelPreference: { name: kernel },
    insertMode: 'tab-after'
  });
  await idle();
  await focus();
}

const idle = () =>
  lab.page.waitForFunction(
    () => {
      const { console } = window.jupyterapp.shell.currentWidget ?? {};
      return (
        console?.promptCell?.editor &&
        console.sessionContext.session?.kernel?.status === 'idle' &&
        [...console.cells].every(
          ({ model }) => model.type !== 'code' || (model.executionCount && !model.isBusy)
        )
      );
    },
    null,
    { timeout: 60_000 }
  );

const inPrompt = (work, argument) =>
  lab.page.evaluate(
    ([source, argument]) => {
      const { promptCell } = window.jupyterapp.shell.currentWidget.console;
      return new Function('view', 'argument', `return (${source})(view, argument)`)(
        promptCell.editor.editor,
        argument
      );
    },
    [work.toString(), argument]
  );
const text = () => inPrompt(view => view.state.doc.toString());
/** Put a text into the prompt, as from the console's history. */
const fill = source =>
  lab.page.evaluate(source => {
    const { promptCell } = window.jupyterapp.shell.currentWidget.console;
    promptCell.model.sharedModel.setSource(source);
  }, source);
const focus = () => inPrompt(view => view.focus());
/** Put the caret there, or select from there to `head`. */
const put = (anchor, head = anchor) =>
  inPrompt(
    (view, [anchor, head]) => view.dispatch({ selection: { anchor, head } }),
    [anchor, head]
  );

/** Run these cells, one after another. */
async function run(...cells) {
  for (const cell of cells) {
    await fill(cell);
    await lab.command('console:run-forced');
    await idle();
  }
  await focus();
}

const above = () =>
  lab.page.evaluate(() =>
    [...window.jupyterapp.shell.currentWidget.console.cells]
      .filter(({ model }) => model.type === 'code')
      .map(({ model }) => model.sharedModel.getSource())
  );

const places = () =>
  lab.page.$$eval('.nextedit-place', nodes =>
    nodes.map(node => node.querySelector('.nextedit-new')?.textContent ?? '')
  );

test('the status item is ready in a console, and says that one of its switches is for it', async () => {
  await openConsole();
  await lab.waitForStatus('ready');
  const labels = await lab.openMenu();
  assert.ok(labels.includes('Suggestions in This Console'), labels.join());
  await lab.press('Escape');
});

test('ghost text in the prompt names what ran above, prompt after prompt, and Tab accepts it', async () => {
  await openConsole();
  await run('temperature_of_water = 21.5', 'print(temperature_of_water)');
  await lab.type('print(temperature_o');
  assert.match(await lab.waitForGhost(), /^f_water/);
  await lab.screenshot('console');
  await lab.press('Tab');
  await lab.eventually(text, now => now.startsWith('print(temperature_of_water'), 'not accepted');
  await run('height_of_water = 3', 'print(height_of_water)');
  await lab.type('print(height_o');
  assert.match(await lab.waitForGhost(), /^f_water/);
  await lab.press('Escape');
  await lab.eventually(
    () => lab.ghost(),
    now => now.trim() === '',
    'Escape left the ghost text'
  );
  assert.ok(await inPrompt(view => view.hasFocus), 'Escape left the prompt');
});

test("what the console's kernel knows is completed: a column of a table", async () => {
  await lab.calm();
  await openConsole();
  await run(
    '%load_ext nextedit_jupyter',
    'import pandas as pd',
    'readings = pd.read_csv(__import__("io").StringIO("station,humidity\\na,1"))'
  );
  await lab.type('readings["hu');
  assert.match(await lab.waitForGhost(), /^midity/);
  assert.ok(lab.asked().some(request => /"humidity"/.test(request.postData())));
});

test('a variable renamed by hand in the prompt is offered at its other places, and undone', async () => {
  await openConsole();
  await run('scale = 2');
  const whole = 'total = scale\nprint(total)\ntotal + 1';
  await fill(whole);
  await put(0, 'total'.length);
  await lab.type('amount');
  await lab.eventually(places, found => found.length === 2, 'not offered');
  await lab.screenshot('console-rename');
  await lab.press('Tab');
  await lab.press('Tab');
  await lab.eventually(text, now => now === 'amount = scale\nprint(amount)\ntotal + 1', 'one');
  await lab.press('Alt+Shift+A');
  await lab.eventually(text, now => now === whole.replaceAll('total', 'amount'), 'not renamed');
  await lab.command('nextedit:undo-accept');
  await lab.eventually(text, now => now === whole, 'not taken back');
});

test('F2 renames in the prompt, never in what ran', async () => {
  await openConsole();
  await run('total = 1');
  await fill('part = 1\npart + total');
  await put(2);
  await lab.press('F2');
  await lab.page.waitForSelector('.jp-Dialog .nextedit-rename input');
  await lab.type('share');
  await lab.page.waitForFunction(
    () => !document.querySelector('.jp-Dialog .jp-mod-accept:not(.jp-mod-reject)')?.disabled
  );
  await lab.press('Enter');
  await lab.eventually(text, now => now === 'share = 1\nshare + total', 'not renamed');
  assert.deepEqual(await above(), ['total = 1']);

  await put('share = 1\nshare + to'.length);
  await lab.press('F2');
  await lab.page.waitForSelector('.jp-Dialog .nextedit-rename input');
  await lab.type('amount');
  await lab.eventually(
    () => lab.page.$eval('.nextedit-rename', node => node.textContent),
    said => /used in cells that have run/.test(said),
    'not refused'
  );
  assert.ok(await lab.page.$eval('.jp-Dialog .jp-mod-accept:not(.jp-mod-reject)', b => b.disabled));
  await lab.closeDialogs();
});

test('what is offered goes once the prompt is run', async () => {
  await openConsole();
  await fill('total = 1\nprint(total)');
  await put(0, 'total'.length);
  await lab.type('amount');
  await lab.eventually(places, found => found.length === 1, 'not offered');
  await lab.command('console:run-forced');
  await idle();
  await lab.eventually(places, found => found.length === 0, 'still drawn');
  assert.deepEqual(await above(), ['amount = 1\nprint(total)']);
});

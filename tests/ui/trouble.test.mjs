// What may go wrong beside us: a frozen worker or server, a kernel that restarts or that two
// notebooks share, a very long notebook. Typing never waits, and nothing unseen is changed.

import { test } from 'node:test';

import { assert, labForAllTests, openQuickly, workers, writeNotebook } from './harness.mjs';

const held = labForAllTests();
const pause = ms => new Promise(resolve => setTimeout(resolve, ms));
const LONG = `\n${Array.from({ length: 3 }, (_, i) => `value_${i} = ${i} # ran`).join('\n')}`;

/** With these processes stopped, as by a machine that swaps; they go on afterwards. */
async function frozen(pids, work) {
  pids.forEach(pid => process.kill(Number(pid), 'SIGSTOP'));
  try {
    await work();
  } finally {
    for (const pid of pids) {
      try {
        process.kill(Number(pid), 'SIGCONT');
      } catch {
        // It was replaced meanwhile.
      }
    }
  }
}

/** A rename that is offered in two other cells. */
async function offer(lab, open = cells => openQuickly(lab, cells)) {
  await open(['total = 1', 'print(total)', 'total + 1', '']);
  await lab.select(0, 0, 'total'.length);
  await lab.type('amount');
  await lab.waitForPlaces(2);
}

/** That a suggestion comes again, once all is as it was. */
async function comesBack(lab) {
  await lab.calm();
  await openQuickly(lab, ['import numpy as np', '']);
  await lab.edit(1);
  let look = 0;
  await lab.eventually(
    async () => {
      if (look++ % 25 === 0) {
        await lab.type('\nfor i in ran'); // and wait: what comes late is soon typed over
      }
      return lab.ghost();
    },
    ghost => ghost.startsWith('ge'),
    () => `no suggestion afterwards: ${lab.silences}`,
    { looks: 600 }
  );
}

const FREEZERS = {
  worker: () => workers(),
  server: () => [process.env.LAB_PID]
};

for (const [name, pids] of Object.entries(FREEZERS)) {
  test(`a frozen ${name}: keys arrive, what is shown can be accepted, the dialog can be left`, async () => {
    const { lab } = held;
    await offer(lab);
    assert.ok(pids().length > 0);
    await frozen(pids(), async () => {
      await lab.press('Alt+Shift+A');
      await lab.eventually(
        () => lab.sources(),
        ([, ...rest]) => rest.join() === 'print(amount),amount + 1,',
        'what was shown is not accepted'
      );
      await lab.edit(3);
      await lab.page.keyboard.type(LONG, { delay: 30 });
      assert.equal(await lab.source(3), LONG);
      await lab.edit(0, 3);
      await lab.press('F2');
      await lab.page.waitForSelector('.nextedit-rename input');
      await lab.page.keyboard.type('other');
      await lab.eventually(
        () => lab.page.$eval('.nextedit-rename p', node => node.textContent),
        text => text !== '',
        'the dialog is blank'
      );
      await lab.press('Escape');
      await lab.page.waitForSelector('.jp-Dialog', { state: 'detached' });
      await lab.type('x');
    });
    await pause(3000);
    assert.deepEqual(await lab.sources(), ['amoxunt = 1', 'print(amount)', 'amount + 1', LONG]);
    await comesBack(lab);
  });
}

test('a worker that stays frozen is replaced by itself, and suggestions come again', async () => {
  const { lab } = held;
  await comesBack(lab);
  const before = workers();
  before.forEach(pid => process.kill(Number(pid), 'SIGSTOP'));
  try {
    await comesBack(lab);
    assert.ok(!workers().some(pid => before.includes(pid)));
  } finally {
    before.filter(pid => workers().includes(pid)).forEach(pid => process.kill(pid, 'SIGKILL'));
  }
});

test('a kernel that restarts in the middle of an offer leaves the offer as it is', async () => {
  const { lab } = held;
  await offer(lab, cells => lab.openNotebook('restart', cells));
  const shown = await lab.places();
  const restarting = lab.restartKernel();
  await lab.edit(3);
  await lab.type('x = 1');
  await restarting;
  assert.equal(await lab.source(3), 'x = 1');
  assert.deepEqual(
    (await lab.places()).map(({ cell, text }) => [cell, text]),
    shown.map(({ cell, text }) => [cell, text])
  );
  await lab.press('Alt+Shift+A');
  assert.deepEqual(await lab.sources(), ['amount = 1', 'print(amount)', 'amount + 1', 'x = 1']);
});

/** Open a second notebook, whose kernel is that of the current one. */
async function openBeside(lab, path) {
  const first = await lab.inPanel(panel => panel.context.path);
  const kernel = await lab.inPanel(panel => panel.sessionContext.session.kernel.model);
  await lab.command('docmanager:open', {
    path,
    factory: 'Notebook',
    options: { mode: 'split-right' }
  });
  await lab.page.waitForFunction(path => {
    const panel = window.jupyterapp.shell.currentWidget;
    return panel?.context?.path === path && panel.context.isReady && panel.sessionContext.isReady;
  }, path);
  await lab.inPanel((panel, kernel) => panel.sessionContext.changeKernel(kernel), kernel);
  await lab.waitForNotebook(path);
  return first;
}

for (const when of ['at once', 'after a reload of the page']) {
  test(`%nextedit rename works in place, ${when}`, async () => {
    const { lab } = held;
    const cells = ['%load_ext nextedit_jupyter', 'total = 41', 'print(total)', ''];
    const path = await lab.openNotebook('in-place', cells);
    for (const index of [0, 1, 2]) {
      await lab.run(index);
    }
    if (when !== 'at once') {
      await lab.command('docmanager:save');
      await lab.load();
      await lab.command('docmanager:open', { path, factory: 'Notebook' });
      await lab.waitForNotebook(path);
      await pause(1000); // the kernel is asked for its comm
    }
    await lab.inPanel(panel =>
      panel.model.sharedModel.cells[3].setSource('%nextedit rename total amount')
    );
    await lab.run(3);
    await lab.eventually(
      () => lab.source(1),
      text => text === 'amount = 41',
      'not renamed in place'
    );
    assert.equal(await lab.source(2), 'print(amount)');
    assert.equal((await lab.sources()).length, 4);
  });
}

test('of two notebooks on one kernel, copies of each other, a magic never changes the other', async () => {
  const { lab } = held;
  const cells = ['%load_ext nextedit_jupyter', 'total = 41', 'print(total)', ''];
  const path = await lab.openNotebook('shared', cells);
  const copy = `copy-of-${path}`;
  writeNotebook(copy, cells, { like: path });
  for (const index of [0, 1, 2]) {
    await lab.run(index);
  }
  await openBeside(lab, copy);
  const ids = await lab.inPanel(panel => panel.model.sharedModel.cells.map(cell => cell.getId()));
  await lab.inPanel(panel =>
    panel.model.sharedModel.cells[3].setSource(
      'import time\ntime.sleep(2)\n%nextedit rename total sum_of_all'
    )
  );
  // While it runs the other has the focus, and a cell that waits for the kernel as well.
  const runAtOnce = index =>
    lab.inPanel((panel, index) => {
      panel.content.activeCellIndex = index;
      void window.jupyterapp.commands.execute('notebook:run-cell');
    }, index);
  await runAtOnce(3);
  await lab.command('docmanager:open', { path });
  await runAtOnce(2);
  await lab.edit(1, 0);
  await lab.settled();
  assert.deepEqual(
    await lab.inPanel(panel => panel.model.sharedModel.cells.map(c => c.getId())),
    ids
  );
  assert.deepEqual((await lab.sources()).slice(1, 3), ['total = 41', 'print(total)']);
  await lab.command('docmanager:open', { path: copy });
  await lab.waitForNotebook(copy);
  await lab.eventually(
    () => lab.sources(),
    sources => sources.slice(1, 3).join() === 'sum_of_all = 41,print(sum_of_all)',
    'the copy that asked was not changed'
  );
});

test('of two notebooks on one kernel, an offer of one is neither shown nor made in the other', async () => {
  const { lab } = held;
  const path = await lab.openNotebook('pair', ['total = 1', 'print(total)', '']);
  const other = `other-${path}`;
  writeNotebook(other, ['print(total)', '']);
  await openBeside(lab, other);
  await lab.command('docmanager:open', { path });
  await lab.waitForNotebook(path);
  await lab.select(0, 0, 'total'.length);
  await lab.type('amount');
  assert.deepEqual(
    (await lab.waitForPlaces()).map(({ cell }) => cell),
    [1]
  );
  await lab.press('Alt+Shift+A');
  await lab.eventually(
    () => lab.source(1),
    text => text === 'print(amount)',
    'not accepted'
  );
  await lab.command('docmanager:open', { path: other });
  await lab.waitForNotebook(other);
  assert.deepEqual(await lab.sources(), ['print(total)', '']);
});

test('in 300 cells keys arrive, all that is shown is changed, and that alone; undo takes it back', async () => {
  const { lab } = held;
  const uses = Array.from({ length: 298 }, (_, i) => `row_${i} = total + ${i}  # total`);
  const cells = ['total = 1', ...uses, ''];
  await openQuickly(lab, cells);
  await lab.edit(299);
  await lab.page.keyboard.type(LONG, { delay: 30 });
  assert.equal(await lab.source(299), LONG);
  await lab.page.waitForTimeout(1500);
  await lab.inPanel(panel => {
    window.drawnAtOnce = [];
    // Called once for each task of the page, with all that the task changed.
    new MutationObserver(records => {
      const places = records
        .flatMap(({ addedNodes }) => [...addedNodes])
        .filter(
          node => node.matches?.('.nextedit-place') || node.querySelector?.('.nextedit-place')
        );
      window.drawnAtOnce.push(places.length);
    }).observe(panel.node, { childList: true, subtree: true });
  });
  await lab.select(0, 0, 'total'.length);
  await lab.page.keyboard.type('amount', { delay: 80 });
  await lab.eventually(
    () => lab.hint(),
    hint => /298 places/.test(hint) || /1 of 298|298/.test(hint),
    'nothing is offered'
  );
  await lab.waitForPlaces(20);
  await lab.page.waitForTimeout(1500);
  const drawn = (await lab.places()).map(({ cell }) => cell);
  assert.ok(Math.max(...drawn) < 100, `drawn far from what is seen: ${drawn}`);
  await lab.inPanel(panel => panel.content.scrollToItem(200));
  await lab.eventually(
    () => lab.places(),
    places => places.some(({ cell }) => cell === 200),
    'not drawn where it was scrolled to'
  );
  await lab.eventually(
    () => lab.hint(),
    hint => hint.startsWith('Alt-J'),
    'Tab is named though the caret is out of sight, where Tab goes nowhere'
  );
  const most = Math.max(...(await lab.page.evaluate(() => window.drawnAtOnce)));
  assert.ok(most > 0 && most <= 4, `${most} places were drawn in one task`);
  await lab.press('Alt+Shift+A');
  await lab.eventually(
    () => lab.source(298),
    text => text === 'row_297 = amount + 297  # total',
    'not accepted'
  );
  const after = await lab.sources();
  uses.forEach((text, i) => assert.equal(after[i + 1], text.replace('total', 'amount')));
  assert.equal(after[299], LONG);
  await lab.command('nextedit:undo-accept');
  assert.deepEqual(await lab.sources(), [...cells.slice(0, 299), LONG]);
});

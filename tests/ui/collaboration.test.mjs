// Two people in one notebook: who types is offered something, the other's edits are respected.

import { after, before, test } from 'node:test';

import { LabPage, assert, openBrowser, writeNotebook } from './harness.mjs';

const PATH = 'together.ipynb';
let browsers = [];
let ann;
let bob;

before(async () => {
  writeNotebook(PATH, [
    'total = 41',
    'print(total)',
    'double = total * 2',
    '',
    'price = 3',
    'print(price)',
    'cost = price * 2'
  ]);
  browsers = [await openBrowser(), await openBrowser()];
  ann = await LabPage.open(browsers[0].context);
  bob = await LabPage.open(browsers[1].context);
  for (const person of [ann, bob]) {
    await person.command('docmanager:open', { path: PATH, factory: 'Notebook' });
    await person.waitForNotebook(PATH);
  }
});

after(async () => {
  await Promise.all(browsers.map(browser => browser.close()));
});

test('only who types is offered the rename, and the others edits move its places', async () => {
  await bob.edit(0);
  await ann.select(0, 0, 'total'.length);
  await ann.type('amount');
  await ann.waitForPlaces(2);
  await bob.eventually(
    () => bob.source(0),
    text => text === 'amount = 41',
    'not synchronised'
  );
  assert.deepEqual(await bob.places(), []);
  assert.deepEqual(bob.asked(), []);

  await bob.inPanel(panel => panel.model.sharedModel.cells[1].updateSource(0, 0, '# shown\n'));
  await ann.eventually(
    () => ann.source(1),
    text => text.startsWith('# shown'),
    'no edit came'
  );
  assert.equal((await ann.waitForPlaces(2)).length, 2);
  await ann.screenshot('collaboration');
  await ann.command('nextedit:accept-all');
  for (const person of [ann, bob]) {
    await person.eventually(
      () => person.sources(),
      sources => sources[1] === '# shown\nprint(amount)' && sources[2] === 'double = amount * 2',
      'not applied on both sides'
    );
  }
  await ann.command('nextedit:undo-accept');
  await bob.eventually(
    () => bob.sources(),
    sources => sources[1] === '# shown\nprint(total)' && sources[2] === 'double = total * 2',
    'not undone on both sides'
  );
});

test('the others edit at a place drops the pending rename: nothing is applied anywhere', async () => {
  await ann.select(4, 0, 'price'.length);
  await ann.type('fee');
  await ann.waitForPlaces(2);
  await bob.inPanel(panel => panel.model.sharedModel.cells[6].updateSource(7, 12, 'pr'));
  await ann.eventually(
    () => ann.source(6),
    text => text === 'cost = pr * 2',
    'no edit came'
  );
  await ann.command('nextedit:accept-all').catch(() => {});
  assert.equal(await ann.source(5), 'print(price)');
  assert.equal(await ann.source(6), 'cost = pr * 2');
});

test('ghost text is for who types, not for who has the caret in the same cell', async () => {
  await bob.edit(3);
  await ann.edit(3);
  await bob.eventually(
    () => bob.quiet(),
    quiet => quiet,
    'requests go on'
  );
  const before = bob.asked().length;
  await ann.type('for i in ran');
  await ann.waitForGhost();
  await bob.eventually(
    () => bob.source(3),
    text => text === 'for i in ran',
    'not synchronised'
  );
  assert.equal(await bob.ghost(), '');
  assert.equal(bob.asked().length, before);
});

// A team's server answers, and the status item never lets one forget that text leaves the machine.

import { test } from 'node:test';

import { assert, labForAllTests } from './harness.mjs';

const held = labForAllTests();
const isBroken = process.env.LAB_STEP === 'broken';

/** Type line after line, and look for some seconds at each, until what `read` gives passes. */
async function typeUntil(read, check, what) {
  const { lab } = held;
  await lab.openNotebook('team', ['import numpy as np', '']);
  await lab.edit(1);
  let look = 0;
  return lab.eventually(
    async () => {
      if (look > 0 && look % 30 === 0) {
        await lab.type('1');
        await lab.press('Enter');
      }
      if (look % 30 === 0) {
        // What was typed over is not offered again at its place, so each line is another one.
        await lab.type(`result_${look / 30} = `);
      }
      look += 1;
      return read();
    },
    check,
    what,
    { looks: 360 }
  );
}

test('the host stands in the status item, and its text is shown', { skip: isBroken }, async () => {
  const ghost = await typeUntil(
    () => held.lab.ghost(),
    text => text?.includes('np.linspace(0, 1, 7)'),
    () => `nothing came from the server: ${held.lab.silences}`
  );
  assert.ok(ghost);
  const { text, title } = await held.lab.status();
  assert.match(text, /→ 127\.0\.0\.1/);
  assert.match(title, /Text leaves this machine: it is sent to 127\.0\.0\.1/);
  await held.lab.page.hover('.nextedit-status button');
  await held.lab.screenshot('team-server');
});

test('a server that fails is named with what is wrong', { skip: !isBroken }, async () => {
  const { text } = await typeUntil(
    () => held.lab.status(),
    ({ title }) => /it says 500|left alone/.test(title),
    'the item does not say what is wrong'
  );
  assert.match(text, /→ 127\.0\.0\.1/);
  await held.lab.screenshot('team-server-broken');
});

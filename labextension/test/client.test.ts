import assert from 'node:assert/strict';
import { before, beforeEach, mock, test } from 'node:test';

import { PageConfig } from '@jupyterlab/coreutils';

import type { Client as ClientClass } from '../src/client';
import type { AnswerWire, ChangedRequestWire, PaceWire, RequestWire } from '../src/protocol';

/** What the server was sent, and what it answers in turn; an answer if there is nothing left. */
const sent: ChangedRequestWire[] = [];
/** As they came: a request that nobody holds may be collected, and its signal then never fires. */
const requests: Request[] = [];
const arrivals: (() => void)[] = [];
const answers: (() => Response | Promise<Response>)[] = [];
const paces: PaceWire[] = [];
/** What the server's status says in turn of its worker; it runs if there is nothing left. */
const workers: string[] = [];
let statusesAsked = 0;

const answer = (id: number): AnswerWire => ({
  id,
  bundle: 'a/1',
  suggestions: [],
  silence: {},
  timing_ms: { total: 1, queue: 0, analysis: 0, prefill: 0, decode: 0 },
  tokens: { prompt: 0, reused: 0, generated: 0, drafted: 0, accepted: 0 }
});
const json = (value: object | null, status = 200) =>
  new Response(JSON.stringify(value), { status });
const refusal = (code: string, status: number) => () =>
  json({ id: 1, error: { code, message: '' } }, status);

globalThis.fetch = async input => {
  const request = input as Request;
  if (request.url.includes('/nextedit/outcome')) {
    return json(paces.shift() ?? null);
  }
  if (!request.url.includes('/nextedit/suggest')) {
    statusesAsked++;
    const worker = workers.shift() ?? 'running';
    return json({ enabled: true, worker, bundle: 'a/1', problem: null, last_ms: 1 });
  }
  requests.push(request);
  sent.push((await request.json()) as ChangedRequestWire);
  arrivals.shift()?.();
  const aborted = new Promise<never>((_, reject) =>
    request.signal.addEventListener('abort', () => reject(new Error('aborted')))
  );
  return Promise.race([answers.shift()?.() ?? json(answer(1)), aborted]);
};

mock.timers.enable({ apis: ['setTimeout'] }); // nobody waits for the next look at the status

let Client: typeof ClientClass;

before(async () => {
  PageConfig.setOption('baseUrl', 'http://localhost:8888/');
  ({ Client } = await import('../src/client')); // takes the fetch that there is when it is loaded
});

const request = (...sources: string[]): Omit<RequestWire, 'id'> => ({
  notebook: {
    language: 'python',
    cells: sources.map((source, i) => ({ id: `c${i}`, type: 'code', source }))
  },
  cursor: { cell: 'c0', offset: 0 },
  want: ['inline']
});

function enabledClient() {
  const client = new Client();
  client.enabled = true;
  return client;
}

/** Resolves once the server has read the next request. */
const arrival = () => new Promise<void>(resolve => arrivals.push(resolve));

const cellsOf = ({ notebook }: ChangedRequestWire) => notebook.cells.map(({ source }) => source);

beforeEach(() => {
  sent.length = answers.length = requests.length = arrivals.length = 0;
});

test('after an answer only what changed is sent', async () => {
  const client = enabledClient();
  assert.ok(await client.suggest(request('a', 'b')));
  assert.ok(await client.suggest(request('ax', 'b')));
  assert.deepEqual(sent.map(cellsOf), [['a', 'b'], ['ax']]);
  assert.equal(sent[1].notebook.base, sent[0].notebook.hash);
});

test('what is read ahead is a base, too', async () => {
  const client = enabledClient();
  await client.prefill(request('a', 'b'));
  assert.ok(await client.suggest(request('ax', 'b')));
  assert.deepEqual(sent.map(cellsOf), [['a', 'b'], ['ax']]);
});

test('what is read ahead is not sent once more while a key waits for its answer', async () => {
  const client = enabledClient();
  await client.suggest(request('a', 'b'));
  let refuse!: (response: Response) => void;
  let reply!: (response: Response) => void;
  answers.push(
    () => new Promise(resolve => (refuse = resolve)),
    () => new Promise(resolve => (reply = resolve))
  );
  const arrived = [arrival(), arrival()];
  const ahead = client.prefill(request('a', 'b'));
  await arrived[0];
  const asked = client.suggest(request('ax', 'b'));
  await arrived[1];
  refuse(refusal('unknown_state', 409)());
  await ahead;
  assert.equal(sent.length, 3);
  reply(json(answer(1)));
  assert.ok(await asked);
});

test('a worker that holds nothing any more is sent everything, and answers', async () => {
  const client = enabledClient();
  await client.suggest(request('a', 'b'));
  answers.push(refusal('unknown_state', 409));
  assert.ok(await client.suggest(request('ax', 'b')));
  assert.deepEqual(sent.map(cellsOf), [['a', 'b'], ['ax'], ['ax', 'b']]);
  assert.equal(sent[2].notebook.base, undefined);
  assert.equal(client.status.problem, null);
  assert.ok(await client.suggest(request('axy', 'b')));
  assert.deepEqual(cellsOf(sent[3]), ['axy']);
});

test('it is sent everything once, not for ever', async () => {
  const client = enabledClient();
  await client.suggest(request('a'));
  answers.push(refusal('unknown_state', 409), refusal('unknown_state', 409));
  assert.equal(await client.suggest(request('ax')), null);
  assert.equal(sent.length, 3);
  assert.ok(await client.suggest(request('axy')));
  assert.equal(sent[3].notebook.base, undefined);
});

test('a request that was refused or failed is no base', async () => {
  const client = enabledClient();
  answers.push(refusal('throttled', 429), () => {
    throw new TypeError('gone');
  });
  assert.equal(await client.suggest(request('a', 'b')), null);
  assert.equal(await client.suggest(request('a', 'b')), null);
  await client.suggest(request('ax', 'b'));
  assert.deepEqual(cellsOf(sent[2]), ['ax', 'b']);
});

test('a request that a newer one supersedes comes to nothing, and is a base once it is answered', async () => {
  const client = enabledClient();
  const free: (() => void)[] = [];
  const late = () => new Promise<Response>(resolve => free.push(() => resolve(json(answer(1)))));
  answers.push(late, late);
  const arrived = [arrival(), arrival()];
  const asked = ['a', 'ax'].map(source => client.suggest(request(source, 'b')));
  await Promise.all(arrived);
  free[0]();
  assert.equal(await asked[0], null);
  assert.ok(!requests[0].signal.aborted);
  assert.equal(client.status.state, 'thinking');
  assert.ok(await client.suggest(request('axy', 'b')));
  assert.deepEqual(sent.map(cellsOf), [['a', 'b'], ['ax', 'b'], ['axy']]);
  free[1]();
  await asked[1];
});

test('of requests that stay unanswered no more than two are under way', async () => {
  const client = enabledClient();
  answers.push(...Array<() => Promise<Response>>(4).fill(() => new Promise(() => {})));
  for (const source of ['a', 'b', 'c', 'd']) {
    const arrived = arrival();
    void client.suggest(request(source));
    await arrived;
  }
  assert.deepEqual(
    requests.map(({ signal }) => signal.aborted),
    [true, true, false, false]
  );
  client.enabled = false;
  assert.ok(requests.every(({ signal }) => signal.aborted));
});

test('which cells to run again is asked in full, under another name', async () => {
  const client = enabledClient();
  await client.suggest(request('a', 'b'));
  await client.stale(request('a', 'b'), ['c0'], ['c0', 'c1']);
  const { version, changed, ran_before } = sent[1] as Partial<ChangedRequestWire>;
  assert.deepEqual([version, changed, ran_before], [undefined, ['c0'], ['c0', 'c1']]);
  assert.deepEqual(cellsOf(sent[1]), ['a', 'b']);
});

for (const [worker, times] of [
  ['stopped', 3],
  ['running', 2]
] as const) {
  test(`the status is asked for again once a worker answers that was ${worker}`, async context => {
    let now = 0;
    context.mock.method(performance, 'now', () => now);
    workers.push(worker, worker); // asked when it is enabled, and once more
    statusesAsked = 0;
    const client = enabledClient();
    await client.refresh(true);
    await client.suggest(request('a'));
    await client.suggest(request('b'));
    now = 5_000;
    mock.timers.tick(now);
    assert.equal(statusesAsked, times);
  });
}

test('the delay of a user is stretched by what the worker says, and bounded by its pause', async () => {
  const client = enabledClient();
  await client.refresh();
  assert.equal(client.pause(200), 200);
  assert.equal(client.pause(10), 50);
  paces.push({ pause_ms: 400, quiet_ms: 5000, factor: 1.5, may_infer: true, power: 'battery' });
  const pace = await client.report('rejected', 'next_edit', 'model');
  assert.equal(pace?.quiet_ms, 5000);
  assert.equal(client.pause(200), 400);
  assert.equal(client.pause(1000), 1500);
  assert.equal(client.pause(2900), 3000);
  assert.equal(await client.report('shown', 'next_edit', 'model'), null, 'no worker runs');
  assert.equal(client.pause(1000), 1500);
});

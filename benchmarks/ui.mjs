// Types in a real browser and takes its clock's times, from key to painted ghost text. Started by
// ui.py with a Lab; prints one JSON object.

import { readFileSync } from 'node:fs';

import { LabPage, openBrowser, openQuickly } from '../tests/ui/harness.mjs';

const { BENCH_PLAN } = process.env;
const { sizes, typed, delay, profile } = JSON.parse(readFileSync(BENCH_PLAN, 'utf8'));
const LONG = 8; // milliseconds; at 120 frames a second a longer task drops one

/** Runs in the page first: records keys, texts, requests and paints by the page's clock. */
function watch() {
  const notes = (window.bench = { keys: [], texts: [], requests: [], read: [], paints: [] });
  addEventListener('keydown', event => notes.keys.push(event.timeStamp), { capture: true });
  new PerformanceObserver(list => {
    for (const entry of list.getEntries()) {
      if (entry.name.includes('/nextedit/suggest')) {
        const parts = Object.fromEntries(entry.serverTiming.map(t => [t.name, t.duration]));
        const { startTime, responseEnd, transferSize } = entry;
        notes.requests.push({ startTime, responseEnd, transferSize, ...parts });
      }
    }
  }).observe({ type: 'resource' });
  performance.setResourceTimingBufferSize(100_000);
  const { fetch } = window;
  window.fetch = async (...args) => {
    const response = await fetch(...args);
    if (!response.url.includes('/nextedit/suggest')) {
      return response;
    }
    const json = response.json.bind(response);
    response.json = async () => {
      const value = await json();
      notes.read.push(performance.now());
      return value;
    };
    return response;
  };
  let shown = '';
  const painted = new MessageChannel();
  const waiting = [];
  painted.port1.onmessage = () => waiting.splice(0).forEach(note => (note.at = performance.now()));
  // After the frame with it has been composed and painted.
  const notePaint = note =>
    requestAnimationFrame(() => {
      waiting.push(note);
      painted.port2.postMessage(0);
    });
  window.benchText = shared =>
    shared.changed.connect((_, { sourceChange }) => {
      if (sourceChange) {
        const note = { has: performance.now(), at: null };
        notes.texts.push(note);
        notePaint(note);
      }
    });
  const look = () => {
    const nodes = document.querySelectorAll('.jp-GhostText:not([class*=Spacer])');
    const text = [...nodes].map(node => node.textContent).join('');
    if (text !== shown) {
      shown = text;
      if (text.trim()) {
        const note = { drawn: performance.now(), at: null, text };
        notes.paints.push(note);
        notePaint(note);
      }
    }
  };
  addEventListener('DOMContentLoaded', () =>
    new MutationObserver(look).observe(document.body, {
      subtree: true,
      childList: true,
      characterData: true
    })
  );
}

/** The main thread's tasks while `work` runs, in ms, from the browser's own trace. */
async function tasksDuring(page, work) {
  const cdp = await page.context().newCDPSession(page);
  const events = [];
  cdp.on('Tracing.dataCollected', ({ value }) => events.push(...value));
  const done = new Promise(resolve => cdp.once('Tracing.tracingComplete', resolve));
  await cdp.send('Tracing.start', {
    transferMode: 'ReportEvents',
    traceConfig: {
      includedCategories: ['toplevel', 'disabled-by-default-devtools.timeline', 'devtools.timeline']
    }
  });
  await work();
  await cdp.send('Tracing.end');
  await done;
  await cdp.detach();
  const main = new Set(
    events
      .filter(e => e.name === 'thread_name' && e.args.name === 'CrRendererMain')
      .map(e => `${e.pid}/${e.tid}`)
  );
  return events
    .filter(e => e.name === 'RunTask' && main.has(`${e.pid}/${e.tid}`) && e.dur)
    .map(e => e.dur / 1000);
}

/** The page's time while `work` runs: our functions by self time, in ms. */
async function profileOf(page, work) {
  const cdp = await page.context().newCDPSession(page);
  await cdp.send('Profiler.enable');
  await cdp.send('Profiler.setSamplingInterval', { interval: 200 });
  await cdp.send('Profiler.start');
  await work();
  const { profile } = await cdp.send('Profiler.stop');
  await cdp.detach();
  const nodes = new Map(profile.nodes.map(node => [node.id, node]));
  const parents = new Map();
  for (const node of profile.nodes) {
    for (const child of node.children ?? []) {
      parents.set(child, node.id);
    }
  }
  const isOurs = id => nodes.get(id)?.callFrame.url.includes('nextedit-jupyter');
  const own = {};
  const all = { ours: 0, all: 0 };
  profile.samples.forEach((id, i) => {
    const ms = (profile.timeDeltas[i] ?? 0) / 1000;
    const { functionName } = nodes.get(id).callFrame;
    if (functionName === '(idle)' || functionName === '(program)') {
      return;
    }
    all.all += ms;
    // A library's time counts for the function of ours that called it.
    let at = id;
    while (at !== undefined && !isOurs(at)) {
      at = parents.get(at);
    }
    if (at !== undefined) {
      all.ours += ms;
      const { functionName, lineNumber } = nodes.get(at).callFrame;
      const name = `${functionName || 'anonymous'}:${lineNumber}`;
      own[name] = (own[name] ?? 0) + ms;
    }
  });
  const top = Object.entries(own).sort((a, b) => b[1] - a[1]);
  return { ...all, top: top.slice(0, 25) };
}

const say = what => process.stderr.write(`… ${what}\n`);

async function typeText(lab, text) {
  for (const char of text) {
    await lab.page.keyboard.press(char === '\n' ? 'Enter' : char === ' ' ? 'Space' : char, {
      delay: 0
    });
    await new Promise(resolve => setTimeout(resolve, delay));
  }
}

/** A notebook of these cells. */
async function open(lab, cells) {
  await openQuickly(lab, [...cells, '']);
  await lab.page.waitForTimeout(cells.length * 5); // those out of sight are put in place bit by bit
}

/** A new, empty cell for typing at the notebook's end, in place of the existing one. */
async function begin(lab) {
  const last = await lab.inPanel(panel => {
    const { sharedModel } = panel.model;
    const last = sharedModel.cells.length - 1;
    sharedModel.transact(() => {
      sharedModel.deleteCell(last);
      sharedModel.insertCell(last, { cell_type: 'code', source: '' });
    });
    return last;
  });
  await lab.edit(0);
  await lab.edit(last);
  await lab.inPanel(panel => window.benchText(panel.content.activeCell.model.sharedModel));
  await lab.page.waitForTimeout(2_500); // the cell is read ahead
  await lab.page.evaluate(() => Object.values(window.bench).forEach(notes => notes.splice(0)));
}

async function main() {
  const browser = await openBrowser();
  const found = { browser: browser.context.browser()?.version() ?? '', sizes: [] };
  try {
    await browser.context.addInitScript(watch);
    const lab = await LabPage.open(browser.context);
    say('the first keys');
    await open(lab, sizes[0].cells);
    await begin(lab);
    await typeText(lab, typed[0]); // the worker starts, the page's code is compiled
    for (const { count, cells } of sizes) {
      say(`typing in ${count} cells`);
      await open(lab, cells);
      const runs = [];
      let tasks = [];
      for (const text of typed) {
        await begin(lab);
        tasks = tasks.concat(await tasksDuring(lab.page, () => typeText(lab, text)));
        await lab.page.waitForTimeout(500);
        runs.push(await lab.page.evaluate(() => window.bench));
      }
      const size = { count, runs, tasks: tasks.filter(ms => ms > 1) };
      if (profile) {
        await begin(lab);
        size.profile = await profileOf(lab.page, () => typeText(lab, typed[0]));
      }
      found.sizes.push(size);
    }
    // The same keys with suggestions off: what the page does by itself.
    say('the same with suggestions off');
    await lab.settings({ enabled: false });
    for (const size of found.sizes) {
      await open(lab, sizes.find(({ count }) => count === size.count).cells);
      await begin(lab);
      const tasks = await tasksDuring(lab.page, () => typeText(lab, typed[0]));
      size.tasks_off = tasks.filter(ms => ms > 1);
      await lab.page.waitForTimeout(500);
      size.runs_off = [await lab.page.evaluate(() => window.bench)];
    }
  } finally {
    await browser.close();
  }
  found.long = LONG;
  process.stdout.write(JSON.stringify(found));
}

await main();

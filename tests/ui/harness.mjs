// A browser on the Lab under test, and what a person does in it.

import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { mkdtempSync, readFileSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, afterEach, before } from 'node:test';

const require = createRequire(new URL('../../labextension/package.json', import.meta.url));
const { chromium } = require('playwright-core');

const { LAB_URL, LAB_TOKEN, LAB_FOLDER, LAB_ARTIFACTS, LAB_CHROMIUM } = process.env;
const FLAGS = [
  '--headless',
  '--no-sandbox',
  '--disable-gpu',
  '--disable-quic',
  '--no-first-run',
  '--disable-background-networking',
  '--disable-component-update',
  '--disable-sync'
];

/** A browser with a profile of its own; call `close`. */
export async function openBrowser() {
  const profile = mkdtempSync(join(tmpdir(), 'nextedit-browser-'));
  const context = await chromium.launchPersistentContext(profile, {
    executablePath: LAB_CHROMIUM,
    args: FLAGS,
    viewport: { width: 1280, height: 900 }
  });
  context.setDefaultTimeout(20_000);
  return {
    context,
    async close() {
      await context.close();
      rmSync(profile, { recursive: true, force: true, maxRetries: 3 });
    }
  };
}

/** A page for all tests of a file; each fails if our code threw on it. */
export function labForAllTests() {
  const held = {};
  before(async () => {
    held.browser = await openBrowser();
    held.lab = await LabPage.open(held.browser.context);
  });
  afterEach(() => {
    assert.deepEqual(held.lab.errors.splice(0), [], 'the page threw');
  });
  after(async () => {
    await held.browser?.close();
  });
  return held;
}

/** One page of JupyterLab, with all that was sent to our routes. */
export class LabPage {
  constructor(page) {
    this.page = page;
    this.requests = [];
    this.underWay = new Set();
    this.ranOut = false; // the newest answer had no time for ghost text
    this.silences = []; // why the newest answers have none
    page.on('request', request => {
      if (new URL(request.url()).pathname.includes('/nextedit/')) {
        this.requests.push(request);
        this.underWay.add(request);
      }
    });
    page.on('requestfailed', request => this.underWay.delete(request));
    page.on('requestfinished', async request => {
      if (this.underWay.has(request) && request.url().includes('suggest')) {
        const answer = await (await request.response())?.json().catch(() => null);
        this.ranOut = answer?.silence?.inline === 'deadline';
        this.silences = [...this.silences.slice(-9), answer?.silence?.inline ?? 'none'];
      }
      this.underWay.delete(request);
    });
    this.errors = [];
    page.on('pageerror', error => {
      // Those of the front end itself are not ours to judge.
      if (error.stack?.includes('/nextedit-jupyter/')) {
        this.errors.push(error.stack);
      }
    });
  }

  static async open(context, address) {
    const lab = new LabPage(await context.newPage());
    await lab.load(address);
    return lab;
  }

  async load(address = `lab/workspaces/${randomUUID()}?reset`) {
    const mark = address.includes('?') ? '&' : '?';
    const url = `${LAB_URL}/${address}${mark}token=${LAB_TOKEN}`;
    await this.page.goto(url, { waitUntil: 'commit', timeout: 60_000 });
    await this.page.waitForFunction(() => window.jupyterapp?.restored, null, {
      timeout: 60_000
    });
    await this.page.evaluate(async () => {
      await window.jupyterapp.restored;
      window.executed = [];
      window.jupyterapp.commands.commandExecuted.connect((_, { id }) => window.executed.push(id));
    });
  }

  /** Close everything without a question, its kernels too. */
  closeAll() {
    return this.page.evaluate(async () => {
      for (const widget of [...window.jupyterapp.shell.widgets('main')]) {
        if (widget.context?.model) {
          widget.context.model.dirty = false;
          await widget.sessionContext?.shutdown();
        }
        widget.close();
      }
    });
  }

  command(id, args = {}) {
    return this.page.evaluate(
      async ([id, args]) => {
        await window.jupyterapp.commands.execute(id, args);
      },
      [id, args]
    );
  }

  /** Open a notebook with these cells, its kernel ready; other notebooks are closed. */
  async openNotebook(name, cells, { path = `${name}-${randomUUID().slice(0, 8)}.ipynb` } = {}) {
    writeNotebook(path, cells);
    await this.closeAll();
    await this.command('docmanager:open', { path, factory: 'Notebook' });
    await this.waitForNotebook(path);
    return path;
  }

  waitForNotebook(path) {
    return this.page.waitForFunction(
      path => {
        const panel = window.jupyterapp.shell.currentWidget;
        return (
          panel?.context?.path === path &&
          panel.context.isReady &&
          panel.sessionContext.session?.kernel?.status === 'idle'
        );
      },
      path,
      { timeout: 60_000 }
    );
  }

  /** Everything from here on is evaluated with the current notebook's panel. */
  inPanel(work, argument) {
    return this.page.evaluate(
      ([source, argument]) =>
        new Function('panel', 'argument', `return (${source})(panel, argument)`)(
          window.jupyterapp.shell.currentWidget,
          argument
        ),
      [work.toString(), argument]
    );
  }

  sources() {
    return this.inPanel(panel => panel.model.sharedModel.cells.map(cell => cell.getSource()));
  }

  source(index) {
    return this.inPanel((panel, i) => panel.model.sharedModel.cells[i].getSource(), index);
  }

  activeCell() {
    return this.inPanel(panel => panel.content.activeCellIndex);
  }

  isInView(index) {
    return this.inPanel((panel, index) => {
      const cell = panel.content.widgets[index].node;
      if (!cell.isConnected) {
        return false;
      }
      const [inner, outer] = [cell, panel.content.node].map(node => node.getBoundingClientRect());
      return inner.height > 0 && inner.top < outer.bottom && inner.bottom > outer.top;
    }, index);
  }

  caret() {
    return this.inPanel(panel => panel.content.activeCell.editor.editor.state.selection.main.head);
  }

  /** Put the caret into a cell as a click would; `offset` counts from the end if negative. */
  async edit(index, offset = -1) {
    await this.inPanel(
      async (panel, [index, offset]) => {
        await panel.content.scrollToItem(index);
        const cell = panel.content.widgets[index];
        await cell.ready;
        panel.content.activeCellIndex = index;
        const view = cell.editor.editor;
        const at = offset < 0 ? view.state.doc.length + 1 + offset : offset;
        view.dispatch({ selection: { anchor: at } });
        panel.content.mode = 'edit';
        view.focus();
      },
      [index, offset]
    );
  }

  async select(index, from, to) {
    await this.edit(index, from);
    await this.inPanel(
      (panel, [from, to]) =>
        panel.content.activeCell.editor.editor.dispatch({
          selection: { anchor: from, head: to }
        }),
      [from, to]
    );
  }

  type(text) {
    return this.page.keyboard.type(text, { delay: 25 });
  }

  press(key) {
    if (key === 'Escape') {
      this.escapedAt = Date.now();
    }
    return this.page.keyboard.press(key);
  }

  /** Wait until the quiet after an Escape is over. */
  async calm() {
    const left = (this.escapedAt ?? 0) + 5_200 - Date.now();
    await new Promise(resolve => setTimeout(resolve, Math.max(0, left)));
  }

  /** Run every cell; the outcome of each is 'ok', 'error' or null. */
  async runAll() {
    await this.command('notebook:run-all-cells');
    await this.settled();
    return this.outcomes();
  }

  /** Run one cell as a person does, and wait for its end. */
  async run(index) {
    await this.inPanel((panel, index) => (panel.content.activeCellIndex = index), index);
    await this.command('notebook:run-cell');
    await this.settled();
  }

  /** What stands below a cell. */
  output(index) {
    return this.inPanel(
      (panel, index) => panel.content.widgets[index].outputArea.node.innerText,
      index
    );
  }

  /** A notebook with a name that was changed in a cell that ran twice; `line` is its last cell. */
  async openRenamed(name, line) {
    await this.openNotebook(name, [
      '%load_ext nextedit_jupyter',
      'total = 41',
      'print(total)',
      line
    ]);
    for (const index of [0, 1, 2]) {
      await this.run(index);
    }
    await this.inPanel(panel => panel.model.sharedModel.cells[1].setSource('amount = 41'));
    await this.run(1);
  }

  restartKernel() {
    return this.inPanel(panel => panel.sessionContext.session.kernel.restart());
  }

  settled() {
    return this.page.waitForFunction(() => {
      const panel = window.jupyterapp.shell.currentWidget;
      return (
        panel.sessionContext.session?.kernel?.status === 'idle' &&
        panel.content.widgets.every(cell => cell.model.executionState !== 'running')
      );
    });
  }

  outcomes() {
    return this.inPanel(panel =>
      panel.model.sharedModel.cells.map(cell =>
        cell.cell_type !== 'code'
          ? null
          : cell.outputs.some(output => output.output_type === 'error')
            ? 'error'
            : 'ok'
      )
    );
  }

  /** Wait until `check` holds of what `read` gives; says what it was if it never does.
   *  `what` is a text, or gives one once it has failed. */
  async eventually(read, check, what = 'it never came true', { looks = 150, pause = 100 } = {}) {
    let value;
    for (let i = 0; i < looks; i++) {
      value = await read();
      if (check(value)) {
        return value;
      }
      await new Promise(resolve => setTimeout(resolve, pause));
    }
    assert.fail(`${typeof what === 'string' ? what : what()}: ${JSON.stringify(value)}`);
  }

  ghost() {
    return this.page.evaluate(() =>
      // Spacers keep the room of ghost text that is gone.
      [...document.querySelectorAll('.jp-GhostText:not([class*=Spacer])')]
        .map(node => node.textContent)
        .join('')
    );
  }

  /** What a worker has no time for, while it loads its model, is asked for once more. */
  waitForGhost() {
    return this.eventually(
      async () => {
        const text = await this.ghost();
        if (this.ranOut && text.trim() === '') {
          this.ranOut = false;
          await this.command('inline-completer:invoke');
        }
        return text;
      },
      text => text.trim() !== '',
      () => `no ghost text: ${this.silences}`,
      { looks: 300 }
    );
  }

  /** Wait until each request to our routes has its answer: what is shown then stays. */
  answered() {
    return this.eventually(
      () => this.underWay.size,
      count => count === 0,
      'no answer'
    );
  }

  /** Places drawn: cell index, old text, new text. */
  places() {
    return this.inPanel(panel =>
      panel.content.widgets.flatMap((cell, index) =>
        [...cell.node.querySelectorAll('.nextedit-place')].map(node => ({
          cell: index,
          text: node.querySelector('.nextedit-new')?.textContent ?? '',
          key: node.querySelector('.nextedit-key')?.textContent ?? ''
        }))
      )
    );
  }

  /** Where Tab goes, as it is said beside the caret's line. */
  hint() {
    return this.inPanel(
      panel => panel.node.querySelector('.nextedit-hint:not([hidden])')?.textContent ?? ''
    );
  }

  async closeDialogs() {
    for (let i = 0; i < 5 && (await this.page.$('.jp-Dialog')); i++) {
      await this.page.click('.jp-Dialog .jp-mod-reject');
      await this.page.waitForSelector('.jp-Dialog', { state: 'detached' });
    }
  }

  /** What screen readers were told last. */
  live() {
    return this.page.$eval('.nextedit-live', node => node.textContent);
  }

  /** The commands executed since this was asked last. */
  executed() {
    return this.page.evaluate(() => window.executed.splice(0));
  }

  /** Whether the completer's popup is open. */
  popup() {
    return this.page.evaluate(
      () => document.querySelector('.jp-Completer:not(.lm-mod-hidden) .jp-Completer-item') !== null
    );
  }

  /** Whether the active editor is marked as having ghost text, and whether it has. */
  ghostClass() {
    return this.inPanel(panel => {
      const { node } = panel.content.activeCell;
      const ghosts = [...node.querySelectorAll('.jp-GhostText:not([class*=Spacer])')];
      return {
        isActive: node.querySelector('.jp-mod-inline-completer-active') !== null,
        isShown: ghosts.some(ghost => ghost.textContent.trim() !== '')
      };
    });
  }

  waitForPlaces(count = 1) {
    return this.eventually(
      () => this.places(),
      places => places.length >= count,
      'no places'
    );
  }

  status() {
    return this.page.evaluate(() => {
      const node = document.querySelector('.nextedit-status button');
      return {
        text: node?.textContent,
        title: node?.title,
        state: node?.dataset.state
      };
    });
  }

  /** The labels in the status item's menu, which is left open. */
  async openMenu() {
    await this.page.click('.nextedit-status button');
    await this.page.waitForSelector('.nextedit-menu');
    return this.page.$$eval(
      '.nextedit-menu .lm-Menu-item:not(.lm-mod-hidden) .lm-Menu-itemLabel',
      nodes => nodes.map(node => node.textContent).filter(Boolean)
    );
  }

  async chooseInMenu(label) {
    await this.openMenu();
    await this.page.click(`.nextedit-menu .lm-Menu-item:has-text("${label}")`);
    await this.page.waitForSelector('.nextedit-menu', { state: 'detached' });
  }

  /** What the notifications on the page say. */
  toasts() {
    return this.page.$$eval('.Toastify__toast', nodes => nodes.map(node => node.textContent));
  }

  async waitForStatus(state) {
    return this.eventually(
      () => this.status(),
      status => status.state === state,
      'status'
    );
  }

  /** Waits until the status item is in this state and its title says so. */
  async waitForReason(state, reason) {
    return this.eventually(
      () => this.status(),
      status => status.state === state && reason.test(status.title),
      `no title like ${reason}`
    );
  }

  asked() {
    return this.requests.filter(request => request.url().includes('suggest'));
  }

  /** Whether nothing was asked for half a second. */
  async quiet() {
    const before = this.requests.length;
    await new Promise(resolve => setTimeout(resolve, 500));
    return this.requests.length === before;
  }

  /** Store our settings as the settings editor does, and load the page anew. */
  async settings(values) {
    await this.page.evaluate(
      values =>
        window.jupyterapp.serviceManager.settings.save(
          'nextedit-jupyter:plugin',
          JSON.stringify(values)
        ),
      values
    );
    await this.load();
  }

  /** Change one of our settings, as the settings editor does: it takes effect at once.
   *  Without a value it has its default again. */
  setting(key, value) {
    return this.page.evaluate(
      async ([key, value]) => {
        const app = window.jupyterapp;
        const tokens = [...app.pluginRegistry._services.keys()];
        const token = tokens.find(({ name }) => name.endsWith(':ISettingRegistry'));
        const registry = await app.resolveOptionalService(token);
        const plugin = 'nextedit-jupyter:plugin';
        await (value === undefined
          ? registry.remove(plugin, key)
          : registry.set(plugin, key, value));
      },
      [key, value]
    );
  }

  /** Change JupyterLab's theme, and wait until it is there. */
  async inTheme(theme) {
    await this.command('apputils:change-theme', { theme });
    await this.page.waitForFunction(name => document.body.dataset.jpThemeName === name, theme);
    await this.page.waitForSelector('#jupyterlab-splash', { state: 'detached' });
  }

  async screenshot(name) {
    await this.page.screenshot({ path: join(LAB_ARTIFACTS, `${name}.png`) });
  }
}

/** Open a notebook without a kernel: much quicker. */
export async function openQuickly(
  lab,
  cells,
  { path = `quick-${randomUUID().slice(0, 8)}.ipynb` } = {}
) {
  writeNotebook(path, cells);
  await lab.closeAll();
  await lab.command('docmanager:open', {
    path,
    factory: 'Notebook',
    kernelPreference: { shouldStart: false, autoStartDefault: false }
  });
  await lab.page.waitForFunction(path => {
    const panel = window.jupyterapp.shell.currentWidget;
    return panel?.context?.path === path && panel.context.isReady && panel.content.activeCell;
  }, path);
  return path;
}

/** The processes of this server's worker. */
export function workers() {
  return readdirSync('/proc').filter(pid => {
    try {
      const line = /^\d+$/.test(pid) ? readFileSync(`/proc/${pid}/cmdline`, 'utf8') : '';
      return line.includes('nextedit_jupyter.worker') && line.includes(process.env.LAB_RUNTIME);
    } catch {
      return false; // it is gone
    }
  });
}

/** Write a notebook into the server's folder; the ids of its cells are those of `like`, if given. */
export function writeNotebook(path, cells, { like } = {}) {
  const written = notebook(cells);
  if (like !== undefined) {
    const ids = JSON.parse(readFileSync(join(LAB_FOLDER, like), 'utf8')).cells.map(cell => cell.id);
    written.cells.forEach((cell, i) => (cell.id = ids[i]));
  }
  writeFileSync(join(LAB_FOLDER, path), JSON.stringify(written));
}

/** nbformat 4.5 of sources; a cell may be an object with `type`, `source`, `tags`, `metadata`. */
export function notebook(cells) {
  return {
    nbformat: 4,
    nbformat_minor: 5,
    metadata: {
      kernelspec: {
        name: 'python3',
        display_name: 'Python 3',
        language: 'python'
      },
      language_info: { name: 'python' }
    },
    cells: cells.map((cell, i) => {
      const {
        type = 'code',
        source,
        tags,
        metadata = {}
      } = typeof cell === 'string' ? { source: cell } : cell;
      return {
        id: `cell-${i}-${randomUUID().slice(0, 8)}`,
        cell_type: type,
        source,
        metadata: tags ? { ...metadata, tags } : metadata,
        ...(type === 'code' ? { outputs: [], execution_count: null } : {})
      };
    })
  };
}

export { assert };

/** The contrast ratio of a text on all that lies behind it, by WCAG 2. */
export function contrastOf(page, selector) {
  return page.$eval(selector, node => {
    const brush = Object.assign(document.createElement('canvas'), {
      width: 1,
      height: 1
    });
    const context = brush.getContext('2d');
    const parents = [];
    for (let at = node; at; at = at.parentElement) {
      parents.unshift(getComputedStyle(at));
    }
    let opacity = 1; // of an element and all that it is in
    const layers = parents.map(style => {
      opacity *= Number(style.opacity);
      return [style.backgroundColor, opacity];
    });
    layers.push([parents.at(-1).color, opacity]);
    const luminance = painted => {
      for (const [colour, alpha] of [['white', 1], ...painted]) {
        context.globalAlpha = alpha;
        context.fillStyle = colour;
        context.fillRect(0, 0, 1, 1);
      }
      const [r, g, b] = [...context.getImageData(0, 0, 1, 1).data].map(value =>
        value <= 10 ? value / 255 / 12.92 : ((value / 255 + 0.055) / 1.055) ** 2.4
      );
      return 0.2126 * r + 0.7152 * g + 0.0722 * b;
    };
    const [dark, light] = [luminance(layers), luminance(layers.slice(0, -1))].sort((a, b) => a - b);
    return (light + 0.05) / (dark + 0.05);
  });
}

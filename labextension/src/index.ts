/** The plugin: wires notebooks, editors, completer, commands, status item and sidebar together. */

import type { JupyterFrontEnd, JupyterFrontEndPlugin } from '@jupyterlab/application';
import { ICommandPalette, InputDialog, Notification } from '@jupyterlab/apputils';
import { IEditorExtensionRegistry } from '@jupyterlab/codemirror';
import { ICompletionProviderManager } from '@jupyterlab/completer';
import { INotebookTracker, NotebookActions } from '@jupyterlab/notebook';
import { ILauncher } from '@jupyterlab/launcher';
import { ISettingRegistry } from '@jupyterlab/settingregistry';
import { IStatusBar } from '@jupyterlab/statusbar';
import type { TranslationBundle } from '@jupyterlab/translation';
import { ITranslator, nullTranslator } from '@jupyterlab/translation';
import type { CommandRegistry } from '@lumino/commands';

import { bundleOf, setBundle } from './cells';
import { Client } from './client';
import { takeEscape } from './consoles';
import { cellIdOf } from './documents';
import type { EditorHost } from './editor';
import { editorExtension } from './editor';
import { isGhostShown } from './ghost';
import { InlineProvider } from './inline';
import { keyNames } from './keyNames';
import { LargerModel } from './largerModel';
import { isKeyword, isName } from './names';
import { Pace } from './pace';
import { SuggestionsPanel } from './panel';
import { RecentPaths } from './recentPaths';
import { askForName } from './renameDialog';
import { whyNot } from './requests';
import type { NotebookSession } from './session';
import { Sessions } from './sessions';
import { SettingsStore } from './settingsStore';
import { Sights } from './sights';
import { StatusItem } from './statusItem';
import { telling } from './telling';
import { addStatusMenu } from './statusMenu';
import { pauseOf, switchOf } from './switches';
import { CommandIDs, DEFAULTS, PLUGIN_ID } from './tokens';
import { offerTour } from './tour';

const plugin: JupyterFrontEndPlugin<void> = {
  id: PLUGIN_ID,
  description: 'Local next-edit suggestions: ghost text, next edits, renames over all cells.',
  autoStart: true,
  requires: [INotebookTracker, IEditorExtensionRegistry, ICompletionProviderManager],
  optional: [ISettingRegistry, ICommandPalette, ITranslator, IStatusBar, ILauncher],
  activate
};

export default plugin;

function activate(
  app: JupyterFrontEnd,
  notebooks: INotebookTracker,
  editors: IEditorExtensionRegistry,
  completers: ICompletionProviderManager,
  registry: ISettingRegistry | null,
  palette: ICommandPalette | null,
  translator: ITranslator | null,
  statusBar: IStatusBar | null,
  launcher: ILauncher | null
): void {
  const trans = (translator ?? nullTranslator).load('nextedit_jupyter');
  const client = new Client();
  const live = liveRegion();
  const shared = {
    client,
    pace: new Pace(),
    settings: { ...DEFAULTS },
    recent: new RecentPaths(),
    sights: new Sights(),
    others: {
      contents: app.serviceManager.contents,
      open: () => sessions.openTexts,
      reveal: (path: string) => void app.commands.execute('docmanager:open', { path })
    },
    trans,
    keys: (at: Element | null) =>
      keyNames(app.commands.keyBindings, selector => !!at?.closest(selector)),
    announce: (message: string) => {
      live.textContent = message;
    },
    tell: telling(message => {
      live.textContent = message;
      const text = `${trans.__('Next Edit')}: ${message}`;
      return Notification.emit(text, 'info', { autoClose: 4000 });
    }, Notification.dismiss)
  };
  const sessions = new Sessions(app, notebooks, shared);
  // Registered now, because the completer gives no settings to providers registered later.
  const inline = new InlineProvider(shared, new Pace(), widget => sessions.of(widget));
  completers.registerInlineProvider(inline);
  const host = editorHost(sessions, inline);
  editors.addExtension(editorExtension(host));
  sessions.onConsole = widget => takeEscape(widget, (model, view) => host.escape(model, view));

  const settings = new SettingsStore(shared, sessions);
  void settings.load(registry).then(() => {
    if (settings.isTourDue) {
      void offerTour(app, trans, () => settings.set('tourOffered', true));
    }
  });
  app.serviceManager.contents.fileChanged.connect((_, { type, oldValue, newValue }) => {
    if (type === 'rename' || type === 'delete') {
      settings.moved(oldValue?.path ?? '', (type === 'rename' && newValue?.path) || null);
    }
  });
  const pause = pauseOf(client, sessions, inline);

  const panel = new SuggestionsPanel(trans, {
    runStale: () => void app.commands.execute(CommandIDs.runStale)
  });
  app.shell.add(panel, 'right', { rank: 900 });
  const followCurrent = () => panel.follow(sessions.current);
  notebooks.currentChanged.connect(followCurrent);
  app.shell.currentChanged?.connect(followCurrent);
  sessions.onAdded = () => {
    followCurrent();
    sessions.onLook();
  };

  const openMenu = addStatusMenu({
    app,
    client,
    pause,
    larger: new LargerModel(client, trans),
    trans,
    palette,
    launcher,
    notebook: () => switchOf(sessions.current, settings),
    tell: shared.tell
  });
  const status = new StatusItem(client, pause, trans, openMenu, () => {
    const current = app.shell.currentWidget;
    const session = current && sessions.of(current);
    return session ? session.notServed : 'no-notebook';
  });
  const look = () => status.refresh();
  app.shell.currentChanged?.connect(look);
  notebooks.activeCellChanged.connect(look);
  sessions.onLook = look;
  if (statusBar) {
    statusBar.registerStatusItem(PLUGIN_ID, { item: status, align: 'right', rank: 100 });
  } else {
    status.id = 'nextedit-status';
    app.shell.add(status, 'menu', { rank: 900 }); // Notebook 7 has no status bar
  }

  addCommands({
    app,
    sessions,
    inline,
    settings,
    client,
    panel,
    trans,
    palette,
    tell: shared.tell
  });

  app.commands.commandExecuted.connect((_, { id }) => {
    if (id === 'notebook:enter-command-mode') {
      inline.dismiss(null);
    }
  });
  NotebookActions.executed.connect((_, { notebook, cell, success, error }) => {
    if (!success && !error?.errorName) {
      return; // an earlier cell failed, so this one did not run
    }
    const open = notebooks.find(candidate => candidate.content === notebook);
    if (open) {
      sessions.of(open)?.executed(cell.model.sharedModel.getId(), success);
    }
  });
}

function editorHost(sessions: Sessions, inline: InlineProvider): EditorHost {
  return {
    attached(model, view) {
      // Not while the editor is being constructed.
      queueMicrotask(() => {
        if (view.dom.isConnected || view.dom.parentElement) {
          sessions.ofCell(model.sharedModel)?.editorCame();
        }
      });
    },
    detached() {},
    beforeTransaction(model, transaction) {
      const session = sessions.ofCell(model.sharedModel);
      if (!session || !transaction.docChanged) {
        return null;
      }
      if (transaction.isUserEvent('input.paste') || transaction.isUserEvent('input.drop')) {
        session.recorder.announce(cellIdOf(model.sharedModel), 'pasted');
      }
      return inline.beforeTransaction(session, model, transaction);
    },
    caretMoved(model) {
      sessions.ofCell(model.sharedModel)?.caretMoved();
    },
    ghostChanged(model) {
      sessions.ofCell(model.sharedModel)?.ghostChanged();
    },
    tab(model, view) {
      const session = sessions.ofCell(model.sharedModel);
      return !!session?.isTabOurs(view) && !isGhostShown(view) && session.tab();
    },
    escape(model, view) {
      if (isGhostShown(view)) {
        inline.dismiss(view);
        return true;
      }
      return sessions.ofCell(model.sharedModel)?.dismiss() ?? false;
    },
    acceptPart(model, view, part) {
      const session = sessions.ofCell(model.sharedModel);
      return !!session && isGhostShown(view) && inline.acceptPart(session, part);
    }
  };
}

interface CommandParts {
  app: JupyterFrontEnd;
  sessions: Sessions;
  inline: InlineProvider;
  settings: SettingsStore;
  client: Client;
  panel: SuggestionsPanel;
  trans: TranslationBundle;
  palette: ICommandPalette | null;
  tell(message: string): void;
}

function addCommands(parts: CommandParts): void {
  const { app, sessions, inline, settings, client, panel, trans, palette, tell } = parts;
  const { commands } = app;
  const hasPending = () => !!sessions.current?.pending;
  const category = trans.__('Next Edit');

  const add = (
    id: string,
    label: CommandRegistry.CommandFunc<string> | string,
    execute: () => unknown,
    isEnabled: () => boolean = () => true,
    isToggled?: () => boolean
  ) => {
    commands.addCommand(id, {
      label,
      isEnabled,
      ...(isToggled ? { isToggled, isToggleable: true } : {}),
      execute: () => execute() as Promise<void>,
      describedBy: { args: { type: 'object', properties: {} } }
    });
    palette?.addItem({ command: id, category });
  };

  add(
    CommandIDs.toggle,
    args =>
      args.isMenu ? trans.__('Suggestions in All Notebooks') : trans.__('Toggle Suggestions'),
    () => settings.toggle(),
    undefined,
    () => client.enabled
  );
  commands.addCommand(CommandIDs.tab, {
    label: trans.__('Go to the Next Place, or Accept It'),
    execute: () => sessions.current?.tab(),
    describedBy: { args: { type: 'object', properties: {} } }
  });
  commands.addCommand(CommandIDs.dismissGhost, {
    label: trans.__('Dismiss the Ghost Text'),
    execute: () => inline.dismiss(sessions.current?.activeView ?? null),
    describedBy: { args: { type: 'object', properties: {} } }
  });
  add(
    CommandIDs.jump,
    trans.__('Go to the Next Place'),
    () => sessions.current?.jump(),
    hasPending
  );
  add(
    CommandIDs.accept,
    trans.__('Accept Next Place'),
    () => sessions.current?.accept(),
    hasPending
  );
  add(
    CommandIDs.acceptAll,
    trans.__('Accept All Places'),
    () => sessions.current?.acceptAll(),
    hasPending
  );
  add(
    CommandIDs.dismiss,
    trans.__('Dismiss the Suggestion'),
    () => sessions.current?.dismiss(),
    hasPending
  );
  add(
    CommandIDs.suggest,
    trans.__('Suggest Next Edits Now'),
    () => sessions.current?.suggest(),
    () => sessions.current !== null
  );
  add(
    CommandIDs.undoAccept,
    trans.__('Undo Last Accept (All Cells)'),
    () => sessions.current?.undoAccept(),
    () => !!sessions.current?.canUndo
  );
  add(CommandIDs.openPanel, trans.__('Show the Suggestions Panel'), () => {
    app.shell.activateById(panel.id);
    panel.activate();
  });
  add(
    CommandIDs.runStale,
    trans.__('Run Out-of-Date Cells in Order'),
    () =>
      runStale(sessions.current, () => tell(trans.__('there was no answer, so nothing was run'))),
    () => !!sessions.current?.staleCells.length
  );
  add(
    CommandIDs.rename,
    trans.__('Rename in All Cells…'),
    async () => {
      const session = sessions.current;
      const name = session && nameAtCaret(session);
      const problem = session && whyNoRename(session, name, trans);
      if (!session || !name || problem) {
        tell(problem || whyNot('no-notebook', trans));
        return;
      }
      const choice = await askForName(session, name, trans);
      session.focusEditor();
      if (!choice) {
        return;
      }
      session.offer([choice.pending]);
      if (choice.preview) {
        app.shell.activateById(panel.id);
        panel.activate();
      } else {
        session.acceptAll();
      }
    },
    () => sessions.current !== null
  );
  add(
    CommandIDs.chooseBundle,
    trans.__('Choose the Model for This Notebook…'),
    () => chooseBundle(sessions.current, client, trans),
    () => client.enabled && !!sessions.current?.panel && client.bundles.length > 0
  );
  const part = (which: 'word' | 'line') => () => {
    const session = sessions.current;
    if (session) {
      inline.acceptPart(session, which);
    }
  };
  add(CommandIDs.acceptWord, trans.__('Accept Next Word of Ghost Text'), part('word'));
  add(CommandIDs.acceptLine, trans.__('Accept Next Line of Ghost Text'), part('line'));
}

/** Choose the model for a notebook, regardless of its cells' languages; stored in its metadata. */
async function chooseBundle(
  session: NotebookSession | null,
  client: Client,
  trans: TranslationBundle
): Promise<void> {
  if (!session) {
    return;
  }
  const automatic = trans.__('By the language of each cell');
  const items = client.bundles.map(({ label, language }) => `${label} (${language})`);
  const now = client.bundles.findIndex(({ id }) => id === bundleOf(session.notebook));
  const choice = await InputDialog.getItem({
    title: trans.__('The model for this notebook'),
    items: [automatic, ...items],
    current: now + 1
  });
  if (choice.button.accept && choice.value !== null) {
    setBundle(session.notebook, client.bundles[items.indexOf(choice.value)]?.id ?? null);
  }
}

async function runStale(session: NotebookSession | null, noAnswer: () => void): Promise<void> {
  const panel = session?.panel;
  if (!panel) {
    return;
  }
  const { content, sessionContext } = panel;
  const ids = await session.cellsToRun();
  if (ids === null) {
    noAnswer();
    return;
  }
  const cells = ids
    .map(id => content.widgets.find(cell => cell.model.sharedModel.getId() === id))
    .filter(cell => cell !== undefined);
  await NotebookActions.runCells(content, cells, sessionContext);
}

/** The name that the caret is in, or just after. */
function nameAtCaret(session: NotebookSession): string | null {
  const state = session.activeView?.state;
  if (!state) {
    return null;
  }
  const word = state.wordAt(state.selection.main.head);
  const text = word ? state.sliceDoc(word.from, word.to) : '';
  return isName(text) ? text : null;
}

/** Why the word at the caret cannot be renamed; null if it can. */
function whyNoRename(
  session: NotebookSession,
  name: string | null,
  trans: TranslationBundle
): string | null {
  const reason = session.notServed;
  if (reason !== null) {
    return whyNot(reason, trans);
  }
  if (name === null) {
    return trans.__('put the caret on a name to rename it');
  }
  return session.language === 'python' && isKeyword(name)
    ? trans.__('`%1` is a Python keyword', name)
    : null;
}

/** The live region for screen readers. */
function liveRegion(): HTMLElement {
  const node = document.createElement('div');
  node.className = 'nextedit-live';
  node.setAttribute('role', 'status');
  node.setAttribute('aria-live', 'polite');
  document.body.appendChild(node);
  return node;
}

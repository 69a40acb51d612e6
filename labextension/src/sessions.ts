/** The sessions of all open documents, and the current one. */

import type { JupyterFrontEnd } from '@jupyterlab/application';
import type { INotebookTracker } from '@jupyterlab/notebook';
import { NotebookPanel } from '@jupyterlab/notebook';
import type { Widget } from '@lumino/widgets';

import { ConsoleSurface } from './consoles';
import { ownerOf } from './documents';
import type { OpenText } from './elsewhere';
import type { ConsoleWidget } from './openTexts';
import { fileLanguage, followOpenTexts, isConsole, isFileEditor } from './openTexts';
import type { Shared } from './shared';
import { NotebookSession } from './session';
import type { Surface } from './surfaces';
import { FileSurface, NotebookSurface } from './surfaces';

/** One session per document: a notebook, a file or a console. */
export class Sessions {
  onAdded: () => void = () => {};
  onConsole: (widget: ConsoleWidget) => void = () => {};
  /** What may be offered has changed. */
  onLook: () => void = () => {};
  private readonly known = new Map<object, NotebookSession>();

  constructor(
    private readonly app: JupyterFrontEnd,
    private readonly notebooks: INotebookTracker,
    private readonly shared: Shared
  ) {
    followOpenTexts(app, widget => {
      this.of(widget);
      this.onAdded();
      this.onLook();
    });
    notebooks.widgetAdded.connect((_, panel) => {
      void panel.context.ready.then(() => {
        if (!panel.isDisposed) {
          this.of(panel);
          this.onAdded();
        }
      });
    });
  }

  get all(): NotebookSession[] {
    return [...this.known.values()];
  }

  get current(): NotebookSession | null {
    const current = this.app.shell.currentWidget;
    const panel = this.notebooks.currentWidget;
    return (current && this.of(current)) ?? (panel ? this.of(panel) : null);
  }

  /** The documents that a rename can change. */
  get openTexts(): OpenText[] {
    return this.all.flatMap(session => session.openText ?? []);
  }

  /** The session of a widget's document; null if it is not supported, or not there yet. */
  of(widget: Widget): NotebookSession | null {
    if (widget.isDisposed) {
      return null;
    }
    if (widget instanceof NotebookPanel) {
      const document = widget.context.isReady ? widget.model?.sharedModel : null;
      return document ? this.held(document, widget, () => new NotebookSurface(widget)) : null;
    }
    if (isFileEditor(widget) && widget.context.isReady) {
      const language = (file: typeof widget) => fileLanguage(this.app.docRegistry, file);
      const document = widget.context.model.sharedModel;
      return this.held(document, widget, () => new FileSurface(widget, language));
    }
    if (isConsole(widget)) {
      return this.held(widget.console, widget, () => {
        this.onConsole(widget);
        return new ConsoleSurface(widget);
      });
    }
    return null;
  }

  private held(document: object, widget: Widget, surface: () => Surface): NotebookSession {
    let session = this.known.get(document);
    if (!session) {
      session = new NotebookSession(surface(), this.shared);
      this.known.set(document, session);
      session.disposed.connect(() => this.known.delete(document));
      session.changed.connect(() => this.onLook());
    }
    session.add(widget);
    return session;
  }

  /** The session that this editor's text belongs to. */
  ofCell(model: object): NotebookSession | null {
    return this.known.get(ownerOf(model)) ?? null;
  }
}

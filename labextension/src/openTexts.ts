/**
 * Which widgets of the shell are file editors and consoles. They are recognised by their
 * properties, not by trackers, which an application may lack.
 */

import type { EditorView } from '@codemirror/view';
import type { ISharedFile } from '@jupyter/ydoc';
import type { JupyterFrontEnd } from '@jupyterlab/application';
import type { ISessionContext } from '@jupyterlab/apputils';
import type { Cell, CodeCell } from '@jupyterlab/cells';
import type { CodeEditor } from '@jupyterlab/codeeditor';
import type { CodeMirrorEditor } from '@jupyterlab/codemirror';
import type { NotebookPanel } from '@jupyterlab/notebook';
import type { ISignal } from '@lumino/signaling';
import type { Widget } from '@lumino/widgets';

/** A document in JupyterLab's text editor. */
export interface FileWidget extends Widget {
  readonly context: Pick<
    NotebookPanel['context'],
    'path' | 'localPath' | 'isReady' | 'ready' | 'contentsModel' | 'save'
  > & { readonly model: { readonly readOnly: boolean; readonly sharedModel: ISharedFile } };
  readonly content: Widget & { readonly editor: CodeEditor.IEditor };
}

export function isFileEditor(widget: Widget | null): widget is FileWidget {
  const file = widget as Partial<FileWidget> | null;
  return (
    file?.context?.model !== undefined &&
    file.content?.editor?.model !== undefined &&
    typeof file.context.model.sharedModel?.getSource === 'function'
  );
}

/** A widget that shows a code console. */
export interface ConsoleWidget extends Widget {
  readonly sessionContext: ISessionContext;
  readonly console: Widget & {
    /** Null before the first prompt. */
    readonly promptCell: CodeCell | null;
    /** All cells above the prompt, including the banner. */
    readonly cells: Iterable<Cell>;
    readonly promptCellCreated: ISignal<unknown, CodeCell>;
    /** A cell has finished running. */
    readonly executed: ISignal<unknown, unknown>;
  };
}

export function isConsole(widget: Widget | null): widget is ConsoleWidget {
  const { console, sessionContext } = (widget as Partial<ConsoleWidget> | null) ?? {};
  return (
    sessionContext !== undefined &&
    console?.promptCellCreated !== undefined &&
    console.cells !== undefined
  );
}

export function editorViewOf(editor: CodeEditor.IEditor | null): EditorView | null {
  const mirror = editor as CodeMirrorEditor | null;
  return mirror && !mirror.isDisposed ? (mirror.editor ?? null) : null;
}

/** The language of a file: Python by its type or the user's setting, otherwise its type's name. */
export function fileLanguage(registry: JupyterFrontEnd['docRegistry'], widget: FileWidget): string {
  if (/^text\/x-(?:i?python|python3)$/.test(widget.content.editor.model.mimeType)) {
    return 'python';
  }
  const [type] = registry.getFileTypesForPath(widget.context.path);
  return type && type.name !== 'python' ? type.name : 'text';
}

/** Call `found` with each file editor and console, now and as they are opened. */
export function followOpenTexts(app: JupyterFrontEnd, found: (widget: Widget) => void): void {
  const look = (widget: Widget | null) => {
    if (isConsole(widget)) {
      found(widget);
    } else if (isFileEditor(widget)) {
      void widget.context.ready.then(() => {
        if (!widget.isDisposed) {
          found(widget);
        }
      });
    }
  };
  const lookAtAll = () => {
    for (const area of ['main', 'down', 'right', 'left']) {
      try {
        for (const widget of app.shell.widgets(area)) {
          look(widget);
        }
      } catch {
        // Not every application has every area.
      }
    }
  };
  app.shell.currentChanged?.connect((_, { newValue }) => look(newValue));
  (app.shell as { layoutModified?: ISignal<unknown, void> }).layoutModified?.connect(lookAtAll);
  void app.restored.then(lookAtAll);
}

/** Ghost text at the caret, through JupyterLab's inline completer. */

import type { Transaction, TransactionSpec } from '@codemirror/state';
import type { EditorView } from '@codemirror/view';
import type { CodeEditor } from '@jupyterlab/codeeditor';
import type {
  CompletionHandler,
  IInlineCompletionContext,
  IInlineCompletionItem,
  IInlineCompletionList,
  IInlineCompletionProvider
} from '@jupyterlab/completer';
import type { Widget } from '@lumino/widgets';

import type { Outcome } from './client';
import { cellIdOf } from './documents';
import { clearGhost, isGhostShown } from './ghost';
import type { Pace } from './pace';
import type { AnswerWire, Lane, SuggestionWire } from './protocol';
import type { Snapshot } from './requests';
import { whyNot } from './requests';
import type { NotebookSession } from './session';
import type { Shared } from './shared';
import { whenIdle } from './slices';
import { askPatiently, whySilent } from './silences';
import type { Shown } from './typedThrough';
import { leftOf, nextLine, nextWord } from './typedThrough';

const NONE: IInlineCompletionList = { items: [] };
/** InlineCompletionTriggerKind.Invoke, which the completer exports as a type only. */
const INVOKED = 0;
/** The minimum time between two requests, in ms: faster keys share one request. */
const MIN_BETWEEN = 20;

export class InlineProvider implements IInlineCompletionProvider {
  readonly identifier = 'nextedit-jupyter';
  readonly name = 'Next Edit';
  readonly schema = {
    default: { enabled: true, autoFillInMiddle: true, debouncerDelay: 0, timeout: 10_000 }
  } as unknown as IInlineCompletionProvider['schema'];

  private serial = 0;
  private askedAt = -Infinity; // by the page's clock
  private shown: Shown | null = null;
  private lane: Lane = 'model'; // of the text that is shown
  private unwanted = new Set<string>(); // dismissed, or typed over
  private takenIn: string | null = null; // the cell whose ghost text was just accepted to its end

  constructor(
    private readonly shared: Shared,
    private readonly pace: Pace,
    private readonly sessionOf: (widget: Widget) => NotebookSession | null
  ) {}

  async fetch(
    _request: CompletionHandler.IRequest,
    context: IInlineCompletionContext
  ): Promise<IInlineCompletionList<IInlineCompletionItem>> {
    const serial = ++this.serial;
    const invoked = (context.triggerKind as number) === INVOKED;
    if (!this.shared.client.enabled) {
      return NONE;
    }
    const session = this.sessionOf(context.widget);
    await Promise.resolve(); // the recorder sees the same change just after this
    const caret = session?.caret();
    if (!session || !caret) {
      return NONE;
    }
    const origin = session.recorder.lastOrigin(caret.cell);
    const goesOn = origin === 'accepted' && this.takenIn === caret.cell;
    this.takenIn = null;
    const left = this.left(session);
    if (left && !isSpent(left)) {
      return { items: [{ insertText: left }] };
    }
    // The rest of the old text stays if there is nothing new.
    const otherwise = () => (left ? this.rest(session) : NONE);
    const { sights } = this.shared;
    if (this.shown && left === null && sights.isSeen && this.isTypedOver(session, this.shown)) {
      this.unwanted.add(signature(this.shown));
    }
    if (left === '' && origin === 'typed') {
      this.tellLater('typed_through');
    }
    if (!left) {
      this.shown = null;
      sights.gone();
    }
    if (!invoked) {
      const isAsking = origin === 'typed' || goesOn;
      if (!isAsking || this.pace.isQuiet || !this.shared.client.mayInfer) {
        return otherwise();
      }
      const wait = this.askedAt + MIN_BETWEEN - performance.now();
      if (wait > 0) {
        await new Promise(resolve => setTimeout(resolve, wait));
        if (serial !== this.serial) {
          return NONE;
        }
      }
    }
    this.askedAt = performance.now();
    if (invoked && session.notServed !== null) {
      this.shared.tell(whyNot(session.notServed, this.shared.trans));
    }
    const asked = await askPatiently(
      () => ask(session),
      ['inline'],
      () => serial === this.serial
    );
    if (serial !== this.serial) {
      return NONE;
    }
    const shownOf = asked && this.shownOf(asked.answer, asked.snapshot, session);
    if (!asked || (!shownOf && left)) {
      return otherwise();
    }
    if (invoked && !shownOf) {
      const { trans, tell } = this.shared;
      const why = whySilent(asked.answer, ['inline'], trans);
      tell(
        why === null ? trans.__('No ghost text here.') : trans.__('No ghost text here: %1', why)
      );
    }
    if (!shownOf || (!invoked && this.unwanted.has(signature(shownOf.shown)))) {
      return otherwise();
    }
    this.shown = shownOf.shown;
    this.lane = shownOf.lane;
    this.tellLater('shown');
    const rest = this.rest(session); // something may have been typed in the meantime
    if (rest.items.length) {
      sights.draw(shownOf.id);
    }
    return rest;
  }

  /** Report later: it is only counted, and something is about to be drawn. */
  private tellLater(outcome: Outcome): void {
    const { lane } = this;
    whenIdle(() => void this.shared.client.report(outcome, 'inline', lane));
  }

  private rest(session: NotebookSession): IInlineCompletionList<IInlineCompletionItem> {
    const left = this.left(session);
    return left ? { items: [{ insertText: left }] } : NONE;
  }

  /** An answer's text for the requested place; null if there is none. */
  private shownOf(
    answer: AnswerWire,
    snapshot: Snapshot,
    session: NotebookSession
  ): { shown: Shown; lane: Lane; id: string } | null {
    const now = session.caret();
    const cursor = snapshot.caret;
    const text = snapshot.texts.get(cursor.cell)!;
    const suggestion = answer.suggestions.find(s => s.kind === 'inline');
    if (
      now?.cell !== cursor.cell ||
      session.textOf(now.cell) === undefined ||
      !suggestion ||
      suggestion.confidence < this.shared.settings.confidence
    ) {
      return null;
    }
    const insert = insertion(suggestion, cursor.cell, cursor.offset, text);
    const shown = insert && { cell: cursor.cell, text, offset: cursor.offset, ...insert };
    return shown && { shown, lane: suggestion.lane, id: suggestion.id };
  }

  /** Accept the next word, or line, of the ghost text; the rest stays. False if none is shown. */
  acceptPart(session: NotebookSession, part: 'word' | 'line'): boolean {
    const view = session.activeView;
    const left = this.left(session);
    const caret = session.caret();
    if (!view || !left || !caret || !isGhostShown(view)) {
      return false;
    }
    const text = part === 'word' ? nextWord(left) : nextLine(left);
    const isWhole = text === left;
    this.shared.sights.answered();
    session.aboutToAccept(caret.cell);
    this.takenIn = isWhole ? caret.cell : null;
    view.dispatch({
      changes: {
        from: caret.offset,
        to: caret.offset + ((isWhole && this.shown?.replaces) || 0),
        insert: text
      },
      selection: { anchor: caret.offset + text.length },
      userEvent: 'input.complete',
      scrollIntoView: true
    });
    void this.shared.client.report('partial', 'inline', this.lane);
    return true;
  }

  /** Remove what is shown, without counting it as rejected. */
  clear(view: EditorView | null): void {
    if (view) {
      clearGhost(view);
    }
    this.shown = null;
    this.shared.sights.gone();
  }

  /** Escape while ghost text is shown: remove it, and do not show it again here. */
  dismiss(view: EditorView | null): void {
    if (view) {
      clearGhost(view);
    }
    if (this.shown) {
      this.unwanted.add(signature(this.shown));
      this.shown = null;
      this.shared.sights.answered();
      this.shared.sights.gone();
      void this.pace.dismissed(this.shared.client.report('rejected', 'inline', this.lane));
    }
  }

  /**
   * Recognise JupyterLab's own acceptance by what it inserts. Returns the additional change, because
   * JupyterLab does not replace what is after the caret.
   */
  beforeTransaction(
    session: NotebookSession,
    model: CodeEditor.IModel,
    transaction: Transaction
  ): TransactionSpec | null {
    if (!this.shown || !transaction.docChanged || transaction.isUserEvent('input')) {
      return null;
    }
    const cell = cellIdOf(model.sharedModel);
    if (cell !== this.shown.cell) {
      return null;
    }
    const { replaces } = this.shown;
    let behind: TransactionSpec | null = null;
    const left = leftOf(
      this.shown,
      transaction.startState.doc.toString(),
      transaction.startState.selection.main.head
    );
    transaction.changes.iterChanges((_fromA, _toA, _fromB, toB, inserted) => {
      if (left !== null && left !== '' && inserted.toString() === left) {
        session.aboutToAccept(cell);
        this.shared.sights.answered();
        this.takenIn = cell;
        this.pace.accepted();
        void this.shared.client.report('accepted', 'inline', this.lane);
        session.watch('inline', this.lane, [{ cell, text: left }]);
        if (replaces) {
          behind = { changes: { from: toB, to: toB + replaces }, sequential: true };
        }
      }
    });
    return behind;
  }

  /** Whether something else was typed instead, rather than the caret moved away. */
  private isTypedOver(session: NotebookSession, shown: Shown): boolean {
    const caret = session.caret();
    const text = session.textOf(shown.cell) ?? '';
    return (
      caret?.cell === shown.cell &&
      caret.offset > shown.offset &&
      text.startsWith(shown.text.slice(0, shown.offset)) &&
      session.recorder.lastOrigin(shown.cell) === 'typed'
    );
  }

  /** The rest of the ghost text at the caret; null if there is none. */
  private left(session: NotebookSession): string | null {
    const caret = session.caret();
    if (!caret || caret.cell !== this.shown?.cell) {
      return null;
    }
    const text = session.textOf(caret.cell);
    return text === undefined ? null : leftOf(this.shown, text, caret.offset);
  }
}

/** The answer for the caret; null if there is none. */
async function ask(
  session: NotebookSession
): Promise<{ answer: AnswerWire; snapshot: Snapshot } | null> {
  const snapshot = session.snapshot(['inline']);
  const answer = snapshot && (await session.ask(snapshot));
  return answer && { answer, snapshot };
}

/** What to insert at the caret, and what it replaces after it; null if it does not have that form. */
function insertion(
  suggestion: SuggestionWire,
  cell: string,
  offset: number,
  text: string
): { insert: string; replaces: number } | null {
  const [edit] = suggestion.edits;
  if (suggestion.edits.length !== 1 || edit.cell !== cell || edit.start !== offset) {
    return null;
  }
  const old = text.slice(edit.start, edit.end);
  const isKept = edit.text.endsWith(old);
  const insert = isKept ? edit.text.slice(0, edit.text.length - old.length) : edit.text;
  return insert ? { insert, replaces: isKept ? 0 : old.length } : null;
}

/** Whether only brackets and quotes are left to type: then a new request is made anyway. */
function isSpent(left: string): boolean {
  return !/[^\s()[\]{}'"`,:;]/.test(left);
}

function signature(shown: Shown): string {
  const line = shown.text.slice(shown.text.lastIndexOf('\n', shown.offset - 1) + 1, shown.offset);
  return JSON.stringify([shown.cell, line + shown.insert]);
}

/** Asks for a new name, and shows while it is typed what would happen. */

import { Dialog } from '@jupyterlab/apputils';
import type { TranslationBundle } from '@jupyterlab/translation';
import { Widget } from '@lumino/widgets';

import { summaryOf } from './drawing';
import { isKeyword, isName } from './names';
import { Pending } from './pending';
import type { NotebookSession } from './session';

/** Pause in ms before the worker is asked about a half-typed name. */
const PAUSE = 120;

export interface RenameChoice {
  pending: Pending;
  /** Preview, rather than apply at once. */
  preview: boolean;
}

class RenameBody extends Widget implements Dialog.IBodyWidget<Pending | null> {
  readonly input = document.createElement('input');
  private readonly message = document.createElement('p');
  private timer: ReturnType<typeof setTimeout> | undefined;
  private serial = 0;
  private pending: Pending | null = null;
  private validated: (isValid: boolean) => void = () => {};

  constructor(
    private readonly session: NotebookSession,
    private readonly name: string,
    private readonly trans: TranslationBundle
  ) {
    super();
    this.addClass('nextedit-rename');
    const label = document.createElement('label');
    label.textContent = trans.__('New name for `%1`', name);
    this.input.className = 'jp-mod-styled';
    this.input.value = name;
    this.input.spellcheck = false;
    this.input.setAttribute('aria-describedby', 'nextedit-rename-message');
    this.message.id = 'nextedit-rename-message';
    this.message.setAttribute('role', 'status');
    label.append(this.input);
    this.node.append(label, this.message);
    this.input.addEventListener('input', () => this.validate());
  }

  onValidated(listener: (isValid: boolean) => void): void {
    this.validated = listener;
    this.validate();
  }

  getValue(): Pending | null {
    return this.pending;
  }

  private validate(): void {
    clearTimeout(this.timer);
    const serial = ++this.serial;
    const to = this.input.value;
    this.report(null, '');
    if (to === this.name) {
      return;
    }
    if (!isName(to) || isKeyword(to)) {
      this.report(null, to ? this.trans.__('`%1` is not a valid Python name', to) : '');
      return;
    }
    this.message.textContent = this.trans.__('Looking for the places…');
    this.timer = setTimeout(async () => {
      const found = await this.session.rename(to);
      if (serial === this.serial) {
        this.report(
          found instanceof Pending ? found : null,
          found instanceof Pending ? described(found, this.trans) : found
        );
      }
    }, PAUSE);
  }

  private report(pending: Pending | null, message: string): void {
    this.pending = pending;
    this.message.textContent = message;
    this.input.setAttribute('aria-invalid', String(pending === null && message !== ''));
    this.validated(pending !== null);
  }
}

/** The new name's suggestion, or null if the user cancelled. */
export async function askForName(
  session: NotebookSession,
  name: string,
  trans: TranslationBundle
): Promise<RenameChoice | null> {
  const body = new RenameBody(session, name, trans);
  const dialog = new Dialog<Pending | null>({
    title: trans.__('Rename in All Cells'),
    body,
    buttons: [
      Dialog.cancelButton(),
      Dialog.createButton({ label: trans.__('Preview'), actions: ['preview'] }),
      Dialog.okButton({ label: trans.__('Rename') })
    ],
    defaultButton: 2,
    focusNodeSelector: 'input'
  });
  body.onValidated(isValid => {
    dialog.node
      .querySelectorAll<HTMLButtonElement>('.jp-Dialog-footer button:not(.jp-mod-reject)')
      .forEach(button => (button.disabled = !isValid));
  });
  // Enter with nothing valid must not close the dialog.
  body.input.addEventListener('keydown', event => {
    if (event.key === 'Enter' && body.getValue() === null) {
      event.preventDefault();
      event.stopPropagation();
    }
  });
  const launched = dialog.launch();
  body.input.select();
  const result = await launched;
  if (!result.button.accept || !result.value) {
    return null;
  }
  return { pending: result.value, preview: result.button.actions.includes('preview') };
}

function described(pending: Pending, trans: TranslationBundle): string {
  return [summaryOf(pending, trans), ...pending.notes].join('\n');
}

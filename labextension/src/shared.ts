/** What the sessions of all documents share. */

import type { TranslationBundle } from '@jupyterlab/translation';

import type { Client } from './client';
import type { OtherDocumentsHost } from './elsewhere';
import type { KeyNames } from './keyNames';
import type { Pace } from './pace';
import type { RecentPaths } from './recentPaths';
import type { Sights } from './sights';
import type { Settings } from './tokens';

export interface Shared {
  readonly client: Client;
  readonly pace: Pace;
  readonly settings: Settings;
  readonly trans: TranslationBundle;
  readonly recent: RecentPaths;
  readonly others: OtherDocumentsHost;
  /** Which ghost text was seen last. */
  readonly sights: Sights;
  /** The keys that are bound in a notebook, file or console. */
  keys(at: Element | null): KeyNames;
  /** Announce a short message to screen readers. */
  announce(message: string): void;
  /** Show and announce a message, if the user asked for something and nothing else is visible. */
  tell(message: string): void;
}

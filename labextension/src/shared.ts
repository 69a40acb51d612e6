/** What the sessions of all documents share. */

import type { TranslationBundle } from '@jupyterlab/translation';

import type { Client } from './client';
import type { OtherDocumentsHost } from './elsewhere';
import type { KeyNames } from './keyNames';
import type { Pace } from './pace';
import type { RecentPaths } from './recentPaths';
import type { Settings } from './tokens';

export interface Shared {
  readonly client: Client;
  readonly pace: Pace;
  readonly settings: Settings;
  readonly trans: TranslationBundle;
  readonly recent: RecentPaths;
  readonly others: OtherDocumentsHost;
  /** The keys that are bound in a notebook, file or console. */
  keys(at: Element | null): KeyNames;
  /** Tell the user in a few words; screen readers read it. */
  announce(message: string): void;
  /** The same where the user asked for something and nothing else is to be seen. */
  tell(message: string): void;
}

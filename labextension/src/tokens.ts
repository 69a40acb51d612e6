/** Identifiers of the plugin, its commands and its settings. */

export const PLUGIN_ID = 'nextedit-jupyter:plugin';

export const CommandIDs = {
  toggle: 'nextedit:toggle',
  tab: 'nextedit:tab',
  jump: 'nextedit:jump',
  accept: 'nextedit:accept',
  acceptAll: 'nextedit:accept-all',
  dismiss: 'nextedit:dismiss',
  dismissGhost: 'nextedit:dismiss-ghost',
  suggest: 'nextedit:suggest',
  rename: 'nextedit:rename',
  undoAccept: 'nextedit:undo-accept',
  openPanel: 'nextedit:open-panel',
  runStale: 'nextedit:run-stale',
  chooseBundle: 'nextedit:choose-bundle',
  acceptWord: 'nextedit:accept-word',
  acceptLine: 'nextedit:accept-line',
  openMenu: 'nextedit:open-menu',
  pause: 'nextedit:pause',
  resume: 'nextedit:resume',
  toggleHere: 'nextedit:toggle-here',
  getModel: 'nextedit:get-model',
  openTour: 'nextedit:open-tour',
  openSettings: 'nextedit:open-settings',
  restartWorker: 'nextedit:restart-worker'
} as const;

/** A cell with this tag is never sent anywhere. */
export const OFF_TAG = 'nextedit-off';

export interface Settings {
  enabled: boolean;
  languages: Record<string, boolean>;
  excludedPaths: string[];
  /** Paths of individual notebooks that the user switched off. */
  notebooksOff: string[];
  delay: number;
  confidence: number;
  keepTab: boolean;
  folder: boolean;
  neighbours: boolean;
  /** Whether the tour was offered, which happens only once. */
  tourOffered: boolean;
}

/** As in schema/plugin.json. */
export const DEFAULTS: Settings = {
  enabled: true,
  languages: { python: true },
  excludedPaths: ['.env*', '*.env.ipynb', '**/secrets/**'],
  notebooksOff: [],
  delay: 200,
  confidence: 0,
  keepTab: false,
  folder: true,
  neighbours: false,
  tourOffered: false
};

/** The user's settings, as the settings editor and our commands change them. */

import type { ISettingRegistry } from '@jupyterlab/settingregistry';

import type { Client } from './client';
import type { NotebookSession } from './session';
import type { Settings } from './tokens';
import { DEFAULTS, PLUGIN_ID } from './tokens';

/** The oldest are dropped, because settings are read at each start. */
const MAX_NOTEBOOKS_OFF = 200;

export class SettingsStore {
  private settings: ISettingRegistry.ISettings | null = null;

  constructor(
    private readonly shared: { client: Client; settings: Settings },
    private readonly sessions: { readonly all: NotebookSession[] }
  ) {}

  async load(registry: ISettingRegistry | null): Promise<void> {
    try {
      this.settings = (await registry?.load(PLUGIN_ID)) ?? null;
    } catch {
      // No schema is installed: use the defaults.
    }
    this.settings?.changed.connect(() => this.take());
    this.take();
  }

  async toggle(): Promise<void> {
    const enabled = !this.shared.client.enabled;
    if (this.settings) {
      await this.settings.set('enabled', enabled);
    } else {
      this.shared.client.enabled = enabled;
    }
    this.take();
  }

  /** Whether to offer the tour: never twice, and not if that cannot be stored. */
  get isTourDue(): boolean {
    const { enabled, tourOffered } = this.shared.settings;
    return this.settings !== null && enabled && !tourOffered;
  }

  async set<K extends keyof Settings>(key: K, value: Settings[K]): Promise<void> {
    this.shared.settings[key] = value;
    await this.settings?.set(key, value);
  }

  async switchNotebook(path: string, on: boolean): Promise<void> {
    const others = this.shared.settings.notebooksOff.filter(other => other !== path);
    await this.set('notebooksOff', on ? others : [...others, path].slice(-MAX_NOTEBOOKS_OFF));
  }

  /** A notebook was moved or deleted. */
  moved(from: string, to: string | null): void {
    const paths = this.shared.settings.notebooksOff;
    if (paths.includes(from)) {
      const others = paths.filter(path => path !== from);
      void this.set('notebooksOff', to === null ? others : [...others, to]);
    }
  }

  private take(): void {
    const composite = this.settings?.composite ?? {};
    Object.assign(this.shared.settings, DEFAULTS, composite);
    this.shared.client.enabled = this.shared.settings.enabled;
    for (const session of this.sessions.all) {
      session.settingsChanged();
    }
  }
}

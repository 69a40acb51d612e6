/** Paths of the documents that were edited recently, newest first. */

const MAX_PATHS = 10;

export class RecentPaths {
  private paths: string[] = [];

  /** This document is being edited now. */
  saw(path: string): void {
    if (this.paths[0] !== path) {
      this.paths = [path, ...this.paths.filter(other => other !== path)].slice(0, MAX_PATHS);
    }
  }

  /** The paths other than this one. */
  besides(path: string): string[] {
    return this.paths.filter(other => other !== path);
  }
}

/** Paths of the documents that were worked at lately, the newest first. */

const MAX_PATHS = 10;

export class RecentPaths {
  private paths: string[] = [];

  /** This one is worked at now. */
  saw(path: string): void {
    if (this.paths[0] !== path) {
      this.paths = [path, ...this.paths.filter(other => other !== path)].slice(0, MAX_PATHS);
    }
  }

  /** The others than this one. */
  besides(path: string): string[] {
    return this.paths.filter(other => other !== path);
  }
}

/**
 * Literals that reach what is named like a secret through a variable: the port of
 * `core/secret_variables.py`.
 */

import { LiteralReader, strip, type Literal } from './secretLiterals';
import { EXPRESSIONS } from './secretRules';
import { compile, matchAt } from './secretValues';

/** Assignments of one variable. */
const MAX_ASSIGNED = 5;

/** The variables of one text that are assigned literals; read when one is first asked for. */
export class Variables {
  private assigned: Map<string, [number, number][]> | null = null;

  constructor(private readonly text: string) {}

  /** The literals that the variable at `at` is assigned; none if that is no variable. */
  given(at: number): Literal[] {
    const match = matchAt('variable', this.text, at);
    if (!match) {
      return [];
    }
    this.assigned ??= this.read();
    const places = this.assigned.get(match[1]) ?? [];
    return places.flatMap(([index, start]) =>
      new LiteralReader(this.text, start, index > 0).read().slice(index, index + 1)
    );
  }

  /** For each variable, its position among the targets and where the values begin. */
  private read(): Map<string, [number, number][]> {
    const found = new Map<string, [number, number][]>();
    for (const match of this.text.matchAll(compile(EXPRESSIONS.assigned, 'g'))) {
      match[1].split(',').forEach((target, index) => {
        const name = strip(target, ' \t');
        const known = found.get(name) ?? [];
        if (known.length < MAX_ASSIGNED) {
          known.push([index, match.index + match[0].length]);
        }
        found.set(name, known);
      });
    }
    return found;
  }
}

/**
 * What cannot hold on the GPU, and why. Each must fail with the words given here, so that one that works has to be taken out.
 *
 * @module
 */

/** One thing that cannot hold. */
export interface Exception {
  /** What it is about: `file/id of the case`, or the name of a test, or `lesson/title of the cell`. */
  readonly where: RegExp;
  /** How it fails. */
  readonly fails: RegExp;
  readonly reason: string;
}

/** Everything that cannot hold. */
export const exceptions: readonly Exception[] = [];

/** The exception for a case, a test or a cell. */
export function exceptionFor(name: string, among: readonly Exception[] = exceptions): Exception | undefined {
  return among.find((e) => e.where.test(name));
}

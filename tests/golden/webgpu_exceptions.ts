/**
 * What cannot hold on the GPU, and why. Each must fail with the words given here, so that one that works has to be taken out.
 *
 * @module
 */

/** Things that cannot hold. */
export interface Exception {
  /** What they are about: `file/id of the case`, or the name of a test, or `lesson/title of the cell`. */
  readonly where: RegExp;
  /** Cases in which this dtype occurs. */
  readonly dtype?: string;
  /** How they fail. */
  readonly fails: RegExp;
  /** A rule for many, of which some hold. */
  readonly mayWork?: true;
  readonly reason: string;
}

/** Everything that cannot hold. */
export const exceptions: readonly Exception[] = [
  {
    where: /^/,
    dtype: "float64",
    fails: /is not implemented for float64 on the GPU/,
    mayWork: true,
    reason:
      "WGSL's functions beyond arithmetic and sqrt are of float32; the same cases in float32 are held to the answers",
  },
  {
    where: /^/,
    dtype: "int64",
    fails:
      /which carries int64 in 32 bits|because it carries int64 in 32 bits|the GPU carries int64 in 32 bits, which cannot hold/,
    mayWork: true,
    reason:
      "WGSL has no 64-bit integers: arithmetic whose result is int64 is refused rather than done in 32 bits",
  },
];

/** The exceptions for a case with these dtypes, a test or a cell. */
export function exceptionsFor(
  name: string,
  dtypes: readonly string[] = [],
  among: readonly Exception[] = exceptions,
): Exception[] {
  return among.filter((e) => e.where.test(name) && (e.dtype === undefined || dtypes.includes(e.dtype)));
}

/** What is said of an exception that is none. */
export function stale(name: string): string {
  return `${name} works on webgpu: take it out of webgpu_exceptions.ts`;
}

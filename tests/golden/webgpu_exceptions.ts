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
    dtype: "int64",
    fails: /the GPU carries int64 in 32 bits, which cannot hold|does not fit into the 32 bits/,
    mayWork: true,
    reason: "WGSL has no 64-bit integers: results that 32 bits do not hold are told",
  },
  {
    where: /^rng\/(randint\/2\^(32|53)|random_\/int64$)/,
    fails: /carries int64 in 32 bits/,
    reason: "values that 32 bits do not hold",
  },
  {
    where:
      /^(checklist (54|58|292),|lesson 01_pytorch_and_autodiff\/torch and numpy|lesson 00_.*device='cpu')/,
    fails: /on cpu/,
    reason: "an array's memory, or a tensor that says so, is the CPU's",
  },
  {
    where:
      /^lesson 04_.*\/(from_numpy|numpy\(\) shares|numpy's exp|type\(torch.FloatT|reshape\(-1|reshape of a c|t\(\)|so writing)/,
    fails: /on cpu/,
    reason: "these cells are about an array's memory, which is the CPU's",
  },
  {
    where: /^checklist (59|62|302),/,
    fails: /Values are not equal/,
    reason: "the GPU's memory is no array's: typedArray() and a tensor made of an array are copies",
  },
  {
    where: /^(checklist (212|213|216|220),|lesson 03_intro_gradients\/X\.device)/,
    fails: /Values are not equal/,
    reason: "these ask for the CPU",
  },
  {
    where: /^intdiv\/(?!div\/).*int64-by-zero$|^errors\/int-div-zero$/,
    fails: /gave tensor|no error/,
    reason: "a kernel cannot throw: dividing an integer by zero gives some number, as on PyTorch's GPUs",
  },
  {
    where: /^shape\/create\/scalar_tensor\//,
    fails: /is on cpu/,
    reason: "a 0-d tensor on the CPU goes with tensors of all devices",
  },
  {
    where:
      /^errors\/(index\/tensor-range|index_select\/range|gather\/range|scatter_add\/range|take\/range|cross_entropy\/range|nll\/range|embedding\/range)$/,
    fails: /out of (range|bounds).*The GPU reports this with the first read/,
    reason: "indices are on the GPU: that one is wrong is known when something is read",
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

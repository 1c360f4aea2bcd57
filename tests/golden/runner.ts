/**
 * Repeats the calls of a golden file with our functions and compares results, gradients, views and errors.
 *
 * @module
 */
import { dg, dtypeExists, isTensor, type Loose, tensorsOf } from "./api.ts";
import { decode, dtypesIn, type Encoded, type EncodedTensor, encodedTensors, isFloating } from "./codec.ts";
import { compare, describe, sameMessage, type Tolerance, valuesOf } from "./compare.ts";
import { deviationOf } from "./deviations.ts";
import { accurately } from "./webgpu_accuracy.ts";
import { exceptionsFor, stale } from "./webgpu_exceptions.ts";
import { type Call, isOperand, method, ourArguments, resolve } from "./names.ts";

/** A case that is a call. README.md describes the fields. */
export interface CallCase {
  id: string;
  op: string;
  args: Encoded[];
  kw?: Record<string, Encoded>;
  out?: Encoded;
  view?: boolean[];
  stride?: number[][];
  ct?: EncodedTensor[];
  grads?: (EncodedTensor | null)[];
  gv?: EncodedTensor[];
  grads2?: (EncodedTensor | null)[];
  grad_fn?: (string | null)[];
  tol?: Tolerance;
  error?: string;
  message?: string;
}

/** A golden file. */
export interface GoldenFile {
  file: string;
  tol: Record<string, Tolerance>;
  cases: CallCase[];
}

/** Reads a golden file by its name. */
export function readGolden<T = GoldenFile>(name: string): T {
  return JSON.parse(Deno.readTextFileSync(new URL(`./${name}.json`, import.meta.url)));
}

/** The arguments of a case in our form: fresh tensors at each call. */
export function argumentsOf(c: CallCase): unknown[] {
  const tensors = encodedTensors([c.args, c.kw ?? {}] as Encoded);
  const integers = !tensors.some((t) => isFloating(t.$t));
  const one = (value: Encoded, where: number | string): unknown =>
    decode(value, { ints: integers && isOperand(c.op, where) ? "bigint" : "number" });
  const kw = Object.fromEntries(Object.entries(c.kw ?? {}).map(([k, v]) => [k, one(v, k)]));
  return ourArguments(c.op, c.args.map(one), kw);
}

function toleranceOf(c: CallCase, file: GoldenFile): Tolerance {
  if (c.tol) return c.tol;
  const tensors = encodedTensors([c.args, c.kw ?? {}] as Encoded);
  const loosest = tensors.some((t) => t.$t === "float32") ? "float32" : tensors[0]?.$t;
  return file.tol[loosest] ?? file.tol.float32;
}

function compareLists(
  what: string,
  actual: Loose[],
  expected: (EncodedTensor | null)[],
  tol: Tolerance,
  zeroIsNone = false,
): string[] {
  return expected.flatMap((e, i) => {
    const none = actual[i] === null || actual[i] === undefined ||
      (zeroIsNone && valuesOf(actual[i]).every((v) => v === 0));
    const wrong = e === null
      ? (none ? null : `${describe(actual[i])}, expected none`)
      : compare(actual[i], e as unknown as Encoded, tol);
    return wrong ? [`${what} ${i}: ${wrong}`] : [];
  });
}

/** Do two tensors lie in one memory? As different dtypes they have different storages. */
function sharesMemory(a: Loose, b: Loose): boolean {
  if (a.storage === b.storage) return true;
  const [m, n] = [a.storage.memory, b.storage.memory];
  if (a.device !== "cpu") return m.block === n.block;
  // small arrays of different tensors lie in one buffer
  return m.buffer === n.buffer && m.byteOffset < n.byteOffset + n.byteLength &&
    n.byteOffset < m.byteOffset + m.byteLength;
}

function checkViews(c: CallCase, args: unknown[], outs: Loose[]): string[] {
  const problems: string[] = [];
  const first = tensorsOf(args)[0];
  outs.forEach((out, i) => {
    const shares = first !== undefined && sharesMemory(out, first) && out.numel() > 0;
    if (c.view && shares !== c.view[i]) {
      problems.push(c.view[i] ? "is a copy, expected a view" : "is a view, expected a copy");
    }
    if (c.view?.[i] && c.stride && out.strides.join() !== c.stride[i].join()) {
      problems.push(`strides [${out.strides}], expected [${c.stride[i]}]`);
    }
  });
  return problems;
}

function checkGradients(c: CallCase, args: unknown[], outs: Loose[], tol: Tolerance): string[] {
  const leaves = tensorsOf(args).filter((t) => t.requiresGrad);
  const differentiable = outs.filter((t) => t.requiresGrad);
  if (differentiable.length !== c.ct!.length) {
    return [`${differentiable.length} results require grad, expected ${c.ct!.length}`];
  }
  const problems: string[] = [];
  if (c.grad_fn && !deviationOf(c, "gradFn")) {
    const names = outs.map((t) => t.gradFn === null ? null : t.gradFn.name());
    const expected = c.grad_fn.map((name) => name?.replace("torch::autograd::", "") ?? null);
    if (names.join() !== expected.join()) problems.push(`grad_fn ${names}, expected ${expected}`);
  }
  if (deviationOf(c, "gradients")) return problems;
  const cotangents = c.ct!.map((t) => decode(t as unknown as Encoded)) as Loose[];
  if (!c.grads2) {
    differentiable.forEach((t, i) => t.backward(cotangents[i], { retainGraph: true }));
    return [...problems, ...compareLists("gradient", leaves.map((t) => t.grad), c.grads!, tol)];
  }
  cotangents.forEach((t) => t.requiresGrad_());
  const options = { gradOutputs: cotangents, allowUnused: true, createGraph: true };
  const grads = dg.autograd.grad(differentiable, leaves, options) as Loose[];
  problems.push(...compareLists("gradient", grads, c.grads!, tol));
  const again = grads.filter((g) => g?.requiresGrad);
  const gv = c.gv!.map((t) => decode(t as unknown as Encoded)) as Loose[];
  if (again.length !== gv.length) {
    return [...problems, `${again.length} gradients require grad, expected ${gv.length}`];
  }
  const inputs = [...leaves, ...cotangents];
  const grads2 = dg.autograd.grad(again, inputs, { gradOutputs: gv, allowUnused: true }) as Loose[];
  // A derivative that is zero everywhere is found so by the symbolic rules, and may have a graph all the same.
  problems.push(...compareLists("second derivative", grads2, c.grads2!, tol, true));
  return problems;
}

const onGpu = (): boolean => dg.getDefaultDevice() === "webgpu";

function checkError(c: CallCase, call: Call): string[] {
  let result: unknown;
  try {
    result = call(...argumentsOf(c));
    // the GPU tells of some errors when results are read
    if (onGpu()) tensorsOf(result).forEach(valuesOf);
  } catch (error) {
    if (!(error instanceof TypeError || error instanceof RangeError)) {
      return [`threw ${error}, which is neither a TypeError nor a RangeError`];
    }
    if (deviationOf(c, "message")) return [];
    return sameMessage(error.message, c.message!) ? [] : [`says "${error.message}", expected "${c.message}"`];
  }
  return [`gave ${describe(result)}, expected ${c.error}: ${c.message}`];
}

/** Runs one case; the problems found, none when all is as in PyTorch. */
export function runCase(c: CallCase, file: GoldenFile): string[] {
  const call = resolve(c.op)!;
  if (c.error !== undefined) return checkError(c, call);
  const tol = toleranceOf(c, file);
  const args = argumentsOf(c);
  const out = call(...args);
  const problems: string[] = [];
  const wrong = compare(out, c.out!, tol);
  if (wrong) problems.push(wrong);
  const outs = tensorsOf(out);
  problems.push(...checkViews(c, args, outs));
  if (c.ct && !wrong) problems.push(...checkGradients(c, args, outs, tol));
  problems.push(...checkMethod(c, tol));
  return problems;
}

/** Operations whose methods take the arguments in another order than the functions. */
const OTHER_ORDER = new Set(["where"]);

/** Where the operation is a method of Tensor, too: does it give the same? */
function checkMethod(c: CallCase, tol: Tolerance): string[] {
  if (c.op.includes(".") || OTHER_ORDER.has(c.op)) return [];
  const args = argumentsOf(c);
  const form = isTensor(args[0]) ? method(c.op) : undefined;
  if (!form) return [];
  const wrong = compare(form(...args), c.out!, tol);
  return wrong ? [`as a method: ${wrong}`] : [];
}

/** Runs one case and turns whatever it throws into a problem. */
export function problemsOf(c: CallCase, file: GoldenFile): string[] {
  try {
    return runCase(c, file);
  } catch (error) {
    return [
      error instanceof Error ? `threw ${error.stack?.split("\n").slice(0, 4).join(" ")}` : `threw ${error}`,
    ];
  }
}

/**
 * The problems of a case in the configuration in force: none where its dtypes are not there, and one where an exception for the
 * GPU is none any more.
 */
export function problemsHere(c: CallCase, file: GoldenFile): string[] {
  if (!onGpu()) return dtypesIn(c).every(dtypeExists) ? problemsOf(c, file) : [];
  return [c, ...onlyInDoubles(c, file) ? [inSingles(c)] : []].flatMap((asked) => {
    const dtypes = dtypesIn(asked);
    if (!dtypes.every(dtypeExists)) return [];
    const problems = accurately(file.file, c.op, () => [...problemsOf(asked, file), ...unheard()]);
    const applicable = exceptionsFor(`${file.file}/${c.id}`, dtypes);
    if (problems.length === 0) return applicable.every((e) => e.mayWork) ? [] : [stale(c.id)];
    return problems.filter((p) => !applicable.some((e) => e.fails.test(p)));
  });
}

/** What the GPU still has to complain about, so that the next case does not hear it. */
function unheard(): string[] {
  try {
    dg.webgpu.synchronize();
    return [];
  } catch (error) {
    return [`then: ${(error as Error).message}`];
  }
}

const single = (text: string): string => text.replace(/float64$/, "float32");

/** Whether a question in float64 is not asked in float32, too. */
function onlyInDoubles(c: CallCase, file: GoldenFile): boolean {
  return c.id.endsWith("float64") && !file.cases.some((other) => other.id === single(c.id));
}

/** The case in float32, which is what GPUs are good at. */
function inSingles(c: CallCase): CallCase {
  const change = (key: string, value: unknown) =>
    key === "$t" || key === "$dtype" ? single(value as string) : value;
  return { ...JSON.parse(JSON.stringify(c, change)), tol: undefined };
}

/** The calls of a file by operation, in order of first appearance; scripts are left out. */
export function callsByOp(file: GoldenFile): Map<string, CallCase[]> {
  const groups = new Map<string, CallCase[]>();
  for (const c of file.cases) {
    if (c.op === undefined || c.args === undefined) continue;
    if (!groups.has(c.op)) groups.set(c.op, []);
    groups.get(c.op)!.push(c);
  }
  return groups;
}

/**
 * Reductions of the GPU, in the form in which operations ask the CPU for them.
 *
 * Where there are few groups their elements are folded in parts, and the parts are joined. Two kernels: in `serial` an
 * invocation folds every so-many-th element, so that neighbours read neighbours; in `tree` a workgroup shares a part. Hardware
 * takes the tree for groups that lie in memory order; software adapters always fold serially, where barriers cost more than
 * loops do. No loop exceeds {@linkcode LONGEST}: lavapipe ends all loops of an invocation after 65,535 iterations, silently.
 *
 * Floats of 16 and 32 bits are folded in float32, float64 in float64, integers in 32 bits, wrapping; that a result of int64 has
 * lost something is reported by the next read.
 * @module
 */
import type { Fold, LineOp } from "../../expr/fold.ts";
import type { Program } from "../../expr/program.ts";
import type { Memory } from "../../tensor/device.ts";
import type { DType, Scalar } from "../../tensor/dtype.ts";
import type { Kernel } from "./commands.ts";
import { SCALAR_WORDS, wgslFlavor, writeScalar } from "./convert.ts";
import { checkElements, elementType } from "./elements.ts";
import { foldAgain, rememberFold } from "./fold_launches.ts";
import { type ElementCode, foldSource, GROUP, variablesOf } from "./fold_source.ts";
import type { Gpu } from "./gpu.ts";
import { checkExtent, collapse, type Nest } from "./layout.ts";
import type { Block } from "./memory.ts";
import { checkFits, mayOverflow } from "./overflow.ts";
import { bytesOf, isShort } from "./pointwise.ts";
import { allocateGpu, GpuMemory } from "./tensors.ts";

/** Strided memory of one input, its dimensions sorted into kept and folded ones. */
export interface FoldOperand {
  /** Where the elements lie. */
  readonly data: Memory;
  /** Element type. */
  readonly dtype: DType;
  /** Index of the first element. */
  readonly offset: number;
  /** Steps of the kept dimensions. */
  readonly keptStrides: readonly number[];
  /** Steps of the folded dimensions. */
  readonly foldedStrides: readonly number[];
}

/** What is folded: the elements of one operand, or what a program makes of several. */
export interface FoldElements {
  /** The program; null for the elements of the one operand as they are. */
  readonly program: Program | null;
  /** Its inputs. */
  readonly operands: readonly (FoldOperand | Scalar)[];
  /** What the program computes in; the operand's dtype without one. */
  readonly computeDtype: DType;
  /** Sizes of the kept dimensions. */
  readonly kept: readonly number[];
  /** Sizes of the folded dimensions. */
  readonly folded: readonly number[];
}

/** Strided memory of the input, its dimensions sorted into kept and folded ones. */
interface FoldInput extends Omit<FoldOperand, "dtype"> {
  readonly kept: readonly number[];
  readonly folded: readonly number[];
}

/** Choices that are otherwise made by adapter. */
export interface FoldOptions {
  /** Which kernel to use. */
  readonly kernel?: "serial" | "tree";
}

/** Items that one invocation folds at most. */
const LONGEST = 16384;

/** Invocations in a workgroup of software, and up to how many there are so few: each core gets a part of the workgroups. */
const SMALL_GROUP = 16, FEW = 1024;

/** Folds every group of elements; results lie row-major. */
export function runFold(
  how: Fold,
  input: FoldInput,
  dtype: DType,
  outs: readonly GpuMemory[],
  options: FoldOptions = {},
): void {
  const { kept, folded } = input;
  const elements = { program: null, operands: [{ ...input, dtype }], computeDtype: dtype, kept, folded };
  runProgramFold(how, elements, outs, options);
}

/** Folds what a program makes of the elements of its inputs. */
export function runProgramFold(
  how: Fold,
  elements: FoldElements,
  outs: readonly GpuMemory[],
  options: FoldOptions = {},
): void {
  const { gpu } = outs[0];
  if (options.kernel === undefined && foldAgain(gpu, how, elements, outs)) return;
  const plan = planOf(gpu, how, elements, options);
  if (plan.groups === 0) return;
  for (const out of outs) checkElements(gpu, out.dtype);
  const [out] = outs, [from] = plan.code.operands;
  const checked = out.dtype === "int64" && plan.compute === "int32" &&
    mayOverflow(how, from ?? "int64", plan.n);
  const made: Stage["made"] = options.kernel !== undefined || checked || plan.n === 0
    ? undefined
    : (kernel, parameters, workgroups) =>
      rememberFold(gpu, how, elements, outs, kernel, parameters, workgroups);
  for (const block of foldPasses(gpu, plan, outs, made)) gpu.memory.release(block);
  if (!checked) return;
  const about = allocateGpu(gpu, "float32", plan.groups);
  const again = planOf(gpu, how, { ...elements, computeDtype: "float32" }, options);
  for (const block of foldPasses(gpu, again, [about])) gpu.memory.release(block);
  checkFits(gpu, `${how.name}()`, out.block, about.block, plan.groups);
  gpu.memory.release(about.block);
}

/** The type in which elements are folded. */
export function foldType(dtype: DType): DType {
  const flavor = wgslFlavor(dtype);
  return flavor === "float" ? "float32" : flavor === "double" ? "float64" : "int32";
}

/** A fold and where its elements are. */
export interface FoldPlan {
  readonly fold: Fold | LineOp;
  readonly compute: DType;
  /** Elements in a group. */
  readonly n: number;
  readonly groups: number;
  readonly code: ElementCode;
  readonly blocks: readonly Block[];
  readonly types: readonly string[];
  /** Parameters that tell where elements are, and numbers. */
  readonly words: Int32Array;
  /** Whether the elements of a group are nearer to each other than groups are. */
  readonly rows: boolean;
  /** Whether workgroups share parts. */
  readonly tree: boolean;
  /** For caches of kernels. */
  readonly key: string;
}

/** Finds the loops over the elements. */
export function planOf(
  gpu: Gpu,
  fold: Fold | LineOp,
  elements: FoldElements,
  options: FoldOptions = {},
): FoldPlan {
  const { program, operands, computeDtype, kept, folded } = elements;
  const given = operands.filter((x) => typeof x === "object");
  const n = folded.reduce((a, b) => a * b, 1), groups = kept.reduce((a, b) => a * b, 1);
  const compute = foldType(computeDtype);
  checkElements(gpu, computeDtype);
  const shape = [...kept, ...folded], blocks: Block[] = [], types: string[] = [], slots: number[] = [];
  for (const x of operands) {
    if (typeof x !== "object") {
      slots.push(-1);
      continue;
    }
    checkElements(gpu, x.dtype);
    if (!(x.data instanceof GpuMemory)) {
      throw new TypeError(
        "Expected all tensors to be on the same device, but found at least two devices, webgpu and cpu!",
      );
    }
    const { block } = x.data, strides = [...x.keptStrides, ...x.foldedStrides];
    if (n * groups > 0) checkExtent({ data: block, dtype: x.dtype, offset: x.offset, strides }, shape);
    const type = elementType(x.dtype);
    let slot = blocks.findIndex((b, k) => b === block && types[k] === type);
    if (slot < 0) {
      slot = blocks.push(block) - 1;
      types.push(type);
    }
    slots.push(slot);
  }
  const k = nest(given.map((x) => x.keptStrides), kept, true);
  const f = nest(given.map((x) => x.foldedStrides), folded, fold.ordered || given.length === 0);
  const step = (nest: Nest) => nest.sizes.length === 0 ? Infinity : Math.abs(nest.strides[0]?.at(-1) ?? 1);
  const rows = k.sizes.length === 0 || (f.sizes.length > 0 && step(f) <= step(k));
  const shared = options.kernel ?? (gpu.info.software || !rows || n < GROUP / 2 ? "serial" : "tree");
  const tree = shared === "tree";
  const four = !(rows ? fits(given, f, k) : !tree && fits(given, k, f)) || !isLight(program, computeDtype)
    ? null
    : rows
    ? "items"
    : "groups";
  const inner = rows ? f : k;
  let a = 0;
  const code: ElementCode = {
    program,
    operands: operands.map((x) => typeof x === "object" ? x.dtype : null),
    slots,
    computeDtype,
    kept: k.sizes.length,
    folded: f.sizes.length,
    four,
    fixed: operands.map((x) => four !== null && typeof x === "object" && inner.strides[a++].at(-1) === 0),
  };
  const sizesOf = (nest: Nest) =>
    nest.sizes.map((size, d) =>
      four !== null && nest === inner && d === nest.sizes.length - 1 ? size / 4 : size
    );
  const per = SCALAR_WORDS[wgslFlavor(computeDtype)];
  const first = [
    ...given.map((x) => x.offset),
    ...sizesOf(k),
    ...k.strides.flat(),
    ...sizesOf(f),
    ...f.strides.flat(),
  ];
  const words = new Int32Array(first.length + per * (operands.length - given.length));
  words.set(first);
  let at = first.length;
  for (const x of operands) {
    if (typeof x === "object") continue;
    writeScalar(words, at, x, computeDtype);
    at += per;
  }
  const key = `${
    program?.key ?? ""
  } ${code.operands} ${slots} ${computeDtype} ${code.kept} ${code.folded} ${four} ${code.fixed.map(Number)}`;
  const vectors = four === null ? types : types.map((type) => `vec4<${type}>`);
  return { fold, compute, n, groups, code, blocks, types: vectors, words, rows, tree, key };
}

/**
 * Whether four neighbours along the last of the `inner` dimensions can be read as a vector of every operand that has more than one
 * there: they lie side by side, and each four begins where a vector can.
 */
function fits(given: readonly FoldOperand[], inner: Nest, outer: Nest): boolean {
  if (inner.sizes.length === 0 || inner.sizes.at(-1)! % 4 !== 0) return false;
  return given.length > 0 && given.every((x, j) => {
    const type = elementType(x.dtype), step = inner.strides[j].at(-1)!;
    if (type !== "f32" && type !== "i32") return false;
    return step === 0 || step === 1 && x.offset % 4 === 0 &&
        inner.strides[j].slice(0, -1).every((s) => s % 4 === 0) && outer.strides[j].every((s) => s % 4 === 0);
  });
}

/** Whether a program may be there four times, and has no float64. */
function isLight(program: Program | null, dtype: DType): boolean {
  return wgslFlavor(dtype) !== "double" && (program === null || isShort(program, dtype));
}

/** The fewest loops over dimensions; with `ordered` in the order of the shape, else in that of the first operand's memory. */
function nest(strides: readonly (readonly number[])[], shape: readonly number[], ordered: boolean): Nest {
  if (!ordered) return collapse(strides, shape, 0);
  const plain = shape.map((_, d) => shape.slice(d + 1).reduce((a, b) => a * b, 1));
  const whole = collapse([...strides, plain], shape, strides.length);
  return { sizes: whole.sizes, strides: whole.strides.slice(0, -1) };
}

/** How many parts a group's items are cut into. */
function partsOf(items: number, groups: number, tree: boolean, software: boolean): number {
  const workers = tree ? GROUP : 1;
  // a group that one invocation (a workgroup in a tree) folds in less time than a second dispatch takes
  if (items <= (tree ? 32 * GROUP : software ? 2048 : 128)) return 1;
  // enough invocations to fill the machine, but none without a block of work
  const wanted = Math.ceil((software ? 256 : 32768) / (groups * workers));
  const useful = Math.floor(items / ((tree ? 4 : 128) * workers));
  return Math.max(Math.min(wanted, useful), Math.ceil(items / (LONGEST * workers)), 1);
}

/** Whether the items of a group are not worth cutting, or cannot be. */
export function isWhole(gpu: Gpu, groups: number, items: number, tree: boolean): boolean {
  return partsOf(items, groups, tree, gpu.info.software) === 1;
}

/** Parts of groups, in memory. */
interface Parts {
  readonly blocks: readonly Block[];
  readonly count: number;
  readonly partsFirst: boolean;
}

/**
 * Does the walks. Results go to `outs`; without them the variables of all walks are left in the blocks that come back, an
 * element a group, of which `outs` would take the place. A walk that is all there is to do is told to `made`.
 */
export function foldPasses(
  gpu: Gpu,
  plan: FoldPlan,
  outs: readonly GpuMemory[] | null,
  made?: Stage["made"],
): Block[] {
  const { fold, n, tree } = plan, { software } = gpu.info;
  const count = fold.passes.length, known: Block[] = [];
  const groups = plan.code.four === "groups" ? plan.groups / 4 : plan.groups;
  if (outs !== null && partsOf(n, groups, tree, software) === 1) {
    stage(gpu, plan, { from: 0, to: count, tree, parts: 1, incoming: null, known, outs, made });
    return known;
  }
  for (let p = 0; p < count; p++) {
    let incoming: Parts | null = null;
    while (true) {
      const shared: boolean = incoming === null && tree;
      const parts: number = incoming === null
        ? partsOf(n, groups, shared, software)
        : partsOf(incoming.count, plan.groups, shared, software);
      const last = parts === 1 && p === count - 1 ? outs : null;
      const blocks: Block[] = stage(gpu, plan, {
        from: p,
        to: p + 1,
        tree: shared,
        parts,
        incoming,
        known,
        outs: last,
      });
      if (incoming !== null) { for (const block of incoming.blocks) gpu.memory.release(block); }
      if (parts === 1) {
        known.push(...blocks);
        break;
      }
      incoming = { blocks, count: parts, partsFirst: shared || plan.rows };
    }
  }
  return known;
}

interface Stage {
  readonly from: number;
  readonly to: number;
  readonly tree: boolean;
  readonly parts: number;
  readonly incoming: Parts | null;
  readonly known: readonly Block[];
  readonly outs: readonly GpuMemory[] | null;
  /** Is told what is dispatched. */
  readonly made?: (kernel: Kernel, parameters: Int32Array, workgroups: number) => void;
}

/** Does some walks, or a step of joining one's parts. Gives the blocks that hold the variables if no results are written. */
function stage(gpu: Gpu, plan: FoldPlan, s: Stage): Block[] {
  const { fold, compute, groups } = plan,
    { from, to, tree, parts, incoming, outs } = s,
    { software } = gpu.info;
  const four = incoming === null ? plan.code.four : null, units = four === "groups" ? groups / 4 : groups;
  const total = units * parts, partsFirst = tree || plan.rows;
  const results = outs?.map((out) => out.dtype) ?? null;
  const group = software && !tree && total < FEW ? SMALL_GROUP : GROUP;
  const key = `${
    incoming === null ? plan.key : ""
  } ${compute} ${from} ${to} ${tree} ${group} ${partsFirst} ${results}`;
  const kernel = gpu.kernel(fold.key, key, () =>
    foldSource({
      fold,
      compute,
      elements: incoming === null ? plan.code : null,
      from,
      to,
      tree,
      together: software,
      group,
      partsFirst,
      results,
      types: incoming === null ? plan.types : [],
    }));
  const written = outs === null
    ? variablesOf(fold.passes.slice(from, to), compute).map(({ type }) =>
      gpu.memory.allocate(bytesOf(type === "i32" ? "int32" : compute, groups * parts))
    )
    : [];
  const items = incoming !== null ? incoming.count : four === "items" ? plan.n / 4 : plan.n;
  const first = [0, total, items, plan.n, parts, units, Math.ceil(items / parts), 0];
  const rest = incoming === null
    ? plan.words
    : incoming.partsFirst
    ? Int32Array.of(incoming.count, 1)
    : Int32Array.of(1, groups);
  const parameters = new Int32Array(first.length + rest.length);
  parameters.set(first);
  parameters.set(rest, first.length);
  const blocks = [
    ...(incoming === null ? plan.blocks : incoming.blocks),
    ...s.known,
    ...(outs === null ? written : outs.map((out) => out.block)),
  ];
  const workgroups = tree ? total : Math.ceil(total / group);
  s.made?.(kernel, parameters, workgroups);
  gpu.commands.dispatch(kernel, blocks, parameters, workgroups);
  return written;
}

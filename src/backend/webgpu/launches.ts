/**
 * Launches of pointwise kernels that were found once by the long way (`pointwise.ts`) and come again, as the operations of a loop
 * do: their layouts are compared, and nothing is planned, checked by closures, or put together as text.
 *
 * What a launch depends on is written down as a row of integers: the dtypes, which operands share a block, the class of each
 * layout, whether vectors can begin with its first element, and, only where an operand is neither row-major nor a single element, the
 * shape and the steps. So one launch serves row-major tensors of any size.
 * @module
 */
import type { Program } from "../../expr/program.ts";
import { type DType, dtypes, type Scalar } from "../../tensor/dtype.ts";
import type { Kernel } from "./commands.ts";
import { writeScalar } from "./convert.ts";
import { elementBytes } from "./elements.ts";
import type { Gpu } from "./gpu.ts";
import { Memo, Row } from "./memo.ts";
import { Block } from "./memory.ts";

/** Invocations in a workgroup. */
export const GROUP = 64;

/** Elements from which on an invocation has four of them. */
export const LARGE = 1024;

/** Strided GPU memory, as a block or as what tensors have. */
export interface Placed {
  /** Where the elements lie. */
  readonly data: unknown;
  /** Element type. */
  readonly dtype: DType;
  /** Index of the first element. */
  readonly offset: number;
  /** Steps in elements, one for each dimension of the shape. */
  readonly strides: readonly number[];
}

/** What the long way finds out. */
export interface Launch {
  /** The kernel. */
  readonly kernel: Kernel;
  /** Elements of an invocation: 1 or 4. */
  readonly width: number;
  /** How many blocks it binds. */
  readonly blocks: number;
  /** Parameters between the operands' offsets and the numbers: sizes and steps. */
  readonly walk: readonly number[];
  /** Parameters that a number takes. */
  readonly scalarWords: number;
}

/** The launches of one device's programs, by what they depend on. */
export type Launches = WeakMap<Program, Memo<Launch>>;

/** Launches that a program remembers. */
const MOST = 256;

/** Dtypes as numbers from 0 to 15. */
export const numberOf: ReadonlyMap<DType, number> = new Map(dtypes.map((d, i) => [d, i]));

/** Operands that are looked at. */
const OPERANDS = 8;

/** Of the latest call: what it depends on, the operands' blocks, what they span, and where to bind them. */
const row = new Row();
const held: (Block | null)[] = new Array(OPERANDS).fill(null);
const firsts = new Float64Array(OPERANDS),
  lasts = new Float64Array(OPERANDS),
  slots = new Int32Array(OPERANDS);
let elements = 1;
const scratch: Int32Array[] = [];

function blockOf(data: unknown): Block | null {
  if (data instanceof Block) return data;
  const { block } = data as { block?: unknown };
  return block instanceof Block ? block : null;
}

/** Whether two operands are the very same elements. */
function same(x: Placed, y: Placed, shape: readonly number[]): boolean {
  if (x.offset !== y.offset) return false;
  for (let d = 0; d < shape.length; d++) if (shape[d] !== 1 && x.strides[d] !== y.strides[d]) return false;
  return true;
}

/** Writes down what a call depends on; false where the long way has to look, because something is wrong, rare or has to be copied. */
function describe(
  inputs: readonly (Placed | Scalar)[],
  outputs: readonly Placed[],
  shape: readonly number[],
  computeDtype: DType,
): boolean {
  const count = inputs.length, n = count + outputs.length, rank = shape.length;
  if (n > OPERANDS) return false;
  let numel = 1;
  for (let d = 0; d < rank; d++) numel *= shape[d];
  if (numel === 0) return false;
  elements = numel;
  let strided = false, used = 0;
  row.length = 0;
  row.add(0);
  for (let j = 0; j < n; j++) {
    const x = j < count ? inputs[j] : outputs[j - count];
    if (typeof x !== "object") {
      row.add(-1);
      held[j] = null;
      continue;
    }
    const { offset, strides } = x, block = blockOf(x.data);
    if (block === null || strides.length !== rank) return false;
    let fixed = true, linear = true, step = 1, first = offset, last = offset;
    for (let d = rank - 1; d >= 0; d--) {
      const size = shape[d], stride = strides[d];
      if (size === 1) continue;
      if (stride !== 0) fixed = false;
      else if (j >= count) return false;
      if (stride !== step) linear = false;
      step *= size;
      if (stride < 0) first += (size - 1) * stride;
      else last += (size - 1) * stride;
    }
    if (!(first >= 0 && (last + 1) * elementBytes(x.dtype) <= block.bytes)) return false;
    // an earlier operand in the same block: written elements must be the very same, or others
    let slot = -1;
    for (let k = 0; k < j; k++) {
      if (held[k] !== block) continue;
      const y = (k < count ? inputs[k] : outputs[k - count]) as Placed;
      if (y.dtype !== x.dtype) return false;
      if (j >= count && first <= lasts[k] && firsts[k] <= last && !same(x, y, shape)) return false;
      slot = slots[k];
    }
    held[j] = block;
    firsts[j] = first;
    lasts[j] = last;
    slots[j] = slot < 0 ? used++ : slot;
    const kind = fixed ? 0 : linear ? 1 : 2, vectors = fixed || offset % 4 === 0;
    if (kind === 2) strided = true;
    row.add(((slots[j] * 16 + numberOf.get(x.dtype)!) * 2 + (vectors ? 1 : 0)) * 3 + kind);
  }
  if (strided) {
    for (let d = 0; d < rank; d++) row.add(shape[d]);
    for (let j = 0; j < n; j++) {
      const kind = row.numbers[1 + j];
      if (kind < 0 || kind % 3 !== 2) continue;
      const { strides } = (j < count ? inputs[j] : outputs[j - count]) as Placed;
      for (let d = 0; d < rank; d++) row.add(strides[d]);
    }
  }
  const fours = numel >= LARGE && numel % 4 === 0;
  row.numbers[0] = (count * 16 + numberOf.get(computeDtype)!) * 2 + (fours ? 1 : 0);
  return true;
}

/** Nothing is held longer than a call. */
function forget(): void {
  for (let j = 0; j < OPERANDS; j++) held[j] = null;
}

/** Runs a program whose launch is known. False, with nothing done, for all others. */
export function launchAgain(
  gpu: Gpu,
  p: Program,
  inputs: readonly (Placed | Scalar)[],
  outputs: readonly Placed[],
  shape: readonly number[],
  computeDtype: DType,
): boolean {
  const launches = gpu.launches.get(p);
  if (launches === undefined) return false;
  const found = describe(inputs, outputs, shape, computeDtype) ? launches.find(row) : undefined;
  if (found === undefined) {
    forget();
    return false;
  }
  gpu.checkOpen();
  const { walk, scalarWords, width } = found, n = inputs.length + outputs.length;
  const blocks = new Array<Block>(found.blocks);
  let words = 2 + walk.length;
  for (let j = 0; j < n; j++) words += held[j] === null ? scalarWords : 1;
  const parameters = scratch[words] ??= new Int32Array(words);
  const count = elements / width;
  parameters[1] = count;
  let at = 2;
  for (let j = 0; j < n; j++) {
    const block = held[j];
    if (block === null) continue;
    parameters[at++] = ((j < inputs.length ? inputs[j] : outputs[j - inputs.length]) as Placed).offset;
    blocks[slots[j]] = block;
  }
  forget();
  for (let k = 0; k < walk.length; k++) parameters[at++] = walk[k];
  for (let j = 0; j < inputs.length; j++) {
    const x = inputs[j];
    if (typeof x === "object") continue;
    writeScalar(parameters, at, x, computeDtype);
    at += scalarWords;
  }
  dispatch(gpu, found.kernel, blocks, parameters, count);
  return true;
}

/** Records a kernel; one that may complain has a buffer for that behind the others. */
export function dispatch(
  gpu: Gpu,
  kernel: Kernel,
  blocks: Block[],
  parameters: Int32Array,
  count: number,
): void {
  if (kernel.access.length > blocks.length) blocks.push(gpu.faults.use());
  gpu.commands.dispatch(kernel, blocks, parameters, Math.ceil(count / GROUP));
}

/** Remembers what the long way found. */
export function remember(
  gpu: Gpu,
  p: Program,
  inputs: readonly (Placed | Scalar)[],
  outputs: readonly Placed[],
  shape: readonly number[],
  computeDtype: DType,
  launch: Launch,
): void {
  const described = describe(inputs, outputs, shape, computeDtype);
  forget();
  if (!described) return;
  let launches = gpu.launches.get(p);
  if (launches === undefined) gpu.launches.set(p, launches = new Memo(MOST));
  launches.set(row, launch);
}

/**
 * Folds of one dispatch that come again, as those of a loop do: see `launches.ts`.
 * @module
 */
import type { Fold, LineOp } from "../../expr/fold.ts";
import type { Program } from "../../expr/program.ts";
import type { Kernel } from "./commands.ts";
import { SCALAR_WORDS, wgslFlavor, writeScalar } from "./convert.ts";
import { elementBytes } from "./elements.ts";
import type { FoldElements, FoldOperand } from "./folds.ts";
import type { Gpu } from "./gpu.ts";
import { numberOf } from "./launches.ts";
import { Memo, Row } from "./memo.ts";
import type { Block } from "./memory.ts";
import { GpuMemory } from "./tensors.ts";

/** What is known of a fold. */
interface Known {
  readonly kernel: Kernel;
  /** The operands' offsets lie from {@linkcode OFFSETS} on, numbers at the end. */
  readonly parameters: Int32Array;
  readonly workgroups: number;
  /** First and last element of each tensor, from its offset. */
  readonly reach: readonly (readonly [number, number])[];
}

/** The folds of one device, by what they depend on. */
export type KnownFolds = WeakMap<Fold | LineOp, Memo<Known>>;

/** Layouts that a fold remembers. */
const MOST = 256;

/** Parameters before the operands' offsets. */
export const OFFSETS = 8;

const numbers = new WeakMap<Program, number>();
let programs = 0;

/** A number that says which program it is. */
function programNumber(p: Program | null): number {
  if (p === null) return 0;
  let number = numbers.get(p);
  if (number === undefined) numbers.set(p, number = ++programs);
  return number;
}

const row = new Row();

function addAll(values: readonly number[]): void {
  row.add(values.length);
  for (let i = 0; i < values.length; i++) row.add(values[i]);
}

/** Writes down what a fold depends on, and gives the blocks that it binds; null where the long way has to look. */
function describe(elements: FoldElements, outs: readonly GpuMemory[]): Block[] | null {
  const { program, operands, computeDtype, kept, folded } = elements;
  const blocks: Block[] = [], types: number[] = [];
  row.length = 0;
  row.add(programNumber(program));
  row.add(numberOf.get(computeDtype)!);
  addAll(kept);
  addAll(folded);
  for (let j = 0; j < operands.length; j++) {
    const x = operands[j];
    if (typeof x !== "object") {
      row.add(-1);
      continue;
    }
    if (!(x.data instanceof GpuMemory)) return null;
    const { block } = x.data, type = numberOf.get(x.dtype)!;
    let slot = 0;
    while (slot < blocks.length && blocks[slot] !== block) slot++;
    if (slot === blocks.length) {
      blocks.push(block);
      types.push(type);
    } else if (types[slot] !== type) return null;
    row.add((slot * 16 + type) * 4 + x.offset % 4);
    addAll(x.keptStrides);
    addAll(x.foldedStrides);
  }
  for (let o = 0; o < outs.length; o++) {
    row.add(numberOf.get(outs[o].dtype)!);
    blocks.push(outs[o].block);
  }
  return blocks;
}

/** Does a fold that is known. False, with nothing done, for all others. */
export function foldAgain(
  gpu: Gpu,
  how: Fold | LineOp,
  elements: FoldElements,
  outs: readonly GpuMemory[],
): boolean {
  const known = gpu.folds.get(how);
  if (known === undefined) return false;
  const blocks = describe(elements, outs), found = blocks === null ? undefined : known.find(row);
  if (found === undefined) return false;
  const { operands, computeDtype } = elements, { parameters, reach } = found;
  let tensors = 0;
  for (let j = 0; j < operands.length; j++) {
    const x = operands[j];
    if (typeof x !== "object") continue;
    const [first, last] = reach[tensors], { block } = x.data as GpuMemory;
    if (!(x.offset + first >= 0 && (x.offset + last + 1) * elementBytes(x.dtype) <= block.bytes)) {
      return false;
    }
    parameters[OFFSETS + tensors++] = x.offset;
  }
  const words = SCALAR_WORDS[wgslFlavor(computeDtype)];
  let at = parameters.length - words * (operands.length - tensors);
  for (let j = 0; j < operands.length; j++) {
    const x = operands[j];
    if (typeof x === "object") continue;
    writeScalar(parameters, at, x, computeDtype);
    at += words;
  }
  gpu.commands.dispatch(found.kernel, blocks!, parameters, found.workgroups);
  return true;
}

/** Remembers how a fold was done in one dispatch. */
export function rememberFold(
  gpu: Gpu,
  how: Fold | LineOp,
  elements: FoldElements,
  outs: readonly GpuMemory[],
  kernel: Kernel,
  parameters: Int32Array,
  workgroups: number,
): void {
  if (describe(elements, outs) === null) return;
  const { kept, folded } = elements;
  const reachOf = (x: FoldOperand): [number, number] => {
    let first = 0, last = 0;
    const walk = (sizes: readonly number[], strides: readonly number[]) =>
      sizes.forEach((size, d) => {
        const way = (size - 1) * strides[d];
        if (way < 0) first += way;
        else last += way;
      });
    walk(kept, x.keptStrides);
    walk(folded, x.foldedStrides);
    return [first, last];
  };
  const reach = elements.operands.filter((x) => typeof x === "object").map(reachOf);
  let known = gpu.folds.get(how);
  if (known === undefined) gpu.folds.set(how, known = new Memo(MOST));
  known.set(row, { kernel, parameters, workgroups, reach });
}

/**
 * Operations of the GPU along one dimension, in the form in which operations ask the CPU for them.
 *
 * Short lines are done as a whole, each by an invocation (or by a workgroup, on hardware); for long ones the folds are those of
 * `folds.ts`, and scans go over parts of a line, then over the parts, then over the elements again. No loop exceeds what
 * lavapipe can do.
 * @module
 */
import type { LineOp } from "../../expr/fold.ts";
import type { Memory } from "../../tensor/device.ts";
import type { DType } from "../../tensor/dtype.ts";
import { checkElements, elementType } from "./elements.ts";
import { GROUP, variablesOf } from "./fold_source.ts";
import { foldPasses, foldType, isWhole, planOf } from "./folds.ts";
import type { Gpu, KernelSource } from "./gpu.ts";
import { eachSource, type LineStage, prefixSource, scanSource, wholeSource } from "./line_source.ts";
import type { Block } from "./memory.ts";
import { checkFits, mayOverflow } from "./overflow.ts";
import { bytesOf } from "./pointwise.ts";
import { allocateGpu, GpuMemory } from "./tensors.ts";

/** Choices that are otherwise made by adapter. */
export interface LineOptions {
  /** Whether a workgroup shares a line. */
  readonly tree?: boolean;
}

/** Works on `lines` lines of `n` elements, each giving as many elements of `y` (and of `z`). */
export function runLines(
  op: LineOp,
  dtype: DType,
  x: Memory,
  offset: number,
  lines: number,
  n: number,
  y: GpuMemory,
  z: Memory | null,
  options: LineOptions = {},
): void {
  const { gpu } = y;
  checkElements(gpu, dtype);
  const outs = z === null ? [y] : [y, z as GpuMemory];
  if (lines * n === 0) return;
  const results = outs.map((out) => out.dtype);
  const words = [dtype, ...results].every((d) => elementType(d) === "f32" || elementType(d) === "i32");
  const four = !op.running && words && n % 4 === 0 && offset % 4 === 0;
  const stage: LineStage = { op, dtype, compute: foldType(dtype), results, four };
  const call: Call = { gpu, stage, x: (x as GpuMemory).block, offset, lines, n, outs };
  if (op.running) {
    scan(call);
    if (y.dtype === "int64" && stage.compute === "int32" && mayOverflow(op, dtype, n)) {
      const about = allocateGpu(gpu, "float32", lines * n);
      scan({ ...call, stage: { ...stage, compute: "float32", results: ["float32"] }, outs: [about] });
      checkFits(gpu, `${op.name}()`, y.block, about.block, lines * n);
      gpu.memory.release(about.block);
    }
  } else {
    const tree = options.tree ?? (!gpu.info.software && n >= GROUP / 2);
    if (isWhole(gpu, lines, n, tree)) whole(call, tree);
    else inParts(call);
  }
}

interface Call {
  readonly gpu: Gpu;
  readonly stage: LineStage;
  readonly x: Block;
  readonly offset: number;
  readonly lines: number;
  readonly n: number;
  readonly outs: readonly GpuMemory[];
}

/** How a line is cut. */
interface Cut {
  readonly length: number;
  readonly parts: number;
}

function launch(
  { gpu, stage, n, offset }: Call,
  key: string,
  write: () => KernelSource,
  blocks: readonly Block[],
  total: number,
  tree = false,
  cut: Cut = { length: n, parts: 1 },
): void {
  const kernel = gpu.kernel(
    stage.op.key,
    `${key} ${stage.dtype} ${stage.compute} ${stage.results} ${stage.four}`,
    write,
  );
  const parameters = Int32Array.of(0, total, n, n, cut.length, cut.parts, offset, 0);
  gpu.commands.dispatch(kernel, blocks, parameters, tree ? total : Math.ceil(total / GROUP));
}

function whole(call: Call, tree: boolean): void {
  const blocks = [call.x, ...call.outs.map((out) => out.block)];
  launch(call, `whole ${tree}`, () => wholeSource(call.stage, tree), blocks, call.lines, tree);
}

/** Long lines: their folds in parts, then every element. */
function inParts(call: Call): void {
  const { gpu, stage, x, offset, lines, n, outs } = call;
  const data = new GpuMemory(gpu, x, stage.dtype, offset + lines * n);
  const plan = planOf(gpu, stage.op, {
    program: null,
    operands: [{ data, dtype: stage.dtype, offset, keptStrides: [n], foldedStrides: [1] }],
    computeDtype: stage.dtype,
    kept: [lines],
    folded: [n],
  });
  const known = foldPasses(gpu, plan, null);
  const blocks = [x, ...known, ...outs.map((out) => out.block)];
  launch(call, "each", () => eachSource(stage), blocks, lines * n / (stage.four ? 4 : 1));
  for (const block of known) gpu.memory.release(block);
}

/** Lines up to this length are scanned by one invocation where there are many. */
const SHORT = 128, MANY = { software: 32, hardware: 8192 }, LONGEST = 4096;

function scan(call: Call): void {
  const { gpu, stage, x, lines, n, outs } = call, to = outs.map((out) => out.block);
  const many = lines >= MANY[gpu.info.software ? "software" : "hardware"];
  if (n <= SHORT || (many && n <= LONGEST)) {
    launch(call, "scan", () => scanSource(stage, true, true), [x, ...to], lines);
    return;
  }
  // as many parts as elements in each: few roundings, and work for many
  const length = Math.max(Math.ceil(Math.sqrt(n)), Math.ceil(n / 8192)), parts = Math.ceil(n / length);
  const cut = { length, parts };
  const states = variablesOf(stage.op.passes, stage.compute).map(({ type }) =>
    gpu.memory.allocate(bytesOf(type === "i32" ? "int32" : stage.compute, lines * parts))
  );
  launch(call, "ends", () => scanSource(stage, true, false), [x, ...states], lines * parts, false, cut);
  launch(call, "prefixes", () => prefixSource(stage), states, lines, false, cut);
  launch(
    call,
    "rest",
    () => scanSource(stage, false, true),
    [x, ...states, ...to],
    lines * parts,
    false,
    cut,
  );
  for (const block of states) gpu.memory.release(block);
}

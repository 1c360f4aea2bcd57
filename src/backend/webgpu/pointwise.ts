/**
 * Pointwise kernels of the GPU: a program becomes one kernel, an invocation an element.
 *
 * A kernel is generated once for each program, arithmetic, element types, class of layout and number of dimensions; sizes,
 * strides, offsets and numbers are its parameters. Of large tensors an invocation has four neighbours in the outputs' memory, which are
 * written at once, and read at once where inputs allow. Tensors that share a block share a binding, because a buffer cannot be
 * bound for reading and for writing at once. Each invocation reads all of its elements before it writes, so an output may be
 * the very memory of an input; where an input overlaps an output otherwise it is copied first.
 *
 * Integer division by zero cannot throw here: it gives what WGSL says (x / 0 is x, x % 0 is 0).
 * @module
 */
import { lowerWgsl, wgslFunctions, type WgslSource } from "../../expr/lower_wgsl.ts";
import type { Program } from "../../expr/program.ts";
import type { DType, Scalar } from "../../tensor/dtype.ts";
import type { Access, Kernel } from "./commands.ts";
import { loaded, SCALAR_WORDS, scalarSource, stored, wgslFlavor, wrapped, writeScalar } from "./convert.ts";
import { checkElements, elementBytes, elementType } from "./elements.ts";
import type { Gpu, KernelSource } from "./gpu.ts";
import { faultsAt } from "./faults.ts";
import { telling, tellingFunctions } from "./int64.ts";
import { dispatch, GROUP, LARGE, launchAgain, remember } from "./launches.ts";
import {
  checkExtent,
  checkWritable,
  collapse,
  extent,
  type GpuOperand,
  isContiguous,
  type Nest,
} from "./layout.ts";
import type { Block } from "./memory.ts";

export type { GpuOperand } from "./layout.ts";

/**
 * How an operand's position is found. Where an invocation has four neighbours, `linear` and `strided` ones are a vector, `repeated` are
 * one element for all four, and `apart` are read one by one.
 */
type Step = "fixed" | "linear" | "strided" | "repeated" | "apart";

/**
 * Runs a program for every element of `shape`: the GPU's counterpart of the CPU's function of this name.
 *
 * Inputs are converted to `computeDtype`; arithmetic of float16 and float32 is done in float32 and rounded when it is stored.
 * Storing a float as an integer rounds towards zero and wraps; as a bool it tests for not being 0. The output shapes must be
 * `shape`, the inputs broadcast to it.
 *
 * @throws {TypeError} if the program has no meaning in this type on the GPU, or an output overlaps itself.
 * @throws {RangeError} if an operand is not inside of its block.
 */
export function runPointwise(
  gpu: Gpu,
  p: Program,
  inputs: readonly (GpuOperand | Scalar)[],
  outputs: readonly GpuOperand[],
  shape: readonly number[],
  computeDtype: DType,
): void {
  if (!launchAgain(gpu, p, inputs, outputs, shape, computeDtype)) {
    launchFirst(gpu, p, inputs, outputs, shape, computeDtype);
  }
}

/** {@linkcode runPointwise} for a launch that is not known. */
export function launchFirst(
  gpu: Gpu,
  p: Program,
  inputs: readonly (GpuOperand | Scalar)[],
  outputs: readonly GpuOperand[],
  shape: readonly number[],
  computeDtype: DType,
): void {
  if (inputs.length !== p.inputs.length || outputs.length !== p.outputs.length) {
    throw new TypeError(
      `program ${p.name} has ${p.inputs.length} inputs and ${p.outputs.length} outputs, ` +
        `got ${inputs.length} and ${outputs.length}`,
    );
  }
  let numel = 1;
  for (const size of shape) numel *= size;
  if (numel === 0) return;
  checkElements(gpu, computeDtype);
  for (const x of inputs) if (isOperand(x)) checkOperand(gpu, x, shape);
  for (const x of outputs) {
    checkOperand(gpu, x, shape);
    checkWritable(x, shape);
  }

  const copies = new Map<Block, Block>();
  const safe = inputs.map((x) => {
    if (!isOperand(x) || !outputs.some((o) => conflicts(x, o, shape))) return x;
    let copy = copies.get(x.data);
    if (copy === undefined) {
      copy = gpu.memory.allocate(x.data.bytes);
      copies.set(x.data, copy);
      gpu.commands.copy(x.data, 0, copy, 0, x.data.bytes);
    }
    return { ...x, data: copy };
  });
  try {
    launch(gpu, p, safe, outputs, shape, numel, computeDtype);
  } finally {
    for (const copy of copies.values()) gpu.memory.release(copy);
  }
}

/** How much code a program may have for four elements an invocation: it is there four times. */
const SHORT = 6000;

function isOperand(x: GpuOperand | Scalar): x is GpuOperand {
  return typeof x === "object";
}

function checkOperand(gpu: Gpu, x: GpuOperand, shape: readonly number[]): void {
  checkElements(gpu, x.dtype);
  checkExtent(x, shape);
}

/** Whether writing `o` could change elements of `x` that another invocation still has to read. */
function conflicts(x: GpuOperand, o: GpuOperand, shape: readonly number[]): boolean {
  if (x.data !== o.data) return false;
  if (elementType(x.dtype) !== elementType(o.dtype)) return true; // a view as another type: a binding has one
  if (x.offset === o.offset && x.strides.every((s, d) => s === o.strides[d] || shape[d] === 1)) return false;
  const [first, last] = extent(x, shape), [from, to] = extent(o, shape);
  return first <= to && from <= last;
}

/** Everything that a kernel is generated for. */
interface Plan {
  readonly operands: readonly (GpuOperand | null)[];
  readonly steps: readonly Step[];
  /** Binding of each operand. */
  readonly slots: readonly number[];
  readonly blocks: readonly Block[];
  readonly access: readonly Access[];
  readonly types: readonly string[];
  readonly rank: number;
  /** Elements of an invocation: 1 or 4. */
  readonly width: number;
}

/** Whether the position needs strides. */
function isWalked(step: Step): boolean {
  return step !== "fixed" && step !== "linear";
}

const short = new WeakMap<Program, boolean>();

/** Whether a program has little code. */
export function isShort(p: Program, computeDtype: DType): boolean {
  let known = short.get(p);
  if (known === undefined) {
    const { functions, statements } = lowerWgsl(p, wgslFlavor(computeDtype));
    short.set(p, known = functions.length + statements.length <= SHORT);
  }
  return known;
}

/**
 * How four neighbours along the last dimension of a walk are read: a vector if they lie side by side and each four begins where a
 * vector can.
 */
function stepOf(x: GpuOperand, step: Step, own: readonly number[]): Step {
  if (step === "fixed" || own.at(-1) === 0) return step === "fixed" ? "fixed" : "repeated";
  const aligned = x.offset % 4 === 0 && own.at(-1) === 1 && own.slice(0, -1).every((s) => s % 4 === 0);
  return aligned ? step : "apart";
}

/** How many elements an invocation has: four where the outputs are vectors. Without dimensions to walk the inputs have to be, too. */
function widthOf(
  p: Program,
  operands: readonly (GpuOperand | null)[],
  steps: readonly Step[],
  rank: number,
  last: number,
  numel: number,
  computeDtype: DType,
): number {
  if (numel < LARGE || last % 4 !== 0 || wgslFlavor(computeDtype) === "double") return 1;
  const fits = operands.every((x, j) => {
    if (x === null) return true;
    const type = elementType(x.dtype);
    if (type !== "f32" && type !== "i32") return false;
    return rank > 0 && j < p.inputs.length || steps[j] !== "apart" && steps[j] !== "repeated";
  });
  return fits && isShort(p, computeDtype) ? 4 : 1;
}

function launch(
  gpu: Gpu,
  p: Program,
  inputs: readonly (GpuOperand | Scalar)[],
  outputs: readonly GpuOperand[],
  shape: readonly number[],
  numel: number,
  computeDtype: DType,
): void {
  const operands = [...inputs.map((x) => isOperand(x) ? x : null), ...outputs];
  const given = operands.filter((x) => x !== null);
  const steps: Step[] = operands.map((x) =>
    x === null || x.strides.every((s, d) => s === 0 || shape[d] === 1)
      ? "fixed"
      : isContiguous(x.strides, shape)
      ? "linear"
      : "strided"
  );
  // A single strided operand makes the others' order one of several that would do: the outputs' decides.
  let nest: Nest = { sizes: [], strides: [] };
  if (steps.includes("strided")) {
    nest = collapse(given.map((x) => x.strides), shape, given.length - outputs.length);
    const { sizes, strides } = nest;
    let k = 0;
    operands.forEach((x, j) => {
      if (x === null) return;
      const own = strides[k++];
      steps[j] = own.every((s) => s === 0) ? "fixed" : isContiguous(own, sizes) ? "linear" : "strided";
    });
  }
  if (!steps.includes("strided")) nest = { sizes: [], strides: [] };
  const { sizes, strides } = nest, last = sizes.length - 1;

  const blocks: Block[] = [], access: Access[] = [], types: string[] = [];
  const slots = operands.map((x, j) => {
    if (x === null) return -1;
    const type = elementType(x.dtype);
    let slot = blocks.findIndex((block, k) => block === x.data && types[k] === type);
    if (slot < 0) {
      slot = blocks.push(x.data) - 1;
      access.push("read");
      types.push(type);
    }
    if (j >= inputs.length) access[slot] = "write";
    return slot;
  });

  let at = 0;
  const fours = operands.map((x, j) => {
    if (x === null) return steps[j];
    const own = sizes.length > 0 ? strides[at++] : [1];
    return stepOf(x, steps[j], own);
  });
  const width = widthOf(p, operands, fours, sizes.length, sizes[last] ?? numel, numel, computeDtype);
  if (width > 1) steps.splice(0, steps.length, ...fours);
  const plan: Plan = { operands, steps, slots, blocks, access, types, rank: sizes.length, width };
  const kernel = kernelFor(gpu, p, plan, inputs, computeDtype);
  const scalars = SCALAR_WORDS[wgslFlavor(computeDtype)];
  const walk = sizes.map((size, d) => d === last ? size / width : size);
  let k = 0;
  operands.forEach((x, j) => {
    if (x === null) return;
    if (isWalked(steps[j])) walk.push(...strides[k]);
    k++;
  });
  const found = { kernel, width, blocks: blocks.length, walk, scalarWords: scalars };
  remember(gpu, p, inputs, outputs, shape, computeDtype, found);

  const count = numel / width, words: number[] = [0, count];
  for (const x of given) words.push(x.offset);
  words.push(...walk);
  const parameters = new Int32Array(
    words.length + scalars * (inputs.length - (given.length - outputs.length)),
  );
  parameters.set(words);
  at = words.length;
  for (const x of inputs) {
    if (isOperand(x)) continue;
    writeScalar(parameters, at, x, computeDtype);
    at += scalars;
  }
  dispatch(gpu, kernel, blocks, parameters, count);
}

function kernelFor(
  gpu: Gpu,
  p: Program,
  plan: Plan,
  inputs: readonly (GpuOperand | Scalar)[],
  computeDtype: DType,
): Kernel {
  let code = `${computeDtype} ${plan.rank} ${plan.width}`;
  plan.operands.forEach((x, j) =>
    code += x === null ? " -" : ` ${x.dtype} ${plan.steps[j]} ${plan.slots[j]}`
  );
  // int64 is told of by the program's name, which is no part of its key
  const tells = computeDtype === "int64" || plan.operands.some((x) => x?.dtype === "int64");
  const caller = tells ? gpu.faults.code(p.name) : 0,
    conversion = tells ? gpu.faults.code("a conversion") : 0;
  return gpu.kernel(
    p.key,
    tells ? `${code} ${caller}` : code,
    () => generate(p, plan, inputs.length, computeDtype, caller, conversion),
  );
}

// ---- code -----------------------------------------------------------------------------------------------------------

/** Operand j is at `p<j>`, its input is `x<j>`, its binding `b<slot>`. */
function generate(
  p: Program,
  plan: Plan,
  inputs: number,
  computeDtype: DType,
  caller: number,
  conversion: number,
): KernelSource {
  const { operands, steps, slots, access, types, rank, width } = plan, wide = width > 1;
  const flavor = wgslFlavor(computeDtype);
  const step = computeDtype === "int64"
    ? telling
    : flavor === "int" && computeDtype !== "int32"
    ? (v: string) => wrapped(v, computeDtype)
    : undefined;
  const body = lowerWgsl(p, flavor, step);

  let words = 2;
  const word = (k: number) => `P[${k >> 2}][${k & 3}]`;
  const offsets = operands.map((x) => x === null ? "" : word(words++));
  const sizes = Array.from({ length: rank }, () => word(words++));
  const lines: string[] = [];
  if (rank > 0) {
    lines.push("var rest = u32(i);");
    for (let d = rank - 1; d > 0; d--) {
      lines.push(`let k${d} = i32(rest % u32(${sizes[d]}));`, `rest = rest / u32(${sizes[d]});`);
    }
    lines.push("let k0 = i32(rest);");
  }
  const strideOf: string[] = [];
  operands.forEach((x, j) => {
    if (x === null) return;
    const terms = [wide && steps[j] === "linear" ? `${offsets[j]} / 4` : offsets[j]];
    if (steps[j] === "linear") terms.push("i");
    if (isWalked(steps[j])) {
      for (let d = 0; d < rank; d++) {
        terms.push(`k${d} * ${word(words++)}${wide && d === rank - 1 ? " * 4" : ""}`);
      }
    }
    strideOf[j] = word(words - 1);
    lines.push(`let p${j} = ${terms.join(" + ")};`);
  });
  /** The position of a vector, or of an element. */
  const place = (j: number) => wide && steps[j] === "strided" ? `p${j} / 4` : `p${j}`;
  // what is read from each element, where an invocation has several of them
  const each: string[] = [];
  operands.forEach((x, j) => {
    if (x === null) {
      const at = words;
      words += SCALAR_WORDS[flavor];
      lines.push(`let x${j} = ${scalarSource((k) => word(at + k), computeDtype)};`);
    } else if (j < inputs) {
      const memory = `b${slots[j]}`;
      if (wide && (steps[j] === "linear" || steps[j] === "strided")) {
        lines.push(`let v${j} = ${memory}[${place(j)}];`);
        each.push(`let x${j} = ${loaded(`v${j}[U]`, x.dtype, computeDtype, true)};`);
      } else if (steps[j] === "apart") {
        lines.push(
          `let v${j} = vec4<${types[slots[j]]}>(${
            [0, 1, 2, 3].map((u) =>
              `${memory}[(p${j} + ${u} * ${strideOf[j]}) / 4][(p${j} + ${u} * ${strideOf[j]}) % 4]`
            )
          });`,
        );
        each.push(`let x${j} = ${loaded(`v${j}[U]`, x.dtype, computeDtype, true)};`);
      } else {
        const element = wide ? `${memory}[p${j} / 4][p${j} % 4]` : `${memory}[p${j}]`;
        lines.push(`let x${j} = ${loaded(element, x.dtype, computeDtype, true)};`);
      }
    }
  });
  const storedOf = ({ results, truths }: WgslSource) =>
    results.map((result, o) => stored(result, truths[o], computeDtype, operands[inputs + o]!.dtype, true));
  const results = storedOf(body);
  const to = (o: number) => `b${slots[inputs + o]}[${place(inputs + o)}]`;
  if (wide) {
    results.forEach((_, o) => lines.push(`var r${o}: vec4<${types[slots[inputs + o]]}>;`));
    // a meaningless result must not be told of
    const tells = operands.some((x) => x?.dtype === "int64");
    const quick = tells ? body : lowerWgsl(p, flavor, step, true), rare = quick.rare !== "";
    const element = (
      u: string | number,
      { statements }: WgslSource,
      results: readonly string[],
      more: string,
    ) => [
      "{",
      each.join("\n").replaceAll("[U]", `[${u}]`),
      statements,
      ...results.map((result, o) => `r${o}[${u}] = ${result};`),
      more,
      "}",
    ];
    if (rare) lines.push("var rare = 0u;");
    for (let u = 0; u < width; u++) {
      const noted = rare ? `rare |= select(0u, ${1 << u}u, ${quick.rare});` : "";
      lines.push(...element(u, quick, storedOf(quick), noted));
    }
    // once in the code for all of them, because software computes it whether it is needed or not
    if (rare) {
      lines.push("if (rare != 0u) {", "loop {", `let u = firstTrailingBit(rare) & ${width - 1}u;`);
      lines.push(
        ...element("u", body, results, "rare &= rare - 1u;"),
        "if (rare == 0u) { break; }",
        "}",
        "}",
      );
    }
  } else {
    lines.push(body.statements, ...results.map((result, o) => `let r${o} = ${result};`));
  }
  results.forEach((_, o) => lines.push(`${to(o)} = r${o};`));

  const main = lines.join("\n"), told = tellingFunctions(main, caller, conversion);
  const faults = told === "" ? "" : `${faultsAt(types.length)}\n${told}`;
  const code = `${types.includes("f16") || main.includes("f16(") ? "enable f16;\n" : ""}${
    header(words, wide ? types.map((type) => `vec4<${type}>`) : types, access)
  }
${wgslFunctions(`${main}\n${told}`)}
${faults}
@compute @workgroup_size(${GROUP})
fn main(
  @builtin(workgroup_id) w: vec3<u32>, @builtin(num_workgroups) g: vec3<u32>, @builtin(local_invocation_index) l: u32,
) {
let i = i32((w.y * g.x + w.x) * ${GROUP}u + l);
if (i >= P[0].y) { return; }
${main}
}
`;
  return { label: p.name, code, access: told === "" ? access : [...access, "write"] };
}

/** Declarations of parameters and buffers, and of the parameter that is always 0. */
export function header(words: number, types: readonly string[], access: readonly Access[]): string {
  const buffers = types.map((type, k) =>
    `@group(1) @binding(${k}) var<storage, ${
      access[k] === "read" ? "read" : "read_write"
    }> b${k}: array<${type}>;`
  );
  return `@group(0) @binding(0) var<uniform> P: array<vec4<i32>, ${Math.ceil(words / 4)}>;
${buffers.join("\n")}
fn zero() -> u32 { return u32(P[0].x); }`;
}

/** Bytes that a tensor of so many elements takes in GPU memory. */
export function bytesOf(dtype: DType, length: number): number {
  return Math.ceil(elementBytes(dtype) * length / 4) * 4;
}

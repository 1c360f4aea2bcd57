/**
 * One program on many tensors in few dispatches: the steps of optimizers, whose parameters are many and often small.
 *
 * The tensors of a job have one shape and lie row-major; the jobs of a dispatch follow each other in one long row of
 * elements, and an invocation finds its job by where it is in the row. How many jobs fit is a matter of how many buffers the
 * device binds at once.
 * @module
 */
import { lowerWgsl, wgslFunctions } from "../../expr/lower_wgsl.ts";
import type { Program } from "../../expr/program.ts";
import type { DType } from "../../tensor/dtype.ts";
import type { Access, Kernel } from "./commands.ts";
import { loaded, SCALAR_WORDS, scalarSource, stored, wgslFlavor, writeScalar } from "./convert.ts";
import { checkElements, elementType } from "./elements.ts";
import type { Gpu, KernelSource } from "./gpu.ts";
import { numberOf } from "./launches.ts";
import { checkInside, type GpuOperand } from "./layout.ts";
import { Memo, Row } from "./memo.ts";
import type { Block } from "./memory.ts";
import { header } from "./pointwise.ts";

/** The tensors of one job, each row-major and in a block of its own. */
export interface Job {
  /** The program's first inputs. */
  readonly operands: readonly GpuOperand[];
  /** Number of elements. */
  readonly numel: number;
}

/** Invocations in a workgroup. */
const GROUP = 64;
/** Kernels that a program remembers. */
const KERNELS = 64;
/** Most jobs in a dispatch: its code grows with them. */
const MOST = 16;

/** The kernels of one device's programs, by the dtypes of their tensors. */
export type ManyKernels = WeakMap<Program, Memo<Kernel>>;

const row = new Row();

/**
 * Runs a program for every element of every job. The inputs after a job's tensors are numbers, the same for all; result number
 * r is written to tensor `written[r]` of the job.
 */
export function runMany(
  gpu: Gpu,
  p: Program,
  jobs: readonly Job[],
  numbers: readonly number[],
  written: readonly number[],
  dtype: DType,
): void {
  checkElements(gpu, dtype);
  for (let i = 0; i < jobs.length; i++) {
    const { operands, numel } = jobs[i];
    for (let t = 0; t < operands.length; t++) {
      const x = operands[t];
      checkElements(gpu, x.dtype);
      checkInside(x.data, x.dtype, x.offset, x.offset + numel - 1);
    }
  }
  const most = Math.max(1, Math.min(MOST, Math.floor(gpu.info.buffersPerKernel / jobs[0].operands.length)));
  for (let first = 0; first < jobs.length; first += most) {
    launch(gpu, p, jobs.slice(first, first + most), numbers, written, dtype);
  }
}

function launch(
  gpu: Gpu,
  p: Program,
  jobs: readonly Job[],
  numbers: readonly number[],
  written: readonly number[],
  dtype: DType,
): void {
  const tensors = jobs[0].operands.length, scalars = SCALAR_WORDS[wgslFlavor(dtype)];
  row.length = 0;
  row.add(numberOf.get(dtype)!);
  row.add(tensors);
  for (let r = 0; r < written.length; r++) row.add(written[r]);
  // a 0, then for each job where it ends and where its tensors begin, then the numbers
  const parameters = new Int32Array(1 + jobs.length * (1 + tensors) + scalars * numbers.length);
  const blocks: Block[] = new Array(jobs.length * tensors);
  let end = 0, at = 1;
  for (let j = 0; j < jobs.length; j++) {
    const { operands, numel } = jobs[j];
    parameters[at++] = end += numel;
    for (let t = 0; t < tensors; t++) {
      const x = operands[t];
      blocks[j * tensors + t] = x.data;
      parameters[at++] = x.offset;
      row.add(numberOf.get(x.dtype)!);
    }
  }
  for (let k = 0; k < numbers.length; k++) {
    writeScalar(parameters, at, numbers[k], dtype);
    at += scalars;
  }
  let kernels = gpu.many.get(p);
  if (kernels === undefined) gpu.many.set(p, kernels = new Memo(KERNELS));
  let kernel = kernels.find(row);
  if (kernel === undefined) {
    const types = jobs.map(({ operands }) => operands.map((x) => x.dtype));
    const key = `many ${dtype} ${written} ${types.map((t) => t.join()).join(";")}`;
    kernel = gpu.kernel(p.key, key, () => generate(p, types, numbers.length, written, dtype));
    kernels.set(row, kernel);
  }
  gpu.commands.dispatch(kernel, blocks, parameters, Math.ceil(end / GROUP));
}

function generate(
  p: Program,
  types: readonly (readonly DType[])[],
  numbers: number,
  written: readonly number[],
  dtype: DType,
): KernelSource {
  const flavor = wgslFlavor(dtype), body = lowerWgsl(p, flavor);
  const scalar = flavor === "double" ? "f64" : flavor === "int" ? "i32" : "f32";
  const tensors = types[0].length, word = (k: number) => `P[${k >> 2}][${k & 3}]`;
  const access: Access[] = [], elements: string[] = [], branches: string[] = [];
  let words = 1;
  types.forEach((own, j) => {
    const end = word(words++), before = j === 0 ? "0" : word(words - 2 - tensors);
    const at = own.map((_, t) => `i - ${before} + ${word(words + t)}`);
    words += tensors;
    const slot = (t: number) => `b${j * tensors + t}`;
    const values = own.map((type, t) => loaded(`${slot(t)}[${at[t]}]`, type, dtype));
    const stores = written.map((t, r) => `${slot(t)}[${at[t]}] = ${stored(`r[${r}]`, "", dtype, own[t])};`);
    branches.push(
      `if (i < ${end}) {\nlet r = update(${values.join(", ")});\n${stores.join("\n")}\nreturn;\n}`,
    );
    own.forEach((type, t) => {
      access.push(written.includes(t) ? "write" : "read");
      elements.push(elementType(type));
    });
  });
  const constants = Array.from({ length: numbers }, (_, k) => {
    const at = words + k * SCALAR_WORDS[flavor];
    return `let x${tensors + k} = ${scalarSource((n) => word(at + n), dtype)};`;
  });
  words += numbers * SCALAR_WORDS[flavor];
  const parameters = Array.from({ length: tensors }, (_, t) => `x${t}: ${scalar}`);
  const main = `fn update(${parameters.join(", ")}) -> array<${scalar}, ${written.length}> {
${constants.join("\n")}
${body.statements}
return array<${scalar}, ${written.length}>(${body.results.join(", ")});
}
@compute @workgroup_size(${GROUP})
fn main(
  @builtin(workgroup_id) w: vec3<u32>, @builtin(num_workgroups) g: vec3<u32>, @builtin(local_invocation_index) l: u32,
) {
let i = i32((w.y * g.x + w.x) * ${GROUP}u + l);
${branches.join("\n")}
}
`;
  const f16 = elements.includes("f16") ? "enable f16;\n" : "";
  return {
    label: p.name,
    code: `${f16}${header(words, elements, access)}\n${wgslFunctions(main)}\n${main}`,
    access,
  };
}

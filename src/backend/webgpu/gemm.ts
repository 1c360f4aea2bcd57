/**
 * Matrix products of the GPU, batched, with any strides.
 *
 * Three kernels. `tiled`: a workgroup computes 64 by 64 results from parts of the factors in its memory, an invocation 4 by 4
 * of them; for hardware. `blocked`: an invocation computes 8 by 8 results in registers, from factors packed so that it
 * reads four neighbours at once; 2.5 times as fast on lavapipe, where workgroup memory is ordinary memory. `direct`: an
 * invocation a result, where one of the sides is short.
 *
 * Not measured on hardware: first try other tile sizes, then `blocked` with workgroup memory.
 * @module
 */
import { input } from "../../expr/expr.ts";
import { type Program, program } from "../../expr/program.ts";
import type { DType } from "../../tensor/dtype.ts";
import type { Access } from "./commands.ts";
import { loaded, SCALAR_WORDS, scalarSource, stored, wgslFlavor, writeScalar } from "./convert.ts";
import { checkElements, elementType } from "./elements.ts";
import type { Gpu, KernelSource } from "./gpu.ts";
import { checkExtent } from "./layout.ts";
import type { Block } from "./memory.ts";
import { wgslFunctions } from "../../expr/lower_wgsl.ts";
import { bytesOf, header, runPointwise } from "./pointwise.ts";

/** A batch of strided matrices. */
export interface GpuMatrix {
  /** The block that the elements lie in. */
  readonly data: Block;
  /** Index of the first element. */
  readonly offset: number;
  /** From a matrix of the batch to the next, in elements; 0 if all are the same. */
  readonly batchStride: number;
  /** From a row to the next. */
  readonly rowStride: number;
  /** From a column to the next. */
  readonly columnStride: number;
}

/** Sizes of products: each a is m by k, b is k by n, c is m by n. */
export interface GemmSize {
  /** How many products. */
  readonly batch: number;
  /** Rows of a and c. */
  readonly m: number;
  /** Columns of b and c. */
  readonly n: number;
  /** Columns of a, rows of b. */
  readonly k: number;
}

/** Options of {@linkcode gemm}. */
export interface GemmOptions {
  /** Factor of the product; 1 by default. */
  readonly alpha?: number;
  /** Factor of what c holds; with 0, the default, c is not read. */
  readonly beta?: number;
  /** Which kernel to use; by default the sizes and the adapter decide. */
  readonly kernel?: GemmKernel;
}

/** See the module. `blocked` is for float16 and float32 only. */
export type GemmKernel = "tiled" | "blocked" | "direct";

/** Elements of k that one dispatch takes: lavapipe ends loops of more than 65,535 iterations. */
const DEPTH = 32768;
/** Most matrices in one dispatch. */
const LAYERS = 65535;

/**
 * `c = alpha * a @ b + beta * c` for each matrix of the batch, all of one element type. c must not share elements with a or b.
 * float16 is added up in float32. Integers wrap.
 */
export function gemm(
  gpu: Gpu,
  size: GemmSize,
  a: GpuMatrix,
  b: GpuMatrix,
  c: GpuMatrix,
  dtype: DType,
  options: GemmOptions = {},
): void {
  const { batch, m, n, k } = size;
  if (batch === 0 || m === 0 || n === 0) return;
  checkElements(gpu, dtype);
  if (dtype === "int64") {
    throw new TypeError(
      'the GPU has no int64 products, because it carries int64 in 32 bits: convert to "int32" or a float dtype',
    );
  }
  const check = (x: GpuMatrix, rows: number, columns: number) =>
    rows * columns > 0 &&
    checkExtent({ ...x, dtype, strides: [x.batchStride, x.rowStride, x.columnStride] }, [
      batch,
      rows,
      columns,
    ]);
  check(a, m, k);
  check(b, k, n);
  check(c, m, n);
  if (c.data === a.data || c.data === b.data) {
    throw new TypeError("the result of a matrix product cannot share memory with its factors");
  }
  const { alpha = 1, beta = 0 } = options;
  const chosen = options.kernel ?? chooseKernel(gpu, size, dtype);
  for (let first = 0; first < batch; first += LAYERS) {
    const layers = Math.min(LAYERS, batch - first);
    const from = (x: GpuMatrix): GpuMatrix => ({ ...x, offset: x.offset + first * x.batchStride });
    for (let done = 0; done === 0 || done < k; done += DEPTH) {
      const depth = Math.min(DEPTH, k - done), part = { batch: layers, m, n, k: depth };
      const pa = from({ ...a, offset: a.offset + done * a.columnStride });
      const pb = from({ ...b, offset: b.offset + done * b.rowStride });
      const job: Job = { size: part, a: pa, b: pb, c: from(c), dtype, alpha, beta: done === 0 ? beta : 1 };
      if (chosen === "blocked") blocked(gpu, job);
      else launch(gpu, chosen, job);
    }
  }
}

function chooseKernel(gpu: Gpu, { m, n, k }: GemmSize, dtype: DType): GemmKernel {
  const short = Math.min(m, n);
  if (short < 4 || m * n * k < 4096) return "direct";
  return gpu.info.software && wgslFlavor(dtype) === "float" ? "blocked" : "tiled";
}

interface Job {
  readonly size: GemmSize;
  readonly a: GpuMatrix;
  readonly b: GpuMatrix;
  readonly c: GpuMatrix;
  readonly dtype: DType;
  readonly alpha: number;
  readonly beta: number;
}

const generators: Readonly<Record<GemmKernel, (dtype: DType, accumulate: boolean) => KernelSource>> = {
  tiled: generateTiled,
  blocked: generateBlocked,
  direct: generateDirect,
};

function launch(gpu: Gpu, kernelName: GemmKernel, job: Job): void {
  const { size, a, b, c, dtype, alpha, beta } = job, flavor = wgslFlavor(dtype), words = SCALAR_WORDS[flavor];
  // float16 factors are numbers of float32
  const scalarType = dtype === "float16" ? "float32" : dtype;
  const accumulate = beta !== 0;
  const kernel = gpu.kernel(
    "gemm",
    `${kernelName} ${dtype} ${accumulate}`,
    () => generators[kernelName](dtype, accumulate),
  );
  const parameters = new Int32Array(16 + 2 * words);
  parameters.set([0, size.m, size.n, size.k]);
  [a, b, c].forEach((x, i) =>
    parameters.set([x.offset, x.batchStride, x.rowStride, x.columnStride], 4 + 4 * i)
  );
  writeScalar(parameters, 16, alpha, scalarType);
  writeScalar(parameters, 16 + words, beta, scalarType);
  const blocks = [a.data, b.data, c.data], { batch, m, n } = size;
  if (kernelName === "tiled") {
    gpu.commands.dispatch(kernel, blocks, parameters, Math.ceil(n / 64), Math.ceil(m / 64), batch);
  } else {
    const tile = kernelName === "blocked" ? 64 : 8;
    gpu.commands.dispatch(kernel, blocks, parameters, Math.ceil(n / tile), Math.ceil(m / tile), batch);
  }
}

// ---- packing --------------------------------------------------------------------------------------------------------

let copy: Program | undefined;

/** Packs what is not in the blocked kernel's layout: for each k, 8 neighbours of a side in one place. */
function blocked(gpu: Gpu, job: Job): void {
  const { size: { batch, m, n, k }, dtype } = job, spare: Block[] = [];
  const pack = (
    x: GpuMatrix,
    side: number,
    sideStride: number,
    depthStride: number,
  ): GpuMatrix & { depth: number } => {
    const multiple = (v: number) => v % 4 === 0;
    if (
      dtype === "float32" && sideStride === 1 && side % 8 === 0 && multiple(depthStride) &&
      multiple(x.offset) &&
      multiple(x.batchStride)
    ) return { ...x, depth: depthStride };
    const padded = Math.ceil(side / 8) * 8, layers = x.batchStride === 0 ? 1 : batch;
    const data = gpu.memory.allocate(Math.max(4, bytesOf("float32", layers * k * padded)));
    spare.push(data);
    copy ??= program(["x"], input("x"), { name: "pack" });
    runPointwise(
      gpu,
      copy,
      [{ data: x.data, dtype, offset: x.offset, strides: [x.batchStride, depthStride, sideStride] }],
      [{ data, dtype: "float32", offset: 0, strides: [k * padded, padded, 1] }],
      [layers, k, side],
      "float32",
    );
    return {
      data,
      offset: 0,
      batchStride: layers === 1 ? 0 : k * padded,
      rowStride: 0,
      columnStride: 0,
      depth: padded,
    };
  };
  const a = pack(job.a, m, job.a.rowStride, job.a.columnStride);
  const b = pack(job.b, n, job.b.columnStride, job.b.rowStride);
  // the strides that the kernel knows are along k, in units of four numbers
  const fours = (x: GpuMatrix & { depth: number }): GpuMatrix => ({
    data: x.data,
    offset: x.offset / 4,
    batchStride: x.batchStride / 4,
    rowStride: x.depth / 4,
    columnStride: 0,
  });
  launch(gpu, "blocked", { ...job, a: fours(a), b: fours(b) });
  for (const block of spare) gpu.memory.release(block);
}

// ---- code -----------------------------------------------------------------------------------------------------------

/** Sizes are `P[0].yzw`; offset, batch, row and column strides of a, b, c are `P[1]`, `P[2]`, `P[3]`. */
function source(
  dtype: DType,
  accumulate: boolean,
  factors: string,
  group: string,
  shared: string,
  body: string,
): KernelSource {
  const element = elementType(dtype), flavor = wgslFlavor(dtype), words = SCALAR_WORDS[flavor];
  const number = dtype === "float16" ? "float32" : dtype;
  const word = (k: number) => `P[${k >> 2}][${k & 3}]`;
  const types = [factors, factors, element], access: Access[] = ["read", "read", "write"];
  const computed = wgslFlavor(dtype) === "float" ? "float32" : dtype;
  const main = `
let alpha = ${scalarSource((k) => word(16 + k), number)};
let beta = ${scalarSource((k) => word(16 + words + k), number)};
${
    body.replace(/STORE\((.*?); (.*?); (.*?)\)/g, (_, value, row, column) => {
      const at = `P[3].x + batch * P[3].y + (${row}) * P[3].z + (${column}) * P[3].w`;
      const sum = accumulate
        ? `alpha * ${value} + beta * ${loaded(`b2[${at}]`, dtype, computed)}`
        : `alpha * ${value}`;
      return `b2[${at}] = ${stored(sum, "", computed, dtype)};`;
    })
  }`;
  const code = `${element === "f16" ? "enable f16;\n" : ""}${header(16 + 2 * words, types, access)}
${wgslFunctions(main)}
${shared}
@compute @workgroup_size(${group})
fn main(@builtin(workgroup_id) w: vec3<u32>, @builtin(local_invocation_id) l: vec3<u32>) {
let m = P[0].y;
let n = P[0].z;
let depth = P[0].w;
let batch = i32(w.z);
${main}
}
`;
  return { label: "gemm", code, access };
}

function numberType(dtype: DType): string {
  return { float: "f32", double: "f64", int: "i32" }[wgslFlavor(dtype)];
}

function generateDirect(dtype: DType, accumulate: boolean): KernelSource {
  const type = numberType(dtype), computed = type === "f32" ? "float32" : dtype;
  return source(
    dtype,
    accumulate,
    elementType(dtype),
    "8, 8",
    "",
    `
let row = i32(w.y * 8u + l.y);
let column = i32(w.x * 8u + l.x);
if (row >= m || column >= n) { return; }
var pa = P[1].x + batch * P[1].y + row * P[1].z;
var pb = P[2].x + batch * P[2].y + column * P[2].w;
var sum = ${type}(0);
var e = 0;
while (e < depth) {
  var part = ${type}(0);
  for (var i = 0; i < 64 && e < depth; i++) {
    part += ${loaded("b0[pa]", dtype, computed)} * ${loaded("b1[pb]", dtype, computed)};
    pa += P[1].w;
    pb += P[2].z;
    e++;
  }
  sum += part;
}
STORE(sum; row; column)`,
  );
}

/** Rows or columns of each workgroup, of each invocation, and the depth of what lies in workgroup memory. */
const TILE = 64, OWN = 4, SLICE = 16;

function generateTiled(dtype: DType, accumulate: boolean): KernelSource {
  const type = numberType(dtype), computed = type === "f32" ? "float32" : dtype;
  const range = Array.from({ length: OWN }, (_, i) => i);
  const each = (f: (r: number, c: number) => string) =>
    range.flatMap((r) => range.map((c) => f(r, c))).join("\n");
  const load = (r: number) =>
    `{
    let x = i32(t) + ${r * 256};
    let side = x / ${SLICE};
    let e = x % ${SLICE};
    let inA = row0 + side < m && start + e < depth;
    let pa = select(0, baseA + (row0 + side) * P[1].z + (start + e) * P[1].w, inA);
    tileA[e * ${TILE} + side] = select(${type}(0), ${loaded("b0[pa]", dtype, computed)}, inA);
    let column = x % ${TILE};
    let f = x / ${TILE};
    let inB = column0 + column < n && start + f < depth;
    let pb = select(0, baseB + (start + f) * P[2].z + (column0 + column) * P[2].w, inB);
    tileB[f * ${TILE} + column] = select(${type}(0), ${loaded("b1[pb]", dtype, computed)}, inB);
  }`;
  const shared = `var<workgroup> tileA: array<${type}, ${TILE * SLICE}>;
var<workgroup> tileB: array<${type}, ${TILE * SLICE}>;`;
  return source(
    dtype,
    accumulate,
    elementType(dtype),
    "16, 16",
    shared,
    `
let t = l.y * 16u + l.x;
let row0 = i32(w.y) * ${TILE};
let column0 = i32(w.x) * ${TILE};
let baseA = P[1].x + batch * P[1].y;
let baseB = P[2].x + batch * P[2].y;
${each((r, c) => `var s${r}${c} = ${type}(0);`)}
for (var start = 0; start < depth; start += ${SLICE}) {
  ${range.map(load).join("\n")}
  workgroupBarrier();
  for (var e = 0u; e < ${SLICE}u; e++) {
    ${range.map((r) => `let x${r} = tileA[e * ${TILE}u + l.y + ${r * 16}u];`).join("\n")}
    ${range.map((c) => `let y${c} = tileB[e * ${TILE}u + l.x + ${c * 16}u];`).join("\n")}
    ${each((r, c) => `s${r}${c} += x${r} * y${c};`)}
  }
  workgroupBarrier();
}
let row = row0 + i32(l.y);
let column = column0 + i32(l.x);
${
      each((r, c) =>
        `if (row + ${r * 16} < m && column + ${c * 16} < n) { STORE(s${r}${c}; row + ${r * 16}; column + ${
          c * 16
        }) }`
      )
    }`,
  );
}

function generateBlocked(dtype: DType, accumulate: boolean): KernelSource {
  const range = [0, 1, 2, 3, 4, 5, 6, 7];
  const x = (r: number) => `a${r >> 2}[${r & 3}]`;
  const step = (u: number) =>
    `{
    let p = pa + ${u} * P[1].z;
    let q = pb + ${u} * P[2].z;
    let a0 = b0[p];
    let a1 = b0[p + 1];
    let y0 = b1[q];
    let y1 = b1[q + 1];
    ${range.map((r) => `s${r}0 += ${x(r)} * y0;\ns${r}1 += ${x(r)} * y1;`).join("\n")}
  }`;
  const store = range.flatMap((r) =>
    range.map((c) =>
      `if (row + ${r} < m && column + ${c} < n) { STORE(s${r}${c >> 2}[${
        c & 3
      }]; row + ${r}; column + ${c}) }`
    )
  );
  return source(
    dtype,
    accumulate,
    "vec4<f32>",
    "8, 8",
    "",
    `
let row = i32(w.y * 8u + l.y) * 8;
let column = i32(w.x * 8u + l.x) * 8;
if (row >= m || column >= n) { return; }
var pa = P[1].x + batch * P[1].y + row / 4;
var pb = P[2].x + batch * P[2].y + column / 4;
${range.map((r) => `var s${r}0 = vec4<f32>(0.0);\nvar s${r}1 = vec4<f32>(0.0);`).join("\n")}
var e = 0;
for (; e + 4 <= depth; e += 4) {
  ${[0, 1, 2, 3].map(step).join("\n")}
  pa += 4 * P[1].z;
  pb += 4 * P[2].z;
}
for (; e < depth; e++) {
  ${step(0)}
  pa += P[1].z;
  pb += P[2].z;
}
${store.join("\n")}`,
  );
}

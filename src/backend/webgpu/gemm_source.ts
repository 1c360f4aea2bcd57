/**
 * WGSL of matrix products.
 *
 * Three kinds of kernels. In `tiled` a workgroup computes a square of results from parts of the factors in its memory, an
 * invocation a square of these; for hardware. In `blocked` an invocation computes 8 by 8 results in registers and reads the
 * factors from where they are, four neighbours at once where their layout has any; for software adapters, where workgroup memory is
 * ordinary memory. In `direct` an invocation computes one result, where one of the sides is short.
 * @module
 */
import { wgslFunctions } from "../../expr/lower_wgsl.ts";
import type { DType } from "../../tensor/dtype.ts";
import type { Access } from "./commands.ts";
import { loaded, SCALAR_WORDS, scalarSource, stored, wgslFlavor } from "./convert.ts";
import { elementType } from "./elements.ts";
import type { KernelSource } from "./gpu.ts";
import { header } from "./pointwise.ts";

/** What computes a product: `packed` is `blocked` on copies of the factors in its best layout; the number is the side of a tile. */
export type GemmKernel = "direct" | "tiled32" | "tiled64" | "tiled128" | "blocked" | "packed";

/**
 * How the elements of a factor are read: four neighbours at once along its side (the rows of a, the columns of b) or along the
 * depth, or each for itself. For `tiled` the direction in which invocations that are neighbours read.
 */
export type Walk = "side" | "depth" | "single";

/** What a kernel is generated for. */
export interface GemmForm {
  /** The kind of kernel; not `packed`, which is `blocked` when it comes to code. */
  readonly kernel: Exclude<GemmKernel, "packed">;
  /** Element type of the factors. */
  readonly factors: DType;
  /** Element type of the results. */
  readonly dtype: DType;
  /** How a is read. */
  readonly a: Walk;
  /** How b is read. */
  readonly b: Walk;
  /** What is added to the product: nothing, what the result holds, or a matrix of its own. */
  readonly added: "none" | "self" | "other";
}

/** Words before the factors of {@linkcode gemmSource}: `P[0].yzw` are the sizes, `P[1]` to `P[4]` offset, batch, row and column strides. */
export const GEMM_WORDS = 20;

/** Rows and columns of an invocation of the blocked kernel. */
const OWN = 8;

/** Rows and columns that a workgroup computes. */
export const TILES: Readonly<Record<GemmKernel, number>> = {
  direct: 8,
  tiled32: 32,
  tiled64: 64,
  tiled128: 128,
  blocked: 64,
  packed: 64,
};

/** Bytes of workgroup memory that a kernel takes. */
export function workgroupBytes(kernel: GemmKernel, dtype: DType): number {
  return kernel.startsWith("tiled")
    ? 2 * TILES[kernel] * SLICE * (wgslFlavor(dtype) === "double" ? 8 : 4)
    : 0;
}

/** The kernel. */
export function gemmSource(form: GemmForm): KernelSource {
  switch (form.kernel) {
    case "direct":
      return direct(form);
    case "blocked":
      return blocked(form);
    default:
      return tiled(form, TILES[form.kernel]);
  }
}

function source(
  { factors, dtype, added }: GemmForm,
  types: readonly [string, string],
  group: string,
  shared: string,
  body: string,
): KernelSource {
  const element = elementType(dtype), flavor = wgslFlavor(dtype), words = SCALAR_WORDS[flavor];
  // float16 factors of the product are numbers of float32
  const number = dtype === "float16" ? "float32" : dtype;
  const word = (k: number) => `P[${k >> 2}][${k & 3}]`;
  const elements = [...types, element], access: Access[] = ["read", "read", "write"];
  if (added === "other") {
    elements.push(element);
    access.push("read");
  }
  const computed = flavor === "float" ? "float32" : dtype;
  const main = `
let alpha = ${scalarSource((k) => word(GEMM_WORDS + k), number)};
let beta = ${scalarSource((k) => word(GEMM_WORDS + words + k), number)};
${
    body.replace(/STORE\((.*?); (.*?); (.*?)\)/g, (_, value, row, column) => {
      const place = (p: string) => `${p}.x + batch * ${p}.y + (${row}) * ${p}.z + (${column}) * ${p}.w`;
      const to = `b2[${place("P[3]")}]`, more = added === "self" ? to : `b3[${place("P[4]")}]`;
      const sum = added === "none"
        ? `alpha * ${value}`
        : `alpha * ${value} + beta * ${loaded(more, dtype, computed)}`;
      return `${to} = ${stored(sum, "", computed, dtype)};`;
    })
  }`;
  const half = [element, elementType(factors)].includes("f16") ? "enable f16;\n" : "";
  const code = `${half}${header(GEMM_WORDS + 2 * words, elements, access)}
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

// ---- a result an invocation -----------------------------------------------------------------------------------------

function direct(form: GemmForm): KernelSource {
  const { factors } = form, type = numberType(factors), computed = type === "f32" ? "float32" : factors;
  return source(
    form,
    [elementType(factors), elementType(factors)],
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
    part += ${loaded("b0[pa]", factors, computed)} * ${loaded("b1[pb]", factors, computed)};
    pa += P[1].w;
    pb += P[2].z;
    e++;
  }
  sum += part;
}
STORE(sum; row; column)`,
  );
}

// ---- workgroup memory -----------------------------------------------------------------------------------------------

/** Depth of what lies in workgroup memory. */
const SLICE = 16;

/** Tiles of 32 and 64 have 4 by 4 results an invocation, those of 128 8 by 8. */
function tiled(form: GemmForm, tile: number): KernelSource {
  const { factors } = form, type = numberType(factors), computed = type === "f32" ? "float32" : factors;
  const own = tile === 128 ? 8 : 4, side = tile / own, invocations = side * side;
  const range = Array.from({ length: own }, (_, i) => i);
  const each = (f: (r: number, c: number) => string) =>
    range.flatMap((r) => range.map((c) => f(r, c))).join("\n");
  /** Where invocation x reads: its place along the side of a factor, and along the depth. */
  const walk = (along: Walk) =>
    along === "side"
      ? { at: `let at = x % ${tile};`, e: `let e = x / ${tile};` }
      : { at: `let at = x / ${SLICE};`, e: `let e = x % ${SLICE};` };
  const wa = walk(form.a), wb = walk(form.b);
  const load = (r: number) =>
    `{
    let x = i32(t) + ${r * invocations};
    {
      ${wa.at}
      ${wa.e}
      let inside = row0 + at < m && start + e < depth;
      let p = select(0, baseA + (row0 + at) * P[1].z + (start + e) * P[1].w, inside);
      tileA[e * ${tile} + at] = select(${type}(0), ${loaded("b0[p]", factors, computed)}, inside);
    }
    {
      ${wb.at}
      ${wb.e}
      let inside = column0 + at < n && start + e < depth;
      let p = select(0, baseB + (start + e) * P[2].z + (column0 + at) * P[2].w, inside);
      tileB[e * ${tile} + at] = select(${type}(0), ${loaded("b1[p]", factors, computed)}, inside);
    }
  }`;
  const loads = Array.from({ length: tile * SLICE / invocations }, (_, r) => load(r));
  const shared = `var<workgroup> tileA: array<${type}, ${tile * SLICE}>;
var<workgroup> tileB: array<${type}, ${tile * SLICE}>;`;
  return source(
    form,
    [elementType(factors), elementType(factors)],
    `${side}, ${side}`,
    shared,
    `
let t = l.y * ${side}u + l.x;
let row0 = i32(w.y) * ${tile};
let column0 = i32(w.x) * ${tile};
let baseA = P[1].x + batch * P[1].y;
let baseB = P[2].x + batch * P[2].y;
${each((r, c) => `var s${r}${c} = ${type}(0);`)}
for (var start = 0; start < depth; start += ${SLICE}) {
  ${loads.join("\n")}
  workgroupBarrier();
  for (var e = 0u; e < ${SLICE}u; e++) {
    ${range.map((r) => `let x${r} = tileA[e * ${tile}u + l.y + ${r * side}u];`).join("\n")}
    ${range.map((c) => `let y${c} = tileB[e * ${tile}u + l.x + ${c * side}u];`).join("\n")}
    ${each((r, c) => `s${r}${c} += x${r} * y${c};`)}
  }
  workgroupBarrier();
}
let row = row0 + i32(l.y);
let column = column0 + i32(l.x);
${
      each((r, c) =>
        `if (row + ${r * side} < m && column + ${c * side} < n) { STORE(s${r}${c}; row + ${
          r * side
        }; column + ${c * side}) }`
      )
    }`,
  );
}

// ---- registers ------------------------------------------------------------------------------------------------------

/** How one factor is read by the blocked kernel: WGSL for four steps of the depth, and for one that is left. */
interface Reader {
  /** Before the steps. */
  readonly before: string;
  /** Within step u. */
  readonly step: (u: number) => string;
  /** Element r of the side at step u. */
  readonly element: (r: number, u: number) => string;
  /** To the next four steps. */
  readonly advance: string;
  /** The same for what is left: one step at a time, whose number is `e`. */
  readonly last: { readonly before: string; readonly advance: string };
}

/** `to` names the variables, `p` is the position, the strides are those of the side and of the depth. */
function reader(
  walk: Walk,
  to: string,
  memory: string,
  p: string,
  side: string,
  deep: string,
  load: (s: string) => string,
): Reader {
  const all = Array.from({ length: OWN }, (_, r) => r);
  switch (walk) {
    case "side":
      return {
        before: "",
        step: (u) =>
          `let ${to}0 = ${memory}[${p} + ${u} * ${deep}];\nlet ${to}1 = ${memory}[${p} + ${u} * ${deep} + 1];`,
        element: (r) => `${to}${r >> 2}[${r & 3}]`,
        advance: `${p} += 4 * ${deep};`,
        last: { before: "", advance: `${p} += ${deep};` },
      };
    case "depth":
      return {
        before: all.map((r) => `let ${to}${r} = ${memory}[${p} + ${r} * ${side}];`).join("\n"),
        step: () => "",
        element: (r, u) => `${to}${r}[${u}]`,
        advance: `${p} += 1;`,
        last: {
          before: all.map((r) => `let ${to}${r} = vec4<f32>(${memory}[${p} + ${r} * ${side}][e & 3]);`).join(
            "\n",
          ),
          advance: "",
        },
      };
    case "single":
      return {
        before: "",
        step: (u) =>
          all.map((r) => `let ${to}${r} = ${load(`${memory}[${p} + ${u} * ${deep} + ${r} * ${side}]`)};`)
            .join("\n"),
        element: (r) => `${to}${r}`,
        advance: `${p} += 4 * ${deep};`,
        last: { before: "", advance: `${p} += ${deep};` },
      };
  }
}

/**
 * Sides and depth in fours: their strides and offsets are in units of four elements. Rows and columns beyond the sides are
 * read from wherever that is in the buffer, and not stored.
 */
function blocked(form: GemmForm): KernelSource {
  const { factors } = form, range = Array.from({ length: OWN }, (_, r) => r);
  const load = (element: string) => loaded(element, factors, "float32");
  const a = reader(form.a, "a", "b0", "pa", "P[1].z", "P[1].w", load);
  const b = reader(form.b, "c", "b1", "pb", "P[2].w", "P[2].z", load);
  const four = (h: number, u: number) =>
    form.b === "side" ? `c${h}` : `vec4<f32>(${[0, 1, 2, 3].map((q) => b.element(4 * h + q, u)).join(", ")})`;
  const step = (u: number) =>
    `{
    ${a.step(u)}
    ${b.step(u)}
    let y0 = ${four(0, u)};
    let y1 = ${four(1, u)};
    ${range.map((r) => `s${r}0 += ${a.element(r, u)} * y0;\ns${r}1 += ${a.element(r, u)} * y1;`).join("\n")}
  }`;
  const start = (walk: Walk, at: string, stride: string) =>
    walk === "side" ? `${at} / 4` : `${at} * ${stride}`;
  const store = range.flatMap((r) =>
    range.map((c) =>
      `if (row + ${r} < m && column + ${c} < n) { STORE(s${r}${c >> 2}[${
        c & 3
      }]; row + ${r}; column + ${c}) }`
    )
  );
  const type = (walk: Walk) => walk === "single" ? elementType(factors) : "vec4<f32>";
  return source(
    form,
    [type(form.a), type(form.b)],
    "8, 8",
    "",
    `
let row = i32(w.y * 8u + l.y) * ${OWN};
let column = i32(w.x * 8u + l.x) * ${OWN};
if (row >= m || column >= n) { return; }
var pa = P[1].x + batch * P[1].y + ${start(form.a, "row", "P[1].z")};
var pb = P[2].x + batch * P[2].y + ${start(form.b, "column", "P[2].w")};
${range.map((r) => `var s${r}0 = vec4<f32>(0.0);\nvar s${r}1 = vec4<f32>(0.0);`).join("\n")}
var e = 0;
for (; e + 4 <= depth; e += 4) {
  ${a.before}
  ${b.before}
  ${[0, 1, 2, 3].map(step).join("\n")}
  ${a.advance}
  ${b.advance}
}
for (; e < depth; e++) {
  ${a.last.before}
  ${b.last.before}
  ${step(0)}
  ${a.last.advance}
  ${b.last.advance}
}
${store.join("\n")}`,
  );
}

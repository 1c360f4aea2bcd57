/**
 * Philox 4x32-10 on the GPU: an invocation computes a block of four words and the elements that come from it. `m_opaque` keeps
 * compilers from joining a product and a sum into one operation with one rounding: the CPU's numbers have two.
 * @module
 */
import { wgslFunctions } from "../../expr/lower_wgsl.ts";
import type { DType } from "../../tensor/dtype.ts";
import { NORMAL, PHILOX, type PhiloxFill, wordsOf } from "../cpu/philox_js.ts";
import { elementType } from "./elements.ts";
import type { Gpu, KernelSource } from "./gpu.ts";
import type { Block } from "./memory.ts";
import { header } from "./pointwise.ts";

const GROUP = 64;

/** Fills a block from its start. */
export function fillByPlace(gpu: Gpu, how: PhiloxFill, out: Block, dtype: DType, length: number): void {
  if (length === 0) return;
  const { kind, key, start, low, range } = how;
  const count = Math.ceil(length / (4 / wordsOf(kind, dtype)));
  const kernel = gpu.kernel(`philox ${kind}`, dtype, () => source(kind, dtype));
  const parameters = Int32Array.of(0, length, key[0], key[1], start, start / 2 ** 32, low, range);
  gpu.commands.dispatch(kernel, [out], parameters, Math.ceil(count / GROUP));
}

/** A float32 as WGSL reads it exactly. */
function exact(value: number): string {
  const bits = new Uint32Array(Float32Array.of(value).buffer)[0];
  return `bitcast<f32>(0x${bits.toString(16)}u)`;
}

function horner(coefficients: readonly number[], x: string): string {
  return coefficients.slice(1).reduce(
    (p, c) => `(m_opaque(${p} * ${x}) + ${exact(c)})`,
    exact(coefficients[0]),
  );
}

const word = (k: number) => `P[${k >> 2}][${k & 3}]`;

const generator = `
fn high(a: u32, b: u32) -> u32 {
  let al = a & 0xffffu; let ah = a >> 16u; let bl = b & 0xffffu; let bh = b >> 16u;
  let middle = ah * bl + ((al * bl) >> 16u);
  let cross = al * bh + (middle & 0xffffu);
  return ah * bh + (middle >> 16u) + (cross >> 16u);
}
fn block(i: u32) -> vec4<u32> {
  let first = u32(${word(4)});
  let low = first + i;
  var x = vec4<u32>(low, u32(${word(5)}) + select(0u, 1u, low < first), 0u, 0u);
  var k = vec2<u32>(u32(${word(2)}), u32(${word(3)}));
  for (var r = 0; r < ${PHILOX.rounds}; r++) {
    let m0 = ${PHILOX.m0}u; let m1 = ${PHILOX.m1}u;
    x = vec4<u32>(high(m1, x.z) ^ x.y ^ k.x, m1 * x.z, high(m0, x.x) ^ x.w ^ k.y, m0 * x.x);
    k += vec2<u32>(${PHILOX.w0}u, ${PHILOX.w1}u);
  }
  return x;
}
`;

const normals = `
fn radius(w: u32) -> f32 {
  let u = f32((w >> 8u) + 1u) * ${exact(2 ** -24)};
  let all = bitcast<i32>(u);
  let e = (all - 0x3f3504f3) >> 23u;
  let t = bitcast<f32>(all - (e << 23u)) - 1.0;
  let rest = m_opaque(m_opaque(t * t) * ${horner(NORMAL.log, "t")}) + t;
  let log = m_opaque(f32(e) * ${exact(NORMAL.ln2)}) + rest;
  let x = bitcast<f32>(bitcast<i32>(m_opaque(log * -2.0)) & 0x7fffffff);
  let half = m_opaque(x * 0.5);
  var y = bitcast<f32>(0x5f3759df - (bitcast<i32>(x) >> 1u));
  for (var k = 0; k < 3; k++) { y = m_opaque(y * m_opaque(1.5 - m_opaque(m_opaque(half * y) * y))); }
  return m_opaque(x * y);
}
fn on_circle(w: u32, r: f32) -> vec2<f32> {
  let place = w >> 8u;
  let octant = place >> 21u;
  let part = place & 0x1fffffu;
  let odd = (octant & 1u) == 1u;
  let a = m_opaque(f32(select(part, 0x200000u - part, odd)) * ${exact(NORMAL.step)});
  let square = m_opaque(a * a);
  let sine = m_opaque(m_opaque(a * square) * ${horner(NORMAL.sin, "square")}) + a;
  let c = m_opaque(square * ${horner(NORMAL.cos, "square")}) + 1.0;
  let s = select(sine, -sine, odd);
  let quarter = ((octant + 1u) >> 1u) & 3u;
  var point = vec2<f32>(c, s);
  if (quarter == 1u) { point = vec2<f32>(-s, c); }
  if (quarter == 2u) { point = vec2<f32>(-c, -s); }
  if (quarter == 3u) { point = vec2<f32>(s, -c); }
  return r * point;
}
`;

/** The elements of a block, `x` being its words. */
function elements(kind: PhiloxFill["kind"], dtype: DType): string[] {
  const xs = ["x.x", "x.y", "x.z", "x.w"], type = elementType(dtype);
  switch (kind) {
    case "uniform":
      if (dtype === "float64") {
        return [0, 2].map((k) =>
          `(f64(${xs[k]} >> 5u) * f64(67108864.0) + f64(${xs[k + 1]} >> 6u)) * ldexp(f64(1.0), -53)`
        );
      }
      if (dtype === "float16") return xs.map((x) => `f16(f32(${x} >> 21u) * ${exact(2 ** -11)})`);
      return xs.map((x) => `f32(${x} >> 8u) * ${exact(2 ** -24)}`);
    case "normal":
      return ["one.x", "one.y", "two.x", "two.y"].map((v) => `${type}(${v})`);
    case "integers":
      return xs.map((x) => `${type}(${word(6)} + i32(select(${x}, ${x} % max(range, 1u), range != 0u)))`);
    case "bernoulli":
      return xs.map((x) => `${type}(select(0, 1, (${x} >> 8u) < range))`);
  }
}

function source(kind: PhiloxFill["kind"], dtype: DType): KernelSource {
  const values = elements(kind, dtype), type = elementType(dtype);
  const pairs = kind === "normal"
    ? "let one = on_circle(x.y, radius(x.x));\nlet two = on_circle(x.w, radius(x.z));"
    : "";
  const functions = generator + (kind === "normal" ? normals : "");
  const code = `${type === "f16" ? "enable f16;\n" : ""}${header(8, [type], ["write"])}
${wgslFunctions(functions)}${functions}
@compute @workgroup_size(${GROUP})
fn main(
  @builtin(workgroup_id) w: vec3<u32>, @builtin(num_workgroups) g: vec3<u32>, @builtin(local_invocation_index) l: u32,
) {
let i = (w.y * g.x + w.x) * ${GROUP}u + l;
let first = i32(i) * ${values.length};
if (first >= ${word(1)}) { return; }
let x = block(i);
let range = u32(${word(7)});
${pairs}
${
    values.map((value, k) =>
      `${k === 0 ? "" : `if (first + ${k} < ${word(1)}) `}{ b0[first + ${k}] = ${value}; }`
    )
      .join("\n")
  }
}
`;
  return { label: `philox ${kind}`, code, access: ["write"] };
}

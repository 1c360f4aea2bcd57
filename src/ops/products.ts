/**
 * Products of vectors, matrices and batches of matrices, each of one fixed rank. Floats are summed in doubles.
 * @module
 */

import { gemm, type Matrix } from "../backend/cpu/gemm_js.ts";
import { category, cppName, type DType, typeName } from "../tensor/dtype.ts";
import { frozen, SCALAR_SHAPE, type Shape, shapeText } from "../tensor/shape.ts";
import { Storage } from "../tensor/storage.ts";
import { allocateTensor, Tensor } from "../tensor/tensor.ts";
import { copyInto } from "./copy.ts";
import { mul } from "./pointwise.ts";
import { record, recordInPlace, type Rule, type RuleNode, type Save } from "./record.ts";
import { expand, reshape, t, transpose, unsqueeze } from "./view.ts";

/** Options of products that add to something: `beta * input + alpha * product`. */
export interface AddProductOptions {
  /** Factor of what is added to; 1. With 0, its values do not count, not even NaN. */
  readonly beta?: number;
  /** Factor of the product; 1. */
  readonly alpha?: number;
}

// ---- checks -------------------------------------------------------------------------------------------------------

/** Throws unless the arguments are tensors. */
export function checkTensors(caller: string, ...args: readonly unknown[]): void {
  args.forEach((x, i) => {
    if (!(x instanceof Tensor)) {
      throw new TypeError(
        `${caller}(): argument ${i + 1} must be a tensor, but got ${x === null ? "null" : typeof x}`,
      );
    }
  });
}

function refuseBool(dtype: DType, kernel: string): void {
  if (dtype === "bool") throw new TypeError(`"${kernel}" not implemented for 'Bool'`);
}

function factors({ beta = 1, alpha = 1, ...rest }: AddProductOptions, dtype: DType, caller: string) {
  for (const key of Object.keys(rest)) {
    throw new TypeError(`${caller}() has no option ${JSON.stringify(key)}: use beta, alpha`);
  }
  for (const [name, value] of Object.entries({ beta, alpha })) {
    if (typeof value !== "number") throw new TypeError(`${caller}(): ${name} must be a number`);
    if (category(dtype) < 2 && !Number.isInteger(value)) {
      throw new TypeError(
        `For integral input tensors, argument ${name} must not be a floating point number.`,
      );
    }
  }
  return { beta, alpha };
}

// ---- without history ----------------------------------------------------------------------------------------------

function matrixOf(x: Tensor, offset = x.offset): Matrix {
  const n = x.ndim;
  return { data: x.storage.data, offset, rowStride: x.strides[n - 2], columnStride: x.strides[n - 1] };
}

/** A vector as one column. */
function columnOf(x: Tensor): Matrix {
  return { data: x.storage.data, offset: x.offset, rowStride: x.strides[0], columnStride: 1 };
}

/** `out = alpha * a @ b + beta * out`. */
function multiply(a: Tensor, b: Tensor, out: Tensor, alpha = 1, beta = 0): Tensor {
  const size = { m: a.shape[0], n: b.shape[1], k: a.shape[1] };
  gemm(size, matrixOf(a), matrixOf(b), matrixOf(out), out.dtype, alpha, beta);
  return out;
}

/** `out = alpha * a @ x + beta * out` for a vector x. */
function multiplyVector(a: Tensor, x: Tensor, out: Tensor, alpha = 1, beta = 0): Tensor {
  const size = { m: a.shape[0], n: 1, k: a.shape[1] };
  gemm(size, matrixOf(a), columnOf(x), columnOf(out), out.dtype, alpha, beta);
  return out;
}

/** For each batch `out[i] = alpha * a[i] @ b[i] + beta * out[i]`. */
function multiplyBatches(a: Tensor, b: Tensor, out: Tensor, alpha = 1, beta = 0): Tensor {
  const size = { m: a.shape[1], n: b.shape[2], k: a.shape[2] };
  for (let i = 0; i < a.shape[0]; i++) {
    const [p, q, r] = [a, b, out].map((x) => matrixOf(x, x.offset + i * x.strides[0]));
    gemm(size, p, q, r, out.dtype, alpha, beta);
  }
  return out;
}

/** What a product is added to: a copy of `input` in the result's shape. With beta 0 nothing is read. */
function startOf(input: Tensor, shape: Shape, beta: number): Tensor {
  const wide = expand(input.detach(), shape);
  const out = allocateTensor(frozen(shape), input.dtype);
  if (beta !== 0) copyInto(out, wide);
  return out;
}

// ---- gradients ----------------------------------------------------------------------------------------------------

const times = (x: Tensor, factor: number): Tensor => factor === 1 ? x : mul(x, factor);

/** A tensor to save if the gradient of the other factor is wanted. */
const savedFor = (x: Tensor, other: Tensor): Tensor | null => other.requiresGrad ? x : null;

function isColumnMajor(shape: Shape, strides: Shape): boolean {
  return strides[0] === 1 && strides[1] === shape[0];
}

/** The gradient of the left factor, laid out as that factor is. */
function leftGradient(g: Tensor, right: Tensor, shape: Shape, strides: Shape): Tensor {
  return isColumnMajor(shape, strides) ? t(mm(right, t(g))) : mm(g, t(right));
}

/** The gradient of the right factor, laid out as that factor is. */
function rightGradient(g: Tensor, left: Tensor, shape: Shape, strides: Shape): Tensor {
  return isColumnMajor(shape, strides) ? t(mm(t(g), left)) : mm(t(left), g);
}

interface Added {
  readonly beta: number;
  readonly alpha: number;
  readonly selfSymSizes: Shape;
}

/** The gradient of what a product was added to. */
function inputGradient<A extends Added>(g: Tensor, node: RuleNode<A>): Tensor | null {
  return node.needs(0) ? times(g, node.args.beta).sumToSize(node.args.selfSymSizes) : null;
}

// ---- vectors ------------------------------------------------------------------------------------------------------

const Dot: Rule<object> = {
  name: "DotBackward0",
  backward: (g, node) => [
    node.needs(0) ? mul(g, node.tensor("tensor")) : null,
    node.needs(1) ? mul(g, node.tensor("self")) : null,
  ],
};
const Vdot: Rule<object> = {
  name: "VdotBackward0",
  backward: (g, node) => [
    node.needs(0) ? mul(g, node.tensor("other")) : null,
    node.needs(1) ? mul(g, node.tensor("self")) : null,
  ],
};

function dotProduct(a: Tensor, b: Tensor, kernel: string): Tensor {
  checkTensors(kernel, a, b);
  if (a.ndim !== 1 || b.ndim !== 1) {
    throw new TypeError(`1D tensors expected, but got ${a.ndim}D and ${b.ndim}D tensors`);
  }
  if (a.dtype !== b.dtype) {
    throw new TypeError(
      `dot : expected both vectors to have same dtype, but found ${typeName(a.dtype)} and ${
        typeName(b.dtype)
      }`,
    );
  }
  const n = a.shape[0];
  if (n !== b.shape[0]) {
    throw new TypeError(
      `inconsistent tensor size, expected tensor ${shapeText(a.shape)} and src ${
        shapeText(b.shape)
      } to have ` +
        `the same number of elements, but got ${n} and ${b.shape[0]} elements respectively`,
    );
  }
  refuseBool(a.dtype, kernel);
  const out = new Tensor(Storage.allocate(a.dtype, 1), 0, SCALAR_SHAPE, SCALAR_SHAPE);
  const row = { data: a.storage.data, offset: a.offset, rowStride: 1, columnStride: a.strides[0] };
  const to = { data: out.storage.data, offset: 0, rowStride: 1, columnStride: 1 };
  gemm({ m: 1, n: 1, k: n }, row, columnOf(b), to, a.dtype);
  return out;
}

/** The dot product of two vectors. */
export function dot(input: Tensor, tensor: Tensor): Tensor {
  const out = dotProduct(input, tensor, "dot");
  return record(Dot, out, [input, tensor], {}, {
    self: savedFor(input, tensor),
    tensor: savedFor(tensor, input),
  });
}

/** The dot product of two vectors; for the real numbers here the same as {@linkcode dot}. */
export function vdot(input: Tensor, other: Tensor): Tensor {
  const out = dotProduct(input, other, "vdot");
  return record(Vdot, out, [input, other], {}, {
    self: savedFor(input, other),
    other: savedFor(other, input),
  });
}

/** The products of all pairs of elements of two vectors, as a matrix. */
export function outer(input: Tensor, vec2: Tensor): Tensor {
  checkTensors("outer", input, vec2);
  for (const [name, x] of [["self", input], ["vec2", vec2]] as const) {
    if (x.ndim !== 1) {
      throw new TypeError(`outer: Expected 1-D argument ${name}, but got ${x.ndim}-D`);
    }
  }
  return mul(reshape(input, input.shape[0], 1), vec2);
}

/** The same as {@linkcode outer}. */
export const ger: (input: Tensor, vec2: Tensor) => Tensor = outer;

// ---- matrix and vector --------------------------------------------------------------------------------------------

const Mv: Rule<object> = {
  name: "MvBackward0",
  backward: (g, node) => [
    node.needs(0) ? outer(g, node.tensor("vec")) : null,
    node.needs(1) ? mv(t(node.tensor("self")), g) : null,
  ],
};

function checkMv(input: Tensor, mat: Tensor, vec: Tensor): void {
  if (mat.ndim !== 2 || vec.ndim !== 1 || input.ndim > 1) {
    throw new TypeError(`vector + matrix @ vector expected, got ${input.ndim}, ${mat.ndim}, ${vec.ndim}`);
  }
  const [rows, columns] = mat.shape;
  const size = input === vec ? rows : input.ndim === 0 ? 1 : input.shape[0];
  if (vec.shape[0] !== columns || (size !== rows && size !== 1)) {
    throw new TypeError(
      `size mismatch, got input (${size}), mat (${rows}x${columns}), vec (${vec.shape[0]})`,
    );
  }
  if (input.dtype !== mat.dtype || mat.dtype !== vec.dtype) {
    const [a, b, c] = [input, mat, vec].map((x) => typeName(x.dtype));
    throw new TypeError(`addmv input tensors must have the same dtype, but got ${a}, ${b}, and ${c}`);
  }
  refuseBool(mat.dtype, "addmv_impl_cpu");
}

/** A matrix times a vector. */
export function mv(input: Tensor, vec: Tensor): Tensor {
  checkTensors("mv", input, vec);
  checkMv(vec, input, vec);
  const out = multiplyVector(input, vec, allocateTensor(frozen([input.shape[0]]), vec.dtype));
  return record(Mv, out, [input, vec], {}, { self: savedFor(input, vec), vec: savedFor(vec, input) });
}

const Addmv: Rule<Added> = {
  name: "AddmvBackward0",
  backward: (g, node) => [
    inputGradient(g, node),
    node.needs(1) ? times(outer(g, node.tensor("vec")), node.args.alpha) : null,
    node.needs(2) ? times(mv(t(node.tensor("mat")), g), node.args.alpha) : null,
  ],
};

/** A product that adds to its first argument: the parts that its plain and its in-place form share. */
interface Prepared<A extends Added> {
  readonly rule: Rule<A>;
  readonly args: A;
  readonly out: Tensor;
  readonly save: Save;
}

function finishNew<A extends Added>(p: Prepared<A>, inputs: readonly Tensor[]): Tensor {
  return record(p.rule, p.out, inputs, p.args, p.save);
}

function finishInPlace<A extends Added>(p: Prepared<A>, inputs: readonly Tensor[]): Tensor {
  const self = inputs[0];
  if (p.out.ndim !== self.ndim || p.out.shape.some((s, i) => s !== self.shape[i])) {
    throw new TypeError(
      `output with shape ${shapeText(self.shape)} doesn't match the broadcast shape ${
        shapeText(p.out.shape)
      }`,
    );
  }
  return recordInPlace(p.rule, self, inputs, p.args, () => copyInto(self, p.out), p.save);
}

function prepareAddmv(input: Tensor, mat: Tensor, vec: Tensor, options: AddProductOptions): Prepared<Added> {
  checkTensors("addmv", input, mat, vec);
  checkMv(input, mat, vec);
  const { beta, alpha } = factors(options, mat.dtype, "addmv");
  const out = multiplyVector(mat, vec, startOf(input, [mat.shape[0]], beta), alpha, beta);
  const save = { mat: savedFor(mat, vec), vec: savedFor(vec, mat) };
  return { rule: Addmv, out, save, args: { beta, alpha, selfSymSizes: input.shape } };
}

/** `beta * input + alpha * mat @ vec`. */
export function addmv(input: Tensor, mat: Tensor, vec: Tensor, options: AddProductOptions = {}): Tensor {
  return finishNew(prepareAddmv(input, mat, vec, options), [input, mat, vec]);
}

/** {@linkcode addmv} in place. */
export function addmv_(self: Tensor, mat: Tensor, vec: Tensor, options: AddProductOptions = {}): Tensor {
  return finishInPlace(prepareAddmv(self, mat, vec, options), [self, mat, vec]);
}

const Addr: Rule<Added> = {
  name: "AddrBackward0",
  backward: (g, node) => [
    inputGradient(g, node),
    node.needs(1) ? times(mv(g, node.tensor("vec2")), node.args.alpha) : null,
    node.needs(2) ? times(mv(t(g), node.tensor("vec1")), node.args.alpha) : null,
  ],
};

function prepareAddr(input: Tensor, vec1: Tensor, vec2: Tensor, options: AddProductOptions): Prepared<Added> {
  checkTensors("addr", input, vec1, vec2);
  if (vec1.ndim !== 1 || vec2.ndim !== 1) {
    const [name, x] = vec1.ndim !== 1 ? ["vec1", vec1] as const : ["vec2", vec2] as const;
    throw new TypeError(`addr: Expected 1-D argument ${name}, but got ${x.ndim}-D`);
  }
  checkSame("addr", input, vec1, vec2);
  const { beta, alpha } = factors(options, input.dtype, "addr");
  const shape = [vec1.shape[0], vec2.shape[0]];
  const out = startOf(input, shape, beta);
  multiply(unsqueeze(vec1.detach(), 1), unsqueeze(vec2.detach(), 0), out, alpha, beta);
  const save = { vec1: savedFor(vec1, vec2), vec2: savedFor(vec2, vec1) };
  return { rule: Addr, out, save, args: { beta, alpha, selfSymSizes: input.shape } };
}

/** `beta * input + alpha * outer(vec1, vec2)`. */
export function addr(input: Tensor, vec1: Tensor, vec2: Tensor, options: AddProductOptions = {}): Tensor {
  return finishNew(prepareAddr(input, vec1, vec2, options), [input, vec1, vec2]);
}

/** {@linkcode addr} in place. */
export function addr_(self: Tensor, vec1: Tensor, vec2: Tensor, options: AddProductOptions = {}): Tensor {
  return finishInPlace(prepareAddr(self, vec1, vec2, options), [self, vec1, vec2]);
}

/** Throws unless all dtypes are one, and not bool. */
function checkSame(caller: string, ...tensors: Tensor[]): void {
  const odd = tensors.find((x) => x.dtype !== tensors[0].dtype);
  if (odd !== undefined) {
    throw new TypeError(
      `${caller}: expected scalar type ${typeName(tensors[0].dtype)} but found ${typeName(odd.dtype)}`,
    );
  }
  refuseBool(tensors[0].dtype, caller);
}

// ---- matrices -----------------------------------------------------------------------------------------------------

interface Layouts {
  readonly selfSymSizes: Shape;
  readonly selfSymStrides: Shape;
  readonly mat2SymSizes: Shape;
  readonly mat2SymStrides: Shape;
}

const Mm: Rule<Layouts> = {
  name: "MmBackward0",
  backward: (g, node) => {
    const a = node.args;
    return [
      node.needs(0) ? leftGradient(g, node.tensor("mat2"), a.selfSymSizes, a.selfSymStrides) : null,
      node.needs(1) ? rightGradient(g, node.tensor("self"), a.mat2SymSizes, a.mat2SymStrides) : null,
    ];
  },
};

function checkInner(a: Tensor, b: Tensor): void {
  if (a.shape[1] === b.shape[0]) return;
  throw new TypeError(
    `mat1 and mat2 shapes cannot be multiplied (${a.shape.join("x")} and ${b.shape.join("x")})`,
  );
}

/** The product of two matrices. */
export function mm(input: Tensor, mat2: Tensor): Tensor {
  checkTensors("mm", input, mat2);
  if (input.ndim !== 2) throw new TypeError("self must be a matrix");
  if (mat2.ndim !== 2) throw new TypeError("mat2 must be a matrix");
  checkInner(input, mat2);
  if (input.dtype !== mat2.dtype) {
    throw new TypeError(
      `expected m1 and m2 to have the same dtype, but got: ${cppName(input.dtype)} != ${cppName(mat2.dtype)}`,
    );
  }
  refuseBool(input.dtype, "addmm_impl_cpu_");
  const out = multiply(input, mat2, allocateTensor(frozen([input.shape[0], mat2.shape[1]]), input.dtype));
  const args = {
    selfSymSizes: input.shape,
    selfSymStrides: input.strides,
    mat2SymSizes: mat2.shape,
    mat2SymStrides: mat2.strides,
  };
  return record(Mm, out, [input, mat2], args, {
    self: savedFor(input, mat2),
    mat2: savedFor(mat2, input),
  });
}

interface AddedLayouts extends Added {
  readonly mat1SymSizes: Shape;
  readonly mat1SymStrides: Shape;
  readonly mat2SymSizes: Shape;
  readonly mat2SymStrides: Shape;
}

const Addmm: Rule<AddedLayouts> = {
  name: "AddmmBackward0",
  backward: (g, node) => {
    const a = node.args;
    return [
      inputGradient(g, node),
      node.needs(1)
        ? times(leftGradient(g, node.tensor("mat2"), a.mat1SymSizes, a.mat1SymStrides), a.alpha)
        : null,
      node.needs(2)
        ? times(rightGradient(g, node.tensor("mat1"), a.mat2SymSizes, a.mat2SymStrides), a.alpha)
        : null,
    ];
  },
};

function prepareAddmm(
  input: Tensor,
  mat1: Tensor,
  mat2: Tensor,
  options: AddProductOptions,
): Prepared<AddedLayouts> {
  checkTensors("addmm", input, mat1, mat2);
  if (mat1.ndim !== 2) throw new TypeError(`mat1 must be a matrix, got ${mat1.ndim}-D tensor`);
  if (mat2.ndim !== 2) throw new TypeError(`mat2 must be a matrix, got ${mat2.ndim}-D tensor`);
  checkInner(mat1, mat2);
  if (mat1.dtype !== mat2.dtype) {
    throw new TypeError(
      `mat1 and mat2 must have the same dtype, but got ${typeName(mat1.dtype)} and ${typeName(mat2.dtype)}`,
    );
  }
  if (input.dtype !== mat2.dtype) {
    throw new TypeError(
      `self and mat2 must have the same dtype, but got ${typeName(input.dtype)} and ${typeName(mat2.dtype)}`,
    );
  }
  refuseBool(mat1.dtype, "addmm_impl_cpu_");
  const { beta, alpha } = factors(options, mat1.dtype, "addmm");
  const out = multiply(mat1, mat2, startOf(input, [mat1.shape[0], mat2.shape[1]], beta), alpha, beta);
  const args = {
    beta,
    alpha,
    selfSymSizes: input.shape,
    mat1SymSizes: mat1.shape,
    mat1SymStrides: mat1.strides,
    mat2SymSizes: mat2.shape,
    mat2SymStrides: mat2.strides,
  };
  return { rule: Addmm, out, args, save: { mat1: savedFor(mat1, mat2), mat2: savedFor(mat2, mat1) } };
}

/** `beta * input + alpha * mat1 @ mat2`; the input is broadcast to the product. */
export function addmm(input: Tensor, mat1: Tensor, mat2: Tensor, options: AddProductOptions = {}): Tensor {
  return finishNew(prepareAddmm(input, mat1, mat2, options), [input, mat1, mat2]);
}

/** {@linkcode addmm} in place. */
export function addmm_(self: Tensor, mat1: Tensor, mat2: Tensor, options: AddProductOptions = {}): Tensor {
  return finishInPlace(prepareAddmm(self, mat1, mat2, options), [self, mat1, mat2]);
}

// ---- batches ------------------------------------------------------------------------------------------------------

const Bmm: Rule<object> = {
  name: "BmmBackward0",
  backward: (g, node) => [
    node.needs(0) ? bmm(g, transpose(node.tensor("mat2"), 1, 2)) : null,
    node.needs(1) ? bmm(transpose(node.tensor("self"), 1, 2), g) : null,
  ],
};

function checkBatches(a: Tensor, b: Tensor): void {
  if (a.ndim !== 3) throw new TypeError("batch1 must be a 3D tensor");
  if (b.ndim !== 3) throw new TypeError("batch2 must be a 3D tensor");
  if (a.shape[0] !== b.shape[0] || a.shape[2] !== b.shape[1]) {
    throw new TypeError(
      `Expected size for first two dimensions of batch2 tensor to be: [${a.shape[0]}, ${a.shape[2]}] ` +
        `but got: [${b.shape[0]}, ${b.shape[1]}].`,
    );
  }
  if (a.dtype !== b.dtype) {
    throw new TypeError(`expected scalar type ${typeName(a.dtype)} but found ${typeName(b.dtype)}`);
  }
  refuseBool(a.dtype, "bmm");
}

/** The products of two batches of matrices, pair by pair. */
export function bmm(input: Tensor, mat2: Tensor): Tensor {
  checkTensors("bmm", input, mat2);
  checkBatches(input, mat2);
  const shape = frozen([input.shape[0], input.shape[1], mat2.shape[2]]);
  const out = multiplyBatches(input, mat2, allocateTensor(shape, input.dtype));
  return record(Bmm, out, [input, mat2], {}, { self: savedFor(input, mat2), mat2: savedFor(mat2, input) });
}

const Baddbmm: Rule<Added> = {
  name: "BaddbmmBackward0",
  backward: (g, node) => [
    inputGradient(g, node),
    node.needs(1) ? times(bmm(g, transpose(node.tensor("batch2"), 1, 2)), node.args.alpha) : null,
    node.needs(2) ? times(bmm(transpose(node.tensor("batch1"), 1, 2), g), node.args.alpha) : null,
  ],
};

function prepareBaddbmm(
  input: Tensor,
  batch1: Tensor,
  batch2: Tensor,
  options: AddProductOptions,
): Prepared<Added> {
  checkTensors("baddbmm", input, batch1, batch2);
  checkBatches(batch1, batch2);
  checkSame("baddbmm", batch1, input);
  const { beta, alpha } = factors(options, batch1.dtype, "baddbmm");
  const shape = [batch1.shape[0], batch1.shape[1], batch2.shape[2]];
  const out = multiplyBatches(batch1, batch2, startOf(input, shape, beta), alpha, beta);
  const save = { batch1: savedFor(batch1, batch2), batch2: savedFor(batch2, batch1) };
  return { rule: Baddbmm, out, save, args: { beta, alpha, selfSymSizes: input.shape } };
}

/** `beta * input + alpha * bmm(batch1, batch2)`. */
export function baddbmm(
  input: Tensor,
  batch1: Tensor,
  batch2: Tensor,
  options: AddProductOptions = {},
): Tensor {
  return finishNew(prepareBaddbmm(input, batch1, batch2, options), [input, batch1, batch2]);
}

/** {@linkcode baddbmm} in place. */
export function baddbmm_(
  self: Tensor,
  batch1: Tensor,
  batch2: Tensor,
  options: AddProductOptions = {},
): Tensor {
  return finishInPlace(prepareBaddbmm(self, batch1, batch2, options), [self, batch1, batch2]);
}

const Addbmm: Rule<Added & { batches: Shape }> = {
  name: "AddbmmBackward0",
  backward: (g, node) => {
    const { alpha, batches } = node.args;
    const every = expand(g, batches[0], g.shape[0], g.shape[1]);
    return [
      inputGradient(g, node),
      node.needs(1) ? times(bmm(every, transpose(node.tensor("batch2"), 1, 2)), alpha) : null,
      node.needs(2) ? times(bmm(transpose(node.tensor("batch1"), 1, 2), every), alpha) : null,
    ];
  },
};

function prepareAddbmm(
  input: Tensor,
  batch1: Tensor,
  batch2: Tensor,
  options: AddProductOptions,
): Prepared<Added & { batches: Shape }> {
  checkTensors("addbmm", input, batch1, batch2);
  checkBatches(batch1, batch2);
  checkSame("addbmm", batch1, input);
  const { beta, alpha } = factors(options, batch1.dtype, "addbmm");
  const out = startOf(input, [batch1.shape[1], batch2.shape[2]], beta);
  const plain = out.detach();
  if (beta !== 1) copyInto(plain, beta === 0 ? 0 : mul(plain, beta));
  const size = { m: batch1.shape[1], n: batch2.shape[2], k: batch1.shape[2] };
  for (let i = 0; i < batch1.shape[0]; i++) {
    const a = matrixOf(batch1, batch1.offset + i * batch1.strides[0]);
    const b = matrixOf(batch2, batch2.offset + i * batch2.strides[0]);
    gemm(size, a, b, matrixOf(out), out.dtype, alpha, 1);
  }
  const save = { batch1: savedFor(batch1, batch2), batch2: savedFor(batch2, batch1) };
  const args = { beta, alpha, selfSymSizes: input.shape, batches: batch1.shape };
  return { rule: Addbmm, out, save, args };
}

/** `beta * input + alpha * (sum of bmm(batch1, batch2) over the batches)`. */
export function addbmm(
  input: Tensor,
  batch1: Tensor,
  batch2: Tensor,
  options: AddProductOptions = {},
): Tensor {
  return finishNew(prepareAddbmm(input, batch1, batch2, options), [input, batch1, batch2]);
}

/** {@linkcode addbmm} in place. */
export function addbmm_(
  self: Tensor,
  batch1: Tensor,
  batch2: Tensor,
  options: AddProductOptions = {},
): Tensor {
  return finishInPlace(prepareAddbmm(self, batch1, batch2, options), [self, batch1, batch2]);
}

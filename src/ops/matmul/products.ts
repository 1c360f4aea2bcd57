/**
 * Products of vectors and matrices, each of one fixed rank.
 * @module
 */

import { gemm } from "../../backend/gemm.ts";
import { checkTensor } from "../../tensor/arguments.ts";
import { differentDevices } from "../../tensor/device.ts";
import { cppName, typeName } from "../../tensor/dtype.ts";
import { frozen, SCALAR_SHAPE, type Shape, shapeText } from "../../tensor/shape.ts";
import { Storage } from "../../tensor/storage.ts";
import { Tensor, unwrittenTensor } from "../../tensor/tensor.ts";
import { mul } from "../pointwise.ts";
import {
  type Added,
  adding,
  type AddProductOptions,
  checkSame,
  columnOf,
  factors,
  finishInPlace,
  finishNew,
  inputGradient,
  multiply,
  multiplyVector,
  type Prepared,
  refuseBool,
  savedFor,
  times,
} from "./product_parts.ts";
import { record, type Rule } from "../core/record.ts";
import { reshape, t, unsqueeze } from "../view/view.ts";

export type { AddProductOptions } from "./product_parts.ts";

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
  checkTensor(a, kernel);
  checkTensor(b, kernel, "b", 2);
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
  if (a.device !== b.device) throw differentDevices(a.device, b.device);
  refuseBool(a.dtype, kernel);
  const out = new Tensor(Storage.allocate(a.dtype, 1, a.device), 0, SCALAR_SHAPE, SCALAR_SHAPE);
  const row = { data: a.storage.memory, offset: a.offset, rowStride: 1, columnStride: a.strides[0] };
  const to = { data: out.storage.memory, offset: 0, rowStride: 1, columnStride: 1 };
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
  checkTensor(input, "outer");
  checkTensor(vec2, "outer", "vec2", 2);
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
  checkTensor(input, "mv");
  checkTensor(vec, "mv", "vec", 2);
  checkMv(vec, input, vec);
  const out = multiplyVector(input, vec, unwrittenTensor(frozen([input.shape[0]]), vec.dtype, vec.device));
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

function prepareAddmv(input: Tensor, mat: Tensor, vec: Tensor, options: AddProductOptions): Prepared<Added> {
  checkTensor(input, "addmv");
  checkTensor(mat, "addmv", "mat", 2);
  checkTensor(vec, "addmv", "vec", 3);
  checkMv(input, mat, vec);
  const { beta, alpha } = factors(options, mat.dtype, "addmv");
  const out = adding(
    input,
    [mat.shape[0]],
    beta,
    (out, added) => multiplyVector(mat, vec, out, alpha, beta, added),
  );
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
  checkTensor(input, "addr");
  checkTensor(vec1, "addr", "vec1", 2);
  checkTensor(vec2, "addr", "vec2", 3);
  if (vec1.ndim !== 1 || vec2.ndim !== 1) {
    const [name, x] = vec1.ndim !== 1 ? ["vec1", vec1] as const : ["vec2", vec2] as const;
    throw new TypeError(`addr: Expected 1-D argument ${name}, but got ${x.ndim}-D`);
  }
  checkSame("addr", input, vec1, vec2);
  const { beta, alpha } = factors(options, input.dtype, "addr");
  const shape = [vec1.shape[0], vec2.shape[0]];
  const column = unsqueeze(vec1.detach(), 1), row = unsqueeze(vec2.detach(), 0);
  const out = adding(input, shape, beta, (to, added) => multiply(column, row, to, alpha, beta, added));
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

// ---- matrices -----------------------------------------------------------------------------------------------------

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
  checkTensor(input, "mm");
  checkTensor(mat2, "mm", "mat2", 2);
  if (input.ndim !== 2) throw new TypeError("self must be a matrix");
  if (mat2.ndim !== 2) throw new TypeError("mat2 must be a matrix");
  checkInner(input, mat2);
  if (input.dtype !== mat2.dtype) {
    throw new TypeError(
      `expected m1 and m2 to have the same dtype, but got: ${cppName(input.dtype)} != ${cppName(mat2.dtype)}`,
    );
  }
  refuseBool(input.dtype, "addmm_impl_cpu_");
  const out = multiply(
    input,
    mat2,
    unwrittenTensor(frozen([input.shape[0], mat2.shape[1]]), input.dtype, input.device),
  );
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
  checkTensor(input, "addmm");
  checkTensor(mat1, "addmm", "mat1", 2);
  checkTensor(mat2, "addmm", "mat2", 3);
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
  const out = adding(
    input,
    [mat1.shape[0], mat2.shape[1]],
    beta,
    (to, added) => multiply(mat1, mat2, to, alpha, beta, added),
  );
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

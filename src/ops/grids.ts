/**
 * Tensors of all pairs: broadcasting, grids, products and combinations.
 * @module
 */

import { checkKeys, checkTensor, checkTensors } from "../tensor/arguments.ts";
import { broadcastShapes, frozen, type Shape, shapeText } from "../tensor/shape.ts";
import { installMethods, Tensor } from "../tensor/tensor.ts";
import { arange } from "../tensor/create.ts";
import { stack } from "./join.ts";
import { record, type Rule } from "./record.ts";
import { expand } from "./view.ts";
import { windowOn } from "./window.ts";

/** Repeats to a shape without copying; the same as `expand`. */
export function broadcastTo(x: Tensor, ...shape: (number | readonly number[])[]): Tensor {
  checkTensor(x, "broadcastTo");
  return expand(x, ...shape);
}

/** All tensors repeated, without copying, to the shape that they broadcast to. */
export function broadcastTensors(...tensors: Tensor[]): Tensor[] {
  checkTensors(tensors, "broadcastTensors");
  if (tensors.length === 0) return [];
  const shape = broadcastShapes(...tensors.map((t) => t.shape));
  return tensors.map((t) => expand(t, shape));
}

/** Options of {@linkcode meshgrid}. */
export interface MeshgridOptions {
  /** "ij" (matrix order, the default) or "xy" (the first two dimensions swapped). */
  readonly indexing?: "ij" | "xy";
}

/** Grids of coordinates from vectors: the i-th result varies along the i-th dimension. Views of the vectors. */
export function meshgrid(...args: (Tensor | readonly Tensor[] | MeshgridOptions)[]): Tensor[] {
  const last = args[args.length - 1];
  const isOptions = last !== undefined && !(last instanceof Tensor) && !Array.isArray(last);
  const { indexing = "ij" } = isOptions ? checkKeys(last as MeshgridOptions, "meshgrid", ["indexing"]) : {};
  const given = isOptions ? args.slice(0, -1) : args;
  const list = checkTensors(given.length === 1 && Array.isArray(given[0]) ? given[0] : given, "meshgrid");
  if (list.length === 0) throw new TypeError("meshgrid expects a non-empty TensorList");
  if (indexing !== "ij" && indexing !== "xy") {
    throw new RangeError(`torch.meshgrid: indexing must be one of "xy" or "ij", but received: ${indexing}`);
  }
  list.forEach((t) => {
    if (t.ndim > 1) {
      throw new TypeError(`torch.meshgrid: Expected 0D or 1D tensor in the tensor list but got: ${t}`);
    }
  });
  const n = list.length;
  const shape = list.map((t) => t.numel());
  // where the i-th vector varies
  const axis = (i: number) => indexing === "xy" && n >= 2 && i < 2 ? 1 - i : i;
  const sizes = shape.map((_, i) => shape[axis(i)]);
  return list.map((t, i) => expand(t.reshape(sizes.map((s, k) => k === axis(i) ? s : 1)), sizes));
}

/** All tuples with one element from each vector, as rows. */
export function cartesianProd(...tensors: Tensor[]): Tensor {
  const list = checkTensors(tensors, "cartesianProd");
  list.forEach((t) => {
    if (t.ndim !== 1) {
      throw new TypeError(`cartesian_prod: Expect a 1D vector, but got shape ${shapeText(t.shape)}`);
    }
  });
  if (list.length === 0) throw new TypeError("meshgrid expects a non-empty TensorList");
  if (list.length === 1) return list[0];
  return stack(meshgrid(list).map((t) => t.reshape(-1)), 1);
}

/** Options of {@linkcode combinations}. */
export interface CombinationsOptions {
  /** How many elements to a row; 2 by default. */
  readonly r?: number;
  /** Whether an element may be taken several times. */
  readonly withReplacement?: boolean;
}

/** All choices of r elements of a vector, in order, as rows. */
export function combinations(
  x: Tensor,
  r?: number | CombinationsOptions,
  options: CombinationsOptions = {},
): Tensor {
  checkTensor(x, "combinations");
  const given = typeof r === "number" ? { ...options, r } : r ?? options;
  const { r: count = 2, withReplacement = false } = checkKeys(given, "combinations", [
    "r",
    "withReplacement",
  ]);
  if (x.ndim !== 1) throw new TypeError(`Expect a 1D vector, but got shape ${shapeText(x.shape)}`);
  if (!Number.isInteger(count) || count < 0) {
    throw new RangeError(`Expect a non-negative number, but got ${count}`);
  }
  if (count === 0) return x.newEmpty([0]);
  const columns: bigint[][] = Array.from({ length: count }, () => []);
  const chosen: number[] = [];
  const choose = (from: number): void => {
    if (chosen.length === count) {
      chosen.forEach((c, k) => columns[k].push(BigInt(c)));
      return;
    }
    for (let i = from; i < x.shape[0]; i++) {
      chosen.push(i);
      choose(withReplacement ? i : i + 1);
      chosen.pop();
    }
  };
  choose(0);
  return stack(columns.map((c) => x.indexSelect(0, indexOf(c))), 1);
}

function indexOf(values: readonly bigint[]): Tensor {
  const index = arange(BigInt(values.length));
  (index.storage.data as BigInt64Array).set(values);
  return index;
}

const UnsafeView: Rule<{ selfSymSizes: Shape }> = {
  name: "UnsafeViewBackward0",
  backward: (g, { args }) => [g.reshape(args.selfSymSizes)],
};

/** The Kronecker product: every element of a times the whole of b, as blocks. */
export function kron(a: Tensor, b: Tensor): Tensor {
  checkTensor(a, "kron");
  checkTensor(b, "kron", "other", 2);
  const n = Math.max(a.ndim, b.ndim);
  const pad = (t: Tensor) => [...new Array(n - t.ndim).fill(1), ...t.shape];
  const as = pad(a), bs = pad(b);
  const blocks = a.reshape(as.flatMap((s) => [s, 1])).mul(b.reshape(bs.flatMap((s) => [1, s])));
  const shape = frozen(as.map((s, i) => s * bs[i]));
  const strides = shape.map((_, i) => shape.slice(i + 1).reduce((x, y) => x * Math.max(y, 1), 1));
  return record(UnsafeView, windowOn(blocks, shape, frozen(strides)), [blocks], {
    selfSymSizes: blocks.shape,
  });
}

/** Options of {@linkcode vander}. */
export interface VanderOptions {
  /** Number of columns; as many as elements by default. */
  readonly N?: number;
  /** Whether powers rise from left to right. */
  readonly increasing?: boolean;
}

/** The matrix of the powers of a vector's elements. */
export function vander(x: Tensor, N?: number | VanderOptions, options: VanderOptions = {}): Tensor {
  checkTensor(x, "vander");
  const given = typeof N === "number" ? { ...options, N } : N ?? options;
  const { N: columns = x.numel(), increasing = false } = checkKeys(given, "vander", ["N", "increasing"]);
  if (x.ndim !== 1) throw new TypeError("x must be a one-dimensional tensor.");
  if (!Number.isInteger(columns) || columns < 0) throw new RangeError("N must be non-negative.");
  const powers = arange(BigInt(columns));
  const rising = x.unsqueeze(1).pow(powers.to(x.dtype));
  return increasing ? rising : rising.flip(1);
}

/** The methods of this family. */
export interface GridMethods {
  /** Repeats to a shape without copying. */
  broadcastTo(...shape: (number | readonly number[])[]): Tensor;
  /** The Kronecker product with another tensor. */
  kron(other: Tensor): Tensor;
}

const methods: GridMethods & ThisType<Tensor> = {
  broadcastTo(...shape) {
    return broadcastTo(this, ...shape);
  },
  kron(other) {
    return kron(this, other);
  },
};
installMethods(methods);

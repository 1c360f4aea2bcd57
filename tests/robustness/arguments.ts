/** What nobody should pass, and beginnings of calls that bring it to every position. */
import * as dg from "../../mod.ts";

/** Makes a value; each call gets one of its own. */
export type Make = () => unknown;

/** The tensor that calls begin with, and methods are called on. */
export const matrix = (): dg.Tensor => dg.tensor([[1, 2, 3], [4, 5, 6]]);

/** Wrong kinds, wrong sizes, wrong dtypes, options that do not exist. Some of it fits somewhere. */
export const garbage: readonly Make[] = [
  () => undefined,
  () => null,
  () => "a",
  () => "float32",
  () => -7,
  () => 3.5,
  () => NaN,
  () => Infinity,
  () => 1e12,
  () => 5n,
  () => 1n << 70n,
  () => true,
  () => [],
  () => [[1, 2], [3]],
  () => ["a"],
  () => [null],
  () => [99],
  () => [-1, -1],
  () => [1e9, 1e9],
  () => [undefined, Symbol("s")],
  () => ({}),
  () => ({ dim: 9 }),
  () => ({ foo: 1 }),
  () => ({ dtype: "float7" }),
  () => Object.create(null),
  () => () => 1,
  () => Symbol("s"),
  () => new Date(0),
  () => new Map(),
  () => new Uint16Array(2),
  () => new Float32Array(3),
  () => dg.zeros(0),
  () => dg.tensor(2),
  () => dg.tensor([1n, 2n]),
  () => dg.tensor([true, false]),
  () => dg.zeros(2, 3),
  () => dg.zeros(2, 3, { requiresGrad: true }),
  () => dg.tensor([NaN, -1e300, Infinity]),
  () => [dg.zeros(2)],
  () => [dg.zeros(2), 3],
];

/** A function to differentiate, which may be called without a tensor. */
const twice = (x?: dg.Tensor) => dg.mul(x ?? 1, 2);

/** Beginnings of calls: the garbage comes behind each. */
export const beginnings: readonly (readonly Make[])[] = [
  [],
  [matrix],
  [matrix, () => 0],
  [matrix, matrix],
  [matrix, () => 0, () => dg.tensor([0n])],
  [matrix, matrix, () => dg.tensor([1, 1, 1])],
  [() => dg.tensor([1, 2]), () => dg.tensor([0n, 1n])],
  [() => 3],
  [() => 3, () => 3],
  [() => [matrix().requiresGrad_()]],
  [() => [1, 2, 3]],
  [() => [1, 2, 3], () => [1, 2, 3]],
  [() => twice],
  [() => twice, matrix],
  [() => new dg.nn.Linear(2, 2)],
  [() => new dg.optim.SGD([matrix().requiresGrad_()], { lr: 0.1 })],
  [() => "ij->ji"],
];

/** Beginnings of the arguments of methods. */
export const methodBeginnings: readonly (readonly Make[])[] = [[], [() => 0], [matrix], [
  () => 0,
  () => dg.tensor([0n]),
]];

/** What fits nowhere, or hardly, where tensors are on the GPU: to be called while that is the default device. */
export const garbageOnGpu: readonly Make[] = [
  () => dg.tensor([1, 2, 3], { device: "cpu" }),
  () => dg.tensor([[1, 2, 3], [4, 5, 6]], { device: "cpu", requiresGrad: true }),
  () => dg.tensor([1n, 0n], { device: "cpu" }),
  () => [dg.zeros(2, 3), dg.zeros(2, 3, { device: "cpu" })],
  () => dg.tensor([0n, 7n]),
  () => dg.tensor([true, false, true]),
  () => dg.zeros(2, 3, { dtype: "float16" }),
  () => dg.zeros(3, 2).t(),
  () => dg.zeros(1, 1).expand(2, 3),
  () => dg.zeros(0, 3),
];

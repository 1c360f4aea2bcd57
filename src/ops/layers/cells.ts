/**
 * One step of recurrent nets.
 * @module
 */

import { checkOptionalTensor, checkTensor } from "../../tensor/arguments.ts";
import { shapeText } from "../../tensor/shape.ts";
import type { Tensor } from "../../tensor/tensor.ts";
import { add, sub } from "../arithmetic.ts";
import { linear } from "../matmul/matmul.ts";
import { mul, relu, sigmoid, tanh } from "../pointwise.ts";
import { chunk } from "../view/parts.ts";

/** Checks arguments by their names, in their order. */
function check(
  caller: string,
  tensors: { input: Tensor; hx: Tensor; cx?: Tensor; wIh: Tensor; wHh: Tensor },
  biases: Readonly<Record<string, Tensor | null>>,
): void {
  Object.entries(tensors).forEach(([name, t], i) => checkTensor(t, caller, name, i + 1));
  Object.entries(biases).forEach(([name, t]) => checkOptionalTensor(t, caller, name));
  const { input: x, hx: h, wIh: w } = tensors;
  if (x.ndim === h.ndim && x.ndim === 2 && x.shape[0] !== h.shape[0]) {
    throw new TypeError(`Input batch size ${x.shape[0]} doesn't match hidden batch size ${h.shape[0]}`);
  }
  if (x.shape.at(-1) !== w.shape.at(-1)) {
    throw new TypeError(
      `input has inconsistent input_size: got ${x.shape.at(-1)} expected ${w.shape.at(-1)}`,
    );
  }
  if (x.ndim > 2) throw new TypeError(`${caller}: Expected input to be 1D or 2D, got ${shapeText(x.shape)}`);
}

/** `tanh(input @ wIh.T + bIh + hx @ wHh.T + bHh)`. */
export function rnnTanhCell(
  input: Tensor,
  hx: Tensor,
  wIh: Tensor,
  wHh: Tensor,
  bIh: Tensor | null = null,
  bHh: Tensor | null = null,
): Tensor {
  check("rnnTanhCell", { input, hx, wIh, wHh }, { bIh, bHh });
  return rnnStep(linear(input, wIh, bIh), hx, wHh, bHh, "tanh");
}

/** {@linkcode rnnTanhCell} with max(x, 0) instead of tanh. */
export function rnnReluCell(
  input: Tensor,
  hx: Tensor,
  wIh: Tensor,
  wHh: Tensor,
  bIh: Tensor | null = null,
  bHh: Tensor | null = null,
): Tensor {
  check("rnnReluCell", { input, hx, wIh, wHh }, { bIh, bHh });
  return rnnStep(linear(input, wIh, bIh), hx, wHh, bHh, "relu");
}

/** A step of a plain net from the input's part on. */
export function rnnStep(
  inputs: Tensor,
  h: Tensor,
  wHh: Tensor,
  bHh: Tensor | null,
  kind: "tanh" | "relu",
): Tensor {
  const sum = add(linear(h, wHh, bHh), inputs);
  return kind === "tanh" ? tanh(sum) : relu(sum);
}

/**
 * A step of a long short-term memory: gates i, f, g, o; `c' = f * c + i * g`, `h' = o * tanh(c')`. Gives [h', c'].
 */
export function lstmCell(
  input: Tensor,
  hx: readonly [Tensor, Tensor],
  wIh: Tensor,
  wHh: Tensor,
  bIh: Tensor | null = null,
  bHh: Tensor | null = null,
): [Tensor, Tensor] {
  if (!Array.isArray(hx) || hx.length !== 2) throw new TypeError("lstmCell expects two hidden states");
  check("lstmCell", { input, hx: hx[0], cx: hx[1], wIh, wHh }, { bIh, bHh });
  return lstmStep(linear(input, wIh, bIh), hx, wHh, bHh);
}

/** A step of a long short-term memory from the input's part on. */
export function lstmStep(
  inputs: Tensor,
  [h, c]: readonly [Tensor, Tensor],
  wHh: Tensor,
  bHh: Tensor | null,
): [Tensor, Tensor] {
  const [i, f, g, o] = chunk(add(linear(h, wHh, bHh), inputs), 4, -1);
  const next = add(mul(sigmoid(f), c), mul(sigmoid(i), tanh(g)));
  return [mul(sigmoid(o), tanh(next)), next];
}

/** A step of a gated recurrent unit: gates r, z, n; `h' = (h - n) * z + n`. */
export function gruCell(
  input: Tensor,
  hx: Tensor,
  wIh: Tensor,
  wHh: Tensor,
  bIh: Tensor | null = null,
  bHh: Tensor | null = null,
): Tensor {
  check("gruCell", { input, hx, wIh, wHh }, { bIh, bHh });
  return gruStep(linear(input, wIh, bIh), hx, wHh, bHh);
}

/** A step of a gated recurrent unit from the input's part on. */
export function gruStep(inputs: Tensor, h: Tensor, wHh: Tensor, bHh: Tensor | null): Tensor {
  const [ir, iz, inew] = chunk(inputs, 3, -1), [hr, hz, hnew] = chunk(linear(h, wHh, bHh), 3, -1);
  const r = sigmoid(add(hr, ir)), z = sigmoid(add(hz, iz)), n = tanh(add(inew, mul(r, hnew)));
  return add(mul(sub(h, n), z), n);
}

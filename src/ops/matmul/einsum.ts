/**
 * Einstein's summation: products and sums of tensors by the names of their dimensions.
 * @module
 */

import { Tensor } from "../../tensor/tensor.ts";
import { mul } from "../pointwise.ts";
import { bmm } from "./batch_products.ts";
import { sum } from "../reduce/reduce.ts";
import { diagonal } from "../view/slice.ts";
import { movedim, permute, reshape, unsqueeze, view } from "../view/view.ts";

/** The dimensions of "...", as a stand-in for letters. */
const ELLIPSIS = "...";

/**
 * Multiplies tensors and sums over dimensions that the result does not have.
 *
 * The equation names the dimensions of each operand by letters, operands separated by commas, and after `->` those of the
 * result; without `->` the result has the letters that occur once, in alphabetical order. `...` stands for any further
 * dimensions, which are broadcast.
 *
 * @example
 * ```ts
 * import * as dg from "@dinograd/dinograd";
 *
 * const [a, b] = [dg.ones(2, 3), dg.ones(3, 4)];
 * dg.einsum("ij,jk->ik", a, b); // the matrix product
 * dg.einsum("ij->ji", a); // the transpose
 * ```
 */
export function einsum(equation: string, ...operands: (Tensor | readonly Tensor[])[]): Tensor {
  if (typeof equation !== "string") {
    throw new TypeError(`einsum(): the equation must be a string, got ${typeof equation}`);
  }
  const tensors = operands.flat() as Tensor[];
  if (tensors.length === 0) throw new TypeError("einsum(): must provide at least one operand");
  tensors.forEach((x, i) => {
    if (!(x instanceof Tensor)) throw new TypeError(`einsum(): operand ${i} is no tensor`);
  });
  const { inputs, output, ellipsis } = read(equation, tensors);
  const plan = layOut(inputs, output, ellipsis);
  const ready = tensors.map((x, i) => aligned(x, inputs[i], plan));
  checkSizes(tensors, inputs, ellipsis);
  return contract(ready, plan);
}

interface Plan {
  /** The place of every letter (and of each dimension of the ellipsis) among the common dimensions. */
  readonly place: ReadonlyMap<string, number>;
  /** How many common dimensions the result has; they come first. */
  readonly kept: number;
  /** Number of common dimensions. */
  readonly total: number;
}

/** The letters of each operand and of the result; "..." where there is an ellipsis. */
interface Equation {
  readonly inputs: string[][];
  readonly output: string[];
  /** Most dimensions that an ellipsis stands for. */
  readonly ellipsis: number;
}

function read(equation: string, tensors: readonly Tensor[]): Equation {
  const arrow = equation.indexOf("->");
  const left = arrow < 0 ? equation : equation.slice(0, arrow);
  const parts = left.split(",").map((part, i) => letters(part, `operand ${i}`));
  if (parts.length > tensors.length) {
    throw new TypeError("einsum(): fewer operands were provided than specified in the equation");
  }
  if (parts.length < tensors.length) {
    throw new TypeError("einsum(): more operands were provided than specified in the equation");
  }
  let ellipsis = 0;
  parts.forEach((part, i) => {
    const named = part.filter((s) => s !== ELLIPSIS).length, rest = tensors[i].ndim - named;
    if (part.includes(ELLIPSIS) ? rest < 0 : rest !== 0) {
      const has = part.includes(ELLIPSIS);
      throw new TypeError(
        `einsum(): the number of subscripts in the equation (${named}) ` +
          `${has ? "is more than" : "does not match"} the number of dimensions (${
            tensors[i].ndim
          }) for operand ${i}` +
          (has ? "" : " and no ellipsis was given"),
      );
    }
    ellipsis = Math.max(ellipsis, rest);
  });
  const all = parts.flat();
  const output = arrow < 0 ? implied(all) : letters(equation.slice(arrow + 2), "the output");
  output.forEach((s, i) => {
    if (s === ELLIPSIS) return;
    if (output.indexOf(s) !== i) {
      throw new TypeError(`einsum(): output subscript ${s} appears more than once in the output`);
    }
    if (!all.includes(s)) {
      throw new TypeError(
        `einsum(): output subscript ${s} does not appear in the equation for any input operand`,
      );
    }
  });
  return { inputs: parts, output, ellipsis };
}

/** Splits "...ij" into "...", "i", "j". */
function letters(text: string, where: string): string[] {
  const found: string[] = [];
  for (let i = 0; i < text.length; i++) {
    if (text[i] === " ") continue;
    if (text.startsWith(ELLIPSIS, i)) {
      if (found.includes(ELLIPSIS)) {
        throw new TypeError(`einsum(): found '.' for ${where} for which an ellipsis was already found`);
      }
      found.push(ELLIPSIS);
      i += 2;
    } else if (/[a-zA-Z]/.test(text[i])) found.push(text[i]);
    else {
      throw new TypeError(
        `einsum(): invalid subscript given at index ${i} in the equation string for ${where}, ` +
          `subscripts must be in [a-zA-Z]`,
      );
    }
  }
  return found;
}

/** The result of an equation without "->": the ellipsis, then the letters that occur once, capitals first. */
function implied(all: readonly string[]): string[] {
  const once = [...new Set(all)].filter((s) => s !== ELLIPSIS && all.indexOf(s) === all.lastIndexOf(s))
    .sort();
  return all.includes(ELLIPSIS) ? [ELLIPSIS, ...once] : once;
}

/** Names of the dimensions that an ellipsis of `count` dimensions stands for; they are aligned at the right. */
function dots(count: number): string[] {
  return Array.from({ length: count }, (_, i) => `.${count - 1 - i}`);
}

function layOut(inputs: readonly string[][], output: readonly string[], ellipsis: number): Plan {
  const spread = (part: readonly string[]) => part.flatMap((s) => s === ELLIPSIS ? dots(ellipsis) : [s]);
  const place = new Map<string, number>();
  for (const s of spread(output)) place.set(s, place.size);
  const kept = place.size;
  for (const s of [...new Set(inputs.flatMap(spread))].sort()) if (!place.has(s)) place.set(s, place.size);
  return { place, kept, total: place.size };
}

function checkSizes(tensors: readonly Tensor[], inputs: readonly string[][], ellipsis: number): void {
  const seen = new Map<string, number>();
  tensors.forEach((x, i) => {
    namesOf(inputs[i], x.ndim).forEach((s, d) => {
      const size = x.shape[d], before = seen.get(s) ?? 1;
      if (size !== before && size !== 1 && before !== 1) {
        const what = s.startsWith(".") ? `dimension ${ellipsis - 1 - Number(s.slice(1))} of the ellipsis` : s;
        throw new TypeError(
          `einsum(): subscript ${what} has size ${size} for operand ${i} which does not broadcast with previously ` +
            `seen size ${before}`,
        );
      }
      if (before === 1) seen.set(s, size);
    });
  });
}

/** The name of each dimension of an operand. */
function namesOf(part: readonly string[], ndim: number): string[] {
  const rest = ndim - part.filter((s) => s !== ELLIPSIS).length;
  return part.flatMap((s) => s === ELLIPSIS ? dots(rest) : [s]);
}

/** Brings an operand's dimensions to their common places; those that it lacks get size 1, repeated ones become diagonals. */
function aligned(x: Tensor, part: readonly string[], plan: Plan): Tensor {
  const names: string[] = [];
  let out = x;
  for (const s of namesOf(part, x.ndim)) {
    const first = names.indexOf(s);
    if (first < 0) {
      names.push(s);
      continue;
    }
    const here = names.length;
    if (out.shape[first] !== out.shape[here]) {
      throw new TypeError(
        `einsum(): subscript ${s} is repeated for operand 0 but the sizes don't match, ${
          out.shape[here]
        } != ` +
          `${out.shape[first]}`,
      );
    }
    out = movedim(diagonal(out, 0, first, here), -1, first);
  }
  const order = new Array<number>(plan.total).fill(-1);
  names.forEach((s, d) => order[plan.place.get(s)!] = d);
  let next = names.length;
  for (let p = 0; p < plan.total; p++) {
    if (order[p] >= 0) continue;
    out = unsqueeze(out, out.ndim);
    order[p] = next++;
  }
  return permute(out, order);
}

/** Multiplies the operands from the left, summing each dimension as soon as no later operand has it. */
function contract(operands: readonly Tensor[], { kept, total }: Plan): Tensor {
  const summed = Array.from({ length: total - kept }, (_, i) => kept + i);
  if (operands.length === 1) return summed.length === 0 ? operands[0] : sum(operands[0], summed);
  const count = Array.from(
    { length: total },
    (_, d) => operands.reduce((n, x) => n + (x.shape[d] !== 1 ? 1 : 0), 0),
  );
  let a = operands[0];
  for (const operand of operands.slice(1)) {
    let b = operand;
    const both: number[] = [], onlyA: number[] = [], onlyB: number[] = [];
    for (const d of summed) {
      if (a.shape[d] !== 1 && b.shape[d] !== 1) {
        if (--count[d] === 1) {
          both.push(d);
          count[d] = 0;
        }
      } else if (count[d] === 1) {
        if (a.shape[d] !== 1) onlyA.push(d);
        else if (b.shape[d] !== 1) onlyB.push(d);
        else continue;
        count[d] = 0;
      }
    }
    if (onlyA.length > 0) a = sum(a, onlyA, { keepdim: true });
    if (onlyB.length > 0) b = sum(b, onlyB, { keepdim: true });
    a = sumOfProducts(a, b, both);
  }
  return summed.length === 0 ? a : view(a, a.shape.slice(0, kept));
}

/** `(a * b).sum(dims, keepdim)` for aligned operands, as a product of batches of matrices. */
function sumOfProducts(a: Tensor, b: Tensor, dims: readonly number[]): Tensor {
  if (dims.length === 0) return mul(a, b);
  const batch: number[] = [], ofA: number[] = [], ofB: number[] = [];
  for (let d = 0; d < a.ndim; d++) {
    if (dims.includes(d)) continue;
    if (a.shape[d] !== 1 && b.shape[d] !== 1) batch.push(d);
    else if (a.shape[d] !== 1) ofA.push(d);
    else ofB.push(d);
  }
  const size = (x: Tensor, list: readonly number[]) => list.reduce((n, d) => n * x.shape[d], 1);
  const left = reshape(permute(a, [...batch, ...ofA, ...dims, ...ofB]), [
    size(a, batch),
    size(a, ofA),
    size(a, dims),
  ]);
  const right = reshape(permute(b, [...batch, ...dims, ...ofB, ...ofA]), [
    size(b, batch),
    size(b, dims),
    size(b, ofB),
  ]);
  const order = [...batch, ...ofA, ...dims, ...ofB];
  const shape = order.map((d) => dims.includes(d) ? 1 : ofB.includes(d) ? b.shape[d] : a.shape[d]);
  const back = new Array<number>(order.length);
  order.forEach((d, i) => back[d] = i);
  return permute(view(bmm(left, right), shape), back);
}

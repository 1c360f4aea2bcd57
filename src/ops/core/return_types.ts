/**
 * Results with names: what PyTorch calls return types.
 * @module
 */

import type { Tensor } from "../../tensor/tensor.ts";

/** Several tensors with names, which can be taken apart like a list, too: `const { values } = r`, `const [values] = r`. */
export abstract class ReturnType {
  readonly #operation: string;

  /** Results of the operation of this name; subclasses add the tensors as fields, in PyTorch's order. */
  constructor(operation: string) {
    this.#operation = operation;
  }

  /** The tensors in order. */
  [Symbol.iterator](): IterableIterator<Tensor> {
    return (Object.values(this) as Tensor[])[Symbol.iterator]();
  }

  /** PyTorch's text. */
  toString(): string {
    const fields = Object.entries(this).map(([name, value]) => `${name}=${(value as Tensor).toString()}`);
    return `torch.return_types.${this.#operation}(\n${fields.join(",\n")})`;
  }

  /** What `console.log` shows. */
  [Symbol.for("Deno.customInspect")](): string {
    return this.toString();
  }
}

/** Values along a dimension, and where they were. */
export class ValuesIndices extends ReturnType {
  /** The values. */
  readonly values: Tensor;
  /** Their places along the dimension, int64. */
  readonly indices: Tensor;

  /** See the fields. */
  constructor(operation: string, values: Tensor, indices: Tensor) {
    super(operation);
    this.values = values;
    this.indices = indices;
  }
}

/** The smallest and the largest. */
export class MinMax extends ReturnType {
  /** The smallest. */
  readonly min: Tensor;
  /** The largest. */
  readonly max: Tensor;

  /** See the fields. */
  constructor(operation: string, min: Tensor, max: Tensor) {
    super(operation);
    this.min = min;
    this.max = max;
  }
}

/**
 * Updates of parameters as fused programs: one pass over the memory of a parameter, its gradient and its state.
 * @module
 */

import { bumpVersion, checkInPlace } from "../autograd/graph.ts";
import { runPointwise } from "../backend/pointwise.ts";
import { parse } from "../expr/parse.ts";
import { type Program, program } from "../expr/program.ts";
import type { Tensor } from "../tensor/tensor.ts";

/** A change of several tensors, element by element, all at once: the new values are computed from the old ones. */
export class FusedUpdate {
  private readonly program: Program;
  private readonly written: readonly number[];

  /**
   * @param tensors names of the tensors
   * @param numbers names of the numbers
   * @param results new values by the names of tensors, in the scalar language
   */
  constructor(
    tensors: readonly string[],
    numbers: readonly string[],
    results: Readonly<Record<string, string>>,
  ) {
    const inputs = [...tensors, ...numbers];
    this.program = program(inputs, Object.values(results).map((text) => parse(text, inputs)), {
      name: "update",
    });
    this.written = Object.keys(results).map((name) => tensors.indexOf(name));
  }

  /** Updates the tensors, which must have one shape. The arithmetic is in doubles, whatever their dtype. */
  run(tensors: readonly Tensor[], numbers: readonly number[]): void {
    for (const i of this.written) checkInPlace(tensors[i]);
    const operands = tensors.map((t) => ({
      data: t.storage.memory,
      dtype: t.dtype,
      offset: t.offset,
      strides: t.strides,
    }));
    const outputs = this.written.map((i) => operands[i]);
    runPointwise(this.program, [...operands, ...numbers], outputs, tensors[0].shape, "float64");
    for (const i of this.written) bumpVersion(tensors[i]);
  }
}

/** The variants of an optimizer's update, made when first used. */
export class Variants {
  private readonly made = new Map<string, FusedUpdate>();

  /** The update for a combination of choices. */
  get(key: string, make: () => FusedUpdate): FusedUpdate {
    let update = this.made.get(key);
    if (update === undefined) this.made.set(key, update = make());
    return update;
  }
}

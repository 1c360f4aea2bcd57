/**
 * Updates of parameters as fused programs: one pass over the memory of a parameter, its gradient and its state.
 * @module
 */

import { bumpVersion, checkInPlace } from "../autograd/graph.ts";
import { type Job, type Operand, runMany, runPointwise } from "../backend/pointwise.ts";
import { parse } from "../expr/parse.ts";
import { type Program, program } from "../expr/program.ts";
import { sameDevice } from "../tensor/device.ts";
import type { DType } from "../tensor/dtype.ts";
import type { Tensor } from "../tensor/tensor.ts";

/** A change of several tensors, element by element, all at once: the new values are computed from the old ones. */
export class FusedUpdate {
  private readonly program: Program;
  private readonly written: readonly number[];
  /** The numbers of which the program wants what they lack to 1: in float32 it would lose digits, 1 - 0.999 half of them. */
  private readonly rests: readonly number[];

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
    let texts = Object.values(results);
    this.rests = numbers.flatMap((name, i) =>
      texts.some((text) => text.includes(`(1 - ${name})`)) ? [i] : []
    );
    const rests = this.rests.map((i) => `${numbers[i]}_rest`);
    this.rests.forEach((i, r) =>
      texts = texts.map((text) => text.replaceAll(`(1 - ${numbers[i]})`, rests[r]))
    );
    const inputs = [...tensors, ...numbers, ...rests];
    this.program = program(inputs, texts.map((text) => parse(text, inputs)), { name: "update" });
    this.written = Object.keys(results).map((name) => tensors.indexOf(name));
  }

  /**
   * Updates the tensors, which must have one shape; in {@linkcode together} on a GPU at the end of it. The arithmetic is in their
   * dtype, on the CPU at least in float32.
   */
  run(tensors: readonly Tensor[], given: readonly number[]): void {
    const { written, rests } = this;
    const numbers = rests.length === 0 ? given : [...given, ...rests.map((i) => 1 - given[i])];
    for (let i = 0; i < written.length; i++) checkInPlace(tensors[written[i]]);
    sameDevice(tensors);
    const operands: Operand[] = [];
    for (let i = 0; i < tensors.length; i++) operands.push(operandOf(tensors[i]));
    const { shape, device, dtype } = tensors[0];
    if (device === "cpu") {
      const inputs: (Operand | number)[] = [], outputs: Operand[] = [];
      for (let i = 0; i < operands.length; i++) inputs.push(operands[i]);
      for (let i = 0; i < numbers.length; i++) inputs.push(numbers[i]);
      for (let i = 0; i < written.length; i++) outputs.push(operands[written[i]]);
      runPointwise(this.program, inputs, outputs, shape, dtype === "float32" ? "float32" : "float64");
    } else if (waiting !== null) wait(this, { operands, shape }, numbers, dtype);
    else runMany(this.program, [{ operands, shape }], numbers, this.written, dtype);
    for (let i = 0; i < written.length; i++) bumpVersion(tensors[written[i]]);
  }

  /** Updates several sets of tensors. */
  runAll(jobs: readonly Job[], numbers: readonly number[], dtype: DType): void {
    runMany(this.program, jobs, numbers, this.written, dtype);
  }
}

function operandOf({ storage, offset, strides }: Tensor): Operand {
  return { data: storage.memory, dtype: storage.dtype, offset, strides };
}

/** Updates of one kind by one set of numbers that wait for others of the same. */
interface Waiting {
  update: FusedUpdate | null;
  numbers: readonly number[];
  dtype: DType;
  jobs: Job[];
}

let waiting: Waiting | null = null;

function wait(update: FusedUpdate, job: Job, numbers: readonly number[], dtype: DType): void {
  const w = waiting!;
  if (w.update !== update || w.dtype !== dtype || w.numbers.some((x, i) => !Object.is(x, numbers[i]))) {
    send(w);
    Object.assign(w, { update, numbers, dtype });
  }
  w.jobs.push(job);
}

function send(w: Waiting): void {
  const { update, jobs, numbers, dtype } = w;
  w.jobs = [];
  if (jobs.length > 0) update!.runAll(jobs, numbers, dtype);
}

/** Runs the updates of all parameters; those on a GPU that follow each other and are of one kind in as few dispatches as can be. */
export function together(updates: () => void): void {
  const before = waiting, mine: Waiting = { update: null, numbers: [], dtype: "float32", jobs: [] };
  waiting = mine;
  try {
    updates();
  } finally {
    waiting = before;
    send(mine);
  }
}

/** The variants of an optimizer's update by what is chosen, made when first used. */
export class Variants<C extends readonly boolean[]> {
  private readonly made = new Map<number, FusedUpdate>();

  /** `make` makes the update for a combination of choices. */
  constructor(private readonly make: (...choices: C) => FusedUpdate) {}

  /** The update for a combination of choices. */
  get(...choices: C): FusedUpdate {
    const key = choices.reduce((key, choice) => 2 * key + Number(choice), 0);
    let update = this.made.get(key);
    if (update === undefined) this.made.set(key, update = this.make(...choices));
    return update;
  }
}

/**
 * Recurrent nets as modules: over whole sequences, and single steps.
 * @module
 */

import {
  gruCell,
  gruStep,
  lstmCell,
  lstmStep,
  rnnReluCell,
  rnnStep,
  rnnTanhCell,
} from "../ops/layers/cells.ts";
import { cat, stack } from "../ops/view/join.ts";
import { linear, matmul } from "../ops/matmul/matmul.ts";
import { unbind } from "../ops/view/parts.ts";
import { transpose } from "../ops/view/view.ts";
import { checkFlag, checkInteger, checkKeys, checkNumber, checkTensor } from "../tensor/arguments.ts";
import { empty } from "../tensor/create.ts";
import { type DType, getDefaultDtype } from "../tensor/dtype.ts";
import { sameShape, shapeText } from "../tensor/shape.ts";
import type { Tensor } from "../tensor/tensor.ts";
import { dropout } from "./functional/dropout.ts";
import { uniform_ } from "./init.ts";
import { Module } from "./module.ts";
import { Parameter } from "./parameter.ts";
import { float } from "./text.ts";

/** Options of {@linkcode LSTM}, {@linkcode GRU} and {@linkcode RNN}. */
export interface RecurrentOptions {
  /** Nets one after the other; 1. */
  readonly numLayers?: number;
  /** Whether something is added to the products; true. */
  readonly bias?: boolean;
  /** Whether the batch is the first dimension; false: the time is. */
  readonly batchFirst?: boolean;
  /** The probability that an element between two layers is dropped in training; 0. */
  readonly dropout?: number;
  /** Whether a second net runs from the end to the start; false. */
  readonly bidirectional?: boolean;
  /** Element type of the parameters; the default dtype. */
  readonly dtype?: DType;
}

/** Options of {@linkcode RNN}. */
export interface RNNOptions extends RecurrentOptions {
  /** The function of a step; "tanh". */
  readonly nonlinearity?: "tanh" | "relu";
}

/** Options of {@linkcode LSTM}. */
export interface LSTMOptions extends RecurrentOptions {
  /** Size to which a learnt map brings hidden states; 0 for none. */
  readonly projSize?: number;
}

const recurrentKeys = ["numLayers", "bias", "batchFirst", "dropout", "bidirectional", "dtype"];

/** A step: the input's part and the state to the next state. */
type Step = (inputs: Tensor, state: readonly Tensor[], wHh: Tensor, bHh: Tensor | null) => Tensor[];

/** What recurrent nets over sequences share. */
abstract class Recurrent extends Module {
  /** Size of the input's last dimension. */
  readonly inputSize: number;
  /** Size of the states. */
  readonly hiddenSize: number;
  /** Nets one after the other. */
  readonly numLayers: number;
  /** Whether the batch is the first dimension. */
  readonly batchFirst: boolean;
  /** The probability that an element between two layers is dropped in training. */
  readonly dropout: number;
  /** Whether a second net runs from the end to the start. */
  readonly bidirectional: boolean;
  /** Size to which hidden states are brought; 0 for their own. */
  readonly projSize: number;
  private readonly biased: boolean;

  /** Makes the parameters: `gates` times the hidden size in each. */
  constructor(gates: number, inputSize: number, hiddenSize: number, o: LSTMOptions) {
    super();
    const caller = this.typeName();
    const { numLayers = 1, bias = true, batchFirst = false, bidirectional = false, projSize = 0 } = o;
    const dropout = checkNumber(o.dropout ?? 0, caller, "dropout"), dtype = o.dtype ?? getDefaultDtype();
    if (!(dropout >= 0 && dropout <= 1)) {
      throw new RangeError(
        "dropout should be a number in range [0, 1] representing the probability of an element being zeroed",
      );
    }
    checkInteger(inputSize, caller, "inputSize");
    if (checkInteger(hiddenSize, caller, "hiddenSize") <= 0) {
      throw new RangeError("hidden_size must be greater than zero");
    }
    if (checkInteger(numLayers, caller, "numLayers") <= 0) {
      throw new RangeError("num_layers must be greater than zero");
    }
    if (projSize < 0) {
      throw new RangeError("proj_size should be a positive integer or zero to disable projections");
    }
    if (projSize >= hiddenSize) throw new RangeError("proj_size has to be smaller than hidden_size");
    this.inputSize = inputSize;
    this.hiddenSize = hiddenSize;
    this.numLayers = numLayers;
    this.batchFirst = checkFlag(batchFirst, caller, "batchFirst");
    this.dropout = dropout;
    this.bidirectional = checkFlag(bidirectional, caller, "bidirectional");
    this.projSize = projSize;
    this.biased = bias;
    const out = projSize > 0 ? projSize : hiddenSize;
    const add = (name: string, ...shape: number[]) =>
      this.registerParameter(name, new Parameter(empty(shape, { dtype })));
    for (let layer = 0; layer < numLayers; layer++) {
      const size = layer === 0 ? inputSize : out * (bidirectional ? 2 : 1);
      for (const end of bidirectional ? ["", "Reverse"] : [""]) {
        add(`weightIhL${layer}${end}`, gates * hiddenSize, size);
        add(`weightHhL${layer}${end}`, gates * hiddenSize, out);
        if (bias) {
          add(`biasIhL${layer}${end}`, gates * hiddenSize);
          add(`biasHhL${layer}${end}`, gates * hiddenSize);
        }
        if (projSize > 0) add(`weightHrL${layer}${end}`, projSize, hiddenSize);
      }
    }
    this.resetParameters();
  }

  /** Draws new initial values: uniform in ±1 / sqrt(hiddenSize). */
  resetParameters(): void {
    const bound = 1 / Math.sqrt(this.hiddenSize);
    for (const p of this.parameters()) uniform_(p, -bound, bound);
  }

  /** A parameter of a layer and direction, or null. */
  private part(name: string, layer: number, end: string): Tensor | null {
    return (this as unknown as Record<string, Tensor | undefined>)[`${name}L${layer}${end}`] ?? null;
  }

  /** Runs the net over [T, N, inputs] from states [layers * directions, N, size]; gives outputs and the last states. */
  protected run(input: Tensor, states: readonly Tensor[], step: Step): { output: Tensor; last: Tensor[] } {
    const ends = this.bidirectional ? ["", "Reverse"] : [""], last: Tensor[][] = states.map(() => []);
    let sequence = input;
    for (let layer = 0; layer < this.numLayers; layer++) {
      const outputs = ends.map((end, d) => {
        const at = layer * ends.length + d;
        const { outputs, state } = this.pass(sequence, states.map((s) => s.select(0, at)), step, layer, end);
        state.forEach((s, i) => last[i].push(s));
        return outputs;
      });
      sequence = outputs.length === 1 ? outputs[0] : cat(outputs, -1);
      if (this.dropout > 0 && this.training && layer < this.numLayers - 1) {
        sequence = dropout(sequence, { p: this.dropout });
      }
    }
    return { output: sequence, last: last.map((list) => stack(list, 0)) };
  }

  /** One layer in one direction. */
  private pass(
    sequence: Tensor,
    start: readonly Tensor[],
    step: Step,
    layer: number,
    end: string,
  ): { outputs: Tensor; state: readonly Tensor[] } {
    const wHh = this.part("weightHh", layer, end)!, bHh = this.part("biasHh", layer, end);
    const project = this.part("weightHr", layer, end);
    // the inputs' part of all steps at once
    const inputs = unbind(
      linear(sequence, this.part("weightIh", layer, end)!, this.part("biasIh", layer, end)),
      0,
    );
    if (end !== "") inputs.reverse();
    const outputs: Tensor[] = [];
    let state = start;
    for (const x of inputs) {
      const next = step(x, state, wHh, bHh);
      if (project !== null) next[0] = matmul(next[0], transpose(project, 0, 1));
      outputs.push(next[0]);
      state = next;
    }
    if (end !== "") outputs.reverse();
    return { outputs: stack(outputs, 0), state };
  }

  /** The input as [T, N, inputs] with its states, `sizes` giving those of each; zeros where none are given. */
  protected prepare(
    input: Tensor,
    given: readonly (Tensor | undefined)[],
    sizes: readonly number[],
  ): { sequence: Tensor; states: Tensor[]; batched: boolean } {
    checkTensor(input, this.typeName());
    if (input.ndim !== 2 && input.ndim !== 3) {
      throw new TypeError(`${this.typeName()}: Expected input to be 2D or 3D, got ${input.ndim}D instead`);
    }
    const batched = input.ndim === 3;
    const whole = batched ? this.batchFirst ? transpose(input, 0, 1) : input : input.unsqueeze(1);
    if (whole.shape[2] !== this.inputSize) {
      throw new TypeError(
        `input.size(-1) must be equal to input_size. Expected ${this.inputSize}, got ${whole.shape[2]}`,
      );
    }
    if (whole.shape[0] === 0) throw new RangeError("Expected sequence length to be larger than 0 in RNN");
    const count = this.numLayers * (this.bidirectional ? 2 : 1), n = whole.shape[1];
    const states = sizes.map((size, i) => {
      const state = given[i];
      if (state === undefined) return whole.detach().newZeros([count, n, size]);
      checkTensor(state, this.typeName(), "hx");
      if (state.ndim !== (batched ? 3 : 2)) {
        throw new TypeError(
          `For ${batched ? "batched 3-D" : "unbatched 2-D"} input, hx should also be ${
            batched ? 3 : 2
          }-D but got ` +
            `${state.ndim}-D tensor`,
        );
      }
      const wide = batched ? state : state.unsqueeze(1);
      if (!sameShape(wide.shape, [count, n, size])) {
        const name = sizes.length === 1 ? "hidden" : `hidden[${i}]`;
        throw new TypeError(`Expected ${name} size (${count}, ${n}, ${size}), got ${shapeText(wide.shape)}`);
      }
      return wide;
    });
    return { sequence: whole, states, batched };
  }

  /** The result in the input's layout. */
  protected finish(
    output: Tensor,
    last: readonly Tensor[],
    batched: boolean,
  ): { output: Tensor; last: Tensor[] } {
    if (!batched) return { output: output.squeeze(1), last: last.map((t) => t.squeeze(1)) };
    return { output: this.batchFirst ? transpose(output, 0, 1) : output, last: [...last] };
  }

  /** The sizes, and what differs from the defaults. */
  override extraRepr(): string {
    let text = `${this.inputSize}, ${this.hiddenSize}`;
    if (this.projSize !== 0) text += `, proj_size=${this.projSize}`;
    if (this.numLayers !== 1) text += `, num_layers=${this.numLayers}`;
    if (!this.biased) text += ", bias=False";
    if (this.batchFirst) text += ", batch_first=True";
    if (this.dropout !== 0) text += `, dropout=${float(this.dropout)}`;
    if (this.bidirectional) text += ", bidirectional=True";
    return text;
  }
}

/** A plain recurrent net: `h' = tanh(Wih x + bih + Whh h + bhh)`. */
export class RNN extends Recurrent {
  /** The function of a step. */
  readonly nonlinearity: "tanh" | "relu";

  /** A net from inputs of one size to states of another. */
  constructor(inputSize: number, hiddenSize: number, options: RNNOptions = {}) {
    const o = checkKeys(options, "RNN", [...recurrentKeys, "nonlinearity"]);
    const nonlinearity = o.nonlinearity ?? "tanh";
    if (nonlinearity !== "tanh" && nonlinearity !== "relu") {
      throw new RangeError(`Unknown nonlinearity '${nonlinearity}'. Select from 'tanh' or 'relu'.`);
    }
    super(1, inputSize, hiddenSize, o);
    this.nonlinearity = nonlinearity;
  }

  /** Gives [outputs of all times, the last states]: the input is [T, N, inputs], or [T, inputs]. */
  forward(input: Tensor, hx?: Tensor): [Tensor, Tensor] {
    const { sequence, states, batched } = this.prepare(input, [hx], [this.hiddenSize]);
    const step: Step = (x, [h], w, b) => [rnnStep(x, h, w, b, this.nonlinearity)];
    const done = this.run(sequence, states, step);
    const { output, last } = this.finish(done.output, done.last, batched);
    return [output, last[0]];
  }
}

/**
 * A long short-term memory.
 *
 * @example
 * ```ts
 * import * as dg from "@dinograd/dinograd";
 *
 * const lstm = new dg.nn.LSTM(4, 8, { numLayers: 2 });
 * const [output, [h, c]] = lstm(dg.rand(5, 3, 4)); // 5 times, a batch of 3
 * console.log(output.shape, h.shape, c.shape); // [5, 3, 8] [2, 3, 8] [2, 3, 8]
 * ```
 */
export class LSTM extends Recurrent {
  /** A net from inputs of one size to states of another. */
  constructor(inputSize: number, hiddenSize: number, options: LSTMOptions = {}) {
    super(4, inputSize, hiddenSize, checkKeys(options, "LSTM", [...recurrentKeys, "projSize"]));
  }

  /** Gives [outputs of all times, [the last states, the last cells]]: the input is [T, N, inputs], or [T, inputs]. */
  forward(input: Tensor, hx?: readonly [Tensor, Tensor]): [Tensor, [Tensor, Tensor]] {
    const sizes = [this.projSize > 0 ? this.projSize : this.hiddenSize, this.hiddenSize];
    const { sequence, states, batched } = this.prepare(input, hx ?? [], sizes);
    const done = this.run(sequence, states, (x, [h, c], w, b) => lstmStep(x, [h, c], w, b));
    const { output, last } = this.finish(done.output, done.last, batched);
    return [output, [last[0], last[1]]];
  }
}

/** A net of gated recurrent units. */
export class GRU extends Recurrent {
  /** A net from inputs of one size to states of another. */
  constructor(inputSize: number, hiddenSize: number, options: RecurrentOptions = {}) {
    super(3, inputSize, hiddenSize, checkKeys(options, "GRU", recurrentKeys));
  }

  /** Gives [outputs of all times, the last states]: the input is [T, N, inputs], or [T, inputs]. */
  forward(input: Tensor, hx?: Tensor): [Tensor, Tensor] {
    const { sequence, states, batched } = this.prepare(input, [hx], [this.hiddenSize]);
    const done = this.run(sequence, states, (x, [h], w, b) => [gruStep(x, h, w, b)]);
    const { output, last } = this.finish(done.output, done.last, batched);
    return [output, last[0]];
  }
}

// ---- single steps -----------------------------------------------------------------------------------------------------

/** Options of {@linkcode LSTMCell}, {@linkcode GRUCell} and {@linkcode RNNCell}. */
export interface CellOptions {
  /** Whether something is added to the products; true. */
  readonly bias?: boolean;
  /** Element type of the parameters; the default dtype. */
  readonly dtype?: DType;
}

/** What single steps share. */
abstract class Cell extends Module {
  /** Size of the input's last dimension. */
  readonly inputSize: number;
  /** Size of the states. */
  readonly hiddenSize: number;
  /** The weight of inputs. */
  declare weightIh: Parameter;
  /** The weight of states. */
  declare weightHh: Parameter;
  /** What is added to the product of inputs, or null. */
  declare biasIh: Parameter | null;
  /** What is added to the product of states, or null. */
  declare biasHh: Parameter | null;

  /** Makes the parameters. */
  constructor(gates: number, inputSize: number, hiddenSize: number, o: CellOptions) {
    super();
    this.inputSize = checkInteger(inputSize, this.typeName(), "inputSize");
    this.hiddenSize = checkInteger(hiddenSize, this.typeName(), "hiddenSize");
    const dtype = o.dtype ?? getDefaultDtype(), rows = gates * hiddenSize;
    const parameter = (...shape: number[]) => new Parameter(empty(shape, { dtype }));
    const biased = o.bias ?? true;
    this.registerParameter("weightIh", parameter(rows, inputSize));
    this.registerParameter("weightHh", parameter(rows, hiddenSize));
    this.registerParameter("biasIh", biased ? parameter(rows) : null);
    this.registerParameter("biasHh", biased ? parameter(rows) : null);
    this.resetParameters();
  }

  /** Draws new initial values: uniform in ±1 / sqrt(hiddenSize). */
  resetParameters(): void {
    const bound = this.hiddenSize > 0 ? 1 / Math.sqrt(this.hiddenSize) : 0;
    for (const p of this.parameters()) uniform_(p, -bound, bound);
  }

  /** A state of zeros where none is given. */
  protected stateFor(input: Tensor, state: Tensor | undefined): Tensor {
    if (input.ndim !== 1 && input.ndim !== 2) {
      throw new TypeError(`${this.typeName()}: Expected input to be 1D or 2D, got ${input.ndim}D instead`);
    }
    return state ?? input.detach().newZeros([...input.shape.slice(0, -1), this.hiddenSize]);
  }

  /** The sizes, and what differs from the defaults. */
  override extraRepr(): string {
    return `${this.inputSize}, ${this.hiddenSize}${this.biasIh === null ? ", bias=False" : ""}`;
  }
}

/** A step of a plain recurrent net. */
export class RNNCell extends Cell {
  /** The function of the step. */
  readonly nonlinearity: "tanh" | "relu";

  /** A step from inputs of one size to states of another. */
  constructor(
    inputSize: number,
    hiddenSize: number,
    options: CellOptions & { readonly nonlinearity?: "tanh" | "relu" } = {},
  ) {
    const o = checkKeys(options, "RNNCell", ["bias", "dtype", "nonlinearity"]);
    super(1, inputSize, hiddenSize, o);
    this.nonlinearity = o.nonlinearity ?? "tanh";
    if (this.nonlinearity !== "tanh" && this.nonlinearity !== "relu") {
      throw new RangeError(`Unknown nonlinearity: ${this.nonlinearity}`);
    }
  }

  /** The next state of [N, inputs] or [inputs]. */
  forward(input: Tensor, hx?: Tensor): Tensor {
    const cell = this.nonlinearity === "tanh" ? rnnTanhCell : rnnReluCell;
    return cell(input, this.stateFor(input, hx), this.weightIh, this.weightHh, this.biasIh, this.biasHh);
  }
}

/** A step of a long short-term memory. */
export class LSTMCell extends Cell {
  /** A step from inputs of one size to states of another. */
  constructor(inputSize: number, hiddenSize: number, options: CellOptions = {}) {
    super(4, inputSize, hiddenSize, checkKeys(options, "LSTMCell", ["bias", "dtype"]));
  }

  /** The next [state, cell] of [N, inputs] or [inputs]. */
  forward(input: Tensor, hx?: readonly [Tensor, Tensor]): [Tensor, Tensor] {
    const state = [this.stateFor(input, hx?.[0]), this.stateFor(input, hx?.[1])] as const;
    return lstmCell(input, state, this.weightIh, this.weightHh, this.biasIh, this.biasHh);
  }
}

/** A step of a gated recurrent unit. */
export class GRUCell extends Cell {
  /** A step from inputs of one size to states of another. */
  constructor(inputSize: number, hiddenSize: number, options: CellOptions = {}) {
    super(3, inputSize, hiddenSize, checkKeys(options, "GRUCell", ["bias", "dtype"]));
  }

  /** The next state of [N, inputs] or [inputs]. */
  forward(input: Tensor, hx?: Tensor): Tensor {
    const h = this.stateFor(input, hx);
    return gruCell(input, h, this.weightIh, this.weightHh, this.biasIh, this.biasHh);
  }
}

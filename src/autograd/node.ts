/**
 * The nodes of the backward graph.
 *
 * A node turns the gradient of an operation's result into gradients of its inputs. Nodes point to the nodes of the inputs;
 * a leaf has one AccumulateGrad node. Nothing here knows which operations there are.
 * @module
 */

import { recording } from "../tensor/later.ts";
import type { Tensor } from "../tensor/tensor.ts";
import { mode } from "./modes.ts";

/** Called with a gradient on its way; may return another to use in its place. */
export type GradHook = (grad: Tensor) => Tensor | null | undefined | void;

/** A hook on one output of a node. */
export interface OutputHook {
  /** Which output. */
  readonly output: number;
  /** What to call. */
  readonly hook: GradHook;
}

/** An edge of the graph as users see it: PyTorch's element of `next_functions`. */
export type NextFunction = readonly [Node | null, number];

let created = 0;

/**
 * One step of the backward graph. PyTorch's `grad_fn`. Fields are declared and not defined, here and in other classes of which
 * operations make many: a field that is defined is written twice.
 */
export abstract class Node {
  /** Rises with every node; a node is newer than those it points to, so descending order is a topological order. */
  declare readonly sequence: number;
  /** The nodes of the inputs; null where an input needs no gradient. */
  declare readonly next: (Node | null)[];
  /** Which output of `next[i]` the input was; null means 0 everywhere. */
  declare readonly nextOutputs: number[] | null;
  /** Gradients of the outputs during a backward pass: the first, and the others of a node with several. */
  declare pending: Tensor | null;
  /** See {@linkcode pending}. */
  declare pendingRest: (Tensor | null)[] | null;
  /** The pass that last collected this node. */
  declare mark: number;
  /** Hooks on outputs, and tensors that retain their gradient; null for none. */
  declare hooks: OutputHook[] | null;
  /** Tensors made by this node that keep their gradient. */
  declare retaining: { output: number; tensor: Tensor }[] | null;
  /** Where the operation was called, if anomalies are being looked for. */
  declare readonly trace: string | null;
  /** The compiled function that this node was made in. */
  declare readonly region: object | null;

  /** Points to the nodes of the inputs. */
  constructor(next: (Node | null)[], nextOutputs: number[] | null) {
    this.sequence = created++;
    this.next = next;
    this.nextOutputs = nextOutputs;
    this.pending = null;
    this.pendingRest = null;
    this.mark = -1;
    this.hooks = null;
    this.retaining = null;
    this.region = recording.now === null ? null : recording.now.region;
    this.trace = mode.anomaly === null ? null : new Error("the forward call").stack ?? null;
  }

  /** PyTorch's name, such as "MulBackward0". */
  abstract name(): string;

  /**
   * Gradients of the inputs, in the order of `next`; null for none. `grad` belongs to output 0, `rest[i]` to output i + 1;
   * an output that nothing depended on has null.
   */
  abstract backward(grad: Tensor | null, rest: (Tensor | null)[] | null): readonly (Tensor | null)[];

  /** Lets go of saved tensors; a later use of them throws {@linkcode freedError}. */
  release(): void {}

  /** What the node remembers, by PyTorch's names without `_saved_`: for pictures and the curious. */
  saved(): Record<string, unknown> {
    return {};
  }

  /** Number of results that the operation had. */
  get outputs(): number {
    return 1;
  }

  /** The nodes of the inputs with the number of the output that each was. */
  get nextFunctions(): readonly NextFunction[] {
    return this.next.map((node, i) => [node, this.nextOutputs === null ? 0 : this.nextOutputs[i]] as const);
  }

  /** Text in the manner of PyTorch: `<MulBackward0>`. */
  toString(): string {
    return `<${this.name()}>`;
  }

  /** What `console.log` shows. */
  [Symbol.for("Deno.customInspect")](): string {
    return this.toString();
  }
}

/** The error of a second backward pass through a graph whose saved tensors are gone. */
export function freedError(): TypeError {
  return new TypeError(
    "Trying to backward through the graph a second time (or directly access saved tensors after they have already been " +
      "freed). Saved intermediate values of the graph are freed when you call .backward() or autograd.grad(). Specify " +
      "retainGraph: true if you need to backward through the graph a second time or if you need to access saved tensors " +
      "after calling backward.",
  );
}

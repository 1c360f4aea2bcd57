/**
 * Operations of one's own with a gradient of one's own: PyTorch's `torch.autograd.Function`.
 * @module
 */

import { checkTensors } from "../tensor/arguments.ts";
import { brief, describe } from "../tensor/describe.ts";
import type { Device } from "../tensor/device.ts";
import { sameShape, type Shape, shapeText } from "../tensor/shape.ts";
import { Tensor } from "../tensor/tensor.ts";
import { bumpVersion, checkInPlace, edgesOf, SavedTensor, setHistory, unpackSaved } from "./graph.ts";
import { rebaseHistory } from "./inplace.ts";
import { mode } from "./modes.ts";
import { Node } from "./node.ts";
import { claim } from "./temporaries.ts";

/** What `forward` hands to `backward`. Own properties may be added freely. */
export class FunctionContext {
  /** Which inputs want a gradient. */
  needsInputGrad: readonly boolean[] = [];
  private kept: SavedTensor[] | null = null;
  private toSave: readonly Tensor[] = [];
  private readonly plain = new Set<Tensor>();
  private readonly dirty = new Set<Tensor>();
  private materialize = true;
  // deno-lint-ignore no-explicit-any
  [name: string]: any;

  /** Keeps tensors for `backward`, with a check that nobody writes to them in between. */
  saveForBackward(...tensors: Tensor[]): void {
    checkTensors(tensors, "saveForBackward");
    this.toSave = tensors;
  }

  /** The tensors given to `saveForBackward`. */
  get savedTensors(): Tensor[] {
    if (this.kept === null && this.toSave.length > 0) return [...this.toSave];
    return (this.kept ?? []).map((_, i) => unpackSaved(this.kept, i));
  }

  /** Says that outputs have no gradient. */
  markNonDifferentiable(...tensors: Tensor[]): void {
    checkTensors(tensors, "markNonDifferentiable");
    for (const t of tensors) this.plain.add(t);
  }

  /** Says that inputs were written in place and are returned. */
  markDirty(...tensors: Tensor[]): void {
    checkTensors(tensors, "markDirty");
    for (const t of tensors) this.dirty.add(t);
  }

  /** Whether `backward` gets zeros (true, the default) or null for an output that nothing depended on. */
  setMaterializeGrads(value: boolean): void {
    this.materialize = value;
  }
}

/** An argument of a custom function: tensors have gradients, anything else is passed on. */
// deno-lint-ignore no-explicit-any
export type FunctionArgument = any;

/** What `forward` and `backward` of a custom function return. */
export type FunctionResult = Tensor | null | undefined | readonly (Tensor | null | undefined)[];

/**
 * The base of operations with a gradient of one's own: write `static forward` and `static backward`, call `apply`.
 *
 * `forward` runs without recording. `backward` gets a gradient for each output and returns one for each argument of `forward`
 * (null for what is no tensor); written in tensor operations it can itself be differentiated.
 *
 * @example
 * ```ts
 * import * as dg from "@dinograd/dinograd";
 *
 * class Square extends dg.autograd.Function {
 *   static override forward(ctx: dg.autograd.FunctionContext, x: dg.Tensor): dg.Tensor {
 *     ctx.saveForBackward(x);
 *     return x.mul(x);
 *   }
 *   static override backward(ctx: dg.autograd.FunctionContext, g: dg.Tensor): dg.Tensor {
 *     const [x] = ctx.savedTensors;
 *     return g.mul(2).mul(x);
 *   }
 * }
 * const y = Square.apply(dg.tensor([1, 2], { requiresGrad: true })); // grad_fn=<SquareBackward>
 * ```
 */
export abstract class Function {
  /** Computes the result, or several in an array. */
  static forward(_ctx: FunctionContext, ..._args: FunctionArgument[]): Tensor | Tensor[] {
    throw new TypeError(`${this.name} must override the static method forward`);
  }

  /** Computes the gradients of the arguments from those of the results. */
  static backward(_ctx: FunctionContext, ..._grads: FunctionArgument[]): FunctionResult {
    throw new TypeError(
      `${this.name} must override the static method backward, or may not be differentiated`,
    );
  }

  /** Runs `forward` and records it. */
  static apply<T extends Tensor | Tensor[] = Tensor>(...args: FunctionArgument[]): T {
    const ctx = new FunctionContext();
    ctx.needsInputGrad = args.map((x) => x instanceof Tensor && x.requiresGrad);
    const edges = edgesOf(args.map((x) => x instanceof Tensor ? x : null)), recording = edges !== null;
    const { next, nextOutputs } = edges ?? NO_EDGES;
    const before = mode.grad;
    mode.grad = false;
    let result: Tensor | Tensor[];
    try {
      result = this.forward(ctx, ...args);
    } finally {
      mode.grad = before;
    }
    const { dirty, plain } = ctx as unknown as { dirty: Set<Tensor>; plain: Set<Tensor> };
    const outs = (Array.isArray(result) ? result : [result]).map((out, i) => {
      if (!(out instanceof Tensor)) {
        throw new TypeError(`${this.name}.forward must return tensors, got ${brief(out)} as result ${i}`);
      }
      if (!dirty.has(out)) return args.includes(out) ? out.detach() : out;
      checkInPlace(out);
      bumpVersion(out);
      return out;
    });
    if (recording) {
      const forms = args.map((x) => x instanceof Tensor ? { shape: x.shape, device: x.device } : null);
      const node = new FunctionNode(this, ctx, next, nextOutputs, forms, outs);
      outs.forEach((out, i) => {
        if (plain.has(out)) return;
        if (dirty.has(out)) rebaseHistory(out, node);
        else setHistory(out, node, i);
      });
      node.save();
    }
    return (Array.isArray(result) ? outs : outs[0]) as T;
  }
}

const NO_EDGES: { next: (Node | null)[]; nextOutputs: number[] | null } = { next: [], nextOutputs: null };

/** What the gradient of an argument has to be like. */
interface Form {
  readonly shape: Shape;
  readonly device: Device;
}

/** The graph node of a custom function. */
class FunctionNode extends Node {
  private readonly fn: typeof Function;
  private readonly ctx: FunctionContext;
  private readonly forms: readonly (Form | null)[];
  private readonly results: readonly Tensor[];

  constructor(
    fn: typeof Function,
    ctx: FunctionContext,
    next: (Node | null)[],
    nextOutputs: number[] | null,
    forms: readonly (Form | null)[],
    outs: readonly Tensor[],
  ) {
    super(next, nextOutputs);
    this.fn = fn;
    this.ctx = ctx;
    this.forms = forms;
    this.results = outs.map((t) => t.detach());
  }

  /** Saves what `forward` asked for, after the results have their history. */
  save(): void {
    const inside = this.ctx as unknown as { kept: SavedTensor[] | null; toSave: readonly Tensor[] };
    inside.kept = inside.toSave.map((t) => new SavedTensor(t));
    inside.toSave = [];
  }

  override name(): string {
    return `${this.fn.name}Backward`;
  }

  override get outputs(): number {
    return this.results.length;
  }

  override backward(grad: Tensor | null, rest: (Tensor | null)[] | null): readonly (Tensor | null)[] {
    const materialize = (this.ctx as unknown as { materialize: boolean }).materialize;
    const grads = this.results.map((out, i) => {
      const g = i === 0 ? grad : rest === null ? null : rest[i - 1];
      return g === null && materialize ? out.newZeros(out.shape) : g;
    });
    for (const g of grads) claim(g); // the user's function may keep it
    const returned = this.fn.backward(this.ctx, ...grads);
    const list = Array.isArray(returned) ? returned : [returned as Tensor | null | undefined];
    for (const g of list) claim(g);
    if (
      list.length < this.next.length ||
      list.slice(this.next.length).some((g) => g !== null && g !== undefined)
    ) {
      throw new TypeError(
        `function ${this.name()} returned an incorrect number of gradients (expected ${this.next.length}, got ${list.length})`,
      );
    }
    return this.next.map((node, i) => {
      const g = list[i] ?? null, form = this.forms[i];
      if (node === null || g === null || form === null) return null;
      if (!(g instanceof Tensor)) {
        throw new TypeError(
          `function ${this.name()} returned ${describe(g)} as gradient ${i}: return a tensor or null`,
        );
      }
      if (g.device !== form.device) {
        throw new TypeError(
          `Function ${this.name()} returned an invalid gradient at index ${i} - expected device ${form.device} but got ${g.device}`,
        );
      }
      if (sameShape(g.shape, form.shape)) return g;
      try {
        return g.sumToSize(form.shape);
      } catch {
        throw new TypeError(
          `Function ${this.name()} returned an invalid gradient at index ${i} - got ${
            shapeText(g.shape)
          } but expected ` +
            `shape compatible with ${shapeText(form.shape)}`,
        );
      }
    });
  }

  override saved(): Record<string, unknown> {
    const { savedTensors } = this.ctx;
    return savedTensors.length === 0 ? {} : { savedTensors };
  }

  override release(): void {
    const inside = this.ctx as unknown as { kept: SavedTensor[] | null };
    if (inside.kept !== null && inside.kept.length > 0) {
      Object.defineProperty(this.ctx, "savedTensors", {
        configurable: true,
        get: () => unpackSaved(null, 0),
      });
    }
  }
}

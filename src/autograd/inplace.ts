/**
 * The history of tensors that were written in place, views included.
 *
 * Writing through a view changes its base. The base then comes from a CopySlices node: outside the window its gradient goes
 * to the base's old history, inside it goes through the operation that wrote. Every view of the base is outdated by that and
 * gets a new node, AsStrided, when somebody next looks at it.
 * @module
 */

import { viewHooks } from "../tensor/autograd_meta.ts";
import type { Shape } from "../tensor/shape.ts";
import type { Tensor } from "../tensor/tensor.ts";
import { gradientEdge, outputIndex, setMaker } from "./graph.ts";
import { Node } from "./node.ts";

/** A window on a base's memory. */
interface Window {
  readonly shape: Shape;
  readonly strides: Shape;
  readonly offset: number;
}

/** Makes `node` the maker of a tensor that has just been written. To be called after the version was bumped. */
export function rebaseHistory(t: Tensor, node: Node): void {
  const view = t.view_;
  if (view === null) {
    moveRetained(t, node);
    setMaker(t, node, 0);
    return;
  }
  const base = view.base;
  const edge = gradientEdge(base), output = outputIndex(base);
  const slices = new CopySlices(base, windowOf(t, base), edge, output, node);
  moveRetained(base, slices);
  setMaker(base, slices, 0);
  refreshView(t);
}

/** A tensor that retains its gradient keeps doing so under its new node. */
function moveRetained(t: Tensor, node: Node): void {
  const old = t.node;
  if (old === null || !t.retainsGrad) return;
  old.retaining = old.retaining?.filter((r) => r.tensor !== t) ?? null;
  (node.retaining ??= []).push({ output: 0, tensor: t });
}

function windowOf(t: Tensor, base: Tensor): Window {
  return { shape: t.shape, strides: t.strides, offset: t.offset - base.offset };
}

/** Gives an outdated view a node that reads from its base's present history. */
function refreshView(t: Tensor): void {
  const view = t.view_!;
  const version = t.counter.version;
  if (view.version === version) return;
  const base = view.base;
  if (base.node === null && (base.meta === null || !base.meta.requiresGrad)) return;
  view.version = version;
  const node = new AsStrided(base, windowOf(t, base), gradientEdge(base)!, outputIndex(base));
  moveRetained(t, node);
  setMaker(t, node, 0);
}

viewHooks.refresh = refreshView;

/** The node of a base that was written through a view. */
class CopySlices extends Node {
  private readonly base: { shape: Shape; strides: Shape };
  private readonly window: Window;
  private readonly written: Node;

  constructor(base: Tensor, window: Window, edge: Node | null, output: number, written: Node) {
    const nextOutputs = written.nextOutputs?.slice() ??
      (output === 0 ? null : new Array(written.next.length).fill(0));
    if (nextOutputs !== null) nextOutputs[0] = output;
    super([edge, ...written.next.slice(1)], nextOutputs);
    this.base = { shape: base.shape, strides: base.strides };
    this.window = window;
    this.written = written;
  }

  override name(): string {
    return "CopySlices";
  }

  override backward(grad: Tensor | null): readonly (Tensor | null)[] {
    if (grad === null) return this.next.map(() => null);
    const { shape, strides, offset } = this.window;
    // The gradient in the base's own layout, so that the window can be cut from it.
    const whole = grad.newEmptyStrided(this.base.shape, this.base.strides).copy_(grad);
    const part = whole.asStrided(shape, strides, offset);
    const results = this.written.backward(part.clone(), null).slice();
    if (this.next[0] !== null) {
      const inside = results[0];
      if (inside === null || inside === undefined) part.zero_();
      else part.copy_(inside);
      results[0] = whole;
    }
    return results;
  }

  override release(): void {
    this.written.release();
  }

  override saved(): Record<string, unknown> {
    return this.written.saved();
  }
}

/** The node of a view whose base was written. */
class AsStrided extends Node {
  private readonly base: { shape: Shape; strides: Shape };
  private readonly window: Window;

  constructor(base: Tensor, window: Window, edge: Node, output: number) {
    super([edge], output === 0 ? null : [output]);
    this.base = { shape: base.shape, strides: base.strides };
    this.window = window;
  }

  override name(): string {
    return "AsStridedBackward0";
  }

  override backward(grad: Tensor | null): readonly (Tensor | null)[] {
    if (grad === null) return [null];
    const { shape, strides, offset } = this.window;
    const whole = grad.newEmptyStrided(this.base.shape, this.base.strides).zero_();
    whole.asStrided(shape, strides, offset).copy_(grad);
    return [whole];
  }

  override saved(): Record<string, unknown> {
    return { size: this.window.shape, stride: this.window.strides, storage_offset: this.window.offset };
  }
}

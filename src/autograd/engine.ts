/**
 * The backward pass: visits nodes from the newest to the oldest and hands gradients on.
 * @module
 */

import { brief, describe } from "../tensor/describe.ts";
import { recording, type Region } from "../tensor/later.ts";
import { sameShape, SCALAR_SHAPE, shapeText } from "../tensor/shape.ts";
import { enterRecordedPass, type Storage } from "../tensor/storage.ts";
import { Tensor } from "../tensor/tensor.ts";
import { warn } from "../warn.ts";
import { gradientEdge, metaOf, outputIndex } from "./graph.ts";
import { mode } from "./modes.ts";
import type { Node } from "./node.ts";
import { ownedBy, Temporaries } from "./temporaries.ts";

/** What a backward pass does beside handing gradients on. */
export interface BackwardRun {
  /** Keep saved tensors for another pass. */
  readonly retainGraph: boolean;
  /** Record the pass itself, so that gradients can be differentiated. */
  readonly createGraph: boolean;
  /** Where given: only what lies on a way to these tensors is computed. */
  readonly inputs?: readonly Tensor[];
  /** With `inputs`: return their gradients instead of adding them to `.grad`. */
  readonly capture?: boolean;
}

let passes = 0, running = 0;

/**
 * Runs backward from `roots` with the gradients `grads`, which must match them. Returns the gradients of `run.inputs` when
 * they are captured.
 */
export function runBackward(
  roots: readonly Tensor[],
  grads: readonly Tensor[],
  run: BackwardRun,
): (Tensor | null)[] {
  const nodes = collect(roots, ++passes);
  const captures = run.inputs === undefined ? null : new Captures(run.inputs, nodes);
  const outer = running > 0 ? takeWaiting(nodes) : null;
  // What was computed in a compiled function is differentiated as one.
  const region = recording.now === null ? regionOf(nodes) : null;
  const recorded = region === null ? null : region.record();
  const before = mode.grad;
  mode.grad = run.createGraph;
  // With createGraph gradients are saved like any other tensors, and recorded operations read them later.
  const temporaries = run.createGraph || recording.now !== null ? null : new Temporaries(passes);
  const wasRecorded = enterRecordedPass(run.createGraph);
  let done = false, owned: Storage[] | null = null;
  running++;
  try {
    for (let i = 0; i < roots.length; i++) {
      receive(gradientEdge(roots[i])!, outputIndex(roots[i]), grads[i], null);
    }
    for (let i = 0; i < nodes.length; i++) {
      const node = nodes[i];
      let grad = node.pending;
      const rest = node.pendingRest;
      node.pending = node.pendingRest = null;
      if (captures !== null && !captures.needed.has(node)) continue;
      if (grad === null && rest === null) continue;
      if (node.hooks !== null || node.retaining !== null) grad = runHooks(node, grad, rest);
      if (captures !== null) {
        captures.take(node, grad, rest);
        if (!captures.passes.has(node) && (run.capture || node.next.length > 0)) continue;
      }
      const results = mode.anomaly === null ? node.backward(grad, rest) : watched(node, grad, rest);
      if (!run.retainGraph) {
        node.release();
        // what the pass itself has saved may be the same memory, if it was recorded
        const memory = temporaries === null ? undefined : ownedBy(node);
        if (memory !== undefined) (owned ??= []).push(memory);
      }
      const next = node.next, nextOutputs = node.nextOutputs;
      for (let k = 0; k < next.length; k++) {
        const target = next[k], g = results[k];
        if (target === null || g === null || g === undefined) continue;
        if (temporaries !== null) temporaries.add(g);
        if (nextOutputs === null && target.pending === null) target.pending = g;
        else receive(target, nextOutputs === null ? 0 : nextOutputs[k], g, temporaries);
      }
      if (temporaries !== null) {
        if (grad !== null) temporaries.drop(grad);
        if (rest !== null) { for (const g of rest) if (g !== null) temporaries.drop(g); }
      }
    }
    if (recorded !== null && captures !== null) {
      for (const g of captures.results) if (g !== null) recorded.recorder.keep(g);
    }
    done = true;
    // nodes are older than those that have saved their results, whose turn it was before; gradients may have been this memory
    if (owned !== null) { for (let i = 0; i < owned.length; i++) owned[i].releaseUnseen(); }
  } finally {
    running--;
    temporaries?.end();
    mode.grad = before;
    enterRecordedPass(wasRecorded);
    if (!done) { for (const n of nodes) n.pending = n.pendingRest = null; }
    if (outer !== null) { for (const w of outer) [w.node.pending, w.node.pendingRest] = [w.pending, w.rest]; }
    if (recorded !== null) recorded.end(done);
  }
  return captures === null ? [] : captures.results;
}

/** Gradients that a pass has waiting at a node. */
interface Waiting {
  readonly node: Node;
  readonly pending: Tensor | null;
  readonly rest: (Tensor | null)[] | null;
}

/**
 * Takes away what waits at nodes. A hook or custom function may run another pass over the same nodes: what the outer one has waiting
 * there is put back afterwards.
 */
function takeWaiting(nodes: readonly Node[]): Waiting[] {
  const waiting: Waiting[] = [];
  for (const node of nodes) {
    if (node.pending === null && node.pendingRest === null) continue;
    waiting.push({ node, pending: node.pending, rest: node.pendingRest });
    node.pending = node.pendingRest = null;
  }
  return waiting;
}

/** A step of the pass in anomaly mode: what goes wrong is traced to the operation's own call. */
function watched(
  node: Node,
  grad: Tensor | null,
  rest: (Tensor | null)[] | null,
): readonly (Tensor | null)[] {
  let results: readonly (Tensor | null)[];
  try {
    results = node.backward(grad, rest);
  } catch (error) {
    warn(`Error detected in ${node.name()}. Traceback of forward call that caused the error:\n${node.trace}`);
    throw error;
  }
  results.forEach((g, i) => {
    if (!mode.anomaly!.checkNan || g === null || g === undefined || !g.isnan().any().item()) return;
    throw new RangeError(
      `Function '${node.name()}' returned nan values in its ${i}th output. Traceback of the forward call:\n${node.trace}`,
    );
  });
  return results;
}

/** The compiled function that some of the nodes were made in. */
function regionOf(nodes: readonly Node[]): Region | null {
  for (let i = 0; i < nodes.length; i++) if (nodes[i].region !== null) return nodes[i].region as Region;
  return null;
}

/** Adds a gradient to what waits at one output of a node. */
function receive(node: Node, output: number, grad: Tensor, temporaries: Temporaries | null): void {
  if (output === 0) {
    node.pending = node.pending === null ? grad : joined(node.pending, grad, temporaries);
    return;
  }
  const rest = node.pendingRest ??= new Array(node.outputs - 1).fill(null);
  const waiting = rest[output - 1];
  rest[output - 1] = waiting === null ? grad : joined(waiting, grad, temporaries);
}

function joined(a: Tensor, b: Tensor, temporaries: Temporaries | null): Tensor {
  const sum = a.add(b);
  if (temporaries !== null) {
    temporaries.add(sum);
    temporaries.drop(a);
    temporaries.drop(b);
  }
  return sum;
}

/** All nodes that can be reached, newest first. */
function collect(roots: readonly Tensor[], pass: number): Node[] {
  const nodes: Node[] = [];
  for (let i = 0; i < roots.length; i++) {
    const start = gradientEdge(roots[i])!;
    if (start.mark !== pass) {
      start.mark = pass;
      nodes.push(start);
    }
  }
  let sorted = nodes.length === 1;
  for (let i = 0; i < nodes.length; i++) {
    const next = nodes[i].next;
    for (let k = 0; k < next.length; k++) {
      const target = next[k];
      if (target !== null && target.mark !== pass) {
        target.mark = pass;
        if (target.sequence > nodes[nodes.length - 1].sequence) sorted = false;
        nodes.push(target);
      }
    }
  }
  if (!sorted) sort(nodes);
  return nodes;
}

/** Sorts nodes, newest first. */
function sort(nodes: Node[]): void {
  if (nodes.length > 32) {
    nodes.sort((a, b) => b.sequence - a.sequence);
    return;
  }
  // by insertion: the few nodes of a small graph are nearly sorted already
  for (let i = 1; i < nodes.length; i++) {
    const node = nodes[i];
    let k = i - 1;
    for (; k >= 0 && nodes[k].sequence < node.sequence; k--) nodes[k + 1] = nodes[k];
    nodes[k + 1] = node;
  }
}

function runHooks(node: Node, grad: Tensor | null, rest: (Tensor | null)[] | null): Tensor | null {
  const at = (output: number) => output === 0 ? grad : rest === null ? null : rest[output - 1];
  const put = (output: number, value: Tensor) => {
    if (output === 0) grad = value;
    else if (rest !== null) rest[output - 1] = value;
  };
  for (const { output, hook } of node.hooks ?? []) {
    const value = at(output);
    if (value === null) continue;
    value.storage.claimed = true; // the hook may keep it
    if (recording.now !== null) recording.now.keep(value);
    const replaced = hook(value);
    if (replaced === null || replaced === undefined) continue;
    if (!(replaced instanceof Tensor)) {
      throw new TypeError(`hooks must return a Tensor or nothing, but one returned ${describe(replaced)}`);
    }
    if (!sameShape(replaced.shape, value.shape)) {
      throw new TypeError(
        `hook has changed the size of value: got ${shapeText(replaced.shape)} but expected ${
          shapeText(value.shape)
        }`,
      );
    }
    if (replaced.device !== value.device) {
      throw new TypeError(
        `hook has changed the type of value (was ${value.device} tensor got ${replaced.device} tensor)`,
      );
    }
    replaced.storage.claimed = true;
    put(output, replaced);
  }
  for (const { output, tensor } of node.retaining ?? []) {
    const value = at(output);
    if (value === null) continue;
    const meta = metaOf(tensor);
    if (meta.grad === null) meta.grad = mode.grad ? value.clone() : value.detach().clone();
    else meta.grad = meta.grad.add(value);
    if (recording.now !== null) recording.now.keep(meta.grad);
  }
  return grad;
}

/** Which nodes a pass with `inputs` needs, and the gradients that it takes out. */
class Captures {
  readonly results: (Tensor | null)[];
  /** Nodes at or above an input. */
  readonly needed = new Set<Node>();
  /** Nodes through which a gradient must go on to reach an input further down. */
  readonly passes = new Set<Node>();
  private readonly targets = new Map<Node, { index: number; output: number }[]>();

  constructor(inputs: readonly Tensor[], nodes: readonly Node[]) {
    this.results = inputs.map(() => null);
    inputs.forEach((t, index) => {
      const node = gradientEdge(t);
      if (node === null) return;
      const list = this.targets.get(node) ?? [];
      list.push({ index, output: outputIndex(t) });
      this.targets.set(node, list);
    });
    for (let i = nodes.length - 1; i >= 0; i--) {
      const node = nodes[i];
      if (node.next.some((n) => n !== null && this.needed.has(n))) this.passes.add(node);
      if (this.passes.has(node) || this.targets.has(node)) this.needed.add(node);
    }
  }

  take(node: Node, grad: Tensor | null, rest: (Tensor | null)[] | null): void {
    for (const { index, output } of this.targets.get(node) ?? []) {
      const taken = output === 0 ? grad : rest === null ? null : rest[output - 1];
      if (taken !== null) taken.storage.seen = true;
      this.results[index] = taken;
    }
  }
}

/** What a pass starts from, as a list: nothing, one gradient, or one for each root. */
export function startList(
  grads: unknown,
  caller: string,
  name: string,
): readonly (Tensor | null | undefined)[] {
  if (grads === undefined || grads === null || grads instanceof Tensor) return [grads];
  if (Array.isArray(grads)) return grads;
  throw new TypeError(
    `${caller}(): argument '${name}' must be Tensor or a list of tensors, not ${describe(grads)}`,
  );
}

/** Checks the gradient given for a root, or makes the implicit one of a scalar. */
export function rootGradient(root: Tensor, grad: Tensor | null | undefined, index: number): Tensor {
  if (!root.requiresGrad) {
    throw new TypeError(`element ${index} of tensors does not require grad and does not have a grad_fn`);
  }
  if (grad === null || grad === undefined) {
    if (root.numel() !== 1) throw new TypeError("grad can be implicitly created only for scalar outputs");
    return root.shape === SCALAR_SHAPE ? root.newScalar(1) : root.newScalar(1).expand(root.shape);
  }
  if (!(grad instanceof Tensor)) {
    throw new TypeError(`gradients can be either Tensors or null, but got ${brief(grad)}`);
  }
  if (!sameShape(grad.shape, root.shape)) {
    throw new TypeError(
      `Mismatch in shape: grad_output[${index}] has a shape of torch.Size(${
        shapeText(grad.shape)
      }) and output[${index}] ` +
        `has a shape of torch.Size(${shapeText(root.shape)}).`,
    );
  }
  if (grad.device !== root.device) {
    // a 0-d tensor goes with any device
    if (grad.ndim === 0) return grad.to({ dtype: root.dtype, device: root.device });
    throw new TypeError(
      `invalid gradient at index ${index} - expected device ${root.device} but got ${grad.device}`,
    );
  }
  grad.storage.claimed = true; // it is the caller's
  return grad.dtype === root.dtype ? grad : grad.to(root.dtype);
}

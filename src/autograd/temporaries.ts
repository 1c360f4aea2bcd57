/**
 * Gradients on their way through a backward pass, whose memory is given back by hand: other devices' memory, and the CPU's where it
 * is large.
 *
 * What a pass computes and hands from node to node nobody else can hold, unless it ends as somebody's `.grad`, is captured, or goes
 * through code of the user (hooks, custom functions): all of these claim the memory. The rest is given back as soon as the
 * last node that waits for it has run.
 * @module
 */
import { enterPass, type Storage } from "../tensor/storage.ts";
import { Tensor } from "../tensor/tensor.ts";
import type { Node } from "./node.ts";

/**
 * Keeps the memory of a gradient, or of what a node has saved, from being given back, and leaves from taking it over: the user's
 * code has seen it.
 */
export function claim(g: unknown): void {
  if (g instanceof Tensor) g.storage.seen = true;
}

const owned = new WeakMap<Node, Storage>();
let areOwned = false;

/** Nobody but nodes of the graph can hold the memory of what a node has made: it goes with what they have saved. */
export function owns(maker: Node, storage: Storage): void {
  owned.set(maker, storage);
  areOwned = true;
}

/** The memory that goes with a node. */
export function ownedBy(node: Node): Storage | undefined {
  return areOwned ? owned.get(node) : undefined;
}

/** The gradients of one pass that wait at nodes, with how many nodes wait for each memory. */
export class Temporaries {
  private readonly pass: number;
  private readonly before: number;
  private waiting: Map<Storage, number> | null = null;

  /** Memory made from now on belongs to the pass. */
  constructor(pass: number) {
    this.pass = pass;
    this.before = enterPass(pass);
  }

  /** A gradient waits at a node. */
  add({ storage }: Tensor): void {
    if (storage.pass !== this.pass) return; // made by somebody else
    const waiting = this.waiting ??= new Map();
    waiting.set(storage, (waiting.get(storage) ?? 0) + 1);
  }

  /** A gradient that waited was used. */
  drop({ storage }: Tensor): void {
    const { waiting } = this, count = waiting?.get(storage);
    if (waiting === null || count === undefined) return;
    if (count > 1) waiting.set(storage, count - 1);
    else {
      waiting.delete(storage);
      storage.releaseUnseen();
    }
  }

  /** The pass is over. */
  end(): void {
    enterPass(this.before);
  }
}

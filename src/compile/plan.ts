/**
 * From recorded operations to as few passes over memory as they need.
 *
 * Pointwise operations melt into those that read them, through views as well, as long as that does not compute much twice.
 * What is asked for, and what a reduction or a larger shape reads, goes to memory; results of one shape at one depth of
 * reductions are outputs of one kernel. A reduction takes the operations before it along.
 * @module
 */

import { canFold } from "../backend/fused_fold.ts";
import { costOf } from "./cost.ts";
import { Builder, type Read } from "./build.ts";
import { type Deferred, makerOf, Need, type Source } from "./deferred.ts";
import { isIdentity, through, type Window } from "./layout.ts";
import type { Cone } from "./plans.ts";
import { slotOf } from "./slots.ts";
import { FoldStep, KernelStep, type Step } from "./steps.ts";
import { numel, type Shape } from "../tensor/shape.ts";

/** How much one kernel may do: primitives, windows that it reads, results. */
const MOST_WORK = 80, MOST_READ = 14, MOST_RESULTS = 8;

/** Passes over memory, in order. */
export class Plan {
  constructor(readonly steps: readonly Step[]) {}

  /** Computes the results of the operations. */
  run(cone: Cone): void {
    for (const step of this.steps) step.run(cone);
  }
}

/** Results that one kernel makes. */
interface Group {
  readonly depth: number;
  readonly members: number[];
  work: number;
  readonly reads: Set<string>;
}

/** Makes a plan. */
export function makePlan(cone: Cone): Plan {
  return new Planner(cone).plan();
}

class Planner {
  /** By operation and operand: the number of a source, a plain number (from 0, as `-1 - n`), or nothing for what is computed here. */
  private readonly places: readonly (readonly number[])[];
  /** Whether a result goes to memory. */
  private readonly stored: boolean[];
  /** By operation: primitives computed for each element, what melts into it included. */
  private readonly work: number[] = [];
  private readonly cheap: boolean[] = [];
  private readonly reads: Set<string>[] = [];
  private readonly depth: number[] = [];
  /** Whether something that was stored is read by it, or by what melts into it. */
  private readonly readsResults: boolean[] = [];
  private group: (Group | null)[] = [];
  private groups: Group[] = [];

  constructor(private readonly cone: Cone) {
    let numbers = 0;
    this.places = cone.order.map((d) =>
      d.operands.map((x) =>
        typeof x === "number"
          ? -1 - numbers++
          : makerOf(x.storage) === null
          ? slotOf(x, cone.sources as Source[])
          : 0
      )
    );
    this.stored = cone.order.map((d) => d.need === Need.Stored || d.op === null);
  }

  plan(): Plan {
    // Storing one more result changes what the others compute: begin again until nothing changes.
    for (;;) {
      this.settleStored();
      this.arrange();
      const steps = this.build();
      if (steps !== null) return new Plan(steps);
    }
  }

  /** The operation that makes what operand k of operation i reads, where it is one of these. */
  private maker(i: number, k: number): Deferred | null {
    const x = this.cone.order[i].operands[k];
    return typeof x === "number" ? null : makerOf(x.storage);
  }

  /** Decides what goes to memory as far as that does not depend on kernels. */
  private settleStored(): void {
    const { order } = this.cone;
    for (let i = 0; i < order.length; i++) {
      const d = order[i], operands = d.operands.length;
      for (let k = 0; k < operands; k++) {
        const p = this.maker(i, k);
        if (p !== null && !this.stored[p.index] && !this.melts(d, d.operands[k] as Source, p)) {
          this.stored[p.index] = true;
        }
      }
      for (;;) {
        this.measure(i);
        // what others will read is not computed again if that is dear
        if (this.cone.order[i].need === Need.Shared && !this.cheap[i]) this.stored[i] = true;
        if (this.work[i] <= MOST_WORK && this.reads[i].size <= MOST_READ) break;
        const heaviest = this.heaviest(i);
        if (heaviest < 0) break;
        this.stored[heaviest] = true;
      }
    }
  }

  /** Whether `p` can be computed inside of `d`, which reads it. */
  private melts(d: Deferred, x: Source, p: Deferred): boolean {
    if (p.compute !== d.compute || (p.dtype !== d.compute && p.dtype !== "bool")) return false;
    // what is repeated would be computed again each time
    if (numel(p.shape) < numel(d.shape)) return false;
    if (d.how !== null) {
      if (!canFold(d.storage.device, d.how, numel(d.shape))) return false;
      if (p.dtype === "bool" || (d.how.passes.length > 1 && !this.cheap[p.index])) return false;
    }
    return this.reaches(d.shape, x, p);
  }

  /** Whether everything that melts into `p` can be read through a window on it. */
  private reaches(shape: Shape, window: Window, p: Deferred): boolean {
    if (isIdentity(shape, window, p.shape)) return true;
    return p.operands.every((x) => {
      if (typeof x === "number" || x.single) return true;
      const inner = through(shape, window, p.shape, x.strides);
      if (inner === null) return false;
      const maker = makerOf(x.storage);
      if (maker === null || this.stored[maker.index]) return true;
      return this.reaches(shape, { offset: x.offset + inner.offset, strides: inner.strides }, maker);
    });
  }

  private measure(i: number): void {
    const d = this.cone.order[i];
    let work = d.op === null ? 0 : costOf(d.op).work, cheap = d.op === null || costOf(d.op).cheap;
    const reads = new Set<string>();
    d.operands.forEach((x, k) => {
      const p = this.maker(i, k);
      if (p !== null && !this.stored[p.index]) {
        work += this.work[p.index];
        cheap &&= this.cheap[p.index];
        for (const read of this.reads[p.index]) reads.add(read);
      } else reads.add(p === null ? `${this.places[i][k]}` : `r${p.index},${(x as Source).strides}`);
    });
    this.work[i] = work;
    this.cheap[i] = cheap;
    this.reads[i] = reads;
  }

  /** What melts into an operation and does most. */
  private heaviest(i: number): number {
    let found = -1;
    for (let k = 0; k < this.cone.order[i].operands.length; k++) {
      const p = this.maker(i, k);
      if (p === null || this.stored[p.index]) continue;
      if (found < 0 || this.work[p.index] > this.work[found]) found = p.index;
    }
    return found;
  }

  /** Whether `d` may be in the kernel that makes `p`, which it reads as it is. */
  private together(d: Deferred, p: Deferred): boolean {
    return d.op !== null && p.op !== null && p.compute === d.compute && d.shape.length > 0 &&
      (p.dtype === d.compute || p.dtype === "bool");
  }

  /** Puts what goes to memory into kernels. */
  private arrange(): void {
    const { order } = this.cone, open = new Map<string, Group>();
    this.groups = [];
    this.group = order.map(() => null);
    for (let i = 0; i < order.length; i++) {
      const d = order[i];
      let depth = 0, readsResults = false;
      d.operands.forEach((x, k) => {
        const p = this.maker(i, k);
        if (p === null) return;
        const plain = isIdentity(d.shape, x as Source, p.shape);
        const shared = this.stored[p.index]
          ? plain && this.together(d, p)
          : plain || !this.readsResults[p.index];
        depth = Math.max(depth, this.depth[p.index] + (shared ? 0 : 1));
        readsResults ||= this.stored[p.index] || this.readsResults[p.index];
      });
      this.readsResults[i] = readsResults;
      this.depth[i] = depth;
      if (!this.stored[i]) continue;
      const key = `${d.shape}|${d.compute}|${depth}|${d.storage.device}`;
      let group = d.op === null || d.shape.length === 0 ? undefined : open.get(key);
      if (
        group === undefined || group.members.length >= MOST_RESULTS ||
        group.work + this.work[i] > MOST_WORK || group.reads.union(this.reads[i]).size > MOST_READ
      ) {
        group = { depth, members: [], work: 0, reads: new Set() };
        this.groups.push(group);
        if (d.op !== null) open.set(key, group);
      }
      group.members.push(i);
      group.work += this.work[i];
      for (const read of this.reads[i]) group.reads.add(read);
      this.group[i] = group;
    }
  }

  /** Writes the kernels; null if something turned out to be computed twice that is better stored. */
  private build(): Step[] | null {
    const { order } = this.cone;
    const users = new Map<number, string>();
    let again = false;
    const used = (p: number, by: string): void => {
      const before = users.get(p);
      if (before !== undefined && before !== by && !this.cheap[p]) {
        this.stored[p] = true;
        again = true;
      }
      users.set(p, by);
    };
    const steps: { readonly depth: number; readonly step: Step }[] = [];
    this.groups.forEach((group, g) => {
      const first = order[group.members[0]];
      const builder = new Builder(first.compute, (d, k, window) => this.read(group, g, d, k, window, used));
      if (first.op !== null) {
        const outputs = group.members.map((i) => builder.expressionOf(order[i]));
        const program = builder.program(outputs);
        const form = { shape: first.shape, compute: first.compute, device: first.storage.device };
        steps.push({
          depth: group.depth,
          step: new KernelStep(program, builder.bindings, group.members, form),
        });
        return;
      }
      const x = first.operands[0] as Source, p = makerOf(x.storage);
      if (p === null || this.stored[p.index]) {
        const binding = p === null
          ? { kind: "source" as const, slot: this.places[first.index][0], offset: 0, strides: x.strides }
          : { kind: "result" as const, index: p.index, offset: x.offset, strides: x.strides };
        steps.push({ depth: group.depth, step: new FoldStep(first, null, [binding]) });
        return;
      }
      used(p.index, `${g}`);
      const program = builder.program([builder.expressionOf(p, { shape: first.shape, window: x })]);
      steps.push({ depth: group.depth, step: new FoldStep(first, program, builder.bindings) });
    });
    if (again) return null;
    return steps.sort((a, b) => a.depth - b.depth).map(({ step }) => step);
  }

  /** How operation `d` reads its operand k in a kernel, through a window on `d` itself. */
  private read(
    group: Group,
    g: number,
    d: Deferred,
    k: number,
    { shape, window }: { shape: Shape; window: Window },
    used: (p: number, by: string) => void,
  ): Read {
    const x = d.operands[k];
    const place = this.places[d.index][k];
    if (typeof x === "number") return { kind: "number", slot: -1 - place };
    const p = makerOf(x.storage);
    if (p === null && x.single) return { kind: "single", slot: place };
    const inner = through(shape, window, d.shape, x.strides)!;
    if (p === null) return { kind: "source", slot: place, ...inner };
    const outer = { offset: x.offset + inner.offset, strides: inner.strides };
    if (!this.stored[p.index]) {
      used(p.index, `${g}|${outer.offset}|${outer.strides}`);
      return { kind: "melted", maker: p, window: outer };
    }
    if (this.group[p.index] === group && isIdentity(shape, outer, p.shape)) {
      return { kind: "melted", maker: p, window: outer };
    }
    if (x.single) return { kind: "one", index: p.index };
    return { kind: "result", index: p.index, ...outer };
  }
}

/**
 * The memory of a compiled function: recorded operations that it has met before are computed by the plan made then.
 * @module
 */

import { Fold } from "../expr/fold.ts";
import type { Program } from "../expr/program.ts";
import { writesTo } from "../tensor/later.ts";
import type { Shape } from "../tensor/shape.ts";
import { type DType, dtypes } from "../tensor/dtype.ts";
import { type Deferred, makerOf, type Source } from "./deferred.ts";
import { makePlan, type Plan } from "./plan.ts";

/** What a plan is carried out on: memory that is there, plain numbers, and the operations whose results it makes. */
export interface Cone {
  /** The operations, each after those it reads. */
  readonly order: readonly Deferred[];
  /** By operation: whether its result is asked for. */
  readonly asked: Uint8Array;
  /** Windows on memory that is there. */
  readonly sources: Source[];
  /** Numbers. */
  readonly numbers: number[];
  /** By operation and operand: the number of a source, a number (from 0, as `-1 - n`), or nothing where it is computed here. */
  readonly places: Int32Array[];
}

/** More plans than this are too many: something changes on every call. */
const MOST_PLANS = 512;

const codes: ReadonlyMap<DType, number> = new Map(dtypes.map((d, i) => [d, i]));

const idsByKey = new Map<string, number>(), ids = new WeakMap<Program | Fold, number>();

/** A number for what an operation computes: the same for the same mathematics. */
function idOf(x: Program | Fold): number {
  let id = ids.get(x);
  if (id === undefined) {
    const key = `${x instanceof Fold ? "fold " : ""}${x.key}`;
    id = idsByKey.get(key);
    if (id === undefined) idsByKey.set(key, id = idsByKey.size);
    ids.set(x, id);
  }
  return id;
}

/** Plans by everything about the operations that they depend on. */
export class Plans {
  private known = new Map<number, { readonly code: readonly number[]; readonly plan: Plan }[]>();
  private count = 0;

  /** The plan for these operations, ready to be carried out on them. */
  planFor(order: readonly Deferred[], roots: readonly Deferred[]): Bound {
    const asked = new Uint8Array(order.length);
    for (const d of roots) if (d.storage.later === d) asked[d.index] = 1;
    const cone: Cone = { order, asked, sources: [], numbers: [], places: new Array(order.length) };
    const code = encode(cone);
    let hash = 0;
    for (let i = 0; i < code.length; i++) hash = Math.imul(hash ^ code[i], 0x01000193);
    let list = this.known.get(hash);
    for (const entry of list ?? []) if (equal(entry.code, code)) return new Bound(entry.plan, cone);
    if (this.count++ >= MOST_PLANS) {
      this.known = new Map();
      this.count = 1;
      list = undefined;
    }
    const plan = makePlan(cone);
    if (list === undefined) this.known.set(hash, list = []);
    list.push({ code, plan });
    return new Bound(plan, cone);
  }
}

/** A plan and what it is to be carried out on. */
export class Bound {
  constructor(readonly plan: Plan, readonly cone: Cone) {}

  /** Carries it out. */
  run(): void {
    this.plan.run(this.cone);
  }
}

function equal(a: readonly number[], b: readonly number[]): boolean {
  if (a.length !== b.length) return false;
  for (let i = 0; i < a.length; i++) if (a[i] !== b[i]) return false;
  return true;
}

/** Numbers the memory and the numbers that are read, and writes down all that a plan depends on. */
function encode(cone: Cone): number[] {
  const code: number[] = [], { order, asked, sources, numbers, places } = cone;
  for (let i = 0; i < order.length; i++) {
    const d = order[i], { operands } = d;
    code.push(
      idOf(d.op === null ? d.how! : d.op.program),
      codes.get(d.compute)!,
      codes.get(d.dtype)!,
      asked[i],
      d.shape.length,
    );
    code.push(d.storage.device === "cpu" ? 0 : 1);
    for (let k = 0; k < d.shape.length; k++) code.push(d.shape[k]);
    if (d.op === null) code.push(d.storage.length, ...d.dims);
    const place = places[i] = new Int32Array(operands.length);
    for (let k = 0; k < operands.length; k++) {
      const x = operands[k];
      if (typeof x === "number") {
        place[k] = -numbers.push(x);
        code.push(-1);
        continue;
      }
      const maker = makerOf(x.storage);
      if (maker !== null) code.push(-2, maker.index, x.offset);
      else {
        if (x.writes !== writesTo(x.storage)) throw staleError();
        const slot = place[k] = slotOf(x, sources);
        code.push(-3, slot, codes.get(x.storage.dtype)!, x.single ? 1 : 0);
      }
      for (let d = 0; d < x.strides.length; d++) code.push(x.strides[d]);
    }
  }
  return code;
}

/** The number of a window: the same for the same window. */
function slotOf(x: Source, sources: Source[]): number {
  for (let i = 0; i < sources.length; i++) {
    const y = sources[i];
    if (
      y.storage === x.storage && y.offset === x.offset && y.single === x.single && same(y.strides, x.strides)
    ) {
      return i;
    }
  }
  return sources.push(x) - 1;
}

function same(a: Shape, b: Shape): boolean {
  if (a === b) return true;
  if (a.length !== b.length) return false;
  for (let i = 0; i < a.length; i++) if (a[i] !== b[i]) return false;
  return true;
}

function staleError(): TypeError {
  return new TypeError(
    "this tensor was made inside a compiled function and left it other than as its result, and what it is computed from has " +
      "been changed in place since: return it from the function, or read it before the change",
  );
}

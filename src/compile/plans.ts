/**
 * The memory of a compiled function: recorded operations that it has met before are computed by the plan made then.
 * @module
 */

import { Fold } from "../expr/fold.ts";
import type { Program } from "../expr/program.ts";
import { writesTo } from "../tensor/later.ts";
import { type DType, dtypes } from "../tensor/dtype.ts";
import { type Deferred, makerOf, type Source } from "./deferred.ts";
import { makePlan, type Plan } from "./plan.ts";
import { slotOf } from "./slots.ts";

/** What a plan is carried out on. */
export interface Cone {
  /** The operations, each after those it reads. */
  readonly order: readonly Deferred[];
  /** Windows on memory that is there. */
  readonly sources: readonly Source[];
  /** Numbers. */
  readonly numbers: readonly number[];
}

/** More plans than this are too many: something changes on every call. */
const MOST_PLANS = 512;

const codes = Object.fromEntries(dtypes.map((d, i) => [d, i])) as Record<DType, number>;

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
  private known = new Map<number, { readonly code: Float64Array; readonly plan: Plan }[]>();
  private count = 0;

  /** The plan for these operations, ready to be carried out on them. */
  planFor(order: readonly Deferred[]): Bound {
    const cone = { order, sources: [], numbers: [] };
    const length = encode(cone);
    let hash = 0;
    for (let i = 0; i < length; i++) hash = Math.imul(hash ^ code[i], 0x01000193);
    let list = this.known.get(hash);
    if (list !== undefined) {
      for (const entry of list) if (isCode(entry.code, length)) return new Bound(entry.plan, cone);
    }
    if (this.count++ >= MOST_PLANS) {
      this.known = new Map();
      this.count = 1;
      list = undefined;
    }
    const plan = makePlan(cone);
    if (list === undefined) this.known.set(hash, list = []);
    list.push({ code: code.slice(0, length), plan });
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

/** All that a plan depends on, in numbers; reused. */
let code = new Float64Array(1024);

function isCode(known: Float64Array, length: number): boolean {
  if (known.length !== length) return false;
  for (let i = 0; i < length; i++) if (known[i] !== code[i]) return false;
  return true;
}

/** Numbers the memory and the plain numbers that are read, and writes down all that a plan depends on; its length. */
function encode(
  { order, sources, numbers }: { order: readonly Deferred[]; sources: Source[]; numbers: number[] },
): number {
  let at = 0;
  for (let i = 0; i < order.length; i++) {
    const d = order[i], { operands, shape, dims } = d;
    const most = at + 8 + shape.length + dims.length + operands.length * (5 + shape.length);
    if (most > code.length) {
      const longer = new Float64Array(2 * most);
      longer.set(code);
      code = longer;
    }
    code[at++] = idOf(d.op === null ? d.how! : d.op.program);
    code[at++] = ((d.compute === "float32" ? 0 : 1) * 16 + codes[d.storage.dtype]) * 3 + d.need;
    code[at++] = d.storage.device === "cpu" ? shape.length : -1 - shape.length;
    for (let k = 0; k < shape.length; k++) code[at++] = shape[k];
    if (d.op === null) {
      code[at++] = d.storage.length;
      for (let k = 0; k < dims.length; k++) code[at++] = dims[k];
    }
    for (let k = 0; k < operands.length; k++) {
      const x = operands[k];
      if (typeof x === "number") {
        numbers.push(x);
        code[at++] = -1;
        continue;
      }
      const maker = makerOf(x.storage);
      if (maker !== null) {
        code[at++] = -2;
        code[at++] = maker.index;
        code[at++] = x.offset;
      } else {
        if (x.writes !== writesTo(x.storage)) throw d.saved ? changedError(x) : staleError();
        code[at++] = x.single ? -4 : -3;
        code[at++] = slotOf(x, sources);
        code[at++] = codes[x.storage.dtype];
      }
      for (let d = 0; d < x.strides.length; d++) code[at++] = x.strides[d];
    }
  }
  return at;
}

function changedError({ storage }: Source): TypeError {
  return new TypeError(
    "one of the variables needed for gradient computation has been modified by an inplace operation: a compiled function " +
      `computes it again in the backward pass, from a ${storage.dtype} tensor of ${storage.length} elements that was written since`,
  );
}

function staleError(): TypeError {
  return new TypeError(
    "this tensor was made inside a compiled function and left it other than as its result, and what it is computed from has " +
      "been changed in place since: return it from the function, or read it before the change",
  );
}

/**
 * The steps of a plan: kernels of pointwise operations, and reductions with what is computed on the way to them.
 * @module
 */

import { runFusedFold } from "../backend/fused_fold.ts";
import { type Operand, runPointwise } from "../backend/pointwise.ts";
import { scalarFunction } from "../expr/lower_js.ts";
import type { Program } from "../expr/program.ts";
import { fold } from "../ops/core/fold.ts";
import type { Device } from "../tensor/device.ts";
import type { TypedArray } from "../tensor/dtype.ts";
import { contiguousStrides, numel, SCALAR_SHAPE, type Shape } from "../tensor/shape.ts";
import { Storage } from "../tensor/storage.ts";
import { Tensor } from "../tensor/tensor.ts";
import type { Binding } from "./build.ts";
import type { Arithmetic, Deferred } from "./deferred.ts";
import type { Cone } from "./plans.ts";

/** One pass over memory. */
export interface Step {
  /** Carries it out. */
  run(cone: Cone): void;
}

/** What an input is now: memory, or a number. */
function bound(b: Binding, cone: Cone): Operand | number {
  switch (b.kind) {
    case "source": {
      const { storage, offset } = cone.sources[b.slot];
      return { data: storage.memory, dtype: storage.dtype, offset: offset + b.offset, strides: b.strides };
    }
    case "single": {
      const { storage, offset } = cone.sources[b.slot];
      return storage.get(offset) as number;
    }
    case "number":
      return cone.numbers[b.slot];
    case "result": {
      const { storage } = cone.order[b.index];
      return { data: storage.memory, dtype: storage.dtype, offset: b.offset, strides: b.strides };
    }
    case "one":
      return cone.order[b.index].storage.get(0) as number;
  }
}

/** Results of one shape from one kernel. */
export class KernelStep implements Step {
  private readonly strides: Shape;
  private readonly length: number;
  private readonly scalar: ((...args: number[]) => number) | null;

  constructor(
    /** The kernel. */
    readonly program: Program,
    /** Its inputs. */
    readonly bindings: readonly Binding[],
    /** The operations whose results it makes. */
    readonly members: readonly number[],
    /** What it goes over, and in what it computes. */
    readonly form: { readonly shape: Shape; readonly compute: Arithmetic; readonly device: Device },
  ) {
    this.strides = contiguousStrides(form.shape);
    this.length = numel(form.shape);
    this.scalar = form.shape.length === 0 && form.device === "cpu"
      ? scalarFunction(program, "float") as (...args: number[]) => number
      : null;
  }

  run(cone: Cone): void {
    const { order } = cone, { compute, shape, device } = this.form;
    const inputs = this.bindings.map((b) => bound(b, cone));
    if (this.scalar !== null) {
      const { storage } = order[this.members[0]];
      const numbers = inputs.map((x) => {
        const value = typeof x === "number" ? x : (x.data as TypedArray)[x.offset] as number;
        return compute === "float32" ? Math.fround(value) : value;
      });
      const value = this.scalar(...numbers);
      storage.deliver(
        Storage.ofValue(storage.dtype, storage.dtype === "float32" ? Math.fround(value) : value),
      );
      return;
    }
    const fresh = this.members.map((i) => Storage.unwritten(order[i].dtype, this.length, device));
    const outputs = fresh.map((storage) => ({
      data: storage.memory,
      dtype: storage.dtype,
      offset: 0,
      strides: this.strides,
    }));
    runPointwise(this.program, inputs, outputs, shape, compute);
    this.members.forEach((i, k) => order[i].storage.deliver(fresh[k]));
  }
}

/** A reduction, with a kernel that computes what it reduces, or of memory. */
export class FoldStep implements Step {
  /** What it goes over. */
  readonly shape: Shape;
  /** Dimensions that it reduces. */
  readonly dims: readonly number[];
  /** The reduction. */
  readonly how: NonNullable<Deferred["how"]>;
  /** In what it computes. */
  readonly compute: Arithmetic;
  private readonly index: number;

  constructor(
    d: Deferred,
    /** What it reduces, or null for the memory of the one binding. */
    readonly program: Program | null,
    /** Inputs of the program. */
    readonly bindings: readonly Binding[],
  ) {
    this.index = d.index;
    this.shape = d.shape;
    this.dims = d.dims;
    this.how = d.how!;
    this.compute = d.compute;
  }

  run(cone: Cone): void {
    const { storage } = cone.order[this.index], { shape, dims, how, compute } = this;
    if (this.program === null) {
      const [b] = this.bindings as [Extract<Binding, { strides: Shape }>];
      const [memory, offset] = b.kind === "source"
        ? [cone.sources[b.slot].storage, cone.sources[b.slot].offset]
        : [cone.order[b.index].storage, b.offset];
      const x = new Tensor(memory, offset, shape, b.strides);
      const kept = dims.length === shape.length ? SCALAR_SHAPE : [storage.length];
      storage.deliver(fold(x, how, dims, kept, compute)[0].storage);
      return;
    }
    const value = storage.device === "cpu" && storage.length === 1 && dims.length === shape.length;
    const fresh = value ? null : Storage.unwritten(compute, storage.length, storage.device);
    const out = fresh === null ? single[compute] : fresh.memory;
    runFusedFold(this.program, this.bindings.map((b) => bound(b, cone)), how, shape, dims, compute, [out]);
    storage.deliver(fresh ?? Storage.ofValue(compute, single[compute][0]));
  }
}

/** Where the one result of a reduction of everything comes out. */
const single = { float32: new Float32Array(1), float64: new Float64Array(1) };

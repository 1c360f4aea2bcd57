/**
 * Writes WebAssembly modules of one function: bytes, types, locals and the instructions that the lowering needs.
 *
 * A module imports one memory (`"m"`, `"m"`) and exports its function as `"f"`.
 * @module
 */

/** Types of values. */
export const enum Type {
  I32 = 0x7f,
  F64 = 0x7c,
  V128 = 0x7b,
}

/** Instructions of the scalar part, one byte each. */
export const enum Op {
  Loop = 0x03,
  If = 0x04,
  Else = 0x05,
  End = 0x0b,
  BranchIf = 0x0d,
  Select = 0x1b,
  LocalGet = 0x20,
  LocalSet = 0x21,
  I32Load = 0x28,
  I32Const = 0x41,
  I32LtS = 0x48,
  I32Add = 0x6a,
  I32Sub = 0x6b,
  I32Mul = 0x6c,
  I32And = 0x71,
  I32Shl = 0x74,
}

/** Instructions on vectors: numbers behind the prefix 0xfd. */
export const enum Simd {
  Load = 0,
  Load16Splat = 8,
  Load32Splat = 9,
  Load64Splat = 10,
  Store = 11,
  Const = 12,
  Shuffle = 13,
  SplatF32 = 19,
  SplatF64 = 20,
  ExtractF64 = 33,
  Not = 77,
  And = 78,
  AndNot = 79,
  Or = 80,
  Xor = 81,
  Select = 82,
  AnyTrue = 83,
  StoreLane16 = 89,
  StoreLane32 = 90,
  StoreLane64 = 91,
  Load32Zero = 92,
  Load64Zero = 93,
  Demote = 94,
  Promote = 95,
  Narrow16To8 = 101,
  Narrow32To16 = 133,
  Extend8To16 = 137,
  Extend16To32 = 169,
  ConvertI32ToF32 = 250,
  ConvertI32ToF64 = 254,
  RelaxedMaddF32 = 0x105,
  RelaxedMaddF64 = 0x107,
  RelaxedSelect32 = 0x10b,
  RelaxedSelect64 = 0x10c,
}

function unsigned(value: number): number[] {
  const bytes: number[] = [];
  do {
    const low = value & 0x7f;
    value >>>= 7;
    bytes.push(value === 0 ? low : low | 0x80);
  } while (value !== 0);
  return bytes;
}

function signed(value: number): number[] {
  const bytes: number[] = [];
  for (;;) {
    const low = value & 0x7f;
    value >>= 7;
    if ((value === 0 && (low & 0x40) === 0) || (value === -1 && (low & 0x40) !== 0)) return [...bytes, low];
    bytes.push(low | 0x80);
  }
}

/** The instructions of one function and its locals. */
export class FunctionWriter {
  private readonly before: number[] = [];
  private readonly main: number[] = [];
  private bytes: number[] = this.main;
  private readonly locals: Type[] = [];

  /** Starts a function of these parameters; they are the first locals. */
  constructor(private readonly params: readonly Type[], private readonly result: Type | null) {}

  /** Declares a local and gives its number. */
  local(type: Type): number {
    this.locals.push(type);
    return this.params.length + this.locals.length - 1;
  }

  /** Appends a plain instruction. */
  op(op: Op): void {
    this.bytes.push(op);
  }

  /** Pushes a local. */
  get(local: number): void {
    this.bytes.push(Op.LocalGet, ...unsigned(local));
  }

  /** Pops into a local. */
  set(local: number): void {
    this.bytes.push(Op.LocalSet, ...unsigned(local));
  }

  /** Pushes a number. */
  i32(value: number): void {
    this.bytes.push(Op.I32Const, ...signed(value));
  }

  /** Replaces the address on the stack by the number there. */
  loadI32(offset: number): void {
    this.bytes.push(Op.I32Load, 2, ...unsigned(offset));
  }

  /** Appends an instruction on vectors. */
  simd(op: number): void {
    this.bytes.push(0xfd, ...unsigned(op));
  }

  /** Appends a shift of vectors by a constant. */
  shift(op: number, by: number): void {
    this.i32(by);
    this.simd(op);
  }

  /** Appends a load or store of a vector or of one lane of it; the address is on the stack. */
  memory(op: number, offset: number, lane?: number): void {
    this.simd(op);
    this.bytes.push(0, ...unsigned(offset));
    if (lane !== undefined) this.bytes.push(lane);
  }

  /** Appends a shuffle that takes these bytes (of 32) of two vectors, or a constant of these bytes. */
  sixteen(op: Simd.Shuffle | Simd.Const, bytes: ArrayLike<number>): void {
    this.simd(op);
    for (let i = 0; i < 16; i++) this.bytes.push(bytes[i]);
  }

  /** Appends the number of a vector's lane as a double. */
  lane(lane: number): void {
    this.simd(Simd.ExtractF64);
    this.bytes.push(lane);
  }

  /** Writes ahead of everything that is not written so: what a loop needs once. */
  first(write: () => void): void {
    const back = this.bytes;
    this.bytes = this.before;
    write();
    this.bytes = back;
  }

  /** Opens a loop; `op(Op.End)` closes it. */
  loop(): void {
    this.bytes.push(Op.Loop, 0x40);
  }

  /** Goes on with the innermost loop if the number on the stack is not 0. */
  again(): void {
    this.bytes.push(Op.BranchIf, 0);
  }

  /** Writes what is done if the number on the stack is not 0, and what is done otherwise. */
  when(body: () => void, otherwise?: () => void): void {
    this.bytes.push(Op.If, 0x40);
    body();
    if (otherwise !== undefined) {
      this.op(Op.Else);
      otherwise();
    }
    this.op(Op.End);
  }

  /** The whole module; its memory is its own, or one that threads share and that may grow to so many pages. */
  module(sharedPages?: number): Uint8Array<ArrayBuffer> {
    const { params, locals, result } = this;
    // Locals come as runs of one type.
    const runs: [number, Type][] = [];
    for (const type of locals) {
      const last = runs[runs.length - 1];
      if (last !== undefined && last[1] === type) last[0]++;
      else runs.push([1, type]);
    }
    const body = [
      ...list(runs.map(([count, type]) => [...unsigned(count), type])),
      ...this.before,
      ...this.main,
      Op.End,
    ];
    const results = result === null ? [] : [[result]];
    const memory = sharedPages === undefined ? [0, 1] : [3, 1, ...unsigned(sharedPages)];
    return new Uint8Array([
      ...[0x00, 0x61, 0x73, 0x6d, 1, 0, 0, 0],
      ...section(1, list([[0x60, ...list(params.map((p) => [p])), ...list(results)]])),
      ...section(2, list([[...text("m"), ...text("m"), 2, ...memory]])),
      ...section(3, list([[0]])),
      ...section(7, list([[...text("f"), 0, 0]])),
      ...section(10, list([[...unsigned(body.length), ...body]])),
    ]);
  }
}

function list(items: readonly (readonly number[])[]): number[] {
  return [...unsigned(items.length), ...items.flat()];
}

function section(id: number, bytes: readonly number[]): number[] {
  return [id, ...unsigned(bytes.length), ...bytes];
}

function text(name: string): number[] {
  return list([...name].map((c) => [c.charCodeAt(0)]));
}

/**
 * What kernels complain about. A kernel cannot throw: it leaves the first wrong index in a small buffer, and whoever reads
 * anything next gets the error.
 * @module
 */
import type { Commands } from "./commands.ts";
import type { Block, Memory } from "./memory.ts";

/** WGSL by which a kernel reports an index. The buffer is bound as `faults`, an array of `atomic<i32>`. */
export const FAULT = `fn fault(code: i32, index: i32, size: i32) {
  for (var k = 0; k < 64; k++) {
    let first = atomicCompareExchangeWeak(&faults[0], 0, code);
    if (first.exchanged) {
      atomicStore(&faults[1], index);
      atomicStore(&faults[2], size);
    }
    if (first.exchanged || first.old_value != 0) { return; }
  }
}
`;

/** The buffer in which a kernel reports, at this binding, and `fault`. */
export function faultsAt(binding: number): string {
  return `@group(1) @binding(${binding}) var<storage, read_write> faults: array<atomic<i32>>;\n${FAULT}`;
}

/** Given as the size, it says that a result of int64 has no place in 32 bits. */
export const TOO_LARGE = -1;

const BYTES = 16;

/** The buffer of one device. */
export class Faults {
  readonly #memory: Memory;
  readonly #commands: Commands;
  readonly #callers: string[] = [];
  #block: Block | null = null;
  /** Whether a kernel that may complain was recorded since somebody looked. */
  pending = false;

  /** Allocates nothing yet. */
  constructor(memory: Memory, commands: Commands) {
    this.#memory = memory;
    this.#commands = commands;
  }

  /** The buffer, for a kernel that is about to be recorded. */
  use(): Block {
    this.pending = true;
    if (this.#block === null) {
      this.#block = this.#memory.allocate(BYTES);
      this.#commands.clear(this.#block, 0, BYTES);
    }
    return this.#block;
  }

  /**
   * The number by which a kernel names the operation that it works for; a sentence with `{index}` and `{size}` in it is what is said of
   * an index.
   */
  code(caller: string): number {
    const at = this.#callers.indexOf(caller);
    return at >= 0 ? at + 1 : this.#callers.push(caller);
  }

  /** Where to look: the buffer and its length in bytes. */
  get where(): { readonly block: Block; readonly bytes: number } {
    return { block: this.use(), bytes: BYTES };
  }

  /** What the buffer says, as a sentence, or null if all was well. The next complaints start from nothing. */
  judge(bytes: ArrayBuffer): string | null {
    this.pending = false;
    const [code, index, size] = new Int32Array(bytes);
    if (code === 0) return null;
    this.#commands.clear(this.#block!, 0, BYTES);
    const caller = this.#callers[code - 1];
    if (size === TOO_LARGE) {
      return `${caller} gives an int64 that does not fit into the 32 bits in which the GPU carries it: convert to a float ` +
        'dtype, or use device "cpu". The GPU reports this with the first read after the call, whose results are not to be used';
    }
    const what = caller.includes("{index}")
      ? caller.replace("{index}", String(index)).replace("{size}", String(size))
      : `index out of range: ${caller} met index ${index} where the size is ${size}.`;
    return `${what} The GPU reports this with the first read after the call, whose results are not to be used`;
  }
}

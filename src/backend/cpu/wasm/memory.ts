/**
 * The one memory of all kernels: small, so that it stays in the processor's cache. Kernels run one at a time.
 * @module
 */

const PAGES = 16;

/** How many places for single numbers there are: the first 16 bytes each. */
export const NUMBERS = 64;
/** Where arrays may begin. */
export const ARRAYS = 16 * NUMBERS;

let shared: WebAssembly.Memory | undefined;

/** The bytes of the memory; they are never moved. */
export function memoryBuffer(): ArrayBuffer {
  return sharedMemory().buffer as ArrayBuffer;
}

function sharedMemory(): WebAssembly.Memory {
  return shared ??= new WebAssembly.Memory({ initial: PAGES, maximum: PAGES });
}

/** Makes a module's function over the memory. */
export function instantiate(module: Uint8Array<ArrayBuffer>): (...args: number[]) => number {
  const imports = { m: { m: sharedMemory() } };
  const instance = new WebAssembly.Instance(new WebAssembly.Module(module), imports);
  return instance.exports.f as (...args: number[]) => number;
}

/**
 * Keeps freed memory in the process.
 *
 * On Linux the C library gives the memory of large arrays back to the system as soon as they are collected, and fetching it
 * again costs a page fault for every 4 KiB: several times what adding two arrays does. Two properties of that library help,
 * both without effect where they do not hold. Once a block of 32 MB was freed, smaller ones no longer come from the system one
 * by one. And memory below a block that is in use is kept for the next who asks: one block is put above a free range of
 * addresses, which takes memory only as far as it is used.
 * @module
 */

/** Arrays of so many bytes are large for the C library. */
export const LARGE_ARRAY: number = 1 << 17;

/** Large arrays made so far, in bytes; the range is made when programs have shown that they need memory again and again. */
const RANGE_AFTER = 1 << 25;

/** The largest block that the C library takes from its own memory, less what it adds; and blocks in the range. */
const BLOCK = (1 << 25) - (1 << 14), BLOCKS = 7;

interface Process {
  readonly platform: string;
  memoryUsage(): { readonly rss: number };
}

let allocated = 0, ranged = false;

/** The block above the range, so large that no gap takes it. It only has to be there: nobody writes it, so it takes no memory. */
export let above: ArrayBuffer | undefined;

/** To be told before a large array of so many bytes is made. */
export function beforeLargeArray(bytes: number): void {
  if (ranged) return;
  const { process } = globalThis as { process?: Process };
  if (process?.platform !== "linux" || typeof ArrayBuffer.prototype.transfer !== "function") {
    ranged = true;
    return;
  }
  try {
    if (allocated === 0) free(new ArrayBuffer(BLOCK + (1 << 13)));
    allocated += bytes;
    if (allocated > RANGE_AFTER) {
      ranged = true;
      makeRange(process);
    }
  } catch {
    ranged = true; // no addresses left for it: everything works without
  }
}

function makeRange(process: Process): void {
  // The engine's notes about each block come out of these, so that they do not lie between the blocks.
  const notes = Array.from({ length: 64 }, () => new ArrayBuffer(8));
  notes.forEach(free);
  const blocks: ArrayBuffer[] = [];
  for (let i = 0; i <= BLOCKS; i++) {
    const before = process.memoryUsage().rss;
    blocks.push(new ArrayBuffer(BLOCK));
    // Threads other than the first have memory of another kind, which is cleared and so taken.
    if (process.memoryUsage().rss - before > BLOCK / 2) return blocks.forEach(free);
  }
  above = blocks.pop();
  blocks.forEach(free);
}

/** Frees the memory of a buffer at once. */
function free(buffer: ArrayBuffer): void {
  buffer.transfer(0);
}

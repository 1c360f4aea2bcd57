/**
 * What the threads do: the runners of the pool over the one memory that they share.
 * @module
 */

/** The runners' places in their list. */
export const GEMM = 0, PROGRAM = 1, WINOGRAD = 2;

/**
 * Does the tasks of packing (job[0] is 0), of multiplying (1), or whole products (2). Words of a job: 1 the functions to use, 2
 * bytes of an element, 3 depth of a panel, 4 depth of the block; 5 to 10 for a and 11 to 16 for b where it lies, where its panels
 * go, the step, whether lines lie side by side, panels, and lines in a panel; 17 panels in a task of packing, 18 tasks that pack a;
 * 19 and 20 panels of a and of b in a task of multiplying, 21 tasks side by side, 22 where c is, 23 bytes of its rows; and for
 * whole products: 24 tasks that pack, 25 tasks that multiply, 26 bytes of a product's place, 27 products in a task, 28 tasks side
 * by side, 29 products in all; 30 is 1 if c holds nothing yet. Takes nothing from outside.
 */
export function gemmTasks(
  functions: readonly ((...args: number[]) => void)[],
  job: Int32Array,
): (task: number) => void {
  const pack = (task: number, place: number) => {
    const first = job[1], size = job[2], depth = job[3], k = job[4];
    const ofA = task < job[18], o = ofA ? 5 : 11, group = job[17];
    const panel = (ofA ? task : task - job[18]) * group;
    const from = place + job[o], to = place + job[o + 1], step = job[o + 2], across = job[o + 3];
    const panels = job[o + 4], width = job[o + 5], count = Math.min(group, panels - panel);
    const run = functions[first + (ofA ? 0 : 2) + across];
    for (let l = 0; l < k; l += depth) {
      const d = Math.min(depth, k - l), padded = (d + 3) & -4;
      const source = across === 1
        ? from + l * step + panel * width * size
        : from + panel * width * step + l * size;
      run(to + (l * panels + panel * padded) * width * size, source, step, count, d);
    }
  };
  const multiply = (task: number, place: number) => {
    const first = job[1], size = job[2], depth = job[3], k = job[4];
    const across = job[21], i = Math.floor(task / across) * job[19], j = task % across * job[20];
    const aPanels = job[9], aWidth = job[10], bPanels = job[15], bWidth = job[16], row = job[23];
    const c = place + job[22] + i * aWidth * row + j * bWidth * size;
    const rows = Math.min(job[19], aPanels - i), columns = Math.min(job[20], bPanels - j);
    for (let l = 0; l < k; l += depth) {
      const d = Math.min(depth, k - l), padded = (d + 3) & -4;
      const aBytes = padded * aWidth * size, bBytes = padded * bWidth * size;
      const a = place + job[6] + l * aPanels * aWidth * size + i * aBytes;
      const b = place + job[12] + l * bPanels * bWidth * size + j * bBytes;
      functions[first + 4](a, b, c, d, rows, columns, row, aBytes, bBytes, l === 0 ? job[30] : 0);
    }
  };
  return (task) => {
    if (job[0] === 0) return pack(task, 0);
    if (job[0] === 1) return multiply(task, 0);
    const each = job[27], count = Math.min(each, job[29] - task * each);
    for (let p = 0; p < count; p++) {
      const place = (task % job[28] * each + p) * job[26];
      for (let t = 0; t < job[24]; t++) pack(t, place);
      for (let t = 0; t < job[25]; t++) multiply(t, place);
    }
  };
}

/**
 * Runs a function of a module of its own over a piece of elements in memory. Words of a job: 0 the number of the module, 1 and
 * 2 where its bytes are and how many; 3 places side by side, 4 bytes of a place; 5 the last task, 6 elements of a task, 7 of the
 * last one; 8 what the function is told besides. It takes the number of elements, where the place is and that, and gives what
 * the task gives. Takes nothing from outside.
 */
export function programTasks(
  _: readonly ((...args: number[]) => void)[],
  job: Int32Array,
  memory: WebAssembly.Memory,
): (task: number) => number {
  const known = new Map<number, (count: number, place: number, extra: number) => number>();
  return (task) => {
    let run = known.get(job[0]);
    if (run === undefined) {
      const bytes = new Uint8Array(memory.buffer, job[1], job[2]).slice();
      const instance = new WebAssembly.Instance(new WebAssembly.Module(bytes), { m: { m: memory } });
      known.set(job[0], run = instance.exports.f as (count: number, place: number, extra: number) => number);
    }
    return run(task === job[5] ? job[7] : job[6], task % job[3] * job[4], job[8]);
  };
}

/**
 * Matrix products in WebAssembly. Blocks of the operands are copied into the kernels' memory as they lie, packed there into
 * panels, multiplied, and the sums copied out: packing reads rows and columns alike, so transposed operands cost nothing extra.
 * float32 sums accumulate in float32, as in PyTorch. Every sum has one order, whatever the number of threads.
 * @module
 */
import type { TypedArray } from "../../../tensor/dtype.ts";
import type { GemmSize, Matrix } from "../gemm_js.ts";
import { type Pool, WorkerLost } from "../pool.ts";
import { bytesOf, columnsOf, type GemmType, kernelNames } from "./gemm_kernel.ts";
import { GEMM } from "./tasks.ts";
import { currentTeam, hasTeam, loseTeam, mayThread as mayHaveThreads, type Team } from "./team.ts";

export { currentPool, setTile } from "./team.ts";

/** The depth of a panel: one of a and one of b together should stay in the first cache. */
const DEPTH = 128;
/** Sides of a block of the result, elements of it and of a block of an operand. */
const BLOCK_SIDE = 1024, BLOCK_RESULTS = 1 << 20, BLOCK_ELEMENTS = 1 << 19;
/** The least that sides and depths count when room is divided. */
const PADDED = 8;
/** Rows of the result in a task, so that their panels of a stay in the second cache, and columns. */
const TASK_ROWS = 96, TASK_COLUMNS = 256;
/** Tasks for each thread where there are several, so that a late one leaves them to the others. */
export const TASKS_EACH = 4;
/** Panels that a task packs. */
const PACK_PANELS = 8;
/** Multiplications from which threads are asked for help, and if some are awake. */
const THREADS_FROM = 1 << 22, AWAKE_FROM = 1 << 20;

/** The memory of the kernels; doubles are told so, too. */
export type Elements = Float32Array<ArrayBufferLike>;
type Floats = Float32Array<ArrayBufferLike> | Float64Array<ArrayBufferLike>;

/** A matrix in the memory of the kernels: lines whose elements lie side by side, or lines that lie side by side. */
export interface Raw {
  /** Address. */
  readonly at: number;
  /** Bytes from a line to the next, or from an element to the next. */
  readonly step: number;
  /** 1 if lines lie side by side. */
  readonly across: 0 | 1;
}

/** Whether this engine can run the kernels. */
export function hasGemm(): boolean {
  return hasTeam();
}

// ---- the product --------------------------------------------------------------------------------------------------

/** `c = alpha * a @ b + beta * c`, for sizes above 0; with beta 0, c is not read. Asks threads for help if it may and that pays. */
export function gemmWasm(
  size: GemmSize,
  a: Matrix,
  b: Matrix,
  c: Matrix,
  dtype: GemmType,
  alpha: number,
  beta: number,
  mayThread: boolean,
): void {
  const { m, n, k } = size, { rows: tileRows } = currentTeam().tile;
  const widest = BLOCK_ELEMENTS / Math.min(BLOCK_SIDE, Math.max(m, n));
  const depth = Math.min(k, Math.floor(widest / DEPTH) * DEPTH);
  // what is short is padded: it counts as longer
  const lines = Math.floor(BLOCK_ELEMENTS / Math.max(depth, PADDED)), few = Math.min(m, BLOCK_SIDE);
  const columns = Math.min(n, lines, Math.floor(BLOCK_RESULTS / Math.max(few, PADDED)));
  const most = Math.min(lines, Math.floor(BLOCK_RESULTS / Math.max(columns, PADDED)));
  const rows = most < m ? Math.floor(most / tileRows) * tileRows : m;
  for (let j = 0; j < n; j += columns) {
    for (let i = 0; i < m; i += rows) {
      const block = { m: Math.min(rows, m - i), n: Math.min(columns, n - j), k };
      const from = at(a, i, 0), beside = at(b, 0, j), to = at(c, i, j);
      try {
        multiplyBlock(block, depth, from, beside, to, dtype, alpha, beta, mayThread);
      } catch (error) {
        if (!(error instanceof WorkerLost)) throw error;
        loseTeam(); // nothing of c is written yet
        multiplyBlock(block, depth, from, beside, to, dtype, alpha, beta, false);
      }
    }
  }
}

/** The part of a matrix that begins at a row and a column. */
function at(x: Matrix, row: number, column: number): Matrix {
  if (row === 0 && column === 0) return x;
  return { ...x, offset: x.offset + row * x.rowStride + column * x.columnStride };
}

/** The next place for something. */
export const align = (bytes: number) => (bytes + 127) & -64;

/** A product whose result fits into the memory at once, with parts of the operands that are at most `blockDepth` deep. */
function multiplyBlock(
  { m, n, k }: GemmSize,
  blockDepth: number,
  a: Matrix,
  b: Matrix,
  c: Matrix,
  dtype: GemmType,
  alpha: number,
  beta: number,
  mayThread: boolean,
): void {
  const team = currentTeam(), { pool } = team, { job } = pool, size = bytesOf(dtype);
  const work = m * n * k, threaded = mayThread && mayHaveThreads() && work >= threadsFrom(work);
  if (threaded) pool.expect();
  const { aPanels, bPanels, rows, width, row, free, packs } = layOut(team, dtype, m, n, blockDepth);
  const products = divide(job, aPanels, bPanels, threaded ? pool.threads * TASKS_EACH : 1);
  for (let l = 0; l < k; l += blockDepth) {
    const depth = Math.min(blockDepth, k - l);
    const rawA = describe(at(a, 0, l), m, depth, free, size, rows);
    const afterA = free + rawA.bytes;
    const rawB = describe(transposed(at(b, l, 0)), n, depth, afterA, size, width);
    team.reserve(afterA + rawB.bytes);
    tell(pool, depth, rawA, rawB);
    const memory = (dtype === "float32" ? team.singles : team.doubles) as Elements;
    load(memory, rawA, at(a, 0, l), m, depth, size);
    load(memory, rawB, transposed(at(b, l, 0)), n, depth, size);
    job[30] = l === 0 ? 1 : 0;
    job[0] = 0;
    perform(pool, packs, threaded, true);
    job[0] = 1;
    perform(pool, products, threaded, l + depth < k);
  }
  const memory = dtype === "float32" ? team.singles : team.doubles;
  if (alpha === 1 && beta === 0) store(memory, row, m, n, c);
  else combine(memory, row, m, n, c, alpha, beta);
}

/** From how many multiplications threads are asked for help, as products of so many go. */
export function threadsFrom(work: number): number {
  return work < AWAKE_FROM || currentTeam().pool.awake > 0 ? AWAKE_FROM : THREADS_FROM;
}

/** How a product lies in memory: c, the panels of a and of b, then both as they lie. */
export interface ProductLayout {
  /** Panels of a and of b. */
  readonly aPanels: number;
  /** See `aPanels`. */
  readonly bPanels: number;
  /** Lines in a panel of a and in one of b. */
  readonly rows: number;
  /** See `rows`. */
  readonly width: number;
  /** Elements of a row of c. */
  readonly row: number;
  /** Where the factors may lie. */
  readonly free: number;
  /** Tasks of packing. */
  readonly packs: number;
}

/** Lays out a product of panels that are at most `blockDepth` deep, and tells it to the threads. */
export function layOut(
  { tile, pool }: Team,
  dtype: GemmType,
  m: number,
  n: number,
  blockDepth: number,
): ProductLayout {
  const { job } = pool, size = bytesOf(dtype), { rows } = tile;
  const width = columnsOf(dtype, tile), aPanels = Math.ceil(m / rows), bPanels = Math.ceil(n / width);
  const padded = blockDepth + 3, row = bPanels * width;
  const aTo = align(aPanels * rows * row * size), bTo = aTo + align(aPanels * rows * padded * size);
  const free = bTo + align(row * padded * size);
  job[1] = dtype === "float32" ? 0 : kernelNames.length;
  job[2] = size;
  job[3] = DEPTH;
  job[6] = aTo;
  job[9] = aPanels;
  job[10] = rows;
  job[12] = bTo;
  job[15] = bPanels;
  job[16] = width;
  job[17] = PACK_PANELS;
  job[18] = Math.ceil(aPanels / PACK_PANELS);
  job[22] = 0;
  job[23] = row * size;
  pool.need(job[1] + 4);
  const packs = job[18] + Math.ceil(bPanels / PACK_PANELS);
  return { aPanels, bPanels, rows, width, row, free, packs };
}

/** Tells the threads where the factors lie. */
export function tell(pool: Pool, depth: number, a: Raw, b: Raw): void {
  const { job } = pool;
  pool.need(job[1] + a.across);
  pool.need(job[1] + 2 + b.across);
  job[4] = depth;
  job[5] = a.at;
  job[7] = a.step;
  job[8] = a.across;
  job[11] = b.at;
  job[13] = b.step;
  job[14] = b.across;
}

/** Divides the product into tasks, at least so many if it is large enough, and gives their number. */
export function divide(job: Int32Array, aPanels: number, bPanels: number, least: number): number {
  let rows = Math.max(1, Math.floor(TASK_ROWS / job[10])), columns = Math.floor(TASK_COLUMNS / job[16]);
  const tasks = () => Math.ceil(aPanels / rows) * Math.ceil(bPanels / columns);
  rows = Math.min(rows, aPanels);
  columns = Math.min(columns, bPanels);
  while (tasks() < least && (rows > 4 || columns > 4)) {
    if (columns > rows) columns = Math.ceil(columns / 2);
    else rows = Math.ceil(rows / 2);
  }
  job[19] = rows;
  job[20] = columns;
  job[21] = Math.ceil(bPanels / columns);
  return tasks();
}

function perform(pool: Pool, tasks: number, threaded: boolean, more: boolean): void {
  if (threaded) pool.perform(tasks, GEMM, more);
  else for (let task = 0; task < tasks; task++) pool.run(task);
}

// ---- in and out ---------------------------------------------------------------------------------------------------

/** Rows as columns. */
export function transposed({ data, offset, rowStride, columnStride }: Matrix): Matrix {
  return { data, offset, rowStride: columnStride, columnStride: rowStride };
}

/** A matrix of `count` lines as it will lie in memory, and its bytes, with what packing may read behind it. */
export interface Layout extends Raw {
  /** Bytes. */
  readonly bytes: number;
  /** Elements to copy in one piece; 0 if they are copied line by line, -1 if element by element. */
  readonly span: number;
}

/** Rows that are copied by a call have so many elements at least, coming and going. */
const SHORT_ROW = 16, LONG_ROW = 128;

/** So many elements are copied in one piece, whatever lies between those that are wanted. */
const SMALL_SPAN = 4096;

/** How `count` lines (rows of x) of k elements are copied, to be packed in panels of `width` lines. */
export function describe(
  x: Matrix,
  count: number,
  k: number,
  at: number,
  size: number,
  width: number,
): Layout {
  const along = x.columnStride === 1 || k === 1, across = !along && (x.rowStride === 1 || count === 1);
  // with lines side by side, the rows of memory are the elements of all lines
  const [rows, length, stride] = across ? [k, count, x.columnStride] : [count, k, x.rowStride];
  const whole = (along || across) && (stride <= 2 * length || rows * stride <= SMALL_SPAN);
  if (!whole && (length < SHORT_ROW || !(along || across))) {
    return { at, step: k * size, across: 0, span: -1, bytes: align((count + width + 1) * (k + 4) * size) };
  }
  const step = whole ? stride : length, span = whole ? (rows - 1) * stride + length : 0;
  const bytes = align(((rows + width) * step + length + width + 4) * size);
  return { at, step: step * size, across: across ? 1 : 0, span, bytes };
}

/** Copies a matrix's lines to where they are to lie. */
export function load(memory: Elements, to: Layout, x: Matrix, count: number, k: number, size: number): void {
  const data = x.data as Elements, start = to.at / size;
  const { rowStride, columnStride } = x;
  if (to.span >= 0) {
    const across = to.across === 1;
    const rows = to.span > 0 ? 1 : across ? k : count, length = to.span > 0 ? to.span : across ? count : k;
    const stride = across ? columnStride : rowStride, step = to.step / size;
    for (let i = 0; i < rows; i++) {
      const from = x.offset + i * stride;
      memory.set(
        from === 0 && length === data.length ? data : data.subarray(from, from + length),
        start + i * step,
      );
    }
  } else {
    for (let i = 0, o = start; i < count; i++) {
      for (let l = 0, p = x.offset + i * rowStride; l < k; l++, p += columnStride) memory[o++] = data[p];
    }
  }
}

/** Copies the sums out. */
export function store(sums: Floats, row: number, m: number, n: number, c: Matrix): void {
  const to = c.data as Elements, { offset, rowStride, columnStride } = c;
  if (columnStride === 1 && row === n && rowStride === n) {
    to.set(sums.subarray(0, m * n) as Elements, offset);
  } else if (columnStride === 1 && n >= LONG_ROW) {
    for (let i = 0; i < m; i++) {
      to.set(sums.subarray(i * row, i * row + n) as Elements, offset + i * rowStride);
    }
  } else {
    for (let i = 0; i < m; i++) {
      for (let j = 0, s = i * row, r = offset + i * rowStride; j < n; j++, r += columnStride) {
        to[r] = sums[s++];
      }
    }
  }
}

/** Stores `alpha * sums + beta * c`, rounded once. */
export function combine(
  sums: Floats,
  row: number,
  m: number,
  n: number,
  { data, offset, rowStride, columnStride }: Matrix,
  alpha: number,
  beta: number,
): void {
  const to = data as TypedArray as Elements;
  for (let i = 0; i < m; i++) {
    let s = i * row, r = offset + i * rowStride;
    if (beta === 0) { for (let j = 0; j < n; j++, r += columnStride) to[r] = alpha * sums[s++]; }
    else for (let j = 0; j < n; j++, r += columnStride) to[r] = alpha * sums[s++] + beta * to[r];
  }
}

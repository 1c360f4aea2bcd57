/**
 * Products of batches of small matrices by several threads: each does whole products, while the asking thread copies factors in
 * and sums out. The sums are those of one product after the other, to the bit.
 * @module
 */
import type { GemmSize, Matrix } from "../gemm_js.ts";
import { WIDEST_STREAM, WorkerLost } from "../pool.ts";
import {
  combine,
  describe,
  divide,
  type Elements,
  layOut,
  load,
  store,
  TASKS_EACH,
  tell,
  transposed,
} from "./gemm.ts";
import { bytesOf, type GemmType } from "./gemm_kernel.ts";
import { GEMM } from "./tasks.ts";
import { currentTeam, loseTeam, mayThread } from "./team.ts";

/** The most bytes of a task: larger products have tasks enough of their own; and of all that are there at a time. */
const TASK_BYTES = 1 << 20, ALL_BYTES = 1 << 25;

/** Multiplications of a task, if products are small. */
const TASK_WORK = 1 << 18;

/** Tasks for each thread that are there at a time: one that is computed, others that wait or are copied. */
const PLACES_EACH = 3;

/** A matrix for each product, so many elements from one to the next. */
export interface Batch extends Matrix {
  /** Elements from a matrix to the next. */
  readonly batchStride: number;
}

/**
 * `c[i] = alpha * a[i] @ b[i] + beta * c[i]` for sizes above 0, unless products are large; gives how many are done, from the
 * first on.
 */
export function gemmWasmBatches(
  { m, n, k }: GemmSize,
  a: Batch,
  b: Batch,
  c: Batch,
  dtype: GemmType,
  alpha: number,
  beta: number,
  batch: number,
): number {
  const work = m * n * k;
  if (!mayThread()) return 0;
  const team = currentTeam(), { pool } = team, { job } = pool, size = bytesOf(dtype);
  const { aPanels, bPanels, rows, width, row, free, packs } = layOut(team, dtype, m, n, k);
  const rawA = describe(a, m, k, free, size, rows);
  const rawB = describe(transposed(b), n, k, free + rawA.bytes, size, width);
  const bytes = free + rawA.bytes + rawB.bytes;
  if (bytes > TASK_BYTES) return 0;
  const many = Math.ceil(batch / (pool.threads * TASKS_EACH));
  const each = Math.max(1, Math.min(Math.ceil(TASK_WORK / work), many, Math.floor(TASK_BYTES / bytes)));
  const tasks = Math.ceil(batch / each);
  const most = Math.min(PLACES_EACH * pool.threads, WIDEST_STREAM, Math.floor(ALL_BYTES / (each * bytes)));
  const places = Math.min(tasks, most);
  team.reserve(places * each * bytes);
  tell(pool, k, rawA, rawB);
  job[0] = 2;
  job[24] = packs;
  job[25] = divide(job, aPanels, bPanels, 1);
  job.set([bytes, each, places, batch, 1], 26);
  const memory = (dtype === "float32" ? team.singles : team.doubles) as Elements;
  let done = 0;
  const eachOf = (task: number, visit: (product: number, place: number) => void) => {
    for (let p = 0; p < Math.min(each, batch - task * each); p++) {
      visit(task * each + p, (task % places * each + p) * bytes);
    }
  };
  const of = (x: Batch, i: number): Matrix => ({ ...x, offset: x.offset + i * x.batchStride });
  const fill = (task: number) =>
    eachOf(task, (i, place) => {
      load(memory, { ...rawA, at: place + rawA.at }, of(a, i), m, k, size);
      load(memory, { ...rawB, at: place + rawB.at }, transposed(of(b, i)), n, k, size);
    });
  const drain = (task: number) =>
    eachOf(task, (i, place) => {
      const sums = memory.subarray(place / size, place / size + aPanels * rows * row);
      if (alpha === 1 && beta === 0) store(sums, row, m, n, of(c, i));
      else combine(sums, row, m, n, of(c, i), alpha, beta);
      done = i + 1;
    });
  try {
    pool.stream({ count: tasks, width: places, fill, drain }, GEMM);
  } catch (error) {
    if (!(error instanceof WorkerLost)) throw error;
    loseTeam();
  }
  return done;
}

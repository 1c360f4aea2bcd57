/**
 * Timing for the benchmarks: interleaved repeats and medians, because machines are shared and noisy.
 * @module
 */
import { torch } from "./torch.ts";

/** One workload of ours, and the same in PyTorch as a line of Python. Peers know workloads by their names. */
export interface Row {
  readonly name: string;
  readonly run: () => unknown;
  /** Another way of ours to do it, measured beside. */
  readonly other?: () => unknown;
  readonly torch?: string;
  /** What a time is multiplied by: below 1 where a run does many, above where it does one of many. */
  readonly scale?: number;
  /** How often to run it between two calls of `after`; left out, as the clock asks. */
  readonly count?: number;
  /** What is done after each measurement, while the clock stands. */
  readonly after?: () => void;
  /** How long a measurement lasts, in milliseconds; longer where only what goes on for a while shows its speed. */
  readonly roundMs?: number;
}

/** Workloads that are measured together. */
export interface Group {
  readonly name: string;
  /** Makes the rows, with what they work on. */
  rows(): Row[];
  /** What {@linkcode Row.other} is. */
  readonly other?: string;
  /** Python that makes what the rows' lines of PyTorch work on. */
  readonly torchSetup?: string;
  /** Lines about what is counted and not timed, after the measurements. */
  notes?(): string[];
  /** Why the group cannot be measured here, or null. */
  unavailable?(): string | null;
}

/** Somebody who does workloads. */
export interface Contestant {
  readonly name: string;
  /** Does a workload some times, and gives the time of one; undefined for a workload that it has not. */
  measure(workload: string): Promise<number | undefined>;
}

/** Medians by workload and contestant, in microseconds (or in what the contestants measure). */
export interface Results {
  readonly contestants: readonly string[];
  readonly rows: readonly { readonly name: string; readonly values: ReadonlyMap<string, number> }[];
  /** What went wrong, a line each. */
  readonly failures: readonly string[];
}

/** Rounds of measurements, and how long one lasts, in milliseconds. */
export const ROUNDS = 7, ROUND_MS = 120;

/** Workloads that have taken so long more than they should, in milliseconds, are not measured again. */
const ENOUGH_MS = 3000;

function median(values: readonly number[]): number {
  return values.toSorted((a, b) => a - b)[values.length >> 1];
}

/** The first line of what an error says. */
export function firstLine(error: unknown): string {
  return String(error).split("\n")[0].slice(0, 200);
}

/** Milliseconds that so many runs take. */
async function timeOf(run: () => unknown, count: number): Promise<number> {
  const start = performance.now();
  const first = run();
  if (first instanceof Promise) {
    await first;
    for (let i = 1; i < count; i++) await run();
  } else {
    for (let i = 1; i < count; i++) run();
  }
  return performance.now() - start;
}

/** Measures a workload: the first time it also finds how often to run it so that a measurement lasts {@linkcode Row.roundMs}. */
export function timer(
  row: Pick<Row, "run" | "count" | "after" | "scale" | "roundMs">,
): () => Promise<number> {
  let count = row.count;
  const { run, after, scale = 1, roundMs = ROUND_MS } = row;
  return async () => {
    if (count === undefined) {
      for (let n = 1;; n *= 2) {
        const ms = await timeOf(run, n);
        if (ms > roundMs / 2) {
          count = Math.max(1, Math.round(n * roundMs / ms));
          if (ms > ENOUGH_MS) return ms / n * 1000 * scale;
          break;
        }
      }
    }
    const ms = await timeOf(run, count);
    after?.();
    return ms / count * 1000 * scale;
  };
}

/** A contestant that runs in this process. */
export function here(name: string, rows: readonly (Pick<Row, "name" | "run">)[]): Contestant {
  const timers = new Map(rows.map((row) => [row.name, timer(row)]));
  return { name, measure: (workload) => timers.get(workload)?.() ?? Promise.resolve(undefined) };
}

/** Measures all workloads of all contestants in turn, several rounds. */
export async function compare(
  workloads: readonly string[],
  contestants: readonly Contestant[],
  rounds = ROUNDS,
  roundMs: ReadonlyMap<string, number> = new Map(),
): Promise<Results> {
  const times = workloads.map(() => contestants.map((): number[] => []));
  const spent = workloads.map(() => contestants.map(() => 0));
  const failures: string[] = [];
  for (let round = 0; round < rounds; round++) {
    for (const [i, workload] of workloads.entries()) {
      for (const [k, contestant] of contestants.entries()) {
        if (spent[i][k] > ENOUGH_MS) continue;
        const start = performance.now();
        try {
          const us = await contestant.measure(workload);
          if (us === undefined) spent[i][k] = Infinity;
          else {
            times[i][k].push(us);
            spent[i][k] += Math.max(0, performance.now() - start - (roundMs.get(workload) ?? ROUND_MS) * 2);
          }
        } catch (error) {
          failures.push(`${contestant.name}, ${workload}: ${firstLine(error)}`);
          spent[i][k] = Infinity;
        }
      }
    }
  }
  const rows = workloads.map((name, i) => {
    const measured = contestants.flatMap(({ name }, k) =>
      times[i][k].length === 0 ? [] : [[name, median(times[i][k])] as const]
    );
    return { name, values: new Map(measured) };
  });
  return { contestants: contestants.map(({ name }) => name), rows, failures };
}

/** A time in words. */
export function microseconds(us: number): string {
  if (us < 1000) return `${us.toFixed(2)} us`;
  return us < 1e6 ? `${(us / 1000).toFixed(2)} ms` : `${(us / 1e6).toFixed(2)} s`;
}

/** The results as a table: beside ours, what the others take and how many times as much as ours that is. */
export function table(results: Results, text: (value: number) => string = microseconds): string {
  const [ours, ...others] = results.contestants.filter((name) =>
    results.rows.some(({ values }) => values.has(name))
  );
  const lines = [["", ours, ...others]];
  for (const { name, values } of results.rows) {
    const mine = values.get(ours);
    const cells = others.map((other) => {
      const value = values.get(other);
      if (value === undefined) return "-";
      if (mine === undefined) return text(value);
      const ratio = value / mine;
      return `${text(value)} ${ratio.toFixed(ratio < 100 ? 1 : 0).padStart(5)}x`;
    });
    lines.push([name, mine === undefined ? "-" : text(mine), ...cells]);
  }
  const widths = lines[0].map((_, i) => Math.max(...lines.map((cells) => cells[i].length)));
  return lines.map((cells) =>
    cells.map((cell, i) => i === 0 ? cell.padEnd(widths[i]) : cell.padStart(widths[i])).join("   ").trimEnd()
  ).concat(results.failures.map((failure) => `failed: ${failure}`)).join("\n");
}

/** A contestant whose times are multiplied as the rows say. */
function scaled(contestant: Contestant, rows: readonly Row[]): Contestant {
  const scales = new Map(rows.map(({ name, scale }) => [name, scale ?? 1]));
  return {
    name: contestant.name,
    measure: async (workload) => {
      const us = await contestant.measure(workload);
      return us === undefined ? undefined : us * scales.get(workload)!;
    },
  };
}

/** Measures rows of ours, with the other way where there is one, and PyTorch's lines where a Python is named. */
export async function measure(
  rows: readonly Row[],
  torchSetup: string,
  python?: string,
  other = "other",
  peers: readonly Contestant[] = [],
): Promise<Results> {
  const others = rows.flatMap(({ name, other, scale, roundMs }) =>
    other === undefined ? [] : [{ name, run: other, scale, roundMs }]
  );
  const contestants = [here("ours", rows), here(other, others), ...peers.map((peer) => scaled(peer, rows))];
  const child = python === undefined ? undefined : await torch(python, torchSetup, rows, ROUND_MS);
  const roundMs = new Map(rows.flatMap((row) => row.roundMs === undefined ? [] : [[row.name, row.roundMs]]));
  try {
    if (child !== undefined) contestants.push(child);
    return await compare(rows.map(({ name }) => name), contestants, ROUNDS, roundMs);
  } finally {
    await child?.close();
  }
}

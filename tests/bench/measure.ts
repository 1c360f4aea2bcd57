/**
 * Timing for the benchmarks: interleaved repeats and medians, because the machines are shared and noisy.
 * @module
 */

/** One workload, and the same in PyTorch as a line of Python. */
export interface Row {
  readonly name: string;
  readonly run: () => unknown;
  /** Another way of ours to do it, measured beside. */
  readonly other?: () => unknown;
  readonly torch?: string;
}

/** Median times in microseconds. */
export interface Result {
  readonly name: string;
  readonly ours: number;
  readonly other?: number;
  readonly torch?: number;
}

const ROUNDS = 7, ROUND_MS = 120;

function median(values: number[]): number {
  return values.toSorted((a, b) => a - b)[values.length >> 1];
}

/** How often to run a workload so that one measurement takes about {@linkcode ROUND_MS}. */
function repeats(run: () => unknown): number {
  let n = 1;
  for (;;) {
    const start = performance.now();
    for (let i = 0; i < n; i++) run();
    const elapsed = performance.now() - start;
    if (elapsed > ROUND_MS / 2) return Math.max(1, Math.round(n * ROUND_MS / elapsed));
    n *= 2;
  }
}

/** Measures all workloads in turn, several rounds, and PyTorch's in the same rounds where a Python is named. */
export async function measure(rows: readonly Row[], torchSetup: string, python?: string): Promise<Result[]> {
  const counts = rows.map((row) => repeats(row.run));
  const otherCounts = rows.map((row) => row.other === undefined ? 0 : repeats(row.other));
  const ours: number[][] = rows.map(() => []), others: number[][] = rows.map(() => []);
  const theirs: number[][] = rows.map(() => []);
  for (let round = 0; round < ROUNDS; round++) {
    rows.forEach((row, i) => {
      ours[i].push(once(row.run, counts[i]));
      if (row.other !== undefined) others[i].push(once(row.other, otherCounts[i]));
    });
    if (python !== undefined) {
      (await torchRound(rows, torchSetup, python)).forEach((us, i) => theirs[i].push(us));
    }
  }
  const middle = (values: number[]) => values.length === 0 ? undefined : median(values);
  return rows.map((row, i) => ({
    name: row.name,
    ours: median(ours[i]),
    other: middle(others[i]),
    torch: middle(theirs[i]),
  }));
}

/** Microseconds that one run takes. */
function once(run: () => unknown, count: number): number {
  const start = performance.now();
  for (let k = 0; k < count; k++) run();
  return (performance.now() - start) / count * 1000;
}

async function torchRound(rows: readonly Row[], setup: string, python: string): Promise<number[]> {
  const script = `${setup}
import json, time, timeit
out = []
for line in ${JSON.stringify(rows.map((row) => row.torch ?? "None"))}:
    timer = timeit.Timer(line, globals=globals())
    timer.timeit(20)
    n, t = 1, 0.0
    while t < ${ROUND_MS / 2000}:
        n *= 2
        t = timer.timeit(n)
    out.append(t / n * 1e6)
print(json.dumps(out))
`;
  const { success, stdout, stderr } = await new Deno.Command(python, { args: ["-c", script] }).output();
  if (!success) throw new Error(`PyTorch could not be measured: ${new TextDecoder().decode(stderr)}`);
  return JSON.parse(new TextDecoder().decode(stdout));
}

/** The results as a table; `other` names the other way of ours. */
export function table(results: readonly Result[], other = "other"): string {
  const text = (us: number) => us < 1000 ? `${us.toFixed(2)} us` : `${(us / 1000).toFixed(2)} ms`;
  const width = Math.max(...results.map((r) => r.name.length));
  return results.map((r) => {
    const beside = (name: string, us: number | undefined) =>
      us === undefined ? "" : `   ${name} ${text(us).padStart(10)} ${(us / r.ours).toFixed(1).padStart(6)}x`;
    return `${r.name.padEnd(width)} ${text(r.ours).padStart(10)}${beside(other, r.other)}${
      beside("PyTorch", r.torch)
    }`;
  }).join("\n");
}

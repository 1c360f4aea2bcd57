/**
 * PyTorch as a contestant, in a Python that has it.
 * @module
 */
import { ascii, Child } from "./child.ts";
import type { Row } from "./measure.ts";

/** Starts PyTorch with the setup and the lines of some rows. A measurement lasts about so many milliseconds, or what a row says. */
export function torch(python: string, setup: string, rows: readonly Row[], roundMs: number): Promise<Child> {
  const lines = Object.fromEntries(
    rows.flatMap((row) =>
      row.torch === undefined
        ? []
        : [[row.name, [row.torch, row.scale ?? 1, (row.roundMs ?? roundMs) / 1000]]]
    ),
  );
  const script = `
import json, sys, timeit
import torch
${setup}
lines = ${ascii(lines)}
timers = {name: timeit.Timer(line, globals=globals()) for name, (line, *_) in lines.items()}
counts = {}
print(json.dumps({"workloads": list(lines)}), flush=True)
for request in sys.stdin:
    name = json.loads(request)
    try:
        timer, (_, scale, seconds) = timers[name], lines[name]
        if name not in counts:
            n, t = 1, timer.timeit(1)
            while t < seconds / 2:
                n *= 2
                t = timer.timeit(n)
            counts[name] = max(1, round(n * seconds / t))
        n = counts[name]
        print(json.dumps({"us": timer.timeit(n) / n * 1e6 * scale}), flush=True)
    except Exception as error:
        print(json.dumps({"error": str(error)}), flush=True)
`;
  return Child.start("PyTorch", python, ["-c", script]);
}

/**
 * What whole processes take: a process that imports the library, does its first operation and ends; and the most memory that a
 * process has that takes 10,000 steps forward and backward.
 * @module
 */
import type { Contestant } from "./measure.ts";

/** The workloads: the first in microseconds, the second in bytes. */
export const START = "process: import, first operation, end",
  MEMORY = "most memory in 10,000 steps of 1,000 numbers";

const torchPrograms: Record<string, string> = {
  [START]: "import torch; (torch.tensor([1., 2., 3.]) + 1).tolist()",
  [MEMORY]: `
import torch
x = torch.ones(1000, requires_grad=True)
for i in range(10000):
    x.grad = None
    (2 * x * x - 3 * x + 4).sum().backward()
try:
    status = dict(line.split(":", 1) for line in open("/proc/self/status"))
    print(int(status["VmHWM"].split()[0]) * 1024)
except FileNotFoundError:
    import resource, sys
    most = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    print(most if sys.platform == "darwin" else most * 1024)
`,
};

async function run(command: string, args: string[]): Promise<string> {
  const { success, code, stdout, stderr } = await new Deno.Command(command, { args }).output();
  const text = new TextDecoder().decode(stdout);
  if (!success) {
    const { error } = text.startsWith("{") ? JSON.parse(text) : { error: new TextDecoder().decode(stderr) };
    throw new Error(error || `the process ended with code ${code}`);
  }
  return text;
}

function contestant(name: string, start: () => Promise<string>, memory?: () => Promise<string>): Contestant {
  return {
    name,
    measure: async (workload) => {
      if (workload === MEMORY) return memory === undefined ? undefined : Number(await memory());
      const before = performance.now();
      await start();
      return (performance.now() - before) * 1000;
    },
  };
}

/** Ours, Deno without anything, the peers named, and PyTorch where a Python is. */
export function processes(deno: string, peers: readonly string[], python?: string): Contestant[] {
  const serve = new URL("./peers/serve.ts", import.meta.url).href;
  const served = (name: string, ...permissions: string[]): Contestant => {
    const args = ["run", "--no-lock", "--no-check", ...permissions, serve, name];
    return contestant(name, () => run(deno, [...args, "first"]), () => run(deno, [...args, "memory"]));
  };
  const empty = new URL("./peers/empty.ts", import.meta.url).href;
  return [
    served("ours"),
    contestant("Deno alone", () => run(deno, ["run", "--no-lock", "--no-check", empty])),
    ...peers.map((name) => served(name, "-A")),
    ...python === undefined ? [] : [
      contestant(
        "PyTorch",
        () => run(python, ["-c", torchPrograms[START]]),
        () => run(python, ["-c", torchPrograms[MEMORY]]),
      ),
    ],
  ];
}

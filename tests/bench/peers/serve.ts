/**
 * A library in a process of its own: answers a line of JSON, the name of a workload, with the time that it takes; or does its
 * first operation and ends; or takes 10,000 steps (or so many) and writes the most memory that the process was seen to have.
 *
 *     deno run -A --no-lock serve.ts NAME [first|memory [STEPS]]
 *
 * @module
 */
import { TextLineStream } from "../lines.ts";
import { firstLine, timer } from "../measure.ts";
import type { Peer } from "./peer.ts";

const loaders: Record<string, () => Promise<Peer>> = {
  "ours": async () => (await import("./ours.ts")).load(),
  "ours-webgpu": async () => (await import("./ours.ts")).load("webgpu"),
  "tfjs-webgpu": async () => (await import("./tfjs_webgpu.ts")).load(),
  "jax-js-webgpu": async () => (await import("./jax_webgpu.ts")).load(),
  "jax-js": async () => (await import("./jax.ts")).load(false),
  "jax-js jit": async () => (await import("./jax.ts")).load(true),
  "tfjs-wasm": async () => (await import("./tfjs.ts")).load("wasm"),
  "tfjs-cpu": async () => (await import("./tfjs.ts")).load("cpu"),
  "js-pytorch": async () => (await import("./js_pytorch.ts")).load(),
};

const answer = console.log;
// what a library logs is no answer
console.log = console.info = console.warn = console.error;

const [name, task, steps = "10000"] = Deno.args;
let peer: Peer;
try {
  peer = await loaders[name]();
} catch (error) {
  answer(JSON.stringify({ error: firstLine(error) }));
  Deno.exit(1);
}

if (task === "first") {
  await peer.first();
  Deno.exit(); // whatever threads there are
} else if (task === "memory") {
  // not the system's own maximum, which a process takes over from the one that starts it
  let most = 0;
  for (let i = 0; i < Number(steps); i++) {
    await peer.step();
    if (i % 20 === 0) most = Math.max(most, Deno.memoryUsage().rss);
  }
  answer(most);
  Deno.exit();
}
answer(JSON.stringify({ workloads: Object.keys(peer.workloads) }));
const timers = new Map<string, () => Promise<number>>();
const lines = Deno.stdin.readable.pipeThrough(new TextDecoderStream()).pipeThrough(new TextLineStream());
for await (const line of lines) {
  const workload: string = JSON.parse(line);
  try {
    if (!timers.has(workload)) timers.set(workload, timer({ run: peer.workloads[workload]() }));
    answer(JSON.stringify({ us: await timers.get(workload)!() }));
  } catch (error) {
    answer(JSON.stringify({ error: firstLine(error) }));
  }
}
Deno.exit();

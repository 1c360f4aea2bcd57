/**
 * The benchmarks, as a table: ours, other JavaScript libraries from npm, and PyTorch, in one run. Prints medians; nothing is
 * asserted.
 *
 *     deno task bench                     every group
 *     deno task bench small large         these
 *     deno task bench --torch=PYTHON      PyTorch beside, for a Python that has it
 *     deno task bench --blas              with the BLAS library of this machine, and what there is without it beside
 *     deno task bench --peers             peers beside, all or --peers=NAME,NAME; npm serves them, and they get all permissions
 *
 * @module
 */
import { backends, setBlas } from "../../mod.ts";
import { Child } from "./child.ts";
import { compare, firstLine, type Group, measure, table } from "./measure.ts";
import { gpu } from "./webgpu.ts";
import { large } from "./large.ts";
import { matmul } from "./products.ts";
import { small } from "./small.ts";
import { MEMORY, processes, START } from "./start.ts";
import { training } from "./training.ts";

const groups: readonly Group[] = [small, large, matmul, training, gpu];
const groupNames = [...groups.map(({ name }) => name), "start"];
const peerNames = [
  "jax-js",
  "jax-js jit",
  "tfjs-wasm",
  "tfjs-cpu",
  "js-pytorch",
  "tfjs-webgpu",
  "jax-js-webgpu",
];

function refuse(message: string): never {
  console.error(message);
  Deno.exit(2);
}

let python: string | undefined, wanted: string[] = [], blas = "off";
const chosen: string[] = [];
for (const arg of Deno.args) {
  if (arg.startsWith("--torch=")) python = arg.slice("--torch=".length);
  else if (arg === "--blas") blas = "auto";
  else if (arg.startsWith("--blas=")) blas = arg.slice("--blas=".length);
  else if (arg === "--peers") wanted = peerNames;
  else if (arg.startsWith("--peers=")) wanted = arg.slice("--peers=".length).split(",");
  else if (groupNames.includes(arg)) chosen.push(arg);
  else refuse(`No group or option "${arg}": the groups are ${groupNames.join(", ")}`);
}
for (const name of wanted) {
  if (!peerNames.includes(name)) refuse(`No peer "${name}": the peers are ${peerNames.join(", ")}`);
}

setBlas(blas);
const load = () => Deno.loadavg().map((value) => value.toFixed(1)).join(" ");
console.log(`${navigator.hardwareConcurrency} cores, ${Deno.build.target}, Deno ${Deno.version.deno}`);
console.log(String(backends()));
console.log("Medians; beside a time how many times as much it is as ours.");

const deno = Deno.execPath();
const peers: Child[] = [];
try {
  for (const name of wanted) {
    const serve = new URL("./peers/serve.ts", import.meta.url).href;
    try {
      peers.push(await Child.start(name, deno, ["run", "-A", "--no-lock", "--no-check", serve, name]));
    } catch (error) {
      console.log(`${name} cannot be measured: ${firstLine(error)}`);
    }
  }
  const known = new Set<string>();
  for (const group of groups) {
    if (chosen.length > 0 && !chosen.includes(group.name)) continue;
    const reason = group.unavailable?.() ?? null;
    if (reason !== null) {
      console.log(`\n${group.name}: not measured, ${reason}`);
      continue;
    }
    const rows = group.rows();
    for (const row of rows) known.add(row.name);
    console.log(`\n${group.name} (load ${load()})`);
    console.log(table(await measure(rows, group.torchSetup ?? "", python, group.other, peers)));
    for (const line of group.notes?.() ?? []) console.log(line);
  }
  if (chosen.length === 0) {
    for (const peer of peers) {
      const unknown = [...peer.workloads].filter((workload) => !known.has(workload));
      if (unknown.length > 0) throw new Error(`${peer.name} has workloads of no row: ${unknown.join("; ")}`);
    }
  }
  if (chosen.length === 0 || chosen.includes("start")) {
    console.log(`\nstart (load ${load()})`);
    const contestants = processes(deno, peers.map(({ name }) => name), python);
    console.log(table(await compare([START], contestants)));
    console.log(table(await compare([MEMORY], contestants, 3), (bytes) => `${(bytes / 1e6).toFixed(0)} MB`));
  }
} finally {
  await Promise.all(peers.map((peer) => peer.close()));
}

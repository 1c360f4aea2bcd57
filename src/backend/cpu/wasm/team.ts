/**
 * The memory that threads share, with its kernels and workers. What is in the memory is of no use after the job that brought it.
 * @module
 */
import { getNumThreads, Pool } from "../pool.ts";
import { features } from "./features.ts";
import { kernelModules, type Tile, tileFor } from "./gemm_kernel.ts";
import { gemmTasks, programTasks } from "./tasks.ts";
import { winogradModules } from "./winograd_kernel.ts";
import { winogradTasks } from "./winograd_tasks.ts";

/** Pages of 64 KiB that the memory begins with, and the most that blocks can need. */
const PAGES = 16, PAGE = 65536;

/** The most pages that the memory can have. */
export const MOST_PAGES = 1024;

/** How often lost workers are replaced. */
const REPLACEMENTS = 3;

/** The memory with its kernels and workers. */
export class Team {
  /** The memory. */
  readonly memory: WebAssembly.Memory = new WebAssembly.Memory({
    initial: PAGES,
    maximum: MOST_PAGES,
    shared: true,
  });
  /** The threads. */
  readonly pool: Pool;
  private readonly zeros = new Float32Array(1 << 12);
  /** The whole memory as singles. */
  singles!: Float32Array<ArrayBufferLike>;
  /** The whole memory as doubles. */
  doubles!: Float64Array<ArrayBufferLike>;

  /** A team whose products use this tile. */
  constructor(readonly tile: Tile, fused: boolean, patience?: number) {
    const modules = (["float32", "float64"] as const).flatMap((dtype) =>
      kernelModules({ dtype, tile, fused, maximum: MOST_PAGES })
    );
    modules.push(...winogradModules(tile, fused, MOST_PAGES));
    this.pool = new Pool(
      { memory: this.memory, modules, runners: [gemmTasks, programTasks, winogradTasks] },
      patience,
    );
    this.reserve(0);
  }

  /** Fills singles with zeros. Copying them is three times as fast as `fill`, which writes shared memory element by element. */
  clear(start: number, end: number): void {
    const { zeros } = this;
    for (let at = start; at < end; at += zeros.length) {
      this.singles.set(end - at < zeros.length ? zeros.subarray(0, end - at) : zeros, at);
    }
  }

  /** Makes room for so many bytes. */
  reserve(bytes: number): void {
    const missing = bytes - this.memory.buffer.byteLength;
    if (missing > 0) this.memory.grow(Math.ceil(missing / PAGE));
    else if (this.singles !== undefined) return;
    this.singles = new Float32Array(this.memory.buffer);
    this.doubles = new Float64Array(this.memory.buffer);
  }
}

let team: Team | undefined, replaced = 0;

/** The tile to use instead of the processor's own. For tests. */
let choice: { readonly tile: Tile; readonly fused: boolean } | undefined;

/** Uses kernels with this tile from now on; the processor's own if undefined. For tests. */
export function setTile(tile?: { readonly tile: Tile; readonly fused: boolean }): void {
  choice = tile;
  endTeam();
}

/** The workers, if there are any kernels yet. For tests. */
export function currentPool(): Pool | undefined {
  return team?.pool;
}

function endTeam(): void {
  team?.pool.stop();
  team = undefined;
}

/** Ends a team that has lost a worker. Its memory goes too: who hangs may wake and write into it. */
export function loseTeam(): void {
  endTeam();
  replaced++;
}

/** Whether workers may be asked: not where they were lost again and again. */
export function mayThread(): boolean {
  return replaced <= REPLACEMENTS && getNumThreads() > 1;
}

/** The team of the number of threads that is wanted. */
export function currentTeam(): Team {
  if (team !== undefined && team.pool.threads !== getNumThreads()) endTeam();
  if (team === undefined) {
    const fused = choice?.fused ?? features()!.fused;
    team = new Team(choice?.tile ?? tileFor(fused), fused);
  }
  return team;
}

/** Whether this engine has memory that threads can share, and vectors. */
export function hasTeam(): boolean {
  return features() !== null && typeof SharedArrayBuffer === "function";
}

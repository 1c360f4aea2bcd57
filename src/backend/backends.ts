/**
 * What computes here, and why: `dg.backends()`.
 * @module
 */
import { escapeHTML } from "../display/escape.ts";
import { DISPLAY, type Displayable, type MimeBundle } from "../display/mime.ts";
import { type BlasReport, blasReport } from "./cpu/blas/library.ts";
import { getNumThreads } from "./cpu/pool.ts";
import { features } from "./cpu/wasm/features.ts";
import { type GpuInfo, info, whyUnavailable } from "./webgpu/device.ts";

export type { BlasReport, LibraryKind } from "./cpu/blas/library.ts";
export type { GpuInfo } from "./webgpu/device.ts";

/** What computes on the CPU. */
export interface CpuReport {
  /** How large operations are computed: in WebAssembly with vectors (relaxed ones where the engine has them), or in JavaScript. */
  readonly tier: "WASM SIMD (relaxed)" | "WASM SIMD" | "JavaScript";
  /** Threads for large products. */
  readonly threads: number;
  /** The native library for large products. */
  readonly blas: BlasReport;
}

/** What computes on the GPU. */
export interface GpuReport {
  /** What the GPU can do, or null without one. */
  readonly info: GpuInfo | null;
  /** Why there is none, or null if there is one. */
  readonly why: string | null;
}

/** What computes here, and why. Prints as a table. */
export class Backends implements Displayable {
  /** The CPU. */
  readonly cpu: CpuReport;
  /** The GPU. */
  readonly webgpu: GpuReport;

  /** Takes what was found; use {@linkcode backends}. */
  constructor(cpu: CpuReport, webgpu: GpuReport) {
    this.cpu = cpu;
    this.webgpu = webgpu;
  }

  #rows(): [string, string][] {
    const { tier, threads, blas } = this.cpu, { info, why } = this.webgpu;
    const name = blas.version ?? blas.kind;
    return [
      ["cpu", `${tier}, ${threads} ${threads === 1 ? "thread" : "threads"}`],
      ["blas", blas.library === null ? `none: ${blas.why}` : `${name} (${blas.library}): ${blas.why}`],
      ["webgpu", info === null ? `none: ${why}` : info.description + (info.software ? " (software)" : "")],
    ];
  }

  /** A line for each. */
  toString(): string {
    return this.#rows().map(([name, text]) => `${name.padEnd(6)}  ${text}`).join("\n");
  }

  /** For Deno's console. */
  [Symbol.for("Deno.customInspect")](): string {
    return this.toString();
  }

  /** For notebooks. */
  [DISPLAY](): MimeBundle {
    const cell = (text: string) => `<td style="text-align:left;padding:1px 8px">${escapeHTML(text)}</td>`;
    const rows = this.#rows().map(([name, text]) =>
      `<tr><th style="text-align:left">${name}</th>${cell(text)}</tr>`
    );
    return { "text/plain": this.toString(), "text/html": `<table>${rows.join("")}</table>` };
  }
}

/**
 * What computes here, and why. It opens what is not open yet, as the first use would: the GPU (a tenth of a second), and the
 * BLAS library where that is permitted (some hundredths). It asks for no permission.
 *
 * @example
 * ```ts
 * import * as dg from "@dinograd/dinograd";
 *
 * console.log(dg.backends());
 * ```
 */
export function backends(): Backends {
  const known = features();
  const tier = known === null ? "JavaScript" : known.fused ? "WASM SIMD (relaxed)" : "WASM SIMD";
  return new Backends(
    { tier, threads: getNumThreads(), blas: blasReport() },
    { info: info(), why: whyUnavailable() },
  );
}

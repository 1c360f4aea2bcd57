/**
 * Where the golden answers and the lessons are asked: ways of computing on the CPU, and other devices. Every suite registers
 * its tests once for each configuration with `matrixTest`; `DINOGRAD_MATRIX` names the configurations (`js,wasm,threads,blas,webgpu`).
 *
 * @module
 */
import { assert } from "@std/assert";
import {
  backends,
  getDefaultDevice,
  getNumThreads,
  setDefaultDevice,
  setNumThreads,
  webgpu,
} from "../../mod.ts";
import { type GemmTier, setGemmTier } from "../../src/backend/cpu/gemm.ts";
import { type CpuTier, setCpuTier } from "../../src/backend/cpu/tier.ts";
import { hasGemm } from "../../src/backend/cpu/wasm/gemm.ts";
import { features } from "../../src/backend/cpu/wasm/features.ts";
import { currentTeam } from "../../src/backend/cpu/wasm/team.ts";
import { type Exception, exceptions, exceptionsFor, stale } from "./webgpu_exceptions.ts";

/** A way of computing. */
export interface Configuration {
  readonly name: string;
  /** Why it cannot be used here, or null. Opens what has to be opened. */
  readonly missing: () => string | null;
  /** Puts it in force and gives the function that puts things back. */
  readonly enter: () => () => void;
}

/** Products and pointwise operations go one way, whatever their size. */
function tiers(cpu: CpuTier, gemm: GemmTier, threads = 1): () => () => void {
  return () => {
    const before = [setCpuTier(cpu), setGemmTier(gemm), getNumThreads()] as const;
    setNumThreads(threads);
    return () => {
      setCpuTier(before[0]);
      setGemmTier(before[1]);
      setNumThreads(before[2]);
    };
  };
}

/** Why there is no WebAssembly with vectors, or null. */
const withoutWasm = (): string | null =>
  features() === null || !hasGemm() ? "this engine has no WebAssembly SIMD" : null;

/** Every configuration. */
export const configurations: readonly Configuration[] = [
  { name: "js", missing: () => null, enter: tiers("js", "js") },
  { name: "wasm", missing: withoutWasm, enter: tiers("wasm", "wasm") },
  {
    name: "threads",
    missing: withoutWasm,
    enter() {
      const leave = tiers("wasm+threads", "wasm+threads", 2)();
      currentTeam().pool.start(); // programs use workers when they have come
      return leave;
    },
  },
  {
    name: "blas",
    missing() {
      const { library, why } = backends().cpu.blas;
      return library === null ? why : null;
    },
    enter: tiers("auto", "blas"),
  },
  {
    name: "webgpu",
    missing: () => webgpu.whyUnavailable(),
    enter() {
      const before = getDefaultDevice();
      setDefaultDevice("webgpu");
      return () => setDefaultDevice(before);
    },
  },
];

/** What runs unless `DINOGRAD_MATRIX` says otherwise; the others are slower, or need permissions that tests do not have. */
const USUAL = "js,wasm,webgpu";

function variable(name: string): string | undefined {
  return Deno.permissions.querySync({ name: "env", variable: name }).state === "granted"
    ? Deno.env.get(name)
    : undefined;
}

const wanted = variable("DINOGRAD_MATRIX");

/** Whether somebody named the configurations: then one that cannot be used is a failure. */
export const named: boolean = wanted !== undefined;

/** The configurations that were asked for, with the reason why one cannot be used here. */
export const asked: readonly { readonly configuration: Configuration; readonly missing: string | null }[] =
  (wanted ?? USUAL).split(",").map((name) => {
    const configuration = configurations.find((c) => c.name === name.trim());
    if (configuration === undefined) {
      throw new RangeError(`DINOGRAD_MATRIX: there is no configuration ${name}`);
    }
    return { configuration, missing: configuration.missing() };
  });

/** The configurations to test. */
export const chosen: readonly Configuration[] = asked.filter((a) => a.missing === null).map((a) =>
  a.configuration
);

/** Runs a function in a configuration. */
export async function within<T>(configuration: Configuration, fn: () => T | Promise<T>): Promise<T> {
  const leave = configuration.enter();
  try {
    return await fn();
  } finally {
    leave();
  }
}

/** Whether all problems of an operation are shown, not the first ones only. */
export const showAll: boolean = variable("DINOGRAD_PROBLEMS") === "all";

/** A test as `Deno.test` takes it. */
export interface MatrixTest {
  readonly name: string;
  /** Not built yet. */
  readonly ignore?: boolean;
  /** It looks up exceptions itself, for each of its cases. */
  readonly byCase?: boolean;
  readonly fn: (test: Deno.TestContext) => void | Promise<void>;
}

/**
 * Fails where `fn` does not fail with the text of the exception: an exception that is none any more has to be taken out. Without an
 * exception just runs it.
 */
export async function orException(
  name: string,
  fn: () => void | Promise<void>,
  among: readonly Exception[] = exceptions,
): Promise<void> {
  if (getDefaultDevice() !== "webgpu") return await fn();
  let error: unknown;
  try {
    await fn();
  } catch (e) {
    error = e;
  }
  try {
    webgpu.synchronize(); // an error that the GPU has not told yet belongs to this test
  } catch (e) {
    error ??= e;
  }
  const applicable = exceptionsFor(name, [], among);
  const message = error instanceof Error ? error.message : "";
  if (error !== undefined && !applicable.some((e) => e.fails.test(message))) throw error;
  assert(error !== undefined || applicable.length === 0, stale(name));
}

/** Registers the test for a configuration. */
export function testIn(
  configuration: Configuration,
  { name, ignore = false, byCase = false, fn }: MatrixTest,
): void {
  Deno.test({
    name: `${name} [${configuration.name}]`,
    ignore,
    // reading from the GPU without waiting leaves a promise of Deno's open until the event loop turns
    sanitizeOps: configuration.name !== "webgpu",
    sanitizeResources: configuration.name !== "webgpu",
    fn: (test) => within(configuration, () => byCase ? fn(test) : orException(name, () => fn(test))),
  });
}

/** Registers the test for every configuration. */
export function matrixTest(test: MatrixTest): void {
  for (const configuration of chosen) testIn(configuration, test);
}

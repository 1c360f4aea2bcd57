/**
 * Finding and opening a BLAS library: when it is first needed, and only where native libraries may be opened already. Nothing
 * asks for permission. What cannot be used counts as none, with the reason.
 * @module
 */
import { getNumThreads } from "../pool.ts";
import { faultOf, fortran, type Routines, routinesOf, type Symbols, wanted } from "./routines.ts";

/** An open library. */
export interface Library extends Routines {
  /** The path or name it was opened by. */
  readonly name: string;
  /** What it is. */
  readonly kind: LibraryKind;
  /** What it says of itself, or null. */
  readonly version: string | null;
}

/** The libraries that are known, and all others. */
export type LibraryKind = "Accelerate" | "MKL" | "OpenBLAS" | "BLIS" | "other";

/** What is in use, and why. */
export interface BlasReport {
  /** What was chosen: "auto", "off", or a name or path. */
  readonly choice: string;
  /** The library that large products use, or null. */
  readonly library: string | null;
  /** What it is, or null. */
  readonly kind: LibraryKind | null;
  /** What it says of itself, or null. */
  readonly version: string | null;
  /** Why it is used, or why none is. */
  readonly why: string;
}

type Opened = { readonly library: Library; readonly why: string } | { readonly why: string };

// ---- what to look for ---------------------------------------------------------------------------------------------

/**
 * Names to try by operating system, the fastest first (on AMD's processors OpenBLAS takes half of MKL's time), that of no
 * particular library last.
 */
const names: Partial<Record<typeof Deno.build.os, readonly string[]>> = {
  darwin: [
    "/System/Library/Frameworks/Accelerate.framework/Accelerate",
    "/opt/homebrew/opt/openblas/lib/libopenblas.dylib",
    "/usr/local/opt/openblas/lib/libopenblas.dylib",
    "libopenblas.dylib",
  ],
  windows: ["libopenblas.dll", "openblas.dll", "mkl_rt.3.dll", "mkl_rt.2.dll", "mkl_rt.dll"],
};
const elsewhere = [
  "libopenblas.so.0",
  "libopenblasp.so.0",
  "libopenblas.so",
  "libmkl_rt.so.3",
  "libmkl_rt.so.2",
  "libmkl_rt.so",
  "libblis.so.4",
  "libblas.so.3",
];

/** Whether a library may be opened without asking anybody. */
function permitted(path?: string): boolean {
  const state = (descriptor: Deno.FfiPermissionDescriptor) => Deno.permissions.querySync(descriptor).state;
  return state({ name: "ffi" }) === "granted" ||
    (path !== undefined && state({ name: "ffi", path }) === "granted");
}

const denied = "native libraries are not permitted: run with --allow-ffi";

function hostRefuses(): string | null {
  return typeof Deno === "undefined" || typeof Deno.dlopen !== "function"
    ? "this host cannot open native libraries"
    : null;
}

/** The user's choice from outside, where it may be read. */
function fromEnvironment(): string | undefined {
  const variable = "DINOGRAD_BLAS";
  if (typeof Deno === "undefined") return undefined;
  if (Deno.permissions.querySync({ name: "env", variable }).state !== "granted") return undefined;
  return Deno.env.get(variable) || undefined;
}

// ---- the choice ---------------------------------------------------------------------------------------------------

let choice: string | undefined, opened: Opened | undefined, told = 0;

/** What {@linkcode setBlas} chose: "auto" unless the environment variable DINOGRAD_BLAS can be read and says otherwise. */
export function getBlas(): string {
  return choice ??= fromEnvironment() ?? "auto";
}

/**
 * Chooses the BLAS library for large products on the CPU: "auto" (the first that is found, where `--allow-ffi` permits it),
 * "off", or the name or path of one. One that cannot be used throws, and the choice stays as it was.
 */
export function setBlas(library: string): void {
  if (typeof library !== "string") throw new TypeError(`setBlas expects a string, but got ${typeof library}`);
  if (library === "") throw new RangeError('setBlas expects "auto", "off", or the name or path of a library');
  if (library !== "auto" && library !== "off") {
    const next = open(library, "setBlas");
    if (!("library" in next)) throw new RangeError(`setBlas: ${next.why}`);
    opened = next;
  } else opened = undefined;
  choice = library;
  told = 0;
}

/** The library, opened by the first call, or null. It is told the number of threads. */
export function blasLibrary(): Library | null {
  opened ??= open(getBlas(), "DINOGRAD_BLAS");
  if (!("library" in opened)) return null;
  if (told !== getNumThreads()) tellThreads(opened.library);
  return opened.library;
}

/** Whether a library is open that has threads of its own. Opens none. */
export function hasBlasThreads(): boolean {
  return opened !== undefined && "library" in opened && getNumThreads() > 1;
}

/** What is in use; opens the library if nobody has yet. */
export function blasReport(): BlasReport {
  const library = blasLibrary();
  return {
    choice: getBlas(),
    library: library?.name ?? null,
    kind: library?.kind ?? null,
    version: library?.version ?? null,
    why: opened!.why,
  };
}

// ---- opening ------------------------------------------------------------------------------------------------------

/** Opens the library of a choice that was made in some way. */
function open(choice: string, way: string): Opened {
  if (choice === "off") return { why: "switched off" };
  const refusal = hostRefuses();
  if (refusal !== null) return { why: refusal };
  if (choice !== "auto") {
    if (!permitted(choice)) return { why: `${choice} is not permitted: run with --allow-ffi` };
    const found = tryToOpen(choice);
    return typeof found === "string" ? { why: found } : { library: found, why: `chosen by ${way}` };
  }
  const candidates = names[Deno.build.os] ?? elsewhere;
  const allowed = candidates.filter(permitted);
  if (allowed.length === 0) return { why: denied };
  const faults: string[] = [];
  for (const name of allowed) {
    const found = tryToOpen(name);
    if (typeof found === "string") {
      if (!isMissing(found)) faults.push(found);
    } else if (found.kind === "other") {
      // The reference BLAS is several times slower than the kernels here, and nothing tells that it is not that.
      faults.push(`${name} is of unknown make and may be slow: setBlas("${name}") takes it`);
    } else return { library: found, why: "the first that was found" };
  }
  return { why: faults.length > 0 ? faults.join("; ") : `none was found of ${allowed.join(", ")}` };
}

/** Whether a failure to open says no more than that there is no such file. */
function isMissing(text: string): boolean {
  return /no such file|cannot find|could not be found|not found/i.test(text) &&
    !/incompatible|ELF|symbol|dependen/i.test(text);
}

/** What tells the libraries apart, and sets their threads. */
const special = {
  openblas_get_config: { parameters: [], result: "pointer", optional: true },
  openblas_get_corename: { parameters: [], result: "pointer", optional: true },
  openblas_set_num_threads: { parameters: ["i32"], result: "void", optional: true },
  mkl_get_version_string: { parameters: ["buffer", "i32"], result: "void", optional: true },
  MKL_Set_Threading_Layer: { parameters: ["i32"], result: "i32", optional: true },
  MKL_Set_Num_Threads: { parameters: ["i32"], result: "void", optional: true },
  bli_info_get_version_str: { parameters: [], result: "pointer", optional: true },
  bli_thread_set_num_threads: { parameters: ["isize"], result: "void", optional: true },
} as const;

const threadSetters = new WeakMap<Library, (threads: number) => void>();

/** Opens a library and looks whether it computes rightly; else says what is wrong. */
function tryToOpen(name: string): Library | string {
  try {
    return examine(name, loadBlas(name).symbols);
  } catch (error) {
    const text = error instanceof Error ? error.message : String(error);
    return `${name}: ${text.replace(/^(Could not open library: )+/, "").replace(`${name}: `, "")}`;
  }
}

/** Loads a library. */
function loadBlas(name: string) {
  return Deno.dlopen(name, { ...wanted, ...special });
}

/** What an opened library is, or what is wrong with it. */
function examine(name: string, symbols: ReturnType<typeof loadBlas>["symbols"]): Library | string {
  const routines = routinesOf(symbols as unknown as Symbols);
  if (typeof routines === "string") return `${name} has no ${routines}`;
  const kind: LibraryKind = name.includes("Accelerate.framework")
    ? "Accelerate"
    : symbols.openblas_get_config !== null
    ? "OpenBLAS"
    : symbols.mkl_get_version_string !== null
    ? "MKL"
    : symbols.bli_info_get_version_str !== null
    ? "BLIS"
    : "other";
  let version: string | null = null;
  if (kind === "OpenBLAS") {
    const config = textAt(symbols.openblas_get_config!());
    if (config.includes("USE64BITINT")) return `${name} is built for integers of 64 bits`;
    version = /^OpenBLAS [\d.]+/.exec(config)?.[0] ?? config;
    const core = symbols.openblas_get_corename?.() ?? null;
    if (core !== null) version += `, ${textAt(core)} kernels`;
  } else if (kind === "MKL") {
    // Without Intel's threads it would end the process at its first product.
    if (!hasIntelThreads(name)) symbols.MKL_Set_Threading_Layer?.(1);
    const text = new Uint8Array(200);
    symbols.mkl_get_version_string!(text, text.length);
    version = new TextDecoder().decode(text).replace(/\0[^]*/, "").trim();
  } else if (kind === "BLIS") version = `BLIS ${textAt(symbols.bli_info_get_version_str!())}`;
  const fault = faultOf(routines);
  if (fault !== null) return `${name} computes wrongly: ${fault}`;
  const bli = symbols.bli_thread_set_num_threads;
  const setThreads = symbols.openblas_set_num_threads ?? symbols.MKL_Set_Num_Threads ??
    (bli === null ? null : (threads: number) => bli(BigInt(threads)));
  const library = { name, kind, version, ...routines };
  if (setThreads !== null) threadSetters.set(library, setThreads);
  return library;
}

function textAt(pointer: Deno.PointerValue): string {
  return pointer === null ? "" : Deno.UnsafePointerView.getCString(pointer).trim();
}

function hasIntelThreads(name: string): boolean {
  const file = Deno.build.os === "windows" ? "libiomp5md.dll" : "libiomp5.so";
  return [beside(name, file), file].some((path) => {
    try {
      Deno.dlopen(path, {});
      return true;
    } catch {
      return false;
    }
  });
}

/** A file in the folder of another; a bare name has none. */
function beside(name: string, file: string): string {
  return name.replace(/[^/\\]*$/, file);
}

function tellThreads(library: Library): void {
  told = getNumThreads();
  threadSetters.get(library)?.(told);
}

/** Runs something while the library computes on the calling thread alone. */
export function onOneThread(run: () => void): void {
  const setThreads = opened !== undefined && "library" in opened
    ? threadSetters.get(opened.library)
    : undefined;
  setThreads?.(1);
  try {
    run();
  } finally {
    setThreads?.(told);
  }
}

// ---- LAPACK -------------------------------------------------------------------------------------------------------

/** How a routine of LAPACK is called: so many arguments, so many of them texts of one letter. */
export interface RoutineShape {
  /** Arguments; each is an address. */
  readonly args: number;
  /** How many of them are texts; 0 if left out. */
  readonly texts?: number;
}

/** A routine of LAPACK; numbers and letters are arrays of one element, integers have 32 bits. */
export type Routine = (...args: (Addressed | null)[]) => void;
type Addressed = Float32Array | Float64Array | Int32Array | Uint8Array;

/** Libraries that may have LAPACK: that of the products, else the system's. */
function places(): readonly string[] {
  const library = blasLibrary(), system = "liblapack.so.3";
  const linux = typeof Deno !== "undefined" && Deno.build.os === "linux";
  if (library === null) return linux && getBlas() === "auto" && permitted(system) ? [system] : [];
  return linux ? [library.name, beside(library.name, system), system] : [library.name];
}

/**
 * Routines of LAPACK by Fortran's names without the underscore, from the BLAS library or from the LAPACK of the system; null if
 * there is none with all of them. Matrices are column-major.
 */
export function symbols<N extends string>(
  list: Readonly<Record<N, RoutineShape>>,
): Readonly<Record<N, Routine>> | null {
  const shapes = Object.entries<RoutineShape>(list);
  const described = Object.fromEntries(
    shapes.map(([name, { args, texts = 0 }]) => [`${name}_`, fortran(args, texts)]),
  );
  for (const place of places()) {
    try {
      const found = Deno.dlopen(place, described).symbols as Record<
        string,
        ((...args: unknown[]) => void) | null
      >;
      if (shapes.some(([name]) => found[`${name}_`] === null)) continue;
      return Object.fromEntries(shapes.map(([name, { texts = 0 }]) => {
        const routine = found[`${name}_`]!, lengths: number[] = Array(texts).fill(1);
        return [name, (...args) => routine(...args, ...lengths)] as [string, Routine];
      })) as Record<N, Routine>;
    } catch {
      continue; // the next place, or none: the caller has another way
    }
  }
  return null;
}

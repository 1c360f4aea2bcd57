/**
 * Installing and removing the kernelspec, by which Jupyter knows the kernel.
 *
 * @module
 */

import { join } from "node:path";
import config from "../deno.json" with { type: "json" };
import { kernelCommand } from "./launch.ts";

/** The name under which the kernel is installed by default. */
export const DEFAULT_KERNEL_NAME = "dinograd";

/** The name under which Deno's own kernel is installed by default. */
export const STOCK_KERNEL_NAME = "deno";

/** What to install, and where to; or what to remove. */
export interface InstallOptions {
  /** Install under PREFIX/share/jupyter (a virtual environment, say) instead of the user's Jupyter directory. */
  prefix?: string;
  /** The kernelspec's name. Default: {@linkcode DEFAULT_KERNEL_NAME}; with `stock`, "deno". */
  name?: string;
  /** Whether it is the kernelspec of Deno's own kernel, made so that an interrupt does not end the kernel. */
  stock?: boolean;
}

/** An installed kernelspec. */
export interface InstalledKernel {
  /** Its name. */
  name: string;
  /** Its directory. */
  directory: string;
  /** Version of the toolkit that installed it. */
  version: string;
  /** Whether it starts Deno's own kernel. */
  stock: boolean;
  /** Why it cannot start, or undefined if it can. */
  fault: string | undefined;
}

interface KernelSpec {
  argv: string[];
  display_name: string;
  language: string;
  interrupt_mode: string;
  env: Record<string, string>;
  metadata: { dinograd?: { version: string; stock?: boolean } };
}

const LOGOS = ["logo-svg.svg", "logo-32x32.png", "logo-64x64.png"];

/** The user's Jupyter data directory: JUPYTER_DATA_DIR, or what the platform prescribes. */
export function jupyterDataDirectory(
  os: typeof Deno.build.os = Deno.build.os,
  env: (name: string) => string | undefined = Deno.env.get,
): string {
  const chosen = env("JUPYTER_DATA_DIR");
  if (chosen) return chosen;
  const need = (name: string): string => {
    const value = env(name);
    if (!value) {
      throw new Error(`the user's Jupyter directory is unknown: neither JUPYTER_DATA_DIR nor ${name} is set`);
    }
    return value;
  };
  if (os === "windows") return join(need("APPDATA"), "jupyter");
  if (os === "darwin") return join(need("HOME"), "Library", "Jupyter");
  return join(env("XDG_DATA_HOME") || join(need("HOME"), ".local", "share"), "jupyter");
}

/** The directory of the kernelspec that the options name. Throws RangeError for a name that Jupyter refuses. */
export function kernelDirectory(options: InstallOptions = {}): string {
  const name = options.name ?? (options.stock ? STOCK_KERNEL_NAME : DEFAULT_KERNEL_NAME);
  if (!/^[a-z0-9._-]+$/i.test(name) || /^\.+$/.test(name)) {
    throw new RangeError(`'${name}' is no name for a kernel: letters, digits, '.', '_' and '-' are allowed`);
  }
  return join(dataDirectory(options), "kernels", name);
}

function dataDirectory(options: InstallOptions): string {
  return options.prefix === undefined ? jupyterDataDirectory() : join(options.prefix, "share", "jupyter");
}

/** Installs or renews the kernelspec; returns its directory. One that something else made is left alone. */
export async function installKernel(options: InstallOptions = {}): Promise<string> {
  const directory = kernelDirectory(options);
  const existing = await readSpec(directory);
  if (existing !== undefined && existing?.metadata?.dinograd === undefined) {
    throw new Error(`${directory} was not made by Dinograd: remove it, or choose another --name`);
  }
  const { version } = config;
  const spec: KernelSpec = {
    argv: options.stock
      ? [Deno.execPath(), "jupyter", "-q", "--kernel", "--conn", "{connection_file}"]
      : kernelCommand("{connection_file}"),
    display_name: options.stock ? "Deno" : "Dinograd (Deno)",
    language: "typescript",
    // By a signal Deno's kernel would end.
    interrupt_mode: "message",
    env: { NO_COLOR: "1" },
    metadata: { dinograd: options.stock ? { version, stock: true } : { version } },
  };
  const temporary = `${directory}.${crypto.randomUUID().slice(0, 8)}.tmp`;
  await Deno.mkdir(temporary, { recursive: true });
  try {
    await Deno.writeTextFile(join(temporary, "kernel.json"), JSON.stringify(spec, null, 2) + "\n");
    for (const logo of options.stock ? [] : LOGOS) {
      const response = await fetch(new URL(`./logo/${logo}`, import.meta.url));
      await Deno.writeFile(join(temporary, logo), new Uint8Array(await response.arrayBuffer()));
    }
    if (existing === undefined) {
      await Deno.rename(temporary, directory);
    } else {
      // Renewed file by file: a directory cannot replace another that is not empty, and files may have been added.
      for await (const { name } of Deno.readDir(temporary)) {
        await Deno.rename(join(temporary, name), join(directory, name));
      }
    }
  } finally {
    await Deno.remove(temporary, { recursive: true }).catch(() => {});
  }
  return directory;
}

const FILES = ["kernel.json", ...LOGOS];

/** Removes what {@linkcode installKernel} made; returns the directory. Throws where there is nothing of the kind. */
export async function uninstallKernel(options: InstallOptions = {}): Promise<string> {
  const directory = kernelDirectory(options);
  const existing = await readSpec(directory);
  if (existing === undefined) throw new Error(`no kernel is installed at ${directory}`);
  if (existing?.metadata?.dinograd === undefined) throw new Error(`${directory} was not made by Dinograd`);
  for (const file of FILES) await Deno.remove(join(directory, file)).catch(ignoreMissing);
  // Files that someone else put there stay, and with them the directory.
  const rest = await Array.fromAsync(Deno.readDir(directory));
  if (rest.length === 0) await Deno.remove(directory);
  return directory;
}

/** The kernels that Dinograd installed under the prefix, or for the user and in the folders that Jupyter searches. */
export async function listKernels(options: Pick<InstallOptions, "prefix"> = {}): Promise<InstalledKernel[]> {
  const places = [dataDirectory(options)];
  if (options.prefix === undefined) {
    const windows = Deno.build.os === "windows";
    places.push(
      ...(Deno.env.get("JUPYTER_PATH")?.split(windows ? ";" : ":") ?? []).filter((place) => place !== ""),
    );
    if (!windows) places.push("/usr/local/share/jupyter", "/usr/share/jupyter");
  }
  const found: InstalledKernel[] = [];
  for (const place of new Set(places)) {
    const kernels = join(place, "kernels");
    const names = await Array.fromAsync(Deno.readDir(kernels), (entry) => entry.name).catch(() => []);
    for (const name of names.sort()) {
      const directory = join(kernels, name);
      const spec = await readSpec(directory);
      if (!spec?.metadata?.dinograd) continue;
      const { version, stock = false } = spec.metadata.dinograd;
      found.push({ name, directory, version, stock, fault: await findFault(spec, stock) });
    }
  }
  return found;
}

/** Why the command of a kernelspec cannot start. */
async function findFault(spec: KernelSpec, stock: boolean): Promise<string | undefined> {
  const script = spec.argv.find((arg) => arg.endsWith("proxy.ts"));
  for (const path of stock ? [spec.argv[0]] : [spec.argv[0], script]) {
    if (path === undefined) return "its command is not one of Dinograd's";
    if (/^https?:|^jsr:/.test(path)) continue;
    const there = await Deno.stat(path).then(() => true, () => false);
    if (!there) return `${path} is gone: install the kernel again`;
  }
  return undefined;
}

/** The kernelspec in a directory: undefined where no such directory is, null where it holds no readable one. */
async function readSpec(directory: string): Promise<KernelSpec | null | undefined> {
  try {
    await Deno.stat(directory);
  } catch (error) {
    ignoreMissing(error);
    return undefined;
  }
  try {
    return JSON.parse(await Deno.readTextFile(join(directory, "kernel.json")));
  } catch (error) {
    if (error instanceof SyntaxError || error instanceof Deno.errors.NotFound) return null;
    if (error instanceof Deno.errors.NotADirectory) return null;
    throw error;
  }
}

function ignoreMissing(error: unknown): void {
  if (!(error instanceof Deno.errors.NotFound)) throw error;
}

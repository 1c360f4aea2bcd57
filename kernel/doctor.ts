/**
 * Looks at everything that Dinograd's notebooks need on this machine.
 *
 * @module
 */

import { join } from "node:path";
import { type InstallOptions, listKernels } from "./install.ts";
import { launchKernel } from "./launch.ts";

/** One thing that was looked at. */
export interface Finding {
  /** What. */
  name: string;
  /** Whether it is there and works. */
  found: boolean;
  /** Whether notebooks need it; the rest makes them faster, or is a matter of taste. */
  required: boolean;
  /** What was found, or what is wrong. */
  detail: string;
  /** How to mend it. */
  remedy?: string;
}

/** The first release of Deno with which the kernel is known to work. */
const OLDEST_DENO = [2, 9];

/** Libraries with the C interface of BLAS, by platform, the better ones first. */
const BLAS: Record<string, readonly string[]> = {
  darwin: ["/System/Library/Frameworks/Accelerate.framework/Accelerate"],
  windows: ["mkl_rt.2.dll", "libopenblas.dll", "openblas.dll"],
  linux: [
    "libmkl_rt.so.2",
    "libmkl_rt.so",
    "libopenblas.so.0",
    "libopenblas.so",
    "libcblas.so.3",
    "libblas.so.3",
  ],
};

/** Looks at one thing after the other. Nothing is installed or changed. */
export async function* diagnose(options: Pick<InstallOptions, "prefix"> = {}): AsyncGenerator<Finding> {
  yield checkDeno();
  yield checkPermissions();
  yield await checkStart();
  yield await checkJupyter(options.prefix);
  yield* checkKernels(options);
  yield await checkWebgpu();
  yield checkBlas();
  yield await checkPlotly();
}

function checkDeno(): Finding {
  const { deno, v8, typescript } = Deno.version;
  const [major, minor] = deno.split(".").map(Number);
  const found = major > OLDEST_DENO[0] || (major === OLDEST_DENO[0] && minor >= OLDEST_DENO[1]);
  return {
    name: "Deno",
    found,
    required: true,
    detail: `${deno} (V8 ${v8}, TypeScript ${typescript}) at ${Deno.execPath()}`,
    ...(found ? {} : { remedy: `Dinograd needs ${OLDEST_DENO.join(".")} or later: deno upgrade` }),
  };
}

function checkPermissions(): Finding {
  const names = ["read", "write", "env", "run", "net", "ffi", "sys"] as const;
  const missing = names.filter((name) => Deno.permissions.querySync({ name }).state !== "granted");
  return {
    name: "permissions",
    found: missing.length === 0,
    required: true,
    detail: missing.length === 0 ? "all granted, as to cells" : `this program lacks ${missing.join(", ")}`,
    ...(missing.length === 0
      ? {}
      : { remedy: "run it with deno run -A; cells have all permissions in any case" }),
  };
}

async function checkStart(): Promise<Finding> {
  const started = performance.now();
  try {
    await using kernel = await launchKernel();
    const ready = performance.now() - started;
    const values: unknown[] = [];
    const reply = await kernel.client.execute("6 * 7", {
      onMessage({ header, content }) {
        if (header.msg_type === "execute_result") {
          values.push((content.data as Record<string, unknown>)["text/plain"]);
        }
      },
    }).done;
    const found = reply.status === "ok" && values[0] === "42";
    return {
      name: "the kernel",
      found,
      required: true,
      detail: found
        ? `starts in ${(ready / 1000).toFixed(1)} s and computes`
        : `answered 6 * 7 with ${values[0]}`,
    };
  } catch (error) {
    return {
      name: "the kernel",
      found: false,
      required: true,
      detail: `does not start: ${(error as Error).message}`,
      remedy: "see what deno jupyter --kernel says, and whether ports of 127.0.0.1 can be opened",
    };
  }
}

async function checkJupyter(prefix: string | undefined): Promise<Finding> {
  const windows = Deno.build.os === "windows";
  const program = prefix === undefined ? "jupyter" : join(prefix, windows ? "Scripts" : "bin", "jupyter");
  const remedy = "python3 -m pip install jupyterlab (or name its environment with --prefix); " +
    "kernel run works without it";
  try {
    const { success, stdout } = await new Deno.Command(program, { args: ["--version"], stdin: "null" })
      .output();
    const text = new TextDecoder().decode(stdout);
    const versions = [...text.matchAll(/^(jupyterlab|notebook|nbclient|jupyter_client)\s*:\s*(\d\S*)/gm)]
      .map(([, name, version]) => `${name} ${version}`);
    const found = success && versions.length > 0;
    return {
      name: "Jupyter",
      found,
      required: true,
      detail: found ? versions.join(", ") : `${program} --version names no part of Jupyter`,
      ...(found ? {} : { remedy }),
    };
  } catch (error) {
    if (!(error instanceof Deno.errors.NotFound || error instanceof Deno.errors.NotCapable)) throw error;
    return { name: "Jupyter", found: false, required: true, detail: `there is no ${program}`, remedy };
  }
}

async function* checkKernels(options: Pick<InstallOptions, "prefix">): AsyncGenerator<Finding> {
  const place = options.prefix === undefined ? "" : ` --prefix ${options.prefix}`;
  const remedy = `deno run -A kernel/main.ts install${place}`;
  const kernels = await listKernels(options);
  if (!kernels.some(({ stock }) => !stock)) {
    yield { name: "kernelspec", found: false, required: true, detail: "the kernel is not installed", remedy };
  }
  for (const { name, directory, version, fault, stock } of kernels) {
    yield {
      name: `kernelspec ${name}`,
      found: fault === undefined,
      required: true,
      detail: fault ?? `version ${version} in ${directory}`,
      ...(fault === undefined ? {} : { remedy: `${remedy} --name ${name}${stock ? " --stock" : ""}` }),
    };
  }
}

async function checkWebgpu(): Promise<Finding> {
  const adapter = await navigator.gpu?.requestAdapter().catch(() => null);
  if (!adapter) {
    return {
      name: "WebGPU",
      found: false,
      required: false,
      detail: "no adapter: tensors are computed on the CPU",
      remedy: "install the graphics driver; on Linux without a GPU, mesa-vulkan-drivers computes on the CPU",
    };
  }
  const { vendor, architecture, device, description } = adapter.info;
  const words = [description || device, vendor, architecture].filter((word) => word);
  return {
    name: "WebGPU",
    found: true,
    required: false,
    detail: words.join(", ") || "an adapter without a name",
  };
}

function checkBlas(): Finding {
  const symbols = {
    cblas_ddot: { parameters: ["i32", "buffer", "i32", "buffer", "i32"], result: "f64" },
  } as const;
  const permitted = Deno.permissions.querySync({ name: "ffi" }).state === "granted";
  for (const name of permitted ? BLAS[Deno.build.os] ?? BLAS.linux : []) {
    try {
      const library = Deno.dlopen(name, symbols);
      const product = library.symbols.cblas_ddot(2, new Float64Array([1, 2]), 1, new Float64Array([3, 4]), 1);
      library.close();
      if (product === 11) return { name: "BLAS", found: true, required: false, detail: name };
    } catch {
      // Not there, or without the C interface: perhaps the next.
    }
  }
  return {
    name: "BLAS",
    found: false,
    required: false,
    detail: `${
      permitted ? "no library was found" : "--allow-ffi is not granted"
    }: the toolkit's own kernels are used`,
    remedy: Deno.build.os === "linux" ? "apt-get install libopenblas0" : "install OpenBLAS",
  };
}

async function checkPlotly(): Promise<Finding> {
  try {
    const { initNotebook } = await import("../src/plot/plot.ts");
    const object = initNotebook() as unknown as Record<symbol, () => Promise<Record<string, string>>>;
    const html = (await object[Symbol.for("Jupyter.display")]())["text/html"];
    return {
      name: "plotly.js",
      found: true,
      required: true,
      detail: `a notebook carries it once, in ${Math.round(html.length / 1024)} KB`,
    };
  } catch (error) {
    return {
      name: "plotly.js",
      found: false,
      required: true,
      detail: `cannot be loaded: ${(error as Error).message}`,
      remedy: "deno cache mod.ts, once, with a network",
    };
  }
}

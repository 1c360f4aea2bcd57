import { assert, assertEquals, assertRejects, assertThrows } from "@std/assert";
import { basename, join } from "node:path";
import {
  installKernel,
  jupyterDataDirectory,
  kernelDirectory,
  listKernels,
  uninstallKernel,
} from "../../kernel/install.ts";
import { main } from "../../kernel/main.ts";
import { mayWrite } from "./permissions.ts";

const ignore = !mayWrite();
const FILES = ["kernel.json", "logo-32x32.png", "logo-64x64.png", "logo-svg.svg"];

async function inTemporaryDirectory(test: (prefix: string) => Promise<void>): Promise<void> {
  const prefix = await Deno.makeTempDir();
  try {
    await test(prefix);
  } finally {
    await Deno.remove(prefix, { recursive: true });
  }
}

async function names(directory: string): Promise<string[]> {
  return (await Array.fromAsync(Deno.readDir(directory), (entry) => entry.name)).sort();
}

Deno.test("the user's Jupyter directory follows the platform", () => {
  const env = (values: Record<string, string>) => (name: string) => values[name];
  const home = env({ HOME: "/h", APPDATA: "/a" });
  assertEquals(jupyterDataDirectory("linux", home), "/h/.local/share/jupyter");
  assertEquals(jupyterDataDirectory("linux", env({ HOME: "/h", XDG_DATA_HOME: "/x" })), "/x/jupyter");
  assertEquals(jupyterDataDirectory("darwin", home), "/h/Library/Jupyter");
  assertEquals(jupyterDataDirectory("windows", home), "/a/jupyter");
  for (const os of ["linux", "darwin", "windows"] as const) {
    assertEquals(jupyterDataDirectory(os, env({ JUPYTER_DATA_DIR: "/j", HOME: "/h" })), "/j");
    assertThrows(() => jupyterDataDirectory(os, env({})), Error, "neither JUPYTER_DATA_DIR nor");
  }
});

Deno.test("a kernel's name must be one that Jupyter takes", () => {
  assertEquals(
    kernelDirectory({ prefix: "/p", name: "my-Kernel_2.1" }),
    "/p/share/jupyter/kernels/my-Kernel_2.1",
  );
  for (const name of ["", "a b", "a/b", "..", ".", "é"]) {
    assertThrows(() => kernelDirectory({ prefix: "/p", name }), RangeError, "is no name for a kernel");
  }
});

Deno.test({
  name: "install writes a kernelspec, again and again; uninstall leaves nothing",
  ignore,
  fn: () =>
    inTemporaryDirectory(async (prefix) => {
      const directory = await installKernel({ prefix });
      assertEquals(directory, join(prefix, "share", "jupyter", "kernels", "dinograd"));
      assertEquals(await installKernel({ prefix }), directory);
      assertEquals(await names(directory), FILES);
      assertEquals(await names(join(directory, "..")), ["dinograd"]);
      const spec = JSON.parse(await Deno.readTextFile(join(directory, "kernel.json")));
      assertEquals(spec.argv[0], Deno.execPath());
      assertEquals(spec.argv.at(-1), "{connection_file}");
      assert((await Deno.stat(spec.argv.find((arg: string) => arg.endsWith("proxy.ts")))).isFile);
      assertEquals(spec.interrupt_mode, "message");
      assertEquals(spec.language, "typescript");
      assertEquals(spec.env, { NO_COLOR: "1" });
      const [kernel, ...more] = await listKernels({ prefix });
      assertEquals([kernel.name, kernel.directory, kernel.fault, more.length], [
        "dinograd",
        directory,
        undefined,
        0,
      ]);
      assertEquals(await uninstallKernel({ prefix }), directory);
      assertEquals(await names(join(directory, "..")), []);
      assertEquals(await listKernels({ prefix }), []);
      await assertRejects(() => uninstallKernel({ prefix }), Error, "no kernel is installed at");
    }),
});

Deno.test({
  name: "Deno's own kernel can be installed besides",
  ignore,
  fn: () =>
    inTemporaryDirectory(async (prefix) => {
      const directory = await installKernel({ prefix, stock: true });
      assertEquals(directory, join(prefix, "share", "jupyter", "kernels", "deno"));
      assertEquals(await installKernel({ prefix, stock: true }), directory);
      const spec = JSON.parse(await Deno.readTextFile(join(directory, "kernel.json")));
      assertEquals(spec.argv, [Deno.execPath(), "jupyter", "-q", "--kernel", "--conn", "{connection_file}"]);
      assertEquals([spec.interrupt_mode, spec.display_name], ["message", "Deno"]);
      await installKernel({ prefix });
      assertEquals(
        (await listKernels({ prefix })).map(({ name, stock, fault }) => [name, stock, fault]),
        [["deno", true, undefined], ["dinograd", false, undefined]],
      );
      await uninstallKernel({ prefix, stock: true });
      assertEquals((await listKernels({ prefix })).map(({ name }) => name), ["dinograd"]);
      const { status, out } = await program("install", "--prefix", prefix, "--stock");
      assertEquals([status, out.map((line) => basename(line))], [0, ["dinograd", "deno"]]);
      assertEquals((await program("uninstall", "--prefix", prefix, "--stock")).out.length, 2);
      assertEquals(await listKernels({ prefix }), []);
    }),
});

Deno.test({
  name: "the logos are what they say",
  ignore,
  async fn() {
    for (const size of [32, 64]) {
      const bytes = await Deno.readFile(
        new URL(`../../kernel/logo/logo-${size}x${size}.png`, import.meta.url),
      );
      const view = new DataView(bytes.buffer);
      assertEquals([view.getUint32(16), view.getUint32(20)], [size, size]);
      assert(bytes.length < 4000);
    }
  },
});

Deno.test({
  name: "a kernelspec of someone else is neither overwritten nor removed",
  ignore,
  fn: () =>
    inTemporaryDirectory(async (prefix) => {
      const directory = kernelDirectory({ prefix });
      await Deno.mkdir(directory, { recursive: true });
      for (const text of [undefined, "{", "{}", '{"metadata": {"debugger": true}}']) {
        if (text !== undefined) await Deno.writeTextFile(join(directory, "kernel.json"), text);
        await assertRejects(() => installKernel({ prefix }), Error, "was not made by Dinograd");
        await assertRejects(() => uninstallKernel({ prefix }), Error, "was not made by Dinograd");
        assertEquals(await names(directory), text === undefined ? [] : ["kernel.json"]);
        assertEquals(await listKernels({ prefix }), []);
      }
      assertEquals(await names(join(directory, "..")), ["dinograd"]);
      await installKernel({ prefix, name: "other" });
      assertEquals((await listKernels({ prefix })).map(({ name }) => name), ["other"]);
    }),
});

Deno.test({
  name: "files that were added to the kernelspec survive installing and removing",
  ignore,
  fn: () =>
    inTemporaryDirectory(async (prefix) => {
      const directory = await installKernel({ prefix });
      await Deno.writeTextFile(join(directory, "kernel.js"), "mine");
      await installKernel({ prefix });
      assertEquals(await names(directory), ["kernel.js", ...FILES]);
      await uninstallKernel({ prefix });
      assertEquals(await names(directory), ["kernel.js"]);
    }),
});

Deno.test({
  name: "list tells which kernels cannot start any more",
  ignore,
  fn: () =>
    inTemporaryDirectory(async (prefix) => {
      const file = join(await installKernel({ prefix }), "kernel.json");
      const spec = JSON.parse(await Deno.readTextFile(file));
      spec.argv[0] = join(prefix, "no-such-deno");
      await Deno.writeTextFile(file, JSON.stringify(spec));
      const [kernel] = await listKernels({ prefix });
      assertEquals(kernel.fault, `${join(prefix, "no-such-deno")} is gone: install the kernel again`);
    }),
});

/** Runs the program with its output caught. */
async function program(...args: string[]): Promise<{ status: number; out: string[]; err: string[] }> {
  const out: string[] = [];
  const err: string[] = [];
  const { log, error } = console;
  console.log = (...values) => void out.push(values.join(" "));
  console.error = (...values) => void err.push(values.join(" "));
  try {
    return { status: await main(args), out, err };
  } finally {
    console.log = log;
    console.error = error;
  }
}

Deno.test({
  name: "the program answers in one sentence, and with a status",
  ignore,
  fn: () =>
    inTemporaryDirectory(async (prefix) => {
      assertEquals((await program("help")).status, 0);
      const wrong: [string[], string][] = [
        [[], "a command is missing"],
        [["instal"], "there is no command 'instal'"],
        [["install", "--bogus"], "Unknown option '--bogus'"],
        [["install", "--user", "--prefix", prefix], "--user and --prefix exclude each other"],
        [["run"], "run needs the names of notebooks"],
        [["run", "a.ipynb", "--timeout", "soon"], "--timeout needs a positive number of seconds, got 'soon'"],
        [["run", "a.ipynb", "--check", "--in-place"], "--in-place and --check exclude each other"],
      ];
      for (const [args, message] of wrong) {
        const { status, out, err } = await program(...args);
        assertEquals([status, out, err.length], [2, [], 1], args.join(" "));
        assert(err[0].startsWith(message), err[0]);
        assert(!err[0].includes("\n"), err[0]);
      }
      assertEquals((await program("uninstall", "--prefix", prefix)).status, 1);
      assertEquals((await program("install", "--prefix", prefix)).status, 0);
      assertEquals((await program("list", "--prefix", prefix)).out.length, 1);
      assertEquals((await program("uninstall", "--prefix", prefix)).status, 0);
      assertEquals((await program("list", "--prefix", prefix)).out, ["no Dinograd kernel is installed"]);
      const missing = await program("run", join(prefix, "none.ipynb"));
      assertEquals([missing.status, missing.err.length], [1, 1]);
    }),
});

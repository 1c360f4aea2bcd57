/** The kernel and its outputs in the real JupyterLab: a server, a browser, a person's clicks. */
import { assert, assertEquals } from "@std/assert";
import { join } from "node:path";
import type { Page } from "npm:playwright-core@1.64.1";
import { freePorts } from "../../kernel/connection.ts";
import { installKernel } from "../../kernel/install.ts";
import { browserPath, look, lookAtPlots, waitForPlots, withBrowser } from "./notebook_screenshot.ts";

// DINOGRAD_JUPYTERLAB names the bin directory of a virtual environment with jupyterlab;
// DINOGRAD_SCREENSHOTS a folder to leave pictures in.
const bin = Deno.permissions.querySync({ name: "env" }).state === "granted"
  ? Deno.env.get("DINOGRAD_JUPYTERLAB")
  : undefined;
if (bin === undefined) {
  console.log("the JupyterLab test is skipped: DINOGRAD_JUPYTERLAB names no directory with jupyter-lab");
}

const CELLS = [
  'import * as dg from "@dinograd/dinograd";\nconst x = dg.linspace(0, 6, 60);\ndg.plot.line(x, x.sin(), { title: "Sine" })',
  "dg.arange(12).reshape(3, 4)",
  'for (let i = 0; i < 300; i++) console.log("line", i);',
  'dg.plot.line([1, 4, 9, 16], { title: "Squares" })',
  "let state = 7;\nx.view(7)",
];

async function writeNotebook(path: string): Promise<void> {
  const cells = CELLS.map((source, i) => ({
    cell_type: "code",
    id: `cell-${i}`,
    source,
    metadata: {},
    outputs: [],
    execution_count: null,
  }));
  const kernelspec = { name: "dinograd", display_name: "Dinograd (Deno)", language: "typescript" };
  await Deno.writeTextFile(
    path,
    JSON.stringify({ cells, metadata: { kernelspec }, nbformat: 4, nbformat_minor: 5 }),
  );
}

/** A server for the notebooks of a folder, with no settings but its own. */
async function startLab(folder: string): Promise<{ address: string; stop(): Promise<void> }> {
  const home = await Deno.makeTempDir({ prefix: "dinograd-lab-" });
  await installKernel({ prefix: home });
  // No question about news in front of the notebook.
  const settings = join(home, "settings", "@jupyterlab", "apputils-extension");
  await Deno.mkdir(settings, { recursive: true });
  await Deno.writeTextFile(join(settings, "notification.jupyterlab-settings"), '{ "fetchNews": "false" }');
  const [port] = freePorts(1);
  const token = crypto.randomUUID();
  const server = new Deno.Command(join(bin!, "python"), {
    args: [
      ...["-m", "jupyterlab", "--no-browser", "--allow-root", "--ip=127.0.0.1", `--port=${port}`],
      ...[
        `--IdentityProvider.token=${token}`,
        `--ServerApp.root_dir=${folder}`,
        "--ServerApp.port_retries=0",
      ],
      ...[
        "--expose-app-in-browser",
        "--LabApp.check_for_updates_class=jupyterlab.NeverCheckForUpdate",
      ],
      "--LabApp.extension_manager=readonly",
    ],
    env: {
      JUPYTER_DATA_DIR: join(home, "share", "jupyter"),
      JUPYTER_CONFIG_DIR: join(home, "config"),
      JUPYTER_RUNTIME_DIR: join(home, "runtime"),
      JUPYTERLAB_WORKSPACES_DIR: join(home, "workspaces"),
      JUPYTERLAB_SETTINGS_DIR: join(home, "settings"),
      JUPYTER_PLATFORM_DIRS: "0",
      HOME: home,
      NO_COLOR: "1",
      // An asked-for cache would be sought in the new home.
      DENO_DIR: Deno.env.get("DENO_DIR") ?? join(Deno.env.get("HOME")!, ".cache", "deno"),
    },
    cwd: folder,
    stdin: "null",
    stdout: "null",
    stderr: "piped",
  }).spawn();
  const log = new Response(server.stderr).text();
  const stop = async () => {
    server.kill("SIGTERM");
    await server.status;
    await log;
    await Deno.remove(home, { recursive: true }).catch(() => {});
  };
  const address = `http://127.0.0.1:${port}/lab/tree/n.ipynb?token=${token}`;
  let ended = false;
  server.status.then(() => ended = true);
  for (let i = 0; i < 150; i++) {
    const ready = await fetch(`http://127.0.0.1:${port}/api/status?token=${token}`).then(
      async (response) => (await response.body?.cancel(), response.ok),
      () => false,
    );
    if (ready) return { address, stop };
    if (ended) break;
    await new Promise((resolve) => setTimeout(resolve, 200));
  }
  if (!ended) server.kill("SIGKILL");
  throw new Error(`JupyterLab does not answer: ${(await log).slice(-3000)}`);
}

const shots = bin === undefined ? undefined : Deno.env.get("DINOGRAD_SCREENSHOTS");

async function shoot(page: Page, name: string): Promise<void> {
  if (shots !== undefined) await page.screenshot({ path: join(shots, `${name}.png`) });
}

/** Starts one of JupyterLab's commands; running a cell ends when the cell does. */
async function command(page: Page, name: string): Promise<void> {
  await page.evaluate(
    // deno-lint-ignore no-explicit-any
    (name) => void (globalThis as any).jupyterapp.commands.execute(name),
    name,
  );
}

/** The cell at a position, on the screen: cells out of sight are not drawn. */
async function cellAt(page: Page, index: number) {
  const cell = page.locator(`.jp-Notebook .jp-Cell[data-windowed-list-index="${index}"]`);
  await cell.scrollIntoViewIfNeeded();
  return cell;
}

async function openNotebook(page: Page, address: string): Promise<void> {
  await page.goto(address);
  await page.waitForSelector(".jp-Notebook .jp-Cell", { timeout: 60_000 });
  await page.waitForSelector(".jp-NotebookPanel-toolbar", { timeout: 20_000 });
}

/** Waits until the kernel has been reached and is in the given state. */
async function waitForKernel(page: Page, status: "idle" | "busy", milliseconds = 60_000): Promise<void> {
  await page.waitForFunction(
    (status) => {
      // deno-lint-ignore no-explicit-any
      const context = (globalThis as any).jupyterapp?.shell.currentWidget?.sessionContext;
      const kernel = context?.session?.kernel;
      return context?.isReady && kernel?.connectionStatus === "connected" && kernel.status === status;
    },
    status,
    { timeout: milliseconds, polling: 50 },
  );
}

Deno.test({
  name: "JupyterLab runs a notebook, draws its plots, interrupts, and shows pictures in an untrusted one",
  ignore: bin === undefined,
  async fn() {
    Deno.statSync(browserPath());
    const folder = await Deno.makeTempDir({ prefix: "dinograd-notebooks-" });
    await writeNotebook(join(folder, "n.ipynb"));
    const lab = await startLab(folder);
    try {
      await withBrowser(async (page) => {
        await page.setViewportSize({ width: 1200, height: 1600 });
        await openNotebook(page, lab.address);
        await waitForKernel(page, "idle");
        await command(page, "notebook:run-all-cells");
        await page.waitForSelector(
          ".jp-RenderedText[data-mime-type='application/vnd.jupyter.stderr'], .jp-OutputArea-output[data-mime-type='application/vnd.jupyter.error']",
          { timeout: 60_000 },
        );
        await waitForKernel(page, "idle");
        await waitForPlots(page, 2, 30_000);
        await shoot(page, "lab-run");
        const plots = await lookAtPlots(page);
        assertEquals(plots.map(({ blank }) => blank), [false, false], "the plots are drawn");

        const table = await (await cellAt(page, 1)).locator(".jp-OutputArea-output td").allTextContents();
        assertEquals(table.map(Number), Array.from({ length: 12 }, (_, i) => i));
        const printed = await (await cellAt(page, 2)).locator(".jp-OutputArea-output pre").allTextContents();
        const expected = Array.from({ length: 300 }, (_, i) => `line ${i}`).join("\n");
        assertEquals(printed.join("").trim(), expected);
        const error = await (await cellAt(page, 4)).locator(".jp-OutputArea-output pre").textContent();
        assert(error?.startsWith("TypeError: shape '[7]' is invalid for input of size 60"), String(error));
        assert(error!.includes("  > 2 | x.view(7)\n"), String(error));

        // Shift-Tab.
        const last = await cellAt(page, 3);
        await last.locator(".cm-content").click();
        await page.keyboard.press("Control+Home");
        for (let i = 0; i < "dg.plot.line".length; i++) await page.keyboard.press("ArrowRight");
        await page.keyboard.press("Shift+Tab");
        const tip = page.locator(".jp-Tooltip");
        await tip.waitFor({ timeout: 20_000 });
        await shoot(page, "lab-tooltip");
        assert((await tip.textContent())!.includes("line(y: Vector"));
        await page.keyboard.press("Escape");

        // The interrupt button.
        await page.keyboard.press("Escape");
        await command(page, "notebook:insert-cell-below");
        await page.keyboard.press("Enter");
        await page.keyboard.type("while (true);");
        await command(page, "notebook:run-cell");
        await waitForKernel(page, "busy", 10_000);
        await page.locator(
          '[data-command="notebook:interrupt-kernel"], .jp-ToolbarButtonComponent[title^="Interrupt"], button[title^="Interrupt"]',
        ).first().click();
        await waitForKernel(page, "idle");
        const stopped = await (await cellAt(page, 4)).locator(".jp-OutputArea-output pre").textContent();
        assert(stopped?.includes("Interrupted"), String(stopped));
        await shoot(page, "lab-interrupted");
        // The state has survived.
        await command(page, "notebook:insert-cell-below");
        await page.keyboard.press("Enter");
        await page.keyboard.type("state + 35");
        await command(page, "notebook:run-cell");
        const sum = (await cellAt(page, 5)).locator(".jp-OutputArea-output pre");
        await sum.waitFor({ timeout: 10_000 });
        assertEquals((await sum.textContent())?.trim(), "42");
        await command(page, "docmanager:save");
        // The page may close when the file is there.
        const saved = () => Deno.readTextFileSync(join(folder, "n.ipynb")).includes("state + 35");
        for (let i = 0; i < 100 && !saved(); i++) await page.waitForTimeout(100);
        assert(saved());
      });
      await makeUntrusted(join(folder, "n.ipynb"));
      await withBrowser(async (page) => {
        await page.setViewportSize({ width: 1200, height: 1600 });
        await openNotebook(page, lab.address);
        const pictures = page.locator('.jp-OutputArea-output img[src^="data:image/"]');
        await pictures.first().waitFor({ timeout: 20_000 });
        await page.waitForTimeout(500);
        await shoot(page, "lab-untrusted");
        assertEquals((await lookAtPlots(page)).length, 0, "no script has run");
        for (const index of [0, 3]) {
          const cell = await cellAt(page, index);
          const picture = cell.locator('.jp-OutputArea-output img[src^="data:image/"]').first();
          assertEquals((await look(page, (await picture.elementHandle())!)).blank, false, `picture ${index}`);
        }
        assert(await (await cellAt(page, 1)).locator(".jp-OutputArea-output table").isVisible());
      });
    } finally {
      await lab.stop();
      await Deno.remove(folder, { recursive: true });
    }
  },
});

/** A notebook that somebody else has run: its outputs do not bear this server's signature. */
async function makeUntrusted(path: string): Promise<void> {
  const notebook = JSON.parse(await Deno.readTextFile(path));
  notebook.metadata.somebody = "else";
  await Deno.writeTextFile(path, JSON.stringify(notebook));
}

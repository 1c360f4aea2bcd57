import { assertEquals } from "@std/assert";
import { browserPath, inspectPage } from "./notebook_screenshot.ts";

/** Why no browser can be started here. */
function obstacle(): string | undefined {
  // The browser's library looks at much of the system, so it gets all or nothing.
  const names = ["read", "write", "env", "run", "sys", "net"] as const;
  const missing = names.filter((name) => Deno.permissions.querySync({ name }).state !== "granted");
  if (missing.length > 0) return `they need --allow-${missing.join(", --allow-")}`;
  try {
    Deno.statSync(browserPath());
    return undefined;
  } catch {
    return `${browserPath()} is not there (DINOGRAD_CHROMIUM may name another)`;
  }
}

const reason = obstacle();
if (reason !== undefined) console.log(`browser tests are skipped: ${reason}`);

/** A page with what plotly leaves behind: an SVG of a background and grid lines, and `marks` on it. */
function page(marks: string, delay = 0): string {
  const grid = [40, 80, 120, 160].map((x) => `<path d="M${x} 0V200M0 ${x}H300" stroke="#fff"/>`).join("");
  const svg =
    `<svg class="main-svg" width="300" height="200"><rect width="300" height="200" fill="#E5ECF6"/>` +
    `${grid}<text x="10" y="20" font-size="12">label</text>${marks}</svg>`;
  const script = `setTimeout(() => document.querySelector("div").innerHTML = ${
    JSON.stringify(svg)
  }, ${delay})`;
  const html = `<!doctype html><div class="js-plotly-plot"></div><script>${script}</script>`;
  return `data:text/html,${encodeURIComponent(html)}`;
}

Deno.test({
  name: "a drawn plot is told from a blank one and from none",
  ignore: reason !== undefined,
  async fn() {
    const line = '<path d="M0 180L100 40L200 120L300 10" stroke="#636efa" stroke-width="2" fill="none"/>';
    const greys = Array.from(
      { length: 30 },
      (_, i) => `<rect x="${i * 10}" width="10" height="200" fill="rgb(${i * 8},${i * 8},${i * 8})"/>`,
    );
    const blank = async (marks: string, delay?: number) =>
      (await inspectPage(page(marks, delay), { timeoutMilliseconds: 5000 })).plots.map((plot) => plot.blank);
    assertEquals(await blank(line), [false], "a line");
    assertEquals(await blank(line, 700), [false], "a line that comes late");
    assertEquals(await blank(greys.join("")), [false], "a grey picture");
    assertEquals(await blank(""), [true], "only a grid and a label");
    const none = await inspectPage("data:text/html,<p>no plot<script>nothing()</script>", {
      timeoutMilliseconds: 500,
    });
    assertEquals(none, { plots: [], errors: ["nothing is not defined"] });
  },
});

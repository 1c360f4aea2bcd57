import { assert, assertEquals, assertMatch } from "@std/assert";
import { dirname } from "node:path";
import { fileURLToPath } from "node:url";
import { mayStartKernels } from "./permissions.ts";

const root = new URL("../../", import.meta.url);
const ignore = !mayStartKernels();

async function runScript(files: Record<string, string>) {
  const directory = await Deno.makeTempDir();
  try {
    for (const [name, text] of Object.entries(files)) {
      await Deno.mkdir(dirname(`${directory}/${name}`), { recursive: true });
      await Deno.writeTextFile(`${directory}/${name}`, text.replaceAll("ROOT/", root.href));
    }
    const preload = fileURLToPath(new URL("kernel/operators/preload.ts", root));
    const { stdout, stderr } = await new Deno.Command(Deno.execPath(), {
      args: ["run", "--no-lock", "--no-config", "--preload", preload, "main.js"],
      cwd: directory,
      env: { NO_COLOR: "1" },
    }).output();
    const [out, error] = [stdout, stderr].map((bytes) => new TextDecoder().decode(bytes));
    return { out, error };
  } finally {
    await Deno.remove(directory, { recursive: true });
  }
}

Deno.test({ name: "operators on tensors in scripts", ignore }, async () => {
  const { out, error } = await runScript({
    "main.js": `import * as dg from "ROOT/mod.ts";
import { twice } from "./parts/twice.ts";
import { plain } from "./parts/plain.js";
import { half } from "./node_modules/package/main.js";
import data from "./data.json" with { type: "json" };
const x = dg.tensor([1, 2, 3], { requiresGrad: true });
const loss = (x**2 * data.factor).sum() + twice(x).sum();
loss.backward();
x.data -= x.grad / 4;
console.log(twice(x.detach()), plain(dg.tensor(5)), half(dg.tensor(5)), 1 + 2, "a" + 1);
if (loss > 1) throw new Error("as it should");
`,
    "parts/twice.ts": `// comment
enum E { Two = 1 << 1 }
type T = number;
export function twice(x: T): T {
  return x * E.Two;
}`,
    "parts/plain.js": "// @operators off\nexport const plain = (x) => x * 2;",
    "node_modules/package/main.js": "export const half = (x) => x / 2;",
    "data.json": `{ "factor": 3 }`,
  });
  assertEquals(out, "tensor([-2., -3., -4.]) 10 2.5 3 a1\n", error);
  assertMatch(error, /Error: as it should\n.*\n.*\n +at file:.*main\.js:11:/);
});

Deno.test({ name: "errors in TypeScript name the lines as they were written", ignore }, async () => {
  const { error } = await runScript({
    "main.js": `import "./types.ts";`,
    "types.ts": `// @ts-nocheck
interface Unused { member: number }
const f = (x: number): number => {
  throw new Error(\`é \${x * 2}\`);
};
const a: number = 1;
const y = a * a + a -
  (a + a *
    f(a * 3) * a);
`,
  });
  assertMatch(error, /Error: é 6\n.*\n.*\n +at f \(file:.*types\.ts:4:9\)\n +at file:.*types\.ts:9:5\n/);
});

Deno.test({ name: "without operators a script is what it was", ignore }, async () => {
  const { out, error } = await runScript({
    "main.js": "console.log(2 * Number('3'), [1] + [2], new Date(5) - 1, 7n ** 2n, 5 > '4');",
  });
  assertEquals([out, error], ["6 12 4 49n true\n", ""]);
});

Deno.test("which modules are the user's own", async () => {
  const code = `import { isOwnModule } from "ROOT/kernel/operators/preload.ts";
    console.log(JSON.stringify(URLS.map((url) => isOwnModule(url))));`;
  if (ignore) return;
  const own = [
    "file:///home/me/a.ts",
    "file:///home/me/src/b.mjs?x=/node_modules/",
    `${root.href}notebooks/c.js`,
  ];
  const others = [
    "https://example.com/@a/b/1.0.0/mod.ts",
    "npm:a",
    "node:fs",
    "data:text/javascript,1",
    "file:///home/me/node_modules/a/b.js",
    "file:///home/me/.cache/deno/npm/registry.example/@a/b/1.2.3/c.js",
    "file:///home/me/data.json",
    `${root.href}src/ops/reduce/reduce.ts`,
    `${root.href}mod.ts`,
  ];
  const { out } = await runScript({
    "main.js": `const URLS = ${JSON.stringify([...own, ...others])};\n${code}`,
  });
  const answers = JSON.parse(out);
  assert(answers.slice(0, own.length).every((answer: boolean) => answer));
  assert(answers.slice(own.length).every((answer: boolean) => !answer));
});

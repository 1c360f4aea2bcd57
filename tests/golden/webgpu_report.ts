/**
 * What of the golden answers and the lessons holds on the GPU, family by family:
 * `deno run -A tests/golden/webgpu_report.ts [--failures=FILE]`. With a file all problems are written there.
 *
 * @module
 */
const root = new URL("../../", import.meta.url);

/** One test. */
interface Outcome {
  readonly name: string;
  readonly state: "passed" | "failed" | "ignored";
  readonly message: string;
}

const unescape = (text: string): string =>
  text.replace(/&#(\d+);/g, (_, n) => String.fromCharCode(Number(n)))
    .replaceAll("&lt;", "<").replaceAll("&gt;", ">").replaceAll("&quot;", '"').replaceAll("&apos;", "'")
    .replaceAll("&amp;", "&");

/** The outcomes of one file's tests on the GPU. A file whose process dies is one failure. */
async function outcomes(path: string): Promise<Outcome[]> {
  const report = await Deno.makeTempFile({ suffix: ".xml" });
  try {
    const { code } = await new Deno.Command(Deno.execPath(), {
      args: ["test", "--no-check", "--quiet", "--allow-read", "--allow-env", `--junit-path=${report}`, path],
      cwd: root,
      env: { DINOGRAD_MATRIX: "webgpu", DINOGRAD_PROBLEMS: "all" },
      stdout: "null",
      stderr: "null",
    }).output();
    const xml = await Deno.readTextFile(report);
    if (xml === "") {
      return [{ name: `${path} [webgpu]`, state: "failed", message: `the process ends with ${code}` }];
    }
    return [...xml.matchAll(/<testcase name="([^"]*)"[^>]*>([\s\S]*?)<\/testcase>/g)].map(
      ([, name, body]): Outcome => ({
        name: unescape(name),
        state: body.includes("<failure") ? "failed" : body.includes("<skipped") ? "ignored" : "passed",
        message: unescape(/<failure message="([^"]*)"/.exec(body)?.[1] ?? ""),
      }),
    );
  } finally {
    await Deno.remove(report);
  }
}

const unsupported = /is not there for device|the GPU has no|not implemented for \w+ on the GPU/;

const files: string[] = [];
for (const folder of ["tests/golden", "tests/lessons"]) {
  for (const entry of Deno.readDirSync(new URL(folder, root))) {
    if (entry.name.endsWith("_test.ts") && entry.name !== "harness_test.ts") {
      files.push(`${folder}/${entry.name}`);
    }
  }
}

const families = new Map<string, { passed: number; failed: number; unsupported: number }>();
const failures: string[] = [], start = performance.now();
for (const file of files.sort()) {
  for (const { name, state, message } of await outcomes(file)) {
    if (!name.includes(" [webgpu]") || state === "ignored") continue;
    const plain = name.replace(/ \[webgpu\].*$/, "").replace(/: \d+ cases?$/, "");
    const family = /^(checklist|lesson) /.exec(plain)?.[1] ?? plain.split("/")[0];
    if (!families.has(family)) families.set(family, { passed: 0, failed: 0, unsupported: 0 });
    const counts = families.get(family)!;
    if (state === "passed") counts.passed++;
    else {
      counts[unsupported.test(message) ? "unsupported" : "failed"]++;
      failures.push(`${plain}\n  ${message.replace(/\n+/g, "\n  ")}`);
    }
  }
}

console.log("family".padEnd(14) + "passed".padStart(8) + "failed".padStart(8) + "no kernel".padStart(11));
const total = { passed: 0, failed: 0, unsupported: 0 };
for (const [family, counts] of families) {
  const { passed, failed, unsupported } = counts;
  console.log(
    family.padEnd(14) + `${passed}`.padStart(8) + `${failed}`.padStart(8) + `${unsupported}`.padStart(11),
  );
  total.passed += passed;
  total.failed += failed;
  total.unsupported += unsupported;
}
console.log(
  "all".padEnd(14) + `${total.passed}`.padStart(8) + `${total.failed}`.padStart(8) +
    `${total.unsupported}`.padStart(11) + `   ${((performance.now() - start) / 1000).toFixed(0)} s`,
);

const target = Deno.args.find((a) => a.startsWith("--failures="))?.slice("--failures=".length);
if (target !== undefined) Deno.writeTextFileSync(target, failures.join("\n") + "\n");

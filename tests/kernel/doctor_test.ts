import { assert, assertEquals } from "@std/assert";
import { join } from "node:path";
import { diagnose, type Finding } from "../../kernel/doctor.ts";
import { installKernel } from "../../kernel/install.ts";
import { mayStartKernels } from "./permissions.ts";

Deno.test({
  name: "the doctor finds what is there and what is missing",
  ignore: !mayStartKernels() || Deno.build.os === "windows",
  async fn() {
    const prefix = await Deno.makeTempDir();
    try {
      const first = await examine(prefix);
      assertEquals(first.get("Deno")?.found, true);
      assert(first.get("Deno")!.detail.startsWith(Deno.version.deno));
      assertEquals(first.get("the kernel")?.found, true);
      assertEquals(first.get("plotly.js")?.found, true);
      const jupyter = first.get("Jupyter")!;
      assertEquals([jupyter.found, jupyter.required], [false, true]);
      assertEquals(jupyter.detail, `there is no ${join(prefix, "bin", "jupyter")}`);
      assert(first.get("kernelspec")!.remedy!.endsWith(`install --prefix ${prefix}`));
      for (const name of ["WebGPU", "BLAS"]) assertEquals(first.get(name)?.required, false);
      for (const { found, remedy, name } of first.values()) assert(found || remedy !== undefined, name);

      // A sound kernelspec and a broken one, and something that calls itself Jupyter.
      await installKernel({ prefix });
      const broken = join(await installKernel({ prefix, name: "old" }), "kernel.json");
      const spec = JSON.parse(await Deno.readTextFile(broken));
      spec.argv[0] = join(prefix, "gone");
      await Deno.writeTextFile(broken, JSON.stringify(spec));
      await Deno.mkdir(join(prefix, "bin"));
      const script =
        '#!/bin/sh\\necho "Selected Jupyter core packages..."\\necho "jupyterlab       : 4.9.9"\\n';
      await Deno.writeTextFile(join(prefix, "bin", "jupyter"), script.replaceAll("\\n", "\n"), {
        mode: 0o755,
      });
      const second = await examine(prefix);
      assertEquals([second.get("Jupyter")?.found, second.get("Jupyter")?.detail], [true, "jupyterlab 4.9.9"]);
      assertEquals(second.get("kernelspec dinograd")?.found, true);
      const old = second.get("kernelspec old")!;
      assertEquals([old.found, old.required], [false, true]);
      assert(old.detail.startsWith(spec.argv[0]) && old.remedy!.endsWith("--name old"), old.remedy);
    } finally {
      await Deno.remove(prefix, { recursive: true });
    }
  },
});

async function examine(prefix: string): Promise<Map<string, Finding>> {
  const findings = new Map<string, Finding>();
  for await (const finding of diagnose({ prefix })) findings.set(finding.name, finding);
  return findings;
}

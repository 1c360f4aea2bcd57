import { assert } from "@std/assert";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { installKernel } from "../../kernel/install.ts";
import { mayStartKernels } from "./permissions.ts";

// Needs Jupyter's client: DINOGRAD_JUPYTER names the bin directory of a virtual environment with nbclient.
const bin = mayStartKernels() ? Deno.env.get("DINOGRAD_JUPYTER") : undefined;
if (bin === undefined) {
  console.log("Jupyter tests are skipped: DINOGRAD_JUPYTER names no directory with Python and nbclient");
}

Deno.test({
  name: "the installed kernel serves Jupyter's own client",
  ignore: bin === undefined,
  async fn() {
    const directory = await Deno.makeTempDir();
    try {
      await installKernel({ prefix: directory });
      const { success, stdout, stderr } = await new Deno.Command(join(bin!, "python"), {
        args: [fileURLToPath(new URL("./nbclient_check.py", import.meta.url)), "dinograd"],
        env: { JUPYTER_DATA_DIR: join(directory, "share", "jupyter"), JUPYTER_PLATFORM_DIRS: "0" },
        cwd: directory,
      }).output();
      const decoder = new TextDecoder();
      assert(success, `${decoder.decode(stdout)}\n${decoder.decode(stderr)}`);
    } finally {
      await Deno.remove(directory, { recursive: true });
    }
  },
});

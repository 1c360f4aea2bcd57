/**
 * The kernel that Jupyter starts: Deno's own kernel behind a {@linkcode Bridge}.
 *
 * Usage: `deno run -A proxy.ts --conn CONNECTION_FILE`
 *
 * @module
 */

import { Bridge } from "./bridge.ts";
import { readConnectionFile } from "./connection.ts";
import { killQuietly, startListeningKernel } from "./process.ts";

/** A kernel that was asked to end is killed after so many milliseconds. */
const SHUTDOWN_PATIENCE = 3000;

/** Serves the kernel of a connection file until it ends; resolves to its exit status. */
async function serveKernel(connectionFile: string): Promise<number> {
  const outer = await readConnectionFile(connectionFile),
    { kernel, info } = await startListeningKernel(outer);
  let ready = false;
  let asked = false;
  const end = (milliseconds: number) => {
    asked = true;
    setTimeout(() => killQuietly(kernel.child, "SIGKILL"), milliseconds);
  };
  const bridge = new Bridge(outer, {
    info,
    signalInterrupt() {
      // Before the prelude has run the signal would end the process, and on Windows it always would.
      if (!ready || Deno.build.os === "windows") return false;
      killQuietly(kernel.child, "SIGINT");
      return true;
    },
    onShutdown: () => end(SHUTDOWN_PATIENCE),
  });
  const onTerminate = () => {
    killQuietly(kernel.child, "SIGTERM");
    end(1000);
  };
  // A terminal sends it to the whole group; Jupyter's own interrupts come as messages.
  const onInterrupt = () => {};
  if (Deno.build.os !== "windows") Deno.addSignalListener("SIGTERM", onTerminate);
  Deno.addSignalListener("SIGINT", onInterrupt);
  // A client that named itself the parent is not survived, even where it was killed.
  const parent = Deno.ppid;
  const poll = Deno.env.get("JPY_PARENT_PID") === String(parent)
    ? setInterval(() => Deno.ppid !== parent && onTerminate(), 1000)
    : undefined;
  const gone = new AbortController();
  const ended = kernel.ended.finally(() => gone.abort(new Error("the Deno kernel ended while it started")));
  try {
    bridge.listen();
    const prelude = `await import(${
      JSON.stringify(new URL("./prelude.ts", import.meta.url).href)
    }); undefined`;
    const started = bridge.start(prelude, gone.signal);
    const first = await Promise.race([
      started.then(() => "started" as const),
      ended.then(() => "ended" as const),
    ]);
    if (first === "ended") {
      started.catch(() => {});
      if (!asked) throw new Error("the Deno kernel ended while it started");
      return 0;
    }
    ready = true;
    await kernel.forgetConnection();
    const status = await ended;
    return asked ? 0 : status.code;
  } finally {
    clearInterval(poll);
    killQuietly(kernel.child, "SIGKILL");
    await ended;
    await bridge.close();
    if (Deno.build.os !== "windows") Deno.removeSignalListener("SIGTERM", onTerminate);
    Deno.removeSignalListener("SIGINT", onInterrupt);
  }
}

if (import.meta.main) {
  const at = Deno.args.indexOf("--conn");
  const file = Deno.args[at + 1];
  if (at < 0 || file === undefined) {
    console.error("usage: deno run -A proxy.ts --conn CONNECTION_FILE");
    Deno.exit(2);
  }
  try {
    Deno.exit(await serveKernel(file));
  } catch (error) {
    console.error(`dinograd kernel: ${(error as Error).message}`);
    Deno.exit(1);
  }
}

/**
 * Starting a Dinograd kernel for a program, such as the notebook runner.
 *
 * @module
 */

import { fileURLToPath } from "node:url";
import { KernelClient, KernelDied } from "./client.ts";
import { newConnectionInfo, writeConnectionFile } from "./connection.ts";
import { killQuietly } from "./process.ts";

/** The command that starts the kernel of a connection file: what a kernelspec's `argv` holds. */
export function kernelCommand(connectionFile: string): string[] {
  const proxy = new URL("./proxy.ts", import.meta.url);
  return [
    Deno.execPath(),
    "run",
    "-A",
    "-q",
    // The folder's own configuration is for the cells, not for the program that serves them.
    "--no-config",
    "--no-lock",
    proxy.protocol === "file:" ? fileURLToPath(proxy) : proxy.href,
    "--conn",
    connectionFile,
  ];
}

/** Options of {@linkcode launchKernel}. */
export interface LaunchOptions {
  /** The folder in which cells run. Default: the current one. */
  cwd?: string;
  /** Environment variables in addition to this process's. Cells print without colours unless NO_COLOR is set here. */
  env?: Record<string, string>;
  /** How long the kernel may take to answer, in milliseconds. Default: 30,000. */
  timeoutMilliseconds?: number;
}

/** A running kernel and a client of it. */
export interface LaunchedKernel extends AsyncDisposable {
  /** Talks to the kernel. */
  client: KernelClient;
  /** Process id of the kernel that Jupyter would see. */
  pid: number;
  /** Settles when the process has ended. */
  ended: Promise<Deno.CommandStatus>;
  /** Kills the kernel at once. */
  kill(): void;
  /** Asks the kernel to end, kills it where it does not, and cleans up. */
  stop(): Promise<void>;
}

/** Ports are found free and then used: in between another program may take one. */
const ATTEMPTS = 3;

/** Starts a kernel, connects to it and waits until it answers. */
export async function launchKernel(options: LaunchOptions = {}): Promise<LaunchedKernel> {
  for (let attempt = 1;; attempt++) {
    try {
      return await launchOnce(options);
    } catch (error) {
      if (!(error instanceof KernelDied) || attempt === ATTEMPTS) throw error;
    }
  }
}

async function launchOnce(options: LaunchOptions): Promise<LaunchedKernel> {
  const directory = await Deno.makeTempDir({ prefix: "dinograd-client-" });
  const cleanUp = () => Deno.remove(directory, { recursive: true });
  try {
    const info = newConnectionInfo("dinograd");
    const file = `${directory}/connection.json`;
    await writeConnectionFile(file, info);
    const [program, ...args] = kernelCommand(file);
    const child = new Deno.Command(program, {
      args,
      cwd: options.cwd,
      // By JPY_PARENT_PID a kernel knows whose end to survive by no more than a second.
      env: { NO_COLOR: "1", JPY_PARENT_PID: String(Deno.pid), ...options.env },
      stdin: "null",
      stdout: "null",
    }).spawn();
    const gone = new AbortController();
    const ended = child.status;
    ended.then((status) => gone.abort(new KernelDied(`the kernel ended with status ${status.code}`)));
    let client: KernelClient;
    try {
      client = await KernelClient.connect(info, {
        timeoutMilliseconds: options.timeoutMilliseconds,
        signal: gone.signal,
      });
      await client.kernelInfo();
    } catch (error) {
      killQuietly(child, "SIGKILL");
      await ended;
      throw gone.signal.aborted && !(error instanceof KernelDied) ? gone.signal.reason : error;
    }
    gone.signal.addEventListener("abort", () => client.fail(gone.signal.reason));
    let stopped: Promise<void> | undefined;
    const end = async () => {
      await client.shutdown().catch(() => {});
      const timer = setTimeout(() => killQuietly(child, "SIGKILL"), 5000);
      await ended;
      clearTimeout(timer);
      client.close();
      await cleanUp();
    };
    const stop = () => stopped ??= end();
    return {
      client,
      pid: child.pid,
      ended,
      kill: () => killQuietly(child, "SIGKILL"),
      stop,
      [Symbol.asyncDispose]: stop,
    };
  } catch (error) {
    await cleanUp();
    throw error;
  }
}

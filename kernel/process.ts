/**
 * Starting `deno jupyter`, and seeing to it that it ends.
 *
 * @module
 */

import { type ConnectionInfo, writeConnectionFile } from "./connection.ts";

/** A kernel process started by {@linkcode startDenoKernel}. */
export interface DenoKernel {
  /** The process. */
  child: Deno.ChildProcess;
  /** Settles when the process has ended and what belongs to it is cleaned up. */
  ended: Promise<Deno.CommandStatus>;
  /** Removes the connection file: once the kernel has read it, the key need not lie on disk. */
  forgetConnection(): Promise<void>;
}

/** Starts Deno's own Jupyter kernel on the ports of `info`, in the current directory. */
export async function startDenoKernel(info: ConnectionInfo): Promise<DenoKernel> {
  const directory = await Deno.makeTempDir({ prefix: "dinograd-kernel-" });
  const file = `${directory}/connection.json`;
  const forgetConnection = async () => {
    await Deno.remove(directory, { recursive: true }).catch((error) => {
      if (!(error instanceof Deno.errors.NotFound)) throw error;
    });
  };
  try {
    await writeConnectionFile(file, info);
    const child = new Deno.Command(Deno.execPath(), {
      args: ["jupyter", "-q", "--kernel", "--conn", file],
      stdin: "null",
      stdout: "inherit",
      stderr: "inherit",
    }).spawn();
    const watch = watchdog(child.pid);
    const ended = child.status.then(async (status) => {
      await watch.dismiss();
      await forgetConnection();
      return status;
    });
    return { child, ended, forgetConnection };
  } catch (error) {
    await forgetConnection();
    throw error;
  }
}

/**
 * Kills process `pid` when this process ends in whatever way, even killed. A shell waits on a pipe whose other end
 * only this process holds; that works while the kernel is busy in a loop and cannot watch for itself. Elsewhere than
 * on Unix nothing is started.
 */
function watchdog(pid: number): { dismiss(): Promise<void> } {
  if (Deno.build.os === "windows") return { dismiss: () => Promise.resolve() };
  const shell = new Deno.Command("/bin/sh", {
    // The signals that may reach a whole terminal are ignored: the pipe alone decides.
    args: ["-c", `trap "" INT TERM HUP; read -r word; [ "$word" = over ] || kill -9 ${pid}`],
    stdin: "piped",
    stdout: "null",
    stderr: "null",
  }).spawn();
  const pipe = shell.stdin.getWriter();
  return {
    async dismiss() {
      await pipe.write(new TextEncoder().encode("over\n")).catch(() => {});
      await pipe.close().catch(() => {});
      await shell.status;
    },
  };
}

/** Kills a process that may have ended already. */
export function killQuietly(child: Deno.ChildProcess, signal: Deno.Signal): void {
  try {
    child.kill(signal);
  } catch {
    // Ended: that is what was wanted.
  }
}

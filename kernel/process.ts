/**
 * Starting `deno jupyter`, and seeing to it that it ends.
 *
 * @module
 */

import { type ConnectionInfo, freePorts, writeConnectionFile } from "./connection.ts";

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

/** Deno's kernel, and where it listens. */
export interface ListeningKernel {
  /** The process. */
  readonly kernel: DenoKernel;
  /** Its ports. */
  readonly info: ConnectionInfo;
}

/** Ports are found free and then used: in between another program may take one. */
const START_ATTEMPTS = 3;

/**
 * Starts Deno's kernel and waits until it listens, on ports of its own but for heartbeat and questions, which go to it past the
 * bridge. The client-facing ports are not bound yet: those who come wait as if nothing had been started.
 */
export async function startListeningKernel(
  outer: ConnectionInfo,
  ports: (count: number, hostname: string) => number[] = freePorts,
): Promise<ListeningKernel> {
  for (let attempt = 1; attempt <= START_ATTEMPTS; attempt++) {
    const [shell_port, iopub_port, control_port] = ports(3, outer.ip);
    const info = { ...outer, shell_port, iopub_port, control_port };
    if ((await answering(info)).includes(true)) continue;
    const kernel = await startDenoKernel(info), ended = kernel.ended.then(() => true);
    while (!(await Promise.race([ended, pause(10)]))) {
      if (!(await answering(info)).includes(false)) return { kernel, info };
    }
  }
  throw new Error(`the Deno kernel did not start in ${START_ATTEMPTS} attempts`);
}

/** Which ports of a kernel somebody listens on. */
function answering({ ip, ...info }: ConnectionInfo): Promise<boolean[]> {
  const ports = [info.shell_port, info.iopub_port, info.control_port, info.stdin_port, info.hb_port];
  return Promise.all(ports.map(async (port) => {
    try {
      using connection = await Deno.connect({ hostname: ip, port });
      return (connection.localAddr as Deno.NetAddr).port !== port; // one can meet itself where nobody listens
    } catch (error) {
      if (error instanceof Deno.errors.ConnectionRefused) return false;
      throw error;
    }
  }));
}

function pause(milliseconds: number): Promise<false> {
  return new Promise((resolve) => setTimeout(resolve, milliseconds, false));
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

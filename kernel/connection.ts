/**
 * Connection files: the JSON that tells a kernel and its clients which ports and key to use.
 *
 * @module
 */

/** The contents of a connection file. */
export interface ConnectionInfo {
  /** `"tcp"`: the one transport spoken here. */
  transport: string;
  /** The address that the kernel's ports are bound to. */
  ip: string;
  /** Port of the requests. */
  shell_port: number;
  /** Port of the outputs. */
  iopub_port: number;
  /** Port of the kernel's questions to the user. */
  stdin_port: number;
  /** Port of interrupt and shutdown. */
  control_port: number;
  /** Port of the heartbeat. */
  hb_port: number;
  /** Key of the messages' signatures. */
  key: string;
  /** How messages are signed. */
  signature_scheme: string;
  /** Name of the kernelspec. */
  kernel_name?: string;
}

const PORTS = ["shell_port", "iopub_port", "stdin_port", "control_port", "hb_port"] as const;
const LOOPBACK = new Set(["127.0.0.1", "localhost", "::1"]);

/**
 * Checks parsed JSON as a connection file. Only TCP on the loopback interface with HMAC-SHA256 is accepted: whoever
 * can reach a kernel's ports and knows its key runs code as this user.
 */
export function checkConnectionInfo(value: unknown): ConnectionInfo {
  if (typeof value !== "object" || value === null) {
    throw new TypeError("a connection file holds a JSON object");
  }
  const info = value as ConnectionInfo;
  if (info.transport !== "tcp") {
    throw new RangeError(`the transport '${info.transport}' is not supported, only 'tcp' is`);
  }
  if (!LOOPBACK.has(info.ip)) {
    throw new RangeError(
      `the kernel serves the loopback interface only, but the connection file says ${info.ip}`,
    );
  }
  if (typeof info.key !== "string") throw new TypeError("the connection file's key is not a string");
  if (info.key !== "" && info.signature_scheme !== "hmac-sha256") {
    throw new RangeError(
      `the signature scheme '${info.signature_scheme}' is not supported, only 'hmac-sha256' is`,
    );
  }
  for (const name of PORTS) {
    const port = info[name];
    if (!Number.isInteger(port) || port < 1 || port > 65535) {
      throw new RangeError(`the connection file's ${name} is ${port}, not a TCP port`);
    }
  }
  return info;
}

/** Reads and checks a connection file. */
export async function readConnectionFile(path: string | URL): Promise<ConnectionInfo> {
  const text = await Deno.readTextFile(path);
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    throw new TypeError(`the connection file ${path} is not JSON`);
  }
  return checkConnectionInfo(value);
}

/** Writes a connection file that only this user can read. Fails if the file exists. */
export async function writeConnectionFile(path: string, info: ConnectionInfo): Promise<void> {
  await Deno.writeTextFile(path, JSON.stringify(info, null, 1), { mode: 0o600, createNew: true });
}

/**
 * TCP ports that nobody listens on at the moment, all different. Another program may still take one before it is
 * used: whoever binds it must be ready to try again.
 */
export function freePorts(count: number, hostname: string = "127.0.0.1"): number[] {
  const listeners = Array.from({ length: count }, () => Deno.listen({ hostname, port: 0 }));
  const ports = listeners.map((listener) => (listener.addr as Deno.NetAddr).port);
  for (const listener of listeners) listener.close();
  return ports;
}

/** A connection on this machine with free ports and a fresh random key. */
export function newConnectionInfo(kernelName?: string): ConnectionInfo {
  const [shell, iopub, stdin, control, hb] = freePorts(5);
  return {
    transport: "tcp",
    ip: "127.0.0.1",
    shell_port: shell,
    iopub_port: iopub,
    stdin_port: stdin,
    control_port: control,
    hb_port: hb,
    key: crypto.randomUUID(),
    signature_scheme: "hmac-sha256",
    ...(kernelName === undefined ? {} : { kernel_name: kernelName }),
  };
}

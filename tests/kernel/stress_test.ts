/** The kernel on the wire: many cells at once, several clients, nonsense, large outputs, sudden death. */
import { assert, assertEquals, assertRejects } from "@std/assert";
import { KernelClient } from "../../kernel/client.ts";
import { type ConnectionInfo, newConnectionInfo, writeConnectionFile } from "../../kernel/connection.ts";
import { kernelCommand } from "../../kernel/launch.ts";
import { type JsonObject, Session, Signer } from "../../kernel/messages.ts";
import { OutputCollector } from "../../kernel/outputs.ts";
import { joinText, type Output } from "../../kernel/notebook.ts";
import { ZmtpConnection } from "../../kernel/zmtp.ts";
import { mayStartKernels } from "./permissions.ts";

const ignore = !mayStartKernels();
/** DINOGRAD_STRESS=10 runs ten times as many cells. */
const FACTOR = ignore ? 1 : Math.max(1, Number(Deno.env.get("DINOGRAD_STRESS") ?? 1));
const CELLS = 1000 * FACTOR;
const BURST = 50;
/** Nothing here should take longer than this; what does is stuck. */
const PATIENCE = 60_000 * FACTOR;

/** A kernel's process, started as Jupyter starts it: by a connection file. */
class Process implements AsyncDisposable {
  readonly info: ConnectionInfo;
  readonly #directory: string;
  #child: Deno.ChildProcess;
  readonly #guard: ReturnType<typeof setTimeout>;

  private constructor(info: ConnectionInfo, directory: string) {
    this.info = info;
    this.#directory = directory;
    this.#child = this.#spawn();
    this.#guard = setTimeout(() => this.#child.kill("SIGKILL"), PATIENCE);
  }

  static async start(): Promise<Process> {
    const info = newConnectionInfo("dinograd");
    const directory = await Deno.makeTempDir();
    await writeConnectionFile(`${directory}/connection.json`, info);
    return new Process(info, directory);
  }

  #spawn(): Deno.ChildProcess {
    const [program, ...args] = kernelCommand(`${this.#directory}/connection.json`);
    const env = { NO_COLOR: "1", JPY_PARENT_PID: String(Deno.pid) };
    return new Deno.Command(program, { args, env, stdin: "null", stdout: "null", stderr: "null" }).spawn();
  }

  /** Another kernel on the same ports, after this one was killed. */
  async killAndRestart(): Promise<void> {
    this.#child.kill("SIGKILL");
    await this.#child.status;
    this.#child = this.#spawn();
  }

  connect(): Promise<KernelClient> {
    return KernelClient.connect(this.info);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    clearTimeout(this.#guard);
    try {
      this.#child.kill("SIGTERM");
    } catch {
      // It has ended.
    }
    await this.#child.status;
    await Deno.remove(this.#directory, { recursive: true });
  }
}

/** Starts a cell; its outputs when it has ended. */
async function run(client: KernelClient, code: string): Promise<{ reply: JsonObject; outputs: Output[] }> {
  const cell = new OutputCollector().cell();
  const reply = await client.execute(code, { stopOnError: false, onMessage: (message) => cell.take(message) })
    .done;
  return { reply, outputs: cell.list };
}

/** How many lines cell `n` prints: a few, or a flood, or none. */
function linesOf(n: number): number {
  return n % 100 === 50 ? 5000 : n % 10 === 3 ? 20 : 0;
}

/** The text of a cell's outputs. */
function texts(outputs: Output[]): string {
  return outputs.map((output) =>
    joinText(output.text ?? output.data?.["text/plain"] as string ?? output.ename ?? "")
  )
    .join("|");
}

Deno.test({
  name: `${CELLS} cells in bursts from two clients: each output is in its place`,
  ignore,
  async fn() {
    await using kernel = await Process.start();
    const clients = [await kernel.connect(), await kernel.connect()];
    try {
      const cells = async (client: KernelClient, who: string) => {
        for (let first = 0; first < CELLS / 2; first += BURST) {
          const running = Array.from({ length: Math.min(BURST, CELLS / 2 - first) }, (_, i) => {
            const n = first + i;
            if (n % 25 === 7) {
              return run(client, `console.log("${who}${n}"); throw new RangeError("${who}${n}")`);
            }
            const count = linesOf(n);
            if (count > 0) {
              return run(client, `for (let i = 0; i < ${count}; i++) console.log("${who}${n}", i)`);
            }
            return run(client, `console.log("${who}"); ${n} + 1`);
          });
          for (const [i, { outputs, reply }] of (await Promise.all(running)).entries()) {
            const n = first + i;
            const lines = Array.from({ length: linesOf(n) }, (_, k) => `${who}${n} ${k}\n`).join("");
            const expected = n % 25 === 7
              ? `${who}${n}\n|RangeError`
              : lines !== ""
              ? lines
              : `${who}\n|${n + 1}`;
            assertEquals(texts(outputs), expected);
            assertEquals(reply.status, n % 25 === 7 ? "error" : "ok");
          }
        }
      };
      await Promise.all(clients.map((client, i) => cells(client, "ab"[i])));
      // Both have been in one and the same kernel, one cell after the other.
      await run(clients[0], "let shared = 1");
      const { reply, outputs } = await run(clients[1], "shared");
      assertEquals([reply.execution_count, texts(outputs)], [CELLS + 2, "1"]);
    } finally {
      for (const client of clients) client.close();
    }
  },
});

Deno.test({
  name: "nonsense, and messages without the right signature, change nothing",
  ignore,
  async fn() {
    await using kernel = await Process.start();
    const client = await kernel.connect();
    const session = new Session("stranger");
    const bytes = (text: string) => new TextEncoder().encode(text);
    const evil = () => session.message("execute_request", { code: "globalThis.evil = 1", silent: false });
    const right = new Signer(kernel.info.key);
    const replace = (frames: Uint8Array[], i: number, text: string) =>
      frames.map((f, k) => k === i ? bytes(text) : f);
    /** Signs what is no message. */
    const signed = (...parts: string[]) => {
      const frames = parts.map(bytes);
      return [bytes("<IDS|MSG>"), bytes(right.sign(frames)), ...frames];
    };
    const nonsense: Uint8Array[][] = [
      [bytes("hello")],
      [new Uint8Array(0)],
      [bytes("<IDS|MSG>")],
      new Signer("another key").encode(evil()),
      new Signer("").encode(evil()),
      replace(right.encode(evil()), 1, "0".repeat(64)),
      replace(right.encode(evil()), 5, '{"code":"globalThis.evil = 2"}'),
      signed("{", "{}", "{}", "{}"),
      signed("[]", "{}", "{}", "{}"),
      signed("{}", "{}", "{}", "{}"),
      signed('{"msg_id":"1","msg_type":7}', "{}", "{}", "{}"),
      Array.from({ length: 500 }, (_, i) => bytes(String(i))),
    ];
    try {
      for (const port of [kernel.info.shell_port, kernel.info.control_port]) {
        const address = { hostname: kernel.info.ip, port };
        const stranger = await ZmtpConnection.connect(address, { type: "DEALER" });
        for (const frames of nonsense) await stranger.send(frames);
        // Requests that are signed, but lack what they need, or are of an unknown kind.
        for (const type of ["execute_request", "inspect_request", "complete_request", "no_such_request"]) {
          if (port === kernel.info.shell_port) await stranger.send(right.encode(session.message(type, {})));
        }
        await stranger.flush();
        // No ZMTP at all, and a connection that ends in the middle of a frame.
        const raw = await Deno.connect(address);
        await raw.write(bytes("GET / HTTP/1.1\r\n\r\n".repeat(10)));
        raw.close();
        const { outputs } = await run(client, "'evil' in globalThis");
        assertEquals(texts(outputs), "false");
        stranger.close();
      }
      assertEquals(texts((await run(client, "1 + 1")).outputs), "2");
    } finally {
      client.close();
    }
  },
});

Deno.test({
  name:
    "an interrupt in the middle of a burst; a kill in the middle of another, and a new kernel on the same ports",
  ignore,
  async fn() {
    await using kernel = await Process.start();
    let client = await kernel.connect();
    try {
      await run(client, "let kept = 5");
      const burst = ["1", "while (true);", ...Array.from({ length: 20 }, (_, i) => String(i))]
        .map((code) => client.execute(code).done);
      await burst[0];
      await new Promise((resolve) => setTimeout(resolve, 300));
      await client.interrupt();
      const replies = await Promise.all(burst);
      assertEquals(replies.map(({ status }) => status), ["ok", "error", ...Array(20).fill("aborted")]);
      assertEquals(replies[1].ename, "Interrupted");
      assertEquals(texts((await run(client, "kept")).outputs), "5");

      const lost = Array.from({ length: 20 }, (_, i) => client.execute(`console.log(${i}); for (;;);`).done);
      const failing = lost.map((done) => assertRejects(() => done));
      await new Promise((resolve) => setTimeout(resolve, 100));
      await kernel.killAndRestart();
      await Promise.all(failing);
      client.close();
      client = await kernel.connect();
      assertEquals(texts((await run(client, "typeof kept")).outputs), '"undefined"');
    } finally {
      client.close();
    }
  },
});

Deno.test({
  name: "outputs of 40 MB arrive whole, and in order with small ones",
  ignore,
  async fn() {
    await using kernel = await Process.start();
    const client = await kernel.connect();
    try {
      const size = 40e6;
      const printed = await run(client, `console.log("a" + "x".repeat(${size}) + "z"); "end"`);
      const [stream, end] = printed.outputs;
      const text = joinText(stream.text!);
      assert(
        text.length === size + 3 && text.startsWith("ax") && text.endsWith("xz\n"),
        `${text.length} units`,
      );
      assertEquals(end.data, { "text/plain": '"end"' });
      const shown = await run(
        client,
        `console.log("before"); Deno.jupyter.broadcast("display_data", { data: { "text/plain": "é".repeat(${
          size / 2
        }) }, metadata: {} }); console.log("after"); 3`,
      );
      assertEquals(shown.outputs.map(({ output_type }) => output_type), [
        "stream",
        "display_data",
        "stream",
        "execute_result",
      ]);
      assertEquals((shown.outputs[1].data!["text/plain"] as string).length, size / 2);
      assertEquals(texts((await run(client, "4")).outputs), "4");
    } finally {
      client.close();
    }
  },
});

/**
 * Contestants in processes of their own, which are told the name of a workload as a line of JSON and answer with a line:
 * {"us": number} (without it where there is no such workload), or {"error": text}.
 * @module
 */
import { TextLineStream } from "./lines.ts";
import type { Contestant } from "./measure.ts";

/** What a child says. */
export interface Answer {
  readonly us?: number;
  readonly error?: string;
  /** Said once, when it is ready: the workloads that it has. */
  readonly workloads?: readonly string[];
}

/** JSON in ASCII, which arrives whatever the child takes its input for. */
export function ascii(value: unknown): string {
  return JSON.stringify(value).replace(
    /[^\x20-\x7e]/g,
    (c) => `\\u${c.charCodeAt(0).toString(16).padStart(4, "0")}`,
  );
}

/** A contestant that is a process. */
export class Child implements Contestant {
  readonly #process: Deno.ChildProcess;
  readonly #lines: ReadableStreamDefaultReader<string>;
  readonly #input: WritableStreamDefaultWriter<Uint8Array>;

  private constructor(readonly name: string, process: Deno.ChildProcess, readonly workloads: Set<string>) {
    this.#process = process;
    this.#lines = process.stdout.pipeThrough(new TextDecoderStream()).pipeThrough(new TextLineStream())
      .getReader();
    this.#input = process.stdin.getWriter();
  }

  /** Starts a child and waits until it is ready. */
  static async start(name: string, command: string, args: string[]): Promise<Child> {
    const process = new Deno.Command(command, { args, stdin: "piped", stdout: "piped", stderr: "null" })
      .spawn();
    const child = new Child(name, process, new Set());
    try {
      for (const workload of (await child.#answer()).workloads ?? []) child.workloads.add(workload);
      return child;
    } catch (error) {
      await child.close();
      throw error;
    }
  }

  async #answer(): Promise<Answer> {
    const { value, done } = await this.#lines.read();
    if (done) throw new Error(`the process ended with code ${(await this.#process.status).code}`);
    const answer: Answer = JSON.parse(value);
    if (answer.error !== undefined) throw new Error(answer.error);
    return answer;
  }

  /** Asks the child. */
  async measure(workload: string): Promise<number | undefined> {
    if (!this.workloads.has(workload)) return undefined;
    await this.#input.write(new TextEncoder().encode(`${ascii(workload)}\n`));
    return (await this.#answer()).us;
  }

  /** Ends it. */
  async close(): Promise<void> {
    try {
      this.#process.kill("SIGKILL");
    } catch (error) {
      if (!(error instanceof TypeError)) throw error; // it has ended
    }
    await this.#process.status;
  }
}

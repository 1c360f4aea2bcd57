/** A message that a fake notebook received. */
export interface SentMessage {
  readonly type: string;
  readonly content: Record<string, unknown>;
}

/** Runs work with a stand-in for the Jupyter kernel and gives the messages that it received. */
export async function withNotebook(work: (sent: readonly SentMessage[]) => unknown): Promise<SentMessage[]> {
  const sent: SentMessage[] = [];
  const host = {
    broadcast(type: string, content: Record<string, unknown>): Promise<void> {
      sent.push({ type, content });
      return Promise.resolve();
    },
  };
  // Deno.jupyter itself cannot be redefined, so Deno is stood in for by an object that inherits from it.
  const before = Object.getOwnPropertyDescriptor(globalThis, "Deno")!;
  const value = Object.create(Deno, { jupyter: { value: host } });
  Object.defineProperty(globalThis, "Deno", { ...before, value });
  try {
    await work(sent);
  } finally {
    Object.defineProperty(globalThis, "Deno", before);
  }
  return sent;
}

/** Runs work and gives the lines it wrote with console.log or console.error. */
export async function captureConsole(
  method: "log" | "error",
  work: (lines: readonly string[]) => unknown,
): Promise<string[]> {
  const lines: string[] = [];
  const before = console[method];
  console[method] = (...values: unknown[]) => void lines.push(values.join(" "));
  try {
    await work(lines);
  } finally {
    console[method] = before;
  }
  return lines;
}

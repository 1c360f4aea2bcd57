/**
 * The notebook, where there is one.
 * @module
 */

/** What Deno's Jupyter kernel offers to code in cells, as far as it is used here. */
export interface NotebookHost {
  /**
   * Sends one message to every client of the kernel; it leaves at once, also from inside a synchronous loop.
   */
  broadcast(
    messageType: string,
    content: Record<string, unknown>,
    extra?: { metadata?: Record<string, unknown>; buffers?: Uint8Array[] },
  ): Promise<void>;
}

/**
 * The Jupyter kernel this code runs in.
 *
 * @returns The kernel's interface, or null outside a notebook.
 */
export function notebookHost(): NotebookHost | null {
  try {
    // Deno has the property everywhere; reading it throws outside a kernel.
    const host = (globalThis as { Deno?: { jupyter?: NotebookHost } }).Deno?.jupyter;
    return typeof host?.broadcast === "function" ? host : null;
  } catch {
    return null;
  }
}

/**
 * Whether this code runs in a Jupyter notebook.
 *
 * @returns True in the Deno kernel, false in scripts, tests and workers.
 */
export function isNotebook(): boolean {
  return notebookHost() !== null;
}

/**
 * Sends a display, or replaces one sent before.
 *
 * @param host The kernel.
 * @param data The MIME bundle, in plain JSON values.
 * @param id A name to update it under later.
 * @param update Whether to replace the display of that name.
 * @returns A promise of the message being sent.
 */
export function sendDisplay(
  host: NotebookHost,
  data: Record<string, unknown>,
  id?: string,
  update = false,
): Promise<void> {
  const transient = id === undefined ? {} : { display_id: id };
  return host.broadcast(update ? "update_display_data" : "display_data", { data, metadata: {}, transient });
}

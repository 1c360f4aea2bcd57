/**
 * Writing files so that a reader never meets half of one.
 * @module
 */

/**
 * Writes a file under a temporary name beside it and renames it, so that the old file stays whole until the new
 * one is.
 *
 * @param path The file.
 * @param content Text or bytes.
 * @throws {Deno.errors.NotCapable} Without write permission for the folder.
 */
export async function saveFile(path: string | URL, content: string | Uint8Array): Promise<void> {
  const name = path instanceof URL ? new URL(path) : path;
  const tail = `.${crypto.randomUUID().slice(0, 8)}.tmp`;
  let temporary: string | URL;
  if (name instanceof URL) {
    temporary = new URL(name);
    temporary.pathname += tail;
  } else temporary = name + tail;
  const bytes = typeof content === "string" ? new TextEncoder().encode(content) : content;
  try {
    await Deno.writeFile(temporary, bytes, { createNew: true });
    await Deno.rename(temporary, name);
  } catch (error) {
    await Deno.remove(temporary).catch(() => {});
    throw error;
  }
}

/**
 * The extension of a path, in lower case.
 *
 * @param path A path or file URL.
 * @returns For example ".png", or "" where there is none.
 */
export function extension(path: string | URL): string {
  return /\.[^./\\]+$/.exec(path instanceof URL ? path.pathname : path)?.[0].toLowerCase() ?? "";
}

import { decode } from "npm:fast-png@8.0.0";

/** Runs work with the path of a new folder, which is removed afterwards. */
export async function withFolder(work: (folder: string) => Promise<void>): Promise<void> {
  const folder = await Deno.makeTempDir();
  try {
    await work(folder);
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}

/** How often a pattern occurs. */
export function count(text: string, pattern: RegExp): number {
  return [...text.matchAll(pattern)].length;
}

/** The size of a PNG image, and the colours in it by how many pixels have them. */
export function pixels(png: Uint8Array): { width: number; height: number; colors: Map<string, number> } {
  const { width, height, data, channels } = decode(png);
  const colors = new Map<string, number>();
  for (let i = 0; i < data.length; i += channels) {
    const key = Array.from(data.subarray(i, i + 3)).join(",");
    colors.set(key, (colors.get(key) ?? 0) + 1);
  }
  return { width, height, colors };
}

/** The figure that an HTML output carries in its script. */
export function carriedFigure(
  html: string,
): { data: Record<string, unknown>[]; layout: Record<string, unknown> } {
  const json = /var f=(.*?),n=0;function go/.exec(html);
  if (!json) throw new Error("the HTML carries no figure");
  return JSON.parse(json[1]);
}

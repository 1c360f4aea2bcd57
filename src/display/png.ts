/**
 * PNG files, and small pictures of numbers with a palette. Those are not compressed: at this size it would save little, and
 * loading a compressor takes longer than all the rest.
 * @module
 */

let remainders: Uint32Array | undefined;

/** PNG's checksum. */
function crc32(bytes: Uint8Array): number {
  const table = remainders ??= Uint32Array.from({ length: 256 }, (_, n) => {
    for (let bit = 0; bit < 8; bit++) n = n & 1 ? 0xedb88320 ^ (n >>> 1) : n >>> 1;
    return n;
  });
  let c = 0xffffffff;
  for (const byte of bytes) c = table[(c ^ byte) & 255] ^ (c >>> 8);
  return (c ^ 0xffffffff) >>> 0;
}

/** Bytes in zlib's format: one stored block, which holds 65,535 at most. */
function stored(bytes: Uint8Array): Uint8Array {
  const n = bytes.length, out = new Uint8Array(n + 11), view = new DataView(out.buffer);
  out.set([0x78, 0x01, 0x01]);
  view.setUint16(3, n, true);
  view.setUint16(5, n ^ 0xffff, true);
  out.set(bytes, 7);
  let a = 1, b = 0;
  for (const byte of bytes) {
    a = (a + byte) % 65521;
    b = (b + a) % 65521;
  }
  view.setUint16(n + 7, b);
  view.setUint16(n + 9, a);
  return out;
}

/** A chunk: length, type, data and checksum. */
function chunk(type: string, data: Uint8Array): Uint8Array {
  const out = new Uint8Array(12 + data.length), view = new DataView(out.buffer);
  view.setUint32(0, data.length);
  out.set(new TextEncoder().encode(type), 4);
  out.set(data, 8);
  view.setUint32(8 + data.length, crc32(out.subarray(4, 8 + data.length)));
  return out;
}

/** A file of eight bits a number: 3 stands for numbered colours, 6 for red, green, blue and how much covers. */
export function pngFile(
  width: number,
  height: number,
  kind: 3 | 6,
  chunks: readonly (readonly [type: string, data: Uint8Array])[],
): Uint8Array<ArrayBuffer> {
  const header = new Uint8Array(13), view = new DataView(header.buffer);
  view.setUint32(0, width);
  view.setUint32(4, height);
  header.set([8, kind, 0, 0, 0], 8);
  const parts = [
    Uint8Array.of(137, 80, 78, 71, 13, 10, 26, 10),
    chunk("IHDR", header),
    ...chunks.map(([type, data]) => chunk(type, data)),
    chunk("IEND", new Uint8Array(0)),
  ];
  const out = new Uint8Array(parts.reduce((sum, part) => sum + part.length, 0));
  let offset = 0;
  for (const part of parts) {
    out.set(part, offset);
    offset += part.length;
  }
  return out;
}

/**
 * An image of numbered colours as a PNG file.
 *
 * @param width Pixels across.
 * @param height Pixels down.
 * @param indices The number of each pixel's colour, row by row.
 * @param palette Three bytes a colour, 256 colours at most.
 * @returns The bytes of the file.
 * @throws {RangeError} If there are more than about 65,000 pixels.
 */
export function indexedPNG(
  width: number,
  height: number,
  indices: Uint8Array,
  palette: Uint8Array,
): Uint8Array<ArrayBuffer> {
  const size = height * (width + 1);
  if (size > 65535) {
    throw new RangeError(`a picture of ${width} by ${height} pixels is too large for this format`);
  }
  const rows = new Uint8Array(size);
  for (let y = 0; y < height; y++) {
    rows.set(indices.subarray(y * width, (y + 1) * width), y * (width + 1) + 1);
  }
  return pngFile(width, height, 3, [["PLTE", palette], ["IDAT", stored(rows)]]);
}

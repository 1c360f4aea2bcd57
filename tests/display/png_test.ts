/** Pictures with a palette, read back by another library. */
import { assertEquals, assertThrows } from "@std/assert";
import { decode } from "npm:fast-png@8.0.0";
import { indexedPNG } from "../../src/display/png.ts";

Deno.test("a picture comes back as it was", () => {
  for (const [width, height] of [[1, 1], [3, 2], [64, 64], [250, 261]]) {
    const indices = Uint8Array.from({ length: width * height }, (_, i) => (i * 7) % 4);
    const palette = Uint8Array.of(0, 0, 0, 255, 0, 0, 1, 2, 3, 255, 255, 255);
    const image = decode(indexedPNG(width, height, indices, palette), { checkCrc: true });
    assertEquals([image.width, image.height], [width, height]);
    assertEquals(new Uint8Array(image.data), indices);
    assertEquals(image.palette!.map((color) => color.slice(0, 3)), [[0, 0, 0], [255, 0, 0], [1, 2, 3], [
      255,
      255,
      255,
    ]]);
  }
  assertThrows(
    () => indexedPNG(300, 300, new Uint8Array(90000), new Uint8Array(3)),
    RangeError,
    "300 by 300",
  );
});

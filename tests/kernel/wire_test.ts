import { assertEquals, assertThrows } from "@std/assert";
import { encodeFrame, encodeMessage, type Frame, FrameDecoder, WireError } from "../../kernel/wire.ts";

function filled(length: number): Uint8Array<ArrayBuffer> {
  return Uint8Array.from({ length }, (_, i) => i * 31 % 251);
}

function decodeAll(decoder: FrameDecoder): Frame[] {
  const frames: Frame[] = [];
  for (let frame = decoder.next(); frame !== undefined; frame = decoder.next()) frames.push(frame);
  return frames;
}

Deno.test("a short frame has a length of one byte, a long one of eight", () => {
  assertEquals([...encodeFrame({ body: filled(2), more: true, command: false })], [1, 2, 0, 31]);
  assertEquals([...encodeFrame({ body: filled(1), more: false, command: true })], [4, 1, 0]);
  assertEquals([...encodeFrame({ body: filled(255), more: false, command: false }).subarray(0, 2)], [0, 255]);
  const long = encodeFrame({ body: filled(256), more: true, command: false });
  assertEquals([...long.subarray(0, 9)], [3, 0, 0, 0, 0, 0, 0, 1, 0]);
  assertEquals(long.length, 9 + 256);
});

Deno.test("frames come back as they were, whatever their length", () => {
  for (const length of [0, 1, 254, 255, 256, 257, 65535, 65536, 1_000_003]) {
    const decoder = new FrameDecoder();
    const body = filled(length);
    decoder.push(encodeMessage([body, new Uint8Array(0), body]));
    const frames = decodeAll(decoder);
    assertEquals(frames.map(({ more }) => more), [true, true, false]);
    assertEquals(frames.map((frame) => frame.body.length), [length, 0, length]);
    assertEquals(frames[0].body, body);
    assertEquals(frames[2].body, body);
    assertEquals(decoder.buffered, 0);
  }
});

Deno.test("frames may be split anywhere", () => {
  const bytes = encodeMessage([filled(3), filled(300), filled(0), filled(255)]);
  for (const size of [1, 2, 3, 7, 64, 299, 300, 301]) {
    const decoder = new FrameDecoder();
    const lengths: number[] = [];
    for (let at = 0; at < bytes.length; at += size) {
      decoder.push(bytes.slice(at, at + size));
      for (const frame of decodeAll(decoder)) {
        assertEquals(frame.body, filled(frame.body.length));
        lengths.push(frame.body.length);
      }
    }
    assertEquals(lengths, [3, 300, 0, 255], `chunks of ${size}`);
  }
});

Deno.test("raw bytes can be taken before the frames", () => {
  const decoder = new FrameDecoder();
  decoder.push(filled(10));
  assertEquals(decoder.takeBytes(64), undefined);
  decoder.push(filled(54));
  decoder.push(encodeMessage([filled(5)]));
  assertEquals(decoder.takeBytes(64), Uint8Array.of(...filled(10), ...filled(54)));
  assertEquals(decodeAll(decoder).map(({ body }) => body.length), [5]);
});

Deno.test("a frame above the limit is refused when its length is read, before its bytes arrive", () => {
  const decoder = new FrameDecoder(1000);
  decoder.push(encodeFrame({ body: filled(1000), more: false, command: false }));
  assertEquals(decodeAll(decoder).length, 1);
  decoder.push(encodeFrame({ body: filled(1001), more: false, command: false }).subarray(0, 9));
  assertThrows(() => decoder.next(), WireError, "a ZMTP frame of 1001 bytes exceeds the limit of 1000 bytes");
  const huge = new FrameDecoder();
  huge.push(Uint8Array.of(2, 255, 255, 255, 255, 255, 255, 255, 255));
  assertThrows(() => huge.next(), WireError, "18446744073709551615 bytes");
  const short = new FrameDecoder(10);
  short.push(Uint8Array.of(0, 11));
  assertThrows(() => short.next(), WireError, "11 bytes");
});

Deno.test("flags that ZMTP does not define are refused", () => {
  for (const flags of [8, 16, 128, 5]) {
    const decoder = new FrameDecoder();
    decoder.push(Uint8Array.of(flags, 0));
    assertThrows(() => decoder.next(), WireError, "invalid ZMTP frame flags");
  }
});

Deno.test("a message of no frames cannot be sent", () => {
  assertThrows(() => encodeMessage([]), RangeError, "got 0");
});

/** Where tensors live: devices that PyTorch has and Deno has not. */
import { assertEquals, assertThrows } from "@std/assert";
import * as dg from "../../mod.ts";

Deno.test("PyTorch's cuda is told what there is instead", () => {
  const words = 'Dinograd runs without cuda: use to("webgpu") in place of cuda()';
  assertThrows(() => dg.ones(2).cuda(), TypeError, words);
  const model = new dg.nn.Sequential(new dg.nn.Linear(2, 1));
  assertThrows(() => model.cuda(), TypeError, words);
  assertThrows(
    () => dg.ones(2).to("cuda" as dg.Device),
    TypeError,
    'use device "cpu" or "webgpu", got "cuda"',
  );
  assertEquals([dg.cuda.isAvailable(), model.cpu() === model], [false, true]);
});

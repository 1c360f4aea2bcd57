/** Tensors of two devices in one call: PyTorch's words, whatever the call is; and what may go together all the same. */
import { assertEquals, assertThrows } from "@std/assert";
import * as dg from "../../../mod.ts";
import { gpuTest } from "./helpers.ts";

const device = "webgpu", F = dg.nn.functional;

gpuTest("operands on two devices are refused", () => {
  const c = dg.rand(3, 3), g = dg.rand(3, 3, { device });
  const row = dg.tensor([[0n, 1n, 2n]]), classes = dg.tensor([0n, 1n, 2n]);
  const cases: Record<string, () => unknown> = {
    add: () => c.add(g),
    sub_: () => g.clone().sub_(c),
    where: () => dg.where(c.gt(0), g, g),
    maximum: () => dg.maximum(c, g),
    addcmul: () => g.addcmul(c, c),
    clamp: () => g.clamp(c, c),
    "matmul of the CPU": () => c.matmul(g),
    "matmul of the GPU": () => g.matmul(c),
    mm: () => c.mm(g),
    bmm: () => g.unsqueeze(0).bmm(c.unsqueeze(0)),
    addmm: () => dg.addmm(c, g, g),
    dot: () => g.select(0, 0).dot(c.select(0, 0)),
    einsum: () => dg.einsum("ij,jk->ik", c, g),
    linear: () => F.linear(g, c),
    cat: () => dg.cat([c, g]),
    stack: () => dg.stack([g, c]),
    blockDiag: () => dg.blockDiag(c, g),
    maskedFill: () => g.maskedFill(c.gt(0.5), 0),
    maskedSelect: () => g.maskedSelect(c.gt(0.5)),
    gather: () => g.gather(0, row),
    "gather of the CPU": () => c.gather(0, row.to(device)),
    scatter: () => g.scatter(0, row.to(device), c),
    indexAdd: () => g.indexAdd(0, classes.to(device), c),
    setIndex: () => g.clone().setIndex([classes], c),
    equal: () => dg.equal(c, g),
    isin: () => dg.isin(c, g),
    searchsorted: () => dg.searchsorted(g, c),
    bincount: () => dg.bincount(classes.to(device), { weights: dg.ones(3) }),
    mseLoss: () => F.mseLoss(g, c),
    crossEntropy: () => F.crossEntropy(g, classes),
    "crossEntropy of the CPU": () => F.crossEntropy(c, classes.to(device)),
    "crossEntropy's weight": () => F.crossEntropy(g, classes.to(device), { weight: dg.ones(3) }),
  };
  for (const [name, run] of Object.entries(cases)) {
    assertThrows(
      run,
      TypeError,
      "Expected all tensors to be on the same device, but found at least two devices",
      name,
    );
  }
  const leaf = dg.ones(3, { device, requiresGrad: true });
  assertThrows(
    () => leaf.mul(2).backward(dg.ones(3)),
    TypeError,
    "invalid gradient at index 0 - expected device webgpu but got cpu",
  );
  assertThrows(
    () => leaf.grad = dg.ones(3),
    TypeError,
    "assigned grad has data located on a different device",
  );
  assertEquals(leaf.grad, null);
  assertThrows(() => dg.meshgrid(dg.ones(2), dg.ones(2, { device })), TypeError, "have the same device");
});

gpuTest("0-d tensors of the CPU, indices of the CPU and copies go with any device", () => {
  const g = dg.arange(3).to(device), two = dg.tensor(2);
  assertEquals(g.add(two).toArray(), [2, 3, 4]);
  assertEquals(g.clone().mul_(two).toArray(), [0, 2, 4]);
  assertEquals(g.clone().fill_(two).toArray(), [2, 2, 2]);
  assertEquals(g.clone().copy_(dg.ones(3)).toArray(), [1, 1, 1]);
  assertEquals(dg.zeros(3).copy_(g).toArray(), [0, 1, 2]);
  assertEquals(g.index(dg.tensor([2n, 0n])).toArray(), [2, 0]);
  assertEquals(g.clone().setIndex([dg.tensor([2n, 0n])], two).toArray(), [2, 1, 2]);
  const x = dg.arange(3).requiresGrad_();
  x.to(device).mul(2).sum().backward();
  assertEquals([x.grad!.device, x.grad!.toArray()], ["cpu", [2, 2, 2]]);
});

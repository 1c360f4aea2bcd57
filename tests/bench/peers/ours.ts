/**
 * Ours, for what a process of its own is measured for.
 * @module
 */
import * as dg from "../../../mod.ts";
import type { Peer } from "./peer.ts";

/** Ours, on a device. */
export function load(device: dg.Device = "cpu"): Promise<Peer> {
  const x = dg.ones(1000, { requiresGrad: true, device });
  return Promise.resolve({
    first: () => dg.tensor([1, 2, 3]).add(1).toArray(),
    step: () => {
      x.grad = null;
      x.mul(x).mul(2).sub(x.mul(3)).add(4).sum().backward();
      if (device !== "cpu") x.grad!.data.sum().item();
    },
    workloads: {},
  });
}

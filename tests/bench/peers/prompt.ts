/**
 * Reads of WebGPU libraries without the sleep: in Deno `mapAsync` has waited for the GPU when it returns its promise, which then takes
 * another 10 ms. What a library computes in less than that could not be measured.
 * @module
 */

const MAP_READ = 1;

/** While `on` is true promises of `mapAsync` are fulfilled at once. Buffers have to be made after the call. */
export function promptReads(): { on: boolean } {
  const state = { on: true };
  const createBuffer = GPUDevice.prototype.createBuffer, mapAsync = GPUBuffer.prototype.mapAsync;
  GPUDevice.prototype.createBuffer = function (descriptor: GPUBufferDescriptor): GPUBuffer {
    if ((descriptor.usage & MAP_READ) === 0 || descriptor.mappedAtCreation) {
      return createBuffer.call(this, descriptor);
    }
    // a range of a buffer that was never mapped would end the process
    const size = Math.max(4, descriptor.size);
    const buffer = createBuffer.call(this, { ...descriptor, size, mappedAtCreation: true });
    buffer.unmap();
    return buffer;
  };
  GPUBuffer.prototype.mapAsync = function (...args: Parameters<GPUBuffer["mapAsync"]>): Promise<undefined> {
    const mapped = mapAsync.apply(this, args);
    if (!state.on) return mapped;
    mapped.catch(() => {});
    return Promise.resolve(undefined);
  };
  return state;
}

/** Gives what waits until all that was submitted to a device is done. */
export function finisher(device: GPUDevice): () => Promise<void> {
  const COPY_SRC = 4, COPY_DST = 8;
  const from = device.createBuffer({ size: 4, usage: COPY_SRC });
  const staging = device.createBuffer({ size: 4, usage: MAP_READ | COPY_DST });
  return async () => {
    const encoder = device.createCommandEncoder();
    encoder.copyBufferToBuffer(from, 0, staging, 0, 4);
    device.queue.submit([encoder.finish()]);
    await staging.mapAsync(MAP_READ);
    staging.unmap();
  };
}

/** Chooses the adapters that ours chooses, too, where the environment does not choose. */
export function withoutOpenGl(): void {
  if (Deno.env.get("DENO_WEBGPU_BACKEND") === undefined) {
    Deno.env.set("DENO_WEBGPU_BACKEND", "vulkan,metal,dx12");
  }
}

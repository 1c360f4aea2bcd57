/**
 * The GPU's memory as tensors see it.
 * @module
 */
import { registerDevice, type RemoteMemory } from "../../tensor/device.ts";
import { type DType, itemSize, type TypedArray } from "../../tensor/dtype.ts";
import { openDevice, whyUnavailable } from "./device.ts";
import { checkElements, sameBits } from "./elements.ts";
import type { Gpu } from "./gpu.ts";
import type { Block } from "./memory.ts";
import { allocate, read, readAsync, upload, write } from "./transfer.ts";

/** The elements of a tensor in GPU memory. */
export class GpuMemory implements RemoteMemory {
  /** The device. */
  readonly gpu: Gpu;
  /** The buffer. */
  readonly block: Block;
  /** Element type. */
  readonly dtype: DType;
  /** Number of elements. */
  readonly length: number;

  /** Takes over a block that holds so many elements. */
  constructor(gpu: Gpu, block: Block, dtype: DType, length: number) {
    this.gpu = gpu;
    this.block = block;
    this.dtype = dtype;
    this.length = length;
  }

  /** Elements in memory of their own, when everything recorded before is done. */
  read(offset: number, length: number): TypedArray {
    return read(this.gpu, this.block, this.dtype, offset, length);
  }

  /** {@linkcode GpuMemory.read} for hosts that cannot wait. */
  async readAsync(offset: number, length: number): Promise<TypedArray> {
    return await readAsync(this.gpu, this.block, this.dtype, offset, length);
  }

  /** Writes elements, from `offset` on. */
  write(offset: number, array: TypedArray): void {
    write(this.gpu, this.block, this.dtype, offset, array);
  }

  /** Another view of the block, where elements of both types are the same bits. */
  as(dtype: DType): GpuMemory | null {
    if (!sameBits(this.dtype, dtype)) return null;
    checkElements(this.gpu, dtype);
    const length = this.length * itemSize(this.dtype) / itemSize(dtype);
    return new GpuMemory(this.gpu, this.block, dtype, length);
  }

  /** Gives the block back. */
  release(): void {
    this.gpu.memory.release(this.block);
  }
}

/**
 * The open GPU.
 *
 * @throws {TypeError} where there is none; the message says why and what to do.
 */
export function requireGpu(): Gpu {
  const gpu = openDevice();
  if (gpu === null) throw new TypeError(`no WebGPU adapter: ${whyUnavailable()}; use device "cpu"`);
  return gpu;
}

/** Memory for so many elements, its content unknown. */
export function allocateGpu(gpu: Gpu, dtype: DType, length: number): GpuMemory {
  return new GpuMemory(gpu, allocate(gpu, dtype, length), dtype, length);
}

registerDevice("webgpu", {
  allocate(dtype, length, zeroed) {
    const gpu = requireGpu(), memory = allocateGpu(gpu, dtype, length);
    if (zeroed && !memory.block.fresh) gpu.commands.clear(memory.block, 0, memory.block.bytes);
    return memory;
  },
  upload(array, dtype) {
    const gpu = requireGpu();
    return new GpuMemory(gpu, upload(gpu, array, dtype), dtype, array.length);
  },
});

/**
 * What goes wrong on the GPU.
 * @module
 */

/** A GPU command failed, or the device is gone. A command's failure is thrown by the first read after it. */
export class GpuError extends Error {
  /** The class's name. */
  override readonly name: string = "GpuError";
}

/** The error of whoever uses a tensor of a device that is gone; `why` says how it went. */
export function goneError(why: string): GpuError {
  return new GpuError(
    `the GPU device is gone (${why}): the elements of its tensors are lost, new tensors open it anew`,
  );
}

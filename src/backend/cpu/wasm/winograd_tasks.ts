/**
 * What the threads do for Winograd's convolution: everything that a few images need, in a place of their own.
 * @module
 */

/** Words of a job; addresses beginning with "at" are those of the memory, the others count from the place. */
export const winogradWords = [
  "kind",
  "width",
  "placeBytes",
  "atPlaces",
  "first",
  // images: as they come, in their frame (or -1), transformed
  "raw",
  "planes",
  "rows",
  "columns",
  "framed",
  "frameRow",
  "framePlane",
  "frameShift",
  "channels",
  "image",
  "atImageTable",
  "imagePanels",
  "imageGroups",
  "imagePosition",
  "imagePanel",
  // kernels, transformed, in panels
  "atKernels",
  "kernelPosition",
  "kernelPanels",
  "kernelPanel",
  // results or their gradients: products, as tiles, as they come and go (or -1)
  "product",
  "productPosition",
  "productRow",
  "outputs",
  "tiled",
  "atTileTable",
  "tileGroups",
  "tileRow",
  "tilePlane",
  "atBias",
  "dense",
  "resultPlanes",
  "resultRows",
  "resultColumns",
  // for gradients of kernels: panels of both, and how long their lines are
  "depth",
  "panelsA",
  "panelsB",
  "countB",
  "bytesB",
] as const;

/**
 * Kind 0 makes results of images and kernels, kind 1 adds to the transformed gradients of kernels. Takes nothing from outside: the
 * numbers are the places of {@linkcode winogradWords}.
 */
export function winogradTasks(
  functions: readonly ((...args: number[]) => void)[],
  job: Int32Array,
): (task: number) => void {
  return (task) => {
    const first = job[4], at = job[3] + task % job[1] * job[2];
    const copyPlanes = functions[first], transformImage = functions[first + 1];
    const transformGradient = functions[first + 2], transformResult = functions[first + 3];
    const rows = job[7], columns = job[8], frameRow = job[10], framePlane = job[11], channels = job[13];
    let images = at + job[5];
    if (job[9] >= 0) {
      const framed = at + job[9], plane = rows * columns * 4;
      copyPlanes(framed + job[12], images, job[6], rows, columns, frameRow, columns * 4, framePlane, plane);
      images = framed;
    }
    const image = at + job[14], product = at + job[24], outputs = job[27], position = job[25];
    if (job[0] === 0) {
      // a panel has 4 * groups tiles of each channel, one channel behind the other
      for (let c = 0; c < channels; c++) {
        transformImage(
          image + c * job[17] * 16,
          images + c * framePlane,
          job[15],
          job[16],
          job[17],
          job[18],
          job[19],
          frameRow,
        );
      }
      for (let p = 0; p < 36; p++) {
        functions[first + 4](
          job[20] + p * job[21],
          image + p * job[18],
          product + p * position,
          channels,
          job[22],
          job[16],
          job[26],
          job[23],
          job[19],
        );
      }
      for (let o = 0; o < outputs; o++) {
        transformResult(
          product + o * job[26],
          at + job[28] + o * job[32],
          job[29],
          job[30],
          position,
          job[31],
          job[33] + 4 * o,
        );
      }
      if (job[34] >= 0) {
        const row = job[37] * 4;
        copyPlanes(
          at + job[34],
          at + job[28],
          job[35],
          job[36],
          job[37],
          row,
          job[31],
          job[36] * row,
          job[32],
        );
      }
      return;
    }
    let gradients = at + job[28];
    if (job[34] >= 0) {
      const row = job[37] * 4;
      copyPlanes(gradients, at + job[34], job[35], job[36], job[37], job[31], row, job[32], job[36] * row);
    } else gradients = at + job[28];
    for (let c = 0; c < channels; c++) {
      transformImage(
        image + c * job[19],
        images + c * framePlane,
        job[15],
        1,
        job[30],
        job[18],
        0,
        frameRow,
      );
    }
    for (let o = 0; o < outputs; o++) {
      transformGradient(
        product + o * job[26],
        gradients + o * job[32],
        job[29],
        1,
        job[30],
        position,
        0,
        job[31],
      );
    }
    const depth = job[38], panelsA = at + job[39], panelsB = at + job[40];
    for (let p = 0; p < 36; p++) {
      functions[0](panelsA, product + p * position, job[26], job[22], depth);
      functions[2](panelsB, image + p * job[18], job[19], job[41], depth);
      functions[4](
        panelsA,
        panelsB,
        at + job[20] + p * job[21],
        depth,
        job[22],
        job[41],
        job[16],
        job[23],
        job[42],
        0,
      );
    }
  };
}

/**
 * Numbers for the memory that recorded operations read.
 * @module
 */

import { sameShape } from "../tensor/shape.ts";
import type { Source } from "./deferred.ts";

/** The number of a window on memory that is there: the same for the same window. */
export function slotOf(x: Source, sources: Source[]): number {
  for (let i = 0; i < sources.length; i++) {
    const y = sources[i];
    if (
      y.storage === x.storage && y.offset === x.offset && y.single === x.single &&
      sameShape(y.strides, x.strides)
    ) {
      return i;
    }
  }
  return sources.push(x) - 1;
}

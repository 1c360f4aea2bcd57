/**
 * As much of a canvas as plotly needs to paint heat maps and images.
 * @module
 */

import { encodePNG } from "./png.ts";

/** Pixels, four bytes each. */
export interface Pixels {
  /** Pixels across. */
  readonly width: number;
  /** Pixels down. */
  readonly height: number;
  /** The bytes, row by row. */
  readonly data: Uint8ClampedArray;
}

/** The 2D context of a canvas: filled rectangles and whole images. */
export class CanvasContext {
  /** The colour of the next rectangle: `rgb(r,g,b)` or `rgba(r,g,b,a)`. */
  fillStyle = "rgba(0,0,0,1)";
  /** The picture so far. */
  readonly pixels: Uint8ClampedArray;

  /** Begins with a transparent picture of the given size. */
  constructor(readonly width: number, readonly height: number) {
    this.pixels = new Uint8ClampedArray(width * height * 4);
  }

  /** Paints a rectangle, its edges rounded to whole pixels. */
  fillRect(x: number, y: number, w: number, h: number): void {
    const [r, g, b, a = 1] = (this.fillStyle.match(/[\d.]+/g) ?? []).map(Number);
    const x0 = Math.max(0, Math.round(Math.min(x, x + w)));
    const x1 = Math.min(this.width, Math.round(Math.max(x, x + w)));
    const y0 = Math.max(0, Math.round(Math.min(y, y + h)));
    const y1 = Math.min(this.height, Math.round(Math.max(y, y + h)));
    for (let j = y0; j < y1; j++) {
      for (let i = x0; i < x1; i++) this.pixels.set([r, g, b, a * 255], (j * this.width + i) * 4);
    }
  }

  /** An empty image to paint into. */
  createImageData(width: number, height: number): Pixels {
    return { width, height, data: new Uint8ClampedArray(width * height * 4) };
  }

  /** Replaces the picture by an image of the same size. */
  putImageData(image: Pixels): void {
    this.pixels.set(image.data.subarray(0, this.pixels.length));
  }

  /** One pixel; plotly asks this for a colour as the canvas shows it. */
  getImageData(x: number, y: number): { data: Uint8ClampedArray } {
    const at = (y * this.width + x) * 4;
    return { data: this.pixels.subarray(at, at + 4) };
  }
}

/**
 * Makes a canvas of any object.
 *
 * @param target The object, for example an element of a DOM that has no canvas.
 * @returns The same object with `width`, `height`, `getContext` and `toDataURL`.
 */
export function asCanvas<T extends object>(target: T): T {
  const size = { width: 300, height: 150 };
  let context: CanvasContext | null = null;
  const side = (name: "width" | "height"): PropertyDescriptor => ({
    configurable: true,
    get: () => size[name],
    set: (value: number) => {
      size[name] = Math.trunc(value);
      context = null;
    },
  });
  const getContext = (): CanvasContext => context ??= new CanvasContext(size.width, size.height);
  return Object.defineProperties(target, {
    width: side("width"),
    height: side("height"),
    getContext: { value: getContext },
    toDataURL: {
      value: (): string => {
        const png = encodePNG(size.width, size.height, getContext().pixels);
        return `data:image/png;base64,${png.toBase64()}`;
      },
    },
  });
}

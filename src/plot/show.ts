/**
 * Showing things now, in the middle of a cell too.
 * @module
 */

import { display as displayValue, html, markdown } from "../display/display.ts";
import { progress } from "../display/progress.ts";
import {
  type ImageBatch,
  type ImageSource,
  picture,
  pictures,
  type ShowImageOptions,
  type ShowImagesOptions,
} from "./picture.ts";

/** Shows things now: in a notebook as an output of the running cell, elsewhere as text on the console. */
export interface Display {
  /**
   * Shows a value.
   *
   * A value whose picture is made synchronously is shown before this returns; await the promise for one whose picture takes
   * time, such as a figure.
   */
  (value: unknown): Promise<void>;
  /** Shows an image: [height, width], [channels, height, width] or [height, width, channels]; see `plot.picture`. */
  image(data: ImageSource, options?: ShowImageOptions): void;
  /** Shows several images in a grid; see `plot.pictures`. */
  images(batch: ImageBatch, options?: ShowImagesOptions): void;
  /** Shows HTML: a string as it is, a template with its values escaped. */
  html(source: string | TemplateStringsArray, ...values: unknown[]): void;
  /** Shows Markdown. */
  markdown(source: string): void;
  /** A loop's items with a bar that shows how far it is. */
  readonly progress: typeof progress;
}

/**
 * Shows a value now: in a notebook as an output of the running cell, also in the middle of it; elsewhere as text on the
 * console. Its members show images, HTML, Markdown and progress.
 *
 * @example
 * ```ts
 * import { display } from "./show.ts";
 * display.image([[0, 0.5], [0.5, 1]]); // pixels in a notebook, characters on a terminal
 * display.images([[[0, 1]], [[1, 0]]], { titles: ["left", "right"] });
 * ```
 */
export const display: Display = Object.assign((value: unknown) => displayValue(value), {
  image: (data: ImageSource, options?: ShowImageOptions) => void displayValue(picture(data, options)),
  images: (batch: ImageBatch, options?: ShowImagesOptions) => void displayValue(pictures(batch, options)),
  html: (source: string | TemplateStringsArray, ...values: unknown[]) =>
    void displayValue(html(source, ...values)),
  markdown: (source: string) => void displayValue(markdown(source)),
  progress,
});

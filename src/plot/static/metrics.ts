/**
 * Widths of text in the font of the static pictures (Open Sans), so that legends, margins and labels are laid out
 * without a browser.
 * @module
 */

/** Advance widths from U+0020 to U+007E, in thousandths of the font size. */
// deno-fmt-ignore
const ASCII: readonly number[] = [
  260, 264, 398, 646, 572, 827, 729, 219, 295, 295, 551, 572, 259, 322, 263, 367, 572, 572, 572, 572, 572,
  572, 572, 572, 572, 572, 263, 263, 572, 572, 572, 432, 896, 632, 646, 630, 726, 556, 516, 727, 737, 279,
  269, 612, 522, 899, 753, 778, 602, 778, 617, 548, 551, 729, 596, 923, 578, 559, 572, 327, 367, 327, 572,
  438, 277, 556, 612, 479, 612, 562, 336, 543, 613, 252, 252, 525, 252, 926, 613, 602, 612, 612, 409, 477,
  356, 613, 500, 775, 523, 501, 469, 375, 549, 375, 572,
];

/** Advance widths from U+0391 to U+03C9. */
// deno-fmt-ignore
const GREEK: readonly number[] = [
  632, 646, 520, 579, 556, 572, 737, 778, 279, 612, 603, 899, 753, 551, 778, 728, 602, 0, 566, 551, 559,
  797, 578, 797, 781, 0, 0, 0, 0, 0, 0, 0, 611, 627, 511, 600, 478, 481, 613, 591, 339, 525, 535, 618,
  541, 474, 602, 651, 601, 482, 612, 473, 610, 717, 544, 754, 774,
];

/** How much wider the semibold cut is on average. */
const BOLD = 1.03;

function advance(code: number): number {
  if (code < 0x20 || (code >= 0x200b && code <= 0x200f)) return 0;
  if (code < 0x7f) return ASCII[code - 0x20];
  if (code >= 0x391 && code <= 0x3c9) return GREEK[code - 0x391];
  return code >= 0x2e80 ? 1000 : 590;
}

/**
 * The width of a line of text.
 *
 * @param text The text.
 * @param size The font size in pixels.
 * @param bold Whether it is set in the bold cut.
 * @returns The width in pixels.
 */
export function textWidth(text: string, size: number, bold = false): number {
  let width = 0;
  for (const char of text) width += advance(char.codePointAt(0)!);
  return width * size / 1000 * (bold ? BOLD : 1);
}

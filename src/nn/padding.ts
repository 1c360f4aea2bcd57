/**
 * Borders as modules.
 * @module
 */

import { pad, type PadMode } from "../ops/images/pad.ts";
import { checkInteger, checkIntegers, checkNumber } from "../tensor/arguments.ts";
import type { Tensor } from "../tensor/tensor.ts";
import { Module } from "./module.ts";
import { tuple } from "./text.ts";

/** Widths: one for all sides, or (before, behind) for each dimension, beginning with the last. */
export type PadWidths = number | readonly number[];

/** What all borders share. */
abstract class Border extends Module {
  /** The widths of all sides, beginning with the last dimension. */
  readonly padding: readonly number[];

  /** The widths for n dimensions, and what stands in the border. */
  constructor(n: number, padding: PadWidths, private readonly mode: PadMode = "constant") {
    super();
    const caller = this.typeName();
    this.padding = typeof padding === "number"
      ? new Array<number>(2 * n).fill(checkInteger(padding, caller, "padding"))
      : [...checkIntegers(padding, caller, "padding")];
    if (this.padding.length !== 2 * n) {
      throw new TypeError(
        `${this.typeName()}: padding must be a number or a list of ${2 * n}, got ${tuple(this.padding)}`,
      );
    }
  }

  /** The input with the border. */
  forward(input: Tensor): Tensor {
    return pad(input, this.padding, this.mode);
  }

  /** The widths. */
  override extraRepr(): string {
    return tuple(this.padding);
  }
}

/** A border of a number. */
abstract class ConstantBorder extends Border {
  /** The number. */
  readonly value: number;

  /** The widths and the number. */
  constructor(n: number, padding: PadWidths, value: number) {
    super(n, padding);
    this.value = checkNumber(value, this.typeName(), "value");
  }

  /** The input with the border. */
  override forward(input: Tensor): Tensor {
    return pad(input, this.padding, "constant", this.value);
  }

  /** The widths and the number. */
  override extraRepr(): string {
    return `padding=${tuple(this.padding)}, value=${this.value}`;
  }
}

/** A border of zeros around the last dimension. */
export class ZeroPad1d extends Border {
  /** Widths: one for all sides, or (before, behind) for each dimension, beginning with the last. */
  constructor(padding: PadWidths) {
    super(1, padding);
  }
}

/** A border of zeros around the last two dimensions. */
export class ZeroPad2d extends Border {
  /** Widths: one for all sides, or (before, behind) for each dimension, beginning with the last. */
  constructor(padding: PadWidths) {
    super(2, padding);
  }
}

/** A border of zeros around the last three dimensions. */
export class ZeroPad3d extends Border {
  /** Widths: one for all sides, or (before, behind) for each dimension, beginning with the last. */
  constructor(padding: PadWidths) {
    super(3, padding);
  }
}

/** A border of the elements mirrored at the edges, without the edges around the last dimension. */
export class ReflectionPad1d extends Border {
  /** Widths: one for all sides, or (before, behind) for each dimension, beginning with the last. */
  constructor(padding: PadWidths) {
    super(1, padding, "reflect");
  }
}

/** A border of the elements mirrored at the edges, without the edges around the last two dimensions. */
export class ReflectionPad2d extends Border {
  /** Widths: one for all sides, or (before, behind) for each dimension, beginning with the last. */
  constructor(padding: PadWidths) {
    super(2, padding, "reflect");
  }
}

/** A border of the elements mirrored at the edges, without the edges around the last three dimensions. */
export class ReflectionPad3d extends Border {
  /** Widths: one for all sides, or (before, behind) for each dimension, beginning with the last. */
  constructor(padding: PadWidths) {
    super(3, padding, "reflect");
  }
}

/** A border of the edges repeated around the last dimension. */
export class ReplicationPad1d extends Border {
  /** Widths: one for all sides, or (before, behind) for each dimension, beginning with the last. */
  constructor(padding: PadWidths) {
    super(1, padding, "replicate");
  }
}

/** A border of the edges repeated around the last two dimensions. */
export class ReplicationPad2d extends Border {
  /** Widths: one for all sides, or (before, behind) for each dimension, beginning with the last. */
  constructor(padding: PadWidths) {
    super(2, padding, "replicate");
  }
}

/** A border of the edges repeated around the last three dimensions. */
export class ReplicationPad3d extends Border {
  /** Widths: one for all sides, or (before, behind) for each dimension, beginning with the last. */
  constructor(padding: PadWidths) {
    super(3, padding, "replicate");
  }
}

/** A border of the elements of the other side around the last dimension. */
export class CircularPad1d extends Border {
  /** Widths: one for all sides, or (before, behind) for each dimension, beginning with the last. */
  constructor(padding: PadWidths) {
    super(1, padding, "circular");
  }
}

/** A border of the elements of the other side around the last two dimensions. */
export class CircularPad2d extends Border {
  /** Widths: one for all sides, or (before, behind) for each dimension, beginning with the last. */
  constructor(padding: PadWidths) {
    super(2, padding, "circular");
  }
}

/** A border of the elements of the other side around the last three dimensions. */
export class CircularPad3d extends Border {
  /** Widths: one for all sides, or (before, behind) for each dimension, beginning with the last. */
  constructor(padding: PadWidths) {
    super(3, padding, "circular");
  }
}

/** A border of a number around the last dimension. */
export class ConstantPad1d extends ConstantBorder {
  /** The widths as in {@linkcode ZeroPad1d}, and the number. */
  constructor(padding: PadWidths, value: number) {
    super(1, padding, value);
  }
}

/** A border of a number around the last two dimensions. */
export class ConstantPad2d extends ConstantBorder {
  /** The widths as in {@linkcode ZeroPad2d}, and the number. */
  constructor(padding: PadWidths, value: number) {
    super(2, padding, value);
  }
}

/** A border of a number around the last three dimensions. */
export class ConstantPad3d extends ConstantBorder {
  /** The widths as in {@linkcode ZeroPad3d}, and the number. */
  constructor(padding: PadWidths, value: number) {
    super(3, padding, value);
  }
}

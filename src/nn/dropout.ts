/**
 * Dropout as modules.
 * @module
 */

import { checkKeys } from "../tensor/arguments.ts";
import type { Tensor } from "../tensor/tensor.ts";
import * as F from "./functional/dropout.ts";
import { keepNothing, Module } from "./module.ts";
import { bool } from "./text.ts";

/** What all share: the probability, and whether the input is overwritten. */
abstract class DropoutBase extends Module {
  /** The probability of a zero. */
  readonly p: number;
  /** Whether the input is overwritten. */
  readonly inplace: boolean;
  private readonly generator: F.DropoutOptions["generator"];

  /** p is 0.5 by default. A `generator` made by `philox` draws on the input's device. */
  constructor(p = 0.5, options: Pick<F.DropoutOptions, "inplace" | "generator"> = {}) {
    super();
    F.checkProbability(p);
    this.p = p;
    const { inplace = false, generator = null } = checkKeys(options, this.typeName(), [
      "inplace",
      "generator",
    ]);
    this.inplace = inplace;
    this.generator = generator;
  }

  /** The options as the functions take them. */
  protected options(): F.DropoutOptions {
    return { p: this.p, training: this.training, inplace: this.inplace, generator: this.generator };
  }

  /** The probability. */
  override extraRepr(): string {
    return `p=${this.p}, inplace=${bool(this.inplace)}`;
  }
}

/** Sets elements to 0 with probability p while training, and makes the others larger by 1 / (1 - p). */
export class Dropout extends DropoutBase {
  static {
    keepNothing.add(this.prototype.forward);
  }

  /** The input with some elements dropped; the input itself outside training. */
  forward(input: Tensor): Tensor {
    return F.dropout(input, this.options());
  }
}

/** Drops whole channels of signals [N, C, L] or [C, L] while training. */
export class Dropout1d extends DropoutBase {
  /** The input with some elements dropped; the input itself outside training. */
  forward(input: Tensor): Tensor {
    return F.dropout1d(input, this.options());
  }
}

/** Drops whole channels of images [N, C, H, W] while training. */
export class Dropout2d extends DropoutBase {
  /** The input with some elements dropped; the input itself outside training. */
  forward(input: Tensor): Tensor {
    return F.dropout2d(input, this.options());
  }
}

/** Drops whole channels of volumes [N, C, D, H, W] or [C, D, H, W] while training. */
export class Dropout3d extends DropoutBase {
  /** The input with some elements dropped; the input itself outside training. */
  forward(input: Tensor): Tensor {
    return F.dropout3d(input, this.options());
  }
}

/** Dropout that keeps mean 0 and variance 1, for nets with SELU. */
export class AlphaDropout extends DropoutBase {
  /** The input with some elements dropped; the input itself outside training. */
  forward(input: Tensor): Tensor {
    return F.alphaDropout(input, this.options());
  }
}

/** {@linkcode AlphaDropout} of whole channels. */
export class FeatureAlphaDropout extends DropoutBase {
  /** The input with some elements dropped; the input itself outside training. */
  forward(input: Tensor): Tensor {
    return F.featureAlphaDropout(input, this.options());
  }
}

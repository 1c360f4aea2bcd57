/**
 * What the bridge and the code inside the kernel agree on.
 *
 * @module
 */

/** Type of the iopub message that answers the bridge, and marks the end of a cell's outputs. It reaches no client. */
export const SYNC = "dinograd_sync";

/**
 * Type of the iopub message that tells that an interrupt was noticed in the kernel; with `busy: true`, that the cell
 * could not be ended from inside because it computes all the time. It never reaches a client.
 */
export const INTERRUPT = "dinograd_interrupt";

/** Type of the iopub message with an error that nobody caught. Clients get it as text on stderr. */
export const UNCAUGHT = "dinograd_uncaught";

/** How cells are called in stacks inside the kernel, before their number. The bridge puts names for people there. */
export const CELL_URL = "dinograd:cell/";

/** A thrown value, as the kernel tells it. */
export interface Thrown {
  /** What stands before the stack's frames: the name and the message; or the text of a value that is no error. */
  title: string;
  /** The frames of its stack, a line each. */
  frames: string[];
  /** Its own properties, printed, where it has any. */
  properties?: string;
  /** Its cause. */
  cause?: Thrown;
  /** The errors that an AggregateError unites. */
  errors?: Thrown[];
}

/** The content of an {@linkcode UNCAUGHT} message. */
export interface Uncaught {
  /** What stands before the error. */
  prefix: string;
  /** The error. */
  thrown: Thrown;
}

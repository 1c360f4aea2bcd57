/**
 * What the bridge and the code inside the kernel agree on.
 *
 * @module
 */

/** Type of the iopub message that marks the end of a cell's outputs. It never reaches a client. */
export const SYNC = "dinograd_sync";

/**
 * Type of the iopub message that tells that an interrupt was noticed in the kernel; with `busy: true`, that the cell
 * could not be ended from inside because it computes all the time. It never reaches a client.
 */
export const INTERRUPT = "dinograd_interrupt";

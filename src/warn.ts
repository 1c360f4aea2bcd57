/**
 * Warnings, each shown once a process unless asked otherwise.
 * @module
 */

/** Receives the text of a warning. */
export type WarningHandler = (message: string) => void;

const seen = new Set<string>();
let always = false;
let handler: WarningHandler = (message) => console.warn(`UserWarning: ${message}`);

/** Warns about something that is allowed but probably not meant. The same text is shown once a process. */
export function warn(message: string): void {
  if (!always && seen.has(message)) return;
  seen.add(message);
  handler(message);
}

/** Shows every warning each time (true), or each text once (false, the default). */
export function setWarnAlways(value: boolean): void {
  always = value;
}

/** Sends warnings to a function of your own instead of the console; returns the previous one. */
export function setWarningHandler(next: WarningHandler): WarningHandler {
  const previous = handler;
  handler = next;
  return previous;
}

/**
 * Waiting with a limit.
 *
 * @module
 */

/** Whether a promise settles within so many milliseconds. Rejects where it rejects in time. */
export async function withinTime(promise: Promise<unknown>, milliseconds: number): Promise<boolean> {
  let timer: ReturnType<typeof setTimeout> | undefined;
  const timeout = new Promise<false>((resolve) => timer = setTimeout(() => resolve(false), milliseconds));
  try {
    return await Promise.race([promise.then(() => true), timeout]);
  } finally {
    clearTimeout(timer);
  }
}

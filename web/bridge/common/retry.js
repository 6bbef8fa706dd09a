// Retries with a growing delay.

/** The delay before a retry, in milliseconds; it doubles with each attempt. */
const RETRY_DELAY_MIN = 1_000;
const RETRY_DELAY_MAX = 30_000;

/** The delays before consecutive attempts. */
export class Backoff {
  #delay = RETRY_DELAY_MIN;

  next() {
    const delay = this.#delay;
    this.#delay = Math.min(2 * delay, RETRY_DELAY_MAX);
    return delay;
  }

  reset() {
    this.#delay = RETRY_DELAY_MIN;
  }
}

/**
 * Repeats `operation` until it is fulfilled or `signal` is aborted.
 * @param {(succeeded: () => void) => Promise<void>} operation It may call `succeeded` before it is
 *   fulfilled: a later failure then counts as a new one.
 * @param {AbortSignal} signal
 * @param {(error: any) => void} failed Called for the first of consecutive failures.
 */
export async function persist(operation, signal, failed) {
  const backoff = new Backoff();
  let isReported = false;
  const succeeded = () => {
    backoff.reset();
    isReported = false;
  };
  while (!signal.aborted) {
    try {
      await operation(succeeded);
      return;
    } catch (error) {
      if (signal.aborted) return;
      if (!isReported) failed(error);
      isReported = true;
    }
    await pause(backoff.next(), signal);
  }
}

/**
 * @param {number} delay
 * @param {AbortSignal} signal
 */
async function pause(delay, signal) {
  await new Promise((/** @type {(value: void) => void} */ resolve) => {
    const done = () => {
      clearTimeout(timer);
      signal.removeEventListener('abort', done);
      resolve();
    };
    const timer = setTimeout(done, delay);
    signal.addEventListener('abort', done);
  });
}

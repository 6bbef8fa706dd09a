// Trying again what did not work.

/** Before something is tried again, in milliseconds: doubled from the first time on. */
const RETRY_FIRST = 1_000;
const RETRY_MOST = 30_000;

/** How long to wait before each next attempt. */
export class Backoff {
  #delay = RETRY_FIRST;

  next() {
    const delay = this.#delay;
    this.#delay = Math.min(2 * delay, RETRY_MOST);
    return delay;
  }

  reset() {
    this.#delay = RETRY_FIRST;
  }
}

/**
 * Does `operation` until it is fulfilled once, or `signal` is aborted.
 * @param {(worked: () => void) => Promise<void>} operation It calls `worked` when it has got as far
 *   as it should: what fails after that is another failure.
 * @param {AbortSignal} signal
 * @param {(error: any) => void} failed Told of the first of several failures in a row.
 */
export async function persist(operation, signal, failed) {
  const backoff = new Backoff();
  let isTold = false;
  const worked = () => {
    backoff.reset();
    isTold = false;
  };
  while (!signal.aborted) {
    try {
      await operation(worked);
      return;
    } catch (error) {
      if (signal.aborted) return;
      if (!isTold) failed(error);
      isTold = true;
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

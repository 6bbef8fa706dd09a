// Events as the calling SDK has them: `on(event, listener)` and `off(event, listener)`.

/**
 * Tells the listeners of `emitter` that `event` has happened. Not a method, because applications
 * listen and only the library tells.
 * @type {(emitter: object, event: string, payload?: unknown) => void}
 */
export let emit;

/**
 * Something that others listen to.
 * @template {Record<string, any>} Events What each event's listeners are given, by its name.
 */
export class Emitter {
  /** @type {Map<keyof Events, Set<(payload: any) => unknown>>} */
  #listeners = new Map();

  static {
    emit = (emitter, event, payload) => {
      const listeners = /** @type {Emitter<any>} */ (emitter).#listeners.get(event) ?? [];
      // A copy: a listener may add and remove listeners.
      for (const listener of [...listeners]) {
        try {
          const result = listener(payload);
          if (result instanceof Promise) result.catch(reportError);
        } catch (error) {
          // The others are told all the same, and the window's `error` event says it.
          reportError(error);
        }
      }
    };
  }

  /**
   * @template {keyof Events} K
   * @param {K} event
   * @param {(payload: Events[K]) => unknown} listener
   */
  on(event, listener) {
    const listeners = this.#listeners.get(event) ?? new Set();
    this.#listeners.set(event, listeners.add(listener));
  }

  /**
   * @template {keyof Events} K
   * @param {K} event
   * @param {(payload: Events[K]) => unknown} listener
   */
  off(event, listener) {
    this.#listeners.get(event)?.delete(listener);
  }
}

/**
 * What the listeners of a collection's `…Updated` event are given.
 * @template T
 * @typedef {{added: T[], removed: T[]}} Updated
 */

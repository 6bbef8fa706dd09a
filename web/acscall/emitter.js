// Events in the style of the calling SDK: `on(event, listener)` and `off(event, listener)`.

import { Proxyable, proxyable } from './proxies.js';

/**
 * Emits `event`. A function rather than a method, because applications only listen and only the
 * library emits.
 * @type {(emitter: object, event: string, payload?: unknown) => void}
 */
export let emit;

/**
 * An object with events.
 * @template {Record<string, any>} Events The payload of each event, by name.
 */
export class Emitter extends Proxyable {
  /** @type {Map<keyof Events, Set<(payload: any) => unknown>>} */
  #listeners = new Map();

  static {
    proxyable(this);
    emit = (emitter, event, payload) => {
      const listeners = /** @type {Emitter<any>} */ (emitter).#listeners.get(event) ?? [];
      // A copy: a listener may add and remove listeners.
      for (const listener of [...listeners]) {
        try {
          const result = listener(payload);
          if (result instanceof Promise) result.catch(reportError);
        } catch (error) {
          // Calls the other listeners all the same; the window's `error` event reports it.
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
 * The payload of a collection's `…Updated` event.
 * @template T
 * @typedef {{added: T[], removed: T[]}} Updated
 */

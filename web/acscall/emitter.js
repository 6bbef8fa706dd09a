// Events in the style of the calling SDK: `on(event, listener)` and `off(event, listener)`.

import { CallingError } from './errors.js';
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
  #names;

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
   * @param {readonly (keyof Events)[]} [names] The names of all events, for classes whose users may
   *   get them wrong.
   */
  constructor(names) {
    super();
    this.#names = names;
  }

  /**
   * @template {keyof Events} K
   * @param {K} event
   * @param {(payload: Events[K]) => unknown} listener
   */
  on(event, listener) {
    this.#check(event);
    const listeners = this.#listeners.get(event) ?? new Set();
    this.#listeners.set(event, listeners.add(listener));
  }

  /**
   * @template {keyof Events} K
   * @param {K} event
   * @param {(payload: Events[K]) => unknown} listener
   */
  off(event, listener) {
    this.#check(event);
    this.#listeners.get(event)?.delete(listener);
  }

  /** @param {keyof Events} event */
  #check(event) {
    if (!this.#names || this.#names.includes(event)) return;
    const message = `There is no event '${String(event)}', only ${this.#names.join(', ')}.`;
    throw new CallingError(400, message);
  }
}

/**
 * The payload of a collection's `…Updated` event.
 * @template T
 * @typedef {{added: T[], removed: T[]}} Updated
 */

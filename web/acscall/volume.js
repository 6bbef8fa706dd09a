// The volume of a stream.

import { Emitter, emit } from './emitter.js';
import { proxyable } from './proxies.js';

/** How often the volume is measured while there are listeners, in milliseconds. */
const PERIOD = 200;

/**
 * The current volume of a stream.
 * @extends {Emitter<{levelChanged: void}>}
 */
export class Volume extends Emitter {
  #measure;
  #level = 0;
  /** @type {ReturnType<typeof setInterval> | undefined} */
  #timer;
  /** @type {Set<unknown>} */
  #listeners = new Set();

  static {
    proxyable(this);
  }

  /** @param {() => number} measure Returns the volume, from 0 to 1. */
  constructor(measure) {
    super(['levelChanged']);
    this.#measure = measure;
  }

  /** From 0 to 100. */
  get level() {
    return Math.round(100 * Math.min(1, Math.max(0, this.#measure())));
  }

  /** @type {Emitter<{levelChanged: void}>['on']} */
  on(event, listener) {
    super.on(event, listener);
    this.#listeners.add(listener);
    this.#timer ??= setInterval(() => this.#look(), PERIOD);
  }

  /** @type {Emitter<{levelChanged: void}>['off']} */
  off(event, listener) {
    super.off(event, listener);
    this.#listeners.delete(listener);
    if (this.#listeners.size) return;
    clearInterval(this.#timer);
    this.#timer = undefined;
  }

  #look() {
    const level = this.level;
    if (level === this.#level) return;
    this.#level = level;
    emit(this, 'levelChanged');
  }
}

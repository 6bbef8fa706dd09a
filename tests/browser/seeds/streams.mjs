// The output of acscallsrc's pads: pictures and sound as they arrive.

import { TIMEOUT } from '../harness.mjs';
import { SIZE } from './tone.mjs';

/** An object whose changes can be awaited. */
export class Changing {
  /** @type {Set<() => void>} */
  #waiting = new Set();

  /** Must be called after every change. */
  changed() {
    for (const look of this.#waiting) look();
  }

  /**
   * Waits until `accept` returns something true, and returns that. Fails after `within` ms with the
   * description of the current state.
   * @template T
   * @param {string} what
   * @param {(self: this) => T} accept
   * @returns {Promise<NonNullable<T>>}
   */
  until(what, accept, within = TIMEOUT) {
    return new Promise((resolve, reject) => {
      const end = (settle, value) => {
        clearTimeout(timer);
        this.#waiting.delete(look);
        settle(value);
      };
      const look = () => {
        try {
          const accepted = accept(this);
          if (accepted) end(resolve, accepted);
        } catch (error) {
          end(reject, error);
        }
      };
      const timer = setTimeout(() => {
        end(reject, new Error(`not within ${within} ms: ${what}; last seen: ${this.describe()}`));
      }, within);
      this.#waiting.add(look);
      look();
    });
  }

  /** Describes the state in a few words. */
  describe() {
    return '';
  }
}

/** The pictures of a stream; it keeps the pixels of the newest only. */
export class Pictures extends Changing {
  count = 0;
  /** @type {import('./picture.mjs').Picture | null} */
  latest = null;
  /** The timestamps of the last pictures, in seconds. @type {number[]} */
  times = [];
  #size = { width: 0, height: 0 };

  /** @param {string} caps */
  caps(caps) {
    const field = (name) => Number(new RegExp(`${name}=\\(int\\)(\\d+)`).exec(caps)?.[1]);
    this.#size = { width: field('width'), height: field('height') };
  }

  /** @param {Buffer} data @param {number | null} pts */
  buffer(data, pts) {
    this.count += 1;
    this.latest = { ...this.#size, data };
    if (pts !== null) this.times = [...this.times.slice(-89), pts];
    this.changed();
  }

  /** The frame rate over the last two seconds, by timestamps; 0 before there are as many. */
  get rate() {
    const last = this.times.at(-1) ?? 0;
    const recent = this.times.filter((time) => time > last - 2);
    return recent.length < this.times.length ? recent.length / 2 : 0;
  }

  /**
   * Waits for a picture that `accept` accepts. It gets the next one and then every fifth, since
   * checking all pixels of all pictures would take too long.
   */
  next(what, accept) {
    const { count } = this;
    const isDue = () => (this.count - count) % 5 === 1;
    return this.until(what, () => isDue() && accept(this.latest, this));
  }

  describe() {
    const { width, height } = this.latest ?? {};
    return `${this.count} pictures, the last of ${width}×${height}, ${this.rate} per second`;
  }
}

/** The first channel of a sound, its last seconds. */
export class Sound extends Changing {
  rate = 48_000;
  count = 0;
  #channels = 2;
  #ring = new Float32Array(SIZE * 8);

  /** @param {string} caps */
  caps(caps) {
    if (!caps.includes('format=(string)S16LE')) throw new Error(`not S16LE: ${caps}`);
    this.rate = Number(/rate=\(int\)(\d+)/.exec(caps)?.[1]);
    this.#channels = Number(/channels=\(int\)(\d+)/.exec(caps)?.[1]);
  }

  /** @param {Buffer} data */
  buffer(data) {
    for (let at = 0; at < data.length; at += 2 * this.#channels) {
      this.#ring[this.count % this.#ring.length] = data.readInt16LE(at) / 32_768;
      this.count += 1;
    }
    this.changed();
  }

  /** Returns the samples for toneOf(); null before there are as many. */
  last(length = SIZE) {
    if (this.count < length) return null;
    const from = this.count - length;
    return Float32Array.from({ length }, (_, at) => this.#ring[(from + at) % this.#ring.length]);
  }

  /**
   * Waits until `accept` is true for the last `length` samples, among all new or recent ones; it
   * checks four times per length.
   * @template T
   * @param {string} what
   * @param {(samples: Float32Array) => T} accept
   */
  heard(what, accept, { within = TIMEOUT, length = SIZE } = {}) {
    let looked = -Infinity;
    return this.until(
      what,
      () => {
        if (this.count - looked < length / 4) return null;
        looked = this.count;
        const samples = this.last(length);
        return samples && accept(samples);
      },
      within,
    );
  }

  describe() {
    return `${this.count} samples`;
  }
}

// What comes out of a pad of acscallsrc: pictures and sound, as they come.

import { PATIENCE } from '../harness.mjs';
import { SIZE } from './tone.mjs';

/** Something that changes, and can be waited for. */
export class Changing {
  /** @type {Set<() => void>} */
  #waiting = new Set();

  /** To be called after every change. */
  changed() {
    for (const look of this.#waiting) look();
  }

  /**
   * Waits until `accept` gives something true, and returns that. Fails after `within` ms, with
   * what `this` is like then.
   * @template T
   * @param {string} what
   * @param {(self: this) => T} accept
   * @returns {Promise<NonNullable<T>>}
   */
  until(what, accept, within = PATIENCE) {
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

  /** What there is, in a few words for a message. */
  describe() {
    return '';
  }
}

/** The pictures of a stream; of their pixels the newest alone. */
export class Pictures extends Changing {
  count = 0;
  /** @type {import('./picture.mjs').Picture | null} */
  latest = null;
  /** When the last ones were taken, by their own times in seconds. @type {number[]} */
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

  /** Pictures per second over the last two, by their times; 0 before there are as many. */
  get rate() {
    const last = this.times.at(-1) ?? 0;
    const recent = this.times.filter((time) => time > last - 2);
    return recent.length < this.times.length ? recent.length / 2 : 0;
  }

  /**
   * Waits for a picture that `accept` gives something true for; asks for the next one, and then
   * for every fifth: to look at all pixels of all pictures would be more than there is time for.
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

  /** The last samples, as many as toneOf() looks at; null before there are as many. */
  last(length = SIZE) {
    if (this.count < length) return null;
    const from = this.count - length;
    return Float32Array.from({ length }, (_, at) => this.#ring[(from + at) % this.#ring.length]);
  }

  /**
   * Waits until what `accept` says of the last `length` samples is true, of all that come from now
   * on or have just come: looked at four times per length.
   * @template T
   * @param {string} what
   * @param {(samples: Float32Array) => T} accept
   */
  heard(what, accept, { within = PATIENCE, length = SIZE } = {}) {
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

// A picture whose track never ends, whatever becomes of the tracks that it comes from.
//
// An SDK that is given the track of a connection takes the camera when that connection closes.

import { Copies } from './copies.js';

/** So many frames wait, at most, while the page is busy: a third of a second. */
const WAITING = 10;

/**
 * The last frame is given again when there was no newer one for this long, in milliseconds: who
 * comes later sees a picture that stands still, too.
 */
const STANDS_STILL = 1_000;

export class VideoFeed {
  #writer;
  /** @type {ReadableStreamDefaultReader<VideoFrame> | null} */
  #reader = null;
  /** @type {MediaStreamTrack | null} */
  #source = null;
  /** @type {VideoFrame | null} */
  #newest = null;
  #newestAt = 0;
  #timer;
  #onFirst;
  #meter = new Meter();
  #frames = 0;
  #dropped = 0;

  /**
   * @param {'motion' | 'detail'} hint What matters of it, for encoders.
   * @param {() => void} onFirst There is a picture now; there was none before.
   */
  constructor(hint, onFirst) {
    this.#onFirst = onFirst;
    // Not among TypeScript's types: Chromium's alone.
    const { MediaStreamTrackGenerator } = /** @type {any} */ (globalThis);
    const generator = new MediaStreamTrackGenerator({ kind: 'video' });
    /** @type {WritableStreamDefaultWriter<VideoFrame>} */
    this.#writer = generator.writable.getWriter();
    generator.contentHint = hint;
    /** The picture, for SDKs. */
    this.copies = new Copies(generator);
    this.#timer = setInterval(() => this.#repeat(), STANDS_STILL);
  }

  /** Whether there is a picture of the present source. */
  get hasPicture() {
    return this.#newest !== null;
  }

  /** What becomes of the picture, since the beginning. */
  get stats() {
    const { displayWidth: frameWidth = 0, displayHeight: frameHeight = 0 } = this.#newest ?? {};
    const framesPerSecond = this.#meter.rate(performance.now());
    const [frames, framesDropped] = [this.#frames, this.#dropped];
    return { frames, framesDropped, framesPerSecond, frameWidth, frameHeight };
  }

  /**
   * From now on the picture is that of `track`, or stands still.
   * @param {MediaStreamTrack | null} track
   */
  set(track) {
    if (track === this.#source) return;
    this.#source = track;
    this.#reader?.cancel().catch(() => {});
    this.#reader = null;
    if (track) this.#read(track);
    else this.#forget();
  }

  close() {
    clearInterval(this.#timer);
    this.set(null);
    this.#writer.close().catch(() => {});
    this.copies.close();
  }

  /** @param {MediaStreamTrack} track */
  async #read(track) {
    const { MediaStreamTrackProcessor } = /** @type {any} */ (globalThis);
    const { readable } = new MediaStreamTrackProcessor({ track, maxBufferSize: WAITING });
    /** @type {ReadableStreamDefaultReader<VideoFrame>} */
    const reader = readable.getReader();
    this.#reader = reader;
    try {
      for (;;) {
        const { value: frame } = await reader.read();
        if (!frame) return;
        if (this.#reader === reader) this.#take(frame);
        else frame.close();
      }
    } catch (error) {
      console.debug('a picture can be read no more:', error);
    }
  }

  /** @param {VideoFrame} frame */
  #take(frame) {
    const isFirst = !this.#newest;
    this.#newest?.close();
    this.#newest = frame;
    this.#newestAt = performance.now();
    this.#meter.count(this.#newestAt);
    this.#write(frame);
    if (isFirst) this.#onFirst();
  }

  #repeat() {
    if (!this.#newest || performance.now() - this.#newestAt < STANDS_STILL) return;
    this.#write(this.#newest);
  }

  /**
   * Its timestamp stays as it is: Chromium would pass the original one on in any case, and what
   * sends frames goes by its own clock where theirs goes back or stands still.
   * @param {VideoFrame} frame
   */
  #write(frame) {
    // Who is behind gets the newest frame, not all of them later.
    if ((this.#writer.desiredSize ?? 0) <= 0) {
      this.#dropped += 1;
      return;
    }
    this.#frames += 1;
    this.#writer.write(frame.clone()).catch(() => {});
  }

  #forget() {
    this.#newest?.close();
    this.#newest = null;
  }
}

/** Counts frames per second. */
class Meter {
  #second = 0;
  #count = 0;
  #before = 0;

  /** @param {number} now In milliseconds. */
  count(now) {
    this.#turn(now);
    this.#count += 1;
  }

  /** Of the last full second. @param {number} now */
  rate(now) {
    this.#turn(now);
    return this.#before;
  }

  /** @param {number} now */
  #turn(now) {
    const second = Math.floor(now / 1_000);
    if (second === this.#second) return;
    this.#before = second === this.#second + 1 ? this.#count : 0;
    this.#count = 0;
    this.#second = second;
  }
}

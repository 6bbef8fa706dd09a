// A video track for SDKs that never ends, whatever happens to its source.
//
// An SDK that is given the track of a connection opens the camera when the connection closes.

import { Copies } from './copies.js';

/** The frames that may queue while the page is busy: a third of a second. */
const MAX_QUEUED = 10;

/**
 * After this time without a frame, in milliseconds, the last one is sent again, so that new
 * receivers see a still picture.
 */
const REPEAT_AFTER = 1_000;

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
   * @param {'motion' | 'detail'} hint The content hint.
   * @param {() => void} onFirst Called with the first frame of a source.
   */
  constructor(hint, onFirst) {
    this.#onFirst = onFirst;
    // Exists in Chromium only, hence not in TypeScript's types.
    const { MediaStreamTrackGenerator } = /** @type {any} */ (globalThis);
    const generator = new MediaStreamTrackGenerator({ kind: 'video' });
    /** @type {WritableStreamDefaultWriter<VideoFrame>} */
    this.#writer = generator.writable.getWriter();
    generator.contentHint = hint;
    /** The track for SDKs. */
    this.copies = new Copies(generator);
    this.#timer = setInterval(() => this.#repeat(), REPEAT_AFTER);
  }

  /** Whether the current source has delivered a frame. */
  get hasPicture() {
    return this.#newest !== null;
  }

  /** Statistics since the start. */
  get stats() {
    const { displayWidth: frameWidth = 0, displayHeight: frameHeight = 0 } = this.#newest ?? {};
    const framesPerSecond = this.#meter.rate(performance.now());
    const [frames, framesDropped] = [this.#frames, this.#dropped];
    return { frames, framesDropped, framesPerSecond, frameWidth, frameHeight };
  }

  /**
   * Sets the source; null freezes the picture.
   * @param {MediaStreamTrack | null} track
   */
  set(track) {
    if (track === this.#source) return;
    this.#source = track;
    this.#reader?.cancel().catch(() => {});
    this.#reader = null;
    if (track) this.#read(track);
    else this.#dropNewest();
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
    const { readable } = new MediaStreamTrackProcessor({ track, maxBufferSize: MAX_QUEUED });
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
      console.debug('a video track cannot be read any more:', error);
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
    if (!this.#newest || performance.now() - this.#newestAt < REPEAT_AFTER) return;
    this.#write(this.#newest);
  }

  /**
   * Keeps the timestamp: Chromium passes on the original one anyway, and the sender uses its own
   * clock when timestamps stop or go back.
   * @param {VideoFrame} frame
   */
  #write(frame) {
    // A slow consumer gets the newest frame, not all of them late.
    if ((this.#writer.desiredSize ?? 0) <= 0) {
      this.#dropped += 1;
      return;
    }
    this.#frames += 1;
    this.#writer.write(frame.clone()).catch(() => {});
  }

  #dropNewest() {
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

  /** Returns the frames in the last full second. @param {number} now */
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

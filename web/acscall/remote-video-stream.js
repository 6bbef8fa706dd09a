// Pictures that come from a participant.

import { Emitter, emit } from './emitter.js';
import { CallingError } from './errors.js';

/** How long `getMediaStream` waits for a connection, in milliseconds: as long as the SDK. */
const PATIENCE = 6_000;

/** A stream without a new frame for this long, in milliseconds, stands still. */
const STANDS_STILL = 3_000;

/**
 * What is known of a stream.
 * @typedef {object} Told
 * @property {boolean} isAvailable
 * @property {MediaStreamTrack | null} track Null where there is no connection.
 * @property {RTCRtpReceiver | undefined} receiver
 */

/**
 * Takes what is known of a stream now, and tells its listeners what has changed.
 * @type {(stream: RemoteVideoStream, told: Told) => void}
 */
export let updateVideo;

/**
 * Looks at what has come of a stream: nothing tells of that by itself.
 * @type {(stream: RemoteVideoStream) => void}
 */
export let observeVideo;

let last = 0;

/**
 * The camera or the screen of a participant.
 * @extends {Emitter<{isAvailableChanged: void, isReceivingChanged: void, sizeChanged: void}>}
 */
export class RemoteVideoStream extends Emitter {
  #type;
  #want;
  #id = ++last;
  #isAvailable = false;
  #isReceiving = false;
  #size = { width: 0, height: 0 };
  #stream = new MediaStream();
  /** @type {MediaStreamTrack | null} */
  #track = null;
  /** @type {RTCRtpReceiver | undefined} */
  #receiver;
  /** Those who wait for something to change. @type {Set<() => void>} */
  #waiting = new Set();

  static {
    updateVideo = (stream, told) => stream.#update(told);
    observeVideo = (stream) => stream.#observe();
  }

  /**
   * @internal
   * @param {'Video' | 'ScreenSharing'} type
   * @param {() => void} want Has it sent, from now on.
   */
  constructor(type, want) {
    super();
    this.#type = type;
    this.#want = want;
  }

  /** Tells it from all others. */
  get id() {
    return this.#id;
  }

  get mediaStreamType() {
    return this.#type;
  }

  /** Whether the participant has it on. */
  get isAvailable() {
    return this.#isAvailable;
  }

  /** Whether frames come: only after somebody has asked for the stream. */
  get isReceiving() {
    return this.#isReceiving;
  }

  /** Of the newest frame; zeros before the first. */
  get size() {
    return this.#size;
  }

  /**
   * The pictures: the same stream each time. They are sent from the first time on. When the
   * connection is replaced, its track is, which the stream's `addtrack` event tells.
   * @returns {Promise<MediaStream>}
   */
  async getMediaStream() {
    const end = performance.now() + PATIENCE;
    for (;;) {
      if (!this.#isAvailable) {
        throw new CallingError(404, 'The stream is not available. Wait for isAvailable.');
      }
      this.#want();
      if (this.#track) return this.#stream;
      if (performance.now() >= end) {
        throw new CallingError(408, 'There is no connection to the participant yet. Try it again.');
      }
      await this.#change(end - performance.now());
    }
  }

  /** @param {Told} told */
  #update({ isAvailable, track, receiver }) {
    this.#receiver = receiver;
    if (track && track !== this.#track) {
      const before = this.#track;
      this.#track = track;
      this.#stream.addTrack(track);
      // Before the other one ends, so that who relays the stream can follow.
      this.#stream.dispatchEvent(new MediaStreamTrackEvent('addtrack', { track }));
      if (before) this.#stream.removeTrack(before);
    }
    if (isAvailable !== this.#isAvailable) {
      this.#isAvailable = isAvailable;
      emit(this, 'isAvailableChanged');
      if (!isAvailable) this.#observe();
    }
    for (const tell of this.#waiting) tell();
  }

  #observe() {
    const [source] = (this.#isAvailable && this.#receiver?.getSynchronizationSources()) || [];
    const now = performance.timeOrigin + performance.now();
    const isReceiving = Boolean(source) && now - source.timestamp < STANDS_STILL;
    const { width = 0, height = 0 } = this.#track?.getSettings() ?? {};
    if (isReceiving && (width !== this.#size.width || height !== this.#size.height)) {
      this.#size = { width, height };
      emit(this, 'sizeChanged');
    }
    if (isReceiving === this.#isReceiving) return;
    this.#isReceiving = isReceiving;
    emit(this, 'isReceivingChanged');
  }

  /**
   * Waits until something has changed, or that long.
   * @param {number} within
   */
  async #change(within) {
    /** @type {() => void} */
    let done = () => {};
    await new Promise((/** @type {(value: void) => void} */ resolve) => {
      done = resolve;
      this.#waiting.add(done);
      setTimeout(done, within);
    });
    this.#waiting.delete(done);
  }
}

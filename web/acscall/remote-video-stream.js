// Video received from a participant.

import { Emitter, emit } from './emitter.js';
import { CallingError } from './errors.js';
import { proxyable } from './proxies.js';

/** How long `getMediaStream` waits for a connection, in milliseconds: as long as the SDK. */
const TIMEOUT = 6_000;

/** A stream without a frame for this long, in milliseconds, has stalled. */
const STALL_TIMEOUT = 3_000;

/**
 * The state of a stream.
 * @typedef {object} VideoState
 * @property {boolean} isAvailable
 * @property {MediaStreamTrack | null} track Null if there is no connection.
 * @property {RTCRtpReceiver | undefined} receiver
 */

/**
 * Updates the state of a stream and emits its changes.
 * @type {(stream: RemoteVideoStream, state: VideoState) => void}
 */
export let updateVideo;

/**
 * Checks whether frames arrive, since no event reports that.
 * @type {(stream: RemoteVideoStream) => void}
 */
export let observeVideo;

let last = 0;

/**
 * A participant's camera or screen.
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
  /** Resolvers waiting for an update. @type {Set<() => void>} */
  #waiting = new Set();

  static {
    proxyable(this);
    updateVideo = (stream, state) => stream.#update(state);
    observeVideo = (stream) => stream.#observe();
  }

  /**
   * @internal
   * @param {'Video' | 'ScreenSharing'} type
   * @param {() => void} want Requests the stream from its sender.
   */
  constructor(type, want) {
    super();
    this.#type = type;
    this.#want = want;
  }

  /** Unique among all streams. */
  get id() {
    return this.#id;
  }

  get mediaStreamType() {
    return this.#type;
  }

  /** Whether the participant offers the stream. */
  get isAvailable() {
    return this.#isAvailable;
  }

  /** Whether frames arrive, which needs a call of `getMediaStream()`. */
  get isReceiving() {
    return this.#isReceiving;
  }

  /** The size of the newest frame; zeros before the first. */
  get size() {
    return this.#size;
  }

  /**
   * Returns the stream, the same object each time. The first call starts its transmission. When the
   * connection is replaced, so is the track, and the stream's `addtrack` event fires.
   * @returns {Promise<MediaStream>}
   */
  async getMediaStream() {
    const end = performance.now() + TIMEOUT;
    for (;;) {
      if (!this.#isAvailable) {
        throw new CallingError(404, 'The stream is not available. Wait until isAvailable is true.');
      }
      this.#want();
      if (this.#track) return this.#stream;
      if (performance.now() >= end) {
        throw new CallingError(408, 'The participant is not connected yet. Try again.');
      }
      await this.#nextUpdate(end - performance.now());
    }
  }

  /** @param {VideoState} state */
  #update({ isAvailable, track, receiver }) {
    this.#receiver = receiver;
    if (track && track !== this.#track) {
      const before = this.#track;
      this.#track = track;
      this.#stream.addTrack(track);
      // Before the old track ends, so that a relay can switch in time.
      this.#stream.dispatchEvent(new MediaStreamTrackEvent('addtrack', { track }));
      if (before) this.#stream.removeTrack(before);
    }
    if (isAvailable !== this.#isAvailable) {
      this.#isAvailable = isAvailable;
      emit(this, 'isAvailableChanged');
      if (!isAvailable) this.#observe();
    }
    for (const resolve of this.#waiting) resolve();
  }

  #observe() {
    const [source] = (this.#isAvailable && this.#receiver?.getSynchronizationSources()) || [];
    const now = performance.timeOrigin + performance.now();
    const isReceiving = Boolean(source) && now - source.timestamp < STALL_TIMEOUT;
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
   * Waits for the next update, or until the timeout.
   * @param {number} timeout
   */
  async #nextUpdate(timeout) {
    /** @type {() => void} */
    let done = () => {};
    await new Promise((/** @type {(value: void) => void} */ resolve) => {
      done = resolve;
      this.#waiting.add(done);
      setTimeout(done, timeout);
    });
    this.#waiting.delete(done);
  }
}

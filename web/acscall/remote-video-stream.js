// Video received from a participant.

import { Copies } from './copies.js';
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

/**
 * Returns a stream for a view of its own, which uses the video until `close`.
 * @type {(stream: RemoteVideoStream) => Promise<{stream: MediaStream, close: () => void}>}
 */
export let openView;

let last = 0;

/**
 * A participant's camera or screen.
 * @extends {Emitter<{isAvailableChanged: void, isReceivingChanged: void, sizeChanged: void}>}
 */
export class RemoteVideoStream extends Emitter {
  #type;
  #setWanted;
  #id = ++last;
  #isAvailable = false;
  #isReceiving = false;
  #size = { width: 0, height: 0 };
  #stream = new MediaStream();
  /** The streams of views. @type {Set<MediaStream>} */
  #views = new Set();
  /** The received track. The application gets copies, so that it cannot end this one. */
  /** @type {MediaStreamTrack | null} */
  #track = null;
  #copies = new Copies();
  #isWanted = false;
  /** @type {RTCRtpReceiver | undefined} */
  #receiver;
  /** Resolvers waiting for an update. @type {Set<() => void>} */
  #waiting = new Set();

  static {
    proxyable(this);
    updateVideo = (stream, state) => stream.#update(state);
    observeVideo = (stream) => stream.#observe();
    openView = (stream) => stream.#openView();
  }

  /**
   * @internal
   * @param {'Video' | 'ScreenSharing'} type
   * @param {(isWanted: boolean) => void} setWanted Requests the stream, or stops it.
   */
  constructor(type, setWanted) {
    super(['isAvailableChanged', 'isReceivingChanged', 'sizeChanged']);
    this.#type = type;
    this.#setWanted = setWanted;
    this.#copies.watchStream(this.#stream);
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
   * Returns the stream, the same object each time. The first call starts its transmission, which
   * stops when the application has stopped the track and all copies of it; the next call starts it
   * again, with another track. When the connection is replaced, so is the track. The stream's
   * `addtrack` event fires for each new track.
   * @returns {Promise<MediaStream>}
   */
  async getMediaStream() {
    await this.#open(this.#stream);
    return this.#stream;
  }

  async #openView() {
    const stream = new MediaStream();
    this.#views.add(stream);
    const close = () => {
      this.#views.delete(stream);
      for (const track of stream.getTracks()) track.stop();
    };
    try {
      await this.#open(stream);
    } catch (error) {
      close();
      throw error;
    }
    return { stream, close };
  }

  /**
   * Waits until `stream` has a live track.
   * @param {MediaStream} stream
   */
  async #open(stream) {
    const end = performance.now() + TIMEOUT;
    for (;;) {
      if (!this.#isAvailable) {
        throw new CallingError(404, 'The stream is not available. Wait until isAvailable is true.');
      }
      this.#setWanted(true);
      this.#isWanted = true;
      if (this.#track) {
        if (!isLive(stream)) this.#handOut(stream, this.#track);
        return;
      }
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
      // The application may have made copies of a track that it has stopped.
      const isInUse = this.#copies.isAnyLive;
      this.#track = track;
      // Before the old track ends, so that a relay can switch in time.
      for (const stream of [this.#stream, ...this.#views]) {
        if (isLive(stream) || (isInUse && stream === this.#stream)) this.#handOut(stream, track);
      }
    }
    if (isAvailable !== this.#isAvailable) {
      this.#isAvailable = isAvailable;
      emit(this, 'isAvailableChanged');
      if (!isAvailable) this.#observe();
    }
    for (const resolve of this.#waiting) resolve();
  }

  /**
   * Replaces the track of `stream` by a copy of `track`.
   * @param {MediaStream} stream
   * @param {MediaStreamTrack} track
   */
  #handOut(stream, track) {
    const before = stream.getTracks();
    const copy = stream === this.#stream ? this.#copies.copy(track) : track.clone();
    stream.addTrack(copy);
    stream.dispatchEvent(new MediaStreamTrackEvent('addtrack', { track: copy }));
    for (const old of before) stream.removeTrack(old);
  }

  #observe() {
    this.#checkUse();
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

  /** Stops the transmission when the application has stopped all copies of the track. */
  #checkUse() {
    const isIdle = this.#isAvailable && this.#track && !this.#waiting.size;
    const isInUse = this.#copies.isAnyLive || [...this.#views].some(isLive);
    if (!this.#isWanted || !isIdle || isInUse) return;
    this.#isWanted = false;
    this.#setWanted(false);
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

/** @param {MediaStream} stream */
function isLive(stream) {
  return stream.getTracks().some(({ readyState }) => readyState === 'live');
}

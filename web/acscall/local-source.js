// The common part of LocalAudioStream, LocalVideoStream and Agora's tracks: the origin of the sent
// track, and the calls that send it.

import { CallingError } from './errors.js';
import { unwrap } from './proxies.js';
import { DeviceFeed, Screen, StreamFeed, firstTrack } from './feeds.js';

/** @import { DeviceInfo, Feed, TrackKind } from './feeds.js' */

/**
 * A call that sends the source.
 * @typedef {object} Sink
 * @property {(track: MediaStreamTrack | null) => void} track Called with the track to send from now
 *   on; null sends nothing for now.
 * @property {() => void} ended Called when the source has ended. Nothing replaces it automatically.
 */

/**
 * Parameters of the encoder. `maxBitrate` is in bits per second.
 * @typedef {{maxBitrate?: number, maxFramerate?: number, maxHeight?: number,
 *   degradationPreference?: RTCDegradationPreference}} Encoding
 */

/** @type {WeakMap<object, LocalSource>} */
const sources = new WeakMap();

/**
 * Returns the source behind a stream or track of this library.
 * @param {unknown} stream
 */
export function sourceOf(stream) {
  return sources.get(Object(unwrap(stream)));
}

export class LocalSource {
  /** @type {Encoding} */
  encoding = {};
  /** Whether the copies it handed out end with the call, so that no device stays on. */
  endsWithCall = true;
  #onChanged;
  /** @type {Set<Sink>} */
  #sinks = new Set();
  /** @type {Feed} */
  #feed;
  /** The feed that is opening and will replace the current one. @type {DeviceFeed | null} */
  #next = null;
  /** The switch to `#next`. */
  #switching = Promise.resolve();
  /** A shared screen, even while a stream made from it replaces it. */
  #screen = /** @type {DeviceFeed | null} */ (null);
  /** @type {DeviceInfo | null} */
  #deviceBefore = null;
  #isSilent = false;
  #isDisposed = false;
  /** The application got the device's own stream while nothing sent it, which keeps it open. */
  #isHeld = false;
  /** The number of copies being made, which keep the device open as well. */
  #copying = 0;

  /**
   * @param {object} stream The application's object for this source.
   * @param {TrackKind} kind
   * @param {DeviceInfo | Screen | MediaStream} from
   * @param {() => void} [onChanged] Called after the origin has changed and the sinks were updated.
   */
  constructor(stream, kind, from, onChanged = () => {}) {
    sources.set(stream, this);
    this.kind = kind;
    this.#onChanged = onChanged;
    this.#feed = isStream(from) ? this.#makeStreamFeed(from) : this.#makeDeviceFeed(from);
  }

  /** @returns {'device' | 'screen' | 'stream'} */
  get origin() {
    if (this.#feed instanceof StreamFeed) return 'stream';
    return this.#feed.isScreen ? 'screen' : 'device';
  }

  /** The current device or, if a stream replaces it, the previous one. */
  get device() {
    return this.#feed instanceof DeviceFeed ? this.#feed.info : this.#deviceBefore;
  }

  /** The track that would be sent. */
  get track() {
    return this.#feed.track;
  }

  /**
   * Sends the source to `sink`, as soon as the device is open.
   * @param {Sink} sink
   * @returns {Promise<void>} Rejects with a CallingError if the sink could not be attached.
   */
  async attach(sink) {
    this.#check();
    this.#sinks.add(sink);
    try {
      await this.#open();
      if (!this.track) throw new CallingError(400, 'The MediaStream has ended. Set another one.');
    } catch (error) {
      // If it was detached meanwhile, the other call has already closed the feed.
      if (this.#sinks.has(sink)) this.detach(sink);
      throw error;
    }
    if (this.#sinks.has(sink)) sink.track(this.#sent);
  }

  /** @param {Sink} sink */
  detach(sink) {
    this.#sinks.delete(sink);
    this.#closeIfUnused();
  }

  /** Called when a call that sent the source has ended. */
  callEnded() {
    if (this.#sinks.size || !this.endsWithCall) return;
    if (this.#feed instanceof DeviceFeed) this.#feed.closeClones();
    this.#screen?.closeClones();
    this.#release();
  }

  /** Returns the stream itself, opened if necessary. */
  async stream() {
    this.#check();
    const feed = this.#feed;
    const isUnused = !this.#sinks.size;
    await feed.open();
    if (isUnused && this.#feed === feed) this.#isHeld = true;
    return /** @type {MediaStream} */ (feed.stream);
  }

  /** Returns a copy, which keeps the device open until the caller stops it. */
  async clone() {
    this.#check();
    const feed = this.#feed;
    this.#copying += 1;
    try {
      await feed.open();
      return feed.clone();
    } finally {
      this.#copying -= 1;
      if (feed === this.#feed) this.#closeIfUnused();
      else if (feed !== this.#screen) feed.close();
    }
  }

  /**
   * Sends `stream` from now on.
   * @param {MediaStream} stream
   */
  set(stream) {
    this.#check();
    // Nothing uses the opening device any more.
    this.#next?.close();
    this.#next = null;
    this.#setFeed(this.#makeStreamFeed(stream));
  }

  /**
   * Switches to `device` as soon as it is open. Until then the current source is sent.
   * @param {DeviceInfo} device
   * @returns {Promise<void>} Rejects with a CallingError if it cannot be opened; nothing changes
   *   then.
   */
  async switch(device) {
    this.#check();
    this.#next?.close();
    this.#next = null;
    const isSame = this.origin === 'device' && this.device?.id === device.id;
    if (isSame && this.track) return undefined;
    const next = this.#makeDeviceFeed(device);
    if (!this.#sinks.size) {
      this.#setFeed(next);
      return undefined;
    }
    this.#next = next;
    this.#switching = this.#switch(next);
    return this.#switching;
  }

  /** @param {boolean} isSilent Whether to send nothing for now. */
  setSilent(isSilent) {
    this.#isSilent = isSilent;
    this.#updateSinks();
  }

  /** Encodes the source with these parameters from now on. @param {Encoding} encoding */
  encode(encoding) {
    this.encoding = encoding;
    this.#updateSinks();
  }

  /** Reports the end of the source to its sinks. */
  end() {
    this.#endSinks();
  }

  /** Ends the source for good. */
  dispose() {
    if (this.#isDisposed) return;
    this.#isDisposed = true;
    this.#endSinks();
    this.#feed.closeClones();
    this.#screen?.closeClones();
    this.#release();
  }

  get isDisposed() {
    return this.#isDisposed;
  }

  // ---- Internals

  get #sent() {
    return this.#isSilent ? null : this.#feed.track;
  }

  #check() {
    if (this.#isDisposed) throw new CallingError(400, 'The stream was disposed. Create a new one.');
  }

  /** Closes the feed if nothing uses it. */
  #closeIfUnused() {
    if (this.#sinks.size || this.#isHeld || this.#copying) return;
    this.#feed.close();
    this.#screen?.close();
  }

  #release() {
    this.#isHeld = false;
    this.#feed.close();
    this.#screen?.close();
  }

  async #open() {
    const feed = this.#feed;
    try {
      await feed.open();
    } catch (error) {
      if (feed === this.#feed) throw error;
    }
    // Another feed has replaced it meanwhile, and has to be open instead.
    if (feed !== this.#feed && this.#sinks.size) await this.#open();
  }

  /** @param {DeviceFeed} next */
  async #switch(next) {
    try {
      await this.#openBeside(next);
    } catch (error) {
      // A later switch supersedes this one and settles its promise.
      if (this.#next !== next) return this.#next ? this.#switching : undefined;
      this.#next = null;
      throw error;
    }
    if (this.#isDisposed) next.close();
    else if (this.#next === next) {
      this.#next = null;
      this.#setFeed(next);
      if (!this.#sinks.size) next.close();
    }
    return undefined;
  }

  /**
   * Opens `next` while the present device stays open. If the machine cannot open both, like many
   * phones, this closes the present one first, and reopens it if `next` still fails.
   * @param {DeviceFeed} next
   */
  async #openBeside(next) {
    const present = this.#feed;
    try {
      await next.open();
    } catch (/** @type {any} */ error) {
      const isInUse = error.code === 409 && this.#next === next;
      if (!isInUse || !(present instanceof DeviceFeed) || present.isScreen) throw error;
      present.close();
      try {
        await next.open();
      } catch (again) {
        if (this.#feed === present && this.#sinks.size) {
          await present.open().then(
            () => this.#updateSinks(),
            () => this.#endSinks(),
          );
        }
        throw again;
      }
    }
  }

  /** @param {Feed} feed */
  #setFeed(feed) {
    const before = this.#feed;
    this.#deviceBefore = this.device;
    this.#feed = feed;
    if (this.#sinks.size) feed.open();
    this.#updateSinks();
    // Only after the sinks have the replacement.
    if (before instanceof DeviceFeed && before.isScreen) this.#screen = before;
    else before.close();
    this.#isHeld = false;
    this.#onChanged();
  }

  #updateSinks() {
    if (!this.#feed.isOpen) return;
    for (const sink of this.#sinks) sink.track(this.#sent);
  }

  #endSinks() {
    for (const sink of [...this.#sinks]) {
      this.#sinks.delete(sink);
      sink.ended();
    }
  }

  /** @param {DeviceInfo | Screen} device */
  #makeDeviceFeed(device) {
    /** @type {DeviceFeed} */
    const feed = new DeviceFeed(
      this.kind,
      device,
      this.#owner(() => feed),
    );
    return feed;
  }

  /** @param {MediaStream} stream */
  #makeStreamFeed(stream) {
    if (!firstTrack(this.kind, stream)) {
      const tracks = this.kind === 'audio' ? stream.getAudioTracks() : stream.getVideoTracks();
      const what = tracks.length ? `${this.kind} track that has not ended` : `${this.kind} track`;
      throw new CallingError(400, `The MediaStream has no ${what}.`);
    }
    /** @type {StreamFeed} */
    const feed = new StreamFeed(
      this.kind,
      stream,
      this.#owner(() => feed),
    );
    return feed;
  }

  /** @param {() => Feed} feed */
  #owner(feed) {
    return {
      changed: () => {
        if (feed() === this.#feed) this.#updateSinks();
      },
      ended: () => {
        // The end of a screen share also ends streams made from it.
        if (feed() === this.#feed || feed() === this.#screen) this.#endSinks();
      },
    };
  }
}

/**
 * Whether this is a MediaStream, of this or another window.
 * @param {any} stream
 * @returns {stream is MediaStream}
 */
export function isStream(stream) {
  return typeof stream?.getVideoTracks === 'function';
}

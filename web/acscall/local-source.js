// What LocalAudioStream, LocalVideoStream and Agora's tracks have in common: where the track that
// is sent comes from, and who sends it.

import { CallingError } from './errors.js';
import { DeviceFeed, Screen, StreamFeed, firstTrack } from './feeds.js';

/** @import { DeviceInfo, Feed, TrackKind } from './feeds.js' */

/**
 * A call that sends it.
 * @typedef {object} Sink
 * @property {(track: MediaStreamTrack | null) => void} track Send this from now on; null: nothing
 *   for now.
 * @property {() => void} ended There will be nothing more. Nothing takes its place by itself.
 */

/**
 * How it is to be encoded. `maxBitrate` is in bits per second.
 * @typedef {{maxBitrate?: number, maxFramerate?: number,
 *   degradationPreference?: RTCDegradationPreference}} Encoding
 */

/** @type {WeakMap<object, LocalSource>} */
const sources = new WeakMap();

/**
 * The inside of a stream or track of this library.
 * @param {unknown} stream
 */
export function sourceOf(stream) {
  return sources.get(Object(stream));
}

export class LocalSource {
  /** @type {Encoding} */
  encoding = {};
  /** Whether what it gave out ends with the call, so that no device stays on. */
  endsWithCall = true;
  #onChanged;
  /** @type {Set<Sink>} */
  #sinks = new Set();
  /** @type {Feed} */
  #feed;
  /** The feed that is being opened, and will take its place. @type {DeviceFeed | null} */
  #next = null;
  /** What is done about `#next`. */
  #switching = Promise.resolve();
  /** A shared screen, also while a stream made of it is sent in its place. */
  #screen = /** @type {DeviceFeed | null} */ (null);
  /** @type {DeviceInfo | null} */
  #deviceBefore = null;
  #isSilent = false;
  #isDisposed = false;
  /** Somebody was given the device itself while nobody sent it: it is open for them, too. */
  #isHeld = false;
  /** How many copies are being made: it is open for that, too. */
  #copying = 0;

  /**
   * @param {object} stream What applications have of it.
   * @param {TrackKind} kind
   * @param {DeviceInfo | Screen | MediaStream} from
   * @param {() => void} [onChanged] It comes from elsewhere now; those who send it know.
   */
  constructor(stream, kind, from, onChanged = () => {}) {
    sources.set(stream, this);
    this.kind = kind;
    this.#onChanged = onChanged;
    this.#feed = isStream(from) ? this.#given(from) : this.#device(from);
  }

  /** @returns {'device' | 'screen' | 'stream'} */
  get origin() {
    if (this.#feed instanceof StreamFeed) return 'stream';
    return this.#feed.isScreen ? 'screen' : 'device';
  }

  /** The device that it is from or, where it is from a stream, was from before. */
  get device() {
    return this.#feed instanceof DeviceFeed ? this.#feed.info : this.#deviceBefore;
  }

  /** What would be sent. */
  get track() {
    return this.#feed.track;
  }

  /**
   * Sends it to `sink`: at once, or as soon as the device is open.
   * @param {Sink} sink
   * @returns {Promise<void>} rejected with a CallingError, and then it is not attached
   */
  async attach(sink) {
    this.#check();
    this.#sinks.add(sink);
    try {
      await this.#open();
      if (!this.track) throw new CallingError(400, 'The MediaStream has ended. Set another one.');
    } catch (error) {
      // Where it was detached meanwhile, that is for the others to say.
      if (this.#sinks.has(sink)) this.detach(sink);
      throw error;
    }
    if (this.#sinks.has(sink)) sink.track(this.#sent);
  }

  /** @param {Sink} sink */
  detach(sink) {
    this.#sinks.delete(sink);
    this.#rest();
  }

  /** A call that it was sent in is over. */
  callEnded() {
    if (this.#sinks.size || !this.endsWithCall) return;
    if (this.#feed instanceof DeviceFeed) this.#feed.closeClones();
    this.#screen?.closeClones();
    this.#release();
  }

  /** The stream itself, opened if need be. */
  async stream() {
    this.#check();
    const feed = this.#feed;
    const isUnused = !this.#sinks.size;
    await feed.open();
    if (isUnused && this.#feed === feed) this.#isHeld = true;
    return /** @type {MediaStream} */ (feed.stream);
  }

  /** A copy of it, which is open until whoever asked for it ends it. */
  async clone() {
    this.#check();
    const feed = this.#feed;
    this.#copying += 1;
    try {
      await feed.open();
      return feed.clone();
    } finally {
      this.#copying -= 1;
      if (feed === this.#feed) this.#rest();
      else if (feed !== this.#screen) feed.close();
    }
  }

  /**
   * From now on it is `stream` that is sent.
   * @param {MediaStream} stream
   */
  set(stream) {
    this.#check();
    // What was being opened is in nobody's use any more.
    this.#next?.close();
    this.#next = null;
    this.#take(this.#given(stream));
  }

  /**
   * From now on it is that device that is sent, if any is: once it is open. What was sent before
   * is, until then.
   * @param {DeviceInfo} device
   * @returns {Promise<void>} rejected with a CallingError where it cannot be opened; then nothing
   *   has changed
   */
  async switch(device) {
    this.#check();
    this.#next?.close();
    this.#next = null;
    const isSame = this.origin === 'device' && this.device?.id === device.id;
    if (isSame && this.track) return undefined;
    const next = this.#device(device);
    if (!this.#sinks.size) {
      this.#take(next);
      return undefined;
    }
    this.#next = next;
    this.#switching = this.#switch(next);
    return this.#switching;
  }

  /** @param {boolean} isSilent Whether nothing is sent, for now. */
  setSilent(isSilent) {
    this.#isSilent = isSilent;
    this.#tell();
  }

  /** Has it sent as `encoding` says from now on. @param {Encoding} encoding */
  encode(encoding) {
    this.encoding = encoding;
    this.#tell();
  }

  /** Nothing more comes of it. */
  end() {
    this.#ended();
  }

  /** For good. */
  dispose() {
    if (this.#isDisposed) return;
    this.#isDisposed = true;
    this.#ended();
    this.#feed.closeClones();
    this.#screen?.closeClones();
    this.#release();
    if (this.#feed instanceof StreamFeed) this.#feed.forget();
  }

  get isDisposed() {
    return this.#isDisposed;
  }

  // ---- Inside

  get #sent() {
    return this.#isSilent ? null : this.#feed.track;
  }

  #check() {
    if (this.#isDisposed) throw new CallingError(400, 'It was disposed of. Make a new one.');
  }

  /** Closes what is open for nobody. */
  #rest() {
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
    // Something else took its place meanwhile: it is that one that is to be open.
    if (feed !== this.#feed && this.#sinks.size) await this.#open();
  }

  /** @param {DeviceFeed} next */
  async #switch(next) {
    try {
      await this.#openBeside(next);
    } catch (error) {
      // A later change goes before this one, and its end is this one's.
      if (this.#next !== next) return this.#next ? this.#switching : undefined;
      this.#next = null;
      throw error;
    }
    if (this.#isDisposed) next.close();
    else if (this.#next === next) {
      this.#next = null;
      this.#take(next);
      if (!this.#sinks.size) next.close();
    }
    return undefined;
  }

  /**
   * Opens `next` while the present device is open. Where the machine cannot have both open, as on
   * many phones, the present one makes room, and comes back if that was in vain.
   * @param {DeviceFeed} next
   */
  async #openBeside(next) {
    const present = this.#feed;
    try {
      await next.open();
    } catch (/** @type {any} */ error) {
      const isTaken = error.code === 409 && this.#next === next;
      if (!isTaken || !(present instanceof DeviceFeed) || present.isScreen) throw error;
      present.close();
      try {
        await next.open();
      } catch (again) {
        if (this.#feed === present && this.#sinks.size) {
          await present.open().then(
            () => this.#tell(),
            () => this.#ended(),
          );
        }
        throw again;
      }
    }
  }

  /** @param {Feed} feed */
  #take(feed) {
    const before = this.#feed;
    this.#deviceBefore = this.device;
    this.#feed = feed;
    if (this.#sinks.size) feed.open();
    this.#tell();
    // After the others have what takes its place.
    if (before instanceof StreamFeed) before.forget();
    else if (before.isScreen) this.#screen = before;
    else before.close();
    this.#isHeld = false;
    this.#onChanged();
  }

  #tell() {
    if (!this.#feed.isOpen) return;
    for (const sink of this.#sinks) sink.track(this.#sent);
  }

  #ended() {
    for (const sink of [...this.#sinks]) {
      this.#sinks.delete(sink);
      sink.ended();
    }
  }

  /** @param {DeviceInfo | Screen} device */
  #device(device) {
    /** @type {DeviceFeed} */
    const feed = new DeviceFeed(
      this.kind,
      device,
      this.#owner(() => feed),
    );
    return feed;
  }

  /** @param {MediaStream} stream */
  #given(stream) {
    if (!firstTrack(this.kind, stream)) {
      const tracks = this.kind === 'audio' ? stream.getAudioTracks() : stream.getVideoTracks();
      const what = tracks.length ? 'no track that has not ended' : 'no track';
      throw new CallingError(400, `The MediaStream has ${what} with ${this.kind}.`);
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
        if (feed() === this.#feed) this.#tell();
      },
      ended: () => {
        // Who ends the sharing of a screen means what is made of it, too.
        if (feed() === this.#feed || feed() === this.#screen) this.#ended();
      },
    };
  }
}

/**
 * Also of another window's.
 * @param {any} stream
 * @returns {stream is MediaStream}
 */
export function isStream(stream) {
  return typeof stream?.getVideoTracks === 'function';
}

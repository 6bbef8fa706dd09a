// Where the track that is sent comes from: a device, the screen, or a stream of the application.

import { openDevice } from './capture.js';
import { CallingError } from './errors.js';

/** @import { AudioDeviceInfo, VideoDeviceInfo } from './device-manager.js' */

/** @typedef {'audio' | 'video'} TrackKind */
/** @typedef {AudioDeviceInfo | VideoDeviceInfo} DeviceInfo */

/** A screen that the user has chosen, as the browser gave it. */
export class Screen {
  /** @param {MediaStream} stream */
  constructor(stream) {
    this.stream = stream;
  }
}

/** Where nothing says that a track was stopped, it is looked at this often, in milliseconds. */
const WATCH = 500;

/**
 * What a source needs to know of its feed.
 * @typedef {object} FeedOwner
 * @property {() => void} changed The feed has another track.
 * @property {() => void} ended The feed is over by itself.
 */

/**
 * A device that is opened when it is needed, and any number of times. The screen is one that is
 * open already, and once.
 */
export class DeviceFeed {
  /** @type {MediaStream | null} */
  stream = null;
  /** @type {Promise<MediaStream> | null} */
  #opening = null;
  /** Those that were given out: the device is in use for as long as one of them is. */
  #clones = /** @type {WeakRef<MediaStreamTrack>[]} */ ([]);
  /** @type {AbortController | null} */
  #watching = null;
  /** Counts openings, so that one that was closed meanwhile is known. */
  #turn = 0;

  /**
   * @param {TrackKind} kind
   * @param {DeviceInfo | Screen} device Without an id: the browser's choice.
   * @param {FeedOwner} owner
   */
  constructor(kind, device, owner) {
    this.kind = kind;
    this.owner = owner;
    this.isScreen = device instanceof Screen;
    /** Of what is open; else, of what is to be. @type {DeviceInfo} */
    this.info =
      device instanceof Screen ? { id: '', name: '', deviceType: 'ScreenSharing' } : device;
    if (device instanceof Screen) this.#take(device.stream);
  }

  get isOpen() {
    return this.stream !== null;
  }

  get track() {
    return this.stream?.getTracks().find(({ kind }) => kind === this.kind) ?? null;
  }

  /** Opens it, unless it is open. Rejected with a CallingError; also when it is closed meanwhile. */
  async open() {
    // Somebody outside may have stopped it.
    if (this.track?.readyState === 'ended') this.close();
    if (this.stream) return;
    if (this.isScreen) throw new CallingError(400, 'This screen is shared no more. Share it anew.');
    const turn = this.#turn;
    this.#opening ??= this.#get();
    const stream = await this.#opening.catch((error) => {
      if (this.#turn === turn) this.#opening = null;
      throw error;
    });
    if (this.#turn !== turn) throw new CallingError(400, 'It was stopped before it was open.');
    if (this.stream !== stream) this.#take(stream);
  }

  /** A copy whose end is its user's business. */
  clone() {
    const clone = /** @type {MediaStream} */ (this.stream).clone();
    const [track] = clone.getTracks();
    this.#clones = [...this.#live().map((live) => new WeakRef(live)), new WeakRef(track)];
    // The browser's own bar ends all copies of a shared screen, and no page can.
    if (this.isScreen) track.addEventListener('ended', () => this.owner.ended());
    return clone;
  }

  /** Ends the copies, too. */
  closeClones() {
    for (const track of this.#live()) track.stop();
    this.#clones = [];
  }

  close() {
    this.#turn += 1;
    this.#watching?.abort();
    for (const track of this.stream?.getTracks() ?? []) track.stop();
    const opening = this.#opening;
    this.#opening = null;
    if (!this.stream) opening?.then(stopAll, () => {});
    this.stream = null;
  }

  async #get() {
    // A copy of a camera that is open is there at once, and asks for no second permission.
    const [live] = this.#live();
    return live ? new MediaStream([live.clone()]) : openDevice(this.kind, this.info.id);
  }

  /** @param {MediaStream} stream */
  #take(stream) {
    this.stream = stream;
    this.#opening = null;
    const { track } = this;
    if (!track) return;
    this.#watching = new AbortController();
    track.addEventListener(
      'ended',
      () => {
        this.close();
        this.owner.ended();
      },
      { signal: this.#watching.signal },
    );
    if (this.info.id) return;
    const { deviceId = track.id } = track.getSettings();
    this.info = Object.freeze({ ...this.info, id: deviceId, name: track.label });
  }

  #live() {
    return this.#clones
      .map((clone) => clone.deref())
      .filter((track) => track?.readyState === 'live')
      .map((track) => /** @type {MediaStreamTrack} */ (track));
  }
}

/** A stream of the application: it was open before and will be after, and only it ends it. */
export class StreamFeed {
  isScreen = false;
  /** @type {MediaStreamTrack | null} */
  track;
  #watching = new AbortController();
  /** @type {WeakRef<MediaStream>[]} */
  #clones = [];
  /** @type {ReturnType<typeof setInterval> | undefined} */
  #timer;
  /** @type {HTMLAudioElement | null} */
  #decoder = null;

  /**
   * @param {TrackKind} kind
   * @param {MediaStream} stream Has a track of this kind that has not ended.
   * @param {FeedOwner} owner
   */
  constructor(kind, stream, owner) {
    this.kind = kind;
    this.stream = stream;
    this.owner = owner;
    this.track = firstTrack(kind, stream);
    const { signal } = this.#watching;
    // A stream from the library, or of a connection, gets another track when the leg is replaced.
    stream.addEventListener('addtrack', ({ track }) => this.#take(track), { signal });
    // In Chromium this tells of tracks that the application itself stops, too.
    stream.addEventListener('inactive', () => this.#look(), { signal });
    this.#watch();
  }

  get isOpen() {
    return true;
  }

  async open() {
    this.#look();
    if (!('oninactive' in MediaStream.prototype)) {
      this.#timer ??= setInterval(() => this.#look(), WATCH);
    }
    // Chromium decodes the sound of a connection only while an element plays it: without one,
    // silence would be sent.
    if (this.kind !== 'audio' || this.#decoder) return;
    this.#decoder = new Audio();
    this.#decoder.muted = true;
    this.#decoder.srcObject = this.stream;
    this.#decoder.play().catch(() => {});
  }

  clone() {
    const clone = this.stream.clone();
    this.#clones = this.#clones.filter((each) => each.deref()).concat(new WeakRef(clone));
    return clone;
  }

  closeClones() {
    for (const clone of this.#clones) stopAll(clone.deref());
    this.#clones = [];
  }

  /** Nobody sends it for now. */
  close() {
    clearInterval(this.#timer);
    this.#timer = undefined;
    if (this.#decoder) this.#decoder.srcObject = null;
    this.#decoder = null;
  }

  /** It is another source's turn, for good. */
  forget() {
    this.close();
    this.#watching.abort();
  }

  /** @param {MediaStreamTrack} track */
  #take(track) {
    if (track.kind !== this.kind || track === this.track) return;
    this.track = track;
    this.#watch();
    this.owner.changed();
  }

  #watch() {
    const { signal } = this.#watching;
    this.track?.addEventListener('ended', () => this.#look(), { signal });
  }

  /** Whether there is still something to send. */
  #look() {
    if (this.track?.readyState !== 'ended') return;
    const other = firstTrack(this.kind, this.stream);
    if (other) {
      this.#take(other);
      return;
    }
    this.track = null;
    this.close();
    this.owner.ended();
  }
}

/** @typedef {DeviceFeed | StreamFeed} Feed */

/**
 * @param {TrackKind} kind
 * @param {MediaStream} stream
 */
export function firstTrack(kind, stream) {
  const tracks = kind === 'audio' ? stream.getAudioTracks() : stream.getVideoTracks();
  return tracks.find(({ readyState }) => readyState === 'live') ?? null;
}

/** @param {MediaStream | undefined} stream */
function stopAll(stream) {
  for (const track of stream?.getTracks() ?? []) track.stop();
}

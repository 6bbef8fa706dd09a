// The origins of a sent track: a device, the screen, or a stream of the application.

import { openDevice } from './capture.js';
import { CallingError } from './errors.js';

/** @import { AudioDeviceInfo, VideoDeviceInfo } from './device-manager.js' */

/** @typedef {'audio' | 'video'} TrackKind */
/** @typedef {AudioDeviceInfo | VideoDeviceInfo} DeviceInfo */

/** A screen that the user has chosen. */
export class Screen {
  /** @param {MediaStream} stream */
  constructor(stream) {
    this.stream = stream;
  }
}

/** How often tracks are polled where no event reports their end, in milliseconds. */
const POLL_PERIOD = 500;

/**
 * The source that uses a feed.
 * @typedef {object} FeedOwner
 * @property {() => void} changed The feed has another track.
 * @property {() => void} ended The feed ended by itself.
 */

/**
 * A device, which is opened on demand, any number of times. A screen is already open and cannot be
 * opened again.
 */
export class DeviceFeed {
  /** @type {MediaStream | null} */
  stream = null;
  /** @type {Promise<MediaStream> | null} */
  #opening = null;
  /** The copies that were handed out; the device is in use as long as any of them is live. */
  #clones = /** @type {WeakRef<MediaStreamTrack>[]} */ ([]);
  /** @type {AbortController | null} */
  #watching = null;
  /** Increments with each close, which cancels an opening in progress. */
  #generation = 0;

  /**
   * @param {TrackKind} kind
   * @param {DeviceInfo | Screen} device An empty id is the browser's choice.
   * @param {FeedOwner} owner
   */
  constructor(kind, device, owner) {
    this.kind = kind;
    this.owner = owner;
    this.isScreen = device instanceof Screen;
    /** The device that is open, or will be. @type {DeviceInfo} */
    this.info =
      device instanceof Screen ? { id: '', name: '', deviceType: 'ScreenSharing' } : device;
    if (device instanceof Screen) this.#setStream(device.stream);
  }

  get isOpen() {
    return this.stream !== null;
  }

  get track() {
    return this.stream?.getTracks().find(({ kind }) => kind === this.kind) ?? null;
  }

  /** Opens the feed unless it is open. Rejects with a CallingError, also if closed meanwhile. */
  async open() {
    // The application may have stopped the track.
    if (this.track?.readyState === 'ended') this.close();
    if (this.stream) return;
    if (this.isScreen) throw new CallingError(400, 'The screen share has ended. Share it again.');
    const generation = this.#generation;
    this.#opening ??= this.#openStream();
    const stream = await this.#opening.catch((error) => {
      if (this.#generation === generation) this.#opening = null;
      throw error;
    });
    if (this.#generation !== generation) {
      throw new CallingError(400, 'The stream was stopped before it was open.');
    }
    if (this.stream !== stream) this.#setStream(stream);
  }

  /** Returns a copy, which its user has to stop. */
  clone() {
    const clone = /** @type {MediaStream} */ (this.stream).clone();
    const [track] = clone.getTracks();
    this.#clones = [...this.#live().map((live) => new WeakRef(live)), new WeakRef(track)];
    // Chromium's own "Stop sharing" ends all copies of a shared screen; a page cannot.
    if (this.isScreen) track.addEventListener('ended', () => this.owner.ended());
    return clone;
  }

  /** Stops all copies. */
  closeClones() {
    for (const track of this.#live()) track.stop();
    this.#clones = [];
  }

  close() {
    this.#generation += 1;
    this.#watching?.abort();
    for (const track of this.stream?.getTracks() ?? []) track.stop();
    const opening = this.#opening;
    this.#opening = null;
    if (!this.stream) opening?.then(stopAll, () => {});
    this.stream = null;
  }

  async #openStream() {
    // Copying a camera that is open takes no time and needs no second permission.
    const [live] = this.#live();
    return live ? new MediaStream([live.clone()]) : openDevice(this.kind, this.info.id);
  }

  /** @param {MediaStream} stream */
  #setStream(stream) {
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

/** A stream of the application, which alone opens and ends it. */
export class StreamFeed {
  isScreen = false;
  /** @type {MediaStreamTrack | null} */
  #track;
  /** Exists while the feed is open: the application may create many for one stream. */
  /** @type {AbortController | null} */
  #watching = null;
  /** @type {WeakRef<MediaStream>[]} */
  #clones = [];
  /** @type {ReturnType<typeof setInterval> | undefined} */
  #timer;
  /** @type {HTMLAudioElement | null} */
  #decoder = null;

  /**
   * @param {TrackKind} kind
   * @param {MediaStream} stream Has a live track of this kind.
   * @param {FeedOwner} owner
   */
  constructor(kind, stream, owner) {
    this.kind = kind;
    this.stream = stream;
    this.owner = owner;
    this.#track = firstTrack(kind, stream);
  }

  /** The track, or its successor in the stream if it has ended or was removed meanwhile. */
  get track() {
    const { kind, stream } = this;
    const track = this.#track;
    const isCurrent = track?.readyState === 'live' && stream.getTracks().includes(track);
    if (!this.#watching && !isCurrent) this.#track = firstTrack(kind, stream);
    return this.#track;
  }

  get isOpen() {
    return true;
  }

  async open() {
    this.#watchStream();
    this.#check();
    if (!('oninactive' in MediaStream.prototype)) {
      this.#timer ??= setInterval(() => this.#check(), POLL_PERIOD);
    }
    // Chromium decodes the sound of a connection only while an element plays it; otherwise this
    // would send silence.
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

  /** Releases what sending needs, until the next `open`. */
  close() {
    this.#watching?.abort();
    this.#watching = null;
    clearInterval(this.#timer);
    this.#timer = undefined;
    if (this.#decoder) this.#decoder.srcObject = null;
    this.#decoder = null;
  }

  #watchStream() {
    if (this.#watching) return;
    const { track } = this;
    this.#watching = new AbortController();
    const { signal } = this.#watching;
    // A remote stream gets another track when its leg is replaced.
    this.stream.addEventListener('addtrack', ({ track }) => this.#setTrack(track), { signal });
    // In Chromium this event also reports tracks that the application stops.
    this.stream.addEventListener('inactive', () => this.#check(), { signal });
    this.#watchTrack(track);
  }

  /** @param {MediaStreamTrack | null} track */
  #watchTrack(track) {
    const signal = this.#watching?.signal;
    if (signal) track?.addEventListener('ended', () => this.#check(), { signal });
  }

  /** @param {MediaStreamTrack} track */
  #setTrack(track) {
    if (track.kind !== this.kind || track === this.#track) return;
    this.#track = track;
    this.#watchTrack(track);
    this.owner.changed();
  }

  /** Moves to another live track of the stream when the current one has ended. */
  #check() {
    if (this.#track && this.#track.readyState !== 'ended') return;
    const other = firstTrack(this.kind, this.stream);
    if (other) {
      this.#setTrack(other);
      return;
    }
    this.#track = null;
    this.close();
    this.owner.ended();
  }
}

/** @typedef {DeviceFeed | StreamFeed} Feed */

/**
 * Returns the first live track of this kind.
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

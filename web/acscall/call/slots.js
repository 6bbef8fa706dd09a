// What is sent of each kind: at most one stream, and one more that is being opened.

import { CallingError } from '../errors.js';
import { sourceOf } from '../local-source.js';
import { KINDS } from '../wire/leg.js';

/** @import { LocalSource } from '../local-source.js' */
/** @import { Encoding, Kind } from '../wire/leg.js' */

/**
 * A stream, and what comes of it.
 * @template {object} S
 * @typedef {object} Feed
 * @property {S} stream
 * @property {LocalSource} source
 * @property {{track: (track: MediaStreamTrack | null) => void, ended: () => void}} sink
 * @property {MediaStreamTrack | null} track
 * @property {Promise<void>} opening
 */

/**
 * What is sent of one kind.
 * @typedef {object} Slot
 * @property {Feed<any> | null} current
 * @property {Feed<any> | null} next What takes its place once it is open.
 */

/**
 * Whom this tells what happens.
 * @typedef {object} SlotsOwner
 * @property {(kind: Kind, track: MediaStreamTrack | null, encoding: Encoding) => void} feed
 *   From now on, this is there to be sent.
 * @property {() => void} changed There are other streams than before.
 */

/** What is said of a stream that was stopped, or replaced, before it was open. */
export const STOPPED = 'It was stopped before it began.';

export class Slots {
  #on;
  isClosed = false;
  /** @type {Record<Kind, Slot>} */
  #slots = {
    audio: { current: null, next: null },
    video: { current: null, next: null },
    screen: { current: null, next: null },
  };

  /** @param {SlotsOwner} on */
  constructor(on) {
    this.#on = on;
  }

  /**
   * The stream of this kind, the one that is being opened included.
   * @param {Kind} kind
   */
  stream(kind) {
    const { current, next } = this.#slots[kind];
    return (current ?? next)?.stream ?? null;
  }

  /**
   * Whether there is something to be sent.
   * @param {Kind} kind
   */
  isOn(kind) {
    return Boolean(this.#slots[kind].current);
  }

  /**
   * Sends `stream`; what was sent before is, until this is open.
   * @param {Kind} kind
   * @param {object} stream
   */
  async start(kind, stream) {
    const slot = this.#slots[kind];
    const newest = slot.next ?? slot.current;
    if (newest?.stream === stream) return newest.opening;
    const feed = this.#makeFeed(kind, stream);
    slot.next = feed;
    feed.opening = this.#open(kind, feed);
    this.#on.changed();
    return feed.opening;
  }

  /** @param {Kind} kind */
  stop(kind) {
    const slot = this.#slots[kind];
    const { current, next } = slot;
    slot.current = slot.next = null;
    current?.source.detach(current.sink);
    // What is being opened is closed again, and no longer waited for.
    next?.source.detach(next.sink);
    if (current) this.#feed(kind);
    if (current || next) this.#on.changed();
  }

  /** The call is over. */
  close() {
    this.isClosed = true;
    for (const kind of KINDS) {
      const { current } = this.#slots[kind];
      this.stop(kind);
      current?.source.callEnded();
    }
  }

  /**
   * @param {Kind} kind
   * @param {Feed<object>} feed
   */
  async #open(kind, feed) {
    const slot = this.#slots[kind];
    try {
      await feed.source.attach(feed.sink);
    } catch (error) {
      if (slot.next === feed) slot.next = null;
      this.#on.changed();
      throw error;
    }
    if (slot.next !== feed) {
      feed.source.detach(feed.sink);
      throw new CallingError(400, STOPPED);
    }
    slot.current?.source.detach(slot.current.sink);
    slot.current = feed;
    slot.next = null;
    this.#feed(kind);
    this.#on.changed();
  }

  /**
   * @param {Kind} kind
   * @param {object} stream
   */
  #makeFeed(kind, stream) {
    if (this.isClosed) throw new CallingError(400, 'The call is over.');
    const source = checkedSource(kind, stream);
    /** @type {Feed<object>} */
    const feed = {
      stream,
      source,
      track: null,
      opening: Promise.resolve(),
      sink: {
        track: (track) => {
          feed.track = track;
          if (this.#slots[kind].current === feed) this.#feed(kind);
        },
        ended: () => {
          const slot = this.#slots[kind];
          if (slot.current !== feed) return;
          slot.current = null;
          source.detach(feed.sink);
          this.#feed(kind);
          this.#on.changed();
        },
      },
    };
    return feed;
  }

  /** @param {Kind} kind */
  #feed(kind) {
    const feed = this.#slots[kind].current;
    const track = feed?.track ?? null;
    const { encoding = {} } = feed?.source ?? {};
    // Of pictures that an application makes, and of screens, every detail matters.
    const isDetailed = feed?.stream.mediaStreamType !== 'Video' && !encoding.degradationPreference;
    if (track?.kind === 'video' && isDetailed && !track.contentHint) track.contentHint = 'detail';
    this.#on.feed(kind, track, encoding);
  }
}

/**
 * @param {Kind} kind
 * @param {unknown} stream
 */
export function checkedSource(kind, stream) {
  const source = sourceOf(stream);
  if (source?.kind === (kind === 'audio' ? 'audio' : 'video')) return source;
  const wanted = kind === 'audio' ? 'LocalAudioStream' : 'LocalVideoStream';
  throw new CallingError(400, `This is no ${wanted}. Make one with new ${wanted}(…).`);
}

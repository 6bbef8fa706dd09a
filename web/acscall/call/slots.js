// The sent streams: one of each kind, and one more while it opens.

import { CallingError } from '../errors.js';
import { sourceOf } from '../local-source.js';
import { KINDS } from '../wire/leg.js';

/** @import { LocalSource } from '../local-source.js' */
/** @import { Encoding, Kind } from '../wire/leg.js' */

/**
 * A stream that is sent, or will be once it is open.
 * @template {object} S
 * @typedef {object} Publication
 * @property {S} stream
 * @property {LocalSource} source
 * @property {{track: (track: MediaStreamTrack | null) => void, ended: () => void}} sink
 * @property {MediaStreamTrack | null} track
 * @property {Promise<void>} opening
 */

/**
 * The publications of one kind.
 * @typedef {object} Slot
 * @property {Publication<any> | null} current
 * @property {Publication<any> | null} next Replaces `current` once it is open.
 */

/**
 * The callbacks of `Slots`.
 * @typedef {object} SlotsOwner
 * @property {(kind: Kind, track: MediaStreamTrack | null, encoding: Encoding) => void} trackChanged
 *   Another track is to be sent.
 * @property {() => void} changed The set of streams has changed.
 */

/** The error of a stream that was stopped or replaced before it was open. */
export const STOPPED = 'The stream was stopped before it was open.';

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
   * Returns the stream of this kind, even while it opens.
   * @param {Kind} kind
   */
  stream(kind) {
    const { current, next } = this.#slots[kind];
    return (current ?? next)?.stream ?? null;
  }

  /**
   * Whether a stream of this kind is open.
   * @param {Kind} kind
   */
  isOn(kind) {
    return Boolean(this.#slots[kind].current);
  }

  /**
   * Sends `stream` once it is open. Until then the current one is sent.
   * @param {Kind} kind
   * @param {object} stream
   */
  async start(kind, stream) {
    const slot = this.#slots[kind];
    const newest = slot.next ?? slot.current;
    if (newest?.stream === stream) return newest.opening;
    const publication = this.#makePublication(kind, stream);
    slot.next = publication;
    publication.opening = this.#open(kind, publication);
    this.#on.changed();
    return publication.opening;
  }

  /** @param {Kind} kind */
  stop(kind) {
    const slot = this.#slots[kind];
    const { current, next } = slot;
    slot.current = slot.next = null;
    current?.source.detach(current.sink);
    // Detaching closes it again; nothing waits for it any longer.
    next?.source.detach(next.sink);
    if (current) this.#trackChanged(kind);
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
   * @param {Publication<object>} publication
   */
  async #open(kind, publication) {
    const slot = this.#slots[kind];
    try {
      await publication.source.attach(publication.sink);
    } catch (error) {
      if (slot.next === publication) slot.next = null;
      this.#on.changed();
      throw error;
    }
    if (slot.next !== publication) {
      publication.source.detach(publication.sink);
      throw new CallingError(400, STOPPED);
    }
    slot.current?.source.detach(slot.current.sink);
    slot.current = publication;
    slot.next = null;
    this.#trackChanged(kind);
    this.#on.changed();
  }

  /**
   * @param {Kind} kind
   * @param {object} stream
   */
  #makePublication(kind, stream) {
    if (this.isClosed) throw new CallingError(400, 'The call is over.');
    const source = checkedSource(kind, stream);
    /** @type {Publication<object>} */
    const publication = {
      stream,
      source,
      track: null,
      opening: Promise.resolve(),
      sink: {
        track: (track) => {
          publication.track = track;
          if (this.#slots[kind].current === publication) this.#trackChanged(kind);
        },
        ended: () => {
          const slot = this.#slots[kind];
          if (slot.current !== publication) return;
          slot.current = null;
          source.detach(publication.sink);
          this.#trackChanged(kind);
          this.#on.changed();
        },
      },
    };
    return publication;
  }

  /** @param {Kind} kind */
  #trackChanged(kind) {
    const publication = this.#slots[kind].current;
    const track = publication?.track ?? null;
    const { encoding = {} } = publication?.source ?? {};
    // Screens and pictures made by applications need every detail.
    const isDetailed =
      publication?.stream.mediaStreamType !== 'Video' && !encoding.degradationPreference;
    if (track?.kind === 'video' && isDetailed && !track.contentHint) track.contentHint = 'detail';
    this.#on.trackChanged(kind, track, encoding);
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
  throw new CallingError(400, `This is not a ${wanted}. Create one with new ${wanted}(…).`);
}

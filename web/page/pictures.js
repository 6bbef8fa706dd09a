// The tracks that the stage shows: those of the others, and our own.

import { OwnPicture } from './own-picture.js';

export class Pictures {
  #changed;
  /** What the others' streams have given, or null while they are asked. */
  #remote = new WeakMap();
  /** @type {Map<import('../acscall.js').LocalVideoStream, OwnPicture>} */
  #own = new Map();

  /** @param {() => void} changed */
  constructor(changed) {
    this.#changed = changed;
  }

  /**
   * The track of somebody else's stream while it is available. Asking for it has it sent.
   * @param {import('../acscall.js').RemoteVideoStream | undefined} stream
   * @returns {MediaStreamTrack | null}
   */
  remote(stream) {
    if (!stream?.isAvailable) return null;
    if (!this.#remote.has(stream)) this.#ask(stream);
    return this.#remote.get(stream)?.getVideoTracks()[0] ?? null;
  }

  /**
   * The track of one of our own streams.
   * @param {import('../acscall.js').LocalVideoStream | null} stream
   * @returns {MediaStreamTrack | null}
   */
  own(stream) {
    if (!stream) return null;
    if (!this.#own.has(stream)) this.#own.set(stream, new OwnPicture(stream, this.#changed));
    return this.#own.get(stream)?.track ?? null;
  }

  /** Lets go of our own streams that are none of these. */
  keepOwn(streams) {
    for (const [stream, picture] of this.#own) {
      if (streams.includes(stream)) continue;
      picture.close();
      this.#own.delete(stream);
    }
  }

  async #ask(stream) {
    this.#remote.set(stream, null);
    try {
      const given = await stream.getMediaStream();
      this.#remote.set(stream, given);
      // Where the connection to its sender is another, the track is.
      given.addEventListener('addtrack', this.#changed);
    } catch {
      // Nothing came in time, or it is over: the next look asks again.
      this.#remote.delete(stream);
    }
    this.#changed();
  }
}

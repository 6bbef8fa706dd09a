// The tracks that the stage shows: the others' and our own.

import { OwnPicture } from './own-picture.js';

export class Pictures {
  #changed;
  /** The streams of the others, or null while requested. */
  #remote = new WeakMap();
  /** @type {Map<import('../acscall.js').LocalVideoStream, OwnPicture>} */
  #own = new Map();

  /** @param {() => void} changed */
  constructor(changed) {
    this.#changed = changed;
  }

  /**
   * Returns the track of a remote stream while it is available. The first call requests the stream.
   * @param {import('../acscall.js').RemoteVideoStream | undefined} stream
   * @returns {MediaStreamTrack | null}
   */
  remote(stream) {
    if (!stream?.isAvailable) return null;
    if (!this.#remote.has(stream)) this.#request(stream);
    return this.#remote.get(stream)?.getVideoTracks()[0] ?? null;
  }

  /**
   * Returns the track of one of our own streams.
   * @param {import('../acscall.js').LocalVideoStream | null} stream
   * @returns {MediaStreamTrack | null}
   */
  own(stream) {
    if (!stream) return null;
    if (!this.#own.has(stream)) this.#own.set(stream, new OwnPicture(stream, this.#changed));
    return this.#own.get(stream)?.track ?? null;
  }

  /** Closes the pictures of all other own streams. */
  keepOwn(streams) {
    for (const [stream, picture] of this.#own) {
      if (streams.includes(stream)) continue;
      picture.close();
      this.#own.delete(stream);
    }
  }

  async #request(stream) {
    this.#remote.set(stream, null);
    try {
      const mediaStream = await stream.getMediaStream();
      this.#remote.set(stream, mediaStream);
      // A new connection brings a new track.
      mediaStream.addEventListener('addtrack', this.#changed);
    } catch {
      // The request timed out or the stream ended: the next rendering requests it again.
      this.#remote.delete(stream);
    }
    this.#changed();
  }
}

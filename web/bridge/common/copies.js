// Copies of a track for SDKs. An SDK that ends one affects neither the track nor the others.

export class Copies {
  #track;
  /** @type {Set<MediaStream>} */
  #streams = new Set();

  /** @param {MediaStreamTrack} track */
  constructor(track) {
    this.#track = track;
  }

  /** Returns a stream with a copy of the track. */
  create() {
    const stream = new MediaStream([this.#track.clone()]);
    this.#streams.add(stream);
    return stream;
  }

  /** @param {MediaStream} stream No longer in use. */
  release(stream) {
    this.#streams.delete(stream);
    for (const track of stream.getTracks()) track.stop();
  }

  /** Ends the copies and the track. */
  close() {
    for (const stream of this.#streams) this.release(stream);
    this.#track.stop();
  }
}

// Copies of a track for SDKs: what becomes of one leaves the track itself and the others alone.

export class Copies {
  #track;
  /** @type {Set<MediaStream>} */
  #given = new Set();

  /** @param {MediaStreamTrack} track */
  constructor(track) {
    this.#track = track;
  }

  /** A stream with a copy, until it is taken back. */
  give() {
    const stream = new MediaStream([this.#track.clone()]);
    this.#given.add(stream);
    return stream;
  }

  /** @param {MediaStream} stream Nobody uses it any more. */
  takeBack(stream) {
    this.#given.delete(stream);
    for (const track of stream.getTracks()) track.stop();
  }

  /** For good: the track itself ends, too. */
  close() {
    for (const stream of this.#given) this.takeBack(stream);
    this.#track.stop();
  }
}

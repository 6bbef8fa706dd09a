// The copies of a received track that the application has.

/**
 * Hands out copies of tracks, and knows whether the application still uses any of them: it can stop
 * a copy, and make copies of it, without an event. The originals stay ours.
 */
export class Copies {
  /** @type {WeakRef<MediaStreamTrack>[]} */
  #tracks = [];

  /** Whether any copy is live, or a copy of a copy. */
  get isAnyLive() {
    this.#tracks = this.#tracks.filter((track) => track.deref()?.readyState === 'live');
    return this.#tracks.length > 0;
  }

  /**
   * Returns a copy of `track`.
   * @param {MediaStreamTrack} track
   */
  copy(track) {
    return this.#watch(track.clone());
  }

  /**
   * Counts the copies that the application makes of this stream as well.
   * @param {MediaStream} stream
   */
  watchStream(stream) {
    stream.clone = () => new MediaStream(stream.getTracks().map((track) => track.clone()));
  }

  /** @param {MediaStreamTrack} track */
  #watch(track) {
    this.#tracks.push(new WeakRef(track));
    const clone = track.clone.bind(track);
    track.clone = () => this.#watch(clone());
    return track;
  }
}

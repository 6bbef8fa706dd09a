// The picture of a `LocalVideoStream`, shown to the user.

/** A copy of the stream's track, renewed when the source changes. */
export class OwnPicture {
  #stream;
  #changed;
  #taken = 0;
  /** @type {MediaStream | null} */
  #copy = null;
  #take = () => this.#renew();

  /**
   * @param {import('../acscall.js').LocalVideoStream} stream
   * @param {() => void} changed Called when the track has changed.
   */
  constructor(stream, changed) {
    this.#stream = stream;
    this.#changed = changed;
    stream.on('videoSourceChanged', this.#take);
    this.#renew();
  }

  /** @returns {MediaStreamTrack | null} */
  get track() {
    return this.#copy?.getVideoTracks()[0] ?? null;
  }

  close() {
    this.#taken = -1;
    this.#stream.off('videoSourceChanged', this.#take);
    this.#replace(null);
  }

  async #renew() {
    const turn = ++this.#taken;
    // The code that sends the stream reports the error.
    const copy = await this.#stream.getMediaStream().catch(() => null);
    if (turn !== this.#taken) return stop(copy);
    this.#replace(copy);
    this.#changed();
  }

  #replace(copy) {
    stop(this.#copy);
    this.#copy = copy;
  }
}

function stop(stream) {
  stream?.getTracks().forEach((track) => track.stop());
}

// Pictures that are one pixel wide or high, which Chromium does not encode.

/** The smallest width and height that is encoded. */
const LEAST = 2;

/**
 * Whether the pictures of this track have to be enlarged, which not all browsers can.
 * @param {MediaStreamTrack} track
 */
export function isThin(track) {
  const { width = LEAST, height = LEAST } = track.getSettings();
  return Math.min(width, height) < LEAST && 'MediaStreamTrackProcessor' in window;
}

/** Repeats the pictures of a track, each at least 2×2 pixels large. */
export class ThinPicture {
  #canvas = document.createElement('canvas');
  #paint = /** @type {CanvasRenderingContext2D} */ (this.#canvas.getContext('2d'));
  #reader;

  /** @param {MediaStreamTrack} source */
  constructor(source) {
    this.source = source;
    this.#canvas.width = this.#canvas.height = LEAST;
    /** The track to send. */
    this.track = this.#canvas.captureStream().getVideoTracks()[0];
    this.track.contentHint = source.contentHint;
    // TypeScript does not know this class.
    const { MediaStreamTrackProcessor } = /** @type {any} */ (window);
    this.#reader = new MediaStreamTrackProcessor({ track: source }).readable.getReader();
    this.#run().catch((error) => console.debug('thin pictures end:', error));
  }

  /** Ends the track. */
  close() {
    this.track.stop();
    this.#reader.cancel();
  }

  async #run() {
    for (;;) {
      const { value: frame, done } = await this.#reader.read();
      if (done) return;
      const { displayWidth, displayHeight } = frame;
      const [width, height] = [displayWidth, displayHeight].map((size) => Math.max(size, LEAST));
      // Setting the size clears the canvas.
      if (width !== this.#canvas.width) this.#canvas.width = width;
      if (height !== this.#canvas.height) this.#canvas.height = height;
      this.#paint.drawImage(frame, 0, 0, width, height);
      frame.close();
    }
  }
}

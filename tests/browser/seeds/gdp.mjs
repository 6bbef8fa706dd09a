// Parses the output of GStreamer's gdppay: buffers with caps and timestamps.

/** The size of the header in version 1.0 of the protocol. */
const HEADER = 62;
const BUFFER = 1;
const CAPS = 2;
/** GST_CLOCK_TIME_NONE. */
const NONE = 0xffff_ffff_ffff_ffffn;

/**
 * @typedef {object} Events
 * @property {(caps: string) => void} caps
 * @property {(data: Buffer, pts: number | null) => void} buffer With its PTS in seconds.
 */

/** Takes the bytes of a stream in pieces of any size. */
export class GdpReader {
  #events;
  #header = Buffer.alloc(HEADER);
  /** @type {Buffer} The part that is being filled. */
  #target = this.#header;
  #filled = 0;

  /** @param {Events} events */
  constructor(events) {
    this.#events = events;
  }

  /** @param {Buffer} chunk */
  push(chunk) {
    for (let at = 0; at < chunk.length;) {
      const copied = chunk.copy(this.#target, this.#filled, at);
      at += copied;
      this.#filled += copied;
      if (this.#filled === this.#target.length) this.#complete();
    }
  }

  #complete() {
    this.#filled = 0;
    if (this.#target === this.#header) {
      const length = this.#header.readUInt32BE(6);
      if (length > 0) this.#target = Buffer.allocUnsafe(length);
      return;
    }
    const payload = this.#target;
    this.#target = this.#header;
    const type = this.#header.readUInt16BE(4);
    const pts = this.#header.readBigUInt64BE(10);
    if (type === BUFFER) this.#events.buffer(payload, pts === NONE ? null : Number(pts) / 1e9);
    // C strings end with a zero.
    else if (type === CAPS) this.#events.caps(payload.toString('utf8').replace(/\0.*$/s, ''));
  }
}

// Sound received from the call.

import { Proxyable, proxyable } from './proxies.js';
import { Volume } from './volume.js';

/** The mixed sound of all other participants, or the sound of one of them. */
export class RemoteAudioStream extends Proxyable {
  #open;
  #measure;

  static {
    proxyable(this);
  }

  /**
   * @internal
   * @param {() => MediaStream} open
   * @param {() => number} measure Returns the volume, from 0 to 1.
   */
  constructor(open, measure) {
    super();
    this.#open = open;
    this.#measure = measure;
  }

  /** @type {'Audio'} */
  get mediaStreamType() {
    return 'Audio';
  }

  /**
   * Returns the sound: one stream with one track for the whole call, whoever joins and leaves. It
   * flows even if nothing plays it.
   */
  async getMediaStream() {
    return this.#open();
  }

  /** Returns the volume. */
  async getVolume() {
    return new Volume(this.#measure);
  }
}

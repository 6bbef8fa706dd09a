// Sound that comes from the call.

import { Volume } from './volume.js';

/** The sound of everybody else in a call, mixed, or that of one participant. */
export class RemoteAudioStream {
  #open;
  #measure;

  /**
   * @internal
   * @param {() => MediaStream} open
   * @param {() => number} measure How loud it is, from 0 to 1.
   */
  constructor(open, measure) {
    this.#open = open;
    this.#measure = measure;
  }

  /** @type {'Audio'} */
  get mediaStreamType() {
    return 'Audio';
  }

  /**
   * The sound itself: the same stream, with the same track, for as long as the call lasts, whoever
   * comes and goes. Nothing has to play it.
   */
  async getMediaStream() {
    return this.#open();
  }

  /** How loud it is. */
  async getVolume() {
    return new Volume(this.#measure);
  }
}

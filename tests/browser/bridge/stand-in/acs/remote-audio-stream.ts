// Stands in for RemoteAudioStream: the mix of all others.

import type { RemoteAudioStream, Volume } from '@azure/communication-calling';
import { RemoteMedia } from '../remote-media.js';

/** Nobody in these calls asks how loud it is. */
const VOLUME: Volume = { level: 0, on() {}, off() {} };

export class StandInAudioStream implements RemoteAudioStream {
  #media: RemoteMedia;

  constructor(media: RemoteMedia) {
    this.#media = media;
  }

  async getMediaStream(): Promise<MediaStream> {
    while (!this.#media.stream) await new Promise((resolve) => setTimeout(resolve, 20));
    return this.#media.stream;
  }

  async getVolume(): Promise<Volume> {
    return VOLUME;
  }

  // ---- What scripts do

  /** Another MediaStream takes its place, of which the call tells with two empty arrays. */
  replace(media: RemoteMedia): void {
    this.#media.close();
    this.#media = media;
  }

  close(): void {
    this.#media.close();
  }
}

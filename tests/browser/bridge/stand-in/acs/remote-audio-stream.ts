// A stand-in for RemoteAudioStream: the mix of all others.

import type { RemoteAudioStream, Volume } from '@azure/communication-calling';
import { RemoteMedia } from '../remote-media.js';

/** Constant, because these calls do not use the volume. */
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

  // ---- Operations of scripts

  /** Replaces the MediaStream, for which the call emits an event with two empty arrays. */
  replace(media: RemoteMedia): void {
    this.#media.close();
    this.#media = media;
  }

  close(): void {
    this.#media.close();
  }
}

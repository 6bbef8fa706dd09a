// Stands in for RemoteVideoStream, and what a script does with one.

import type {
  MediaStreamType,
  PropertyChangedEvent,
  RemoteVideoStream,
  StreamSize,
} from '@azure/communication-calling';
import { Emitter, type Told } from '../emitter.js';
import { StandInError } from '../error.js';
import { RemoteMedia, type Size } from '../remote-media.js';

/** The SDK's is 6 s, but that is for a service that is not on the same busy machine. */
const PATIENCE = 30_000;

type Events = Told<
  RemoteVideoStream,
  {
    isAvailableChanged: PropertyChangedEvent;
    isReceivingChanged: PropertyChangedEvent;
    sizeChanged: PropertyChangedEvent;
  }
>;

let count = 0;

export class StandInVideoStream implements RemoteVideoStream {
  readonly id = (count += 1);
  /** It follows the SDK's own renderers, of which there are none. */
  readonly isReceiving = false;
  readonly size: StreamSize = { width: 0, height: 0 };
  isAvailable = false;
  /** How often getMediaStream() will still fail. */
  failing = 0;
  #events = new Emitter<Events>(['isAvailableChanged', 'isReceivingChanged', 'sizeChanged']);
  #media: RemoteMedia | null = null;

  constructor(readonly mediaStreamType: MediaStreamType & ('Video' | 'ScreenSharing')) {}

  on(event: string, listener: () => void): void {
    this.#events.on(event, listener);
  }

  off(event: string, listener: () => void): void {
    this.#events.off(event, listener);
  }

  async getMediaStream(): Promise<MediaStream> {
    if (!this.isAvailable) throw new StandInError(405, 43202, 'the stream is not available');
    if (this.failing > 0) {
      this.failing -= 1;
      throw new StandInError(408, 43203, 'no stream, as the script has it');
    }
    const end = performance.now() + PATIENCE;
    for (;;) {
      const stream = this.#media?.stream;
      if (stream && !stream.getVideoTracks()[0]!.muted) return stream;
      if (performance.now() > end) throw new StandInError(408, 43203, 'no stream within 30 s');
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
  }

  // ---- What scripts do

  get listeners(): number {
    return this.#events.count;
  }

  /** The participant turns it on: that is told before there is a stream. */
  turnOn(colour: string, { size, rate }: { size?: Size; rate?: number } = {}): void {
    this.turnOnWith(() => RemoteMedia.picture(colour, size, rate));
  }

  turnOnWith(make: () => RemoteMedia): void {
    this.announce();
    this.#replace(make());
  }

  /** It is said to be available, but nothing comes. */
  announce(): void {
    this.#setAvailable(true);
  }

  /** The connection is replaced: another MediaStream, and nothing is told of it. */
  renew(colour: string): void {
    this.#replace(RemoteMedia.picture(colour));
  }

  turnOff(): void {
    this.#setAvailable(false);
    this.#replace(null);
  }

  #replace(media: RemoteMedia | null): void {
    this.#media?.close();
    this.#media = media;
  }

  #setAvailable(isAvailable: boolean): void {
    if (this.isAvailable === isAvailable) return;
    this.isAvailable = isAvailable;
    this.#events.emit('isAvailableChanged');
  }
}

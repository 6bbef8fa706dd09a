// A stand-in for RemoteVideoStream, controlled by scripts.

import type {
  MediaStreamType,
  PropertyChangedEvent,
  RemoteVideoStream,
  StreamSize,
} from '@azure/communication-calling';
import { Emitter, type EventsOf } from '../emitter.js';
import { StandInError } from '../error.js';
import { RemoteMedia, type Size } from '../remote-media.js';

/** Longer than the SDK's 6 s, which do not assume the service on the same busy machine. */
const TIMEOUT = 30_000;

type Events = EventsOf<
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
  /** Follows the SDK's own renderers, which do not exist here. */
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
    const end = performance.now() + TIMEOUT;
    for (;;) {
      const stream = this.#media?.stream;
      if (stream && !stream.getVideoTracks()[0]!.muted) return stream;
      if (performance.now() > end) throw new StandInError(408, 43203, 'no stream within 30 s');
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
  }

  // ---- Operations of scripts

  get listeners(): number {
    return this.#events.count;
  }

  /** Turns the stream on: the event comes before the stream. */
  turnOn(colour: string, { size, rate }: { size?: Size; rate?: number } = {}): void {
    this.turnOnWith(() => RemoteMedia.picture(colour, size, rate));
  }

  turnOnWith(make: () => RemoteMedia): void {
    this.announce();
    this.#replace(make());
  }

  /** Makes it available without any media. */
  announce(): void {
    this.#setAvailable(true);
  }

  /** Replaces the connection: another MediaStream, without an event. */
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

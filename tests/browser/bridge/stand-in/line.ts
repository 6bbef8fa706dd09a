// A stream to the other users of the foreign call, over a connection of its own.

import { FarEnd } from './far-end.js';
import { link } from './remote-media.js';

export class Line {
  farEnd: FarEnd | null = null;
  /** What the others receive. */
  readonly received: Promise<MediaStreamTrack>;
  #from = new RTCPeerConnection();
  #to = new RTCPeerConnection();
  #sender: RTCRtpSender | null = null;
  #work: Promise<void>;

  constructor(readonly kind: 'audio' | 'video') {
    this.received = new Promise((resolve) => {
      this.#to.addEventListener('track', ({ track }) => {
        this.farEnd = new FarEnd(track);
        resolve(track);
      });
    });
    this.#work = link(this.#from, this.#to, () => {
      const { sender } = this.#from.addTransceiver(kind, { direction: 'sendonly' });
      this.#sender = sender;
    });
  }

  send(track: MediaStreamTrack | null): void {
    this.#work = this.#work
      .then(() => this.#sender?.replaceTrack(track))
      .catch((error) => {
        if (this.#from.signalingState !== 'closed') reportError(error);
      });
  }

  close(): void {
    this.farEnd?.close();
    this.#from.close();
    this.#to.close();
  }
}

// An audio track for SDKs that never ends and plays silence while it has no source.
//
// An SDK that is given the track of a connection opens the microphone when the connection closes.

import { Copies } from './copies.js';

/** The rate of Opus, which saves resampling. */
const SAMPLE_RATE = 48_000;

/** The events that allow a page to play sound. */
const GESTURES = ['click', 'keydown', 'touchend'];

export class AudioFeed {
  #context = new AudioContext({ sampleRate: SAMPLE_RATE });
  #outlet = this.#context.createMediaStreamDestination();
  /** Web Audio produces no samples, not even silence, without a source. */
  #silence = new ConstantSourceNode(this.#context, { offset: 0 });
  /** @type {MediaStreamTrack | null} */
  #track = null;
  /** @type {MediaStreamAudioSourceNode | null} */
  #source = null;
  #listening = new AbortController();
  /** The track for SDKs. */
  copies = new Copies(this.#outlet.stream.getAudioTracks()[0]);

  /** @param {(error: Error) => void} trouble */
  constructor(trouble) {
    this.#silence.connect(this.#outlet);
    this.#silence.start();
    if (this.#context.state === 'running') return;
    const { signal } = this.#listening;
    for (const gesture of GESTURES) {
      addEventListener(gesture, () => this.#context.resume(), { capture: true, signal });
    }
    this.#context.addEventListener('statechange', () => this.#listening.abort(), { once: true });
    if (navigator.userActivation?.hasBeenActive) return;
    trouble(new Error('The browser blocks sound until the page is clicked. Click it.'));
  }

  /**
   * Sets the source; null is silence.
   * @param {MediaStreamTrack | null} track
   */
  set(track) {
    if (track === this.#track) return;
    this.#track = track;
    this.#source?.disconnect();
    this.#source = null;
    if (!track) return;
    this.#source = this.#context.createMediaStreamSource(new MediaStream([track]));
    this.#source.connect(this.#outlet);
  }

  close() {
    this.#listening.abort();
    this.set(null);
    this.copies.close();
    this.#context.close();
  }
}

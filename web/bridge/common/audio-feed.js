// Sound whose track never ends, whatever becomes of the tracks that it comes from: silence, while
// there is none.
//
// An SDK that is given the track of a connection takes the microphone when that connection closes.

import { Copies } from './copies.js';

/** Opus' own: nothing is resampled. */
const SAMPLE_RATE = 48_000;

/** What lets a page make sound. */
const GESTURES = ['click', 'keydown', 'touchend'];

export class AudioFeed {
  #context = new AudioContext({ sampleRate: SAMPLE_RATE });
  #outlet = this.#context.createMediaStreamDestination();
  /** Without anything that sounds, WebAudio gives no samples, not even of silence. */
  #silence = new ConstantSourceNode(this.#context, { offset: 0 });
  /** @type {MediaStreamTrack | null} */
  #track = null;
  /** @type {MediaStreamAudioSourceNode | null} */
  #source = null;
  #listening = new AbortController();
  /** The sound, for SDKs. */
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
    trouble(new Error('The browser lets no page make sound before it was touched. Click it.'));
  }

  /**
   * From now on the sound is that of `track`, or silence.
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

// A participant of our call that stands for one of the other call. It only sends, and never
// opens a device.

import { CallClient } from '../../acscall/call-client.js';
import { LocalAudioStream } from '../../acscall/local-audio-stream.js';
import { LocalVideoStream } from '../../acscall/local-video-stream.js';
import { listen } from './listen.js';
import { persist } from './retry.js';

/** @import { Call } from '../../acscall/call.js' */
/** @import { Kind } from '../../acscall/wire/leg.js' */

/**
 * Where guests go, and what lets them in.
 * @typedef {object} House
 * @property {string} groupId The call's name.
 * @property {string} [server]
 * @property {(user: string) => string | undefined | Promise<string | undefined>} [token]
 * @property {(error: Error) => void} trouble
 */

/** @type {readonly Kind[]} */
const KINDS = ['audio', 'video', 'screen'];

/** What the server takes for a name: characters, and none that control. */
const LONGEST = 128;

/** What encoders are told of the pictures. */
const HINTS = { video: 'motion', screen: 'detail' };

export class Guest {
  #house;
  #leaving = new AbortController();
  /** @type {Record<Kind, MediaStreamTrack | null>} */
  #tracks = { audio: null, video: null, screen: null };
  /** What our call is given of them. */
  #audio = /** @type {LocalAudioStream | null} */ (null);
  /** @type {Record<'video' | 'screen', LocalVideoStream | null>} */
  #pictures = { video: null, screen: null };
  /** @type {Call | null} */
  #call = null;
  #live;

  /**
   * @param {House} house
   * @param {string} user
   * @param {string} [displayName]
   */
  constructor(house, user, displayName) {
    this.#house = house;
    this.user = nameOf(user);
    this.displayName = nameOf(displayName || user);
    this.#live = persist((worked) => this.#stay(worked), this.#leaving.signal, (error) => {
      const why = error?.message ?? error;
      const message = `${this.user} cannot be in our call, which is tried again: ${why}`;
      house.trouble(new Error(message, { cause: error }));
    });
  }

  /** Its call; null while it has none. */
  get call() {
    return this.#call;
  }

  /** What it has to send. */
  get kinds() {
    return KINDS.filter((kind) => this.#tracks[kind]);
  }

  /**
   * From now on it sends `track` as its sound, camera or screen, or nothing.
   * @param {Kind} kind
   * @param {MediaStreamTrack | null} track
   */
  set(kind, track) {
    if (track === this.#tracks[kind]) return;
    this.#tracks[kind] = track;
    if (track && kind !== 'audio') track.contentHint = HINTS[kind];
    this.#send(kind);
  }

  /** It leaves, wherever it has got to; fulfilled when it is gone. */
  async leave() {
    this.#leaving.abort();
    await this.#live;
  }

  // ---- Being there

  /**
   * Is in the call until the guest leaves; rejected where it ends by itself.
   * @param {() => void} worked
   */
  async #stay(worked) {
    const { groupId, server, token } = this.#house;
    const { user, displayName } = this;
    const { signal } = this.#leaving;
    const credential = { user, server, token: await token?.(user) };
    if (signal.aborted) return;
    const agent = await new CallClient().createCallAgent(credential, { displayName });
    try {
      if (signal.aborted) return;
      // Muted: without a stream of ours it would be the microphone.
      const call = agent.join({ groupId }, { receives: false, audioOptions: { muted: true } });
      this.#call = call;
      for (const kind of KINDS) this.#send(kind);
      await whenOver(call, signal, worked);
      const reason = call.callEndReason?.message || 'somebody ended it';
      if (!signal.aborted) throw new Error(reason);
    } finally {
      this.#call = null;
      await agent.dispose();
    }
  }

  // ---- Media

  /** @param {Kind} kind */
  async #send(kind) {
    const call = this.#call;
    if (!call) return;
    const track = this.#tracks[kind];
    try {
      if (kind === 'audio') await this.#sendSound(call, track);
      else await this.#sendPicture(call, kind, track);
    } catch (/** @type {any} */ error) {
      // What has ended, or was stopped meanwhile, is followed by something else, or by nothing.
      const isStale = call !== this.#call || track !== this.#tracks[kind];
      if (isStale || track?.readyState !== 'live') return;
      const message = `The ${kind} of ${this.user} cannot be sent: ${error.message}`;
      this.#house.trouble(new Error(message, { cause: error }));
    }
  }

  /**
   * @param {Call} call
   * @param {MediaStreamTrack | null} track
   */
  async #sendSound(call, track) {
    // Never stopAudio(): that goes back to the microphone.
    if (!track) return call.mute();
    const media = new MediaStream([track]);
    if (this.#audio && call.localAudioStreams.includes(this.#audio)) {
      await this.#audio.setMediaStream(media);
    } else {
      this.#audio = new LocalAudioStream(media, { autoDisposeOnCallEnd: false });
      await call.startAudio(this.#audio);
    }
    // With a stream to send no microphone is opened; without one it would be.
    const isCurrent = call === this.#call && track === this.#tracks.audio;
    if (isCurrent && this.#audio && call.localAudioStreams.includes(this.#audio)) {
      await call.unmute();
    }
  }

  /**
   * @param {Call} call
   * @param {'video' | 'screen'} kind
   * @param {MediaStreamTrack | null} track
   */
  async #sendPicture(call, kind, track) {
    const sent = this.#pictures[kind];
    const isSent = sent !== null && call.localVideoStreams.includes(sent);
    if (!track) {
      this.#pictures[kind] = null;
      if (!isSent) return;
      if (kind === 'video') await call.stopVideo(sent);
      else await call.stopScreenSharing();
      return;
    }
    const media = new MediaStream([track]);
    if (isSent) {
      await sent.setMediaStream(media);
      return;
    }
    const stream = new LocalVideoStream(media, { autoDisposeOnCallEnd: false });
    this.#pictures[kind] = stream;
    if (kind === 'video') await call.startVideo(stream);
    else await call.startScreenSharing(stream);
  }
}

/**
 * Waits until `call` is over, and says when it has begun. Where `signal` is aborted, that ends it.
 * @param {Call} call
 * @param {AbortSignal} signal
 * @param {() => void} worked
 */
async function whenOver(call, signal, worked) {
  const over = new AbortController();
  await new Promise((/** @type {(value: void) => void} */ resolve) => {
    const changed = () => {
      if (call.state === 'Connected') worked();
      if (call.state === 'Disconnected') resolve();
    };
    listen(call, 'stateChanged', changed, over.signal);
    signal.addEventListener('abort', () => call.hangUp(), { signal: over.signal });
  });
  over.abort();
}

/**
 * What the server takes as a name, as near to `text` as that goes.
 * @param {string} text
 */
function nameOf(text) {
  const plain = text.replace(/\p{Cc}/gu, ' ').trim();
  return [...plain].slice(0, LONGEST).join('') || 'somebody';
}

// A participant of our call that represents one of the other call. It only sends, and never opens a
// device.

import { CallClient } from '../../acscall/call-client.js';
import { LocalAudioStream } from '../../acscall/local-audio-stream.js';
import { LocalVideoStream } from '../../acscall/local-video-stream.js';
import { listen } from './listen.js';
import { persist } from './retry.js';

/** @import { Call } from '../../acscall/call.js' */
/** @import { Kind } from '../../acscall/wire/leg.js' */

/**
 * The call that guests join.
 * @typedef {object} GuestOptions
 * @property {string} groupId The call's name.
 * @property {string} [server]
 * @property {(user: string) => string | undefined | Promise<string | undefined>} [token]
 * @property {(error: Error) => void} trouble
 */

/** @type {readonly Kind[]} */
const KINDS = ['audio', 'video', 'screen'];

/** The server's limit for names, in characters. */
const LONGEST = 128;

/** The content hints of the video tracks. */
const HINTS = { video: 'motion', screen: 'detail' };

export class Guest {
  #options;
  #leaving = new AbortController();
  /** @type {Record<Kind, MediaStreamTrack | null>} */
  #tracks = { audio: null, video: null, screen: null };
  /** The streams that our call sends. */
  #audioStream = /** @type {LocalAudioStream | null} */ (null);
  /** @type {Record<'video' | 'screen', LocalVideoStream | null>} */
  #videoStreams = { video: null, screen: null };
  /** @type {Call | null} */
  #call = null;
  #live;

  /**
   * @param {GuestOptions} options
   * @param {string} user
   * @param {string} [displayName]
   */
  constructor(options, user, displayName) {
    this.#options = options;
    this.user = nameOf(user);
    this.displayName = nameOf(displayName || user);
    this.#live = persist((succeeded) => this.#stay(succeeded), this.#leaving.signal, (error) => {
      const why = error?.message ?? error;
      const message = `${this.user} cannot join our call; retrying: ${why}`;
      options.trouble(new Error(message, { cause: error }));
    });
  }

  /** The guest's call; null while it has none. */
  get call() {
    return this.#call;
  }

  /** The kinds that it can send. */
  get kinds() {
    return KINDS.filter((kind) => this.#tracks[kind]);
  }

  /**
   * Sends `track`, or nothing, as its audio, camera or screen from now on.
   * @param {Kind} kind
   * @param {MediaStreamTrack | null} track
   */
  set(kind, track) {
    if (track === this.#tracks[kind]) return;
    this.#tracks[kind] = track;
    if (track && kind !== 'audio') track.contentHint = HINTS[kind];
    this.#send(kind);
  }

  /** Leaves the call, or stops joining; fulfilled when the guest is gone. */
  async leave() {
    this.#leaving.abort();
    await this.#live;
  }

  // ---- The call

  /**
   * Stays in the call until the guest leaves; rejects if the call ends by itself.
   * @param {() => void} succeeded
   */
  async #stay(succeeded) {
    const { groupId, server, token } = this.#options;
    const { user, displayName } = this;
    const { signal } = this.#leaving;
    const credential = { user, server, token: await token?.(user) };
    if (signal.aborted) return;
    const agent = await new CallClient().createCallAgent(credential, { displayName });
    try {
      if (signal.aborted) return;
      // Muted, since a call without a stream of ours would send the microphone.
      const call = agent.join({ groupId }, { receives: false, audioOptions: { muted: true } });
      this.#call = call;
      for (const kind of KINDS) this.#send(kind);
      await whenOver(call, signal, succeeded);
      const reason = call.callEndReason?.message || 'another participant ended it';
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
      if (kind === 'audio') await this.#sendAudio(call, track);
      else await this.#sendVideo(call, kind, track);
    } catch (/** @type {any} */ error) {
      // A track that has ended or was replaced is no error.
      const isStale = call !== this.#call || track !== this.#tracks[kind];
      if (isStale || track?.readyState !== 'live') return;
      const message = `The ${kind} of ${this.user} cannot be sent: ${error.message}`;
      this.#options.trouble(new Error(message, { cause: error }));
    }
  }

  /**
   * @param {Call} call
   * @param {MediaStreamTrack | null} track
   */
  async #sendAudio(call, track) {
    // Never stopAudio(), which goes back to the microphone.
    if (!track) return call.mute();
    const media = new MediaStream([track]);
    if (this.#audioStream && call.localAudioStreams.includes(this.#audioStream)) {
      await this.#audioStream.setMediaStream(media);
    } else {
      this.#audioStream = new LocalAudioStream(media, { autoDisposeOnCallEnd: false });
      await call.startAudio(this.#audioStream);
    }
    // unmute() opens no microphone only while there is a stream to send.
    const isCurrent = call === this.#call && track === this.#tracks.audio;
    if (isCurrent && this.#audioStream && call.localAudioStreams.includes(this.#audioStream)) {
      await call.unmute();
    }
  }

  /**
   * @param {Call} call
   * @param {'video' | 'screen'} kind
   * @param {MediaStreamTrack | null} track
   */
  async #sendVideo(call, kind, track) {
    const sent = this.#videoStreams[kind];
    const isSent = sent !== null && call.localVideoStreams.includes(sent);
    if (!track) {
      this.#videoStreams[kind] = null;
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
    this.#videoStreams[kind] = stream;
    if (kind === 'video') await call.startVideo(stream);
    else await call.startScreenSharing(stream);
  }
}

/**
 * Waits until `call` is over and reports when it is connected. An aborted `signal` hangs it up.
 * @param {Call} call
 * @param {AbortSignal} signal
 * @param {() => void} succeeded
 */
async function whenOver(call, signal, succeeded) {
  const over = new AbortController();
  await new Promise((/** @type {(value: void) => void} */ resolve) => {
    const changed = () => {
      if (call.state === 'Connected') succeeded();
      if (call.state === 'Disconnected') resolve();
    };
    listen(call, 'stateChanged', changed, over.signal);
    signal.addEventListener('abort', () => call.hangUp(), { signal: over.signal });
  });
  over.abort();
}

/**
 * Makes `text` a valid name for the server.
 * @param {string} text
 */
function nameOf(text) {
  const plain = text.replace(/\p{Cc}/gu, ' ').trim();
  return [...plain].slice(0, LONGEST).join('') || 'somebody';
}

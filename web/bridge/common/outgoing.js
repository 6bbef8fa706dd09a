// What goes from our call into the other one: sound, picture and screen of one participant.

import { AudioFeed } from './audio-feed.js';
import { Following } from './following.js';
import { listen } from './listen.js';
import { persist } from './retry.js';
import { VideoFeed } from './video-feed.js';

/** @import { Call } from '../../acscall/call.js' */
/** @import { RemoteParticipant } from '../../acscall/remote-participant.js' */
/** @import { RemoteVideoStream } from '../../acscall/remote-video-stream.js' */
/** @import { Kind } from '../../acscall/wire/leg.js' */

/** @typedef {'video' | 'screen'} PictureKind */

/** Which of a participant's pictures is which. */
const PICTURES = /** @type {const} */ ({ video: 'Video', screen: 'ScreenSharing' });

export class Outgoing {
  #call;
  #changed;
  #trouble;
  #listening = new AbortController();
  /** @type {Map<RemoteParticipant, AbortController>} */
  #sessions = new Map();
  /** Whose sound it is. @type {RemoteParticipant | null} */
  #speaker = null;
  /** @type {Record<PictureKind, Following<RemoteVideoStream>>} */
  #pictures = {
    video: new Following((stream, signal) => this.#see('video', stream, signal)),
    screen: new Following((stream, signal) => this.#see('screen', stream, signal)),
  };

  /**
   * @param {Call} call Ours.
   * @param {string} from The user whose sound and pictures go out.
   * @param {{changed: () => void, trouble: (error: Error) => void}} owner
   */
  constructor(call, from, { changed, trouble }) {
    this.#call = call;
    this.from = from;
    this.#changed = changed;
    this.#trouble = trouble;
    this.feeds = {
      audio: new AudioFeed(trouble),
      video: new VideoFeed('motion', changed),
      screen: new VideoFeed('detail', changed),
    };
    const { signal } = this.#listening;
    listen(call, 'remoteParticipantsUpdated', () => this.#look(), signal);
    this.#look();
  }

  /**
   * Whether there is something to be sent: for pictures, from the first frame on.
   * @param {Kind} kind
   */
  isOn(kind) {
    if (kind === 'audio') return this.#speaker !== null;
    return this.#pictures[kind].what !== null && this.feeds[kind].hasPicture;
  }

  /** What goes out, one object for each stream. */
  get stats() {
    const about = { direction: /** @type {const} */ ('out'), user: this.from };
    const kinds = /** @type {const} */ (['video', 'screen']);
    const pictures = kinds.filter((kind) => this.isOn(kind));
    return [
      ...(this.isOn('audio') ? [{ ...about, kind: /** @type {const} */ ('audio') }] : []),
      ...pictures.map((kind) => ({ ...about, kind, ...this.feeds[kind].stats })),
    ];
  }

  /** Nothing is to be sent any more. What the feeds gave out goes on: silent, standing still. */
  stop() {
    this.#listening.abort();
    for (const controller of this.#sessions.values()) controller.abort();
    this.#sessions.clear();
    this.#hear(null);
    for (const picture of Object.values(this.#pictures)) picture.set(null);
  }

  /** Nobody has the feeds any more. */
  close() {
    for (const feed of Object.values(this.feeds)) feed.close();
  }

  // ---- Whose it is

  #look() {
    const all = this.#call.remoteParticipants.filter(
      ({ identifier }) => identifier.communicationUserId === this.from,
    );
    this.#listenTo(all);
    // Who is lost may come back, but whoever is here goes first.
    const isHere = (/** @type {RemoteParticipant} */ { state }) => state === 'Connected';
    const sessions = [...all.filter(isHere), ...all.filter((session) => !isHere(session))];
    this.#hear(sessions.find(({ isMuted }) => !isMuted) ?? null);
    for (const kind of /** @type {const} */ (['video', 'screen'])) {
      const streams = sessions.flatMap(({ videoStreams }) => videoStreams);
      const isIt = (/** @type {RemoteVideoStream} */ { mediaStreamType, isAvailable }) =>
        mediaStreamType === PICTURES[kind] && isAvailable;
      this.#pictures[kind].set(streams.find(isIt) ?? null);
    }
    this.#changed();
  }

  /** @param {RemoteParticipant[]} sessions */
  #listenTo(sessions) {
    for (const [session, controller] of this.#sessions) {
      if (sessions.includes(session)) continue;
      controller.abort();
      this.#sessions.delete(session);
    }
    for (const session of sessions) {
      if (this.#sessions.has(session)) continue;
      const controller = new AbortController();
      const { signal } = controller;
      this.#sessions.set(session, controller);
      listen(session, 'stateChanged', () => this.#look(), signal);
      listen(session, 'isMutedChanged', () => this.#look(), signal);
      for (const stream of session.videoStreams) {
        listen(stream, 'isAvailableChanged', () => this.#look(), signal);
      }
    }
  }

  /** @param {RemoteParticipant | null} speaker */
  async #hear(speaker) {
    if (speaker === this.#speaker) return;
    this.#speaker = speaker;
    try {
      const stream = await speaker?.audioStream.getMediaStream();
      if (speaker !== this.#speaker) return;
      this.feeds.audio.set(stream?.getAudioTracks()[0] ?? null);
    } catch (/** @type {any} */ error) {
      // Whoever has just left is told of in the same breath.
      if (speaker === this.#speaker) this.#trouble(error);
    }
  }

  /**
   * Feeds what comes of it: another track each time its connection is replaced.
   * @param {PictureKind} kind
   * @param {RemoteVideoStream | null} stream
   * @param {AbortSignal} signal
   */
  #see(kind, stream, signal) {
    const feed = this.feeds[kind];
    if (!stream) {
      feed.set(null);
      return;
    }
    const begin = async () => {
      const media = await stream.getMediaStream();
      if (signal.aborted) return;
      media.addEventListener('addtrack', ({ track }) => feed.set(track), { signal });
      feed.set(media.getVideoTracks()[0]);
    };
    persist(begin, signal, (error) => {
      const message = `The ${kind} of ${this.from} is not there, and tried again: ${error.message}`;
      this.#trouble(new Error(message, { cause: error }));
    });
  }
}

// The media from our call into the other one: audio, camera and screen of one user.

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

/** The stream type of each kind. */
const PICTURES = /** @type {const} */ ({ video: 'Video', screen: 'ScreenSharing' });

export class Outgoing {
  #call;
  #changed;
  #trouble;
  #listening = new AbortController();
  /** @type {Map<RemoteParticipant, AbortController>} */
  #sessions = new Map();
  /** The session that is heard. @type {RemoteParticipant | null} */
  #speaker = null;
  /** @type {Record<PictureKind, Following<RemoteVideoStream>>} */
  #pictures = {
    video: new Following((stream, signal) => this.#followPicture('video', stream, signal)),
    screen: new Following((stream, signal) => this.#followPicture('screen', stream, signal)),
  };

  /**
   * @param {Call} call Our call.
   * @param {string} from The user whose media is sent.
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
    listen(call, 'remoteParticipantsUpdated', () => this.#update(), signal);
    this.#update();
  }

  /**
   * Whether there is media to send: for pictures, from the first frame on.
   * @param {Kind} kind
   */
  isOn(kind) {
    if (kind === 'audio') return this.#speaker !== null;
    return this.#pictures[kind].target !== null && this.feeds[kind].hasPicture;
  }

  /** The statistics of the sent streams, one object for each. */
  get stats() {
    const about = { direction: /** @type {const} */ ('out'), user: this.from };
    const kinds = /** @type {const} */ (['video', 'screen']);
    const pictures = kinds.filter((kind) => this.isOn(kind));
    return [
      ...(this.isOn('audio') ? [{ ...about, kind: /** @type {const} */ ('audio') }] : []),
      ...pictures.map((kind) => ({ ...about, kind, ...this.feeds[kind].stats })),
    ];
  }

  /** Stops the sources. The feeds continue with silence and frozen pictures. */
  stop() {
    this.#listening.abort();
    for (const controller of this.#sessions.values()) controller.abort();
    this.#sessions.clear();
    this.#setSpeaker(null);
    for (const picture of Object.values(this.#pictures)) picture.set(null);
  }

  /** Closes the feeds once nothing uses them. */
  close() {
    for (const feed of Object.values(this.feeds)) feed.close();
  }

  // ---- Sources

  #update() {
    const all = this.#call.remoteParticipants.filter(
      ({ identifier }) => identifier.communicationUserId === this.from,
    );
    this.#listenTo(all);
    // A connected session takes precedence over a lost one that may come back.
    const isHere = (/** @type {RemoteParticipant} */ { state }) => state === 'Connected';
    const sessions = [...all.filter(isHere), ...all.filter((session) => !isHere(session))];
    this.#setSpeaker(sessions.find(({ isMuted }) => !isMuted) ?? null);
    for (const kind of /** @type {const} */ (['video', 'screen'])) {
      const streams = sessions.flatMap(({ videoStreams }) => videoStreams);
      const matches = (/** @type {RemoteVideoStream} */ { mediaStreamType, isAvailable }) =>
        mediaStreamType === PICTURES[kind] && isAvailable;
      this.#pictures[kind].set(streams.find(matches) ?? null);
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
      listen(session, 'stateChanged', () => this.#update(), signal);
      listen(session, 'isMutedChanged', () => this.#update(), signal);
      for (const stream of session.videoStreams) {
        listen(stream, 'isAvailableChanged', () => this.#update(), signal);
      }
    }
  }

  /** @param {RemoteParticipant | null} speaker */
  async #setSpeaker(speaker) {
    if (speaker === this.#speaker) return;
    this.#speaker = speaker;
    try {
      const stream = await speaker?.audioStream.getMediaStream();
      if (speaker !== this.#speaker) return;
      this.feeds.audio.set(stream?.getAudioTracks()[0] ?? null);
    } catch (/** @type {any} */ error) {
      // A session that has just left changes the speaker in the same task.
      if (speaker === this.#speaker) this.#trouble(error);
    }
  }

  /**
   * Feeds the stream's track, and its successor whenever the connection is replaced.
   * @param {PictureKind} kind
   * @param {RemoteVideoStream | null} stream
   * @param {AbortSignal} signal
   */
  #followPicture(kind, stream, signal) {
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
      const message = `The ${kind} of ${this.from} is not available; retrying: ${error.message}`;
      this.#trouble(new Error(message, { cause: error }));
    });
  }
}

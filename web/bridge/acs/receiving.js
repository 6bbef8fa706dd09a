// From an ACS call into ours: each participant as a guest with its camera and screen share, and
// the sound of all of them, which the SDK gives mixed, as one more.

import { Following } from '../common/following.js';
import { listen } from '../common/listen.js';
import { persist } from '../common/retry.js';

/** @import { Bridge } from '../common/bridge.js' */
/** @import { Guest } from '../common/guest.js' */
/** @import { AcsCall, AcsRemoteAudioStream, AcsRemoteParticipant, AcsRemoteVideoStream
 * } from './types.js' */

/** The user, and the display name, that everybody is heard as. */
const MIXED = 'acs-audio';

/**
 * What participants are called in our call.
 * @typedef {object} Names
 * @property {(participant: AcsRemoteParticipant) => string} user
 * @property {(participant: AcsRemoteParticipant) => string | undefined} displayName
 */

export class AcsReceiving {
  #call;
  #bridge;
  #names;
  #listening = new AbortController();
  /** @type {Map<AcsRemoteParticipant, Person>} */
  #people = new Map();
  /** @type {Following<AcsRemoteAudioStream>} */
  #sound = new Following((stream, signal) => this.#hear(stream, signal));
  /** @type {Guest | null} */
  #mixed = null;

  /**
   * @param {AcsCall} call
   * @param {Bridge} bridge
   * @param {Names} names
   */
  constructor(call, bridge, names) {
    this.#call = call;
    this.#bridge = bridge;
    this.#names = names;
    const { signal } = this.#listening;
    listen(call, 'remoteParticipantsUpdated', () => this.#meet(), signal);
    listen(call, 'remoteAudioStreamsUpdated', (updated) => this.#listenTo(updated), signal);
    this.#meet();
    this.#listenTo();
  }

  /** The guests are the bridge's to dismiss. */
  stop() {
    this.#listening.abort();
    for (const person of this.#people.values()) person.stop();
    this.#sound.set(null);
  }

  #meet() {
    const present = new Set(this.#call.remoteParticipants);
    for (const [participant, person] of this.#people) {
      if (present.has(participant)) continue;
      this.#people.delete(participant);
      person.leave();
    }
    for (const participant of present) {
      if (this.#people.has(participant)) continue;
      this.#people.set(participant, new Person(participant, this.#bridge, this.#names));
    }
  }

  /** @param {{added?: readonly unknown[], removed?: readonly unknown[]}} [updated] */
  #listenTo({ added = [], removed = [] } = {}) {
    const [stream = null] = this.#call.remoteAudioStreams;
    // Nothing added and nothing removed: there is another MediaStream underneath.
    const isOther = stream === this.#sound.what && !added.length && !removed.length;
    if (isOther) this.#sound.again();
    else this.#sound.set(stream);
  }

  /**
   * @param {AcsRemoteAudioStream | null} stream
   * @param {AbortSignal} signal
   */
  #hear(stream, signal) {
    if (!stream) {
      this.#mixed?.set('audio', null);
      return;
    }
    this.#mixed ??= this.#bridge.invite(MIXED);
    const mixed = this.#mixed;
    const begin = async () => {
      const [track] = (await stream.getMediaStream()).getAudioTracks();
      if (signal.aborted) return;
      if (!track) throw new Error('its stream has no track');
      mixed.set('audio', track);
    };
    persist(begin, signal, (error) => {
      const message = `The sound of the ACS call is not there, and tried again: ${error.message}`;
      this.#bridge.trouble(new Error(message, { cause: error }));
    });
  }
}

/** Which of a participant's pictures is which. */
const PICTURES = /** @type {const} */ ({ Video: 'video', ScreenSharing: 'screen' });

/** @typedef {keyof typeof PICTURES} PictureType */

/** A participant of the ACS call, and its guest while it is in the call. */
class Person {
  #participant;
  #bridge;
  #names;
  #listening = new AbortController();
  /** @type {Map<AcsRemoteVideoStream, AbortController>} */
  #streams = new Map();
  /** @type {Record<PictureType, Following<AcsRemoteVideoStream>>} */
  #pictures = {
    Video: new Following((stream, signal) => this.#see('Video', stream, signal)),
    ScreenSharing: new Following((stream, signal) => this.#see('ScreenSharing', stream, signal)),
  };
  /** @type {Record<PictureType, MediaStreamTrack | null>} */
  #tracks = { Video: null, ScreenSharing: null };
  /** @type {Guest | null} */
  #guest = null;
  /** What the guest was made for. */
  #displayName = /** @type {string | undefined} */ ('');

  /**
   * @param {AcsRemoteParticipant} participant
   * @param {Bridge} bridge
   * @param {Names} names
   */
  constructor(participant, bridge, names) {
    this.#participant = participant;
    this.#bridge = bridge;
    this.#names = names;
    const { signal } = this.#listening;
    for (const event of /** @type {const} */ ([
      'stateChanged',
      'displayNameChanged',
      'videoStreamsUpdated',
    ])) {
      listen(participant, event, () => this.#look(), signal);
    }
    this.#look();
  }

  /** Follows it no more. */
  stop() {
    this.#listening.abort();
    for (const controller of this.#streams.values()) controller.abort();
    this.#streams.clear();
    for (const picture of Object.values(this.#pictures)) picture.set(null);
  }

  /** It is in the call no more. */
  leave() {
    this.stop();
    if (this.#guest) this.#bridge.dismiss(this.#guest);
    this.#guest = null;
  }

  #look() {
    const { state, videoStreams } = this.#participant;
    const isHere = state === 'Connected' || state === 'Hold';
    this.#represent(isHere);
    this.#listenTo(videoStreams);
    for (const type of /** @type {PictureType[]} */ (Object.keys(PICTURES))) {
      const available = videoStreams.find(
        ({ mediaStreamType, isAvailable }) => mediaStreamType === type && isAvailable,
      );
      this.#pictures[type].set((isHere && available) || null);
    }
  }

  /** @param {boolean} isHere */
  #represent(isHere) {
    const displayName = this.#names.displayName(this.#participant);
    // A participant of our call keeps the name that it came with.
    const isOther = displayName !== this.#displayName;
    if (this.#guest && (!isHere || isOther)) {
      this.#bridge.dismiss(this.#guest);
      this.#guest = null;
    }
    if (!isHere || this.#guest) return;
    this.#displayName = displayName;
    this.#guest = this.#bridge.invite(this.#names.user(this.#participant), displayName);
    for (const type of /** @type {PictureType[]} */ (Object.keys(PICTURES))) {
      this.#guest.set(PICTURES[type], this.#tracks[type]);
    }
  }

  /** @param {readonly AcsRemoteVideoStream[]} streams */
  #listenTo(streams) {
    for (const [stream, controller] of this.#streams) {
      if (streams.includes(stream)) continue;
      controller.abort();
      this.#streams.delete(stream);
    }
    for (const stream of streams) {
      if (this.#streams.has(stream)) continue;
      const controller = new AbortController();
      this.#streams.set(stream, controller);
      listen(stream, 'isAvailableChanged', () => this.#look(), controller.signal);
    }
  }

  /**
   * @param {PictureType} type
   * @param {AcsRemoteVideoStream | null} stream
   * @param {AbortSignal} signal
   */
  #see(type, stream, signal) {
    this.#set(type, null);
    if (!stream) return;
    const follow = async (/** @type {() => void} */ worked) => {
      while (!signal.aborted) {
        const media = await stream.getMediaStream();
        if (signal.aborted) return;
        const [track] = media.getVideoTracks();
        if (track?.readyState !== 'live') throw new Error('its track has ended');
        this.#set(type, track);
        worked();
        await isDoubtful(media, track, signal);
      }
    };
    persist(follow, signal, (error) => {
      const who = this.#guest?.displayName ?? 'a participant';
      const what = `The ${PICTURES[type]} of ${who} is not there, and tried again`;
      this.#bridge.trouble(new Error(`${what}: ${error.message}`, { cause: error }));
    });
  }

  /**
   * @param {PictureType} type
   * @param {MediaStreamTrack | null} track
   */
  #set(type, track) {
    this.#tracks[type] = track;
    this.#guest?.set(PICTURES[type], track);
  }
}

/**
 * Waits until there may be another track: the SDK does not tell.
 * @param {MediaStream} media
 * @param {MediaStreamTrack} track
 * @param {AbortSignal} signal
 */
async function isDoubtful(media, track, signal) {
  const listening = new AbortController();
  await new Promise((resolve) => {
    const options = { signal: listening.signal };
    for (const event of ['ended', 'mute']) track.addEventListener(event, resolve, options);
    media.addEventListener('addtrack', resolve, options);
    signal.addEventListener('abort', resolve, options);
  });
  listening.abort();
}

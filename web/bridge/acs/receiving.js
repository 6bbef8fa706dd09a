// From an ACS call into ours: a guest with camera and screen share for each participant, and one
// for the sound of all of them, which the SDK provides mixed.

import { Following } from '../common/following.js';
import { listen } from '../common/listen.js';
import { persist } from '../common/retry.js';

/** @import { Bridge } from '../common/bridge.js' */
/** @import { Guest } from '../common/guest.js' */
/** @import { AcsCall, AcsRemoteAudioStream, AcsRemoteParticipant, AcsRemoteVideoStream
 * } from './types.js' */

/** The user and display name of the guest with the mixed sound. */
const MIXED = 'acs-audio';

/**
 * The names of participants in our call.
 * @typedef {object} Names
 * @property {(participant: AcsRemoteParticipant) => string} user
 * @property {(participant: AcsRemoteParticipant) => string | undefined} displayName
 */

export class AcsReceiving {
  #call;
  #bridge;
  #names;
  #listening = new AbortController();
  /** @type {Map<AcsRemoteParticipant, Participant>} */
  #participants = new Map();
  /** @type {Following<AcsRemoteAudioStream>} */
  #sound = new Following((stream, signal) => this.#followSound(stream, signal));
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
    listen(call, 'remoteParticipantsUpdated', () => this.#updateParticipants(), signal);
    listen(call, 'remoteAudioStreamsUpdated', (updated) => this.#updateSound(updated), signal);
    this.#updateParticipants();
    this.#updateSound();
  }

  /** Stops following the call. The bridge dismisses the guests. */
  stop() {
    this.#listening.abort();
    for (const participant of this.#participants.values()) participant.stop();
    this.#sound.set(null);
  }

  #updateParticipants() {
    const present = new Set(this.#call.remoteParticipants);
    for (const [remote, participant] of this.#participants) {
      if (present.has(remote)) continue;
      this.#participants.delete(remote);
      participant.leave();
    }
    for (const remote of present) {
      if (this.#participants.has(remote)) continue;
      this.#participants.set(remote, new Participant(remote, this.#bridge, this.#names));
    }
  }

  /** @param {{added?: readonly unknown[], removed?: readonly unknown[]}} [updated] */
  #updateSound({ added = [], removed = [] } = {}) {
    const [stream = null] = this.#call.remoteAudioStreams;
    // An event with two empty arrays means that the MediaStream of the same stream was replaced.
    const isOther = stream === this.#sound.target && !added.length && !removed.length;
    if (isOther) this.#sound.restart();
    else this.#sound.set(stream);
  }

  /**
   * @param {AcsRemoteAudioStream | null} stream
   * @param {AbortSignal} signal
   */
  #followSound(stream, signal) {
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
      const message = `The sound of the ACS call is not available; retrying: ${error.message}`;
      this.#bridge.trouble(new Error(message, { cause: error }));
    });
  }
}

/** The kind of each stream type. */
const PICTURES = /** @type {const} */ ({ Video: 'video', ScreenSharing: 'screen' });

/** @typedef {keyof typeof PICTURES} PictureType */

/** A participant of the ACS call, and its guest while it is connected. */
class Participant {
  #remote;
  #bridge;
  #names;
  #listening = new AbortController();
  /** @type {Map<AcsRemoteVideoStream, AbortController>} */
  #streams = new Map();
  /** @type {Record<PictureType, Following<AcsRemoteVideoStream>>} */
  #pictures = {
    Video: new Following((stream, signal) => this.#followPicture('Video', stream, signal)),
    ScreenSharing: new Following((stream, signal) =>
      this.#followPicture('ScreenSharing', stream, signal),
    ),
  };
  /** @type {Record<PictureType, MediaStreamTrack | null>} */
  #tracks = { Video: null, ScreenSharing: null };
  /** @type {Guest | null} */
  #guest = null;
  /** The display name that the guest has. */
  #displayName = /** @type {string | undefined} */ ('');

  /**
   * @param {AcsRemoteParticipant} remote
   * @param {Bridge} bridge
   * @param {Names} names
   */
  constructor(remote, bridge, names) {
    this.#remote = remote;
    this.#bridge = bridge;
    this.#names = names;
    const { signal } = this.#listening;
    for (const event of /** @type {const} */ ([
      'stateChanged',
      'displayNameChanged',
      'videoStreamsUpdated',
    ])) {
      listen(remote, event, () => this.#update(), signal);
    }
    this.#update();
  }

  /** Stops following the participant. */
  stop() {
    this.#listening.abort();
    for (const controller of this.#streams.values()) controller.abort();
    this.#streams.clear();
    for (const picture of Object.values(this.#pictures)) picture.set(null);
  }

  /** Called when the participant has left the call. */
  leave() {
    this.stop();
    if (this.#guest) this.#bridge.dismiss(this.#guest);
    this.#guest = null;
  }

  #update() {
    const { state, videoStreams } = this.#remote;
    const isHere = state === 'Connected' || state === 'Hold';
    this.#updateGuest(isHere);
    this.#listenTo(videoStreams);
    for (const type of /** @type {PictureType[]} */ (Object.keys(PICTURES))) {
      const available = videoStreams.find(
        ({ mediaStreamType, isAvailable }) => mediaStreamType === type && isAvailable,
      );
      this.#pictures[type].set((isHere && available) || null);
    }
  }

  /** @param {boolean} isHere */
  #updateGuest(isHere) {
    const displayName = this.#names.displayName(this.#remote);
    // Participants of our call cannot be renamed, so a new guest replaces the old one.
    const isOther = displayName !== this.#displayName;
    if (this.#guest && (!isHere || isOther)) {
      this.#bridge.dismiss(this.#guest);
      this.#guest = null;
    }
    if (!isHere || this.#guest) return;
    this.#displayName = displayName;
    this.#guest = this.#bridge.invite(this.#names.user(this.#remote), displayName);
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
      listen(stream, 'isAvailableChanged', () => this.#update(), controller.signal);
    }
  }

  /**
   * @param {PictureType} type
   * @param {AcsRemoteVideoStream | null} stream
   * @param {AbortSignal} signal
   */
  #followPicture(type, stream, signal) {
    this.#set(type, null);
    if (!stream) return;
    const follow = async (/** @type {() => void} */ succeeded) => {
      while (!signal.aborted) {
        const media = await stream.getMediaStream();
        if (signal.aborted) return;
        const [track] = media.getVideoTracks();
        if (track?.readyState !== 'live') throw new Error('its track has ended');
        this.#set(type, track);
        succeeded();
        await trackMayChange(media, track, signal);
      }
    };
    persist(follow, signal, (error) => {
      const who = this.#guest?.displayName ?? 'a participant';
      const what = `The ${PICTURES[type]} of ${who} is not available; retrying`;
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
 * Waits until the track may have been replaced, which the SDK does not report.
 * @param {MediaStream} media
 * @param {MediaStreamTrack} track
 * @param {AbortSignal} signal
 */
async function trackMayChange(media, track, signal) {
  const listening = new AbortController();
  await new Promise((resolve) => {
    const options = { signal: listening.signal };
    for (const event of ['ended', 'mute']) track.addEventListener(event, resolve, options);
    media.addEventListener('addtrack', resolve, options);
    signal.addEventListener('abort', resolve, options);
  });
  listening.abort();
}

// A call.

import { LocalMedia } from './call/local-media.js';
import { RemoteMedia } from './call/remote-media.js';
import { Emitter, emit } from './emitter.js';
import { CallingError, endReason, errorOf } from './errors.js';
import { userOf } from './identifier.js';
import { measureAll } from './wire/measure.js';

/** @import { CallOptions } from './call/options.js' */
/** @import { Updated } from './emitter.js' */
/** @import { CallEndReason } from './errors.js' */
/** @import { CommunicationUserKind, UserIdentifier } from './identifier.js' */
/** @import { LocalAudioStream } from './local-audio-stream.js' */
/** @import { LocalVideoStream } from './local-video-stream.js' */
/** @import { RemoteAudioStream } from './remote-audio-stream.js' */
/** @import { RemoteParticipant } from './remote-participant.js' */
/** @import { CallSession } from './wire/call-session.js' */

/**
 * @typedef {'None' | 'Connecting' | 'Ringing' | 'Connected' | 'LocalHold' | 'RemoteHold' |
 *   'InLobby' | 'EarlyMedia' | 'Disconnecting' | 'Disconnected'} CallState
 */

/** @typedef {{identifier?: CommunicationUserKind, displayName?: string}} CallerInfo */

/**
 * @typedef {object} CallEvents
 * @property {void} stateChanged
 * @property {void} idChanged
 * @property {void} isMutedChanged
 * @property {void} isIncomingAudioMutedChanged
 * @property {void} isScreenSharingOnChanged
 * @property {void} isLocalVideoStartedChanged
 * @property {Updated<RemoteParticipant>} remoteParticipantsUpdated
 * @property {Updated<LocalVideoStream>} localVideoStreamsUpdated
 * @property {Updated<LocalAudioStream>} localAudioStreamsUpdated
 * @property {Updated<RemoteAudioStream>} remoteAudioStreamsUpdated
 * @property {void} connectionChanged `reconnecting` is another.
 * @property {{error: CallingError, mediaType: 'Audio' | 'Video'}} mediaError A device cannot be
 *   had; the call goes on without.
 * @property {{error: CallingError}} trouble The server refuses something; the call goes on.
 */

/** @extends {Emitter<CallEvents & Record<string, any>>} */
export class Call extends Emitter {
  #session;
  #local;
  #remote;
  #direction;
  #callerInfo;
  /** @type {CallState} */
  #state = 'None';
  #id = '';
  #isHeld = false;
  #isIncomingAudioMuted = false;
  /** @type {readonly RemoteAudioStream[]} */
  #remoteAudioStreams = Object.freeze([]);
  /** @type {CallEndReason | undefined} */
  #callEndReason;

  /**
   * @internal
   * @param {CallSession} session
   * @param {'Incoming' | 'Outgoing'} direction
   * @param {CallerInfo} callerInfo
   * @param {CallOptions} [options]
   */
  constructor(session, direction, callerInfo, options) {
    super();
    this.#session = session;
    this.#direction = direction;
    this.#callerInfo = Object.freeze(callerInfo);
    this.#local = new LocalMedia(this, session, options);
    this.#remote = new RemoteMedia(session, (updated) => {
      emit(this, 'remoteParticipantsUpdated', updated);
    });
    session.on('state', () => this.#stateChanged());
    session.on('connection', () => emit(this, 'connectionChanged'));
    session.on('trouble', ({ code, message }) => {
      emit(this, 'trouble', { error: errorOf(code, message) });
    });
  }

  /** Its name at the server; empty until the server has given one. */
  get id() {
    return this.#id;
  }

  get state() {
    return this.#state;
  }

  /** Why it ended; undefined before. */
  get callEndReason() {
    return this.#callEndReason;
  }

  get direction() {
    return this.#direction;
  }

  /** Who calls, where the call is incoming. */
  get callerInfo() {
    return this.#callerInfo;
  }

  get isMuted() {
    return this.#local.isMuted;
  }

  /** Whether the page does not play what comes. */
  get isIncomingAudioMuted() {
    return this.#isIncomingAudioMuted;
  }

  get isScreenSharingOn() {
    return this.#local.isOn('screen');
  }

  get isLocalVideoStarted() {
    return this.#local.isOn('video');
  }

  /** The camera, or what stands for it, and the screen share; those being opened, too. */
  get localVideoStreams() {
    return this.#local.videoStreams;
  }

  get localAudioStreams() {
    return this.#local.audioStreams;
  }

  /** One stream with the sound of all others, from Connected on. */
  get remoteAudioStreams() {
    return this.#remoteAudioStreams;
  }

  /** The others, those who are being rung included. */
  get remoteParticipants() {
    return this.#remote.participants;
  }

  /** The connection to the server is lost and tried again; media goes on. */
  get reconnecting() {
    return this.#session.reconnecting;
  }

  // ---- Sound

  /** Sends no sound until `unmute`. */
  async mute() {
    this.#local.mute();
  }

  /** Rejected, and still muted, where the microphone cannot be had. */
  async unmute() {
    await this.#local.unmute();
  }

  /** What comes is played no more; what RemoteAudioStream gives goes on. */
  async muteIncomingAudio() {
    this.#setIncomingAudioMuted(true);
  }

  async unmuteIncomingAudio() {
    this.#setIncomingAudioMuted(false);
  }

  /**
   * Sends this as our sound, in place of what was sent before.
   * @param {LocalAudioStream} localAudioStream
   */
  async startAudio(localAudioStream) {
    await this.#local.start('audio', localAudioStream);
  }

  /**
   * Sends what the call began with: the microphone, or nothing where it began with a stream of the
   * application, which is never replaced by a device.
   */
  async stopAudio() {
    await this.#local.stopAudio();
  }

  // ---- Pictures

  /** @param {LocalVideoStream} localVideoStream */
  async startVideo(localVideoStream) {
    await this.#local.start('video', localVideoStream);
  }

  /** @param {LocalVideoStream} localVideoStream The one that was started. */
  async stopVideo(localVideoStream) {
    this.#local.stopVideo(localVideoStream);
  }

  /**
   * Without a stream, the browser asks the user which screen, window or tab it is.
   * @param {LocalVideoStream} [localVideoStream]
   */
  async startScreenSharing(localVideoStream) {
    await this.#local.startScreen(localVideoStream);
  }

  /**
   * Whatever is passed to it: there is one screen share.
   * @param {LocalVideoStream} [_localVideoStream]
   */
  async stopScreenSharing(_localVideoStream) {
    this.#local.stop('screen');
  }

  // ---- Agora's way

  /**
   * Sends these tracks of `AgoraRTC`: sound and video; with `screen`, the video is a screen share.
   * @param {unknown} tracks One, or an array.
   * @param {{screen?: boolean}} [options]
   */
  async publish(tracks, options) {
    await this.#local.publish([tracks].flat(), options);
  }

  /**
   * Sends these tracks no more.
   * @param {unknown} tracks One, or an array.
   */
  async unpublish(tracks) {
    this.#local.unpublish([tracks].flat());
  }

  // ---- The call

  /** Sends and receives nothing until `resume`. */
  async hold() {
    if (this.#state !== 'Connected') throw new CallingError(400, 'There is no call to hold.');
    this.#setHeld(true);
  }

  async resume() {
    if (this.#state !== 'LocalHold') throw new CallingError(400, 'The call is not held.');
    this.#setHeld(false);
  }

  /**
   * Calls somebody into the call.
   * @param {UserIdentifier} identifier
   * @returns {RemoteParticipant} who is Ringing
   */
  addParticipant(identifier) {
    const user = userOf(identifier);
    this.#session.invite([user]);
    return this.#remote.ring(user);
  }

  /**
   * Leaves; fulfilled at Disconnected. With `forEveryone` the call ends for the others, too;
   * rejected where the server does not allow that: the call goes on then.
   * @param {{forEveryone?: boolean}} [options]
   */
  async hangUp(options) {
    const session = this.#session;
    await new Promise((/** @type {(value: void) => void} */ resolve, reject) => {
      const state = () => session.state === 'disconnected' && done(resolve);
      const trouble = (/** @type {{code: string, message: string}} */ { code, message }) => {
        done(() => reject(errorOf(code, message)));
      };
      /** @param {() => void} settle */
      const done = (settle) => {
        session.off('state', state);
        session.off('trouble', trouble);
        settle();
      };
      session.on('state', state);
      session.on('trouble', trouble);
      try {
        session.leave(options);
        state();
      } catch (error) {
        done(() => reject(error));
      }
    });
  }

  /**
   * The browser's own measurements of each stream: `{participant, user, kind, direction, …}`.
   * `participant` is a `RemoteParticipant.id`, `kind` audio, video or screen, `direction` send or
   * receive.
   */
  async getStats() {
    return measureAll(this.#session.participants.values());
  }

  // ---- Inside

  #stateChanged() {
    const { state, name, endReason: message, endCode } = this.#session;
    if (name && name !== this.#id) {
      this.#id = name;
      emit(this, 'idChanged');
    }
    if (state === 'connected' && !this.#remoteAudioStreams.length) {
      this.#remoteAudioStreams = Object.freeze([this.#remote.audioStream]);
      emit(this, 'remoteAudioStreamsUpdated', { added: this.#remoteAudioStreams, removed: [] });
    }
    if (state === 'disconnected') this.#close(endReason(endCode, message));
    this.#setState();
  }

  #setState() {
    const { state: word } = this.#session;
    const isHeld = this.#isHeld && word === 'connected';
    const named = word[0].toUpperCase() + word.slice(1);
    const state = /** @type {CallState} */ (isHeld ? 'LocalHold' : named);
    if (state === this.#state) return;
    this.#state = state;
    emit(this, 'stateChanged');
  }

  /** @param {CallEndReason} reason */
  #close(reason) {
    this.#callEndReason = reason;
    this.#local.close();
    this.#remote.close();
    const removed = this.#remoteAudioStreams;
    this.#remoteAudioStreams = Object.freeze([]);
    if (removed.length) emit(this, 'remoteAudioStreamsUpdated', { added: [], removed });
  }

  /** @param {boolean} isMuted */
  #setIncomingAudioMuted(isMuted) {
    if (isMuted === this.#isIncomingAudioMuted) return;
    this.#isIncomingAudioMuted = isMuted;
    this.#remote.mute(isMuted || this.#isHeld);
    emit(this, 'isIncomingAudioMutedChanged');
  }

  /** @param {boolean} isHeld */
  #setHeld(isHeld) {
    this.#isHeld = isHeld;
    this.#local.hold(isHeld);
    this.#session.hold(isHeld);
    this.#remote.mute(isHeld || this.#isIncomingAudioMuted);
    this.#setState();
  }
}

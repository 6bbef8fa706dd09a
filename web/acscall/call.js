// A call.

import { DominantSpeakers } from './call/dominant-speakers.js';
import { EVENTS } from './call/events.js';
import { hangUp } from './call/hang-up.js';
import { LocalMedia } from './call/local-media.js';
import { RemoteMedia } from './call/remote-media.js';
import { changed, infoOf } from './call-info.js';
import { Emitter, emit } from './emitter.js';
import { CallingError, endReason, errorOf } from './errors.js';
import { featuresOf, unsupported } from './features.js';
import { userOf } from './identifier.js';
import { proxyable, unwrap } from './proxies.js';
import { measureAll } from './wire/measure.js';

/** @import { CallEvents } from './call/events.js' */
/** @import { CallConstraints, CallOptions } from './call/options.js' */
/** @import { FeatureFactory } from './features.js' */
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

/** @extends {Emitter<CallEvents>} */
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
  #info;
  /** @type {string | undefined} */
  #participantId;
  #lobby = unsupported('Call.lobby', { participants: Object.freeze([]) });
  #features = featuresOf({ DominantSpeakers: () => new DominantSpeakers(this) });

  static {
    proxyable(this);
  }

  /**
   * @internal
   * @param {CallSession} session
   * @param {'Incoming' | 'Outgoing'} direction
   * @param {CallerInfo} callerInfo
   * @param {CallOptions} [options]
   */
  constructor(session, direction, callerInfo, options) {
    super(EVENTS);
    this.#session = session;
    this.#direction = direction;
    this.#callerInfo = Object.freeze(callerInfo);
    this.#info = infoOf(() => session);
    this.#local = new LocalMedia(this, session, options);
    this.#remote = new RemoteMedia(session, (updated) => {
      emit(this, 'remoteParticipantsUpdated', updated);
    });
    session.on('state', () => this.#stateChanged());
    session.on('connection', () => emit(this, 'connectionChanged'));
    session.on('error', ({ code, message }) => {
      emit(this, 'trouble', { error: errorOf(code, message) });
    });
  }

  /** The call's name on the server; empty until the server has assigned one. */
  get id() {
    return this.#id;
  }

  /** @type {'Call'} */
  get kind() {
    return 'Call';
  }

  get info() {
    return this.#info;
  }

  get state() {
    return this.#state;
  }

  /** Why the call ended; undefined while it lasts. */
  get callEndReason() {
    return this.#callEndReason;
  }

  get direction() {
    return this.#direction;
  }

  /** The caller of an incoming call. */
  get callerInfo() {
    return this.#callerInfo;
  }

  /** Always the same: there are no roles. @type {'Unknown'} */
  get role() {
    return 'Unknown';
  }

  /** An empty one: there is none. */
  get lobby() {
    return this.#lobby;
  }

  get isMuted() {
    return this.#local.isMuted;
  }

  /** Whether the page plays no sound of the call. */
  get isIncomingAudioMuted() {
    return this.#isIncomingAudioMuted;
  }

  get isScreenSharingOn() {
    return this.#local.isOn('screen');
  }

  get isLocalVideoStarted() {
    return this.#local.isOn('video');
  }

  /** The camera (or its replacement) and the screen share, including those still opening. */
  get localVideoStreams() {
    return this.#local.videoStreams;
  }

  get localAudioStreams() {
    return this.#local.audioStreams;
  }

  /** From Connected on, one stream with the sound of all other participants. */
  get remoteAudioStreams() {
    return this.#remoteAudioStreams;
  }

  /** The other participants, including users who are being rung. */
  get remoteParticipants() {
    return this.#remote.participants;
  }

  /** Whether the connection to the server is lost and being restored; media continues. */
  get reconnecting() {
    return this.#session.reconnecting;
  }

  // ---- Sound

  /** Sends no sound until `unmute`. */
  async mute() {
    this.#local.mute();
  }

  /** Rejects, and stays muted, if the microphone cannot be opened. */
  async unmute() {
    await this.#local.unmute();
  }

  /** Stops playing the sound of the call; the streams of RemoteAudioStream continue. */
  async muteIncomingAudio() {
    this.#setIncomingAudioMuted(true);
  }

  async unmuteIncomingAudio() {
    this.#setIncomingAudioMuted(false);
  }

  /**
   * Sends this stream as our sound, replacing the current one.
   * @param {LocalAudioStream} localAudioStream
   */
  async startAudio(localAudioStream) {
    await this.#local.start('audio', unwrap(localAudioStream));
  }

  /**
   * Goes back to what the call began with: the microphone, or silence if it began with a stream of
   * the application. A device never replaces such a stream.
   */
  async stopAudio() {
    await this.#local.stopAudio();
  }

  // ---- Pictures

  /** @param {LocalVideoStream} localVideoStream */
  async startVideo(localVideoStream) {
    await this.#local.start('video', unwrap(localVideoStream));
  }

  /** @param {LocalVideoStream} localVideoStream The stream that was started. */
  async stopVideo(localVideoStream) {
    this.#local.stopVideo(unwrap(localVideoStream));
  }

  /**
   * Without a stream, the browser lets the user choose a screen, window or tab.
   * @param {LocalVideoStream} [localVideoStream]
   */
  async startScreenSharing(localVideoStream) {
    await this.#local.startScreen(unwrap(localVideoStream));
  }

  /**
   * Stops the screen share. There is only one, so the argument is ignored.
   * @param {LocalVideoStream} [_localVideoStream]
   */
  async stopScreenSharing(_localVideoStream) {
    this.#local.stop('screen');
  }

  /**
   * Limits the sent video of the camera. 0 removes a limit; those left out stay.
   * @param {CallConstraints} constraints
   */
  async setConstraints(constraints) {
    this.#local.setConstraints(constraints?.video);
  }

  // ---- Agora's API

  /**
   * Sends tracks of `AgoraRTC`, audio and video; with `screen`, the video is a screen share.
   * @param {unknown} tracks A track, or an array of tracks.
   * @param {{screen?: boolean} | null} [options]
   */
  async publish(tracks, options) {
    await this.#local.publish([tracks].flat().map(unwrap), options);
  }

  /**
   * Stops sending these tracks.
   * @param {unknown} tracks A track, or an array of tracks.
   */
  async unpublish(tracks) {
    this.#local.unpublish([tracks].flat().map(unwrap));
  }

  // ---- The call

  /** Sends and receives nothing until `resume`. */
  async hold() {
    if (this.#state !== 'Connected') throw new CallingError(400, 'The call is not connected.');
    this.#setHeld(true);
  }

  async resume() {
    if (this.#state !== 'LocalHold') throw new CallingError(400, 'The call is not on hold.');
    this.#setHeld(false);
  }

  /**
   * Invites another user to the call.
   * @param {UserIdentifier} identifier
   * @returns {RemoteParticipant} The participant, in the state Ringing.
   */
  addParticipant(identifier) {
    const user = userOf(identifier);
    this.#session.invite([user]);
    return this.#remote.addRinging(user);
  }

  /**
   * Always rejects: the server cannot remove participants.
   * @param {UserIdentifier} _identifier
   */
  async removeParticipant(_identifier) {
    throw new CallingError(400, 'acscall.js cannot remove participants.');
  }

  /** Always rejects: participants mute themselves. */
  async muteAllRemoteParticipants() {
    throw new CallingError(400, 'acscall.js cannot mute others.');
  }

  /**
   * Returns one of the `Features` of the calling SDK, created once. What is not supported says so
   * when a method is called.
   * @param {FeatureFactory} factory
   */
  feature(factory) {
    return this.#features(factory);
  }

  /**
   * Leaves the call; fulfilled at Disconnected. `forEveryone` ends the call for all participants;
   * if the server does not allow that, the promise rejects and the call goes on.
   * @param {{forEveryone?: boolean} | null} [options]
   */
  async hangUp(options) {
    await hangUp(this.#session, options ?? {});
  }

  /**
   * Returns the browser's statistics for each stream: `{participant, user, kind, direction, …}`.
   * `participant` is a `RemoteParticipant.id`, `kind` is audio, video or screen, and `direction` is
   * send or receive.
   */
  async getStats() {
    return measureAll(this.#session.participants.values());
  }

  // ---- Internals

  #stateChanged() {
    const { state, name, endReason: message, endCode } = this.#session;
    if (name && name !== this.#id) {
      this.#id = name;
      emit(this, 'idChanged');
    }
    if (this.#session.id !== this.#participantId) {
      this.#participantId = this.#session.id;
      changed(this.#info);
    }
    if (state === 'connected' && !this.#remoteAudioStreams.length) {
      this.#remoteAudioStreams = Object.freeze([this.#remote.audioStream]);
      emit(this, 'remoteAudioStreamsUpdated', { added: this.#remoteAudioStreams, removed: [] });
    }
    if (state === 'disconnected') this.#close(endReason(endCode, message));
    this.#setState();
  }

  #setState() {
    const { state: sessionState } = this.#session;
    const isHeld = this.#isHeld && sessionState === 'connected';
    const named = sessionState[0].toUpperCase() + sessionState.slice(1);
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

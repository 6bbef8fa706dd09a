// Another participant in a call.

import { Emitter, emit } from './emitter.js';
import { CallingError } from './errors.js';
import { identifierOf } from './identifier.js';
import { meter } from './meter.js';
import { proxyable } from './proxies.js';
import { RemoteAudioStream } from './remote-audio-stream.js';
import { RemoteVideoStream, observeVideo, updateVideo } from './remote-video-stream.js';

/** @import { Updated } from './emitter.js' */
/** @import { CallEndReason } from './errors.js' */
/** @import { RemoteSound } from './remote-sound.js' */
/** @import { Participant } from './wire/participant.js' */

/**
 * @typedef {'Idle' | 'Connecting' | 'Ringing' | 'Connected' | 'Hold' | 'InLobby' | 'EarlyMedia' |
 *   'Disconnected'} RemoteParticipantState
 */

/** The volume above which sound counts as speech, from 0 to 1: -40 dB. */
const SPEECH_LEVEL = 0.01;

/** How long a pause between words may be, in milliseconds. */
const MAX_PAUSE = 600;

/**
 * Updates a participant, or turns a user who was rung into one.
 * @type {(participant: RemoteParticipant, wire: Participant) => void}
 */
export let update;

/** @type {(participant: RemoteParticipant, reason: CallEndReason) => void} */
export let disconnect;

/**
 * Measures what has been received from a participant.
 * @type {(participant: RemoteParticipant) => Promise<void>}
 */
export let observe;

/** @type {(participant: RemoteParticipant) => number} Returns the volume, from 0 to 1. */
export let loudness;

/**
 * `videoStreamsUpdated` and `roleChanged` are never emitted; they are for code written for ACS.
 * @extends {Emitter<{stateChanged: void, isMutedChanged: void, isSpeakingChanged: void,
 *   displayNameChanged: void, videoStreamsUpdated: Updated<RemoteVideoStream>,
 *   roleChanged: void}>}
 */
export class RemoteParticipant extends Emitter {
  /** @type {RemoteParticipantState} */
  #state = 'Ringing';
  #user;
  #sound;
  /** @type {Participant | null} */
  #wire = null;
  #displayName;
  #isMuted = true;
  #isSpeaking = false;
  #loudness = 0;
  #heard = -Infinity;
  #energy = 0;
  #duration = 0;
  /** @type {CallEndReason | undefined} */
  #callEndReason;
  #video = new RemoteVideoStream('Video', (is) => this.#wire?.want('video', is));
  #screen = new RemoteVideoStream('ScreenSharing', (is) => this.#wire?.want('screen', is));
  #videoStreams = Object.freeze([this.#video, this.#screen]);
  #audioStream = new RemoteAudioStream(
    () => this.#openSound(),
    () => this.#loudness,
  );

  static {
    proxyable(this);
    update = (participant, wire) => participant.#update(wire);
    disconnect = (participant, reason) => participant.#disconnect(reason);
    observe = (participant) => participant.#observe();
    loudness = (participant) => participant.#loudness;
  }

  /**
   * Starts as a user who is being rung.
   * @internal
   * @param {string} user
   * @param {RemoteSound} sound
   */
  constructor(user, sound) {
    super([
      'stateChanged',
      'isMutedChanged',
      'isSpeakingChanged',
      'displayNameChanged',
      'videoStreamsUpdated',
      'roleChanged',
    ]);
    this.#user = user;
    this.#displayName = user;
    this.#sound = sound;
  }

  /** The id of its session in the call (a user may have several); empty while it is rung. */
  get id() {
    return this.#wire?.id ?? '';
  }

  /** Its one session, as the calling SDK names it. */
  get endpointDetails() {
    return [{ participantId: this.id }];
  }

  /** Always the same: there are no roles. @type {'Unknown'} */
  get role() {
    return 'Unknown';
  }

  get identifier() {
    return identifierOf(this.#user);
  }

  /** The name to show; the user if it has no other. */
  get displayName() {
    return this.#displayName;
  }

  /** `Connecting` also stands for a lost participant that may come back. */
  get state() {
    return this.#state;
  }

  /** Why the participant left the call. */
  get callEndReason() {
    return this.#callEndReason;
  }

  /** Its camera and its screen. Both always exist and say whether they are available. */
  get videoStreams() {
    return this.#videoStreams;
  }

  /** The sound of this participant only. */
  get audioStream() {
    return this.#audioStream;
  }

  get isMuted() {
    return this.#isMuted;
  }

  /** Always rejects: participants mute themselves. */
  async mute() {
    throw new CallingError(400, 'acscall.js cannot mute others.');
  }

  get isSpeaking() {
    return this.#isSpeaking;
  }

  /** @param {Participant} wire */
  #update(wire) {
    this.#wire = wire;
    this.#setState(wire.isReached && wire.connected ? 'Connected' : 'Connecting');
    this.#sound.set(this, wire.track('audio'));
    this.#setMuted(!wire.media.has('audio'));
    if (wire.name !== this.#displayName) {
      this.#displayName = wire.name;
      emit(this, 'displayNameChanged');
    }
    for (const [stream, kind] of this.#pictures()) {
      const isAvailable = wire.media.has(kind);
      updateVideo(stream, { isAvailable, track: wire.track(kind), receiver: wire.receiver(kind) });
    }
  }

  /** @param {CallEndReason} reason */
  #disconnect(reason) {
    this.#callEndReason = reason;
    this.#sound.remove(this);
    for (const [stream] of this.#pictures()) {
      updateVideo(stream, { isAvailable: false, track: null, receiver: undefined });
    }
    this.#setMuted(true);
    this.#setState('Disconnected');
  }

  async #observe() {
    for (const [stream] of this.#pictures()) observeVideo(stream);
    const receiver = this.#isMuted ? undefined : this.#wire?.receiver('audio');
    this.#loudness = receiver ? await this.#measure(receiver) : 0;
    const now = performance.now();
    if (this.#loudness > SPEECH_LEVEL) this.#heard = now;
    this.#setSpeaking(!this.#isMuted && now - this.#heard < MAX_PAUSE);
  }

  /**
   * Returns the volume since the last call.
   * @param {RTCRtpReceiver} receiver
   */
  async #measure(receiver) {
    // Chromium measures after the volume control, so a muted element would measure silence.
    if (this.#sound.isMuted) return meter(this.#openSound()).level / 100;
    for (const report of (await receiver.getStats()).values()) {
      if (report.type !== 'inbound-rtp') continue;
      const { totalAudioEnergy = 0, totalSamplesDuration = 0 } = report;
      const duration = totalSamplesDuration - this.#duration;
      const energy = totalAudioEnergy - this.#energy;
      this.#energy = totalAudioEnergy;
      this.#duration = totalSamplesDuration;
      return duration > 0 && energy > 0 ? Math.sqrt(energy / duration) : 0;
    }
    return 0;
  }

  #openSound() {
    if (this.#state !== 'Disconnected') return this.#sound.streamOf(this);
    throw new CallingError(404, 'The participant has left.');
  }

  /** @returns {[RemoteVideoStream, 'video' | 'screen'][]} */
  #pictures() {
    return [
      [this.#video, 'video'],
      [this.#screen, 'screen'],
    ];
  }

  /** @param {RemoteParticipantState} state */
  #setState(state) {
    if (state === this.#state) return;
    this.#state = state;
    emit(this, 'stateChanged');
  }

  /** @param {boolean} isMuted */
  #setMuted(isMuted) {
    if (isMuted !== this.#isMuted) {
      this.#isMuted = isMuted;
      emit(this, 'isMutedChanged');
    }
    if (isMuted) this.#setSpeaking(false);
  }

  /** @param {boolean} isSpeaking */
  #setSpeaking(isSpeaking) {
    if (isSpeaking === this.#isSpeaking) return;
    this.#isSpeaking = isSpeaking;
    emit(this, 'isSpeakingChanged');
  }
}

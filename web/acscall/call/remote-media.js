// The other participants of a call, from the server's messages.

import { endReason } from '../errors.js';
import { RemoteAudioStream } from '../remote-audio-stream.js';
import { RemoteParticipant, disconnect, loudness, observe, update } from '../remote-participant.js';
import { RemoteSound } from '../remote-sound.js';

/** @import { Updated } from '../emitter.js' */
/** @import { CallSession } from '../wire/call-session.js' */

/** How often the media from the others is checked, in milliseconds. */
const PERIOD = 200;

/** The outcome of an invitation. @type {Record<string, string>} */
const REASONS = {
  declined: 'declined',
  busy: 'is in another call',
  'no-answer': 'did not answer',
  unknown: 'cannot be called: nobody is waiting for calls under that name',
};

export class RemoteMedia {
  #session;
  #changed;
  /** The participants by id. @type {Map<string, RemoteParticipant>} */
  #byId = new Map();
  /** The users being rung, by name. @type {Map<string, RemoteParticipant>} */
  #ringing = new Map();
  #timer = 0;
  #sound = new RemoteSound();
  /** @type {readonly RemoteParticipant[]} */
  participants = Object.freeze([]);
  /** The mixed sound of all participants. */
  audioStream = new RemoteAudioStream(
    () => this.#sound.mixed(),
    () => Math.max(0, ...this.participants.map(loudness)),
  );

  /**
   * @param {CallSession} session
   * @param {(updated: Updated<RemoteParticipant>) => void} changed Called when the participants
   *   have changed.
   */
  constructor(session, changed) {
    this.#session = session;
    this.#changed = changed;
    session.on('change', () => this.#update());
    session.on('callee', ({ user, state, message }) => {
      // Before the `change` event, whose handler removes it.
      const participant = this.#ringing.get(user);
      if (!participant || state === 'ringing' || state === 'accepted') return;
      this.#ringing.delete(user);
      disconnect(participant, endReason(state, message ?? `${user} ${REASONS[state] ?? state}.`));
    });
    this.#update();
    this.#timer = setInterval(() => this.#observe(), PERIOD);
  }

  /**
   * Adds a user who is being rung, before the server confirms it.
   * @param {string} user
   */
  addRinging(user) {
    const participant = this.#ringing.get(user) ?? new RemoteParticipant(user, this.#sound);
    this.#ringing.set(user, participant);
    return participant;
  }

  /** @param {boolean} isMuted */
  mute(isMuted) {
    this.#sound.mute(isMuted);
  }

  close() {
    clearInterval(this.#timer);
    this.#update();
    this.#sound.close();
  }

  #update() {
    const { participants, ringing } = this.#session;
    const before = this.participants;
    /** @type {RemoteParticipant[]} */
    const now = [];
    for (const wire of participants.values()) {
      const participant = this.#byId.get(wire.id) ?? this.#take(wire.user);
      this.#byId.set(wire.id, participant);
      now.push(participant);
    }
    for (const user of ringing) now.push(this.addRinging(user));
    const participantsNow = Object.freeze(now);
    this.participants = participantsNow;
    for (const wire of participants.values()) {
      const participant = this.#byId.get(wire.id);
      if (participant) update(participant, wire);
    }
    this.#forget(this.#byId, participants.keys());
    this.#forget(this.#ringing, ringing);
    // The call may have ended in a listener.
    if (this.participants !== participantsNow) return;
    const added = now.filter((participant) => !before.includes(participant));
    const removed = before.filter((participant) => !now.includes(participant));
    if (added.length || removed.length) this.#changed({ added, removed });
  }

  #observe() {
    for (const participant of this.participants) observe(participant).catch(console.debug);
  }

  /**
   * Returns the participant for a session of `user`: the ringing one, if there is one.
   * @param {string} user
   */
  #take(user) {
    const participant = this.addRinging(user);
    this.#ringing.delete(user);
    return participant;
  }

  /**
   * @param {Map<string, RemoteParticipant>} known
   * @param {Iterable<string>} present
   */
  #forget(known, present) {
    const keys = new Set(present);
    for (const [key, participant] of known) {
      if (keys.has(key)) continue;
      known.delete(key);
      disconnect(participant, endReason(this.#session.endCode, this.#session.endReason));
    }
  }
}

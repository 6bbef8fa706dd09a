// The others in a call, as the server tells of them.

import { endReason } from '../errors.js';
import { RemoteAudioStream } from '../remote-audio-stream.js';
import { RemoteParticipant, disconnect, loudness, observe, update } from '../remote-participant.js';
import { RemoteSound } from '../remote-sound.js';

/** @import { Updated } from '../emitter.js' */
/** @import { CallSession } from '../wire/call-session.js' */

/** How often it is looked at what comes from the others, in milliseconds. */
const PERIOD = 200;

/** What became of those who were called. @type {Record<string, string>} */
const REASONS = {
  declined: 'declined',
  busy: 'is in another call',
  'no-answer': 'did not answer',
  unknown: 'cannot be called just now: nobody waits for calls under that name',
};

export class RemoteMedia {
  #session;
  #changed;
  /** By id; those that are rung by user. @type {Map<string, RemoteParticipant>} */
  #byId = new Map();
  /** @type {Map<string, RemoteParticipant>} */
  #rung = new Map();
  #timer = 0;
  #sound = new RemoteSound();
  /** @type {readonly RemoteParticipant[]} */
  participants = Object.freeze([]);
  /** All that comes, mixed. */
  audioStream = new RemoteAudioStream(
    () => this.#sound.mixed(),
    () => Math.max(0, ...this.participants.map(loudness)),
  );

  /**
   * @param {CallSession} session
   * @param {(updated: Updated<RemoteParticipant>) => void} changed There are others than before.
   */
  constructor(session, changed) {
    this.#session = session;
    this.#changed = changed;
    session.on('change', () => this.#update());
    session.on('callee', ({ user, state, message }) => {
      // Before `change`, which removes it.
      const participant = this.#rung.get(user);
      if (!participant || state === 'ringing' || state === 'accepted') return;
      this.#rung.delete(user);
      disconnect(participant, endReason(state, message ?? `${user} ${REASONS[state] ?? state}.`));
    });
    this.#update();
    this.#timer = setInterval(() => this.#observe(), PERIOD);
  }

  /**
   * Somebody who is rung from now on, before the server says so.
   * @param {string} user
   */
  ring(user) {
    const participant = this.#rung.get(user) ?? new RemoteParticipant(user, this.#sound);
    this.#rung.set(user, participant);
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
    for (const user of ringing) now.push(this.ring(user));
    const participantsNow = Object.freeze(now);
    this.participants = participantsNow;
    for (const wire of participants.values()) {
      const participant = this.#byId.get(wire.id);
      if (participant) update(participant, wire);
    }
    this.#forget(this.#byId, participants.keys());
    this.#forget(this.#rung, ringing);
    // A listener may have ended the call.
    if (this.participants !== participantsNow) return;
    const added = now.filter((participant) => !before.includes(participant));
    const removed = before.filter((participant) => !now.includes(participant));
    if (added.length || removed.length) this.#changed({ added, removed });
  }

  #observe() {
    for (const participant of this.participants) observe(participant).catch(console.debug);
  }

  /**
   * The participant for a session of `user`: the one that was rung, if there is one.
   * @param {string} user
   */
  #take(user) {
    const participant = this.ring(user);
    this.#rung.delete(user);
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

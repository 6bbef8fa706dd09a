// A session in a call, and a leg each way to every other participant.

import { CallingError } from '../errors.js';
import { Emitter, emit } from '../emitter.js';
import { KINDS } from './leg.js';
import { Participant } from './participant.js';
import { checkCallees } from './placing.js';
import { SILENCE } from './signalling.js';

/** @import { Roles } from '../call/options.js' */
/** @import { Encoding, Kind, Source } from './leg.js' */
/** @import { Host } from './participant.js' */
/** @import { Connection, Identity, Message } from './signalling.js' */

/** The server has this long, in milliseconds, to end the call for everybody. */
const FAREWELL = 2_000;

/**
 * @typedef {'none' | 'connecting' | 'ringing' | 'connected' | 'disconnecting' | 'disconnected'}
 *   SessionState
 */

/**
 * One session in one call; `Endpoint` makes it.
 *
 * - `state`
 * - `connection`: `reconnecting` is another
 * - `change`: participants, their streams or callees
 * - `callee`: how it stands with one who was called: the server's `CalleeState`, or the code of the
 *   error that says why it is not called
 * - `trouble`: something that the call survives
 *
 * @extends {Emitter<{state: void, connection: void, change: void,
 *   callee: {user: string, state: string, message?: string},
 *   trouble: {message: string, code: string}}>}
 */
export class CallSession extends Emitter {
  /** @type {Connection | null} */
  #connection = null;
  /** @type {Message} */
  #entry;
  /** What the server takes us back for. @type {object | null} */
  #resume = null;
  #legs = 0;
  #hasEntered = false;
  #farewell = 0;
  /** The kinds that the server was told of. */
  #told = '';
  /** Those of whom the server has not said yet how it stands with them. @type {Set<string>} */
  #invited;
  /** What we send. @type {Record<Kind, Source>} */
  #sources;
  /** @type {Host} */
  #host;

  /**
   * @param {Identity} identity
   * @param {Message} entry What to say to the server in order to get in: `join`, `place` or
   *   `accept`.
   * @param {Roles} [roles]
   */
  constructor({ user }, entry, roles = { sends: true, receives: true }) {
    super();
    this.#entry = entry;
    this.roles = roles;
    /** The call's name; null until the server has made one for a placed call. @type {string | null} */
    this.name = entry.call ?? null;
    this.user = user;
    /** @type {SessionState} */
    this.state = 'none';
    /** The connection to the server is lost and tried again; media goes on. */
    this.reconnecting = false;
    /** Why the call ended, for people; null when we left. @type {string | null} */
    this.endReason = null;
    /** The server's code for that, where it is one of its errors. @type {string | null} */
    this.endCode = null;
    /** The others, by id. @type {Map<string, Participant>} */
    this.participants = new Map();
    this.#invited = new Set(entry.callees);
    /** Those who are being rung, in the order in which they were called. @type {Set<string>} */
    this.ringing = new Set(entry.callees);
    /** Nothing is received. */
    this.isHeld = false;
    const nothing = { track: null, encoding: {} };
    this.#sources = { audio: nothing, video: nothing, screen: nothing };
    this.#host = this.#makeHost();
  }

  /**
   * Calls further users into it.
   * @param {string[]} users
   */
  invite(users) {
    checkCallees(users, this.user);
    if (!this.#canSpeak()) {
      throw new CallingError(503, 'The server is lost just now. Try it again in a while.');
    }
    for (const user of users) {
      this.#invited.add(user);
      this.ringing.add(user);
    }
    this.#send({ type: 'invite', users });
    emit(this, 'change');
  }

  /** Leaves, or ends it for the others, too, where the server allows that. */
  leave({ forEveryone = false } = {}) {
    if (!forEveryone || !this.#hasEntered || this.state === 'disconnected') return this.end(null);
    if (!this.#canSpeak()) {
      throw new CallingError(
        503,
        'The server is lost just now: the others cannot be told. Try it again in a while.',
      );
    }
    this.#setState('disconnecting');
    this.#send({ type: 'leave', forEveryone });
    this.#farewell = setTimeout(() => this.end(null), FAREWELL);
  }

  /**
   * Sends `track` as our stream of `kind`, or nothing.
   * @param {Kind} kind
   * @param {MediaStreamTrack | null} track
   * @param {Encoding} [encoding]
   */
  setTrack(kind, track, encoding = {}) {
    const now = this.#sources[kind];
    if (now.track === track && now.encoding === encoding) return;
    this.#sources[kind] = { track, encoding };
    this.#tellMedia();
    for (const participant of this.participants.values()) participant.feed();
  }

  /**
   * Has nothing sent to us.
   * @param {boolean} isHeld
   */
  hold(isHeld) {
    this.isHeld = isHeld;
    for (const participant of this.participants.values()) participant.ask();
  }

  // ---- Getting in: for Endpoint

  /** The server is being asked. */
  begin() {
    this.#setState('connecting');
  }

  /** What to say to the server in order to get in. */
  get entry() {
    return { ...this.#entry, ...this.#roles() };
  }

  /**
   * From now on `connection` is this call's.
   * @param {Connection} connection
   */
  use(connection) {
    this.#connection = connection;
    connection.owner = {
      welcomed: () => this.#enter(),
      received: (message) => this.#received(message),
      lost: (refusal) => this.#lost(refusal),
    };
  }

  /**
   * It is over. `reason` is for people; null when we wanted it.
   * @param {string | null} reason
   * @param {string | null} code
   */
  end(reason, code = null) {
    if (this.state === 'disconnected') return;
    clearTimeout(this.#farewell);
    if (this.state !== 'disconnecting') {
      this.#setState('disconnecting');
      this.#send({ type: 'leave' });
    }
    this.#connection?.close();
    this.#connection = null;
    for (const participant of this.participants.values()) participant.close();
    this.participants.clear();
    this.ringing.clear();
    this.reconnecting = false;
    this.endReason = reason;
    this.endCode = code;
    emit(this, 'change');
    this.#setState('disconnected');
  }

  // ---- The connection to the server

  #enter() {
    if (!this.#hasEntered) return this.#send(this.entry);
    const resume = this.#resume ?? undefined;
    this.#send({ type: 'join', call: this.name, ...this.#roles(), resume });
  }

  /** @param {Message | null} refusal */
  #lost(refusal) {
    if (this.state === 'disconnecting') return this.end(null);
    if (!this.#hasEntered) {
      const { message, code } = refusal ?? SILENCE;
      return this.end(message, code);
    }
    if (refusal?.code === 'bad-resume') {
      // The server has given our place up: come in again as somebody new.
      this.#resume = null;
      for (const participant of this.participants.values()) this.#remove(participant);
    } else if (refusal && refusal.code !== 'limit-exceeded') {
      return this.end(refusal.message, refusal.code);
    }
    this.#setReconnecting(true);
    this.#connection?.retry();
  }

  /** @param {Message} message */
  #send(message) {
    this.#connection?.send(message);
  }

  #canSpeak() {
    return this.#hasEntered && !this.reconnecting && Boolean(this.#connection?.isOpen);
  }

  /** @param {Message} message */
  #received(message) {
    switch (message.type) {
      case 'joined':
        return this.#joined(message);
      case 'participant':
        return this.#participant(message);
      case 'participant-left':
        return this.#remove(this.participants.get(message.participant));
      case 'callee':
        return this.#callee(message);
      case 'signal':
        return this.participants.get(message.from)?.signalled(message);
      case 'call-ended':
        return this.end(this.state === 'disconnecting' ? null : message.reason);
      case 'error':
        return this.#refused(message);
      default:
        // A later version's message.
        return undefined;
    }
  }

  /** @param {Message} message */
  #refused({ code, message }) {
    // Somebody left while we were still speaking to them.
    if (code === 'unknown-participant') return;
    if (!this.#hasEntered) return this.end(message, code);
    if (this.state === 'disconnecting') {
      // It is not ended for everybody, then.
      clearTimeout(this.#farewell);
      this.#setState('connected');
    }
    for (const user of this.#invited) this.#callee({ type: 'callee', user, state: code, message });
    emit(this, 'trouble', { message, code });
  }

  /** @param {Message} message */
  #joined({ call, resume, participants, ringing, iceServers }) {
    const isOther = this.#connection?.settled() ?? false;
    this.name = call;
    this.#resume = resume;
    this.#host.iceServers = iceServers ?? [];
    // What was said while there was no connection is lost.
    if (this.#hasEntered) this.#invited.clear();
    this.ringing = new Set([...(ringing ?? []), ...this.#invited]);
    const nobody = !participants.length && !this.ringing.size;
    if (isOther && this.state === 'ringing' && nobody) {
      return this.end('The server was started anew while it rang. Call again.', SILENCE.code);
    }
    const present = new Set(participants.map((/** @type {{id: string}} */ { id }) => id));
    for (const participant of this.participants.values()) {
      participant.reconnecting(isOther);
      if (present.has(participant.id)) continue;
      if (isOther) participant.miss();
      else this.#remove(participant);
    }
    const isFirst = !this.#hasEntered;
    this.#hasEntered = true;
    // Something may have come since getting in was asked for.
    this.#tellMedia();
    this.#setReconnecting(false);
    // Before the legs to those who are new.
    for (const participant of this.participants.values()) participant.reconnected();
    for (const participant of participants) this.#update(participant);
    emit(this, 'change');
    const isAlone = this.#entry.type === 'place' && !participants.length;
    if (isFirst) this.#setState(isAlone ? 'ringing' : 'connected');
    // Somebody may have accepted while there was no connection.
    else if (this.state === 'ringing' && participants.length) this.#setState('connected');
  }

  // ---- Participants

  /** @param {Message} told */
  #participant(told) {
    this.#update(told);
    emit(this, 'change');
    if (this.state === 'ringing') this.#setState('connected');
  }

  /** @param {Message} told */
  #update(told) {
    const participant = this.participants.get(told.id) ?? new Participant(told.id, this.#host);
    this.participants.set(told.id, participant);
    participant.update(told);
    this.ringing.delete(told.user);
  }

  /** @param {Participant | undefined} participant */
  #remove(participant) {
    if (!participant || !this.participants.delete(participant.id)) return;
    participant.close();
    emit(this, 'change');
  }

  /** @param {Message} message */
  #callee({ user, state, message }) {
    this.#invited.delete(user);
    if (state === 'ringing') this.ringing.add(user);
    // Whoever accepted is rung until the participant comes, which is the next that is told.
    else if (state !== 'accepted') this.ringing.delete(user);
    emit(this, 'callee', { user, state, message });
    emit(this, 'change');
  }

  /** @returns {Host} */
  #makeHost() {
    const session = this;
    return {
      iceServers: [],
      roles: session.roles,
      source: (kind) => session.#sources[kind],
      get isHeld() {
        return session.isHeld;
      },
      get isConnected() {
        return session.#canSpeak();
      },
      newLeg: () => ++session.#legs,
      send: (message) => session.#send(message),
      changed: () => emit(session, 'change'),
      missed: (participant) => session.#remove(participant),
    };
  }

  // ---- Own state

  #media() {
    return KINDS.filter((kind) => this.#sources[kind].track);
  }

  /** Tells what we have available, if it is not what the server was told last. */
  #tellMedia() {
    const kinds = this.#media();
    if (kinds.join() === this.#told || !this.#connection?.isOpen) return;
    this.#told = kinds.join();
    this.#send({ type: 'media', kinds });
  }

  #roles() {
    const media = this.#media();
    this.#told = media.join();
    return { ...this.roles, media };
  }

  /** @param {boolean} reconnecting */
  #setReconnecting(reconnecting) {
    if (this.reconnecting === reconnecting) return;
    this.reconnecting = reconnecting;
    emit(this, 'connection');
  }

  /** @param {SessionState} state */
  #setState(state) {
    if (this.state === state) return;
    this.state = state;
    emit(this, 'state');
  }
}

// A session in a call, with a leg in each direction to every other participant.

import { CallingError } from '../errors.js';
import { Emitter, emit } from '../emitter.js';
import { KINDS } from './leg.js';
import { Participant } from './participant.js';
import { UNREACHABLE_ERROR } from './signalling.js';
import { checkCallees } from './target.js';

/** @import { Roles } from '../call/options.js' */
/** @import { Encoding, Kind, Source } from './leg.js' */
/** @import { Context } from './participant.js' */
/** @import { Connection, Identity, Message } from './signalling.js' */

/** How long the server may take to end the call for everyone, in milliseconds. */
const END_TIMEOUT = 2_000;

const NOT_JOINED = 'The call is still connecting. Add participants once it rings or is connected.';

/**
 * @typedef {'none' | 'connecting' | 'ringing' | 'connected' | 'disconnecting' | 'disconnected'}
 *   SessionState
 */

/**
 * One session in one call, created by `Endpoint`.
 *
 * - `state`: `state` has changed
 * - `connection`: `reconnecting` has changed
 * - `change`: participants, their streams or callees have changed
 * - `callee`: the status of an invited user: the server's `CalleeState`, or the code of the error
 *   that prevented the invitation
 * - `error`: an error that does not end the call
 *
 * @extends {Emitter<{state: void, connection: void, change: void,
 *   callee: {user: string, state: string, message?: string},
 *   error: {message: string, code: string}}>}
 */
export class CallSession extends Emitter {
  /** @type {Connection | null} */
  #connection = null;
  /** @type {Message} */
  #joinMessage;
  /** The credential that resumes this session. @type {{participant: string} | null} */
  #resume = null;
  #legs = 0;
  #hasJoined = false;
  #endTimer = 0;
  /** The kinds last announced to the server. */
  #announced = '';
  /** The invited users whose status the server has not reported yet. @type {Set<string>} */
  #invited;
  /** What we send. @type {Record<Kind, Source>} */
  #sources;
  /** @type {Context} */
  #context;

  /**
   * @param {Identity} identity
   * @param {Message} joinMessage The message that joins the call: `join`, `place` or `accept`.
   * @param {Roles} [roles]
   */
  constructor({ user }, joinMessage, roles = { sends: true, receives: true }) {
    super();
    this.#joinMessage = joinMessage;
    this.roles = roles;
    /** The call's name; null until the server has named a placed call. @type {string | null} */
    this.name = joinMessage.call ?? null;
    this.user = user;
    /** @type {SessionState} */
    this.state = 'none';
    /** Whether the connection to the server is lost and being restored; media continues. */
    this.reconnecting = false;
    /** Why the call ended, for people; null if we left. @type {string | null} */
    this.endReason = null;
    /** The server's error code, if an error ended the call. @type {string | null} */
    this.endCode = null;
    /** The other participants, by id. @type {Map<string, Participant>} */
    this.participants = new Map();
    this.#invited = new Set(joinMessage.callees);
    /** The users being rung, in the order of their invitation. @type {Set<string>} */
    this.ringing = new Set(joinMessage.callees);
    /** Whether the call is on hold, which receives nothing. */
    this.isHeld = false;
    const nothing = { track: null, encoding: {} };
    this.#sources = { audio: nothing, video: nothing, screen: nothing };
    this.#context = this.#makeContext();
  }

  /**
   * Invites more users to the call.
   * @param {string[]} users
   */
  invite(users) {
    checkCallees(users, this.user);
    if (this.state === 'disconnected') throw new CallingError(400, 'The call is over.');
    if (!this.#hasJoined) throw new CallingError(400, NOT_JOINED);
    if (!this.#canSend()) {
      throw new CallingError(503, 'The server cannot be reached just now. Try again later.');
    }
    for (const user of users) {
      this.#invited.add(user);
      this.ringing.add(user);
    }
    this.#send({ type: 'invite', users });
    emit(this, 'change');
  }

  /** Leaves the call, or ends it for everyone if the server allows that. */
  leave({ forEveryone = false } = {}) {
    if (!forEveryone || !this.#hasJoined || this.state === 'disconnected') return this.end(null);
    if (!this.#canSend()) {
      throw new CallingError(
        503,
        'The server cannot be reached, so the call cannot end for everyone. Try again later.',
      );
    }
    this.#setState('disconnecting');
    this.#send({ type: 'leave', forEveryone });
    this.#endTimer = setTimeout(() => this.end(null), END_TIMEOUT);
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
    this.#announceMedia();
    for (const participant of this.participants.values()) participant.updateTracks();
  }

  /**
   * Stops or resumes receiving.
   * @param {boolean} isHeld
   */
  hold(isHeld) {
    this.isHeld = isHeld;
    for (const participant of this.participants.values()) participant.updateWants();
  }

  // ---- Joining, for Endpoint

  /** Starts connecting. */
  begin() {
    this.#setState('connecting');
  }

  /** The id of this session in the call; undefined before it has joined. */
  get id() {
    return this.#resume?.participant;
  }

  /** The message that joins the call. */
  get joinMessage() {
    return { ...this.#joinMessage, ...this.#announceRoles() };
  }

  /**
   * Hands `connection` over to this call.
   * @param {Connection} connection
   */
  attach(connection) {
    this.#connection = connection;
    connection.owner = {
      welcomed: () => this.#join(),
      received: (message) => this.#handleMessage(message),
      lost: (rejection) => this.#handleLost(rejection),
    };
  }

  /**
   * Ends the session. `reason` is for people; null if we left.
   * @param {string | null} reason
   * @param {string | null} code
   */
  end(reason, code = null) {
    if (this.state === 'disconnected') return;
    clearTimeout(this.#endTimer);
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

  #join() {
    if (!this.#hasJoined) return this.#send(this.joinMessage);
    const resume = this.#resume ?? undefined;
    this.#send({ type: 'join', call: this.name, ...this.#announceRoles(), resume });
  }

  /** @param {Message | null} rejection */
  #handleLost(rejection) {
    if (this.state === 'disconnecting') return this.end(null);
    if (!this.#hasJoined) {
      const { message, code } = rejection ?? UNREACHABLE_ERROR;
      return this.end(message, code);
    }
    if (rejection?.code === 'bad-resume') {
      // The server has forgotten this session: join as a new one.
      this.#resume = null;
      for (const participant of this.participants.values()) this.#remove(participant);
    } else if (rejection && rejection.code !== 'limit-exceeded') {
      return this.end(rejection.message, rejection.code);
    }
    this.#setReconnecting(true);
    this.#connection?.retry();
  }

  /** @param {Message} message */
  #send(message) {
    this.#connection?.send(message);
  }

  #canSend() {
    return this.#hasJoined && !this.reconnecting && Boolean(this.#connection?.isOpen);
  }

  /** @param {Message} message */
  #handleMessage(message) {
    switch (message.type) {
      case 'joined':
        return this.#handleJoined(message);
      case 'participant':
        return this.#handleParticipant(message);
      case 'participant-left':
        return this.#remove(this.participants.get(message.participant));
      case 'callee':
        return this.#handleCallee(message);
      case 'signal':
        return this.participants.get(message.from)?.handleSignal(message);
      case 'call-ended':
        return this.end(this.state === 'disconnecting' ? null : message.reason);
      case 'error':
        return this.#handleError(message);
      default:
        // A message of a later version.
        return undefined;
    }
  }

  /** @param {Message} message */
  #handleError({ code, message }) {
    // A participant left while a message to it was on its way.
    if (code === 'unknown-participant') return;
    if (!this.#hasJoined) return this.end(message, code);
    if (this.state === 'disconnecting') {
      // The server did not allow the end for everyone.
      clearTimeout(this.#endTimer);
      this.#setState('connected');
    }
    for (const user of this.#invited) {
      this.#handleCallee({ type: 'callee', user, state: code, message });
    }
    emit(this, 'error', { message, code });
  }

  /** @param {Message} message */
  #handleJoined({ call, resume, participants, ringing, iceServers }) {
    const isOther = this.#connection?.confirm() ?? false;
    this.name = call;
    this.#resume = resume;
    this.#context.iceServers = iceServers ?? [];
    // Messages sent while there was no connection are lost.
    if (this.#hasJoined) this.#invited.clear();
    this.ringing = new Set([...(ringing ?? []), ...this.#invited]);
    const nobody = !participants.length && !this.ringing.size;
    if (isOther && this.state === 'ringing' && nobody) {
      const message = 'The server restarted while the call rang. Call again.';
      return this.end(message, UNREACHABLE_ERROR.code);
    }
    const present = new Set(participants.map((/** @type {{id: string}} */ { id }) => id));
    for (const participant of this.participants.values()) {
      participant.reconnecting(isOther);
      if (present.has(participant.id)) continue;
      if (isOther) participant.awaitReturn();
      else this.#remove(participant);
    }
    const isFirst = !this.#hasJoined;
    this.#hasJoined = true;
    // Media may have changed since the join message.
    this.#announceMedia();
    this.#setReconnecting(false);
    // Before the legs to new participants.
    for (const participant of this.participants.values()) participant.reconnected();
    for (const participant of participants) this.#update(participant);
    emit(this, 'change');
    const isAlone = this.#joinMessage.type === 'place' && !participants.length;
    if (isFirst) this.#setState(isAlone ? 'ringing' : 'connected');
    // A callee may have accepted while there was no connection.
    else if (this.state === 'ringing' && participants.length) this.#setState('connected');
  }

  // ---- Participants

  /** @param {Message} message */
  #handleParticipant(message) {
    this.#update(message);
    emit(this, 'change');
    if (this.state === 'ringing') this.#setState('connected');
  }

  /** @param {Message} message */
  #update(message) {
    const { id, user } = message;
    const participant = this.participants.get(id) ?? new Participant(id, this.#context);
    this.participants.set(id, participant);
    participant.update(message);
    this.ringing.delete(user);
  }

  /** @param {Participant | undefined} participant */
  #remove(participant) {
    if (!participant || !this.participants.delete(participant.id)) return;
    participant.close();
    emit(this, 'change');
  }

  /** @param {Message} message */
  #handleCallee({ user, state, message }) {
    this.#invited.delete(user);
    if (state === 'ringing') this.ringing.add(user);
    // A callee that accepted keeps ringing until its participant arrives, in the next message.
    else if (state !== 'accepted') this.ringing.delete(user);
    emit(this, 'callee', { user, state, message });
    emit(this, 'change');
  }

  /** @returns {Context} */
  #makeContext() {
    const session = this;
    return {
      iceServers: [],
      roles: session.roles,
      source: (kind) => session.#sources[kind],
      get isHeld() {
        return session.isHeld;
      },
      get isConnected() {
        return session.#canSend();
      },
      newLeg: () => ++session.#legs,
      send: (message) => session.#send(message),
      changed: () => emit(session, 'change'),
      returnTimedOut: (participant) => session.#remove(participant),
    };
  }

  // ---- Own state

  #media() {
    return KINDS.filter((kind) => this.#sources[kind].track);
  }

  /** Announces the available kinds if they have changed. */
  #announceMedia() {
    const kinds = this.#media();
    if (kinds.join() === this.#announced || !this.#connection?.isOpen) return;
    this.#announced = kinds.join();
    this.#send({ type: 'media', kinds });
  }

  /** Returns the roles and kinds for a join message. */
  #announceRoles() {
    const media = this.#media();
    this.#announced = media.join();
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

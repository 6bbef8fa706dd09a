// How one gets into calls: by joining one, by calling others, by being called.

import { Emitter, emit } from '../emitter.js';
import { errorOf } from '../errors.js';
import { checkCallees } from './placing.js';
import { CallSession } from './call-session.js';
import { Connection, SILENCE } from './signalling.js';

/** @import { Roles } from '../call/options.js' */
/** @import { CallingError } from '../errors.js' */
/** @import { Identity, Message } from './signalling.js' */

/** After a lost connection, what still rings is told anew within this time, in milliseconds. */
const TOLD_ANEW = 1_000;

const GONE = {
  message: 'The call has ended before it was answered.',
  code: 'incoming-gone',
};

/**
 * Somebody calls. `ended` says why it rings no more: `cancelled`, `no-answer`,
 * `answered-elsewhere`, `declined-elsewhere`; null after it was answered or declined here.
 * @extends {Emitter<{ended: string | null}>}
 */
export class Ring extends Emitter {
  #endpoint;

  /**
   * @param {Endpoint} endpoint
   * @param {Message} message
   */
  constructor(endpoint, { call, user, displayName }) {
    super();
    this.#endpoint = endpoint;
    /** The call's name. @type {string} */
    this.call = call;
    /** Who calls. @type {string} */
    this.user = user;
    /** The name to show of who calls. @type {string | undefined} */
    this.displayName = displayName;
    this.isRinging = true;
  }

  /**
   * Answers, with a session from `Endpoint.sessionFor`. Others who call are not heard from then
   * on.
   * @param {CallSession} session
   */
  accept(session) {
    this.#endpoint.answer(this, session);
  }

  /** Declines, for all who wait as this user. */
  reject() {
    this.#endpoint.decline(this);
  }
}

/**
 * A user at a server.
 * `lost`: waiting for calls was refused, or became impossible.
 * @extends {Emitter<{state: void, ring: Ring, lost: CallingError}>}
 */
export class Endpoint extends Emitter {
  #identity;
  /** @type {Connection | null} */
  #connection = null;
  /** @type {{promise: Promise<void>, resolve: () => void, reject: (error: Error) => void} | null} */
  #listening = null;
  /** @type {{ring: Ring, session: CallSession} | null} */
  #answering = null;
  /** The calls that ring here, by name. @type {Map<string, Ring>} */
  #rings = new Map();
  /** Those of before the connection was lost that were not told anew. @type {Set<string>} */
  #doubtful = new Set();
  #doubtTimer = 0;
  /** Those that were declined while the connection was lost. @type {Set<string>} */
  #declined = new Set();

  /** @param {Identity} identity */
  constructor(identity) {
    super();
    this.#identity = identity;
    this.user = identity.user;
    /** Of waiting for calls. @type {'none' | 'connecting' | 'listening' | 'reconnecting'} */
    this.state = 'none';
  }

  /**
   * A session that enters the call of this name with `enter`.
   * @param {string} name
   * @param {Roles} [roles]
   */
  join(name, roles) {
    return new CallSession(this.#identity, { type: 'join', call: name }, roles);
  }

  /**
   * A session that calls these users with `enter`.
   * @param {string[]} callees
   * @param {Roles} [roles]
   */
  place(callees, roles) {
    checkCallees(callees, this.user);
    return new CallSession(this.#identity, { type: 'place', callees }, roles);
  }

  /**
   * A session that answers with `Ring.accept`.
   * @param {Ring} ring
   * @param {Roles} [roles]
   */
  sessionFor(ring, roles) {
    return new CallSession(this.#identity, { type: 'accept', call: ring.call }, roles);
  }

  /**
   * Has a session ask the server to get in.
   * @param {CallSession} session
   */
  enter(session) {
    if (session.state !== 'none') return;
    const connection = new Connection(this.#identity);
    session.use(connection);
    session.begin();
    connection.open();
  }

  /**
   * Waits for calls until one is answered or `stop` is called. Fulfilled once others can call;
   * rejected where that is refused or impossible.
   * @returns {Promise<void>}
   */
  listen() {
    if (this.#listening) return this.#listening.promise;
    const listening = withResolvers();
    // Whoever looks at the state need not look at the promise, too.
    listening.promise.catch(() => {});
    this.#listening = listening;
    this.#connection = new Connection(this.#identity);
    this.#connection.owner = {
      welcomed: () => this.#connection?.send({ type: 'listen' }),
      received: (message) => this.#received(message),
      lost: (refusal) => this.#lost(refusal),
    };
    this.#setState('connecting');
    this.#connection.open();
    return listening.promise;
  }

  /** Waits for calls no more. */
  stop() {
    this.#stop(null);
  }

  // ---- For Ring

  /**
   * @param {Ring} ring
   * @param {CallSession} session
   */
  answer(ring, session) {
    if (session.state !== 'none') return;
    session.begin();
    if (this.#answering) session.end('Another call is being answered.', 'busy');
    else if (!ring.isRinging) session.end(GONE.message, GONE.code);
    else {
      this.#answering = { ring, session };
      this.#connection?.send(session.entry);
    }
  }

  /** @param {Ring} ring */
  decline(ring) {
    if (!ring.isRinging) return;
    if (this.#connection?.isOpen) this.#connection.send({ type: 'reject', call: ring.call });
    else this.#declined.add(ring.call);
    this.#ended(ring, null);
  }

  // ---- The connection that listens

  /** @param {Message} message */
  #received(message) {
    switch (message.type) {
      case 'listening':
        return this.#isListening();
      case 'incoming':
        return this.#rung(message);
      case 'incoming-ended':
        return this.#ended(this.#rings.get(message.call), message.reason);
      case 'joined':
        return this.#joined(message);
      case 'error':
        if (message.code === 'incoming-gone') this.#gone(message);
        return undefined;
      default:
        // A later version's message.
        return undefined;
    }
  }

  #isListening() {
    if (this.#connection?.settled()) {
      for (const ring of this.#rings.values()) this.#ended(ring, 'cancelled');
    }
    this.#doubtful = new Set(this.#rings.keys());
    clearTimeout(this.#doubtTimer);
    this.#doubtTimer = setTimeout(() => {
      for (const call of this.#doubtful) this.#ended(this.#rings.get(call), 'cancelled');
    }, TOLD_ANEW);
    this.#setState('listening');
    this.#listening?.resolve();
  }

  /** @param {Message} message */
  #rung(message) {
    this.#doubtful.delete(message.call);
    // It was declined, or answered, while the connection was lost.
    if (this.#declined.delete(message.call)) {
      this.#connection?.send({ type: 'reject', call: message.call });
      return;
    }
    const answering = this.#answering;
    if (answering && answering.ring.call === message.call) {
      this.#connection?.send(answering.session.entry);
    }
    if (this.#rings.has(message.call)) return;
    const ring = new Ring(this, message);
    this.#rings.set(message.call, ring);
    emit(this, 'ring', ring);
  }

  /**
   * The connection is the answered call's from now on.
   * @param {Message} message
   */
  #joined(message) {
    if (!this.#answering || !this.#connection) return;
    const { ring, session } = this.#answering;
    const connection = this.#connection;
    this.#answering = null;
    this.#connection = null;
    this.#ended(ring, null);
    this.#stop(null);
    if (session.state === 'disconnected') {
      connection.send({ type: 'leave' });
      connection.close();
      return;
    }
    session.use(connection);
    connection.owner.received(message);
  }

  /**
   * What was to be answered or declined rings no more.
   * @param {Message} message
   */
  #gone({ message, code }) {
    if (!this.#answering) return;
    const { ring, session } = this.#answering;
    this.#answering = null;
    this.#ended(ring, 'cancelled');
    session.end(message, code);
  }

  /** @param {Message | null} refusal */
  #lost(refusal) {
    if (this.#answering && refusal) {
      const { session } = this.#answering;
      this.#answering = null;
      session.end(refusal.message, refusal.code);
    }
    if (this.state === 'connecting') return this.#stop(refusal ?? SILENCE);
    if (refusal && refusal.code !== 'limit-exceeded') return this.#stop(refusal);
    this.#setState('reconnecting');
    this.#connection?.retry();
  }

  /** @param {Message | null} refusal Null: it was asked for. */
  #stop(refusal) {
    clearTimeout(this.#doubtTimer);
    this.#connection?.send({ type: 'leave' });
    this.#connection?.close();
    this.#connection = null;
    const listening = this.#listening;
    this.#listening = null;
    this.#answering?.session.end(refusal?.message ?? null, refusal?.code);
    this.#answering = null;
    for (const ring of this.#rings.values()) this.#ended(ring, null);
    this.#setState('none');
    const error = errorOf(refusal?.code, refusal?.message ?? 'Waiting for calls was stopped.');
    listening?.reject(error);
    if (refusal) emit(this, 'lost', error);
  }

  // ---- Odds and ends

  /**
   * @param {Ring | undefined} ring
   * @param {string | null} reason
   */
  #ended(ring, reason) {
    if (!ring?.isRinging) return;
    ring.isRinging = false;
    this.#rings.delete(ring.call);
    this.#doubtful.delete(ring.call);
    emit(ring, 'ended', reason);
    const answering = this.#answering;
    if (!answering || answering.ring !== ring) return;
    this.#answering = null;
    answering.session.end(GONE.message, GONE.code);
  }

  /** @param {Endpoint['state']} state */
  #setState(state) {
    if (this.state === state) return;
    this.state = state;
    emit(this, 'state');
  }
}

/** A promise that is settled from outside. */
function withResolvers() {
  /** @type {() => void} */
  let resolve = () => {};
  /** @type {(error: Error) => void} */
  let reject = () => {};
  const promise = new Promise((/** @type {(value: void) => void} */ yes, no) => {
    resolve = yes;
    reject = no;
  });
  return { promise, resolve, reject };
}

// Joins calls: by name, by calling users, and by being called.

import { Emitter, emit } from '../emitter.js';
import { errorOf } from '../errors.js';
import { CallSession } from './call-session.js';
import { Connection, UNREACHABLE_ERROR } from './signalling.js';
import { checkCallees } from './target.js';

/** @import { Roles } from '../call/options.js' */
/** @import { CallingError } from '../errors.js' */
/** @import { Identity, Message } from './signalling.js' */

/** How soon after a reconnect the server announces what still rings, in milliseconds. */
const REANNOUNCED_WITHIN = 1_000;

const GONE = {
  message: 'The call has ended before it was answered.',
  code: 'incoming-gone',
};

/**
 * A call that rings here. `ended` says why it stopped: `cancelled`, `no-answer`,
 * `answered-elsewhere`, `declined-elsewhere`; null if it was answered or declined here.
 * @extends {Emitter<{ended: string | null}>}
 */
export class Incoming extends Emitter {
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
    /** The caller. @type {string} */
    this.user = user;
    /** The caller's name to show. @type {string | undefined} */
    this.displayName = displayName;
    this.isRinging = true;
  }

  /**
   * Answers the call with a session from `Endpoint.sessionFor`. This ends waiting for other calls.
   * @param {CallSession} session
   */
  accept(session) {
    this.#endpoint.answer(this, session);
  }

  /** Declines the call, for all connections of this user. */
  reject() {
    this.#endpoint.decline(this);
  }
}

/**
 * A user of a server.
 * `lost`: the server rejected listening, or the connection failed.
 * @extends {Emitter<{state: void, incoming: Incoming, lost: CallingError}>}
 */
export class Endpoint extends Emitter {
  #identity;
  /** @type {Connection | null} */
  #connection = null;
  /** @type {{promise: Promise<void>, resolve: () => void, reject: (error: Error) => void} | null} */
  #listening = null;
  /** @type {{incoming: Incoming, session: CallSession} | null} */
  #answering = null;
  /** The calls that ring here, by name. @type {Map<string, Incoming>} */
  #incoming = new Map();
  /** The calls that rang before a reconnect and were not announced since. @type {Set<string>} */
  #unconfirmed = new Set();
  #unconfirmedTimer = 0;
  /** The calls declined while the connection was lost. @type {Set<string>} */
  #declined = new Set();

  /** @param {Identity} identity */
  constructor(identity) {
    super();
    this.#identity = identity;
    this.user = identity.user;
    /** The state of listening. @type {'none' | 'connecting' | 'listening' | 'reconnecting'} */
    this.state = 'none';
  }

  /**
   * Creates a session that joins the call of this name in `enter`.
   * @param {string} name
   * @param {Roles} [roles]
   */
  join(name, roles) {
    return new CallSession(this.#identity, { type: 'join', call: name }, roles);
  }

  /**
   * Creates a session that calls these users in `enter`.
   * @param {string[]} callees
   * @param {Roles} [roles]
   */
  place(callees, roles) {
    checkCallees(callees, this.user);
    return new CallSession(this.#identity, { type: 'place', callees }, roles);
  }

  /**
   * Creates a session that answers the call in `Incoming.accept`.
   * @param {Incoming} incoming
   * @param {Roles} [roles]
   */
  sessionFor(incoming, roles) {
    return new CallSession(this.#identity, { type: 'accept', call: incoming.call }, roles);
  }

  /**
   * Connects a session to the server.
   * @param {CallSession} session
   */
  enter(session) {
    if (session.state !== 'none') return;
    const connection = new Connection(this.#identity);
    session.attach(connection);
    session.begin();
    connection.open();
  }

  /**
   * Waits for calls until one is answered or `stop` is called. Fulfilled as soon as others can
   * call; rejects if the server rejects it or cannot be reached.
   * @returns {Promise<void>}
   */
  listen() {
    if (this.#listening) return this.#listening.promise;
    const listening = withResolvers();
    // A caller may watch the state instead of the promise.
    listening.promise.catch(() => {});
    this.#listening = listening;
    this.#connection = new Connection(this.#identity);
    this.#connection.owner = {
      welcomed: () => this.#connection?.send({ type: 'listen' }),
      received: (message) => this.#handleMessage(message),
      lost: (rejection) => this.#handleLost(rejection),
    };
    this.#setState('connecting');
    this.#connection.open();
    return listening.promise;
  }

  /** Stops waiting for calls. */
  stop() {
    this.#stop(null);
  }

  // ---- For Incoming

  /**
   * @param {Incoming} incoming
   * @param {CallSession} session
   */
  answer(incoming, session) {
    if (session.state !== 'none') return;
    session.begin();
    if (this.#answering) session.end('Another call is being answered.', 'busy');
    else if (!incoming.isRinging) session.end(GONE.message, GONE.code);
    else {
      this.#answering = { incoming, session };
      this.#connection?.send(session.joinMessage);
    }
  }

  /** @param {Incoming} incoming */
  decline(incoming) {
    if (!incoming.isRinging) return;
    if (this.#connection?.isOpen) this.#connection.send({ type: 'reject', call: incoming.call });
    else this.#declined.add(incoming.call);
    this.#endIncoming(incoming, null);
  }

  // ---- The listening connection

  /** @param {Message} message */
  #handleMessage(message) {
    switch (message.type) {
      case 'listening':
        return this.#handleListening();
      case 'incoming':
        return this.#handleIncoming(message);
      case 'incoming-ended':
        return this.#endIncoming(this.#incoming.get(message.call), message.reason);
      case 'joined':
        return this.#handleJoined(message);
      case 'error':
        if (message.code === 'incoming-gone') this.#handleGone(message);
        return undefined;
      default:
        // A message of a later version.
        return undefined;
    }
  }

  #handleListening() {
    if (this.#connection?.confirm()) {
      for (const incoming of this.#incoming.values()) this.#endIncoming(incoming, 'cancelled');
    }
    this.#unconfirmed = new Set(this.#incoming.keys());
    clearTimeout(this.#unconfirmedTimer);
    this.#unconfirmedTimer = setTimeout(() => {
      for (const call of this.#unconfirmed) {
        this.#endIncoming(this.#incoming.get(call), 'cancelled');
      }
    }, REANNOUNCED_WITHIN);
    this.#setState('listening');
    this.#listening?.resolve();
  }

  /** @param {Message} message */
  #handleIncoming(message) {
    this.#unconfirmed.delete(message.call);
    // The user declined or answered it while the connection was lost.
    if (this.#declined.delete(message.call)) {
      this.#connection?.send({ type: 'reject', call: message.call });
      return;
    }
    const answering = this.#answering;
    if (answering && answering.incoming.call === message.call) {
      this.#connection?.send(answering.session.joinMessage);
    }
    if (this.#incoming.has(message.call)) return;
    const incoming = new Incoming(this, message);
    this.#incoming.set(message.call, incoming);
    emit(this, 'incoming', incoming);
  }

  /**
   * Hands the connection over to the answered call.
   * @param {Message} message
   */
  #handleJoined(message) {
    if (!this.#answering || !this.#connection) return;
    const { incoming, session } = this.#answering;
    const connection = this.#connection;
    this.#answering = null;
    this.#connection = null;
    this.#endIncoming(incoming, null);
    this.#stop(null);
    if (session.state === 'disconnected') {
      connection.send({ type: 'leave' });
      connection.close();
      return;
    }
    session.attach(connection);
    connection.owner.received(message);
  }

  /**
   * The call to be answered or declined has ended.
   * @param {Message} message
   */
  #handleGone({ message, code }) {
    if (!this.#answering) return;
    const { incoming, session } = this.#answering;
    this.#answering = null;
    this.#endIncoming(incoming, 'cancelled');
    session.end(message, code);
  }

  /** @param {Message | null} rejection */
  #handleLost(rejection) {
    if (this.#answering && rejection) {
      const { session } = this.#answering;
      this.#answering = null;
      session.end(rejection.message, rejection.code);
    }
    if (this.state === 'connecting') return this.#stop(rejection ?? UNREACHABLE_ERROR);
    if (rejection && rejection.code !== 'limit-exceeded') return this.#stop(rejection);
    this.#setState('reconnecting');
    this.#connection?.retry();
  }

  /** @param {Message | null} rejection Null if the application stopped it. */
  #stop(rejection) {
    clearTimeout(this.#unconfirmedTimer);
    this.#connection?.send({ type: 'leave' });
    this.#connection?.close();
    this.#connection = null;
    const listening = this.#listening;
    this.#listening = null;
    this.#answering?.session.end(rejection?.message ?? null, rejection?.code);
    this.#answering = null;
    for (const incoming of this.#incoming.values()) this.#endIncoming(incoming, null);
    this.#setState('none');
    const error = errorOf(rejection?.code, rejection?.message ?? 'The agent no longer listens.');
    listening?.reject(error);
    if (rejection) emit(this, 'lost', error);
  }

  // ---- Helpers

  /**
   * @param {Incoming | undefined} incoming
   * @param {string | null} reason
   */
  #endIncoming(incoming, reason) {
    if (!incoming?.isRinging) return;
    incoming.isRinging = false;
    this.#incoming.delete(incoming.call);
    this.#unconfirmed.delete(incoming.call);
    emit(incoming, 'ended', reason);
    const answering = this.#answering;
    if (!answering || answering.incoming !== incoming) return;
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

/** Returns a promise with its resolvers, like `Promise.withResolvers`. */
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

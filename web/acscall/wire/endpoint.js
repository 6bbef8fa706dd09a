// Joins calls: by name, by calling users, and by being called.

import { Emitter, emit } from '../emitter.js';
import { errorOf } from '../errors.js';
import { CallSession } from './call-session.js';
import { Incoming } from './incoming.js';
import { Connection, UNREACHABLE_ERROR } from './signalling.js';
import { checkCallees } from './target.js';

/** @import { Roles } from '../call/options.js' */
/** @import { CallingError } from '../errors.js' */
/** @import { IncomingEnd } from './incoming.js' */
/** @import { Identity, Message } from './signalling.js' */

/** How soon after a reconnect the server announces what still rings, in milliseconds. */
const REANNOUNCED_WITHIN = 1_000;

/** The rejections after which listening is retried; the latter is that of an answered call. */
const RETRIED = ['limit-exceeded', 'not-invited'];

/** The end of a session that answered too late. */
const GONE = {
  message: 'The call has ended before it was answered.',
  code: 'incoming-gone',
};

/**
 * The answer that the server has not confirmed yet.
 * @typedef {object} Answer
 * @property {Incoming} incoming
 * @property {CallSession} session
 * @property {boolean} isSent Whether the server may have received it.
 */

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
  /** @type {Answer | null} */
  #answering = null;
  /** The calls that ring here, by name. @type {Map<string, Incoming>} */
  #incoming = new Map();
  /** The calls that rang before a reconnect and were not announced since. @type {Set<string>} */
  #unconfirmed = new Set();
  #unconfirmedTimer = 0;
  /** The calls to decline once the server announces them again. @type {Set<string>} */
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
   * Connects a session to the server.
   * @param {CallSession} session
   */
  enter(session) {
    if (session.state !== 'none') return;
    if (this.#answering?.session === session) {
      session.begin();
      this.#sendAnswer();
      return;
    }
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
    this.#openConnection();
    return listening.promise;
  }

  /** Stops waiting for calls. */
  stop() {
    this.#stop(null);
  }

  // ---- For Incoming

  /**
   * Returns a session that answers the call in `enter`, which ends waiting for other calls.
   * @param {Incoming} incoming
   * @param {Roles} [roles]
   */
  answer(incoming, roles) {
    const session = new CallSession(
      this.#identity,
      { type: 'accept', call: incoming.call },
      roles,
    );
    if (incoming.state !== 'ringing') session.end(GONE.message, GONE.code);
    else if (this.#answering) session.end('Another call is being answered.', 'busy');
    else {
      incoming.state = 'answering';
      this.#answering = { incoming, session, isSent: false };
      session.on('state', () => {
        if (session.state === 'disconnected') this.#withdraw(session);
      });
    }
    return session;
  }

  /** @param {Incoming} incoming */
  decline(incoming) {
    if (incoming.state === 'ringing') {
      this.#reject(incoming.call);
      this.#endIncoming(incoming, 'declined');
    } else if (this.#answering?.incoming === incoming) {
      this.#answering.session.end(null);
    }
  }

  // ---- The listening connection

  #openConnection() {
    this.#connection = new Connection(this.#identity);
    this.#connection.owner = {
      welcomed: () => this.#handleWelcomed(),
      received: (message) => this.#handleMessage(message),
      lost: (rejection) => this.#handleLost(rejection),
    };
    this.#setState('connecting');
    this.#connection.open();
  }

  /** Leaves what the connection may have joined, and listens on a new one. */
  #listenAgain() {
    this.#connection?.send({ type: 'leave' });
    this.#connection?.close();
    this.#openConnection();
  }

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

  #handleWelcomed() {
    const answering = this.#answering;
    // The answer, or the server's reply to it, was lost with the last connection. In both cases the
    // user is invited.
    if (answering?.isSent) {
      this.#connection?.send({ ...answering.session.joinMessage, type: 'join' });
    } else {
      this.#connection?.send({ type: 'listen' });
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
    // It was answered while the connection was lost.
    if (this.#answering?.incoming.call === message.call) this.#sendAnswer();
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
    const answering = this.#answering;
    const connection = this.#connection;
    if (!answering || !connection) return;
    this.#answering = null;
    this.#connection = null;
    const { incoming, session } = answering;
    incoming.state = 'answered';
    this.#forget(incoming);
    emit(incoming, 'answered');
    this.#stop(null);
    session.attach(connection);
    connection.owner.received(message);
  }

  /**
   * The call to be answered or declined has ended.
   * @param {Message} message
   */
  #handleGone({ message, code }) {
    const answering = this.#answering;
    if (!answering) return;
    this.#answering = null;
    this.#endIncoming(answering.incoming, 'cancelled');
    answering.session.end(message, code);
  }

  /** @param {Message | null} rejection */
  #handleLost(rejection) {
    const answering = this.#answering;
    if (answering && rejection) {
      this.#answering = null;
      this.#endIncoming(answering.incoming, 'cancelled');
      answering.session.end(rejection.message, rejection.code);
    }
    if (this.state === 'connecting') return this.#stop(rejection ?? UNREACHABLE_ERROR);
    if (rejection && !RETRIED.includes(rejection.code)) return this.#stop(rejection);
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
    const answering = this.#answering;
    this.#answering = null;
    for (const incoming of this.#incoming.values()) this.#endIncoming(incoming, 'stopped');
    answering?.session.end(rejection?.message ?? null, rejection?.code);
    this.#setState('none');
    const error = errorOf(rejection?.code, rejection?.message ?? 'The agent no longer listens.');
    listening?.reject(error);
    if (rejection) emit(this, 'lost', error);
  }

  // ---- The end of incoming calls

  #sendAnswer() {
    if (!this.#answering || !this.#connection?.isOpen) return;
    this.#answering.isSent = true;
    this.#connection.send(this.#answering.session.joinMessage);
  }

  /**
   * Takes back the answer of a session that was hung up before the server confirmed it.
   * @param {CallSession} session
   */
  #withdraw(session) {
    const answering = this.#answering;
    if (answering?.session !== session) return;
    this.#answering = null;
    if (answering.isSent && this.#connection?.isOpen) this.#listenAgain();
    else this.#reject(answering.incoming.call);
    this.#endIncoming(answering.incoming, 'withdrawn');
  }

  /**
   * Declines this call, now or when the server announces it again.
   * @param {string} call
   */
  #reject(call) {
    if (this.#connection?.isOpen) this.#connection.send({ type: 'reject', call });
    else this.#declined.add(call);
  }

  /**
   * @param {Incoming | undefined} incoming
   * @param {IncomingEnd} reason
   */
  #endIncoming(incoming, reason) {
    if (!incoming || incoming.state === 'ended' || incoming.state === 'answered') return;
    incoming.state = 'ended';
    this.#forget(incoming);
    emit(incoming, 'ended', reason);
    const answering = this.#answering;
    if (answering?.incoming !== incoming) return;
    this.#answering = null;
    answering.session.end(GONE.message, GONE.code);
  }

  /** @param {Incoming} incoming */
  #forget(incoming) {
    this.#incoming.delete(incoming.call);
    this.#unconfirmed.delete(incoming.call);
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

// How one gets into calls: by joining one, by calling others, by being called.

import { Call } from './call.js';
import { checkCallees } from './placing.js';
import { Connection, UNREACHABLE, serverOfThisPage } from './signalling.js';

/** After a lost connection, what still rings is told anew within this time, in milliseconds. */
const TOLD_ANEW = 1_000;

/**
 * Somebody calls.
 *
 * Events: `ended` (`detail.reason`: `cancelled`, `no-answer`, `answered-elsewhere`,
 * `declined-elsewhere`; null after it was answered or declined here).
 */
export class IncomingCall extends EventTarget {
  #agent;

  constructor(agent, { call, user, displayName }) {
    super();
    this.#agent = agent;
    /** The call's name. */
    this.call = call;
    /** Who calls. */
    this.user = user;
    /** The name to show of who calls. */
    this.name = displayName || user;
    this.isRinging = true;
  }

  /**
   * Answers. Others who call are not heard from then on.
   * @returns {Call} on the way into it
   */
  accept() {
    return this.#agent.answer(this);
  }

  /** Declines, for all who wait as this user. */
  reject() {
    this.#agent.decline(this);
  }
}

/**
 * A user at a server.
 *
 * Events: `state`; `incoming` (`detail.incoming`, an `IncomingCall`).
 */
export class CallAgent extends EventTarget {
  #identity;
  /** @type {Connection | null} */
  #connection = null;
  /** @type {PromiseWithResolvers<void> | null} */
  #listening = null;
  /** @type {{incoming: IncomingCall, call: Call} | null} */
  #answering = null;
  /** Those of before the connection was lost that were not told anew. @type {Set<string>} */
  #doubtful = new Set();
  #doubtTimer = 0;
  /** Those that were declined while the connection was lost. @type {Set<string>} */
  #declined = new Set();

  /**
   * @param {object} options
   * @param {string} options.user
   * @param {string} [options.displayName]
   * @param {string} [options.token]
   * @param {string} [options.url] By default the server that this page is from.
   */
  constructor({ user, displayName, token, url = serverOfThisPage() }) {
    super();
    this.#identity = { user, displayName, token, url };
    this.user = user;
    /** Of waiting for calls: none, connecting, listening, reconnecting. */
    this.state = 'none';
    /** The calls that ring here, by name. @type {Map<string, IncomingCall>} */
    this.incoming = new Map();
    /** Why waiting ended though nobody asked for that, for people. @type {string | null} */
    this.endReason = null;
    /** The server's code for that, where it is one of its errors. @type {string | null} */
    this.endCode = null;
  }

  /**
   * Enters the call of this name.
   * @param {string} name
   */
  join(name) {
    return this.#open(new Call(this.#identity, { type: 'join', call: name }));
  }

  /**
   * Calls these users.
   * @param {string[]} callees
   */
  place(callees) {
    checkCallees(callees, this.user);
    return this.#open(new Call(this.#identity, { type: 'place', callees }));
  }

  /**
   * Waits for calls until one is answered or `stop` is called. Fulfilled once others can call;
   * rejected, with a message for people, where that is refused or impossible.
   * @returns {Promise<void>}
   */
  listen() {
    if (this.#listening) return this.#listening.promise;
    const listening = Promise.withResolvers();
    // Whoever looks at the state need not look at the promise, too.
    listening.promise.catch(() => {});
    this.#listening = listening;
    this.endReason = this.endCode = null;
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

  // ---- For IncomingCall

  /** @param {IncomingCall} incoming */
  answer(incoming) {
    const call = new Call(this.#identity, { type: 'accept', call: incoming.call });
    call.begin();
    if (this.#answering) call.end('Another call is being answered.');
    else if (!incoming.isRinging) call.end('The call has ended before it was answered.');
    else {
      this.#answering = { incoming, call };
      this.#connection?.send(call.entry);
    }
    return call;
  }

  /** @param {IncomingCall} incoming */
  decline(incoming) {
    if (!incoming.isRinging) return;
    if (this.#connection?.isOpen) this.#connection.send({ type: 'reject', call: incoming.call });
    else this.#declined.add(incoming.call);
    this.#ended(incoming, null);
  }

  // ---- The connection that listens

  #received(message) {
    switch (message.type) {
      case 'listening':
        return this.#isListening();
      case 'incoming':
        return this.#rings(message);
      case 'incoming-ended':
        return this.#ended(this.incoming.get(message.call), message.reason);
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
      for (const incoming of this.incoming.values()) this.#ended(incoming, 'cancelled');
    }
    this.#doubtful = new Set(this.incoming.keys());
    clearTimeout(this.#doubtTimer);
    this.#doubtTimer = setTimeout(() => {
      for (const call of this.#doubtful) this.#ended(this.incoming.get(call), 'cancelled');
    }, TOLD_ANEW);
    this.#setState('listening');
    this.#listening?.resolve();
  }

  #rings(message) {
    this.#doubtful.delete(message.call);
    // It was declined, or answered, while the connection was lost.
    if (this.#declined.delete(message.call)) {
      this.#connection?.send({ type: 'reject', call: message.call });
      return;
    }
    const answering = this.#answering;
    if (answering && answering.incoming.call === message.call) {
      this.#connection?.send(answering.call.entry);
    }
    if (this.incoming.has(message.call)) return;
    const incoming = new IncomingCall(this, message);
    this.incoming.set(message.call, incoming);
    this.#tell('incoming', { incoming });
  }

  /** The connection is the answered call's from now on. */
  #joined(message) {
    if (!this.#answering || !this.#connection) return;
    const { incoming, call } = this.#answering;
    const connection = this.#connection;
    this.#answering = null;
    this.#connection = null;
    this.#ended(incoming, null);
    this.#stop(null);
    if (call.state === 'disconnected') {
      connection.send({ type: 'leave' });
      connection.close();
      return;
    }
    call.use(connection);
    connection.owner.received(message);
  }

  /** What was to be answered or declined rings no more. */
  #gone({ message, code }) {
    if (!this.#answering) return;
    const { incoming, call } = this.#answering;
    this.#answering = null;
    this.#ended(incoming, 'cancelled');
    call.end(message, code);
  }

  #lost(refusal) {
    if (this.#answering && refusal) {
      const { call } = this.#answering;
      this.#answering = null;
      call.end(refusal.message, refusal.code);
    }
    if (this.state === 'connecting') {
      return this.#stop(refusal?.message ?? UNREACHABLE, refusal?.code);
    }
    if (refusal && refusal.code !== 'limit-exceeded') {
      return this.#stop(refusal.message, refusal.code);
    }
    this.#setState('reconnecting');
    this.#connection?.retry();
  }

  /**
   * @param {string | null} reason
   * @param {string | null} [code]
   */
  #stop(reason, code = null) {
    clearTimeout(this.#doubtTimer);
    this.#connection?.send({ type: 'leave' });
    this.#connection?.close();
    this.#connection = null;
    const listening = this.#listening;
    this.#listening = null;
    this.endReason = reason;
    this.endCode = code;
    this.#answering?.call.end(reason, code);
    this.#answering = null;
    for (const incoming of this.incoming.values()) this.#ended(incoming, null);
    this.#setState('none');
    listening?.reject(new Error(reason ?? 'Waiting for calls was stopped.'));
  }

  // ---- Odds and ends

  #ended(incoming, reason) {
    if (!incoming?.isRinging) return;
    incoming.isRinging = false;
    this.incoming.delete(incoming.call);
    this.#doubtful.delete(incoming.call);
    incoming.dispatchEvent(new CustomEvent('ended', { detail: { reason } }));
    const answering = this.#answering;
    if (!answering || answering.incoming !== incoming) return;
    this.#answering = null;
    answering.call.end('The call has ended before it was answered.');
  }

  #open(call) {
    const connection = new Connection(this.#identity);
    call.use(connection);
    call.begin();
    connection.open();
    return call;
  }

  #setState(state) {
    if (this.state === state) return;
    this.state = state;
    this.#tell('state');
  }

  #tell(type, detail) {
    this.dispatchEvent(new CustomEvent(type, { detail }));
  }
}

// A user who calls and is called.

import { Call } from './call.js';
import { parseOptions } from './call/options.js';
import { Emitter, emit } from './emitter.js';
import { CallingError } from './errors.js';
import { identifierOf, userOf } from './identifier.js';
import { IncomingCall } from './incoming-call.js';
import { Endpoint } from './wire/endpoint.js';

/** @import { CallOptions } from './call/options.js' */
/** @import { Updated } from './emitter.js' */
/** @import { UserIdentifier } from './identifier.js' */
/** @import { Ring } from './wire/endpoint.js' */
/** @import { CallSession } from './wire/call-session.js' */
/** @import { Identity } from './wire/signalling.js' */

/** @typedef {'Connected' | 'Disconnected'} ConnectionState */

/**
 * @typedef {object} ConnectionChange
 * @property {ConnectionState} newValue
 * @property {ConnectionState} oldValue
 * @property {'invalidToken' | 'connectionIssue'} [reason] Why it is disconnected: for good, or
 *   until the next attempt succeeds.
 * @property {CallingError} [error] The same, in more detail.
 */

/** @type {Record<number, ConnectionChange['reason']>} */
const REASONS = { 401: 'invalidToken', 403: 'invalidToken', 503: 'connectionIssue' };

/** Waiting before listening is tried again, in milliseconds: doubled from the first on. */
const RETRY_FIRST = 200;
const RETRY_MOST = 5_000;

/** @extends {Emitter<{incomingCall: {incomingCall: IncomingCall}, callsUpdated: Updated<Call>,
 *   connectionStateChanged: ConnectionChange}>} */
export class CallAgent extends Emitter {
  #identity;
  #endpoint;
  /** @type {readonly Call[]} */
  #calls = Object.freeze([]);
  /** @type {ConnectionState} */
  #connectionState = 'Disconnected';
  #isDisposed = false;
  #retryDelay = RETRY_FIRST;
  #retryTimer = 0;
  // Whoever closes the page is gone at once, not after the time to come back.
  #onPageHide = (/** @type {PageTransitionEvent} */ { persisted }) => {
    if (!persisted) this.dispose();
  };

  /**
   * @internal
   * @param {Identity} identity
   */
  constructor(identity) {
    super();
    this.#identity = identity;
    this.#endpoint = new Endpoint(identity);
    this.#endpoint.on('ring', (ring) => this.#rings(ring));
    this.#endpoint.on('state', () => {
      if (this.#endpoint.state === 'listening') {
        this.#retryDelay = RETRY_FIRST;
        this.#setConnected();
      }
      if (this.#endpoint.state === 'reconnecting') this.#setConnected(issue());
    });
    this.#endpoint.on('lost', (error) => this.#lost(error));
    addEventListener('pagehide', this.#onPageHide);
  }

  /** The calls that are not over. */
  get calls() {
    return this.#calls;
  }

  /** The name that others are shown. */
  get displayName() {
    return this.#identity.displayName;
  }

  get user() {
    return identifierOf(this.#identity.user);
  }

  /** Whether calls can come in, or are going on. */
  get connectionState() {
    return this.#connectionState;
  }

  /**
   * Waits for calls, whenever there is none: who is in a call is busy.
   * @internal
   */
  async listen() {
    await this.#endpoint.listen();
  }

  /**
   * Calls somebody, or several.
   * @param {UserIdentifier | UserIdentifier[]} participants
   * @param {CallOptions} [options]
   * @returns {Call}
   */
  startCall(participants, options) {
    const roles = this.#check(options);
    const users = [participants].flat().map(userOf);
    return this.#enter(this.#endpoint.place(users, roles), options);
  }

  /**
   * Enters the call of a name.
   * @param {{groupId: string}} locator
   * @param {CallOptions} [options]
   * @returns {Call}
   */
  join(locator, options) {
    const roles = this.#check(options);
    const { groupId } = Object(locator);
    if (typeof groupId !== 'string' || !groupId) {
      throw new CallingError(400, 'Say which call to join: join({groupId: name}).');
    }
    return this.#enter(this.#endpoint.join(groupId, roles), options);
  }

  /** Hangs up, and waits for calls no more. */
  async dispose() {
    this.#isDisposed = true;
    removeEventListener('pagehide', this.#onPageHide);
    clearTimeout(this.#retryTimer);
    this.#endpoint.stop();
    await Promise.all(this.#calls.map((call) => call.hangUp()));
    this.#setConnected(new CallingError(400, 'The agent was disposed.'));
  }

  // ---- Calls

  /** @param {CallOptions} [options] */
  #check(options) {
    if (this.#isDisposed) throw new CallingError(400, 'The agent was disposed. Make another one.');
    return parseOptions(options).roles;
  }

  /**
   * @param {CallSession} session
   * @param {CallOptions} [options]
   */
  #enter(session, options) {
    // Not at once, so that whoever listens from now on hears of each state.
    queueMicrotask(() => this.#endpoint.enter(session));
    clearTimeout(this.#retryTimer);
    this.#endpoint.stop();
    return this.#add(session, new Call(session, 'Outgoing', {}, options));
  }

  /** @param {Ring} ring */
  #rings(ring) {
    /** @type {IncomingCall} */
    const incomingCall = new IncomingCall(ring, (ring, options) => {
      const session = this.#endpoint.sessionFor(ring, this.#check(options));
      queueMicrotask(() => ring.accept(session));
      return this.#add(session, new Call(session, 'Incoming', incomingCall.callerInfo, options));
    });
    emit(this, 'incomingCall', { incomingCall });
  }

  /**
   * @param {CallSession} session
   * @param {Call} call
   */
  #add(session, call) {
    session.on('state', () => {
      if (session.state === 'connected') this.#setConnected();
      if (session.state === 'disconnected') this.#remove(call);
    });
    session.on('connection', () => {
      this.#setConnected(session.reconnecting ? issue() : undefined);
    });
    this.#update([...this.#calls, call]);
    return call;
  }

  /** @param {Call} call */
  #remove(call) {
    this.#update(this.#calls.filter((one) => one !== call));
    if (!this.#calls.length) this.#listenAgain();
  }

  /** @param {Call[]} calls */
  #update(calls) {
    const before = this.#calls;
    this.#calls = Object.freeze(calls);
    const added = calls.filter((call) => !before.includes(call));
    const removed = before.filter((call) => !calls.includes(call));
    emit(this, 'callsUpdated', { added, removed });
  }

  // ---- Waiting for calls

  #listenAgain() {
    if (!this.#isDisposed && !this.#calls.length) this.#endpoint.listen();
  }

  /** @param {CallingError} error */
  #lost(error) {
    this.#setConnected(error);
    if (error.code !== 503 && error.code !== 429) return;
    clearTimeout(this.#retryTimer);
    this.#retryTimer = setTimeout(() => this.#listenAgain(), this.#retryDelay);
    this.#retryDelay = Math.min(2 * this.#retryDelay, RETRY_MOST);
  }

  /** @param {CallingError} [error] Why it is not. */
  #setConnected(error) {
    const oldValue = this.#connectionState;
    const newValue = error ? 'Disconnected' : 'Connected';
    if (newValue === oldValue) return;
    this.#connectionState = newValue;
    const reason = REASONS[error?.code ?? 0];
    emit(this, 'connectionStateChanged', { newValue, oldValue, reason, error });
  }
}

function issue() {
  return new CallingError(503, 'The connection to the server is lost, and tried again.');
}

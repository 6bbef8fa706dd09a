// A user who makes and receives calls.

import { Call } from './call.js';
import { parseOptions } from './call/options.js';
import { Emitter, emit } from './emitter.js';
import { CallingError } from './errors.js';
import { featuresOf } from './features.js';
import { identifierOf, userOf } from './identifier.js';
import { IncomingCall } from './incoming-call.js';
import { proxyable } from './proxies.js';
import { Endpoint } from './wire/endpoint.js';

/** @import { CallOptions } from './call/options.js' */
/** @import { Updated } from './emitter.js' */
/** @import { FeatureFactory } from './features.js' */
/** @import { UserIdentifier } from './identifier.js' */
/** @import { Incoming } from './wire/incoming.js' */
/** @import { CallSession } from './wire/call-session.js' */
/** @import { Identity } from './wire/signalling.js' */

/** @typedef {'Connected' | 'Disconnected'} ConnectionState */

/**
 * @typedef {object} ConnectionChange
 * @property {ConnectionState} newValue
 * @property {ConnectionState} oldValue
 * @property {'invalidToken' | 'connectionIssue'} [reason] Why the agent is disconnected:
 *   permanently, or until the next attempt succeeds.
 * @property {CallingError} [error] The same cause in more detail.
 */

/** @type {Record<number, ConnectionChange['reason']>} */
const REASONS = { 401: 'invalidToken', 403: 'invalidToken', 503: 'connectionIssue' };

/** The delay before listening is retried, in milliseconds; it doubles with each attempt. */
const RETRY_DELAY_MIN = 200;
const RETRY_DELAY_MAX = 5_000;

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
  #features = featuresOf();
  #retryDelay = RETRY_DELAY_MIN;
  #retryTimer = 0;
  /** Whether the page is hidden for good or in the back-forward cache. */
  #isSuspended = false;
  // Leaves at once. The others would see a page in the cache as a frozen participant.
  #onPageHide = () => this.#suspend();
  #onPageShow = () => this.#resume();

  static {
    proxyable(this);
  }

  /**
   * @internal
   * @param {Identity} identity
   */
  constructor(identity) {
    super(['incomingCall', 'callsUpdated', 'connectionStateChanged']);
    this.#identity = identity;
    this.#endpoint = new Endpoint(identity);
    this.#endpoint.on('incoming', (incoming) => this.#handleIncoming(incoming));
    this.#endpoint.on('state', () => {
      if (this.#endpoint.state === 'listening') {
        this.#retryDelay = RETRY_DELAY_MIN;
        this.#setConnected();
      }
      if (this.#endpoint.state === 'reconnecting') this.#setConnected(issue());
    });
    this.#endpoint.on('lost', (error) => this.#handleLost(error));
    addEventListener('pagehide', this.#onPageHide);
    addEventListener('pageshow', this.#onPageShow);
  }

  /** @type {'CallAgent'} */
  get kind() {
    return 'CallAgent';
  }

  /** The calls that have not ended. */
  get calls() {
    return this.#calls;
  }

  /** The name shown to others. */
  get displayName() {
    return this.#identity.displayName;
  }

  get user() {
    return identifierOf(this.#identity.user);
  }

  /** Whether calls can arrive or are in progress. */
  get connectionState() {
    return this.#connectionState;
  }

  /**
   * Waits for calls whenever there is none: a user in a call is busy.
   * @internal
   */
  async listen() {
    await this.#endpoint.listen();
  }

  /**
   * Calls one or more users.
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
   * Joins the call with this name.
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

  /**
   * Returns one of the `Features` of the calling SDK, all of which are unsupported here.
   * @param {FeatureFactory} factory
   */
  feature(factory) {
    return this.#features(factory);
  }

  /** Hangs up and stops waiting for calls. */
  async dispose() {
    this.#isDisposed = true;
    removeEventListener('pagehide', this.#onPageHide);
    removeEventListener('pageshow', this.#onPageShow);
    await this.#leave();
    this.#setConnected(new CallingError(400, 'The agent was disposed.'));
  }

  // ---- Calls

  /** @param {CallOptions} [options] */
  #check(options) {
    if (this.#isDisposed) throw new CallingError(400, 'The agent was disposed. Create a new one.');
    return parseOptions(options).roles;
  }

  /**
   * @param {CallSession} session
   * @param {CallOptions} [options]
   */
  #enter(session, options) {
    this.#enterLater(session);
    clearTimeout(this.#retryTimer);
    this.#endpoint.stop();
    return this.#add(session, new Call(session, 'Outgoing', {}, options));
  }

  /** @param {CallSession} session */
  #enterLater(session) {
    // So that a listener added right after the return of the call sees every state.
    queueMicrotask(() => this.#endpoint.enter(session));
  }

  /** @param {Incoming} incoming */
  #handleIncoming(incoming) {
    /** @type {IncomingCall} */
    const incomingCall = new IncomingCall(incoming, (incoming, options) => {
      const session = incoming.answer(this.#check(options));
      this.#enterLater(session);
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
    if (this.#isDisposed || this.#isSuspended || this.#calls.length) return;
    this.#endpoint.listen();
  }

  /** Leaves all calls and stops waiting for others. */
  async #leave() {
    clearTimeout(this.#retryTimer);
    this.#endpoint.stop();
    await Promise.all(this.#calls.map((call) => call.hangUp()));
  }

  #suspend() {
    this.#isSuspended = true;
    this.#leave();
    this.#setConnected(new CallingError(503, 'The user has left the page.'));
  }

  #resume() {
    if (!this.#isSuspended) return;
    this.#isSuspended = false;
    this.#listenAgain();
  }

  /** @param {CallingError} error */
  #handleLost(error) {
    this.#setConnected(error);
    if (error.code !== 503 && error.code !== 429) return;
    clearTimeout(this.#retryTimer);
    this.#retryTimer = setTimeout(() => this.#listenAgain(), this.#retryDelay);
    this.#retryDelay = Math.min(2 * this.#retryDelay, RETRY_DELAY_MAX);
  }

  /** @param {CallingError} [error] Why the agent is disconnected. */
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
  return new CallingError(503, 'The connection to the server was lost. Reconnecting.');
}

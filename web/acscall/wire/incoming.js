// A call that rings here.

import { Emitter } from '../emitter.js';

/** @import { Roles } from '../call/options.js' */
/** @import { CallSession } from './call-session.js' */
/** @import { Endpoint } from './endpoint.js' */
/** @import { Message } from './signalling.js' */

/**
 * The states of an incoming call:
 *
 * - `ringing`: it can be answered or declined
 * - `answering`: it was answered here, and the server has not confirmed that yet
 * - `answered`: its session is in the call
 * - `ended`: it ended without having connected
 *
 * @typedef {'ringing' | 'answering' | 'answered' | 'ended'} IncomingState
 */

/**
 * Why a call ended without having connected: the server's reasons, `declined` here, `withdrawn` if
 * the answer was taken back, or `stopped` if this user stopped listening.
 * @typedef {'cancelled' | 'no-answer' | 'answered-elsewhere' | 'declined-elsewhere' | 'declined' |
 *   'withdrawn' | 'stopped'} IncomingEnd
 */

/**
 * A call that rings here. `Endpoint` changes its state.
 * @extends {Emitter<{ended: IncomingEnd, answered: void}>}
 */
export class Incoming extends Emitter {
  #endpoint;
  /** @type {IncomingState} */
  state = 'ringing';

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
  }

  /**
   * Answers the call. Returns its session, which `Endpoint.enter` connects.
   * @param {Roles} [roles]
   * @returns {CallSession}
   */
  answer(roles) {
    return this.#endpoint.answer(this, roles);
  }

  /** Declines the call, for all connections of this user, or takes an answer back. */
  decline() {
    this.#endpoint.decline(this);
  }
}
